/*
 * Papers for staff on the ticket printers: the waiting list while one unit serves alone, so that paper can carry
 * on if it fails as well, and the day's closing slip, which carries the head of the ledger's chain out of the
 * machine (promise 9). Numbers only: nothing of a visitor stands on either.
 *
 * A report is composed once, at an lsn, and leaves when that may be told to clients, as everything does (rule 1).
 * One process prints an original of it at most: what was not printed for certain is asked for again by staff, and
 * says that it is a copy. Who takes over prints none: it did not close the day.
 */
#include "appliance/engine/engine_internal.h"

#include "appliance/devices/paper/paper.h"
#include "appliance/devices/printer/printer.h"
#include "base/check.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static_assert((int)API_REPORT_BYTES <= (int)PAPER_REPORT_BYTES, "a report fits its paper");

enum {
    STATUS_OK = 200,
    STATUS_CONFLICT = 409,
    LIST_FIRST_MS = 5 * 60 * 1000, /* a takeover that is over by then prints nothing */
    LIST_EACH_MS = 60 * 60 * 1000,
    AGAIN_MS = 60 * 1000,
    MINUTE_MS = 60000,
    MINUTES_A_DAY = 24 * 60,
    LINE_ROOM_BYTES = 160, /* kept free for what was left out, and the chain's head */
};

struct text {
    char *at;
    size_t left_bytes;
};

static void __attribute__((format(printf, 2, 3))) put(struct text *text, const char *format, ...)
{
    va_list values;
    int len;

    va_start(values, format);
    len = vsnprintf(text->at, text->left_bytes, format, values);
    va_end(values);
    if (len > 0 && (size_t)len < text->left_bytes) {
        text->at += len;
        text->left_bytes -= (size_t)len;
    } else if (text->left_bytes > 0) {
        text->at[0] = '\0'; /* whole lines only */
    }
}

static uint16_t local_minute(const struct engine *engine, int64_t wall_ms)
{
    int64_t local_ms = wall_ms + (int64_t)engine->calendar->utc_offset_minutes * MINUTE_MS;

    return (uint16_t)(local_ms / MINUTE_MS % MINUTES_A_DAY);
}

/* ---- what stands on them -------------------------------------------------------------------------------------- */

static void put_waiting(const struct engine *engine, uint16_t category,
                        enum queue_ticket_state state, struct text *text, uint32_t *left_out)
{
    for (const struct queue_ticket *ticket = queue_line_first(engine->queue, category, state);
         ticket != NULL; ticket = queue_line_next(engine->queue, ticket)) {
        char series[IDS_SERIES_TEXT_BYTES];

        ids_series_to_text(ticket->series, series);
        if (text->left_bytes < LINE_ROOM_BYTES) {
            (*left_out)++;
        } else {
            put(text, "%u%s  ", ticket->number, series);
        }
    }
}

/* Those sent to one counter stand in no category's line. */
static void put_sent(const struct engine *engine, struct text *text, uint32_t *left_out)
{
    bool any = false;

    for (uint32_t i = 0; i < engine->queue->ticket_count; i++) {
        const struct queue_ticket *ticket = &engine->queue->tickets[i];
        char series[IDS_SERIES_TEXT_BYTES];

        if (ticket->state != QUEUE_WAITING || ticket->for_counter == 0) {
            continue;
        }
        ids_series_to_text(ticket->series, series);
        if (text->left_bytes < LINE_ROOM_BYTES) {
            (*left_out)++;
            continue;
        }
        put(text, "%s%u%s→%u  ", any ? "" : "#窓口指定 For one counter\n", ticket->number, series,
            ticket->for_counter);
        any = true;
    }
    if (any) {
        put(text, "\n");
    }
}

static void compose_list(const struct engine *engine, struct text *text)
{
    const struct queue *queue = engine->queue;
    uint32_t left_out = 0;

    put(text, "! 待ち番号の控え WAITING LIST \n");
    put(text, "単独運転中の控えです。機械が止まったら、この順に呼んでください。\n"
              "Kept while one unit serves alone: if it stops, call in this order.\n-\n");
    for (size_t i = 0; i < queue->config.category_count; i++) {
        const struct queue_category_config *config = &queue->config.categories[i];

        if (queue_line_first(queue, config->id, QUEUE_WAITING) == NULL &&
            queue_line_first(queue, config->id, QUEUE_HELD) == NULL) {
            continue;
        }
        put(text, "#%s %s\n", config->name_ja, config->name_en);
        put_waiting(engine, config->id, QUEUE_WAITING, text, &left_out);
        put(text, "\n");
        if (queue_line_first(queue, config->id, QUEUE_HELD) != NULL) {
            put(text, "保留 On hold: ");
            put_waiting(engine, config->id, QUEUE_HELD, text, &left_out);
            put(text, "\n");
        }
    }
    put_sent(engine, text, &left_out);
    if (left_out > 0) {
        put(text, "ほか %u 人 and %u more\n", left_out, left_out);
    }
}

