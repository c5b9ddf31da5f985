/* What managers say and see, as toband answers it: hours and their preview, the overview, papers for staff. */
#include "tests/unit/engine_fixture.h"

static int set_up(void **state)
{
    return desk_at(state, office_engine(OWN));
}

static uint16_t order(struct desk *desk, uint8_t what, const char *text)
{
    struct api_request request = {.type = API_CONTROL, .id = 1, .control = {.what = what}};

    strcpy(request.control.text, text);
    return ask(desk, &request);
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

static uint16_t hours(struct desk *desk, uint32_t date, enum queue_hours_kind kind, uint16_t from,
                      uint16_t to, bool preview)
{
    struct api_request request = command(QUEUE_SET_HOURS);
    struct api_rule *rule = &request.command.rule;

    rule->date = date;
    rule->hours = (uint8_t)kind;
    rule->open_minute = from;
    rule->close_minute = to;
    rule->preview = preview;
    strcpy(rule->text_ja, "台風のため");
    return ask(desk, &request);
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
    print_turn(desk->engine);
    settle(desk);
}

static void must_say(const struct desk *desk, const char *text)
{
    if (strstr(desk->body, text) == NULL) {
        print_error("%s is not in %s\n", text, desk->body);
        fail();
    }
}

static uint16_t issue_one(struct desk *desk, uint16_t category)
{
    struct api_request request = command(QUEUE_ISSUE);

    request.command.category = category;
    return ask(desk, &request);
}

static void a_preview_says_what_would_follow_and_changes_nothing(void **state)
{
    struct desk *desk = *state;
    uint64_t before;

    open_office(desk);
    assert_int_equal(issue_one(desk, 1), 201);
    before = desk->engine->last_lsn;
    assert_int_equal(hours(desk, 20261125, QUEUE_HOURS_CLOSED, 0, 0, true), 200);
    must_say(desk, "\"what\":\"HOURS\"");
    must_say(desk, "\"waiting\":1");
    must_say(desk, "\"end\":\"NONE\"");
    must_say(desk, "\"next_opening\":\"2026-11-26T08:30:00.000+09:00\"");
    must_say(desk, "\"next_opening_before\":\"2026-11-25T08:30:00.000+09:00\"");
    assert_int_equal(order(desk, API_CONTROL_DAY_CLOSE, "preview"), 200);
    must_say(desk, "\"what\":\"CLOSE\"");
    must_say(desk, "\"end\":\"NOW\"");
    assert_int_equal(desk->engine->last_lsn, before);
    assert_int_equal(desk->engine->queue->day.state, QUEUE_DAY_OPEN);
    assert_int_equal(hours(desk, 20261125, QUEUE_HOURS_CLOSED, 0, 0, false), 200);
    assert_int_equal(look(desk, API_READ_DAY), 200);
    must_say(desk, "\"next_opening\":\"2026-11-26T08:30:00.000+09:00\"");
}

static void closed_said_of_a_day_that_is_open_ends_acceptance_and_serves_who_waits(void **state)
{
    struct desk *desk = *state;

    open_office(desk);
    assert_int_equal(issue_one(desk, 1), 201);
    assert_int_equal(hours(desk, 20261124, QUEUE_HOURS_CLOSED, 0, 0, true), 200);
    must_say(desk, "\"end\":\"SERVED\"");
    assert_int_equal(issue_one(desk, 1), 201);
    assert_int_equal(hours(desk, 20261124, QUEUE_HOURS_CLOSED, 0, 0, false), 200);
    pass(desk, 1000);
    assert_int_equal(issue_one(desk, 1), 409);
    assert_int_equal(desk->engine->queue->day.state, QUEUE_DAY_OPEN); /* two visitors are here */
    assert_int_equal(look(desk, API_READ_QUEUE), 200);
    must_say(desk, "\"accepting\":false");
    must_say(desk, "台風のため");
    /* Somebody opens again: that is the newer word. */
    assert_int_equal(order(desk, API_CONTROL_DAY_CLOSE, ""), 200);
    assert_int_equal(order(desk, API_CONTROL_DAY_OPEN, ""), 200);
    settle(desk);
    pass(desk, 1000);
    assert_int_equal(issue_one(desk, 1), 201);
}

static void a_day_closes_by_itself_at_the_hour_a_manager_said(void **state)
{
    struct desk *desk = *state;

    open_office(desk);
    assert_int_equal(hours(desk, 20261124, QUEUE_HOURS_OPEN, 510, 570, false), 200);
    pass(desk, 29 * MINUTE_MS);
    assert_int_equal(desk->engine->queue->day.state, QUEUE_DAY_OPEN);
    pass(desk, 2 * MINUTE_MS);
    assert_int_equal(desk->engine->queue->day.state, QUEUE_DAY_CLOSED);
    /* And taken back, it is not opened a second time by itself. */
    assert_int_equal(hours(desk, 20261124, QUEUE_HOURS_USUAL, 0, 0, false), 200);
    pass(desk, MINUTE_MS);
    assert_int_equal(desk->engine->queue->day.state, QUEUE_DAY_CLOSED);
}

static void a_sunday_opens_by_a_managers_word(void **state)
{
    struct desk *desk = *state;

    open_office(desk);
    assert_int_equal(hours(desk, 20261129, QUEUE_HOURS_OPEN, 540, 720, false), 200);
    assert_int_equal(order(desk, API_CONTROL_DAY_CLOSE, ""), 200);
    desk->engine->wall_ms += INT64_C(5) * 24 * 60 * MINUTE_MS; /* Sunday at nine */
    pass(desk, 1000);
    assert_int_equal(desk->engine->queue->day.date, 20261129);
    assert_int_equal(desk->engine->queue->day.state, QUEUE_DAY_OPEN);
    assert_int_equal(hours(desk, 20261128, QUEUE_HOURS_CLOSED, 0, 0, false), 422); /* past */
}

static void the_manager_sees_waits_counters_and_hand_written_numbers(void **state)
{
    struct desk *desk = *state;
    struct api_request request = command(QUEUE_ENTER_MANUAL);

    open_office(desk);
    assert_int_equal(issue_one(desk, 1), 201);
    request.command.category = 2;
    request.command.number = 903;
    request.command.rule.result = QUEUE_MANUAL_SERVED;
    request.command.more.to_counter = 2;
    assert_int_equal(ask(desk, &request), 200);
    request = command(QUEUE_COUNTER_OPEN);
    request.command.counter = 1;
    assert_int_equal(ask(desk, &request), 200);
    pass(desk, 16 * MINUTE_MS);
    assert_int_equal(look(desk, API_READ_MANAGER), 200);
    must_say(desk, "\"longest_wait_s\":960,\"estimated_wait_s\":300,\"target_s\":1200,"
                   "\"alert\":\"NEAR\"");
    must_say(desk, "\"since\":\"2026-11-24T09:00:00.000+09:00\"");
    must_say(desk, "\"entered\":[{\"number\":903,\"state\":\"DONE\",\"counter\":2}]");
    pass(desk, 5 * MINUTE_MS);
    assert_int_equal(look(desk, API_READ_MANAGER), 200);
    must_say(desk, "\"alert\":\"OVER\"");
    must_say(desk, "\"waited\":{\"all\":1,\"over\":1}");
}

/* Whoever stands at the ticket machine finds any ticket of today, not only what that machine gave. */
static void staff_find_live_tickets_and_any_by_its_number(void **state)
{
    struct desk *desk = *state;
    struct api_request request = command(QUEUE_CANCEL);
    struct api_request by_number = {
        .type = API_READ, .id = 1, .read = {.what = API_READ_TICKETS, .number = 101}};

    open_office(desk);
    assert_int_equal(issue_one(desk, 1), 201);
    request.command.ticket = desk->engine->queue->tickets[0].id;
    assert_int_equal(issue_one(desk, 1), 201);
    assert_int_equal(look(desk, API_READ_TICKETS), 200);
    must_say(desk, "{\"tickets\":[{\"id\":");
    must_say(desk, "\"found\":2,\"shown\":2");
    assert_null(strstr(desk->body, "\"note\""));
    assert_int_equal(ask(desk, &request), 200);
    assert_int_equal(look(desk, API_READ_TICKETS), 200);
    must_say(desk, "\"display\":\"102\"");
    must_say(desk, "\"found\":1,\"shown\":1");
    assert_int_equal(ask(desk, &by_number), 200);
    must_say(desk, "\"state\":\"CANCELLED\"");
    by_number.read.number = 199;
    assert_int_equal(ask(desk, &by_number), 200);
    must_say(desk, "{\"tickets\":[],\"found\":0,\"shown\":0");
}

/* ---- papers for staff -------------------------------------------------------------------------------- */

static void plug_printer_in(struct desk *desk)
{
    const struct api_printers level = {
        .count = 1, .list = {{.id = 1, .condition = PRINTER_READY, .roll_mm = 80000}}};
    uint8_t frame[API_REQUEST_BYTES_MAX];

    serve_request(desk->engine, CLIENT + 1, frame,
                  api_printers_encode(&level, frame, sizeof(frame)));
}

static void paper_is(struct desk *desk, enum printer_outcome outcome)
{
    const struct api_print_done done = {.order = desk->order,
                                        .outcome = (uint8_t)outcome,
                                        .printer = 1,
                                        .cuts = 1,
                                        .height_dots = 900};
    uint8_t frame[API_REQUEST_BYTES_MAX];

    serve_request(desk->engine, CLIENT + 1, frame,
                  api_print_done_encode(&done, frame, sizeof(frame)));
    serve_flush(desk->engine);
}

static void head_on(const struct desk *desk, char text[64])
{
    (void)snprintf(text, 64, "%02x%02x %02x%02x", desk->engine->head.bytes[0],
                   desk->engine->head.bytes[1], desk->engine->head.bytes[2],
                   desk->engine->head.bytes[3]);
}

static void the_slip_of_a_closed_day_is_printed_once_with_the_chains_head(void **state)
{
    struct desk *desk = *state;
    char head[64];

    plug_printer_in(desk);
    open_office(desk);
    assert_int_equal(issue_one(desk, 1), 201);
    assert_int_equal(day_close(desk->engine, 0), QUEUE_OK);
    head_on(desk, head);
    serve_flush(desk->engine);
    assert_int_equal(desk->orders, 0); /* its entry is on no disk yet */
    pass(desk, 1000);
    assert_int_equal(desk->orders, 1);
    assert_non_null(strstr(desk->printed, "発券 1"));
    assert_non_null(strstr(desk->printed, head));
    assert_null(strstr(desk->printed, "再発行"));
    paper_is(desk, PRINTER_UNTOUCHED); /* nothing came out: the same again, when it can */
    pass(desk, 61 * 1000);
    assert_int_equal(desk->orders, 2);
    assert_null(strstr(desk->printed, "再発行"));
    paper_is(desk, PRINTER_PRINTED);
    pass(desk, 120 * 1000);
    assert_int_equal(desk->orders, 2);
    assert_int_equal(look(desk, API_READ_MANAGER), 200);
    must_say(desk, "\"paper\":\"PRINTED\"");
}

static void a_slip_asked_for_again_says_that_it_is_a_copy(void **state)
{
    struct desk *desk = *state;
    struct api_request request = {
        .type = API_CONTROL, .id = 1, .control = {.what = API_CONTROL_DAY_SLIP}};
    uint8_t frame[API_REQUEST_BYTES_MAX];

    open_office(desk);
    assert_int_equal(order(desk, API_CONTROL_DAY_SLIP, ""), 409); /* no printer */
    plug_printer_in(desk);
    desk->status = 0;
    serve_request(desk->engine, CLIENT, frame, api_request_encode(&request, frame, sizeof(frame)));
    pass(desk, 100);
    assert_int_equal(desk->status, 0); /* answered when the paper is out */
    assert_non_null(strstr(desk->printed, "再発行"));
    assert_non_null(strstr(desk->printed, "途中の集計"));
    paper_is(desk, PRINTER_PRINTED);
    assert_int_equal(desk->status, 200);
    must_say(desk, "\"chain\"");
}

static void a_lone_unit_prints_who_waits_each_hour_by_number_alone(void **state)
{
    struct desk *desk = *state;

    plug_printer_in(desk);
    open_office(desk);
    assert_int_equal(issue_one(desk, 1), 201);
    pass(desk, 10 * MINUTE_MS);
    assert_int_equal(desk->orders, 0); /* both units are there */
    desk->engine->duty.state = DUTY_ALONE;
    desk->engine->duty.session = desk->engine->duty.address = true;
    desk->engine->series = (struct ids_series){.unit = OWN, .session = 1};
    pass(desk, 1000);
    assert_int_equal(desk->orders, 0); /* a short takeover prints nothing */
    pass(desk, 5 * MINUTE_MS);
    assert_int_equal(desk->orders, 1);
    assert_non_null(strstr(desk->printed, "101"));
    paper_is(desk, PRINTER_PRINTED);
    pass(desk, 30 * MINUTE_MS);
    assert_int_equal(desk->orders, 1);
    pass(desk, 31 * MINUTE_MS);
    assert_int_equal(desk->orders, 2);
    paper_is(desk, PRINTER_FAILED); /* half of it hangs out: a newer one comes soon */
    pass(desk, 61 * 1000);
    assert_int_equal(desk->orders, 3);
    paper_is(desk, PRINTER_PRINTED);
    desk->engine->duty.state = DUTY_PAIRED_DUTY;
    desk->engine->series = (struct ids_series){0};
    pass(desk, 120 * MINUTE_MS);
    assert_int_equal(desk->orders, 3);
}

static void a_takeover_is_told_with_its_number_until_the_day_is_over(void **state)
{
    struct desk *desk = *state;

    open_office(desk);
    desk->engine->state.term.number = 7;
    desk->engine->state.term.duty_unit = PARTNER;
    assert_int_equal(look(desk, API_READ_QUEUE), 200);
    must_say(desk, "\"takeover\":null");
    pass(desk, 1000);
    engine_begin_series(desk->engine, 20261124);
    desk->engine->duty.state = DUTY_ALONE;
    desk->engine->duty.session = desk->engine->duty.address = true;
    desk->engine->gap_ms = 420;
    assert_int_equal(look(desk, API_READ_QUEUE), 200);
    must_say(desk,
             "\"takeover\":{\"what\":\"OTHER_FAILED\",\"number\":\"20261124-7-1\",\"unit\":1");
    must_say(desk, "\"gap_ms\":420");
    must_say(desk, "\"over\":false");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_preview_says_what_would_follow_and_changes_nothing,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            closed_said_of_a_day_that_is_open_ends_acceptance_and_serves_who_waits, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(a_day_closes_by_itself_at_the_hour_a_manager_said, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_sunday_opens_by_a_managers_word, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_manager_sees_waits_counters_and_hand_written_numbers,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            the_slip_of_a_closed_day_is_printed_once_with_the_chains_head, set_up, tear_down),
        cmocka_unit_test_setup_teardown(staff_find_live_tickets_and_any_by_its_number, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_slip_asked_for_again_says_that_it_is_a_copy, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_lone_unit_prints_who_waits_each_hour_by_number_alone,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_takeover_is_told_with_its_number_until_the_day_is_over,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
