/*
 * The story (simulator, seed 106, when words on the wire were laid beside the disks): in a meeting the tail of a unit
 * was replaced by another one that was just as long. Its words went on to say the hash of the old one, which stood
 * in no ledger any more, until the next entry came: duty was told of the ledger when its last lsn changed only.
 */
#include "appliance/engine/engine_internal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { OWN = 1, PEER = 2, LSN = 7 };

static int send_nothing(void *context, enum world_link link, const uint8_t *frame, size_t len_bytes)
{
    (void)context;
    (void)link;
    (void)frame;
    (void)len_bytes;
    return -ENOTCONN;
}

static void say(void *context, const char *line)
{
    (void)context;
    (void)line;
}

static void a_unit_says_the_hash_of_the_tail_that_it_holds(void **state)
{
    static struct queue_config config;
    static struct calendar calendar;
    static const struct world world = {.send = send_nothing, .log = say};
    struct engine_options options = {.world = &world,
                                     .duty = {.unit = OWN, .peer_unit = PEER},
                                     .config = &config,
                                     .calendar = &calendar};
    struct duty_event started = {.kind = DUTY_STARTED, .started = {.blank = true, .process = 1}};
    struct engine_event timer = {.kind = ENGINE_TIMER};
    struct engine *engine = engine_create(&options);

    (void)state;
    engine->started = true;
    engine_tell_duty(engine, &started);
    engine->last_lsn = engine->durable_lsn = LSN;
    engine->gather_from = LSN + 1;
    engine->durable_hash.bytes[0] = 1;
    assert_int_equal(engine_step(engine, &timer), 0);
    assert_int_equal(engine_duty(engine)->word.last_lsn, LSN);
    assert_int_equal(engine_duty(engine)->word.head.bytes[0], 1);

    engine->durable_hash.bytes[0] = 2; /* another tail, of the same length */
    timer.now_ms++;
    assert_int_equal(engine_step(engine, &timer), 0);
    assert_int_equal(engine_duty(engine)->word.head.bytes[0], 2);
    engine_destroy(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unit_says_the_hash_of_the_tail_that_it_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
