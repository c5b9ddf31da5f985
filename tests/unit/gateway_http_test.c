/* appliance/gateway: what clients may send, and what they get when it is wrong, hostile or slow
 * (reliability.md 4, HTTP). The gateway is whole and runs in a thread; the engine is a fake. */
#include "base/check.h"
#include "tests/lib/gateway_fixture.h"
#include "tests/lib/http_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOST "Host: 127.0.0.1\r\n"
#define STRANGERS HOST "Idempotency-Key: k\r\nContent-Type: application/json\r\n"
#define KEYED STRANGERS HTTP_CLIENT_BEARER
#define TICKETS "POST /api/v1/tickets HTTP/1.1\r\n"

enum { SHORT_READ_MS = 300, HOLD_MS = 20000 };

static struct gateway_fixture fixture;

static void write_file(const char *name, const char *text)
{
    char path[256];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", fixture.web_dir, name);
    file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static void make_pages(void)
{
    char path[256], to[256];

    write_file("kiosk.html", "<!doctype html><title>kiosk</title>");
    write_file(".hidden.html", "secret");
    write_file("notes.txt", "secret");
    write_file("assets", "");
    (void)snprintf(path, sizeof(path), "%s/assets", fixture.web_dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/assets/deep", fixture.web_dir);
    assert_int_equal(mkdir(path, 0700), 0);
    write_file("assets/app.js", "export default 1;\n");
    write_file("assets/deep/style.css", "body{}\n");
    write_file("assets/.hidden.js", "secret");
    write_file("assets/README.md", "secret");
    (void)snprintf(path, sizeof(path), "%s/assets/out.js", fixture.web_dir);
    (void)snprintf(to, sizeof(to), "/etc/hostname");
    assert_int_equal(symlink(to, path), 0);
}

static int start_with(uint32_t read_ms_max)
{
    gateway_fixture_prepare(&fixture);
    make_pages();
    gateway_fixture_start(&fixture, HOLD_MS, read_ms_max, true);
    fake_engine_arrive(fixture.engine);
    return 0;
}

static int start(void **state)
{
    (void)state;
    return start_with(0);
}

static int start_impatient(void **state)
{
    (void)state;
    return start_with(SHORT_READ_MS);
}

static int finish(void **state)
{
    (void)state;
    gateway_fixture_finish(&fixture);
    return 0;
}

static void must_be_alive(void)
{
    struct http_answer answer = http_client_once(fixture.port, "GET", "/api/v1/queue", NULL, NULL);

    assert_int_equal(answer.status, 200);
    http_answer_free(&answer);
}

/* What a raw request is answered, and the code of its problem document when `code` is given. */
static void must_refuse(const char *request, int status, const char *code)
{
    struct http_client client;
    struct http_answer answer;

    http_client_open(&client, fixture.port);
    http_client_send_text(&client, request);
    answer = http_client_answer(&client, false);
    if (answer.status != status || (code != NULL && strstr(answer.body, code) == NULL)) {
        print_message("%.120s\n -> %d %s\n", request, answer.status,
                      answer.body == NULL ? "" : answer.body);
    }
    assert_int_equal(answer.status, status);
    assert_true(code == NULL || strstr(answer.body, code) != NULL);
    http_answer_free(&answer);
    http_client_close(&client);
}

static void bad_input_is_refused_and_never_reaches_the_engine(void **state)
{
    static const struct {
        const char *request;
        int status;
        const char *code;
    } cases[] = {
        {TICKETS HOST "Content-Length: 14\r\n\r\n{\"category\":1}", 400, "IDEMPOTENCY_KEY_MISSING"},
        {TICKETS KEYED "Idempotency-Key: l\r\nContent-Length: 14\r\n\r\n{\"category\":1}", 422,
         "IDEMPOTENCY_KEY_INVALID"},
        {TICKETS HOST "Idempotency-Key: a b\r\nContent-Length: 0\r\n\r\n", 422,
         "IDEMPOTENCY_KEY_INVALID"},
        {TICKETS HOST "Idempotency-Key:\r\nContent-Length: 0\r\n\r\n", 422,
         "IDEMPOTENCY_KEY_INVALID"},
        {TICKETS HOST "Idempotency-Key: k\r\nContent-Length: 14\r\n\r\n{\"category\":1}", 415,
         "NOT_JSON"},
        {TICKETS HOST "Idempotency-Key: k\r\nContent-Type: text/plain\r\nContent-Length: "
                      "14\r\n\r\n{\"category\":1}",
         415, "NOT_JSON"},
        {TICKETS HOST "Idempotency-Key: k\r\nContent-Type: application/jsonp\r\nContent-Length: "
                      "14\r\n\r\n{\"category\":1}",
         415, "NOT_JSON"},
        {TICKETS KEYED "Content-Length: 14\r\n\r\n{\"category\":0}", 422,
         "\"member\":\"category\""},
        {TICKETS KEYED "Content-Length: 2\r\n\r\n{}", 422, "MISSING_MEMBER"},
        {TICKETS KEYED "Content-Length: 0\r\n\r\n", 422, "MISSING_MEMBER"},
        {TICKETS KEYED "Content-Length: 1\r\n\r\n{", 400, "BAD_JSON"},
        {TICKETS KEYED "Content-Length: 28\r\n\r\n{\"category\":1,\"category\":1}\r\n", 422,
         "DUPLICATE_MEMBER"},
        {"GET /api/v1/nothing HTTP/1.1\r\n" HOST "\r\n", 404, "NO_SUCH_PATH"},
        {"GET /api/v1/queue%00 HTTP/1.1\r\n" HOST "\r\n", 404, NULL},
        {"GET /api/v1/tickets/%c0%af HTTP/1.1\r\n" HOST "\r\n", 404, NULL},
        {"GET http://127.0.0.1/api/v1/queue HTTP/1.1\r\n" HOST "\r\n", 404, NULL},
        {"DELETE /api/v1/queue HTTP/1.1\r\n" HOST "\r\n", 405, "NO_SUCH_METHOD"},
        {"OPTIONS /api/v1/tickets HTTP/1.1\r\n" HOST "\r\n", 405, "NO_SUCH_METHOD"},
        {"TRACE /api/v1/queue HTTP/1.1\r\n" HOST "\r\n", 405, "NO_SUCH_METHOD"},
        {"GET /api/v1/queue HTTP/1.1\r\nHost: rebound.example\r\n\r\n", 421, "WRONG_HOST"},
        {"GET /api/v1/queue HTTP/1.1\r\nHost: 127.0.0.1.example\r\n\r\n", 421, "WRONG_HOST"},
        {"GET /api/v1/queue HTTP/1.1\r\nHost:\r\n\r\n", 421, "WRONG_HOST"},
        {"GET /api/v1/queue HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: 127.0.0.1\r\n\r\n", 400,
         "BAD_REQUEST"},
        {"GET /api/v1/queue HTTP/1.1\r\n\r\n", 400, NULL},
        {TICKETS KEYED "Origin: http://evil.example\r\nContent-Length: 14\r\n\r\n{\"category\":1}",
         403, "CROSS_ORIGIN"},
        {TICKETS KEYED "Origin: null\r\nContent-Length: 14\r\n\r\n{\"category\":1}", 403,
         "CROSS_ORIGIN"},
        {TICKETS KEYED "Content-Length: 4097\r\n\r\n", 413, "BODY_TOO_LARGE"},
        {TICKETS KEYED "Content-Length: 10000000000\r\n\r\n", 413, NULL},
        {TICKETS KEYED "Content-Length: 99999999999999999999999\r\n\r\n", 413, NULL},
        {TICKETS KEYED "Content-Length: -1\r\n\r\n", 400, NULL},
        {TICKETS KEYED "Content-Length: +2\r\n\r\n{}", 400, NULL},
        {TICKETS KEYED "Content-Length: 2, 2\r\n\r\n{}", 400, NULL},
        {TICKETS KEYED "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400, "BAD_REQUEST"},
        {TICKETS KEYED "Transfer-Encoding: gzip, chunked\r\n\r\n", 400, NULL},
        {TICKETS KEYED "Transfer-Encoding: identity\r\n\r\n", 400, NULL},
        {"POST /api/v1/day/close HTTP/1.1\r\n" STRANGERS "Content-Length: 0\r\n\r\n", 401,
         "SIGN_IN"},
        {"POST /api/v1/duty/stop HTTP/1.1\r\n" STRANGERS "Content-Length: 0\r\n\r\n", 401,
         "SIGN_IN"},
        {"POST /api/v1/acceptance/suspend HTTP/1.1\r\n" STRANGERS "Content-Length: 0\r\n\r\n", 401,
         "SIGN_IN"},
        {"POST /api/v1/categories/1/suspend HTTP/1.1\r\n" STRANGERS "Content-Length: 0\r\n\r\n",
         401, "SIGN_IN"},
        {"POST /api/v1/categories/0/suspend HTTP/1.1\r\n" KEYED "Content-Length: 0\r\n\r\n", 404,
         "NO_SUCH_PATH"},
        {"POST /api/v1/counters/1/transfer HTTP/1.1\r\n" KEYED
         "Content-Length: 17\r\n\r\n{\"place\": \"head\"}",
         422, "CATEGORY_OR_COUNTER"},
        {"POST /api/v1/counters/1/return HTTP/1.1\r\n" KEYED "Content-Length: 69\r\n\r\n"
         "{\"ticket\": \"0123456789abcdef0123456789abcdef\", \"place\": \"after\"     }",
         422, "PLACE_AFTER"},
        {"GET /metrics HTTP/1.1\r\n" HOST "\r\n", 404, "NO_SUCH_PATH"},
        {"GET /healthz HTTP/1.1\r\n" HOST "\r\n", 404, "NO_SUCH_PATH"},
    };

    (void)state;
    must_be_alive();
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        must_refuse(cases[i].request, cases[i].status, cases[i].code);
    }
    assert_int_equal(fake_engine_received_count(fixture.engine), 1);
    must_be_alive();
}

static void a_request_hidden_behind_a_doubtful_length_is_never_done(void **state)
{
    static const char *const doubtful[] = {
        TICKETS KEYED "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        TICKETS KEYED "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        TICKETS KEYED "Content-Length: 0\r\nContent-Length: 30\r\n\r\n",
        TICKETS KEYED "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
        TICKETS KEYED "Content-Length: 5000\r\n\r\n",
    };
    static const char hidden[] =
        "POST /api/v1/counters/1/call-next HTTP/1.1\r\n" KEYED "Content-Length: 0\r\n\r\n";

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(doubtful); i++) {
        struct http_client client;
        struct http_answer answer;
        char both[1024];

        (void)snprintf(both, sizeof(both), "%s%s", doubtful[i], hidden);
        http_client_open(&client, fixture.port);
        http_client_send_text(&client, both);
        answer = http_client_answer(&client, false);
        assert_true(answer.status == 400 || answer.status == 413);
        http_answer_free(&answer);
        assert_true(http_client_ends(&client, HTTP_CLIENT_PATIENCE_MS));
        http_client_close(&client);
    }
    must_be_alive();
    assert_int_equal(fake_engine_received_count(fixture.engine), 1);
}

static void good_requests_of_every_shape_are_taken(void **state)
{
    static const char *const good[] = {
        TICKETS KEYED "Content-Length: 14\r\n\r\n{\"category\":1}",
        TICKETS KEYED
        "Transfer-Encoding: chunked\r\n\r\n7\r\n{\"categ\r\n7\r\nory\":1}\r\n0\r\n\r\n",
        TICKETS HTTP_CLIENT_BEARER
        "Host: localhost:8080\r\nOrigin: http://localhost:8080\r\nIdempotency-Key: "
        "k\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: "
        "14\r\n\r\n{\"category\":1}",
        TICKETS HTTP_CLIENT_BEARER
        "Host: [::1]:80\r\nIdempotency-Key: k\r\ncontent-type: APPLICATION/JSON\r\n"
        "Content-Length: 14\r\n\r\n{\"category\":1}",
        "POST /api/v1/counters/1/call-next HTTP/1.1\r\n" HOST HTTP_CLIENT_BEARER
        "Idempotency-Key: k\r\nContent-Length: 0\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        must_refuse(good[i], i + 1 < ARRAY_COUNT(good) ? 201 : 200, NULL);
    }
    assert_int_equal(fake_engine_received_count(fixture.engine), ARRAY_COUNT(good));
}

static void requests_in_one_piece_are_answered_in_their_order(void **state)
{
    struct http_client client;
    char text[2048] = "";

    (void)state;
    for (int i = 0; i < 4; i++) {
        char one[256];

        (void)snprintf(one, sizeof(one),
                       TICKETS HOST HTTP_CLIENT_BEARER
                       "Idempotency-Key: pipe-%d\r\nContent-Type: application/json\r\n"
                       "Content-Length: 14\r\n\r\n{\"category\":1}",
                       i);
        (void)strcat(text, one);
    }
    http_client_open(&client, fixture.port);
    http_client_send_text(&client, text);
    for (int i = 0; i < 4; i++) {
        struct http_answer answer = http_client_answer(&client, false);
        char wanted[32];

        (void)snprintf(wanted, sizeof(wanted), "{\"display\":\"%d\"}", i + 1);
        assert_string_equal(answer.body, wanted);
        http_answer_free(&answer);
    }
    http_client_close(&client);
}

static void a_long_body_without_a_length_is_refused_and_an_endless_one_cut_off(void **state)
{
    struct http_client client;
    struct http_answer answer;
    char chunk[1024 + 8];

    (void)state;
    memset(chunk, ' ', sizeof(chunk));
    memcpy(chunk, "400\r\n", 5);
    memcpy(chunk + 5 + 1024, "\r\n", 2);
    http_client_open(&client, fixture.port);
    http_client_send_text(&client, TICKETS KEYED "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 5; i++) {
        http_client_send(&client, chunk, 5 + 1024 + 2);
    }
    http_client_send_text(&client, "0\r\n\r\n");
    answer = http_client_answer(&client, false);
    assert_int_equal(answer.status, 413);
    http_answer_free(&answer);
    http_client_send_text(&client, TICKETS KEYED "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 200; i++) {
        http_client_send(&client, chunk, 5 + 1024 + 2);
    }
    assert_true(http_client_ends(&client, HTTP_CLIENT_PATIENCE_MS));
    http_client_close(&client);
    assert_int_equal(fake_engine_received_count(fixture.engine), 0);
}

static void garbage_and_monstrous_headers_harm_nobody(void **state)
{
    uint32_t random = 20261124;
    char *huge = malloc(100000);

    (void)state;
    assert_non_null(huge);
    memset(huge, 'a', 99999);
    huge[99999] = '\0';
    memcpy(huge, "GET /", 5);
    for (int round = 0; round < 200; round++) {
        struct http_client client;
        uint8_t bytes[512];

        for (size_t i = 0; i < sizeof(bytes); i++) {
            random = random * 1664525 + 1013904223;
            bytes[i] = (uint8_t)(random >> 24);
        }
        http_client_open(&client, fixture.port);
        if (round % 10 == 0) {
            http_client_send(&client, huge, 99999);
        } else {
            if (round % 2 == 0) {
                http_client_send_text(&client, "GET /api/v1/queue HTTP/1.1\r\nHost: 1\r\nX: ");
            }
            http_client_send(&client, bytes, sizeof(bytes));
        }
        http_client_close(&client);
    }
    free(huge);
    must_be_alive();
}

static void a_dribbling_client_is_cut_off_and_a_waiting_one_is_not(void **state)
{
    struct http_client dribbler, idle, waiting, stream;
    struct http_answer answer;

    (void)state;
    fake_engine_behave(fixture.engine, FAKE_ENGINE_SWALLOWS);
    http_client_open(&idle, fixture.port);
    http_client_open(&waiting, fixture.port);
    http_client_ask(&waiting, "POST", "/api/v1/tickets", "patient", "{\"category\":1}");
    assert_true(fake_engine_wait(fixture.engine, 1));
    http_client_open(&stream, fixture.port);
    http_client_ask(&stream, "GET", "/api/v1/events", NULL, NULL);
    http_client_open(&dribbler, fixture.port);
    http_client_send_text(&dribbler, TICKETS);
    /* A byte each 50 ms resets every idle timer, and ends all the same. */
    for (int i = 0; i < 1000 && !http_client_ends(&dribbler, 50); i++) {
        http_client_send_text(&dribbler, "X");
        assert_true(i < 999);
    }
    assert_true(http_client_ends(&idle, HTTP_CLIENT_PATIENCE_MS));
    fake_engine_behave(fixture.engine, FAKE_ENGINE_ANSWERS);
    fake_engine_answer_swallowed(fixture.engine);
    answer = http_client_answer(&waiting, false);
    assert_int_equal(answer.status, 201);
    http_answer_free(&answer);
    fake_engine_push(fixture.engine, 77, "{}", 2);
    assert_true(http_client_read_past(&stream, "id: 77\n", HTTP_CLIENT_PATIENCE_MS));
    http_client_close(&dribbler);
    http_client_close(&idle);
    http_client_close(&waiting);
    http_client_close(&stream);
}

static void must_not_have(const struct http_answer *answer, const char *name)
{
    char value[256];

    assert_false(http_answer_header(answer, name, value, sizeof(value)));
}

static void pages_are_served_with_their_policy_and_nothing_else_is(void **state)
{
    static const char *const absent[] = {
        "/kiosk.html",
        "/.hidden",
        "/notes",
        "/notes.txt",
        "/assets/",
        "/assets",
        "/assets/out.js",
        "/assets/.hidden.js",
        "/assets/README.md",
        "/assets/deep",
        "/../etc/passwd",
        "/assets/../kiosk.html",
        "/assets/..%2fkiosk",
        "/assets//app.js",
        "/kiosk/",
        "//kiosk",
        "/assets/deep/../app.js",
        "/assets/late.js",
    };
    struct http_answer answer;
    char value[256];

    (void)state;
    write_file("assets/late.js", "late");
    answer = http_client_once(fixture.port, "GET", "/kiosk", NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.body, "<title>kiosk</title>"));
    assert_true(http_answer_header(&answer, "Content-Security-Policy", value, sizeof(value)));
    assert_non_null(strstr(value, "default-src 'self'"));
    assert_null(strstr(value, "unsafe"));
    assert_true(http_answer_header(&answer, "X-Content-Type-Options", value, sizeof(value)));
    assert_true(http_answer_header(&answer, "Content-Type", value, sizeof(value)));
    assert_string_equal(value, "text/html; charset=utf-8");
    http_answer_free(&answer);
    answer = http_client_once(fixture.port, "GET", "/assets/deep/style.css", NULL, NULL);
    assert_int_equal(answer.status, 200);
    http_answer_free(&answer);
    for (size_t i = 0; i < ARRAY_COUNT(absent); i++) {
        answer = http_client_once(fixture.port, "GET", absent[i], NULL, NULL);
        if (answer.status != 404) {
            print_message("%s\n", absent[i]);
        }
        assert_int_equal(answer.status, 404);
        http_answer_free(&answer);
    }
    answer = http_client_once(fixture.port, "POST", "/kiosk", "k", "{}");
    assert_int_equal(answer.status, 405);
    http_answer_free(&answer);
}

