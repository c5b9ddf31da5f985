/* Building a change: rows, each at most once, and the totals that follow a ticket. */
#include "appliance/queue/queue_parts.h"

#include "base/check.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

enum { SMALL_ROW_BYTES = 256 };

static_assert(sizeof(struct queue_counter) <= SMALL_ROW_BYTES &&
                  sizeof(struct queue_key) <= SMALL_ROW_BYTES &&
                  sizeof(struct queue_category) <= SMALL_ROW_BYTES &&
                  sizeof(struct queue_totals) <= SMALL_ROW_BYTES &&
                  sizeof(struct queue_serves) <= SMALL_ROW_BYTES &&
                  sizeof(struct queue_hours) <= SMALL_ROW_BYTES &&
                  sizeof(struct queue_day) <= SMALL_ROW_BYTES,
              "all but a ticket and the running text are small");

bool queue_origin_equal(const struct queue_origin *a, const struct queue_origin *b)
{
    return a->unit == b->unit && a->term == b->term && a->session == b->session && a->lsn == b->lsn;
}

struct queue_row *queue_change_add(struct queue_change *change, enum queue_row_kind kind)
{
    struct queue_row *row;

    CHECK(change->row_count < QUEUE_CHANGE_ROWS_MAX);
    row = &change->rows[change->row_count++];
    if (kind == QUEUE_ROW_NOTICE) {
        memset(row, 0, sizeof(*row));
    } else if (kind != QUEUE_ROW_TICKET) { /* a ticket is put there whole, and is most of a row */
        memset(row, 0, offsetof(struct queue_row, key) + SMALL_ROW_BYTES);
    }
    row->kind = (uint8_t)kind;
    return row;
}

struct queue_ticket *queue_change_add_ticket(struct queue_change *change,
                                             const struct queue_ticket *before,
                                             const struct queue_origin *origin)
{
    struct queue_ticket *ticket = &queue_change_add(change, QUEUE_ROW_TICKET)->ticket;

    *ticket = *before;
    ticket->origin = *origin;
    ticket->changed_lsn = origin->lsn;
    return ticket;
}

struct queue_counter *queue_change_counter(struct queue_change *change, const struct queue *queue,
                                           int slot, uint64_t lsn)
{
    struct queue_counter *counter;

    for (int i = 0; i < change->row_count; i++) {
        if (change->rows[i].kind == QUEUE_ROW_COUNTER &&
            change->rows[i].counter.id == queue->counters[slot].id) {
            return &change->rows[i].counter;
        }
    }
    counter = &queue_change_add(change, QUEUE_ROW_COUNTER)->counter;
    *counter = queue->counters[slot];
    counter->changed_lsn = lsn;
    return counter;
}

struct queue_category *queue_change_category(struct queue_change *change, const struct queue *queue,
                                             int slot, uint64_t lsn)
{
    struct queue_category *category = &queue_change_add(change, QUEUE_ROW_CATEGORY)->category;

    *category = queue->categories[slot];
    category->changed_lsn = lsn;
    return category;
}

struct queue_totals *queue_change_totals(struct queue_change *change, const struct queue *queue,
                                         int slot)
{
    struct queue_totals *totals;

    for (int i = 0; i < change->row_count; i++) {
        if (change->rows[i].kind == QUEUE_ROW_TOTALS &&
            change->rows[i].totals.category == queue->totals[slot].category) {
            return &change->rows[i].totals;
        }
    }
    totals = &queue_change_add(change, QUEUE_ROW_TOTALS)->totals;
    *totals = queue->totals[slot];
    return totals;
}

static uint64_t duration_ms(int64_t from_ms, int64_t to_ms)
{
    int64_t length_ms = to_ms - from_ms;

    if (length_ms < 0) {
        return 0; /* the clock went back meanwhile */
    }
    return length_ms > QUEUE_DURATION_MS_MAX ? QUEUE_DURATION_MS_MAX : (uint64_t)length_ms;
}

static void count_times(struct queue_totals *totals, int64_t enqueued_ms, int64_t called_ms,
                        int64_t ended_ms, bool add)
{
    uint64_t wait_ms = duration_ms(enqueued_ms, called_ms);
    uint64_t service_ms = duration_ms(called_ms, ended_ms);

    totals->wait_ms_sum += add ? wait_ms : 0 - wait_ms;
    totals->service_ms_sum += add ? service_ms : 0 - service_ms;
}

