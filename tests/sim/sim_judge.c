/*
 * The oracles: only what clients, boards and disks were given counts, and what a unit says of itself in a word.
 * Each costs the same whatever happened before; where it says "at the end", once a day.
 *
 *  promise          oracle                                                where it cannot hold, what must instead
 *  1 unique         no two tickets of one day, category and display       always: nothing excuses a duplicate
 *                   (judge_known), among all that anybody was handed
 *                   numbers on papers are among them, and an original
 *                   exists once (sim_print.c)
 *  2 durable        what leaves is on this disk, paired on both           only copy on a lost disk: its number is
 *                   (sim_hear.c); at the end every ticket is in both      not given again (held by none, sim_loss.c)
 *                   ledgers (judge_ledgers), letters too: adopted
 *  3 one assigner   in a term one unit writes plain numbers               both may serve behind a cut: by letter
 *                   (judge_writer), each below a ceiling that both
 *                   disks held before, and both records knew
 *                   (judge_reserved); of two that hold the address and
 *                   hear each other one yields in a second
 *                   (judge_address); a replaced box gives none (ghost)
 *  4 terms          rise in every ledger (judge_entry) and in time        -
 *                   (judge_term); who says PAIRED holds its term, who
 *                   serves by numbers has it on both disks; what an
 *                   acknowledgement names is durable (sim_wire.c)
 *  5 prefix         equal heads at equal lsn while paired; what both      an older image of a disk: what its peer
 *                   hold is not dropped; a replaced tail is named         holds comes back
 *                   (sim_ledger.c); at the end one ledger
 *  6 exactly once   a key, asked again at once and long after (ask_again) across a split one plain, one lettered;
 *                   has one plain ticket, and is never refused            lost with its only copy: a new number
 *  7 order, gaps    above every number acknowledged before it was asked   ten newer calls hide an adopted one
 *                   for; a call is shown, a call's name is one call
 *                   (sim_hear.c); at the end gaps are counted VOID
 *  8 day            tickets are of today by the calendar on the wall;     a unit behind a cut, or whose disk was lost,
 *                   closed in the evening; none while it stands annulled  may not know of the annulment
 *                   (sim_annul.c)
 *  9 audit          every entry decodes, has its lsn and is chained       edited bytes of real files:
 *                   (judge_entry, judge_walk); a ticket, a call has an    ledger_damage_test.c, by the shipped verifier
 *                   entry of its key (judge_effect)
 * 10 fold           one state at one head of the chain, whoever says it   -
 *                   and whenever (judge_fold)
 * 11 damage         who is unfit is not on duty beside a ready one        no ready one: serves nobody, says why
 *                   (judge_damage); each entry shipped is chained, whole
 *                   (judge_shipped); a rotten entry is never read out
 * 12 bounds         batches, frames, replies, wakings a second, memory    -
 * 13 authenticated  nonsense on socket and links ends no unit, gets       -
 *                   nothing, and moves none to write or speak
 *  registered       who registered before arrival is expected by both  an arrival that only a lost disk
 *                   and called by neither before the arrival; who has  knew; a unit behind a cut
 *                   arrived is expected by none (sim_register.c)
 *  (rules 3, 5)     who was let in is let in after takeover, restart,     known by none that still has its disk; a
 *                   meeting; who was revoked does nothing at any unit     unit behind a cut, until it meets the other
 *                   that knows it (sim_access.c)
 * 14 live           a ticket within 13 s of a unit's working for 32 s     lossy or late network: no promise of time
 *                   (judge_service); paired when all is healed
 *                   a paper that nobody prints is told to staff          its unit serves nobody
 * 15 erased         no older key when a ticket is handed out; at opening  -
 *                   no ticket of yesterday in clear on any disk, and each
 *                   ledger says that the day is erased
 */
#include "tests/sim/sim_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WORKING_MS = 32000,       /* a lone boot, and a little */
    TICKET_WITHIN_MS = 13000, /* promise 14, a lost reply and its retry */
    ADDRESS_MS_MAX = 1000,    /* promise 3 */
    DAY_LAST_DIGIT = 9,
};

static bool json_text(const char *body, const char *name, char *text, size_t capacity_bytes)
{
    char pattern[48];
    const char *at, *end;

    (void)snprintf(pattern, sizeof(pattern), "\"%s\":\"", name);
    at = strstr(body, pattern);
    if (at == NULL) {
        return false;
    }
    at += strlen(pattern);
    end = strchr(at, '"');
    if (end == NULL || (size_t)(end - at) >= capacity_bytes) {
        return false;
    }
    memcpy(text, at, (size_t)(end - at));
    text[end - at] = '\0';
    return true;
}

