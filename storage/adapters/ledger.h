/*
 * storage/adapters/ledger.h - the ledger on disk: LMDB, day keys, the unit's own record, and the writer
 * thread with group commit.
 *
 * Decides: how a batch becomes durable, in which order, and what a damaged file looks like. Decides not:
 * what an entry means, what goes into a batch, who may write. Opaque bytes in, opaque bytes out; only
 * the chain (storage/entry/entry.h) is understood, because verification must walk it.
 *
 * Layout below data_dir:
 *   ledger/data.mdb     LMDB: "entries" (u64 lsn -> entry bytes), "rows" (name -> value), "meta",
 *                       "archive" (u64 archived-at || u64 lsn -> entry bytes of replaced tails)
 *   keys/<day>-<unit>.key   32 bytes each, mode 0600, outside LMDB, overwritten and unlinked with the day
 *   ledger.incoming/    a snapshot half received: INCOMPLETE until renamed
 * and, outside the data disk, record_dir/record: the small record of DESIGN 3 rule 3 (two slots with a
 * counter and a SHA-256; every record is written to both, one after the other, so neither a torn nor a
 * rotten slot ever brings back a record older than the last acknowledged one).
 *
 * A batch is durable in this order: new keys (each fsynced, and its directory), one LMDB transaction
 * (entries, rows, meta), the record, then keys to destroy: the record is never ahead of its ledger unless
 * the ledger was rolled back. A batch that takes entries away writes its record before the transaction, for
 * the same reason. Whoever is told "stored" may count on all of it. Threads: everything is called from the
 * event loop; the writer thread commits one batch at a time and completion is read from
 * ledger_completion_fd(). Errors: 0 or negative errno. -EINVAL (shape, or a gap in the lsn), -EBADMSG (an
 * entry is not chained to the one before it) and -ENOSPC, from submit or as a batch's result: nothing of the
 * batch was done and the ledger goes on. -EBUSY: a batch is in flight or its completion was not taken.
 * Any other: after it the ledger answers every batch with that error (the process must step down and restart).
 *
 * LMDB 0.9.24 traps heeded here (reliability.md 6): no NOSYNC, NOMETASYNC, WRITEMAP, NOLOCK, DUPSORT;
 * stale readers are cleared at open and every minute; a full map is seen before a commit: batches are
 * refused with -ENOSPC while map_used > 90 % or the disk has no room, except those that make room (rows
 * only deleted, at most one entry beside them); one open per process, one writing process per data_dir.
 * The data file is written ahead of LMDB in small steps, so commits do not wait for its size.
 */
#ifndef STORAGE_ADAPTERS_LEDGER_H
#define STORAGE_ADAPTERS_LEDGER_H

#include "base/ids.h"
#include "storage/adapters/crypto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ledger;

enum ledger_limit {
    LEDGER_ROW_KEY_BYTES_MAX = 64,
    LEDGER_ROW_BYTES_MAX = 32768,
    LEDGER_RECORD_BYTES_MAX = 4096,
    LEDGER_INCOMING_METAS_MAX = 2, LEDGER_INCOMING_META_BYTES_MAX = 64, /* name and value each */
    LEDGER_BATCHES_IN_FLIGHT_MAX = 1, /* submitted and not completed; the caller gathers the next */
};

/* value NULL: delete. Rows that change together should have keys that begin alike: each key that lies
 * alone costs a page of 4 KiB in its commit (docs/adr/0002). Names of metas must not begin "ledger.". */
struct ledger_put {
    uint16_t key_len_bytes;
    uint32_t value_len_bytes;
    const uint8_t *key;
    const uint8_t *value;
};

struct ledger_day_key {
    uint32_t day;
    uint32_t unit;
    struct crypto_key key;        /* ignored when destroying */
};

/* Borrowed by the ledger from submit until completion; the caller must not touch it meanwhile. */
struct ledger_batch {
    const uint8_t *record;                 /* NULL: leave */
    size_t record_len_bytes;
    const struct ledger_day_key *keys_new;
    size_t keys_new_count;
    uint64_t truncate_from_lsn;            /* 0: none; else archive and remove entries from here on first */
    bool clear_rows;                       /* before putting: a refolded state replaces all rows */
    const struct ledger_put *entries;      /* key is the lsn as 8 bytes big-endian, ascending */
    size_t entry_count;
    const struct ledger_put *rows;
    size_t row_count;
    const struct ledger_put *metas;
    size_t meta_count;
    const struct ledger_day_key *keys_destroy;
    size_t keys_destroy_count;
};

struct ledger_options {
    const char *data_dir;
    const char *record_dir;
    size_t map_size_bytes;        /* 0: 16 GiB; the file is pre-written only as far as it grows */
    bool read_only;               /* tools: verify while the daemon runs; no writer thread */
};

struct ledger_info {
    uint64_t first_lsn, last_lsn; /* 0, 0: empty */
    struct ids_hash head;         /* hash of the last entry, zero when empty */
    size_t map_size_bytes, map_used_bytes;
    uint64_t commits, device_flushes; /* since open: fdatasync and fsync calls of ours and of LMDB */
    uint32_t commit_us_p50, commit_us_p99; /* over the last 256 commits; 0 not measured */
    bool full;                    /* map or disk: refuse tickets now; only batches that delete are taken */
    bool incomplete;              /* a half received snapshot is all there is */
};

