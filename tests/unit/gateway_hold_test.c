/* appliance/gateway: what happens to requests while the engine is away, silent, refusing,
 * restarting. The gateway is whole and runs in a thread; the engine is tests/lib/fake_engine. */
#include "base/check.h"
#include "tests/lib/gateway_fixture.h"
#include "tests/lib/http_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { SHORT_HOLD_MS = 300, LONG_HOLD_MS = 20000, CLIENTS = 20, DESCRIPTORS = 4096 };

static struct gateway_fixture fixture;

static int start(uint32_t hold_ms)
{
    gateway_fixture_prepare(&fixture);
    gateway_fixture_start(&fixture, hold_ms, 0, false);
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
    gateway_fixture_finish(&fixture);
    return 0;
}

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void issue(struct http_client *client, const char *key)
{
    http_client_open(client, fixture.port);
    http_client_ask(client, "POST", "/api/v1/tickets", key, "{\"category\":1}");
}

static void must_answer(struct http_client *client, int status, const char *in_body)
{
    struct http_answer answer = http_client_answer(client, false);

    assert_int_equal(answer.status, status);
    assert_non_null(strstr(answer.body, in_body));
    http_answer_free(&answer);
    http_client_close(client);
}

static void a_request_reaches_the_engine_with_its_hashed_key(void **state)
{
    struct http_client client;
    struct api_request request;
    uint8_t hash[SHA256_DIGEST_LENGTH];
    uint64_t first_hash;

    (void)state;
    fake_engine_arrive(fixture.engine);
    issue(&client, "press-1");
    must_answer(&client, 201, "{\"display\":\"1\"}");
    request = fake_engine_received(fixture.engine, 0);
    (void)SHA256((const uint8_t *)"press-1", strlen("press-1"), hash);
    assert_memory_equal(request.command.key.bytes, hash, sizeof(request.command.key.bytes));
    first_hash = request.command.body_hash;
    issue(&client, "press-1");
    must_answer(&client, 201, "{\"display\":\"1\"}");
    assert_int_equal(fake_engine_received(fixture.engine, 1).command.body_hash, first_hash);
    http_client_open(&client, fixture.port);
    http_client_ask(&client, "POST", "/api/v1/tickets", "press-1", "{\"category\":2}");
    must_answer(&client, 201, "");
    assert_int_not_equal(fake_engine_received(fixture.engine, 2).command.body_hash, first_hash);
}

static void a_request_waits_for_an_engine_that_is_not_there_yet(void **state)
{
    struct http_client client;

    (void)state;
    issue(&client, "early");
    fake_engine_arrive(fixture.engine);
    must_answer(&client, 201, "display");
}

static void a_request_waits_while_the_unit_does_not_serve(void **state)
{
    struct http_client command, read;

    (void)state;
    fake_engine_serve(fixture.engine, false, "MEETING");
    fake_engine_arrive(fixture.engine);
    issue(&command, "held");
    http_client_open(&read, fixture.port);
    http_client_ask(&read, "GET", "/api/v1/status", NULL, NULL);
    /* Status leaves at once; when it is answered, the command had its chance to be sent wrongly. */
    must_answer(&read, 200, "code");
    assert_int_equal(fake_engine_received_count(fixture.engine), 1);
    assert_int_equal(fake_engine_received(fixture.engine, 0).type, API_READ);
    fake_engine_serve(fixture.engine, true, "");
    must_answer(&command, 201, "display");
}

