/* The calendar of a site: dates, levels, deadlines, overrides, business days. */
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

enum { HOUR_MS = 3600000 };

static struct calendar calendar;

static int fresh_calendar(void **state)
{
    (void)state;
    calendar_init(&calendar);
    return 0;
}

static struct calendar_day day_of(uint32_t date)
{
    struct calendar_day day;

    calendar_get_day(&calendar, date, &day);
    return day;
}

static struct calendar_date parts_of(uint32_t date)
{
    struct calendar_date parts;

    assert_true(calendar_date_from_number(date, &parts));
    return parts;
}

static int64_t ms_at(uint32_t date, uint16_t hour, uint16_t minute)
{
    return calendar_epoch_ms_from(&calendar, date, (uint16_t)(hour * 60 + minute));
}

static struct calendar_state state_at(uint32_t date, uint16_t hour, uint16_t minute)
{
    struct calendar_state state;

    calendar_get_state(&calendar, ms_at(date, hour, minute), &state);
    return state;
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

/* ---- Dates */

static void every_day_of_ten_thousand_years_counts_there_and_back(void **state)
{
    uint32_t date = 10101;
    int32_t count = calendar_day_count(parts_of(date));
    enum calendar_weekday weekday = calendar_weekday_of(parts_of(date));

    (void)state;
    assert_int_equal(calendar_day_count(parts_of(19700101)), 0);
    assert_int_equal(calendar_day_count(parts_of(20261123)), 20780);
    assert_int_equal(calendar_weekday_of(parts_of(20261123)), CALENDAR_MONDAY);
    for (uint32_t days = 0; days < 3652059; days++) {
        struct calendar_date parts = parts_of(date);

        if (calendar_day_count(parts) != count ||
            calendar_date_to_number(calendar_date_from_day_count(count)) != date ||
            calendar_weekday_of(parts) != weekday) {
            fail_msg("%u is not day %d", date, count);
        }
        weekday = (weekday + 1) % CALENDAR_WEEKDAYS;
        count++;
        date = calendar_date_plus(date, 1);
    }
    assert_int_equal(date, 0);
}

static void what_is_no_date_is_refused(void **state)
{
    static const uint32_t bad[] = {0,        1,        20260000, 20260100, 20261301, 20260132,
                                   20260431, 20270229, 21000229, 101,      100000101};
    struct calendar_date parts = {7, 7, 7};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_false(calendar_date_from_number(bad[i], &parts));
        assert_int_equal(calendar_date_plus(bad[i], 1), 0);
        assert_int_equal(calendar_epoch_ms_from(&calendar, bad[i], 0), CALENDAR_NEVER_MS);
        assert_false(day_of(bad[i]).open);
        assert_int_equal(day_of(bad[i]).reason, CALENDAR_REASON_INVALID_DATE);
        assert_non_null(day_of(bad[i]).name_ja);
    }
    assert_int_equal(parts.year, 7);
    assert_true(calendar_date_from_number(20280229, &parts));
    assert_true(calendar_date_from_number(20000229, &parts));
    assert_int_equal(calendar_date_to_number(calendar_date_from_day_count(INT32_MIN)), 10101);
    assert_int_equal(calendar_date_to_number(calendar_date_from_day_count(INT32_MAX)), 99991231);
    assert_int_equal(calendar_date_plus(10101, -1), 0);
    assert_int_equal(calendar_date_plus(20260101, INT32_MAX), 0);
    assert_int_equal(calendar_date_plus(20260101, -1), 20251231);
}

static void dates_are_written_in_eras(void **state)
{
    static const struct {
        uint32_t date;
        const char *text;
    } cases[] = {
        {20261101, "令和8年11月1日"},
        {20311031, "令和13年10月31日"},
        {20190501, "令和元年5月1日"},
        {20190430, "平成31年4月30日"},
        {19890108, "平成元年1月8日"},
        {19890107, "昭和64年1月7日"},
        {19261225, "昭和元年12月25日"},
        {19261224, ""},
        {20260230, ""},
        {99991231, "令和7981年12月31日"},
    };
    char text[CALENDAR_ERA_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        calendar_era_text(cases[i].date, text);
        assert_string_equal(text, cases[i].text);
    }
}

