/* Tickets as they come out of a printer: laid out, encoded, and decoded again by tests/printer, which knows our
 * encoder as little as a real printer does. A picture that has changed is written to build/tickets: look at it, and
 * if it is better, put its number here. */
#include "appliance/devices/glyphs.h"
#include "base/check.h"
#include "tests/printer/escpos.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct paper_ticket usual(const char *language, uint16_t number, const char *series)
{
    struct paper_ticket ticket = {
        .kind = PAPER_ORIGINAL,
        .site_ja = "世田谷区 都市計画課 総合受付",
        .site_en = "Setagaya City Planning Division",
        .place_ja = "2階 都市計画課 待合ロビー",
        .place_en = "Waiting lobby, 2nd floor",
        .category_ja = "用途地域・都市計画の照会",
        .category_en = "Zoning and planning inquiries",
        .date = 20261124,
        .minute = 9 * 60 + 5,
        .number = number,
        .waiting_ahead = 3,
        .estimate_s = 900,
        .url = "http://10.90.0.10/status?ticket=3f9a52c04be1d7786a0c1f2e3d4b5a69",
    };

    (void)strncpy(ticket.language, language, sizeof(ticket.language) - 1);
    (void)strncpy(ticket.series, series, sizeof(ticket.series) - 1);
    if (series[0] != '\0') {
        (void)strncpy(ticket.unit_ja, "2号機", sizeof(ticket.unit_ja) - 1);
    }
    return ticket;
}

static size_t encode(const struct paper_ticket *ticket, uint16_t width_dots, uint8_t *bytes,
                     struct paper_job *ret_job)
{
    struct glyphs *glyphs = NULL;
    struct paper_layout *layout = calloc(1, sizeof(*layout));
    struct paper_bitmap *scratch = calloc(1, sizeof(*scratch));
    struct paper_glyphs of_paper;

    assert_int_equal(glyphs_create(NULL, &glyphs), 0);
    assert_int_equal(glyphs_font_count(glyphs), 5);
    of_paper = glyphs_for_paper(glyphs);
    paper_lay_out(ticket, width_dots, layout);
    assert_true(paper_encode(layout, &of_paper, scratch, bytes, PAPER_BYTES_MAX, ret_job));
    glyphs_destroy(glyphs);
    free(layout);
    free(scratch);
    return ret_job->len_bytes;
}

/* Prints it; the paper is left in *ret_printer. */
static const struct escpos_paper *print(const struct paper_ticket *ticket,
                                        struct escpos **ret_printer)
{
    struct escpos *printer = escpos_create();
    uint8_t *bytes = malloc(PAPER_BYTES_MAX);
    struct paper_job job;
    size_t len_bytes = encode(ticket, PAPER_WIDTH_DOTS, bytes, &job), taken = 0, more = 0;
    const char *newest;

    assert_int_equal(escpos_print(printer, bytes, len_bytes, UINT32_MAX, &taken), ESCPOS_CUT);
    assert_int_equal(escpos_mistakes(printer, &newest), 0);
    /* What we count as used is what came out, within a line. */
    assert_in_range(job.height_dots, escpos_paper(printer)->rows - ESCPOS_LINE_DOTS,
                    escpos_paper(printer)->rows + ESCPOS_LINE_DOTS);
    assert_int_equal(escpos_print(printer, bytes + taken, len_bytes - taken, UINT32_MAX, &more),
                     ESCPOS_ASKED);
    assert_int_equal(taken + more, len_bytes);
    free(bytes);
    *ret_printer = printer;
    return escpos_paper(printer);
}

static uint64_t picture_of(const struct escpos_paper *paper)
{
    uint64_t hash = 0xcbf29ce484222325ULL;

    for (size_t i = 0; i < (size_t)paper->rows * ESCPOS_ROW_BYTES; i++) {
        hash = (hash ^ paper->dots[i]) * 0x100000001b3ULL;
    }
    return hash;
}

static bool says(const struct escpos_paper *paper, const char *text)
{
    for (size_t i = 0; i < paper->text_count; i++) {
        if (strstr(paper->texts[i], text) != NULL) {
            return true;
        }
    }
    return false;
}

