/* ticket and counter: the same requests that the pages send, from the command line. */
#include "tools/toban/toban.h"

#include "appliance/queue/queue.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PRIORITY_MAX = 3, SECONDS_A_MINUTE = 60 };

typedef bool take_options(int *argc, char **argv, struct api_more *more);

/* What a verb takes, in this order. */
enum words { TICKET = 1, CATEGORY = 2, SERVICES = 4, NOTE = 8, NUMBER = 16 };

struct verb {
    const char *word;
    enum queue_action action;
    unsigned words;
    take_options *options; /* may be NULL */
};

static const struct verb ticket_verbs[] = {
    {"issue", QUEUE_ISSUE, CATEGORY, visit_take_issue},
    {"cancel", QUEUE_CANCEL, TICKET, NULL},
    {"reprint", QUEUE_REPRINT, TICKET, NULL},
    {"printed", QUEUE_PRINTED, TICKET, NULL},
    {"hold", QUEUE_HOLD, TICKET, visit_take_hold},
    {"return", QUEUE_RETURN, TICKET, visit_take_place},
    {"give-up", QUEUE_GIVE_UP, TICKET, NULL},
    {"transfer", QUEUE_TRANSFER, TICKET | CATEGORY, visit_take_transfer},
    {"plan", QUEUE_PLAN, TICKET | SERVICES, NULL},
    {"note", QUEUE_NOTE, TICKET | NOTE, visit_take_note},
    {"hand-written", QUEUE_ENTER_MANUAL, CATEGORY | NUMBER, NULL},
};

static const struct verb counter_verbs[] = {
    {"call-next", QUEUE_CALL_NEXT, 0, NULL},
    {"call", QUEUE_CALL, TICKET, NULL},
    {"recall", QUEUE_RECALL, 0, NULL},
    {"start", QUEUE_START, 0, NULL},
    {"complete", QUEUE_COMPLETE, 0, NULL},
    {"absent", QUEUE_SET_ABSENT, 0, NULL},
    {"return", QUEUE_RETURN, TICKET, visit_take_place},
    {"give-up", QUEUE_GIVE_UP, TICKET, NULL},
    {"cancel", QUEUE_CANCEL, TICKET, NULL},
    {"put-back", QUEUE_PUT_BACK, 0, NULL},
    {"hold", QUEUE_HOLD, 0, visit_take_hold},
    {"transfer", QUEUE_TRANSFER, CATEGORY, visit_take_transfer},
    {"plan", QUEUE_PLAN, SERVICES, NULL},
    {"note", QUEUE_NOTE, NOTE, visit_take_note},
    {"undo", QUEUE_UNDO, 0, NULL},
    {"open", QUEUE_COUNTER_OPEN, 0, NULL},
    {"close", QUEUE_COUNTER_CLOSE, 0, NULL},
};

