/* Business days, and the dates of the contract that are counted in them. */
#include "appliance/calendar/calendar.h"

enum {
    MONTHS = 12,
    DUE_ORDINAL = 10, /* */
};

bool calendar_is_business_day(const struct calendar *calendar, uint32_t date)
{
    /* The law and the yearly closing without the site's own days and hours. */
    struct calendar_day day;
    bool weekend;

    calendar_get_ordinary_day(calendar, date, &day);
    weekend = day.weekday == CALENDAR_SATURDAY || day.weekday == CALENDAR_SUNDAY;
    return !weekend &&
           (day.reason == CALENDAR_REASON_WEEKDAY || day.reason == CALENDAR_REASON_WEEKLY_CLOSING);
}

bool calendar_is_business_time(const struct calendar *calendar, int64_t epoch_ms,
                               uint16_t first_minute, uint16_t last_minute)
{
    struct calendar_moment moment = calendar_moment_from_epoch_ms(calendar, epoch_ms);

    return calendar_is_business_day(calendar, moment.date) && moment.minute >= first_minute &&
           moment.minute < last_minute;
}

/* Gives up after CALENDAR_SEARCH_DAYS_MAX days in a row without one. */
static uint32_t next_business_day(const struct calendar *calendar, uint32_t date)
{
    for (int32_t days = 1; days <= CALENDAR_SEARCH_DAYS_MAX; days++) {
        uint32_t later = calendar_date_plus(date, days);

        if (calendar_is_business_day(calendar, later)) {
            return later;
        }
    }
    return 0;
}

uint32_t calendar_business_day_after(const struct calendar *calendar, uint32_t date, uint32_t count)
{
    uint32_t at = date;

    if (count == 0) {
        return calendar_is_business_day(calendar, date) ? date : next_business_day(calendar, date);
    }
    for (uint32_t i = 0; i < count && at != 0; i++) {
        at = next_business_day(calendar, at);
    }
    return at;
}

uint32_t calendar_business_day_of_month(const struct calendar *calendar, uint16_t year,
                                        uint8_t month, uint8_t ordinal)
{
    uint32_t first = year * 10000U + month * 100U + 1;
    uint32_t date;

    if (ordinal == 0 || calendar_date_plus(first, 0) == 0) {
        return 0;
    }
    date = calendar_business_day_after(calendar, first, 0);
    if (ordinal > 1 && date != 0) {
        date = calendar_business_day_after(calendar, date, ordinal - 1U);
    }
    return date / 100 == first / 100 ? date : 0;
}

uint32_t calendar_business_day_count(const struct calendar *calendar, uint32_t first, uint32_t last)
{
    /* No other year has any: this bounds the loop. */
    const uint32_t least = CALENDAR_IMPORT_YEAR_FIRST * 10000U + 101;
    const uint32_t most = CALENDAR_YEAR_LAST * 10000U + 1231;
    uint32_t end = last < most ? last : most;
    uint32_t count = 0;
    struct calendar_date parts;

    if (!calendar_date_from_number(first, &parts)) {
        return 0;
    }
    for (uint32_t date = first > least ? first : least; date != 0 && date <= end;
         date = calendar_date_plus(date, 1)) {
        count += calendar_is_business_day(calendar, date) ? 1 : 0;
    }
    return count;
}

uint32_t calendar_report_due_date(const struct calendar *calendar, uint32_t finished,
                                  enum calendar_due_rule rule)
{
    struct calendar_date date;
    uint32_t due = 0;

    if (!calendar_date_from_number(finished, &date)) {
        return 0;
    }
    date.year = (int16_t)(date.year + (date.month == MONTHS ? 1 : 0));
    date.month = (uint8_t)(date.month % MONTHS + 1);
    date.day = DUE_ORDINAL;
    switch (rule) {
    case CALENDAR_DUE_TENTH_BUSINESS_DAY:
        due =
            calendar_business_day_of_month(calendar, (uint16_t)date.year, date.month, DUE_ORDINAL);
        break;
    case CALENDAR_DUE_TENTH_OR_LATER:
        due = calendar_business_day_after(calendar, calendar_date_to_number(date), 0);
        break;
    }
    return due;
}
