/* What one whole request is: a page, a refusal, something of our own, or a question for the engine.
 */
#include "appliance/access/access.h"
#include "appliance/engine/api_right.h"
#include "appliance/gateway/answer.h"
#include "appliance/gateway/body.h"
#include "appliance/gateway/feed.h"
#include "appliance/gateway/internal.h"
#include "appliance/gateway/translate.h"
#include "appliance/queue/queue.h"
#include "base/check.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HOST_BYTES_MAX = 255, QUERY_VALUE_BYTES_MAX = 40, HOURS_BYTES_MAX = 8192 };

_Static_assert(3 * (QUERY_VALUE_BYTES_MAX + 1) <= API_TEXT_BYTES, "what is asked fits");

static const char no_queue[] =
    ",\"categories\":[],\"counters\":[],\"calls\":[],\"as_of\":null,\"lsn\":0,\"fed\":false}";

static enum MHD_Result note_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                   size_t name_bytes, const char *value, size_t value_bytes)
{
    struct headers *headers = cls;
    const struct {
        const char *name;
        struct header *header;
    } known[] = {
        {"Host", &headers->host},
        {"Origin", &headers->origin},
        {"Idempotency-Key", &headers->key},
        {"Content-Type", &headers->content_type},
        {"Content-Length", &headers->content_length},
        {"Transfer-Encoding", &headers->transfer_encoding},
        {"If-None-Match", &headers->if_none_match},
        {"Toban-Relayed", &headers->relayed},
        {"Authorization", &headers->authorization},
        {"Cookie", &headers->cookie},
    };

    (void)kind;
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        if (strlen(known[i].name) == name_bytes && strcasecmp(known[i].name, name) == 0) {
            known[i].header->text = value == NULL ? "" : value;
            known[i].header->len_bytes = value_bytes;
            known[i].header->count++;
        }
    }
    return MHD_YES;
}

static bool length_from(const struct header *header, uint64_t *ret_length)
{
    uint64_t length = 0;

    if (header->len_bytes == 0 || header->len_bytes > 18 ||
        strspn(header->text, "0123456789") != header->len_bytes) {
        return false;
    }
    for (size_t i = 0; i < header->len_bytes; i++) {
        length = length * 10 + (uint64_t)(header->text[i] - '0');
    }
    *ret_length = length;
    return true;
}

/* The library takes the first of several lengths and prefers chunked over a length. A server before
 * or after us may not: whoever sends both is refused and disconnected (RFC 9112 6.3, request
 * smuggling). */
enum problem dispatch_check_framing(struct request *request)
{
    struct headers *headers = &request->headers;
    uint64_t length = 0;

    (void)MHD_get_connection_values_n(request->http, MHD_HEADER_KIND, note_header, headers);
    if (headers->content_length.count + headers->transfer_encoding.count > 1 ||
        headers->host.count > 1) {
        return PROBLEM_BAD_REQUEST;
    }
    if (headers->transfer_encoding.count == 1 &&
        strcasecmp(headers->transfer_encoding.text, "chunked") != 0) {
        return PROBLEM_BAD_REQUEST;
    }
    if (headers->content_length.count == 1 && !length_from(&headers->content_length, &length)) {
        return PROBLEM_BAD_REQUEST;
    }
    return length > (request->large != NULL ? GATEWAY_LARGE_BODY_BYTES_MAX : GATEWAY_BODY_BYTES_MAX)
               ? PROBLEM_BODY_TOO_LARGE
               : PROBLEM_NONE;
}

/* A page of a foreign name that was pointed at our address (DNS rebinding) says that name in Host:
 * only addresses, localhost and configured names are ours. */
