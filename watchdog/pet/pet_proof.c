/* The packets of the watchdog's socket: one proof each, whole or refused. */
#include "watchdog/pet/pet.h"

#include "base/bytes.h"

enum { FLAG_COROSYNC = 1, FLAG_WANTED = 2, FLAGS_ALL = FLAG_COROSYNC | FLAG_WANTED, FLAG_HELD = 1 };
enum { FLAG_ARMED = 1, FLAG_HARDWARE = 2, FLAG_STAYS = 4, FLAG_RESET = 8, FACTS_ALL = 15 };

size_t pet_encode_toband(const struct pet_toband *proof, uint8_t *bytes, size_t capacity_bytes)
{
    struct bytes_writer writer = bytes_writer_over(bytes, capacity_bytes);

    bytes_put_u8(&writer, PET_SENDER_TOBAND);
    bytes_put_u64(&writer, proof->turns);
    bytes_put_u32(&writer, proof->store_age_ms);
    bytes_put_u32(&writer, proof->corosync_age_ms);
    bytes_put_u8(&writer, (uint8_t)((proof->corosync_expected ? FLAG_COROSYNC : 0) |
                                    (proof->address_wanted ? FLAG_WANTED : 0)));
    return writer.failed ? 0 : writer.len_bytes;
}

bool pet_decode_toband(const uint8_t *bytes, size_t len_bytes, struct pet_toband *ret_proof)
{
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);
    bool mine = bytes_get_u8(&reader) == PET_SENDER_TOBAND;
    struct pet_toband proof = {.turns = bytes_get_u64(&reader)};
    uint8_t flags;

    proof.store_age_ms = bytes_get_u32(&reader);
    proof.corosync_age_ms = bytes_get_u32(&reader);
    flags = bytes_get_u8(&reader);
    if (!mine || !bytes_finished(&reader) || flags > FLAGS_ALL) {
        return false;
    }
    proof.corosync_expected = (flags & FLAG_COROSYNC) != 0;
    proof.address_wanted = (flags & FLAG_WANTED) != 0;
    *ret_proof = proof;
    return true;
}

size_t pet_encode_net(const struct pet_net *proof, uint8_t *bytes, size_t capacity_bytes)
{
    struct bytes_writer writer = bytes_writer_over(bytes, capacity_bytes);

    bytes_put_u8(&writer, PET_SENDER_NET);
    bytes_put_u64(&writer, proof->turns);
    bytes_put_u8(&writer, proof->address_held ? FLAG_HELD : 0);
    return writer.failed ? 0 : writer.len_bytes;
}

bool pet_decode_net(const uint8_t *bytes, size_t len_bytes, struct pet_net *ret_proof)
{
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);
    bool mine = bytes_get_u8(&reader) == PET_SENDER_NET;
    uint64_t turns = bytes_get_u64(&reader);
    uint8_t held = bytes_get_u8(&reader);

    if (!mine || !bytes_finished(&reader) || held > FLAG_HELD) {
        return false;
    }
    *ret_proof = (struct pet_net){.turns = turns, .address_held = held == FLAG_HELD};
    return true;
}

size_t pet_encode_facts(const struct pet_facts *facts, uint8_t *bytes, size_t capacity_bytes)
{
    struct bytes_writer writer = bytes_writer_over(bytes, capacity_bytes);

    bytes_put_u8(&writer, PET_SENDER_WATCHDOG);
    bytes_put_u8(&writer, (uint8_t)((facts->device.armed ? FLAG_ARMED : 0) |
                                    (facts->device.hardware ? FLAG_HARDWARE : 0) |
                                    (facts->device.stays_armed ? FLAG_STAYS : 0) |
                                    (facts->was_reset ? FLAG_RESET : 0)));
    bytes_put_u32(&writer, facts->device.timeout_ms);
    bytes_put_u8(&writer, (uint8_t)facts->stage);
    bytes_put_u8(&writer, (uint8_t)facts->reset_part);
    bytes_put_u32(&writer, facts->resets_recent);
    bytes_put_u8(&writer, (uint8_t)facts->tightest_part);
    bytes_put_u32(&writer, facts->tightest_ms);
    return writer.failed ? 0 : writer.len_bytes;
}

bool pet_decode_facts(const uint8_t *bytes, size_t len_bytes, struct pet_facts *ret_facts)
{
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);
    bool mine = bytes_get_u8(&reader) == PET_SENDER_WATCHDOG;
    uint8_t flags = bytes_get_u8(&reader);
    uint32_t timeout_ms = bytes_get_u32(&reader);
    uint8_t stage = bytes_get_u8(&reader), reset_part = bytes_get_u8(&reader);
    uint32_t resets = bytes_get_u32(&reader);
    uint8_t tightest_part = bytes_get_u8(&reader);
    uint32_t tightest_ms = bytes_get_u32(&reader);

    if (!mine || !bytes_finished(&reader) || flags > FACTS_ALL || stage >= PET_STAGE_COUNT ||
        reset_part > PET_PART_COUNT || tightest_part >= PET_PART_COUNT) {
        return false;
    }
    *ret_facts = (struct pet_facts){.device = {.armed = (flags & FLAG_ARMED) != 0,
                                               .hardware = (flags & FLAG_HARDWARE) != 0,
                                               .stays_armed = (flags & FLAG_STAYS) != 0,
                                               .timeout_ms = timeout_ms},
                                    .stage = (enum pet_stage)stage,
                                    .was_reset = (flags & FLAG_RESET) != 0,
                                    .reset_part = (enum pet_part)reset_part,
                                    .resets_recent = resets,
                                    .tightest_part = (enum pet_part)tightest_part,
                                    .tightest_ms = tightest_ms};
    return true;
}
