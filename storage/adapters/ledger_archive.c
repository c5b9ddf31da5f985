#include "storage/adapters/ledger_internal.h"

#include "base/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/*
 * Replaced tails. Each keeps, beside its entries, a note in "meta" of what it was chained to and
 * how it ends: so a tail is verified link by link like the ledger, though its predecessor may be
 * gone.
 */
enum { TAIL_NAME_BYTES = 32, TAIL_BYTES = 8 + 8 + 2 * IDS_HASH_BYTES };

static MDB_val tail_name(uint64_t archived_at, char name[TAIL_NAME_BYTES])
{
    int n = snprintf(name, TAIL_NAME_BYTES, LEDGER_OWN_PREFIX "tail.%016llx",
                     (unsigned long long)archived_at);

    CHECK(n > 0 && n < TAIL_NAME_BYTES);
    return (MDB_val){(size_t)n, name};
}

static int tail_read(struct ledger *ledger, MDB_txn *txn, uint64_t archived_at,
                     struct ledger_tail *ret_tail)
{
    char name[TAIL_NAME_BYTES];
    MDB_val key = tail_name(archived_at, name);
    MDB_val value;
    struct ledger_tail tail = {.archived_at = archived_at};
    int r = ledger_error(mdb_get(txn, ledger->metas, &key, &value));

    if (r < 0) {
        return r;
    }
    struct bytes_reader reader = bytes_reader_over(value.mv_data, value.mv_size);
    tail.first_lsn = bytes_get_u64(&reader);
    tail.last_lsn = bytes_get_u64(&reader);
    bytes_get(&reader, tail.previous.bytes, sizeof(tail.previous.bytes));
    bytes_get(&reader, tail.head.bytes, sizeof(tail.head.bytes));
    if (!bytes_finished(&reader)) {
        return -EUCLEAN;
    }
    *ret_tail = tail;
    return 0;
}

/* Later than every tail before it, so two never mix even if the clock stood still. */
static int tail_stamp(struct ledger *ledger, MDB_txn *txn, uint64_t *ret_archived_at)
{
    struct timespec now;
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val value;
    int r = mdb_cursor_open(txn, ledger->archive, &cursor);

    if (r != 0) {
        return ledger_error(r);
    }
    (void)clock_gettime(CLOCK_REALTIME, &now);
    uint64_t stamp = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    r = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
    if (r == 0 && key.mv_size == LEDGER_ARCHIVE_KEY_BYTES) {
        uint64_t last = ledger_lsn_from_key(key.mv_data);
        stamp = stamp > last ? stamp : last + 1;
    }
    mdb_cursor_close(cursor);
    if (r != 0 && r != MDB_NOTFOUND) {
        return ledger_error(r);
    }
    *ret_archived_at = stamp;
    return 0;
}

int ledger_tail_begin(struct ledger *ledger, MDB_txn *txn, uint64_t first_lsn,
                      const struct ids_hash *previous, struct ledger_tail *ret_tail)
{
    struct ledger_tail tail = {
        .first_lsn = first_lsn,
        .last_lsn = first_lsn - 1,
        .previous = *previous,
        .head = *previous,
    };
    int r = tail_stamp(ledger, txn, &tail.archived_at);

    if (r == 0) {
        *ret_tail = tail;
    }
    return r;
}

/* -EUCLEAN: not the entry that follows. */
static int tail_follow(struct crypto *crypto, struct ledger_tail *tail, const MDB_val *value)
{
    struct entry entry;
    struct ids_hash stored;
    struct ids_hash hash;

    if (value->mv_size > ENTRY_BYTES_MAX ||
        !entry_decode(value->mv_data, value->mv_size, &entry, &stored) ||
        entry.lsn != tail->last_lsn + 1) {
        return -EUCLEAN;
    }
    crypto_chain(crypto, &tail->head, value->mv_data, value->mv_size - IDS_HASH_BYTES, &hash);
    if (!ids_hash_equal(&hash, &stored)) {
        return -EUCLEAN;
    }
    tail->last_lsn = entry.lsn;
    tail->head = stored;
    return 0;
}

int ledger_tail_put(struct ledger *ledger, MDB_txn *txn, struct ledger_tail *tail,
                    const MDB_val *value)
{
    uint8_t bytes[ENTRY_BYTES_MAX];
    uint8_t raw[LEDGER_ARCHIVE_KEY_BYTES];
    MDB_val key = {sizeof(raw), raw};
    MDB_val copy = {value->mv_size, bytes};
    int r = tail_follow(ledger->commit_crypto, tail, value);

    if (r < 0) {
        return r;
    }
    /* Copied first: a put may move the page that `value` lies in. */
    memcpy(bytes, value->mv_data, value->mv_size);
    ledger_key_from_lsn(tail->archived_at, raw);
    ledger_key_from_lsn(tail->last_lsn, raw + LEDGER_LSN_KEY_BYTES);
    return ledger_error(mdb_put(txn, ledger->archive, &key, &copy, MDB_NOOVERWRITE));
}

