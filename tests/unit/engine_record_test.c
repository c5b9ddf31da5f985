/* Rule 3 without its record: which number a session gets, and from whom it is known. */
#include "appliance/engine/engine_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { OWN = 2, PEER = 1, DAY = 20261124, MINUTE_MS = 60000, UTC_OFFSET_MINUTES = 540 };

/* 2026-11-24 09:00:00 in Japan */
static const int64_t nine_ms = 1795478400000;

static void say(void *context, const char *line)
{
    (void)context;
    (void)line;
}

static void draw(void *context, void *bytes, size_t len_bytes)
{
    (void)context;
    memset(bytes, 7, len_bytes);
}

static const struct world world = {.log = say, .random = draw};

static int set_up(void **state)
{
    static struct queue_config config;
    static struct calendar calendar = {.utc_offset_minutes = UTC_OFFSET_MINUTES};
    struct engine_options options = {.world = &world,
                                     .duty = {.unit = OWN, .peer_unit = PEER},
                                     .config = &config,
                                     .calendar = &calendar};
    struct engine *engine = engine_create(&options);

    engine->state.term = (struct duty_term){.number = 5, .units = {{.unit = OWN}, {.unit = PEER}}};
    engine->state.founded = engine->state.sound = true;
    engine->wall_ms = nine_ms;
    *state = engine;
    return 0;
}

static int tear_down(void **state)
{
    engine_destroy(*state);
    return 0;
}

static uint32_t session(struct engine *engine)
{
    engine_begin_series(engine, DAY);
    assert_int_equal(engine->series.unit, OWN);
    assert_int_equal(engine->record.session, engine->series.session);
    return engine->series.session;
}

static void with_its_record_sessions_are_counted_from_one(void **state)
{
    struct engine *engine = *state;

    assert_int_equal(session(engine), 1);
    assert_int_equal(session(engine), 2);
}

static void a_lost_record_that_nobody_makes_up_for_is_numbered_by_the_clock(void **state)
{
    struct engine *engine = *state;

    engine->record_unreadable = true;
    assert_int_equal(session(engine), 2000 + 9 * 3600 / 11);
    engine->wall_ms += MINUTE_MS;
    assert_int_equal(session(engine), 2000 + 9 * 3600 / 11 + 1); /* known now: counted again */
}

static void two_losses_on_one_day_have_two_numbers(void **state)
{
    struct engine *engine = *state;
    uint32_t first;

    engine->record_unreadable = true;
    first = session(engine);
    memset(&engine->record, 0, sizeof(engine->record));
    memset(engine->state.sessions, 0,
           sizeof(engine->state.sessions)); /* an older image of the disk */
    engine->wall_ms += 11000;
    assert_int_equal(session(engine), first + 1);
}

static void the_last_moment_of_a_day_still_has_a_number(void **state)
{
    struct engine *engine = *state;

    engine->record_unreadable = true;
    engine->wall_ms = nine_ms + 15 * 60 * MINUTE_MS - 1;
    assert_true(session(engine) <= IDS_SESSION_NUMBER_MAX);
}

static void the_ledger_makes_up_for_a_lost_record(void **state)
{
    struct engine *engine = *state;

    engine->record_unreadable = true;
    engine->state.sessions[0] = (struct unit_session){.unit = OWN, .day = DAY, .number = 3};
    assert_int_equal(session(engine), 4);
}

static void the_peer_s_word_makes_up_for_a_lost_record(void **state)
{
    struct engine *engine = *state;

    engine->record_unreadable = true;
    engine->duty.peer_heard_ms = 1;
    engine->duty.peer.peer_session_day = DAY;
    engine->duty.peer.peer_session = 6;
    assert_int_equal(session(engine), 7);
}

static void a_record_that_is_gone_is_lost_once_a_term_names_the_unit(void **state)
{
    struct engine *engine = *state;

    engine->record_missing = true;
    engine->state.term.number = 0; /* founded just now: there was none yet */
    engine_judge_record(engine);
    assert_false(engine->record_unreadable);
    engine->state.term.number = 5;
    engine->joins_at_term = 6; /* blank: its first term writes it */
    engine_judge_record(engine);
    assert_false(engine->record_unreadable);
    engine->joins_at_term = 0;
    engine_judge_record(engine);
    assert_true(engine->record_unreadable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(with_its_record_sessions_are_counted_from_one, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            a_lost_record_that_nobody_makes_up_for_is_numbered_by_the_clock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_losses_on_one_day_have_two_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_moment_of_a_day_still_has_a_number, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_ledger_makes_up_for_a_lost_record, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_peer_s_word_makes_up_for_a_lost_record, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_record_that_is_gone_is_lost_once_a_term_names_the_unit,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
