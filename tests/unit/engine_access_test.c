/* Signing in, as toband answers it: what reaches the ledger, what it folds to on the other unit, who is let through. */
#include "tests/unit/engine_fixture.h"

/* Nothing but people: no categories, no day. */
static struct engine *new_engine(uint32_t unit)
{
    static struct queue_config config;
    static struct calendar calendar;
    struct engine_options options = {.world = &world,
                                     .duty = {.unit = unit, .peer_unit = 3 - unit},
                                     .config = &config,
                                     .calendar = &calendar};
    struct engine *engine = engine_create(&options);

    engine->state.founded = engine->state.sound = engine->started = true;
    engine->duty.state = DUTY_PAIRED_DUTY;
    engine->wall_ms = INT64_C(1795000000000);
    return engine;
}

static int set_up(void **state)
{
    return desk_at(state, new_engine(OWN));
}

static struct ids_hash hash_of(unsigned n)
{
    struct ids_hash hash = {{0}};

    memset(hash.bytes, (int)n, sizeof(hash.bytes));
    return hash;
}

static struct api_request by_web(enum api_access_what what, unsigned token)
{
    struct api_request request = {.type = API_ACCESS,
                                  .id = 1,
                                  .from = {.via = API_VIA_WEB},
                                  .access = {.what = (uint8_t)what}};

    request.from.address[15] = 7;
    if (token != 0) {
        request.from.token = hash_of(token);
    }
    return request;
}

static void derive(uint8_t derived[API_DERIVED_BYTES], const char *password)
{
    memset(derived, 0, API_DERIVED_BYTES);
    memcpy(derived, password, strlen(password));
}

static uint16_t add(struct desk *desk, const char *name, enum access_role role,
                    const char *password)
{
    struct api_request request = {.type = API_ACCESS,
                                  .access = {.what = API_ACCESS_ADD, .role = (uint8_t)role}};

    strcpy(request.access.name, name);
    derive(request.access.fresh, password);
    memset(request.access.salt, 0x5a, sizeof(request.access.salt));
    return ask(desk, &request);
}

static uint16_t sign_in(struct desk *desk, const char *name, const char *password, const char *code,
                        unsigned token)
{
    struct api_request request = by_web(API_ACCESS_SIGN_IN, 0);

    strcpy(request.access.name, name);
    strcpy(request.access.text, code);
    derive(request.access.proof, password);
    request.access.token = hash_of(token);
    return ask(desk, &request);
}

static uint16_t change_password(struct desk *desk, const char *old, const char *fresh,
                                unsigned token)
{
    struct api_request request = by_web(API_ACCESS_PASSWORD, token);

    derive(request.access.proof, old);
    derive(request.access.fresh, fresh);
    return ask(desk, &request);
}

static uint16_t who(struct desk *desk, unsigned token)
{
    struct api_request request = by_web(API_ACCESS_WHO, token);

    return ask(desk, &request);
}

static void member(const struct desk *desk, const char *name, char *text, size_t capacity_bytes)
{
    char wanted[64];
    const char *at;
    size_t len_bytes;

    (void)snprintf(wanted, sizeof(wanted), "\"%s\":\"", name);
    at = strstr(desk->body, wanted);
    if (at == NULL) {
        (void)snprintf(wanted, sizeof(wanted), "\"%s\": \"", name);
        at = strstr(desk->body, wanted);
    }
    assert_non_null(at);
    at += strlen(wanted);
    len_bytes = strcspn(at, "\"");
    assert_true(len_bytes < capacity_bytes);
    memcpy(text, at, len_bytes);
    text[len_bytes] = '\0';
}

static bool ledger_holds(const struct desk *desk, const void *bytes, size_t len_bytes)
{
    for (uint64_t lsn = 1; lsn <= desk->engine->last_lsn; lsn++) {
        const struct cached_entry *entry = engine_cached(desk->engine, lsn);

        if (memmem(entry->bytes, entry->len_bytes, bytes, len_bytes) != NULL) {
            return true;
        }
    }
    return false;
}

