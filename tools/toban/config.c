/* config: the site file. check reads a file by itself; everything else asks the unit, which holds every version. */
#include "appliance/adapters/site_cyaml.h"
#include "tools/toban/toban.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION_MAX = 1000000, LINES_MAX = 4096 };

struct text {
    char *bytes;
    size_t len_bytes;
};

static void text_free(struct text *text)
{
    free(text->bytes);
}

static void json_free(json_t **json)
{
    json_decref(*json);
}

#define TEXT __attribute__((cleanup(text_free))) struct text
#define JSON __attribute__((cleanup(json_free))) json_t

/* One byte more than is taken, so that a file that is too long is told as one. */
static int read_file(const struct toban *toban, const char *path, struct text *ret_text)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    char *bytes = malloc(SITE_FILE_BYTES_MAX + 1);
    size_t len_bytes = 0;
    bool good = file != NULL && bytes != NULL;

    if (good) {
        len_bytes = fread(bytes, 1, SITE_FILE_BYTES_MAX + 1, file);
        good = ferror(file) == 0;
    }
    if (file != NULL && file != stdin) {
        (void)fclose(file);
    }
    if (!good) {
        free(bytes);
        (void)fprintf(toban->err,
                      text_choose(toban, "toban: %s を読めません。名前と権限を確かめてください。\n",
                                  "toban: cannot read %s. Check its name and permissions.\n"),
                      path);
        return TOBAN_NO;
    }
    *ret_text = (struct text){bytes, len_bytes};
    return TOBAN_OK;
}

static json_t *error_json(const struct site_error *error)
{
    return json_pack("{s:i, s:s, s:s, s:s}", "line", (int)error->line, "path", error->path,
                     "text_ja", error->text_ja, "text_en", error->text_en);
}

static int load(const struct toban *toban, const char *path, const struct text *text,
                struct site *ret_site)
{
    struct site_error error = {0};
    char line[2 * SITE_ERROR_TEXT_BYTES];
    json_t *json;

    if (site_load_bytes(text->bytes, text->len_bytes, ret_site, &error) == 0) {
        return TOBAN_OK;
    }
    site_error_to_text(&error, path, toban->japanese, line, sizeof(line));
    if (toban->json) {
        json = json_pack("{s:b, s:o}", "good", 0, "error", error_json(&error));
        (void)json_dumpf(json, toban->out, JSON_INDENT(2));
        (void)fputc('\n', toban->out);
        json_decref(json);
    }
    (void)fprintf(toban->err, "toban: %s\n", line);
    return TOBAN_NO;
}

/* ---- check ------------------------------------------------------------------------------------------- */

static json_t *notices_json(const struct site *site)
{
    struct site_notice *notices = calloc(SITE_NOTICES_MAX, sizeof(*notices));
    size_t count = notices == NULL ? 0 : site_list_notices(site, notices, SITE_NOTICES_MAX);
    json_t *all = json_array();

    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(all,
                                    json_pack("{s:s, s:s, s:s}", "path", notices[i].path, "text_ja",
                                              notices[i].text_ja, "text_en", notices[i].text_en));
    }
    free(notices);
    return all;
}

static void write_notices(const struct toban *toban, const json_t *notices)
{
    const json_t *notice;
    size_t i;

    json_array_foreach(notices, i, notice)
    {
        (void)fprintf(toban->out, "  %s: %s\n", json_string_value(json_object_get(notice, "path")),
                      text_member(toban, notice, "text"));
    }
}

