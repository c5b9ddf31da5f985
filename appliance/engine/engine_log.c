/*
 * The engine's log: one place where an entry is folded, one where a batch closes; it is made in
 * engine_entry.c. Order of things: an entry is sealed and chained, put into the cache for shipping, folded into the
 * state at once; it is durable later. Nothing computed from it leaves before that (engine_serve.c).
 */
#include "appliance/engine/engine_internal.h"

#include "base/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    META_VERSION = 1,
    JOINS_VERSION = 1,
    META_BYTES_MAX = 64,
    SESSION_PAYLOAD_BYTES = 12,
    CHECKPOINT_BYTES_MAX = 48000,
};

static const char meta_state[] = "state", meta_joins[] = "joins-at-term";

/* ---- folding ------------------------------------------------------------------------------------- */

static void fold_session(struct engine *engine, uint32_t unit, uint32_t day, uint32_t number)
{
    struct unit_session *oldest = &engine->state.sessions[0];

    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        struct unit_session *session = &engine->state.sessions[i];

        if (session->unit == unit || session->unit == 0) {
            *session = (struct unit_session){unit, day, number};
            return;
        }
        if (session->day < oldest->day) {
            oldest = session;
        }
    }
    *oldest = (struct unit_session){unit, day, number};
}

static void checkpoint_put_row(void *context, const struct queue_row *before,
                               const struct queue_row *after)
{
    struct bytes_writer *writer = context;
    uint8_t value[QUEUE_ROW_BYTES_MAX];

    (void)before;
    CHECK(!queue_row_is_of_visit((enum queue_row_kind)after->kind));
    bytes_put_blob16(writer, value, queue_row_encode(after, value, sizeof(value)));
}

/* Everything that outlives a visit, so that a fold may begin here: written when no visit is there. */
void engine_append_checkpoint(struct engine *engine)
{
    uint8_t *bytes = malloc(CHECKPOINT_BYTES_MAX);
    uint8_t *config = malloc(QUEUE_CONFIG_BYTES_MAX);
    struct bytes_writer writer = bytes_writer_over(bytes, CHECKPOINT_BYTES_MAX);
    uint8_t term[DUTY_TERM_BYTES_MAX];
    uint16_t images = access_append_images(engine);

    CHECK_GIVEN(bytes != NULL && config != NULL);
    bytes_put_blob16(&writer, config,
                     queue_config_encode(&engine->queue->config, config, QUEUE_CONFIG_BYTES_MAX));
    bytes_put_blob16(&writer, term,
                     engine->state.term.number == 0
                         ? 0
                         : duty_term_encode(&engine->state.term, term, sizeof(term)));
    bytes_put_u64(&writer, engine->state.term_lsn);
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        bytes_put_u32(&writer, engine->state.sessions[i].unit);
        bytes_put_u32(&writer, engine->state.sessions[i].day);
        bytes_put_u32(&writer, engine->state.sessions[i].number);
    }
    units_put_checkpoint(engine, &writer);
    bytes_put_u16(&writer, images);
    print_put_checkpoint(engine, &writer);
    site_put_checkpoint(engine, &writer);
    statistics_put_checkpoint(engine, &writer);
    erasure_put_checkpoint(engine, &writer);
    visits_put_checkpoint(engine, &writer);
    queue_for_each_row(engine->queue, checkpoint_put_row, &writer);
    CHECK(!writer.failed);
    (void)engine_append(engine, ENTRY_CHECKPOINT, bytes, writer.len_bytes, false, 0, NULL);
    free(config);
    free(bytes);
}

static int restore_rows(struct engine *engine, struct bytes_reader *reader)
{
    while (bytes_left(reader) > 0) {
        size_t len_bytes;
        const uint8_t *value = bytes_take_blob16(reader, &len_bytes);
        struct queue_change change = {.action = QUEUE_JOIN, .row_count = 1};

        if (value != NULL && visits_get_checkpoint(engine, value, len_bytes)) {
            continue;
        }
        if (value == NULL || !queue_row_decode(value, len_bytes, &change.rows[0])) {
            return -EBADMSG;
        }
        queue_apply(engine->queue, &change, rows_touched, engine);
    }
    return reader->failed ? -EBADMSG : 0;
}

