/* Registration before arrival, as toband answers it (docs/adr/0015, R-071). */
#include "appliance/engine/engine_internal.h"
#include "appliance/engine/engine_statistics.h"

#include "tests/unit/queue_fixture.h"

#include <stdlib.h>
#include <string.h>

/* 2026-11-24, a Tuesday, at nine. */
#define NINE_MS INT64_C(1795478400000)

enum { OWN = 1, CLIENT = 9, BODY_BYTES = 32768 };

struct desk {
    struct engine *engine;
    uint16_t status;
    char body[BODY_BYTES];
};

static struct desk *listening;
static uint8_t drawn;

static int store(void *context, const struct ledger_batch *batch)
{
    (void)context;
    (void)batch;
    return 0;
}

static void say(void *context, const char *line)
{
    (void)context;
    (void)line;
}

/* Never the same twice. */
static void draw_bytes(void *context, void *bytes, size_t len_bytes)
{
    (void)context;
    for (size_t i = 0; i < len_bytes; i++) {
        ((uint8_t *)bytes)[i] = (uint8_t)(++drawn * 167U ^ i);
    }
}

static void take_reply(void *context, uint64_t client, const uint8_t *header,
                       size_t header_len_bytes, const uint8_t *body, size_t body_len_bytes)
{
    uint8_t frame[BODY_BYTES];
    struct api_reply reply;
    uint32_t id;

    (void)context;
    (void)client;
    if (api_frame_type(header) != API_REPLY) {
        return;
    }
    assert_true(header_len_bytes + body_len_bytes < sizeof(frame));
    memcpy(frame, header, header_len_bytes);
    memcpy(frame + header_len_bytes, body == NULL ? (const uint8_t *)"" : body, body_len_bytes);
    assert_true(api_reply_decode(frame, header_len_bytes + body_len_bytes, &id, &reply));
    listening->status = reply.status;
    memcpy(listening->body, reply.body, reply.body_len_bytes);
    listening->body[reply.body_len_bytes] = '\0';
}

static const struct world world = {
    .store = store, .log = say, .random = draw_bytes, .reply = take_reply};

static struct engine *new_engine(void)
{
    static struct queue_config config;
    static struct calendar calendar;
    struct engine_options options = {.world = &world,
                                     .duty = {.unit = OWN, .peer_unit = 3 - OWN},
                                     .config = &config,
                                     .calendar = &calendar};
    struct engine *engine;

    small_config(&config);
    calendar_init(&calendar);
    engine = engine_create(&options);
    queue_set_config(engine->queue, &config);
    engine->state.founded = engine->state.sound = engine->started = true;
    engine->duty.state = DUTY_PAIRED_DUTY;
    engine->duty.agreed = engine->duty.needed = engine->duty.address = true;
    engine->duty.term.duty_unit = OWN;
    engine->duty.peer_heard_ms = 1000;
    engine->wall_ms = NINE_MS;
    engine->now_ms = 1000;
    engine->clock_synchronised = true;
    return engine;
}

static int set_up(void **state)
{
    struct desk *desk = calloc(1, sizeof(*desk));

    desk->engine = new_engine();
    desk->engine->clients[desk->engine->client_count++] = CLIENT;
    *state = listening = desk;
    return 0;
}

static int tear_down(void **state)
{
    struct desk *desk = *state;

    engine_destroy(desk->engine);
    free(desk);
    return 0;
}

/* Asks, and makes durable on both disks whatever that wrote. */
static uint16_t ask(struct desk *desk, const struct api_request *request)
{
    struct engine *engine = desk->engine;
    uint8_t frame[API_REQUEST_BYTES_MAX];
    uint64_t before = engine->last_lsn;
    size_t len_bytes = api_request_encode(request, frame, sizeof(frame));

    assert_true(len_bytes > 0);
    desk->status = 0;
    desk->body[0] = '\0';
    serve_request(engine, CLIENT, frame, len_bytes);
    if (engine->last_lsn > before) {
        serve_flush(engine);
        assert_int_equal(desk->status, 0); /* nothing leaves before its entry is on both disks */
    }
    engine->durable_lsn = engine->sender.acked_lsn = engine->last_lsn;
    serve_flush(engine);
    assert_int_not_equal(desk->status, 0);
    return desk->status;
}

