/*
 * The rows of the state as the ledger keeps them: the digest of all of them, which of them changed since
 * the last batch, and the form in which each is stored, sealed when it is of a visit.
 */
#include "appliance/engine/engine_internal.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

enum {
    DIRTY_ACCESS_START = 16,
    DIRTY_INDEX_START = 1024,
    ROW_SEAL_HEADER_BYTES = 1 + 4 + 4,
    FLIGHT_SPARE_BYTES = 1024,
};

/* ---- digest ----------------------------------------------------------------------------------- */

static void hash_row(struct engine *engine, const uint8_t *key, size_t key_len_bytes,
                     const struct queue_row *row, struct ids_hash *ret_hash)
{
    uint8_t value[QUEUE_ROW_BYTES_MAX];
    size_t value_len_bytes = queue_row_encode(row, value, sizeof(value));

    CHECK(value_len_bytes > 0);
    crypto_hash(engine->crypto, key, key_len_bytes, value, value_len_bytes, ret_hash);
}

/* The sum, modulo 2^64 in each of four words, of the hashes of all rows: order does not matter, and a
 * changed row costs two hashes, one when it has changed in this batch before. */
static void digest_hash(struct engine *engine, const struct ids_hash *hash, bool add)
{
    struct bytes_reader reader = bytes_reader_over(hash->bytes, sizeof(hash->bytes));

    for (size_t word = 0; word < 4; word++) {
        uint64_t part = bytes_get_u64(&reader);

        engine->digest[word] += add ? part : (uint64_t)0 - part;
    }
}

void engine_digest_of(const uint64_t digest[4], struct ids_hash *ret_hash)
{
    struct bytes_writer writer = bytes_writer_over(ret_hash->bytes, sizeof(ret_hash->bytes));

    for (size_t word = 0; word < 4; word++) {
        bytes_put_u64(&writer, digest[word]);
    }
}

/* ---- rows changed since the last batch --------------------------------------------------------- */

static uint32_t hash_key(const uint8_t *key, size_t len_bytes)
{
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < len_bytes; i++) {
        hash = (hash ^ key[i]) * 16777619U;
    }
    return hash;
}

static void dirty_index_grow(struct engine *engine)
{
    size_t size = engine->dirty_index_size == 0 ? DIRTY_INDEX_START : engine->dirty_index_size * 2;

    free(engine->dirty_index);
    engine->dirty_index = calloc(size, sizeof(*engine->dirty_index));
    CHECK_GIVEN(engine->dirty_index != NULL);
    engine->dirty_index_size = size;
    for (size_t i = 0; i < engine->dirty_count; i++) {
        const struct dirty_row *row = &engine->dirty[i];
        size_t at = hash_key(row->key, row->key_len_bytes) & (size - 1);

        while (engine->dirty_index[at] != 0) {
            at = (at + 1) & (size - 1);
        }
        engine->dirty_index[at] = (uint32_t)i + 1;
    }
}

/* The row of this key among those that changed since the last batch; a new one is not yet hashed. */
static struct dirty_row *dirty_row(struct engine *engine, const uint8_t *key, size_t key_len_bytes)
{
    struct dirty_row *row;
    size_t at;

    if (engine->dirty_count * 2 >= engine->dirty_index_size) {
        dirty_index_grow(engine);
    }
    at = hash_key(key, key_len_bytes) & (engine->dirty_index_size - 1);
    while (engine->dirty_index[at] != 0) {
        row = &engine->dirty[engine->dirty_index[at] - 1];
        if (row->key_len_bytes == key_len_bytes && memcmp(row->key, key, key_len_bytes) == 0) {
            return row;
        }
        at = (at + 1) & (engine->dirty_index_size - 1);
    }
    if (engine->dirty_count == engine->dirty_capacity) {
        engine->dirty_capacity = engine->dirty_capacity == 0 ? 256 : engine->dirty_capacity * 2;
        engine->dirty = realloc(engine->dirty, engine->dirty_capacity * sizeof(*engine->dirty));
        CHECK_GIVEN(engine->dirty != NULL);
    }
    row = &engine->dirty[engine->dirty_count++];
    row->key_len_bytes = (uint8_t)key_len_bytes;
    memcpy(row->key, key, key_len_bytes);
    row->hashed = false;
    engine->dirty_index[at] = (uint32_t)engine->dirty_count;
    return row;
}

