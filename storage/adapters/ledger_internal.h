/*
 * storage/adapters/ledger_internal.h - what the ledger's files share; nobody else includes it,
 * except its tests (fail_at_step).
 *
 *   ledger_lmdb.c      the environment: open, close, one transaction, reading
 *   ledger_writer.c    the order of durability, the writer thread, completion, figures
 *   ledger_files.c     directories, day keys, the record, the size of the data file
 *   ledger_meta.c      LMDB's two meta pages, read raw: what LMDB itself does not check
 *   ledger_pages.c     the structure of the file, checked before LMDB follows it
 *   ledger_archive.c   replaced tails
 *   ledger_verify.c    the chain walk
 *   ledger_snapshot.c  a compacted copy, made and streamed
 *   ledger_incoming.c  the same copy received, verified and put in place
 *   ledger_worker.c    the thread that does the long parts of both
 *
 * Three groups of fields, three owners: the event loop's, the committer's (commit_lock) and those
 * between the threads (lock). commit_lock is taken before lock, never the other way round.
 */
#ifndef STORAGE_ADAPTERS_LEDGER_INTERNAL_H
#define STORAGE_ADAPTERS_LEDGER_INTERNAL_H

#include "base/bytes.h"
#include "storage/adapters/crypto.h"
#include "storage/adapters/ledger.h"
#include "storage/entry/entry.h"

#include <lmdb.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/* Address space, not memory and not disk: ten million entries and their trees need a third of it. */
#define LEDGER_MAP_BYTES_DEFAULT ((size_t)16 << 30)

enum ledger_internal_limit {
    LEDGER_PATH_BYTES = 4096,
    LEDGER_WHY_BYTES = 512,
    LEDGER_LSN_KEY_BYTES = 8,
    LEDGER_ARCHIVE_KEY_BYTES = 16,
    LEDGER_META_NAME_BYTES_MAX = LEDGER_ROW_KEY_BYTES_MAX,
    LEDGER_DATABASES = 4,
    LEDGER_FULL_PERCENT = 90,        /* beyond: only batches that delete */
    LEDGER_FULL_HARD_PERCENT = 97,   /* beyond: nothing */
    LEDGER_COUNT_FREE_PERCENT = 80,  /* beyond: the free pages are counted after every commit */
    LEDGER_COUNT_FREE_EVERY = 64,    /* below: every so many commits */
    LEDGER_HEADROOM_BYTES = 8 << 20, /* of the data file, written ahead of LMDB */
    LEDGER_EXTEND_STEP_BYTES = 256 << 10, /* at most so much more in one flush */
    LEDGER_PAGES_PER_PUT = 3, /* copied-on-write pages that one put may need, at worst */
    LEDGER_READER_CHECK_S = 60,
    LEDGER_LATENCY_SAMPLES = 256,
    LEDGER_FLUSHES_PER_COMMIT = 2, /* fdatasync of the pages, O_DSYNC write of the meta page */
    LEDGER_META_PAGES = 2,
    LEDGER_STREAM_BYTES = 256 << 10,    /* read or written at once while a snapshot moves */
    LEDGER_STREAM_SYNC_BYTES = 4 << 20, /* flushed so often, so that commits never wait for more */
    LEDGER_VERIFY_STEP_ENTRIES = 1000,
    LEDGER_RAW_META_BYTES = 136,
    LEDGER_RAW_META_FREE_TREE = 24,
    LEDGER_RAW_META_MAIN_TREE = 72,
    LEDGER_READER_TRIES = 64,
    LEDGER_WALK_WINDOW = 512, /* entries whose pages are checked at once, ahead of a walk */
};

/* Written by the ledger into "meta" with every commit; engine names never start like this. */
#define LEDGER_OWN_PREFIX "ledger."
#define LEDGER_BOOK_NAME LEDGER_OWN_PREFIX "book"

struct ledger_book {
    uint64_t first_lsn, last_lsn;
    struct ids_hash head;
    uint64_t txn_id;            /* of the transaction that wrote this */
    struct ids_hash other_meta; /* of the meta page which that transaction left alone */
};

/* One of LMDB's meta pages as it lies on the disk. */
struct ledger_raw_meta {
    uint8_t bytes[LEDGER_RAW_META_BYTES];
    uint32_t magic, version, page_bytes;
    uint64_t last_page, txn_id;
};

