#include "appliance/gateway/people_body.h"

#include "appliance/adapters/derive.h"
#include "base/check.h"

#include <jansson.h>
#include <string.h>

enum member {
    NAME = 1,
    PASSWORD = 2,
    NEW_PASSWORD = 4,
    PIN = 8,
    CODE = 16,
    KEY = 32,
    ROLE = 64,
    TITLE = 128,
    KIND = 256,
    COUNTER = 512,
    ID = 1024,
    SESSION = 2048,
    TOKEN = 4096,
    CREDENTIAL = 8192,
};

static const struct {
    const char *name;
    enum member member;
} members[] = {
    {"name", NAME},
    {"password", PASSWORD},
    {"new_password", NEW_PASSWORD},
    {"pin", PIN},
    {"code", CODE},
    {"key", KEY},
    {"role", ROLE},
    {"title", TITLE},
    {"kind", KIND},
    {"counter", COUNTER},
    {"id", ID},
    {"session", SESSION},
    {"token", TOKEN},
    {"credential", CREDENTIAL},
};

/* What each request takes; a sign-in by password or by PIN is looked at below. */
static const struct {
    enum api_access_what what;
    uint32_t required, optional;
} bodies[] = {
    {API_ACCESS_SIGN_IN, NAME, PASSWORD | PIN | CODE | TOKEN},
    {API_ACCESS_WHO, 0, CREDENTIAL}, /* people.c: of one route, and of that one always */
    {API_ACCESS_PASSWORD, PASSWORD | NEW_PASSWORD, 0},
    {API_ACCESS_PIN, PIN, 0},
    {API_ACCESS_TOTP_CONFIRM, KEY | CODE, 0},
    {API_ACCESS_OFFER, 0, TOKEN},
    {API_ACCESS_ADD, NAME | ROLE | PASSWORD, TITLE},
    {API_ACCESS_CHANGE, NAME, ROLE | TITLE},
    {API_ACCESS_RESET, NAME | PASSWORD, 0},
    {API_ACCESS_REVOKE, NAME, 0},
    {API_ACCESS_RESTORE, NAME, 0},
    {API_ACCESS_PAIR, CODE | KIND, COUNTER | TITLE},
    {API_ACCESS_DEVICE_REVOKE, ID, 0},
    {API_ACCESS_SESSION_REVOKE, SESSION, 0},
};

static void release(json_t **value)
{
    json_decref(*value);
}

/* Text without control characters, that fits; jansson has checked that it is UTF-8. */
static bool text_from(const json_t *value, char *ret_text, size_t capacity_bytes)
{
    const char *text = json_string_value(value);
    size_t len_bytes = json_string_length(value);

    if (text == NULL || len_bytes >= capacity_bytes || strlen(text) != len_bytes) {
        return false;
    }
    for (size_t i = 0; i < len_bytes; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
            return false;
        }
    }
    memcpy(ret_text, text, len_bytes + 1);
    return true;
}

static bool some_text_from(const json_t *value, char *ret_text, size_t capacity_bytes)
{
    return text_from(value, ret_text, capacity_bytes) && ret_text[0] != '\0';
}

/* What was typed to be kept secret leaves no copy in memory that is given back. */
static bool secret_from(const json_t *value, char *ret_text, size_t capacity_bytes)
{
    bool taken = some_text_from(value, ret_text, capacity_bytes);

    if (json_is_string(value)) {
        derive_forget((char *)(uintptr_t)json_string_value(value), json_string_length(value));
    }
    return taken;
}

static bool number_from(const json_t *value, json_int_t least, json_int_t most,
                        uint16_t *ret_number)
{
    json_int_t number = json_integer_value(value);

    if (!json_is_integer(value) || number < least || number > most) {
        return false;
    }
    *ret_number = (uint16_t)number;
    return true;
}

static bool role_from(const json_t *value, bool device, uint8_t *ret_role)
{
    const char *code = json_string_value(value);
    enum access_role role = code == NULL ? ACCESS_ROLE_END : access_role_from_code(code);

    if (device ? !access_role_is_device(role) : !access_role_is_person(role)) {
        return false;
    }
    *ret_role = (uint8_t)role;
    return true;
}

