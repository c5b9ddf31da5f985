/*
 * A meeting's long way (DESIGN 3 rule 5): who is so far behind that the log would take longer than the whole
 * state takes a snapshot of the source's ledger instead. The source serves on meanwhile; what it writes after
 * the snapshot goes the short way, by the log, at the next meeting.
 *
 *   source                                   other
 *   OFFER    makes it, says size and hash    RECEIVE  asks for bytes, a window at a time; goes on where
 *            gives the bytes that are asked           it stopped when it is the same file (INCOMPLETE)
 *                                            FINISH   verified in a thread, put in place, starts anew
 *
 * The other's old ledger stays until the new one is complete; its tail goes into the new archive. A lost frame
 * costs MEETING_RETRY_MS. Day keys come with the offer and are durable before the ledger that needs them.
 */
#include "appliance/engine/engine_internal.h"

#include "appliance/engine/json.h"
#include "base/check.h"

#include <errno.h>
#include <string.h>

enum { WINDOW_BYTES = 8 * SHIP_SNAPSHOT_BYTES_MAX, PERCENT = 100, MS_PER_SECOND = 1000 };

/* ---- source ----------------------------------------------------------------------------------- */

static bool is_far(const struct engine *engine, uint64_t lsn)
{
    uint64_t limit = engine->options.snapshot_entries == 0 ? ENGINE_SNAPSHOT_ENTRIES
                                                           : engine->options.snapshot_entries;

    return engine->last_lsn - lsn > limit;
}

bool snapshot_is_worth_it(const struct engine *engine)
{
    return !engine->snapshot_unable && is_far(engine, engine->meeting.common_lsn);
}

void snapshot_discard(struct engine *engine)
{
    if (engine->snapshot.size_bytes != 0) {
        engine->snapshot = (struct snapshot){0};
        engine->world.snapshot_discard(engine->world.context);
    }
}

void snapshot_offer(struct engine *engine)
{
    engine_log(engine, "meeting: the other is %llu entries behind and gets a snapshot",
               (unsigned long long)(engine->last_lsn - engine->meeting.common_lsn));
    if (is_far(engine, engine->snapshot.last_lsn) ||
        engine->snapshot.last_lsn < engine->adopted_lsn) {
        /* An older one would not be enough; or it would take from the other what only it held, and leave that to
         * our disk alone. */
        snapshot_discard(engine);
    }
    engine->snapshot.began_ms = engine->now_ms;
    engine->snapshot.read_bytes = engine->snapshot.first_bytes = 0;
    engine->meeting.step = STEP_OFFER;
    engine->meeting.asked_ms = 0;
    snapshot_turn(engine);
}

static void make(struct engine *engine)
{
    struct snapshot *made = &engine->snapshot;
    int r;

    r = engine->world.snapshot_make(engine->world.context, &made->size_bytes, &made->last_lsn,
                                    &made->hash);
    if (r == -EINPROGRESS || r == -EBUSY) {
        made->size_bytes = 0;
        return;
    }
    if (r < 0) {
        made->size_bytes = 0;
        engine->snapshot_unable = true;
        meeting_break(engine, "no snapshot could be made");
    } else if (made->last_lsn < engine->meeting.until_lsn) {
        made->size_bytes = 0; /* begun in an older meeting: without what this one adopted */
    }
}

static void offer(struct engine *engine)
{
    struct ship_frame frame = {.kind = SHIP_OFFER,
                               .lsn = engine->snapshot.last_lsn,
                               .until_lsn = engine->snapshot.size_bytes,
                               .hash = engine->snapshot.hash};

    if (engine->durable_lsn < engine->meeting.until_lsn) {
        return; /* what was adopted is durable here before the other may give up its own, also to an older snapshot */
    }
    if (engine->snapshot.size_bytes == 0) {
        make(engine);
        return;
    }
    if (engine->snapshot.read_bytes == 0 && meeting_may_ask(engine)) {
        engine_add_keys(engine, &frame);
        engine_send(engine, &frame);
        crypto_forget(frame.keys, sizeof(frame.keys));
    }
}

