/* A list of holidays from outside: gathered day by day, then judged as a whole. */
#include "appliance/calendar/calendar.h"

#include <string.h>

enum {
    /* A change of the law may take a holiday and its substitute out of a year (as in 2019), no
       more. */
    YEAR_DAYS_FEWER_MAX = 2,
    /* 11/3 and 11/23 have been holidays since the law began: a year that ends earlier is torn. */
    LAST_MONTH_MIN = 11,
    MONTHS = 12,
    DAYS_PER_MONTH_MAX = 31,
};

/* The bytes of the character at the start of the text, 0 when it is none: RFC 3629, shortest form
 * only, no surrogates, nothing beyond U+10FFFF. */
static size_t character_bytes(const unsigned char *text, size_t len_bytes)
{
    uint32_t lead = text[0];
    size_t bytes = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    uint32_t second_min = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint32_t second_max = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;

    if (bytes == 0 || bytes > len_bytes || lead > 0xf4) {
        return 0;
    }
    if (bytes > 1 && (text[1] < second_min || text[1] > second_max)) {
        return 0;
    }
    for (size_t i = 2; i < bytes; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return bytes;
}

bool calendar_text_is_plain(const char *text, size_t len_bytes)
{
    const unsigned char *bytes = (const unsigned char *)text;

    if (len_bytes >= CALENDAR_NAME_BYTES) {
        return false;
    }
    for (size_t at = 0; at < len_bytes;) {
        size_t step = character_bytes(bytes + at, len_bytes - at);

        /* C0, DEL and, as two bytes, C1. */
        if (step == 0 || bytes[at] < 0x20 || bytes[at] == 0x7f ||
            (bytes[at] == 0xc2 && bytes[at + 1] < 0xa0)) {
            return false;
        }
        at += step;
    }
    return true;
}

/* Where the date is, or would be. */
static size_t position_of(const struct calendar_import *import, uint32_t date)
{
    size_t low = 0;
    size_t high = import->day_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (import->days[middle].date < date) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const char *calendar_import_find(const struct calendar_import *import, uint32_t date)
{
    size_t at = position_of(import, date);

    if (at == import->day_count || import->days[at].date != date) {
        return NULL;
    }
    return import->names[import->days[at].name_index];
}

/* Its index, or name_count when it is not there. */
static size_t name_position(const struct calendar_import *import, const char *name_ja,
                            size_t len_bytes)
{
    size_t i = 0;

    while (i < import->name_count && (strlen(import->names[i]) != len_bytes ||
                                      memcmp(import->names[i], name_ja, len_bytes) != 0)) {
        i++;
    }
    return i;
}

enum calendar_import_result calendar_import_add(struct calendar_import *import, uint32_t date,
                                                const char *name_ja, size_t len_bytes)
{
    struct calendar_date parts;
    size_t at;
    size_t name;

    if (!calendar_date_from_number(date, &parts) || parts.year < CALENDAR_IMPORT_YEAR_FIRST ||
        parts.year > CALENDAR_YEAR_LAST) {
        return CALENDAR_IMPORT_BAD_DATE;
    }
    if (len_bytes == 0 || !calendar_text_is_plain(name_ja, len_bytes)) {
        return CALENDAR_IMPORT_BAD_NAME;
    }
    at = position_of(import, date);
    if (at < import->day_count && import->days[at].date == date) {
        return CALENDAR_IMPORT_DUPLICATE;
    }
    name = name_position(import, name_ja, len_bytes);
    if (import->day_count == CALENDAR_IMPORT_DAYS_MAX || name == CALENDAR_IMPORT_NAMES_MAX) {
        return CALENDAR_IMPORT_TOO_MANY;
    }
    if (name == import->name_count) {
        memset(import->names[name], 0, CALENDAR_NAME_BYTES);
        memcpy(import->names[name], name_ja, len_bytes);
        import->name_count++;
    }
    memmove(&import->days[at + 1], &import->days[at],
            (import->day_count - at) * sizeof(import->days[0]));
    import->days[at] = (struct calendar_import_day){date, (uint8_t)name};
    import->day_count++;
    return CALENDAR_IMPORT_OK;
}

uint16_t calendar_import_year_first(const struct calendar_import *import)
{
    return import->day_count == 0 ? 0 : (uint16_t)(import->days[0].date / 10000);
}

uint16_t calendar_import_year_last(const struct calendar_import *import)
{
    return import->day_count == 0 ? 0
                                  : (uint16_t)(import->days[import->day_count - 1].date / 10000);
}

static uint32_t holiday_count_by_law(uint16_t year)
{
    uint32_t count = 0;

    for (uint32_t month = 1; month <= MONTHS; month++) {
        for (uint32_t day = 1; day <= DAYS_PER_MONTH_MAX; day++) {
            struct calendar_date date;

            if (calendar_date_from_number(year * 10000U + month * 100 + day, &date) &&
                calendar_holiday_by_law(date).kind != CALENDAR_HOLIDAY_NONE) {
                count++;
            }
        }
    }
    return count;
}

static enum calendar_import_result check_year(const struct calendar_import *import, uint16_t year)
{
    size_t first = position_of(import, year * 10000U);
    size_t end = position_of(import, (year + 1) * 10000U);

    if (first == end) {
        return CALENDAR_IMPORT_YEAR_MISSING;
    }
    if (import->days[end - 1].date / 100 % 100 < LAST_MONTH_MIN ||
        end - first + YEAR_DAYS_FEWER_MAX < holiday_count_by_law(year)) {
        return CALENDAR_IMPORT_YEAR_TORN;
    }
    return CALENDAR_IMPORT_OK;
}

enum calendar_import_result calendar_import_check(const struct calendar_import *import,
                                                  const struct calendar_import *present,
                                                  uint16_t *ret_year)
{
    uint16_t first = calendar_import_year_first(import);
    uint16_t last = calendar_import_year_last(import);

    if (import->day_count == 0) {
        return CALENDAR_IMPORT_EMPTY;
    }
    if (present != NULL && present->day_count > 0) {
        if (first > calendar_import_year_first(present)) {
            *ret_year = calendar_import_year_first(present);
            return CALENDAR_IMPORT_YEAR_DROPPED;
        }
        if (last < calendar_import_year_last(present)) {
            *ret_year = calendar_import_year_last(present);
            return CALENDAR_IMPORT_YEAR_DROPPED;
        }
    }
    for (uint16_t year = first; year <= last; year++) {
        enum calendar_import_result result = check_year(import, year);

        if (result != CALENDAR_IMPORT_OK) {
            *ret_year = year;
            return result;
        }
    }
    return CALENDAR_IMPORT_OK;
}
