/*
 * The stories (simulator, 20 faults, when older images of a disk came back whole and two faults could meet):
 *  - seed 20: one unit's disk came back older and its record was lost, the other one's disk was lost. Only the
 *    other's record still knew which numbers had been given; it was not asked, and a number was given twice.
 *  - seed 69: a unit whose disk came back older had no entry of its newest session, only its record had. Nobody
 *    wrote it down, and it called itself restored for the rest of the day.
 *  - seed 59: a unit whose disk came back older made the day's key anew under the old name. The other one had the
 *    first key of that name, could not open what was sealed under the second, and ended in a CHECK.
 *  - seed 256 of an earlier version: a snapshot made in an older meeting was taken for one of this meeting. What
 *    an older one lacks is looked at when it is offered; also one that was still being made is too old.
 */
#include "appliance/engine/engine_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum {
    OWN = 1,
    PEER = 2,
    DAY = 20261124,
    CEILING = 120,
    SESSION = 3,
    SNAPSHOT_BYTES = 1000,
    SNAPSHOT_LSN = 500,
    COMMON_LSN = 400,
};

struct sent {
    uint8_t bytes[SHIP_FRAME_BYTES_MAX];
    struct ship_frame frame;
    uint8_t drawn;
    unsigned made_count;
    uint64_t made_lsn;
};

static int send_frame(void *context, enum world_link link, const uint8_t *frame, size_t len_bytes)
{
    struct sent *sent = context;

    (void)link;
    memcpy(sent->bytes, frame, len_bytes);
    assert_true(ship_frame_decode(sent->bytes, len_bytes, &sent->frame));
    return 0;
}

static int make(void *context, uint64_t *ret_size_bytes, uint64_t *ret_last_lsn,
                struct ids_hash *ret_hash)
{
    struct sent *sent = context;

    sent->made_count++;
    *ret_size_bytes = SNAPSHOT_BYTES;
    *ret_last_lsn = sent->made_lsn;
    *ret_hash = (struct ids_hash){0};
    return 0;
}

static void discard(void *context)
{
    (void)context;
}

static void draw(void *context, void *bytes, size_t len_bytes)
{
    struct sent *sent = context;

    for (size_t i = 0; i < len_bytes; i++) {
        ((uint8_t *)bytes)[i] = ++sent->drawn;
    }
}

static void say(void *context, const char *line)
{
    (void)context;
    (void)line;
}

static int set_up(void **state)
{
    static struct sent sent;
    static struct world world;
    static struct calendar calendar;
    static struct queue_config config;
    struct engine_options options = {.world = &world,
                                     .duty = {.unit = OWN, .peer_unit = PEER},
                                     .config = &config,
                                     .calendar = &calendar};
    struct engine *engine;

    memset(&sent, 0, sizeof(sent));
    world = (struct world){.context = &sent,
                           .send = send_frame,
                           .snapshot_make = make,
                           .snapshot_discard = discard,
                           .random = draw,
                           .log = say};
    config = (struct queue_config){
        .category_count = 1, .categories = {{.id = 1, .number_first = 1, .number_last = 999}}};
    engine = engine_create(&options);
    queue_set_config(engine->queue, &config);
    engine->queue->day.date = DAY;
    engine->queue->day.state = QUEUE_DAY_OPEN;
    engine->state.founded = engine->state.sound = true;
    engine->now_ms = 1000;
    engine->duty.agreed = true;
    engine->duty.peer.unit = PEER;
    engine->duty.peer.day = DAY;
    *state = engine;
    return 0;
}

static int tear_down(void **state)
{
    engine_destroy(*state);
    return 0;
}

static void the_other_says_which_ceilings_its_record_knows(void **state)
{
    struct engine *engine = *state;
    struct sent *sent = engine->world.context;
    struct ship_frame ask = {.kind = SHIP_ASK_TAIL};
    struct bytes_reader body;
    struct queue_row row;
    const uint8_t *item;
    size_t len_bytes;

    queue_init(engine->queue); /* blank: its disk knows nothing */
    engine->record.ceiling_day = DAY;
    engine->record.ceilings[0] = CEILING;
    engine->meeting.role = MEETING_OTHER;
    engine->meeting.step = STEP_GIVE;
    meeting_frame(engine, &ask);
    assert_int_equal(sent->frame.kind, SHIP_TAIL);
    body = bytes_reader_over(sent->frame.body, sent->frame.body_len_bytes);
    item = ship_body_next(&body, &len_bytes);
    assert_non_null(item);
    assert_true(queue_row_decode(item, len_bytes, &row));
    assert_int_equal(row.kind, QUEUE_ROW_CATEGORY);
    assert_int_equal(row.category.id, 1);
    assert_int_equal(row.category.ceiling, CEILING);
}

