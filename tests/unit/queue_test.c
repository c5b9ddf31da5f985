/* appliance/queue: issuing, numbers, keys, the day, configuration and reading. */
#include "tests/unit/queue_invariants.h"

static void load(struct office *office, const struct queue_row *row)
{
    assert_true(queue_load_row(office->queue, row));
    office->digest = digest_of(office->queue);
}

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
    assert_int_equal(ticket_of(office, second)->estimate_s_at_issue, QUEUE_ESTIMATE_NONE);
    assert_int_equal(queue_waiting_count(office->queue, 1), 2);
    assert_int_equal(queue_waiting_count(office->queue, 2), 0);
    assert_int_equal(queue_waiting_count(office->queue, 30), 0);
    check_invariants(office);
    office_free(office);
}

static void an_issue_writes_where_it_was_made(void **state)
{
    struct office *office = office_open();
    struct queue_command command = issue_command(office, 1);
    const struct queue_ticket *ticket;

    (void)state;
    command.key = token(3);
    assert_int_equal(act(office, command), QUEUE_OK);
    ticket = ticket_of(office, command.ticket);
    assert_int_equal(ticket->origin.unit, UNIT_A);
    assert_int_equal(ticket->origin.lsn, office->lsn);
    assert_int_equal(ticket->changed_lsn, office->lsn);
    assert_int_equal(ticket->term, 7);
    assert_int_equal(ticket->day, OFFICE_DATE);
    assert_string_equal(ticket->language, "ja");
    assert_memory_equal(ticket->request_key.bytes, command.key.bytes, IDS_TOKEN_BYTES);
    assert_int_equal(queue_category_find(office->queue, 1)->changed_lsn, office->lsn);
    assert_int_equal(office->last.change.row_count, 4);
    assert_int_equal(office->last.answer.lsn, office->lsn);
    office_free(office);
}

static void plain_numbers_stop_at_the_ceiling_until_it_is_raised(void **state)
{
    struct office *office = office_open();
    struct queue_change change;

    (void)state;
    for (int i = 0; i < QUEUE_CEILING_STEP; i++) {
        (void)issue(office, 1);
    }
    assert_int_equal(act(office, issue_command(office, 1)), QUEUE_CEILING_REACHED);
    assert_int_equal(office->last.change.row_count, 0);
    queue_raise_ceiling(office->queue, 1, QUEUE_CEILING_STEP, 900, &change);
    assert_int_equal(change.rows[0].category.ceiling,
                     200 - 1 < 100 + 2 * QUEUE_CEILING_STEP ? 199 : 100 + 2 * QUEUE_CEILING_STEP);
    assert_int_equal(change.rows[0].category.changed_lsn, 900);
    put(office, &change);
    assert_int_equal(ticket_of(office, issue(office, 1))->number, 151);
    queue_raise_ceiling(office->queue, 1, QUEUE_CEILING_STEP / 5, 901, &change);
    assert_int_equal(change.row_count, 0); /* what is reserved is never less than before */
    /* A letter needs no ceiling: nobody else gives its numbers. */
    for (int i = 0; i < 2; i++) {
        struct queue_command command = issue_command(office, 2);

        command.series = (struct ids_series){UNIT_A, 1};
        assert_int_equal(act(office, command), QUEUE_OK);
    }
    office_free(office);
}

static void a_range_is_never_left_and_never_wraps(void **state)
{
    struct office *office = office_open();
    struct queue_change change;

    (void)state;
    for (uint16_t number = 301; number <= 305; number++) {
        assert_int_equal(ticket_of(office, issue(office, 3))->number, number);
    }
    assert_int_equal(act(office, issue_command(office, 3)), QUEUE_NUMBERS_USED_UP);
    assert_int_equal(queue_next_number(office->queue, 3, plain_series), 0);
    queue_raise_ceiling(office->queue, 3, QUEUE_CEILING_STEP, 900, &change);
    assert_int_equal(change.row_count, 0);
    queue_raise_ceiling(office->queue, 30, QUEUE_CEILING_STEP, 900, &change);
    assert_int_equal(change.row_count, 0);
    assert_int_equal(queue_next_number(office->queue, 30, plain_series), 0);
    /* Other letters may still use the numbers, from above what visitors have seen: none is left. */
    assert_int_equal(queue_next_number(office->queue, 3, (struct ids_series){UNIT_A, 1}), 0);
    office_free(office);
}

