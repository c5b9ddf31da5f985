/* appliance/queue: visitors who register before they are there (docs/adr/0015, R-071). */
#include "tests/unit/queue_pair.h"

enum { HOUR_MS = 60 * MINUTE_MS };

static struct queue_command register_command(struct office *office, uint16_t category)
{
    struct queue_command command = issue_command(office, category);

    command.action = QUEUE_REGISTER;
    return command;
}

static struct ids_token register_one(struct office *office, uint16_t category)
{
    struct queue_command command = register_command(office, category);

    assert_int_equal(act(office, command), QUEUE_OK);
    return command.ticket;
}

static enum queue_reason arrive(struct office *office, struct ids_token id)
{
    return press_ticket(office, QUEUE_ARRIVE, 0, id);
}

static void who_registered_has_a_number_and_stands_in_no_line(void **state)
{
    struct office *office = office_open();
    const struct queue_ticket *calls[1];
    struct queue_command command = register_command(office, 1);
    int32_t estimate_s;

    (void)state;
    open_counter(office, 1);
    estimate_s = queue_estimate_s(office->queue, 1, office->now_ms);
    command.priority = 2; /* nothing but the category and the language is asked */
    command.assist = 1;
    command.plan_count = 1;
    command.plan[0] = 2;
    command.delivery = QUEUE_DELIVERY_PAPER;
    assert_int_equal(act(office, command), QUEUE_OK);
    assert_int_equal(office->last.answer.state, QUEUE_EXPECTED);
    assert_int_equal(ticket_of(office, command.ticket)->number, 101);
    assert_int_equal(ticket_of(office, command.ticket)->delivery, QUEUE_DELIVERY_REGISTERED);
    assert_int_equal(ticket_of(office, command.ticket)->priority, 0);
    assert_int_equal(ticket_of(office, command.ticket)->assist, 0);
    assert_int_equal(ticket_of(office, command.ticket)->plan_count, 0);
    assert_true(queue_ticket_is_live(QUEUE_EXPECTED));
    assert_int_equal(queue_waiting_count(office->queue, 1), 0);
    assert_int_equal(queue_estimate_s(office->queue, 1, office->now_ms), estimate_s);
    assert_null(queue_line_first(office->queue, 1, QUEUE_EXPECTED));
    assert_int_equal(queue_newest_calls(office->queue, calls, 1), 0);
    assert_int_equal(press(office, QUEUE_CALL_NEXT, 1), QUEUE_EMPTY);
    assert_int_equal(press_ticket(office, QUEUE_CALL, 1, command.ticket), QUEUE_NOT_ARRIVED);
    assert_int_equal(queue_registered_find(office->queue, 1)->expected, 1);
    assert_null(queue_registered_find(office->queue, 99));
    check_invariants(office);
    office_free(office);
}

static void arrival_begins_the_wait_behind_everybody_who_is_there(void **state)
{
    struct office *office = office_open();
    struct ids_token early = register_one(office, 1);
    struct ids_token there;

    (void)state;
    open_counter(office, 1);
    office->now_ms += HOUR_MS;
    there = issue(office, 1);
    office->now_ms -= 10 * MINUTE_MS; /* the clock goes back: nobody comes in front by it */
    assert_int_equal(arrive(office, early), QUEUE_OK);
    assert_int_equal(office->last.answer.state, QUEUE_WAITING);
    assert_int_equal(ticket_of(office, early)->waiting_ahead_at_issue, 1);
    assert_true(queue_ticket_has_arrived(ticket_of(office, early)));
    assert_int_equal(queue_waiting_count(office->queue, 1), 2);
    assert_int_equal(arrive(office, early), QUEUE_WRONG_STATE); /* once is enough */
    assert_int_equal(arrive(office, there), QUEUE_WRONG_STATE);
    /* By order of arrival, though its number is the lower one. */
    assert_int_equal(press(office, QUEUE_CALL_NEXT, 1), QUEUE_OK);
    assert_true(ids_token_equal(&office->last.answer.ticket, &there));
    check_invariants(office);
    office_free(office);
}

