/*
 * Rows of single visits, where the ward switches it on (site file, statistics.keep_visits; docs/STATISTICS.md). Written
 * in the turn that erases a day, beside its totals, from the same facts and by the same rules: parts by series, chunks
 * that name the one before them, of a part the one that knows more. No row names anybody, and none tells its number.
 *
 * They are to go again after some days, and an entry stays for ever: so rows are sealed, and their key goes. There is
 * one key for all dates, which is a ratchet: the key of a date is made from the one of the date before it, never the
 * other way. What is on the disk is the key of the first date that is kept. To erase, an entry says the new first
 * date; each unit that folds it puts that date's key in the old one's place, durably, and no earlier date can be opened
 * on any disk any more. A key that comes back with an older image of a disk goes the way of a day's key.
 */
#include "appliance/engine/engine_statistics.h"

#include "base/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    FORM = 1,
    CELLS_BYTES_MAX = STATISTICS_CHUNK_BYTES_MAX - STATISTICS_HEAD_BYTES,
    KEY_NAME_BYTES = 4,
    OPEN_BYTES = 1 + 4 + 1, /* form, first date that is kept, whether rows follow */
    HEAD_BYTES_MAX = OPEN_BYTES + STATISTICS_HEAD_BYTES + KEY_NAME_BYTES,
    PAYLOAD_BYTES_MAX = HEAD_BYTES_MAX + CELLS_BYTES_MAX + ENTRY_SEAL_OVERHEAD_BYTES,
    CHUNKS_GIVEN_MAX = 512,
    KEY_DAY = 90000000, /* and the date's number of days: no yyyymmdd of a day's own key */
    KEY_DAYS = 1000000,
    DATE_FIRST = 20000101, /* a key's way from one date to another is no longer than that */
    DATE_LAST = 21991231,
    KEY_UNIT_MASK = 0xffff,
    KEY_CHANCE_SHIFT = 16,
};

_Static_assert((int)PAYLOAD_BYTES_MAX <= (int)ENTRY_PAYLOAD_BYTES_MAX, "an entry holds a chunk");

static const char next_label[] = "toban kept visits: the next day";
static const char rows_label[] = "toban kept visits: rows";

/* ---- keys ---------------------------------------------------------------------------------------------- */

/* 0: it is no date. */
static uint32_t key_day_of(uint32_t date)
{
    struct calendar_date parts;

    return date >= DATE_FIRST && date <= DATE_LAST && calendar_date_from_number(date, &parts)
               ? KEY_DAY + (uint32_t)calendar_day_count(parts)
               : 0;
}

bool visits_key_is(uint32_t key_day)
{
    return key_day >= KEY_DAY && key_day < (uint32_t)KEY_DAY + KEY_DAYS;
}

bool visits_key_is_past(const struct engine *engine, uint32_t key_day)
{
    return visits_key_is(key_day) && key_day < key_day_of(engine->state.visits.from);
}

static void step_key(struct engine *engine, struct crypto_key *key, uint32_t steps)
{
    for (uint32_t i = 0; i < steps; i++) {
        struct crypto_key next;

        crypto_derive(engine->crypto, key, next_label, sizeof(next_label), &next);
        *key = next;
        crypto_forget(&next, sizeof(next));
    }
}

static bool have_key(const struct engine *engine, uint32_t key_day, uint32_t unit)
{
    for (size_t i = 0; i < engine->key_count; i++) {
        if (engine->keys[i].day == key_day && engine->keys[i].unit == unit) {
            return true;
        }
    }
    return false;
}

static struct ledger_day_key *not_stored(struct engine *engine, const struct ledger_day_key *key)
{
    for (size_t i = 0; i < engine->keys_new_count; i++) {
        if (engine->keys_new[i].day == key->day && engine->keys_new[i].unit == key->unit) {
            return &engine->keys_new[i];
        }
    }
    return NULL;
}