static void letters_go_on_above_every_number_seen(void **state)
{
    struct office *office = office_open();

    (void)state;
    (void)issue(office, 1);
    (void)issue(office, 1);
    office->session = 1;
    assert_int_equal(ticket_of(office, issue(office, 1))->number, 103);
    assert_int_equal(ticket_of(office, issue(office, 1))->number, 104);
    office->session = 0;
    assert_int_equal(ticket_of(office, issue(office, 1))->number, 103);
    office->session = 2;
    assert_int_equal(ticket_of(office, issue(office, 1))->number, 105);
    office->session = 0;
    assert_int_equal(ticket_of(office, issue(office, 1))->number, 104);
    check_invariants(office);
    office_free(office);
}

static void no_number_is_given_twice_even_if_the_categorys_row_is_wrong(void **state)
{
    struct office *office = office_open();
    struct queue_row row = {.kind = QUEUE_ROW_TICKET};

    (void)state;
    row.ticket = *ticket_of(office, issue(office, 1));
    row.ticket.id = token(9);
    row.ticket.number = 102;
    load(office, &row);
    assert_int_equal(queue_next_number(office->queue, 1, plain_series), 103);
    assert_int_equal(ticket_of(office, issue(office, 1))->number, 103);
    office_free(office);
}

static void an_issue_that_cannot_be_is_refused_with_its_reason(void **state)
{
    struct office *office = office_open();
    struct queue_command good = issue_command(office, 1);
    struct queue_command command = good;
    struct queue_row row = {.kind = QUEUE_ROW_CATEGORY};
    uint64_t digest = office->digest;

    (void)state;
    command.category = 30;
    assert_int_equal(act(office, command), QUEUE_NO_SUCH_CATEGORY);
    command.category = 999;
    assert_int_equal(act(office, command), QUEUE_NO_SUCH_CATEGORY);
    command = good;
    memcpy(command.language, "fr", 3);
    assert_int_equal(act(office, command), QUEUE_BAD_LANGUAGE);
    memset(command.language, 'j', sizeof(command.language));
    assert_int_equal(act(office, command), QUEUE_BAD_LANGUAGE);
    command = good;
    command.priority = QUEUE_PRIORITY_MAX + 1;
    assert_int_equal(act(office, command), QUEUE_BAD_PRIORITY);
    command = good;
    memset(&command.ticket, 0, sizeof(command.ticket));
    assert_int_equal(act(office, command), QUEUE_WRONG_STATE);
    assert_int_equal(office->digest, digest);
    assert_int_equal(act(office, good), QUEUE_OK);
    assert_int_equal(act(office, good), QUEUE_WRONG_STATE);
    row.category = *queue_category_find(office->queue, 1);
    row.category.suspended = 1;
    load(office, &row);
    assert_int_equal(act(office, issue_command(office, 1)), QUEUE_CATEGORY_SUSPENDED);
    assert_int_equal(act(office, issue_command(office, 2)), QUEUE_OK);
    office_free(office);
}

static void the_language_is_the_visitors(void **state)
{
    struct office *office = office_open();
    struct queue_command command = issue_command(office, 1);

    (void)state;
    memcpy(command.language, "ko\0rest", 8);
    assert_int_equal(act(office, command), QUEUE_OK);
    assert_memory_equal(ticket_of(office, command.ticket)->language, "ko\0\0\0\0\0", 8);
    command = issue_command(office, 1);
    memcpy(command.language, "ja-easy", 8);
    assert_int_equal(act(office, command), QUEUE_OK);
    assert_string_equal(ticket_of(office, command.ticket)->language, "ja-easy");
    office_free(office);
}

static void a_full_day_is_refused_and_a_full_state_takes_no_more(void **state)
{
    struct office *office = office_open();
    struct queue_command command = issue_command(office, 1);
    struct queue_row ticket = {.kind = QUEUE_ROW_TICKET};
    struct queue_row key = {.kind = QUEUE_ROW_KEY};

    (void)state;
    ticket.ticket = *ticket_of(office, issue(office, 1));
    ticket.ticket.id = token(4);
    key.key = (struct queue_key){.key = token(5), .action = QUEUE_ISSUE};
    office->queue->ticket_count = QUEUE_TICKETS_MAX;
    assert_int_equal(act(office, command), QUEUE_DAY_FULL);
    office->queue->ticket_count = QUEUE_TICKETS_HELD_MAX;
    assert_false(queue_load_row(office->queue, &ticket));
    office->queue->ticket_count = 1;
    office->queue->key_count = QUEUE_KEYS_MAX;
    assert_int_equal(act(office, command), QUEUE_OK);
    command = issue_command(office, 1);
    command.key = token(6);
    assert_int_equal(act(office, command), QUEUE_DAY_FULL);
    office->queue->key_count = QUEUE_KEYS_HELD_MAX;
    assert_false(queue_load_row(office->queue, &key));
    office->queue->key_count = 0;
    assert_int_equal(act(office, command), QUEUE_OK);
    office_free(office);
}

