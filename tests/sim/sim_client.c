/* Visitors at a kiosk and staff at counters: they hear an answer, or ask again with the same key. */
#include "tests/sim/sim_internal.h"

#include <string.h>

enum { CLIENT_TIMEOUT_MS = 1500 };

static int holder_for(const struct sim *sim)
{
    const struct unit *units = sim->units;
    bool first = units[0].holds && units[0].up && units[0].lan_up;
    bool second = units[1].holds && units[1].up && units[1].lan_up;

    if (first && second) {
        return sim->client_side;
    }
    return first ? 0 : second ? 1 : -1;
}

uint64_t sim_client_body_hash(const struct client *client)
{
    return 1 + client->category;
}

void sim_client_send(struct sim *sim, int index)
{
    struct client *client = &sim->clients[index];
    struct api_request request = {.type = API_COMMAND};
    uint8_t frame[API_REQUEST_BYTES_MAX];
    struct engine_event event = {.kind = ENGINE_REQUEST};
    int target = holder_for(sim);

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
    client->asked_unit = target;
    client->asked_generation = sim->units[target].generation;
    request.id = client->request_id;
    request.command.action = client->action;
    request.command.key = client->key;
    request.command.body_hash = sim_client_body_hash(client);
    request.command.category = client->category;
    request.command.counter = client->counter;
    event.request.client = (uint64_t)index + 1;
    event.request.bytes = frame;
    event.request.len_bytes = api_request_encode(&request, frame, sizeof(frame));
    event.more =
        client->request_id % 2 == 0; /* the turn ends with what else happens in this millisecond */
    sim_deliver(sim, target, &event);
}

void sim_client_begin(struct sim *sim, int index)
{
    struct client *client = &sim->clients[index];

    if (sim->closed) {
        return;
    }
    if (sim->phase == PHASE_DAY && sim->result->tickets >= sim->options.ticket_goal &&
        sim->faults_over && sim->issued_after_heal > 20) {
        return;
    }
    client->busy = true;
    client->tries = 0;
    client->first_sent_ms = sim->now_ms;
    for (size_t i = 0; i < sizeof(client->key.bytes); i++) {
        client->key.bytes[i] = (uint8_t)(sim_draw(sim) >> 17);
    }
    if (index < COUNTERS) {
        static const uint8_t presses[] = {QUEUE_CALL_NEXT, QUEUE_COMPLETE, QUEUE_CALL_NEXT,
                                          QUEUE_SET_ABSENT, QUEUE_COUNTER_OPEN};

        client->action = presses[sim_below(sim, sizeof(presses))];
        client->counter = (uint16_t)(index + 1);
        client->category = 0;
    } else {
        client->action = QUEUE_ISSUE;
        client->counter = 0;
        client->category = (uint16_t)(1 + sim_below(sim, 2));
        client->series_floor = sim->plain_highest[client->category];
    }
    sim_client_send(sim, index);
}

static void client_next(struct sim *sim, int index)
{
    sim->clients[index].busy = false;
    sim_push(sim, (struct item){.at_ms = sim->now_ms + 20 + sim_below(sim, 400),
                                .kind = ITEM_CLIENT,
                                .a = index});
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
    if (!client->busy || id != client->request_id || !unit->lan_up) {
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
    if (reply.status == 201) {
        sim_moment_is(unit, judge_ticket(sim, client, text, unit) ? MOMENT_REPLAY : MOMENT_TICKET,
                      0);
        if (client->tries > 1) {
            sim_moment_is(unit, MOMENT_REPLAY, 0);
        }
    }
    client_next(sim, (int)client_id - 1);
}
