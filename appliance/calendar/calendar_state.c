/* Moments: local time, levels, next opening, and the deadlines that follow from it. */
#include "appliance/calendar/calendar.h"

#include "base/check.h"

enum {
    MINUTE_MS = 60 * 1000,
    SECOND_MS = 1000,
    DAY_MS = CALENDAR_DAY_MINUTES * MINUTE_MS,
    DAY_COUNT_FIRST = -719162, /* 0001-01-01 */
    DAY_COUNT_LAST = 2932896,  /* 9999-12-31 */
};

/* A moment split where all questions split it. */
struct local_time {
    uint32_t date;
    int64_t midnight_ms; /* of that date, as epoch_ms */
    int32_t of_day_ms;
};

static int64_t offset_ms(const struct calendar *calendar)
{
    return (int64_t)calendar->utc_offset_minutes * MINUTE_MS;
}

static struct local_time local_time_of(const struct calendar *calendar, int64_t epoch_ms)
{
    const int64_t first_ms = (int64_t)DAY_COUNT_FIRST * DAY_MS - offset_ms(calendar);
    const int64_t last_ms = ((int64_t)DAY_COUNT_LAST + 1) * DAY_MS - 1 - offset_ms(calendar);
    int64_t inside_ms = epoch_ms < first_ms ? first_ms : epoch_ms > last_ms ? last_ms : epoch_ms;
    /* Counted from the first day there is, so that division never meets a negative number. */
    int64_t since_first_ms = inside_ms - first_ms;
    int32_t day_count = (int32_t)(since_first_ms / DAY_MS) + DAY_COUNT_FIRST;
    int32_t of_day_ms = (int32_t)(since_first_ms % DAY_MS);

    return (struct local_time){
        .date = calendar_date_to_number(calendar_date_from_day_count(day_count)),
        .midnight_ms = inside_ms - of_day_ms,
        .of_day_ms = of_day_ms,
    };
}

struct calendar_moment calendar_moment_from_epoch_ms(const struct calendar *calendar,
                                                     int64_t epoch_ms)
{
    struct local_time local = local_time_of(calendar, epoch_ms);

    return (struct calendar_moment){
        .date = local.date,
        .minute = (uint16_t)(local.of_day_ms / MINUTE_MS),
        .second = (uint8_t)(local.of_day_ms / SECOND_MS % 60),
    };
}

int64_t calendar_epoch_ms_from(const struct calendar *calendar, uint32_t date, uint16_t minute)
{
    struct calendar_date parts;

    if (!calendar_date_from_number(date, &parts)) {
        return CALENDAR_NEVER_MS;
    }
    return (int64_t)calendar_day_count(parts) * DAY_MS + (int64_t)minute * MINUTE_MS -
           offset_ms(calendar);
}

/* May lie before midnight: then the lead begins with the day. */
static int32_t lead_minute(const struct calendar *calendar, const struct calendar_day *day)
{
    return day->open_minute - calendar->lead_minutes;
}

static enum calendar_level level_at(const struct calendar *calendar, const struct calendar_day *day,
                                    int32_t minute)
{
    if (!day->open) {
        return CALENDAR_CLOSED_DAY;
    }
    if (minute >= day->close_minute) {
        return CALENDAR_AFTER_CLOSING;
    }
    if (minute >= day->open_minute) {
        return CALENDAR_OPEN;
    }
    return minute >= lead_minute(calendar, day) ? CALENDAR_LEAD : CALENDAR_BEFORE_OPENING;
}

/* The next midnight, or the first boundary of today that comes before it. */
static int64_t next_change_ms(const struct calendar *calendar, const struct calendar_day *day,
                              const struct local_time *local)
{
    const int32_t minutes[] = {lead_minute(calendar, day), day->open_minute, day->close_minute};

    for (size_t i = 0; day->open && i < ARRAY_COUNT(minutes); i++) {
        if (minutes[i] * MINUTE_MS > local->of_day_ms) {
            return local->midnight_ms + (int64_t)minutes[i] * MINUTE_MS;
        }
    }
    return local->midnight_ms + DAY_MS;
}

/* The first opening later than the moment: today's if it is yet to come. */
static uint32_t next_opening(const struct calendar *calendar, const struct local_time *local,
                             const struct calendar_day *today, int64_t *ret_ms)
{
    struct calendar_day day = *today;

    if (!today->open || local->of_day_ms >= today->open_minute * MINUTE_MS) {
        calendar_get_day(calendar, calendar_opening_day_after(calendar, local->date), &day);
    }
    if (!day.open) {
        *ret_ms = CALENDAR_NEVER_MS;
        return 0;
    }
    *ret_ms = calendar_epoch_ms_from(calendar, day.date, day.open_minute);
    return day.date;
}

void calendar_get_state(const struct calendar *calendar, int64_t epoch_ms,
                        struct calendar_state *ret)
{
    struct local_time local = local_time_of(calendar, epoch_ms);

    calendar_get_day(calendar, local.date, &ret->today);
    ret->level = level_at(calendar, &ret->today, local.of_day_ms / MINUTE_MS);
    ret->next_opening_date = next_opening(calendar, &local, &ret->today, &ret->next_opening_ms);
    ret->recovery_deadline_ms = ret->next_opening_ms;
    ret->next_change_ms = next_change_ms(calendar, &ret->today, &local);
}

int64_t calendar_recovery_deadline_ms(const struct calendar *calendar, int64_t fault_began_ms)
{
    struct local_time local = local_time_of(calendar, fault_began_ms);
    struct calendar_day today;
    int64_t deadline_ms;

    calendar_get_day(calendar, local.date, &today);
    (void)next_opening(calendar, &local, &today, &deadline_ms);
    return deadline_ms;
}

const char *calendar_level_code(enum calendar_level level)
{
    switch (level) {
    case CALENDAR_CLOSED_DAY:
        return "CLOSED_DAY";
    case CALENDAR_BEFORE_OPENING:
        return "BEFORE_OPENING";
    case CALENDAR_LEAD:
        return "LEAD";
    case CALENDAR_OPEN:
        return "OPEN";
    case CALENDAR_AFTER_CLOSING:
        return "AFTER_CLOSING";
    }
    return "";
}
