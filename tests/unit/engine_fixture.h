/*
 * tests/unit/engine_fixture.h - a desk before one engine: what is asked of toband, and what it answers.
 *
 * The world takes every batch and sends nothing; what a request has written is made durable on both disks by ask(),
 * which sees that no answer leaves before. One desk listens at a time.
 */
#ifndef TESTS_UNIT_ENGINE_FIXTURE_H
#define TESTS_UNIT_ENGINE_FIXTURE_H

#include "appliance/devices/paper/paper.h"
#include "appliance/devices/printer/printer.h"
#include "appliance/engine/engine_internal.h"

#include "tests/unit/queue_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 2026-11-24, a Tuesday, at nine. */
#define NINE_MS INT64_C(1795478400000)

enum { OWN = 1, PARTNER = 2, CLIENT = 9, BODY_BYTES = 32768 };

struct desk {
    struct engine *engine;
    uint16_t status;
    uint16_t retry_after_s;
    char body[BODY_BYTES];
    char printed[API_REPORT_BYTES]; /* the newest order of a paper for staff */
    uint64_t order;
    uint32_t orders;
    size_t revoked_told;
};

static struct desk *listening;
static uint8_t drawn;

static inline int store(void *context, const struct ledger_batch *batch)
{
    (void)context;
    (void)batch;
    return 0;
}

static inline void say(void *context, const char *line)
{
    (void)context;
    (void)line;
}

/* Never the same twice. */
static inline void draw_bytes(void *context, void *bytes, size_t len_bytes)
{
    (void)context;
    for (size_t i = 0; i < len_bytes; i++) {
        ((uint8_t *)bytes)[i] = (uint8_t)(++drawn * 167U ^ i);
    }
}

static inline void take_reply(void *context, uint64_t client, const uint8_t *header,
                       size_t header_len_bytes, const uint8_t *body, size_t body_len_bytes)
{
    uint8_t frame[BODY_BYTES];
    struct api_reply reply;
    uint32_t id;

    (void)context;
    (void)client;
    if (api_frame_type(header) == API_REVOKED) {
        listening->revoked_told++;
        return;
    }
    if (api_frame_type(header) == API_PRINT) {
        struct api_print print;

        assert_true(api_print_decode(header, header_len_bytes, &print));
        if (print.kind == PAPER_REPORT) {
            listening->order = print.order;
            listening->orders++;
            memcpy(listening->printed, print.text, sizeof(print.text));
        }
        return;
    }
    if (api_frame_type(header) != API_REPLY) {
        return;
    }
    assert_true(header_len_bytes + body_len_bytes < sizeof(frame));
    memcpy(frame, header, header_len_bytes);
    memcpy(frame + header_len_bytes, body == NULL ? (const uint8_t *)"" : body, body_len_bytes);
    assert_true(api_reply_decode(frame, header_len_bytes + body_len_bytes, &id, &reply));
    listening->status = reply.status;
    listening->retry_after_s = reply.retry_after_s;
    memcpy(listening->body, reply.body, reply.body_len_bytes);
    listening->body[reply.body_len_bytes] = '\0';
}

static const struct world world = {
    .store = store, .log = say, .random = draw_bytes, .reply = take_reply};

/* Paired, on duty, on a day that the calendar opens. */
static inline struct engine *office_engine(uint32_t unit)
{
    static struct queue_config config;
    static struct calendar calendar;
    struct engine_options options = {.world = &world,
                                     .duty = {.unit = unit, .peer_unit = 3 - unit},
                                     .config = &config,
                                     .calendar = &calendar};
    struct engine *engine;

    small_config(&config);
    calendar_init(&calendar);
    engine = engine_create(&options);
    queue_set_config(engine->queue, &config);
    engine->state.founded = engine->state.sound = engine->started = true;
    engine->duty.state = DUTY_PAIRED_DUTY;
    engine->duty.agreed = engine->duty.needed = engine->duty.address = true;
    engine->duty.term.duty_unit = OWN;
    engine->duty.peer_heard_ms = 1000;
    engine->wall_ms = NINE_MS;
    engine->now_ms = 1000;
    engine->clock_synchronised = true;
    return engine;
}

/* Takes the engine over. */
static inline int desk_at(void **state, struct engine *engine)
{
    struct desk *desk = calloc(1, sizeof(*desk));

    assert_non_null(desk);
    desk->engine = engine;
    engine->clients[engine->client_count++] = CLIENT;
    *state = listening = desk;
    return 0;
}

static inline int tear_down(void **state)
{
    struct desk *desk = *state;

    engine_destroy(desk->engine);
    free(desk);
    return 0;
}

/* Asks, and makes durable on both disks whatever that wrote. */
static inline uint16_t ask(struct desk *desk, const struct api_request *request)
{
    struct engine *engine = desk->engine;
    uint8_t frame[API_REQUEST_BYTES_MAX];
    uint64_t before = engine->last_lsn;
    size_t len_bytes = api_request_encode(request, frame, sizeof(frame));

    assert_true(len_bytes > 0);
    desk->status = 0;
    desk->body[0] = '\0';
    serve_request(engine, CLIENT, frame, len_bytes);
    if (engine->last_lsn > before) {
        serve_flush(engine);
        assert_int_equal(desk->status, 0); /* nothing leaves before its entry is on both disks */
    }
    engine->durable_lsn = engine->sender.acked_lsn = engine->last_lsn;
    serve_flush(engine);
    assert_int_not_equal(desk->status, 0);
    return desk->status;
}

#endif
