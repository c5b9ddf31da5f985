/* The service day: opened, closed, erased. The entry has one row; what it means for every ticket,
 * counter and total is derived here, the same on both units and after every restart. */
#include "appliance/queue/queue.h"

#include "appliance/queue/queue_parts.h"
#include "base/check.h"

#include <string.h>

enum { YEAR_FACTOR = 10000, MONTH_FACTOR = 100, YEAR_MIN = 2000, YEAR_MAX = 9999 };

bool queue_date_is_valid(uint32_t date)
{
    uint32_t year = date / YEAR_FACTOR;
    uint32_t month = date / MONTH_FACTOR % MONTH_FACTOR;
    uint32_t day = date % MONTH_FACTOR;

    return year >= YEAR_MIN && year <= YEAR_MAX && month >= 1 && month <= 12 && day >= 1 &&
           day <= 31;
}

uint32_t queue_number_date(const struct queue *queue)
{
    return queue->day.date > queue->day.annulled_date ? queue->day.date : queue->day.annulled_date;
}

bool queue_numbers_are_over(const struct queue *queue)
{
    return (queue->day.state == QUEUE_DAY_NONE || queue->day.state == QUEUE_DAY_ERASED) &&
           queue_number_date(queue) == queue->day.date;
}

static enum queue_reason check_opening(const struct queue *queue, uint32_t date)
{
    bool is_earlier = date < queue->day.date && queue->day.state != QUEUE_DAY_ANNULLED;

    if (!queue_date_is_valid(date) || is_earlier || date <= queue->day.erased_date) {
        return QUEUE_DAY_NOT_LATER;
    }
    if (date == queue->day.date) {
        return queue->day.state == QUEUE_DAY_OPEN ? QUEUE_DAY_ALREADY_OPEN : QUEUE_OK;
    }
    return queue->ticket_count == 0 && queue->key_count == 0 ? QUEUE_OK : QUEUE_DAY_NOT_ERASED;
}

static void open_day(struct queue_day *day, const struct queue_command *command)
{
    bool again = day->date == command->date;

    day->openings = !again                       ? 1
                    : day->openings < UINT16_MAX ? (uint16_t)(day->openings + 1)
                                                 : UINT16_MAX;
    day->opened_lsn = again ? day->opened_lsn : command->origin.lsn;
    day->date = command->date;
    day->state = QUEUE_DAY_OPEN;
    day->opened_ms = queue_believed_ms(command->at_ms);
    day->closed_ms = 0;
    day->suspended = 0;
    day->ruled_lsn = command->origin.lsn;
}

enum queue_reason queue_decide_day(const struct queue *queue, const struct queue_command *command,
                                   struct queue_change *change)
{
    struct queue_day day = queue->day;

    if (command->action == QUEUE_DAY_OPENING) {
        enum queue_reason reason = check_opening(queue, command->date);

        if (reason != QUEUE_OK) {
            return reason;
        }
        open_day(&day, command);
    } else if (command->action == QUEUE_DAY_CLOSING) {
        if (day.state != QUEUE_DAY_OPEN) {
            return QUEUE_DAY_NOT_OPEN;
        }
        day.state = QUEUE_DAY_CLOSED;
        day.closed_ms = queue_believed_ms(command->at_ms);
    } else if (command->action == QUEUE_DAY_ANNULLING) {
        if (day.state != QUEUE_DAY_OPEN && day.state != QUEUE_DAY_CLOSED) {
            return QUEUE_DAY_NOT_OPEN;
        }
        day.state = QUEUE_DAY_ANNULLED;
        day.annulled_date = day.date > day.annulled_date ? day.date : day.annulled_date;
        day.closed_ms = queue_believed_ms(command->at_ms);
    } else {
        if (day.state != QUEUE_DAY_CLOSED) {
            return day.state == QUEUE_DAY_OPEN ? QUEUE_DAY_ALREADY_OPEN : QUEUE_DAY_NOT_OPEN;
        }
        day.state = QUEUE_DAY_ERASED;
        day.erased_date = day.date;
    }
    day.origin = command->origin;
    queue_change_add(change, QUEUE_ROW_DAY)->day = day;
    return QUEUE_OK;
}

static void end_tickets(struct queue *queue, int64_t ended_ms, const struct queue_origin *origin,
                        queue_touched_fn *touched, void *context)
{
    for (uint32_t at = 0; at < queue->ticket_count; at++) {
        struct queue_row before = {.kind = QUEUE_ROW_TICKET, .ticket = queue->tickets[at]};
        struct queue_row after = before;
        int slot;

        if (!queue_ticket_is_live(before.ticket.state)) {
            continue;
        }
        after.ticket.state = (uint8_t)queue_state_at_closing(before.ticket.state);
        after.ticket.outcome = (uint8_t)queue_outcome_at_closing(before.ticket.state);
        after.ticket.ended_ms = ended_ms;
        after.ticket.origin = *origin;
        after.ticket.changed_lsn = origin->lsn;
        (void)queue_put_ticket(queue, &after.ticket);
        slot = queue_category_slot(queue, after.ticket.category);
        if (slot >= 0) {
            queue_totals_count_end(&queue->totals[slot], &after.ticket, true);
        }
        queue_tell(touched, context, &before, &after);
    }
}

