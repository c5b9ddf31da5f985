/* Signing in under HTTP: what reaches toband of a password and of a token, what a browser gets, what other sites
 * cannot make it send. */
#include "appliance/adapters/derive.h"
#include "appliance/gateway/people.h"
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
#include <unistd.h>

#define TOKEN HTTP_CLIENT_TOKEN
#define JSON_HEADERS "Host: localhost\r\nContent-Type: application/json\r\nIdempotency-Key: k\r\n"

static int start(void **state)
{
    struct gateway_fixture *fixture = malloc(sizeof(*fixture));

    gateway_fixture_prepare(fixture);
    gateway_fixture_start(fixture, 0, 0, false);
    fake_engine_arrive(fixture->engine);
    *state = fixture;
    return 0;
}

static int finish(void **state)
{
    gateway_fixture_finish(*state);
    free(*state);
    return 0;
}

static int forget(void **state)
{
    free(*state);
    return 0;
}

static struct http_answer post(const struct gateway_fixture *fixture, const char *path,
                               const char *headers, const char *body)
{
    struct http_client client;
    struct http_answer answer;
    char text[4096];

    (void)snprintf(text, sizeof(text),
                   "POST /api/v1%s HTTP/1.1\r\n" JSON_HEADERS "%sContent-Length: %zu\r\n\r\n%s",
                   path, headers, strlen(body), body);
    http_client_open(&client, fixture->port);
    http_client_send_text(&client, text);
    answer = http_client_answer(&client, false);
    http_client_close(&client);
    return answer;
}

static int status_of(const struct gateway_fixture *fixture, const char *path, const char *headers,
                     const char *body)
{
    struct http_answer answer = post(fixture, path, headers, body);
    int status = answer.status;

    http_answer_free(&answer);
    return status;
}

static void a_password_goes_no_further_than_this_process(void **state)
{
    struct gateway_fixture *fixture = *state;
    struct http_answer answer =
        post(fixture, "/session", "", "{\"name\":\"sato\",\"password\":\"pelican rain over\"}");
    uint8_t salt[DERIVE_SALT_BYTES], wanted[DERIVE_BYTES];
    struct api_request asked, sent;
    char cookie[256];

    assert_int_equal(answer.status, 200);
    assert_int_equal(fake_engine_received_count(fixture->engine), 2);
    asked = fake_engine_received(fixture->engine, 0);
    sent = fake_engine_received(fixture->engine, 1);
    assert_int_equal(asked.access.what, API_ACCESS_SALT);
    assert_string_equal(asked.access.name, "sato");
    assert_int_equal(sent.access.what, API_ACCESS_SIGN_IN);
    for (size_t i = 0; i < sizeof(salt); i++) {
        salt[i] = (uint8_t)i; /* as the stand-in of toband says */
    }
    assert_int_equal(derive_password("pelican rain over", salt, wanted), 0);
    assert_memory_equal(sent.access.proof, wanted, sizeof(wanted));
    assert_null(memmem(&sent, sizeof(sent), "pelican", 7));

    /* The browser's token is known to toband by its hash. */
    assert_true(http_answer_header(&answer, "Set-Cookie", cookie, sizeof(cookie)));
    assert_int_equal(strncmp(cookie, PEOPLE_SESSION_COOKIE "=", sizeof(PEOPLE_SESSION_COOKIE)), 0);
    for (size_t i = 0; i < 3; i++) {
        static const char *const marks[] = {"; Secure", "; HttpOnly", "; SameSite=Strict"};

        assert_non_null(strstr(cookie, marks[i]));
    }
    assert_non_null(strstr(cookie, "; Path=/"));
    assert_null(strstr(cookie, "Domain"));
    derive_hash(cookie + sizeof(PEOPLE_SESSION_COOKIE), 64, wanted);
    assert_memory_equal(sent.access.token.bytes, wanted, sizeof(wanted));
    assert_null(strstr(answer.body, "token"));
    assert_int_equal(sent.from.via, API_VIA_WEB);
    assert_int_equal(sent.from.address[15], 1); /* 127.0.0.1 */
    http_answer_free(&answer);
}

