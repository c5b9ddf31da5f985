/* JSON for whoever leads the floor: the office at one look, the day's slip, and what staff are told of a
 * takeover. Read from the state and from what today's entries say beside it. */
#include "appliance/engine/engine_internal.h"

#include "base/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    TARGET_S_USUAL =
        20 * 60, /* where the site file names no wait limit (field-queue.md 1: 20 and 40 minutes) */
    NEAR_PERCENT = 75, /* of the target: soon over it */
    PERCENT = 100,
    MS_A_SECOND = 1000,
    MS_A_MINUTE = 60 * 1000,
    HEAD_TEXT_BYTES = 2 * IDS_HASH_BYTES + 1,
    NUMBER_TEXT_BYTES = 64,
};

/* ---- what today's entries say ------------------------------------------------------------------------------- */

void manager_fold_opening(struct engine *engine, const struct entry *entry,
                          const struct queue_change *change)
{
    if (change->action == QUEUE_DAY_OPENING || change->action == QUEUE_DAY_CLOSING) {
        memset(engine->openings, 0, sizeof(engine->openings));
        return;
    }
    if (change->action != QUEUE_COUNTER_OPEN) {
        return;
    }
    for (size_t i = 0; i < change->row_count; i++) {
        const struct queue_row *row = &change->rows[i];

        for (size_t at = 0; at < engine->queue->config.counter_count; at++) {
            if (row->kind == QUEUE_ROW_COUNTER &&
                row->counter.id == engine->queue->config.counters[at].id) {
                engine->openings[at] = (struct counter_opening){
                    .counter = row->counter.id, .wall_ms = entry->wall_ms, .actor = entry->actor};
            }
        }
    }
}

/* Who served before: by the newest word of today, else by the term. */
static uint32_t served_before(const struct engine *engine, const struct duty_term *term)
{
    return engine->state.takeover.unit != 0 ? engine->state.takeover.unit : term->duty_unit;
}

void manager_fold_session(struct engine *engine, const struct entry *entry, uint32_t unit,
                          uint32_t session)
{
    uint32_t before = served_before(engine, &engine->state.term);

    engine->state.takeover = (struct takeover){
        .what = before == unit || before == 0 ? TAKEOVER_SPARE_FAILED : TAKEOVER_OTHER_FAILED,
        .unit = unit,
        .term = engine->state.term.number,
        .session = session,
        .wall_ms = entry->wall_ms,
    };
}

void manager_fold_term(struct engine *engine, const struct entry *entry,
                       const struct duty_term *before, const struct duty_term *term)
{
    if (before->number == 0 || served_before(engine, before) == term->duty_unit) {
        return;
    }
    engine->state.takeover = (struct takeover){
        .what = TAKEOVER_PLANNED,
        .unit = term->duty_unit,
        .term = term->number,
        .wall_ms = entry->wall_ms,
    };
}

static const char *takeover_code(uint8_t what)
{
    static const char *const codes[] = {"NONE", "OTHER_FAILED", "SPARE_FAILED", "PLANNED"};

    CHECK(what < ARRAY_COUNT(codes));
    return codes[what];
}

void manager_put_takeover(struct engine *engine, struct json *json)
{
    const struct takeover *takeover = &engine->state.takeover;
    const struct queue_day *day = &engine->queue->day;
    int32_t offset = engine->calendar->utc_offset_minutes;
    char number[NUMBER_TEXT_BYTES];

    if (takeover->what == TAKEOVER_NONE || day->state != QUEUE_DAY_OPEN ||
        takeover->wall_ms < day->opened_ms) {
        json_null(json, "takeover");
        return;
    }
    /* Until incidents have numbers of their own: the day, the term, and which stretch of one unit alone. */
    (void)snprintf(number, sizeof(number), "%u-%" PRIu64 "-%u", day->date, takeover->term,
                   takeover->session);
    json_open(json, "takeover", '{');
    json_text(json, "what", takeover_code(takeover->what));
    json_text(json, "number", number);
    json_number(json, "unit", takeover->unit);
    render_time(json, "at", takeover->wall_ms, offset);
    if (engine->gap_ms == 0 || takeover->unit != engine->options.duty.unit) {
        json_null(json, "gap_ms"); /* whoever measured it is gone */
    } else {
        json_number(json, "gap_ms", (int64_t)engine->gap_ms);
    }
    json_bool(json, "over", duty_serves(&engine->duty) == DUTY_SERVE_PLAIN);
    json_close(json, '}');
}

void manager_put_notice(const struct engine *engine, struct json *json)
{
    const struct queue_notice *notice = &engine->queue->notice;

    if (notice->ja[0] == '\0') {
        json_null(json, "notice");
        return;
    }
    json_open(json, "notice", '{');
    json_text(json, "ja", notice->ja);
    json_text(json, "en", notice->en);
    json_close(json, '}');
}

