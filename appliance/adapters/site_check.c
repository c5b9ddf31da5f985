/*
 * Site file, third step: what a schema cannot say. Every refusal names the key that is to be
 * changed.
 */
#include "appliance/adapters/site_raw.h"
#include "base/check.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static_assert((int)SITE_NAME_BYTES == (int)CALENDAR_NAME_BYTES &&
                  (int)SITE_OVERRIDES_MAX <= (int)CALENDAR_OVERRIDES_MAX,
              "what the site file takes, the calendar holds");

enum {
    MS_PER_MINUTE = 60 * 1000,
    YEAR_FIRST = 1980, /* the calendar's bounds */
    YEAR_LAST = 2099,
    PREFIX_LEN_MIN = 8,
    PREFIX_LEN_MAX = 30,
    PAPER_MM_WIDE = 80,
    PAPER_MM_NARROW = 58,
    PAPER_DOTS_WIDE = 576, /* of what a printer can print on, at 203 dpi */
    PAPER_DOTS_NARROW = 384,
};

struct site_checker *site_at(struct site_checker *check, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(check->path, sizeof(check->path), format, arguments);
    va_end(arguments);
    return check;
}

int site_refuse_at(struct site_checker *check, const char *ja, const char *en)
{
    return site_refuse(check->lines, check->path, ja, en, check->error);
}

static bool two_digits(const char *text, unsigned *ret_value)
{
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9') {
        return false;
    }
    *ret_value = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
    return true;
}

