/* The bytes of rows and changes. Every field is checked on the way in, and every accepted byte
 * string is the one that encoding gives again: a damaged row is refused, never read as something
 * else. */
#include "appliance/queue/queue.h"

#include "appliance/queue/queue_parts.h"

#include "base/check.h"

#include <string.h>

enum { FORMAT_VERSION = 4, HAS_EARLIER = 2 /* beside the bit of "suspended" */ };

bool queue_row_is_of_visit(enum queue_row_kind kind)
{
    return kind == QUEUE_ROW_TICKET || kind == QUEUE_ROW_KEY;
}

static void put_token(struct bytes_writer *writer, const struct ids_token *token)
{
    bytes_put(writer, token->bytes, sizeof(token->bytes));
}

static struct ids_token get_token(struct bytes_reader *reader)
{
    struct ids_token token;

    bytes_get(reader, token.bytes, sizeof(token.bytes));
    return token;
}

static void refuse_unless(struct bytes_reader *reader, bool is_right)
{
    if (!is_right) {
        reader->failed = true;
    }
}

static uint8_t get_u8_up_to(struct bytes_reader *reader, uint8_t max)
{
    uint8_t value = bytes_get_u8(reader);

    refuse_unless(reader, value <= max);
    return value;
}

static int64_t get_time_ms(struct bytes_reader *reader)
{
    int64_t value_ms = bytes_get_i64(reader);

    refuse_unless(reader, value_ms >= 0 && value_ms <= QUEUE_TIME_MS_MAX);
    return value_ms;
}

static uint32_t get_duration_ms(struct bytes_reader *reader)
{
    uint32_t value_ms = bytes_get_u32(reader);

    refuse_unless(reader, value_ms <= QUEUE_DURATION_MS_MAX);
    return value_ms;
}

static uint16_t get_category_id(struct bytes_reader *reader, uint16_t min)
{
    uint16_t id = bytes_get_u16(reader);

    refuse_unless(reader, id >= min && id <= QUEUE_CATEGORIES_MAX);
    return id;
}

static uint16_t get_number(struct bytes_reader *reader)
{
    uint16_t number = bytes_get_u16(reader);

    refuse_unless(reader, number <= QUEUE_NUMBER_MAX);
    return number;
}

static void put_series(struct bytes_writer *writer, struct ids_series series)
{
    bytes_put_u32(writer, series.unit);
    bytes_put_u32(writer, series.session);
}

static struct ids_series get_series(struct bytes_reader *reader)
{
    struct ids_series series;

    series.unit = bytes_get_u32(reader);
    series.session = bytes_get_u32(reader);
    refuse_unless(reader, series.unit <= IDS_UNIT_ID_MAX &&
                              series.session <= IDS_SESSION_NUMBER_MAX &&
                              (series.unit == 0) == (series.session == 0));
    return series;
}

static void put_origin(struct bytes_writer *writer, const struct queue_origin *origin)
{
    bytes_put_u32(writer, origin->unit);
    bytes_put_u64(writer, origin->term);
    bytes_put_u32(writer, origin->session);
    bytes_put_u64(writer, origin->lsn);
}

static struct queue_origin get_origin(struct bytes_reader *reader)
{
    struct queue_origin origin = {0};

    origin.unit = bytes_get_u32(reader);
    origin.term = bytes_get_u64(reader);
    origin.session = bytes_get_u32(reader);
    origin.lsn = bytes_get_u64(reader);
    return origin;
}

static void put_day(struct bytes_writer *writer, const struct queue_day *day)
{
    bytes_put_u32(writer, day->date);
    bytes_put_u8(writer, day->state);
    bytes_put_u16(writer, day->openings);
    bytes_put_i64(writer, day->opened_ms);
    bytes_put_i64(writer, day->closed_ms);
    bytes_put_u64(writer, day->opened_lsn);
    bytes_put_u32(writer, day->erased_date);
    bytes_put_u32(writer, day->annulled_date);
    put_origin(writer, &day->origin);
    bytes_put_u8(writer, day->suspended);
    bytes_put_u64(writer, day->ruled_lsn);
}

