/*
 * Disks that lose, damage or mix up what they held, on either unit and on both at once; and who still holds what
 * was handed out. Who holds a ticket is told by what was acknowledged and what befell the disks since, never by
 * asking an engine: acknowledged while PAIRED, both; else the one that answered; after a new term both hold what
 * either held. A ticket that nobody holds any more need not be found again: its number is still never given to
 * another (promise 1), which is what cannot be excused.
 */
#include "tests/sim/sim_internal.h"

#include <string.h>

enum {
    HELD_BY_BOTH = (1 << SIM_UNITS) - 1,
    ROLL_BACK_ENTRIES_MAX = 60,
    SCRUB_MS_MAX = 5000,
    REPAIR_AFTER_MS = 5000, /* as toband */
    SET_ASIDE_MS = 150,
    BACKUP_MS_MAX = 30000,
};

void sim_held_acknowledged(struct seen_ticket *ticket, const struct unit *unit)
{
    const struct sim *sim = unit->sim;
    bool paired = engine_duty(unit->engine)->state == DUTY_PAIRED_DUTY &&
                  /* it may not know yet that the other's disk has lost what it acknowledged */
                  sim->units[1 - unit->index].lost_ms <= sim->held_paired_ms;

    ticket->held_by |= paired ? (uint8_t)HELD_BY_BOTH : (uint8_t)(1U << unit->index);
}

void sim_held_paired(struct sim *sim)
{
    sim->held_paired_ms = sim->now_ms;
    sim->units[0].sworn_off = sim->units[1].sworn_off = false;
    sim_access_held_paired(sim);
    sim_site_held_paired(sim);
    sim_manage_held_paired(sim);
    sim_register_held_paired(sim);
    for (size_t i = 0; i < sim->ticket_count; i++) {
        if (sim->tickets[i].held_by != 0) {
            sim->tickets[i].held_by = HELD_BY_BOTH;
        }
    }
}

/* Who gave it is blank now: it stands on the other's disk alone until they are paired. */
void sim_held_given(struct sim *sim, int box, int receiver)
{
    for (size_t i = 0; i < sim->ticket_count; i++) {
        if (sim->tickets[i].in_box == box) {
            sim->tickets[i].in_box = 0;
            sim->tickets[i].held_by = (uint8_t)(1U << receiver);
        }
    }
}

/* What this unit's disk held is there no more; taken out with its box, it may come back. */
static void held_lost(struct sim *sim, int index, bool with_box)
{
    struct unit *unit = &sim->units[index];

    unit->lost_disk = true;
    unit->lost_ms = sim->now_ms;
    sim_access_held_lost(sim, index);
    sim_site_held_lost(sim, index);
    sim_manage_held_lost(sim, index);
    sim_register_held_lost(sim, index);
    for (size_t i = 0; i < sim->ticket_count; i++) {
        struct seen_ticket *ticket = &sim->tickets[i];
        uint8_t before = ticket->held_by;

        ticket->held_by &= (uint8_t) ~(1U << index);
        if (with_box && before != 0 && ticket->held_by == 0) {
            ticket->in_box = unit->box;
        } else if (!with_box && ticket->in_box == unit->box) {
            ticket->in_box = 0;
        }
    }
}

/* Could this unit give its ledger back to the other? Not while it is blank, nor a damaged one, nor that of a time
 * before it was taken out: whoever stands alone with such a one knows nothing of what the office did since. */
bool sim_holds_a_ledger(const struct unit *unit)
{
    bool blank = unit->was_blank || sim_disk_is_incomplete(&unit->disk);
    bool of_another_time = unit->came_back && unit->lost_ms > unit->sim->held_paired_ms;

    if (unit->up && unit->loaded) {
        blank = engine_duty(unit->engine)->word.blank || engine_duty(unit->engine)->word.retired;
    }
    return !blank && !of_another_time && !unit->declared_off && !unit->sworn_off &&
           unit->disk.entry_count > 0 && !sim_disk_is_damaged(&unit->disk);
}

/* Ledger and record of one box are lost, and the other's ledger is of an earlier time: since they were paired last the
 * office gave numbers that stand nowhere any more (seeds 75 and 1347). Rule 3 asks for a new unit then, by two people. */
bool sim_would_forget(const struct unit *unit, bool record_goes, bool ledger_goes)
{
    const struct sim *sim = unit->sim;
    bool gone[SIM_UNITS][2]; /* record, ledger */

    for (int i = 0; i < SIM_UNITS; i++) {
        const struct unit *each = &sim->units[i];

        gone[i][0] = each->record_lost_ms > sim->held_paired_ms || (each == unit && record_goes);
        gone[i][1] = each->lost_ms > sim->held_paired_ms || sim_disk_is_damaged(&each->disk) ||
                     (each == unit && ledger_goes);
    }
    return gone[0][1] && gone[1][1] && (gone[0][0] || gone[1][0]);
}

