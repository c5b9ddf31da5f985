/* The Cabinet Office's file, and everything that is nearly it. */
#include "appliance/adapters/holidays_csv.h"

#include "base/check.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEADER "国民の祝日・休日月日,国民の祝日・休日名称"
/* A whole year, as UTF-8: each refused file below is this one with one thing wrong. */
#define YEAR_2027                                                                                             \
    "2027/1/1,元日\n2027/1/11,成人の日\n2027/2/11,建国記念の日\n2027/2/23,天皇誕生日\n"      \
    "2027/3/21,春分の日\n2027/3/22,休日\n2027/4/29,昭和の日\n2027/5/3,憲法記念日\n"            \
    "2027/5/4,みどりの日\n2027/5/5,こどもの日\n2027/7/19,海の日\n2027/8/11,山の日\n"          \
    "2027/9/20,敬老の日\n2027/9/23,秋分の日\n2027/10/11,スポーツの日\n2027/11/3,文化の日\n" \
    "2027/11/23,勤労感謝の日\n"

enum { FILE_DAYS = 1067, TEXT_BYTES = 65536 };

static char file_bytes[TEXT_BYTES];
static size_t file_len;
static struct calendar_import import;
static struct holidays_csv_error error;

static int read_file(void **state)
{
    FILE *file = fopen("tests/lib/data/syukujitsu.csv", "rb");

    (void)state;
    if (file == NULL) {
        return -1;
    }
    file_len = fread(file_bytes, 1, sizeof(file_bytes), file);
    (void)fclose(file);
    return file_len > 0 && file_len < sizeof(file_bytes) ? 0 : -1;
}

static int parse(const char *bytes, size_t len)
{
    memset(&import, 0x55, sizeof(import));
    memset(&error, 0x55, sizeof(error));
    return holidays_csv_parse(bytes, len, NULL, &import, &error);
}

static int parse_text(const char *text)
{
    return parse(text, strlen(text));
}

static bool is_untouched(const void *memory, size_t len)
{
    const uint8_t *bytes = memory;

    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0x55) {
            return false;
        }
    }
    return true;
}

/* Both sentences are there, end within their space, say the line, and nothing of the list came out.
 */
static void assert_refused(const char *bytes, size_t len, uint32_t line)
{
    char number[16];

    if (parse(bytes, len) != -EINVAL) {
        fail_msg("taken, but line %u is wrong", line);
    }
    assert_true(is_untouched(&import, sizeof(import)));
    if (error.line != line) {
        fail_msg("line %u instead of %u: %s", error.line, line, error.text_en);
    }
    assert_true(strlen(error.text_ja) > 20 && strlen(error.text_ja) < HOLIDAYS_CSV_ERROR_BYTES - 1);
    assert_true(strlen(error.text_en) > 20 && strlen(error.text_en) < HOLIDAYS_CSV_ERROR_BYTES - 1);
    (void)snprintf(number, sizeof(number), "%u", line);
    if (line > 0) {
        assert_non_null(strstr(error.text_ja, number));
        assert_non_null(strstr(error.text_en, number));
    }
}

static void assert_text_refused(const char *text, uint32_t line)
{
    assert_refused(text, strlen(text), line);
}

static void assert_is_2027(void)
{
    assert_int_equal(import.day_count, 17);
    assert_int_equal(calendar_import_year_first(&import), 2027);
    assert_int_equal(calendar_import_year_last(&import), 2027);
    assert_string_equal(calendar_import_find(&import, 20270322), "休日");
    assert_string_equal(calendar_import_find(&import, 20271123), "勤労感謝の日");
}

static void the_published_file_is_taken_whole(void **state)
{
    (void)state;
    assert_int_equal(parse(file_bytes, file_len), 0);
    assert_true(is_untouched(&error, sizeof(error)));
    assert_int_equal(import.day_count, FILE_DAYS);
    assert_int_equal(calendar_import_year_first(&import), 1955);
    assert_int_equal(calendar_import_year_last(&import), 2027);
    assert_string_equal(calendar_import_find(&import, 20260921), "敬老の日");
    assert_string_equal(calendar_import_find(&import, 20191014), "体育の日（スポーツの日）");
    assert_string_equal(calendar_import_find(&import, 20271123), "勤労感謝の日");
    assert_string_equal(calendar_import_find(&import, 19550101), "元日");
    assert_null(calendar_import_find(&import, 20260924));
}

