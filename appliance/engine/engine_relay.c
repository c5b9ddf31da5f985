/*
 * Relays (docs/PUBLIC.md): their certificates of erasure come into the ledger, and one that the site file names and
 * that does not certify, is silent, or has another clock is told to staff. A relay is known by the name of its
 * certificate; whoever feeds it says the name, and only root on the unit, or the user that feeds, is believed.
 *
 * A certificate is written where both units take part, once, and answered when both disks have it: until then the
 * relay keeps it and hands it over again.
 */
#include "appliance/engine/engine_internal.h"

#include "base/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAYLOAD_VERSION = 1,
    PAYLOAD_BYTES_MAX = 256,
    HASH_TEXT_BYTES = 2 * IDS_HASH_BYTES + 1,
    SAID_WITHIN_MS = 60000,
    CLOCK_S_MAX = 300,
    AGAIN_MS = 3600000,
    STATUS_OK = 200,
    STATUS_CREATED = 201,
    STATUS_FORBIDDEN = 403,
    STATUS_CONFLICT = 409,
    STATUS_REFUSED = 422,
    STATUS_UNAVAILABLE = 503,
};

static bool date_is_valid(uint32_t day)
{
    struct calendar_date date;

    return calendar_date_from_number(day, &date);
}

static struct erasure *erasure_of(struct engine *engine, uint32_t day)
{
    for (size_t i = 0; i < ERASURES_MAX; i++) {
        if (engine->erasures.list[i].day == day && day != 0) {
            return &engine->erasures.list[i];
        }
    }
    return NULL;
}

static const struct erasure_relay *certificate_of(const struct erasure *erasure, const char *relay)
{
    for (size_t i = 0; i < ERASURE_RELAYS_MAX; i++) {
        if (erasure->relays[i].lsn != 0 && strcmp(erasure->relays[i].relay, relay) == 0) {
            return &erasure->relays[i];
        }
    }
    return NULL;
}

/* ---- what the ledger says --------------------------------------------------------------------------- */

static size_t put_payload(const struct api_relay_erased *erased, uint8_t bytes[PAYLOAD_BYTES_MAX])
{
    struct bytes_writer writer = bytes_writer_over(bytes, PAYLOAD_BYTES_MAX);

    bytes_put_u8(&writer, PAYLOAD_VERSION);
    bytes_put_text(&writer, erased->relay);
    bytes_put_u32(&writer, erased->day);
    bytes_put_i64(&writer, erased->erased_ms);
    bytes_put_u64(&writer, erased->term);
    bytes_put_u8(&writer, erased->why);
    bytes_put_u32(&writer, erased->questions);
    bytes_put(&writer, erased->before.bytes, sizeof(erased->before.bytes));
    bytes_put(&writer, erased->after.bytes, sizeof(erased->after.bytes));
    CHECK(!writer.failed);
    return writer.len_bytes;
}

/* Of an erasure that this fold does not know - it began later - nothing is kept: the entry stays. */
int relay_fold(struct engine *engine, const struct entry *entry, const uint8_t *payload,
               size_t len_bytes)
{
    struct bytes_reader reader = bytes_reader_over(payload, len_bytes);
    uint8_t version = bytes_get_u8(&reader);
    struct erasure_relay relay = {.lsn = entry->lsn};
    struct erasure_relay *slot;
    struct erasure *erasure;
    uint32_t day;

    bytes_get_text(&reader, relay.relay, sizeof(relay.relay));
    day = bytes_get_u32(&reader);
    relay.wall_ms = bytes_get_i64(&reader);
    (void)bytes_get_u64(&reader); /* the term that had fed it */
    relay.why = bytes_get_u8(&reader);
    relay.questions = bytes_get_u32(&reader);
    bytes_get(&reader, relay.before.bytes, sizeof(relay.before.bytes));
    bytes_get(&reader, relay.after.bytes, sizeof(relay.after.bytes));
    if (!bytes_finished(&reader) || version != PAYLOAD_VERSION || !date_is_valid(day) ||
        relay.relay[0] == '\0') {
        return -EBADMSG;
    }
    erasure = erasure_of(engine, day);
    if (erasure == NULL) {
        return 0;
    }
    slot = &erasure->relays[ERASURE_RELAYS_MAX - 1];
    for (size_t i = ERASURE_RELAYS_MAX; i-- > 0;) {
        slot = erasure->relays[i].lsn == 0 ? &erasure->relays[i] : slot;
    }
    for (size_t i = 0; i < ERASURE_RELAYS_MAX; i++) {
        slot = strcmp(erasure->relays[i].relay, relay.relay) == 0 ? &erasure->relays[i] : slot;
    }
    *slot = relay;
    return 0;
}

/* ---- a relay hands one over ------------------------------------------------------------------------- */

static bool name_is_valid(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";

    return name[0] != '\0' && name[strspn(name, allowed)] == '\0';
}

