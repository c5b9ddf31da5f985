/*
 * Credentials: kiosks are added and people sign in, both use what they got at both units, and it is taken away, while
 * everything else goes on. Two oracles, by what was answered and by what befell the disks since:
 *
 *   a revoked credential does nothing after the answer to its revocation, at no unit that knows of it: both, when it
 *   was answered while paired or the units have met since; else the one that answered;
 *   a credential that was answered is let in where it is known: after takeover, restart and meeting as well.
 *
 * Draws from a generator of its own, so that the rest of a seed stays what it was.
 */
#include "appliance/access/access.h"
#include "tests/sim/sim_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PERSONS = 3, /* of the credentials; the others are devices */
    KNOWN_BY_BOTH = (1 << SIM_UNITS) - 1,
    ANSWER_WITHIN_MS = 6000,
    REVOKED_WATCHED_MS = 40000,
    STATUS_OK = 200,
    STATUS_NO_CONTENT = 204,
    STATUS_SIGN_IN = 401,
    STATUS_NOT_FOUND = 404,
    STATUS_UNAVAILABLE = 503,
    REVOKE_ONE_IN = 12,
    WRONG_ONE_IN = 8,
};

static uint64_t draw(struct sim *sim)
{
    if (sim->access_random == 0) {
        sim->access_random = sim->options.seed * 0x9E3779B97F4A7C15ULL + 0x7f4a7c15;
    }
    sim->access_random ^= sim->access_random << 13;
    sim->access_random ^= sim->access_random >> 7;
    sim->access_random ^= sim->access_random << 17;
    return sim->access_random * 2685821657736338717ULL >> 11;
}

static bool reaches(const struct sim *sim, int index)
{
    return sim->units[index].up && sim->units[index].paused_until_ms <= sim->now_ms;
}

static void send(struct sim *sim, int index, uint64_t client, struct api_request *request)
{
    uint8_t frame[API_REQUEST_BYTES_MAX];
    struct engine_event event = {.kind = ENGINE_REQUEST};

    request->type = API_ACCESS;
    event.request.client = client;
    event.request.bytes = frame;
    event.request.len_bytes = api_request_encode(request, frame, sizeof(frame));
    CHECK(event.request.len_bytes > 0);
    sim_deliver(sim, index, &event);
}

/* At whoever holds the address: an administrator sees one office. */
static int holder(const struct sim *sim)
{
    for (int i = 0; i < SIM_UNITS; i++) {
        if (reaches(sim, i) && sim->units[i].holds) {
            return i;
        }
    }
    return -1;
}

static void ask(struct sim *sim, int slot, struct api_request *request)
{
    struct sim_credential *credential = &sim->credentials[slot];
    int target = holder(sim);

    if (target >= 0) {
        request->id = credential->request_id = ++sim->access_request;
        credential->asked_ms = sim->now_ms;
        send(sim, target, (uint64_t)SIM_ACCESS_CLIENT + (uint64_t)slot, request);
    }
}

static void draw_token(struct sim *sim, struct sim_credential *credential)
{
    for (size_t i = 0; i < sizeof(credential->token.bytes); i++) {
        credential->token.bytes[i] = (uint8_t)draw(sim);
    }
}

static void set_free(struct sim_credential *credential)
{
    bool person = credential->person, account_added = credential->account_added;

    *credential = (struct sim_credential){.person = person, .account_added = account_added};
}

static void name_of(int slot, char name[API_ACCOUNT_BYTES])
{
    (void)snprintf(name, API_ACCOUNT_BYTES, "p%d", slot);
}

/* A new one. The account comes first; what was derived of its password is its slot. */
static void ask_for_one(struct sim *sim, int slot)
{
    struct sim_credential *credential = &sim->credentials[slot];
    struct api_request request = {0};
    struct api_access *access = &request.access;

    draw_token(sim, credential);
    access->token = credential->token;
    if (!credential->person) {
        access->what = API_ACCESS_DEVICE_ADD;
        access->role = ACCESS_KIOSK;
    } else {
        name_of(slot, access->name);
        if (!credential->account_added) {
            access->what = API_ACCESS_ADD;
            access->role = ACCESS_SUPERVISOR;
            access->fresh[0] = (uint8_t)slot;
        } else {
            access->what = API_ACCESS_SIGN_IN;
            access->proof[0] = (uint8_t)(draw(sim) % WRONG_ONE_IN == 0 ? slot + 1 : slot);
            request.from.via = API_VIA_WEB;
            request.from.address[15] = (uint8_t)slot;
        }
    }
    credential->state = CREDENTIAL_ASKED;
    ask(sim, slot, &request);
}

