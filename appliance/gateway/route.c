#include "appliance/gateway/route.h"

#include "appliance/engine/api.h"
#include "appliance/gateway/body.h"
#include "appliance/queue/queue.h"
#include "base/check.h"

#include <stdio.h>
#include <string.h>

#define API "/api/v1"
#define READ(p, what, now)                                                                         \
    {                                                                                              \
        .method = "GET", .path = API p, .kind = ROUTE_READ, .code = (what), .at_once = (now),      \
    }
#define TICKET(p, action, who, need, may)                                                          \
    {                                                                                              \
        .method = "POST", .path = API "/tickets" p, .kind = ROUTE_COMMAND, .code = (action),       \
        .actor = (who), .required = (need), .optional = (may),                                     \
    }
#define COUNTER(p, action, need, may)                                                              \
    {                                                                                              \
        .method = "POST", .path = API "/counters/{counter}/" p, .kind = ROUTE_COMMAND,             \
        .code = (action), .actor = API_ACTOR_COUNTER, .required = (need), .optional = (may),       \
    }
/* Managers': what a whole service, or all of them, may take. */
#define RULING(p, action, need)                                                                    \
    {                                                                                              \
        .method = "POST", .path = API p, .kind = ROUTE_COMMAND, .code = (action),                  \
        .actor = API_ACTOR_MANAGER, .required = (need),                                            \
    }
#define RULING_MAY(p, action, need, may)                                                           \
    {                                                                                              \
        .method = "POST", .path = API p, .kind = ROUTE_COMMAND, .code = (action),                  \
        .actor = API_ACTOR_MANAGER, .required = (need), .optional = (may),                         \
    }
#define UNIT(p, what, need)                                                                        \
    {                                                                                              \
        .method = "POST", .path = API p, .kind = ROUTE_CONTROL, .code = (what),                    \
        .actor = API_ACTOR_ENGINEER, .required = (need), .at_once = true,                          \
    }
#define CONTROL(p, what, may)                                                                      \
    {                                                                                              \
        .method = "POST", .path = API p, .kind = ROUTE_CONTROL, .code = (what),                    \
        .actor = API_ACTOR_ADMINISTRATOR, .optional = (may), .at_once = true,                      \
    }

/* Answered when the paper is out, or why not: held like a ticket while duty moves. */
#define PRINTER(p, what)                                                                           \
    {                                                                                              \
        .method = "POST", .path = API "/printers/{printer}/" p, .kind = ROUTE_CONTROL,             \
        .code = (what), .actor = API_ACTOR_KIOSK,                                                  \
    }
#define SITE(m, p, what, need, may)                                                                \
    {                                                                                              \
        .method = (m), .path = API "/config" p, .kind = ROUTE_SITE, .code = (what),                \
        .actor = API_ACTOR_ADMINISTRATOR, .required = (need), .optional = (may),                   \
    }

#define PEOPLE(m, p, what)                                                                         \
    {                                                                                              \
        .method = (m), .path = API p, .kind = ROUTE_PEOPLE, .code = (what),                        \
    }

enum {
    HOLD_MEMBERS = BODY_REASON | BODY_MINUTES | BODY_OWNER,
    TRANSFER_MEMBERS = BODY_CATEGORY | BODY_TO_COUNTER | BODY_PLACE | BODY_AFTER,
};