static bool host_is_ours(const struct gateway *gateway, const struct header *host)
{
    size_t len_bytes = host->len_bytes;

    if (host->count == 0) {
        return true; /* HTTP/1.0: not a browser of today */
    }
    if (len_bytes > 0 && host->text[0] == '[') {
        return strspn(host->text, "0123456789abcdefABCDEF:.[]") == len_bytes;
    }
    len_bytes = strcspn(host->text, ":");
    if (len_bytes == 0) {
        return false;
    }
    if (strspn(host->text, "0123456789.") == len_bytes ||
        (len_bytes == strlen("localhost") &&
         strncasecmp(host->text, "localhost", len_bytes) == 0)) {
        return true;
    }
    for (uint32_t i = 0; i < gateway->config.host_count; i++) {
        const char *name = gateway->config.hosts[i];

        if (strlen(name) == len_bytes && strncasecmp(host->text, name, len_bytes) == 0) {
            return true;
        }
    }
    return false;
}

/* Browsers name the page's origin with every POST; other clients send none. A credential that a browser adds
 * by itself counts only together with an origin: ours. */
static bool origin_is_ours(const struct headers *headers, bool by_cookie)
{
    const char *start;

    if (headers->origin.count == 0) {
        return !by_cookie;
    }
    start = strstr(headers->origin.text, "://");
    return headers->origin.count == 1 && headers->host.count == 1 && start != NULL &&
           strcasecmp(start + strlen("://"), headers->host.text) == 0;
}

static bool type_is_json(const struct header *type)
{
    static const char json[] = "application/json";
    size_t len_bytes = sizeof(json) - 1;

    return type->count == 1 && strncasecmp(type->text, json, len_bytes) == 0 &&
           (type->text[len_bytes] == '\0' || type->text[len_bytes] == ';' ||
            type->text[len_bytes] == ' ');
}

static void answer_refusal_allow(struct request *request, const char *allow)
{
    struct MHD_Response *response = answer_problem(PROBLEM_NO_SUCH_METHOD, NULL, NULL);

    if (response != NULL) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, allow);
    }
    server_answer(request, problem_status(PROBLEM_NO_SUCH_METHOD), response);
}

static void answer_with_file(struct request *request, const struct file *file)
{
    const struct header *wanted = &request->headers.if_none_match;
    bool has_it = wanted->count > 0 && strstr(wanted->text, file->tag) != NULL;

    request->response_is_shared = true;
    server_answer(request, has_it ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK,
                  has_it ? file->not_modified : file->response);
}

static bool method_reads(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* true: the path was a page's or asset's and is answered. */
static bool answer_page(struct request *request, const char *method, const char *path)
{
    const struct file *file;

    if (strncmp(path, "/api/", strlen("/api/")) == 0) {
        return false;
    }
    file = files_find(request->gateway->files, path);
    if (file == NULL && strcmp(path, "/") != 0) {
        return false;
    }
    if (!method_reads(method)) {
        answer_refusal_allow(request, "GET, HEAD");
    } else if (file == NULL) {
        server_answer(request, MHD_HTTP_SEE_OTHER, answer_redirect("/status"));
    } else {
        answer_with_file(request, file);
    }
    return true;
}

enum problem dispatch_check_post(const struct request *request)
{
    const struct headers *headers = &request->headers;

    if (!origin_is_ours(headers, request->credential.by_cookie)) {
        return PROBLEM_CROSS_ORIGIN;
    }
    if (headers->key.count == 0) {
        return PROBLEM_KEY_MISSING;
    }
    if (headers->key.count > 1 ||
        !translate_key_is_valid(headers->key.text, headers->key.len_bytes)) {
        return PROBLEM_KEY_INVALID;
    }
    if (request->discarded_bytes > 0) {
        return PROBLEM_BODY_TOO_LARGE;
    }
    return request->body_len_bytes > 0 && !type_is_json(&headers->content_type) ? PROBLEM_NOT_JSON
                                                                                : PROBLEM_NONE;
}

static enum problem read_post(struct request *request, const struct route_match *match,
                              const char *path, const char **ret_member)
{
    const struct headers *headers = &request->headers;
    struct digest *digest = request->gateway->digest;
    enum problem problem = dispatch_check_post(request);
    const char *bytes = request->large != NULL ? request->large : request->body;
    struct body body = {.text = request->large};
    struct ids_token key;
    uint64_t body_hash;

    if (problem != PROBLEM_NONE) {
        return problem;
    }
    body_hash = digest_body(digest, "POST", path, bytes, request->body_len_bytes);
    problem = body_parse(bytes, request->body_len_bytes, match->route->required,
                         match->route->optional, &body, ret_member);
    if (problem != PROBLEM_NONE) {
        return problem;
    }
    key = digest_key(digest, headers->key.text, headers->key.len_bytes);
    return translate_request(match, &body, &key, body_hash, &request->api);
}

/* Days and columns of a table: what is not said is "-". The engine says what of it means something. */
static enum problem read_period(struct request *request, const char **ret_member)
{
    static const char *const names[] = {"from", "to", "by"};
    char *text = request->api.read.text;
    size_t len_bytes = 0, query_bytes = 0;

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        const char *value =
            MHD_lookup_connection_value(request->http, MHD_GET_ARGUMENT_KIND, names[i]);

        if (value != NULL &&
            (strlen(value) > QUERY_VALUE_BYTES_MAX ||
             strspn(value, "0123456789-,abcdefghijklmnopqrstuvwxyz") != strlen(value))) {
            *ret_member = names[i];
            return PROBLEM_BAD_MEMBER;
        }
        value = value == NULL || *value == '\0' ? "-" : value;
        len_bytes += (size_t)snprintf(text + len_bytes, sizeof(request->api.read.text) - len_bytes,
                                      "%s%s", len_bytes > 0 ? " " : "", value);
        query_bytes += (size_t)snprintf(
            request->query + query_bytes, sizeof(request->query) - query_bytes, "%s%s=%s",
            query_bytes > 0 ? "&" : "", names[i], strcmp(value, "-") == 0 ? "" : value);
    }
    return PROBLEM_NONE;
}