static const struct verb *find_verb(const struct verb *verbs, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(verbs[i].word, word) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

/* A ticket's id, or its number with the letter. */
static bool parse_ticket(const char *text, struct api_command *command)
{
    return ids_token_from_text(text, strlen(text), &command->ticket) ||
           text_parse_display(text, &command->number, command->series);
}

static bool parse_category(const char *text, struct api_command *command)
{
    uint32_t number;

    if (!options_parse_number(text, 1, QUEUE_CATEGORIES_MAX, &number)) {
        return false;
    }
    command->category = (uint16_t)number;
    return true;
}

static bool parse_number(const char *text, struct api_command *command)
{
    uint32_t number;

    if (!options_parse_number(text, 1, QUEUE_NUMBER_MAX, &number)) {
        return false;
    }
    command->number = (uint16_t)number;
    return true;
}

static bool parse_word(unsigned word, const char *text, struct api_command *command)
{
    switch ((enum words)word) {
    case TICKET:
        return parse_ticket(text, command);
    case CATEGORY:
        return parse_category(text, command);
    case SERVICES:
        return visit_parse_services(text, &command->more);
    case NOTE:
        return visit_parse_note(text, &command->more);
    case NUMBER:
        return parse_number(text, command);
    }
    return false;
}

/* The options of the verb, then its words, exactly as many as it takes. Who is sent to a counter keeps the
 * category if none is named, and "staff will come" needs no note. */
static bool parse_words(const struct verb *verb, int argc, char **argv, struct api_command *command)
{
    int at = 0;

    if (verb->options != NULL && !verb->options(&argc, argv, &command->more)) {
        return false;
    }
    command->more.served =
        verb->action == QUEUE_ENTER_MANUAL && options_take_flag(&argc, argv, "served");
    for (unsigned word = TICKET; word <= NUMBER; word *= 2) {
        bool may_lack = (word == CATEGORY && command->more.to_counter != 0) ||
                        (word == NOTE && command->more.assist != 0);

        if ((verb->words & word) == 0 || (may_lack && at == argc)) {
            continue;
        }
        if (at == argc || !parse_word(word, argv[at++], command)) {
            return false;
        }
    }
    return at == argc;
}

static bool parse_key(int *argc, char **argv, struct api_command *command)
{
    const char *text = NULL;
    int found = options_take_value(argc, argv, "key", &text);

    return found == 0 || (found > 0 && ids_token_from_text(text, strlen(text), &command->key));
}

static bool parse_issue_options(int *argc, char **argv, struct api_command *command)
{
    const char *text = NULL;
    uint32_t number = 0;
    int found = options_take_value(argc, argv, "language", &text);

    if (found < 0 || (found > 0 && strlen(text) >= sizeof(command->language))) {
        return false;
    }
    (void)snprintf(command->language, sizeof(command->language), "%s", found > 0 ? text : "ja");
    found = options_take_value(argc, argv, "priority", &text);
    if (found < 0 || (found > 0 && !options_parse_number(text, 0, PRIORITY_MAX, &number))) {
        return false;
    }
    command->priority = (uint8_t)number;
    command->delivery =
        options_take_flag(argc, argv, "paper") ? QUEUE_DELIVERY_PAPER : QUEUE_DELIVERY_SCREEN;
    return true;
}

bool ticket_request(int argc, char **argv, struct api_request *ret_request)
{
    struct api_request request = {.type = API_COMMAND, .command = {.actor = API_ACTOR_MANAGER}};
    const struct verb *verb;

    if (argc < 1 || !parse_key(&argc, argv, &request.command)) {
        return false;
    }
    verb = find_verb(ticket_verbs, sizeof(ticket_verbs) / sizeof(ticket_verbs[0]), argv[0]);
    if (verb == NULL) {
        return false;
    }
    if (verb->action == QUEUE_ISSUE && !parse_issue_options(&argc, argv, &request.command)) {
        return false;
    }
    if (!parse_words(verb, argc - 1, argv + 1, &request.command)) {
        return false;
    }
    request.command.action = (uint8_t)verb->action;
    *ret_request = request;
    return true;
}

bool counter_request(int argc, char **argv, struct api_request *ret_request)
{
    struct api_request request = {.type = API_COMMAND, .command = {.actor = API_ACTOR_COUNTER}};
    const struct verb *verb;
    uint32_t counter;

    if (!parse_key(&argc, argv, &request.command) || argc < 2 ||
        !options_parse_number(argv[0], 1, UINT16_MAX, &counter)) {
        return false;
    }
    verb = find_verb(counter_verbs, sizeof(counter_verbs) / sizeof(counter_verbs[0]), argv[1]);
    if (verb == NULL || !parse_words(verb, argc - 2, argv + 2, &request.command)) {
        return false;
    }
    request.command.action = (uint8_t)verb->action;
    request.command.counter = (uint16_t)counter;
    *ret_request = request;
    return true;
}

static const char *state_word(const struct toban *toban, const char *state)
{
    static const char *const words[][3] = {
        {"ISSUING", "発券中", "being issued"},
        {"WAITING", "お待ち", "waiting"},
        {"CALLED", "呼出中", "called"},
        {"SERVING", "対応中", "being served"},
        {"HELD", "保留", "held"},
        {"ABSENT", "不在", "absent"},
        {"DONE", "終了", "done"},
        {"CANCELLED", "取消", "cancelled"},
        {"NO_SHOW", "お越しなし", "no show"},
        {"EXPIRED", "閉庁で終了", "ended at closing"},
        {"VOID", "欠番", "void"},
    };

    for (size_t i = 0; state != NULL && i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i][0], state) == 0) {
            return text_choose(toban, words[i][1], words[i][2]);
        }
    }
    return state != NULL ? state : "";
}

