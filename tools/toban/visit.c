/* What staff say of a visit beside the verb (ticket, counter), and managers' words about acceptance. */
#include "tools/toban/toban.h"

#include "appliance/queue/queue.h"

#include <stdlib.h>
#include <string.h>

enum { HOLD_MINUTES_MAX = 240, WORDS_MAX = 4 };

/* --NAME WORD, one of `words`: its position from 1; 0 not there, -1 another word. */
static int take_word(int *argc, char **argv, const char *name, const char *const words[WORDS_MAX])
{
    const char *text = NULL;
    int found = options_take_value(argc, argv, name, &text);

    for (int i = 0; found > 0 && i < WORDS_MAX && words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0) {
            return i + 1;
        }
    }
    return found == 0 ? 0 : -1;
}

static bool take_number(int *argc, char **argv, const char *name, uint32_t last, uint16_t *ret)
{
    const char *text = NULL;
    uint32_t number = 0;
    int found = options_take_value(argc, argv, name, &text);

    if (found == 0) {
        return true;
    }
    if (found < 0 || !options_parse_number(text, 1, last, &number)) {
        return false;
    }
    *ret = (uint16_t)number;
    return true;
}

bool visit_parse_services(const char *text, struct api_more *more)
{
    char list[64];
    char *rest = NULL;

    if (strlen(text) >= sizeof(list)) {
        return false;
    }
    more->plan_count = 0;
    if (strcmp(text, "none") == 0) {
        return true;
    }
    (void)snprintf(list, sizeof(list), "%s", text);
    for (char *word = strtok_r(list, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
        uint32_t category;

        if (more->plan_count == API_PLAN_MAX ||
            !options_parse_number(word, 1, QUEUE_CATEGORIES_MAX, &category)) {
            return false;
        }
        more->plan[more->plan_count++] = (uint16_t)category;
    }
    return more->plan_count > 0;
}

bool visit_take_place(int *argc, char **argv, struct api_more *more)
{
    static const char *const places[WORDS_MAX] = {"head", "age", "tail", NULL};
    uint16_t after = 0;
    int place = take_word(argc, argv, "place", places);

    if (place < 0 || !take_number(argc, argv, "after", QUEUE_AFTER_MAX, &after) ||
        (place > 0 && after > 0)) {
        return false;
    }
    more->place = after > 0 ? QUEUE_PLACE_AFTER : (uint8_t)place;
    more->after = (uint8_t)after;
    return true;
}

bool visit_take_hold(int *argc, char **argv, struct api_more *more)
{
    static const char *const reasons[WORDS_MAX] = {"other", "form", "document", "inquiry"};
    int reason = take_word(argc, argv, "reason", reasons);

    if (reason < 0 || !take_number(argc, argv, "minutes", HOLD_MINUTES_MAX, &more->hold_minutes)) {
        return false;
    }
    more->hold_reason = (uint8_t)reason;
    more->to_pool = options_take_flag(argc, argv, "pool");
    return true;
}

bool visit_take_transfer(int *argc, char **argv, struct api_more *more)
{
    return take_number(argc, argv, "to-counter", UINT16_MAX, &more->to_counter) &&
           visit_take_place(argc, argv, more);
}

bool visit_take_issue(int *argc, char **argv, struct api_more *more)
{
    const char *text = NULL;
    int found = options_take_value(argc, argv, "then", &text);

    more->assist = options_take_flag(argc, argv, "staff-will-come") ? 1 : 0;
    return found == 0 || (found > 0 && visit_parse_services(text, more));
}

bool visit_take_note(int *argc, char **argv, struct api_more *more)
{
    if (options_take_flag(argc, argv, "staff-will-come")) {
        more->assist = 1;
    } else if (options_take_flag(argc, argv, "visitor-comes")) {
        more->assist = 2;
    }
    return true;
}

bool visit_parse_note(const char *text, struct api_more *more)
{
    if (strlen(text) >= sizeof(more->note)) {
        return false;
    }
    (void)snprintf(more->note, sizeof(more->note), "%s", text);
    more->has_note = 1;
    return true;
}

/* stop | resume [CATEGORY], limit CATEGORY N|none|usual */
bool acceptance_request(int argc, char **argv, struct api_request *ret_request)
{
    struct api_request request = {.type = API_COMMAND, .command = {.actor = API_ACTOR_MANAGER}};
    uint32_t category = 0;
    uint32_t limit = 0;

    if (argc > 1 && !options_parse_number(argv[1], 1, QUEUE_CATEGORIES_MAX, &category)) {
        return false;
    }
    request.command.category = (uint16_t)category;
    if (argc >= 1 && argc <= 2 && strcmp(argv[0], "stop") == 0) {
        request.command.action = QUEUE_SUSPEND;
    } else if (argc >= 1 && argc <= 2 && strcmp(argv[0], "resume") == 0) {
        request.command.action = QUEUE_RESUME;
    } else if (argc == 3 && strcmp(argv[0], "limit") == 0) {
        request.command.action = QUEUE_SET_LIMIT;
        if (strcmp(argv[2], "none") == 0) {
            limit = QUEUE_LIMIT_NONE;
        } else if (strcmp(argv[2], "usual") != 0 &&
                   !options_parse_number(argv[2], 1, QUEUE_NUMBER_MAX, &limit)) {
            return false;
        }
        request.command.more.limit = (uint16_t)limit;
    } else {
        return false;
    }
    *ret_request = request;
    return true;
}

static void show_one(const struct toban *toban, const json_t *category)
{
    const json_t *remaining = json_object_get(category, "remaining");
    const char *name = text_member(toban, category, "name");
    const char *refusal = json_string_value(json_object_get(category, "refusal"));

    (void)fprintf(toban->out, "%2d  %s  %s",
                  (int)json_integer_value(json_object_get(category, "id")),
                  name != NULL ? name : "",
                  refusal == NULL ? text_choose(toban, "受付中", "accepting") : refusal);
    if (json_is_integer(remaining)) {
        (void)fprintf(toban->out, text_choose(toban, "  残り %d", "  %d left"),
                      (int)json_integer_value(remaining));
    }
    (void)fputc('\n', toban->out);
}

static int show_acceptance(struct toban *toban)
{
    struct api_request request = {.type = API_READ, .read = {.what = API_READ_QUEUE}};
    json_t *body = NULL;
    json_t *category;
    size_t i;
    int r = ask_and_parse(toban, &request, &body);

    json_array_foreach(json_object_get(body, "categories"), i, category)
    {
        show_one(toban, category);
    }
    json_decref(body);
    return r;
}

int command_acceptance(struct toban *toban, int argc, char **argv)
{
    struct api_request request;
    json_t *body = NULL;
    int r;

    if (argc == 0 || (argc == 1 && strcmp(argv[0], "show") == 0)) {
        return show_acceptance(toban);
    }
    if (!acceptance_request(argc, argv, &request)) {
        return command_misused(toban, "acceptance", "書き方がちがいます。",
                               "that is not understood.");
    }
    ask_seal_command(&request);
    r = ask_and_parse(toban, &request, &body);
    if (body != NULL) {
        (void)fputs(text_choose(toban, "できました。\n", "Done.\n"), toban->out);
    }
    json_decref(body);
    return r;
}