static void paper_waits_for_the_printer(void **state)
{
    struct office *office = office_open();
    struct queue_command command = issue_command(office, 1);
    struct ids_token second;

    (void)state;
    open_counter(office, 1);
    command.delivery = QUEUE_DELIVERY_PAPER;
    assert_int_equal(act(office, command), QUEUE_OK);
    assert_int_equal(ticket_of(office, command.ticket)->state, QUEUE_ISSUING);
    assert_int_equal(queue_waiting_count(office->queue, 1), 0);
    assert_int_equal(called_number(office, 1), 0);
    second = issue(office, 1);
    /* Whoever stands at the printer came first. */
    assert_int_equal(ticket_of(office, second)->waiting_ahead_at_issue, 1);
    assert_int_equal(queue_waiting_ahead(office->queue, ticket_of(office, second)), 1);
    assert_int_equal(press_ticket(office, QUEUE_PRINTED, 0, command.ticket), QUEUE_OK);
    assert_int_equal(queue_waiting_ahead(office->queue, ticket_of(office, command.ticket)), 0);
    assert_int_equal(called_number(office, 1), 101);
    check_invariants(office);
    office_free(office);
}

static void paper_that_was_not_confirmed_is_marked_until_it_is(void **state)
{
    struct office *office = office_open();
    struct queue_command command = issue_command(office, 1);

    (void)state;
    command.delivery = QUEUE_DELIVERY_PAPER;
    assert_int_equal(act(office, command), QUEUE_OK);
    assert_int_equal(press_ticket(office, QUEUE_PRINT_UNKNOWN, 0, command.ticket), QUEUE_OK);
    assert_int_equal(ticket_of(office, command.ticket)->state, QUEUE_WAITING);
    assert_int_equal(ticket_of(office, command.ticket)->undelivered, 1);
    open_counter(office, 1);
    assert_int_equal(called_number(office, 1), 101);
    assert_int_equal(press_ticket(office, QUEUE_PRINTED, 0, command.ticket), QUEUE_OK);
    assert_int_equal(ticket_of(office, command.ticket)->state, QUEUE_CALLED);
    assert_int_equal(ticket_of(office, command.ticket)->undelivered, 0);
    assert_int_equal(press_ticket(office, QUEUE_PRINTED, 0, command.ticket), QUEUE_WRONG_STATE);
    office_free(office);
}

static void copies_are_counted_and_do_not_overflow(void **state)
{
    struct office *office = office_open();
    struct ids_token id = issue(office, 1);

    (void)state;
    for (int i = 0; i < 300; i++) {
        assert_int_equal(press_ticket(office, QUEUE_REPRINT, 0, id), QUEUE_OK);
        assert_int_equal(ticket_of(office, id)->copies, i < 255 ? i + 1 : 255);
    }
    assert_int_equal(press_ticket(office, QUEUE_REPRINT, 0, token(77)), QUEUE_NO_SUCH_TICKET);
    office_free(office);
}

static void a_key_is_answered_the_same_and_changes_nothing(void **state)
{
    struct office *office = office_open();
    struct queue_command command = issue_command(office, 1);
    uint64_t digest;
    struct queue_key answer;

    (void)state;
    command.key = token(3);
    command.body_hash = 50;
    assert_int_equal(act(office, command), QUEUE_OK);
    answer = office->last.answer;
    digest = office->digest;
    command.ticket = draw(office);
    assert_int_equal(act(office, command), QUEUE_REPLAYED);
    assert_memory_equal(office->last.answer.ticket.bytes, answer.ticket.bytes, IDS_TOKEN_BYTES);
    assert_int_equal(office->last.answer.lsn, answer.lsn);
    assert_int_equal(office->last.change.row_count, 0);
    command.body_hash = 51;
    assert_int_equal(act(office, command), QUEUE_KEY_REUSED);
    assert_int_equal(office->digest, digest);
    /* Also when the office has closed meanwhile: the answer was given. */
    assert_int_equal(press(office, QUEUE_DAY_CLOSING, 0), QUEUE_OK);
    command.body_hash = 50;
    assert_int_equal(act(office, command), QUEUE_REPLAYED);
    command.key = token(4);
    assert_int_equal(act(office, command), QUEUE_DAY_NOT_OPEN);
    office_free(office);
}

