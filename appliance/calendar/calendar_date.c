/* Gregorian dates as numbers, and how Japan writes them. */
#include "appliance/calendar/calendar.h"

#include "base/check.h"

#include <string.h>

enum {
    YEAR_MIN = 1,
    YEAR_MAX = 9999,
    MONTHS = 12,
    DAYS_400_YEARS = 146097,
    DAYS_100_YEARS = 36524,
    DAYS_4_YEARS = 1461,
    DAYS_YEAR = 365,
    DAYS_BEFORE_1970 = 719162, /* from 0001-01-01 */
    DAYS_BEFORE_10000 = 3652059,
};

static bool is_leap(int32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int32_t month_days(int32_t year, int32_t month)
{
    static const uint8_t days[MONTHS] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

uint32_t calendar_date_to_number(struct calendar_date date)
{
    return (uint32_t)date.year * 10000 + date.month * 100U + date.day;
}

bool calendar_date_from_number(uint32_t yyyymmdd, struct calendar_date *ret)
{
    uint32_t year = yyyymmdd / 10000;
    uint32_t month = yyyymmdd / 100 % 100;
    uint32_t day = yyyymmdd % 100;

    if (year < YEAR_MIN || year > YEAR_MAX || month < 1 || month > MONTHS || day < 1 ||
        day > (uint32_t)month_days((int32_t)year, (int32_t)month)) {
        return false;
    }
    *ret = (struct calendar_date){(int16_t)year, (uint8_t)month, (uint8_t)day};
    return true;
}

static int32_t days_before_year(int32_t year)
{
    int32_t past = year - 1;

    return past * DAYS_YEAR + past / 4 - past / 100 + past / 400;
}

int32_t calendar_day_count(struct calendar_date date)
{
    int32_t days = days_before_year(date.year) + date.day - 1 - DAYS_BEFORE_1970;

    CHECK(date.month >= 1 && date.month <= MONTHS);
    for (int32_t month = 1; month < date.month; month++) {
        days += month_days(date.year, month);
    }
    return days;
}

/* The last day of a 100-year or one-year span that is a day longer than its siblings would count as
 * the start of a span too many; the span before it is meant. */
static int32_t span_count(int32_t days, int32_t span_days, int32_t most)
{
    return days / span_days < most ? days / span_days : most;
}

struct calendar_date calendar_date_from_day_count(int32_t day_count)
{
    int64_t wide = (int64_t)day_count + DAYS_BEFORE_1970;
    int32_t days = wide < 0 ? 0 : wide >= DAYS_BEFORE_10000 ? DAYS_BEFORE_10000 - 1 : (int32_t)wide;
    int32_t year = 1 + days / DAYS_400_YEARS * 400;
    int32_t month = 1;
    int32_t spans;

    days %= DAYS_400_YEARS;
    spans = span_count(days, DAYS_100_YEARS, 3);
    year += spans * 100;
    days -= spans * DAYS_100_YEARS;
    year += days / DAYS_4_YEARS * 4;
    days %= DAYS_4_YEARS;
    spans = span_count(days, DAYS_YEAR, 3);
    year += spans;
    days -= spans * DAYS_YEAR;
    while (days >= month_days(year, month)) {
        days -= month_days(year, month);
        month++;
    }
    return (struct calendar_date){(int16_t)year, (uint8_t)month, (uint8_t)(days + 1)};
}

enum calendar_weekday calendar_weekday_of(struct calendar_date date)
{
    /* 0001-01-01 was a Monday. */
    int32_t days = calendar_day_count(date) + DAYS_BEFORE_1970;

    return (enum calendar_weekday)((days + CALENDAR_MONDAY) % CALENDAR_WEEKDAYS);
}

uint32_t calendar_date_plus(uint32_t date, int32_t days)
{
    struct calendar_date from;
    int64_t count;

    if (!calendar_date_from_number(date, &from)) {
        return 0;
    }
    count = (int64_t)calendar_day_count(from) + days;
    if (count < -DAYS_BEFORE_1970 || count >= DAYS_BEFORE_10000 - DAYS_BEFORE_1970) {
        return 0;
    }
    return calendar_date_to_number(calendar_date_from_day_count((int32_t)count));
}

static size_t put_text(char *text, size_t at, const char *part)
{
    size_t len_bytes = strlen(part);

    CHECK(at + len_bytes < CALENDAR_ERA_TEXT_BYTES);
    memcpy(text + at, part, len_bytes + 1);
    return at + len_bytes;
}

static size_t put_number(char *text, size_t at, uint32_t number)
{
    char digits[5] = "0000";
    size_t first = sizeof(digits) - 1;

    while (number > 0) {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    }
    return put_text(text, at, digits + first);
}

void calendar_era_text(uint32_t date, char text[CALENDAR_ERA_TEXT_BYTES])
{
    /* First days: the day after the late emperor's death (平成), the day of it (昭和), the day of
     * the accession (令和: 元号を改める政令, 平成31年政令第143号). */
    static const struct {
        uint32_t first;
        uint32_t year_before;
        char name[8];
    } eras[] = {
        {20190501, 2018, "令和"},
        {19890108, 1988, "平成"},
        {19261225, 1925, "昭和"},
    };
    struct calendar_date parts;
    size_t at;

    text[0] = '\0';
    if (!calendar_date_from_number(date, &parts)) {
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(eras); i++) {
        uint32_t year = (uint32_t)parts.year - eras[i].year_before;

        if (date < eras[i].first) {
            continue;
        }
        at = put_text(text, 0, eras[i].name);
        at = year == 1 ? put_text(text, at, "元") : put_number(text, at, year);
        at = put_text(text, at, "年");
        at = put_number(text, at, parts.month);
        at = put_text(text, at, "月");
        at = put_number(text, at, parts.day);
        (void)put_text(text, at, "日");
        return;
    }
}