static void a_page_that_the_client_has_is_not_sent_again(void **state)
{
    struct http_client client;
    struct http_answer answer;
    char tag[64], request[256];

    (void)state;
    http_client_open(&client, fixture.port);
    answer = http_client_call(&client, "GET", "/assets/app.js", NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_true(http_answer_header(&answer, "ETag", tag, sizeof(tag)));
    assert_int_equal(tag[0], '"');
    http_answer_free(&answer);
    (void)snprintf(request, sizeof(request),
                   "GET /assets/app.js HTTP/1.1\r\n" HOST "If-None-Match: \"other\", %s\r\n\r\n",
                   tag);
    http_client_send_text(&client, request);
    answer = http_client_answer(&client, true);
    assert_int_equal(answer.status, 304);
    http_answer_free(&answer);
    answer = http_client_call(&client, "HEAD", "/assets/app.js", NULL, NULL);
    assert_int_equal(answer.status, 200);
    http_answer_free(&answer);
    must_be_alive();
    http_client_close(&client);
}

static void no_answer_tells_what_serves_it(void **state)
{
    static const char *const paths[] = {"/kiosk", "/api/v1/queue", "/nothing",
                                        "/api/v1/openapi.json"};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        struct http_answer answer = http_client_once(fixture.port, "GET", paths[i], NULL, NULL);

        must_not_have(&answer, "Server");
        must_not_have(&answer, "X-Powered-By");
        assert_null(strcasestr(answer.head, "microhttpd"));
        assert_null(strcasestr(answer.head, "toban"));
        http_answer_free(&answer);
    }
}

