/*
 * Visitors at kiosks, with paper or a screen, and staff at counters: they hear an answer, or ask again with the
 * same key; some press twice. Now and then a crowd comes at once, each with a key of its own.
 */
#include "tests/sim/sim_internal.h"

#include <string.h>

enum {
    CLIENT_TIMEOUT_MS = 1500,
    THINK_MS_MIN = 20,
    THINK_MS_MAX = 300,
    PAPER_MS_MAX = 1500, /* until a visitor with a paper makes room for the next */
    RECENT_TICKETS = 200,
    PRIORITY_ONE_IN = 20,
    SIM_CROWD_MS = 50,
    BUSY_MS_MAX = 200,
    OTHER_VISIT_ONE_IN = 24, /* instead of a new ticket something with one that is there */
};

/* Which unit this client's frames reach, while it holds the address; -1 none. */
static int holder_for(const struct sim *sim, int index)
{
    bool holds[SIM_UNITS];
    int side = (int)(sim->client_sides >> (index % SIM_CLIENTS_STEADY) & 1U);

    for (int i = 0; i < SIM_UNITS; i++) {
        holds[i] = sim->units[i].holds && sim->units[i].up && sim_client_reaches(sim, index, i);
    }
    if (holds[0] && holds[1]) {
        return side;
    }
    return holds[0] ? 0 : holds[1] ? 1 : -1;
}

bool sim_client_reaches(const struct sim *sim, int index, int unit)
{
    int side = (int)(sim->client_sides >> (index % SIM_CLIENTS_STEADY) & 1U);

    return sim->units[unit].lan_up && !sim->client_cut[unit] && (!sim->lan_split || side == unit);
}

/* The same at each sending: a key stands for one touch. */
uint64_t sim_client_body_hash(const struct client *client)
{
    const uint8_t *more = (const uint8_t *)&client->more;
    uint64_t of_ticket, of_more = 14695981039346656037ULL;

    memcpy(&of_ticket, client->ticket.bytes, sizeof(of_ticket));
    for (size_t i = 0; i < sizeof(client->more); i++) {
        of_more = (of_more ^ more[i]) * 1099511628211ULL;
    }
    return (1 + client->category + (uint64_t)client->action * 64) ^ of_ticket ^ of_more;
}

static size_t request_of(const struct client *client, uint8_t frame[API_REQUEST_BYTES_MAX])
{
    struct api_request request = {.type = API_COMMAND, .id = client->request_id};
    struct api_command *command = &request.command;
    command->action = client->action;
    command->key = client->key;
    command->body_hash = sim_client_body_hash(client);
    command->category = client->category;
    command->counter = client->counter;
    command->ticket = client->ticket;
    command->delivery = client->delivery;
    command->priority = client->priority;
    command->number = client->number;
    command->more = client->more;
    return api_request_encode(&request, frame, API_REQUEST_BYTES_MAX);
}

/* A key gets one number of whom it asks, and another one where nobody knows of the first: at the other unit, from a
 * process that lost its disk, or by letter when the plain one is taken back. */
static void note_asked(struct sim *sim, struct client *client, const struct unit *unit)
{
    uint8_t serves = (uint8_t)duty_serves(engine_duty(unit->engine));
    bool known = client->asked_unit == unit->index &&
                 client->asked_generation == unit->generation && client->asked_serves == serves;

    client->asked_serves = serves;
    if (!known && sim->phase == PHASE_DAY &&
        (client->action == QUEUE_ISSUE || client->action == QUEUE_ENTER_MANUAL)) {
        sim->asked[client->category]++;
    }
}

void sim_client_send(struct sim *sim, int index)
{
    struct client *client = &sim->clients[index];
    uint8_t frame[API_REQUEST_BYTES_MAX];
    struct engine_event event = {.kind = ENGINE_REQUEST};
    int target = holder_for(sim, index);

    client->sent_ms = sim->now_ms;
    client->request_id++;
    client->tries++;
    if (client->tries > 1) {
        sim->result->retries++;
    }
    sim_push(sim, (struct item){.at_ms = sim->now_ms + (target < 0 ? 100 : CLIENT_TIMEOUT_MS),
                                .kind = ITEM_REPLY_LOST,
                                .a = index,
                                .b = (int)client->request_id});
    if (client->tries == 1 && sim_below(sim, 8) == 0) { /* pressed twice */
        sim_push(sim, (struct item){.at_ms = sim->now_ms + 1 + sim_below(sim, 20),
                                    .kind = ITEM_REPLY_LOST,
                                    .a = index,
                                    .b = (int)client->request_id});
    }
    if (target < 0 || sim->units[target].paused_until_ms > sim->now_ms) {
        return;
    }
    note_asked(sim, client, &sim->units[target]);
    client->asked_unit = target;
    client->asked_generation = sim->units[target].generation;
    event.request.client = (uint64_t)index + 1;
    event.request.bytes = frame;
    event.request.len_bytes = request_of(client, frame);
    event.more =
        client->request_id % 2 == 0; /* the turn ends with what else happens in this millisecond */
    sim_deliver(sim, target, &event);
}

