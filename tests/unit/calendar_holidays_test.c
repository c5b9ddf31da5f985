/* Holidays: the law against the published file and the known years, and what an imported list
 * changes. */
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

static void add_day(struct calendar_import *import, uint32_t date, const char *name)
{
    assert_int_equal(calendar_import_add(import, date, name, strlen(name)), CALENDAR_IMPORT_OK);
}

/* ---- The law */

/* The published file as it is: only its names are compared, in CP932. */
struct published {
    struct {
        uint32_t date;
        char name[64];
    } days[CALENDAR_IMPORT_DAYS_MAX];
    size_t count;
};

static struct published published;

static int read_published(void **state)
{
    FILE *file = fopen("tests/lib/data/syukujitsu.csv", "rb");
    char line[128];

    (void)state;
    if (file == NULL) {
        return -1;
    }
    published.count = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        unsigned year, month, day;
        char name[64];

        if (sscanf(line, "%u/%u/%u,%63[^\r\n]", &year, &month, &day, name) == 4) {
            published.days[published.count].date = year * 10000 + month * 100 + day;
            memcpy(published.days[published.count++].name, name, sizeof(name));
        }
    }
    (void)fclose(file);
    return published.count == 1067 ? 0 : -1;
}

/* CP932 of the names that the law gives; the file says 休日 of every substitute and day between. */
static const struct {
    const char *utf8, *cp932;
} cp932_names[] = {
    {"元日", "\x8c\xb3\x93\xfa"},
    {"成人の日", "\x90\xac\x90\x6c\x82\xcc\x93\xfa"},
    {"建国記念の日", "\x8c\x9a\x8d\x91\x8b\x4c\x94\x4f\x82\xcc\x93\xfa"},
    {"天皇誕生日", "\x93\x56\x8d\x63\x92\x61\x90\xb6\x93\xfa"},
    {"春分の日", "\x8f\x74\x95\xaa\x82\xcc\x93\xfa"},
    {"昭和の日", "\x8f\xba\x98\x61\x82\xcc\x93\xfa"},
    {"憲法記念日", "\x8c\x9b\x96\x40\x8b\x4c\x94\x4f\x93\xfa"},
    {"みどりの日", "\x82\xdd\x82\xc7\x82\xe8\x82\xcc\x93\xfa"},
    {"こどもの日", "\x82\xb1\x82\xc7\x82\xe0\x82\xcc\x93\xfa"},
    {"海の日", "\x8a\x43\x82\xcc\x93\xfa"},
    {"山の日", "\x8e\x52\x82\xcc\x93\xfa"},
    {"敬老の日", "\x8c\x68\x98\x56\x82\xcc\x93\xfa"},
    {"秋分の日", "\x8f\x48\x95\xaa\x82\xcc\x93\xfa"},
    {"体育の日", "\x91\xcc\x88\xe7\x82\xcc\x93\xfa"},
    {"スポーツの日", "\x83\x58\x83\x7c\x81\x5b\x83\x63\x82\xcc\x93\xfa"},
    {"文化の日", "\x95\xb6\x89\xbb\x82\xcc\x93\xfa"},
    {"勤労感謝の日", "\x8b\xce\x98\x4a\x8a\xb4\x8e\xd3\x82\xcc\x93\xfa"},
    {"大喪の礼", "\x91\xe5\x91\x72\x82\xcc\x97\xe7"},
    {"即位礼正殿の儀", "\x91\xa6\x88\xca\x97\xe7\x90\xb3\x93\x61\x82\xcc\x8b\x56"},
    {"結婚の儀", "\x8c\x8b\x8d\xa5\x82\xcc\x8b\x56"},
    {"振替休日", "\x8b\x78\x93\xfa"},
    {"国民の休日", "\x8b\x78\x93\xfa"},
};

static const char *cp932_of(const char *utf8)
{
    for (size_t i = 0; i < ARRAY_COUNT(cp932_names); i++) {
        if (strcmp(cp932_names[i].utf8, utf8) == 0) {
            return cp932_names[i].cp932;
        }
    }
    return NULL;
}

