/* appliance/devices/paper: what stands on a ticket, and its bytes. */
#include "appliance/devices/paper/paper.h"
#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct drawn {
    bool no_font, half_a_character;
    uint8_t fill[4];     /* the image, over and over */
    uint16_t width_dots; /* 0: the whole paper */
    size_t number_count, text_count;
    char texts[8][PAPER_TEXT_BYTES];
};

static size_t to_sjis(void *context, const char *text, uint8_t *bytes, size_t capacity_bytes)
{
    iconv_t converter = iconv_open("SHIFT_JIS", "UTF-8");
    char *in = (char *)(uintptr_t)text, *out = (char *)bytes;
    size_t in_bytes = strlen(text), left_bytes = capacity_bytes;
    size_t r = iconv(converter, &in, &in_bytes, &out, &left_bytes);

    const struct drawn *drawn = context;

    (void)iconv_close(converter);
    if (drawn->half_a_character) {
        bytes[0] = 0x8b;
        return 1;
    }
    return r == (size_t)-1 ? 0 : capacity_bytes - left_bytes;
}

static bool draw(void *context, const struct paper_item *item, uint16_t width_dots,
                 struct paper_bitmap *ret_bitmap)
{
    struct drawn *drawn = context;
    size_t row_bytes;

    if (drawn->no_font) {
        return false;
    }
    if (item->kind == PAPER_NUMBER) {
        drawn->number_count++;
    } else {
        memcpy(drawn->texts[drawn->text_count++ % 8], item->text, sizeof(item->text));
    }
    ret_bitmap->width_dots = drawn->width_dots != 0 ? drawn->width_dots : width_dots;
    ret_bitmap->height_dots = item->kind == PAPER_NUMBER ? PAPER_NUMBER_DOTS : PAPER_CELL_DOTS;
    row_bytes = ((size_t)ret_bitmap->width_dots + 7) / 8;
    for (size_t i = 0; i < row_bytes * ret_bitmap->height_dots && i < sizeof(ret_bitmap->bits);
         i++) {
        ret_bitmap->bits[i] = drawn->fill[i % sizeof(drawn->fill)];
    }
    return true;
}

static struct paper_ticket ticket_of(const char *language, const char *series)
{
    struct paper_ticket ticket = {
        .kind = PAPER_ORIGINAL,
        .site_ja = "世田谷区 都市計画課 総合受付",
        .site_en = "Setagaya City Planning Division",
        .place_ja = "2階 ロビー",
        .place_en = "Lobby, 2nd floor",
        .category_ja = "用途地域の照会",
        .category_en = "Zoning inquiries",
        .unit_ja = "2号機",
        .date = 20261124,
        .minute = 9 * 60 + 5,
        .number = 106,
        .waiting_ahead = 3,
        .estimate_s = 900,
        .url = "http://10.90.0.10/status?ticket=0123456789abcdef0123456789abcdef",
    };

    (void)strncpy(ticket.language, language, sizeof(ticket.language) - 1);
    (void)strncpy(ticket.series, series, sizeof(ticket.series) - 1);
    return ticket;
}

static struct paper_layout *laid_out(const struct paper_ticket *ticket, uint16_t width_dots)
{
    struct paper_layout *layout = calloc(1, sizeof(*layout));

    assert_non_null(layout);
    paper_lay_out(ticket, width_dots, layout);
    return layout;
}

static struct paper_job encoded(const struct paper_ticket *ticket, struct drawn *drawn,
                                uint8_t bytes[PAPER_BYTES_MAX])
{
    struct paper_glyphs glyphs = {.context = drawn, .to_sjis = to_sjis, .draw = draw};
    struct paper_layout *layout = laid_out(ticket, PAPER_WIDTH_DOTS);
    struct paper_bitmap *scratch = calloc(1, sizeof(*scratch));
    struct paper_job job = {0};

    assert_true(paper_encode(layout, &glyphs, scratch, bytes, PAPER_BYTES_MAX, &job));
    free(scratch);
    free(layout);
    return job;
}