static void a_person_signs_in_with_what_was_derived_and_nobody_else(void **state)
{
    struct desk *desk = *state;

    assert_int_equal(add(desk, "sato", ACCESS_SUPERVISOR, "first"), 200);
    assert_int_equal(sign_in(desk, "sato", "wrong", "", 5), 401);
    assert_non_null(strstr(desk->body, "WRONG"));
    assert_int_equal(sign_in(desk, "nobody", "first", "", 5), 401);
    assert_non_null(strstr(desk->body, "WRONG"));
    assert_int_equal(who(desk, 5), 401);
    assert_int_equal(sign_in(desk, "sato", "first", "", 5), 200);
    assert_non_null(strstr(desk->body, "supervisor"));
    assert_non_null(strstr(desk->body, "password")); /* to be changed first */
    assert_int_equal(who(desk, 5), 200);
    assert_int_equal(change_password(desk, "not-it", "second", 5), 401);
    assert_int_equal(change_password(desk, "first", "second", 5), 200);
    assert_int_equal(sign_in(desk, "sato", "first", "", 6), 401);
    assert_int_equal(sign_in(desk, "sato", "second", "", 6), 200);
    assert_int_equal(who(desk, 5), 200); /* the session that changed it goes on */
}

static void nothing_that_opens_an_account_lies_in_the_ledger_in_clear(void **state)
{
    struct desk *desk = *state;
    uint8_t derived[API_DERIVED_BYTES], salt[API_SALT_BYTES], key[SECRET_TOTP_BYTES];
    struct api_request request;
    struct ids_hash hash;
    char text[64], code[16];

    assert_int_equal(add(desk, "kanri", ACCESS_ADMINISTRATOR, "first"), 200);
    assert_int_equal(sign_in(desk, "kanri", "first", "", 5), 200);
    assert_int_equal(change_password(desk, "first", "second", 5), 200);
    request = by_web(API_ACCESS_TOTP_BEGIN, 5);
    assert_int_equal(ask(desk, &request), 200);
    member(desk, "key", text, sizeof(text));
    assert_true(secret_totp_from_text(text, key));
    request = by_web(API_ACCESS_TOTP_CONFIRM, 5);
    strcpy(request.access.title, text);
    (void)snprintf(request.access.text, sizeof(request.access.text), "%06u",
                   crypto_totp(key, sizeof(key), (uint64_t)desk->engine->wall_ms / 30000));
    assert_int_equal(ask(desk, &request), 200);
    assert_non_null(strstr(desk->body, "codes"));
    memcpy(code, strstr(strstr(desk->body, "codes"), "[\"") + 2, 10);
    code[10] = '\0';

    derive(derived, "second");
    memset(salt, 0x5a, sizeof(salt));
    crypto_hash(desk->engine->crypto, derived, sizeof(derived), NULL, 0, &hash);
    assert_false(ledger_holds(desk, hash.bytes, sizeof(hash.bytes)));
    assert_false(ledger_holds(desk, salt, sizeof(salt)));
    assert_false(ledger_holds(desk, key, sizeof(key)));
    assert_true(ledger_holds(desk, "kanri", 5)); /* who it was is the audit's */

    /* The same code again is refused, a printed one counts once, in small letters and groups. */
    assert_int_equal(sign_in(desk, "kanri", "second", "", 6), 401);
    assert_non_null(strstr(desk->body, "CODE_WANTED"));
    assert_int_equal(sign_in(desk, "kanri", "second", request.access.text, 6), 401);
    assert_non_null(strstr(desk->body, "\"WRONG\""));
    (void)snprintf(text, sizeof(text), "%.5s-%s", code, code + 5);
    for (size_t i = 0; text[i] != '\0'; i++) {
        text[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
    }
    assert_int_equal(sign_in(desk, "kanri", "second", text, 6), 200);
    assert_int_equal(sign_in(desk, "kanri", "second", text, 7), 401);
    desk->engine->wall_ms += MINUTE_MS;
    (void)snprintf(text, sizeof(text), "%06u",
                   crypto_totp(key, sizeof(key), (uint64_t)desk->engine->wall_ms / 30000 + 1));
    assert_int_equal(sign_in(desk, "kanri", "second", text, 8), 200); /* a phone that is ahead */
    assert_null(strstr(desk->body, "first"));
}

static void an_unknown_name_has_a_salt_that_stays(void **state)
{
    struct desk *desk = *state;
    char first[64], again[64], known[64];
    struct api_request request = by_web(API_ACCESS_SALT, 0);

    strcpy(request.access.name, "nobody");
    assert_int_equal(ask(desk, &request), 200);
    member(desk, "salt", first, sizeof(first));
    assert_int_equal(ask(desk, &request), 200);
    member(desk, "salt", again, sizeof(again));
    assert_string_equal(first, again);
    assert_int_equal(add(desk, "sato", ACCESS_OPERATOR, "first"), 200);
    strcpy(request.access.name, "sato");
    assert_int_equal(ask(desk, &request), 200);
    member(desk, "salt", known, sizeof(known));
    assert_string_equal(known, "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a");
    for (int i = 0; i <= ACCESS_FREE_FAILURES; i++) {
        assert_int_equal(sign_in(desk, "sato", "wrong", "", 5), 401);
    }
    assert_int_equal(ask(desk, &request), 429); /* before a password is worked on */
    assert_int_equal(desk->retry_after_s, 1);
}

/* Ships everything to an engine that is another unit. */
static struct engine *follow(const struct engine *engine, uint64_t from_lsn, bool sound)
{
    struct engine *other = new_engine(PARTNER);

    other->duty.state = DUTY_PAIRED_SPARE;
    other->state.sound = sound;
    other->last_lsn = from_lsn - 1;
    if (from_lsn > 1) {
        other->head = engine_cached(engine, from_lsn - 1)->hash;
    }
    for (size_t i = 0; i < engine->key_count; i++) {
        engine_take_key(other, engine->keys[i].day, engine->keys[i].unit,
                        engine->keys[i].key.bytes);
    }
    for (uint64_t lsn = from_lsn; lsn <= engine->last_lsn; lsn++) {
        const struct cached_entry *entry = engine_cached(engine, lsn);

        if (engine_append_foreign(other, entry->bytes, entry->len_bytes) < 0) {
            break;
        }
    }
    return other;
}

static void the_other_unit_folds_the_same_and_lets_the_same_people_in(void **state)
{
    struct desk *desk = *state;
    struct engine *first = desk->engine, *other;

    assert_int_equal(add(desk, "sato", ACCESS_SUPERVISOR, "first"), 200);
    assert_int_equal(sign_in(desk, "sato", "first", "", 5), 200);
    assert_int_equal(sign_in(desk, "sato", "wrong", "", 6), 401);
    other = follow(first, 1, true);
    assert_int_equal(other->last_lsn, first->last_lsn);
    assert_memory_equal(other->digest, first->digest, sizeof(first->digest));
    other->duty.state = DUTY_PAIRED_DUTY; /* a takeover */
    desk->engine = other;
    assert_int_equal(who(desk, 5), 200);
    assert_int_equal(sign_in(desk, "sato", "first", "", 7), 200);
    assert_int_equal(change_password(desk, "first", "second", 7), 200);
    desk->engine = first;
    engine_destroy(other);
}

static void a_fold_may_begin_at_a_checkpoint_and_only_with_all_its_images(void **state)
{
    struct desk *desk = *state;
    struct engine *other;
    uint64_t images_from;

    for (int i = 0; i < 20; i++) {
        char name[8];

        (void)snprintf(name, sizeof(name), "p%d", i);
        assert_int_equal(add(desk, name, ACCESS_OPERATOR, "first"), 200);
        assert_int_equal(sign_in(desk, name, "first", "", (unsigned)(10 + i)), 200);
    }
    engine_append_checkpoint(desk->engine);
    images_from = desk->engine->state.checkpoint_lsn;
    assert_true(images_from < desk->engine->last_lsn - 3);
    assert_int_equal(sign_in(desk, "p3", "first", "", 60), 200);
    other = follow(desk->engine, images_from, false);
    assert_true(other->state.sound);
    assert_int_equal(other->last_lsn, desk->engine->last_lsn);
    assert_int_equal(other->state.checkpoint_lsn, images_from);
    assert_memory_equal(other->digest, desk->engine->digest, sizeof(other->digest));
    engine_destroy(other);
    other = follow(desk->engine, images_from + 1, false); /* one is missing */
    assert_false(other->state.sound);
    engine_destroy(other);
    desk->engine->state.checkpoint_images = 3; /* one that speaks of more or fewer than came */
    assert_false(access_restore(desk->engine, 4));
    assert_false(access_restore(desk->engine, 0));
}

static uint16_t press_with(struct desk *desk, enum queue_action action, uint16_t counter,
                           unsigned token)
{
    struct api_request request = {.type = API_COMMAND,
                                  .from = {.via = API_VIA_WEB},
                                  .command = {.action = (uint8_t)action, .counter = counter}};

    if (token != 0) {
        request.from.token = hash_of(token);
    }
    request.command.key.bytes[0] = (uint8_t)(token + counter);
    return ask(desk, &request);
}

static uint16_t add_device(struct desk *desk, enum access_role role, uint16_t counter,
                           unsigned token)
{
    struct api_request request = {
        .type = API_ACCESS,
        .access = {.what = API_ACCESS_DEVICE_ADD, .role = (uint8_t)role, .counter = counter}};

    request.access.token = hash_of(token);
    return ask(desk, &request);
}

static void a_request_by_the_web_needs_a_credential_and_what_is_refused_is_written(void **state)
{
    struct desk *desk = *state;
    struct api_request read = {.type = API_READ, .from = {.via = API_VIA_WEB}};
    uint64_t lsn;

    assert_int_equal(add_device(desk, ACCESS_KIOSK, 0, 20), 200);
    assert_int_equal(add_device(desk, ACCESS_TERMINAL, 3, 21), 200);
    lsn = desk->engine->last_lsn;
    assert_int_equal(press_with(desk, QUEUE_ISSUE, 0, 0), 401);
    assert_int_equal(press_with(desk, QUEUE_ISSUE, 0, 99), 401);
    assert_int_equal(desk->engine->last_lsn, lsn);               /* a stranger writes nothing */
    assert_int_equal(press_with(desk, QUEUE_ISSUE, 0, 20), 409); /* let through: no day is open */
    assert_int_equal(press_with(desk, QUEUE_CALL_NEXT, 3, 20), 403);
    assert_non_null(strstr(desk->body, "NOT_ALLOWED"));
    assert_int_equal(desk->engine->last_lsn, lsn + 1);
    assert_int_equal(press_with(desk, QUEUE_CALL_NEXT, 3, 21), 409); /* let through */
    assert_int_equal(press_with(desk, QUEUE_CALL_NEXT, 4, 21), 403);
    assert_non_null(strstr(desk->body, "NOT_YOUR_COUNTER"));
    lsn = desk->engine->last_lsn;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(press_with(desk, QUEUE_CALL_NEXT, 4, 21), 403);
    }
    assert_true(desk->engine->last_lsn < lsn + 30); /* nor does a device fill the ledger */
    read.read.what = API_READ_LEDGER;
    assert_int_equal(ask(desk, &read), 401);
    /* Root on the unit needs none. */
    read = (struct api_request){.type = API_COMMAND, .command = {.action = QUEUE_ISSUE}};
    assert_int_equal(ask(desk, &read), 409);
}

