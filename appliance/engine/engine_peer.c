/*
 * Shipping. The same frames carry a meeting's feed and the paired stream; what differs is only who may
 * append. Frames of another contact than the present one are dropped (rule 1).
 */
#include "appliance/engine/engine_internal.h"

#include "base/check.h"

#include <errno.h>
#include <string.h>

static struct ship_contact contact_of(const struct engine *engine)
{
    const struct duty_word *word = &engine->duty.word;

    return (struct ship_contact){.process = word->process,
                                 .contact = word->contact,
                                 .heard_process = word->heard_process,
                                 .heard_contact = word->heard_contact};
}

/* The direct link, unless only the other one has brought a word lately: a cable that was pulled is not told of
 * at once by the transport, and what goes down a dead link must not cost the contact. */
static enum world_link link_to_use(const struct engine *engine)
{
    bool speaks[WORLD_LINK_COUNT];

    for (int i = 0; i < WORLD_LINK_COUNT; i++) {
        speaks[i] = engine->now_ms - engine->heard_ms[i] < ENGINE_LINK_QUIET_MS;
    }
    return speaks[WORLD_LINK_SERVICE] && !speaks[WORLD_LINK_DIRECT] ? WORLD_LINK_SERVICE
                                                                    : WORLD_LINK_DIRECT;
}

void engine_send(struct engine *engine, struct ship_frame *frame)
{
    enum world_link link = link_to_use(engine);
    enum world_link other = link == WORLD_LINK_DIRECT ? WORLD_LINK_SERVICE : WORLD_LINK_DIRECT;
    size_t len_bytes;

    frame->contact = contact_of(engine);
    len_bytes = ship_frame_encode(frame, engine->frame, SHIP_FRAME_BYTES_MAX);
    CHECK(len_bytes > 0);
    if (engine->world.send(engine->world.context, link, engine->frame, len_bytes) < 0) {
        (void)engine->world.send(engine->world.context, other, engine->frame, len_bytes);
    }
}

void engine_send_word(struct engine *engine)
{
    uint8_t body[DUTY_WORD_BYTES_MAX];
    struct ship_frame frame = {.kind = SHIP_WORD};
    size_t len_bytes;

    engine->duty.word.wall_ms = engine->wall_ms;
    frame.body = body;
    frame.body_len_bytes = duty_word_encode(&engine->duty.word, body, sizeof(body));
    CHECK(frame.body_len_bytes > 0);
    frame.contact = contact_of(engine);
    len_bytes = ship_frame_encode(&frame, engine->frame, SHIP_FRAME_BYTES_MAX);
    for (int link = 0; link < WORLD_LINK_COUNT; link++) {
        (void)engine->world.send(engine->world.context, (enum world_link)link, engine->frame,
                                 len_bytes);
    }
}

void engine_tell_connections(struct engine *engine, const uint8_t *bytes, size_t len_bytes)
{
    struct ship_frame frame = {.kind = SHIP_CLIENTS, .body = bytes, .body_len_bytes = len_bytes};

    if (engine->duty.state == DUTY_PAIRED_DUTY && len_bytes > 0 &&
        len_bytes <= SHIP_CLIENTS_BYTES_MAX) {
        engine_send(engine, &frame);
    }
}

static void take_connections(struct engine *engine, const struct ship_frame *frame)
{
    if (engine->duty.state == DUTY_PAIRED_SPARE) {
        memcpy(engine->connections, frame->body, frame->body_len_bytes);
        engine->connections_len_bytes = frame->body_len_bytes;
    }
}

/* ---- sending ------------------------------------------------------------------------------------ */

struct gathering {
    struct bytes_writer body;
    uint32_t count;
    uint64_t last_lsn;
};

static bool gather_entry(void *context, const uint8_t *key, size_t key_len_bytes,
                         const uint8_t *value, size_t value_len_bytes)
{
    struct gathering *gathering = context;

    (void)key;
    (void)key_len_bytes;
    ship_body_put(&gathering->body, value, value_len_bytes);
    if (gathering->body.failed) {
        gathering->body.failed = false;
        return false;
    }
    gathering->count++;
    gathering->last_lsn++;
    return true;
}

/* Entries [first, last], as many as fit, from memory or from our own disk. */
static void gather_entries(struct engine *engine, uint64_t first_lsn, uint64_t last_lsn,
                           struct gathering *gathering)
{
    /* The frame's own header and the keys need their room. */
    size_t capacity_bytes = SHIP_FRAME_BYTES_MAX - 256 - SHIP_KEYS_MAX * sizeof(struct ship_key);

    *gathering = (struct gathering){.body = bytes_writer_over(engine->body, capacity_bytes),
                                    .last_lsn = first_lsn - 1};
    if (engine_cached(engine, first_lsn) == NULL) {
        uint64_t on_disk = last_lsn < engine->durable_lsn ? last_lsn : engine->durable_lsn;

        (void)engine->world.read_entries(engine->world.context, first_lsn, on_disk, gather_entry,
                                         gathering);
        return;
    }
    for (uint64_t lsn = first_lsn; lsn <= last_lsn; lsn++) {
        const struct cached_entry *slot = engine_cached(engine, lsn);

        if (slot == NULL || !gather_entry(gathering, NULL, 0, slot->bytes, slot->len_bytes)) {
            return;
        }
    }
}

