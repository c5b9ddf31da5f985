/*
 * A manager who changes the running text, what a counter serves and the hours of a date to come, while everything else
 * goes on. Each word carries a number that only rises, so that what is in force tells which one it was. The oracle, by
 * what was answered and by what befell the disks since: where a unit serves an open day, nothing older is in force
 * than the newest word that was answered and that it must know of - its own, both units' when it was answered while
 * they were paired, and after a meeting also the other's, unless it had been told something itself.
 *
 * And of the day's slip: the head of the chain on it is that of the entry it names, on the disk of who printed it.
 *
 * Draws from a generator of its own, so that the rest of a seed stays what it was.
 */
#include "tests/sim/sim_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ANSWER_WITHIN_MS = 6000,
    ASKS_EACH_MS = 3000,
    STATUS_OK = 200,
    HOURS_DATE = 20271224,
    LAST_MINUTE = 1440,
    DIGITS = 9, /* tiers */
    WORDS_MAX = 720,
    HEAD_BYTES = 8, /* of the chain, looked for on the slip */
};

static uint64_t draw(struct sim *sim)
{
    if (sim->manage_random == 0) {
        sim->manage_random = sim->options.seed * 0xD1342543DE82EF95ULL + 0x2545f491;
    }
    sim->manage_random ^= sim->manage_random << 13;
    sim->manage_random ^= sim->manage_random >> 7;
    sim->manage_random ^= sim->manage_random << 17;
    return sim->manage_random * 2685821657736338717ULL >> 11;
}

static bool is_day(const struct sim *sim)
{
    return !sim->closed && !sim_annul_is_on(sim) && /* then the day's words go with it */
           (sim->phase == PHASE_DAY || sim->phase == PHASE_SECOND_DAY);
}

static int holder(const struct sim *sim)
{
    for (int i = 0; i < SIM_UNITS; i++) {
        if (sim->units[i].up && sim->units[i].paused_until_ms <= sim->now_ms &&
            sim->units[i].holds) {
            return i;
        }
    }
    return -1;
}

/* The word's number as three tiers: what the last counter serves besides, visitors' calls hardly notice. */
static void fill(enum sim_word_kind kind, uint32_t number, struct api_command *command)
{
    struct api_rule *rule = &command->rule;

    switch (kind) {
    case WORD_NOTICE:
        command->action = QUEUE_SET_NOTICE;
        (void)snprintf(rule->text_ja, sizeof(rule->text_ja), "%u", number);
        return;
    case WORD_SERVES:
        command->action = QUEUE_SET_SERVES;
        command->counter = COUNTERS;
        rule->serves_count = 3;
        for (uint16_t i = 0; i < 3; i++) {
            rule->serves[i].category = (uint16_t)(1 + i);
            rule->serves[i].tier = (uint8_t)(1 + number % DIGITS);
            number /= DIGITS;
        }
        return;
    case WORD_HOURS:
        command->action = QUEUE_SET_HOURS;
        rule->date = HOURS_DATE;
        rule->hours = QUEUE_HOURS_OPEN;
        rule->open_minute = (uint16_t)number;
        rule->close_minute = LAST_MINUTE;
        return;
    case WORD_KINDS:
        break;
    }
    CHECK(!"no such word");
}

static uint32_t in_force(const struct queue *queue, enum sim_word_kind kind)
{
    const struct queue_hours *hours = queue_hours_find(queue, HOURS_DATE);
    uint32_t number = 0;

    if (kind == WORD_NOTICE) {
        return (uint32_t)strtoul(queue->notice.ja, NULL, 10);
    }
    if (kind == WORD_HOURS) {
        return hours == NULL ? 0 : hours->open_minute;
    }
    for (uint16_t i = 3; i > 0 && queue->serves[COUNTERS - 1].count == 3; i--) {
        number = number * DIGITS + queue_counter_tier(queue, COUNTERS, i) - 1U;
    }
    return number;
}

static void ask(struct sim *sim, struct sim_word *word, enum sim_word_kind kind)
{
    struct api_request request = {.type = API_COMMAND};
    uint8_t frame[API_REQUEST_BYTES_MAX];
    struct engine_event event = {.kind = ENGINE_REQUEST};
    int target = holder(sim);

    if (target < 0 || word->number >= WORDS_MAX) {
        return;
    }
    word->asked = ++word->number;
    word->asked_ms = sim->now_ms;
    if (word->maybe[target] == 0) {
        word->maybe[target] = word->asked;
    }
    if (word->first[target] == 0) {
        word->first[target] = word->asked;
    }
    request.id = word->asked;
    for (size_t i = 0; i < sizeof(request.command.key.bytes); i++) {
        request.command.key.bytes[i] = (uint8_t)draw(sim);
    }
    request.command.actor = API_ACTOR_MANAGER;
    fill(kind, word->asked, &request.command);
    event.request.client = (uint64_t)SIM_MANAGE_CLIENT + kind;
    event.request.bytes = frame;
    event.request.len_bytes = api_request_encode(&request, frame, sizeof(frame));
    CHECK(event.request.len_bytes > 0);
    sim_deliver(sim, target, &event);
}

static void judge(struct sim *sim, const struct sim_word *word, enum sim_word_kind kind)
{
    static const char *const names[] = {"text", "counter", "hours"};

    for (int i = 0; i < SIM_UNITS; i++) {
        struct unit *unit = &sim->units[i];
        bool serves = unit->up && unit->paused_until_ms <= sim->now_ms &&
                      duty_serves(engine_duty(unit->engine)) != DUTY_SERVE_NOT &&
                      engine_queue(unit->engine)->day.state == QUEUE_DAY_OPEN;

        if (serves && in_force(engine_queue(unit->engine), kind) < word->low[i]) {
            sim_fail(sim, "managers: unit %d has %s %u in force, and %u was answered", i + 1,
                     names[kind], in_force(engine_queue(unit->engine), kind), word->low[i]);
        }
    }
}