/* ---- the office at one look ----------------------------------------------------------------------------------- */

static void put_number_or_null(struct json *json, const char *name, int64_t value)
{
    if (value < 0) {
        json_null(json, name);
    } else {
        json_number(json, name, value);
    }
}

static int64_t longest_wait_s(const struct engine *engine, uint16_t category)
{
    int64_t oldest_ms = INT64_MAX;

    for (const struct queue_ticket *ticket =
             queue_line_first(engine->queue, category, QUEUE_WAITING);
         ticket != NULL; ticket = queue_line_next(engine->queue, ticket)) {
        oldest_ms = ticket->enqueued_ms < oldest_ms ? ticket->enqueued_ms : oldest_ms;
    }
    if (oldest_ms == INT64_MAX) {
        return -1;
    }
    return oldest_ms > engine->wall_ms ? 0 : (engine->wall_ms - oldest_ms) / MS_A_SECOND;
}

/* Of one wait that is over, or goes on: it counts when it was in this line. */
struct waited {
    uint16_t category;
    int64_t target_ms;
    uint32_t over, all;
};

static void count_wait(struct waited *waited, uint16_t category, int64_t from_ms, int64_t until_ms)
{
    if (category == waited->category && until_ms != 0) {
        waited->all++;
        waited->over += until_ms - from_ms > waited->target_ms;
    }
}

/* Today's waits of this line, those that go on too: how many there were, and how many over the target. */
static void put_waited(const struct engine *engine, struct json *json, uint16_t category,
                       int64_t target_ms)
{
    const struct queue *queue = engine->queue;
    struct waited waited = {.category = category, .target_ms = target_ms};

    for (uint32_t i = 0; i < queue->ticket_count; i++) {
        const struct queue_ticket *ticket = &queue->tickets[i];

        for (size_t leg = 0; ticket->doubtful == 0 && leg < ticket->leg_count; leg++) {
            count_wait(&waited, ticket->legs[leg].category, ticket->legs[leg].enqueued_ms,
                       ticket->legs[leg].called_ms);
        }
        if (ticket->doubtful == 0) {
            count_wait(&waited, ticket->category, ticket->enqueued_ms,
                       ticket->state == QUEUE_WAITING ? engine->wall_ms : ticket->called_ms);
        }
    }
    json_open(json, "waited", '{');
    json_number(json, "all", waited.all);
    json_number(json, "over", waited.over);
    json_close(json, '}');
}

static void put_target(struct engine *engine, struct json *json,
                       const struct queue_category_config *config)
{
    int64_t longest_s = longest_wait_s(engine, config->id);
    int64_t target_s =
        config->wait_ms_limit != 0 ? config->wait_ms_limit / MS_A_SECOND : TARGET_S_USUAL;
    int32_t estimate_s = queue_estimate_s(engine->queue, config->id, engine->wall_ms);

    json_number(json, "waiting", queue_waiting_count(engine->queue, config->id));
    put_number_or_null(json, "longest_wait_s", longest_s);
    put_number_or_null(json, "estimated_wait_s", estimate_s);
    json_number(json, "target_s", target_s);
    json_text(json, "alert",
              longest_s > target_s                             ? "OVER"
              : longest_s * PERCENT >= target_s * NEAR_PERCENT ? "NEAR"
                                                               : "NONE");
    put_number_or_null(json, "target_minutes",
                       config->wait_ms_limit == 0 ? -1
                                                  : (int64_t)config->wait_ms_limit / MS_A_MINUTE);
    put_waited(engine, json, config->id, target_s * MS_A_SECOND);
}

static void put_totals(struct json *json, const char *name, const struct queue_totals *totals)
{
    json_open(json, name, '{');
    json_number(json, "issued", totals->issued);
    json_number(json, "served", totals->served);
    json_number(json, "no_show", totals->no_show);
    json_number(json, "cancelled", totals->cancelled);
    json_number(json, "expired", totals->expired);
    json_number(json, "voided", totals->voided);
    json_number(json, "transferred", totals->transferred);
    json_number(json, "doubtful", totals->doubtful);
    json_close(json, '}');
}

/* Who registered before arrival: beside the waiting ones, never among them. */
static void put_registration(const struct engine *engine, struct json *json,
                             const struct queue_category_config *config)
{
    const struct queue_registered *registered = queue_registered_find(engine->queue, config->id);

    if (registered == NULL || (config->registration_places == 0 && registered->all == 0)) {
        json_null(json, "registration");
        return;
    }
    json_open(json, "registration", '{');
    json_number(json, "places", config->registration_places);
    json_number(json, "registered", registered->all);
    json_number(json, "expected", registered->expected);
    json_number(json, "not_arrived", registered->not_arrived);
    json_close(json, '}');
}

