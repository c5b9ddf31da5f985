/*
 * appliance/devices/paper/paper.h - a ticket on paper: what stands where, and its bytes as ESC/POS.
 *
 * Decides: the lines of a ticket, of a copy (再発行) and of a test print (試), how a letter differs in
 * shape from a digit, and every byte that goes to the printer. Decides not: which paper is an original
 * (engine), whether a printer can print (printer.h), how a glyph looks (the caller draws).
 *
 * Pure: glyphs and Shift_JIS come through struct paper_glyphs. A line whose characters are all in
 * Shift_JIS goes as text in the printer's kanji mode; any other line is drawn and sent as a raster.
 *
 * Size of the digits. 203 dpi: 25.4 mm are 203 dots, so 18 mm are 18 * 203 / 25.4 = 143.9 dots. Digits are
 * drawn PAPER_DIGIT_DOTS = 160 dots high: 20.0 mm. Without a font they come from the printer: 24 dots
 * eight times as high, of which a digit takes at least 18 rows: 144 dots.
 *
 * A printer executes DLE EOT, DLE ENQ and DLE DC4 wherever they are met, also within image data
 * (field-queue.md 7). So no two neighbouring bytes of a job are ever one of these; where an image would
 * hold them one dot beside a black one is made black, 0.13 mm.
 */
#ifndef APPLIANCE_DEVICES_PAPER_PAPER_H
#define APPLIANCE_DEVICES_PAPER_PAPER_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum paper_limit {
    PAPER_DPI = 203,
    PAPER_WIDTH_DOTS = 576,     /* of a roll of 80 mm; 384: of 58 mm */
    PAPER_WIDTH_DOTS_MIN = 384,
    PAPER_COLUMN_DOTS = 12,     /* a digit of the printer's font; a kanji takes two columns */
    PAPER_CELL_DOTS = 24,
    PAPER_LINE_DOTS = 34,       /* ESC 2: a sixth of an inch */
    PAPER_DIGIT_MM_MIN = 18,
    PAPER_DIGIT_DOTS = 160,
    PAPER_NUMBER_DOTS = 192,    /* the digits, and the box of a letter around them */
    PAPER_SCALE_MAX = 8,
    PAPER_CUT_FEED_DOTS = 96,   /* GS V 66: to the knife, about 12 mm */
    PAPER_RULE_DOTS = 3,
    PAPER_SPACE_DOTS = 12,
    PAPER_ITEMS_MAX = 320,
    PAPER_REPORT_BYTES = 2048,
    PAPER_TEXT_BYTES = 192,     /* one line, UTF-8, with its closing zero */
    PAPER_NAME_BYTES = 64,
    PAPER_URL_BYTES = 160,
    PAPER_BITMAP_BYTES_MAX = PAPER_WIDTH_DOTS / 8 * PAPER_NUMBER_DOTS,
    PAPER_BYTES_MAX = 64 * 1024,
    PAPER_NO_ESTIMATE = 65535,
    PAPER_QR_DOT_MIN = 3,
    PAPER_QR_DOT_MAX = 8,
    PAPER_QR_VERSION_MAX = 10,  /* 57 modules: 213 bytes at level M */
    PAPER_QR_BYTES_MAX = 213,
};
static_assert(PAPER_DIGIT_DOTS * 254 >= PAPER_DIGIT_MM_MIN * 10 * PAPER_DPI, "digits are 18 mm high");
static_assert(PAPER_URL_BYTES - 1 <= PAPER_QR_BYTES_MAX, "every URL fits the largest code used");

/* REPORT: for staff, `text` alone. */
enum paper_kind { PAPER_ORIGINAL = 1, PAPER_COPY = 2, PAPER_TEST = 3, PAPER_REPORT = 4 };

/* What one paper says. Texts are UTF-8, closed by a zero; empty: left out. */
struct paper_ticket {
    enum paper_kind kind;
    char site_ja[PAPER_NAME_BYTES], site_en[PAPER_NAME_BYTES];
    char place_ja[PAPER_NAME_BYTES], place_en[PAPER_NAME_BYTES];
    char category_ja[PAPER_NAME_BYTES], category_en[PAPER_NAME_BYTES];
    char language[8];          /* "ja", "ja-easy", "en", "zh", "ko" */
    char unit_ja[PAPER_NAME_BYTES], unit_en[PAPER_NAME_BYTES]; /* whose letter it is */
    uint32_t date;             /* yyyymmdd */
    uint16_t minute;           /* of the day, local time */
    uint16_t number;
    char series[16];           /* "" plain, else such as "B", "B2" */
    uint16_t waiting_ahead;
    uint16_t estimate_s;       /* PAPER_NO_ESTIMATE: none */
    char url[PAPER_URL_BYTES]; /* the visitor's own page; empty: no code */
    /* REPORT: lines closed by \n; one that begins with ! is large on black, with # bold, and - is a rule. What has
     * no room on the paper is left out. */
    char text[PAPER_REPORT_BYTES];
};

enum paper_item_kind {
    PAPER_TEXT = 1,
    PAPER_NUMBER = 2, /* text: the digits; series: what follows, in a box */
    PAPER_QR = 3,
    PAPER_RULE = 4,
    PAPER_FEED = 5,   /* `scale` lines */
    PAPER_SPACE = 6,  /* a third of one */
};

struct paper_item {
    enum paper_item_kind kind;
    uint8_t scale;    /* 1 or 2 times as wide and high */
    bool bold, inverse;
    char text[PAPER_TEXT_BYTES];
    char series[16];
};

struct paper_layout {
    uint16_t width_dots;
    size_t item_count;
    struct paper_item items[PAPER_ITEMS_MAX];
};

/* Rows from the top, most significant bit left, 1 is black; a row is (width_dots + 7) / 8 bytes. */
struct paper_bitmap {
    uint16_t width_dots, height_dots;
    uint8_t bits[PAPER_BITMAP_BYTES_MAX];
};

struct paper_glyphs {
    void *context;
    /* The text's bytes in Shift_JIS (JIS X 0208); 0: not every character has one, or no room. */
    size_t (*to_sjis)(void *context, const char *text, uint8_t *bytes, size_t capacity_bytes);
    /* Draws a PAPER_TEXT or PAPER_NUMBER no wider than width_dots; false: it cannot. */
    bool (*draw)(void *context, const struct paper_item *item, uint16_t width_dots,
                 struct paper_bitmap *ret_bitmap);
};

/* What a job is: how much paper and how many cuts it takes, for the counters. */
struct paper_job {
    size_t len_bytes;
    uint32_t height_dots; /* estimated from the layout; a printer does not tell */
    uint16_t cuts;
};

void paper_lay_out(const struct paper_ticket *ticket, uint16_t width_dots,
                   struct paper_layout *ret_layout);
/* Ends with GS r 1: the printer answers when it has come so far. The scratch belongs to the caller.
 * False: does not fit. */
bool paper_encode(const struct paper_layout *layout, const struct paper_glyphs *glyphs,
                  struct paper_bitmap *scratch, uint8_t *bytes, size_t capacity_bytes,
                  struct paper_job *ret_job);

/* "令和8年11月24日（火）", and the same in English; from 2019-05-01 on, before that the Western year. */
void paper_date_ja(uint32_t date, char text[PAPER_NAME_BYTES]);
void paper_date_en(uint32_t date, char text[PAPER_NAME_BYTES]);
/* Columns that a text takes in the printer's font. */
size_t paper_columns(const char *text);
/* One byte that a printer would act on at once, were it to follow `before`. */
bool paper_pair_is_command(uint8_t before, uint8_t byte);

#endif
