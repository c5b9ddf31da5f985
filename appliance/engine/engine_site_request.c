/*
 * Requests about the site file and the list of holidays. A text is read here, held against the version it is founded
 * on, against the day that goes on and against the machines; then it is written (engine_site.c), and answered when that
 * is as durable as everything else (DESIGN 3 rule 1). Alone nothing is changed (rule 3): asked again when the units
 * have met.
 */
#include "appliance/engine/engine_internal.h"

#include "base/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STATUS_OK = 200,
    STATUS_CREATED = 201,
    STATUS_NOT_FOUND = 404,
    STATUS_CONFLICT = 409,
    STATUS_OTHER_VERSION = 412,
    STATUS_REFUSED = 422,
    STATUS_UNAVAILABLE = 503,
    HISTORY_MAX = 50,
    COMPARED_DAYS_MAX = 64,
    COMPARED_YEARS = 9,
    YEAR = 10000,
    YEAR_FIRST_DAY = 101,
    YEAR_LAST_DAY = 1231,
    SENTENCE_BYTES = 320,
    SHA256_TEXT_BYTES = 2 * IDS_HASH_BYTES + 1,
};

/* Why a version is not taken. status 0: it is. */
struct refusal {
    uint16_t status;
    const char *code;
    char ja[SENTENCE_BYTES], en[SENTENCE_BYTES];
};

/* One request that brings a text. */
struct taking {
    struct engine *engine;
    uint64_t client;
    const struct api_request *request;
    struct engine_site_form *form;
    struct bytes_buffer bytes;  /* of the newest version */
    struct site_version newest; /* version 0: there is none */
    char *changes, *notices;    /* JSON arrays */
    char *text;                 /* TARGET: the newest version's with one number changed */
    bool machines;
};

static void release(struct taking *taking)
{
    if (taking->form != NULL) {
        free(taking->form->pages);
        free(taking->form);
    }
    free(taking->changes);
    free(taking->notices);
    free(taking->text);
    free(taking->bytes.data);
}

static void tell(struct engine *engine, uint64_t client, const struct api_request *request,
                 uint16_t status, struct json *json)
{
    size_t len_bytes;
    char *body = json_take(json, &len_bytes);

    serve_reply_later(engine, client, request->id, status, body, len_bytes);
}

/* A version counts when both units have it: no meeting adopts one (ADR 20). */
static void tell_taken(const struct taking *taking, uint16_t status, struct json *json)
{
    size_t len_bytes;
    char *body = json_take(json, &len_bytes);

    serve_reply_on_both(taking->engine, taking->client, taking->request->id, status, body,
                        len_bytes);
}

static void refuse(struct engine *engine, uint64_t client, const struct api_request *request,
                   uint16_t status, const char *code, const char *ja, const char *en)
{
    size_t len_bytes;
    char *body = render_problem(status, code, ja, en, &len_bytes);

    serve_reply_later(engine, client, request->id, status, body, len_bytes);
}

/* A problem as any other, and the line that is to be changed. */
static void refuse_text(struct engine *engine, uint64_t client, const struct api_request *request,
                        const char *code, const struct engine_site_error *error)
{
    struct json json;

    json_init(&json);
    json_open(&json, NULL, '{');
    json_text(&json, "type", "about:blank");
    json_text(&json, "title", error->text_en);
    json_text(&json, "title_ja", error->text_ja);
    json_number(&json, "status", STATUS_REFUSED);
    json_text(&json, "code", code);
    json_text(&json, "detail", error->text_en);
    json_text(&json, "detail_ja", error->text_ja);
    json_number(&json, "line", error->line);
    json_text(&json, "path", error->path);
    json_close(&json, '}');
    tell(engine, client, request, STATUS_REFUSED, &json);
}

static void who_asks(struct engine *engine, const struct api_request *request,
                     char by[SITE_BY_BYTES])
{
    const struct access_account *account;
    struct access_who who;

    access_who(engine, &request->from, &who);
    account = access_account_by_id(engine->access, who.account);
    (void)snprintf(by, SITE_BY_BYTES, "%s",
                   account != NULL             ? account->name
                   : who.role == ACCESS_LOCAL  ? "root"
                   : who.role == ACCESS_ANYONE ? ""
                                               : "device");
}

