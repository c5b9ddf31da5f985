/* The lines of a ticket, from top to bottom. */
#include "appliance/devices/paper/paper.h"

#include "appliance/devices/paper/paper_internal.h"
#include "base/check.h"

#include <string.h>

enum { REPORT_LINES_KEPT = 140, MINUTE_S = 60, HOUR_MINUTES = 60, LONG_WAIT_MINUTES = 60, BIG = 2 };

static struct paper_item *add_item(struct paper_layout *layout, enum paper_item_kind kind)
{
    struct paper_item *item;

    CHECK(layout->item_count < PAPER_ITEMS_MAX);
    item = &layout->items[layout->item_count++];
    memset(item, 0, sizeof(*item));
    item->kind = kind;
    item->scale = 1;
    return item;
}

/* A line does not begin with these (JIS X 4051, the common ones), nor end with an opening bracket. */
static bool may_break_between(const char *before, const char *text)
{
    static const char *const never[] = {"、", "。", "」", "）", "・", "ー", "！", "？",
                                        "ッ", "ャ", "ュ", "ョ", "っ", "ゃ", "ゅ", "ょ"};

    for (size_t i = 0; i < ARRAY_COUNT(never); i++) {
        if (strncmp(text, never[i], strlen(never[i])) == 0) {
            return false;
        }
    }
    return strncmp(before, "「", strlen("「")) != 0 && strncmp(before, "（", strlen("（")) != 0;
}

/* How many bytes of a text stand on one line: whole words where there are spaces, and no line that would
 * begin with what does not begin one. */
static size_t line_bytes(const char *text, size_t columns_max)
{
    size_t at = 0, columns = 0, good = 0, last = 0;

    while (text[at] != '\0') {
        size_t len_bytes = paper_char_bytes(text + at);

        columns += len_bytes == 1 ? 1 : 2;
        if (columns > columns_max || at + len_bytes >= PAPER_TEXT_BYTES) {
            return good > 0 ? good : last > 0 ? last : at;
        }
        last = at;
        at += len_bytes;
        if (text[at - 1] == ' ' || (len_bytes > 1 && may_break_between(text + last, text + at))) {
            good = at;
        }
    }
    return at;
}

struct look {
    uint8_t scale;
    bool bold, inverse;
};

static const struct look plain = {.scale = 1};
static const struct look bold = {.scale = 1, .bold = true};

static void add_text(struct paper_layout *layout, const char *text, struct look look)
{
    size_t columns_max = (size_t)layout->width_dots / PAPER_COLUMN_DOTS / look.scale;

    while (*text != '\0') {
        size_t len_bytes = line_bytes(text, columns_max);
        struct paper_item *item = add_item(layout, PAPER_TEXT);

        item->scale = look.scale;
        item->bold = look.bold;
        item->inverse = look.inverse;
        memcpy(item->text, text, len_bytes);
        text += len_bytes;
    }
}

/* Large when it fits on one line, else bold on as many as it needs. */
static void add_large(struct paper_layout *layout, const char *text)
{
    bool fits = paper_columns(text) * PAPER_COLUMN_DOTS * BIG <= layout->width_dots;

    add_text(layout, text, fits ? (struct look){.scale = BIG, .bold = true} : bold);
}

static void add_feed(struct paper_layout *layout, uint8_t lines)
{
    add_item(layout, PAPER_FEED)->scale = lines;
}

static void add_space(struct paper_layout *layout)
{
    (void)add_item(layout, PAPER_SPACE);
}

static void add_head(struct paper_layout *layout, const struct paper_ticket *ticket)
{
    add_text(layout, ticket->site_ja, bold);
    add_text(layout, ticket->site_en, plain);
    switch (ticket->kind) {
    case PAPER_ORIGINAL:
        add_feed(layout, 1);
        break;
    case PAPER_COPY:
        add_text(layout, " 再発行 COPY ",
                 (struct look){.scale = BIG, .bold = true, .inverse = true});
        add_space(layout);
        add_text(layout, "同じ番号札の写しです  Copy of the same ticket", plain);
        break;
    case PAPER_TEST:
        add_text(layout, " 試し刷り TEST ",
                 (struct look){.scale = BIG, .bold = true, .inverse = true});
        add_space(layout);
        add_text(layout, "番号札ではありません  This is not a ticket", plain);
        break;
    case PAPER_REPORT:
        break;
    }
}

