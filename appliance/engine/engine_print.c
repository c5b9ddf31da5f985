/*
 * Papers. A ticket on paper is ISSUING until the printer has answered behind the cut.
 *
 * A job lives in this process only. It is an original if this process wrote the entry and has sent no print of
 * it (DESIGN 3 rule 4); whatever else is printed says 再発行, and its entry (copies + 1) is durable before. A job
 * leaves when its lsn may be told to clients, while this unit serves, to the driver beside it. ISSUING without a
 * job - the unit that printed is gone, the driver ended with it, duty moved - becomes WAITING, undelivered:
 * staff see it, and no second original exists.
 *
 * What printers use is entries of their own (ENTRY_DEVICE), gathered so that not every ticket costs one: after a
 * power cut the counters lack what was printed in the last PRINT_COUNT_MS.
 */
#include "appliance/engine/engine_internal.h"

#include "appliance/devices/paper/paper.h"
#include "appliance/devices/printer/printer.h"
#include "base/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static_assert((int)API_NAME_BYTES >= (int)QUEUE_NAME_BYTES &&
                  (int)API_NAME_BYTES <= (int)PAPER_NAME_BYTES,
              "names fit the frame and the paper");

enum {
    DEVICE_VERSION = 1,
    DEVICE_USED = 1,
    DEVICE_ROLL = 2,
    DEVICE_BYTES = 1 + 1 + 1 + 4 + 4 + 4,
    STATUS_OK = 200,
    STATUS_CONFLICT = 409,
    STATUS_REFUSED = 422,
    ROLL_METRES_MAX = 500,
    MM_A_METRE = 1000,
    MINUTE_MS = 60000,
    MINUTES_A_DAY = 24 * 60,
};

/* ---- what printers have used ------------------------------------------------------------------------- */

static struct device_counter *counter_of(struct engine *engine, uint8_t printer)
{
    CHECK(printer >= 1 && printer <= API_PRINTERS_MAX);
    return &engine->state.printers[printer - 1];
}

int print_fold(struct engine *engine, const struct entry *entry, const uint8_t *payload,
               size_t len_bytes)
{
    struct bytes_reader reader = bytes_reader_over(payload, len_bytes);
    uint8_t version = bytes_get_u8(&reader);
    uint8_t what = bytes_get_u8(&reader);
    uint8_t printer = bytes_get_u8(&reader);
    uint32_t tickets = bytes_get_u32(&reader);
    uint32_t cuts = bytes_get_u32(&reader);
    uint32_t mm = bytes_get_u32(&reader);
    struct device_counter *counter;

    if (!bytes_finished(&reader) || version != DEVICE_VERSION || printer < 1 ||
        printer > API_PRINTERS_MAX || (what != DEVICE_USED && what != DEVICE_ROLL)) {
        return -EBADMSG;
    }
    counter = counter_of(engine, printer);
    if (what == DEVICE_ROLL) {
        counter->roll_tickets = counter->roll_used_mm = 0;
        counter->roll_mm = mm;
        counter->roll_ms = entry->wall_ms;
        return 0;
    }
    counter->tickets += tickets;
    counter->cuts += cuts;
    counter->used_mm += mm;
    counter->roll_tickets += tickets;
    counter->roll_used_mm += mm;
    return 0;
}

static void append_device(struct engine *engine, uint8_t what, uint8_t printer,
                          const struct print_used *used, uint32_t actor)
{
    uint8_t payload[DEVICE_BYTES];
    struct bytes_writer writer = bytes_writer_over(payload, sizeof(payload));

    bytes_put_u8(&writer, DEVICE_VERSION);
    bytes_put_u8(&writer, what);
    bytes_put_u8(&writer, printer);
    bytes_put_u32(&writer, used->tickets);
    bytes_put_u32(&writer, used->cuts);
    bytes_put_u32(&writer, used->mm);
    CHECK(!writer.failed);
    (void)engine_append(engine, ENTRY_DEVICE, payload, writer.len_bytes, false, actor, NULL);
}

