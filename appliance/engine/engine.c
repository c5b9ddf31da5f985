/*
 * One turn of toband. Each event is told to duty or to the part it belongs to; what duty decides is done
 * at once; then the batch closes, entries are shipped, and what has become durable may leave.
 */
#include "appliance/engine/engine_internal.h"

#include "base/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ACTION_ROUNDS_MAX = 32 };

uint8_t *buffer_extend(struct bytes_buffer *buffer, size_t len_bytes)
{
    size_t wanted = buffer->len_bytes + len_bytes;

    if (wanted > buffer->capacity_bytes) {
        size_t capacity_bytes = buffer->capacity_bytes == 0 ? 4096 : buffer->capacity_bytes;

        while (capacity_bytes < wanted) {
            capacity_bytes *= 2;
        }
        buffer->data = realloc(buffer->data, capacity_bytes);
        CHECK_GIVEN(buffer->data != NULL);
        buffer->capacity_bytes = capacity_bytes;
    }
    buffer->len_bytes = wanted;
    return buffer->data + wanted - len_bytes;
}

void engine_random(struct engine *engine, void *bytes, size_t len_bytes)
{
    CHECK(len_bytes <= RANDOM_POOL_BYTES);
    if (engine->random_used + len_bytes > RANDOM_POOL_BYTES) {
        engine->world.random(engine->world.context, engine->random_pool, RANDOM_POOL_BYTES);
        engine->random_used = 0;
    }
    memcpy(bytes, engine->random_pool + engine->random_used, len_bytes);
    memset(engine->random_pool + engine->random_used, 0, len_bytes);
    engine->random_used += len_bytes;
}

void engine_log(struct engine *engine, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    engine->world.log(engine->world.context, line);
}

void engine_fail(struct engine *engine, int error, const char *why)
{
    if (engine->failure == 0) {
        engine->failure = error;
        (void)snprintf(engine->why, sizeof(engine->why), "%s", why);
        engine_log(engine, "stopping: %s (%d)", why, error);
    }
}

bool engine_serves(const struct engine *engine)
{
    return duty_serves(&engine->duty) != DUTY_SERVE_NOT && !engine->holding;
}

struct duty_event engine_duty_event(const struct engine *engine, enum duty_event_kind kind)
{
    struct duty_event event;

    memset(&event, 0, sizeof(event));
    event.kind = kind;
    event.now_ms = engine->now_ms;
    return event;
}

static void begin_session(struct engine *engine)
{
    engine->session_wanted = engine_is_swapping(engine);
    if (!engine->session_wanted && engine->state.founded && engine->session_lsn == 0) {
        engine_begin_series(engine, queue_number_date(engine->queue));
        engine->session_lsn = engine->last_lsn;
        engine->session_open = true;
    }
}

static void new_contact(struct engine *engine)
{
    engine->shipping = false;
    engine->mint_lsn = 0;
    engine->ship_gate = 0;
    engine->obey_lsn = 0;
    engine->tail_wanted = false;
    engine->break_open = engine->duty.peer_heard_ms != 0;
    engine->break_ms = engine->now_ms;
    if (engine->duty.broke == DUTY_REASON_PEER_MUTE) {
        engine->world.reset_links(engine->world.context);
    }
}

/* What a takeover or a hand-over took here, for the budget that `toban status` shows. */
static void measure(struct engine *engine, enum duty_serve how)
{
    uint64_t heard_ms = engine->duty.peer_heard_ms;

    if (how != DUTY_SERVE_NOT && engine->break_open && engine->break_ms >= heard_ms) {
        engine->last_detect_ms = engine->break_ms - heard_ms;
        engine->last_decide_ms = engine->now_ms - engine->break_ms;
        if (engine->duty.broke == DUTY_REASON_PEER_MUTE) {
            engine->power_ms = engine->now_ms - heard_ms;
        } else if (engine->duty.broke == DUTY_REASON_LINKS_CLOSED) {
            engine->crash_ms = engine->now_ms - heard_ms;
        }
    }
    if (how == DUTY_SERVE_NOT && engine->hold_ms != 0 && engine->duty.state == DUTY_PAIRED_SPARE) {
        engine->handover_ms = engine->now_ms - engine->hold_ms;
    }
    if (how != DUTY_SERVE_NOT) {
        engine->gap_ms =
            engine->break_open && engine->break_ms >= heard_ms ? engine->now_ms - heard_ms : 0;
    }
    engine->break_open = false;
    engine->hold_ms = 0;
}

