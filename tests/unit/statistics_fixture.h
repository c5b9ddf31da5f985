/*
 * tests/unit/statistics_fixture.h - an office with a whole engine behind it, whose presses are kept in a book by hand,
 * and every number counted from that book the slow way.
 */
#ifndef TESTS_UNIT_STATISTICS_FIXTURE_H
#define TESTS_UNIT_STATISTICS_FIXTURE_H

#include "appliance/engine/engine_statistics.h"
#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The engine writes with functions of these names; here JSON is only read. */
#define json_real jansson_real
#define json_null jansson_null
#include <jansson.h>
#undef json_real
#undef json_null
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OWN = 1,
    PARTNER = 2,
    CLIENT = 9,
    CATEGORIES = 3,
    COUNTERS = 3,
    VISITS_MAX = 400,
    SECOND_MS = 1000,
    HOUR_MS = 3600 * SECOND_MS,
    BODY_BYTES_MAX = 1 << 20,
    ITEMS_MAX = 32,
    DAY_ONE = 20261124,
    DAY_TWO = 20261125,
};

/* 2026-11-24T08:30:00+09:00 */
#define OPENING_MS INT64_C(1795476600000)

/* ---- a desk with a whole engine behind it ------------------------------------------------------------------ */

struct desk {
    struct engine *engine;
    struct queue_config config;
    struct calendar calendar;
    struct world world;
    uint8_t drawn;
    uint32_t id;
    uint16_t status;
    size_t len_bytes;
    char *body;
};

static inline int store(void *context, const struct ledger_batch *batch)
{
    (void)context;
    (void)batch;
    return 0;
}

static inline void say(void *context, const char *line)
{
    (void)context;
    (void)line;
}

static inline void draw_bytes(void *context, void *bytes, size_t len_bytes)
{
    struct desk *desk = context;

    for (size_t i = 0; i < len_bytes; i++) {
        ((uint8_t *)bytes)[i] = (uint8_t)(++desk->drawn * 167U ^ i);
    }
}

static inline void take_reply(void *context, uint64_t client, const uint8_t *header,
                       size_t header_len_bytes, const uint8_t *body, size_t body_len_bytes)
{
    static uint8_t frame[BODY_BYTES_MAX];
    struct desk *desk = context;
    struct api_reply reply;
    uint32_t id;

    (void)client;
    if (api_frame_type(header) != API_REPLY) {
        return;
    }
    assert_true(header_len_bytes + body_len_bytes < sizeof(frame));
    memcpy(frame, header, header_len_bytes);
    memcpy(frame + header_len_bytes, body, body_len_bytes);
    assert_true(api_reply_decode(frame, header_len_bytes + body_len_bytes, &id, &reply));
    desk->status = reply.status;
    desk->len_bytes = reply.body_len_bytes;
    memcpy(desk->body, reply.body, reply.body_len_bytes);
    desk->body[reply.body_len_bytes] = '\0';
}

static inline void fill_config(struct queue_config *config)
{
    static const char *const names[CATEGORIES][2] = {
        {"建築確認", "Building permits"}, {"都市計画図", "Plans"}, {"相談", "Advice"}};

    (void)strcpy(config->site_ja, "都市計画課");
    (void)strcpy(config->site_en, "City Planning");
    config->utc_offset_minutes = 540;
    for (uint16_t i = 1; i <= CATEGORIES; i++) {
        struct queue_category_config *category = &config->categories[config->category_count++];

        category->id = i;
        category->number_first = (uint16_t)(1000 * i + 1);
        category->number_last = (uint16_t)(1000 * i + 900);
        category->service_ms_prior = 5 * 60 * SECOND_MS;
        category->wait_ms_limit = i == 1 ? 600 * SECOND_MS : 0;
        (void)strcpy(category->name_ja, names[i - 1][0]);
        (void)strcpy(category->name_en, names[i - 1][1]);
    }
    for (uint16_t i = 1; i <= COUNTERS; i++) {
        struct queue_counter_config *counter = &config->counters[config->counter_count++];

        counter->id = i;
        (void)snprintf(counter->name_ja, sizeof(counter->name_ja), "窓口%u", i);
        (void)snprintf(counter->name_en, sizeof(counter->name_en), "Counter %u", i);
        for (uint16_t c = 1; c <= CATEGORIES; c++) {
            counter->categories[counter->category_count].category = c;
            counter->categories[counter->category_count++].tier = 1;
        }
    }
}

