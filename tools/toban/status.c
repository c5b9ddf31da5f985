/* toban status: the verdict first, then each unit in one line, then what a failover would take. */
#include "tools/toban/toban.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_COLUMNS = 8, ROLE_COLUMNS = 8, MODE_COLUMNS = 15, CELL_BYTES = 160 };

static bool is(const char *text, const char *word)
{
    return text != NULL && strcmp(text, word) == 0;
}

static const char *member(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static bool is_true(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

const char *status_day_word(const struct toban *toban, const char *state)
{
    if (is(state, "OPEN")) {
        return text_choose(toban, "開庁中", "open");
    }
    if (is(state, "CLOSED")) {
        return text_choose(toban, "閉庁", "closed");
    }
    if (is(state, "ERASED")) {
        return text_choose(toban, "閉庁・消去済", "closed, erased");
    }
    return text_choose(toban, "開庁前", "not opened");
}

static void write_headline(const struct toban *toban, const json_t *status)
{
    const json_t *verdict = json_object_get(status, "verdict");
    const json_t *day = json_object_get(status, "service_day");
    const char *sentence = text_member(toban, verdict, "text");
    const char *site = text_member(toban, status, "site");
    const char *date = member(day, "date");
    const char *opens = member(day, "opens");
    const char *closes = member(day, "closes");

    (void)fprintf(toban->out, "%s",
                  sentence != NULL
                      ? sentence
                      : text_choose(toban, "判定がありません。", "There is no verdict."));
    (void)fprintf(toban->out, "      %s", site != NULL ? site : "");
    if (date != NULL) {
        (void)fprintf(toban->out, "  %s %s", date, status_day_word(toban, member(day, "state")));
    }
    if (opens != NULL && closes != NULL) {
        (void)fprintf(toban->out, " (%s–%s)", opens, closes);
    }
    (void)fputc('\n', toban->out);
}

static const char *role_word(const struct toban *toban, const char *role)
{
    static const char *const words[][3] = {
        {"DUTY", "当番", "duty"},         {"SPARE", "予備", "spare"},
        {"MEETING", "合流中", "meeting"}, {"WAITING", "待機", "waiting"},
        {"STOPPED", "停止", "stopped"},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (is(role, words[i][0])) {
            return text_choose(toban, words[i][1], words[i][2]);
        }
    }
    return text_choose(toban, "不明", "unknown");
}

static void mode_cell(const struct toban *toban, const json_t *unit, char cell[CELL_BYTES])
{
    const char *mode = member(unit, "mode");
    const char *series = member(unit, "series");

    if (is(mode, "PAIRED")) {
        (void)snprintf(cell, CELL_BYTES, "%s", text_choose(toban, "連携 PAIRED", "PAIRED"));
    } else if (is(mode, "ALONE")) {
        (void)snprintf(cell, CELL_BYTES, "%s %s", text_choose(toban, "単独 ALONE", "ALONE"),
                       series != NULL ? series : "");
    } else {
        (void)snprintf(cell, CELL_BYTES, "%s", text_choose(toban, "停止 IDLE", "IDLE"));
    }
}

/* "0.4 ms", "1.2 s" with the language's word; what was not measured says so. */
static void duration_cell(const struct toban *toban, const json_t *value_ms, char cell[CELL_BYTES])
{
    double ms = json_number_value(value_ms);

    if (!json_is_number(value_ms) || ms < 0) {
        (void)snprintf(cell, CELL_BYTES, "%s", text_choose(toban, "未計測", "not measured"));
    } else if (ms < 100) {
        (void)snprintf(cell, CELL_BYTES, "%.1f ms", ms);
    } else {
        (void)snprintf(cell, CELL_BYTES, "%.1f %s", ms / 1000, text_choose(toban, "秒", "s"));
    }
}

static void write_duty_cells(const struct toban *toban, const json_t *unit)
{
    const json_t *watchdog = json_object_get(unit, "watchdog");
    char cell[CELL_BYTES];
    char number[32];

    mode_cell(toban, unit, cell);
    text_put_padded(toban->out, cell, MODE_COLUMNS);
    text_number(json_integer_value(json_object_get(unit, "term")), number);
    (void)fprintf(toban->out, "%s %s   ", text_choose(toban, "期", "term"), number);
    text_number(json_integer_value(json_object_get(unit, "lsn")), number);
    (void)fprintf(toban->out, "%s %s", text_choose(toban, "台帳", "ledger"), number);
    if (is_true(watchdog, "armed")) {
        duration_cell(toban, json_object_get(watchdog, "timeout_ms"), cell);
        (void)fprintf(toban->out, "   %s %s", text_choose(toban, "見張り", "watchdog"), cell);
    }
}

static void write_spare_cells(const struct toban *toban, const json_t *unit)
{
    const json_t *entries = json_object_get(unit, "lag_entries");
    char cell[CELL_BYTES];
    char number[32];

    text_put_padded(toban->out,
                    is_true(unit, "ready") ? text_choose(toban, "準備完了", "ready")
                                           : text_choose(toban, "準備できていない", "not ready"),
                    MODE_COLUMNS);
    if (!json_is_integer(entries)) {
        (void)fprintf(toban->out, "%s %s", text_choose(toban, "遅れ", "lag"),
                      text_choose(toban, "未計測", "not measured"));
        return;
    }
    text_number(json_integer_value(entries), number);
    duration_cell(toban, json_object_get(unit, "lag_ms"), cell);
    (void)fprintf(toban->out, text_choose(toban, "遅れ %s 件 / %s", "lag %s entries / %s"), number,
                  cell);
}

static bool told_by_a_unit(const json_t *units, const char *code)
{
    json_t *unit;
    json_t *reason;
    size_t i, j;

    json_array_foreach(units, i, unit)
    {
        json_array_foreach(json_object_get(unit, "reasons"), j, reason)
        {
            if (code != NULL && is(member(reason, "code"), code)) {
                return true;
            }
        }
    }
    return false;
}

/* Reasons are sentences, or objects {code, text, text_ja, text_en}. Those that a unit's own lines have
 * told already are left out (units: NULL tells all). */
static void write_reasons(const struct toban *toban, const json_t *reasons, const char *indent,
                          const json_t *units)
{
    json_t *reason;
    size_t i;

    json_array_foreach(reasons, i, reason)
    {
        const char *text =
            json_is_string(reason) ? json_string_value(reason) : text_member(toban, reason, "text");
        const char *code = member(reason, "code");

        if ((text != NULL || code != NULL) && !told_by_a_unit(units, code)) {
            (void)fprintf(toban->out, "%s%s%s%s%s%s\n", indent, text_choose(toban, "→ ", "-> "),
                          text != NULL ? text : "", code != NULL ? " [" : "",
                          code != NULL ? code : "", code != NULL ? "]" : "");
        }
    }
}

static void write_unit(const struct toban *toban, const json_t *unit)
{
    const char *name = text_member(toban, unit, "name");
    const char *role = member(unit, "role");
    char cell[CELL_BYTES];

    /* Without an English name, the Japanese one helps nobody who reads English. */
    if (name == NULL || (!toban->japanese && member(unit, "name_en") == NULL)) {
        (void)snprintf(
            cell, sizeof(cell),
            text_choose(toban, "%" JSON_INTEGER_FORMAT "号機", "unit %" JSON_INTEGER_FORMAT),
            json_integer_value(json_object_get(unit, "unit")));
        name = cell;
    }
    (void)fputc(' ', toban->out);
    text_put_padded(toban->out, name, NAME_COLUMNS);
    text_put_padded(toban->out, role_word(toban, role), ROLE_COLUMNS);
    if (is(role, "SPARE")) {
        write_spare_cells(toban, unit);
    } else if (is(role, "UNKNOWN")) {
        (void)fputs(text_choose(toban, "連絡がありません", "not heard"), toban->out);
    } else {
        write_duty_cells(toban, unit);
    }
    (void)fputc('\n', toban->out);
    write_reasons(toban, json_object_get(unit, "reasons"), "         ", NULL);
}

static void write_budget(const struct toban *toban, const json_t *status)
{
    static const struct {
        const char *member, *ja, *en;
    } rows[] = {{"power_ms", "電源断", "power cut"},
                {"crash_ms", "停止", "crash"},
                {"handover_ms", "計画", "planned"}};
    const json_t *budget = json_object_get(status, "takeover_budget");
    char cell[CELL_BYTES];

    (void)fprintf(toban->out, " %s", text_choose(toban, "切替見込み", "failover takes"));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        duration_cell(toban, json_object_get(budget, rows[i].member), cell);
        (void)fprintf(toban->out, "%s%s %s", i == 0 ? "  " : "   ",
                      text_choose(toban, rows[i].ja, rows[i].en), cell);
    }
    if (is(member(status, "failover_as"), "letters")) {
        (void)fputs(text_choose(toban, "   (英字付きの番号で)", "   (numbers with a letter)"),
                    toban->out);
    }
    (void)fputc('\n', toban->out);
}

/* Who acts and by when; and when it opens next, unless it is open. */
static void write_next(const struct toban *toban, const json_t *status)
{
    static const char *const actors[][3] = {{"engineer", "保守員", "the engineer"},
                                            {"administrator", "管理者", "the administrator"},
                                            {"staff", "係員", "the staff"}};
    const json_t *verdict = json_object_get(status, "verdict");
    const json_t *day = json_object_get(status, "service_day");
    const char *by_when = member(verdict, "by_when");
    const char *next = member(day, "next_opening");
    char text[32];

    for (size_t i = 0; i < sizeof(actors) / sizeof(actors[0]); i++) {
        if (is(member(verdict, "who_acts"), actors[i][0])) {
            text_moment(by_when != NULL ? by_when : "", text);
            (void)fprintf(toban->out, text_choose(toban, " 対応 %s%s%s\n", " to act: %s%s%s\n"),
                          text_choose(toban, actors[i][1], actors[i][2]),
                          by_when != NULL ? text_choose(toban, "   期限 ", ", by ") : "", text);
        }
    }
    if (!is(member(day, "state"), "OPEN") && next != NULL) {
        text_moment(next, text);
        (void)fprintf(toban->out, " %s %s\n", text_choose(toban, "次の開庁", "next opening"), text);
    }
}

/* A unit that is filled from the other: how far, and how long it will take. */
static void write_snapshot(const struct toban *toban, const json_t *status)
{
    const json_t *snapshot = json_object_get(status, "snapshot");
    const json_t *seconds = json_object_get(snapshot, "seconds_left");

    if (!json_is_object(snapshot)) {
        return;
    }
    (void)fprintf(toban->out, " %s  %lld %%  (%lld / %lld %s)",
                  text_choose(toban, "台帳を写しています", "copying the ledger"),
                  (long long)json_integer_value(json_object_get(snapshot, "percent")),
                  (long long)json_integer_value(json_object_get(snapshot, "bytes")),
                  (long long)json_integer_value(json_object_get(snapshot, "total_bytes")),
                  text_choose(toban, "バイト", "bytes"));
    if (json_is_integer(seconds)) {
        (void)fprintf(toban->out, text_choose(toban, "  残り約 %lld 秒", "  about %lld s left"),
                      (long long)json_integer_value(seconds));
    }
    (void)fputc('\n', toban->out);
}

/* A board that cannot be heard is a person's to touch. */
static void write_boards(const struct toban *toban, const json_t *boards)
{
    long long connected = json_integer_value(json_object_get(boards, "connected"));
    long long blocked = json_integer_value(json_object_get(boards, "blocked"));
    long long no_words = json_integer_value(json_object_get(boards, "chime"));

    if (blocked > 0) {
        (void)fprintf(
            toban->out,
            text_choose(toban,
                        "  表示盤 %2$lld 面のうち %1$lld 面が音を出せません。その画面に"
                        "一度触れてください。\n",
                        "  %lld of %lld boards cannot be heard: touch its screen once.\n"),
            blocked, connected);
    }
    if (no_words > 0) {
        (void)fprintf(
            toban->out,
            text_choose(toban,
                        "  表示盤 %2$lld 面のうち %1$lld 面は音声を読み込めず、チャイムだけ"
                        "です。\n",
                        "  %lld of %lld boards have no voice, only the chime.\n"),
            no_words, connected);
    }
}

int status_write(const struct toban *toban, const json_t *status)
{
    const json_t *verdict = json_object_get(status, "verdict");
    const json_t *units = json_object_get(status, "units");
    bool open = is(member(json_object_get(status, "service_day"), "state"), "OPEN");
    json_t *unit;
    size_t i;

    write_headline(toban, status);
    json_array_foreach(units, i, unit)
    {
        write_unit(toban, unit);
    }
    if (json_array_size(units) > 1) {
        write_budget(toban, status);
    }
    write_snapshot(toban, status);
    write_reasons(toban, json_object_get(status, "reasons"), " ", units);
    write_boards(toban, json_object_get(status, "boards"));
    write_next(toban, status);
    return is_true(verdict, "can_serve_now") || (!open && is_true(verdict, "will_open_next"))
               ? TOBAN_OK
               : TOBAN_NO;
}

bool status_unit_serves(const json_t *status, unsigned unit)
{
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(status, "units"), i, row)
    {
        if ((unit == 0 || json_integer_value(json_object_get(row, "unit")) == (json_int_t)unit) &&
            is(member(row, "role"), "DUTY")) {
            return true;
        }
    }
    return false;
}

