/* Undo: the newest press of a counter, taken back exactly, while its ticket is still as the press left it. */
#include "appliance/queue/queue.h"

#include "appliance/queue/queue_parts.h"
#include "base/check.h"

#include <string.h>

void queue_remember_press(struct queue_counter *counter, enum queue_action action,
                          const struct queue_ticket *before, int64_t at_ms)
{
    counter->undo_action = (uint8_t)action;
    counter->undo_state = before->state;
    counter->undo_counter = before->counter;
    counter->undo_call_count = before->call_count;
    counter->undo_category = before->category;
    counter->undo_for_counter = before->for_counter;
    counter->undo_hold_owner = before->hold_owner;
    counter->undo_hold_reason = before->hold_reason;
    counter->undo_hold_until_ms = before->hold_until_ms;
    counter->undo_leg_count = before->leg_count;
    counter->undo_plan_count = before->plan_count;
    memcpy(counter->undo_plan, before->plan, sizeof(counter->undo_plan));
    counter->undo_call = before->call;
    counter->undo_enqueued_ms = before->enqueued_ms;
    counter->undo_place_ms = before->place_ms;
    counter->undo_called_ms = before->called_ms;
    counter->undo_started_ms = before->started_ms;
    counter->undo_first_called_ms = before->first_called_ms;
    counter->undo_held_at_ms = before->held_at_ms;
    counter->undo_held_ms = before->held_ms;
    counter->undo_served_ms = before->served_ms;
    counter->undo_ticket = before->id;
    counter->undo_at_ms = at_ms;
}

/* How a press leaves its ticket: undo only takes back what is still so. */
static bool is_as_the_press_left_it(const struct queue_counter *counter,
                                    const struct queue_ticket *ticket)
{
    static const uint8_t states[QUEUE_ACTION_END] = {
        [QUEUE_CANCEL] = QUEUE_CANCELLED,  [QUEUE_CALL] = QUEUE_CALLED,
        [QUEUE_START] = QUEUE_SERVING,     [QUEUE_COMPLETE] = QUEUE_DONE,
        [QUEUE_SET_ABSENT] = QUEUE_ABSENT, [QUEUE_RETURN] = QUEUE_WAITING,
        [QUEUE_PUT_BACK] = QUEUE_WAITING,  [QUEUE_HOLD] = QUEUE_HELD,
        [QUEUE_TRANSFER] = QUEUE_WAITING,  [QUEUE_GIVE_UP] = QUEUE_NO_SHOW,
    };
    bool went_on = counter->undo_action == QUEUE_TRANSFER ||
                   (counter->undo_action == QUEUE_COMPLETE && counter->undo_plan_count > 0);
    uint8_t state = counter->undo_action == QUEUE_PLAN ? counter->undo_state
                    : went_on                          ? QUEUE_WAITING
                                                       : states[counter->undo_action];

    return ticket->state == state &&
           ticket->leg_count == counter->undo_leg_count + (went_on ? 1 : 0) &&
           (counter->undo_action == QUEUE_CALL ||
            queue_origin_equal(&ticket->call, &counter->undo_call));
}

enum queue_reason queue_check_undo(const struct queue *queue, int counter_slot, int64_t now_ms,
                                   const struct queue_ticket **ret_before)
{
    const struct queue_counter *counter = &queue->counters[counter_slot];
    const struct queue_ticket *before = queue_ticket_find(queue, &counter->undo_ticket);

    if (counter->undo_action == 0 || before == NULL) {
        return QUEUE_NOTHING_TO_UNDO;
    }
    if (now_ms - counter->undo_at_ms > QUEUE_UNDO_WINDOW_MS) {
        return QUEUE_UNDO_TOO_LATE;
    }
    if ((before->state == QUEUE_CALLED || before->state == QUEUE_SERVING) &&
        before->counter != counter->id) {
        return QUEUE_TICKET_ELSEWHERE;
    }
    if (!is_as_the_press_left_it(counter, before)) {
        return QUEUE_WRONG_STATE;
    }
    if (!ids_token_is_zero(&counter->ticket) && !ids_token_equal(&counter->ticket, &before->id)) {
        return QUEUE_COUNTER_BUSY;
    }
    *ret_before = before;
    return QUEUE_OK;
}

void queue_write_back(const struct queue_counter *counter, struct queue_ticket *ticket)
{
    /* A call was heard, also when it is taken back: its minute counts for the same number of another
     * series. Where the ticket is shown with its calls again, the older one is. */
    bool heard = counter->undo_action == QUEUE_CALL && counter->undo_state != QUEUE_ABSENT;

    ticket->state = counter->undo_state;
    ticket->outcome = QUEUE_OUTCOME_NONE;
    ticket->counter = counter->undo_counter;
    ticket->call_count = counter->undo_call_count;
    ticket->category = counter->undo_category;
    ticket->for_counter = counter->undo_for_counter;
    ticket->hold_owner = counter->undo_hold_owner;
    ticket->hold_reason = counter->undo_hold_reason;
    ticket->hold_until_ms = counter->undo_hold_until_ms;
    for (int i = counter->undo_leg_count; i < ticket->leg_count; i++) {
        ticket->legs[i] = (struct queue_leg){0};
    }
    ticket->leg_count = counter->undo_leg_count;
    ticket->plan_count = counter->undo_plan_count;
    memcpy(ticket->plan, counter->undo_plan, sizeof(ticket->plan));
    ticket->call = counter->undo_call;
    ticket->enqueued_ms = counter->undo_enqueued_ms;
    ticket->place_ms = counter->undo_place_ms;
    ticket->called_ms = heard ? ticket->called_ms : counter->undo_called_ms;
    ticket->started_ms = counter->undo_started_ms;
    ticket->first_called_ms = counter->undo_first_called_ms;
    ticket->held_at_ms = counter->undo_held_at_ms;
    ticket->held_ms = counter->undo_held_ms;
    ticket->served_ms = counter->undo_served_ms;
    ticket->ended_ms = 0;
}
