/* appliance/queue: how long a visitor will wait (field-queue.md 6, with its test values). */
#include "tests/unit/queue_invariants.h"

/* Counters 1 and 2 serve category 1; category 2 is what they may be busy with. */
static struct office *office_with(uint32_t first_minutes, uint32_t second_minutes,
                                  uint16_t counter_count)
{
    struct queue_config config;
    struct office *office;

    memset(&config, 0, sizeof(config));
    config_category(&config, 1, 1001, 9000, first_minutes);
    config_category(&config, 2, 201, 299, second_minutes);
    for (uint16_t counter = 1; counter <= counter_count; counter++) {
        config_counter(&config, counter, 1, 1, 2, 2);
    }
    office = office_new(&config);
    open_day(office, OFFICE_DATE);
    for (uint16_t counter = 1; counter <= counter_count; counter++) {
        open_counter(office, counter);
    }
    return office;
}

/* Many come at once; a letter, because no ceiling is in its way. */
static void issue_many(struct office *office, uint16_t category, uint32_t count)
{
    office->session = 1;
    for (uint32_t i = 0; i < count; i++) {
        (void)issue(office, category);
        office->now_ms++; /* of one moment, the lower number would go first */
    }
    office->session = 0;
}

static void call_now(struct office *office, uint16_t counter, uint16_t category)
{
    struct ids_token id = issue(office, category);

    assert_int_equal(press_ticket(office, QUEUE_CALL, counter, id), QUEUE_OK);
}

static int32_t minutes(struct office *office)
{
    int32_t wait_s = queue_estimate_s(office->queue, 1, office->now_ms);

    return wait_s < 0 ? wait_s : wait_s / 60;
}

static void free_in_2_and_6_service_5_three_ahead_shows_15(void **state)
{
    struct office *office = office_with(5, 8, 2);

    (void)state;
    call_now(office, 2, 2); /* 8 minutes: free in 6 after 2 */
    office->now_ms -= MINUTE_MS;
    call_now(office, 1, 1); /* 5 minutes: free in 2 after 3 */
    office->now_ms += 3 * MINUTE_MS;
    issue_many(office, 1, 3);
    assert_int_equal(minutes(office), 15); /* exactly 11 */
    office->now_ms -= 60 * MINUTE_MS;
    office_free(office);
}

static void free_now_and_nobody_ahead_shows_0(void **state)
{
    struct office *office = office_with(5, 8, 1);

    (void)state;
    assert_int_equal(minutes(office), 0);
    assert_int_equal(ticket_of(office, issue(office, 1))->estimate_s_at_issue, 0);
    office_free(office);
}

static void free_in_4_service_6_two_ahead_shows_20(void **state)
{
    struct office *office = office_with(6, 8, 1);

    (void)state;
    call_now(office, 1, 1);
    office->now_ms += 2 * MINUTE_MS;
    issue_many(office, 1, 2);
    assert_int_equal(minutes(office), 20); /* exactly 16 */
    office_free(office);
}

static void rounding_goes_up_and_stays_on_the_mark(void **state)
{
    struct office *office = office_with(5, 8, 1);

    (void)state;
    issue_many(office, 1, 3);
    assert_int_equal(minutes(office), 15);
    call_now(office, 1, 2);
    office->now_ms += 3 * MINUTE_MS;
    assert_int_equal(minutes(office), 20); /* free in 5, and three of 5 */
    office->now_ms += 1;
    assert_int_equal(minutes(office), 20);
    office->now_ms -= 2;
    assert_int_equal(minutes(office), 25);
    office_free(office);
}

static void no_open_counter_no_estimate(void **state)
{
    struct office *office = office_with(5, 8, 1);
    struct ids_token id = issue(office, 1);

    (void)state;
    assert_int_equal(press(office, QUEUE_COUNTER_CLOSE, 1), QUEUE_OK);
    assert_int_equal(minutes(office), -1);
    assert_int_equal(queue_estimate_ticket_s(office->queue, ticket_of(office, id), office->now_ms),
                     -1);
    assert_int_equal(ticket_of(office, issue(office, 1))->estimate_s_at_issue, QUEUE_ESTIMATE_NONE);
    assert_int_equal(queue_estimate_s(office->queue, 30, office->now_ms), -1);
    office_free(office);
}

