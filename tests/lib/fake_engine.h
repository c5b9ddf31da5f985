/*
 * tests/lib/fake_engine.h - NOT an engine: a stand-in for toband's socket, for the gateway's tests only.
 *
 * Speaks appliance/engine/api.h on a UNIX socket in a thread of its own and does what a test tells it:
 * answer, stay silent, refuse, talk nonsense, go away. It remembers every request. It gives numbers like
 * a queue that knows its keys: the same key gets the same number.
 */
#ifndef TESTS_LIB_FAKE_ENGINE_H
#define TESTS_LIB_FAKE_ENGINE_H

#include "appliance/engine/api.h"

#include <stdbool.h>
#include <stdint.h>

enum fake_engine_behaviour {
    FAKE_ENGINE_ANSWERS,
    FAKE_ENGINE_SWALLOWS,   /* reads requests, says nothing; see fake_engine_answer_swallowed */
    FAKE_ENGINE_REFUSES,    /* 503 TEST_REFUSAL, Retry-After 7 */
    FAKE_ENGINE_BABBLES,    /* bytes that are no frame */
    FAKE_ENGINE_ANSWERS_BIG, /* 200 with FAKE_ENGINE_BIG_BYTES of JSON */
};

enum fake_engine_limit {
    FAKE_ENGINE_REQUESTS_MAX = 8192,
    FAKE_ENGINE_BIG_BYTES = 3 * 1024 * 1024,
};

struct fake_engine;

/* Not listening yet; serving, once it does. */
struct fake_engine *fake_engine_create(const char *path);
void fake_engine_destroy(struct fake_engine *engine);
void fake_engine_arrive(struct fake_engine *engine);
/* Stops listening and drops its connections. */
void fake_engine_leave(struct fake_engine *engine);
/* Drops its connections; goes on listening. */
void fake_engine_drop(struct fake_engine *engine);
void fake_engine_behave(struct fake_engine *engine, enum fake_engine_behaviour behaviour);
void fake_engine_serve(struct fake_engine *engine, bool serving, const char *reason);
/* From now on, whoever's credential this is, it does not count; said by REVOKED. */
void fake_engine_revoke(struct fake_engine *engine, const struct ids_hash *token);
/* The site has no public page, from now on. */
void fake_engine_hide_page(struct fake_engine *engine);
void fake_engine_push(struct fake_engine *engine, uint64_t id, const char *body, size_t len_bytes);
void fake_engine_answer_swallowed(struct fake_engine *engine);
void fake_engine_refuse_swallowed(struct fake_engine *engine);
uint32_t fake_engine_received_count(struct fake_engine *engine);
/* Waits until so many requests have come (SUBSCRIBE is not counted); false: patience is over. */
bool fake_engine_wait(struct fake_engine *engine, uint32_t count);
/* Waits until a gateway has subscribed on the present connection. */
bool fake_engine_wait_subscribed(struct fake_engine *engine);
struct api_request fake_engine_received(struct fake_engine *engine, uint32_t index);
/* How many different keys were given a number. */
uint32_t fake_engine_numbers_given(struct fake_engine *engine);

#endif
