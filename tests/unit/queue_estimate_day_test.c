/*
 * appliance/queue: the wait estimate against whole simulated days, event by event, with services that follow one
 * another, holds with a time, a break and visitors who leave. It prints the mean error; `make bench` runs it, too.
 *
 * QUEUE_SEED=n chooses another year of days. The bounds below are of these days, not a promise to visitors.
 */
#include "tests/unit/queue_invariants.h"

#include <math.h>
#include <stdio.h>

enum {
    DAYS = 12,
    OPEN_MINUTES = 7 * 60,
    OPENS_AT_MINUTE = 9 * 60,
    COUNTERS = 3,
    MEAN_ERROR_S_MAX = 300, /* it is rounded up to five minutes */
    MEAN_ABSOLUTE_ERROR_S_MAX = 480,
    TICKETS_MAX = 4096,
};

static const int64_t midnight_ms = INT64_C(1795446000000); /* 2026-11-24 in Japan */

struct desk {
    int64_t free_ms; /* when its visitor's service ends; 0 nobody is here */
    bool holds;      /* then the visitor fills in a form */
};

struct day {
    struct office *office;
    struct xorshift random;
    struct desk desks[COUNTERS + 1];
    int64_t arrival_ms[4]; /* the next one of each category */
    struct {
        struct ids_token id;
        int32_t estimate_s; /* -1 none was given */
        bool called;
    } visitors[TICKETS_MAX];
    uint32_t visitor_count;
    double sum_s, absolute_s;
    uint32_t count;
};

static double uniform(struct day *day)
{
    return (draw_below(&day->random, 1000000) + 1) / 1000001.0;
}

static int64_t exponential_ms(struct day *day, double mean_minutes)
{
    return 1 + (int64_t)(-log(uniform(day)) * mean_minutes * MINUTE_MS);
}

/* Visits differ by a factor of two or three, seldom more: a mean of ten dice. */
static int64_t service_ms(struct day *day, uint16_t category)
{
    double share = 0;

    for (int i = 0; i < 4; i++) {
        share += uniform(day) / 2;
    }
    return (int64_t)(share * (category == 2 ? 8 : 5) * MINUTE_MS);
}

static void days_config(struct queue_config *config)
{
    small_config(config);
    config->utc_offset_minutes = 9 * 60;
    for (uint16_t i = 0; i < 3; i++) { /* no day uses them up */
        config->categories[i].number_first = (uint16_t)(1000 * (i + 1));
        config->categories[i].number_last = (uint16_t)(1000 * (i + 1) + 998);
    }
    config->categories[1].span_count = 2; /* nobody is served there at noon */
    config->categories[1].spans[0] = (struct queue_span){OPENS_AT_MINUTE, 12 * 60};
    config->categories[1].spans[1] = (struct queue_span){12 * 60 + 40, 17 * 60};
}

static bool is_break(const struct day *day, uint16_t category)
{
    int64_t minute = (day->office->now_ms - midnight_ms) / MINUTE_MS;

    return category == 2 && minute >= 12 * 60 && minute < 12 * 60 + 40;
}

static void arrive(struct day *day, uint16_t category)
{
    struct queue_command command = issue_command(day->office, category);
    enum queue_reason reason;
    const struct queue_ticket *ticket;

    if (draw_below(&day->random, 7) == 0) {
        command.plan_count = 1;
        command.plan[0] = (uint16_t)(1 + draw_below(&day->random, 3));
    }
    reason = act(day->office, command);
    if (reason == QUEUE_CEILING_REACHED) {
        reserve(day->office);
        reason = act(day->office, command);
    }
    if (reason == QUEUE_OK) {
        assert_true(day->visitor_count < TICKETS_MAX);
        ticket = ticket_of(day->office, command.ticket);
        day->visitors[day->visitor_count].id = command.ticket;
        day->visitors[day->visitor_count].called = false;
        day->visitors[day->visitor_count++].estimate_s =
            ticket->estimate_s_at_issue == QUEUE_ESTIMATE_NONE ? -1 : ticket->estimate_s_at_issue;
    } else {
        assert_int_equal(reason, QUEUE_NOT_AT_THIS_HOUR);
    }
}

/* The first call of a visitor is what the paper spoke of. */
static void note_truth(struct day *day, struct ids_token id)
{
    for (uint32_t i = 0; i < day->visitor_count; i++) {
        double error_s;

        if (!ids_token_equal(&day->visitors[i].id, &id) || day->visitors[i].called) {
            continue;
        }
        day->visitors[i].called = true;
        if (day->visitors[i].estimate_s < 0) {
            continue;
        }
        error_s = day->visitors[i].estimate_s -
                  (double)(day->office->now_ms - ticket_of(day->office, id)->issued_ms) / 1000;
        day->sum_s += error_s;
        day->absolute_s += fabs(error_s);
        day->count++;
    }
}