static void a_counter_past_its_mean_needs_another_quarter(void **state)
{
    struct office *office = office_with(8, 8, 1);

    (void)state;
    call_now(office, 1, 1);
    issue_many(office, 1, 1);
    office->now_ms += 20 * MINUTE_MS;
    assert_int_equal(minutes(office), 10); /* 8 / 4, and one of 8 */
    office_free(office);
}

static void measured_services_outweigh_the_prior_with_time(void **state)
{
    struct office *office = office_with(5, 8, 1);

    (void)state;
    for (int i = 1; i <= 20; i++) {
        call_now(office, 1, 1);
        office->now_ms += 10 * MINUTE_MS;
        assert_int_equal(press(office, QUEUE_COMPLETE, 1), QUEUE_OK);
        assert_int_equal(office->queue->service_ms[0], (i * 10 + 5 * 5) * MINUTE_MS / (i + 5));
    }
    for (int i = 1; i <= 20; i++) {
        call_now(office, 1, 1);
        office->now_ms += 5 * MINUTE_MS;
        assert_int_equal(press(office, QUEUE_COMPLETE, 1), QUEUE_OK);
    }
    /* Only the newest twenty count. */
    assert_int_equal(office->queue->service_ms[0], 5 * MINUTE_MS);
    office_free(office);
}

static void one_forgotten_complete_does_not_lengthen_the_afternoon(void **state)
{
    struct office *office = office_with(5, 8, 1);

    (void)state;
    for (int i = 1; i <= 20; i++) {
        call_now(office, 1, 1);
        office->now_ms += i == 10 ? 100 * MINUTE_MS : 5 * MINUTE_MS;
        assert_int_equal(press(office, QUEUE_COMPLETE, 1), QUEUE_OK);
    }
    assert_int_equal(office->queue->service_ms[0], 5 * MINUTE_MS);
    office_free(office);
}

static void a_service_across_a_clock_step_is_bounded(void **state)
{
    struct office *office = office_with(5, 8, 1);

    (void)state;
    call_now(office, 1, 1);
    office->now_ms -= 60 * MINUTE_MS;
    assert_int_equal(press(office, QUEUE_COMPLETE, 1), QUEUE_OK);
    assert_int_equal(office->queue->service_ms[0], 25 * MINUTE_MS / 6);
    call_now(office, 1, 1);
    office->now_ms += (int64_t)400 * QUEUE_DURATION_MS_MAX;
    assert_int_equal(press(office, QUEUE_COMPLETE, 1), QUEUE_OK);
    assert_int_equal(office->queue->totals[0].service_ms_sum, QUEUE_DURATION_MS_MAX);
    assert_true(office->queue->service_ms[0] <= QUEUE_DURATION_MS_MAX);
    office_free(office);
}

static void people_of_other_categories_ahead_take_counters_too(void **state)
{
    struct queue_config config;
    struct office *office;

    (void)state;
    small_config(&config);
    office = office_new(&config);
    open_day(office, OFFICE_DATE);
    open_counter(office, 3); /* serves 3 and 1 in one tier, 5 minutes each */
    (void)issue(office, 3);
    (void)issue(office, 3);
    office->now_ms += 1000;
    (void)issue(office, 1);
    assert_int_equal(minutes(office), 15);
    office->now_ms += 1000;
    (void)issue(office, 3); /* it came before whoever comes now */
    office->now_ms += 1000;
    assert_int_equal(minutes(office), 20);
    /* Counter 1 serves only category 1 first: of its visitors it takes the older one at once. */
    open_counter(office, 1);
    assert_int_equal(minutes(office), 5);
    office_free(office);
}

static void who_comes_later_in_another_line_is_not_ahead(void **state)
{
    struct queue_config config;
    struct office *office;
    struct ids_token id;

    (void)state;
    small_config(&config);
    office = office_new(&config);
    open_day(office, OFFICE_DATE);
    open_counter(office, 3);
    (void)issue(office, 3);
    office->now_ms += 1000;
    id = issue(office, 1);
    office->now_ms += 1000;
    (void)issue(office, 3);
    (void)issue(office, 3);
    assert_int_equal(queue_estimate_ticket_s(office->queue, ticket_of(office, id), office->now_ms),
                     5 * 60);
    office_free(office);
}