static bool says(const struct paper_layout *layout, const char *text)
{
    for (size_t i = 0; i < layout->item_count; i++) {
        if (layout->items[i].kind == PAPER_TEXT && strstr(layout->items[i].text, text) != NULL) {
            return true;
        }
    }
    return false;
}

static size_t find(const uint8_t *bytes, size_t len_bytes, const void *what, size_t what_bytes)
{
    const uint8_t *at = memmem(bytes, len_bytes, what, what_bytes);

    return at == NULL ? SIZE_MAX : (size_t)(at - bytes);
}

static void digits_are_at_least_eighteen_millimetres_high(void **state)
{
    uint8_t *bytes = malloc(PAPER_BYTES_MAX);
    struct paper_ticket ticket = ticket_of("ja", "");
    struct drawn drawn = {.fill = {0xff, 0xff, 0xff, 0xff}};
    struct paper_job job = encoded(&ticket, &drawn, bytes);
    const uint8_t raster[] = {0x1d, 'v', '0', 0, 72, 0, PAPER_NUMBER_DOTS, 0};

    (void)state;
    /* dots * 25.4 mm / 203 dots, in hundredths of a millimetre */
    assert_in_range(PAPER_DIGIT_DOTS * 2540 / PAPER_DPI, 1800, 2100);
    assert_in_range(18 * 8 * 2540 / PAPER_DPI, 1800,
                    1810); /* without a font: 18 of 24 rows, 8 times */
    assert_true(find(bytes, job.len_bytes, raster, sizeof(raster)) != SIZE_MAX);
    assert_int_equal(drawn.number_count, 1);
    assert_in_range(job.height_dots, 500, 1200);
    assert_int_equal(job.cuts, 1);
    free(bytes);
}

static void a_job_sets_shift_jis_first_and_asks_behind_the_cut(void **state)
{
    const uint8_t first[] = {0x1b, '@', 0x1c, 'C', 1, 0x1c, '&', 0x1b, '2', 0x1b, 'a', 1};
    const uint8_t last[] = {0x1d, 'V', 66, 0, 0x1d, 'r', 1};
    const uint8_t mado[] = {0x91, 0x8b, 0x8c, 0xfb}; /* 窓口 */
    uint8_t *bytes = malloc(PAPER_BYTES_MAX);
    struct paper_ticket ticket = ticket_of("ja", "");
    struct drawn drawn = {0};
    struct paper_job job = encoded(&ticket, &drawn, bytes);

    (void)state;
    assert_memory_equal(bytes, first, sizeof(first));
    assert_memory_equal(bytes + job.len_bytes - sizeof(last), last, sizeof(last));
    assert_true(find(bytes, job.len_bytes, mado, sizeof(mado)) != SIZE_MAX);
    assert_int_equal(drawn.text_count, 0); /* all of it is in Shift_JIS */
    free(bytes);
}

static void a_line_outside_shift_jis_is_drawn(void **state)
{
    static const char *const outside[] = {"手打ち麵の日", "①番", "C:\\", "ｶﾅ"};
    uint8_t *bytes = malloc(PAPER_BYTES_MAX);
    struct paper_ticket ticket = ticket_of("zh", "");
    struct drawn drawn = {0};

    (void)state;
    (void)encoded(&ticket, &drawn, bytes);
    assert_int_equal(drawn.text_count, 2); /* how long, and where to wait */
    assert_non_null(strstr(drawn.texts[0], "等候"));
    ticket = ticket_of("ko", "");
    drawn = (struct drawn){0};
    (void)encoded(&ticket, &drawn, bytes);
    assert_int_equal(drawn.text_count, 2);
    for (size_t i = 0; i < ARRAY_COUNT(outside); i++) {
        ticket = ticket_of("en", "");
        (void)strncpy(ticket.place_ja, outside[i], sizeof(ticket.place_ja) - 1);
        drawn = (struct drawn){0};
        (void)encoded(&ticket, &drawn, bytes);
        assert_int_equal(drawn.text_count, 1);
        assert_string_equal(drawn.texts[0], outside[i]);
    }
    free(bytes);
}