static void a_process_that_is_not_roots_cannot_speak_for_root(void **state)
{
    struct desk *desk = *state;

    desk->engine->client_is = API_PEER_STRANGER; /* toban-web, and whoever takes it over */
    assert_int_equal(add(desk, "mallory", ACCESS_ADMINISTRATOR, "first"), 401);
    assert_int_equal(add_device(desk, ACCESS_KIOSK, 0, 20), 401);
    assert_int_equal(desk->engine->access->account_count, 0);
    desk->engine->client_is = API_PEER_DRIVER; /* nor can the printers' driver */
    assert_int_equal(add_device(desk, ACCESS_KIOSK, 0, 20), 401);
    desk->engine->client_is = API_PEER_LOCAL;
    assert_int_equal(add(desk, "kanri", ACCESS_ADMINISTRATOR, "first"), 200);
}

/* Any process that reaches the socket, toban-web too, could say that papers came out that nobody printed. */
static void only_root_and_the_drivers_user_speak_for_the_printers(void **state)
{
    struct desk *desk = *state;
    struct api_printers level = {.count = 1, .list = {{.id = 1, .condition = PRINTER_READY}}};
    uint8_t frame[API_REQUEST_BYTES_MAX];
    size_t len_bytes = api_printers_encode(&level, frame, sizeof(frame));

    desk->engine->client_is = API_PEER_STRANGER;
    serve_request(desk->engine, CLIENT, frame, len_bytes);
    assert_int_equal(desk->status, 400);
    assert_int_equal(desk->engine->print.client, 0);
    desk->engine->client_is = API_PEER_DRIVER;
    serve_request(desk->engine, CLIENT, frame, len_bytes);
    assert_int_equal(desk->engine->print.client, CLIENT);
}