/* ---- reading what is there ------------------------------------------------------------------------------ */

static void put_version(struct engine *engine, struct json *json,
                        const struct site_version *version)
{
    static const char digits[] = "0123456789abcdef";
    char sha256[SHA256_TEXT_BYTES] = {0};
    struct ids_hash hash;

    crypto_hash(engine->crypto, version->text, version->text_len_bytes, NULL, 0, &hash);
    for (size_t i = 0; i < sizeof(hash.bytes); i++) {
        sha256[2 * i] = digits[hash.bytes[i] >> 4];
        sha256[2 * i + 1] = digits[hash.bytes[i] & 15];
    }
    json_number(json, "version", version->version);
    json_bool(json, "in_force", version->version == engine->state.site.force.version);
    render_time(json, "at", version->wall_ms, engine->calendar->utc_offset_minutes);
    json_text(json, "by", version->by);
    json_text(json, "note", version->note);
    json_text(json, "when", version->when == API_SITE_NOW ? "now" : "opening");
    if (version->restores != 0) {
        json_number(json, "restores", version->restores);
    } else {
        json_null(json, "restores");
    }
    json_number(json, "bytes", (int64_t)version->text_len_bytes);
    json_text(json, "sha256", sha256);
}

static void no_such_version(struct engine *engine, uint64_t client,
                            const struct api_request *request)
{
    refuse(engine, client, request, STATUS_NOT_FOUND, "NO_SUCH_VERSION",
           "その版はありません。toban config history で番号を確かめてください。",
           "There is no such version. Look for its number in \"toban config history\".");
}

static void show(struct engine *engine, uint64_t client, const struct api_request *request)
{
    struct site_mark mark = engine->state.site.newest;
    struct bytes_buffer bytes = {0};
    struct site_version version;
    struct json json;
    char *text;

    if (request->site.version != 0 && !site_mark_of(engine, request->site.version, &mark)) {
        no_such_version(engine, client, request);
        return;
    }
    if (!site_read(engine, &mark, &bytes, &version)) {
        free(bytes.data);
        no_such_version(engine, client, request);
        return;
    }
    text = strndup((const char *)version.text, version.text_len_bytes);
    CHECK_GIVEN(text != NULL);
    json_init(&json);
    json_open(&json, NULL, '{');
    put_version(engine, &json, &version);
    json_text(&json, "text", text);
    json_close(&json, '}');
    free(text);
    free(bytes.data);
    tell(engine, client, request, STATUS_OK, &json);
}

static void history(struct engine *engine, uint64_t client, const struct api_request *request)
{
    struct site_mark mark = engine->state.site.newest;
    struct bytes_buffer bytes = {0};
    struct site_version version;
    struct json json;

    json_init(&json);
    json_open(&json, NULL, '{');
    json_number(&json, "newest", engine->state.site.newest.version);
    json_number(&json, "in_force", engine->state.site.force.version);
    json_number(&json, "holidays", engine->state.site.holidays_version);
    json_open(&json, "versions", '[');
    for (int i = 0; i < HISTORY_MAX && mark.version != 0; i++) {
        if (!site_read(engine, &mark, &bytes, &version)) {
            break;
        }
        json_open(&json, NULL, '{');
        put_version(engine, &json, &version);
        json_close(&json, '}');
        mark = version.previous;
    }
    json_close(&json, ']');
    json_close(&json, '}');
    free(bytes.data);
    tell(engine, client, request, STATUS_OK, &json);
}

/* ---- a new version ---------------------------------------------------------------------------------- */

__attribute__((format(printf, 4, 6), format(printf, 5, 6))) static void
say(struct refusal *refusal, uint16_t status, const char *code, const char *ja, const char *en, ...)
{
    va_list arguments, again;

    refusal->status = status;
    refusal->code = code;
    va_start(arguments, en);
    va_copy(again, arguments);
    (void)vsnprintf(refusal->ja, sizeof(refusal->ja), ja, arguments);
    (void)vsnprintf(refusal->en, sizeof(refusal->en), en, again);
    va_end(again);
    va_end(arguments);
}

#define OR_AT_OPENING_JA "閉庁後に行うか、「次の開庁から」(--at-opening) にしてください。"
#define OR_AT_OPENING_EN                                                                           \
    "Do it after closing, or let it begin with the next opening (--at-opening)."

