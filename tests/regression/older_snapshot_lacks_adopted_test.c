/*
 * Found by the model (tests/model, rule ADOPTED_IN_SNAPSHOT; promise 1, 29 steps). Contact breaks while 101 is on one
 * unit's disk alone. The other is the source of their meeting, serves as B, adopts 101 and answers its key. A snapshot
 * that it had made before takes the place of the first unit's ledger: 101 is on the source's disk alone. An image of
 * that disk, older than the adoption and younger than B, comes back: no session is missing, so nothing tells, and 101
 * is given a second time. A snapshot is not given any more when something was adopted after it was made.
 */
#include "appliance/engine/engine_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MADE_AT = 90, NOW_AT = 100, SNAPSHOT_ENTRIES = 50, SIZE_BYTES = 4096 };

static int discarded;

static void say(void *context, const char *line)
{
    (void)context;
    (void)line;
}

static void discard(void *context)
{
    (void)context;
    discarded++;
}

static int set_up(void **state)
{
    static const struct world world = {.log = say, .snapshot_discard = discard};
    static struct calendar calendar;
    struct engine_options options = {.world = &world,
                                     .snapshot_entries = SNAPSHOT_ENTRIES,
                                     .duty = {.unit = 1, .peer_unit = 2},
                                     .calendar = &calendar};
    struct engine *engine = engine_create(&options);

    discarded = 0;
    engine->last_lsn = NOW_AT;
    engine->snapshot.size_bytes = SIZE_BYTES;
    engine->snapshot.last_lsn = MADE_AT;
    engine->meeting.until_lsn = NOW_AT; /* not durable yet: nothing is offered now */
    *state = engine;
    return 0;
}

static int tear_down(void **state)
{
    struct engine *engine = *state;

    engine->last_lsn = 0;
    engine_destroy(engine);
    return 0;
}

static void a_snapshot_that_lacks_what_was_adopted_is_not_given(void **state)
{
    struct engine *engine = *state;

    engine->adopted_lsn = MADE_AT + 1;
    snapshot_offer(engine);
    assert_int_equal(discarded, 1);
    assert_int_equal(engine->snapshot.size_bytes, 0);
}

static void a_snapshot_that_holds_it_goes_on_where_it_stopped(void **state)
{
    struct engine *engine = *state;

    engine->adopted_lsn = MADE_AT;
    snapshot_offer(engine);
    assert_int_equal(discarded, 0);
    assert_int_equal(engine->snapshot.size_bytes, SIZE_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_snapshot_that_lacks_what_was_adopted_is_not_given, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_snapshot_that_holds_it_goes_on_where_it_stopped, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
