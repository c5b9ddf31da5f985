#include "appliance/adapters/holidays_csv.h"

#include "base/check.h"

#include <errno.h>
#include <iconv.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHOWN_BYTES_MAX = 40,  /* of a field that an error quotes */
    UTF8_PER_BYTE_MAX = 3, /* a byte of CP932 becomes at most three of UTF-8 */
};

static const char header_date[] = "国民の祝日・休日月日";
static const char header_name[] = "国民の祝日・休日名称";

struct span {
    const char *text;
    size_t len_bytes;
};

struct parser {
    const struct calendar_import *present;
    struct calendar_import *import;
    struct holidays_csv_error *error;
    uint32_t line;
};

static void free_text(char **text)
{
    free(*text);
}

static void close_iconv(iconv_t *converter)
{
    if (*converter != (iconv_t)-1) {
        (void)iconv_close(*converter);
    }
}

/* Both sentences take the same values in the same order, so one list of arguments serves both. */
__attribute__((format(printf, 3, 5), format(printf, 4, 5))) static int
refuse(struct holidays_csv_error *error, uint32_t line, const char *ja, const char *en, ...)
{
    size_t ja_bytes = 0;
    size_t en_bytes = 0;
    va_list values;

    memset(error, 0, sizeof(*error));
    error->line = line;
    if (line > 0) {
        ja_bytes = (size_t)snprintf(error->text_ja, sizeof(error->text_ja), "%u 行目: ", line);
        en_bytes = (size_t)snprintf(error->text_en, sizeof(error->text_en), "Line %u: ", line);
    }
    va_start(values, en);
    (void)vsnprintf(error->text_ja + ja_bytes, sizeof(error->text_ja) - ja_bytes, ja, values);
    va_end(values);
    va_start(values, en);
    (void)vsnprintf(error->text_en + en_bytes, sizeof(error->text_en) - en_bytes, en, values);
    va_end(values);
    return -EINVAL;
}

static int refuse_encoding(struct holidays_csv_error *error, uint32_t line)
{
    return refuse(
        error, line,
        "文字コードを読めません。内閣府の syukujitsu.csv をそのまま使うか、"
        "UTF-8 で保存し直してください。",
        "Cannot read the text encoding. Use the Cabinet Office's syukujitsu.csv unchanged, "
        "or save it as UTF-8.");
}

/* Only for errors: a CR alone as line end is counted as well. */
static uint32_t line_at(const char *bytes, size_t at_bytes)
{
    uint32_t line = 1;

    for (size_t i = 0; i < at_bytes; i++) {
        line += bytes[i] == '\n' || (bytes[i] == '\r' && bytes[i + 1] != '\n') ? 1 : 0;
    }
    return line;
}

/* Converts all bytes or says at which one it failed. text has room for every result. */
static int convert(const char *charset, const char *bytes, size_t len_bytes, char *text,
                   size_t capacity_bytes, size_t *ret_len_bytes, size_t *ret_failed_at)
{
    __attribute__((cleanup(close_iconv))) iconv_t converter = iconv_open("UTF-8", charset);
    char *from = (char *)bytes; /* iconv does not write to it */
    char *to = text;
    size_t from_bytes = len_bytes;
    size_t to_bytes = capacity_bytes;

    *ret_failed_at = 0;
    if (converter == (iconv_t)-1) {
        return -errno;
    }
    if (iconv(converter, &from, &from_bytes, &to, &to_bytes) == (size_t)-1) {
        *ret_failed_at = len_bytes - from_bytes;
        return -EILSEQ;
    }
    *ret_len_bytes = capacity_bytes - to_bytes;
    return 0;
}

