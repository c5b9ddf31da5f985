/* What a new version of the site changes, in sentences; what visitors meet comes first. */
#include "appliance/adapters/site_cyaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_BYTES = 96, MINUTES_AN_HOUR = 60, TIME_BYTES = 16 };

struct comparing {
    const struct site *before, *after;
    struct site_difference *differences;
    size_t count, max;
};

/* Both sentences take the same arguments, in the same order. */
__attribute__((format(printf, 2, 4), format(printf, 3, 4))) static void
say(struct comparing *comparing, const char *ja, const char *en, ...)
{
    struct site_difference *difference;
    va_list arguments, again;

    if (comparing->count == comparing->max) {
        return;
    }
    difference = &comparing->differences[comparing->count++];
    va_start(arguments, en);
    va_copy(again, arguments);
    (void)vsnprintf(difference->text_ja, sizeof(difference->text_ja), ja, arguments);
    (void)vsnprintf(difference->text_en, sizeof(difference->text_en), en, again);
    va_end(again);
    va_end(arguments);
}

static const char *clock_text(uint16_t minute, char text[TIME_BYTES])
{
    (void)snprintf(text, TIME_BYTES, "%02u:%02u", (unsigned)minute / MINUTES_AN_HOUR,
                   (unsigned)minute % MINUTES_AN_HOUR);
    return text;
}

static int slot_of_category(const struct queue_config *config, uint16_t id)
{
    for (int i = 0; i < config->category_count; i++) {
        if (config->categories[i].id == id) {
            return i;
        }
    }
    return -1;
}

static int slot_of_counter(const struct queue_config *config, uint16_t id)
{
    for (int i = 0; i < config->counter_count; i++) {
        if (config->counters[i].id == id) {
            return i;
        }
    }
    return -1;
}

/* ---- categories --------------------------------------------------------------------------------------- */

static void compare_numbers(struct comparing *comparing, const struct queue_category_config *a,
                            const struct queue_category_config *b)
{
    if (a->number_first != b->number_first || a->number_last != b->number_last) {
        say(comparing, "業務 %u「%s」の番号が %u〜%u から %u〜%u になります。",
            "Category %u \"%s\": numbers change from %u-%u to %u-%u.", b->id, b->name_ja,
            a->number_first, a->number_last, b->number_first, b->number_last);
    }
    if (a->manual_first != b->manual_first || a->manual_last != b->manual_last) {
        say(comparing, "業務 %u「%s」の手書き用の番号が %u〜%u から %u〜%u になります。",
            "Category %u \"%s\": hand-written numbers change from %u-%u to %u-%u.", b->id,
            b->name_ja, a->manual_first, a->manual_last, b->manual_first, b->manual_last);
    }
}

static void compare_acceptance(struct comparing *comparing, const struct queue_category_config *a,
                               const struct queue_category_config *b)
{
    if (a->daily_limit != b->daily_limit) {
        say(comparing, "業務 %u「%s」の一日の上限が %u 枚から %u 枚になります（0 は上限なし）。",
            "Category %u \"%s\": its tickets of a day change from %u to %u (0: no limit).", b->id,
            b->name_ja, a->daily_limit, b->daily_limit);
    }
    if (a->last_minute != b->last_minute || a->span_count != b->span_count ||
        memcmp(a->spans, b->spans, sizeof(a->spans)) != 0) {
        say(comparing, "業務 %u「%s」の受付時間が変わります。",
            "Category %u \"%s\": the hours of acceptance change.", b->id, b->name_ja);
    }
    if (a->service_ms_prior != b->service_ms_prior || a->wait_ms_limit != b->wait_ms_limit) {
        say(comparing, "業務 %u「%s」の目安の対応時間・待ち時間の上限が変わります。",
            "Category %u \"%s\": expected service time or limit of waiting changes.", b->id,
            b->name_ja);
    }
}

static void compare_category(struct comparing *comparing, int old, int new)
{
    const struct queue_category_config *a = &comparing->before->queue.categories[old];
    const struct queue_category_config *b = &comparing->after->queue.categories[new];

    if (strcmp(a->name_ja, b->name_ja) != 0 || strcmp(a->name_en, b->name_en) != 0) {
        say(comparing, "業務 %u の名前が「%s」から「%s」になります。",
            "Category %u: its name changes from \"%s\" to \"%s\".", b->id, a->name_ja, b->name_ja);
    } else if (memcmp(&comparing->before->pages.category_names[old],
                      &comparing->after->pages.category_names[new],
                      sizeof(struct site_name)) != 0) {
        say(comparing, "業務 %u「%s」の名前の訳が変わります。",
            "Category %u \"%s\": translations of its name change.", b->id, b->name_ja);
    }
    if (memcmp(&comparing->before->pages.category_notes[old],
               &comparing->after->pages.category_notes[new], sizeof(struct site_note)) != 0) {
        say(comparing, "業務 %u「%s」の説明が変わります。",
            "Category %u \"%s\": its explanation changes.", b->id, b->name_ja);
    }
    compare_numbers(comparing, a, b);
    compare_acceptance(comparing, a, b);
}

