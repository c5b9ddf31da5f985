/* base/: the byte cursors, the identities. Bytes from outside may say anything; a cursor stays
 * inside. */
#include "base/bytes.h"
#include "base/ids.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void what_was_put_is_got_back(void **state)
{
    uint8_t bytes[64];
    struct bytes_writer writer = bytes_writer_over(bytes, sizeof(bytes));
    struct bytes_reader reader;
    char text[8];
    uint8_t raw[3];
    size_t len_bytes;

    (void)state;
    bytes_put_u8(&writer, 0xfe);
    bytes_put_u16(&writer, 0xfedc);
    bytes_put_u32(&writer, 0xfedcba98U);
    bytes_put_u64(&writer, 0xfedcba9876543210ULL);
    bytes_put_i64(&writer, INT64_MIN + 1);
    bytes_put(&writer, "raw", 3);
    bytes_put(&writer, NULL, 0);
    bytes_put_text(&writer, "当番");
    bytes_put_blob16(&writer, "blob", 4);
    assert_false(writer.failed);
    assert_int_equal(writer.len_bytes, 1 + 2 + 4 + 8 + 8 + 3 + 2 + 6 + 2 + 4);
    assert_int_equal(bytes[1], 0xfe);

    reader = bytes_reader_over(bytes, writer.len_bytes);
    assert_int_equal(bytes_get_u8(&reader), 0xfe);
    assert_int_equal(bytes_get_u16(&reader), 0xfedc);
    assert_int_equal(bytes_get_u32(&reader), 0xfedcba98U);
    assert_true(bytes_get_u64(&reader) == 0xfedcba9876543210ULL);
    assert_true(bytes_get_i64(&reader) == INT64_MIN + 1);
    bytes_get(&reader, raw, sizeof(raw));
    assert_memory_equal(raw, "raw", 3);
    bytes_get_text(&reader, text, sizeof(text));
    assert_string_equal(text, "当番");
    assert_false(bytes_finished(&reader));
    assert_int_equal(bytes_left(&reader), 6);
    assert_memory_equal(bytes_take_blob16(&reader, &len_bytes), "blob", 4);
    assert_int_equal(len_bytes, 4);
    assert_true(bytes_finished(&reader));
}

static void a_writer_that_is_full_writes_nothing_more(void **state)
{
    uint8_t bytes[4] = {9, 9, 9, 9};
    struct bytes_writer writer = bytes_writer_over(bytes, 3);

    (void)state;
    bytes_put_u16(&writer, 1);
    bytes_put_u32(&writer, 0x77777777);
    assert_true(writer.failed);
    bytes_put_u8(&writer, 7);
    assert_int_equal(writer.len_bytes, 2);
    assert_int_equal(bytes[2], 9);
    assert_int_equal(bytes[3], 9);
}

static void a_blob_longer_than_its_length_field_is_refused(void **state)
{
    uint8_t *bytes = calloc(2, 65540);
    struct bytes_writer writer = bytes_writer_over(bytes, 2 * 65540);

    (void)state;
    bytes_put_blob16(&writer, bytes + 65540, 65535);
    assert_false(writer.failed);
    bytes_put_blob16(&writer, bytes + 65540, 65536);
    assert_true(writer.failed);
    free(bytes);
}

static void a_reader_past_its_end_reads_zero_and_stays_failed(void **state)
{
    static const uint8_t bytes[3] = {1, 2, 3};
    struct bytes_reader reader = bytes_reader_over(bytes, sizeof(bytes));
    uint8_t raw[4] = {9, 9, 9, 9};
    static const uint8_t zero[4];
    size_t len_bytes = 77;

    (void)state;
    assert_int_equal(bytes_get_u32(&reader), 0);
    assert_true(reader.failed);
    assert_int_equal(bytes_get_u8(&reader), 0);
    bytes_get(&reader, raw, sizeof(raw));
    assert_memory_equal(raw, zero, sizeof(raw));
    assert_null(bytes_take(&reader, 0));
    assert_null(bytes_take_blob16(&reader, &len_bytes));
    assert_int_equal(len_bytes, 0);
    assert_int_equal(bytes_left(&reader), 0);
    assert_false(bytes_finished(&reader));
}

static void a_length_that_lies_never_leads_outside(void **state)
{
    static const uint8_t bytes[] = {0xff, 0xff, 'a', 'b'};
    struct bytes_reader reader = bytes_reader_over(bytes, sizeof(bytes));
    char text[100];

    (void)state;
    bytes_get_text(&reader, text, sizeof(text));
    assert_true(reader.failed);
    assert_string_equal(text, "");
}

