/* The bytes of a sealed day. Every field is checked on the way in, and every accepted string of bytes is the one that
 * encoding gives again. */
#include "appliance/statistics/statistics.h"

#include "base/check.h"

#include <string.h>

enum {
    FORMAT_VERSION = 1,
    VARINT_BITS = 7,
    VARINT_MORE = 0x80,
    VARINT_MASK = 0x7f,
    CELL_KEY_BYTES = 4,
    KEPT_FIRST = 1, /* bits of a kept row's flags */
    KEPT_DOUBTFUL = 2,
    KEPT_ESTIMATED = 4,
    KEPT_TIME = 8, /* and the three above it: which times there are */
    KEPT_FLAGS_END = KEPT_TIME << STATISTICS_MEASURES,
};

/* ---- numbers: seven bits a byte, the lowest first ------------------------------------------------------ */

static void put_number(struct bytes_writer *writer, uint64_t value)
{
    while (value > VARINT_MASK) {
        bytes_put_u8(writer, (uint8_t)((value & VARINT_MASK) | VARINT_MORE));
        value >>= VARINT_BITS;
    }
    bytes_put_u8(writer, (uint8_t)value);
}

static uint64_t get_number(struct bytes_reader *reader, uint64_t max)
{
    uint64_t value = 0;
    uint32_t shift = 0;

    for (;;) {
        uint8_t byte = bytes_get_u8(reader);

        if (shift >= 63 || (shift > 0 && byte == 0)) { /* too long, or longer than it need be */
            reader->failed = true;
            return 0;
        }
        value |= (uint64_t)(byte & VARINT_MASK) << shift;
        shift += VARINT_BITS;
        if ((byte & VARINT_MORE) == 0) {
            break;
        }
    }
    if (value > max) {
        reader->failed = true;
        return 0;
    }
    return value;
}

/* ---- head -------------------------------------------------------------------------------------------------- */

void statistics_head_encode(const struct statistics_head *head,
                            uint8_t bytes[STATISTICS_HEAD_BYTES])
{
    struct bytes_writer writer = bytes_writer_over(bytes, STATISTICS_HEAD_BYTES);

    bytes_put_u8(&writer, FORMAT_VERSION);
    bytes_put_u32(&writer, head->date);
    bytes_put_u16(&writer, head->annulled);
    bytes_put_u32(&writer, head->part);
    bytes_put_u32(&writer, head->visits);
    bytes_put_u64(&writer, head->set);
    bytes_put_u16(&writer, head->index);
    bytes_put_u16(&writer, head->count);
    bytes_put_u64(&writer, head->previous);
    bytes_put_u32(&writer, head->newest_date);
    CHECK(!writer.failed && writer.len_bytes == STATISTICS_HEAD_BYTES);
}

bool statistics_head_decode(const uint8_t *bytes, size_t len_bytes,
                            struct statistics_head *ret_head)
{
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);
    struct statistics_head head = {0};
    uint8_t version = bytes_get_u8(&reader);

    head.date = bytes_get_u32(&reader);
    head.annulled = bytes_get_u16(&reader);
    head.part = bytes_get_u32(&reader);
    head.visits = bytes_get_u32(&reader);
    head.set = bytes_get_u64(&reader);
    head.index = bytes_get_u16(&reader);
    head.count = bytes_get_u16(&reader);
    head.previous = bytes_get_u64(&reader);
    head.newest_date = bytes_get_u32(&reader);
    if (reader.failed || version != FORMAT_VERSION || head.index >= head.count ||
        head.newest_date < head.date || head.date == 0) {
        return false;
    }
    *ret_head = head;
    return true;
}

/* ---- cells -------------------------------------------------------------------------------------------------- */

/* Which counts are there, then which times; after each bit its numbers. */
static uint32_t mask_of(const struct statistics_sums *sums)
{
    uint32_t mask = 0;

    for (int i = 0; i < STATISTICS_COUNTS; i++) {
        mask |= sums->counts[i] != 0 ? UINT32_C(1) << i : 0;
    }
    for (int i = 0; i < STATISTICS_MEASURES; i++) {
        mask |= sums->times[i].count != 0 ? UINT32_C(1) << (STATISTICS_COUNTS + i) : 0;
    }
    return mask;
}

static void put_measure(struct bytes_writer *writer, const struct statistics_measure *measure)
{
    uint64_t left = measure->count;
    uint32_t after = 0;

    put_number(writer, measure->count);
    put_number(writer, measure->sum_s);
    put_number(writer, measure->max_s);
    for (uint32_t bucket = 0; bucket < STATISTICS_BUCKETS && left > 0; bucket++) {
        if (measure->buckets[bucket] != 0) {
            put_number(writer, bucket - after);
            put_number(writer, measure->buckets[bucket]);
            left -= measure->buckets[bucket];
            after = bucket + 1;
        }
    }
    CHECK(left == 0);
}

