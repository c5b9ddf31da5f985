#include "appliance/gateway/body.h"

#include "appliance/queue/queue.h"
#include "base/check.h"

#include <jansson.h>
#include <string.h>

static const struct {
    const char *name;
    enum body_member member;
} members[] = {
    {"category", BODY_CATEGORY},
    {"language", BODY_LANGUAGE},
    {"priority", BODY_PRIORITY},
    {"delivery", BODY_DELIVERY},
    {"ticket", BODY_TICKET},
    {"number", BODY_NUMBER},
    {"series", BODY_SERIES},
    {"date", BODY_DATE},
    {"serial", BODY_SERIAL},
    {"by", BODY_BY},
    {"off_and_in_my_hands", BODY_OFF},
    {"place", BODY_PLACE},
    {"after", BODY_AFTER},
    {"reason", BODY_REASON},
    {"minutes", BODY_MINUTES},
    {"owner", BODY_OWNER},
    {"note", BODY_NOTE},
    {"staff_will_come", BODY_ASSIST},
    {"services", BODY_SERVICES},
    {"to_counter", BODY_TO_COUNTER},
    {"limit", BODY_LIMIT},
    {"served", BODY_SERVED},
    {"result", BODY_RESULT},
    {"serves", BODY_SERVES},
    {"text_ja", BODY_TEXT_JA},
    {"text_en", BODY_TEXT_EN},
    {"hours", BODY_HOURS},
    {"preview", BODY_PREVIEW},
    {"text", BODY_TEXT},
    {"base_version", BODY_BASE_VERSION},
    {"when", BODY_WHEN},
    {"restores", BODY_RESTORES},
};

static void release(json_t **value)
{
    json_decref(*value);
}

static bool integer_from(const json_t *value, json_int_t least, json_int_t most,
                         uint16_t *ret_number)
{
    json_int_t number = json_integer_value(value);

    if (!json_is_integer(value) || number < least || number > most) {
        return false;
    }
    *ret_number = (uint16_t)number;
    return true;
}

static bool text_from(const json_t *value, const char *allowed, size_t least_bytes, char *ret_text,
                      size_t capacity_bytes)
{
    const char *text = json_string_value(value);
    size_t len_bytes = json_string_length(value);

    if (text == NULL || len_bytes < least_bytes || len_bytes >= capacity_bytes ||
        strspn(text, allowed) != len_bytes) {
        return false;
    }
    memcpy(ret_text, text, len_bytes + 1);
    return true;
}

/* The shape only; the calendar knows which dates exist. */
static bool date_from(const json_t *value, char ret_date[BODY_DATE_BYTES])
{
    char date[BODY_DATE_BYTES];

    if (!text_from(value, "0123456789-", BODY_DATE_BYTES - 1, date, sizeof(date))) {
        return false;
    }
    for (size_t i = 0; i < BODY_DATE_BYTES - 1; i++) {
        if ((date[i] == '-') != (i == 4 || i == 7)) {
            return false;
        }
    }
    memcpy(ret_date, date, sizeof(date));
    return true;
}

static bool delivery_from(const json_t *value, uint8_t *ret_delivery)
{
    const char *text = json_string_value(value);

    if (text == NULL || (strcmp(text, "screen") != 0 && strcmp(text, "paper") != 0)) {
        return false;
    }
    *ret_delivery = strcmp(text, "paper") == 0 ? QUEUE_DELIVERY_PAPER : QUEUE_DELIVERY_SCREEN;
    return true;
}

static bool person_from(const json_t *value, char *ret_person, size_t capacity_bytes)
{
    const char *text = json_string_value(value);
    size_t len_bytes = json_string_length(value);

    if (text == NULL || len_bytes == 0 || len_bytes >= capacity_bytes) {
        return false;
    }
    for (size_t i = 0; i < len_bytes; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
            return false;
        }
    }
    memcpy(ret_person, text, len_bytes + 1);
    return true;
}

/* One of some words: its position from 1. */
static bool word_from(const json_t *value, const char *const *words, uint8_t count,
                      uint8_t *ret_position)
{
    const char *text = json_string_value(value);

    for (uint8_t i = 0; text != NULL && i < count; i++) {
        if (strcmp(words[i], text) == 0) {
            *ret_position = (uint8_t)(i + 1);
            return true;
        }
    }
    return false;
}

static bool services_from(const json_t *value, struct api_more *more)
{
    size_t count = json_array_size(value);

    if (!json_is_array(value) || count > API_PLAN_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!integer_from(json_array_get(value, i), 1, BODY_CATEGORY_MAX, &more->plan[i])) {
            return false;
        }
    }
    more->plan_count = (uint8_t)count;
    return true;
}

static bool note_from(const json_t *value, struct api_more *more)
{
    const char *text = json_string_value(value);
    size_t len_bytes = json_string_length(value);

    if (text == NULL || len_bytes >= sizeof(more->note) || strlen(text) != len_bytes) {
        return false;
    }
    memcpy(more->note, text, len_bytes + 1);
    more->has_note = 1;
    return true;
}