void print_put_checkpoint(const struct engine *engine, struct bytes_writer *writer)
{
    for (size_t i = 0; i < API_PRINTERS_MAX; i++) {
        const struct device_counter *counter = &engine->state.printers[i];

        bytes_put_u64(writer, counter->tickets);
        bytes_put_u64(writer, counter->cuts);
        bytes_put_u64(writer, counter->used_mm);
        bytes_put_u32(writer, counter->roll_tickets);
        bytes_put_u32(writer, counter->roll_used_mm);
        bytes_put_u32(writer, counter->roll_mm);
        bytes_put_i64(writer, counter->roll_ms);
    }
}

void print_get_checkpoint(struct engine *engine, struct bytes_reader *reader)
{
    for (size_t i = 0; i < API_PRINTERS_MAX; i++) {
        struct device_counter *counter = &engine->state.printers[i];

        counter->tickets = bytes_get_u64(reader);
        counter->cuts = bytes_get_u64(reader);
        counter->used_mm = bytes_get_u64(reader);
        counter->roll_tickets = bytes_get_u32(reader);
        counter->roll_used_mm = bytes_get_u32(reader);
        counter->roll_mm = bytes_get_u32(reader);
        counter->roll_ms = bytes_get_i64(reader);
    }
}

static void write_used(struct engine *engine)
{
    for (size_t i = 0; i < API_PRINTERS_MAX; i++) {
        struct print_used *used = &engine->print.used[i];

        if (used->tickets > 0 || used->cuts > 0) {
            append_device(engine, DEVICE_USED, (uint8_t)(i + 1), used, 0);
            *used = (struct print_used){0};
        }
    }
    engine->print.used_ms = 0;
}

static void note_used(struct engine *engine, const struct api_print_done *done)
{
    struct print_used *used;

    if (done->printer < 1 || done->printer > API_PRINTERS_MAX || done->height_dots == 0) {
        return;
    }
    used = &engine->print.used[done->printer - 1];
    used->tickets++;
    used->cuts += done->cuts;
    used->mm += (uint32_t)((uint64_t)done->height_dots * 254 / (10 * (uint64_t)PAPER_DPI));
    if (engine->print.used_ms == 0) {
        engine->print.used_ms = engine->now_ms;
    }
}

/* ---- jobs ----------------------------------------------------------------------------------------------- */

static struct print_job *job_of(struct engine *engine, const struct ids_token *ticket)
{
    for (size_t i = 0; i < engine->print.job_count; i++) {
        if (ids_token_equal(&engine->print.jobs[i].ticket, ticket)) {
            return &engine->print.jobs[i];
        }
    }
    return NULL;
}

static struct print_job *job_by_order(struct engine *engine, uint64_t order)
{
    for (size_t i = 0; i < engine->print.job_count; i++) {
        if (engine->print.jobs[i].order == order) {
            return &engine->print.jobs[i];
        }
    }
    return NULL;
}

static void remove_job(struct engine *engine, struct print_job *job)
{
    struct print *print = &engine->print;
    size_t behind = print->job_count - 1 - (size_t)(job - print->jobs);

    memmove(job, job + 1, behind * sizeof(*job));
    print->job_count--;
}

static void add_job(struct engine *engine, const struct ids_token *ticket, enum paper_kind kind)
{
    struct print *print = &engine->print;

    if (print->job_count == PRINT_JOBS_MAX) {
        return; /* staff see that nothing came out: it is undelivered, or asked for a copy */
    }
    print->jobs[print->job_count++] = (struct print_job){.order = ++print->newest_order,
                                                         .lsn = engine->last_lsn,
                                                         .ticket = *ticket,
                                                         .kind = (uint8_t)kind,
                                                         .since_ms = engine->now_ms};
}

void print_note(struct engine *engine, const struct queue_decision *decision)
{
    const struct queue_ticket *ticket = queue_ticket_find(engine->queue, &decision->answer.ticket);

    if (decision->reason != QUEUE_OK || ticket == NULL) {
        return;
    }
    if (decision->answer.action == QUEUE_ISSUE && ticket->state == QUEUE_ISSUING) {
        add_job(engine, &ticket->id, PAPER_ORIGINAL);
    } else if (decision->answer.action == QUEUE_REPRINT) {
        add_job(engine, &ticket->id, PAPER_COPY);
    }
}

static bool any_printer(const struct engine *engine, enum printer_condition condition)
{
    for (size_t i = 0; i < engine->print.level.count; i++) {
        if (engine->print.level.list[i].condition == condition) {
            return true;
        }
    }
    return false;
}

