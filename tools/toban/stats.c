/* stats: what the visits of some days come to, as a table to read, as CSV, or as JSON; and rows of single visits. */
#include "tools/toban/toban.h"

#include <string.h>

enum { LABEL_COLUMNS = 34, NUMBER_COLUMNS = 9, KEY_BYTES = 128, ROW_TEXT_BYTES = 32 };

/* What a terminal's line has room for; --csv and --json have all of it. */
static const struct {
    const char *name, *ja, *en;
} columns[] = {
    {"arrived", "来庁", "arrived"},
    {"served", "完了", "served"},
    {"no_show", "不在", "no-show"},
    {"cancelled", "取消", "cancelled"},
    {"expired", "閉庁", "expired"},
    {"wait_median_s", "待ち中央", "wait p50"},
    {"wait_p90_s", "待ち90%", "wait p90"},
    {"over_target_percent", "超過%", "over %"},
    {"service_mean_s", "対応平均", "service"},
    {"doubtful", "不確か", "doubtful"},
};

static void row_label(const struct toban *toban, const json_t *row, char label[KEY_BYTES])
{
    const char *category = text_member(toban, row, "category");
    const json_t *hour = json_object_get(row, "hour");
    const json_t *counter = json_object_get(row, "counter");
    const char *day = json_string_value(json_object_get(row, "day"));
    size_t len = 0;

    label[0] = '\0';
    if (json_is_true(json_object_get(row, "few"))) {
        (void)snprintf(label, KEY_BYTES, "%s",
                       text_choose(toban, "少数をまとめた行", "few, together"));
        return;
    }
    if (day != NULL) {
        len += (size_t)snprintf(label + len, KEY_BYTES - len, "%s ", day);
    }
    if (json_is_integer(json_object_get(row, "category"))) {
        len += (size_t)snprintf(label + len, KEY_BYTES - len, "%lld %.40s ",
                                (long long)json_integer_value(json_object_get(row, "category")),
                                category == NULL ? "" : category);
    }
    if (json_is_integer(hour)) {
        len += (size_t)snprintf(label + len, KEY_BYTES - len, "%02lld:00 ",
                                (long long)json_integer_value(hour));
    }
    if (json_is_integer(counter)) {
        (void)snprintf(label + len, KEY_BYTES - len,
                       text_choose(toban, "窓口 %lld", "counter %lld"),
                       (long long)json_integer_value(counter));
    }
}

static void put_right(FILE *out, const char *text)
{
    for (size_t width = text_width(text); width < NUMBER_COLUMNS; width++) {
        (void)fputc(' ', out);
    }
    (void)fputs(text, out);
}

static void write_row(const struct toban *toban, const char *label, const json_t *row)
{
    text_put_padded(toban->out, label, LABEL_COLUMNS);
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        const json_t *value = json_object_get(row, columns[i].name);
        char text[ROW_TEXT_BYTES];

        if (json_is_integer(value)) {
            text_number(json_integer_value(value), text);
        } else if (json_is_real(value)) {
            (void)snprintf(text, sizeof(text), "%.1f", json_real_value(value));
        } else {
            (void)snprintf(text, sizeof(text), "-");
        }
        put_right(toban->out, text);
    }
    (void)fputc('\n', toban->out);
}

static void write_table(const struct toban *toban, const json_t *body)
{
    const json_t *rows = json_object_get(body, "rows");
    const char *from = json_string_value(json_object_get(body, "from"));
    const char *to = json_string_value(json_object_get(body, "to"));
    char label[KEY_BYTES];
    json_t *row;
    size_t i;

    (void)fprintf(toban->out,
                  text_choose(toban, "%s 〜 %s、開庁日 %lld 日%s\n", "%s to %s, %lld days%s\n"),
                  from == NULL ? "-" : from, to == NULL ? "-" : to,
                  (long long)json_integer_value(json_object_get(body, "days")),
                  json_is_true(json_object_get(body, "provisional"))
                      ? text_choose(toban, "（途中の日を含む）", " (one is not over)")
                      : "");
    text_put_padded(toban->out, "", LABEL_COLUMNS);
    for (i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        put_right(toban->out, text_choose(toban, columns[i].ja, columns[i].en));
    }
    (void)fputc('\n', toban->out);
    json_array_foreach(rows, i, row)
    {
        row_label(toban, row, label);
        write_row(toban, label, row);
    }
    write_row(toban, text_choose(toban, "合計", "total"), json_object_get(body, "total"));
    (void)fprintf(toban->out, "%s\n",
                  text_choose(toban,
                              "時間の単位は秒。数の意味は --json か --csv の definitions に。",
                              "Times are seconds; --json and --csv say what each number means."));
}

