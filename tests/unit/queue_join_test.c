/*
 * appliance/queue: meetings. Two offices share a ledger up to `common`, serve on their own, and
 * then the first one (the source) takes in the rows of the second.
 *
 * QUEUE_SEED=n chooses another random walk; a failure prints its seed.
 */
#include "tests/unit/queue_pair.h"

static void a_ticket_that_only_the_other_has_is_adopted_whole_under_its_origin(void **state)
{
    struct pair *pair = pair_new();
    struct ids_token id;
    struct queue_ticket theirs;
    const struct queue_ticket *ours;

    (void)state;
    split(pair);
    id = issue(pair->b, 1);
    theirs = *ticket_of(pair->b, id);
    meet(pair);
    ours = ticket_of(pair->a, id);
    assert_int_equal(ours->state, QUEUE_WAITING);
    assert_int_equal(ours->number, theirs.number);
    assert_int_equal(ours->series.unit, UNIT_B);
    assert_int_equal(ours->origin.unit, UNIT_B);
    assert_int_equal(ours->origin.lsn, theirs.origin.lsn);
    assert_int_equal(ours->adopted.lsn, theirs.origin.lsn);
    assert_true(ours->changed_lsn > pair->common);
    assert_int_equal(pair->a->queue->totals[0].issued, 1);
    pair_free(pair);
}

static void who_has_seen_the_others_last_change_wins(void **state)
{
    struct pair *pair = pair_new();
    struct ids_token theirs_newer = issue(pair->a, 1);
    struct ids_token ours_newer = issue(pair->a, 1);

    (void)state;
    split(pair);
    /* They put a held one back: WAITING would lose by rank, but they knew what they did. */
    assert_int_equal(press_ticket(pair->b, QUEUE_CALL, 1, theirs_newer), QUEUE_OK);
    assert_int_equal(press_ticket(pair->a, QUEUE_CANCEL, 0, ours_newer), QUEUE_OK);
    meet(pair);
    assert_int_equal(state_at(pair->a, theirs_newer), QUEUE_CALLED);
    assert_int_equal(queue_counter_find(pair->a->queue, 1)->open, 1);
    assert_int_equal(state_at(pair->a, ours_newer), QUEUE_CANCELLED);
    pair_free(pair);
}

static void a_lower_state_wins_when_it_knew_the_higher(void **state)
{
    struct pair *pair = pair_new();
    struct ids_token id = issue(pair->a, 1);

    (void)state;
    assert_int_equal(press_ticket(pair->a, QUEUE_CALL, 1, id), QUEUE_OK);
    split(pair);
    assert_int_equal(press(pair->b, QUEUE_PUT_BACK, 1), QUEUE_OK);
    meet(pair);
    assert_int_equal(state_at(pair->a, id), QUEUE_WAITING);
    assert_true(ids_token_is_zero(&queue_counter_find(pair->a->queue, 1)->ticket));
    pair_free(pair);
}

static void who_changed_nothing_since_says_nothing(void **state)
{
    struct pair *pair = pair_new();
    struct ids_token id = issue(pair->a, 1);

    (void)state;
    assert_int_equal(press_ticket(pair->a, QUEUE_CALL, 1, id), QUEUE_OK);
    split(pair);
    assert_int_equal(press(pair->a, QUEUE_PUT_BACK, 1), QUEUE_OK);
    assert_false(join_one(pair, id));
    assert_int_equal(state_at(pair->a, id), QUEUE_WAITING);
    pair_free(pair);
}

static void what_was_adopted_in_a_broken_meeting_follows_its_maker(void **state)
{
    struct pair *pair = pair_new();
    struct ids_token id;

    (void)state;
    split(pair);
    id = issue(pair->b, 1);
    assert_int_equal(press_ticket(pair->b, QUEUE_CALL, 2, id), QUEUE_OK);
    assert_true(join_one(pair, id));
    assert_int_equal(state_at(pair->a, id), QUEUE_CALLED);
    /* The meeting breaks: common stays where it was, and they go on with their own ticket. */
    assert_int_equal(press(pair->b, QUEUE_PUT_BACK, 2), QUEUE_OK);
    meet(pair);
    assert_int_equal(state_at(pair->a, id), QUEUE_WAITING);
    pair_free(pair);
}