/* What the office sees does not change on the day when the file is imported. */
static void the_published_file_says_what_the_law_says(void **state)
{
    static struct calendar by_law, by_file;

    (void)state;
    calendar_init(&by_law);
    calendar_init(&by_file);
    assert_int_equal(parse(file_bytes, file_len), 0);
    by_file.import = import;
    for (uint32_t year = 1980; year < 2030; year += 5) {
        uint32_t dates[8];
        size_t count = calendar_compare(&by_law, &by_file, year * 10000 + 101,
                                        (year + 4) * 10000 + 1231, dates, ARRAY_COUNT(dates));

        /* Three days of 2019 have another name in the file, none is open or closed otherwise. */
        assert_int_equal(count, year == 2015 ? 3 : 0);
        for (size_t i = 0; i < count; i++) {
            struct calendar_day day;

            calendar_get_day(&by_file, dates[i], &day);
            assert_true(day.reason == CALENDAR_REASON_NATIONAL_HOLIDAY && !day.open);
        }
    }
}

static void the_same_list_comes_out_of_utf8_with_and_without_mark(void **state)
{
    (void)state;
    assert_int_equal(parse_text(HEADER "\n" YEAR_2027), 0);
    assert_is_2027();
    assert_int_equal(parse_text("\xef\xbb\xbf" HEADER "\n" YEAR_2027), 0);
    assert_is_2027();
}

static void any_mixture_of_line_ends_and_blank_lines_is_taken(void **state)
{
    static const char *const ends[] = {"\n", "\r\n", "\r", "\n\n", "\r\n\r\n", "\r\r\n"};
    static char text[TEXT_BYTES];
    const char *from = HEADER "\n" YEAR_2027;
    size_t at = 0;

    (void)state;
    for (size_t line = 0; *from != '\0'; from++) {
        if (*from == '\n') {
            at += (size_t)snprintf(text + at, sizeof(text) - at, "%s",
                                   ends[line++ % ARRAY_COUNT(ends)]);
        } else {
            text[at++] = *from;
        }
    }
    assert_int_equal(parse(text, at), 0);
    assert_is_2027();
    while (at > 0 && (text[at - 1] == '\n' || text[at - 1] == '\r')) {
        at--;
    }
    assert_int_equal(parse(text, at), 0); /* no line end at the end of the file */
    assert_is_2027();
}

static void quotes_leading_zeros_and_any_order_are_taken(void **state)
{
    (void)state;
    assert_int_equal(parse_text("\"国民の祝日・休日月日\",\"国民の祝日・休日名称\"\r\n"
                                "2028/11/23,勤労感謝の日\n" YEAR_2027 "2028/01/01,\"元日\"\n"
                                "\"2028/1/2\",a\n2028/1/3,a\n2028/1/4,a\n2028/1/5,a\n2028/1/6,a\n"
                                "2028/1/7,a\n2028/1/8,a\n2028/1/9,a\n2028/1/10,a\n2028/1/11,a\n"
                                "2028/1/12,a\n2028/1/13,a\n2028/1/14,a\n"),
                     0);
    assert_string_equal(calendar_import_find(&import, 20280101), "元日");
    assert_string_equal(calendar_import_find(&import, 20280102), "a");
}

static void another_heading_is_refused(void **state)
{
    static const char *const headings[] = {
        "国民の祝日月日,国民の祝日名称",
        "国民の祝日・休日名称,国民の祝日・休日月日",
        "国民の祝日・休日月日",
        HEADER ",備考",
        (" " HEADER),
        "",
        "date,name",
        "<!DOCTYPE html>",
    };
    char text[2048];

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(headings); i++) {
        (void)snprintf(text, sizeof(text), "%s\n%s", headings[i], YEAR_2027);
        assert_text_refused(text, 1);
    }
    assert_text_refused(YEAR_2027, 1);
}

