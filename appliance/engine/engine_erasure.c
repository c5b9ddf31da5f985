/*
 * The certificate of an erasure (R-075, R-076; docs/PUBLIC.md). An entry orders it: visits leave the state, the day's
 * keys are to go. That is not yet done anywhere. Each unit then looks at its own disk, and only when no key of that
 * day is left there, and the batch that took them away is durable, does it say so: whoever serves writes its own
 * certificate (ENTRY_ERASURE), the spare tells it by a frame until its certificate stands in the ledger. All by
 * level: a unit that was away, restored or filled anew says it when it has caught up, and again when keys that came
 * back with an older image of its disk were destroyed once more.
 *
 * The digests are those of the whole state before the order and after it, each by the unit's own fold.
 */
#include "appliance/engine/engine_internal.h"

#include "base/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    PAYLOAD_VERSION = 1,
    PAYLOAD_BYTES_MAX = 160,
    FLAG_ANNULLED = 1,
    FLAG_RELAYS = 2, /* certificates of relays follow; checkpoints of before have none */
    DAY_FIRST = 20000101,
    DAY_LAST = 99991231,
    HASH_TEXT_BYTES = 2 * IDS_HASH_BYTES + 1,
    STATUS_OK = 200,
    STATUS_NOT_FOUND = 404,
    STATUS_REFUSED = 422,
};

/* ---- what the ledger says ------------------------------------------------------------------------ */

static struct erasure *find(struct engine *engine, uint32_t day)
{
    for (size_t i = 0; i < ERASURES_MAX; i++) {
        if (engine->erasures.list[i].day == day && day != 0) {
            return &engine->erasures.list[i];
        }
    }
    return NULL;
}

static const struct erasure_done *done_by(const struct erasure *erasure, uint32_t unit,
                                          const struct ids_token *hardware)
{
    for (size_t i = 0; i < ERASURE_UNITS_MAX; i++) {
        const struct erasure_done *done = &erasure->done[i];

        if (done->unit == unit && unit != 0 && ids_token_equal(&done->hardware, hardware)) {
            return done;
        }
    }
    return NULL;
}

void erasure_before(const struct engine *engine, const struct entry *entry,
                    struct erasure *ret_erasure)
{
    *ret_erasure = (struct erasure){.day = engine->queue->day.date,
                                    .lsn = entry->lsn,
                                    .wall_ms = entry->wall_ms,
                                    .unit = entry->unit,
                                    .actor = entry->actor,
                                    .tickets = engine->queue->ticket_count,
                                    .answers = engine->queue->key_count};
    engine_digest_of(engine->digest, &ret_erasure->before);
}

/* A day that was annulled may be opened again, and is erased at its end like any other: the newest counts. */
void erasure_ordered(struct engine *engine, bool annulled, const struct erasure *before)
{
    struct erasures *erasures = &engine->erasures;
    struct erasure *known = find(engine, before->day);
    size_t last = known != NULL ? (size_t)(known - erasures->list) : (size_t)ERASURES_MAX - 1;

    memmove(erasures->list + 1, erasures->list, last * sizeof(erasures->list[0]));
    erasures->list[0] = *before;
    erasures->list[0].annulled = annulled;
    engine_digest_of(engine->digest, &erasures->list[0].after);
    erasures->own = (struct erasure_word){0};
    erasures->keys = 0;
    erasures->looked_ms = 0;
}

void erasure_destroys(struct engine *engine, uint32_t day)
{
    struct erasures *erasures = &engine->erasures;

    if (day <= erasures->list[0].day) {
        erasures->keys++;
        erasures->own = (struct erasure_word){0};
        erasures->looked_ms = 0;
    }
}

void erasure_forget(struct engine *engine)
{
    engine->erasures = (struct erasures){.keys = engine->erasures.keys};
}