/* ---- Moments */

static void a_day_runs_through_its_levels(void **state)
{
    static const struct {
        uint32_t date;
        uint16_t hour, minute;
        enum calendar_level level;
        uint32_t next_date;
        uint32_t change_date;
        uint16_t change_minute;
    } cases[] = {
        {20261124, 0, 0, CALENDAR_BEFORE_OPENING, 20261124, 20261124, 450},
        {20261124, 7, 29, CALENDAR_BEFORE_OPENING, 20261124, 20261124, 450},
        {20261124, 7, 30, CALENDAR_LEAD, 20261124, 20261124, 510},
        {20261124, 8, 29, CALENDAR_LEAD, 20261124, 20261124, 510},
        {20261124, 8, 30, CALENDAR_OPEN, 20261125, 20261124, 1020},
        {20261124, 16, 59, CALENDAR_OPEN, 20261125, 20261124, 1020},
        {20261124, 17, 0, CALENDAR_AFTER_CLOSING, 20261125, 20261125, 0},
        {20261123, 12, 0, CALENDAR_CLOSED_DAY, 20261124, 20261124, 0},
        {20261120, 18, 0, CALENDAR_AFTER_CLOSING, 20261124, 20261121, 0},
        {20261228, 18, 0, CALENDAR_AFTER_CLOSING, 20270104, 20261229, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct calendar_state now = state_at(cases[i].date, cases[i].hour, cases[i].minute);

        assert_int_equal(now.today.date, cases[i].date);
        assert_int_equal(now.level, cases[i].level);
        assert_int_equal(now.next_opening_date, cases[i].next_date);
        assert_int_equal(now.next_opening_ms, ms_at(cases[i].next_date, 8, 30));
        assert_int_equal(now.next_change_ms, calendar_epoch_ms_from(&calendar, cases[i].change_date,
                                                                    cases[i].change_minute));
    }
}

static void a_level_begins_with_its_millisecond(void **state)
{
    struct calendar_state now;
    int64_t opening_ms = ms_at(20261124, 8, 30);

    (void)state;
    calendar_get_state(&calendar, opening_ms - 1, &now);
    assert_int_equal(now.level, CALENDAR_LEAD);
    assert_int_equal(now.next_opening_ms, opening_ms);
    assert_int_equal(now.next_change_ms, opening_ms);
    calendar_get_state(&calendar, opening_ms, &now);
    assert_int_equal(now.level, CALENDAR_OPEN);
    assert_true(now.next_opening_ms > opening_ms);
}

static void following_the_changes_sees_every_level_of_a_year(void **state)
{
    int64_t at_ms = ms_at(20260101, 0, 0);
    int64_t end_ms = ms_at(20270101, 0, 0);
    struct calendar_state now, before;
    size_t openings = 0;

    (void)state;
    while (at_ms < end_ms) {
        calendar_get_state(&calendar, at_ms, &now);
        openings += now.level == CALENDAR_OPEN ? 1 : 0;
        assert_true(now.next_change_ms > at_ms && now.next_change_ms <= at_ms + 24 * HOUR_MS);
        /* Nothing changes in between: the last millisecond still has this level and this day. */
        calendar_get_state(&calendar, now.next_change_ms - 1, &before);
        assert_int_equal(before.level, now.level);
        assert_int_equal(before.today.date, now.today.date);
        assert_int_equal(before.next_change_ms, now.next_change_ms);
        at_ms = now.next_change_ms;
    }
    assert_int_equal(openings, 240);
}

static void local_time_follows_the_offset_across_midnight(void **state)
{
    struct calendar_moment moment = calendar_moment_from_epoch_ms(&calendar, 1764000000123);

    (void)state;
    assert_int_equal(moment.date, 20251125);
    assert_int_equal(moment.minute, 60);
    assert_int_equal(moment.second, 0);
    moment = calendar_moment_from_epoch_ms(&calendar, 0);
    assert_int_equal(moment.date, 19700101);
    assert_int_equal(moment.minute, 540);
    moment = calendar_moment_from_epoch_ms(&calendar, -1 - 9 * HOUR_MS);
    assert_int_equal(moment.date, 19691231);
    assert_int_equal(moment.minute, 1439);
    assert_int_equal(moment.second, 59);
    assert_int_equal(calendar_epoch_ms_from(&calendar, 19700101, 540), 0);
    assert_int_equal(calendar_epoch_ms_from(&calendar, 20261231, 1440), ms_at(20270101, 0, 0));
    calendar.utc_offset_minutes = -300;
    assert_int_equal(calendar_moment_from_epoch_ms(&calendar, 0).date, 19691231);
    assert_int_equal(calendar_moment_from_epoch_ms(&calendar, 0).minute, 19 * 60);
}

static void a_clock_gone_mad_still_has_an_answer(void **state)
{
    static const int64_t mad_ms[] = {INT64_MIN, INT64_MIN + 1, -1, 0, INT64_MAX - 1, INT64_MAX};
    struct calendar_state now;

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(mad_ms); i++) {
        calendar_get_state(&calendar, mad_ms[i], &now);
        assert_int_equal(now.level, CALENDAR_CLOSED_DAY);
        assert_int_equal(now.today.reason, CALENDAR_REASON_UNKNOWN_YEAR);
        assert_int_equal(now.next_opening_date, 0);
        assert_true(now.next_opening_ms == CALENDAR_NEVER_MS);
        assert_true(now.recovery_deadline_ms == CALENDAR_NEVER_MS);
    }
    assert_int_equal(calendar_moment_from_epoch_ms(&calendar, INT64_MIN).date, 10101);
    assert_int_equal(calendar_moment_from_epoch_ms(&calendar, INT64_MAX).date, 99991231);
    assert_int_equal(calendar_moment_from_epoch_ms(&calendar, INT64_MAX).second, 59);
}

