/* What a counter, the printer or a visitor may do with a ticket: one table of states and actions
 * (field-queue.md 3), then what each does. docs/QUEUE.md shows the table; a test holds the two
 * equal. */
#include "appliance/queue/queue_parts.h"

#include "base/check.h"

#include <string.h>

enum { NO_COUNTER = -1, MS_PER_MINUTE = 60000 };

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
    /* After every call that was made earlier, whatever the clock says now: boards show calls in this order, and of two
     * at one time the entries' numbers do not tell, which are of two ledgers once units have met. */
    newest = queue_newest_calls(press->queue, &last, 1) == 0 ? 0 : last->called_ms;
    ticket->called_ms =
        press->now_ms > newest || newest == QUEUE_TIME_MS_MAX ? press->now_ms : newest + 1;
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

static void end(struct press *press, enum queue_ticket_state state, enum queue_outcome outcome)
{
    press->after->state = (uint8_t)state;
    press->after->outcome = (uint8_t)outcome;
    press->after->ended_ms = press->now_ms;
}

static enum queue_reason cancel(struct press *press)
{
    bool by_visitor = press->command->counter == 0;

    /* The id of a hand-written ticket is no secret: knowing it is no right. */
    if (by_visitor && press->before->delivery == QUEUE_DELIVERY_HAND) {
        return QUEUE_WRONG_STATE;
    }
    end(press, QUEUE_CANCELLED,
        by_visitor ? QUEUE_OUTCOME_REMOVED_BY_VISITOR : QUEUE_OUTCOME_REMOVED_BY_STAFF);
    return QUEUE_OK;
}

/* A clock that goes back adds nothing. */
static uint32_t longer_ms(uint32_t sum_ms, int64_t from_ms, int64_t to_ms)
{
    int64_t more_ms = to_ms > from_ms ? to_ms - from_ms : 0;

    return more_ms > QUEUE_DURATION_MS_MAX - (int64_t)sum_ms ? QUEUE_DURATION_MS_MAX
                                                             : sum_ms + (uint32_t)more_ms;
}

/* The visitor leaves the counter: what was spent there is counted, for statistics. */
static void count_service(const struct press *press)
{
    const struct queue_ticket *before = press->before;

    if (is_at_counter(before)) {
        press->after->served_ms = longer_ms(
            before->served_ms, before->started_ms != 0 ? before->started_ms : before->called_ms,
            press->now_ms);
    }
}

static void let_go_of_hold(const struct press *press)
{
    struct queue_ticket *ticket = press->after;

    if (ticket->held_at_ms != 0) {
        ticket->held_ms = longer_ms(ticket->held_ms, ticket->held_at_ms, press->now_ms);
    }
    ticket->held_at_ms = 0;
    ticket->hold_reason = 0;
    ticket->hold_owner = 0;
    ticket->hold_until_ms = 0;
}

static enum queue_reason call(struct press *press)
{
    press->after->state = QUEUE_CALLED;
    press->after->counter = press->queue->counters[press->counter_slot].id;
    press->after->for_counter = 0;
    press->after->started_ms = 0;
    let_go_of_hold(press);
    count_call(press, press->after);
    if (press->after->first_called_ms == 0) {
        press->after->first_called_ms = press->after->called_ms;
    }
    return QUEUE_OK;
}

static enum queue_reason recall(struct press *press)
{
    int64_t since_ms = press->now_ms - press->before->called_ms;