static inline struct desk *desk_new(uint32_t unit)
{
    struct desk *desk = calloc(1, sizeof(*desk));
    struct engine_options options = {
        .world = &desk->world,
        .duty = {.unit = unit, .peer_unit = 3 - unit},
        .config = &desk->config,
        .calendar = &desk->calendar,
    };
    struct engine *engine;

    desk->body = malloc(BODY_BYTES_MAX);
    desk->world = (struct world){
        .context = desk, .store = store, .log = say, .random = draw_bytes, .reply = take_reply};
    fill_config(&desk->config);
    desk->engine = engine = engine_create(&options);
    engine->state.sound = engine->started = true;
    engine->duty.state = DUTY_PAIRED_DUTY;
    engine->wall_ms = OPENING_MS;
    return desk;
}

/* A whole ledger from its beginning, and its first day. */
static inline struct desk *office_new(uint32_t unit)
{
    struct desk *desk = desk_new(unit);
    uint8_t bytes[QUEUE_CONFIG_BYTES_MAX];

    (void)engine_append(desk->engine, ENTRY_CONFIG, bytes,
                        queue_config_encode(&desk->config, bytes, sizeof(bytes)), false, 0, NULL);
    assert_int_equal(day_open(desk->engine, DAY_ONE, 0), QUEUE_OK);
    return desk;
}

static inline void desk_free(struct desk *desk)
{
    desk->engine->durable_lsn = desk->engine->last_lsn;
    engine_destroy(desk->engine);
    free(desk->body);
    free(desk);
}

static inline void settle(struct desk *desk)
{
    struct engine *engine = desk->engine;

    engine->durable_lsn = engine->sender.acked_lsn = engine->both_lsn = engine->last_lsn;
    engine->gather_from = engine->last_lsn + 1;
    serve_flush(engine);
}

static inline enum queue_reason act(struct desk *desk, struct queue_command command,
                             struct ids_token *ret_ticket)
{
    static struct queue_decision decision;

    command.at_ms = desk->engine->wall_ms;
    command.origin = engine_next_origin(desk->engine);
    queue_decide(desk->engine->queue, &command, &decision);
    if (decision.reason == QUEUE_CEILING_REACHED) {
        struct queue_change change;

        queue_raise_ceiling(desk->engine->queue, command.category, 400, desk->engine->last_lsn + 1, &change);
        (void)engine_append_change(desk->engine, &change, 0, NULL);
        return act(desk, command, ret_ticket);
    }
    if (decision.reason == QUEUE_OK && decision.change.row_count > 0) {
        (void)engine_append_change(desk->engine, &decision.change, 0, NULL);
    }
    if (ret_ticket != NULL) {
        *ret_ticket = decision.answer.ticket;
    }
    return decision.reason;
}

/* ---- what the presses were, kept by hand -------------------------------------------------------------------- */

struct service {
    int category, counter, hour, end;
    int64_t joined, first_call, call, start, held_since;
    int64_t served, held;
};

struct visit {
    struct ids_token id;
    int state;
    int count; /* of services */
    struct service services[QUEUE_LEGS_MAX + 1];
    int64_t came;
    int estimate_s; /* -1: none was said */
};

struct book {
    struct desk *desk;
    struct visit visits[VISITS_MAX];
    int count;
    struct visit before[COUNTERS + 1]; /* the newest press's ticket, as it was */
    int undoable[COUNTERS + 1];        /* 1 + its index */
    bool undone_is_call[COUNTERS + 1];
    uint64_t random;
};

static inline uint32_t draw(struct book *book, uint32_t below)
{
    book->random = book->random * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(book->random >> 33) % below;
}

static inline int64_t now(const struct book *book)
{
    return book->desk->engine->wall_ms;
}

static inline int hour_in_japan(int64_t at_ms)
{
    return (int)((at_ms / HOUR_MS + 9) % 24);
}

static inline struct service *current(struct visit *visit)
{
    return &visit->services[visit->count - 1];
}

static inline void join_line(struct book *book, struct visit *visit, int category)
{
    visit->services[visit->count++] = (struct service){.category = category,
                                                       .hour = hour_in_japan(now(book)),
                                                       .end = -1,
                                                       .joined = now(book)};
    visit->state = QUEUE_WAITING;
}

