#include "storage/adapters/ledger_internal.h"

#include "base/check.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { US_PER_S = 1000000, NS_PER_US = 1000, PERCENT = 100 };

static uint64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * US_PER_S + (uint64_t)now.tv_nsec / NS_PER_US;
}

int ledger_step(struct ledger *ledger)
{
    if (ledger->fail_at_step == 0) {
        return 0;
    }
    return --ledger->fail_at_step == 0 ? -EIO : 0;
}

/* ---- figures ------------------------------------------------------------------------------------
 */

static int compare_u32(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

/* Called by whoever holds the commit lock, or before there is a writer. */
void ledger_figures_update(struct ledger *ledger)
{
    uint64_t end_bytes = ledger_end_bytes(ledger);
    uint64_t free_bytes = ledger->free_pages * ledger->page_bytes;

    (void)pthread_mutex_lock(&ledger->lock);
    ledger->info.first_lsn = ledger->book.first_lsn;
    ledger->info.last_lsn = ledger->book.last_lsn;
    ledger->info.head = ledger->book.head;
    ledger->info.map_size_bytes = ledger->map_size_bytes;
    ledger->info.map_used_bytes = end_bytes > free_bytes ? end_bytes - free_bytes : 0;
    ledger->info.commits = ledger->commits;
    ledger->info.device_flushes = ledger->flushes;
    (void)pthread_mutex_unlock(&ledger->lock);
}

static void latency_note(struct ledger *ledger, uint64_t us)
{
    (void)pthread_mutex_lock(&ledger->lock);
    ledger->latency_us[ledger->latency_count++ % LEDGER_LATENCY_SAMPLES] =
        us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
    (void)pthread_mutex_unlock(&ledger->lock);
}

static void latency_summarise(struct ledger *ledger, struct ledger_info *info)
{
    uint32_t sorted[LEDGER_LATENCY_SAMPLES];
    size_t count = ledger->latency_count < LEDGER_LATENCY_SAMPLES ? (size_t)ledger->latency_count
                                                                  : LEDGER_LATENCY_SAMPLES;

    if (count == 0) {
        return;
    }
    memcpy(sorted, ledger->latency_us, count * sizeof(sorted[0]));
    qsort(sorted, count, sizeof(sorted[0]), compare_u32);
    info->commit_us_p50 = sorted[(count - 1) / 2];
    info->commit_us_p99 = sorted[(count - 1) * 99 / PERCENT];
}

void ledger_get_info(struct ledger *ledger, struct ledger_info *ret_info)
{
    struct ledger_book book;
    MDB_txn *txn = NULL;

    (void)pthread_mutex_lock(&ledger->lock);
    struct ledger_info info = ledger->info;
    latency_summarise(ledger, &info);
    (void)pthread_mutex_unlock(&ledger->lock);
    /* A tool looks at what another process commits. */
    if (ledger->read_only && ledger_reader_begin(ledger, &txn) == 0) {
        if (ledger_book_read(ledger, txn, &book) == 0) {
            info.first_lsn = book.first_lsn;
            info.last_lsn = book.last_lsn;
            info.head = book.head;
        }
        ledger_reader_end(ledger);
        info.map_size_bytes = ledger->map_size_bytes;
        info.map_used_bytes = ledger_end_bytes(ledger);
    }
    info.incomplete = ledger->incomplete && info.last_lsn == 0;
    *ret_info = info;
}

/* ---- what may be committed ----------------------------------------------------------------------
 */

static bool puts_fit(const struct ledger_put *puts, size_t count, size_t value_bytes_max)
{
    for (size_t i = 0; i < count; i++) {
        if (puts[i].key_len_bytes == 0 || puts[i].key_len_bytes > LEDGER_ROW_KEY_BYTES_MAX ||
            (puts[i].value != NULL && puts[i].value_len_bytes > value_bytes_max)) {
            return false;
        }
    }
    return true;
}

static bool metas_are_theirs(const struct ledger_put *metas, size_t count)
{
    const size_t len = sizeof(LEDGER_OWN_PREFIX) - 1;

    for (size_t i = 0; i < count; i++) {
        if (metas[i].key_len_bytes >= len && memcmp(metas[i].key, LEDGER_OWN_PREFIX, len) == 0) {
            return false;
        }
    }
    return true;
}

/* The shape only; nothing has been read or written yet. */
static int batch_check_shape(const struct ledger_batch *batch)
{
    for (size_t i = 0; i < batch->entry_count; i++) {
        if (batch->entries[i].value == NULL ||
            batch->entries[i].key_len_bytes != LEDGER_LSN_KEY_BYTES ||
            batch->entries[i].value_len_bytes < ENTRY_BYTES_MIN) {
            return -EINVAL;
        }
    }
    return puts_fit(batch->entries, batch->entry_count, ENTRY_BYTES_MAX) &&
                   puts_fit(batch->rows, batch->row_count, LEDGER_ROW_BYTES_MAX) &&
                   puts_fit(batch->metas, batch->meta_count, LEDGER_ROW_BYTES_MAX) &&
                   metas_are_theirs(batch->metas, batch->meta_count) &&
                   (batch->record == NULL || batch->record_len_bytes <= LEDGER_RECORD_BYTES_MAX)
               ? 0
               : -EINVAL;
}

/* An erasure has an entry that tells of it, so one entry is let through with its deletes. */
static bool batch_makes_room(const struct ledger_batch *batch)
{
    for (size_t i = 0; i < batch->row_count; i++) {
        if (batch->rows[i].value != NULL) {
            return false;
        }
    }
    return batch->entry_count <= 1 && (batch->row_count > 0 || batch->keys_destroy_count > 0);
}

static uint64_t batch_need_bytes(const struct ledger *ledger, const struct ledger_batch *batch)
{
    const struct ledger_put *const lists[] = {batch->entries, batch->rows, batch->metas};
    const size_t counts[] = {batch->entry_count, batch->row_count, batch->meta_count};
    uint64_t need = 0;

    for (unsigned list = 0; list < ARRAY_COUNT(lists); list++) {
        for (size_t i = 0; i < counts[list]; i++) {
            const struct ledger_put *put = &lists[list][i];
            need += LEDGER_PAGES_PER_PUT * (uint64_t)ledger->page_bytes;
            need += put->value == NULL ? 0 : put->value_len_bytes;
        }
    }
    return need;
}

/* -ENOSPC before anything was done: the ledger goes on, and a batch that deletes is still taken. */
static int batch_check_room(struct ledger *ledger, const struct ledger_batch *batch)
{
    bool makes_room = batch_makes_room(batch);

    (void)pthread_mutex_lock(&ledger->lock);
    uint64_t used = ledger->info.map_used_bytes;
    bool full = ledger->info.full;
    (void)pthread_mutex_unlock(&ledger->lock);
    if (full && !makes_room) {
        return -ENOSPC;
    }
    uint64_t limit = (uint64_t)ledger->map_size_bytes / PERCENT * LEDGER_FULL_HARD_PERCENT;
    uint64_t need = makes_room ? 0 : batch_need_bytes(ledger, batch);
    return used + need > limit ? -ENOSPC : 0;
}

/* The chain is checked once more before it is written: the last place where a wrong batch is
 * harmless. */
static int batch_check_chain(struct ledger *ledger, const struct ledger_batch *batch)
{
    uint64_t lsn = ledger->book.last_lsn;
    struct ids_hash head = ledger->book.head;
    MDB_txn *txn = NULL;
    int r = 0;

    if (batch->truncate_from_lsn != 0 && batch->truncate_from_lsn <= lsn) {
        lsn = batch->truncate_from_lsn - 1;
        r = ledger_error(mdb_txn_begin(ledger->env, NULL, MDB_RDONLY, &txn));
        if (r < 0) {
            return r;
        }
        r = ledger_hash_at(ledger, txn, lsn, &head);
        mdb_txn_abort(txn);
    }
    for (size_t i = 0; r == 0 && i < batch->entry_count; i++) {
        const struct ledger_put *put = &batch->entries[i];
        struct entry entry;
        struct ids_hash stored;
        struct ids_hash hash;
        lsn++;
        if (!entry_decode(put->value, put->value_len_bytes, &entry, &stored) || entry.lsn != lsn ||
            ledger_lsn_from_key(put->key) != lsn) {
            return -EINVAL;
        }
        crypto_chain(ledger->commit_crypto, &head, put->value,
                     put->value_len_bytes - IDS_HASH_BYTES, &hash);
        if (!ids_hash_equal(&hash, &stored)) {
            return -EBADMSG;
        }
        head = stored;
    }
    return r;
}

/* ---- one batch, durably -------------------------------------------------------------------------
 */

/* What begins and fails may have done anything: it never says that nothing was done and the ledger goes on. */
static int half_done(int r)
{
    return r == -ENOSPC || r == -EINVAL || r == -EBADMSG ? -EIO : r;
}

/* DESIGN 4: a key before what it seals, and its destruction only after the entry that says so. The record
 * after the entries that it speaks of, and before anybody is told "stored", which is before their use
 * (DESIGN 3 rule 3): a power cut in between leaves a ledger ahead of its record, which is harmless, and
 * never a record ahead of its ledger, which is how a disk that was rolled back is known. For the same
 * reason the record comes first when entries are taken away: it says that they go. */
static int batch_perform(struct ledger *ledger, const struct ledger_batch *batch)
{
    bool takes_away = batch->truncate_from_lsn != 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < batch->keys_new_count; i++) {
        r = ledger_key_write(ledger, &batch->keys_new[i]);
    }
    if (r == 0 && batch->keys_new_count > 0) {
        r = ledger_step(ledger);
        r = r < 0 ? r : ledger_dir_sync(ledger, ledger->keys_dir_fd);
    }
    if (r == 0 && batch->record != NULL && takes_away) {
        r = ledger_record_write(ledger, batch->record, batch->record_len_bytes);
    }
    if (r == 0) {
        r = ledger_txn_commit(ledger, batch);
    }
    if (r == 0 && batch->record != NULL && !takes_away) {
        r = ledger_record_write(ledger, batch->record, batch->record_len_bytes);
    }
    for (size_t i = 0; r == 0 && i < batch->keys_destroy_count; i++) {
        r = ledger_key_destroy(ledger, &batch->keys_destroy[i]);
    }
    if (r == 0 && batch->keys_destroy_count > 0) {
        r = ledger_dir_sync(ledger, ledger->keys_dir_fd);
    }
    return r;
}

