/* From a command to a change: keys, issuing, and the numbers that are given. */
#include "appliance/queue/queue.h"

#include "appliance/queue/queue_parts.h"
#include "base/check.h"

#include <assert.h>
#include <string.h>

static_assert((int)QUEUE_CLIENT_ACTION_LAST == (int)QUEUE_SET_HOURS, "what a client may ask");

bool queue_action_is_clients(uint8_t action)
{
    return (action >= QUEUE_ISSUE && action <= QUEUE_CLIENT_ACTION_LAST) ||
           action == QUEUE_REGISTER || action == QUEUE_ARRIVE;
}

bool queue_action_gives_number(uint8_t action)
{
    return action == QUEUE_ISSUE || action == QUEUE_REGISTER;
}

static bool series_is_plain(struct ids_series series)
{
    return series.unit == 0;
}

/* The number that everything before the first one counts from. */
static uint16_t plain_highest(const struct queue *queue, int slot)
{
    uint16_t highest = queue->categories[slot].plain_highest;

    return highest != 0 ? highest : (uint16_t)(queue->config.categories[slot].number_first - 1);
}

static uint16_t highest_for(const struct queue *queue, int slot, struct ids_series series)
{
    const struct queue_category *category = &queue->categories[slot];
    uint16_t highest = plain_highest(queue, slot);

    if (series_is_plain(series)) {
        return highest;
    }
    if (ids_series_equal(series, category->letter)) {
        return category->letter_highest;
    }
    return highest > category->letter_highest ? highest : category->letter_highest;
}

uint16_t queue_next_number(const struct queue *queue, uint16_t category, struct ids_series series)
{
    int slot = queue_category_slot(queue, category);
    uint32_t number;

    if (slot < 0) {
        return 0;
    }
    number = highest_for(queue, slot, series) + 1u;
    /* The category's row says it all; but no number is given twice even if that row were wrong. */
    while (number <= queue->config.categories[slot].number_last &&
           (queue_number_is_skipped(&queue->config, (uint16_t)number) ||
            queue_ticket_by_number(queue, (uint16_t)number, series) != NULL)) {
        number++;
    }
    return number <= queue->config.categories[slot].number_last ? (uint16_t)number : 0;
}

static bool language_is_known(const char language[8])
{
    static const char known[][8] = {"ja", "ja-easy", "en", "zh", "ko"};

    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        if (memcmp(known[i], language, sizeof(known[i])) == 0) {
            return true;
        }
    }
    return false;
}

bool queue_language_read(const char given[8], char language[8])
{
    char text[8] = {0};

    for (size_t i = 0; i < sizeof(text) && given[i] != '\0'; i++) {
        text[i] = given[i];
    }
    if (!language_is_known(text)) {
        return false;
    }
    memcpy(language, text, sizeof(text));
    return true;
}

enum queue_reason queue_check_plan(const struct queue *queue, const struct queue_command *command)
{
    if (command->plan_count > QUEUE_PLAN_MAX) {
        return QUEUE_BAD_PLACE;
    }
    for (int i = 0; i < command->plan_count; i++) {
        if (queue_category_slot(queue, command->plan[i]) < 0) {
            return QUEUE_NO_SUCH_CATEGORY;
        }
    }
    return QUEUE_OK;
}

static enum queue_reason check_issue(const struct queue *queue, const struct queue_command *command,
                                     int slot, struct queue_ticket *ticket)
{
    static const char default_language[8] = "ja";
    enum queue_reason reason;

    if (slot < 0) {
        return QUEUE_NO_SUCH_CATEGORY;
    }
    if (!queue_language_read(command->language[0] == '\0' ? default_language : command->language,
                             ticket->language)) {
        return QUEUE_BAD_LANGUAGE;
    }
    if (command->priority > QUEUE_PRIORITY_MAX) {
        return QUEUE_BAD_PRIORITY;
    }
    if (ids_token_is_zero(&command->ticket) || queue_ticket_find(queue, &command->ticket) != NULL) {
        return QUEUE_WRONG_STATE;
    }
    reason = queue_check_plan(queue, command);
    if (reason == QUEUE_OK) {
        reason =
            command->action == QUEUE_REGISTER
                ? queue_accepts_registration(queue, command->category, command->at_ms,
                                             command->hours_unknown)
                : queue_accepts(queue, command->category, command->at_ms, command->hours_unknown);
    }
    if (reason != QUEUE_OK) {
        return reason;
    }
    if (queue->ticket_count >= QUEUE_TICKETS_MAX) {
        return QUEUE_DAY_FULL;
    }
    ticket->number = queue_next_number(queue, command->category, command->series);
    if (ticket->number == 0) {
        return QUEUE_NUMBERS_USED_UP;
    }
    if (series_is_plain(command->series) && ticket->number > queue->categories[slot].ceiling) {
        return QUEUE_CEILING_REACHED;
    }
    return QUEUE_OK;
}