static void close_counters(struct queue *queue, uint64_t lsn, queue_touched_fn *touched,
                           void *context)
{
    for (int slot = 0; slot < queue->config.counter_count; slot++) {
        struct queue_row before = {.kind = QUEUE_ROW_COUNTER, .counter = queue->counters[slot]};
        struct queue_row after = {
            .kind = QUEUE_ROW_COUNTER,
            .counter = {.id = before.counter.id, .changed_lsn = lsn},
        };

        if (before.counter.open == 0 && before.counter.undo_action == 0) {
            continue;
        }
        queue->counters[slot] = after.counter;
        queue_tell(touched, context, &before, &after);
    }
}

static void close_all(struct queue *queue, int64_t ended_ms, const struct queue_origin *origin,
                      queue_touched_fn *touched, void *context)
{
    struct queue_totals totals[QUEUE_CATEGORIES_MAX];

    memcpy(totals, queue->totals, sizeof(totals));
    end_tickets(queue, ended_ms, origin, touched, context);
    close_counters(queue, origin->lsn, touched, context);
    queue_manage_close(queue, origin->lsn, touched, context);
    for (int slot = 0; slot < queue->config.category_count; slot++) {
        struct queue_row before = {.kind = QUEUE_ROW_TOTALS, .totals = totals[slot]};
        struct queue_row after = {.kind = QUEUE_ROW_TOTALS, .totals = queue->totals[slot]};

        if (before.totals.no_show != after.totals.no_show ||
            before.totals.expired != after.totals.expired) {
            queue_tell(touched, context, &before, &after);
        }
    }
}

static void erase_visits(struct queue *queue, queue_touched_fn *touched, void *context)
{
    const struct queue_row none = {0};

    for (uint32_t at = 0; at < queue->ticket_count; at++) {
        struct queue_row before = {.kind = QUEUE_ROW_TICKET, .ticket = queue->tickets[at]};

        queue_tell(touched, context, &before, &none);
    }
    for (uint32_t at = 0; at < queue->key_count; at++) {
        struct queue_row before = {.kind = QUEUE_ROW_KEY, .key = queue->keys[at]};

        queue_tell(touched, context, &before, &none);
    }
    queue_forget_visits(queue);
}

/* Numbers, ceilings, letters and totals are those of one date; numbers go on while a date that was
 * annulled may still come, or comes again, so that none of it is given twice. Those given before are no gap of what
 * begins now: whoever had them was sent away. */
static void start_afresh(struct queue *queue, bool go_on, uint64_t lsn, queue_touched_fn *touched,
                         void *context)
{
    for (int slot = 0; slot < queue->config.category_count; slot++) {
        uint16_t id = queue->config.categories[slot].id;
        struct queue_row before = {.kind = QUEUE_ROW_CATEGORY, .category = queue->categories[slot]};
        struct queue_row after = {
            .kind = QUEUE_ROW_CATEGORY,
            .category = {.id = id, .changed_lsn = lsn},
        };

        if (go_on) {
            after.category = before.category;
            after.category.suspended = 0;
            after.category.limit = 0;
            after.category.earlier_highest = before.category.plain_highest;
            after.category.changed_lsn = lsn;
        }
        queue->categories[slot] = after.category;
        queue_tell(touched, context, &before, &after);
        before = (struct queue_row){.kind = QUEUE_ROW_TOTALS, .totals = queue->totals[slot]};
        after = (struct queue_row){.kind = QUEUE_ROW_TOTALS, .totals = {.category = id}};
        queue->totals[slot] = after.totals;
        queue_tell(touched, context, &before, &after);
    }
}

void queue_apply_day(struct queue *queue, enum queue_action action, const struct queue_day *day,
                     queue_touched_fn *touched, void *context)
{
    if (action == QUEUE_DAY_CLOSING) {
        close_all(queue, day->closed_ms, &day->origin, touched, context);
    } else if (action == QUEUE_DAY_ANNULLING) {
        close_all(queue, day->closed_ms, &day->origin, touched, context);
        erase_visits(queue, touched, context);
    } else if (action == QUEUE_DAY_ERASING) {
        erase_visits(queue, touched, context);
    } else if (action == QUEUE_DAY_OPENING && day->date != queue->day.date) {
        /* What an earlier date left goes with it; decide lets no ticket or key be among that. */
        close_counters(queue, day->origin.lsn, touched, context);
        queue_manage_close(queue, day->origin.lsn, touched, context);
        queue_manage_forget_hours(queue, day->date, touched, context);
        erase_visits(queue, touched, context);
        start_afresh(queue, day->date <= day->annulled_date, day->origin.lsn, touched, context);
    } else if (action == QUEUE_DAY_OPENING && queue->day.state == QUEUE_DAY_ANNULLED) {
        start_afresh(queue, true, day->origin.lsn, touched, context);
    }
}
