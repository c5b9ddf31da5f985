#include "appliance/engine/json.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_START_BYTES = 1024, JSON_NUMBER_BYTES = 32 };

void json_init(struct json *json)
{
    *json = (struct json){0};
}

static void put(struct json *json, const char *text, size_t len_bytes)
{
    if (json->len_bytes + len_bytes + 1 > json->capacity_bytes) {
        size_t wanted = json->capacity_bytes == 0 ? JSON_START_BYTES : json->capacity_bytes * 2;

        while (wanted < json->len_bytes + len_bytes + 1) {
            wanted *= 2;
        }
        json->text = realloc(json->text, wanted);
        CHECK_GIVEN(json->text != NULL);
        json->capacity_bytes = wanted;
    }
    memcpy(json->text + json->len_bytes, text, len_bytes);
    json->len_bytes += len_bytes;
    json->text[json->len_bytes] = '\0';
}

char *json_take(struct json *json, size_t *ret_len_bytes)
{
    char *text = json->text;

    *ret_len_bytes = json->len_bytes;
    json_init(json);
    return text;
}

static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte != '"' && byte != '\\';
}

static void put_quoted(struct json *json, const char *value)
{
    put(json, "\"", 1);
    while (*value != '\0') {
        size_t run_bytes = 0;

        while (is_plain((unsigned char)value[run_bytes])) {
            run_bytes++;
        }
        put(json, value, run_bytes);
        value += run_bytes;
        if (*value == '"' || *value == '\\') {
            char pair[2] = {'\\', *value++};

            put(json, pair, sizeof(pair));
        } else if (*value != '\0') {
            char escape[8];

            put(json, escape,
                (size_t)snprintf(escape, sizeof(escape), "\\u%04x", (unsigned char)*value++));
        }
    }
    put(json, "\"", 1);
}

static void begin(struct json *json, const char *name)
{
    if (json->comma) {
        put(json, ",", 1);
    }
    json->comma = true;
    if (name != NULL) {
        put_quoted(json, name);
        put(json, ":", 1);
    }
}

void json_open(struct json *json, const char *name, char bracket)
{
    begin(json, name);
    put(json, &bracket, 1);
    json->comma = false;
}

void json_close(struct json *json, char bracket)
{
    put(json, &bracket, 1);
    json->comma = true;
}

void json_text(struct json *json, const char *name, const char *value)
{
    begin(json, name);
    put_quoted(json, value);
}

void json_number(struct json *json, const char *name, int64_t value)
{
    char digits[JSON_NUMBER_BYTES];
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    size_t at = sizeof(digits);

    begin(json, name);
    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0) {
        digits[--at] = '-';
    }
    put(json, digits + at, sizeof(digits) - at);
}

void json_real(struct json *json, const char *name, double value)
{
    char digits[JSON_NUMBER_BYTES];

    begin(json, name);
    put(json, digits, (size_t)snprintf(digits, sizeof(digits), "%.3f", value));
}

void json_bool(struct json *json, const char *name, bool value)
{
    begin(json, name);
    if (value) {
        put(json, "true", 4);
    } else {
        put(json, "false", 5);
    }
}

void json_raw(struct json *json, const char *name, const char *text, size_t len_bytes)
{
    begin(json, name);
    put(json, text, len_bytes);
}

void json_null(struct json *json, const char *name)
{
    begin(json, name);
    put(json, "null", 4);
}