bool site_parse_minute(const char *text, uint16_t *ret_minute)
{
    unsigned hour = 0;
    unsigned minute = 0;

    if (strlen(text) != strlen("hh:mm") || text[2] != ':' || !two_digits(text, &hour) ||
        !two_digits(text + 3, &minute) || minute > 59 || hour * 60 + minute > SITE_MINUTES_A_DAY) {
        return false;
    }
    *ret_minute = (uint16_t)(hour * 60 + minute);
    return true;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

bool site_parse_date(const char *text, uint32_t *ret_date)
{
    unsigned century = 0;
    unsigned year = 0;
    unsigned month = 0;
    unsigned day = 0;

    if (strlen(text) != strlen("yyyy-mm-dd") || text[4] != '-' || text[7] != '-' ||
        !two_digits(text, &century) || !two_digits(text + 2, &year) ||
        !two_digits(text + 5, &month) || !two_digits(text + 8, &day)) {
        return false;
    }
    year += century * 100;
    if (year < YEAR_FIRST || year > YEAR_LAST || month < 1 || month > 12 || day < 1 ||
        day > days_in_month(year, month)) {
        return false;
    }
    *ret_date = year * 10000 + month * 100 + day;
    return true;
}

static bool address_is_valid(const char *text)
{
    struct in_addr address;

    return inet_pton(AF_INET, text, &address) == 1;
}

int site_check_span(struct site_checker *check, const char *prefix, const char *open,
                    const char *close, uint16_t *ret_open, uint16_t *ret_close)
{
    if (!site_parse_minute(open, ret_open)) {
        return site_refuse_at(site_at(check, "%s.open", prefix),
                              "時刻は \"08:30\" のように書いてください。",
                              "Write the time like \"08:30\".");
    }
    if (!site_parse_minute(close, ret_close)) {
        return site_refuse_at(site_at(check, "%s.close", prefix),
                              "時刻は \"17:00\" のように書いてください。",
                              "Write the time like \"17:00\".");
    }
    if (*ret_open >= *ret_close) {
        return site_refuse_at(site_at(check, "%s.close", prefix),
                              "閉庁時刻は開庁時刻より後にしてください。",
                              "The closing time must be later than the opening time.");
    }
    return 0;
}

static int check_override(struct site_checker *check, uint32_t index,
                          const struct site_raw_override *raw, struct site_override *ret_override)
{
    char prefix[SITE_PATH_BYTES];

    (void)snprintf(prefix, sizeof(prefix), "hours.overrides[%u]", index);
    memset(ret_override, 0, sizeof(*ret_override));
    if (!site_parse_date(raw->date, &ret_override->date)) {
        return site_refuse_at(
            site_at(check, "%s.date", prefix),
            "日付は実在する日を \"2026-12-28\" のように書いてください（1980〜2099年）。",
            "Write a real date like \"2026-12-28\" (years 1980 to 2099).");
    }
    memcpy(ret_override->reason_ja, raw->reason_ja, sizeof(raw->reason_ja));
    memcpy(ret_override->reason_en, raw->reason_en, sizeof(raw->reason_en));
    ret_override->open = raw->open[0] != '\0' || raw->close[0] != '\0';
    if (!ret_override->open) {
        return 0;
    }
    return site_check_span(check, prefix, raw->open, raw->close, &ret_override->open_minute,
                           &ret_override->close_minute);
}

static int check_overrides(struct site_checker *check, const struct site_raw_hours *raw,
                           struct site_hours *hours)
{
    for (uint32_t i = 0; i < raw->overrides_count; i++) {
        int r = check_override(check, i, &raw->overrides[i], &hours->overrides[i]);

        if (r < 0) {
            return r;
        }
        if (i > 0 && hours->overrides[i].date <= hours->overrides[i - 1].date) {
            return site_refuse_at(site_at(check, "hours.overrides[%u].date", i),
                                  "日付は古い順に、同じ日は一度だけ書いてください。",
                                  "Write dates in rising order, each date once.");
        }
    }
    hours->override_count = (uint16_t)raw->overrides_count;
    return 0;
}

static int check_hours(struct site_checker *check, const struct site_raw_hours *raw,
                       struct site_hours *hours)
{
    int r = site_check_span(check, "hours", raw->open, raw->close, &hours->open_minute,
                            &hours->close_minute);

    if (r < 0) {
        return r;
    }
    if (raw->lead_minutes > SITE_LEAD_MINUTES_MAX || raw->lead_minutes > hours->open_minute) {
        return site_refuse_at(
            site_at(check, "hours.lead_minutes"),
            "開庁前の準備時間は 0〜240 分で、前日にかからない長さにしてください。",
            "The lead time is 0 to 240 minutes and must not reach into the day before.");
    }
    hours->lead_minutes = raw->lead_minutes;
    return check_overrides(check, raw, hours);
}

/* Reserved for staff's hands when every machine is down: the machine never gives one. */
static int check_hand_written(struct site_checker *check, uint32_t index,
                              const struct site_raw_category *raw)
{
    const struct site_raw_numbers *hand = &raw->hand_written;

    if (hand->first == 0 && hand->last == 0) {
        return 0;
    }
    if (hand->first < 1 || hand->last < hand->first || hand->last > QUEUE_NUMBER_MAX) {
        return site_refuse_at(
            site_at(check, "categories[%u].hand_written", index),
            "手書き用の番号は 1〜9999 で、最初の番号が最後以下になるようにしてください。",
            "Hand-written numbers are 1 to 9999, the first not above the last.");
    }
    if (hand->first <= raw->numbers.last && raw->numbers.first <= hand->last) {
        return site_refuse_at(
            site_at(check, "categories[%u].hand_written", index),
            "手書き用の番号が、機械が出す番号と重なります。別の範囲にしてください。",
            "The hand-written numbers overlap with those that the machine gives. Use "
            "another range.");
    }
    return 0;
}

/* Spans in rising order; what lies between two is a break. */
static int check_category_hours(struct site_checker *check, uint32_t index,
                                const struct site_raw_category *raw,
                                struct queue_category_config *to)
{
    if (raw->last_ticket[0] != '\0' && !site_parse_minute(raw->last_ticket, &to->last_minute)) {
        return site_refuse_at(site_at(check, "categories[%u].last_ticket", index),
                              "時刻は \"16:30\" のように書いてください。",
                              "Write the time like \"16:30\".");
    }
    for (uint32_t i = 0; i < raw->hours_count; i++) {
        char prefix[SITE_PATH_BYTES];
        int r;

        (void)snprintf(prefix, sizeof(prefix), "categories[%u].hours[%u]", index, i);
        r = site_check_span(check, prefix, raw->hours[i].open, raw->hours[i].close,
                            &to->spans[i].first_minute, &to->spans[i].end_minute);
        if (r < 0) {
            return r;
        }
        if (i > 0 && to->spans[i].first_minute <= to->spans[i - 1].end_minute) {
            return site_refuse_at(
                site_at(check, "%s.open", prefix),
                "前の時間帯が終わったあとに始まるようにしてください（間が休憩です）。",
                "It must begin after the one before it has ended; between them is the "
                "break.");
        }
    }
    to->span_count = (uint8_t)raw->hours_count;
    return 0;
}

static int check_tickets(struct site_checker *check, const struct site_raw_tickets *raw,
                         struct queue_config *config)
{
    for (uint32_t i = 0; i < raw->skip_count; i++) {
        if (raw->skip[i] < 1 || raw->skip[i] > QUEUE_NUMBER_MAX) {
            return site_refuse_at(site_at(check, "tickets.skip[%u]", i),
                                  "1〜9999 の番号にしてください。", "Use a number from 1 to 9999.");
        }
        if (i > 0 && raw->skip[i] <= raw->skip[i - 1]) {
            return site_refuse_at(site_at(check, "tickets.skip[%u]", i),
                                  "小さい順に、同じ番号は一度だけ書いてください。",
                                  "Write numbers in rising order, each once.");
        }
        config->skips[i] = raw->skip[i];
    }
    config->skip_count = (uint8_t)raw->skip_count;
    if (raw->return_minutes > SITE_MINUTES_A_DAY) {
        return site_refuse_at(site_at(check, "tickets.return_minutes"),
                              "0〜1440 分にしてください（0 はいつでも元の順番）。",
                              "Use 0 to 1440 minutes (0: always the old place).");
    }
    if (raw->return_after > QUEUE_AFTER_MAX) {
        return site_refuse_at(site_at(check, "tickets.return_after"),
                              "0〜99 人にしてください（0 は最後）。",
                              "Use 0 to 99 people (0: at the end).");
    }
    config->absent_minutes = raw->return_minutes;
    config->absent_after = (uint8_t)raw->return_after;
    return 0;
}

static int check_category(struct site_checker *check, uint32_t index,
                          const struct site_raw_category *raw)
{
    if (raw->id < 1 || raw->id > QUEUE_CATEGORIES_MAX) {
        return site_refuse_at(site_at(check, "categories[%u].id", index),
                              "1〜32 の番号にしてください。", "Use a number from 1 to 32.");
    }
    if (raw->numbers.first < 1 || raw->numbers.first > QUEUE_NUMBER_MAX) {
        return site_refuse_at(site_at(check, "categories[%u].numbers.first", index),
                              "発券番号は 1〜9999 にしてください。",
                              "Ticket numbers are 1 to 9999.");
    }
    if (raw->numbers.last < raw->numbers.first || raw->numbers.last > QUEUE_NUMBER_MAX) {
        return site_refuse_at(site_at(check, "categories[%u].numbers.last", index),
                              "最後の番号は最初の番号以上、9999 以下にしてください。",
                              "The last number must not be below the first, nor above 9999.");
    }
    if (check_hand_written(check, index, raw) < 0) {
        return -EINVAL;
    }
    if (raw->daily_limit >= QUEUE_LIMIT_NONE) {
        return site_refuse_at(site_at(check, "categories[%u].daily_limit", index),
                              "0〜65534 枚にしてください（0 は上限なし）。",
                              "Use 0 to 65534 tickets (0: no limit).");
    }
    if (raw->service_minutes < 1 || raw->service_minutes > SITE_SERVICE_MINUTES_MAX) {
        return site_refuse_at(site_at(check, "categories[%u].service_minutes", index),
                              "1〜240 分にしてください。", "Use 1 to 240 minutes.");
    }
    if (raw->wait_limit_minutes > SITE_WAIT_LIMIT_MINUTES_MAX) {
        return site_refuse_at(site_at(check, "categories[%u].wait_limit_minutes", index),
                              "0〜600 分にしてください（0 は上限なし）。",
                              "Use 0 to 600 minutes (0: no limit).");
    }
    return 0;
}

static bool ranges_meet(const struct site_raw_numbers *a, const struct site_raw_numbers *b)
{
    return a->first != 0 && b->first != 0 && a->first <= b->last && b->first <= a->last;
}

static int check_category_pair(struct site_checker *check, const struct site_raw *raw,
                               uint32_t index, uint32_t other)
{
    const struct site_raw_category *a = &raw->categories[index];
    const struct site_raw_category *b = &raw->categories[other];
    char ja[SITE_ERROR_TEXT_BYTES];
    char en[SITE_ERROR_TEXT_BYTES];

    if (a->id == b->id) {
        return site_refuse_at(site_at(check, "categories[%u].id", index),
                              "この番号は前の業務で使っています。別の番号にしてください。",
                              "An earlier category has this id. Choose another.");
    }
    if (ranges_meet(&a->hand_written, &b->numbers) ||
        ranges_meet(&a->hand_written, &b->hand_written) ||
        ranges_meet(&a->numbers, &b->hand_written)) {
        return site_refuse_at(
            site_at(check, "categories[%u].%s", index,
                    ranges_meet(&a->numbers, &b->hand_written) ? "numbers" : "hand_written"),
            "手書き用の番号が、ほかの業務の番号と重なります。重ねないでください。",
            "Hand-written numbers overlap with those of another category. Ranges must not "
            "overlap.");
    }
    if (ranges_meet(&a->numbers, &b->numbers)) {
        (void)snprintf(ja, sizeof(ja),
                       "番号の範囲が「%s」（%u〜%u）と重なります。重ねないでください。", b->name.ja,
                       b->numbers.first, b->numbers.last);
        (void)snprintf(en, sizeof(en),
                       "The numbers overlap with \"%s\" (%u to %u). Ranges must not overlap.",
                       b->name.en, b->numbers.first, b->numbers.last);
        return site_refuse_at(site_at(check, "categories[%u].numbers", index), ja, en);
    }
    return 0;
}

static int check_categories(struct site_checker *check, const struct site_raw *raw,
                            struct queue_config *config)
{
    for (uint32_t i = 0; i < raw->categories_count; i++) {
        const struct site_raw_category *from = &raw->categories[i];
        struct queue_category_config *to = &config->categories[i];
        int r = check_category(check, i, from);

        for (uint32_t other = 0; other < i && r == 0; other++) {
            r = check_category_pair(check, raw, i, other);
        }
        if (r < 0) {
            return r;
        }
        to->id = from->id;
        memcpy(to->name_ja, from->name.ja, sizeof(to->name_ja));
        memcpy(to->name_en, from->name.en, sizeof(to->name_en));
        to->number_first = from->numbers.first;
        to->number_last = from->numbers.last;
        to->service_ms_prior = (uint32_t)from->service_minutes * MS_PER_MINUTE;
        to->wait_ms_limit = (uint32_t)from->wait_limit_minutes * MS_PER_MINUTE;
        to->manual_first = from->hand_written.first;
        to->manual_last = from->hand_written.last;
        to->daily_limit = from->daily_limit;
        r = check_category_hours(check, i, from, to);
        if (r < 0) {
            return r;
        }
    }
    config->category_count = (uint8_t)raw->categories_count;
    return 0;
}

/* Without the section, or switched off, nobody registers: what is written there may stay for another day. */
static int check_registration(struct site_checker *check, const struct site_raw *raw,
                              struct queue_config *config)
{
    const struct site_raw_registration *from = &raw->registration;
    bool open = from->open == SITE_RAW_ON;

    for (uint32_t i = 0; i < from->categories_count; i++) {
        struct queue_category_config *to = NULL;

        for (uint32_t k = 0; k < raw->categories_count; k++) {
            to = config->categories[k].id == from->categories[i].category ? &config->categories[k]
                                                                          : to;
        }
        if (to == NULL) {
            return site_refuse_at(site_at(check, "registration.categories[%u].category", i),
                                  "この番号の業務はありません。categories の id を書いてください。",
                                  "There is no such category. Write an id from \"categories\".");
        }
        if (from->categories[i].places < 1 || from->categories[i].places > QUEUE_NUMBER_MAX) {
            return site_refuse_at(site_at(check, "registration.categories[%u].places", i),
                                  "1〜9999 人にしてください。", "Use 1 to 9999 visitors.");
        }
        for (uint32_t k = 0; k < i; k++) {
            if (from->categories[k].category == from->categories[i].category) {
                return site_refuse_at(site_at(check, "registration.categories[%u].category", i),
                                      "同じ業務が二度あります。一つだけ残してください。",
                                      "This category is there twice. Keep only one.");
            }
        }
        to->registration_places = open ? from->categories[i].places : 0;
    }
    if (open && from->categories_count == 0) {
        return site_refuse_at(site_at(check, "registration.categories"),
                              "来庁前に受け付ける業務と人数を書いてください。",
                              "Write which categories take registrations, and how many.");
    }
    config->own_arrival = open && from->own_arrival == SITE_RAW_ON;
    return 0;
}

static bool category_exists(const struct queue_config *config, uint16_t id)
{
    for (uint32_t i = 0; i < config->category_count; i++) {
        if (config->categories[i].id == id) {
            return true;
        }
    }
    return false;
}

static int check_served(struct site_checker *check, uint32_t index,
                        const struct site_raw_counter *raw, struct queue_config *config)
{
    struct queue_counter_config *to = &config->counters[index];

    for (uint32_t i = 0; i < raw->categories_count; i++) {
        const struct site_raw_served *served = &raw->categories[i];

        if (!category_exists(config, served->category)) {
            return site_refuse_at(site_at(check, "counters[%u].categories[%u].category", index, i),
                                  "この番号の業務はありません。categories の id を書いてください。",
                                  "There is no such category. Write an id from \"categories\".");
        }
        if (served->tier < 1 || served->tier > SITE_TIER_MAX) {
            return site_refuse_at(site_at(check, "counters[%u].categories[%u].tier", index, i),
                                  "1〜9 にしてください（1 が先）。",
                                  "Use 1 to 9 (1 is called first).");
        }
        for (uint32_t other = 0; other < i; other++) {
            if (to->categories[other].category == served->category) {
                return site_refuse_at(
                    site_at(check, "counters[%u].categories[%u].category", index, i),
                    "同じ業務が二度あります。一つだけ残してください。",
                    "This counter names the category twice. Keep only one.");
            }
        }
        to->categories[i].category = served->category;
        to->categories[i].tier = served->tier;
    }
    to->category_count = (uint8_t)raw->categories_count;
    return 0;
}

static int check_counters(struct site_checker *check, const struct site_raw *raw,
                          struct queue_config *config)
{
    for (uint32_t i = 0; i < raw->counters_count; i++) {
        const struct site_raw_counter *from = &raw->counters[i];
        struct queue_counter_config *to = &config->counters[i];
        int r = 0;

        if (from->id < 1 || from->id > QUEUE_NUMBER_MAX) {
            return site_refuse_at(site_at(check, "counters[%u].id", i),
                                  "1〜9999 の番号にしてください。", "Use a number from 1 to 9999.");
        }
        for (uint32_t other = 0; other < i; other++) {
            if (config->counters[other].id == from->id) {
                return site_refuse_at(site_at(check, "counters[%u].id", i),
                                      "この窓口番号は前にあります。別の番号にしてください。",
                                      "An earlier counter has this number. Choose another.");
            }
        }
        to->id = from->id;
        memcpy(to->name_ja, from->name.ja, sizeof(to->name_ja));
        memcpy(to->name_en, from->name.en, sizeof(to->name_en));
        r = check_served(check, i, from, config);
        if (r < 0) {
            return r;
        }
    }
    config->counter_count = (uint8_t)raw->counters_count;
    return 0;
}

static bool category_is_served(const struct queue_config *config, uint16_t id)
{
    for (uint32_t i = 0; i < config->counter_count; i++) {
        for (uint32_t j = 0; j < config->counters[i].category_count; j++) {
            if (config->counters[i].categories[j].category == id) {
                return true;
            }
        }
    }
    return false;
}

static int check_every_category_is_served(struct site_checker *check,
                                          const struct queue_config *config)
{
    for (uint32_t i = 0; i < config->category_count; i++) {
        if (!category_is_served(config, config->categories[i].id)) {
            return site_refuse_at(
                site_at(check, "categories[%u].id", i),
                "この業務を受け持つ窓口がありません。counters に加えてください。",
                "No counter serves this category. Add it to one of \"counters\".");
        }
    }
    return 0;
}

static int check_floating(struct site_checker *check, const char *text, struct site *site)
{
    char address[SITE_SHORT_TEXT_BYTES];
    const char *slash = strchr(text, '/');
    char *end = NULL;
    unsigned long prefix_len = 0;

    if (slash != NULL && slash[1] >= '0' && slash[1] <= '9') {
        (void)snprintf(address, sizeof(address), "%.*s", (int)(slash - text), text);
        prefix_len = strtoul(slash + 1, &end, 10);
        if (address_is_valid(address) && *end == '\0' && prefix_len >= PREFIX_LEN_MIN &&
            prefix_len <= PREFIX_LEN_MAX) {
            (void)snprintf(site->floating_address, sizeof(site->floating_address), "%.15s",
                           address);
            site->floating_prefix_len = (uint8_t)prefix_len;
            return 0;
        }
    }
    return site_refuse_at(site_at(check, "network.floating"),
                          "\"10.90.0.10/24\" のように書いてください。",
                          "Write it like \"10.90.0.10/24\".");
}

static int check_references(struct site_checker *check, const struct site_raw_network *raw,
                            struct site *site)
{
    for (uint32_t i = 0; i < raw->references_count; i++) {
        const struct site_raw_reference *from = &raw->references[i];

        if (!address_is_valid(from->address) ||
            strcmp(from->address, site->floating_address) == 0) {
            return site_refuse_at(site_at(check, "network.references[%u].address", i),
                                  "共用アドレスとは別の IPv4 アドレスを書いてください。",
                                  "Write an IPv4 address other than the floating one.");
        }
        site->references[i].kind = (enum site_reference_kind)from->kind;
        (void)snprintf(site->references[i].address, SITE_ADDRESS_BYTES, "%.15s", from->address);
    }
    site->reference_count = (uint8_t)raw->references_count;
    return 0;
}

static bool url_is_valid(const char *text)
{
    if (strncmp(text, "http://", strlen("http://")) != 0 &&
        strncmp(text, "https://", strlen("https://")) != 0) {
        return false;
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~') {
            return false;
        }
    }
    return true;
}

