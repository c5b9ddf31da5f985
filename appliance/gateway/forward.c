/* Requests on their way to the engine: held while it is away or not serving, sent, sent again,
 * answered by it, or answered 503 when their time is over. Every one has a slot; a slot's number
 * and serial make the id on the wire, so that a reply that comes too late finds nobody. */
#include "appliance/gateway/answer.h"
#include "appliance/gateway/internal.h"
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLOT_BITS = 10,
    SLOT_MASK = (1 << SLOT_BITS) - 1,
    REFUSAL_BYTES_MAX = 16384,
    ACCURACY_USEC = 1000
};

_Static_assert((int)GATEWAY_REQUESTS_MAX == (int)SLOT_MASK + 1, "a slot's number fits its bits");
_Static_assert((int)GATEWAY_REQUESTS_MAX <= (int)API_REQUESTS_IN_FLIGHT_MAX,
               "the engine takes all of ours");

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata);
static int on_retry(sd_event_source *source, uint64_t usec, void *userdata);

/* Carries no key: sent once, and who does not hear of it looks what became of it. */
static bool is_once(const struct request *request)
{
    return request->api.type == API_CONTROL || request->api.type == API_ACCESS;
}

/* Whether there is a public page is not known by another's absence. */
static void state_away(struct api_state *state)
{
    *state = (struct api_state){
        .serving = false, .public_page = state->public_page, .reason = "ENGINE_AWAY"};
}

int forward_init(struct gateway *gateway)
{
    struct forward *forward = &gateway->forward;
    int r;

    TAILQ_INIT(&forward->waiting);
    forward->state.public_page =
        true; /* the page itself tells nothing, and toband judges what is asked */
    state_away(&forward->state);
    for (uint32_t i = 0; i < GATEWAY_REQUESTS_MAX; i++) {
        forward->free_slots[i] = (uint16_t)(GATEWAY_REQUESTS_MAX - 1 - i);
    }
    forward->free_count = GATEWAY_REQUESTS_MAX;
    r = sd_event_add_time_relative(gateway->event, &forward->deadline, CLOCK_MONOTONIC, 0,
                                   ACCURACY_USEC, on_deadline, gateway);
    if (r >= 0) {
        r = sd_event_source_set_enabled(forward->deadline, SD_EVENT_OFF);
    }
    if (r >= 0) {
        r = sd_event_add_time_relative(gateway->event, &forward->retry, CLOCK_MONOTONIC, 0,
                                       ACCURACY_USEC, on_retry, gateway);
    }
    return r < 0 ? r : sd_event_source_set_enabled(forward->retry, SD_EVENT_OFF);
}

uint32_t forward_count(const struct gateway *gateway)
{
    return GATEWAY_REQUESTS_MAX - gateway->forward.free_count;
}

static int arm(sd_event_source *timer, uint64_t after_ms)
{
    int enabled;
    int r = sd_event_source_get_enabled(timer, &enabled);

    if (r < 0 || enabled != SD_EVENT_OFF) {
        return r;
    }
    r = sd_event_source_set_time_relative(timer, after_ms * INTERNAL_USEC_PER_MSEC);
    return r < 0 ? r : sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static void try_send(struct request *request)
{
    struct gateway *gateway = request->gateway;

    CHECK(request->phase == REQUEST_HELD);
    if ((request->at_once || gateway->forward.state.serving) &&
        engine_link_send(gateway->link, &request->api)) {
        request->phase = REQUEST_SENT;
    }
}

/* DUTY's words for "the other unit has been given duty": a planned hand-over, and those for the sake of
 * an operator or of this unit's health, after which it stands still. Whether the other really serves is
 * its own to say: it holds what it cannot answer yet. */
bool forward_is_moved(const struct gateway *gateway)
{
    static const char *const codes[] = {"PEER_SERVES", "OPERATOR", "DAMAGED", "DISK_FULL"};
    const struct api_state *state = &gateway->forward.state;

    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        if (!state->serving && strcmp(state->reason, codes[i]) == 0) {
            return gateway->config.relay_peer.address_len_bytes > 0;
        }
    }
    return false;
}

