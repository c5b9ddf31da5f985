/* The site file's reader: what it takes, and that each refusal names the right line. */
#include "appliance/adapters/site_cyaml.h"
#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

enum { TEXT_BYTES = 64 * 1024, SAMPLE_CATEGORIES = 11, SAMPLE_COUNTERS = 6 };

struct fixture {
    char sample[TEXT_BYTES];
    char edited[2 * TEXT_BYTES];
    struct site site;
    struct site_error error;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    FILE *file = fopen("image/site-default.yaml", "re");

    if (fixture == NULL || file == NULL) {
        return -1;
    }
    fixture->sample[fread(fixture->sample, 1, TEXT_BYTES - 1, file)] = '\0';
    (void)fclose(file);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

/* The sample with the first `from` replaced. */
static void edit(struct fixture *fixture, const char *from, const char *to)
{
    const char *place = strstr(fixture->sample, from);

    assert_non_null(place);
    (void)snprintf(fixture->edited, sizeof(fixture->edited), "%.*s%s%s",
                   (int)(place - fixture->sample), fixture->sample, to, place + strlen(from));
}

static uint32_t line_of(const char *text, const char *needle)
{
    const char *place = strstr(text, needle);
    uint32_t line = 1;

    assert_non_null(place);
    for (const char *at = text; at < place; at++) {
        line += *at == '\n';
    }
    return line;
}

static int load(struct fixture *fixture, const char *text)
{
    memset(&fixture->site, 0xa5, sizeof(fixture->site));
    memset(&fixture->error, 0, sizeof(fixture->error));
    return site_load_bytes(text, strlen(text), &fixture->site, &fixture->error);
}

static void assert_refused(struct fixture *fixture, const char *path, uint32_t line)
{
    static struct site untouched;

    memset(&untouched, 0xa5, sizeof(untouched));
    assert_int_equal(load(fixture, fixture->edited), -EINVAL);
    assert_string_equal(fixture->error.path, path);
    assert_int_equal(fixture->error.line, line);
    assert_true(strlen(fixture->error.text_ja) > 0 && strlen(fixture->error.text_en) > 0);
    assert_memory_equal(&fixture->site, &untouched, sizeof(untouched));
}

static void anybody_sees_who_waits_unless_the_site_says_off(void **state)
{
    struct fixture *fixture = *state;

    edit(fixture, "public_page: on", "public_page: off");
    assert_int_equal(load(fixture, fixture->edited), 0);
    assert_false(fixture->site.pages.public_page);
    edit(fixture, "  public_page: on", "  #");
    assert_int_equal(load(fixture, fixture->edited), 0);
    assert_true(fixture->site.pages.public_page);
}

static void relays_are_known_by_the_names_of_their_certificates(void **state)
{
    struct fixture *fixture = *state;

    edit(fixture, "pages:\n  lang",
         "relays: [{name: toban-relay}, {name: relay.2}]\npages:\n  lang");
    assert_int_equal(load(fixture, fixture->edited), 0);
    assert_int_equal(fixture->site.pages.relay_count, 2);
    assert_string_equal(fixture->site.pages.relays[1], "relay.2");
}

static void the_default_site_is_taken_whole(void **state)
{
    struct fixture *fixture = *state;
    const struct site *site = &fixture->site;

    assert_int_equal(site_load_file("image/site-default.yaml", &fixture->site, &fixture->error), 0);
    assert_string_equal(site->queue.site_ja, "世田谷区 都市計画課 総合受付");
    assert_int_equal(site->queue.category_count, SAMPLE_CATEGORIES);
    assert_int_equal(site->queue.counter_count, SAMPLE_COUNTERS);
    assert_int_equal(site->queue.categories[0].number_first, 101);
    assert_int_equal(site->queue.categories[0].number_last, 199);
    assert_int_equal(site->queue.categories[0].service_ms_prior, 8 * 60 * 1000);
    assert_int_equal(site->queue.categories[1].wait_ms_limit, 20 * 60 * 1000);
    assert_int_equal(site->queue.counters[3].category_count, 4);
    assert_int_equal(site->queue.counters[3].categories[2].category, 3);
    assert_int_equal(site->queue.counters[3].categories[2].tier, 2);
    assert_int_equal(site->hours.open_minute, 8 * 60 + 30);
    assert_int_equal(site->hours.close_minute, 17 * 60);
    assert_int_equal(site->hours.lead_minutes, 30);
    assert_int_equal(site->hours.override_count, 0);
    assert_string_equal(site->floating_address, "10.90.0.10");
    assert_int_equal(site->floating_prefix_len, 24);
    assert_int_equal(site->reference_count, 1);
    assert_int_equal(site->references[0].kind, SITE_REFERENCE_PRINTER);
    assert_int_equal(site->unit_count, 2);
    assert_string_equal(site->units[1].serial, "TB-2026-0002");
    assert_string_equal(site->units[1].direct_address, "10.90.1.2");
}

static void overrides_close_a_day_or_give_it_other_hours(void **state)
{
    struct fixture *fixture = *state;

    edit(fixture, "overrides: []",
         "overrides:\n"
         "    - {date: \"2026-11-01\", reason_ja: 停電, reason_en: Power works}\n"
         "    - {date: 2026-12-28, open: \"09:00\", close: \"12:00\", reason_ja: 御用納め, "
         "reason_en: Last day}\n");
    assert_int_equal(load(fixture, fixture->edited), 0);
    assert_int_equal(fixture->site.hours.override_count, 2);
    assert_int_equal(fixture->site.hours.overrides[0].date, 20261101);
    assert_false(fixture->site.hours.overrides[0].open);
    assert_true(fixture->site.hours.overrides[1].open);
    assert_int_equal(fixture->site.hours.overrides[1].close_minute, 12 * 60);
    assert_string_equal(fixture->site.hours.overrides[1].reason_ja, "御用納め");
}

static void the_hours_become_a_calendar(void **state)
{
    struct fixture *fixture = *state;
    static struct calendar calendar;
    struct calendar_day day;

    edit(fixture, "open: \"08:30\"", "open: \"09:15\"");
    assert_int_equal(load(fixture, fixture->edited), 0);
    site_fill_calendar(&fixture->site, &calendar);
    calendar_get_day(&calendar, 20261124, &day);
    assert_true(day.open);
    assert_int_equal(day.open_minute, 9 * 60 + 15);
    assert_int_equal(day.close_minute, 17 * 60);
    assert_int_equal(calendar.lead_minutes, 30);
    calendar_get_day(&calendar, 20261123, &day);
    assert_false(day.open);
    edit(fixture, "overrides: []",
         "overrides: [{date: 2026-11-23, open: \"09:00\", close: \"12:00\", reason_ja: 臨時, "
         "reason_en: x}, {date: 2026-11-24, reason_ja: 停電, reason_en: x}]");
    assert_int_equal(load(fixture, fixture->edited), 0);
    site_fill_calendar(&fixture->site, &calendar);
    calendar_get_day(&calendar, 20261123, &day);
    assert_true(day.open);
    assert_int_equal(day.close_minute, 12 * 60);
    calendar_get_day(&calendar, 20261124, &day);
    assert_false(day.open);
    assert_string_equal(day.name_ja, "停電");
}

static void an_unknown_key_is_refused_with_its_own_line(void **state)
{
    struct fixture *fixture = *state;

    edit(fixture, "    service_minutes: 15\n", "    service_minutes: 15\n    colour: red\n");
    assert_refused(fixture, "categories[2].colour", line_of(fixture->edited, "colour"));
    edit(fixture, "format: 1\n", "format: 1\nformatt: 1\n");
    assert_refused(fixture, "formatt", line_of(fixture->edited, "formatt"));
    assert_non_null(strstr(fixture->error.text_ja, "綴り"));
}

static void a_missing_key_is_refused_where_it_should_be(void **state)
{
    struct fixture *fixture = *state;

    edit(fixture, "    name_en: Counter 2\n", "");
    assert_refused(fixture, "counters[1].name_en",
                   line_of(fixture->edited, "- id: 2\n    name_ja: 2番"));
    edit(fixture, "  open: \"08:30\"\n", "");
    assert_refused(fixture, "hours.open", line_of(fixture->edited, "hours:"));
}

static void a_key_written_twice_is_refused(void **state)
{
    struct fixture *fixture = *state;

    edit(fixture, "  close: \"17:00\"\n", "  close: \"17:00\"\n  close: \"18:00\"\n");
    assert_refused(fixture, "hours.close", line_of(fixture->edited, "close: \"18:00\""));
}

static void rules_of_tickets_and_of_a_categorys_hours_are_taken(void **state)
{
    struct fixture *fixture = *state;
    const struct queue_category_config *category = &fixture->site.queue.categories[0];
    static char sample[TEXT_BYTES];

    memcpy(sample, fixture->sample, sizeof(sample));
    edit(fixture, "    service_minutes: 8\n",
         "    service_minutes: 8\n"
         "    hand_written: {first: 9101, last: 9149}\n"
         "    daily_limit: 40\n"
         "    last_ticket: \"16:00\"\n"
         "    hours:\n"
         "      - {open: \"09:00\", close: \"12:00\"}\n"
         "      - {open: \"13:00\", close: \"16:30\"}\n");
    memcpy(fixture->sample, fixture->edited, sizeof(fixture->sample));
    edit(fixture, "\ncategories:\n",
         "\ntickets: {skip: [4, 9, 42, 49], return_minutes: 10, return_after: 3}\ncategories:\n");
    memcpy(fixture->sample, sample, sizeof(sample));
    assert_int_equal(load(fixture, fixture->edited), 0);
    assert_int_equal(category->manual_first, 9101);
    assert_int_equal(category->manual_last, 9149);
    assert_int_equal(category->daily_limit, 40);
    assert_int_equal(category->last_minute, 16 * 60);
    assert_int_equal(category->span_count, 2);
    assert_int_equal(category->spans[1].first_minute, 13 * 60);
    assert_int_equal(category->spans[1].end_minute, 16 * 60 + 30);
    assert_int_equal(fixture->site.queue.skip_count, 4);
    assert_int_equal(fixture->site.queue.skips[2], 42);
    assert_int_equal(fixture->site.queue.absent_minutes, 10);
    assert_int_equal(fixture->site.queue.absent_after, 3);
    assert_int_equal(fixture->site.queue.utc_offset_minutes, 9 * 60);
    assert_true(queue_config_is_valid(&fixture->site.queue));
}

static void the_default_site_speaks_five_languages(void **state)
{
    struct fixture *fixture = *state;
    const struct site_pages *pages = &fixture->site.pages;
    static struct site_notice notices[SITE_NOTICES_MAX];

    assert_int_equal(load(fixture, fixture->sample), 0);
    assert_int_equal(site_list_notices(&fixture->site, notices, SITE_NOTICES_MAX), 0);
    assert_string_equal(pages->name.text[SITE_ZH], "世田谷区 城市规划课 综合接待处");
    assert_string_equal(pages->category_names[7].text[SITE_KO], "개발허가");
    assert_int_equal(pages->language_count, SITE_LANGUAGES);
    assert_int_equal(pages->group_count, 3);
    assert_int_equal(pages->items[3].category, 6);
    assert_int_equal(pages->groups[1].items[0].category, 7);
    assert_true(pages->public_page && !pages->silent_branch && pages->paper && pages->paperless);
    assert_int_equal(pages->contact.open_minute, 8 * 60 + 30);
    assert_int_equal(pages->contact.close_minute, 17 * 60 + 30);
    assert_int_equal(pages->devices[2].counter, 1);
    assert_int_equal(pages->priority_count, 2);
}

/* Also an old file, which knows of none of it. */
static void what_is_missing_is_said_and_stood_in_for(void **state)
{
    struct fixture *fixture = *state;
    const struct site_pages *pages = &fixture->site.pages;
    static struct site_notice notices[SITE_NOTICES_MAX];
    const struct site_name *name = &pages->category_names[7];
    size_t count;

    edit(fixture,
         "    name_ja_easy: とちを おおきく かえる きょか\n    name_en: Development permission\n"
         "    name_zh: 开发许可\n",
         "    name_en: Development permission\n");
    assert_int_equal(load(fixture, fixture->edited), 0);
    count = site_list_notices(&fixture->site, notices, SITE_NOTICES_MAX);
    assert_int_equal(count, 1);
    assert_string_equal(notices[0].path, "categories[7].name");
    assert_non_null(strstr(notices[0].text_ja, "ja-easy, zh"));
    assert_string_equal(site_text_in(name->text[0], SITE_NAME_BYTES, SITE_ZH),
                        "Development permission");
    assert_string_equal(site_text_in(name->text[0], SITE_NAME_BYTES, SITE_JA_EASY), "開発許可");
    edit(fixture, "  - {category: 6}\ngroups:", "groups:");
    assert_int_equal(load(fixture, fixture->edited), 0);
    assert_int_equal(site_list_notices(&fixture->site, notices, SITE_NOTICES_MAX), 1);
    assert_string_equal(notices[0].path, "categories[5].id");
}

static void a_menu_is_a_tree_in_which_each_thing_stands_once(void **state)
{
    static const struct {
        const char *from, *to, *path;
    } cases[] = {
        {"  - {group: 3}\n", "  - {group: 3}\n  - {group: 1}\n", "menu[3]"},
        {"  - {group: 3}\n", "  - {group: 4}\n", "menu[2].group"},
        {"  - {group: 3}\n", "", "groups[2].id"},
        {"  - {category: 6}\n", "  - {category: 99}\n", "menu[3].category"},
        {"  - {category: 6}\n", "  - {category: 6, group: 1}\n", "menu[3]"},
        {"  - {category: 6}\n", "  - {category: 1}\n", "groups[0].items[0]"},
        {"items: [{category: 1}", "items: [{group: 1}, {category: 1}", "groups[0].items[0]"},
        {"  - level: 2\n", "  - level: 1\n", "priorities[1].level"},
        {"languages: [ja, ja-easy,", "languages: [ja, ja,", "pages.languages[1]"},
        {"public_page: on", "public_page: perhaps", "pages.public_page"},
        {"pages:\n  lang", "relays: [{name: a}, {name: a}]\npages:\n  lang", "relays[1].name"},
        {"pages:\n  lang", "relays: [{name: \"a b\"}]\npages:\n  lang", "relays[0].name"},
        {"telephone: 03-0000-0000", "telephone: call us", "contact.telephone"},
        {"{id: 1, kind: kiosk,", "{id: 1, kind: kiosk, counter: 1,", "devices[0].counter"},
        {"kind: counter, counter: 1,", "kind: counter, counter: 77,", "devices[2].counter"},
        {"{id: 2, kind: board,", "{id: 1, kind: board,", "devices[1].id"},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        edit(fixture, cases[i].from, cases[i].to);
        assert_int_equal(load(fixture, fixture->edited), -EINVAL);
        assert_string_equal(fixture->error.path, cases[i].path);
        assert_true(fixture->error.line > 0);
    }
}

static void what_a_new_version_changes_is_said_in_sentences(void **state)
{
    struct fixture *fixture = *state;
    static struct site before;
    static struct site_difference differences[SITE_DIFFERENCES_MAX];

    assert_int_equal(load(fixture, fixture->sample), 0);
    before = fixture->site;
    assert_int_equal(site_compare(&before, &fixture->site, differences, SITE_DIFFERENCES_MAX), 0);
    assert_true(site_machines_are_equal(&before, &fixture->site));
    edit(fixture, "name_ja: 開発許可", "name_ja: 開発行為の許可");
    assert_int_equal(load(fixture, fixture->edited), 0);
    assert_int_equal(site_compare(&before, &fixture->site, differences, SITE_DIFFERENCES_MAX), 1);
    assert_string_equal(differences[0].text_ja,
                        "業務 8 の名前が「開発許可」から「開発行為の許可」になります。");
    edit(fixture, "first: 101, last: 199", "first: 101, last: 150");
    assert_int_equal(load(fixture, fixture->edited), 0);
    assert_int_equal(site_compare(&before, &fixture->site, differences, SITE_DIFFERENCES_MAX), 1);
    assert_non_null(strstr(differences[0].text_en, "from 101-199 to 101-150"));
    edit(fixture, "serial: TB-2026-0002", "serial: TB-2026-0003");
    assert_int_equal(load(fixture, fixture->edited), 0);
    assert_false(site_machines_are_equal(&before, &fixture->site));
}

struct value_case {
    const char *from;
    const char *to;
    const char *path;
    const char *needle;
};

static void values_out_of_bounds_are_refused_with_their_line(void **state)
{
    static const struct value_case cases[] = {
        {"    service_minutes: 8\n",
         "    service_minutes: 8\n    hand_written: {first: 9, last: 3}\n",
         "categories[0].hand_written", "{first: 9, last: 3}"},
        {"    service_minutes: 8\n",
         "    service_minutes: 8\n    hand_written: {first: 150, last: 160}\n",
         "categories[0].hand_written", "hand_written: {first: 150"},
        {"    service_minutes: 8\n",
         "    service_minutes: 8\n    hand_written: {first: 250, last: 260}\n",
         "categories[1].numbers", "numbers: {first: 201"},
        {"    service_minutes: 8\n", "    service_minutes: 8\n    daily_limit: 65535\n",
         "categories[0].daily_limit", "daily_limit: 65535"},
        {"    service_minutes: 8\n", "    service_minutes: 8\n    last_ticket: \"25:00\"\n",
         "categories[0].last_ticket", "last_ticket: \"25"},
        {"    service_minutes: 8\n",
         "    service_minutes: 8\n    hours: [{open: \"09:00\", close: \"08:00\"}]\n",
         "categories[0].hours[0].close", "hours: [{open"},
        {"    service_minutes: 8\n",
         "    service_minutes: 8\n    hours: [{open: \"09:00\", close: \"12:00\"}, {open: "
         "\"12:00\", close: \"13:00\"}]\n",
         "categories[0].hours[1].open", "hours: [{open"},
        {"\ncategories:\n", "\ntickets: {skip: [0]}\ncategories:\n", "tickets.skip[0]",
         "tickets: {"},
        {"\ncategories:\n", "\ntickets: {skip: [9, 4]}\ncategories:\n", "tickets.skip[1]",
         "tickets: {"},
        {"\ncategories:\n", "\ntickets: {skip: [10000]}\ncategories:\n", "tickets.skip[0]",
         "tickets: {"},
        {"\ncategories:\n", "\ntickets: {return_minutes: 1441}\ncategories:\n",
         "tickets.return_minutes", "tickets: {"},
        {"\ncategories:\n", "\ntickets: {return_after: 100}\ncategories:\n", "tickets.return_after",
         "tickets: {"},
        {"format: 1", "format: 2", "format", "format: 2"},
        {"open: \"08:30\"", "open: \"8:30\"", "hours.open", "open: \"8:30\""},
        {"open: \"08:30\"", "open: \"17:00\"", "hours.close", "close: \"17:00\""},
        {"close: \"17:00\"", "close: \"24:01\"", "hours.close", "close: \"24:01\""},
        {"close: \"17:00\"", "close: \"16:60\"", "hours.close", "close: \"16:60\""},
        {"lead_minutes: 30", "lead_minutes: 241", "hours.lead_minutes", "lead_minutes: 241"},
        {"lead_minutes: 30", "lead_minutes: -1", "hours.lead_minutes", "lead_minutes: -1"},
        {"lead_minutes: 30", "lead_minutes: half", "hours.lead_minutes", "lead_minutes: half"},
        {"service_minutes: 8", "service_minutes: 0", "categories[0].service_minutes",
         "service_minutes: 0"},
        {"wait_limit_minutes: 20", "wait_limit_minutes: 601", "categories[1].wait_limit_minutes",
         "wait_limit_minutes: 601"},
        {"first: 201, last: 299", "first: 201, last: 200", "categories[1].numbers.last",
         "201, last"},
        {"first: 201, last: 299", "first: 0, last: 200", "categories[1].numbers.first", "first: 0"},
        {"first: 201, last: 299", "first: 201, last: 10000", "categories[1].numbers.last", "10000"},
        {"first: 201, last: 299", "first: 201, last: 301", "categories[2].numbers", "first: 301"},
        {"first: 201, last: 299", "first: 199, last: 299", "categories[1].numbers", "first: 199"},
        {"  - id: 2\n    name_ja: 証", "  - id: 1\n    name_ja: 証", "categories[1].id",
         "- id: 1\n    name_ja: 証"},
        {"  - id: 1\n    name_ja: 用", "  - id: 33\n    name_ja: 用", "categories[0].id",
         "- id: 33"},
        {"{category: 6, tier: 2}", "{category: 12, tier: 2}", "counters[0].categories[2].category",
         "category: 12"},
        {"{category: 6, tier: 2}", "{category: 6, tier: 0}", "counters[0].categories[2].tier",
         "tier: 0"},
        {"{category: 6, tier: 2}", "{category: 2, tier: 2}", "counters[0].categories[2].category",
         "category: 2, tier: 2"},
        {"- id: 4\n    name_ja: 4番", "- id: 3\n    name_ja: 4番", "counters[3].id",
         "- id: 3\n    name_ja: 4番"},
        {"floating: 10.90.0.10/24", "floating: 10.90.0.10", "network.floating", "floating: 10"},
        {"floating: 10.90.0.10/24", "floating: 10.90.0.300/24", "network.floating", "floating: 10"},
        {"floating: 10.90.0.10/24", "floating: 10.90.0.10/24x", "network.floating", "floating: 10"},
        {"kind: printer", "kind: fax", "network.references[0].kind", "kind: fax"},
        {"address: 10.90.0.5", "address: 10.90.0.10", "network.references[0].address",
         "{kind: printer"},
        {"serial: TB-2026-0002", "serial: TB-2026-0001", "units[1].serial",
         "serial: TB-2026-0001\n    service_address: 10.90.0.2"},
        {"serial: TB-2026-0002", "serial: \"../x\"", "units[1].serial", "serial: \"../x\""},
        {"service_address: 10.90.0.2", "service_address: 10.90.0.1", "units[1].service_address",
         "service_address: 10.90.0.1\n    direct_address: 10.90.1.2"},
        {"service_address: 10.90.0.2", "service_address: 10.91.0.2", "units[1].service_address",
         "service_address: 10.91"},
        {"direct_address: 10.90.1.2", "direct_address: 10.90.0.2", "units[1].direct_address",
         "direct_address: 10.90.0.2"},
        {"- id: 2\n    name_ja: 2号機", "- id: 1\n    name_ja: 2号機", "units[1].id",
         "- id: 1\n    name_ja: 2号機"},
        {"name_ja: 1番窓口", "name_ja: \"\"", "counters[0].name_ja", "name_ja: \"\""},
        {"name_ja: 1番窓口", "name_ja: 一二三四五六七八九十一二三四五六七八九十一二",
         "counters[0].name_ja", "name_ja: 一二三四"},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        edit(fixture, cases[i].from, cases[i].to);
        assert_refused(fixture, cases[i].path, line_of(fixture->edited, cases[i].needle));
    }
}

static void overrides_are_dates_in_rising_order(void **state)
{
    static const struct value_case cases[] = {
        {"", "[{date: \"2026-02-29\", reason_ja: a, reason_en: a}]", "hours.overrides[0].date", ""},
        {"", "[{date: \"2026-13-01\", reason_ja: a, reason_en: a}]", "hours.overrides[0].date", ""},
        {"", "[{date: \"1979-12-31\", reason_ja: a, reason_en: a}]", "hours.overrides[0].date", ""},
        {"", "[{date: 2026-1-01, reason_ja: a, reason_en: a}]", "hours.overrides[0].date", ""},
        {"", "[{date: \"2026-03-01\", open: \"09:00\", reason_ja: a, reason_en: a}]",
         "hours.overrides[0].close", ""},
        {"",
         "[{date: \"2026-03-02\", reason_ja: a, reason_en: a}, {date: \"2026-03-02\", reason_ja: "
         "a, "
         "reason_en: a}]",
         "hours.overrides[1].date", ""},
    };
    struct fixture *fixture = *state;
    char text[512];

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        (void)snprintf(text, sizeof(text), "overrides: %s", cases[i].to);
        edit(fixture, "overrides: []", text);
        assert_refused(fixture, cases[i].path, line_of(fixture->edited, "overrides: ["));
    }
}

