/* What a counter, the printer or a visitor may do with a ticket: one table of states and actions
 * (field-queue.md 3), then what each does. docs/QUEUE.md shows the table; a test holds the two
 * equal. */
#include "appliance/queue/queue_parts.h"

#include "base/check.h"

#include <string.h>

enum { NO_COUNTER = -1 };

struct press {
    const struct queue *queue;
    const struct queue_command *command;
    struct queue_change *change;
    int64_t now_ms;
    int counter_slot; /* who presses; NO_COUNTER: nobody at a counter */
    const struct queue_ticket *before;
    struct queue_ticket *after; /* in the change */
};

typedef enum queue_reason press_fn(struct press *press);

struct rule {
    press_fn *find; /* whose ticket the press means */
    uint16_t from;  /* a bit for each state it is allowed in */
    bool anywhere;  /* also while another counter has the ticket */
    bool undoable;
    press_fn *effect;
};

#define IN(state) (1u << (state))
#define IN_LIVE                                                                                    \
    (IN(QUEUE_ISSUING) | IN(QUEUE_WAITING) | IN(QUEUE_CALLED) | IN(QUEUE_SERVING) |                \
     IN(QUEUE_HELD) | IN(QUEUE_ABSENT))

static bool is_at_counter(const struct queue_ticket *ticket)
{
    return ticket->state == QUEUE_CALLED || ticket->state == QUEUE_SERVING;
}

static void count_call(struct press *press, struct queue_ticket *ticket)
{
    const struct queue_ticket *last;
    int64_t newest;

    if (ticket->call_count < UINT16_MAX) {
        ticket->call_count++;
    }
    /* Never before a call that was made earlier, whatever the clock says now: boards show calls in this order. */
    newest = queue_newest_calls(press->queue, &last, 1) == 0 ? 0 : last->called_ms;
    ticket->called_ms = press->now_ms > newest ? press->now_ms : newest;
    ticket->call = press->command->origin;
}

static enum queue_reason printed(struct press *press)
{
    if (press->before->state != QUEUE_ISSUING && press->before->undelivered == 0) {
        return QUEUE_WRONG_STATE; /* nothing was waited for */
    }
    if (press->before->state == QUEUE_ISSUING) {
        press->after->state = QUEUE_WAITING;
    }
    press->after->undelivered = 0;
    return QUEUE_OK;
}

static enum queue_reason print_unknown(struct press *press)
{
    press->after->state = QUEUE_WAITING;
    press->after->undelivered = 1;
    return QUEUE_OK;
}

static enum queue_reason reprint(struct press *press)
{
    if (press->after->copies < UINT8_MAX) {
        press->after->copies++;
    }
    return QUEUE_OK;
}

static enum queue_reason cancel(struct press *press)
{
    press->after->state = QUEUE_CANCELLED;
    press->after->ended_ms = press->now_ms;
    return QUEUE_OK;
}

static enum queue_reason call(struct press *press)
{
    press->after->state = QUEUE_CALLED;
    press->after->counter = press->queue->counters[press->counter_slot].id;
    press->after->started_ms = 0;
    count_call(press, press->after);
    return QUEUE_OK;
}

static enum queue_reason recall(struct press *press)
{
    int64_t since_ms = press->now_ms - press->before->called_ms;

    if (since_ms >= 0 && since_ms < QUEUE_RECALL_INTERVAL_MS) {
        return QUEUE_TOO_SOON;
    }
    count_call(press, press->after);
    return QUEUE_OK;
}

static enum queue_reason start(struct press *press)
{
    press->after->state = QUEUE_SERVING;
    press->after->started_ms = press->now_ms;
    return QUEUE_OK;
}

static enum queue_reason complete(struct press *press)
{
    press->after->state = QUEUE_DONE;
    press->after->ended_ms = press->now_ms;
    return QUEUE_OK;
}

static enum queue_reason set_absent(struct press *press)
{
    if (press->before->call_count < QUEUE_CALLS_BEFORE_ABSENT) {
        return QUEUE_TOO_SOON;
    }
    press->after->state = QUEUE_ABSENT;
    return QUEUE_OK;
}

/* RETURN and PUT_BACK: enqueued_ms is left alone, so the old place is found again. */
static enum queue_reason wait_again(struct press *press)
{
    press->after->state = QUEUE_WAITING;
    press->after->counter = 0;
    return QUEUE_OK;
}

static enum queue_reason hold(struct press *press)
{
    press->after->state = QUEUE_HELD;
    return QUEUE_OK;
}

/* Into the other line by age: who was sent on by us does not queue up from the end again. */
static enum queue_reason transfer(struct press *press)
{
    if (queue_category_slot(press->queue, press->command->category) < 0) {
        return QUEUE_NO_SUCH_CATEGORY;
    }
    press->after->category = press->command->category;
    return wait_again(press);
}

