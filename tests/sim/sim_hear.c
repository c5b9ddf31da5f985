/*
 * Who hears a unit: clients, a lobby board at each unit, a visitor who asks again long after the answer, and a
 * stranger who sends nonsense. What reaches any of them is judged here, against the disks (promises 1, 2, 6, 7, 13).
 */
#include "tests/sim/sim_internal.h"

#include "storage/ship/ship.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BOARD = 2001, /* and 2002: the board at each unit */
    AGAIN = 2003, /* asks again with an old key */
    STRANGER = 2004,
    STRAY_BYTES_MAX = 600,
    STATUS_OK = 200,
    STATUS_CREATED = 201,
    STATUS_UNAVAILABLE = 503,
    BODY_BYTES_MAX = 65536,
    STATUS_UNPROCESSABLE = 422,
    SHOWN_WITHIN_TICKS = 4,
    SPOILED_LSNS = 10000,
};

/* ---- what may leave ------------------------------------------------------------------------------ */

void judge_leaves(struct unit *unit, uint64_t lsn, bool both, const char *what)
{
    struct sim *sim = unit->sim;

    if (lsn > unit->disk.entry_count) {
        sim_fail(sim, "promise 2: unit %d let %s go at lsn %llu, and its disk holds %zu",
                 unit->index + 1, what, (unsigned long long)lsn, unit->disk.entry_count);
    } else if (both && lsn > 0 && !judge_is_on_both(sim, unit->index, lsn)) {
        sim_fail(sim, "promise 2: unit %d let %s go at lsn %llu, which was never on both disks",
                 unit->index + 1, what, (unsigned long long)lsn);
    }
}

/* As its own status page says it. */
static bool says_paired(const struct unit *unit)
{
    return duty_serves(engine_duty(unit->engine)) == DUTY_SERVE_PLAIN;
}

/* ---- boards -------------------------------------------------------------------------------------- */

static uint32_t hash_text(const char *text, size_t len_bytes)
{
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < len_bytes; i++) {
        hash = (hash ^ (uint8_t)text[i]) * 16777619U;
    }
    return hash == 0 ? 1 : hash;
}

static struct sim_call *call_slot(struct sim *sim, uint32_t id)
{
    for (uint32_t at = id;; at++) {
        struct sim_call *call = &sim->calls[at % SIM_CALLS_SIZE];

        if (call->id == 0 || call->id == id) {
            return call;
        }
    }
}

/* Promise 7: a call's name means one call, whoever shows it and however often. */
static struct sim_call *judge_call(struct sim *sim, const char *at, const char *end)
{
    const char *id = at + strlen("{\"call_id\":\""), *id_end = strchr(id, '"');
    const char *display = strstr(at, "\"display\":\"");
    const char *display_end, *counter = strstr(at, "\"counter\":");
    struct sim_call *call;
    uint32_t what;

    if (id_end == NULL || display == NULL || counter == NULL || counter > end) {
        return NULL;
    }
    display += strlen("\"display\":\"");
    display_end = strchr(display, '"');
    call = call_slot(sim, hash_text(id, (size_t)(id_end - id)));
    what = hash_text(display, (size_t)(display_end - display));
    if (call->id == 0) {
        CHECK(sim->call_count++ < SIM_CALLS_SIZE / 2);
        call->id = hash_text(id, (size_t)(id_end - id));
        call->what = what;
    } else if (call->what != what || sim_spoils(sim, SPOIL_CALL)) {
        sim_fail(sim, "promise 7: two calls have one name: %.*s", (int)(id_end - id), id);
    }
    return call;
}

static void board_hears(struct unit *unit, const uint8_t *frame, size_t len_bytes)
{
    static const char row[] = "{\"call_id\":\"";
    struct sim *sim = unit->sim;
    struct api_event event;
    static char body[BODY_BYTES_MAX];
    const char *at;

    if (!api_event_decode(frame, len_bytes, &event) || event.body_len_bytes >= sizeof(body)) {
        sim_fail(sim, "a board was sent what is no event");
        return;
    }
    memcpy(body, event.body, event.body_len_bytes);
    body[event.body_len_bytes] = '\0';
    sim->result->shown++;
    judge_leaves(unit, event.id, strstr(body, "\"mode\":\"PAIRED\"") != NULL && says_paired(unit),
                 "a live event");
    if (event.id < unit->board_lsn) {
        sim_fail(sim, "promise 7: the board of unit %d was sent lsn %llu after %llu",
                 unit->index + 1, (unsigned long long)event.id,
                 (unsigned long long)unit->board_lsn);
    }
    unit->board_lsn = event.id;
    sim_site_event(unit, body);
    at = strstr(body, "\"calls\":[");
    while (at != NULL && (at = strstr(at, row)) != NULL) {
        const char *end = strchr(at, '}');
        struct sim_call *call;

        if (end == NULL) {
            break;
        }
        call = judge_call(sim, at, end);
        if (call != NULL) {
            call->shown |= (uint8_t)(1 << unit->index);
        }
        at = end;
    }
}