struct view {
    unsigned unit;
    bool serves;
    json_t *status;
};

/* Asks every unit, so that a spare, or two units that serve apart, are seen too. */
static size_t ask_all(const struct targets *targets, struct view views[TOBAN_TARGETS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < targets->count; i++) {
        struct api_request request = {.type = API_READ, .read = {.what = API_READ_STATUS}};
        struct answer answer = {0};
        struct client client;
        struct view view = {.unit = targets->list[i].unit};

        if (client_open(targets->list[i].socket, TOBAN_ANSWER_WAIT_MS, &client) < 0) {
            continue;
        }
        if (client_ask(&client, &request, TOBAN_ANSWER_WAIT_MS, &answer) == 0 &&
            answer.status < 400) {
            view.status = json_loadb(answer.body, answer.body_len_bytes, 0, NULL);
            view.serves = view.status != NULL && status_unit_serves(view.status, view.unit);
        }
        client_close(&client);
        answer_free(&answer);
        if (view.status != NULL) {
            views[count++] = view;
        }
    }
    return count;
}

static int write_views(struct toban *toban, const struct view *views, size_t count)
{
    size_t best = 0;
    int r;

    for (size_t i = count; i-- > 0;) {
        best = views[i].serves ? i : best;
    }
    if (toban->json) {
        json_t *verdict = json_object_get(views[best].status, "verdict");

        (void)json_dumpf(views[best].status, toban->out, JSON_INDENT(2));
        (void)fputc('\n', toban->out);
        return is_true(verdict, "can_serve_now") || is_true(verdict, "will_open_next") ? TOBAN_OK
                                                                                       : TOBAN_NO;
    }
    r = status_write(toban, views[best].status);
    for (size_t i = 0; i < count; i++) {
        if (i != best && views[i].serves) {
            (void)fprintf(toban->out,
                          text_choose(toban, "\n別に業務をしている%u号機から見た状態:\n",
                                      "\nas seen from unit %u, which serves apart:\n"),
                          views[i].unit);
            (void)status_write(toban, views[i].status);
        }
    }
    return r;
}

int command_status(struct toban *toban, int argc, char **argv)
{
    struct view views[TOBAN_TARGETS_MAX];
    struct targets targets;
    size_t count;
    int r;

    (void)argv;
    if (argc > 0) {
        return command_misused(toban, "status", "ことばが多すぎます。", "too many words.");
    }
    r = targets_find(toban, &targets);
    if (r != TOBAN_OK) {
        return r;
    }
    count = ask_all(&targets, views);
    if (count == 0) {
        (void)fprintf(
            toban->err,
            text_choose(toban, "toban: どの号機も答えません (%s)。電源と起動を確認してください。\n",
                        "toban: no unit answers (%s). Check that it has power and has started.\n"),
            targets.list[0].socket);
        return TOBAN_UNREACHABLE;
    }
    r = write_views(toban, views, count);
    for (size_t i = 0; i < count; i++) {
        json_decref(views[i].status);
    }
    return r;
}