static inline void come(struct book *book)
{
    struct visit *visit = &book->visits[book->count];
    struct queue_command command = {
        .action = QUEUE_ISSUE, .category = (uint16_t)(1 + draw(book, CATEGORIES))};
    const struct queue_ticket *ticket;

    if (book->count == VISITS_MAX) {
        return;
    }
    memset(visit, 0, sizeof(*visit));
    command.ticket.bytes[0] = (uint8_t)(1 + book->count);
    command.ticket.bytes[1] = (uint8_t)(book->count >> 8);
    command.ticket.bytes[15] = 0x77;
    assert_int_equal(act(book->desk, command, &visit->id), QUEUE_OK);
    ticket = queue_ticket_find(book->desk->engine->queue, &visit->id);
    visit->came = now(book);
    visit->estimate_s =
        ticket->estimate_s_at_issue == QUEUE_ESTIMATE_NONE ? -1 : ticket->estimate_s_at_issue;
    join_line(book, visit, command.category);
    book->count++;
}

static inline struct visit *visit_of(struct book *book, const struct ids_token *id)
{
    for (int i = 0; i < book->count; i++) {
        if (ids_token_equal(&book->visits[i].id, id)) {
            return &book->visits[i];
        }
    }
    fail_msg("%s", "a ticket that nobody was given");
    return NULL;
}

static inline void leave_counter(struct book *book, struct service *service)
{
    service->served += now(book) - (service->start != 0 ? service->start : service->call);
}

static inline void leave_hold(struct book *book, struct service *service)
{
    if (service->held_since != 0) {
        service->held += now(book) - service->held_since;
        service->held_since = 0;
    }
}

/* What this press does to the visit, as the definitions say it. */
static inline void note_press(struct book *book, struct visit *visit, const struct queue_command *command,
                       int counter)
{
    struct service *service = current(visit);

    switch ((int)command->action) {
    case QUEUE_CALL_NEXT:
    case QUEUE_CALL:
        leave_hold(book, service);
        service->counter = counter;
        service->call = now(book);
        service->start = 0;
        service->first_call = service->first_call == 0 ? now(book) : service->first_call;
        visit->state = QUEUE_CALLED;
        break;
    case QUEUE_RECALL:
        service->call = now(book);
        break;
    case QUEUE_START:
        service->start = now(book);
        visit->state = QUEUE_SERVING;
        break;
    case QUEUE_COMPLETE:
        leave_counter(book, service);
        service->end = STATISTICS_SERVED;
        visit->state = QUEUE_DONE;
        break;
    case QUEUE_HOLD:
        leave_counter(book, service);
        service->held_since = now(book);
        visit->state = QUEUE_HELD;
        break;
    case QUEUE_SET_ABSENT:
        visit->state = QUEUE_ABSENT;
        break;
    case QUEUE_RETURN:
        visit->state = QUEUE_WAITING;
        service->counter = 0;
        break;
    case QUEUE_PUT_BACK:
        service->first_call = 0;
        service->counter = 0;
        visit->state = QUEUE_WAITING;
        break;
    case QUEUE_GIVE_UP:
        service->end = STATISTICS_NO_SHOW;
        visit->state = QUEUE_NO_SHOW;
        break;
    case QUEUE_CANCEL:
        service->end = STATISTICS_CANCELLED;
        visit->state = QUEUE_CANCELLED;
        break;
    case QUEUE_TRANSFER:
        if (visit->state == QUEUE_HELD) {
            leave_hold(book, service);
        } else {
            leave_counter(book, service);
        }
        service->end = STATISTICS_TRANSFERRED;
        join_line(book, visit, command->category);
        break;
    default:
        fail_msg("%s", "not in this book");
    }
}

static inline void press(struct book *book, struct queue_command command)
{
    int counter = command.counter;
    struct ids_token id;
    struct visit *visit, before;
    int64_t heard;

    if (act(book->desk, command, &id) != QUEUE_OK || command.action == QUEUE_COUNTER_OPEN) {
        return;
    }
    visit = visit_of(book, &id);
    if (command.action == QUEUE_UNDO) {
        assert_int_not_equal(book->undoable[counter], 0);
        heard = book->undone_is_call[counter] && book->before[counter].state != QUEUE_ABSENT
                    ? current(visit)->call
                    : 0;
        *visit = book->before[counter];
        current(visit)->call = heard != 0 ? heard : current(visit)->call; /* everybody heard it */
        book->undoable[counter] = 0;
        return;
    }
    before = *visit;
    note_press(book, visit, &command, counter);
    if (counter != 0 && command.action != QUEUE_RECALL) {
        book->before[counter] = before;
        book->undoable[counter] = 1 + (int)(visit - book->visits);
        book->undone_is_call[counter] =
            command.action == QUEUE_CALL || command.action == QUEUE_CALL_NEXT;
    }
    /* Another counter's newest press on it is not taken back any more; the queue sees to that by itself. */
}

