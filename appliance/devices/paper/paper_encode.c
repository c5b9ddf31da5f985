/* The bytes of a ticket. Commands are those that Epson's and compatible printers share; nothing here depends
 * on a printer's own settings: all that matters is set at the beginning. */
#include "appliance/devices/paper/paper.h"

#include "base/check.h"

#include <string.h>

enum byte {
    LF = 0x0a,
    DLE = 0x10,
    EOT = 0x04,
    ENQ = 0x05,
    DC4 = 0x14,
    ESC = 0x1b,
    FS = 0x1c,
    GS = 0x1d,
};

enum {
    QR_FUNCTION_MODEL = 65,
    QR_FUNCTION_DOT = 67,
    QR_FUNCTION_LEVEL = 69,
    QR_FUNCTION_STORE = 80,
    QR_FUNCTION_PRINT = 81,
    QR_SYMBOL = 49,
    QR_MODEL_2 = 50,
    QR_LEVEL_M = 49,
    QR_QUIET_MODULES = 8,
    QR_WIDTH_DOTS_MAX = 280, /* 35 mm: read from a hand's distance, and paper is not wasted */
    KANJI_WIDE = 0x04,       /* FS ! */
    KANJI_HIGH = 0x08,
    WIDE_SHIFT = 4, /* GS ! */
    CUT_PARTIAL_FEED = 66,
    RULE_MARGIN_BYTES = 2,
    SJIS_LEAD_MIN = 0x81,
    CELL_SCALE_NUMBER = 8,
};

struct output {
    uint8_t *bytes;
    size_t capacity_bytes, len_bytes;
    bool failed;
    uint32_t height_dots;
    const struct paper_glyphs *glyphs;
    struct paper_bitmap *scratch;
    uint16_t width_dots;
};

bool paper_pair_is_command(uint8_t before, uint8_t byte)
{
    return before == DLE && (byte == EOT || byte == ENQ || byte == DC4);
}

static uint8_t last_byte(const struct output *output)
{
    return output->len_bytes == 0 ? 0 : output->bytes[output->len_bytes - 1];
}

static void put(struct output *output, const void *bytes, size_t len_bytes)
{
    const uint8_t *from = bytes;

    if (output->failed || output->capacity_bytes - output->len_bytes < len_bytes) {
        output->failed = true;
        return;
    }
    for (size_t i = 0; i < len_bytes; i++) {
        CHECK(!paper_pair_is_command(last_byte(output), from[i]));
        output->bytes[output->len_bytes++] = from[i];
    }
}

#define PUT(output, ...)                                                                           \
    put((output), (const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}))

/* 04 becomes 0C, 05 becomes 0D, 14 becomes 1C: the dot left of a black one. */
static void put_image_byte(struct output *output, uint8_t byte)
{
    if (paper_pair_is_command(last_byte(output), byte)) {
        byte |= (uint8_t)(EOT << 1);
    }
    put(output, &byte, 1);
}

static void put_raster(struct output *output, const struct paper_bitmap *bitmap)
{
    size_t row_bytes = ((size_t)bitmap->width_dots + 7) / 8;

    PUT(output, GS, 'v', '0', 0, (uint8_t)row_bytes, 0, (uint8_t)bitmap->height_dots,
        (uint8_t)(bitmap->height_dots >> 8));
    for (size_t i = 0; i < row_bytes * bitmap->height_dots && !output->failed; i++) {
        put_image_byte(output, bitmap->bits[i]);
    }
    output->height_dots += bitmap->height_dots;
}

static bool bitmap_is_sound(const struct paper_bitmap *bitmap, uint16_t width_dots)
{
    return bitmap->width_dots > 0 && bitmap->width_dots <= width_dots && bitmap->height_dots > 0 &&
           ((size_t)bitmap->width_dots + 7) / 8 * bitmap->height_dots <= sizeof(bitmap->bits);
}

static bool draw(struct output *output, const struct paper_item *item)
{
    if (!output->glyphs->draw(output->glyphs->context, item, output->width_dots, output->scratch) ||
        !bitmap_is_sound(output->scratch, output->width_dots)) {
        return false;
    }
    put_raster(output, output->scratch);
    return true;
}

