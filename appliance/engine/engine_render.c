/* JSON of the queue, as appliance/gateway/openapi.json describes it. */
#include "appliance/engine/engine_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LIST_MAX = 50, TICKETS_MAX = 100, CALLS_MAX = 10, TIME_TEXT_BYTES = 96, MINUTE_MS = 60000 };

/* ISO 8601 with the site's own offset; 0 is shown as null: it did not happen. */
void render_time(struct json *json, const char *name, int64_t wall_ms, int32_t utc_offset_minutes)
{
    char text[TIME_TEXT_BYTES];
    int64_t local_ms = wall_ms + (int64_t)utc_offset_minutes * MINUTE_MS;
    int32_t offset = utc_offset_minutes < 0 ? -utc_offset_minutes : utc_offset_minutes;
    struct calendar_date date;

    if (wall_ms <= 0) {
        json_null(json, name);
        return;
    }
    date = calendar_date_from_day_count((int32_t)(local_ms / 86400000));
    (void)snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03d%c%02d:%02d", date.year,
                   date.month, date.day, (int)(local_ms / 3600000 % 24),
                   (int)(local_ms / 60000 % 60), (int)(local_ms / 1000 % 60),
                   (int)(local_ms % 1000), utc_offset_minutes < 0 ? '-' : '+', offset / 60,
                   offset % 60);
    json_text(json, name, text);
}

static void put_time(struct engine *engine, struct json *json, const char *name, int64_t wall_ms)
{
    render_time(json, name, wall_ms, engine->calendar->utc_offset_minutes);
}

void render_date(struct json *json, const char *name, uint32_t yyyymmdd)
{
    char text[16];

    if (yyyymmdd == 0) {
        json_null(json, name);
        return;
    }
    (void)snprintf(text, sizeof(text), "%04u-%02u-%02u", yyyymmdd / 10000, yyyymmdd / 100 % 100,
                   yyyymmdd % 100);
    json_text(json, name, text);
}

const char *render_day_state(uint8_t state)
{
    static const char *const codes[] = {"NONE", "OPEN", "CLOSED", "ERASED", "ANNULLED"};

    return state < sizeof(codes) / sizeof(codes[0]) ? codes[state] : "NONE";
}

char *render_problem(uint16_t status, const char *code, const char *ja, const char *en,
                     size_t *ret_len_bytes)
{
    struct json json;

    json_init(&json);
    json_open(&json, NULL, '{');
    json_text(&json, "type", "about:blank");
    json_text(&json, "title", en);
    json_text(&json, "title_ja", ja);
    json_number(&json, "status", status);
    json_text(&json, "code", code);
    json_text(&json, "detail", en);
    json_text(&json, "detail_ja", ja);
    json_close(&json, '}');
    return json_take(&json, ret_len_bytes);
}

static void put_display(struct json *json, const struct queue_ticket *ticket)
{
    char series[IDS_SERIES_TEXT_BYTES], display[IDS_SERIES_TEXT_BYTES + 8];

    ids_series_to_text(ticket->series, series);
    (void)snprintf(display, sizeof(display), "%u%s", ticket->number, series);
    json_number(json, "number", ticket->number);
    json_text(json, "series", series);
    json_text(json, "display", display);
}

void render_display(struct json *json, const struct queue_ticket *ticket)
{
    put_display(json, ticket);
}

void render_clock_minute(struct json *json, const char *name, uint16_t minute)
{
    char text[8];

    (void)snprintf(text, sizeof(text), "%02u:%02u", minute / 60U % 100U, minute % 60U);
    json_text(json, name, text);
}

static void put_call_id(struct json *json, const struct queue_ticket *ticket)
{
    char text[64];

    /* Each call and recall is an entry of its own; the count may rise in a meeting without a call. */
    (void)snprintf(text, sizeof(text), "%u-%" PRIu64 "-%u-%" PRIu64, ticket->call.unit,
                   ticket->call.term, ticket->call.session, ticket->call.lsn);
    json_text(json, "call_id", text);
}

