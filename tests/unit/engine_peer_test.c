/* What a unit believes of what the other one says: second locks, behind the contact and the receiver's own check. */
#include "appliance/engine/engine_internal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { OWN = 1, PEER = 2, LSN = 7, OURS = 3, THEIRS = 4 };

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

/* In contact with the other one, and holds LSN, not yet known to be there as well. */
static struct engine *engine_in(enum duty_state state)
{
    static struct queue_config config;
    static struct calendar calendar;
    static const struct world world = {.send = send_nothing, .log = say};
    struct engine_options options = {.world = &world,
                                     .duty = {.unit = OWN, .peer_unit = PEER},
                                     .config = &config,
                                     .calendar = &calendar};
    struct duty_event started = {.kind = DUTY_STARTED, .started = {.blank = true, .process = OURS}};
    struct engine *engine = engine_create(&options);

    engine->started = true;
    engine_tell_duty(engine, &started);
    engine->duty.state = state;
    engine->duty.agreed = true;
    engine->duty.word.heard_process = THEIRS;
    engine->duty.word.heard_contact = 1;
    engine->last_lsn = engine->durable_lsn = engine->told_lsn = LSN;
    engine->gather_from = LSN + 1;
    engine->cache[LSN] = (struct cached_entry){.lsn = LSN, .hash.bytes = {OURS}};
    engine->head.bytes[0] = engine->durable_hash.bytes[0] = OURS;
    return engine;
}

static void hear(struct engine *engine, struct ship_frame *frame)
{
    static uint8_t bytes[SHIP_FRAME_BYTES_MAX];

    frame->contact = (struct ship_contact){.process = THEIRS,
                                           .contact = 1,
                                           .heard_process = engine->duty.word.process,
                                           .heard_contact = engine->duty.word.contact};
    engine_on_frame(engine, bytes, ship_frame_encode(frame, bytes, sizeof(bytes)));
}

static void acknowledge(struct engine *engine, uint8_t hash)
{
    struct ship_frame frame = {.kind = SHIP_ACK, .lsn = LSN, .until_lsn = LSN, .term = 1};

    frame.hash.bytes[0] = hash;
    hear(engine, &frame);
}

static void an_acknowledgement_of_our_chain_counts(void **state)
{
    struct engine *engine = engine_in(DUTY_PAIRED_DUTY);

    (void)state;
    engine->shipping = true;
    ship_sender_init(&engine->sender, LSN - 1);
    ship_sender_sent(&engine->sender, LSN, 0);
    acknowledge(engine, OURS);
    assert_int_equal(engine->sender.acked_lsn, LSN);
    assert_int_equal(engine_duty(engine)->state, DUTY_PAIRED_DUTY);
    engine_destroy(engine);
}

static void an_acknowledgement_of_another_chain_is_none_and_ends_the_contact(void **state)
{
    struct engine *engine = engine_in(DUTY_PAIRED_DUTY);

    (void)state;
    engine->shipping = true;
    ship_sender_init(&engine->sender, LSN - 1);
    ship_sender_sent(&engine->sender, LSN, 0);
    acknowledge(engine, THEIRS);
    assert_int_equal(engine->sender.acked_lsn, LSN - 1);
    assert_int_not_equal(engine_duty(engine)->state, DUTY_PAIRED_DUTY);
    engine_destroy(engine);
}

/* The other's word of the state that it folded from the same chain up to the same entry. */
static int hear_digest(struct engine *engine, uint8_t digest)
{
    struct duty_word word = engine->duty.word;
    struct ship_frame frame = {.kind = SHIP_WORD};
    uint8_t body[DUTY_WORD_BYTES_MAX];

    word.place = word.unit = PEER;
    word.process = THEIRS;
    word.contact = word.heard_contact = 1;
    word.heard_process = OURS;
    word.sequence = 1;
    word.blank = false;
    word.last_lsn = LSN;
    word.head = engine->durable_hash;
    engine_digest_of(engine->durable_digest, &word.digest);
    word.digest.bytes[0] ^= digest;
    frame.body = body;
    frame.body_len_bytes = duty_word_encode(&word, body, sizeof(body));
    hear(engine, &frame);
    return engine->failure;
}

static void the_same_state_at_one_entry_is_as_it_should_be(void **state)
{
    struct engine *engine = engine_in(DUTY_PAIRED_SPARE);

    (void)state;
    assert_int_equal(hear_digest(engine, 0), 0);
    engine_destroy(engine);
}

static void another_state_at_the_same_entry_stops_the_unit(void **state)
{
    struct engine *engine = engine_in(DUTY_PAIRED_SPARE);

    (void)state;
    assert_int_equal(hear_digest(engine, 1), -EUCLEAN);
    engine_destroy(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_acknowledgement_of_our_chain_counts),
        cmocka_unit_test(an_acknowledgement_of_another_chain_is_none_and_ends_the_contact),
        cmocka_unit_test(the_same_state_at_one_entry_is_as_it_should_be),
        cmocka_unit_test(another_state_at_the_same_entry_stops_the_unit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
