/*
 * Clients. A request is decided at once, its entry joins the batch, and its reply waits in the ring until
 * the lsn it was computed at is durable: on both disks when paired, on this one when alone (rule 1).
 * That holds for refusals, replays and reads as well. Only STATUS, READY, EXPLAIN and the like leave at
 * once: they say their lsn. While a change of duty is decided, requests are held, not refused.
 */
#include "appliance/engine/engine_internal.h"

#include "base/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    RETRY_AFTER_S = 1,
    STATUS_OK = 200,
    STATUS_CREATED = 201,
    STATUS_BAD = 400,
    STATUS_NOT_FOUND = 404,
    STATUS_CONFLICT = 409,
    STATUS_REFUSED = 422,
    STATUS_UNAVAILABLE = 503,
};

/* Up to here everything may be told to clients now; 0: nothing may. */
uint64_t serve_watermark(const struct engine *engine)
{
    switch (duty_serves(&engine->duty)) {
    case DUTY_SERVE_PLAIN:
        return engine->sender.acked_lsn < engine->durable_lsn ? engine->sender.acked_lsn
                                                              : engine->durable_lsn;
    case DUTY_SERVE_LETTER:
        return engine->durable_lsn;
    case DUTY_SERVE_NOT:
        break;
    }
    return 0;
}

static void send_reply(struct engine *engine, uint64_t client, uint32_t id, struct api_reply *reply,
                       char *body)
{
    uint8_t header[32];
    size_t len_bytes;

    reply->body = (const uint8_t *)body;
    len_bytes = api_reply_header_encode(id, reply, header);
    engine->world.reply(engine->world.context, client, header, len_bytes, reply->body,
                        reply->body_len_bytes);
    free(body);
}

void serve_answer_now(struct engine *engine, uint64_t client, uint32_t id, uint16_t status,
                      uint16_t retry_after_s, char *body, size_t len_bytes)
{
    struct api_reply reply = {.status = status,
                              .retry_after_s = retry_after_s,
                              .lsn = engine->durable_lsn,
                              .body_len_bytes = (uint32_t)len_bytes};

    send_reply(engine, client, id, &reply, body);
}

void serve_reply_now(struct engine *engine, uint64_t client, uint32_t id, uint16_t status,
                     char *body, size_t len_bytes)
{
    serve_answer_now(engine, client, id, status, status == STATUS_UNAVAILABLE ? RETRY_AFTER_S : 0,
                     body, len_bytes);
}

void serve_refuse_now(struct engine *engine, uint64_t client, uint32_t id, uint16_t status,
                      const char *code, const char *ja, const char *en)
{
    size_t len_bytes;
    char *body = render_problem(status, code, ja, en, &len_bytes);

    serve_reply_now(engine, client, id, status, body, len_bytes);
}

/* A reply that waits for its lsn. */
struct pending_reply *serve_reply_later(struct engine *engine, uint64_t client, uint32_t id,
                                        uint16_t status, char *body, size_t len_bytes)
{
    struct pending_reply *pending;

    CHECK(engine->replies_count < ENGINE_REPLIES_MAX);
    pending =
        &engine->replies[(engine->replies_first + engine->replies_count++) % ENGINE_REPLIES_MAX];
    *pending = (struct pending_reply){
        .client = client,
        .id = id,
        .lsn = engine->last_lsn,
        .reply = {.status = status, .lsn = engine->last_lsn, .body_len_bytes = (uint32_t)len_bytes},
        .body = body,
    };
    return pending;
}

void serve_reply_on_both(struct engine *engine, uint64_t client, uint32_t id, uint16_t status,
                         char *body, size_t len_bytes)
{
    serve_reply_later(engine, client, id, status, body, len_bytes)->both = true;
}

/* Contact broke before the other had it: whoever serves after the next meeting may never have heard of it. */
static bool is_on_one_disk(const struct engine *engine, const struct pending_reply *pending)
{
    return pending->both && duty_serves(&engine->duty) == DUTY_SERVE_LETTER &&
           engine->options.duty.peer_place != 0 && pending->lsn > engine->both_lsn;
}

