/*
 * Oracles that look at what a disk is given and holds: the chain, terms, who writes in a term, what is taken away,
 * digests, gaps, and what is left of yesterday. Each entry is looked at once, when it is stored.
 */
#include "storage/adapters/crypto.h"
#include "storage/entry/entry.h"
#include "tests/sim/sim_internal.h"

#include <string.h>

enum {
    BATCH_ENTRIES_MAX = ENGINE_BATCH_ENTRIES_MAX + 64, /* ceilings go with it */
    WAKINGS_MAX = 600,   /* a word each 30 ms, events each 50, company waited for 5 */
    UNFIT_TICKS_MAX = 6, /* a hand-over asks for a link that has worked for 3 s */
    ERASED_SAMPLES = 8,
    TICKET_ID_TEXT_BYTES = 32,
};

void sim_hash_of(const struct sim_disk *disk, uint64_t lsn, struct ids_hash *ret_hash)
{
    const struct sim_blob *blob = &disk->entries[lsn - 1];

    memcpy(ret_hash->bytes, blob->bytes + blob->len_bytes - IDS_HASH_BYTES, IDS_HASH_BYTES);
}

static bool holds(const struct sim_disk *disk, uint64_t lsn, const struct ids_hash *hash)
{
    struct ids_hash held;

    if (lsn > disk->entry_count) {
        return false;
    }
    sim_hash_of(disk, lsn, &held);
    return ids_hash_equal(&held, hash);
}

/* A disk that was lost since has held it nevertheless; and the box that stands beside a unit may be the one that
 * was taken out (sim_ghost.c). */
bool judge_is_on_both(const struct sim *sim, int index, uint64_t lsn)
{
    const struct unit *other = &sim->units[1 - index];
    struct ids_hash hash;

    sim_hash_of(&sim->units[index].disk, lsn, &hash);
    return holds(&other->disk, lsn, &hash) ||
           (lsn < SIM_LSN_MAX && (ids_hash_equal(&other->stored[lsn], &hash) ||
                                  ids_hash_equal(&sim->units[SIM_GHOST].stored[lsn], &hash)));
}

/* Promise 3: in one term the plain numbers that clients ask for are written by one unit. */
static void judge_writer(struct sim *sim, const struct entry *entry)
{
    static const struct ids_token nobody;
    uint32_t *writer;

    if (entry->kind != ENTRY_CHANGE_VISIT || entry->session != 0 ||
        ids_token_equal(&entry->request, &nobody) || entry->term >= SIM_TERMS_MAX) {
        return;
    }
    writer = &sim->writers[entry->term];
    if (sim_spoils(sim, SPOIL_WRITER)) {
        *writer = 1 + entry->unit;
    }
    if (*writer != 0 && *writer != entry->unit) {
        sim_fail(sim, "promise 3: in term %llu unit %u and unit %u assign plain numbers",
                 (unsigned long long)entry->term, *writer, entry->unit);
    }
    *writer = entry->unit;
}

/* Promises 4 and 9: chained to the one before it, no gap, a term above the one before it. */
static void judge_entry(struct unit *unit, uint64_t lsn)
{
    struct sim *sim = unit->sim;
    const struct sim_disk *disk = &unit->disk;
    struct sim_blob *blob = &disk->entries[lsn - 1];
    struct ids_hash previous = {0}, hash, chained;
    struct duty_term term;
    struct entry entry;

    if (!entry_decode(blob->bytes, blob->len_bytes, &entry, &hash) || entry.lsn != lsn) {
        sim_fail(sim, "promise 9: what unit %d stored at lsn %llu is not that entry",
                 unit->index + 1, (unsigned long long)lsn);
        return;
    }
    if (lsn > 1) {
        sim_hash_of(disk, lsn - 1, &previous);
        blob->newest_term = disk->entries[lsn - 2].newest_term;
    }
    crypto_chain(sim->crypto, &previous, blob->bytes, blob->len_bytes - IDS_HASH_BYTES, &chained);
    if (!ids_hash_equal(&chained, &hash)) {
        sim_fail(sim, "promise 9: lsn %llu of unit %d is not chained to the one before it",
                 (unsigned long long)lsn, unit->index + 1);
    }
    if (entry.kind == ENTRY_TERM &&
        duty_term_decode(entry.payload, entry.payload_len_bytes, &term)) {
        if (sim_spoils(sim, SPOIL_TERM_FALLS)) {
            blob->newest_term = term.number + 1;
        }
        if (term.number <= blob->newest_term) {
            sim_fail(sim, "promise 4: in the ledger of unit %d term %llu follows term %llu",
                     unit->index + 1, (unsigned long long)term.number,
                     (unsigned long long)blob->newest_term);
        }
        blob->newest_term = term.number;
    }
    if (lsn < SIM_LSN_MAX) {
        unit->stored[lsn] = hash;
    }
    judge_writer(sim, &entry);
    sim_note_entry(unit, &entry, &hash);
}

