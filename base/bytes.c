#include "base/bytes.h"

#include "base/check.h"

#include <string.h>

struct bytes_writer bytes_writer_over(void *data, size_t capacity_bytes)
{
    return (struct bytes_writer){.data = data, .capacity_bytes = capacity_bytes};
}

void bytes_put(struct bytes_writer *writer, const void *data, size_t len_bytes)
{
    if (writer->failed || len_bytes > writer->capacity_bytes - writer->len_bytes) {
        writer->failed = true;
        return;
    }
    if (len_bytes > 0) {
        memcpy(writer->data + writer->len_bytes, data, len_bytes);
        writer->len_bytes += len_bytes;
    }
}

/* Inlined with its width, which leaves one swap and one store. */
static inline void put_big_endian(struct bytes_writer *writer, uint64_t value, size_t width_bytes)
{
    uint8_t *raw;

    if (writer->failed || width_bytes > writer->capacity_bytes - writer->len_bytes) {
        writer->failed = true;
        return;
    }
    raw = writer->data + writer->len_bytes;
    for (size_t i = 0; i < width_bytes; i++) {
        raw[i] = (uint8_t)(value >> (8 * (width_bytes - 1 - i)));
    }
    writer->len_bytes += width_bytes;
}

void bytes_put_u8(struct bytes_writer *writer, uint8_t value)
{
    put_big_endian(writer, value, 1);
}

void bytes_put_u16(struct bytes_writer *writer, uint16_t value)
{
    put_big_endian(writer, value, 2);
}

void bytes_put_u32(struct bytes_writer *writer, uint32_t value)
{
    put_big_endian(writer, value, 4);
}

void bytes_put_u64(struct bytes_writer *writer, uint64_t value)
{
    put_big_endian(writer, value, 8);
}

void bytes_put_i64(struct bytes_writer *writer, int64_t value)
{
    put_big_endian(writer, (uint64_t)value, 8);
}

void bytes_put_blob16(struct bytes_writer *writer, const void *data, size_t len_bytes)
{
    if (len_bytes > UINT16_MAX) {
        writer->failed = true;
        return;
    }
    bytes_put_u16(writer, (uint16_t)len_bytes);
    bytes_put(writer, data, len_bytes);
}

void bytes_put_text(struct bytes_writer *writer, const char *text)
{
    bytes_put_blob16(writer, text, strlen(text));
}

struct bytes_reader bytes_reader_over(const void *data, size_t len_bytes)
{
    return (struct bytes_reader){.data = data, .len_bytes = len_bytes};
}

const uint8_t *bytes_take(struct bytes_reader *reader, size_t len_bytes)
{
    const uint8_t *view;

    if (reader->failed || len_bytes > reader->len_bytes - reader->at_bytes) {
        reader->failed = true;
        return NULL;
    }
    view = reader->data + reader->at_bytes;
    reader->at_bytes += len_bytes;
    return view;
}

void bytes_get(struct bytes_reader *reader, void *data, size_t len_bytes)
{
    const uint8_t *view = bytes_take(reader, len_bytes);

    if (view == NULL) {
        memset(data, 0, len_bytes);
    } else if (len_bytes > 0) {
        memcpy(data, view, len_bytes);
    }
}

static inline uint64_t get_big_endian(struct bytes_reader *reader, size_t width_bytes)
{
    const uint8_t *view = bytes_take(reader, width_bytes);
    uint64_t value = 0;

    if (view == NULL) {
        return 0;
    }
    for (size_t i = 0; i < width_bytes; i++) {
        value = value << 8 | view[i];
    }
    return value;
}

uint8_t bytes_get_u8(struct bytes_reader *reader)
{
    return (uint8_t)get_big_endian(reader, 1);
}

uint16_t bytes_get_u16(struct bytes_reader *reader)
{
    return (uint16_t)get_big_endian(reader, 2);
}

uint32_t bytes_get_u32(struct bytes_reader *reader)
{
    return (uint32_t)get_big_endian(reader, 4);
}

uint64_t bytes_get_u64(struct bytes_reader *reader)
{
    return get_big_endian(reader, 8);
}

int64_t bytes_get_i64(struct bytes_reader *reader)
{
    return (int64_t)get_big_endian(reader, 8);
}

const uint8_t *bytes_take_blob16(struct bytes_reader *reader, size_t *ret_len_bytes)
{
    size_t len_bytes = bytes_get_u16(reader);
    const uint8_t *view = bytes_take(reader, len_bytes);

    *ret_len_bytes = view == NULL ? 0 : len_bytes;
    return view;
}

void bytes_get_text(struct bytes_reader *reader, char *text, size_t capacity_bytes)
{
    size_t len_bytes;
    const uint8_t *view;

    CHECK(capacity_bytes > 0);
    view = bytes_take_blob16(reader, &len_bytes);
    if (view == NULL || len_bytes >= capacity_bytes || memchr(view, 0, len_bytes) != NULL) {
        reader->failed = true;
        len_bytes = 0;
    }
    if (len_bytes > 0) {
        memcpy(text, view, len_bytes);
    }
    text[len_bytes] = '\0';
}

size_t bytes_left(const struct bytes_reader *reader)
{
    return reader->failed ? 0 : reader->len_bytes - reader->at_bytes;
}

bool bytes_finished(const struct bytes_reader *reader)
{
    return !reader->failed && reader->at_bytes == reader->len_bytes;
}
