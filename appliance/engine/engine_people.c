/*
 * Requests about people and devices: signing in and out, accounts, pairing, revoking. Here what was typed is compared
 * with what is sealed, and access_decide is told what fits; it decides, its change becomes an entry, and the answer
 * leaves when that is as durable as everything else (rule 1), refusals that are written too. Unknown names take the
 * same way with the same work.
 */
#include "appliance/engine/engine_internal.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>

enum {
    STATUS_OK = 200,
    STATUS_CREATED = 201,
    STATUS_NO_CONTENT = 204,
    STATUS_WHO = 401,
    STATUS_FORBIDDEN = 403,
    STATUS_NOT_FOUND = 404,
    STATUS_CONFLICT = 409,
    STATUS_REFUSED = 422,
    STATUS_WAIT = 429,
    MS_PER_S = 1000,
    SESSION_ID_BYTES = 8,
    OTPAUTH_BYTES = 256,
    ASKED_BYTES = 256,
};

static uint16_t status_of(enum access_reason reason)
{
    switch (reason) {
    case ACCESS_OK:
        return STATUS_OK;
    case ACCESS_WHO_ARE_YOU:
    case ACCESS_WRONG:
    case ACCESS_CODE_WANTED:
        return STATUS_WHO;
    case ACCESS_NOT_YOURS:
    case ACCESS_NOT_YOUR_COUNTER:
    case ACCESS_CHANGE_FIRST:
        return STATUS_FORBIDDEN;
    case ACCESS_WAIT:
        return STATUS_WAIT;
    case ACCESS_NO_SUCH:
    case ACCESS_NO_SUCH_CODE:
        return STATUS_NOT_FOUND;
    case ACCESS_NOT_ALONE:
    case ACCESS_NAME_TAKEN:
    case ACCESS_LAST_ADMINISTRATOR:
    case ACCESS_FULL:
        return STATUS_CONFLICT;
    case ACCESS_BAD_NAME:
    case ACCESS_BAD_ROLE:
    case ACCESS_BAD_SECRET:
    case ACCESS_KEY_REUSED:
        return STATUS_REFUSED;
    case ACCESS_REASON_END:
        break;
    }
    CHECK(!"no such reason");
}

void people_refuse(struct engine *engine, uint64_t client, uint32_t id, enum access_reason reason,
                   uint64_t wait_ms, bool wrote)
{
    uint16_t status = status_of(reason);
    size_t len_bytes;
    char *body = render_problem(status, access_reason_code(reason), access_reason_ja(reason),
                                access_reason_en(reason), &len_bytes);

    if (wrote) {
        serve_reply_later(engine, client, id, status, body, len_bytes);
    } else {
        serve_answer_now(engine, client, id, status,
                         (uint16_t)((wait_ms + MS_PER_S - 1) / MS_PER_S), body, len_bytes);
    }
}

/* ---- from memory ------------------------------------------------------------------------------------ */

static void put_hex(struct json *json, const char *name, const uint8_t *bytes, size_t len_bytes)
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * IDS_HASH_BYTES + 1] = {0};

    CHECK(len_bytes <= IDS_HASH_BYTES);
    for (size_t i = 0; i < len_bytes; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    json_text(json, name, text);
}

/* Whoever has to wait learns it before a password is worked on; an unknown name has a salt like any other. */
static void tell_salt(struct engine *engine, uint64_t client, const struct api_request *request)
{
    const struct api_access *access = &request->access;
    const struct access_account *account = access_account_by_name(engine->access, access->name);
    uint8_t salt[API_SALT_BYTES];
    struct secret secret = {0};
    struct access_who who;
    uint64_t wait_ms;
    struct json json;
    size_t len_bytes;
    char *body;

    access_who(engine, &request->from, &who);
    if (access->name[0] == '\0') { /* one's own password is asked for once more */
        account = access_account_by_id(engine->access, who.account);
    }
    wait_ms = access_wait_ms(engine->access, account == NULL ? access->name : account->name,
                             access->pin != 0, request->from.address, who.device, engine->wall_ms);
    if (wait_ms > 0) {
        people_refuse(engine, client, request->id, ACCESS_WAIT, wait_ms, false);
        return;
    }
    secret_fake_salt(engine, access->name, salt);
    if (account != NULL && secret_open(engine, account, &secret) &&
        (access->pin ? secret.pin_cost : secret.cost) != 0) {
        memcpy(salt, access->pin ? secret.pin_salt : secret.salt, sizeof(salt));
    }
    crypto_forget(&secret, sizeof(secret));
    json_init(&json);
    json_open(&json, NULL, '{');
    put_hex(&json, "salt", salt, sizeof(salt));
    json_number(&json, "derive", API_DERIVE_SCRYPT);
    if (access->name[0] == '\0' && account != NULL) { /* no new password with it in */
        json_text(&json, "name", account->name);
    }
    json_close(&json, '}');
    body = json_take(&json, &len_bytes);
    serve_answer_now(engine, client, request->id, STATUS_OK, 0, body, len_bytes);
}

