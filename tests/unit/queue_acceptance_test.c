/*
 * appliance/queue: who gets a number at all. Stopping and resuming, limits, hours and breaks, numbers that are
 * never given, hand-written tickets, and a day that was opened by mistake.
 */
#include "tests/unit/queue_pair.h"

static enum queue_reason try_issue(struct office *office, uint16_t category)
{
    return act(office, issue_command(office, category));
}

static enum queue_reason rule(struct office *office, enum queue_action action, uint16_t category)
{
    return act(office, (struct queue_command){.action = action, .category = category});
}

static struct office *office_with(void (*change)(struct queue_config *config))
{
    struct queue_config config;
    struct office *office;

    small_config(&config);
    change(&config);
    assert_true(queue_config_is_valid(&config));
    office = office_new(&config);
    open_day(office, OFFICE_DATE);
    return office;
}

static void acceptance_stops_and_goes_on_for_one_service_and_for_all(void **state)
{
    struct office *office = office_open();

    (void)state;
    assert_int_equal(rule(office, QUEUE_SUSPEND, 1), QUEUE_OK);
    assert_int_equal(rule(office, QUEUE_SUSPEND, 1), QUEUE_OK);
    assert_int_equal(office->last.change.row_count, 0);
    assert_int_equal(try_issue(office, 1), QUEUE_CATEGORY_SUSPENDED);
    assert_int_equal(try_issue(office, 2), QUEUE_OK);
    assert_int_equal(rule(office, QUEUE_SUSPEND, 0), QUEUE_OK);
    assert_int_equal(try_issue(office, 2), QUEUE_ALL_SUSPENDED);
    assert_int_equal(rule(office, QUEUE_RESUME, 0), QUEUE_OK);
    assert_int_equal(try_issue(office, 2), QUEUE_OK);
    assert_int_equal(try_issue(office, 1), QUEUE_CATEGORY_SUSPENDED);
    assert_int_equal(rule(office, QUEUE_RESUME, 1), QUEUE_OK);
    assert_int_equal(try_issue(office, 1), QUEUE_OK);
    assert_int_equal(rule(office, QUEUE_SUSPEND, 9), QUEUE_NO_SUCH_CATEGORY);
    assert_int_equal(rule(office, QUEUE_SET_LIMIT, 0), QUEUE_NO_SUCH_CATEGORY);
    check_invariants(office);
    /* The next day begins without it. */
    assert_int_equal(rule(office, QUEUE_SUSPEND, 0), QUEUE_OK);
    assert_int_equal(rule(office, QUEUE_SUSPEND, 2), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_DAY_CLOSING, 0), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_DAY_ERASING, 0), QUEUE_OK);
    open_day(office, OFFICE_DATE + 1);
    assert_int_equal(try_issue(office, 2), QUEUE_OK);
    office_free(office);
}

static void limit_of_two(struct queue_config *config)
{
    config->categories[0].daily_limit = 2;
}

static void a_days_limit_counts_every_ticket_whoever_gave_it(void **state)
{
    struct office *office = office_with(limit_of_two);
    struct queue_command command = {.action = QUEUE_SET_LIMIT, .category = 1, .limit = 3};

    (void)state;
    assert_int_equal(queue_limit(office->queue, 1), 2);
    assert_int_equal(queue_limit(office->queue, 2), -1);
    (void)issue(office, 1);
    assert_int_equal(press_ticket(office, QUEUE_CANCEL, 0, issue(office, 1)), QUEUE_OK);
    assert_int_equal(try_issue(office, 1), QUEUE_LIMIT_REACHED);
    assert_int_equal(act(office, command), QUEUE_OK);
    office->session = 1; /* the third is a lettered one: the same office, the same day */
    assert_int_equal(try_issue(office, 1), QUEUE_OK);
    assert_int_equal(try_issue(office, 1), QUEUE_LIMIT_REACHED);
    command.limit = QUEUE_LIMIT_NONE;
    assert_int_equal(act(office, command), QUEUE_OK);
    assert_int_equal(try_issue(office, 1), QUEUE_OK);
    command.limit = 0;
    assert_int_equal(act(office, command), QUEUE_OK);
    assert_int_equal(try_issue(office, 1), QUEUE_LIMIT_REACHED);
    office_free(office);
}

