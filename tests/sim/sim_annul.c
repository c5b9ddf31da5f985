/*
 * An administrator who annuls the service day in the middle of it, as opened by mistake (adr/0014), and some seconds
 * later opens the same date again: in one seed of SEEDS_EACH, at any time between two faults. Whoever had a number is
 * sent away then, so nothing is asked of those tickets any more, but that none of their numbers is given again.
 *
 * The oracles: while both disks hold the annulment, and nobody has opened a day, no unit gives a ticket or tells a call
 * that is newer than it (promise 8); a unit whose day stands annulled holds no visitor, no key and no open counter. The
 * numbers of the annulled opening are no gap of what opens after it (judge_gaps).
 *
 * Draws from a generator of its own, so that the rest of a seed stays what it was.
 */
#include "tests/sim/sim_internal.h"

#include <string.h>

enum {
    SEEDS_EACH = 8,
    SEED_AT = 3,
    ANSWER_WITHIN_MS = 4000,
    NOT_BEFORE_MS = 9000,
    LASTS_MS_MIN = 2000,
    LASTS_MS_SPREAD = 7000,
    SOME_TICKETS = 30,
    STATUS_OK = 200,
    STATUS_CONFLICT = 409,
};

static uint64_t draw(const struct sim *sim, uint64_t what)
{
    uint64_t x = (sim->options.seed + (sim->options.world << 32)) * 0x9E3779B97F4A7C15ULL + what;

    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ x >> 27) * 0x94D049BB133111EBULL;
    return (x ^ x >> 31) >> 11;
}

bool sim_annul_is_on(const struct sim *sim)
{
    return sim->annul.step != SIM_ANNUL_NOT_YET && sim->annul.step != SIM_ANNUL_OVER;
}