static void put_totals(struct text *text, const struct queue_totals *totals)
{
    put(text, "  発券 %u  対応 %u  不在 %u  取消 %u  終了 %u  欠番 %u\n", totals->issued,
        totals->served, totals->no_show, totals->cancelled, totals->expired, totals->voided);
}

static void add_up(struct queue_totals *all, const struct queue_totals *totals)
{
    all->issued += totals->issued;
    all->served += totals->served;
    all->no_show += totals->no_show;
    all->cancelled += totals->cancelled;
    all->expired += totals->expired;
    all->voided += totals->voided;
}

/* The chain's head stands in groups of four, eight to a line: it may have to be typed in. */
static void put_head(const struct ids_hash *head, struct text *text)
{
    for (size_t i = 0; i < IDS_HASH_BYTES; i += 2) {
        put(text, "%02x%02x%s", head->bytes[i], head->bytes[i + 1], i % 16 == 14 ? "\n" : " ");
    }
}

static void compose_slip(const struct engine *engine, bool copy, struct text *text)
{
    const struct queue *queue = engine->queue;
    const struct queue_day *day = &queue->day;
    struct queue_totals all = {0};
    char date[PAPER_NAME_BYTES];

    put(text, copy ? "! 日計票 再発行 COPY \n" : "! 日計票 DAY SLIP \n");
    if (day->date != 0) {
        paper_date_ja(day->date, date);
        put(text, "%s", date);
        put(text, "  %02u:%02u -", local_minute(engine, day->opened_ms) / 60U,
            local_minute(engine, day->opened_ms) % 60U);
        if (day->closed_ms != 0) {
            put(text, " %02u:%02u", local_minute(engine, day->closed_ms) / 60U,
                local_minute(engine, day->closed_ms) % 60U);
        }
        put(text, "\n");
    }
    if (day->state == QUEUE_DAY_OPEN) {
        put(text, "途中の集計です。 The day is not over yet.\n");
    }
    put(text, "-\n");
    for (size_t i = 0; i < queue->config.category_count; i++) {
        add_up(&all, &queue->totals[i]);
        if (text->left_bytes > 2 * LINE_ROOM_BYTES + LINE_ROOM_BYTES) {
            put(text, "#%s\n", queue->config.categories[i].name_ja);
            put_totals(text, &queue->totals[i]);
        }
    }
    put(text, "-\n#合計 All\n");
    put_totals(text, &all);
    put(text, "-\n台帳 Ledger lsn %" PRIu64 "  term %" PRIu64 "  unit %u\n", engine->last_lsn,
        engine->state.term.number, engine->options.duty.unit);
    put_head(&engine->head, text);
    put(text, "この控えは台帳の改変を見つける証拠です。保管してください。\n"
              "Keep this: it proves later whether the ledger was changed.\n");
}

/* ---- when they are printed ------------------------------------------------------------------------------------- */

static void begin(struct engine *engine, enum report_what what, bool copy)
{
    struct print_report *report = &engine->print.report;
    struct text text = {.at = report->text, .left_bytes = sizeof(report->text)};

    *report = (struct print_report){.what = what,
                                    .copy = copy,
                                    .lsn = engine->last_lsn,
                                    .date = engine->queue->day.date != 0 ? engine->queue->day.date
                                                                         : engine->level.today.date,
                                    .minute = local_minute(engine, engine->wall_ms),
                                    .since_ms = engine->now_ms};
    if (what == REPORT_LIST) {
        compose_list(engine, &text);
    } else {
        compose_slip(engine, copy, &text);
    }
}

void report_day_closed(struct engine *engine)
{
    if (engine->print.report.client != 0) {
        report_answer(engine, PRINTER_UNTOUCHED);
    }
    begin(engine, REPORT_SLIP, false);
    engine->print.slip = SLIP_WAITS;
}

static bool somebody_waits(const struct engine *engine)
{
    for (uint32_t i = 0; i < engine->queue->ticket_count; i++) {
        if (engine->queue->tickets[i].state == QUEUE_WAITING ||
            engine->queue->tickets[i].state == QUEUE_HELD) {
            return true;
        }
    }
    return false;
}