static void an_office_that_never_opens_is_not_searched_for_ever(void **state)
{
    struct calendar_state now;

    (void)state;
    for (size_t day = 0; day < CALENDAR_WEEKDAYS; day++) {
        calendar.hours[day].open = false;
    }
    now = state_at(20261124, 9, 0);
    assert_int_equal(now.level, CALENDAR_CLOSED_DAY);
    assert_int_equal(now.today.reason, CALENDAR_REASON_WEEKLY_CLOSING);
    assert_string_equal(now.today.name_ja, "火曜日");
    assert_int_equal(now.next_opening_date, 0);
    assert_true(now.next_opening_ms == CALENDAR_NEVER_MS);
    assert_int_equal(calendar_opening_day_after(&calendar, 20261124), 0);
    override_day(20281224, true, 600, 660);
    assert_int_equal(calendar_opening_day_after(&calendar, 20261124), 20281224);
}

static void a_fault_is_due_before_the_next_opening(void **state)
{
    static const struct {
        uint32_t date;
        uint16_t hour, minute;
        uint32_t due;
    } cases[] = {
        {20261124, 10, 0, 20261125},  /* while open */
        {20261124, 20, 0, 20261125},  /* in the evening */
        {20261124, 3, 0, 20261124},   /* at night: the strict reading of R-033 */
        {20261120, 16, 59, 20261124}, /* Friday before a holiday on Monday */
        {20261228, 9, 0, 20270104},   /* the last day of the year */
        {20260501, 9, 0, 20260507},   /* 5/2 Saturday to 5/6 substitute */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int64_t began_ms = ms_at(cases[i].date, cases[i].hour, cases[i].minute);
        struct calendar_state now = state_at(cases[i].date, cases[i].hour, cases[i].minute);

        assert_int_equal(calendar_recovery_deadline_ms(&calendar, began_ms),
                         ms_at(cases[i].due, 8, 30));
        assert_int_equal(now.recovery_deadline_ms, ms_at(cases[i].due, 8, 30));
    }
}