/* What staff say of a visit: as in struct queue_command. */
static bool more_from(enum body_member member, const json_t *value, struct api_more *more)
{
    static const char *const places[] = {"head", "age", "tail", "after"};
    static const char *const reasons[] = {"other", "form", "document", "inquiry"};
    static const char *const owners[] = {"counter", "pool"};
    uint16_t number = 0;
    uint8_t position = 0;
    bool good;

    if (member == BODY_PLACE) {
        return word_from(value, places, ARRAY_COUNT(places), &more->place);
    }
    if (member == BODY_REASON) {
        return word_from(value, reasons, ARRAY_COUNT(reasons), &more->hold_reason);
    }
    if (member == BODY_OWNER) {
        good = word_from(value, owners, ARRAY_COUNT(owners), &position);
        more->to_pool = position == ARRAY_COUNT(owners);
        return good;
    }
    if (member == BODY_AFTER) {
        good = integer_from(value, 1, BODY_AFTER_MAX, &number);
        more->after = (uint8_t)number;
        return good;
    }
    if (member == BODY_ASSIST) {
        more->assist = json_is_true(value) ? 1 : 2;
        return json_is_boolean(value);
    }
    more->served = json_is_true(value);
    return json_is_boolean(value);
}

/* Each {category, tier} and nothing else. */
static bool serves_from(const json_t *value, struct api_rule *rule)
{
    size_t count = json_array_size(value);

    if (!json_is_array(value) || count > API_SERVES_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(value, i);
        uint16_t tier;

        if (!json_is_object(item) || json_object_size(item) != 2 ||
            !integer_from(json_object_get(item, "category"), 1, BODY_CATEGORY_MAX,
                          &rule->serves[i].category) ||
            !integer_from(json_object_get(item, "tier"), 1, BODY_TIER_MAX, &tier)) {
            return false;
        }
        rule->serves[i].tier = (uint8_t)tier;
    }
    rule->serves_count = (uint8_t)count;
    return true;
}

/* "09:00": two digits each, 24:00 at the latest. */
static bool minute_from(const char *text, uint16_t *ret_minute)
{
    static const char form[] = "dd:dd";
    uint16_t minute;

    for (size_t i = 0; i < sizeof(form) - 1; i++) {
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i]) {
            return false;
        }
    }
    minute = (uint16_t)(((text[0] - '0') * 10 + text[1] - '0') * 60 + (text[3] - '0') * 10 +
                        text[4] - '0');
    *ret_minute = minute;
    return text[3] < '6' && minute <= QUEUE_MINUTES_A_DAY;
}

static bool hours_from(const json_t *value, struct api_rule *rule)
{
    static const size_t half_bytes = sizeof("09:00") - 1;
    static const char *const words[] = {"closed"};
    const char *text = json_string_value(value);
    size_t len_bytes = json_string_length(value);

    if (word_from(value, words, ARRAY_COUNT(words), &rule->hours)) {
        return true; /* QUEUE_HOURS_CLOSED is the first word that is not usual */
    }
    if (text != NULL && strcmp(text, "usual") == 0) {
        rule->hours = QUEUE_HOURS_USUAL;
        return true;
    }
    if (text == NULL || len_bytes != 2 * half_bytes + 1 || text[half_bytes] != '-' ||
        !minute_from(text, &rule->open_minute) ||
        !minute_from(text + half_bytes + 1, &rule->close_minute)) {
        return false;
    }
    rule->hours = QUEUE_HOURS_OPEN;
    return true;
}

static bool notice_from(const json_t *value, char text[API_NOTICE_BYTES])
{
    return json_is_string(value) &&
           (json_string_length(value) == 0 || person_from(value, text, API_NOTICE_BYTES));
}

/* What managers say: as in struct queue_command. */
static bool rule_from(enum body_member member, const json_t *value, struct api_rule *rule)
{
    static const char *const results[] = {"waiting", "served", "left", "spoiled"};
    bool good;

    if (member == BODY_RESULT) {
        good = word_from(value, results, ARRAY_COUNT(results), &rule->result);
        rule->result = (uint8_t)(rule->result - (good ? 1 : 0));
        return good;
    }
    if (member == BODY_SERVES) {
        return serves_from(value, rule);
    }
    if (member == BODY_TEXT_JA || member == BODY_TEXT_EN) {
        return notice_from(value, member == BODY_TEXT_JA ? rule->text_ja : rule->text_en);
    }
    if (member == BODY_HOURS) {
        return hours_from(value, rule);
    }
    rule->preview = json_is_true(value);
    return json_is_boolean(value);
}

static bool long_text_from(const json_t *value, struct body *body)
{
    size_t len_bytes = json_string_length(value);

    if (!json_is_string(value) || body->text == NULL || len_bytes > API_SITE_TEXT_BYTES_MAX) {
        return false;
    }
    memcpy(body->text, json_string_value(value), len_bytes);
    body->text_len_bytes = (uint32_t)len_bytes;
    return true;
}

static bool when_from(const json_t *value, uint8_t *ret_when)
{
    static const char *const words[] = {"now", "opening"};
    uint8_t position = 0;
    bool good = word_from(value, words, ARRAY_COUNT(words), &position);

    *ret_when = position == ARRAY_COUNT(words) ? API_SITE_AT_OPENING : API_SITE_NOW;
    return good;
}

