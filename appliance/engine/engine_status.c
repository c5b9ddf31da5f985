/*
 * Status, ready, explain: what a person or a NOC asks first. Only what this unit knows is said; what
 * was not measured is null in JSON and 未計測 for people.
 */
#include "appliance/engine/engine_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { REASONS_MAX = 12, HASH_SHORT_BYTES = 8, VERDICT_BYTES = 512, WATCHDOG_SILENT_MS = 3000 };

struct reason_list {
    size_t count;
    struct {
        const char *code, *ja, *en;
    } list[REASONS_MAX];
};

static void add_reason(struct reason_list *reasons, const char *code, const char *ja,
                       const char *en)
{
    if (reasons->count < REASONS_MAX) {
        reasons->list[reasons->count].code = code;
        reasons->list[reasons->count].ja = ja;
        reasons->list[reasons->count].en = en;
        reasons->count++;
    }
}

static bool peer_is_ready(const struct engine *engine)
{
    const struct duty *duty = &engine->duty;

    if (duty->state == DUTY_PAIRED_DUTY) {
        return duty->agreed && duty->peer.state == DUTY_PAIRED_SPARE && duty->peer.service_link;
    }
    return duty->state == DUTY_PAIRED_SPARE && duty->service_link;
}

/* an erasure that did not happen, or that nobody vouches for, alarms. */
static void gather_erasure(const struct engine *engine, struct reason_list *reasons)
{
    if (erasure_is_missed(engine)) {
        add_reason(
            reasons, "ERASURE_MISSED",
            "前の開庁日の記録が消去されていません。業務を始める前に自動で消去します。10分たっても"
            "消えないときは、保守員に連絡してください。",
            "Visits of an earlier day are not erased. They are before anybody is served; if "
            "this stays for ten minutes, call the engineer.");
    }
    if (erasure_is_unsaid(engine)) {
        add_reason(
            reasons, "ERASURE_NOT_CERTIFIED",
            "前の開庁日を消去したという証明が、片方の号機にありません。保守員に連絡してくださ"
            "い。",
            "One unit does not certify that it erased the earlier day. Call the engineer.");
    }
}

static void gather_relays(const struct engine *engine, struct reason_list *reasons)
{
    if (relay_is_uncertified(engine)) {
        add_reason(
            reasons, "RELAY_NOT_CERTIFIED",
            "別ホストの中継から、前の開庁日の消去証明書が届いていません。中継の電源と回線を確"
            "認してください。",
            "A relay on another host has not certified that it erased the earlier day. Check "
            "its power and its line.");
    }
    if (relay_is_silent(engine)) {
        add_reason(
            reasons, "RELAY_SILENT",
            "別ホストの中継につながりません。外から見る待ち状況の画面が更新されていません。",
            "A relay on another host is not reached: the public page outside is not kept up.");
    }
    if (relay_clock_differs(engine)) {
        add_reason(reasons, "RELAY_CLOCK",
                   "別ホストの中継と号機の時計が5分以上違います。両方の時刻を確認してください。",
                   "The clocks of a relay and of this unit are more than five minutes apart. Check "
                   "the time of both.");
    }
}

