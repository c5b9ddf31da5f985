/* appliance/gateway: live events. Every screen gets the newest queue; none can hold up another;
 * silence tells a page that what it shows is getting old. */
#include "appliance/adapters/derive.h"
#include "base/check.h"
#include "tests/lib/gateway_fixture.h"
#include "tests/lib/http_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    SCREENS = 50,
    PATIENCE_MS = HTTP_CLIENT_PATIENCE_MS,
    QUIET_MS = 2600,
    REVOKED_MS = 1000,
    BIG_BYTES = 60000,
    BIG_EVENTS = 300
};

static struct gateway_fixture fixture;

static int start(void **state)
{
    (void)state;
    gateway_fixture_prepare(&fixture);
    gateway_fixture_start(&fixture, 0, 0, false);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    gateway_fixture_finish(&fixture);
    return 0;
}

static void listen_to_events(struct http_client *client)
{
    http_client_open(client, fixture.port);
    http_client_ask(client, "GET", "/api/v1/events", NULL, NULL);
}

static void listen_as_nobody(struct http_client *client)
{
    http_client_open(client, fixture.port);
    client->nobody = true;
    http_client_ask(client, "GET", "/api/v1/events", NULL, NULL);
}

static bool hears(struct http_client *client, const char *text)
{
    return http_client_read_past(client, text, PATIENCE_MS);
}

static void push(uint64_t id, const char *body)
{
    fake_engine_push(fixture.engine, id, body, strlen(body));
}

static void every_screen_hears_each_state_and_the_newest_queue(void **state)
{
    struct http_client screens[SCREENS];

    (void)state;
    fake_engine_arrive(fixture.engine);
    push(1, "{\"queue\":1}");
    for (int i = 0; i < SCREENS; i++) {
        listen_to_events(&screens[i]);
        assert_true(hears(&screens[i], "Content-Type: text/event-stream\r\n"));
        assert_true(
            hears(&screens[i], "event: state\ndata: {\"serving\":true,\"reason\":\"\"}\n\n"));
        assert_true(hears(&screens[i], "id: 1\nevent: queue\ndata: {\"queue\":1}\n\n"));
    }
    push(2, "{\"queue\":2}");
    for (int i = 0; i < SCREENS; i++) {
        assert_true(hears(&screens[i], "id: 2\nevent: queue\ndata: {\"queue\":2}\n\n"));
    }
    fake_engine_serve(fixture.engine, false, "HANDOVER");
    for (int i = 0; i < SCREENS; i++) {
        assert_true(hears(&screens[i],
                          "event: state\ndata: {\"serving\":false,\"reason\":\"HANDOVER\"}\n\n"));
        http_client_close(&screens[i]);
    }
}

/* A thousand telephones must not cost what a thousand screens would: not each change, but the newest in time. */
static void a_telephone_gets_the_newest_queue_with_its_heartbeat(void **state)
{
    struct http_client telephone, screen;
    unsigned heard = 0;

    (void)state;
    fake_engine_arrive(fixture.engine);
    push(1, "{}");
    http_client_open(&telephone, fixture.port);
    http_client_ask(&telephone, "GET", "/api/v1/events?pace=slow", NULL, NULL);
    assert_true(hears(&telephone, "id: 1\n"));
    listen_to_events(&screen);
    for (uint64_t id = 2; id <= 20; id++) {
        char wanted[32];

        push(id, id == 20 ? "{\"newest\":1}" : "{}");
        (void)snprintf(wanted, sizeof(wanted), "id: %u\n", (unsigned)id);
        assert_true(hears(&screen, wanted));
    }
    do {
        assert_true(hears(&telephone, "event: queue\ndata: "));
        heard++;
    } while (memmem(telephone.bytes, telephone.len_bytes, "{\"newest\":1}", 12) == NULL);
    assert_in_range(heard, 1, 2); /* a heartbeat may have lain between them */
    http_client_close(&telephone);
    http_client_close(&screen);
}

static void a_screen_outlives_the_engine_and_hears_of_it(void **state)
{
    struct http_client screen;

    (void)state;
    listen_to_events(&screen);
    assert_true(hears(&screen, "{\"serving\":false,\"reason\":\"ENGINE_AWAY\"}\n\n"));
    fake_engine_arrive(fixture.engine);
    assert_true(hears(&screen, "{\"serving\":true,\"reason\":\"\"}\n\n"));
    push(5, "{}");
    assert_true(hears(&screen, "id: 5\n"));
    fake_engine_leave(fixture.engine);
    assert_true(hears(&screen, "{\"serving\":false,\"reason\":\"ENGINE_AWAY\"}\n\n"));
    fake_engine_arrive(fixture.engine);
    assert_true(hears(&screen, "{\"serving\":true,\"reason\":\"\"}\n\n"));
    /* Subscribed anew without being asked: the engine tells its queue, though the id is old. */
    assert_true(hears(&screen, "id: 5\nevent: queue\ndata: {}\n\n"));
    http_client_close(&screen);
}