struct ticket_view {
    bool staff; /* what staff wrote is not for the visitor */
    uint8_t state;
    uint16_t counter, call_count;
    uint32_t waiting_ahead;
    int32_t estimate_s;
};

static void put_counter_number(struct json *json, const char *name, uint16_t counter)
{
    if (counter == 0) {
        json_null(json, name);
    } else {
        json_number(json, name, counter);
    }
}

static void put_leg(struct engine *engine, struct json *json, const struct queue_leg *leg)
{
    json_open(json, NULL, '{');
    json_number(json, "category", leg->category);
    put_counter_number(json, "counter", leg->counter);
    json_text(json, "outcome", queue_outcome_code((enum queue_outcome)leg->outcome));
    put_time(engine, json, "enqueued_at", leg->enqueued_ms);
    put_time(engine, json, "called_at", leg->called_ms);
    put_time(engine, json, "started_at", leg->started_ms);
    put_time(engine, json, "ended_at", leg->ended_ms);
    json_close(json, '}');
}

/* What is behind the ticket, what is to come, and why it stands where it stands. */
static void put_visit(struct engine *engine, struct json *json, const struct queue_ticket *ticket)
{
    json_text(json, "outcome", queue_outcome_code((enum queue_outcome)ticket->outcome));
    json_bool(json, "staff_will_come", ticket->assist != 0);
    json_bool(json, "hand_written", ticket->delivery == QUEUE_DELIVERY_HAND);
    json_bool(json, "registered", ticket->delivery == QUEUE_DELIVERY_REGISTERED);
    put_counter_number(json, "for_counter", ticket->for_counter);
    if (ticket->state != QUEUE_HELD || ticket->hold_reason == 0) {
        json_null(json, "hold");
    } else {
        json_open(json, "hold", '{');
        json_text(json, "reason",
                  queue_hold_reason_code((enum queue_hold_reason)ticket->hold_reason));
        put_counter_number(json, "owner", ticket->hold_owner);
        put_time(engine, json, "until", ticket->hold_until_ms);
        json_close(json, '}');
    }
    json_open(json, "services", '[');
    for (size_t i = 0; i < ticket->plan_count; i++) {
        json_number(json, NULL, ticket->plan[i]);
    }
    json_close(json, ']');
    json_open(json, "legs", '[');
    for (size_t i = 0; i < ticket->leg_count; i++) {
        put_leg(engine, json, &ticket->legs[i]);
    }
    json_close(json, ']');
}

/* When a wait began that did not begin with the number; 0: it did, or has not begun. */
static int64_t arrived_ms(const struct queue_ticket *ticket)
{
    if (ticket->delivery != QUEUE_DELIVERY_REGISTERED || !queue_ticket_has_arrived(ticket)) {
        return 0;
    }
    return ticket->leg_count > 0 ? ticket->legs[0].enqueued_ms : ticket->enqueued_ms;
}

