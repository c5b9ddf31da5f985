/*
 * Oracles that lay what people were handed beside the bytes of the disks: each effect has its entry (promise 9), each
 * plain number was reserved on both disks, and outside of them, before it was given (promise 3, rules 3 and 4), and
 * what a day's erasure is said by (promise 15). What entries say in clear is noted once, when they are stored.
 */
#include "storage/entry/entry.h"
#include "tests/sim/sim_internal.h"

#include <stdlib.h>
#include <string.h>

enum { RECORD_VERSION = 6, MONTH_TEXT = 5, DAY_TEXT = 8 };

static uint32_t date_of(const char *text) /* yyyy-mm-dd */
{
    return (uint32_t)strtoul(text, NULL, 10) * 10000 +
           (uint32_t)strtoul(text + MONTH_TEXT, NULL, 10) * 100 +
           (uint32_t)strtoul(text + DAY_TEXT, NULL, 10);
}

/* ---- what is stored ------------------------------------------------------------------------------ */

/* Keys of requests and hashes of entries that stand in some ledger: their first bytes are their name. */
static uint32_t *noted_slot(struct sim *sim, const struct ids_token *name)
{
    uint32_t first, at;

    memcpy(&first, name->bytes, sizeof(first));
    first = first == 0 ? 1 : first;
    for (at = first;; at++) {
        uint32_t *slot = &sim->noted[at % SIM_NOTED_SIZE];

        if (*slot == 0 || *slot == first) {
            return slot;
        }
    }
}

static bool is_noted(struct sim *sim, const struct ids_token *name)
{
    return *noted_slot(sim, name) != 0;
}

static void note(struct sim *sim, const struct ids_token *name)
{
    uint32_t *slot = noted_slot(sim, name);

    if (*slot == 0) {
        CHECK(sim->noted_count++ < SIM_NOTED_SIZE / 2);
        memcpy(slot, name->bytes, sizeof(*slot));
        *slot = *slot == 0 ? 1 : *slot;
    }
}

static void note_ceiling(struct sim *sim, const struct queue_category *category, uint64_t lsn,
                         const struct ids_hash *hash)
{
    struct sim_ceilings *ceilings = &sim->ceilings[category->id - 1];
    struct ids_token name;

    memcpy(name.bytes, hash->bytes, sizeof(name.bytes));
    if (is_noted(sim, &name)) {
        return; /* the other unit's copy, or this one's when it was filled anew: another day perhaps */
    }
    note(sim, &name);
    ceilings->ring[ceilings->count++ % SIM_CEILINGS] = (struct sim_ceiling){
        .lsn = lsn, .hash = *hash, .day = sim->ledger_day, .number = category->ceiling};
}

static void note_change(struct unit *unit, const struct entry *entry, const struct ids_hash *hash)
{
    struct sim *sim = unit->sim;
    struct queue_change change;

    if (!queue_change_decode(entry->payload, entry->payload_len_bytes, &change)) {
        sim_fail(sim, "promise 9: what unit %d stored at lsn %llu says nothing", unit->index + 1,
                 (unsigned long long)entry->lsn);
        return;
    }
    for (size_t i = 0; i < change.row_count; i++) {
        const struct queue_row *row = &change.rows[i];

        if (row->kind == QUEUE_ROW_DAY) {
            sim->ledger_day = row->day.date > sim->ledger_day ? row->day.date : sim->ledger_day;
            unit->erased_day =
                row->day.erased_date > unit->erased_day ? row->day.erased_date : unit->erased_day;
        } else if (row->kind == QUEUE_ROW_CATEGORY && change.action == QUEUE_RAISE_CEILING) {
            note_ceiling(sim, &row->category, entry->lsn, hash);
        }
    }
}

void sim_note_entry(struct unit *unit, const struct entry *entry, const struct ids_hash *hash)
{
    struct duty_term term;

    if (entry->kind == ENTRY_TERM &&
        duty_term_decode(entry->payload, entry->payload_len_bytes, &term) &&
        term.number < SIM_TERMS_MAX) {
        unit->terms[term.number] = *hash;
    } else if (entry->kind == ENTRY_CHANGE_CLEAR) {
        note_change(unit, entry, hash);
    }
    if (!ids_token_is_zero(&entry->request) && !sim_stays_spoiled(unit->sim, SPOIL_NO_ENTRY)) {
        note(unit->sim, &entry->request);
    }
}