static void what_they_adopted_from_us_and_changed_is_newer(void **state)
{
    struct pair *pair = pair_new();
    struct pair back = {0};
    struct ids_token id;

    (void)state;
    split(pair);
    id = issue(pair->a, 1);
    assert_int_equal(press_ticket(pair->a, QUEUE_CALL, 2, id), QUEUE_OK);
    back = (struct pair){.a = pair->b, .b = pair->a, .common = pair->common};
    assert_true(join_one(&back, id));
    assert_int_equal(press(pair->b, QUEUE_PUT_BACK, 2), QUEUE_OK);
    meet(pair);
    assert_int_equal(state_at(pair->a, id), QUEUE_WAITING);
    pair_free(pair);
}

static void of_two_independent_changes_the_further_one_counts(void **state)
{
    static const enum queue_ticket_state rising[] = {QUEUE_WAITING, QUEUE_ABSENT,  QUEUE_HELD,
                                                     QUEUE_CALLED,  QUEUE_SERVING, QUEUE_DONE};

    (void)state;
    for (size_t ours = 0; ours < ARRAY_COUNT(rising); ours++) {
        for (size_t theirs = 0; theirs < ARRAY_COUNT(rising); theirs++) {
            struct pair *pair = pair_new();
            struct ids_token id = issue(pair->a, 1);
            size_t further = ours > theirs ? ours : theirs;

            split(pair);
            drive(pair->a, id, rising[ours], 1);
            drive(pair->b, id, rising[theirs], 1);
            meet(pair);
            assert_int_equal(state_at(pair->a, id), rising[further]);
            assert_int_equal(ticket_of(pair->a, id)->origin.unit, UNIT_A);
            assert_int_equal(ticket_of(pair->a, id)->adopted.unit, UNIT_B);
            pair_free(pair);
        }
    }
}

static void called_at_two_counters_is_held(void **state)
{
    struct pair *pair = pair_new();
    struct ids_token id = issue(pair->a, 1);

    (void)state;
    split(pair);
    drive(pair->a, id, QUEUE_SERVING, 1);
    drive(pair->b, id, QUEUE_CALLED, 2);
    meet(pair);
    assert_int_equal(state_at(pair->a, id), QUEUE_HELD);
    assert_true(ids_token_is_zero(&queue_counter_find(pair->a->queue, 1)->ticket));
    assert_true(ids_token_is_zero(&queue_counter_find(pair->a->queue, 2)->ticket));
    pair_free(pair);
}

static void of_two_endings_the_earlier_counts_once(void **state)
{
    for (int theirs_first = 0; theirs_first < 2; theirs_first++) {
        struct pair *pair = pair_new();
        struct ids_token id = issue(pair->a, 1);

        (void)state;
        split(pair);
        pair->a->now_ms += theirs_first ? 5 * MINUTE_MS : 0;
        pair->b->now_ms += theirs_first ? 0 : 5 * MINUTE_MS;
        drive(pair->a, id, QUEUE_DONE, 1);
        drive(pair->b, id, QUEUE_CANCELLED, 0);
        meet(pair);
        assert_int_equal(state_at(pair->a, id), theirs_first ? QUEUE_CANCELLED : QUEUE_DONE);
        assert_int_equal(pair->a->queue->totals[0].served + pair->a->queue->totals[0].cancelled, 1);
        assert_int_equal(ticket_of(pair->a, id)->adopted.unit, UNIT_B);
        pair_free(pair);
    }
}

static void a_counter_with_another_visitor_does_not_get_a_second_one(void **state)
{
    struct pair *pair = pair_new();
    struct ids_token ours = issue(pair->a, 1);
    struct ids_token theirs = issue(pair->a, 1);

    (void)state;
    split(pair);
    drive(pair->a, ours, QUEUE_SERVING, 1);
    drive(pair->b, theirs, QUEUE_SERVING, 1);
    meet(pair);
    assert_int_equal(state_at(pair->a, ours), QUEUE_SERVING);
    assert_int_equal(state_at(pair->a, theirs), QUEUE_HELD);
    assert_int_equal(ticket_of(pair->a, theirs)->origin.unit, UNIT_A);
    pair_free(pair);
}