static size_t put_word(const struct erasure_word *word, uint8_t bytes[PAYLOAD_BYTES_MAX])
{
    struct bytes_writer writer = bytes_writer_over(bytes, PAYLOAD_BYTES_MAX);

    bytes_put_u8(&writer, PAYLOAD_VERSION);
    bytes_put_u32(&writer, word->day);
    bytes_put_u64(&writer, word->lsn);
    bytes_put_u32(&writer, word->unit);
    bytes_put(&writer, word->hardware.bytes, sizeof(word->hardware.bytes));
    bytes_put_i64(&writer, word->wall_ms);
    bytes_put_u16(&writer, word->keys);
    bytes_put_u32(&writer, word->tickets);
    bytes_put_u32(&writer, word->answers);
    bytes_put(&writer, word->before.bytes, sizeof(word->before.bytes));
    bytes_put(&writer, word->after.bytes, sizeof(word->after.bytes));
    CHECK(!writer.failed);
    return writer.len_bytes;
}

static bool get_word(const uint8_t *bytes, size_t len_bytes, struct erasure_word *ret_word)
{
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);
    uint8_t version = bytes_get_u8(&reader);

    *ret_word = (struct erasure_word){.day = bytes_get_u32(&reader)};
    ret_word->lsn = bytes_get_u64(&reader);
    ret_word->unit = bytes_get_u32(&reader);
    bytes_get(&reader, ret_word->hardware.bytes, sizeof(ret_word->hardware.bytes));
    ret_word->wall_ms = bytes_get_i64(&reader);
    ret_word->keys = bytes_get_u16(&reader);
    ret_word->tickets = bytes_get_u32(&reader);
    ret_word->answers = bytes_get_u32(&reader);
    bytes_get(&reader, ret_word->before.bytes, sizeof(ret_word->before.bytes));
    bytes_get(&reader, ret_word->after.bytes, sizeof(ret_word->after.bytes));
    return bytes_finished(&reader) && version == PAYLOAD_VERSION && ret_word->unit != 0 &&
           ret_word->day >= DAY_FIRST && ret_word->day <= DAY_LAST;
}

/* Of an order that this fold does not know - it began later - nothing is kept: the entry stays. */
int erasure_fold(struct engine *engine, const struct entry *entry, const uint8_t *payload,
                 size_t len_bytes)
{
    struct erasure_word word;
    struct erasure *erasure;
    struct erasure_done *slot;

    if (!get_word(payload, len_bytes, &word)) {
        return -EBADMSG;
    }
    erasure = find(engine, word.day);
    if (erasure == NULL || erasure->lsn != word.lsn) {
        return 0;
    }
    slot = &erasure->done[ERASURE_UNITS_MAX - 1];
    for (size_t i = ERASURE_UNITS_MAX; i-- > 0;) {
        struct erasure_done *done = &erasure->done[i];

        slot = done->unit == 0 ? done : slot;
    }
    for (size_t i = 0; i < ERASURE_UNITS_MAX; i++) {
        struct erasure_done *done = &erasure->done[i];

        slot = done->unit == word.unit && ids_token_equal(&done->hardware, &word.hardware) ? done
                                                                                           : slot;
    }
    *slot = (struct erasure_done){.unit = word.unit,
                                  .hardware = word.hardware,
                                  .wall_ms = word.wall_ms,
                                  .lsn = entry->lsn,
                                  .keys = word.keys,
                                  .same = ids_hash_equal(&word.before, &erasure->before) &&
                                          ids_hash_equal(&word.after, &erasure->after)};
    return 0;
}

static void put_done(struct bytes_writer *writer, const struct erasure_done *done)
{
    bytes_put_u32(writer, done->unit);
    if (done->unit != 0) {
        bytes_put(writer, done->hardware.bytes, sizeof(done->hardware.bytes));
        bytes_put_i64(writer, done->wall_ms);
        bytes_put_u64(writer, done->lsn);
        bytes_put_u16(writer, done->keys);
        bytes_put_u8(writer, done->same ? 1 : 0);
    }
}