static int fold_checkpoint(struct engine *engine, const struct entry *entry, const uint8_t *payload,
                           size_t len_bytes)
{
    struct bytes_reader reader = bytes_reader_over(payload, len_bytes);
    size_t config_len_bytes, term_len_bytes;
    const uint8_t *config_bytes = bytes_take_blob16(&reader, &config_len_bytes);
    const uint8_t *term_bytes = bytes_take_blob16(&reader, &term_len_bytes);
    struct duty_term term = {0};
    struct queue_config *config;
    uint16_t images;
    bool sound = false;

    access_fold_checkpoint(engine, entry->lsn);
    if (engine->state.sound && engine->started) {
        return 0; /* our own fold says the same; the digests are compared at every acknowledgement */
    }
    engine->state.term_lsn = bytes_get_u64(&reader);
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        engine->state.sessions[i].unit = bytes_get_u32(&reader);
        engine->state.sessions[i].day = bytes_get_u32(&reader);
        engine->state.sessions[i].number = bytes_get_u32(&reader);
    }
    units_get_checkpoint(engine, &reader);
    images = bytes_get_u16(&reader);
    print_get_checkpoint(engine, &reader);
    site_get_checkpoint(engine, &reader);
    statistics_get_checkpoint(engine, &reader);
    erasure_get_checkpoint(engine, &reader);
    if (reader.failed ||
        (term_len_bytes > 0 && !duty_term_decode(term_bytes, term_len_bytes, &term))) {
        return -EBADMSG;
    }
    config = malloc(sizeof(*config));
    CHECK_GIVEN(config != NULL);
    if (queue_config_decode(config_bytes, config_len_bytes, config)) {
        queue_init(engine->queue);
        rows_digest_begin(engine);
        queue_set_config(engine->queue, config);
        engine->state.term = term;
        engine->state.founded = true;
        engine->rows_rebuild = true;
        engine->state.visits = (struct visits_state){0};
        sound = restore_rows(engine, &reader) == 0 && access_restore(engine, images);
    }
    free(config);
    engine->state.sound = sound;
    if (sound && !engine->started && engine->queue->day.state == QUEUE_DAY_ANNULLED) {
        /* Its annulment itself was passed over where a key was missing before it. */
        engine_annul_walked_keys(engine, engine->queue->day.annulled_date);
    }
    return sound ? 0 : -EBADMSG;
}

static int fold_config(struct engine *engine, const uint8_t *payload, size_t len_bytes)
{
    struct queue_config *config = malloc(sizeof(*config));
    bool valid;

    CHECK_GIVEN(config != NULL);
    valid = queue_config_decode(payload, len_bytes, config);
    if (valid) {
        queue_set_config(engine->queue, config);
        engine->state.founded = true;
        rows_digest_all(engine);
        engine->rows_rebuild = true;
    }
    free(config);
    return valid ? 0 : -EBADMSG;
}

static int fold_term(struct engine *engine, const struct entry *entry, const uint8_t *payload,
                     size_t len_bytes)
{
    struct duty_term term;

    if (!duty_term_decode(payload, len_bytes, &term)) {
        return -EBADMSG;
    }
    manager_fold_term(engine, entry, &engine->state.term, &term);
    units_fold_term(engine, &engine->state.term, &term);
    engine->state.term = term;
    engine->state.term_lsn = entry->lsn;
    if (term.number >= engine->joins_at_term) {
        engine->joins_at_term = 0; /* minted for us since we began to take the ledger: rule 11 */
    }
    units_identify(engine);
    if (term.number > engine->record.term) {
        engine->record.term = term.number;
        engine->record_dirty = true;
    }
    return 0;
}

/* The record never says less than what was reserved: rule 3. */
static void record_ceilings(struct engine *engine)
{
    const struct queue *queue = engine->queue;
    uint32_t date = queue_number_date(queue);

    if (date > engine->record.ceiling_day) {
        engine->record.ceiling_day = date;
        memset(engine->record.ceilings, 0, sizeof(engine->record.ceilings));
        engine->record_dirty = true;
    }
    for (size_t i = 0; i < queue->config.category_count; i++) {
        uint16_t *ceiling = &engine->record.ceilings[queue->categories[i].id - 1];

        if (date == engine->record.ceiling_day && queue->categories[i].ceiling > *ceiling) {
            *ceiling = queue->categories[i].ceiling;
            engine->record_dirty = true;
        }
    }
}