/* What of today stands against it, in a sentence that names it. */
static void say_clash(const struct queue_clash *clash, struct refusal *refusal)
{
    switch (clash->kind) {
    case QUEUE_CLASH_NONE:
        break;
    case QUEUE_CLASH_CATEGORY_USED:
        say(refusal, STATUS_CONFLICT, "CATEGORY_IN_USE",
            "業務 %u "
            "はきょうの番号（%"
            "u番まで）を用意しているので、なくせません。受付を止めるか、" OR_AT_OPENING_JA,
            "Category %u has numbers of today (up to %u) and cannot go. Stop its acceptance; "
            "else: " OR_AT_OPENING_EN,
            clash->id, clash->number);
        break;
    case QUEUE_CLASH_NUMBERS_MOVED:
        say(refusal, STATUS_CONFLICT, "NUMBERS_IN_USE",
            "業務 %u の番号はきょう %u "
            "番から使っているので、始まりを変えられません。" OR_AT_OPENING_JA,
            "Category %u uses numbers from %u on today: their beginning cannot "
            "change. " OR_AT_OPENING_EN,
            clash->id, clash->number);
        break;
    case QUEUE_CLASH_NUMBERS_USED:
        say(refusal, STATUS_CONFLICT, "NUMBERS_IN_USE",
            "業務 %u の番号はきょう %u "
            "番まで使っているか、用意してあるので、範囲の外にできません。" OR_AT_OPENING_JA,
            "Category %u has given or reserved number %u today: it must stay within its "
            "range. " OR_AT_OPENING_EN,
            clash->id, clash->number);
        break;
    case QUEUE_CLASH_SKIPS:
        say(refusal, STATUS_CONFLICT, "SKIPS_IN_USE",
            "きょうの番号を出しはじめたので、欠番は変えられません。" OR_AT_OPENING_JA,
            "Numbers were given today: those that are skipped cannot change. " OR_AT_OPENING_EN);
        break;
    case QUEUE_CLASH_COUNTER_OPEN:
        say(refusal, STATUS_CONFLICT, "COUNTER_IN_USE",
            "窓口 %u は開いているので、なくせません。先に窓口を閉じてください。",
            "Counter %u is open and cannot go. Close it first.", clash->id);
        break;
    case QUEUE_CLASH_COUNTER_WAITED_FOR:
        say(refusal, STATUS_CONFLICT, "COUNTER_IN_USE",
            "窓口 %u を待っている方（%u番）がいるので、なくせません。先に転送してください。",
            "Counter %u is waited for (by %u) and cannot go. Transfer that ticket first.",
            clash->id, clash->number);
        break;
    }
}

static struct refusal judge(const struct taking *taking, uint8_t when)
{
    struct engine *engine = taking->engine;
    struct refusal refusal = {0};
    struct queue_clash clash;

    if (!site_may_change(engine)) {
        say(&refusal, STATUS_CONFLICT, "NOT_ALONE",
            "1台で運転している間は、設定を変えられません。2台がそろってから行ってください。",
            "While one unit serves alone the configuration does not change. Do it when both units "
            "are "
            "together again.");
    } else if (taking->machines) {
        say(&refusal, STATUS_REFUSED, "MACHINES_DIFFER",
            "号機・network・プリンターは apply では変えられません。前の版と同じに戻してください。",
            "Units, network and printers are not changed by apply. Write them as they were.");
    } else if (when == API_SITE_NOW &&
               !queue_config_fits(engine->queue, &taking->form->queue, &clash)) {
        say_clash(&clash, &refusal);
    }
    return refusal;
}

