/*
 * A printer and its driver at each unit, and what visitors hold in their hands. The driver is the one of appliance/
 * devices as toband sees it: orders in, outcomes out. A paper is judged by what stands on it (promise 1: no other
 * ticket of that day, category and display, on any paper or in any answer) and by what it says of itself: of one
 * ticket printers get bytes of one original, whoever dies in between (DESIGN 3 rule 4).
 *
 * What printers do is drawn by a hash of the order, not by the run's own generator: a paper more or less moves nothing
 * else of a seed.
 */
#include "tests/sim/sim_internal.h"

#include "appliance/devices/paper/paper.h"
#include "appliance/devices/printer/printer.h"

#include <stdio.h>
#include <string.h>

enum {
    PRINTER = 2005, /* and 2006: the driver at each unit */
    PRINT_MS_MIN = 300,
    PRINT_MS_SPREAD = 1200,
    PERCENT = 100,
    PRINTED_UP_TO = 84,   /* of a hundred papers; then: */
    FAILED_UP_TO = 89,    /* the printer says that it could not */
    UNKNOWN_UP_TO = 93,   /* nobody knows */
    UNTOUCHED_UP_TO = 97, /* it got no byte of it; the rest is never heard of again */
    DRIVER_DIES_ONE_IN = 50,
    PAPER_ENDS_ONE_IN = 60,
    PAPER_COMES_ONE_IN = 4,
    ISSUING_MS_MAX =
        40000, /* the engine's bound for a job, and what it takes until somebody serves again */
};

/* Which way it goes, the same in every run of this seed. */
static uint64_t chance(const struct sim *sim, uint64_t a, uint64_t b)
{
    uint64_t x = sim->options.seed * 0x9E3779B97F4A7C15ULL ^ a * 0xBF58476D1CE4E5B9ULL ^
                 b * 0x94D049BB133111EBULL;

    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ x >> 27) * 0x94D049BB133111EBULL;
    return (x ^ x >> 31) >> 11;
}

/* The first paper with this number, or the free place. */
static uint16_t *number_slot(struct sim *sim, const struct api_print *print)
{
    uint32_t at = print->number * 2654435761U ^ print->date * 40503U;

    for (const char *letter = print->series; *letter != '\0'; letter++) {
        at = (at ^ (uint8_t)*letter) * 16777619U;
    }
    for (;; at++) {
        uint16_t *slot = &sim->by_number[at % SIM_INDEX_SIZE];
        const struct sim_paper *paper = &sim->papers[*slot - 1];

        if (*slot == 0 || (paper->number == print->number && paper->date == print->date &&
                           strcmp(paper->series, print->series) == 0)) {
            return slot;
        }
    }
}

/* Numbers of categories do not overlap, so number, letter and day are one ticket. */
static struct sim_paper *judge_number(struct sim *sim, const struct api_print *print)
{
    uint16_t *slot = number_slot(sim, print);
    char id[IDS_TOKEN_TEXT_BYTES];
    struct sim_paper *paper;

    ids_token_to_text(&print->ticket, id);
    if (*slot != 0) {
        paper = &sim->papers[*slot - 1];
        if (strcmp(paper->id, id) != 0) {
            sim_fail(sim, "promise 1: two papers say %u%s (ids %.8s, %.8s)", print->number,
                     print->series, paper->id, id);
        }
        return paper;
    }
    CHECK(sim->paper_count < SIM_TICKETS_MAX);
    paper = &sim->papers[sim->paper_count++];
    *slot = (uint16_t)sim->paper_count;
    memcpy(paper->id, id, sizeof(paper->id));
    paper->number = print->number;
    paper->date = print->date;
    memcpy(paper->series, print->series, sizeof(paper->series));
    for (size_t i = sim->ticket_count; i > 0 && i + 64 > sim->ticket_count; i--) {
        const struct seen_ticket *seen = &sim->tickets[i - 1]; /* it was answered just before */

        if (seen->number == print->number && strcmp(seen->series, print->series) == 0 &&
            strcmp(seen->day, sim->today) == 0 && strcmp(seen->id, id) != 0) {
            sim_fail(sim, "promise 1: %u%s was answered as %.8s and printed as %.8s", print->number,
                     print->series, seen->id, id);
        }
    }
    return paper;
}

void sim_print(struct unit *unit, const uint8_t *frame, size_t len_bytes)
{
    struct sim *sim = unit->sim;
    struct api_print print;
    struct sim_paper *paper;
    uint64_t how;

    if (!api_print_decode(frame, len_bytes, &print)) {
        sim_fail(sim, "a printer was sent what is no order");
        return;
    }
    judge_leaves(unit, print.lsn, duty_serves(engine_duty(unit->engine)) == DUTY_SERVE_PLAIN,
                 "a paper");
    if (print.kind == PAPER_REPORT) {
        sim_manage_paper(unit, &print);
    }
    how = chance(sim, print.order, unit->generation << 1 | (uint64_t)unit->index) % PERCENT;
    sim->result->papers++;
    paper = print.kind == PAPER_REPORT ? NULL : judge_number(sim, &print);
    if (print.kind == PAPER_ORIGINAL && !(how >= UNKNOWN_UP_TO && how < UNTOUCHED_UP_TO) &&
        ++paper->originals > 1) {
        sim_fail(sim, "promise 1: two originals of %u%s were begun", print.number, print.series);
    }
    sim_push(sim, (struct item){.at_ms = sim->now_ms + PRINT_MS_MIN +
                                         chance(sim, print.order, 7) % PRINT_MS_SPREAD,
                                .kind = ITEM_PRINT,
                                .unit = unit->index,
                                .generation = unit->generation,
                                .a = (int)print.order,
                                .b = (int)how});
}

