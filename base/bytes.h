/*
 * base/bytes.h - a cursor over bytes, for everything that is encoded or decoded.
 *
 * All integers are big-endian. Both cursors are sticky: after the first access that does not fit,
 * `failed` is set, reads return zero, writes do nothing, and the caller tests once at the end.
 * A reader never looks outside its buffer whatever the bytes say. Nothing here allocates.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes_writer {
    uint8_t *data;
    size_t capacity_bytes;
    size_t len_bytes;
    bool failed;
};

struct bytes_reader {
    const uint8_t *data;
    size_t len_bytes;
    size_t at_bytes;
    bool failed;
};

struct bytes_writer bytes_writer_over(void *data, size_t capacity_bytes);
void bytes_put_u8(struct bytes_writer *writer, uint8_t value);
void bytes_put_u16(struct bytes_writer *writer, uint16_t value);
void bytes_put_u32(struct bytes_writer *writer, uint32_t value);
void bytes_put_u64(struct bytes_writer *writer, uint64_t value);
void bytes_put_i64(struct bytes_writer *writer, int64_t value);
void bytes_put(struct bytes_writer *writer, const void *data, size_t len_bytes);
/* A 16-bit length and the bytes; fails if len_bytes > 65535. */
void bytes_put_blob16(struct bytes_writer *writer, const void *data, size_t len_bytes);
/* A zero-terminated text as blob16, without its zero. */
void bytes_put_text(struct bytes_writer *writer, const char *text);

struct bytes_reader bytes_reader_over(const void *data, size_t len_bytes);
uint8_t bytes_get_u8(struct bytes_reader *reader);
uint16_t bytes_get_u16(struct bytes_reader *reader);
uint32_t bytes_get_u32(struct bytes_reader *reader);
uint64_t bytes_get_u64(struct bytes_reader *reader);
int64_t bytes_get_i64(struct bytes_reader *reader);
void bytes_get(struct bytes_reader *reader, void *data, size_t len_bytes);
/* Borrowed view of the next len_bytes, or NULL (and failed). */
const uint8_t *bytes_take(struct bytes_reader *reader, size_t len_bytes);
/* Borrowed view of a blob16; NULL and failed when it does not fit. */
const uint8_t *bytes_take_blob16(struct bytes_reader *reader, size_t *ret_len_bytes);
/* A blob16 copied as zero-terminated text; fails when it does not fit or holds a zero byte. */
void bytes_get_text(struct bytes_reader *reader, char *text, size_t capacity_bytes);
size_t bytes_left(const struct bytes_reader *reader);
/* True when nothing failed and every byte was read: the test at the end of a decoder. */
bool bytes_finished(const struct bytes_reader *reader);

#endif