static void after_a_meeting_the_limit_counts_both_sides(void **state)
{
    struct pair *pair = pair_new();
    struct queue_command command = {.action = QUEUE_SET_LIMIT, .category = 1, .limit = 4};

    (void)state;
    assert_int_equal(act(pair->a, command), QUEUE_OK);
    split(pair);
    for (int i = 0; i < 2; i++) {
        (void)issue(pair->a, 1);
        (void)issue(pair->b, 1);
    }
    assert_int_equal(try_issue(pair->a, 1), QUEUE_OK);
    meet(pair);
    assert_int_equal(try_issue(pair->a, 1), QUEUE_LIMIT_REACHED);
    pair_free(pair);
}

/* UTC+9, 09:00 to 12:00 and 13:00 to 16:00, last ticket 15:30. */
static void hours_with_a_break(struct queue_config *config)
{
    config->utc_offset_minutes = 9 * 60;
    config->categories[0].span_count = 2;
    config->categories[0].spans[0] = (struct queue_span){9 * 60, 12 * 60};
    config->categories[0].spans[1] = (struct queue_span){13 * 60, 16 * 60};
    config->categories[0].last_minute = 15 * 60 + 30;
}

static void hours_breaks_and_last_acceptance_are_looked_at_each_time(void **state)
{
    static const struct {
        int minute;
        enum queue_reason reason;
    } cases[] = {
        {8 * 60 + 59, QUEUE_NOT_AT_THIS_HOUR},
        {9 * 60, QUEUE_OK},
        {11 * 60 + 59, QUEUE_OK},
        {12 * 60, QUEUE_NOT_AT_THIS_HOUR},
        {12 * 60 + 59, QUEUE_NOT_AT_THIS_HOUR},
        {13 * 60, QUEUE_OK},
        {15 * 60 + 29, QUEUE_OK},
        {15 * 60 + 30, QUEUE_ACCEPTANCE_OVER},
        {16 * 60, QUEUE_ACCEPTANCE_OVER},
        {9 * 60, QUEUE_OK}, /* the clock was set back */
    };
    struct office *office = office_with(hours_with_a_break);
    struct queue_command command;

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        /* 2026-11-24 00:00 in Japan is 15:00 UTC of the day before. */
        office->now_ms = INT64_C(1795446000000) + (int64_t)cases[i].minute * MINUTE_MS;
        assert_int_equal(try_issue(office, 1), cases[i].reason);
        assert_int_equal(queue_accepts(office->queue, 1, office->now_ms, false), cases[i].reason);
        assert_int_equal(try_issue(office, 2), QUEUE_OK);
    }
    command = issue_command(office, 1);
    command.hours_unknown = true;
    office->now_ms += 20 * 60 * MINUTE_MS;
    assert_int_equal(act(office, command), QUEUE_OK);
    office_free(office);
}

static void only_hours_without_a_last_minute(struct queue_config *config)
{
    hours_with_a_break(config);
    config->categories[0].last_minute = 0;
}

static void after_the_last_of_its_hours_a_service_is_over(void **state)
{
    struct office *office = office_with(only_hours_without_a_last_minute);

    (void)state;
    office->now_ms = INT64_C(1795446000000) + 16 * 60 * MINUTE_MS;
    assert_int_equal(try_issue(office, 1), QUEUE_ACCEPTANCE_OVER);
    office_free(office);
}

static void skip_four_nine_and_some(struct queue_config *config)
{
    static const uint16_t skips[] = {4, 9, 42, 49, 113};

    memcpy(config->skips, skips, sizeof(skips));
    config->skip_count = ARRAY_COUNT(skips);
}

