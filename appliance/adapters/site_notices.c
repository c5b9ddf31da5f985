/* Texts in five languages: what stands in for one that is missing, and which are. */
#include "appliance/adapters/site_cyaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CODE_BYTES = 16 };

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
    char missing[CODE_BYTES * SITE_LANGUAGES] = "";
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