void rows_forget(struct engine *engine)
{
    engine->dirty_access_count = 0;
    engine->dirty_count = 0;
    if (engine->dirty_index_size > 0) {
        memset(engine->dirty_index, 0, engine->dirty_index_size * sizeof(*engine->dirty_index));
    }
}

void rows_digest_begin(struct engine *engine)
{
    memset(engine->digest, 0, sizeof(engine->digest));
    for (size_t i = 0; i < engine->dirty_count; i++) {
        engine->dirty[i].hashed = false;
    }
}

/* One key's row: `before` of kind 0, there was none; `after` of kind 0, there is none any more. */
static void touch(struct engine *engine, const uint8_t *key, size_t key_len_bytes,
                  const struct queue_row *before, const struct queue_row *after)
{
    struct dirty_row *row = dirty_row(engine, key, key_len_bytes);

    if (before->kind != 0) {
        if (!row->hashed) {
            hash_row(engine, key, key_len_bytes, before, &row->hash);
        }
        digest_hash(engine, &row->hash, false);
    }
    if (after->kind != 0) {
        hash_row(engine, key, key_len_bytes, after, &row->hash);
        digest_hash(engine, &row->hash, true);
    }
    row->hashed = after->kind != 0;
    row->after = *after;
}

void rows_touched(void *context, const struct queue_row *before, const struct queue_row *after)
{
    static const struct queue_row none;
    uint8_t key[32], old_key[32];
    size_t key_len_bytes = queue_row_key(after->kind != 0 ? after : before, key);
    size_t old_len_bytes = queue_row_key(before->kind != 0 ? before : after, old_key);

    /* An answer given anew is kept under another name (its lsn is part of it): the old one goes. */
    if (old_len_bytes != key_len_bytes || memcmp(old_key, key, key_len_bytes) != 0) {
        touch(context, old_key, old_len_bytes, before, &none);
        before = &none;
    }
    touch(context, key, key_len_bytes, before, after);
}

void rows_seen(void *context, const struct queue_row *before, const struct queue_row *after)
{
    uint8_t key[32];
    struct ids_hash hash;

    (void)before;
    hash_row(context, key, queue_row_key(after, key), after, &hash);
    digest_hash(context, &hash, true);
}

void rows_rebuilt(void *context, const struct queue_row *before, const struct queue_row *after)
{
    uint8_t key[32];
    size_t key_len_bytes = queue_row_key(after, key);
    struct dirty_row *row = dirty_row(context, key, key_len_bytes);

    (void)before;
    row->after = *after;
    row->hashed = false;
}

/* ---- rows of accounts, devices and sessions: seldom changed, a few at a time ---------------------------- */

static void hash_access_row(struct engine *engine, const struct access_row *row, bool add)
{
    uint8_t key[32], value[ACCESS_ROW_BYTES_MAX];
    size_t key_len_bytes = access_row_key(row, key);
    size_t value_len_bytes = access_row_encode(row, value, sizeof(value));
    struct ids_hash hash;

    CHECK(value_len_bytes > 0);
    crypto_hash(engine->crypto, key, key_len_bytes, value, value_len_bytes, &hash);
    digest_hash(engine, &hash, add);
}

