/* Another configuration while a day goes on: what it may not touch, so that nobody's number becomes another's. */
#include "appliance/queue/queue.h"

#include "appliance/queue/queue_parts.h"

#include <string.h>

static uint16_t highest_of(const struct queue_category *category)
{
    return category->plain_highest > category->letter_highest ? category->plain_highest
                                                              : category->letter_highest;
}

static const struct queue_category_config *category_in(const struct queue_config *config,
                                                       uint16_t id)
{
    for (int i = 0; i < config->category_count; i++) {
        if (config->categories[i].id == id) {
            return &config->categories[i];
        }
    }
    return NULL;
}

static bool has_counter(const struct queue_config *config, uint16_t id)
{
    for (int i = 0; i < config->counter_count; i++) {
        if (config->counters[i].id == id) {
            return true;
        }
    }
    return false;
}

static bool clash(struct queue_clash *ret_clash, enum queue_clash_kind kind, uint16_t id,
                  uint16_t number)
{
    *ret_clash = (struct queue_clash){.kind = kind, .id = id, .number = number};
    return false;
}

/* Numbers given today count in totals and stand on papers; reserved ones may (DESIGN 3 rules 4 and 5). */
static bool category_fits(const struct queue *queue, int slot, const struct queue_config *next,
                          struct queue_clash *ret_clash)
{
    const struct queue_category *row = &queue->categories[slot];
    const struct queue_category_config *now = &queue->config.categories[slot];
    const struct queue_category_config *then = category_in(next, now->id);
    uint16_t highest = highest_of(row);
    uint16_t reserved = row->ceiling > highest ? row->ceiling : highest;

    if (then == NULL) {
        /* Added again later on the same day it would begin anew, below what the record holds as reserved. */
        return reserved == 0 || clash(ret_clash, QUEUE_CLASH_CATEGORY_USED, now->id, reserved);
    }
    if (reserved != 0 && then->number_first != now->number_first) {
        return clash(ret_clash, QUEUE_CLASH_NUMBERS_MOVED, now->id, now->number_first);
    }
    if (reserved > then->number_last) {
        return clash(ret_clash, QUEUE_CLASH_NUMBERS_USED, now->id, reserved);
    }
    return true;
}

/* A ticket of any state: also one that has ended is told about, counted, and may be reprinted. */
static bool ticket_fits(const struct queue_ticket *ticket, const struct queue_config *next,
                        struct queue_clash *ret_clash)
{
    const struct queue_category_config *then;

    if (category_in(next, ticket->category) == NULL) {
        return clash(ret_clash, QUEUE_CLASH_CATEGORY_USED, ticket->category, ticket->number);
    }
    for (int i = 0; i < ticket->leg_count; i++) {
        if (category_in(next, ticket->legs[i].category) == NULL) {
            return clash(ret_clash, QUEUE_CLASH_CATEGORY_USED, ticket->legs[i].category,
                         ticket->number);
        }
    }
    for (int i = 0; i < ticket->plan_count; i++) {
        if (category_in(next, ticket->plan[i]) == NULL) {
            return clash(ret_clash, QUEUE_CLASH_CATEGORY_USED, ticket->plan[i], ticket->number);
        }
    }
    if (ticket->delivery == QUEUE_DELIVERY_HAND) {
        for (int i = 0; i < next->category_count; i++) {
            then = &next->categories[i];
            if (then->number_first <= ticket->number && ticket->number <= then->number_last) {
                return clash(ret_clash, QUEUE_CLASH_NUMBERS_USED, then->id, ticket->number);
            }
        }
    }
    return true;
}

static bool counters_fit(const struct queue *queue, const struct queue_config *next,
                         struct queue_clash *ret_clash)
{
    for (int i = 0; i < queue->config.counter_count; i++) {
        const struct queue_counter *counter = &queue->counters[i];

        if (!has_counter(next, counter->id) &&
            (counter->open != 0 || !ids_token_is_zero(&counter->ticket))) {
            return clash(ret_clash, QUEUE_CLASH_COUNTER_OPEN, counter->id, 0);
        }
    }
    for (uint32_t at = 0; at < queue->ticket_count; at++) {
        const struct queue_ticket *ticket = &queue->tickets[at];
        uint16_t bound = ticket->for_counter != 0 ? ticket->for_counter : ticket->hold_owner;

        if (bound != 0 && queue_ticket_is_live(ticket->state) && !has_counter(next, bound)) {
            return clash(ret_clash, QUEUE_CLASH_COUNTER_WAITED_FOR, bound, ticket->number);
        }
    }
    return true;
}

bool queue_config_fits(const struct queue *queue, const struct queue_config *next,
                       struct queue_clash *ret_clash)
{
    bool any = false;

    *ret_clash = (struct queue_clash){.kind = QUEUE_CLASH_NONE};
    if (queue_numbers_are_over(queue)) {
        return true; /* the next date begins afresh */
    }
    for (int slot = 0; slot < queue->config.category_count; slot++) {
        any = any || highest_of(&queue->categories[slot]) != 0;
        if (!category_fits(queue, slot, next, ret_clash)) {
            return false;
        }
    }
    if (any && (queue->config.skip_count != next->skip_count ||
                memcmp(queue->config.skips, next->skips, sizeof(next->skips)) != 0)) {
        return clash(ret_clash, QUEUE_CLASH_SKIPS, 0, 0); /* gaps of today are counted by them */
    }
    for (uint32_t at = 0; at < queue->ticket_count; at++) {
        if (!ticket_fits(&queue->tickets[at], next, ret_clash)) {
            return false;
        }
    }
    return counters_fit(queue, next, ret_clash);
}
