/* A relay's certificate of erasure in the pair's ledger, and what staff are told of relays (engine_relay.c). */
#include "appliance/engine/engine_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

enum {
    OWN = 1,
    PEER = 2,
    DAY = 20261124,
    NEXT_DAY = 20261125,
    LAST_DAY = 20261126,
    UTC_OFFSET_MINUTES = 540,
    CLIENT = 9,
    MINUTE_MS = 60000,
    TERM = 5,
};

/* 2026-11-25 08:30:00 in Japan, and a quarter past midnight */
static const int64_t next_morning_ms = 1795563000000;
static const int64_t night_ms = 1795533300000;

struct office {
    struct engine *engine;
    uint16_t status;
    size_t reply_count;
    uint8_t drawn;
};

static int store(void *context, const struct ledger_batch *batch)
{
    (void)context;
    (void)batch;
    return 0;
}

static int read_keys(void *context, struct ledger_day_key *keys, size_t max, size_t *ret_count)
{
    (void)context;
    (void)keys;
    (void)max;
    *ret_count = 0;
    return 0;
}

static int send_frame(void *context, enum world_link link, const uint8_t *frame, size_t len_bytes)
{
    (void)context;
    (void)link;
    (void)frame;
    (void)len_bytes;
    return 0;
}

static void draw(void *context, void *bytes, size_t len_bytes)
{
    struct office *office = context;

    for (size_t i = 0; i < len_bytes; i++) {
        ((uint8_t *)bytes)[i] = ++office->drawn;
    }
}

static void say(void *context, const char *line)
{
    (void)context;
    (void)line;
}

static void reply(void *context, uint64_t client, const uint8_t *header, size_t header_len_bytes,
                  const uint8_t *body, size_t body_len_bytes)
{
    struct office *office = context;
    uint8_t frame[4096];
    struct api_reply said;
    uint32_t id;

    assert_int_equal(client, CLIENT);
    assert_true(header_len_bytes + body_len_bytes <= sizeof(frame));
    memcpy(frame, header, header_len_bytes);
    memcpy(frame + header_len_bytes, body, body_len_bytes);
    assert_true(api_reply_decode(frame, header_len_bytes + body_len_bytes, &id, &said));
    office->status = said.status;
    office->reply_count++;
}

static void settle(struct office *office)
{
    engine_submit(office->engine);
    if (office->engine->in_flight) {
        engine_stored(office->engine, 0);
    }
    office->engine->sender.acked_lsn = office->engine->both_lsn = office->engine->durable_lsn;
}

static int set_up(void **state)
{
    static struct queue_config config;
    static struct calendar calendar = {.utc_offset_minutes = UTC_OFFSET_MINUTES};
    static struct world world;
    struct office *office = calloc(1, sizeof(*office));
    struct engine_options options = {
        .world = &world,
        .duty = {.unit = OWN, .peer_unit = PEER, .peer_place = PEER, .hardware = {{OWN}}},
        .config = &config,
        .calendar = &calendar,
        .unit_name_ja = "1号機",
        .peer_name_ja = "2号機",
        .unit_address = "",
        .peer_address = ""};

    world = (struct world){.context = office,
                           .store = store,
                           .read_keys = read_keys,
                           .send = send_frame,
                           .random = draw,
                           .reply = reply,
                           .log = say};
    config = (struct queue_config){
        .category_count = 1, .categories = {{.id = 1, .number_first = 101, .number_last = 999}}};
    office->engine = engine_create(&options);
    queue_set_config(office->engine->queue, &config);
    office->engine->state.founded = office->engine->state.sound = office->engine->started = true;
    office->engine->state.term = (struct duty_term){
        .number = TERM,
        .duty_unit = OWN,
        .units = {{.unit = OWN, .hardware = {{OWN}}}, {.unit = PEER, .hardware = {{PEER}}}}};
    office->engine->duty.state = DUTY_PAIRED_DUTY;
    office->engine->duty.agreed = true;
    office->engine->clock_synchronised = true;
    office->engine->now_ms = 1000;
    office->engine->wall_ms = next_morning_ms;
    office->engine->client_is = API_PEER_FEED;
    assert_int_equal(day_open(office->engine, DAY, 0), QUEUE_OK);
    assert_int_equal(day_open(office->engine, NEXT_DAY, 0), QUEUE_OK);
    settle(office);
    *state = office;
    return 0;
}