struct piece {
    const char *at;
    size_t len_bytes;
};

/* The text that stands behind `name` ("\"id\":\"") in an answer; NULL: there is none. */
static struct piece text_of(const char *body, const char *name)
{
    const char *at = strstr(body, name), *end;

    if (at == NULL) {
        return (struct piece){0};
    }
    at += strlen(name);
    end = strchr(at, '"');
    CHECK(end != NULL);
    return (struct piece){at, (size_t)(end - at)};
}

static bool is_text(struct piece piece, const char *text)
{
    return piece.len_bytes == strlen(text) && memcmp(piece.at, text, piece.len_bytes) == 0;
}

/* A call that was taken back, or followed by another one of the same visitor, before a board was due is not missed. */
static void forget_call(struct sim *sim, uint32_t ticket)
{
    for (size_t i = 0; i < SIM_EXPECTED; i++) {
        if (sim->expected[i].ticket == ticket) {
            sim->expected[i].id = 0;
        }
    }
}

/* Promise 7: a call that staff are told of is announced. Not asked of a press that had been made before, at the
 * other unit perhaps: ten newer calls may have followed it since, which are all that a board is sent. */
static void expect_call(struct unit *unit, const struct client *client, const char *body,
                        uint64_t lsn)
{
    struct sim *sim = unit->sim;
    struct piece call = text_of(body, "\"call_id\":\""), ticket = text_of(body, "\"id\":\"");
    struct piece state = text_of(body, "\"state\":\"");
    const char *call_lsn;
    uint32_t name;

    if (call.at == NULL ||
        sim->closed) { /* answered as the day closes: sent home before a board is due (seed 244) */
        return;
    }
    CHECK(ticket.at != NULL && state.at != NULL);
    name = hash_text(ticket.at, ticket.len_bytes);
    call_lsn = memrchr(call.at, '-', call.len_bytes); /* unit-term-session-lsn */
    CHECK(call_lsn != NULL);
    if (strtoull(call_lsn + 1, NULL, 10) != lsn) {
        if (!is_text(state, "CALLED") && !is_text(state, "SERVING") && !is_text(state, "ABSENT") &&
            !is_text(state, "DONE")) {
            forget_call(sim, name);
        }
        return;
    }
    if (unit->board_generation != unit->generation ||
        (!says_paired(unit) && sim->units[1 - unit->index].up)) {
        return; /* behind a cut the other may call the same visitor: a meeting keeps one of two calls */
    }
    judge_effect(unit, &client->key, "a call");
    judge_annulled(unit, lsn, "a call");
    forget_call(sim, name);
    sim->result->calls++;
    sim->expected[sim->expected_count++ % SIM_EXPECTED] =
        (struct sim_expected){.id = hash_text(call.at, call.len_bytes),
                              .ticket = name,
                              .unit = unit->index,
                              .generation = unit->generation};
}

static void judge_announced(struct sim *sim)
{
    for (size_t i = 0; i < SIM_EXPECTED; i++) {
        struct sim_expected *expected = &sim->expected[i];
        const struct unit *unit = &sim->units[expected->unit];

        if (expected->id == 0) {
            continue;
        }
        if (call_slot(sim, expected->id)->id != 0 || unit->generation != expected->generation) {
            expected->id = 0;
        } else if (unit->up && unit->paused_until_ms <= sim->now_ms && sim->loss_percent == 0 &&
                   duty_serves(engine_duty(unit->engine)) != DUTY_SERVE_NOT &&
                   ++expected->ticks > SHOWN_WITHIN_TICKS) {
            sim_fail(sim, "promise 7: a call was answered by unit %d and shown on no board",
                     expected->unit + 1);
        }
    }
}