static void numbers_on_the_skip_list_are_never_given_plain_or_lettered(void **state)
{
    struct office *office = office_with(skip_four_nine_and_some);
    uint16_t given = 0;

    (void)state;
    for (int session = 0; session < 2; session++) {
        office->session = (uint32_t)session;
        for (int i = 0; i < 40; i++) {
            struct queue_command command = issue_command(office, 1);
            enum queue_reason reason = act(office, command);
            uint16_t number;

            if (reason == QUEUE_CEILING_REACHED) {
                reserve(office);
                reason = act(office, command);
            }
            assert_int_equal(reason, QUEUE_OK);
            number = ticket_of(office, command.ticket)->number;
            assert_true(number % 100 != 4 && number % 100 != 9 && number % 100 != 42 &&
                        number % 100 != 49 && number != 113);
            given++;
        }
    }
    assert_int_equal(given, 80);
    check_invariants(office);
    /* Refused, not wrapped: 301 302 303 305 is all there is. */
    office->session = 0;
    for (int i = 0; i < 4; i++) {
        (void)issue(office, 3);
    }
    assert_int_equal(try_issue(office, 3), QUEUE_NUMBERS_USED_UP);
    office_free(office);
}

/* decide only looks at how many there are. */
static void refuse_when_full(struct office *office, struct queue_command command)
{
    uint32_t count = office->queue->ticket_count;

    command.at_ms = office->now_ms;
    command.origin = origin_here(office);
    office->queue->ticket_count = QUEUE_TICKETS_MAX;
    queue_decide(office->queue, &command, &office->last);
    office->queue->ticket_count = count;
    assert_int_equal(office->last.reason, QUEUE_DAY_FULL);
}

static void a_hand_written_ticket_is_entered_once_and_called_like_any_other(void **state)
{
    struct office *office = office_open();
    struct queue_command command = {.action = QUEUE_ENTER_MANUAL, .category = 2, .number = 901};
    struct ids_token id;

    (void)state;
    open_counter(office, 2);
    assert_int_equal(act(office, command), QUEUE_OK);
    id = office->last.answer.ticket;
    assert_int_equal(ticket_of(office, id)->delivery, QUEUE_DELIVERY_HAND);
    assert_int_equal(act(office, command), QUEUE_NUMBER_TAKEN);
    command.number = 910;
    assert_int_equal(act(office, command), QUEUE_NUMBER_NOT_MANUAL);
    command.number = 201;
    assert_int_equal(act(office, command), QUEUE_NUMBER_NOT_MANUAL);
    command.category = 1;
    command.number = 901;
    assert_int_equal(act(office, command), QUEUE_NUMBER_NOT_MANUAL);
    command.category = 9;
    assert_int_equal(act(office, command), QUEUE_NO_SUCH_CATEGORY);
    assert_int_equal(queue_limit(office->queue, 9), -1);
    assert_int_equal(queue_accepts(office->queue, 9, office->now_ms, false),
                     QUEUE_NO_SUCH_CATEGORY);
    command.category = 2;
    command.number = 903;
    memcpy(command.language, "xx", 3);
    assert_int_equal(act(office, command), QUEUE_BAD_LANGUAGE);
    memset(command.language, 0, sizeof(command.language));
    refuse_when_full(office, command);
    /* Its id is no secret: no visitor may cancel by it. */
    assert_int_equal(press_ticket(office, QUEUE_CANCEL, 0, id), QUEUE_WRONG_STATE);
    assert_int_equal(called_number(office, 2), 901);
    assert_int_equal(press(office, QUEUE_COMPLETE, 2), QUEUE_OK);
    command = (struct queue_command){
        .action = QUEUE_ENTER_MANUAL, .category = 2, .number = 902, .result = QUEUE_MANUAL_SERVED};
    assert_int_equal(act(office, command), QUEUE_OK);
    assert_int_equal(office->queue->totals[1].served, 2);
    assert_int_equal(office->queue->totals[1].doubtful, 2);
    assert_int_equal(office->queue->totals[1].wait_ms_sum, 0);
    /* The machine goes on with its own numbers, and never gives one of these. */
    assert_int_equal(ticket_of(office, issue(office, 2))->number, 201);
    check_invariants(office);
    office_free(office);
}

