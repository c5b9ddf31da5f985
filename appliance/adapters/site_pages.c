/* What pages get of a site: every text in every language, as JSON; and which of them are missing. */
#include "appliance/adapters/site_cyaml.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTES_AN_HOUR = 60, TIME_BYTES = 16 };

const char *site_language_code(enum site_language language)
{
    static const char *const codes[SITE_LANGUAGES] = {"ja", "ja-easy", "en", "zh", "ko"};

    return codes[language];
}

const char *site_text_in(const char *texts, size_t capacity_bytes, enum site_language language)
{
    const char *ja = texts + (size_t)SITE_JA * capacity_bytes;
    const char *en = texts + (size_t)SITE_EN * capacity_bytes;
    const char *own = texts + (size_t)language * capacity_bytes;

    if (own[0] != '\0') {
        return own;
    }
    return language == SITE_JA_EASY || en[0] == '\0' ? ja : en;
}

/* ---- JSON: an allocation that fails leaves a NULL, and the whole is refused at the end ------------- */

struct rendering {
    bool failed;
};

static void put(struct rendering *rendering, json_t *object, const char *name, json_t *value)
{
    if (json_object_set_new(object, name, value) < 0) {
        rendering->failed = true;
    }
}

static void append(struct rendering *rendering, json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) < 0) {
        rendering->failed = true;
    }
}

static void put_texts(struct rendering *rendering, json_t *object, const char *name,
                      const char *texts, size_t capacity_bytes)
{
    json_t *all = json_object();

    for (int i = 0; i < SITE_LANGUAGES; i++) {
        enum site_language language = (enum site_language)i;

        put(rendering, all, site_language_code(language),
            json_string(site_text_in(texts, capacity_bytes, language)));
    }
    put(rendering, object, name, all);
}

static void put_name(struct rendering *rendering, json_t *object, const char *name,
                     const struct site_name *texts)
{
    put_texts(rendering, object, name, texts->text[0], sizeof(texts->text[0]));
}

static void put_note(struct rendering *rendering, json_t *object, const struct site_note *texts)
{
    put_texts(rendering, object, "note", texts->text[0], sizeof(texts->text[0]));
}

static json_t *time_of(uint16_t minute)
{
    char text[TIME_BYTES];

    (void)snprintf(text, sizeof(text), "%02u:%02u", minute / MINUTES_AN_HOUR,
                   minute % MINUTES_AN_HOUR);
    return json_string(text);
}

static json_t *span_of(struct rendering *rendering, uint16_t open_minute, uint16_t close_minute)
{
    json_t *span = json_object();

    put(rendering, span, "open", time_of(open_minute));
    put(rendering, span, "close", time_of(close_minute));
    return span;
}

static json_t *category_of(struct rendering *rendering, const struct site *site, size_t at)
{
    const struct queue_category_config *config = &site->queue.categories[at];
    json_t *category = json_object();
    json_t *hours = json_array();

    put(rendering, category, "id", json_integer(config->id));
    put_name(rendering, category, "name", &site->pages.category_names[at]);
    put_note(rendering, category, &site->pages.category_notes[at]);
    for (size_t i = 0; i < config->span_count; i++) {
        append(rendering, hours,
               span_of(rendering, config->spans[i].first_minute, config->spans[i].end_minute));
    }
    put(rendering, category, "hours", hours);
    put(rendering, category, "last_ticket",
        config->last_minute == 0 ? json_null() : time_of(config->last_minute));
    return category;
}

static json_t *items_of(struct rendering *rendering, const struct site_item *items, size_t count)
{
    json_t *all = json_array();

    for (size_t i = 0; i < count; i++) {
        json_t *item = json_object();

        put(rendering, item, items[i].group != 0 ? "group" : "category",
            json_integer(items[i].group != 0 ? items[i].group : items[i].category));
        append(rendering, all, item);
    }
    return all;
}

static void put_menu(struct rendering *rendering, json_t *root, const struct site *site)
{
    json_t *categories = json_array(), *groups = json_array();

    for (size_t i = 0; i < site->queue.category_count; i++) {
        append(rendering, categories, category_of(rendering, site, i));
    }
    for (size_t i = 0; i < site->pages.group_count; i++) {
        const struct site_group *from = &site->pages.groups[i];
        json_t *group = json_object();

        put(rendering, group, "id", json_integer(from->id));
        put_name(rendering, group, "name", &from->name);
        put_note(rendering, group, &from->note);
        put(rendering, group, "items", items_of(rendering, from->items, from->item_count));
        append(rendering, groups, group);
    }
    put(rendering, root, "categories", categories);
    put(rendering, root, "groups", groups);
    put(rendering, root, "menu", items_of(rendering, site->pages.items, site->pages.item_count));
}

