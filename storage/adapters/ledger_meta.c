#include "storage/adapters/ledger_internal.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * LMDB 0.9 trusts its two meta pages except for their magic and version (mdb.c mdb_env_read_header,
 * mdb_env_pick_meta), and keeps no checksum of anything. A flipped bit in a transaction number
 * would silently take back the newest commit; a file cut short ends in SIGBUS. So the pages are
 * read here with pread before LMDB maps the file, and every commit writes down what the other page
 * looked like (ledger_book), which ties the pages to each other. Layout of struct MDB_meta, native
 * byte order: page header 16 bytes | u32 magic | u32 version | address | map size | free database
 * (pad = page size first) 48 | main database 48 | last page | transaction
 */
enum {
    RAW_PAGE_HEADER_BYTES = 16,
    RAW_AT_MAGIC = 0,
    RAW_AT_VERSION = 4,
    RAW_AT_PAGE_BYTES = 24,
    RAW_AT_LAST_PAGE = 120,
    RAW_AT_TXN = 128,
    RAW_VERSION = 1,
    SEAL_AT = 256, /* from the page's beginning */
    SEAL_BYTES = 8 + IDS_HASH_BYTES,
    PAGE_BYTES_MAX = 32768,
    CHECK_TRIES = 16,
};
static const uint32_t raw_magic = 0xBEEFC0DEu;

int ledger_meta_read(int fd, unsigned index, struct ledger_raw_meta *ret_meta)
{
    struct ledger_raw_meta meta;
    long page_bytes = sysconf(_SC_PAGESIZE);
    ssize_t n = pread(fd, meta.bytes, sizeof(meta.bytes),
                      (off_t)index * page_bytes + RAW_PAGE_HEADER_BYTES);

    if (n < 0) {
        return -errno;
    }
    if (n != (ssize_t)sizeof(meta.bytes)) {
        return -EUCLEAN;
    }
    memcpy(&meta.magic, meta.bytes + RAW_AT_MAGIC, sizeof(meta.magic));
    memcpy(&meta.version, meta.bytes + RAW_AT_VERSION, sizeof(meta.version));
    memcpy(&meta.page_bytes, meta.bytes + RAW_AT_PAGE_BYTES, sizeof(meta.page_bytes));
    memcpy(&meta.last_page, meta.bytes + RAW_AT_LAST_PAGE, sizeof(meta.last_page));
    memcpy(&meta.txn_id, meta.bytes + RAW_AT_TXN, sizeof(meta.txn_id));
    *ret_meta = meta;
    return 0;
}

static int damaged(char *why, size_t why_bytes, const char *en, const char *ja)
{
    ledger_explain(why, why_bytes, en, ja);
    return -EUCLEAN;
}

int ledger_meta_seal(struct ledger *ledger, uint64_t txn_id)
{
    struct ledger_raw_meta meta = {0};
    struct ids_hash hash;
    mdb_filehandle_t fd = -1;
    uint8_t bytes[SEAL_BYTES];
    struct bytes_writer writer = bytes_writer_over(bytes, sizeof(bytes));
    unsigned index = (unsigned)(txn_id % LEDGER_META_PAGES);

    CHECK(mdb_env_get_fd(ledger->env, &fd) == 0);
    int r = ledger_meta_read(fd, index, &meta);
    if (r < 0 || meta.txn_id != txn_id) {
        return r; /* a transaction without changes writes no meta page */
    }
    crypto_hash(ledger->commit_crypto, meta.bytes, sizeof(meta.bytes), NULL, 0, &hash);
    bytes_put_u64(&writer, txn_id);
    bytes_put(&writer, hash.bytes, sizeof(hash.bytes));
    return ledger_file_write(fd, bytes, sizeof(bytes), index * ledger->page_bytes + SEAL_AT);
}

int ledger_meta_before(const struct ledger *ledger, uint64_t txn_id,
                       struct ledger_raw_meta *ret_meta)
{
    mdb_filehandle_t fd = -1;

