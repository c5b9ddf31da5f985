/* The state: rows, their index, and applying a change. */
#include "appliance/queue/queue.h"

#include "appliance/queue/queue_parts.h"
#include "base/check.h"

#include <assert.h>
#include <string.h>

static_assert(QUEUE_TICKET_INDEX_SLOTS > 2 * QUEUE_TICKETS_HELD_MAX, "probing stays short");
static_assert(QUEUE_KEY_INDEX_SLOTS >= 2 * QUEUE_KEYS_HELD_MAX, "probing stays short");
static_assert((QUEUE_TICKET_INDEX_SLOTS & (QUEUE_TICKET_INDEX_SLOTS - 1)) == 0, "a mask");
static_assert((QUEUE_KEY_INDEX_SLOTS & (QUEUE_KEY_INDEX_SLOTS - 1)) == 0, "a mask");

void queue_init(struct queue *queue)
{
    /* The big arrays are left alone: memory that was never used costs nothing. */
    memset(&queue->config, 0, sizeof(queue->config));
    memset(&queue->day, 0, sizeof(queue->day));
    memset(queue->categories, 0, sizeof(queue->categories));
    memset(queue->totals, 0, sizeof(queue->totals));
    memset(queue->counters, 0, sizeof(queue->counters));
    memset(&queue->notice, 0, sizeof(queue->notice));
    memset(queue->serves, 0, sizeof(queue->serves));
    memset(queue->hours, 0, sizeof(queue->hours));
    memset(queue->category_slots, 0, sizeof(queue->category_slots));
    memset(queue->tiers, 0, sizeof(queue->tiers));
    memset(queue->service_ms, 0, sizeof(queue->service_ms));
    queue->ticket_count = 0;
    queue->key_count = 0;
    queue_forget_visits(queue);
}

void queue_forget_visits(struct queue *queue)
{
    memset(queue->tickets, 0, queue->ticket_count * sizeof(queue->tickets[0]));
    memset(queue->keys, 0, queue->key_count * sizeof(queue->keys[0]));
    memset(queue->ticket_index, 0, sizeof(queue->ticket_index));
    memset(queue->key_index, 0, sizeof(queue->key_index));
    memset(queue->number_index, 0, sizeof(queue->number_index));
    memset(queue->lines, 0, sizeof(queue->lines));
    memset(queue->own_waiting, 0, sizeof(queue->own_waiting));
    memset(queue->registered, 0, sizeof(queue->registered));
    memset(&queue->calls, 0, sizeof(queue->calls));
    queue->ticket_count = 0;
    queue->key_count = 0;
    queue->newest_enqueued_ms = 0;
    for (int slot = 0; slot < queue->config.category_count; slot++) {
        queue->service_ms[slot] = queue->config.categories[slot].service_ms_prior;
    }
}

int64_t queue_believed_ms(int64_t at_ms)
{
    if (at_ms < 0) {
        return 0;
    }
    return at_ms > QUEUE_TIME_MS_MAX ? QUEUE_TIME_MS_MAX : at_ms;
}

int queue_category_slot(const struct queue *queue, uint16_t id)
{
    return id <= QUEUE_CATEGORIES_MAX ? queue->category_slots[id] - 1 : -1;
}

int queue_counter_slot(const struct queue *queue, uint16_t id)
{
    for (int slot = 0; slot < queue->config.counter_count; slot++) {
        if (queue->config.counters[slot].id == id) {
            return slot;
        }
    }
    return -1;
}

int queue_number_slot(const struct queue *queue, uint16_t number)
{
    for (int slot = 0; slot < queue->config.category_count; slot++) {
        const struct queue_category_config *category = &queue->config.categories[slot];

        if ((number >= category->number_first && number <= category->number_last) ||
            (category->manual_first != 0 && number >= category->manual_first &&
             number <= category->manual_last)) {
            return slot;
        }
    }
    return -1;
}

/* Ids and keys are random or hashes already, so their first bytes spread well. */
static uint32_t token_slot(const struct ids_token *token, uint32_t slot_count)
{
    uint32_t spread;

    memcpy(&spread, token->bytes, sizeof(spread));
    return spread & (slot_count - 1);
}

