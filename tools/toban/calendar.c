/* calendar YEAR: which days are closed and why, counted by month. Asks no unit: the law and the files
 * named on the command line are all there is to it. import asks the unit on duty. */
#include "appliance/calendar/calendar.h"
#include "appliance/adapters/holidays_csv.h"
#include "appliance/adapters/site_cyaml.h"
#include "tools/toban/toban.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    MONTHS = 12,
    YEAR_DIVISOR = 10000,
    MONTH_DIVISOR = 100,
    DATE_TEXT_BYTES = 16,
    WEEKDAY_COLUMNS = 9,
    MINUTES_AN_HOUR = 60,
};

static void date_text(uint32_t date, char text[DATE_TEXT_BYTES])
{
    (void)snprintf(text, DATE_TEXT_BYTES, "%04u-%02u-%02u", date / YEAR_DIVISOR % YEAR_DIVISOR,
                   date / MONTH_DIVISOR % MONTH_DIVISOR, date % MONTH_DIVISOR);
}

/* Said by the week alone: not worth a line. */
static bool is_ordinary(const struct calendar_day *day)
{
    return day->reason == CALENDAR_REASON_WEEKDAY || day->reason == CALENDAR_REASON_WEEKLY_CLOSING;
}

static void take_site(const struct site *site, struct calendar *calendar)
{
    for (size_t i = 0; i < CALENDAR_WEEKDAYS; i++) {
        if (calendar->hours[i].open) {
            calendar->hours[i].open_minute = site->hours.open_minute;
            calendar->hours[i].close_minute = site->hours.close_minute;
        }
    }
    calendar->lead_minutes = site->hours.lead_minutes;
    for (size_t i = 0; i < site->hours.override_count; i++) {
        const struct site_override *from = &site->hours.overrides[i];
        struct calendar_override override = {
            .date = from->date, .hours = {from->open, from->open_minute, from->close_minute}};

        (void)snprintf(override.reason_ja, sizeof(override.reason_ja), "%s", from->reason_ja);
        (void)snprintf(override.reason_en, sizeof(override.reason_en), "%s", from->reason_en);
        (void)calendar_set_override(calendar, &override);
    }
}

static bool load_site(const struct toban *toban, const char *path, struct calendar *calendar)
{
    struct site *site = calloc(1, sizeof(*site));
    struct site_error error = {0};
    char text[2 * SITE_ERROR_TEXT_BYTES];
    int r = site == NULL ? -ENOMEM : site_load_file(path, site, &error);

    if (r == 0) {
        take_site(site, calendar);
    } else {
        site_error_to_text(&error, path, toban->japanese, text, sizeof(text));
        (void)fprintf(toban->err, "toban: %s\n", text);
    }
    free(site);
    return r == 0;
}