void engine_add_keys(const struct engine *engine, struct ship_frame *frame)
{
    for (size_t i = 0; i < engine->key_count && i < SHIP_KEYS_MAX; i++) {
        frame->keys[i] =
            (struct ship_key){.day = engine->keys[i].day, .unit = engine->keys[i].unit};
        memcpy(frame->keys[i].bytes, engine->keys[i].key.bytes, SHIP_KEY_BYTES);
        frame->key_count = (uint8_t)(i + 1);
    }
}

void engine_ship(struct engine *engine)
{
    uint64_t head_lsn =
        engine->gather_from - 1; /* what is submitted here: both disks work at once */
    uint64_t first_lsn, last_lsn;

    if (!engine->shipping || !engine->duty.agreed) {
        return;
    }
    if (engine->ship_gate != 0) {
        if (engine->durable_lsn < engine->mint_lsn && head_lsn >= engine->ship_gate) {
            head_lsn = engine->ship_gate - 1; /* a term is durable here first (rule 5) */
        }
    }
    while (ship_sender_next(&engine->sender, head_lsn, engine->now_ms, &first_lsn, &last_lsn)) {
        struct ship_frame frame = {.kind = SHIP_ENTRIES, .lsn = first_lsn};
        struct gathering gathering;

        gather_entries(engine, first_lsn, last_lsn, &gathering);
        if (gathering.count == 0 || !engine_hash_at(engine, first_lsn - 1, &frame.hash)) {
            return;
        }
        frame.term = engine->state.term.number;
        frame.index = engine->mint_lsn != 0 ? 1 : 0;
        frame.until_lsn = engine->mint_lsn;
        frame.count = gathering.count;
        frame.body = engine->body;
        frame.body_len_bytes = gathering.body.len_bytes;
        engine_add_keys(engine, &frame);
        engine_send(engine, &frame);
        crypto_forget(frame.keys, sizeof(frame.keys));
        ship_sender_sent(&engine->sender, gathering.last_lsn, engine->now_ms);
    }
}

/* Writes the term and the ceilings that it names: durable here first, then there (rule 5). */
void engine_mint(struct engine *engine, const struct duty_term *term)
{
    uint8_t payload[DUTY_TERM_BYTES_MAX];
    size_t len_bytes = duty_term_encode(term, payload, sizeof(payload));

    CHECK(len_bytes > 0);
    engine->ship_gate = engine->last_lsn + 1;
    (void)engine_append(engine, ENTRY_TERM, payload, len_bytes, false, 0, NULL);
    day_raise_ceilings(engine);
    engine->mint_lsn = engine->last_lsn;
}

/* ---- receiving entries --------------------------------------------------------------------------- */

static bool follows(const struct engine *engine)
{
    return engine->duty.state == DUTY_PAIRED_SPARE ||
           (engine->meeting.role == MEETING_OTHER && engine->meeting.step == STEP_FOLLOW);
}

static void broken(struct engine *engine, const char *why)
{
    struct duty_event event = engine_duty_event(engine, DUTY_CONTACT_BROKEN);

    if (engine->failure != 0) {
        return; /* our own disk did not answer: nothing is begun any more, this process ends */
    }
    engine_log(engine, "contact given up: %s", why);
    event.reason = DUTY_REASON_NO_ACKNOWLEDGEMENT;
    engine_tell_duty(engine, &event);
}

static void take_entries(struct engine *engine, const struct ship_frame *frame)
{
    struct bytes_reader body = bytes_reader_over(frame->body, frame->body_len_bytes);
    uint64_t lsn = frame->lsn;

    if (lsn > engine->last_lsn + 1 ||
        engine->last_lsn + frame->count >= engine->durable_lsn + ENGINE_CACHE_ENTRIES) {
        return; /* a gap, or more than our disk keeps up with: it is sent again */
    }
    engine_take_keys(engine, frame, false);
    for (uint32_t i = 0; i < frame->count; i++, lsn++) {
        size_t len_bytes;
        const uint8_t *item = ship_body_next(&body, &len_bytes);
        struct ids_hash ours;

        if (lsn > engine->last_lsn) {
            uint8_t day_before = engine->queue->day.state;
            int r = engine_append_foreign(engine, item, len_bytes);

            if (r < 0) {
                broken(engine, "an entry does not fit the chain");
                return;
            }
            if (engine->queue->day.state != day_before) { /* an annulled date opens again */
                engine_take_keys(engine, frame, false);
            }
        } else if (len_bytes < IDS_HASH_BYTES || !engine_hash_at(engine, lsn, &ours) ||
                   memcmp(ours.bytes, item + len_bytes - IDS_HASH_BYTES, IDS_HASH_BYTES) != 0) {
            broken(engine, "an entry differs from ours at the same lsn");
            return;
        }
    }
    if (frame->index == 1 && frame->until_lsn > engine->durable_lsn) {
        engine->obey_lsn = frame->until_lsn;
    }
    if (frame->lsn + frame->count - 1 <= engine->durable_lsn) {
        engine->acked_at_once_lsn =
            UINT64_MAX; /* all known: our acknowledgement was lost, say it again */
    }
}

