/*
 * Site file, third step, what pages need: texts, the kiosk's menu, devices, switches. The queue's part is
 * judged in site_check.c, and is there already.
 */
#include "appliance/adapters/site_raw.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static_assert(sizeof(struct site_raw_name) == sizeof(struct site_name) &&
                  sizeof(struct site_raw_note) == sizeof(struct site_note) &&
                  sizeof(struct site_raw_running) == sizeof(struct site_running),
              "a text's languages lie one behind the other, in the order of enum site_language");

/* What a look at the menu has met so far. */
struct menu {
    struct site_checker *check;
    const struct site_raw *raw;
    struct site_pages *pages;
    bool categories[QUEUE_CATEGORIES_MAX];
    bool groups[SITE_GROUPS_MAX];
};

static int slot_of_category(const struct site_raw *raw, uint16_t id)
{
    for (uint32_t i = 0; i < raw->categories_count; i++) {
        if (raw->categories[i].id == id) {
            return (int)i;
        }
    }
    return -1;
}

static int slot_of_group(const struct site_raw *raw, uint8_t id)
{
    for (uint32_t i = 0; i < raw->groups_count; i++) {
        if (raw->groups[i].id == id) {
            return (int)i;
        }
    }
    return -1;
}

static int check_item(struct menu *menu, const char *path, const struct site_raw_item *raw)
{
    int slot;
    bool *met;

    if ((raw->category == 0) == (raw->group == 0)) {
        return site_refuse_at(site_at(menu->check, "%s", path),
                              "category か group の、どちらか一つを書いてください。",
                              "Write either a category or a group.");
    }
    slot = raw->category != 0 ? slot_of_category(menu->raw, raw->category)
                              : slot_of_group(menu->raw, raw->group);
    if (slot < 0) {
        return raw->category != 0
                   ? site_refuse_at(
                         site_at(menu->check, "%s.category", path),
                         "この番号の業務はありません。categories の id を書いてください。",
                         "There is no such category. Write an id from \"categories\".")
                   : site_refuse_at(
                         site_at(menu->check, "%s.group", path),
                         "この番号のまとまりはありません。groups の id を書いてください。",
                         "There is no such group. Write an id from \"groups\".");
    }
    met = raw->category != 0 ? &menu->categories[slot] : &menu->groups[slot];
    if (*met) {
        return site_refuse_at(site_at(menu->check, "%s", path),
                              "これは前にも並べてあります。一か所だけにしてください。",
                              "This is in the menu already. Keep it in one place.");
    }
    *met = true;
    return 0;
}

static int check_items(struct menu *menu, const char *prefix, const struct site_raw_item *raw,
                       uint32_t count, struct site_item *items)
{
    for (uint32_t i = 0; i < count; i++) {
        char path[SITE_PATH_BYTES];

        (void)snprintf(path, sizeof(path), "%s[%u]", prefix, i);
        if (check_item(menu, path, &raw[i]) < 0) {
            return -EINVAL;
        }
        items[i] = (struct site_item){.category = raw[i].category, .group = raw[i].group};
    }
    return 0;
}

static int check_group_ids(struct menu *menu)
{
    for (uint32_t i = 0; i < menu->raw->groups_count; i++) {
        uint8_t id = menu->raw->groups[i].id;

        if (id < 1 || slot_of_group(menu->raw, id) != (int)i) {
            return site_refuse_at(site_at(menu->check, "groups[%u].id", i),
                                  "1〜255 の番号を、まとまりごとに一つずつ使ってください。",
                                  "Use a number from 1 to 255, another one for each group.");
        }
    }
    return 0;
}

/* How deep a group lies, 1 on the first page; 0: deeper than is shown, or not reached from there. Each thing
 * is in one place only, so that who is reached at all is reached once. */
static uint32_t depth_of_group(const struct site_raw *raw, uint8_t id)
{
    for (uint32_t depth = 1; depth <= SITE_MENU_DEPTH_MAX; depth++) {
        uint8_t parent = 0;

        for (uint32_t i = 0; i < raw->menu_count; i++) {
            if (raw->menu[i].group == id) {
                return depth;
            }
        }
        for (uint32_t i = 0; i < raw->groups_count && parent == 0; i++) {
            for (uint32_t k = 0; k < raw->groups[i].items_count; k++) {
                parent = raw->groups[i].items[k].group == id ? raw->groups[i].id : parent;
            }
        }
        if (parent == 0) {
            return 0;
        }
        id = parent;
    }
    return 0;
}

