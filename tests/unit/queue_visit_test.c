/*
 * appliance/queue: visits of several services, transfers, holds with a time, coming back, and what may not be
 * called: legs, places and owners.
 */
#include "tests/unit/queue_pair.h"

static struct office *office_serving(void)
{
    struct office *office = office_open();

    for (uint16_t counter = 1; counter <= 3; counter++) {
        open_counter(office, counter);
    }
    return office;
}

static enum queue_reason ask(struct office *office, struct queue_command command)
{
    enum queue_reason reason = act(office, command);

    check_invariants(office);
    return reason;
}

static void two_services_on_one_ticket_are_two_legs_under_one_number(void **state)
{
    static const uint32_t none[QUEUE_CATEGORIES_MAX];
    struct office *office = office_serving();
    struct queue_command command = issue_command(office, 1);
    const struct queue_ticket *ticket;

    (void)state;
    command.plan_count = 1;
    command.plan[0] = 2;
    assert_int_equal(ask(office, command), QUEUE_OK);
    office->now_ms += MINUTE_MS;
    assert_int_equal(called_number(office, 1), 101);
    office->now_ms += 2 * MINUTE_MS;
    assert_int_equal(press(office, QUEUE_COMPLETE, 1), QUEUE_OK);
    ticket = ticket_of(office, command.ticket);
    assert_int_equal(ticket->state, QUEUE_WAITING);
    assert_int_equal(ticket->category, 2);
    assert_int_equal(ticket->number, 101);
    assert_int_equal(ticket->leg_count, 1);
    assert_int_equal(ticket->legs[0].category, 1);
    assert_int_equal(ticket->legs[0].counter, 1);
    assert_int_equal(ticket->legs[0].outcome, QUEUE_OUTCOME_SERVED);
    assert_int_equal(ticket->legs[0].called_ms - ticket->legs[0].enqueued_ms, MINUTE_MS);
    assert_int_equal(ticket->legs[0].ended_ms - ticket->legs[0].called_ms, 2 * MINUTE_MS);
    assert_int_equal(office->queue->totals[0].served, 1);
    /* Undone it stands at the counter again, with its plan. */
    assert_int_equal(ask(office, (struct queue_command){.action = QUEUE_UNDO, .counter = 1}),
                     QUEUE_OK);
    assert_int_equal(ticket->state, QUEUE_CALLED);
    assert_int_equal(ticket->plan_count, 1);
    assert_int_equal(ticket->leg_count, 0);
    assert_int_equal(office->queue->totals[0].served, 0);
    assert_int_equal(press(office, QUEUE_COMPLETE, 1), QUEUE_OK);
    assert_int_equal(called_number(office, 2), 101);
    assert_int_equal(press(office, QUEUE_COMPLETE, 2), QUEUE_OK);
    assert_int_equal(ticket->state, QUEUE_DONE);
    assert_int_equal(ticket->outcome, QUEUE_OUTCOME_SERVED);
    assert_int_equal(office->queue->totals[1].served, 1);
    check_totals(office->queue, none);
    check_invariants(office);
    office_free(office);
}

static void by_age_who_comes_from_another_service_is_before_later_visitors(void **state)
{
    struct office *office = office_serving();
    struct queue_command command = issue_command(office, 1);

    (void)state;
    command.plan_count = 1;
    command.plan[0] = 2;
    assert_int_equal(act(office, command), QUEUE_OK);
    office->now_ms += MINUTE_MS;
    (void)issue(office, 2);
    assert_int_equal(called_number(office, 1), 101);
    office->now_ms += MINUTE_MS;
    assert_int_equal(press(office, QUEUE_COMPLETE, 1), QUEUE_OK);
    assert_int_equal(called_number(office, 2), 101);
    office_free(office);
}