static void note_access_row(struct engine *engine, const struct access_row *named,
                            const struct access_row *after)
{
    struct dirty_access fresh = {0};
    size_t at = 0;

    fresh.key_len_bytes = (uint8_t)access_row_key(named, fresh.key);
    if (after != NULL) {
        fresh.value_len_bytes =
            (uint16_t)access_row_encode(after, fresh.value, sizeof(fresh.value));
        CHECK(fresh.value_len_bytes > 0);
    }
    while (at < engine->dirty_access_count &&
           (engine->dirty_access[at].key_len_bytes != fresh.key_len_bytes ||
            memcmp(engine->dirty_access[at].key, fresh.key, fresh.key_len_bytes) != 0)) {
        at++;
    }
    if (at == engine->dirty_access_capacity) {
        engine->dirty_access_capacity = at == 0 ? DIRTY_ACCESS_START : 2 * at;
        engine->dirty_access = realloc(engine->dirty_access, engine->dirty_access_capacity *
                                                                 sizeof(*engine->dirty_access));
        CHECK_GIVEN(engine->dirty_access != NULL);
    }
    engine->dirty_access[at] = fresh;
    engine->dirty_access_count += at == engine->dirty_access_count ? 1 : 0;
}

void rows_access_touched(void *context, const struct access_row *before,
                         const struct access_row *after)
{
    struct engine *engine = context;

    if (before != NULL) {
        hash_access_row(engine, before, false);
    }
    if (after != NULL) {
        hash_access_row(engine, after, true);
    }
    note_access_row(engine, after != NULL ? after : before, after);
}

void rows_access_seen(void *context, const struct access_row *before,
                      const struct access_row *after)
{
    (void)before;
    hash_access_row(context, after, true);
}

static void access_rebuilt(void *context, const struct access_row *before,
                           const struct access_row *after)
{
    (void)before;
    note_access_row(context, after, after);
}

void rows_digest_all(struct engine *engine)
{
    rows_digest_begin(engine);
    queue_for_each_row(engine->queue, rows_seen, engine);
    access_for_each_row(engine->access, rows_access_seen, engine);
}

void rows_rebuild_all(struct engine *engine)
{
    rows_forget(engine);
    queue_for_each_row(engine->queue, rows_rebuilt, engine);
    access_for_each_row(engine->access, access_rebuilt, engine);
}

/* Offsets, as rows_fill has them. */
static void fill_access(struct engine *engine)
{
    for (size_t i = 0; i < engine->dirty_access_count; i++) {
        const struct dirty_access *row = &engine->dirty_access[i];
        size_t len_bytes = sizeof(row->key) + 1 + row->value_len_bytes;
        uint8_t *bytes = buffer_extend(&engine->flight_bytes, len_bytes);
        size_t key_at = engine->flight_bytes.len_bytes - len_bytes;
        struct ledger_put *put = &engine->flight_rows[engine->dirty_count + i];

        memcpy(bytes, row->key, sizeof(row->key));
        bytes[sizeof(row->key)] = 0; /* in clear: its secrets are sealed within */
        memcpy(bytes + sizeof(row->key) + 1, row->value, row->value_len_bytes);
        *put = (struct ledger_put){.key_len_bytes = row->key_len_bytes,
                                   .key = (const uint8_t *)(uintptr_t)key_at};
        if (row->value_len_bytes > 0) {
            put->value_len_bytes = (uint32_t)row->value_len_bytes + 1;
            put->value = (const uint8_t *)(uintptr_t)(key_at + sizeof(row->key) + 1);
        }
    }
}

/* ---- rows as they are stored ----------------------------------------------------------------------- */

/* Of a visit, or a counter that names one: it goes with the visit (promise 15). Closing the day wipes what
 * counters name, so a checkpoint's counters are always clear. */
bool rows_is_sealed(const struct queue_row *row)
{
    return queue_row_is_of_visit((enum queue_row_kind)row->kind) ||
           (row->kind == QUEUE_ROW_COUNTER && (!ids_token_is_zero(&row->counter.ticket) ||
                                               !ids_token_is_zero(&row->counter.undo_ticket)));
}

