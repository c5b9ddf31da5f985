/* appliance/queue: what managers say of the day beside acceptance - the running text, what counters serve,
 * hours of single dates - and what becomes of it at closing, after a restart, and when two ledgers meet. */
#include "tests/unit/queue_pair.h"

#include <stdio.h>

static struct queue_command notice_command(const char *ja, const char *en)
{
    struct queue_command command = {.action = QUEUE_SET_NOTICE};

    (void)snprintf(command.text_ja, sizeof(command.text_ja), "%s", ja);
    (void)snprintf(command.text_en, sizeof(command.text_en), "%s", en);
    return command;
}

static enum queue_reason serve(struct office *office, uint16_t counter, uint8_t count,
                               const struct queue_serves_item *items)
{
    struct queue_command command = {
        .action = QUEUE_SET_SERVES, .counter = counter, .serves_count = count};

    for (int i = 0; i < count; i++) {
        command.serves[i] = items[i];
    }
    return act(office, command);
}

static struct queue_command hours_command(uint32_t date, enum queue_hours_kind kind,
                                          uint16_t open_minute, uint16_t close_minute)
{
    return (struct queue_command){.action = QUEUE_SET_HOURS,
                                  .date = date,
                                  .hours = (uint8_t)kind,
                                  .open_minute = open_minute,
                                  .close_minute = close_minute};
}

/* Whoever starts from stored rows knows the same. */
static void rows_say_the_same(const struct office *office)
{
    struct queue_config config = office->queue->config;
    struct office *again = office_new(&config);

    queue_for_each_row(office->queue, load_into, again->queue);
    assert_int_equal(digest_of(again->queue), office->digest);
    assert_int_equal(digest_of(office->queue), office->digest);
    assert_memory_equal(again->queue->tiers, office->queue->tiers, sizeof(again->queue->tiers));
    office_free(again);
}

static void a_text_said_twice_is_one_entry_and_ends_with_the_day(void **state)
{
    struct office *office = office_open();

    (void)state;
    assert_int_equal(act(office, notice_command("駐車場は満車です", "The car park is full")),
                     QUEUE_OK);
    assert_int_equal(office->last.change.row_count, 1);
    assert_string_equal(office->queue->notice.ja, "駐車場は満車です");
    assert_int_equal(act(office, notice_command("駐車場は満車です", "The car park is full")),
                     QUEUE_OK);
    assert_int_equal(office->last.change.row_count, 0);
    rows_say_the_same(office);
    assert_int_equal(act(office, (struct queue_command){.action = QUEUE_DAY_CLOSING}), QUEUE_OK);
    assert_string_equal(office->queue->notice.ja, "");
    assert_string_equal(office->queue->notice.en, "");
    rows_say_the_same(office);
    office_free(office);
}

static void english_alone_control_characters_and_no_end_are_no_text(void **state)
{
    struct office *office = office_open();
    struct queue_command command = notice_command("", "English only");

    (void)state;
    assert_int_equal(act(office, command), QUEUE_BAD_TEXT);
    assert_int_equal(act(office, notice_command("行\n行", "")), QUEUE_BAD_TEXT);
    memset(command.text_ja, 'a', sizeof(command.text_ja));
    assert_int_equal(act(office, command), QUEUE_BAD_TEXT);
    assert_int_equal(act(office, notice_command("", "")), QUEUE_OK);
    assert_int_equal(office->last.change.row_count, 0);
    assert_int_equal(act(office, (struct queue_command){.action = QUEUE_DAY_CLOSING}), QUEUE_OK);
    assert_int_equal(act(office, notice_command("夜", "")), QUEUE_DAY_NOT_OPEN);
    office_free(office);
}

static void a_counter_calls_what_it_serves_from_the_next_press_on(void **state)
{
    static const struct queue_serves_item three[] = {{3, 1}};
    struct office *office = office_open();

    (void)state;
    open_counter(office, 1);
    (void)issue(office, 3);
    (void)issue(office, 1);
    assert_int_equal(queue_counter_tier(office->queue, 1, 3), 0);
    assert_int_equal(serve(office, 1, 1, three), QUEUE_OK);
    assert_int_equal(queue_counter_tier(office->queue, 1, 3), 1);
    assert_int_equal(queue_counter_tier(office->queue, 1, 1), 0);
    assert_int_equal(called_number(office, 1), 301);
    assert_int_equal(press(office, QUEUE_COMPLETE, 1), QUEUE_OK);
    assert_int_equal(called_number(office, 1), 0);         /* 101 is nobody's here any more */
    assert_int_equal(serve(office, 1, 0, NULL), QUEUE_OK); /* as configured */
    assert_int_equal(called_number(office, 1), 101);
    assert_int_equal(office->queue->serves[0].count, 0);
    rows_say_the_same(office);
    office_free(office);
}

