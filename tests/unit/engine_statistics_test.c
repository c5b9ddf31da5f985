/* Statistics outlive the visits: what is sealed beside what the presses were, erasure, annulment, a meeting, questions. */
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

static int store(void *context, const struct ledger_batch *batch)
{
    (void)context;
    (void)batch;
    return 0;
}

static void say(void *context, const char *line)
{
    (void)context;
    (void)line;
}

static void draw_bytes(void *context, void *bytes, size_t len_bytes)
{
    struct desk *desk = context;

    for (size_t i = 0; i < len_bytes; i++) {
        ((uint8_t *)bytes)[i] = (uint8_t)(++desk->drawn * 167U ^ i);
    }
}

static void take_reply(void *context, uint64_t client, const uint8_t *header,
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

static void fill_config(struct queue_config *config)
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

static struct desk *desk_new(uint32_t unit)
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
static struct desk *office_new(uint32_t unit)
{
    struct desk *desk = desk_new(unit);
    uint8_t bytes[QUEUE_CONFIG_BYTES_MAX];

    (void)engine_append(desk->engine, ENTRY_CONFIG, bytes,
                        queue_config_encode(&desk->config, bytes, sizeof(bytes)), false, 0, NULL);
    assert_int_equal(day_open(desk->engine, DAY_ONE, 0), QUEUE_OK);
    return desk;
}

static void desk_free(struct desk *desk)
{
    desk->engine->durable_lsn = desk->engine->last_lsn;
    engine_destroy(desk->engine);
    free(desk->body);
    free(desk);
}

static void settle(struct desk *desk)
{
    struct engine *engine = desk->engine;

    engine->durable_lsn = engine->sender.acked_lsn = engine->both_lsn = engine->last_lsn;
    engine->gather_from = engine->last_lsn + 1;
    serve_flush(engine);
}

static enum queue_reason act(struct desk *desk, struct queue_command command,
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

static uint32_t draw(struct book *book, uint32_t below)
{
    book->random = book->random * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(book->random >> 33) % below;
}

static int64_t now(const struct book *book)
{
    return book->desk->engine->wall_ms;
}

static int hour_in_japan(int64_t at_ms)
{
    return (int)((at_ms / HOUR_MS + 9) % 24);
}

static struct service *current(struct visit *visit)
{
    return &visit->services[visit->count - 1];
}

static void join_line(struct book *book, struct visit *visit, int category)
{
    visit->services[visit->count++] = (struct service){.category = category,
                                                       .hour = hour_in_japan(now(book)),
                                                       .end = -1,
                                                       .joined = now(book)};
    visit->state = QUEUE_WAITING;
}

static void come(struct book *book)
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

static struct visit *visit_of(struct book *book, const struct ids_token *id)
{
    for (int i = 0; i < book->count; i++) {
        if (ids_token_equal(&book->visits[i].id, id)) {
            return &book->visits[i];
        }
    }
    fail_msg("%s", "a ticket that nobody was given");
    return NULL;
}

static void leave_counter(struct book *book, struct service *service)
{
    service->served += now(book) - (service->start != 0 ? service->start : service->call);
}

static void leave_hold(struct book *book, struct service *service)
{
    if (service->held_since != 0) {
        service->held += now(book) - service->held_since;
        service->held_since = 0;
    }
}

/* What this press does to the visit, as the definitions say it. */
static void note_press(struct book *book, struct visit *visit, const struct queue_command *command,
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

static void press(struct book *book, struct queue_command command)
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

static void one_press(struct book *book)
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

static struct book *book_new(struct desk *desk, uint64_t seed)
{
    struct book *book = calloc(1, sizeof(*book));

    book->desk = desk;
    book->random = seed;
    for (uint16_t counter = 1; counter <= COUNTERS; counter++) {
        press(book, (struct queue_command){.action = QUEUE_COUNTER_OPEN, .counter = counter});
    }
    return book;
}

static void live_a_day(struct book *book, int presses)
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

static void slow_time(struct slow *slow, enum statistics_measure_kind kind, int64_t ms)
{
    slow->times[kind][slow->count[kind]++] = (int)(ms / SECOND_MS);
}

static int closed_end(const struct visit *visit, const struct service *service)
{
    if (service->end >= 0) {
        return service->end;
    }
    return visit->state == QUEUE_ABSENT ? STATISTICS_NO_SHOW : STATISTICS_EXPIRED;
}

static void slow_service(struct slow *slow, const struct visit *visit, int index, bool closed)
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
static void slow_count(const struct book *book, int category, int hour, int counter, bool closed,
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

static int by_size(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static long number(const json_t *row, const char *name)
{
    const json_t *value = json_object_get(row, name);

    assert_true(json_is_number(value));
    return json_is_integer(value) ? (long)json_integer_value(value) : 0;
}

static double real(const json_t *row, const char *name)
{
    assert_true(json_is_number(json_object_get(row, name)));
    return json_number_value(json_object_get(row, name));
}

static bool is_near(double said, double truth)
{
    return said > truth - 0.001 && said < truth + 0.001;
}

static void assert_times(const json_t *row, const char *name, int *times, int count)
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

static void assert_row(const json_t *row, struct slow *slow)
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

static uint16_t ask(struct desk *desk, const char *text, bool csv)
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

static json_t *asked(struct desk *desk, const char *text)
{
    json_t *body;

    assert_int_equal(ask(desk, text, false), 200);
    body = json_loadb(desk->body, desk->len_bytes, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(body);
    return body;
}

static void assert_table(struct book *book, const char *by, bool closed)
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

/* ---- the tests ------------------------------------------------------------------------------------------------- */

/* Every cell of a sealed day, no row merged. */
struct cells {
    struct statistics_sums sums[CATEGORIES + 1][STATISTICS_HOURS][COUNTERS + 1];
};

static struct statistics_sums *cell_of(void *context, const struct statistics_cell *cell)
{
    struct cells *cells = context;

    assert_true(cell->category <= CATEGORIES && cell->counter <= COUNTERS);
    return &cells->sums[cell->category][cell->hour][cell->counter];
}

static void assert_sealed_cells(struct book *book)
{
    static struct statistics_chunk chunk;
    static struct slow slow;
    struct cells *cells = calloc(1, sizeof(*cells));
    uint64_t lsn = book->desk->engine->state.statistic_lsn;

    while (lsn != 0) {
        assert_true(statistics_chunk_at(book->desk->engine, lsn, &chunk));
        assert_int_equal(chunk.head.date, DAY_ONE);
        assert_int_equal(chunk.head.visits, book->count);
        assert_true(statistics_cells_decode(chunk.cells, chunk.len_bytes, cell_of, cells));
        lsn = chunk.head.previous;
    }
    for (int category = 1; category <= CATEGORIES; category++) {
        for (int hour = 0; hour < STATISTICS_HOURS; hour++) {
            for (int counter = 0; counter <= COUNTERS; counter++) {
                const struct statistics_sums *sums = &cells->sums[category][hour][counter];

                slow_count(book, category, hour, counter, true, &slow);
                assert_int_equal(sums->counts[STATISTICS_COUNT_ARRIVED], slow.arrived);
                assert_int_equal(sums->counts[STATISTICS_COUNT_SERVICES], slow.services);
                for (int m = 0; m < STATISTICS_MEASURES; m++) {
                    uint64_t sum_s = 0;

                    for (int i = 0; i < slow.count[m]; i++) {
                        sum_s += (uint64_t)slow.times[m][i];
                    }
                    assert_int_equal(sums->times[m].count, slow.count[m]);
                    assert_int_equal(sums->times[m].sum_s, sum_s);
                }
            }
        }
    }
    free(cells);
}

static void random_days_are_sealed_as_they_were_lived(void **state)
{
    static const char *const tables[] = {"-",    "category", "hour", "counter", "category,hour",
                                         "hour,counter", "category,hour,counter"};

    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct desk *desk = office_new(OWN);
        struct book *book = book_new(desk, seed * 7919);

        live_a_day(book, 900);
        for (size_t i = 0; i < ARRAY_COUNT(tables); i++) {
            assert_table(book, tables[i], false);
        }
        desk->engine->wall_ms += 14 * HOUR_MS;
        assert_int_equal(day_open(desk->engine, DAY_TWO, 0), QUEUE_OK);
        assert_int_equal(desk->engine->queue->ticket_count, 0);
        assert_sealed_cells(book);
        for (size_t i = 0; i < ARRAY_COUNT(tables); i++) {
            assert_table(book, tables[i], true);
        }
        free(book);
        desk_free(desk);
    }
}

/* Sealed again because the turn that erases came to nothing: known already, and said once. */
static void a_day_that_is_sealed_twice_counts_once(void **state)
{
    struct desk *desk = office_new(OWN);
    struct book *book = book_new(desk, 5);
    uint64_t lsn;

    (void)state;
    live_a_day(book, 300);
    statistics_seal(desk->engine, false);
    lsn = desk->engine->last_lsn;
    statistics_seal(desk->engine, false);
    assert_int_equal(desk->engine->last_lsn, lsn);
    assert_int_equal(day_open(desk->engine, DAY_TWO, 0), QUEUE_OK);
    assert_table(book, "category", true);
    free(book);
    desk_free(desk);
}

/* A unit that takes over, or is filled anew, has the entries only: keys of that day are gone. */
static void who_only_has_the_entries_answers_the_same(void **state)
{
    struct desk *desk = office_new(OWN), *other = desk_new(PARTNER);
    struct book *book = book_new(desk, 6);
    char *said;

    (void)state;
    live_a_day(book, 400);
    assert_int_equal(day_open(desk->engine, DAY_TWO, 0), QUEUE_OK);
    other->engine->state.sound = false;
    for (uint64_t lsn = 1; lsn <= desk->engine->last_lsn; lsn++) {
        const struct cached_entry *entry = engine_cached(desk->engine, lsn);

        assert_int_equal(engine_append_foreign(other->engine, entry->bytes, entry->len_bytes), 0);
    }
    assert_true(other->engine->state.sound);
    other->engine->wall_ms = desk->engine->wall_ms;
    settle(desk);
    settle(other);
    assert_int_equal(ask(desk, "2026-11-24 2026-11-25 day,category,hour", false), 200);
    said = strdup(desk->body);
    assert_int_equal(ask(other, "2026-11-24 2026-11-25 day,category,hour", false), 200);
    assert_string_equal(other->body, said);
    free(said);
    free(book);
    desk_free(other);
    desk_free(desk);
}

static void an_annulled_day_counts_apart(void **state)
{
    struct desk *desk = office_new(OWN);
    struct book *book = book_new(desk, 8);
    json_t *body;
    int count;

    (void)state;
    live_a_day(book, 200);
    count = book->count;
    assert_int_equal(day_annul(desk->engine, 0), QUEUE_OK);
    body = asked(desk, "2026-11-24 2026-11-24 category");
    assert_int_equal(json_array_size(json_object_get(body, "rows")), 0);
    assert_int_equal(number(json_object_get(body, "total"), "services"), 0);
    assert_int_equal(number(json_object_get(body, "annulled"), "arrived"), count);
    assert_int_equal(number(body, "days"), 0);
    assert_int_equal(number(body, "days_annulled"), 1);
    json_decref(body);
    assert_int_equal(day_annul(desk->engine, 0), QUEUE_DAY_NOT_OPEN);
    free(book);
    desk_free(desk);
}

/* ---- a meeting -------------------------------------------------------------------------------------------------- */

struct items {
    uint8_t bytes[ITEMS_MAX][STATISTICS_ITEM_BYTES_MAX];
    size_t len_bytes[ITEMS_MAX];
    size_t count;
};

static void keep_item(void *context, const uint8_t *item, size_t len_bytes)
{
    struct items *items = context;

    assert_true(items->count < ITEMS_MAX);
    memcpy(items->bytes[items->count], item, len_bytes);
    items->len_bytes[items->count++] = len_bytes;
}

static struct items *tail_of(struct desk *desk, struct desk *source, uint64_t after_lsn)
{
    struct items *items = calloc(1, sizeof(*items));

    desk->engine->duty.peer.day = source->engine->queue->day.date;
    desk->engine->duty.peer.day_state = source->engine->queue->day.state;
    statistics_give_tail(desk->engine, after_lsn, keep_item, items);
    return items;
}

static void adopt_all(struct desk *desk, const struct items *items)
{
    for (size_t i = 0; i < items->count; i++) {
        assert_true(statistics_adopt(desk->engine, items->bytes[i], items->len_bytes[i]));
    }
}

/* Visitors that this unit alone served, by its letter. */
static void serve_alone(struct desk *desk, int count)
{
    for (int i = 0; i < count; i++) {
        struct queue_command issue = {
            .action = QUEUE_ISSUE, .category = 1, .series = {PARTNER, 1}};

        issue.ticket.bytes[0] = (uint8_t)(1 + i);
        issue.ticket.bytes[15] = 0x99;
        desk->engine->wall_ms += 60 * SECOND_MS;
        assert_int_equal(act(desk, issue, NULL), QUEUE_OK);
    }
}

static long arrived(struct desk *desk)
{
    json_t *body = asked(desk, "2026-11-24 2026-11-24 -");
    long count = number(json_object_get(body, "total"), "arrived");

    json_decref(body);
    return count;
}

static void what_one_side_alone_knew_is_counted_once(void **state)
{
    struct desk *source = office_new(OWN), *other = office_new(PARTNER);
    struct book *book = book_new(source, 9), *same = book_new(other, 9);
    struct items *items;
    uint64_t common, lsn;
    long before;

    (void)state;
    live_a_day(book, 300);
    live_a_day(same, 300);
    common = other->engine->last_lsn;
    serve_alone(other, 7);
    /* The source is in the next day already: the visits themselves it cannot take any more. */
    assert_int_equal(day_open(source->engine, DAY_TWO, 0), QUEUE_OK);
    before = arrived(source);
    assert_int_equal(before, book->count);
    items = tail_of(other, source, common);
    assert_int_equal(items->count, 2); /* the plain ones, and those with its letter */
    adopt_all(source, items);
    assert_int_equal(arrived(source), before + 7);
    lsn = source->engine->last_lsn;
    adopt_all(source, items);
    assert_int_equal(source->engine->last_lsn, lsn);
    free(items);
    free(book);
    free(same);
    desk_free(source);
    desk_free(other);
}

static void two_units_that_sealed_one_day_apart_agree(void **state)
{
    struct desk *source = office_new(OWN), *other = office_new(PARTNER);
    struct book *book = book_new(source, 10), *same = book_new(other, 10);
    struct items *items;
    uint64_t common;

    (void)state;
    live_a_day(book, 300);
    live_a_day(same, 300);
    common = other->engine->last_lsn;
    serve_alone(other, 5);
    assert_int_equal(day_open(other->engine, DAY_TWO, 0), QUEUE_OK);
    assert_int_equal(arrived(other), book->count + 5);
    items = tail_of(other, source, common);
    /* Still in that day: sealed by the other it is kept, and what is sealed here later knows less. */
    adopt_all(source, items);
    assert_int_equal(day_open(source->engine, DAY_TWO, 0), QUEUE_OK);
    assert_int_equal(arrived(source), book->count + 5);
    free(items);
    free(book);
    free(same);
    desk_free(source);
    desk_free(other);
}

static void who_has_the_visits_takes_no_sum_of_them(void **state)
{
    struct desk *source = office_new(OWN), *other = office_new(PARTNER);
    struct book *book = book_new(source, 12), *same = book_new(other, 12);
    struct items *items;
    uint64_t lsn;

    (void)state;
    live_a_day(book, 100);
    live_a_day(same, 100);
    items = tail_of(other, source, other->engine->last_lsn);
    assert_int_equal(items->count, 0);
    free(items);
    other->engine->duty.peer.day = 0;
    items = calloc(1, sizeof(*items));
    statistics_give_tail(other->engine, other->engine->last_lsn, keep_item, items);
    assert_int_equal(items->count, 1);
    lsn = source->engine->last_lsn;
    adopt_all(source, items);
    assert_int_equal(source->engine->last_lsn, lsn);
    items->bytes[0][STATISTICS_ITEM_HEAD_BYTES] ^= 1;
    assert_false(statistics_adopt(source->engine, items->bytes[0], items->len_bytes[0]));
    assert_false(statistics_adopt(source->engine, items->bytes[0], 2));
    free(items);
    free(book);
    free(same);
    desk_free(source);
    desk_free(other);
}

/* ---- many days -------------------------------------------------------------------------------------------------- */

static void a_question_over_many_days_takes_turns(void **state)
{
    struct desk *desk = office_new(OWN);
    uint32_t date = DAY_ONE;
    json_t *body;

    (void)state;
    for (int day = 0; day < 120; day++) {
        struct book *book = book_new(desk, 20);

        live_a_day(book, 16);
        date = calendar_date_plus(date, 1);
        assert_int_equal(day_open(desk->engine, date, 0), QUEUE_OK);
        desk->engine->wall_ms += 24 * HOUR_MS;
        desk->engine->keys_destroy_count = desk->engine->keys_new_count = 0; /* as a batch does */
        settle(desk);
        free(book);
    }
    body = asked(desk, "2026-11-24 2027-12-31 day");
    assert_int_equal(number(body, "days"), 121); /* with the one that is open */
    json_decref(body);
    body = asked(desk, "2027-01-01 2027-01-10 -");
    assert_int_equal(number(body, "days"), 10);
    json_decref(body);
    body = asked(desk, "");
    assert_int_equal(number(body, "days"), 1);
    json_decref(body);
    desk_free(desk);
}

static void one_table_is_made_at_a_time_and_none_by_who_does_not_serve(void **state)
{
    struct desk *desk = office_new(OWN);
    struct api_request request = {.type = API_READ, .id = 1, .read = {.what = API_READ_STATISTICS}};
    uint32_t date = DAY_ONE;

    (void)state;
    for (int day = 0; day < TABLE_CHUNKS_A_TURN + 2; day++) {
        date = calendar_date_plus(date, 1);
        assert_int_equal(day_open(desk->engine, date, 0), QUEUE_OK);
        settle(desk);
    }
    (void)strcpy(request.read.text, "2026-11-24 2027-12-31 -");
    table_request(desk->engine, CLIENT, &request);
    assert_true(table_is_running(desk->engine));
    desk->status = 0;
    table_request(desk->engine, CLIENT, &request);
    assert_int_equal(desk->status, 503);
    desk->engine->duty.state = DUTY_PAIRED_SPARE;
    desk->status = 0;
    table_turn(desk->engine);
    assert_int_equal(desk->status, 503);
    assert_false(table_is_running(desk->engine));
    desk_free(desk);
}

static void what_is_not_understood_is_refused(void **state)
{
    static const char *const texts[] = {"2026-11-24",
                                        "2026-11-24 2026-11-24",
                                        "2026-11-24 2026-11-24 category,",
                                        "2026-11-24 2026-11-24 ,category",
                                        "2026-11-24 2026-11-24 category,category",
                                        "2026-11-24 2026-11-24 colour",
                                        "2026-11-24 2026-11-24 hour more",
                                        "2026-11-25 2026-11-24 hour",
                                        "2026-13-01 2026-13-02 hour",
                                        "2026/11/24 2026-11-24 hour",
                                        "2026-11-2a 2026-11-24 hour",
                                        "24 2026-11-24 hour"};
    struct desk *desk = office_new(OWN);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        assert_int_equal(ask(desk, texts[i], false), 422);
        assert_non_null(strstr(desk->body, "BAD_PERIOD"));
    }
    assert_int_equal(ask(desk, "- - -", false), 200);
    desk_free(desk);
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

static size_t fields_of(const char **at)
{
    size_t count = 1;
    bool quoted = false;

    for (; **at != '\0' && (quoted || strncmp(*at, "\r\n", 2) != 0); (*at)++) {
        assert_true(quoted || (**at != '\n' && **at != '\r'));
        if (**at == '"') {
            quoted = !quoted;
        } else if (**at == ',' && !quoted) {
            count++;
        }
    }
    assert_false(quoted);
    *at += **at == '\0' ? 0 : 2;
    return count;
}

static void the_file_is_a_table_with_its_definitions(void **state)
{
    struct desk *desk = office_new(OWN);
    struct book *book = book_new(desk, 14);
    const char *at;
    size_t columns, rows = 0;

    (void)state;
    live_a_day(book, 500);
    (void)strcpy(desk->engine->queue->config.categories[1].name_ja, "=予約,\"甲\"");
    assert_int_equal(ask(desk, "2026-11-24 2026-11-24 category,hour", true), 200);
    assert_memory_equal(desk->body, "\xef\xbb\xbf", 3);
    at = desk->body + 3;
    columns = fields_of(&at);
    assert_true(columns > 30);
    while (strncmp(at, "\r\n", 2) != 0) {
        assert_int_equal(fields_of(&at), columns);
        rows++;
    }
    assert_true(rows > 4);
    assert_non_null(strstr(desk->body, "\"'=予約,\"\"甲\"\"\"")); /* no spreadsheet computes a name */
    assert_non_null(strstr(at, "定義"));
    assert_non_null(strstr(at, "From joining the line to the first call"));
    assert_int_equal(ask(desk, "2026-11-24 2026-11-24 -", true), 200);
    assert_int_equal(ask(desk, "2026-11-24 2026-11-24 colour", true), 422);
    assert_int_equal(desk->body[0], '{');
    free(book);
    desk_free(desk);
}

/* tests/browser/statistics.test.mjs shows it on the page; STATISTICS_SAMPLE=1 writes it anew. */
static void the_sample_that_pages_are_tested_with_is_our_answer(void **state)
{
    static const char path[] = "tests/browser/lib/statistics.json";
    static const char *const tables[] = {"hour", "category", "counter"};
    struct desk *desk = office_new(OWN);
    struct book *book = book_new(desk, 15);
    json_t *sample = json_object(), *kept;

    (void)state;
    live_a_day(book, 900);
    assert_int_equal(day_open(desk->engine, DAY_TWO, 0), QUEUE_OK);
    for (size_t i = 0; i < ARRAY_COUNT(tables); i++) {
        char text[64];

        (void)snprintf(text, sizeof(text), "2026-11-24 2026-11-24 %s", tables[i]);
        (void)json_object_set_new(sample, tables[i], asked(desk, text));
    }
    if (getenv("STATISTICS_SAMPLE") != NULL) {
        assert_int_equal(json_dump_file(sample, path, JSON_INDENT(1) | JSON_REAL_PRECISION(15)), 0);
    }
    kept = json_load_file(path, 0, NULL);
    assert_non_null(kept);
    assert_true(json_equal(kept, sample));
    json_decref(kept);
    json_decref(sample);
    free(book);
    desk_free(desk);
}

/* One touch answered by both sides of a cut: the ticket that goes is no visitor. */
static void a_touch_that_got_two_numbers_is_one_visitor(void **state)
{
    static struct queue_change change;
    struct desk *desk = office_new(OWN);
    struct queue_command issue = {.action = QUEUE_ISSUE, .category = 1, .key = {{5}}};
    struct queue_origin here;
    struct queue_ticket theirs;
    struct ids_token id;
    json_t *body;

    (void)state;
    issue.ticket.bytes[0] = 1;
    assert_int_equal(act(desk, issue, &id), QUEUE_OK);
    theirs = *queue_ticket_find(desk->engine->queue, &id);
    theirs.id.bytes[0] = 2;
    theirs.number++;
    theirs.series = (struct ids_series){PARTNER, 1};
    theirs.origin = (struct queue_origin){.unit = PARTNER, .session = 1, .lsn = 99};
    theirs.changed_lsn = 99;
    here = engine_next_origin(desk->engine);
    assert_true(queue_join_ticket(desk->engine->queue, &theirs, PARTNER, 0, &here,
                                  desk->engine->wall_ms, &change));
    (void)engine_append_change(desk->engine, &change, 0, NULL);
    for (uint8_t i = 10; i < 13; i++) {
        issue.key.bytes[0] = issue.ticket.bytes[0] = i;
        assert_int_equal(act(desk, issue, NULL), QUEUE_OK);
    }
    body = asked(desk, "2026-11-24 2026-11-24 -");
    assert_int_equal(number(json_object_get(body, "total"), "arrived"), 4);
    assert_int_equal(number(json_object_get(body, "total"), "not_visits"), 1);
    assert_int_equal(number(json_object_get(body, "total"), "cancelled"), 0);
    json_decref(body);
    desk_free(desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_days_are_sealed_as_they_were_lived),
        cmocka_unit_test(a_day_that_is_sealed_twice_counts_once),
        cmocka_unit_test(who_only_has_the_entries_answers_the_same),
        cmocka_unit_test(an_annulled_day_counts_apart),
        cmocka_unit_test(what_one_side_alone_knew_is_counted_once),
        cmocka_unit_test(two_units_that_sealed_one_day_apart_agree),
        cmocka_unit_test(who_has_the_visits_takes_no_sum_of_them),
        cmocka_unit_test(a_question_over_many_days_takes_turns),
        cmocka_unit_test(one_table_is_made_at_a_time_and_none_by_who_does_not_serve),
        cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(the_file_is_a_table_with_its_definitions),
        cmocka_unit_test(the_sample_that_pages_are_tested_with_is_our_answer),
        cmocka_unit_test(a_touch_that_got_two_numbers_is_one_visitor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
