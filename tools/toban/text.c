#include "tools/toban/toban.h"

#include <inttypes.h>
#include <string.h>

const char *text_choose(const struct toban *toban, const char *ja, const char *en)
{
    return toban->japanese ? ja : en;
}

/* The next code point; bytes that are not UTF-8 count as one letter each. */
static uint32_t next_letter(const char **at)
{
    const uint8_t *bytes = (const uint8_t *)*at;
    uint32_t letter = bytes[0];
    size_t more = 0;

    if (letter >= 0xf0) {
        letter &= 0x07;
        more = 3;
    } else if (letter >= 0xe0) {
        letter &= 0x0f;
        more = 2;
    } else if (letter >= 0xc0) {
        letter &= 0x1f;
        more = 1;
    }
    for (size_t i = 1; i <= more; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            more = 0;
            letter = bytes[0];
            break;
        }
        letter = letter << 6 | (bytes[i] & 0x3f);
    }
    *at += more + 1;
    return letter;
}

/* Unicode Standard Annex 11: wide and fullwidth, as far as they occur here. */
static bool is_wide(uint32_t letter)
{
    return (letter >= 0x1100 && letter <= 0x115f) || (letter >= 0x2e80 && letter <= 0xa4cf) ||
           (letter >= 0xac00 && letter <= 0xd7a3) || (letter >= 0xf900 && letter <= 0xfaff) ||
           (letter >= 0xfe30 && letter <= 0xfe6f) || (letter >= 0xff00 && letter <= 0xff60) ||
           (letter >= 0xffe0 && letter <= 0xffe6) || (letter >= 0x20000 && letter <= 0x3fffd);
}

size_t text_width(const char *text)
{
    size_t width = 0;

    while (*text != '\0') {
        width += is_wide(next_letter(&text)) ? 2 : 1;
    }
    return width;
}

void text_put_padded(FILE *out, const char *text, size_t width)
{
    (void)fputs(text, out);
    for (size_t at = text_width(text); at < width; at++) {
        (void)fputc(' ', out);
    }
}

void text_number(int64_t number, char text[32])
{
    char digits[32];
    size_t len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64,
                                  number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
    size_t at = 0;

    if (number < 0) {
        text[at++] = '-';
    }
    for (size_t i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            text[at++] = ',';
        }
        text[at++] = digits[i];
    }
    text[at] = '\0';
}

void text_moment(const char *iso, char text[32])
{
    enum { TIME_AT = 10, MINUTES_END = 16 };

    if (strlen(iso) >= MINUTES_END && iso[TIME_AT] == 'T') {
        (void)snprintf(text, 32, "%.*s %.*s", TIME_AT, iso, MINUTES_END - TIME_AT - 1,
                       iso + TIME_AT + 1);
    } else {
        (void)snprintf(text, 32, "%s", iso);
    }
}

bool text_parse_display(const char *text, uint16_t *ret_number, char series[IDS_SERIES_TEXT_BYTES])
{
    enum { NUMBER_MAX = 9999 };
    uint32_t number = 0;
    size_t len;

    if (*text < '1' || *text > '9') {
        return false;
    }
    for (; *text >= '0' && *text <= '9'; text++) {
        number = number * 10 + (uint32_t)(*text - '0');
        if (number > NUMBER_MAX) {
            return false;
        }
    }
    len = strlen(text);
    if (len >= IDS_SERIES_TEXT_BYTES || strspn(text, "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789") != len) {
        return false;
    }
    memcpy(series, text, len + 1);
    *ret_number = (uint16_t)number;
    return true;
}

const char *text_member(const struct toban *toban, const json_t *object, const char *name)
{
    char wanted[64];
    const char *value;

    (void)snprintf(wanted, sizeof(wanted), "%s_%s", name, toban->japanese ? "ja" : "en");
    value = json_string_value(json_object_get(object, wanted));
    return value != NULL ? value : json_string_value(json_object_get(object, name));
}