static void an_estimate_knows_who_serves_what_now(void **state)
{
    static const struct queue_serves_item two[] = {{2, 1}};
    struct office *office = office_open();

    (void)state;
    open_counter(office, 1);
    assert_int_equal(queue_estimate_s(office->queue, 1, office->now_ms), 0);
    assert_int_equal(serve(office, 1, 1, two), QUEUE_OK);
    assert_int_equal(queue_estimate_s(office->queue, 1, office->now_ms), -1);
    office_free(office);
}

static void what_is_said_again_or_as_configured_changes_nothing(void **state)
{
    static const struct queue_serves_item usual[] = {{2, 2}, {1, 1}}; /* in another order */
    static const struct queue_serves_item both[] = {{1, 2}, {3, 1}};
    struct office *office = office_open();

    (void)state;
    assert_int_equal(serve(office, 1, 2, usual), QUEUE_OK);
    assert_int_equal(office->last.change.row_count, 0);
    assert_int_equal(serve(office, 1, 2, both), QUEUE_OK);
    assert_int_equal(office->queue->serves[0].count, 2);
    assert_int_equal(office->queue->serves[0].items[0].category, 3); /* by tier */
    assert_int_equal(serve(office, 1, 2, both), QUEUE_OK);
    assert_int_equal(office->last.change.row_count, 0);
    assert_int_equal(serve(office, 1, 2, usual), QUEUE_OK);
    assert_int_equal(office->queue->serves[0].count, 0);
    office_free(office);
}

static void a_list_that_is_not_one_is_refused(void **state)
{
    static const struct queue_serves_item twice[] = {{1, 1}, {1, 2}};
    static const struct queue_serves_item no_tier[] = {{1, 0}};
    static const struct queue_serves_item high[] = {{1, QUEUE_TIER_MAX + 1}};
    static const struct queue_serves_item unknown[] = {{9, 1}};
    struct office *office = office_open();

    (void)state;
    assert_int_equal(serve(office, 1, 2, twice), QUEUE_BAD_SERVES);
    assert_int_equal(serve(office, 1, 1, no_tier), QUEUE_BAD_SERVES);
    assert_int_equal(serve(office, 1, 1, high), QUEUE_BAD_SERVES);
    assert_int_equal(serve(office, 1, 1, unknown), QUEUE_NO_SUCH_CATEGORY);
    assert_int_equal(serve(office, 9, 1, unknown), QUEUE_NO_SUCH_COUNTER);
    assert_int_equal(
        act(office, (struct queue_command){.action = QUEUE_SET_SERVES,
                                           .counter = 1,
                                           .serves_count = QUEUE_COUNTER_CATEGORIES_MAX + 1}),
        QUEUE_BAD_SERVES);
    office_free(office);
}

static void closing_gives_counters_back_what_is_configured(void **state)
{
    static const struct queue_serves_item three[] = {{3, 1}};
    struct office *office = office_open();

    (void)state;
    assert_int_equal(serve(office, 1, 1, three), QUEUE_OK);
    assert_int_equal(act(office, (struct queue_command){.action = QUEUE_DAY_CLOSING}), QUEUE_OK);
    assert_int_equal(queue_counter_tier(office->queue, 1, 3), 0);
    assert_int_equal(queue_counter_tier(office->queue, 1, 1), 1);
    rows_say_the_same(office);
    office_free(office);
}

/* A category goes while a counter serves it alone: it serves what the new configuration says. */
static void a_new_configuration_leaves_no_counter_with_nothing(void **state)
{
    static const struct queue_serves_item three[] = {{3, 1}};
    struct office *office = office_open();
    struct queue_config config = office->queue->config;

    (void)state;
    assert_int_equal(serve(office, 1, 1, three), QUEUE_OK);
    config.category_count = 2;
    config.counters[2].category_count = 1;
    config.counters[2].categories[0].category = 1;
    queue_set_config(office->queue, &config);
    assert_int_equal(queue_counter_tier(office->queue, 1, 1), 1);
    assert_int_equal(queue_counter_tier(office->queue, 1, 2), 2);
    office_free(office);
}

