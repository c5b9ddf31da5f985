/* appliance/queue: the bytes of rows, changes and configurations; codes and sentences. */
#include "tests/unit/queue_invariants.h"

enum { KINDS = 9, SAMPLE_BYTES = QUEUE_CONFIG_BYTES_MAX };

static const struct queue_origin some_origin = {.unit = 2, .term = 7, .session = 3, .lsn = 99};

static const struct queue_origin other_origin = {.unit = 1, .term = 6, .session = 2, .lsn = 98};

/* Field by field into zeroed memory: then padding is zero, and rows can be compared as a whole. */
static void sample_ticket(struct queue_ticket *ticket)
{
    ticket->id = token(1);
    ticket->day = OFFICE_DATE;
    ticket->category = 2;
    ticket->number = 217;
    ticket->series.unit = UNIT_B;
    ticket->series.session = 3;
    ticket->term = 7;
    ticket->state = QUEUE_CALLED;
    ticket->delivery = QUEUE_DELIVERY_PAPER;
    ticket->priority = 2;
    memcpy(ticket->language, "ja-easy", sizeof("ja-easy"));
    ticket->counter = 3;
    ticket->call_count = 2;
    ticket->waiting_ahead_at_issue = 11;
    ticket->estimate_s_at_issue = 1500;
    ticket->undelivered = 1;
    ticket->copies = 1;
    ticket->uncertain = 1;
    ticket->issued_ms = 1;
    ticket->enqueued_ms = 2;
    ticket->place_ms = 6;
    ticket->called_ms = 3;
    ticket->started_ms = 4;
    ticket->ended_ms = 5;
    ticket->for_counter = 4;
    ticket->hold_reason = QUEUE_HOLD_FORM;
    ticket->hold_owner = 5;
    ticket->hold_until_ms = 17;
    ticket->first_called_ms = 18;
    ticket->held_at_ms = 19;
    ticket->held_ms = 20;
    ticket->served_ms = 21;
    ticket->assist = 1;
    ticket->leg_count = QUEUE_LEGS_MAX;
    for (int i = 0; i < QUEUE_LEGS_MAX; i++) {
        ticket->legs[i].category = (uint16_t)(2 + i);
        ticket->legs[i].counter = 6;
        ticket->legs[i].outcome = QUEUE_OUTCOME_TO_COUNTER;
        ticket->legs[i].enqueued_ms = 21 + i;
        ticket->legs[i].called_ms = 31 + i;
        ticket->legs[i].started_ms = 41 + i;
        ticket->legs[i].ended_ms = 51 + i;
        ticket->legs[i].first_called_ms = 61 + i;
        ticket->legs[i].held_ms = (uint32_t)(71 + i);
        ticket->legs[i].served_ms = (uint32_t)(81 + i);
    }
    ticket->plan_count = 2;
    ticket->plan[0] = 3;
    ticket->plan[1] = 1;
    memcpy(ticket->note, "窓口3へ", sizeof("窓口3へ"));
    ticket->call = (struct queue_origin){.unit = 7, .term = 4, .session = 5, .lsn = 6};
    ticket->request_key = token(2);
    memcpy(&ticket->origin, &some_origin, sizeof(some_origin));
    memcpy(&ticket->adopted, &other_origin, sizeof(other_origin));
    ticket->changed_lsn = 100;
}

static void sample_counter(struct queue_counter *counter)
{
    counter->id = 3;
    counter->open = 1;
    counter->ticket = token(1);
    counter->undo_action = QUEUE_TRANSFER;
    counter->undo_state = QUEUE_SERVING;
    counter->undo_counter = 3;
    counter->undo_call_count = 2;
    counter->undo_category = 1;
    counter->undo_call = (struct queue_origin){.unit = 1, .term = 8, .session = 9, .lsn = 10};
    counter->undo_for_counter = 7;
    counter->undo_hold_owner = 8;
    counter->undo_hold_reason = QUEUE_HOLD_INQUIRY;
    counter->undo_leg_count = 2;
    counter->undo_plan_count = 1;
    counter->undo_plan[0] = 5;
    counter->undo_enqueued_ms = 15;
    counter->undo_place_ms = 16;
    counter->undo_hold_until_ms = 17;
    counter->undo_called_ms = 11;
    counter->undo_started_ms = 12;
    counter->undo_at_ms = 13;
    counter->undo_first_called_ms = 18;
    counter->undo_held_at_ms = 19;
    counter->undo_held_ms = 20;
    counter->undo_served_ms = 21;
    counter->undo_ticket = token(1);
    counter->changed_lsn = 14;
}

