#include "storage/entry/entry.h"

/* One rule for both directions: what decode accepts is exactly what encode can make. */
static bool header_is_valid(const struct entry *entry)
{
    if (entry->kind == 0 || entry->kind >= ENTRY_KIND_END || entry->lsn == 0) {
        return false;
    }
    if (entry->payload_len_bytes > ENTRY_PAYLOAD_BYTES_MAX) {
        return false;
    }
    /* A sealed payload without a day has no key; one shorter than its nonce and tag is no seal. */
    return !entry->sealed ||
           (entry->day != 0 && entry->payload_len_bytes >= ENTRY_SEAL_OVERHEAD_BYTES);
}

static void put_header(struct bytes_writer *writer, const struct entry *entry)
{
    bytes_put_u16(writer, ENTRY_VERSION);
    bytes_put_u16(writer, entry->kind);
    bytes_put_u64(writer, entry->lsn);
    bytes_put_u64(writer, entry->term);
    bytes_put_u32(writer, entry->session);
    bytes_put_u32(writer, entry->unit);
    bytes_put_i64(writer, entry->wall_ms);
    bytes_put_u32(writer, entry->actor);
    bytes_put_u64(writer, entry->mark_lsn);
    bytes_put_u32(writer, entry->day);
    bytes_put_u32(writer, entry->key_unit);
    bytes_put_u8(writer, entry->sealed ? 1 : 0);
    bytes_put(writer, entry->request.bytes, sizeof(entry->request.bytes));
    bytes_put_u16(writer, entry->payload_len_bytes);
}

size_t entry_encode(const struct entry *entry, uint8_t *bytes, size_t capacity_bytes)
{
    struct bytes_writer writer = bytes_writer_over(bytes, capacity_bytes);

    if (!header_is_valid(entry)) {
        return 0;
    }
    put_header(&writer, entry);
    bytes_put(&writer, entry->payload, entry->payload_len_bytes);
    return writer.failed ? 0 : writer.len_bytes;
}

size_t entry_encode_header(const struct entry *entry, uint8_t bytes[ENTRY_HEADER_BYTES])
{
    struct bytes_writer writer = bytes_writer_over(bytes, ENTRY_HEADER_BYTES);

    if (!header_is_valid(entry)) {
        return 0;
    }
    put_header(&writer, entry);
    return writer.len_bytes;
}

bool entry_decode(const uint8_t *bytes, size_t len_bytes, struct entry *ret_entry,
                  struct ids_hash *ret_hash)
{
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);
    struct entry entry = {0};
    struct ids_hash hash;

    uint16_t version = bytes_get_u16(&reader);
    entry.kind = bytes_get_u16(&reader);
    entry.lsn = bytes_get_u64(&reader);
    entry.term = bytes_get_u64(&reader);
    entry.session = bytes_get_u32(&reader);
    entry.unit = bytes_get_u32(&reader);
    entry.wall_ms = bytes_get_i64(&reader);
    entry.actor = bytes_get_u32(&reader);
    entry.mark_lsn = bytes_get_u64(&reader);
    entry.day = bytes_get_u32(&reader);
    entry.key_unit = bytes_get_u32(&reader);
    uint8_t sealed = bytes_get_u8(&reader);
    entry.sealed = sealed == 1;
    bytes_get(&reader, entry.request.bytes, sizeof(entry.request.bytes));
    entry.payload_len_bytes = bytes_get_u16(&reader);
    entry.payload = bytes_take(&reader, entry.payload_len_bytes);
    bytes_get(&reader, hash.bytes, sizeof(hash.bytes));

    if (!bytes_finished(&reader) || version != ENTRY_VERSION || sealed > 1 ||
        !header_is_valid(&entry)) {
        return false;
    }
    *ret_entry = entry;
    *ret_hash = hash;
    return true;
}

const char *entry_kind_code(enum entry_kind kind)
{
    switch (kind) {
    case ENTRY_CONFIG:
        return "config";
    case ENTRY_TERM:
        return "term";
    case ENTRY_SESSION_BEGIN:
        return "session-begin";
    case ENTRY_SESSION_END:
        return "session-end";
    case ENTRY_CHANGE_CLEAR:
        return "change";
    case ENTRY_CHANGE_VISIT:
        return "change-visit";
    case ENTRY_TAIL_REPLACED:
        return "tail-replaced";
    case ENTRY_CHECKPOINT:
        return "checkpoint";
    case ENTRY_UNIT:
        return "unit";
    case ENTRY_ACCESS:
        return "access";
    case ENTRY_DEVICE:
        return "device";
    case ENTRY_SITE:
        return "site";
    case ENTRY_STATISTIC:
        return "statistic";
    case ENTRY_ERASURE:
        return "erasure";
    case ENTRY_VISITS:
        return "visits";
    case ENTRY_RELAY_ERASURE:
        return "relay-erasure";
    case ENTRY_KIND_END:
        break;
    }
    return "unknown";
}
