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
    FIRST_TICKETS = 20,
};

/* Wall clock: 2026-11-24T08:31 JST, an opening day; two hours after its closing time; the next morning, when
 * the units are switched on, and shortly before doors open. */
static const int64_t start_wall_ms = 1795476660000LL;
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

static void begin_evening(struct sim *sim)
{
    sim_story(sim, "---- evening");
    sim->closed = true;
    for (int i = 0; i < SIM_CLIENTS; i++) {
        sim->clients[i].busy = false;
    }
    skip_to(sim, evening_wall_ms);
    sim->night = (int)sim_below(sim, NIGHT_COUNT);
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

void sim_day_next(struct sim *sim)
{
    int first = (int)sim_below(sim, 2);
    bool in_turn = sim->night == NIGHT_OFF_IN_TURN || sim->night == NIGHT_CUT_IN_TURN;

    switch (sim->phase) {
    case PHASE_EVENING:
        judge_evening(sim);
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
        skip_to(sim, opening_wall_ms);
        next_phase(sim, PHASE_DOORS, 35000);
        break;
    case PHASE_DOORS:
        sim->today = "2026-11-25";
        judge_opening(sim);
        memset(sim->plain_highest, 0, sizeof(sim->plain_highest));
        sim->closed = false;
        sim->issued_after_heal = 0;
        sim->phase = PHASE_SECOND_DAY;
        sim->phase_ms = sim->ticket_ms = sim->now_ms;
        for (int i = 0; i < SIM_CLIENTS_STEADY; i++) {
            sim_client_begin(sim, i);
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
        if (sim->issued_after_heal > FIRST_TICKETS) {
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
