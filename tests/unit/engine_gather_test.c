/* appliance/engine: when a batch closes, and how many numbers are reserved at a time. */
#include "appliance/engine/engine_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { CLIENTS = 64, START_MS = 1000 };

/* `count` have written; the batch closes and all are answered. */
static void batch_of(struct gather *gather, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        gather_wrote(gather);
    }
    gather_closed(gather);
    for (unsigned i = 0; i < count; i++) {
        gather_released(gather);
    }
}

static void who_comes_alone_never_waits(void **state)
{
    struct gather gather = {0};

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        gather_wrote(&gather);
        assert_false(gather_waits(&gather, START_MS + i));
        gather_closed(&gather);
        gather_released(&gather);
    }
}

static void nothing_gathered_waits_for_nobody(void **state)
{
    struct gather gather = {0};

    (void)state;
    batch_of(&gather, CLIENTS);
    assert_false(gather_waits(&gather, START_MS));
    assert_int_equal(gather_until_ms(&gather), UINT64_MAX);
}

static void the_first_of_many_waits_until_most_are_back(void **state)
{
    struct gather gather = {0};

    (void)state;
    batch_of(&gather, CLIENTS);
    for (unsigned i = 0; i < CLIENTS * GATHER_ENOUGH / GATHER_WHOLE - 1; i++) {
        gather_wrote(&gather);
        assert_true(gather_waits(&gather, START_MS));
        assert_int_equal(gather_until_ms(&gather), START_MS + GATHER_MS_MAX);
    }
    gather_wrote(&gather);
    assert_false(gather_waits(&gather, START_MS));
}

static void it_waits_no_longer_than_its_time(void **state)
{
    struct gather gather = {0};

    (void)state;
    batch_of(&gather, CLIENTS);
    gather_wrote(&gather);
    assert_true(gather_waits(&gather, START_MS));
    assert_true(gather_waits(&gather, START_MS + GATHER_MS_MAX - 1));
    assert_false(gather_waits(&gather, START_MS + GATHER_MS_MAX));
}

static void company_that_did_not_come_is_not_waited_for_again(void **state)
{
    struct gather gather = {0};

    (void)state;
    batch_of(&gather, CLIENTS);
    gather_wrote(&gather);
    assert_true(gather_waits(&gather, START_MS));
    assert_false(gather_waits(&gather, START_MS + GATHER_MS_MAX));
    gather_closed(&gather);
    gather_released(&gather);
    gather_wrote(&gather);
    assert_false(gather_waits(&gather, START_MS + 2 * GATHER_MS_MAX));
}

static void a_queue_of_people_reserves_one_step(void **state)
{
    (void)state;
    assert_int_equal(day_reserve(0, 0), QUEUE_CEILING_STEP);
    assert_int_equal(day_reserve(QUEUE_CEILING_STEP, CEILING_OFTEN_MS), QUEUE_CEILING_STEP);
    assert_int_equal(day_reserve(CEILING_RESERVE_MAX, CEILING_OFTEN_MS), QUEUE_CEILING_STEP);
}

static void what_is_used_up_within_a_second_is_reserved_twofold_up_to_a_limit(void **state)
{
    uint16_t reserve = QUEUE_CEILING_STEP;

    (void)state;
    assert_int_equal(day_reserve(reserve, CEILING_OFTEN_MS - 1), 2 * QUEUE_CEILING_STEP);
    for (int i = 0; i < 20; i++) {
        reserve = day_reserve(reserve, 1);
    }
    assert_int_equal(reserve, CEILING_RESERVE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_comes_alone_never_waits),
        cmocka_unit_test(nothing_gathered_waits_for_nobody),
        cmocka_unit_test(the_first_of_many_waits_until_most_are_back),
        cmocka_unit_test(it_waits_no_longer_than_its_time),
        cmocka_unit_test(company_that_did_not_come_is_not_waited_for_again),
        cmocka_unit_test(a_queue_of_people_reserves_one_step),
        cmocka_unit_test(what_is_used_up_within_a_second_is_reserved_twofold_up_to_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