static void sample_rows(struct queue_row rows[KINDS])
{
    memset(rows, 0, KINDS * sizeof(rows[0]));
    rows[0].kind = QUEUE_ROW_DAY;
    rows[0].day.date = OFFICE_DATE;
    rows[0].day.state = QUEUE_DAY_CLOSED;
    rows[0].day.openings = 2;
    rows[0].day.opened_ms = 3;
    rows[0].day.closed_ms = 4;
    rows[0].day.opened_lsn = 5;
    rows[0].day.erased_date = OFFICE_DATE - 1;
    rows[0].day.annulled_date = OFFICE_DATE + 1;
    rows[0].day.suspended = 1;
    rows[0].day.ruled_lsn = 77;
    memcpy(&rows[0].day.origin, &some_origin, sizeof(some_origin));
    rows[1].kind = QUEUE_ROW_CATEGORY;
    rows[1].category.id = 2;
    rows[1].category.plain_highest = 217;
    rows[1].category.ceiling = 267;
    rows[1].category.letter.unit = UNIT_A;
    rows[1].category.letter.session = 2;
    rows[1].category.letter_highest = 219;
    rows[1].category.suspended = 1;
    rows[1].category.limit = 44;
    rows[1].category.ruled_lsn = 8;
    rows[1].category.changed_lsn = 9;
    rows[1].category.earlier_highest = 203;
    rows[2].kind = QUEUE_ROW_COUNTER;
    sample_counter(&rows[2].counter);
    rows[3].kind = QUEUE_ROW_TOTALS;
    rows[3].totals.category = 2;
    rows[3].totals.issued = 1;
    rows[3].totals.served = 2;
    rows[3].totals.no_show = 3;
    rows[3].totals.cancelled = 4;
    rows[3].totals.expired = 5;
    rows[3].totals.voided = 6;
    rows[3].totals.transferred = 9;
    rows[3].totals.doubtful = 10;
    rows[3].totals.wait_ms_sum = 7;
    rows[3].totals.service_ms_sum = 8;
    rows[4].kind = QUEUE_ROW_TICKET;
    sample_ticket(&rows[4].ticket);
    rows[5].kind = QUEUE_ROW_KEY;
    rows[5].key.key = token(2);
    rows[5].key.body_hash = 3;
    rows[5].key.action = QUEUE_CALL;
    rows[5].key.reason = QUEUE_OK;
    rows[5].key.state = QUEUE_CALLED;
    rows[5].key.counter = 3;
    rows[5].key.call_count = 2;
    rows[5].key.ticket = token(1);
    rows[5].key.lsn = 100;
    rows[6].kind = QUEUE_ROW_NOTICE;
    memcpy(rows[6].notice.ja, "お知らせ", sizeof("お知らせ"));
    memcpy(rows[6].notice.en, "News", sizeof("News"));
    rows[6].notice.changed_lsn = 101;
    rows[7].kind = QUEUE_ROW_SERVES;
    rows[7].serves.counter = 3;
    rows[7].serves.count = 2;
    rows[7].serves.items[0] = (struct queue_serves_item){.category = 2, .tier = 1};
    rows[7].serves.items[1] = (struct queue_serves_item){.category = 1, .tier = 4};
    rows[7].serves.changed_lsn = 102;
    rows[8].kind = QUEUE_ROW_HOURS;
    rows[8].hours.date = OFFICE_DATE;
    rows[8].hours.kind = QUEUE_HOURS_OPEN;
    rows[8].hours.open_minute = 540;
    rows[8].hours.close_minute = 720;
    memcpy(rows[8].hours.reason_ja, "台風", sizeof("台風"));
    memcpy(rows[8].hours.reason_en, "Typhoon", sizeof("Typhoon"));
    rows[8].hours.changed_lsn = 103;
}

