/* appliance/gateway: a planned hand-over as two whole gateways see it, each beside a fake engine: what
 * still comes to the old one is answered by the new one, once, and its clients are told to leave. */
#include "tests/lib/gateway_fixture.h"
#include "tests/lib/http_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

enum { SHORT_HOLD_MS = 300, LONG_HOLD_MS = 20000, MANY = 200 };

static struct gateway_fixture from, to;

static int start(uint32_t hold_ms)
{
    gateway_fixture_prepare(&to);
    gateway_fixture_start(&to, hold_ms, 0, false);
    gateway_fixture_prepare(&from);
    from.relay_peer_port = to.relay_port;
    gateway_fixture_start(&from, hold_ms, 0, false);
    fake_engine_arrive(from.engine);
    fake_engine_arrive(to.engine);
    return 0;
}

static int start_short(void **state)
{
    (void)state;
    return start(SHORT_HOLD_MS);
}

static int start_long(void **state)
{
    (void)state;
    return start(LONG_HOLD_MS);
}

static int finish(void **state)
{
    (void)state;
    gateway_fixture_finish(&from);
    gateway_fixture_finish(&to);
    return 0;
}

static void issue(struct http_client *client, uint16_t port, const char *key)
{
    http_client_open(client, port);
    http_client_ask(client, "POST", "/api/v1/tickets", key, "{\"category\":1}");
}

/* The connection is told to end, and ends. */
static void must_answer_and_end(struct http_client *client, int status, const char *in_body)
{
    struct http_answer answer = http_client_answer(client, false);
    char value[32];

    assert_int_equal(answer.status, status);
    assert_non_null(strstr(answer.body, in_body));
    assert_true(http_answer_header(&answer, "Connection", value, sizeof(value)));
    assert_string_equal(value, "close");
    http_answer_free(&answer);
    assert_true(http_client_ends(client, HTTP_CLIENT_PATIENCE_MS));
    http_client_close(client);
}

static void held_requests_are_answered_by_the_unit_that_has_duty_now(void **state)
{
    struct http_client press, read;
    struct api_request there;

    (void)state;
    fake_engine_serve(from.engine, false, "NONE");
    /* Status is answered at once, so what follows finds the unit not serving. */
    struct http_answer answer = http_client_once(from.port, "GET", "/api/v1/status", NULL, NULL);
    http_answer_free(&answer);
    issue(&press, from.port, "moved-1");
    http_client_open(&read, from.port);
    http_client_ask(&read, "GET", "/api/v1/queue", NULL, NULL);
    fake_engine_serve(from.engine, false, "PEER_SERVES");
    must_answer_and_end(&press, 201, "{\"display\":\"1\"}");
    must_answer_and_end(&read, 200, "");
    assert_int_equal(fake_engine_received_count(to.engine), 2);
    /* The same press, sent to the new unit by its client, is the same to its engine. */
    there = fake_engine_received(to.engine, 0).type == API_COMMAND
                ? fake_engine_received(to.engine, 0)
                : fake_engine_received(to.engine, 1);
    issue(&press, to.port, "moved-1");
    answer = http_client_answer(&press, false);
    assert_int_equal(answer.status, 201);
    http_answer_free(&answer);
    http_client_close(&press);
    assert_memory_equal(there.command.key.bytes,
                        fake_engine_received(to.engine, 2).command.key.bytes,
                        sizeof(there.command.key.bytes));
    assert_int_equal(there.command.body_hash, fake_engine_received(to.engine, 2).command.body_hash);
    assert_int_equal(fake_engine_numbers_given(to.engine), 1);
}

static void what_the_old_engine_refused_is_passed_on(void **state)
{
    struct http_client client;

    (void)state;
    fake_engine_behave(from.engine, FAKE_ENGINE_SWALLOWS);
    issue(&client, from.port, "in-flight");
    assert_true(fake_engine_wait(from.engine, 1));
    fake_engine_serve(from.engine, false, "PEER_SERVES");
    fake_engine_refuse_swallowed(from.engine);
    must_answer_and_end(&client, 201, "display");
    assert_int_equal(fake_engine_numbers_given(to.engine), 1);
}

static void a_unit_whose_engine_left_after_giving_duty_away_passes_on(void **state)
{
    struct http_client in_flight, later;
    struct http_answer answer;
    int status = 200;

    (void)state;
    fake_engine_behave(from.engine, FAKE_ENGINE_SWALLOWS);
    issue(&in_flight, from.port, "in-flight");
    assert_true(fake_engine_wait(from.engine, 1));
    fake_engine_serve(from.engine, false, "PEER_SERVES");
    fake_engine_leave(from.engine);
    must_answer_and_end(&in_flight, 201, "display");
    while (status == 200) { /* until it has noticed */
        answer = http_client_once(from.management_port, "GET", "/healthz", NULL, NULL);
        status = answer.status;
        http_answer_free(&answer);
    }
    issue(&later, from.port, "later");
    must_answer_and_end(&later, 201, "display");
    assert_int_equal(fake_engine_numbers_given(to.engine), 2);
}

static void many_requests_at_once_are_all_passed_on(void **state)
{
    static struct http_client clients[MANY];

    (void)state;
    fake_engine_serve(from.engine, false, "PEER_SERVES");
    for (int i = 0; i < MANY; i++) {
        char key[16];

        (void)snprintf(key, sizeof(key), "many-%d", i);
        issue(&clients[i], from.port, key);
    }
    for (int i = 0; i < MANY; i++) {
        must_answer_and_end(&clients[i], 201, "display");
    }
    assert_int_equal(fake_engine_numbers_given(to.engine), MANY);
}

