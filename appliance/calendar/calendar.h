/*
 * appliance/calendar/calendar.h - opening days, opening hours, and the deadlines counted in them.
 *
 * Decides: whether a date is an opening day and why (weekday, weekend, national holiday, substitute
 * holiday, day between two holidays, year-end closing, the site's own word), when the office opens
 * and closes, which level a moment has, when it opens next, by when a fault must be repaired, and
 * which day is the n-th business day. Decides not: what time it is, whether the clock is believed,
 * whether the service day in the ledger is open.
 *
 * Order of belief: an override of the site beats everything; an imported file of the Cabinet Office
 * beats the law as computed here, for every year from its first to its last; the law is computed
 * from 1980 to 2099, with the rules of each year. From the second year ahead that is a forecast:
 * the two equinox days are fixed by the gazette of the February before. Any other year is refused:
 * each day is closed with the reason UNKNOWN_YEAR (a clock that says 1970 must not open an office),
 * unless the site overrides it. A number that names no date is closed with INVALID_DATE. All
 * functions take any input.
 *
 * Units: a date is the number yyyymmdd (Gregorian, years 1 to 9999; 0 means none), a minute counts
 * from local midnight, epoch_ms is milliseconds since 1970-01-01 UTC. Local time is UTC plus a
 * fixed offset (Japan has no summer time). Hours are half open: at close_minute the office is
 * closed.
 *
 * Pure: no clock, I/O, allocation or globals. The structure, about 40 KiB, belongs to the caller.
 * Names that a struct calendar_day points to live as long as the calendar is not changed.
 *
 * Sources: 国民の祝日に関する法律 (昭和23年法律第178号) and its changes, named in
 * calendar_holidays.c; 地方自治法 article 4-2 (days on which a local government rests);
 * requirements R-004 R-024 R-029 R-033 R-057; field-queue.md section 5.
 */
#ifndef APPLIANCE_CALENDAR_CALENDAR_H
#define APPLIANCE_CALENDAR_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum calendar_limit {
    CALENDAR_YEAR_FIRST = 1980, /* of the law as computed here */
    CALENDAR_YEAR_LAST = 2099,
    CALENDAR_IMPORT_YEAR_FIRST =
        1948,                        /* the law itself begins; the published file begins in 1955 */
    CALENDAR_IMPORT_DAYS_MAX = 2048, /* the published file had 1067 in 2026 and gains 18 a year */
    CALENDAR_IMPORT_NAMES_MAX = 64,  /* different names; the published file had 23 */
    CALENDAR_OVERRIDES_MAX = 128,    /* so that a site's calendar fits one ledger entry */
    CALENDAR_NAME_BYTES = 64,        /* UTF-8, with the closing zero */
    CALENDAR_ERA_TEXT_BYTES = 32,
    CALENDAR_SEARCH_DAYS_MAX = 800, /* a search for an opening day gives up after this many */
    CALENDAR_WEEKDAYS = 7,
    CALENDAR_DAY_MINUTES = 1440,
    CALENDAR_LEAD_MINUTES_MAX = 720,
    CALENDAR_UTC_OFFSET_MINUTES_MAX = 840,
    CALENDAR_RECORD_BYTES_MAX = 20000, /* one encoded half of a calendar */
};

#define CALENDAR_NEVER_MS INT64_MAX

/* ---- Dates --------------------------------------------------------------------------------------
 */

struct calendar_date {
    int16_t year;
    uint8_t month, day;
};

enum calendar_weekday {
    CALENDAR_SUNDAY = 0,
    CALENDAR_MONDAY = 1,
    CALENDAR_TUESDAY = 2,
    CALENDAR_WEDNESDAY = 3,
    CALENDAR_THURSDAY = 4,
    CALENDAR_FRIDAY = 5,
    CALENDAR_SATURDAY = 6,
};

uint32_t calendar_date_to_number(struct calendar_date date);
/* False when there is no such date; ret is then untouched. */
bool calendar_date_from_number(uint32_t yyyymmdd, struct calendar_date *ret);
/* Days since 1970-01-01, and back. The date must exist. */
int32_t calendar_day_count(struct calendar_date date);
/* Counts outside the years 1 to 9999 give the nearest date inside. */
struct calendar_date calendar_date_from_day_count(int32_t day_count);
enum calendar_weekday calendar_weekday_of(struct calendar_date date);
/* The date so many days later (negative: earlier); 0 when either is not a date. */
uint32_t calendar_date_plus(uint32_t date, int32_t days);
/* Japanese era, such as 令和8年11月1日, with 元年 for the first year. Empty before
 * 1926-12-25. An era after 令和 is not known here: its years go on being written as 令和. */
