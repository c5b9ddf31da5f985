/* The bytes of a word and of a term. Decoders refuse whatever encode would not have made. */
#include "cluster/duty/duty.h"

enum { WORD_VERSION = 2, TERM_VERSION = 1 };

enum word_flag {
    FLAG_BLANK = 1,
    FLAG_RESTORED = 2,
    FLAG_RETIRED = 4,
    FLAG_SERVICE_LINK = 8,
    FLAG_LEAVING = 16,
    FLAG_TAIL_CLOSED = 32,
    FLAG_UNSOUND = 64,
    FLAG_PEER_RETIRED = 128,
    FLAG_ALL = 255,
};

size_t duty_term_encode(const struct duty_term *term, uint8_t *bytes, size_t capacity_bytes)
{
    struct bytes_writer writer = bytes_writer_over(bytes, capacity_bytes);

    bytes_put_u8(&writer, TERM_VERSION);
    bytes_put_u64(&writer, term->number);
    bytes_put_u32(&writer, term->duty_unit);
    for (int i = 0; i < 2; i++) {
        bytes_put_u32(&writer, term->units[i].unit);
        bytes_put(&writer, term->units[i].hardware.bytes, IDS_TOKEN_BYTES);
        bytes_put_u32(&writer, term->reserved_ids[i]);
    }
    return writer.failed ? 0 : writer.len_bytes;
}

bool duty_term_decode(const uint8_t *bytes, size_t len_bytes, struct duty_term *ret_term)
{
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);
    struct duty_term term = {0};

    if (bytes_get_u8(&reader) != TERM_VERSION) {
        return false;
    }
    term.number = bytes_get_u64(&reader);
    term.duty_unit = bytes_get_u32(&reader);
    for (int i = 0; i < 2; i++) {
        term.units[i].unit = bytes_get_u32(&reader);
        bytes_get(&reader, term.units[i].hardware.bytes, IDS_TOKEN_BYTES);
        term.reserved_ids[i] = bytes_get_u32(&reader);
    }
    if (!bytes_finished(&reader) || term.number == 0 || term.units[0].unit == 0 ||
        term.units[0].unit == term.units[1].unit ||
        (term.duty_unit != term.units[0].unit && term.duty_unit != term.units[1].unit) ||
        term.units[0].unit > IDS_UNIT_ID_MAX || term.units[1].unit > IDS_UNIT_ID_MAX) {
        return false;
    }
    *ret_term = term;
    return true;
}

static uint8_t flags_of(const struct duty_word *word)
{
    return (
        uint8_t)((word->blank ? FLAG_BLANK : 0) | (word->restored ? FLAG_RESTORED : 0) |
                 (word->retired ? FLAG_RETIRED : 0) | (word->service_link ? FLAG_SERVICE_LINK : 0) |
                 (word->leaving ? FLAG_LEAVING : 0) | (word->tail_closed ? FLAG_TAIL_CLOSED : 0) |
                 (word->unsound ? FLAG_UNSOUND : 0) | (word->peer_retired ? FLAG_PEER_RETIRED : 0));
}