/* ---- rows of single visits ------------------------------------------------------------------------------ */

#define LINE_END "\r\n"
#define CONTINUES LINE_END "続き continues to,"

enum { DATE_CHARACTERS = 10, FILES_MAX = 1000 };

/* Rows of one file, and of the last one what stands below them. False: that is no such file. */
static bool write_rows(struct toban *toban, const char *text, bool first,
                       char more_to[DATE_CHARACTERS + 1])
{
    const char *rows = strstr(text, LINE_END);
    const char *below = strstr(text, LINE_END LINE_END);
    const char *continues = strstr(text, CONTINUES);

    if (rows == NULL || below == NULL || rows > below) {
        (void)fprintf(toban->err, "toban: %s\n",
                      text_choose(toban, "答えを読めません。", "the answer cannot be read."));
        return false;
    }
    more_to[0] = '\0';
    if (continues != NULL) {
        (void)snprintf(more_to, DATE_CHARACTERS + 1, "%s", continues + strlen(CONTINUES));
    }
    rows += strlen(LINE_END);
    below += strlen(LINE_END);
    if (first) {
        (void)fwrite(text, 1, (size_t)(rows - text), toban->out);
    }
    (void)fwrite(rows, 1, below > rows ? (size_t)(below - rows) : 0, toban->out);
    if (continues == NULL) {
        (void)fputs(below, toban->out);
    }
    return true;
}

/* The newest days first, as many files as there are: one table for whoever keeps it. */
static int write_visits(struct toban *toban, const char *from, const char *to)
{
    struct api_request request = {.type = API_READ, .read = {.what = API_READ_VISITS_CSV}};
    char until[DATE_CHARACTERS + 1] = "", more_to[DATE_CHARACTERS + 1] = "";
    int r = TOBAN_OK;

    (void)snprintf(until, sizeof(until), "%s", to);
    for (int i = 0; i < FILES_MAX && r == TOBAN_OK; i++) {
        struct answer answer = {0};
        int len = snprintf(request.read.text, sizeof(request.read.text), "%s %s -", from, until);

        if (len < 0 || len >= (int)sizeof(request.read.text)) {
            return command_misused(toban, "stats", "指示がわかりません。",
                                   "that is not understood.");
        }
        r = ask_text(toban, &request, &answer);
        if (r == TOBAN_OK && !write_rows(toban, answer.body, i == 0, more_to)) {
            r = TOBAN_NO;
        }
        answer_free(&answer);
        if (more_to[0] == '\0') {
            break;
        }
        memcpy(until, more_to, sizeof(until));
    }
    return r;
}

int command_stats(struct toban *toban, int argc, char **argv)
{
    struct api_request request = {.type = API_READ, .read = {.what = API_READ_STATISTICS}};
    const char *from = "-", *to = "-", *by = "-";
    bool misused = options_take_value(&argc, argv, "from", &from) < 0 ||
                   options_take_value(&argc, argv, "to", &to) < 0 ||
                   options_take_value(&argc, argv, "by", &by) < 0;
    bool csv = options_take_flag(&argc, argv, "csv");
    bool visits = options_take_flag(&argc, argv, "visits");
    struct answer answer = {0};
    json_t *body = NULL;
    int len, r;

    len = snprintf(request.read.text, sizeof(request.read.text), "%s %s %s", from, to, by);
    if (misused || argc != 0 || len < 0 || len >= (int)sizeof(request.read.text) ||
        ((csv || visits) && toban->json) || (visits && strcmp(by, "-") != 0) ||
        strlen(to) > DATE_CHARACTERS) {
        return command_misused(toban, "stats", "指示がわかりません。", "that is not understood.");
    }
    if (visits) {
        return write_visits(toban, from, to);
    }
    if (!csv) {
        r = ask_and_parse(toban, &request, &body);
        if (r == TOBAN_OK && !toban->json) {
            write_table(toban, body);
        }
        json_decref(body);
        return r;
    }
    request.read.what = API_READ_STATISTICS_CSV;
    r = ask_text(toban, &request, &answer);
    if (r == TOBAN_OK) {
        (void)fwrite(answer.body, 1, answer.body_len_bytes, toban->out);
    }
    answer_free(&answer);
    return r;
}
