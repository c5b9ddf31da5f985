/* appliance/queue: what counters press, whom they call, and taking it back. */
#include "appliance/queue/queue_parts.h"
#include "tests/unit/queue_invariants.h"

static void load_ticket(struct office *office, const struct queue_ticket *ticket)
{
    struct queue_row row = {.kind = QUEUE_ROW_TICKET, .ticket = *ticket};

    assert_true(queue_load_row(office->queue, &row));
    office->digest = digest_of(office->queue);
}

static void load_counter(struct office *office, const struct queue_counter *counter)
{
    struct queue_row row = {.kind = QUEUE_ROW_COUNTER, .counter = *counter};

    assert_true(queue_load_row(office->queue, &row));
    office->digest = digest_of(office->queue);
}

static struct office *office_serving(void)
{
    struct office *office = office_open();

    for (uint16_t counter = 1; counter <= 3; counter++) {
        open_counter(office, counter);
    }
    return office;
}

static void a_counter_calls_serves_and_completes(void **state)
{
    struct office *office = office_serving();
    struct ids_token id = issue(office, 1);

    (void)state;
    office->now_ms += 3 * MINUTE_MS;
    assert_int_equal(called_number(office, 1), 101);
    assert_int_equal(ticket_of(office, id)->state, QUEUE_CALLED);
    assert_int_equal(ticket_of(office, id)->counter, 1);
    assert_int_equal(ticket_of(office, id)->call.lsn, office->lsn);
    assert_true(queue_origin_equal(&ticket_of(office, id)->call, &ticket_of(office, id)->origin));
    office->now_ms += MINUTE_MS;
    assert_int_equal(press(office, QUEUE_START, 1), QUEUE_OK);
    assert_int_equal(ticket_of(office, id)->started_ms, office->now_ms);
    office->now_ms += MINUTE_MS;
    assert_int_equal(press(office, QUEUE_COMPLETE, 1), QUEUE_OK);
    assert_int_equal(ticket_of(office, id)->state, QUEUE_DONE);
    assert_int_equal(ticket_of(office, id)->counter, 1);
    assert_int_equal(office->queue->totals[0].served, 1);
    assert_int_equal(office->queue->totals[0].wait_ms_sum, 3 * MINUTE_MS);
    assert_int_equal(office->queue->totals[0].service_ms_sum, 2 * MINUTE_MS);
    assert_int_equal(called_number(office, 1), 0);
    check_invariants(office);
    office_free(office);
}

static void the_first_tier_goes_first_and_the_second_when_it_is_empty(void **state)
{
    struct office *office = office_serving();

    (void)state;
    (void)issue(office, 2);
    office->now_ms += MINUTE_MS;
    (void)issue(office, 1);
    assert_int_equal(called_number(office, 1), 101);
    assert_int_equal(press(office, QUEUE_COMPLETE, 1), QUEUE_OK);
    assert_int_equal(called_number(office, 1), 201);
    assert_int_equal(called_number(office, 2), 0);
    office_free(office);
}

static void in_one_tier_the_earlier_one_goes_first_whatever_its_category(void **state)
{
    struct office *office = office_serving();

    (void)state;
    (void)issue(office, 3);
    office->now_ms += 1000;
    (void)issue(office, 1);
    office->now_ms += 1000;
    (void)issue(office, 3);
    assert_int_equal(called_number(office, 3), 301);
    assert_int_equal(press(office, QUEUE_COMPLETE, 3), QUEUE_OK);
    assert_int_equal(called_number(office, 3), 101);
    assert_int_equal(press(office, QUEUE_COMPLETE, 3), QUEUE_OK);
    assert_int_equal(called_number(office, 3), 302);
    office_free(office);
}

static void of_one_moment_the_lower_number_and_then_the_lower_id_goes_first(void **state)
{
    struct office *office = office_serving();
    struct queue_ticket twin;

    (void)state;
    (void)issue(office, 3);
    (void)issue(office, 1);
    assert_int_equal(called_number(office, 3), 101);
    assert_int_equal(press(office, QUEUE_PUT_BACK, 3), QUEUE_OK);
    /* The same number in a letter's series, the same moment: the id decides, alike on both units.
     */
    twin = *queue_ticket_by_number(office->queue, 101, plain_series);
    memset(twin.id.bytes, 0, IDS_TOKEN_BYTES - 1);
    twin.series = (struct ids_series){UNIT_B, 1};
    load_ticket(office, &twin);
    office->now_ms += QUEUE_TWIN_INTERVAL_MS; /* the number was called just now */
    assert_int_equal(called_number(office, 3), 101);
    assert_true(ids_token_equal(&office->last.answer.ticket, &twin.id));
    check_invariants(office);
    office_free(office);
}