static void watch(struct sim *sim, int index)
{
    struct unit *unit = &sim->units[index];
    struct api_request request = {.type = API_SUBSCRIBE, .id = 1};
    uint8_t frame[API_REQUEST_BYTES_MAX];
    struct engine_event event = {.kind = ENGINE_REQUEST};

    if (!unit->up || unit->paused_until_ms > sim->now_ms ||
        unit->board_generation == unit->generation) {
        return;
    }
    unit->board_generation = unit->generation;
    unit->board_since_ms = sim->now_ms;
    unit->board_lsn = 0;
    event.request.client = (uint64_t)BOARD + (uint64_t)index;
    event.request.bytes = frame;
    event.request.len_bytes = api_request_encode(&request, frame, sizeof(frame));
    sim_deliver(sim, index, &event);
}

/* ---- asked again --------------------------------------------------------------------------------- */

/* Promise 6, long after: the key of some ticket of today, at whoever holds the address now. */
static void ask_again(struct sim *sim)
{
    struct api_request request = {.type = API_COMMAND, .id = ++sim->again.request_id};
    uint8_t frame[API_REQUEST_BYTES_MAX];
    struct engine_event event = {.kind = ENGINE_REQUEST};
    const struct seen_ticket *ticket;
    int target = sim->units[0].holds ? 0 : 1;

    if (sim->ticket_count == 0 || sim->closed || !sim->units[target].up ||
        !sim->units[target].holds || !sim->units[target].lan_up ||
        sim->units[target].paused_until_ms > sim->now_ms) {
        return;
    }
    ticket = &sim->tickets[sim_below(sim, sim->ticket_count)];
    if (strcmp(ticket->day, sim->today) != 0 || ticket->held_by == 0) {
        return;
    }
    sim->again.action = ticket->asked_action;
    sim->again.key = ticket->key;
    sim->again.category = ticket->asked_category;
    sim->again.more = ticket->asked_more;
    if (sim->phase == PHASE_DAY && (ticket->held_by >> target & 1) == 0) {
        sim->asked[ticket->asked_category]++; /* who does not know of it gives another number */
    }
    request.command.action = ticket->asked_action;
    request.command.key = ticket->key;
    request.command.body_hash = sim_client_body_hash(&sim->again);
    request.command.category = ticket->asked_category;
    request.command.more = ticket->asked_more;
    event.request.client = AGAIN;
    event.request.bytes = frame;
    event.request.len_bytes = api_request_encode(&request, frame, sizeof(frame));
    sim_deliver(sim, target, &event);
}

/* ---- nonsense ------------------------------------------------------------------------------------ */

static void judge_unmoved(struct sim *sim, int index, uint64_t generation, uint64_t done,
                          const char *what)
{
    struct unit *unit = &sim->units[index];

    if (unit->generation != generation) {
        sim_fail(sim, "promise 13: %s ends unit %d", what, index + 1);
    } else if (unit->done != done || sim_spoils(sim, SPOIL_STRANGER_MOVES)) {
        sim_fail(sim, "promise 13: %s makes unit %d write, speak or answer others", what,
                 index + 1);
    }
}

/* Promise 13: bytes that nobody vouches for, through the decoders that read the socket and the links. */
static void send_nonsense(struct sim *sim, int index)
{
    struct unit *unit = &sim->units[index];
    struct engine_event event = {.kind = ENGINE_TIMER};
    uint8_t bytes[STRAY_BYTES_MAX];
    uint64_t generation, done = 0;
    size_t len_bytes = sim_below(sim, sizeof(bytes) + 1);

    if (!unit->up || unit->paused_until_ms > sim->now_ms) {
        return;
    }
    for (int i = 0; i < 2 && unit->up;
         i++) { /* what would end it, or be done by it, anyway is done */
        done = unit->done;
        sim_deliver(sim, index, &event);
    }
    if (!unit->up || unit->done != done || engine_duty(unit->engine)->meeting_told) {
        return; /* a meeting goes on by every step */
    }
    generation = unit->generation;
    for (size_t i = 0; i < len_bytes; i++) {
        bytes[i] = (uint8_t)(sim_draw(sim) >> 23);
    }
    if (len_bytes > 4 && sim_below(sim, 2) == 0) { /* its length is right, and its type is one */
        struct bytes_writer writer = bytes_writer_over(bytes, sizeof(bytes));

        bytes_put_u32(&writer, (uint32_t)len_bytes - 4);
        bytes[4] =
            (uint8_t)(API_COMMAND + sim_below(sim, 3)); /* no operator's: those are believed */
    }
    sim->result->strays++;
    event = (struct engine_event){.kind = ENGINE_REQUEST};
    event.request.client = STRANGER;
    event.request.bytes = bytes;
    event.request.len_bytes = len_bytes;
    sim_deliver(sim, index, &event);
    judge_unmoved(sim, index, generation, done, "nonsense on the socket");
    if (!unit->up) {
        return;
    }
    if (len_bytes > 2 && sim_below(sim, 2) == 0) {
        bytes[0] = 1; /* a version and a kind that there are */
        bytes[1] = (uint8_t)(1 + sim_below(sim, SHIP_KIND_END));
    }
    event = (struct engine_event){.kind = ENGINE_FRAME};
    event.frame.link = (enum world_link)sim_below(sim, LINKS);
    event.frame.bytes = bytes;
    event.frame.len_bytes = len_bytes;
    sim_deliver(sim, index, &event);
    judge_unmoved(sim, index, generation, done, "nonsense on a link");
}

