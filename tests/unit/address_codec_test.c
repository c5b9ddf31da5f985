/* cluster/adapters/address_codec.c */
#include "cluster/adapters/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t encode(const struct address_message *message,
                     uint8_t bytes[ADDRESS_MESSAGE_BYTES_MAX])
{
    return address_encode(message, bytes, ADDRESS_MESSAGE_BYTES_MAX);
}

static void assert_comes_back(const struct address_message *message)
{
    uint8_t bytes[ADDRESS_MESSAGE_BYTES_MAX];
    struct address_message back;
    size_t len_bytes = encode(message, bytes);

    assert_true(len_bytes > 0);
    assert_true(address_decode(bytes, len_bytes, &back));
    assert_memory_equal(message, &back, sizeof(back));
    for (size_t shorter = 0; shorter < len_bytes; shorter++) {
        assert_false(address_decode(bytes, shorter, &back));
    }
    if (len_bytes < sizeof(bytes)) {
        bytes[len_bytes] = 0;
        assert_false(address_decode(bytes, len_bytes + 1, &back));
    }
    assert_int_equal(address_encode(message, bytes, len_bytes - 1), 0);
}

/* memset, so that padding compares equal. */
static struct address_message blank(enum address_kind kind)
{
    struct address_message message;

    memset(&message, 0, sizeof(message));
    message.kind = kind;
    return message;
}

static void every_message_comes_back_whole_and_never_in_part(void **state)
{
    static const uint8_t mac[ADDRESS_MAC_BYTES] = {2, 3, 4, 5, 6, 255};
    struct address_message message = blank(ADDRESS_HEARTBEAT);

    (void)state;
    assert_comes_back(&message);
    message = blank(ADDRESS_TAKE);
    assert_comes_back(&message);
    message = blank(ADDRESS_LEAVE);
    assert_comes_back(&message);
    message = blank(ADDRESS_ENTER);
    assert_comes_back(&message);
    message = blank(ADDRESS_DROP);
    message.drop.reset_clients = true;
    assert_comes_back(&message);
    message = blank(ADDRESS_PROBE);
    message.probe.id = UINT32_MAX;
    message.probe.bound_ms = ADDRESS_PROBE_MS_MAX;
    assert_comes_back(&message);
    message = blank(ADDRESS_HELD);
    message.held.held = true;
    message.held.reason = ADDRESS_HELD_START;
    message.held.error = UINT16_MAX;
    assert_comes_back(&message);
    message = blank(ADDRESS_PROBED);
    message.probed.id = 7;
    message.probed.result = ADDRESS_PROBE_ANSWERED;
    memcpy(message.probed.mac, mac, sizeof(mac));
    assert_comes_back(&message);
    message = blank(ADDRESS_ANNOUNCED);
    memcpy(message.announced.mac, mac, sizeof(mac));
    message.announced.held = true;
    assert_comes_back(&message);
    message = blank(ADDRESS_CARRIER);
    message.carrier.interface = ADDRESS_DIRECT;
    message.carrier.up = true;
    assert_comes_back(&message);
    message = blank(ADDRESS_REFERENCE);
    message.reference.index = ADDRESS_REFERENCES_MAX - 1;
    message.reference.address = 0x0a5a0001;
    assert_comes_back(&message);
}

static void a_full_list_of_clients_fits(void **state)
{
    struct address_message message = blank(ADDRESS_CONNECTIONS);

    (void)state;
    message.clients.total = ADDRESS_CONNECTIONS_MAX + 5;
    message.clients.count = ADDRESS_CONNECTIONS_MAX;
    for (uint16_t i = 0; i < ADDRESS_CONNECTIONS_MAX; i++) {
        message.clients.list[i].address = 0x0a5a0009U + i;
        message.clients.list[i].port = (uint16_t)(40000 + i);
    }
    assert_comes_back(&message);
    message.clients.count = ADDRESS_CONNECTIONS_MAX + 1;
    assert_int_equal(encode(&message, (uint8_t[ADDRESS_MESSAGE_BYTES_MAX]){0}), 0);
}

static void facts_of_the_client_itself_have_no_bytes(void **state)
{
    struct address_message message = blank(ADDRESS_HELPER_LOST);

    (void)state;
    assert_int_equal(encode(&message, (uint8_t[ADDRESS_MESSAGE_BYTES_MAX]){0}), 0);
    assert_false(address_decode((const uint8_t[]){ADDRESS_HELPER_UP}, 1, &message));
}

static void numbers_beyond_their_meaning_are_refused(void **state)
{
    static const uint8_t bad[][16] = {
        {0},
        {ADDRESS_DROP, 2},
        {ADDRESS_PROBE, 0, 0, 0, 1, 0, 0},
        {ADDRESS_PROBE, 0, 0, 0, 1, 255, 255},
        {ADDRESS_HELD, 1, 5, 0, 0},
        {ADDRESS_HELD, 7, 0, 0, 0},
        {ADDRESS_PROBED, 0, 0, 0, 1, 3},
        {ADDRESS_CARRIER, 2, 0},
        {ADDRESS_CARRIER, 0, 9},
        {ADDRESS_REFERENCE, ADDRESS_REFERENCES_MAX},
        {ADDRESS_TICKLE, 0, 0, 0, 1, 255, 255},
        {99},
    };
    struct address_message message = blank(ADDRESS_TAKE);

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        for (size_t len_bytes = 0; len_bytes <= sizeof(bad[i]); len_bytes++) {
            assert_false(address_decode(bad[i], len_bytes, &message));
        }
    }
    assert_int_equal(message.kind, ADDRESS_TAKE);
}

static void random_bytes_are_refused_or_mean_exactly_what_they_say(void **state)
{
    (void)state;
    srandom(20261123);
    for (int round = 0; round < 200000; round++) {
        uint8_t bytes[48];
        uint8_t again[ADDRESS_MESSAGE_BYTES_MAX];
        struct address_message message;
        size_t len_bytes = (size_t)random() % (sizeof(bytes) + 1);

        for (size_t i = 0; i < len_bytes; i++) {
            bytes[i] = (uint8_t)(random() % 4 == 0 ? random() : random() % 3);
        }
        if (len_bytes > 0) {
            bytes[0] = (uint8_t)(random() % 140);
        }
        if (address_decode(bytes, len_bytes, &message)) {
            assert_int_equal(encode(&message, again), len_bytes);
            assert_memory_equal(bytes, again, len_bytes);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_comes_back_whole_and_never_in_part),
        cmocka_unit_test(a_full_list_of_clients_fits),
        cmocka_unit_test(facts_of_the_client_itself_have_no_bytes),
        cmocka_unit_test(numbers_beyond_their_meaning_are_refused),
        cmocka_unit_test(random_bytes_are_refused_or_mean_exactly_what_they_say),
    };

    return cmocka_run_group_tests_name("address codec", tests, NULL, NULL);
}
