/* Frames of log shipping as a peer that went mad would send them. What is taken is exactly what encode would
 * have made, and its items are walked as the engine walks them. */
#include "base/check.h"
#include "cluster/duty/duty.h"
#include "storage/entry/entry.h"
#include "storage/ship/ship.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const struct ship_frame *frame)
{
    struct bytes_reader body = bytes_reader_over(frame->body, frame->body_len_bytes);
    struct duty_word word;
    uint32_t count = 0;
    size_t len_bytes;

    if (frame->kind == SHIP_WORD) {
        (void)duty_word_decode(frame->body, frame->body_len_bytes, &word);
    }
    if (frame->kind != SHIP_ENTRIES && frame->kind != SHIP_TAIL) {
        return;
    }
    for (const uint8_t *item = ship_body_next(&body, &len_bytes); item != NULL;
         item = ship_body_next(&body, &len_bytes)) {
        struct entry entry;
        struct ids_hash hash;

        (void)entry_decode(item, len_bytes, &entry, &hash);
        count++;
    }
    CHECK(count == frame->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t again[SHIP_FRAME_BYTES_MAX];
    struct ship_frame frame;

    if (!ship_frame_decode(data, size, &frame)) {
        return 0;
    }
    CHECK(frame.kind < SHIP_KIND_END && frame.key_count <= SHIP_KEYS_MAX);
    CHECK(ship_frame_encode(&frame, again, sizeof(again)) == size);
    CHECK(memcmp(again, data, size) == 0);
    walk(&frame);
    return 0;
}