/* What is printed on the paper about the wait. */
void queue_tell_wait(const struct queue *queue, int slot, int64_t now_ms,
                     struct queue_ticket *ticket)
{
    int64_t order_ms = queue_order_ms(ticket);
    uint32_t ahead = queue_line_ahead(queue, slot, order_ms, ticket->number, &ticket->id);
    int64_t wait_ms = queue_play_forward_ms(queue, slot, -1, ahead, order_ms, now_ms);

    ticket->waiting_ahead_at_issue = ahead > UINT16_MAX ? UINT16_MAX : (uint16_t)ahead;
    ticket->estimate_s_at_issue =
        wait_ms < 0 ? QUEUE_ESTIMATE_NONE : (uint16_t)queue_estimate_round_s(wait_ms);
}

static void note_number(struct queue_category *category, const struct queue_ticket *ticket)
{
    if (series_is_plain(ticket->series)) {
        category->plain_highest = ticket->number;
    } else {
        category->letter = ticket->series;
        category->letter_highest = ticket->number;
    }
}

static enum queue_reason decide_issue(const struct queue *queue,
                                      const struct queue_command *command,
                                      struct queue_change *change, struct queue_key *answer)
{
    int slot = queue_category_slot(queue, command->category);
    struct queue_ticket ticket = {0};
    enum queue_reason reason = check_issue(queue, command, slot, &ticket);
    bool expected = command->action == QUEUE_REGISTER;
    bool paper = !expected && command->delivery == QUEUE_DELIVERY_PAPER;

    if (reason != QUEUE_OK) {
        return reason;
    }
    ticket.id = command->ticket;
    ticket.day = queue->day.date;
    ticket.category = command->category;
    ticket.series = command->series;
    ticket.term = command->origin.term;
    ticket.state = expected ? QUEUE_EXPECTED : paper ? QUEUE_ISSUING : QUEUE_WAITING;
    ticket.delivery = QUEUE_DELIVERY_SCREEN;
    if (paper || command->delivery == QUEUE_DELIVERY_SCREEN_FOR_PAPER) {
        ticket.delivery = command->delivery;
    }
    ticket.issued_ms = queue_believed_ms(command->at_ms);
    /* The clock may have gone back; the line does not. */
    ticket.enqueued_ms =
        ticket.issued_ms > queue->newest_enqueued_ms ? ticket.issued_ms : queue->newest_enqueued_ms;
    ticket.request_key = command->key;
    if (expected) { /* no place in a line, and nothing to be said of its wait: it begins by ARRIVE */
        ticket.delivery = QUEUE_DELIVERY_REGISTERED;
        ticket.estimate_s_at_issue = QUEUE_ESTIMATE_NONE;
    } else {
        ticket.place_ms = ticket.enqueued_ms;
        ticket.priority = command->priority;
        ticket.assist = command->assist == 1;
        ticket.plan_count = command->plan_count;
        memcpy(ticket.plan, command->plan, command->plan_count * sizeof(ticket.plan[0]));
        queue_tell_wait(queue, slot, ticket.issued_ms, &ticket);
    }
    (void)queue_change_add_ticket(change, &ticket, &command->origin);
    note_number(queue_change_category(change, queue, slot, command->origin.lsn), &ticket);
    queue_change_recount(change, queue, NULL, &ticket);
    answer->ticket = ticket.id;
    answer->state = ticket.state;
    return QUEUE_OK;
}

