/*
 * The service day, by level (rule 9): each tick looks at the calendar and at the ledger and does what is
 * missing; an edge that was slept through is not lost. Only the unit that serves writes, and only by a
 * clock that is believed.
 *   another day in the ledger and it is past  -> close it, erase it, before anything else
 *   open by calendar, and not opened today    -> open, checkpoint, a new series when alone, ceilings
 *   past closing time and nobody is left      -> close; at the latest ENGINE_CLOSE_AFTER_MINUTES later
 */
#include "appliance/engine/engine_internal.h"

#include "base/check.h"

#include <string.h>

enum { MINUTE_MS = 60000, HOLDS_A_TURN_MAX = 16 };

bool day_clock_is_believed(const struct engine *engine)
{
    int64_t newest_ms = engine->state.newest_wall_ms;
    int64_t difference_ms = engine->duty.peer.wall_ms - engine->wall_ms;
    const struct queue_day *day = &engine->queue->day;
    uint32_t first_opening, peer_date;

    if (engine->clock_synchronised || day->date == 0) {
        return true;
    }
    first_opening = calendar_opening_day_after(engine->calendar, day->date);
    if (engine->duty.agreed) {
        if (difference_ms <= ENGINE_CLOCK_DIFFERENCE_MS_MAX &&
            difference_ms >= -ENGINE_CLOCK_DIFFERENCE_MS_MAX) {
            return true;
        }
        peer_date = calendar_moment_from_epoch_ms(engine->calendar, engine->duty.peer.wall_ms).date;
        if (peer_date >= day->date && peer_date <= first_opening) {
            return false; /* one of the two is wrong, and nothing says that it is the peer's */
        }
    }
    return engine->wall_ms >= newest_ms && engine->level.today.date <= first_opening;
}

static void append(struct engine *engine, enum queue_action action, uint32_t date, uint32_t actor,
                   enum queue_reason *ret_reason)
{
    struct queue_command command = {.action = action,
                                    .at_ms = engine->wall_ms,
                                    .date = date,
                                    .series = engine->series,
                                    .origin = engine_next_origin(engine)};
    struct queue_decision decision;

    queue_decide(engine->queue, &command, &decision);
    *ret_reason = decision.reason;
    if (decision.reason == QUEUE_OK && decision.change.row_count > 0) {
        (void)engine_append_change(engine, &decision.change, actor, NULL);
        if (action == QUEUE_DAY_CLOSING) {
            report_day_closed(engine);
        }
    }
}

static enum queue_reason close_and_erase(struct engine *engine, uint32_t actor)
{
    enum queue_reason reason = QUEUE_OK;

    if (engine->queue->day.state == QUEUE_DAY_OPEN) {
        append(engine, QUEUE_DAY_CLOSING, 0, actor, &reason);
    }
    if (reason == QUEUE_OK && engine->queue->day.state == QUEUE_DAY_CLOSED) {
        statistics_seal(engine, false);
        visits_seal(engine);
        append(engine, QUEUE_DAY_ERASING, 0, actor, &reason);
        if (reason == QUEUE_OK) { /* its keys are gone: who catches up tonight folds from here */
            engine_append_checkpoint(engine);
        }
    }
    return reason;
}

/* Where the ledger has no site file, the configuration of this unit's takes force when a day opens. */
static void renew_config(struct engine *engine)
{
    uint8_t ours[QUEUE_CONFIG_BYTES_MAX], theirs[QUEUE_CONFIG_BYTES_MAX];
    size_t ours_bytes = queue_config_encode(&engine->queue->config, ours, sizeof(ours));
    size_t theirs_bytes = queue_config_encode(engine->options.config, theirs, sizeof(theirs));

    if (ours_bytes != theirs_bytes || memcmp(ours, theirs, ours_bytes) != 0) {
        (void)engine_append(engine, ENTRY_CONFIG, theirs, theirs_bytes, false, 0, NULL);
    }
}

enum queue_reason day_open(struct engine *engine, uint32_t date, uint32_t actor)
{
    uint32_t before = engine->queue->day.date;
    enum queue_reason reason = QUEUE_OK;

