/* A PNG of one bit a dot (W3C PNG, RFC 1950, RFC 1951 stored blocks): no library is needed for so little. */
#include "tests/printer/escpos.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STORED_MAX = 65535, ADLER = 65521, CHUNK_NAME_BYTES = 4 };

static uint32_t crc_of(uint32_t crc, const uint8_t *bytes, size_t len_bytes)
{
    crc = ~crc;
    for (size_t i = 0; i < len_bytes; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (0xedb88320U & (0U - (crc & 1)));
        }
    }
    return ~crc;
}

static void put_u32(uint8_t *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

static void put_chunk(FILE *file, const char *name, const uint8_t *bytes, size_t len_bytes)
{
    uint8_t number[4];
    uint32_t crc = crc_of(0, (const uint8_t *)name, CHUNK_NAME_BYTES);

    put_u32(number, (uint32_t)len_bytes);
    (void)fwrite(number, 1, sizeof(number), file);
    (void)fwrite(name, 1, CHUNK_NAME_BYTES, file);
    (void)fwrite(bytes, 1, len_bytes, file);
    put_u32(number, crc_of(crc, bytes, len_bytes));
    (void)fwrite(number, 1, sizeof(number), file);
}

/* Rows with their filter byte, as a zlib stream of stored blocks. White is 1. */
static uint8_t *deflate_rows(const struct escpos_paper *paper, size_t *ret_len_bytes)
{
    size_t raw_bytes = (size_t)paper->rows * (ESCPOS_ROW_BYTES + 1), at = 0, out = 0;
    uint8_t *raw = malloc(raw_bytes + 1);
    uint8_t *bytes = malloc(raw_bytes + (raw_bytes / STORED_MAX + 1) * 5 + 6);
    uint32_t a = 1, b = 0;

    if (raw == NULL || bytes == NULL) {
        abort();
    }
    for (uint32_t row = 0; row < paper->rows; row++) {
        raw[at++] = 0;
        for (size_t i = 0; i < ESCPOS_ROW_BYTES; i++) {
            raw[at++] = (uint8_t)~paper->dots[row * ESCPOS_ROW_BYTES + i];
        }
    }
    bytes[out++] = 0x78;
    bytes[out++] = 0x01;
    for (at = 0; at < raw_bytes;) {
        size_t block = raw_bytes - at < STORED_MAX ? raw_bytes - at : STORED_MAX;

        bytes[out++] = at + block == raw_bytes;
        bytes[out++] = (uint8_t)block;
        bytes[out++] = (uint8_t)(block >> 8);
        bytes[out++] = (uint8_t)~block;
        bytes[out++] = (uint8_t)(~block >> 8);
        memcpy(bytes + out, raw + at, block);
        out += block;
        at += block;
    }
    for (size_t i = 0; i < raw_bytes; i++) {
        a = (a + raw[i]) % ADLER;
        b = (b + a) % ADLER;
    }
    put_u32(bytes + out, b << 16 | a);
    free(raw);
    *ret_len_bytes = out + 4;
    return bytes;
}

int escpos_write_png(const struct escpos_paper *paper, const char *path)
{
    static const uint8_t signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    uint8_t head[13] = {0};
    size_t len_bytes;
    uint8_t *bytes;
    FILE *file;
    int r;

    if (paper->rows == 0) {
        return -EINVAL;
    }
    file = fopen(path, "wbe");
    if (file == NULL) {
        return -errno;
    }
    put_u32(head, ESCPOS_WIDTH_DOTS);
    put_u32(head + 4, paper->rows);
    head[8] = 1; /* one bit, grey */
    bytes = deflate_rows(paper, &len_bytes);
    (void)fwrite(signature, 1, sizeof(signature), file);
    put_chunk(file, "IHDR", head, sizeof(head));
    put_chunk(file, "IDAT", bytes, len_bytes);
    put_chunk(file, "IEND", NULL, 0);
    free(bytes);
    r = ferror(file) != 0 ? -EIO : 0;
    return fclose(file) == 0 ? r : -EIO;
}