/* A key that was answered: again the same, unless its ticket was taken back before anyone saw it.
 */
static bool answer_known_key(const struct queue *queue, const struct queue_command *command,
                             struct queue_decision *decision)
{
    const struct queue_key *known = queue_key_find(queue, &command->key);
    const struct queue_ticket *ticket;

    if (known == NULL) {
        return false;
    }
    if (known->body_hash != QUEUE_BODY_UNKNOWN && known->body_hash != command->body_hash) {
        decision->reason = QUEUE_KEY_REUSED;
        return true;
    }
    ticket = queue_ticket_find(queue, &known->ticket);
    if (queue_action_gives_number((uint8_t)command->action) && ticket != NULL &&
        ticket->state == QUEUE_VOID) {
        return false;
    }
    decision->reason = QUEUE_REPLAYED;
    decision->answer = *known;
    return true;
}

static enum queue_reason decide_action(const struct queue *queue,
                                       const struct queue_command *command,
                                       struct queue_change *change, struct queue_key *answer)
{
    if (queue_action_gives_number((uint8_t)command->action)) {
        return decide_issue(queue, command, change, answer);
    }
    if (command->action == QUEUE_ENTER_MANUAL) {
        return queue_decide_manual(queue, command, change, answer);
    }
    if (command->action >= QUEUE_SUSPEND && command->action <= QUEUE_SET_LIMIT) {
        return queue_decide_ruling(queue, command, change);
    }
    if (command->action >= QUEUE_SET_NOTICE && command->action <= QUEUE_SET_HOURS) {
        return queue_decide_manage(queue, command, change);
    }
    return queue_decide_press(queue, command, change, answer);
}

static void decide_client(const struct queue *queue, const struct queue_command *command,
                          struct queue_decision *decision)
{
    bool keyed = !ids_token_is_zero(&command->key);
    struct queue_key answer = decision->answer;

    if (keyed && answer_known_key(queue, command, decision)) {
        return;
    }
    if (queue->day.state != QUEUE_DAY_OPEN) {
        if (command->action != QUEUE_SET_HOURS) {
            decision->reason = QUEUE_DAY_NOT_OPEN;
            return;
        }
        keyed = false; /* keys are a day's; hours are a level, so asked twice is asked once */
    }
    if (keyed && queue->key_count >= QUEUE_KEYS_MAX) {
        decision->reason = QUEUE_DAY_FULL;
        return;
    }
    decision->reason = decide_action(queue, command, &decision->change, &answer);
    if (decision->reason == QUEUE_EMPTY) {
        answer.reason = QUEUE_EMPTY;
        decision->answer = answer;
    } else if (decision->reason == QUEUE_OK) {
        answer.lsn = command->origin.lsn;
        decision->answer = answer;
        if (keyed) {
            queue_change_add(&decision->change, QUEUE_ROW_KEY)->key = answer;
        }
    }
}

void queue_decide(const struct queue *queue, const struct queue_command *command,
                  struct queue_decision *decision)
{
    decision->reason = QUEUE_WRONG_STATE;
    decision->change.action = (uint8_t)command->action;
    decision->change.row_count = 0;
    decision->answer = (struct queue_key){
        .key = command->key,
        .body_hash = command->body_hash,
        .action = (uint8_t)command->action,
    };
    if (queue_action_is_clients((uint8_t)command->action)) {
        decide_client(queue, command, decision);
    } else if (command->action == QUEUE_HOLD_ENDING) {
        decision->reason =
            queue->day.state != QUEUE_DAY_OPEN
                ? QUEUE_DAY_NOT_OPEN
                : queue_decide_press(queue, command, &decision->change, &decision->answer);
    } else if (command->action >= QUEUE_DAY_OPENING && command->action <= QUEUE_DAY_ANNULLING) {
        decision->reason = queue_decide_day(queue, command, &decision->change);
    }
    if (decision->reason != QUEUE_OK) {
        decision->change.row_count = 0;
    }
}

