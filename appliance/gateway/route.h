/*
 * appliance/gateway/route.h - the table of every request that exists under HTTP, and its lookup.
 *
 * Decides: which method and path mean which request of appliance/engine/api.h, which body members it
 * takes, on which listener it is accepted. Pages and assets are not here (files.h). No I/O.
 * openapi.json describes the same table; tests/unit/gateway_openapi_test.c holds them together.
 */
#ifndef APPLIANCE_GATEWAY_ROUTE_H
#define APPLIANCE_GATEWAY_ROUTE_H

#include "base/ids.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum route_limit { ROUTE_ALLOW_BYTES = 32, ROUTE_DATE_BYTES = 11 };

enum route_kind {
    ROUTE_COMMAND = 1,  /* code: enum queue_action */
    ROUTE_READ,         /* code: enum api_read_what */
    ROUTE_CONTROL,      /* code: enum api_control_what; carries no key: never sent twice */
    ROUTE_EVENTS,
    ROUTE_OPENAPI,
    ROUTE_HEALTH,
    ROUTE_METRICS,
    ROUTE_PEOPLE,       /* code: enum api_access_what; its body is people.c's to read */
    ROUTE_SITE,         /* code: enum api_site_what; its body may be long */
};

struct route {
    const char *method;     /* "GET" answers HEAD too, but for EVENTS */
    const char *path;       /* {ticket}: a ticket id, {counter}, {category}, {printer}: a number, {date}: yyyy-mm-dd */
    enum route_kind kind;
    uint8_t code;
    uint8_t actor;          /* enum api_actor */
    uint32_t required;      /* body members, enum body_member */
    uint32_t optional;
    bool management_only;   /* only on the management listener: what a monitor asks of this very unit */
    bool tls_only;          /* refused where the connection is not encrypted, whatever the listener is for */
    bool at_once;           /* sent whenever the engine is connected, serving or not */
};

struct route_match {
    const struct route *route;
    struct ids_token ticket;  /* zero: not in the path */
    uint16_t counter;         /* 0: not in the path */
    uint16_t category;        /* 0: not in the path */
    char date[ROUTE_DATE_BYTES]; /* empty: not in the path */
    uint16_t printer;         /* 0: not in the path */
    uint16_t version;         /* 0: not in the path */
};

enum route_result { ROUTE_FOUND, ROUTE_NO_SUCH_PATH, ROUTE_NO_SUCH_METHOD };

/* NO_SUCH_METHOD: `allow` lists what the path answers, for the Allow header. */
enum route_result route_find(const char *method, const char *path, struct route_match *ret_match,
                             char allow[ROUTE_ALLOW_BYTES]);
/* May a request with this method and path have a long body? */
bool route_takes_long(const char *method, const char *path);
size_t route_count(void);
const struct route *route_at(size_t index);

#endif