static void put_cell(struct bytes_writer *writer, const struct statistics_fact *key,
                     const struct statistics_sums *sums)
{
    uint32_t mask = mask_of(sums);

    bytes_put_u8(writer, key->category);
    bytes_put_u8(writer, key->hour);
    bytes_put_u16(writer, key->counter);
    put_number(writer, mask);
    for (int i = 0; i < STATISTICS_COUNTS; i++) {
        if (sums->counts[i] != 0) {
            put_number(writer, sums->counts[i]);
        }
    }
    for (int i = 0; i < STATISTICS_MEASURES; i++) {
        if (sums->times[i].count != 0) {
            put_measure(writer, &sums->times[i]);
        }
    }
    if (sums->counts[STATISTICS_COUNT_ESTIMATED] != 0) {
        put_number(writer, sums->estimate_s_sum);
        put_number(writer, sums->truth_s_sum);
        put_number(writer, sums->error_s_sum);
    }
}

static bool same_cell(const struct statistics_fact *a, const struct statistics_fact *b)
{
    return a->category == b->category && a->hour == b->hour && a->counter == b->counter;
}

size_t statistics_cells_encode(const struct statistics_fact *facts, size_t count, size_t *at,
                               struct statistics_sums *scratch, uint8_t *bytes,
                               size_t capacity_bytes)
{
    struct bytes_writer writer = bytes_writer_over(bytes, capacity_bytes);

    while (*at < count) {
        size_t before_bytes = writer.len_bytes;
        size_t end = *at;

        memset(scratch, 0, sizeof(*scratch));
        while (end < count && same_cell(&facts[*at], &facts[end])) {
            CHECK(facts[end].part == facts[*at].part);
            statistics_add_fact(scratch, &facts[end++]);
        }
        put_cell(&writer, &facts[*at], scratch);
        if (writer.failed) { /* for the next chunk, which a cell always fits into */
            CHECK(before_bytes > 0);
            return before_bytes;
        }
        *at = end;
    }
    return writer.len_bytes;
}

static bool get_measure(struct bytes_reader *reader, struct statistics_measure *into)
{
    uint64_t count = get_number(reader, UINT32_MAX);
    uint64_t sum_s = get_number(reader, UINT64_C(1) << 48);
    uint32_t max_s = (uint32_t)get_number(reader, STATISTICS_TIME_S_MAX);
    uint64_t left = count;
    uint32_t bucket = 0, last = 0;

    if (reader->failed || count == 0 || sum_s > count * max_s || sum_s < max_s) {
        return false;
    }
    while (left > 0) {
        uint64_t here;

        bucket += (uint32_t)get_number(reader, STATISTICS_BUCKETS);
        here = get_number(reader, left);
        if (reader->failed || here == 0 || bucket >= STATISTICS_BUCKETS) {
            return false;
        }
        into->buckets[bucket] += (uint32_t)here;
        left -= here;
        last = bucket++;
    }
    into->count += count;
    into->sum_s += sum_s;
    into->max_s = max_s > into->max_s ? max_s : into->max_s;
    return last == statistics_bucket(max_s);
}

static bool get_sums(struct bytes_reader *reader, struct statistics_sums *into)
{
    uint32_t mask = (uint32_t)get_number(
        reader, (UINT32_C(1) << (STATISTICS_COUNTS + STATISTICS_MEASURES)) - 1);
    bool sound = mask != 0;

    for (int i = 0; i < STATISTICS_COUNTS; i++) {
        if ((mask & UINT32_C(1) << i) != 0) {
            uint64_t count = get_number(reader, UINT32_MAX);

            sound = sound && count != 0;
            into->counts[i] += count;
        }
    }
    for (int i = 0; i < STATISTICS_MEASURES && sound; i++) {
        if ((mask & UINT32_C(1) << (STATISTICS_COUNTS + i)) != 0) {
            sound = get_measure(reader, &into->times[i]);
        }
    }
    if (sound && (mask & UINT32_C(1) << STATISTICS_COUNT_ESTIMATED) != 0) {
        into->estimate_s_sum += get_number(reader, UINT64_C(1) << 48);
        into->truth_s_sum += get_number(reader, UINT64_C(1) << 48);
        into->error_s_sum += get_number(reader, UINT64_C(1) << 48);
    }
    return sound && !reader->failed;
}

static bool cell_is_after(const struct statistics_cell *cell, const struct statistics_cell *before)
{
    if (cell->category != before->category) {
        return cell->category > before->category;
    }
    if (cell->hour != before->hour) {
        return cell->hour > before->hour;
    }
    return cell->counter > before->counter;
}