static void get_day(struct bytes_reader *reader, struct queue_day *day)
{
    day->date = bytes_get_u32(reader);
    refuse_unless(reader, queue_date_is_valid(day->date));
    day->state = get_u8_up_to(reader, QUEUE_DAY_ANNULLED);
    refuse_unless(reader, day->state != QUEUE_DAY_NONE);
    day->openings = bytes_get_u16(reader);
    day->opened_ms = get_time_ms(reader);
    day->closed_ms = get_time_ms(reader);
    day->opened_lsn = bytes_get_u64(reader);
    day->erased_date = bytes_get_u32(reader);
    refuse_unless(reader, day->erased_date == 0 || queue_date_is_valid(day->erased_date));
    day->annulled_date = bytes_get_u32(reader);
    refuse_unless(reader, day->annulled_date == 0 || queue_date_is_valid(day->annulled_date));
    day->origin = get_origin(reader);
    day->suspended = get_u8_up_to(reader, 1);
    day->ruled_lsn = bytes_get_u64(reader);
}

static void put_category(struct bytes_writer *writer, const struct queue_category *category)
{
    bytes_put_u16(writer, category->id);
    bytes_put_u16(writer, category->plain_highest);
    bytes_put_u16(writer, category->ceiling);
    put_series(writer, category->letter);
    bytes_put_u16(writer, category->letter_highest);
    bytes_put_u8(writer, category->suspended | (category->earlier_highest != 0 ? HAS_EARLIER : 0));
    bytes_put_u16(writer, category->limit);
    bytes_put_u64(writer, category->ruled_lsn);
    bytes_put_u64(writer, category->changed_lsn);
    if (category->earlier_highest != 0) {
        bytes_put_u16(writer, category->earlier_highest);
    }
}

static void get_category(struct bytes_reader *reader, struct queue_category *category)
{
    uint8_t flags;

    category->id = get_category_id(reader, 1);
    category->plain_highest = get_number(reader);
    category->ceiling = get_number(reader);
    category->letter = get_series(reader);
    category->letter_highest = get_number(reader);
    flags = get_u8_up_to(reader, 1 | HAS_EARLIER);
    category->suspended = flags & 1;
    category->limit = bytes_get_u16(reader);
    category->ruled_lsn = bytes_get_u64(reader);
    category->changed_lsn = bytes_get_u64(reader);
    if ((flags & HAS_EARLIER) != 0) { /* rows of before there was this field have it not */
        category->earlier_highest = get_number(reader);
        refuse_unless(reader, category->earlier_highest != 0 &&
                                  category->earlier_highest <= category->plain_highest);
    }
}

static void put_plan(struct bytes_writer *writer, const uint16_t *plan, uint8_t count)
{
    bytes_put_u8(writer, count);
    for (int i = 0; i < count; i++) {
        bytes_put_u16(writer, plan[i]);
    }
}

static uint8_t get_plan(struct bytes_reader *reader, uint16_t plan[QUEUE_PLAN_MAX])
{
    uint8_t count = get_u8_up_to(reader, QUEUE_PLAN_MAX);

    for (int i = 0; i < count && i < QUEUE_PLAN_MAX; i++) {
        plan[i] = get_category_id(reader, 1);
    }
    return count;
}

static void put_undo(struct bytes_writer *writer, const struct queue_counter *counter)
{
    bytes_put_u8(writer, counter->undo_state);
    bytes_put_u16(writer, counter->undo_counter);
    bytes_put_u16(writer, counter->undo_call_count);
    bytes_put_u16(writer, counter->undo_category);
    bytes_put_u16(writer, counter->undo_for_counter);
    bytes_put_u16(writer, counter->undo_hold_owner);
    bytes_put_u8(writer, counter->undo_hold_reason);
    bytes_put_u8(writer, counter->undo_leg_count);
    put_plan(writer, counter->undo_plan, counter->undo_plan_count);
    put_origin(writer, &counter->undo_call);
    bytes_put_i64(writer, counter->undo_enqueued_ms);
    bytes_put_i64(writer, counter->undo_place_ms);
    bytes_put_i64(writer, counter->undo_called_ms);
    bytes_put_i64(writer, counter->undo_started_ms);
    bytes_put_i64(writer, counter->undo_hold_until_ms);
    bytes_put_i64(writer, counter->undo_at_ms);
    bytes_put_i64(writer, counter->undo_first_called_ms);
    bytes_put_i64(writer, counter->undo_held_at_ms);
    bytes_put_u32(writer, counter->undo_held_ms);
    bytes_put_u32(writer, counter->undo_served_ms);
    put_token(writer, &counter->undo_ticket);
}

