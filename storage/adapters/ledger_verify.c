#include "storage/adapters/ledger_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A walk along the chain: where it is, and the hash that the next entry must be chained to. */
struct walk {
    struct ledger *ledger;
    MDB_txn *txn;
    MDB_cursor *cursor;
    uint64_t next_lsn;
    uint64_t last_lsn;
    struct ids_hash head;
    bool started;
    uint64_t checked_to; /* the pages that hold entries up to here are sound */
    int error;           /* of STEP_UNREADABLE; only -EUCLEAN is damage */
};

static void walk_end(struct walk *walk)
{
    if (walk->cursor != NULL) {
        mdb_cursor_close(walk->cursor);
    }
    if (walk->txn != NULL) {
        ledger_reader_end(walk->ledger);
    }
}

/* The structure of the next pages, before LMDB follows it: a short window first, since many readers
 * want one entry. */
static int walk_window(struct walk *walk, uint64_t from_lsn)
{
    uint64_t window = walk->checked_to == 0 ? 1 : LEDGER_WALK_WINDOW;

    walk->checked_to = walk->next_lsn + window;
    return ledger_pages_check_entries(walk->ledger, from_lsn, walk->checked_to);
}

/* -EUCLEAN here: the entry before from_lsn is gone or is no entry. */
static int walk_begin(struct walk *walk, struct ledger *ledger, uint64_t from_lsn)
{
    struct ledger_book book = {0};

    walk->ledger = ledger;
    int r = ledger_reader_begin(ledger, &walk->txn);
    if (r == 0) {
        r = ledger_book_read(ledger, walk->txn, &book);
        r = r == -ENOENT ? -EUCLEAN : r;
    }
    if (r < 0) {
        return r;
    }
    walk->next_lsn = from_lsn == 0 ? 1 : from_lsn;
    walk->last_lsn = book.last_lsn;
    if (walk->next_lsn > walk->last_lsn) {
        return 0;
    }
    r = walk_window(walk, walk->next_lsn - 1);
    if (r == 0) {
        r = ledger_hash_at(ledger, walk->txn, walk->next_lsn - 1, &walk->head);
    }
    if (r == 0) {
        r = ledger_error(mdb_cursor_open(walk->txn, ledger->entries, &walk->cursor));
    }
    return r == -ENOENT ? -EUCLEAN : r;
}

enum step { STEP_ENTRY, STEP_END, STEP_MISSING, STEP_NOT_AN_ENTRY, STEP_CHANGED, STEP_UNREADABLE };

/* One link: the entry must be there under its own number, be an entry, and be chained to the last.
 */
static enum step walk_step(struct walk *walk, MDB_val *ret_key, MDB_val *ret_value)
{
    uint8_t raw[LEDGER_LSN_KEY_BYTES];

    if (walk->next_lsn > walk->last_lsn) {
        return STEP_END;
    }
    ledger_key_from_lsn(walk->next_lsn, raw);
    int r = walk->next_lsn > walk->checked_to ? walk_window(walk, walk->next_lsn) : 0;
    if (r < 0) {
        walk->error = r;
        return STEP_UNREADABLE;
    }
    MDB_val key = {sizeof(raw), raw};
    r = mdb_cursor_get(walk->cursor, &key, ret_value, walk->started ? MDB_NEXT : MDB_SET_RANGE);
    walk->started = true;
    if (r == MDB_NOTFOUND) {
        return STEP_MISSING;
    }
    if (r != 0) {
        walk->error = ledger_error(r);
        return STEP_UNREADABLE;
    }
    if (key.mv_size != sizeof(raw) || memcmp(key.mv_data, raw, sizeof(raw)) != 0) {
        return STEP_MISSING;
    }
    *ret_key = key;
    struct entry entry;
    struct ids_hash stored;
    struct ids_hash hash;
    if (ret_value->mv_size > ENTRY_BYTES_MAX ||
        !entry_decode(ret_value->mv_data, ret_value->mv_size, &entry, &stored) ||
        entry.lsn != walk->next_lsn) {
        return STEP_NOT_AN_ENTRY;
    }
    crypto_chain(walk->ledger->reader_crypto, &walk->head, ret_value->mv_data,
                 ret_value->mv_size - IDS_HASH_BYTES, &hash);
    if (!ids_hash_equal(&hash, &stored)) {
        return STEP_CHANGED;
    }
    walk->head = stored;
    walk->next_lsn++;
    return STEP_ENTRY;
}

int ledger_read_entries(struct ledger *ledger, uint64_t from_lsn, uint64_t to_lsn,
                        ledger_each_fn *each, void *context)
{
    __attribute__((cleanup(walk_end))) struct walk walk = {0};
    int r = walk_begin(&walk, ledger, from_lsn);

    while (r == 0 && walk.next_lsn <= to_lsn) {
        MDB_val key;
        MDB_val value;
        enum step step = walk_step(&walk, &key, &value);
        if (step == STEP_END) {
            break;
        }
        if (step != STEP_ENTRY) {
            r = step == STEP_UNREADABLE ? walk.error : -EUCLEAN; /* no memory is no damage */
        } else if (!each(context, key.mv_data, key.mv_size, value.mv_data, value.mv_size)) {
            break;
        }
    }
    return r;
}