static int fold_change(struct engine *engine, const struct entry *entry, const uint8_t *payload,
                       size_t len_bytes, const struct queue_change *known)
{
    struct queue_change change;
    struct erasure erasure;

    if (known == NULL) {
        if (!queue_change_decode(payload, len_bytes, &change)) {
            return -EBADMSG;
        }
        known = &change;
    }
    erasure_before(engine, entry, &erasure);
    queue_apply(engine->queue, known, rows_touched, engine);
    manager_fold_opening(engine, entry, known);
    if (known->action == QUEUE_RAISE_CEILING || known->action == QUEUE_DAY_OPENING) {
        record_ceilings(engine);
    }
    if (known->action == QUEUE_DAY_ERASING || known->action == QUEUE_DAY_ANNULLING) {
        erasure_ordered(engine, known->action == QUEUE_DAY_ANNULLING, &erasure);
        if (known->action == QUEUE_DAY_ANNULLING && !engine->started) {
            engine_annul_walked_keys(engine, erasure.day);
        } else {
            engine_destroy_keys(engine);
        }
    }
    return 0;
}

int engine_fold(struct engine *engine, const struct entry *entry, const uint8_t *payload,
                size_t len_bytes, const struct queue_change *known)
{
    struct bytes_reader reader = bytes_reader_over(payload, len_bytes);

    switch ((enum entry_kind)entry->kind) {
    case ENTRY_CONFIG:
        return fold_config(engine, payload, len_bytes);
    case ENTRY_TERM:
        return fold_term(engine, entry, payload, len_bytes);
    case ENTRY_SESSION_END:
        if (len_bytes == 0) {
            return 0;
        }
        /* fall through: a session of the other side, whose own entries a meeting replaced */
        __attribute__((fallthrough));
    case ENTRY_SESSION_BEGIN: {
        uint32_t unit = bytes_get_u32(&reader);
        uint32_t day = bytes_get_u32(&reader);
        uint32_t number = bytes_get_u32(&reader);

        if (!bytes_finished(&reader)) {
            return -EBADMSG;
        }
        fold_session(engine, unit, day, number);
        if (entry->kind == ENTRY_SESSION_BEGIN) {
            manager_fold_session(engine, entry, unit, number);
        }
        return 0;
    }
    case ENTRY_CHANGE_CLEAR:
    case ENTRY_CHANGE_VISIT:
        return fold_change(engine, entry, payload, len_bytes, known);
    case ENTRY_CHECKPOINT:
        return fold_checkpoint(engine, entry, payload, len_bytes);
    case ENTRY_TAIL_REPLACED:
        return 0;
    case ENTRY_UNIT:
        return units_fold(engine, entry, payload, len_bytes);
    case ENTRY_ACCESS:
        return access_fold(engine, payload, len_bytes);
    case ENTRY_DEVICE:
        return print_fold(engine, entry, payload, len_bytes);
    case ENTRY_SITE:
        return site_fold(engine, entry, payload, len_bytes);
    case ENTRY_STATISTIC:
        return statistics_fold(engine, entry, payload, len_bytes);
    case ENTRY_VISITS:
        return visits_fold(engine, payload, len_bytes, entry->lsn);
    case ENTRY_ERASURE:
        return erasure_fold(engine, entry, payload, len_bytes);
    case ENTRY_RELAY_ERASURE:
        return relay_fold(engine, entry, payload, len_bytes);
    case ENTRY_KIND_END:
        break;
    }
    return -EBADMSG;
}

/* Opens what is sealed and folds it. A sealed entry whose key is destroyed leaves the state unsound
 * until the next checkpoint; that is how old days are walked by a unit that catches up. */
static int fold_stored(struct engine *engine, const struct entry *entry, const uint8_t *bytes)
{
    uint8_t plain[QUEUE_CHANGE_BYTES_MAX];
    const struct crypto_key *key;

    if (!entry->sealed) {
        bool needs_state = entry->kind == ENTRY_CHANGE_CLEAR;

        if (needs_state && !engine->state.sound) {
            return 0;
        }
        return engine_fold(engine, entry, entry->payload, entry->payload_len_bytes, NULL);
    }
    if (!engine->started) {
        engine_key_walked(engine, entry->day, entry->key_unit);
    }
    if (!engine->state.sound) {
        return 0;
    }
    key = engine_derived_key(engine, entry->day, entry->key_unit, entry->term, entry->session);
    if (key == NULL) {
        engine->state.sound = false;
        return 0;
    }
    if (entry->payload_len_bytes < ENTRY_SEAL_OVERHEAD_BYTES ||
        entry->payload_len_bytes - ENTRY_SEAL_OVERHEAD_BYTES > (int)sizeof(plain) ||
        !crypto_open(engine->crypto, key, bytes, ENTRY_HEADER_BYTES, entry->payload,
                     entry->payload_len_bytes, plain)) {
        return -EBADMSG;
    }
    return engine_fold(engine, entry, plain,
                       (size_t)entry->payload_len_bytes - ENTRY_SEAL_OVERHEAD_BYTES, NULL);
}

