#include "appliance/devices/glyphs.h"

#include "base/check.h"

#include <errno.h>
#include <freetype/freetype.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PATH_BYTES = 256,
    NUMBER_SIZE_FIRST = 200, /* tried first, then as the digits turn out */
    NUMBER_SIZE_STEPS = 60,
    BOX_MARGIN_DOTS = 16, /* between a letter and the edge of its box */
    BOX_GAP_DOTS = 14,
    BOX_RADIUS_DOTS = 18,
    LETTER_DOTS = 146, /* letters are 18 mm high as well */
    PAPER_MARGIN_DOTS = 8,
    SHIFT_26_6 = 6,
    ONE_16_16 = 0x10000,
};

enum face { FACE_DIGITS, FACE_JAPANESE, FACE_KOREAN, FACE_CHINESE, FACE_OTHER, FACE_COUNT };

/* Universal design for digits; the collection's members by their place in it. */
static const struct font {
    const char *file;
    long index;
} fonts[FACE_COUNT] = {
    [FACE_DIGITS] = {"truetype/bizud-gothic/BIZUDPGothic-Bold.ttf", 0},
    [FACE_JAPANESE] = {"truetype/bizud-gothic/BIZUDPGothic-Regular.ttf", 0},
    [FACE_KOREAN] = {"opentype/noto/NotoSansCJK-Regular.ttc", 1},
    [FACE_CHINESE] = {"opentype/noto/NotoSansCJK-Regular.ttc", 2},
    [FACE_OTHER] = {"opentype/ipafont-gothic/ipag.ttf", 0},
};

struct glyphs {
    iconv_t converter;
    FT_Library library;
    FT_Face faces[FACE_COUNT]; /* NULL: not installed */
};

int glyphs_create(const char *dir, struct glyphs **ret_glyphs)
{
    struct glyphs *glyphs = calloc(1, sizeof(*glyphs));

    if (glyphs == NULL) {
        return -ENOMEM;
    }
    glyphs->converter = iconv_open("SHIFT_JIS", "UTF-8");
    if (glyphs->converter == (iconv_t)-1 || FT_Init_FreeType(&glyphs->library) != 0) {
        glyphs_destroy(glyphs);
        return -ENOSYS;
    }
    for (size_t i = 0; i < FACE_COUNT; i++) {
        char path[PATH_BYTES];

        (void)snprintf(path, sizeof(path), "%s/%s", dir != NULL ? dir : "/usr/share/fonts",
                       fonts[i].file);
        if (FT_New_Face(glyphs->library, path, fonts[i].index, &glyphs->faces[i]) != 0) {
            glyphs->faces[i] = NULL;
        }
    }
    *ret_glyphs = glyphs;
    return 0;
}

void glyphs_destroy(struct glyphs *glyphs)
{
    if (glyphs == NULL) {
        return;
    }
    for (size_t i = 0; i < FACE_COUNT; i++) {
        if (glyphs->faces[i] != NULL) {
            (void)FT_Done_Face(glyphs->faces[i]);
        }
    }
    if (glyphs->library != NULL) {
        (void)FT_Done_FreeType(glyphs->library);
    }
    if (glyphs->converter != NULL && glyphs->converter != (iconv_t)-1) {
        (void)iconv_close(glyphs->converter);
    }
    free(glyphs);
}

unsigned glyphs_font_count(const struct glyphs *glyphs)
{
    unsigned count = 0;

    for (size_t i = 0; i < FACE_COUNT; i++) {
        count += glyphs->faces[i] != NULL;
    }
    return count;
}

static size_t to_sjis(void *context, const char *text, uint8_t *bytes, size_t capacity_bytes)
{
    struct glyphs *glyphs = context;
    char *from = (char *)(uintptr_t)text; /* iconv does not write to it */
    char *to = (char *)bytes;
    size_t from_bytes = strlen(text), to_bytes = capacity_bytes;

    (void)iconv(glyphs->converter, NULL, NULL, NULL, NULL);
    if (iconv(glyphs->converter, &from, &from_bytes, &to, &to_bytes) != 0) {
        return 0; /* a character has no place there, or only something like it has */
    }
    return capacity_bytes - to_bytes;
}

/* ---- characters ---------------------------------------------------------------------------------------- */

static uint32_t next_char(const char **text)
{
    const unsigned char *at = (const unsigned char *)*text;
    size_t len_bytes = *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : *at >= 0xc0 ? 2 : 1;
    uint32_t code = len_bytes == 1 ? *at : *at & (0xffU >> (len_bytes + 1));

    for (size_t i = 1; i < len_bytes; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            len_bytes = i;
            code = 0xfffd;
            break;
        }
        code = code << 6 | (at[i] & 0x3fU);
    }
    *text += len_bytes;
    return code;
}