int ledger_tail_end(struct ledger *ledger, MDB_txn *txn, const struct ledger_tail *tail)
{
    char name[TAIL_NAME_BYTES];
    uint8_t bytes[TAIL_BYTES];
    struct bytes_writer writer = bytes_writer_over(bytes, sizeof(bytes));
    MDB_val key = tail_name(tail->archived_at, name);
    MDB_val value = {sizeof(bytes), bytes};

    if (tail->last_lsn < tail->first_lsn) {
        return 0;
    }
    bytes_put_u64(&writer, tail->first_lsn);
    bytes_put_u64(&writer, tail->last_lsn);
    bytes_put(&writer, tail->previous.bytes, sizeof(tail->previous.bytes));
    bytes_put(&writer, tail->head.bytes, sizeof(tail->head.bytes));
    CHECK(!writer.failed);
    return ledger_error(mdb_put(txn, ledger->metas, &key, &value, 0));
}

/* ---- walking all tails
 * ---------------------------------------------------------------------------- */

struct tail_walk {
    struct ledger *ledger;
    MDB_txn *txn;
    MDB_cursor *cursor;
    struct ledger_tail expected; /* as noted */
    struct ledger_tail seen;     /* as found so far */
};

static void tail_walk_end(struct tail_walk *walk)
{
    if (walk->cursor != NULL) {
        mdb_cursor_close(walk->cursor);
    }
}

static bool tail_is_whole(const struct tail_walk *walk)
{
    return walk->seen.last_lsn == walk->expected.last_lsn &&
           ids_hash_equal(&walk->seen.head, &walk->expected.head);
}

/* The next archived entry: 0, -ENOENT at the end, -EUCLEAN when it does not follow. `ret_new` tells
 * that it begins another tail. The walk stands on it afterwards. */
static int tail_walk_step(struct tail_walk *walk, MDB_val *ret_value, bool *ret_new)
{
    MDB_val key;
    int r = ledger_error(mdb_cursor_get(walk->cursor, &key, ret_value, MDB_NEXT));

    if (r == -ENOENT) {
        return walk->seen.archived_at == 0 || tail_is_whole(walk) ? -ENOENT : -EUCLEAN;
    }
    if (r < 0) {
        return r;
    }
    if (key.mv_size != LEDGER_ARCHIVE_KEY_BYTES) {
        return -EUCLEAN;
    }
    uint64_t archived_at = ledger_lsn_from_key(key.mv_data);
    uint64_t lsn = ledger_lsn_from_key((const uint8_t *)key.mv_data + LEDGER_LSN_KEY_BYTES);
    *ret_new = archived_at != walk->seen.archived_at;
    if (*ret_new) {
        if (walk->seen.archived_at != 0 && !tail_is_whole(walk)) {
            return -EUCLEAN;
        }
        r = tail_read(walk->ledger, walk->txn, archived_at, &walk->expected);
        if (r < 0) {
            return r == -ENOENT ? -EUCLEAN : r;
        }
        walk->seen = walk->expected;
        walk->seen.last_lsn = walk->expected.first_lsn - 1;
        walk->seen.head = walk->expected.previous;
    }
    return lsn == walk->seen.last_lsn + 1
               ? tail_follow(walk->ledger->reader_crypto, &walk->seen, ret_value)
               : -EUCLEAN;
}

int ledger_archive_verify(struct ledger *ledger, MDB_txn *txn, uint64_t *ret_lsn)
{
    __attribute__((cleanup(tail_walk_end))) struct tail_walk walk = {.ledger = ledger, .txn = txn};
    int r = ledger_error(mdb_cursor_open(txn, ledger->archive, &walk.cursor));
    MDB_val value;
    bool begins = false;

    while (r == 0) {
        r = tail_walk_step(&walk, &value, &begins);
    }
    *ret_lsn = walk.seen.last_lsn + 1;
    return r == -ENOENT ? 0 : r;
}

/* Into a ledger that replaces the old one. A tail that the new one has already is not copied twice;
 * of a damaged archive as much is carried as can be proven. */
int ledger_archive_carry(struct ledger *old, MDB_txn *old_txn, struct ledger *fresh, MDB_txn *txn)
{
    __attribute__((cleanup(tail_walk_end))) struct tail_walk walk = {.ledger = old, .txn = old_txn};
    struct ledger_tail tail = {0};
    struct ledger_tail present;
    bool copying = false;
    int r = ledger_error(mdb_cursor_open(old_txn, old->archive, &walk.cursor));

    while (r == 0) {
        MDB_val value;
        bool begins = false;
        r = tail_walk_step(&walk, &value, &begins);
        if (r < 0) {
            break;
        }
        if (begins) {
            r = copying ? ledger_tail_end(fresh, txn, &tail) : 0;
            copying = tail_read(fresh, txn, walk.expected.archived_at, &present) < 0 ||
                      !ids_hash_equal(&present.head, &walk.expected.head);
            if (r == 0 && copying) {
                r = ledger_tail_begin(fresh, txn, walk.expected.first_lsn, &walk.expected.previous,
                                      &tail);
            }
        }
        if (r == 0 && copying) {
            r = ledger_tail_put(fresh, txn, &tail, &value);
        }
    }
    if (r == -ENOENT || r == -EUCLEAN) {
        r = copying ? ledger_tail_end(fresh, txn, &tail) : 0;
    }
    return r;
}