static void refuse_on_one_disk(struct engine *engine, uint64_t client, uint32_t id)
{
    serve_refuse_now(
        engine, client, id, STATUS_UNAVAILABLE, "NOT_ON_BOTH",
        "設定はまだ1台にしか保存されていません。2台がそろってから、もう一度行ってください。",
        "The change is on one unit's disk only. Do it again when both units are together.");
}

static uint16_t status_of(enum queue_reason reason)
{
    switch (reason) {
    case QUEUE_OK:
    case QUEUE_REPLAYED:
    case QUEUE_EMPTY:
        return STATUS_OK;
    case QUEUE_NO_SUCH_COUNTER:
    case QUEUE_NO_SUCH_TICKET:
        return STATUS_NOT_FOUND;
    case QUEUE_KEY_REUSED:
    case QUEUE_NO_SUCH_CATEGORY:
    case QUEUE_BAD_LANGUAGE:
    case QUEUE_BAD_PRIORITY:
    case QUEUE_NUMBER_NOT_MANUAL:
    case QUEUE_BAD_PLACE:
    case QUEUE_BAD_NOTE:
    case QUEUE_BAD_TEXT:
    case QUEUE_BAD_SERVES:
    case QUEUE_BAD_HOURS:
        return STATUS_REFUSED;
    case QUEUE_CEILING_REACHED:
        return STATUS_UNAVAILABLE;
    case QUEUE_DAY_NOT_OPEN:
    case QUEUE_DAY_ALREADY_OPEN:
    case QUEUE_DAY_NOT_LATER:
    case QUEUE_DAY_NOT_ERASED:
    case QUEUE_DAY_FULL:
    case QUEUE_CATEGORY_SUSPENDED:
    case QUEUE_NUMBERS_USED_UP:
    case QUEUE_COUNTER_CLOSED:
    case QUEUE_COUNTER_BUSY:
    case QUEUE_COUNTER_IDLE:
    case QUEUE_COUNTER_NOT_FOR:
    case QUEUE_TICKET_ELSEWHERE:
    case QUEUE_WRONG_STATE:
    case QUEUE_TOO_SOON:
    case QUEUE_NOTHING_TO_UNDO:
    case QUEUE_UNDO_TOO_LATE:
    case QUEUE_ALL_SUSPENDED:
    case QUEUE_LIMIT_REACHED:
    case QUEUE_NOT_AT_THIS_HOUR:
    case QUEUE_ACCEPTANCE_OVER:
    case QUEUE_TWIN_CALLED:
    case QUEUE_HELD_ELSEWHERE:
    case QUEUE_RETURN_TOO_LATE:
    case QUEUE_TOO_MANY_LEGS:
    case QUEUE_NUMBER_TAKEN:
    case QUEUE_HOURS_FULL:
    case QUEUE_NO_REGISTRATION:
    case QUEUE_REGISTRATION_FULL:
    case QUEUE_NOT_ARRIVED:
    case QUEUE_ARRIVE_HERE:
        return STATUS_CONFLICT;
    case QUEUE_REASON_END:
        break;
    }
    CHECK(!"no such reason");
}

void serve_refuse_later(struct engine *engine, uint64_t client, uint32_t id,
                        enum queue_reason reason)
{
    size_t len_bytes;
    uint16_t status = status_of(reason);
    char *body = render_problem(status, queue_reason_code(reason), queue_reason_ja(reason),
                                queue_reason_en(reason), &len_bytes);

    serve_reply_later(engine, client, id, status, body, len_bytes);
}

/* ---- holding --------------------------------------------------------------------------------- */

static void not_on_duty(struct engine *engine, uint64_t client, uint32_t id)
{
    serve_refuse_now(engine, client, id, STATUS_UNAVAILABLE, duty_reason_code(engine->duty.reason),
                     duty_reason_ja(engine->duty.reason), duty_reason_en(engine->duty.reason));
}

void serve_overload(struct engine *engine, uint64_t client, uint32_t id)
{
    serve_refuse_now(engine, client, id, STATUS_UNAVAILABLE, "OVERLOAD",
                     "混み合っています。少し待ってからもう一度お試しください。",
                     "Too many requests at once. Try again in a moment.");
}

