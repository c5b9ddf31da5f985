/* A whole engine whose peer has lost its mind: it is authenticated and names the right contact, and says
 * whatever the input says. Each byte string is a story of words, frames, well chained entries, rows, requests,
 * evidence and time. The engine may refuse, give the contact up or end with an error; it must not crash, and
 * what it stores must stay one chain. */
#include "appliance/engine/api.h"
#include "appliance/engine/engine.h"
#include "base/check.h"
#include "storage/adapters/crypto.h"
#include "storage/entry/entry.h"
#include "storage/ship/ship.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    ENTRIES_MAX = 2048,
    STEPS_MAX = 400,
    ANSWERS_MAX = 64, /* stored batches that one event may lead to */
    OWN = 1,
    PEER = 2,
    KEYS_MAX = 16,
    META_BYTES = 128,
    RECORD_BYTES = 512,
};

enum story {
    RAW_FRAME,
    A_WORD,
    A_FRAME,
    AN_ENTRY,
    ROWS,
    A_REQUEST,
    TIME,
    EVIDENCE,
    STORY_KINDS,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct office {
    struct engine *engine;
    struct crypto *crypto;
    struct world world;
    struct queue_config config;
    struct calendar calendar;
    const struct ledger_batch *batch;
    struct {
        uint8_t *bytes;
        size_t len_bytes;
    } entries[ENTRIES_MAX];
    size_t entry_count;
    struct ids_hash head;
    struct ledger_day_key keys[KEYS_MAX];
    size_t key_count;
    uint8_t record[RECORD_BYTES];
    size_t record_len_bytes;
    uint64_t now_ms, drawn, sequence;
    uint8_t peer_hardware;
    bool over;
};

/* ---- its world ------------------------------------------------------------------------------------ */

static int world_store(void *context, const struct ledger_batch *batch)
{
    struct office *office = context;

    CHECK(office->batch == NULL);
    office->batch = batch;
    return 0;
}

static int world_read_entries(void *context, uint64_t from_lsn, uint64_t to_lsn,
                              ledger_each_fn *each, void *each_context)
{
    const struct office *office = context;

    for (uint64_t lsn = from_lsn; lsn <= to_lsn && lsn <= office->entry_count; lsn++) {
        uint8_t key[8];
        struct bytes_writer writer = bytes_writer_over(key, sizeof(key));

        bytes_put_u64(&writer, lsn);
        if (!each(each_context, key, sizeof(key), office->entries[lsn - 1].bytes,
                  office->entries[lsn - 1].len_bytes)) {
            break;
        }
    }
    return 0;
}

static int world_read_meta(void *context, const char *name, uint8_t *bytes, size_t capacity_bytes,
                           size_t *ret_len_bytes)
{
    (void)context;
    (void)name;
    (void)bytes;
    (void)capacity_bytes;
    (void)ret_len_bytes;
    return -ENOENT;
}

static int world_read_keys(void *context, struct ledger_day_key *keys, size_t max,
                           size_t *ret_count)
{
    const struct office *office = context;

    CHECK(office->key_count <= max);
    memcpy(keys, office->keys, office->key_count * sizeof(*keys));
    *ret_count = office->key_count;
    return 0;
}

static int world_read_record(void *context, uint8_t *bytes, size_t capacity_bytes,
                             size_t *ret_len_bytes)
{
    const struct office *office = context;

    if (office->record_len_bytes == 0) {
        return -ENOENT;
    }
    CHECK(office->record_len_bytes <= capacity_bytes);
    memcpy(bytes, office->record, office->record_len_bytes);
    *ret_len_bytes = office->record_len_bytes;
    return 0;
}

static void world_read_info(void *context, struct ledger_info *ret_info)
{
    const struct office *office = context;

    *ret_info = (struct ledger_info){.first_lsn = office->entry_count > 0,
                                     .last_lsn = office->entry_count,
                                     .head = office->head};
}

static int world_snapshot_make(void *context, uint64_t *ret_size_bytes, uint64_t *ret_last_lsn,
                               struct ids_hash *ret_hash)
{
    *ret_size_bytes = SHIP_SNAPSHOT_BYTES_MAX + 1;
    *ret_last_lsn = ((const struct office *)context)->entry_count;
    *ret_hash = (struct ids_hash){{1}};
    return 0;
}

static int world_snapshot_read(void *context, uint64_t offset_bytes, uint8_t *bytes,
                               size_t capacity_bytes, size_t *ret_len_bytes)
{
    (void)context;
    CHECK(capacity_bytes <= SHIP_SNAPSHOT_BYTES_MAX);
    *ret_len_bytes = offset_bytes < capacity_bytes ? capacity_bytes : 0;
    memset(bytes, 0, *ret_len_bytes);
    return 0;
}

static void world_nothing(void *context)
{
    (void)context;
}

static int world_incoming_begin(void *context, uint64_t size_bytes, const struct ids_hash *hash,
                                uint64_t *ret_have_bytes)
{
    (void)context;
    (void)size_bytes;
    (void)hash;
    *ret_have_bytes = 0;
    return 0;
}

static int world_incoming_write(void *context, uint64_t offset_bytes, const uint8_t *bytes,
                                size_t len_bytes)
{
    (void)context;
    (void)offset_bytes;
    CHECK(len_bytes == 0 || bytes[len_bytes - 1] <= UINT8_MAX); /* ASan: they are there */
    return 0;
}

static int world_incoming_finish(void *context, const struct ledger_put *metas, size_t meta_count)
{
    (void)context;
    CHECK(meta_count <= LEDGER_INCOMING_METAS_MAX);
    for (size_t i = 0; i < meta_count; i++) {
        CHECK(metas[i].value_len_bytes <= LEDGER_INCOMING_META_BYTES_MAX);
    }
    return -EBADMSG;
}

static int world_send(void *context, enum world_link link, const uint8_t *frame, size_t len_bytes)
{
    static struct ship_frame sent;

    (void)context;
    CHECK(link < WORLD_LINK_COUNT && ship_frame_decode(frame, len_bytes, &sent));
    return 0;
}

static void world_address(void *context, enum world_address order)
{
    (void)context;
    (void)order;
}

static void world_tickle(void *context, const uint8_t *connections, size_t len_bytes)
{
    (void)context;
    CHECK(len_bytes == 0 || connections[len_bytes - 1] <= UINT8_MAX);
}

static void world_reply(void *context, uint64_t client, const uint8_t *header,
                        size_t header_len_bytes, const uint8_t *body, size_t body_len_bytes)
{
    (void)context;
    (void)client;
    CHECK(header_len_bytes + body_len_bytes <= API_REPLY_BYTES_MAX && header[0] <= UINT8_MAX);
    CHECK(body_len_bytes == 0 || body[body_len_bytes - 1] <= UINT8_MAX);
}

static void world_random(void *context, void *bytes, size_t len_bytes)
{
    struct office *office = context;

    for (size_t i = 0; i < len_bytes; i++) {
        ((uint8_t *)bytes)[i] = (uint8_t)(++office->drawn * 37 >> 2);
    }
}

static void world_log(void *context, const char *line)
{
    (void)context;
    CHECK(strlen(line) > 0);
}

static const struct world world_of_all = {
    .store = world_store,
    .read_entries = world_read_entries,
    .read_meta = world_read_meta,
    .read_keys = world_read_keys,
    .read_record = world_read_record,
    .read_info = world_read_info,
    .snapshot_make = world_snapshot_make,
    .snapshot_read = world_snapshot_read,
    .snapshot_discard = world_nothing,
    .incoming_begin = world_incoming_begin,
    .incoming_write = world_incoming_write,
    .incoming_finish = world_incoming_finish,
    .send = world_send,
    .reset_links = world_nothing,
    .address = world_address,
    .tickle = world_tickle,
    .reply = world_reply,
    .random = world_random,
    .log = world_log,
};

/* ---- its disk: what is stored is one chain -------------------------------------------------------- */

static void entries_cut(struct office *office, uint64_t from_lsn)
{
    while (office->entry_count >= from_lsn && office->entry_count > 0) {
        free(office->entries[--office->entry_count].bytes);
    }
    office->head = (struct ids_hash){0};
    if (office->entry_count > 0) {
        memcpy(office->head.bytes,
               office->entries[office->entry_count - 1].bytes +
                   office->entries[office->entry_count - 1].len_bytes - IDS_HASH_BYTES,
               IDS_HASH_BYTES);
    }
}

static void entry_keep(struct office *office, const struct ledger_put *put)
{
    struct ids_hash stored, hash;
    struct entry entry;

    CHECK(entry_decode(put->value, put->value_len_bytes, &entry, &stored));
    CHECK(entry.lsn == office->entry_count + 1);
    crypto_chain(office->crypto, &office->head, put->value, put->value_len_bytes - IDS_HASH_BYTES,
                 &hash);
    CHECK(ids_hash_equal(&hash, &stored));
    if (office->entry_count == ENTRIES_MAX) {
        office->over = true;
        return;
    }
    uint8_t *bytes = malloc(put->value_len_bytes);
    CHECK(bytes != NULL);
    memcpy(bytes, put->value, put->value_len_bytes);
    office->entries[office->entry_count].bytes = bytes;
    office->entries[office->entry_count++].len_bytes = put->value_len_bytes;
    office->head = stored;
}

static void batch_keep(struct office *office, const struct ledger_batch *batch)
{
    for (size_t i = 0; i < batch->keys_new_count && office->key_count < KEYS_MAX; i++) {
        office->keys[office->key_count++] = batch->keys_new[i];
    }
    if (batch->truncate_from_lsn != 0) {
        entries_cut(office, batch->truncate_from_lsn);
    }
    for (size_t i = 0; i < batch->entry_count && !office->over; i++) {
        entry_keep(office, &batch->entries[i]);
    }
    if (batch->record != NULL) {
        CHECK(batch->record_len_bytes <= sizeof(office->record));
        memcpy(office->record, batch->record, batch->record_len_bytes);
        office->record_len_bytes = batch->record_len_bytes;
    }
}

static void step(struct office *office, struct engine_event *event)
{
    event->now_ms = office->now_ms;
    event->wall_ms = 1795478400000 + (int64_t)office->now_ms; /* 2026-11-24 09:00 in Japan */
    office->over = office->over || engine_step(office->engine, event) < 0;
    for (int i = 0; i < ANSWERS_MAX && office->batch != NULL && !office->over; i++) {
        const struct ledger_batch *batch = office->batch;
        struct engine_event stored = {
            .kind = ENGINE_STORED, .now_ms = event->now_ms, .wall_ms = event->wall_ms};

        office->batch = NULL;
        batch_keep(office, batch);
        office->over = office->over || engine_step(office->engine, &stored) < 0;
    }
}

/* ---- what the peer says --------------------------------------------------------------------------- */

static void frame_give(struct office *office, const uint8_t *bytes, size_t len_bytes)
{
    struct engine_event event = {.kind = ENGINE_FRAME};

    event.frame.link = WORLD_LINK_DIRECT;
    event.frame.bytes = bytes;
    event.frame.len_bytes = len_bytes;
    step(office, &event);
}

static void frame_send(struct office *office, struct ship_frame *frame)
{
    static uint8_t bytes[SHIP_FRAME_BYTES_MAX];
    const struct duty_word *said = &engine_duty(office->engine)->word;
    const struct duty_word *heard = &engine_duty(office->engine)->peer;

    frame->contact = (struct ship_contact){.process = heard->process,
                                           .contact = heard->contact,
                                           .heard_process = said->process,
                                           .heard_contact = said->contact};
    size_t len_bytes = ship_frame_encode(frame, bytes, sizeof(bytes));
    frame_give(office, bytes, len_bytes);
}

static uint64_t near_lsn(const struct office *office, uint8_t offset)
{
    return office->entry_count + offset < 128 ? offset : office->entry_count + offset - 128;
}

static void word_say(struct office *office, struct bytes_reader *reader)
{
    const struct duty_word *said = &engine_duty(office->engine)->word;
    struct duty_word word = {.place = PEER, .unit = PEER, .contact = 1, .process = 99};
    struct ship_frame frame = {.kind = SHIP_WORD};
    uint8_t bytes[1024];
    uint16_t bits = bytes_get_u16(reader);

    word.hardware.bytes[0] = office->peer_hardware;
    word.sequence = ++office->sequence;
    word.heard_process = (bits & 1) != 0 ? 0 : said->process;
    word.heard_contact = (bits & 2) != 0 ? 0 : said->contact;
    word.state = bytes_get_u8(reader) % DUTY_STATE_COUNT;
    word.serve = bytes_get_u8(reader) % 3;
    word.blank = (bits & 4) != 0;
    word.restored = (bits & 8) != 0;
    word.retired = (bits & 16) != 0;
    word.service_link = (bits & 32) != 0;
    word.leaving = (bits & 64) != 0;
    word.tail_closed = (bits & 128) != 0;
    word.unsound = (bits & 256) != 0;
    word.peer_retired = (bits & 512) != 0;
    word.service_link_ms = 10000;
    word.source = bytes_get_u8(reader) % 3;
    word.term = (bits & 1024) != 0 ? bytes_get_u8(reader) : said->term;
    word.term_duty_unit = 1 + bytes_get_u8(reader) % 2;
    word.highest_term = word.term;
    word.common_term = (bits & 2048) != 0 ? word.term : 0;
    word.common_duty_unit = word.term_duty_unit;
    word.last_lsn = (bits & 4096) != 0 ? near_lsn(office, bytes_get_u8(reader)) : said->last_lsn;
    word.head = (bits & 8192) != 0 ? (struct ids_hash){0} : office->head;
    word.digest = said->digest;
    word.contact = 1 + (bits >> 15);
    word.process += (bits & 16384) != 0;
    word.day = said->day;
    word.day_state = said->day_state;
    frame.body = bytes;
    frame.body_len_bytes = duty_word_encode(&word, bytes, sizeof(bytes));
    frame_send(office, &frame);
}

static void frame_say(struct office *office, struct bytes_reader *reader)
{
    struct ship_frame frame = {.kind = (uint8_t)(2 + bytes_get_u8(reader) % (SHIP_KIND_END - 2))};
    uint8_t bits = bytes_get_u8(reader);
    size_t len_bytes = 0;

    frame.lsn = near_lsn(office, bytes_get_u8(reader));
    frame.until_lsn = near_lsn(office, bytes_get_u8(reader));
    frame.index = bytes_get_u8(reader);
    frame.term = engine_duty(office->engine)->word.term;
    frame.hash = (bits & 1) != 0 ? (struct ids_hash){0} : office->head;
    frame.more = (bits & 2) != 0;
    if (frame.kind == SHIP_OFFER) {
        frame.until_lsn = (bits & 4) != 0 ? UINT64_MAX : 4096;
    }
    if (frame.kind == SHIP_CLIENTS || frame.kind == SHIP_SNAPSHOT) {
        frame.body = bytes_take_blob16(reader, &len_bytes);
        frame.body_len_bytes = frame.body == NULL ? 0 : len_bytes;
    }
    frame_send(office, &frame);
}

/* Chained to what this unit holds: the payload is what the input says, in the clear. */
static void entry_say(struct office *office, struct bytes_reader *reader)
{
    static uint8_t bytes[ENTRY_BYTES_MAX], items[SHIP_FRAME_BYTES_MAX];
    struct entry entry = {.unit = PEER};
    struct bytes_writer body = bytes_writer_over(items, sizeof(items));
    struct ship_frame frame = {.kind = SHIP_ENTRIES, .count = 1};
    size_t payload_bytes = 0;
    struct ids_hash hash;
    uint8_t bits = bytes_get_u8(reader);

    entry.kind = (uint16_t)(1 + bytes_get_u8(reader) % (ENTRY_KIND_END - 1));
    entry.lsn = office->entry_count + 1;
    entry.term = engine_duty(office->engine)->word.term;
    entry.session = bits & 3;
    entry.mark_lsn = bits & 4 ? office->entry_count : 0;
    entry.payload = bytes_take_blob16(reader, &payload_bytes);
    if (entry.payload == NULL) {
        return;
    }
    entry.payload_len_bytes = (uint16_t)payload_bytes;
    size_t len_bytes = entry_encode(&entry, bytes, sizeof(bytes) - IDS_HASH_BYTES);
    if (len_bytes == 0) {
        return;
    }
    crypto_chain(office->crypto, &office->head, bytes, len_bytes, &hash);
    memcpy(bytes + len_bytes, hash.bytes, IDS_HASH_BYTES);
    ship_body_put(&body, bytes, len_bytes + IDS_HASH_BYTES);
    frame.lsn = entry.lsn;
    frame.hash = office->head;
    frame.term = entry.term;
    frame.index = (bits & 8) != 0;
    frame.until_lsn = (bits & 8) != 0 ? entry.lsn : 0;
    frame.body = items;
    frame.body_len_bytes = body.len_bytes;
    frame_send(office, &frame);
}

static void rows_say(struct office *office, struct bytes_reader *reader)
{
    static uint8_t items[SHIP_FRAME_BYTES_MAX];
    struct bytes_writer body = bytes_writer_over(items, sizeof(items));
    struct ship_frame frame = {.kind = SHIP_TAIL};
    uint8_t bits = bytes_get_u8(reader);

    for (uint8_t i = 0; i < (bits & 3); i++) {
        size_t len_bytes = 0;
        const uint8_t *row = bytes_take_blob16(reader, &len_bytes);

        if (row != NULL) {
            ship_body_put(&body, row, len_bytes);
            frame.count++;
        }
    }
    frame.lsn = near_lsn(office, bytes_get_u8(reader));
    frame.index = (bits & 4) != 0 ? bytes_get_u8(reader) : 0;
    frame.more = (bits & 8) != 0;
    frame.body = items;
    frame.body_len_bytes = body.len_bytes;
    frame_send(office, &frame);
}

static void evidence_give(struct office *office, struct bytes_reader *reader)
{
    static const enum engine_event_kind kinds[] = {
        ENGINE_LINK,      ENGINE_PEER_PROCESS, ENGINE_SERVICE_LINK, ENGINE_PROBED,
        ENGINE_CONTESTED, ENGINE_CLIENT_GONE,  ENGINE_HEALTH,       ENGINE_CLOCK};
    uint8_t which = bytes_get_u8(reader);
    struct engine_event event = {.kind = kinds[which % ARRAY_COUNT(kinds)]};
    bool yes = which & 128;

    if (event.kind == ENGINE_LINK) {
        event.link.link = WORLD_LINK_DIRECT;
        event.link.up = yes;
    } else if (event.kind == ENGINE_PEER_PROCESS) {
        event.process = (enum duty_peer_process)(which / 8 % 4);
    } else if (event.kind == ENGINE_PROBED) {
        event.probe = (enum duty_probe)(which / 8 % 4);
    } else if (event.kind == ENGINE_HEALTH) {
        event.health.fit = yes;
        event.health.full = (which & 64) != 0;
    } else if (event.kind == ENGINE_CLIENT_GONE) {
        event.client = 1;
    } else if (event.kind == ENGINE_CONTESTED) {
        event.by_peer = yes;
    } else {
        event.level = yes;
    }
    step(office, &event);
}

static void happen(struct office *office, struct bytes_reader *reader)
{
    struct engine_event event = {.kind = ENGINE_TIMER};
    size_t len_bytes = 0;
    const uint8_t *bytes;

    switch ((enum story)(bytes_get_u8(reader) % STORY_KINDS)) {
    case RAW_FRAME:
        bytes = bytes_take_blob16(reader, &len_bytes);
        if (bytes != NULL) {
            frame_give(office, bytes, len_bytes);
        }
        break;
    case A_WORD:
        word_say(office, reader);
        break;
    case A_FRAME:
        frame_say(office, reader);
        break;
    case AN_ENTRY:
        entry_say(office, reader);
        break;
    case ROWS:
        rows_say(office, reader);
        break;
    case A_REQUEST:
        event.kind = ENGINE_REQUEST;
        event.request.client = 1;
        event.request.bytes = bytes_take_blob16(reader, &event.request.len_bytes);
        if (event.request.bytes != NULL) {
            step(office, &event);
        }
        break;
    case TIME:
        office->now_ms += 1 + bytes_get_u16(reader) % 40000;
        step(office, &event);
        break;
    case EVIDENCE:
        evidence_give(office, reader);
        break;
    case STORY_KINDS:
        break;
    }
}

/* ---- the office ----------------------------------------------------------------------------------- */

static void config_fill(struct queue_config *config)
{
    struct queue_category_config *category = &config->categories[0];
    struct queue_counter_config *counter = &config->counters[0];

    memset(config, 0, sizeof(*config));
    (void)strcpy(config->site_ja, "f");
    (void)strcpy(config->site_en, "f");
    config->category_count = config->counter_count = 1;
    category->id = counter->id = 1;
    (void)strcpy(category->name_ja, "c");
    (void)strcpy(category->name_en, "c");
    category->number_first = 1;
    category->number_last = 4999;
    category->service_ms_prior = 60000;
    (void)strcpy(counter->name_ja, "w");
    (void)strcpy(counter->name_en, "w");
    counter->category_count = 1;
    counter->categories[0].category = counter->categories[0].tier = 1;
    CHECK(queue_config_is_valid(config));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct office office;
    struct bytes_reader reader = bytes_reader_over(data, size);
    struct engine_options options = {.world = &office.world,
                                     .duty = {.unit = OWN, .peer_unit = PEER},
                                     .config = &office.config,
                                     .calendar = &office.calendar,
                                     .unit_name_ja = "",
                                     .unit_name_en = "",
                                     .peer_name_ja = "",
                                     .peer_name_en = "",
                                     .unit_address = "",
                                     .peer_address = ""};
    struct engine_event event = {.kind = ENGINE_START};
    uint8_t first = bytes_get_u8(&reader);

    memset(&office, 0, sizeof(office));
    config_fill(&office.config);
    calendar_init(&office.calendar);
    office.world = world_of_all;
    office.world.context = &office;
    office.crypto = crypto_create();
    office.now_ms = 1000;
    office.peer_hardware = first & 2 ? 7 : 0;
    office.engine = engine_create(&options);
    event.found = first & 1;
    step(&office, &event);
    for (int i = 0; i < STEPS_MAX && bytes_left(&reader) > 0 && !office.over; i++) {
        happen(&office, &reader);
    }
    engine_destroy(office.engine);
    entries_cut(&office, 1);
    crypto_destroy(office.crypto);
    return 0;
}