static const struct route routes[] = {
    TICKET("", QUEUE_ISSUE, API_ACTOR_KIOSK, BODY_CATEGORY,
           BODY_LANGUAGE | BODY_PRIORITY | BODY_DELIVERY | BODY_SERVICES | BODY_ASSIST),
    COUNTER("call-next", QUEUE_CALL_NEXT, 0, 0),
    COUNTER("complete", QUEUE_COMPLETE, 0, 0),
    READ("/queue", API_READ_QUEUE, false),
    READ("/tickets", API_READ_TICKETS, false),
    READ("/tickets/{ticket}", API_READ_TICKET, false),
    READ("/counters/{counter}", API_READ_COUNTER, false),
    TICKET("/{ticket}/cancel", QUEUE_CANCEL, API_ACTOR_VISITOR, 0, 0),
    TICKET("/{ticket}/arrive", QUEUE_ARRIVE, API_ACTOR_VISITOR, 0, 0),
    TICKET("/{ticket}/reprint", QUEUE_REPRINT, API_ACTOR_KIOSK, 0, 0),
    TICKET("/{ticket}/printed", QUEUE_PRINTED, API_ACTOR_KIOSK, 0, 0),
    TICKET("/{ticket}/hold", QUEUE_HOLD, API_ACTOR_COUNTER, 0, HOLD_MEMBERS),
    TICKET("/{ticket}/return", QUEUE_RETURN, API_ACTOR_COUNTER, 0, BODY_PLACE | BODY_AFTER),
    TICKET("/{ticket}/transfer", QUEUE_TRANSFER, API_ACTOR_COUNTER, 0, TRANSFER_MEMBERS),
    TICKET("/{ticket}/give-up", QUEUE_GIVE_UP, API_ACTOR_COUNTER, 0, 0),
    TICKET("/{ticket}/plan", QUEUE_PLAN, API_ACTOR_COUNTER, BODY_SERVICES, 0),
    TICKET("/{ticket}/note", QUEUE_NOTE, API_ACTOR_COUNTER, 0, BODY_NOTE | BODY_ASSIST),
    COUNTER("call", QUEUE_CALL, 0, BODY_TICKET | BODY_NUMBER | BODY_SERIES),
    COUNTER("recall", QUEUE_RECALL, 0, 0),
    COUNTER("start", QUEUE_START, 0, 0),
    COUNTER("absent", QUEUE_SET_ABSENT, 0, 0),
    COUNTER("put-back", QUEUE_PUT_BACK, 0, 0),
    COUNTER("undo", QUEUE_UNDO, 0, 0),
    COUNTER("open", QUEUE_COUNTER_OPEN, 0, 0),
    COUNTER("close", QUEUE_COUNTER_CLOSE, 0, 0),
    COUNTER("hold", QUEUE_HOLD, 0, HOLD_MEMBERS),
    COUNTER("transfer", QUEUE_TRANSFER, 0, TRANSFER_MEMBERS | BODY_TICKET),
    COUNTER("return", QUEUE_RETURN, BODY_TICKET, BODY_PLACE | BODY_AFTER),
    COUNTER("give-up", QUEUE_GIVE_UP, BODY_TICKET, 0),
    COUNTER("cancel", QUEUE_CANCEL, BODY_TICKET, 0),
    COUNTER("arrive", QUEUE_ARRIVE, 0, BODY_TICKET | BODY_NUMBER | BODY_SERIES),
    COUNTER("plan", QUEUE_PLAN, BODY_SERVICES, BODY_TICKET),
    COUNTER("note", QUEUE_NOTE, 0, BODY_NOTE | BODY_ASSIST | BODY_TICKET),
    {.method = "POST",
     .path = API "/registrations",
     .kind = ROUTE_COMMAND,
     .code = QUEUE_REGISTER,
     .actor = API_ACTOR_VISITOR,
     .required = BODY_CATEGORY,
     .optional = BODY_LANGUAGE,
     .tls_only = true},
    {.method = "POST",
     .path = API "/arrivals",
     .kind = ROUTE_COMMAND,
     .code = QUEUE_ARRIVE,
     .actor = API_ACTOR_KIOSK,
     .required = BODY_NUMBER,
     .optional = BODY_SERIES},
    RULING_MAY("/tickets/hand-written", QUEUE_ENTER_MANUAL, BODY_CATEGORY | BODY_NUMBER,
               BODY_SERVED | BODY_RESULT | BODY_TO_COUNTER),
    RULING("/categories/{category}/suspend", QUEUE_SUSPEND, 0),
    RULING("/categories/{category}/resume", QUEUE_RESUME, 0),
    RULING("/categories/{category}/limit", QUEUE_SET_LIMIT, BODY_LIMIT),
    {.method = "POST",
     .path = API "/categories/{category}/target",
     .kind = ROUTE_SITE,
     .code = API_SITE_TARGET,
     .actor = API_ACTOR_MANAGER,
     .required = BODY_MINUTES | BODY_BASE_VERSION,
     .optional = BODY_NOTE},
    RULING("/acceptance/suspend", QUEUE_SUSPEND, 0),
    RULING("/acceptance/resume", QUEUE_RESUME, 0),
    RULING_MAY("/notice", QUEUE_SET_NOTICE, BODY_TEXT_JA, BODY_TEXT_EN),
    RULING("/counters/{counter}/serves", QUEUE_SET_SERVES, BODY_SERVES),
    RULING_MAY("/day/hours", QUEUE_SET_HOURS, BODY_DATE | BODY_HOURS,
               BODY_TEXT_JA | BODY_TEXT_EN | BODY_PREVIEW),
    READ("/manager", API_READ_MANAGER, false),
    READ("/day/slip", API_READ_SLIP, false),
    {.method = "GET", .path = API "/events", .kind = ROUTE_EVENTS},
    READ("/day", API_READ_DAY, false),
    READ("/site", API_READ_SITE, false),
    READ("/status", API_READ_STATUS, true),
    READ("/ready", API_READ_READY, true),
    READ("/printers", API_READ_PRINTERS, true),
    PRINTER("test", API_CONTROL_PRINTER_TEST),
    PRINTER("roll", API_CONTROL_PRINTER_ROLL),
    READ("/explain", API_READ_EXPLAIN, true),
    READ("/statistics", API_READ_STATISTICS, false),
    READ("/statistics.csv", API_READ_STATISTICS_CSV, false),
    READ("/statistics/visits.csv", API_READ_VISITS_CSV, false),
    READ("/certificates", API_READ_CERTIFICATE, true),
    READ("/certificates/{date}", API_READ_CERTIFICATE, true),
    CONTROL("/day/open", API_CONTROL_DAY_OPEN, BODY_DATE),
    CONTROL("/day/close", API_CONTROL_DAY_CLOSE, BODY_PREVIEW),
    CONTROL("/day/slip", API_CONTROL_DAY_SLIP, 0),
    CONTROL("/day/annul", API_CONTROL_DAY_ANNUL, 0),
    CONTROL("/duty/handover", API_CONTROL_DUTY_HANDOVER, 0),
    CONTROL("/duty/stop", API_CONTROL_DUTY_STOP, 0),
    CONTROL("/duty/resume", API_CONTROL_DUTY_RESUME, 0),
    SITE("GET", "", API_SITE_SHOW, 0, 0),
    SITE("GET", "/history", API_SITE_HISTORY, 0, 0),
    SITE("GET", "/versions/{version}", API_SITE_SHOW, 0, 0),
    SITE("POST", "/check", API_SITE_CHECK, BODY_TEXT, 0),
    SITE("POST", "", API_SITE_APPLY, BODY_TEXT | BODY_BASE_VERSION,
         BODY_NOTE | BODY_WHEN | BODY_RESTORES),
    SITE("POST", "/holidays/check", API_SITE_HOLIDAYS_CHECK, BODY_TEXT, 0),
    SITE("POST", "/holidays", API_SITE_HOLIDAYS_APPLY, BODY_TEXT | BODY_BASE_VERSION, BODY_NOTE),
    UNIT("/units/approve", API_CONTROL_UNIT_APPROVE, BODY_SERIAL | BODY_BY | BODY_OFF),
    UNIT("/units/retire", API_CONTROL_UNIT_RETIRE, BODY_SERIAL | BODY_BY),
    PEOPLE("POST", "/session", API_ACCESS_SIGN_IN),
    PEOPLE("GET", "/session", API_ACCESS_WHO),
    PEOPLE("POST", "/session/end", API_ACCESS_SIGN_OUT),
    PEOPLE("POST", "/session/enter", API_ACCESS_WHO), /* by the credential in its body */
    PEOPLE("POST", "/session/password", API_ACCESS_PASSWORD),
    PEOPLE("POST", "/session/pin", API_ACCESS_PIN),
    PEOPLE("POST", "/session/second-factor", API_ACCESS_TOTP_BEGIN),
    PEOPLE("POST", "/session/second-factor/confirm", API_ACCESS_TOTP_CONFIRM),
    PEOPLE("POST", "/pairings", API_ACCESS_OFFER),
    PEOPLE("GET", "/people", API_ACCESS_LIST),
    PEOPLE("POST", "/accounts", API_ACCESS_ADD),
    PEOPLE("POST", "/accounts/change", API_ACCESS_CHANGE),
    PEOPLE("POST", "/accounts/reset", API_ACCESS_RESET),
    PEOPLE("POST", "/accounts/revoke", API_ACCESS_REVOKE),
    PEOPLE("POST", "/accounts/restore", API_ACCESS_RESTORE),
    PEOPLE("POST", "/devices", API_ACCESS_PAIR),
    PEOPLE("POST", "/devices/revoke", API_ACCESS_DEVICE_REVOKE),
    PEOPLE("POST", "/sessions/revoke", API_ACCESS_SESSION_REVOKE),
    {.method = "GET", .path = API "/openapi.json", .kind = ROUTE_OPENAPI},
    {.method = "GET", .path = "/healthz", .kind = ROUTE_HEALTH, .management_only = true},
    {.method = "GET",
     .path = "/metrics",
     .kind = ROUTE_METRICS,
     .code = API_READ_METRICS,
     .management_only = true,
     .at_once = true},
};

