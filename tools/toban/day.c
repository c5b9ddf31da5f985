/* day and duty: what an operator may order. */
#include "tools/toban/toban.h"

#include <string.h>

static int order(struct toban *toban, enum api_control_what what, const char *text,
                 const char *done_ja, const char *done_en)
{
    struct api_request request = {
        .type = API_CONTROL, .control = {.what = (uint8_t)what, .actor = API_ACTOR_ADMINISTRATOR}};
    json_t *body = NULL;
    int r;

    (void)snprintf(request.control.text, sizeof(request.control.text), "%s", text);
    r = ask_and_parse(toban, &request, &body);
    if (r == TOBAN_OK && !toban->json) {
        const char *said = text_member(toban, body, "text");

        (void)fprintf(toban->out, "%s\n",
                      said != NULL ? said : text_choose(toban, done_ja, done_en));
    }
    json_decref(body);
    return r;
}

static bool is_date(const char *text)
{
    static const char form[] = "dddd-dd-dd";

    for (size_t i = 0; i < sizeof(form); i++) {
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i]) {
            return false;
        }
    }
    return true;
}

static int show_day(struct toban *toban)
{
    struct api_request request = {.type = API_READ, .read = {.what = API_READ_DAY}};
    json_t *body = NULL;
    int r = ask_and_parse(toban, &request, &body);
    const char *date = json_string_value(json_object_get(body, "date"));
    const char *state = json_string_value(json_object_get(body, "state"));
    const char *next = json_string_value(json_object_get(body, "next_opening"));
    char text[32];

    if (body != NULL) {
        (void)fprintf(toban->out, "%s  %s\n", date != NULL ? date : "-",
                      status_day_word(toban, state));
        if (next != NULL) {
            text_moment(next, text);
            (void)fprintf(toban->out, "%s  %s\n", text_choose(toban, "次の開庁", "next opening"),
                          text);
        }
    }
    json_decref(body);
    return r;
}

/* "unit 1  2026-11-25 00:00  keys destroyed 2": who says that its disk no longer opens the day. */
static void write_units(const struct toban *toban, const json_t *body)
{
    json_t *unit;
    size_t i;

    json_array_foreach(json_object_get(body, "units"), i, unit)
    {
        const char *at = json_string_value(json_object_get(unit, "erased_at"));
        char text[32] = "-";

        if (at != NULL) {
            text_moment(at, text);
        }
        (void)fprintf(
            toban->out,
            text_choose(toban, "  %lld号機  %s 消去を確認。消した鍵 %lld、残った鍵 0%s\n",
                        "  unit %lld  %s found erased: %lld keys destroyed, none left%s\n"),
            (long long)json_integer_value(json_object_get(unit, "unit")), text,
            (long long)json_integer_value(json_object_get(unit, "keys_destroyed")),
            json_is_true(json_object_get(unit, "digests_agree"))
                ? ""
                : text_choose(toban, "。要約値が一致しません", "; its digests do not agree"));
    }
    json_array_foreach(json_object_get(body, "relays"), i, unit)
    {
        const char *name = json_string_value(json_object_get(unit, "relay"));
        const char *at = json_string_value(json_object_get(unit, "erased_at"));
        char text[32] = "-";

        if (at != NULL) {
            text_moment(at, text);
        }
        (void)fprintf(toban->out,
                      text_choose(toban, "  中継 %s  %s 消去\n", "  relay %s  erased %s\n"),
                      name != NULL ? name : "-", text);
    }
    json_array_foreach(json_object_get(body, "missing_relays"), i, unit)
    {
        (void)fprintf(toban->out,
                      text_choose(toban, "  中継 %s  まだ証明が届いていません\n",
                                  "  relay %s  has not delivered its certificate yet\n"),
                      json_string_value(unit));
    }
    json_array_foreach(json_object_get(body, "missing_units"), i, unit)
    {
        (void)fprintf(toban->out,
                      text_choose(toban, "  %lld号機  まだ証明がありません\n",
                                  "  unit %lld  has not certified it yet\n"),
                      (long long)json_integer_value(json_object_get(unit, "unit")));
    }
}

