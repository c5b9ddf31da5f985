#include "storage/adapters/ledger_internal.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

/*
 * How the new ledger takes the old one's place, so that a power cut anywhere leaves one whole
 * ledger: ledger.incoming/progress   being received: INCOMPLETE, whatever else is there
 *   ledger.incoming/complete   received and verified: the next open puts it in place
 *   ledger/complete            in place; what is called ledger.incoming/ is the old one, to be
 * removed progress becomes complete by one rename, incoming becomes ledger by one exchange.
 */
#define INCOMING_DIR "ledger.incoming"
#define DAMAGED_DIR "ledger.damaged"
#define OUTGOING_DIR "snapshot.outgoing"

enum { PROGRESS_BYTES = 8 + IDS_HASH_BYTES + 8, PROGRESS_AT_SYNCED = 8 + IDS_HASH_BYTES };

static bool present(int dir_fd, const char *path)
{
    return faccessat(dir_fd, path, F_OK, 0) == 0;
}

static int named_dir_sync(int at_fd, const char *path)
{
    __attribute__((cleanup(ledger_fd_close))) int fd =
        openat(at_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        return -errno;
    }
    return fsync(fd) < 0 ? -errno : 0;
}

static int put_in_place(int data_dir_fd)
{
    int r = renameat2(data_dir_fd, INCOMING_DIR, data_dir_fd, "ledger", RENAME_EXCHANGE);

    if (r < 0 && errno == ENOENT) { /* there is no old one */
        r = renameat(data_dir_fd, INCOMING_DIR, data_dir_fd, "ledger");
    }
    if (r < 0) {
        return -errno;
    }
    return fsync(data_dir_fd) < 0 ? -errno : 0;
}

/* At open, before anything looks into ledger/. */
int ledger_incoming_settle(struct ledger *ledger)
{
    int fd = ledger->data_dir_fd;
    int r = ledger_tree_remove(fd, OUTGOING_DIR);

    if (r == 0 && present(fd, INCOMING_DIR "/complete")) {
        r = put_in_place(fd);
    }
    if (r == 0 && present(fd, "ledger/complete")) {
        r = ledger_tree_remove(fd, INCOMING_DIR);
        if (r == 0 && unlinkat(fd, "ledger/complete", 0) < 0) {
            r = -errno;
        }
        if (r == 0) {
            r = named_dir_sync(fd, "ledger");
        }
    }
    if (r < 0) {
        return r;
    }
    ledger->incomplete = present(fd, INCOMING_DIR "/progress");
    return ledger->incomplete ? 0 : ledger_tree_remove(fd, INCOMING_DIR);
}

/* ---- receiving ----------------------------------------------------------------------------------
 */

static int progress_note(struct ledger_incoming *incoming)
{
    uint8_t bytes[8];
    struct bytes_writer writer = bytes_writer_over(bytes, sizeof(bytes));

    if (fdatasync(incoming->data_fd) < 0) {
        return -errno;
    }
    /* Not flushed itself: an older figure is only a longer way. */
    bytes_put_u64(&writer, incoming->have_bytes);
    int r = ledger_file_write(incoming->progress_fd, bytes, sizeof(bytes), PROGRESS_AT_SYNCED);
    if (r == 0) {
        incoming->synced_bytes = incoming->have_bytes;
    }
    return r;
}

static void incoming_fds_close(struct ledger_incoming *incoming)
{
    ledger_fd_close(&incoming->data_fd);
    ledger_fd_close(&incoming->progress_fd);
    ledger_fd_close(&incoming->dir_fd);
}

void ledger_incoming_close(struct ledger *ledger)
{
    if (ledger->incoming.data_fd >= 0) {
        (void)progress_note(&ledger->incoming);
    }
    incoming_fds_close(&ledger->incoming);
}

static int incoming_throw_away(struct ledger *ledger)
{
    incoming_fds_close(&ledger->incoming);
    ledger->incomplete = false;
    return ledger_tree_remove(ledger->data_dir_fd, INCOMING_DIR);
}