static void a_relayed_request_waits_for_the_other_unit_to_serve(void **state)
{
    struct http_client client;

    (void)state;
    fake_engine_serve(to.engine, false, "PEER_SERVES");
    fake_engine_serve(from.engine, false, "PEER_SERVES");
    issue(&client, from.port, "early");
    fake_engine_serve(to.engine, true, "");
    must_answer_and_end(&client, 201, "display");
}

static void nothing_is_passed_on_twice(void **state)
{
    struct http_answer answer;

    (void)state;
    fake_engine_serve(to.engine, false, "PEER_SERVES");
    answer = http_client_once(to.relay_port, "GET", "/api/v1/status", NULL, NULL);
    http_answer_free(&answer);
    /* `to` would pass it back if it knew whither; `from` passes it on, gets it refused, and says so. */
    fake_engine_serve(from.engine, false, "PEER_SERVES");
    answer = http_client_once(from.port, "POST", "/api/v1/tickets", "twice", "{\"category\":1}");
    assert_int_equal(answer.status, 503);
    http_answer_free(&answer);
    answer =
        http_client_once(from.relay_port, "POST", "/api/v1/tickets", "back", "{\"category\":1}");
    assert_int_equal(answer.status, 503);
    http_answer_free(&answer);
    assert_int_equal(fake_engine_numbers_given(to.engine), 0);
    assert_int_equal(fake_engine_numbers_given(from.engine), 0);
}

static void what_comes_by_the_relay_listener_is_never_passed_on(void **state)
{
    struct http_answer answer;

    (void)state;
    fake_engine_serve(from.engine, false, "PEER_SERVES");
    answer =
        http_client_once(from.relay_port, "POST", "/api/v1/tickets", "back", "{\"category\":1}");
    assert_int_equal(answer.status, 503);
    http_answer_free(&answer);
    assert_int_equal(fake_engine_numbers_given(to.engine), 0);
}

static void a_unit_that_cannot_reach_the_other_holds_and_serves_again(void **state)
{
    struct http_client client;

    (void)state;
    gateway_fixture_finish(&to);
    fake_engine_serve(from.engine, false, "PEER_SERVES");
    issue(&client, from.port, "nobody");
    struct http_answer answer = http_client_once(from.port, "GET", "/api/v1/status", NULL, NULL);
    http_answer_free(&answer);
    fake_engine_serve(from.engine, true, "");
    answer = http_client_answer(&client, false);
    assert_int_equal(answer.status, 201);
    http_answer_free(&answer);
    http_client_close(&client);
    gateway_fixture_prepare(&to);
    gateway_fixture_start(&to, 0, 0, false);
}

static void another_reason_is_no_hand_over(void **state)
{
    struct http_answer answer;

    (void)state;
    fake_engine_serve(from.engine, false, "NO_SERVICE_LINK");
    answer = http_client_once(from.port, "POST", "/api/v1/tickets", "held", "{\"category\":1}");
    assert_int_equal(answer.status, 503);
    http_answer_free(&answer);
    assert_int_equal(fake_engine_received_count(to.engine), 0);
}

static void live_streams_end_so_that_screens_come_to_the_other_unit(void **state)
{
    struct http_client screen;

    (void)state;
    http_client_open(&screen, from.port);
    http_client_ask(&screen, "GET", "/api/v1/events", NULL, NULL);
    assert_true(http_client_read_past(&screen, "text/event-stream", HTTP_CLIENT_PATIENCE_MS));
    fake_engine_serve(from.engine, false, "PEER_SERVES");
    assert_true(http_client_ends(&screen, HTTP_CLIENT_PATIENCE_MS));
    http_client_close(&screen);
}

static void the_relay_listener_serves_the_public_requests_only(void **state)
{
    static const char *const refused[] = {"/",        "/status",        "/healthz",
                                          "/metrics", "/api/v1/events", "/api/v1/openapi.json"};
    struct http_answer answer;

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        answer = http_client_once(to.relay_port, "GET", refused[i], NULL, NULL);
        assert_int_equal(answer.status, 404);
        http_answer_free(&answer);
    }
    answer = http_client_once(to.relay_port, "POST", "/api/v1/duty/handover", "k", "{}");
    assert_true(answer.status == 403 || answer.status == 404);
    http_answer_free(&answer);
    answer = http_client_once(to.relay_port, "GET", "/api/v1/queue", NULL, NULL);
    assert_int_equal(answer.status, 200);
    http_answer_free(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(held_requests_are_answered_by_the_unit_that_has_duty_now,
                                        start_long, finish),
        cmocka_unit_test_setup_teardown(what_the_old_engine_refused_is_passed_on, start_long,
                                        finish),
        cmocka_unit_test_setup_teardown(a_unit_whose_engine_left_after_giving_duty_away_passes_on,
                                        start_long, finish),
        cmocka_unit_test_setup_teardown(many_requests_at_once_are_all_passed_on, start_long,
                                        finish),
        cmocka_unit_test_setup_teardown(a_relayed_request_waits_for_the_other_unit_to_serve,
                                        start_long, finish),
        cmocka_unit_test_setup_teardown(nothing_is_passed_on_twice, start_short, finish),
        cmocka_unit_test_setup_teardown(what_comes_by_the_relay_listener_is_never_passed_on,
                                        start_short, finish),
        cmocka_unit_test_setup_teardown(a_unit_that_cannot_reach_the_other_holds_and_serves_again,
                                        start_long, finish),
        cmocka_unit_test_setup_teardown(another_reason_is_no_hand_over, start_short, finish),
        cmocka_unit_test_setup_teardown(live_streams_end_so_that_screens_come_to_the_other_unit,
                                        start_long, finish),
        cmocka_unit_test_setup_teardown(the_relay_listener_serves_the_public_requests_only,
                                        start_long, finish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