/* Checks form, position and chain, then folds. */
static int take_stored(struct engine *engine, const uint8_t *bytes, size_t len_bytes)
{
    struct entry entry;
    struct ids_hash hash, computed;

    if (!entry_decode(bytes, len_bytes, &entry, &hash) || entry.lsn != engine->last_lsn + 1) {
        return -EBADMSG;
    }
    crypto_chain(engine->crypto, &engine->head, bytes, len_bytes - IDS_HASH_BYTES, &computed);
    if (!ids_hash_equal(&computed, &hash)) {
        return -EBADMSG;
    }
    engine->head = hash;
    engine_note_entry(engine, &entry);
    return fold_stored(engine, &entry, bytes);
}

/* Refused is refused whole: an entry that is well chained and says nothing that we understand must not leave
 * its place taken, or the next batch would count an entry that nobody has. */
int engine_append_foreign(struct engine *engine, const uint8_t *bytes, size_t len_bytes)
{
    const struct engine_state state = engine->state;
    const struct ids_hash head = engine->head;
    const uint64_t last_lsn = engine->last_lsn;
    int r = take_stored(engine, bytes, len_bytes);
    struct cached_entry *slot;

    if (r < 0) {
        engine->state = state;
        engine->head = head;
        engine->last_lsn = last_lsn;
        return r;
    }
    slot = engine_cache_slot(engine, engine->last_lsn, len_bytes);
    memcpy(slot->bytes, bytes, len_bytes);
    slot->len_bytes = (uint32_t)len_bytes;
    slot->hash = engine->head;
    return 0;
}

/* ---- sessions -------------------------------------------------------------------------------------- */

/* Rule 3: the number comes from the record, is written there before use, and is never resumed. */
void engine_begin_series(struct engine *engine, uint32_t day)
{
    uint8_t payload[SESSION_PAYLOAD_BYTES];
    struct bytes_writer writer = bytes_writer_over(payload, sizeof(payload));
    uint32_t unit = engine->options.duty.unit;
    const struct unit_session *known = engine_session_of(engine, unit);
    uint32_t number = 1;

    if (engine->record.unit != unit) { /* a new id: its letter was never on paper */
        engine->record.unit = unit;
        engine->record.day = engine->record.session = 0;
    }
    if (day < engine->record.day) {
        day = engine->record.day;
    }
    if (day == engine->record.day) {
        number = engine->record.session + 1;
    }
    if (known != NULL && known->day == day && known->number >= number) {
        number =
            known->number + 1; /* a record that was lost must not repeat what the ledger knows */
    }
    if (engine->duty.peer.peer_session_day == day && engine->duty.peer.peer_session >= number) {
        number = engine->duty.peer.peer_session + 1;
    }
    if (engine->record.series_lost && engine_lost_session(engine) > number) {
        number = engine_lost_session(engine); /* no term tells which letters are on paper */
    }
    engine->record.series_lost = false;
    engine->record.day = day;
    engine->record.session = number;
    engine->record_dirty = true;
    engine->series = (struct ids_series){.unit = unit, .session = number};
    bytes_put_u32(&writer, unit);
    bytes_put_u32(&writer, day);
    bytes_put_u32(&writer, number);
    (void)engine_append(engine, ENTRY_SESSION_BEGIN, payload, writer.len_bytes, false, 0, NULL);
}

/* ---- batches ----------------------------------------------------------------------------------------- */

void engine_grow_puts(struct ledger_put **puts, size_t *capacity, size_t wanted)
{
    if (wanted > *capacity) {
        *puts = realloc(*puts, wanted * sizeof(**puts));
        CHECK_GIVEN(*puts != NULL);
        *capacity = wanted;
    }
}

static void fill_entries(struct engine *engine)
{
    size_t count = (size_t)(engine->last_lsn + 1 - engine->gather_from);

    engine_grow_puts(&engine->flight_entries, &engine->flight_entries_capacity, count);
    for (size_t i = 0; i < count; i++) {
        const struct cached_entry *slot = engine_cached(engine, engine->gather_from + i);

        CHECK(slot != NULL);
        /* The lsn stands, big-endian, in the entry's own header behind version and kind. */
        engine->flight_entries[i] = (struct ledger_put){.key_len_bytes = 8,
                                                        .value_len_bytes = slot->len_bytes,
                                                        .key = slot->bytes + 4,
                                                        .value = slot->bytes};
    }
}