/* A screen that was left open asks for its picture all day: nobody sits before it. */
static void what_a_page_asks_by_itself_keeps_nobody_signed_in(void **state)
{
    enum { HALF = 40 * 60 * 1000 };
    struct desk *desk = *state;
    struct api_request counter = {.type = API_READ,
                                  .from = {.via = API_VIA_WEB, .token = hash_of(5)},
                                  .read = {.what = API_READ_COUNTER, .number = 1}};
    struct api_request press = {.type = API_COMMAND,
                                .from = {.via = API_VIA_WEB, .token = hash_of(6)},
                                .command = {.action = QUEUE_ISSUE}};

    assert_int_equal(add(desk, "sato", ACCESS_SUPERVISOR, "first"), 200);
    assert_int_equal(sign_in(desk, "sato", "first", "", 4), 200);
    assert_int_equal(change_password(desk, "first", "second", 4), 200);
    assert_int_equal(sign_in(desk, "sato", "second", "", 5), 200);
    assert_int_equal(sign_in(desk, "sato", "second", "", 6), 200);
    for (int i = 0; i < 2; i++) {
        desk->engine->wall_ms += HALF;
        assert_int_equal(ask(desk, &counter), i == 0 ? 404 : 401); /* let in, and there is none */
        assert_int_equal(ask(desk, &press), 409);
    }
}