static void write_certificate(const struct toban *toban, const json_t *body)
{
    const char *at = json_string_value(json_object_get(json_object_get(body, "ordered"), "at"));
    const char *day = json_string_value(json_object_get(body, "service_day"));
    const char *before = json_string_value(json_object_get(body, "digest_before"));
    const char *after = json_string_value(json_object_get(body, "digest_after"));
    char text[32] = "-";

    if (at != NULL) {
        text_moment(at, text);
    }
    (void)fprintf(toban->out, "%s  %s  %s\n",
                  text_choose(toban, "消去証明書", "Certificate of erasure"),
                  day != NULL ? day : "-", text);
    (void)fprintf(toban->out,
                  text_choose(toban, "  受付 %lld 件、操作の控え %lld 件を消去\n",
                              "  %lld tickets and %lld kept answers erased\n"),
                  (long long)json_integer_value(json_object_get(body, "tickets")),
                  (long long)json_integer_value(json_object_get(body, "answers")));
    (void)fprintf(
        toban->out, "  %s %s\n  %s %s\n", text_choose(toban, "消去前の要約値", "digest before"),
        before != NULL ? before : "-", text_choose(toban, "消去後の要約値", "digest after "),
        after != NULL ? after : "-");
    write_units(toban, body);
}

/* 0 only when both units certify it. */
static int show_certificate(struct toban *toban, const char *date)
{
    struct api_request request = {.type = API_READ, .read = {.what = API_READ_CERTIFICATE}};
    struct answer answer = {0};
    json_t *body;
    int r;

    (void)snprintf(request.read.text, sizeof(request.read.text), "%s", date);
    r = ask_unit(toban, &request, &answer);
    if (r != TOBAN_OK) {
        return r;
    }
    body = json_loadb(answer.body, answer.body_len_bytes, 0, NULL);
    if (toban->json) {
        (void)fprintf(toban->out, "%s\n", answer.body);
    } else if (answer.status < 400) {
        write_certificate(toban, body);
    } else {
        const char *said = text_member(toban, body, "detail");

        (void)fprintf(toban->err, "toban: %s\n", said != NULL ? said : "");
    }
    r = answer.status < 400 && json_array_size(json_object_get(body, "missing_units")) == 0
            ? TOBAN_OK
            : TOBAN_NO;
    json_decref(body);
    answer_free(&answer);
    return r;
}

int command_day(struct toban *toban, int argc, char **argv)
{
    int r;

    if (argc == 0 || (argc == 1 && strcmp(argv[0], "status") == 0)) {
        return show_day(toban);
    }
    if (strcmp(argv[0], "open") == 0 && argc <= 2) {
        if (argc == 2 && !is_date(argv[1])) {
            return command_misused(toban, "day", "日付は 2026-11-24 のように書きます。",
                                   "a date is written like 2026-11-24.");
        }
        return order(toban, API_CONTROL_DAY_OPEN, argc == 2 ? argv[1] : "", "開庁しました。",
                     "The day is open.");
    }
    if (strcmp(argv[0], "close") == 0 && argc == 1) {
        return order(toban, API_CONTROL_DAY_CLOSE, "", "閉庁しました。", "The day is closed.");
    }
    if (strcmp(argv[0], "annul") == 0 && argc == 1) {
        return order(toban, API_CONTROL_DAY_ANNUL, "", "この開庁日を取り消しました。",
                     "The day is annulled.");
    }
    if (strcmp(argv[0], "certificate") == 0 && argc <= 2) {
        if (argc == 2 && !is_date(argv[1])) {
            return command_misused(toban, "day", "日付は 2026-11-24 のように書きます。",
                                   "a date is written like 2026-11-24.");
        }
        return show_certificate(toban, argc == 2 ? argv[1] : "");
    }
    if (manage_day(toban, argc, argv, &r)) {
        return r;
    }
    return command_misused(toban, "day", "指示がわかりません。", "that is not understood.");
}

int command_duty(struct toban *toban, int argc, char **argv)
{
    if (argc == 1 && strcmp(argv[0], "handover") == 0) {
        return order(toban, API_CONTROL_DUTY_HANDOVER, "", "当番を渡しました。",
                     "Duty was handed over.");
    }
    if (argc == 1 && strcmp(argv[0], "stop") == 0) {
        return order(toban, API_CONTROL_DUTY_STOP, "",
                     "業務を止めました。duty resume で再開します。",
                     "It serves no more; duty resume ends that.");
    }
    if (argc == 1 && strcmp(argv[0], "resume") == 0) {
        return order(toban, API_CONTROL_DUTY_RESUME, "", "業務を再開できます。",
                     "It may serve again.");
    }
    return command_misused(toban, "duty", "指示がわかりません。", "that is not understood.");
}
