/* Bodies and paths of HTTP requests as an attacker would write them: the first byte chooses a
 * route, the rest is its body, and also, up to a zero, a path. What is taken must become a frame
 * that the engine's own decoder reads back the same. */
#include "appliance/gateway/body.h"
#include "appliance/gateway/people_body.h"
#include "appliance/gateway/route.h"
#include "appliance/gateway/translate.h"
#include "base/check.h"

#include <string.h>

enum { PATH_BYTES = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_path(const uint8_t *data, size_t size)
{
    struct route_match match;
    char path[PATH_BYTES], allow[ROUTE_ALLOW_BYTES];
    size_t len_bytes = size < sizeof(path) - 1 ? size : sizeof(path) - 1;

    if (len_bytes > 0) {
        memcpy(path, data, len_bytes);
    }
    path[len_bytes] = '\0';
    (void)route_find("POST", path, &match, allow);
    CHECK(strlen(allow) < sizeof(allow));
}

/* Passwords, names, codes: whatever is taken fits the frame, and comes back the same. */
static void try_people(const struct route *route, const uint8_t *data, size_t size)
{
    struct api_request request = {.type = API_ACCESS, .access = {.what = route->code}}, again;
    struct people_body body = {0};
    uint8_t frame[API_REQUEST_BYTES_MAX];
    const char *member = NULL;
    size_t len_bytes;

    if (people_body_parse((const char *)data, size, &request.access, &body, &member) !=
        PROBLEM_NONE) {
        return;
    }
    CHECK(strlen(body.proof) < sizeof(body.proof) && strlen(body.fresh) < sizeof(body.fresh));
    request.from.via = API_VIA_WEB;
    len_bytes = api_request_encode(&request, frame, sizeof(frame));
    CHECK(len_bytes > 0);
    CHECK(api_request_decode(frame, len_bytes, &again));
    CHECK(memcmp(&again.access, &request.access, sizeof(again.access)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct route_match match = {0};
    static char text[API_SITE_TEXT_BYTES_MAX];
    static uint8_t frame[API_SITE_REQUEST_BYTES_MAX];
    struct body body = {.text = text};
    struct api_request request, again;
    const struct ids_token key = {{1}};
    const char *member = NULL;
    size_t len_bytes;

    if (size == 0) {
        return 0;
    }
    try_path(data + 1, size - 1);
    match.route = route_at(data[0] % route_count());
    match.counter = data[0];
    if (match.route->kind == ROUTE_PEOPLE) {
        try_people(match.route, data + 1, size - 1);
        return 0;
    }
    if (body_parse((const char *)data + 1, size - 1, match.route->required, match.route->optional,
                   &body, &member) != PROBLEM_NONE) {
        return 0;
    }
    CHECK((body.present & match.route->required) == match.route->required);
    if (match.route->kind == ROUTE_EVENTS || match.route->kind == ROUTE_OPENAPI ||
        match.route->kind == ROUTE_HEALTH ||
        translate_request(&match, &body, &key, size, &request) != PROBLEM_NONE) {
        return 0;
    }
    len_bytes = api_request_encode(&request, frame, sizeof(frame));
    CHECK(len_bytes > 0);
    CHECK(api_request_decode(frame, len_bytes, &again));
    CHECK(again.type == request.type && again.command.action == request.command.action);
    return 0;
}