static void a_move_between_counters_frees_the_old_one(void **state)
{
    struct pair *pair = pair_new();
    struct ids_token id = issue(pair->a, 1);

    (void)state;
    assert_int_equal(press_ticket(pair->a, QUEUE_CALL, 1, id), QUEUE_OK);
    split(pair);
    assert_int_equal(
        act(pair->b, (struct queue_command){.action = QUEUE_HOLD, .counter = 1, .to_pool = true}),
        QUEUE_OK);
    assert_int_equal(press_ticket(pair->b, QUEUE_CALL, 2, id), QUEUE_OK);
    meet(pair);
    assert_int_equal(ticket_of(pair->a, id)->counter, 2);
    assert_true(ids_token_is_zero(&queue_counter_find(pair->a->queue, 1)->ticket));
    assert_int_equal(press(pair->a, QUEUE_COMPLETE, 2), QUEUE_OK);
    pair_free(pair);
}

static void a_counter_that_is_not_configured_here_cannot_hold_a_visitor(void **state)
{
    struct pair *pair = pair_new();
    struct ids_token id;
    struct queue_ticket theirs;
    struct queue_change change;
    struct queue_origin here;

    (void)state;
    split(pair);
    id = issue(pair->b, 1);
    theirs = *ticket_of(pair->b, id);
    theirs.state = QUEUE_SERVING;
    theirs.counter = 44;
    here = origin_here(pair->a);
    assert_true(queue_join_ticket(pair->a->queue, &theirs, UNIT_B, pair->common, &here,
                                  pair->a->now_ms, &change));
    put(pair->a, &change);
    assert_int_equal(state_at(pair->a, id), QUEUE_HELD);
    check_joined(pair);
    pair_free(pair);
}

static void paper_that_one_side_confirmed_is_delivered(void **state)
{
    struct pair *pair = pair_new();
    struct queue_command command = issue_command(pair->a, 1);

    (void)state;
    command.delivery = QUEUE_DELIVERY_PAPER;
    assert_int_equal(act(pair->a, command), QUEUE_OK);
    split(pair);
    assert_int_equal(press_ticket(pair->a, QUEUE_PRINT_UNKNOWN, 0, command.ticket), QUEUE_OK);
    assert_int_equal(press_ticket(pair->b, QUEUE_PRINTED, 0, command.ticket), QUEUE_OK);
    assert_int_equal(press_ticket(pair->b, QUEUE_REPRINT, 0, command.ticket), QUEUE_OK);
    meet(pair);
    assert_int_equal(ticket_of(pair->a, command.ticket)->undelivered, 0);
    assert_int_equal(ticket_of(pair->a, command.ticket)->copies, 1);
    pair_free(pair);
}

static void an_adopted_plain_number_is_not_given_again(void **state)
{
    struct pair *pair = pair_new();
    struct ids_token id;
    struct ids_token next;

    (void)state;
    split(pair);
    pair->b->session = 0; /* an entry of the pair that only their disk holds */
    id = issue(pair->b, 1);
    pair->b->session = 1;
    assert_int_equal(ticket_of(pair->b, id)->number, 101);
    meet(pair);
    pair->a->session = 0;
    next = issue(pair->a, 1);
    assert_int_equal(ticket_of(pair->a, next)->number, 102);
    pair_free(pair);
}

static void adopted_letters_push_later_sessions_upward_but_not_ours(void **state)
{
    struct pair *pair = pair_new();
    struct ids_token ours;
    struct ids_token theirs = {{0}};

    (void)state;
    split(pair);
    ours = issue(pair->a, 1);
    for (int i = 0; i < 5; i++) {
        theirs = issue(pair->b, 1);
    }
    assert_int_equal(ticket_of(pair->a, ours)->number, 101);
    assert_int_equal(ticket_of(pair->b, theirs)->number, 105);
    meet(pair);
    /* The source serves on by its letter until the term is minted, and skips nothing. */
    ours = issue(pair->a, 1);
    assert_int_equal(ticket_of(pair->a, ours)->number, 102);
    pair->a->session = 0;
    follow(pair);
    split(pair);
    pair->b->session = 7;
    theirs = issue(pair->b, 1);
    meet(pair);
    pair->a->session = 9;
    ours = issue(pair->a, 1);
    assert_int_equal(ticket_of(pair->a, ours)->number, ticket_of(pair->b, theirs)->number + 1);
    pair_free(pair);
}