bool route_takes_long(const char *method, const char *path)
{
    for (size_t i = 0; i < ARRAY_COUNT(routes); i++) {
        if (routes[i].kind == ROUTE_SITE && (routes[i].required & BODY_TEXT) != 0 &&
            strcmp(routes[i].method, method) == 0 && strcmp(routes[i].path, path) == 0) {
            return true;
        }
    }
    return false;
}

size_t route_count(void)
{
    return ARRAY_COUNT(routes);
}

const struct route *route_at(size_t index)
{
    CHECK(index < ARRAY_COUNT(routes));
    return &routes[index];
}

static bool starts_with(const char *text, const char *start, size_t *ret_len_bytes)
{
    *ret_len_bytes = strlen(start);
    return strncmp(text, start, *ret_len_bytes) == 0;
}

/* One to five digits without leading zeros: one thing has one name, so one body hash. */
static size_t take_number(const char *text, uint16_t *ret_number)
{
    uint32_t value = 0;
    size_t len_bytes = 0;

    while (len_bytes < 5 && text[len_bytes] >= '0' && text[len_bytes] <= '9') {
        value = value * 10 + (uint32_t)(text[len_bytes] - '0');
        len_bytes++;
    }
    if (len_bytes == 0 || text[0] == '0' || value > UINT16_MAX) {
        return 0;
    }
    *ret_number = (uint16_t)value;
    return len_bytes;
}