static inline void one_press(struct book *book)
{
    static const enum queue_action actions[] = {
        QUEUE_CALL_NEXT, QUEUE_CALL_NEXT, QUEUE_CALL_NEXT, QUEUE_START,  QUEUE_COMPLETE,
        QUEUE_COMPLETE,  QUEUE_COMPLETE,  QUEUE_RECALL,    QUEUE_HOLD,   QUEUE_CALL,
        QUEUE_CALL,      QUEUE_SET_ABSENT, QUEUE_RETURN,   QUEUE_PUT_BACK, QUEUE_GIVE_UP,
        QUEUE_CANCEL,    QUEUE_TRANSFER,  QUEUE_UNDO,
    };
    struct queue_command command = {.action = actions[draw(book, ARRAY_COUNT(actions))],
                                    .counter = (uint16_t)(1 + draw(book, COUNTERS))};

    if (command.action == QUEUE_CALL || command.action == QUEUE_RETURN ||
        command.action == QUEUE_GIVE_UP || command.action == QUEUE_CANCEL) {
        if (book->count == 0) {
            return;
        }
        command.ticket = book->visits[draw(book, (uint32_t)book->count)].id;
    }
    if (command.action == QUEUE_TRANSFER) {
        command.category = (uint16_t)(1 + draw(book, CATEGORIES));
    }
    press(book, command);
}

static inline struct book *book_new(struct desk *desk, uint64_t seed)
{
    struct book *book = calloc(1, sizeof(*book));

    book->desk = desk;
    book->random = seed;
    for (uint16_t counter = 1; counter <= COUNTERS; counter++) {
        press(book, (struct queue_command){.action = QUEUE_COUNTER_OPEN, .counter = counter});
    }
    return book;
}

static inline void live_a_day(struct book *book, int presses)
{
    for (int i = 0; i < presses; i++) {
        book->desk->engine->wall_ms += SECOND_MS * (1 + (int64_t)draw(book, 45));
        if (draw(book, 4) == 0) {
            come(book);
        } else {
            one_press(book);
        }
    }
}

/* ---- the slow way: every number from the book, one after the other ------------------------------------------ */

struct slow {
    int arrived, services, ends[STATISTICS_END_COUNT], over, estimated;
    int times[STATISTICS_MEASURES][VISITS_MAX * 3];
    int count[STATISTICS_MEASURES];
    long errors, absolute;
};

static inline void slow_time(struct slow *slow, enum statistics_measure_kind kind, int64_t ms)
{
    slow->times[kind][slow->count[kind]++] = (int)(ms / SECOND_MS);
}

static inline int closed_end(const struct visit *visit, const struct service *service)
{
    if (service->end >= 0) {
        return service->end;
    }
    return visit->state == QUEUE_ABSENT ? STATISTICS_NO_SHOW : STATISTICS_EXPIRED;
}

static inline void slow_service(struct slow *slow, const struct visit *visit, int index, bool closed)
{
    const struct service *service = &visit->services[index];
    int end = closed ? closed_end(visit, service) : service->end < 0 ? STATISTICS_OPEN : service->end;
    int target_s = service->category == 1 ? 600 : 1200;
    bool timed = end == STATISTICS_SERVED || end == STATISTICS_TRANSFERRED ||
                 end == STATISTICS_NO_SHOW || end == STATISTICS_OPEN;

    slow->arrived += index == 0;
    slow->services++;
    slow->ends[end]++;
    if (!timed) {
        return;
    }
    if (service->first_call != 0) {
        int wait_s = (int)((service->first_call - service->joined) / SECOND_MS);

        slow_time(slow, STATISTICS_WAIT, service->first_call - service->joined);
        slow->over += wait_s > target_s;
        if (index == 0 && visit->estimate_s >= 0) {
            slow->estimated++;
            slow->errors += visit->estimate_s - wait_s;
            slow->absolute += labs(visit->estimate_s - (long)wait_s);
        }
    }
    if (service->start != 0 && service->start >= service->call) {
        slow_time(slow, STATISTICS_WALK_UP, service->start - service->call);
    }
    if (end == STATISTICS_SERVED) {
        slow_time(slow, STATISTICS_SERVICE, service->served);
    }
    if (service->held != 0) {
        slow_time(slow, STATISTICS_HOLD, service->held);
    }
}