static void every_row_comes_back_field_by_field(void **state)
{
    struct queue_row rows[KINDS];

    (void)state;
    sample_rows(rows);
    for (int i = 0; i < KINDS; i++) {
        uint8_t bytes[QUEUE_ROW_BYTES_MAX];
        struct queue_row decoded;
        size_t len_bytes = queue_row_encode(&rows[i], bytes, sizeof(bytes));

        assert_true(len_bytes > 0);
        memset(&decoded, 0x5a, sizeof(decoded));
        assert_true(queue_row_decode(bytes, len_bytes, &decoded));
        assert_int_equal(decoded.kind, rows[i].kind);
        /* The samples have no two equal fields of one width in a row: a swap shows in the bytes. */
        assert_memory_equal(&decoded, &rows[i], sizeof(decoded));
        assert_int_equal(queue_row_encode(&rows[i], bytes, len_bytes - 1), 0);
    }
}

static void a_visit_is_sealed_and_nothing_else(void **state)
{
    struct queue_row rows[KINDS];

    (void)state;
    sample_rows(rows);
    for (int i = 0; i < KINDS; i++) {
        assert_int_equal(queue_row_is_of_visit(rows[i].kind), i == 4 || i == 5);
    }
}

static void rows_have_names_of_their_own(void **state)
{
    struct queue_row rows[KINDS];
    uint8_t names[KINDS][32];
    size_t len_bytes[KINDS];

    (void)state;
    sample_rows(rows);
    for (int i = 0; i < KINDS; i++) {
        len_bytes[i] = queue_row_key(&rows[i], names[i]);
        assert_true(len_bytes[i] >= 1 && len_bytes[i] <= 32);
        for (int k = 0; k < i; k++) {
            assert_false(len_bytes[k] == len_bytes[i] &&
                         memcmp(names[k], names[i], len_bytes[i]) == 0);
        }
    }
}

typedef bool reencodes_fn(const uint8_t *bytes, size_t len_bytes, uint8_t *again,
                          size_t *ret_len_bytes);

static bool row_reencodes(const uint8_t *bytes, size_t len_bytes, uint8_t *again,
                          size_t *ret_len_bytes)
{
    struct queue_row row;

    if (!queue_row_decode(bytes, len_bytes, &row)) {
        return false;
    }
    *ret_len_bytes = queue_row_encode(&row, again, SAMPLE_BYTES);
    return true;
}

static bool change_reencodes(const uint8_t *bytes, size_t len_bytes, uint8_t *again,
                             size_t *ret_len_bytes)
{
    struct queue_change change;

    if (!queue_change_decode(bytes, len_bytes, &change)) {
        return false;
    }
    *ret_len_bytes = queue_change_encode(&change, again, SAMPLE_BYTES);
    return true;
}

static bool config_reencodes(const uint8_t *bytes, size_t len_bytes, uint8_t *again,
                             size_t *ret_len_bytes)
{
    struct queue_config config;

    if (!queue_config_decode(bytes, len_bytes, &config)) {
        return false;
    }
    *ret_len_bytes = queue_config_encode(&config, again, SAMPLE_BYTES);
    return true;
}

/* Each truncation is refused; each changed byte is refused or is the encoding of something. Bytes
 * are copied to the end of an allocation, so that the sanitizer sees a look beyond them. */
static void torture(const uint8_t *bytes, size_t len_bytes, reencodes_fn *reencodes)
{
    uint8_t *again = malloc(SAMPLE_BYTES);
    size_t again_bytes;

    assert_non_null(again);
    assert_true(reencodes(bytes, len_bytes, again, &again_bytes));
    assert_int_equal(again_bytes, len_bytes);
    assert_memory_equal(again, bytes, len_bytes);
    for (size_t cut = 0; cut < len_bytes; cut++) {
        uint8_t *some = malloc(cut == 0 ? 1 : cut);

        assert_non_null(some);
        memcpy(some, bytes, cut);
        assert_false(reencodes(some, cut, again, &again_bytes));
        free(some);
    }
    for (size_t at = 0; at < len_bytes; at++) {
        uint8_t *other = malloc(len_bytes + 1);

        assert_non_null(other);
        memcpy(other, bytes, len_bytes);
        for (int value = 0; value < 256; value++) {
            other[at] = (uint8_t)value;
            if (reencodes(other, len_bytes, again, &again_bytes)) {
                assert_int_equal(again_bytes, len_bytes);
                assert_memory_equal(again, other, len_bytes);
            }
        }
        other[at] = bytes[at];
        other[len_bytes] = 0;
        assert_false(reencodes(other, len_bytes + 1, again, &again_bytes));
        free(other);
    }
    free(again);
}