static int check_printer(struct site_checker *check, uint32_t index,
                         const struct site_raw_printing *raw, struct site_printing *printing)
{
    const struct site_raw_printer *from = &raw->printers[index];
    struct site_printer *to = &printing->printers[index];

    if (from->id < 1 || from->id > SITE_PRINTERS_MAX ||
        (index > 0 && from->id <= raw->printers[index - 1].id)) {
        return site_refuse_at(site_at(check, "printing.printers[%u].id", index),
                              "1から4までの番号を、小さい順に一度ずつ使ってください。",
                              "Use the numbers 1 to 4, each once, in rising order.");
    }
    if (!address_is_valid(from->address)) {
        return site_refuse_at(site_at(check, "printing.printers[%u].address", index),
                              "プリンターの IPv4 アドレスを書いてください。",
                              "Write the printer's IPv4 address.");
    }
    if (from->paper_mm != 0 && from->paper_mm != PAPER_MM_WIDE &&
        from->paper_mm != PAPER_MM_NARROW) {
        return site_refuse_at(site_at(check, "printing.printers[%u].paper_mm", index),
                              "用紙の幅は 80 か 58 です。", "The paper is 80 or 58 wide.");
    }
    if (from->roll_metres < 1 || from->roll_metres > SITE_ROLL_METRES_MAX) {
        return site_refuse_at(site_at(check, "printing.printers[%u].roll_metres", index),
                              "新しいロール紙の長さを 1 から 500 (m) で書いてください。",
                              "Write the length of a new roll, 1 to 500 metres.");
    }
    to->id = from->id;
    memcpy(to->name_ja, from->name_ja, sizeof(to->name_ja));
    memcpy(to->name_en, from->name_en, sizeof(to->name_en));
    (void)snprintf(to->address, sizeof(to->address), "%.15s", from->address);
    to->port = from->port != 0 ? from->port : SITE_PRINTER_PORT;
    to->width_dots = from->paper_mm == PAPER_MM_NARROW ? PAPER_DOTS_NARROW : PAPER_DOTS_WIDE;
    to->roll_metres = from->roll_metres;
    return 0;
}