/* Which of the totals counts tickets that ended so; NULL: this is no end. */
static uint32_t *end_count(struct queue_totals *totals, enum queue_ticket_state state)
{
    switch (state) {
    case QUEUE_DONE:
        return &totals->served;
    case QUEUE_CANCELLED:
        return &totals->cancelled;
    case QUEUE_NO_SHOW:
        return &totals->no_show;
    case QUEUE_EXPIRED:
        return &totals->expired;
    case QUEUE_VOID:
        return &totals->voided;
    case QUEUE_ISSUING:
    case QUEUE_WAITING:
    case QUEUE_CALLED:
    case QUEUE_SERVING:
    case QUEUE_HELD:
    case QUEUE_ABSENT:
    case QUEUE_EXPECTED:
        break;
    }
    return NULL;
}

void queue_totals_count_end(struct queue_totals *totals, const struct queue_ticket *ticket,
                            bool add)
{
    uint32_t *count = end_count(totals, ticket->state);

    CHECK(count != NULL);
    *count += add ? 1 : UINT32_MAX;
    if (ticket->state == QUEUE_DONE && ticket->doubtful) {
        totals->doubtful += add ? 1 : UINT32_MAX;
    } else if (ticket->state == QUEUE_DONE) {
        count_times(totals, ticket->enqueued_ms, ticket->called_ms, ticket->ended_ms, add);
    }
}

void queue_totals_count_leg(struct queue_totals *totals, const struct queue_leg *leg, bool add)
{
    if (leg->outcome == QUEUE_OUTCOME_SERVED) {
        totals->served += add ? 1 : UINT32_MAX;
        count_times(totals, leg->enqueued_ms, leg->called_ms, leg->ended_ms, add);
    } else {
        totals->transferred += add ? 1 : UINT32_MAX;
    }
}

static void recount_end(struct queue_change *change, const struct queue *queue,
                        const struct queue_ticket *ticket, bool add)
{
    struct queue_totals any;
    int slot = queue_category_slot(queue, ticket->category);

    if (slot >= 0 && end_count(&any, ticket->state) != NULL) {
        queue_totals_count_end(queue_change_totals(change, queue, slot), ticket, add);
    }
}

static bool legs_equal(const struct queue_leg *a, const struct queue_leg *b)
{
    return a->category == b->category && a->counter == b->counter && a->outcome == b->outcome &&
           a->enqueued_ms == b->enqueued_ms && a->called_ms == b->called_ms &&
           a->started_ms == b->started_ms && a->ended_ms == b->ended_ms;
}

static void recount_leg(struct queue_change *change, const struct queue *queue,
                        const struct queue_leg *leg, bool add)
{
    int slot = queue_category_slot(queue, leg->category);

    if (slot >= 0) {
        queue_totals_count_leg(queue_change_totals(change, queue, slot), leg, add);
    }
}

/* Legs are only added and taken back at the end: what both have says nothing. */
static void recount_legs(struct queue_change *change, const struct queue *queue,
                         const struct queue_ticket *before, const struct queue_ticket *after)
{
    int shared = 0;

    while (before != NULL && shared < before->leg_count && shared < after->leg_count &&
           legs_equal(&before->legs[shared], &after->legs[shared])) {
        shared++;
    }
    for (int i = shared; before != NULL && i < before->leg_count; i++) {
        recount_leg(change, queue, &before->legs[i], false);
    }
    for (int i = shared; i < after->leg_count; i++) {
        recount_leg(change, queue, &after->legs[i], true);
    }
}

void queue_change_recount(struct queue_change *change, const struct queue *queue,
                          const struct queue_ticket *before, const struct queue_ticket *after)
{
    if (before == NULL) {
        int slot = queue_number_slot(queue, after->number);

        if (slot >= 0) {
            queue_change_totals(change, queue, slot)->issued++;
        }
    } else {
        recount_end(change, queue, before, false);
    }
    recount_end(change, queue, after, true);
    recount_legs(change, queue, before, after);
}

void queue_counter_forget_press(struct queue_counter *counter)
{
    struct queue_counter plain = {
        .id = counter->id,
        .open = counter->open,
        .ticket = counter->ticket,
        .changed_lsn = counter->changed_lsn,
    };

    *counter = plain;
}

enum queue_ticket_state queue_state_at_closing(enum queue_ticket_state live)
{
    /* Called and never seen, or never printed: nobody received it. All others were let down by us.
     */
    return live == QUEUE_ABSENT || live == QUEUE_ISSUING ? QUEUE_NO_SHOW : QUEUE_EXPIRED;
}

enum queue_outcome queue_outcome_at_closing(enum queue_ticket_state live)
{
    return live == QUEUE_EXPECTED ? QUEUE_OUTCOME_NOT_ARRIVED : QUEUE_OUTCOME_REMOVED_BY_CLOSING;
}