void sim_print_end(struct sim *sim, const struct item *item)
{
    struct unit *unit = &sim->units[item->unit];
    struct api_print_done done = {
        .order = (uint64_t)item->a, .printer = 1, .cuts = 1, .height_dots = 1100};
    uint8_t frame[API_REQUEST_BYTES_MAX];
    struct engine_event event = {.kind = ENGINE_REQUEST};

    if (!unit->up || unit->generation != item->generation || item->b >= UNTOUCHED_UP_TO ||
        unit->paused_until_ms > sim->now_ms) {
        return; /* whom it would be told of is gone, or it is never told */
    }
    done.outcome = item->b < PRINTED_UP_TO   ? PRINTER_PRINTED
                   : item->b < FAILED_UP_TO  ? PRINTER_FAILED
                   : item->b < UNKNOWN_UP_TO ? PRINTER_UNKNOWN
                                             : PRINTER_UNTOUCHED;
    event.request.client = (uint64_t)PRINTER + (uint64_t)item->unit;
    event.request.bytes = frame;
    event.request.len_bytes = api_print_done_encode(&done, frame, sizeof(frame));
    sim_deliver(sim, item->unit, &event);
}

static void tell_level(struct sim *sim, struct unit *unit)
{
    struct api_printers level = {
        .count = 1, .list = {{.id = 1, .condition = unit->printer_condition, .roll_mm = 80000}}};
    uint8_t frame[API_REQUEST_BYTES_MAX];
    struct engine_event event = {.kind = ENGINE_REQUEST};

    event.request.client = (uint64_t)PRINTER + (uint64_t)unit->index;
    event.request.bytes = frame;
    event.request.len_bytes = api_printers_encode(&level, frame, sizeof(frame));
    sim_deliver(sim, unit->index, &event);
}

static void look_after(struct sim *sim, struct unit *unit)
{
    uint64_t luck = chance(sim, sim->now_ms, (uint64_t)unit->index + 11);

    if (unit->printer_generation != unit->generation) {
        unit->printer_generation = unit->generation;
        unit->printer_condition = PRINTER_READY;
        tell_level(sim, unit);
    } else if (luck % DRIVER_DIES_ONE_IN == 0) {
        struct engine_event event = {.kind = ENGINE_CLIENT_GONE,
                                     .client = (uint64_t)PRINTER + (uint64_t)unit->index};

        unit->printer_generation = 0;
        sim_deliver(sim, unit->index, &event);
    } else if (unit->printer_condition == PRINTER_READY ? luck / 64 % PAPER_ENDS_ONE_IN == 0
                                                        : luck / 64 % PAPER_COMES_ONE_IN == 0) {
        unit->printer_condition =
            unit->printer_condition == PRINTER_READY ? PRINTER_PAPER_END : PRINTER_READY;
        tell_level(sim, unit);
    }
}

void sim_printers(struct sim *sim)
{
    for (int i = 0; i < SIM_UNITS; i++) {
        struct unit *unit = &sim->units[i];

        if (unit->up && unit->paused_until_ms <= sim->now_ms) {
            look_after(sim, unit);
        }
    }
}

/* A ticket that waits for its paper is called by nobody. By the simulator's own time: nights are skipped, and clocks
 * are wrong. */
void judge_papers(struct sim *sim)
{
    for (int i = 0; i < SIM_UNITS; i++) {
        struct unit *unit = &sim->units[i];
        bool serves = unit->up && unit->paused_until_ms <= sim->now_ms &&
                      unit->working_since_ms != 0 &&
                      duty_serves(engine_duty(unit->engine)) != DUTY_SERVE_NOT;

        for (uint16_t category = 1; category <= CATEGORIES; category++) {
            struct sim_issuing *issuing = &unit->issuing[category - 1];
            const struct queue_ticket *ticket =
                serves ? queue_line_first(engine_queue(unit->engine), category, QUEUE_ISSUING)
                       : NULL;

            if (ticket == NULL) {
                *issuing = (struct sim_issuing){0};
            } else if (!ids_token_equal(&issuing->ticket, &ticket->id)) {
                *issuing = (struct sim_issuing){.ticket = ticket->id, .since_ms = sim->now_ms};
            } else if (sim->now_ms - issuing->since_ms > ISSUING_MS_MAX) {
                sim_fail(sim, "%u waits for its paper for %llu s, and no staff see it",
                         ticket->number,
                         (unsigned long long)(sim->now_ms - issuing->since_ms) / 1000);
            }
        }
    }
}