static bool has_all(FT_Face face, const char *text)
{
    while (face != NULL && *text != '\0') {
        if (FT_Get_Char_Index(face, next_char(&text)) == 0) {
            return false;
        }
    }
    return face != NULL;
}

/* The first that has every character; so a line is not made of two. Chinese before Korean: both faces have
 * the other's ideographs, in shapes of their own, and only a Korean line has Hangul. */
static FT_Face face_for(const struct glyphs *glyphs, const char *text)
{
    static const enum face order[] = {FACE_JAPANESE, FACE_CHINESE, FACE_KOREAN, FACE_OTHER,
                                      FACE_DIGITS};
    const char *at = text;

    while (*at != '\0') {
        uint32_t code = next_char(&at);

        if (code >= 0xac00 && code <= 0xd7a3 && has_all(glyphs->faces[FACE_KOREAN], text)) {
            return glyphs->faces[FACE_KOREAN];
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(order); i++) {
        if (has_all(glyphs->faces[order[i]], text)) {
            return glyphs->faces[order[i]];
        }
    }
    return NULL;
}

/* ---- drawing -------------------------------------------------------------------------------------------- */

static void set_dot(struct paper_bitmap *bitmap, int x, int y, bool black)
{
    size_t row_bytes = ((size_t)bitmap->width_dots + 7) / 8;
    uint8_t *byte;

    if (x < 0 || y < 0 || x >= bitmap->width_dots || y >= bitmap->height_dots) {
        return;
    }
    byte = &bitmap->bits[(size_t)y * row_bytes + (size_t)x / 8];
    if (black) {
        *byte |= (uint8_t)(0x80U >> (x % 8));
    } else {
        *byte &= (uint8_t) ~(0x80U >> (x % 8));
    }
}

static void clear(struct paper_bitmap *bitmap, uint16_t width_dots, uint16_t height_dots)
{
    bitmap->width_dots = width_dots;
    bitmap->height_dots = height_dots;
    memset(bitmap->bits, 0, ((size_t)width_dots + 7) / 8 * height_dots);
}

/* A line in dots: where its pen ends, and the rows that its ink takes above and below the base line. */
struct extent {
    int width, above, below;
};

static FT_GlyphSlot load(FT_Face face, uint32_t code)
{
    if (FT_Load_Char(face, code, FT_LOAD_RENDER | FT_LOAD_TARGET_MONO | FT_LOAD_NO_HINTING) != 0) {
        return NULL;
    }
    return face->glyph;
}

static struct extent measure(FT_Face face, const char *text)
{
    struct extent extent = {0};
    long pen = 0;

    while (*text != '\0') {
        FT_GlyphSlot glyph = load(face, next_char(&text));

        if (glyph != NULL) {
            int below = (int)glyph->bitmap.rows - glyph->bitmap_top;

            extent.above = glyph->bitmap_top > extent.above ? glyph->bitmap_top : extent.above;
            extent.below = below > extent.below ? below : extent.below;
            pen += glyph->advance.x;
        }
    }
    extent.width = (int)(pen >> SHIFT_26_6);
    return extent;
}

static void put_line(FT_Face face, const char *text, int x, int base_y, bool black,
                     struct paper_bitmap *bitmap)
{
    long pen = (long)x << SHIFT_26_6;

    while (*text != '\0') {
        FT_GlyphSlot glyph = load(face, next_char(&text));

        if (glyph == NULL) {
            continue;
        }
        for (unsigned row = 0; row < glyph->bitmap.rows; row++) {
            const uint8_t *bits = glyph->bitmap.buffer + (long)row * glyph->bitmap.pitch;

            for (unsigned column = 0; column < glyph->bitmap.width; column++) {
                if ((bits[column / 8] & 0x80U >> (column % 8)) != 0) {
                    set_dot(bitmap, (int)(pen >> SHIFT_26_6) + glyph->bitmap_left + (int)column,
                            base_y - glyph->bitmap_top + (int)row, black);
                }
            }
        }
        pen += glyph->advance.x;
    }
}

/* Narrower, never lower. */
static void condense(FT_Face face, int width, int width_max)
{
    FT_Matrix matrix = {.xx = ONE_16_16, .yy = ONE_16_16};

    if (width > width_max) {
        matrix.xx = (FT_Fixed)((int64_t)ONE_16_16 * width_max / width);
    }
    FT_Set_Transform(face, &matrix, NULL);
}

static bool draw_text(struct glyphs *glyphs, const struct paper_item *item, uint16_t width_dots,
                      struct paper_bitmap *bitmap)
{
    FT_Face face = face_for(glyphs, item->text);
    unsigned size = (unsigned)(item->scale > 1 ? 2 * PAPER_CELL_DOTS : PAPER_CELL_DOTS);
    uint16_t height_dots = (uint16_t)(size + size / 3);
    struct extent extent;

    if (face == NULL || FT_Set_Pixel_Sizes(face, 0, size) != 0) {
        return false;
    }
    condense(face, 1, 1);
    extent = measure(face, item->text);
    condense(face, extent.width, width_dots - PAPER_MARGIN_DOTS);
    extent = measure(face, item->text);
    clear(bitmap, width_dots, height_dots);
    put_line(face, item->text, (width_dots - extent.width) / 2,
             (int)size - (int)size / 8 + (int)size / 6, true, bitmap);
    return true;
}

/* The size at which every one of these is at least so many dots high. */
static bool set_height(FT_Face face, const char *text, int height_dots)
{
    unsigned size = NUMBER_SIZE_FIRST * (unsigned)height_dots / PAPER_DIGIT_DOTS;

    condense(face, 1, 1);
    for (int step = 0; step < NUMBER_SIZE_STEPS; step++) {
        const char *at = text;
        int lowest = INT32_MAX;

        if (FT_Set_Pixel_Sizes(face, 0, size) != 0) {
            return false;
        }
        while (*at != '\0') {
            FT_GlyphSlot glyph = load(face, next_char(&at));

            if (glyph == NULL || glyph->bitmap.rows == 0) {
                return false;
            }
            lowest = (int)glyph->bitmap.rows < lowest ? (int)glyph->bitmap.rows : lowest;
        }
        if (lowest >= height_dots) {
            return true;
        }
        size += (unsigned)(height_dots - lowest + 1) / 2 + 1;
    }
    return false;
}

static void put_box(struct paper_bitmap *bitmap, int x, int width)
{
    const int radius = BOX_RADIUS_DOTS, bottom = bitmap->height_dots - 1;

    for (int row = 0; row <= bottom; row++) {
        for (int column = 0; column < width; column++) {
            int dx = column < radius ? radius - column : column - (width - 1 - radius);
            int dy = row < radius ? radius - row : row - (bottom - radius);

            if (dx <= 0 || dy <= 0 || dx * dx + dy * dy <= radius * radius) {
                set_dot(bitmap, x + column, row, true);
            }
        }
    }
}

/* Digits black on white, the series white in a black box: 106 and 106B differ in shape at a glance, and also
 * for who sees no letters apart. */
static bool draw_number(struct glyphs *glyphs, const struct paper_item *item, uint16_t width_dots,
                        struct paper_bitmap *bitmap)
{
    FT_Face face = glyphs->faces[FACE_DIGITS];
    int width_max = width_dots - PAPER_MARGIN_DOTS, fixed, free_width;
    struct extent digits, letters = {0};
    int x;

    if (!has_all(face, item->text) || !has_all(face, item->series)) {
        return false;
    }
    fixed = item->series[0] == '\0' ? 0 : BOX_GAP_DOTS + 2 * BOX_MARGIN_DOTS;
    free_width = width_max - fixed;
    if (item->series[0] != '\0') {
        if (!set_height(face, item->series, LETTER_DOTS)) {
            return false;
        }
        letters = measure(face, item->series);
    }
    if (!set_height(face, item->text, PAPER_DIGIT_DOTS)) {
        return false;
    }
    digits = measure(face, item->text);
    x = digits.width + letters.width; /* as wide as both would like to be */
    condense(face, x, free_width);
    digits = measure(face, item->text);
    clear(bitmap, width_dots, PAPER_NUMBER_DOTS);
    fixed += x > free_width ? (int)((int64_t)letters.width * free_width / x) : letters.width;
    x = (width_dots - digits.width - fixed) / 2;
    put_line(face, item->text, x, (PAPER_NUMBER_DOTS + digits.above - digits.below) / 2, true,
             bitmap);
    if (item->series[0] != '\0') {
        x += digits.width + BOX_GAP_DOTS;
        put_box(bitmap, x, fixed - BOX_GAP_DOTS);
        (void)set_height(face, item->series, LETTER_DOTS);
        condense(face, letters.width, fixed - BOX_GAP_DOTS - 2 * BOX_MARGIN_DOTS);
        letters = measure(face, item->series);
        put_line(face, item->series, x + BOX_MARGIN_DOTS,
                 (PAPER_NUMBER_DOTS + letters.above - letters.below) / 2, false, bitmap);
    }
    return true;
}

static bool draw(void *context, const struct paper_item *item, uint16_t width_dots,
                 struct paper_bitmap *ret_bitmap)
{
    return item->kind == PAPER_NUMBER ? draw_number(context, item, width_dots, ret_bitmap)
                                      : draw_text(context, item, width_dots, ret_bitmap);
}

struct paper_glyphs glyphs_for_paper(struct glyphs *glyphs)
{
    return (struct paper_glyphs){.context = glyphs, .to_sjis = to_sjis, .draw = draw};
}