static void a_damaged_row_is_refused_or_is_another_whole_row(void **state)
{
    struct queue_row rows[KINDS];

    (void)state;
    sample_rows(rows);
    for (int i = 0; i < KINDS; i++) {
        uint8_t bytes[QUEUE_ROW_BYTES_MAX];

        torture(bytes, queue_row_encode(&rows[i], bytes, sizeof(bytes)), row_reencodes);
    }
}

static void sample_change(struct queue_change *change)
{
    struct queue_row rows[KINDS];

    sample_rows(rows);
    change->action = QUEUE_JOIN;
    change->row_count = KINDS;
    memcpy(change->rows, rows, sizeof(rows));
}

static void a_damaged_change_is_refused_or_is_another_whole_change(void **state)
{
    struct queue_change change;
    uint8_t bytes[QUEUE_CHANGE_BYTES_MAX];
    size_t len_bytes;

    (void)state;
    sample_change(&change);
    len_bytes = queue_change_encode(&change, bytes, sizeof(bytes));
    assert_true(len_bytes > 0);
    torture(bytes, len_bytes, change_reencodes);
    for (size_t capacity = 0; capacity < len_bytes; capacity++) {
        assert_int_equal(queue_change_encode(&change, bytes, capacity), 0);
    }
}

/* Two tickets are joined under one key, each leg of both counts somewhere, counters are freed. */
static void the_largest_change_has_room(void **state)
{
    struct queue_change change;
    struct queue_row rows[KINDS];
    uint8_t bytes[QUEUE_CHANGE_BYTES_MAX];
    static const uint8_t kinds[QUEUE_CHANGE_ROWS_MAX] = {4, 4, 2, 2, 2, 1, 5, 3, 3, 3, 3, 3,
                                                         3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3};

    (void)state;
    sample_rows(rows);
    change.action = QUEUE_JOIN;
    change.row_count = QUEUE_CHANGE_ROWS_MAX;
    for (int i = 0; i < QUEUE_CHANGE_ROWS_MAX; i++) {
        change.rows[i] = rows[kinds[i]];
        if (kinds[i] == 4) {
            memset(change.rows[i].ticket.note, 'x', QUEUE_NOTE_BYTES - 1);
            change.rows[i].ticket.plan_count = QUEUE_PLAN_MAX;
        }
    }
    assert_true(queue_row_encode(&change.rows[0], bytes, QUEUE_ROW_BYTES_MAX) > 0);
    assert_true(queue_change_encode(&change, bytes, sizeof(bytes)) > 0);
}

static bool change_survives(const struct queue_change *change)
{
    uint8_t bytes[QUEUE_CHANGE_BYTES_MAX];
    struct queue_change decoded;

    return queue_change_decode(bytes, queue_change_encode(change, bytes, sizeof(bytes)), &decoded);
}

static void a_days_action_is_its_row_alone_and_in_its_state(void **state)
{
    struct queue_change change;

    (void)state;
    sample_change(&change);
    change.action = QUEUE_DAY_CLOSING;
    assert_false(change_survives(&change));
    change.row_count = 1;
    assert_true(change_survives(&change));
    change.rows[0].day.state = QUEUE_DAY_OPEN;
    assert_false(change_survives(&change));
    change.action = QUEUE_DAY_OPENING;
    assert_true(change_survives(&change));
    change.action = QUEUE_ISSUE;
    assert_false(change_survives(&change));
    change.rows[0].kind = QUEUE_ROW_COUNTER;
    sample_counter(&change.rows[0].counter);
    assert_true(change_survives(&change));
    change.action = QUEUE_DAY_OPENING;
    assert_false(change_survives(&change));
    change.action = 0;
    assert_false(change_survives(&change));
    change.action = QUEUE_ACTION_END;
    assert_false(change_survives(&change));
}

static bool row_survives(const struct queue_row *row)
{
    uint8_t bytes[QUEUE_ROW_BYTES_MAX];
    struct queue_row decoded;

    return queue_row_decode(bytes, queue_row_encode(row, bytes, sizeof(bytes)), &decoded);
}

#define REFUSED(index, field, value)                                                               \
    do {                                                                                           \
        struct queue_row rows_[KINDS];                                                             \
        sample_rows(rows_);                                                                        \
        assert_true(row_survives(&rows_[index]));                                                  \
        rows_[index].field = value;                                                                \
        assert_false(row_survives(&rows_[index]));                                                 \
    } while (0)

