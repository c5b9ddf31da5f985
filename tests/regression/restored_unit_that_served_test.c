/*
 * Found by the model (tests/model, rule RESTORED_REMEMBERED; promise 1, 28 steps). Contact breaks while 101 is on the
 * duty unit's disk alone; in its session B it answers the key with it. Power is cut, an older image of its disk comes
 * back: neither 101 nor B is in it, and the record outside the disk tells. It serves again, as B2. That made ledger
 * and record equal: after the next restart nothing told any more that the disk was older, the pair met as if it were
 * whole, and 101 was given a second time.
 */
#include "appliance/engine/engine_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { OWN = 2, PEER = 1, DAY = 20261124, UTC_OFFSET_MINUTES = 540 };

/* What the record outside the disk holds between two processes. */
struct box {
    uint8_t record[RECORD_BYTES_MAX];
    size_t record_len_bytes;
    struct engine *engine;
};

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

static int read_record(void *context, uint8_t *bytes, size_t capacity_bytes, size_t *ret_len_bytes)
{
    struct box *box = context;

    assert_true(box->record_len_bytes <= capacity_bytes);
    memcpy(bytes, box->record, box->record_len_bytes);
    *ret_len_bytes = box->record_len_bytes;
    return 0;
}

/* A process begins: `session` is the newest of its own that its ledger knows, 0 none. */
static void begin(struct box *box, uint32_t session)
{
    static struct queue_config config;
    static struct calendar calendar = {.utc_offset_minutes = UTC_OFFSET_MINUTES};
    static struct world world = {.log = say, .random = draw, .read_record = read_record};
    struct engine_options options = {.world = &world,
                                     .duty = {.unit = OWN, .peer_unit = PEER},
                                     .config = &config,
                                     .calendar = &calendar};

    world.context = box;
    box->engine = engine_create(&options);
    box->engine->state.term =
        (struct duty_term){.number = 5, .units = {{.unit = OWN}, {.unit = PEER}}};
    box->engine->state.founded = box->engine->state.sound = true;
    if (session != 0) {
        box->engine->state.sessions[0] = (struct unit_session){OWN, DAY, session};
    }
    engine_load_record(box->engine);
    engine_judge_record(box->engine);
}

/* The batch is durable, the process ends. */
static void end(struct box *box)
{
    box->record_len_bytes = engine_encode_record(&box->engine->record, box->record);
    engine_destroy(box->engine);
}

static int set_up(void **state)
{
    static struct box box;
    struct engine_record record = {.unit = OWN, .day = DAY, .session = 1, .term = 5};

    box = (struct box){0};
    box.record_len_bytes = engine_encode_record(&record, box.record);
    *state = &box;
    return 0;
}

static void a_unit_whose_disk_was_rolled_back_and_that_served_since_is_still_restored(void **state)
{
    struct box *box = *state;

    begin(box, 0);
    assert_true(engine_may_be_restored(box->engine));
    assert_true(box->engine->record_dirty); /* before anything else is written */
    engine_begin_series(box->engine, DAY);
    assert_int_equal(box->engine->series.session, 2);
    end(box);

    begin(box, 2);
    assert_false(engine_is_restored(box->engine)); /* nothing else tells */
    assert_true(engine_may_be_restored(box->engine));
    end(box);
}

static void it_is_no_more_once_a_term_is_agreed_on(void **state)
{
    struct box *box = *state;

    begin(box, 0);
    engine_record_agreed(box->engine);
    assert_true(box->engine->record_dirty);
    end(box);
    begin(box, 1);
    assert_false(engine_may_be_restored(box->engine));
    end(box);
}

static void a_unit_whose_disk_is_whole_is_not_restored(void **state)
{
    struct box *box = *state;

    begin(box, 1);
    assert_false(engine_may_be_restored(box->engine));
    assert_false(box->engine->record_dirty);
    end(box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(
            a_unit_whose_disk_was_rolled_back_and_that_served_since_is_still_restored, set_up),
        cmocka_unit_test_setup(it_is_no_more_once_a_term_is_agreed_on, set_up),
        cmocka_unit_test_setup(a_unit_whose_disk_is_whole_is_not_restored, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