static bool load_holidays(const struct toban *toban, const char *path, struct calendar *calendar)
{
    struct holidays_csv_error error = {0};
    char *bytes = malloc(HOLIDAYS_CSV_BYTES_MAX + 1);
    FILE *file = fopen(path, "rb");
    size_t len_bytes =
        file != NULL && bytes != NULL ? fread(bytes, 1, HOLIDAYS_CSV_BYTES_MAX + 1, file) : 0;
    int r = -EIO;

    if (file != NULL && bytes != NULL && !ferror(file)) {
        r = holidays_csv_parse(bytes, len_bytes, NULL, &calendar->import, &error);
    }
    if (r == -EINVAL) {
        (void)fprintf(toban->err, "toban: %s:%u: %s\n", path, error.line,
                      text_choose(toban, error.text_ja, error.text_en));
    } else if (r != 0) {
        (void)fprintf(toban->err,
                      text_choose(toban, "toban: %s を読めません。\n", "toban: cannot read %s.\n"),
                      path);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    free(bytes);
    return r == 0;
}

static uint32_t for_each_day(const struct calendar *calendar, uint32_t year,
                             uint32_t opening_days[MONTHS],
                             void (*each)(void *context, const struct calendar_day *day),
                             void *context)
{
    uint32_t total = 0;

    for (uint32_t date = year * YEAR_DIVISOR + 101; date != 0 && date / YEAR_DIVISOR == year;
         date = calendar_date_plus(date, 1)) {
        struct calendar_day day;

        calendar_get_day(calendar, date, &day);
        if (day.open) {
            opening_days[date / MONTH_DIVISOR % MONTH_DIVISOR - 1]++;
            total++;
        }
        if (!is_ordinary(&day)) {
            each(context, &day);
        }
    }
    return total;
}

static void write_day(void *context, const struct calendar_day *day)
{
    const struct toban *toban = context;
    char text[DATE_TEXT_BYTES];

    date_text(day->date, text);
    (void)fprintf(toban->out, "  %s ", text);
    text_put_padded(
        toban->out,
        text_choose(toban, calendar_weekday_ja(day->weekday), calendar_weekday_en(day->weekday)),
        WEEKDAY_COLUMNS);
    (void)fprintf(toban->out, " %s", text_choose(toban, day->name_ja, day->name_en));
    if (day->open) {
        (void)fprintf(toban->out, "  %02u:%02u–%02u:%02u",
                      (unsigned)day->open_minute / MINUTES_AN_HOUR,
                      (unsigned)day->open_minute % MINUTES_AN_HOUR,
                      (unsigned)day->close_minute / MINUTES_AN_HOUR,
                      (unsigned)day->close_minute % MINUTES_AN_HOUR);
    }
    (void)fputc('\n', toban->out);
}

static void append_day(void *context, const struct calendar_day *day)
{
    char text[DATE_TEXT_BYTES];

    date_text(day->date, text);
    (void)json_array_append_new(context, json_pack("{s:s, s:b, s:s, s:s, s:s}", "date", text,
                                                   "open", (int)day->open, "reason",
                                                   calendar_reason_code(day->reason), "name_ja",
                                                   day->name_ja, "name_en", day->name_en));
}

static void write_json(const struct toban *toban, const struct calendar *calendar, uint32_t year)
{
    uint32_t opening_days[MONTHS] = {0};
    json_t *days = json_array();
    json_t *months = json_array();
    uint32_t total = for_each_day(calendar, year, opening_days, append_day, days);
    json_t *root;

    for (size_t i = 0; i < MONTHS; i++) {
        (void)json_array_append_new(months, json_integer((json_int_t)opening_days[i]));
    }
    root = json_pack("{s:i, s:i, s:o, s:o}", "year", (int)year, "opening_days", (int)total,
                     "by_month", months, "days", days);
    (void)json_dumpf(root, toban->out, JSON_INDENT(2));
    (void)fputc('\n', toban->out);
    json_decref(root);
}

static void write_words(struct toban *toban, const struct calendar *calendar, uint32_t year)
{
    uint32_t opening_days[MONTHS] = {0};
    char era[CALENDAR_ERA_TEXT_BYTES];
    uint32_t total;

    calendar_era_text(year * YEAR_DIVISOR + 101, era);
    (void)fprintf(toban->out, text_choose(toban, "%u年 (%s から)\n", "%u (from %s)\n"), year, era);
    total = for_each_day(calendar, year, opening_days, write_day, toban);
    (void)fprintf(toban->out, text_choose(toban, "開庁日 %u 日:", "%u opening days:"), total);
    for (uint32_t month = 0; month < MONTHS; month++) {
        (void)fprintf(toban->out, text_choose(toban, " %u月:%u", " %u:%u"), month + 1,
                      opening_days[month]);
    }
    (void)fputc('\n', toban->out);
}

/* ---- import: the Cabinet Office's list, shown before it counts ------------------------------------------ */

static void write_import(const struct toban *toban, const json_t *body, bool applied)
{
    const json_t *change;
    size_t i;

    (void)fprintf(toban->out,
                  text_choose(toban, "%lld 日（%lld〜%lld年）。いまの暦と違う日: %lld\n",
                              "%lld days (%lld to %lld). Days that differ from now: %lld\n"),
                  (long long)json_integer_value(json_object_get(body, "days")),
                  (long long)json_integer_value(json_object_get(body, "year_first")),
                  (long long)json_integer_value(json_object_get(body, "year_last")),
                  (long long)json_integer_value(json_object_get(body, "changed_days")));
    json_array_foreach(json_object_get(body, "changes"), i, change)
    {
        (void)fprintf(
            toban->out, "  %s  %s → %s\n", json_string_value(json_object_get(change, "date")),
            text_member(toban, change, "name_before"), text_member(toban, change, "name"));
    }
    (void)fputs(applied ? text_choose(toban, "取り込みました。\n", "Imported.\n")
                        : text_choose(toban,
                                      "まだ何も変えていません。このとおりでよければ --apply "
                                      "を付けてもう一度。\n",
                                      "Nothing is changed yet. If this is right, say it again with "
                                      "--apply.\n"),
                toban->out);
}

static int ask_import(struct toban *toban, struct api_request *request, json_t **ret_body)
{
    bool json = toban->json;
    int r;

    toban->json = false;
    r = ask_and_parse(toban, request, ret_body);
    toban->json = json;
    return r;
}

static int import_bytes(struct toban *toban, const uint8_t *bytes, size_t len_bytes, bool apply)
{
    struct api_request request = {.type = API_SITE,
                                  .site = {.what = API_SITE_HOLIDAYS_CHECK,
                                           .actor = API_ACTOR_ADMINISTRATOR,
                                           .text = bytes,
                                           .text_len_bytes = (uint32_t)len_bytes}};
    json_t *body = NULL;
    int r = ask_import(toban, &request, &body);

    if (r == TOBAN_OK && apply) { /* on the list that this was held against, or not at all */
        request.site.what = API_SITE_HOLIDAYS_APPLY;
        request.site.version = (uint32_t)json_integer_value(json_object_get(body, "version"));
        json_decref(body);
        r = ask_import(toban, &request, &body);
    }
    if (r == TOBAN_OK && toban->json) {
        (void)json_dumpf(body, toban->out, JSON_INDENT(2));
        (void)fputc('\n', toban->out);
    } else if (r == TOBAN_OK) {
        write_import(toban, body, apply);
    }
    json_decref(body);
    return r;
}

static int import_file(struct toban *toban, const char *path, bool apply)
{
    uint8_t *bytes = malloc(API_SITE_TEXT_BYTES_MAX + 1);
    FILE *file = fopen(path, "rb");
    size_t len_bytes = 0;
    int r = TOBAN_NO;

    if (file != NULL && bytes != NULL) {
        len_bytes = fread(bytes, 1, API_SITE_TEXT_BYTES_MAX + 1, file);
    }
    if (file == NULL || bytes == NULL || ferror(file) != 0 || len_bytes > API_SITE_TEXT_BYTES_MAX) {
        (void)fprintf(toban->err,
                      text_choose(toban, "toban: %s を読めません（64 KiB まで）。\n",
                                  "toban: cannot read %s (64 KiB at most).\n"),
                      path);
    } else {
        r = import_bytes(toban, bytes, len_bytes, apply);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    free(bytes);
    return r;
}

int command_calendar(struct toban *toban, int argc, char **argv)
{
    const char *site = NULL, *holidays = NULL;
    int site_found = options_take_value(&argc, argv, "site", &site);
    int holidays_found = options_take_value(&argc, argv, "holidays", &holidays);
    bool apply = options_take_flag(&argc, argv, "apply");
    struct calendar *calendar;
    uint32_t year;
    int r = TOBAN_OK;

    if (argc == 2 && strcmp(argv[0], "import") == 0) {
        return import_file(toban, argv[1], apply);
    }
    if (apply || site_found < 0 || holidays_found < 0 || argc != 1 ||
        !options_parse_number(argv[0], CALENDAR_YEAR_FIRST, CALENDAR_YEAR_LAST, &year)) {
        return command_misused(toban, "calendar", "年は1980から2099までです。",
                               "a year is from 1980 to 2099.");
    }
    calendar = calloc(1, sizeof(*calendar));
    if (calendar == NULL) {
        return TOBAN_NO;
    }
    calendar_init(calendar);
    if ((site_found > 0 && !load_site(toban, site, calendar)) ||
        (holidays_found > 0 && !load_holidays(toban, holidays, calendar))) {
        r = TOBAN_NO;
    } else if (toban->json) {
        write_json(toban, calendar, year);
    } else {
        write_words(toban, calendar, year);
    }
    free(calendar);
    return r;
}