static void refuse(struct engine *engine, uint64_t client, uint32_t id, uint16_t status,
                   const char *code, const char *ja, const char *en)
{
    serve_refuse_now(engine, client, id, status, code, ja, en);
}

/* False: it was refused. */
static bool may_be_written(struct engine *engine, uint64_t client, uint32_t id,
                           const struct api_relay_erased *erased)
{
    uint32_t today = calendar_moment_from_epoch_ms(engine->calendar, engine->wall_ms).date;
    bool is_well_formed = name_is_valid(erased->relay) && date_is_valid(erased->day) &&
                          erased->erased_ms > 0 && erased->erased_ms <= QUEUE_TIME_MS_MAX &&
                          !ids_hash_equal(&erased->before, &erased->after);

    if (!engine_serves(engine) || engine->holding || !site_may_change(engine)) {
        refuse(engine, client, id, STATUS_UNAVAILABLE, "NOT_ALONE",
               "2台がそろってから受け取ります。証明書は中継に残ります。",
               "Taken when both units are together; the relay keeps it until then.");
    } else if (serve_batch_is_full(engine)) {
        serve_overload(engine, client, id);
    } else if (!is_well_formed) {
        refuse(engine, client, id, STATUS_REFUSED, "BAD_CERTIFICATE",
               "中継の消去証明書の形が正しくありません。",
               "The relay's certificate of erasure is not well formed.");
    } else if (erased->day > today) {
        refuse(engine, client, id, STATUS_REFUSED, "DAY_TO_COME",
               "まだ来ていない日の消去証明書です。中継の時計を確認してください。",
               "A certificate of a day to come. Check the relay's clock.");
    } else if (erased->term > engine->state.term.number) {
        refuse(engine, client, id, STATUS_CONFLICT, "OTHER_TERM",
               "この号機より新しい期に中継された日の証明書です。",
               "The relay was fed in a later term than this unit knows of.");
    } else if (erasure_of(engine, erased->day) == NULL) {
        refuse(engine, client, id, STATUS_CONFLICT, "NOT_ERASED_HERE",
               "その日の消去が台帳にありません。まだ消去していないか、古い日です。",
               "The ledger knows no erasure of that day: not yet, or too long ago.");
    } else {
        return true;
    }
    return false;
}

static char *answer(const struct api_relay_erased *erased, size_t *ret_len_bytes)
{
    struct json json;

    json_init(&json);
    json_open(&json, NULL, '{');
    json_text(&json, "relay", erased->relay);
    render_date(&json, "service_day", erased->day);
    json_close(&json, '}');
    return json_take(&json, ret_len_bytes);
}

static void take_certificate(struct engine *engine, uint64_t client, uint32_t id,
                             const struct api_relay_erased *erased)
{
    const struct erasure_relay *known;
    uint8_t payload[PAYLOAD_BYTES_MAX];
    uint16_t status = STATUS_OK;
    size_t len_bytes;
    char *body;

    if (!may_be_written(engine, client, id, erased)) {
        return;
    }
    known = certificate_of(erasure_of(engine, erased->day), erased->relay);
    /* A later one of the same day, an hour apart at least: a relay that was taken over fills no disk. */
    if (known == NULL || erased->erased_ms >= known->wall_ms + AGAIN_MS) {
        status = STATUS_CREATED;
        len_bytes = put_payload(erased, payload);
        (void)engine_append(engine, ENTRY_RELAY_ERASURE, payload, len_bytes, false, 0, NULL);
    }
    body = answer(erased, &len_bytes);
    serve_reply_on_both(engine, client, id, status, body, len_bytes);
}

static void hear(struct engine *engine, const struct api_relay *word)
{
    struct relay_heard *slot = &engine->relays_heard[ENGINE_RELAYS_MAX - 1];

    for (size_t i = ENGINE_RELAYS_MAX; i-- > 0;) {
        slot = engine->relays_heard[i].relay[0] == '\0' ? &engine->relays_heard[i] : slot;
    }
    for (size_t i = 0; i < ENGINE_RELAYS_MAX; i++) {
        slot = strcmp(engine->relays_heard[i].relay, word->relay) == 0 ? &engine->relays_heard[i]
                                                                       : slot;
    }
    (void)strcpy(slot->relay, word->relay);
    slot->ahead_s = word->ahead_s;
    slot->heard_ms = engine->now_ms;
}

void relay_request(struct engine *engine, uint64_t client, const struct api_request *request)
{
    bool speaks_for_relays =
        engine->client_is == API_PEER_LOCAL || engine->client_is == API_PEER_FEED;

    if (request->type == API_RELAY) {
        if (speaks_for_relays && name_is_valid(request->relay.relay)) {
            hear(engine, &request->relay);
        }
        return;
    }
    if (!speaks_for_relays) {
        refuse(engine, client, request->id, STATUS_FORBIDDEN, "NOT_THE_FEED",
               "中継の証明書は、中継に送る係のプロセスだけが渡せます。",
               "Only what feeds the relay hands its certificates over.");
        return;
    }
    take_certificate(engine, client, request->id, &request->erased);
}

