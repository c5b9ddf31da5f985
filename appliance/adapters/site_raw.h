/*
 * appliance/adapters/site_raw.h - inside of the site file's reader; nobody else includes this.
 *
 * Three steps, one file each: site_lines.c reads the YAML tree and knows each line, site_cyaml.c
 * brings it into struct site_raw by schema, site_check.c (and site_check_pages.c) judges what a schema
 * cannot say and fills struct site.
 */
#ifndef APPLIANCE_ADAPTERS_SITE_RAW_H
#define APPLIANCE_ADAPTERS_SITE_RAW_H

#include "appliance/adapters/site_cyaml.h"

struct site_lines;

enum { SITE_SHORT_TEXT_BYTES = 24 };

/* The languages that a text may have beside those that its struct demands: one behind the other. */
struct site_raw_name {
    char ja[SITE_NAME_BYTES], ja_easy[SITE_NAME_BYTES], en[SITE_NAME_BYTES], zh[SITE_NAME_BYTES],
        ko[SITE_NAME_BYTES];
};

struct site_raw_note {
    char ja[SITE_NOTE_BYTES], ja_easy[SITE_NOTE_BYTES], en[SITE_NOTE_BYTES], zh[SITE_NOTE_BYTES],
        ko[SITE_NOTE_BYTES];
};

struct site_raw_running {
    char ja[SITE_RUNNING_BYTES], ja_easy[SITE_RUNNING_BYTES], en[SITE_RUNNING_BYTES],
        zh[SITE_RUNNING_BYTES], ko[SITE_RUNNING_BYTES];
};

struct site_raw_item {
    uint16_t category;
    uint8_t group;
};

struct site_raw_group {
    uint8_t id;
    struct site_raw_name name;
    struct site_raw_note note;
    struct site_raw_item items[SITE_ITEMS_MAX];
    uint32_t items_count;
};

struct site_raw_priority {
    uint8_t level;
    struct site_raw_name name;
};

struct site_raw_device {
    uint8_t id;
    int32_t kind;
    uint16_t counter;
    char name_ja[SITE_NAME_BYTES], name_en[SITE_NAME_BYTES];
};

struct site_raw_override {
    char date[SITE_SHORT_TEXT_BYTES];
    char open[SITE_SHORT_TEXT_BYTES];
    char close[SITE_SHORT_TEXT_BYTES];
    char reason_ja[SITE_NAME_BYTES];
    char reason_en[SITE_NAME_BYTES];
};

struct site_raw_category {
    uint16_t id;
    struct site_raw_name name; /* ja and en are demanded */
    struct site_raw_note note;
    struct site_raw_numbers {
        uint16_t first, last;
    } numbers;
    struct site_raw_numbers hand_written; /* optional: both 0 */
    uint16_t service_minutes;
    uint16_t wait_limit_minutes;
    uint16_t daily_limit;                    /* optional: 0 */
    char last_ticket[SITE_SHORT_TEXT_BYTES]; /* optional: empty */
    struct site_raw_span {
        char open[SITE_SHORT_TEXT_BYTES];
        char close[SITE_SHORT_TEXT_BYTES];
    } hours[QUEUE_SPANS_MAX];                /* optional: none */
    uint32_t hours_count;
};

struct site_raw_served {
    uint16_t category;
    uint8_t tier;
};

struct site_raw_counter {
    uint16_t id;
    struct site_raw_name name;
    struct site_raw_served categories[QUEUE_COUNTER_CATEGORIES_MAX];
    uint32_t categories_count;
};

struct site_raw_reference {
    int32_t kind;
    char address[SITE_SHORT_TEXT_BYTES];
};

struct site_raw_unit {
    uint32_t id;
    char name_ja[SITE_NAME_BYTES];
    char name_en[SITE_NAME_BYTES];
    char serial[SITE_SERIAL_BYTES];
    char service_address[SITE_SHORT_TEXT_BYTES];
    char direct_address[SITE_SHORT_TEXT_BYTES];
};

struct site_raw_printer {
    uint8_t id;
    char name_ja[SITE_NAME_BYTES];
    char name_en[SITE_NAME_BYTES];
    char address[SITE_SHORT_TEXT_BYTES];
    uint16_t port;     /* 0: not given */
    uint16_t paper_mm; /* 0: not given */
    uint16_t roll_metres;
};