/* DESIGN 3 rule 7: once, and never what was passed on to us. Controls are this unit's own. */
static void try_relay(struct request *request)
{
    struct gateway *gateway = request->gateway;
    const struct listener *listener = request->connection->listener;

    if (request->phase != REQUEST_HELD || request->relay_tried || request->at_once ||
        request->api.type == API_CONTROL || request->api.type == API_ACCESS ||
        request->api.type == API_SITE || listener->management || listener->relay ||
        request->headers.relayed.count > 0 || gateway->stopping || !forward_is_moved(gateway) ||
        gateway->forward.relay_count == GATEWAY_RELAYS_MAX) {
        return;
    }
    request->relay_tried = true;
    if (relay_begin(request) == 0) {
        request->phase = REQUEST_RELAYED;
        gateway->forward.relay_count++;
        gateway->counters.relayed++;
    }
}

static void relay_held(struct gateway *gateway)
{
    struct request *request;

    TAILQ_FOREACH(request, &gateway->forward.waiting, by_age)
    {
        try_relay(request);
    }
}

static void send_held(struct gateway *gateway)
{
    struct request *request;

    TAILQ_FOREACH(request, &gateway->forward.waiting, by_age)
    {
        if (request->phase == REQUEST_HELD) {
            try_send(request);
            gateway->counters.sent_again += request->phase == REQUEST_SENT ? 1 : 0;
        }
    }
}

void forward_request(struct request *request)
{
    struct gateway *gateway = request->gateway;
    struct forward *forward = &gateway->forward;
    uint32_t reserve =
        request->connection->listener->management ? 0 : GATEWAY_REQUESTS_FOR_MANAGEMENT;
    uint16_t slot;

    if (forward->free_count <= reserve || gateway->stopping) {
        gateway->counters.overloads++;
        server_answer_problem(request, PROBLEM_OVERLOAD, NULL, NULL);
        return;
    }
    slot = forward->free_slots[--forward->free_count];
    forward->slots[slot] = request;
    forward->serials[slot]++;
    request->api.id = (forward->serials[slot] << SLOT_BITS & (INTERNAL_CHECK_ID - 1)) | slot;
    request->phase = REQUEST_HELD;
    request->arrived_ms = gateway_now_ms(gateway);
    TAILQ_INSERT_TAIL(&forward->waiting, request, by_age);
    credential_put(request, &request->api);
    try_send(request);
    try_relay(request);
    gateway->counters.held += request->phase == REQUEST_HELD ? 1 : 0;
    (void)arm(forward->deadline, gateway->config.hold_ms);
}

/* Takes it out of the table: it must be answered by the caller. */
static void release(struct request *request)
{
    struct forward *forward = &request->gateway->forward;
    uint16_t slot = (uint16_t)(request->api.id & SLOT_MASK);

    CHECK(forward->slots[slot] == request);
    if (request->phase == REQUEST_RELAYED) {
        relay_end(request->relay);
        request->relay = NULL;
        forward->relay_count--;
    }
    forward->slots[slot] = NULL;
    forward->free_slots[forward->free_count++] = slot;
    TAILQ_REMOVE(&forward->waiting, request, by_age);
}

static void give_up(struct request *request)
{
    struct gateway *gateway = request->gateway;
    bool was_sent = request->phase == REQUEST_SENT || request->phase == REQUEST_RELAYED;

    release(request);
    gateway->counters.timed_out++;
    if (request->metrics) {
        server_answer(request, MHD_HTTP_OK, metrics_page(gateway, NULL, 0));
    } else if (was_sent && is_once(request)) {
        server_answer_problem(request, PROBLEM_OUTCOME_UNKNOWN, NULL, NULL);
    } else if (was_sent) {
        server_answer_problem(request, PROBLEM_ENGINE_SILENT, NULL, NULL);
    } else if (!engine_link_is_up(gateway->link)) {
        server_answer_problem(request, PROBLEM_ENGINE_AWAY, NULL, NULL);
    } else if (request->refusal != NULL) {
        server_answer(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                      answer_json(MHD_HTTP_SERVICE_UNAVAILABLE, request->refusal,
                                  request->refusal_len_bytes, request->refusal_retry_after_s));
    } else {
        server_answer_problem(request, PROBLEM_NOT_SERVING, "reason",
                              gateway->forward.state.reason);
    }
}