/* ANK and kanji alike. */
static void put_scale(struct output *output, uint8_t scale)
{
    uint8_t times = (uint8_t)(scale - 1);

    PUT(output, GS, '!', (uint8_t)(times << WIDE_SHIFT | times));
    PUT(output, FS, '!', scale > 1 ? KANJI_WIDE | KANJI_HIGH : 0);
}

/* What of Shift_JIS all printers show alike: yen and overline stand where ASCII has others, and half-width
 * kana need another code table. */
static bool is_common(const uint8_t *bytes, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes; i++) {
        if (bytes[i] >= SJIS_LEAD_MIN && (bytes[i] < 0xa0 || bytes[i] >= 0xe0)) {
            if (++i == len_bytes || bytes[i] < 0x40) {
                return false;
            }
        } else if (bytes[i] < ' ' || bytes[i] > '}' || bytes[i] == '\\') {
            return false;
        }
    }
    return len_bytes > 0;
}

static void put_text(struct output *output, const struct paper_item *item)
{
    uint8_t sjis[PAPER_TEXT_BYTES];
    size_t len_bytes =
        output->glyphs->to_sjis(output->glyphs->context, item->text, sjis, sizeof(sjis));

    if (!is_common(sjis, len_bytes)) {
        if (!draw(output, item)) { /* no font has it: the line is left out, the number is not */
            PUT(output, LF);
            output->height_dots += PAPER_LINE_DOTS;
        }
        return;
    }
    put_scale(output, item->scale);
    PUT(output, ESC, 'E', item->bold);
    PUT(output, GS, 'B', item->inverse);
    put(output, sjis, len_bytes);
    PUT(output, LF);
    PUT(output, GS, 'B', 0);
    output->height_dots +=
        item->scale > 1 ? (uint32_t)item->scale * PAPER_CELL_DOTS : PAPER_LINE_DOTS;
}

/* Without a font: the printer's own digits eight times as wide and high, as many as fit, the letter white on
 * black. */
static void put_number_as_text(struct output *output, const struct paper_item *item)
{
    size_t columns = strlen(item->text) + strlen(item->series);
    size_t wide = output->width_dots / PAPER_COLUMN_DOTS / columns;
    uint8_t times = (uint8_t)((wide > CELL_SCALE_NUMBER ? CELL_SCALE_NUMBER : wide) - 1);

    PUT(output, GS, '!', (uint8_t)(times << WIDE_SHIFT | (CELL_SCALE_NUMBER - 1)));
    put(output, item->text, strlen(item->text));
    PUT(output, GS, 'B', 1);
    put(output, item->series, strlen(item->series));
    PUT(output, GS, 'B', 0, LF);
    put_scale(output, 1);
    output->height_dots += PAPER_CELL_DOTS * CELL_SCALE_NUMBER;
}

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~') {
            return false;
        }
    }
    return true;
}

static void put_number(struct output *output, const struct paper_item *item)
{
    put_scale(output, 1);
    if (draw(output, item)) {
        return;
    }
    if (is_ascii(item->text)) {
        put_number_as_text(output, item);
    } else {
        struct paper_item large = *item; /* a test print */

        large.scale = 2;
        put_text(output, &large);
    }
}

/* Bytes that a code of each version holds at level M, from version 1 (ISO/IEC 18004, table 7). */
static size_t qr_modules(size_t len_bytes)
{
    static const uint8_t holds[PAPER_QR_VERSION_MAX] = {14,  26,  42,  62,  84,
                                                        106, 122, 152, 180, 213};
    size_t version = 1;

    CHECK(len_bytes <= PAPER_QR_BYTES_MAX);
    while (len_bytes > holds[version - 1]) {
        version++;
    }
    return 17 + 4 * version;
}