/* ?number=106; not given: all that live. */
static enum problem read_number(struct request *request, const char **ret_member)
{
    const char *value = MHD_lookup_connection_value(request->http, MHD_GET_ARGUMENT_KIND, "number");
    uint32_t number = 0;

    if (value == NULL) {
        return PROBLEM_NONE;
    }
    for (size_t i = 0; value[i] >= '0' && value[i] <= '9' && number <= BODY_NUMBER_MAX; i++) {
        number = number * 10 + (uint32_t)(value[i] - '0');
    }
    if (strspn(value, "0123456789") != strlen(value) || number == 0 || number > BODY_NUMBER_MAX) {
        *ret_member = "number";
        return PROBLEM_BAD_MEMBER;
    }
    request->api.read.number = (uint16_t)number;
    (void)snprintf(request->query, sizeof(request->query), "number=%u", number);
    return PROBLEM_NONE;
}

static enum problem read_get(struct request *request, const struct route_match *match,
                             const char **ret_member)
{
    const struct body none = {0};
    const struct ids_token no_key = {0};
    enum problem problem = translate_request(match, &none, &no_key, 0, &request->api);

    if (problem == PROBLEM_NONE && (match->route->code == API_READ_STATISTICS ||
                                    match->route->code == API_READ_STATISTICS_CSV ||
                                    match->route->code == API_READ_VISITS_CSV)) {
        return read_period(request, ret_member);
    }
    if (problem == PROBLEM_NONE && match->route->code == API_READ_TICKETS &&
        match->route->kind == ROUTE_READ) {
        return read_number(request, ret_member);
    }
    return problem;
}

