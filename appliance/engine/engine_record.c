/* The small record outside the data disk (rule 3): its bytes. */
#include "appliance/engine/engine_internal.h"

#include "base/check.h"

#include <errno.h>

size_t engine_encode_record(const struct engine_record *record, uint8_t bytes[RECORD_BYTES_MAX])
{
    struct bytes_writer writer = bytes_writer_over(bytes, RECORD_BYTES_MAX);

    bytes_put_u8(&writer, RECORD_VERSION);
    bytes_put_u32(&writer, record->unit);
    bytes_put_u32(&writer, record->day);
    bytes_put_u32(&writer, record->session);
    bytes_put_u64(&writer, record->term);
    bytes_put_u64(&writer, record->replaced_term);
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

    record.unit = bytes_get_u32(&reader);
    record.day = bytes_get_u32(&reader);
    record.session = bytes_get_u32(&reader);
    record.term = bytes_get_u64(&reader);
    record.replaced_term = bytes_get_u64(&reader);
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

void engine_load_record(struct engine *engine)
{
    uint8_t bytes[RECORD_BYTES_MAX];
    size_t len_bytes = 0;
    int r = engine->world.read_record(engine->world.context, bytes, sizeof(bytes), &len_bytes);

    if (r == 0 && !decode_record(bytes, len_bytes, &engine->record)) {
        r = -EUCLEAN;
    }
    engine->record_unreadable = r < 0 && r != -ENOENT;
    if (engine->record_unreadable) {
        engine_log(engine, "own record unreadable (%d): the ledger and the peer's word decide", r);
    }
}