static void a_category_that_no_counter_serves_is_refused(void **state)
{
    struct fixture *fixture = *state;

    edit(fixture, "      - {category: 2, tier: 1}\n      - {category: 6, tier: 2}\n",
         "      - {category: 2, tier: 1}\n");
    assert_int_equal(load(fixture, fixture->edited), 0);
    edit(fixture, "\n# 発券機のメニュー",
         "  - id: 12\n    name_ja: 九\n    name_en: Nine\n"
         "    numbers: {first: 9200, last: 9201}\n    service_minutes: 1\n"
         "    wait_limit_minutes: 0\n\n# 発券機のメニュー");
    assert_refused(fixture, "categories[11].id",
                   line_of(fixture->edited, "- id: 12\n    name_ja: 九"));
}

static void text_that_is_not_one_plain_document_is_refused(void **state)
{
    static const struct value_case cases[] = {
        {"format: 1", "format: 1\n\tx: 1", "", "\tx"},
        {"name_ja: 1番窓口", "name_ja: \"一\\n番\"", "", "name_ja: \"一"},
        {"name_ja: 1番窓口", "name_ja: \"a\\0b\"", "", "name_ja: \"a\\0b"},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        edit(fixture, cases[i].from, cases[i].to);
        assert_refused(fixture, cases[i].path, line_of(fixture->edited, cases[i].needle));
    }
    (void)snprintf(fixture->edited, sizeof(fixture->edited), "%s---\nformat: 1\n", fixture->sample);
    assert_refused(fixture, "", line_of(fixture->edited, "---\nformat: 1") + 1);
    edit(fixture, "name_ja: 1番窓口", "name_ja: \xff\xfe");
    assert_refused(fixture, "", 0);
    (void)snprintf(fixture->edited, sizeof(fixture->edited), "%s", "# nothing\n");
    assert_refused(fixture, "", 0);
    edit(fixture, "format: 1\n", "");
    edit(fixture, "name_ja: 1番窓口", "name_ja: &x 一\n    name_en: *x");
    assert_int_equal(load(fixture, fixture->edited), -EINVAL);
}