static void put_counter(struct bytes_writer *writer, const struct queue_counter *counter)
{
    bytes_put_u16(writer, counter->id);
    bytes_put_u8(writer, counter->open);
    put_token(writer, &counter->ticket);
    bytes_put_u8(writer, counter->undo_action);
    if (counter->undo_action != 0) {
        put_undo(writer, counter);
    }
    bytes_put_u64(writer, counter->changed_lsn);
}

/* What undo writes back into a ticket. */
static void get_undo(struct bytes_reader *reader, struct queue_counter *counter)
{
    counter->undo_state = get_u8_up_to(reader, QUEUE_STATE_LAST);
    counter->undo_counter = bytes_get_u16(reader);
    counter->undo_call_count = bytes_get_u16(reader);
    counter->undo_category = get_category_id(reader, 1);
    counter->undo_for_counter = bytes_get_u16(reader);
    counter->undo_hold_owner = bytes_get_u16(reader);
    counter->undo_hold_reason = get_u8_up_to(reader, QUEUE_HOLD_INQUIRY);
    counter->undo_leg_count = get_u8_up_to(reader, QUEUE_LEGS_MAX);
    counter->undo_plan_count = get_plan(reader, counter->undo_plan);
    counter->undo_call = get_origin(reader);
    counter->undo_enqueued_ms = get_time_ms(reader);
    counter->undo_place_ms = get_time_ms(reader);
    counter->undo_called_ms = get_time_ms(reader);
    counter->undo_started_ms = get_time_ms(reader);
    counter->undo_hold_until_ms = get_time_ms(reader);
    counter->undo_at_ms = get_time_ms(reader);
    counter->undo_first_called_ms = get_time_ms(reader);
    counter->undo_held_at_ms = get_time_ms(reader);
    counter->undo_held_ms = get_duration_ms(reader);
    counter->undo_served_ms = get_duration_ms(reader);
    counter->undo_ticket = get_token(reader);
    refuse_unless(reader, counter->undo_state != 0 && !ids_token_is_zero(&counter->undo_ticket));
}

static void get_counter(struct bytes_reader *reader, struct queue_counter *counter)
{
    counter->id = bytes_get_u16(reader);
    refuse_unless(reader, counter->id != 0);
    counter->open = get_u8_up_to(reader, 1);
    counter->ticket = get_token(reader);
    counter->undo_action = get_u8_up_to(reader, QUEUE_CLIENT_ACTION_LAST);
    if (counter->undo_action != 0) {
        get_undo(reader, counter);
    }
    counter->changed_lsn = bytes_get_u64(reader);
}

static void put_totals(struct bytes_writer *writer, const struct queue_totals *totals)
{
    bytes_put_u16(writer, totals->category);
    bytes_put_u32(writer, totals->issued);
    bytes_put_u32(writer, totals->served);
    bytes_put_u32(writer, totals->no_show);
    bytes_put_u32(writer, totals->cancelled);
    bytes_put_u32(writer, totals->expired);
    bytes_put_u32(writer, totals->voided);
    bytes_put_u32(writer, totals->transferred);
    bytes_put_u32(writer, totals->doubtful);
    bytes_put_u64(writer, totals->wait_ms_sum);
    bytes_put_u64(writer, totals->service_ms_sum);
}

static void get_totals(struct bytes_reader *reader, struct queue_totals *totals)
{
    totals->category = get_category_id(reader, 1);
    totals->issued = bytes_get_u32(reader);
    totals->served = bytes_get_u32(reader);
    totals->no_show = bytes_get_u32(reader);
    totals->cancelled = bytes_get_u32(reader);
    totals->expired = bytes_get_u32(reader);
    totals->voided = bytes_get_u32(reader);
    totals->transferred = bytes_get_u32(reader);
    totals->doubtful = bytes_get_u32(reader);
    totals->wait_ms_sum = bytes_get_u64(reader);
    totals->service_ms_sum = bytes_get_u64(reader);
}

