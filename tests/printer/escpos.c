#include "tests/printer/escpos.h"

#include <freetype/freetype.h>
#include <iconv.h>
#include <qrencode.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum byte {
    LF = 0x0a,
    DLE = 0x10,
    EOT = 0x04,
    ENQ = 0x05,
    DC4 = 0x14,
    ESC = 0x1b,
    FS = 0x1c,
    GS = 0x1d
};

enum {
    CELL_DOTS = 24,
    ANK_DOTS = 12,
    LINE_CHARS_MAX = 96,
    COMMAND_BYTES_MAX = 1024,
    KNIFE_DOTS = 96, /* between head and knife */
    DIGITS_ROWS = 140,
};

static const char font_file[] = "/usr/share/fonts/opentype/ipafont-gothic/ipag.ttf";

struct cell {
    uint16_t code;      /* Shift_JIS */
    uint8_t wide, high; /* times */
    bool bold, inverse;
};

struct escpos {
    struct escpos_paper paper;
    FT_Library library;
    FT_Face face;
    iconv_t converter;
    bool kanji_mode, sjis, bold, inverse, kanji_big;
    uint8_t ank_wide, ank_high, justify, lead;
    struct cell line[LINE_CHARS_MAX];
    size_t line_count;
    uint8_t command[COMMAND_BYTES_MAX]; /* one that is not whole yet */
    size_t command_bytes;
    size_t image_left_bytes, image_row_bytes, image_at;
    uint32_t image_first_row;
    uint8_t image_last;
    char qr[ESCPOS_QR_BYTES];
    uint8_t qr_dot;
    unsigned mistakes;
    char mistake[ESCPOS_MISTAKE_BYTES];
    uint32_t rows_max;
};

__attribute__((format(printf, 2, 3))) static void mistake(struct escpos *printer,
                                                          const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(printer->mistake, sizeof(printer->mistake), format, arguments);
    va_end(arguments);
    printer->mistakes++;
}

void escpos_reset(struct escpos *printer)
{
    printer->kanji_mode = printer->sjis = printer->bold = printer->inverse = printer->kanji_big =
        false;
    printer->ank_wide = printer->ank_high = 1;
    printer->justify = printer->lead = 0;
    printer->line_count = 0;
    printer->command_bytes = 0;
    printer->image_left_bytes = 0;
    printer->qr[0] = '\0';
    printer->qr_dot = 3;
}

struct escpos *escpos_create(void)
{
    struct escpos *printer = calloc(1, sizeof(*printer));

    if (printer == NULL || FT_Init_FreeType(&printer->library) != 0 ||
        FT_New_Face(printer->library, font_file, 0, &printer->face) != 0) {
        (void)fprintf(stderr, "escpos: %s is missing (fonts-ipafont-gothic)\n", font_file);
        abort();
    }
    printer->converter = iconv_open("UTF-8", "SHIFT_JIS");
    escpos_reset(printer);
    return printer;
}

void escpos_destroy(struct escpos *printer)
{
    if (printer != NULL) {
        (void)iconv_close(printer->converter);
        (void)FT_Done_Face(printer->face);
        (void)FT_Done_FreeType(printer->library);
        free(printer);
    }
}

const struct escpos_paper *escpos_paper(const struct escpos *printer)
{
    return &printer->paper;
}

void escpos_tear(struct escpos *printer)
{
    memset(&printer->paper, 0, sizeof(printer->paper));
}

unsigned escpos_mistakes(const struct escpos *printer, const char **ret_newest)
{
    *ret_newest = printer->mistake;
    return printer->mistakes;
}

/* ---- dots ----------------------------------------------------------------------------------------------- */

static void set_dot(struct escpos *printer, int x, int y, bool black)
{
    uint8_t *byte;

    if (x < 0 || y < 0 || x >= ESCPOS_WIDTH_DOTS || y >= (int)ESCPOS_ROWS_MAX) {
        return;
    }
    byte = &printer->paper.dots[(size_t)y * ESCPOS_ROW_BYTES + (size_t)x / 8];
    *byte = black ? (uint8_t)(*byte | 0x80U >> (x % 8)) : (uint8_t)(*byte & ~(0x80U >> (x % 8)));
}

