/* appliance/queue: plain numbers that nobody gets are VOID, once each (promise 7). */
#include "tests/unit/queue_invariants.h"

static void load(struct office *office, const struct queue_row *row)
{
    assert_true(queue_load_row(office->queue, row));
    office->digest = digest_of(office->queue);
}

/* Seed 450: the other ledger had skipped 144 numbers; its tickets came over in a meeting, its gap did not. */
static void a_gap_below_the_highest_that_nobody_counted_is_counted(void **state)
{
    struct office *office = office_open();
    struct queue_row row = {.kind = QUEUE_ROW_TICKET};
    struct queue_change change;

    (void)state;
    row.ticket = *ticket_of(office, issue(office, 1));
    row.ticket.id.bytes[0] ^= 0xFF;
    row.ticket.number = 104;
    load(office, &row);
    row = (struct queue_row){.kind = QUEUE_ROW_CATEGORY,
                             .category = *queue_category_find(office->queue, 1)};
    row.category.plain_highest = 104;
    load(office, &row);
    queue_skip_numbers(office->queue, 1, 104, 900, &change);
    put(office, &change);
    assert_int_equal(office->queue->totals[0].voided, 2); /* 102 and 103 */
    queue_skip_numbers(office->queue, 1, 104, 901, &change);
    assert_int_equal(change.row_count, 0);
    office_free(office);
}

/* Seed 213 of the simulator: a retired unit's tail had tickets whose numbers an earlier meeting, without it, had called gaps. */
static void a_gap_that_gets_its_ticket_is_a_gap_no_more(void **state)
{
    struct office *office = office_open();
    struct queue_row row = {.kind = QUEUE_ROW_TICKET};
    struct queue_change change;

    (void)state;
    row.ticket = *ticket_of(office, issue(office, 1));
    queue_skip_numbers(office->queue, 1, 104, 900, &change);
    put(office, &change);
    assert_int_equal(office->queue->totals[0].voided, 3);
    row.ticket.id.bytes[0] ^= 0xFF;
    row.ticket.number = 103;
    load(office, &row);
    queue_skip_numbers(office->queue, 1, 0, 901, &change);
    put(office, &change);
    assert_int_equal(office->queue->totals[0].voided, 2);
    assert_int_equal(queue_category_find(office->queue, 1)->plain_highest, 104);
    office_free(office);
}

/* A unit that was restored meets at night: no ticket is left, and every number of the day would have been a gap. */
static void a_meeting_after_the_erasure_counts_no_gaps(void **state)
{
    struct office *office = office_open();
    struct queue_row row = {.kind = QUEUE_ROW_CATEGORY,
                            .category = *queue_category_find(office->queue, 1)};
    struct queue_change change;

    (void)state;
    row.category.plain_highest = 150;
    load(office, &row);
    row = (struct queue_row){.kind = QUEUE_ROW_DAY, .day = office->queue->day};
    row.day.state = QUEUE_DAY_ERASED;
    row.day.erased_date = row.day.date;
    load(office, &row);
    assert_int_equal(office->queue->ticket_count, 0);
    queue_skip_numbers(office->queue, 1, 150, 900, &change);
    assert_int_equal(change.row_count, 0);
    office_free(office);
}

/* The tickets of an annulled day are gone as well, though its numbers are not given again. */
static void a_meeting_while_a_day_stands_annulled_counts_no_gaps(void **state)
{
    struct office *office = office_open();
    struct queue_change change;

    (void)state;
    (void)issue(office, 1);
    assert_int_equal(press(office, QUEUE_DAY_ANNULLING, 0), QUEUE_OK);
    queue_skip_numbers(office->queue, 1, 150, 900, &change);
    put(office, &change);
    assert_int_equal(queue_category_find(office->queue, 1)->plain_highest, 150);
    assert_int_equal(office->queue->totals[0].voided, 0);
    office_free(office);
}

static void skip_to(struct office *office, uint16_t highest)
{
    struct queue_change change;

    queue_skip_numbers(office->queue, 1, highest, 900, &change);
    put(office, &change);
}

/* Numbers go on behind those of an annulled opening, of the same date or of a later one; those are no gap of it. */
static void what_opens_after_an_annulled_day_counts_its_own_gaps_only(void **state)
{
    static const uint32_t dates[] = {OFFICE_DATE, OFFICE_DATE - 1};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(dates); i++) {
        struct office *office = office_open();

        (void)issue(office, 1);
        skip_to(office, 110);
        assert_int_equal(office->queue->totals[0].voided, 9);
        assert_int_equal(press(office, QUEUE_DAY_ANNULLING, 0), QUEUE_OK);
        skip_to(office, 120); /* a meeting while it stands annulled */
        open_day(office, dates[i]);
        assert_int_equal(office->queue->totals[0].issued, 0);
        assert_int_equal(office->queue->totals[0].voided, 0);
        assert_int_equal(ticket_of(office, issue(office, 1))->number, 121);
        skip_to(office, 121);
        assert_int_equal(office->queue->totals[0].voided, 0);
        skip_to(office, 124);
        assert_int_equal(office->queue->totals[0].voided, 3);
        assert_int_equal(office->digest, digest_of(office->queue));
        office_free(office);
    }
}

/* Closed and opened again, it is the same opening still: its gaps stay gaps. */
static void a_day_that_opens_again_without_being_annulled_keeps_its_gaps(void **state)
{
    struct office *office = office_open();

    (void)state;
    (void)issue(office, 1);
    skip_to(office, 110);
    assert_int_equal(press(office, QUEUE_DAY_CLOSING, 0), QUEUE_OK);
    open_day(office, OFFICE_DATE);
    skip_to(office, 112);
    assert_int_equal(office->queue->totals[0].issued, 1);
    assert_int_equal(office->queue->totals[0].voided, 11);
    office_free(office);
}

static void a_gap_is_void_and_counted(void **state)
{
    struct office *office = office_open();
    struct queue_change change;

    (void)state;
    (void)issue(office, 1);
    queue_skip_numbers(office->queue, 1, 110, 900, &change);
    put(office, &change);
    assert_int_equal(queue_category_find(office->queue, 1)->plain_highest, 110);
    assert_int_equal(office->queue->totals[0].voided, 9);
    assert_int_equal(ticket_of(office, issue(office, 1))->number, 111);
    queue_skip_numbers(office->queue, 1, 110, 900, &change);
    assert_int_equal(change.row_count, 0);
    queue_skip_numbers(office->queue, 30, 110, 900, &change);
    assert_int_equal(change.row_count, 0);
    queue_skip_numbers(office->queue, 3, 999, 900, &change);
    put(office, &change);
    assert_int_equal(queue_category_find(office->queue, 3)->plain_highest, 305);
    assert_int_equal(office->queue->totals[2].voided, 5);
    assert_int_equal(office->digest, digest_of(office->queue));
    office_free(office);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gap_below_the_highest_that_nobody_counted_is_counted),
        cmocka_unit_test(a_gap_that_gets_its_ticket_is_a_gap_no_more),
        cmocka_unit_test(a_meeting_after_the_erasure_counts_no_gaps),
        cmocka_unit_test(a_meeting_while_a_day_stands_annulled_counts_no_gaps),
        cmocka_unit_test(what_opens_after_an_annulled_day_counts_its_own_gaps_only),
        cmocka_unit_test(a_day_that_opens_again_without_being_annulled_keeps_its_gaps),
        cmocka_unit_test(a_gap_is_void_and_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