static uint16_t look(struct desk *desk, enum api_read_what what)
{
    struct api_request request = {.type = API_READ, .id = 1, .read = {.what = (uint8_t)what}};

    return ask(desk, &request);
}

static struct api_request command(enum queue_action action)
{
    struct api_request request = {
        .type = API_COMMAND, .id = 1, .command = {.action = (uint8_t)action}};

    memset(request.command.key.bytes, ++drawn, sizeof(request.command.key.bytes));
    return request;
}

/* Everything is on both disks. */
static void settle(struct desk *desk)
{
    struct engine *engine = desk->engine;

    engine->durable_lsn = engine->sender.acked_lsn = engine->both_lsn = engine->last_lsn;
    engine->told = true;
    engine->told_serving = engine_serves(engine);
    serve_turn(engine);
    serve_flush(engine);
}

static void open_office(struct desk *desk)
{
    desk->engine->tick_ms = 0;
    day_turn(desk->engine);
    assert_int_equal(desk->engine->queue->day.state, QUEUE_DAY_OPEN);
    settle(desk);
}

static void pass(struct desk *desk, int64_t ms)
{
    desk->engine->now_ms += (uint64_t)ms;
    desk->engine->wall_ms += ms;
    desk->engine->tick_ms = 0;
    day_turn(desk->engine);
    settle(desk);
}

static void must_say(const struct desk *desk, const char *text)
{
    if (strstr(desk->body, text) == NULL) {
        print_error("%s is not in %s\n", text, desk->body);
        fail();
    }
}

/* By whoever has no credential: a telephone. */
static struct api_request by_phone(enum queue_action action)
{
    struct api_request request = command(action);

    request.from.via = API_VIA_WEB;
    return request;
}

static uint16_t register_one(struct desk *desk, uint16_t category)
{
    struct api_request request = by_phone(QUEUE_REGISTER);

    request.command.category = category;
    return ask(desk, &request);
}

static uint16_t arrive_by_number(struct desk *desk, uint16_t number)
{
    struct api_request request = command(QUEUE_ARRIVE);

    request.command.number = number;
    return ask(desk, &request);
}

static void a_registration_is_told_like_a_ticket_and_waits_for_nobody(void **state)
{
    struct desk *desk = *state;
    struct api_request again = by_phone(QUEUE_REGISTER);
    char first[BODY_BYTES];

    open_office(desk);
    again.command.category = 1;
    assert_int_equal(ask(desk, &again), 201);
    must_say(desk, "\"display\":\"101\",\"state\":\"EXPECTED\"");
    must_say(desk, "\"estimated_wait_s\":null");
    must_say(desk, "\"registered\":true");
    memcpy(first, desk->body, sizeof(first));
    assert_int_equal(arrive_by_number(desk, 101), 200);
    must_say(desk, "\"state\":\"WAITING\"");
    assert_int_equal(ask(desk, &again), 201); /* the same key, the same answer */
    assert_string_equal(desk->body, first);
    assert_int_equal(look(desk, API_READ_QUEUE), 200);
    must_say(desk, "\"waiting\":1");
}

static void the_office_sees_who_is_expected_beside_who_waits(void **state)
{
    struct desk *desk = *state;
    struct api_request request = {
        .type = API_READ, .id = 1, .read = {.what = API_READ_COUNTER, .number = 1}};

    open_office(desk);
    assert_int_equal(look(desk, API_READ_QUEUE), 200);
    must_say(desk, "\"registration\":{\"accepting\":true,\"refusal\":null}");
    must_say(desk, "\"registration\":null"); /* of category 3 */
    assert_int_equal(register_one(desk, 2), 201);
    assert_int_equal(register_one(desk, 2), 201);
    assert_int_equal(register_one(desk, 2), 409);
    must_say(desk, "REGISTRATION_FULL");
    assert_int_equal(register_one(desk, 3), 409);
    must_say(desk, "NO_REGISTRATION");
    assert_int_equal(arrive_by_number(desk, 201), 200);
    assert_int_equal(look(desk, API_READ_MANAGER), 200);
    must_say(desk, "\"registration\":{\"places\":2,\"registered\":2,\"expected\":1,"
                   "\"not_arrived\":0}");
    assert_int_equal(look(desk, API_READ_QUEUE), 200);
    must_say(desk, "\"refusal\":\"REGISTRATION_FULL\"");
    assert_int_equal(ask(desk, &request), 200);
    must_say(desk, "\"expected\":[{");
    must_say(desk, "\"display\":\"202\"");
}

