/*
 * Making entries: the keys of a day, sealing, chaining, and the cache from which entries are shipped. An
 * entry is folded the moment it is made (engine_log.c).
 */
#include "appliance/engine/engine_internal.h"

#include "base/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DERIVE_INFO_BYTES = 24, KEY_UNIT_MASK = 0xffff, KEY_CHANCE_SHIFT = 16 };

/* ---- keys --------------------------------------------------------------------------------------- */

static const struct ledger_day_key *find_key(const struct engine *engine, uint32_t day,
                                             uint32_t unit)
{
    for (size_t i = 0; i < engine->key_count; i++) {
        if (engine->keys[i].day == day && engine->keys[i].unit == unit) {
            return &engine->keys[i];
        }
    }
    return NULL;
}

/* Visits of this day are gone, or were of a day that never was. */
bool engine_key_is_past(const struct engine *engine, uint32_t day)
{
    const struct queue_day *now = &engine->queue->day;

    if (visits_key_is(day)) {
        return visits_key_is_past(engine, day);
    }
    return day <= now->erased_date ||
           (day == now->annulled_date &&
            (now->date != now->annulled_date || now->state == QUEUE_DAY_ANNULLED));
}

static void leave_out(struct ledger_day_key *keys, size_t *count, uint32_t day, uint32_t unit)
{
    size_t kept = 0;

    for (size_t i = 0; i < *count; i++) {
        if (keys[i].day != day || keys[i].unit != unit) {
            keys[kept++] = keys[i];
        }
    }
    crypto_forget(&keys[kept], (*count - kept) * sizeof(*keys));
    *count = kept;
}

/* One batch may annul a date and open it again: a key is stored by it, or destroyed, not both. */
static void hold_key(struct engine *engine, uint32_t day, uint32_t unit, const uint8_t *bytes)
{
    struct ledger_day_key key = {.day = day, .unit = unit};

    if (find_key(engine, day, unit) != NULL || engine->key_count == ENGINE_KEYS_MAX ||
        engine->keys_new_count == ENGINE_KEYS_MAX) {
        return;
    }
    memcpy(key.key.bytes, bytes, sizeof(key.key.bytes));
    leave_out(engine->keys_destroy, &engine->keys_destroy_count, day, unit);
    engine->keys[engine->key_count++] = key;
    engine->keys_new[engine->keys_new_count++] = key;
}

void engine_take_key(struct engine *engine, uint32_t day, uint32_t unit, const uint8_t *bytes)
{
    if (!engine_key_is_past(engine, day)) {
        hold_key(engine, day, unit, bytes);
    }
}

/* The keys that come with entries. What this ledger calls annulled may be open in the one that takes its place: opened
 * again there, or never annulled. Whatever is past in that one is destroyed when it is folded. */
void engine_take_keys(struct engine *engine, const struct ship_frame *frame, bool takes_our_place)
{
    const struct queue_day *day = &engine->queue->day;

    for (size_t i = 0; i < frame->key_count; i++) {
        const struct ship_key *key = &frame->keys[i];
        bool open_there = takes_our_place && key->day > day->erased_date && key->day == day->date &&
                          day->state == QUEUE_DAY_ANNULLED;

        if (open_there || !engine_key_is_past(engine, key->day)) {
            hold_key(engine, key->day, key->unit, key->bytes);
        }
    }
}

/* The name of a key of ours: the unit below, chance above. An older image of the disk may lack a key that the
 * other unit has: its name is not given to another one. 0: there is none. */
static uint32_t own_key_name(const struct engine *engine, uint32_t day)
{
    for (size_t i = 0; i < engine->key_count; i++) {
        if (engine->keys[i].day == day &&
            (engine->keys[i].unit & KEY_UNIT_MASK) == (engine->options.duty.unit & KEY_UNIT_MASK)) {
            return engine->keys[i].unit;
        }
    }
    return 0;
}