static void hours_of_dates_are_kept_by_date_and_forgotten_when_past(void **state)
{
    struct office *office = office_open();

    (void)state;
    assert_int_equal(act(office, hours_command(20261128, QUEUE_HOURS_OPEN, 540, 720)), QUEUE_OK);
    assert_int_equal(act(office, hours_command(20261125, QUEUE_HOURS_CLOSED, 0, 0)), QUEUE_OK);
    assert_int_equal(office->queue->hours[0].date, 20261125);
    assert_int_equal(office->queue->hours[1].date, 20261128);
    rows_say_the_same(office);
    assert_non_null(queue_hours_find(office->queue, 20261125));
    assert_null(queue_hours_find(office->queue, 20261126));
    assert_int_equal(act(office, hours_command(20261125, QUEUE_HOURS_USUAL, 0, 0)), QUEUE_OK);
    assert_null(queue_hours_find(office->queue, 20261125));
    assert_int_equal(act(office, (struct queue_command){.action = QUEUE_DAY_CLOSING}), QUEUE_OK);
    /* In the evening as well, and said twice it is said once, with any key. */
    assert_int_equal(act(office, hours_command(20261127, QUEUE_HOURS_CLOSED, 0, 0)), QUEUE_OK);
    assert_int_equal(office->last.change.row_count, 1);
    assert_int_equal(act(office, hours_command(20261127, QUEUE_HOURS_CLOSED, 0, 0)), QUEUE_OK);
    assert_int_equal(office->last.change.row_count, 0);
    assert_int_equal(act(office, (struct queue_command){.action = QUEUE_DAY_ERASING}), QUEUE_OK);
    assert_int_equal(
        act(office, (struct queue_command){.action = QUEUE_DAY_OPENING, .date = 20261128}),
        QUEUE_OK);
    assert_int_equal(office->queue->hours[0].date, 20261128);
    assert_int_equal(office->queue->hours[1].date, 0);
    rows_say_the_same(office);
    office_free(office);
}

static void hours_that_are_none_are_refused(void **state)
{
    struct office *office = office_open();
    struct queue_command command = hours_command(20261125, QUEUE_HOURS_CLOSED, 0, 0);
    struct queue_row row = {.kind = QUEUE_ROW_HOURS, .hours.kind = QUEUE_HOURS_CLOSED};

    (void)state;
    (void)snprintf(command.text_en, sizeof(command.text_en), "English only");
    assert_int_equal(act(office, command), QUEUE_BAD_TEXT);
    assert_int_equal(act(office, hours_command(20261125, QUEUE_HOURS_OPEN, 600, 600)),
                     QUEUE_BAD_HOURS);
    assert_int_equal(act(office, hours_command(20261125, QUEUE_HOURS_OPEN, 600, 1441)),
                     QUEUE_BAD_HOURS);
    assert_int_equal(act(office, hours_command(20261125, QUEUE_HOURS_CLOSED, 1, 2)),
                     QUEUE_BAD_HOURS);
    assert_int_equal(act(office, hours_command(20261123, QUEUE_HOURS_CLOSED, 0, 0)),
                     QUEUE_BAD_HOURS); /* a day that is past */
    assert_int_equal(act(office, hours_command(20261399, QUEUE_HOURS_CLOSED, 0, 0)),
                     QUEUE_BAD_HOURS);
    assert_int_equal(act(office, hours_command(20261125, 3, 0, 0)), QUEUE_BAD_HOURS);
    for (uint32_t i = 0; i < QUEUE_HOURS_MAX; i++) {
        assert_int_equal(act(office, hours_command(20261201 + i, QUEUE_HOURS_CLOSED, 0, 0)),
                         QUEUE_OK);
    }
    assert_int_equal(act(office, hours_command(20261130, QUEUE_HOURS_CLOSED, 0, 0)),
                     QUEUE_HOURS_FULL);
    row.hours.date = 20270101;
    assert_false(queue_load_row(office->queue, &row)); /* stored rows are outside bytes, too */
    row.hours.date = 20261130;
    assert_false(queue_load_row(office->queue, &row));
    assert_int_equal(act(office, hours_command(20261201, QUEUE_HOURS_OPEN, 600, 700)), QUEUE_OK);
    rows_say_the_same(office);
    office_free(office);
}