static void who_waited_in_vain_is_told_why_and_when_to_come_again(void **state)
{
    struct http_client client;
    struct http_answer answer;
    char seconds[8];
    int64_t began_ms = now_ms();

    (void)state;
    fake_engine_serve(fixture.engine, false, "NO_SERVICE_LINK");
    fake_engine_arrive(fixture.engine);
    answer = http_client_once(fixture.port, "GET", "/api/v1/status", NULL, NULL);
    assert_int_equal(answer.status, 200);
    http_answer_free(&answer);
    issue(&client, "vain");
    answer = http_client_answer(&client, false);
    assert_int_equal(answer.status, 503);
    assert_true(now_ms() - began_ms >= SHORT_HOLD_MS);
    assert_true(http_answer_header(&answer, "Retry-After", seconds, sizeof(seconds)));
    assert_non_null(strstr(answer.body, "\"code\":\"NOT_SERVING\""));
    assert_non_null(strstr(answer.body, "\"reason\":\"NO_SERVICE_LINK\""));
    http_answer_free(&answer);
    http_client_close(&client);
    fake_engine_leave(fixture.engine);
    issue(&client, "vain-2");
    must_answer(&client, 503, "ENGINE_AWAY");
}

static void a_503_of_the_engine_is_tried_again_with_the_same_key(void **state)
{
    struct http_client client;
    struct api_request first, second;

    (void)state;
    fake_engine_behave(fixture.engine, FAKE_ENGINE_REFUSES);
    fake_engine_arrive(fixture.engine);
    issue(&client, "again");
    assert_true(fake_engine_wait(fixture.engine, 2));
    fake_engine_behave(fixture.engine, FAKE_ENGINE_ANSWERS);
    must_answer(&client, 201, "display");
    first = fake_engine_received(fixture.engine, 0);
    second = fake_engine_received(fixture.engine, 1);
    assert_memory_equal(&first.command.key, &second.command.key, sizeof(first.command.key));
    assert_int_equal(first.command.body_hash, second.command.body_hash);
}

static void the_engines_own_refusal_is_passed_on_in_the_end(void **state)
{
    struct http_client client;
    struct http_answer answer;
    char seconds[8];

    (void)state;
    fake_engine_behave(fixture.engine, FAKE_ENGINE_REFUSES);
    fake_engine_arrive(fixture.engine);
    issue(&client, "refused");
    answer = http_client_answer(&client, false);
    assert_int_equal(answer.status, 503);
    assert_non_null(strstr(answer.body, "TEST_REFUSAL"));
    assert_true(http_answer_header(&answer, "Retry-After", seconds, sizeof(seconds)));
    assert_string_equal(seconds, "7");
    http_answer_free(&answer);
    http_client_close(&client);
}

static void requests_in_flight_are_sent_again_after_a_break(void **state)
{
    struct http_client clients[CLIENTS];

    (void)state;
    fake_engine_behave(fixture.engine, FAKE_ENGINE_SWALLOWS);
    fake_engine_arrive(fixture.engine);
    for (int i = 0; i < CLIENTS; i++) {
        char key[16];

        (void)snprintf(key, sizeof(key), "key-%d", i);
        issue(&clients[i], key);
    }
    assert_true(fake_engine_wait(fixture.engine, CLIENTS));
    fake_engine_behave(fixture.engine, FAKE_ENGINE_ANSWERS);
    fake_engine_leave(fixture.engine);
    fake_engine_arrive(fixture.engine);
    for (int i = 0; i < CLIENTS; i++) {
        must_answer(&clients[i], 201, "display");
    }
    assert_int_equal(fake_engine_received_count(fixture.engine), 2 * CLIENTS);
    assert_int_equal(fake_engine_numbers_given(fixture.engine), CLIENTS);
}

static void an_operators_control_is_never_sent_twice(void **state)
{
    struct http_client client;

    (void)state;
    fake_engine_behave(fixture.engine, FAKE_ENGINE_SWALLOWS);
    fake_engine_arrive(fixture.engine);
    http_client_open(&client, fixture.management_port);
    http_client_ask(&client, "POST", "/api/v1/duty/handover", "k", "{}");
    assert_true(fake_engine_wait(fixture.engine, 1));
    fake_engine_behave(fixture.engine, FAKE_ENGINE_ANSWERS);
    fake_engine_drop(fixture.engine);
    must_answer(&client, 503, "OUTCOME_UNKNOWN");
    issue(&client, "later");
    must_answer(&client, 201, "display");
    assert_int_equal(fake_engine_received_count(fixture.engine), 2);
}