static void look_at_list(struct engine *engine)
{
    struct print *print = &engine->print;

    if (duty_serves(&engine->duty) != DUTY_SERVE_LETTER ||
        engine->queue->day.state != QUEUE_DAY_OPEN) {
        print->list_ms = 0;
        return;
    }
    if (print->list_ms == 0) {
        print->list_ms = engine->now_ms + LIST_FIRST_MS;
    }
    if (engine->now_ms >= print->list_ms && print->report.what == REPORT_NONE &&
        print_is_possible(engine) && somebody_waits(engine)) {
        print->list_ms = engine->now_ms + LIST_EACH_MS;
        begin(engine, REPORT_LIST, false);
    }
}

void report_turn(struct engine *engine)
{
    struct print_report *report = &engine->print.report;

    if (!engine_serves(engine)) {
        if (report->what != REPORT_NONE && duty_serves(&engine->duty) == DUTY_SERVE_NOT &&
            !engine->holding) {
            report_done(engine, report->sent ? PRINTER_UNKNOWN : PRINTER_UNTOUCHED);
            *report = (struct print_report){0};
        }
        engine->print.list_ms = 0;
        return;
    }
    look_at_list(engine);
    if (report->sent && engine->now_ms - report->since_ms >= PRINT_JOB_MS_MAX) {
        report_done(engine, PRINTER_UNKNOWN);
    }
}

void report_flush(struct engine *engine, uint64_t watermark)
{
    struct print_report *report = &engine->print.report;
    struct api_print order;

    if (report->what == REPORT_NONE || report->sent || report->lsn > watermark ||
        engine->now_ms < report->again_ms || !print_is_possible(engine)) {
        return;
    }
    print_fill_site(engine, &order);
    order.kind = PAPER_REPORT;
    order.date = report->date;
    order.minute = report->minute;
    order.lsn = report->lsn;
    order.order = report->order = ++engine->print.newest_order;
    memcpy(order.text, report->text, sizeof(order.text));
    report->sent = true;
    report->since_ms = engine->now_ms;
    print_send_order(engine, &order);
}

void report_answer(struct engine *engine, uint8_t outcome)
{
    struct print_report *report = &engine->print.report;
    uint64_t client = report->client;
    size_t len_bytes;
    char *body;

    report->client = 0;
    if (client == 0) {
        return;
    }
    if (outcome == PRINTER_PRINTED) {
        body = render_slip(engine, &len_bytes);
        serve_reply_later(engine, client, report->id, STATUS_OK, body, len_bytes);
        return;
    }
    body = render_problem(STATUS_CONFLICT, "NOT_PRINTED",
                          "日計票を印刷できませんでした。プリンターの状態を確認してください。",
                          "The day's slip did not come out. Look at what the printer says.",
                          &len_bytes);
    serve_reply_now(engine, client, report->id, STATUS_CONFLICT, body, len_bytes);
}

/* Nothing came out: a slip is tried again, for as long as this process serves; of a list a newer one comes. */
void report_done(struct engine *engine, uint8_t outcome)
{
    struct print_report *report = &engine->print.report;

    report_answer(engine, outcome);
    if (report->what == REPORT_SLIP && !report->copy) {
        engine->print.slip = outcome == PRINTER_PRINTED     ? SLIP_PRINTED
                             : outcome == PRINTER_UNTOUCHED ? SLIP_WAITS
                                                            : SLIP_UNKNOWN;
        if (outcome == PRINTER_UNTOUCHED) {
            report->sent = false;
            report->again_ms = engine->now_ms + AGAIN_MS;
            return;
        }
    } else if (report->what == REPORT_LIST && outcome != PRINTER_PRINTED) {
        engine->print.list_ms = engine->now_ms + AGAIN_MS;
    }
    *report = (struct print_report){0};
}

void report_control(struct engine *engine, uint64_t client, const struct api_request *request)
{
    size_t len_bytes;
    char *body;

    if (engine->print.report.what == REPORT_SLIP || !print_is_possible(engine)) {
        body = render_problem(
            STATUS_CONFLICT, "NO_PRINTER",
            "いまは印刷できません。プリンターの状態を確認して、もう一度操作してください。",
            "It cannot be printed now. Look at what the printer says and try again.", &len_bytes);
        serve_reply_now(engine, client, request->id, STATUS_CONFLICT, body, len_bytes);
        return;
    }
    begin(engine, REPORT_SLIP, true);
    engine->print.report.client = client;
    engine->print.report.id = request->id;
}