static void no_image_holds_a_command_that_is_executed_at_once(void **state)
{
    static const uint8_t fills[][4] = {{0x10, 0x04, 0x10, 0x05},
                                       {0x10, 0x14, 0x04, 0x10},
                                       {0x10, 0x10, 0x05, 0x14},
                                       {0x04, 0x10, 0x04, 0x04}};
    uint8_t *bytes = malloc(PAPER_BYTES_MAX);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(fills); i++) {
        struct paper_ticket ticket = ticket_of("ko", "B2");
        struct drawn drawn = {.width_dots = i % 2 == 0 ? 0 : 128};
        struct paper_job job;

        memcpy(drawn.fill, fills[i], sizeof(drawn.fill));
        job = encoded(&ticket, &drawn, bytes);
        assert_true(drawn.number_count + drawn.text_count == 3);
        for (size_t at = 1; at < job.len_bytes; at++) {
            assert_false(paper_pair_is_command(bytes[at - 1], bytes[at]));
        }
    }
    assert_true(paper_pair_is_command(0x10, 0x04) && paper_pair_is_command(0x10, 0x05));
    assert_true(paper_pair_is_command(0x10, 0x14) && !paper_pair_is_command(0x11, 0x04));
    free(bytes);
}

static void a_copy_says_so_and_an_original_does_not(void **state)
{
    struct paper_ticket ticket = ticket_of("ja", "");
    struct paper_layout *original = laid_out(&ticket, PAPER_WIDTH_DOTS), *copy;

    (void)state;
    ticket.kind = PAPER_COPY;
    copy = laid_out(&ticket, PAPER_WIDTH_DOTS);
    assert_true(says(copy, "再発行") && !says(original, "再発行"));
    free(original);
    free(copy);
}

static void a_test_print_has_no_number(void **state)
{
    struct paper_ticket ticket = ticket_of("ja", "");
    struct paper_layout *layout;

    (void)state;
    ticket.kind = PAPER_TEST;
    layout = laid_out(&ticket, PAPER_WIDTH_DOTS);
    assert_true(says(layout, "試し刷り"));
    for (size_t i = 0; i < layout->item_count; i++) {
        assert_null(strstr(layout->items[i].text, "106"));
        if (layout->items[i].kind == PAPER_NUMBER) {
            assert_string_equal(layout->items[i].text, "試");
        }
    }
    free(layout);
}

static void a_paper_for_staff_has_its_lines_and_no_number(void **state)
{
    struct paper_ticket ticket = ticket_of("ja", "");
    struct paper_layout *layout;
    size_t texts = 0, rules = 0;

    (void)state;
    ticket.kind = PAPER_REPORT;
    (void)snprintf(ticket.text, sizeof(ticket.text),
                   "!閉庁票 CLOSING\n#発行した枚数\n-\n番号 101 から 140 まで\n最後の行");
    layout = laid_out(&ticket, PAPER_WIDTH_DOTS);
    for (size_t i = 0; i < layout->item_count; i++) {
        const struct paper_item *item = &layout->items[i];

        assert_int_not_equal(item->kind, PAPER_NUMBER);
        rules += item->kind == PAPER_RULE;
        texts += item->kind == PAPER_TEXT;
        assert_true(item->kind != PAPER_TEXT ||
                    (item->text[0] != '!' && item->text[0] != '#' && item->text[0] != '-'));
    }
    assert_true(says(layout, "閉庁票 CLOSING"));
    assert_true(says(layout, "発行した枚数"));
    assert_true(says(layout, "番号 101 から 140 まで"));
    assert_true(says(layout, "最後の行"));
    assert_true(texts >= 4);
    assert_true(rules >= 2);
    free(layout);
}