static void ask_to_revoke(struct sim *sim, int slot)
{
    struct sim_credential *credential = &sim->credentials[slot];
    struct api_request request = {0};

    credential->state = CREDENTIAL_REVOKING;
    if (credential->person) {
        request.access.what = API_ACCESS_SIGN_OUT;
        request.from.via = API_VIA_WEB;
        request.from.token = credential->token;
    } else {
        request.access.what = API_ACCESS_DEVICE_REVOKE;
        request.access.subject = credential->subject;
    }
    ask(sim, slot, &request);
}

/* Used at both units: what each of them makes of it is judged. */
static void use(struct sim *sim, int slot)
{
    for (int i = 0; i < SIM_UNITS; i++) {
        struct sim_credential *credential = &sim->credentials[slot];
        struct api_request request = {.from = {.via = API_VIA_WEB, .token = credential->token}};

        if (!reaches(sim, i)) {
            continue;
        }
        request.access.what = API_ACCESS_CHECK;
        request.access.right = credential->person ? ACCESS_OWN : ACCESS_TICKET_ISSUE;
        send(sim, i, (uint64_t)SIM_ACCESS_CHECK + (uint64_t)slot, &request);
    }
}

static void turn(struct sim *sim, int slot)
{
    struct sim_credential *credential = &sim->credentials[slot];

    switch (credential->state) {
    case CREDENTIAL_FREE:
        ask_for_one(sim, slot);
        return;
    case CREDENTIAL_ASKED:
        if (sim->now_ms - credential->asked_ms > ANSWER_WITHIN_MS) {
            set_free(credential); /* whatever became of it: nobody uses that token */
        }
        return;
    case CREDENTIAL_IN_USE:
        use(sim, slot);
        if (credential->known_by == 0) {
            set_free(credential); /* with the only disk that knew it */
        } else if (draw(sim) % REVOKE_ONE_IN == 0) {
            ask_to_revoke(sim, slot);
        }
        return;
    case CREDENTIAL_REVOKING:
        if (sim->now_ms - credential->asked_ms > ANSWER_WITHIN_MS) {
            ask_to_revoke(sim, slot);
        }
        return;
    case CREDENTIAL_REVOKED:
        use(sim, slot);
        if (sim->now_ms - credential->revoked_ms > REVOKED_WATCHED_MS) {
            set_free(credential);
        }
        return;
    }
}

void sim_access_turn(struct sim *sim)
{
    for (int slot = 0; slot < SIM_CREDENTIALS && !sim->result->failed; slot++) {
        sim->credentials[slot].person = slot < PERSONS;
        turn(sim, slot);
    }
}

/* ---- what is answered ------------------------------------------------------------------------------- */

static uint8_t knowing(const struct unit *unit)
{
    const struct sim *sim = unit->sim;
    bool paired = engine_duty(unit->engine)->state == DUTY_PAIRED_DUTY &&
                  sim->units[1 - unit->index].lost_ms <= sim->held_paired_ms;

    return paired ? (uint8_t)KNOWN_BY_BOTH : (uint8_t)(1U << unit->index);
}

/* Sessions rest and grow old: only a right clock and one day tell that they have not. */
static bool may_have_ended(const struct sim *sim, const struct sim_credential *credential)
{
    return credential->person && (sim->phase != PHASE_DAY || sim->clock_was_wrong);
}