    if (date > before && before != 0) {
        reason = close_and_erase(engine, actor);
    }
    if (reason == QUEUE_OK && date != before && site_may_change(engine) && !site_open_day(engine)) {
        renew_config(engine); /* in a session only tickets, counters and the day change (rule 3) */
    }
    if (reason == QUEUE_OK) {
        append(engine, QUEUE_DAY_OPENING, date, actor, &reason);
    }
    if (reason != QUEUE_OK) {
        return reason;
    }
    memset(engine->safe_ceiling, 0, sizeof(engine->safe_ceiling));
    memset(engine->ceiling_lsn, 0, sizeof(engine->ceiling_lsn));
    if (date != before) {
        engine_append_checkpoint(engine);
        if (engine->series.unit != 0) {
            engine_begin_series(
                engine, queue_number_date(engine->queue)); /* sessions are counted by service day */
        }
    }
    day_raise_ceilings(engine);
    return QUEUE_OK;
}

enum queue_reason day_close(struct engine *engine, uint32_t actor)
{
    enum queue_reason reason;

    append(engine, QUEUE_DAY_CLOSING, 0, actor, &reason);
    engine->tick_ms = 0; /* whether this unit is needed is another question now */
    return reason;
}

/* A day that was opened by mistake: by a wrong clock, or a closing that nobody had entered. Its visits go, their keys
 * with them; it is not opened again by itself, and another date may be. */
enum queue_reason day_annul(struct engine *engine, uint32_t actor)
{
    enum queue_reason reason;

    if (engine->queue->day.state == QUEUE_DAY_OPEN ||
        engine->queue->day.state == QUEUE_DAY_CLOSED) {
        statistics_seal(engine, true);
    }
    append(engine, QUEUE_DAY_ANNULLING, 0, actor, &reason);
    if (reason == QUEUE_OK) {
        engine_append_checkpoint(engine);
    }
    engine->tick_ms = 0;
    return reason;
}

/* By level: whichever unit serves looks, so a hold ends also when the one that began it is gone. */
static void end_holds(struct engine *engine)
{
    for (int i = 0; i < HOLDS_A_TURN_MAX; i++) {
        const struct queue_ticket *ticket = queue_hold_due(engine->queue, engine->wall_ms);
        struct queue_command command = {.action = QUEUE_HOLD_ENDING, .at_ms = engine->wall_ms};
        struct queue_decision decision;

        if (ticket == NULL || engine->queue->day.state != QUEUE_DAY_OPEN) {
            return;
        }
        command.ticket = ticket->id;
        command.origin = engine_next_origin(engine);
        queue_decide(engine->queue, &command, &decision);
        if (decision.reason != QUEUE_OK) {
            return;
        }
        (void)engine_append_change(engine, &decision.change, 0, NULL);
    }
}

/* A raise costs two flushes more on each unit (the record): where it is needed again at once, as no queue of
 * people needs it, more is reserved (ADR 8). */
uint16_t day_reserve(uint16_t last, uint64_t since_ms)
{
    if (last < QUEUE_CEILING_STEP || since_ms >= CEILING_OFTEN_MS) {
        return QUEUE_CEILING_STEP;
    }
    return last * 2 < CEILING_RESERVE_MAX ? (uint16_t)(last * 2) : (uint16_t)CEILING_RESERVE_MAX;
}

static uint16_t next_reserve(struct engine *engine, size_t at)
{
    engine->reserve[at] = day_reserve(engine->reserve[at], engine->now_ms - engine->ceiling_ms[at]);
    engine->ceiling_ms[at] = engine->now_ms;
    return engine->reserve[at];
}

/* Keeps at least half of what is reserved at a time reserved on both disks (rule 4). */
void day_raise_ceilings(struct engine *engine)
{
    const struct queue *queue = engine->queue;
    bool paired = engine->duty.state == DUTY_PAIRED_DUTY || engine->duty.state == DUTY_MINTING ||
                  engine->duty.state == DUTY_HANDING_OVER;

    if (!paired || queue->day.state != QUEUE_DAY_OPEN) {
        return;
    }
    for (size_t i = 0; i < queue->config.category_count; i++) {
        const struct queue_category *category = &queue->categories[i];
        const struct queue_category_config *config = &queue->config.categories[i];
        uint16_t highest = category->plain_highest != 0 ? category->plain_highest
                                                        : (uint16_t)(config->number_first - 1);
        size_t at = (size_t)category->id - 1;
        uint16_t low = (engine->reserve[at] != 0 ? engine->reserve[at] : QUEUE_CEILING_STEP) / 2;
        struct queue_change change;

        if (category->ceiling >= config->number_last || category->ceiling >= highest + low) {
            if (engine->safe_ceiling[at] == 0 && engine->ceiling_lsn[at] == 0 &&
                category->ceiling != 0) {
                /* Reserved before this process or this term: its entry is known by its lsn. */
                engine->ceiling_lsn[at] = category->changed_lsn;
            }
            continue;
        }
        queue_raise_ceiling(queue, category->id, next_reserve(engine, at), engine->last_lsn + 1,
                            &change);
        if (change.row_count > 0) {
            engine->ceiling_lsn[at] = engine_append_change(engine, &change, 0, NULL);
        }
    }
}