static void the_services_of_a_ticket_have_an_end(void **state)
{
    struct office *office = office_serving();
    struct ids_token id = issue(office, 1);

    (void)state;
    for (int i = 0; i < QUEUE_LEGS_MAX; i++) {
        assert_int_equal(press_ticket(office, QUEUE_CALL, 3, id), QUEUE_OK);
        assert_int_equal(
            ask(office,
                (struct queue_command){.action = QUEUE_TRANSFER, .counter = 3, .category = 1}),
            QUEUE_OK);
    }
    assert_int_equal(press_ticket(office, QUEUE_CALL, 3, id), QUEUE_OK);
    assert_int_equal(
        ask(office, (struct queue_command){.action = QUEUE_TRANSFER, .counter = 3, .category = 2}),
        QUEUE_TOO_MANY_LEGS);
    assert_int_equal(ask(office,
                         (struct queue_command){
                             .action = QUEUE_PLAN, .ticket = id, .plan_count = 1, .plan = {2}}),
                     QUEUE_TOO_MANY_LEGS);
    assert_int_equal(ask(office,
                         (struct queue_command){
                             .action = QUEUE_PLAN, .ticket = id, .plan_count = 1, .plan = {9}}),
                     QUEUE_NO_SUCH_CATEGORY);
    assert_int_equal(ask(office, (struct queue_command){.action = QUEUE_PLAN,
                                                        .ticket = id,
                                                        .plan_count = QUEUE_PLAN_MAX + 1}),
                     QUEUE_BAD_PLACE);
    assert_int_equal(press(office, QUEUE_COMPLETE, 3), QUEUE_OK);
    assert_int_equal(ticket_of(office, id)->leg_count, QUEUE_LEGS_MAX);
    office_free(office);
}

/* Four wait in category 2 (201..204), 101 of category 1 is sent there. */
static uint16_t place_after_transfer(enum queue_place place, uint8_t after, int expected)
{
    struct office *office = office_serving();
    uint16_t number = 0;

    for (int i = 0; i < 2; i++) {
        (void)issue(office, 2);
        office->now_ms += MINUTE_MS;
    }
    (void)issue(office, 1);
    for (int i = 0; i < 2; i++) {
        office->now_ms += MINUTE_MS;
        (void)issue(office, 2);
    }
    assert_int_equal(called_number(office, 1), 101);
    assert_int_equal(ask(office, (struct queue_command){.action = QUEUE_TRANSFER,
                                                        .counter = 1,
                                                        .category = 2,
                                                        .place = (uint8_t)place,
                                                        .after = after}),
                     QUEUE_OK);
    assert_int_equal(press(office, QUEUE_COUNTER_CLOSE, 1), QUEUE_OK);
    for (int i = 1; i <= expected; i++) {
        number = called_number(office, 2);
        assert_true(i == expected || number != 101);
        assert_int_equal(press(office, QUEUE_COMPLETE, 2), QUEUE_OK);
    }
    office_free(office);
    return number;
}

static void a_transfer_goes_to_the_head_by_age_behind_some_or_to_the_tail(void **state)
{
    (void)state;
    assert_int_equal(place_after_transfer(QUEUE_PLACE_HEAD, 0, 1), 101);
    assert_int_equal(place_after_transfer(QUEUE_PLACE_USUAL, 0, 3), 101);
    assert_int_equal(place_after_transfer(QUEUE_PLACE_AGE, 0, 3), 101);
    assert_int_equal(place_after_transfer(QUEUE_PLACE_AFTER, 3, 4), 101);
    assert_int_equal(place_after_transfer(QUEUE_PLACE_AFTER, 1, 3), 101); /* never before its age */
    assert_int_equal(place_after_transfer(QUEUE_PLACE_AFTER, 9, 5), 101);
    assert_int_equal(place_after_transfer(QUEUE_PLACE_TAIL, 0, 5), 101);
}

static void who_is_sent_to_a_counter_waits_for_that_one_alone(void **state)
{
    struct office *office = office_serving();
    struct ids_token id = issue(office, 1);

    (void)state;
    assert_int_equal(called_number(office, 1), 101);
    assert_int_equal(
        ask(office,
            (struct queue_command){.action = QUEUE_TRANSFER, .counter = 1, .to_counter = 9}),
        QUEUE_NO_SUCH_COUNTER);
    assert_int_equal(ask(office, (struct queue_command){.action = QUEUE_TRANSFER, .counter = 1}),
                     QUEUE_NO_SUCH_CATEGORY);
    assert_int_equal(
        ask(office,
            (struct queue_command){.action = QUEUE_TRANSFER, .counter = 1, .to_counter = 2}),
        QUEUE_OK);
    assert_int_equal(ticket_of(office, id)->legs[0].outcome, QUEUE_OUTCOME_TO_COUNTER);
    assert_int_equal(queue_waiting_count(office->queue, 1), 1);
    assert_int_equal(queue_waiting_ahead(office->queue, ticket_of(office, id)), 0);
    assert_int_equal(queue_estimate_ticket_s(office->queue, ticket_of(office, id), office->now_ms),
                     0);
    assert_int_equal(called_number(office, 1), 0);
    assert_int_equal(called_number(office, 3), 0);
    assert_int_equal(called_number(office, 2), 101);
    assert_int_equal(press(office, QUEUE_COMPLETE, 2), QUEUE_OK);
    office_free(office);
}