static void a_lower_tier_waits_behind_all_of_the_first(void **state)
{
    struct queue_config config;
    struct office *office;

    (void)state;
    small_config(&config);
    config.categories[1].wait_ms_limit = 0;
    office = office_new(&config);
    open_day(office, OFFICE_DATE);
    open_counter(office, 1); /* 1 first, then 2 */
    (void)issue(office, 1);
    (void)issue(office, 1);
    assert_int_equal(queue_estimate_s(office->queue, 2, office->now_ms), 10 * 60);
    assert_int_equal(queue_estimate_s(office->queue, 1, office->now_ms), 10 * 60);
    office_free(office);
}

static void who_will_be_beyond_the_limit_by_then_jumps_in_the_play_too(void **state)
{
    struct queue_config config;
    struct office *office;
    struct ids_token id;

    (void)state;
    small_config(&config);
    config.categories[1].wait_ms_limit = 9 * MINUTE_MS;
    office = office_new(&config);
    open_day(office, OFFICE_DATE);
    open_counter(office, 1);
    id = issue(office, 2);
    office->now_ms += 1000;
    for (int i = 0; i < 6; i++) {
        (void)issue(office, 1);
    }
    /* After two services of 5 minutes it is in tier 1, and there it came first. */
    assert_int_equal(queue_estimate_ticket_s(office->queue, ticket_of(office, id), office->now_ms),
                     10 * 60);
    assert_int_equal(minutes(office), 40); /* 6 * 5 + 8, rounded */
    office_free(office);
}

static void the_estimate_of_a_waiting_ticket_shrinks_as_it_moves_up(void **state)
{
    struct office *office = office_with(5, 8, 1);
    struct ids_token id;

    (void)state;
    issue_many(office, 1, 3);
    id = issue(office, 1);
    issue_many(office, 1, 5);
    assert_int_equal(queue_estimate_ticket_s(office->queue, ticket_of(office, id), office->now_ms),
                     15 * 60);
    assert_int_equal(press(office, QUEUE_CALL_NEXT, 1), QUEUE_OK);
    office->now_ms += MINUTE_MS;
    assert_int_equal(queue_estimate_ticket_s(office->queue, ticket_of(office, id), office->now_ms),
                     15 * 60);
    office->now_ms += 4 * MINUTE_MS;
    assert_int_equal(press(office, QUEUE_COMPLETE, 1), QUEUE_OK);
    assert_int_equal(queue_estimate_ticket_s(office->queue, ticket_of(office, id), office->now_ms),
                     10 * 60);
    office_free(office);
}

static void those_at_the_printer_are_ahead(void **state)
{
    struct office *office = office_with(5, 8, 1);

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct queue_command command = issue_command(office, 1);

        command.delivery = QUEUE_DELIVERY_PAPER;
        assert_int_equal(act(office, command), QUEUE_OK);
    }
    assert_int_equal(minutes(office), 15);
    office_free(office);
}

/* The slow way: the earliest free counter takes one ticket after the other. */
static uint32_t one_by_one_s(uint32_t counters, uint32_t ahead, uint32_t service_s)
{
    uint32_t free_s[QUEUE_COUNTERS_MAX] = {0};
    uint32_t first = 0;

    for (uint32_t i = 0; i <= ahead; i++) {
        first = 0;
        for (uint32_t at = 1; at < counters; at++) {
            if (free_s[at] < free_s[first]) {
                first = at;
            }
        }
        if (i < ahead) {
            free_s[first] += service_s;
        }
    }
    return free_s[first];
}

