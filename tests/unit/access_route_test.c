/* Every route of the gateway x every role, and every kind of credential that does not count: the request as the
 * gateway translates it, answered by toband's own code. A route that nobody thought of is refused to everybody. */
#include "appliance/engine/engine_internal.h"
#include "appliance/gateway/body.h"
#include "appliance/gateway/route.h"
#include "appliance/gateway/translate.h"
#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { OWN_COUNTER = 3, OTHER_COUNTER = 4, CLIENT = 9, HOUR_MS = 3600000, STEP = 7 };

/* Tokens that are nobody's, beside one for each role. */
enum stranger { MISSING = 100, UNKNOWN, REVOKED, SIGNED_OUT, RESTED, CLOSED, STRANGER_END };

static uint16_t status;

static int store(void *context, const struct ledger_batch *batch)
{
    (void)context;
    (void)batch;
    return 0;
}

static void say(void *context, const char *line)
{
    (void)context;
    (void)line;
}

static void draw(void *context, void *bytes, size_t len_bytes)
{
    (void)context;
    memset(bytes, 7, len_bytes);
}

static void take_reply(void *context, uint64_t client, const uint8_t *header,
                       size_t header_len_bytes, const uint8_t *body, size_t body_len_bytes)
{
    struct bytes_reader reader = bytes_reader_over(header, header_len_bytes);

    (void)context;
    (void)client;
    (void)body;
    (void)body_len_bytes;
    if (api_frame_type(header) == API_REPLY) {
        (void)bytes_take(&reader, API_FRAME_HEADER_BYTES);
        status = bytes_get_u16(&reader);
    }
}

static void read_info(void *context, struct ledger_info *ret_info)
{
    (void)context;
    *ret_info = (struct ledger_info){0};
}

static int read_meta(void *context, const char *name, uint8_t *bytes, size_t capacity_bytes,
                     size_t *ret_len_bytes)
{
    (void)context;
    (void)name;
    (void)bytes;
    (void)capacity_bytes;
    (void)ret_len_bytes;
    return -ENOENT;
}

static int send_nothing(void *context, enum world_link link, const uint8_t *frame, size_t len_bytes)
{
    (void)context;
    (void)link;
    (void)frame;
    (void)len_bytes;
    return -ENOTCONN;
}

static void order_nothing(void *context, enum world_address order)
{
    (void)context;
    (void)order;
}

static const struct world world = {.store = store,
                                   .log = say,
                                   .random = draw,
                                   .reply = take_reply,
                                   .read_info = read_info,
                                   .read_meta = read_meta,
                                   .send = send_nothing,
                                   .address = order_nothing};

static struct ids_hash token_of(unsigned n)
{
    struct ids_hash hash = {{0}};

    memset(hash.bytes, (int)n, sizeof(hash.bytes));
    return hash;
}

static void must(struct engine *engine, struct access_command command, enum access_reason wanted)
{
    struct access_decision decision;

    command.at_ms = engine->wall_ms;
    command.lsn = engine->last_lsn + 1;
    access_decide(engine->access, &command, &decision);
    assert_int_equal(decision.reason, wanted);
    if (decision.write) {
        (void)access_append(engine, &decision.change, 0);
    }
}

static void add_device(struct engine *engine, enum access_role role, unsigned token)
{
    must(engine,
         (struct access_command){.action = ACCESS_DEVICE_ADD,
                                 .local = true,
                                 .role = (uint8_t)role,
                                 .counter = OWN_COUNTER,
                                 .new_token = token_of(token)},
         ACCESS_OK);
}

/* A person who has done what is asked first, signed in at the terminal of OWN_COUNTER. */
static void add_person(struct engine *engine, const char *name, enum access_role role,
                       unsigned token)
{
    struct access_command command = {.action = ACCESS_ACCOUNT_ADD,
                                     .local = true,
                                     .role = (uint8_t)role,
                                     .secret_bytes = 1,
                                     .proof = true,
                                     .totp_step = STEP};

    strcpy(command.name, name);
    must(engine, command, ACCESS_OK);
    command.local = false;
    command.action = ACCESS_SIGN_IN_PASSWORD;
    command.new_token = token_of(token);
    must(engine, command, ACCESS_OK);
    command.token = token_of(token);
    command.action = ACCESS_PASSWORD_CHANGE;
    must(engine, command, ACCESS_OK);
    command.action = ACCESS_TOTP_CHANGE;
    must(engine, command, ACCESS_OK);
}

static void add_strangers(struct engine *engine)
{
    struct access_command command = {.local = true};

    add_device(engine, ACCESS_KIOSK, REVOKED);
    command.action = ACCESS_DEVICE_REVOKE;
    command.subject = engine->access->devices[engine->access->device_count - 1].id;
    must(engine, command, ACCESS_OK);
    engine->wall_ms -= 3 * HOUR_MS;
    add_person(engine, "rested", ACCESS_ADMINISTRATOR, RESTED);
    engine->wall_ms += 3 * HOUR_MS;
    add_person(engine, "closed", ACCESS_ADMINISTRATOR, CLOSED);
    command = (struct access_command){.local = true, .action = ACCESS_ACCOUNT_REVOKE};
    strcpy(command.name, "closed");
    must(engine, command, ACCESS_OK);
    add_person(engine, "out", ACCESS_ADMINISTRATOR, SIGNED_OUT);
    must(engine, (struct access_command){.action = ACCESS_SIGN_OUT, .token = token_of(SIGNED_OUT)},
         ACCESS_OK);
}