static size_t encode_meta(const struct engine *engine, const uint64_t digest[4], uint64_t lsn,
                          uint8_t bytes[META_BYTES_MAX])
{
    struct bytes_writer writer = bytes_writer_over(bytes, META_BYTES_MAX);

    bytes_put_u8(&writer, META_VERSION);
    bytes_put_u64(&writer, lsn);
    for (size_t i = 0; i < 4; i++) {
        bytes_put_u64(&writer, digest[i]);
    }
    bytes_put_u64(&writer, engine->state.checkpoint_lsn);
    CHECK(!writer.failed);
    return writer.len_bytes;
}

static const uint8_t *flight_copy(struct engine *engine, const uint8_t *bytes, size_t len_bytes)
{
    uint8_t *copy = buffer_extend(&engine->flight_bytes, len_bytes);

    memcpy(copy, bytes, len_bytes);
    return copy;
}

size_t engine_joins_put(const struct engine *engine, uint8_t bytes[ENGINE_JOINS_BYTES_MAX],
                        struct ledger_put *ret_put)
{
    struct bytes_writer writer = bytes_writer_over(bytes, ENGINE_JOINS_BYTES_MAX);

    bytes_put_u8(&writer, JOINS_VERSION);
    bytes_put_u64(&writer, engine->joins_at_term);
    CHECK(!writer.failed);
    *ret_put = (struct ledger_put){.key_len_bytes = sizeof(meta_joins) - 1,
                                   .value_len_bytes = (uint32_t)writer.len_bytes,
                                   .key = (const uint8_t *)meta_joins,
                                   .value = bytes};
    return writer.len_bytes;
}

/* In the same transaction as the entries. */
static void put_metas(struct engine *engine, const uint8_t *state, size_t state_len_bytes)
{
    struct ledger_batch *batch = &engine->flight;
    uint8_t joins[ENGINE_JOINS_BYTES_MAX];

    engine_grow_puts(&engine->flight_metas, &engine->flight_metas_capacity, 2);
    engine->flight_metas[0] =
        (struct ledger_put){.key_len_bytes = sizeof(meta_state) - 1,
                            .value_len_bytes = (uint32_t)state_len_bytes,
                            .key = (const uint8_t *)meta_state,
                            .value = flight_copy(engine, state, state_len_bytes)};
    batch->metas = engine->flight_metas;
    batch->meta_count = 1;
    if (engine->joins_at_term != engine->joins_stored) {
        size_t len_bytes = engine_joins_put(engine, joins, &engine->flight_metas[1]);

        engine->flight_metas[1].value = flight_copy(engine, joins, len_bytes);
        engine->joins_stored = engine->joins_at_term;
        batch->meta_count = 2;
    }
}

/* Closes the batch: everything appended since the last one. The swap of a meeting replaces the entries
 * from swap_from on by the staged ones and leaves the rows to engine_reload. */
void engine_submit(struct engine *engine)
{
    struct ledger_batch *batch = &engine->flight;
    uint8_t meta[META_BYTES_MAX], record[RECORD_BYTES_MAX];
    size_t meta_len_bytes, record_len_bytes;
    int r;

    if (engine->in_flight || engine->failure != 0 ||
        (engine->gather_from > engine->last_lsn && !engine->rows_rebuild && !engine->record_dirty &&
         engine->keys_new_count == 0 && engine->keys_destroy_count == 0 &&
         engine->dirty_count + engine->dirty_access_count == 0)) {
        return;
    }
    *batch = (struct ledger_batch){0};
    engine->flight_bytes.len_bytes = 0;
    if (engine->rows_rebuild) {
        rows_rebuild_all(engine);
        batch->clear_rows = true;
        engine->rows_rebuild = false;
    }
    meta_len_bytes = encode_meta(engine, engine->digest, engine->last_lsn, meta);
    record_len_bytes = engine_encode_record(&engine->record, record);
    rows_fill(engine);
    fill_entries(engine);
    put_metas(engine, meta, meta_len_bytes);
    if (engine->record_dirty) {
        batch->record = flight_copy(engine, record, record_len_bytes);
        batch->record_len_bytes = record_len_bytes;
        engine->record_dirty = false;
    }
    memcpy(engine->flight_keys_new, engine->keys_new, sizeof(engine->keys_new));
    memcpy(engine->flight_keys_destroy, engine->keys_destroy, sizeof(engine->keys_destroy));
    batch->keys_new = engine->flight_keys_new;
    batch->keys_new_count = engine->keys_new_count;
    batch->keys_destroy = engine->flight_keys_destroy;
    batch->keys_destroy_count = engine->keys_destroy_count;
    batch->entries = engine->flight_entries;
    batch->entry_count = (size_t)(engine->last_lsn + 1 - engine->gather_from);
    batch->rows = engine->flight_rows;
    batch->row_count = engine->dirty_count + engine->dirty_access_count;
    engine->keys_new_count = engine->keys_destroy_count = 0;
    rows_forget(engine);
    engine->flight_last = engine->last_lsn;
    engine->flight_hash = engine->head;
    memcpy(engine->flight_digest, engine->digest, sizeof(engine->digest));
    engine->flight_sound = engine->state.sound;
    engine->gather_from = engine->last_lsn + 1;
    engine->flight_since_ms = engine->now_ms;
    engine->flight_swap = false;
    engine->in_flight = true;
    r = engine->world.store(engine->world.context, batch);
    if (r < 0) {
        engine_fail(engine, r, "the ledger refused a batch");
    }
}