/* Why a failover now, or the next opening, would not go well. */
static void gather_reasons(const struct engine *engine, struct reason_list *reasons)
{
    const struct duty *duty = &engine->duty;

    reasons->count = 0;
    if (engine->options.duty.peer_unit == 0) {
        add_reason(reasons, duty_reason_code(DUTY_REASON_SINGLE_UNIT),
                   duty_reason_ja(DUTY_REASON_SINGLE_UNIT),
                   duty_reason_en(DUTY_REASON_SINGLE_UNIT));
    } else if (!duty_is_paired(duty)) {
        add_reason(reasons, duty_reason_code(duty->reason), duty_reason_ja(duty->reason),
                   duty_reason_en(duty->reason));
    }
    if (duty_is_paired(duty) && !duty->service_link) {
        add_reason(reasons, duty_reason_code(DUTY_REASON_NO_SERVICE_LINK),
                   duty_reason_ja(DUTY_REASON_NO_SERVICE_LINK),
                   duty_reason_en(DUTY_REASON_NO_SERVICE_LINK));
    }
    if (duty->state == DUTY_PAIRED_DUTY && !duty->peer.service_link) {
        add_reason(reasons, "PEER_NO_SERVICE_LINK",
                   "予備機の窓口側の回線が切れています。予備機のLANケーブルを確認してください。",
                   "The spare has no service link. Check the LAN cable of the spare.");
    }
    if (duty_sees_stranger(duty)) {
        add_reason(reasons, duty_reason_code(DUTY_REASON_ADDRESS_STRANGER),
                   duty_reason_ja(DUTY_REASON_ADDRESS_STRANGER),
                   duty_reason_en(DUTY_REASON_ADDRESS_STRANGER));
    }
    if (!engine->link_up[WORLD_LINK_DIRECT] && engine->options.duty.peer_unit != 0) {
        add_reason(reasons, "NO_DIRECT_LINK",
                   "号機間の直結回線が切れています。直結ケーブルを確認してください。",
                   "The direct link between the units is down. Check the direct cable.");
    }
    if (!day_clock_is_believed(engine)) {
        add_reason(reasons, "CLOCK_NOT_BELIEVED",
                   "時計を確認できません。開庁日の日付を入力してください。",
                   "The clock cannot be trusted. Enter the date of the service day.");
    }
    gather_erasure(engine, reasons);
    gather_relays(engine, reasons);
}

static const char *mode_code(const struct duty *duty)
{
    if (duty_is_paired(duty)) {
        return "PAIRED";
    }
    return duty_serves(duty) == DUTY_SERVE_LETTER ? "ALONE" : "IDLE";
}

static const char *role_code(enum duty_state state)
{
    switch (state) {
    case DUTY_PAIRED_DUTY:
    case DUTY_HANDING_OVER:
    case DUTY_ALONE:
        return "DUTY";
    case DUTY_PAIRED_SPARE:
        return "SPARE";
    case DUTY_MEETING_SOURCE:
    case DUTY_MEETING_OTHER:
    case DUTY_MINTING:
        return "MEETING";
    case DUTY_WAITING:
    case DUTY_TAKING:
        return "WAITING";
    case DUTY_STOPPED:
    case DUTY_STATE_COUNT:
        break;
    }
    return "STOPPED";
}

static void put_hash(struct json *json, const char *name, const struct ids_hash *hash)
{
    char text[2 * HASH_SHORT_BYTES + 1];

    for (size_t i = 0; i < HASH_SHORT_BYTES; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", hash->bytes[i]);
    }
    json_text(json, name, text);
}

/* The other unit's is known to itself alone. What is not known is null, never a zero. */
static void put_watchdog(const struct engine *engine, bool own, struct json *json)
{
    const struct pet_facts *facts = &engine->watchdog;
    bool told = own && engine->watchdog_told_ms != 0 &&
                engine->now_ms - engine->watchdog_told_ms < WATCHDOG_SILENT_MS;
    bool armed = told && facts->device.armed;

    json_open(json, "watchdog", '{');
    if (told) {
        json_bool(json, "armed", armed);
    } else {
        json_null(json, "armed");
    }
    if (armed) {
        json_number(json, "timeout_ms", facts->device.timeout_ms);
    } else {
        json_null(json, "timeout_ms");
    }
    if (told) {
        json_bool(json, "verified", pet_is_verified(&facts->device));
        json_text(json, "stage", pet_stage_code(facts->stage));
        json_number(json, "resets_recent", facts->resets_recent);
        json_text(json, "tightest_part", pet_part_code(facts->tightest_part));
        json_number(json, "tightest_left_ms", facts->tightest_ms);
        json_bool(json, "was_reset", facts->was_reset);
        if (facts->reset_part != PET_PART_COUNT) {
            json_text(json, "reset_part", pet_part_code(facts->reset_part));
            json_text(json, "reset_reason_ja", pet_part_ja(facts->reset_part));
            json_text(json, "reset_reason_en", pet_part_en(facts->reset_part));
        }
    }
    json_close(json, '}');
}