static struct engine *new_engine(void)
{
    static struct queue_config config;
    static struct calendar calendar;
    struct engine_options options = {.world = &world,
                                     .duty = {.unit = 1, .peer_unit = 2},
                                     .config = &config,
                                     .calendar = &calendar,
                                     .unit_name_ja = "1",
                                     .unit_name_en = "1",
                                     .peer_name_ja = "2",
                                     .peer_name_en = "2",
                                     .unit_address = "",
                                     .peer_address = ""};
    struct engine *engine = engine_create(&options);

    engine->state.founded = engine->state.sound = engine->started = true;
    engine->duty.state = DUTY_PAIRED_DUTY;
    engine->wall_ms = INT64_C(1795000000000);
    add_strangers(engine);
    for (int role = ACCESS_KIOSK; role < ACCESS_LOCAL; role++) {
        if (access_role_is_device((enum access_role)role)) {
            add_device(engine, (enum access_role)role, (unsigned)role);
        } else {
            add_person(engine, access_role_code((enum access_role)role), (enum access_role)role,
                       (unsigned)role);
            /* Devices carry a counter, people have one while they sit at a terminal. */
            engine->access->sessions[engine->access->session_count - 1].device = 0;
        }
    }
    return engine;
}

/* The request that a route becomes, of whoever has this token. */
static struct api_request request_of(const struct route *route, uint16_t counter, unsigned token)
{
    struct route_match match = {.route = route};
    struct ids_token key = {{1}};
    struct body body = {0};
    struct api_request request = {0};

    if (strstr(route->path, "{counter}") != NULL) {
        match.counter = counter;
    }
    if (strstr(route->path, "{ticket}") != NULL) {
        match.ticket.bytes[0] = 1;
    }
    if (route->kind == ROUTE_PEOPLE) {
        request.type = API_ACCESS;
        request.access.what = route->code;
    } else if (route->kind == ROUTE_EVENTS) {
        request.type = API_ACCESS;
        request.access.what = API_ACCESS_CHECK;
        request.access.right = ACCESS_QUEUE_READ;
    } else if (route->kind == ROUTE_COMMAND &&
               (route->code == QUEUE_CALL || (route->code == QUEUE_ARRIVE && match.counter != 0))) {
        body.present = BODY_TICKET;
        body.ticket.bytes[0] = 1;
        assert_int_equal(translate_request(&match, &body, &key, 1, &request), PROBLEM_NONE);
    } else {
        if (((route->required | route->optional) & BODY_CATEGORY) != 0) {
            body.present = BODY_CATEGORY;
            body.category = 1;
        }
        if ((route->required & BODY_NUMBER) != 0) {
            body.present |= BODY_NUMBER;
            body.number = 101;
        }
        assert_int_equal(translate_request(&match, &body, &key, 1, &request), PROBLEM_NONE);
    }
    request.from.via = API_VIA_WEB;
    if (token != 0 && token != MISSING) {
        request.from.token = token_of(token);
    }
    return request;
}

/* Answered by the gateway itself: its own page, the description, the management side's health. */
static bool is_own(const struct route *route)
{
    return route->kind == ROUTE_OPENAPI || route->kind == ROUTE_HEALTH;
}

static uint16_t ask(struct engine *engine, const struct api_request *request)
{
    uint8_t frame[API_REQUEST_BYTES_MAX];
    size_t len_bytes = api_request_encode(request, frame, sizeof(frame));

    assert_true(len_bytes > 0);
    status = 0;
    serve_request(engine, CLIENT, frame, len_bytes);
    engine->durable_lsn = engine->sender.acked_lsn = engine->last_lsn;
    serve_flush(engine);
    assert_int_not_equal(status, 0);
    return status;
}

/* What every request is asked before anything is done: 0, let through, or how it is refused. */
static uint16_t admitted(struct engine *engine, const struct api_request *request)
{
    status = 0;
    if (access_admits(engine, CLIENT, request)) {
        assert_int_equal(status, 0);
        return 0;
    }
    engine->durable_lsn = engine->sender.acked_lsn = engine->last_lsn;
    serve_flush(engine);
    assert_int_not_equal(status, 0);
    return status;
}

static void every_route_needs_a_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < route_count(); i++) {
        const struct route *route = route_at(i);
        struct api_request request;

        if (!is_own(route)) {
            request = request_of(route, OWN_COUNTER, 0);
            if (api_right_of(&request) == ACCESS_RIGHT_NONE) {
                print_message("%s %s needs no right\n", route->method, route->path);
            }
            assert_int_not_equal(api_right_of(&request), ACCESS_RIGHT_NONE);
        }
    }
}