/* A swap takes away terms and ceilings that were never on both disks, hence never used. The record says so
 * in the same batch, or the new ledger would seem to be behind it: restored (rule 5). What the new ledger
 * holds of them is noted again as it is folded. */
void engine_record_replaced(struct engine *engine)
{
    engine->record.replaced_term = engine->record.term;
    if (!engine->record.restored) { /* its disk forgot what was used: nobody else may know of it */
        memset(engine->record.ceilings, 0, sizeof(engine->record.ceilings));
    }
    engine->record_dirty = true;
}

static void record_swap(struct engine *engine, bool forgets)
{
    struct ledger_batch *batch = &engine->flight;
    uint8_t record[RECORD_BYTES_MAX];

    if (forgets) { /* retired, and adopted */
        units_forget(engine);
    }
    engine_record_replaced(engine);
    batch->record_len_bytes = engine_encode_record(&engine->record, record);
    batch->record = flight_copy(engine, record, batch->record_len_bytes);
    engine->record_dirty = false;
}

/* With the ledger goes what opens it (promise 15). */
static void destroy_every_key(struct engine *engine)
{
    struct ledger_batch *batch = &engine->flight;

    memcpy(engine->flight_keys_destroy, engine->keys, sizeof(engine->keys));
    batch->keys_destroy = engine->flight_keys_destroy;
    batch->keys_destroy_count = engine->key_count;
    batch->keys_new_count = 0;
    crypto_forget(engine->keys, sizeof(engine->keys));
    engine->key_count = 0;
    engine->both_lsn = 0;
}

/* A meeting's swap: the staged entries replace ours from from_lsn on; with last_lsn 0 all is forgotten. The state's meta names no lsn, so
 * that whoever reads it next builds the rows anew from the fold. */
void engine_submit_swap(struct engine *engine, uint64_t from_lsn, struct bytes_buffer *staged,
                        uint64_t last_lsn)
{
    struct ledger_batch *batch = &engine->flight;
    struct bytes_buffer taken = *staged;
    struct bytes_reader body = bytes_reader_over(taken.data, taken.len_bytes);
    uint8_t meta[META_BYTES_MAX];
    size_t count = 0;
    int r;

    CHECK(!engine->in_flight && engine->durable_lsn == engine->last_lsn);
    *staged = engine->flight_staged;
    staged->len_bytes = 0;
    engine->flight_staged = taken;
    *batch = (struct ledger_batch){.truncate_from_lsn = from_lsn, .clear_rows = true};
    if (engine->both_lsn >= from_lsn) { /* on both no more: the other's disk is an older one */
        engine->both_lsn = from_lsn - 1;
    }
    engine->flight_bytes.len_bytes = 0;
    engine_grow_puts(&engine->flight_entries, &engine->flight_entries_capacity,
                     (size_t)(last_lsn + 1 - from_lsn));
    while (bytes_left(&body) > 0) {
        size_t len_bytes;
        const uint8_t *item = ship_body_next(&body, &len_bytes);

        CHECK(item != NULL && count < engine->flight_entries_capacity);
        engine->flight_entries[count++] =
            (struct ledger_put){.key_len_bytes = 8,
                                .value_len_bytes = (uint32_t)len_bytes,
                                .key = item + 4,
                                .value = item};
    }
    if (engine->state.checkpoint_lsn + engine->state.checkpoint_images >= from_lsn) {
        engine->state.checkpoint_lsn = 0; /* the fold begins anew: ours was replaced */
    }
    put_metas(engine, meta, encode_meta(engine, engine->digest, 0, meta));
    memcpy(engine->flight_keys_new, engine->keys_new, sizeof(engine->keys_new));
    batch->keys_new = engine->flight_keys_new;
    batch->keys_new_count = engine->keys_new_count;
    engine->keys_new_count = 0;
    batch->entries = engine->flight_entries;
    batch->entry_count = count;
    record_swap(engine, last_lsn == 0);
    if (last_lsn == 0) {
        destroy_every_key(engine);
    }
    engine->flight_swap = true;
    engine->flight_since_ms = engine->now_ms;
    engine->in_flight = true;
    r = engine->world.store(engine->world.context, batch);
    if (r < 0) {
        engine_fail(engine, r, "the ledger refused a meeting's swap");
    }
}