static int check_printing(struct site_checker *check, const struct site_raw_printing *raw,
                          struct site_printing *printing)
{
    int r = 0;

    if (raw->visitor_url[0] != '\0' && !url_is_valid(raw->visitor_url)) {
        return site_refuse_at(site_at(check, "printing.visitor_url"),
                              "「http://」か「https://」で始まるアドレスを書いてください。",
                              "Write an address that begins with http:// or https://.");
    }
    memcpy(printing->place_ja, raw->place_ja, sizeof(printing->place_ja));
    memcpy(printing->place_en, raw->place_en, sizeof(printing->place_en));
    memcpy(printing->visitor_url, raw->visitor_url, sizeof(printing->visitor_url));
    for (uint32_t i = 0; r == 0 && i < raw->printers_count; i++) {
        r = check_printer(check, i, raw, printing);
    }
    printing->printer_count = (uint8_t)raw->printers_count;
    return r;
}

static bool same_network(const char *a, const char *b, uint8_t prefix_len)
{
    struct in_addr one = {0};
    struct in_addr other = {0};
    uint32_t mask = ~(uint32_t)0 << (32 - prefix_len);

    return inet_pton(AF_INET, a, &one) == 1 && inet_pton(AF_INET, b, &other) == 1 &&
           (ntohl(one.s_addr) & mask) == (ntohl(other.s_addr) & mask);
}