static void a_list_where_a_mapping_belongs_is_refused(void **state)
{
    struct fixture *fixture = *state;

    (void)snprintf(fixture->edited, sizeof(fixture->edited), "[1, 2]\n");
    assert_refused(fixture, "", 1);
    edit(fixture, "overrides: []", "overrides: none");
    assert_refused(fixture, "hours.overrides", line_of(fixture->edited, "overrides: none"));
    (void)snprintf(fixture->edited, sizeof(fixture->edited), "%s", fixture->sample);
    *strstr(fixture->edited, "categories:\n") = '\0';
    assert_refused(fixture, "categories", line_of(fixture->edited, "format: 1"));
}

static void too_many_entries_are_refused(void **state)
{
    struct fixture *fixture = *state;

    edit(fixture, "units:\n",
         "units:\n  - {id: 3, name_ja: a, name_en: a, serial: A, service_address: 10.90.0.3, "
         "direct_address: 10.90.1.3}\n");
    assert_int_equal(load(fixture, fixture->edited), -EINVAL);
    assert_true(strncmp(fixture->error.path, "units", strlen("units")) == 0);
    assert_true(fixture->error.line >= line_of(fixture->edited, "units:"));
}

static void a_prefix_of_the_sample_never_crashes_the_reader(void **state)
{
    struct fixture *fixture = *state;
    size_t len = strlen(fixture->sample);

    for (size_t cut = 0; cut < len; cut += 7) {
        (void)site_load_bytes(fixture->sample, cut, &fixture->site, &fixture->error);
    }
}