static int tear_down(void **state)
{
    struct office *office = *state;

    engine_destroy(office->engine);
    free(office);
    return 0;
}

static struct api_request certificate(void)
{
    struct api_request request = {.type = API_RELAY_ERASED,
                                  .id = 7,
                                  .erased = {.day = DAY,
                                             .erased_ms = night_ms,
                                             .term = TERM,
                                             .why = API_RELAY_CLOCK,
                                             .questions = 12,
                                             .before = {{1}},
                                             .after = {{2}}}};

    (void)strcpy(request.erased.relay, "toban-relay");
    return request;
}

static uint16_t hand_over(struct office *office, const struct api_request *request)
{
    office->status = 0;
    relay_request(office->engine, CLIENT, request);
    return office->status;
}

static bool shows(const struct office *office, const char *what)
{
    size_t len_bytes;
    char *body;
    bool found;

    assert_int_equal(erasure_read(office->engine, "2026-11-24", &body, &len_bytes), 200);
    found = strstr(body, what) != NULL;
    free(body);
    return found;
}

static void it_is_written_once_and_answered_when_both_disks_have_it(void **state)
{
    struct office *office = *state;
    struct api_request request = certificate();
    uint64_t before_lsn = office->engine->last_lsn;

    assert_int_equal(hand_over(office, &request), 0);
    assert_int_equal(office->engine->last_lsn, before_lsn + 1);
    serve_flush(office->engine);
    assert_int_equal(office->status, 0); /* on no disk yet */
    assert_false(shows(office, "toban-relay"));
    settle(office);
    serve_flush(office->engine);
    assert_int_equal(office->status, 201);
    assert_true(shows(office, "\"relay\":\"toban-relay\",\"erased_at\":\"2026-11-25T00:15:00"));
    assert_true(shows(office, "\"why\":\"CLOCK\",\"ticket_questions\":12"));
    /* Handed over again - the answer was lost - it is known. */
    assert_int_equal(hand_over(office, &request), 0);
    serve_flush(office->engine);
    assert_int_equal(office->status, 200);
    assert_int_equal(office->engine->last_lsn, before_lsn + 1);
    /* The same day erased again by a process that came later is another one. */
    request.erased.erased_ms += 60 * MINUTE_MS;
    (void)hand_over(office, &request);
    settle(office);
    serve_flush(office->engine);
    assert_int_equal(office->status, 201);
    assert_int_equal(office->engine->last_lsn, before_lsn + 2);
    /* Not each minute: a relay in other hands would fill both disks. */
    request.erased.erased_ms += MINUTE_MS;
    (void)hand_over(office, &request);
    settle(office);
    serve_flush(office->engine);
    assert_int_equal(office->status, 200);
    assert_int_equal(office->engine->last_lsn, before_lsn + 2);
}

static void what_does_not_fit_is_refused_and_changes_nothing(void **state)
{
    struct office *office = *state;
    uint64_t before_lsn = office->engine->last_lsn;
    struct api_request request = certificate();

    request.erased.day = NEXT_DAY + 1;
    assert_int_equal(hand_over(office, &request), 422);
    request.erased.day = 20261332;
    assert_int_equal(hand_over(office, &request), 422);
    request.erased.day = NEXT_DAY; /* is open */
    assert_int_equal(hand_over(office, &request), 409);
    request = certificate();
    request.erased.term = TERM + 1; /* this unit's own word is the older one */
    assert_int_equal(hand_over(office, &request), 409);
    request = certificate();
    request.erased.relay[0] = '\0';
    assert_int_equal(hand_over(office, &request), 422);
    (void)strcpy(request.erased.relay, "a relay\"");
    assert_int_equal(hand_over(office, &request), 422);
    request = certificate();
    request.erased.after = request.erased.before;
    assert_int_equal(hand_over(office, &request), 422);
    request = certificate();
    request.erased.erased_ms = 0;
    assert_int_equal(hand_over(office, &request), 422);
    assert_int_equal(office->engine->last_lsn, before_lsn);
}