bool sim_disk_answers(const struct unit *unit)
{
    uint64_t now_ms = unit->sim->now_ms;

    return unit->failing_syncs == 0 && !unit->no_room && unit->reads_fail_until_ms <= now_ms &&
           unit->stalled_until_ms <= now_ms && !sim_disk_is_damaged(&unit->disk);
}

/* Somebody keeps a ledger, always: two blank units are no office any more, and that is said, not mended. */
bool sim_lose_disk(struct sim *sim, enum sim_fault fault, int index)
{
    struct unit *unit = &sim->units[index];
    bool here = fault == SIM_ROLL_BACK || fault == SIM_RESTORE; /* something is left of it */

    if (!sim_holds_a_ledger(&sim->units[1 - index]) && (!here || !sim_holds_a_ledger(unit))) {
        return false;
    }
    if (fault == SIM_CLONE && sim->units[1 - index].lost_ms > sim->held_paired_ms) {
        return false; /* an older image over the newest ledger and its record: nobody knows the numbers any more */
    }
    if (sim_would_forget(unit, fault == SIM_CLONE, true)) {
        return false;
    }
    sim_crash_unit(sim, index, true);
    held_lost(sim, index, fault == SIM_REPLACE);
    if (fault == SIM_WIPE) {
        sim_disk_wipe(&unit->disk);
        unit->incoming_have_bytes = 0;
        unit->was_blank = true;
    } else if (fault == SIM_ROLL_BACK) {
        sim_disk_roll_back(&unit->disk, 1 + sim_fault_below(sim, ROLL_BACK_ENTRIES_MAX));
    } else if (fault == SIM_RESTORE) {
        sim_disk_restore(&unit->disk, &unit->backup);
        unit->incoming_have_bytes = 0;
    } else if (fault == SIM_CLONE) { /* the ledger of another box: as good as blank (rule 11) */
        sim_disk_restore(&unit->disk, &sim->units[1 - index].disk);
        memcpy(unit->disk.record, sim->units[1 - index].disk.record, sizeof(unit->disk.record));
        unit->disk.record_len_bytes = sim->units[1 - index].disk.record_len_bytes;
        unit->incoming_have_bytes = 0;
        unit->was_blank = true;
    }
    unit->powered = false;
    sim_heal_later(sim, fault == SIM_RESTORE ? SIM_ROLL_BACK : fault, index,
                   100 + sim_fault_below(sim, 8000));
    return true;
}

/* Everything of a data disk, and who holds what with it; the record lies in the box. */
static void exchange_disks(struct sim *sim)
{
    struct sim_disk *one = &sim->units[0].disk, *two = &sim->units[1].disk;
    struct sim_disk kept = *one;
    uint8_t record[SIM_DISK_RECORD_BYTES];
    size_t len_bytes = one->record_len_bytes;

    *one = *two;
    *two = kept;
    memcpy(record, two->record, sizeof(record));
    memcpy(two->record, one->record, sizeof(record));
    memcpy(one->record, record, sizeof(record));
    two->record_len_bytes = one->record_len_bytes;
    one->record_len_bytes = len_bytes;
    for (size_t i = 0; i < sim->ticket_count; i++) {
        uint8_t held_by = sim->tickets[i].held_by;

        sim->tickets[i].held_by = (uint8_t)((held_by & 1U) << 1 | held_by >> 1);
    }
    sim_access_exchanged(sim);
    sim_site_exchanged(sim);
    sim_manage_exchanged(sim);
    sim_register_exchanged(sim);
}

static void both_off_exchange_both_on(struct sim *sim)
{
    for (int i = 0; i < SIM_UNITS; i++) {
        sim_crash_unit(sim, i, true);
    }
    exchange_disks(sim);
    sim->swapped = !sim->swapped;
    for (int i = 0; i < SIM_UNITS; i++) {
        sim->units[i].incoming_have_bytes = 0;
        sim->units[i].lost_disk = true; /* what its box's record says may be on the other disk */
        sim_start_unit(sim, i, false);
    }
}

/* Both off, the data disks into the wrong boxes, both on: the ledger names both boxes, so each is still who it was, by
 * its own record. Later they are exchanged back, wherever the pair is then. */
void sim_swap_disks(struct sim *sim)
{
    if (sim->swapped || sim->oath != OATH_NONE || !sim->units[0].powered ||
        !sim->units[1].powered || !sim_holds_a_ledger(&sim->units[0]) ||
        !sim_holds_a_ledger(&sim->units[1]) || !sim_is_paired(sim)) {
        return;
    }
    both_off_exchange_both_on(sim);
    sim_heal_later(sim, SIM_SWAP_DISKS, 0, 1000 + sim_fault_below(sim, 10000));
}

void sim_swap_disks_back(struct sim *sim)
{
    if (sim->swapped) {
        both_off_exchange_both_on(sim);
    }
}