/* Found as a trap: who registered an hour ago has waited for a minute. */
static void the_limit_of_waiting_counts_from_arrival(void **state)
{
    struct queue_config config;
    struct office *office;
    struct ids_token second, first;

    (void)state;
    small_config(&config);
    config.categories[1].wait_ms_limit = 10 * MINUTE_MS;
    office = office_new(&config);
    open_day(office, OFFICE_DATE);
    open_counter(office, 1);
    second = register_one(office, 2);
    office->now_ms += HOUR_MS;
    assert_int_equal(arrive(office, second), QUEUE_OK);
    office->now_ms += MINUTE_MS;
    first = issue(office, 1);
    assert_int_equal(press(office, QUEUE_CALL_NEXT, 1), QUEUE_OK);
    assert_true(ids_token_equal(&office->last.answer.ticket, &first));
    office_free(office);
}

static void places_of_a_day_are_counted_whoever_leaves(void **state)
{
    struct office *office = office_open();
    struct queue_origin here = origin_here(office);
    struct ids_token first = register_one(office, 2), second = register_one(office, 2);
    struct queue_change change;

    (void)state;
    assert_int_equal(act(office, register_command(office, 2)), QUEUE_REGISTRATION_FULL);
    assert_int_equal(act(office, register_command(office, 3)), QUEUE_NO_REGISTRATION);
    assert_int_equal(act(office, register_command(office, 9)), QUEUE_NO_SUCH_CATEGORY);
    assert_int_equal(queue_accepts_registration(office->queue, 9, office->now_ms, false),
                     QUEUE_NO_SUCH_CATEGORY);
    assert_int_equal(press_ticket(office, QUEUE_CANCEL, 0, first), QUEUE_OK);
    assert_int_equal(act(office, register_command(office, 2)), QUEUE_REGISTRATION_FULL);
    /* One whom nobody was told of has used none. */
    office->lsn++;
    here = origin_here(office);
    assert_true(queue_void_ticket(office->queue, &second, &here, office->now_ms, &change));
    put(office, &change);
    (void)register_one(office, 2);
    (void)issue(office, 2); /* who is there is not kept out by it */
    check_invariants(office);
    office_free(office);
}

static void what_stops_tickets_stops_registrations(void **state)
{
    struct office *office = office_open();
    struct ids_token id = register_one(office, 1);

    (void)state;
    assert_int_equal(
        act(office, (struct queue_command){.action = QUEUE_SET_LIMIT, .category = 1, .limit = 1}),
        QUEUE_OK);
    assert_int_equal(act(office, register_command(office, 1)), QUEUE_LIMIT_REACHED);
    assert_int_equal(act(office, (struct queue_command){.action = QUEUE_SUSPEND, .category = 1}),
                     QUEUE_OK);
    assert_int_equal(act(office, register_command(office, 1)), QUEUE_CATEGORY_SUSPENDED);
    assert_int_equal(arrive(office, id), QUEUE_OK); /* this one's number was given before */
    office_free(office);
}

static void nobody_arrives_outside_of_a_services_hours(void **state)
{
    struct queue_config config;
    struct office *office;
    struct ids_token id;
    uint16_t minute;

    (void)state;
    small_config(&config);
    minute = (uint16_t)(INT64_C(1795651200000) / MINUTE_MS % QUEUE_MINUTES_A_DAY);
    config.categories[0].last_minute = (uint16_t)(minute + 5);
    office = office_new(&config);
    open_day(office, OFFICE_DATE);
    id = register_one(office, 1);
    office->now_ms += 6 * MINUTE_MS;
    assert_int_equal(arrive(office, id), QUEUE_ACCEPTANCE_OVER);
    assert_int_equal(
        act(office,
            (struct queue_command){.action = QUEUE_ARRIVE, .ticket = id, .hours_unknown = true}),
        QUEUE_OK);
    office_free(office);
}

static void a_phone_at_home_does_not_queue_unless_the_site_allows_it(void **state)
{
    struct queue_config config;
    struct office *office = office_open();
    struct queue_command command = {.action = QUEUE_ARRIVE, .from_afar = true};

    (void)state;
    command.ticket = register_one(office, 1);
    assert_int_equal(act(office, command), QUEUE_ARRIVE_HERE);
    small_config(&config);
    config.own_arrival = true;
    queue_set_config(office->queue, &config);
    assert_int_equal(queue_registered_find(office->queue, 1)->expected, 1); /* as it was counted */
    assert_int_equal(act(office, command), QUEUE_OK);
    office_free(office);
}