static uint64_t patience_ms(const struct request *request)
{
    return request->gateway->config.hold_ms +
           (request->phase == REQUEST_HELD ? 0 : GATEWAY_ANSWER_MS);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct gateway *gateway = userdata;
    struct forward *forward = &gateway->forward;
    uint64_t now_ms = gateway_now_ms(gateway);
    uint64_t next_ms = UINT64_MAX;
    struct request *request = TAILQ_FIRST(&forward->waiting);

    (void)source;
    (void)usec;
    while (request != NULL) {
        struct request *next = TAILQ_NEXT(request, by_age);
        uint64_t held_end_ms = request->arrived_ms + gateway->config.hold_ms;
        uint64_t end_ms = request->arrived_ms + patience_ms(request);
        /* One that is sent may be held again before its longer time is over. */
        uint64_t look_ms = held_end_ms > now_ms ? held_end_ms : end_ms;

        if (end_ms <= now_ms) {
            give_up(request);
        } else if (look_ms < next_ms) {
            next_ms = look_ms;
        }
        request = next;
    }
    return next_ms == UINT64_MAX ? 0 : arm(forward->deadline, next_ms - now_ms);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct gateway *gateway = userdata;

    (void)source;
    (void)usec;
    send_held(gateway);
    return 0;
}

void forward_engine_up(struct gateway *gateway)
{
    gateway->counters.connects++;
    send_held(gateway);
    stream_engine_up(gateway);
}

void forward_engine_down(struct gateway *gateway)
{
    struct forward *forward = &gateway->forward;
    struct request *request = TAILQ_FIRST(&forward->waiting);

    gateway->counters.disconnects++;
    /* One that gave duty away and then left: the other unit serves still. */
    if (!forward_is_moved(gateway)) {
        state_away(&forward->state);
    }
    while (request != NULL) {
        struct request *next = TAILQ_NEXT(request, by_age);

        if (request->phase == REQUEST_SENT && is_once(request)) {
            release(request);
            server_answer_problem(request, PROBLEM_OUTCOME_UNKNOWN, NULL, NULL);
        } else if (request->phase == REQUEST_SENT) {
            request->phase = REQUEST_HELD;
        }
        request = next;
    }
    relay_held(gateway);
    forward->heard = false;
    stream_engine_down(gateway);
    /* Those that the engine had are held again, and their time may be over. */
    (void)sd_event_source_set_enabled(forward->deadline, SD_EVENT_OFF);
    if (!TAILQ_EMPTY(&forward->waiting)) {
        (void)arm(forward->deadline, 0);
    }
    stream_state_changed(gateway);
}

void forward_engine_state(struct gateway *gateway, const struct api_state *state)
{
    gateway->forward.state = *state;
    gateway->forward.heard = true;
    if (state->serving) {
        send_held(gateway);
    } else if (forward_is_moved(gateway)) {
        relay_held(gateway);
        stream_close_all(gateway);
    }
    stream_state_changed(gateway);
    stream_check_all(gateway);
}

/* The request stays: it may be answered yet. What the engine said is kept for the case that it is
 * not. */
static void keep_refusal(struct request *request, const struct api_reply *reply)
{
    uint8_t *copy;

    request->phase = REQUEST_HELD;
    if (reply->body_len_bytes == 0 || reply->body_len_bytes > REFUSAL_BYTES_MAX) {
        return;
    }
    copy = realloc(request->refusal, reply->body_len_bytes);
    if (copy != NULL) {
        memcpy(copy, reply->body, reply->body_len_bytes);
        request->refusal = copy;
        request->refusal_len_bytes = reply->body_len_bytes;
        request->refusal_retry_after_s = reply->retry_after_s > 0 ? reply->retry_after_s : 1;
    }
}

/* Long, and the same for days: a page that has it gets one short answer. */
static bool answer_with_tag(struct request *request, const struct api_reply *reply)
{
    const struct header *known = &request->headers.if_none_match;
    char text[IDS_TOKEN_TEXT_BYTES], tag[IDS_TOKEN_TEXT_BYTES + 2];
    struct ids_token start;
    struct ids_hash hash;
    bool has_it;

    if (request->api.type != API_READ || request->api.read.what != API_READ_SITE ||
        reply->status != MHD_HTTP_OK) {
        return false;
    }
    hash = digest_of(request->gateway->digest, reply->body, reply->body_len_bytes);
    memcpy(start.bytes, hash.bytes, sizeof(start.bytes));
    ids_token_to_text(&start, text);
    (void)snprintf(tag, sizeof(tag), "\"%s\"", text);
    has_it = known->count > 0 && strstr(known->text, tag) != NULL;
    server_answer(request, has_it ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK,
                  answer_tagged_json(has_it ? NULL : reply->body, reply->body_len_bytes, tag));
    return true;
}