static void put_reason(struct json *json, enum duty_reason reason)
{
    json_open(json, "reasons", '[');
    if (reason != DUTY_REASON_NONE) {
        json_open(json, NULL, '{');
        json_text(json, "code", duty_reason_code(reason));
        json_text(json, "text", duty_reason_ja(reason));
        json_text(json, "text_en", duty_reason_en(reason));
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void put_own_unit(struct engine *engine, struct json *json)
{
    const struct duty *duty = &engine->duty;
    char series[IDS_SERIES_TEXT_BYTES];

    ids_series_to_text(
        duty_serves(duty) == DUTY_SERVE_LETTER ? engine->series : (struct ids_series){0}, series);
    json_open(json, NULL, '{');
    json_number(json, "unit", engine->options.duty.unit);
    json_text(json, "name", engine->options.unit_name_ja);
    json_text(json, "address", engine->options.unit_address);
    json_bool(json, "here", true);
    json_text(json, "role", role_code(duty->state));
    json_text(json, "state", duty_state_code(duty->state));
    json_text(json, "mode", mode_code(duty));
    json_text(json, "series", series);
    json_bool(json, "ready", duty_is_paired(duty) || duty_serves(duty) != DUTY_SERVE_NOT);
    json_number(json, "term", (int64_t)engine->state.term.number);
    json_number(json, "lsn", (int64_t)engine->durable_lsn);
    put_hash(json, "chain", &engine->durable_hash);
    json_number(json, "lag_entries", 0);
    json_real(json, "lag_ms", 0);
    json_bool(json, "service_link", duty->service_link);
    put_watchdog(engine, true, json);
    json_text(json, "version", TOBAN_VERSION);
    put_reason(json, duty->reason);
    json_close(json, '}');
}

static void put_peer_unit(struct engine *engine, struct json *json)
{
    const struct duty *duty = &engine->duty;
    bool heard = duty->agreed;
    uint64_t lag = heard && engine->durable_lsn > duty->peer.last_lsn
                       ? engine->durable_lsn - duty->peer.last_lsn
                       : 0;
    enum duty_state state = (enum duty_state)duty->peer.state;

    if (engine->shipping) {
        lag = engine->durable_lsn > engine->sender.acked_lsn
                  ? engine->durable_lsn - engine->sender.acked_lsn
                  : 0;
    }
    json_open(json, NULL, '{');
    json_number(json, "unit", engine->options.duty.peer_unit);
    json_text(json, "name", engine->options.peer_name_ja);
    json_text(json, "address", engine->options.peer_address);
    json_bool(json, "here", false);
    json_text(json, "role", heard ? role_code(state) : "UNKNOWN");
    json_text(json, "state", heard ? duty_state_code(state) : "UNKNOWN");
    json_text(json, "mode",
              !heard                                                    ? "UNKNOWN"
              : state == DUTY_PAIRED_SPARE || state == DUTY_PAIRED_DUTY ? "PAIRED"
              : duty->peer.serve == DUTY_SERVE_LETTER                   ? "ALONE"
                                                                        : "IDLE");
    json_text(json, "series", "");
    json_bool(json, "ready", heard && state == DUTY_PAIRED_SPARE && lag == 0);
    json_number(json, "term", heard ? (int64_t)duty->peer.term : 0);
    json_number(json, "lsn", heard ? (int64_t)duty->peer.last_lsn : 0);
    put_hash(json, "chain", &duty->peer.head);
    json_number(json, "lag_entries", (int64_t)lag);
    json_real(json, "lag_ms",
              engine->shipping ? (double)ship_sender_waiting_ms(&engine->sender, engine->now_ms)
                               : 0);
    json_bool(json, "service_link", heard && duty->peer.service_link);
    put_watchdog(engine, false, json);
    json_null(json, "version");
    put_reason(json, heard ? DUTY_REASON_NONE : duty->broke);
    json_close(json, '}');
}

struct verdict {
    bool can_serve, will_open, failover_ready;
    const char *failover_as, *open_as;
    char ja[VERDICT_BYTES], en[VERDICT_BYTES];
    const char *who;
};

static void judge(struct engine *engine, const struct reason_list *reasons, struct verdict *verdict)
{
    const struct duty *duty = &engine->duty;
    bool serves = engine_serves(engine);
    bool peer_serves = duty->agreed && duty->peer.serve != DUTY_SERVE_NOT;
    bool needed = duty->needed;
    const char *act_ja, *act_en;

    verdict->failover_ready = peer_is_ready(engine);
    verdict->failover_as = verdict->failover_ready ? "letters" : "none";
    verdict->can_serve = serves || peer_serves;
    verdict->open_as = duty_is_paired(duty)                               ? "numbers"
                       : duty->state != DUTY_STOPPED && !duty->word.blank ? "letters"
                                                                          : "none";
    verdict->will_open = strcmp(verdict->open_as, "none") != 0;
    verdict->who = reasons->count == 0 ? "nobody" : "engineer";
    act_ja = reasons->count == 0 ? "操作は不要です。" : reasons->list[0].ja;
    act_en = reasons->count == 0 ? "Nothing to do." : reasons->list[0].en;
    (void)snprintf(verdict->ja, sizeof(verdict->ja), "%s%s%s",
                   verdict->can_serve ? "窓口業務ができます。"
                   : needed           ? "窓口業務ができません。"
                                      : "閉庁中です。次の開庁に備えています。",
                   verdict->failover_ready ? "切替もできます。" : "切替はできません。", act_ja);
    (void)snprintf(
        verdict->en, sizeof(verdict->en), "%s %s %s",
        verdict->can_serve ? "Serving."
        : needed           ? "NOT serving."
                           : "Closed, waiting for the next opening.",
        verdict->failover_ready ? "A failover would work." : "A failover would not work.", act_en);
}

static void put_measured(struct json *json, const char *name, uint64_t value_ms)
{
    if (value_ms == 0) {
        json_null(json, name);
    } else {
        json_number(json, name, (int64_t)value_ms);
    }
}

static void put_service_day(struct engine *engine, struct json *json)
{
    const struct queue_day *day = &engine->queue->day;
    int32_t offset = engine->calendar->utc_offset_minutes;
    char text[8];

    json_open(json, "service_day", '{');
    render_date(json, "date", day->date == 0 ? engine->level.today.date : day->date);
    json_text(json, "state", render_day_state(day->state));
    (void)snprintf(text, sizeof(text), "%02u:%02u", engine->level.today.open_minute / 60U % 100U,
                   engine->level.today.open_minute % 60U);
    json_text(json, "opens", text);
    (void)snprintf(text, sizeof(text), "%02u:%02u", engine->level.today.close_minute / 60U % 100U,
                   engine->level.today.close_minute % 60U);
    json_text(json, "closes", text);
    render_time(json, "next_opening",
                engine->level.next_opening_date == 0 ? 0 : engine->level.next_opening_ms, offset);
    render_time(json, "deadline",
                engine->level.next_opening_date == 0 ? 0 : engine->level.recovery_deadline_ms,
                offset);
    json_text(json, "level", calendar_level_code(engine->level.level));
    json_close(json, '}');
}

static void put_verdict(struct engine *engine, struct json *json, const struct verdict *verdict)
{
    json_bool(json, "failover_ready", verdict->failover_ready);
    json_text(json, "failover_as", verdict->failover_as);
    json_text(json, "open_as", verdict->open_as);
    json_open(json, "verdict", '{');
    json_bool(json, "can_serve_now", verdict->can_serve);
    json_bool(json, "will_open_next", verdict->will_open);
    json_text(json, "who_acts", verdict->who);
    render_time(json, "by_when",
                engine->level.next_opening_date == 0 ? 0 : engine->level.recovery_deadline_ms,
                engine->calendar->utc_offset_minutes);
    json_text(json, "text_ja", verdict->ja);
    json_text(json, "text_en", verdict->en);
    json_close(json, '}');
}

static void put_reasons(struct json *json, const struct reason_list *reasons)
{
    json_open(json, "reasons", '[');
    for (size_t i = 0; i < reasons->count; i++) {
        json_open(json, NULL, '{');
        json_text(json, "code", reasons->list[i].code);
        json_text(json, "text", reasons->list[i].ja);
        json_text(json, "text_en", reasons->list[i].en);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void put_replacement(const struct engine *engine, struct json *json);

/* Staff see here that a board cannot be heard; nothing else follows from it. */
static void put_boards(const struct engine *engine, struct json *json)
{
    const struct api_boards *boards = &engine->boards;

    json_open(json, "boards", '{');
    json_number(json, "connected",
                boards->on + boards->speech + boards->chime + boards->blocked + boards->off);
    json_number(json, "on", boards->on);
    json_number(json, "speech", boards->speech);
    json_number(json, "chime", boards->chime);
    json_number(json, "blocked", boards->blocked);
    json_number(json, "off", boards->off);
    json_close(json, '}');
}

char *status_render(struct engine *engine, size_t *ret_len_bytes)
{
    struct reason_list reasons;
    struct verdict verdict;
    struct json json;

    gather_reasons(engine, &reasons);
    judge(engine, &reasons, &verdict);
    json_init(&json);
    json_open(&json, NULL, '{');
    json_text(&json, "site", engine->queue->config.site_ja);
    json_text(&json, "site_en", engine->queue->config.site_en);
    json_number(&json, "asked_unit", engine->options.duty.unit);
    put_service_day(engine, &json);
    snapshot_put_progress(engine, &json);
    json_open(&json, "units", '[');
    if (engine->options.duty.peer_unit != 0 &&
        engine->options.duty.peer_unit < engine->options.duty.unit) {
        put_peer_unit(engine, &json);
    }
    put_own_unit(engine, &json);
    if (engine->options.duty.peer_unit > engine->options.duty.unit) {
        put_peer_unit(engine, &json);
    }
    json_close(&json, ']');
    put_verdict(engine, &json, &verdict);
    put_reasons(&json, &reasons);
    put_replacement(engine, &json);
    print_put_printers(engine, &json);
    put_boards(engine, &json);
    json_open(&json, "takeover_budget", '{');
    put_measured(&json, "detect_ms", engine->last_detect_ms);
    put_measured(&json, "decide_ms", engine->last_decide_ms);
    put_measured(&json, "store_ms", engine->last_store_ms);
    put_measured(&json, "power_ms", engine->power_ms);
    put_measured(&json, "crash_ms", engine->crash_ms);
    put_measured(&json, "handover_ms", engine->handover_ms);
    json_close(&json, '}');
    json_close(&json, '}');
    return json_take(&json, ret_len_bytes);
}

char *status_ready(struct engine *engine, bool *ret_ready, size_t *ret_len_bytes)
{
    struct reason_list reasons;
    struct verdict verdict;
    struct json json;

    gather_reasons(engine, &reasons);
    judge(engine, &reasons, &verdict);
    *ret_ready = verdict.failover_ready && reasons.count == 0;
    json_init(&json);
    json_open(&json, NULL, '{');
    json_bool(&json, "ready", *ret_ready);
    put_verdict(engine, &json, &verdict);
    put_reasons(&json, &reasons);
    json_close(&json, '}');
    return json_take(&json, ret_len_bytes);
}

enum {
    SENTENCE_BYTES = 256,
    TENTHS_PER_S = 10,
    MS_PER_TENTH = 100,
};

static const char *serving_ja(const struct duty_then *then)
{
    return then->serve == DUTY_SERVE_PLAIN    ? "文字のない番号で受け付けます。"
           : then->serve == DUTY_SERVE_LETTER ? "文字付きの番号で受け付けます。"
           : then->state == DUTY_PAIRED_SPARE ? "相手の号機が受け付けます。"
                                              : "この号機は受け付けません。";
}

static const char *serving_en(const struct duty_then *then)
{
    return then->serve == DUTY_SERVE_PLAIN    ? "It serves by plain numbers."
           : then->serve == DUTY_SERVE_LETTER ? "It serves by numbers with its letter."
           : then->state == DUTY_PAIRED_SPARE ? "The other unit serves."
                                              : "This unit serves nobody.";
}

static void when_in_words(const struct duty_then *then, char ja[SENTENCE_BYTES],
                          char en[SENTENCE_BYTES])
{
    unsigned tenths = (unsigned)((then->after_ms + MS_PER_TENTH - 1) / MS_PER_TENTH);

    if (!then->changes) {
        (void)snprintf(ja, SENTENCE_BYTES, "変わりません。");
        (void)snprintf(en, SENTENCE_BYTES, "nothing changes.");
    } else if (tenths == 0) {
        (void)snprintf(ja, SENTENCE_BYTES, "すぐに %s。", duty_state_code(then->state));
        (void)snprintf(en, SENTENCE_BYTES, "at once %s.", duty_state_code(then->state));
    } else {
        (void)snprintf(ja, SENTENCE_BYTES, "約 %u.%u 秒で %s。", tenths / TENTHS_PER_S,
                       tenths % TENTHS_PER_S, duty_state_code(then->state));
        (void)snprintf(en, SENTENCE_BYTES, "after about %u.%u s %s.", tenths / TENTHS_PER_S,
                       tenths % TENTHS_PER_S, duty_state_code(then->state));
    }
}

/* "If the other unit falls silent: after about 0.4 s ALONE. It serves by numbers with its letter." */
static void put_then(struct json *json, enum duty_if what, const struct duty_then *then)
{
    bool says_why = then->changes && then->reason != DUTY_REASON_NONE &&
                    then->reason != DUTY_REASON_PEER_SERVES;
    char when_ja[SENTENCE_BYTES], when_en[SENTENCE_BYTES];
    char ja[2 * SENTENCE_BYTES], en[2 * SENTENCE_BYTES];

    when_in_words(then, when_ja, when_en);
    (void)snprintf(ja, sizeof(ja), "%s: %s%s%s", duty_if_ja(what), when_ja, serving_ja(then),
                   says_why ? duty_reason_ja(then->reason) : "");
    (void)snprintf(en, sizeof(en), "%s: %s %s%s%s", duty_if_en(what), when_en, serving_en(then),
                   says_why ? " " : "", says_why ? duty_reason_en(then->reason) : "");
    json_open(json, NULL, '{');
    json_text(json, "if", duty_if_code(what));
    json_bool(json, "changes", then->changes);
    json_text(json, "state", duty_state_code(then->state));
    json_text(json, "series",
              then->serve == DUTY_SERVE_PLAIN    ? "plain"
              : then->serve == DUTY_SERVE_LETTER ? "letter"
                                                 : "none");
    json_number(json, "after_ms", (int64_t)then->after_ms);
    json_text(json, "text_ja", ja);
    json_text(json, "text_en", en);
    json_close(json, '}');
}

/* What would change this unit's state: duty itself is asked, on a copy. */
static void put_what_if(const struct engine *engine, struct json *json)
{
    json_open(json, "what_if", '[');
    for (unsigned i = 0; i < DUTY_IF_COUNT; i++) {
        enum duty_if what = (enum duty_if)i;
        struct duty_then then;

        if (duty_foresee(&engine->duty, what, &then)) {
            put_then(json, what, &then);
        }
    }
    json_close(json, ']');
}

static void put_evidence(const struct engine *engine, struct json *json)
{
    const struct duty *duty = &engine->duty;

    json_open(json, "evidence", '{');
    json_bool(json, "contact_agreed", duty->agreed);
    json_bool(json, "needed", duty->needed);
    json_bool(json, "service_link", duty->service_link);
    json_bool(json, "fit", duty->fit);
    json_bool(json, "holds_address", duty->address);
    json_number(json, "peer_heard_ms_ago",
                duty->peer_heard_ms == 0 ? -1 : (int64_t)(engine->now_ms - duty->peer_heard_ms));
    json_number(json, "breaks_in_the_hour", duty->breaks);
    json_number(json, "term", (int64_t)engine->state.term.number);
    json_number(json, "common_term", (int64_t)duty->word.common_term);
    json_close(json, '}');
}

char *status_explain(struct engine *engine, size_t *ret_len_bytes)
{
    const struct duty *duty = &engine->duty;
    struct json json;

    json_init(&json);
    json_open(&json, NULL, '{');
    json_number(&json, "unit", engine->options.duty.unit);
    json_number(&json, "peer", duty->options.peer_unit);
    json_text(&json, "peer_state",
              duty->agreed ? duty_state_code((enum duty_state)duty->peer.state) : "");
    json_text(&json, "state", duty_state_code(duty->state));
    json_text(&json, "state_ja", duty_state_ja(duty->state));
    json_text(&json, "state_en", duty_state_en(duty->state));
    json_text(&json, "reason", duty_reason_code(duty->reason));
    json_text(&json, "reason_ja", duty_reason_ja(duty->reason));
    json_text(&json, "reason_en", duty_reason_en(duty->reason));
    if (duty->reason != DUTY_REASON_NONE) {
        json_text(&json, "ends_ja", duty_reason_ends_ja(duty->reason));
        json_text(&json, "ends_en", duty_reason_ends_en(duty->reason));
    }
    put_evidence(engine, &json);
    put_what_if(engine, &json);
    json_close(&json, '}');
    return json_take(&json, ret_len_bytes);
}

static const char *replacement_code(const struct engine *engine)
{
    return engine->state.given_id != 0          ? "APPROVED"
           : engine->state.sworn.name.unit != 0 ? "ONE_PERSON"
                                                : "NONE";
}

static void put_replacement(const struct engine *engine, struct json *json)
{
    json_open(json, "replacement", '{');
    json_text(json, "state", replacement_code(engine));
    json_text(json, "first_person", engine->state.sworn.person);
    json_number(json, "given_id", engine->state.given_id);
    json_open(json, "retired", '[');
    for (size_t i = 0; i < DUTY_RETIRED_MAX; i++) {
        if (engine->state.retired[i].unit != 0) {
            json_number(json, NULL, engine->state.retired[i].unit);
        }
    }
    json_close(json, ']');
    json_close(json, '}');
}

char *status_units(struct engine *engine, bool another_person, size_t *ret_len_bytes)
{
    struct json json;

    json_init(&json);
    json_open(&json, NULL, '{');
    put_replacement(engine, &json);
    json_text(&json, "text_ja",
              another_person
                  ? "記録しました。もう一人が、10分以内に同じ製造番号を入力してください。"
                  : "記録しました。次につなぐ新しい号機が、この場所に入れます。");
    json_text(&json, "text_en",
              another_person
                  ? "Recorded. Another person must now enter the same serial within ten minutes."
                  : "Recorded. The next blank unit that is connected takes this place.");
    json_close(&json, '}');
    return json_take(&json, ret_len_bytes);
}

char *status_ledger(struct engine *engine, size_t *ret_len_bytes)
{
    struct ledger_info info;
    struct ids_hash digest;
    struct json json;

    engine->world.read_info(engine->world.context, &info);
    engine_digest_of(engine->durable_digest, &digest);
    json_init(&json);
    json_open(&json, NULL, '{');
    json_number(&json, "last_lsn", (int64_t)engine->durable_lsn);
    put_hash(&json, "chain", &engine->durable_hash);
    put_hash(&json, "digest", &digest);
    json_number(&json, "checkpoint_lsn", (int64_t)engine->state.checkpoint_lsn);
    json_number(&json, "map_used_bytes", (int64_t)info.map_used_bytes);
    json_number(&json, "map_size_bytes", (int64_t)info.map_size_bytes);
    json_number(&json, "commits", (int64_t)info.commits);
    json_number(&json, "device_flushes", (int64_t)info.device_flushes);
    json_number(&json, "commit_us_p50", info.commit_us_p50);
    json_number(&json, "commit_us_p99", info.commit_us_p99);
    json_close(&json, '}');
    return json_take(&json, ret_len_bytes);
}

char *status_metrics(struct engine *engine, size_t *ret_len_bytes)
{
    struct ledger_info info;
    char text[1024];
    int len_bytes;

    engine->world.read_info(engine->world.context, &info);
    len_bytes = snprintf(
        text, sizeof(text),
        "# TYPE toban_serving gauge\ntoban_serving %d\n"
        "# TYPE toban_paired gauge\ntoban_paired %d\n"
        "# TYPE toban_failover_ready gauge\ntoban_failover_ready %d\n"
        "# TYPE toban_term gauge\ntoban_term %" PRIu64 "\n"
        "# TYPE toban_ledger_lsn gauge\ntoban_ledger_lsn %" PRIu64 "\n"
        "# TYPE toban_contact_breaks gauge\ntoban_contact_breaks %" PRIu32 "\n"
        "# TYPE toban_ledger_commits counter\ntoban_ledger_commits_total %" PRIu64 "\n"
        "# TYPE toban_device_flushes counter\ntoban_device_flushes_total %" PRIu64 "\n"
        "# TYPE toban_ledger_map_used_bytes gauge\ntoban_ledger_map_used_bytes %zu\n# EOF\n",
        engine_serves(engine) ? 1 : 0, duty_is_paired(&engine->duty) ? 1 : 0,
        peer_is_ready(engine) ? 1 : 0, engine->state.term.number, engine->durable_lsn,
        engine->duty.breaks, info.commits, info.device_flushes, info.map_used_bytes);
    *ret_len_bytes = (size_t)len_bytes;
    return strndup(text, (size_t)len_bytes);
}
