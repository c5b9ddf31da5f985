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

int command_day(struct toban *toban, int argc, char **argv)
{
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