static bool serial_is_valid(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";

    return text[0] != '\0' && text[0] != '-' && text[strspn(text, allowed)] == '\0';
}

static int check_unit(struct site_checker *check, uint32_t index, const struct site_raw_unit *raw,
                      const struct site *site)
{
    if (raw->id < 1 || raw->id > IDS_UNIT_ID_MAX) {
        return site_refuse_at(site_at(check, "units[%u].id", index),
                              "1〜9999 の番号にしてください。", "Use a number from 1 to 9999.");
    }
    if (!serial_is_valid(raw->serial)) {
        return site_refuse_at(site_at(check, "units[%u].serial", index),
                              "英数字と「-」だけで書いてください。",
                              "Use only letters, digits and \"-\".");
    }
    if (!same_network(raw->service_address, site->floating_address, site->floating_prefix_len) ||
        strcmp(raw->service_address, site->floating_address) == 0) {
        return site_refuse_at(
            site_at(check, "units[%u].service_address", index),
            "共用アドレスと同じネットワークの、別の IPv4 アドレスを書いてください。",
            "Write an IPv4 address in the floating address's network, not itself.");
    }
    if (!address_is_valid(raw->direct_address) ||
        same_network(raw->direct_address, site->floating_address, site->floating_prefix_len)) {
        return site_refuse_at(site_at(check, "units[%u].direct_address", index),
                              "窓口のネットワークとは別の IPv4 アドレスを書いてください。",
                              "Write an IPv4 address outside the floating address's network.");
    }
    return 0;
}