/* Just after it was turned to, a driver does not know its printers yet. */
static bool is_starting(const struct engine *engine)
{
    return engine->now_ms - engine->print.client_ms < PRINT_START_MS;
}

bool print_is_possible(const struct engine *engine)
{
    const struct print *print = &engine->print;

    return print->client != 0 && print->job_count < PRINT_JOBS_BUSY &&
           (any_printer(engine, PRINTER_READY) ||
            (is_starting(engine) && print->level.count > 0 &&
             (any_printer(engine, PRINTER_OFF) || any_printer(engine, PRINTER_UNREACHABLE))));
}

/* ---- the driver ----------------------------------------------------------------------------------------- */

static void answer_test(struct engine *engine, uint8_t outcome);

static void take_level(struct engine *engine, uint64_t client, const uint8_t *bytes,
                       size_t len_bytes)
{
    struct api_printers level;

    if (!api_printers_decode(bytes, len_bytes, &level)) {
        return;
    }
    for (size_t i = 0; i < level.count; i++) {
        if (level.list[i].condition >= PRINTER_CONDITION_END) {
            return;
        }
    }
    if (engine->print.client != client) {
        engine->print.client = client;
        engine->print.client_ms = engine->now_ms;
    }
    engine->print.level = level;
    engine->event_due = true;
}

/* Told in any state of duty; what follows from it is written when this unit serves (print_turn). */
static void take_done(struct engine *engine, uint64_t client, const uint8_t *bytes,
                      size_t len_bytes)
{
    struct api_print_done done;
    struct print_job *job;

    if (client != engine->print.client || !api_print_done_decode(bytes, len_bytes, &done) ||
        done.outcome < PRINTER_PRINTED || done.outcome >= PRINTER_OUTCOME_END) {
        return;
    }
    if (engine->print.test.client != 0 && done.order == engine->print.test.order) {
        note_used(engine, &done);
        answer_test(engine, done.outcome);
        return;
    }
    if (engine->print.report.sent && done.order == engine->print.report.order) {
        if (done.outcome != PRINTER_UNTOUCHED) {
            note_used(engine, &done);
        }
        report_done(engine, done.outcome);
        return;
    }
    job = job_by_order(engine, done.order);
    if (job == NULL || !job->sent || job->outcome != 0) {
        return; /* of an older process, or said twice */
    }
    job->outcome = done.outcome;
    if (done.outcome != PRINTER_UNTOUCHED) {
        note_used(engine, &done);
    }
}

bool print_takes(struct engine *engine, uint64_t client, const uint8_t *bytes, size_t len_bytes)
{
    switch (api_frame_type(bytes)) {
    case API_PRINTERS:
        take_level(engine, client, bytes, len_bytes);
        return true;
    case API_PRINT_DONE:
        take_done(engine, client, bytes, len_bytes);
        return true;
    default: /* another's */
        return false;
    }
}

void print_client_gone(struct engine *engine, uint64_t client)
{
    if (client != engine->print.client) {
        return;
    }
    engine->print.client = 0;
    engine->print.client_ms = engine->now_ms;
    engine->print.level = (struct api_printers){0};
    engine->event_due = true;
    for (size_t i = 0; i < engine->print.job_count; i++) {
        struct print_job *job = &engine->print.jobs[i];

        if (job->sent && job->outcome == 0) {
            job->outcome = PRINTER_UNKNOWN;
        }
    }
    if (engine->print.test.client != 0) {
        answer_test(engine, PRINTER_UNKNOWN);
    }
    if (engine->print.report.sent) {
        report_done(engine, PRINTER_UNKNOWN);
    }
}

/* ---- what becomes of tickets ---------------------------------------------------------------------------- */

static bool decide(struct engine *engine, enum queue_action action, const struct ids_token *ticket)
{
    struct queue_command command = {.action = action,
                                    .at_ms = engine->wall_ms,
                                    .ticket = *ticket,
                                    .series = engine->series,
                                    .origin = engine_next_origin(engine)};
    struct queue_decision decision;

    queue_decide(engine->queue, &command, &decision);
    if (decision.reason == QUEUE_OK && decision.change.row_count > 0) {
        (void)engine_append_change(engine, &decision.change, 0, NULL);
    }
    return decision.reason == QUEUE_OK;
}