void sim_manage_turn(struct sim *sim)
{
    for (int kind = 0; kind < WORD_KINDS && !sim->result->failed; kind++) {
        struct sim_word *word = &sim->words[kind];

        if (!is_day(sim)) {
            uint32_t number = word->number;

            *word = (struct sim_word){.number = number};
            continue;
        }
        judge(sim, word, (enum sim_word_kind)kind);
        if (word->asked == 0 ? draw(sim) % (ASKS_EACH_MS / 1000) == 0
                             : sim->now_ms - word->asked_ms > ANSWER_WITHIN_MS) {
            ask(sim, word, (enum sim_word_kind)kind);
        }
    }
}

void sim_manage_reply(struct unit *unit, uint64_t client, uint32_t id, uint16_t status)
{
    struct sim *sim = unit->sim;
    struct sim_word *word = &sim->words[client - SIM_MANAGE_CLIENT];
    bool paired = engine_duty(unit->engine)->state == DUTY_PAIRED_DUTY &&
                  sim->units[1 - unit->index].lost_ms <= sim->held_paired_ms;

    if (id != word->asked || status != STATUS_OK) {
        return; /* asked again, with a higher number, when it cannot come any more */
    }
    word->asked = 0;
    sim->result->words++;
    for (int i = 0; i < SIM_UNITS; i++) {
        if (paired || i == unit->index) {
            word->low[i] = id;
            word->maybe[i] = 0;
            word->alone[i] = !paired;
            word->first[i] = paired ? 0 : word->first[i];
        }
    }
}

static uint32_t lower(uint32_t a, uint32_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* What both must show after they met: the newer one, unless both were told something. */
static uint32_t met(const struct sim_word *word)
{
    uint32_t low = 0;

    for (int i = 0; i < SIM_UNITS; i++) {
        if (word->alone[i]) {
            low = lower(low, word->low[i]);
            low = word->alone[1 - i] ? low : lower(low, word->maybe[1 - i]);
        }
    }
    return low != 0 ? low : lower(word->low[0], word->low[1]);
}

void sim_manage_held_paired(struct sim *sim)
{
    for (int kind = 0; kind < WORD_KINDS; kind++) {
        struct sim_word *word = &sim->words[kind];
        uint32_t low = met(word);

        for (int i = 0; i < SIM_UNITS; i++) {
            word->low[i] = low;
            word->alone[i] = false;
            word->first[i] = word->maybe[i]; /* that may be done yet */
        }
    }
}

/* A meeting may break off behind this: what this unit was told, the source has adopted, unless it was told something
 * itself since both held the same - whichever of its words its ledger had when it was given away. */
void sim_manage_held_taken(struct sim *sim, int index)
{
    for (int kind = 0; kind < WORD_KINDS; kind++) {
        struct sim_word *word = &sim->words[kind];

        if (word->low[index] != 0) {
            word->low[index] = lower(word->low[index], word->first[1 - index]);
        }
    }
}

void sim_manage_held_lost(struct sim *sim, int index)
{
    for (int kind = 0; kind < WORD_KINDS; kind++) {
        sim->words[kind].low[index] = 0;
        sim->words[kind].alone[index] = false;
    }
}

void sim_manage_held_given(struct sim *sim, int index)
{
    for (int kind = 0; kind < WORD_KINDS; kind++) {
        struct sim_word *word = &sim->words[kind];

        word->low[1 - index] = met(word);
        word->alone[1 - index] = true;
        word->low[index] = 0;
        word->alone[index] = false;
        word->first[index] = 0;
    }
}

void sim_manage_exchanged(struct sim *sim)
{
    for (int kind = 0; kind < WORD_KINDS; kind++) {
        struct sim_word before = sim->words[kind];

        for (int i = 0; i < SIM_UNITS; i++) {
            sim->words[kind].low[i] = before.low[1 - i];
            sim->words[kind].maybe[i] = before.maybe[1 - i];
            sim->words[kind].first[i] = before.first[1 - i];
            sim->words[kind].alone[i] = before.alone[1 - i];
        }
    }
}

/* A paper for staff. Nobody's ticket can be found by it. */
void sim_manage_paper(struct unit *unit, const struct api_print *print)
{
    struct sim *sim = unit->sim;
    const char *at = strstr(print->text, "lsn ");
    char head[HEAD_BYTES * 3], *end = head;
    uint64_t lsn;

    if (at == NULL) {
        sim->result->lists++;
        return;
    }
    lsn = strtoull(at + strlen("lsn "), NULL, 10);
    if (lsn != print->lsn || lsn >= SIM_LSN_MAX) {
        sim_fail(sim, "managers: a slip of entry %llu says %llu", (unsigned long long)print->lsn,
                 (unsigned long long)lsn);
        return;
    }
    for (int i = 0; i < HEAD_BYTES; i += 2) {
        end +=
            sprintf(end, "%02x%02x ", unit->stored[lsn].bytes[i], unit->stored[lsn].bytes[i + 1]);
    }
    if (strstr(print->text, head) == NULL) {
        sim_fail(sim, "managers: the slip of entry %llu has another head than the ledger",
                 (unsigned long long)lsn);
    }
    sim->result->slips++;
}