static void free_pages_count(struct ledger *ledger)
{
    MDB_txn *txn = NULL;
    uint64_t threshold = (uint64_t)ledger->map_size_bytes / PERCENT * LEDGER_COUNT_FREE_PERCENT;

    if (ledger->commits % LEDGER_COUNT_FREE_EVERY != 0 && ledger_end_bytes(ledger) < threshold) {
        return;
    }
    if (mdb_txn_begin(ledger->env, NULL, MDB_RDONLY, &txn) == 0) {
        (void)ledger_count_free(ledger, txn, &ledger->free_pages);
        mdb_txn_abort(txn);
    }
}

static int batch_commit(struct ledger *ledger, const struct ledger_batch *batch)
{
    uint64_t started_us = now_us();

    (void)pthread_mutex_lock(&ledger->lock);
    int r = ledger->failed;
    (void)pthread_mutex_unlock(&ledger->lock);
    if (r == 0) {
        /* A disk without room is met here, while nothing has been done. */
        r = ledger_file_extend(ledger, batch_need_bytes(ledger, batch));
        if (r == -ENOSPC || r == -EDQUOT) {
            return -ENOSPC;
        }
    }
    if (r == 0) {
        r = batch_check_chain(ledger, batch);
        if (r == -EINVAL || r == -EBADMSG) {
            return r;
        }
    }
    if (r == 0) {
        r = batch_perform(ledger, batch);
    }
    if (r < 0) {
        r = half_done(r);
        (void)pthread_mutex_lock(&ledger->lock);
        ledger->failed = r;
        (void)pthread_mutex_unlock(&ledger->lock);
        return r;
    }
    free_pages_count(ledger);
    ledger_figures_update(ledger);
    latency_note(ledger, now_us() - started_us);
    return 0;
}

