/*
 * When is an office ready? Every program has said READY; and toband, once it answers, says that the
 * pair could fail over now, or of a lone unit that it serves (when the office is open at all).
 */
#include "tools/office/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool programs_are_ready(const struct office *office, const json_t *unit, char *awaited,
                               size_t capacity_bytes)
{
    const json_t *programs = json_object_get(unit, "programs");
    const json_t *program = NULL;
    size_t i = 0;
    int place = (int)json_integer_value(json_object_get(unit, "unit"));

    if (!json_is_true(json_object_get(unit, "power")) || json_array_size(programs) == 0) {
        (void)snprintf(awaited, capacity_bytes,
                       client_text(office, "%d号機の起動待ち", "waiting for unit %d to start"),
                       place);
        return false;
    }
    json_array_foreach(programs, i, program)
    {
        const char *state = json_string_value(json_object_get(program, "state"));

        if (state == NULL || (strcmp(state, "ready") != 0 && strcmp(state, "absent") != 0)) {
            (void)snprintf(awaited, capacity_bytes,
                           client_text(office, "%d号機の %s の準備待ち", "unit %d: waiting for %s"),
                           place, json_string_value(json_object_get(program, "name")));
            return false;
        }
    }
    return true;
}

/* A missing field asks for nothing: an older engine says less. */
static bool says_no(const json_t *object, const char *field)
{
    return json_is_false(json_object_get(object, field));
}

static bool engine_is_ready(const struct office *office, const json_t *unit, size_t unit_count,
                            char *awaited, size_t capacity_bytes)
{
    const char *path = json_string_value(json_object_get(unit, "socket"));
    const json_t *day = NULL;
    const char *day_state = NULL;
    json_t *status = NULL;
    bool ready = true;
    int r = 0;

    if (access(path, F_OK) < 0) {
        return true;
    }
    r = client_engine_status(path, &status);
    if (r < 0) {
        (void)snprintf(awaited, capacity_bytes, "toband: %s", strerror(-r));
        return false;
    }
    day = json_object_get(status, "service_day");
    day_state = json_string_value(json_object_get(day, "state"));
    if (unit_count > 1) {
        ready = !says_no(status, "failover_ready");
        (void)snprintf(awaited, capacity_bytes, "%s",
                       client_text(office, "二台の連携待ち", "waiting for the pair"));
    } else if (day_state != NULL && strcmp(day_state, "OPEN") == 0) {
        ready = !says_no(json_object_get(status, "verdict"), "can_serve_now");
        (void)snprintf(
            awaited, capacity_bytes, "%s",
            client_text(office, "単独での業務開始待ち", "waiting for the unit to serve"));
    }
    json_decref(status);
    return ready;
}

enum client_wait client_readiness(const struct office *office, char *awaited, size_t capacity_bytes)
{
    json_t *info = NULL;
    const json_t *units = NULL;
    const json_t *unit = NULL;
    bool ready = true;
    size_t i = 0;
    int r = client_ask(office, json_pack("{s:s}", "do", "info"), &info);

    if (r < 0) {
        (void)snprintf(awaited, capacity_bytes, "%s", strerror(-r));
        return r == -ETIMEDOUT ? CLIENT_NOT_YET : CLIENT_GONE;
    }
    units = json_object_get(info, "units");
    json_array_foreach(units, i, unit)
    {
        ready = ready && programs_are_ready(office, unit, awaited, capacity_bytes);
    }
    json_array_foreach(units, i, unit)
    {
        ready =
            ready && engine_is_ready(office, unit, json_array_size(units), awaited, capacity_bytes);
    }
    json_decref(info);
    return ready ? CLIENT_READY : CLIENT_NOT_YET;
}
