/* A site's settings, and what they say of one day. */
#include "appliance/calendar/calendar.h"

#include "base/check.h"

#include <string.h>

enum {
    COMPARE_DAYS_MAX = 366 * 10,
    DEFAULT_OPEN_MINUTE = 8 * 60 + 30,
    DEFAULT_CLOSE_MINUTE = 17 * 60,
    DEFAULT_LEAD_MINUTES = 60,
    DEFAULT_UTC_OFFSET_MINUTES = 9 * 60,
    DEFAULT_CLOSING_FIRST =
        1229, /* 12/29-1/3: the wording of most ordinances; the site's is a setting */
    DEFAULT_CLOSING_LAST = 103,
    LEAP_YEAR = 2000, /* any: 2/29 may begin or end a closing */
};

/* How the published file names every day off that is no national holiday. */
static const char unnamed_holiday_ja[] = "休日";

void calendar_init(struct calendar *calendar)
{
    memset(calendar, 0, sizeof(*calendar));
    for (size_t day = CALENDAR_MONDAY; day <= CALENDAR_FRIDAY; day++) {
        calendar->hours[day] =
            (struct calendar_hours){true, DEFAULT_OPEN_MINUTE, DEFAULT_CLOSE_MINUTE};
    }
    calendar->lead_minutes = DEFAULT_LEAD_MINUTES;
    calendar->utc_offset_minutes = DEFAULT_UTC_OFFSET_MINUTES;
    calendar->closing_first = DEFAULT_CLOSING_FIRST;
    calendar->closing_last = DEFAULT_CLOSING_LAST;
}

static bool hours_are_right(const struct calendar_hours *hours)
{
    return !hours->open || (hours->open_minute < hours->close_minute &&
                            hours->close_minute <= CALENDAR_DAY_MINUTES);
}

static bool is_month_and_day(uint16_t month_day)
{
    struct calendar_date date;

    return month_day < 10000 && calendar_date_from_number(LEAP_YEAR * 10000U + month_day, &date);
}

enum calendar_problem calendar_check(const struct calendar *calendar)
{
    bool closes = calendar->closing_first != 0 || calendar->closing_last != 0;

    for (size_t day = 0; day < CALENDAR_WEEKDAYS; day++) {
        if (!hours_are_right(&calendar->hours[day])) {
            return CALENDAR_PROBLEM_HOURS;
        }
    }
    if (calendar->lead_minutes > CALENDAR_LEAD_MINUTES_MAX) {
        return CALENDAR_PROBLEM_LEAD;
    }
    if (calendar->utc_offset_minutes > CALENDAR_UTC_OFFSET_MINUTES_MAX ||
        calendar->utc_offset_minutes < -CALENDAR_UTC_OFFSET_MINUTES_MAX) {
        return CALENDAR_PROBLEM_OFFSET;
    }
    if (closes &&
        (!is_month_and_day(calendar->closing_first) || !is_month_and_day(calendar->closing_last))) {
        return CALENDAR_PROBLEM_CLOSING;
    }
    return CALENDAR_PROBLEM_NONE;
}

const char *calendar_problem_ja(enum calendar_problem problem)
{
    switch (problem) {
    case CALENDAR_PROBLEM_NONE:
        return "問題ありません。";
    case CALENDAR_PROBLEM_HOURS:
        return "閉庁時刻は開庁時刻より後で、24:00 までにしてください。";
    case CALENDAR_PROBLEM_LEAD:
        return "開庁前の準備時間は 0 分から 720 分までにしてください。";
    case CALENDAR_PROBLEM_OFFSET:
        return "時差は −14 時間から +14 時間までにしてください。日本は 540 分です。";
    case CALENDAR_PROBLEM_CLOSING:
        return "年末年始の休みは、始まりと終わりの月日を両方書いてください。";
    case CALENDAR_PROBLEM_DATE:
        return "その日付は存在しません。年月日を確かめてください。";
    case CALENDAR_PROBLEM_TEXT:
        return "理由は 63 バイト（全角で 21 文字）までとし、改行などの制御文字を除いてください。";
    case CALENDAR_PROBLEM_OVERRIDES:
        return "臨時の開庁日と閉庁日は 128 件までです。過ぎた日を消してください。";
    }
    return "";
}

