/* The two halves of a calendar as bytes for the ledger. Big-endian, one version byte in front. */
#include "appliance/calendar/calendar.h"

#include "base/bytes.h"

#include <string.h>

enum {
    SITE_VERSION = 1,
    IMPORT_VERSION = 1,
    TEXT_BYTES_MAX = 2 + CALENDAR_NAME_BYTES - 1,
    HOURS_BYTES = 1 + 2 + 2,
    SITE_BYTES_MAX = 1 + CALENDAR_WEEKDAYS * HOURS_BYTES + 5 * 2 +
                     CALENDAR_OVERRIDES_MAX * (4 + HOURS_BYTES + 2 * TEXT_BYTES_MAX),
    IMPORT_BYTES_MAX =
        1 + 2 + CALENDAR_IMPORT_NAMES_MAX * TEXT_BYTES_MAX + 2 + CALENDAR_IMPORT_DAYS_MAX * (2 + 1),
    /* Imported days are written as days after this one: 1948-01-01. Two bytes reach beyond 2099. */
    IMPORT_DAY_COUNT_ZERO = -8036,
};

_Static_assert((int)SITE_BYTES_MAX <= (int)CALENDAR_RECORD_BYTES_MAX,
               "a site's settings fit one record");
_Static_assert((int)IMPORT_BYTES_MAX <= (int)CALENDAR_RECORD_BYTES_MAX,
               "an imported list fits one record");

static size_t finish(const struct bytes_writer *writer)
{
    return writer->failed ? 0 : writer->len_bytes;
}

/* The minutes of a day that is closed say nothing, so they are written as 0: one meaning, one record. */
static void put_hours(struct bytes_writer *writer, const struct calendar_hours *hours)
{
    bytes_put_u8(writer, hours->open ? 1 : 0);
    bytes_put_u16(writer, hours->open ? hours->open_minute : 0);
    bytes_put_u16(writer, hours->open ? hours->close_minute : 0);
}

static struct calendar_hours get_hours(struct bytes_reader *reader)
{
    struct calendar_hours hours;
    uint8_t open = bytes_get_u8(reader);

    hours.open = open == 1;
    hours.open_minute = bytes_get_u16(reader);
    hours.close_minute = bytes_get_u16(reader);
    if (open > 1 || (!hours.open && (hours.open_minute != 0 || hours.close_minute != 0))) {
        reader->failed = true;
    }
    return hours;
}

size_t calendar_site_encode(const struct calendar *calendar, uint8_t *bytes, size_t capacity_bytes)
{
    struct bytes_writer writer = bytes_writer_over(bytes, capacity_bytes);

    bytes_put_u8(&writer, SITE_VERSION);
    for (size_t day = 0; day < CALENDAR_WEEKDAYS; day++) {
        put_hours(&writer, &calendar->hours[day]);
    }
    bytes_put_u16(&writer, calendar->lead_minutes);
    bytes_put_u16(&writer, (uint16_t)calendar->utc_offset_minutes);
    bytes_put_u16(&writer, calendar->closing_first);
    bytes_put_u16(&writer, calendar->closing_last);
    bytes_put_u16(&writer, calendar->override_count);
    for (size_t i = 0; i < calendar->override_count; i++) {
        bytes_put_u32(&writer, calendar->overrides[i].date);
        put_hours(&writer, &calendar->overrides[i].hours);
        bytes_put_text(&writer, calendar->overrides[i].reason_ja);
        bytes_put_text(&writer, calendar->overrides[i].reason_en);
    }
    return finish(&writer);
}

static bool get_overrides(struct bytes_reader *reader, struct calendar *calendar)
{
    uint16_t count = bytes_get_u16(reader);
    uint32_t date_before = 0;

    for (size_t i = 0; i < count; i++) {
        struct calendar_override override = {.date = bytes_get_u32(reader)};

        override.hours = get_hours(reader);
        bytes_get_text(reader, override.reason_ja, sizeof(override.reason_ja));
        bytes_get_text(reader, override.reason_en, sizeof(override.reason_en));
        if (reader->failed || override.date <= date_before ||
            calendar_set_override(calendar, &override) != CALENDAR_PROBLEM_NONE) {
            return false;
        }
        date_before = override.date;
    }
    return true;
}