static void put_leg(struct bytes_writer *writer, const struct queue_leg *leg)
{
    bytes_put_u16(writer, leg->category);
    bytes_put_u16(writer, leg->counter);
    bytes_put_u8(writer, leg->outcome);
    bytes_put_i64(writer, leg->enqueued_ms);
    bytes_put_i64(writer, leg->called_ms);
    bytes_put_i64(writer, leg->started_ms);
    bytes_put_i64(writer, leg->ended_ms);
    bytes_put_i64(writer, leg->first_called_ms);
    bytes_put_u32(writer, leg->held_ms);
    bytes_put_u32(writer, leg->served_ms);
}

static void get_leg(struct bytes_reader *reader, struct queue_leg *leg)
{
    leg->category = get_category_id(reader, 1);
    leg->counter = bytes_get_u16(reader);
    leg->outcome = get_u8_up_to(reader, QUEUE_OUTCOME_TO_COUNTER);
    refuse_unless(reader, leg->outcome != QUEUE_OUTCOME_NONE);
    leg->enqueued_ms = get_time_ms(reader);
    leg->called_ms = get_time_ms(reader);
    leg->started_ms = get_time_ms(reader);
    leg->ended_ms = get_time_ms(reader);
    leg->first_called_ms = get_time_ms(reader);
    leg->held_ms = get_duration_ms(reader);
    leg->served_ms = get_duration_ms(reader);
}

static bool has_spent(const struct queue_ticket *ticket)
{
    return ticket->first_called_ms != 0 || ticket->held_at_ms != 0 || ticket->held_ms != 0 ||
           ticket->served_ms != 0;
}

/* Nothing of it is there before the first call. */
static void put_spent(struct bytes_writer *writer, const struct queue_ticket *ticket)
{
    bytes_put_u8(writer, has_spent(ticket) ? 1 : 0);
    if (has_spent(ticket)) {
        bytes_put_i64(writer, ticket->first_called_ms);
        bytes_put_i64(writer, ticket->held_at_ms);
        bytes_put_u32(writer, ticket->held_ms);
        bytes_put_u32(writer, ticket->served_ms);
    }
}

static void get_spent(struct bytes_reader *reader, struct queue_ticket *ticket)
{
    if (get_u8_up_to(reader, 1) != 0) {
        ticket->first_called_ms = get_time_ms(reader);
        ticket->held_at_ms = get_time_ms(reader);
        ticket->held_ms = get_duration_ms(reader);
        ticket->served_ms = get_duration_ms(reader);
        refuse_unless(reader, has_spent(ticket));
    }
}

static void put_ticket(struct bytes_writer *writer, const struct queue_ticket *ticket)
{
    put_token(writer, &ticket->id);
    bytes_put_u32(writer, ticket->day);
    bytes_put_u16(writer, ticket->category);
    bytes_put_u16(writer, ticket->number);
    put_series(writer, ticket->series);
    bytes_put_u64(writer, ticket->term);
    bytes_put_u8(writer, ticket->state);
    bytes_put_u8(writer, ticket->outcome);
    bytes_put_u8(writer, ticket->delivery);
    bytes_put_u8(writer, ticket->priority);
    bytes_put(writer, ticket->language, sizeof(ticket->language));
    bytes_put_u16(writer, ticket->counter);
    bytes_put_u16(writer, ticket->for_counter);
    bytes_put_u16(writer, ticket->call_count);
    bytes_put_u16(writer, ticket->waiting_ahead_at_issue);
    bytes_put_u16(writer, ticket->estimate_s_at_issue);
    bytes_put_u8(writer, ticket->undelivered);
    bytes_put_u8(writer, ticket->copies);
    bytes_put_u8(writer, ticket->uncertain);
    bytes_put_u8(writer, ticket->assist);
    bytes_put_u8(writer, ticket->doubtful);
    bytes_put_i64(writer, ticket->issued_ms);
    bytes_put_i64(writer, ticket->enqueued_ms);
    bytes_put_i64(writer, ticket->place_ms);
    bytes_put_i64(writer, ticket->called_ms);
    bytes_put_i64(writer, ticket->started_ms);
    bytes_put_i64(writer, ticket->ended_ms);
    put_origin(writer, &ticket->call);
    put_token(writer, &ticket->request_key);
    put_origin(writer, &ticket->origin);
    put_origin(writer, &ticket->adopted);
    bytes_put_u64(writer, ticket->changed_lsn);
    bytes_put_u8(writer, ticket->hold_reason);
    if (ticket->hold_reason != 0) {
        bytes_put_u16(writer, ticket->hold_owner);
        bytes_put_i64(writer, ticket->hold_until_ms);
    }
    put_spent(writer, ticket);
    bytes_put_u8(writer, ticket->leg_count);
    for (int i = 0; i < ticket->leg_count; i++) {
        put_leg(writer, &ticket->legs[i]);
    }
    put_plan(writer, ticket->plan, ticket->plan_count);
    bytes_put_text(writer, ticket->note);
}