static void feed(struct escpos *printer, uint32_t rows)
{
    printer->paper.rows += rows;
    if (printer->paper.rows > ESCPOS_ROWS_MAX) {
        mistake(printer, "a piece of paper longer than %d rows", ESCPOS_ROWS_MAX);
        printer->paper.rows = ESCPOS_ROWS_MAX;
    }
}

static int margin(const struct escpos *printer, int width)
{
    return printer->justify == 1   ? (ESCPOS_WIDTH_DOTS - width) / 2
           : printer->justify == 2 ? ESCPOS_WIDTH_DOTS - width
                                   : 0;
}

/* ---- text ------------------------------------------------------------------------------------------------ */

static size_t to_utf8(struct escpos *printer, uint16_t code, char text[8])
{
    char from[2] = {(char)(code >> 8), (char)code}, *in = from + (code < 0x100), *out = text;
    size_t in_bytes = code < 0x100 ? 1 : 2, out_bytes = 7;

    (void)iconv(printer->converter, NULL, NULL, NULL, NULL);
    if (iconv(printer->converter, &in, &in_bytes, &out, &out_bytes) == (size_t)-1) {
        mistake(printer, "no character %04x", code);
        return 0;
    }
    *out = '\0';
    return (size_t)(out - text);
}

static uint32_t code_point(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    return at[0] < 0x80   ? at[0]
           : at[0] < 0xe0 ? (at[0] & 0x1fU) << 6 | (at[1] & 0x3fU)
                          : (at[0] & 0x0fU) << 12 | (at[1] & 0x3fU) << 6 | (at[2] & 0x3fU);
}

static void draw_glyph(struct escpos *printer, const struct cell *cell, uint32_t code, int x, int y)
{
    FT_GlyphSlot glyph;
    int base = CELL_DOTS * 7 / 8;

    if (FT_Set_Pixel_Sizes(printer->face, 0, CELL_DOTS) != 0 ||
        FT_Load_Char(printer->face, code, FT_LOAD_RENDER | FT_LOAD_TARGET_MONO) != 0) {
        return;
    }
    glyph = printer->face->glyph;
    for (unsigned row = 0; row < glyph->bitmap.rows; row++) {
        const uint8_t *bits = glyph->bitmap.buffer + (long)row * glyph->bitmap.pitch;

        for (unsigned column = 0; column < glyph->bitmap.width; column++) {
            if ((bits[column / 8] & 0x80U >> (column % 8)) == 0) {
                continue;
            }
            for (int dy = 0; dy < cell->high; dy++) {
                for (int dx = 0; dx < cell->wide + cell->bold; dx++) {
                    set_dot(printer, x + ((int)column + glyph->bitmap_left) * cell->wide + dx,
                            y + (base - glyph->bitmap_top + (int)row) * cell->high + dy,
                            !cell->inverse);
                }
            }
        }
    }
}

static int cell_width(const struct cell *cell)
{
    return (cell->code < 0x100 ? ANK_DOTS : CELL_DOTS) * cell->wide;
}

static void end_line(struct escpos *printer)
{
    struct escpos_paper *paper = &printer->paper;
    int width = 0, high = 1, x;
    char *text = paper->texts[paper->text_count % ESCPOS_TEXTS_MAX];
    size_t text_bytes = 0;

    for (size_t i = 0; i < printer->line_count; i++) {
        width += cell_width(&printer->line[i]);
        high = printer->line[i].high > high ? printer->line[i].high : high;
    }
    if (width > ESCPOS_WIDTH_DOTS) {
        mistake(printer, "a line of %d dots", width);
    }
    x = margin(printer, width);
    for (size_t i = 0; i < printer->line_count; i++) {
        const struct cell *cell = &printer->line[i];
        int y = (int)paper->rows + (high - cell->high) * CELL_DOTS;
        char utf8[8];
        size_t len_bytes = to_utf8(printer, cell->code, utf8);

        if (cell->inverse) {
            for (int dot = 0; dot < cell_width(cell) * CELL_DOTS * cell->high; dot++) {
                set_dot(printer, x + dot % cell_width(cell), y + dot / cell_width(cell), true);
            }
        }
        if (len_bytes > 0) {
            draw_glyph(printer, cell, code_point(utf8), x, y);
            if (text_bytes + len_bytes < ESCPOS_TEXT_BYTES) {
                memcpy(text + text_bytes, utf8, len_bytes);
                text_bytes += len_bytes;
            }
        }
        x += cell_width(cell);
    }
    text[text_bytes] = '\0';
    if (printer->line_count > 0 && paper->text_count + 1 < ESCPOS_TEXTS_MAX) {
        paper->text_count++;
    }
    printer->line_count = 0;
    feed(printer, (uint32_t)(high > 1 ? high * CELL_DOTS : ESCPOS_LINE_DOTS));
}