static void a_row_with_an_impossible_field_is_refused(void **state)
{
    (void)state;
    REFUSED(0, kind, 0);
    REFUSED(0, kind, 5);
    REFUSED(0, day.date, 20261332);
    REFUSED(0, day.date, 20260100);
    REFUSED(0, day.date, 19991231);
    REFUSED(0, day.state, QUEUE_DAY_NONE);
    REFUSED(0, day.state, 5);
    REFUSED(0, day.suspended, 2);
    REFUSED(0, day.annulled_date, 7);
    REFUSED(0, day.opened_ms, -1);
    REFUSED(0, day.closed_ms, QUEUE_TIME_MS_MAX + 1);
    REFUSED(0, day.erased_date, 5);
    REFUSED(1, category.id, 0);
    REFUSED(1, category.id, QUEUE_CATEGORIES_MAX + 1);
    REFUSED(1, category.plain_highest, QUEUE_NUMBER_MAX + 1);
    REFUSED(1, category.ceiling, QUEUE_NUMBER_MAX + 1);
    REFUSED(1, category.letter_highest, QUEUE_NUMBER_MAX + 1);
    REFUSED(1, category.letter.session, 0);
    REFUSED(1, category.letter.unit, 0);
    REFUSED(1, category.letter.unit, IDS_UNIT_ID_MAX + 1);
    REFUSED(1, category.suspended, 4);
    REFUSED(1, category.plain_highest, 202); /* below what an annulled opening gave */
    REFUSED(2, counter.id, 0);
    REFUSED(2, counter.open, 2);
    REFUSED(2, counter.undo_action, QUEUE_DAY_OPENING);
    REFUSED(2, counter.undo_state, QUEUE_STATE_LAST + 1);
    REFUSED(2, counter.undo_state, 0);
    REFUSED(2, counter.undo_category, 0);
    REFUSED(2, counter.undo_at_ms, -1);
    REFUSED(2, counter.undo_ticket, (struct ids_token){{0}});
    REFUSED(2, counter.undo_hold_reason, QUEUE_HOLD_INQUIRY + 1);
    REFUSED(2, counter.undo_leg_count, QUEUE_LEGS_MAX + 1);
    REFUSED(2, counter.undo_plan[0], 0);
    REFUSED(3, totals.category, 0);
    REFUSED(4, ticket.id, (struct ids_token){{0}});
    REFUSED(4, ticket.day, 0);
    REFUSED(4, ticket.category, 0);
    REFUSED(4, ticket.number, 0);
    REFUSED(4, ticket.state, 0);
    REFUSED(4, ticket.state, QUEUE_STATE_LAST + 1);
    REFUSED(4, ticket.state, QUEUE_EXPECTED); /* who did not register, or has a place in a line */
    REFUSED(4, ticket.delivery, 0);
    REFUSED(4, ticket.delivery, QUEUE_DELIVERY_REGISTERED + 1);
    REFUSED(4, ticket.outcome, QUEUE_OUTCOME_SERVED);
    REFUSED(4, ticket.outcome, QUEUE_OUTCOME_LAST + 1);
    REFUSED(4, ticket.assist, 2);
    REFUSED(4, ticket.doubtful, 2);
    REFUSED(4, ticket.hold_reason, QUEUE_HOLD_INQUIRY + 1);
    REFUSED(4, ticket.hold_until_ms, -1);
    REFUSED(4, ticket.first_called_ms, -1);
    REFUSED(4, ticket.held_at_ms, -1);
    REFUSED(4, ticket.held_ms, QUEUE_DURATION_MS_MAX + 1);
    REFUSED(4, ticket.served_ms, QUEUE_DURATION_MS_MAX + 1);
    REFUSED(4, ticket.legs[0].served_ms, QUEUE_DURATION_MS_MAX + 1);
    REFUSED(4, ticket.legs[0].outcome, QUEUE_OUTCOME_NONE);
    REFUSED(4, ticket.legs[0].outcome, QUEUE_OUTCOME_NO_SHOW);
    REFUSED(4, ticket.legs[5].category, 0);
    REFUSED(4, ticket.plan[1], QUEUE_CATEGORIES_MAX + 1);
    REFUSED(4, ticket.note[0], '\n');
    REFUSED(4, ticket.note[0], (char)0xff);
    REFUSED(4, ticket.priority, QUEUE_PRIORITY_MAX + 1);
    REFUSED(4, ticket.language[0], 'x');
    REFUSED(4, ticket.counter, 0);
    REFUSED(4, ticket.undelivered, 2);
    REFUSED(4, ticket.enqueued_ms, INT64_MIN);
    REFUSED(5, key.key, (struct ids_token){{0}});
    REFUSED(5, key.action, 0);
    REFUSED(5, key.action, QUEUE_JOIN);
    REFUSED(5, key.reason, QUEUE_REPLAYED);
    REFUSED(5, key.action, QUEUE_DAY_OPENING);
    REFUSED(5, key.action, QUEUE_ACTION_END);
    REFUSED(5, key.state, QUEUE_STATE_LAST + 1);
}

