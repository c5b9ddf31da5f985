/* Texts of a ticket: characters, columns, dates. */
#include "appliance/devices/paper/paper_internal.h"

#include "base/check.h"

#include <string.h>

enum {
    REIWA_FROM = 20190501,
    REIWA_YEAR_BEFORE = 2018,
    DECIMAL = 10,
    DIGITS_MAX = 10,
    WEEK = 7,
};

size_t paper_char_bytes(const char *text)
{
    unsigned char first = (unsigned char)text[0];
    size_t len_bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;

    for (size_t i = 1; i < len_bytes; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80) {
            return 1;
        }
    }
    return len_bytes;
}

size_t paper_columns(const char *text)
{
    size_t columns = 0;

    while (*text != '\0') {
        size_t len_bytes = paper_char_bytes(text);

        columns += len_bytes == 1 ? 1 : 2;
        text += len_bytes;
    }
    return columns;
}

struct paper_words paper_words_over(char *text, size_t capacity_bytes)
{
    text[0] = '\0';
    return (struct paper_words){.text = text, .capacity_bytes = capacity_bytes};
}

void paper_words_add(struct paper_words *words, const char *more)
{
    while (*more != '\0') {
        size_t len_bytes = paper_char_bytes(more);

        CHECK(words->len_bytes + len_bytes < words->capacity_bytes);
        memcpy(words->text + words->len_bytes, more, len_bytes);
        words->len_bytes += len_bytes;
        words->text[words->len_bytes] = '\0';
        more += len_bytes;
    }
}

void paper_words_number(struct paper_words *words, uint32_t number, unsigned digits)
{
    char text[DIGITS_MAX + 1];
    size_t at = DIGITS_MAX;

    text[at] = '\0';
    do {
        text[--at] = (char)('0' + number % DECIMAL);
        number /= DECIMAL;
    } while (number > 0 || DIGITS_MAX - at < digits);
    paper_words_add(words, text + at);
}

/* Sunday is 0 (the Gregorian calendar from a March-based year). */
static unsigned weekday_of(uint32_t date)
{
    static const uint8_t month_shift[12] = {0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4};
    uint32_t year = date / 10000, month = date / 100 % 100, day = date % 100;

    CHECK(month >= 1 && month <= ARRAY_COUNT(month_shift));
    year -= month < 3;
    return (year + year / 4 - year / 100 + year / 400 + month_shift[month - 1] + day) % WEEK;
}

void paper_date_ja(uint32_t date, char text[PAPER_NAME_BYTES])
{
    static const char *const weekdays[WEEK] = {"（日）", "（月）", "（火）", "（水）",
                                               "（木）", "（金）", "（土）"};
    struct paper_words words = paper_words_over(text, PAPER_NAME_BYTES);
    uint32_t year = date / 10000;

    if (date >= REIWA_FROM) {
        paper_words_add(&words, "令和");
        year -= REIWA_YEAR_BEFORE;
    }
    if (date >= REIWA_FROM && year == 1) {
        paper_words_add(&words, "元");
    } else {
        paper_words_number(&words, year, 1);
    }
    paper_words_add(&words, "年");
    paper_words_number(&words, date / 100 % 100, 1);
    paper_words_add(&words, "月");
    paper_words_number(&words, date % 100, 1);
    paper_words_add(&words, "日");
    paper_words_add(&words, weekdays[weekday_of(date)]);
}

void paper_date_en(uint32_t date, char text[PAPER_NAME_BYTES])
{
    static const char *const weekdays[WEEK] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[12] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct paper_words words = paper_words_over(text, PAPER_NAME_BYTES);

    paper_words_add(&words, weekdays[weekday_of(date)]);
    paper_words_add(&words, " ");
    paper_words_number(&words, date % 100, 1);
    paper_words_add(&words, " ");
    paper_words_add(&words, months[date / 100 % 100 - 1]);
    paper_words_add(&words, " ");
    paper_words_number(&words, date / 10000, 4);
}