static void the_lead_time_does_not_reach_into_yesterday(void **state)
{
    (void)state;
    override_day(20261124, true, 30, 90);
    assert_int_equal(state_at(20261123, 23, 59).level, CALENDAR_CLOSED_DAY);
    assert_int_equal(state_at(20261124, 0, 0).level, CALENDAR_LEAD);
    assert_int_equal(state_at(20261124, 0, 0).next_change_ms, ms_at(20261124, 0, 30));
    assert_int_equal(state_at(20261124, 0, 30).level, CALENDAR_OPEN);
    calendar.lead_minutes = 0;
    assert_int_equal(state_at(20261124, 0, 29).level, CALENDAR_BEFORE_OPENING);
    override_day(20261124, true, 0, 1440);
    assert_int_equal(state_at(20261124, 0, 0).level, CALENDAR_OPEN);
    assert_int_equal(state_at(20261124, 23, 59).level, CALENDAR_OPEN);
    assert_int_equal(state_at(20261124, 23, 59).next_change_ms, ms_at(20261125, 0, 0));
}

/* ---- The site's own days */

static void an_override_beats_everything(void **state)
{
    struct calendar_override closed = {
        .date = 20261124, .reason_ja = "停電点検", .reason_en = "Power inspection"};
    struct calendar_day day;

    (void)state;
    override_day(20260101, true, 540, 720);  /* national holiday and yearly closing */
    override_day(20260328, true, 540, 1020); /* Saturday */
    assert_int_equal(calendar_set_override(&calendar, &closed), CALENDAR_PROBLEM_NONE);
    add_day(&calendar.import, 20260922, "休日");
    override_day(20260922, true, 510, 720); /* imported */
    day = day_of(20260101);
    assert_true(day.open);
    assert_int_equal(day.reason, CALENDAR_REASON_SITE_OPEN);
    assert_int_equal(day.source, CALENDAR_SOURCE_OVERRIDE);
    assert_int_equal(day.open_minute, 540);
    assert_int_equal(day.close_minute, 720);
    assert_string_equal(day.name_ja, "臨時開庁日");
    assert_string_equal(day.name_en, "Special opening day");
    assert_true(day_of(20260328).open);
    assert_true(day_of(20260922).open);
    day = day_of(20261124);
    assert_false(day.open);
    assert_int_equal(day.reason, CALENDAR_REASON_SITE_CLOSED);
    assert_string_equal(day.name_ja, "停電点検");
    assert_string_equal(day.name_en, "Power inspection");
    calendar_get_ordinary_day(&calendar, 20261124, &day);
    assert_true(day.open);
    assert_int_equal(state_at(20260328, 9, 0).level, CALENDAR_OPEN);
    assert_int_equal(state_at(20260327, 18, 0).next_opening_ms, ms_at(20260328, 9, 0));
}

static void a_year_without_known_holidays_stays_closed_unless_the_site_says_so(void **state)
{
    (void)state;
    assert_int_equal(day_of(19791228).reason, CALENDAR_REASON_UNKNOWN_YEAR);
    assert_int_equal(day_of(21000104).reason, CALENDAR_REASON_UNKNOWN_YEAR);
    assert_false(day_of(19700105).open);
    assert_false(calendar_is_business_day(&calendar, 19700105));
    assert_true(day_of(20991228).open);
    override_day(21000104, true, 540, 600);
    assert_true(day_of(21000104).open);
    assert_int_equal(day_of(21000104).reason, CALENDAR_REASON_SITE_OPEN);
}

static void an_override_is_replaced_and_removed(void **state)
{
    struct calendar_override open = {.date = 20261124, .hours = {true, 600, 660}};

    (void)state;
    override_day(20261124, false, 77, 7);
    override_day(20261120, false, 0, 0);
    override_day(20261128, true, 600, 660);
    assert_int_equal(calendar.override_count, 3);
    assert_string_equal(day_of(20261124).name_ja, "臨時閉庁日");
    assert_string_equal(day_of(20261124).name_en, "Special closing day");
    assert_int_equal(calendar.overrides[1].hours.open_minute, 0);
    assert_int_equal(calendar_set_override(&calendar, &open), CALENDAR_PROBLEM_NONE);
    assert_int_equal(calendar.override_count, 3);
    assert_int_equal(day_of(20261124).open_minute, 600);
    assert_true(calendar_remove_override(&calendar, 20261120));
    assert_false(calendar_remove_override(&calendar, 20261120));
    assert_false(calendar_remove_override(&calendar, 20261231));
    assert_int_equal(calendar.override_count, 2);
    assert_int_equal(day_of(20261120).reason, CALENDAR_REASON_WEEKDAY);
    assert_int_equal(day_of(20261124).open_minute, 600);
    assert_int_equal(day_of(20261128).open_minute, 600);
}