void ticket_write(const struct toban *toban, const json_t *ticket)
{
    const char *display = json_string_value(json_object_get(ticket, "display"));
    const char *id = json_string_value(json_object_get(ticket, "id"));
    const char *state = json_string_value(json_object_get(ticket, "state"));
    const json_t *ahead = json_object_get(ticket, "waiting_ahead");
    const json_t *estimate = json_object_get(ticket, "estimated_wait_s");
    const json_t *counter = json_object_get(ticket, "counter");
    bool waits = state != NULL && (strcmp(state, "WAITING") == 0 || strcmp(state, "ISSUING") == 0);

    (void)fprintf(toban->out, "%s  %s", display != NULL ? display : "?", state_word(toban, state));
    if (json_is_integer(counter) && json_integer_value(counter) > 0) {
        (void)fprintf(toban->out,
                      text_choose(toban, "  %" JSON_INTEGER_FORMAT "番窓口",
                                  "  counter %" JSON_INTEGER_FORMAT),
                      json_integer_value(counter));
    }
    if (waits && json_is_integer(ahead)) {
        (void)fprintf(toban->out,
                      text_choose(toban, "  前に %" JSON_INTEGER_FORMAT " 人",
                                  "  %" JSON_INTEGER_FORMAT " ahead"),
                      json_integer_value(ahead));
    }
    if (waits && json_is_integer(estimate)) {
        json_int_t minutes =
            (json_integer_value(estimate) + SECONDS_A_MINUTE - 1) / SECONDS_A_MINUTE;

        (void)fprintf(toban->out,
                      minutes == 0 ? text_choose(toban, "  まもなく", "  soon")
                                   : text_choose(toban, "  目安 約%" JSON_INTEGER_FORMAT "分",
                                                 "  about %" JSON_INTEGER_FORMAT " min"),
                      minutes);
    }
    (void)fprintf(toban->out, "%s%s\n", id != NULL ? "  " : "", id != NULL ? id : "");
}

/* What a command was answered: a ticket, a view with one, or nobody. */
static void write_outcome(const struct toban *toban, const json_t *body, bool asks_for_next)
{
    const json_t *ticket =
        json_object_get(body, "display") != NULL ? body : json_object_get(body, "ticket");
    const char *said = text_member(toban, body, "text");

    if (json_is_object(ticket)) {
        ticket_write(toban, ticket);
    } else if (said != NULL) {
        (void)fprintf(toban->out, "%s\n", said);
    } else if (asks_for_next) {
        (void)fputs(text_choose(toban, "お待ちの方はいません。\n", "Nobody is waiting.\n"),
                    toban->out);
    } else {
        (void)fputs(text_choose(toban, "できました。\n", "Done.\n"), toban->out);
    }
}

static int send_command(struct toban *toban, struct api_request *request)
{
    json_t *body = NULL;
    int r;

    ask_seal_command(request);
    r = ask_and_parse(toban, request, &body);
    if (body != NULL) {
        write_outcome(toban, body, request->command.action == QUEUE_CALL_NEXT);
    }
    json_decref(body);
    return r;
}