static void of_one_moment_and_number_in_two_lines_the_lower_id_goes_first(void **state)
{
    for (int lower = 0; lower < 2; lower++) {
        struct office *office = office_serving();
        struct ids_token id = issue(office, 1);
        struct queue_ticket twin = *ticket_of(office, id);

        (void)state;
        /* One was transferred into category 3, the other has the number by a letter. */
        memset(twin.id.bytes, lower == 0 ? 0 : 0xff, IDS_TOKEN_BYTES - 1);
        twin.series = (struct ids_series){UNIT_B, 1};
        twin.category = 3;
        load_ticket(office, &twin);
        assert_int_equal(called_number(office, 3), 101);
        assert_true(ids_token_equal(&office->last.answer.ticket, lower == 0 ? &twin.id : &id));
        office_free(office);
    }
}

static void priority_is_as_if_one_had_come_ten_minutes_earlier(void **state)
{
    struct office *office = office_serving();
    struct queue_command command;

    (void)state;
    (void)issue(office, 1); /* 101, before the priority reaches back */
    office->now_ms += 6 * MINUTE_MS;
    (void)issue(office, 1); /* 102 */
    office->now_ms += 5 * MINUTE_MS;
    command = issue_command(office, 1);
    command.priority = 1;
    assert_int_equal(act(office, command), QUEUE_OK);
    assert_int_equal(ticket_of(office, command.ticket)->waiting_ahead_at_issue, 1);
    assert_int_equal(queue_waiting_ahead(office->queue, &office->queue->tickets[1]), 2);
    assert_int_equal(called_number(office, 1), 101);
    assert_int_equal(press(office, QUEUE_COMPLETE, 1), QUEUE_OK);
    assert_int_equal(called_number(office, 1), 103);
    check_invariants(office);
    office_free(office);
}

static void who_waited_beyond_the_limit_jumps_a_tier(void **state)
{
    struct queue_config config;
    struct office *office;

    (void)state;
    small_config(&config);
    config.categories[1].wait_ms_limit = 30 * MINUTE_MS;
    office = office_new(&config);
    open_day(office, OFFICE_DATE);
    open_counter(office, 1);
    (void)issue(office, 2);
    office->now_ms += 30 * MINUTE_MS;
    (void)issue(office, 1);
    /* Not beyond it yet. */
    assert_int_equal(called_number(office, 1), 101);
    assert_int_equal(press(office, QUEUE_PUT_BACK, 1), QUEUE_OK);
    office->now_ms += 1;
    assert_int_equal(called_number(office, 1), 201);
    office_free(office);
}

static void a_clock_that_goes_back_lets_nobody_in_front(void **state)
{
    struct office *office = office_serving();
    struct ids_token late;

    (void)state;
    (void)issue(office, 1);
    office->now_ms -= 60 * MINUTE_MS;
    late = issue(office, 1);
    assert_int_equal(ticket_of(office, late)->issued_ms, office->now_ms);
    assert_int_equal(ticket_of(office, late)->waiting_ahead_at_issue, 1);
    assert_int_equal(called_number(office, 1), 101);
    assert_int_equal(press(office, QUEUE_COMPLETE, 1), QUEUE_OK);
    /* Nobody waited or was served for less than nothing. */
    assert_int_equal(office->queue->totals[0].wait_ms_sum, 0);
    assert_int_equal(called_number(office, 1), 102);
    office_free(office);
}

