/* ready, explain, metrics: one question each. */
#include "tools/toban/toban.h"

#include <string.h>

static bool no_words(int argc)
{
    return argc == 0;
}

/* Any JSON for people: one "name: value" a line, nested by indentation. */
static void write_plain(const struct toban *toban, const json_t *value, int depth)
{
    const char *key;
    json_t *inner;
    size_t i;

    json_object_foreach((json_t *)value, key, inner)
    {
        bool nested = json_is_object(inner) || json_is_array(inner);

        (void)fprintf(toban->out, "%*s%s:%s", 2 * depth, "", key, nested ? "\n" : " ");
        write_plain(toban, inner, depth + 1);
    }
    json_array_foreach(value, i, inner)
    {
        (void)fprintf(toban->out, "%*s-%s", 2 * depth, "",
                      json_is_object(inner) || json_is_array(inner) ? "\n" : " ");
        write_plain(toban, inner, depth + 1);
    }
    if (json_is_string(value)) {
        (void)fprintf(toban->out, "%s\n", json_string_value(value));
    } else if (!json_is_object(value) && !json_is_array(value)) {
        (void)json_dumpf(value, toban->out, JSON_ENCODE_ANY | JSON_COMPACT);
        (void)fputc('\n', toban->out);
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

int command_explain(struct toban *toban, int argc, char **argv)
{
    struct api_request request = {.type = API_READ, .read = {.what = API_READ_EXPLAIN}};
    json_t *body = NULL;
    const char *text;
    int r;

    (void)argv;
    if (!no_words(argc)) {
        return command_misused(toban, "explain", "ことばが多すぎます。", "too many words.");
    }
    r = ask_and_parse(toban, &request, &body);
    if (body == NULL) {
        return r;
    }
    text = text_member(toban, body, "text");
    if (text != NULL) {
        (void)fprintf(toban->out, "%s\n", text);
        write_reason_lines(toban, json_object_get(body, "reasons"));
    } else {
        write_plain(toban, body, 0);
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