static void make_own_key(struct engine *engine, uint32_t day)
{
    uint8_t bytes[CRYPTO_KEY_BYTES];
    uint16_t chance;

    if (own_key_name(engine, day) == 0) {
        engine_random(engine, &chance, sizeof(chance));
        engine_random(engine, bytes, sizeof(bytes));
        engine_take_key(engine, day,
                        (uint32_t)chance << KEY_CHANCE_SHIFT |
                            (engine->options.duty.unit & KEY_UNIT_MASK),
                        bytes);
        crypto_forget(bytes, sizeof(bytes));
    }
}

uint32_t engine_site_key(struct engine *engine, bool make)
{
    uint32_t unit = 0;

    for (size_t i = 0; i < engine->key_count; i++) {
        if (engine->keys[i].day == SITE_KEY_DAY && (unit == 0 || engine->keys[i].unit < unit)) {
            unit = engine->keys[i].unit;
        }
    }
    if (unit == 0 && make) {
        make_own_key(engine, SITE_KEY_DAY);
        unit = own_key_name(engine, SITE_KEY_DAY);
    }
    return unit;
}

/* Every key of a day that the ledger calls erased goes, here and by the next batch on disk. */
void engine_destroy_keys(struct engine *engine)
{
    size_t kept = 0;

    visits_advance_keys(engine);
    for (size_t i = 0; i < engine->key_count; i++) {
        if (engine_key_is_past(engine, engine->keys[i].day)) {
            CHECK(engine->keys_destroy_count < ENGINE_KEYS_MAX);
            leave_out(engine->keys_new, &engine->keys_new_count, engine->keys[i].day,
                      engine->keys[i].unit);
            engine->keys_destroy[engine->keys_destroy_count++] = engine->keys[i];
            erasure_destroys(engine, engine->keys[i].day);
            crypto_forget(&engine->keys[i].key, sizeof(engine->keys[i].key));
        } else {
            engine->keys[kept++] = engine->keys[i];
        }
    }
    engine->key_count = kept;
    crypto_forget(engine->derived, sizeof(engine->derived));
    crypto_forget_keys(engine->crypto);
}

void engine_key_walked(struct engine *engine, uint32_t day, uint32_t unit)
{
    if (find_key(engine, day, unit) == NULL) {
        return; /* of an older day: what is not held cannot be destroyed, and would take the place of what is */
    }
    for (size_t i = 0; i < engine->walked_count; i++) {
        if (engine->walked[i].day == day && engine->walked[i].unit == unit) {
            return;
        }
    }
    if (engine->walked_count < ENGINE_KEYS_MAX) {
        engine->walked[engine->walked_count++] = (struct walked_key){.day = day, .unit = unit};
    }
}

void engine_annul_walked_keys(struct engine *engine, uint32_t day)
{
    for (size_t i = 0; i < engine->walked_count; i++) {
        engine->walked[i].annulled = engine->walked[i].annulled || engine->walked[i].day == day;
    }
}

void engine_destroy_walked_keys(struct engine *engine)
{
    for (size_t i = 0; i < engine->walked_count; i++) {
        const struct walked_key *walked = &engine->walked[i];
        const struct ledger_day_key *key = find_key(engine, walked->day, walked->unit);

        if (walked->annulled && key != NULL && engine->keys_destroy_count < ENGINE_KEYS_MAX) {
            engine->keys_destroy[engine->keys_destroy_count++] = *key;
            leave_out(engine->keys, &engine->key_count, walked->day, walked->unit);
            erasure_destroys(engine, walked->day);
        }
    }
    engine->walked_count = 0;
}

