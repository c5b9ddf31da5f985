/*
 * appliance/queue: meetings in which one touch of a visitor had given two tickets, and tickets that were
 * made VOID on one side.
 */
#include "tests/unit/queue_pair.h"

/* One touch, two tickets; then the states at the source: of ours, of theirs, and whose answers. */
struct twins {
    struct pair *pair;
    struct ids_token ours, theirs, key;
};

static struct twins twins_new(uint8_t delivery)
{
    struct twins twins = {.pair = pair_new(), .key = token(31)};
    struct queue_command command;

    split(twins.pair);
    command = keyed(twins.pair->a, twins.key, delivery);
    twins.ours = command.ticket;
    assert_int_equal(act(twins.pair->a, command), QUEUE_OK);
    twins.pair->b->now_ms += 1000; /* the retry is later */
    command = keyed(twins.pair->b, twins.key, delivery);
    twins.theirs = command.ticket;
    assert_int_equal(act(twins.pair->b, command), QUEUE_OK);
    return twins;
}

static void twins_become(struct twins *twins, enum queue_ticket_state ours,
                         enum queue_ticket_state theirs, bool theirs_answers)
{
    struct queue_command touch;

    meet(twins->pair);
    assert_int_equal(state_at(twins->pair->a, twins->ours), ours);
    assert_int_equal(state_at(twins->pair->a, twins->theirs), theirs);
    touch = keyed(twins->pair->a, twins->key, QUEUE_DELIVERY_SCREEN);
    assert_int_equal(act(twins->pair->a, touch), QUEUE_REPLAYED);
    assert_memory_equal(twins->pair->a->last.answer.ticket.bytes,
                        theirs_answers ? twins->theirs.bytes : twins->ours.bytes, IDS_TOKEN_BYTES);
    pair_free(twins->pair);
}

static void of_two_screen_tickets_under_one_key_the_answer_to_the_retry_stays(void **state)
{
    struct twins twins = twins_new(QUEUE_DELIVERY_SCREEN);

    (void)state;
    twins_become(&twins, QUEUE_CANCELLED, QUEUE_WAITING, true);
}

static void the_later_of_two_screen_tickets_stays_also_when_it_is_ours(void **state)
{
    struct twins twins = twins_new(QUEUE_DELIVERY_SCREEN);
    struct pair *pair = twins.pair;
    struct office *swapped = pair->a;
    struct ids_token id = twins.ours;

    (void)state;
    pair->a = pair->b;
    pair->b = swapped;
    twins.ours = twins.theirs;
    twins.theirs = id;
    twins_become(&twins, QUEUE_WAITING, QUEUE_CANCELLED, false);
}

static void the_one_on_paper_stays(void **state)
{
    struct twins twins = twins_new(QUEUE_DELIVERY_PAPER);

    (void)state;
    assert_int_equal(press_ticket(twins.pair->a, QUEUE_PRINTED, 0, twins.ours), QUEUE_OK);
    twins_become(&twins, QUEUE_WAITING, QUEUE_CANCELLED, false);
}

static void nobodys_paper_is_taken_away(void **state)
{
    struct twins twins = twins_new(QUEUE_DELIVERY_PAPER);

    (void)state;
    assert_int_equal(press_ticket(twins.pair->a, QUEUE_PRINTED, 0, twins.ours), QUEUE_OK);
    assert_int_equal(press_ticket(twins.pair->b, QUEUE_PRINTED, 0, twins.theirs), QUEUE_OK);
    twins_become(&twins, QUEUE_WAITING, QUEUE_WAITING, true);
}

static void the_visitor_who_was_served_is_not_called_by_the_other_number(void **state)
{
    struct twins twins = twins_new(QUEUE_DELIVERY_PAPER);

    (void)state;
    assert_int_equal(press_ticket(twins.pair->a, QUEUE_PRINTED, 0, twins.ours), QUEUE_OK);
    assert_int_equal(press_ticket(twins.pair->b, QUEUE_PRINTED, 0, twins.theirs), QUEUE_OK);
    drive(twins.pair->a, twins.ours, QUEUE_DONE, 1);
    twins_become(&twins, QUEUE_DONE, QUEUE_CANCELLED, false);
}

static void the_one_that_is_called_answers(void **state)
{
    struct twins twins = twins_new(QUEUE_DELIVERY_SCREEN);

    (void)state;
    drive(twins.pair->a, twins.ours, QUEUE_CALLED, 1);
    twins_become(&twins, QUEUE_CALLED, QUEUE_CANCELLED, false);
}

static void twins_of_one_moment_are_told_apart_alike_on_both_sides(void **state)
{
    struct twins twins = twins_new(QUEUE_DELIVERY_SCREEN);
    struct queue_ticket theirs = *ticket_of(twins.pair->b, twins.theirs);
    struct queue_change change;
    struct queue_origin here = origin_here(twins.pair->a);
    bool theirs_is_higher = memcmp(twins.theirs.bytes, twins.ours.bytes, IDS_TOKEN_BYTES) > 0;

    (void)state;
    theirs.issued_ms = ticket_of(twins.pair->a, twins.ours)->issued_ms;
    assert_true(queue_join_ticket(twins.pair->a->queue, &theirs, UNIT_B, twins.pair->common, &here,
                                  twins.pair->a->now_ms, &change));
    put(twins.pair->a, &change);
    assert_int_equal(state_at(twins.pair->a, twins.ours),
                     theirs_is_higher ? QUEUE_CANCELLED : QUEUE_WAITING);
    assert_int_equal(state_at(twins.pair->a, twins.theirs),
                     theirs_is_higher ? QUEUE_WAITING : QUEUE_CANCELLED);
    pair_free(twins.pair);
}