struct ledger_worker; /* a snapshot being made or put in place, in its own thread */

/* ledger.incoming/ while it is received. */
struct ledger_incoming {
    int dir_fd, data_fd, progress_fd; /* -1: not begun */
    uint64_t size_bytes, have_bytes, synced_bytes;
    struct ids_hash file_hash;
    size_t meta_count; /* to be put into the new ledger; borrowed by nobody: copied */
    struct ledger_incoming_meta {
        uint8_t name[LEDGER_INCOMING_META_BYTES_MAX], value[LEDGER_INCOMING_META_BYTES_MAX];
        size_t name_bytes, value_bytes;
    } metas[LEDGER_INCOMING_METAS_MAX];
};

struct ledger {
    char *data_dir;
    char *record_dir;
    const char *name; /* of the environment's directory in data_dir */
    int data_dir_fd;  /* also carries the lock that keeps a second writer out */
    int ledger_dir_fd, keys_dir_fd, record_dir_fd;
    bool read_only;
    bool incomplete;
    MDB_env *env;
    MDB_dbi entries, rows, metas, archive;
    size_t page_bytes;
    size_t map_size_bytes;

    /* event loop */
    MDB_txn *reader;
    unsigned reader_depth;
    struct ledger_raw_meta reader_meta; /* of the commit that the reader sees */
    struct crypto *reader_crypto;
    struct ledger_worker *worker;
    int outgoing_fd; /* the snapshot that is streamed, or -1 */
    struct ledger_incoming incoming;

    /* committer */
    pthread_mutex_t commit_lock;
    struct crypto *commit_crypto;
    struct ledger_book book;
    uint64_t record_counter;
    uint64_t file_bytes;
    uint64_t free_pages;
    uint64_t flushes, commits;
    uint64_t fail_at_step; /* tests: the n-th durable step from now fails with -EIO; 0: none */

    /* between the threads */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t writer;
    bool writer_started, closing;
    const struct ledger_batch *pending; /* submitted, not completed */
    bool completed;
    int result;
    int completion_fd;
    int failed; /* the error that ended committing */
    struct ledger_info info;
    uint32_t latency_us[LEDGER_LATENCY_SAMPLES];
    uint64_t latency_count;
};

/* ledger_lmdb.c */
int ledger_error(int lmdb_result);
void ledger_explain(char *why, size_t why_bytes, const char *en, const char *ja);
int ledger_reader_begin(struct ledger *ledger, MDB_txn **ret_txn);
void ledger_reader_end(struct ledger *ledger);
int ledger_book_read(struct ledger *ledger, MDB_txn *txn, struct ledger_book *ret_book);
int ledger_book_write(struct ledger *ledger, MDB_txn *txn, struct ledger_book *book);
/* Ends the transaction either way. */
int ledger_txn_end(struct ledger *ledger, MDB_txn *txn);
/* The structure of the whole file but the entries' leaves; `why` may be NULL. */
int ledger_structure_check(struct ledger *ledger, char *why, size_t why_bytes);
int ledger_txn_commit(struct ledger *ledger, const struct ledger_batch *batch);
/* Hash of the entry at lsn, zero before the first: what its successor is chained to. */
int ledger_hash_at(struct ledger *ledger, MDB_txn *txn, uint64_t lsn, struct ids_hash *ret_hash);
void ledger_key_from_lsn(uint64_t lsn, uint8_t key[LEDGER_LSN_KEY_BYTES]);
uint64_t ledger_lsn_from_key(const uint8_t key[LEDGER_LSN_KEY_BYTES]);
int ledger_env_open(struct ledger *ledger);
int ledger_databases_open(struct ledger *ledger);
/* Locks, contexts and "nothing is open". -ENOMEM: nothing to finish. */
int ledger_blank_init(struct ledger *ledger);
/* There is no ledger/ yet: it appears whole, with its empty databases. */
int ledger_blank_create(struct ledger *ledger);
/* Closes the environment and what belongs to it; ends nothing else. */
void ledger_env_finish(struct ledger *ledger);
uint64_t ledger_end_bytes(const struct ledger *ledger);
int ledger_count_free(struct ledger *ledger, MDB_txn *txn, uint64_t *ret_pages);