static void put_ticket(struct engine *engine, struct json *json, const char *name,
                       const struct queue_ticket *ticket, const struct ticket_view *view)
{
    char id[IDS_TOKEN_TEXT_BYTES];

    ids_token_to_text(&ticket->id, id);
    json_open(json, name, '{');
    json_text(json, "id", id);
    render_date(json, "service_day", ticket->day);
    json_number(json, "category", ticket->category);
    put_display(json, ticket);
    json_text(json, "state", queue_state_code((enum queue_ticket_state)view->state));
    put_time(engine, json, "issued_at", ticket->issued_ms);
    put_time(engine, json, "arrived_at", view->state == QUEUE_EXPECTED ? 0 : arrived_ms(ticket));
    put_time(engine, json, "called_at", ticket->called_ms);
    json_number(json, "waiting_ahead", view->waiting_ahead);
    if (view->estimate_s < 0) {
        json_null(json, "estimated_wait_s");
    } else {
        json_number(json, "estimated_wait_s", view->estimate_s);
    }
    json_number(json, "term", (int64_t)ticket->term);
    if (view->counter == 0) {
        json_null(json, "counter");
    } else {
        json_number(json, "counter", view->counter);
    }
    json_number(json, "call_count", view->call_count);
    json_text(json, "language", ticket->language);
    json_number(json, "priority", ticket->priority);
    json_bool(json, "uncertain",
              ticket->series.unit == 0 && ticket->changed_lsn > engine->both_lsn &&
                  duty_serves(&engine->duty) == DUTY_SERVE_LETTER);
    json_text(json, "delivery", ticket->delivery == QUEUE_DELIVERY_PAPER ? "paper" : "screen");
    if (ticket->delivery == QUEUE_DELIVERY_SCREEN_FOR_PAPER) {
        json_text(json, "delivery_reason", "NO_PRINTER");
    } else {
        json_null(json, "delivery_reason");
    }
    json_bool(json, "undelivered", ticket->undelivered != 0);
    json_bool(json, "copy", ticket->copies > 0);
    put_call_id(json, ticket);
    put_visit(engine, json, ticket);
    if (view->staff) {
        json_text(json, "note", ticket->note);
    }
    json_close(json, '}');
}

static struct ticket_view view_now(struct engine *engine, const struct queue_ticket *ticket)
{
    bool waits = ticket->state == QUEUE_WAITING || ticket->state == QUEUE_ISSUING;

    return (struct ticket_view){
        .state = ticket->state,
        .counter = ticket->counter,
        .call_count = ticket->call_count,
        .waiting_ahead = waits ? queue_waiting_ahead(engine->queue, ticket) : 0,
        .estimate_s = waits ? queue_estimate_ticket_s(engine->queue, ticket, engine->wall_ms)
                      : ticket->state == QUEUE_EXPECTED ? -1
                                                        : 0,
    };
}

/* What a command is answered with: the ticket as it was left by this very command, so that the same key
 * is told the same again, whatever happened to the ticket since (promise 6). */
char *render_ticket_answer(struct engine *engine, const struct queue_key *answer, bool replayed,
                           size_t *ret_len_bytes)
{
    const struct queue_ticket *ticket = queue_ticket_find(engine->queue, &answer->ticket);
    struct json json;

    (void)replayed;
    json_init(&json);
    if (ticket != NULL && queue_action_gives_number(answer->action)) {
        bool expected = answer->state == QUEUE_EXPECTED; /* what was told of its wait came later */
        struct ticket_view view = {
            .state = answer->state,
            .waiting_ahead = expected ? 0 : ticket->waiting_ahead_at_issue,
            .estimate_s = expected || ticket->estimate_s_at_issue == UINT16_MAX
                              ? -1
                              : ticket->estimate_s_at_issue,
        };

        put_ticket(engine, &json, NULL, ticket, &view);
        return json_take(&json, ret_len_bytes);
    }
    json_open(&json, NULL, '{');
    json_text(&json, "action", queue_action_code((enum queue_action)answer->action));
    if (answer->counter != 0) {
        json_number(&json, "counter", answer->counter);
    }
    if (ticket == NULL) {
        json_null(&json, "ticket");
    } else {
        struct ticket_view view = {.staff = answer->action == QUEUE_NOTE,
                                   .state = answer->state,
                                   .counter = answer->counter,
                                   .call_count = answer->call_count,
                                   .estimate_s = 0};

        if (answer->action == QUEUE_ARRIVE) { /* as it was told when the wait began */
            view.waiting_ahead = ticket->waiting_ahead_at_issue;
            view.estimate_s =
                ticket->estimate_s_at_issue == UINT16_MAX ? -1 : ticket->estimate_s_at_issue;
        }
        put_ticket(engine, &json, "ticket", ticket, &view);
    }
    json_close(&json, '}');
    return json_take(&json, ret_len_bytes);
}