static void put_char(struct escpos *printer, uint16_t code)
{
    bool kanji = code >= 0x100;
    uint8_t big = printer->kanji_big ? 2 : 1;

    if (printer->line_count == LINE_CHARS_MAX) {
        mistake(printer, "a line of more than %d characters", LINE_CHARS_MAX);
        return;
    }
    printer->line[printer->line_count++] = (struct cell){.code = code,
                                                         .wide = kanji ? big : printer->ank_wide,
                                                         .high = kanji ? big : printer->ank_high,
                                                         .bold = printer->bold,
                                                         .inverse = printer->inverse};
}

static void take_text(struct escpos *printer, uint8_t byte)
{
    if (printer->lead != 0) {
        if (byte < 0x40 || byte == 0x7f || byte > 0xfc) {
            mistake(printer, "half a character: %02x %02x", printer->lead, byte);
        } else {
            put_char(printer, (uint16_t)(printer->lead << 8 | byte));
        }
        printer->lead = 0;
    } else if (printer->kanji_mode && printer->sjis &&
               ((byte >= 0x81 && byte <= 0x9f) || (byte >= 0xe0 && byte <= 0xef))) {
        printer->lead = byte;
    } else if (byte < 0x20 || byte > 0x7e) {
        mistake(printer, "byte %02x is no character here", byte);
    } else {
        put_char(printer, byte);
    }
}

/* ---- commands -------------------------------------------------------------------------------------------- */

static void print_qr(struct escpos *printer)
{
    QRcode *code = QRcode_encodeString8bit(printer->qr, 0, QR_ECLEVEL_M);
    int dot = printer->qr_dot, x, width;

    if (printer->qr[0] == '\0' || code == NULL) {
        mistake(printer, "a code without its data");
        QRcode_free(code);
        return;
    }
    width = code->width * dot;
    x = margin(printer, width);
    for (int i = 0; i < width * width; i++) {
        int row = i / width, column = i % width;

        if ((code->data[row / dot * code->width + column / dot] & 1) != 0) {
            set_dot(printer, x + column, (int)printer->paper.rows + row, true);
        }
    }
    QRcode_free(code);
    memcpy(printer->paper.qr, printer->qr, sizeof(printer->paper.qr));
    feed(printer, (uint32_t)width);
}

static void take_qr(struct escpos *printer, const uint8_t *parameters, size_t len_bytes)
{
    if (len_bytes < 3 || parameters[0] != 49) {
        mistake(printer, "GS ( k of an unknown symbol");
    } else if (parameters[1] == 65 && len_bytes == 4 && parameters[2] == 50 && parameters[3] == 0) {
        return;
    } else if (parameters[1] == 67 && len_bytes == 3 && parameters[2] >= 1 && parameters[2] <= 16) {
        printer->qr_dot = parameters[2];
    } else if (parameters[1] == 69 && len_bytes == 3 && parameters[2] == 49) {
        return;
    } else if (parameters[1] == 80 && parameters[2] == 48 && len_bytes - 3 < ESCPOS_QR_BYTES) {
        memcpy(printer->qr, parameters + 3, len_bytes - 3);
        printer->qr[len_bytes - 3] = '\0';
    } else if (parameters[1] == 81 && len_bytes == 3 && parameters[2] == 48) {
        print_qr(printer);
    } else {
        mistake(printer, "GS ( k function %u of %zu bytes", parameters[1], len_bytes);
    }
}