/* One that was handed out lately; false: there is none. */
static bool recent_ticket(struct sim *sim, struct ids_token *ret_id)
{
    size_t recent = sim->ticket_count < RECENT_TICKETS ? sim->ticket_count : RECENT_TICKETS;

    if (recent == 0) {
        return false;
    }
    CHECK(ids_token_from_text(sim->tickets[sim->ticket_count - 1 - sim_below(sim, recent)].id, 32,
                              ret_id));
    return true;
}

/* What staff press, about as often as they do; most of it is refused when it does not fit. */
static void press(struct sim *sim, struct client *client, int index)
{
    static const uint8_t presses[] = {
        QUEUE_CALL_NEXT, QUEUE_COMPLETE,      QUEUE_CALL_NEXT,    QUEUE_COMPLETE,
        QUEUE_CALL_NEXT, QUEUE_START,         QUEUE_COMPLETE,     QUEUE_SET_ABSENT,
        QUEUE_START,     QUEUE_RECALL,        QUEUE_COUNTER_OPEN, QUEUE_PUT_BACK,
        QUEUE_HOLD,      QUEUE_TRANSFER,      QUEUE_UNDO,         QUEUE_CALL,
        QUEUE_RETURN,    QUEUE_CALL_NEXT,     QUEUE_COMPLETE,     QUEUE_CALL_NEXT,
        QUEUE_COMPLETE,  QUEUE_COUNTER_CLOSE, QUEUE_GIVE_UP,      QUEUE_PLAN,
        QUEUE_NOTE,      QUEUE_HOLD,          QUEUE_CALL_NEXT,    QUEUE_TRANSFER,
        QUEUE_SUSPEND,   QUEUE_ENTER_MANUAL,
    };

    client->counter = (uint16_t)(index + 1);
    client->action = sim->ticket_count < COUNTERS ? QUEUE_COUNTER_OPEN
                                                  : presses[sim_below(sim, ARRAY_COUNT(presses))];
    if (client->action == QUEUE_COUNTER_CLOSE && sim_below(sim, 4) != 0) {
        client->action = QUEUE_COUNTER_OPEN;
    }
    if (client->action == QUEUE_CALL || client->action == QUEUE_RETURN ||
        client->action == QUEUE_GIVE_UP) {
        (void)recent_ticket(sim, &client->ticket);
    }
    sim_visit_press(sim, client, index);
}

static void visit(struct sim *sim, struct client *client)
{
    static const uint8_t others[] = {QUEUE_CANCEL, QUEUE_REPRINT, QUEUE_RETURN, QUEUE_PRINTED};

    if (sim_below(sim, OTHER_VISIT_ONE_IN) == 0 && recent_ticket(sim, &client->ticket)) {
        client->action = others[sim_below(sim, ARRAY_COUNT(others))];
        return;
    }
    client->action = QUEUE_ISSUE;
    client->category = (uint16_t)(1 + sim_below(sim, CATEGORIES));
    client->delivery = sim_below(sim, 3) == 0 ? QUEUE_DELIVERY_PAPER : QUEUE_DELIVERY_SCREEN;
    client->priority = sim_below(sim, PRIORITY_ONE_IN) == 0
                           ? (uint8_t)(1 + sim_below(sim, QUEUE_PRIORITY_MAX))
                           : 0;
    client->series_floor = sim->plain_highest[client->category];
    sim_visit_issue(sim, client);
}

