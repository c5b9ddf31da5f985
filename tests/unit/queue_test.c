/* appliance/queue: issuing, keys, calling and numbers. */
#include "tests/unit/queue_fixture.h"

static void the_first_visitor_gets_the_first_number_and_the_next_the_next(void **state)
{
    struct office *office = office_open();
    struct ids_token first = issue(office, 1);
    struct ids_token second = issue(office, 1);

    (void)state;
    assert_int_equal(ticket_of(office, first)->number, 101);
    assert_int_equal(ticket_of(office, second)->number, 102);
    assert_int_equal(ticket_of(office, first)->waiting_ahead_at_issue, 0);
    assert_int_equal(ticket_of(office, second)->waiting_ahead_at_issue, 1);
    assert_int_equal(queue_waiting_count(office->queue, 1), 2);
    assert_int_equal(office->digest, digest_of(office->queue));
    office_free(office);
}

static void a_counter_calls_serves_and_completes(void **state)
{
    struct office *office = office_open();
    struct ids_token id = issue(office, 1);

    (void)state;
    open_counter(office, 1);
    assert_int_equal(called_number(office, 1), 101);
    assert_int_equal(ticket_of(office, id)->state, QUEUE_CALLED);
    assert_int_equal(press(office, QUEUE_START, 1), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_COMPLETE, 1), QUEUE_OK);
    assert_int_equal(ticket_of(office, id)->state, QUEUE_DONE);
    assert_int_equal(called_number(office, 1), 0);
    assert_int_equal(office->queue->totals[0].served, 1);
    assert_int_equal(office->digest, digest_of(office->queue));
    office_free(office);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_visitor_gets_the_first_number_and_the_next_the_next),
        cmocka_unit_test(a_counter_calls_serves_and_completes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