static void give_bytes(struct engine *engine, const struct ship_frame *asked)
{
    uint64_t offset = asked->lsn;

    if (engine->meeting.step != STEP_OFFER || asked->until_lsn > engine->snapshot.size_bytes ||
        asked->until_lsn <= offset || asked->until_lsn - offset > WINDOW_BYTES) {
        return;
    }
    if (engine->snapshot.read_bytes == 0) {
        engine->snapshot.first_bytes = offset;
    }
    engine->snapshot.read_bytes = asked->until_lsn;
    while (offset < asked->until_lsn) {
        struct ship_frame frame = {.kind = SHIP_SNAPSHOT, .lsn = offset, .body = engine->body};
        size_t wanted_bytes = (size_t)(asked->until_lsn - offset);
        size_t len_bytes = 0;

        if (wanted_bytes > SHIP_SNAPSHOT_BYTES_MAX) {
            wanted_bytes = SHIP_SNAPSHOT_BYTES_MAX;
        }
        if (engine->world.snapshot_read(engine->world.context, offset, engine->body, wanted_bytes,
                                        &len_bytes) < 0 ||
            len_bytes == 0) {
            engine->snapshot.size_bytes = 0;
            meeting_break(engine, "the snapshot cannot be read");
            return;
        }
        frame.body_len_bytes = len_bytes;
        engine_send(engine, &frame);
        offset += len_bytes;
    }
}

/* ---- other ------------------------------------------------------------------------------------ */

static void ask_bytes(struct engine *engine)
{
    struct meeting *meeting = &engine->meeting;
    uint64_t left_bytes = meeting->receive_bytes - meeting->received_bytes;
    struct ship_frame frame = {
        .kind = SHIP_ASK_SNAPSHOT,
        .lsn = meeting->received_bytes,
        .until_lsn = meeting->received_bytes +
                     (left_bytes < WINDOW_BYTES ? left_bytes : (uint64_t)WINDOW_BYTES)};

    if (meeting_may_ask(engine)) {
        meeting->asked_bytes = frame.until_lsn;
        engine_send(engine, &frame);
    }
}

static void take_offer(struct engine *engine, const struct ship_frame *frame)
{
    struct meeting *meeting = &engine->meeting;

    if (meeting->step != STEP_GIVE || frame->until_lsn == 0) {
        return;
    }
    if (engine->world.incoming_begin(engine->world.context, frame->until_lsn, &frame->hash,
                                     &meeting->received_bytes) < 0) {
        meeting_break(engine, "a snapshot cannot be taken in here");
        return;
    }
    engine_take_keys(engine, frame, true);
    if (engine_is_blank(engine)) {
        engine->joins_at_term = engine->duty.peer.highest_term + 1;
    }
    engine_log(engine, "meeting: takes a snapshot of %llu bytes, %llu of them are here",
               (unsigned long long)frame->until_lsn, (unsigned long long)meeting->received_bytes);
    meeting->receive_bytes = frame->until_lsn;
    meeting->resumed_bytes = meeting->received_bytes;
    meeting->began_ms = engine->now_ms;
    meeting->step = meeting->received_bytes == meeting->receive_bytes ? STEP_FINISH : STEP_RECEIVE;
    meeting->asked_ms = 0;
}

static void take_bytes(struct engine *engine, const struct ship_frame *frame)
{
    struct meeting *meeting = &engine->meeting;

    if (meeting->step != STEP_RECEIVE || frame->lsn != meeting->received_bytes ||
        frame->body_len_bytes > meeting->receive_bytes - meeting->received_bytes) {
        return; /* of an older question, or the one before it is lost */
    }
    if (engine->world.incoming_write(engine->world.context, frame->lsn, frame->body,
                                     frame->body_len_bytes) < 0) {
        meeting_break(engine, "a snapshot cannot be written here");
        return;
    }
    meeting->received_bytes += frame->body_len_bytes;
    if (meeting->received_bytes == meeting->receive_bytes) {
        meeting->step = STEP_FINISH;
    }
    if (meeting->received_bytes >= meeting->asked_bytes) {
        meeting->asked_ms = 0; /* the next window at once */
    }
}