size_t duty_word_encode(const struct duty_word *word, uint8_t *bytes, size_t capacity_bytes)
{
    struct bytes_writer writer = bytes_writer_over(bytes, capacity_bytes);

    bytes_put_u8(&writer, WORD_VERSION);
    bytes_put_u32(&writer, word->place);
    bytes_put_u32(&writer, word->unit);
    bytes_put(&writer, word->hardware.bytes, IDS_TOKEN_BYTES);
    bytes_put_u64(&writer, word->process);
    bytes_put_u64(&writer, word->sequence);
    bytes_put_u64(&writer, word->contact);
    bytes_put_u64(&writer, word->heard_process);
    bytes_put_u64(&writer, word->heard_contact);
    bytes_put_u8(&writer, word->state);
    bytes_put_u8(&writer, word->serve);
    bytes_put_u8(&writer, flags_of(word));
    bytes_put_u32(&writer, word->service_link_ms);
    bytes_put_u32(&writer, word->source);
    bytes_put_u64(&writer, word->term);
    bytes_put_u32(&writer, word->term_duty_unit);
    bytes_put_u64(&writer, word->highest_term);
    bytes_put_u64(&writer, word->common_term);
    bytes_put_u32(&writer, word->common_duty_unit);
    bytes_put_u64(&writer, word->last_lsn);
    bytes_put(&writer, word->head.bytes, IDS_HASH_BYTES);
    bytes_put(&writer, word->digest.bytes, IDS_HASH_BYTES);
    bytes_put_u32(&writer, word->day);
    bytes_put_u8(&writer, word->day_state);
    bytes_put_u32(&writer, word->session_day);
    bytes_put_u32(&writer, word->session);
    bytes_put_u32(&writer, word->peer_session_day);
    bytes_put_u32(&writer, word->peer_session);
    bytes_put_i64(&writer, word->wall_ms);
    return writer.failed ? 0 : writer.len_bytes;
}

bool duty_word_decode(const uint8_t *bytes, size_t len_bytes, struct duty_word *ret_word)
{
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);
    struct duty_word word = {0};
    uint8_t flags;

    if (bytes_get_u8(&reader) != WORD_VERSION) {
        return false;
    }
    word.place = bytes_get_u32(&reader);
    word.unit = bytes_get_u32(&reader);
    bytes_get(&reader, word.hardware.bytes, IDS_TOKEN_BYTES);
    word.process = bytes_get_u64(&reader);
    word.sequence = bytes_get_u64(&reader);
    word.contact = bytes_get_u64(&reader);
    word.heard_process = bytes_get_u64(&reader);
    word.heard_contact = bytes_get_u64(&reader);
    word.state = bytes_get_u8(&reader);
    word.serve = bytes_get_u8(&reader);
    flags = bytes_get_u8(&reader);
    word.blank = (flags & FLAG_BLANK) != 0;
    word.restored = (flags & FLAG_RESTORED) != 0;
    word.retired = (flags & FLAG_RETIRED) != 0;
    word.service_link = (flags & FLAG_SERVICE_LINK) != 0;
    word.leaving = (flags & FLAG_LEAVING) != 0;
    word.tail_closed = (flags & FLAG_TAIL_CLOSED) != 0;
    word.unsound = (flags & FLAG_UNSOUND) != 0;
    word.peer_retired = (flags & FLAG_PEER_RETIRED) != 0;
    word.service_link_ms = bytes_get_u32(&reader);
    word.source = bytes_get_u32(&reader);
    word.term = bytes_get_u64(&reader);
    word.term_duty_unit = bytes_get_u32(&reader);
    word.highest_term = bytes_get_u64(&reader);
    word.common_term = bytes_get_u64(&reader);
    word.common_duty_unit = bytes_get_u32(&reader);
    word.last_lsn = bytes_get_u64(&reader);
    bytes_get(&reader, word.head.bytes, IDS_HASH_BYTES);
    bytes_get(&reader, word.digest.bytes, IDS_HASH_BYTES);
    word.day = bytes_get_u32(&reader);
    word.day_state = bytes_get_u8(&reader);
    word.session_day = bytes_get_u32(&reader);
    word.session = bytes_get_u32(&reader);
    word.peer_session_day = bytes_get_u32(&reader);
    word.peer_session = bytes_get_u32(&reader);
    word.wall_ms = bytes_get_i64(&reader);
    if (!bytes_finished(&reader) || word.state >= DUTY_STATE_COUNT ||
        word.serve > DUTY_SERVE_PLAIN || word.place == 0 || word.unit == 0 ||
        word.unit > IDS_UNIT_ID_MAX || word.highest_term >> DUTY_TERM_BITS_MAX != 0 ||
        word.process == 0 || word.session > IDS_SESSION_NUMBER_MAX ||
        word.peer_session > IDS_SESSION_NUMBER_MAX) {
        return false;
    }
    *ret_word = word;
    return true;
}