static void a_line_end_inside_the_queue_does_not_end_the_event(void **state)
{
    struct http_client screen;

    (void)state;
    fake_engine_arrive(fixture.engine);
    push(1, "{\n\"a\":\r\n1}");
    listen_to_events(&screen);
    assert_true(hears(&screen, "data: { \"a\":  1}\n\n"));
    http_client_close(&screen);
}

static void a_reason_cannot_break_out_of_its_event(void **state)
{
    struct http_client screen;

    (void)state;
    fake_engine_serve(fixture.engine, false, "\"}\n\nevent: queue\ndata: {");
    fake_engine_arrive(fixture.engine);
    listen_to_events(&screen);
    assert_true(hears(&screen, "\"reason\":\"?}??event: queue?data: {\"}\n\n"));
    http_client_close(&screen);
}

static void heartbeats_come_while_serving_and_only_then(void **state)
{
    struct http_client screen;

    (void)state;
    fake_engine_arrive(fixture.engine);
    listen_to_events(&screen);
    assert_true(hears(&screen, "\"serving\":true"));
    assert_true(hears(&screen, ":\n\n"));
    assert_true(hears(&screen, ":\n\n"));
    fake_engine_serve(fixture.engine, false, "TEST");
    assert_true(hears(&screen, "\"serving\":false,\"reason\":\"TEST\"}\n\n\r\n"));
    assert_false(http_client_read_past(&screen, "\n", QUIET_MS));
    fake_engine_serve(fixture.engine, true, "");
    assert_true(hears(&screen, "\"serving\":true"));
    assert_true(hears(&screen, ":\n\n"));
    http_client_close(&screen);
}

static void a_queue_is_not_told_by_a_unit_that_does_not_serve(void **state)
{
    struct http_client screen;

    (void)state;
    fake_engine_serve(fixture.engine, false, "SPARE");
    fake_engine_arrive(fixture.engine);
    listen_to_events(&screen);
    assert_true(hears(&screen, "\"reason\":\"SPARE\"}\n\n"));
    assert_true(fake_engine_wait_subscribed(fixture.engine));
    push(9, "{\"stale\":true}");
    fake_engine_serve(fixture.engine, false, "STILL_SPARE");
    /* Had the queue gone out, it would stand before this state. */
    assert_true(hears(&screen, "STILL_SPARE\"}\n\n"));
    assert_null(memmem(screen.bytes, screen.len_bytes, "stale", 5));
    fake_engine_serve(fixture.engine, true, "");
    assert_true(hears(&screen, "\"serving\":true"));
    assert_true(hears(&screen, "id: 9\n"));
    http_client_close(&screen);
}

static void a_screen_that_does_not_read_holds_up_nobody_and_skips_to_the_newest(void **state)
{
    struct http_client slow, quick;
    char *body = malloc(BIG_BYTES);
    int small_bytes = 65536;

    (void)state;
    assert_non_null(body);
    memset(body, 'x', BIG_BYTES);
    body[0] = body[BIG_BYTES - 1] = '"';
    fake_engine_arrive(fixture.engine);
    http_client_open(&slow, fixture.port);
    assert_int_equal(setsockopt(slow.fd, SOL_SOCKET, SO_RCVBUF, &small_bytes, sizeof(small_bytes)),
                     0);
    http_client_ask(&slow, "GET", "/api/v1/events", NULL, NULL);
    listen_to_events(&quick);
    assert_true(fake_engine_wait_subscribed(fixture.engine));
    for (uint64_t id = 1; id <= BIG_EVENTS; id++) {
        char mark[32];

        fake_engine_push(fixture.engine, id, body, BIG_BYTES);
        if (id % 10 == 0) {
            (void)snprintf(mark, sizeof(mark), "id: %llu\n", (unsigned long long)id);
            assert_true(hears(&quick, mark));
        }
    }
    assert_true(hears(&slow, "id: 300\n"));
    http_client_close(&slow);
    http_client_close(&quick);
    free(body);
}

static void screens_beyond_the_limit_are_refused_and_a_left_place_is_free_again(void **state)
{
    struct http_client screens[GATEWAY_STREAMS_MAX];
    struct http_answer answer;
    int status = 503;

    (void)state;
    for (int i = 0; i < GATEWAY_STREAMS_MAX; i++) {
        listen_to_events(&screens[i]);
        assert_true(hears(&screens[i], "event: state"));
    }
    answer = http_client_once(fixture.port, "GET", "/api/v1/events", NULL, NULL);
    assert_int_equal(answer.status, 503);
    assert_non_null(strstr(answer.body, "TOO_MANY_STREAMS"));
    http_answer_free(&answer);
    /* The engine is away: nothing is written, and the one who left must still be noticed. */
    http_client_close(&screens[0]);
    while (status == 503) {
        struct http_client next;

        listen_to_events(&next);
        answer = http_client_answer(&next, true);
        status = answer.status;
        http_answer_free(&answer);
        http_client_close(&next);
    }
    assert_int_equal(status, 200);
    for (int i = 1; i < GATEWAY_STREAMS_MAX; i++) {
        http_client_close(&screens[i]);
    }
}