static uint64_t json_number(const char *body, const char *name)
{
    char pattern[48];
    const char *at;

    (void)snprintf(pattern, sizeof(pattern), "\"%s\":", name);
    at = strstr(body, pattern);
    return at == NULL ? 0 : strtoull(at + strlen(pattern), NULL, 10);
}

static uint32_t hash_bytes(uint32_t hash, const void *bytes, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes; i++) {
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * 16777619U;
    }
    return hash;
}

/* The slot of a ticket of the same day, category and display, or the free one where it belongs. */
static uint16_t *display_slot(struct sim *sim, const struct seen_ticket *seen)
{
    uint32_t at = hash_bytes(2166136261U + seen->category, seen->display, strlen(seen->display));

    for (;; at++) {
        uint16_t *slot = &sim->by_display[at % SIM_INDEX_SIZE];
        const struct seen_ticket *known = &sim->tickets[*slot - 1];

        if (*slot == 0 ||
            (known->category == seen->category && strcmp(known->display, seen->display) == 0 &&
             strcmp(known->day, seen->day) == 0)) {
            return slot;
        }
    }
}

static uint16_t *key_slot(struct sim *sim, const struct ids_token *key)
{
    uint32_t at = hash_bytes(2166136261U, key->bytes, sizeof(key->bytes));

    for (;; at++) {
        uint16_t *slot = &sim->by_key[at % SIM_INDEX_SIZE];

        if (*slot == 0 || ids_token_equal(&sim->tickets[*slot - 1].key, key)) {
            return slot;
        }
    }
}

/* Promises 1 and 6. True: this very ticket was handed out before. */
static bool judge_known(struct sim *sim, struct seen_ticket *seen, const struct unit *unit)
{
    uint16_t *display = display_slot(sim, seen), *key = key_slot(sim, &seen->key);

    if (*display != 0 && strcmp(sim->tickets[*display - 1].id, seen->id) != 0) {
        sim_fail(sim, "promise 1: %s was given twice (ids %.8s, %.8s)", seen->display,
                 sim->tickets[*display - 1].id, seen->id);
    }
    for (uint16_t at = *key; at != 0; at = sim->tickets[at - 1].next_of_key) {
        const struct seen_ticket *known = &sim->tickets[at - 1];

        if (strcmp(known->id, seen->id) == 0) {
            sim_held_acknowledged(&sim->tickets[at - 1], unit);
            return true;
        }
        if (known->held_by != 0 && known->series[0] == '\0' && seen->series[0] == '\0') {
            sim_fail(sim, "promise 6: one key, two plain tickets %s and %s", known->display,
                     seen->display);
        }
    }
    seen->next_of_key = *key;
    *key = *display = (uint16_t)(sim->ticket_count + 1);
    return false;
}

/* Promises 8 and 15: a ticket is of today, and whoever holds it can no longer read yesterday's. */
static void judge_day(struct sim *sim, const struct seen_ticket *seen, const struct unit *unit)
{
    const struct unit *peer = &sim->units[1 - unit->index];
    bool plain = seen->series[0] == '\0';

    if (strcmp(seen->day, sim->today) != 0) {
        sim_fail(sim, "promise 8: %s is of %s, and today is %s", seen->display, seen->day,
                 sim->today);
    }
    if (sim_disk_has_older_key(&unit->disk, sim->today) ||
        (plain && peer->up && sim_is_paired(sim) &&
         sim_disk_has_older_key(&peer->disk, sim->today))) {
        sim_fail(sim, "promise 15: %s was handed out, and a key of an earlier day is still there",
                 seen->display);
    }
}

static void spoil_ticket(struct sim *sim, struct seen_ticket *seen)
{
    const struct seen_ticket *last;

    if (sim->ticket_count == 0) {
        return;
    }
    last = &sim->tickets[sim->ticket_count - 1];
    if (sim_spoils(sim, SPOIL_DISPLAY)) {
        memcpy(seen->display, last->display, sizeof(seen->display));
        seen->category = last->category;
    } else if (sim_spoils(sim, SPOIL_KEY)) {
        seen->key = last->key;
    } else if (sim_spoils(sim, SPOIL_ORDER)) {
        seen->number = 0;
    } else if (sim_spoils(sim, SPOIL_DAY)) {
        seen->day[DAY_LAST_DIGIT]++;
    }
}