/* After the answer: the headroom for the next ones. */
static void after_commit(struct ledger *ledger)
{
    uint64_t headroom = ledger->file_bytes - ledger_end_bytes(ledger);
    uint64_t step = headroom < LEDGER_HEADROOM_BYTES / 2 ? LEDGER_HEADROOM_BYTES
                                                         : headroom + LEDGER_EXTEND_STEP_BYTES;
    bool disk_full = headroom < LEDGER_HEADROOM_BYTES && ledger_file_extend(ledger, step) < 0 &&
                     headroom < LEDGER_HEADROOM_BYTES / 2;

    (void)pthread_mutex_lock(&ledger->lock);
    uint64_t limit = (uint64_t)ledger->map_size_bytes / PERCENT * LEDGER_FULL_PERCENT;
    ledger->info.full = disk_full || ledger->info.map_used_bytes > limit;
    (void)pthread_mutex_unlock(&ledger->lock);
}

int ledger_commit(struct ledger *ledger, const struct ledger_batch *batch)
{
    if (ledger->read_only) {
        return -EROFS;
    }
    int r = batch_check_shape(batch);
    if (r == 0) {
        r = batch_check_room(ledger, batch);
    }
    if (r < 0) {
        return r;
    }
    (void)pthread_mutex_lock(&ledger->commit_lock);
    r = batch_commit(ledger, batch);
    after_commit(ledger);
    (void)pthread_mutex_unlock(&ledger->commit_lock);
    return r;
}