static void a_hand_written_ticket_says_what_became_of_it_and_where(void **state)
{
    struct queue_command command = {
        .action = QUEUE_ENTER_MANUAL, .category = 2, .number = 901, .to_counter = 2};
    struct office *office = office_open();

    (void)state;
    command.result = QUEUE_MANUAL_SERVED;
    assert_int_equal(act(office, command), QUEUE_OK);
    assert_int_equal(ticket_of(office, office->last.answer.ticket)->counter, 2);
    assert_int_equal(office->queue->totals[1].served, 1);
    command.number = 902;
    command.result = QUEUE_MANUAL_LEFT;
    assert_int_equal(act(office, command), QUEUE_OK);
    assert_int_equal(ticket_of(office, office->last.answer.ticket)->state, QUEUE_NO_SHOW);
    command.number = 903;
    command.result = QUEUE_MANUAL_SPOILED;
    assert_int_equal(act(office, command), QUEUE_OK);
    assert_int_equal(office->queue->totals[1].cancelled, 1);
    command.number = 904;
    command.result = QUEUE_MANUAL_WAITS;
    assert_int_equal(act(office, command), QUEUE_OK);
    assert_int_equal(ticket_of(office, office->last.answer.ticket)->for_counter, 2);
    command.number = 905;
    command.to_counter = 9;
    assert_int_equal(act(office, command), QUEUE_NO_SUCH_COUNTER);
    command.to_counter = 0;
    command.result = QUEUE_MANUAL_SPOILED + 1;
    assert_int_equal(act(office, command), QUEUE_BAD_PLACE);
    check_invariants(office);
    office_free(office);
}

/* ---- two ledgers meet ------------------------------------------------------------------------------ */

static bool join_managed(struct pair *pair)
{
    const struct queue *theirs = pair->b->queue;
    struct queue_change change;
    bool any = false;

    pair->a->lsn++;
    {
        struct queue_origin here = origin_here(pair->a);

        if (queue_join_notice(pair->a->queue, &theirs->notice, pair->common, &here, &change)) {
            put(pair->a, &change);
            any = true;
        }
    }
    for (int slot = 0; slot < theirs->config.counter_count; slot++) {
        struct queue_origin here;

        pair->a->lsn++;
        here = origin_here(pair->a);
        if (queue_join_serves(pair->a->queue, &theirs->serves[slot], pair->common, &here,
                              &change)) {
            put(pair->a, &change);
            any = true;
        }
    }
    for (int i = 0; i < QUEUE_HOURS_MAX && theirs->hours[i].date != 0; i++) {
        struct queue_origin here;

        pair->a->lsn++;
        here = origin_here(pair->a);
        if (queue_join_hours(pair->a->queue, &theirs->hours[i], pair->common, &here, &change)) {
            put(pair->a, &change);
            any = true;
        }
    }
    return any;
}

static void what_only_the_other_said_is_taken_over(void **state)
{
    static const struct queue_serves_item three[] = {{3, 1}};
    struct pair *pair = pair_new();

    (void)state;
    split(pair);
    assert_int_equal(act(pair->b, notice_command("向こう", "there")), QUEUE_OK);
    assert_int_equal(serve(pair->b, 2, 1, three), QUEUE_OK);
    assert_int_equal(act(pair->b, hours_command(20261125, QUEUE_HOURS_CLOSED, 0, 0)), QUEUE_OK);
    assert_true(join_managed(pair));
    assert_string_equal(pair->a->queue->notice.ja, "向こう");
    assert_int_equal(queue_counter_tier(pair->a->queue, 2, 3), 1);
    assert_int_equal(queue_hours_find(pair->a->queue, 20261125)->kind, QUEUE_HOURS_CLOSED);
    rows_say_the_same(pair->a);
    assert_false(join_managed(pair)); /* twice is once */
    pair_free(pair);
}