/* The slot that holds this id, or the free one where it would go. */
static uint32_t ticket_index_slot(const struct queue *queue, const struct ids_token *id)
{
    uint32_t slot = token_slot(id, QUEUE_TICKET_INDEX_SLOTS);

    while (queue->ticket_index[slot] != 0 &&
           !ids_token_equal(&queue->tickets[queue->ticket_index[slot] - 1].id, id)) {
        slot = (slot + 1) & (QUEUE_TICKET_INDEX_SLOTS - 1);
    }
    return slot;
}

static uint32_t key_index_slot(const struct queue *queue, const struct ids_token *key)
{
    uint32_t slot = token_slot(key, QUEUE_KEY_INDEX_SLOTS);

    while (queue->key_index[slot] != 0 &&
           !ids_token_equal(&queue->keys[queue->key_index[slot] - 1].key, key)) {
        slot = (slot + 1) & (QUEUE_KEY_INDEX_SLOTS - 1);
    }
    return slot;
}

const struct queue_ticket *queue_ticket_find(const struct queue *queue, const struct ids_token *id)
{
    uint32_t held = queue->ticket_index[ticket_index_slot(queue, id)];

    return held == 0 ? NULL : &queue->tickets[held - 1];
}

const struct queue_key *queue_key_find(const struct queue *queue, const struct ids_token *key)
{
    uint32_t held = queue->key_index[key_index_slot(queue, key)];

    return held == 0 ? NULL : &queue->keys[held - 1];
}

const struct queue_ticket *queue_ticket_by_number(const struct queue *queue, uint16_t number,
                                                  struct ids_series series)
{
    if (number > QUEUE_NUMBER_MAX) {
        return NULL;
    }
    for (uint32_t held = queue->number_index[number]; held != 0;
         held = queue->number_next[held - 1]) {
        if (ids_series_equal(queue->tickets[held - 1].series, series)) {
            return &queue->tickets[held - 1];
        }
    }
    return NULL;
}

const struct queue_counter *queue_counter_find(const struct queue *queue, uint16_t id)
{
    int slot = queue_counter_slot(queue, id);

    return slot < 0 ? NULL : &queue->counters[slot];
}

const struct queue_category *queue_category_find(const struct queue *queue, uint16_t id)
{
    int slot = queue_category_slot(queue, id);

    return slot < 0 ? NULL : &queue->categories[slot];
}

const struct queue_category_config *queue_category_config_find(const struct queue *queue,
                                                               uint16_t id)
{
    int slot = queue_category_slot(queue, id);

    return slot < 0 ? NULL : &queue->config.categories[slot];
}

const struct queue_counter_config *queue_counter_config_find(const struct queue *queue, uint16_t id)
{
    int slot = queue_counter_slot(queue, id);

    return slot < 0 ? NULL : &queue->config.counters[slot];
}

bool queue_ticket_is_live(enum queue_ticket_state state)
{
    return (state >= QUEUE_ISSUING && state <= QUEUE_ABSENT) || state == QUEUE_EXPECTED;
}

bool queue_ticket_has_arrived(const struct queue_ticket *ticket)
{
    return ticket->delivery != QUEUE_DELIVERY_REGISTERED || ticket->place_ms != 0;
}