/* Promise 5: what both disks hold is not taken away from one of them; what is, is named by the ledger that takes
 * its place. */
static void judge_taken_away(struct unit *unit, const struct ledger_batch *batch)
{
    const struct sim_disk *disk = &unit->disk;
    const struct sim_disk *other = &unit->sim->units[1 - unit->index].disk;
    uint64_t from = batch->truncate_from_lsn;

    if (from == 1 && batch->entry_count == 0) {
        sim_access_held_given(unit->sim, unit->index);
        sim_site_held_given(unit->sim, unit->index);
        sim_manage_held_given(unit->sim, unit->index);
        sim_register_held_given(unit->sim, unit->index);
        return; /* a retired unit, whose tail was adopted, becomes blank (rule 11) */
    }
    for (uint64_t lsn = from; lsn <= disk->entry_count; lsn++) {
        struct ids_hash hash;

        sim_hash_of(disk, lsn, &hash);
        if (holds(other, lsn, &hash)) {
            sim_fail(unit->sim, "promise 5: unit %d drops lsn %llu, which both hold",
                     unit->index + 1, (unsigned long long)lsn);
            return;
        }
    }
    sim_manage_held_taken(unit->sim, unit->index);
    if (from <= disk->entry_count) {
        unit->tail_replaced = true;
        sim_hash_of(disk, disk->entry_count, &unit->replaced_head);
    }
}

/* What it stores is its own: nothing comes from the other. */
static bool serves_by_itself(const struct unit *unit)
{
    enum duty_state state = engine_duty(unit->engine)->state;

    return state == DUTY_PAIRED_DUTY || state == DUTY_ALONE;
}

static void judge_before_store(struct unit *unit, const struct ledger_batch *batch)
{
    if (batch->truncate_from_lsn != 0) {
        judge_taken_away(unit, batch);
    } else if (sim_spoils(unit->sim, SPOIL_BATCH) ||
               batch->entry_count >
                   (serves_by_itself(unit) ? BATCH_ENTRIES_MAX : ENGINE_CACHE_ENTRIES)) {
        sim_fail(unit->sim, "promise 12: a batch of %zu entries", batch->entry_count);
    }
}

static void judge_stored(struct unit *unit, const struct ledger_batch *batch)
{
    struct sim_disk *disk = &unit->disk;
    bool named = false;

    CHECK(batch->entry_count <= disk->entry_count);
    for (uint64_t lsn = disk->entry_count - batch->entry_count + 1; lsn <= disk->entry_count;
         lsn++) {
        judge_entry(unit, lsn);
    }
    if (!unit->tail_replaced || batch->truncate_from_lsn == 0) {
        return;
    }
    unit->tail_replaced = false;
    for (uint64_t lsn = batch->truncate_from_lsn; lsn <= disk->entry_count && !named; lsn++) {
        const struct sim_blob *blob = &disk->entries[lsn - 1];
        struct entry entry;
        struct ids_hash hash;

        named = entry_decode(blob->bytes, blob->len_bytes, &entry, &hash) &&
                entry.kind == ENTRY_TAIL_REPLACED && entry.payload_len_bytes >= IDS_HASH_BYTES &&
                memcmp(entry.payload + entry.payload_len_bytes - IDS_HASH_BYTES,
                       unit->replaced_head.bytes, IDS_HASH_BYTES) == 0;
    }
    if (!named) {
        sim_fail(unit->sim, "promise 5: a tail of unit %d was replaced, and no entry says so",
                 unit->index + 1);
    }
}

void sim_store(struct unit *unit, const struct ledger_batch *batch, enum sim_disk_step until)
{
    if (until >= SIM_DISK_LEDGER) {
        judge_before_store(unit, batch);
        judge_certificates_of(unit, batch);
    }
    sim_disk_apply(&unit->disk, batch, until);
    if (until >= SIM_DISK_LEDGER) {
        judge_stored(unit, batch);
    }
}

/* A snapshot took the place of the ledger: checked as it is read (ledger.h), remembered here. */
void judge_settled(struct unit *unit)
{
    for (uint64_t lsn = 1; lsn <= unit->disk.entry_count && lsn < SIM_LSN_MAX; lsn++) {
        sim_hash_of(&unit->disk, lsn, &unit->stored[lsn]);
    }
    sim_manage_held_taken(unit->sim, unit->index);
    sim_note_snapshot(unit);
}

