#include "storage/adapters/ledger_internal.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLANK_DIR "ledger.new"

enum { BOOK_VERSION = 1, BOOK_BYTES = 2 + 8 + 8 + IDS_HASH_BYTES + 8 + IDS_HASH_BYTES };

int ledger_error(int lmdb_result)
{
    switch (lmdb_result) {
    case MDB_SUCCESS:
        return 0;
    case MDB_NOTFOUND:
        return -ENOENT;
    case MDB_MAP_FULL:
        return -ENOSPC;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
    case MDB_CURSOR_FULL:
        return -EUCLEAN;
    case MDB_PANIC:
        return -EIO;
    default:
        return lmdb_result > 0 ? -lmdb_result : -EINVAL;
    }
}

void ledger_explain(char *why, size_t why_bytes, const char *en, const char *ja)
{
    if (why != NULL && why_bytes > 0) {
        (void)snprintf(why, why_bytes, "%s\n%s", en, ja);
    }
}

void ledger_key_from_lsn(uint64_t lsn, uint8_t key[LEDGER_LSN_KEY_BYTES])
{
    struct bytes_writer writer = bytes_writer_over(key, LEDGER_LSN_KEY_BYTES);

    bytes_put_u64(&writer, lsn);
}

uint64_t ledger_lsn_from_key(const uint8_t key[LEDGER_LSN_KEY_BYTES])
{
    struct bytes_reader reader = bytes_reader_over(key, LEDGER_LSN_KEY_BYTES);

    return bytes_get_u64(&reader);
}

/* ---- the book: what the ledger knows of itself, in every transaction
 * ----------------------------- */

int ledger_book_read(struct ledger *ledger, MDB_txn *txn, struct ledger_book *ret_book)
{
    MDB_val key = {sizeof(LEDGER_BOOK_NAME) - 1, LEDGER_BOOK_NAME};
    MDB_val value;
    int r = ledger_error(mdb_get(txn, ledger->metas, &key, &value));

    if (r < 0) {
        return r;
    }
    struct bytes_reader reader = bytes_reader_over(value.mv_data, value.mv_size);
    struct ledger_book book = {0};
    uint16_t version = bytes_get_u16(&reader);
    book.first_lsn = bytes_get_u64(&reader);
    book.last_lsn = bytes_get_u64(&reader);
    bytes_get(&reader, book.head.bytes, sizeof(book.head.bytes));
    book.txn_id = bytes_get_u64(&reader);
    bytes_get(&reader, book.other_meta.bytes, sizeof(book.other_meta.bytes));
    if (version != BOOK_VERSION) {
        return -EPROTONOSUPPORT; /* of another program: not damage, and not to be put aside */
    }
    if (!bytes_finished(&reader)) {
        return -EUCLEAN;
    }
    *ret_book = book;
    return 0;
}

/* Fills in what ties this transaction to the one before: its id, and the page that it leaves alone.
 */
int ledger_book_write(struct ledger *ledger, MDB_txn *txn, struct ledger_book *book)
{
    struct ledger_raw_meta other;
    mdb_filehandle_t fd = -1;
    uint8_t bytes[BOOK_BYTES];
    struct bytes_writer writer = bytes_writer_over(bytes, sizeof(bytes));

    CHECK(mdb_env_get_fd(ledger->env, &fd) == 0);
    book->txn_id = mdb_txn_id(txn);
    int r = ledger_meta_read(fd, (unsigned)(1 - book->txn_id % LEDGER_META_PAGES), &other);
    if (r < 0) {
        return r;
    }
    crypto_hash(ledger->commit_crypto, other.bytes, sizeof(other.bytes), NULL, 0,
                &book->other_meta);
    bytes_put_u16(&writer, BOOK_VERSION);
    bytes_put_u64(&writer, book->first_lsn);
    bytes_put_u64(&writer, book->last_lsn);
    bytes_put(&writer, book->head.bytes, sizeof(book->head.bytes));
    bytes_put_u64(&writer, book->txn_id);
    bytes_put(&writer, book->other_meta.bytes, sizeof(book->other_meta.bytes));
    CHECK(!writer.failed);

    MDB_val key = {sizeof(LEDGER_BOOK_NAME) - 1, LEDGER_BOOK_NAME};
    MDB_val value = {writer.len_bytes, bytes};
    return ledger_error(mdb_put(txn, ledger->metas, &key, &value, 0));
}

