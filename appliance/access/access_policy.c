/* Names, passwords, PINs: what may be used; and the codes that devices show. */
#include "appliance/access/access.h"

#include "appliance/access/access_parts.h"
#include "base/check.h"

#include <string.h>

enum { UTF8_TAIL_MASK = 0xc0, UTF8_TAIL = 0x80, REPEATS_MAX = 4 };

static size_t sequence_bytes(const uint8_t *text)
{
    uint8_t first = text[0];
    size_t len_bytes = first < 0x80    ? 1
                       : first < 0xc2  ? 0
                       : first < 0xe0  ? 2
                       : first < 0xf0  ? 3
                       : first <= 0xf4 ? 4
                                       : 0;

    for (size_t i = 1; i < len_bytes; i++) {
        if ((text[i] & UTF8_TAIL_MASK) != UTF8_TAIL) {
            return 0;
        }
    }
    if ((first == 0xe0 && text[1] < 0xa0) || (first == 0xed && text[1] > 0x9f) ||
        (first == 0xf0 && text[1] < 0x90) || (first == 0xf4 && text[1] > 0x8f)) {
        return 0;
    }
    return len_bytes;
}

/* Text for people: no control characters. */
bool parts_text_is_utf8(const char *text)
{
    const uint8_t *at = (const uint8_t *)text;

    while (*at != 0) {
        size_t len_bytes = sequence_bytes(at);

        if (len_bytes == 0 || *at < ' ' || *at == 0x7f || (*at == 0xc2 && at[1] < 0xa0)) {
            return false;
        }
        at += len_bytes;
    }
    return true;
}

enum access_reason access_judge_name(const char *name)
{
    size_t len_bytes = 0;

    for (; name[len_bytes] != '\0'; len_bytes++) {
        char c = name[len_bytes];
        bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

        if (len_bytes + 1 >= ACCESS_NAME_BYTES ||
            (!letter && (len_bytes == 0 || (c != '.' && c != '_' && c != '-')))) {
            return ACCESS_BAD_NAME;
        }
    }
    return len_bytes > 0 ? ACCESS_OK : ACCESS_BAD_NAME;
}

static char lower(char c)
{
    static const char small[] = "abcdefghijklmnopqrstuvwxyz";

    if (c >= 'A' && c <= 'Z') {
        return small[c - 'A'];
    }
    return c;
}

static bool contains(const char *text, const char *part)
{
    for (; *text != '\0'; text++) {
        size_t i = 0;

        while (part[i] != '\0' && lower(text[i]) == lower(part[i])) {
            i++;
        }
        if (part[i] == '\0') {
            return true;
        }
    }
    return false;
}

/* Long enough, and still what everybody types: these, whole or as what a few characters are put around. */
static const char *const commons[] = {
    "password",   "passw0rd",  "pasuwado",  "qwertyuiop", "1qaz2wsx",   "asdfghjkl",
    "zxcvbnm",    "letmein",   "iloveyou",  "welcome",    "1234567890", "0987654321",
    "0123456789", "123123123", "111111111", "abcdefghij", "abc123abc",  "administrator",
    "toban",      "sakura",    "kanrisha",  "shiyakusho", "kuyakusho",  "madoguchi",
    "changeme",   "default",   "monkey",    "dragon",     "sunshine",   "princess",
};

/* So few characters beside the common word are no password of their own. */
enum { COMMON_EXTRA_MAX = 5 };

static bool is_common(const char *password, size_t character_count)
{
    for (size_t i = 0; i < ARRAY_COUNT(commons); i++) {
        if (contains(password, commons[i]) &&
            character_count <= strlen(commons[i]) + COMMON_EXTRA_MAX) {
            return true;
        }
    }
    return false;
}

/* "aaaaaaaaaaaa", "121212121212": fewer different characters than a secret has. */
static bool is_monotonous(const char *password)
{
    uint8_t seen[UINT8_MAX + 1] = {0};
    size_t different = 0;

    for (; *password != '\0'; password++) {
        different += seen[(uint8_t)*password] == 0 ? 1 : 0;
        seen[(uint8_t)*password] = 1;
    }
    return different <= REPEATS_MAX;
}

enum access_reason access_judge_password(const char *password, const char *name)
{
    const uint8_t *at = (const uint8_t *)password;
    size_t character_count = 0;