bool people_read(struct engine *engine, uint64_t client, const struct api_request *request)
{
    struct access_who who;
    size_t len_bytes = 0;
    char *body;

    access_who(engine, &request->from, &who);
    switch ((int)request->access.what) {
    case API_ACCESS_SALT:
        tell_salt(engine, client, request);
        return true;
    case API_ACCESS_CHECK:
        serve_answer_now(engine, client, request->id, STATUS_NO_CONTENT, 0, NULL, 0);
        return true;
    case API_ACCESS_WHO:
        if (who.role == ACCESS_ANYONE) {
            people_refuse(engine, client, request->id, ACCESS_WHO_ARE_YOU, 0, false);
            return true;
        }
        body = render_who(engine, &who, &len_bytes);
        break;
    case API_ACCESS_LIST:
        body = render_people(engine, &len_bytes);
        break;
    default:
        return false;
    }
    serve_answer_now(engine, client, request->id, STATUS_OK, 0, body, len_bytes);
    return true;
}

/* A device asks for the code that it shows; asked again, the same one. Only who serves remembers it. */
static void offer(struct engine *engine, uint64_t client, const struct api_request *request)
{
    const struct ids_hash *token = &request->access.token;
    const struct access_offer *known = access_offer_of(&engine->offers, token, engine->wall_ms);
    char code[ACCESS_PAIR_CODE_CHARACTERS + 1];
    uint64_t chance;
    struct json json;
    size_t len_bytes;
    char *body;

    engine_random(engine, &chance, sizeof(chance));
    if (known != NULL) {
        memcpy(code, known->code, sizeof(code));
    } else if (!access_offer(&engine->offers, token, request->from.address, chance, engine->wall_ms,
                             code)) {
        people_refuse(engine, client, request->id, ACCESS_WAIT, ACCESS_PAIR_MS, false);
        return;
    }
    json_init(&json);
    json_open(&json, NULL, '{');
    json_text(&json, "code", code);
    json_number(&json, "expires_in_s", ACCESS_PAIR_MS / MS_PER_S);
    json_close(&json, '}');
    body = json_take(&json, &len_bytes);
    serve_answer_now(engine, client, request->id, STATUS_CREATED, 0, body, len_bytes);
}

static void begin_totp(struct engine *engine, uint64_t client, const struct api_request *request)
{
    const struct access_account *account;
    char text[SECRET_TOTP_TEXT_BYTES], uri[OTPAUTH_BYTES];
    uint8_t key[SECRET_TOTP_BYTES];
    struct access_who who;
    struct json json;
    size_t len_bytes;
    char *body;

    access_who(engine, &request->from, &who);
    account = access_account_by_id(engine->access, who.account);
    CHECK(account != NULL); /* only a person has this right */
    engine_random(engine, key, sizeof(key));
    secret_totp_to_text(key, text);
    crypto_forget(key, sizeof(key));
    (void)snprintf(uri, sizeof(uri), "otpauth://totp/Toban:%s?secret=%s&issuer=Toban",
                   account->name, text);
    json_init(&json);
    json_open(&json, NULL, '{');
    json_text(&json, "key", text);
    json_text(&json, "uri", uri);
    json_close(&json, '}');
    body = json_take(&json, &len_bytes);
    crypto_forget(text, sizeof(text));
    crypto_forget(uri, sizeof(uri));
    serve_answer_now(engine, client, request->id, STATUS_OK, 0, body, len_bytes);
}

/* ---- what is decided -------------------------------------------------------------------------------- */