static void get_language(struct bytes_reader *reader, char language[8])
{
    char given[8];

    bytes_get(reader, given, sizeof(given));
    if (!queue_language_read(given, language) || memcmp(given, language, sizeof(given)) != 0) {
        reader->failed = true;
    }
}

/* What most tickets have nothing of. */
static void get_ticket_more(struct bytes_reader *reader, struct queue_ticket *ticket)
{
    ticket->hold_reason = get_u8_up_to(reader, QUEUE_HOLD_INQUIRY);
    if (ticket->hold_reason != 0) {
        ticket->hold_owner = bytes_get_u16(reader);
        ticket->hold_until_ms = get_time_ms(reader);
    }
    get_spent(reader, ticket);
    ticket->leg_count = get_u8_up_to(reader, QUEUE_LEGS_MAX);
    for (int i = 0; i < ticket->leg_count && i < QUEUE_LEGS_MAX; i++) {
        get_leg(reader, &ticket->legs[i]);
    }
    ticket->plan_count = get_plan(reader, ticket->plan);
    bytes_get_text(reader, ticket->note, sizeof(ticket->note));
    refuse_unless(reader, queue_text_is_valid(ticket->note, sizeof(ticket->note)));
}

static void get_ticket(struct bytes_reader *reader, struct queue_ticket *ticket)
{
    ticket->id = get_token(reader);
    ticket->day = bytes_get_u32(reader);
    ticket->category = get_category_id(reader, 1);
    ticket->number = get_number(reader);
    ticket->series = get_series(reader);
    ticket->term = bytes_get_u64(reader);
    ticket->state = get_u8_up_to(reader, QUEUE_STATE_LAST);
    ticket->outcome = get_u8_up_to(reader, QUEUE_OUTCOME_LAST);
    ticket->delivery = get_u8_up_to(reader, QUEUE_DELIVERY_REGISTERED);
    ticket->priority = get_u8_up_to(reader, QUEUE_PRIORITY_MAX);
    get_language(reader, ticket->language);
    ticket->counter = bytes_get_u16(reader);
    ticket->for_counter = bytes_get_u16(reader);
    ticket->call_count = bytes_get_u16(reader);
    ticket->waiting_ahead_at_issue = bytes_get_u16(reader);
    ticket->estimate_s_at_issue = bytes_get_u16(reader);
    ticket->undelivered = get_u8_up_to(reader, 1);
    ticket->copies = bytes_get_u8(reader);
    ticket->uncertain = get_u8_up_to(reader, 1);
    ticket->assist = get_u8_up_to(reader, 1);
    ticket->doubtful = get_u8_up_to(reader, 1);
    ticket->issued_ms = get_time_ms(reader);
    ticket->enqueued_ms = get_time_ms(reader);
    ticket->place_ms = get_time_ms(reader);
    ticket->called_ms = get_time_ms(reader);
    ticket->started_ms = get_time_ms(reader);
    ticket->ended_ms = get_time_ms(reader);
    ticket->call = get_origin(reader);
    ticket->request_key = get_token(reader);
    ticket->origin = get_origin(reader);
    ticket->adopted = get_origin(reader);
    ticket->changed_lsn = bytes_get_u64(reader);
    get_ticket_more(reader, ticket);
    refuse_unless(reader, (ticket->outcome == QUEUE_OUTCOME_NONE) ==
                              queue_ticket_is_live((enum queue_ticket_state)ticket->state));
    refuse_unless(reader, !ids_token_is_zero(&ticket->id) && queue_date_is_valid(ticket->day) &&
                              ticket->number != 0 && ticket->state != 0 && ticket->delivery != 0);
    refuse_unless(reader,
                  ticket->state != QUEUE_EXPECTED ||
                      (ticket->delivery == QUEUE_DELIVERY_REGISTERED && ticket->place_ms == 0));
    refuse_unless(reader, ticket->counter != 0 ||
                              (ticket->state != QUEUE_CALLED && ticket->state != QUEUE_SERVING));
}

