/* Registration before arrival, as toband answers it (docs/adr/0015, R-071). */
#include "appliance/engine/engine_statistics.h"

#include "tests/unit/engine_fixture.h"

static int set_up(void **state)
{
    return desk_at(state, office_engine(OWN));
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
