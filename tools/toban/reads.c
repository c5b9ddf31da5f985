/* ready, explain, metrics: one question each. */
#include "tools/toban/toban.h"

#include <string.h>

static bool no_words(int argc)
{
    return argc == 0;
}

static void write_evidence(const struct toban *toban, const json_t *evidence)
{
    enum { LABEL_COLUMNS = 30 };
    static const char *const labels[][3] = {
        {"contact_agreed", "相手と連絡がとれている", "in contact with the other unit"},
        {"needed", "いま窓口に必要とされている", "needed by the office now"},
        {"service_link", "窓口の回線が使える", "the service link works"},
        {"fit", "この号機は健全", "this unit is sound"},
        {"holds_address", "窓口アドレスを持っている", "holds the floating address"},
        {"peer_heard_ms_ago", "相手の声を聞いてから (ms)", "other unit last heard (ms ago)"},
        {"breaks_in_the_hour", "この1時間の連絡途絶", "breaks of contact this hour"},
        {"term", "期", "term"},
        {"common_term", "共通の期", "common term"},
    };

    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        const json_t *value = json_object_get(evidence, labels[i][0]);
        char number[32];

        if (value == NULL) {
            continue;
        }
        (void)fputs("  ", toban->out);
        text_put_padded(toban->out, text_choose(toban, labels[i][1], labels[i][2]), LABEL_COLUMNS);
        if (json_is_boolean(value)) {
            (void)fprintf(toban->out, " %s\n",
                          json_is_true(value) ? text_choose(toban, "はい", "yes")
                                              : text_choose(toban, "いいえ", "no"));
        } else {
            text_number(json_integer_value(value), number);
            (void)fprintf(toban->out, " %s\n",
                          json_integer_value(value) < 0 ? text_choose(toban, "なし", "never")
                                                        : number);
        }
    }
}

static void write_reason_lines(const struct toban *toban, const json_t *reasons)
{
    json_t *reason;
    size_t i;

    json_array_foreach(reasons, i, reason)
    {
        const char *text =
            json_is_string(reason) ? json_string_value(reason) : text_member(toban, reason, "text");
        const char *end = text_member(toban, reason, "ends_when");

        (void)fprintf(toban->out, "- %s%s%s\n", text != NULL ? text : "", end != NULL ? " " : "",
                      end != NULL ? end : "");
    }
}

/* 200 with "ready": true, or 503 with the reasons. */
int command_ready(struct toban *toban, int argc, char **argv)
{
    struct api_request request = {.type = API_READ, .read = {.what = API_READ_READY}};
    struct answer answer = {0};
    json_t *body;
    bool ready;
    int r;

    (void)argv;
    if (!no_words(argc)) {
        return command_misused(toban, "ready", "ことばが多すぎます。", "too many words.");
    }
    r = ask_unit(toban, &request, &answer);
    if (r != TOBAN_OK) {
        return r;
    }
    body = json_loadb(answer.body, answer.body_len_bytes, 0, NULL);
    ready = answer.status < 400 && json_is_true(json_object_get(body, "ready"));
    if (toban->json) {
        (void)fprintf(toban->out, "%s\n", answer.body);
    } else {
        (void)fputs(ready
                        ? text_choose(toban, "切替も、次の開庁も、できます。\n",
                                      "A failover now, and the next opening, would succeed.\n")
                        : text_choose(toban, "まだできません。理由:\n", "Not yet. The reasons:\n"),
                    toban->out);
        write_reason_lines(toban, json_object_get(body, "reasons"));
    }
    json_decref(body);
    answer_free(&answer);
    return ready ? TOBAN_OK : TOBAN_NO;
}

/* "visitors --- unit 1 PAIRED_DUTY === unit 2 PAIRED_SPARE": which way people and the ledger go. */
static void write_picture(const struct toban *toban, const json_t *body, const char *code)
{
    const json_t *evidence = json_object_get(body, "evidence");
    const char *peer_state = json_string_value(json_object_get(body, "peer_state"));
    bool contact = json_is_true(json_object_get(evidence, "contact_agreed"));
    bool link = json_is_true(json_object_get(evidence, "service_link"));
    bool holds = json_is_true(json_object_get(evidence, "holds_address"));
    json_int_t peer = json_integer_value(json_object_get(body, "peer"));

    (void)fprintf(toban->out,
                  text_choose(toban, "  来庁者 %s [%" JSON_INTEGER_FORMAT "号機 %s]",
                              "  visitors %s [unit %" JSON_INTEGER_FORMAT " %s]"),
                  !link   ? "--x--"
                  : holds ? "-----"
                          : "- - -",
                  json_integer_value(json_object_get(body, "unit")), code);
    if (peer != 0) {
        (void)fprintf(toban->out,
                      text_choose(toban, " %s [%" JSON_INTEGER_FORMAT "号機 %s]",
                                  " %s [unit %" JSON_INTEGER_FORMAT " %s]"),
                      contact ? "=====" : "==x==", peer,
                      contact && peer_state != NULL ? peer_state : "?");
    }
    (void)fputc('\n', toban->out);
}

/* A line "why: ..." when the unit says so. */
static void write_sentence(const struct toban *toban, const char *ja, const char *en,
                           const char *sentence)
{
    if (sentence != NULL && sentence[0] != '\0') {
        (void)fprintf(toban->out, "%s%s\n", text_choose(toban, ja, en), sentence);
    }
}

int command_explain(struct toban *toban, int argc, char **argv)
{
    struct api_request request = {.type = API_READ, .read = {.what = API_READ_EXPLAIN}};
    json_t *body = NULL;
    const char *code;
    int r;

    (void)argv;
    if (!no_words(argc)) {
        return command_misused(toban, "explain", "ことばが多すぎます。", "too many words.");
    }
    r = ask_and_parse(toban, &request, &body);
    if (body == NULL) {
        return r;
    }
    code = json_string_value(json_object_get(body, "state"));
    write_picture(toban, body, code != NULL ? code : "-");
    write_sentence(toban, "状態: ", "State: ", text_member(toban, body, "state"));
    write_sentence(toban, "理由: ", "Why: ", text_member(toban, body, "reason"));
    write_sentence(toban, "終わるとき: ", "Ended by: ", text_member(toban, body, "ends"));
    write_evidence(toban, json_object_get(body, "evidence"));
    if (json_array_size(json_object_get(body, "what_if")) > 0) {
        (void)fprintf(toban->out, "%s\n",
                      text_choose(toban, "次に起きること:", "What would change it:"));
        write_reason_lines(toban, json_object_get(body, "what_if"));
    }
    json_decref(body);
    return r;
}

int command_metrics(struct toban *toban, int argc, char **argv)
{
    struct api_request request = {.type = API_READ, .read = {.what = API_READ_METRICS}};
    struct answer answer = {0};
    int r;

    (void)argv;
    if (!no_words(argc)) {
        return command_misused(toban, "metrics", "ことばが多すぎます。", "too many words.");
    }
    r = ask_unit(toban, &request, &answer);
    if (r != TOBAN_OK) {
        return r;
    }
    (void)fputs(answer.body, toban->out);
    r = answer.status < 400 ? TOBAN_OK : TOBAN_NO;
    answer_free(&answer);
    return r;
}