static void a_key_answered_by_the_other_is_answered_the_same_here(void **state)
{
    struct pair *pair = pair_new();
    struct ids_token id = issue(pair->a, 1);
    struct queue_command call = {
        .action = QUEUE_CALL_NEXT, .counter = 1, .key = token(5), .body_hash = 9};
    struct queue_command touch;

    (void)state;
    split(pair);
    touch = keyed(pair->b, token(6), QUEUE_DELIVERY_SCREEN);
    assert_int_equal(act(pair->b, call), QUEUE_OK);
    assert_int_equal(act(pair->b, touch), QUEUE_OK);
    assert_true(join_tickets(pair));
    /* The tickets alone bring their keys; the body is known when the key's own row comes. */
    assert_int_equal(act(pair->a, touch), QUEUE_REPLAYED);
    assert_memory_equal(pair->a->last.answer.ticket.bytes, touch.ticket.bytes, IDS_TOKEN_BYTES);
    meet(pair);
    touch.ticket = draw(pair->a);
    assert_int_equal(act(pair->a, touch), QUEUE_REPLAYED);
    touch.body_hash++;
    assert_int_equal(act(pair->a, touch), QUEUE_KEY_REUSED);
    assert_int_equal(act(pair->a, call), QUEUE_REPLAYED);
    assert_memory_equal(pair->a->last.answer.ticket.bytes, id.bytes, IDS_TOKEN_BYTES);
    pair_free(pair);
}

static void a_closed_day_adopts_live_tickets_as_ended(void **state)
{
    struct pair *pair = pair_new();
    struct ids_token known = issue(pair->a, 1);
    struct ids_token waiting;
    struct ids_token absent;

    (void)state;
    split(pair);
    waiting = issue(pair->b, 1);
    absent = issue(pair->b, 1);
    drive(pair->b, absent, QUEUE_ABSENT, 1);
    drive(pair->b, known, QUEUE_DONE, 2);
    pair->a->now_ms += 60 * MINUTE_MS;
    assert_int_equal(press(pair->a, QUEUE_DAY_CLOSING, 0), QUEUE_OK);
    assert_int_equal(state_at(pair->a, known), QUEUE_EXPIRED);
    meet(pair);
    assert_int_equal(state_at(pair->a, waiting), QUEUE_EXPIRED);
    assert_int_equal(state_at(pair->a, absent), QUEUE_NO_SHOW);
    assert_int_equal(state_at(pair->a, known), QUEUE_DONE);
    pair_free(pair);
}

static void an_erased_day_only_counts(void **state)
{
    struct pair *pair = pair_new();
    struct queue_change change;
    struct queue_origin here;
    struct queue_ticket plain;
    struct queue_ticket theirs;
    struct ids_token known = issue(pair->a, 1);

    (void)state;
    split(pair);
    drive(pair->b, known, QUEUE_DONE, 1);
    plain = *ticket_of(pair->b, known);
    theirs = *ticket_of(pair->b, issue(pair->b, 1));
    assert_int_equal(press(pair->a, QUEUE_DAY_CLOSING, 0), QUEUE_OK);
    assert_int_equal(press(pair->a, QUEUE_DAY_ERASING, 0), QUEUE_OK);
    here = origin_here(pair->a);
    /* Counted before it was erased; once is enough. */
    assert_false(queue_join_ticket(pair->a->queue, &plain, UNIT_B, pair->common, &here,
                                   pair->a->now_ms, &change));
    assert_true(queue_join_ticket(pair->a->queue, &theirs, UNIT_B, pair->common, &here,
                                  pair->a->now_ms, &change));
    put(pair->a, &change);
    assert_int_equal(pair->a->queue->ticket_count, 0);
    assert_int_equal(pair->a->queue->totals[0].issued, 2);
    assert_int_equal(pair->a->queue->totals[0].expired, 2);
    assert_false(queue_join_ticket(pair->a->queue, &theirs, UNIT_B, pair->common, &here,
                                   pair->a->now_ms, &change));
    /* A number of no category that is configured counts nowhere. */
    theirs.number = 999;
    assert_false(queue_join_ticket(pair->a->queue, &theirs, UNIT_B, pair->common, &here,
                                   pair->a->now_ms, &change));
    assert_false(queue_join_key(pair->a->queue, &pair->b->last.answer, &change));
    assert_int_equal(pair->a->digest, digest_of(pair->a->queue));
    pair_free(pair);
}