static void add_number(struct paper_layout *layout, const struct paper_ticket *ticket)
{
    struct paper_item *item;
    struct paper_words words;

    if (ticket->kind == PAPER_TEST) {
        item = add_item(layout, PAPER_NUMBER);
        words = paper_words_over(item->text, sizeof(item->text));
        paper_words_add(&words, "試");
        return;
    }
    add_text(layout, "受付番号  Your number", plain);
    item = add_item(layout, PAPER_NUMBER);
    words = paper_words_over(item->text, sizeof(item->text));
    paper_words_number(&words, ticket->number, 1);
    memcpy(item->series, ticket->series, sizeof(item->series));
    add_space(layout);
}

struct wait_words {
    const char *language;
    const char *ahead, *people, *about, *minutes, *long_wait, *none;
};

/* The last two are drawn: simplified Chinese and Hangul are not in Shift_JIS. */
static const struct wait_words waits[] = {
    {"ja", "お待ちの方 ", "人", "  目安 約", "分", "  目安 60分以上", "  目安 ―"},
    {"ja-easy", "まえに まっている人 ", "人", "  だいたい ", "分", "  60分より 長い",
     "  時間は わかりません"},
    {"en", "Waiting ahead: ", "", "   about ", " min", "   60 min or more", "   no estimate yet"},
    {"zh", "前面等候 ", " 人", "  大约 ", " 分钟", "  60 分钟以上", "  暂无预计时间"},
    {"ko", "앞에 기다리는 분 ", "명", "  약 ", "분", "  60분 이상", "  예상 시간 없음"},
};

static void add_wait(struct paper_layout *layout, const struct paper_ticket *ticket,
                     const struct wait_words *in, struct look look)
{
    char text[PAPER_TEXT_BYTES];
    struct paper_words words = paper_words_over(text, sizeof(text));
    uint32_t minutes = (ticket->estimate_s + MINUTE_S - 1) / MINUTE_S;

    paper_words_add(&words, in->ahead);
    paper_words_number(&words, ticket->waiting_ahead, 1);
    paper_words_add(&words, in->people);
    if (ticket->estimate_s == PAPER_NO_ESTIMATE) {
        paper_words_add(&words, in->none);
    } else if (minutes >= LONG_WAIT_MINUTES) {
        paper_words_add(&words, in->long_wait);
    } else {
        paper_words_add(&words, in->about);
        paper_words_number(&words, minutes, 1);
        paper_words_add(&words, in->minutes);
    }
    add_text(layout, text, look);
}

/* Always Japanese (the easy one when asked for) and English; a visitor's third language beside. */
static void add_waits(struct paper_layout *layout, const struct paper_ticket *ticket)
{
    bool easy = strcmp(ticket->language, "ja-easy") == 0;

    add_wait(layout, ticket, &waits[easy ? 1 : 0], bold);
    add_wait(layout, ticket, &waits[2], plain);
    for (size_t i = 3; i < ARRAY_COUNT(waits); i++) {
        if (strcmp(ticket->language, waits[i].language) == 0) {
            add_wait(layout, ticket, &waits[i], plain);
        }
    }
}

static void add_time(struct paper_layout *layout, const struct paper_ticket *ticket)
{
    char text[PAPER_TEXT_BYTES], date[PAPER_NAME_BYTES];
    struct paper_words words = paper_words_over(text, sizeof(text));

    paper_date_ja(ticket->date, date);
    paper_words_add(&words, date);
    paper_words_add(&words, " ");
    paper_words_number(&words, ticket->minute / HOUR_MINUTES, 1);
    paper_words_add(&words, "時");
    paper_words_number(&words, ticket->minute % HOUR_MINUTES, 2);
    paper_words_add(&words, "分");
    add_text(layout, text, plain);
    words = paper_words_over(text, sizeof(text));
    paper_date_en(ticket->date, date);
    paper_words_add(&words, date);
    paper_words_add(&words, " ");
    paper_words_number(&words, ticket->minute / HOUR_MINUTES, 2);
    paper_words_add(&words, ":");
    paper_words_number(&words, ticket->minute % HOUR_MINUTES, 2);
    add_text(layout, text, plain);
}