static enum queue_reason find_open_counter(struct press *press)
{
    press->counter_slot = queue_counter_slot(press->queue, press->command->counter);
    if (press->counter_slot < 0) {
        return QUEUE_NO_SUCH_COUNTER;
    }
    return press->queue->counters[press->counter_slot].open ? QUEUE_OK : QUEUE_COUNTER_CLOSED;
}

static enum queue_reason find_named(struct press *press)
{
    press->before = queue_ticket_find(press->queue, &press->command->ticket);
    return press->before == NULL ? QUEUE_NO_SUCH_TICKET : QUEUE_OK;
}

static enum queue_reason find_at_counter(struct press *press)
{
    enum queue_reason reason = find_open_counter(press);
    const struct queue_counter *counter;

    if (reason != QUEUE_OK) {
        return reason;
    }
    counter = &press->queue->counters[press->counter_slot];
    if (!ids_token_is_zero(&press->command->ticket) &&
        !ids_token_equal(&press->command->ticket, &counter->ticket)) {
        /* The terminal shows another ticket than the counter has: never act on the wrong one. */
        reason = find_named(press);
        if (reason != QUEUE_OK) {
            return reason;
        }
        return is_at_counter(press->before) ? QUEUE_TICKET_ELSEWHERE : QUEUE_WRONG_STATE;
    }
    press->before = queue_ticket_find(press->queue, &counter->ticket);
    return press->before == NULL ? QUEUE_COUNTER_IDLE : QUEUE_OK;
}

static enum queue_reason find_ticket(struct press *press)
{
    enum queue_reason reason;

    if (ids_token_is_zero(&press->command->ticket) && press->command->counter != 0) {
        return find_at_counter(press);
    }
    reason = find_named(press);
    if (reason == QUEUE_OK && press->command->counter != 0) {
        reason = find_open_counter(press);
    } else if (reason == QUEUE_OK && is_at_counter(press->before)) {
        press->counter_slot = queue_counter_slot(press->queue, press->before->counter);
    }
    return reason;
}

static enum queue_reason find_free_counter(struct press *press)
{
    enum queue_reason reason = find_open_counter(press);

    if (reason != QUEUE_OK) {
        return reason;
    }
    return ids_token_is_zero(&press->queue->counters[press->counter_slot].ticket)
               ? QUEUE_OK
               : QUEUE_COUNTER_BUSY;
}

static enum queue_reason find_to_call(struct press *press)
{
    enum queue_reason reason = find_free_counter(press);
    int slot;

    if (reason != QUEUE_OK) {
        return reason;
    }
    reason = find_named(press);
    if (reason != QUEUE_OK) {
        return reason;
    }
    slot = queue_category_slot(press->queue, press->before->category);
    return slot >= 0 && press->queue->tiers[press->counter_slot][slot] != 0 ? QUEUE_OK
                                                                            : QUEUE_COUNTER_NOT_FOR;
}

static const struct rule rules[QUEUE_COUNTER_CLOSE + 1] = {
    [QUEUE_PRINTED] = {find_ticket, IN_LIVE, true, false, printed},
    [QUEUE_PRINT_UNKNOWN] = {find_ticket, IN(QUEUE_ISSUING), true, false, print_unknown},
    [QUEUE_REPRINT] = {find_ticket, IN_LIVE, true, false, reprint},
    [QUEUE_CANCEL] = {find_ticket,
                      IN(QUEUE_ISSUING) | IN(QUEUE_WAITING) | IN(QUEUE_HELD) | IN(QUEUE_ABSENT),
                      false, true, cancel},
    [QUEUE_CALL] = {find_to_call, IN(QUEUE_WAITING) | IN(QUEUE_HELD) | IN(QUEUE_ABSENT), false,
                    true, call},
    [QUEUE_RECALL] = {find_at_counter, IN(QUEUE_CALLED), false, false, recall},
    [QUEUE_START] = {find_at_counter, IN(QUEUE_CALLED), false, true, start},
    [QUEUE_COMPLETE] = {find_at_counter, IN(QUEUE_CALLED) | IN(QUEUE_SERVING), false, true,
                        complete},
    [QUEUE_SET_ABSENT] = {find_at_counter, IN(QUEUE_CALLED), false, true, set_absent},
    [QUEUE_RETURN] = {find_ticket, IN(QUEUE_ABSENT), false, true, wait_again},
    [QUEUE_PUT_BACK] = {find_at_counter, IN(QUEUE_CALLED), false, true, wait_again},
    [QUEUE_HOLD] = {find_ticket, IN(QUEUE_CALLED) | IN(QUEUE_SERVING), false, true, hold},
    [QUEUE_TRANSFER] = {find_ticket, IN(QUEUE_CALLED) | IN(QUEUE_SERVING) | IN(QUEUE_HELD), false,
                        true, transfer},
};