static void a_counter_records_an_arrival_and_never_its_own_visitors(void **state)
{
    struct office *office = office_open();
    struct ids_token id = register_one(office, 1);

    (void)state;
    assert_int_equal(press_ticket(office, QUEUE_ARRIVE, 1, id), QUEUE_COUNTER_CLOSED);
    open_counter(office, 1);
    (void)issue(office, 1);
    assert_int_equal(press(office, QUEUE_CALL_NEXT, 1), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_ARRIVE, 1), QUEUE_NO_SUCH_TICKET);
    assert_int_equal(press_ticket(office, QUEUE_ARRIVE, 1, id), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_UNDO, 1), QUEUE_OK); /* of the call: an arrival stays */
    assert_int_equal(state_at(office, id), QUEUE_WAITING);
    office_free(office);
}

static void a_cancelled_one_that_is_undone_is_expected_again(void **state)
{
    struct office *office = office_open();
    struct ids_token id = register_one(office, 1);

    (void)state;
    open_counter(office, 1);
    assert_int_equal(press_ticket(office, QUEUE_CANCEL, 1, id), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_UNDO, 1), QUEUE_OK);
    assert_int_equal(state_at(office, id), QUEUE_EXPECTED);
    check_invariants(office);
    office_free(office);
}

static void who_never_came_ends_with_the_day_and_was_no_no_show(void **state)
{
    struct office *office = office_open();
    struct ids_token id = register_one(office, 1);

    (void)state;
    assert_int_equal(press(office, QUEUE_DAY_CLOSING, 0), QUEUE_OK);
    assert_int_equal(state_at(office, id), QUEUE_EXPIRED);
    assert_int_equal(ticket_of(office, id)->outcome, QUEUE_OUTCOME_NOT_ARRIVED);
    assert_false(queue_ticket_has_arrived(ticket_of(office, id)));
    assert_int_equal(office->queue->totals[0].no_show, 0);
    assert_int_equal(office->queue->totals[0].expired, 1);
    assert_int_equal(queue_registered_find(office->queue, 1)->not_arrived, 1);
    assert_int_equal(arrive(office, id), QUEUE_DAY_NOT_OPEN);
    check_invariants(office);
    assert_int_equal(press(office, QUEUE_DAY_ERASING, 0), QUEUE_OK);
    assert_null(queue_ticket_find(office->queue, &id));
    assert_int_equal(queue_registered_find(office->queue, 1)->all, 0);
    office_free(office);
}

static void one_key_is_one_registration(void **state)
{
    struct office *office = office_open();
    struct queue_command touch = register_command(office, 1);
    struct queue_origin here;
    struct queue_change change;
    struct ids_token id = touch.ticket;

    (void)state;
    touch.key = token(5);
    touch.body_hash = 9;
    assert_int_equal(act(office, touch), QUEUE_OK);
    touch.ticket = draw(office);
    assert_int_equal(act(office, touch), QUEUE_REPLAYED);
    assert_true(ids_token_equal(&office->last.answer.ticket, &id));
    assert_int_equal(office->last.answer.state, QUEUE_EXPECTED);
    assert_int_equal(arrive(office, id), QUEUE_OK);
    assert_int_equal(act(office, touch), QUEUE_REPLAYED); /* as it was told then */
    assert_int_equal(office->last.answer.state, QUEUE_EXPECTED);
    touch.body_hash = 10;
    assert_int_equal(act(office, touch), QUEUE_KEY_REUSED);
    touch.body_hash = 9;
    office->lsn++;
    here = origin_here(office);
    assert_true(queue_void_ticket(office->queue, &id, &here, office->now_ms, &change));
    put(office, &change);
    assert_int_equal(act(office, touch), QUEUE_OK); /* nobody ever saw the first answer */
    assert_int_equal(ticket_of(office, touch.ticket)->state, QUEUE_EXPECTED);
    office_free(office);
}

static void a_transfer_takes_no_place_of_another_service(void **state)
{
    struct office *office = office_open();
    struct ids_token id = register_one(office, 1);

    (void)state;
    open_counter(office, 1);
    assert_int_equal(arrive(office, id), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_CALL_NEXT, 1), QUEUE_OK);
    assert_int_equal(press_ticket(office, QUEUE_TRANSFER, 1, id), QUEUE_OK);
    assert_int_equal(ticket_of(office, id)->category, 2);
    assert_int_equal(queue_registered_find(office->queue, 1)->all, 1);
    assert_int_equal(queue_registered_find(office->queue, 2)->all, 0);
    check_invariants(office);
    office_free(office);
}