void calendar_era_text(uint32_t date, char text[CALENDAR_ERA_TEXT_BYTES]);

/* ---- The law ------------------------------------------------------------------------------------
 */

enum calendar_holiday_kind {
    CALENDAR_HOLIDAY_NONE = 0,
    CALENDAR_HOLIDAY_NATIONAL = 1,   /* 国民の祝日, or a day made one by a law of its own */
    CALENDAR_HOLIDAY_SUBSTITUTE = 2, /* article 3 (2), 振替休日 */
    CALENDAR_HOLIDAY_BETWEEN = 3,    /* article 3 (3), 国民の休日 */
};

struct calendar_holiday {
    enum calendar_holiday_kind kind;
    const char *name_ja, *name_en; /* constant; NULL when NONE */
};

/* What the law as computed here says of a date; NONE outside its years. The date must exist. */
struct calendar_holiday calendar_holiday_by_law(struct calendar_date date);
/* The English name of a holiday known by its Japanese one, or NULL. */
const char *calendar_holiday_name_en(const char *name_ja);

/* ---- An imported list of holidays
 * ----------------------------------------------------------------- */

/* Built by calendar_import_add in any order, kept sorted; all zero is empty. */
struct calendar_import {
    uint16_t day_count, name_count;
    struct calendar_import_day {
        uint32_t date;
        uint8_t name_index;
    } days[CALENDAR_IMPORT_DAYS_MAX];
    char names[CALENDAR_IMPORT_NAMES_MAX][CALENDAR_NAME_BYTES];
};

enum calendar_import_result {
    CALENDAR_IMPORT_OK = 0,
    CALENDAR_IMPORT_BAD_DATE = 1,     /* no such date, or before 1948 or after 2099 */
    CALENDAR_IMPORT_BAD_NAME = 2,     /* empty, too long, control characters, not UTF-8 */
    CALENDAR_IMPORT_DUPLICATE = 3,    /* the date is there already */
    CALENDAR_IMPORT_TOO_MANY = 4,     /* days or different names */
    CALENDAR_IMPORT_EMPTY = 5,        /* of a whole list: */
    CALENDAR_IMPORT_YEAR_DROPPED = 6, /* a year that the list in force covers would be lost */
    CALENDAR_IMPORT_YEAR_MISSING = 7, /* a hole between its first year and its last */
    CALENDAR_IMPORT_YEAR_TORN = 8, /* clearly fewer days than the law has, or none after October */
};

enum calendar_import_result calendar_import_add(struct calendar_import *import, uint32_t date,
                                                const char *name_ja, size_t len_bytes);
/* Whether a finished list may replace `present` (NULL: nothing in force). ret_year, written only
 * with the last three results, is the year meant. */
enum calendar_import_result calendar_import_check(const struct calendar_import *import,
                                                  const struct calendar_import *present,
                                                  uint16_t *ret_year);
/* First and last year covered; both 0 when empty. */
uint16_t calendar_import_year_first(const struct calendar_import *import);
uint16_t calendar_import_year_last(const struct calendar_import *import);
/* The Japanese name that the list gives to a date, or NULL. Lives as long as the list. */
const char *calendar_import_find(const struct calendar_import *import, uint32_t date);
/* UTF-8 without control characters, shorter than CALENDAR_NAME_BYTES: what may become a name. */
bool calendar_text_is_plain(const char *text, size_t len_bytes);

/* ---- The calendar of a site
 * ----------------------------------------------------------------------- */

struct calendar_hours {
    bool open;
    uint16_t open_minute, close_minute;
};

/* The site's own word on one date. Empty reasons are filled in: 臨時開庁日, 臨時閉庁日. */
struct calendar_override {
    uint32_t date;
    struct calendar_hours hours;
    char reason_ja[CALENDAR_NAME_BYTES], reason_en[CALENDAR_NAME_BYTES];
};

struct calendar {
    struct calendar_hours hours[CALENDAR_WEEKDAYS]; /* by enum calendar_weekday, ordinary days */
    uint16_t lead_minutes; /* needed before opening; never reaches back over midnight */
    int16_t utc_offset_minutes;
    uint16_t closing_first,
        closing_last; /* yearly closing, month * 100 + day, both inside; 0, 0: none */
    uint16_t override_count;
    struct calendar_override overrides[CALENDAR_OVERRIDES_MAX]; /* sorted: calendar_set_override */
    struct calendar_import import;
};