/* Its entries were noted when they were first stored; this place holds their terms and what they say of days now. */
void sim_note_snapshot(struct unit *unit)
{
    for (uint64_t lsn = 1; lsn <= unit->disk.entry_count; lsn++) {
        const struct sim_blob *blob = &unit->disk.entries[lsn - 1];
        struct ids_hash hash;
        struct entry entry;

        if (entry_decode(blob->bytes, blob->len_bytes, &entry, &hash) &&
            (entry.kind == ENTRY_TERM || entry.kind == ENTRY_CHANGE_CLEAR)) {
            sim_note_entry(unit, &entry, &hash);
        }
    }
}

/* ---- what was handed out -------------------------------------------------------------------------- */

void judge_effect(struct unit *unit, const struct ids_token *key, const char *what)
{
    if (!is_noted(unit->sim, key)) {
        sim_fail(unit->sim, "promise 9: unit %d answers %s, and no ledger has an entry of that key",
                 unit->index + 1, what);
    }
}

struct record {
    uint64_t term;
    uint32_t ceiling_day;
    uint16_t ceilings[QUEUE_CATEGORIES_MAX];
};

/* The bytes outside the data disk, by the layout of engine_record.c. */
static bool read_record(const struct sim_disk *disk, struct record *ret_record)
{
    struct bytes_reader reader = bytes_reader_over(disk->record, disk->record_len_bytes);
    struct ids_token hardware;

    if (disk->record_len_bytes == 0 || bytes_get_u8(&reader) != RECORD_VERSION) {
        return false;
    }
    bytes_get(&reader, hardware.bytes, sizeof(hardware.bytes));
    (void)bytes_get_u32(&reader); /* unit, day and number of its session */
    (void)bytes_get_u32(&reader);
    (void)bytes_get_u32(&reader);
    ret_record->term = bytes_get_u64(&reader);
    (void)bytes_get_u64(&reader); /* replaced term, and four flags */
    (void)bytes_get_u32(&reader);
    ret_record->ceiling_day = bytes_get_u32(&reader);
    for (size_t i = 0; i < QUEUE_CATEGORIES_MAX; i++) {
        ret_record->ceilings[i] = bytes_get_u16(&reader);
    }
    return bytes_finished(&reader);
}

/* Rule 3: "each written there before use". */
static void judge_record(struct sim *sim, const struct sim_disk *disk, const char *whose,
                         const struct seen_ticket *seen)
{
    struct record record = {0};

    if (!read_record(disk, &record)) {
        sim_fail(sim, "rule 3: %s was given, and the record of %s cannot be read", seen->display,
                 whose);
        return;
    }
    if (sim_spoils(sim, SPOIL_RECORD_TERM)) {
        record.term--;
    } else if (sim_spoils(sim, SPOIL_RECORD_CEILING)) {
        record.ceilings[seen->category - 1] = 0;
    }
    if (record.term < seen->term) {
        sim_fail(sim, "rule 3: %s was given in term %llu, and the record of %s knows of %llu",
                 seen->display, (unsigned long long)seen->term, whose,
                 (unsigned long long)record.term);
    }
    if (record.ceiling_day == date_of(seen->day) &&
        record.ceilings[seen->category - 1] < seen->number) {
        sim_fail(sim, "rule 3: %s was given, and the record of %s says %u at most", seen->display,
                 whose, record.ceilings[seen->category - 1]);
    }
}

/* Rule 4: a ceiling at or above this number was in an entry at or below the mark that the number's entry bears. */
static bool is_reserved(const struct sim *sim, const struct seen_ticket *seen,
                        const struct unit *unit, uint64_t mark_lsn)
{
    const struct sim_ceilings *ceilings = &sim->ceilings[seen->category - 1];

    for (size_t i = 0; i < SIM_CEILINGS; i++) {
        const struct sim_ceiling *ceiling = &ceilings->ring[i];
        struct ids_hash held;

        if (ceiling->lsn == 0 || ceiling->lsn > mark_lsn || ceiling->number < seen->number ||
            ceiling->day != date_of(seen->day) || ceiling->lsn > unit->disk.entry_count) {
            continue;
        }
        sim_hash_of(&unit->disk, ceiling->lsn, &held);
        if (ids_hash_equal(&held, &ceiling->hash)) {
            return true;
        }
    }
    return false;
}