static void void_ticket(struct office *office, struct ids_token id)
{
    struct queue_change change;
    struct queue_origin here;

    office->lsn++;
    here = origin_here(office);
    assert_true(queue_void_ticket(office->queue, &id, &here, office->now_ms, &change));
    put(office, &change);
}

static void a_void_yields_even_to_what_it_knew(void **state)
{
    struct pair *pair = pair_new();
    struct ids_token id = issue(pair->a, 1);

    (void)state;
    split(pair);
    void_ticket(pair->a, id);
    meet(pair);
    assert_int_equal(state_at(pair->a, id), QUEUE_WAITING);
    assert_int_equal(pair->a->queue->totals[0].voided, 0);
    pair_free(pair);
}

static void a_void_that_comes_back_answers_its_own_key_again(void **state)
{
    struct pair *pair = pair_new();
    struct queue_command touch = keyed(pair->a, token(8), QUEUE_DELIVERY_SCREEN);

    (void)state;
    assert_int_equal(act(pair->a, touch), QUEUE_OK);
    split(pair);
    void_ticket(pair->a, touch.ticket);
    meet(pair);
    assert_int_equal(state_at(pair->a, touch.ticket), QUEUE_WAITING);
    assert_int_equal(act(pair->a, touch), QUEUE_REPLAYED);
    assert_memory_equal(pair->a->last.answer.ticket.bytes, touch.ticket.bytes, IDS_TOKEN_BYTES);
    pair_free(pair);
}

static void their_void_takes_nothing_away_here(void **state)
{
    struct pair *pair = pair_new();
    struct ids_token id = issue(pair->a, 1);

    (void)state;
    split(pair);
    void_ticket(pair->b, id);
    meet(pair);
    assert_int_equal(state_at(pair->a, id), QUEUE_WAITING);
    pair_free(pair);
}

static void a_key_whose_ticket_was_void_gets_a_lettered_one_and_one_of_them_stays(void **state)
{
    struct pair *pair = pair_new();
    struct queue_command touch = keyed(pair->a, token(8), QUEUE_DELIVERY_SCREEN);
    struct ids_token plain = touch.ticket;
    struct ids_token lettered;

    (void)state;
    assert_int_equal(act(pair->a, touch), QUEUE_OK);
    split(pair);
    void_ticket(pair->a, plain);
    pair->a->now_ms += 1000;
    lettered = draw(pair->a);
    touch.ticket = lettered;
    touch.series = (struct ids_series){UNIT_A, 1};
    assert_int_equal(act(pair->a, touch), QUEUE_OK);
    assert_int_equal(act(pair->a, touch), QUEUE_REPLAYED);
    assert_memory_equal(pair->a->last.answer.ticket.bytes, lettered.bytes, IDS_TOKEN_BYTES);
    /* The peer holds the plain one as WAITING; one touch, so one of the two is called. */
    meet(pair);
    assert_int_equal(state_at(pair->a, plain), QUEUE_CANCELLED);
    assert_int_equal(state_at(pair->a, lettered), QUEUE_WAITING);
    pair_free(pair);
}

static void of_a_void_and_a_real_ticket_under_one_key_the_real_one_answers(void **state)
{
    struct pair *pair = pair_new();
    struct queue_command touch;
    struct ids_token plain;
    struct twins twins = {.pair = pair, .key = token(8)};

    (void)state;
    split(pair);
    pair->a->session = 0;
    touch = keyed(pair->a, twins.key, QUEUE_DELIVERY_SCREEN);
    plain = touch.ticket;
    assert_int_equal(act(pair->a, touch), QUEUE_OK);
    pair->a->session = 1;
    void_ticket(pair->a, plain);
    touch = keyed(pair->b, twins.key, QUEUE_DELIVERY_SCREEN);
    assert_int_equal(act(pair->b, touch), QUEUE_OK);
    twins.ours = plain;
    twins.theirs = touch.ticket;
    twins_become(&twins, QUEUE_VOID, QUEUE_WAITING, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_two_screen_tickets_under_one_key_the_answer_to_the_retry_stays),
        cmocka_unit_test(the_later_of_two_screen_tickets_stays_also_when_it_is_ours),
        cmocka_unit_test(the_one_on_paper_stays),
        cmocka_unit_test(nobodys_paper_is_taken_away),
        cmocka_unit_test(the_visitor_who_was_served_is_not_called_by_the_other_number),
        cmocka_unit_test(the_one_that_is_called_answers),
        cmocka_unit_test(twins_of_one_moment_are_told_apart_alike_on_both_sides),
        cmocka_unit_test(a_void_yields_even_to_what_it_knew),
        cmocka_unit_test(a_void_that_comes_back_answers_its_own_key_again),
        cmocka_unit_test(their_void_takes_nothing_away_here),
        cmocka_unit_test(a_key_whose_ticket_was_void_gets_a_lettered_one_and_one_of_them_stays),
        cmocka_unit_test(of_a_void_and_a_real_ticket_under_one_key_the_real_one_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