/* ---- a meeting ---------------------------------------------------------------------------------- */

static void who_arrived_on_one_side_has_arrived(void **state)
{
    for (int swapped = 0; swapped < 2; swapped++) {
        struct pair *pair = pair_new();
        struct ids_token id = register_one(pair->a, 1);
        struct office *office;

        (void)state;
        split(pair);
        office = swapped ? pair->a : pair->b;
        assert_int_equal(arrive(office, id), QUEUE_OK);
        meet(pair);
        assert_int_equal(state_at(pair->a, id), QUEUE_WAITING);
        assert_int_equal(queue_registered_find(pair->a->queue, 1)->expected, 0);
        pair_free(pair);
    }
}

static void two_arrivals_are_one_and_the_earlier_one(void **state)
{
    for (int swapped = 0; swapped < 2; swapped++) {
        struct pair *pair = pair_new();
        struct ids_token id = register_one(pair->a, 1);
        int64_t first_ms;

        (void)state;
        split(pair);
        pair->a->now_ms += swapped ? HOUR_MS : MINUTE_MS;
        pair->b->now_ms += swapped ? MINUTE_MS : HOUR_MS;
        first_ms = swapped ? pair->b->now_ms : pair->a->now_ms;
        assert_int_equal(arrive(pair->a, id), QUEUE_OK);
        assert_int_equal(arrive(pair->b, id), QUEUE_OK);
        meet(pair);
        assert_int_equal(state_at(pair->a, id), QUEUE_WAITING);
        assert_int_equal(ticket_of(pair->a, id)->place_ms, first_ms);
        assert_int_equal(ticket_of(pair->a, id)->enqueued_ms, first_ms);
        assert_int_equal(queue_waiting_count(pair->a->queue, 1), 1);
        pair_free(pair);
    }
}

static void who_cancelled_on_one_side_is_not_called_by_the_other(void **state)
{
    struct pair *pair = pair_new();
    struct ids_token id = register_one(pair->a, 1);

    (void)state;
    split(pair);
    assert_int_equal(arrive(pair->a, id), QUEUE_OK);
    assert_int_equal(press_ticket(pair->b, QUEUE_CANCEL, 0, id), QUEUE_OK);
    meet(pair);
    assert_int_equal(state_at(pair->a, id), QUEUE_CANCELLED);
    pair_free(pair);
}

static void a_closed_day_takes_registrations_as_not_arrived(void **state)
{
    struct pair *pair = pair_new();
    struct ids_token id;

    (void)state;
    split(pair);
    id = register_one(pair->b, 1);
    assert_int_equal(press(pair->a, QUEUE_DAY_CLOSING, 0), QUEUE_OK);
    meet(pair);
    assert_int_equal(state_at(pair->a, id), QUEUE_EXPIRED);
    assert_int_equal(ticket_of(pair->a, id)->outcome, QUEUE_OUTCOME_NOT_ARRIVED);
    pair_free(pair);
}

struct touches {
    struct pair *pair;
    struct queue_command ours, theirs;
};

/* One touch on a telephone that both sides of a cut gave a number. */
static struct touches touch_both(void)
{
    struct touches touches = {.pair = pair_new()};

    split(touches.pair);
    touches.ours = keyed(touches.pair->a, token(8), QUEUE_DELIVERY_SCREEN);
    touches.theirs = keyed(touches.pair->b, token(8), QUEUE_DELIVERY_SCREEN);
    touches.ours.action = touches.theirs.action = QUEUE_REGISTER;
    assert_int_equal(act(touches.pair->a, touches.ours), QUEUE_OK);
    touches.pair->b->now_ms += MINUTE_MS;
    assert_int_equal(act(touches.pair->b, touches.theirs), QUEUE_OK);
    return touches;
}

static void of_two_registrations_under_one_key_the_answer_to_the_retry_stays(void **state)
{
    struct touches touches = touch_both();
    struct queue_command again = touches.theirs;

    (void)state;
    meet(touches.pair);
    assert_int_equal(state_at(touches.pair->a, touches.ours.ticket), QUEUE_CANCELLED);
    assert_int_equal(state_at(touches.pair->a, touches.theirs.ticket), QUEUE_EXPECTED);
    again.ticket = draw(touches.pair->a);
    assert_int_equal(act(touches.pair->a, again), QUEUE_REPLAYED);
    assert_int_equal(touches.pair->a->last.answer.action, QUEUE_REGISTER);
    assert_int_equal(touches.pair->a->last.answer.state, QUEUE_EXPECTED);
    pair_free(touches.pair);
}