static bool take(enum member member, const json_t *value, struct api_access *access,
                 struct people_body *body)
{
    bool proves = access->what == API_ACCESS_SIGN_IN || access->what == API_ACCESS_PASSWORD;
    char *secret = proves ? body->proof : body->fresh;

    switch (member) {
    case NAME:
        return some_text_from(value, access->name, sizeof(access->name));
    case PASSWORD:
        return secret_from(value, secret, sizeof(body->proof));
    case NEW_PASSWORD:
        return secret_from(value, body->fresh, sizeof(body->fresh));
    case PIN:
        access->pin = 1;
        return secret_from(value, secret, sizeof(body->proof));
    case CREDENTIAL:
        return secret_from(value, body->credential, sizeof(body->credential));
    case CODE:
    case SESSION:
        return text_from(value, access->text, sizeof(access->text));
    case KEY:
    case TITLE:
        return text_from(value, access->title, sizeof(access->title));
    case ROLE:
        return role_from(value, false, &access->role);
    case KIND:
        return role_from(value, true, &access->role);
    case COUNTER:
        return number_from(value, 0, UINT16_MAX, &access->counter);
    case ID:
        return number_from(value, 1, ACCESS_SUBJECT_MAX, &access->subject);
    case TOKEN:
        body->token_wanted = json_is_true(value);
        return json_is_boolean(value);
    }
    return false;
}

static enum problem take_members(const json_t *object, uint32_t known, struct api_access *access,
                                 struct people_body *body, uint32_t *ret_present,
                                 const char **ret_member)
{
    uint32_t present = 0;

    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        const json_t *value = json_object_get(object, members[i].name);

        if (value == NULL) {
            continue;
        }
        if ((known & members[i].member) == 0) {
            return PROBLEM_UNKNOWN_MEMBER;
        }
        if (!take(members[i].member, value, access, body)) {
            *ret_member = members[i].name;
            return PROBLEM_BAD_MEMBER;
        }
        present |= members[i].member;
    }
    *ret_present = present;
    return json_object_size(object) == (size_t)__builtin_popcount(present) ? PROBLEM_NONE
                                                                           : PROBLEM_UNKNOWN_MEMBER;
}

static enum problem find_missing(uint32_t required, uint32_t present, const char **ret_member)
{
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        if ((required & members[i].member) != 0 && (present & members[i].member) == 0) {
            *ret_member = members[i].name;
            return PROBLEM_MISSING_MEMBER;
        }
    }
    return PROBLEM_NONE;
}

enum problem people_body_parse(const char *bytes, size_t len_bytes, struct api_access *access,
                               struct people_body *ret_body, const char **ret_member)
{
    uint32_t required = 0, optional = 0, present = 0;
    __attribute__((cleanup(release))) json_t *object = NULL;
    json_error_t error;
    enum problem problem;

    for (size_t i = 0; i < ARRAY_COUNT(bodies); i++) {
        if (bodies[i].what == access->what) {
            required = bodies[i].required;
            optional = bodies[i].optional;
        }
    }
    object = len_bytes == 0 ? json_object()
                            : json_loadb(bytes, len_bytes, JSON_REJECT_DUPLICATES, &error);
    if (object == NULL) {
        return json_error_code(&error) == json_error_duplicate_key ? PROBLEM_DUPLICATE_MEMBER
                                                                   : PROBLEM_BAD_JSON;
    }
    if (!json_is_object(object)) {
        return PROBLEM_NOT_AN_OBJECT;
    }
    problem = take_members(object, required | optional, access, ret_body, &present, ret_member);
    if (problem == PROBLEM_NONE) {
        problem = find_missing(required, present, ret_member);
    }
    if (problem == PROBLEM_NONE && access->what == API_ACCESS_SIGN_IN &&
        ((present & PASSWORD) != 0) == ((present & PIN) != 0)) {
        *ret_member = "password";
        problem = PROBLEM_MISSING_MEMBER;
    }
    return problem;
}