    CHECK(mdb_env_get_fd(ledger->env, &fd) == 0);
    return ledger_meta_read(fd, (unsigned)(txn_id % LEDGER_META_PAGES), ret_meta);
}

void ledger_meta_put_back(const struct ledger *ledger, uint64_t txn_id,
                          const struct ledger_raw_meta *before)
{
    unsigned index = (unsigned)(txn_id % LEDGER_META_PAGES);
    struct ledger_raw_meta now = {0};
    mdb_filehandle_t fd = -1;

    CHECK(mdb_env_get_fd(ledger->env, &fd) == 0);
    if (ledger_meta_read(fd, index, &now) == 0 &&
        memcmp(now.bytes, before->bytes, sizeof(now.bytes)) != 0) {
        (void)ledger_file_write(fd, before->bytes, sizeof(before->bytes),
                                index * ledger->page_bytes + RAW_PAGE_HEADER_BYTES);
    }
}

/* A seal of this commit must fit; an older one says nothing; a later one cannot be. */
static bool seal_fits(struct crypto *crypto, int fd, unsigned index,
                      const struct ledger_raw_meta *meta)
{
    uint8_t bytes[SEAL_BYTES];
    struct ids_hash stored;
    struct ids_hash hash;
    off_t at = (off_t)index * sysconf(_SC_PAGESIZE) + SEAL_AT;

    if (pread(fd, bytes, sizeof(bytes), at) != (ssize_t)sizeof(bytes)) {
        return false;
    }
    struct bytes_reader reader = bytes_reader_over(bytes, sizeof(bytes));
    uint64_t txn_id = bytes_get_u64(&reader);
    bytes_get(&reader, stored.bytes, sizeof(stored.bytes));
    crypto_hash(crypto, meta->bytes, sizeof(meta->bytes), NULL, 0, &hash);
    return txn_id < meta->txn_id || (txn_id == meta->txn_id && ids_hash_equal(&hash, &stored)) ||
           (txn_id == 0 && meta->txn_id == 0);
}

static int metas_check(struct crypto *crypto, int fd, uint64_t file_bytes, char *why,
                       size_t why_bytes)
{
    struct ledger_raw_meta metas[LEDGER_META_PAGES] = {0};
    uint64_t end_bytes = 0;

    for (unsigned i = 0; i < LEDGER_META_PAGES; i++) {
        int r = ledger_meta_read(fd, i, &metas[i]);
        if (r == -EUCLEAN) {
            return damaged(why, why_bytes, "the ledger's file is cut short within its first pages",
                           "台帳のファイルが先頭の部分で途切れています。");
        }
        if (r < 0) {
            return r;
        }
        if (metas[i].magic != raw_magic || metas[i].version != RAW_VERSION ||
            metas[i].page_bytes != (uint32_t)sysconf(_SC_PAGESIZE) ||
            (metas[i].txn_id != 0 && metas[i].txn_id % LEDGER_META_PAGES != i) ||
            !seal_fits(crypto, fd, i, &metas[i])) {
            char en[LEDGER_WHY_BYTES / 2];
            char ja[LEDGER_WHY_BYTES / 2];
            (void)snprintf(en, sizeof(en), "meta page %u of the ledger's file is damaged", i);
            (void)snprintf(ja, sizeof(ja), "台帳のファイルの管理ページ%uが壊れています。", i);
            return damaged(why, why_bytes, en, ja);
        }
        uint64_t pages = metas[i].last_page + 1;
        uint64_t page_end =
            pages > UINT64_MAX / PAGE_BYTES_MAX ? UINT64_MAX : pages * metas[i].page_bytes;
        end_bytes = page_end > end_bytes ? page_end : end_bytes;
    }
    uint64_t newest = metas[0].txn_id > metas[1].txn_id ? metas[0].txn_id : metas[1].txn_id;
    uint64_t oldest = metas[0].txn_id > metas[1].txn_id ? metas[1].txn_id : metas[0].txn_id;
    if (newest - oldest > 1) {
        return damaged(why, why_bytes,
                       "the two meta pages of the ledger's file do not fit together",
                       "台帳のファイルの二つの管理ページがつながっていません。");
    }
    if (end_bytes > file_bytes) {
        char en[LEDGER_WHY_BYTES / 2];
        char ja[LEDGER_WHY_BYTES / 2];
        (void)snprintf(en, sizeof(en),
                       "the ledger's file is cut short: %" PRIu64 " bytes of %" PRIu64 " are there",
                       file_bytes, end_bytes);
        (void)snprintf(ja, sizeof(ja),
                       "台帳のファイルが途切れています(%" PRIu64 "/%" PRIu64 "バイト)。",
                       file_bytes, end_bytes);
        return damaged(why, why_bytes, en, ja);
    }
    return 0;
}