static void answer_match(struct request *request, const struct route_match *match, const char *path)
{
    struct gateway *gateway = request->gateway;
    const char *member = NULL;
    enum problem problem = PROBLEM_NONE;
    uint16_t status;

    switch (match->route->kind) {
    case ROUTE_EVENTS:
        stream_ask(request);
        return;
    case ROUTE_OPENAPI:
        answer_with_file(request, files_find(gateway->files, match->route->path));
        return;
    case ROUTE_HEALTH: {
        struct MHD_Response *page = metrics_health(gateway, &status);

        server_answer(request, status, page);
        return;
    }
    case ROUTE_METRICS:
        request->metrics = true;
        if (!engine_link_is_up(gateway->link)) {
            server_answer(request, MHD_HTTP_OK, metrics_page(gateway, NULL, 0));
            return;
        }
        problem = read_get(request, match, &member);
        break;
    case ROUTE_READ:
        problem = read_get(request, match, &member);
        break;
    case ROUTE_SITE:
        problem = method_reads(request->method) ? read_get(request, match, &member)
                                                : read_post(request, match, path, &member);
        break;
    case ROUTE_COMMAND:
    case ROUTE_CONTROL:
        problem = read_post(request, match, path, &member);
        break;
    case ROUTE_PEOPLE:
        people_dispatch(request, match);
        return;
    }
    if (problem == PROBLEM_NONE && !credential_is_enough(request, &request->api)) {
        problem = PROBLEM_SIGN_IN;
    }
    if (problem == PROBLEM_NONE && match->route->code == QUEUE_REGISTER &&
        match->route->kind == ROUTE_COMMAND && !request->connection->listener->relay) {
        credential_put(request, &request->api); /* the other unit's gateway has counted its own */
        problem = rate_has_one(&gateway->registrations, &request->api.command.key,
                               request->api.from.address, gateway_now_ms(gateway))
                      ? PROBLEM_NONE
                      : PROBLEM_TOO_MANY_OF_ADDRESS;
    }
    if (problem != PROBLEM_NONE) {
        server_answer_problem(request, problem, member == NULL ? NULL : "member", member);
        return;
    }
    request->at_once = match->route->at_once;
    forward_request(request);
}

/* RFC 9110 15.4.9. Host has been looked at: it is one of ours. A port that it names is a forwarder's, which leads to
 * TLS as well: it stays. */
static void answer_way_to_tls(struct request *request, const char *path)
{
    const struct header *host = &request->headers.host;
    size_t name_bytes = host->len_bytes;
    char to[GATEWAY_PATH_BYTES_MAX + HOST_BYTES_MAX + sizeof("https://")];

    if (host->count == 0 || name_bytes == 0 || name_bytes > HOST_BYTES_MAX) {
        server_answer_problem(request, PROBLEM_TLS_ONLY, NULL, NULL);
        return;
    }
    (void)snprintf(to, sizeof(to), "https://%.*s%s", (int)name_bytes, host->text, path);
    server_answer(request, MHD_HTTP_PERMANENT_REDIRECT, answer_redirect(to));
}

/* What anybody may see, and nothing that comes with a credential: it is not looked at here. */
static bool is_public(const struct request *request, const struct route_match *match)
{
    struct api_request asked = {.type = API_READ};

    if (match->route->kind == ROUTE_EVENTS || match->route->kind == ROUTE_OPENAPI) {
        return true;
    }
    if (match->route->kind != ROUTE_READ || !method_reads(request->method)) {
        return false;
    }
    asked.read.what = match->route->code;
    return access_grant_of(api_right_of(&asked), ACCESS_ANYONE) != ACCESS_REFUSED;
}

/* The listener without TLS. True: answered. */
static bool answer_plainly(struct request *request, const char *method, const char *path)
{
    struct route_match match;
    char allow[ROUTE_ALLOW_BYTES];
    bool api = strncmp(path, "/api/", strlen("/api/")) == 0;
    bool page = strcmp(path, "/status") == 0 || strncmp(path, "/assets/", strlen("/assets/")) == 0;
    bool shown = request->gateway->forward.state.public_page;

    request->credential = (struct credential){0};
    if (api && shown && route_find(method, path, &match, allow) == ROUTE_FOUND &&
        is_public(request, &match)) {
        return false;
    }
    if (!api && ((page && shown) || !method_reads(method))) {
        return false;
    }
    if (api) {
        server_answer_problem(request, PROBLEM_TLS_ONLY, NULL, NULL);
    } else {
        answer_way_to_tls(request, path);
    }
    return true;
}

/* Nobody feeds: the office's hours, as they were known last, and nothing else of a queue. */
static bool answer_hours(struct request *request)
{
    const char *day = feed_in_day(engine_link_feed(request->gateway->link));
    char body[HOURS_BYTES_MAX];
    size_t len_bytes = day == NULL ? 0 : strlen(day);

    if (engine_link_is_up(request->gateway->link) || len_bytes < 2 ||
        len_bytes > sizeof(body) - sizeof(no_queue)) {
        return false;
    }
    memcpy(body, day, len_bytes - 1); /* its closing bracket comes last */
    memcpy(body + len_bytes - 1, no_queue, sizeof(no_queue));
    server_answer(request, MHD_HTTP_OK,
                  answer_json(MHD_HTTP_OK, body, len_bytes - 1 + sizeof(no_queue) - 1, 0));
    return true;
}

