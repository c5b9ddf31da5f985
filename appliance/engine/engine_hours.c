/*
 * The office's hours of single dates by a manager's word: 臨時閉庁, 臨時開庁, other hours. The queue keeps and
 * replicates them (QUEUE_ROW_HOURS); here they are laid over the site's calendar, which then decides by level as
 * ever: a takeover in the middle changes nothing, because nothing is switched. Before it counts, a manager is
 * shown what would follow; that is computed by the same calendar.
 */
#include "appliance/engine/engine_internal.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

enum { MINUTE_MS = 60000 };

static void lay_one(struct calendar *calendar, const struct queue_hours *hours)
{
    struct calendar_override override = {
        .date = hours->date,
        .hours = {.open = hours->kind == QUEUE_HOURS_OPEN,
                  .open_minute = hours->open_minute,
                  .close_minute = hours->close_minute},
    };

    if (hours->date == 0 || hours->kind == QUEUE_HOURS_USUAL) {
        return;
    }
    memcpy(override.reason_ja, hours->reason_ja, sizeof(override.reason_ja));
    memcpy(override.reason_en, hours->reason_en, sizeof(override.reason_en));
    (void)calendar_set_override(calendar, &override); /* no room: the site's own word stays */
}

void hours_lay(struct engine *engine)
{
    const struct queue_hours *said = engine->queue->hours;

    if (!engine->calendar_stale &&
        memcmp(engine->hours_laid, said, sizeof(engine->hours_laid)) == 0) {
        return;
    }
    engine->calendar_stale = false;
    memcpy(engine->hours_laid, said, sizeof(engine->hours_laid));
    *engine->calendar = *engine->options.calendar;
    for (size_t i = 0; i < QUEUE_HOURS_MAX; i++) {
        lay_one(engine->calendar, &said[i]);
    }
    engine->tick_ms = 0; /* the level may be another one now */
    calendar_get_state(engine->calendar, engine->wall_ms, &engine->level);
}

bool hours_close_today(const struct engine *engine)
{
    const struct queue_hours *hours = queue_hours_find(engine->queue, engine->queue->day.date);

    return hours != NULL && hours->changed_lsn > engine->queue->day.origin.lsn;
}

enum queue_reason hours_settle(const struct engine *engine, struct queue_command *command)
{
    struct calendar_moment now = calendar_moment_from_epoch_ms(engine->calendar, engine->wall_ms);
    struct calendar_date date;
    struct calendar_day day;

    if (!calendar_date_from_number(command->date, &date) ||
        (command->date < now.date && day_clock_is_believed(engine))) {
        return QUEUE_BAD_HOURS;
    }
    if (command->hours != QUEUE_HOURS_CLOSED || command->date != engine->queue->day.date ||
        engine->queue->day.state != QUEUE_DAY_OPEN || command->date != now.date) {
        return QUEUE_OK;
    }
    /* Visitors are here: "closed today" is "no more of them from now on", and who waits is served. */
    calendar_get_day(engine->calendar, command->date, &day);
    command->hours = QUEUE_HOURS_OPEN;
    command->close_minute = now.minute > 0 ? now.minute : 1;
    command->open_minute = day.open && day.open_minute < command->close_minute
                               ? day.open_minute
                               : (uint16_t)(command->close_minute - 1);
    return QUEUE_OK;
}

/* ---- what would follow ------------------------------------------------------------------------------------ */

/* As if this had been said. */
static void lay_proposal(const struct engine *engine, const struct queue_command *command,
                         struct calendar *calendar)
{
    struct queue_hours hours = {.date = command->date,
                                .kind = command->hours,
                                .open_minute = command->open_minute,
                                .close_minute = command->close_minute};

    memcpy(hours.reason_ja, command->text_ja, sizeof(hours.reason_ja) - 1);
    memcpy(hours.reason_en, command->text_en, sizeof(hours.reason_en) - 1);
    *calendar = *engine->options.calendar;
    for (size_t i = 0; i < QUEUE_HOURS_MAX; i++) {
        if (engine->queue->hours[i].date != command->date) {
            lay_one(calendar, &engine->queue->hours[i]);
        }
    }
    lay_one(calendar, &hours);
}