static void a_silent_engine_is_not_waited_for_and_its_late_answer_reaches_nobody(void **state)
{
    struct http_client client;

    (void)state;
    fake_engine_behave(fixture.engine, FAKE_ENGINE_SWALLOWS);
    fake_engine_arrive(fixture.engine);
    issue(&client, "silent");
    must_answer(&client, 503, "ENGINE_SILENT");
    /* The next request takes the same slot; the late answer comes first and is not its. */
    issue(&client, "next");
    assert_true(fake_engine_wait(fixture.engine, 2));
    fake_engine_answer_swallowed(fixture.engine);
    must_answer(&client, 201, "{\"display\":\"2\"}");
}

static void an_engine_that_holds_as_long_as_the_gateway_gives_the_reason(void **state)
{
    struct http_client client;
    struct http_answer answer;
    int64_t began_ms = now_ms();

    (void)state;
    fake_engine_behave(fixture.engine, FAKE_ENGINE_SWALLOWS);
    fake_engine_arrive(fixture.engine);
    issue(&client, "held-there");
    assert_true(fake_engine_wait(fixture.engine, 1));
    while (now_ms() - began_ms < SHORT_HOLD_MS + 50) {
        answer = http_client_once(fixture.management_port, "GET", "/healthz", NULL, NULL);
        http_answer_free(&answer);
    }
    fake_engine_refuse_swallowed(fixture.engine);
    must_answer(&client, 503, "TEST_REFUSAL");
}

static void an_engine_that_talks_nonsense_is_left_and_asked_anew(void **state)
{
    struct http_client client;

    (void)state;
    fake_engine_behave(fixture.engine, FAKE_ENGINE_BABBLES);
    fake_engine_arrive(fixture.engine);
    issue(&client, "nonsense");
    assert_true(fake_engine_wait(fixture.engine, 2));
    fake_engine_behave(fixture.engine, FAKE_ENGINE_ANSWERS);
    must_answer(&client, 201, "display");
    assert_int_equal(fake_engine_numbers_given(fixture.engine), 1);
}

static void an_answer_of_several_megabytes_arrives_whole(void **state)
{
    struct http_answer answer;

    (void)state;
    fake_engine_behave(fixture.engine, FAKE_ENGINE_ANSWERS_BIG);
    fake_engine_arrive(fixture.engine);
    answer = http_client_once(fixture.port, "GET", "/api/v1/queue", NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.body_len_bytes, FAKE_ENGINE_BIG_BYTES);
    assert_int_equal(answer.body[FAKE_ENGINE_BIG_BYTES - 2], 'x');
    http_answer_free(&answer);
    fake_engine_behave(fixture.engine, FAKE_ENGINE_ANSWERS);
    answer = http_client_once(fixture.port, "GET", "/api/v1/queue", NULL, NULL);
    assert_int_equal(answer.status, 200);
    http_answer_free(&answer);
}

static void beyond_the_limit_requests_are_refused_at_once_and_the_rest_is_answered(void **state)
{
    enum { PUBLIC_MAX = GATEWAY_REQUESTS_MAX - GATEWAY_REQUESTS_FOR_MANAGEMENT };
    struct rlimit limit;
    struct http_client *clients = calloc(PUBLIC_MAX, sizeof(*clients));
    struct http_client one_more;
    struct http_answer answer;

    (void)state;
    assert_non_null(clients);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < DESCRIPTORS) {
        free(clients);
        skip();
    }
    limit.rlim_cur = DESCRIPTORS;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int i = 0; i < PUBLIC_MAX; i++) {
        char key[16];

        (void)snprintf(key, sizeof(key), "full-%d", i);
        issue(&clients[i], key);
    }
    /* Connections are served in no order of ours: every place is taken once metrics say so. */
    for (bool full = false; !full;) {
        answer = http_client_once(fixture.management_port, "GET", "/metrics", NULL, NULL);
        assert_int_equal(answer.status, 200);
        full = strstr(answer.body, "toban_web_requests_waiting 1008\n") != NULL;
        http_answer_free(&answer);
    }
    issue(&one_more, "one-more");
    must_answer(&one_more, 503, "OVERLOAD");
    /* Operators still get through. */
    fake_engine_serve(fixture.engine, false, "TEST");
    fake_engine_arrive(fixture.engine);
    answer = http_client_once(fixture.management_port, "GET", "/api/v1/status", NULL, NULL);
    assert_int_equal(answer.status, 200);
    http_answer_free(&answer);
    fake_engine_serve(fixture.engine, true, "");
    for (int i = 0; i < PUBLIC_MAX; i++) {
        must_answer(&clients[i], 201, "display");
    }
    assert_int_equal(fake_engine_numbers_given(fixture.engine), PUBLIC_MAX);
    free(clients);
}