static int check_groups(struct menu *menu)
{
    for (uint32_t i = 0; i < menu->raw->groups_count; i++) {
        const struct site_raw_group *from = &menu->raw->groups[i];
        struct site_group *to = &menu->pages->groups[i];
        char prefix[SITE_PATH_BYTES];

        if (depth_of_group(menu->raw, from->id) == 0) {
            return site_refuse_at(
                site_at(menu->check, "groups[%u].id", i),
                "このまとまりは menu からたどれないか、深すぎます（3段まで）。menu "
                "に並べてください。",
                "This group is not reached from \"menu\", or lies too deep (three pages at most). "
                "Put "
                "it into the menu.");
        }
        (void)snprintf(prefix, sizeof(prefix), "groups[%u].items", i);
        if (check_items(menu, prefix, from->items, from->items_count, to->items) < 0) {
            return -EINVAL;
        }
        to->id = from->id;
        memcpy(&to->name, &from->name, sizeof(to->name));
        memcpy(&to->note, &from->note, sizeof(to->note));
        to->item_count = (uint8_t)from->items_count;
    }
    menu->pages->group_count = (uint8_t)menu->raw->groups_count;
    return 0;
}

static int check_menu(struct site_checker *check, const struct site_raw *raw,
                      struct site_pages *pages)
{
    struct menu menu = {.check = check, .raw = raw, .pages = pages};

    if (check_group_ids(&menu) < 0 ||
        check_items(&menu, "menu", raw->menu, raw->menu_count, pages->items) < 0) {
        return -EINVAL;
    }
    pages->item_count = (uint8_t)raw->menu_count;
    if (check_groups(&menu) < 0) {
        return -EINVAL;
    }
    for (uint32_t i = 0; raw->menu_count == 0 && i < raw->categories_count; i++) {
        pages->items[i] = (struct site_item){.category = raw->categories[i].id};
        pages->item_count = (uint8_t)raw->categories_count;
    }
    return 0;
}

static int check_languages(struct site_checker *check, const struct site_raw_pages *raw,
                           struct site_pages *pages)
{
    for (uint32_t i = 0; i < raw->languages_count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (raw->languages[k] == raw->languages[i]) {
                return site_refuse_at(site_at(check, "pages.languages[%u]", i),
                                      "同じ言語が二度あります。一つだけ残してください。",
                                      "This language is there twice. Keep only one.");
            }
        }
        pages->languages[i] = (uint8_t)(raw->languages[i] - 1);
    }
    pages->language_count = (uint8_t)raw->languages_count;
    for (uint8_t i = 0; raw->languages_count == 0 && i < SITE_LANGUAGES; i++) {
        pages->languages[i] = i;
        pages->language_count = SITE_LANGUAGES;
    }
    return 0;
}

static int check_priorities(struct site_checker *check, const struct site_raw *raw,
                            struct site_pages *pages)
{
    for (uint32_t i = 0; i < raw->priorities_count; i++) {
        const struct site_raw_priority *from = &raw->priorities[i];

        if (from->level < 1 || from->level > SITE_PRIORITIES_MAX ||
            (i > 0 && from->level <= raw->priorities[i - 1].level)) {
            return site_refuse_at(site_at(check, "priorities[%u].level", i),
                                  "1から3までの番号を、小さい順に一度ずつ使ってください。",
                                  "Use the numbers 1 to 3, each once, in rising order.");
        }
        pages->priorities[i].level = from->level;
        memcpy(&pages->priorities[i].name, &from->name, sizeof(from->name));
    }
    pages->priority_count = (uint8_t)raw->priorities_count;
    return 0;
}

static bool has_counter(const struct queue_config *queue, uint16_t id)
{
    for (uint32_t i = 0; i < queue->counter_count; i++) {
        if (queue->counters[i].id == id) {
            return true;
        }
    }
    return false;
}

static int check_devices(struct site_checker *check, const struct site_raw *raw, struct site *site)
{
    for (uint32_t i = 0; i < raw->devices_count; i++) {
        const struct site_raw_device *from = &raw->devices[i];
        struct site_device *to = &site->pages.devices[i];
        bool terminal = from->kind == SITE_DEVICE_COUNTER;

        if (from->id < 1 || (i > 0 && from->id <= raw->devices[i - 1].id)) {
            return site_refuse_at(site_at(check, "devices[%u].id", i),
                                  "1〜255 の番号を、小さい順に一度ずつ使ってください。",
                                  "Use the numbers 1 to 255, each once, in rising order.");
        }
        if (terminal != has_counter(&site->queue, from->counter)) {
            return site_refuse_at(
                site_at(check, "devices[%u].counter", i),
                "呼出端末 (kind: counter) にだけ、counters にある窓口の番号を書いてください。",
                "Write a counter's id, one of \"counters\", for a counter's terminal and for "
                "nothing "
                "else.");
        }
        to->id = from->id;
        to->kind = (enum site_device_kind)from->kind;
        to->counter = from->counter;
        memcpy(to->name_ja, from->name_ja, sizeof(to->name_ja));
        memcpy(to->name_en, from->name_en, sizeof(to->name_en));
    }
    site->pages.device_count = (uint8_t)raw->devices_count;
    return 0;
}

static int check_contact(struct site_checker *check, const struct site_raw_contact *raw,
                         struct site_contact *contact)
{
    static const char allowed[] = "0123456789+-() ";

