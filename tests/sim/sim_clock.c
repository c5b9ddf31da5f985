/*
 * Wall clocks that are wrong: by a step, by standing still, by going too fast or too slow, on one unit or on both
 * alike. A clock that is corrected steps back. Numbers never rest on a clock, and no day is opened or closed by one
 * that nobody vouches for (rule 9); two that are wrong alike vouch for one another, so only steps are taken there that
 * leave the day open, or lie so far back that the ledger itself does not believe them.
 */
#include "tests/sim/sim_internal.h"

#define MINUTE_MS 60000LL
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

enum { PERCENT = 100, DRIFT_PERCENT = 50 };

int64_t sim_unit_wall_ms(const struct unit *unit)
{
    const struct sim *sim = unit->sim;
    int64_t drifted_ms =
        unit->drift_percent * (int64_t)(sim->now_ms - unit->drift_since_ms) / PERCENT;

    return unit->stopped_wall_ms != 0 ? unit->stopped_wall_ms
                                      : sim_wall_ms(sim) + unit->clock_ms + drifted_ms;
}

bool sim_clock_is_right(const struct unit *unit)
{
    return unit->clock_ms == 0 && unit->stopped_wall_ms == 0 && unit->drift_percent == 0;
}

/* First it is no longer synchronised, then it is wrong. */
static void nobody_vouches(struct unit *unit)
{
    unit->sim->clock_was_wrong = true;
    unit->synchronised = false;
    sim_tell_level(unit->sim, unit->index);
}

/* A step that a believed clock may not take: more than a day's opening ahead, or back (rule 9). */
static int64_t step_of_one_ms(struct sim *sim)
{
    static const int64_t steps_ms[] = {
        -4 * MINUTE_MS, 4 * MINUTE_MS,     -3 * HOUR_MS,       -30 * DAY_MS,
        400 * DAY_MS,   20 * 365 * DAY_MS, -20 * 365 * DAY_MS, 0,
    };
    size_t which = sim_fault_below(sim, ARRAY_COUNT(steps_ms));

    return steps_ms[which] != 0 ? steps_ms[which] : -sim_wall_ms(sim);
}

static void both_alike(struct sim *sim)
{
    static const int64_t steps_ms[] = {-4 * MINUTE_MS, 4 * MINUTE_MS, HOUR_MS, -30 * DAY_MS,
                                       -20 * 365 * DAY_MS};
    int64_t step_ms = steps_ms[sim_fault_below(sim, ARRAY_COUNT(steps_ms))];

    if (!sim_clock_is_right(&sim->units[0]) || !sim_clock_is_right(&sim->units[1])) {
        return;
    }
    for (int i = 0; i < SIM_UNITS; i++) {
        nobody_vouches(&sim->units[i]);
    }
    for (int i = 0; i < SIM_UNITS; i++) {
        sim->units[i].clock_ms = step_ms;
    }
}

void sim_begin_clock_fault(struct sim *sim, enum sim_fault fault, int index)
{
    struct unit *unit = &sim->units[index];

    if (sim_annul_is_on(sim)) {
        return; /* where no day is open, a clock that is believed opens another date: KNOWN_FAILURES */
    }
    if (fault == SIM_CLOCKS_ALIKE) {
        both_alike(sim);
        return;
    }
    if (!sim_clock_is_right(&sim->units[1 - index]) || !sim_clock_is_right(unit)) {
        return; /* two clocks that are wrong alike vouch for one another: rule 9 asks for no more */
    }
    nobody_vouches(unit);
    if (fault == SIM_CLOCK) {
        unit->clock_ms = step_of_one_ms(sim);
    } else if (fault == SIM_CLOCK_STOPS) {
        unit->stopped_wall_ms = sim_wall_ms(sim);
    } else {
        unit->drift_percent = sim_fault_below(sim, 2) == 0 ? DRIFT_PERCENT : -DRIFT_PERCENT;
        unit->drift_since_ms = sim->now_ms;
    }
}

void sim_end_clock_fault(struct sim *sim, enum sim_fault fault, int index)
{
    for (int i = 0; i < SIM_UNITS; i++) {
        struct unit *unit = &sim->units[i];

        if (i == index || fault == SIM_CLOCKS_ALIKE) {
            unit->clock_ms = unit->stopped_wall_ms = 0;
            unit->drift_percent = 0;
            unit->synchronised = true;
            sim_tell_level(sim, i);
        }
    }
}