/* The old one stays where there is no room to say that it goes: it goes the next time. */
static void advance_key(struct engine *engine, struct ledger_day_key *key, uint32_t key_day)
{
    struct ledger_day_key *unwritten = not_stored(engine, key), next = *key;

    if (unwritten == NULL && (engine->keys_new_count == ENGINE_KEYS_MAX ||
                              engine->keys_destroy_count == ENGINE_KEYS_MAX)) {
        return;
    }
    step_key(engine, &next.key, key_day - key->day);
    next.day = key_day;
    if (unwritten != NULL) {
        *unwritten = next;
    } else {
        engine->keys_new[engine->keys_new_count++] = next;
        engine->keys_destroy[engine->keys_destroy_count++] = *key;
    }
    *key = next;
    crypto_forget(&next, sizeof(next));
}

/* One that has gone the way already, and came back beside its later self, is destroyed by who asked. */
void visits_advance_keys(struct engine *engine)
{
    uint32_t key_day = key_day_of(engine->state.visits.from);

    for (size_t i = 0; i < engine->key_count; i++) {
        struct ledger_day_key *key = &engine->keys[i];

        if (visits_key_is_past(engine, key->day) && !have_key(engine, key_day, key->unit)) {
            advance_key(engine, key, key_day);
        }
    }
}

/* The name of the key that new rows are sealed under: the lowest that reaches back to `from`. 0: there is none. */
static uint32_t key_name(const struct engine *engine, uint32_t from)
{
    uint32_t unit = 0;

    for (size_t i = 0; i < engine->key_count; i++) {
        if (visits_key_is(engine->keys[i].day) && engine->keys[i].day <= key_day_of(from) &&
            (unit == 0 || engine->keys[i].unit < unit)) {
            unit = engine->keys[i].unit;
        }
    }
    return unit;
}

static uint32_t make_key(struct engine *engine, uint32_t from)
{
    uint32_t unit = key_name(engine, from);
    uint8_t bytes[CRYPTO_KEY_BYTES];
    uint16_t chance;

    if (unit != 0) {
        return unit;
    }
    engine_random(engine, &chance, sizeof(chance));
    engine_random(engine, bytes, sizeof(bytes));
    engine_take_key(
        engine, key_day_of(from),
        (uint32_t)chance << KEY_CHANCE_SHIFT | (engine->options.duty.unit & KEY_UNIT_MASK), bytes);
    crypto_forget(bytes, sizeof(bytes));
    return key_name(engine, from);
}

/* False: there is no key from which that date's could be had. */
static bool rows_key(struct engine *engine, uint32_t unit, uint32_t date,
                     struct crypto_key *ret_key)
{
    const struct ledger_day_key *nearest = NULL;
    uint32_t key_day = key_day_of(date);
    struct crypto_key key;

    for (size_t i = 0; i < engine->key_count; i++) {
        const struct ledger_day_key *each = &engine->keys[i];

        if (each->unit == unit && visits_key_is(each->day) && each->day <= key_day &&
            (nearest == NULL || each->day > nearest->day)) {
            nearest = each;
        }
    }
    if (nearest == NULL) {
        return false;
    }
    key = nearest->key;
    step_key(engine, &key, key_day - nearest->day);
    crypto_derive(engine->crypto, &key, rows_label, sizeof(rows_label), ret_key);
    crypto_forget(&key, sizeof(key));
    return true;
}

/* ---- entries ------------------------------------------------------------------------------------------- */

struct visits_entry {
    uint32_t from;
    bool has_rows;
    struct statistics_head head;
    uint32_t key_unit;
    size_t head_len_bytes; /* of all of the above: the seal's additional data */
    const uint8_t *sealed;
    size_t sealed_len_bytes;
};