void queue_raise_ceiling(const struct queue *queue, uint16_t category, uint16_t reserve,
                         uint64_t lsn, struct queue_change *ret_change)
{
    int slot = queue_category_slot(queue, category);
    uint32_t ceiling;

    ret_change->action = QUEUE_RAISE_CEILING;
    ret_change->row_count = 0;
    if (slot < 0) {
        return;
    }
    ceiling = plain_highest(queue, slot) + (uint32_t)reserve;
    if (ceiling > queue->config.categories[slot].number_last) {
        ceiling = queue->config.categories[slot].number_last;
    }
    if (ceiling > queue->categories[slot].ceiling) {
        queue_change_category(ret_change, queue, slot, lsn)->ceiling = (uint16_t)ceiling;
    }
}

/* The first number of this opening: those of one that was annulled are neither given again nor gaps. */
static uint32_t first_of_opening(const struct queue *queue, int slot)
{
    uint32_t first = queue->config.categories[slot].number_first;
    uint32_t after = queue->categories[slot].earlier_highest + 1U;

    return after > first ? after : first;
}

/* How many could have been given: those on the skip list are no gap. */
static uint32_t numbers_up_to(const struct queue *queue, int slot, uint16_t highest)
{
    uint32_t count = 0;

    for (uint32_t number = first_of_opening(queue, slot); number <= highest; number++) {
        count += queue_number_is_skipped(&queue->config, (uint16_t)number) ? 0 : 1;
    }
    return count;
}

/* Of the plain numbers up to highest: those that no ticket has, and those whose ticket is VOID. */
static uint32_t voided_up_to(const struct queue *queue, int slot, uint16_t highest)
{
    uint32_t first = first_of_opening(queue, slot);
    uint32_t voided = numbers_up_to(queue, slot, highest);

    for (uint32_t i = 0; i < queue->ticket_count; i++) {
        const struct queue_ticket *ticket = &queue->tickets[i];

        if (series_is_plain(ticket->series) && ticket->state != QUEUE_VOID &&
            ticket->number >= first && ticket->number <= highest) {
            voided -= voided > 0;
        }
    }
    return voided;
}

void queue_skip_numbers(const struct queue *queue, uint16_t category, uint16_t new_highest,
                        uint64_t lsn, struct queue_change *ret_change)
{
    int slot = queue_category_slot(queue, category);
    uint16_t last;
    uint16_t highest;
    uint32_t voided;
    bool is_over = queue->day.state == QUEUE_DAY_ERASED || queue->day.state == QUEUE_DAY_ANNULLED;

    ret_change->action = QUEUE_SKIP_NUMBERS;
    ret_change->row_count = 0;
    if (slot < 0) {
        return;
    }
    last = queue->config.categories[slot].number_last;
    highest = plain_highest(queue, slot);
    if (new_highest > last) {
        new_highest = last;
    }
    if (new_highest > highest) {
        queue_change_category(ret_change, queue, slot, lsn)->plain_highest = new_highest;
        highest = new_highest;
    }
    /* Of a day erased or annulled the tickets are gone, and its sum stays as it was. */
    voided = is_over ? queue->totals[slot].voided : voided_up_to(queue, slot, highest);
    if (voided != queue->totals[slot].voided) {
        queue_change_totals(ret_change, queue, slot)->voided = voided;
    }
}

bool queue_void_ticket(const struct queue *queue, const struct ids_token *id,
                       const struct queue_origin *here, int64_t at_ms,
                       struct queue_change *ret_change)
{
    const struct queue_ticket *before = queue_ticket_find(queue, id);
    struct queue_ticket *after;

    if (before == NULL || !series_is_plain(before->series) ||
        before->delivery == QUEUE_DELIVERY_HAND ||
        (before->state != QUEUE_ISSUING && before->state != QUEUE_WAITING &&
         before->state != QUEUE_EXPECTED)) {
        return false;
    }
    ret_change->action = QUEUE_SKIP_NUMBERS;
    ret_change->row_count = 0;
    after = queue_change_add_ticket(ret_change, before, here);
    after->state = QUEUE_VOID;
    after->outcome = QUEUE_OUTCOME_VOID;
    after->ended_ms = queue_believed_ms(at_ms);
    queue_change_recount(ret_change, queue, before, after);
    return true;
}