/* toband names its ledger damaged, puts it aside and starts blank. What nobody else holds is in no ledger now. */
void sim_set_aside(struct sim *sim, int index)
{
    struct unit *unit = &sim->units[index];

    sim_story(sim, "unit %d puts its damaged ledger aside", index + 1);
    sim_crash_unit(sim, index, false);
    held_lost(sim, index, false);
    sim_disk_set_aside(&unit->disk);
    unit->incoming_have_bytes = 0;
    unit->was_blank = true;
    unit->fit = true;
    unit->damaged_ms = 0;
}

/* As the scrub does: noticed within seconds, or by whoever reads that entry first. Once the other one serves, the
 * ledger is put aside (toband, repair_when_possible). */
void sim_scrub(struct sim *sim)
{
    for (int i = 0; i < SIM_UNITS; i++) {
        struct unit *unit = &sim->units[i];
        const struct duty *duty = unit->up ? engine_duty(unit->engine) : NULL;

        if (!unit->up || unit->paused_until_ms > sim->now_ms ||
            (unit->damaged_ms == 0 && !sim_disk_is_damaged(&unit->disk))) {
            continue;
        }
        if (unit->fit && (sim_below(sim, SCRUB_MS_MAX / 1000) == 0 ||
                          sim->now_ms - unit->harmed_ms >= SCRUB_MS_MAX)) {
            unit->fit = false;
            unit->damaged_ms = sim->now_ms;
            sim_story(sim, "the scrub of unit %d finds the damage", i + 1);
            sim_tell_level(sim, i);
        } else if (!unit->fit && unit->damaged_ms != 0 && duty->state == DUTY_STOPPED &&
                   duty->agreed && duty->peer.serve != DUTY_SERVE_NOT &&
                   sim->now_ms - unit->damaged_ms >= REPAIR_AFTER_MS) {
            sim_set_aside(sim, i);
        }
    }
}

/* One entry can no longer be read, or another one's bytes lie where it was written. */
static void damage(struct sim *sim, enum sim_fault fault, int index)
{
    struct unit *unit = &sim->units[index];

    if (unit->disk.entry_count < 2 || sim_disk_is_damaged(&unit->disk) ||
        !sim_holds_a_ledger(&sim->units[1 - index]) || sim_would_forget(unit, false, true)) {
        return; /* the peer could not give it back: an office without any ledger */
    }
    unit->harmed_ms = sim->now_ms;
    if (fault == SIM_TORN) {
        unit->torn = unit->batch != NULL;
        sim_crash_unit(sim, index, true);
        unit->powered = false;
        sim_heal_later(sim, SIM_POWER, index, 500 + sim_fault_below(sim, 10000));
        return;
    }
    unit->disk.rotten_lsn = fault == SIM_ROT ? 1 + sim_fault_below(sim, unit->disk.entry_count) : 0;
    if (fault == SIM_MISDIRECTED) {
        sim_disk_misdirect(&unit->disk, 1 + sim_fault_below(sim, unit->disk.entry_count),
                           1 + sim_fault_below(sim, unit->disk.entry_count));
    }
}

void sim_begin_disk_fault(struct sim *sim, enum sim_fault fault, int index)
{
    struct unit *unit = &sim->units[index];
    uint64_t lasts_ms = 200 + sim_fault_below(sim, 6000);

    if (fault == SIM_ROT || fault == SIM_MISDIRECTED || fault == SIM_TORN) {
        damage(sim, fault, index);
    } else if (fault == SIM_READS_FAIL) {
        unit->reads_fail_until_ms = sim->now_ms + lasts_ms / 2;
    } else if (fault == SIM_STALL) {
        lasts_ms = sim_fault_below(sim, 3) == 0 ? 60000 : lasts_ms;
        unit->stalled_until_ms = sim->now_ms + lasts_ms;
        sim_lasts(sim, lasts_ms);
    } else if (fault == SIM_NO_ROOM) {
        unit->no_room = true;
        sim_heal_later(sim, fault, index, lasts_ms);
    } else if (sim_holds_a_ledger(unit)) { /* an image is made now, and comes back later */
        sim_disk_free(&unit->backup);
        sim_disk_restore(&unit->backup, &unit->disk);
        unit->backup_box = unit->box;
        sim_heal_later(sim, fault, index, 1000 + sim_fault_below(sim, BACKUP_MS_MAX));
    }
}

void sim_end_disk_fault(struct sim *sim, enum sim_fault fault, int index)
{
    struct unit *unit = &sim->units[index];

    if (fault == SIM_NO_ROOM) {
        unit->no_room = false;
        unit->full = false;
        unit->fit = !sim_disk_is_damaged(&unit->disk) || unit->damaged_ms == 0;
        sim_tell_level(sim, index);
    } else if (fault == SIM_RESTORE && unit->backup.entry_count > 0 &&
               unit->backup_box == unit->box) {
        (void)sim_lose_disk(sim, SIM_RESTORE, index);
    }
}
