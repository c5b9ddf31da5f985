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
    ARRIVALS_MAX = 64,
    ANY_COUNTER = -1,
    LINES_MAX = QUEUE_CATEGORIES_MAX + QUEUE_COUNTERS_MAX,
};

/* Who will wait again: for the next service, or when the time of a hold is over. */
struct arrival {
    int slot;
    int own;
    int64_t at_ms; /* from now */
    int64_t order_ms;
    uint8_t plan_count;
    const uint16_t *plan; /* of the ticket: what is still to come after `slot` */
};

/* One category's tickets, or one counter's own, that will be called before the one asked about may be. */
struct line {
    int slot;         /* of its next ticket, where the line is a counter's own */
    int own;          /* the counter that alone takes from it, or ANY_COUNTER */
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
    int asked_own;
    bool breaks; /* some category has one */
    int64_t asked_order_ms;
    int counter_count; /* open, and not yet out of tickets */
    int counter_slots[QUEUE_COUNTERS_MAX];
    int64_t free_ms[QUEUE_COUNTERS_MAX]; /* from now */
    int line_count;
    struct line lines[LINES_MAX];
    int arrival_count;
    struct arrival arrivals[ARRIVALS_MAX];
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

static void add_line(struct play *play, int slot, int own, const struct queue_list *list,
                     uint32_t left)
{
    const struct queue *queue = play->queue;
    struct line *line = &play->lines[play->line_count++];

    *line = (struct line){.slot = slot,
                          .own = own,
                          .left = left,
                          .batch = 1,
                          .held = list->first,
                          .order_ms = play->now_ms};
    if (list->first != 0) {
        line->order_ms = queue->line_links[list->first - 1].order_ms;
        line->step_ms =
            (queue->line_links[list->last - 1].order_ms - line->order_ms) / (int64_t)list->count;
    }
}

static int slot_at(const struct queue *queue, uint32_t held)
{
    return queue_category_slot(queue, queue->tickets[held - 1].category);
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
            line->slot = line->own == ANY_COUNTER ? line->slot : slot_at(play->queue, line->held);
        }
    }
}

static void add_arrival(struct play *play, struct arrival arrival)
{
    if (arrival.slot >= 0 && play->arrival_count < ARRIVALS_MAX) {
        play->arrivals[play->arrival_count++] = arrival;
    }
}

/* A ticket whose service is over at `at_ms` goes on to the next planned one, by its age. */
static void add_planned(struct play *play, const uint16_t *plan, uint8_t plan_count,
                        int64_t order_ms, int64_t at_ms)
{
    if (plan_count > 0) {
        add_arrival(play, (struct arrival){.slot = queue_category_slot(play->queue, plan[0]),
                                           .own = ANY_COUNTER,
                                           .at_ms = at_ms,
                                           .order_ms = order_ms,
                                           .plan_count = (uint8_t)(plan_count - 1),
                                           .plan = plan + 1});
    }
}