static void hold(struct engine *engine, uint64_t client, const struct api_request *request,
                 uint64_t wait_lsn)
{
    if (engine->held_count == ENGINE_HELD_MAX) {
        serve_overload(engine, client, request->id);
        return;
    }
    engine->held[(engine->held_first + engine->held_count++) % ENGINE_HELD_MAX] =
        (struct held_request){.client = client,
                              .since_ms = engine->now_ms,
                              .wait_lsn = wait_lsn,
                              .request = *request};
}

bool serve_batch_is_full(const struct engine *engine)
{
    return engine->last_lsn + 1 - engine->gather_from >= ENGINE_BATCH_ENTRIES_MAX ||
           engine->last_lsn >= engine->durable_lsn + ENGINE_CACHE_ENTRIES / 2 ||
           engine->replies_count >= ENGINE_REPLIES_MAX - 1 ||
           (engine->shipping &&
            engine->last_lsn >= engine->sender.acked_lsn + ENGINE_CACHE_ENTRIES / 2 &&
            duty_is_paired(&engine->duty));
}

/* ---- commands ----------------------------------------------------------------------------------- */

/* A plain number above what is reserved on both disks has to wait for its ceiling (rule 4). */
static uint64_t ceiling_to_wait_for(const struct engine *engine, uint16_t category_id)
{
    const struct queue_category *category = queue_category_find(engine->queue, category_id);
    uint16_t number;

    if (category == NULL || duty_serves(&engine->duty) != DUTY_SERVE_PLAIN) {
        return 0;
    }
    number = queue_next_number(engine->queue, category_id, (struct ids_series){0});
    if (number == 0 || number <= engine->safe_ceiling[category->id - 1]) {
        return 0;
    }
    return engine->ceiling_lsn[category->id - 1];
}

static void accepted(struct engine *engine, uint64_t client, const struct api_request *request,
                     const struct queue_decision *decision)
{
    bool replayed = decision->reason == QUEUE_REPLAYED;
    size_t len_bytes;
    char *body;

    if (decision->change.row_count > 0) {
        (void)engine_append_change(
            engine, &decision->change,
            access_actor(engine, request, request->command.actor, request->command.counter),
            &request->command.key);
    }
    body = render_ticket_answer(engine, &decision->answer, replayed, &len_bytes);
    serve_reply_later(engine, client, request->id,
                      queue_action_gives_number(request->command.action) ? STATUS_CREATED
                                                                         : STATUS_OK,
                      body, len_bytes);
}

/* The newest reply is of a request that has written. */
static void note_write(struct engine *engine)
{
    CHECK(engine->replies_count > 0);
    engine->replies[(engine->replies_first + engine->replies_count - 1) % ENGINE_REPLIES_MAX]
        .wrote = true;
    gather_wrote(&engine->gather);
}

static void command(struct engine *engine, uint64_t client, const struct api_request *request)
{
    struct queue_command command;
    struct queue_decision decision;
    uint64_t wait_lsn;

    bool gives = queue_action_gives_number(request->command.action);

    if (!queue_action_is_clients(request->command.action)) {
        serve_refuse_now(engine, client, request->id, STATUS_BAD, "BAD_REQUEST",
                         "この操作は受け付けていません。", "There is no such action.");
        return;
    }
    serve_fill_command(engine, &request->command, &command);
    command.from_afar = access_is_anyone(engine, &request->from);
    if (command.action == QUEUE_SET_HOURS) {
        enum queue_reason reason = hours_settle(engine, &command);

        if (reason != QUEUE_OK) {
            serve_refuse_later(engine, client, request->id, reason);
            return;
        }
        if (request->command.rule.preview != 0) {
            size_t len_bytes;
            char *body = hours_preview(engine, &command, &len_bytes);

            serve_reply_later(engine, client, request->id, STATUS_OK, body, len_bytes);
            return;
        }
    }
    if ((gives || command.action == QUEUE_ARRIVE) && !day_accepts_issue(engine) &&
        queue_key_find(engine->queue, &command.key) == NULL) {
        serve_refuse_later(engine, client, request->id, QUEUE_DAY_NOT_OPEN);
        return;
    }
    if (gives) {
        wait_lsn = ceiling_to_wait_for(engine, command.category);
        if (wait_lsn != 0 && queue_key_find(engine->queue, &command.key) == NULL) {
            hold(engine, client, request, wait_lsn);
            return;
        }
    }
    queue_decide(engine->queue, &command, &decision);
    if (decision.reason == QUEUE_OK || decision.reason == QUEUE_REPLAYED ||
        decision.reason == QUEUE_EMPTY) {
        accepted(engine, client, request, &decision);
        if (decision.change.row_count > 0) {
            note_write(engine);
            print_note(engine, &decision);
        }
        if (gives) {
            day_raise_ceilings(engine);
        }
    } else if (decision.reason == QUEUE_CEILING_REACHED) {
        day_raise_ceilings(engine);
        hold(engine, client, request, engine->last_lsn);
    } else {
        serve_refuse_later(engine, client, request->id, decision.reason);
    }
}