static void an_empty_answer_is_not_recorded(void **state)
{
    struct office *office = office_open();
    struct queue_command command = {.action = QUEUE_CALL_NEXT, .counter = 1, .key = token(3)};

    (void)state;
    open_counter(office, 1);
    assert_int_equal(act(office, command), QUEUE_EMPTY);
    assert_int_equal(office->last.answer.reason, QUEUE_EMPTY);
    assert_int_equal(office->last.answer.counter, 1);
    assert_int_equal(office->last.change.row_count, 0);
    (void)issue(office, 1);
    assert_int_equal(act(office, command), QUEUE_OK);
    assert_int_equal(act(office, command), QUEUE_REPLAYED);
    assert_int_equal(office->last.answer.state, QUEUE_CALLED);
    assert_int_equal(office->last.answer.counter, 1);
    assert_int_equal(office->last.answer.call_count, 1);
    office_free(office);
}

static void only_a_plain_ticket_that_nobody_saw_becomes_void(void **state)
{
    struct office *office = office_open();
    struct ids_token id = issue(office, 1);
    struct ids_token lettered;
    struct queue_change change;
    struct queue_origin here = origin_here(office);
    struct ids_token unknown = token(77);

    (void)state;
    office->session = 1;
    lettered = issue(office, 1);
    open_counter(office, 1);
    assert_false(queue_void_ticket(office->queue, &unknown, &here, 0, &change));
    assert_false(queue_void_ticket(office->queue, &lettered, &here, 0, &change));
    assert_int_equal(called_number(office, 1), 101);
    assert_false(queue_void_ticket(office->queue, &id, &here, 0, &change));
    assert_int_equal(press(office, QUEUE_PUT_BACK, 1), QUEUE_OK);
    assert_true(queue_void_ticket(office->queue, &id, &here, 5, &change));
    put(office, &change);
    assert_int_equal(ticket_of(office, id)->state, QUEUE_VOID);
    assert_int_equal(ticket_of(office, id)->ended_ms, 5);
    assert_int_equal(office->queue->totals[0].voided, 1);
    check_invariants(office);
    office_free(office);
}

static void closing_ends_what_lives_and_frees_the_counters(void **state)
{
    static const uint32_t none[QUEUE_CATEGORIES_MAX];
    struct office *office = office_open();
    struct ids_token called = issue(office, 1);
    struct ids_token done = issue(office, 2);

    (void)state;
    open_counter(office, 1);
    open_counter(office, 2);
    assert_int_equal(called_number(office, 2), 201);
    assert_int_equal(press(office, QUEUE_COMPLETE, 2), QUEUE_OK);
    assert_int_equal(called_number(office, 1), 101);
    assert_int_equal(press(office, QUEUE_DAY_CLOSING, 0), QUEUE_OK);
    assert_int_equal(ticket_of(office, called)->state, QUEUE_EXPIRED);
    assert_int_equal(ticket_of(office, called)->ended_ms, office->now_ms);
    assert_int_equal(ticket_of(office, called)->origin.lsn, office->lsn);
    assert_int_equal(ticket_of(office, done)->state, QUEUE_DONE);
    assert_int_equal(office->queue->counters[0].open, 0);
    assert_int_equal(office->queue->day.state, QUEUE_DAY_CLOSED);
    assert_int_equal(press(office, QUEUE_DAY_CLOSING, 0), QUEUE_DAY_NOT_OPEN);
    assert_int_equal(press(office, QUEUE_COUNTER_OPEN, 1), QUEUE_DAY_NOT_OPEN);
    check_invariants(office);
    check_totals(office->queue, none);
    office_free(office);
}

static void a_day_opened_again_goes_on_above_its_numbers(void **state)
{
    struct office *office = office_open();
    struct ids_token id = issue(office, 1);
    uint64_t opened_lsn = office->queue->day.opened_lsn;

    (void)state;
    assert_int_equal(press(office, QUEUE_DAY_CLOSING, 0), QUEUE_OK);
    office->now_ms += MINUTE_MS;
    open_day(office, OFFICE_DATE);
    assert_int_equal(office->queue->day.openings, 2);
    assert_int_equal(office->queue->day.opened_lsn, opened_lsn);
    assert_int_equal(office->queue->day.opened_ms, office->now_ms);
    assert_int_equal(office->queue->day.closed_ms, 0);
    assert_int_equal(ticket_of(office, id)->state, QUEUE_EXPIRED);
    assert_int_equal(ticket_of(office, issue(office, 1))->number, 102);
    office->queue->day.openings = UINT16_MAX;
    office->digest = digest_of(office->queue);
    assert_int_equal(press(office, QUEUE_DAY_CLOSING, 0), QUEUE_OK);
    open_day(office, OFFICE_DATE);
    assert_int_equal(office->queue->day.openings, UINT16_MAX);
    office_free(office);
}

