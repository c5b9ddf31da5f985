/*
 * What staff and managers say of visits, and what must hold of visits whatever fails meanwhile: who is held comes
 * back when the time is over, a limit is the office's, and 106 and 106B are not called within a minute.
 */
#include "tests/sim/sim_internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    OVERDUE_TICKS_MAX = 5,
    LOOKS_EACH_MS = 2000, /* the unit that serves, for holds whose time is over */
    SERVING_FOR_MS = 3000,
    TWIN_MS = 60000,
    JAPAN_MS = 9 * 3600 * 1000,
    DAY_MS = 24 * 3600 * 1000,
    NOW_MS = 5000,
    SECOND_SERVICE_ONE_IN = 10,
    STOP_ONE_IN = 4, /* of a manager's presses */
    TIME_AT = 11,    /* in 2026-11-24T09:11:00.000+09:00 */
};

/* The last numbers of each category's range are for staff's hands. */
uint16_t sim_hand_first(int category)
{
    return (uint16_t)(category * NUMBERS_OF_CATEGORY - SIM_HAND_COUNT);
}

static void any_place(struct sim *sim, struct api_more *more)
{
    more->place = (uint8_t)sim_below(sim, QUEUE_PLACE_AFTER + 1);
    more->after = more->place == QUEUE_PLACE_AFTER ? (uint8_t)(1 + sim_below(sim, 4)) : 0;
}

void sim_visit_press(struct sim *sim, struct client *client, int index)
{
    struct api_more *more = &client->more;

    if (client->action == QUEUE_TRANSFER) {
        client->category = (uint16_t)(1 + sim_below(sim, CATEGORIES));
        if (sim_below(sim, 3) == 0) {
            more->to_counter = (uint16_t)(1 + sim_below(sim, COUNTERS));
        }
        any_place(sim, more);
    } else if (client->action == QUEUE_RETURN) {
        any_place(sim, more);
    } else if (client->action == QUEUE_HOLD) {
        more->hold_reason = (uint8_t)sim_below(sim, QUEUE_HOLD_INQUIRY + 1);
        more->hold_minutes = sim_below(sim, 3) == 0 ? 0 : 1;
        more->to_pool = sim_below(sim, 2) == 0;
    } else if (client->action == QUEUE_PLAN) {
        more->plan_count = 1;
        more->plan[0] = (uint16_t)(1 + sim_below(sim, CATEGORIES));
    } else if (client->action == QUEUE_NOTE) {
        more->has_note = 1;
        (void)strcpy(more->note, "n");
        more->assist = (uint8_t)sim_below(sim, 3);
    } else if (client->action == QUEUE_ENTER_MANUAL) {
        client->category = (uint16_t)(1 + sim_below(sim, CATEGORIES));
        client->number =
            (uint16_t)(sim_hand_first(client->category) + (int)sim_below(sim, SIM_HAND_COUNT));
        more->served = sim_below(sim, 2) == 0;
        client->counter = 0;
    } else if (client->action == QUEUE_SUSPEND) {
        client->action = sim_below(sim, STOP_ONE_IN) == 0 ? QUEUE_SUSPEND : QUEUE_RESUME;
        client->category = SIM_STOPPED_CATEGORY;
        client->counter = 0;
    }
    (void)index;
}

void sim_visit_issue(struct sim *sim, struct client *client)
{
    if (sim_below(sim, SECOND_SERVICE_ONE_IN) == 0) {
        client->more.plan_count = 1;
        client->more.plan[0] = (uint16_t)(1 + sim_below(sim, CATEGORIES));
    }
}

static const struct queue_ticket *overdue(const struct queue *queue, int64_t wall_ms)
{
    for (uint32_t i = 0; i < queue->ticket_count; i++) {
        const struct queue_ticket *ticket = &queue->tickets[i];

        if (ticket->state == QUEUE_HELD && ticket->hold_until_ms != 0 &&
            ticket->hold_until_ms < wall_ms) {
            return ticket;
        }
    }
    return NULL;
}

/* A hold ends by itself, at whichever unit serves: takeover, restart and meeting lose none. The hands of a clock may
 * jump: then it looks a little later. */
static void judge_holds(struct sim *sim, struct unit *unit)
{
    const struct queue_ticket *ticket =
        overdue(engine_queue(unit->engine), sim_unit_wall_ms(unit) - LOOKS_EACH_MS);

    unit->overdue_ticks = ticket == NULL ? 0 : unit->overdue_ticks + 1;
    if (unit->overdue_ticks > OVERDUE_TICKS_MAX) {
        sim_fail(sim, "visits: %u is held at unit %d, and its time was over %d s ago",
                 ticket->number, unit->index + 1, OVERDUE_TICKS_MAX);
    }
}