static void the_one_whose_visitor_is_there_stays(void **state)
{
    struct touches touches = touch_both();

    (void)state;
    assert_int_equal(arrive(touches.pair->a, touches.ours.ticket), QUEUE_OK);
    meet(touches.pair);
    assert_int_equal(state_at(touches.pair->a, touches.ours.ticket), QUEUE_WAITING);
    assert_int_equal(state_at(touches.pair->a, touches.theirs.ticket), QUEUE_CANCELLED);
    pair_free(touches.pair);
    touches = touch_both();
    assert_int_equal(arrive(touches.pair->b, touches.theirs.ticket), QUEUE_OK);
    meet(touches.pair);
    assert_int_equal(state_at(touches.pair->a, touches.ours.ticket), QUEUE_CANCELLED);
    assert_int_equal(state_at(touches.pair->a, touches.theirs.ticket), QUEUE_WAITING);
    pair_free(touches.pair);
}

/* ---- the site's configuration -------------------------------------------------------------------- */

static void a_site_without_registration_has_the_bytes_that_it_had(void **state)
{
    static uint8_t bytes[QUEUE_CONFIG_BYTES_MAX];
    static struct queue_config config, again;
    size_t without_bytes, with_bytes;

    (void)state;
    small_config(&config);
    with_bytes = queue_config_encode(&config, bytes, sizeof(bytes));
    assert_int_equal(bytes[0], 3);
    assert_true(queue_config_decode(bytes, with_bytes, &again));
    assert_int_equal(again.categories[0].registration_places, 50);
    assert_false(again.own_arrival);
    config.own_arrival = true;
    with_bytes = queue_config_encode(&config, bytes, sizeof(bytes));
    assert_true(queue_config_decode(bytes, with_bytes, &again));
    assert_true(again.own_arrival);
    bytes[with_bytes - 7] = 2; /* neither on nor off */
    assert_false(queue_config_decode(bytes, with_bytes, &again));
    config.categories[0].registration_places = config.categories[1].registration_places = 0;
    assert_false(queue_config_is_valid(&config)); /* there is nobody who could say so */
    config.own_arrival = false;
    assert_true(queue_config_is_valid(&config));
    without_bytes = queue_config_encode(&config, bytes, sizeof(bytes));
    assert_int_equal(bytes[0], 2);
    assert_int_equal(without_bytes, with_bytes - 7);
    assert_true(queue_config_decode(bytes, without_bytes, &again));
    assert_int_equal(again.categories[0].registration_places, 0);
    /* One thing has one form. */
    memset(bytes + without_bytes, 0, 7);
    bytes[0] = 3;
    assert_false(queue_config_decode(bytes, without_bytes + 7, &again));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_registered_has_a_number_and_stands_in_no_line),
        cmocka_unit_test(arrival_begins_the_wait_behind_everybody_who_is_there),
        cmocka_unit_test(the_limit_of_waiting_counts_from_arrival),
        cmocka_unit_test(places_of_a_day_are_counted_whoever_leaves),
        cmocka_unit_test(what_stops_tickets_stops_registrations),
        cmocka_unit_test(nobody_arrives_outside_of_a_services_hours),
        cmocka_unit_test(a_phone_at_home_does_not_queue_unless_the_site_allows_it),
        cmocka_unit_test(a_counter_records_an_arrival_and_never_its_own_visitors),
        cmocka_unit_test(a_cancelled_one_that_is_undone_is_expected_again),
        cmocka_unit_test(who_never_came_ends_with_the_day_and_was_no_no_show),
        cmocka_unit_test(one_key_is_one_registration),
        cmocka_unit_test(a_transfer_takes_no_place_of_another_service),
        cmocka_unit_test(who_arrived_on_one_side_has_arrived),
        cmocka_unit_test(two_arrivals_are_one_and_the_earlier_one),
        cmocka_unit_test(who_cancelled_on_one_side_is_not_called_by_the_other),
        cmocka_unit_test(a_closed_day_takes_registrations_as_not_arrived),
        cmocka_unit_test(of_two_registrations_under_one_key_the_answer_to_the_retry_stays),
        cmocka_unit_test(the_one_whose_visitor_is_there_stays),
        cmocka_unit_test(a_site_without_registration_has_the_bytes_that_it_had),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