void sim_people_press(struct sim *sim)
{
    for (int i = 0; i < SIM_UNITS; i++) {
        watch(sim, i);
        send_nonsense(sim, i);
    }
    ask_again(sim);
    judge_announced(sim);
}

/* ---- everything that leaves ---------------------------------------------------------------------- */

void sim_hear(void *context, uint64_t client, const uint8_t *header, size_t header_len_bytes,
              const uint8_t *body, size_t body_len_bytes)
{
    struct unit *unit = context;
    struct sim *sim = unit->sim;
    static uint8_t frame[BODY_BYTES_MAX];
    static char text[BODY_BYTES_MAX];
    size_t len_bytes = header_len_bytes + body_len_bytes;
    struct api_reply reply;
    uint32_t id;

    if (len_bytes > sizeof(frame)) {
        sim_fail(sim, "promise 12: a reply of %zu bytes", len_bytes);
        return;
    }
    memcpy(frame, header, header_len_bytes);
    if (body_len_bytes > 0) {
        memcpy(frame + header_len_bytes, body, body_len_bytes);
    }
    if (api_frame_type(frame) == API_EVENT) {
        board_hears(unit, frame, len_bytes);
        return;
    }
    if (api_frame_type(frame) == API_PRINT) {
        sim_print(unit, frame, len_bytes);
        return;
    }
    if (api_frame_type(frame) != API_REPLY) {
        return;
    }
    unit->done += client != STRANGER; /* who subscribes makes boards be told once more: no harm */
    CHECK(api_reply_decode(frame, len_bytes, &id, &reply));
    unit->reply_lsn = reply.lsn;
    if (reply.status != STATUS_UNAVAILABLE &&
        (client <= SIM_CLIENTS || client == AGAIN || client >= SIM_REGISTER_CLIENT)) {
        judge_leaves(unit, reply.lsn + (sim_spoils(sim, SPOIL_LEAVES) ? SPOILED_LSNS : 0),
                     says_paired(unit), "a reply");
    }
    CHECK(reply.body_len_bytes < sizeof(text));
    memcpy(text, reply.body, reply.body_len_bytes);
    text[reply.body_len_bytes] = '\0';
    if (client >= SIM_ANNUL_CLIENT) {
        sim_annul_reply(unit, id, reply.status, reply.lsn);
        return;
    }
    if (client >= SIM_REGISTER_CLIENT) {
        sim_register_reply(unit, client, id, reply.status, text);
        return;
    }
    if (client >= SIM_MANAGE_CLIENT) {
        sim_manage_reply(unit, client, id, reply.status);
        return;
    }
    if (client >= SIM_SITE_CLIENT) {
        sim_site_reply(unit, client, id, reply.status, reply.lsn, text);
        return;
    }
    if (client >= SIM_ACCESS_CLIENT) {
        sim_access_reply(unit, client, id, reply.status, text);
        return;
    }
    if (client == AGAIN && id != sim->again.request_id) {
        return; /* of an earlier key */
    }
    if (client == AGAIN && reply.status == STATUS_CREATED) {
        sim->result->asked_again++;
        (void)judge_ticket(sim, &sim->again, text, unit);
    } else if (client == AGAIN && reply.status == STATUS_UNPROCESSABLE) {
        sim_fail(sim, "promise 6: a key is refused that was answered before: %.200s", text);
    } else if (client == STRANGER &&
               (reply.status == STATUS_CREATED || sim_spoils(sim, SPOIL_STRANGER_SERVED))) {
        sim_fail(sim, "promise 13: nonsense got a ticket");
    } else if (client > 0 && client <= SIM_CLIENTS && reply.status == STATUS_OK) {
        expect_call(unit, &sim->clients[client - 1], text, reply.lsn);
        judge_call_time(sim, text);
    }
    sim_client_reply(context, client, header, header_len_bytes, body, body_len_bytes);
}