struct site_raw {
    uint16_t format;
    struct site_raw_names {
        struct site_raw_name name, organisation, section, place;
    } site;
    struct site_raw_hours {
        char open[SITE_SHORT_TEXT_BYTES];
        char close[SITE_SHORT_TEXT_BYTES];
        uint16_t lead_minutes;
        struct site_raw_override overrides[SITE_OVERRIDES_MAX];
        uint32_t overrides_count;
    } hours;
    struct site_raw_tickets {                /* optional: all 0 */
        uint16_t skip[QUEUE_SKIPS_MAX];
        uint32_t skip_count;
        uint16_t return_minutes;
        uint16_t return_after;
        int32_t delivery[2]; /* enum site_raw_delivery; none: both */
        uint32_t delivery_count;
    } tickets;
    struct site_raw_priority priorities[SITE_PRIORITIES_MAX];
    uint32_t priorities_count;
    struct site_raw_item menu[SITE_ITEMS_MAX];
    uint32_t menu_count;
    struct site_raw_group groups[SITE_GROUPS_MAX];
    uint32_t groups_count;
    struct site_raw_device devices[SITE_DEVICES_MAX];
    uint32_t devices_count;
    struct site_raw_relay {
        char name[SITE_RELAY_BYTES];
    } relays[SITE_RELAYS_MAX];
    uint32_t relays_count;
    struct site_raw_pages {     /* optional: all 0 */
        int32_t languages[SITE_LANGUAGES]; /* enum site_language + 1 */
        uint32_t languages_count;
        int32_t public_page, silent_branch; /* enum site_raw_switch; 0: not given */
        struct site_raw_running running;
    } pages;
    struct site_raw_statistics { /* optional: all 0 */
        int32_t keep_visits;     /* enum site_raw_switch; 0: not given */
        uint16_t keep_visits_days;
    } statistics;
    struct site_raw_contact {
        struct site_raw_name name;
        char telephone[SITE_TELEPHONE_BYTES];
        char open[SITE_SHORT_TEXT_BYTES];
        char close[SITE_SHORT_TEXT_BYTES];
    } contact;
    struct site_raw_registration { /* optional: none is taken */
        int32_t open, own_arrival; /* enum site_raw_switch; 0: not given */
        struct site_raw_places {
            uint16_t category, places;
        } categories[QUEUE_CATEGORIES_MAX];
        uint32_t categories_count;
    } registration;
    struct site_raw_category categories[QUEUE_CATEGORIES_MAX];
    uint32_t categories_count;
    struct site_raw_counter counters[QUEUE_COUNTERS_MAX];
    uint32_t counters_count;
    struct site_raw_network {
        char floating[SITE_SHORT_TEXT_BYTES];
        struct site_raw_reference references[SITE_REFERENCES_MAX];
        uint32_t references_count;
    } network;
    struct site_raw_printing {
        char place_ja[SITE_NAME_BYTES];
        char place_en[SITE_NAME_BYTES];
        char visitor_url[SITE_URL_BYTES];
        struct site_raw_printer printers[SITE_PRINTERS_MAX];
        uint32_t printers_count;
    } printing;
    struct site_raw_unit units[SITE_UNITS_MAX];
    uint32_t units_count;
};

enum site_raw_switch { SITE_RAW_ON = 1, SITE_RAW_OFF = 2 };
enum site_raw_delivery { SITE_RAW_PAPER = 1, SITE_RAW_PAPERLESS = 2 };

/* Reads the tree: 0, or -EINVAL (not YAML, more than one document, characters that no text has) or
 * -ENOMEM, with ret_error filled. The bytes must outlive the lines. */
int site_lines_create(const void *bytes, size_t len_bytes, struct site_lines **ret_lines,
                      struct site_error *ret_error);
void site_lines_destroy(struct site_lines *lines);
/* The line of a path, or of the longest beginning of it that the file has; 0 when it has none. A
 * key that is written twice: its last line. */
uint32_t site_lines_find(const struct site_lines *lines, const char *path);

/* Says path (with its line when lines are given) and both texts in ret_error; returns -EINVAL. */
int site_refuse(const struct site_lines *lines, const char *path, const char *text_ja,
                const char *text_en, struct site_error *ret_error);

/* What a check goes on with: where it is, and where its error goes. */
struct site_checker {
    const struct site_lines *lines;
    struct site_error *error;
    char path[SITE_PATH_BYTES];
};
struct site_checker *site_at(struct site_checker *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int site_refuse_at(struct site_checker *check, const char *ja, const char *en);
int site_check_span(struct site_checker *check, const char *prefix, const char *open,
                    const char *close, uint16_t *ret_open, uint16_t *ret_close);
/* site_check_pages.c; the queue's part of `site` is there already. */
int site_check_pages(struct site_checker *check, const struct site_raw *raw, struct site *site);

/* 0, or -EINVAL with ret_error filled. */
int site_check(const struct site_raw *raw, const struct site_lines *lines, struct site *ret_site,
               struct site_error *ret_error);

#endif