static void a_named_ticket_is_called_by_a_counter_that_may(void **state)
{
    struct office *office = office_serving();
    struct ids_token first = issue(office, 1);
    struct ids_token second = issue(office, 1);
    struct ids_token other = issue(office, 2);

    (void)state;
    assert_int_equal(press_ticket(office, QUEUE_CALL, 1, second), QUEUE_OK);
    assert_int_equal(press_ticket(office, QUEUE_CALL, 1, first), QUEUE_COUNTER_BUSY);
    assert_int_equal(press_ticket(office, QUEUE_CALL, 2, second), QUEUE_TICKET_ELSEWHERE);
    assert_int_equal(press_ticket(office, QUEUE_CALL, 3, other), QUEUE_COUNTER_NOT_FOR);
    assert_int_equal(press_ticket(office, QUEUE_CALL, 9, other), QUEUE_NO_SUCH_COUNTER);
    assert_int_equal(press_ticket(office, QUEUE_CALL, 2, token(77)), QUEUE_NO_SUCH_TICKET);
    assert_int_equal(press(office, QUEUE_COUNTER_CLOSE, 2), QUEUE_OK);
    assert_int_equal(press_ticket(office, QUEUE_CALL, 2, other), QUEUE_COUNTER_CLOSED);
    assert_int_equal(press(office, QUEUE_CALL_NEXT, 2), QUEUE_COUNTER_CLOSED);
    assert_int_equal(press(office, QUEUE_CALL_NEXT, 9), QUEUE_NO_SUCH_COUNTER);
    assert_int_equal(press(office, QUEUE_CALL_NEXT, 1), QUEUE_COUNTER_BUSY);
    check_invariants(office);
    office_free(office);
}

static void a_terminal_that_shows_another_ticket_acts_on_none(void **state)
{
    struct office *office = office_serving();
    struct ids_token first = issue(office, 1);
    struct ids_token second = issue(office, 1);

    (void)state;
    assert_int_equal(called_number(office, 1), 101);
    assert_int_equal(press_ticket(office, QUEUE_COMPLETE, 1, second), QUEUE_WRONG_STATE);
    assert_int_equal(press_ticket(office, QUEUE_CALL, 3, second), QUEUE_OK);
    assert_int_equal(press_ticket(office, QUEUE_COMPLETE, 1, second), QUEUE_TICKET_ELSEWHERE);
    assert_int_equal(press_ticket(office, QUEUE_HOLD, 1, second), QUEUE_TICKET_ELSEWHERE);
    assert_int_equal(press_ticket(office, QUEUE_COMPLETE, 1, token(77)), QUEUE_NO_SUCH_TICKET);
    assert_int_equal(press_ticket(office, QUEUE_COMPLETE, 1, first), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_COMPLETE, 1), QUEUE_COUNTER_IDLE);
    assert_int_equal(press(office, QUEUE_COMPLETE, 9), QUEUE_NO_SUCH_COUNTER);
    assert_int_equal(press(office, QUEUE_HOLD, 0), QUEUE_NO_SUCH_TICKET);
    assert_int_equal(press_ticket(office, QUEUE_CANCEL, 9, first), QUEUE_NO_SUCH_COUNTER);
    assert_int_equal(press_ticket(office, QUEUE_CANCEL, 1, first), QUEUE_WRONG_STATE);
    office_free(office);
}

static void a_recall_waits_five_seconds_and_is_a_call(void **state)
{
    struct office *office = office_serving();
    struct ids_token id = issue(office, 1);
    uint64_t call_lsn;

    (void)state;
    assert_int_equal(called_number(office, 1), 101);
    call_lsn = ticket_of(office, id)->call.lsn;
    office->now_ms += QUEUE_RECALL_INTERVAL_MS - 1;
    assert_int_equal(press(office, QUEUE_RECALL, 1), QUEUE_TOO_SOON);
    office->now_ms += 1;
    assert_int_equal(press(office, QUEUE_RECALL, 1), QUEUE_OK);
    assert_int_equal(ticket_of(office, id)->call_count, 2);
    assert_true(ticket_of(office, id)->call.lsn > call_lsn);
    assert_int_equal(office->last.answer.call_count, 2);
    /* A clock set back must not silence the counter for an hour. */
    office->now_ms -= 60 * MINUTE_MS;
    assert_int_equal(press(office, QUEUE_RECALL, 1), QUEUE_OK);
    office_free(office);
}