static void another_days_ticket_is_nothing(void **state)
{
    struct pair *pair = pair_new();
    struct queue_change change;
    struct queue_origin here;
    struct queue_ticket theirs;

    (void)state;
    split(pair);
    theirs = *ticket_of(pair->b, issue(pair->b, 1));
    here = origin_here(pair->a);
    theirs.day--;
    assert_false(queue_join_ticket(pair->a->queue, &theirs, UNIT_B, pair->common, &here,
                                   pair->a->now_ms, &change));
    theirs.day++;
    theirs.category = 30;
    assert_false(queue_join_ticket(pair->a->queue, &theirs, UNIT_B, pair->common, &here,
                                   pair->a->now_ms, &change));
    /* A number outside every range is adopted, it can be called by name; nothing follows from it.
     */
    theirs.category = 1;
    theirs.number = 999;
    assert_true(queue_join_ticket(pair->a->queue, &theirs, UNIT_B, pair->common, &here,
                                  pair->a->now_ms, &change));
    pair_free(pair);
}

static void counters_are_as_who_changed_them_left_them(void **state)
{
    struct pair *pair = pair_new();
    struct queue_counter unknown = {.id = 44, .open = 1, .changed_lsn = UINT64_MAX};
    struct queue_change change;
    struct queue_origin here;

    (void)state;
    assert_int_equal(press(pair->a, QUEUE_COUNTER_CLOSE, 3), QUEUE_OK);
    split(pair);
    assert_int_equal(press(pair->b, QUEUE_COUNTER_CLOSE, 1), QUEUE_OK);
    assert_int_equal(press(pair->b, QUEUE_COUNTER_CLOSE, 2), QUEUE_OK);
    assert_int_equal(press(pair->b, QUEUE_COUNTER_OPEN, 3), QUEUE_OK);
    /* Both pressed at counter 2: it was open here last, and open wins. */
    assert_int_equal(press(pair->a, QUEUE_COUNTER_CLOSE, 2), QUEUE_OK);
    assert_int_equal(press(pair->a, QUEUE_COUNTER_OPEN, 2), QUEUE_OK);
    meet(pair);
    assert_int_equal(queue_counter_find(pair->a->queue, 1)->open, 0);
    assert_int_equal(queue_counter_find(pair->a->queue, 2)->open, 1);
    assert_int_equal(queue_counter_find(pair->a->queue, 3)->open, 1);
    here = origin_here(pair->a);
    assert_false(queue_join_counter(pair->a->queue, &unknown, pair->common, &here, &change));
    pair_free(pair);
}

static struct ids_token any_of(struct office *office, struct xorshift *random)
{
    return office->queue->ticket_count == 0
               ? token(1)
               : office->queue->tickets[draw_below(random, office->queue->ticket_count)].id;
}

static void press_at_random(struct office *office, struct xorshift *random)
{
    struct queue_command command = {
        .action = (enum queue_action)(QUEUE_PRINTED + (int)draw_below(random, 17)),
        .counter = (uint16_t)draw_below(random, 4),
        .category = (uint16_t)(1 + draw_below(random, 3)),
    };

    office->now_ms += draw_below(random, 20000);
    if (draw_below(random, 3) == 0) {
        command = issue_command(office, (uint16_t)(1 + draw_below(random, 2)));
        command.delivery = (uint8_t)(1 + draw_below(random, 2));
        if (draw_below(random, 3) == 0) {
            /* A small pool, so that both sides are asked under one key. */
            command.key = token(100 + office->queue->day.openings * 1000 + draw_below(random, 60));
            command.body_hash = 77;
        }
        /* Uncertain: plain, and only this disk has it. Never both sides of one cut. */
        if (office->unit == UNIT_A && draw_below(random, 4) == 0) {
            command.series = plain_series;
        }
    } else if (draw_below(random, 3) > 0) {
        command.ticket = any_of(office, random);
    }
    (void)act(office, command);
    if (office->last.reason == QUEUE_CEILING_REACHED) {
        reserve(office);
    }
}