static void compare_categories(struct comparing *comparing)
{
    const struct queue_config *before = &comparing->before->queue;
    const struct queue_config *after = &comparing->after->queue;

    for (int i = 0; i < before->category_count; i++) {
        if (slot_of_category(after, before->categories[i].id) < 0) {
            say(comparing, "業務 %u「%s」がなくなります。", "Category %u \"%s\" goes.",
                before->categories[i].id, before->categories[i].name_ja);
        }
    }
    for (int i = 0; i < after->category_count; i++) {
        const struct queue_category_config *category = &after->categories[i];
        int old = slot_of_category(before, category->id);

        if (old >= 0) {
            compare_category(comparing, old, i);
        } else {
            say(comparing, "業務 %u「%s」が加わります（%u〜%u番）。",
                "Category %u \"%s\" is new (numbers %u-%u).", category->id, category->name_ja,
                category->number_first, category->number_last);
        }
    }
}

/* ---- the rest ------------------------------------------------------------------------------------------- */

static void compare_site(struct comparing *comparing)
{
    const struct site *a = comparing->before, *b = comparing->after;

    if (strcmp(a->queue.site_ja, b->queue.site_ja) != 0 ||
        strcmp(a->queue.site_en, b->queue.site_en) != 0) {
        say(comparing, "窓口の名前が「%s」から「%s」になります（番号札・画面とも）。",
            "The site's name changes from \"%s\" to \"%s\", on tickets and pages.",
            a->queue.site_ja, b->queue.site_ja);
    }
    if (memcmp(&a->pages.organisation, &b->pages.organisation, sizeof(struct site_name)) != 0 ||
        memcmp(&a->pages.section, &b->pages.section, sizeof(struct site_name)) != 0 ||
        memcmp(&a->pages.place, &b->pages.place, sizeof(struct site_name)) != 0) {
        say(comparing, "組織・課・場所の名前が変わります。",
            "Names of organisation, section or place change.");
    }
}

static void compare_hours(struct comparing *comparing)
{
    const struct site_hours *a = &comparing->before->hours, *b = &comparing->after->hours;
    char text[4][TIME_BYTES];

    if (a->open_minute != b->open_minute || a->close_minute != b->close_minute) {
        say(comparing, "開庁時間が %s〜%s から %s〜%s になります。",
            "Opening hours change from %s-%s to %s-%s.", clock_text(a->open_minute, text[0]),
            clock_text(a->close_minute, text[1]), clock_text(b->open_minute, text[2]),
            clock_text(b->close_minute, text[3]));
    }
    if (a->override_count != b->override_count ||
        memcmp(a->overrides, b->overrides, sizeof(a->overrides)) != 0) {
        say(comparing, "臨時の開庁・閉庁日が変わります（%u日 → %u日）。",
            "Days that do not follow the calendar change (%u before, %u now).", a->override_count,
            b->override_count);
    }
}

static void compare_counters(struct comparing *comparing)
{
    const struct queue_config *before = &comparing->before->queue;
    const struct queue_config *after = &comparing->after->queue;

    for (int i = 0; i < before->counter_count; i++) {
        if (slot_of_counter(after, before->counters[i].id) < 0) {
            say(comparing, "窓口 %u「%s」がなくなります。", "Counter %u \"%s\" goes.",
                before->counters[i].id, before->counters[i].name_ja);
        }
    }
    for (int i = 0; i < after->counter_count; i++) {
        const struct queue_counter_config *b = &after->counters[i];
        int old = slot_of_counter(before, b->id);

        if (old < 0) {
            say(comparing, "窓口 %u「%s」が加わります。", "Counter %u \"%s\" is new.", b->id,
                b->name_ja);
        } else if (memcmp(&before->counters[old], b, sizeof(*b)) != 0) {
            say(comparing, "窓口 %u「%s」の名前か受け持ちが変わります。",
                "Counter %u \"%s\": its name, or what it serves, changes.", b->id, b->name_ja);
        }
    }
}

static const char *on_off(bool on)
{
    return on ? "on" : "off";
}

