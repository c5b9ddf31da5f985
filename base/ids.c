#include "base/ids.h"

#include "base/check.h"

#include <string.h>

static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ";

enum { LETTER_COUNT = sizeof(letters) - 1 };

bool ids_hash_equal(const struct ids_hash *a, const struct ids_hash *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool ids_token_equal(const struct ids_token *a, const struct ids_token *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool ids_token_is_zero(const struct ids_token *token)
{
    static const struct ids_token zero;

    return ids_token_equal(token, &zero);
}

void ids_token_to_text(const struct ids_token *token, char text[IDS_TOKEN_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < IDS_TOKEN_BYTES; i++) {
        text[2 * i] = digits[token->bytes[i] >> 4];
        text[2 * i + 1] = digits[token->bytes[i] & 15];
    }
    text[2 * IDS_TOKEN_BYTES] = '\0';
}

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    return -1;
}

bool ids_token_from_text(const char *text, size_t len_bytes, struct ids_token *ret_token)
{
    struct ids_token token;

    if (len_bytes != 2 * IDS_TOKEN_BYTES) {
        return false;
    }
    for (size_t i = 0; i < IDS_TOKEN_BYTES; i++) {
        int high = digit_value(text[2 * i]);
        int low = digit_value(text[2 * i + 1]);

        if (high < 0 || low < 0) {
            return false;
        }
        token.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *ret_token = token;
    return true;
}

bool ids_series_equal(struct ids_series a, struct ids_series b)
{
    return a.unit == b.unit && a.session == b.session;
}

void ids_series_to_text(struct ids_series series, char text[IDS_SERIES_TEXT_BYTES])
{
    char reversed[IDS_SERIES_TEXT_BYTES];
    size_t len = 0;
    size_t at = 0;

    CHECK(series.unit <= IDS_UNIT_ID_MAX && series.session <= IDS_SESSION_NUMBER_MAX);
    for (uint32_t rest = series.unit; rest > 0; rest = (rest - 1) / LETTER_COUNT) {
        reversed[len++] = letters[(rest - 1) % LETTER_COUNT];
    }
    while (len > 0) {
        text[at++] = reversed[--len];
    }
    if (series.unit > 0 && series.session > 1) {
        for (uint32_t rest = series.session; rest > 0; rest /= 10) {
            reversed[len++] = (char)('0' + rest % 10);
        }
        while (len > 0) {
            text[at++] = reversed[--len];
        }
    }
    text[at] = '\0';
}
