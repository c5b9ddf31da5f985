/*
 * Telephones on which visitors register before they are in the office; some arrive later, some never do, and some are
 * cancelled by others meanwhile. Answers are lost now and then: then the same is asked again, with the same key. What
 * a telephone is told is a receipt like any other (judge_ticket). Oracles, by what was answered and by what befell the
 * disks since:
 *
 *   of whom nobody has said that he is there: at no unit does he wait, is called or was ever called, whatever fails;
 *   who was told that he waits now is not expected any more at a unit that serves and must know of it.
 *
 * An arrival that was asked for and not answered may be known or not: it is not judged until it is answered.
 *
 * Draws from a generator of its own, so that the rest of a seed stays what it was.
 */
#include "tests/sim/sim_internal.h"

#include <string.h>

enum {
    KNOWN_BY_BOTH = (1 << SIM_UNITS) - 1,
    REGISTERING_CATEGORIES = 2,
    REGISTER_ONE_IN = 3, /* of a second, of a telephone that has nothing to do */
    ARRIVE_ONE_IN = 10,
    NEVER_ONE_IN = 40, /* it is expected until the day closes, and asks nothing any more */
    LOST_ONE_IN = 6,
    WATCHED_MS = 20000, /* so long somebody who has arrived is looked for */
    STATUS_OK = 200,
    STATUS_CREATED = 201,
    STATUS_UNAVAILABLE = 503,
    ID_TEXT_BYTES = 32,
};

static uint64_t draw(struct sim *sim)
{
    if (sim->register_random == 0) {
        sim->register_random = sim->options.seed * 0xD1342543DE82EF95ULL + 0x71e1;
    }
    sim->register_random ^= sim->register_random << 13;
    sim->register_random ^= sim->register_random >> 7;
    sim->register_random ^= sim->register_random << 17;
    return sim->register_random * 2685821657736338717ULL >> 11;
}

static bool is_day(const struct sim *sim)
{
    return !sim->closed && (sim->phase == PHASE_DAY || sim->phase == PHASE_SECOND_DAY);
}

static int holder(const struct sim *sim, int phone)
{
    int found = -1;

    for (int i = 0; i < SIM_UNITS; i++) {
        if (sim->units[i].up && sim->units[i].paused_until_ms <= sim->now_ms &&
            sim->units[i].holds && sim->units[i].lan_up &&
            (found < 0 || phone % SIM_UNITS == i)) { /* both hold it: each is somebody's */
            found = i;
        }
    }
    return found;
}

/* ---- asking ----------------------------------------------------------------------------------------- */

/* A key gets another number where nobody knows of the first. */
static void note_asked(struct sim *sim, struct client *as, const struct unit *unit)
{
    uint8_t serves = (uint8_t)duty_serves(engine_duty(unit->engine));
    bool known = as->asked_unit == unit->index && as->asked_generation == unit->generation &&
                 as->asked_serves == serves;

    if (!known && sim->phase == PHASE_DAY && as->action == QUEUE_REGISTER) {
        sim->asked[as->category]++;
    }
    as->asked_unit = unit->index;
    as->asked_generation = unit->generation;
    as->asked_serves = serves;
}

static void ask(struct sim *sim, int index)
{
    struct client *as = &sim->phones[index].as;
    int target = holder(sim, index);
    struct api_request request = {.type = API_COMMAND, .id = ++as->request_id};
    uint8_t frame[API_REQUEST_BYTES_MAX];
    struct engine_event event = {.kind = ENGINE_REQUEST};

    if (target < 0) {
        return;
    }
    note_asked(sim, as, &sim->units[target]);
    request.command.action = as->action;
    request.command.actor = API_ACTOR_VISITOR;
    request.command.key = as->key;
    request.command.body_hash = sim_client_body_hash(as);
    request.command.category = as->category;
    request.command.ticket = as->ticket;
    event.request.client = (uint64_t)SIM_REGISTER_CLIENT + (uint64_t)index;
    event.request.bytes = frame;
    event.request.len_bytes = api_request_encode(&request, frame, sizeof(frame));
    CHECK(event.request.len_bytes > 0);
    sim_deliver(sim, target, &event);
}