static void a_program_gets_its_token_and_no_cookie(void **state)
{
    struct gateway_fixture *fixture = *state;
    struct http_answer answer =
        post(fixture, "/session", "",
             "{\"name\":\"sato\",\"pin\":\"480913\",\"code\":\"123456\",\"token\":true}");
    struct api_request sent;
    char cookie[256];

    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.body, "\"token\":\""));
    assert_false(http_answer_header(&answer, "Set-Cookie", cookie, sizeof(cookie)));
    sent = fake_engine_received(fixture->engine, 1);
    assert_int_equal(sent.access.pin, 1);
    assert_string_equal(sent.access.text, "123456");
    http_answer_free(&answer);
}

static void a_new_password_is_judged_before_it_is_worked_on(void **state)
{
    struct gateway_fixture *fixture = *state;

    assert_int_equal(status_of(fixture, "/accounts", HTTP_CLIENT_BEARER,
                               "{\"name\":\"abe\",\"role\":\"operator\",\"password\":\"short\"}"),
                     422);
    assert_int_equal(
        status_of(fixture, "/accounts", HTTP_CLIENT_BEARER,
                  "{\"name\":\"abe\",\"role\":\"kiosk\",\"password\":\"pelican rain over\"}"),
        422);
    assert_int_equal(status_of(fixture, "/session/pin", HTTP_CLIENT_BEARER, "{\"pin\":\"123456\"}"),
                     422);
    assert_int_equal(status_of(fixture, "/session", "", "{\"name\":\"abe\"}"), 422);
    assert_int_equal(
        status_of(fixture, "/session", "", "{\"name\":\"abe\",\"pin\":\"1\",\"password\":\"2\"}"),
        422);
    assert_int_equal(status_of(fixture, "/session", "", "[1]"), 422);
    assert_int_equal(status_of(fixture, "/session", "", "{\"name\":\"a\\u0000b\",\"pin\":\"1\"}"),
                     400);
    assert_int_equal(status_of(fixture, "/session", "", "{\"name\":7,\"pin\":\"1\"}"), 422);
    assert_int_equal(status_of(fixture, "/session", "", "{\"name\":\"a\",\"name\":\"b\"}"), 422);
    assert_int_equal(fake_engine_received_count(fixture->engine), 0);
    assert_int_equal(
        status_of(fixture, "/accounts", HTTP_CLIENT_BEARER,
                  "{\"name\":\"abe\",\"role\":\"operator\",\"password\":\"pelican rain "
                  "over\"}"),
        200);
    assert_int_equal(fake_engine_received(fixture->engine, 0).access.what, API_ACCESS_ADD);
}

/* Whichever unit it comes to, one press has one key: it is what makes of two requests one. */
static void what_is_done_to_people_carries_the_key_of_its_press(void **state)
{
    struct gateway_fixture *fixture = *state;
    struct ids_token first, second;

    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            status_of(fixture, "/accounts/revoke", HTTP_CLIENT_BEARER, "{\"name\":\"sato\"}"), 200);
    }
    first = fake_engine_received(fixture->engine, 0).access.key;
    second = fake_engine_received(fixture->engine, 1).access.key;
    assert_false(ids_token_is_zero(&first));
    assert_memory_equal(&first, &second, sizeof(first));
}

static void a_credential_is_one_token_and_its_hash_goes_with_every_request(void **state)
{
    struct gateway_fixture *fixture = *state;
    uint8_t wanted[DERIVE_BYTES];
    struct api_request sent;

    derive_hash(TOKEN, strlen(TOKEN), wanted);
    assert_int_equal(
        status_of(fixture, "/counters/1/recall", "Authorization: Bearer " TOKEN "\r\n", "{}"), 200);
    sent = fake_engine_received(fixture->engine, 0);
    assert_memory_equal(sent.from.token.bytes, wanted, sizeof(wanted));
    assert_int_equal(status_of(fixture, "/counters/1/recall",
                               "Origin: http://localhost\r\nCookie: a=b; " PEOPLE_SESSION_COOKIE
                               "=" TOKEN "; c=d\r\n",
                               "{}"),
                     200);
    sent = fake_engine_received(fixture->engine, 1);
    assert_memory_equal(sent.from.token.bytes, wanted, sizeof(wanted));
    assert_int_equal(
        status_of(fixture, "/counters/1/recall", "Authorization: Basic YTpi\r\n", "{}"), 400);
    assert_int_equal(
        status_of(fixture, "/counters/1/recall",
                  "Authorization: Bearer " TOKEN "\r\nAuthorization: Bearer " TOKEN "\r\n", "{}"),
        400);
    assert_int_equal(status_of(fixture, "/counters/1/recall",
                               "Authorization: Bearer has a blank in it somewhere\r\n", "{}"),
                     400);
    assert_int_equal(fake_engine_received_count(fixture->engine), 2);
}