void sim_client_begin(struct sim *sim, int index)
{
    struct client *client = &sim->clients[index];

    if (sim->closed || (index >= SIM_CLIENTS_STEADY && client->busy)) {
        return;
    }
    if (sim->phase == PHASE_DAY && sim->result->tickets >= sim->options.ticket_goal &&
        sim->faults_over && sim->issued_after_heal > 20) {
        return;
    }
    client->busy = true;
    client->tries = 0;
    client->asked_serves = UINT8_MAX; /* nobody was asked yet */
    client->first_sent_ms = sim->now_ms;
    client->category = client->counter = 0;
    client->delivery = client->priority = 0;
    client->number = 0;
    client->more = (struct api_more){0};
    client->ticket = (struct ids_token){0};
    for (size_t i = 0; i < sizeof(client->key.bytes); i++) {
        client->key.bytes[i] = (uint8_t)(sim_draw(sim) >> 17);
    }
    if (index < COUNTERS) {
        press(sim, client, index);
    } else {
        visit(sim, client);
    }
    sim_client_send(sim, index);
}

void sim_crowd(struct sim *sim)
{
    bool huge = sim_fault_below(sim, 6) == 0;
    int count = 1 + (int)sim_fault_below(sim, SIM_CROWD_USUAL);

    if (huge) {
        count = SIM_CLIENTS - SIM_CLIENTS_STEADY;
    }
    if (huge || sim_fault_below(sim, 2) == 0) { /* and no batch ends before all of them are there */
        uint64_t busy_ms = SIM_CROWD_MS + sim_fault_below(sim, BUSY_MS_MAX);

        for (int i = 0; i < SIM_UNITS; i++) {
            if (sim->units[i].stalled_until_ms < sim->now_ms + busy_ms) {
                sim->units[i].stalled_until_ms = sim->now_ms + busy_ms;
            }
        }
    }
    for (int i = 0; i < count; i++) {
        sim_push(sim, (struct item){.at_ms = sim->now_ms + sim_fault_below(sim, SIM_CROWD_MS),
                                    .kind = ITEM_CLIENT,
                                    .a = SIM_CLIENTS_STEADY + i});
    }
}

static void client_next(struct sim *sim, int index)
{
    uint64_t think_ms = THINK_MS_MIN + sim_below(sim, THINK_MS_MAX);

    sim->clients[index].busy = false;
    if (sim->clients[index].delivery == QUEUE_DELIVERY_PAPER) {
        think_ms += sim_below(sim, PAPER_MS_MAX);
    }
    if (index >= SIM_CLIENTS_STEADY) {
        return; /* one of a crowd has what it came for */
    }
    sim_push(sim, (struct item){.at_ms = sim->now_ms + think_ms, .kind = ITEM_CLIENT, .a = index});
}

void sim_client_reply(void *context, uint64_t client_id, const uint8_t *header,
                      size_t header_len_bytes, const uint8_t *body, size_t body_len_bytes)
{
    struct unit *unit = context;
    struct sim *sim = unit->sim;
    uint8_t frame[64 * 1024];
    struct api_reply reply;
    struct client *client;
    uint32_t id;
    char text[8192];

    if (client_id == 0 || client_id > SIM_CLIENTS || api_frame_type(header) != API_REPLY ||
        header_len_bytes + body_len_bytes > sizeof(frame)) {
        return;
    }
    memcpy(frame, header, header_len_bytes);
    memcpy(frame + header_len_bytes, body, body_len_bytes);
    CHECK(api_reply_decode(frame, header_len_bytes + body_len_bytes, &id, &reply));
    client = &sim->clients[client_id - 1];
    if (!client->busy || id != client->request_id ||
        !sim_client_reaches(sim, (int)client_id - 1, unit->index)) {
        return;
    }
    sim->result->replies++;
    if (reply.status == 503) {
        client->request_id++;
        sim_push(sim, (struct item){.at_ms = sim->now_ms + 50 + sim_below(sim, 100),
                                    .kind = ITEM_REPLY_LOST,
                                    .a = (int)client_id - 1,
                                    .b = (int)client->request_id});
        return;
    }
    CHECK(reply.body_len_bytes < sizeof(text));
    memcpy(text, reply.body, reply.body_len_bytes);
    text[reply.body_len_bytes] = '\0';
    if (client->action < QUEUE_ACTION_END) {
        sim->result->actions[client->action] += reply.status < 300;
    }
    if (reply.status == 201) {
        sim_moment_is(unit, judge_ticket(sim, client, text, unit) ? MOMENT_REPLAY : MOMENT_TICKET,
                      0);
        if (client->tries > 1) {
            sim_moment_is(unit, MOMENT_REPLAY, 0);
        }
    }
    client_next(sim, (int)client_id - 1);
}