static void a_text_with_a_zero_or_without_room_is_refused(void **state)
{
    static const uint8_t with_zero[] = {0, 3, 'a', 0, 'b'};
    static const uint8_t four[] = {0, 4, 'a', 'b', 'c', 'd'};
    static const uint8_t empty[] = {0, 0};
    struct bytes_reader reader = bytes_reader_over(with_zero, sizeof(with_zero));
    char text[4] = "xyz";

    (void)state;
    bytes_get_text(&reader, text, sizeof(text));
    assert_true(reader.failed);
    assert_string_equal(text, "");
    reader = bytes_reader_over(four, sizeof(four));
    bytes_get_text(&reader, text, sizeof(text));
    assert_true(reader.failed);
    reader = bytes_reader_over(empty, sizeof(empty));
    bytes_get_text(&reader, text, sizeof(text));
    assert_true(bytes_finished(&reader));
    assert_string_equal(text, "");
}

static void a_token_is_written_and_read_as_32_digits(void **state)
{
    static const char text[] = "00ff1234567890abcdef0a0b0c0d0e0f";
    struct ids_token token = {0};
    struct ids_token other = {0};
    char back[IDS_TOKEN_TEXT_BYTES];

    (void)state;
    assert_true(ids_token_is_zero(&token));
    assert_true(ids_token_from_text(text, strlen(text), &token));
    assert_false(ids_token_is_zero(&token));
    ids_token_to_text(&token, back);
    assert_string_equal(back, text);
    assert_false(ids_token_equal(&token, &other));
    other = token;
    assert_true(ids_token_equal(&token, &other));
}

static void a_token_of_other_letters_or_length_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "00ff1234567890abcdef0a0b0c0d0e0",
        "00ff1234567890abcdef0a0b0c0d0e0f0",
        "00FF1234567890abcdef0a0b0c0d0e0f",
        "00ff1234567890abcdef0a0b0c0d0e0g",
        "g0ff1234567890abcdef0a0b0c0d0e0f",
        "00ff1234567890abcdef0a0b0c0d0e /",
        "00ff1234567890abcdef0a0b0c0d0e`:",
    };
    struct ids_token token = {.bytes = {5}};
    struct ids_token before = token;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(ids_token_from_text(bad[i], strlen(bad[i]), &token));
        assert_true(ids_token_equal(&token, &before));
    }
}

static void hashes_are_equal_only_in_every_byte(void **state)
{
    struct ids_hash a = {0};
    struct ids_hash b = {0};

    (void)state;
    assert_true(ids_hash_equal(&a, &b));
    b.bytes[IDS_HASH_BYTES - 1] = 1;
    assert_false(ids_hash_equal(&a, &b));
}

static void a_series_is_a_letter_and_from_its_second_session_a_number(void **state)
{
    static const struct {
        struct ids_series series;
        const char *text;
    } rows[] = {
        {{0, 0}, ""},      {{1, 1}, "A"},
        {{2, 1}, "B"},     {{2, 2}, "B2"},
        {{2, 30}, "B30"},  {{8, 1}, "H"},
        {{9, 1}, "J"},     {{14, 1}, "P"},
        {{24, 1}, "Z"},    {{25, 1}, "AA"},
        {{48, 1}, "AZ"},   {{600, 1}, "ZZ"},
        {{601, 1}, "AAA"}, {{9999, 9999}, "SHQ9999"},
        {{0, 5}, ""},
    };
    char text[IDS_SERIES_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ids_series_to_text(rows[i].series, text);
        assert_string_equal(text, rows[i].text);
    }
    assert_true(ids_series_equal(rows[2].series, (struct ids_series){2, 1}));
    assert_false(ids_series_equal(rows[2].series, rows[3].series));
    assert_false(ids_series_equal(rows[1].series, rows[2].series));
}

static void no_two_units_share_a_letter_and_none_looks_like_a_digit(void **state)
{
    static char texts[IDS_UNIT_ID_MAX + 1][IDS_SERIES_TEXT_BYTES];

    (void)state;
    for (uint32_t unit = 1; unit <= IDS_UNIT_ID_MAX; unit++) {
        ids_series_to_text((struct ids_series){unit, 1}, texts[unit]);
        assert_null(strpbrk(texts[unit], "IO0123456789"));
        assert_in_range(strlen(texts[unit]), 1, 3);
    }
    qsort(texts + 1, IDS_UNIT_ID_MAX, sizeof(texts[0]),
          (int (*)(const void *, const void *))strcmp);
    for (uint32_t unit = 2; unit <= IDS_UNIT_ID_MAX; unit++) {
        assert_string_not_equal(texts[unit - 1], texts[unit]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_got_back),
        cmocka_unit_test(a_writer_that_is_full_writes_nothing_more),
        cmocka_unit_test(a_blob_longer_than_its_length_field_is_refused),
        cmocka_unit_test(a_reader_past_its_end_reads_zero_and_stays_failed),
        cmocka_unit_test(a_length_that_lies_never_leads_outside),
        cmocka_unit_test(a_text_with_a_zero_or_without_room_is_refused),
        cmocka_unit_test(a_token_is_written_and_read_as_32_digits),
        cmocka_unit_test(a_token_of_other_letters_or_length_is_refused),
        cmocka_unit_test(hashes_are_equal_only_in_every_byte),
        cmocka_unit_test(a_series_is_a_letter_and_from_its_second_session_a_number),
        cmocka_unit_test(no_two_units_share_a_letter_and_none_looks_like_a_digit),
    };

    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