void queue_set_config(struct queue *queue, const struct queue_config *config)
{
    struct queue_category categories[QUEUE_CATEGORIES_MAX] = {0};
    struct queue_totals totals[QUEUE_CATEGORIES_MAX] = {0};
    struct queue_counter counters[QUEUE_COUNTERS_MAX] = {0};
    struct queue_serves serves[QUEUE_COUNTERS_MAX] = {0};
    uint8_t category_slots[QUEUE_CATEGORIES_MAX + 1] = {0};

    CHECK(queue_config_is_valid(config));
    for (int slot = 0; slot < config->category_count; slot++) {
        uint16_t id = config->categories[slot].id;
        int old = queue_category_slot(queue, id);

        CHECK(id <= QUEUE_CATEGORIES_MAX);
        category_slots[id] = (uint8_t)(slot + 1);
        categories[slot].id = id;
        totals[slot].category = id;
        if (old >= 0) {
            categories[slot] = queue->categories[old];
            totals[slot] = queue->totals[old];
        }
    }
    for (int slot = 0; slot < config->counter_count; slot++) {
        int old = queue_counter_slot(queue, config->counters[slot].id);

        counters[slot].id = config->counters[slot].id;
        serves[slot].counter = config->counters[slot].id;
        if (old >= 0) {
            counters[slot] = queue->counters[old];
            serves[slot] = queue->serves[old];
        }
    }
    queue->config = *config;
    memcpy(queue->categories, categories, sizeof(categories));
    memcpy(queue->totals, totals, sizeof(totals));
    memcpy(queue->counters, counters, sizeof(counters));
    memcpy(queue->serves, serves, sizeof(serves));
    memcpy(queue->category_slots, category_slots, sizeof(category_slots));
    memset(queue->tiers, 0, sizeof(queue->tiers));
    for (int slot = 0; slot < config->counter_count; slot++) {
        queue_set_tiers(queue, slot);
    }
    memset(queue->lines, 0, sizeof(queue->lines));
    memset(queue->own_waiting, 0, sizeof(queue->own_waiting));
    memset(queue->registered, 0, sizeof(queue->registered));
    memset(&queue->calls, 0, sizeof(queue->calls));
    for (int slot = 0; slot < config->category_count; slot++) {
        queue->service_ms[slot] = config->categories[slot].service_ms_prior;
    }
    for (uint32_t at = 0; at < queue->ticket_count; at++) {
        queue->line_links[at] = (struct queue_link){0};
        queue->call_links[at] = (struct queue_link){0};
        queue_line_put(queue, at);
    }
}

static void number_put(struct queue *queue, uint32_t at)
{
    uint16_t number = queue->tickets[at].number;

    queue->number_next[at] = queue->number_index[number];
    queue->number_index[number] = at + 1;
}

const struct queue_ticket *queue_put_ticket(struct queue *queue, const struct queue_ticket *ticket)
{
    uint32_t slot = ticket_index_slot(queue, &ticket->id);
    uint32_t at;

    if (queue->ticket_index[slot] != 0) {
        at = queue->ticket_index[slot] - 1;
        /* An id keeps its number for life; a row that says otherwise is not one of ours. */
        if (queue->tickets[at].number != ticket->number) {
            return NULL;
        }
        queue_line_take(queue, at);
        queue->tickets[at] = *ticket;
    } else {
        if (queue->ticket_count == QUEUE_TICKETS_HELD_MAX) {
            return NULL;
        }
        at = queue->ticket_count++;
        queue->ticket_index[slot] = at + 1;
        queue->line_links[at] = (struct queue_link){0};
        queue->call_links[at] = (struct queue_link){0};
        queue->tickets[at] = *ticket;
        number_put(queue, at);
    }
    queue_line_put(queue, at);
    return &queue->tickets[at];
}

static bool put_key(struct queue *queue, const struct queue_key *key)
{
    uint32_t slot = key_index_slot(queue, &key->key);

    if (queue->key_index[slot] == 0) {
        if (queue->key_count == QUEUE_KEYS_HELD_MAX) {
            return false;
        }
        queue->key_index[slot] = ++queue->key_count;
    }
    queue->keys[queue->key_index[slot] - 1] = *key;
    return true;
}

static void row_of_hours(const struct queue *queue, uint32_t date, struct queue_row *ret_row)
{
    for (int i = 0; i < QUEUE_HOURS_MAX; i++) {
        if (queue->hours[i].date == date) {
            ret_row->kind = QUEUE_ROW_HOURS;
            ret_row->hours = queue->hours[i];
        }
    }
}