/* Only where the answer is the number's first: its own entry lies where the answer says that it was computed. */
void judge_reserved(struct unit *unit, const struct seen_ticket *seen)
{
    struct sim *sim = unit->sim;
    const struct sim_disk *partner = sim_partner_disk(sim, unit->index);
    uint64_t lsn = unit->reply_lsn;
    const struct sim_blob *blob;
    struct ids_hash hash;
    struct entry entry;

    if (lsn == 0 || lsn > unit->disk.entry_count || sim_disk_is_damaged(&unit->disk)) {
        return;
    }
    blob = &unit->disk.entries[lsn - 1];
    if (!entry_decode(blob->bytes, blob->len_bytes, &entry, &hash) ||
        !ids_token_equal(&entry.request, &seen->key) || entry.session != 0 ||
        engine_duty(unit->engine)->state != DUTY_PAIRED_DUTY) {
        return;
    }
    sim->result->reserved++;
    if (sim_spoils(sim, SPOIL_MARK)) {
        entry.mark_lsn = lsn + 1;
    } else if (sim_spoils(sim, SPOIL_CEILING)) {
        memset(&sim->ceilings[seen->category - 1], 0, sizeof(sim->ceilings[0]));
    }
    if (entry.mark_lsn > unit->disk.entry_count ||
        (entry.mark_lsn > 0 && !judge_is_on_both(sim, unit->index, entry.mark_lsn))) {
        sim_fail(sim, "promise 2: the entry of %s says that both hold lsn %llu, and they never did",
                 seen->display, (unsigned long long)entry.mark_lsn);
    }
    if (!is_reserved(sim, seen, unit, entry.mark_lsn)) {
        sim_fail(sim, "promise 3: %s was given before both disks held a ceiling above it",
                 seen->display);
    }
    if (!judge_term_is_common(sim, seen->term)) {
        sim_fail(sim, "promise 4: %s was given in term %llu, which both disks do not hold",
                 seen->display, (unsigned long long)seen->term);
    }
    judge_record(sim, &unit->disk, "whoever gave it", seen);
    if (partner != NULL) {
        judge_record(sim, partner, "its partner", seen);
    }
}

/* ---- at the end of a day -------------------------------------------------------------------------- */

/* Promise 15: in the morning each ledger says itself that yesterday is erased: what a certificate is made of. */
void judge_certificate(struct sim *sim, const char *yesterday)
{
    for (int i = 0; i < SIM_UNITS; i++) {
        uint32_t said = sim_spoils(sim, SPOIL_ERASED) ? 0 : sim->units[i].erased_day;

        if (said < date_of(yesterday)) {
            sim_fail(sim, "promise 15: no entry in the ledger of unit %d says that %s is erased",
                     i + 1, yesterday);
        }
    }
}

/* Promise 9: every link of every chain, and that nothing is missing behind what the unit said last of itself. */
void judge_walk(struct sim *sim)
{
    for (int i = 0; i < SIM_UNITS; i++) {
        struct unit *unit = &sim->units[i];
        struct ids_hash last = {0};
        uint64_t links;

        sim_spoil_ledger(unit);
        links = sim_disk_walk(&unit->disk, &last);
        if (links != unit->disk.entry_count) {
            sim_fail(sim, "promise 9: the chain of unit %d breaks at lsn %llu", i + 1,
                     (unsigned long long)links + 1);
        } else if (unit->said.last_lsn > links) {
            sim_fail(sim,
                     "promise 9: unit %d said that it holds lsn %llu, and its chain ends at "
                     "%llu",
                     i + 1, (unsigned long long)unit->said.last_lsn, (unsigned long long)links);
        }
        sim->result->walked += links;
    }
}