static enum queue_reason open_date(struct office *office, uint32_t date)
{
    return act(office, (struct queue_command){.action = QUEUE_DAY_OPENING, .date = date});
}

static void a_later_day_waits_until_the_older_one_is_erased(void **state)
{
    struct office *office = office_open();

    (void)state;
    (void)issue(office, 1);
    assert_int_equal(open_date(office, OFFICE_DATE), QUEUE_DAY_ALREADY_OPEN);
    assert_int_equal(open_date(office, OFFICE_DATE + 1), QUEUE_DAY_NOT_ERASED);
    assert_int_equal(press(office, QUEUE_DAY_ERASING, 0), QUEUE_DAY_ALREADY_OPEN);
    assert_int_equal(press(office, QUEUE_DAY_CLOSING, 0), QUEUE_OK);
    assert_int_equal(open_date(office, OFFICE_DATE + 1), QUEUE_DAY_NOT_ERASED);
    assert_int_equal(press(office, QUEUE_DAY_ERASING, 0), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_DAY_ERASING, 0), QUEUE_DAY_NOT_OPEN);
    assert_int_equal(open_date(office, OFFICE_DATE), QUEUE_DAY_NOT_LATER);
    assert_int_equal(open_date(office, OFFICE_DATE - 1), QUEUE_DAY_NOT_LATER);
    assert_int_equal(open_date(office, 0), QUEUE_DAY_NOT_LATER);
    assert_int_equal(open_date(office, 20261301), QUEUE_DAY_NOT_LATER);
    assert_int_equal(open_date(office, 20261232), QUEUE_DAY_NOT_LATER);
    assert_int_equal(open_date(office, OFFICE_DATE + 1), QUEUE_OK);
    assert_int_equal(office->queue->day.openings, 1);
    assert_int_equal(office->queue->day.opened_lsn, office->lsn);
    assert_int_equal(office->queue->day.erased_date, OFFICE_DATE);
    office_free(office);
}

struct told {
    struct queue_row rows[32];
    size_t count;
};

static void note(void *context, const struct queue_row *before, const struct queue_row *after)
{
    struct told *told = context;

    assert_true(told->count < ARRAY_COUNT(told->rows));
    told->rows[told->count++] = after->kind == 0 ? *before : *after;
}

static void an_answered_key_alone_is_a_visit_too(void **state)
{
    struct office *office = office_open();
    struct queue_command command = {.action = QUEUE_COUNTER_OPEN, .counter = 1, .key = token(4)};

    (void)state;
    assert_int_equal(act(office, command), QUEUE_OK);
    assert_int_equal(open_date(office, OFFICE_DATE + 1), QUEUE_DAY_NOT_ERASED);
    office_free(office);
}

/* decide never says so; a change that does leaves nothing of the older day behind all the same. */
static void a_new_date_over_an_unerased_one_leaves_no_visit(void **state)
{
    struct office *office = office_open();
    struct queue_change change;
    struct queue_decision decision;
    struct queue_command command = {
        .action = QUEUE_DAY_OPENING, .date = OFFICE_DATE + 1, .origin = {.unit = 1, .lsn = 9}};
    struct queue_config config;
    struct office *empty;

    (void)state;
    small_config(&config);
    empty = office_new(&config);
    queue_decide(empty->queue, &command, &decision);
    change = decision.change;
    (void)issue(office, 1);
    open_counter(office, 1);
    assert_int_equal(called_number(office, 1), 101);
    put(office, &change);
    assert_int_equal(office->queue->ticket_count, 0);
    assert_int_equal(office->queue->day.date, OFFICE_DATE + 1);
    check_invariants(office);
    office_free(empty);
    office_free(office);
}

static void a_closed_counter_keeps_its_row(void **state)
{
    struct office *office = office_open();
    struct told told = {.count = 0};
    bool seen = false;

    (void)state;
    open_counter(office, 1);
    assert_int_equal(press(office, QUEUE_COUNTER_CLOSE, 1), QUEUE_OK);
    queue_for_each_row(office->queue, note, &told);
    for (size_t i = 0; i < told.count; i++) {
        seen = seen || (told.rows[i].kind == QUEUE_ROW_COUNTER && told.rows[i].counter.id == 1 &&
                        told.rows[i].counter.changed_lsn == office->lsn);
    }
    assert_true(seen); /* a meeting asks who changed it last */
    office_free(office);
}