/* ---- what staff are told ----------------------------------------------------------------------------- */

/* Certified an erasure that was before this one: its list is newest first. */
static bool certified_before(const struct engine *engine, const struct erasure *erasure,
                             const char *relay)
{
    bool found = false;

    for (const struct erasure *older = erasure + 1;
         older < engine->erasures.list + ERASURES_MAX && !found; older++) {
        found = certificate_of(older, relay) != NULL;
    }
    return found;
}

/* Named by the site file since before the erasure: by the time of the version in force, or, where a version came after
 * it, by what the relay certified before. */
static bool is_missing(const struct engine *engine, const struct erasure *erasure,
                       const char *relay)
{
    return erasure->day != 0 && !erasure->annulled && certificate_of(erasure, relay) == NULL &&
           (erasure->wall_ms > engine->site.wall_ms || certified_before(engine, erasure, relay));
}

static bool certificate_is_missing(const struct engine *engine)
{
    const struct erasure *newest = &engine->erasures.list[0];
    bool missing = false;

    if (engine->queue->day.state == QUEUE_DAY_OPEN && engine->queue->day.date > newest->day) {
        for (size_t i = 0; i < engine->site.relay_count; i++) {
            missing = missing || is_missing(engine, newest, engine->site.relays[i]);
        }
    }
    return missing;
}

static const struct relay_heard *heard_of(const struct engine *engine, const char *relay)
{
    for (size_t i = 0; i < ENGINE_RELAYS_MAX; i++) {
        const struct relay_heard *heard = &engine->relays_heard[i];

        if (strcmp(heard->relay, relay) == 0 &&
            engine->now_ms - heard->heard_ms <= SAID_WITHIN_MS) {
            return heard;
        }
    }
    return NULL;
}

/* By level: since when this unit serves, and since when a certificate is missing on an open day. */
void relay_turn(struct engine *engine)
{
    struct erasures *erasures = &engine->erasures;

    if (!engine_serves(engine)) {
        erasures->relays_since_ms = erasures->uncertified_ms = 0;
        return;
    }
    if (erasures->relays_since_ms == 0) {
        erasures->relays_since_ms = engine->now_ms;
    }
    if (!certificate_is_missing(engine)) {
        erasures->uncertified_ms = 0;
    } else if (erasures->uncertified_ms == 0) {
        erasures->uncertified_ms = engine->now_ms;
    }
}

bool relay_is_uncertified(const struct engine *engine)
{
    return engine->erasures.uncertified_ms != 0 &&
           engine->now_ms - engine->erasures.uncertified_ms > SAID_WITHIN_MS;
}

bool relay_is_silent(const struct engine *engine)
{
    bool silent = false;

    for (size_t i = 0; i < engine->site.relay_count; i++) {
        silent = silent || heard_of(engine, engine->site.relays[i]) == NULL;
    }
    return silent && engine->erasures.relays_since_ms != 0 &&
           engine->now_ms - engine->erasures.relays_since_ms > SAID_WITHIN_MS;
}

bool relay_clock_differs(const struct engine *engine)
{
    for (size_t i = 0; i < ENGINE_RELAYS_MAX; i++) {
        const struct relay_heard *heard = &engine->relays_heard[i];

        if (heard->relay[0] != '\0' && heard_of(engine, heard->relay) != NULL &&
            (heard->ahead_s > CLOCK_S_MAX || heard->ahead_s < -CLOCK_S_MAX)) {
            return true;
        }
    }
    return false;
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
void relay_put(const struct engine *engine, const struct erasure *erasure, struct json *json)
{
    static const char *const why[] = {"", "ERASED_BY_THE_PAIR", "ANOTHER_DAY", "CLOCK"};

    json_open(json, "relays", '[');
    for (size_t i = 0; i < ERASURE_RELAYS_MAX; i++) {
        const struct erasure_relay *relay = &erasure->relays[i];

        if (relay->lsn == 0 || relay->lsn > engine->durable_lsn) {
            continue;
        }
        json_open(json, NULL, '{');
        json_text(json, "relay", relay->relay);
        render_time(json, "erased_at", relay->wall_ms, engine->calendar->utc_offset_minutes);
        json_text(json, "why", relay->why < API_RELAY_WHY_END ? why[relay->why] : "");
        json_number(json, "ticket_questions", relay->questions);
        put_hash(json, "digest_before", &relay->before);
        put_hash(json, "digest_after", &relay->after);
        json_number(json, "lsn", (int64_t)relay->lsn);
        json_close(json, '}');
    }
    json_close(json, ']');
    json_open(json, "missing_relays", '[');
    for (size_t i = 0; i < engine->site.relay_count; i++) {
        if (is_missing(engine, erasure, engine->site.relays[i])) {
            json_text(json, NULL, engine->site.relays[i]);
        }
    }
    json_close(json, ']');
}