/* What the pair would not answer a relay is not asked of it: it ends the feed of whoever does. */
static bool feed_passes_read(const struct route_match *match)
{
    return match->route->kind != ROUTE_READ || match->route->code == API_READ_QUEUE ||
           match->route->code == API_READ_DAY || match->route->code == API_READ_TICKET;
}

/* The relay on another host: the public page, a ticket by its id, its visitor's cancelling. True: answered. */
static bool answer_as_relay(struct request *request, const char *method, const char *path)
{
    struct route_match match;
    char allow[ROUTE_ALLOW_BYTES];
    bool api = strncmp(path, "/api/", strlen("/api/")) == 0;

    request->credential = (struct credential){0};
    if (!api) {
        bool page = strcmp(path, "/") == 0 || strcmp(path, "/status") == 0 ||
                    strncmp(path, "/assets/", strlen("/assets/")) == 0;

        if (!page) {
            server_answer_problem(request, PROBLEM_NO_SUCH_PATH, NULL, NULL);
        }
        return !page;
    }
    if (route_find(method, path, &match, allow) == ROUTE_FOUND) {
        if (match.route->kind == ROUTE_READ && match.route->code == API_READ_QUEUE &&
            answer_hours(request)) {
            return true;
        }
        if ((is_public(request, &match) && feed_passes_read(&match)) ||
            (match.route->kind == ROUTE_COMMAND && match.route->code == QUEUE_CANCEL &&
             match.route->actor == API_ACTOR_VISITOR)) {
            return false;
        }
    }
    server_answer_problem(request, PROBLEM_NO_SUCH_PATH, NULL, NULL);
    return true;
}

void dispatch_request(struct request *request, const char *method, const char *path)
{
    struct route_match match;
    char allow[ROUTE_ALLOW_BYTES];
    enum route_result found;
    bool relay = request->connection->listener->relay;

    request->method = method;
    request->path = path;
    if (strlen(path) > GATEWAY_PATH_BYTES_MAX) {
        server_answer_problem(request, PROBLEM_PATH_TOO_LONG, NULL, NULL);
        return;
    }
    if (!host_is_ours(request->gateway, &request->headers.host)) {
        server_answer_problem(request, PROBLEM_WRONG_HOST, NULL, NULL);
        return;
    }
    if (!request->connection->listener->plain &&
        !credential_read(&request->headers, &request->credential)) {
        server_answer_problem(request, PROBLEM_BAD_REQUEST, NULL, NULL);
        return;
    }
    if (request->gateway->config.feed != NULL && answer_as_relay(request, method, path)) {
        return;
    }
    if (request->connection->listener->plain && answer_plainly(request, method, path)) {
        return;
    }
    if (!relay && answer_page(request, method, path)) {
        return;
    }
    found = route_find(method, path, &match, allow);
    if (relay && found == ROUTE_FOUND && match.route->kind != ROUTE_COMMAND &&
        match.route->kind != ROUTE_READ) {
        found = ROUTE_NO_SUCH_PATH;
    }
    if (found == ROUTE_FOUND && match.route->management_only &&
        !request->connection->listener->management) {
        found = ROUTE_NO_SUCH_PATH;
    }
    if (found == ROUTE_FOUND && match.route->tls_only && !relay &&
        !request->connection->listener->tls) {
        server_answer_problem(request, PROBLEM_TLS_ONLY, NULL, NULL);
    } else if (found == ROUTE_FOUND) {
        answer_match(request, &match, path);
    } else if (found == ROUTE_NO_SUCH_METHOD) {
        answer_refusal_allow(request, allow);
    } else {
        server_answer_problem(request, PROBLEM_NO_SUCH_PATH, NULL, NULL);
    }
}