static void calls_are_counted_up_to_their_end(void **state)
{
    struct office *office = office_serving();
    struct ids_token id = issue(office, 1);
    struct queue_ticket worn;

    (void)state;
    assert_int_equal(called_number(office, 1), 101);
    worn = *ticket_of(office, id);
    worn.call_count = UINT16_MAX;
    load_ticket(office, &worn);
    office->now_ms += MINUTE_MS;
    assert_int_equal(press(office, QUEUE_RECALL, 1), QUEUE_OK);
    assert_int_equal(ticket_of(office, id)->call_count, UINT16_MAX);
    worn.call_count = 0;
    load_ticket(office, &worn);
    assert_int_equal(press(office, QUEUE_SET_ABSENT, 1), QUEUE_TOO_SOON);
    office_free(office);
}

static void who_was_absent_comes_back_to_the_old_place(void **state)
{
    struct office *office = office_serving();
    struct ids_token id = issue(office, 1);

    (void)state;
    office->now_ms += MINUTE_MS;
    (void)issue(office, 1);
    (void)issue(office, 1);
    assert_int_equal(called_number(office, 1), 101);
    assert_int_equal(press(office, QUEUE_SET_ABSENT, 1), QUEUE_OK);
    assert_int_equal(ticket_of(office, id)->counter, 1);
    assert_int_equal(press_ticket(office, QUEUE_RETURN, 0, id), QUEUE_OK);
    assert_int_equal(ticket_of(office, id)->counter, 0);
    assert_int_equal(queue_waiting_ahead(office->queue, ticket_of(office, id)), 0);
    assert_int_equal(called_number(office, 1), 101);
    assert_int_equal(press(office, QUEUE_PUT_BACK, 1), QUEUE_OK);
    assert_int_equal(called_number(office, 3), 101);
    check_invariants(office);
    office_free(office);
}

static void who_was_held_for_the_pool_may_be_called_by_any_counter_that_serves_it(void **state)
{
    struct office *office = office_serving();
    struct ids_token id = issue(office, 1);

    (void)state;
    assert_int_equal(called_number(office, 1), 101);
    assert_int_equal(
        act(office, (struct queue_command){.action = QUEUE_HOLD, .counter = 1, .to_pool = true}),
        QUEUE_OK);
    assert_int_equal(ticket_of(office, id)->counter, 1);
    assert_int_equal(queue_line_first(office->queue, 1, QUEUE_HELD)->number, 101);
    assert_int_equal(called_number(office, 1), 0);
    assert_int_equal(press_ticket(office, QUEUE_CALL, 3, id), QUEUE_OK);
    assert_int_equal(ticket_of(office, id)->counter, 3);
    assert_int_equal(ticket_of(office, id)->call_count, 2);
    office_free(office);
}

static void a_transfer_enters_the_other_line_by_age_with_its_number(void **state)
{
    struct office *office = office_serving();
    struct ids_token id = issue(office, 1);
    struct queue_command command = {.action = QUEUE_TRANSFER, .counter = 1, .category = 2};

    (void)state;
    office->now_ms += MINUTE_MS;
    (void)issue(office, 2);
    assert_int_equal(called_number(office, 1), 101);
    command.category = 30;
    assert_int_equal(act(office, command), QUEUE_NO_SUCH_CATEGORY);
    assert_int_equal(ticket_of(office, id)->state, QUEUE_CALLED);
    command.category = 2;
    assert_int_equal(act(office, command), QUEUE_OK);
    assert_int_equal(ticket_of(office, id)->category, 2);
    assert_int_equal(ticket_of(office, id)->number, 101);
    assert_int_equal(called_number(office, 2), 101);
    assert_int_equal(press(office, QUEUE_COMPLETE, 2), QUEUE_OK);
    assert_int_equal(office->queue->totals[0].issued, 1);
    assert_int_equal(office->queue->totals[0].served, 0);
    assert_int_equal(office->queue->totals[1].served, 1);
    check_invariants(office);
    office_free(office);
}

static void a_manager_may_hold_for_a_counter_and_the_counter_may_undo(void **state)
{
    struct office *office = office_serving();
    struct ids_token id = issue(office, 1);

    (void)state;
    assert_int_equal(called_number(office, 1), 101);
    assert_int_equal(press_ticket(office, QUEUE_HOLD, 0, id), QUEUE_OK);
    assert_true(ids_token_is_zero(&queue_counter_find(office->queue, 1)->ticket));
    assert_int_equal(press(office, QUEUE_UNDO, 1), QUEUE_OK);
    assert_int_equal(ticket_of(office, id)->state, QUEUE_CALLED);
    check_invariants(office);
    office_free(office);
}

