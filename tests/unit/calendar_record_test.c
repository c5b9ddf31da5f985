/* A calendar as bytes for the ledger. */
#include "appliance/calendar/calendar.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct calendar calendar;

static int fresh_calendar(void **state)
{
    (void)state;
    calendar_init(&calendar);
    return 0;
}

static struct calendar_date parts_of(uint32_t date)
{
    struct calendar_date parts;

    assert_true(calendar_date_from_number(date, &parts));
    return parts;
}

static void override_day(uint32_t date, bool open, uint16_t open_minute, uint16_t close_minute)
{
    struct calendar_override override = {.date = date, .hours = {open, open_minute, close_minute}};

    assert_int_equal(calendar_set_override(&calendar, &override), CALENDAR_PROBLEM_NONE);
}

static void add_day(struct calendar_import *import, uint32_t date, const char *name)
{
    assert_int_equal(calendar_import_add(import, date, name, strlen(name)), CALENDAR_IMPORT_OK);
}

/* What the law says, as if published. */
static void fill(struct calendar_import *import, uint16_t first_year, uint16_t last_year)
{
    memset(import, 0, sizeof(*import));
    for (uint32_t date = first_year * 10000U + 101; date <= last_year * 10000U + 1231;
         date = calendar_date_plus(date, 1)) {
        struct calendar_holiday holiday = calendar_holiday_by_law(parts_of(date));

        if (holiday.kind != CALENDAR_HOLIDAY_NONE) {
            add_day(import, date, holiday.name_ja);
        }
    }
}

static void a_calendar_comes_back_from_its_records(void **state)
{
    static uint8_t bytes[CALENDAR_RECORD_BYTES_MAX];
    static uint8_t again[CALENDAR_RECORD_BYTES_MAX];
    static struct calendar back;
    struct calendar_override override = {
        .date = 20261225, .hours = {true, 1, 2}, .reason_ja = "特別", .reason_en = "special"};
    size_t len;

    (void)state;
    override_day(20261124, false, 0, 0);
    assert_int_equal(calendar_set_override(&calendar, &override), CALENDAR_PROBLEM_NONE);
    calendar.utc_offset_minutes = -60;
    calendar.lead_minutes = 45;
    calendar.closing_first = 1228;
    calendar.hours[CALENDAR_SATURDAY] = (struct calendar_hours){true, 540, 720};
    fill(&calendar.import, 1980, 2040);
    calendar_init(&back);
    len = calendar_import_encode(&calendar.import, bytes, sizeof(bytes));
    assert_true(len > 0);
    assert_true(calendar_import_decode(bytes, len, &back.import));
    assert_int_equal(calendar_import_encode(&back.import, again, sizeof(again)), len);
    assert_memory_equal(again, bytes, len);
    len = calendar_site_encode(&calendar, bytes, sizeof(bytes));
    assert_true(len > 0);
    assert_true(calendar_site_decode(bytes, len, &back));
    assert_int_equal(calendar_site_encode(&back, again, sizeof(again)), len);
    assert_memory_equal(again, bytes, len);
    assert_int_equal(calendar_compare(&calendar, &back, 20260101, 20341231, NULL, 0), 0);
    assert_int_equal(back.lead_minutes, 45);
    assert_int_equal(back.utc_offset_minutes, -60);
    assert_int_equal(back.import.day_count, calendar.import.day_count);
}

static void the_fullest_calendar_fits_its_records(void **state)
{
    static uint8_t bytes[CALENDAR_RECORD_BYTES_MAX];
    static struct calendar back;
    struct calendar_override override = {.hours = {true, 0, 1440}};
    size_t len;
    char name[CALENDAR_NAME_BYTES];

    (void)state;
    memset(override.reason_ja, 'a', CALENDAR_NAME_BYTES - 1);
    memset(override.reason_en, 'b', CALENDAR_NAME_BYTES - 1);
    for (int32_t i = 0; i < CALENDAR_OVERRIDES_MAX; i++) {
        override.date = calendar_date_plus(20270101, i);
        assert_int_equal(calendar_set_override(&calendar, &override), CALENDAR_PROBLEM_NONE);
    }
    for (int32_t i = 0; i < CALENDAR_IMPORT_DAYS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "%063d", i % CALENDAR_IMPORT_NAMES_MAX);
        add_day(&calendar.import, calendar_date_plus(20991231, -i), name);
    }
    len = calendar_site_encode(&calendar, bytes, sizeof(bytes));
    assert_true(len > 17000);
    assert_true(calendar_site_decode(bytes, len, &back));
    assert_int_equal(back.override_count, CALENDAR_OVERRIDES_MAX);
    len = calendar_import_encode(&calendar.import, bytes, sizeof(bytes));
    assert_true(len > 10000);
    assert_true(calendar_import_decode(bytes, len, &back.import));
    assert_int_equal(back.import.day_count, CALENDAR_IMPORT_DAYS_MAX);
    assert_int_equal(back.import.name_count, CALENDAR_IMPORT_NAMES_MAX);
    bytes[len - 1] = CALENDAR_IMPORT_NAMES_MAX; /* the last day's name: one beyond the last */
    assert_false(calendar_import_decode(bytes, len, &back.import));
    assert_int_equal(calendar_site_encode(&calendar, bytes, 100), 0);
    assert_int_equal(calendar_import_encode(&calendar.import, bytes, 100), 0);
    calendar.import.days[0].date = 20270229; /* not built by calendar_import_add */
    assert_int_equal(calendar_import_encode(&calendar.import, bytes, sizeof(bytes)), 0);
}