static void long_lines_are_played_in_batches_and_the_answer_stays_near(void **state)
{
    static const uint16_t counters[] = {1, 3, 7};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(counters); i++) {
        struct office *office = office_with(5, 8, counters[i]);

        for (uint32_t ahead = 0; ahead < 1200; ahead++) {
            int32_t played_s = queue_estimate_s(office->queue, 1, office->now_ms);
            int32_t exact_s = (int32_t)one_by_one_s(counters[i], ahead, 5 * 60);

            if (exact_s > QUEUE_ESTIMATE_S_MAX) {
                exact_s = QUEUE_ESTIMATE_S_MAX;
            }
            if (ahead < 16u * counters[i]) {
                assert_int_equal(played_s, exact_s);
            } else {
                /* Longer than an hour by then: within an eighth. */
                assert_true(exact_s >= 3600);
                assert_true(played_s >= exact_s - exact_s / 8);
                assert_true(played_s <= exact_s + exact_s / 8);
            }
            office->now_ms += 10;
            issue_many(office, 1, 1);
        }
        office_free(office);
    }
}

static void a_short_line_is_exact_beside_a_long_one(void **state)
{
    struct queue_config config;
    struct office *office;

    (void)state;
    memset(&config, 0, sizeof(config));
    config_category(&config, 1, 1, 99, 5);
    config_category(&config, 2, 1001, 9000, 5);
    config_counter(&config, 1, 1, 1, 0, 0);
    config_counter(&config, 2, 1, 1, 0, 0);
    config_counter(&config, 3, 2, 1, 0, 0);
    office = office_new(&config);
    open_day(office, OFFICE_DATE);
    for (uint16_t counter = 1; counter <= 3; counter++) {
        open_counter(office, counter);
    }
    issue_many(office, 2, 3000);
    issue_many(office, 1, 4);
    /* Two counters, two each: a batch of four at one of them would say 0. */
    assert_int_equal(minutes(office), 10);
    assert_int_equal(queue_estimate_s(office->queue, 2, office->now_ms), QUEUE_ESTIMATE_S_MAX);
    office_free(office);
}

static void the_longest_wait_has_an_end(void **state)
{
    struct office *office = office_with(1440, 8, 1);

    (void)state;
    issue_many(office, 1, 5);
    assert_int_equal(queue_estimate_s(office->queue, 1, office->now_ms), QUEUE_ESTIMATE_S_MAX);
    assert_int_equal(ticket_of(office, issue(office, 1))->estimate_s_at_issue,
                     QUEUE_ESTIMATE_S_MAX);
    office_free(office);
}

static void services_of_no_length_end_the_play_too(void **state)
{
    struct office *office = office_with(0, 0, 2);

    (void)state;
    issue_many(office, 1, 500);
    issue_many(office, 2, 50);
    assert_int_equal(minutes(office), 0);
    office_free(office);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(free_in_2_and_6_service_5_three_ahead_shows_15),
        cmocka_unit_test(free_now_and_nobody_ahead_shows_0),
        cmocka_unit_test(free_in_4_service_6_two_ahead_shows_20),
        cmocka_unit_test(rounding_goes_up_and_stays_on_the_mark),
        cmocka_unit_test(no_open_counter_no_estimate),
        cmocka_unit_test(a_counter_past_its_mean_needs_another_quarter),
        cmocka_unit_test(measured_services_outweigh_the_prior_with_time),
        cmocka_unit_test(one_forgotten_complete_does_not_lengthen_the_afternoon),
        cmocka_unit_test(a_service_across_a_clock_step_is_bounded),
        cmocka_unit_test(people_of_other_categories_ahead_take_counters_too),
        cmocka_unit_test(who_comes_later_in_another_line_is_not_ahead),
        cmocka_unit_test(a_lower_tier_waits_behind_all_of_the_first),
        cmocka_unit_test(who_will_be_beyond_the_limit_by_then_jumps_in_the_play_too),
        cmocka_unit_test(the_estimate_of_a_waiting_ticket_shrinks_as_it_moves_up),
        cmocka_unit_test(those_at_the_printer_are_ahead),
        cmocka_unit_test(long_lines_are_played_in_batches_and_the_answer_stays_near),
        cmocka_unit_test(a_short_line_is_exact_beside_a_long_one),
        cmocka_unit_test(the_longest_wait_has_an_end),
        cmocka_unit_test(services_of_no_length_end_the_play_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
