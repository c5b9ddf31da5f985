/*
 * appliance/gateway/body.h - reads the JSON body of a request.
 *
 * Decides: which bytes are a body: one flat object, at most GATEWAY_BODY_BYTES_MAX, no member twice, no
 * member that the request does not take, every value of its type and in its range. Decides not: whether
 * the category or ticket exists (the queue does). An empty body counts as {}. No I/O; jansson allocates,
 * bounded by the body's length. A refused body leaves `ret_body` as it was.
 */
#ifndef APPLIANCE_GATEWAY_BODY_H
#define APPLIANCE_GATEWAY_BODY_H

#include "appliance/engine/api.h"
#include "appliance/gateway/problem.h"
#include "base/ids.h"

#include <stddef.h>
#include <stdint.h>

enum body_limit {
    BODY_LANGUAGE_BYTES = 8,   /* with the closing zero, as in api_command */
    BODY_DATE_BYTES = 11,      /* yyyy-mm-dd and the closing zero */
    BODY_CATEGORY_MAX = 65535,
    BODY_NUMBER_MAX = 9999,
    BODY_PRIORITY_MAX = 3,
    BODY_SERIAL_BYTES = 32,
    BODY_PERSON_BYTES = 61,
    BODY_HOLD_MINUTES_MAX = 240,
    BODY_TARGET_MINUTES_MAX = 600, /* as in the site file; 0: none of its own */
    BODY_AFTER_MAX = 99,
    BODY_TIER_MAX = 9,
};

enum body_member {
    BODY_CATEGORY = 1,   /* integer */
    BODY_LANGUAGE = 2,   /* text of a-z and '-' */
    BODY_PRIORITY = 4,   /* integer 0..3 */
    BODY_DELIVERY = 8,   /* "screen" or "paper" */
    BODY_TICKET = 16,    /* a ticket id */
    BODY_NUMBER = 32,    /* integer 1..9999 */
    BODY_SERIES = 64,    /* "" or letters and a session number */
    BODY_DATE = 128,     /* yyyy-mm-dd */
    BODY_SERIAL = 256,   /* letters, digits and '-' */
    BODY_BY = 512,       /* a person's name: UTF-8 without control characters */
    BODY_OFF = 1024,     /* true: "it is off and in my hands" */
    BODY_PLACE = 1 << 11,      /* "head", "age", "tail" or "after" */
    BODY_AFTER = 1 << 12,      /* integer 1..99, with "after" */
    BODY_REASON = 1 << 13,     /* "other", "form", "document" or "inquiry" */
    BODY_MINUTES = 1 << 14,    /* integer 1..240; of a wait's target 0..600 */
    BODY_OWNER = 1 << 15,      /* "counter" or "pool" */
    BODY_NOTE = 1 << 16,       /* text; empty takes it away */
    BODY_ASSIST = 1 << 17,     /* true or false: staff will come */
    BODY_SERVICES = 1 << 18,   /* at most API_PLAN_MAX categories */
    BODY_TO_COUNTER = 1 << 19, /* integer: a counter */
    BODY_LIMIT = 1 << 20,      /* integer 0..65535 */
    BODY_SERVED = 1 << 21,     /* true or false */
    BODY_RESULT = 1 << 22,     /* "waiting", "served", "left" or "spoiled" */
    BODY_SERVES = 1 << 23,     /* at most API_SERVES_MAX of {category, tier}; none: as configured */
    BODY_TEXT_JA = 1 << 24,    /* text without control characters */
    BODY_TEXT_EN = 1 << 25,
    BODY_HOURS = 1 << 26,      /* "usual", "closed" or such as "09:00-15:00" */
    BODY_PREVIEW = 1 << 27,    /* true: say what would follow, and change nothing */
    BODY_TEXT = 1 << 28,       /* a site file: UTF-8, at most API_SITE_TEXT_BYTES_MAX */
    BODY_BASE_VERSION = 1 << 29, /* integer 0..65535: the version that the text is founded on */
    BODY_WHEN = 1 << 30,       /* "now" or "opening" */
    BODY_RESTORES = 1U << 31,  /* integer 1..65535: whose text it is */
};

struct body {
    uint32_t present;    /* members that were given */
    uint16_t category;
    char language[BODY_LANGUAGE_BYTES];
    uint8_t priority;
    uint8_t delivery;    /* enum queue_delivery, 0 not given */
    struct ids_token ticket;
    uint16_t number;
    char series[IDS_SERIES_TEXT_BYTES];
    char date[BODY_DATE_BYTES];
    char serial[BODY_SERIAL_BYTES];
    char by[BODY_PERSON_BYTES];
    struct api_more more;
    struct api_rule rule;
    bool is_target;      /* `minutes` are a wait's target, not a hold's */
    char *text;          /* the caller's room for BODY_TEXT: API_SITE_TEXT_BYTES_MAX; NULL: there is none */
    uint32_t text_len_bytes;
    uint16_t base_version, restores;
    uint8_t when;        /* enum api_site_when */
};

/* PROBLEM_NONE, or what is wrong; only `text` of ret_body is looked at before. It may lie where `bytes` do.
 * `ret_member` then names our member it is about, or is NULL. */
enum problem body_parse(const char *bytes, size_t len_bytes, uint32_t required, uint32_t optional,
                        struct body *ret_body, const char **ret_member);

#endif