uint64_t ledger_end_bytes(const struct ledger *ledger)
{
    MDB_envinfo info;

    CHECK(mdb_env_info(ledger->env, &info) == 0);
    return (uint64_t)(info.me_last_pgno + 1) * ledger->page_bytes;
}

/* Pages that LMDB will use again. Its list of them is database 0. */
int ledger_count_free(struct ledger *ledger, MDB_txn *txn, uint64_t *ret_pages)
{
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val value;
    uint64_t pages = 0;
    int r = ledger_error(mdb_cursor_open(txn, 0, &cursor));

    if (r < 0) {
        return r;
    }
    while ((r = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == MDB_SUCCESS) {
        size_t count = 0;
        if (value.mv_size < sizeof(count)) {
            r = MDB_CORRUPTED;
            break;
        }
        memcpy(&count, value.mv_data, sizeof(count));
        if (count > value.mv_size / sizeof(count)) {
            r = MDB_CORRUPTED;
            break;
        }
        pages += count;
    }
    mdb_cursor_close(cursor);
    if (r != MDB_NOTFOUND) {
        return ledger_error(r);
    }
    (void)ledger;
    *ret_pages = pages;
    return 0;
}

/* ---- reading ------------------------------------------------------------------------------------
 */

/* The raw meta page is taken while it still is that of the commit which the reader sees; the writer
 * would need two more commits in between to make another try necessary. */
static int reader_view(struct ledger *ledger)
{
    mdb_filehandle_t fd = -1;

    CHECK(mdb_env_get_fd(ledger->env, &fd) == 0);
    for (unsigned i = 0; i < LEDGER_READER_TRIES; i++) {
        int r = ledger->reader != NULL
                    ? mdb_txn_renew(ledger->reader)
                    : mdb_txn_begin(ledger->env, NULL, MDB_RDONLY, &ledger->reader);
        if (r != 0) {
            return ledger_error(r);
        }
        uint64_t txn_id = mdb_txn_id(ledger->reader);
        r = ledger_meta_read(fd, (unsigned)(txn_id % LEDGER_META_PAGES), &ledger->reader_meta);
        if (r == 0 && ledger->reader_meta.txn_id == txn_id) {
            return 0;
        }
        mdb_txn_reset(ledger->reader);
        if (r < 0) {
            return r;
        }
    }
    return -EUCLEAN;
}

/* Nested readers share the outermost one's view, so what a callback reads fits what it was given.
 */
int ledger_reader_begin(struct ledger *ledger, MDB_txn **ret_txn)
{
    int r = ledger->reader_depth == 0 ? reader_view(ledger) : 0;

    if (r < 0) {
        return r;
    }
    ledger->reader_depth++;
    *ret_txn = ledger->reader;
    return 0;
}

void ledger_reader_end(struct ledger *ledger)
{
    CHECK(ledger->reader_depth > 0);
    if (--ledger->reader_depth == 0) {
        mdb_txn_reset(ledger->reader);
    }
}

int ledger_hash_at(struct ledger *ledger, MDB_txn *txn, uint64_t lsn, struct ids_hash *ret_hash)
{
    uint8_t raw[LEDGER_LSN_KEY_BYTES];
    MDB_val key = {sizeof(raw), raw};
    MDB_val value;

    if (lsn == 0) {
        *ret_hash = (struct ids_hash){0};
        return 0;
    }
    ledger_key_from_lsn(lsn, raw);
    int r = ledger_error(mdb_get(txn, ledger->entries, &key, &value));
    if (r < 0) {
        return r;
    }
    if (value.mv_size < ENTRY_BYTES_MIN || value.mv_size > ENTRY_BYTES_MAX) {
        return -EUCLEAN;
    }
    memcpy(ret_hash->bytes, (const uint8_t *)value.mv_data + value.mv_size - IDS_HASH_BYTES,
           IDS_HASH_BYTES);
    return 0;
}

static int each_of(struct ledger *ledger, MDB_dbi database, ledger_each_fn *each, void *context)
{
    MDB_txn *txn = NULL;
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val value;
    int r = ledger_reader_begin(ledger, &txn);

    if (r < 0) {
        return r;
    }
    r = mdb_cursor_open(txn, database, &cursor);
    while (r == MDB_SUCCESS &&
           (r = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == MDB_SUCCESS) {
        if (!each(context, key.mv_data, key.mv_size, value.mv_data, value.mv_size)) {
            break;
        }
    }
    if (cursor != NULL) {
        mdb_cursor_close(cursor);
    }
    ledger_reader_end(ledger);
    return r == MDB_NOTFOUND ? 0 : ledger_error(r);
}

int ledger_read_rows(struct ledger *ledger, ledger_each_fn *each, void *context)
{
    return each_of(ledger, ledger->rows, each, context);
}

int ledger_read_archive(struct ledger *ledger, ledger_each_fn *each, void *context)
{
    return each_of(ledger, ledger->archive, each, context);
}

static int copy_out(const MDB_val *value, uint8_t *bytes, size_t capacity_bytes,
                    size_t *ret_len_bytes)
{
    if (value->mv_size > capacity_bytes) {
        return -ENOBUFS;
    }
    memcpy(bytes, value->mv_data, value->mv_size);
    *ret_len_bytes = value->mv_size;
    return 0;
}

int ledger_read_meta(struct ledger *ledger, const char *name, uint8_t *bytes, size_t capacity_bytes,
                     size_t *ret_len_bytes)
{
    MDB_val key = {strlen(name), (void *)name};
    MDB_val value;
    MDB_txn *txn = NULL;

    if (key.mv_size == 0 || key.mv_size > LEDGER_META_NAME_BYTES_MAX) {
        return -EINVAL;
    }
    int r = ledger_reader_begin(ledger, &txn);
    if (r < 0) {
        return r;
    }
    r = ledger_error(mdb_get(txn, ledger->metas, &key, &value));
    if (r == 0) {
        r = copy_out(&value, bytes, capacity_bytes, ret_len_bytes);
    }
    ledger_reader_end(ledger);
    return r;
}

struct one_entry {
    uint8_t *bytes;
    size_t capacity_bytes;
    size_t len_bytes;
    int result;
};

static bool take_one_entry(void *context, const uint8_t *key, size_t key_len_bytes,
                           const uint8_t *value, size_t value_len_bytes)
{
    struct one_entry *one = context;
    MDB_val found = {value_len_bytes, (void *)value};

    (void)key;
    (void)key_len_bytes;
    one->result = copy_out(&found, one->bytes, one->capacity_bytes, &one->len_bytes);
    return false;
}

int ledger_read_entry(struct ledger *ledger, uint64_t lsn, uint8_t *bytes, size_t capacity_bytes,
                      size_t *ret_len_bytes)
{
    struct one_entry one = {.bytes = bytes, .capacity_bytes = capacity_bytes, .result = -ENOENT};
    int r = ledger_read_entries(ledger, lsn, lsn, take_one_entry, &one);

    if (r < 0) {
        return r;
    }
    if (one.result < 0) {
        return one.result;
    }
    *ret_len_bytes = one.len_bytes;
    return 0;
}

/* ---- one transaction ----------------------------------------------------------------------------
 */

static int put_all(MDB_txn *txn, MDB_dbi database, const struct ledger_put *puts, size_t count,
                   unsigned flags)
{
    for (size_t i = 0; i < count; i++) {
        MDB_val key = {puts[i].key_len_bytes, (void *)puts[i].key};
        MDB_val value = {puts[i].value_len_bytes, (void *)puts[i].value};
        int r = 0;
        if (puts[i].value == NULL) {
            r = mdb_del(txn, database, &key, NULL);
            r = r == MDB_NOTFOUND ? 0 : r;
        } else {
            r = mdb_put(txn, database, &key, &value, flags);
        }
        if (r != 0) {
            return ledger_error(r);
        }
    }
    return 0;
}

static int truncate_from(struct ledger *ledger, MDB_txn *txn, uint64_t from_lsn,
                         struct ledger_book *book)
{
    struct ids_hash previous;
    struct ledger_tail tail = {0};
    int r = ledger_hash_at(ledger, txn, from_lsn - 1, &previous);

    if (r == 0) {
        r = ledger_tail_begin(ledger, txn, from_lsn, &previous, &tail);
    }
    for (uint64_t lsn = from_lsn; r == 0 && lsn <= book->last_lsn; lsn++) {
        uint8_t raw[LEDGER_LSN_KEY_BYTES];
        MDB_val key = {sizeof(raw), raw};
        MDB_val value;
        ledger_key_from_lsn(lsn, raw);
        r = ledger_error(mdb_get(txn, ledger->entries, &key, &value));
        if (r == 0) {
            r = ledger_tail_put(ledger, txn, &tail, &value);
        }
        if (r == 0) {
            r = ledger_error(mdb_del(txn, ledger->entries, &key, NULL));
        }
    }
    if (r == 0) {
        r = ledger_tail_end(ledger, txn, &tail);
    }
    if (r == 0) {
        book->head = previous;
        book->last_lsn = from_lsn - 1;
        book->first_lsn = book->last_lsn == 0 ? 0 : book->first_lsn;
    }
    return r == -ENOENT ? -EUCLEAN : r;
}

static void txn_abort(MDB_txn **txn)
{
    if (*txn != NULL) {
        mdb_txn_abort(*txn);
    }
}

static int txn_fill(struct ledger *ledger, MDB_txn *txn, const struct ledger_batch *batch,
                    struct ledger_book *book)
{
    int r = 0;

    if (batch->truncate_from_lsn != 0 && batch->truncate_from_lsn <= book->last_lsn) {
        r = truncate_from(ledger, txn, batch->truncate_from_lsn, book);
    }
    if (r == 0 && batch->clear_rows) {
        r = ledger_error(mdb_drop(txn, ledger->rows, 0));
    }
    if (r == 0) {
        r = put_all(txn, ledger->rows, batch->rows, batch->row_count, 0);
    }
    if (r == 0) {
        r = put_all(txn, ledger->metas, batch->metas, batch->meta_count, 0);
    }
    if (r == 0) {
        r = put_all(txn, ledger->entries, batch->entries, batch->entry_count, MDB_APPEND);
    }
    if (r == 0 && batch->entry_count > 0) {
        const struct ledger_put *last = &batch->entries[batch->entry_count - 1];
        memcpy(book->head.bytes, last->value + last->value_len_bytes - IDS_HASH_BYTES,
               IDS_HASH_BYTES);
        book->last_lsn = ledger_lsn_from_key(last->key);
        book->first_lsn = book->first_lsn == 0 ? 1 : book->first_lsn;
    }
    return r < 0 ? r : ledger_book_write(ledger, txn, book);
}

int ledger_txn_end(struct ledger *ledger, MDB_txn *txn)
{
    uint64_t txn_id = mdb_txn_id(txn);
    struct ledger_raw_meta before = {0};
    int known = ledger->read_only ? -EROFS : ledger_meta_before(ledger, txn_id, &before);
    int r = ledger_error(mdb_txn_commit(txn)); /* frees it, also when it fails */

    if (r < 0 && known == 0) {
        ledger_meta_put_back(ledger, txn_id, &before);
    }
    return r < 0 || ledger->read_only ? r : ledger_meta_seal(ledger, txn_id);
}

int ledger_txn_commit(struct ledger *ledger, const struct ledger_batch *batch)
{
    __attribute__((cleanup(txn_abort))) MDB_txn *txn = NULL;
    struct ledger_book book = ledger->book;
    int r = ledger_error(mdb_txn_begin(ledger->env, NULL, 0, &txn));

    if (r == 0) {
        r = txn_fill(ledger, txn, batch, &book);
    }
    if (r == 0) {
        r = ledger_step(ledger);
    }
    if (r < 0) {
        return r;
    }
    MDB_txn *ending = txn;
    txn = NULL;
    r = ledger_txn_end(ledger, ending);
    ledger->flushes += LEDGER_FLUSHES_PER_COMMIT;
    if (r < 0) {
        return r;
    }
    ledger->commits++;
    ledger->book = book;
    return 0;
}

/* ---- open and close -----------------------------------------------------------------------------
 */

int ledger_databases_open(struct ledger *ledger)
{
    static const char *const names[LEDGER_DATABASES] = {"entries", "rows", "meta", "archive"};
    MDB_dbi *const handles[LEDGER_DATABASES] = {&ledger->entries, &ledger->rows, &ledger->metas,
                                                &ledger->archive};
    __attribute__((cleanup(txn_abort))) MDB_txn *txn = NULL;
    int r =
        ledger_error(mdb_txn_begin(ledger->env, NULL, ledger->read_only ? MDB_RDONLY : 0, &txn));

    for (unsigned i = 0; r == 0 && i < LEDGER_DATABASES; i++) {
        r = ledger_error(
            mdb_dbi_open(txn, names[i], ledger->read_only ? 0 : MDB_CREATE, handles[i]));
    }
    if (r == 0) {
        r = ledger_book_read(ledger, txn, &ledger->book);
        if (r == -ENOENT && !ledger->read_only && mdb_txn_id(txn) == 1) {
            r = ledger_book_write(ledger, txn, &ledger->book);
        }
    }
    if (r < 0) {
        return r == -ENOENT ? -EUCLEAN : r;
    }
    MDB_txn *ending = txn;
    txn = NULL;
    return ledger_txn_end(ledger, ending);
}

int ledger_env_open(struct ledger *ledger)
{
    char path[LEDGER_PATH_BYTES];
    struct stat file;
    MDB_stat stat;
    mdb_filehandle_t fd = -1;
    int stale = 0;
    int n = snprintf(path, sizeof(path), "%s/%s", ledger->data_dir, ledger->name);

    if (n < 0 || (size_t)n >= sizeof(path)) {
        return -ENAMETOOLONG;
    }
    int r = mdb_env_create(&ledger->env);
    if (r == 0) {
        r = mdb_env_set_maxdbs(ledger->env, LEDGER_DATABASES);
    }
    if (r == 0 && !ledger->read_only) {
        r = mdb_env_set_mapsize(ledger->env, ledger->map_size_bytes);
    }
    if (r == 0) {
        /* NOTLS: a reader belongs to the struct, not to the thread that opened it. */
        r = mdb_env_open(ledger->env, path, MDB_NOTLS | (ledger->read_only ? MDB_RDONLY : 0), 0600);
    }
    if (r == 0) {
        r = mdb_reader_check(ledger->env, &stale);
    }
    if (r == 0) {
        r = mdb_env_stat(ledger->env, &stat);
    }
    if (r == 0) {
        r = mdb_env_get_fd(ledger->env, &fd);
    }
    if (r != 0) {
        return ledger_error(r);
    }
    if (fstat(fd, &file) < 0) {
        return -errno;
    }
    MDB_envinfo info;
    CHECK(mdb_env_info(ledger->env, &info) == 0);
    ledger->map_size_bytes = info.me_mapsize;
    ledger->page_bytes = stat.ms_psize;
    ledger->file_bytes = (uint64_t)file.st_size;
    return 0;
}

int ledger_structure_check(struct ledger *ledger, char *why, size_t why_bytes)
{
    MDB_txn *txn = NULL;
    uint64_t free_pages = 0;
    uint64_t bad_page = 0;
    int r = ledger_reader_begin(ledger, &txn);

    if (r < 0) {
        return r;
    }
    r = ledger_pages_check(ledger, &free_pages, &bad_page);
    ledger_reader_end(ledger);
    if (r == -EUCLEAN) {
        char en[LEDGER_WHY_BYTES / 2];
        char ja[LEDGER_WHY_BYTES / 2];
        (void)snprintf(en, sizeof(en), "the structure of the ledger's file is damaged at page %llu",
                       (unsigned long long)bad_page);
        (void)snprintf(ja, sizeof(ja), "台帳のファイルの構造がページ%lluで壊れています。",
                       (unsigned long long)bad_page);
        ledger_explain(why, why_bytes, en, ja);
    }
    ledger->free_pages = free_pages;
    return r;
}

/* Everything after the environment is open that can still say "damaged". */
static int contents_check(struct ledger *ledger, char *why, size_t why_bytes)
{
    MDB_txn *txn = NULL;
    struct ids_hash head = {0};
    int r = ledger_meta_check_book(ledger, why, why_bytes);

    if (r < 0) {
        return r;
    }
    r = ledger_reader_begin(ledger, &txn);
    if (r < 0) {
        return r;
    }
    r = ledger_pages_check_entries(ledger, ledger->book.last_lsn, UINT64_MAX);
    if (r == 0) {
        r = ledger_hash_at(ledger, txn, ledger->book.last_lsn, &head);
    }
    ledger_reader_end(ledger);
    if (r == -ENOENT || r == -EUCLEAN || (r == 0 && !ids_hash_equal(&head, &ledger->book.head))) {
        char en[LEDGER_WHY_BYTES / 2];
        char ja[LEDGER_WHY_BYTES / 2];
        (void)snprintf(en, sizeof(en), "the last entry of the ledger, %llu, is missing or changed",
                       (unsigned long long)ledger->book.last_lsn);
        (void)snprintf(ja, sizeof(ja), "台帳の最後の記録(%llu番)がないか、書き換えられています。",
                       (unsigned long long)ledger->book.last_lsn);
        ledger_explain(why, why_bytes, en, ja);
        return -EUCLEAN;
    }
    return r;
}

static int cannot_open(int r, char *why, size_t why_bytes)
{
    char en[LEDGER_WHY_BYTES / 2];

    (void)snprintf(en, sizeof(en), "the ledger cannot be opened: %s",
                   r == -EUCLEAN ? "its structure is damaged" : strerror(-r));
    ledger_explain(why, why_bytes, en,
                   r == -EUCLEAN ? "台帳の構造が壊れているため、開けません。"
                                 : "台帳を開けません。ディスクを確認してください。");
    return r;
}

static int open_steps(struct ledger *ledger, char *why, size_t why_bytes)
{
    int r = ledger_dirs_open(ledger, why, why_bytes);

    if (r == 0) {
        r = ledger_meta_check_file(ledger, why, why_bytes);
    }
    if (r < 0) {
        return r;
    }
    ledger_explain(why, why_bytes, "", "");
    r = ledger_env_open(ledger);
    if (r == 0 && !ledger->read_only) {
        /* LMDB flushes what is in its file, never the name of it. */
        r = ledger_dir_sync(ledger, ledger->ledger_dir_fd);
    }
    if (r == 0) {
        r = ledger_structure_check(ledger, why, why_bytes);
        if (r == -EUCLEAN) {
            return r;
        }
    }
    if (r == 0 && !ledger->read_only) {
        r = ledger_file_extend(ledger, LEDGER_HEADROOM_BYTES);
    }
    if (r == 0) {
        r = ledger_databases_open(ledger);
    }
    if (r < 0) {
        return cannot_open(r, why, why_bytes);
    }
    r = contents_check(ledger, why, why_bytes);
    if (r < 0 && r != -EUCLEAN) { /* damage says itself what it is */
        return cannot_open(r, why, why_bytes);
    }
    if (r < 0 || ledger->read_only) {
        return r;
    }
    ledger_figures_update(ledger);
    r = ledger_writer_start(ledger);
    if (r < 0) {
        ledger_explain(why, why_bytes, "the writer thread cannot be started",
                       "書き込み用のスレッドを開始できません。");
    }
    return r;
}

int ledger_blank_init(struct ledger *ledger)
{
    pthread_condattr_t monotonic;

    *ledger = (struct ledger){
        .name = "ledger",
        .data_dir_fd = -1,
        .ledger_dir_fd = -1,
        .keys_dir_fd = -1,
        .record_dir_fd = -1,
        .completion_fd = -1,
        .outgoing_fd = -1,
        .incoming = {.dir_fd = -1, .data_fd = -1, .progress_fd = -1},
        .reader_crypto = crypto_create(),
        .commit_crypto = crypto_create(),
    };
    if (ledger->reader_crypto == NULL || ledger->commit_crypto == NULL) {
        crypto_destroy(ledger->reader_crypto);
        crypto_destroy(ledger->commit_crypto);
        return -ENOMEM;
    }
    (void)pthread_mutex_init(&ledger->commit_lock, NULL);
    (void)pthread_mutex_init(&ledger->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&ledger->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    return 0;
}

void ledger_env_finish(struct ledger *ledger)
{
    if (ledger->reader != NULL) {
        mdb_txn_abort(ledger->reader);
    }
    if (ledger->env != NULL) {
        mdb_env_close(ledger->env);
    }
    ledger->reader = NULL;
    ledger->env = NULL;
    (void)pthread_cond_destroy(&ledger->wake);
    (void)pthread_mutex_destroy(&ledger->lock);
    (void)pthread_mutex_destroy(&ledger->commit_lock);
    crypto_destroy(ledger->reader_crypto);
    crypto_destroy(ledger->commit_crypto);
}

/* LMDB writes the first pages of a new file in one piece and flushes them later: a power cut in between would
 * leave what can only be called damaged, on a unit that never held anything. */
int ledger_blank_create(struct ledger *ledger)
{
    struct ledger fresh;
    int r = ledger_tree_remove(ledger->data_dir_fd, BLANK_DIR);

    if (r == 0 && mkdirat(ledger->data_dir_fd, BLANK_DIR, 0700) < 0) {
        r = -errno;
    }
    r = r < 0 ? r : ledger_blank_init(&fresh);
    if (r < 0) {
        return r;
    }
    fresh.name = BLANK_DIR;
    fresh.data_dir = ledger->data_dir;
    fresh.map_size_bytes = ledger->map_size_bytes;
    r = ledger_env_open(&fresh);
    if (r == 0) {
        r = ledger_databases_open(&fresh);
    }
    ledger_env_finish(&fresh);
    __attribute__((cleanup(ledger_fd_close))) int fd =
        openat(ledger->data_dir_fd, BLANK_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r == 0) {
        r = fd < 0 ? -errno : ledger_dir_sync(ledger, fd);
    }
    if (r == 0 && renameat(ledger->data_dir_fd, BLANK_DIR, ledger->data_dir_fd, ledger->name) < 0) {
        r = -errno;
    }
    return r; /* data_dir is flushed by whoever opens it */
}

int ledger_open(const struct ledger_options *options, struct ledger **ret_ledger, char *why,
                size_t why_bytes)
{
    struct ledger *ledger = malloc(sizeof(*ledger));

    ledger_explain(why, why_bytes, "out of memory", "メモリーが足りません。");
    if (ledger == NULL) {
        return -ENOMEM;
    }
    if (ledger_blank_init(ledger) < 0) {
        free(ledger);
        return -ENOMEM;
    }
    ledger->read_only = options->read_only;
    ledger->map_size_bytes =
        options->map_size_bytes == 0 ? LEDGER_MAP_BYTES_DEFAULT : options->map_size_bytes;
    ledger->data_dir = strdup(options->data_dir);
    ledger->record_dir = strdup(options->record_dir);

    int r = ledger->data_dir == NULL || ledger->record_dir == NULL
                ? -ENOMEM
                : open_steps(ledger, why, why_bytes);
    if (r < 0) {
        ledger_close(ledger);
        return r;
    }
    ledger_explain(why, why_bytes, "", "");
    *ret_ledger = ledger;
    return 0;
}

void ledger_close(struct ledger *ledger)
{
    if (ledger == NULL) {
        return;
    }
    ledger_writer_stop(ledger);
    ledger_worker_stop(ledger);
    ledger_incoming_close(ledger);
    if (ledger->env != NULL && !ledger->read_only) {
        (void)mdb_env_sync(ledger->env, 1); /* the newest seal */
    }
    ledger_env_finish(ledger);
    ledger_fd_close(&ledger->outgoing_fd);
    ledger_fd_close(&ledger->completion_fd);
    ledger_fd_close(&ledger->record_dir_fd);
    ledger_fd_close(&ledger->keys_dir_fd);
    ledger_fd_close(&ledger->ledger_dir_fd);
    ledger_fd_close(&ledger->data_dir_fd);
    free(ledger->record_dir);
    free(ledger->data_dir);
    free(ledger);
}