static void operators_and_monitors_are_served_on_the_management_listener(void **state)
{
    struct http_answer answer;
    char *end;

    (void)state;
    must_be_alive(); /* answered by the engine: it is connected */
    answer = http_client_once(fixture.management_port, "GET", "/healthz", NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.body, "\"engine_connected\":true"));
    http_answer_free(&answer);
    answer = http_client_once(fixture.management_port, "POST", "/api/v1/day/open", "k",
                              "{\"date\":\"2026-11-24\"}");
    assert_int_equal(answer.status, 200);
    http_answer_free(&answer);
    assert_string_equal(
        fake_engine_received(fixture.engine, fake_engine_received_count(fixture.engine) - 1)
            .control.text,
        "2026-11-24");
    answer = http_client_once(fixture.management_port, "GET", "/metrics", NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.body, "\nfake 1\n"));
    assert_non_null(strstr(answer.body, "toban_web_requests_total{class=\"2xx\"} "));
    end = strstr(answer.body, "# EOF\n");
    assert_non_null(end);
    assert_string_equal(end, "# EOF\n");
    http_answer_free(&answer);
    fake_engine_leave(fixture.engine);
    do { /* until the gateway has seen it go */
        answer = http_client_once(fixture.management_port, "GET", "/healthz", NULL, NULL);
        if (answer.status == 200) {
            http_answer_free(&answer);
        }
    } while (answer.status == 200);
    assert_int_equal(answer.status, 503);
    http_answer_free(&answer);
    answer = http_client_once(fixture.management_port, "GET", "/metrics", NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.body, "toban_web_engine_connected 0\n"));
    http_answer_free(&answer);
}