static void compare_pages(struct comparing *comparing)
{
    const struct site_pages *a = &comparing->before->pages, *b = &comparing->after->pages;

    if (a->group_count != b->group_count || a->item_count != b->item_count ||
        memcmp(a->groups, b->groups, sizeof(a->groups)) != 0 ||
        memcmp(a->items, b->items, sizeof(a->items)) != 0) {
        say(comparing, "発券機のメニューが変わります。", "The kiosk's menu changes.");
    }
    if (memcmp(&a->running, &b->running, sizeof(a->running)) != 0) {
        say(comparing, "流れるお知らせの文が変わります。", "The running text changes.");
    }
    if (a->language_count != b->language_count ||
        memcmp(a->languages, b->languages, sizeof(a->languages)) != 0) {
        say(comparing, "発券機の言語が変わります。", "The kiosk's languages change.");
    }
    if (a->public_page != b->public_page) {
        say(comparing, "だれでも見られる待ち状況のページ: %s → %s", "The public page: %s, now %s.",
            on_off(a->public_page), on_off(b->public_page));
    }
    if (a->silent_branch != b->silent_branch) {
        say(comparing, "音を出さない設定 (silent_branch): %s → %s", "Silent branch: %s, now %s.",
            on_off(a->silent_branch), on_off(b->silent_branch));
    }
    if (a->paper != b->paper || a->paperless != b->paperless) {
        say(comparing, "番号札の渡し方（紙・紙なし）が変わります。",
            "What visitors may choose, paper or paperless, changes.");
    }
    if (a->priority_count != b->priority_count ||
        memcmp(a->priorities, b->priorities, sizeof(a->priorities)) != 0) {
        say(comparing, "優先の種類が変わります。", "Kinds of priority change.");
    }
    if (memcmp(&a->contact, &b->contact, sizeof(a->contact)) != 0) {
        say(comparing, "連絡先・電話の受付時間が変わります。",
            "The contact, or its telephone hours, change.");
    }
    if (a->device_count != b->device_count ||
        memcmp(a->devices, b->devices, sizeof(a->devices)) != 0) {
        say(comparing, "端末の一覧が変わります。", "The list of devices changes.");
    }
    if (a->relay_count != b->relay_count || memcmp(a->relays, b->relays, sizeof(a->relays)) != 0) {
        say(comparing, "別ホストの中継の一覧が変わります。", "The list of relays changes.");
    }
}

static void compare_tickets(struct comparing *comparing)
{
    const struct queue_config *a = &comparing->before->queue, *b = &comparing->after->queue;

    if (a->skip_count != b->skip_count || memcmp(a->skips, b->skips, sizeof(a->skips)) != 0) {
        say(comparing, "欠番の決まりが変わります。", "The numbers that are never given change.");
    }
    if (a->absent_minutes != b->absent_minutes || a->absent_after != b->absent_after) {
        say(comparing, "不在の方が戻ったときの順番の決まりが変わります。",
            "Where visitors come back who were absent changes.");
    }
    for (int i = 0; i < b->category_count; i++) {
        const struct queue_category_config *after = &b->categories[i];
        int old = slot_of_category(a, after->id);
        uint16_t before = old < 0 ? 0 : a->categories[old].registration_places;

        if (before != after->registration_places) {
            say(comparing,
                "業務 %u「%s」の来庁前の受付が %u 人から %u 人になります（0 は受け付けない）。",
                "Category %u \"%s\": places for registration before arrival change from %u to %u "
                "(0: none).",
                after->id, after->name_ja, before, after->registration_places);
        }
    }
    if (a->own_arrival != b->own_arrival) {
        say(comparing, "来庁を自分の画面で知らせる (own_arrival): %s → %s",
            "Own page may say that its visitor has arrived: %s, now %s.", on_off(a->own_arrival),
            on_off(b->own_arrival));
    }
    if (strcmp(comparing->before->printing.visitor_url, comparing->after->printing.visitor_url) !=
        0) {
        say(comparing, "番号札のQRコードの行き先が変わります。",
            "Where a ticket's code leads changes.");
    }
    if (strcmp(comparing->before->printing.place_ja, comparing->after->printing.place_ja) != 0 ||
        strcmp(comparing->before->printing.place_en, comparing->after->printing.place_en) != 0) {
        say(comparing, "番号札に印字する待合場所が変わります。",
            "Where to wait, as it stands on a ticket, changes.");
    }
}

/* What visitors are owed to know comes with what follows from it. */
static void compare_statistics(struct comparing *comparing)
{
    unsigned a = comparing->before->keep_visits_days, b = comparing->after->keep_visits_days;

    if (a == b) {
        return;
    }
    if (b == 0) {
        say(comparing, "1件ごとの記録を残さなくなります。残してあるものはすぐに消えます。",
            "Nothing is kept of single visits any more; what is kept is erased at once.");
    } else if (a == 0) {
        say(comparing, "名前も番号もない1件ごとの記録を、消去のあとも %u 日残すようになります。",
            "Rows of single visits, without names or numbers, are kept for %u days.", b);
    } else {
        say(comparing, "1件ごとの記録を残す日数: %u → %u",
            "Rows of visits are kept: %u days, now %u.", a, b);
    }
}

size_t site_compare(const struct site *before, const struct site *after,
                    struct site_difference *differences, size_t max)
{
    struct comparing comparing = {
        .before = before, .after = after, .differences = differences, .max = max};

    compare_site(&comparing);
    compare_hours(&comparing);
    compare_categories(&comparing);
    compare_counters(&comparing);
    compare_tickets(&comparing);
    compare_pages(&comparing);
    compare_statistics(&comparing);
    return comparing.count;
}

bool site_machines_are_equal(const struct site *before, const struct site *after)
{
    return strcmp(before->floating_address, after->floating_address) == 0 &&
           before->floating_prefix_len == after->floating_prefix_len &&
           before->unit_count == after->unit_count &&
           before->reference_count == after->reference_count &&
           before->printing.printer_count == after->printing.printer_count &&
           memcmp(before->units, after->units, sizeof(before->units)) == 0 &&
           memcmp(before->references, after->references, sizeof(before->references)) == 0 &&
           memcmp(before->printing.printers, after->printing.printers,
                  sizeof(before->printing.printers)) == 0;
}