static void put_key(struct bytes_writer *writer, const struct queue_key *key)
{
    put_token(writer, &key->key);
    bytes_put_u64(writer, key->body_hash);
    bytes_put_u8(writer, key->action);
    bytes_put_u8(writer, key->reason);
    bytes_put_u8(writer, key->state);
    bytes_put_u16(writer, key->counter);
    bytes_put_u16(writer, key->call_count);
    put_token(writer, &key->ticket);
    bytes_put_u64(writer, key->lsn);
}

static void get_key(struct bytes_reader *reader, struct queue_key *key)
{
    key->key = get_token(reader);
    key->body_hash = bytes_get_u64(reader);
    key->action = bytes_get_u8(reader);
    key->reason = get_u8_up_to(reader, QUEUE_EMPTY);
    key->state = get_u8_up_to(reader, QUEUE_STATE_LAST);
    key->counter = bytes_get_u16(reader);
    key->call_count = bytes_get_u16(reader);
    key->ticket = get_token(reader);
    key->lsn = bytes_get_u64(reader);
    refuse_unless(reader, !ids_token_is_zero(&key->key) && queue_action_is_clients(key->action) &&
                              (key->reason == QUEUE_OK || key->reason == QUEUE_EMPTY));
}

static void put_notice(struct bytes_writer *writer, const struct queue_notice *notice)
{
    bytes_put_text(writer, notice->ja);
    bytes_put_text(writer, notice->en);
    bytes_put_u64(writer, notice->changed_lsn);
}

static void get_text(struct bytes_reader *reader, char *text, size_t capacity_bytes)
{
    bytes_get_text(reader, text, capacity_bytes);
    refuse_unless(reader, queue_text_is_valid(text, capacity_bytes));
}

static void get_notice(struct bytes_reader *reader, struct queue_notice *notice)
{
    get_text(reader, notice->ja, sizeof(notice->ja));
    get_text(reader, notice->en, sizeof(notice->en));
    notice->changed_lsn = bytes_get_u64(reader);
    refuse_unless(reader, notice->ja[0] != '\0' || notice->en[0] == '\0');
}

static void put_serves(struct bytes_writer *writer, const struct queue_serves *serves)
{
    bytes_put_u16(writer, serves->counter);
    bytes_put_u8(writer, serves->count);
    for (int i = 0; i < serves->count; i++) {
        bytes_put_u16(writer, serves->items[i].category);
        bytes_put_u8(writer, serves->items[i].tier);
    }
    bytes_put_u64(writer, serves->changed_lsn);
}

static void get_serves(struct bytes_reader *reader, struct queue_serves *serves)
{
    serves->counter = bytes_get_u16(reader);
    serves->count = get_u8_up_to(reader, QUEUE_COUNTER_CATEGORIES_MAX);
    for (int i = 0; i < serves->count && i < QUEUE_COUNTER_CATEGORIES_MAX; i++) {
        serves->items[i].category = get_category_id(reader, 1);
        serves->items[i].tier = get_u8_up_to(reader, QUEUE_TIER_MAX);
        refuse_unless(reader, serves->items[i].tier != 0);
    }
    serves->changed_lsn = bytes_get_u64(reader);
    refuse_unless(reader, serves->counter != 0);
}