/* False: it was refused, and is answered. */
static bool read_text(struct taking *taking)
{
    struct engine *engine = taking->engine;
    const struct engine_site_reader *reader = engine->options.site_reader;
    const struct api_site *site = &taking->request->site;
    struct engine_site_error error = {0};
    int r;

    if (reader == NULL) {
        refuse(engine, taking->client, taking->request, STATUS_NOT_FOUND, "NO_SITE_FILE",
               "この号機は設定ファイルを扱えません。", "This unit knows of no site file.");
        return false;
    }
    taking->form = calloc(1, sizeof(*taking->form));
    CHECK_GIVEN(taking->form != NULL);
    r = reader->read(reader->context, site->text, site->text_len_bytes, taking->form, &error);
    if (r < 0) {
        taking->form->pages = NULL;
        refuse_text(engine, taking->client, taking->request, "SITE_FILE_INVALID", &error);
        return false;
    }
    if (engine->state.site.newest.version != 0 &&
        !site_read(engine, &engine->state.site.newest, &taking->bytes, &taking->newest)) {
        taking->newest = (struct site_version){0};
    }
    r = reader->preview(reader->context, engine->site.text, engine->site.text_len_bytes, site->text,
                        site->text_len_bytes, &taking->changes, &taking->notices,
                        &taking->machines);
    if (r < 0) {
        refuse(engine, taking->client, taking->request, STATUS_UNAVAILABLE, "OVERLOAD",
               "混み合っています。少し待ってからもう一度お試しください。",
               "Too much at once. Try again in a moment.");
    }
    return r == 0;
}

static void put_refusal(struct json *json, const char *name, const struct refusal *refusal)
{
    if (refusal->status == 0) {
        json_null(json, name);
        return;
    }
    json_open(json, name, '{');
    json_text(json, "code", refusal->code);
    json_text(json, "text_ja", refusal->ja);
    json_text(json, "text_en", refusal->en);
    json_close(json, '}');
}

/* What it would do, and nothing is done. */
static void check(struct taking *taking)
{
    struct refusal now = judge(taking, API_SITE_NOW);
    struct refusal at_opening = judge(taking, API_SITE_AT_OPENING);
    struct json json;

    json_init(&json);
    json_open(&json, NULL, '{');
    json_number(&json, "base_version", taking->engine->state.site.newest.version);
    json_raw(&json, "changes", taking->changes, strlen(taking->changes));
    json_raw(&json, "notices", taking->notices, strlen(taking->notices));
    put_refusal(&json, "refusal_now", &now);
    put_refusal(&json, "refusal_at_opening", &at_opening);
    json_close(&json, '}');
    tell(taking->engine, taking->client, taking->request, STATUS_OK, &json);
}

static void answer_applied(struct taking *taking, uint16_t status)
{
    const struct site_state *state = &taking->engine->state.site;
    struct json json;

    json_init(&json);
    json_open(&json, NULL, '{');
    json_number(&json, "version", state->newest.version);
    json_bool(&json, "in_force", state->force.version == state->newest.version);
    json_raw(&json, "changes", taking->changes, strlen(taking->changes));
    json_raw(&json, "notices", taking->notices, strlen(taking->notices));
    json_close(&json, '}');
    tell_taken(taking, status, &json);
}

/* Who heard no answer asks again: the same text, on the same version, was taken already. */
static bool is_replay(const struct taking *taking)
{
    const struct api_site *site = &taking->request->site;
    const struct site_version *newest = &taking->newest;

    return newest->version != 0 && site->version + 1 == newest->version &&
           site->text_len_bytes == newest->text_len_bytes && site->when == newest->when &&
           memcmp(site->text, newest->text, newest->text_len_bytes) == 0;
}

static void apply(struct taking *taking)
{
    struct engine *engine = taking->engine;
    const struct api_request *request = taking->request;
    struct refusal refusal = judge(taking, request->site.when);
    struct site_text text = {.text = request->site.text,
                             .len_bytes = request->site.text_len_bytes,
                             .note = request->site.note,
                             .actor = access_actor(engine, request, request->site.actor, 0),
                             .restores = request->site.restores,
                             .when = request->site.when};
    char by[SITE_BY_BYTES];

    if (site_may_change(engine) && is_replay(taking)) {
        answer_applied(taking, STATUS_OK);
        return;
    }
    if (refusal.status == 0 && request->site.version != engine->state.site.newest.version) {
        say(&refusal, STATUS_OTHER_VERSION, "OTHER_VERSION",
            "ほかの方が先に変えました（いまは版 "
            "%u）。いまの設定を読み直して、もう一度行ってください。",
            "Somebody else was first: the newest version is %u now. Read it again and repeat your "
            "change.",
            engine->state.site.newest.version);
    }
    if (refusal.status != 0) {
        refuse(engine, taking->client, request, refusal.status, refusal.code, refusal.ja,
               refusal.en);
        return;
    }
    who_asks(engine, request, by);
    text.by = by;
    site_append(engine, taking->form, &text);
    day_raise_ceilings(engine);
    answer_applied(taking, STATUS_CREATED);
}