/* The row of the same name that is here now; kind 0: none. */
static void row_before(const struct queue *queue, const struct queue_row *row,
                       struct queue_row *before)
{
    before->kind = 0;
    switch ((enum queue_row_kind)row->kind) {
    case QUEUE_ROW_DAY:
        before->kind = queue->day.date == 0 ? 0 : QUEUE_ROW_DAY;
        before->day = queue->day;
        break;
    case QUEUE_ROW_CATEGORY:
        before->kind = row->kind;
        before->category = queue->categories[queue_category_slot(queue, row->category.id)];
        break;
    case QUEUE_ROW_TOTALS:
        before->kind = row->kind;
        before->totals = queue->totals[queue_category_slot(queue, row->totals.category)];
        break;
    case QUEUE_ROW_COUNTER:
        before->kind = row->kind;
        before->counter = queue->counters[queue_counter_slot(queue, row->counter.id)];
        break;
    case QUEUE_ROW_NOTICE:
        before->kind = row->kind;
        before->notice = queue->notice;
        break;
    case QUEUE_ROW_SERVES:
        before->kind = row->kind;
        before->serves = queue->serves[queue_counter_slot(queue, row->serves.counter)];
        break;
    case QUEUE_ROW_HOURS:
        row_of_hours(queue, row->hours.date, before);
        break;
    case QUEUE_ROW_TICKET: {
        const struct queue_ticket *ticket = queue_ticket_find(queue, &row->ticket.id);

        if (ticket != NULL) {
            before->kind = row->kind;
            before->ticket = *ticket;
        }
        break;
    }
    case QUEUE_ROW_KEY: {
        const struct queue_key *key = queue_key_find(queue, &row->key.key);

        if (key != NULL) {
            before->kind = row->kind;
            before->key = *key;
        }
        break;
    }
    }
}

static bool row_is_configured(const struct queue *queue, const struct queue_row *row)
{
    switch ((enum queue_row_kind)row->kind) {
    case QUEUE_ROW_CATEGORY:
        return queue_category_slot(queue, row->category.id) >= 0;
    case QUEUE_ROW_TOTALS:
        return queue_category_slot(queue, row->totals.category) >= 0;
    case QUEUE_ROW_COUNTER:
        return queue_counter_slot(queue, row->counter.id) >= 0;
    case QUEUE_ROW_SERVES:
        return queue_counter_slot(queue, row->serves.counter) >= 0;
    case QUEUE_ROW_TICKET:
        return queue_category_slot(queue, row->ticket.category) >= 0;
    case QUEUE_ROW_DAY:
    case QUEUE_ROW_NOTICE:
    case QUEUE_ROW_HOURS:
    case QUEUE_ROW_KEY:
        return true;
    }
    return false;
}

bool queue_load_row(struct queue *queue, const struct queue_row *row)
{
    if (!row_is_configured(queue, row)) {
        return false;
    }
    switch ((enum queue_row_kind)row->kind) {
    case QUEUE_ROW_DAY:
        queue->day = row->day;
        break;
    case QUEUE_ROW_CATEGORY:
        queue->categories[queue_category_slot(queue, row->category.id)] = row->category;
        break;
    case QUEUE_ROW_TOTALS:
        queue->totals[queue_category_slot(queue, row->totals.category)] = row->totals;
        break;
    case QUEUE_ROW_COUNTER:
        queue->counters[queue_counter_slot(queue, row->counter.id)] = row->counter;
        break;
    case QUEUE_ROW_NOTICE:
        queue->notice = row->notice;
        break;
    case QUEUE_ROW_SERVES: {
        int slot = queue_counter_slot(queue, row->serves.counter);

        queue->serves[slot] = row->serves;
        queue_set_tiers(queue, slot);
        break;
    }
    case QUEUE_ROW_HOURS:
        return queue_put_hours(queue, &row->hours);
    case QUEUE_ROW_TICKET:
        return queue_put_ticket(queue, &row->ticket) != NULL;
    case QUEUE_ROW_KEY:
        return put_key(queue, &row->key);
    }
    return true;
}

/* A category, counter or total that nothing was ever written of has no row: a configuration alone
 * makes none, and start-up from stored rows knows the same ones as the fold. */
