/* appliance/gateway: registrations before arrival come by TLS alone, and not too many of one address. Here no
 * listener has TLS; tests/browser/registration.test.mjs registers by it. */
#include "appliance/gateway/internal.h"
#include "appliance/queue/queue.h"
#include "base/check.h"
#include "tests/lib/gateway_fixture.h"
#include "tests/lib/http_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { HOLD_MS = 20000, WINDOW_MS = 10 * 60 * 1000, ALLOWED = 20 };

static struct gateway_fixture fixture;

static int start(void **state)
{
    (void)state;
    gateway_fixture_prepare(&fixture);
    gateway_fixture_start(&fixture, HOLD_MS, 0, false);
    fake_engine_arrive(fixture.engine);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    gateway_fixture_finish(&fixture);
    return 0;
}

static void without_tls_nobody_registers_on_any_listener(void **state)
{
    const uint16_t ports[] = {fixture.port, fixture.management_port, fixture.plain_port};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(ports); i++) {
        struct http_answer answer =
            http_client_once(ports[i], "POST", "/api/v1/registrations", "k", "{\"category\":1}");

        assert_int_equal(answer.status, 403);
        assert_non_null(strstr(answer.body, "TLS_ONLY"));
        http_answer_free(&answer);
    }
    assert_int_equal(fake_engine_received_count(fixture.engine), 0);
}

/* What the other unit's gateway took by TLS goes on over the direct link: by the listener that is for it alone. */
static void what_the_other_unit_took_by_tls_is_passed_on(void **state)
{
    struct http_client client;
    struct http_answer answer;
    struct api_request request;

    (void)state;
    http_client_open(&client, fixture.relay_port);
    client.nobody = true;
    answer = http_client_call(&client, "POST", "/api/v1/registrations", "k",
                              "{\"category\":1,\"language\":\"en\"}");
    assert_int_equal(answer.status, 201);
    request = fake_engine_received(fixture.engine, 0);
    assert_int_equal(request.type, API_COMMAND);
    assert_int_equal(request.command.action, QUEUE_REGISTER);
    assert_int_equal(request.command.actor, API_ACTOR_VISITOR);
    assert_string_equal(request.command.language, "en");
    http_answer_free(&answer);
    http_client_close(&client);
}

/* A key that nobody had. */
static struct ids_token fresh_key(void)
{
    static uint32_t drawn;
    struct ids_token key = {{1}};

    drawn++;
    memcpy(key.bytes + 4, &drawn, sizeof(drawn));
    return key;
}

static bool one_of(struct rate *rate, uint8_t network, uint8_t host, uint64_t now_ms)
{
    uint8_t address[API_ADDRESS_BYTES] = {0x20, 0x01, 0x0d, 0xb8, [7] = network, [15] = host};

    struct ids_token key = fresh_key();

    return rate_has_one(rate, &key, address, now_ms);
}

static void one_network_of_64_bits_is_one_address(void **state)
{
    static struct rate rate;

    (void)state;
    for (uint8_t i = 0; i < ALLOWED; i++) {
        assert_true(one_of(&rate, 1, i, 1000 + i));
    }
    assert_false(one_of(&rate, 1, 77, 2000));
    assert_true(one_of(&rate, 2, 77, 2000));
    assert_false(one_of(&rate, 1, 78, 1000 + WINDOW_MS - 1));
    assert_true(one_of(&rate, 1, 78, 1000 + WINDOW_MS));
}

static void of_ipv4_each_address_is_its_own(void **state)
{
    static struct rate rate;
    uint8_t address[API_ADDRESS_BYTES] = {[10] = 0xff, 0xff, 192, 0, 2, 1};
    struct ids_token key;

    (void)state;
    for (int i = 0; i < ALLOWED; i++) {
        key = fresh_key();
        assert_true(rate_has_one(&rate, &key, address, 5));
    }
    assert_true(rate_has_one(&rate, &key, address, 5)); /* asked again: it is the same one */
    key = fresh_key();
    assert_false(rate_has_one(&rate, &key, address, 5));
    address[15] = 2;
    assert_true(rate_has_one(&rate, &key, address, 5));
}

static void a_full_table_forgets_whoever_has_been_in_it_longest(void **state)
{
    static struct rate rate;

    (void)state;
    for (int i = 0; i < ALLOWED; i++) {
        assert_true(one_of(&rate, 0, 0, 1));
    }
    for (int i = 1; i < RATE_ADDRESSES_MAX; i++) {
        assert_true(one_of(&rate, (uint8_t)i, 0, 1 + (uint64_t)i));
    }
    assert_false(one_of(&rate, 0, 0, 600)); /* known yet */
    {
        uint8_t another[API_ADDRESS_BYTES] = {0x20, 0x02};
        struct ids_token key = fresh_key();

        assert_true(rate_has_one(&rate, &key, another, 700));
    }
    assert_true(one_of(&rate, 0, 0, 800));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_tls_nobody_registers_on_any_listener, start,
                                        finish),
        cmocka_unit_test_setup_teardown(what_the_other_unit_took_by_tls_is_passed_on, start,
                                        finish),
        cmocka_unit_test(one_network_of_64_bits_is_one_address),
        cmocka_unit_test(of_ipv4_each_address_is_its_own),
        cmocka_unit_test(a_full_table_forgets_whoever_has_been_in_it_longest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