/* ---- one number of it, by a page -------------------------------------------------------------------------- */

/* The newest text with one target changed, as a request to apply it. False: it was refused, and is answered. */
static bool write_target(struct taking *taking, struct api_request *apply_request)
{
    struct engine *engine = taking->engine;
    const struct engine_site_reader *reader = engine->options.site_reader;
    const struct site_mark *newest = &engine->state.site.newest;
    struct api_site *site = &apply_request->site;
    struct engine_site_error error = {0};
    size_t len_bytes = 0;
    int r = -EIO;

    *apply_request = *taking->request;
    if (reader != NULL && newest->version != 0 &&
        site_read(engine, newest, &taking->bytes, &taking->newest)) {
        r = reader->set_wait_limit(reader->context, taking->newest.text,
                                   taking->newest.text_len_bytes, site->category, site->minutes,
                                   &taking->text, &len_bytes, &error);
    }
    if (r == -EIO) {
        refuse(engine, taking->client, taking->request, STATUS_NOT_FOUND, "NO_SITE_FILE",
               "この号機は設定ファイルを扱えません。", "This unit knows of no site file.");
    } else if (r == -ENOENT) {
        refuse(engine, taking->client, taking->request, STATUS_NOT_FOUND, "NO_SUCH_CATEGORY",
               "その用件はありません。", "There is no such category.");
    } else if (r < 0) {
        refuse_text(engine, taking->client, taking->request, "SITE_FILE_INVALID", &error);
    }
    if (r < 0) {
        return false;
    }
    site->text = (const uint8_t *)taking->text;
    site->text_len_bytes = (uint32_t)len_bytes;
    /* A version that waits for the next opening stays waiting, with this in it. */
    site->when =
        engine->state.site.force.version == newest->version ? API_SITE_NOW : API_SITE_AT_OPENING;
    site->restores = 0;
    if (site->note[0] == '\0') {
        (void)snprintf(site->note, sizeof(site->note),
                       "待ちの目標: 業務 %u を %u 分に（窓口責任者の画面） / wait target of "
                       "category %u: %u minutes",
                       site->category, site->minutes, site->category, site->minutes);
    }
    return true;
}

static void set_target(struct engine *engine, uint64_t client, const struct api_request *request)
{
    struct taking asked = {.engine = engine, .client = client, .request = request};
    struct api_request written;
    struct taking taking = {.engine = engine, .client = client, .request = &written};

    if (write_target(&asked, &written) && read_text(&taking)) {
        apply(&taking);
    }
    release(&taking);
    release(&asked);
}

/* ---- holidays ------------------------------------------------------------------------------------------- */