static void change_service(struct engine *engine, enum duty_serve how)
{
    engine->holding = false;
    if (how == DUTY_SERVE_PLAIN) {
        engine->series = (struct ids_series){0};
        engine->session_open = false;
        if (!engine->shipping) { /* a hand-over: the giver holds all that we hold */
            ship_sender_init(&engine->sender, engine->durable_lsn);
            engine->shipping = true;
        }
        day_raise_ceilings(engine);
    } else if (how == DUTY_SERVE_NOT) {
        serve_last_event(engine);
        engine->series = (struct ids_series){0};
        engine->session_lsn = 0;
        engine->session_wanted = false;
        engine->shipping = false;
        engine->acked_at_once_lsn = UINT64_MAX;
    }
    measure(engine, how);
    print_begin(engine);
    engine->event_due = true;
    engine->tick_ms = 0;
}

static void perform(struct engine *engine, const struct duty_action *action)
{
    switch (action->kind) {
    case DUTY_SEND_WORD:
        engine_send_word(engine);
        break;
    case DUTY_PROBE_ADDRESS:
        engine->world.address(engine->world.context, WORLD_ADDRESS_PROBE);
        break;
    case DUTY_TAKE_ADDRESS:
        engine->world.address(engine->world.context, WORLD_ADDRESS_TAKE);
        if (engine->connections_len_bytes > 0) {
            engine->world.tickle(engine->world.context, engine->connections,
                                 engine->connections_len_bytes);
            engine->connections_len_bytes = 0;
        }
        break;
    case DUTY_DROP_ADDRESS:
        engine->world.address(engine->world.context, WORLD_ADDRESS_DROP);
        break;
    case DUTY_BEGIN_SESSION:
        begin_session(engine);
        break;
    case DUTY_SERVE:
        change_service(engine, action->serve);
        break;
    case DUTY_HOLD:
        engine->holding = true;
        engine->hold_ms = engine->now_ms;
        break;
    case DUTY_MEET_AS_SOURCE:
        meeting_begin(engine, MEETING_SOURCE);
        break;
    case DUTY_MEET_AS_OTHER:
        meeting_begin(engine, MEETING_OTHER);
        break;
    case DUTY_MEETING_OVER:
        meeting_end(engine);
        break;
    case DUTY_MINT:
        engine_mint(engine, &action->term);
        break;
    case DUTY_CONTACT:
        new_contact(engine);
        break;
    }
}

void engine_tell_duty(struct engine *engine, const struct duty_event *event)
{
    struct duty_actions actions = {0};
    enum duty_state before = engine->duty.state;
    enum duty_reason reason = engine->duty.reason;
    bool restored = engine->duty.word.restored;

    duty_step(&engine->duty, event, &actions);
    if (engine->world.trace != NULL) {
        engine->world.trace(engine->world.context, event, sizeof(*event), &actions,
                            sizeof(actions));
    }
    if (restored && !engine->duty.word.restored) {
        engine_record_agreed(engine);
    }
    if (engine->duty.state != before || engine->duty.reason != reason) {
        engine_log(engine, "duty %s -> %s (%s) on %s, term %llu, lsn %llu", duty_state_code(before),
                   duty_state_code(engine->duty.state), duty_reason_code(engine->duty.reason),
                   duty_event_code(event->kind), (unsigned long long)engine->state.term.number,
                   (unsigned long long)engine->last_lsn);
    }
    if (engine->duty.reason != reason) {
        engine->told = false; /* at PEER_SERVES gateways pass on what they hold (rule 7) */
    }
    for (size_t i = 0; i < actions.count; i++) {
        perform(engine, &actions.list[i]);
    }
}

