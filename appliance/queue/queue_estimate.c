/* The wait estimate: the queue played forward as the counters will (field-queue.md 6). */
#include "appliance/queue/queue.h"

#include "appliance/queue/queue_parts.h"

#include "base/check.h"

#include <string.h>

enum {
    /* Up to so many tickets a counter are played one by one: longer than the longest wait that
     * anyone is told exactly. Beyond, they are played in batches, so that the cost stays bounded.
     */
    PLAYED_SINGLY_PER_COUNTER = 16,
    MS_PER_S = 1000,
    PERCENTILE = 95,
    HUNDRED = 100,
    LATE_SHARE = 4, /* a counter past its mean needs another quarter of it */
};

struct cursor {
    uint32_t left;    /* tickets not yet played */
    uint32_t held;    /* the next one's position + 1 in the line; 0: past what is known singly */
    int64_t order_ms; /* the next one's place */
    int64_t step_ms;  /* between places, when played in batches */
};

struct play {
    const struct queue *queue;
    int64_t now_ms;
    uint32_t batch;
    bool active[QUEUE_COUNTERS_MAX];
    int64_t free_ms[QUEUE_COUNTERS_MAX]; /* from now */
    struct cursor cursors[QUEUE_CATEGORIES_MAX];
};

static uint32_t service_duration_ms(const struct queue_ticket *ticket)
{
    int64_t length_ms = ticket->ended_ms - ticket->called_ms;

    if (length_ms < 0) {
        return 0;
    }
    return length_ms > QUEUE_DURATION_MS_MAX ? QUEUE_DURATION_MS_MAX : (uint32_t)length_ms;
}

uint32_t queue_service_measure(const struct queue *queue, int slot)
{
    uint32_t sorted_ms[QUEUE_SERVICES_REMEMBERED];
    uint32_t held = queue->lines[1 + (uint32_t)slot * QUEUE_LINE_COUNT + QUEUE_LINE_SERVED].last;
    uint64_t sum_ms =
        (uint64_t)queue->config.categories[slot].service_ms_prior * QUEUE_SERVICE_PRIOR_WEIGHT;
    uint32_t count = 0;
    uint32_t longest_ms;

    for (; held != 0 && count < QUEUE_SERVICES_REMEMBERED; count++) {
        uint32_t length_ms = service_duration_ms(&queue->tickets[held - 1]);
        uint32_t at = count;

        for (; at > 0 && sorted_ms[at - 1] > length_ms; at--) {
            sorted_ms[at] = sorted_ms[at - 1];
        }
        sorted_ms[at] = length_ms;
        held = queue->line_links[held - 1].before;
    }
    if (count == 0) {
        return queue->config.categories[slot].service_ms_prior;
    }
    /* Nearest rank: one forgotten "complete" over lunch does not lengthen the afternoon. */
    longest_ms = sorted_ms[(count * PERCENTILE + HUNDRED - 1) / HUNDRED - 1];
    for (uint32_t i = 0; i < count; i++) {
        sum_ms += sorted_ms[i] < longest_ms ? sorted_ms[i] : longest_ms;
    }
    return (uint32_t)(sum_ms / (count + QUEUE_SERVICE_PRIOR_WEIGHT));
}

static int64_t counter_free_ms(const struct queue *queue, int counter_slot, int64_t now_ms)
{
    const struct queue_ticket *ticket =
        queue_ticket_find(queue, &queue->counters[counter_slot].ticket);
    int slot = ticket == NULL ? -1 : queue_category_slot(queue, ticket->category);
    int64_t service_ms;
    int64_t elapsed_ms;

    if (slot < 0) {
        return 0;
    }
    service_ms = queue->service_ms[slot];
    elapsed_ms = now_ms > ticket->called_ms ? now_ms - ticket->called_ms : 0;
    return elapsed_ms < service_ms ? service_ms - elapsed_ms : service_ms / LATE_SHARE;
}

static uint32_t line_total(const struct queue *queue, int slot)
{
    return queue_line_count(queue, slot, QUEUE_LINE_WAITING) +
           queue_line_count(queue, slot, QUEUE_LINE_ISSUING);
}

static void cursor_start(struct play *play, int slot, uint32_t left)
{
    const struct queue *queue = play->queue;
    const struct queue_list *line =
        &queue->lines[1 + (uint32_t)slot * QUEUE_LINE_COUNT + QUEUE_LINE_WAITING];
    struct cursor *cursor = &play->cursors[slot];

    *cursor = (struct cursor){.left = left, .held = line->first, .order_ms = play->now_ms};
    if (line->first != 0) {
        cursor->order_ms = queue->line_links[line->first - 1].order_ms;
        cursor->step_ms =
            (queue->line_links[line->last - 1].order_ms - cursor->order_ms) / (int64_t)line->count;
    }
}

static void cursor_advance(struct play *play, int slot, uint32_t count)
{
    struct cursor *cursor = &play->cursors[slot];

    cursor->left -= count;
    if (play->batch > 1) {
        cursor->order_ms += cursor->step_ms * (int64_t)count;
    } else if (cursor->held != 0) {
        cursor->held = play->queue->line_links[cursor->held - 1].after;
        if (cursor->held != 0) {
            cursor->order_ms = play->queue->line_links[cursor->held - 1].order_ms;
        }
    }
}