static bool file_names_it_otherwise(uint32_t date)
{
    /* 休日（祝日扱い）, and 体育の日（スポーツの日） for the last 体育の日. */
    return date == 20190501 || date == 20191022 || date == 20191014;
}

static void the_law_agrees_with_the_published_file_day_by_day(void **state)
{
    size_t at = 0;
    size_t holidays = 0;

    (void)state;
    while (published.days[at].date < 19800101) {
        at++;
    }
    for (uint32_t date = 19800101; date <= 20271231; date = calendar_date_plus(date, 1)) {
        struct calendar_holiday holiday = calendar_holiday_by_law(parts_of(date));
        bool listed = at < published.count && published.days[at].date == date;

        if ((holiday.kind != CALENDAR_HOLIDAY_NONE) != listed) {
            fail_msg("%u: law %s, file %s", date, holiday.name_ja,
                     listed ? "holiday" : "no holiday");
        }
        if (listed) {
            if (!file_names_it_otherwise(date)) {
                assert_non_null(cp932_of(holiday.name_ja));
                assert_string_equal(published.days[at].name, cp932_of(holiday.name_ja));
            }
            assert_true(holiday.name_en[0] != '\0');
            at++;
            holidays++;
        }
    }
    assert_int_equal(at, published.count);
    assert_true(holidays > 750);
}

struct year_case {
    uint16_t year;
    uint8_t holiday_count;
    uint16_t open_count;
    uint32_t movable[12]; /* month * 100 + day, of what has no fixed day */
    char kinds[12];       /* N national, S substitute, B between */
};

static const struct year_case year_cases[] = {
    {2026, 18, 240, {112, 320, 506, 720, 921, 922, 923, 1012}, "NNSNNBNN"},
    {2027, 17, 242, {111, 321, 322, 719, 920, 923, 1011}, "NNSNNNN"},
    {2028, 16, 244, {110, 320, 717, 918, 922, 1009}, "NNNNNN"},
    {2029, 19, 245, {108, 212, 320, 430, 716, 917, 923, 924, 1008}, "NSNSNNNSN"},
    {2030, 19, 244, {114, 320, 506, 715, 812, 916, 923, 1014, 1104}, "NNSNSNNNS"},
    {2031, 19, 241, {113, 224, 321, 506, 721, 915, 923, 1013, 1124}, "NSNSNNNNS"},
};

static bool has_fixed_day(uint32_t month_day)
{
    static const uint32_t fixed[] = {101, 211, 223, 429, 503, 504, 505, 811, 1103, 1123};

    for (size_t i = 0; i < ARRAY_COUNT(fixed); i++) {
        if (fixed[i] == month_day) {
            return true;
        }
    }
    return false;
}

static void the_years_of_the_contract_have_their_known_holidays(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(year_cases); i++) {
        const struct year_case *year = &year_cases[i];
        uint32_t first = year->year * 10000U + 101;
        uint32_t last = year->year * 10000U + 1231;
        size_t holidays = 0, movable = 0, open = 0;

        for (uint32_t date = first; date <= last; date = calendar_date_plus(date, 1)) {
            struct calendar_holiday holiday = calendar_holiday_by_law(parts_of(date));

            open += day_of(date).open ? 1 : 0;
            if (holiday.kind == CALENDAR_HOLIDAY_NONE) {
                continue;
            }
            holidays++;
            if (!has_fixed_day(date % 10000)) {
                assert_int_equal(date % 10000, year->movable[movable]);
                assert_int_equal(holiday.kind,
                                 year->kinds[movable] == 'N'   ? CALENDAR_HOLIDAY_NATIONAL
                                 : year->kinds[movable] == 'S' ? CALENDAR_HOLIDAY_SUBSTITUTE
                                                               : CALENDAR_HOLIDAY_BETWEEN);
                movable++;
            }
        }
        assert_int_equal(movable, strlen(year->kinds));
        assert_int_equal(holidays, year->holiday_count);
        assert_int_equal(open, year->open_count);
        assert_int_equal(calendar_business_day_count(&calendar, first, last), year->open_count);
    }
    assert_int_equal(calendar_business_day_count(&calendar, 20261101, 20311031), 1217);
    assert_int_equal(calendar_holiday_by_law(parts_of(20320921)).kind, CALENDAR_HOLIDAY_BETWEEN);
}