/* Promises 1, 3, 4, 6, 7, 8, 9, 15, from what the client was told. */
bool judge_ticket(struct sim *sim, const struct client *client, const char *body, struct unit *unit)
{
    struct seen_ticket seen = {.key = client->key,
                               .asked_action = client->action,
                               .asked_category = client->category,
                               .asked_more = client->more};
    uint32_t *highest;

    if (!json_text(body, "id", seen.id, sizeof(seen.id)) ||
        !json_text(body, "display", seen.display, sizeof(seen.display)) ||
        !json_text(body, "service_day", seen.day, sizeof(seen.day)) ||
        !json_text(body, "series", seen.series, sizeof(seen.series))) {
        sim_fail(sim, "an issue was answered without a ticket: %.200s", body);
        return false;
    }
    seen.number = (uint32_t)json_number(body, "number");
    seen.category = (uint32_t)json_number(body, "category");
    seen.term = json_number(body, "term");
    spoil_ticket(sim, &seen);
    judge_day(sim, &seen, unit);
    judge_nothing_older(unit, seen.day);
    sim_held_acknowledged(&seen, unit);
    if (judge_known(sim, &seen, unit)) {
        return true;
    }
    CHECK(sim->ticket_count < SIM_TICKETS_MAX);
    judge_effect(unit, &client->key, "a ticket");
    judge_annulled(unit, unit->reply_lsn, "a ticket");
    sim->tickets[sim->ticket_count++] = seen;
    sim->result->tickets++;
    sim->ticket_ms = sim->now_ms;
    judge_limit(sim, &sim->tickets[sim->ticket_count - 1], unit);
    if (sim->faults_over && !sim_stays_spoiled(sim, SPOIL_NO_SERVICE)) {
        sim->issued_after_heal++;
    }
    if (seen.series[0] != '\0') {
        sim->result->lettered++;
        if (sim->phase == PHASE_SECOND_DAY) {
            sim_fail(sim, "mornings: %s has a letter, and both units were there", seen.display);
        }
        return false;
    }
    sim->result->plain++;
    judge_reserved(unit, &seen);
    highest = &sim->plain_highest[seen.category];
    if (seen.number <= client->series_floor) {
        sim_fail(sim, "promise 7: %s was given after %u had been acknowledged", seen.display,
                 client->series_floor);
    }
    if (seen.number > *highest) {
        *highest = seen.number;
    }
    return false;
}

/* Promise 14, also while faults go on: a unit that has been working for long enough, whatever befell the
 * other, hands out tickets, or the other does. */
void judge_service(struct sim *sim)
{
    bool wanted = !sim->closed && (!sim->faults_over || sim->issued_after_heal <= 20);
    bool reached = !sim->client_cut[0] && !sim->client_cut[1];

    for (int i = 0; i < SIM_UNITS && sim->lan_split;
         i++) { /* somebody stands before each of them */
        int near = 0;

        for (int client = COUNTERS; client < SIM_CLIENTS_STEADY; client++) {
            near += sim_client_reaches(sim, client, i);
        }
        reached = reached && near > 0 && sim->cut[DIRECT];
    }

    for (int i = 0; i < SIM_UNITS; i++) {
        struct unit *unit = &sim->units[i];
        bool works = reached && unit->up && unit->lan_up && unit->paused_until_ms <= sim->now_ms &&
                     unit->disk_ms_max <= DISK_MS_USUAL && sim->loss_percent == 0 &&
                     sim->delay_ms_max == 0 && sim->flap.left == 0 && sim_links_are_sound(sim) &&
                     !sim->units[SIM_GHOST].up && unit->fit && !unit->stopped &&
                     sim_disk_answers(unit) && !engine_duty(unit->engine)->word.blank &&
                     !engine_duty(unit->engine)->word.retired;

        if (!works) {
            unit->working_since_ms = 0;
        } else if (unit->working_since_ms == 0) {
            unit->working_since_ms = sim->now_ms;
        }
        if (sim_stays_spoiled(sim, SPOIL_NO_SERVICE)) {
            sim->ticket_ms = 0;
        }
        if (wanted && works && sim->now_ms - unit->working_since_ms > WORKING_MS &&
            sim->now_ms - sim->ticket_ms > TICKET_WITHIN_MS) {
            sim_fail(sim, "promise 14: unit %d works for %llu s, and no ticket for %llu s", i + 1,
                     (unsigned long long)(sim->now_ms - unit->working_since_ms) / 1000,
                     (unsigned long long)(sim->now_ms - sim->ticket_ms) / 1000);
        }
    }
}