static void begin_image(struct escpos *printer, const uint8_t *command)
{
    size_t row_bytes = command[4] + 256U * command[5], rows = command[6] + 256U * command[7];

    if (command[3] != 0 || row_bytes == 0 || rows == 0 || row_bytes > ESCPOS_ROW_BYTES) {
        mistake(printer, "an image of %zu bytes and %zu rows, mode %u", row_bytes, rows,
                command[3]);
    }
    if (printer->line_count > 0) {
        mistake(printer, "an image within a line of text");
    }
    printer->image_row_bytes = row_bytes;
    printer->image_left_bytes = row_bytes * rows;
    printer->image_at = 0;
    printer->image_last = 0;
    printer->image_first_row = printer->paper.rows;
    printer->paper.rasters++;
    printer->paper.rasters_high += rows > DIGITS_ROWS;
}

static void take_image_byte(struct escpos *printer, uint8_t byte)
{
    size_t row = printer->image_at / printer->image_row_bytes;
    size_t column = printer->image_at % printer->image_row_bytes;
    int x = margin(printer, (int)printer->image_row_bytes * 8) + (int)column * 8;

    if (printer->image_at > 0 && printer->image_last == DLE &&
        (byte == EOT || byte == ENQ || byte == DC4)) {
        mistake(printer, "an image holds a command that is executed at once");
    }
    for (int bit = 0; bit < 8; bit++) {
        if ((byte & 0x80U >> bit) != 0) {
            set_dot(printer, x + bit, (int)(printer->image_first_row + row), true);
        }
    }
    printer->image_last = byte;
    printer->image_at++;
    printer->image_left_bytes--;
    if (column + 1 == printer->image_row_bytes) {
        feed(printer, 1);
    }
}

/* How long the command is that begins so; 0: that is not known yet; -1: there is no such command. */
static int command_length(const uint8_t *c, size_t have)
{
    if (have < 2) {
        return 0;
    }
    if (c[0] == ESC) {
        return c[1] == '@' || c[1] == '2' ? 2 : c[1] == 'a' || c[1] == 'E' || c[1] == 'd' ? 3 : -1;
    }
    if (c[0] == FS) {
        return c[1] == '&' || c[1] == '.' ? 2 : c[1] == 'C' || c[1] == '!' ? 3 : -1;
    }
    if (c[0] == DLE) { /* was done when it came */
        return c[1] == EOT || c[1] == ENQ ? 3 : c[1] == DC4 ? 10 : -1;
    }
    if (c[1] == '!' || c[1] == 'B' || c[1] == 'r' || c[1] == 'a') {
        return 3;
    }
    if (c[1] == 'V') {
        return have < 3 ? 0 : c[2] == 65 || c[2] == 66 ? 4 : c[2] <= 1 ? 3 : -1;
    }
    if (c[1] == 'v') {
        return have < 3 ? 0 : c[2] == '0' ? 8 : -1;
    }
    if (c[1] == '(') {
        return have < 5 ? 0 : c[2] == 'k' ? 5 + c[3] + 256 * c[4] : -1;
    }
    return -1;
}

static void set_kanji_size(struct escpos *printer, uint8_t bits)
{
    if (bits != 0 && bits != 0x0c) {
        mistake(printer, "FS ! %02x: wide or high alone", bits);
    }
    printer->kanji_big = bits == 0x0c;
}

static enum escpos_step do_gs(struct escpos *printer, const uint8_t *c, size_t len_bytes)
{
    switch (c[1]) {
    case '!':
        printer->ank_wide = (uint8_t)((c[2] >> 4 & 7) + 1);
        printer->ank_high = (uint8_t)((c[2] & 7) + 1);
        return ESCPOS_MORE;
    case 'B':
        printer->inverse = (c[2] & 1) != 0;
        return ESCPOS_MORE;
    case 'a':
        return ESCPOS_REPORT;
    case 'r':
        if (c[2] != 1 && c[2] != 49) {
            mistake(printer, "GS r %u", c[2]);
        }
        return ESCPOS_ASKED;
    case 'v':
        begin_image(printer, c);
        return ESCPOS_MORE;
    case '(':
        take_qr(printer, c + 5, len_bytes - 5);
        return ESCPOS_MORE;
    default: /* V */
        if (printer->line_count > 0) {
            mistake(printer, "a cut within a line");
        }
        feed(printer, KNIFE_DOTS);
        return ESCPOS_CUT;
    }
}