static void one_paper_entered_on_both_sides_of_a_cut_is_one_ticket(void **state)
{
    struct pair *pair = pair_new();
    struct queue_command command = {.action = QUEUE_ENTER_MANUAL, .category = 2, .number = 905};
    struct ids_token id;

    (void)state;
    split(pair);
    assert_int_equal(act(pair->a, command), QUEUE_OK);
    assert_int_equal(act(pair->b, command), QUEUE_OK);
    id = pair->b->last.answer.ticket;
    drive(pair->b, id, QUEUE_DONE, 2);
    meet(pair);
    assert_int_equal(state_at(pair->a, id), QUEUE_DONE);
    assert_int_equal(pair->a->queue->totals[1].issued, 1);
    assert_int_equal(pair->a->queue->categories[1].plain_highest, 0);
    pair_free(pair);
}

static bool join_rulings(struct pair *pair)
{
    bool any = false;
    struct queue_change change;

    for (int slot = 0; slot < pair->b->queue->config.category_count; slot++) {
        struct queue_origin here;

        pair->a->lsn++;
        here = origin_here(pair->a);
        if (queue_join_category(pair->a->queue, &pair->b->queue->categories[slot], pair->common,
                                &here, &change)) {
            put(pair->a, &change);
            any = true;
        }
        pair->a->lsn++;
        here = origin_here(pair->a);
        if (queue_join_acceptance(pair->a->queue, &pair->b->queue->day, pair->common, &here,
                                  &change)) {
            put(pair->a, &change);
            any = true;
        }
    }
    return any;
}

/* What each side does with category 1 (0: all), and whether it is stopped after the meeting. */
static void at_a_meeting_who_changed_it_says_and_both_means_stopped(void **state)
{
    static const struct {
        int ours, theirs; /* 0 nothing, else an action */
        bool before, after;
    } cases[] = {
        {0, QUEUE_SUSPEND, false, true},
        {0, QUEUE_RESUME, true, false},
        {QUEUE_SUSPEND, 0, false, true},
        {QUEUE_RESUME, 0, true, false},
        {QUEUE_RESUME, QUEUE_SUSPEND, false, true}, /* ours: stopped, and resumed again */
        {QUEUE_SUSPEND, QUEUE_RESUME, false, true},
    };

    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_COUNT(cases); i++) {
        uint16_t category = i % 2;
        size_t at = i / 2;
        struct pair *pair = pair_new();
        enum queue_reason stopped = category == 0 ? QUEUE_ALL_SUSPENDED : QUEUE_CATEGORY_SUSPENDED;
        struct office *sides[2] = {pair->a, pair->b};

        assert_int_equal(rule(pair->a, cases[at].before ? QUEUE_SUSPEND : QUEUE_RESUME, category),
                         QUEUE_OK);
        split(pair);
        for (int side = 0; side < 2; side++) {
            int action = side == 0 ? cases[at].ours : cases[at].theirs;

            if (action != 0) {
                enum queue_action opposite = action == QUEUE_SUSPEND ? QUEUE_RESUME : QUEUE_SUSPEND;

                assert_int_equal(rule(sides[side], opposite, category), QUEUE_OK);
                assert_int_equal(rule(sides[side], (enum queue_action)action, category), QUEUE_OK);
            }
        }
        (void)join_rulings(pair);
        assert_false(join_rulings(pair));
        assert_int_equal(queue_accepts(pair->a->queue, 1, pair->a->now_ms, false),
                         cases[at].after ? stopped : QUEUE_OK);
        check_invariants(pair->a);
        pair_free(pair);
    }
}