static void a_cookie_counts_only_beside_an_origin_of_ours(void **state)
{
    static const char *const others[] = {"", "Origin: http://evil.example\r\n", "Origin: null\r\n"};
    struct gateway_fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        char headers[256];

        (void)snprintf(headers, sizeof(headers),
                       "%sCookie: " PEOPLE_SESSION_COOKIE "=" TOKEN "\r\n", others[i]);
        assert_int_equal(status_of(fixture, "/counters/1/recall", headers, "{}"), 403);
        assert_int_equal(status_of(fixture, "/session/end", headers, "{}"), 403);
    }
    assert_int_equal(fake_engine_received_count(fixture->engine), 0);
}

static void a_clerk_signs_in_by_the_terminals_credential(void **state)
{
    struct gateway_fixture *fixture = *state;
    uint8_t terminal[DERIVE_BYTES];

    derive_hash(TOKEN TOKEN, 2 * strlen(TOKEN), terminal);
    assert_int_equal(status_of(fixture, "/session",
                               "Origin: http://localhost\r\nCookie: " PEOPLE_SESSION_COOKIE
                               "=" TOKEN "; " PEOPLE_DEVICE_COOKIE "=" TOKEN TOKEN "\r\n",
                               "{\"name\":\"sato\",\"pin\":\"480913\"}"),
                     200);
    assert_memory_equal(fake_engine_received(fixture->engine, 0).from.token.bytes, terminal,
                        sizeof(terminal));
    assert_memory_equal(fake_engine_received(fixture->engine, 1).from.token.bytes, terminal,
                        sizeof(terminal));
}

static int status_for_nobody(const struct gateway_fixture *fixture, const char *path)
{
    struct http_client client;
    struct http_answer answer;
    int status;

    http_client_open(&client, fixture->port);
    client.nobody = true;
    answer = http_client_call(&client, "GET", path, NULL, NULL);
    status = answer.status;
    http_answer_free(&answer);
    http_client_close(&client);
    return status;
}

static void a_stranger_does_not_trouble_toband(void **state)
{
    struct gateway_fixture *fixture = *state;

    assert_int_equal(status_of(fixture, "/tickets", "", "{\"category\":1}"), 401);
    assert_int_equal(status_of(fixture, "/duty/stop", "", "{}"), 401);
    assert_int_equal(status_of(fixture, "/accounts/revoke", "", "{\"name\":\"abe\"}"), 401);
    assert_int_equal(status_of(fixture, "/acceptance/suspend", "", "{}"), 401);
    assert_int_equal(status_for_nobody(fixture, "/api/v1/people"), 401);
    assert_int_equal(fake_engine_received_count(fixture->engine), 0);
    assert_int_equal(status_for_nobody(fixture, "/api/v1/queue"), 200);
    assert_int_equal(status_for_nobody(fixture, "/metrics"), 404);
    assert_int_equal(status_of(fixture, "/duty/stop", "Authorization: Bearer " TOKEN "\r\n", "{}"),
                     200);
}

static struct http_answer ask_plainly(const struct gateway_fixture *fixture, const char *start,
                                      const char *rest)
{
    struct http_client client;
    struct http_answer answer;
    char text[1024];

    (void)snprintf(text, sizeof(text), "%s HTTP/1.1\r\n" JSON_HEADERS "%s", start, rest);
    http_client_open(&client, fixture->plain_port);
    http_client_send_text(&client, text);
    answer = http_client_answer(&client, false);
    http_client_close(&client);
    return answer;
}

