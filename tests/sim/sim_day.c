/*
 * How a day ends and the next begins. Once everything is healed, paired and quiet: evening, the day closes;
 * the units stay on, or lose power together, or are switched off one after the other; in the morning they
 * come back in either order. At opening both are there: plain numbers, yesterday erased, no letter.
 */
#include "tests/sim/sim_internal.h"

#include <string.h>

enum {
    SETTLE_MS = 200000,
    QUIET_MS = 6000,
    CLOSING_MS = 8000,
    GAP_MS_MAX = 600000,
    BOOT_MS = 40000,
    MORNING_MS = 60000,
    CERTIFIED_MS = 20000, /* both were there so long, and one of them has not said that it erased */
    FIRST_TICKETS = 20,
    TAKEOVER_ONE_IN = 3,
    BEFORE_MS = 6000,      /* a takeover begins within so long before the hour, or after it */
    TAKEN_OVER_MS = 45000, /* and its faults have healed, and the other one follows */
    PAIRED_AGAIN_MS = 130000,
    EARLY_VISITORS = 3,
    TO_OPENING_MS = 30000,
    DOORS_MS = 35000,
};

/* Wall clock: 2026-11-24T08:31 JST, an opening day; two hours after its closing time; the next morning, when
 * the units are switched on, and shortly before doors open. */
static const int64_t start_wall_ms = 1795476660000LL;
static const int64_t closed_wall_ms =
    1795476660000LL + 38640000LL; /* whoever is still there goes home */
static const int64_t midnight_wall_ms = 1795476660000LL + 55740000LL;
static const int64_t evening_wall_ms = 1795476660000LL + 39000000LL;
static const int64_t morning_wall_ms = 1795476660000LL + 84600000LL;
static const int64_t opening_wall_ms = 1795476660000LL + 86310000LL;

#define YESTERDAY "2026-11-24"

enum night { NIGHT_ON, NIGHT_BREAKER, NIGHT_OFF_IN_TURN, NIGHT_CUT_IN_TURN, NIGHT_COUNT };

int64_t sim_wall_ms(const struct sim *sim)
{
    return start_wall_ms + (int64_t)sim->now_ms + sim->skipped_ms;
}

static void skip_to(struct sim *sim, int64_t wall_ms)
{
    if (wall_ms > sim_wall_ms(sim)) {
        sim->skipped_ms += wall_ms - sim_wall_ms(sim);
    }
}

static void next_phase(struct sim *sim, enum sim_phase phase, uint64_t after_ms)
{
    sim->phase = phase;
    sim->phase_ms = sim->now_ms;
    sim_push(sim, (struct item){.at_ms = sim->now_ms + after_ms, .kind = ITEM_DAY});
}

enum takeover { AT_CLOSING = 1, AT_MIDNIGHT = 2, AT_OPENING = 4 };

static bool is_taken_over_at(const struct sim *sim, enum takeover when)
{
    return (sim->takeovers & (uint32_t)when) != 0;
}

/* Seconds before the hour, or after it, whoever is on duty dies or loses its link; the clock of the other one may be
 * wrong then. The plan of the day's last fault says how. */
static void take_over_at(struct sim *sim, int64_t wall_ms)
{
    static const enum sim_fault faults[] = {SIM_POWER, SIM_CRASH, SIM_CUT_LAN, SIM_HANDOVER};
    static const enum sim_fault clocks[] = {SIM_CLOCK, SIM_CLOCK_STOPS, SIM_CLOCK_DRIFTS};
    int on_duty = sim->units[0].holds ? 0 : 1;
    int64_t until_ms;

    skip_to(sim, wall_ms - BEFORE_MS);
    until_ms = wall_ms - sim_wall_ms(sim);
    sim_push(sim, (struct item){.at_ms = sim->now_ms + (uint64_t)(until_ms > 0 ? until_ms : 0) -
                                         BEFORE_MS / 2 + sim_below(sim, BEFORE_MS),
                                .kind = ITEM_FAULT,
                                .unit = on_duty,
                                .a = (int)faults[sim_below(sim, ARRAY_COUNT(faults))],
                                .b = 1,
                                .fault_number = sim->fault_now});
    if (sim_below(sim, 2) == 0) {
        sim_push(sim, (struct item){.at_ms = sim->now_ms + sim_below(sim, BEFORE_MS),
                                    .kind = ITEM_FAULT,
                                    .unit = 1 - on_duty,
                                    .a = (int)clocks[sim_below(sim, ARRAY_COUNT(clocks))],
                                    .b = 1,
                                    .fault_number = sim->fault_now});
    }
}

