/*
 * appliance/adapters/site_raw.h - inside of the site file's reader; nobody else includes this.
 *
 * Three steps, one file each: site_lines.c reads the YAML tree and knows each line, site_cyaml.c
 * brings it into struct site_raw by schema, site_check.c judges what a schema cannot say and fills
 * struct site.
 */
#ifndef APPLIANCE_ADAPTERS_SITE_RAW_H
#define APPLIANCE_ADAPTERS_SITE_RAW_H

#include "appliance/adapters/site_cyaml.h"

struct site_lines;

enum { SITE_SHORT_TEXT_BYTES = 24 };

enum site_raw_page { SITE_RAW_PAGE_ON = 0, SITE_RAW_PAGE_OFF = 1 };

struct site_raw_override {
    char date[SITE_SHORT_TEXT_BYTES];
    char open[SITE_SHORT_TEXT_BYTES];
    char close[SITE_SHORT_TEXT_BYTES];
    char reason_ja[SITE_NAME_BYTES];
    char reason_en[SITE_NAME_BYTES];
};

struct site_raw_category {
    uint16_t id;
    char name_ja[SITE_NAME_BYTES];
    char name_en[SITE_NAME_BYTES];
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
    char name_ja[SITE_NAME_BYTES];
    char name_en[SITE_NAME_BYTES];
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
        char name_ja[SITE_NAME_BYTES];
        char name_en[SITE_NAME_BYTES];
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
    } tickets;
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
    int32_t public_page; /* enum site_raw_page; optional: ON */
};

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

/* 0, or -EINVAL with ret_error filled. */
int site_check(const struct site_raw *raw, const struct site_lines *lines, struct site *ret_site,
               struct site_error *ret_error);

#endif