struct asking {
    struct engine *engine;
    const struct api_request *request;
    struct access_command command;
    struct secret secret; /* what the account is to know from now on */
    char codes[ACCESS_CODES][SECRET_CODE_CHARACTERS + 1];
    bool codes_drawn;
};

static bool fits(struct engine *engine, const uint8_t derived[API_DERIVED_BYTES], uint8_t cost,
                 const struct ids_hash *kept)
{
    struct ids_hash hash;
    bool equal;

    crypto_hash(engine->crypto, derived, API_DERIVED_BYTES, NULL, 0, &hash);
    equal = crypto_equal(hash.bytes, kept->bytes, sizeof(hash.bytes));
    return equal && cost == API_DERIVE_SCRYPT;
}

static void judge_sign_in(struct asking *asking)
{
    struct engine *engine = asking->engine;
    const struct api_access *access = &asking->request->access;
    const struct access_account *account = access_account_by_name(engine->access, access->name);
    struct access_command *command = &asking->command;
    struct secret secret = {0};
    bool opened = account != NULL && secret_open(engine, account, &secret);

    command->action = access->pin ? ACCESS_SIGN_IN_PIN : ACCESS_SIGN_IN_PASSWORD;
    command->new_token = access->token;
    command->proof =
        opened && (access->pin ? fits(engine, access->proof, secret.pin_cost, &secret.pin)
                               : fits(engine, access->proof, secret.cost, &secret.password));
    command->code_given = access->text[0] != '\0';
    if (opened && account->has_totp && command->code_given) {
        command->totp_step = secret_totp_step(secret.totp, access->text, engine->wall_ms);
        command->code = secret_find_code(engine, &secret, access->text);
    }
    crypto_forget(&secret, sizeof(secret));
}

static void take_fresh(struct asking *asking, bool pin)
{
    const struct api_access *access = &asking->request->access;
    struct secret *secret = &asking->secret;
    struct ids_hash *kept = pin ? &secret->pin : &secret->password;

    crypto_hash(asking->engine->crypto, access->fresh, sizeof(access->fresh), NULL, 0, kept);
    memcpy(pin ? secret->pin_salt : secret->salt, access->salt, sizeof(access->salt));
    *(pin ? &secret->pin_cost : &secret->cost) = API_DERIVE_SCRYPT;
}

/* One's own password, PIN or second factor: what else the account knows stays. */
static void judge_own(struct asking *asking, enum access_action action)
{
    struct engine *engine = asking->engine;
    const struct api_access *access = &asking->request->access;
    struct access_command *command = &asking->command;
    const struct access_account *account;
    struct access_who who;

    command->action = action;
    access_who(engine, &asking->request->from, &who);
    account = access_account_by_id(engine->access, who.account);
    if (account == NULL || command->alone || !secret_open(engine, account, &asking->secret)) {
        return; /* decide says why not */
    }
    memcpy(command->name, account->name, sizeof(command->name));
    if (action == ACCESS_PASSWORD_CHANGE) {
        command->proof = fits(engine, access->proof, asking->secret.cost, &asking->secret.password);
        take_fresh(asking, false);
    } else if (action == ACCESS_PIN_CHANGE) {
        take_fresh(asking, true);
    } else if (secret_totp_from_text(access->title, asking->secret.totp)) {
        command->totp_step = secret_totp_step(asking->secret.totp, access->text, engine->wall_ms);
        secret_draw_codes(engine, &asking->secret, asking->codes);
        asking->codes_drawn = true;
    }
    secret_seal(engine, &asking->secret, command);
}

static void judge_fresh(struct asking *asking, enum access_action action)
{
    asking->command.action = action;
    if (!asking->command.alone) {
        take_fresh(asking, false);
        secret_seal(asking->engine, &asking->secret, &asking->command);
    }
}

static void judge_pairing(struct asking *asking)
{
    const struct access_offer *shown = access_offer_find(
        &asking->engine->offers, asking->request->access.text, asking->engine->wall_ms);

    asking->command.action = ACCESS_DEVICE_ADD;
    if (shown != NULL) { /* else the token is zero, and decide says that there is no such code */
        asking->command.new_token = shown->token;
    }
}