static void opening_and_closing_a_counter_is_a_level(void **state)
{
    struct office *office = office_open();
    struct queue_command command = {.action = QUEUE_COUNTER_OPEN, .counter = 1, .key = token(5)};

    (void)state;
    assert_int_equal(press(office, QUEUE_COUNTER_OPEN, 9), QUEUE_NO_SUCH_COUNTER);
    open_counter(office, 1);
    assert_int_equal(office->last.change.row_count, 1);
    open_counter(office, 1);
    assert_int_equal(office->last.change.row_count, 0);
    assert_int_equal(act(office, command), QUEUE_OK);
    assert_int_equal(office->last.change.row_count, 1);
    assert_int_equal(act(office, command), QUEUE_REPLAYED);
    assert_int_equal(office->last.answer.counter, 1);
    (void)issue(office, 1);
    assert_int_equal(called_number(office, 1), 101);
    assert_int_equal(press(office, QUEUE_COUNTER_CLOSE, 1), QUEUE_COUNTER_BUSY);
    assert_int_equal(press(office, QUEUE_COMPLETE, 1), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_COUNTER_CLOSE, 1), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_UNDO, 1), QUEUE_COUNTER_CLOSED);
    open_counter(office, 1);
    assert_int_equal(press(office, QUEUE_UNDO, 1), QUEUE_NOTHING_TO_UNDO);
    office_free(office);
}

/* What undo must bring back: all that visitors, boards and the line see. */
static void assert_same_visit(const struct queue_ticket *a, const struct queue_ticket *b)
{
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->category, b->category);
    assert_int_equal(a->counter, b->counter);
    assert_int_equal(a->call_count, b->call_count);
    assert_true(queue_origin_equal(&a->call, &b->call));
    assert_int_equal(a->enqueued_ms, b->enqueued_ms);
    assert_int_equal(a->place_ms, b->place_ms);
    assert_int_equal(a->for_counter, b->for_counter);
    assert_int_equal(a->hold_owner, b->hold_owner);
    assert_int_equal(a->hold_reason, b->hold_reason);
    assert_int_equal(a->hold_until_ms, b->hold_until_ms);
    assert_int_equal(a->outcome, b->outcome);
    assert_int_equal(a->leg_count, b->leg_count);
    assert_int_equal(a->plan_count, b->plan_count);
    assert_memory_equal(a->plan, b->plan, sizeof(a->plan));
    assert_memory_equal(a->legs, b->legs, sizeof(a->legs));
    /* Who waits or is held and was called by mistake was called nevertheless: everybody heard it. */
    if (b->state != QUEUE_WAITING && b->state != QUEUE_HELD) {
        assert_int_equal(a->called_ms, b->called_ms);
    }
    assert_int_equal(a->started_ms, b->started_ms);
    assert_int_equal(a->ended_ms, b->ended_ms);
    assert_int_equal(a->first_called_ms, b->first_called_ms);
    assert_int_equal(a->held_at_ms, b->held_at_ms);
    assert_int_equal(a->held_ms, b->held_ms);
    assert_int_equal(a->served_ms, b->served_ms);
}

static void undo_takes_the_newest_press_back_exactly(void **state)
{
    static const enum queue_action presses[] = {
        QUEUE_CALL,       QUEUE_START,   QUEUE_HOLD,       QUEUE_CALL,     QUEUE_START,
        QUEUE_TRANSFER,   QUEUE_CALL,    QUEUE_SET_ABSENT, QUEUE_RETURN,   QUEUE_CALL,
        QUEUE_PUT_BACK,   QUEUE_PLAN,    QUEUE_CALL,       QUEUE_COMPLETE, QUEUE_CALL,
        QUEUE_SET_ABSENT, QUEUE_GIVE_UP,
    };
    struct office *office = office_serving();
    struct ids_token id = issue(office, 1);
    struct queue_totals totals[QUEUE_CATEGORIES_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(presses); i++) {
        struct queue_ticket before = *ticket_of(office, id);
        struct ids_token at_counter_before = queue_counter_find(office->queue, 1)->ticket;

        memcpy(totals, office->queue->totals, sizeof(totals));
        for (int undone = 1; undone >= 0; undone--) {
            office->now_ms += QUEUE_UNDO_WINDOW_MS;
            assert_int_equal(act(office, (struct queue_command){.action = presses[i],
                                                                .counter = 1,
                                                                .ticket = id,
                                                                .category = 2,
                                                                .hold_ms = 7 * MINUTE_MS,
                                                                .plan_count = 1,
                                                                .plan = {1}}),
                             QUEUE_OK);
            if (undone) {
                office->now_ms += QUEUE_UNDO_WINDOW_MS;
                assert_int_equal(press(office, QUEUE_UNDO, 1), QUEUE_OK);
                assert_same_visit(ticket_of(office, id), &before);
                assert_true(ids_token_equal(&queue_counter_find(office->queue, 1)->ticket,
                                            &at_counter_before));
                assert_memory_equal(totals, office->queue->totals, sizeof(totals));
                assert_int_equal(press(office, QUEUE_UNDO, 1), QUEUE_NOTHING_TO_UNDO);
            }
            check_invariants(office);
        }
    }
    office_free(office);
}