/* A ticket named by its number: the unit knows its id. */
static int find_ticket(struct toban *toban, struct api_command *command)
{
    struct api_request request = {.type = API_READ,
                                  .read = {.what = API_READ_TICKET, .number = command->number}};
    struct toban quiet = *toban;
    const char *id;
    json_t *body = NULL;
    int r;

    (void)snprintf(request.read.text, sizeof(request.read.text), "%s", command->series);
    quiet.json = false;
    r = ask_and_parse(&quiet, &request, &body);
    id = json_string_value(json_object_get(body, "id"));
    if (r == TOBAN_OK && (id == NULL || !ids_token_from_text(id, strlen(id), &command->ticket))) {
        r = TOBAN_NO;
    }
    command->number = 0;
    command->series[0] = '\0';
    json_decref(body);
    return r;
}

static int show_ticket(struct toban *toban, const char *text)
{
    struct api_request request = {.type = API_READ, .read = {.what = API_READ_TICKET}};
    struct api_command named = {0};
    json_t *body = NULL;
    int r;

    if (!parse_ticket(text, &named)) {
        return command_misused(toban, "ticket", "番号札のIDか番号 (106、106B) を書きます。",
                               "name a ticket by its id or its number (106, 106B).");
    }
    request.read.ticket = named.ticket;
    request.read.number = named.number;
    (void)snprintf(request.read.text, sizeof(request.read.text), "%s", named.series);
    r = ask_and_parse(toban, &request, &body);
    if (body != NULL) {
        ticket_write(toban, body);
    }
    json_decref(body);
    return r;
}

int command_ticket(struct toban *toban, int argc, char **argv)
{
    struct api_request request;

    if (argc == 2 && strcmp(argv[0], "show") == 0) {
        return show_ticket(toban, argv[1]);
    }
    if (!ticket_request(argc, argv, &request)) {
        return command_misused(toban, "ticket", "書き方がちがいます。", "that is not understood.");
    }
    if (request.command.number != 0 && request.command.action != QUEUE_ENTER_MANUAL) {
        int r = find_ticket(toban, &request.command);

        if (r != TOBAN_OK) {
            return r;
        }
    }
    return send_command(toban, &request);
}

static void write_tickets(const struct toban *toban, const json_t *body, const char *name,
                          const char *ja, const char *en)
{
    json_t *ticket;
    size_t i;

    json_array_foreach(json_object_get(body, name), i, ticket)
    {
        (void)fprintf(toban->out, "  %s  ", text_choose(toban, ja, en));
        ticket_write(toban, ticket);
    }
}

static int show_counter(struct toban *toban, uint32_t number)
{
    struct api_request request = {.type = API_READ,
                                  .read = {.what = API_READ_COUNTER, .number = (uint16_t)number}};
    json_t *body = NULL;
    int r = ask_and_parse(toban, &request, &body);
    const char *name = text_member(toban, body, "name");

    if (body != NULL) {
        (void)fprintf(toban->out, "%s  %s\n", name != NULL ? name : "",
                      json_is_true(json_object_get(body, "open"))
                          ? text_choose(toban, "受付中", "open")
                          : text_choose(toban, "休止中", "closed"));
        if (json_is_object(json_object_get(body, "ticket"))) {
            (void)fprintf(toban->out, "  %s  ", text_choose(toban, "いま", "now"));
            ticket_write(toban, json_object_get(body, "ticket"));
        }
        write_tickets(toban, body, "waiting", "待ち", "waiting");
        write_tickets(toban, body, "held", "保留", "held");
        write_tickets(toban, body, "absent", "不在", "absent");
    }
    json_decref(body);
    return r;
}

int command_counter(struct toban *toban, int argc, char **argv)
{
    struct api_request request;
    uint32_t number;

    if (argc >= 1 && argc <= 2 && options_parse_number(argv[0], 1, UINT16_MAX, &number) &&
        (argc == 1 || strcmp(argv[1], "show") == 0)) {
        return show_counter(toban, number);
    }
    if (!counter_request(argc, argv, &request)) {
        return command_misused(toban, "counter", "書き方がちがいます。", "that is not understood.");
    }
    return send_command(toban, &request);
}