static void put_qr(struct output *output, const struct paper_item *item)
{
    size_t len_bytes = strlen(item->text);
    size_t modules = qr_modules(len_bytes);
    size_t dot = QR_WIDTH_DOTS_MAX / (modules + QR_QUIET_MODULES);
    size_t parameter_bytes = len_bytes + 3;

    dot = dot > PAPER_QR_DOT_MAX   ? PAPER_QR_DOT_MAX
          : dot < PAPER_QR_DOT_MIN ? PAPER_QR_DOT_MIN
                                   : dot;
    PUT(output, GS, '(', 'k', 4, 0, QR_SYMBOL, QR_FUNCTION_MODEL, QR_MODEL_2, 0);
    PUT(output, GS, '(', 'k', 3, 0, QR_SYMBOL, QR_FUNCTION_DOT, (uint8_t)dot);
    PUT(output, GS, '(', 'k', 3, 0, QR_SYMBOL, QR_FUNCTION_LEVEL, QR_LEVEL_M);
    PUT(output, GS, '(', 'k', (uint8_t)parameter_bytes, (uint8_t)(parameter_bytes >> 8), QR_SYMBOL,
        QR_FUNCTION_STORE, '0');
    put(output, item->text, len_bytes);
    PUT(output, GS, '(', 'k', 3, 0, QR_SYMBOL, QR_FUNCTION_PRINT, '0');
    output->height_dots += (uint32_t)(modules * dot);
}

/* White rows: feeds of less than a line have another unit on every model. */
static void put_space(struct output *output)
{
    struct paper_bitmap *bitmap = output->scratch;

    bitmap->width_dots = 8;
    bitmap->height_dots = PAPER_SPACE_DOTS;
    memset(bitmap->bits, 0, PAPER_SPACE_DOTS);
    put_raster(output, bitmap);
}

static void put_rule(struct output *output)
{
    struct paper_bitmap *bitmap = output->scratch;
    size_t row_bytes = output->width_dots / 8;

    bitmap->width_dots = output->width_dots;
    bitmap->height_dots = PAPER_CELL_DOTS / 2 + PAPER_RULE_DOTS;
    memset(bitmap->bits, 0, row_bytes * bitmap->height_dots);
    for (size_t row = PAPER_CELL_DOTS / 4; row < PAPER_CELL_DOTS / 4 + PAPER_RULE_DOTS; row++) {
        memset(bitmap->bits + row * row_bytes + RULE_MARGIN_BYTES, 0xff,
               row_bytes - 2 * (size_t)RULE_MARGIN_BYTES);
    }
    put_raster(output, bitmap);
}

static void put_item(struct output *output, const struct paper_item *item)
{
    switch (item->kind) {
    case PAPER_TEXT:
        put_text(output, item);
        break;
    case PAPER_NUMBER:
        put_number(output, item);
        break;
    case PAPER_QR:
        put_qr(output, item);
        break;
    case PAPER_RULE:
        put_rule(output);
        break;
    case PAPER_SPACE:
        put_space(output);
        break;
    case PAPER_FEED:
        PUT(output, ESC, 'd', item->scale);
        output->height_dots += (uint32_t)item->scale * PAPER_LINE_DOTS;
        break;
    }
}

bool paper_encode(const struct paper_layout *layout, const struct paper_glyphs *glyphs,
                  struct paper_bitmap *scratch, uint8_t *bytes, size_t capacity_bytes,
                  struct paper_job *ret_job)
{
    struct output output = {.bytes = bytes,
                            .capacity_bytes = capacity_bytes,
                            .glyphs = glyphs,
                            .scratch = scratch,
                            .width_dots = layout->width_dots};

    PUT(&output, ESC, '@', FS, 'C', 1, FS, '&', ESC, '2', ESC, 'a', 1);
    for (size_t i = 0; i < layout->item_count; i++) {
        put_item(&output, &layout->items[i]);
    }
    PUT(&output, GS, 'V', CUT_PARTIAL_FEED, 0, GS, 'r', 1);
    if (output.failed) {
        return false;
    }
    *ret_job = (struct paper_job){.len_bytes = output.len_bytes,
                                  .height_dots = output.height_dots + PAPER_CUT_FEED_DOTS,
                                  .cuts = 1};
    return true;
}