/* Each term and each session encrypts under its own key, derived from the day's (DESIGN 4). */
const struct crypto_key *engine_derived_key(struct engine *engine, uint32_t day, uint32_t unit,
                                            uint64_t term, uint32_t session)
{
    const struct ledger_day_key *day_key = find_key(engine, day, unit);
    struct derived_key *derived;
    uint8_t info[DERIVE_INFO_BYTES];
    struct bytes_writer writer = bytes_writer_over(info, sizeof(info));

    for (size_t i = 0; i < DERIVED_MAX; i++) {
        derived = &engine->derived[i];
        if (derived->day == day && derived->unit == unit && derived->term == term &&
            derived->session == session && day != 0) {
            return &derived->key;
        }
    }
    if (day_key == NULL) {
        return NULL;
    }
    bytes_put_u64(&writer, term);
    bytes_put_u32(&writer, session);
    bytes_put_u32(&writer, unit);
    derived = &engine->derived[engine->derived_next++ % DERIVED_MAX];
    *derived = (struct derived_key){.day = day, .unit = unit, .term = term, .session = session};
    crypto_derive(engine->crypto, &day_key->key, info, writer.len_bytes, &derived->key);
    return &derived->key;
}

/* ---- what the chain says at an lsn -------------------------------------------------------------- */

struct hash_reading {
    struct ids_hash hash;
    bool found;
};

static bool read_hash(void *context, const uint8_t *key, size_t key_len_bytes, const uint8_t *value,
                      size_t value_len_bytes)
{
    struct hash_reading *reading = context;

    (void)key;
    (void)key_len_bytes;
    if (value_len_bytes >= ENTRY_BYTES_MIN) {
        memcpy(reading->hash.bytes, value + value_len_bytes - IDS_HASH_BYTES, IDS_HASH_BYTES);
        reading->found = true;
    }
    return false;
}

bool engine_hash_at(struct engine *engine, uint64_t lsn, struct ids_hash *ret_hash)
{
    const struct cached_entry *slot = engine_cached(engine, lsn);
    struct hash_reading reading = {0};
    int r;

    if (lsn == 0) {
        *ret_hash = (struct ids_hash){0};
        return true;
    }
    if (slot != NULL) {
        *ret_hash = slot->hash;
        return true;
    }
    if (lsn > engine->durable_lsn) {
        return false;
    }
    r = engine->world.read_entries(engine->world.context, lsn, lsn, read_hash, &reading);
    if (r < 0 && r != -EUCLEAN) { /* not read is not another chain */
        engine_fail(engine, r, "the ledger cannot be read");
    }
    if (r < 0 || !reading.found) {
        return false;
    }
    *ret_hash = reading.hash;
    return true;
}

/* ---- making entries ------------------------------------------------------------------------------ */

struct queue_origin engine_next_origin(const struct engine *engine)
{
    return (struct queue_origin){.unit = engine->options.duty.unit,
                                 .term = engine->state.term.number,
                                 .session = engine->series.session,
                                 .lsn = engine->last_lsn + 1};
}

struct cached_entry *engine_cache_slot(struct engine *engine, uint64_t lsn, size_t capacity_bytes)
{
    struct cached_entry *slot = &engine->cache[lsn % ENGINE_CACHE_ENTRIES];

    CHECK(slot->lsn == 0 || slot->lsn <= engine->durable_lsn);
    if (slot->capacity_bytes < capacity_bytes) {
        slot->bytes = realloc(slot->bytes, capacity_bytes);
        CHECK_GIVEN(slot->bytes != NULL);
        slot->capacity_bytes = (uint32_t)capacity_bytes;
    }
    slot->lsn = lsn;
    return slot;
}

const struct cached_entry *engine_cached(const struct engine *engine, uint64_t lsn)
{
    const struct cached_entry *slot = &engine->cache[lsn % ENGINE_CACHE_ENTRIES];

    return lsn != 0 && slot->lsn == lsn ? slot : NULL;
}

static void seal_payload(struct engine *engine, struct entry *entry, const void *payload,
                         size_t len_bytes, uint8_t *ret_sealed)
{
    uint8_t header[ENTRY_HEADER_BYTES];
    uint8_t nonce[CRYPTO_NONCE_BYTES];
    const struct crypto_key *key;

    make_own_key(engine, entry->day);
    entry->key_unit = own_key_name(engine, entry->day);
    key = engine_derived_key(engine, entry->day, entry->key_unit, entry->term, entry->session);
    CHECK(key != NULL);
    (void)entry_encode_header(entry, header);
    engine_random(engine, nonce, sizeof(nonce));
    crypto_seal(engine->crypto, key, nonce, header, sizeof(header), payload, len_bytes, ret_sealed);
}