static void put_hours(struct bytes_writer *writer, const struct queue_hours *hours)
{
    bytes_put_u32(writer, hours->date);
    bytes_put_u8(writer, hours->kind);
    bytes_put_u16(writer, hours->open_minute);
    bytes_put_u16(writer, hours->close_minute);
    bytes_put_text(writer, hours->reason_ja);
    bytes_put_text(writer, hours->reason_en);
    bytes_put_u64(writer, hours->changed_lsn);
}

static void get_hours(struct bytes_reader *reader, struct queue_hours *hours)
{
    hours->date = bytes_get_u32(reader);
    hours->kind = get_u8_up_to(reader, QUEUE_HOURS_OPEN);
    hours->open_minute = bytes_get_u16(reader);
    hours->close_minute = bytes_get_u16(reader);
    get_text(reader, hours->reason_ja, sizeof(hours->reason_ja));
    get_text(reader, hours->reason_en, sizeof(hours->reason_en));
    hours->changed_lsn = bytes_get_u64(reader);
    refuse_unless(reader, queue_date_is_valid(hours->date) && queue_hours_are_valid(hours));
}

size_t queue_row_key(const struct queue_row *row, uint8_t key[32])
{
    struct bytes_writer writer = bytes_writer_over(key, 32);

    bytes_put_u8(&writer, row->kind);
    switch ((enum queue_row_kind)row->kind) {
    case QUEUE_ROW_DAY:
        break;
    case QUEUE_ROW_CATEGORY:
        bytes_put_u16(&writer, row->category.id);
        break;
    case QUEUE_ROW_COUNTER:
        bytes_put_u16(&writer, row->counter.id);
        break;
    case QUEUE_ROW_TOTALS:
        bytes_put_u16(&writer, row->totals.category);
        break;
    case QUEUE_ROW_NOTICE:
        break;
    case QUEUE_ROW_SERVES:
        bytes_put_u16(&writer, row->serves.counter);
        break;
    case QUEUE_ROW_HOURS:
        bytes_put_u32(&writer, row->hours.date);
        break;
    case QUEUE_ROW_TICKET: /* neighbours in time are neighbours on disk: a batch touches few pages */
        bytes_put_u16(&writer, (uint16_t)row->ticket.series.unit);
        bytes_put_u16(&writer, (uint16_t)row->ticket.series.session);
        bytes_put_u16(&writer, row->ticket.number);
        put_token(&writer, &row->ticket.id);
        break;
    case QUEUE_ROW_KEY:
        bytes_put_u64(&writer, row->key.lsn);
        put_token(&writer, &row->key.key);
        break;
    }
    CHECK(!writer.failed);
    return writer.len_bytes;
}

size_t queue_row_encode(const struct queue_row *row, uint8_t *bytes, size_t capacity_bytes)
{
    struct bytes_writer writer = bytes_writer_over(bytes, capacity_bytes);

    bytes_put_u8(&writer, FORMAT_VERSION);
    bytes_put_u8(&writer, row->kind);
    switch ((enum queue_row_kind)row->kind) {
    case QUEUE_ROW_DAY:
        put_day(&writer, &row->day);
        break;
    case QUEUE_ROW_CATEGORY:
        put_category(&writer, &row->category);
        break;
    case QUEUE_ROW_COUNTER:
        put_counter(&writer, &row->counter);
        break;
    case QUEUE_ROW_TOTALS:
        put_totals(&writer, &row->totals);
        break;
    case QUEUE_ROW_NOTICE:
        put_notice(&writer, &row->notice);
        break;
    case QUEUE_ROW_SERVES:
        put_serves(&writer, &row->serves);
        break;
    case QUEUE_ROW_HOURS:
        put_hours(&writer, &row->hours);
        break;
    case QUEUE_ROW_TICKET:
        put_ticket(&writer, &row->ticket);
        break;
    case QUEUE_ROW_KEY:
        put_key(&writer, &row->key);
        break;
    }
    return writer.failed ? 0 : writer.len_bytes;
}