static void nobody_else_speaks_for_a_relay(void **state)
{
    struct office *office = *state;
    struct api_request request = certificate();
    struct api_request word = {.type = API_RELAY, .relay = {.relay = "toban-relay"}};
    uint64_t before_lsn = office->engine->last_lsn;

    office->engine->client_is = API_PEER_STRANGER;
    assert_int_equal(hand_over(office, &request), 403);
    assert_int_equal(hand_over(office, &word), 0);
    assert_int_equal(office->engine->relays_heard[0].relay[0], 0);
    office->engine->client_is = API_PEER_DRIVER;
    assert_int_equal(hand_over(office, &request), 403);
    assert_int_equal(office->engine->last_lsn, before_lsn);
}

/* Else a meeting may take it away after the relay was told. */
static void it_waits_until_both_units_are_together(void **state)
{
    struct office *office = *state;
    struct api_request request = certificate();

    office->engine->duty.state = DUTY_ALONE;
    assert_int_equal(hand_over(office, &request), 503);
    office->engine->options.duty.peer_place = 0;
    office->engine->duty.state = DUTY_ALONE;
    assert_int_equal(hand_over(office, &request), 0); /* an office of one unit */
}

static void it_outlives_a_checkpoint(void **state)
{
    struct office *office = *state;
    struct api_request request = certificate();
    struct erasures before;
    uint8_t bytes[16384];
    struct bytes_writer writer = bytes_writer_over(bytes, sizeof(bytes));
    struct bytes_reader reader;

    (void)hand_over(office, &request);
    (void)strcpy(request.erased.relay, "relay-2");
    (void)hand_over(office, &request);
    erasure_put_checkpoint(office->engine, &writer);
    assert_false(writer.failed);
    before = office->engine->erasures;
    erasure_forget(office->engine);
    reader = bytes_reader_over(bytes, writer.len_bytes);
    erasure_get_checkpoint(office->engine, &reader);
    assert_true(bytes_finished(&reader));
    assert_memory_equal(office->engine->erasures.list[0].relays, before.list[0].relays,
                        sizeof(before.list[0].relays));
    assert_string_equal(office->engine->erasures.list[0].relays[1].relay, "relay-2");
}

static void an_entry_that_is_cut_or_longer_is_none(void **state)
{
    struct office *office = *state;
    uint8_t payload[64] = {1, 0, 1, 'a'};
    struct entry entry = {.kind = ENTRY_RELAY_ERASURE, .lsn = 99};

    for (size_t len_bytes = 0; len_bytes < sizeof(payload); len_bytes++) {
        assert_true(relay_fold(office->engine, &entry, payload, len_bytes) < 0);
    }
}

static void expect_relay(struct office *office)
{
    office->engine->site.relay_count = 1;
    (void)strcpy(office->engine->site.relays[0], "toban-relay");
}

static void turn(struct office *office, uint64_t after_ms)
{
    office->engine->now_ms += after_ms;
    relay_turn(office->engine);
}

static bool status_says(struct office *office, const char *code)
{
    size_t len_bytes;
    char *body = status_render(office->engine, &len_bytes);
    bool found = strstr(body, code) != NULL;

    free(body);
    return found;
}

static void a_relay_that_does_not_certify_by_the_next_opening_alarms(void **state)
{
    struct office *office = *state;
    struct api_request request = certificate();

    turn(office, 1000);
    turn(office, 2 * MINUTE_MS);
    assert_false(status_says(office, "RELAY_NOT_CERTIFIED")); /* none is expected */
    expect_relay(office);
    turn(office, 1000);
    assert_false(status_says(office, "RELAY_NOT_CERTIFIED")); /* it has just been opened */
    turn(office, 2 * MINUTE_MS);
    assert_true(status_says(office, "RELAY_NOT_CERTIFIED"));
    assert_true(shows(office, "\"missing_relays\":[\"toban-relay\"]"));
    (void)hand_over(office, &request);
    turn(office, 1000);
    assert_false(status_says(office, "RELAY_NOT_CERTIFIED"));
}