static bool decode(const uint8_t *payload, size_t len_bytes, struct visits_entry *ret_entry)
{
    struct bytes_reader reader = bytes_reader_over(payload, len_bytes);
    uint8_t form = bytes_get_u8(&reader);
    struct visits_entry entry = {.from = bytes_get_u32(&reader)};
    uint8_t has_rows = bytes_get_u8(&reader);
    const uint8_t *head;

    if (reader.failed || form != FORM || has_rows > 1 || key_day_of(entry.from) == 0) {
        return false;
    }
    entry.has_rows = has_rows == 1;
    if (entry.has_rows) {
        head = bytes_take(&reader, STATISTICS_HEAD_BYTES);
        entry.key_unit = bytes_get_u32(&reader);
        entry.head_len_bytes = HEAD_BYTES_MAX;
        entry.sealed_len_bytes = bytes_left(&reader);
        entry.sealed = bytes_take(&reader, entry.sealed_len_bytes);
        if (reader.failed || !statistics_head_decode(head, STATISTICS_HEAD_BYTES, &entry.head) ||
            key_day_of(entry.head.date) == 0 ||
            entry.sealed_len_bytes < ENTRY_SEAL_OVERHEAD_BYTES ||
            entry.sealed_len_bytes > (size_t)CELLS_BYTES_MAX + ENTRY_SEAL_OVERHEAD_BYTES) {
            return false;
        }
    }
    *ret_entry = entry;
    return bytes_finished(&reader);
}

int visits_fold(struct engine *engine, const uint8_t *payload, size_t len_bytes, uint64_t lsn)
{
    struct visits_state *visits = &engine->state.visits;
    struct visits_entry entry;

    if (!decode(payload, len_bytes, &entry)) {
        return -EBADMSG;
    }
    if (entry.has_rows) {
        visits->lsn = lsn;
        visits->date = entry.head.newest_date;
    }
    if (entry.from > visits->from) {
        visits->from = entry.from;
        if (engine->started) { /* while the ledger is read they go together, at its end */
            engine_destroy_keys(engine);
        }
    }
    return 0;
}

void visits_put_checkpoint(const struct engine *engine, struct bytes_writer *writer)
{
    const struct visits_state *visits = &engine->state.visits;
    uint8_t value[2 + 8 + 4 + 4];
    struct bytes_writer part = bytes_writer_over(value, sizeof(value));

    if (visits->from != 0) {
        bytes_put_u8(&part, FORM);
        bytes_put_u8(&part, VISITS_ITEM);
        bytes_put_u64(&part, visits->lsn);
        bytes_put_u32(&part, visits->date);
        bytes_put_u32(&part, visits->from);
        bytes_put_blob16(writer, value, part.len_bytes);
    }
}