static void begin(struct sim *sim, int index, enum queue_action action)
{
    struct sim_phone *phone = &sim->phones[index];
    uint32_t request_id = phone->as.request_id;

    phone->as = (struct client){
        .request_id = request_id, .action = (uint8_t)action, .asked_serves = UINT8_MAX};
    for (size_t i = 0; i < sizeof(phone->as.key.bytes); i++) {
        phone->as.key.bytes[i] = (uint8_t)draw(sim);
    }
    if (action == QUEUE_REGISTER) {
        phone->state = PHONE_ASKED;
        phone->as.category = (uint16_t)(1 + draw(sim) % REGISTERING_CATEGORIES);
        phone->as.series_floor = sim->plain_highest[phone->as.category];
    } else {
        phone->state = PHONE_ARRIVING;
        phone->as.ticket = phone->ticket;
    }
    ask(sim, index);
}

/* ---- what must hold ---------------------------------------------------------------------------------- */

static bool is_or_was_here(const struct queue_ticket *ticket)
{
    return (queue_ticket_is_live(ticket->state) && ticket->state != QUEUE_EXPECTED) ||
           ticket->state == QUEUE_DONE || ticket->state == QUEUE_NO_SHOW ||
           ticket->call_count != 0 || ticket->called_ms != 0 || ticket->place_ms != 0;
}

static void judge(struct sim *sim, const struct sim_phone *phone)
{
    for (int i = 0; i < SIM_UNITS; i++) {
        struct unit *unit = &sim->units[i];
        const struct queue_ticket *ticket;
        bool serves;

        if (!unit->up || unit->paused_until_ms > sim->now_ms || !unit->loaded) {
            continue;
        }
        ticket = queue_ticket_find(engine_queue(unit->engine), &phone->ticket);
        serves = duty_serves(engine_duty(unit->engine)) != DUTY_SERVE_NOT &&
                 engine_queue(unit->engine)->day.state == QUEUE_DAY_OPEN;
        if (phone->state == PHONE_EXPECTED && ticket != NULL &&
            (is_or_was_here(ticket) || sim_spoils(sim, SPOIL_CALLED_FROM_HOME))) {
            sim_fail(sim, "registration: %u is %s at unit %d, and nobody said that he is there",
                     ticket->number, queue_state_code((enum queue_ticket_state)ticket->state),
                     i + 1);
        }
        if (phone->state == PHONE_THERE && (phone->known_by >> i & 1) != 0 && serves &&
            ticket != NULL && (ticket->state == QUEUE_EXPECTED || sim_spoils(sim, SPOIL_ARRIVAL))) {
            sim_fail(sim, "registration: %u is expected at unit %d, and was told that he waits",
                     ticket->number, i + 1);
        }
    }
}

static void turn(struct sim *sim, int index)
{
    struct sim_phone *phone = &sim->phones[index];

    switch (phone->state) {
    case PHONE_IDLE:
        if (draw(sim) % REGISTER_ONE_IN == 0) {
            begin(sim, index, QUEUE_REGISTER);
        }
        return;
    case PHONE_ASKED:
    case PHONE_ARRIVING:
        ask(sim, index);
        return;
    case PHONE_EXPECTED:
        judge(sim, phone);
        if (draw(sim) % ARRIVE_ONE_IN == 0) {
            begin(sim, index, QUEUE_ARRIVE);
        } else if (draw(sim) % NEVER_ONE_IN == 0) {
            phone->state = PHONE_IDLE;
        }
        return;
    case PHONE_THERE:
        judge(sim, phone);
        if (sim->now_ms - phone->since_ms > WATCHED_MS) {
            phone->state = PHONE_IDLE;
        }
        return;
    }
}