static void ceilings_of_another_day_are_not_said(void **state)
{
    struct engine *engine = *state;
    struct sent *sent = engine->world.context;
    struct ship_frame ask = {.kind = SHIP_ASK_TAIL};

    queue_init(engine->queue);
    engine->record.ceiling_day = DAY - 1;
    engine->record.ceilings[0] = CEILING;
    engine->meeting.role = MEETING_OTHER;
    engine->meeting.step = STEP_GIVE;
    meeting_frame(engine, &ask);
    for (uint32_t i = 0; i < sent->frame.count; i++) {
        struct bytes_reader body = bytes_reader_over(sent->frame.body, sent->frame.body_len_bytes);
        struct queue_row row;
        size_t len_bytes;
        const uint8_t *item = ship_body_next(&body, &len_bytes);

        assert_true(queue_row_decode(item, len_bytes, &row));
        assert_int_not_equal(row.kind, QUEUE_ROW_CATEGORY);
    }
}

/* A source whose disk came back older meets a blank one. */
static void meets_a_blank_one(struct engine *engine)
{
    struct sent *sent = engine->world.context;
    struct ship_frame tail = {.kind = SHIP_TAIL, .count = 1};
    struct queue_row row = {.kind = QUEUE_ROW_CATEGORY, .category = {.id = 1, .ceiling = CEILING}};
    uint8_t bytes[QUEUE_ROW_BYTES_MAX], body[QUEUE_ROW_BYTES_MAX];
    struct bytes_writer writer = bytes_writer_over(body, sizeof(body));

    engine->duty.peer.blank = true;
    meeting_begin(engine, MEETING_SOURCE);
    meeting_turn(engine);
    meeting_turn(engine);
    assert_int_equal(sent->frame.kind, SHIP_ASK_TAIL); /* also of one that has no tail */
    ship_body_put(&writer, bytes, queue_row_encode(&row, bytes, sizeof(bytes)));
    tail.body = body;
    tail.body_len_bytes = writer.len_bytes;
    meeting_frame(engine, &tail);
}

static void numbers_go_on_above_what_the_record_of_the_other_knows(void **state)
{
    struct engine *engine = *state;

    meets_a_blank_one(engine);
    assert_int_equal(queue_category_find(engine->queue, 1)->plain_highest, CEILING);
}

static void a_session_that_only_the_record_knows_is_written_down(void **state)
{
    struct engine *engine = *state;

    engine->record.unit = OWN;
    engine->record.day = DAY;
    engine->record.session = SESSION;
    assert_true(engine_is_restored(engine));
    meets_a_blank_one(engine);
    assert_int_equal(engine_session_of(engine, OWN)->number, SESSION);
    assert_false(engine_is_restored(engine));
}

static uint32_t seals_under(struct engine *engine)
{
    struct queue_change change = {.action = QUEUE_JOIN, .row_count = 1};
    struct entry entry;
    struct ids_hash hash;
    const struct cached_entry *made;

    change.rows[0].kind = QUEUE_ROW_TICKET;
    change.rows[0].ticket = (struct queue_ticket){.id = {.bytes = {(uint8_t)engine->last_lsn, 1}},
                                                  .day = DAY,
                                                  .category = 1,
                                                  .number = (uint16_t)(engine->last_lsn + 1),
                                                  .state = QUEUE_WAITING,
                                                  .delivery = QUEUE_DELIVERY_SCREEN,
                                                  .language = "ja"};
    made = engine_cached(engine, engine_append_change(engine, &change, 0, NULL));
    assert_non_null(made);
    assert_true(entry_decode(made->bytes, made->len_bytes, &entry, &hash));
    return entry.key_unit;
}

static void a_key_that_was_lost_is_not_made_again_under_its_name(void **state)
{
    struct engine *engine = *state;
    uint32_t first = seals_under(engine);

    assert_int_equal(seals_under(engine), first); /* one key a day, while it is there */
    engine->key_count = engine->keys_new_count = 0;
    assert_int_not_equal(seals_under(engine), first);
}

static void an_image_begun_in_an_older_meeting_is_made_again(void **state)
{
    struct engine *engine = *state;
    struct sent *sent = engine->world.context;

    engine->last_lsn = engine->durable_lsn = engine->meeting.until_lsn = SNAPSHOT_LSN + 10;
    engine->meeting.role = MEETING_SOURCE;
    engine->meeting.common_lsn = COMMON_LSN;
    sent->made_lsn = SNAPSHOT_LSN; /* a thread that had begun before */
    snapshot_offer(engine);
    assert_int_equal(sent->made_count, 1);
    assert_int_equal(engine->snapshot.size_bytes, 0);
    sent->made_lsn = engine->durable_lsn;
    snapshot_turn(engine);
    assert_int_equal(sent->made_count, 2);
    assert_int_equal(engine->snapshot.last_lsn, engine->durable_lsn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_other_says_which_ceilings_its_record_knows, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(ceilings_of_another_day_are_not_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_go_on_above_what_the_record_of_the_other_knows,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_session_that_only_the_record_knows_is_written_down,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_that_was_lost_is_not_made_again_under_its_name,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_image_begun_in_an_older_meeting_is_made_again, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