/* A row's stored form: 0 and its bytes, or 1, day, unit and its bytes sealed under the day's key. */
static size_t store_row(struct engine *engine, const struct dirty_row *row, uint8_t *bytes,
                        size_t capacity_bytes)
{
    uint8_t value[QUEUE_ROW_BYTES_MAX];
    size_t len_bytes = queue_row_encode(&row->after, value, sizeof(value));
    struct bytes_writer writer = bytes_writer_over(bytes, capacity_bytes);
    uint8_t nonce[CRYPTO_NONCE_BYTES];
    const struct crypto_key *key = NULL;
    uint32_t unit = 0;

    if (!rows_is_sealed(&row->after)) {
        bytes_put_u8(&writer, 0);
        bytes_put(&writer, value, len_bytes);
        CHECK(!writer.failed);
        return writer.len_bytes;
    }
    for (size_t i = 0; i < engine->key_count && key == NULL; i++) {
        if (engine->keys[i].day == engine->queue->day.date) {
            unit = engine->keys[i].unit;
            key = engine_derived_key(engine, engine->keys[i].day, unit, 0, 0);
        }
    }
    CHECK(key != NULL);
    bytes_put_u8(&writer, 1);
    bytes_put_u32(&writer, engine->queue->day.date);
    bytes_put_u32(&writer, unit);
    CHECK(!writer.failed &&
          capacity_bytes >= ROW_SEAL_HEADER_BYTES + len_bytes + ENTRY_SEAL_OVERHEAD_BYTES);
    engine_random(engine, nonce, sizeof(nonce));
    crypto_seal(engine->crypto, key, nonce, row->key, row->key_len_bytes, value, len_bytes,
                bytes + writer.len_bytes);
    return writer.len_bytes + len_bytes + ENTRY_SEAL_OVERHEAD_BYTES;
}

/* A ticket's id is its visitor's credential, and what LMDB frees keeps its bytes: on disk a row of a visit
 * is named by a hash, so that nothing is left to be found when the day is erased. */
static void name_row(struct engine *engine, const struct dirty_row *row, uint8_t name[32])
{
    size_t token_at = (size_t)row->key_len_bytes - IDS_TOKEN_BYTES;
    struct ids_hash hash;

    memcpy(name, row->key, sizeof(row->key));
    if (queue_row_is_of_visit((enum queue_row_kind)row->key[0])) {
        crypto_hash(engine->crypto, row->key, row->key_len_bytes, NULL, 0, &hash);
        memcpy(name + token_at, hash.bytes, IDS_TOKEN_BYTES);
    }
}

void rows_fill(struct engine *engine)
{
    enum { STORED_MAX = QUEUE_ROW_BYTES_MAX + ROW_SEAL_HEADER_BYTES + ENTRY_SEAL_OVERHEAD_BYTES };

    size_t count = engine->dirty_count + engine->dirty_access_count;

    engine_grow_puts(&engine->flight_rows, &engine->flight_rows_capacity, count);
    for (size_t i = 0; i < engine->dirty_count; i++) {
        const struct dirty_row *row = &engine->dirty[i];
        uint8_t *key = buffer_extend(&engine->flight_bytes, 32);

        name_row(engine, row, key);
        /* Offsets first: the buffer may still move. */
        engine->flight_rows[i] = (struct ledger_put){
            .key_len_bytes = row->key_len_bytes,
            .key = (const uint8_t *)(uintptr_t)(engine->flight_bytes.len_bytes - 32),
        };
        if (row->after.kind != 0) {
            uint8_t *value = buffer_extend(&engine->flight_bytes, STORED_MAX);
            size_t len_bytes = store_row(engine, row, value, STORED_MAX);

            engine->flight_bytes.len_bytes -= STORED_MAX - len_bytes;
            engine->flight_rows[i].value_len_bytes = (uint32_t)len_bytes;
            engine->flight_rows[i].value =
                (const uint8_t *)(uintptr_t)(engine->flight_bytes.len_bytes - len_bytes + 1);
        }
    }
    fill_access(engine);
    /* Room for record and meta as well, so that nothing moves once pointers are made. */
    (void)buffer_extend(&engine->flight_bytes, FLIGHT_SPARE_BYTES);
    engine->flight_bytes.len_bytes -= FLIGHT_SPARE_BYTES;
    for (size_t i = 0; i < count; i++) {
        struct ledger_put *put = &engine->flight_rows[i];

        put->key = engine->flight_bytes.data + (uintptr_t)put->key;
        if (put->value != NULL) {
            put->value = engine->flight_bytes.data + (uintptr_t)put->value - 1;
        }
    }
}
