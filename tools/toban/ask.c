#include "tools/toban/toban.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* As long as the gateway holds a request while duty changes hands (DESIGN 7). */
enum { TRIES_MAX = 20, TRY_PAUSE_MS = 150, STATUS_NOT_SERVING = 503 };

void ask_seal_command(struct api_request *request)
{
    struct api_command *command = &request->command;
    struct ids_token key = command->key;
    uint8_t bytes[API_REQUEST_BYTES_MAX];
    uint64_t hash = 0xcbf29ce484222325ULL; /* FNV-1a: the engine only compares it */
    size_t len_bytes;

    command->key = (struct ids_token){0};
    command->body_hash = 0;
    request->id = 0;
    len_bytes = api_request_encode(request, bytes, sizeof(bytes));
    for (size_t i = 0; i < len_bytes; i++) {
        hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
    }
    command->body_hash = hash;
    command->key = key;
    while (ids_token_is_zero(&command->key)) {
        (void)getrandom(command->key.bytes, sizeof(command->key.bytes), 0);
    }
}

/* The serving unit's connection; without one, that of the first that answers. */
static int open_best(const struct targets *targets, struct client *ret_client)
{
    struct client other = {.fd = -1};
    int first_error = -ENOENT;

    for (size_t i = 0; i < targets->count; i++) {
        struct client client;
        int r = client_open(targets->list[i].socket, TOBAN_ANSWER_WAIT_MS, &client);

        if (r < 0) {
            first_error = first_error == -ENOENT ? r : first_error;
        } else if (client.serving) {
            client_close(&other);
            *ret_client = client;
            return 0;
        } else if (other.fd < 0) {
            other = client;
        } else {
            client_close(&client);
        }
    }
    if (other.fd < 0) {
        return first_error;
    }
    *ret_client = other;
    return 0;
}

static bool is_passing(int r)
{
    return r == -ECONNRESET || r == -EPIPE || r == -ECONNREFUSED;
}

int ask_unit(struct toban *toban, struct api_request *request, struct answer *ret_answer)
{
    static const struct timespec pause = {.tv_nsec = TRY_PAUSE_MS * 1000000L};
    struct targets targets;
    bool broke = false;
    int r = targets_find(toban, &targets);

    if (r != TOBAN_OK) {
        return r;
    }
    for (int attempt = 1; attempt <= TRIES_MAX; attempt++) {
        struct client client = {.fd = -1};
        bool not_now = false;

        r = open_best(&targets, &client);
        if (r == 0) {
            r = client_ask(&client, request, TOBAN_ANSWER_WAIT_MS, ret_answer);
            client_close(&client);
            not_now = r == 0 && ret_answer->status == STATUS_NOT_SERVING;
            broke = broke || r < 0;
        }
        if (r == 0 && (!not_now || (request->type != API_COMMAND && request->type != API_SITE) ||
                       attempt == TRIES_MAX)) {
            return TOBAN_OK;
        }
        /* A unit that went away while it was asked is replaced within seconds: the same key again. */
        if (r < 0 && (!broke || !is_passing(r))) {
            break;
        }
        if (r == 0) {
            answer_free(ret_answer);
        }
        (void)nanosleep(&pause, NULL);
    }
    (void)fprintf(
        toban->err,
        text_choose(toban, "toban: 号機に届きません (%s: %s)。電源と起動を確認してください。\n",
                    "toban: no unit answers (%s: %s). Check that it has power and has started.\n"),
        targets.list[0].socket, strerror(-r));
    return TOBAN_UNREACHABLE;
}

static void tell_problem(const struct toban *toban, const struct answer *answer)
{
    json_t *problem = json_loadb(answer->body, answer->body_len_bytes, 0, NULL);
    const char *title = text_member(toban, problem, "title");
    const char *detail = text_member(toban, problem, "detail");
    const char *code = json_string_value(json_object_get(problem, "code"));

    if (title != NULL && detail != NULL && strcmp(title, detail) == 0) {
        detail = NULL;
    }
    if (title == NULL && detail == NULL) {
        (void)fprintf(toban->err,
                      text_choose(toban, "toban: 断られました (%u)。\n", "toban: refused (%u).\n"),
                      (unsigned)answer->status);
    } else {
        (void)fprintf(toban->err, "toban: %s%s%s", title != NULL ? title : "",
                      title != NULL && detail != NULL ? " " : "", detail != NULL ? detail : "");
        (void)fprintf(toban->err, code != NULL ? " [%s]\n" : "\n", code);
    }
    json_decref(problem);
}

int ask_text(struct toban *toban, struct api_request *request, struct answer *ret_answer)
{
    int r = ask_unit(toban, request, ret_answer);

    if (r == TOBAN_OK && ret_answer->status >= 400) {
        tell_problem(toban, ret_answer);
        r = TOBAN_NO;
    }
    return r;
}

int ask_and_parse(struct toban *toban, struct api_request *request, json_t **ret_body)
{
    struct answer answer = {0};
    int r = ask_unit(toban, request, &answer);

    *ret_body = NULL;
    if (r != TOBAN_OK) {
        return r;
    }
    r = answer.status >= 400 ? TOBAN_NO : TOBAN_OK;
    if (toban->json) {
        (void)fprintf(toban->out, "%s\n", answer.body);
    } else if (r == TOBAN_NO) {
        tell_problem(toban, &answer);
    }
    if (!toban->json && r == TOBAN_OK) {
        *ret_body = json_loadb(answer.body, answer.body_len_bytes, 0, NULL);
        if (*ret_body == NULL) {
            (void)fputs(
                text_choose(toban, "toban: 号機の答えが読めません。版がちがうようです。\n",
                            "toban: the unit's answer is not understood; another version?\n"),
                toban->err);
            r = TOBAN_UNREACHABLE;
        }
    }
    answer_free(&answer);
    return r;
}
