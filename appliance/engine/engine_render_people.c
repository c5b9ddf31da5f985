/* JSON of accounts, devices and sessions, as appliance/gateway/openapi.json describes it. No secret is in it, and a
 * session is named by a beginning of its token's hash, which opens nothing. */
#include "appliance/engine/engine_internal.h"

#include <stdio.h>

enum { SESSION_ID_BYTES = 8 };

static void put_time(struct engine *engine, struct json *json, const char *name, int64_t wall_ms)
{
    render_time(json, name, wall_ms, engine->calendar->utc_offset_minutes);
}

static void put_account(struct engine *engine, struct json *json,
                        const struct access_account *account)
{
    json_open(json, NULL, '{');
    json_number(json, "id", account->id);
    json_text(json, "name", account->name);
    json_text(json, "title", account->title);
    json_text(json, "role", access_role_code((enum access_role)account->role));
    json_text(json, "role_ja", access_role_ja((enum access_role)account->role));
    json_bool(json, "open", access_account_is_open(account));
    json_bool(json, "password_to_change", account->must_change != 0);
    json_bool(json, "pin", account->has_pin != 0);
    json_bool(json, "second_factor", account->has_totp != 0);
    json_number(json, "codes_left",
                account->has_totp ? ACCESS_CODES - __builtin_popcount(account->codes_used) : 0);
    put_time(engine, json, "signed_in_at", account->signed_in_ms);
    json_number(json, "failures", account->failures);
    json_close(json, '}');
}

static void put_device(struct engine *engine, struct json *json, const struct access_device *device)
{
    json_open(json, NULL, '{');
    json_number(json, "id", device->id);
    json_text(json, "kind", access_role_code((enum access_role)device->role));
    json_text(json, "kind_ja", access_role_ja((enum access_role)device->role));
    json_number(json, "counter", device->counter);
    json_text(json, "title", device->title);
    json_bool(json, "open", device->revoked == 0);
    put_time(engine, json, "paired_at", device->paired_ms);
    json_close(json, '}');
}

static void put_session(struct engine *engine, struct json *json,
                        const struct access_session *session)
{
    const struct access_account *account = access_account_by_id(engine->access, session->account);
    char id[2 * SESSION_ID_BYTES + 1];
    struct access_who who;

    access_identify(engine->access, &session->token, engine->wall_ms, &who);
    if (who.role == ACCESS_ANYONE || account == NULL) {
        return; /* over */
    }
    for (size_t i = 0; i < SESSION_ID_BYTES; i++) {
        (void)snprintf(id + 2 * i, 3, "%02x", session->token.bytes[i]);
    }
    json_open(json, NULL, '{');
    json_text(json, "id", id);
    json_text(json, "name", account->name);
    json_number(json, "device", session->device);
    json_bool(json, "program", session->program != 0);
    put_time(engine, json, "began_at", session->began_ms);
    put_time(engine, json, "seen_at", session->seen_ms);
    json_close(json, '}');
}

char *render_people(struct engine *engine, size_t *ret_len_bytes)
{
    const struct access *access = engine->access;
    struct json json;

    json_init(&json);
    json_open(&json, NULL, '{');
    json_open(&json, "accounts", '[');
    for (size_t i = 0; i < access->account_count; i++) {
        put_account(engine, &json, &access->accounts[i]);
    }
    json_close(&json, ']');
    json_open(&json, "devices", '[');
    for (size_t i = 0; i < access->device_count; i++) {
        put_device(engine, &json, &access->devices[i]);
    }
    json_close(&json, ']');
    json_open(&json, "sessions", '[');
    for (size_t i = 0; i < access->session_count; i++) {
        put_session(engine, &json, &access->sessions[i]);
    }
    json_close(&json, ']');
    json_close(&json, '}');
    return json_take(&json, ret_len_bytes);
}

/* What a page has to know of whoever stands before it. */
char *render_who(struct engine *engine, const struct access_who *who, size_t *ret_len_bytes)
{
    const struct access_account *account = access_account_by_id(engine->access, who->account);
    const struct access_device *device = access_device_by_id(engine->access, who->device);
    struct json json;

    json_init(&json);
    json_open(&json, NULL, '{');
    json_text(&json, "role", access_role_code(who->role));
    json_text(&json, "role_ja", access_role_ja(who->role));
    if (account != NULL) {
        json_text(&json, "name", account->name);
        json_text(&json, "title", account->title);
    }
    if (device != NULL) {
        json_number(&json, "device", device->id);
        json_text(&json, "device_title", device->title);
    }
    if (who->any_counter || who->counter != 0) {
        json_number(&json, "counter", who->counter);
    }
    if (who->limited && account != NULL) {
        json_text(&json, "first", account->must_change ? "password" : "second_factor");
    }
    json_close(&json, '}');
    return json_take(&json, ret_len_bytes);
}
