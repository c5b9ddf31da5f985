/* Shrinking: what is left of a failing seed's faults, told by runs that are made up. */
#include "tests/sim/sim_shrink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { FAULTS = 20, RUNS_MAX = 500 };

/* Fails when all of these faults are there, in this world (or any), the last within so many ms of the first. */
struct bug {
    uint32_t needs[3];
    uint32_t need_count;
    uint64_t world;
    bool any_world;
    uint64_t within_ms;
    uint32_t runs;
};

static const struct sim_pick *find(const struct sim_options *options, uint32_t number)
{
    for (uint32_t i = 0; i < options->pick_count; i++) {
        if (options->picks[i].number == number) {
            return &options->picks[i];
        }
    }
    return NULL;
}

static void run(void *context, const struct sim_options *options, struct sim_result *ret_result)
{
    struct bug *bug = context;
    uint64_t first_ms = UINT64_MAX, last_ms = 0;

    memset(ret_result, 0, sizeof(*ret_result));
    bug->runs++;
    for (uint32_t i = 0; i < bug->need_count; i++) {
        const struct sim_pick *pick = find(options, bug->needs[i]);

        if (pick == NULL) {
            return;
        }
        first_ms = pick->at_ms < first_ms ? pick->at_ms : first_ms;
        last_ms = pick->at_ms > last_ms ? pick->at_ms : last_ms;
    }
    if ((!bug->any_world && options->world != bug->world && options->pick_count < FAULTS / 2) ||
        (bug->need_count > 0 && last_ms - first_ms > bug->within_ms)) {
        return;
    }
    ret_result->failed = true;
    (void)snprintf(ret_result->why, sizeof(ret_result->why), "promise 1: unit %u", bug->runs % 2);
}

static struct sim_result failed_with_all(void)
{
    struct sim_result result = {
        .failed = true, .reached_ms = 1000000, .why = "promise 1: unit 9", .plan_count = FAULTS};

    for (uint32_t i = 0; i < FAULTS; i++) {
        result.plan[i] = (struct sim_pick){.number = i + 1, .at_ms = 10000 + 5000 * i};
    }
    return result;
}

static void shrink(struct bug *bug, struct sim_short *ret_short)
{
    const struct sim_options options = {.seed = 1, .fault_count = FAULTS};
    const struct sim_result result = failed_with_all();

    sim_shrink(&options, &result, RUNS_MAX, run, bug, ret_short);
}

static void twenty_faults_become_the_three_that_matter(void **state)
{
    struct bug bug = {.needs = {3, 11, 17}, .need_count = 3, .any_world = true, .within_ms = 80000};
    struct sim_short best;

    (void)state;
    shrink(&bug, &best);
    assert_int_equal(best.pick_count, 3);
    assert_int_equal(best.picks[0].number, 3);
    assert_int_equal(best.picks[1].number, 11);
    assert_int_equal(best.picks[2].number, 17);
    assert_true(best.runs <= 100);
}

static void times_between_faults_become_short(void **state)
{
    struct bug bug = {.needs = {3, 11}, .need_count = 2, .any_world = true, .within_ms = 80000};
    struct sim_short best;

    (void)state;
    shrink(&bug, &best);
    assert_int_equal(best.picks[0].at_ms, SIM_FIRST_FAULT_MS);
    assert_int_equal(best.picks[1].at_ms, SIM_FIRST_FAULT_MS);
}

static void what_fails_without_any_fault_needs_none(void **state)
{
    struct bug bug = {.any_world = true};
    struct sim_short best;

    (void)state;
    shrink(&bug, &best);
    assert_int_equal(best.pick_count, 0);
    assert_int_equal(best.runs, 1);
}

static void a_set_that_fails_in_another_world_only_is_found_there(void **state)
{
    struct bug bug = {.needs = {5}, .need_count = 1, .world = 3, .within_ms = 0};
    struct sim_short best;

    (void)state;
    shrink(&bug, &best);
    assert_int_equal(best.pick_count, 1);
    assert_int_equal(best.picks[0].number, 5);
    assert_int_equal(best.world, 3);
}

static void no_more_runs_than_allowed(void **state)
{
    struct bug bug = {.needs = {3, 11, 17}, .need_count = 3, .any_world = true, .within_ms = 80000};
    const struct sim_options options = {.seed = 1, .fault_count = FAULTS};
    const struct sim_result result = failed_with_all();
    struct sim_short best;

    (void)state;
    sim_shrink(&options, &result, 7, run, &bug, &best);
    assert_int_equal(bug.runs, 7);
    assert_true(best.pick_count >= 3);
}

static void another_promise_is_another_failure(void **state)
{
    (void)state;
    assert_true(sim_fails_alike("promise 1: 106 twice", "promise 1: 107B twice"));
    assert_false(sim_fails_alike("promise 1: 106 twice", "promise 14: no ticket"));
    assert_false(sim_fails_alike("promise 14: no ticket", "promise 1: 106 twice"));
    assert_true(sim_fails_alike("unit 1 stopped: damaged", "unit 2 stopped: damaged"));
    assert_false(
        sim_fails_alike("it ended with status 134: a.c:1", "it ended with status 134: b.c:2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twenty_faults_become_the_three_that_matter),
        cmocka_unit_test(times_between_faults_become_short),
        cmocka_unit_test(what_fails_without_any_fault_needs_none),
        cmocka_unit_test(a_set_that_fails_in_another_world_only_is_found_there),
        cmocka_unit_test(no_more_runs_than_allowed),
        cmocka_unit_test(another_promise_is_another_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