/* Before LMDB maps the file. A file that is not there, or empty, is a new ledger. */
int ledger_meta_check_file(struct ledger *ledger, char *why, size_t why_bytes)
{
    __attribute__((cleanup(ledger_fd_close))) int fd =
        openat(ledger->ledger_dir_fd, "data.mdb", O_RDONLY | O_CLOEXEC);
    struct stat file;
    int r = 0;

    if (fd < 0) {
        return errno == ENOENT && !ledger->read_only ? 0 : -errno;
    }
    /* A tool may read between the two writes of a running daemon: damage stays, that does not. */
    for (unsigned i = 0; i < CHECK_TRIES; i++) {
        if (fstat(fd, &file) < 0) {
            return -errno;
        }
        if (file.st_size == 0) {
            return 0;
        }
        r = metas_check(ledger->reader_crypto, fd, (uint64_t)file.st_size, why, why_bytes);
        if (r == 0) {
            break;
        }
    }
    return r;
}

static int book_check_once(struct ledger *ledger, struct crypto *crypto)
{
    struct ledger_raw_meta other = {0};
    struct ledger_book book = {0};
    struct ids_hash hash;
    mdb_filehandle_t fd = -1;
    MDB_txn *txn = NULL;
    int r = ledger_reader_begin(ledger, &txn);

    if (r < 0) {
        return r;
    }
    uint64_t txn_id = mdb_txn_id(txn);
    r = ledger_book_read(ledger, txn, &book);
    ledger_reader_end(ledger);
    if (r < 0) {
        return r == -ENOENT ? -EUCLEAN : r;
    }
    CHECK(mdb_env_get_fd(ledger->env, &fd) == 0);
    r = ledger_meta_read(fd, (unsigned)(1 - txn_id % LEDGER_META_PAGES), &other);
    if (r < 0) {
        return r;
    }
    crypto_hash(crypto, other.bytes, sizeof(other.bytes), NULL, 0, &hash);
    ledger->book = book;
    if (ledger->read_only && book.txn_id == txn_id && other.txn_id > txn_id) {
        return 0; /* the daemon committed meanwhile: the other page is its newest now */
    }
    return book.txn_id == txn_id && ids_hash_equal(&hash, &book.other_meta) ? 0 : -EUCLEAN;
}

/* The newest transaction must be the one that wrote the book, and must remember the other page. */
int ledger_meta_check_book(struct ledger *ledger, char *why, size_t why_bytes)
{
    int r = 0;

    for (unsigned i = 0; i < CHECK_TRIES; i++) {
        r = book_check_once(ledger, ledger->reader_crypto);
        if (r != -EUCLEAN) {
            return r;
        }
    }
    return damaged(
        why, why_bytes,
        "a meta page of the ledger's file is damaged: the newest commit cannot be trusted",
        "台帳のファイルの管理ページが壊れていて、最新の記録を信用できません。");
}