static void of_two_limits_the_lower_one_holds(void **state)
{
    static const uint16_t limits[][3] = {{5, 3, 3}, {3, 5, 3}, {0, 4, 4}, {4, 0, 4}};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(limits); i++) {
        struct pair *pair = pair_new();
        struct office *sides[2] = {pair->a, pair->b};

        split(pair);
        for (int side = 0; side < 2; side++) {
            struct queue_command command = {.action = QUEUE_SET_LIMIT, .category = 1, .limit = 9};

            assert_int_equal(act(sides[side], command), QUEUE_OK);
            command.limit = limits[i][side];
            assert_int_equal(act(sides[side], command), QUEUE_OK);
        }
        (void)join_rulings(pair);
        assert_int_equal(queue_limit(pair->a->queue, 1), limits[i][2]);
        pair_free(pair);
    }
}

static void a_day_opened_by_mistake_is_annulled_and_its_numbers_are_not_given_again(void **state)
{
    struct office *office = office_open();

    (void)state;
    assert_int_equal(press(office, QUEUE_DAY_CLOSING, 0), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_DAY_ERASING, 0), QUEUE_OK);
    open_day(office, 20270401); /* the clock stood wrong */
    assert_int_equal(queue_number_date(office->queue), 20270401);
    (void)issue(office, 1);
    assert_int_equal(press(office, QUEUE_DAY_ANNULLING, 0), QUEUE_OK);
    assert_int_equal(office->queue->day.state, QUEUE_DAY_ANNULLED);
    assert_int_equal(office->queue->ticket_count, 0);
    assert_int_equal(press(office, QUEUE_DAY_ANNULLING, 0), QUEUE_DAY_NOT_OPEN);
    assert_int_equal(try_issue(office, 1), QUEUE_DAY_NOT_OPEN);
    /* Not the erased one, but any after it; numbers go on, because 2027-04-01 may come. */
    assert_int_equal(
        act(office, (struct queue_command){.action = QUEUE_DAY_OPENING, .date = OFFICE_DATE}),
        QUEUE_DAY_NOT_LATER);
    open_day(office, OFFICE_DATE + 1);
    assert_int_equal(queue_number_date(office->queue), 20270401);
    assert_int_equal(ticket_of(office, issue(office, 1))->number, 102);
    assert_int_equal(office->queue->totals[0].issued, 1);
    assert_int_equal(press(office, QUEUE_DAY_CLOSING, 0), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_DAY_ERASING, 0), QUEUE_OK);
    open_day(office, 20270401);
    assert_int_equal(ticket_of(office, issue(office, 1))->number, 103);
    assert_int_equal(press(office, QUEUE_DAY_CLOSING, 0), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_DAY_ERASING, 0), QUEUE_OK);
    open_day(office, 20270402);
    assert_int_equal(ticket_of(office, issue(office, 1))->number, 101);
    assert_int_equal(queue_number_date(office->queue), 20270402);
    check_invariants(office);
    office_free(office);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acceptance_stops_and_goes_on_for_one_service_and_for_all),
        cmocka_unit_test(a_days_limit_counts_every_ticket_whoever_gave_it),
        cmocka_unit_test(after_a_meeting_the_limit_counts_both_sides),
        cmocka_unit_test(hours_breaks_and_last_acceptance_are_looked_at_each_time),
        cmocka_unit_test(after_the_last_of_its_hours_a_service_is_over),
        cmocka_unit_test(numbers_on_the_skip_list_are_never_given_plain_or_lettered),
        cmocka_unit_test(a_hand_written_ticket_is_entered_once_and_called_like_any_other),
        cmocka_unit_test(one_paper_entered_on_both_sides_of_a_cut_is_one_ticket),
        cmocka_unit_test(at_a_meeting_who_changed_it_says_and_both_means_stopped),
        cmocka_unit_test(of_two_limits_the_lower_one_holds),
        cmocka_unit_test(a_day_opened_by_mistake_is_annulled_and_its_numbers_are_not_given_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