static enum escpos_step do_command(struct escpos *printer)
{
    const uint8_t *c = printer->command;

    if (c[0] == DLE) {
        return ESCPOS_MORE;
    }
    if (c[0] == GS) {
        return do_gs(printer, c, printer->command_bytes);
    }
    if (c[0] == ESC && c[1] == '@') {
        escpos_reset(printer);
    } else if (c[0] == ESC && c[1] == 'a') {
        printer->justify = c[2];
    } else if (c[0] == ESC && c[1] == 'E') {
        printer->bold = (c[2] & 1) != 0;
    } else if (c[0] == ESC && c[1] == 'd') {
        feed(printer, (uint32_t)c[2] * ESCPOS_LINE_DOTS);
    } else if (c[0] == FS && c[1] == 'C') {
        printer->sjis = c[2] == 1 || c[2] == 49;
    } else if (c[0] == FS && c[1] == '!') {
        set_kanji_size(printer, c[2]);
    } else if (c[0] == FS) {
        printer->kanji_mode = c[1] == '&';
    }
    return ESCPOS_MORE;
}

static enum escpos_step take_command_byte(struct escpos *printer, uint8_t byte)
{
    enum escpos_step step;
    int len_bytes;

    printer->command[printer->command_bytes++] = byte;
    len_bytes = command_length(printer->command, printer->command_bytes);
    if (len_bytes < 0 || len_bytes > COMMAND_BYTES_MAX) {
        mistake(printer, "unknown command %02x %02x %02x", printer->command[0], printer->command[1],
                printer->command_bytes > 2 ? printer->command[2] : 0);
        printer->command_bytes = 0;
        return ESCPOS_MORE;
    }
    if (len_bytes == 0 || printer->command_bytes < (size_t)len_bytes) {
        return ESCPOS_MORE;
    }
    step = do_command(printer);
    printer->command_bytes = 0;
    return step;
}

static enum escpos_step take(struct escpos *printer, uint8_t byte)
{
    if (printer->image_left_bytes > 0) {
        take_image_byte(printer, byte);
    } else if (printer->command_bytes > 0) {
        return take_command_byte(printer, byte);
    } else if (printer->lead == 0 && (byte == ESC || byte == FS || byte == GS || byte == DLE)) {
        return take_command_byte(printer, byte);
    } else if (printer->lead == 0 && byte == LF) {
        end_line(printer);
    } else if (printer->lead != 0 || byte != 0) { /* a zero between commands is nothing */
        take_text(printer, byte);
    }
    return ESCPOS_MORE;
}

enum escpos_step escpos_print(struct escpos *printer, const uint8_t *bytes, size_t len_bytes,
                              uint32_t rows_max, size_t *ret_taken)
{
    enum escpos_step step = ESCPOS_MORE;
    size_t at = 0;

    while (at < len_bytes && step == ESCPOS_MORE) {
        if (printer->paper.rows >= rows_max) {
            step = ESCPOS_FULL;
            break;
        }
        step = take(printer, bytes[at++]);
    }
    *ret_taken = at;
    return step;
}

void escpos_describe(const struct escpos_paper *paper, bool whole, char *text,
                     size_t capacity_bytes)
{
    size_t at = (size_t)snprintf(
        text, capacity_bytes, "{\"whole\":%s,\"rows\":%u,\"digits\":%u,\"qr\":\"%s\",\"texts\":[",
        whole ? "true" : "false", paper->rows, paper->rasters_high, paper->qr);

    for (size_t i = 0; i < paper->text_count && at + 2 * (size_t)ESCPOS_TEXT_BYTES < capacity_bytes;
         i++) {
        text[at++] = i > 0 ? ',' : ' ';
        text[at++] = '"';
        for (const char *from = paper->texts[i]; *from != '\0'; from++) {
            if (*from == '"' || *from == '\\') {
                text[at++] = '\\';
            }
            text[at++] = *from;
        }
        text[at++] = '"';
    }
    (void)snprintf(text + at, capacity_bytes - at, "]}");
}