static void finish(struct engine *engine)
{
    uint8_t bytes[ENGINE_JOINS_BYTES_MAX];
    struct ledger_put joins;
    int r;

    if (!engine->meeting.record_told) {
        engine->meeting.record_told = true;
        engine_record_replaced(engine);
    }
    if (engine->in_flight || engine->keys_new_count > 0 || engine->record_dirty) {
        return; /* keys and record first */
    }
    (void)engine_joins_put(engine, bytes, &joins);
    r = engine->world.incoming_finish(engine->world.context, &joins, 1);
    if (r == -EINPROGRESS || r == -EBUSY) {
        engine->meeting.finishing = engine->meeting.finishing || r == -EINPROGRESS;
        return;
    }
    engine->meeting.finishing = false;
    if (r < 0) {
        meeting_break(engine, "the snapshot is not what was offered");
        return;
    }
    engine_fail(engine, -ESTALE, "a snapshot has taken the ledger's place: starts anew with it");
}

/* ---- both ------------------------------------------------------------------------------------- */

void snapshot_turn(struct engine *engine)
{
    if (engine->meeting.step == STEP_OFFER) {
        offer(engine);
    } else if (engine->meeting.step == STEP_RECEIVE) {
        ask_bytes(engine);
    } else if (engine->meeting.step == STEP_FINISH) {
        finish(engine);
    }
}

void snapshot_frame(struct engine *engine, const struct ship_frame *frame)
{
    if (engine->meeting.role == MEETING_SOURCE) {
        if (frame->kind == SHIP_ASK_SNAPSHOT) {
            give_bytes(engine, frame);
        }
    } else if (frame->kind == SHIP_OFFER) {
        take_offer(engine, frame);
    } else if (frame->kind == SHIP_SNAPSHOT) {
        take_bytes(engine, frame);
        snapshot_turn(engine);
    }
}

/* Bytes, percent, seconds left; null when no snapshot is on its way. */
void snapshot_put_progress(const struct engine *engine, struct json *json)
{
    const struct meeting *meeting = &engine->meeting;
    const struct snapshot *made = &engine->snapshot;
    bool gives = meeting->role == MEETING_SOURCE && meeting->step == STEP_OFFER;
    bool takes = meeting->role == MEETING_OTHER &&
                 (meeting->step == STEP_RECEIVE || meeting->step == STEP_FINISH);
    uint64_t size_bytes = gives ? made->size_bytes : meeting->receive_bytes;
    uint64_t done_bytes = gives ? made->read_bytes : meeting->received_bytes;
    uint64_t moved_bytes = done_bytes - (gives ? made->first_bytes : meeting->resumed_bytes);
    uint64_t took_ms = engine->now_ms - (gives ? made->began_ms : meeting->began_ms);

    if (!gives && !takes) {
        json_null(json, "snapshot");
        return;
    }
    json_open(json, "snapshot", '{');
    json_text(json, "step",
              takes && meeting->step == STEP_FINISH ? "verifying"
              : size_bytes == 0                     ? "making"
                                                    : "copying");
    json_number(json, "bytes", (int64_t)done_bytes);
    json_number(json, "total_bytes", (int64_t)size_bytes);
    json_number(json, "percent",
                size_bytes == 0 ? 0 : (int64_t)(done_bytes * PERCENT / size_bytes));
    if (moved_bytes == 0) {
        json_null(json, "seconds_left");
    } else {
        json_number(json, "seconds_left",
                    (int64_t)((size_bytes - done_bytes) * took_ms / moved_bytes / MS_PER_SECOND));
    }
    json_close(json, '}');
}