static void of_two_who_wait_for_one_counter_the_one_at_the_head_is_called(void **state)
{
    struct office *office = office_serving();
    struct ids_token first = issue(office, 1);
    struct ids_token second;

    (void)state;
    (void)issue(office, 2); /* counter 2 would call this one first */
    office->now_ms += MINUTE_MS;
    second = issue(office, 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(called_number(office, 1), 101 + i);
        assert_int_equal(ask(office, (struct queue_command){.action = QUEUE_TRANSFER,
                                                            .counter = 1,
                                                            .to_counter = 2,
                                                            .place = i == 0 ? QUEUE_PLACE_TAIL
                                                                            : QUEUE_PLACE_HEAD}),
                         QUEUE_OK);
    }
    assert_int_equal(queue_waiting_ahead(office->queue, ticket_of(office, second)), 0);
    assert_int_equal(queue_waiting_ahead(office->queue, ticket_of(office, first)), 1);
    /* Nobody of category 1 is at counter 2 otherwise, and one who waits for it is not for counter 3. */
    assert_int_equal(press(office, QUEUE_COUNTER_CLOSE, 1), QUEUE_OK);
    assert_int_equal(called_number(office, 3), 0);
    assert_int_equal(called_number(office, 2), 102);
    office_free(office);
}

static void
who_waits_for_a_closed_counter_is_not_called_where_the_service_is_not_given(void **state)
{
    struct office *office = office_serving();

    (void)state;
    (void)issue(office, 2);
    assert_int_equal(called_number(office, 2), 201);
    assert_int_equal(
        ask(office,
            (struct queue_command){.action = QUEUE_TRANSFER, .counter = 2, .to_counter = 1}),
        QUEUE_OK);
    assert_int_equal(press(office, QUEUE_COUNTER_CLOSE, 1), QUEUE_OK);
    assert_int_equal(called_number(office, 3), 0);
    assert_int_equal(called_number(office, 2), 201);
    office_free(office);
}

static void who_waits_for_a_closed_counter_is_called_by_another_one_of_the_service(void **state)
{
    struct office *office = office_serving();

    (void)state;
    (void)issue(office, 1);
    assert_int_equal(called_number(office, 1), 101);
    assert_int_equal(
        ask(office,
            (struct queue_command){.action = QUEUE_TRANSFER, .counter = 1, .to_counter = 2}),
        QUEUE_OK);
    assert_int_equal(press(office, QUEUE_COUNTER_CLOSE, 2), QUEUE_OK);
    assert_int_equal(called_number(office, 3), 101);
    office_free(office);
}

static void a_hold_with_a_time_ends_by_itself_and_waits_for_its_counter(void **state)
{
    struct office *office = office_serving();
    struct ids_token id = issue(office, 1);

    (void)state;
    (void)issue(office, 1);
    assert_int_equal(called_number(office, 1), 101);
    assert_int_equal(ask(office, (struct queue_command){.action = QUEUE_HOLD,
                                                        .counter = 1,
                                                        .hold_reason = QUEUE_HOLD_FORM,
                                                        .hold_ms = 5 * MINUTE_MS}),
                     QUEUE_OK);
    assert_int_equal(ticket_of(office, id)->hold_owner, 1);
    assert_int_equal(ticket_of(office, id)->hold_reason, QUEUE_HOLD_FORM);
    assert_null(queue_hold_due(office->queue, office->now_ms + 5 * MINUTE_MS - 1));
    assert_int_equal(ask(office, (struct queue_command){.action = QUEUE_HOLD_ENDING, .ticket = id}),
                     QUEUE_WRONG_STATE);
    office->now_ms += 9 * MINUTE_MS; /* by level: a takeover may have passed the moment */
    assert_ptr_equal(queue_hold_due(office->queue, office->now_ms), ticket_of(office, id));
    assert_int_equal(ask(office, (struct queue_command){.action = QUEUE_HOLD_ENDING, .ticket = id}),
                     QUEUE_OK);
    assert_null(queue_hold_due(office->queue, office->now_ms));
    assert_int_equal(called_number(office, 3), 102);
    assert_int_equal(called_number(office, 1), 101);
    office_free(office);
}