    while (*at != 0) {
        size_t len_bytes = sequence_bytes(at);

        if (len_bytes == 0 || *at < ' ') {
            return ACCESS_BAD_SECRET;
        }
        at += len_bytes;
        character_count++;
    }
    if (character_count < ACCESS_PASSWORD_CHARACTERS_MIN ||
        (size_t)(at - (const uint8_t *)password) > ACCESS_PASSWORD_BYTES_MAX ||
        (name[0] != '\0' && contains(password, name)) || is_common(password, character_count) ||
        is_monotonous(password)) {
        return ACCESS_BAD_SECRET;
    }
    return ACCESS_OK;
}

enum access_reason access_judge_pin(const char *pin)
{
    size_t digits = 0, same = 0, up = 0, down = 0;

    for (; pin[digits] != '\0'; digits++) {
        if (pin[digits] < '0' || pin[digits] > '9' || digits == ACCESS_PIN_DIGITS_MAX) {
            return ACCESS_BAD_SECRET;
        }
        if (digits > 0) {
            same += pin[digits] == pin[digits - 1] ? 1 : 0;
            up += pin[digits] == pin[digits - 1] + 1 ? 1 : 0;
            down += pin[digits] == pin[digits - 1] - 1 ? 1 : 0;
        }
    }
    if (digits < ACCESS_PIN_DIGITS_MIN || same + 1 >= digits || up + 1 >= digits ||
        down + 1 >= digits) {
        return ACCESS_BAD_SECRET;
    }
    return ACCESS_OK;
}

/* ---- codes that devices show ------------------------------------------------------------------------ */

static const char code_letters[] = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";

static bool offer_lives(const struct access_offer *offer, int64_t at_ms)
{
    return !parts_hash_is_zero(&offer->token) && at_ms >= offer->at_ms &&
           at_ms - offer->at_ms < ACCESS_PAIR_MS;
}

bool access_offer(struct access_offers *offers, const struct ids_hash *token,
                  const uint8_t address[ACCESS_ADDRESS_BYTES], uint64_t chance, int64_t at_ms,
                  char code[ACCESS_PAIR_CODE_CHARACTERS + 1])
{
    struct access_offer offer = {.token = *token, .at_ms = at_ms};
    struct access_offer *place = NULL;
    size_t of_address = 0;

    memcpy(offer.address, address, sizeof(offer.address));
    for (size_t i = 0; i < ACCESS_PAIR_CODE_CHARACTERS; i++) {
        offer.code[i] = code_letters[chance % (sizeof(code_letters) - 1)];
        chance /= sizeof(code_letters) - 1;
    }
    for (size_t i = 0; i < ACCESS_OFFERS_MAX; i++) {
        struct access_offer *other = &offers->list[i];

        if (!offer_lives(other, at_ms)) {
            place = place == NULL ? other : place;
            continue;
        }
        /* Two devices under one code: whoever came first keeps it. */
        if (ids_hash_equal(&other->token, token) || strcmp(other->code, offer.code) == 0) {
            return false;
        }
        of_address += memcmp(other->address, address, sizeof(offer.address)) == 0 ? 1 : 0;
    }
    if (place == NULL || of_address >= ACCESS_OFFERS_OF_ADDRESS_MAX || parts_hash_is_zero(token)) {
        return false;
    }
    *place = offer;
    memcpy(code, offer.code, sizeof(offer.code));
    return true;
}

const struct access_offer *access_offer_find(const struct access_offers *offers, const char *code,
                                             int64_t at_ms)
{
    for (size_t i = 0; i < ACCESS_OFFERS_MAX; i++) {
        const struct access_offer *offer = &offers->list[i];

        if (offer_lives(offer, at_ms) && strlen(code) == ACCESS_PAIR_CODE_CHARACTERS &&
            contains(offer->code, code)) {
            return offer;
        }
    }
    return NULL;
}

const struct access_offer *access_offer_of(const struct access_offers *offers,
                                           const struct ids_hash *token, int64_t at_ms)
{
    for (size_t i = 0; i < ACCESS_OFFERS_MAX; i++) {
        if (offer_lives(&offers->list[i], at_ms) && ids_hash_equal(&offers->list[i].token, token)) {
            return &offers->list[i];
        }
    }
    return NULL;
}

void access_offer_end(struct access_offers *offers, const struct ids_hash *token)
{
    for (size_t i = 0; i < ACCESS_OFFERS_MAX; i++) {
        if (ids_hash_equal(&offers->list[i].token, token)) {
            memset(&offers->list[i], 0, sizeof(offers->list[i]));
        }
    }
}
