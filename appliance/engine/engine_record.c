/* The small record outside the data disk (rule 3): its bytes, and what is done without it. */
#include "appliance/engine/engine_internal.h"

#include "base/check.h"

#include <errno.h>

enum {
    MINUTE_MS = 60 * 1000,
    DAY_MS = 24 * 60 * MINUTE_MS,
    LOST_SESSION_FIRST = 2000, /* no unit begins so many sessions in a day (docs/adr/0011) */
    LOST_SESSION_MS = 11 * 1000,
};

size_t engine_encode_record(const struct engine_record *record, uint8_t bytes[RECORD_BYTES_MAX])
{
    struct bytes_writer writer = bytes_writer_over(bytes, RECORD_BYTES_MAX);

    bytes_put_u8(&writer, RECORD_VERSION);
    bytes_put(&writer, record->hardware.bytes, sizeof(record->hardware.bytes));
    bytes_put_u32(&writer, record->unit);
    bytes_put_u32(&writer, record->day);
    bytes_put_u32(&writer, record->session);
    bytes_put_u64(&writer, record->term);
    bytes_put_u64(&writer, record->replaced_term);
    bytes_put_u8(&writer, record->lost ? 1 : 0);
    bytes_put_u8(&writer, record->series_lost ? 1 : 0);
    bytes_put_u8(&writer, record->restored ? 1 : 0);
    bytes_put_u8(&writer, record->retired ? 1 : 0);
    bytes_put_u32(&writer, record->ceiling_day);
    for (size_t i = 0; i < QUEUE_CATEGORIES_MAX; i++) {
        bytes_put_u16(&writer, record->ceilings[i]);
    }
    CHECK(!writer.failed);
    return writer.len_bytes;
}

static bool decode_record(const uint8_t *bytes, size_t len_bytes, struct engine_record *ret_record)
{
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);
    struct engine_record record = {0};
    uint8_t version = bytes_get_u8(&reader);

    bytes_get(&reader, record.hardware.bytes, sizeof(record.hardware.bytes));
    record.unit = bytes_get_u32(&reader);
    record.day = bytes_get_u32(&reader);
    record.session = bytes_get_u32(&reader);
    record.term = bytes_get_u64(&reader);
    record.replaced_term = bytes_get_u64(&reader);
    record.lost = bytes_get_u8(&reader) != 0;
    record.series_lost = bytes_get_u8(&reader) != 0;
    record.restored = bytes_get_u8(&reader) != 0;
    record.retired = bytes_get_u8(&reader) != 0;
    record.ceiling_day = bytes_get_u32(&reader);
    for (size_t i = 0; i < QUEUE_CATEGORIES_MAX; i++) {
        record.ceilings[i] = bytes_get_u16(&reader);
    }
    if (version != RECORD_VERSION || !bytes_finished(&reader)) {
        return false;
    }
    *ret_record = record;
    return true;
}

/* After the ledger is loaded: a unit that a term names has written a record once. */
void engine_judge_record(struct engine *engine)
{
    if (engine->record_missing && engine->state.term.number != 0 && !engine_is_blank(engine)) {
        engine->record_unreadable = true;
        engine_log(engine, "own record is gone: the ledger and the peer's word decide");
    }
    if (engine->record_unreadable) {
        engine->record.lost = engine->record.series_lost = engine->record_dirty = true;
    }
    /* The next session makes ledger and record equal again, and a restart would ask them in vain. */
    if (!engine->record.restored && engine_is_restored(engine)) {
        engine->record.restored = engine->record_dirty = true;
    }
}

/* Not from a term's entry on: a snapshot that is older than the numbers that were skipped for us brings terms, too. */
void engine_record_agreed(struct engine *engine)
{
    if (engine->record.lost || engine->record.restored) {
        engine->record.lost = engine->record.restored = false;
        engine->record_dirty = true;
    }
}

uint32_t engine_lost_session(const struct engine *engine)
{
    int64_t local_ms = engine->wall_ms + (int64_t)engine->calendar->utc_offset_minutes * MINUTE_MS;
    int64_t of_day_ms = (local_ms % DAY_MS + DAY_MS) % DAY_MS;

    return LOST_SESSION_FIRST + (uint32_t)(of_day_ms / LOST_SESSION_MS);
}

void engine_load_record(struct engine *engine)
{
    uint8_t bytes[RECORD_BYTES_MAX];
    size_t len_bytes = 0;
    int r = engine->world.read_record(engine->world.context, bytes, sizeof(bytes), &len_bytes);

    if (r == 0 && !decode_record(bytes, len_bytes, &engine->record)) {
        r = -EUCLEAN;
    }
    if (r == 0 && !ids_token_equal(&engine->record.hardware, &engine->options.duty.hardware)) {
        engine->record = (struct engine_record){0};
        r = -EXDEV; /* with a copy of the disk it would look whole (rule 11: a cloned unit) */
    }
    engine->record.hardware = engine->options.duty.hardware;
    engine->record_missing = r == -ENOENT;
    engine->record_unreadable = r < 0 && r != -ENOENT;
    if (engine->record_unreadable) {
        engine_log(engine, "own record unreadable (%d): the ledger and the peer's word decide", r);
    }
}

const struct unit_session *engine_session_of(const struct engine *engine, uint32_t unit)
{
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        if (engine->state.sessions[i].unit == unit) {
            return &engine->state.sessions[i];
        }
    }
    return NULL;
}