/* A hand-over that we obeyed, whose giver has not heard us: only what both have is named. */
static void acknowledge_again(struct engine *engine, uint64_t lsn)
{
    struct ship_frame frame = {
        .kind = SHIP_ACK, .lsn = lsn, .until_lsn = lsn, .term = engine->state.term.number};

    if (engine_hash_at(engine, lsn, &frame.hash)) {
        engine_send(engine, &frame);
    }
}

static void acknowledge(struct engine *engine)
{
    struct ship_frame frame = {.kind = SHIP_ACK, .lsn = engine->durable_lsn};

    engine->acked_at_once_lsn = engine->durable_lsn;
    frame.until_lsn = engine->last_lsn;
    frame.term = engine->state.term.number;
    frame.hash = engine->durable_hash;
    engine_send(engine, &frame);
}

void engine_acknowledge(struct engine *engine)
{
    if (follows(engine) && engine->duty.agreed &&
        engine->acked_at_once_lsn != engine->durable_lsn) {
        acknowledge(engine);
    }
}

/* ---- receiving acknowledgements ------------------------------------------------------------------- */

static void take_acknowledgement(struct engine *engine, const struct ship_frame *frame)
{
    struct ids_hash ours;

    if (!engine->shipping) {
        return;
    }
    if (frame->lsn > engine->last_lsn || !engine_hash_at(engine, frame->lsn, &ours) ||
        !ids_hash_equal(&ours, &frame->hash)) {
        broken(engine, "an acknowledgement names another chain");
        return;
    }
    (void)ship_sender_acked(&engine->sender, frame->lsn, frame->until_lsn, engine->now_ms);
    if (engine->meeting.role == MEETING_SOURCE && frame->until_lsn >= engine->meeting.until_lsn) {
        engine->meeting.taken = true;
    }
    engine_note_both(engine);
}

void engine_note_both(struct engine *engine)
{
    uint64_t both_lsn = engine->sender.acked_lsn < engine->durable_lsn ? engine->sender.acked_lsn
                                                                       : engine->durable_lsn;

    if (!engine->shipping || !engine->duty.agreed) {
        return;
    }
    if (both_lsn > engine->both_lsn) {
        engine->both_lsn = both_lsn;
    }
    if (engine->mint_lsn != 0 && both_lsn >= engine->mint_lsn) {
        struct duty_event event = engine_duty_event(engine, DUTY_TERM_CONFIRMED);

        engine->mint_lsn = 0;
        engine->ship_gate = 0;
        event.term = engine->state.term;
        engine_tell_duty(engine, &event);
    }
}

static void check_digest(struct engine *engine, const struct duty_word *word)
{
    struct ids_hash ours;

    if (!duty_is_paired(&engine->duty) || word->last_lsn != engine->durable_lsn || word->blank ||
        !ids_hash_equal(&word->head, &engine->durable_hash)) {
        return;
    }
    engine_digest_of(engine->durable_digest, &ours);
    if (!ids_hash_equal(&ours, &word->digest)) {
        engine_fail(engine, -EUCLEAN, "the states of the two units differ at one lsn");
    }
}

static void take_word(struct engine *engine, const struct ship_frame *frame)
{
    struct duty_event event = engine_duty_event(engine, DUTY_WORD);

    if (!duty_word_decode(frame->body, frame->body_len_bytes, &event.word) ||
        event.word.place != engine->options.duty.peer_place) {
        return;
    }
    check_digest(engine, &event.word);
    engine_tell_duty(engine, &event);
}

void engine_on_frame(struct engine *engine, const uint8_t *bytes, size_t len_bytes)
{
    struct ship_frame frame;
    const struct duty_word *word = &engine->duty.word;

    if (!ship_frame_decode(bytes, len_bytes, &frame)) {
        return;
    }
    if (frame.kind == SHIP_WORD) {
        take_word(engine, &frame);
        return;
    }
    if (!engine->duty.agreed || frame.contact.process != word->heard_process ||
        frame.contact.contact != word->heard_contact ||
        frame.contact.heard_process != word->process ||
        frame.contact.heard_contact != word->contact) {
        return;
    }
    if (frame.kind == SHIP_ENTRIES) {
        if (follows(engine)) {
            take_entries(engine, &frame);
        } else if (engine->duty.state == DUTY_PAIRED_DUTY && frame.index == 1 &&
                   frame.until_lsn <= engine->durable_lsn) {
            acknowledge_again(engine, frame.until_lsn);
        } else {
            (void)meeting_takes_entries(engine, &frame);
        }
    } else if (frame.kind == SHIP_ACK) {
        take_acknowledgement(engine, &frame);
    } else if (frame.kind == SHIP_CLIENTS) {
        take_connections(engine, &frame);
    } else if (frame.kind == SHIP_ERASED) {
        erasure_frame(engine, &frame);
    } else {
        meeting_frame(engine, &frame);
    }
}