bool engine_is_restored(const struct engine *engine)
{
    const struct unit_session *session = engine_session_of(engine, engine->options.duty.unit);
    const struct engine_record *record = &engine->record;

    if (record->term > engine->state.term.number && record->term > record->replaced_term) {
        return true;
    }
    if (record->session > 0 && record->unit == engine->options.duty.unit &&
        (session == NULL || session->day < record->day ||
         (session->day == record->day && session->number < record->session))) {
        return true;
    }
    if (record->ceiling_day != queue_number_date(engine->queue) ||
        queue_numbers_are_over(engine->queue)) {
        return record->ceiling_day > queue_number_date(engine->queue);
    }
    for (size_t i = 0; i < engine->queue->config.category_count; i++) {
        const struct queue_category *category = &engine->queue->categories[i];

        if (record->ceilings[category->id - 1] > category->ceiling) {
            return true;
        }
    }
    return false;
}

bool engine_may_be_restored(const struct engine *engine)
{
    return engine_is_restored(engine) || engine->record.restored || engine->record.lost;
}

bool engine_is_blank(const struct engine *engine)
{
    return !engine->state.founded || !engine->state.sound || engine->joins_at_term != 0 ||
           units_disk_is_anothers(engine);
}

static uint64_t highest_term(const struct engine *engine)
{
    return engine->record.term > engine->state.term.number ? engine->record.term
                                                           : engine->state.term.number;
}

static void tell_ledger(struct engine *engine)
{
    struct duty_event event = engine_duty_event(engine, DUTY_LEDGER);
    const struct unit_session *session = engine_session_of(engine, engine->options.duty.peer_unit);

    event.ledger.last_lsn = engine->durable_lsn;
    event.ledger.head = engine->durable_hash;
    engine_digest_of(engine->durable_digest, &event.ledger.digest);
    event.ledger.day = engine->queue->day.date;
    event.ledger.day_state = engine->queue->day.state;
    event.ledger.blank = engine_is_blank(engine);
    /* A checkpoint that is not durable yet may have made the state sound: the digest is still that of before. */
    event.ledger.unsound = !engine->state.founded || !engine->state.sound ||
                           (engine->durable_unsound && engine->last_lsn != 0);
    event.ledger.highest_term = highest_term(engine);
    event.ledger.wall_ms = engine->wall_ms;
    if (engine->record.unit == engine->options.duty.unit) {
        event.ledger.session_day = engine->record.day;
        event.ledger.session = engine->record.session;
    }
    if (session != NULL) {
        event.ledger.peer_session_day = session->day;
        event.ledger.peer_session = session->number;
    }
    units_tell(engine, &event);
    engine_tell_duty(engine, &event);
}

static void start(struct engine *engine, bool found)
{
    struct duty_event event = engine_duty_event(engine, DUTY_STARTED);
    int r = engine_load(engine, found);

    if (r < 0) {
        engine_fail(engine, r, "the ledger could not be loaded");
        return;
    }
    engine->started = true;
    event.started.term = engine->state.term;
    event.started.common_term = engine->state.common_term;
    event.started.common_duty_unit = engine->state.common_duty_unit;
    event.started.blank = engine_is_blank(engine);
    event.started.unsound = !engine->state.founded || !engine->state.sound;
    event.started.highest_term = highest_term(engine);
    event.started.retired = engine->record.retired && !event.started.blank;
    event.started.restored = engine_may_be_restored(engine);
    do {
        engine_random(engine, &event.started.process, sizeof(event.started.process));
    } while (event.started.process == 0);
    engine_log(engine, "started: lsn %llu, term %llu, day %u%s%s",
               (unsigned long long)engine->last_lsn, (unsigned long long)engine->state.term.number,
               engine->queue->day.date, event.started.blank ? ", blank" : "",
               event.started.restored ? ", restored" : "");
    engine_tell_duty(engine, &event);
}