static void a_paper_for_staff_that_is_too_long_ends_with_a_whole_line(void **state)
{
    struct paper_ticket ticket = ticket_of("ja", "");
    struct paper_layout *layout;
    size_t at = 0;

    (void)state;
    ticket.kind = PAPER_REPORT;
    for (int line = 0; at + 8 < sizeof(ticket.text); line++) {
        at += (size_t)snprintf(ticket.text + at, sizeof(ticket.text) - at, "L%05d\n", line);
    }
    layout = laid_out(&ticket, PAPER_WIDTH_DOTS);
    assert_true(says(layout, "L00000"));
    assert_true(layout->item_count <= PAPER_ITEMS_MAX);
    for (size_t i = 0; i < layout->item_count; i++) {
        const struct paper_item *item = &layout->items[i];

        assert_true(item->kind != PAPER_TEXT || item->text[0] != 'L' || strlen(item->text) == 6);
    }
    free(layout);
}

static const struct paper_item *number_of(const struct paper_layout *layout)
{
    for (size_t i = 0; i < layout->item_count; i++) {
        if (layout->items[i].kind == PAPER_NUMBER) {
            return &layout->items[i];
        }
    }
    return NULL;
}

static void a_letter_stands_apart_and_is_explained(void **state)
{
    struct paper_ticket ticket = ticket_of("ja", "");
    struct paper_layout *plain = laid_out(&ticket, PAPER_WIDTH_DOTS), *lettered;

    (void)state;
    ticket = ticket_of("ja", "B");
    lettered = laid_out(&ticket, PAPER_WIDTH_DOTS);
    assert_string_equal(number_of(plain)->series, "");
    assert_string_equal(number_of(lettered)->text, "106");
    assert_string_equal(number_of(lettered)->series, "B");
    assert_true(says(lettered, "「106」は別の方の番号です。"));
    assert_true(says(lettered, "someone else") && !says(plain, "someone else"));
    assert_false(says(plain, "黒い四角"));
    free(plain);
    free(lettered);
    ticket.unit_ja[0] = '\0';
    lettered = laid_out(&ticket, PAPER_WIDTH_DOTS);
    assert_false(says(lettered, "2号機"));
    free(lettered);
}

static void dates_are_of_the_era(void **state)
{
    char text[PAPER_NAME_BYTES];

    (void)state;
    paper_date_ja(20261124, text);
    assert_string_equal(text, "令和8年11月24日（火）");
    paper_date_ja(20190501, text);
    assert_string_equal(text, "令和元年5月1日（水）");
    paper_date_ja(20190430, text);
    assert_string_equal(text, "2019年4月30日（火）");
    paper_date_ja(20280229, text);
    assert_string_equal(text, "令和10年2月29日（火）");
    paper_date_en(20270103, text);
    assert_string_equal(text, "Sun 3 Jan 2027");
}