static void a_revocation_counts_from_its_answer_on_and_streams_are_looked_at(void **state)
{
    struct desk *desk = *state;
    struct api_request revoke = {.type = API_ACCESS,
                                 .access = {.what = API_ACCESS_DEVICE_REVOKE, .subject = 1}};
    struct api_request check = by_web(API_ACCESS_CHECK, 20);

    check.access.right = ACCESS_STATUS_READ;
    assert_int_equal(add_device(desk, ACCESS_BOARD, 0, 20), 200);
    assert_int_equal(ask(desk, &check), 204);
    assert_int_equal(desk->revoked_told, 0);
    assert_int_equal(ask(desk, &revoke), 200);
    assert_int_equal(desk->revoked_told, 1);
    assert_int_equal(ask(desk, &check), 401);
}

static void a_device_shows_a_code_and_is_what_the_administrator_says(void **state)
{
    struct desk *desk = *state;
    struct api_request offer = by_web(API_ACCESS_OFFER, 0);
    struct api_request pair = {.type = API_ACCESS,
                               .access = {.what = API_ACCESS_PAIR, .role = ACCESS_KIOSK}};
    uint64_t lsn = desk->engine->last_lsn;

    offer.access.token = hash_of(40);
    assert_int_equal(ask(desk, &offer), 201);
    member(desk, "code", pair.access.text, sizeof(pair.access.text));
    assert_int_equal(desk->engine->last_lsn, lsn); /* nothing is written for a stranger */
    assert_int_equal(who(desk, 40), 401);
    assert_int_equal(ask(desk, &pair), 200);
    assert_int_equal(who(desk, 40), 200);
    assert_non_null(strstr(desk->body, "kiosk"));
    assert_int_equal(ask(desk, &pair), 404); /* once */
    assert_null(access_offer_of(&desk->engine->offers, &offer.access.token, desk->engine->wall_ms));
}

/* A takeover between a press and its answer: the other unit says the same, and no secret is what it knows it by. */
static void a_key_is_answered_the_same_by_the_unit_that_takes_over(void **state)
{
    struct desk *desk = *state;
    struct api_request request = {
        .type = API_ACCESS,
        .access = {.what = API_ACCESS_ADD, .role = ACCESS_OPERATOR, .key = {{0x4b, 0x45}}}};
    char first[BODY_BYTES];

    strcpy(request.access.name, "abe");
    derive(request.access.fresh, "first password");
    assert_int_equal(ask(desk, &request), 200);
    assert_null(strstr(desk->body, "repeated"));
    strcpy(first, desk->body);
    desk->engine->duty.state = DUTY_ALONE;
    desk->engine->series = (struct ids_series){OWN, 1};
    derive(request.access.fresh, "another"); /* derived anew, with another salt */
    assert_int_equal(ask(desk, &request), 200);
    assert_memory_equal(desk->body, first, strcspn(first, "}"));
    assert_non_null(strstr(desk->body, "\"repeated\":true"));
    assert_non_null(strstr(desk->body, "make it anew"));
    assert_int_equal(sign_in(desk, "abe", "another", "", 5), 401);
    assert_int_equal(sign_in(desk, "abe", "first password", "", 6), 200);
    assert_false(ledger_holds(desk, "first password", strlen("first password")));
    strcpy(request.access.name, "baba");
    assert_int_equal(ask(desk, &request), 422);
    assert_non_null(strstr(desk->body, "KEY_REUSED"));
}

