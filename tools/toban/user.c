/*
 * user, device: who may do what, by root on the unit (appliance/access). A password that is given here is drawn,
 * shown once and has to be changed at the first sign-in; there is no default one. `token` gives a program's or a
 * device's credential, drawn here: the unit gets to know its hash alone.
 */
#include "appliance/access/access.h"
#include "appliance/adapters/derive.h"
#include "tools/toban/toban.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    STATUS_REFUSED_MIN = 400,
    TOKEN_BYTES = 32,
    TOKEN_TEXT_BYTES = 2 * TOKEN_BYTES + 1,
    PASSWORD_GROUPS = 5,
    PASSWORD_GROUP = 4,
    PASSWORD_BYTES = PASSWORD_GROUPS * (PASSWORD_GROUP + 1),
};

static int failed_here(const struct toban *toban, const char *name)
{
    (void)fprintf(toban->err, "toban %s: %s\n", name,
                  text_choose(toban, "この端末で計算できません（メモリー不足）。",
                              "this machine cannot compute that (no memory)."));
    return TOBAN_NO;
}

/* Twenty letters that are not taken for each other: some 99 bits. */
static bool draw_password(char password[PASSWORD_BYTES])
{
    static const char letters[] = "23456789abcdefghjkmnpqrstuvwxyz";
    uint64_t chance[PASSWORD_GROUPS];
    char *at = password;

    if (derive_random(chance, sizeof(chance)) < 0) {
        return false;
    }
    for (size_t group = 0; group < PASSWORD_GROUPS; group++) {
        for (size_t i = 0; i < PASSWORD_GROUP; i++) {
            *at++ = letters[chance[group] % (sizeof(letters) - 1)];
            chance[group] /= sizeof(letters) - 1;
        }
        *at++ = group + 1 < PASSWORD_GROUPS ? '-' : '\0';
    }
    derive_forget(chance, sizeof(chance));
    return true;
}

static bool draw_token(char token[TOKEN_TEXT_BYTES], struct ids_hash *ret_hash)
{
    uint8_t bytes[TOKEN_BYTES];

    if (derive_random(bytes, sizeof(bytes)) < 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof(bytes); i++) {
        (void)snprintf(token + 2 * i, 3, "%02x", bytes[i]);
    }
    derive_forget(bytes, sizeof(bytes));
    derive_hash(token, strlen(token), ret_hash->bytes);
    return true;
}

/* The unit's own answer, with what was drawn here. */
static int ask_json(struct toban *toban, struct api_request *request, const char *member,
                    const char *drawn)
{
    struct answer answer = {0};
    int r = ask_unit(toban, request, &answer);
    json_t *body;

    if (r != TOBAN_OK) {
        return r;
    }
    body = json_loadb(answer.body, answer.body_len_bytes, 0, NULL);
    if (answer.status < STATUS_REFUSED_MIN && member != NULL) {
        (void)json_object_set_new(body, member, json_string(drawn));
    }
    (void)json_dumpf(body, toban->out, JSON_COMPACT);
    (void)fputc('\n', toban->out);
    json_decref(body);
    r = answer.status < STATUS_REFUSED_MIN ? TOBAN_OK : TOBAN_NO;
    answer_free(&answer);
    return r;
}

static int ask(struct toban *toban, struct api_request *request, const char *member,
               const char *drawn, const char *ja, const char *en)
{
    json_t *body = NULL;
    int r;

    if (toban->json) {
        return ask_json(toban, request, member, drawn);
    }
    r = ask_and_parse(toban, request, &body);
    if (r == TOBAN_OK) {
        (void)fprintf(toban->out, "%s\n", text_choose(toban, ja, en));
        if (member != NULL) {
            (void)fprintf(toban->out, "%s\n", drawn);
        }
    }
    json_decref(body);
    return r;
}

static bool take_name(struct api_request *request, const char *name)
{
    if (access_judge_name(name) != ACCESS_OK) {
        return false;
    }
    memcpy(request->access.name, name, strlen(name) + 1);
    return true;
}

static bool take_title(struct api_request *request, const char *title)
{
    if (title != NULL && strlen(title) >= sizeof(request->access.title)) {
        return false;
    }
    if (title != NULL) {
        memcpy(request->access.title, title, strlen(title) + 1);
    }
    return true;
}