static void put_days(struct json *json, const struct calendar *before, const struct calendar *after,
                     uint32_t today)
{
    uint32_t dates[COMPARED_DAYS_MAX];
    uint32_t year = today / YEAR;
    size_t count =
        calendar_compare(before, after, year * YEAR + YEAR_FIRST_DAY,
                         (year + COMPARED_YEARS) * YEAR + YEAR_LAST_DAY, dates, COMPARED_DAYS_MAX);

    json_number(json, "changed_days", (int64_t)count);
    json_open(json, "changes", '[');
    for (size_t i = 0; i < count && i < COMPARED_DAYS_MAX; i++) {
        struct calendar_day old, new;

        calendar_get_day(before, dates[i], &old);
        calendar_get_day(after, dates[i], &new);
        json_open(json, NULL, '{');
        render_date(json, "date", dates[i]);
        json_bool(json, "open_before", old.open);
        json_bool(json, "open", new.open);
        json_text(json, "name_before_ja", old.name_ja);
        json_text(json, "name_before_en", old.name_en);
        json_text(json, "name_ja", new.name_ja);
        json_text(json, "name_en", new.name_en);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void answer_holidays(struct taking *taking, const struct calendar *before,
                            const struct calendar *after, uint16_t written)
{
    struct engine *engine = taking->engine;
    struct json json;

    json_init(&json);
    json_open(&json, NULL, '{');
    json_number(&json, "version", engine->state.site.holidays_version);
    json_number(&json, "days", after->import.day_count);
    json_number(&json, "year_first", calendar_import_year_first(&after->import));
    json_number(&json, "year_last", calendar_import_year_last(&after->import));
    put_days(&json, before, after, engine->level.today.date);
    json_close(&json, '}');
    if (written != 0) {
        tell_taken(taking, written, &json);
    } else {
        tell(engine, taking->client, taking->request, STATUS_OK, &json);
    }
}

/* Who heard no answer asks again: this very list took the place of the one that is named. */
static bool holidays_are_there(const struct taking *taking, const struct calendar *before,
                               const struct calendar *after)
{
    return taking->request->site.version + 1 == taking->engine->state.site.holidays_version &&
           memcmp(&before->import, &after->import, sizeof(before->import)) == 0;
}

static void take_holidays(struct taking *taking, const struct calendar *before,
                          const struct calendar *after)
{
    struct engine *engine = taking->engine;
    const struct api_request *request = taking->request;
    char by[SITE_BY_BYTES];

    if (request->site.what == API_SITE_HOLIDAYS_CHECK) {
        answer_holidays(taking, before, after, 0);
    } else if (!site_may_change(engine)) {
        refuse(
            engine, taking->client, request, STATUS_CONFLICT, "NOT_ALONE",
            "1台で運転している間は、設定を変えられません。2台がそろってから行ってください。",
            "While one unit serves alone the configuration does not change. Do it when both units "
            "are together again.");
    } else if (holidays_are_there(taking, before, after)) {
        answer_holidays(taking, before, after, STATUS_OK);
    } else if (request->site.version != engine->state.site.holidays_version) {
        refuse(engine, taking->client, request, STATUS_OTHER_VERSION, "OTHER_VERSION",
               "ほかの方が先に取り込みました。もう一度、内容を確かめてください。",
               "Somebody else has imported a list meanwhile. Look at the changes again.");
    } else {
        who_asks(engine, request, by);
        site_append_holidays(engine, &after->import, by, request->site.note,
                             access_actor(engine, request, request->site.actor, 0));
        answer_holidays(taking, before, after, STATUS_CREATED);
    }
}

static void holidays(struct taking *taking)
{
    struct engine *engine = taking->engine;
    const struct engine_site_reader *reader = engine->options.site_reader;
    const struct api_site *site = &taking->request->site;
    struct calendar *calendars = calloc(2, sizeof(*calendars));
    struct engine_site_error error = {0};
    int r = -ENOENT;

    CHECK_GIVEN(calendars != NULL);
    calendars[0] = calendars[1] = *engine->options.calendar;
    if (reader != NULL) {
        r = reader->read_holidays(reader->context, site->text, site->text_len_bytes,
                                  &calendars[0].import, &calendars[1].import, &error);
    }
    if (reader == NULL) {
        refuse(engine, taking->client, taking->request, STATUS_NOT_FOUND, "NO_SITE_FILE",
               "この号機は設定ファイルを扱えません。", "This unit knows of no site file.");
    } else if (r < 0) {
        refuse_text(engine, taking->client, taking->request, "HOLIDAYS_INVALID", &error);
    } else {
        take_holidays(taking, &calendars[0], &calendars[1]);
    }
    free(calendars);
}

void site_request(struct engine *engine, uint64_t client, const struct api_request *request)
{
    struct taking taking = {.engine = engine, .client = client, .request = request};

    switch ((enum api_site_what)request->site.what) {
    case API_SITE_SHOW:
        show(engine, client, request);
        return;
    case API_SITE_HISTORY:
        history(engine, client, request);
        return;
    case API_SITE_CHECK:
        if (read_text(&taking)) {
            check(&taking);
        }
        release(&taking);
        return;
    case API_SITE_APPLY:
        if (read_text(&taking)) {
            apply(&taking);
        }
        release(&taking);
        return;
    case API_SITE_TARGET:
        set_target(engine, client, request);
        return;
    case API_SITE_HOLIDAYS_CHECK:
    case API_SITE_HOLIDAYS_APPLY:
        holidays(&taking);
        return;
    }
    refuse(engine, client, request, STATUS_NOT_FOUND, "BAD_REQUEST", "この要求はありません。",
           "There is no such request.");
}