/* A session is named by the beginning of its token's hash, as the list has it. */
static void judge_session(struct asking *asking)
{
    const struct access *access = asking->engine->access;
    const char *text = asking->request->access.text;

    asking->command.action = ACCESS_SESSION_REVOKE;
    for (size_t i = 0; i < access->session_count; i++) {
        char id[2 * SESSION_ID_BYTES + 1];

        for (size_t byte = 0; byte < SESSION_ID_BYTES; byte++) {
            (void)snprintf(id + 2 * byte, 3, "%02x", access->sessions[i].token.bytes[byte]);
        }
        if (strcmp(id, text) == 0) {
            asking->command.new_token = access->sessions[i].token;
        }
    }
}

/* False: there is no such request. */
static bool judge(struct asking *asking)
{
    struct access_command *command = &asking->command;
    bool known = true;

    switch ((enum api_access_what)asking->request->access.what) {
    case API_ACCESS_SIGN_IN:
        judge_sign_in(asking);
        break;
    case API_ACCESS_SIGN_OUT:
        command->action = ACCESS_SIGN_OUT;
        break;
    case API_ACCESS_PASSWORD:
        judge_own(asking, ACCESS_PASSWORD_CHANGE);
        break;
    case API_ACCESS_PIN:
        judge_own(asking, ACCESS_PIN_CHANGE);
        break;
    case API_ACCESS_TOTP_CONFIRM:
        judge_own(asking, ACCESS_TOTP_CHANGE);
        break;
    case API_ACCESS_ADD:
        judge_fresh(asking, ACCESS_ACCOUNT_ADD);
        break;
    case API_ACCESS_RESET:
        judge_fresh(asking, ACCESS_PASSWORD_RESET);
        break;
    case API_ACCESS_CHANGE:
        command->action = ACCESS_ACCOUNT_CHANGE;
        break;
    case API_ACCESS_REVOKE:
        command->action = ACCESS_ACCOUNT_REVOKE;
        break;
    case API_ACCESS_RESTORE:
        command->action = ACCESS_ACCOUNT_RESTORE;
        break;
    case API_ACCESS_GRANT:
        command->action = ACCESS_GRANT;
        command->new_token = asking->request->access.token;
        break;
    case API_ACCESS_PAIR:
        judge_pairing(asking);
        break;
    case API_ACCESS_DEVICE_ADD:
        command->action = ACCESS_DEVICE_ADD;
        command->new_token = asking->request->access.token;
        break;
    case API_ACCESS_DEVICE_REVOKE:
        command->action = ACCESS_DEVICE_REVOKE;
        break;
    case API_ACCESS_SESSION_REVOKE:
        judge_session(asking);
        break;
    case API_ACCESS_SALT:
    case API_ACCESS_WHO:
    case API_ACCESS_CHECK:
    case API_ACCESS_TOTP_BEGIN:
    case API_ACCESS_OFFER:
    case API_ACCESS_LIST:
        known = false;
        break;
    }
    return known && command->action != 0;
}

/* What is remembered of: who asks for what. Nothing that was typed to be kept secret is in it, nor made of it. */
static void take_key(struct asking *asking)
{
    const struct api_access *access = &asking->request->access;
    uint8_t bytes[ASKED_BYTES];
    struct bytes_writer writer = bytes_writer_over(bytes, sizeof(bytes));
    struct ids_hash hash;
    struct access_who who;

    access_who(asking->engine, &asking->request->from, &who);
    bytes_put_u8(&writer, access->what);
    bytes_put_u8(&writer, access->role);
    bytes_put_u16(&writer, access->counter);
    bytes_put_u16(&writer, access->subject);
    bytes_put_text(&writer, access->name);
    bytes_put_text(&writer, access->title);
    bytes_put_text(&writer, access->text);
    bytes_put_u16(&writer, who.account);
    bytes_put_u8(&writer, (uint8_t)who.role);
    CHECK(!writer.failed);
    crypto_hash(asking->engine->crypto, bytes, writer.len_bytes, NULL, 0, &hash);
    memcpy(&asking->command.asked, hash.bytes, sizeof(asking->command.asked));
    asking->command.key = access->key;
}

/* Of what one does to others; who signs in, or changes what is his own, asks anew. */
static bool is_remembered(enum access_action action)
{
    return action == ACCESS_ACCOUNT_ADD || action == ACCESS_ACCOUNT_CHANGE ||
           action == ACCESS_ACCOUNT_REVOKE || action == ACCESS_ACCOUNT_RESTORE ||
           action == ACCESS_PASSWORD_RESET || action == ACCESS_DEVICE_ADD ||
           action == ACCESS_DEVICE_REVOKE || action == ACCESS_SESSION_REVOKE;
}