static int with_password(struct toban *toban, struct api_request *request)
{
    struct api_access *access = &request->access;
    char password[PASSWORD_BYTES];
    int r;

    if (!draw_password(password) || derive_random(access->salt, sizeof(access->salt)) < 0 ||
        derive_password(password, access->salt, access->fresh) < 0) {
        return failed_here(toban, "user");
    }
    r = ask(toban, request, "password", password,
            "初期パスワード（一度だけ表示します。本人が最初のログインで変更します）:",
            "Initial password (shown once; its owner changes it at the first sign-in):");
    derive_forget(password, sizeof(password));
    derive_forget(access->fresh, sizeof(access->fresh));
    return r;
}

static int grant(struct toban *toban, struct api_request *request)
{
    char token[TOKEN_TEXT_BYTES];

    if (!draw_token(token, &request->access.token)) {
        return failed_here(toban, "user");
    }
    return ask(toban, request, "token", token,
               "プログラム用の資格情報（一度だけ表示します。Authorization: Bearer で送ります）:",
               "A program's credential (shown once; sent as Authorization: Bearer):");
}

/* ---- lists -------------------------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

static void write_accounts(const struct toban *toban, const json_t *body)
{
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(body, "accounts"), i, row)
    {
        char seen[32];

        text_moment(text_of(row, "signed_in_at"), seen);
        text_put_padded(toban->out, text_of(row, "name"), 20);
        text_put_padded(toban->out, text_of(row, toban->japanese ? "role_ja" : "role"), 16);
        text_put_padded(toban->out,
                        json_is_true(json_object_get(row, "open"))
                            ? text_choose(toban, "有効", "open")
                            : text_choose(toban, "失効", "revoked"),
                        10);
        (void)fprintf(toban->out, "%s  %s\n", seen, text_of(row, "title"));
    }
    json_array_foreach(json_object_get(body, "sessions"), i, row)
    {
        (void)fprintf(toban->out, "%s %s  %s\n", text_choose(toban, "ログイン中", "signed in"),
                      text_of(row, "id"), text_of(row, "name"));
    }
}

static void write_devices(const struct toban *toban, const json_t *body)
{
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(body, "devices"), i, row)
    {
        (void)fprintf(toban->out, "%3lld  ",
                      (long long)json_integer_value(json_object_get(row, "id")));
        text_put_padded(toban->out, text_of(row, toban->japanese ? "kind_ja" : "kind"), 14);
        (void)fprintf(toban->out, "%3lld  %s  %s\n",
                      (long long)json_integer_value(json_object_get(row, "counter")),
                      json_is_true(json_object_get(row, "open"))
                          ? text_choose(toban, "有効", "open")
                          : text_choose(toban, "失効", "revoked"),
                      text_of(row, "title"));
    }
}

static int list(struct toban *toban, void (*write)(const struct toban *toban, const json_t *body))
{
    struct api_request request = {.type = API_ACCESS, .access = {.what = API_ACCESS_LIST}};
    json_t *body = NULL;
    int r = ask_and_parse(toban, &request, &body);

    if (r == TOBAN_OK && !toban->json) {
        write(toban, body);
    }
    json_decref(body);
    return r;
}

/* ---- commands ------------------------------------------------------------------------------------------ */

struct verb {
    const char *name;
    enum api_access_what what;
    const char *ja, *en;
};

static int user_verb(struct toban *toban, const char *name, struct api_request *request)
{
    static const struct verb verbs[] = {
        {"change", API_ACCESS_CHANGE, "変更しました。", "Changed."},
        {"revoke", API_ACCESS_REVOKE, "失効させました。ログイン中の端末もすぐに使えなくなります。",
         "Revoked, and whoever is signed in by it is signed out."},
        {"restore", API_ACCESS_RESTORE, "再び有効にしました。ログインし直してください。",
         "Open again; sign in anew."},
    };

    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            request->access.what = (uint8_t)verbs[i].what;
            return ask(toban, request, NULL, NULL, verbs[i].ja, verbs[i].en);
        }
    }
    if (strcmp(name, "token") == 0) {
        request->access.what = API_ACCESS_GRANT;
        return grant(toban, request);
    }
    if (strcmp(name, "add") == 0 || strcmp(name, "reset") == 0) {
        request->access.what = name[0] == 'a' ? API_ACCESS_ADD : API_ACCESS_RESET;
        return with_password(toban, request);
    }
    return command_misused(toban, "user", "指示がわかりません。", "that is not understood.");
}