/* The last digit of the equinox day in Japan for each year from 1980, worked out by an astronomical
 * series for the moment of the equinox (Meeus) and the expected rotation of the earth, not by the
 * formula under test. The nearest to midnight is 2074-09-23 at 00:04: a forecast in either way. */
static void the_equinoxes_follow_the_sun_until_2099(void **state)
{
    static const char march[] = "011101110111001100110011001100110011001100110001000100010001"
                                "000100010001000100000000000000000000000000000000000090009000";
    static const char september[] = "333333333333333333333333333333332333233323332333233323332333"
                                    "233322332233223322332233223322332233222322232223222322232223";

    (void)state;
    for (uint32_t i = 0; i < 120; i++) {
        uint32_t spring = (1980 + i) * 10000 + 310 + (uint32_t)(march[i] - '0');
        uint32_t autumn = (1980 + i) * 10000 + 920 + (uint32_t)(september[i] - '0');

        spring += march[i] == '9' ? 0 : 10;
        assert_string_equal(calendar_holiday_by_law(parts_of(spring)).name_ja, "春分の日");
        assert_string_equal(calendar_holiday_by_law(parts_of(autumn)).name_ja, "秋分の日");
    }
}

static void the_law_says_why_a_day_is_off(void **state)
{
    static const struct {
        uint32_t date;
        enum calendar_reason reason;
        const char *ja, *en;
    } cases[] = {
        {20260506, CALENDAR_REASON_SUBSTITUTE_HOLIDAY, "振替休日", "Substitute holiday"},
        {20260922, CALENDAR_REASON_BETWEEN_HOLIDAYS, "国民の休日", "Citizens' holiday"},
        {20260320, CALENDAR_REASON_NATIONAL_HOLIDAY, "春分の日", "Vernal Equinox Day"},
        {19880504, CALENDAR_REASON_BETWEEN_HOLIDAYS, "国民の休日", "Citizens' holiday"},
        {20190430, CALENDAR_REASON_BETWEEN_HOLIDAYS, "国民の休日", "Citizens' holiday"},
        {20190501, CALENDAR_REASON_NATIONAL_HOLIDAY, "天皇の即位の日",
         "Day of the Emperor's Accession"},
        {20260101, CALENDAR_REASON_NATIONAL_HOLIDAY, "元日", "New Year's Day"},
        {20261229, CALENDAR_REASON_YEAR_END_CLOSING, "年末年始の休み", "Year-end closing"},
        {20270102, CALENDAR_REASON_YEAR_END_CLOSING, "年末年始の休み", "Year-end closing"},
        {20230102, CALENDAR_REASON_SUBSTITUTE_HOLIDAY, "振替休日", "Substitute holiday"},
        {20261121, CALENDAR_REASON_WEEKLY_CLOSING, "土曜日", "Saturday"},
        {20261122, CALENDAR_REASON_WEEKLY_CLOSING, "日曜日", "Sunday"},
        {20261124, CALENDAR_REASON_WEEKDAY, "開庁日", "Opening day"},
        {20261228, CALENDAR_REASON_WEEKDAY, "開庁日", "Opening day"},
        {20270104, CALENDAR_REASON_WEEKDAY, "開庁日", "Opening day"},
        {20191223, CALENDAR_REASON_WEEKDAY, "開庁日", "Opening day"},
        {19860505, CALENDAR_REASON_NATIONAL_HOLIDAY, "こどもの日", "Children's Day"},
        {19860504, CALENDAR_REASON_WEEKLY_CLOSING, "日曜日", "Sunday"},
        {19800102, CALENDAR_REASON_YEAR_END_CLOSING, "年末年始の休み", "Year-end closing"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct calendar_day day = day_of(cases[i].date);

        assert_int_equal(day.reason, cases[i].reason);
        assert_string_equal(day.name_ja, cases[i].ja);
        assert_string_equal(day.name_en, cases[i].en);
        assert_int_equal(day.open, cases[i].reason == CALENDAR_REASON_WEEKDAY);
        assert_int_equal(day.open_minute, day.open ? 510 : 0);
        assert_int_equal(day.close_minute, day.open ? 1020 : 0);
    }
}

/* ---- Imported lists */

static void an_import_beats_the_law_in_the_years_it_covers(void **state)
{
    struct calendar_day day;

    (void)state;
    add_day(&calendar.import, 20281123, "勤労感謝の日");
    add_day(&calendar.import, 20280321,
            "春分の日"); /* the gazette says otherwise than the forecast */
    add_day(&calendar.import, 20280703, "新しい祝日");
    add_day(&calendar.import, 20280704, "休日");
    add_day(&calendar.import, 20280503, "休日");
    assert_true(day_of(20280320).open);
    day = day_of(20280321);
    assert_int_equal(day.reason, CALENDAR_REASON_NATIONAL_HOLIDAY);
    assert_int_equal(day.source, CALENDAR_SOURCE_IMPORT);
    assert_string_equal(day.name_en, "Vernal Equinox Day");
    day = day_of(20280703);
    assert_false(day.open);
    assert_string_equal(day.name_ja, "新しい祝日");
    assert_string_equal(day.name_en, "National holiday");
    assert_string_equal(day_of(20280704).name_ja, "休日");
    assert_int_equal(day_of(20280704).reason, CALENDAR_REASON_NATIONAL_HOLIDAY);
    assert_string_equal(day_of(20280503).name_ja, "憲法記念日");
    /* The years around it are the law's. */
    assert_int_equal(day_of(20270321).source, CALENDAR_SOURCE_LAW);
    assert_int_equal(day_of(20290320).source, CALENDAR_SOURCE_LAW);
}

static void an_imported_day_off_is_named_by_the_law_where_it_can_be(void **state)
{
    (void)state;
    add_day(&calendar.import, 20260506, "休日");
    add_day(&calendar.import, 20260922, "休日");
    add_day(&calendar.import, 20191014, "体育の日（スポーツの日）");
    assert_int_equal(day_of(20260506).reason, CALENDAR_REASON_SUBSTITUTE_HOLIDAY);
    assert_string_equal(day_of(20260506).name_ja, "振替休日");
    assert_string_equal(day_of(20260506).name_en, "Substitute holiday");
    assert_int_equal(day_of(20260922).reason, CALENDAR_REASON_BETWEEN_HOLIDAYS);
    assert_string_equal(day_of(20191014).name_ja, "体育の日（スポーツの日）");
    assert_string_equal(day_of(20191014).name_en, "Health and Sports Day");
}

static void an_import_opens_years_that_the_law_here_does_not_know(void **state)
{
    (void)state;
    add_day(&calendar.import, 19790101, "元日");
    add_day(&calendar.import, 19791123, "勤労感謝の日");
    assert_int_equal(day_of(19791122).reason, CALENDAR_REASON_WEEKDAY);
    assert_int_equal(day_of(19791123).reason, CALENDAR_REASON_NATIONAL_HOLIDAY);
    assert_int_equal(day_of(19781122).reason, CALENDAR_REASON_UNKNOWN_YEAR);
}

static void a_day_that_makes_no_sense_is_not_imported(void **state)
{
    struct calendar_import *import = &calendar.import;
    char text[CALENDAR_NAME_BYTES] = {0};

    (void)state;
    assert_int_equal(calendar_import_add(import, 20270229, "x", 1), CALENDAR_IMPORT_BAD_DATE);
    assert_int_equal(calendar_import_add(import, 19471231, "x", 1), CALENDAR_IMPORT_BAD_DATE);
    assert_int_equal(calendar_import_add(import, 21000101, "x", 1), CALENDAR_IMPORT_BAD_DATE);
    assert_int_equal(calendar_import_add(import, 20270101, "", 0), CALENDAR_IMPORT_BAD_NAME);
    memset(text, 'a', sizeof(text));
    assert_int_equal(calendar_import_add(import, 20270101, text, sizeof(text)),
                     CALENDAR_IMPORT_BAD_NAME);
    assert_int_equal(import->day_count, 0);
    assert_int_equal(calendar_import_add(import, 20270101, text, sizeof(text) - 1),
                     CALENDAR_IMPORT_OK);
    assert_int_equal(calendar_import_add(import, 20270101, "y", 1), CALENDAR_IMPORT_DUPLICATE);
    assert_int_equal(strlen(calendar_import_find(import, 20270101)), sizeof(text) - 1);
    assert_null(calendar_import_find(import, 20270102));
    assert_int_equal(import->day_count, 1);
    assert_int_equal(import->name_count, 1);
}

static void a_name_is_clean_utf8(void **state)
{
    static const char *const good[] = {"",
                                       "a",
                                       "元日",
                                       "é",
                                       "\xf0\xa0\x80\x8b",
                                       "\xf4\x8f\xbf\xbf",
                                       "\xed\x9f\xbf",
                                       "\xe0\xa0\x80",
                                       "\xc2\xa0"};
    static const char *const bad[] = {
        "\x1f",
        "a\nb",
        "\x7f",
        "\xc2\x85", /* controls */
        "\x80",
        "\xc1\xbf",
        "\xe0\x9f\xbf",
        "\xf0\x8f\xbf\xbf", /* stray, overlong */
        "\xed\xa0\x80",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", /* surrogate, too high */
        "\xe5\x85",
        "\xc2",
        "\xe5\x41\x41",
        "\xe5\x85\x41",
        "\xf0\xa0\x80\x41", /* torn */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        assert_true(calendar_text_is_plain(good[i], strlen(good[i])));
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        if (calendar_text_is_plain(bad[i], strlen(bad[i]))) {
            fail_msg("bad text %zu was taken", i);
        }
    }
    assert_false(calendar_text_is_plain("a\0b", 3));
}

static void an_import_has_a_bounded_number_of_days_and_names(void **state)
{
    struct calendar_import *import = &calendar.import;

    (void)state;
    for (int32_t i = 0; i < CALENDAR_IMPORT_NAMES_MAX; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "day %d", i);
        /* From the last to the first: order does not matter. */
        add_day(import, calendar_date_plus(20270801, -i), name);
    }
    assert_int_equal(calendar_import_add(import, 20280101, "one more", 8),
                     CALENDAR_IMPORT_TOO_MANY);
    for (int32_t i = CALENDAR_IMPORT_NAMES_MAX; i < CALENDAR_IMPORT_DAYS_MAX; i++) {
        add_day(import, calendar_date_plus(20280101, i), "day 7");
    }
    assert_int_equal(calendar_import_add(import, 20280101, "day 7", 5), CALENDAR_IMPORT_TOO_MANY);
    for (uint16_t i = 1; i < import->day_count; i++) {
        assert_true(import->days[i - 1].date < import->days[i].date);
    }
    assert_string_equal(calendar_import_find(import, 20270801), "day 0");
    assert_string_equal(calendar_import_find(import, 20270731), "day 1");
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

static void cut_to(struct calendar_import *import, uint32_t last_date)
{
    while (import->day_count > 0 && import->days[import->day_count - 1].date > last_date) {
        import->day_count--;
    }
}

static void a_list_is_judged_as_a_whole(void **state)
{
    static struct calendar_import present, next;
    uint16_t year = 0;

    (void)state;
    memset(&next, 0, sizeof(next));
    memset(&present, 0, sizeof(present));
    assert_int_equal(calendar_import_year_first(&next), 0);
    assert_int_equal(calendar_import_year_last(&next), 0);
    assert_int_equal(calendar_import_check(&next, NULL, &year), CALENDAR_IMPORT_EMPTY);
    fill(&next, 2026, 2028);
    assert_int_equal(calendar_import_check(&next, NULL, &year), CALENDAR_IMPORT_OK);
    assert_int_equal(calendar_import_check(&next, &present, &year), CALENDAR_IMPORT_OK);
    fill(&present, 2025, 2027);
    assert_int_equal(calendar_import_check(&next, &present, &year), CALENDAR_IMPORT_YEAR_DROPPED);
    assert_int_equal(year, 2025);
    fill(&present, 2026, 2029);
    assert_int_equal(calendar_import_check(&next, &present, &year), CALENDAR_IMPORT_YEAR_DROPPED);
    assert_int_equal(year, 2029);
    fill(&present, 2026, 2028);
    assert_int_equal(calendar_import_check(&next, &present, &year), CALENDAR_IMPORT_OK);
    cut_to(&next, 20281009);
    assert_int_equal(calendar_import_check(&next, NULL, &year), CALENDAR_IMPORT_YEAR_TORN);
    assert_int_equal(year, 2028);
    fill(&next, 2026, 2026);
    add_day(&next, 20280101, "元日");
    assert_int_equal(calendar_import_check(&next, NULL, &year), CALENDAR_IMPORT_YEAR_MISSING);
    assert_int_equal(year, 2027);
}

static void a_year_may_lose_two_days_by_a_new_law_but_not_more(void **state)
{
    static struct calendar_import next;
    uint16_t year = 0;

    (void)state;
    fill(&next, 2026, 2026);
    memmove(&next.days[0], &next.days[2], (next.day_count - 2U) * sizeof(next.days[0]));
    next.day_count -= 2;
    assert_int_equal(calendar_import_check(&next, NULL, &year), CALENDAR_IMPORT_OK);
    memmove(&next.days[0], &next.days[1], (next.day_count - 1U) * sizeof(next.days[0]));
    next.day_count--;
    assert_int_equal(calendar_import_check(&next, NULL, &year), CALENDAR_IMPORT_YEAR_TORN);
    assert_int_equal(year, 2026);
}

static void a_preview_shows_the_days_that_change(void **state)
{
    static struct calendar after;
    uint32_t dates[2] = {0, 0};

    (void)state;
    after = calendar;
    assert_int_equal(calendar_compare(&calendar, &after, 20260101, 20271231, dates, 2), 0);
    fill(&after.import, 2026, 2026);
    assert_int_equal(calendar_compare(&calendar, &after, 20260101, 20271231, dates, 2), 0);
    cut_to(&after.import, 20261103);
    after.hours[CALENDAR_WEDNESDAY].close_minute++;
    assert_int_equal(calendar_compare(&calendar, &after, 20261118, 20261130, dates, 2), 3);
    assert_int_equal(dates[0], 20261118);
    assert_int_equal(dates[1], 20261123);
    assert_int_equal(calendar_compare(&calendar, &after, 20270230, 20271231, dates, 2), 0);
    /* However long the range, the work is bounded: ten years have at most 530 Wednesdays. */
    assert_true(calendar_compare(&calendar, &after, 20260101, 99991231, dates, 0) < 530);
}

#define IN_FRESH_CALENDAR(test) cmocka_unit_test_setup(test, fresh_calendar)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_law_agrees_with_the_published_file_day_by_day, read_published),
        IN_FRESH_CALENDAR(the_years_of_the_contract_have_their_known_holidays),
        IN_FRESH_CALENDAR(the_equinoxes_follow_the_sun_until_2099),
        IN_FRESH_CALENDAR(the_law_says_why_a_day_is_off),
        IN_FRESH_CALENDAR(an_import_beats_the_law_in_the_years_it_covers),
        IN_FRESH_CALENDAR(an_imported_day_off_is_named_by_the_law_where_it_can_be),
        IN_FRESH_CALENDAR(an_import_opens_years_that_the_law_here_does_not_know),
        IN_FRESH_CALENDAR(a_day_that_makes_no_sense_is_not_imported),
        IN_FRESH_CALENDAR(a_name_is_clean_utf8),
        IN_FRESH_CALENDAR(an_import_has_a_bounded_number_of_days_and_names),
        IN_FRESH_CALENDAR(a_list_is_judged_as_a_whole),
        IN_FRESH_CALENDAR(a_year_may_lose_two_days_by_a_new_law_but_not_more),
        IN_FRESH_CALENDAR(a_preview_shows_the_days_that_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