static void add_letter(struct paper_layout *layout, const struct paper_ticket *ticket)
{
    char text[PAPER_TEXT_BYTES];
    struct paper_words words = paper_words_over(text, sizeof(text));

    paper_words_add(&words, "黒い四角の「");
    paper_words_add(&words, ticket->series);
    paper_words_add(&words, "」も番号の一部です。");
    add_text(layout, text, plain);
    words = paper_words_over(text, sizeof(text));
    paper_words_add(&words, "「");
    paper_words_number(&words, ticket->number, 1);
    paper_words_add(&words, "」は別の方の番号です。");
    if (ticket->unit_ja[0] != '\0') {
        paper_words_add(&words, "（");
        paper_words_add(&words, ticket->unit_ja);
        paper_words_add(&words, "で受付）");
    }
    add_text(layout, text, plain);
    words = paper_words_over(text, sizeof(text));
    paper_words_add(&words, ticket->series);
    paper_words_add(&words, " is part of your number; ");
    paper_words_number(&words, ticket->number, 1);
    paper_words_add(&words, " is someone else.");
    add_text(layout, text, plain);
}

static void add_code(struct paper_layout *layout, const struct paper_ticket *ticket)
{
    struct paper_item *item;

    add_space(layout);
    item = add_item(layout, PAPER_QR);
    memcpy(item->text, ticket->url, sizeof(ticket->url));
    add_space(layout);
    add_text(layout, "順番をスマートフォンで確認できます", plain);
    add_text(layout, "See your turn on your phone", plain);
}

static void add_call(struct paper_layout *layout, const struct paper_ticket *ticket)
{
    if (strcmp(ticket->language, "zh") == 0) {
        add_text(layout, "请在大厅等候，叫到您的号码后请到窗口。", plain);
    } else if (strcmp(ticket->language, "ko") == 0) {
        add_text(layout, "번호가 호출될 때까지 로비에서 기다려 주십시오.", plain);
    } else if (strcmp(ticket->language, "ja-easy") == 0) {
        add_text(layout, "番号が よばれたら まどぐちに きてください。", plain);
    } else {
        add_text(layout, "番号が呼ばれましたら、窓口へお越しください。", plain);
    }
}

static void add_report_line(struct paper_layout *layout, const char *line)
{
    if (line[0] == '!') {
        add_text(layout, line + 1, (struct look){.scale = BIG, .bold = true, .inverse = true});
        add_space(layout);
    } else if (line[0] == '#') {
        add_text(layout, line + 1, bold);
    } else if (line[0] == '-' && line[1] == '\0') {
        (void)add_item(layout, PAPER_RULE);
    } else {
        add_text(layout, line, plain);
    }
}

/* Lines of a paper for staff; the last of them may be missing, never a part of one. */
static void add_report(struct paper_layout *layout, const struct paper_ticket *ticket)
{
    const char *at = ticket->text;

    while (*at != '\0' && layout->item_count < PAPER_ITEMS_MAX - REPORT_LINES_KEPT) {
        size_t len_bytes = 0;
        char line[PAPER_REPORT_BYTES];

        while (at[len_bytes] != '\0' && at[len_bytes] != '\n') {
            len_bytes++;
        }
        memcpy(line, at, len_bytes);
        line[len_bytes] = '\0';
        add_report_line(layout, line);
        at += len_bytes;
        at += *at == '\n' ? 1 : 0;
    }
    (void)add_item(layout, PAPER_RULE);
}

void paper_lay_out(const struct paper_ticket *ticket, uint16_t width_dots,
                   struct paper_layout *ret_layout)
{
    CHECK(width_dots >= PAPER_WIDTH_DOTS_MIN && width_dots <= PAPER_WIDTH_DOTS);
    memset(ret_layout, 0, sizeof(*ret_layout));
    ret_layout->width_dots = width_dots;
    add_head(ret_layout, ticket);
    if (ticket->kind == PAPER_REPORT) {
        add_report(ret_layout, ticket);
        add_time(ret_layout, ticket);
        return;
    }
    add_number(ret_layout, ticket);
    if (ticket->kind != PAPER_TEST) {
        add_large(ret_layout, ticket->category_ja);
        add_space(ret_layout);
        add_text(ret_layout, ticket->category_en, plain);
        (void)add_item(ret_layout, PAPER_RULE);
        add_waits(ret_layout, ticket);
        add_call(ret_layout, ticket);
        (void)add_item(ret_layout, PAPER_RULE);
    }
    add_time(ret_layout, ticket);
    add_text(ret_layout, ticket->place_ja, plain);
    add_text(ret_layout, ticket->place_en, plain);
    if (ticket->url[0] != '\0') {
        add_code(ret_layout, ticket);
    }
    if (ticket->series[0] != '\0') {
        (void)add_item(ret_layout, PAPER_RULE);
        add_letter(ret_layout, ticket);
    }
}
