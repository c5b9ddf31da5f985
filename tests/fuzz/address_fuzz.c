/* What toban-net reads: frames of anybody on the LAN, as its raw socket hands them over, and messages on its socket.
 * Every input is tried as both. A frame that is taken says what its bytes say, at the places of RFC 826; a message
 * that is taken is exactly what encode would have made. */
#include "base/check.h"
#include "cluster/adapters/address_packet.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    TYPE_AT = 12, /* after two Ethernet addresses */
    OPERATION_AT = 20,
    SENDER_MAC_AT = 22,
    SENDER_AT = 28,
    TARGET_MAC_AT = 32,
    TARGET_AT = 38,
};

static uint64_t number_at(const uint8_t *bytes, size_t len_bytes)
{
    uint64_t number = 0;

    for (size_t i = 0; i < len_bytes; i++) {
        number = number << 8 | bytes[i];
    }
    return number;
}

static bool is_arp(const uint8_t *data, size_t size)
{
    static const uint8_t head[] = {0x08, 0x06, 0, 1, 0x08, 0, 6, 4}; /* Ethernet and IPv4 */

    return size >= ADDRESS_ARP_BYTES && memcmp(data + TYPE_AT, head, sizeof(head)) == 0;
}

static void try_frame(const int pair[2], const uint8_t *data, size_t size)
{
    struct address_arp arp;

    CHECK(send(pair[0], data, size, 0) == (ssize_t)size);
    int r = address_arp_receive(pair[1], &arp);
    CHECK(r == (is_arp(data, size) ? 1 : -ESTALE));
    if (r == 1) {
        CHECK(arp.operation == number_at(data + OPERATION_AT, sizeof(arp.operation)));
        CHECK(arp.sender == number_at(data + SENDER_AT, sizeof(arp.sender)));
        CHECK(arp.target == number_at(data + TARGET_AT, sizeof(arp.target)));
        CHECK(memcmp(arp.sender_mac, data + SENDER_MAC_AT, ADDRESS_MAC_BYTES) == 0);
        CHECK(memcmp(arp.target_mac, data + TARGET_MAC_AT, ADDRESS_MAC_BYTES) == 0);
    }
    CHECK(address_arp_receive(pair[1], &arp) == 0); /* one frame is one frame, however long */
}

static void try_message(const uint8_t *data, size_t size)
{
    static struct address_message message;
    uint8_t again[ADDRESS_MESSAGE_BYTES_MAX];

    if (address_decode(data, size, &message)) {
        CHECK(address_encode(&message, again, sizeof(again)) == size);
        CHECK(memcmp(again, data, size) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int pair[2] = {-1, -1};

    if (pair[0] < 0) {
        CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0);
    }
    if (size > 0) { /* an Ethernet frame has bytes */
        try_frame(pair, data, size);
    }
    try_message(data, size);
    return 0;
}