/* A part of the meeting, then it breaks. */
static void meet_partly(struct pair *pair, struct xorshift *random)
{
    for (uint32_t at = 0; at < pair->b->queue->ticket_count; at++) {
        if (draw_below(random, 2) == 0) {
            (void)join_one(pair, pair->b->queue->tickets[at].id);
            check_joined(pair);
        }
    }
}

static void check_nothing_dropped(const struct pair *pair)
{
    for (uint32_t at = 0; at < pair->b->queue->ticket_count; at++) {
        const struct queue_ticket *theirs = &pair->b->queue->tickets[at];
        const struct queue_ticket *joined = ticket_of(pair->a, theirs->id);

        assert_int_equal(joined->number, theirs->number);
        assert_true(ids_series_equal(joined->series, theirs->series));
    }
    for (uint32_t at = 0; at < pair->b->queue->key_count; at++) {
        struct queue_change change;

        assert_false(queue_join_key(pair->a->queue, &pair->b->queue->keys[at], &change));
    }
}

static void meet_again_and_again(uint64_t seed)
{
    struct xorshift random = {seed * UINT64_C(0x9e3779b97f4a7c15) + 1};
    struct pair *pair = pair_new();

    print_message("QUEUE_SEED=%llu\n", (unsigned long long)seed);
    for (int round = 0; round < 12 && pair->a->queue->categories[0].letter_highest < 170; round++) {
        uint32_t parts = draw_below(&random, 3);

        split(pair);
        do {
            for (uint32_t i = draw_below(&random, 60); i > 0; i--) {
                press_at_random(draw_below(&random, 2) == 0 ? pair->a : pair->b, &random);
            }
            if (parts > 0) {
                meet_partly(pair, &random);
                pair->b->session = ++pair->sessions;
            }
        } while (parts-- > 0);
        meet(pair);
        check_nothing_dropped(pair);
        pair->a->session = 0;
        /* The same unit is not the source every time. */
        if (draw_below(&random, 2) == 0) {
            struct office *source = pair->a;

            follow(pair);
            pair->a = pair->b;
            pair->b = source;
        }
    }
    pair_free(pair);
}

static void whatever_two_units_do_apart_they_can_be_joined(void **state)
{
    const char *seed = getenv("QUEUE_SEED");

    (void)state;
    if (seed != NULL) {
        meet_again_and_again(strtoull(seed, NULL, 10));
        return;
    }
    for (uint64_t i = 1; i <= 12; i++) {
        meet_again_and_again(i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ticket_that_only_the_other_has_is_adopted_whole_under_its_origin),
        cmocka_unit_test(who_has_seen_the_others_last_change_wins),
        cmocka_unit_test(a_lower_state_wins_when_it_knew_the_higher),
        cmocka_unit_test(who_changed_nothing_since_says_nothing),
        cmocka_unit_test(what_was_adopted_in_a_broken_meeting_follows_its_maker),
        cmocka_unit_test(what_they_adopted_from_us_and_changed_is_newer),
        cmocka_unit_test(of_two_independent_changes_the_further_one_counts),
        cmocka_unit_test(called_at_two_counters_is_held),
        cmocka_unit_test(of_two_endings_the_earlier_counts_once),
        cmocka_unit_test(a_counter_with_another_visitor_does_not_get_a_second_one),
        cmocka_unit_test(a_move_between_counters_frees_the_old_one),
        cmocka_unit_test(a_counter_that_is_not_configured_here_cannot_hold_a_visitor),
        cmocka_unit_test(paper_that_one_side_confirmed_is_delivered),
        cmocka_unit_test(an_adopted_plain_number_is_not_given_again),
        cmocka_unit_test(adopted_letters_push_later_sessions_upward_but_not_ours),
        cmocka_unit_test(a_key_answered_by_the_other_is_answered_the_same_here),
        cmocka_unit_test(a_closed_day_adopts_live_tickets_as_ended),
        cmocka_unit_test(an_erased_day_only_counts),
        cmocka_unit_test(another_days_ticket_is_nothing),
        cmocka_unit_test(counters_are_as_who_changed_them_left_them),
        cmocka_unit_test(whatever_two_units_do_apart_they_can_be_joined),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
