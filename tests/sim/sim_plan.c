/*
 * Which faults a seed has, and when. Each is drawn from a generator of its own, and draws what it does from
 * that one too: a fault that is left out changes no other. So a failing seed can be told again with few of
 * them (sim_shrink.c).
 */
#include "tests/sim/sim_internal.h"

_Static_assert(SIM_FAULT_COUNT <= 64, "a row's faults are the bits of a word");

enum {
    HURTS_MS = 5000, /* at least */
    GAP_MS_MAX = 12000,
    GAP_MS_CLOSE = 500, /* of one in four: while the one before it still hurts */
};

/* splitmix64: neighbouring seeds give streams that have nothing to do with one another. */
static uint64_t scramble(uint64_t value)
{
    value += 0x9E3779B97F4A7C15ULL;
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ULL;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBULL;
    return value ^ (value >> 31);
}

uint64_t sim_fault_below(struct sim *sim, uint64_t limit)
{
    struct sim_plan *plan = &sim->plans[sim->fault_now];

    plan->random = scramble(plan->random);
    return limit == 0 ? 0 : (plan->random >> 11) % limit;
}

static const struct sim_pick *pick_of(const struct sim *sim, uint32_t number)
{
    for (uint32_t i = 0; i < sim->options.pick_count; i++) {
        if (sim->options.picks[i].number == number) {
            return &sim->options.picks[i];
        }
    }
    return NULL;
}

/* A fault hurts until it heals, and for a while after it began when there is nothing to heal. */
void sim_fault_hurts(struct sim *sim, enum sim_fault fault, bool begins)
{
    if (begins) {
        sim->hurts_until_ms[fault] = sim->now_ms + HURTS_MS;
    }
    sim->hurting[fault] = begins;
    sim_see_what_hurts(sim);
}

void sim_see_what_hurts(struct sim *sim)
{
    uint64_t mask = 0;

    for (size_t i = 0; i < SIM_FAULT_COUNT; i++) {
        if (sim->hurting[i] || sim->hurts_until_ms[i] > sim->now_ms) {
            mask |= UINT64_C(1) << i;
        }
    }
    sim->hurt_mask = mask;
}

uint64_t sim_schedule_faults(struct sim *sim)
{
    uint64_t at_ms = SIM_FIRST_FAULT_MS, last_ms = SIM_FIRST_FAULT_MS;

    CHECK(sim->options.fault_count <= SIM_FAULTS_MAX);
    for (uint32_t i = 0; i < sim->options.fault_count; i++) {
        struct sim_plan *plan = &sim->plans[i];
        const struct sim_pick *pick = pick_of(sim, i + 1);

        plan->random = scramble(sim->options.seed * SIM_FAULTS_MAX + i);
        sim->fault_now = i;
        at_ms += sim_fault_below(sim, 4) == 0 ? sim_fault_below(sim, GAP_MS_CLOSE)
                                              : sim_fault_below(sim, GAP_MS_MAX);
        plan->fault = (enum sim_fault)sim_fault_below(sim, SIM_FAULT_COUNT);
        plan->unit = (int)sim_fault_below(sim, SIM_UNITS);
        plan->at_ms = pick != NULL && pick->at_ms != SIM_PICK_ITS_TIME ? pick->at_ms : at_ms;
        if (sim->options.picks != NULL && pick == NULL) {
            continue;
        }
        last_ms = plan->at_ms > last_ms ? plan->at_ms : last_ms;
        sim_push(sim, (struct item){.at_ms = plan->at_ms,
                                    .kind = ITEM_FAULT,
                                    .a = (int)plan->fault,
                                    .unit = plan->unit,
                                    .fault_number = i});
        sim->result->plan[sim->result->plan_count++] =
            (struct sim_pick){.number = i + 1, .at_ms = plan->at_ms};
    }
    sim->fault_now = 0;
    return last_ms + SIM_HEALED_MS; /* every fault has healed by then */
}