/* Opens or creates; both directories appear if their parents are there. On an error `why` says it, in
 * English and on a second line in Japanese. -EUCLEAN: damaged (DESIGN promise 11: not served); -EBUSY:
 * another process writes here. */
int ledger_open(const struct ledger_options *options, struct ledger **ret_ledger, char *why,
                size_t why_bytes);
void ledger_close(struct ledger *ledger);

int ledger_submit(struct ledger *ledger, const struct ledger_batch *batch);
int ledger_completion_fd(const struct ledger *ledger);
/* Takes one completion: 1 and the batch's result in ret_result, or 0: none yet. */
int ledger_take_completion(struct ledger *ledger, int *ret_result);
/* Commits in the caller's thread: tools, tests and start-up. */
int ledger_commit(struct ledger *ledger, const struct ledger_batch *batch);

/* Reading: from the newest commit; reads inside each() see the same commit. each() returns false to stop.
 * Values are borrowed for the call. Entries are given only with their link to the one before verified:
 * -EUCLEAN at the first that is damaged or missing, which ledger_verify names. -ENOBUFS: does not fit. */
typedef bool ledger_each_fn(void *context, const uint8_t *key, size_t key_len_bytes,
                            const uint8_t *value, size_t value_len_bytes);
int ledger_read_entries(struct ledger *ledger, uint64_t from_lsn, uint64_t to_lsn, ledger_each_fn *each,
                        void *context);
int ledger_read_entry(struct ledger *ledger, uint64_t lsn, uint8_t *bytes, size_t capacity_bytes,
                      size_t *ret_len_bytes);
int ledger_read_rows(struct ledger *ledger, ledger_each_fn *each, void *context);
int ledger_read_archive(struct ledger *ledger, ledger_each_fn *each, void *context);
/* -ENOENT: not there. */
int ledger_read_meta(struct ledger *ledger, const char *name, uint8_t *bytes, size_t capacity_bytes,
                     size_t *ret_len_bytes);
int ledger_read_keys(struct ledger *ledger, struct ledger_day_key *keys, size_t max, size_t *ret_count);
/* -ENOENT: no record; -EIO, -EUCLEAN: unreadable (rule 3: then the peer's word decides). */
int ledger_read_record(struct ledger *ledger, uint8_t *bytes, size_t capacity_bytes,
                       size_t *ret_len_bytes);
void ledger_get_info(struct ledger *ledger, struct ledger_info *ret_info);

/* Walks the chain from from_lsn (its predecessor's hash is trusted; 1 for the whole ledger). Stops at
 * the first damage and says where and what, in English and Japanese. max_entries bounds one step of the
 * continuous scrub; ret_next_lsn is where to go on. */
struct ledger_damage {
    uint64_t lsn;
    char what_en[160];
    char what_ja[160];
};
int ledger_verify(struct ledger *ledger, uint64_t from_lsn, uint64_t max_entries, uint64_t *ret_next_lsn,
                  struct ledger_damage *ret_damage);

/* A compacted copy at the newest commit, written below data_dir/snapshot.outgoing/ and streamed from
 * there in chunks; the receiving side gathers ledger.incoming/ and, when whole and verified, puts it in
 * place of ledger/ (the process restarts then: every batch answers -ESTALE). The long parts run in a
 * thread: make and finish answer -EINPROGRESS until they are done and are called again (a timer of some
 * 10 ms), then 0 or the error, once; -EBUSY while the other one runs. Rows, meta and entries become the
 * source's; keys and the record stay this unit's own. What this unit's old ledger held beyond the last
 * common entry is carried into the new one's archive. */
int ledger_snapshot_make(struct ledger *ledger, uint64_t *ret_size_bytes, uint64_t *ret_last_lsn,
                         struct ids_hash *ret_file_hash);
/* 0 bytes: the end. -ENOENT: nothing was made since this process started. */
int ledger_snapshot_read(struct ledger *ledger, uint64_t offset_bytes, uint8_t *bytes,
                         size_t capacity_bytes, size_t *ret_len_bytes);
/* Gives the disk space back; the next open does it too. */
void ledger_snapshot_discard(struct ledger *ledger);
/* Goes on with what is there if it is the same file (ret_have_bytes, durable), else begins anew. */
int ledger_incoming_begin(struct ledger *ledger, uint64_t size_bytes, const struct ids_hash *file_hash,
                          uint64_t *ret_have_bytes);
/* In order; bytes that are there already are ignored, a gap or bytes beyond the end are -EINVAL. */
int ledger_incoming_write(struct ledger *ledger, uint64_t offset_bytes, const uint8_t *bytes,
                          size_t len_bytes);
/* -EINVAL: bytes are missing. -EBADMSG: not the announced file; -EUCLEAN: the file, but its ledger is
 * damaged: both throw it away. Afterwards a new begin is possible. `metas`, at most
 * LEDGER_INCOMING_METAS_MAX, are put into the new ledger before it takes the old one's place. */
int ledger_incoming_finish(struct ledger *ledger, const struct ledger_put *metas, size_t meta_count);

/* A ledger that ledger_open calls damaged is put aside, as ledger.damaged/ (an older one of that name is
 * removed), so that the unit can start blank and be repaired from its peer. Nothing else changes: keys
 * and record stay. Not while it is open. */
int ledger_set_aside(const char *data_dir);

#endif