char *render_ticket(struct engine *engine, const struct queue_ticket *ticket, size_t *ret_len_bytes)
{
    struct ticket_view view = view_now(engine, ticket);
    struct json json;

    json_init(&json);
    put_ticket(engine, &json, NULL, ticket, &view);
    return json_take(&json, ret_len_bytes);
}

static void put_day(struct engine *engine, struct json *json, const char *name)
{
    const struct queue_day *day = &engine->queue->day;

    hours_lay(engine);
    json_open(json, name, '{');
    render_date(json, "date", day->date);
    json_text(json, "state", render_day_state(day->state));
    json_text(json, "level", calendar_level_code(engine->level.level));
    json_bool(json, "accepting", day_accepts_issue(engine));
    put_time(engine, json, "opens_at",
             engine->level.today.open
                 ? calendar_epoch_ms_from(engine->calendar, engine->level.today.date,
                                          engine->level.today.open_minute)
                 : 0);
    put_time(engine, json, "closes_at",
             engine->level.today.open
                 ? calendar_epoch_ms_from(engine->calendar, engine->level.today.date,
                                          engine->level.today.close_minute)
                 : 0);
    put_time(engine, json, "next_opening",
             engine->level.next_opening_date == 0 ? 0 : engine->level.next_opening_ms);
    json_text(json, "reason_ja",
              engine->level.today.name_ja != NULL ? engine->level.today.name_ja : "");
    json_text(json, "reason_en",
              engine->level.today.name_en != NULL ? engine->level.today.name_en : "");
    json_bool(json, "clock_believed", day_clock_is_believed(engine));
    json_close(json, '}');
}

void render_day_into(struct engine *engine, struct json *json, const char *name)
{
    put_day(engine, json, name);
}

char *render_day(struct engine *engine, size_t *ret_len_bytes)
{
    struct json json;

    json_init(&json);
    put_day(engine, &json, NULL);
    return json_take(&json, ret_len_bytes);
}

/* Whether a ticket of this category would be given now; else why not. */
static void put_acceptance(struct engine *engine, struct json *json, uint16_t category, size_t at)
{
    int32_t limit = queue_limit(engine->queue, category);
    uint32_t issued = engine->queue->totals[at].issued;
    enum queue_reason reason = !day_accepts_issue(engine)
                                   ? QUEUE_DAY_NOT_OPEN
                                   : queue_accepts(engine->queue, category, engine->wall_ms,
                                                   !day_clock_is_believed(engine));

    json_bool(json, "accepting", reason == QUEUE_OK);
    if (reason == QUEUE_OK) {
        json_null(json, "refusal");
    } else {
        json_text(json, "refusal", queue_reason_code(reason));
    }
    if (limit < 0) {
        json_null(json, "remaining");
    } else {
        json_number(json, "remaining", issued < (uint32_t)limit ? limit - (int32_t)issued : 0);
    }
}

void render_acceptance(struct engine *engine, struct json *json, uint16_t category, size_t at)
{
    put_acceptance(engine, json, category, at);
}

/* Whether a visitor who is not here yet would get a number; null: the site takes none. */
static void put_registration(struct engine *engine, struct json *json,
                             const struct queue_category_config *config)
{
    const struct queue_registered *registered = queue_registered_find(engine->queue, config->id);
    enum queue_reason reason =
        !day_accepts_issue(engine)
            ? QUEUE_DAY_NOT_OPEN
            : queue_accepts_registration(engine->queue, config->id, engine->wall_ms,
                                         !day_clock_is_believed(engine));

    /* Who registered before places were taken away is still to arrive: the ticket machine asks him by this. */
    if (config->registration_places == 0 && (registered == NULL || registered->expected == 0)) {
        json_null(json, "registration");
        return;
    }
    json_open(json, "registration", '{');
    json_bool(json, "accepting", reason == QUEUE_OK);
    if (reason == QUEUE_OK) {
        json_null(json, "refusal");
    } else {
        json_text(json, "refusal", queue_reason_code(reason));
    }
    json_close(json, '}');
}

