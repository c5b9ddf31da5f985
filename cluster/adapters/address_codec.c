/* The words between toband and toban-net as bytes. Pure: both sides and the fuzzer use it. */
#include "cluster/adapters/address.h"

#include "base/bytes.h"

#include <string.h>

enum { BOOL_MAX = 1 };

static void put_clients(struct bytes_writer *writer, const struct address_message *message)
{
    if (message->clients.count > ADDRESS_CONNECTIONS_MAX) {
        writer->failed = true;
        return;
    }
    bytes_put_u32(writer, message->clients.total);
    bytes_put_u16(writer, message->clients.count);
    for (uint16_t i = 0; i < message->clients.count; i++) {
        bytes_put_u32(writer, message->clients.list[i].address);
        bytes_put_u16(writer, message->clients.list[i].port);
    }
}

static bool get_flag(struct bytes_reader *reader)
{
    uint8_t value = bytes_get_u8(reader);

    reader->failed = reader->failed || value > BOOL_MAX;
    return value == BOOL_MAX;
}

static uint8_t get_choice(struct bytes_reader *reader, uint8_t highest)
{
    uint8_t value = bytes_get_u8(reader);

    reader->failed = reader->failed || value > highest;
    return value;
}

static void get_clients(struct bytes_reader *reader, struct address_message *message)
{
    message->clients.total = bytes_get_u32(reader);
    message->clients.count = bytes_get_u16(reader);
    if (message->clients.count > ADDRESS_CONNECTIONS_MAX) {
        reader->failed = true;
        return;
    }
    for (uint16_t i = 0; i < message->clients.count; i++) {
        message->clients.list[i].address = bytes_get_u32(reader);
        message->clients.list[i].port = bytes_get_u16(reader);
    }
}

static void put_body(struct bytes_writer *writer, const struct address_message *message)
{
    switch (message->kind) {
    case ADDRESS_HEARTBEAT:
    case ADDRESS_TAKE:
    case ADDRESS_LEAVE:
    case ADDRESS_ENTER:
        return;
    case ADDRESS_DROP:
        bytes_put_u8(writer, message->drop.reset_clients);
        return;
    case ADDRESS_PROBE:
        bytes_put_u32(writer, message->probe.id);
        bytes_put_u16(writer, message->probe.bound_ms);
        return;
    case ADDRESS_TICKLE:
    case ADDRESS_CONNECTIONS:
        put_clients(writer, message);
        return;
    case ADDRESS_HELD:
        bytes_put_u8(writer, message->held.held);
        bytes_put_u8(writer, (uint8_t)message->held.reason);
        bytes_put_u16(writer, message->held.error);
        return;
    case ADDRESS_PROBED:
        bytes_put_u32(writer, message->probed.id);
        bytes_put_u8(writer, (uint8_t)message->probed.result);
        bytes_put(writer, message->probed.mac, ADDRESS_MAC_BYTES);
        return;
    case ADDRESS_ANNOUNCED:
        bytes_put(writer, message->announced.mac, ADDRESS_MAC_BYTES);
        bytes_put_u8(writer, message->announced.held);
        return;
    case ADDRESS_CARRIER:
        bytes_put_u8(writer, (uint8_t)message->carrier.interface);
        bytes_put_u8(writer, message->carrier.up);
        return;
    case ADDRESS_REFERENCE:
        bytes_put_u8(writer, message->reference.index);
        bytes_put_u32(writer, message->reference.address);
        return;
    case ADDRESS_HELPER_UP:
    case ADDRESS_HELPER_LOST:
        break;
    }
    writer->failed = true;
}

static void get_body(struct bytes_reader *reader, struct address_message *message)
{
    switch (message->kind) {
    case ADDRESS_HEARTBEAT:
    case ADDRESS_TAKE:
    case ADDRESS_LEAVE:
    case ADDRESS_ENTER:
        return;
    case ADDRESS_DROP:
        message->drop.reset_clients = get_flag(reader);
        return;
    case ADDRESS_PROBE:
        message->probe.id = bytes_get_u32(reader);
        message->probe.bound_ms = bytes_get_u16(reader);
        reader->failed = reader->failed || message->probe.bound_ms == 0 ||
                         message->probe.bound_ms > ADDRESS_PROBE_MS_MAX;
        return;
    case ADDRESS_TICKLE:
    case ADDRESS_CONNECTIONS:
        get_clients(reader, message);
        return;
    case ADDRESS_HELD:
        message->held.held = get_flag(reader);
        message->held.reason = get_choice(reader, ADDRESS_HELD_START);
        message->held.error = bytes_get_u16(reader);
        return;
    case ADDRESS_PROBED:
        message->probed.id = bytes_get_u32(reader);
        message->probed.result = get_choice(reader, ADDRESS_PROBE_UNABLE);
        bytes_get(reader, message->probed.mac, ADDRESS_MAC_BYTES);
        return;
    case ADDRESS_ANNOUNCED:
        bytes_get(reader, message->announced.mac, ADDRESS_MAC_BYTES);
        message->announced.held = get_flag(reader);
        return;
    case ADDRESS_CARRIER:
        message->carrier.interface = get_choice(reader, ADDRESS_INTERFACE_COUNT - 1);
        message->carrier.up = get_flag(reader);
        return;
    case ADDRESS_REFERENCE:
        message->reference.index = get_choice(reader, ADDRESS_REFERENCES_MAX - 1);
        message->reference.address = bytes_get_u32(reader);
        return;
    case ADDRESS_HELPER_UP:
    case ADDRESS_HELPER_LOST:
        break;
    }
    reader->failed = true; /* also a number that is no kind at all */
}

size_t address_encode(const struct address_message *message, uint8_t *bytes, size_t capacity_bytes)
{
    struct bytes_writer writer = bytes_writer_over(bytes, capacity_bytes);

    bytes_put_u8(&writer, (uint8_t)message->kind);
    put_body(&writer, message);
    return writer.failed ? 0 : writer.len_bytes;
}

bool address_decode(const uint8_t *bytes, size_t len_bytes, struct address_message *ret_message)
{
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);
    struct address_message message;

    memset(&message, 0, sizeof(message));
    message.kind = bytes_get_u8(&reader);
    get_body(&reader, &message);
    if (!bytes_finished(&reader)) {
        return false;
    }
    *ret_message = message;
    return true;
}