/* ledger_archive.c: a replaced tail, entry by entry, and all of them. */
struct ledger_tail {
    uint64_t archived_at, first_lsn, last_lsn;
    struct ids_hash previous, head; /* of the entry before the first, and of the last */
};
int ledger_tail_begin(struct ledger *ledger, MDB_txn *txn, uint64_t first_lsn,
                      const struct ids_hash *previous, struct ledger_tail *ret_tail);
int ledger_tail_put(struct ledger *ledger, MDB_txn *txn, struct ledger_tail *tail,
                    const MDB_val *value);
int ledger_tail_end(struct ledger *ledger, MDB_txn *txn, const struct ledger_tail *tail);
/* -EUCLEAN: an archived entry with ret_lsn is changed or missing. */
int ledger_archive_verify(struct ledger *ledger, MDB_txn *txn, uint64_t *ret_lsn);
int ledger_archive_carry(struct ledger *old, MDB_txn *old_txn, struct ledger *fresh, MDB_txn *txn);

/* ledger_writer.c: counts and, in tests, fails one durable step. */
int ledger_step(struct ledger *ledger);
int ledger_writer_start(struct ledger *ledger);
void ledger_writer_stop(struct ledger *ledger);
void ledger_figures_update(struct ledger *ledger);

/* ledger_files.c */
void ledger_fd_close(int *fd);
int ledger_file_write(int fd, const uint8_t *bytes, size_t len_bytes, uint64_t offset_bytes);
int ledger_dirs_open(struct ledger *ledger, char *why, size_t why_bytes);
int ledger_file_extend(struct ledger *ledger, uint64_t need_bytes);
int ledger_record_write(struct ledger *ledger, const uint8_t *bytes, size_t len_bytes);
int ledger_key_write(struct ledger *ledger, const struct ledger_day_key *key);
int ledger_key_destroy(struct ledger *ledger, const struct ledger_day_key *key);
int ledger_dir_sync(struct ledger *ledger, int dir_fd);
int ledger_tree_remove(int dir_fd, const char *name);

/* ledger_meta.c */
int ledger_meta_read(int fd, unsigned index, struct ledger_raw_meta *ret_meta);
int ledger_meta_check_file(struct ledger *ledger, char *why, size_t why_bytes);
int ledger_meta_check_book(struct ledger *ledger, char *why, size_t why_bytes);
/* The page that the commit of `txn_id` will write, as it is now; and back again when that commit has failed: LMDB
 * then puts back the old transaction number and nothing else, which the next open would have to call damaged. */
int ledger_meta_before(const struct ledger *ledger, uint64_t txn_id, struct ledger_raw_meta *ret_meta);
void ledger_meta_put_back(const struct ledger *ledger, uint64_t txn_id, const struct ledger_raw_meta *before);
/* Notes the hash of the newest meta page beside it; called after every commit. */
int ledger_meta_seal(struct ledger *ledger, uint64_t txn_id);

/* ledger_pages.c: within a reader. -EUCLEAN: the structure is damaged at that page. */
int ledger_pages_check(struct ledger *ledger, uint64_t *ret_free_pages, uint64_t *ret_bad_page);
int ledger_pages_check_entries(struct ledger *ledger, uint64_t from_lsn, uint64_t to_lsn);

/* ledger_worker.c: one job at a time, away from the event loop. */
typedef int ledger_job_fn(struct ledger *ledger, struct ledger_worker *worker);
struct ledger_worker {
    struct ledger *ledger;
    ledger_job_fn *job;
    pthread_t thread;
    pthread_mutex_t lock;
    bool done;
    bool stop; /* asked to give up */
    int result;
    uint64_t size_bytes, last_lsn;
    struct ids_hash file_hash;
};
/* Starts the job or looks after it: -EINPROGRESS until it is done, then its result, once. -EBUSY
 * while another job runs. ret_worker, if not NULL, gets a copy of what the job found. */
int ledger_worker_run(struct ledger *ledger, ledger_job_fn *job, struct ledger_worker *ret_worker);
bool ledger_worker_must_stop(struct ledger_worker *worker);
void ledger_worker_stop(struct ledger *ledger);

/* ledger_incoming.c */
int ledger_incoming_settle(struct ledger *ledger);
void ledger_incoming_close(struct ledger *ledger);

#endif
