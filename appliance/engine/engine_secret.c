/*
 * What an account knows - password, PIN, key of the second factor, one-use codes - sealed under the site key and
 * bound to the account's name. Opened here for as long as a comparison takes. What is kept of a password is the
 * SHA-256 of what scrypt made of it, so that even the opened blob does not sign anybody in.
 */
#include "appliance/engine/engine_internal.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>

enum {
    SECRET_VERSION = 1,
    SECRET_PLAIN_BYTES = 3 + 2 * API_SALT_BYTES + 2 * IDS_HASH_BYTES + SECRET_TOTP_BYTES +
                         ACCESS_CODES * SECRET_CODE_HASH_BYTES,
    SECRET_KEY_NAME_BYTES = 4,
    BASE32_BITS = 5,
    BASE32_MASK = 31,
    TOTP_DIGITS = 6,
};

_Static_assert((int)SECRET_PLAIN_BYTES + (int)SECRET_KEY_NAME_BYTES +
                       (int)ENTRY_SEAL_OVERHEAD_BYTES <=
                   (int)ACCESS_SECRET_BYTES_MAX,
               "an account's row has room for it");

static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static void put(const struct secret *secret, uint8_t plain[SECRET_PLAIN_BYTES])
{
    struct bytes_writer writer = bytes_writer_over(plain, SECRET_PLAIN_BYTES);

    bytes_put_u8(&writer, SECRET_VERSION);
    bytes_put_u8(&writer, secret->cost);
    bytes_put_u8(&writer, secret->pin_cost);
    bytes_put(&writer, secret->salt, sizeof(secret->salt));
    bytes_put(&writer, secret->pin_salt, sizeof(secret->pin_salt));
    bytes_put(&writer, secret->password.bytes, sizeof(secret->password.bytes));
    bytes_put(&writer, secret->pin.bytes, sizeof(secret->pin.bytes));
    bytes_put(&writer, secret->totp, sizeof(secret->totp));
    bytes_put(&writer, secret->codes, sizeof(secret->codes));
    CHECK(!writer.failed && writer.len_bytes == SECRET_PLAIN_BYTES);
}

static bool get(const uint8_t plain[SECRET_PLAIN_BYTES], struct secret *ret_secret)
{
    struct bytes_reader reader = bytes_reader_over(plain, SECRET_PLAIN_BYTES);
    uint8_t version = bytes_get_u8(&reader);

    ret_secret->cost = bytes_get_u8(&reader);
    ret_secret->pin_cost = bytes_get_u8(&reader);
    bytes_get(&reader, ret_secret->salt, sizeof(ret_secret->salt));
    bytes_get(&reader, ret_secret->pin_salt, sizeof(ret_secret->pin_salt));
    bytes_get(&reader, ret_secret->password.bytes, sizeof(ret_secret->password.bytes));
    bytes_get(&reader, ret_secret->pin.bytes, sizeof(ret_secret->pin.bytes));
    bytes_get(&reader, ret_secret->totp, sizeof(ret_secret->totp));
    bytes_get(&reader, ret_secret->codes, sizeof(ret_secret->codes));
    return version == SECRET_VERSION && bytes_finished(&reader);
}

bool secret_open(struct engine *engine, const struct access_account *account,
                 struct secret *ret_secret)
{
    uint8_t plain[SECRET_PLAIN_BYTES];
    struct bytes_reader reader = bytes_reader_over(account->secret, account->secret_bytes);
    uint32_t unit = bytes_get_u32(&reader);
    const struct crypto_key *key = engine_derived_key(engine, SITE_KEY_DAY, unit, 0, 0);
    bool opened;

    if (key == NULL ||
        bytes_left(&reader) != SECRET_PLAIN_BYTES + (size_t)ENTRY_SEAL_OVERHEAD_BYTES) {
        return false;
    }
    opened = crypto_open(engine->crypto, key, account->name, strlen(account->name),
                         account->secret + SECRET_KEY_NAME_BYTES, bytes_left(&reader), plain) &&
             get(plain, ret_secret);
    crypto_forget(plain, sizeof(plain));
    return opened;
}

void secret_seal(struct engine *engine, const struct secret *secret, struct access_command *command)
{
    uint8_t plain[SECRET_PLAIN_BYTES], nonce[CRYPTO_NONCE_BYTES];
    struct bytes_writer writer = bytes_writer_over(command->secret, sizeof(command->secret));
    uint32_t unit = engine_site_key(engine, true);
    const struct crypto_key *key = engine_derived_key(engine, SITE_KEY_DAY, unit, 0, 0);

    CHECK(key != NULL);
    put(secret, plain);
    bytes_put_u32(&writer, unit);
    engine_random(engine, nonce, sizeof(nonce));
    crypto_seal(engine->crypto, key, nonce, command->name, strlen(command->name), plain,
                sizeof(plain), command->secret + SECRET_KEY_NAME_BYTES);
    crypto_forget(plain, sizeof(plain));
    command->secret_bytes = SECRET_KEY_NAME_BYTES + SECRET_PLAIN_BYTES + ENTRY_SEAL_OVERHEAD_BYTES;
}