/* The range of hand-written numbers, and which of them were entered today. */
static void put_hand(const struct engine *engine, struct json *json,
                     const struct queue_category_config *config)
{
    if (config->manual_first == 0) {
        json_null(json, "hand_written");
        return;
    }
    json_open(json, "hand_written", '{');
    json_number(json, "first", config->manual_first);
    json_number(json, "last", config->manual_last);
    json_open(json, "entered", '[');
    for (uint16_t number = config->manual_first; number <= config->manual_last; number++) {
        const struct queue_ticket *ticket =
            queue_ticket_by_number(engine->queue, number, (struct ids_series){0});

        if (ticket != NULL) {
            json_open(json, NULL, '{');
            json_number(json, "number", number);
            json_text(json, "state", queue_state_code((enum queue_ticket_state)ticket->state));
            put_number_or_null(json, "counter", ticket->counter == 0 ? -1 : ticket->counter);
            json_close(json, '}');
        }
    }
    json_close(json, ']');
    json_close(json, '}');
}

static void put_categories(struct engine *engine, struct json *json)
{
    const struct queue *queue = engine->queue;

    json_open(json, "categories", '[');
    for (size_t i = 0; i < queue->config.category_count; i++) {
        const struct queue_category_config *config = &queue->config.categories[i];
        uint32_t open = 0;

        for (size_t at = 0; at < queue->config.counter_count; at++) {
            open += queue->counters[at].open != 0 &&
                    queue_counter_tier(queue, queue->config.counters[at].id, config->id) != 0;
        }
        json_open(json, NULL, '{');
        json_number(json, "id", config->id);
        json_text(json, "name_ja", config->name_ja);
        json_text(json, "name_en", config->name_en);
        put_target(engine, json, config);
        json_number(json, "open_counters", open);
        json_bool(json, "suspended", queue->categories[i].suspended != 0);
        render_acceptance(engine, json, config->id, i);
        put_number_or_null(json, "limit", queue_limit(queue, config->id));
        put_number_or_null(json, "limit_usual",
                           config->daily_limit == 0 ? -1 : config->daily_limit);
        put_totals(json, "today", &queue->totals[i]);
        put_registration(engine, json, config);
        put_hand(engine, json, config);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void put_serves(const struct queue *queue, struct json *json, uint16_t counter)
{
    json_open(json, "serves", '[');
    for (size_t i = 0; i < queue->config.category_count; i++) {
        uint16_t category = queue->config.categories[i].id;
        uint8_t tier = queue_counter_tier(queue, counter, category);

        if (tier != 0) {
            json_open(json, NULL, '{');
            json_number(json, "category", category);
            json_number(json, "tier", tier);
            json_close(json, '}');
        }
    }
    json_close(json, ']');
}

static void put_counter(struct engine *engine, struct json *json, size_t at)
{
    const struct queue *queue = engine->queue;
    const struct queue_counter_config *config = &queue->config.counters[at];
    const struct queue_counter *counter = &queue->counters[at];
    const struct queue_ticket *ticket = queue_ticket_find(queue, &counter->ticket);
    const struct counter_opening *opening = &engine->openings[at];
    bool known = counter->open != 0 && opening->counter == config->id;
    char name[ACCESS_TITLE_BYTES] = "";

    if (known) {
        access_actor_name(engine, opening->actor, name);
    }
    json_open(json, NULL, '{');
    json_number(json, "id", config->id);
    json_text(json, "name_ja", config->name_ja);
    json_text(json, "name_en", config->name_en);
    json_bool(json, "open", counter->open != 0);
    render_time(json, "since", known ? opening->wall_ms : 0, engine->calendar->utc_offset_minutes);
    json_text(json, "by", name);
    if (ticket == NULL) {
        json_null(json, "ticket");
    } else {
        json_open(json, "ticket", '{');
        render_display(json, ticket);
        json_number(json, "category", ticket->category);
        json_text(json, "state", queue_state_code((enum queue_ticket_state)ticket->state));
        render_time(json, "called_at", ticket->called_ms, engine->calendar->utc_offset_minutes);
        json_close(json, '}');
    }
    put_serves(queue, json, config->id);
    json_bool(json, "changed", queue->serves[at].count != 0);
    json_close(json, '}');
}

static void put_hours(const struct engine *engine, struct json *json)
{
    static const char *const kinds[] = {"usual", "closed", "open"};

    json_open(json, "hours", '[');
    for (size_t i = 0; i < QUEUE_HOURS_MAX && engine->queue->hours[i].date != 0; i++) {
        const struct queue_hours *hours = &engine->queue->hours[i];

        if (hours->kind == QUEUE_HOURS_USUAL) {
            continue;
        }
        json_open(json, NULL, '{');
        render_date(json, "date", hours->date);
        json_text(json, "kind", kinds[hours->kind]);
        if (hours->kind == QUEUE_HOURS_OPEN) {
            render_clock_minute(json, "opens", hours->open_minute);
            render_clock_minute(json, "closes", hours->close_minute);
        }
        json_text(json, "reason_ja", hours->reason_ja);
        json_text(json, "reason_en", hours->reason_en);
        json_close(json, '}');
    }
    json_close(json, ']');
}

/* ---- the day's slip ------------------------------------------------------------------------------------------- */

static void head_to_text(const struct ids_hash *head, char text[HEAD_TEXT_BYTES])
{
    for (size_t i = 0; i < IDS_HASH_BYTES; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", head->bytes[i]);
    }
}

static void put_slip(struct engine *engine, struct json *json, const char *name)
{
    const struct queue *queue = engine->queue;
    int32_t offset = engine->calendar->utc_offset_minutes;
    static const char *const papers[] = {"NONE", "WAITS", "PRINTED", "UNKNOWN"};
    struct queue_totals all = {0};
    char head[HEAD_TEXT_BYTES];

    head_to_text(&engine->head, head);
    json_open(json, name, '{');
    json_text(json, "site_ja", queue->config.site_ja);
    json_text(json, "site_en", queue->config.site_en);
    render_date(json, "date", queue->day.date);
    json_bool(json, "final",
              queue->day.state == QUEUE_DAY_CLOSED || queue->day.state == QUEUE_DAY_ERASED);
    json_text(json, "paper", papers[engine->print.slip]);
    render_time(json, "opened_at", queue->day.opened_ms, offset);
    render_time(json, "closed_at", queue->day.closed_ms, offset);
    json_open(json, "categories", '[');
    for (size_t i = 0; i < queue->config.category_count; i++) {
        const struct queue_totals *totals = &queue->totals[i];

        json_open(json, NULL, '{');
        json_number(json, "id", queue->config.categories[i].id);
        json_text(json, "name_ja", queue->config.categories[i].name_ja);
        json_text(json, "name_en", queue->config.categories[i].name_en);
        put_totals(json, "totals", totals);
        json_close(json, '}');
        all.issued += totals->issued;
        all.served += totals->served;
        all.no_show += totals->no_show;
        all.cancelled += totals->cancelled;
        all.expired += totals->expired;
        all.voided += totals->voided;
        all.transferred += totals->transferred;
        all.doubtful += totals->doubtful;
    }
    json_close(json, ']');
    put_totals(json, "all", &all);
    json_number(json, "lsn", (int64_t)engine->last_lsn);
    json_text(json, "chain", head);
    json_number(json, "term", (int64_t)engine->state.term.number);
    json_number(json, "unit", engine->options.duty.unit);
    render_time(json, "as_of", engine->wall_ms, offset);
    json_close(json, '}');
}

char *render_slip(struct engine *engine, size_t *ret_len_bytes)
{
    struct json json;

    json_init(&json);
    put_slip(engine, &json, NULL);
    return json_take(&json, ret_len_bytes);
}

char *render_manager(struct engine *engine, size_t *ret_len_bytes)
{
    struct json json;

    json_init(&json);
    json_open(&json, NULL, '{');
    json_text(&json, "site_ja", engine->queue->config.site_ja);
    json_text(&json, "site_en", engine->queue->config.site_en);
    json_number(&json, "site_version", engine->state.site.newest.version);
    json_bool(&json, "site_in_force",
              engine->state.site.newest.version == engine->state.site.force.version);
    render_day_into(engine, &json, "service_day");
    put_hours(engine, &json);
    manager_put_notice(engine, &json);
    json_bool(&json, "suspended", engine->queue->day.suspended != 0);
    put_categories(engine, &json);
    json_open(&json, "counters", '[');
    for (size_t i = 0; i < engine->queue->config.counter_count; i++) {
        put_counter(engine, &json, i);
    }
    json_close(&json, ']');
    manager_put_takeover(engine, &json);
    print_put_level(engine, &json);
    put_slip(engine, &json, "slip");
    json_text(&json, "mode", duty_serves(&engine->duty) == DUTY_SERVE_PLAIN ? "PAIRED" : "ALONE");
    json_number(&json, "unit", engine->options.duty.unit);
    render_time(&json, "as_of", engine->wall_ms, engine->calendar->utc_offset_minutes);
    json_number(&json, "lsn", (int64_t)engine->last_lsn);
    json_close(&json, '}');
    return json_take(&json, ret_len_bytes);
}