/* What is valid UTF-8 is taken as UTF-8: no CP932 file with the right header is. */
static int to_utf8(const char *bytes, size_t len_bytes, char *text, size_t capacity_bytes,
                   size_t *ret_len_bytes, struct holidays_csv_error *error)
{
    size_t failed_at;
    int r = convert("UTF-8", bytes, len_bytes, text, capacity_bytes, ret_len_bytes, &failed_at);

    if (r < 0) {
        r = convert("CP932", bytes, len_bytes, text, capacity_bytes, ret_len_bytes, &failed_at);
    }
    return r < 0 ? refuse_encoding(error, line_at(bytes, failed_at)) : 0;
}

/* Splits the next line off; any of CRLF, LF, CR ends it. */
static struct span take_line(struct span *rest)
{
    struct span line = {rest->text, 0};
    size_t end_bytes = 0;

    while (line.len_bytes < rest->len_bytes && rest->text[line.len_bytes] != '\n' &&
           rest->text[line.len_bytes] != '\r') {
        line.len_bytes++;
    }
    if (line.len_bytes < rest->len_bytes) {
        const char *end = rest->text + line.len_bytes;
        bool both = *end == '\r' && line.len_bytes + 1 < rest->len_bytes && end[1] == '\n';

        end_bytes = both ? 2 : 1;
    }
    rest->text += line.len_bytes + end_bytes;
    rest->len_bytes -= line.len_bytes + end_bytes;
    return line;
}

/* Up to the next comma, which is taken away; quotes around the whole field as well. */
static struct span take_field(struct span *rest, bool *ret_comma)
{
    const char *comma = memchr(rest->text, ',', rest->len_bytes);
    struct span field = {rest->text,
                         comma != NULL ? (size_t)(comma - rest->text) : rest->len_bytes};
    size_t taken = field.len_bytes + (comma != NULL ? 1 : 0);

    *ret_comma = comma != NULL;
    rest->text += taken;
    rest->len_bytes -= taken;
    if (field.len_bytes >= 2 && field.text[0] == '"' && field.text[field.len_bytes - 1] == '"') {
        field.text++;
        field.len_bytes -= 2;
    }
    return field;
}

static bool span_is(struct span span, const char *text)
{
    return span.len_bytes == strlen(text) && memcmp(span.text, text, span.len_bytes) == 0;
}

/* At most so many digits, at least one. */
static bool take_number(struct span *rest, size_t digits_max, uint32_t *ret)
{
    uint32_t number = 0;
    size_t digits = 0;

    while (digits < rest->len_bytes && digits < digits_max && rest->text[digits] >= '0' &&
           rest->text[digits] <= '9') {
        number = number * 10 + (uint32_t)(rest->text[digits] - '0');
        digits++;
    }
    rest->text += digits;
    rest->len_bytes -= digits;
    *ret = number;
    return digits > 0;
}

static bool take_slash(struct span *rest)
{
    if (rest->len_bytes == 0 || rest->text[0] != '/') {
        return false;
    }
    rest->text++;
    rest->len_bytes--;
    return true;
}

static bool read_date(struct span field, uint32_t *ret_date)
{
    uint32_t year, month, day;

    if (!take_number(&field, 4, &year) || !take_slash(&field) || !take_number(&field, 2, &month) ||
        !take_slash(&field) || !take_number(&field, 2, &day) || field.len_bytes > 0) {
        return false;
    }
    *ret_date = year * 10000 + month * 100 + day;
    return true;
}

/* How much of a field to quote: whole characters only, nothing that would disturb a terminal. */
static int shown_bytes(struct span field)
{
    size_t bytes = field.len_bytes < SHOWN_BYTES_MAX ? field.len_bytes : SHOWN_BYTES_MAX;

    while (bytes > 0 && !calendar_text_is_plain(field.text, bytes)) {
        bytes--;
    }
    return (int)bytes;
}

static int refuse_date(const struct parser *parser, struct span field)
{
    return refuse(parser->error, parser->line,
                  "日付「%.*s」を読めません。2026/9/21 の形の、1948 年から 2099 年までの"
                  "存在する日付にしてください。",
                  "Cannot read the date \"%.*s\". Write an existing date of the years 1948 to 2099 "
                  "like 2026/9/21.",
                  shown_bytes(field), field.text);
}

