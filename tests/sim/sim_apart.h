/* tests/sim/sim_apart.h - a seed in a process of its own (a child of this one, which waits for it). */
#ifndef TESTS_SIM_SIM_APART_H
#define TESTS_SIM_SIM_APART_H

#include "tests/sim/sim.h"

struct sim_apart;

struct sim_apart *sim_apart_create(void);
void sim_apart_destroy(struct sim_apart *apart);
/* Between begin and end it runs by itself. */
void sim_apart_begin(struct sim_apart *apart, const struct sim_options *options);
void sim_apart_end(struct sim_apart *apart, struct sim_result *ret_result);
/* A sim_try_fn; the context is a struct sim_apart. */
void sim_apart_run(void *context, const struct sim_options *options, struct sim_result *ret_result);

#endif