static void put_hours(struct json *json, const char *name, const struct calendar *calendar,
                      uint32_t date)
{
    struct calendar_day day;

    calendar_get_day(calendar, date, &day);
    json_open(json, name, '{');
    json_bool(json, "open", day.open);
    if (day.open) {
        render_clock_minute(json, "opens", day.open_minute);
        render_clock_minute(json, "closes", day.close_minute);
    } else {
        json_null(json, "opens");
        json_null(json, "closes");
    }
    json_text(json, "reason_ja", day.name_ja);
    json_text(json, "reason_en", day.name_en);
    json_close(json, '}');
}

static void put_visitors(const struct engine *engine, struct json *json, const char *end)
{
    static const char *const names[] = {NULL,      "printing", "waiting", "called",
                                        "serving", "held",     "absent"};
    uint32_t counts[ARRAY_COUNT(names)] = {0}, total = 0, expected = 0;

    for (uint32_t i = 0; i < engine->queue->ticket_count; i++) {
        uint8_t state = engine->queue->tickets[i].state;

        if (state == QUEUE_EXPECTED) {
            expected++; /* not here: nobody to be served or sent home */
        } else if (queue_ticket_is_live((enum queue_ticket_state)state)) {
            counts[state]++;
            total++;
        }
    }
    json_open(json, "visitors", '{');
    for (size_t i = 1; i < ARRAY_COUNT(names); i++) {
        json_number(json, names[i], counts[i]);
    }
    json_number(json, "total", total);
    json_number(json, "expected", expected);
    json_text(json, "end", end);
    json_close(json, '}');
}

/* When the day itself is over at the latest: who has a number is served until then. */
static int64_t latest_end_ms(const struct calendar *calendar, const struct calendar_state *state)
{
    uint32_t minute = (uint32_t)state->today.close_minute + ENGINE_CLOSE_AFTER_MINUTES;

    return !state->today.open || minute > CALENDAR_DAY_MINUTES
               ? 0
               : calendar_epoch_ms_from(calendar, state->today.date, (uint16_t)minute);
}

static void put_next(const struct engine *engine, struct json *json, const char *name,
                     const struct calendar_state *state)
{
    render_time(json, name, state->next_opening_date == 0 ? 0 : state->next_opening_ms,
                engine->calendar->utc_offset_minutes);
}

char *hours_preview(struct engine *engine, const struct queue_command *command,
                    size_t *ret_len_bytes)
{
    struct calendar *after = malloc(sizeof(*after));
    int32_t offset = engine->calendar->utc_offset_minutes;
    uint32_t today = engine->level.today.date;
    uint32_t date = command == NULL ? engine->queue->day.date : command->date;
    bool is_open = engine->queue->day.state == QUEUE_DAY_OPEN && date == engine->queue->day.date;
    struct calendar_state before_state, state;
    struct json json;
    const char *end = "NONE";

    CHECK_GIVEN(after != NULL);
    if (command == NULL) {
        *after = *engine->calendar;
    } else {
        lay_proposal(engine, command, after);
    }
    calendar_get_state(engine->calendar, engine->wall_ms, &before_state);
    calendar_get_state(after, engine->wall_ms, &state);
    if (command == NULL) {
        end = "NOW";
    } else if (is_open && state.level != CALENDAR_OPEN && state.level != CALENDAR_LEAD) {
        end = "SERVED"; /* no more come; who is here is served */
    }
    json_init(&json);
    json_open(&json, NULL, '{');
    json_text(&json, "what", command == NULL ? "CLOSE" : "HOURS");
    render_date(&json, "date", date);
    json_bool(&json, "today", date == today);
    put_hours(&json, "before", engine->calendar, date);
    put_hours(&json, "after", after, date);
    put_visitors(engine, &json, end);
    render_time(&json, "latest_end", command == NULL || !is_open ? 0 : latest_end_ms(after, &state),
                offset);
    put_next(engine, &json, "next_opening", &state);
    put_next(engine, &json, "next_opening_before", &before_state);
    render_time(&json, "as_of", engine->wall_ms, offset);
    json_close(&json, '}');
    free(after);
    return json_take(&json, ret_len_bytes);
}
