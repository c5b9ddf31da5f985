/* The wait estimate: the queue played forward as the counters will (field-queue.md 6). */
#include "appliance/queue/queue.h"

#include "appliance/queue/queue_parts.h"

#include "base/check.h"

#include <string.h>

enum {
    /* So many tickets a counter are played one by one, which is an hour of short services; beyond
     * that in batches, and coarser ones when the wait is hours anyway: the cost stays bounded. */
    PLAYED_PER_COUNTER = 16,
    PLAYED_PER_COUNTER_LONG = 8,
    LONG_WAIT_MS = 2 * 3600 * 1000,
    MS_PER_S = 1000,
    PERCENTILE = 95,
    HUNDRED = 100,
    LATE_SHARE = 4, /* a counter past its mean needs another quarter of it */
};

/* One category's tickets that will be called before the one asked about may be. */
struct line {
    int slot;
    uint32_t left;    /* tickets not yet played */
    uint32_t batch;   /* played at once */
    uint32_t held;    /* the next one's position + 1; 0: past those that wait, at the printer */
    int64_t order_ms; /* the next one's place */
    int64_t step_ms;  /* between places, when played in batches */
};

struct play {
    const struct queue *queue;
    int64_t now_ms;
    int asked_slot;
    int64_t asked_order_ms;
    int counter_count; /* open, and not yet out of tickets */
    int counter_slots[QUEUE_COUNTERS_MAX];
    int64_t free_ms[QUEUE_COUNTERS_MAX]; /* from now */
    int line_count;
    struct line lines[QUEUE_CATEGORIES_MAX];
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

static void add_line(struct play *play, int slot, uint32_t left)
{
    const struct queue *queue = play->queue;
    const struct queue_list *list =
        &queue->lines[1 + (uint32_t)slot * QUEUE_LINE_COUNT + QUEUE_LINE_WAITING];
    struct line *line = &play->lines[play->line_count++];

    *line = (struct line){
        .slot = slot, .left = left, .batch = 1, .held = list->first, .order_ms = play->now_ms};
    if (list->first != 0) {
        line->order_ms = queue->line_links[list->first - 1].order_ms;
        line->step_ms =
            (queue->line_links[list->last - 1].order_ms - line->order_ms) / (int64_t)list->count;
    }
}

static void advance_line(const struct play *play, struct line *line, uint32_t count)
{
    line->left -= count;
    if (line->batch > 1) {
        line->order_ms += line->step_ms * (int64_t)count;
    } else if (line->held != 0) {
        line->held = play->queue->line_links[line->held - 1].after;
        if (line->held != 0) {
            line->order_ms = play->queue->line_links[line->held - 1].order_ms;
        }
    }
}

/* How many turns the play may take. */
static uint32_t turn_budget(const struct play *play)
{
    uint32_t counter_count = (uint32_t)play->counter_count;
    int64_t work_ms = 0;

    CHECK(counter_count > 0); /* one serves the category asked about */
    for (int i = 0; i < play->line_count; i++) {
        work_ms += (int64_t)play->lines[i].left * play->queue->service_ms[play->lines[i].slot];
    }
    return counter_count *
           (work_ms / counter_count > LONG_WAIT_MS ? PLAYED_PER_COUNTER_LONG : PLAYED_PER_COUNTER);
}

/* Short lines are always played one by one: a batch there would be the whole line at one counter. */
static void set_batches(struct play *play)
{
    uint32_t budget = turn_budget(play);
    uint32_t total_long = 0;
    uint32_t share;

    CHECK(play->line_count > 0); /* the asked one's at least */
    share = budget / (uint32_t)play->line_count;
    for (int i = 0; i < play->line_count; i++) {
        uint32_t left = play->lines[i].left;

        if (left <= share) {
            budget -= left;
        } else {
            total_long += left;
        }
    }
    if (total_long == 0) {
        return;
    }
    CHECK(budget > 0); /* the short ones took a share each, and somebody waits in a long one */
    for (int i = 0; i < play->line_count; i++) {
        if (play->lines[i].left > share) {
            play->lines[i].batch = (total_long + budget - 1) / budget;
        }
    }
}

/* Sets the stage; false: no open counter serves the category. */
static bool play_start(struct play *play, uint32_t ahead)
{
    const struct queue *queue = play->queue;
    bool served = false;

    for (int slot = 0; slot < queue->config.counter_count; slot++) {
        if (queue->counters[slot].open != 0) {
            play->counter_slots[play->counter_count] = slot;
            play->free_ms[play->counter_count++] = counter_free_ms(queue, slot, play->now_ms);
            served = served || queue->tiers[slot][play->asked_slot] != 0;
        }
    }
    if (!served) {
        return false;
    }
    for (int slot = 0; slot < queue->config.category_count; slot++) {
        uint32_t left = slot == play->asked_slot ? ahead : line_total(queue, slot);

        if (left > 0 || slot == play->asked_slot) {
            add_line(play, slot, left);
        }
    }
    set_batches(play);
    return true;
}

/* The counter that is free first. */
static int first_free(const struct play *play)
{
    int first = 0;

    for (int at = 1; at < play->counter_count; at++) {
        if (play->free_ms[at] < play->free_ms[first]) {
            first = at;
        }
    }
    return first;
}

static void send_home(struct play *play, int at)
{
    size_t behind = (size_t)(--play->counter_count - at);

    memmove(&play->counter_slots[at], &play->counter_slots[at + 1],
            behind * sizeof(play->counter_slots[0]));
    memmove(&play->free_ms[at], &play->free_ms[at + 1], behind * sizeof(play->free_ms[0]));
}

/* Which line this counter takes its next ticket from; NULL: none. The one asked about stands behind
 * the tickets of its own line, with its own place. */
static struct line *choose_line(struct play *play, int at)
{
    int counter_slot = play->counter_slots[at];
    int64_t then_ms = play->now_ms + play->free_ms[at];
    int64_t best_order_ms = 0;
    uint32_t best_tier = 0;
    struct line *best = NULL;