/* What the newest press here did, and the ticket as it was: all that undo needs. */
static void remember_press(struct queue_counter *counter, enum queue_action action,
                           const struct queue_ticket *before, int64_t at_ms)
{
    counter->undo_action = (uint8_t)action;
    counter->undo_state = before->state;
    counter->undo_counter = before->counter;
    counter->undo_call_count = before->call_count;
    counter->undo_category = before->category;
    counter->undo_call = before->call;
    counter->undo_called_ms = before->called_ms;
    counter->undo_started_ms = before->started_ms;
    counter->undo_ticket = before->id;
    counter->undo_at_ms = at_ms;
}

/* A counter that a new configuration took away has nothing to give back. */
static void give_ticket(struct press *press, uint16_t counter, struct ids_token ticket)
{
    int slot = queue_counter_slot(press->queue, counter);

    if (slot >= 0) {
        queue_change_counter(press->change, press->queue, slot, press->command->origin.lsn)
            ->ticket = ticket;
    }
}

/* The counter's row, the totals and the answer follow from the ticket's two images. */
static void follow_ticket(struct press *press, enum queue_action action, struct queue_key *answer)
{
    const struct queue *queue = press->queue;
    uint64_t lsn = press->command->origin.lsn;
    bool undoable = action != QUEUE_UNDO && rules[action].undoable;

    if (is_at_counter(press->before) && !is_at_counter(press->after)) {
        give_ticket(press, press->before->counter, (struct ids_token){{0}});
    }
    if (!is_at_counter(press->before) && is_at_counter(press->after)) {
        give_ticket(press, press->after->counter, press->after->id);
    }
    if (undoable && press->counter_slot != NO_COUNTER) {
        remember_press(queue_change_counter(press->change, queue, press->counter_slot, lsn), action,
                       press->before, press->now_ms);
    }
    queue_change_recount(press->change, queue, press->before, press->after);
    answer->ticket = press->after->id;
    answer->state = press->after->state;
    answer->counter = press->after->counter;
    answer->call_count = press->after->call_count;
}

static enum queue_reason press_by_rule(struct press *press, struct queue_key *answer)
{
    const struct rule *rule = &rules[press->command->action];
    enum queue_reason reason = rule->find(press);

    if (reason != QUEUE_OK) {
        return reason;
    }
    if (!rule->anywhere && is_at_counter(press->before) && press->command->counter != 0 &&
        press->before->counter != press->command->counter) {
        return QUEUE_TICKET_ELSEWHERE;
    }
    if ((rule->from & IN(press->before->state)) == 0) {
        return QUEUE_WRONG_STATE;
    }
    press->after = queue_change_add_ticket(press->change, press->before, &press->command->origin);
    reason = rule->effect(press);
    if (reason == QUEUE_OK) {
        follow_ticket(press, press->command->action, answer);
    }
    return reason;
}

/* Highest non-empty tier, in it the earliest place, then the lower number, then the id. The head of
 * a line has its earliest place, so heads are all that is looked at. */
static const struct queue_ticket *next_for(const struct queue *queue, int counter_slot,
                                           int64_t now_ms)
{
    const struct queue_ticket *best = NULL;
    uint32_t best_tier = 0;

    for (int slot = 0; slot < queue->config.category_count; slot++) {
        const struct queue_ticket *head = queue_line_head(queue, slot, QUEUE_LINE_WAITING);
        uint32_t tier;

        if (queue->tiers[counter_slot][slot] == 0 || head == NULL) {
            continue;
        }
        tier = queue_effective_tier(queue, counter_slot, slot, queue_order_ms(head), now_ms);
        if (best == NULL || tier < best_tier ||
            (tier == best_tier && queue_ticket_is_before(head, best))) {
            best = head;
            best_tier = tier;
        }
    }
    return best;
}

static enum queue_reason call_next(struct press *press, struct queue_key *answer)
{
    enum queue_reason reason = find_free_counter(press);

    if (reason != QUEUE_OK) {
        return reason;
    }
    press->before = next_for(press->queue, press->counter_slot, press->now_ms);
    if (press->before == NULL) {
        answer->counter = press->command->counter;
        return QUEUE_EMPTY;
    }
    press->after = queue_change_add_ticket(press->change, press->before, &press->command->origin);
    (void)call(press);
    follow_ticket(press, QUEUE_CALL, answer);
    return QUEUE_OK;
}