bool visits_get_checkpoint(struct engine *engine, const uint8_t *value, size_t len_bytes)
{
    struct bytes_reader reader = bytes_reader_over(value, len_bytes);
    uint8_t form = bytes_get_u8(&reader);
    uint8_t kind = bytes_get_u8(&reader);
    struct visits_state visits = {.lsn = bytes_get_u64(&reader)};

    visits.date = bytes_get_u32(&reader);
    visits.from = bytes_get_u32(&reader);
    if (!bytes_finished(&reader) || form != FORM || kind != VISITS_ITEM ||
        key_day_of(visits.from) == 0) {
        return false;
    }
    engine->state.visits = visits;
    return true;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

struct visits_reading {
    struct engine *engine;
    struct statistics_chunk *chunk;
    bool open, found;
};

static bool open_rows(struct engine *engine, const struct visits_entry *entry,
                      const uint8_t *payload, struct statistics_chunk *chunk)
{
    struct crypto_key key;
    bool opened;

    if (entry->head.date < engine->state.visits.from ||
        !rows_key(engine, entry->key_unit, entry->head.date, &key)) {
        return false;
    }
    opened = crypto_open(engine->crypto, &key, payload, entry->head_len_bytes, entry->sealed,
                         entry->sealed_len_bytes, chunk->cells);
    crypto_forget(&key, sizeof(key));
    chunk->len_bytes = entry->sealed_len_bytes - ENTRY_SEAL_OVERHEAD_BYTES;
    return opened;
}

static bool read_chunk(void *context, const uint8_t *key, size_t key_len_bytes,
                       const uint8_t *value, size_t value_len_bytes)
{
    struct visits_reading *reading = context;
    struct visits_entry visits;
    struct entry entry;
    struct ids_hash hash;

    (void)key;
    (void)key_len_bytes;
    if (!entry_decode(value, value_len_bytes, &entry, &hash) || entry.kind != ENTRY_VISITS ||
        !decode(entry.payload, entry.payload_len_bytes, &visits) || !visits.has_rows) {
        return false;
    }
    reading->chunk->head = visits.head;
    reading->chunk->len_bytes = 0;
    reading->found =
        !reading->open || open_rows(reading->engine, &visits, entry.payload, reading->chunk);
    return false;
}

static bool chunk_at(struct engine *engine, uint64_t lsn, bool open,
                     struct statistics_chunk *ret_chunk)
{
    const struct cached_entry *slot = engine_cached(engine, lsn);
    struct visits_reading reading = {.engine = engine, .chunk = ret_chunk, .open = open};

    if (slot != NULL) {
        (void)read_chunk(&reading, NULL, 0, slot->bytes, slot->len_bytes);
        return reading.found;
    }
    if (lsn == 0 || lsn > engine->durable_lsn) {
        return false;
    }
    return engine->world.read_entries(engine->world.context, lsn, lsn, read_chunk, &reading) == 0 &&
           reading.found;
}

bool visits_head_at(struct engine *engine, uint64_t lsn, struct statistics_chunk *ret_chunk)
{
    return chunk_at(engine, lsn, false, ret_chunk);
}

bool visits_chunk_at(struct engine *engine, uint64_t lsn, struct statistics_chunk *ret_chunk)
{
    return chunk_at(engine, lsn, true, ret_chunk);
}

static bool is_known(struct engine *engine, const struct statistics_head *part)
{
    return statistics_is_known(engine, engine->state.visits.lsn, visits_head_at, part);
}

/* ---- writing ------------------------------------------------------------------------------------------- */

/* The first date that is kept when `newest` is the newest one. */
static uint32_t kept_from(const struct engine *engine, uint32_t newest)
{
    uint32_t from = calendar_date_plus(newest, -(int32_t)engine->options.keep_visits_days);

    return from > engine->state.visits.from ? from : engine->state.visits.from;
}

static void put_open(struct bytes_writer *writer, uint32_t from, bool has_rows)
{
    bytes_put_u8(writer, FORM);
    bytes_put_u32(writer, from);
    bytes_put_u8(writer, has_rows ? 1 : 0);
}

static void append_erasure(struct engine *engine, uint32_t from)
{
    uint8_t payload[OPEN_BYTES];
    struct bytes_writer writer = bytes_writer_over(payload, sizeof(payload));

    put_open(&writer, from, false);
    (void)engine_append(engine, ENTRY_VISITS, payload, writer.len_bytes, false, 0, NULL);
}

static void append_chunk(struct engine *engine, struct statistics_head head, const uint8_t *rows,
                         size_t len_bytes)
{
    const struct visits_state *visits = &engine->state.visits;
    uint32_t newest = head.date > visits->date ? head.date : visits->date;
    uint32_t from = kept_from(engine, newest), unit = make_key(engine, from);
    uint8_t payload[PAYLOAD_BYTES_MAX], bytes[STATISTICS_HEAD_BYTES], nonce[CRYPTO_NONCE_BYTES];
    struct bytes_writer writer = bytes_writer_over(payload, sizeof(payload));
    struct crypto_key key;

    if (head.date < from || !rows_key(engine, unit, head.date, &key)) {
        engine_log(engine, "rows of %u are not kept: they are too old, or there is no key",
                   head.date);
        return;
    }
    head.previous = visits->lsn;
    head.newest_date = newest;
    statistics_head_encode(&head, bytes);
    put_open(&writer, from, true);
    bytes_put(&writer, bytes, sizeof(bytes));
    bytes_put_u32(&writer, unit);
    CHECK(!writer.failed && writer.len_bytes == HEAD_BYTES_MAX);
    engine_random(engine, nonce, sizeof(nonce));
    crypto_seal(engine->crypto, &key, nonce, payload, writer.len_bytes, rows, len_bytes,
                payload + writer.len_bytes);
    crypto_forget(&key, sizeof(key));
    (void)engine_append(engine, ENTRY_VISITS, payload,
                        writer.len_bytes + len_bytes + ENTRY_SEAL_OVERHEAD_BYTES, false, 0, NULL);
}

typedef void chunk_fn(void *context, const struct statistics_head *head, const uint8_t *rows,
                      size_t len_bytes);

static void each_chunk(struct statistics_head head, const struct statistics_kept *rows,
                       size_t count, chunk_fn *each, void *context)
{
    uint8_t bytes[CELLS_BYTES_MAX];
    size_t at = 0;

    head.count = 0;
    do {
        (void)statistics_kept_encode(rows, count, &at, bytes, sizeof(bytes));
        head.count++;
    } while (at < count);
    at = 0;
    for (head.index = 0; head.index < head.count; head.index++) {
        size_t len_bytes = statistics_kept_encode(rows, count, &at, bytes, sizeof(bytes));

        each(context, &head, bytes, len_bytes);
    }
}

/* Parts, sets and what a part knows are those of the day's totals. */
static void each_part(struct engine *engine, chunk_fn *each, void *context)
{
    size_t count, begin = 0;
    struct statistics_fact *facts = statistics_facts(engine, true, &count);
    struct statistics_kept *rows = malloc((count + 1) * sizeof(*rows));
    struct statistics_head head = {.date = engine->queue->day.date};
    uint64_t set;

    CHECK_GIVEN(rows != NULL);
    memcpy(&set, engine->head.bytes, sizeof(set));
    do {
        size_t end = begin;

        head.part = begin < count ? facts[begin].part : 0;
        head.set = set + head.part;
        head.visits = 0;
        while (end < count && facts[end].part == head.part) {
            head.visits += facts[end++].first;
        }
        each_chunk(head, rows, statistics_keep(facts + begin, end - begin, rows), each, context);
        begin = end;
    } while (begin < count);
    free(rows);
    free(facts);
}

static void seal_chunk(void *context, const struct statistics_head *head, const uint8_t *rows,
                       size_t len_bytes)
{
    struct engine *engine = context;

    if (!is_known(engine, head)) {
        append_chunk(engine, *head, rows, len_bytes);
    }
}

void visits_seal(struct engine *engine)
{
    if (engine->options.keep_visits_days != 0) {
        each_part(engine, seal_chunk, engine);
    }
}

/* What is in force is known: a version that could not be read is no word that nothing is to be kept. */
static bool knows_the_switch(const struct engine *engine)
{
    return engine->site.version == engine->state.site.force.version;
}

void visits_turn(struct engine *engine)
{
    const struct visits_state *visits = &engine->state.visits;
    uint32_t from;

    if (visits->lsn == 0 || visits->date < visits->from || !knows_the_switch(engine)) {
        return;
    }
    from = engine->options.keep_visits_days == 0 ? calendar_date_plus(visits->date, 1)
                                                 : kept_from(engine, engine->level.today.date);
    if (from > visits->from) {
        append_erasure(engine, from);
    }
}

/* ---- a meeting ----------------------------------------------------------------------------------------- */

struct chunk_giving {
    statistics_give_fn *give;
    void *context;
    bool live; /* not sealed: whoever has the visits themselves does not want it */
};

static void give_chunk(void *context, const struct statistics_head *head, const uint8_t *rows,
                       size_t len_bytes)
{
    struct chunk_giving *giving = context;
    uint8_t item[STATISTICS_ITEM_BYTES_MAX] = {0, VISITS_ITEM, giving->live};
    struct statistics_head alone = *head;

    alone.previous = 0;
    alone.newest_date = alone.date;
    statistics_head_encode(&alone, item + STATISTICS_ITEM_HEAD_BYTES);
    memcpy(item + STATISTICS_ITEM_HEAD_BYTES + STATISTICS_HEAD_BYTES, rows, len_bytes);
    giving->give(giving->context, item,
                 STATISTICS_ITEM_HEAD_BYTES + STATISTICS_HEAD_BYTES + len_bytes);
    crypto_forget(item, sizeof(item));
}

/* As statistics_give_tail; rows travel opened, for the source has our tail's keys no more than our tail. */
void visits_give_tail(struct engine *engine, uint64_t after_lsn, statistics_give_fn *give,
                      void *context)
{
    const struct duty_word *peer = &engine->duty.peer;
    struct statistics_chunk *chunk = malloc(sizeof(*chunk));
    struct chunk_giving giving = {give, context, false};
    uint64_t lsns[CHUNKS_GIVEN_MAX], lsn = engine->state.visits.lsn;
    size_t count = 0;

    CHECK_GIVEN(chunk != NULL);
    while (lsn > after_lsn && count < CHUNKS_GIVEN_MAX && visits_head_at(engine, lsn, chunk)) {
        lsns[count++] = lsn;
        lsn = chunk->head.previous;
    }
    while (count > 0) {
        if (visits_chunk_at(engine, lsns[--count], chunk)) { /* else it is erased */
            give_chunk(&giving, &chunk->head, chunk->cells, chunk->len_bytes);
        }
    }
    crypto_forget(chunk, sizeof(*chunk));
    free(chunk);
    if (engine->options.keep_visits_days != 0 && statistics_has_visits(engine->queue->day.state) &&
        (peer->day != engine->queue->day.date || !statistics_has_visits(peer->day_state))) {
        giving.live = true;
        each_part(engine, give_chunk, &giving);
    }
}

static bool any_row(void *context, const struct statistics_kept *row)
{
    (void)context;
    (void)row;
    return true;
}

/* Not taken: rows of visits that are here themselves, or of an opening that was annulled here, which leaves none. */
bool visits_adopt(struct engine *engine, const uint8_t *item, size_t len_bytes)
{
    const struct queue_day *day = &engine->queue->day;
    const uint8_t *rows = item + STATISTICS_ITEM_HEAD_BYTES + STATISTICS_HEAD_BYTES;
    size_t head_len_bytes = (size_t)STATISTICS_ITEM_HEAD_BYTES + STATISTICS_HEAD_BYTES;
    struct statistics_head head;

    if (len_bytes < head_len_bytes || len_bytes > STATISTICS_ITEM_BYTES_MAX ||
        !statistics_head_decode(item + STATISTICS_ITEM_HEAD_BYTES, STATISTICS_HEAD_BYTES, &head) ||
        key_day_of(head.date) == 0 ||
        !statistics_kept_decode(rows, len_bytes - head_len_bytes, any_row, NULL)) {
        return false;
    }
    if (engine->options.keep_visits_days != 0 && head.date >= engine->state.visits.from &&
        !(item[STATISTICS_ITEM_LIVE_AT] != 0 && day->date == head.date &&
          (statistics_has_visits(day->state) || day->state == QUEUE_DAY_ANNULLED)) &&
        !is_known(engine, &head)) {
        append_chunk(engine, head, rows, len_bytes - head_len_bytes);
        engine->adopted_lsn = engine->last_lsn;
        engine->meeting.adopted_count++;
    }
    return true;
}