void engine_note_entry(struct engine *engine, const struct entry *entry)
{
    engine->last_lsn = entry->lsn;
    if (entry->kind != ENTRY_ACCESS && entry->kind != ENTRY_CHECKPOINT) {
        engine->state.image_count = 0;
    }
    if (entry->wall_ms > engine->state.newest_wall_ms) {
        engine->state.newest_wall_ms = entry->wall_ms;
    }
    if (engine->state.term_lsn != 0 && entry->mark_lsn >= engine->state.term_lsn) {
        engine->state.common_term = engine->state.term.number;
        engine->state.common_duty_unit = engine->state.term.duty_unit;
    }
    engine->event_due = true;
}

static uint64_t append(struct engine *engine, enum entry_kind kind, const void *payload,
                       size_t len_bytes, bool sealed, uint32_t actor,
                       const struct ids_token *request, const struct queue_change *known)
{
    size_t sealed_len_bytes = len_bytes + (sealed ? ENTRY_SEAL_OVERHEAD_BYTES : 0);
    struct entry entry = {
        .kind = (uint16_t)kind,
        .lsn = engine->last_lsn + 1,
        .term = engine->state.term.number,
        .session = engine->series.session,
        .unit = engine->options.duty.unit,
        .wall_ms = engine->wall_ms,
        .actor = actor,
        .mark_lsn = engine->both_lsn,
        .day = sealed ? engine->queue->day.date : 0,
        .sealed = sealed,
        .payload_len_bytes = (uint16_t)sealed_len_bytes,
    };
    struct cached_entry *slot;

    CHECK(sealed_len_bytes <= ENTRY_PAYLOAD_BYTES_MAX && engine->failure == 0);
    if (request != NULL) {
        entry.request = *request;
    }
    slot = engine_cache_slot(engine, entry.lsn,
                             ENTRY_HEADER_BYTES + sealed_len_bytes + IDS_HASH_BYTES);
    if (sealed) {
        seal_payload(engine, &entry, payload, len_bytes, slot->bytes + ENTRY_HEADER_BYTES);
    } else if (len_bytes > 0) {
        memcpy(slot->bytes + ENTRY_HEADER_BYTES, payload, len_bytes);
    }
    (void)entry_encode_header(&entry, slot->bytes);
    slot->len_bytes = (uint32_t)(ENTRY_HEADER_BYTES + sealed_len_bytes);
    crypto_chain(engine->crypto, &engine->head, slot->bytes, slot->len_bytes, &slot->hash);
    memcpy(slot->bytes + slot->len_bytes, slot->hash.bytes, IDS_HASH_BYTES);
    slot->len_bytes += IDS_HASH_BYTES;
    engine->head = slot->hash;
    engine_note_entry(engine, &entry);
    CHECK(engine_fold(engine, &entry, payload, len_bytes, known) == 0);
    return entry.lsn;
}

uint64_t engine_append(struct engine *engine, enum entry_kind kind, const void *payload,
                       size_t len_bytes, bool sealed, uint32_t actor,
                       const struct ids_token *request)
{
    return append(engine, kind, payload, len_bytes, sealed, actor, request, NULL);
}

static bool change_is_of_visit(const struct queue_change *change)
{
    for (size_t i = 0; i < change->row_count; i++) {
        if (rows_is_sealed(&change->rows[i])) {
            return true;
        }
    }
    return false;
}

uint64_t engine_append_change(struct engine *engine, const struct queue_change *change,
                              uint32_t actor, const struct ids_token *request)
{
    uint8_t payload[QUEUE_CHANGE_BYTES_MAX];
    size_t len_bytes = queue_change_encode(change, payload, sizeof(payload));
    bool sealed = change_is_of_visit(change);

    CHECK(len_bytes > 0);
    return append(engine, sealed ? ENTRY_CHANGE_VISIT : ENTRY_CHANGE_CLEAR, payload, len_bytes,
                  sealed, actor, request, change);
}