/* A code is used up; the device is paired once, and whoever asks again is told which it became. */
static void a_pairing_and_revocations_are_answered_again(void **state)
{
    struct desk *desk = *state;
    struct api_request offer = by_web(API_ACCESS_OFFER, 0);
    struct api_request pair = {
        .type = API_ACCESS,
        .access = {.what = API_ACCESS_PAIR, .role = ACCESS_KIOSK, .key = {{1}}}};
    struct api_request revoke = {
        .type = API_ACCESS,
        .access = {.what = API_ACCESS_DEVICE_REVOKE, .subject = 1, .key = {{2}}}};
    uint64_t lsn;

    offer.access.token = hash_of(40);
    assert_int_equal(ask(desk, &offer), 201);
    member(desk, "code", pair.access.text, sizeof(pair.access.text));
    assert_int_equal(ask(desk, &pair), 200);
    lsn = desk->engine->last_lsn;
    assert_int_equal(ask(desk, &pair), 200);
    assert_non_null(strstr(desk->body, "\"id\":1,\"repeated\":true"));
    assert_int_equal(desk->engine->last_lsn, lsn);
    assert_int_equal(ask(desk, &revoke), 200);
    assert_int_equal(ask(desk, &revoke), 200);
    assert_non_null(strstr(desk->body, "repeated"));
}

static void alone_people_sign_in_and_nothing_is_added(void **state)
{
    struct desk *desk = *state;

    assert_int_equal(add(desk, "sato", ACCESS_SUPERVISOR, "first"), 200);
    desk->engine->duty.state = DUTY_ALONE;
    desk->engine->series = (struct ids_series){OWN, 1};
    assert_int_equal(add(desk, "abe", ACCESS_SUPERVISOR, "first"), 409);
    assert_non_null(strstr(desk->body, "NOT_ALONE"));
    assert_int_equal(sign_in(desk, "sato", "first", "", 5), 200);
    assert_int_equal(change_password(desk, "first", "second", 5), 409);
    assert_int_equal(add_device(desk, ACCESS_KIOSK, 0, 6), 409);
}

static void who_asked_stands_in_the_entry(void **state)
{
    struct desk *desk = *state;
    struct api_request request = {.type = API_COMMAND, .from = {.via = API_VIA_WEB}};

    assert_int_equal(add_device(desk, ACCESS_TERMINAL, 3, 21), 200);
    assert_int_equal(add(desk, "sato", ACCESS_SUPERVISOR, "first"), 200);
    assert_int_equal(sign_in(desk, "sato", "first", "", 5), 200);
    request.from.token = hash_of(5);
    assert_int_equal(access_actor(desk->engine, &request, API_ACTOR_COUNTER, 3),
                     1U << 30 | 1U << 16 | 3);
    request.from.token = hash_of(21);
    assert_int_equal(access_actor(desk->engine, &request, API_ACTOR_COUNTER, 3),
                     2U << 30 | 1U << 16 | 3);
    request.from.token = hash_of(22);
    assert_int_equal(access_actor(desk->engine, &request, API_ACTOR_COUNTER, 3),
                     (uint32_t)API_ACTOR_COUNTER << 16 | 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_person_signs_in_with_what_was_derived_and_nobody_else),
        TEST(nothing_that_opens_an_account_lies_in_the_ledger_in_clear),
        TEST(an_unknown_name_has_a_salt_that_stays),
        TEST(the_other_unit_folds_the_same_and_lets_the_same_people_in),
        TEST(a_fold_may_begin_at_a_checkpoint_and_only_with_all_its_images),
        TEST(a_request_by_the_web_needs_a_credential_and_what_is_refused_is_written),
        TEST(a_process_that_is_not_roots_cannot_speak_for_root),
        TEST(only_root_and_the_drivers_user_speak_for_the_printers),
        TEST(what_a_page_asks_by_itself_keeps_nobody_signed_in),
        TEST(a_key_is_answered_the_same_by_the_unit_that_takes_over),
        TEST(a_pairing_and_revocations_are_answered_again),
        TEST(a_revocation_counts_from_its_answer_on_and_streams_are_looked_at),
        TEST(a_device_shows_a_code_and_is_what_the_administrator_says),
        TEST(alone_people_sign_in_and_nothing_is_added),
        TEST(who_asked_stands_in_the_entry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