static void get_done(struct bytes_reader *reader, struct erasure_done *done)
{
    *done = (struct erasure_done){.unit = bytes_get_u32(reader)};
    if (done->unit != 0) {
        bytes_get(reader, done->hardware.bytes, sizeof(done->hardware.bytes));
        done->wall_ms = bytes_get_i64(reader);
        done->lsn = bytes_get_u64(reader);
        done->keys = bytes_get_u16(reader);
        done->same = bytes_get_u8(reader) != 0;
    }
}

static bool has_relays(const struct erasure *erasure)
{
    return erasure->relays[0].lsn != 0;
}

static void put_relay(struct bytes_writer *writer, const struct erasure_relay *relay)
{
    bytes_put_u64(writer, relay->lsn);
    if (relay->lsn != 0) {
        bytes_put_text(writer, relay->relay);
        bytes_put_i64(writer, relay->wall_ms);
        bytes_put_u8(writer, relay->why);
        bytes_put_u32(writer, relay->questions);
        bytes_put(writer, relay->before.bytes, sizeof(relay->before.bytes));
        bytes_put(writer, relay->after.bytes, sizeof(relay->after.bytes));
    }
}

static void get_relay(struct bytes_reader *reader, struct erasure_relay *relay)
{
    *relay = (struct erasure_relay){.lsn = bytes_get_u64(reader)};
    if (relay->lsn != 0) {
        bytes_get_text(reader, relay->relay, sizeof(relay->relay));
        relay->wall_ms = bytes_get_i64(reader);
        relay->why = bytes_get_u8(reader);
        relay->questions = bytes_get_u32(reader);
        bytes_get(reader, relay->before.bytes, sizeof(relay->before.bytes));
        bytes_get(reader, relay->after.bytes, sizeof(relay->after.bytes));
    }
}

void erasure_put_checkpoint(const struct engine *engine, struct bytes_writer *writer)
{
    for (size_t i = 0; i < ERASURES_MAX; i++) {
        const struct erasure *erasure = &engine->erasures.list[i];

        bytes_put_u32(writer, erasure->day);
        if (erasure->day == 0) {
            continue;
        }
        bytes_put_u64(writer, erasure->lsn);
        bytes_put_i64(writer, erasure->wall_ms);
        bytes_put_u32(writer, erasure->unit);
        bytes_put_u32(writer, erasure->actor);
        bytes_put_u32(writer, erasure->tickets);
        bytes_put_u32(writer, erasure->answers);
        bytes_put_u8(writer, (uint8_t)((erasure->annulled ? FLAG_ANNULLED : 0) |
                                       (has_relays(erasure) ? FLAG_RELAYS : 0)));
        bytes_put(writer, erasure->before.bytes, sizeof(erasure->before.bytes));
        bytes_put(writer, erasure->after.bytes, sizeof(erasure->after.bytes));
        for (size_t unit = 0; unit < ERASURE_UNITS_MAX; unit++) {
            put_done(writer, &erasure->done[unit]);
        }
        for (size_t at = 0; has_relays(erasure) && at < ERASURE_RELAYS_MAX; at++) {
            put_relay(writer, &erasure->relays[at]);
        }
    }
}

void erasure_get_checkpoint(struct engine *engine, struct bytes_reader *reader)
{
    uint8_t flags = 0;

    for (size_t i = 0; i < ERASURES_MAX; i++) {
        struct erasure *erasure = &engine->erasures.list[i];

        *erasure = (struct erasure){.day = bytes_get_u32(reader)};
        if (erasure->day == 0) {
            continue;
        }
        erasure->lsn = bytes_get_u64(reader);
        erasure->wall_ms = bytes_get_i64(reader);
        erasure->unit = bytes_get_u32(reader);
        erasure->actor = bytes_get_u32(reader);
        erasure->tickets = bytes_get_u32(reader);
        erasure->answers = bytes_get_u32(reader);
        flags = bytes_get_u8(reader);
        erasure->annulled = (flags & FLAG_ANNULLED) != 0;
        bytes_get(reader, erasure->before.bytes, sizeof(erasure->before.bytes));
        bytes_get(reader, erasure->after.bytes, sizeof(erasure->after.bytes));
        for (size_t unit = 0; unit < ERASURE_UNITS_MAX; unit++) {
            get_done(reader, &erasure->done[unit]);
        }
        for (size_t at = 0; (flags & FLAG_RELAYS) != 0 && at < ERASURE_RELAYS_MAX; at++) {
            get_relay(reader, &erasure->relays[at]);
        }
    }
}