static void undo_of_call_next_and_complete_goes_back_too(void **state)
{
    struct office *office = office_serving();
    struct ids_token id = issue(office, 1);

    (void)state;
    assert_int_equal(called_number(office, 1), 101);
    assert_int_equal(press(office, QUEUE_UNDO, 1), QUEUE_OK);
    assert_int_equal(ticket_of(office, id)->state, QUEUE_WAITING);
    assert_int_equal(ticket_of(office, id)->call_count, 0);
    assert_int_equal(called_number(office, 1), 101);
    office->now_ms += MINUTE_MS;
    assert_int_equal(press(office, QUEUE_COMPLETE, 1), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_UNDO, 1), QUEUE_OK);
    assert_int_equal(ticket_of(office, id)->state, QUEUE_CALLED);
    assert_int_equal(office->queue->totals[0].served, 0);
    assert_int_equal(office->queue->service_ms[0], 5 * MINUTE_MS);
    check_invariants(office);
    office_free(office);
}

static void undo_comes_too_late_after_thirty_seconds(void **state)
{
    struct office *office = office_serving();

    (void)state;
    (void)issue(office, 1);
    assert_int_equal(called_number(office, 1), 101);
    office->now_ms += QUEUE_UNDO_WINDOW_MS + 1;
    assert_int_equal(press(office, QUEUE_UNDO, 1), QUEUE_UNDO_TOO_LATE);
    office->now_ms -= 60 * MINUTE_MS;
    assert_int_equal(press(office, QUEUE_UNDO, 1), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_UNDO, 9), QUEUE_NO_SUCH_COUNTER);
    office_free(office);
}

static void undo_does_not_take_a_visitor_from_another_counter(void **state)
{
    struct office *office = office_serving();
    struct ids_token id = issue(office, 1);

    (void)state;
    assert_int_equal(called_number(office, 1), 101);
    assert_int_equal(press(office, QUEUE_PUT_BACK, 1), QUEUE_OK);
    assert_int_equal(called_number(office, 3), 101);
    assert_int_equal(press(office, QUEUE_UNDO, 1), QUEUE_TICKET_ELSEWHERE);
    assert_int_equal(press(office, QUEUE_COMPLETE, 3), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_UNDO, 1), QUEUE_WRONG_STATE);
    assert_int_equal(ticket_of(office, id)->state, QUEUE_DONE);
    office_free(office);
}

static void undo_never_gives_a_counter_two_visitors(void **state)
{
    struct office *office = office_serving();
    struct ids_token other;
    struct queue_counter counter;

    (void)state;
    (void)issue(office, 1);
    other = issue(office, 1);
    assert_int_equal(called_number(office, 1), 101);
    assert_int_equal(press(office, QUEUE_COMPLETE, 1), QUEUE_OK);
    counter = *queue_counter_find(office->queue, 1);
    assert_int_equal(press_ticket(office, QUEUE_CALL, 1, other), QUEUE_OK);
    /* A row that remembers the older press while the counter has somebody: no press can make it. */
    counter.ticket = other;
    load_counter(office, &counter);
    assert_int_equal(press(office, QUEUE_UNDO, 1), QUEUE_COUNTER_BUSY);
    office_free(office);
}