static void put_counters(struct rendering *rendering, json_t *root, const struct site *site)
{
    json_t *counters = json_array();

    for (size_t i = 0; i < site->queue.counter_count; i++) {
        json_t *counter = json_object();

        put(rendering, counter, "id", json_integer(site->queue.counters[i].id));
        put_name(rendering, counter, "name", &site->pages.counter_names[i]);
        append(rendering, counters, counter);
    }
    put(rendering, root, "counters", counters);
}

static void put_devices(struct rendering *rendering, json_t *root, const struct site *site)
{
    static const char *const kinds[] = {"", "kiosk", "board", "counter"};
    json_t *devices = json_array();

    for (size_t i = 0; i < site->pages.device_count; i++) {
        const struct site_device *from = &site->pages.devices[i];
        json_t *device = json_object();

        put(rendering, device, "id", json_integer(from->id));
        put(rendering, device, "kind", json_string(kinds[from->kind]));
        put(rendering, device, "counter",
            from->counter == 0 ? json_null() : json_integer(from->counter));
        put(rendering, device, "name_ja", json_string(from->name_ja));
        put(rendering, device, "name_en", json_string(from->name_en));
        append(rendering, devices, device);
    }
    put(rendering, root, "devices", devices);
}

static void put_choices(struct rendering *rendering, json_t *root, const struct site_pages *pages)
{
    json_t *languages = json_array(), *delivery = json_array(), *priorities = json_array();

    for (size_t i = 0; i < pages->language_count; i++) {
        append(rendering, languages,
               json_string(site_language_code((enum site_language)pages->languages[i])));
    }
    if (pages->paper) {
        append(rendering, delivery, json_string("paper"));
    }
    if (pages->paperless) {
        append(rendering, delivery, json_string("paperless"));
    }
    for (size_t i = 0; i < pages->priority_count; i++) {
        json_t *priority = json_object();

        put(rendering, priority, "level", json_integer(pages->priorities[i].level));
        put_name(rendering, priority, "name", &pages->priorities[i].name);
        append(rendering, priorities, priority);
    }
    put(rendering, root, "languages", languages);
    put(rendering, root, "delivery", delivery);
    put(rendering, root, "priorities", priorities);
    put(rendering, root, "public_page", json_boolean(pages->public_page));
    put(rendering, root, "silent_branch", json_boolean(pages->silent_branch));
}

static void put_contact(struct rendering *rendering, json_t *root,
                        const struct site_contact *contact)
{
    json_t *object = json_object();

    if (contact->close_minute == 0) {
        json_decref(object);
        put(rendering, root, "contact", json_null());
        return;
    }
    put_name(rendering, object, "name", &contact->name);
    put(rendering, object, "telephone", json_string(contact->telephone));
    put(rendering, object, "hours",
        span_of(rendering, contact->open_minute, contact->close_minute));
    put(rendering, root, "contact", object);
}

int site_pages_to_json(const struct site *site, char **ret_text, size_t *ret_len_bytes)
{
    const struct site_pages *pages = &site->pages;
    struct rendering rendering = {0};
    json_t *root = json_object();
    char *text = NULL;

    put_name(&rendering, root, "name", &pages->name);
    put_name(&rendering, root, "organisation", &pages->organisation);
    put_name(&rendering, root, "section", &pages->section);
    put_name(&rendering, root, "place", &pages->place);
    put(&rendering, root, "hours",
        span_of(&rendering, site->hours.open_minute, site->hours.close_minute));
    put_choices(&rendering, root, pages);
    put_menu(&rendering, root, site);
    put_counters(&rendering, root, site);
    put_devices(&rendering, root, site);
    put_texts(&rendering, root, "running_text", pages->running.text[0],
              sizeof(pages->running.text[0]));
    put(&rendering, root, "visitor_url", json_string(site->printing.visitor_url));
    put_contact(&rendering, root, &pages->contact);
    if (!rendering.failed) {
        text = json_dumps(root, JSON_COMPACT);
    }
    json_decref(root);
    if (text == NULL) {
        return -ENOMEM;
    }
    *ret_text = text;
    *ret_len_bytes = strlen(text);
    return 0;
}

/* ---- what is missing --------------------------------------------------------------------------------- */

struct noticing {
    const struct site *site;
    struct site_notice *notices;
    size_t count, max;
    char path[SITE_PATH_BYTES];
};

__attribute__((format(printf, 2, 3))) static struct noticing *of(struct noticing *noticing,
                                                                 const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(noticing->path, sizeof(noticing->path), format, arguments);
    va_end(arguments);
    return noticing;
}