static int check(const struct toban *toban, const char *path)
{
    TEXT text = {0};
    struct site *site = calloc(1, sizeof(*site));
    json_t *notices, *json;
    int r = site == NULL ? TOBAN_NO : read_file(toban, path, &text);

    r = r != TOBAN_OK ? r : load(toban, path, &text, site);
    if (r != TOBAN_OK) {
        free(site);
        return r;
    }
    notices = notices_json(site);
    if (toban->json) {
        json = json_pack("{s:b, s:i, s:i, s:O}", "good", 1, "categories",
                         (int)site->queue.category_count, "counters",
                         (int)site->queue.counter_count, "notices", notices);
        (void)json_dumpf(json, toban->out, JSON_INDENT(2));
        (void)fputc('\n', toban->out);
        json_decref(json);
    } else {
        (void)fprintf(toban->out,
                      text_choose(toban, "%s: 誤りはありません（業務 %u、窓口 %u）。\n",
                                  "%s: no errors (%u categories, %u counters).\n"),
                      path, site->queue.category_count, site->queue.counter_count);
        if (json_array_size(notices) > 0) {
            (void)fputs(text_choose(toban, "気をつけること:\n", "To be noted:\n"), toban->out);
            write_notices(toban, notices);
        }
    }
    json_decref(notices);
    free(site);
    return TOBAN_OK;
}

/* ---- show, history -------------------------------------------------------------------------------------- */

/* The unit's body; with --json it is not printed. */
static int ask(struct toban *toban, struct api_request *request, json_t **ret_body)
{
    bool json = toban->json;
    int r;

    toban->json = false;
    r = ask_and_parse(toban, request, ret_body);
    toban->json = json;
    return r;
}

static int fetch(struct toban *toban, uint32_t version, json_t **ret_body)
{
    struct api_request request = {.type = API_SITE,
                                  .site = {.what = API_SITE_SHOW, .version = version}};

    return ask(toban, &request, ret_body);
}

static int show(struct toban *toban, int argc, char **argv)
{
    uint32_t version = 0;
    JSON *body = NULL;
    int r;

    if (argc > 1 || (argc == 1 && !options_parse_number(argv[0], 1, VERSION_MAX, &version))) {
        return command_misused(toban, "config", "版の番号が読めません。", "a version is a number.");
    }
    r = fetch(toban, version, &body);
    if (r == TOBAN_OK && toban->json) {
        (void)json_dumpf(body, toban->out, JSON_INDENT(2));
        (void)fputc('\n', toban->out);
    } else if (r == TOBAN_OK) {
        (void)fputs(json_string_value(json_object_get(body, "text")), toban->out);
    }
    return r;
}

static void write_version(const struct toban *toban, const json_t *version)
{
    const char *by = json_string_value(json_object_get(version, "by"));
    const char *note = json_string_value(json_object_get(version, "note"));
    const char *at = json_string_value(json_object_get(version, "at"));
    json_int_t restores = json_integer_value(json_object_get(version, "restores"));
    char when[32];

    text_moment(at != NULL ? at : "", when);
    (void)fprintf(toban->out, "%s %4lld  %s  ",
                  json_is_true(json_object_get(version, "in_force")) ? "*" : " ",
                  (long long)json_integer_value(json_object_get(version, "version")), when);
    text_put_padded(toban->out, by != NULL && by[0] != '\0' ? by : "-", 16);
    (void)fprintf(toban->out, "  %s", note != NULL ? note : "");
    if (restores != 0) {
        (void)fprintf(toban->out,
                      text_choose(toban, "（版 %lld に戻した）", " (restores version %lld)"),
                      (long long)restores);
    }
    (void)fputc('\n', toban->out);
}

static int history(struct toban *toban)
{
    struct api_request request = {.type = API_SITE, .site = {.what = API_SITE_HISTORY}};
    const json_t *version;
    JSON *body = NULL;
    size_t i;
    int r = ask(toban, &request, &body);

    if (r == TOBAN_OK && toban->json) {
        (void)json_dumpf(body, toban->out, JSON_INDENT(2));
        (void)fputc('\n', toban->out);
    } else if (r == TOBAN_OK) {
        (void)fputs(
            text_choose(toban, "    版  日時              だれが            理由（* が有効な版）\n",
                        " version  when              who               why (*: in force)\n"),
            toban->out);
        json_array_foreach(json_object_get(body, "versions"), i, version)
        {
            write_version(toban, version);
        }
    }
    return r;
}

/* ---- apply, restore ------------------------------------------------------------------------------------- */

struct applying {
    const char *note, *base;
    bool yes, at_opening;
    uint32_t restores;
};