void sim_register_turn(struct sim *sim)
{
    for (int index = 0; index < SIM_PHONES && !sim->result->failed; index++) {
        if (is_day(sim)) {
            turn(sim, index);
        } else {
            sim->phones[index].state =
                PHONE_IDLE; /* nobody comes any more; tickets are judged as all are */
        }
    }
}

/* ---- what is answered --------------------------------------------------------------------------------- */

/* Others' service is judged by those who stand before the machine. */
static void take_receipt(struct unit *unit, struct sim_phone *phone, const char *body)
{
    struct sim *sim = unit->sim;
    uint64_t ticket_ms = sim->ticket_ms, after_heal = sim->issued_after_heal;
    const char *id = strstr(body, "\"id\":\"");

    if (strstr(body, "\"state\":\"EXPECTED\"") == NULL) {
        sim_fail(sim, "registration: it is answered with another state: %.200s", body);
        return;
    }
    (void)judge_ticket(sim, &phone->as, body, unit);
    sim->ticket_ms = ticket_ms;
    sim->issued_after_heal = after_heal;
    CHECK(id != NULL &&
          ids_token_from_text(id + strlen("\"id\":\""), ID_TEXT_BYTES, &phone->ticket));
    phone->state = PHONE_EXPECTED;
    sim->result->registered++;
}

static uint8_t knowing(const struct unit *unit)
{
    const struct sim *sim = unit->sim;
    bool paired = engine_duty(unit->engine)->state == DUTY_PAIRED_DUTY &&
                  sim->units[1 - unit->index].lost_ms <= sim->held_paired_ms;

    return paired ? (uint8_t)KNOWN_BY_BOTH : (uint8_t)(1U << unit->index);
}

void sim_register_reply(struct unit *unit, uint64_t client, uint32_t id, uint16_t status,
                        const char *body)
{
    struct sim *sim = unit->sim;
    struct sim_phone *phone = &sim->phones[client - SIM_REGISTER_CLIENT];

    if (id != phone->as.request_id || status == STATUS_UNAVAILABLE || !is_day(sim) ||
        draw(sim) % LOST_ONE_IN == 0) {
        return; /* asked again, with the same key */
    }
    if (phone->state == PHONE_ASKED && status == STATUS_CREATED) {
        take_receipt(unit, phone, body);
    } else if (phone->state == PHONE_ARRIVING && status == STATUS_OK) {
        phone->state = PHONE_THERE;
        phone->since_ms = sim->now_ms;
        phone->known_by = knowing(unit);
        judge_effect(unit, &phone->as.key, "an arrival");
        sim->result->arrived++;
    } else if (phone->state == PHONE_ASKED || phone->state == PHONE_ARRIVING) {
        phone->state =
            PHONE_IDLE; /* no place left; or cancelled, or gone with a disk, before it arrived */
    }
}

/* After a new term both hold what either held. */
void sim_register_held_paired(struct sim *sim)
{
    for (size_t i = 0; i < SIM_PHONES; i++) {
        sim->phones[i].known_by = sim->phones[i].known_by != 0 ? KNOWN_BY_BOTH : 0;
    }
}

void sim_register_held_lost(struct sim *sim, int index)
{
    for (size_t i = 0; i < SIM_PHONES; i++) {
        sim->phones[i].known_by &= (uint8_t) ~(1U << index);
    }
}

/* A retired unit becomes blank: what it held, the other has adopted and stored. */
void sim_register_held_given(struct sim *sim, int index)
{
    for (size_t i = 0; i < SIM_PHONES; i++) {
        sim->phones[i].known_by = sim->phones[i].known_by != 0 ? (uint8_t)(1U << (1 - index)) : 0;
    }
}

void sim_register_exchanged(struct sim *sim)
{
    for (size_t i = 0; i < SIM_PHONES; i++) {
        sim->phones[i].known_by =
            (uint8_t)((sim->phones[i].known_by & 1U) << 1 | sim->phones[i].known_by >> 1);
    }
}