static void nobody_but_those_in_the_office_says_that_somebody_is_there(void **state)
{
    struct desk *desk = *state;
    struct api_request request = by_phone(QUEUE_ARRIVE);

    open_office(desk);
    assert_int_equal(register_one(desk, 1), 201);
    request.command.number = 101; /* a number is no secret */
    assert_int_equal(ask(desk, &request), 401);
    request.command.number = 0;
    request.command.ticket = desk->engine->queue->tickets[0].id;
    assert_int_equal(ask(desk, &request), 409);
    must_say(desk, "ARRIVE_HERE");
    request.command.counter = 1; /* nor in a counter's name */
    assert_int_equal(ask(desk, &request), 401);
    request.command.counter = 0;
    desk->engine->queue->config.own_arrival = true;
    assert_int_equal(ask(desk, &request), 200);
}

/* Found as a trap: who never comes keeps no office open, and nobody is counted who was not there. */
static void who_never_comes_keeps_no_office_open(void **state)
{
    struct desk *desk = *state;
    struct api_request hours = command(QUEUE_SET_HOURS);
    struct api_request preview = {.type = API_CONTROL,
                                  .id = 1,
                                  .control = {.what = API_CONTROL_DAY_CLOSE, .text = "preview"}};
    struct statistics_fact *facts;
    size_t count;

    open_office(desk);
    assert_int_equal(register_one(desk, 1), 201);
    assert_int_equal(ask(desk, &preview), 200);
    must_say(desk, "\"total\":0,\"expected\":1");
    hours.command.rule.date = 20261124;
    hours.command.rule.hours = QUEUE_HOURS_OPEN;
    hours.command.rule.open_minute = 510;
    hours.command.rule.close_minute = 570;
    assert_int_equal(ask(desk, &hours), 200);
    pass(desk, 31 * MINUTE_MS);
    assert_int_equal(desk->engine->queue->day.state, QUEUE_DAY_CLOSED);
    assert_int_equal(arrive_by_number(desk, 101), 409);
    facts = statistics_facts(desk->engine, false, &count);
    assert_int_equal(count, 1);
    assert_int_equal(facts[0].end, STATISTICS_NOT_A_VISIT);
    free(facts);
}

static void an_arrived_visitor_counts_from_the_arrival(void **state)
{
    struct desk *desk = *state;
    struct statistics_fact *facts;
    size_t count;

    open_office(desk);
    assert_int_equal(register_one(desk, 1), 201);
    pass(desk, 61 * MINUTE_MS);
    assert_int_equal(arrive_by_number(desk, 101), 200);
    facts = statistics_facts(desk->engine, true, &count);
    assert_int_equal(count, 1);
    assert_int_equal(facts[0].end, STATISTICS_EXPIRED);
    assert_int_equal(facts[0].hour, 1); /* UTC, as this site has it */
    free(facts);
}

static void behind_closing_time_nobody_arrives_any_more(void **state)
{
    struct desk *desk = *state;
    struct api_request hours = command(QUEUE_SET_HOURS), issue = command(QUEUE_ISSUE);

    open_office(desk);
    issue.command.category = 1; /* somebody who is still there */
    assert_int_equal(ask(desk, &issue), 201);
    assert_int_equal(register_one(desk, 1), 201);
    hours.command.rule.date = 20261124;
    hours.command.rule.hours = QUEUE_HOURS_CLOSED;
    assert_int_equal(ask(desk, &hours), 200);
    pass(desk, 1000);
    assert_int_equal(desk->engine->queue->day.state, QUEUE_DAY_OPEN);
    assert_int_equal(arrive_by_number(desk, 102), 409);
    must_say(desk, "DAY_NOT_OPEN");
    assert_int_equal(register_one(desk, 1), 409);
    must_say(desk, "DAY_NOT_OPEN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_registration_is_told_like_a_ticket_and_waits_for_nobody,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_office_sees_who_is_expected_beside_who_waits, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nobody_but_those_in_the_office_says_that_somebody_is_there,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_never_comes_keeps_no_office_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_arrived_visitor_counts_from_the_arrival, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(behind_closing_time_nobody_arrives_any_more, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