/* ---- what this unit finds on its disk, and says ---------------------------------------------------- */

/* One that came with a ledger which was to replace ours, and did not. */
static bool holds_past_key(const struct engine *engine)
{
    for (size_t i = 0; i < engine->key_count; i++) {
        if (engine_key_is_past(engine, engine->keys[i].day)) {
            return true;
        }
    }
    return false;
}

/* False: it cannot be read, or something is left; that goes by the next batch, and is looked for again. */
static bool disk_is_clean(struct engine *engine)
{
    struct ledger_day_key keys[ENGINE_KEYS_MAX];
    size_t count = 0;
    bool clean = engine->world.read_keys(engine->world.context, keys, ENGINE_KEYS_MAX, &count) >= 0;
    bool readable = clean;

    for (size_t i = 0; readable && i < count; i++) {
        if (engine_key_is_past(engine, keys[i].day)) {
            clean = false;
            engine->erasures.keys++;
            engine->keys_destroy[engine->keys_destroy_count++] = keys[i];
        }
    }
    crypto_forget(keys, sizeof(keys));
    engine->erasures.left = readable && !clean;
    return clean;
}

static const struct erasure_done *done_here(const struct engine *engine)
{
    return done_by(&engine->erasures.list[0], engine->options.duty.unit,
                   &engine->options.duty.hardware);
}

/* What was to go is durably gone, and nothing waits to be destroyed. */
static bool is_time_to_look(const struct engine *engine)
{
    return engine->erasures.list[0].lsn <= engine->durable_lsn && !engine->in_flight &&
           engine->keys_destroy_count == 0 && !engine->rows_rebuild;
}

static void look(struct engine *engine)
{
    struct erasures *erasures = &engine->erasures;
    const struct erasure *newest = &erasures->list[0];

    if (holds_past_key(engine)) {
        engine_destroy_keys(engine);
        return;
    }
    if (!disk_is_clean(engine)) {
        return;
    }
    erasures->own = (struct erasure_word){.day = newest->day,
                                          .lsn = newest->lsn,
                                          .unit = engine->options.duty.unit,
                                          .hardware = engine->options.duty.hardware,
                                          .wall_ms = engine->wall_ms,
                                          .keys = erasures->keys,
                                          .tickets = newest->tickets,
                                          .answers = newest->answers,
                                          .before = newest->before,
                                          .after = newest->after};
}

static void certify(struct engine *engine, const struct erasure_word *word)
{
    uint8_t payload[PAYLOAD_BYTES_MAX];
    size_t len_bytes = put_word(word, payload);

    (void)engine_append(engine, ENTRY_ERASURE, payload, len_bytes, false, 0, NULL);
}

static void say(struct engine *engine)
{
    const struct erasure_word *own = &engine->erasures.own;
    uint8_t body[PAYLOAD_BYTES_MAX];
    struct ship_frame frame = {.kind = SHIP_ERASED, .body = body};

    if (engine_serves(engine)) {
        certify(engine, own);
    } else if (engine->duty.state == DUTY_PAIRED_SPARE && engine->duty.agreed) {
        frame.body_len_bytes = put_word(own, body);
        engine_send(engine, &frame);
    }
}

/* Nothing is owed by a process that finds the certificate in its ledger and destroyed nothing itself. */
static bool is_owed(const struct engine *engine)
{
    const struct erasures *erasures = &engine->erasures;
    const struct erasure_done *done = done_here(engine);

    return done == NULL ||
           (erasures->own.day != 0 ? done->wall_ms < erasures->own.wall_ms : erasures->keys > 0);
}