static int check_unit_pair(struct site_checker *check, const struct site_raw *raw)
{
    const struct site_raw_unit *a = &raw->units[0];
    const struct site_raw_unit *b = &raw->units[1];

    if (b->id <= a->id) {
        return site_refuse_at(site_at(check, "units[1].id"),
                              "番号の小さい号機から順に書いてください。",
                              "Write the units in rising order of their ids.");
    }
    if (strcmp(a->serial, b->serial) == 0) {
        return site_refuse_at(site_at(check, "units[1].serial"), "一台目と同じ製造番号です。",
                              "The first unit has this serial number.");
    }
    if (strcmp(a->service_address, b->service_address) == 0) {
        return site_refuse_at(site_at(check, "units[1].service_address"),
                              "一台目と同じアドレスです。", "The first unit has this address.");
    }
    if (strcmp(a->direct_address, b->direct_address) == 0) {
        return site_refuse_at(site_at(check, "units[1].direct_address"),
                              "一台目と同じアドレスです。", "The first unit has this address.");
    }
    return 0;
}

static int check_units(struct site_checker *check, const struct site_raw *raw, struct site *site)
{
    for (uint32_t i = 0; i < raw->units_count; i++) {
        const struct site_raw_unit *from = &raw->units[i];
        struct site_unit *to = &site->units[i];
        int r = check_unit(check, i, from, site);

        if (r < 0) {
            return r;
        }
        to->id = from->id;
        memcpy(to->name_ja, from->name_ja, sizeof(to->name_ja));
        memcpy(to->name_en, from->name_en, sizeof(to->name_en));
        memcpy(to->serial, from->serial, sizeof(to->serial));
        (void)snprintf(to->service_address, SITE_ADDRESS_BYTES, "%.15s", from->service_address);
        (void)snprintf(to->direct_address, SITE_ADDRESS_BYTES, "%.15s", from->direct_address);
    }
    site->unit_count = (uint8_t)raw->units_count;
    return raw->units_count == SITE_UNITS_MAX ? check_unit_pair(check, raw) : 0;
}