bool sim_annul_was(const struct sim *sim)
{
    return sim->annul.step != SIM_ANNUL_NOT_YET;
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

static void ask(struct sim *sim, enum api_control_what what, const char *text)
{
    struct api_request request = {.type = API_CONTROL, .id = ++sim->annul.request_id};
    uint8_t frame[API_REQUEST_BYTES_MAX];
    struct engine_event event = {.kind = ENGINE_REQUEST};
    int target = holder(sim);

    sim->annul.asked_ms = sim->now_ms;
    if (target < 0) {
        return; /* asked again when it is time */
    }
    request.control.what = (uint8_t)what;
    request.control.actor = API_ACTOR_ADMINISTRATOR;
    (void)strcpy(request.control.text, text);
    event.request.client = SIM_ANNUL_CLIENT;
    event.request.bytes = frame;
    event.request.len_bytes = api_request_encode(&request, frame, sizeof(frame));
    CHECK(event.request.len_bytes > 0);
    sim_story(sim, "an administrator asks unit %d: %s", target + 1,
              what == API_CONTROL_DAY_ANNUL ? "annul the day" : "open it again");
    sim_deliver(sim, target, &event);
}

/* Whoever has a number is sent home. */
static void send_home(struct sim *sim)
{
    for (size_t i = 0; i < sim->ticket_count; i++) {
        sim->tickets[i].held_by = 0;
        sim->tickets[i].in_box = 0;
    }
    memset(sim->expected, 0, sizeof(sim->expected));
    sim->ticket_ms = sim->unpaired_ms =
        sim->now_ms; /* 106 is called, and nobody knows of 106B any more */
}

/* It stands annulled on both disks, or on a unit that no meeting has reached since. */
static bool stands_annulled(const struct sim *sim, const struct unit *unit)
{
    const struct sim_annul *annul = &sim->annul;

    return annul->step == SIM_ANNUL_STANDS && annul->paired && unit->lost_ms < annul->answered_ms &&
           sim->units[1 - unit->index].lost_ms < annul->answered_ms;
}

void judge_annulled(struct unit *unit, uint64_t lsn, const char *what)
{
    struct sim *sim = unit->sim;

    if ((stands_annulled(sim, unit) && lsn > sim->annul.lsn) || sim_spoils(sim, SPOIL_ANNULLED)) {
        sim_fail(sim, "promise 8: unit %d tells %s at lsn %llu, and the day was annulled at %llu",
                 unit->index + 1, what, (unsigned long long)lsn,
                 (unsigned long long)sim->annul.lsn);
    }
}

static void judge_nobody_is_left(struct sim *sim)
{
    for (int i = 0; i < SIM_UNITS; i++) {
        const struct queue *queue;
        size_t open = 0;

        if (!sim->units[i].up) {
            continue;
        }
        queue = engine_queue(sim->units[i].engine);
        if (queue->day.state != QUEUE_DAY_ANNULLED) {
            continue;
        }
        for (size_t counter = 0; counter < queue->config.counter_count; counter++) {
            open += queue->counters[counter].open;
        }
        if (queue->ticket_count != 0 || queue->key_count != 0 || open != 0) {
            sim_fail(sim,
                     "promise 8: unit %d calls its day annulled, and has %u tickets, %u keys, %zu "
                     "counters",
                     i + 1, queue->ticket_count, queue->key_count, open);
        }
        sim->result->annulled_seen++;
    }
}

/* Not while a clock is wrong: the date that it would open then is another story (KNOWN_FAILURES). */
static bool is_time(const struct sim *sim)
{
    uint64_t at_ms =
        NOT_BEFORE_MS +
        draw(sim, 1) % (sim->healed_ms > NOT_BEFORE_MS ? sim->healed_ms - NOT_BEFORE_MS : 1);
    bool chosen = sim->options.seed % SEEDS_EACH == SEED_AT || sim->options.spoil == SPOIL_ANNULLED;

    return chosen && sim->now_ms >= at_ms && sim->ticket_count >= SOME_TICKETS &&
           holder(sim) >= 0 && sim_clock_is_right(&sim->units[0]) &&
           sim_clock_is_right(&sim->units[1]);
}

/* As its pages say it. */
static bool stands_annulled_at(const struct sim *sim, int unit)
{
    return unit >= 0 && engine_queue(sim->units[unit].engine)->day.state == QUEUE_DAY_ANNULLED;
}

void sim_annul_turn(struct sim *sim)
{
    struct sim_annul *annul = &sim->annul;

    judge_nobody_is_left(sim);
    if (sim->phase != PHASE_DAY || sim->closed) {
        return;
    }
    switch (annul->step) {
    case SIM_ANNUL_NOT_YET:
        if (is_time(sim)) {
            annul->step = SIM_ANNUL_ASKED;
            send_home(sim);
            ask(sim, API_CONTROL_DAY_ANNUL, "");
        }
        break;
    case SIM_ANNUL_ASKED:
        send_home(sim);
        if (sim->now_ms - annul->asked_ms > ANSWER_WITHIN_MS) {
            ask(sim, API_CONTROL_DAY_ANNUL, "");
        }
        break;
    case SIM_ANNUL_STANDS:
        send_home(sim);
        if (sim->now_ms - annul->answered_ms > LASTS_MS_MIN + draw(sim, 2) % LASTS_MS_SPREAD) {
            annul->step = SIM_ANNUL_OPENING;
            ask(sim, API_CONTROL_DAY_OPEN, sim->today);
        }
        break;
    case SIM_ANNUL_OPENING:
        sim->ticket_ms = sim->now_ms;
        if (sim->now_ms - annul->asked_ms > ANSWER_WITHIN_MS) {
            ask(sim, API_CONTROL_DAY_OPEN, sim->today);
        }
        break;
    case SIM_ANNUL_OVER: /* whoever serves now may not know that it was opened again */
        if (stands_annulled_at(sim, holder(sim))) {
            annul->step = SIM_ANNUL_OPENING;
            ask(sim, API_CONTROL_DAY_OPEN, sim->today);
        }
        break;
    }
}

void sim_annul_reply(struct unit *unit, uint32_t id, uint16_t status, uint64_t lsn)
{
    struct sim *sim = unit->sim;
    struct sim_annul *annul = &sim->annul;

    if (id != annul->request_id || (status != STATUS_OK && status != STATUS_CONFLICT)) {
        return; /* asked again */
    }
    if (annul->step == SIM_ANNUL_ASKED) { /* CONFLICT: it had been done, and the answer was lost */
        send_home(sim);
        annul->step = SIM_ANNUL_STANDS;
        annul->answered_ms = sim->now_ms;
        annul->lsn = lsn;
        annul->paired = engine_duty(unit->engine)->state == DUTY_PAIRED_DUTY;
        sim->result->annulled++;
    } else if (annul->step == SIM_ANNUL_OPENING) {
        annul->step = SIM_ANNUL_OVER;
        sim->ticket_ms = sim->now_ms;
    }
}