static void stopping_answers_what_is_in_flight(void **state)
{
    struct http_client client;

    (void)state;
    fake_engine_behave(fixture.engine, FAKE_ENGINE_SWALLOWS);
    fake_engine_arrive(fixture.engine);
    issue(&client, "last");
    assert_true(fake_engine_wait(fixture.engine, 1));
    gateway_stop(fixture.gateway);
    fake_engine_answer_swallowed(fixture.engine);
    must_answer(&client, 201, "display");
}

static void stopping_refuses_what_cannot_be_answered(void **state)
{
    struct http_client client;

    (void)state;
    fake_engine_behave(fixture.engine, FAKE_ENGINE_SWALLOWS);
    fake_engine_arrive(fixture.engine);
    issue(&client, "last");
    assert_true(fake_engine_wait(fixture.engine, 1));
    gateway_stop(fixture.gateway);
    assert_int_equal(pthread_join(fixture.thread, NULL), 0);
    gateway_destroy(fixture.gateway);
    fixture.gateway = NULL;
    must_answer(&client, 503, "ENGINE_AWAY");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_request_reaches_the_engine_with_its_hashed_key,
                                        start_long, finish),
        cmocka_unit_test_setup_teardown(a_request_waits_for_an_engine_that_is_not_there_yet,
                                        start_long, finish),
        cmocka_unit_test_setup_teardown(a_request_waits_while_the_unit_does_not_serve, start_long,
                                        finish),
        cmocka_unit_test_setup_teardown(who_waited_in_vain_is_told_why_and_when_to_come_again,
                                        start_short, finish),
        cmocka_unit_test_setup_teardown(a_503_of_the_engine_is_tried_again_with_the_same_key,
                                        start_long, finish),
        cmocka_unit_test_setup_teardown(the_engines_own_refusal_is_passed_on_in_the_end,
                                        start_short, finish),
        cmocka_unit_test_setup_teardown(requests_in_flight_are_sent_again_after_a_break, start_long,
                                        finish),
        cmocka_unit_test_setup_teardown(an_operators_control_is_never_sent_twice, start_long,
                                        finish),
        cmocka_unit_test_setup_teardown(
            a_silent_engine_is_not_waited_for_and_its_late_answer_reaches_nobody, start_short,
            finish),
        cmocka_unit_test_setup_teardown(
            an_engine_that_holds_as_long_as_the_gateway_gives_the_reason, start_short, finish),
        cmocka_unit_test_setup_teardown(an_engine_that_talks_nonsense_is_left_and_asked_anew,
                                        start_long, finish),
        cmocka_unit_test_setup_teardown(an_answer_of_several_megabytes_arrives_whole, start_long,
                                        finish),
        cmocka_unit_test_setup_teardown(
            beyond_the_limit_requests_are_refused_at_once_and_the_rest_is_answered, start_long,
            finish),
        cmocka_unit_test_setup_teardown(stopping_answers_what_is_in_flight, start_long, finish),
        cmocka_unit_test_setup_teardown(stopping_refuses_what_cannot_be_answered, start_long,
                                        finish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