static int refuse_name(const struct parser *parser, struct span field)
{
    return refuse(parser->error, parser->line,
                  "祝日の名称「%.*s」は使えません。名称を 1 文字以上 63 バイト以内で、計算式や"
                  "制御文字を入れずに書いてください。",
                  "The name \"%.*s\" cannot be used. Write a name of at most 63 bytes without "
                  "formulas and control characters.",
                  shown_bytes(field), field.text);
}

static int explain(const struct parser *parser, enum calendar_import_result result, uint16_t year,
                   struct span date, struct span name)
{
    struct holidays_csv_error *error = parser->error;

    switch (result) {
    case CALENDAR_IMPORT_OK:
        return 0;
    case CALENDAR_IMPORT_BAD_DATE:
        return refuse_date(parser, date);
    case CALENDAR_IMPORT_BAD_NAME:
        return refuse_name(parser, name);
    case CALENDAR_IMPORT_DUPLICATE:
        return refuse(error, parser->line, "日付「%.*s」が二度あります。一方の行を消してください。",
                      "The date \"%.*s\" is there twice. Remove one of the lines.",
                      shown_bytes(date), date.text);
    case CALENDAR_IMPORT_TOO_MANY:
        return refuse(
            error, parser->line,
            "祝日が %d 件、または名称が %d 種類を超えています。正しいファイルか確かめてください。",
            "There are more than %d holidays or %d different names. Check that this is "
            "the right file.",
            CALENDAR_IMPORT_DAYS_MAX, CALENDAR_IMPORT_NAMES_MAX);
    case CALENDAR_IMPORT_EMPTY:
        return refuse(error, 0, "祝日が一件もありません。正しいファイルか確かめてください。",
                      "There is not one holiday in it. Check that this is the right file.");
    case CALENDAR_IMPORT_YEAR_DROPPED:
        return refuse(
            error, 0,
            "いま使っている祝日表にある %u 年がありません。より新しいファイルを使ってください。",
            "The year %u, which the list in force has, is missing. Use a newer file.", year);
    case CALENDAR_IMPORT_YEAR_MISSING:
        return refuse(error, 0,
                      "途中の %u 年の祝日が一件もありません。ファイルを取得し直してください。",
                      "The year %u in the middle has no holiday. Get the file again.", year);
    case CALENDAR_IMPORT_YEAR_TORN:
        return refuse(
            error, 0,
            "%u 年の祝日が足りません。ファイルが途中で切れています。取得し直してください。",
            "The year %u lacks holidays: the file is torn. Get it again.", year);
    }
    return 0;
}

static int read_header(const struct parser *parser, struct span line)
{
    bool first_comma, second_comma;
    struct span date = take_field(&line, &first_comma);
    struct span name = take_field(&line, &second_comma);

    if (!span_is(date, header_date) || !span_is(name, header_name) || second_comma) {
        return refuse(
            parser->error, parser->line,
            "見出しが「%s,%s」ではありません。内閣府の syukujitsu.csv か確かめてください。",
            "The heading is not \"%s,%s\". Check that this is the Cabinet Office's "
            "syukujitsu.csv.",
            header_date, header_name);
    }
    return 0;
}

static int read_holiday(const struct parser *parser, struct span line)
{
    bool first_comma, second_comma;
    struct span date_field = take_field(&line, &first_comma);
    struct span name_field = take_field(&line, &second_comma);
    uint32_t date;

    if (!first_comma || second_comma) {
        return refuse(parser->error, parser->line,
                      "項目が二つではありません。日付と名称を一つのコンマで区切ってください。",
                      "There are not two fields. Separate date and name by one comma.");
    }
    if (!read_date(date_field, &date)) {
        return refuse_date(parser, date_field);
    }
    /* A name goes out again in files that a spreadsheet opens: nothing that it would calculate. */
    if (name_field.len_bytes > 0 && strchr("=+-@\"", name_field.text[0]) != NULL) {
        return refuse_name(parser, name_field);
    }
    return explain(parser,
                   calendar_import_add(parser->import, date, name_field.text, name_field.len_bytes),
                   0, date_field, name_field);
}