/* category, hour, counter: 0, -1, -1 for any. */
static inline void slow_count(const struct book *book, int category, int hour, int counter, bool closed,
                       struct slow *slow)
{
    memset(slow, 0, sizeof(*slow));
    for (int i = 0; i < book->count; i++) {
        for (int s = 0; s < book->visits[i].count; s++) {
            const struct service *service = &book->visits[i].services[s];

            if ((category == 0 || service->category == category) &&
                (hour < 0 || service->hour == hour) &&
                (counter < 0 || service->counter == counter)) {
                slow_service(slow, &book->visits[i], s, closed);
            }
        }
    }
}

static inline int by_size(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static inline long number(const json_t *row, const char *name)
{
    const json_t *value = json_object_get(row, name);

    assert_true(json_is_number(value));
    return json_is_integer(value) ? (long)json_integer_value(value) : 0;
}

static inline double real(const json_t *row, const char *name)
{
    assert_true(json_is_number(json_object_get(row, name)));
    return json_number_value(json_object_get(row, name));
}

static inline bool is_near(double said, double truth)
{
    return said > truth - 0.001 && said < truth + 0.001;
}

static inline void assert_times(const json_t *row, const char *name, int *times, int count)
{
    char field[64];
    double sum = 0;
    int median, p90;

    (void)snprintf(field, sizeof(field), "%s_count", name);
    assert_int_equal(number(row, field), count);
    (void)snprintf(field, sizeof(field), "%s_mean_s", name);
    if (count == 0) {
        assert_true(json_is_null(json_object_get(row, field)));
        return;
    }
    qsort(times, (size_t)count, sizeof(times[0]), by_size);
    for (int i = 0; i < count; i++) {
        sum += times[i];
    }
    assert_true(is_near(real(row, field), sum / count));
    median = times[(count + 1) / 2 - 1];
    p90 = times[(count * 9 + 9) / 10 - 1];
    (void)snprintf(field, sizeof(field), "%s_median_s", name);
    assert_true(labs(number(row, field) - median) * 32 <= median);
    (void)snprintf(field, sizeof(field), "%s_p90_s", name);
    assert_true(labs(number(row, field) - p90) * 32 <= p90);
    (void)snprintf(field, sizeof(field), "%s_max_s", name);
    assert_int_equal(number(row, field), times[count - 1]);
}

static inline void assert_row(const json_t *row, struct slow *slow)
{
    assert_int_equal(number(row, "arrived"), slow->arrived);
    assert_int_equal(number(row, "services"), slow->services);
    assert_int_equal(number(row, "open"), slow->ends[STATISTICS_OPEN]);
    assert_int_equal(number(row, "served"), slow->ends[STATISTICS_SERVED]);
    assert_int_equal(number(row, "transferred"), slow->ends[STATISTICS_TRANSFERRED]);
    assert_int_equal(number(row, "no_show"), slow->ends[STATISTICS_NO_SHOW]);
    assert_int_equal(number(row, "cancelled"), slow->ends[STATISTICS_CANCELLED]);
    assert_int_equal(number(row, "expired"), slow->ends[STATISTICS_EXPIRED]);
    assert_int_equal(number(row, "over_target"), slow->over);
    assert_int_equal(number(row, "estimated"), slow->estimated);
    assert_times(row, "wait", slow->times[STATISTICS_WAIT], slow->count[STATISTICS_WAIT]);
    assert_times(row, "walk_up", slow->times[STATISTICS_WALK_UP], slow->count[STATISTICS_WALK_UP]);
    assert_times(row, "service", slow->times[STATISTICS_SERVICE], slow->count[STATISTICS_SERVICE]);
    assert_times(row, "hold", slow->times[STATISTICS_HOLD], slow->count[STATISTICS_HOLD]);
    if (slow->count[STATISTICS_WAIT] > 0) {
        assert_true(is_near(real(row, "over_target_percent"),
                            100.0 * slow->over / slow->count[STATISTICS_WAIT]));
    }
    if (slow->estimated > 0) {
        assert_true(is_near(real(row, "estimate_error_mean_s"), (double)slow->errors / slow->estimated));
        assert_true(is_near(real(row, "estimate_error_absolute_s"),
                            (double)slow->absolute / slow->estimated));
    }
}

/* ---- questions ------------------------------------------------------------------------------------------------ */

static inline uint16_t ask(struct desk *desk, const char *text, bool csv)
{
    struct engine *engine = desk->engine;
    struct api_request request = {
        .type = API_READ,
        .id = ++desk->id,
        .read = {.what = csv ? API_READ_STATISTICS_CSV : API_READ_STATISTICS}};
    uint8_t frame[API_REQUEST_BYTES_MAX];

    (void)strcpy(request.read.text, text);
    desk->status = 0;
    serve_request(engine, CLIENT, frame, api_request_encode(&request, frame, sizeof(frame)));
    for (int turn = 0; turn < 100 && table_is_running(engine); turn++) {
        table_turn(engine);
    }
    settle(desk);
    assert_int_not_equal(desk->status, 0);
    return desk->status;
}

static inline json_t *asked(struct desk *desk, const char *text)
{
    json_t *body;

    assert_int_equal(ask(desk, text, false), 200);
    body = json_loadb(desk->body, desk->len_bytes, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(body);
    return body;
}

static inline void assert_table(struct book *book, const char *by, bool closed)
{
    static struct slow slow;
    char text[64];
    json_t *body, *rows, *row;
    size_t i, few = 0;

    (void)snprintf(text, sizeof(text), "2026-11-24 2026-11-24 %s", by);
    body = asked(book->desk, text);
    rows = json_object_get(body, "rows");
    json_array_foreach(rows, i, row)
    {
        const json_t *hour = json_object_get(row, "hour"), *counter = json_object_get(row, "counter");

        if (json_is_true(json_object_get(row, "few"))) {
            few++;
            continue;
        }
        slow_count(book, (int)json_integer_value(json_object_get(row, "category")),
                   json_is_integer(hour) ? (int)json_integer_value(hour) : -1,
                   json_is_integer(counter) ? (int)json_integer_value(counter) : -1, closed, &slow);
        assert_row(row, &slow);
        assert_true(slow.services >= STATISTICS_FEW);
    }
    assert_true(few <= 1);
    assert_true(*by == '-' || json_array_size(rows) > 1);
    slow_count(book, 0, -1, -1, closed, &slow);
    assert_row(json_object_get(body, "total"), &slow);
    assert_int_equal(number(body, "days"), 1);
    assert_int_equal(json_is_true(json_object_get(body, "provisional")), !closed);
    json_decref(body);
}

/* ---- a meeting: what one side gives of its tail ---- */

struct items {
    uint8_t bytes[ITEMS_MAX][STATISTICS_ITEM_BYTES_MAX];
    size_t len_bytes[ITEMS_MAX];
    size_t count;
};

static inline void keep_item(void *context, const uint8_t *item, size_t len_bytes)
{
    struct items *items = context;

    assert_true(items->count < ITEMS_MAX);
    memcpy(items->bytes[items->count], item, len_bytes);
    items->len_bytes[items->count++] = len_bytes;
}

typedef void give_tail_fn(struct engine *engine, uint64_t after_lsn, statistics_give_fn *give, void *context);

/* What `desk` would give to `source`; free() it. */
static inline struct items *tail_of(give_tail_fn *give_tail, struct desk *desk, struct desk *source, uint64_t after_lsn)
{
    struct items *items = calloc(1, sizeof(*items));

    assert_non_null(items);
    desk->engine->duty.peer.day = source->engine->queue->day.date;
    desk->engine->duty.peer.day_state = source->engine->queue->day.state;
    give_tail(desk->engine, after_lsn, keep_item, items);
    return items;
}

/* Visitors that this unit alone served, by its letter. */
static inline void serve_alone(struct desk *desk, int count)
{
    for (int i = 0; i < count; i++) {
        struct queue_command issue = {.action = QUEUE_ISSUE, .category = 1, .series = {PARTNER, 1}};

        issue.ticket.bytes[0] = (uint8_t)(1 + i);
        issue.ticket.bytes[15] = 0x99;
        desk->engine->wall_ms += 60 * SECOND_MS;
        assert_int_equal(act(desk, issue, NULL), QUEUE_OK);
    }
}

#endif
