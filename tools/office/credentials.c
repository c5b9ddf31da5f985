/*
 * Who may use this office: one device or account for each role, made by root's own way in, each with a token that is
 * drawn here. They are kept in run_dir/credentials.json, readable by root alone, and go with the office. No product
 * has any of them: another office has others.
 */
#include "tools/office/client.h"

#include "appliance/access/access.h"
#include "appliance/adapters/derive.h"
#include "base/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TOKEN_BYTES = 32,
    TOKEN_TEXT_BYTES = 2 * TOKEN_BYTES + 1,
    STATUS_OK = 200,
    STATUS_CONFLICT = 409,
    CREDENTIALS_MODE = 0600,
};

static const struct {
    const char *name; /* as `info` calls it */
    enum access_role role;
} roles[] = {
    {"kiosk", ACCESS_KIOSK},        {"counter", ACCESS_TERMINAL}, /* of every counter */
    {"board", ACCESS_BOARD},        {"noc", ACCESS_NOC},
    {"manager", ACCESS_SUPERVISOR}, {"administrator", ACCESS_ADMINISTRATOR},
    {"engineer", ACCESS_ENGINEER},  {"auditor", ACCESS_AUDITOR},
};

/* Whoever serves; the others say that they do not. */
static int ask_serving(const struct office *office, const struct api_request *request,
                       uint16_t *ret_status)
{
    char path[OFFICE_PATH_BYTES];
    int r = -ENOENT;

    for (unsigned place = 1; place <= office->unit_count; place++) {
        json_t *body = NULL;

        office_unit_path(office, place, "toband.sock", path);
        r = client_engine_ask(path, request, ret_status, &body);
        json_decref(body);
        if (r == 0 && (*ret_status == STATUS_OK || *ret_status == STATUS_CONFLICT)) {
            return 0;
        }
    }
    return r < 0 ? r : -EAGAIN;
}

static int draw_token(char token[TOKEN_TEXT_BYTES], struct ids_hash *ret_hash)
{
    uint8_t bytes[TOKEN_BYTES];
    int r = derive_random(bytes, sizeof(bytes));

    for (size_t i = 0; r == 0 && i < sizeof(bytes); i++) {
        (void)snprintf(token + 2 * i, 3, "%02x", bytes[i]);
    }
    if (r == 0) {
        derive_hash(token, strlen(token), ret_hash->bytes);
    }
    return r;
}

/* Nobody knows its password: it is used by its token alone. */
static int add_account(const struct office *office, const char *name, enum access_role role)
{
    struct api_request request = {.type = API_ACCESS,
                                  .access = {.what = API_ACCESS_ADD, .role = (uint8_t)role}};
    uint16_t status = 0;
    int r;

    (void)snprintf(request.access.name, sizeof(request.access.name), "%s", name);
    r = derive_random(request.access.fresh, sizeof(request.access.fresh));
    r = r < 0 ? r : derive_random(request.access.salt, sizeof(request.access.salt));
    return r < 0 ? r : ask_serving(office, &request, &status); /* a conflict: it is there */
}

static int make_credential(const struct office *office, size_t index, json_t *credentials)
{
    struct api_request request = {.type = API_ACCESS};
    enum access_role role = roles[index].role;
    char token[TOKEN_TEXT_BYTES];
    uint16_t status = 0;
    int r = draw_token(token, &request.access.token);

    if (r == 0 && access_role_is_device(role)) {
        request.access.what = API_ACCESS_DEVICE_ADD;
        request.access.role = (uint8_t)role;
    } else if (r == 0) {
        request.access.what = API_ACCESS_GRANT;
        (void)snprintf(request.access.name, sizeof(request.access.name), "%s", roles[index].name);
        r = add_account(office, roles[index].name, role);
    }
    r = r < 0 ? r : ask_serving(office, &request, &status);
    if (r < 0 || status != STATUS_OK) {
        return r < 0 ? r : -EAGAIN;
    }
    return json_object_set_new(credentials, roles[index].name, json_string(token));
}

/* Stand-ins of the units' programs have no socket: nobody is to be let in anywhere. */
static bool any_engine(const struct office *office)
{
    char path[OFFICE_PATH_BYTES];
    bool any = false;

    for (unsigned place = 1; place <= office->unit_count; place++) {
        office_unit_path(office, place, "toband.sock", path);
        any = any || access(path, F_OK) == 0;
    }
    return any;
}

int client_found_credentials(const struct office *office)
{
    char path[OFFICE_PATH_BYTES + 32];
    json_t *credentials = json_object();
    char *text = NULL;
    int r = 0;

    (void)snprintf(path, sizeof(path), "%s/credentials.json", office->run_dir);
    if (access(path, F_OK) == 0 || !any_engine(office)) {
        json_decref(credentials);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_COUNT(roles) && r == 0; i++) {
        r = make_credential(office, i, credentials);
    }
    text = r == 0 ? json_dumps(credentials, JSON_INDENT(1)) : NULL;
    if (r == 0) {
        r = text == NULL ? -ENOMEM : office_write_file(path, text, strlen(text), CREDENTIALS_MODE);
    }
    free(text);
    json_decref(credentials);
    return r;
}