static void a_wrong_override_is_refused_and_changes_nothing(void **state)
{
    static const struct calendar_override wrong[] = {
        {.date = 20270229},
        {.date = 20261124, .hours = {true, 600, 600}},
        {.date = 20261124, .hours = {true, 600, 1441}},
        {.date = 20261124, .reason_ja = "two\nlines"},
        {.date = 20261124, .reason_en = "\xff"},
    };
    static const enum calendar_problem problems[] = {
        CALENDAR_PROBLEM_DATE, CALENDAR_PROBLEM_HOURS, CALENDAR_PROBLEM_HOURS,
        CALENDAR_PROBLEM_TEXT, CALENDAR_PROBLEM_TEXT,
    };
    struct calendar_override endless = {.date = 20261124};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        assert_int_equal(calendar_set_override(&calendar, &wrong[i]), problems[i]);
    }
    memset(endless.reason_ja, 'a', sizeof(endless.reason_ja));
    assert_int_equal(calendar_set_override(&calendar, &endless), CALENDAR_PROBLEM_TEXT);
    assert_int_equal(calendar.override_count, 0);
    for (int32_t i = 0; i < CALENDAR_OVERRIDES_MAX; i++) {
        override_day(calendar_date_plus(20270101, i), false, 0, 0);
    }
    assert_int_equal(
        calendar_set_override(&calendar, &(struct calendar_override){.date = 20261124}),
        CALENDAR_PROBLEM_OVERRIDES);
    override_day(20270101, true, 600, 660); /* replacing needs no room */
}

static void settings_that_make_no_sense_are_found(void **state)
{
    (void)state;
    assert_int_equal(calendar_check(&calendar), CALENDAR_PROBLEM_NONE);
    calendar.hours[CALENDAR_SATURDAY] = (struct calendar_hours){true, 600, 540};
    assert_int_equal(calendar_check(&calendar), CALENDAR_PROBLEM_HOURS);
    calendar_init(&calendar);
    calendar.lead_minutes = CALENDAR_LEAD_MINUTES_MAX + 1;
    assert_int_equal(calendar_check(&calendar), CALENDAR_PROBLEM_LEAD);
    calendar_init(&calendar);
    calendar.utc_offset_minutes = CALENDAR_UTC_OFFSET_MINUTES_MAX + 1;
    assert_int_equal(calendar_check(&calendar), CALENDAR_PROBLEM_OFFSET);
    calendar.utc_offset_minutes = -CALENDAR_UTC_OFFSET_MINUTES_MAX - 1;
    assert_int_equal(calendar_check(&calendar), CALENDAR_PROBLEM_OFFSET);
    calendar_init(&calendar);
    calendar.closing_first = 1232;
    assert_int_equal(calendar_check(&calendar), CALENDAR_PROBLEM_CLOSING);
    calendar.closing_first = 1229;
    calendar.closing_last = 0;
    assert_int_equal(calendar_check(&calendar), CALENDAR_PROBLEM_CLOSING);
    calendar.closing_last = 20101;
    assert_int_equal(calendar_check(&calendar), CALENDAR_PROBLEM_CLOSING);
    calendar.closing_first = calendar.closing_last = 0;
    assert_int_equal(calendar_check(&calendar), CALENDAR_PROBLEM_NONE);
}

static void the_yearly_closing_is_the_sites(void **state)
{
    (void)state;
    calendar.closing_first = 813;
    calendar.closing_last = 814;
    assert_false(day_of(20260813).open);
    assert_int_equal(day_of(20260814).reason, CALENDAR_REASON_YEAR_END_CLOSING);
    assert_true(day_of(20260812).open);
    assert_true(day_of(20261229).open);
    calendar.closing_first = calendar.closing_last = 0;
    assert_true(day_of(20260813).open);
    assert_true(day_of(20261229).open);
}