static bool row_is_there(const struct queue_row *row)
{
    switch ((enum queue_row_kind)row->kind) {
    case QUEUE_ROW_CATEGORY:
        return row->category.changed_lsn != 0 || row->category.plain_highest != 0 ||
               row->category.ceiling != 0 || row->category.letter_highest != 0 ||
               row->category.letter.unit != 0 || row->category.suspended != 0 ||
               row->category.limit != 0;
    case QUEUE_ROW_COUNTER:
        return row->counter.changed_lsn != 0 || row->counter.open != 0 ||
               row->counter.undo_action != 0 || !ids_token_is_zero(&row->counter.ticket) ||
               !ids_token_is_zero(&row->counter.undo_ticket);
    case QUEUE_ROW_TOTALS:
        return row->totals.issued != 0 || row->totals.served != 0 || row->totals.no_show != 0 ||
               row->totals.cancelled != 0 || row->totals.expired != 0 || row->totals.voided != 0 ||
               row->totals.transferred != 0 || row->totals.doubtful != 0 ||
               row->totals.wait_ms_sum != 0 || row->totals.service_ms_sum != 0;
    case QUEUE_ROW_NOTICE:
        return row->notice.changed_lsn != 0 || row->notice.ja[0] != '\0';
    case QUEUE_ROW_SERVES:
        return row->serves.changed_lsn != 0 || row->serves.count != 0;
    case QUEUE_ROW_DAY:
    case QUEUE_ROW_HOURS:
    case QUEUE_ROW_TICKET:
    case QUEUE_ROW_KEY:
        return true;
    }
    return false;
}

void queue_tell(queue_touched_fn *touched, void *context, const struct queue_row *before,
                const struct queue_row *after)
{
    static const struct queue_row none;
    bool was = row_is_there(before);
    bool is = row_is_there(after);

    if (touched != NULL && (was || is)) {
        touched(context, was ? before : &none, is ? after : &none);
    }
}

void queue_apply(struct queue *queue, const struct queue_change *change, queue_touched_fn *touched,
                 void *context)
{
    for (int i = 0; i < change->row_count; i++) {
        const struct queue_row *row = &change->rows[i];
        struct queue_row before;

        if (!row_is_configured(queue, row)) {
            continue;
        }
        if (row->kind == QUEUE_ROW_DAY) {
            queue_apply_day(queue, change->action, &row->day, touched, context);
        }
        if (touched != NULL) {
            row_before(queue, row, &before);
        }
        if (queue_load_row(queue, row) && touched != NULL) {
            queue_tell(touched, context, &before, row);
        }
    }
}

static void for_each_managed(const struct queue *queue, queue_touched_fn *each, void *context)
{
    const struct queue_row none = {0};
    struct queue_row row = {.kind = QUEUE_ROW_NOTICE, .notice = queue->notice};

    queue_tell(each, context, &none, &row);
    for (int slot = 0; slot < queue->config.counter_count; slot++) {
        row.kind = QUEUE_ROW_SERVES;
        row.serves = queue->serves[slot];
        queue_tell(each, context, &none, &row);
    }
    for (int i = 0; i < QUEUE_HOURS_MAX && queue->hours[i].date != 0; i++) {
        row.kind = QUEUE_ROW_HOURS;
        row.hours = queue->hours[i];
        queue_tell(each, context, &none, &row);
    }
}

void queue_for_each_row(const struct queue *queue, queue_touched_fn *each, void *context)
{
    const struct queue_row none = {0};
    struct queue_row row = {0};

    if (queue->day.date != 0) {
        row.kind = QUEUE_ROW_DAY;
        row.day = queue->day;
        queue_tell(each, context, &none, &row);
    }
    for (int slot = 0; slot < queue->config.category_count; slot++) {
        row.kind = QUEUE_ROW_CATEGORY;
        row.category = queue->categories[slot];
        queue_tell(each, context, &none, &row);
    }
    for (int slot = 0; slot < queue->config.counter_count; slot++) {
        row.kind = QUEUE_ROW_COUNTER;
        row.counter = queue->counters[slot];
        queue_tell(each, context, &none, &row);
    }
    for (int slot = 0; slot < queue->config.category_count; slot++) {
        row.kind = QUEUE_ROW_TOTALS;
        row.totals = queue->totals[slot];
        queue_tell(each, context, &none, &row);
    }
    for_each_managed(queue, each, context);
    for (uint32_t at = 0; at < queue->ticket_count; at++) {
        row.kind = QUEUE_ROW_TICKET;
        row.ticket = queue->tickets[at];
        queue_tell(each, context, &none, &row);
    }
    for (uint32_t at = 0; at < queue->key_count; at++) {
        row.kind = QUEUE_ROW_KEY;
        row.key = queue->keys[at];
        queue_tell(each, context, &none, &row);
    }
}
