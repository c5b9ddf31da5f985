/* What a unit believes of both disks when a meeting has replaced its tail (rules 1 and 5). */
#include "appliance/engine/engine_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { COMMON = 5, LAST = 12 };

static int take(void *context, const struct ledger_batch *batch)
{
    (void)context;
    assert_int_equal(batch->truncate_from_lsn, COMMON + 1);
    return 0;
}

static int set_up(void **state)
{
    static const struct world world = {.store = take};
    static struct calendar calendar;
    struct engine_options options = {
        .world = &world, .duty = {.unit = 1, .peer_unit = 2}, .calendar = &calendar};
    struct engine *engine = engine_create(&options);

    engine->last_lsn = engine->durable_lsn = LAST;
    *state = engine;
    return 0;
}

static int tear_down(void **state)
{
    engine_destroy(*state);
    return 0;
}

static void swap(struct engine *engine)
{
    struct bytes_buffer nothing = {0};

    engine_submit_swap(engine, COMMON + 1, &nothing, COMMON);
}

/* The other's disk was rolled back: what both had acknowledged is an entry of ours no more. */
static void what_was_on_both_is_not_so_where_other_entries_stand(void **state)
{
    struct engine *engine = *state;

    engine->both_lsn = LAST - 1;
    swap(engine);
    assert_int_equal(engine->both_lsn, COMMON);
}

static void what_is_common_stays_on_both(void **state)
{
    struct engine *engine = *state;

    engine->both_lsn = COMMON - 1;
    swap(engine);
    assert_int_equal(engine->both_lsn, COMMON - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_on_both_is_not_so_where_other_entries_stand,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_common_stays_on_both, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
