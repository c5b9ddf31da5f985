/*
 * tests/lib/gateway_fixture.h - a whole gateway in a thread of the test, beside a fake engine, on
 * loopback ports of its own. One per test.
 */
#ifndef TESTS_LIB_GATEWAY_FIXTURE_H
#define TESTS_LIB_GATEWAY_FIXTURE_H

#include "appliance/gateway/gateway.h"
#include "tests/lib/fake_engine.h"

#include <pthread.h>

struct gateway_fixture {
    char folder[64];            /* of its own, removed at the end */
    char socket[96], web_dir[96];
    struct fake_engine *engine;
    struct gateway *gateway;
    pthread_t thread;
    uint16_t port, management_port, relay_port, plain_port;
    const char *voice_dir;      /* set it after prepare; NULL: the built-in pack, of web_dir */
    uint16_t relay_peer_port;   /* set it after prepare: another fixture's relay_port; 0: none */
};

/* hold_ms, read_ms_max: 0 for the product's own. The engine does not listen yet. with_pages: web_dir is
 * served, as the test filled it between gateway_fixture_prepare and this. */
void gateway_fixture_prepare(struct gateway_fixture *fixture);
void gateway_fixture_start(struct gateway_fixture *fixture, uint32_t hold_ms, uint32_t read_ms_max,
                           bool with_pages);
void gateway_fixture_finish(struct gateway_fixture *fixture);

#endif