static void erasing_takes_visits_and_keeps_totals(void **state)
{
    struct office *office = office_open();
    struct queue_command command = issue_command(office, 1);

    (void)state;
    command.key = token(3);
    assert_int_equal(act(office, command), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_DAY_CLOSING, 0), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_DAY_ERASING, 0), QUEUE_OK);
    assert_null(queue_ticket_find(office->queue, &command.ticket));
    assert_null(queue_ticket_by_number(office->queue, 101, plain_series));
    assert_int_equal(office->queue->ticket_count, 0);
    assert_int_equal(office->queue->key_count, 0);
    /* Not only out of reach: the memory holds nothing of the visit. */
    assert_true(ids_token_is_zero(&office->queue->tickets[0].id));
    assert_true(ids_token_is_zero(&office->queue->keys[0].key));
    assert_int_equal(office->queue->totals[0].issued, 1);
    assert_int_equal(office->queue->categories[0].plain_highest, 101);
    assert_int_equal(office->digest, digest_of(office->queue));
    office_free(office);
}

static void a_new_date_starts_afresh_and_closes_what_an_empty_day_left_open(void **state)
{
    struct office *office = office_open();

    (void)state;
    (void)issue(office, 1);
    assert_int_equal(press(office, QUEUE_DAY_CLOSING, 0), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_DAY_ERASING, 0), QUEUE_OK);
    assert_int_equal(open_date(office, OFFICE_DATE + 1), QUEUE_OK);
    assert_int_equal(office->queue->categories[0].plain_highest, 0);
    assert_int_equal(office->queue->categories[0].ceiling, 0);
    assert_int_equal(office->queue->totals[0].issued, 0);
    assert_int_equal(act(office, issue_command(office, 1)), QUEUE_CEILING_REACHED);
    open_counter(office, 1);
    assert_int_equal(office->digest, digest_of(office->queue));
    /* Nobody came: the next date may be opened at once. */
    assert_int_equal(open_date(office, OFFICE_DATE + 2), QUEUE_OK);
    assert_int_equal(office->queue->counters[0].open, 0);
    assert_int_equal(office->digest, digest_of(office->queue));
    reserve(office);
    assert_int_equal(ticket_of(office, issue(office, 1))->number, 101);
    office_free(office);
}

static void each_touched_row_is_told_once(void **state)
{
    static const enum queue_action day[] = {QUEUE_DAY_CLOSING, QUEUE_DAY_ERASING,
                                            QUEUE_DAY_OPENING};
    /* Two tickets, a counter, a total; tickets and a key; three categories and the total. */
    static const size_t rows[] = {1 + 2 + 1 + 1, 1 + 2 + 1, 1 + 3 + 1};
    struct office *office = office_open();
    struct queue_command keyed = issue_command(office, 1);

    (void)state;
    keyed.key = token(3);
    assert_int_equal(act(office, keyed), QUEUE_OK);
    (void)issue(office, 1);
    open_counter(office, 1);
    for (size_t i = 0; i < ARRAY_COUNT(day); i++) {
        struct queue_command command = {
            .action = day[i], .date = OFFICE_DATE + 1, .origin = {.unit = UNIT_A, .lsn = 99}};
        struct told told = {.count = 0};

        queue_decide(office->queue, &command, &office->last);
        assert_int_equal(office->last.reason, QUEUE_OK);
        assert_int_equal(office->last.change.row_count, 1);
        queue_apply(office->queue, &office->last.change, note, &told);
        assert_int_equal(told.count, rows[i]);
        for (size_t at = 0; at < told.count; at++) {
            uint8_t name[32];
            size_t name_bytes = queue_row_key(&told.rows[at], name);

            for (size_t other = 0; other < at; other++) {
                uint8_t other_name[32];

                assert_false(queue_row_key(&told.rows[other], other_name) == name_bytes &&
                             memcmp(name, other_name, name_bytes) == 0);
            }
        }
    }
    office_free(office);
}

static void rows_of_what_is_not_configured_are_left_out(void **state)
{
    struct office *office = office_open();
    struct queue_change change = {.action = QUEUE_JOIN, .row_count = 4};
    uint64_t digest = office->digest;

    (void)state;
    change.rows[0].kind = QUEUE_ROW_CATEGORY;
    change.rows[0].category.id = 30;
    change.rows[1].kind = QUEUE_ROW_COUNTER;
    change.rows[1].counter.id = 30;
    change.rows[2].kind = QUEUE_ROW_TOTALS;
    change.rows[2].totals.category = 30;
    change.rows[3].kind = QUEUE_ROW_TICKET;
    change.rows[3].ticket = *ticket_of(office, issue(office, 1));
    digest = office->digest;
    change.rows[3].ticket.id = token(9);
    change.rows[3].ticket.category = 30;
    put(office, &change);
    assert_int_equal(office->digest, digest);
    assert_int_equal(digest_of(office->queue), digest);
    assert_false(queue_load_row(office->queue, &(struct queue_row){.kind = 99}));
    /* An id keeps its number. */
    change.row_count = 1;
    change.rows[0] = change.rows[3];
    change.rows[0].ticket = office->queue->tickets[0];
    change.rows[0].ticket.number++;
    put(office, &change);
    assert_int_equal(office->queue->tickets[0].number, 101);
    assert_int_equal(digest_of(office->queue), digest);
    office_free(office);
}