void engine_stored(struct engine *engine, int result)
{
    CHECK(engine->in_flight);
    engine->in_flight = false;
    crypto_forget(engine->flight_keys_new, sizeof(engine->flight_keys_new));
    crypto_forget(engine->flight_keys_destroy, sizeof(engine->flight_keys_destroy));
    if (result < 0) {
        engine_fail(engine, result, "a batch could not be made durable");
        return;
    }
    engine->last_store_ms = engine->now_ms - engine->flight_since_ms;
    if (engine->flight_swap) {
        meeting_stored(engine);
        return;
    }
    engine->durable_lsn = engine->flight_last;
    engine->durable_hash = engine->flight_hash;
    memcpy(engine->durable_digest, engine->flight_digest, sizeof(engine->durable_digest));
    engine->durable_unsound = !engine->flight_sound;
}

bool engine_is_swapping(const struct engine *engine)
{
    return engine->in_flight && engine->flight_swap;
}

/* ---- start-up ------------------------------------------------------------------------------------------ */

struct loading {
    struct engine *engine;
    int error;
    uint64_t lsn;
};

static bool load_entry(void *context, const uint8_t *key, size_t key_len_bytes,
                       const uint8_t *value, size_t value_len_bytes)
{
    struct loading *loading = context;

    (void)key;
    (void)key_len_bytes;
    loading->lsn = loading->engine->last_lsn + 1;
    loading->error = take_stored(loading->engine, value, value_len_bytes);
    return loading->error == 0;
}

/* Folds what is on disk, from the checkpoint on. */
static int fold_from_disk(struct engine *engine, uint64_t checkpoint_lsn, uint64_t last_lsn)
{
    uint64_t from_lsn = checkpoint_lsn == 0 ? 1 : checkpoint_lsn;
    struct loading loading = {.engine = engine};
    int r;

    engine->durable_lsn = last_lsn;
    engine->last_lsn = from_lsn - 1;
    if (!engine_hash_at(engine, from_lsn - 1, &engine->head)) {
        return -EUCLEAN;
    }
    engine->state.sound = from_lsn == 1;
    r = engine->world.read_entries(engine->world.context, from_lsn, last_lsn, load_entry, &loading);
    if (r == 0 &&
        loading.error <
            0) { /* its link holds: no damage, but nothing that this program understands */
        engine_fail(engine, -EPROTONOSUPPORT, "an entry of the ledger cannot be understood");
        engine_log(engine, "lsn %llu is whole and cannot be understood",
                   (unsigned long long)loading.lsn);
        return -EPROTONOSUPPORT;
    }
    if (r < 0 && r != -EUCLEAN) { /* not read is not damaged: nothing is put aside for it */
        engine_fail(engine, r, "the ledger cannot be read");
        return r;
    }
    if (r < 0 || engine->last_lsn != last_lsn) {
        engine_fail(engine, -EUCLEAN, "the ledger is damaged");
        engine_log(engine, "ledger damaged at lsn %llu", (unsigned long long)loading.lsn);
        return -EUCLEAN;
    }
    return 0;
}

struct meta {
    uint64_t lsn; /* of the rows; 0: they are to be built anew */
    uint64_t digest[4];
    uint64_t checkpoint_lsn;
};