/* The listener without TLS takes nothing and looks at no credential: whoever sends one there has lost it already. */
static void without_tls_there_is_the_public_page_and_the_way_to_tls(void **state)
{
    static const char *const pages[] = {"/kiosk", "/", "/login", "/counter"};
    static const char *const public[] = {"/api/v1/queue", "/api/v1/day"};
    static const char *const others[] = {
        "GET /api/v1/status",     "GET /api/v1/people",       "GET /api/v1/counters/1",
        "POST /api/v1/session",   "POST /api/v1/tickets",     "POST /api/v1/counters/1/recall",
        "POST /api/v1/duty/stop", "POST /api/v1/session/end", "GET /api/v1/session",
        "POST /api/v1/day/close",
    };
    struct gateway_fixture *fixture = *state;
    char to[256], wanted[256], text[128];

    for (size_t i = 0; i < ARRAY_COUNT(pages); i++) {
        struct http_answer answer;

        (void)snprintf(text, sizeof(text), "GET %s", pages[i]);
        answer = ask_plainly(fixture, text, "\r\n");
        (void)snprintf(wanted, sizeof(wanted), "https://localhost%s", pages[i]);
        assert_int_equal(answer.status, 308);
        assert_true(http_answer_header(&answer, "Location", to, sizeof(to)));
        assert_string_equal(to, wanted);
        http_answer_free(&answer);
    }
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        struct http_answer answer = ask_plainly(
            fixture, others[i], "Authorization: Bearer " TOKEN "\r\nContent-Length: 2\r\n\r\n{}");

        assert_int_equal(answer.status, 403);
        assert_non_null(strstr(answer.body, "TLS_ONLY"));
        http_answer_free(&answer);
    }
    assert_int_equal(fake_engine_received_count(fixture->engine), 0);
    for (size_t i = 0; i < ARRAY_COUNT(public); i++) {
        struct http_answer answer;
        uint8_t none[DERIVE_BYTES] = {0};

        (void)snprintf(text, sizeof(text), "GET %s", public[i]);
        answer = ask_plainly(fixture, text, "Authorization: Bearer " TOKEN "\r\n\r\n");
        assert_int_equal(answer.status, 200);
        assert_memory_equal(fake_engine_received(fixture->engine, (uint32_t)i).from.token.bytes,
                            none, sizeof(none));
        http_answer_free(&answer);
    }
}

static void a_site_without_a_public_page_shows_the_way_to_tls_alone(void **state)
{
    static const char *const pages[] = {"/status", "/assets/status.js", "/kiosk"};
    struct gateway_fixture *fixture = *state;
    struct http_answer answer;
    struct http_client screen;

    /* A stream hears the state before anything else: the gateway knows it by then. */
    fake_engine_hide_page(fixture->engine);
    http_client_open(&screen, fixture->port);
    http_client_ask(&screen, "GET", "/api/v1/events", NULL, NULL);
    fake_engine_serve(fixture->engine, false, "TEST_TOLD");
    assert_true(http_client_read_past(&screen, "TEST_TOLD", HTTP_CLIENT_PATIENCE_MS));
    http_client_close(&screen);
    for (size_t i = 0; i < ARRAY_COUNT(pages); i++) {
        char text[128];

        (void)snprintf(text, sizeof(text), "GET %s", pages[i]);
        answer = ask_plainly(fixture, text, "\r\n");
        assert_int_equal(answer.status, 308);
        http_answer_free(&answer);
    }
    answer = ask_plainly(fixture, "GET /api/v1/queue", "\r\n");
    assert_int_equal(answer.status, 403);
    http_answer_free(&answer);
    answer = ask_plainly(fixture, "GET /api/v1/events", "\r\n");
    assert_int_equal(answer.status, 403);
    http_answer_free(&answer);
}