static void a_held_visitor_is_the_counters_that_goes_on_while_it_is_open(void **state)
{
    struct office *office = office_serving();
    struct ids_token id = issue(office, 1);

    (void)state;
    assert_int_equal(called_number(office, 1), 101);
    assert_int_equal(ask(office, (struct queue_command){.action = QUEUE_HOLD,
                                                        .counter = 1,
                                                        .hold_ms = QUEUE_HOLD_MS_MAX + 1}),
                     QUEUE_BAD_PLACE);
    assert_int_equal(press(office, QUEUE_HOLD, 1), QUEUE_OK);
    assert_int_equal(press_ticket(office, QUEUE_CALL, 3, id), QUEUE_HELD_ELSEWHERE);
    assert_int_equal(press_ticket(office, QUEUE_TRANSFER, 3, id), QUEUE_HELD_ELSEWHERE);
    assert_int_equal(press(office, QUEUE_COUNTER_CLOSE, 1), QUEUE_OK);
    assert_int_equal(press_ticket(office, QUEUE_CALL, 3, id), QUEUE_OK);
    office_free(office);
}

static struct ids_token absent_one(struct office *office)
{
    struct ids_token id = issue(office, 1);

    for (int i = 0; i < 4; i++) {
        office->now_ms += MINUTE_MS;
        (void)issue(office, 1);
    }
    assert_int_equal(called_number(office, 1), 101);
    assert_int_equal(press(office, QUEUE_SET_ABSENT, 1), QUEUE_OK);
    return id;
}

static uint16_t nth_called(struct office *office, int nth)
{
    uint16_t number = 0;

    for (int i = 0; i < nth; i++) {
        number = called_number(office, 1);
        (void)press(office, QUEUE_COMPLETE, 1);
    }
    return number;
}