/* Promise 12: nobody asks to be woken all the time. */
void judge_wakings(struct sim *sim)
{
    for (int i = 0; i < SIM_UNITS; i++) {
        sim->units[i].wakings += sim_spoils(sim, SPOIL_WAKINGS) ? WAKINGS_MAX : 0;
        if (sim->units[i].wakings > WAKINGS_MAX) {
            sim_fail(sim, "promise 12: unit %d was woken %u times in a second by its own clock",
                     i + 1, sim->units[i].wakings);
        }
        sim->units[i].wakings = 0;
    }
}

/* Promise 11: a unit whose disk is full or failing is not on duty beside one that is ready. */
void judge_damage(struct sim *sim)
{
    bool calm = sim->loss_percent == 0 && sim->delay_ms_max == 0 && sim_is_paired(sim);

    for (int i = 0; i < SIM_UNITS; i++) {
        struct unit *unit = &sim->units[i];
        const struct unit *peer = &sim->units[1 - i];
        bool unfit = !unit->fit || sim_stays_spoiled(sim, SPOIL_UNFIT);
        bool wrong = calm && unfit && peer->fit && peer->lan_up && !peer->stopped &&
                     unit->disk_ms_max <= DISK_MS_USUAL && peer->disk_ms_max <= DISK_MS_USUAL &&
                     unit->paused_until_ms <= sim->now_ms && peer->paused_until_ms <= sim->now_ms &&
                     engine_duty(unit->engine)->state == DUTY_PAIRED_DUTY;

        unit->unfit_ticks = wrong ? unit->unfit_ticks + 1 : 0;
        if (unit->unfit_ticks > UNFIT_TICKS_MAX) {
            sim_fail(sim, "promise 11: unit %d is unfit, and on duty beside a ready one", i + 1);
        }
    }
}

static bool is_never_given(const struct queue_config *config, uint32_t number)
{
    for (size_t i = 0; i < config->skip_count; i++) {
        if (number % 100 == config->skips[i]) { /* all of ours are below 100 */
            return true;
        }
    }
    return false;
}

/* Whoever had one of these was sent away, and nobody gets it. */
static uint32_t annulled_up_to(const struct queue *queue, uint32_t number)
{
    return queue->categories[(number - 1) / NUMBERS_OF_CATEGORY].earlier_highest;
}

/* Promise 7: every plain number up to the highest is somebody's, or was skipped and counted so. */
void judge_gaps(struct sim *sim)
{
    const struct queue *queue = engine_queue(sim->units[0].engine);
    uint64_t given = 0, skipped = 0, used = 0;

    for (uint32_t i = 0; i < queue->ticket_count; i++) {
        given += queue->tickets[i].series.unit == 0 && queue->tickets[i].state != QUEUE_VOID &&
                 queue->tickets[i].delivery != QUEUE_DELIVERY_HAND &&
                 queue->tickets[i].number > annulled_up_to(queue, queue->tickets[i].number);
    }
    for (size_t i = 0; i < queue->config.category_count; i++) {
        skipped += queue->totals[i].voided;
        for (uint32_t number = queue->config.categories[i].number_first;
             number <= queue->categories[i].plain_highest; number++) {
            used += number > queue->categories[i].earlier_highest &&
                    !is_never_given(&queue->config, number);
        }
    }
    if (given + skipped != used) {
        sim_fail(sim,
                 "promise 7: %llu plain numbers are used up, %llu are tickets and %llu are void",
                 (unsigned long long)used, (unsigned long long)given, (unsigned long long)skipped);
    }
}

/* Promise 15: a raw search of both disks for visitors of yesterday. */
void judge_erased(struct sim *sim)
{
    for (size_t i = 0; i < ERASED_SAMPLES && sim->ticket_count > 0; i++) {
        const struct seen_ticket *ticket = &sim->tickets[sim_below(sim, sim->ticket_count)];
        struct ids_token id;

        CHECK(ids_token_from_text(ticket->id, TICKET_ID_TEXT_BYTES, &id));
        if (sim_spoils(sim, SPOIL_IN_CLEAR)) {
            memcpy(sim->units[1].disk.entries[0].bytes, id.bytes, sizeof(id.bytes));
        }
        for (int unit = 0; unit < SIM_UNITS && strcmp(ticket->day, sim->today) != 0; unit++) {
            const struct sim_disk *disk = &sim->units[unit].disk;

            for (size_t at = 0; at < disk->entry_count; at++) {
                if (memmem(disk->entries[at].bytes, disk->entries[at].len_bytes, id.bytes,
                           sizeof(id.bytes)) != NULL) {
                    sim_fail(sim, "promise 15: unit %d holds a ticket of yesterday in clear",
                             unit + 1);
                    return;
                }
            }
        }
    }
}