enum calendar_problem {
    CALENDAR_PROBLEM_NONE = 0,
    CALENDAR_PROBLEM_HOURS = 1,     /* the office must close after it opens, within one day */
    CALENDAR_PROBLEM_LEAD = 2,      /* lead_minutes beyond its maximum */
    CALENDAR_PROBLEM_OFFSET = 3,    /* utc_offset_minutes beyond its maximum */
    CALENDAR_PROBLEM_CLOSING = 4,   /* yearly closing: not two days of a year */
    CALENDAR_PROBLEM_DATE = 5,      /* override: no such date */
    CALENDAR_PROBLEM_TEXT = 6,      /* override: control characters, not UTF-8, or unterminated */
    CALENDAR_PROBLEM_OVERRIDES = 7, /* more than CALENDAR_OVERRIDES_MAX */
};

/* Monday to Friday 08:30-17:00, lead 60 minutes, UTC+9, closed 12/29-1/3, no import, no override.
 */
void calendar_init(struct calendar *calendar);
/* What is wrong with the fields above `overrides`, which a caller may set directly. */
enum calendar_problem calendar_check(const struct calendar *calendar);
const char *calendar_problem_ja(enum calendar_problem problem);
const char *calendar_problem_en(enum calendar_problem problem);
/* Replaces what was said of the same date. Refused: nothing changes. */
enum calendar_problem calendar_set_override(struct calendar *calendar,
                                            const struct calendar_override *override);
/* False: there was none. */
bool calendar_remove_override(struct calendar *calendar, uint32_t date);

/* ---- Days
 * ----------------------------------------------------------------------------------------- */

enum calendar_reason {
    CALENDAR_REASON_INVALID_DATE = 0,
    CALENDAR_REASON_UNKNOWN_YEAR = 1,
    CALENDAR_REASON_WEEKDAY = 2,        /* an ordinary opening day */
    CALENDAR_REASON_WEEKLY_CLOSING = 3, /* Saturday, Sunday */
    CALENDAR_REASON_NATIONAL_HOLIDAY = 4,
    CALENDAR_REASON_SUBSTITUTE_HOLIDAY = 5,
    CALENDAR_REASON_BETWEEN_HOLIDAYS = 6,
    CALENDAR_REASON_YEAR_END_CLOSING = 7,
    CALENDAR_REASON_SITE_OPEN = 8, /* overrides */
    CALENDAR_REASON_SITE_CLOSED = 9,
};

/* Who says so. */
enum calendar_source {
    CALENDAR_SOURCE_SETTINGS = 0, /* weekly hours, yearly closing */
    CALENDAR_SOURCE_LAW = 1,
    CALENDAR_SOURCE_IMPORT = 2,
    CALENDAR_SOURCE_OVERRIDE = 3,
};

/* When several reasons hold, the first of: override, holiday, yearly closing, weekly closing. */
struct calendar_day {
    uint32_t date;
    bool open;
    enum calendar_reason reason;
    enum calendar_source source;
    enum calendar_weekday weekday;
    const char *name_ja, *name_en;      /* never NULL: 春分の日, 土曜日, 開庁日 ... */
    uint16_t open_minute, close_minute; /* 0, 0 when closed */
};

void calendar_get_day(const struct calendar *calendar, uint32_t date, struct calendar_day *ret);
/* The same as if there were no overrides: what an override of this date changes. */
void calendar_get_ordinary_day(const struct calendar *calendar, uint32_t date,
                               struct calendar_day *ret);
/* Stable codes such as "SUBSTITUTE_HOLIDAY", never translated. */
const char *calendar_reason_code(enum calendar_reason reason);
const char *calendar_weekday_ja(enum calendar_weekday weekday);
const char *calendar_weekday_en(enum calendar_weekday weekday);
/* The first opening day after a date, 0 when none is found. */
uint32_t calendar_opening_day_after(const struct calendar *calendar, uint32_t date);
/* For a preview: the dates of a range on which two calendars say anything different (open, hours,
 * reason, name). Returns how many there are; writes the first `max`. At most 366 * 10 days are
 * looked at. */
size_t calendar_compare(const struct calendar *before, const struct calendar *after, uint32_t first,
                        uint32_t last, uint32_t *dates, size_t max);

/* ---- Moments
 * -------------------------------------------------------------------------------------- */

