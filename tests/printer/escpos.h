/*
 * tests/printer/escpos.h - the other side of appliance/devices: a printer that understands ESC/POS strictly.
 *
 * Decides: what stands on the paper after these bytes, dot by dot, and whether a real printer would have understood
 * them. Written from the command descriptions, without a look at what our encoder sends: what is not known is a
 * mistake and is counted, never skipped in silence. Text is drawn with a font of Debian, codes by libqrencode.
 */
#ifndef TESTS_PRINTER_ESCPOS_H
#define TESTS_PRINTER_ESCPOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum escpos_limit {
    ESCPOS_WIDTH_DOTS = 576,
    ESCPOS_ROW_BYTES = ESCPOS_WIDTH_DOTS / 8,
    ESCPOS_ROWS_MAX = 4000,
    ESCPOS_TEXTS_MAX = 64,
    ESCPOS_TEXT_BYTES = 256,
    ESCPOS_QR_BYTES = 512,
    ESCPOS_LINE_DOTS = 34,
    ESCPOS_MISTAKE_BYTES = 160,
};

/* One piece of paper: up to a cut, or what hung out of the printer. */
struct escpos_paper {
    uint32_t rows;
    uint8_t dots[ESCPOS_ROWS_MAX * ESCPOS_ROW_BYTES];
    char texts[ESCPOS_TEXTS_MAX][ESCPOS_TEXT_BYTES]; /* UTF-8, one a line */
    size_t text_count;
    char qr[ESCPOS_QR_BYTES];
    unsigned rasters, rasters_high; /* high: more than 140 rows: digits */
};

struct escpos;

struct escpos *escpos_create(void);
void escpos_destroy(struct escpos *printer);
enum escpos_step {
    ESCPOS_MORE,     /* all bytes were taken */
    ESCPOS_CUT,      /* the paper is cut: take it, then go on behind *ret_taken */
    ESCPOS_ASKED,    /* GS r 1 */
    ESCPOS_REPORT,   /* GS a: from now on it reports by itself */
    ESCPOS_FULL,     /* so many rows were printed as were allowed: the paper has ended */
};
/* Prints; stops at the first thing that is of interest outside. rows_max: as many rows as there is paper for. */
enum escpos_step escpos_print(struct escpos *printer, const uint8_t *bytes, size_t len_bytes,
                              uint32_t rows_max, size_t *ret_taken);
/* What hangs out now. */
const struct escpos_paper *escpos_paper(const struct escpos *printer);
/* A new piece begins. */
void escpos_tear(struct escpos *printer);
/* Forgets a command that was cut off, and all settings. */
void escpos_reset(struct escpos *printer);
/* How often something was not understood, and the newest of it. */
unsigned escpos_mistakes(const struct escpos *printer, const char **ret_newest);

/* The paper as a PNG of one bit a dot. 0 or negative errno. */
int escpos_write_png(const struct escpos_paper *paper, const char *path);
/* The same, as JSON on one line without an end of line. */
void escpos_describe(const struct escpos_paper *paper, bool whole, char *text, size_t capacity_bytes);

#endif