static void who_comes_back_in_time_has_the_old_place_and_later_waits_behind_some(void **state)
{
    static const struct {
        int away_minutes;
        uint8_t place, after;
        enum queue_reason reason;
        int nth;
    } cases[] = {
        {10, QUEUE_PLACE_USUAL, 0, QUEUE_OK, 1},
        {11, QUEUE_PLACE_USUAL, 0, QUEUE_OK, 3},
        {11, QUEUE_PLACE_AGE, 0, QUEUE_RETURN_TOO_LATE, 0},
        {11, QUEUE_PLACE_TAIL, 0, QUEUE_OK, 5},
        {11, QUEUE_PLACE_AFTER, 1, QUEUE_OK, 2},
        {0, QUEUE_PLACE_AFTER, 0, QUEUE_BAD_PLACE, 0},
        {0, QUEUE_PLACE_AFTER + 1, 0, QUEUE_BAD_PLACE, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct office *office = office_serving();
        struct ids_token id;

        office->queue->config.absent_minutes = 10;
        office->queue->config.absent_after = 2;
        id = absent_one(office);
        office->now_ms += cases[i].away_minutes * MINUTE_MS;
        assert_int_equal(ask(office, (struct queue_command){.action = QUEUE_RETURN,
                                                            .ticket = id,
                                                            .counter = 1,
                                                            .place = cases[i].place,
                                                            .after = cases[i].after}),
                         cases[i].reason);
        if (cases[i].reason == QUEUE_OK) {
            assert_int_equal(nth_called(office, cases[i].nth), 101);
        }
        office_free(office);
    }
}

static void who_comes_back_late_waits_at_the_end_where_the_site_says_so(void **state)
{
    struct office *office = office_serving();
    struct ids_token id;

    (void)state;
    office->queue->config.absent_minutes = 10;
    id = absent_one(office);
    office->now_ms += 11 * MINUTE_MS;
    assert_int_equal(press_ticket(office, QUEUE_RETURN, 1, id), QUEUE_OK);
    assert_int_equal(nth_called(office, 5), 101);
    office_free(office);
}

static void every_outcome_and_reason_of_a_hold_has_a_code(void **state)
{
    (void)state;
    assert_string_equal(queue_outcome_code(QUEUE_OUTCOME_NONE), "NONE");
    assert_string_equal(queue_outcome_code(QUEUE_OUTCOME_VOID), "VOID");
    for (int i = QUEUE_OUTCOME_NONE; i <= QUEUE_OUTCOME_LAST; i++) {
        assert_non_null(queue_outcome_code((enum queue_outcome)i));
    }
    for (int i = QUEUE_HOLD_OTHER; i <= QUEUE_HOLD_INQUIRY; i++) {
        assert_non_null(queue_hold_reason_code((enum queue_hold_reason)i));
    }
}

static void who_never_came_is_given_up(void **state)
{
    struct office *office = office_serving();
    struct ids_token id = absent_one(office);

    (void)state;
    assert_int_equal(press_ticket(office, QUEUE_GIVE_UP, 1, id), QUEUE_OK);
    assert_int_equal(ticket_of(office, id)->state, QUEUE_NO_SHOW);
    assert_int_equal(ticket_of(office, id)->outcome, QUEUE_OUTCOME_NO_SHOW);
    assert_int_equal(office->queue->totals[0].no_show, 1);
    assert_int_equal(press(office, QUEUE_UNDO, 1), QUEUE_OK);
    assert_int_equal(ticket_of(office, id)->state, QUEUE_ABSENT);
    assert_int_equal(office->queue->totals[0].no_show, 0);
    check_invariants(office);
    office_free(office);
}

static void undo_takes_back_nothing_that_somebody_else_did(void **state)
{
    struct office *office = office_serving();
    struct ids_token id = issue(office, 1);

    (void)state;
    assert_int_equal(called_number(office, 1), 101);
    assert_int_equal(press(office, QUEUE_UNDO, 3), QUEUE_NOTHING_TO_UNDO);
    assert_int_equal(press(office, QUEUE_PUT_BACK, 1), QUEUE_OK);
    /* Called and put back elsewhere: it waits again, and yet it is not as counter 1 left it. */
    assert_int_equal(press_ticket(office, QUEUE_CALL, 3, id), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_UNDO, 1), QUEUE_TICKET_ELSEWHERE);
    assert_int_equal(press(office, QUEUE_PUT_BACK, 3), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_UNDO, 1), QUEUE_WRONG_STATE);
    office_free(office);
}

static void a_note_and_the_flag_are_the_tickets_own_and_short(void **state)
{
    struct office *office = office_serving();
    struct ids_token id = issue(office, 1);
    struct queue_command command = {
        .action = QUEUE_NOTE, .ticket = id, .has_note = true, .note = "委任状あり", .assist = 1};

    (void)state;
    assert_int_equal(ask(office, command), QUEUE_OK);
    assert_string_equal(ticket_of(office, id)->note, "委任状あり");
    assert_int_equal(ticket_of(office, id)->assist, 1);
    command = (struct queue_command){.action = QUEUE_NOTE, .ticket = id, .assist = 2};
    assert_int_equal(ask(office, command), QUEUE_OK);
    assert_string_equal(ticket_of(office, id)->note, "委任状あり");
    assert_int_equal(ticket_of(office, id)->assist, 0);
    command.has_note = true;
    assert_int_equal(ask(office, command), QUEUE_OK);
    assert_string_equal(ticket_of(office, id)->note, "");
    memset(command.note, 'x', sizeof(command.note));
    assert_int_equal(ask(office, command), QUEUE_BAD_NOTE);
    memcpy(command.note, "\xff", 2);
    assert_int_equal(ask(office, command), QUEUE_BAD_NOTE);
    command.has_note = false;
    command.assist = 3;
    assert_int_equal(ask(office, command), QUEUE_BAD_NOTE);
    office_free(office);
}

/* 101 and 101A wait in one line, 101 first. */
static struct office *office_of_twins(struct ids_token *ret_plain, struct ids_token *ret_letter)
{
    struct office *office = office_serving();
    struct queue_ticket twin;
    struct queue_row row = {0};