static void a_weekday_may_have_its_own_hours(void **state)
{
    (void)state;
    calendar.hours[CALENDAR_TUESDAY].close_minute = 19 * 60;
    calendar.hours[CALENDAR_SATURDAY] = (struct calendar_hours){true, 540, 720};
    assert_int_equal(state_at(20261124, 18, 0).level, CALENDAR_OPEN);
    assert_int_equal(state_at(20261125, 18, 0).level, CALENDAR_AFTER_CLOSING);
    assert_int_equal(day_of(20261128).reason, CALENDAR_REASON_WEEKDAY);
    assert_int_equal(state_at(20261127, 18, 0).next_opening_ms, ms_at(20261128, 9, 0));
    assert_false(calendar_is_business_day(&calendar, 20261128));
}

/* ---- Business days */

static void reports_are_due_on_the_tenth_business_day(void **state)
{
    (void)state;
    /* 2026-12: 1 2 3 4 7 8 9 10 11 14 */
    assert_int_equal(calendar_report_due_date(&calendar, 20261130, CALENDAR_DUE_TENTH_BUSINESS_DAY),
                     20261214);
    assert_int_equal(calendar_report_due_date(&calendar, 20261130, CALENDAR_DUE_TENTH_OR_LATER),
                     20261210);
    /* 2027-01: 4 5 6 7 8 12 13 14 15 18, the 11th is a holiday, the 10th a Sunday */
    assert_int_equal(calendar_report_due_date(&calendar, 20261231, CALENDAR_DUE_TENTH_BUSINESS_DAY),
                     20270118);
    assert_int_equal(calendar_report_due_date(&calendar, 20261231, CALENDAR_DUE_TENTH_OR_LATER),
                     20270112);
    assert_int_equal(calendar_report_due_date(&calendar, 20260230, CALENDAR_DUE_TENTH_OR_LATER), 0);
}

static void business_days_are_counted_off(void **state)
{
    (void)state;
    assert_int_equal(calendar_business_day_after(&calendar, 20261120, 0), 20261120);
    assert_int_equal(calendar_business_day_after(&calendar, 20261120, 1), 20261124);
    assert_int_equal(calendar_business_day_after(&calendar, 20261121, 0), 20261124);
    assert_int_equal(calendar_business_day_after(&calendar, 20261228, 2), 20270105);
    assert_int_equal(calendar_business_day_after(&calendar, 20991230, 1), 0);
    assert_int_equal(calendar_business_day_after(&calendar, 20261120, UINT32_MAX), 0);
    assert_int_equal(calendar_business_day_after(&calendar, 20260230, 0), 0);
    assert_int_equal(calendar_business_day_of_month(&calendar, 2026, 11, 1), 20261102);
    assert_int_equal(calendar_business_day_of_month(&calendar, 2026, 11, 19), 20261130);
    assert_int_equal(calendar_business_day_of_month(&calendar, 2026, 11, 20), 0);
    assert_int_equal(calendar_business_day_of_month(&calendar, 2026, 11, 0), 0);
    assert_int_equal(calendar_business_day_of_month(&calendar, 2026, 13, 1), 0);
    assert_int_equal(calendar_business_day_of_month(&calendar, 2150, 1, 2), 0);
    assert_int_equal(calendar_business_day_count(&calendar, 20261124, 20261124), 1);
    assert_int_equal(calendar_business_day_count(&calendar, 20261125, 20261124), 0);
    assert_int_equal(calendar_business_day_count(&calendar, 20260230, 20261124), 0);
    assert_int_equal(calendar_business_day_count(&calendar, 10101, 99991231),
                     calendar_business_day_count(&calendar, 19800101, 20991231));
}

static void a_special_opening_moves_no_contract_date(void **state)
{
    (void)state;
    override_day(20261205, true, 540, 720);
    override_day(20261207, false, 0, 0);
    assert_false(calendar_is_business_day(&calendar, 20261205));
    assert_true(calendar_is_business_day(&calendar, 20261207));
    assert_int_equal(calendar_report_due_date(&calendar, 20261130, CALENDAR_DUE_TENTH_BUSINESS_DAY),
                     20261214);
}