/* ---- reads and controls -------------------------------------------------------------------------- */

static bool read_at_once(struct engine *engine, uint64_t client, const struct api_request *request)
{
    size_t len_bytes = 0;
    char *body = NULL;
    uint16_t status = STATUS_OK;
    bool ready;

    switch (request->read.what) {
    case API_READ_STATUS:
        body = status_render(engine, &len_bytes);
        break;
    case API_READ_READY:
        body = status_ready(engine, &ready, &len_bytes);
        status = ready ? STATUS_OK : STATUS_UNAVAILABLE;
        break;
    case API_READ_EXPLAIN:
        body = status_explain(engine, &len_bytes);
        break;
    case API_READ_LEDGER:
        body = status_ledger(engine, &len_bytes);
        break;
    case API_READ_PRINTERS:
        body = print_render(engine, &len_bytes);
        break;
    case API_READ_METRICS:
        body = status_metrics(engine, &len_bytes);
        break;
    case API_READ_CERTIFICATE:
        status = erasure_read(engine, request->read.text, &body, &len_bytes);
        break;
    default:
        return false;
    }
    serve_reply_now(engine, client, request->id, status, body, len_bytes);
    return true;
}

static void read_queue(struct engine *engine, uint64_t client, const struct api_request *request)
{
    const struct api_read *read = &request->read;
    const struct queue_ticket *ticket;
    const struct queue_counter *counter;
    struct ids_token id = read->ticket;
    size_t len_bytes = 0;
    char *body = NULL;

    switch (read->what) {
    case API_READ_QUEUE:
        body = render_queue(engine, &len_bytes);
        break;
    case API_READ_DAY:
        body = render_day(engine, &len_bytes);
        break;
    case API_READ_SITE:
        body = site_render(engine, &len_bytes);
        if (body == NULL) {
            serve_refuse_now(engine, client, request->id, STATUS_NOT_FOUND, "NO_SITE_FILE",
                             "設定ファイルがまだありません。", "There is no site file yet.");
            return;
        }
        break;
    case API_READ_STATISTICS:
    case API_READ_STATISTICS_CSV:
    case API_READ_VISITS_CSV:
        table_request(engine, client, request);
        return;
    case API_READ_MANAGER:
        body = render_manager(engine, &len_bytes);
        break;
    case API_READ_SLIP:
        body = render_slip(engine, &len_bytes);
        break;
    case API_READ_TICKETS:
        body = render_tickets(engine, read->number, &len_bytes);
        break;
    case API_READ_COUNTER:
        counter = queue_counter_find(engine->queue, read->number);
        if (counter == NULL) {
            serve_refuse_later(engine, client, request->id, QUEUE_NO_SUCH_COUNTER);
            return;
        }
        body = render_counter(engine, counter, &len_bytes);
        break;
    case API_READ_TICKET:
        if (read->number != 0) {
            (void)serve_find_ticket(engine, read->text, read->number, &id);
        }
        ticket = queue_ticket_find(engine->queue, &id);
        if (ticket == NULL) {
            serve_refuse_later(engine, client, request->id, QUEUE_NO_SUCH_TICKET);
            return;
        }
        body = render_ticket(engine, ticket, &len_bytes);
        break;
    default:
        serve_refuse_now(engine, client, request->id, STATUS_BAD, "BAD_REQUEST",
                         "この読み出しはありません。", "There is nothing of that name to read.");
        return;
    }
    serve_reply_later(engine, client, request->id, STATUS_OK, body, len_bytes);
}