static void tickets_look_as_they_did(void **state)
{
    struct {
        const char *name, *language, *series;
        uint16_t number;
        enum paper_kind kind;
        uint64_t picture;
    } cases[] = {
        {"plain-ja", "ja", "", 106, PAPER_ORIGINAL, 0x6dda738d89f562ae},
        {"letter-ja", "ja", "B", 106, PAPER_ORIGINAL, 0x5e5bafa139b9b496},
        {"copy-ja", "ja", "", 106, PAPER_COPY, 0x9f9f33e59d5a3617},
        {"test", "ja", "", 0, PAPER_TEST, 0x1b01a5abd1bed212},
        {"plain-easy", "ja-easy", "", 444, PAPER_ORIGINAL, 0x55f18c35df57285a},
        {"plain-en", "en", "", 309, PAPER_ORIGINAL, 0xfd5b45a70565df1e},
        {"letter-zh", "zh", "A2", 1614, PAPER_ORIGINAL, 0x302c33d3513981ce},
        {"plain-ko", "ko", "", 801, PAPER_ORIGINAL, 0x3f3a75162e74c5e7},
        {"longest", "ja", "ABC123", 9999, PAPER_COPY, 0x02ecfc88220f7f0e},
    };

    (void)state;
    (void)mkdir("build", 0755);
    (void)mkdir("build/tickets", 0755);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct paper_ticket ticket = usual(cases[i].language, cases[i].number, cases[i].series);
        struct escpos *printer = NULL;
        const struct escpos_paper *paper;
        char path[128];

        ticket.kind = cases[i].kind;
        if (ticket.kind == PAPER_TEST) {
            ticket.url[0] = '\0';
        }
        paper = print(&ticket, &printer);
        (void)snprintf(path, sizeof(path), "build/tickets/%s.png", cases[i].name);
        assert_int_equal(escpos_write_png(paper, path), 0);
        if (picture_of(paper) != cases[i].picture) {
            print_message("%s is another picture: 0x%016llx, see %s\n", cases[i].name,
                          (unsigned long long)picture_of(paper), path);
        }
        cases[i].picture = picture_of(paper) == cases[i].picture;
        escpos_destroy(printer);
    }
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_true(cases[i].picture);
    }
}

/* Rows with ink, of black or of white on black. */
static int ink_rows(const char *text, const char *series)
{
    struct glyphs *glyphs = NULL;
    struct paper_bitmap *bitmap = calloc(1, sizeof(*bitmap));
    struct paper_item item = {.kind = PAPER_NUMBER, .scale = 1};
    struct paper_glyphs of_paper;
    int first = -1, last = -1;

    assert_int_equal(glyphs_create(NULL, &glyphs), 0);
    of_paper = glyphs_for_paper(glyphs);
    (void)strncpy(item.text, text, sizeof(item.text) - 1);
    (void)strncpy(item.series, series, sizeof(item.series) - 1);
    assert_true(of_paper.draw(of_paper.context, &item, PAPER_WIDTH_DOTS, bitmap));
    for (int row = 0; row < bitmap->height_dots; row++) {
        for (int x = 0; x < PAPER_WIDTH_DOTS; x++) {
            const uint8_t *dots = &bitmap->bits[row * (PAPER_WIDTH_DOTS / 8)];

            if ((dots[x / 8] & 0x80U >> (x % 8)) != 0) {
                first = first < 0 ? row : first;
                last = row;
            }
        }
    }
    glyphs_destroy(glyphs);
    free(bitmap);
    return last - first + 1;
}

static void every_digit_is_eighteen_millimetres_high(void **state)
{
    static const char *const digits[] = {"0", "1", "2", "3", "4",    "5",
                                         "6", "7", "8", "9", "1111", "9999"};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(digits); i++) {
        assert_true(ink_rows(digits[i], "") * 254 >= PAPER_DIGIT_MM_MIN * 10 * PAPER_DPI);
        assert_true(ink_rows(digits[i], "") < PAPER_NUMBER_DOTS);
    }
    assert_int_equal(ink_rows("106", "B"), PAPER_NUMBER_DOTS); /* the box fills it */
}

static void the_code_leads_to_the_visitors_own_page(void **state)
{
    struct paper_ticket ticket = usual("ja", 106, "");
    struct escpos *printer = NULL;
    const struct escpos_paper *paper = print(&ticket, &printer);

    (void)state;
    assert_string_equal(paper->qr, ticket.url);
    assert_int_equal(paper->rasters_high, 1);
    assert_true(says(paper, "令和8年11月24日（火） 9時05分"));
    assert_true(says(paper, "用途地域・都市計画の照会") && !says(paper, "再発行"));
    escpos_destroy(printer);
    ticket.kind = PAPER_COPY;
    assert_true(says(print(&ticket, &printer), " 再発行 COPY "));
    escpos_destroy(printer);
}

static void a_narrow_roll_takes_the_same_ticket(void **state)
{
    struct paper_ticket ticket = usual("ko", 1614, "B");
    uint8_t *bytes = malloc(PAPER_BYTES_MAX);
    struct escpos *printer = escpos_create();
    struct paper_job job;
    size_t taken = 0;
    const char *newest;

    (void)state;
    (void)encode(&ticket, PAPER_WIDTH_DOTS_MIN, bytes, &job);
    assert_int_equal(escpos_print(printer, bytes, job.len_bytes, UINT32_MAX, &taken), ESCPOS_CUT);
    assert_int_equal(escpos_mistakes(printer, &newest), 0);
    assert_int_equal(escpos_write_png(escpos_paper(printer), "build/tickets/narrow-ko.png"), 0);
    escpos_destroy(printer);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tickets_look_as_they_did),
        cmocka_unit_test(every_digit_is_eighteen_millimetres_high),
        cmocka_unit_test(the_code_leads_to_the_visitors_own_page),
        cmocka_unit_test(a_narrow_roll_takes_the_same_ticket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