/* The open counter that is free first; -1: all have run out of tickets. */
static int first_free(const struct play *play)
{
    int first = -1;

    for (int at = 0; at < play->queue->config.counter_count; at++) {
        if (play->active[at] && (first < 0 || play->free_ms[at] < play->free_ms[first])) {
            first = at;
        }
    }
    return first;
}

/* Which line this counter takes its next ticket from; -1: none. The one asked about stands behind
 * the tickets of its own line, with its own place. */
static int choose_line(const struct play *play, int counter_slot, int asked_slot,
                       int64_t asked_order_ms)
{
    int64_t then_ms = play->now_ms + play->free_ms[counter_slot];
    int64_t best_order_ms = 0;
    uint32_t best_tier = 0;
    int best = -1;

    for (int slot = 0; slot < play->queue->config.category_count; slot++) {
        const struct cursor *cursor = &play->cursors[slot];
        int64_t order_ms = cursor->left > 0 ? cursor->order_ms : asked_order_ms;
        uint32_t tier;

        if (play->queue->tiers[counter_slot][slot] == 0 ||
            (cursor->left == 0 && slot != asked_slot)) {
            continue;
        }
        tier = queue_effective_tier(play->queue, counter_slot, slot, order_ms, then_ms);
        if (best < 0 || tier < best_tier || (tier == best_tier && order_ms < best_order_ms)) {
            best = slot;
            best_tier = tier;
            best_order_ms = order_ms;
        }
    }
    return best;
}

/* Sets the stage; false: no open counter serves the category. */
static bool play_start(struct play *play, int asked_slot, uint32_t ahead)
{
    const struct queue *queue = play->queue;
    uint32_t ticket_count = 0;
    uint32_t counter_count = 0;
    bool served = false;

    for (int at = 0; at < queue->config.counter_count; at++) {
        play->active[at] = queue->counters[at].open != 0;
        if (play->active[at]) {
            counter_count++;
            play->free_ms[at] = counter_free_ms(queue, at, play->now_ms);
            served = served || queue->tiers[at][asked_slot] != 0;
        }
    }
    for (int slot = 0; slot < queue->config.category_count; slot++) {
        uint32_t left = slot == asked_slot ? ahead : line_total(queue, slot);

        ticket_count += left;
        cursor_start(play, slot, left);
    }
    if (served) {
        play->batch = 1 + ticket_count / (PLAYED_SINGLY_PER_COUNTER * counter_count + 1);
    }
    return served;
}

int64_t queue_play_forward_ms(const struct queue *queue, int slot, uint32_t ahead, int64_t order_ms,
                              int64_t now_ms)
{
    struct play play;
    int at;

    play.queue = queue;
    play.now_ms = queue_believed_ms(now_ms);
    if (!play_start(&play, slot, ahead)) {
        return -1;
    }
    /* Each turn plays at least one ticket or sends a counter home, and a counter that serves the
     * one asked about never goes home before it: the loop ends there. */
    while ((at = first_free(&play)) >= 0) {
        int chosen = choose_line(&play, at, slot, order_ms);
        struct cursor *cursor;
        uint32_t count;

        if (chosen < 0) {
            play.active[at] = false;
            continue;
        }
        cursor = &play.cursors[chosen];
        if (cursor->left == 0) {
            break;
        }
        count = cursor->left < play.batch ? cursor->left : play.batch;
        cursor_advance(&play, chosen, count);
        play.free_ms[at] += (int64_t)count * queue->service_ms[chosen];
    }
    CHECK(at >= 0);
    return play.free_ms[at];
}

int32_t queue_estimate_round_s(int64_t wait_ms)
{
    int64_t step_ms = (int64_t)QUEUE_ESTIMATE_STEP_S * MS_PER_S;
    int64_t wait_s = (wait_ms + step_ms - 1) / step_ms * QUEUE_ESTIMATE_STEP_S;

    return wait_s > QUEUE_ESTIMATE_S_MAX ? QUEUE_ESTIMATE_S_MAX : (int32_t)wait_s;
}

static int32_t estimate_s(const struct queue *queue, int slot, uint32_t ahead, int64_t order_ms,
                          int64_t now_ms)
{
    int64_t wait_ms = queue_play_forward_ms(queue, slot, ahead, order_ms, now_ms);

    return wait_ms < 0 ? -1 : queue_estimate_round_s(wait_ms);
}

int32_t queue_estimate_s(const struct queue *queue, uint16_t category, int64_t now_ms)
{
    int slot = queue_category_slot(queue, category);
    int64_t order_ms = queue_believed_ms(now_ms);

    if (slot < 0) {
        return -1;
    }
    if (order_ms < queue->newest_enqueued_ms) {
        order_ms = queue->newest_enqueued_ms;
    }
    return estimate_s(queue, slot, line_total(queue, slot), order_ms, now_ms);
}

int32_t queue_estimate_ticket_s(const struct queue *queue, const struct queue_ticket *ticket,
                                int64_t now_ms)
{
    int slot = queue_category_slot(queue, ticket->category);

    if (slot < 0) {
        return -1;
    }
    return estimate_s(queue, slot, queue_waiting_ahead(queue, ticket), queue_order_ms(ticket),
                      now_ms);
}