static void call_next(struct day *day, uint16_t counter)
{
    const struct queue_ticket *ticket;
    enum queue_reason reason = press(day->office, QUEUE_CALL_NEXT, counter);

    if (reason != QUEUE_OK) {
        assert_true(reason == QUEUE_EMPTY);
        return;
    }
    ticket = ticket_of(day->office, day->office->last.answer.ticket);
    if (is_break(day, ticket->category)) {
        assert_int_equal(press(day->office, QUEUE_UNDO, counter), QUEUE_OK);
        return;
    }
    note_truth(day, ticket->id);
    day->desks[counter].free_ms = day->office->now_ms + service_ms(day, ticket->category);
    day->desks[counter].holds = draw_below(&day->random, 16) == 0;
}

static void finish(struct day *day, uint16_t counter)
{
    struct queue_command hold = {
        .action = QUEUE_HOLD, .counter = counter, .hold_ms = 6 * MINUTE_MS};

    assert_int_equal(day->desks[counter].holds ? act(day->office, hold)
                                               : press(day->office, QUEUE_COMPLETE, counter),
                     QUEUE_OK);
    day->desks[counter].free_ms = 0;
}

static int64_t next_event_ms(const struct day *day)
{
    int64_t next_ms = day->office->now_ms + 10000; /* staff look up now and then, and holds end */

    for (int i = 1; i <= 3; i++) {
        if (day->arrival_ms[i] < next_ms) {
            next_ms = day->arrival_ms[i];
        }
    }
    for (int i = 1; i <= COUNTERS; i++) {
        if (day->desks[i].free_ms != 0 && day->desks[i].free_ms < next_ms) {
            next_ms = day->desks[i].free_ms;
        }
    }
    return next_ms;
}

static void happen(struct day *day)
{
    static const double minutes_between[] = {0, 4.5, 9.5, 7.5};
    const struct queue_ticket *due;

    day->office->now_ms = next_event_ms(day);
    while ((due = queue_hold_due(day->office->queue, day->office->now_ms)) != NULL) {
        assert_int_equal(act(day->office, (struct queue_command){.action = QUEUE_HOLD_ENDING,
                                                                 .ticket = due->id}),
                         QUEUE_OK);
    }
    for (uint16_t i = 1; i <= 3; i++) {
        if (day->arrival_ms[i] <= day->office->now_ms) {
            arrive(day, i);
            day->arrival_ms[i] = day->office->now_ms + exponential_ms(day, minutes_between[i]);
        }
    }
    for (uint16_t i = 1; i <= COUNTERS; i++) {
        if (day->desks[i].free_ms != 0 && day->desks[i].free_ms <= day->office->now_ms) {
            finish(day, i);
        }
        if (day->desks[i].free_ms == 0) {
            call_next(day, i);
        }
    }
}

static void one_day(uint64_t seed, double *sum_s, double *absolute_s, uint32_t *count)
{
    static struct day day;
    struct queue_config config;

    memset(&day, 0, sizeof(day));
    day.random.state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    days_config(&config);
    assert_true(queue_config_is_valid(&config));
    day.office = office_new(&config);
    day.office->now_ms = midnight_ms + OPENS_AT_MINUTE * MINUTE_MS;
    open_day(day.office, OFFICE_DATE);
    for (uint16_t i = 1; i <= 3; i++) {
        day.arrival_ms[i] = day.office->now_ms + exponential_ms(&day, 2);
        open_counter(day.office, i);
    }
    while (day.office->now_ms < midnight_ms + (OPENS_AT_MINUTE + OPEN_MINUTES) * MINUTE_MS) {
        happen(&day);
    }
    check_invariants(day.office);
    *sum_s += day.sum_s;
    *absolute_s += day.absolute_s;
    *count += day.count;
    office_free(day.office);
}

static void the_estimate_is_near_the_truth_of_whole_days(void **state)
{
    const char *seed = getenv("QUEUE_SEED");
    uint64_t first = seed == NULL ? 1 : strtoull(seed, NULL, 10) * DAYS;
    double sum_s = 0, absolute_s = 0;
    uint32_t count = 0;

    (void)state;
    for (uint64_t i = 0; i < DAYS; i++) {
        one_day(first + i, &sum_s, &absolute_s, &count);
    }
    assert_true(count > 0);
    print_message(
        "wait estimate: %u tickets of %d days, mean error %+.0f s, mean absolute error %.0f s\n",
        count, DAYS, sum_s / count, absolute_s / count);
    assert_true(fabs(sum_s / count) <= MEAN_ERROR_S_MAX);
    assert_true(absolute_s / count <= MEAN_ABSOLUTE_ERROR_S_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_estimate_is_near_the_truth_of_whole_days),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