static void files_that_cannot_be_read_say_so(void **state)
{
    struct fixture *fixture = *state;
    char *large = malloc(SITE_FILE_BYTES_MAX + 1);
    char text[SITE_ERROR_TEXT_BYTES * 2];

    assert_int_equal(site_load_file("image/no-such-site.yaml", &fixture->site, &fixture->error),
                     -ENOENT);
    site_error_to_text(&fixture->error, "x.yaml", true, text, sizeof(text));
    assert_string_equal(text, "x.yaml: ファイルを読めません。名前と権限を確かめてください。");
    assert_int_equal(site_load_file("image", &fixture->site, &fixture->error), -EISDIR);
    assert_non_null(large);
    memset(large, '#', SITE_FILE_BYTES_MAX + 1);
    assert_int_equal(
        site_load_bytes(large, SITE_FILE_BYTES_MAX + 1, &fixture->site, &fixture->error), -EFBIG);
    free(large);
    edit(fixture, "format: 1", "format: 2");
    assert_int_equal(load(fixture, fixture->edited), -EINVAL);
    site_error_to_text(&fixture->error, "x.yaml", false, text, sizeof(text));
    assert_string_equal(text, "x.yaml:4: format: This version reads format: 1.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_site_is_taken_whole),
        cmocka_unit_test(the_default_site_speaks_five_languages),
        cmocka_unit_test(what_is_missing_is_said_and_stood_in_for),
        cmocka_unit_test(a_menu_is_a_tree_in_which_each_thing_stands_once),
        cmocka_unit_test(what_a_new_version_changes_is_said_in_sentences),
        cmocka_unit_test(anybody_sees_who_waits_unless_the_site_says_off),
        cmocka_unit_test(relays_are_known_by_the_names_of_their_certificates),
        cmocka_unit_test(overrides_close_a_day_or_give_it_other_hours),
        cmocka_unit_test(the_hours_become_a_calendar),
        cmocka_unit_test(an_unknown_key_is_refused_with_its_own_line),
        cmocka_unit_test(a_missing_key_is_refused_where_it_should_be),
        cmocka_unit_test(a_key_written_twice_is_refused),
        cmocka_unit_test(rules_of_tickets_and_of_a_categorys_hours_are_taken),
        cmocka_unit_test(values_out_of_bounds_are_refused_with_their_line),
        cmocka_unit_test(overrides_are_dates_in_rising_order),
        cmocka_unit_test(a_category_that_no_counter_serves_is_refused),
        cmocka_unit_test(text_that_is_not_one_plain_document_is_refused),
        cmocka_unit_test(a_list_where_a_mapping_belongs_is_refused),
        cmocka_unit_test(too_many_entries_are_refused),
        cmocka_unit_test(a_prefix_of_the_sample_never_crashes_the_reader),
        cmocka_unit_test(files_that_cannot_be_read_say_so),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