/* A credential counts as of now, not of when its request was held. */
static void run(struct engine *engine, uint64_t client, const struct api_request *request)
{
    if (!access_admits(engine, client, request)) {
        return;
    }
    if (request->type == API_ACCESS) {
        people_request(engine, client, request);
    } else if (request->type == API_COMMAND) {
        command(engine, client, request);
    } else if (request->type == API_SITE) {
        site_request(engine, client, request);
    } else if (request->type == API_READ) {
        read_queue(engine, client, request);
    } else if (request->control.what == API_CONTROL_PRINTER_TEST ||
               request->control.what == API_CONTROL_PRINTER_ROLL ||
               request->control.what == API_CONTROL_DAY_SLIP) {
        print_control(engine, client, request);
    } else {
        control_day(engine, client, request);
    }
}

static void subscribe(struct engine *engine, uint64_t client)
{
    for (size_t i = 0; i < engine->subscriber_count; i++) {
        if (engine->subscribers[i] == client) {
            return;
        }
    }
    if (engine->subscriber_count < ENGINE_SUBSCRIBERS_MAX) {
        engine->subscribers[engine->subscriber_count++] = client;
        engine->event_due = true;
    }
}

static void tell_state(struct engine *engine, uint64_t client)
{
    struct api_state state = {.serving = engine_serves(engine),
                              .public_page = !engine->options.private_page};
    uint8_t bytes[API_TEXT_BYTES + 32];
    size_t len_bytes;

    (void)strncpy(state.reason, duty_reason_code(engine->duty.reason), sizeof(state.reason) - 1);
    len_bytes = api_state_encode(&state, bytes, sizeof(bytes));
    engine->world.reply(engine->world.context, client, bytes, len_bytes, NULL, 0);
}

static void know_client(struct engine *engine, uint64_t client)
{
    for (size_t i = 0; i < engine->client_count; i++) {
        if (engine->clients[i] == client) {
            return;
        }
    }
    if (engine->client_count < ENGINE_SUBSCRIBERS_MAX) {
        engine->clients[engine->client_count++] = client;
    }
}

/* By a unit that serves nobody as well: what it says of itself, and orders to it. */
static bool answers_at_once(const struct api_request *request)
{
    switch ((enum api_type)request->type) {
    case API_READ:
        return request->read.what >= API_READ_STATUS && request->read.what < API_READ_SITE &&
               request->read.what != API_READ_CALENDAR;
    case API_CONTROL:
        return request->control.what >= API_CONTROL_DUTY_HANDOVER &&
               request->control.what < API_CONTROL_DAY_ANNUL;
    case API_ACCESS:
        return request->access.what == API_ACCESS_SALT || request->access.what == API_ACCESS_WHO ||
               request->access.what == API_ACCESS_CHECK || request->access.what == API_ACCESS_LIST;
    case API_COMMAND:
    case API_SUBSCRIBE:
    case API_REPLY:
    case API_EVENT:
    case API_STATE:
    case API_REVOKED:
    case API_BOARDS:
    case API_RELAY_ERASED:
    case API_RELAY:
    case API_PRINTERS:
    case API_PRINT_DONE:
    case API_PRINT:
    case API_SITE:
        break;
    }
    return false;
}