/* A link's credential becomes the browser's cookie; what it is, toband says. */
static void a_browser_enters_by_the_credential_that_it_was_given(void **state)
{
    struct gateway_fixture *fixture = *state;
    struct http_answer answer =
        post(fixture, "/session/enter", "", "{\"credential\":\"" TOKEN "\"}");
    uint8_t wanted[DERIVE_BYTES];
    struct api_request sent = fake_engine_received(fixture->engine, 0);
    char cookie[256];

    assert_int_equal(answer.status, 200);
    derive_hash(TOKEN, strlen(TOKEN), wanted);
    assert_int_equal(sent.access.what, API_ACCESS_WHO);
    assert_memory_equal(sent.from.token.bytes, wanted, sizeof(wanted));
    assert_true(http_answer_header(&answer, "Set-Cookie", cookie, sizeof(cookie)));
    assert_int_equal(strncmp(cookie, PEOPLE_DEVICE_COOKIE "=" TOKEN "; ",
                             strlen(PEOPLE_DEVICE_COOKIE "=" TOKEN "; ")),
                     0);
    http_answer_free(&answer);
    fake_engine_revoke(fixture->engine, &sent.from.token);
    answer = post(fixture, "/session/enter", "", "{\"credential\":\"" TOKEN "\"}");
    assert_int_equal(answer.status, 401);
    assert_false(http_answer_header(&answer, "Set-Cookie", cookie, sizeof(cookie)));
    http_answer_free(&answer);
    assert_int_equal(status_of(fixture, "/session/enter", "", "{}"), 422);
    assert_int_equal(status_of(fixture, "/session/enter", "", "{\"credential\":\"short\"}"), 422);
    assert_int_equal(status_of(fixture, "/session/enter", "Origin: http://evil.example\r\n",
                               "{\"credential\":\"" TOKEN "\"}"),
                     403);
}

/* More at a time than are worked on: refused, none lost, none left hanging, and the loop turns meanwhile. */
static void a_flood_of_sign_ins_is_refused_and_holds_nothing_up(void **state)
{
    enum { FLOOD = 3 * PEOPLE_JOBS_MAX };
    struct gateway_fixture *fixture = *state;
    struct http_client clients[FLOOD];
    struct http_answer answer;
    int refused = 0, done = 0;

    for (int i = 0; i < FLOOD; i++) {
        http_client_open(&clients[i], fixture->port);
        http_client_ask(&clients[i], "POST", "/api/v1/session", "k",
                        "{\"name\":\"sato\",\"password\":\"pelican rain over\"}");
    }
    answer = http_client_once(fixture->port, "GET", "/api/v1/queue", NULL, NULL);
    assert_int_equal(answer.status, 200);
    http_answer_free(&answer);
    for (int i = 0; i < FLOOD; i++) {
        answer = http_client_answer(&clients[i], false);
        refused += answer.status == 503 ? 1 : 0;
        done += answer.status == 200 ? 1 : 0;
        http_answer_free(&answer);
        http_client_close(&clients[i]);
    }
    assert_int_equal(refused + done, FLOOD);
    assert_true(done >= PEOPLE_JOBS_MAX);
    assert_true(refused > 0);
}

/* The thread is in the middle of one when the process is told to stop. */
static void stopping_waits_for_no_password(void **state)
{
    struct gateway_fixture *fixture = *state;
    struct http_client client;

    http_client_open(&client, fixture->port);
    http_client_ask(&client, "POST", "/api/v1/session", "k",
                    "{\"name\":\"sato\",\"password\":\"pelican rain over\"}");
    assert_true(fake_engine_wait(fixture->engine, 1));
    gateway_fixture_finish(fixture);
    assert_true(http_client_ends(&client, HTTP_CLIENT_PATIENCE_MS));
    http_client_close(&client);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)
    const struct CMUnitTest tests[] = {
        TEST(a_password_goes_no_further_than_this_process),
        TEST(a_program_gets_its_token_and_no_cookie),
        TEST(a_new_password_is_judged_before_it_is_worked_on),
        TEST(a_credential_is_one_token_and_its_hash_goes_with_every_request),
        TEST(what_is_done_to_people_carries_the_key_of_its_press),
        TEST(a_cookie_counts_only_beside_an_origin_of_ours),
        TEST(a_clerk_signs_in_by_the_terminals_credential),
        TEST(a_stranger_does_not_trouble_toband),
        TEST(without_tls_there_is_the_public_page_and_the_way_to_tls),
        TEST(a_site_without_a_public_page_shows_the_way_to_tls_alone),
        TEST(a_browser_enters_by_the_credential_that_it_was_given),
        TEST(a_flood_of_sign_ins_is_refused_and_holds_nothing_up),
        cmocka_unit_test_setup_teardown(stopping_waits_for_no_password, start, forget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