const char *calendar_problem_en(enum calendar_problem problem)
{
    switch (problem) {
    case CALENDAR_PROBLEM_NONE:
        return "Nothing is wrong.";
    case CALENDAR_PROBLEM_HOURS:
        return "Let the closing time be later than the opening time, and at most 24:00.";
    case CALENDAR_PROBLEM_LEAD:
        return "Let the lead time before opening be 0 to 720 minutes.";
    case CALENDAR_PROBLEM_OFFSET:
        return "Let the time difference be between -14 and +14 hours. Japan is 540 minutes.";
    case CALENDAR_PROBLEM_CLOSING:
        return "Give both the first and the last month and day of the year-end closing.";
    case CALENDAR_PROBLEM_DATE:
        return "There is no such date. Check year, month and day.";
    case CALENDAR_PROBLEM_TEXT:
        return "Keep the reason within 63 bytes and free of line breaks and control characters.";
    case CALENDAR_PROBLEM_OVERRIDES:
        return "At most 128 special days are kept. Remove those that are past.";
    }
    return "";
}

/* Where the override of the date is, or would be. */
static size_t override_position(const struct calendar *calendar, uint32_t date)
{
    size_t low = 0;
    size_t high = calendar->override_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (calendar->overrides[middle].date < date) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool override_is_at(const struct calendar *calendar, size_t at, uint32_t date)
{
    return at < calendar->override_count && calendar->overrides[at].date == date;
}

static bool reason_is_plain(const char reason[CALENDAR_NAME_BYTES])
{
    return calendar_text_is_plain(reason, strnlen(reason, CALENDAR_NAME_BYTES));
}

enum calendar_problem calendar_set_override(struct calendar *calendar,
                                            const struct calendar_override *override)
{
    struct calendar_date parts;
    size_t at = override_position(calendar, override->date);

    if (!calendar_date_from_number(override->date, &parts)) {
        return CALENDAR_PROBLEM_DATE;
    }
    if (!hours_are_right(&override->hours)) {
        return CALENDAR_PROBLEM_HOURS;
    }
    if (!reason_is_plain(override->reason_ja) || !reason_is_plain(override->reason_en)) {
        return CALENDAR_PROBLEM_TEXT;
    }
    if (!override_is_at(calendar, at, override->date)) {
        if (calendar->override_count == CALENDAR_OVERRIDES_MAX) {
            return CALENDAR_PROBLEM_OVERRIDES;
        }
        memmove(&calendar->overrides[at + 1], &calendar->overrides[at],
                (calendar->override_count - at) * sizeof(calendar->overrides[0]));
        calendar->override_count++;
    }
    calendar->overrides[at] = *override;
    if (!override->hours.open) {
        calendar->overrides[at].hours = (struct calendar_hours){.open = false};
    }
    return CALENDAR_PROBLEM_NONE;
}

bool calendar_remove_override(struct calendar *calendar, uint32_t date)
{
    size_t at = override_position(calendar, date);

    if (!override_is_at(calendar, at, date)) {
        return false;
    }
    calendar->override_count--;
    memmove(&calendar->overrides[at], &calendar->overrides[at + 1],
            (calendar->override_count - at) * sizeof(calendar->overrides[0]));
    return true;
}

static enum calendar_reason reason_of(enum calendar_holiday_kind kind)
{
    return kind == CALENDAR_HOLIDAY_SUBSTITUTE ? CALENDAR_REASON_SUBSTITUTE_HOLIDAY
           : kind == CALENDAR_HOLIDAY_BETWEEN  ? CALENDAR_REASON_BETWEEN_HOLIDAYS
                                               : CALENDAR_REASON_NATIONAL_HOLIDAY;
}

static bool is_imported_year(const struct calendar *calendar, int16_t year)
{
    return year >= calendar_import_year_first(&calendar->import) &&
           year <= calendar_import_year_last(&calendar->import);
}

/* The list says which days; where it only says 休日, or gives a name not known here, the law as
 * computed may tell what kind of day that is and how it is called in English. */
static bool say_imported(const struct calendar *calendar, struct calendar_date date,
                         struct calendar_day *day)
{
    const char *name_ja = calendar_import_find(&calendar->import, day->date);
    struct calendar_holiday law = calendar_holiday_by_law(date);

    if (name_ja == NULL) {
        return false;
    }
    day->source = CALENDAR_SOURCE_IMPORT;
    day->reason = CALENDAR_REASON_NATIONAL_HOLIDAY;
    day->name_ja = name_ja;
    day->name_en = calendar_holiday_name_en(name_ja);
    if (law.kind != CALENDAR_HOLIDAY_NONE &&
        (strcmp(name_ja, unnamed_holiday_ja) == 0 || strcmp(name_ja, law.name_ja) == 0)) {
        day->reason = reason_of(law.kind);
        day->name_ja = law.name_ja;
    }
    if (day->name_en == NULL) {
        day->name_en = law.name_en != NULL ? law.name_en : "National holiday";
    }
    return true;
}

static bool say_holiday(const struct calendar *calendar, struct calendar_date date,
                        struct calendar_day *day)
{
    struct calendar_holiday law;

    if (is_imported_year(calendar, date.year)) {
        return say_imported(calendar, date, day);
    }
    law = calendar_holiday_by_law(date);
    if (law.kind == CALENDAR_HOLIDAY_NONE) {
        return false;
    }
    day->source = CALENDAR_SOURCE_LAW;
    day->reason = reason_of(law.kind);
    day->name_ja = law.name_ja;
    day->name_en = law.name_en;
    return true;
}

static bool is_in_closing(const struct calendar *calendar, struct calendar_date date)
{
    uint32_t month_day = date.month * 100U + date.day;
    bool from_first = month_day >= calendar->closing_first;
    bool to_last = month_day <= calendar->closing_last;

    return calendar->closing_first <= calendar->closing_last ? from_first && to_last
                                                             : from_first || to_last;
}

static void say_override(const struct calendar_override *override, struct calendar_day *day)
{
    bool open = override->hours.open;

    day->source = CALENDAR_SOURCE_OVERRIDE;
    day->reason = open ? CALENDAR_REASON_SITE_OPEN : CALENDAR_REASON_SITE_CLOSED;
    day->name_ja = override->reason_ja[0] != '\0' ? override->reason_ja
                   : open                         ? "臨時開庁日"
                                                  : "臨時閉庁日";
    day->name_en = override->reason_en[0] != '\0' ? override->reason_en
                   : open                         ? "Special opening day"
                                                  : "Special closing day";
}

static void say_weekly(const struct calendar *calendar, struct calendar_day *day)
{
    if (calendar->hours[day->weekday].open) {
        day->reason = CALENDAR_REASON_WEEKDAY;
        day->name_ja = "開庁日";
        day->name_en = "Opening day";
    } else {
        day->reason = CALENDAR_REASON_WEEKLY_CLOSING;
        day->name_ja = calendar_weekday_ja(day->weekday);
        day->name_en = calendar_weekday_en(day->weekday);
    }
}

static void set_hours(struct calendar_day *day, const struct calendar_hours *hours)
{
    day->open = hours->open;
    day->open_minute = hours->open ? hours->open_minute : 0;
    day->close_minute = hours->open ? hours->close_minute : 0;
}

void calendar_get_ordinary_day(const struct calendar *calendar, uint32_t date,
                               struct calendar_day *ret)
{
    struct calendar_date parts;

    *ret = (struct calendar_day){.date = date,
                                 .reason = CALENDAR_REASON_INVALID_DATE,
                                 .name_ja = "存在しない日付",
                                 .name_en = "No such date"};
    if (!calendar_date_from_number(date, &parts)) {
        return;
    }
    ret->weekday = calendar_weekday_of(parts);
    if (!is_imported_year(calendar, parts.year) &&
        (parts.year < CALENDAR_YEAR_FIRST || parts.year > CALENDAR_YEAR_LAST)) {
        ret->reason = CALENDAR_REASON_UNKNOWN_YEAR;
        ret->name_ja = "祝日の分からない年";
        ret->name_en = "Year of unknown holidays";
        return;
    }
    if (say_holiday(calendar, parts, ret)) {
        return;
    }
    if (is_in_closing(calendar, parts)) {
        ret->reason = CALENDAR_REASON_YEAR_END_CLOSING;
        ret->name_ja = "年末年始の休み";
        ret->name_en = "Year-end closing";
        return;
    }
    say_weekly(calendar, ret);
    set_hours(ret, &calendar->hours[ret->weekday]);
}

void calendar_get_day(const struct calendar *calendar, uint32_t date, struct calendar_day *ret)
{
    size_t override = override_position(calendar, date);

    calendar_get_ordinary_day(calendar, date, ret);
    if (override_is_at(calendar, override, date)) {
        say_override(&calendar->overrides[override], ret);
        set_hours(ret, &calendar->overrides[override].hours);
    }
}

const char *calendar_reason_code(enum calendar_reason reason)
{
    switch (reason) {
    case CALENDAR_REASON_INVALID_DATE:
        return "INVALID_DATE";
    case CALENDAR_REASON_UNKNOWN_YEAR:
        return "UNKNOWN_YEAR";
    case CALENDAR_REASON_WEEKDAY:
        return "WEEKDAY";
    case CALENDAR_REASON_WEEKLY_CLOSING:
        return "WEEKLY_CLOSING";
    case CALENDAR_REASON_NATIONAL_HOLIDAY:
        return "NATIONAL_HOLIDAY";
    case CALENDAR_REASON_SUBSTITUTE_HOLIDAY:
        return "SUBSTITUTE_HOLIDAY";
    case CALENDAR_REASON_BETWEEN_HOLIDAYS:
        return "BETWEEN_HOLIDAYS";
    case CALENDAR_REASON_YEAR_END_CLOSING:
        return "YEAR_END_CLOSING";
    case CALENDAR_REASON_SITE_OPEN:
        return "SITE_OPEN";
    case CALENDAR_REASON_SITE_CLOSED:
        return "SITE_CLOSED";
    }
    return "";
}

const char *calendar_weekday_ja(enum calendar_weekday weekday)
{
    static const char names[CALENDAR_WEEKDAYS][10] = {"日曜日", "月曜日", "火曜日", "水曜日",
                                                      "木曜日", "金曜日", "土曜日"};

    return (size_t)weekday < CALENDAR_WEEKDAYS ? names[weekday] : "";
}

const char *calendar_weekday_en(enum calendar_weekday weekday)
{
    static const char names[CALENDAR_WEEKDAYS][10] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                      "Thursday", "Friday", "Saturday"};

    return (size_t)weekday < CALENDAR_WEEKDAYS ? names[weekday] : "";
}