/* Opened again by hand after its closing, a day stays open; opened again after it was annulled, it is that date's
 * first one, and closes as it would have. */
static bool is_of_the_calendar(const struct engine *engine)
{
    const struct queue_day *day = &engine->queue->day;
    struct calendar_moment opened = calendar_moment_from_epoch_ms(engine->calendar, day->opened_ms);

    return day->openings <= 1 || (day->annulled_date == day->date && opened.date == day->date &&
                                  opened.minute < engine->level.today.close_minute);
}

/* By the calendar, or by a manager's word of today, said since the day was opened last. */
static bool is_past_closing(const struct engine *engine)
{
    const struct queue_day *day = &engine->queue->day;

    if (day->date != engine->level.today.date) {
        return false;
    }
    if (engine->level.level == CALENDAR_CLOSED_DAY) {
        return hours_close_today(engine);
    }
    return engine->level.level == CALENDAR_AFTER_CLOSING &&
           (is_of_the_calendar(engine) || hours_close_today(engine));
}

bool day_accepts_issue(const struct engine *engine)
{
    const struct queue_day *day = &engine->queue->day;

    /* After closing time those who have a number are still served, but no new one is given. A clock
     * that is not believed stops nobody on an open day. */
    return day->state == QUEUE_DAY_OPEN &&
           !(is_past_closing(engine) && day_clock_is_believed(engine));
}

static bool somebody_is_left(const struct engine *engine)
{
    for (uint32_t i = 0; i < engine->queue->ticket_count; i++) {
        enum queue_ticket_state state = (enum queue_ticket_state)engine->queue->tickets[i].state;

        if (queue_ticket_is_live(state) && state != QUEUE_EXPECTED) {
            return true;
        }
    }
    return false;
}

static void by_level(struct engine *engine)
{
    const struct queue_day *day = &engine->queue->day;
    uint32_t today = engine->level.today.date;
    struct calendar_moment moment =
        calendar_moment_from_epoch_ms(engine->calendar, engine->wall_ms);

    if (day->date != 0 && today > day->date &&
        (day->state == QUEUE_DAY_OPEN || day->state == QUEUE_DAY_CLOSED)) {
        (void)close_and_erase(engine, 0);
    }
    if (engine->level.level == CALENDAR_OPEN &&
        (today > day->date ||
         (day->state == QUEUE_DAY_ANNULLED && today != day->date && today > day->erased_date))) {
        (void)day_open(engine, today, 0);
    }
    if (day->state == QUEUE_DAY_OPEN && is_past_closing(engine) &&
        (!somebody_is_left(engine) ||
         moment.minute >= engine->level.today.close_minute + ENGINE_CLOSE_AFTER_MINUTES)) {
        (void)day_close(engine, 0);
    }
}

void day_turn(struct engine *engine)
{
    bool needed;

    if (engine->tick_ms != 0 && engine->now_ms - engine->tick_ms < ENGINE_TICK_MS) {
        return;
    }
    if (engine->failure != 0) { /* found in this very turn: nothing is written any more */
        return;
    }
    engine->tick_ms = engine->now_ms;
    hours_lay(engine);
    calendar_get_state(engine->calendar, engine->wall_ms, &engine->level);
    needed = engine->level.level == CALENDAR_OPEN || engine->level.level == CALENDAR_LEAD ||
             engine->queue->day.state == QUEUE_DAY_OPEN;
    if (needed != engine->duty.needed) {
        struct duty_event event = engine_duty_event(engine, DUTY_NEEDED);

        event.level = needed;
        engine_tell_duty(engine, &event);
    }
    if (engine_serves(engine) && day_clock_is_believed(engine)) {
        by_level(engine);
        visits_turn(engine);
    }
    if (engine_serves(engine)) {
        end_holds(engine);
    }
}
