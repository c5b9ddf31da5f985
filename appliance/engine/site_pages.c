/* What pages get of a site, as JSON: every text in every language. */
#include "appliance/engine/site_reader.h"

#include "appliance/adapters/site_cyaml.h"
#include "appliance/engine/json.h"

#include <stdio.h>

enum { MINUTES_AN_HOUR = 60, TIME_BYTES = 16 };

static void put_texts(struct json *json, const char *name, const char *texts, size_t capacity_bytes)
{
    json_open(json, name, '{');
    for (int i = 0; i < SITE_LANGUAGES; i++) {
        enum site_language language = (enum site_language)i;

        json_text(json, site_language_code(language),
                  site_text_in(texts, capacity_bytes, language));
    }
    json_close(json, '}');
}

static void put_name(struct json *json, const char *name, const struct site_name *texts)
{
    put_texts(json, name, texts->text[0], sizeof(texts->text[0]));
}

static void put_note(struct json *json, const struct site_note *texts)
{
    put_texts(json, "note", texts->text[0], sizeof(texts->text[0]));
}

static void put_minute(struct json *json, const char *name, uint16_t minute)
{
    char text[TIME_BYTES];

    (void)snprintf(text, sizeof(text), "%02u:%02u", (unsigned)minute / MINUTES_AN_HOUR,
                   (unsigned)minute % MINUTES_AN_HOUR);
    json_text(json, name, text);
}

static void put_span(struct json *json, const char *name, uint16_t open_minute,
                     uint16_t close_minute)
{
    json_open(json, name, '{');
    put_minute(json, "open", open_minute);
    put_minute(json, "close", close_minute);
    json_close(json, '}');
}

static void put_items(struct json *json, const char *name, const struct site_item *items,
                      size_t count)
{
    json_open(json, name, '[');
    for (size_t i = 0; i < count; i++) {
        json_open(json, NULL, '{');
        if (items[i].group != 0) {
            json_number(json, "group", items[i].group);
        } else {
            json_number(json, "category", items[i].category);
        }
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void put_categories(struct json *json, const struct site *site)
{
    json_open(json, "categories", '[');
    for (size_t i = 0; i < site->queue.category_count; i++) {
        const struct queue_category_config *config = &site->queue.categories[i];

        json_open(json, NULL, '{');
        json_number(json, "id", config->id);
        put_name(json, "name", &site->pages.category_names[i]);
        put_note(json, &site->pages.category_notes[i]);
        json_open(json, "hours", '[');
        for (size_t k = 0; k < config->span_count; k++) {
            put_span(json, NULL, config->spans[k].first_minute, config->spans[k].end_minute);
        }
        json_close(json, ']');
        if (config->last_minute == 0) {
            json_null(json, "last_ticket");
        } else {
            put_minute(json, "last_ticket", config->last_minute);
        }
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void put_menu(struct json *json, const struct site_pages *pages)
{
    json_open(json, "groups", '[');
    for (size_t i = 0; i < pages->group_count; i++) {
        json_open(json, NULL, '{');
        json_number(json, "id", pages->groups[i].id);
        put_name(json, "name", &pages->groups[i].name);
        put_note(json, &pages->groups[i].note);
        put_items(json, "items", pages->groups[i].items, pages->groups[i].item_count);
        json_close(json, '}');
    }
    json_close(json, ']');
    put_items(json, "menu", pages->items, pages->item_count);
}

static void put_counters(struct json *json, const struct site *site)
{
    json_open(json, "counters", '[');
    for (size_t i = 0; i < site->queue.counter_count; i++) {
        json_open(json, NULL, '{');
        json_number(json, "id", site->queue.counters[i].id);
        put_name(json, "name", &site->pages.counter_names[i]);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void put_devices(struct json *json, const struct site_pages *pages)
{
    static const char *const kinds[] = {"", "kiosk", "board", "counter"};

    json_open(json, "devices", '[');
    for (size_t i = 0; i < pages->device_count; i++) {
        const struct site_device *device = &pages->devices[i];

        json_open(json, NULL, '{');
        json_number(json, "id", device->id);
        json_text(json, "kind", kinds[device->kind]);
        if (device->counter == 0) {
            json_null(json, "counter");
        } else {
            json_number(json, "counter", device->counter);
        }
        json_text(json, "name_ja", device->name_ja);
        json_text(json, "name_en", device->name_en);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void put_choices(struct json *json, const struct site_pages *pages)
{
    json_open(json, "languages", '[');
    for (size_t i = 0; i < pages->language_count; i++) {
        json_text(json, NULL, site_language_code((enum site_language)pages->languages[i]));
    }
    json_close(json, ']');
    json_open(json, "delivery", '[');
    if (pages->paper) {
        json_text(json, NULL, "paper");
    }
    if (pages->paperless) {
        json_text(json, NULL, "paperless");
    }
    json_close(json, ']');
    json_open(json, "priorities", '[');
    for (size_t i = 0; i < pages->priority_count; i++) {
        json_open(json, NULL, '{');
        json_number(json, "level", pages->priorities[i].level);
        put_name(json, "name", &pages->priorities[i].name);
        json_close(json, '}');
    }
    json_close(json, ']');
    json_bool(json, "public_page", pages->public_page);
    json_bool(json, "silent_branch", pages->silent_branch);
}

/* Before arrival: which services, and whether the own page may say that its visitor is there. */
static void put_registration(struct json *json, const struct queue_config *config)
{
    bool any = false;

    for (size_t i = 0; i < config->category_count; i++) {
        any = any || config->categories[i].registration_places != 0;
    }
    if (!any) {
        json_null(json, "registration");
        return;
    }
    json_open(json, "registration", '{');
    json_bool(json, "own_arrival", config->own_arrival);
    json_open(json, "categories", '[');
    for (size_t i = 0; i < config->category_count; i++) {
        if (config->categories[i].registration_places != 0) {
            json_number(json, NULL, config->categories[i].id);
        }
    }
    json_close(json, ']');
    json_close(json, '}');
}

static void put_contact(struct json *json, const struct site_contact *contact)
{
    if (contact->close_minute == 0) {
        json_null(json, "contact");
        return;
    }
    json_open(json, "contact", '{');
    put_name(json, "name", &contact->name);
    json_text(json, "telephone", contact->telephone);
    put_span(json, "hours", contact->open_minute, contact->close_minute);
    json_close(json, '}');
}

char *site_pages_to_json(const struct site *site, size_t *ret_len_bytes)
{
    const struct site_pages *pages = &site->pages;
    struct json json;

    json_init(&json);
    json_open(&json, NULL, '{');
    put_name(&json, "name", &pages->name);
    put_name(&json, "organisation", &pages->organisation);
    put_name(&json, "section", &pages->section);
    put_name(&json, "place", &pages->place);
    put_span(&json, "hours", site->hours.open_minute, site->hours.close_minute);
    put_choices(&json, pages);
    put_categories(&json, site);
    put_menu(&json, pages);
    put_counters(&json, site);
    put_devices(&json, pages);
    put_texts(&json, "running_text", pages->running.text[0], sizeof(pages->running.text[0]));
    json_text(&json, "visitor_url", site->printing.visitor_url);
    put_contact(&json, &pages->contact);
    put_registration(&json, &site->queue);
    json_close(&json, '}');
    return json_take(&json, ret_len_bytes);
}
