/*
 * tests/sim/sim_shrink.h - makes the story of a failing seed short.
 *
 * Looks for fewer of the seed's faults, then for shorter times between them, that still break the same
 * promise (delta debugging). What remains is no proof that nothing shorter would do. Leaving a fault out
 * changes what the world draws after it; so a set of faults that does not fail is tried in a few worlds that
 * are drawn otherwise.
 */
#ifndef TESTS_SIM_SIM_SHRINK_H
#define TESTS_SIM_SIM_SHRINK_H

#include "tests/sim/sim.h"

struct sim_short {
    uint64_t world;
    uint32_t pick_count;
    struct sim_pick picks[SIM_FAULTS_MAX];
    uint32_t runs; /* that it took */
    char why[SIM_WHY_BYTES];
};

/* Runs a seed and survives whatever becomes of it. */
typedef void sim_try_fn(void *context, const struct sim_options *options,
                        struct sim_result *ret_result);

/* The same promise is broken, or the same check fails. */
bool sim_fails_alike(const char *why, const char *other);
/* `result` is what became of `options`, which fails. At most so many runs more. */
void sim_shrink(const struct sim_options *options, const struct sim_result *result,
                uint32_t runs_max, sim_try_fn *try, void *context, struct sim_short *ret_short);

#endif