    for (int i = 0; i < play->line_count; i++) {
        struct line *line = &play->lines[i];
        int64_t order_ms = line->left > 0 ? line->order_ms : play->asked_order_ms;
        uint32_t tier;

        if (play->queue->tiers[counter_slot][line->slot] == 0 ||
            (line->left == 0 && line->slot != play->asked_slot)) {
            continue;
        }
        tier = queue_effective_tier(play->queue, counter_slot, line->slot, order_ms, then_ms);
        if (best == NULL || tier < best_tier || (tier == best_tier && order_ms < best_order_ms)) {
            best = line;
            best_tier = tier;
            best_order_ms = order_ms;
        }
    }
    return best;
}

int64_t queue_play_forward_ms(const struct queue *queue, int slot, uint32_t ahead, int64_t order_ms,
                              int64_t now_ms)
{
    struct play play = {
        .queue = queue,
        .now_ms = queue_believed_ms(now_ms),
        .asked_slot = slot,
        .asked_order_ms = order_ms,
    };

    if (!play_start(&play, ahead)) {
        return -1;
    }
    /* Each turn plays at least one ticket or sends a counter home, and a counter that serves the
     * one asked about never goes home before it: the loop ends. */
    for (;;) {
        int at = first_free(&play);
        struct line *line = choose_line(&play, at);
        uint32_t count;

        if (line == NULL) {
            send_home(&play, at);
            CHECK(play.counter_count > 0);
            continue;
        }
        if (line->left == 0) {
            return play.free_ms[at];
        }
        count = line->left < line->batch ? line->left : line->batch;
        advance_line(&play, line, count);
        play.free_ms[at] += (int64_t)count * queue->service_ms[line->slot];
    }
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