/* What durable entries mean to duty. */
static void tell_durable(struct engine *engine)
{
    struct duty_event event;

    if (!engine->told_once || engine->told_lsn != engine->durable_lsn ||
        !ids_hash_equal(&engine->told_hash, &engine->durable_hash)) { /* another tail, as long */
        engine->told_once = true;
        engine->told_lsn = engine->durable_lsn;
        engine->told_hash = engine->durable_hash;
        tell_ledger(engine);
    }
    if (engine->session_lsn != 0 && engine->durable_lsn >= engine->session_lsn) {
        engine->session_lsn = 0;
        event = engine_duty_event(engine, DUTY_SESSION_STORED);
        event.series = engine->series;
        engine_tell_duty(engine, &event);
    }
    if (engine->session_wanted && !engine_is_swapping(engine)) {
        begin_session(engine);
    }
    if (engine->tail_wanted && engine->durable_lsn == engine->last_lsn) {
        engine->tail_wanted = false;
        event = engine_duty_event(engine, DUTY_TAIL_CLOSED);
        engine_tell_duty(engine, &event);
    }
    if (engine->obey_lsn != 0 && engine->durable_lsn >= engine->obey_lsn) {
        engine->obey_lsn = 0;
        engine_acknowledge(engine); /* before we obey: who is on duty acknowledges nothing more */
        event = engine_duty_event(engine, DUTY_TERM_OBEYED);
        event.term = engine->state.term;
        engine_tell_duty(engine, &event);
    }
    engine_note_both(engine);
}

static void on_link(struct engine *engine, enum world_link link, bool up)
{
    bool any = false;

    engine->link_up[link] = up;
    for (int i = 0; i < WORLD_LINK_COUNT; i++) {
        any = any || engine->link_up[i];
    }
    if (!any) {
        struct duty_event event = engine_duty_event(engine, DUTY_LINKS_CLOSED);

        engine_tell_duty(engine, &event);
    }
}

/* Asked to stop: duty moves first if a ready spare is there, then farewell (rule 7). */
static void leave(struct engine *engine)
{
    struct duty_event event = engine_duty_event(engine, DUTY_OPERATOR);

    if (!engine->leaving) {
        engine->leaving = true;
        engine->leaving_ms = engine->now_ms;
        event.operator_order = DUTY_OPERATOR_STOP;
        engine_tell_duty(engine, &event);
    }
}

static void leave_when_free(struct engine *engine)
{
    if (engine->leaving && (engine->duty.state == DUTY_STOPPED ||
                            engine->now_ms - engine->leaving_ms >= ENGINE_LEAVE_MS_MAX)) {
        engine->duty.word.leaving = true;
        engine_send_word(engine);
        engine_fail(engine, -ESHUTDOWN, "asked to stop");
    }
}

static void dispatch(struct engine *engine, const struct engine_event *event)
{
    struct duty_event told = engine_duty_event(engine, DUTY_TIMEOUT);

    switch (event->kind) {
    case ENGINE_START:
        start(engine, event->found);
        break;
    case ENGINE_TIMER:
        break;
    case ENGINE_STORED:
        engine_stored(engine, event->result);
        break;
    case ENGINE_FRAME:
        engine->heard_ms[event->frame.link] = engine->now_ms;
        engine_on_frame(engine, event->frame.bytes, event->frame.len_bytes);
        break;
    case ENGINE_LINK:
        on_link(engine, event->link.link, event->link.up);
        break;
    case ENGINE_PEER_PROCESS:
        told.kind = DUTY_PEER_PROCESS;
        told.peer_process = event->process;
        engine_tell_duty(engine, &told);
        break;
    case ENGINE_SERVICE_LINK:
        told.kind = DUTY_SERVICE_LINK;
        told.level = event->level;
        engine_tell_duty(engine, &told);
        break;
    case ENGINE_PROBED:
        told.kind = DUTY_ADDRESS_PROBED;
        told.probe = event->probe;
        engine_tell_duty(engine, &told);
        break;
    case ENGINE_CONTESTED:
        told.kind = DUTY_ADDRESS_CONTESTED;
        told.by_peer = event->by_peer;
        engine_tell_duty(engine, &told);
        break;
    case ENGINE_REQUEST:
        engine->client_is = event->request.peer;
        serve_request(engine, event->request.client, event->request.bytes,
                      event->request.len_bytes);
        break;
    case ENGINE_CLIENT_GONE:
        serve_gone(engine, event->client);
        break;
    case ENGINE_HEALTH:
        told.kind = DUTY_HEALTH;
        told.health.fit = event->health.fit;
        told.health.full = event->health.full;
        engine_tell_duty(engine, &told);
        break;
    case ENGINE_CLOCK:
        engine->clock_synchronised = event->level;
        break;
    case ENGINE_CONNECTIONS:
        engine_tell_connections(engine, event->frame.bytes, event->frame.len_bytes);
        break;
    case ENGINE_LEAVE:
        leave(engine);
        break;
    case ENGINE_WATCHDOG:
        engine->watchdog = *event->watchdog;
        engine->watchdog_told_ms = engine->now_ms;
        break;
    }
}