    *ret_plain = issue(office, 1);
    twin = *ticket_of(office, *ret_plain);
    *ret_letter = draw(office);
    twin.id = *ret_letter;
    twin.series = (struct ids_series){UNIT_B, 1};
    twin.place_ms++;
    row.kind = QUEUE_ROW_TICKET;
    row.ticket = twin;
    assert_true(queue_load_row(office->queue, &row));
    office->digest = digest_of(office->queue);
    return office;
}

/* A meeting may bring a call of the other one that nobody here knew of. */
static void recall_waits_too(struct office *office, struct ids_token plain)
{
    struct queue_row row = {.kind = QUEUE_ROW_TICKET, .ticket = *ticket_of(office, plain)};
    struct queue_row before = row;

    row.ticket.called_ms = office->now_ms;
    assert_true(queue_load_row(office->queue, &row));
    office->now_ms += QUEUE_RECALL_INTERVAL_MS;
    assert_int_equal(press(office, QUEUE_RECALL, 3), QUEUE_TWIN_CALLED);
    assert_true(queue_load_row(office->queue, &before));
}

static void a_number_is_not_called_within_a_minute_of_the_same_with_a_letter(void **state)
{
    struct ids_token plain, letter;
    struct office *office = office_of_twins(&plain, &letter);

    (void)state;
    assert_int_equal(called_number(office, 1), 101);
    assert_true(ids_token_equal(&office->last.answer.ticket, &plain));
    assert_int_equal(press(office, QUEUE_CALL_NEXT, 3), QUEUE_TWIN_CALLED);
    assert_int_equal(press_ticket(office, QUEUE_CALL, 3, letter), QUEUE_TWIN_CALLED);
    /* Somebody behind it goes first. */
    (void)issue(office, 1);
    assert_int_equal(called_number(office, 3), 102);
    assert_int_equal(press(office, QUEUE_COMPLETE, 3), QUEUE_OK);
    /* Taken back, the call was heard all the same. */
    assert_int_equal(press(office, QUEUE_UNDO, 1), QUEUE_OK);
    assert_int_equal(press_ticket(office, QUEUE_CALL, 3, letter), QUEUE_TWIN_CALLED);
    office->now_ms += QUEUE_TWIN_INTERVAL_MS - 1;
    assert_int_equal(press_ticket(office, QUEUE_CALL, 3, letter), QUEUE_TWIN_CALLED);
    office->now_ms++;
    assert_int_equal(press_ticket(office, QUEUE_CALL, 3, letter), QUEUE_OK);
    office->now_ms += QUEUE_RECALL_INTERVAL_MS;
    assert_int_equal(press(office, QUEUE_RECALL, 3), QUEUE_OK);
    recall_waits_too(office, plain);
    assert_int_equal(press_ticket(office, QUEUE_CALL, 1, plain), QUEUE_TWIN_CALLED);
    /* Sent on to another service it was called all the same. */
    assert_int_equal(
        ask(office, (struct queue_command){.action = QUEUE_TRANSFER, .counter = 3, .category = 2}),
        QUEUE_OK);
    assert_int_equal(press_ticket(office, QUEUE_CALL, 1, plain), QUEUE_TWIN_CALLED);
    office->now_ms -= 60 * MINUTE_MS; /* a clock that went back says nothing of that minute */
    assert_int_equal(press_ticket(office, QUEUE_CALL, 1, plain), QUEUE_OK);
    office_free(office);
}

static void a_finished_service_is_further_than_one_that_is_going_on(void **state)
{
    struct pair *pair = pair_new();
    struct queue_command command = issue_command(pair->a, 1);
    const struct queue_ticket *joined;

    (void)state;
    command.plan_count = 1;
    command.plan[0] = 2;
    assert_int_equal(act(pair->a, command), QUEUE_OK);
    split(pair);
    drive(pair->a, command.ticket, QUEUE_SERVING, 1);
    drive(pair->b, command.ticket, QUEUE_DONE, 1);
    assert_int_equal(state_at(pair->b, command.ticket), QUEUE_WAITING);
    meet(pair);
    joined = ticket_of(pair->a, command.ticket);
    assert_int_equal(joined->state, QUEUE_WAITING);
    assert_int_equal(joined->category, 2);
    assert_int_equal(joined->leg_count, 1);
    assert_int_equal(joined->plan_count, 0);
    assert_true(ids_token_is_zero(&queue_counter_find(pair->a->queue, 1)->ticket));
    pair_free(pair);
}