bool statistics_cells_decode(const uint8_t *bytes, size_t len_bytes, statistics_sums_fn *sums_of,
                             void *context)
{
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);
    struct statistics_cell before = {0};

    while (bytes_left(&reader) > 0) {
        struct statistics_cell cell = {0};
        struct statistics_sums *sums;

        cell.category = bytes_get_u8(&reader);
        cell.hour = bytes_get_u8(&reader);
        cell.counter = bytes_get_u16(&reader);
        if (reader.failed || cell.category == 0 || cell.category > STATISTICS_CATEGORIES_MAX ||
            cell.hour >= STATISTICS_HOURS || !cell_is_after(&cell, &before)) {
            return false;
        }
        before = cell;
        sums = sums_of(context, &cell);
        if (sums == NULL || !get_sums(&reader, sums)) {
            return false;
        }
    }
    return true;
}

/* ---- kept rows -------------------------------------------------------------------------------------------- */

static uint8_t kept_flags(const struct statistics_kept *row)
{
    unsigned flags = (row->first ? KEPT_FIRST : 0U) | (row->doubtful ? KEPT_DOUBTFUL : 0U) |
                     (row->estimated ? KEPT_ESTIMATED : 0U);

    for (int i = 0; i < STATISTICS_MEASURES; i++) {
        flags |= row->time_min[i] != STATISTICS_NOT_MEASURED ? (unsigned)KEPT_TIME << i : 0U;
    }
    return (uint8_t)flags;
}

static void put_kept(struct bytes_writer *writer, const struct statistics_kept *row)
{
    bytes_put_u8(writer, row->category);
    bytes_put_u8(writer, row->hour);
    bytes_put_u16(writer, row->counter);
    bytes_put_u8(writer, row->end);
    bytes_put_u8(writer, kept_flags(row));
    for (int i = 0; i < STATISTICS_MEASURES; i++) {
        if (row->time_min[i] != STATISTICS_NOT_MEASURED) {
            put_number(writer, (uint64_t)row->time_min[i]);
        }
    }
    if (row->estimated) {
        put_number(writer, row->estimate_min);
        put_number(writer, row->truth_min);
    }
}

size_t statistics_kept_encode(const struct statistics_kept *rows, size_t count, size_t *at,
                              uint8_t *bytes, size_t capacity_bytes)
{
    struct bytes_writer writer = bytes_writer_over(bytes, capacity_bytes);

    while (*at < count && capacity_bytes - writer.len_bytes >= STATISTICS_KEPT_BYTES_MAX) {
        put_kept(&writer, &rows[(*at)++]);
    }
    CHECK(!writer.failed && (*at == count || writer.len_bytes > 0));
    return writer.len_bytes;
}

static bool get_kept(struct bytes_reader *reader, struct statistics_kept *ret_row)
{
    struct statistics_kept row = {0};
    uint8_t flags;

    row.category = bytes_get_u8(reader);
    row.hour = bytes_get_u8(reader);
    row.counter = bytes_get_u16(reader);
    row.end = bytes_get_u8(reader);
    flags = bytes_get_u8(reader);
    row.first = (flags & KEPT_FIRST) != 0;
    row.doubtful = (flags & KEPT_DOUBTFUL) != 0;
    row.estimated = (flags & KEPT_ESTIMATED) != 0;
    for (int i = 0; i < STATISTICS_MEASURES; i++) {
        row.time_min[i] = STATISTICS_NOT_MEASURED;
        if ((flags & KEPT_TIME << i) != 0) {
            row.time_min[i] = (int16_t)get_number(reader, STATISTICS_TIME_MIN_MAX);
        }
    }
    if (row.estimated) {
        row.estimate_min = (uint16_t)get_number(reader, UINT16_MAX);
        row.truth_min = (uint16_t)get_number(reader, STATISTICS_TIME_MIN_MAX);
    }
    *ret_row = row;
    return !reader->failed && flags < KEPT_FLAGS_END && row.category != 0 &&
           row.category <= STATISTICS_CATEGORIES_MAX && row.hour < STATISTICS_HOURS &&
           row.end >= STATISTICS_SERVED && row.end <= STATISTICS_EXPIRED;
}

bool statistics_kept_decode(const uint8_t *bytes, size_t len_bytes, statistics_kept_fn *each,
                            void *context)
{
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);
    struct statistics_kept row, before = {0};

    while (bytes_left(&reader) > 0) {
        if (!get_kept(&reader, &row) || statistics_kept_compare(&row, &before) < 0 ||
            !each(context, &row)) {
            return false;
        }
        before = row;
    }
    return true;
}