static int check_all(struct site_checker *check, const struct site_raw *raw, struct site *site)
{
    int r = 0;

    if (raw->format != SITE_FORMAT) {
        return site_refuse_at(site_at(check, "format"), "この版が読めるのは format: 1 です。",
                              "This version reads format: 1.");
    }
    memcpy(site->queue.site_ja, raw->site.name.ja, sizeof(raw->site.name.ja));
    memcpy(site->queue.site_en, raw->site.name.en, sizeof(raw->site.name.en));
    r = check_hours(check, &raw->hours, &site->hours);
    site->queue.utc_offset_minutes = SITE_UTC_OFFSET_MINUTES;
    r = r < 0 ? r : check_tickets(check, &raw->tickets, &site->queue);
    r = r < 0 ? r : check_categories(check, raw, &site->queue);
    r = r < 0 ? r : check_registration(check, raw, &site->queue);
    r = r < 0 ? r : check_counters(check, raw, &site->queue);
    r = r < 0 ? r : check_every_category_is_served(check, &site->queue);
    r = r < 0 ? r : check_floating(check, raw->network.floating, site);
    r = r < 0 ? r : check_references(check, &raw->network, site);
    r = r < 0 ? r : check_printing(check, &raw->printing, &site->printing);
    r = r < 0 ? r : site_check_pages(check, raw, site);
    return r < 0 ? r : check_units(check, raw, site);
}