/* What came out is not whole: once more, as a copy, while a printer can; else staff see it. */
static void print_again(struct engine *engine, const struct print_job *job)
{
    if (job->tries + 1 < PRINT_TRIES_MAX && any_printer(engine, PRINTER_READY) &&
        decide(engine, QUEUE_REPRINT, &job->ticket)) {
        add_job(engine, &job->ticket, PAPER_COPY);
        engine->print.jobs[engine->print.job_count - 1].tries = (uint8_t)(job->tries + 1);
        return;
    }
    (void)decide(engine, QUEUE_PRINT_UNKNOWN, &job->ticket);
}

static void end_job(struct engine *engine, struct print_job *ended)
{
    const struct print_job job = *ended;

    remove_job(engine, ended);
    switch ((enum printer_outcome)job.outcome) {
    case PRINTER_PRINTED:
        (void)decide(engine, QUEUE_PRINTED, &job.ticket); /* of a copy nobody waited for: nothing */
        break;
    case PRINTER_FAILED:
        print_again(engine, &job);
        break;
    case PRINTER_UNTOUCHED:
    case PRINTER_UNKNOWN:
        (void)decide(engine, QUEUE_PRINT_UNKNOWN, &job.ticket);
        break;
    case PRINTER_OUTCOME_END:
        break;
    }
}

static void expire(struct engine *engine, struct print_job *job)
{
    uint64_t waited_ms = engine->now_ms - job->since_ms;
    bool nobody =
        engine->print.client == 0 && engine->now_ms - engine->print.client_ms >= PRINT_START_MS;

    if (job->outcome == 0 && (waited_ms >= PRINT_JOB_MS_MAX || (!job->sent && nobody))) {
        job->outcome = job->sent ? PRINTER_UNKNOWN : PRINTER_UNTOUCHED;
    }
}

/* Requests have the other half. */
static bool batch_has_room(const struct engine *engine)
{
    return engine->last_lsn + 1 - engine->gather_from < ENGINE_BATCH_ENTRIES_MAX / 2;
}

/* Its paper was another process's to print: whether it came out nobody here knows. */
static void end_orphans(struct engine *engine)
{
    const struct queue *queue = engine->queue;

    for (size_t i = 0; i < queue->config.category_count; i++) {
        uint16_t category = queue->config.categories[i].id;
        const struct queue_ticket *ticket = queue_line_first(queue, category, QUEUE_ISSUING);
        size_t walked = 0;

        while (ticket != NULL && walked++ < PRINT_JOBS_MAX && batch_has_room(engine)) {
            const struct queue_ticket *next = queue_line_next(queue, ticket);

            if (job_of(engine, &ticket->id) == NULL) {
                (void)decide(engine, QUEUE_PRINT_UNKNOWN, &ticket->id);
            }
            ticket = next;
        }
    }
}

void print_begin(struct engine *engine)
{
    engine->print.client_ms = engine->now_ms;
    engine->print.looked_ms = 0;
}

void print_turn(struct engine *engine)
{
    struct print *print = &engine->print;

    if (engine->failure != 0) {
        return; /* decided in this very turn: nothing is written any more */
    }
    report_turn(engine);
    if (!engine_serves(engine)) {
        if (duty_serves(&engine->duty) == DUTY_SERVE_NOT && !engine->holding) {
            print->job_count = 0; /* what was not sent never is; what was, is a copy from now on */
            print->looked_ms = 0;
        }
        return;
    }
    for (size_t i = print->job_count; i > 0 && batch_has_room(engine); i--) {
        struct print_job *job = &print->jobs[i - 1];

        expire(engine, job);
        if (job->outcome != 0) {
            end_job(engine, job);
        }
    }
    if (print->looked_ms == 0 || engine->now_ms - print->looked_ms >= ENGINE_TICK_MS) {
        print->looked_ms = engine->now_ms;
        end_orphans(engine);
    }
    if (print->used_ms != 0 && engine->now_ms - print->used_ms >= PRINT_COUNT_MS) {
        write_used(engine);
    }
    if (print->test.client != 0 && engine->now_ms - print->test.since_ms >= PRINT_JOB_MS_MAX) {
        answer_test(engine, PRINTER_UNKNOWN);
    }
}