/* tests/integration/faults.mjs, clock: after a step back no board showed any call, for as long as the step. */
static void a_clock_that_goes_back_hides_no_call_from_the_boards(void **state)
{
    struct office *office = office_serving();
    const struct queue_ticket *calls[4];

    (void)state;
    for (uint16_t category = 1; category <= 3; category++) {
        (void)issue(office, category);
    }
    assert_int_equal(called_number(office, 1), 101);
    office->now_ms -= 7200000;
    assert_int_equal(called_number(office, 2), 201);
    assert_int_equal(queue_newest_calls(office->queue, calls, 4), 2);
    assert_int_equal(calls[0]->number, 201);
    office->now_ms += 1000;
    assert_int_equal(press(office, QUEUE_RECALL, 1), QUEUE_OK);
    assert_int_equal(queue_newest_calls(office->queue, calls, 4), 2);
    assert_int_equal(calls[0]->number, 101);
    check_invariants(office);
    office_free(office);
}

static void boards_see_the_newest_calls_first(void **state)
{
    struct office *office = office_serving();
    const struct queue_ticket *calls[4];

    (void)state;
    (void)issue(office, 1);
    (void)issue(office, 2);
    (void)issue(office, 3);
    assert_int_equal(queue_newest_calls(office->queue, calls, 4), 0);
    assert_int_equal(called_number(office, 1), 101);
    office->now_ms += 6000;
    assert_int_equal(called_number(office, 2), 201);
    office->now_ms += 6000;
    assert_int_equal(called_number(office, 3), 301);
    assert_int_equal(queue_newest_calls(office->queue, calls, 4), 3);
    assert_int_equal(calls[0]->number, 301);
    assert_int_equal(calls[2]->number, 101);
    assert_int_equal(queue_newest_calls(office->queue, calls, 1), 1);
    office->now_ms += 6000;
    assert_int_equal(press(office, QUEUE_RECALL, 1), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_COMPLETE, 2), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_PUT_BACK, 3), QUEUE_OK);
    assert_int_equal(queue_newest_calls(office->queue, calls, 4), 2);
    assert_int_equal(calls[0]->number, 101);
    assert_int_equal(calls[1]->number, 201);
    check_invariants(office);
    office_free(office);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_counter_calls_serves_and_completes),
        cmocka_unit_test(the_first_tier_goes_first_and_the_second_when_it_is_empty),
        cmocka_unit_test(in_one_tier_the_earlier_one_goes_first_whatever_its_category),
        cmocka_unit_test(of_one_moment_the_lower_number_and_then_the_lower_id_goes_first),
        cmocka_unit_test(of_one_moment_and_number_in_two_lines_the_lower_id_goes_first),
        cmocka_unit_test(priority_is_as_if_one_had_come_ten_minutes_earlier),
        cmocka_unit_test(who_waited_beyond_the_limit_jumps_a_tier),
        cmocka_unit_test(a_clock_that_goes_back_lets_nobody_in_front),
        cmocka_unit_test(a_named_ticket_is_called_by_a_counter_that_may),
        cmocka_unit_test(a_terminal_that_shows_another_ticket_acts_on_none),
        cmocka_unit_test(a_recall_waits_five_seconds_and_is_a_call),
        cmocka_unit_test(calls_are_counted_up_to_their_end),
        cmocka_unit_test(who_was_absent_comes_back_to_the_old_place),
        cmocka_unit_test(who_was_held_for_the_pool_may_be_called_by_any_counter_that_serves_it),
        cmocka_unit_test(a_transfer_enters_the_other_line_by_age_with_its_number),
        cmocka_unit_test(a_manager_may_hold_for_a_counter_and_the_counter_may_undo),
        cmocka_unit_test(opening_and_closing_a_counter_is_a_level),
        cmocka_unit_test(undo_takes_the_newest_press_back_exactly),
        cmocka_unit_test(undo_of_call_next_and_complete_goes_back_too),
        cmocka_unit_test(undo_comes_too_late_after_thirty_seconds),
        cmocka_unit_test(undo_does_not_take_a_visitor_from_another_counter),
        cmocka_unit_test(undo_never_gives_a_counter_two_visitors),
        cmocka_unit_test(a_clock_that_goes_back_hides_no_call_from_the_boards),
        cmocka_unit_test(boards_see_the_newest_calls_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
