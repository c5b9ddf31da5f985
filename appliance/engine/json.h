/* appliance/engine/json.h - writes JSON text: commas, escapes and nesting are right by construction.
 * The buffer grows; json_take() hands it to the caller, who frees it. Invalid UTF-8 never gets in: all
 * texts come from decoders that checked them. */
#ifndef APPLIANCE_ENGINE_JSON_H
#define APPLIANCE_ENGINE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
    char *text;
    size_t len_bytes, capacity_bytes;
    bool comma;
};

void json_init(struct json *json);
char *json_take(struct json *json, size_t *ret_len_bytes);
/* `name` is NULL inside arrays and at the top. */
void json_open(struct json *json, const char *name, char bracket);
void json_close(struct json *json, char bracket);
void json_text(struct json *json, const char *name, const char *value);
void json_number(struct json *json, const char *name, int64_t value);
void json_real(struct json *json, const char *name, double value);
void json_bool(struct json *json, const char *name, bool value);
/* A value that is JSON already. */
void json_raw(struct json *json, const char *name, const char *text, size_t len_bytes);
void json_null(struct json *json, const char *name);

#endif