static void a_line_that_is_no_holiday_is_refused_by_its_number(void **state)
{
    static const char *const lines[] = {
        "45292,元日",
        "2027-06-01,夏",
        "2027/6,夏",
        "2027/6/1/1,夏",
        "２０２７/６/１,夏",
        "令和9年6月1日,夏",
        "R9/6/1,夏",
        "27/6/1,夏",
        "2027/2/29,うるう日",
        "2027/13/1,夏",
        "2027/0/1,夏",
        "2027/6/31,夏",
        "2027/6/0,夏",
        "2027/6/1 ,夏",
        " 2027/6/1,夏",
        "2027/006/1,夏",
        "20270/6/1,夏",
        "1947/12/31,昔",
        "2100/1/1,先",
        "/6/1,夏",
        "2027/6/1",
        "2027/6/1,夏,暑い",
        "2027/6/1,",
        ",",
        "夏,2027/6/1",
        "2027/6/1,=1+1",
        "2027/6/1,+夏",
        "2027/6/1,-夏",
        "2027/6/1,@夏",
        "2027/6/1,\"夏",
        "2027/6/1,\"夏\"\"\",",
        "2027/6/1,夏\t",
        "2027/6/1;夏",
        "2027/3/21,もう一度",
        "2027/03/21,もう一度",
        "2027/6/1,あいうえおかきくけこさしすせそたちつてとなに",
        "\xe3\x80\x80",
        "2027/6/1,\x1b[31m",
    };
    char text[4096];

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++) {
        (void)snprintf(text, sizeof(text), "%s\r\n%s%s\r\n", HEADER, YEAR_2027, lines[i]);
        assert_text_refused(text, 19);
        (void)snprintf(text, sizeof(text), "%s\r\n%s\r\n%s", HEADER, lines[i], YEAR_2027);
        assert_true(parse_text(text) == -EINVAL);
    }
}

static void a_refusal_quotes_what_it_refuses_in_whole_characters(void **state)
{
    (void)state;
    assert_text_refused(HEADER "\nあいうえおかきくけこさしすせそ,夏\n" YEAR_2027, 2);
    assert_non_null(strstr(error.text_ja, "「あいうえおかきくけこさしす」"));
    assert_text_refused(HEADER "\n45292,夏\n" YEAR_2027, 2);
    assert_non_null(strstr(error.text_ja, "「45292」"));
    assert_non_null(strstr(error.text_en, "\"45292\""));
    assert_text_refused(HEADER "\nab\x1b[2J,夏\n" YEAR_2027, 2);
    assert_null(strchr(error.text_en, '\x1b'));
    assert_null(strchr(error.text_ja, '\x1b'));
}

static void a_zero_byte_is_refused_wherever_it_is(void **state)
{
    static char text[TEXT_BYTES];

    (void)state;
    for (size_t at = 0; at < file_len; at += 97) {
        memcpy(text, file_bytes, file_len);
        text[at] = '\0';
        assert_int_equal(parse(text, file_len), -EINVAL);
        assert_non_null(strstr(error.text_en, "zero byte"));
        assert_true(is_untouched(&import, sizeof(import)));
    }
    assert_refused(HEADER "\r2027/1/1,\0\n", sizeof(HEADER "\r2027/1/1,\0\n") - 1, 2);
}

static void other_encodings_are_refused(void **state)
{
    static const char utf16[] = "\xff\xfe\xfd\x56";
    static const char utf16_big[] = "\xfe\xff\x56\xfd";
    static char text[TEXT_BYTES];
    size_t len;

    (void)state;
    assert_refused(utf16, sizeof(utf16) - 1, 0);
    assert_non_null(strstr(error.text_en, "UTF-16"));
    assert_refused(utf16_big, sizeof(utf16_big) - 1, 0);
    /* One byte that is neither UTF-8 nor CP932, on the third line. */
    len = (size_t)snprintf(text, sizeof(text), "a\nb\n\xfd\xff,x\n");
    assert_refused(text, len, 3);
    /* A file that ends in the middle of a character. */
    memcpy(text, file_bytes, file_len);
    assert_refused(text, file_len - 3, FILE_DAYS + 1);
}

/* Whether a file that ends before this line may be a whole one: the line begins a year, or what it
 * and the rest of its year say is few enough for a change of the law. */
static bool may_begin_what_is_missing(const char *line)
{
    return memcmp(line + 4, "/1/1,", 5) == 0 || memcmp(line + 4, "/11/", 4) == 0 ||
           memcmp(line + 4, "/12/", 4) == 0;
}

static void a_file_that_is_cut_off_is_refused(void **state)
{
    size_t cuts = 0;

    (void)state;
    assert_refused("", 0, 0);
    assert_text_refused(HEADER, 0);
    assert_text_refused(HEADER "\r\n", 0);
    for (size_t len = file_len - 4000; len < file_len; len++) {
        if (file_bytes[len - 1] == '\n' && !may_begin_what_is_missing(file_bytes + len)) {
            assert_int_equal(parse(file_bytes, len), -EINVAL);
            assert_int_equal(error.line, 0);
            cuts++;
        }
    }
    assert_true(cuts > 100);
}

