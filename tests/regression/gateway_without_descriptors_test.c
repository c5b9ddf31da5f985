/*
 * A gateway that once has no descriptor for a client. libmicrohttpd then takes its listening socket out of its epoll
 * set while other connections are there, and puts it back when it runs after one of them ended; but the loop ran it
 * only when its epoll set had something to say. One accept() that failed, and nobody was served on that address until
 * the program was started again. Found by `make nth-failures` (toban-web:load:accept4:2:once).
 */
#include "tests/lib/gateway_fixture.h"
#include "tests/lib/http_client.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { HOLD_MS = 100 };

static void answered(struct http_client *client)
{
    struct http_answer answer = http_client_call(client, "GET", "/api/v1/openapi.json", NULL, NULL);

    assert_int_equal(answer.status, 200);
    http_answer_free(&answer);
}

/* The number that the next descriptor will have. */
static rlim_t first_free(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    (void)close(fd);
    return (rlim_t)fd;
}

static void one_accept_that_fails_does_not_close_the_door(void **state)
{
    struct gateway_fixture fixture = {0};
    struct http_client first = {0}, second = {0};
    struct rlimit before, none;

    (void)state;
    gateway_fixture_prepare(&fixture);
    gateway_fixture_start(&fixture, HOLD_MS, 0, false);
    http_client_open(&first, fixture.port);
    answered(&first);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = first_free() + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    http_client_open(&second, fixture.port); /* takes the last one */
    for (int i = 0; i < 3; i++) {            /* the loop has gone round: it tried, and could not */
        answered(&first);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    /* Nobody listens behind the gateway: held for HOLD_MS, then answered and closed by the gateway. */
    http_client_send_text(&first,
                          "POST /api/v1/tickets HTTP/1.1\r\nHost: localhost\r\n" HTTP_CLIENT_BEARER
                          "Idempotency-Key: one\r\nContent-Type: application/json\r\n"
                          "Content-Length: 14\r\nConnection: close\r\n\r\n"
                          "{\"category\":1}");
    assert_true(http_client_ends(&first, HTTP_CLIENT_PATIENCE_MS)); /* the gateway closes it */
    http_client_close(&first);
    answered(&second);
    http_client_close(&second);
    gateway_fixture_finish(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_accept_that_fails_does_not_close_the_door),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