struct calendar_moment {
    uint32_t date; /* local */
    uint16_t minute;
    uint8_t second;
};

/* Times before year 1 or after 9999 give the nearest moment inside. */
struct calendar_moment calendar_moment_from_epoch_ms(const struct calendar *calendar,
                                                     int64_t epoch_ms);
/* CALENDAR_NEVER_MS when the date does not exist. minute may be 1440: the midnight that ends it. */
int64_t calendar_epoch_ms_from(const struct calendar *calendar, uint32_t date, uint16_t minute);

enum calendar_level {
    CALENDAR_CLOSED_DAY = 0,
    CALENDAR_BEFORE_OPENING = 1,
    CALENDAR_LEAD = 2, /* within lead_minutes before opening: the office needs its system */
    CALENDAR_OPEN = 3,
    CALENDAR_AFTER_CLOSING = 4,
};

struct calendar_state {
    enum calendar_level level;
    struct calendar_day today;
    /* The first opening later than this moment, also while open; 0 and NEVER when none is found. */
    uint32_t next_opening_date;
    int64_t next_opening_ms;
    /* Of a fault that begins now: calendar_recovery_deadline_ms. */
    int64_t recovery_deadline_ms;
    /* The first later moment at which level or date is another: at most a day ahead. */
    int64_t next_change_ms;
};

/* A level, not an edge: the same answer however one came to this moment. */
void calendar_get_state(const struct calendar *calendar, int64_t epoch_ms,
                        struct calendar_state *ret);
/* "CLOSED_DAY", "BEFORE_OPENING", "LEAD", "OPEN", "AFTER_CLOSING". */
const char *calendar_level_code(enum calendar_level level);
/* 当中もしくは翌開庁日の始業前, the same day or before work starts on the next opening day,
 * read strictly: the first opening later than the beginning of the fault. A fault before opening is
 * therefore due at today's opening, which is earlier than the clause can be read to ask. */
int64_t calendar_recovery_deadline_ms(const struct calendar *calendar, int64_t fault_began_ms);

/* ---- Business days (営業日)
 * ------------------------------------------------------------------------- Monday to Friday, no
 * holiday, no yearly closing: the days on which a local government does not rest by law. Weekly
 * hours and overrides do not change them: a Sunday of extra opening moves no date of a contract. */

bool calendar_is_business_day(const struct calendar *calendar, uint32_t date);
/* a desk that answers on business days from first_minute until last_minute. */
bool calendar_is_business_time(const struct calendar *calendar, int64_t epoch_ms,
                               uint16_t first_minute, uint16_t last_minute);
/* The count-th business day after a date; count 0: the date itself or else the next one. 0: none.
 */
uint32_t calendar_business_day_after(const struct calendar *calendar, uint32_t date,
                                     uint32_t count);
/* The ordinal-th of a month, from 1; 0 when the month has fewer. */
uint32_t calendar_business_day_of_month(const struct calendar *calendar, uint16_t year,
                                        uint8_t month, uint8_t ordinal);
/* Both ends included; 0 when first is no date. */
uint32_t calendar_business_day_count(const struct calendar *calendar, uint32_t first,
                                     uint32_t last);

/* R-057 says 翌月10日営業日, which can be read in two ways: a setting, to be agreed with the site.
 */
enum calendar_due_rule {
    CALENDAR_DUE_TENTH_BUSINESS_DAY = 0, /* the tenth business day of the next month */
    CALENDAR_DUE_TENTH_OR_LATER = 1,     /* the 10th, or the first business day after it */
};

/* When the report on work finished on a date is due; 0 when unknown. */
uint32_t calendar_report_due_date(const struct calendar *calendar, uint32_t finished,
                                  enum calendar_due_rule rule);

/* ---- Records
 * ------------------------------------------------------------------------------------- A calendar
 * travels in two halves, each small enough for one ledger entry: the site's settings with its
 * overrides, and the imported list. encode: bytes written, 0 when they do not fit. decode checks
 * every field; refused: nothing changes. */

size_t calendar_site_encode(const struct calendar *calendar, uint8_t *bytes, size_t capacity_bytes);
bool calendar_site_decode(const uint8_t *bytes, size_t len_bytes, struct calendar *calendar);
size_t calendar_import_encode(const struct calendar_import *import, uint8_t *bytes,
                              size_t capacity_bytes);
bool calendar_import_decode(const uint8_t *bytes, size_t len_bytes, struct calendar_import *ret);

#endif
