#include "storage/ship/ship.h"

#include "base/check.h"

#include <string.h>

enum { FRAME_VERSION = 1, LEN_BYTES = 4 };

static bool kind_has_body(uint8_t kind)
{
    return kind == SHIP_WORD || kind == SHIP_ENTRIES || kind == SHIP_TAIL || kind == SHIP_CLIENTS ||
           kind == SHIP_SNAPSHOT || kind == SHIP_ERASED;
}

size_t ship_frame_encode(const struct ship_frame *frame, uint8_t *bytes, size_t capacity_bytes)
{
    struct bytes_writer writer = bytes_writer_over(bytes, capacity_bytes);

    CHECK(frame->key_count <= SHIP_KEYS_MAX);
    bytes_put_u8(&writer, FRAME_VERSION);
    bytes_put_u8(&writer, frame->kind);
    bytes_put_u64(&writer, frame->contact.process);
    bytes_put_u64(&writer, frame->contact.contact);
    bytes_put_u64(&writer, frame->contact.heard_process);
    bytes_put_u64(&writer, frame->contact.heard_contact);
    bytes_put_u64(&writer, frame->lsn);
    bytes_put_u64(&writer, frame->term);
    bytes_put(&writer, frame->hash.bytes, sizeof(frame->hash.bytes));
    bytes_put_u64(&writer, frame->until_lsn);
    bytes_put_u32(&writer, frame->index);
    bytes_put_u32(&writer, frame->count);
    bytes_put_u8(&writer, frame->more ? 1 : 0);
    bytes_put_u8(&writer, frame->key_count);
    for (size_t i = 0; i < frame->key_count; i++) {
        bytes_put_u32(&writer, frame->keys[i].day);
        bytes_put_u32(&writer, frame->keys[i].unit);
        bytes_put(&writer, frame->keys[i].bytes, SHIP_KEY_BYTES);
    }
    if (kind_has_body(frame->kind)) {
        bytes_put(&writer, frame->body, frame->body_len_bytes);
    }
    return writer.failed || writer.len_bytes > SHIP_FRAME_BYTES_MAX ? 0 : writer.len_bytes;
}

static bool body_is_sound(const struct ship_frame *frame)
{
    struct bytes_reader body = bytes_reader_over(frame->body, frame->body_len_bytes);
    size_t len_bytes;

    if (frame->kind == SHIP_WORD || frame->kind == SHIP_CLIENTS || frame->kind == SHIP_ERASED) {
        return frame->body_len_bytes > 0 && frame->count == 0 &&
               frame->body_len_bytes <= SHIP_CLIENTS_BYTES_MAX;
    }
    if (frame->kind == SHIP_SNAPSHOT) {
        return frame->body_len_bytes > 0 && frame->count == 0 &&
               frame->body_len_bytes <= SHIP_SNAPSHOT_BYTES_MAX;
    }
    if (!kind_has_body(frame->kind)) {
        return frame->body_len_bytes == 0 && frame->count == 0;
    }
    if (frame->count > (frame->kind == SHIP_TAIL ? SHIP_TAIL_ROWS_MAX : SHIP_FRAME_ENTRIES_MAX)) {
        return false;
    }
    for (uint32_t i = 0; i < frame->count; i++) {
        if (ship_body_next(&body, &len_bytes) == NULL) {
            return false;
        }
    }
    return bytes_finished(&body);
}

bool ship_frame_decode(const uint8_t *bytes, size_t len_bytes, struct ship_frame *ret_frame)
{
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);
    uint8_t more;

    if (len_bytes > SHIP_FRAME_BYTES_MAX || bytes_get_u8(&reader) != FRAME_VERSION) {
        return false;
    }
    memset(ret_frame, 0, offsetof(struct ship_frame, keys));
    ret_frame->kind = bytes_get_u8(&reader);
    ret_frame->contact.process = bytes_get_u64(&reader);
    ret_frame->contact.contact = bytes_get_u64(&reader);
    ret_frame->contact.heard_process = bytes_get_u64(&reader);
    ret_frame->contact.heard_contact = bytes_get_u64(&reader);
    ret_frame->lsn = bytes_get_u64(&reader);
    ret_frame->term = bytes_get_u64(&reader);
    bytes_get(&reader, ret_frame->hash.bytes, sizeof(ret_frame->hash.bytes));
    ret_frame->until_lsn = bytes_get_u64(&reader);
    ret_frame->index = bytes_get_u32(&reader);
    ret_frame->count = bytes_get_u32(&reader);
    more = bytes_get_u8(&reader);
    ret_frame->more = more == 1;
    ret_frame->key_count = bytes_get_u8(&reader);
    if (reader.failed || ret_frame->kind == 0 || ret_frame->kind >= SHIP_KIND_END || more > 1 ||
        ret_frame->key_count > SHIP_KEYS_MAX) {
        return false;
    }
    for (size_t i = 0; i < ret_frame->key_count; i++) {
        ret_frame->keys[i].day = bytes_get_u32(&reader);
        ret_frame->keys[i].unit = bytes_get_u32(&reader);
        bytes_get(&reader, ret_frame->keys[i].bytes, SHIP_KEY_BYTES);
    }
    ret_frame->body_len_bytes = bytes_left(&reader);
    ret_frame->body = bytes_take(&reader, ret_frame->body_len_bytes);
    return bytes_finished(&reader) && body_is_sound(ret_frame);
}