static void stopping_ends_every_stream(void **state)
{
    struct http_client screen;

    (void)state;
    fake_engine_arrive(fixture.engine);
    listen_to_events(&screen);
    assert_true(hears(&screen, "event: state"));
    gateway_stop(fixture.gateway);
    assert_true(hears(&screen, "\r\n0\r\n\r\n"));
    http_client_close(&screen);
}

/* Where anybody may see the queue as well: who lost a right is to know. */
static void a_stream_ends_at_once_when_its_credential_is_revoked(void **state)
{
    struct http_client revoked, other, anybody;
    struct http_answer answer;
    struct ids_hash token;

    (void)state;
    fake_engine_arrive(fixture.engine);
    push(1, "{}");
    listen_to_events(&revoked);
    assert_true(hears(&revoked, "id: 1\n"));
    http_client_open(&other, fixture.port);
    http_client_send_text(&other,
                          "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
                          "another-token-0123456789\r\n\r\n");
    assert_true(hears(&other, "id: 1\n"));
    listen_as_nobody(&anybody);
    assert_true(hears(&anybody, "id: 1\n"));

    derive_hash(HTTP_CLIENT_TOKEN, strlen(HTTP_CLIENT_TOKEN), token.bytes);
    fake_engine_revoke(fixture.engine, &token);
    assert_true(http_client_ends(&revoked, REVOKED_MS));
    push(2, "{}");
    assert_true(hears(&other, "id: 2\n"));
    assert_true(hears(&anybody, "id: 2\n"));
    answer = http_client_once(fixture.port, "GET", "/api/v1/events", NULL, NULL);
    assert_int_equal(answer.status, 401);
    http_answer_free(&answer);
    http_client_close(&revoked);
    http_client_close(&other);
    http_client_close(&anybody);
}

/* Opened while toband was away: told only that it is, and judged before anything else. */
static void a_stream_of_before_toband_came_is_judged_when_it_is_there(void **state)
{
    struct http_client screen;
    struct ids_hash token;

    (void)state;
    listen_to_events(&screen);
    assert_true(hears(&screen, "{\"serving\":false,\"reason\":\"ENGINE_AWAY\"}\n\n"));
    derive_hash(HTTP_CLIENT_TOKEN, strlen(HTTP_CLIENT_TOKEN), token.bytes);
    fake_engine_revoke(fixture.engine, &token);
    push(1, "{\"queue\":1}");
    fake_engine_arrive(fixture.engine);
    assert_false(hears(&screen, "{\"queue\":1}"));
    http_client_close(&screen);
}

static void without_a_public_page_nobody_in_particular_hears_nothing(void **state)
{
    struct http_client known, nobody;
    struct http_answer answer;

    (void)state;
    fake_engine_arrive(fixture.engine);
    push(1, "{}");
    listen_to_events(&known);
    assert_true(hears(&known, "id: 1\n"));
    listen_as_nobody(&nobody);
    assert_true(hears(&nobody, "id: 1\n"));
    fake_engine_hide_page(fixture.engine);
    assert_true(http_client_ends(&nobody, REVOKED_MS));
    http_client_close(&nobody);
    listen_as_nobody(&nobody);
    answer = http_client_answer(&nobody, false);
    assert_int_equal(answer.status, 401);
    http_answer_free(&answer);
    http_client_close(&nobody);
    push(2, "{}");
    assert_true(hears(&known, "id: 2\n"));
    http_client_close(&known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_screen_hears_each_state_and_the_newest_queue, start,
                                        finish),
        cmocka_unit_test_setup_teardown(a_screen_outlives_the_engine_and_hears_of_it, start,
                                        finish),
        cmocka_unit_test_setup_teardown(a_telephone_gets_the_newest_queue_with_its_heartbeat, start,
                                        finish),
        cmocka_unit_test_setup_teardown(a_line_end_inside_the_queue_does_not_end_the_event, start,
                                        finish),
        cmocka_unit_test_setup_teardown(a_reason_cannot_break_out_of_its_event, start, finish),
        cmocka_unit_test_setup_teardown(heartbeats_come_while_serving_and_only_then, start, finish),
        cmocka_unit_test_setup_teardown(a_queue_is_not_told_by_a_unit_that_does_not_serve, start,
                                        finish),
        cmocka_unit_test_setup_teardown(
            a_screen_that_does_not_read_holds_up_nobody_and_skips_to_the_newest, start, finish),
        cmocka_unit_test_setup_teardown(
            screens_beyond_the_limit_are_refused_and_a_left_place_is_free_again, start, finish),
        cmocka_unit_test_setup_teardown(stopping_ends_every_stream, start, finish),
        cmocka_unit_test_setup_teardown(a_stream_ends_at_once_when_its_credential_is_revoked, start,
                                        finish),
        cmocka_unit_test_setup_teardown(a_stream_of_before_toband_came_is_judged_when_it_is_there,
                                        start, finish),
        cmocka_unit_test_setup_teardown(without_a_public_page_nobody_in_particular_hears_nothing,
                                        start, finish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