static int read_meta(struct engine *engine, struct meta *ret_meta)
{
    uint8_t bytes[META_BYTES_MAX];
    size_t len_bytes;
    int r = engine->world.read_meta(engine->world.context, meta_state, bytes, sizeof(bytes),
                                    &len_bytes);
    struct bytes_reader reader;

    *ret_meta = (struct meta){0};
    if (r < 0) {
        return r == -ENOENT ? 0 : r;
    }
    reader = bytes_reader_over(bytes, len_bytes);
    if (bytes_get_u8(&reader) != META_VERSION) {
        return -EPROTONOSUPPORT;
    }
    ret_meta->lsn = bytes_get_u64(&reader);
    for (size_t i = 0; i < 4; i++) {
        ret_meta->digest[i] = bytes_get_u64(&reader);
    }
    ret_meta->checkpoint_lsn = bytes_get_u64(&reader);
    return bytes_finished(&reader) ? 0 : -EPROTONOSUPPORT;
}

static int read_joins(struct engine *engine)
{
    uint8_t bytes[META_BYTES_MAX];
    size_t len_bytes = 0;
    int r = engine->world.read_meta(engine->world.context, meta_joins, bytes, sizeof(bytes),
                                    &len_bytes);
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);

    engine->joins_at_term = engine->joins_stored = 0;
    if (r < 0) {
        return r == -ENOENT ? 0 : r;
    }
    if (bytes_get_u8(&reader) != JOINS_VERSION) {
        return -EPROTONOSUPPORT;
    }
    engine->joins_at_term = engine->joins_stored = bytes_get_u64(&reader);
    return bytes_finished(&reader) ? 0 : -EPROTONOSUPPORT;
}

static void forget_log(struct engine *engine)
{
    for (size_t i = 0; i < ENGINE_CACHE_ENTRIES; i++) {
        engine->cache[i].lsn = 0;
    }
    queue_init(engine->queue);
    access_init(engine->access);
    memset(&engine->state, 0, sizeof(engine->state));
    site_forget(engine);
    erasure_forget(engine);
    memset(engine->openings, 0, sizeof(engine->openings));
    rows_digest_begin(engine);
    engine->rows_rebuild = false;
    rows_forget(engine);
}

/* Reads everything anew: at start, and after a meeting replaced our tail. */
int engine_reload(struct engine *engine)
{
    struct ledger_info info;
    bool was_started = engine->started;
    struct meta meta;
    int r;

    engine->world.read_info(engine->world.context, &info);
    r = read_meta(engine, &meta);
    if (r < 0) {
        return r;
    }
    if (meta.checkpoint_lsn > info.last_lsn) {
        meta.checkpoint_lsn = 0;
    }
    r = read_joins(engine);
    if (r < 0) {
        return r;
    }
    engine->started = false; /* a checkpoint restores the state while loading */
    forget_log(engine);
    engine->walked_count = 0;
    r = fold_from_disk(engine, meta.checkpoint_lsn, info.last_lsn);
    engine->started = was_started;
    if (r < 0) {
        return r;
    }
    rows_digest_all(engine);
    rows_forget(engine);
    engine->keys_destroy_count = 0;
    engine_destroy_keys(engine);
    engine_destroy_walked_keys(engine);
    engine->rows_rebuild = meta.lsn != info.last_lsn;
    if (!engine->rows_rebuild && info.last_lsn > 0 && engine->state.sound &&
        memcmp(meta.digest, engine->digest, sizeof(meta.digest)) != 0) {
        engine_fail(engine, -EPROTONOSUPPORT, "the state differs from the fold of its entries");
        return -EPROTONOSUPPORT;
    }
    units_identify(engine);
    engine->durable_lsn = engine->last_lsn;
    site_refresh(engine);
    engine->durable_hash = engine->head;
    memcpy(engine->durable_digest, engine->digest, sizeof(engine->digest));
    engine->durable_unsound = !engine->state.sound;
    engine->gather_from = engine->last_lsn + 1;
    return 0;
}

int engine_load(struct engine *engine, bool found)
{
    int r;

    engine_load_record(engine);
    r = engine->world.read_keys(engine->world.context, engine->keys, ENGINE_KEYS_MAX,
                                &engine->key_count);
    if (r < 0) {
        return r;
    }
    r = engine_reload(engine);
    if (r < 0) {
        return r;
    }
    engine_judge_record(engine);
    engine->state.sound = engine->state.sound || (engine->last_lsn == 0 && found);
    if (engine->last_lsn == 0 && found && !site_found(engine)) {
        uint8_t *config = malloc(QUEUE_CONFIG_BYTES_MAX);

        CHECK_GIVEN(config != NULL);
        (void)engine_append(
            engine, ENTRY_CONFIG, config,
            queue_config_encode(engine->options.config, config, QUEUE_CONFIG_BYTES_MAX), false, 0,
            NULL);
        free(config);
    }
    return 0;
}