/* What an earlier begin of the same file left; -ENOENT: nothing that can be used. */
static int incoming_resume(struct ledger *ledger, struct ledger_incoming *incoming)
{
    uint8_t bytes[PROGRESS_BYTES];
    struct ids_hash hash;
    struct stat data;

    incoming->dir_fd =
        openat(ledger->data_dir_fd, INCOMING_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (incoming->dir_fd < 0) {
        return -ENOENT;
    }
    incoming->progress_fd = openat(incoming->dir_fd, "progress", O_RDWR | O_CLOEXEC);
    incoming->data_fd = openat(incoming->dir_fd, "data.mdb", O_RDWR | O_CLOEXEC);
    if (incoming->progress_fd < 0 || incoming->data_fd < 0 ||
        pread(incoming->progress_fd, bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes) ||
        fstat(incoming->data_fd, &data) < 0) {
        return -ENOENT;
    }
    struct bytes_reader reader = bytes_reader_over(bytes, sizeof(bytes));
    uint64_t size_bytes = bytes_get_u64(&reader);
    bytes_get(&reader, hash.bytes, sizeof(hash.bytes));
    uint64_t synced_bytes = bytes_get_u64(&reader);
    if (size_bytes != incoming->size_bytes || !ids_hash_equal(&hash, &incoming->file_hash) ||
        synced_bytes > size_bytes || synced_bytes > (uint64_t)data.st_size) {
        return -ENOENT;
    }
    incoming->have_bytes = incoming->synced_bytes = synced_bytes;
    return 0;
}

static int incoming_create(struct ledger *ledger, struct ledger_incoming *incoming)
{
    uint8_t bytes[PROGRESS_BYTES];
    struct bytes_writer writer = bytes_writer_over(bytes, sizeof(bytes));

    incoming_fds_close(incoming);
    int r = ledger_tree_remove(ledger->data_dir_fd, INCOMING_DIR);
    if (r == 0 && mkdirat(ledger->data_dir_fd, INCOMING_DIR, 0700) < 0) {
        r = -errno;
    }
    if (r < 0) {
        return r;
    }
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC;
    incoming->dir_fd =
        openat(ledger->data_dir_fd, INCOMING_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    incoming->progress_fd = openat(ledger->data_dir_fd, INCOMING_DIR "/progress", flags, 0600);
    incoming->data_fd = openat(ledger->data_dir_fd, INCOMING_DIR "/data.mdb", flags, 0600);
    if (incoming->dir_fd < 0 || incoming->progress_fd < 0 || incoming->data_fd < 0) {
        return -errno;
    }
    incoming->have_bytes = incoming->synced_bytes = 0;
    bytes_put_u64(&writer, incoming->size_bytes);
    bytes_put(&writer, incoming->file_hash.bytes, sizeof(incoming->file_hash.bytes));
    bytes_put_u64(&writer, 0);
    r = ledger_file_write(incoming->progress_fd, bytes, sizeof(bytes), 0);
    if (r == 0 && (fsync(incoming->progress_fd) < 0 || fsync(incoming->dir_fd) < 0 ||
                   fsync(ledger->data_dir_fd) < 0)) {
        r = -errno;
    }
    return r;
}

static int refuse(const struct ledger *ledger)
{
    if (ledger->read_only) {
        return -EROFS;
    }
    return ledger->worker != NULL ? -EBUSY : 0;
}

static bool was_replaced(struct ledger *ledger)
{
    (void)pthread_mutex_lock(&ledger->lock);
    bool replaced = ledger->failed == -ESTALE;
    (void)pthread_mutex_unlock(&ledger->lock);
    return replaced;
}

int ledger_incoming_begin(struct ledger *ledger, uint64_t size_bytes,
                          const struct ids_hash *file_hash, uint64_t *ret_have_bytes)
{
    int r = was_replaced(ledger) ? -ESTALE : refuse(ledger);

    if (r < 0) {
        return r;
    }
    ledger_incoming_close(ledger);
    ledger->incoming.size_bytes = size_bytes;
    ledger->incoming.file_hash = *file_hash;
    r = incoming_resume(ledger, &ledger->incoming);
    if (r == -ENOENT) {
        r = incoming_create(ledger, &ledger->incoming);
    }
    if (r < 0) {
        incoming_fds_close(&ledger->incoming);
        return r;
    }
    ledger->incomplete = true;
    *ret_have_bytes = ledger->incoming.have_bytes;
    return 0;
}

int ledger_incoming_write(struct ledger *ledger, uint64_t offset_bytes, const uint8_t *bytes,
                          size_t len_bytes)
{
    struct ledger_incoming *incoming = &ledger->incoming;
    int r = refuse(ledger);

    if (r < 0) {
        return r;
    }
    if (incoming->data_fd < 0 || offset_bytes > incoming->have_bytes ||
        len_bytes > incoming->size_bytes - offset_bytes) {
        return -EINVAL;
    }
    if (offset_bytes + len_bytes <= incoming->have_bytes) {
        return 0;
    }
    r = ledger_file_write(incoming->data_fd, bytes, len_bytes, offset_bytes);
    if (r < 0) {
        return r;
    }
    /* Begun now, so that the flush every few megabytes finds little left to wait for. */
    (void)sync_file_range(incoming->data_fd, (off_t)offset_bytes, (off_t)len_bytes,
                          SYNC_FILE_RANGE_WRITE);
    incoming->have_bytes = offset_bytes + len_bytes;
    if (incoming->have_bytes - incoming->synced_bytes >= LEDGER_STREAM_SYNC_BYTES) {
        return progress_note(incoming);
    }
    return 0;
}

/* ---- finishing, in the worker -------------------------------------------------------------------
 */

static void digest_free(EVP_MD_CTX **digest)
{
    EVP_MD_CTX_free(*digest);
}

static void buffer_free(uint8_t **bytes)
{
    free(*bytes);
}

static int file_hash_check(struct ledger_incoming *incoming, struct ledger_worker *worker)
{
    __attribute__((cleanup(buffer_free))) uint8_t *bytes = malloc(LEDGER_STREAM_BYTES);
    __attribute__((cleanup(digest_free))) EVP_MD_CTX *digest = EVP_MD_CTX_new();
    struct ids_hash hash;
    uint64_t at_bytes = 0;

    if (bytes == NULL || digest == NULL || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1) {
        return -ENOMEM;
    }
    if (fdatasync(incoming->data_fd) < 0 ||
        ftruncate(incoming->data_fd, (off_t)incoming->size_bytes) < 0) {
        return -errno;
    }
    while (at_bytes < incoming->size_bytes) {
        ssize_t n = pread(incoming->data_fd, bytes, LEDGER_STREAM_BYTES, (off_t)at_bytes);
        if (n <= 0) {
            return n < 0 ? -errno : -EBADMSG;
        }
        if (ledger_worker_must_stop(worker)) {
            return -ECANCELED;
        }
        (void)EVP_DigestUpdate(digest, bytes, (size_t)n);
        at_bytes += (size_t)n;
    }
    (void)EVP_DigestFinal_ex(digest, hash.bytes, NULL);
    return ids_hash_equal(&hash, &incoming->file_hash) ? 0 : -EBADMSG;
}

static int chain_check(struct ledger *fresh, struct ledger_worker *worker)
{
    uint64_t next_lsn = 1;
    uint64_t before = 0;
    struct ledger_damage damage;
    int r = 0;

    while (r == 0 && next_lsn != before) {
        before = next_lsn;
        r = ledger_worker_must_stop(worker)
                ? -ECANCELED
                : ledger_verify(fresh, before, LEDGER_VERIFY_STEP_ENTRIES, &next_lsn, &damage);
    }
    return r;
}

/* The last lsn at which both ledgers hold the same entry; what is damaged in the old one is not
 * equal. */
static uint64_t last_common(struct ledger *old, MDB_txn *old_txn, struct ledger *fresh,
                            MDB_txn *fresh_txn, uint64_t fresh_last)
{
    uint64_t low = 0;
    uint64_t high = old->book.last_lsn < fresh_last ? old->book.last_lsn : fresh_last;

    while (low < high) {
        uint64_t middle = low + (high - low + 1) / 2;
        struct ids_hash a;
        struct ids_hash b;
        if (ledger_hash_at(old, old_txn, middle, &a) == 0 &&
            ledger_hash_at(fresh, fresh_txn, middle, &b) == 0 && ids_hash_equal(&a, &b)) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

/* The old ledger's own tail, as far as its chain proves it. */
static int tail_carry(struct ledger *old, MDB_txn *old_txn, struct ledger *fresh, MDB_txn *txn)
{
    uint64_t common = last_common(old, old_txn, fresh, txn, fresh->book.last_lsn);
    struct ids_hash previous;
    struct ledger_tail tail = {0};
    int r = ledger_hash_at(fresh, txn, common, &previous);

    if (r == 0) {
        r = ledger_tail_begin(fresh, txn, common + 1, &previous, &tail);
    }
    for (uint64_t lsn = common + 1; r == 0 && lsn <= old->book.last_lsn; lsn++) {
        uint8_t raw[LEDGER_LSN_KEY_BYTES];
        MDB_val key = {sizeof(raw), raw};
        MDB_val value;
        ledger_key_from_lsn(lsn, raw);
        r = ledger_error(mdb_get(old_txn, old->entries, &key, &value));
        if (r == 0) {
            r = ledger_tail_put(fresh, txn, &tail, &value);
        }
    }
    return r == 0 || r == -ENOENT || r == -EUCLEAN ? ledger_tail_end(fresh, txn, &tail) : r;
}

static int metas_put(const struct ledger_incoming *incoming, struct ledger *fresh, MDB_txn *txn)
{
    int r = 0;

    for (size_t i = 0; i < incoming->meta_count && r == 0; i++) {
        const struct ledger_incoming_meta *meta = &incoming->metas[i];
        MDB_val key = {meta->name_bytes, (void *)(uintptr_t)meta->name};
        MDB_val value = {meta->value_bytes, (void *)(uintptr_t)meta->value};

        r = ledger_error(mdb_put(txn, fresh->metas, &key, &value, 0));
    }
    return r;
}

/* What only the old ledger holds goes into the new one's archive; the book is tied to the new file.
 */
static int carry_over(struct ledger *old, struct ledger *fresh)
{
    MDB_txn *old_txn = NULL;
    MDB_txn *txn = NULL;
    int r = ledger_error(mdb_txn_begin(old->env, NULL, MDB_RDONLY, &old_txn));

    if (r < 0) {
        return r;
    }
    r = ledger_error(mdb_txn_begin(fresh->env, NULL, 0, &txn));
    if (r == 0) {
        r = ledger_book_read(fresh, txn, &fresh->book);
    }
    if (r == 0) {
        r = ledger_archive_carry(old, old_txn, fresh, txn);
    }
    if (r == 0) {
        r = tail_carry(old, old_txn, fresh, txn);
    }
    if (r == 0) {
        r = metas_put(&old->incoming, fresh, txn);
    }
    if (r == 0) {
        r = ledger_book_write(fresh, txn, &fresh->book);
    }
    mdb_txn_abort(old_txn);
    if (r < 0) {
        if (txn != NULL) {
            mdb_txn_abort(txn);
        }
        return r;
    }
    return ledger_txn_end(fresh, txn);
}

/* With the commit lock held: nothing is added to the old ledger between its copy and its end. */
static int replace(struct ledger *ledger, struct ledger *fresh)
{
    struct ledger_incoming *incoming = &ledger->incoming;
    int r = carry_over(ledger, fresh);

    if (r < 0) {
        return r;
    }
    ledger_fd_close(&incoming->progress_fd);
    if (fsync(incoming->data_fd) < 0 ||
        renameat(incoming->dir_fd, "progress", incoming->dir_fd, "complete") < 0 ||
        fsync(incoming->dir_fd) < 0) {
        return -errno;
    }
    r = put_in_place(ledger->data_dir_fd);
    if (r == 0) {
        (void)pthread_mutex_lock(&ledger->lock);
        ledger->failed = -ESTALE;
        (void)pthread_mutex_unlock(&ledger->lock);
    }
    return r;
}

static int fresh_open_and_check(struct ledger *ledger, struct ledger *fresh,
                                struct ledger_worker *worker)
{
    char why[LEDGER_WHY_BYTES];

    fresh->name = INCOMING_DIR;
    fresh->data_dir = ledger->data_dir;
    fresh->map_size_bytes = ledger->map_size_bytes;
    fresh->ledger_dir_fd = ledger->incoming.dir_fd;
    int r = ledger_meta_check_file(fresh, why, sizeof(why));
    if (r == 0) {
        r = ledger_env_open(fresh);
    }
    if (r == 0) {
        r = ledger_structure_check(fresh, why, sizeof(why));
    }
    if (r == 0) {
        r = ledger_file_extend(fresh, LEDGER_HEADROOM_BYTES);
    }
    if (r == 0) {
        r = ledger_databases_open(fresh);
    }
    return r < 0 ? r : chain_check(fresh, worker);
}

static int finish_job(struct ledger *ledger, struct ledger_worker *worker)
{
    struct ledger fresh;
    int r = file_hash_check(&ledger->incoming, worker);

    if (r == 0) {
        r = ledger_blank_init(&fresh);
        if (r < 0) {
            return r;
        }
        r = fresh_open_and_check(ledger, &fresh, worker);
        if (r == 0) {
            (void)pthread_mutex_lock(&ledger->commit_lock);
            r = replace(ledger, &fresh);
            (void)pthread_mutex_unlock(&ledger->commit_lock);
        }
        ledger_env_finish(&fresh);
    }
    return r;
}

/* Before the worker looks at them; while it runs they are what they were. */
static int metas_keep(struct ledger *ledger, const struct ledger_put *metas, size_t meta_count)
{
    struct ledger_incoming *incoming = &ledger->incoming;

    if (meta_count > LEDGER_INCOMING_METAS_MAX) {
        return -EINVAL;
    }
    for (size_t i = 0; i < meta_count; i++) {
        if (metas[i].key_len_bytes > LEDGER_INCOMING_META_BYTES_MAX ||
            metas[i].value_len_bytes > LEDGER_INCOMING_META_BYTES_MAX) {
            return -EINVAL;
        }
        memcpy(incoming->metas[i].name, metas[i].key, metas[i].key_len_bytes);
        memcpy(incoming->metas[i].value, metas[i].value, metas[i].value_len_bytes);
        incoming->metas[i].name_bytes = metas[i].key_len_bytes;
        incoming->metas[i].value_bytes = metas[i].value_len_bytes;
    }
    incoming->meta_count = meta_count;
    return 0;
}

int ledger_incoming_finish(struct ledger *ledger, const struct ledger_put *metas, size_t meta_count)
{
    struct ledger_incoming *incoming = &ledger->incoming;
    int r;

    if (ledger->read_only) {
        return -EROFS;
    }
    if (incoming->data_fd < 0 || incoming->have_bytes != incoming->size_bytes) {
        return -EINVAL;
    }
    if (ledger->worker == NULL) {
        r = metas_keep(ledger, metas, meta_count);
        if (r < 0) {
            return r;
        }
    }
    r = ledger_worker_run(ledger, finish_job, NULL);
    if (r == -EINPROGRESS || r == -EBUSY) {
        return r;
    }
    if (r == -EBADMSG || r == -EUCLEAN || r == -ENOENT) {
        (void)incoming_throw_away(ledger);
        return r == -ENOENT ? -EUCLEAN : r;
    }
    incoming_fds_close(incoming);
    return r;
}

int ledger_set_aside(const char *data_dir)
{
    __attribute__((cleanup(ledger_fd_close))) int fd =
        open(data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        return -errno;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        return -EBUSY;
    }
    int r = ledger_tree_remove(fd, DAMAGED_DIR);
    if (r == 0 && renameat(fd, "ledger", fd, DAMAGED_DIR) < 0) {
        r = -errno;
    }
    if (r == 0 && fsync(fd) < 0) {
        r = -errno;
    }
    return r;
}