static void what_both_said_stays_ours_but_the_shorter_hours_win(void **state)
{
    static const struct queue_serves_item three[] = {{3, 1}};
    static const struct queue_serves_item one[] = {{1, 3}};
    struct pair *pair = pair_new();

    (void)state;
    split(pair);
    assert_int_equal(act(pair->a, notice_command("こちら", "")), QUEUE_OK);
    assert_int_equal(act(pair->b, notice_command("向こう", "")), QUEUE_OK);
    assert_int_equal(serve(pair->a, 2, 1, one), QUEUE_OK);
    assert_int_equal(serve(pair->b, 2, 1, three), QUEUE_OK);
    assert_int_equal(act(pair->a, hours_command(20261125, QUEUE_HOURS_OPEN, 540, 900)), QUEUE_OK);
    assert_int_equal(act(pair->b, hours_command(20261125, QUEUE_HOURS_OPEN, 600, 960)), QUEUE_OK);
    assert_int_equal(act(pair->a, hours_command(20261126, QUEUE_HOURS_OPEN, 540, 900)), QUEUE_OK);
    assert_int_equal(act(pair->b, hours_command(20261126, QUEUE_HOURS_CLOSED, 0, 0)), QUEUE_OK);
    assert_int_equal(act(pair->a, hours_command(20261127, QUEUE_HOURS_OPEN, 540, 600)), QUEUE_OK);
    assert_int_equal(act(pair->b, hours_command(20261127, QUEUE_HOURS_OPEN, 660, 720)), QUEUE_OK);
    /* And the other way round: whose hours are the shorter does not matter. */
    assert_int_equal(act(pair->a, hours_command(20261128, QUEUE_HOURS_OPEN, 540, 960)), QUEUE_OK);
    assert_int_equal(act(pair->b, hours_command(20261128, QUEUE_HOURS_OPEN, 540, 900)), QUEUE_OK);
    assert_true(join_managed(pair));
    assert_int_equal(queue_hours_find(pair->a->queue, 20261128)->close_minute, 900);
    assert_string_equal(pair->a->queue->notice.ja, "こちら");
    assert_int_equal(queue_counter_tier(pair->a->queue, 2, 1), 3);
    assert_int_equal(queue_hours_find(pair->a->queue, 20261125)->open_minute, 600);
    assert_int_equal(queue_hours_find(pair->a->queue, 20261125)->close_minute, 900);
    assert_int_equal(queue_hours_find(pair->a->queue, 20261126)->kind, QUEUE_HOURS_CLOSED);
    assert_int_equal(queue_hours_find(pair->a->queue, 20261127)->kind, QUEUE_HOURS_CLOSED);
    rows_say_the_same(pair->a);
    assert_false(join_managed(pair));
    pair_free(pair);
}

/* The same list on both sides is no news, and what the other said of a date that is past is none either. */
static void what_both_know_changes_nothing(void **state)
{
    static const struct queue_serves_item three[] = {{3, 1}};
    static const struct queue_serves_item one[] = {{1, 3}};
    struct pair *pair = pair_new();

    (void)state;
    assert_int_equal(serve(pair->a, 2, 1, three), QUEUE_OK);
    split(pair);
    assert_int_equal(serve(pair->b, 2, 1, one), QUEUE_OK);
    assert_int_equal(serve(pair->b, 2, 1, three), QUEUE_OK);
    assert_int_equal(act(pair->b, hours_command(OFFICE_DATE, QUEUE_HOURS_OPEN, 540, 900)),
                     QUEUE_OK);
    pair->a->queue->day.date = OFFICE_DATE + 1;
    assert_false(join_managed(pair));
    pair_free(pair);
}

static void what_was_said_before_the_cut_is_not_said_again(void **state)
{
    struct pair *pair = pair_new();

    (void)state;
    assert_int_equal(act(pair->a, notice_command("前", "before")), QUEUE_OK);
    split(pair);
    assert_int_equal(act(pair->a, notice_command("", "")), QUEUE_OK);
    assert_false(join_managed(pair));
    assert_string_equal(pair->a->queue->notice.ja, "");
    pair_free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_said_twice_is_one_entry_and_ends_with_the_day),
        cmocka_unit_test(english_alone_control_characters_and_no_end_are_no_text),
        cmocka_unit_test(a_counter_calls_what_it_serves_from_the_next_press_on),
        cmocka_unit_test(an_estimate_knows_who_serves_what_now),
        cmocka_unit_test(what_is_said_again_or_as_configured_changes_nothing),
        cmocka_unit_test(a_list_that_is_not_one_is_refused),
        cmocka_unit_test(closing_gives_counters_back_what_is_configured),
        cmocka_unit_test(a_new_configuration_leaves_no_counter_with_nothing),
        cmocka_unit_test(hours_of_dates_are_kept_by_date_and_forgotten_when_past),
        cmocka_unit_test(hours_that_are_none_are_refused),
        cmocka_unit_test(a_hand_written_ticket_says_what_became_of_it_and_where),
        cmocka_unit_test(what_only_the_other_said_is_taken_over),
        cmocka_unit_test(what_both_said_stays_ours_but_the_shorter_hours_win),
        cmocka_unit_test(what_both_know_changes_nothing),
        cmocka_unit_test(what_was_said_before_the_cut_is_not_said_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