void serve_request(struct engine *engine, uint64_t client, const uint8_t *bytes, size_t len_bytes)
{
    struct api_request request;

    if (len_bytes == 0) { /* a client has connected */
        know_client(engine, client);
        tell_state(engine, client);
        return;
    }
    if ((engine->client_is == API_PEER_LOCAL || engine->client_is == API_PEER_DRIVER) &&
        len_bytes >= API_FRAME_HEADER_BYTES && print_takes(engine, client, bytes, len_bytes)) {
        return;
    }
    if (!api_request_decode(bytes, len_bytes, &request)) {
        serve_refuse_now(engine, client, 0, STATUS_BAD, "BAD_REQUEST",
                         "要求の形式が正しくありません。", "The request is not well formed.");
        return;
    }
    if (engine->client_is != API_PEER_LOCAL) {
        request.from.via = API_VIA_WEB;
    }
    if (request.type == API_SUBSCRIBE) {
        subscribe(engine, client);
        return;
    }
    if (request.type == API_BOARDS) {
        engine->boards = request.boards;
        engine->boards_client = client;
        return;
    }
    if (!engine->started) {
        not_on_duty(engine, client, request.id);
        return;
    }
    if (request.type == API_RELAY || request.type == API_RELAY_ERASED) {
        relay_request(engine, client, &request);
        return;
    }
    if (answers_at_once(&request)) {
        if (!access_admits(engine, client, &request) ||
            (request.type == API_READ && read_at_once(engine, client, &request)) ||
            (request.type == API_ACCESS && people_read(engine, client, &request))) {
            return;
        }
    }
    if (request.type == API_CONTROL && (request.control.what == API_CONTROL_UNIT_APPROVE ||
                                        request.control.what == API_CONTROL_UNIT_RETIRE)) {
        control_units(engine, client, &request);
        return;
    }
    if (request.type == API_CONTROL && request.control.what >= API_CONTROL_DUTY_HANDOVER &&
        request.control.what < API_CONTROL_DAY_ANNUL) {
        control_duty(engine, client, &request);
        return;
    }
    if (engine->holding || engine->held_count > 0 || serve_batch_is_full(engine)) {
        if (request.type == API_SITE) { /* too long to be kept: whoever sent it sends it again */
            not_on_duty(engine, client, request.id);
            return;
        }
        hold(engine, client, &request, 0); /* behind those that wait already: order is kept */
    } else if (!engine_serves(engine)) {
        not_on_duty(engine, client, request.id);
    } else {
        run(engine, client, &request);
    }
}

static void forget_client(uint64_t *clients, size_t *count, uint64_t client)
{
    for (size_t i = 0; i < *count; i++) {
        if (clients[i] == client) {
            clients[i] = clients[--*count];
            return;
        }
    }
}

void serve_gone(struct engine *engine, uint64_t client)
{
    print_client_gone(engine, client);
    if (engine->boards_client == client) {
        engine->boards = (struct api_boards){0};
        engine->boards_client = 0;
    }
    forget_client(engine->subscribers, &engine->subscriber_count, client);
    forget_client(engine->clients, &engine->client_count, client);
}

/* ---- every turn ----------------------------------------------------------------------------------- */

static void run_held(struct engine *engine)
{
    size_t count = engine->held_count;

    for (size_t i = 0; i < count && !engine->holding && !serve_batch_is_full(engine); i++) {
        struct held_request held = engine->held[engine->held_first];

        if (held.wait_lsn != 0 && held.wait_lsn > engine->both_lsn &&
            duty_serves(&engine->duty) == DUTY_SERVE_PLAIN) {
            return; /* its ceiling is on its way; those behind wait as well, so that order holds */
        }
        engine->held_first = (engine->held_first + 1) % ENGINE_HELD_MAX;
        engine->held_count--;
        if (engine_serves(engine)) {
            run(engine, held.client, &held.request);
        } else {
            not_on_duty(engine, held.client, held.request.id);
        }
    }
}

static void expire_held(struct engine *engine)
{
    while (engine->held_count > 0) {
        struct held_request *held = &engine->held[engine->held_first];

        if (engine->now_ms - held->since_ms < ENGINE_HELD_MS_MAX) {
            return;
        }
        not_on_duty(engine, held->client, held->request.id);
        engine->held_first = (engine->held_first + 1) % ENGINE_HELD_MAX;
        engine->held_count--;
    }
}

static void note_safe_ceilings(struct engine *engine)
{
    for (size_t i = 0; i < engine->queue->config.category_count; i++) {
        const struct queue_category *category = &engine->queue->categories[i];
        size_t at = (size_t)category->id - 1;

        if (engine->ceiling_lsn[at] != 0 && engine->ceiling_lsn[at] <= engine->both_lsn) {
            engine->safe_ceiling[at] = category->ceiling;
            engine->ceiling_lsn[at] = 0;
        }
    }
}

void serve_turn(struct engine *engine)
{
    if (!engine->told || engine->told_serving != engine_serves(engine)) {
        engine->told = true;
        engine->told_serving = engine_serves(engine);
        for (size_t i = 0; i < engine->client_count; i++) {
            tell_state(engine, engine->clients[i]);
        }
    }
    note_safe_ceilings(engine);
    expire_held(engine);
    run_held(engine);
}