    if (raw->name.ja[0] == '\0') { /* the section is not there */
        return 0;
    }
    if (raw->telephone[strspn(raw->telephone, allowed)] != '\0') {
        return site_refuse_at(site_at(check, "contact.telephone"),
                              "電話番号は数字と「+」「-」「(」「)」で書いてください。",
                              "Write the telephone number with digits, +, -, ( and ).");
    }
    memcpy(&contact->name, &raw->name, sizeof(contact->name));
    memcpy(contact->telephone, raw->telephone, sizeof(contact->telephone));
    return site_check_span(check, "contact", raw->open, raw->close, &contact->open_minute,
                           &contact->close_minute);
}

static void take_texts(const struct site_raw *raw, struct site_pages *pages)
{
    memcpy(&pages->name, &raw->site.name, sizeof(pages->name));
    memcpy(&pages->organisation, &raw->site.organisation, sizeof(pages->organisation));
    memcpy(&pages->section, &raw->site.section, sizeof(pages->section));
    memcpy(&pages->place, &raw->site.place, sizeof(pages->place));
    memcpy(&pages->running, &raw->pages.running, sizeof(pages->running));
    for (uint32_t i = 0; i < raw->categories_count; i++) {
        memcpy(&pages->category_names[i], &raw->categories[i].name,
               sizeof(pages->category_names[i]));
        memcpy(&pages->category_notes[i], &raw->categories[i].note,
               sizeof(pages->category_notes[i]));
    }
    for (uint32_t i = 0; i < raw->counters_count; i++) {
        memcpy(&pages->counter_names[i], &raw->counters[i].name, sizeof(pages->counter_names[i]));
    }
}

static int check_delivery(struct site_checker *check, const struct site_raw_tickets *raw,
                          struct site_pages *pages)
{
    for (uint32_t i = 0; i < raw->delivery_count; i++) {
        bool *may = raw->delivery[i] == SITE_RAW_PAPER ? &pages->paper : &pages->paperless;

        if (*may) {
            return site_refuse_at(site_at(check, "tickets.delivery[%u]", i),
                                  "同じものが二度あります。一つだけ残してください。",
                                  "This is there twice. Keep only one.");
        }
        *may = true;
    }
    if (raw->delivery_count == 0) {
        pages->paper = pages->paperless = true;
    }
    return 0;
}

/* Nothing is kept unless the file says so in words: a number of days alone is no switch. */
static int check_statistics(struct site_checker *check, const struct site_raw_statistics *raw,
                            struct site *site)
{
    if (raw->keep_visits_days > SITE_KEEP_VISITS_DAYS_MAX) {
        return site_refuse_at(site_at(check, "statistics.keep_visits_days"),
                              "1〜1100 の日数を書いてください。", "Write 1 to 1100 days.");
    }
    if (raw->keep_visits == SITE_RAW_ON) {
        site->keep_visits_days =
            raw->keep_visits_days != 0 ? raw->keep_visits_days : (uint16_t)SITE_KEEP_VISITS_DAYS;
    }
    return 0;
}

static int check_relays(struct site_checker *check, const struct site_raw *raw,
                        struct site_pages *pages)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";

    for (uint32_t i = 0; i < raw->relays_count; i++) {
        const char *name = raw->relays[i].name;
        bool twice = false;

        for (uint32_t k = 0; k < i; k++) {
            twice = twice || strcmp(raw->relays[k].name, name) == 0;
        }
        if (twice || name[0] == '\0' || name[strspn(name, allowed)] != '\0') {
            return site_refuse_at(
                site_at(check, "relays[%u].name", i),
                "中継の証明書の名前を、英数字と「.」「-」「_」で、一つずつ書いてください。",
                "Write the name of the relay's certificate with letters, digits, '.', '-' and '_', "
                "each once.");
        }
        memcpy(pages->relays[i], name, sizeof(pages->relays[i]));
    }
    pages->relay_count = (uint8_t)raw->relays_count;
    return 0;
}

int site_check_pages(struct site_checker *check, const struct site_raw *raw, struct site *site)
{
    struct site_pages *pages = &site->pages;
    int r = check_menu(check, raw, pages);

    take_texts(raw, pages);
    pages->public_page = raw->pages.public_page != SITE_RAW_OFF;
    pages->silent_branch = raw->pages.silent_branch == SITE_RAW_ON;
    r = r < 0 ? r : check_delivery(check, &raw->tickets, pages);
    r = r < 0 ? r : check_languages(check, &raw->pages, pages);
    r = r < 0 ? r : check_priorities(check, raw, pages);
    r = r < 0 ? r : check_devices(check, raw, site);
    r = r < 0 ? r : check_statistics(check, &raw->statistics, site);
    r = r < 0 ? r : check_relays(check, raw, pages);
    return r < 0 ? r : check_contact(check, &raw->contact, &pages->contact);
}