    if (since_ms >= 0 && since_ms < QUEUE_RECALL_INTERVAL_MS) {
        return QUEUE_TOO_SOON;
    }
    if (queue_twin_wait_ms(press->queue, press->before, press->now_ms) > 0) {
        return QUEUE_TWIN_CALLED;
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

/* What is behind the ticket becomes a leg; it stands at the beginning of the next one. */
static void close_leg(struct press *press, enum queue_outcome outcome)
{
    struct queue_ticket *after = press->after;
    int64_t newest_ms = press->queue->newest_enqueued_ms;

    CHECK(after->leg_count < QUEUE_LEGS_MAX);
    count_service(press);
    let_go_of_hold(press);
    after->legs[after->leg_count++] = (struct queue_leg){
        .category = press->before->category,
        .counter = press->before->counter,
        .outcome = (uint8_t)outcome,
        .enqueued_ms = press->before->enqueued_ms,
        .called_ms = press->before->called_ms,
        .started_ms = press->before->started_ms,
        .ended_ms = press->now_ms,
        .first_called_ms = press->before->first_called_ms,
        .held_ms = after->held_ms,
        .served_ms = after->served_ms,
    };
    after->first_called_ms = 0;
    after->held_ms = after->served_ms = 0;
    after->state = QUEUE_WAITING;
    after->counter = 0;
    after->for_counter = 0;
    after->call_count = 0; /* called_ms stays: everybody heard that number then */
    after->started_ms = 0;
    after->enqueued_ms = press->now_ms > newest_ms ? press->now_ms : newest_ms;
}

/* With services still planned it waits for the next one, by its age, under the same number. */
static enum queue_reason complete(struct press *press)
{
    struct queue_ticket *after = press->after;

    if (after->plan_count == 0 || queue_category_slot(press->queue, after->plan[0]) < 0) {
        count_service(press);
        end(press, QUEUE_DONE, QUEUE_OUTCOME_SERVED);
        return QUEUE_OK;
    }
    close_leg(press, QUEUE_OUTCOME_SERVED);
    after->category = after->plan[0];
    after->plan_count--;
    memmove(&after->plan[0], &after->plan[1], after->plan_count * sizeof(after->plan[0]));
    after->plan[after->plan_count] = 0;
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

static void wait_again(struct press *press)
{
    press->after->state = QUEUE_WAITING;
    press->after->counter = 0;
    let_go_of_hold(press);
}

/* The place is left alone, so the old one is found again. */
static enum queue_reason put_back(struct press *press)
{
    wait_again(press);
    press->after->first_called_ms = 0; /* that call ended no wait */
    return QUEUE_OK;
}

static bool place_is_known(const struct queue_command *command)
{
    return command->place == QUEUE_PLACE_AFTER
               ? command->after >= 1 && command->after <= QUEUE_AFTER_MAX
               : command->place < QUEUE_PLACE_AFTER;
}

static void take_place(struct press *press, enum queue_place place, uint8_t after)
{
    press->after->place_ms =
        queue_place_ms(press->queue, press->after, place, after, press->now_ms);
}

/* Within the tolerance the old place; later behind some others, unless staff say where. */
static enum queue_reason come_back(struct press *press)
{
    const struct queue_config *config = &press->queue->config;
    int64_t away_ms = press->now_ms - press->before->called_ms;
    bool late =
        config->absent_minutes != 0 && away_ms > (int64_t)config->absent_minutes * MS_PER_MINUTE;

    if (!place_is_known(press->command)) {
        return QUEUE_BAD_PLACE;
    }
    if (late && press->command->place == QUEUE_PLACE_AGE) {
        return QUEUE_RETURN_TOO_LATE;
    }
    wait_again(press);
    if (press->command->place != QUEUE_PLACE_USUAL) {
        take_place(press, (enum queue_place)press->command->place, press->command->after);
    } else if (late && config->absent_after > 0) {
        take_place(press, QUEUE_PLACE_AFTER, config->absent_after);
    } else if (late) {
        take_place(press, QUEUE_PLACE_TAIL, 0);
    }
    return QUEUE_OK;
}

static enum queue_reason give_up(struct press *press)
{
    end(press, QUEUE_NO_SHOW, QUEUE_OUTCOME_NO_SHOW);
    return QUEUE_OK;
}

static enum queue_reason hold(struct press *press)
{
    const struct queue_command *command = press->command;
    int64_t until_ms = press->now_ms + (int64_t)command->hold_ms;

    if (command->hold_reason > QUEUE_HOLD_INQUIRY || command->hold_ms > QUEUE_HOLD_MS_MAX) {
        return QUEUE_BAD_PLACE;
    }
    count_service(press);
    press->after->held_at_ms = press->now_ms;
    press->after->state = QUEUE_HELD;
    press->after->hold_reason = command->hold_reason == 0 ? QUEUE_HOLD_OTHER : command->hold_reason;
    press->after->hold_owner = command->to_pool ? 0 : press->before->counter;
    press->after->hold_until_ms = command->hold_ms == 0 ? 0 : queue_believed_ms(until_ms);
    return QUEUE_OK;
}

/* By the unit on duty, when it sees that the time is over: it waits for the counter that goes on with it. */
static enum queue_reason end_hold(struct press *press)
{
    uint16_t owner = press->before->hold_owner;

    if (press->before->hold_until_ms == 0 || press->before->hold_until_ms > press->now_ms) {
        return QUEUE_WRONG_STATE;
    }
    wait_again(press);
    press->after->for_counter = owner;
    return QUEUE_OK;
}

/* By age if nothing else is said: who was sent on by us does not queue up from the end again. */
static enum queue_reason transfer(struct press *press)
{
    const struct queue_command *command = press->command;
    uint16_t category = command->category == 0 ? press->before->category : command->category;

    if (!place_is_known(command)) {
        return QUEUE_BAD_PLACE;
    }
    if ((command->category == 0 && command->to_counter == 0) ||
        queue_category_slot(press->queue, category) < 0) {
        return QUEUE_NO_SUCH_CATEGORY;
    }
    if (command->to_counter != 0 && queue_counter_slot(press->queue, command->to_counter) < 0) {
        return QUEUE_NO_SUCH_COUNTER;
    }
    if (press->before->leg_count + press->before->plan_count >= QUEUE_LEGS_MAX) {
        return QUEUE_TOO_MANY_LEGS;
    }
    close_leg(press,
              command->to_counter != 0 ? QUEUE_OUTCOME_TO_COUNTER : QUEUE_OUTCOME_TO_CATEGORY);
    press->after->category = category;
    press->after->for_counter = command->to_counter;
    take_place(press, (enum queue_place)command->place, command->after);
    return QUEUE_OK;
}

/* It waits behind everybody who was in the office before, from now on. */
static enum queue_reason arrive(struct press *press)
{
    const struct queue_command *command = press->command;
    int slot = queue_category_slot(press->queue, press->before->category);
    int64_t newest_ms = press->queue->newest_enqueued_ms;
    enum queue_reason reason = slot < 0 ? QUEUE_NO_SUCH_CATEGORY
                               : command->hours_unknown
                                   ? QUEUE_OK
                                   : queue_hours_accept(press->queue, slot, command->at_ms);

    if (command->from_afar && !press->queue->config.own_arrival) {
        return QUEUE_ARRIVE_HERE;
    }
    if (reason != QUEUE_OK) {
        return reason;
    }
    press->after->state = QUEUE_WAITING;
    /* Its number may be lower than of those who came before: of one moment it would stand in front of them. */
    press->after->enqueued_ms =
        press->now_ms > newest_ms || newest_ms == QUEUE_TIME_MS_MAX ? press->now_ms : newest_ms + 1;
    press->after->place_ms = press->after->enqueued_ms;
    queue_tell_wait(press->queue, slot, press->now_ms, press->after);
    return QUEUE_OK;
}

static enum queue_reason plan(struct press *press)
{
    const struct queue_command *command = press->command;
    enum queue_reason reason = queue_check_plan(press->queue, command);

    if (reason != QUEUE_OK) {
        return reason;
    }
    if (press->before->leg_count + command->plan_count > QUEUE_LEGS_MAX) {
        return QUEUE_TOO_MANY_LEGS;
    }
    press->after->plan_count = command->plan_count;
    memcpy(press->after->plan, command->plan, sizeof(press->after->plan));
    return QUEUE_OK;
}

static enum queue_reason note(struct press *press)
{
    const struct queue_command *command = press->command;

    if (command->assist > 2 ||
        (command->has_note && !queue_text_is_valid(command->note, sizeof(command->note)))) {
        return QUEUE_BAD_NOTE;
    }
    if (command->has_note) {
        memset(press->after->note, 0, sizeof(press->after->note));
        memcpy(press->after->note, command->note, strlen(command->note));
    }
    if (command->assist != 0) {
        press->after->assist = command->assist == 1;
    }
    return QUEUE_OK;
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

/* By its number or its id, and never whoever stands at the counter that pressed. */
static enum queue_reason find_arriving(struct press *press)
{
    enum queue_reason reason = find_named(press);

    return reason == QUEUE_OK && press->command->counter != 0 ? find_open_counter(press) : reason;
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
    if (press->before->for_counter != press->command->counter &&
        press->before->hold_owner != press->command->counter &&
        (slot < 0 || press->queue->tiers[press->counter_slot][slot] == 0)) {
        return QUEUE_COUNTER_NOT_FOR;
    }
    return queue_twin_wait_ms(press->queue, press->before, press->now_ms) > 0 ? QUEUE_TWIN_CALLED
                                                                              : QUEUE_OK;
}

/* Another counter goes on with this visitor; a closed one does not, so its visitors are anybody's. */
static bool is_held_elsewhere(const struct press *press)
{
    const struct queue_ticket *ticket = press->before;
    const struct queue_counter *owner;

    if (ticket->state != QUEUE_HELD || ticket->hold_owner == 0 || press->command->counter == 0 ||
        ticket->hold_owner == press->command->counter) {
        return false;
    }
    owner = queue_counter_find(press->queue, ticket->hold_owner);
    return owner != NULL && owner->open;
}

static const struct rule rules[QUEUE_ACTION_END] = {
    [QUEUE_PRINTED] = {find_ticket, IN_LIVE, true, false, printed},
    [QUEUE_PRINT_UNKNOWN] = {find_ticket, IN(QUEUE_ISSUING), true, false, print_unknown},
    [QUEUE_REPRINT] = {find_ticket, IN_LIVE, true, false, reprint},
    [QUEUE_CANCEL] = {find_ticket,
                      IN(QUEUE_ISSUING) | IN(QUEUE_WAITING) | IN(QUEUE_HELD) | IN(QUEUE_ABSENT) |
                          IN(QUEUE_EXPECTED),
                      false, true, cancel},
    [QUEUE_CALL] = {find_to_call, IN(QUEUE_WAITING) | IN(QUEUE_HELD) | IN(QUEUE_ABSENT), false,
                    true, call},
    [QUEUE_RECALL] = {find_at_counter, IN(QUEUE_CALLED), false, false, recall},
    [QUEUE_START] = {find_at_counter, IN(QUEUE_CALLED), false, true, start},
    [QUEUE_COMPLETE] = {find_at_counter, IN(QUEUE_CALLED) | IN(QUEUE_SERVING), false, true,
                        complete},
    [QUEUE_SET_ABSENT] = {find_at_counter, IN(QUEUE_CALLED), false, true, set_absent},
    [QUEUE_RETURN] = {find_ticket, IN(QUEUE_ABSENT), false, true, come_back},
    [QUEUE_PUT_BACK] = {find_at_counter, IN(QUEUE_CALLED), false, true, put_back},
    [QUEUE_HOLD] = {find_ticket, IN(QUEUE_CALLED) | IN(QUEUE_SERVING), false, true, hold},
    [QUEUE_TRANSFER] = {find_ticket, IN(QUEUE_CALLED) | IN(QUEUE_SERVING) | IN(QUEUE_HELD), false,
                        true, transfer},
    [QUEUE_GIVE_UP] = {find_ticket, IN(QUEUE_ABSENT), false, true, give_up},
    [QUEUE_PLAN] = {find_ticket, IN_LIVE, false, true, plan},
    [QUEUE_NOTE] = {find_ticket, IN_LIVE, true, false, note},
    [QUEUE_ARRIVE] = {find_arriving, IN(QUEUE_EXPECTED), false, false, arrive},
    [QUEUE_HOLD_ENDING] = {find_named, IN(QUEUE_HELD), true, false, end_hold},
};

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
        queue_remember_press(queue_change_counter(press->change, queue, press->counter_slot, lsn),
                             action, press->before, press->now_ms);
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
    if (!rule->anywhere && is_held_elsewhere(press)) {
        return QUEUE_HELD_ELSEWHERE;
    }
    if ((rule->from & IN(press->before->state)) == 0) {
        return press->before->state == QUEUE_EXPECTED ? QUEUE_NOT_ARRIVED : QUEUE_WRONG_STATE;
    }
    press->after = queue_change_add_ticket(press->change, press->before, &press->command->origin);
    reason = rule->effect(press);
    if (reason == QUEUE_OK) {
        follow_ticket(press, press->command->action, answer);
    }
    return reason;
}

struct choice {
    const struct queue_ticket *best;
    uint32_t tier;
    bool twin_waits; /* somebody may be called only when the minute of another call is over */
};

static void consider(struct choice *choice, const struct queue_ticket *ticket, uint32_t tier)
{
    if (choice->best == NULL || tier < choice->tier ||
        (tier == choice->tier && queue_ticket_is_before(ticket, choice->best))) {
        choice->best = ticket;
        choice->tier = tier;
    }
}

/* The first that may be called, which is the head unless its number was called in another series just now.
 * `own`: they wait for this counter. Of all others only those that it serves. */
static void consider_line(const struct press *press, struct choice *choice,
                          const struct queue_ticket *first, bool own)
{
    const struct queue *queue = press->queue;

    for (const struct queue_ticket *ticket = first; ticket != NULL;
         ticket = queue_line_next(queue, ticket)) {
        int slot = queue_category_slot(queue, ticket->category);

        if (!own && (slot < 0 || queue->tiers[press->counter_slot][slot] == 0)) {
            continue;
        }
        if (queue_twin_wait_ms(queue, ticket, press->now_ms) > 0) {
            choice->twin_waits = true;
            continue;
        }
        consider(choice, ticket,
                 own ? 1
                     : queue_effective_tier(queue, press->counter_slot, slot,
                                            queue_order_ms(ticket), press->now_ms));
        return;
    }
}

/* Highest non-empty tier, in it the earliest place, then the lower number, then the id. The head of
 * a line has its earliest place, so heads are all that is looked at. Who waits for this counter alone is
 * of the first tier; who waits for one that is closed is called by whoever serves the category. */
static enum queue_reason choose_next(struct press *press)
{
    const struct queue *queue = press->queue;
    struct choice choice = {0};

    for (int slot = 0; slot < queue->config.category_count; slot++) {
        if (queue->tiers[press->counter_slot][slot] != 0) {
            consider_line(press, &choice, queue_line_head(queue, slot, QUEUE_LINE_WAITING), false);
        }
    }
    for (int at = 0; at < queue->config.counter_count; at++) {
        if (at == press->counter_slot || !queue->counters[at].open) {
            consider_line(press, &choice, queue_own_line_head(queue, at),
                          at == press->counter_slot);
        }
    }
    press->before = choice.best;
    if (choice.best != NULL) {
        return QUEUE_OK;
    }
    return choice.twin_waits ? QUEUE_TWIN_CALLED : QUEUE_EMPTY;
}

static enum queue_reason call_next(struct press *press, struct queue_key *answer)
{
    enum queue_reason reason = find_free_counter(press);

    if (reason != QUEUE_OK) {
        return reason;
    }
    reason = choose_next(press);
    if (reason != QUEUE_OK) {
        answer->counter = press->command->counter;
        return reason;
    }
    press->after = queue_change_add_ticket(press->change, press->before, &press->command->origin);
    (void)call(press);
    follow_ticket(press, QUEUE_CALL, answer);
    return QUEUE_OK;
}

static enum queue_reason undo(struct press *press, struct queue_key *answer)
{
    enum queue_reason reason = find_open_counter(press);

    if (reason == QUEUE_OK) {
        reason = queue_check_undo(press->queue, press->counter_slot, press->now_ms, &press->before);
    }
    if (reason != QUEUE_OK) {
        return reason;
    }
    press->after = queue_change_add_ticket(press->change, press->before, &press->command->origin);
    queue_write_back(&press->queue->counters[press->counter_slot], press->after);
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