bool calendar_site_decode(const uint8_t *bytes, size_t len_bytes, struct calendar *calendar)
{
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);
    struct calendar site;

    if (bytes_get_u8(&reader) != SITE_VERSION) {
        return false;
    }
    calendar_init(&site);
    for (size_t day = 0; day < CALENDAR_WEEKDAYS; day++) {
        site.hours[day] = get_hours(&reader);
    }
    site.lead_minutes = bytes_get_u16(&reader);
    site.utc_offset_minutes = (int16_t)bytes_get_u16(&reader);
    site.closing_first = bytes_get_u16(&reader);
    site.closing_last = bytes_get_u16(&reader);
    if (!get_overrides(&reader, &site) || !bytes_finished(&reader) ||
        calendar_check(&site) != CALENDAR_PROBLEM_NONE) {
        return false;
    }
    site.import = calendar->import;
    *calendar = site;
    return true;
}

size_t calendar_import_encode(const struct calendar_import *import, uint8_t *bytes,
                              size_t capacity_bytes)
{
    struct bytes_writer writer = bytes_writer_over(bytes, capacity_bytes);

    bytes_put_u8(&writer, IMPORT_VERSION);
    bytes_put_u16(&writer, import->name_count);
    for (size_t i = 0; i < import->name_count; i++) {
        bytes_put_text(&writer, import->names[i]);
    }
    bytes_put_u16(&writer, import->day_count);
    for (size_t i = 0; i < import->day_count; i++) {
        struct calendar_date date;

        if (!calendar_date_from_number(import->days[i].date, &date)) {
            return 0;
        }
        bytes_put_u16(&writer, (uint16_t)(calendar_day_count(date) - IMPORT_DAY_COUNT_ZERO));
        bytes_put_u8(&writer, import->days[i].name_index);
    }
    return finish(&writer);
}

/* The names of the list, each once; which day has which is read after them. */
static bool get_names(struct bytes_reader *reader, struct calendar_import *import)
{
    uint16_t count = bytes_get_u16(reader);

    if (count > CALENDAR_IMPORT_NAMES_MAX) {
        return false;
    }
    for (; import->name_count < count; import->name_count++) {
        char *name = import->names[import->name_count];

        bytes_get_text(reader, name, CALENDAR_NAME_BYTES);
        for (size_t i = 0; i < import->name_count; i++) {
            if (strcmp(import->names[i], name) == 0) {
                return false;
            }
        }
    }
    return !reader->failed;
}

static bool all_are_used(const bool *used, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!used[i]) {
            return false;
        }
    }
    return true;
}

bool calendar_import_decode(const uint8_t *bytes, size_t len_bytes, struct calendar_import *ret)
{
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);
    struct calendar_import import = {.day_count = 0};
    bool used[CALENDAR_IMPORT_NAMES_MAX] = {false};
    uint32_t date_before = 0;
    uint16_t day_count;

    if (bytes_get_u8(&reader) != IMPORT_VERSION || !get_names(&reader, &import)) {
        return false;
    }
    day_count = bytes_get_u16(&reader);
    for (size_t i = 0; i < day_count; i++) {
        int32_t day = bytes_get_u16(&reader) + IMPORT_DAY_COUNT_ZERO;
        uint32_t date = calendar_date_to_number(calendar_date_from_day_count(day));
        uint8_t name = bytes_get_u8(&reader);

        if (reader.failed || name >= import.name_count || date <= date_before ||
            calendar_import_add(&import, date, import.names[name], strlen(import.names[name])) !=
                CALENDAR_IMPORT_OK) {
            return false;
        }
        date_before = date;
        used[name] = true;
    }
    if (!bytes_finished(&reader) || !all_are_used(used, import.name_count)) {
        return false;
    }
    *ret = import;
    return true;
}