static void a_list_that_drops_a_year_is_refused(void **state)
{
    static struct calendar_import present;

    (void)state;
    assert_int_equal(parse(file_bytes, file_len), 0);
    present = import;
    memset(&import, 0x55, sizeof(import));
    assert_int_equal(holidays_csv_parse(HEADER "\n" YEAR_2027, strlen(HEADER "\n" YEAR_2027),
                                        &present, &import, &error),
                     -EINVAL);
    assert_true(is_untouched(&import, sizeof(import)));
    assert_int_equal(error.line, 0);
    assert_non_null(strstr(error.text_ja, "1955"));
    assert_non_null(strstr(error.text_en, "1955"));
    assert_int_equal(holidays_csv_parse(file_bytes, file_len, &present, &import, &error), 0);
    assert_text_refused(HEADER "\n" YEAR_2027 "2029/11/23,x\n", 0);
    assert_non_null(strstr(error.text_en, "2028"));
    assert_text_refused(HEADER "\n2027/11/23,x\n", 0);
    assert_non_null(strstr(error.text_en, "2027"));
}

static void what_is_too_much_is_refused(void **state)
{
    static char text[HOLIDAYS_CSV_BYTES_MAX + 1];
    size_t at;

    (void)state;
    memset(text, '\n', sizeof(text));
    memcpy(text, HEADER, strlen(HEADER));
    assert_refused(text, sizeof(text), 0);                              /* bytes */
    assert_refused(text, sizeof(text) - 1, HOLIDAYS_CSV_LINES_MAX + 1); /* lines */
    memset(text, 'a', sizeof(text));
    memcpy(text, HEADER "\n", strlen(HEADER "\n"));
    assert_refused(text, sizeof(text) - 1, 2); /* one endless line */
    at = strlen(HEADER "\n");
    for (int32_t day = 0; day <= CALENDAR_IMPORT_DAYS_MAX; day++) {
        struct calendar_date date;

        assert_true(calendar_date_from_number(calendar_date_plus(20000101, day), &date));
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%d/%d/%d,a\n", date.year, date.month,
                               date.day);
    }
    assert_refused(text, at, CALENDAR_IMPORT_DAYS_MAX + 2); /* days */
}

/* One byte changed anywhere, by every bit: an answer, and never half a list. */
static void a_damaged_file_gives_all_or_nothing(void **state)
{
    static char text[TEXT_BYTES];

    (void)state;
    memcpy(text, file_bytes, file_len);
    for (size_t at = 0; at < file_len; at += 31) {
        int r;

        text[at] = (char)(file_bytes[at] ^ (1 << (at % 8)));
        r = parse(text, file_len);
        assert_true(r == 0 || r == -EINVAL);
        if (r == 0) {
            /* A changed letter, or a changed digit that still makes a date. */
            assert_int_equal(import.day_count, FILE_DAYS);
            assert_true(is_untouched(&error, sizeof(error)));
        } else {
            assert_true(is_untouched(&import, sizeof(import)));
        }
        text[at] = file_bytes[at];
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_file_is_taken_whole),
        cmocka_unit_test(the_published_file_says_what_the_law_says),
        cmocka_unit_test(the_same_list_comes_out_of_utf8_with_and_without_mark),
        cmocka_unit_test(any_mixture_of_line_ends_and_blank_lines_is_taken),
        cmocka_unit_test(quotes_leading_zeros_and_any_order_are_taken),
        cmocka_unit_test(another_heading_is_refused),
        cmocka_unit_test(a_line_that_is_no_holiday_is_refused_by_its_number),
        cmocka_unit_test(a_refusal_quotes_what_it_refuses_in_whole_characters),
        cmocka_unit_test(a_zero_byte_is_refused_wherever_it_is),
        cmocka_unit_test(other_encodings_are_refused),
        cmocka_unit_test(a_file_that_is_cut_off_is_refused),
        cmocka_unit_test(a_list_that_drops_a_year_is_refused),
        cmocka_unit_test(what_is_too_much_is_refused),
        cmocka_unit_test(a_damaged_file_gives_all_or_nothing),
    };

    return cmocka_run_group_tests(tests, read_file, NULL);
}