/* How a press leaves its ticket: undo only takes back what is still so. */
static enum queue_ticket_state state_after(enum queue_action undoable)
{
    static const uint8_t states[QUEUE_ACTION_END] = {
        [QUEUE_CANCEL] = QUEUE_CANCELLED, [QUEUE_CALL_NEXT] = QUEUE_CALLED,
        [QUEUE_CALL] = QUEUE_CALLED,      [QUEUE_START] = QUEUE_SERVING,
        [QUEUE_COMPLETE] = QUEUE_DONE,    [QUEUE_SET_ABSENT] = QUEUE_ABSENT,
        [QUEUE_RETURN] = QUEUE_WAITING,   [QUEUE_PUT_BACK] = QUEUE_WAITING,
        [QUEUE_HOLD] = QUEUE_HELD,        [QUEUE_TRANSFER] = QUEUE_WAITING,
    };

    return states[undoable];
}

static enum queue_reason check_undo(struct press *press)
{
    enum queue_reason reason = find_open_counter(press);
    const struct queue_counter *counter;

    if (reason != QUEUE_OK) {
        return reason;
    }
    counter = &press->queue->counters[press->counter_slot];
    press->before = queue_ticket_find(press->queue, &counter->undo_ticket);
    if (counter->undo_action == 0 || press->before == NULL) {
        return QUEUE_NOTHING_TO_UNDO;
    }
    if (press->now_ms - counter->undo_at_ms > QUEUE_UNDO_WINDOW_MS) {
        return QUEUE_UNDO_TOO_LATE;
    }
    if (is_at_counter(press->before) && press->before->counter != counter->id) {
        return QUEUE_TICKET_ELSEWHERE;
    }
    if (press->before->state != state_after(counter->undo_action)) {
        return QUEUE_WRONG_STATE;
    }
    if (!ids_token_is_zero(&counter->ticket) &&
        !ids_token_equal(&counter->ticket, &press->before->id)) {
        return QUEUE_COUNTER_BUSY;
    }
    return QUEUE_OK;
}

static enum queue_reason undo(struct press *press, struct queue_key *answer)
{
    enum queue_reason reason = check_undo(press);
    const struct queue_counter *counter;
    struct queue_ticket *after;

    if (reason != QUEUE_OK) {
        return reason;
    }
    counter = &press->queue->counters[press->counter_slot];
    after = queue_change_add_ticket(press->change, press->before, &press->command->origin);
    after->state = counter->undo_state;
    after->counter = counter->undo_counter;
    after->call_count = counter->undo_call_count;
    after->category = counter->undo_category;
    after->call = counter->undo_call;
    after->called_ms = counter->undo_called_ms;
    after->started_ms = counter->undo_started_ms;
    after->ended_ms = 0;
    press->after = after;
    follow_ticket(press, QUEUE_UNDO, answer);
    queue_counter_forget_press(queue_change_counter(
        press->change, press->queue, press->counter_slot, press->command->origin.lsn));
    return QUEUE_OK;
}

/* Level, not edge: opening an open counter is right already. */
static enum queue_reason set_open(struct press *press, bool open, struct queue_key *answer)
{
    const struct queue_counter *counter;
    struct queue_counter *after;

    press->counter_slot = queue_counter_slot(press->queue, press->command->counter);
    if (press->counter_slot < 0) {
        return QUEUE_NO_SUCH_COUNTER;
    }
    counter = &press->queue->counters[press->counter_slot];
    answer->counter = counter->id;
    if (!open && !ids_token_is_zero(&counter->ticket)) {
        return QUEUE_COUNTER_BUSY;
    }
    if (counter->open != (open ? 1 : 0)) {
        after = queue_change_counter(press->change, press->queue, press->counter_slot,
                                     press->command->origin.lsn);
        after->open = open ? 1 : 0;
        queue_counter_forget_press(after);
    }
    return QUEUE_OK;
}

enum queue_reason queue_decide_press(const struct queue *queue, const struct queue_command *command,
                                     struct queue_change *change, struct queue_key *answer)
{
    struct press press = {
        .queue = queue,
        .command = command,
        .change = change,
        .now_ms = queue_believed_ms(command->at_ms),
        .counter_slot = NO_COUNTER,
    };

    if (command->action == QUEUE_CALL_NEXT) {
        return call_next(&press, answer);
    }
    if (command->action == QUEUE_UNDO) {
        return undo(&press, answer);
    }
    if (command->action == QUEUE_COUNTER_OPEN || command->action == QUEUE_COUNTER_CLOSE) {
        return set_open(&press, command->action == QUEUE_COUNTER_OPEN, answer);
    }
    return press_by_rule(&press, answer);
}
