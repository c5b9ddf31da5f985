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

/* What the units themselves say, once they can speak. */
struct words {
    unsigned silent; /* have a socket and do not answer */
    unsigned answered;
    bool failover_ready; /* one of them says so: the one on duty knows */
    bool serving;
    bool needed; /* the office is open, or soon will be */
};

static void hear_unit(const json_t *unit, struct words *words)
{
    const char *path = json_string_value(json_object_get(unit, "socket"));
    const char *level = NULL;
    json_t *status = NULL;

    if (access(path, F_OK) < 0) {
        return;
    }
    if (client_engine_status(path, &status) < 0) {
        words->silent++;
        return;
    }
    words->answered++;
    level = json_string_value(json_object_get(json_object_get(status, "service_day"), "level"));
    words->needed =
        words->needed || level == NULL || strcmp(level, "OPEN") == 0 || strcmp(level, "LEAD") == 0;
    words->failover_ready =
        words->failover_ready || json_is_true(json_object_get(status, "failover_ready"));
    words->serving =
        words->serving ||
        json_is_true(json_object_get(json_object_get(status, "verdict"), "can_serve_now"));
    json_decref(status);
}

static bool engines_are_ready(const struct office *office, const json_t *units, char *awaited,
                              size_t capacity_bytes)
{
    const json_t *unit = NULL;
    struct words words = {0};
    size_t i = 0;
    const char *text = NULL;

    json_array_foreach(units, i, unit)
    {
        hear_unit(unit, &words);
    }
    if (words.silent > 0) {
        text = client_text(office, "toband の応答待ち", "waiting for toband to answer");
    } else if (words.answered > 1 && !words.failover_ready) {
        text = client_text(office, "二台の連携待ち", "waiting for the pair");
    } else if (words.answered == 1 && words.needed && !words.serving) {
        text = client_text(office, "業務開始待ち", "waiting for the unit to serve");
    }
    if (text != NULL) {
        (void)snprintf(awaited, capacity_bytes, "%s", text);
    }
    return text == NULL;
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
    ready = ready && engines_are_ready(office, units, awaited, capacity_bytes);
    json_decref(info);
    return ready ? CLIENT_READY : CLIENT_NOT_YET;
}