/* Whoever calls knows of all calls, and how long ago they were. */
static bool minutes_are_known(const struct sim *sim)
{
    return sim_is_paired(sim) && sim_clock_is_right(&sim->units[0]) &&
           sim_clock_is_right(&sim->units[1]);
}

void judge_visits(struct sim *sim)
{
    if (!minutes_are_known(sim)) {
        sim->unpaired_ms = sim->now_ms;
    }
    for (int i = 0; i < SIM_UNITS; i++) {
        struct unit *unit = &sim->units[i];
        bool serves = unit->up && unit->paused_until_ms <= sim->now_ms &&
                      duty_serves(engine_duty(unit->engine)) != DUTY_SERVE_NOT &&
                      unit->disk_ms_max <= DISK_MS_USUAL &&
                      engine_queue(unit->engine)->day.state == QUEUE_DAY_OPEN;

        if (!serves) {
            unit->serving_since_ms = 0;
            unit->overdue_ticks = 0;
        } else if (unit->serving_since_ms == 0) {
            unit->serving_since_ms = sim->now_ms;
        } else if (sim->now_ms - unit->serving_since_ms > SERVING_FOR_MS) {
            judge_holds(sim, unit);
        }
    }
}

/* Paired, a unit knows of every ticket that anybody was handed, whoever gave it. */
void judge_limit(struct sim *sim, const struct seen_ticket *seen, const struct unit *unit)
{
    size_t count = 0;

    if (seen->category != SIM_LIMITED_CATEGORY || seen->series[0] != '\0' ||
        duty_serves(engine_duty(unit->engine)) != DUTY_SERVE_PLAIN) {
        return;
    }
    for (size_t i = 0; i < sim->ticket_count; i++) {
        const struct seen_ticket *other = &sim->tickets[i];

        count += other != seen && other->category == SIM_LIMITED_CATEGORY && other->held_by != 0 &&
                 strcmp(other->day, seen->day) == 0;
    }
    /* Those that were asked for together are answered together, in any order. */
    if (count >= SIM_DAILY_LIMIT + SIM_CLIENTS) {
        sim_fail(sim, "visits: %s is ticket %zu of a category with a limit of %d", seen->display,
                 count + 1, SIM_DAILY_LIMIT);
    }
}

static int64_t ms_of_day(const char *body)
{
    static const char name[] = "\"called_at\":\"";
    const char *at = strstr(body, name);

    if (at == NULL) {
        return -1;
    }
    at += strlen(name) + TIME_AT; /* 09:11:00.000 */
    return ((strtol(at, NULL, 10) * 60 + strtol(at + 3, NULL, 10)) * 60 +
            strtol(at + 6, NULL, 10)) *
               1000 +
           strtol(at + 9, NULL, 10);
}

/* By a clock that stands wrong nobody can tell what a minute is; and an old press answered again says an old time. */
static bool is_now(const struct sim *sim, int64_t at_ms)
{
    int64_t apart_ms = at_ms - (sim_wall_ms(sim) + JAPAN_MS) % DAY_MS;

    return apart_ms > -NOW_MS && apart_ms < NOW_MS;
}

/* Said of one call after another of whoever is told of them: behind a cut nobody knows of both. */
void judge_call_time(struct sim *sim, const char *body)
{
    static const char name[] = "\"display\":\"", called[] = "\"state\":\"CALLED\"";
    const char *display = strstr(body, name);
    int64_t at_ms = ms_of_day(body), apart_ms;
    uint32_t hash = 2166136261U, number;
    struct sim_called *last;

    if ((strstr(body, "\"action\":\"CALL") == NULL &&
         strstr(body, "\"action\":\"RECALL") == NULL) ||
        display == NULL || at_ms < 0 || strstr(body, called) == NULL || !is_now(sim, at_ms)) {
        return;
    }
    display += strlen(name);
    number = (uint32_t)strtoul(display, NULL, 10);
    CHECK(number <= QUEUE_NUMBER_MAX);
    for (const char *at = display; *at != '"'; at++) {
        hash = (hash ^ (uint8_t)*at) * 16777619U;
    }
    last = &sim->called[number];
    apart_ms = at_ms - last->at_ms;
    if (!minutes_are_known(sim)) {
        sim->unpaired_ms = sim->now_ms;
    } else if (last->display != 0 && last->display != hash && last->heard_ms > sim->unpaired_ms &&
               apart_ms > -TWIN_MS && apart_ms < TWIN_MS) {
        sim_fail(sim, "visits: %.8s is called %lld ms after the same number of another series",
                 display, (long long)apart_ms);
    }
    *last = (struct sim_called){.display = hash, .at_ms = at_ms, .heard_ms = sim->now_ms};
}