/* It is named since this morning: it held nothing of yesterday. */
static void a_relay_that_is_new_owes_nothing_of_yesterday(void **state)
{
    struct office *office = *state;

    expect_relay(office);
    office->engine->site.wall_ms = next_morning_ms + 1;
    turn(office, 1000);
    turn(office, 2 * MINUTE_MS);
    assert_false(status_says(office, "RELAY_NOT_CERTIFIED"));
    assert_true(status_says(office, "RELAY_SILENT"));
}

/* A change of anything in the site file, made after the erasure, does not let a relay off that was there before. */
static void a_version_of_the_site_file_hides_no_missing_certificate(void **state)
{
    struct office *office = *state;
    struct api_request request = certificate();

    expect_relay(office);
    (void)hand_over(office, &request);
    assert_int_equal(day_open(office->engine, LAST_DAY, 0), QUEUE_OK); /* the second erasure */
    settle(office);
    office->engine->site.wall_ms = office->engine->wall_ms + 1;
    turn(office, 1000);
    turn(office, 2 * MINUTE_MS);
    assert_true(status_says(office, "RELAY_NOT_CERTIFIED"));
    request.erased.day = NEXT_DAY;
    (void)hand_over(office, &request);
    turn(office, 1000);
    assert_false(status_says(office, "RELAY_NOT_CERTIFIED"));
}

static void a_relay_that_is_silent_alarms_until_it_speaks(void **state)
{
    struct office *office = *state;
    struct api_request word = {.type = API_RELAY, .relay = {.relay = "toban-relay"}};

    expect_relay(office);
    turn(office, 1000);
    assert_false(relay_is_silent(office->engine)); /* this unit serves since a moment */
    turn(office, 2 * MINUTE_MS);
    assert_true(relay_is_silent(office->engine));
    (void)hand_over(office, &word);
    assert_false(relay_is_silent(office->engine));
    turn(office, 2 * MINUTE_MS);
    assert_true(status_says(office, "RELAY_SILENT"));
    office->engine->duty.state = DUTY_PAIRED_SPARE; /* whoever serves is told */
    turn(office, 1000);
    assert_false(relay_is_silent(office->engine));
}

static void clocks_that_are_minutes_apart_alarm(void **state)
{
    struct office *office = *state;
    struct api_request word = {.type = API_RELAY,
                               .relay = {.relay = "toban-relay", .ahead_s = 290}};

    (void)hand_over(office, &word);
    assert_false(status_says(office, "RELAY_CLOCK"));
    word.relay.ahead_s = -310;
    (void)hand_over(office, &word);
    assert_true(status_says(office, "RELAY_CLOCK"));
    turn(office, 2 * MINUTE_MS); /* it is silent: nobody knows */
    assert_false(status_says(office, "RELAY_CLOCK"));
}

static void a_tickets_id_stands_behind_a_fragment(void **state)
{
    static const char *const urls[][2] = {
        {"http://10.90.0.10/status?ticket=", "http://10.90.0.10/status#"},
        {"http://10.90.0.10/status", "http://10.90.0.10/status#"},
        {"http://10.90.0.10/status#", "http://10.90.0.10/status#"},
        {"http://10.90.0.10/page?office=3", "http://10.90.0.10/page?office=3#"},
        {"", ""},
    };
    struct office *office = *state;
    char url[API_URL_BYTES];

    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        office->engine->options.visitor_url = urls[i][0];
        site_visitor_url(office->engine, url);
        assert_string_equal(url, urls[i][1]);
    }
    office->engine->options.visitor_url = NULL;
    site_visitor_url(office->engine, url);
    assert_string_equal(url, "");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(it_is_written_once_and_answered_when_both_disks_have_it),
        CASE(what_does_not_fit_is_refused_and_changes_nothing),
        CASE(nobody_else_speaks_for_a_relay),
        CASE(it_waits_until_both_units_are_together),
        CASE(it_outlives_a_checkpoint),
        CASE(an_entry_that_is_cut_or_longer_is_none),
        CASE(a_relay_that_does_not_certify_by_the_next_opening_alarms),
        CASE(a_relay_that_is_new_owes_nothing_of_yesterday),
        CASE(a_version_of_the_site_file_hides_no_missing_certificate),
        CASE(a_relay_that_is_silent_alarms_until_it_speaks),
        CASE(clocks_that_are_minutes_apart_alarm),
        CASE(a_tickets_id_stands_behind_a_fragment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