int command_user(struct toban *toban, int argc, char **argv)
{
    struct api_request request = {.type = API_ACCESS};
    const char *role = NULL, *title = NULL;
    enum access_role known = ACCESS_ANYONE;

    if (options_take_value(&argc, argv, "role", &role) < 0 ||
        options_take_value(&argc, argv, "title", &title) < 0 || !take_title(&request, title)) {
        return command_misused(toban, "user", "指定の値がありません。",
                               "an option lacks its value.");
    }
    if (argc == 0 || (argc == 1 && strcmp(argv[0], "list") == 0)) {
        return list(toban, write_accounts);
    }
    if (argc == 2 && strcmp(argv[0], "end") == 0 && strlen(argv[1]) < sizeof(request.access.text)) {
        request.access.what = API_ACCESS_SESSION_REVOKE;
        memcpy(request.access.text, argv[1], strlen(argv[1]) + 1);
        return ask(toban, &request, NULL, NULL, "ログアウトさせました。", "Signed out.");
    }
    if (role != NULL) {
        known = access_role_from_code(role);
    }
    if (argc != 2 || !take_name(&request, argv[1]) ||
        (role != NULL && !access_role_is_person(known)) ||
        (strcmp(argv[0], "add") == 0 && role == NULL)) {
        return command_misused(
            toban, "user",
            "名前（英小文字・数字・._-）と、--role "
            "operator|supervisor|administrator|engineer|auditor を確かめてください。",
            "check the name (a-z, 0-9, ._-) and --role "
            "operator|supervisor|administrator|engineer|auditor.");
    }
    request.access.role = (uint8_t)known;
    return user_verb(toban, argv[0], &request);
}

static int add_device(struct toban *toban, struct api_request *request, const char *code)
{
    char token[TOKEN_TEXT_BYTES];

    if (code != NULL && strlen(code) < sizeof(request->access.text)) {
        request->access.what = API_ACCESS_PAIR;
        memcpy(request->access.text, code, strlen(code) + 1);
        return ask(toban, request, NULL, NULL, "端末を登録しました。", "The device is paired.");
    }
    request->access.what = API_ACCESS_DEVICE_ADD;
    if (!draw_token(token, &request->access.token)) {
        return failed_here(toban, "device");
    }
    return ask(toban, request, "token", token,
               "端末の資格情報（一度だけ表示します。Authorization: Bearer で送ります）:",
               "The device's credential (shown once; sent as Authorization: Bearer):");
}

/* "3": counter 3; "any": every counter, as at a desk that helps out everywhere. */
static bool take_counter(const char *text, uint16_t *ret_counter)
{
    uint32_t number = 0;

    if (text != NULL && strcmp(text, "any") != 0 &&
        !options_parse_number(text, 1, UINT16_MAX, &number)) {
        return false;
    }
    *ret_counter = (uint16_t)number;
    return true;
}

int command_device(struct toban *toban, int argc, char **argv)
{
    struct api_request request = {.type = API_ACCESS};
    const char *title = NULL, *counter = NULL;
    enum access_role role;
    uint32_t id;

    if (options_take_value(&argc, argv, "title", &title) < 0 ||
        options_take_value(&argc, argv, "counter", &counter) < 0 || !take_title(&request, title) ||
        !take_counter(counter, &request.access.counter)) {
        return command_misused(toban, "device", "指定の値を確かめてください。",
                               "check the values of the options.");
    }
    if (argc == 0 || (argc == 1 && strcmp(argv[0], "list") == 0)) {
        return list(toban, write_devices);
    }
    if (argc == 2 && strcmp(argv[0], "revoke") == 0 &&
        options_parse_number(argv[1], 1, ACCESS_SUBJECT_MAX, &id)) {
        request.access.what = API_ACCESS_DEVICE_REVOKE;
        request.access.subject = (uint16_t)id;
        return ask(toban, &request, NULL, NULL, "失効させました。すぐに使えなくなります。",
                   "Revoked; it can do nothing any more.");
    }
    role = argc >= 2 ? access_role_from_code(argv[1]) : ACCESS_ANYONE;
    if (((argc == 3 && strcmp(argv[0], "pair") == 0) ||
         (argc == 2 && strcmp(argv[0], "add") == 0)) &&
        access_role_is_device(role) && (role == ACCESS_TERMINAL) == (counter != NULL)) {
        request.access.role = (uint8_t)role;
        return add_device(toban, &request, argc == 3 ? argv[2] : NULL);
    }
    return command_misused(
        toban, "device",
        "種類は kiosk・board・printer・counter・noc です。counter には --counter "
        "番号（または any）を付けます。",
        "a kind is kiosk, board, printer, counter or noc; counter needs --counter N (or any).");
}