/* Done by an earlier request with this key. The password is that request's, which its sender has; it is kept nowhere. */
static void put_repeated(struct json *json, uint8_t what)
{
    bool password = what == API_ACCESS_ADD || what == API_ACCESS_RESET;

    json_bool(json, "repeated", true);
    json_text(json, "text_ja",
              password
                  ? "もう済んでいます。最初のパスワードは、はじめに送ったものが有効です。分から"
                    "ないときは、パスワードを作り直してください。"
                  : "もう済んでいます。");
    json_text(json, "text_en",
              password ? "This was done already. The first password that was sent counts; if it is "
                         "lost, make it anew."
                       : "This was done already.");
}

static char *render_done(struct asking *asking, const struct access_decision *decision,
                         size_t *ret_len_bytes)
{
    struct api_from fresh = {.via = API_VIA_WEB, .token = asking->command.new_token};
    struct access_who who;
    struct json json;

    if (asking->request->access.what == API_ACCESS_SIGN_IN) {
        access_who(asking->engine, &fresh, &who);
        return render_who(asking->engine, &who, ret_len_bytes);
    }
    json_init(&json);
    json_open(&json, NULL, '{');
    json_number(&json, "id", decision->change.subject);
    if (decision->repeated) {
        put_repeated(&json, asking->request->access.what);
    }
    if (asking->codes_drawn) {
        json_open(&json, "codes", '[');
        for (size_t i = 0; i < ACCESS_CODES; i++) {
            json_text(&json, NULL, asking->codes[i]);
        }
        json_close(&json, ']');
    }
    json_close(&json, '}');
    return json_take(&json, ret_len_bytes);
}

static void decide(struct asking *asking, uint64_t client)
{
    struct engine *engine = asking->engine;
    const struct api_request *request = asking->request;
    struct access_decision decision;
    size_t len_bytes;
    char *body;

    access_decide(engine->access, &asking->command, &decision);
    if (decision.write) {
        uint32_t actor = access_actor(engine, request, API_ACTOR_ENGINEER, 0);

        (void)access_append(engine, &decision.change, actor);
    }
    if (decision.reason != ACCESS_OK) {
        people_refuse(engine, client, request->id, decision.reason, decision.wait_ms,
                      decision.write);
        return;
    }
    if (request->access.what == API_ACCESS_PAIR && !decision.repeated) {
        access_offer_end(&engine->offers, &asking->command.new_token);
    }
    body = render_done(asking, &decision, &len_bytes);
    serve_reply_later(engine, client, request->id, STATUS_OK, body, len_bytes);
}

void people_request(struct engine *engine, uint64_t client, const struct api_request *request)
{
    const struct api_access *access = &request->access;
    struct asking asking = {
        .engine = engine,
        .request = request,
        .command = {.at_ms = engine->wall_ms,
                    /* Of an office with one unit alone nothing waits for another one. */
                    .alone = duty_serves(&engine->duty) == DUTY_SERVE_LETTER &&
                             engine->options.duty.peer_place != 0,
                    .local = request->from.via == API_VIA_LOCAL,
                    .token = request->from.token,
                    .subject = access->subject,
                    .role = access->role,
                    .counter = access->counter},
    };

    if (access->what == API_ACCESS_OFFER) {
        offer(engine, client, request);
        return;
    }
    if (access->what == API_ACCESS_TOTP_BEGIN) {
        begin_totp(engine, client, request);
        return;
    }
    memcpy(asking.command.name, access->name, sizeof(asking.command.name));
    memcpy(asking.command.title, access->title, sizeof(asking.command.title));
    memcpy(asking.command.address, request->from.address, sizeof(asking.command.address));
    if (judge(&asking)) {
        asking.command.lsn = engine->last_lsn + 1;
        if (is_remembered(asking.command.action)) {
            take_key(&asking);
        }
        decide(&asking, client);
    } else {
        people_refuse(engine, client, request->id, ACCESS_NO_SUCH, 0, false);
    }
    crypto_forget(&asking, sizeof(asking));
}