/* Promise 3: of two that hold the address and hear each other one yields, within a second. */
void judge_address(struct sim *sim)
{
    const struct unit *a = &sim->units[0], *b = &sim->units[1];
    bool hold = (a->holds && b->holds) || sim_stays_spoiled(sim, SPOIL_ADDRESS);
    bool both = hold && a->up && b->up && sim_lan_between(sim) && sim->loss_percent == 0 &&
                sim->delay_ms_max == 0 && sim->clog_until_ms[SERVICE] <= sim->now_ms &&
                sim->clog_until_ms[DIRECT] <= sim->now_ms && a->paused_until_ms <= sim->now_ms &&
                b->paused_until_ms <= sim->now_ms;

    if (!both || sim->both_hold_since_ms == 0) {
        sim->both_hold_since_ms = both ? sim->now_ms : 0;
        return;
    }
    if (sim->now_ms - sim->both_hold_since_ms > sim->result->address_ms) {
        sim->result->address_ms = sim->now_ms - sim->both_hold_since_ms;
    }
    if (sim->now_ms - sim->both_hold_since_ms > ADDRESS_MS_MAX) {
        sim_fail(sim, "promise 3: both units hold the address for %d ms", ADDRESS_MS_MAX);
    }
}

bool sim_is_paired(const struct sim *sim)
{
    enum duty_state a, b;

    if (!sim->units[0].up || !sim->units[1].up) {
        return false;
    }
    a = engine_duty(sim->units[0].engine)->state;
    b = engine_duty(sim->units[1].engine)->state;
    return (a == DUTY_PAIRED_DUTY && b == DUTY_PAIRED_SPARE) ||
           (a == DUTY_PAIRED_SPARE && b == DUTY_PAIRED_DUTY);
}

/* Promises 2, 5, 10: once healed and quiet, both ledgers are one, and hold every acknowledged ticket. */
void judge_ledgers(struct sim *sim)
{
    const struct sim_disk *a = &sim->units[0].disk, *b = &sim->units[1].disk;
    size_t shared = a->entry_count < b->entry_count ? a->entry_count : b->entry_count;

    for (int unit = 0; unit < SIM_UNITS; unit++) {
        if (engine_is_restored(sim->units[unit].engine)) {
            sim_fail(sim, "unit %d is paired, and its ledger is behind its own record", unit + 1);
            return;
        }
    }
    for (size_t i = 0; i < shared; i++) {
        if (a->entries[i].len_bytes != b->entries[i].len_bytes ||
            memcmp(a->entries[i].bytes, b->entries[i].bytes, a->entries[i].len_bytes) != 0) {
            sim_fail(sim, "promise 5: the ledgers differ at lsn %zu", i + 1);
            return;
        }
    }
    for (size_t i = 0; i < sim->ticket_count; i++) {
        struct ids_token id;

        CHECK(ids_token_from_text(sim->tickets[i].id, 32, &id));
        for (int unit = 0; unit < SIM_UNITS && sim->tickets[i].held_by != 0 &&
                           strcmp(sim->tickets[i].day, sim->today) == 0;
             unit++) {
            if (queue_ticket_find(engine_queue(sim->units[unit].engine), &id) == NULL) {
                sim_fail(sim, "promise 2: ticket %s is not in the ledger of unit %d",
                         sim->tickets[i].display, unit + 1);
                return;
            }
        }
    }
    judge_gaps(sim);
}

/* Promise 4: whoever takes duty does so in a term above every earlier one. */
void judge_term(struct unit *unit)
{
    const struct duty *duty = engine_duty(unit->engine);

    if (duty->state != DUTY_PAIRED_DUTY || unit->state == DUTY_PAIRED_DUTY) {
        return;
    }
    if (duty->term.number <= unit->sim->paired_term) {
        sim_fail(unit->sim, "promise 4: unit %d takes duty in term %llu, after term %llu",
                 unit->index + 1, (unsigned long long)duty->term.number,
                 (unsigned long long)unit->sim->paired_term);
    }
    unit->sim->paired_term = duty->term.number;
    sim_held_paired(unit->sim);
}