/* Who is served now and has more to do, and who is held until a known time. */
static void expect_arrivals(struct play *play)
{
    const struct queue *queue = play->queue;

    for (int at = 0; at < play->counter_count; at++) {
        const struct queue_ticket *ticket =
            queue_ticket_find(queue, &queue->counters[play->counter_slots[at]].ticket);

        if (ticket != NULL) {
            add_planned(play, ticket->plan, ticket->plan_count, queue_order_ms(ticket),
                        play->free_ms[at]);
        }
    }
    for (int slot = 0; slot < queue->config.category_count; slot++) {
        uint32_t held = queue->lines[1 + (uint32_t)slot * QUEUE_LINE_COUNT + QUEUE_LINE_HELD].first;

        for (; held != 0 && play->arrival_count < ARRIVALS_MAX;
             held = queue->line_links[held - 1].after) {
            const struct queue_ticket *ticket = &queue->tickets[held - 1];
            int owner = ticket->hold_owner == 0 ? ANY_COUNTER
                                                : queue_counter_slot(queue, ticket->hold_owner);
            int64_t at_ms = ticket->hold_until_ms - play->now_ms;

            if (ticket->hold_until_ms != 0) {
                add_arrival(
                    play,
                    (struct arrival){
                        .slot = slot,
                        .own = owner >= 0 && queue->counters[owner].open ? owner : ANY_COUNTER,
                        .at_ms = at_ms > 0 ? at_ms : 0,
                        .order_ms = queue_order_ms(ticket),
                        .plan_count = ticket->plan_count,
                        .plan = ticket->plan,
                    });
            }
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

/* Those that wait for one counter. A closed one's may be called by others: they are few, and no line here. */
static void add_own_lines(struct play *play, uint32_t ahead)
{
    const struct queue *queue = play->queue;

    for (int at = 0; at < queue->config.counter_count; at++) {
        const struct queue_list *list = &queue->lines[QUEUE_OWN_LIST_FIRST + at];
        bool asked = at == play->asked_own;

        if (asked || (list->count > 0 && queue->counters[at].open)) {
            add_line(play, list->first == 0 ? play->asked_slot : slot_at(queue, list->first), at,
                     list, asked ? ahead : list->count);
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
            served = served || play->asked_own == slot ||
                     (play->asked_own == ANY_COUNTER && queue->tiers[slot][play->asked_slot] != 0);
        }
    }
    if (!served) {
        return false;
    }
    for (int slot = 0; slot < queue->config.category_count; slot++) {
        bool asked = slot == play->asked_slot && play->asked_own == ANY_COUNTER;
        uint32_t left = asked ? ahead : line_total(queue, slot);

        play->breaks = play->breaks || queue->config.categories[slot].span_count > 1;
        if (left > 0 || asked) {
            add_line(play, slot, ANY_COUNTER,
                     &queue->lines[1 + (uint32_t)slot * QUEUE_LINE_COUNT + QUEUE_LINE_WAITING],
                     left);
        }
    }
    add_own_lines(play, ahead);
    expect_arrivals(play);
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

/* What a counter takes next: from a line, or who has come back. */
struct taken {
    struct line *line;
    struct arrival *arrival;
    uint32_t tier;
    int64_t order_ms;
    int64_t later_ms; /* nothing now: then there is something; 0: never */
};

static bool is_asked(const struct play *play, const struct line *line)
{
    return line->own == play->asked_own &&
           (line->own != ANY_COUNTER || line->slot == play->asked_slot);
}

/* Can this counter take from this category, or its own, now? Else taken->later_ms says from when. */
static bool may_take(const struct play *play, int at, int slot, int own, struct taken *taken)
{
    int counter_slot = play->counter_slots[at];
    int64_t break_ms;

    if (own != ANY_COUNTER ? own != counter_slot : play->queue->tiers[counter_slot][slot] == 0) {
        return false;
    }
    if (!play->breaks) {
        return true;
    }
    break_ms = queue_break_ms(play->queue, slot, play->now_ms + play->free_ms[at]);
    if (break_ms > 0 && (taken->later_ms == 0 || play->free_ms[at] + break_ms < taken->later_ms)) {
        taken->later_ms = play->free_ms[at] + break_ms;
    }
    return break_ms == 0;
}

static bool is_better(const struct play *play, int at, int slot, int own, int64_t order_ms,
                      struct taken *taken)
{
    uint32_t tier = own != ANY_COUNTER
                        ? 1
                        : queue_effective_tier(play->queue, play->counter_slots[at], slot, order_ms,
                                               play->now_ms + play->free_ms[at]);

    if ((taken->line != NULL || taken->arrival != NULL) &&
        (tier > taken->tier || (tier == taken->tier && order_ms >= taken->order_ms))) {
        return false;
    }
    taken->line = NULL;
    taken->arrival = NULL;
    taken->tier = tier;
    taken->order_ms = order_ms;
    return true;
}

/* The one asked about stands behind the tickets of its own line, with its own place. */
static struct taken choose(struct play *play, int at)
{
    struct taken taken = {0};

    for (int i = 0; i < play->line_count; i++) {
        struct line *line = &play->lines[i];
        int slot = line->left == 0 ? play->asked_slot : line->slot;

        if ((line->left > 0 || is_asked(play, line)) &&
            may_take(play, at, slot, line->own, &taken) &&
            is_better(play, at, slot, line->own,
                      line->left > 0 ? line->order_ms : play->asked_order_ms, &taken)) {
            taken.line = line;
        }
    }
    for (int i = 0; i < play->arrival_count; i++) {
        struct arrival *arrival = &play->arrivals[i];

        if (!may_take(play, at, arrival->slot, arrival->own, &taken)) {
            continue;
        }
        if (arrival->at_ms > play->free_ms[at]) {
            if (taken.later_ms == 0 || arrival->at_ms < taken.later_ms) {
                taken.later_ms = arrival->at_ms;
            }
        } else if (is_better(play, at, arrival->slot, arrival->own, arrival->order_ms, &taken)) {
            taken.arrival = arrival;
        }
    }
    return taken;
}

static void play_arrival(struct play *play, int at, struct arrival *arrival)
{
    struct arrival played = *arrival;

    *arrival = play->arrivals[--play->arrival_count];
    play->free_ms[at] += play->queue->service_ms[played.slot];
    add_planned(play, played.plan, played.plan_count, played.order_ms, play->free_ms[at]);
}

static void play_line(struct play *play, int at, struct line *line)
{
    uint32_t count = line->left < line->batch ? line->left : line->batch;
    const struct queue_ticket *ticket =
        line->batch == 1 && line->held != 0 ? &play->queue->tickets[line->held - 1] : NULL;
    int slot = line->slot;

    advance_line(play, line, count);
    play->free_ms[at] += (int64_t)count * play->queue->service_ms[slot];
    if (ticket != NULL) {
        add_planned(play, ticket->plan, ticket->plan_count, queue_order_ms(ticket),
                    play->free_ms[at]);
    }
}

int64_t queue_play_forward_ms(const struct queue *queue, int slot, int own, uint32_t ahead,
                              int64_t order_ms, int64_t now_ms)
{
    struct play play;

    /* The big arrays are left alone: this is asked for each ticket. */
    play.queue = queue;
    play.now_ms = queue_believed_ms(now_ms);
    play.asked_slot = slot;
    play.asked_own = own >= 0 && queue->counters[own].open ? own : ANY_COUNTER;
    play.asked_order_ms = order_ms;
    play.counter_count = play.line_count = play.arrival_count = 0;
    play.breaks = false;
    if (!play_start(&play, ahead)) {
        return -1;
    }
    /* Each turn plays at least one ticket, passes a break or a time of waiting, or sends a counter home; a
     * counter that serves the one asked about never goes home before it: the loop ends. */
    for (;;) {
        int at = first_free(&play);
        struct taken taken = choose(&play, at);

        if (taken.arrival != NULL) {
            play_arrival(&play, at, taken.arrival);
        } else if (taken.line != NULL && taken.line->left > 0) {
            play_line(&play, at, taken.line);
        } else if (taken.line != NULL) {
            return play.free_ms[at];
        } else if (taken.later_ms > play.free_ms[at]) {
            play.free_ms[at] = taken.later_ms;
        } else {
            send_home(&play, at);
            CHECK(play.counter_count > 0);
        }
    }
}

int32_t queue_estimate_round_s(int64_t wait_ms)
{
    int64_t step_ms = (int64_t)QUEUE_ESTIMATE_STEP_S * MS_PER_S;
    int64_t wait_s = (wait_ms + step_ms - 1) / step_ms * QUEUE_ESTIMATE_STEP_S;

    return wait_s > QUEUE_ESTIMATE_S_MAX ? QUEUE_ESTIMATE_S_MAX : (int32_t)wait_s;
}

static int32_t estimate_s(const struct queue *queue, int slot, int own, uint32_t ahead,
                          int64_t order_ms, int64_t now_ms)
{
    int64_t wait_ms = queue_play_forward_ms(queue, slot, own, ahead, order_ms, now_ms);

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
    return estimate_s(queue, slot, ANY_COUNTER, line_total(queue, slot), order_ms, now_ms);
}

int32_t queue_estimate_ticket_s(const struct queue *queue, const struct queue_ticket *ticket,
                                int64_t now_ms)
{
    int slot = queue_category_slot(queue, ticket->category);

    if (slot < 0) {
        return -1;
    }
    return estimate_s(queue, slot,
                      ticket->for_counter == 0 ? ANY_COUNTER
                                               : queue_counter_slot(queue, ticket->for_counter),
                      queue_waiting_ahead(queue, ticket), queue_order_ms(ticket), now_ms);
}