static bool is_certified(const struct engine *engine, uint32_t unit,
                         const struct ids_token *hardware)
{
    return done_by(&engine->erasures.list[0], unit, hardware) != NULL;
}

static void note_missing(struct engine *engine)
{
    struct erasures *erasures = &engine->erasures;
    const struct duty_word *peer = &engine->duty.peer;

    if (erasures->list[0].day == 0 || !duty_is_paired(&engine->duty) ||
        (is_certified(engine, engine->options.duty.unit, &engine->options.duty.hardware) &&
         is_certified(engine, peer->unit, &peer->hardware))) {
        erasures->missing_ms = 0;
    } else if (erasures->missing_ms == 0) {
        erasures->missing_ms = engine->now_ms;
    }
}

void erasure_turn(struct engine *engine)
{
    struct erasures *erasures = &engine->erasures;

    if (engine->failure != 0 || !engine->state.sound || engine->meeting.role != MEETING_NONE ||
        (erasures->looked_ms != 0 && engine->now_ms - erasures->looked_ms < ENGINE_TICK_MS)) {
        return;
    }
    if (holds_past_key(
            engine)) { /* also one that a meeting brought which broke off, long after the certificate */
        engine_destroy_keys(engine);
    }
    if (erasures->list[0].day != 0 && is_owed(engine)) {
        if (erasures->own.day == 0 && !is_time_to_look(engine)) {
            return; /* as soon as that batch is durable */
        }
        if (erasures->own.day == 0) {
            look(engine);
        }
        if (erasures->own.day != 0) {
            say(engine);
        }
    }
    note_missing(engine);
    erasures->looked_ms = engine->now_ms;
}

/* Believed as far as it is the peer's own; said again until it stands in the ledger. */
void erasure_frame(struct engine *engine, const struct ship_frame *frame)
{
    const struct erasure *newest = &engine->erasures.list[0];
    const struct erasure_done *done;
    struct erasure_word word;

    if (!engine_serves(engine) || !duty_is_paired(&engine->duty) ||
        !get_word(frame->body, frame->body_len_bytes, &word) ||
        word.unit != engine->duty.peer.unit ||
        !ids_token_equal(&word.hardware, &engine->duty.peer.hardware) || word.day != newest->day ||
        word.lsn != newest->lsn) {
        return;
    }
    done = done_by(newest, word.unit, &word.hardware);
    if (done == NULL || done->wall_ms < word.wall_ms) {
        certify(engine, &word);
    }
}

/* ---- what people are told --------------------------------------------------------------------------- */

bool erasure_is_missed(const struct engine *engine)
{
    const struct queue_day *day = &engine->queue->day;
    struct calendar_moment moment =
        calendar_moment_from_epoch_ms(engine->calendar, engine->wall_ms);

    return engine->erasures.left ||
           (engine->state.sound && day->date != 0 && moment.date > day->date &&
            (day->state == QUEUE_DAY_OPEN || day->state == QUEUE_DAY_CLOSED) &&
            moment.minute >= ERASURE_MISSED_MINUTE && day_clock_is_believed(engine));
}

bool erasure_is_unsaid(const struct engine *engine)
{
    return engine->erasures.missing_ms != 0 &&
           engine->now_ms - engine->erasures.missing_ms > ERASURE_CERTIFIED_MS;
}

static void put_hash(struct json *json, const char *name, const struct ids_hash *hash)
{
    char text[HASH_TEXT_BYTES];

    for (size_t i = 0; i < IDS_HASH_BYTES; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", hash->bytes[i]);
    }
    json_text(json, name, text);
}