static void the_telephone_desk_answers_on_business_days(void **state)
{
    (void)state;
    assert_true(calendar_is_business_time(&calendar, ms_at(20261124, 8, 30), 510, 1050));
    assert_true(calendar_is_business_time(&calendar, ms_at(20261124, 17, 29), 510, 1050));
    assert_false(calendar_is_business_time(&calendar, ms_at(20261124, 17, 30), 510, 1050));
    assert_false(calendar_is_business_time(&calendar, ms_at(20261124, 8, 29), 510, 1050));
    assert_false(calendar_is_business_time(&calendar, ms_at(20261123, 12, 0), 510, 1050));
}

static void codes_and_texts_are_there_for_each_value(void **state)
{
    (void)state;
    for (int value = 0; value <= CALENDAR_REASON_SITE_CLOSED; value++) {
        assert_true(calendar_reason_code((enum calendar_reason)value)[0] != '\0');
    }
    for (int value = 0; value <= CALENDAR_AFTER_CLOSING; value++) {
        assert_true(calendar_level_code((enum calendar_level)value)[0] != '\0');
    }
    for (int value = 0; value <= CALENDAR_PROBLEM_OVERRIDES; value++) {
        assert_true(calendar_problem_ja((enum calendar_problem)value)[0] != '\0');
        assert_true(calendar_problem_en((enum calendar_problem)value)[0] != '\0');
    }
    assert_string_equal(calendar_reason_code((enum calendar_reason)99), "");
    assert_string_equal(calendar_level_code((enum calendar_level)99), "");
    assert_string_equal(calendar_problem_ja((enum calendar_problem)99), "");
    assert_string_equal(calendar_problem_en((enum calendar_problem)99), "");
    assert_string_equal(calendar_weekday_ja((enum calendar_weekday)99), "");
    assert_string_equal(calendar_weekday_en((enum calendar_weekday)99), "");
    assert_string_equal(calendar_reason_code(CALENDAR_REASON_SUBSTITUTE_HOLIDAY),
                        "SUBSTITUTE_HOLIDAY");
    assert_string_equal(calendar_level_code(CALENDAR_LEAD), "LEAD");
    assert_null(calendar_holiday_name_en("そんな日はない"));
}

#define IN_FRESH_CALENDAR(test) cmocka_unit_test_setup(test, fresh_calendar)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FRESH_CALENDAR(every_day_of_ten_thousand_years_counts_there_and_back),
        IN_FRESH_CALENDAR(what_is_no_date_is_refused),
        IN_FRESH_CALENDAR(dates_are_written_in_eras),
        IN_FRESH_CALENDAR(a_day_runs_through_its_levels),
        IN_FRESH_CALENDAR(a_level_begins_with_its_millisecond),
        IN_FRESH_CALENDAR(following_the_changes_sees_every_level_of_a_year),
        IN_FRESH_CALENDAR(local_time_follows_the_offset_across_midnight),
        IN_FRESH_CALENDAR(a_clock_gone_mad_still_has_an_answer),
        IN_FRESH_CALENDAR(an_office_that_never_opens_is_not_searched_for_ever),
        IN_FRESH_CALENDAR(a_fault_is_due_before_the_next_opening),
        IN_FRESH_CALENDAR(the_lead_time_does_not_reach_into_yesterday),
        IN_FRESH_CALENDAR(an_override_beats_everything),
        IN_FRESH_CALENDAR(a_year_without_known_holidays_stays_closed_unless_the_site_says_so),
        IN_FRESH_CALENDAR(an_override_is_replaced_and_removed),
        IN_FRESH_CALENDAR(a_wrong_override_is_refused_and_changes_nothing),
        IN_FRESH_CALENDAR(settings_that_make_no_sense_are_found),
        IN_FRESH_CALENDAR(the_yearly_closing_is_the_sites),
        IN_FRESH_CALENDAR(a_weekday_may_have_its_own_hours),
        IN_FRESH_CALENDAR(reports_are_due_on_the_tenth_business_day),
        IN_FRESH_CALENDAR(business_days_are_counted_off),
        IN_FRESH_CALENDAR(a_special_opening_moves_no_contract_date),
        IN_FRESH_CALENDAR(the_telephone_desk_answers_on_business_days),
        IN_FRESH_CALENDAR(codes_and_texts_are_there_for_each_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