static void send_event(struct engine *engine)
{
    struct api_event event = {.id = engine->event_lsn, .site_version = engine->event_site};
    uint8_t header[32];
    size_t header_len_bytes, len_bytes;

    event.body = (const uint8_t *)engine->event_body;
    event.body_len_bytes = (uint32_t)engine->event_len_bytes;
    header_len_bytes = api_event_header_encode(&event, header);
    len_bytes = engine->event_len_bytes;
    for (size_t i = 0; i < engine->subscriber_count; i++) {
        engine->world.reply(engine->world.context, engine->subscribers[i], header, header_len_bytes,
                            event.body, len_bytes);
    }
    free(engine->event_body);
    engine->event_body = NULL;
}

/* Only time is missing. Where nobody is served none leaves, and nobody need be woken for it. */
bool serve_event_is_awaited(const struct engine *engine)
{
    return engine->event_due && engine->event_body == NULL && engine->subscriber_count > 0 &&
           engine_serves(engine);
}

/* A live event is the whole queue; it leaves when the lsn it was taken at is durable. */
static void flush_event(struct engine *engine, uint64_t watermark)
{
    if (engine->event_body != NULL && (engine->event_lsn <= watermark)) {
        send_event(engine);
    }
    if (serve_event_is_awaited(engine) &&
        engine->now_ms - engine->event_sent_ms >= ENGINE_EVENT_INTERVAL_MS) {
        engine->event_due = false;
        engine->event_sent_ms = engine->now_ms;
        engine->event_lsn = engine->last_lsn;
        engine->event_site = engine->site.version;
        engine->event_body = render_queue(engine, &engine->event_len_bytes);
        if (engine->event_lsn <= watermark) {
            send_event(engine);
        }
    }
}

/* Before service ends here: what was done since the last event, so that no call that a counter was told of
 * waits for an interval that never comes. Bound to its disks like everything else. */
void serve_last_event(struct engine *engine)
{
    uint64_t watermark = engine->series.unit != 0 ? engine->durable_lsn : engine->both_lsn;

    if (engine->series.unit == 0 && !engine->shipping) {
        return; /* it served nobody, and may be blank by now */
    }
    if (engine->event_body != NULL) {
        free(engine->event_body);
        engine->event_body = NULL;
        engine->event_due = true;
    }
    if (engine->event_due && engine->subscriber_count > 0 && engine->last_lsn <= watermark) {
        engine->event_due = false;
        engine->event_sent_ms = engine->now_ms;
        engine->event_lsn = engine->last_lsn;
        engine->event_site = engine->site.version;
        engine->event_body = render_queue(engine, &engine->event_len_bytes);
        send_event(engine);
    }
}

void serve_flush(struct engine *engine)
{
    uint64_t watermark = serve_watermark(engine);
    bool gone = duty_serves(&engine->duty) == DUTY_SERVE_NOT && !engine->holding;

    while (engine->replies_count > 0) {
        struct pending_reply *pending = &engine->replies[engine->replies_first];

        if (pending->own && engine->duty.state == DUTY_WAITING &&
            pending->lsn > engine->durable_lsn) {
            break;
        }
        if (is_on_one_disk(engine, pending)) {
            free(pending->body);
            refuse_on_one_disk(engine, pending->client, pending->id);
        } else if (pending->lsn <= watermark || (gone && pending->lsn <= engine->both_lsn) ||
                   (pending->own && pending->lsn <= engine->durable_lsn)) {
            send_reply(engine, pending->client, pending->id, &pending->reply, pending->body);
        } else if (gone) {
            free(pending->body); /* asked again with its key, whoever serves then answers */
            not_on_duty(engine, pending->client, pending->id);
        } else {
            break;
        }
        if (pending->wrote) {
            gather_released(&engine->gather);
        }
        engine->replies_first = (engine->replies_first + 1) % ENGINE_REPLIES_MAX;
        engine->replies_count--;
    }
    access_turn(engine);
    print_flush(engine, watermark);
    flush_event(engine, watermark);
}