static void text_behind_a_languages_zero_is_refused(void **state)
{
    struct queue_row rows[KINDS];

    (void)state;
    sample_rows(rows);
    memcpy(rows[4].ticket.language, "ja\0x\0\0\0", 8);
    assert_false(row_survives(&rows[4]));
}

/* Whatever a decoder lets through, apply takes without harm: rubbish of the right form. */
static void apply_takes_whatever_decodes(void **state)
{
    struct xorshift random = {UINT64_C(0x123456789)};
    struct office *office = office_open();
    struct queue_change sample;
    uint8_t good[QUEUE_CHANGE_BYTES_MAX];
    size_t len_bytes;
    uint32_t applied = 0;

    (void)state;
    sample_change(&sample);
    len_bytes = queue_change_encode(&sample, good, sizeof(good));
    for (uint32_t i = 0; i < 60000; i++) {
        uint8_t bytes[QUEUE_CHANGE_BYTES_MAX];
        struct queue_change change;

        memcpy(bytes, good, len_bytes);
        for (uint32_t flips = 1 + draw_below(&random, 4); flips > 0; flips--) {
            bytes[draw_below(&random, (uint32_t)len_bytes)] = (uint8_t)draw_below(&random, 256);
        }
        if (queue_change_decode(bytes, len_bytes, &change)) {
            struct queue_command command = {.action =
                                                (enum queue_action)(1 + draw_below(&random, 18)),
                                            .counter = (uint16_t)(1 + draw_below(&random, 3)),
                                            .category = 1,
                                            .at_ms = (int64_t)draw_below(&random, 1u << 31),
                                            .ticket = change.rows[4].ticket.id};

            queue_apply(office->queue, &change, add_up, &office->digest);
            queue_decide(office->queue, &command, &office->last);
            (void)queue_estimate_s(office->queue, 1, command.at_ms);
            applied++;
        }
    }
    assert_true(applied > 1000);
    assert_int_equal(office->digest, digest_of(office->queue));
    office_free(office);
}

static void the_configuration_comes_back(void **state)
{
    struct queue_config config;
    struct queue_config decoded;
    uint8_t *bytes = malloc(QUEUE_CONFIG_BYTES_MAX);
    size_t len_bytes;

    (void)state;
    assert_non_null(bytes);
    small_config(&config);
    config.categories[0].wait_ms_limit = 30 * MINUTE_MS;
    config.categories[0].span_count = 2;
    config.categories[0].spans[0] = (struct queue_span){540, 720};
    config.categories[0].spans[1] = (struct queue_span){780, 960};
    config.skip_count = 2;
    config.skips[0] = 4;
    config.skips[1] = 42;
    config.utc_offset_minutes = -210;
    len_bytes = queue_config_encode(&config, bytes, QUEUE_CONFIG_BYTES_MAX);
    assert_true(len_bytes > 0);
    assert_true(queue_config_decode(bytes, len_bytes, &decoded));
    assert_memory_equal(&decoded, &config, sizeof(config));
    assert_int_equal(queue_config_encode(&config, bytes, len_bytes - 1), 0);
    (void)queue_config_encode(&config, bytes, QUEUE_CONFIG_BYTES_MAX);
    torture(bytes, len_bytes, config_reencodes);
    free(bytes);
}