static void write_changes(const struct toban *toban, const json_t *body)
{
    const json_t *changes = json_object_get(body, "changes");
    const json_t *change;
    size_t i;

    if (json_array_size(changes) == 0) {
        (void)fputs(text_choose(toban, "来庁者や窓口から見て変わることはありません。\n",
                                "Nothing changes for visitors or counters.\n"),
                    toban->out);
    }
    json_array_foreach(changes, i, change)
    {
        (void)fprintf(toban->out, "  %s\n", text_member(toban, change, "text"));
    }
}

/* Whether it may be, and what it changes. TOBAN_OK: it may. */
static int preview(struct toban *toban, struct api_request *request, const struct applying *how,
                   uint32_t *ret_base)
{
    const json_t *refusal;
    JSON *body = NULL;
    int r;

    request->site.what = API_SITE_CHECK;
    r = ask(toban, request, &body);
    if (r != TOBAN_OK) {
        return r;
    }
    *ret_base = (uint32_t)json_integer_value(json_object_get(body, "base_version"));
    refusal = json_object_get(body, how->at_opening ? "refusal_at_opening" : "refusal_now");
    if (toban->json && !how->yes) {
        (void)json_dumpf(body, toban->out, JSON_INDENT(2));
        (void)fputc('\n', toban->out);
    } else if (!toban->json) {
        write_changes(toban, body);
        write_notices(toban, json_object_get(body, "notices"));
    }
    if (json_is_object(refusal)) {
        (void)fprintf(toban->err, "toban: %s [%s]\n", text_member(toban, refusal, "text"),
                      json_string_value(json_object_get(refusal, "code")));
        return TOBAN_NO;
    }
    return TOBAN_OK;
}

static int apply(struct toban *toban, const struct text *text, const struct applying *how)
{
    struct api_request request = {
        .type = API_SITE,
        .site = {.actor = API_ACTOR_ADMINISTRATOR,
                 .when = how->at_opening ? API_SITE_AT_OPENING : API_SITE_NOW,
                 .restores = how->restores,
                 .text = (const uint8_t *)text->bytes,
                 .text_len_bytes = (uint32_t)text->len_bytes}};
    uint32_t base = 0;
    JSON *body = NULL;
    int r = preview(toban, &request, how, &base);

    if (r != TOBAN_OK) {
        return r;
    }
    if (!how->yes) {
        if (!toban->json) {
            (void)fputs(
                text_choose(
                    toban,
                    "まだ何も変えていません。このとおりでよければ --yes を付けてもう一度。\n",
                    "Nothing is changed yet. If this is right, say it again with --yes.\n"),
                toban->out);
        }
        return TOBAN_OK;
    }
    request.site.what = API_SITE_APPLY;
    request.site.version = base;
    if (how->base != NULL &&
        !options_parse_number(how->base, 0, VERSION_MAX, &request.site.version)) {
        return command_misused(toban, "config", "版の番号が読めません。", "a version is a number.");
    }
    if (how->note != NULL) {
        (void)snprintf(request.site.note, sizeof(request.site.note), "%s", how->note);
    }
    r = ask(toban, &request, &body);
    if (r == TOBAN_OK && toban->json) {
        (void)json_dumpf(body, toban->out, JSON_INDENT(2));
        (void)fputc('\n', toban->out);
    } else if (r == TOBAN_OK) {
        (void)fprintf(
            toban->out,
            json_is_true(json_object_get(body, "in_force"))
                ? text_choose(toban, "版 %lld を適用しました。\n", "Version %lld is in force.\n")
                : text_choose(toban, "版 %lld は次の開庁から有効です。\n",
                              "Version %lld takes force at the next opening.\n"),
            (long long)json_integer_value(json_object_get(body, "version")));
    }
    return r;
}

static int apply_file(struct toban *toban, const char *path, const struct applying *how)
{
    TEXT text = {0};
    struct site *site = calloc(1, sizeof(*site));
    int r = site == NULL ? TOBAN_NO : read_file(toban, path, &text);

    r = r != TOBAN_OK ? r : load(toban, path, &text, site);
    free(site);
    return r != TOBAN_OK ? r : apply(toban, &text, how);
}