static void two_transfers_of_one_ticket_keep_the_legs_of_the_one_that_stays(void **state)
{
    struct pair *pair = pair_new();
    struct ids_token id = issue(pair->a, 1);
    struct office *sides[2];

    (void)state;
    assert_int_equal(press_ticket(pair->a, QUEUE_CALL, 1, id), QUEUE_OK);
    split(pair);
    sides[0] = pair->a;
    sides[1] = pair->b;
    for (int i = 0; i < 2; i++) {
        sides[i]->now_ms += MINUTE_MS * (i + 1);
        assert_int_equal(act(sides[i], (struct queue_command){.action = QUEUE_TRANSFER,
                                                              .counter = 1,
                                                              .category = (uint16_t)(2 + i)}),
                         QUEUE_OK);
    }
    meet(pair);
    assert_int_equal(ticket_of(pair->a, id)->leg_count, 1);
    assert_int_equal(pair->a->queue->totals[0].transferred, 1);
    pair_free(pair);
}

static void a_note_of_one_side_and_the_flag_of_the_other_both_stay(void **state)
{
    struct pair *pair = pair_new();
    struct ids_token id = issue(pair->a, 1);

    (void)state;
    split(pair);
    assert_int_equal(
        act(pair->a, (struct queue_command){.action = QUEUE_NOTE, .ticket = id, .assist = 1}),
        QUEUE_OK);
    assert_int_equal(act(pair->b, (struct queue_command){.action = QUEUE_NOTE,
                                                         .ticket = id,
                                                         .has_note = true,
                                                         .note = "車いす"}),
                     QUEUE_OK);
    drive(pair->b, id, QUEUE_HELD, 1);
    meet(pair);
    assert_int_equal(state_at(pair->a, id), QUEUE_HELD);
    assert_string_equal(ticket_of(pair->a, id)->note, "車いす");
    assert_int_equal(ticket_of(pair->a, id)->assist, 1);
    pair_free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_services_on_one_ticket_are_two_legs_under_one_number),
        cmocka_unit_test(by_age_who_comes_from_another_service_is_before_later_visitors),
        cmocka_unit_test(the_services_of_a_ticket_have_an_end),
        cmocka_unit_test(a_transfer_goes_to_the_head_by_age_behind_some_or_to_the_tail),
        cmocka_unit_test(who_is_sent_to_a_counter_waits_for_that_one_alone),
        cmocka_unit_test(of_two_who_wait_for_one_counter_the_one_at_the_head_is_called),
        cmocka_unit_test(
            who_waits_for_a_closed_counter_is_not_called_where_the_service_is_not_given),
        cmocka_unit_test(who_waits_for_a_closed_counter_is_called_by_another_one_of_the_service),
        cmocka_unit_test(a_hold_with_a_time_ends_by_itself_and_waits_for_its_counter),
        cmocka_unit_test(a_held_visitor_is_the_counters_that_goes_on_while_it_is_open),
        cmocka_unit_test(who_comes_back_in_time_has_the_old_place_and_later_waits_behind_some),
        cmocka_unit_test(who_comes_back_late_waits_at_the_end_where_the_site_says_so),
        cmocka_unit_test(every_outcome_and_reason_of_a_hold_has_a_code),
        cmocka_unit_test(who_never_came_is_given_up),
        cmocka_unit_test(undo_takes_back_nothing_that_somebody_else_did),
        cmocka_unit_test(a_note_and_the_flag_are_the_tickets_own_and_short),
        cmocka_unit_test(a_number_is_not_called_within_a_minute_of_the_same_with_a_letter),
        cmocka_unit_test(a_finished_service_is_further_than_one_that_is_going_on),
        cmocka_unit_test(two_transfers_of_one_ticket_keep_the_legs_of_the_one_that_stays),
        cmocka_unit_test(a_note_of_one_side_and_the_flag_of_the_other_both_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