static bool minutes_from(const json_t *value, struct body *body)
{
    return body->is_target
               ? integer_from(value, 0, BODY_TARGET_MINUTES_MAX, &body->more.hold_minutes)
               : integer_from(value, 1, BODY_HOLD_MINUTES_MAX, &body->more.hold_minutes);
}

static bool member_from(enum body_member member, const json_t *value, struct body *body)
{
    uint16_t number = 0;
    bool good = false;

    switch (member) {
    case BODY_CATEGORY:
        return integer_from(value, 1, BODY_CATEGORY_MAX, &body->category);
    case BODY_LANGUAGE:
        return text_from(value, "abcdefghijklmnopqrstuvwxyz-", 2, body->language,
                         sizeof(body->language));
    case BODY_PRIORITY:
        good = integer_from(value, 0, BODY_PRIORITY_MAX, &number);
        body->priority = (uint8_t)number;
        return good;
    case BODY_DELIVERY:
        return delivery_from(value, &body->delivery);
    case BODY_TICKET:
        return json_is_string(value) &&
               ids_token_from_text(json_string_value(value), json_string_length(value),
                                   &body->ticket) &&
               !ids_token_is_zero(&body->ticket);
    case BODY_NUMBER:
        return integer_from(value, 1, BODY_NUMBER_MAX, &body->number);
    case BODY_SERIES:
        return text_from(value, "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789", 0, body->series,
                         sizeof(body->series));
    case BODY_DATE:
        return date_from(value, body->date);
    case BODY_SERIAL:
        return text_from(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-",
                         1, body->serial, sizeof(body->serial));
    case BODY_BY:
        return person_from(value, body->by, sizeof(body->by));
    case BODY_OFF:
        return json_is_true(value);
    case BODY_PLACE:
    case BODY_AFTER:
    case BODY_REASON:
    case BODY_OWNER:
    case BODY_ASSIST:
    case BODY_SERVED:
        return more_from(member, value, &body->more);
    case BODY_MINUTES:
        return minutes_from(value, body);
    case BODY_NOTE:
        return note_from(value, &body->more);
    case BODY_SERVICES:
        return services_from(value, &body->more);
    case BODY_TO_COUNTER:
        return integer_from(value, 1, UINT16_MAX, &body->more.to_counter);
    case BODY_LIMIT:
        return integer_from(value, 0, UINT16_MAX, &body->more.limit);
    case BODY_RESULT:
    case BODY_SERVES:
    case BODY_TEXT_JA:
    case BODY_TEXT_EN:
    case BODY_HOURS:
    case BODY_PREVIEW:
        return rule_from(member, value, &body->rule);
    case BODY_TEXT:
        return long_text_from(value, body);
    case BODY_BASE_VERSION:
        return integer_from(value, 0, UINT16_MAX, &body->base_version);
    case BODY_WHEN:
        return when_from(value, &body->when);
    case BODY_RESTORES:
        return integer_from(value, 1, UINT16_MAX, &body->restores);
    }
    return false;
}

static const char *first_name_of(uint32_t set)
{
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        if ((set & members[i].member) != 0) {
            return members[i].name;
        }
    }
    return NULL;
}

static enum problem read_members(json_t *object, uint32_t taken, struct body *body,
                                 const char **ret_member)
{
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
    {
        size_t i = 0;

        while (i < ARRAY_COUNT(members) && strcmp(members[i].name, name) != 0) {
            i++;
        }
        if (i == ARRAY_COUNT(members) || (taken & members[i].member) == 0) {
            return PROBLEM_UNKNOWN_MEMBER;
        }
        if (!member_from(members[i].member, value, body)) {
            *ret_member = members[i].name;
            return PROBLEM_BAD_MEMBER;
        }
        body->present |= (uint32_t)members[i].member;
    }
    return PROBLEM_NONE;
}

enum problem body_parse(const char *bytes, size_t len_bytes, uint32_t required, uint32_t optional,
                        struct body *ret_body, const char **ret_member)
{
    __attribute__((cleanup(release))) json_t *object = NULL;
    struct body body = {.text = ret_body->text, .is_target = (required & BODY_BASE_VERSION) != 0};
    json_error_t error;
    enum problem problem;

    *ret_member = NULL;
    if (len_bytes > 0) {
        object = json_loadb(bytes, len_bytes, JSON_REJECT_DUPLICATES, &error);
        if (object == NULL) {
            return json_error_code(&error) == json_error_duplicate_key ? PROBLEM_DUPLICATE_MEMBER
                                                                       : PROBLEM_BAD_JSON;
        }
        if (!json_is_object(object)) {
            return PROBLEM_NOT_AN_OBJECT;
        }
        problem = read_members(object, required | optional, &body, ret_member);
        if (problem != PROBLEM_NONE) {
            return problem;
        }
    }
    *ret_member = first_name_of(required & ~body.present);
    if (*ret_member != NULL) {
        return PROBLEM_MISSING_MEMBER;
    }
    *ret_body = body;
    return PROBLEM_NONE;
}