static void put_categories(struct engine *engine, struct json *json)
{
    const struct queue *queue = engine->queue;

    json_open(json, "categories", '[');
    for (size_t i = 0; i < queue->config.category_count; i++) {
        const struct queue_category_config *config = &queue->config.categories[i];
        int32_t estimate_s = queue_estimate_s(queue, config->id, engine->wall_ms);

        json_open(json, NULL, '{');
        json_number(json, "id", config->id);
        json_text(json, "name_ja", config->name_ja);
        json_text(json, "name_en", config->name_en);
        json_number(json, "waiting", queue_waiting_count(queue, config->id));
        if (estimate_s < 0) {
            json_null(json, "estimated_wait_s");
        } else {
            json_number(json, "estimated_wait_s", estimate_s);
        }
        json_bool(json, "suspended",
                  queue->day.suspended != 0 || queue->categories[i].suspended != 0);
        put_acceptance(engine, json, config->id, i);
        put_registration(engine, json, config);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void put_counters(struct engine *engine, struct json *json)
{
    const struct queue *queue = engine->queue;

    json_open(json, "counters", '[');
    for (size_t i = 0; i < queue->config.counter_count; i++) {
        const struct queue_counter_config *config = &queue->config.counters[i];
        const struct queue_counter *counter = queue_counter_find(queue, config->id);
        const struct queue_ticket *ticket =
            counter == NULL ? NULL : queue_ticket_find(queue, &counter->ticket);

        json_open(json, NULL, '{');
        json_number(json, "id", config->id);
        json_text(json, "name_ja", config->name_ja);
        json_text(json, "name_en", config->name_en);
        json_bool(json, "open", counter != NULL && counter->open != 0);
        if (ticket == NULL) {
            json_null(json, "ticket");
        } else {
            json_open(json, "ticket", '{');
            put_display(json, ticket);
            json_number(json, "category", ticket->category);
            json_text(json, "state", queue_state_code((enum queue_ticket_state)ticket->state));
            json_close(json, '}');
        }
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void put_calls(struct engine *engine, struct json *json)
{
    const struct queue_ticket *calls[CALLS_MAX];
    size_t count = queue_newest_calls(engine->queue, calls, CALLS_MAX);

    json_open(json, "calls", '[');
    for (size_t i = 0; i < count; i++) {
        json_open(json, NULL, '{');
        put_call_id(json, calls[i]);
        put_display(json, calls[i]);
        json_number(json, "category", calls[i]->category);
        json_number(json, "counter", calls[i]->counter);
        put_time(engine, json, "called_at", calls[i]->called_ms);
        json_number(json, "call_count", calls[i]->call_count);
        json_text(json, "state", queue_state_code((enum queue_ticket_state)calls[i]->state));
        json_close(json, '}');
    }
    json_close(json, ']');
}

char *render_queue(struct engine *engine, size_t *ret_len_bytes)
{
    char url[API_URL_BYTES];
    struct json json;

    json_init(&json);
    json_open(&json, NULL, '{');
    json_text(&json, "site_ja", engine->queue->config.site_ja);
    json_text(&json, "site_en", engine->queue->config.site_en);
    json_number(&json, "site_version", engine->site.version);
    put_day(engine, &json, "service_day");
    put_categories(engine, &json);
    put_counters(engine, &json);
    put_calls(engine, &json);
    print_put_level(engine, &json);
    manager_put_notice(engine, &json);
    manager_put_takeover(engine, &json);
    site_visitor_url(engine, url);
    json_text(&json, "visitor_url", url);
    put_time(engine, &json, "as_of", engine->wall_ms);
    json_number(&json, "lsn", (int64_t)engine->last_lsn);
    json_number(&json, "term", (int64_t)engine->state.term.number);
    json_text(&json, "mode", duty_serves(&engine->duty) == DUTY_SERVE_PLAIN ? "PAIRED" : "ALONE");
    json_number(&json, "unit", engine->options.duty.unit);
    json_close(&json, '}');
    return json_take(&json, ret_len_bytes);
}

/* Who is sent to, or held for, another counter that is open is not this one's to call. */
static bool may_call(const struct queue *queue, const struct queue_counter_config *config,
                     const struct queue_ticket *ticket)
{
    uint16_t whose = ticket->state == QUEUE_HELD ? ticket->hold_owner : ticket->for_counter;
    const struct queue_counter *other = queue_counter_find(queue, whose);

    if (config != NULL && whose == config->id) {
        return true;
    }
    return (other == NULL || other->open == 0) && config != NULL &&
           queue_counter_tier(queue, config->id, ticket->category) != 0;
}

static void put_list(struct engine *engine, struct json *json, const char *name,
                     const struct queue_counter_config *config, enum queue_ticket_state state)
{
    const struct queue *queue = engine->queue;
    size_t count = 0;

    json_open(json, name, '[');
    for (uint32_t i = 0; i < queue->ticket_count && count < LIST_MAX; i++) {
        const struct queue_ticket *ticket = &queue->tickets[i];

        if (ticket->state == state && may_call(queue, config, ticket)) {
            struct ticket_view view = {.staff = true,
                                       .state = ticket->state,
                                       .counter = ticket->counter,
                                       .call_count = ticket->call_count,
                                       .estimate_s = -1};

            put_ticket(engine, json, NULL, ticket, &view);
            count++;
        }
    }
    json_close(json, ']');
}

char *render_tickets(struct engine *engine, uint16_t number, size_t *ret_len_bytes)
{
    const struct queue *queue = engine->queue;
    size_t shown = 0, found = 0;
    struct json json;

    json_init(&json);
    json_open(&json, NULL, '{');
    json_open(&json, "tickets", '[');
    for (uint32_t i = queue->ticket_count; i > 0; i--) {
        const struct queue_ticket *ticket = &queue->tickets[i - 1];

        if (number != 0 ? ticket->number != number
                        : !queue_ticket_is_live((enum queue_ticket_state)ticket->state)) {
            continue;
        }
        if (found++ < TICKETS_MAX) {
            /* Where it stands in the line costs a walk of it: not of a hundred. Notes are for counters:
             * this is read at a ticket machine as well. */
            struct ticket_view view = {.state = ticket->state,
                                       .counter = ticket->counter,
                                       .call_count = ticket->call_count,
                                       .estimate_s = -1};

            put_ticket(engine, &json, NULL, ticket, &view);
            shown++;
        }
    }
    json_close(&json, ']');
    json_number(&json, "found", (int64_t)found);
    json_number(&json, "shown", (int64_t)shown);
    put_time(engine, &json, "as_of", engine->wall_ms);
    json_close(&json, '}');
    return json_take(&json, ret_len_bytes);
}

/* Whom call-next would call here now, by the rule itself: deciding changes nothing. */
static void put_next(struct engine *engine, struct json *json, uint16_t counter)
{
    const struct queue_command command = {
        .action = QUEUE_CALL_NEXT, .at_ms = engine->wall_ms, .counter = counter};
    const struct queue_ticket *ticket = NULL;
    struct queue_decision decision;

    queue_decide(engine->queue, &command, &decision);
    if (decision.reason == QUEUE_OK) {
        ticket = queue_ticket_find(engine->queue, &decision.answer.ticket);
    }
    if (ticket == NULL) {
        json_null(json, "next");
    } else {
        struct ticket_view view = view_now(engine, ticket);

        view.staff = true;
        put_ticket(engine, json, "next", ticket, &view);
    }
}

/* What this counter has done today: services that ended here, the newest first place of the whole visit. */
static void put_own_day(struct engine *engine, struct json *json, uint16_t counter)
{
    const struct queue *queue = engine->queue;
    uint32_t served = 0, no_show = 0, transferred = 0;
    int64_t service_ms = 0;

    for (uint32_t i = 0; i < queue->ticket_count; i++) {
        const struct queue_ticket *ticket = &queue->tickets[i];

        for (size_t leg = 0; leg < ticket->leg_count; leg++) {
            if (ticket->legs[leg].counter == counter) {
                bool done = ticket->legs[leg].outcome == QUEUE_OUTCOME_SERVED;

                served += done ? 1 : 0;
                transferred += done ? 0 : 1;
                service_ms += done ? ticket->legs[leg].ended_ms - ticket->legs[leg].called_ms : 0;
            }
        }
        if (ticket->counter != counter || ticket->doubtful != 0) {
            continue;
        }
        no_show += ticket->state == QUEUE_NO_SHOW ? 1 : 0;
        if (ticket->state == QUEUE_DONE) {
            served++;
            service_ms += ticket->ended_ms - ticket->called_ms;
        }
    }
    json_open(json, "today", '{');
    json_number(json, "served", served);
    json_number(json, "no_show", no_show);
    json_number(json, "transferred", transferred);
    if (served == 0 || service_ms < 0) {
        json_null(json, "mean_service_s");
    } else {
        json_number(json, "mean_service_s", service_ms / served / 1000);
    }
    json_close(json, '}');
}

char *render_counter(struct engine *engine, const struct queue_counter *counter,
                     size_t *ret_len_bytes)
{
    const struct queue_counter_config *config =
        queue_counter_config_find(engine->queue, counter->id);
    const struct queue_ticket *ticket = queue_ticket_find(engine->queue, &counter->ticket);
    struct json json;

    json_init(&json);
    json_open(&json, NULL, '{');
    json_number(&json, "id", counter->id);
    json_text(&json, "name_ja", config != NULL ? config->name_ja : "");
    json_text(&json, "name_en", config != NULL ? config->name_en : "");
    json_bool(&json, "open", counter->open != 0);
    if (ticket == NULL) {
        json_null(&json, "ticket");
    } else {
        struct ticket_view view = view_now(engine, ticket);

        view.staff = true;
        put_ticket(engine, &json, "ticket", ticket, &view);
    }
    json_open(&json, "categories", '[');
    for (size_t i = 0; i < engine->queue->config.category_count; i++) {
        uint16_t category = engine->queue->config.categories[i].id;

        if (queue_counter_tier(engine->queue, counter->id, category) != 0) {
            json_number(&json, NULL, category);
        }
    }
    json_close(&json, ']');
    put_next(engine, &json, counter->id);
    put_list(engine, &json, "waiting", config, QUEUE_WAITING);
    put_list(engine, &json, "held", config, QUEUE_HELD);
    put_list(engine, &json, "absent", config, QUEUE_ABSENT);
    put_list(engine, &json, "expected", config, QUEUE_EXPECTED);
    put_own_day(engine, &json, counter->id);
    if (counter->undo_action == 0 || engine->wall_ms - counter->undo_at_ms > QUEUE_UNDO_WINDOW_MS) {
        json_null(&json, "undo");
    } else {
        json_open(&json, "undo", '{');
        json_text(&json, "action", queue_action_code((enum queue_action)counter->undo_action));
        put_time(engine, &json, "until", counter->undo_at_ms + QUEUE_UNDO_WINDOW_MS);
        json_close(&json, '}');
    }
    put_time(engine, &json, "as_of", engine->wall_ms);
    json_number(&json, "lsn", (int64_t)engine->last_lsn);
    json_close(&json, '}');
    return json_take(&json, ret_len_bytes);
}