static void full_config(struct queue_config *config)
{
    memset(config, 0, sizeof(*config));
    memset(config->site_ja, 'x', QUEUE_NAME_BYTES - 1);
    memset(config->site_en, 'x', QUEUE_NAME_BYTES - 1);
    config->category_count = QUEUE_CATEGORIES_MAX;
    config->counter_count = QUEUE_COUNTERS_MAX;
    for (int i = 0; i < QUEUE_CATEGORIES_MAX; i++) {
        struct queue_category_config *category = &config->categories[i];

        category->id = (uint16_t)(i + 1);
        memset(category->name_ja, 'x', QUEUE_NAME_BYTES - 1);
        memset(category->name_en, 'x', QUEUE_NAME_BYTES - 1);
        category->number_first = (uint16_t)(1 + 300 * i);
        category->number_last = (uint16_t)(300 * (i + 1));
        category->span_count = QUEUE_SPANS_MAX;
        for (uint16_t k = 0; k < QUEUE_SPANS_MAX; k++) {
            category->spans[k] = (struct queue_span){(uint16_t)(100 * k), (uint16_t)(100 * k + 99)};
        }
    }
    config->skip_count = QUEUE_SKIPS_MAX;
    for (uint16_t i = 0; i < QUEUE_SKIPS_MAX; i++) {
        config->skips[i] = (uint16_t)(i + 1);
    }
    for (int i = 0; i < QUEUE_COUNTERS_MAX; i++) {
        struct queue_counter_config *counter = &config->counters[i];

        counter->id = (uint16_t)(i + 1);
        memset(counter->name_ja, 'x', QUEUE_NAME_BYTES - 1);
        memset(counter->name_en, 'x', QUEUE_NAME_BYTES - 1);
        counter->category_count = QUEUE_COUNTER_CATEGORIES_MAX;
        for (int k = 0; k < QUEUE_COUNTER_CATEGORIES_MAX; k++) {
            counter->categories[k].category = (uint16_t)(k + 1);
            counter->categories[k].tier = 1;
        }
    }
}

static void the_largest_configuration_has_room(void **state)
{
    struct queue_config config;
    struct queue_config decoded;
    uint8_t *bytes = malloc(QUEUE_CONFIG_BYTES_MAX);
    size_t len_bytes;

    (void)state;
    assert_non_null(bytes);
    full_config(&config);
    len_bytes = queue_config_encode(&config, bytes, QUEUE_CONFIG_BYTES_MAX);
    assert_true(len_bytes > 0);
    assert_true(queue_config_decode(bytes, len_bytes, &decoded));
    assert_memory_equal(&decoded, &config, sizeof(config));
    free(bytes);
}

#define INVALID(field, value)                                                                      \
    do {                                                                                           \
        struct queue_config config_;                                                               \
        small_config(&config_);                                                                    \
        assert_true(queue_config_is_valid(&config_));                                              \
        config_.field = value;                                                                     \
        assert_false(queue_config_is_valid(&config_));                                             \
    } while (0)

static void a_contradictory_configuration_is_refused(void **state)
{
    (void)state;
    INVALID(category_count, QUEUE_CATEGORIES_MAX + 1);
    INVALID(counter_count, QUEUE_COUNTERS_MAX + 1);
    INVALID(categories[1].id, 1);
    INVALID(categories[1].id, 0);
    INVALID(categories[1].id, QUEUE_CATEGORIES_MAX + 1);
    INVALID(categories[1].number_first, 199);
    INVALID(categories[0].number_last, 201);
    INVALID(categories[0].number_first, 0);
    INVALID(categories[2].number_last, 300);
    INVALID(categories[2].number_last, QUEUE_NUMBER_MAX + 1);
    INVALID(categories[0].service_ms_prior, QUEUE_DURATION_MS_MAX + 1);
    INVALID(categories[0].wait_ms_limit, QUEUE_DURATION_MS_MAX + 1);
    INVALID(counters[1].id, 1);
    INVALID(counters[1].id, 0);
    INVALID(counters[1].category_count, 0);
    INVALID(counters[1].category_count, QUEUE_COUNTER_CATEGORIES_MAX + 1);
    INVALID(counters[1].categories[0].category, 4);
    INVALID(counters[1].categories[0].category, 1);
    INVALID(counters[1].categories[0].tier, 0);
    INVALID(categories[0].manual_first, 901);
    INVALID(categories[0].manual_last, 5);
    INVALID(categories[1].manual_first, 910);
    INVALID(categories[1].manual_last, QUEUE_NUMBER_MAX + 1);
    INVALID(categories[1].manual_first, 205);
    INVALID(categories[2].number_last, 901);
    INVALID(categories[0].last_minute, QUEUE_MINUTES_A_DAY + 1);
    INVALID(categories[0].span_count, 1); /* a span without length */
    INVALID(categories[0].span_count, QUEUE_SPANS_MAX + 1);
    INVALID(skip_count, 1); /* zero is no number */
    INVALID(skip_count, QUEUE_SKIPS_MAX + 1);
    INVALID(absent_after, QUEUE_AFTER_MAX + 1);
    INVALID(absent_minutes, QUEUE_MINUTES_A_DAY + 1);
    INVALID(utc_offset_minutes, -QUEUE_MINUTES_A_DAY - 1);
    INVALID(counters[1].name_ja[0], '\n');
    INVALID(categories[1].name_en[0], '\x7f');
}