static int restore(struct toban *toban, const char *version, struct applying *how)
{
    struct text text;
    JSON *body = NULL;
    int r;

    if (!options_parse_number(version, 1, VERSION_MAX, &how->restores)) {
        return command_misused(toban, "config", "版の番号が読めません。", "a version is a number.");
    }
    r = fetch(toban, how->restores, &body);
    if (r != TOBAN_OK) {
        return r;
    }
    text.bytes = (char *)(uintptr_t)json_string_value(json_object_get(body, "text"));
    text.len_bytes = json_string_length(json_object_get(body, "text"));
    return apply(toban, &text, how);
}

/* ---- diff ----------------------------------------------------------------------------------------------- */

struct lines {
    size_t count;
    const char *list[LINES_MAX];
    size_t len_bytes[LINES_MAX];
};

static void split(const struct text *text, struct lines *lines)
{
    const char *at = text->bytes, *end = text->bytes + text->len_bytes;

    lines->count = 0;
    while (at < end && lines->count < LINES_MAX) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len_bytes = (size_t)((stop != NULL ? stop : end) - at);

        lines->list[lines->count] = at;
        lines->len_bytes[lines->count++] = len_bytes;
        at += len_bytes + 1;
    }
}

static bool line_equal(const struct lines *a, size_t i, const struct lines *b, size_t k)
{
    return a->len_bytes[i] == b->len_bytes[k] &&
           memcmp(a->list[i], b->list[k], a->len_bytes[i]) == 0;
}

/* The longest common run of lines, from the end: common[i][k] is how many follow. */
static void write_line_diff(const struct toban *toban, const struct lines *a, const struct lines *b)
{
    size_t width = b->count + 1;
    uint16_t *common = calloc((a->count + 1) * width, sizeof(*common));
    size_t i = 0, k = 0;

    if (common == NULL) {
        return;
    }
    for (size_t row = a->count; row-- > 0;) {
        for (size_t column = b->count; column-- > 0;) {
            uint16_t down = common[(row + 1) * width + column];
            uint16_t right = common[row * width + column + 1];

            common[row * width + column] =
                line_equal(a, row, b, column)
                    ? (uint16_t)(common[(row + 1) * width + column + 1] + 1)
                : down > right ? down
                               : right;
        }
    }
    while (i < a->count || k < b->count) {
        if (i < a->count && k < b->count && line_equal(a, i, b, k)) {
            i++;
            k++;
        } else if (k == b->count ||
                   (i < a->count && common[(i + 1) * width + k] >= common[i * width + k + 1])) {
            (void)fprintf(toban->out, "-%4zu %.*s\n", i + 1, (int)a->len_bytes[i], a->list[i]);
            i++;
        } else {
            (void)fprintf(toban->out, "+%4zu %.*s\n", k + 1, (int)b->len_bytes[k], b->list[k]);
            k++;
        }
    }
    free(common);
}

/* A number is a version, anything else a file. */
static int text_of(struct toban *toban, const char *name, struct text *ret_text)
{
    uint32_t version;
    JSON *body = NULL;
    int r;

    if (!options_parse_number(name, 0, VERSION_MAX, &version)) {
        return read_file(toban, name, ret_text);
    }
    r = fetch(toban, version, &body);
    if (r == TOBAN_OK) {
        ret_text->bytes = strdup(json_string_value(json_object_get(body, "text")));
        ret_text->len_bytes = ret_text->bytes == NULL ? 0 : strlen(ret_text->bytes);
        r = ret_text->bytes == NULL ? TOBAN_NO : TOBAN_OK;
    }
    return r;
}