/* ---- orders --------------------------------------------------------------------------------------------- */

static void send_order(struct engine *engine, const struct api_print *order)
{
    uint8_t bytes[API_PRINT_BYTES_MAX];
    size_t len_bytes = api_print_encode(order, bytes, sizeof(bytes));

    CHECK(len_bytes > 0);
    engine->world.reply(engine->world.context, engine->print.client, bytes, len_bytes, NULL, 0);
}

static void fill_site(const struct engine *engine, struct api_print *order)
{
    int64_t local_ms = engine->wall_ms + (int64_t)engine->calendar->utc_offset_minutes * MINUTE_MS;

    order->term = engine->state.term.number;
    order->date = engine->queue->day.date;
    order->minute = (uint16_t)(local_ms / MINUTE_MS % MINUTES_A_DAY);
    memcpy(order->site_ja, engine->queue->config.site_ja, sizeof(order->site_ja));
    memcpy(order->site_en, engine->queue->config.site_en, sizeof(order->site_en));
    if (engine->site.has_paper) {
        memcpy(order->place_ja, engine->site.place_ja, sizeof(order->place_ja));
        memcpy(order->place_en, engine->site.place_en, sizeof(order->place_en));
    } else if (engine->options.place_ja != NULL) {
        (void)strncpy(order->place_ja, engine->options.place_ja, sizeof(order->place_ja) - 1);
        (void)strncpy(order->place_en, engine->options.place_en, sizeof(order->place_en) - 1);
    }
    site_visitor_url(engine, order->url);
}

void print_send_order(struct engine *engine, const struct api_print *order)
{
    send_order(engine, order);
}

void print_fill_site(const struct engine *engine, struct api_print *order)
{
    *order = (struct api_print){0};
    fill_site(engine, order);
}

static void fill_order(const struct engine *engine, const struct print_job *job,
                       const struct queue_ticket *ticket, struct api_print *order)
{
    const struct queue_category_config *category =
        queue_category_config_find(engine->queue, ticket->category);
    int64_t local_ms =
        ticket->issued_ms + (int64_t)engine->calendar->utc_offset_minutes * MINUTE_MS;

    *order = (struct api_print){.order = job->order,
                                .lsn = job->lsn,
                                .kind = job->kind,
                                .ticket = ticket->id,
                                .number = ticket->number,
                                .waiting_ahead = ticket->waiting_ahead_at_issue,
                                .estimate_s = ticket->estimate_s_at_issue};
    fill_site(engine, order);
    order->date = ticket->day;
    order->minute = (uint16_t)(local_ms / MINUTE_MS % MINUTES_A_DAY);
    ids_series_to_text(ticket->series, order->series);
    memcpy(order->language, ticket->language, sizeof(order->language));
    if (category != NULL) {
        memcpy(order->category_ja, category->name_ja, sizeof(order->category_ja));
        memcpy(order->category_en, category->name_en, sizeof(order->category_en));
    }
    if (ticket->series.unit == engine->options.duty.unit && engine->options.unit_name_ja != NULL) {
        (void)strncpy(order->unit_ja, engine->options.unit_name_ja, sizeof(order->unit_ja) - 1);
        (void)strncpy(order->unit_en, engine->options.unit_name_en, sizeof(order->unit_en) - 1);
    }
}

void print_flush(struct engine *engine, uint64_t watermark)
{
    struct print *print = &engine->print;

    if (print->client == 0 || !engine_serves(engine)) {
        return;
    }
    for (size_t i = 0; i < print->job_count; i++) {
        struct print_job *job = &print->jobs[i];
        const struct queue_ticket *ticket = queue_ticket_find(engine->queue, &job->ticket);
        struct api_print order;

        if (job->sent || job->outcome != 0 || job->lsn > watermark) {
            continue;
        }
        if (ticket == NULL || !queue_ticket_is_live((enum queue_ticket_state)ticket->state)) {
            job->outcome = PRINTER_UNTOUCHED; /* cancelled while it was written */
            continue;
        }
        fill_order(engine, job, ticket, &order);
        job->sent = true;
        send_order(engine, &order);
    }
    report_flush(engine, watermark);
}

