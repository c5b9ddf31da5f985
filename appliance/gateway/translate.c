#include "appliance/gateway/translate.h"

#include "appliance/gateway/gateway.h"
#include "appliance/queue/queue.h"
#include "base/check.h"

#include <stdio.h>
#include <string.h>

bool translate_key_is_valid(const char *key, size_t len_bytes)
{
    if (len_bytes < 1 || len_bytes > GATEWAY_KEY_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < len_bytes; i++) {
        if (key[i] < '!' || key[i] > '~') {
            return false;
        }
    }
    return true;
}

/* yyyymmdd of a text that has that form; 0: none was given. */
static uint32_t date_number(const char date[BODY_DATE_BYTES])
{
    uint32_t number = 0;

    for (size_t i = 0; date[i] != '\0'; i++) {
        number = date[i] == '-' ? number : number * 10 + (uint32_t)(date[i] - '0');
    }
    return number;
}

static void fill_command(const struct route_match *match, const struct body *body,
                         struct api_command *command)
{
    command->action = match->route->code;
    command->actor = match->route->actor;
    command->category = match->category != 0 ? match->category : body->category;
    command->more = body->more;
    command->rule = body->rule;
    command->rule.date = date_number(body->date);
    command->counter = match->counter;
    command->ticket = ids_token_is_zero(&match->ticket) ? body->ticket : match->ticket;
    command->number = body->number;
    memcpy(command->series, body->series, sizeof(command->series));
    command->priority = body->priority;
    memcpy(command->language, body->language, sizeof(command->language));
    if (queue_action_gives_number(match->route->code)) {
        /* A client that cannot confirm a paper does not ask for one: its visitor waits at once. */
        command->delivery = body->delivery == 0 ? QUEUE_DELIVERY_SCREEN : body->delivery;
        if (command->language[0] == '\0') {
            memcpy(command->language, "ja", sizeof("ja"));
        }
    }
}

enum problem translate_request(const struct route_match *match, const struct body *body,
                               const struct ids_token *key, uint64_t body_hash,
                               struct api_request *ret_request)
{
    const struct route *route = match->route;
    struct api_request request = {0};
    bool names_number = (body->present & BODY_NUMBER) != 0;

    if (route->kind == ROUTE_COMMAND) {
        if ((body->more.place == QUEUE_PLACE_AFTER) != ((body->present & BODY_AFTER) != 0)) {
            return PROBLEM_PLACE_AFTER;
        }
        if (route->code == QUEUE_TRANSFER &&
            (body->present & (BODY_CATEGORY | BODY_TO_COUNTER)) == 0) {
            return PROBLEM_CATEGORY_OR_COUNTER;
        }
        bool names_one =
            route->code == QUEUE_CALL || (route->code == QUEUE_ARRIVE && match->counter != 0);

        if (names_one && (names_number == ((body->present & BODY_TICKET) != 0) ||
                          (!names_number && (body->present & BODY_SERIES) != 0))) {
            return PROBLEM_TICKET_OR_NUMBER;
        }
        request.type = API_COMMAND;
        request.command.key = *key;
        request.command.body_hash = body_hash;
        fill_command(match, body, &request.command);
    } else if (route->kind == ROUTE_CONTROL) {
        request.type = API_CONTROL;
        request.control.what = route->code;
        request.control.actor = route->actor;
        if (match->printer != 0) {
            (void)snprintf(request.control.text, sizeof(request.control.text), "%u",
                           match->printer);
        } else if ((body->present & BODY_SERIAL) != 0) {
            (void)snprintf(request.control.text, sizeof(request.control.text), "%s\n%s%s",
                           body->serial, body->by,
                           (body->present & BODY_OFF) != 0 ? "\n" API_UNIT_OATH : "");
        } else if (body->rule.preview != 0) {
            memcpy(request.control.text, "preview", sizeof("preview"));
        } else {
            memcpy(request.control.text, body->date, sizeof(body->date));
        }
    } else if (route->kind == ROUTE_SITE) {
        request.type = API_SITE;
        request.site =
            (struct api_site){.what = route->code,
                              .actor = route->actor,
                              .when = body->when,
                              .version = match->version != 0 ? match->version : body->base_version,
                              .restores = body->restores,
                              .category = match->category,
                              .minutes = body->more.hold_minutes,
                              .text = (const uint8_t *)body->text,
                              .text_len_bytes = body->text_len_bytes};
        memcpy(request.site.note, body->more.note, sizeof(body->more.note));
    } else {
        CHECK(route->kind == ROUTE_READ || route->kind == ROUTE_METRICS);
        request.type = API_READ;
        request.read.what = route->code;
        request.read.number = match->counter;
        request.read.ticket = match->ticket;
        memcpy(request.read.text, match->date, sizeof(match->date));
    }
    *ret_request = request;
    return PROBLEM_NONE;
}