static void a_configuration_alone_makes_no_rows(void **state)
{
    struct queue_config config;
    struct office *office;
    struct told told = {.count = 0};

    (void)state;
    small_config(&config);
    office = office_new(&config);
    assert_int_equal(digest_of(office->queue), 0);
    /* So stored rows, put into a configured state one by one, tell the digest of the fold. */
    open_day(office, OFFICE_DATE);
    (void)issue(office, 1);
    open_counter(office, 2);
    queue_for_each_row(office->queue, note, &told);
    queue_init(office->queue);
    queue_set_config(office->queue, &config);
    office->digest = 0;
    for (size_t i = 0; i < told.count; i++) {
        struct queue_change change = {.action = QUEUE_JOIN, .row_count = 1};

        change.rows[0] = told.rows[i];
        put(office, &change);
    }
    assert_int_equal(office->digest, digest_of(office->queue));
    /* Day, three categories, a counter, a total, a ticket. */
    assert_int_equal(told.count, 1 + 3 + 1 + 1 + 1);
    office_free(office);
}

static void a_changed_configuration_keeps_what_stays(void **state)
{
    struct office *office = office_open();
    struct queue_config config;
    struct ids_token first;
    struct ids_token second;

    (void)state;
    first = issue(office, 1);
    second = issue(office, 2);
    open_counter(office, 1);
    open_counter(office, 2);
    assert_int_equal(called_number(office, 1), 101);
    memset(&config, 0, sizeof(config));
    config_category(&config, 4, 401, 499, 3);
    config_category(&config, 1, 101, 199, 5);
    config_counter(&config, 7, 4, 1, 0, 0);
    config_counter(&config, 1, 1, 1, 4, 2);
    queue_set_config(office->queue, &config);
    assert_int_equal(queue_category_find(office->queue, 1)->plain_highest, 101);
    assert_int_equal(queue_category_find(office->queue, 4)->plain_highest, 0);
    assert_null(queue_category_find(office->queue, 2));
    assert_null(queue_category_config_find(office->queue, 2));
    assert_null(queue_counter_config_find(office->queue, 2));
    assert_int_equal(queue_counter_config_find(office->queue, 7)->id, 7);
    assert_int_equal(queue_category_config_find(office->queue, 4)->number_first, 401);
    assert_true(ids_token_equal(&queue_counter_find(office->queue, 1)->ticket, &first));
    assert_int_equal(queue_counter_find(office->queue, 7)->open, 0);
    assert_int_equal(ticket_of(office, first)->state, QUEUE_CALLED);
    /* Its category is gone; the ticket is not, and nothing trips over it. */
    assert_int_equal(queue_waiting_ahead(office->queue, ticket_of(office, second)), 0);
    assert_int_equal(queue_estimate_ticket_s(office->queue, ticket_of(office, second), 0), -1);
    assert_null(queue_line_first(office->queue, 2, QUEUE_WAITING));
    assert_int_equal(press(office, QUEUE_COMPLETE, 1), QUEUE_OK);
    assert_int_equal(press_ticket(office, QUEUE_CALL, 1, second), QUEUE_COUNTER_NOT_FOR);
    assert_int_equal(press_ticket(office, QUEUE_CANCEL, 0, second), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_DAY_CLOSING, 0), QUEUE_OK);
    office_free(office);
}

static void a_counter_that_vanished_lets_its_visitor_go(void **state)
{
    struct office *office = office_open();
    struct queue_config config;
    struct ids_token id = issue(office, 1);

    (void)state;
    open_counter(office, 1);
    assert_int_equal(called_number(office, 1), 101);
    memset(&config, 0, sizeof(config));
    config_category(&config, 1, 101, 199, 5);
    config_counter(&config, 7, 1, 1, 0, 0);
    queue_set_config(office->queue, &config);
    office->digest = digest_of(office->queue);
    assert_int_equal(press_ticket(office, QUEUE_HOLD, 0, id), QUEUE_OK);
    open_counter(office, 7);
    assert_int_equal(press_ticket(office, QUEUE_CALL, 7, id), QUEUE_OK);
    check_invariants(office);
    office_free(office);
}