const uint8_t *ship_body_next(struct bytes_reader *body, size_t *ret_len_bytes)
{
    size_t len_bytes = bytes_get_u32(body);
    const uint8_t *item = bytes_take(body, len_bytes);

    *ret_len_bytes = item == NULL ? 0 : len_bytes;
    return item;
}

void ship_body_put(struct bytes_writer *body, const void *item, size_t len_bytes)
{
    if (len_bytes + LEN_BYTES > body->capacity_bytes - body->len_bytes) {
        body->failed = true;
        return;
    }
    bytes_put_u32(body, (uint32_t)len_bytes);
    bytes_put(body, item, len_bytes);
}

void ship_sender_init(struct ship_sender *sender, uint64_t acked_lsn)
{
    *sender = (struct ship_sender){
        .acked_lsn = acked_lsn,
        .received_lsn = acked_lsn,
        .next_lsn = acked_lsn + 1,
        .sent_lsn = acked_lsn,
    };
}

bool ship_sender_next(struct ship_sender *sender, uint64_t head_lsn, uint64_t now_ms,
                      uint64_t *ret_first_lsn, uint64_t *ret_last_lsn)
{
    uint64_t last_lsn = head_lsn;

    if (sender->next_lsn > sender->received_lsn + 1 && now_ms - sender->sent_ms >= SHIP_RESEND_MS) {
        sender->next_lsn = sender->received_lsn + 1;
        sender->resent_count++;
    }
    if (last_lsn > sender->received_lsn + SHIP_WINDOW_ENTRIES) {
        last_lsn = sender->received_lsn + SHIP_WINDOW_ENTRIES;
    }
    if (last_lsn < sender->next_lsn) {
        return false;
    }
    if (last_lsn - sender->next_lsn >= SHIP_FRAME_ENTRIES_MAX) {
        last_lsn = sender->next_lsn + SHIP_FRAME_ENTRIES_MAX - 1;
    }
    *ret_first_lsn = sender->next_lsn;
    *ret_last_lsn = last_lsn;
    return true;
}

/* A batch that was never sent before begins its wait. Sent again, it goes on. */
static void mark(struct ship_sender *sender, uint64_t last_lsn, uint64_t now_ms)
{
    struct ship_mark *newest =
        &sender->marks[(sender->mark_first + sender->mark_count - 1) % SHIP_MARKS_MAX];

    if (sender->mark_count > 0 &&
        (now_ms - newest->sent_ms < SHIP_MARK_MS || sender->mark_count == SHIP_MARKS_MAX)) {
        newest->lsn = last_lsn;
        return;
    }
    sender->marks[(sender->mark_first + sender->mark_count) % SHIP_MARKS_MAX] =
        (struct ship_mark){.lsn = last_lsn, .sent_ms = now_ms};
    sender->mark_count++;
}

void ship_sender_sent(struct ship_sender *sender, uint64_t last_lsn, uint64_t now_ms)
{
    CHECK(last_lsn >= sender->next_lsn);
    if (sender->next_lsn == sender->received_lsn + 1) {
        sender->sent_ms = now_ms; /* what follows the first that is awaited does not put this off */
    }
    sender->next_lsn = last_lsn + 1;
    if (last_lsn > sender->sent_lsn) {
        sender->sent_lsn = last_lsn;
        mark(sender, last_lsn, now_ms);
    }
}

bool ship_sender_acked(struct ship_sender *sender, uint64_t lsn, uint64_t received_lsn,
                       uint64_t now_ms)
{
    if (received_lsn < lsn) {
        received_lsn = lsn;
    }
    if (received_lsn > sender->sent_lsn) {
        return false;
    }
    if (received_lsn > sender->received_lsn) {
        sender->received_lsn = received_lsn;
        sender->sent_ms = now_ms;
        if (sender->next_lsn <= received_lsn) {
            sender->next_lsn = received_lsn + 1;
        }
    }
    if (lsn <= sender->acked_lsn) {
        return false;
    }
    sender->acked_lsn = lsn;
    while (sender->mark_count > 0 && sender->marks[sender->mark_first].lsn <= lsn) {
        sender->mark_first = (sender->mark_first + 1) % SHIP_MARKS_MAX;
        sender->mark_count--;
    }
    return true;
}

uint64_t ship_sender_waiting_ms(const struct ship_sender *sender, uint64_t now_ms)
{
    return sender->mark_count == 0 ? 0 : now_ms - sender->marks[sender->mark_first].sent_ms;
}
