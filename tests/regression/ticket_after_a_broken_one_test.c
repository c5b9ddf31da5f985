/* A connection broke in the middle of a ticket, within the picture of its number. On the next connection the driver
 * sent 8192 zeros, as is usual, to end whatever was cut off, and ESC @. The picture lacked more than that: the rest of
 * the zeros' work was done by the next ticket, and what it lost was its head, with 再発行 in it. A copy came out that
 * looked like an original. Seen in an office with a printer that hangs up after 4,000 bytes (tests/integration/
 * printer.mjs); here for a break after every few bytes of a ticket. */
#include "appliance/devices/glyphs.h"
#include "appliance/devices/printer/printer.h"
#include "tests/printer/escpos.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

enum { STEP_BYTES = 131 };

static size_t job_of(struct glyphs *glyphs, enum paper_kind kind, uint8_t *bytes)
{
    const struct paper_ticket ticket = {.kind = kind,
                                        .site_ja = "都市計画課",
                                        .category_ja = "照会",
                                        .language = "ko",
                                        .date = 20261124,
                                        .number = 106,
                                        .series = "B",
                                        .url = "http://10.90.0.10/status?ticket=0"};
    struct paper_glyphs of_paper = glyphs_for_paper(glyphs);
    struct paper_layout *layout = calloc(1, sizeof(*layout));
    struct paper_bitmap *scratch = calloc(1, sizeof(*scratch));
    struct paper_job job;

    paper_lay_out(&ticket, PAPER_WIDTH_DOTS, layout);
    assert_true(paper_encode(layout, &of_paper, scratch, bytes, PAPER_BYTES_MAX, &job));
    free(layout);
    free(scratch);
    return job.len_bytes;
}

/* What a printer driver sends on the connection after one that broke within a job. */
static struct printer_actions greeting_after_a_break(void)
{
    static const uint8_t answer = 0x12, drained = 0x00;
    struct printer printer;
    struct printer_actions actions = {0};
    struct printer_event event = {.kind = PRINTER_WANT, .on = true};

    printer_init(&printer);
    printer_step(&printer, &event, &actions);
    event.kind = PRINTER_OPENED;
    printer_step(&printer, &event, &actions);
    event = (struct printer_event){.kind = PRINTER_BYTES, .bytes = &drained, .len_bytes = 1};
    printer_step(&printer, &event, &actions);
    event.bytes = &answer;
    for (int i = 0; i < 2 * PRINTER_QUESTIONS; i++) {
        if (i == PRINTER_QUESTIONS) {
            event.kind = PRINTER_JOB;
            printer_step(&printer, &event, &actions);
            event.kind = PRINTER_BYTES;
        }
        printer_step(&printer, &event, &actions);
    }
    assert_true(actions.send_job);
    event.kind = PRINTER_CLOSED;
    printer_step(&printer, &event, &actions);
    assert_int_equal(actions.outcome, PRINTER_UNKNOWN);
    event = (struct printer_event){.kind = PRINTER_TIME, .now_ms = printer_deadline_ms(&printer)};
    printer_step(&printer, &event, &actions);
    event.kind = PRINTER_OPENED;
    printer_step(&printer, &event, &actions);
    return actions;
}

static bool says_copy(const struct escpos_paper *paper)
{
    for (size_t i = 0; i < paper->text_count; i++) {
        if (strstr(paper->texts[i], "再発行 COPY") != NULL) {
            return true;
        }
    }
    return false;
}

static void print_all(struct escpos *printer, const uint8_t *bytes, size_t len_bytes)
{
    size_t at = 0, taken;

    while (at < len_bytes &&
           escpos_print(printer, bytes + at, len_bytes - at, UINT32_MAX, &taken) != ESCPOS_CUT) {
        at += taken;
    }
}

static void a_copy_says_so_wherever_the_ticket_before_it_broke(void **state)
{
    struct printer_actions greeting = greeting_after_a_break();
    uint8_t *broken = malloc(PAPER_BYTES_MAX), *copy = malloc(PAPER_BYTES_MAX);
    struct glyphs *glyphs = NULL;
    size_t broken_bytes, copy_bytes;

    (void)state;
    assert_int_equal(glyphs_create(NULL, &glyphs), 0);
    broken_bytes = job_of(glyphs, PAPER_ORIGINAL, broken);
    copy_bytes = job_of(glyphs, PAPER_COPY, copy);
    for (size_t cut = 1; cut < broken_bytes; cut += STEP_BYTES) {
        struct escpos *printer = escpos_create();

        print_all(printer, broken, cut);
        print_all(printer, greeting.send, greeting.send_bytes); /* up to its cut */
        escpos_tear(printer);
        print_all(printer, copy, copy_bytes);
        assert_true(says_copy(escpos_paper(printer)));
        escpos_destroy(printer);
    }
    glyphs_destroy(glyphs);
    free(broken);
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_says_so_wherever_the_ticket_before_it_broke),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
