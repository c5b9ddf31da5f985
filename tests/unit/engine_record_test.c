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

    engine->record.series_lost = true;
    assert_int_equal(session(engine), 2000 + 9 * 3600 / 11);
    engine->wall_ms += MINUTE_MS;
    assert_int_equal(session(engine), 2000 + 9 * 3600 / 11 + 1); /* known now: counted again */
}

static void two_losses_on_one_day_have_two_numbers(void **state)
{
    struct engine *engine = *state;
    uint32_t first;

    engine->record.series_lost = true;
    first = session(engine);
    memset(&engine->record, 0, sizeof(engine->record));
    engine->record.series_lost = true;
    memset(engine->state.sessions, 0,
           sizeof(engine->state.sessions)); /* an older image of the disk */
    engine->wall_ms += 11000;
    assert_int_equal(session(engine), first + 1);
}

static void the_last_moment_of_a_day_still_has_a_number(void **state)
{
    struct engine *engine = *state;

    engine->record.series_lost = true;
    engine->wall_ms = nine_ms + 15 * 60 * MINUTE_MS - 1;
    assert_true(session(engine) <= IDS_SESSION_NUMBER_MAX);
}

/* The ledger may be an older image, and the peer may not have met that session: seed 48 of the simulator, two units cloned
 * one after the other, and a letter that was on paper twice. */
static void neither_ledger_nor_peer_makes_up_for_a_lost_record(void **state)
{
    struct engine *engine = *state;

    engine->record.series_lost = true;
    engine->state.sessions[0] = (struct unit_session){.unit = OWN, .day = DAY, .number = 3};
    engine->duty.peer_heard_ms = 1;
    engine->duty.peer.peer_session_day = DAY;
    engine->duty.peer.peer_session = 6;
    assert_int_equal(session(engine), 2000 + 9 * 3600 / 11);
}

/* Seed 109: letters that only a lone unit's disk held were gone with its disk and its record; then it was paired, and
 * began at B again. */
static void no_term_makes_up_for_a_lost_record(void **state)
{
    struct engine *engine = *state;

    engine->record_missing = true;
    engine_judge_record(engine);
    engine_record_agreed(engine);
    assert_false(engine->record.lost);
    assert_int_equal(session(engine), 2000 + 9 * 3600 / 11);
}

/* Lost again on the same day, by a clock that went back: what the ledger knows is passed all the same. */
static void a_clock_that_went_back_repeats_no_session_that_is_known(void **state)
{
    struct engine *engine = *state;

    engine->record.series_lost = true;
    engine->state.sessions[0] = (struct unit_session){.unit = OWN, .day = DAY, .number = 6000};
    assert_int_equal(session(engine), 6001);
}

static int read_a_record(void *context, uint8_t *bytes, size_t capacity_bytes,
                         size_t *ret_len_bytes)
{
    (void)capacity_bytes;
    *ret_len_bytes = engine_encode_record(context, bytes);
    return 0;
}

/* The same seed: with a copy of the other unit's disk the copy of its record looked like one's own. */
static void a_record_that_was_copied_from_another_box_is_lost(void **state)
{
    struct engine *engine = *state;
    struct engine_record record = {.unit = OWN, .day = DAY, .session = 4, .hardware.bytes = {9}};

    engine->options.duty.hardware.bytes[0] = 9;
    engine->world.context = &record;
    engine->world.read_record = read_a_record;
    engine_load_record(engine);
    assert_false(engine->record_unreadable);
    assert_int_equal(engine->record.session, 4);
    record.hardware.bytes[0] = 8;
    engine_load_record(engine);
    assert_true(engine->record_unreadable);
    assert_int_equal(engine->record.session, 0);
    assert_int_equal(engine->record.hardware.bytes[0], 9); /* the next one written is ours */
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

/* A process that ends before it begins a session leaves a record that can be read, and knows nothing. */
static void a_record_written_anew_still_says_that_one_was_lost(void **state)
{
    struct engine *engine = *state;
    uint8_t bytes[RECORD_BYTES_MAX];
    size_t len_bytes;

    engine->record_missing = true;
    engine_judge_record(engine);
    assert_true(engine->record_dirty);
    len_bytes = engine_encode_record(&engine->record, bytes);
    assert_true(len_bytes > 0);
    engine->record_missing = engine->record_unreadable = false; /* as the next process finds it */
    assert_true(engine->record.lost);
    assert_int_equal(session(engine), 2000 + 9 * 3600 / 11);
}

/* Seed 167 of the simulator as it was then: power was cut, an older image of the disk came back, and the record
 * was gone too. The unit met its peer as if its disk were what it had been, numbers went on above the highest
 * that either ledger knew, and 1473 was on two papers. */
static void without_its_record_a_unit_does_not_swear_that_its_disk_is_no_older_image(void **state)
{
    struct engine *engine = *state;

    engine->record.term = 5;
    assert_false(engine_may_be_restored(engine));
    engine->record = (struct engine_record){0};
    engine->record_missing = true;
    engine_judge_record(engine);
    assert_false(engine_is_restored(engine));
    assert_true(engine_may_be_restored(engine));
}

/* Simulator, seed 301: an older image of a disk came back, so that only the record knew which numbers had been used.
 * A snapshot began, the record was told that the ledger would be replaced, and the snapshot never came: the numbers
 * were given again. A unit whose disk is what it was loses nothing by it: what its tail reserved was never used. */
static void a_restored_unit_keeps_its_ceilings_when_its_ledger_is_replaced(void **state)
{
    struct engine *engine = *state;

    engine->record.ceilings[3] = 7704;
    engine->record.restored = true;
    engine_record_replaced(engine);
    assert_int_equal(engine->record.ceilings[3], 7704);
    engine->record.restored = false;
    engine_record_replaced(engine);
    assert_int_equal(engine->record.ceilings[3], 0);
}

/* Found by seed 295: in the night a new version of the site took a category out, the next brought it back, and after a
 * power cut the record's ceilings of the day before made a sound disk seem restored. */
static void what_was_reserved_of_an_erased_day_tells_nothing_of_the_disk(void **state)
{
    struct engine *engine = *state;

    engine->queue->config.category_count = 1;
    engine->queue->categories[0].id = 5;
    engine->queue->day = (struct queue_day){.date = DAY, .state = QUEUE_DAY_CLOSED};
    engine->record.ceiling_day = DAY;
    engine->record.ceilings[5 - 1] = 2500;
    assert_true(engine_is_restored(engine));
    engine->queue->day.state = QUEUE_DAY_ERASED;
    assert_false(engine_is_restored(engine));
    engine->queue->day.annulled_date = DAY + 1; /* whose numbers go on when it comes */
    engine->record.ceiling_day = DAY + 1;
    assert_true(engine_is_restored(engine));
    engine->record.ceiling_day = DAY + 2;
    assert_true(engine_is_restored(engine));
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
        cmocka_unit_test_setup_teardown(neither_ledger_nor_peer_makes_up_for_a_lost_record, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(no_term_makes_up_for_a_lost_record, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_clock_that_went_back_repeats_no_session_that_is_known,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_record_that_was_copied_from_another_box_is_lost, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_record_that_is_gone_is_lost_once_a_term_names_the_unit,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_record_written_anew_still_says_that_one_was_lost, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            without_its_record_a_unit_does_not_swear_that_its_disk_is_no_older_image, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(
            a_restored_unit_keeps_its_ceilings_when_its_ledger_is_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            what_was_reserved_of_an_erased_day_tells_nothing_of_the_disk, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