uint32_t calendar_opening_day_after(const struct calendar *calendar, uint32_t date)
{
    struct calendar_day day;

    for (int32_t days = 1; days <= CALENDAR_SEARCH_DAYS_MAX; days++) {
        calendar_get_day(calendar, calendar_date_plus(date, days), &day);
        if (day.open) {
            return day.date;
        }
    }
    return 0;
}

static bool days_are_equal(const struct calendar_day *a, const struct calendar_day *b)
{
    return a->open == b->open && a->reason == b->reason && a->open_minute == b->open_minute &&
           a->close_minute == b->close_minute && strcmp(a->name_ja, b->name_ja) == 0 &&
           strcmp(a->name_en, b->name_en) == 0;
}

size_t calendar_compare(const struct calendar *before, const struct calendar *after, uint32_t first,
                        uint32_t last, uint32_t *dates, size_t max)
{
    struct calendar_day old_day, new_day;
    uint32_t date = first;
    size_t count = 0;

    for (size_t looked = 0; looked < COMPARE_DAYS_MAX && date != 0 && date <= last; looked++) {
        calendar_get_day(before, date, &old_day);
        calendar_get_day(after, date, &new_day);
        if (!days_are_equal(&old_day, &new_day)) {
            if (count < max) {
                dates[count] = date;
            }
            count++;
        }
        date = calendar_date_plus(date, 1);
    }
    return count;
}