/* ---- the thread ---------------------------------------------------------------------------------
 */

int ledger_submit(struct ledger *ledger, const struct ledger_batch *batch)
{
    if (ledger->read_only) {
        return -EROFS;
    }
    int r = batch_check_shape(batch);
    if (r == 0) {
        r = batch_check_room(ledger, batch);
    }
    if (r < 0) {
        return r;
    }
    (void)pthread_mutex_lock(&ledger->lock);
    if (ledger->pending != NULL || ledger->completed) {
        r = -EBUSY;
    } else if (ledger->failed != 0) {
        r = ledger->failed;
    } else {
        ledger->pending = batch;
        (void)pthread_cond_signal(&ledger->wake);
    }
    (void)pthread_mutex_unlock(&ledger->lock);
    return r;
}

int ledger_completion_fd(const struct ledger *ledger)
{
    return ledger->completion_fd;
}

int ledger_take_completion(struct ledger *ledger, int *ret_result)
{
    uint64_t count = 0;
    int taken = 0;

    (void)pthread_mutex_lock(&ledger->lock);
    if (ledger->completed) {
        ledger->completed = false;
        *ret_result = ledger->result;
        taken = 1;
        (void)!read(ledger->completion_fd, &count, sizeof(count));
    }
    (void)pthread_mutex_unlock(&ledger->lock);
    return taken;
}

static void complete(struct ledger *ledger, int result)
{
    const uint64_t one = 1;

    (void)pthread_mutex_lock(&ledger->lock);
    ledger->pending = NULL;
    ledger->completed = true;
    ledger->result = result;
    CHECK(write(ledger->completion_fd, &one, sizeof(one)) == (ssize_t)sizeof(one));
    (void)pthread_mutex_unlock(&ledger->lock);
}

/* The next batch, or NULL: the time for housekeeping has come, or the end. */
static const struct ledger_batch *await_batch(struct ledger *ledger, const struct timespec *until,
                                              bool *ret_closing)
{
    int r = 0;

    (void)pthread_mutex_lock(&ledger->lock);
    while (ledger->pending == NULL && !ledger->closing && r != ETIMEDOUT) {
        r = pthread_cond_timedwait(&ledger->wake, &ledger->lock, until);
    }
    const struct ledger_batch *batch = ledger->pending;
    *ret_closing = ledger->closing;
    (void)pthread_mutex_unlock(&ledger->lock);
    return batch;
}

static void *writer_main(void *context)
{
    struct ledger *ledger = context;
    struct timespec check_at;
    bool closing = false;

    (void)pthread_setname_np(pthread_self(), "ledger-writer");
    (void)clock_gettime(CLOCK_MONOTONIC, &check_at);
    check_at.tv_sec += LEDGER_READER_CHECK_S;
    for (;;) {
        const struct ledger_batch *batch = await_batch(ledger, &check_at, &closing);
        if (batch != NULL) {
            (void)pthread_mutex_lock(&ledger->commit_lock);
            complete(ledger, batch_commit(ledger, batch));
            after_commit(ledger);
            (void)pthread_mutex_unlock(&ledger->commit_lock);
        } else if (closing) {
            return NULL;
        }
        struct timespec now;
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec >= check_at.tv_sec) {
            int stale = 0;
            (void)mdb_reader_check(ledger->env, &stale);
            check_at.tv_sec = now.tv_sec + LEDGER_READER_CHECK_S;
        }
    }
}

int ledger_writer_start(struct ledger *ledger)
{
    sigset_t all;
    sigset_t before;

    ledger->completion_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (ledger->completion_fd < 0) {
        return -errno;
    }
    /* Signals belong to the event loop. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = -pthread_create(&ledger->writer, NULL, writer_main, ledger);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    ledger->writer_started = r == 0;
    return r;
}

/* A batch that was submitted is finished first: it may already be half durable. */
void ledger_writer_stop(struct ledger *ledger)
{
    if (!ledger->writer_started) {
        return;
    }
    (void)pthread_mutex_lock(&ledger->lock);
    ledger->closing = true;
    (void)pthread_cond_signal(&ledger->wake);
    (void)pthread_mutex_unlock(&ledger->lock);
    (void)pthread_join(ledger->writer, NULL);
    ledger->writer_started = false;
}