static int read_lines(struct parser *parser, struct span rest)
{
    const struct span none = {"", 0};
    enum calendar_import_result result;
    uint16_t year = 0;
    int r;

    do {
        struct span line = take_line(&rest);

        parser->line++;
        if (parser->line > HOLIDAYS_CSV_LINES_MAX || line.len_bytes > HOLIDAYS_CSV_LINE_BYTES_MAX) {
            return refuse(
                parser->error, parser->line,
                "行が長すぎるか多すぎます（%d バイト、%d 行まで）。正しいファイルか"
                "確かめてください。",
                "The line is too long, or there are too many (at most %d bytes, %d lines). "
                "Check that this is the right file.",
                HOLIDAYS_CSV_LINE_BYTES_MAX, HOLIDAYS_CSV_LINES_MAX);
        }
        if (parser->line > 1 && line.len_bytes == 0) {
            continue;
        }
        r = parser->line == 1 ? read_header(parser, line) : read_holiday(parser, line);
        if (r < 0) {
            return r;
        }
    } while (rest.len_bytes > 0);
    result = calendar_import_check(parser->import, parser->present, &year);
    return explain(parser, result, year, none, none);
}

/* What no decoder should see. */
static int refuse_bytes(const char *bytes, size_t len_bytes, struct holidays_csv_error *error)
{
    const char *zero;

    if (len_bytes == 0) {
        return refuse(error, 0, "ファイルが空です。取得し直してください。",
                      "The file is empty. Get it again.");
    }
    if (len_bytes > HOLIDAYS_CSV_BYTES_MAX) {
        return refuse(error, 0,
                      "ファイルが %d バイトを超えています。正しいファイルか確かめてください。",
                      "The file is longer than %d bytes. Check that this is the right file.",
                      HOLIDAYS_CSV_BYTES_MAX);
    }
    if (len_bytes >= 2 &&
        (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0)) {
        return refuse(error, 0, "文字コードが UTF-16 です。UTF-8 で保存し直してください。",
                      "The text encoding is UTF-16. Save the file as UTF-8.");
    }
    zero = memchr(bytes, 0, len_bytes);
    if (zero != NULL) {
        return refuse(error, line_at(bytes, (size_t)(zero - bytes)),
                      "文字ではないバイト（0）があります。ファイルを取得し直してください。",
                      "There is a zero byte, which is no text. Get the file again.");
    }
    return 0;
}

int holidays_csv_parse(const void *bytes, size_t len_bytes, const struct calendar_import *present,
                       struct calendar_import *ret_import, struct holidays_csv_error *ret_error)
{
    static const char mark[] = "\xef\xbb\xbf";
    __attribute__((cleanup(free_text))) char *text = NULL;
    struct holidays_csv_error error;
    struct calendar_import import = {.day_count = 0};
    struct parser parser = {.present = present, .import = &import, .error = &error};
    size_t capacity_bytes = len_bytes * UTF8_PER_BYTE_MAX;
    struct span rest = {0};
    int r = refuse_bytes(bytes, len_bytes, &error);

    if (r == 0) {
        text = malloc(capacity_bytes);
        if (text == NULL) {
            return -ENOMEM;
        }
        r = to_utf8(bytes, len_bytes, text, capacity_bytes, &rest.len_bytes, &error);
    }
    if (r == 0) {
        rest.text = text;
        if (rest.len_bytes >= sizeof(mark) - 1 && memcmp(text, mark, sizeof(mark) - 1) == 0) {
            rest.text += sizeof(mark) - 1;
            rest.len_bytes -= sizeof(mark) - 1;
        }
        r = read_lines(&parser, rest);
    }
    if (r == 0) {
        *ret_import = import;
    } else if (r == -EINVAL) {
        *ret_error = error;
    }
    return r;
}