static void judge_use(struct unit *unit, const struct sim_credential *credential, uint16_t status)
{
    struct sim *sim = unit->sim;
    uint8_t bit = (uint8_t)(1U << unit->index);
    const char *what = credential->person ? "session" : "device";

    if (credential->state == CREDENTIAL_REVOKED && (credential->revoked_by & bit) != 0 &&
        status == STATUS_NO_CONTENT) {
        sim_fail(sim, "rule 5: unit %d lets a %s in %llu ms after its revocation was answered",
                 unit->index + 1, what, (unsigned long long)(sim->now_ms - credential->revoked_ms));
    }
    if (credential->state == CREDENTIAL_IN_USE && (credential->known_by & bit) != 0 &&
        status == STATUS_SIGN_IN && !may_have_ended(sim, credential)) {
        sim_fail(sim, "rule 5: unit %d does not know a %s that was acknowledged", unit->index + 1,
                 what);
    }
}

static uint16_t number_of(const char *body, const char *name)
{
    const char *at = strstr(body, name);

    return at == NULL ? 0 : (uint16_t)strtoul(at + strlen(name), NULL, 10);
}

static void asked_is_answered(struct unit *unit, struct sim_credential *credential, uint16_t status,
                              const char *body)
{
    bool signs_in = credential->account_added || !credential->person;

    if (credential->person && !credential->account_added) {
        credential->account_added = status == STATUS_OK || strstr(body, "NAME_TAKEN") != NULL;
    }
    if (status != STATUS_OK || !signs_in) {
        set_free(credential);
        return;
    }
    credential->state = CREDENTIAL_IN_USE;
    credential->known_by = knowing(unit);
    credential->subject = number_of(body, "\"id\":");
    unit->sim->result->let_in++;
}

void sim_access_reply(struct unit *unit, uint64_t client, uint32_t id, uint16_t status,
                      const char *body)
{
    struct sim *sim = unit->sim;
    struct sim_credential *credential;

    if (client >= SIM_ACCESS_CHECK) {
        judge_use(unit, &sim->credentials[client - SIM_ACCESS_CHECK], status);
        return;
    }
    credential = &sim->credentials[client - SIM_ACCESS_CLIENT];
    if (id != credential->request_id || status == STATUS_UNAVAILABLE) {
        return; /* asked again later */
    }
    if (credential->state == CREDENTIAL_ASKED) {
        asked_is_answered(unit, credential, status, body);
    } else if (credential->state == CREDENTIAL_REVOKING && status == STATUS_OK) {
        credential->state = CREDENTIAL_REVOKED;
        credential->revoked_by = knowing(unit);
        credential->revoked_ms = sim->now_ms;
        sim->result->revoked++;
    } else if (credential->state == CREDENTIAL_REVOKING) {
        set_free(credential); /* an earlier one was done, or it is not known there */
    }
}

/* After a new term both hold what either held. */
void sim_access_held_paired(struct sim *sim)
{
    for (size_t i = 0; i < SIM_CREDENTIALS; i++) {
        struct sim_credential *credential = &sim->credentials[i];

        credential->known_by = credential->known_by != 0 ? KNOWN_BY_BOTH : 0;
        credential->revoked_by = credential->revoked_by != 0 ? KNOWN_BY_BOTH : 0;
    }
}

void sim_access_held_lost(struct sim *sim, int index)
{
    for (size_t i = 0; i < SIM_CREDENTIALS; i++) {
        sim->credentials[i].known_by &= (uint8_t) ~(1U << index);
        sim->credentials[i].revoked_by &= (uint8_t) ~(1U << index);
        if (sim->credentials[i].known_by == 0) {
            sim->credentials[i].account_added = false; /* perhaps: it is asked for again */
        }
    }
}

/* A retired unit becomes blank: what it held, the other has adopted and stored. */
void sim_access_held_given(struct sim *sim, int index)
{
    uint8_t other = (uint8_t)(1U << (1 - index));

    for (size_t i = 0; i < SIM_CREDENTIALS; i++) {
        struct sim_credential *credential = &sim->credentials[i];

        credential->known_by = credential->known_by != 0 ? other : 0;
        credential->revoked_by = credential->revoked_by != 0 ? other : 0;
    }
}

void sim_access_exchanged(struct sim *sim)
{
    for (size_t i = 0; i < SIM_CREDENTIALS; i++) {
        struct sim_credential *credential = &sim->credentials[i];

        credential->known_by =
            (uint8_t)((credential->known_by & 1U) << 1 | credential->known_by >> 1);
        credential->revoked_by =
            (uint8_t)((credential->revoked_by & 1U) << 1 | credential->revoked_by >> 1);
    }
}