static void the_first_and_the_last_day_of_an_import_come_back(void **state)
{
    static struct calendar_import back;
    uint8_t bytes[64];
    size_t len;

    (void)state;
    add_day(&calendar.import, 19480101, "a");
    add_day(&calendar.import, 20991231, "b");
    len = calendar_import_encode(&calendar.import, bytes, sizeof(bytes));
    assert_true(calendar_import_decode(bytes, len, &back));
    assert_int_equal(back.day_count, 2);
    assert_string_equal(calendar_import_find(&back, 19480101), "a");
    assert_string_equal(calendar_import_find(&back, 20991231), "b");
}

/* Every byte at every place: refused, or read as a calendar in order whose record is these very bytes. The
 * last was found by tests/fuzz/entry_fuzz.c: minutes of a closed day were read, and written as 0. */
static void a_damaged_record_is_refused_or_harmless(void **state)
{
    static uint8_t bytes[CALENDAR_RECORD_BYTES_MAX], again[CALENDAR_RECORD_BYTES_MAX];
    static struct calendar back, untouched;
    size_t site_len, import_len;

    (void)state;
    override_day(20261124, false, 0, 0);
    override_day(20261225, true, 1, 2);
    fill(&calendar.import, 2026, 2026);
    memcpy(&untouched, &calendar, sizeof(untouched));
    site_len = calendar_site_encode(&calendar, bytes, sizeof(bytes));
    for (size_t at = 0; at < site_len * 256; at++) {
        uint8_t kept = bytes[at / 256];

        memcpy(&back, &untouched, sizeof(back));
        bytes[at / 256] = (uint8_t)at;
        if (calendar_site_decode(bytes, site_len, &back)) {
            assert_int_equal(calendar_check(&back), CALENDAR_PROBLEM_NONE);
            assert_true(back.override_count <= CALENDAR_OVERRIDES_MAX);
            assert_int_equal(calendar_site_encode(&back, again, sizeof(again)), site_len);
            assert_memory_equal(again, bytes, site_len);
        } else {
            assert_memory_equal(&back, &untouched, sizeof(back));
        }
        bytes[at / 256] = kept;
    }
    for (size_t len = 0; len < site_len; len++) {
        assert_false(calendar_site_decode(bytes, len, &back));
    }
    import_len = calendar_import_encode(&calendar.import, bytes, sizeof(bytes));
    for (size_t at = 0; at < import_len * 256; at++) {
        uint8_t kept = bytes[at / 256];

        bytes[at / 256] = (uint8_t)at;
        if (calendar_import_decode(bytes, import_len, &back.import)) {
            assert_true(back.import.day_count <= CALENDAR_IMPORT_DAYS_MAX);
            assert_int_equal(calendar_import_encode(&back.import, again, sizeof(again)),
                             import_len);
            assert_memory_equal(again, bytes, import_len);
        }
        bytes[at / 256] = kept;
    }
    for (size_t len = 0; len < import_len; len++) {
        assert_false(calendar_import_decode(bytes, len, &back.import));
    }
    assert_false(calendar_import_decode(bytes, import_len + 1, &back.import));
}

static void a_record_out_of_order_or_with_too_much_is_refused(void **state)
{
    static uint8_t bytes[CALENDAR_RECORD_BYTES_MAX];
    static struct calendar back;
    size_t len;

    (void)state;
    calendar.override_count = 2;
    calendar.overrides[0] = calendar.overrides[1] = (struct calendar_override){.date = 20261124};
    len = calendar_site_encode(&calendar, bytes, sizeof(bytes));
    assert_true(len > 0);
    assert_false(calendar_site_decode(bytes, len, &back));
    memset(bytes, 0, sizeof(bytes));
    bytes[0] = 1;
    bytes[1] = 1; /* 256 names, all empty */
    assert_false(calendar_import_decode(bytes, sizeof(bytes), &back.import));
}

/* Found by tests/fuzz/entry_fuzz.c: lists that read as another list than they were. */
static void a_list_that_nobody_would_have_written_is_refused(void **state)
{
    static const uint8_t unused_name[] = {1, 0, 1, 0, 1, 'a', 0, 0};
    static const uint8_t name_twice[] = {1, 0, 2, 0, 1, 'a', 0, 1, 'a', 0, 2, 1, 0, 0, 1, 1, 1};
    static const uint8_t out_of_order[] = {1, 0, 1, 0, 1, 'a', 0, 2, 1, 1, 0, 1, 0, 0};
    static const uint8_t sound[] = {1, 0, 2, 0, 1, 'b', 0, 1, 'a', 0, 2, 1, 0, 1, 1, 1, 0};
    static struct calendar_import back;
    uint8_t again[sizeof(sound)];

    (void)state;
    assert_false(calendar_import_decode(unused_name, sizeof(unused_name), &back));
    assert_false(calendar_import_decode(name_twice, sizeof(name_twice), &back));
    assert_false(calendar_import_decode(out_of_order, sizeof(out_of_order), &back));
    assert_true(calendar_import_decode(sound, sizeof(sound), &back));
    assert_int_equal(calendar_import_encode(&back, again, sizeof(again)), sizeof(sound));
    assert_memory_equal(again, sound, sizeof(sound));
}

#define IN_FRESH_CALENDAR(test) cmocka_unit_test_setup(test, fresh_calendar)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FRESH_CALENDAR(a_calendar_comes_back_from_its_records),
        IN_FRESH_CALENDAR(the_fullest_calendar_fits_its_records),
        IN_FRESH_CALENDAR(the_first_and_the_last_day_of_an_import_come_back),
        IN_FRESH_CALENDAR(a_damaged_record_is_refused_or_harmless),
        IN_FRESH_CALENDAR(a_list_that_nobody_would_have_written_is_refused),
        IN_FRESH_CALENDAR(a_record_out_of_order_or_with_too_much_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