static bool name_is_accepted(const char *name)
{
    struct queue_config config;

    small_config(&config);
    memset(config.site_ja, 0, sizeof(config.site_ja));
    memcpy(config.site_ja, name, strlen(name));
    return queue_config_is_valid(&config);
}

static void names_are_utf8_text(void **state)
{
    struct queue_config config;

    (void)state;
    assert_true(name_is_accepted(""));
    assert_true(name_is_accepted("世田谷区役所 都市計画課 ~é𠮟"));
    assert_true(name_is_accepted("\xf3\xbf\xbf\xbf\xf4\x8f\xbf\xbf\xee\x80\x80\xed\x9f\xbf"));
    assert_false(name_is_accepted("\x80"));
    assert_false(name_is_accepted("\xc0\xaf"));         /* overlong */
    assert_false(name_is_accepted("\xe0\x80\xaf"));     /* overlong */
    assert_false(name_is_accepted("\xf0\x80\x80\xaf")); /* overlong */
    assert_false(name_is_accepted("\xed\xa0\x80"));     /* surrogate */
    assert_false(name_is_accepted("\xf4\x90\x80\x80")); /* beyond Unicode */
    assert_false(name_is_accepted("\xe4\xb8"));         /* cut off */
    assert_false(name_is_accepted("\xe4\xb8z"));
    assert_false(name_is_accepted("\xc2\x85")); /* control character */
    assert_false(name_is_accepted("a\tb"));
    small_config(&config);
    memset(config.site_en, 'x', sizeof(config.site_en));
    assert_false(queue_config_is_valid(&config));
}

static void every_reason_has_a_code_and_two_sentences(void **state)
{
    (void)state;
    for (int reason = QUEUE_OK; reason < QUEUE_REASON_END; reason++) {
        assert_non_null(queue_reason_code(reason));
        assert_non_null(strstr(queue_reason_ja(reason), "。"));
        assert_non_null(strchr(queue_reason_en(reason), '.'));
        for (int other = QUEUE_OK; other < reason; other++) {
            assert_string_not_equal(queue_reason_code(reason), queue_reason_code(other));
            assert_string_not_equal(queue_reason_ja(reason), queue_reason_ja(other));
        }
    }
    assert_string_equal(queue_reason_code(QUEUE_WRONG_STATE), "WRONG_STATE");
    for (int state_of = QUEUE_ISSUING; state_of <= QUEUE_STATE_LAST; state_of++) {
        assert_non_null(queue_state_code(state_of));
    }
    assert_string_equal(queue_state_code(QUEUE_CALLED), "CALLED");
    for (int action = QUEUE_ISSUE; action < QUEUE_ACTION_END; action++) {
        assert_non_null(queue_action_code(action));
    }
    assert_string_equal(queue_action_code(QUEUE_CALL_NEXT), "CALL_NEXT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_comes_back_field_by_field),
        cmocka_unit_test(a_visit_is_sealed_and_nothing_else),
        cmocka_unit_test(rows_have_names_of_their_own),
        cmocka_unit_test(a_damaged_row_is_refused_or_is_another_whole_row),
        cmocka_unit_test(a_damaged_change_is_refused_or_is_another_whole_change),
        cmocka_unit_test(the_largest_change_has_room),
        cmocka_unit_test(a_days_action_is_its_row_alone_and_in_its_state),
        cmocka_unit_test(a_row_with_an_impossible_field_is_refused),
        cmocka_unit_test(text_behind_a_languages_zero_is_refused),
        cmocka_unit_test(apply_takes_whatever_decodes),
        cmocka_unit_test(the_configuration_comes_back),
        cmocka_unit_test(the_largest_configuration_has_room),
        cmocka_unit_test(a_contradictory_configuration_is_refused),
        cmocka_unit_test(names_are_utf8_text),
        cmocka_unit_test(every_reason_has_a_code_and_two_sentences),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