/* yyyy-mm-dd, as digits; whether there is such a day the engine says. */
static size_t take_date(const char *text, char date[ROUTE_DATE_BYTES])
{
    static const char form[] = "dddd-dd-dd";

    for (size_t i = 0; i < sizeof(form) - 1; i++) {
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i]) {
            return 0;
        }
    }
    memcpy(date, text, sizeof(form) - 1);
    return sizeof(form) - 1;
}

static bool path_matches(const char *pattern, const char *path, struct route_match *match)
{
    size_t len_bytes;

    while (*pattern != '\0') {
        if (starts_with(pattern, "{ticket}", &len_bytes)) {
            size_t id_bytes = strcspn(path, "/");

            if (!ids_token_from_text(path, id_bytes, &match->ticket) ||
                ids_token_is_zero(&match->ticket)) {
                return false;
            }
            path += id_bytes;
        } else if (starts_with(pattern, "{counter}", &len_bytes)) {
            size_t number_bytes = take_number(path, &match->counter);

            if (number_bytes == 0) {
                return false;
            }
            path += number_bytes;
        } else if (starts_with(pattern, "{category}", &len_bytes)) {
            size_t number_bytes = take_number(path, &match->category);

            if (number_bytes == 0) {
                return false;
            }
            path += number_bytes;
        } else if (starts_with(pattern, "{date}", &len_bytes)) {
            size_t date_bytes = take_date(path, match->date);

            if (date_bytes == 0) {
                return false;
            }
            path += date_bytes;
        } else if (starts_with(pattern, "{printer}", &len_bytes)) {
            size_t number_bytes = take_number(path, &match->printer);

            if (number_bytes == 0) {
                return false;
            }
            path += number_bytes;
        } else if (starts_with(pattern, "{version}", &len_bytes)) {
            size_t number_bytes = take_number(path, &match->version);

            if (number_bytes == 0) {
                return false;
            }
            path += number_bytes;
        } else if (*pattern == *path) {
            len_bytes = 1;
            path++;
        } else {
            return false;
        }
        pattern += len_bytes;
    }
    return *path == '\0';
}

static bool method_matches(const struct route *route, const char *method)
{
    return strcmp(route->method, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0 &&
            route->kind != ROUTE_EVENTS);
}

enum route_result route_find(const char *method, const char *path, struct route_match *ret_match,
                             char allow[ROUTE_ALLOW_BYTES])
{
    bool path_exists = false;

    allow[0] = '\0';
    for (size_t i = 0; i < ARRAY_COUNT(routes); i++) {
        const struct route *route = &routes[i];
        struct route_match match = {.route = route};
        size_t len_bytes = strlen(allow);

        if (!path_matches(route->path, path, &match)) {
            continue;
        }
        if (method_matches(route, method)) {
            *ret_match = match;
            return ROUTE_FOUND;
        }
        path_exists = true;
        (void)snprintf(allow + len_bytes, ROUTE_ALLOW_BYTES - len_bytes, "%s%s%s",
                       len_bytes > 0 ? ", " : "", route->method,
                       method_matches(route, "HEAD") ? ", HEAD" : "");
    }
    return path_exists ? ROUTE_NO_SUCH_METHOD : ROUTE_NO_SUCH_PATH;
}