static void check_acknowledgement(struct engine *engine)
{
    if (engine->shipping && engine->duty.agreed &&
        (duty_is_paired(&engine->duty) || engine->duty.state == DUTY_MINTING) &&
        ship_sender_waiting_ms(&engine->sender, engine->now_ms) > DUTY_ACK_MS_MAX) {
        struct duty_event event = engine_duty_event(engine, DUTY_CONTACT_BROKEN);

        event.reason = DUTY_REASON_NO_ACKNOWLEDGEMENT;
        engine_tell_duty(engine, &event);
    }
}

/* A disk that answers nothing holds every reply back, and no word says so: the other would wait as long (promise
 * 14). So the process ends and says nothing more; whoever opens that disk again waits for it. A unit that serves
 * nobody keeps nobody waiting. */
static void check_disk(struct engine *engine)
{
    bool waits = engine->duty.state == DUTY_WAITING || engine->duty.state == DUTY_STOPPED ||
                 engine->duty.state == DUTY_MEETING_OTHER ||
                 engine->duty.state == DUTY_PAIRED_SPARE;

    if (engine->in_flight && !waits &&
        engine->now_ms - engine->flight_since_ms > ENGINE_DISK_HUNG_MS) {
        engine_fail(engine, -EIO, "the disk does not answer");
    }
}

/* Only in quiet service: what duty, a meeting or a key waits for is never held up. */
static bool batch_waits(struct engine *engine)
{
    return (engine->duty.state == DUTY_PAIRED_DUTY || engine->duty.state == DUTY_ALONE) &&
           !engine->holding && !engine->leaving && !engine->in_flight && engine->held_count == 0 &&
           engine->mint_lsn == 0 && engine->session_lsn == 0 && !engine->session_wanted &&
           !engine->tail_wanted && !engine->rows_rebuild && engine->keys_new_count == 0 &&
           engine->keys_destroy_count == 0 && engine->meeting.role == MEETING_NONE &&
           gather_waits(&engine->gather, engine->now_ms);
}

static void close_batch(struct engine *engine)
{
    if (!batch_waits(engine)) {
        bool in_flight = engine->in_flight;

        engine_submit(engine);
        if (!in_flight && engine->in_flight) {
            gather_closed(&engine->gather);
        }
    }
}

int engine_step(struct engine *engine, const struct engine_event *event)
{
    CHECK(event->now_ms >= engine->now_ms);
    engine->now_ms = event->now_ms;
    engine->wall_ms = event->wall_ms;
    if (engine->started && engine->failure == 0 && engine->duty.address && !engine->duty.session &&
        engine->now_ms > engine->duty.deadline_ms + DUTY_STALL_MS) {
        struct duty_event late = engine_duty_event(engine, DUTY_TIMEOUT);

        engine_tell_duty(engine, &late); /* we stood still: before anything else is looked at */
    }
    if (engine->failure == 0) {
        dispatch(engine, event);
    }
    if (event->more) {
        return engine->failure;
    }
    if (engine->started && engine->failure == 0) {
        tell_durable(engine);
        if (engine->now_ms >= engine->duty.deadline_ms) {
            struct duty_event timeout = engine_duty_event(engine, DUTY_TIMEOUT);

            engine_tell_duty(engine, &timeout);
        }
        check_acknowledgement(engine);
        check_disk(engine);
        units_turn(engine);
        meeting_turn(engine);
        site_refresh(engine);
        day_turn(engine);
        erasure_turn(engine);
        relay_turn(engine);
        serve_turn(engine);
        print_turn(engine);
        table_turn(engine);
        close_batch(engine);
        engine_ship(engine);
        engine_acknowledge(engine);
        serve_flush(engine);
        leave_when_free(engine);
    }
    return engine->failure;
}