static void begin_evening(struct sim *sim)
{
    sim_story(sim, "---- evening");
    sim->closed = true;
    for (int i = 0; i < SIM_CLIENTS; i++) {
        sim->clients[i].busy = false;
    }
    /* Whoever was called in the last moment is sent home before a board is due (seed 261: 7 ms). */
    memset(sim->expected, 0, sizeof(sim->expected));
    for (uint32_t when = AT_CLOSING; when <= AT_OPENING; when <<= 1) {
        sim->takeovers |=
            sim->options.fault_count > 0 && sim_below(sim, TAKEOVER_ONE_IN) == 0 ? when : 0;
    }
    sim->night = is_taken_over_at(sim, AT_MIDNIGHT) ? NIGHT_ON : (int)sim_below(sim, NIGHT_COUNT);
    if (is_taken_over_at(sim, AT_CLOSING)) {
        take_over_at(sim, closed_wall_ms);
        next_phase(sim, PHASE_EVENING, TAKEN_OVER_MS);
        return;
    }
    skip_to(sim, evening_wall_ms);
    next_phase(sim, PHASE_EVENING, CLOSING_MS);
}

static void switch_off(struct sim *sim, int index)
{
    struct unit *unit = &sim->units[index];
    struct engine_event event = {.kind = ENGINE_LEAVE};

    unit->powered = false; /* a process that ends now is not started again */
    if (sim->night == NIGHT_OFF_IN_TURN) {
        sim_deliver(sim, index, &event);
    } else {
        sim_crash_unit(sim, index, true);
    }
}

static void switch_on(struct sim *sim, int index)
{
    struct unit *unit = &sim->units[index];

    unit->powered = true;
    unit->synchronised = sim->clock_was_wrong || sim_below(sim, 2) == 0;
    sim_start_unit(sim, index, false);
}

static void judge_evening(struct sim *sim)
{
    for (int i = 0; i < SIM_UNITS; i++) {
        if (sim->units[i].up && engine_queue(sim->units[i].engine)->day.state == QUEUE_DAY_OPEN) {
            sim_fail(sim, "promise 8: two hours after closing time the day of unit %d is open",
                     i + 1);
        }
    }
}

static void judge_opening(struct sim *sim)
{
    judge_erased(sim);
    judge_certificate(sim, YESTERDAY);
    judge_sums(sim, YESTERDAY);
    if (!sim_is_paired(sim)) {
        sim_fail(sim, "mornings: both units are there for %d s, and not paired", BOOT_MS / 1000);
    }
    for (int i = 0; i < SIM_UNITS; i++) {
        if (sim_disk_has_older_key(&sim->units[i].disk, sim->today) ||
            sim_spoils(sim, SPOIL_KEY_KEPT)) {
            sim_fail(sim, "promise 15: unit %d still has a key of yesterday at opening", i + 1);
        }
    }
}

static void people_come(struct sim *sim, int count)
{
    sim->ticket_ms = sim->now_ms;
    for (int i = 0; i < count; i++) {
        sim_client_begin(sim, i);
    }
}

/* Both units are there, and everything is healed. */
static void begin_second_day(struct sim *sim, int first_client)
{
    judge_opening(sim);
    sim->issued_after_heal = 0;
    sim->phase = PHASE_SECOND_DAY;
    sim->phase_ms = sim->ticket_ms = sim->now_ms;
    for (int i = first_client; i < SIM_CLIENTS_STEADY; i++) {
        sim_client_begin(sim, i);
    }
}