static void a_ticket_is_found_by_its_number_and_series(void **state)
{
    struct office *office = office_open();
    struct ids_token plain = issue(office, 1);
    struct ids_token lettered;
    struct ids_series letter = {UNIT_A, 1};

    (void)state;
    office->session = 1;
    (void)issue(office, 1);
    office->session = 0;
    (void)issue(office, 1);
    lettered = office->queue->tickets[1].id;
    assert_ptr_equal(queue_ticket_by_number(office->queue, 101, plain_series),
                     ticket_of(office, plain));
    assert_ptr_equal(queue_ticket_by_number(office->queue, 102, letter),
                     ticket_of(office, lettered));
    assert_int_equal(queue_ticket_by_number(office->queue, 102, plain_series)->series.unit, 0);
    assert_null(queue_ticket_by_number(office->queue, 101, letter));
    assert_null(queue_ticket_by_number(office->queue, QUEUE_NUMBER_MAX + 1, plain_series));
    office_free(office);
}

static void a_clock_out_of_its_mind_harms_nothing(void **state)
{
    static const int64_t times[] = {INT64_MIN, -1, 1, INT64_MAX};
    struct office *office = office_open();

    (void)state;
    open_counter(office, 1);
    for (size_t i = 0; i < ARRAY_COUNT(times); i++) {
        struct queue_command command = issue_command(office, 1);

        command.at_ms = times[i];
        assert_int_equal(act(office, command), QUEUE_OK);
        command =
            (struct queue_command){.action = QUEUE_CALL_NEXT, .counter = 1, .at_ms = times[i]};
        assert_int_equal(act(office, command), QUEUE_OK);
        command.action = QUEUE_COMPLETE;
        command.at_ms = times[ARRAY_COUNT(times) - 1 - i];
        assert_int_equal(act(office, command), QUEUE_OK);
        (void)queue_estimate_s(office->queue, 1, times[i]);
    }
    check_invariants(office);
    office_free(office);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_visitor_gets_the_first_number_and_the_next_the_next),
        cmocka_unit_test(an_issue_writes_where_it_was_made),
        cmocka_unit_test(plain_numbers_stop_at_the_ceiling_until_it_is_raised),
        cmocka_unit_test(a_range_is_never_left_and_never_wraps),
        cmocka_unit_test(letters_go_on_above_every_number_seen),
        cmocka_unit_test(no_number_is_given_twice_even_if_the_categorys_row_is_wrong),
        cmocka_unit_test(an_issue_that_cannot_be_is_refused_with_its_reason),
        cmocka_unit_test(the_language_is_the_visitors),
        cmocka_unit_test(a_full_day_is_refused_and_a_full_state_takes_no_more),
        cmocka_unit_test(paper_waits_for_the_printer),
        cmocka_unit_test(paper_that_was_not_confirmed_is_marked_until_it_is),
        cmocka_unit_test(copies_are_counted_and_do_not_overflow),
        cmocka_unit_test(a_key_is_answered_the_same_and_changes_nothing),
        cmocka_unit_test(an_empty_answer_is_not_recorded),
        cmocka_unit_test(only_a_plain_ticket_that_nobody_saw_becomes_void),
        cmocka_unit_test(closing_ends_what_lives_and_frees_the_counters),
        cmocka_unit_test(a_day_opened_again_goes_on_above_its_numbers),
        cmocka_unit_test(a_later_day_waits_until_the_older_one_is_erased),
        cmocka_unit_test(an_answered_key_alone_is_a_visit_too),
        cmocka_unit_test(a_new_date_over_an_unerased_one_leaves_no_visit),
        cmocka_unit_test(a_closed_counter_keeps_its_row),
        cmocka_unit_test(erasing_takes_visits_and_keeps_totals),
        cmocka_unit_test(a_new_date_starts_afresh_and_closes_what_an_empty_day_left_open),
        cmocka_unit_test(each_touched_row_is_told_once),
        cmocka_unit_test(rows_of_what_is_not_configured_are_left_out),
        cmocka_unit_test(a_configuration_alone_makes_no_rows),
        cmocka_unit_test(a_changed_configuration_keeps_what_stays),
        cmocka_unit_test(a_counter_that_vanished_lets_its_visitor_go),
        cmocka_unit_test(a_ticket_is_found_by_its_number_and_series),
        cmocka_unit_test(a_clock_out_of_its_mind_harms_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