static void get_row(struct bytes_reader *reader, struct queue_row *row)
{
    memset(row, 0, sizeof(*row));
    refuse_unless(reader, bytes_get_u8(reader) == FORMAT_VERSION);
    row->kind = bytes_get_u8(reader);
    switch ((enum queue_row_kind)row->kind) {
    case QUEUE_ROW_DAY:
        get_day(reader, &row->day);
        return;
    case QUEUE_ROW_CATEGORY:
        get_category(reader, &row->category);
        return;
    case QUEUE_ROW_COUNTER:
        get_counter(reader, &row->counter);
        return;
    case QUEUE_ROW_TOTALS:
        get_totals(reader, &row->totals);
        return;
    case QUEUE_ROW_NOTICE:
        get_notice(reader, &row->notice);
        return;
    case QUEUE_ROW_SERVES:
        get_serves(reader, &row->serves);
        return;
    case QUEUE_ROW_HOURS:
        get_hours(reader, &row->hours);
        return;
    case QUEUE_ROW_TICKET:
        get_ticket(reader, &row->ticket);
        return;
    case QUEUE_ROW_KEY:
        get_key(reader, &row->key);
        return;
    }
    reader->failed = true;
}

bool queue_row_decode(const uint8_t *bytes, size_t len_bytes, struct queue_row *ret_row)
{
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);
    struct queue_row row;

    get_row(&reader, &row);
    if (!bytes_finished(&reader)) {
        return false;
    }
    *ret_row = row;
    return true;
}

size_t queue_change_encode(const struct queue_change *change, uint8_t *bytes, size_t capacity_bytes)
{
    struct bytes_writer writer = bytes_writer_over(bytes, capacity_bytes);

    bytes_put_u8(&writer, FORMAT_VERSION);
    bytes_put_u8(&writer, change->action);
    bytes_put_u8(&writer, change->row_count);
    for (int i = 0; i < change->row_count; i++) {
        uint8_t row[QUEUE_ROW_BYTES_MAX];

        bytes_put_blob16(&writer, row, queue_row_encode(&change->rows[i], row, sizeof(row)));
    }
    return writer.failed ? 0 : writer.len_bytes;
}

static bool change_may_touch_day(const struct queue_change *change)
{
    return change->action == QUEUE_JOIN || change->action == QUEUE_SUSPEND ||
           change->action == QUEUE_RESUME;
}

/* A day's action is its one row, in the state that the action leaves; no other change touches the
 * day but a join, and stopping acceptance of everything. */
static bool change_is_whole(const struct queue_change *change)
{
    bool is_day = change->action >= QUEUE_DAY_OPENING && change->action <= QUEUE_DAY_ANNULLING;

    if (change->action < QUEUE_ISSUE || change->action >= QUEUE_ACTION_END) {
        return false;
    }
    if (is_day) {
        uint8_t state = (uint8_t)(change->action - QUEUE_DAY_OPENING + QUEUE_DAY_OPEN);

        return change->row_count == 1 && change->rows[0].kind == QUEUE_ROW_DAY &&
               change->rows[0].day.state == state;
    }
    for (int i = 0; i < change->row_count; i++) {
        if (change->rows[i].kind == QUEUE_ROW_DAY && !change_may_touch_day(change)) {
            return false;
        }
    }
    return true;
}

bool queue_change_decode(const uint8_t *bytes, size_t len_bytes, struct queue_change *ret_change)
{
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);
    struct queue_change change;
    uint8_t version = bytes_get_u8(&reader);

    change.action = bytes_get_u8(&reader);
    change.row_count = bytes_get_u8(&reader);
    if (version != FORMAT_VERSION || change.row_count > QUEUE_CHANGE_ROWS_MAX) {
        return false;
    }
    for (int i = 0; i < change.row_count; i++) {
        size_t row_bytes;
        const uint8_t *row = bytes_take_blob16(&reader, &row_bytes);

        if (row == NULL || !queue_row_decode(row, row_bytes, &change.rows[i])) {
            return false;
        }
    }
    if (!bytes_finished(&reader) || !change_is_whole(&change)) {
        return false;
    }
    ret_change->action = change.action;
    ret_change->row_count = change.row_count;
    memcpy(ret_change->rows, change.rows, change.row_count * sizeof(change.rows[0]));
    return true;
}