/* A table to be kept is a file; everything else, and what is wrong with it, is JSON. */
static struct MHD_Response *answer_of(const struct request *request, const struct api_reply *reply)
{
    struct MHD_Response *response;

    if (reply->status != MHD_HTTP_OK || request->api.type != API_READ ||
        (request->api.read.what != API_READ_STATISTICS_CSV &&
         request->api.read.what != API_READ_VISITS_CSV)) {
        return answer_json(reply->status, reply->body, reply->body_len_bytes, reply->retry_after_s);
    }
    response = answer_text(reply->body, reply->body_len_bytes, "text/csv; charset=utf-8");
    if (response != NULL) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_DISPOSITION,
                                      request->api.read.what == API_READ_VISITS_CSV
                                          ? "attachment; filename=\"toban-visits.csv\""
                                          : "attachment; filename=\"toban-statistics.csv\"");
    }
    return response;
}

void forward_engine_reply(struct gateway *gateway, uint32_t id, const struct api_reply *reply)
{
    struct forward *forward = &gateway->forward;
    struct request *request = forward->slots[id & SLOT_MASK];

    if (stream_checked(gateway, id, reply)) {
        return;
    }
    if (request == NULL || request->api.id != id || request->phase != REQUEST_SENT) {
        return; /* its time was over, and its client has its 503 */
    }
    if (reply->status == MHD_HTTP_SERVICE_UNAVAILABLE && !request->at_once &&
        gateway_now_ms(gateway) - request->arrived_ms < gateway->config.hold_ms) {
        keep_refusal(request, reply);
        try_relay(request);
        if (forward->state.serving) {
            (void)arm(forward->retry, GATEWAY_RETRY_MS);
        }
        return;
    }
    release(request);
    if (request->people != NULL) {
        people_reply(request, reply);
    } else if (request->opening) {
        stream_opened(request, reply);
    } else if (request->metrics && reply->status != MHD_HTTP_UNAUTHORIZED &&
               reply->status != MHD_HTTP_FORBIDDEN) {
        server_answer(request, MHD_HTTP_OK,
                      metrics_page(gateway, reply->status == MHD_HTTP_OK ? reply->body : NULL,
                                   reply->body_len_bytes));
    } else if (reply->status < 200 || reply->status > 599) {
        server_answer_problem(request, PROBLEM_ENGINE_SILENT, NULL, NULL);
    } else if (!answer_with_tag(request, reply)) {
        server_answer(request, reply->status, answer_of(request, reply));
    }
}

void forward_relay_over(struct request *request, const struct api_reply *reply)
{
    struct gateway *gateway = request->gateway;
    struct forward *forward = &gateway->forward;
    bool answered = reply != NULL && reply->status >= 200 && reply->status <= 599 &&
                    reply->status != MHD_HTTP_SERVICE_UNAVAILABLE;

    CHECK(request->phase == REQUEST_RELAYED);
    if (answered) {
        struct MHD_Response *response = answer_of(request, reply);

        release(request);
        server_answer(request, reply->status, response);
    } else {
        request->phase = REQUEST_HELD; /* this unit may serve again before its time is over */
        if (reply != NULL) {
            keep_refusal(request, reply);
        }
        relay_end(request->relay); /* the reply's bytes go with it */
        request->relay = NULL;
        forward->relay_count--;
        try_send(request);
        (void)sd_event_source_set_enabled(forward->deadline, SD_EVENT_OFF);
        (void)arm(forward->deadline, 0);
    }
    relay_held(gateway); /* whoever waited for its turn */
}

void forward_finish(struct gateway *gateway)
{
    struct forward *forward = &gateway->forward;
    struct request *request;

    while ((request = TAILQ_FIRST(&forward->waiting)) != NULL) {
        release(request);
        server_answer_problem(request, PROBLEM_ENGINE_AWAY, NULL, NULL);
    }
    forward->deadline = sd_event_source_disable_unref(forward->deadline);
    forward->retry = sd_event_source_disable_unref(forward->retry);
}