const char *engine_why(const struct engine *engine)
{
    return engine->why;
}

uint64_t engine_deadline_ms(const struct engine *engine)
{
    uint64_t deadline_ms = engine->duty.deadline_ms;

    if (serve_event_is_awaited(engine) &&
        engine->event_sent_ms + ENGINE_EVENT_INTERVAL_MS < deadline_ms) {
        deadline_ms = engine->event_sent_ms + ENGINE_EVENT_INTERVAL_MS;
    }
    if (table_is_running(engine)) {
        deadline_ms = engine->now_ms + 1;
    }
    if (gather_until_ms(&engine->gather) < deadline_ms) {
        deadline_ms = gather_until_ms(&engine->gather);
    }
    return deadline_ms > engine->now_ms ? deadline_ms : engine->now_ms + 1;
}

const struct duty *engine_duty(const struct engine *engine)
{
    return &engine->duty;
}

const struct queue *engine_queue(const struct engine *engine)
{
    return engine->queue;
}

struct engine *engine_create(const struct engine_options *options)
{
    struct engine *engine = calloc(1, sizeof(*engine));

    CHECK_GIVEN(engine != NULL);
    engine->options = *options;
    engine->given_calendar = options->calendar;
    engine->given_private_page = options->private_page;
    engine->given_keep_visits_days = options->keep_visits_days;
    engine->given_visitor_url = options->visitor_url;
    engine->world = *options->world;
    engine->calendar = malloc(sizeof(*engine->calendar));
    CHECK_GIVEN(engine->calendar != NULL);
    *engine->calendar = *options->calendar;
    engine->crypto = crypto_create();
    engine->queue = calloc(1, sizeof(*engine->queue));
    engine->access = calloc(1, sizeof(*engine->access));
    engine->cache = calloc(ENGINE_CACHE_ENTRIES, sizeof(*engine->cache));
    engine->replies = calloc(ENGINE_REPLIES_MAX, sizeof(*engine->replies));
    engine->held = calloc(ENGINE_HELD_MAX, sizeof(*engine->held));
    engine->frame = malloc(SHIP_FRAME_BYTES_MAX);
    engine->body = malloc(SHIP_FRAME_BYTES_MAX);
    CHECK_GIVEN(engine->crypto != NULL && engine->queue != NULL && engine->access != NULL &&
                engine->cache != NULL && engine->replies != NULL && engine->held != NULL &&
                engine->frame != NULL && engine->body != NULL);
    engine->random_used = RANDOM_POOL_BYTES;
    engine->gather_from = 1;
    queue_init(engine->queue);
    duty_init(&engine->duty, &options->duty);
    engine->options.duty = engine->duty.options;
    return engine;
}

void engine_destroy(struct engine *engine)
{
    if (engine == NULL) {
        return;
    }
    for (size_t i = 0; i < engine->replies_count; i++) {
        free(engine->replies[(engine->replies_first + i) % ENGINE_REPLIES_MAX].body);
    }
    for (size_t i = 0; i < ENGINE_CACHE_ENTRIES; i++) {
        free(engine->cache[i].bytes);
    }
    free(engine->flight_entries);
    free(engine->flight_rows);
    free(engine->flight_metas);
    free(engine->flight_bytes.data);
    free(engine->flight_staged.data);
    free(engine->meeting.staged.data);
    free(engine->dirty);
    free(engine->dirty_index);
    free(engine->dirty_access);
    free(engine->access_images);
    free(engine->access);
    table_destroy(engine);
    free(engine->calendar);
    free(engine->event_body);
    free(engine->site_bytes.data);
    free(engine->frame);
    free(engine->body);
    free(engine->held);
    free(engine->replies);
    free(engine->cache);
    free(engine->queue);
    crypto_destroy(engine->crypto);
    crypto_forget(engine, sizeof(*engine));
    free(engine);
}