int site_check(const struct site_raw *raw, const struct site_lines *lines, struct site *ret_site,
               struct site_error *ret_error)
{
    struct site_checker check = {.lines = lines, .error = ret_error};
    struct site *site = calloc(1, sizeof(*site));
    int r = 0;

    if (site == NULL) {
        (void)site_refuse(NULL, "", "メモリが足りません。", "Out of memory.", ret_error);
        return -ENOMEM;
    }
    r = check_all(&check, raw, site);
    if (r == 0) {
        memcpy(ret_site, site, sizeof(*ret_site));
    }
    free(site);
    return r;
}

void site_fill_calendar(const struct site *site, struct calendar *ret_calendar)
{
    calendar_init(ret_calendar);
    for (unsigned i = 0; i < CALENDAR_WEEKDAYS; i++) {
        if (ret_calendar->hours[i].open) {
            ret_calendar->hours[i].open_minute = site->hours.open_minute;
            ret_calendar->hours[i].close_minute = site->hours.close_minute;
        }
    }
    ret_calendar->lead_minutes = site->hours.lead_minutes;
    for (unsigned i = 0; i < site->hours.override_count; i++) {
        const struct site_override *from = &site->hours.overrides[i];
        struct calendar_override to = {
            .date = from->date,
            .hours = {.open = from->open,
                      .open_minute = from->open_minute,
                      .close_minute = from->close_minute},
        };

        memcpy(to.reason_ja, from->reason_ja, sizeof(to.reason_ja));
        memcpy(to.reason_en, from->reason_en, sizeof(to.reason_en));
        CHECK(calendar_set_override(ret_calendar, &to) == CALENDAR_PROBLEM_NONE);
    }
}