/* ---- verification: the same walk, with words
 * ------------------------------------------------------ */

static void damage_say(struct ledger_damage *damage, uint64_t lsn, const char *en, const char *ja)
{
    *damage = (struct ledger_damage){.lsn = lsn};
    (void)snprintf(damage->what_en, sizeof(damage->what_en), "entry %" PRIu64 " %s", lsn, en);
    (void)snprintf(damage->what_ja, sizeof(damage->what_ja), "記録%" PRIu64 "番%s", lsn, ja);
}

static int damage_found(struct ledger_damage *damage, uint64_t lsn, enum step step)
{
    switch (step) {
    case STEP_MISSING:
        damage_say(damage, lsn, "is missing, though later ones are known to have been written",
                   "がありません。書き込まれたことは分かっています。");
        break;
    case STEP_NOT_AN_ENTRY:
        damage_say(damage, lsn, "is not an entry: its bytes make no sense",
                   "は記録の形をしていません。");
        break;
    case STEP_CHANGED:
        damage_say(damage, lsn, "or its link was changed: its hash does not follow from its bytes",
                   "またはそのつながりが書き換えられています(ハッシュが合いません)。");
        break;
    case STEP_UNREADABLE:
        damage_say(damage, lsn, "cannot be read: the structure of the file is damaged",
                   "を読めません。ファイルの構造が壊れています。");
        break;
    case STEP_ENTRY:
    case STEP_END:
        break;
    }
    return -EUCLEAN;
}

/* The end of the log: what the newest commit says it wrote, and nothing after it. */
static int end_check(struct walk *walk, struct ledger_damage *ret_damage)
{
    struct ledger_book book = {0};
    MDB_cursor *cursor = NULL;
    MDB_val key = {0};
    MDB_val value = {0};
    int r = ledger_structure_check(walk->ledger, NULL, 0);

    if (r == -EUCLEAN) {
        damage_say(ret_damage, walk->last_lsn, "is whole, but other parts of the file are damaged",
                   "は無事ですが、ファイルのほかの部分が壊れています。");
    }
    if (r == 0) {
        uint64_t lsn = 0;
        r = ledger_archive_verify(walk->ledger, walk->txn, &lsn);
        if (r == -EUCLEAN) {
            damage_say(ret_damage, lsn, "of an archived tail is changed or missing",
                       "(保管した旧記録)が書き換えられているか、ありません。");
        }
    }
    if (r == 0) {
        r = ledger_book_read(walk->ledger, walk->txn, &book);
    }

    if (r == 0) {
        r = ledger_error(mdb_cursor_open(walk->txn, walk->ledger->entries, &cursor));
    }
    if (r < 0) {
        return r == -ENOENT ? -EUCLEAN : r;
    }
    r = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
    bool beyond = r == 0 && (key.mv_size != LEDGER_LSN_KEY_BYTES ||
                             ledger_lsn_from_key(key.mv_data) != book.last_lsn);
    mdb_cursor_close(cursor);
    if (beyond || (r == MDB_NOTFOUND && book.last_lsn != 0)) {
        damage_say(ret_damage, book.last_lsn + (beyond ? 1 : 0),
                   "does not fit the end of the ledger as it was written",
                   "は、書き込んだときの台帳の終わりと合いません。");
        return -EUCLEAN;
    }
    if (walk->cursor != NULL && !ids_hash_equal(&walk->head, &book.head)) {
        damage_say(ret_damage, book.last_lsn, "is not the one that was written last",
                   "は、最後に書き込んだものと違います。");
        return -EUCLEAN;
    }
    return r == MDB_NOTFOUND ? 0 : ledger_error(r);
}

int ledger_verify(struct ledger *ledger, uint64_t from_lsn, uint64_t max_entries,
                  uint64_t *ret_next_lsn, struct ledger_damage *ret_damage)
{
    __attribute__((cleanup(walk_end))) struct walk walk = {0};
    uint64_t count = 0;
    int r = walk_begin(&walk, ledger, from_lsn);

    if (r == -EUCLEAN) {
        return damage_found(ret_damage, from_lsn > 1 ? from_lsn - 1 : 1, STEP_MISSING);
    }
    while (r == 0 && count < max_entries) {
        MDB_val key;
        MDB_val value;
        enum step step = walk_step(&walk, &key, &value);
        if (step == STEP_END) {
            r = end_check(&walk, ret_damage);
            break;
        }
        if (step == STEP_UNREADABLE && walk.error != -EUCLEAN) {
            return walk.error;
        }
        if (step != STEP_ENTRY) {
            return damage_found(ret_damage, walk.next_lsn, step);
        }
        count++;
    }
    if (r == 0) {
        *ret_next_lsn = walk.next_lsn;
    }
    return r;
}