void secret_fake_salt(struct engine *engine, const char *name, uint8_t salt[API_SALT_BYTES])
{
    uint32_t unit = engine_site_key(engine, false);
    const struct crypto_key *key = engine_derived_key(engine, SITE_KEY_DAY, unit, 0, 0);
    struct ids_hash hash;

    if (key == NULL && !engine->fallback_drawn) {
        engine_random(engine, engine->fallback_salt, sizeof(engine->fallback_salt));
        engine->fallback_drawn = true;
    }
    crypto_hash(engine->crypto, key != NULL ? key->bytes : engine->fallback_salt, CRYPTO_KEY_BYTES,
                name, strlen(name), &hash);
    memcpy(salt, hash.bytes, API_SALT_BYTES);
}

/* ---- the second factor ---------------------------------------------------------------------------- */

static void to_base32(const uint8_t *bytes, size_t character_count, char *text)
{
    uint32_t bits = 0;
    unsigned held = 0;

    for (size_t i = 0; i < character_count; i++) {
        while (held < BASE32_BITS) {
            bits = bits << 8 | *bytes++;
            held += 8;
        }
        held -= BASE32_BITS;
        text[i] = base32[bits >> held & BASE32_MASK];
    }
    text[character_count] = '\0';
}

void secret_totp_to_text(const uint8_t key[SECRET_TOTP_BYTES], char text[SECRET_TOTP_TEXT_BYTES])
{
    to_base32(key, SECRET_TOTP_TEXT_BYTES - 1, text);
}

bool secret_totp_from_text(const char *text, uint8_t key[SECRET_TOTP_BYTES])
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t at = 0;

    if (strlen(text) != SECRET_TOTP_TEXT_BYTES - 1) {
        return false;
    }
    for (; *text != '\0'; text++) {
        const char *place = strchr(base32, *text);

        if (place == NULL) {
            return false;
        }
        bits = bits << BASE32_BITS | (uint32_t)(place - base32);
        held += BASE32_BITS;
        if (held >= 8) {
            held -= 8;
            key[at++] = (uint8_t)(bits >> held);
        }
    }
    return at == SECRET_TOTP_BYTES;
}

uint64_t secret_totp_step(const uint8_t key[SECRET_TOTP_BYTES], const char *code, int64_t wall_ms)
{
    uint64_t now = (uint64_t)wall_ms / SECRET_TOTP_STEP_MS, found = 0;

    if (strlen(code) != TOTP_DIGITS || wall_ms < SECRET_TOTP_STEP_MS) {
        return 0;
    }
    for (uint64_t step = now - 1; step <= now + 1; step++) {
        char text[TOTP_DIGITS + 5];

        (void)snprintf(text, sizeof(text), "%06u", crypto_totp(key, SECRET_TOTP_BYTES, step));
        found = crypto_equal(text, code, TOTP_DIGITS) ? step : found;
    }
    return found;
}

static void hash_code(struct engine *engine, const char *text, uint8_t hash[SECRET_CODE_HASH_BYTES])
{
    static const char label[] = "toban one-use code";
    struct ids_hash whole;

    crypto_hash(engine->crypto, label, sizeof(label), text, strlen(text), &whole);
    memcpy(hash, whole.bytes, SECRET_CODE_HASH_BYTES);
}

void secret_draw_codes(struct engine *engine, struct secret *secret,
                       char texts[ACCESS_CODES][SECRET_CODE_CHARACTERS + 1])
{
    for (size_t i = 0; i < ACCESS_CODES; i++) {
        uint8_t chance[SECRET_CODE_CHARACTERS];

        engine_random(engine, chance, sizeof(chance));
        to_base32(chance, SECRET_CODE_CHARACTERS, texts[i]);
        crypto_forget(chance, sizeof(chance));
        hash_code(engine, texts[i], secret->codes[i]);
    }
}

/* As printed: in groups, in small letters, as people type. */
uint8_t secret_find_code(struct engine *engine, const struct secret *secret, const char *text)
{
    char plain[SECRET_CODE_CHARACTERS + 1] = {0};
    uint8_t hash[SECRET_CODE_HASH_BYTES], found = 0;
    size_t len = 0;

    for (; *text != '\0'; text++) {
        char c = *text;

        if (c >= 'a' && c <= 'z') {
            c = base32[c - 'a'];
        }
        if (c == '-' || c == ' ') {
            continue;
        }
        if (len == SECRET_CODE_CHARACTERS) {
            return 0;
        }
        plain[len++] = c;
    }
    hash_code(engine, plain, hash);
    for (size_t i = 0; i < ACCESS_CODES; i++) {
        found = crypto_equal(hash, secret->codes[i], sizeof(hash)) ? (uint8_t)(i + 1) : found;
    }
    return len == SECRET_CODE_CHARACTERS ? found : 0;
}
