#include "appliance/engine/site_reader.h"

#include "appliance/adapters/holidays_csv.h"
#include "appliance/adapters/site_cyaml.h"
#include "appliance/engine/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)ENGINE_VISITOR_URL_BYTES >= (int)SITE_URL_BYTES, "an address fits");

static void take_error(const struct site_error *from, struct engine_site_error *to)
{
    to->line = from->line;
    (void)snprintf(to->path, sizeof(to->path), "%s", from->path);
    (void)snprintf(to->text_ja, sizeof(to->text_ja), "%s", from->text_ja);
    (void)snprintf(to->text_en, sizeof(to->text_en), "%s", from->text_en);
}

static int fill_form(const struct site *site, struct engine_site_form *form)
{
    struct calendar *calendar = calloc(1, sizeof(*calendar));
    int r = calendar == NULL ? -ENOMEM : 0;

    if (r == 0) {
        site_fill_calendar(site, calendar);
        form->calendar_len_bytes =
            calendar_site_encode(calendar, form->calendar, sizeof(form->calendar));
        form->queue = site->queue;
        form->public_page = site->pages.public_page;
        form->keep_visits_days = site->keep_visits_days;
        (void)snprintf(form->visitor_url, sizeof(form->visitor_url), "%s",
                       site->printing.visitor_url);
        (void)snprintf(form->place_ja, sizeof(form->place_ja), "%s", site->printing.place_ja);
        (void)snprintf(form->place_en, sizeof(form->place_en), "%s", site->printing.place_en);
        form->relay_count = site->pages.relay_count;
        for (size_t i = 0; i < site->pages.relay_count; i++) {
            (void)snprintf(form->relays[i], sizeof(form->relays[i]), "%s", site->pages.relays[i]);
        }
        form->pages = site_pages_to_json(site, &form->pages_len_bytes);
    }
    free(calendar);
    return r;
}

static int read_site(void *context, const uint8_t *text, size_t len_bytes,
                     struct engine_site_form *ret_form, struct engine_site_error *ret_error)
{
    struct site *site = calloc(1, sizeof(*site));
    struct site_error error = {0};
    int r = site == NULL ? -ENOMEM : site_load_bytes(text, len_bytes, site, &error);

    (void)context;
    if (r == 0) {
        r = fill_form(site, ret_form);
    }
    if (r < 0) {
        take_error(&error, ret_error);
    }
    free(site);
    return r;
}

static char *changes_of(const struct site *before, const struct site *after)
{
    struct site_difference *differences = calloc(SITE_DIFFERENCES_MAX, sizeof(*differences));
    size_t count = differences == NULL || before == NULL
                       ? 0
                       : site_compare(before, after, differences, SITE_DIFFERENCES_MAX);
    struct json json;
    size_t len_bytes;

    json_init(&json);
    json_open(&json, NULL, '[');
    for (size_t i = 0; i < count; i++) {
        json_open(&json, NULL, '{');
        json_text(&json, "text_ja", differences[i].text_ja);
        json_text(&json, "text_en", differences[i].text_en);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    free(differences);
    return json_take(&json, &len_bytes);
}

static char *notices_of(const struct site *site)
{
    struct site_notice *notices = calloc(SITE_NOTICES_MAX, sizeof(*notices));
    size_t count = notices == NULL ? 0 : site_list_notices(site, notices, SITE_NOTICES_MAX);
    struct json json;
    size_t len_bytes;

    json_init(&json);
    json_open(&json, NULL, '[');
    for (size_t i = 0; i < count; i++) {
        json_open(&json, NULL, '{');
        json_text(&json, "path", notices[i].path);
        json_text(&json, "text_ja", notices[i].text_ja);
        json_text(&json, "text_en", notices[i].text_en);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    free(notices);
    return json_take(&json, &len_bytes);
}

/* A text that an older version of this program took and this one does not is as if nothing had been there. */
static int preview(void *context, const uint8_t *before, size_t before_len_bytes,
                   const uint8_t *after, size_t after_len_bytes, char **ret_changes,
                   char **ret_notices, bool *ret_machines)
{
    struct site *sites = calloc(2, sizeof(*sites));
    struct site_error error;
    bool known;
    int r;

    (void)context;
    if (sites == NULL) {
        return -ENOMEM;
    }
    known = before != NULL && site_load_bytes(before, before_len_bytes, &sites[0], &error) == 0;
    r = site_load_bytes(after, after_len_bytes, &sites[1], &error);
    if (r == 0) {
        *ret_changes = changes_of(known ? &sites[0] : NULL, &sites[1]);
        *ret_notices = notices_of(&sites[1]);
        *ret_machines = known && !site_machines_are_equal(&sites[0], &sites[1]);
    }
    free(sites);
    return r;
}

static int set_wait_limit(void *context, const uint8_t *text, size_t len_bytes, uint16_t category,
                          uint16_t minutes, char **ret_text, size_t *ret_len_bytes,
                          struct engine_site_error *ret_error)
{
    struct site_error error = {0};
    int r =
        site_edit_wait_limit(text, len_bytes, category, minutes, ret_text, ret_len_bytes, &error);

    (void)context;
    if (r < 0) {
        take_error(&error, ret_error);
    }
    return r;
}

static int read_holidays(void *context, const uint8_t *bytes, size_t len_bytes,
                         const struct calendar_import *present, struct calendar_import *ret_import,
                         struct engine_site_error *ret_error)
{
    struct holidays_csv_error error = {0};
    int r = holidays_csv_parse(bytes, len_bytes, present->day_count == 0 ? NULL : present,
                               ret_import, &error);

    (void)context;
    if (r < 0) {
        ret_error->line = error.line;
        (void)snprintf(ret_error->text_ja, sizeof(ret_error->text_ja), "%s", error.text_ja);
        (void)snprintf(ret_error->text_en, sizeof(ret_error->text_en), "%s", error.text_en);
    }
    return r;
}

const struct engine_site_reader site_reader = {
    .read = read_site,
    .preview = preview,
    .set_wait_limit = set_wait_limit,
    .read_holidays = read_holidays,
};
