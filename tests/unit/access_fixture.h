/*
 * tests/unit/access_fixture.h - an office with an administrator, for the tests of appliance/access.
 *
 * Every change goes through bytes: encode, decode, apply, as in the ledger.
 */
#ifndef TESTS_UNIT_ACCESS_FIXTURE_H
#define TESTS_UNIT_ACCESS_FIXTURE_H

#include "appliance/access/access.h"
#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SECOND_MS = 1000, MINUTE_MS = 60000, HOUR_MS = 3600000 };

struct desk {
    struct access *access;
    int64_t now_ms;
    uint64_t lsn;
    bool alone;
    uint8_t address; /* the last byte of where requests come from */
    struct access_decision last;
};

/* A token's hash; 0: none. */
static inline struct ids_hash token_of(unsigned n)
{
    struct ids_hash hash = {0};

    hash.bytes[0] = (uint8_t)(n * 37);
    hash.bytes[1] = (uint8_t)n;
    hash.bytes[30] = (uint8_t)(n >> 8);
    hash.bytes[31] = (uint8_t)n;
    return hash;
}

static inline void desk_init(struct desk *desk)
{
    *desk = (struct desk){.access = malloc(sizeof(struct access)),
                          .now_ms = INT64_C(1795000000000),
                          .address = 1};
    assert_non_null(desk->access);
    access_init(desk->access);
}

static inline void desk_finish(struct desk *desk)
{
    free(desk->access);
}

static inline enum access_reason ask(struct desk *desk, struct access_command command)
{
    uint8_t bytes[ACCESS_CHANGE_BYTES_MAX];
    struct access_change change;
    size_t len_bytes;

    command.at_ms = desk->now_ms;
    command.alone = desk->alone;
    command.address[15] = desk->address;
    command.lsn = desk->lsn + 1;
    access_decide(desk->access, &command, &desk->last);
    if (desk->last.write) {
        len_bytes = access_change_encode(&desk->last.change, bytes, sizeof(bytes));
        assert_true(len_bytes > 0);
        assert_true(access_change_decode(bytes, len_bytes, &change));
        assert_true(access_apply(desk->access, &change, NULL, NULL));
        desk->lsn++;
    }
    return desk->last.reason;
}

static inline enum access_reason local(struct desk *desk, enum access_action action, const char *name,
                                       enum access_role role)
{
    struct access_command command = {.action = action, .local = true, .role = (uint8_t)role,
                                     .secret_bytes = 4, .secret = "abcd"};

    strncpy(command.name, name, sizeof(command.name) - 1);
    return ask(desk, command);
}

static inline enum access_reason sign_in_with(struct desk *desk, const char *name, unsigned token, bool proof,
                                              uint64_t step, uint8_t code)
{
    struct access_command command = {.action = ACCESS_SIGN_IN_PASSWORD, .proof = proof, .totp_step = step,
                                     .code = code, .code_given = step != 0 || code != 0,
                                     .new_token = token_of(token)};

    strncpy(command.name, name, sizeof(command.name) - 1);
    return ask(desk, command);
}

static inline enum access_reason sign_in(struct desk *desk, const char *name, unsigned token)
{
    return sign_in_with(desk, name, token, true, 0, 0);
}

static inline enum access_reason own(struct desk *desk, enum access_action action, unsigned token)
{
    return ask(desk, (struct access_command){.action = action, .token = token_of(token), .proof = true,
                                             .totp_step = 7, .secret_bytes = 4, .secret = "efgh"});
}

/* An account that has changed its first password; administrators and engineers have their second factor. */
static inline void add_person(struct desk *desk, const char *name, enum access_role role)
{
    const unsigned token = 9999;

    assert_int_equal(local(desk, ACCESS_ACCOUNT_ADD, name, role), ACCESS_OK);
    assert_int_equal(sign_in(desk, name, token), ACCESS_OK);
    assert_int_equal(own(desk, ACCESS_PASSWORD_CHANGE, token), ACCESS_OK);
    if (access_role_needs_totp(role)) {
        assert_int_equal(own(desk, ACCESS_TOTP_CHANGE, token), ACCESS_OK);
    }
    assert_int_equal(own(desk, ACCESS_SIGN_OUT, token), ACCESS_OK);
    desk->access->session_count = 0; /* the next one begins with that token anew */
    memset(desk->access->index, 0, sizeof(desk->access->index));
    for (size_t i = 0; i < desk->access->device_count; i++) {
        struct access_change change = {.row_count = 1};

        change.rows[0].kind = ACCESS_ROW_DEVICE;
        change.rows[0].device = desk->access->devices[i];
        assert_true(access_apply(desk->access, &change, NULL, NULL));
    }
}

static inline uint16_t add_device(struct desk *desk, enum access_role role, uint16_t counter, unsigned token)
{
    assert_int_equal(ask(desk, (struct access_command){.action = ACCESS_DEVICE_ADD, .local = true,
                                                       .role = (uint8_t)role, .counter = counter,
                                                       .new_token = token_of(token)}),
                     ACCESS_OK);
    return desk->last.change.subject;
}

static inline struct access_who who_is(const struct desk *desk, unsigned token)
{
    struct access_who who;
    struct ids_hash hash = token == 0 ? (struct ids_hash){0} : token_of(token);

    access_identify(desk->access, &hash, desk->now_ms, &who);
    return who;
}

static inline enum access_reason may(const struct desk *desk, unsigned token, enum access_right right,
                                     uint16_t counter)
{
    struct access_who who = who_is(desk, token);

    return access_check(&who, right, counter, true);
}

#endif
