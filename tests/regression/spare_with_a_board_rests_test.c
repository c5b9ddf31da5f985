/*
 * The story (simulator, any seed, once boards watched both units): a unit that serves nobody and has a board
 * asked to be woken for the next live event, sent none because it does not serve, and asked again: a thousand
 * turns a second, all day long, on every spare, since the gateway of each unit watches it.
 */
#include "appliance/engine/engine_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NOW_MS = 100000, WORD_MS = 30 };

static struct engine *unit_with_a_board(enum duty_state state)
{
    struct engine *engine = calloc(1, sizeof(*engine));

    assert_non_null(engine);
    engine->now_ms = NOW_MS;
    engine->event_sent_ms = NOW_MS - ENGINE_EVENT_INTERVAL_MS / 2;
    engine->duty.state = state;
    engine->duty.deadline_ms = NOW_MS + WORD_MS;
    engine->subscribers[0] = 1;
    engine->subscriber_count = 1;
    engine->event_due = true;
    return engine;
}

static void a_spare_is_not_woken_for_events_that_it_does_not_send(void **state)
{
    struct engine *engine = unit_with_a_board(DUTY_PAIRED_SPARE);

    (void)state;
    assert_int_equal(engine_deadline_ms(engine), NOW_MS + WORD_MS);
    free(engine);
}

static void whoever_serves_is_woken_for_the_next_event(void **state)
{
    struct engine *engine = unit_with_a_board(DUTY_ALONE);

    (void)state;
    assert_int_equal(engine_deadline_ms(engine), NOW_MS + ENGINE_EVENT_INTERVAL_MS / 2);
    free(engine);
}

static void an_event_that_waits_for_its_disks_is_not_waited_for_by_the_clock(void **state)
{
    struct engine *engine = unit_with_a_board(DUTY_ALONE);
    char body[] = "{}";

    (void)state;
    engine->event_body = body;
    assert_int_equal(engine_deadline_ms(engine), NOW_MS + WORD_MS);
    free(engine);
}

static void count_events(void *context, uint64_t client, const uint8_t *header,
                         size_t header_len_bytes, const uint8_t *body, size_t body_len_bytes)
{
    (void)client;
    (void)header;
    (void)header_len_bytes;
    (void)body;
    (void)body_len_bytes;
    (*(int *)context)++;
}

static void draw(void *context, void *bytes, size_t len_bytes)
{
    (void)context;
    memset(bytes, 7, len_bytes);
}

/* Seed 392, in a larger world: a retired unit gave its ledger away, was told once more that it serves nobody, and sent
 * its board an empty queue as of lsn 0. */
static void who_served_nobody_has_no_last_event(void **state)
{
    static struct queue_config config;
    static struct calendar calendar;
    int events = 0;
    struct world world = {.context = &events, .reply = count_events, .random = draw};
    struct engine_options options = {
        .world = &world, .duty = {.unit = 1}, .config = &config, .calendar = &calendar};
    struct engine *engine = engine_create(&options);

    (void)state;
    engine->subscriber_count = 1;
    engine->event_due = true;
    serve_last_event(engine);
    assert_int_equal(events, 0);
    engine->shipping = true; /* it was on duty */
    serve_last_event(engine);
    assert_int_equal(events, 1);
    engine_destroy(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spare_is_not_woken_for_events_that_it_does_not_send),
        cmocka_unit_test(whoever_serves_is_woken_for_the_next_event),
        cmocka_unit_test(an_event_that_waits_for_its_disks_is_not_waited_for_by_the_clock),
        cmocka_unit_test(who_served_nobody_has_no_last_event),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