/* What is not durable here is not said. */
static void put_units(const struct engine *engine, const struct erasure *erasure, struct json *json)
{
    json_open(json, "units", '[');
    for (size_t i = 0; i < ERASURE_UNITS_MAX; i++) {
        const struct erasure_done *done = &erasure->done[i];

        if (done->unit == 0 || done->lsn > engine->durable_lsn) {
            continue;
        }
        json_open(json, NULL, '{');
        json_number(json, "unit", done->unit);
        render_time(json, "erased_at", done->wall_ms, engine->calendar->utc_offset_minutes);
        json_number(json, "keys_destroyed", done->keys);
        json_number(json, "keys_left", 0);
        json_bool(json, "digests_agree", done->same);
        json_number(json, "lsn", (int64_t)done->lsn);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void put_missing(const struct engine *engine, const struct erasure *erasure,
                        struct json *json)
{
    const struct duty_term *term = &engine->state.term;

    json_open(json, "missing_units", '[');
    for (int i = 0; i < 2; i++) {
        const struct duty_unit_name *name = &term->units[i];
        const struct erasure_done *done = done_by(erasure, name->unit, &name->hardware);

        if (name->unit != 0 && (done == NULL || done->lsn > engine->durable_lsn)) {
            json_open(json, NULL, '{');
            json_number(json, "unit", name->unit);
            json_close(json, '}');
        }
    }
    json_close(json, ']');
}

static char *render(const struct engine *engine, const struct erasure *erasure,
                    size_t *ret_len_bytes)
{
    struct json json;

    json_init(&json);
    json_open(&json, NULL, '{');
    json_text(&json, "site", engine->queue->config.site_ja);
    json_text(&json, "site_en", engine->queue->config.site_en);
    render_date(&json, "service_day", erasure->day);
    json_bool(&json, "annulled", erasure->annulled);
    json_open(&json, "ordered", '{');
    render_time(&json, "at", erasure->wall_ms, engine->calendar->utc_offset_minutes);
    json_number(&json, "unit", erasure->unit);
    json_bool(&json, "by_clock", erasure->actor == 0);
    json_number(&json, "lsn", (int64_t)erasure->lsn);
    json_close(&json, '}');
    json_number(&json, "tickets", erasure->tickets);
    json_number(&json, "answers", erasure->answers);
    put_hash(&json, "digest_before", &erasure->before);
    put_hash(&json, "digest_after", &erasure->after);
    put_units(engine, erasure, &json);
    put_missing(engine, erasure, &json);
    relay_put(engine, erasure, &json);
    json_open(&json, "days", '[');
    for (size_t i = 0; i < ERASURES_MAX && engine->erasures.list[i].day != 0; i++) {
        json_open(&json, NULL, '{');
        render_date(&json, "service_day", engine->erasures.list[i].day);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_close(&json, '}');
    return json_take(&json, ret_len_bytes);
}

uint16_t erasure_read(const struct engine *engine, const char *date, char **ret_body,
                      size_t *ret_len_bytes)
{
    const struct erasure *erasure = NULL;
    uint32_t day = serve_date_from_text(date);

    if (date[0] != '\0' && day == 0) {
        *ret_body =
            render_problem(STATUS_REFUSED, "BAD_DATE", "日付は 2026-11-24 のように書いてください。",
                           "Write the date like 2026-11-24.", ret_len_bytes);
        return STATUS_REFUSED;
    }
    for (size_t i = 0; i < ERASURES_MAX && erasure == NULL; i++) {
        const struct erasure *each = &engine->erasures.list[i];

        if (each->day != 0 && each->lsn <= engine->durable_lsn && (day == 0 || each->day == day)) {
            erasure = each;
        }
    }
    if (erasure == NULL) {
        *ret_body = render_problem(
            STATUS_NOT_FOUND, "NO_CERTIFICATE",
            "その日の消去証明書はありません。まだ消去されていないか、古い日付です。",
            "There is no certificate of that day: it is not erased yet, or too long ago.",
            ret_len_bytes);
        return STATUS_NOT_FOUND;
    }
    *ret_body = render(engine, erasure, ret_len_bytes);
    return STATUS_OK;
}