void sim_day_next(struct sim *sim)
{
    int first = (int)sim_below(sim, 2);
    bool in_turn = sim->night == NIGHT_OFF_IN_TURN || sim->night == NIGHT_CUT_IN_TURN;

    switch (sim->phase) {
    case PHASE_EVENING:
        judge_evening(sim);
        skip_to(sim, evening_wall_ms);
        if (is_taken_over_at(sim, AT_MIDNIGHT)) {
            sim->takeovers &= ~(uint32_t)AT_MIDNIGHT;
            take_over_at(sim, midnight_wall_ms);
            next_phase(sim, PHASE_EVENING, TAKEN_OVER_MS);
            break;
        }
        if (sim->night == NIGHT_ON) {
            skip_to(sim, morning_wall_ms);
            next_phase(sim, PHASE_BOOT, BOOT_MS);
            break;
        }
        switch_off(sim, first);
        sim->night_first = first;
        if (!in_turn) {
            switch_off(sim, 1 - first);
        }
        next_phase(sim, PHASE_OFF, in_turn ? sim_below(sim, GAP_MS_MAX) : 0);
        break;
    case PHASE_OFF:
        if (in_turn) {
            switch_off(sim, 1 - sim->night_first);
        }
        next_phase(sim, PHASE_DARK, 3000);
        break;
    case PHASE_DARK:
        sim_story(sim, "---- morning");
        skip_to(sim, morning_wall_ms);
        sim->night_first = first;
        switch_on(sim, first);
        next_phase(sim, PHASE_BOOT, sim_below(sim, 4) == 0 ? 0 : sim_below(sim, GAP_MS_MAX));
        break;
    case PHASE_BOOT:
        if (sim->night != NIGHT_ON) {
            switch_on(sim, 1 - sim->night_first);
        }
        next_phase(sim, PHASE_OPENING, BOOT_MS);
        break;
    case PHASE_OPENING:
        sim_story(sim, "---- doors open");
        if (is_taken_over_at(sim, AT_OPENING)) {
            take_over_at(sim, opening_wall_ms + TO_OPENING_MS);
        }
        skip_to(sim, opening_wall_ms);
        next_phase(sim, PHASE_DOORS, is_taken_over_at(sim, AT_OPENING) ? BEFORE_MS : DOORS_MS);
        break;
    case PHASE_DOORS:
        sim->today = "2026-11-25";
        memset(sim->plain_highest, 0, sizeof(sim->plain_highest));
        sim->closed = false;
        if (is_taken_over_at(sim, AT_OPENING)) {
            people_come(sim, COUNTERS + EARLY_VISITORS);
            sim->healed_ms = sim->now_ms;
            next_phase(sim, PHASE_TAKEOVER, TAKEN_OVER_MS);
            break;
        }
        begin_second_day(sim, 0);
        break;
    case PHASE_TAKEOVER:
        if (sim_is_paired(sim) || sim->now_ms > sim->healed_ms + PAIRED_AGAIN_MS) {
            begin_second_day(sim, COUNTERS + EARLY_VISITORS);
        } else {
            next_phase(sim, PHASE_TAKEOVER, 1000);
        }
        break;
    case PHASE_DAY:
    case PHASE_SECOND_DAY:
        break;
    }
}

bool sim_day_turn(struct sim *sim)
{
    if (!sim->faults_over) {
        sim->faults_over = true;
        sim->units[0].aim.moment = sim->units[1].aim.moment = MOMENT_ANY;
        sim->units[0].failing_syncs = sim->units[1].failing_syncs = 0;
        sim_story(sim, "---- everything is healed");
    }
    if (sim->phase == PHASE_SECOND_DAY) {
        if (sim->issued_after_heal > FIRST_TICKETS &&
            (sim->now_ms > sim->phase_ms + CERTIFIED_MS || sim_is_certified(sim, YESTERDAY))) {
            if (!sim_is_certified(sim, YESTERDAY)) {
                sim_fail(sim, "promise 15: a ledger lacks a unit's certificate for " YESTERDAY);
            }
            judge_ledgers(sim);
            judge_walk(sim);
            if (sim->result->calls == 0) {
                sim_fail(sim, "no call was asked of any board: that oracle sees nothing");
            }
            sim->result->days = 2;
            return true;
        }
        if (sim->now_ms > sim->phase_ms + MORNING_MS) {
            sim_fail(sim, "promise 14: no tickets in the morning");
        }
        return false;
    }
    if (sim->phase != PHASE_DAY) {
        return false;
    }
    if (sim->paired_ms == 0 && sim_is_paired(sim)) {
        sim->paired_ms = sim->now_ms;
    }
    if (sim->paired_ms != 0 && sim->issued_after_heal > FIRST_TICKETS &&
        sim->result->tickets >= sim->options.ticket_goal &&
        sim->now_ms > sim->paired_ms + QUIET_MS && sim_is_paired(sim) &&
        sim_disk_answers(&sim->units[0]) && sim_disk_answers(&sim->units[1])) {
        judge_ledgers(sim);
        sim->result->terms = engine_duty(sim->units[0].engine)->term.number;
        begin_evening(sim);
    }
    if (sim->now_ms > sim->healed_ms + SETTLE_MS) {
        sim_fail(sim, "promise 14: %s within %d s after everything healed",
                 sim->paired_ms == 0 ? "not paired" : "no tickets", SETTLE_MS / 1000);
    }
    return false;
}