static void write_diff(const struct toban *toban, const struct site sites[2],
                       const struct text texts[2])
{
    struct site_difference *differences = calloc(SITE_DIFFERENCES_MAX, sizeof(*differences));
    struct lines *lines = calloc(2, sizeof(*lines));
    size_t count = differences == NULL
                       ? 0
                       : site_compare(&sites[0], &sites[1], differences, SITE_DIFFERENCES_MAX);
    json_t *all = json_array();

    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(all, json_pack("{s:s, s:s}", "text_ja", differences[i].text_ja,
                                                   "text_en", differences[i].text_en));
        if (!toban->json) {
            (void)fprintf(toban->out, "  %s\n",
                          text_choose(toban, differences[i].text_ja, differences[i].text_en));
        }
    }
    if (toban->json) {
        json_t *root = json_pack("{s:O}", "changes", all);

        (void)json_dumpf(root, toban->out, JSON_INDENT(2));
        (void)fputc('\n', toban->out);
        json_decref(root);
    } else if (lines != NULL) {
        split(&texts[0], &lines[0]);
        split(&texts[1], &lines[1]);
        write_line_diff(toban, &lines[0], &lines[1]);
    }
    json_decref(all);
    free(lines);
    free(differences);
}

/* No name: the version before the newest, and the newest. One: the newest, and that (a version: that, and the
 * newest). */
static int diff(struct toban *toban, int argc, char **argv)
{
    TEXT a = {0}, b = {0};
    struct text texts[2];
    struct site *sites;
    char before[16];
    uint32_t version;
    bool names_version = argc > 0 && options_parse_number(argv[0], 1, VERSION_MAX, &version);
    const char *first = argc == 2 || names_version ? argv[0] : "0";
    const char *second = argc == 2 ? argv[1] : argc == 1 && !names_version ? argv[0] : "0";
    JSON *newest = NULL;
    int r = argc > 2 ? command_misused(toban, "config", "比べるのは二つまでです。",
                                       "two are compared at most.")
                     : TOBAN_OK;

    if (r == TOBAN_OK && argc == 0) {
        r = fetch(toban, 0, &newest);
        version = (uint32_t)json_integer_value(json_object_get(newest, "version"));
        (void)snprintf(before, sizeof(before), "%u", version > 1 ? version - 1 : version);
        first = before;
    }
    r = r != TOBAN_OK ? r : text_of(toban, first, &a);
    r = r != TOBAN_OK ? r : text_of(toban, second, &b);
    if (r != TOBAN_OK) {
        return r;
    }
    sites = calloc(2, sizeof(*sites));
    texts[0] = a;
    texts[1] = b;
    r = sites == NULL ? TOBAN_NO : load(toban, first, &a, &sites[0]);
    r = r != TOBAN_OK ? r : load(toban, second, &b, &sites[1]);
    if (r == TOBAN_OK) {
        write_diff(toban, sites, texts);
    }
    free(sites);
    return r;
}

int command_config(struct toban *toban, int argc, char **argv)
{
    struct applying how = {0};
    int noted = options_take_value(&argc, argv, "note", &how.note);
    int based = options_take_value(&argc, argv, "base", &how.base);

    how.yes = options_take_flag(&argc, argv, "yes");
    how.at_opening = options_take_flag(&argc, argv, "at-opening");
    if (noted < 0 || based < 0 || argc < 1) {
        return command_misused(toban, "config", "指示がわかりません。", "that is not understood.");
    }
    if (how.note != NULL && strlen(how.note) >= API_SITE_NOTE_BYTES) {
        return command_misused(toban, "config", "理由が長すぎます（80文字まで）。",
                               "the note is too long (255 bytes at most).");
    }
    if (strcmp(argv[0], "check") == 0 && argc == 2) {
        return check(toban, argv[1]);
    }
    if (strcmp(argv[0], "show") == 0) {
        return show(toban, argc - 1, argv + 1);
    }
    if (strcmp(argv[0], "history") == 0 && argc == 1) {
        return history(toban);
    }
    if (strcmp(argv[0], "diff") == 0) {
        return diff(toban, argc - 1, argv + 1);
    }
    if (strcmp(argv[0], "apply") == 0 && argc == 2) {
        return apply_file(toban, argv[1], &how);
    }
    if (strcmp(argv[0], "restore") == 0 && argc == 2) {
        return restore(toban, argv[1], &how);
    }
    return command_misused(toban, "config", "指示がわかりません。", "that is not understood.");
}