static void say(struct noticing *noticing, const char *ja, const char *en)
{
    struct site_notice *notice;

    if (noticing->count < noticing->max) {
        notice = &noticing->notices[noticing->count++];
        (void)snprintf(notice->path, sizeof(notice->path), "%s", noticing->path);
        (void)snprintf(notice->text_ja, sizeof(notice->text_ja), "%s", ja);
        (void)snprintf(notice->text_en, sizeof(notice->text_en), "%s", en);
    }
}

/* A text that is nowhere is not wanted; who has begun is told what a visitor will not find. */
static void look_at(struct noticing *noticing, const char *texts, size_t capacity_bytes)
{
    const struct site_pages *pages = &noticing->site->pages;
    char missing[TIME_BYTES * SITE_LANGUAGES] = "";
    char ja[SITE_ERROR_TEXT_BYTES], en[SITE_ERROR_TEXT_BYTES];
    bool any = false;

    for (int i = 0; i < SITE_LANGUAGES; i++) {
        any = any || texts[(size_t)i * capacity_bytes] != '\0';
    }
    for (size_t i = 0; any && i < pages->language_count; i++) {
        enum site_language language = (enum site_language)pages->languages[i];
        size_t len_bytes = strlen(missing);

        if (texts[(size_t)language * capacity_bytes] == '\0') {
            (void)snprintf(missing + len_bytes, sizeof(missing) - len_bytes, "%s%s",
                           len_bytes > 0 ? ", " : "", site_language_code(language));
        }
    }
    if (missing[0] != '\0') {
        (void)snprintf(
            ja, sizeof(ja),
            "%s の文がありません。英語、それもなければ日本語で出ます（ja-easy は日本語）。",
            missing);
        (void)snprintf(
            en, sizeof(en),
            "No text in %s: English is shown, and Japanese where that is missing (ja-easy: "
            "Japanese).",
            missing);
        say(noticing, ja, en);
    }
}

static void look_at_name(struct noticing *noticing, const struct site_name *name)
{
    look_at(noticing, name->text[0], sizeof(name->text[0]));
}

static void look_at_note(struct noticing *noticing, const struct site_note *note)
{
    look_at(noticing, note->text[0], sizeof(note->text[0]));
}

static bool is_on_the_kiosk(const struct site_pages *pages, uint16_t category)
{
    for (size_t i = 0; i < pages->item_count; i++) {
        if (pages->items[i].category == category) {
            return true;
        }
    }
    for (size_t g = 0; g < pages->group_count; g++) {
        for (size_t i = 0; i < pages->groups[g].item_count; i++) {
            if (pages->groups[g].items[i].category == category) {
                return true;
            }
        }
    }
    return false;
}

static void look_at_categories(struct noticing *noticing)
{
    const struct site *site = noticing->site;
    const struct site_pages *pages = &site->pages;

    for (size_t i = 0; i < site->queue.category_count; i++) {
        look_at_name(of(noticing, "categories[%zu].name", i), &pages->category_names[i]);
        look_at_note(of(noticing, "categories[%zu].note", i), &pages->category_notes[i]);
        if (!is_on_the_kiosk(pages, site->queue.categories[i].id)) {
            say(of(noticing, "categories[%zu].id", i),
                "この業務は menu にありません。発券機では選べず、職員の転送でだけ使えます。",
                "This category is not in the menu: visitors cannot choose it, staff can transfer "
                "to "
                "it.");
        }
    }
}

size_t site_list_notices(const struct site *site, struct site_notice *notices, size_t max)
{
    const struct site_pages *pages = &site->pages;
    struct noticing noticing = {.site = site, .notices = notices, .max = max};

    look_at_name(of(&noticing, "site.name"), &pages->name);
    look_at_name(of(&noticing, "site.organisation"), &pages->organisation);
    look_at_name(of(&noticing, "site.section"), &pages->section);
    look_at_name(of(&noticing, "site.place"), &pages->place);
    look_at_categories(&noticing);
    for (size_t i = 0; i < site->queue.counter_count; i++) {
        look_at_name(of(&noticing, "counters[%zu].name", i), &pages->counter_names[i]);
    }
    for (size_t i = 0; i < pages->group_count; i++) {
        look_at_name(of(&noticing, "groups[%zu].name", i), &pages->groups[i].name);
        look_at_note(of(&noticing, "groups[%zu].note", i), &pages->groups[i].note);
    }
    for (size_t i = 0; i < pages->priority_count; i++) {
        look_at_name(of(&noticing, "priorities[%zu].name", i), &pages->priorities[i].name);
    }
    look_at(of(&noticing, "pages.running"), pages->running.text[0], sizeof(pages->running.text[0]));
    if (pages->contact.close_minute != 0) {
        look_at_name(of(&noticing, "contact.name"), &pages->contact.name);
    }
    return noticing.count;
}