/* ---- what people ask ------------------------------------------------------------------------------------ */

static const struct api_printer *printer_of(const struct engine *engine, uint32_t id)
{
    for (size_t i = 0; i < engine->print.level.count; i++) {
        if (engine->print.level.list[i].id == id) {
            return &engine->print.level.list[i];
        }
    }
    return NULL;
}

static void refuse(struct engine *engine, uint64_t client, uint32_t id, uint16_t status,
                   const char *code, const char *ja, const char *en)
{
    size_t len_bytes;
    char *body = render_problem(status, code, ja, en, &len_bytes);

    serve_reply_now(engine, client, id, status, body, len_bytes);
}

static void answer_test(struct engine *engine, uint8_t outcome)
{
    struct print_test test = engine->print.test;
    size_t len_bytes;
    char *body;

    engine->print.test = (struct print_test){0};
    if (outcome != PRINTER_PRINTED) {
        refuse(engine, test.client, test.id, STATUS_CONFLICT, "NOT_PRINTED",
               "試し刷りができませんでした。「toban printer "
               "list」でプリンターの状態を確認してください。",
               "The test print did not come out. `toban printer list` says what the printer says.");
        return;
    }
    body = print_render(engine, &len_bytes);
    serve_reply_now(engine, test.client, test.id, STATUS_OK, body, len_bytes);
}

static void test_print(struct engine *engine, uint64_t client, uint32_t id, uint32_t printer)
{
    const struct api_printer *level = printer_of(engine, printer);
    struct api_print order = {.kind = PAPER_TEST, .printer = (uint8_t)printer};

    if (engine->print.test.client != 0 || level == NULL || level->condition != PRINTER_READY) {
        enum printer_condition condition =
            level == NULL ? PRINTER_UNREACHABLE : (enum printer_condition)level->condition;

        refuse(engine, client, id, STATUS_CONFLICT, printer_condition_code(condition),
               printer_condition_ja(condition), printer_condition_en(condition));
        return;
    }
    order.order = ++engine->print.newest_order;
    fill_site(engine, &order);
    if (order.date == 0) {
        order.date = engine->level.today.date;
    }
    engine->print.test = (struct print_test){
        .client = client, .id = id, .order = order.order, .since_ms = engine->now_ms};
    send_order(engine, &order);
}

static bool parse_number(const char **text, uint32_t max, uint32_t *ret_number)
{
    uint32_t number = 0;
    const char *at = *text;

    while (*at >= '0' && *at <= '9' && number <= max) {
        number = number * 10 + (uint32_t)(*at++ - '0');
    }
    if (at == *text || number == 0 || number > max) {
        return false;
    }
    *text = at;
    *ret_number = number;
    return true;
}

void print_control(struct engine *engine, uint64_t client, const struct api_request *request)
{
    const char *text = request->control.text;
    uint32_t printer = 0, metres = 0;
    const struct api_printer *level;
    struct print_used roll = {0};
    size_t len_bytes;
    char *body;

    if (request->control.what == API_CONTROL_DAY_SLIP) {
        report_control(engine, client, request);
        return;
    }
    if (!parse_number(&text, API_PRINTERS_MAX, &printer) ||
        (*text == ' ' && (text++, !parse_number(&text, ROLL_METRES_MAX, &metres))) ||
        *text != '\0') {
        refuse(engine, client, request->id, STATUS_REFUSED, "NO_SUCH_PRINTER",
               "プリンターの番号と、新しいロール紙の長さ (m) を確認してください。",
               "Check the printer's number, and the length of the new roll in metres.");
        return;
    }
    if (request->control.what == API_CONTROL_PRINTER_TEST) {
        test_print(engine, client, request->id, printer);
        return;
    }
    level = printer_of(engine, printer);
    roll.mm = metres != 0 ? metres * MM_A_METRE : level != NULL ? level->roll_mm : 0;
    write_used(engine);
    append_device(engine, DEVICE_ROLL, (uint8_t)printer, &roll,
                  (uint32_t)request->control.actor << 16);
    body = print_render(engine, &len_bytes);
    serve_reply_later(engine, client, request->id, STATUS_OK, body, len_bytes);
}