static void waits_are_told_in_the_visitors_language(void **state)
{
    static const struct {
        const char *language;
        uint16_t estimate_s;
        const char *text;
    } cases[] = {
        {"ja", 900, "お待ちの方 3人  目安 約15分"},
        {"ja", 3600, "目安 60分以上"},
        {"ja", PAPER_NO_ESTIMATE, "目安 ―"},
        {"ja-easy", 301, "だいたい 6分"},
        {"en", 900, "Waiting ahead: 3   about 15 min"},
        {"en", 7200, "60 min or more"},
        {"zh", 900, "大约 15 分钟"},
        {"ko", PAPER_NO_ESTIMATE, "예상 시간 없음"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct paper_ticket ticket = ticket_of(cases[i].language, "");
        struct paper_layout *layout;

        ticket.estimate_s = cases[i].estimate_s;
        layout = laid_out(&ticket, PAPER_WIDTH_DOTS);
        assert_true(says(layout, cases[i].text));
        assert_true(says(layout, "Waiting ahead"));
        free(layout);
    }
}

static void no_line_is_wider_than_the_paper_nor_begins_with_a_full_stop(void **state)
{
    static const uint16_t widths[] = {PAPER_WIDTH_DOTS_MIN, 512, PAPER_WIDTH_DOTS};

    (void)state;
    for (size_t w = 0; w < ARRAY_COUNT(widths); w++) {
        struct paper_ticket ticket = ticket_of("ja-easy", "AB12");
        struct paper_layout *layout;
        size_t lines = 0;

        memset(ticket.site_en, 'x', sizeof(ticket.site_en) - 1); /* no place to break it */
        (void)strncpy(ticket.site_ja, "あいうえおかきくけこさしすせそた。なに",
                      sizeof(ticket.site_ja) - 1);
        (void)strncpy(ticket.category_ja, "一二三四五六七八九十一二三四五六七。",
                      sizeof(ticket.category_ja) - 1);
        layout = laid_out(&ticket, widths[w]);
        for (size_t i = 0; i < layout->item_count; i++) {
            const struct paper_item *item = &layout->items[i];

            if (item->kind == PAPER_TEXT) {
                assert_true(paper_columns(item->text) * PAPER_COLUMN_DOTS * item->scale <=
                            widths[w]);
                assert_int_not_equal(strncmp(item->text, "。", 3), 0);
                assert_true(item->text[0] != '\0');
                lines++;
            }
        }
        assert_true(lines > 12);
        free(layout);
    }
}

static void bytes_that_are_no_characters_stay_single(void **state)
{
    struct paper_ticket ticket = ticket_of("en", "");
    struct paper_layout *layout;

    (void)state;
    assert_int_equal(paper_columns("a\xe3\x81"), 3); /* cut off in the middle */
    assert_int_equal(paper_columns("\xf0\x9f\x98\x80\xc3\xa9"), 4);
    (void)strncpy(ticket.place_ja, "\xe3\x81 half", sizeof(ticket.place_ja) - 1);
    layout = laid_out(&ticket, PAPER_WIDTH_DOTS);
    assert_true(layout->item_count > 0);
    free(layout);
}

static void without_a_font_the_printer_draws_the_number(void **state)
{
    const uint8_t eight[] = {0x1d, '!', 0x77, '1', '0', '6', 0x1d, 'B', 1, 'B', 0x1d, 'B', 0, 0x0a};
    const uint8_t narrow[] = {0x1d, '!', 0x47};
    uint8_t *bytes = malloc(PAPER_BYTES_MAX);
    struct paper_ticket ticket = ticket_of("zh", "B");
    struct drawn drawn = {.no_font = true};
    struct paper_job job = encoded(&ticket, &drawn, bytes);

    (void)state;
    assert_true(find(bytes, job.len_bytes, eight, sizeof(eight)) != SIZE_MAX);
    ticket = ticket_of("ja", "ABC12"); /* eight columns fit five times as wide, no more */
    job = encoded(&ticket, &drawn, bytes);
    assert_true(find(bytes, job.len_bytes, (const uint8_t[]){0x1d, '!', 0x57}, 3) != SIZE_MAX);
    ticket = ticket_of("ja", "ABC1234");
    job = encoded(&ticket, &drawn, bytes);
    assert_true(find(bytes, job.len_bytes, narrow, sizeof(narrow)) != SIZE_MAX ||
                find(bytes, job.len_bytes, (const uint8_t[]){0x1d, '!', 0x37}, 3) != SIZE_MAX);
    ticket.kind = PAPER_TEST;
    job = encoded(&ticket, &drawn, bytes);
    assert_true(find(bytes, job.len_bytes, (const uint8_t[]){0x8e, 0x8e, 0x0a}, 3) !=
                SIZE_MAX); /* 試 */
    free(bytes);
}

static void a_drawing_that_is_not_sound_is_not_sent(void **state)
{
    uint8_t *bytes = malloc(PAPER_BYTES_MAX);
    struct paper_ticket ticket = ticket_of("ja", "");
    struct drawn drawn = {.width_dots = PAPER_WIDTH_DOTS + 8};
    struct paper_job job = encoded(&ticket, &drawn, bytes);

    (void)state;
    assert_true(find(bytes, job.len_bytes, (const uint8_t[]){0x1d, '!', 0x77}, 3) != SIZE_MAX);
    free(bytes);
}

static void bytes_that_are_no_shift_jis_are_not_sent(void **state)
{
    uint8_t *bytes = malloc(PAPER_BYTES_MAX);
    struct paper_ticket ticket = ticket_of("ja", "");
    struct drawn drawn = {.half_a_character = true};

    (void)state;
    (void)encoded(&ticket, &drawn, bytes);
    assert_true(drawn.text_count > 10); /* every line is drawn instead */
    free(bytes);
}

static void a_code_is_stored_and_printed(void **state)
{
    const uint8_t print[] = {0x1d, '(', 'k', 3, 0, 49, 81, '0'};
    uint8_t *bytes = malloc(PAPER_BYTES_MAX);
    struct paper_ticket ticket = ticket_of("ja", "");
    struct drawn drawn = {0};
    struct paper_job job = encoded(&ticket, &drawn, bytes);
    uint8_t store[8] = {0x1d, '(', 'k', (uint8_t)(strlen(ticket.url) + 3), 0, 49, 80, '0'};
    size_t at = find(bytes, job.len_bytes, store, sizeof(store));

    (void)state;
    assert_true(at != SIZE_MAX);
    assert_memory_equal(bytes + at + sizeof(store), ticket.url, strlen(ticket.url));
    assert_memory_equal(bytes + at + sizeof(store) + strlen(ticket.url), print, sizeof(print));
    (void)strncpy(ticket.url, "x", sizeof(ticket.url)); /* the dots are no larger than eight */
    job = encoded(&ticket, &drawn, bytes);
    assert_true(find(bytes, job.len_bytes, (const uint8_t[]){49, 67, 8}, 3) != SIZE_MAX);
    ticket.url[0] = '\0';
    job = encoded(&ticket, &drawn, bytes);
    assert_true(find(bytes, job.len_bytes, print, sizeof(print)) == SIZE_MAX);
    free(bytes);
}

static void a_job_that_does_not_fit_is_refused(void **state)
{
    struct drawn drawn = {0};
    struct paper_glyphs glyphs = {.context = &drawn, .to_sjis = to_sjis, .draw = draw};
    struct paper_ticket ticket = ticket_of("ko", "B");
    struct paper_layout *layout = laid_out(&ticket, PAPER_WIDTH_DOTS);
    struct paper_bitmap *scratch = calloc(1, sizeof(*scratch));
    uint8_t *bytes = malloc(PAPER_BYTES_MAX);
    struct paper_job job;

    (void)state;
    for (size_t capacity_bytes = 0; capacity_bytes < 16000; capacity_bytes += 1000) {
        assert_false(paper_encode(layout, &glyphs, scratch, bytes, capacity_bytes, &job));
    }
    free(bytes);
    free(scratch);
    free(layout);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_are_at_least_eighteen_millimetres_high),
        cmocka_unit_test(a_job_sets_shift_jis_first_and_asks_behind_the_cut),
        cmocka_unit_test(a_line_outside_shift_jis_is_drawn),
        cmocka_unit_test(no_image_holds_a_command_that_is_executed_at_once),
        cmocka_unit_test(a_copy_says_so_and_an_original_does_not),
        cmocka_unit_test(a_test_print_has_no_number),
        cmocka_unit_test(a_paper_for_staff_has_its_lines_and_no_number),
        cmocka_unit_test(a_paper_for_staff_that_is_too_long_ends_with_a_whole_line),
        cmocka_unit_test(a_letter_stands_apart_and_is_explained),
        cmocka_unit_test(dates_are_of_the_era),
        cmocka_unit_test(waits_are_told_in_the_visitors_language),
        cmocka_unit_test(no_line_is_wider_than_the_paper_nor_begins_with_a_full_stop),
        cmocka_unit_test(bytes_that_are_no_characters_stay_single),
        cmocka_unit_test(without_a_font_the_printer_draws_the_number),
        cmocka_unit_test(a_drawing_that_is_not_sound_is_not_sent),
        cmocka_unit_test(bytes_that_are_no_shift_jis_are_not_sent),
        cmocka_unit_test(a_code_is_stored_and_printed),
        cmocka_unit_test(a_job_that_does_not_fit_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