static void addresses_are_parsed_strictly(void **state)
{
    static const char *const bad[] = {
        "",          "80",          ":80",
        "127.0.0.1", "127.0.0.1:",  "127.0.0.1:65536",
        "host:80",   "127.0.0.1:x", "127.0.0.1:-1",
        "127.1:80",  "::1:80",      "[::1]",
        "[::1:80",   "[]:80",       "[127.0.0.1]:80",
    };
    struct gateway_listen listen_on;

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_true(gateway_listen_parse(bad[i], false, &listen_on) < 0);
    }
    assert_int_equal(gateway_listen_parse("10.90.0.10:80", true, &listen_on), 0);
    assert_true(listen_on.management);
    assert_int_equal(gateway_listen_parse("[2001:db8::1]:8080", false, &listen_on), 0);
    assert_int_equal(listen_on.address.ss_family, AF_INET6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bad_input_is_refused_and_never_reaches_the_engine, start,
                                        finish),
        cmocka_unit_test_setup_teardown(a_request_hidden_behind_a_doubtful_length_is_never_done,
                                        start, finish),
        cmocka_unit_test_setup_teardown(good_requests_of_every_shape_are_taken, start, finish),
        cmocka_unit_test_setup_teardown(requests_in_one_piece_are_answered_in_their_order, start,
                                        finish),
        cmocka_unit_test_setup_teardown(
            a_long_body_without_a_length_is_refused_and_an_endless_one_cut_off, start, finish),
        cmocka_unit_test_setup_teardown(garbage_and_monstrous_headers_harm_nobody, start, finish),
        cmocka_unit_test_setup_teardown(a_dribbling_client_is_cut_off_and_a_waiting_one_is_not,
                                        start_impatient, finish),
        cmocka_unit_test_setup_teardown(pages_are_served_with_their_policy_and_nothing_else_is,
                                        start, finish),
        cmocka_unit_test_setup_teardown(a_page_that_the_client_has_is_not_sent_again, start,
                                        finish),
        cmocka_unit_test_setup_teardown(no_answer_tells_what_serves_it, start, finish),
        cmocka_unit_test_setup_teardown(
            operators_and_monitors_are_served_on_the_management_listener, start, finish),
        cmocka_unit_test(addresses_are_parsed_strictly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