static void judge_role(struct engine *engine, const struct route *route, enum access_role role)
{
    struct api_request request = request_of(route, OWN_COUNTER, (unsigned)role);
    enum access_grant grant = access_grant_of(api_right_of(&request), role);
    bool names_counter = strstr(route->path, "{counter}") != NULL;
    bool person = access_role_is_person(role);

    switch (grant) {
    case ACCESS_REFUSED:
        assert_int_equal(admitted(engine, &request), 403);
        return;
    case ACCESS_ALLOWED:
        assert_int_equal(admitted(engine, &request), 0);
        return;
    case ACCESS_OWN_COUNTER:
        /* A person has a counter only where he signed in at its terminal. */
        assert_int_equal(admitted(engine, &request), person ? 403 : 0);
        request = request_of(route, OTHER_COUNTER, (unsigned)role);
        assert_true(!names_counter || admitted(engine, &request) == 403);
        return;
    case ACCESS_PUBLIC:
        break;
    }
    fail();
}

static void every_role_may_what_the_table_says_and_nothing_else(void **state)
{
    struct engine *engine = new_engine();

    (void)state;
    for (int role = ACCESS_KIOSK; role < ACCESS_LOCAL; role++) {
        for (size_t i = 0; i < route_count(); i++) {
            const struct route *route = route_at(i);

            if (!is_own(route)) {
                judge_role(engine, route, (enum access_role)role);
            }
        }
    }
    engine_destroy(engine);
}

static void a_credential_that_does_not_count_is_none(void **state)
{
    struct engine *engine = new_engine();

    (void)state;
    for (unsigned token = MISSING; token < STRANGER_END; token++) {
        for (size_t i = 0; i < route_count(); i++) {
            const struct route *route = route_at(i);
            struct api_request request;
            enum access_grant grant;
            uint64_t lsn = engine->last_lsn;

            if (is_own(route)) {
                continue;
            }
            request = request_of(route, OWN_COUNTER, token);
            grant = access_grant_of(api_right_of(&request), ACCESS_ANYONE);
            if (grant == ACCESS_REFUSED) {
                assert_int_equal(admitted(engine, &request), 401);
                assert_int_equal(engine->last_lsn, lsn); /* nor does he write into the ledger */
            } else {
                assert_int_equal(admitted(engine, &request), 0);
                engine->options.private_page = true;
                assert_int_equal(admitted(engine, &request), grant == ACCESS_PUBLIC ? 401 : 0);
                engine->options.private_page = false;
            }
        }
    }
    engine_destroy(engine);
}

static void what_changes_people_is_refused_to_all_but_the_administrator(void **state)
{
    static const enum api_access_what changing[] = {API_ACCESS_ADD,
                                                    API_ACCESS_CHANGE,
                                                    API_ACCESS_REVOKE,
                                                    API_ACCESS_RESTORE,
                                                    API_ACCESS_RESET,
                                                    API_ACCESS_DEVICE_REVOKE,
                                                    API_ACCESS_SESSION_REVOKE,
                                                    API_ACCESS_PAIR,
                                                    API_ACCESS_DEVICE_ADD,
                                                    API_ACCESS_GRANT};
    struct engine *engine = new_engine();

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(changing); i++) {
        for (unsigned token = ACCESS_ANYONE; token < STRANGER_END; token++) {
            struct api_request request = {.type = API_ACCESS,
                                          .from = {.via = API_VIA_WEB},
                                          .access = {.what = (uint8_t)changing[i]}};
            bool anyone = token == ACCESS_ANYONE || token >= MISSING;
            bool may = token == ACCESS_ADMINISTRATOR && changing[i] != API_ACCESS_GRANT;

            if (token == ACCESS_LOCAL || (token > ACCESS_LOCAL && token < MISSING)) {
                continue;
            }
            if (token != ACCESS_ANYONE && token != MISSING) {
                request.from.token = token_of(token);
            }
            assert_int_equal(ask(engine, &request) == (anyone ? 401 : 403), !may);
        }
    }
    engine_destroy(engine);
}

/* Found by reading: the counter's way of cancelling asked for no more than the visitor's own, which anybody has. */
static void nobody_presses_in_a_counters_name_without_a_credential(void **state)
{
    struct engine *engine = new_engine();
    size_t pressed = 0;

    (void)state;
    for (size_t i = 0; i < route_count(); i++) {
        const struct route *route = route_at(i);

        if (route->kind == ROUTE_COMMAND && strstr(route->path, "{counter}") != NULL) {
            struct api_request request = request_of(route, OWN_COUNTER, MISSING);

            assert_int_equal(admitted(engine, &request), 401);
            pressed++;
        }
    }
    assert_true(pressed > 10);
    engine_destroy(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_needs_a_right),
        cmocka_unit_test(every_role_may_what_the_table_says_and_nothing_else),
        cmocka_unit_test(a_credential_that_does_not_count_is_none),
        cmocka_unit_test(nobody_presses_in_a_counters_name_without_a_credential),
        cmocka_unit_test(what_changes_people_is_refused_to_all_but_the_administrator),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
