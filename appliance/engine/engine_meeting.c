/*
 * A meeting (DESIGN 3 rule 5). The source drives, by asking; every question may be asked again, so a lost
 * frame costs MEETING_RETRY_MS.
 *
 *   source                                   other
 *   COMPARE  which entry do we share last?   GIVE    ended its session durably, answers
 *   ADOPT    your rows changed after it      GIVE    its rows, from memory
 *   FEED     take our ledger from there      STAGE   collects, verified, beside its old tail
 *                                            SWAP    old tail archived, ours in its place, one transaction
 *                                            FOLLOW  appends and acknowledges
 *   -> MEETING_READY, then duty mints
 *
 * What was adopted is durable on the source before the other may take its ledger (`until_lsn`), so
 * nothing is dropped whatever breaks in between; what was replaced stays in the other's archive, and the
 * source's ledger records its first and last lsn and head hash.
 */
#include "appliance/engine/engine_internal.h"

#include "base/check.h"

#include <errno.h>
#include <string.h>

enum { TAIL_PAYLOAD_BYTES = 4 + 8 + 8 + IDS_HASH_BYTES, SESSION_PAYLOAD_BYTES = 12 };

/* An encoded row, of either table, names its kind behind its version. */
enum { ROW_KIND_AT = 1 };

_Static_assert((int)SHIP_TAIL_ROWS_MAX *((int)ACCESS_ROW_BYTES_MAX + 4) <
                   (int)SHIP_FRAME_BYTES_MAX - 256,
               "a frame of the largest rows fits");

/* In a TAKE to a retired unit: your tail is adopted, keep nothing. */
enum { SALVAGED = 1 };

void meeting_break(struct engine *engine, const char *why)
{
    struct duty_event event = engine_duty_event(engine, DUTY_MEETING_BROKEN);

    engine_log(engine, "meeting broken off: %s", why);
    event.reason = DUTY_REASON_MEETING_BROKE;
    engine_tell_duty(engine, &event);
}

void meeting_end(struct engine *engine)
{
    struct meeting *meeting = &engine->meeting;
    struct bytes_buffer staged = meeting->staged;

    /* In a thread: nothing may be written any more to a ledger that is about to be replaced. */
    if (meeting->finishing) {
        engine_fail(engine, -ESTALE, "the meeting ended while a snapshot was put in place");
    }
    if (meeting->role == MEETING_SOURCE && engine->duty.state != DUTY_PAIRED_DUTY) {
        engine->shipping = false;
    }
    staged.len_bytes = 0;
    *meeting = (struct meeting){.staged = staged};
    engine->meeting_wanted = MEETING_NONE;
}

void meeting_begin(struct engine *engine, enum meeting_role role)
{
    struct meeting *meeting = &engine->meeting;

    meeting_end(engine);
    if (engine_is_swapping(engine)) {
        engine->meeting_wanted = role; /* the log that an earlier meeting gave us comes first */
        return;
    }
    meeting->role = role;
    meeting->began_ms = engine->now_ms;
    if (role == MEETING_OTHER) {
        meeting->step = STEP_GIVE;
        if (engine->session_open) {
            (void)engine_append(engine, ENTRY_SESSION_END, NULL, 0, false, 0, NULL);
            engine->session_open = false;
        }
        engine->tail_wanted = true;
        return;
    }
    meeting->step = STEP_COMPARE;
    meeting->high = (engine->last_lsn < engine->duty.peer.last_lsn ? engine->last_lsn
                                                                   : engine->duty.peer.last_lsn) +
                    1;
}

/* ---- source ------------------------------------------------------------------------------------ */

bool meeting_may_ask(struct engine *engine)
{
    struct meeting *meeting = &engine->meeting;

    if (meeting->asked_ms != 0 && engine->now_ms - meeting->asked_ms < MEETING_RETRY_MS) {
        return false;
    }
    meeting->asked_ms = engine->now_ms;
    return true;
}

static void record_replaced_tail(struct engine *engine)
{
    uint8_t payload[TAIL_PAYLOAD_BYTES];
    struct bytes_writer writer = bytes_writer_over(payload, sizeof(payload));

    bytes_put_u32(&writer, engine->duty.peer.unit);
    bytes_put_u64(&writer, engine->meeting.common_lsn + 1);
    bytes_put_u64(&writer, engine->duty.peer.last_lsn);
    bytes_put(&writer, engine->duty.peer.head.bytes, IDS_HASH_BYTES);
    (void)engine_append(engine, ENTRY_TAIL_REPLACED, payload, writer.len_bytes, false, 0, NULL);
}

/* Rule 5, "numbers after it": unless both disks are those that the newest term names and neither is
 * restored, plain numbers go on above every ceiling. Whose record is lost cannot know that it is not. */
static bool disks_are_the_named_ones(const struct engine *engine)
{
    const struct duty_term *term = &engine->state.term;

    if (engine->duty.peer.blank || engine->duty.peer.restored || engine->duty.word.restored ||
        engine->record.lost) {
        return false;
    }
    for (int i = 0; i < 2; i++) {
        if (term->units[i].unit == engine->duty.peer.unit &&
            ids_token_equal(&term->units[i].hardware, &engine->duty.peer.hardware)) {
            return true;
        }
    }
    return false;
}

static uint16_t highest_ceiling(const struct engine *engine, const struct queue_category *category)
{
    uint16_t highest = category->ceiling;

    if (engine->record.ceiling_day == queue_number_date(engine->queue) &&
        engine->record.ceilings[category->id - 1] > highest) {
        highest = engine->record.ceilings[category->id - 1];
    }
    if (engine->meeting.their_ceilings[category->id - 1] > highest) {
        highest = engine->meeting.their_ceilings[category->id - 1];
    }
    return highest;
}

/* Counts the gaps anew: a ticket that was adopted may have a number that an earlier meeting called a gap. */
static void skip_numbers(struct engine *engine, bool to_ceilings)
{
    const struct queue *queue = engine->queue;

    for (size_t i = 0; i < queue->config.category_count; i++) {
        const struct queue_category *category = &queue->categories[i];
        uint16_t highest = to_ceilings ? highest_ceiling(engine, category) : 0;
        struct queue_change change;

        queue_skip_numbers(queue, category->id, highest, engine->last_lsn + 1, &change);
        if (change.row_count > 0) {
            (void)engine_append_change(engine, &change, 0, NULL);
        }
    }
}

static void feed(struct engine *engine)
{
    struct meeting *meeting = &engine->meeting;
    struct ship_frame frame = {.kind = SHIP_TAKE,
                               .lsn = meeting->common_lsn,
                               .hash = meeting->common_hash,
                               .until_lsn = meeting->until_lsn};

    if (meeting->salvage) {
        frame.index = SALVAGED;
        if (engine->durable_lsn >= meeting->until_lsn && meeting_may_ask(engine)) {
            engine_send(engine, &frame);
        }
        return;
    }
    if (!meeting->taken) {
        if (engine->durable_lsn >= meeting->until_lsn && meeting_may_ask(engine)) {
            engine_send(engine, &frame);
            engine->shipping =
                true; /* not before: entries that nobody asked for are dropped there */
        }
        return;
    }
    if (!engine->duty.meeting_ready && engine->sender.acked_lsn >= meeting->until_lsn &&
        engine->last_lsn - engine->sender.acked_lsn <= FEED_LAG_ENTRIES &&
        !engine->duty.peer.unsound) {
        struct duty_event event = engine_duty_event(engine, DUTY_MEETING_READY);

        snapshot_discard(engine);
        engine_tell_duty(engine, &event);
    }
}

static void adopt_change(struct engine *engine, const struct queue_change *change)
{
    engine->adopted_lsn = engine_append_change(engine, change, 0, NULL);
}

static void adopt_counters(struct engine *engine)
{
    for (size_t i = 0; i < engine->meeting.their_counter_count; i++) {
        struct queue_origin here = engine_next_origin(engine);
        struct queue_change change;

        if (queue_join_counter(engine->queue, &engine->meeting.their_counters[i],
                               engine->meeting.common_lsn, &here, &change)) {
            adopt_change(engine, &change);
        }
    }
}

/* A unit's newest session stands in a tail that is replaced, or was forgotten by an older image of the disk: the
 * common ledger must know of it, or that unit would find its ledger behind its record at every start and be taken
 * for restored (rule 5). */
static void adopt_session(struct engine *engine, uint32_t unit, uint32_t day, uint32_t number)
{
    const struct unit_session *known = engine_session_of(engine, unit);
    uint8_t payload[SESSION_PAYLOAD_BYTES];
    struct bytes_writer writer = bytes_writer_over(payload, sizeof(payload));

    if (number == 0 ||
        (known != NULL && (known->day > day || (known->day == day && known->number >= number)))) {
        return;
    }
    bytes_put_u32(&writer, unit);
    bytes_put_u32(&writer, day);
    bytes_put_u32(&writer, number);
    (void)engine_append(engine, ENTRY_SESSION_END, payload, writer.len_bytes, false, 0, NULL);
}

static void begin_feed(struct engine *engine)
{
    const struct duty_word *peer = &engine->duty.peer;
    struct meeting *meeting = &engine->meeting;
    bool to_ceilings;

    adopt_counters(engine);
    adopt_session(engine, peer->unit, peer->session_day, peer->session);
    if (engine->record.unit == engine->options.duty.unit) {
        adopt_session(engine, engine->record.unit, engine->record.day, engine->record.session);
    }
    if (engine->duty.peer.last_lsn > meeting->common_lsn) {
        record_replaced_tail(engine);
    }
    to_ceilings = !meeting->salvage && !disks_are_the_named_ones(engine);
    if (to_ceilings || meeting->adopted_count > 0) {
        skip_numbers(engine, to_ceilings);
    }
    meeting->until_lsn = engine->last_lsn;
    if (!meeting->salvage && snapshot_is_worth_it(engine)) {
        snapshot_offer(engine);
        return;
    }
    engine_log(engine, "meeting: common lsn %llu, theirs %llu, ours %llu, adopted %llu",
               (unsigned long long)meeting->common_lsn,
               (unsigned long long)engine->duty.peer.last_lsn, (unsigned long long)engine->last_lsn,
               (unsigned long long)meeting->adopted_count);
    meeting->step = STEP_FEED;
    meeting->asked_ms = 0;
    meeting->until_lsn = engine->last_lsn;
    if (meeting->salvage) { /* nothing is given: no sender, no mint */
        return;
    }
    ship_sender_init(&engine->sender, meeting->common_lsn);
    feed(engine);
}

static void found_common(struct engine *engine, uint64_t lsn)
{
    struct meeting *meeting = &engine->meeting;

    meeting->common_lsn = lsn;
    meeting->asked_ms = 0;
    if (!engine_hash_at(engine, lsn, &meeting->common_hash)) {
        meeting_break(engine, "our own entry cannot be read");
        return;
    }
    if (engine->duty.peer.last_lsn > lsn || !disks_are_the_named_ones(engine)) {
        meeting->step = STEP_ADOPT; /* at least the ceilings that the other knows */
    } else {
        begin_feed(engine);
    }
}

static void compare(struct engine *engine)
{
    struct meeting *meeting = &engine->meeting;
    struct ship_frame frame = {.kind = SHIP_ASK_HASH};
    struct ids_hash ours;

    if (engine->duty.peer.last_lsn <= engine->last_lsn &&
        engine_hash_at(engine, engine->duty.peer.last_lsn, &ours) &&
        ids_hash_equal(&ours, &engine->duty.peer.head)) {
        found_common(engine, engine->duty.peer.last_lsn);
        return;
    }
    if (meeting->high - meeting->low <= 1) {
        found_common(engine, meeting->low);
        return;
    }
    if (meeting_may_ask(engine)) {
        meeting->asked_lsn = meeting->low + (meeting->high - meeting->low) / 2;
        frame.lsn = meeting->asked_lsn;
        engine_send(engine, &frame);
    }
}

static void take_hash(struct engine *engine, const struct ship_frame *frame)
{
    struct meeting *meeting = &engine->meeting;
    struct ids_hash ours;

    if (meeting->step != STEP_COMPARE || frame->lsn != meeting->asked_lsn) {
        return;
    }
    if (engine_hash_at(engine, frame->lsn, &ours) && ids_hash_equal(&ours, &frame->hash)) {
        meeting->low = frame->lsn;
    } else {
        meeting->high = frame->lsn;
    }
    meeting->asked_ms = 0;
    compare(engine);
}

/* Annulled here, and opened again behind a cut: there are visitors of it. Who does not know of the annulment
 * may have closed and opened it as often as he likes. */
static bool is_open_again_there(const struct queue_day *ours, const struct queue_day *theirs)
{
    return ours->state == QUEUE_DAY_ANNULLED && theirs->state == QUEUE_DAY_OPEN &&
           theirs->date == ours->date && theirs->annulled_date == theirs->date &&
           theirs->openings > ours->openings;
}

static void adopt_day(struct engine *engine, const struct queue_day *theirs)
{
    struct queue_origin here = engine_next_origin(engine);
    struct queue_change change;

    if ((theirs->state == QUEUE_DAY_OPEN && theirs->date > engine->queue->day.date) ||
        is_open_again_there(&engine->queue->day, theirs)) {
        (void)day_open(engine, theirs->date, 0);
    }
    if (queue_join_acceptance(engine->queue, theirs, engine->meeting.common_lsn, &here, &change)) {
        adopt_change(engine, &change);
    }
}

static void adopt_ticket(struct engine *engine, const struct queue_ticket *theirs)
{
    struct queue_origin here = engine_next_origin(engine);
    struct queue_change change;

    /* Of an annulled day the number alone is taken: it goes on, and is never given again. */
    if (theirs->day == engine->queue->day.date && engine->queue->day.state != QUEUE_DAY_ERASED &&
        queue_join_ticket(engine->queue, theirs, engine->duty.peer.unit, engine->meeting.common_lsn,
                          &here, engine->wall_ms, &change)) {
        adopt_change(engine, &change);
        engine->meeting.adopted_count++;
    }
}

static void adopt_key(struct engine *engine, const struct queue_row *row)
{
    struct queue_change change;

    if (queue_join_key(engine->queue, &row->key, &change)) {
        adopt_change(engine, &change);
    }
}

static void adopt_category(struct engine *engine, const struct queue_category *theirs)
{
    struct queue_origin here = engine_next_origin(engine);
    struct queue_change change;

    if (queue_join_category(engine->queue, theirs, engine->meeting.common_lsn, &here, &change)) {
        adopt_change(engine, &change);
    }
}

static void adopt_managed(struct engine *engine, const struct queue_row *row)
{
    struct queue_origin here = engine_next_origin(engine);
    uint64_t common_lsn = engine->meeting.common_lsn;
    struct queue_change change;

    if ((row->kind == QUEUE_ROW_NOTICE &&
         queue_join_notice(engine->queue, &row->notice, common_lsn, &here, &change)) ||
        (row->kind == QUEUE_ROW_SERVES &&
         queue_join_serves(engine->queue, &row->serves, common_lsn, &here, &change)) ||
        (row->kind == QUEUE_ROW_HOURS &&
         queue_join_hours(engine->queue, &row->hours, common_lsn, &here, &change))) {
        adopt_change(engine, &change);
    }
}

static void note_ceiling(struct engine *engine, const struct queue_category *theirs)
{
    uint16_t *ceiling = &engine->meeting.their_ceilings[theirs->id - 1];

    if (theirs->ceiling > *ceiling) {
        *ceiling = theirs->ceiling;
    }
}

static void adopt_row(struct engine *engine, const struct queue_row *row)
{
    switch ((enum queue_row_kind)row->kind) {
    case QUEUE_ROW_DAY:
        adopt_day(engine, &row->day);
        break;
    case QUEUE_ROW_CATEGORY:
        if (row->category.id >= 1 && row->category.id <= QUEUE_CATEGORIES_MAX) {
            note_ceiling(engine, &row->category);
            adopt_category(engine, &row->category);
        }
        break;
    case QUEUE_ROW_TICKET:
        adopt_ticket(engine, &row->ticket);
        break;
    case QUEUE_ROW_KEY:
        adopt_key(engine, row);
        break;
    case QUEUE_ROW_COUNTER:
        if (engine->meeting.their_counter_count < QUEUE_COUNTERS_MAX) {
            engine->meeting.their_counters[engine->meeting.their_counter_count++] = row->counter;
        }
        break;
    case QUEUE_ROW_NOTICE:
    case QUEUE_ROW_SERVES:
    case QUEUE_ROW_HOURS:
        adopt_managed(engine, row);
        break;
    case QUEUE_ROW_TOTALS:
        break; /* ours stay, and count what was adopted */
    }
}

/* Accounts, devices, sessions: a revocation on either side wins (rule 5). */
static bool adopt_access(struct engine *engine, const uint8_t *item, size_t len_bytes)
{
    struct access_change change;
    struct access_row row;

    if (!access_row_decode(item, len_bytes, &row)) {
        return false;
    }
    if (access_join(engine->access, &row, engine->last_lsn + 1, engine->wall_ms, &change)) {
        engine->adopted_lsn = access_append(engine, &change, 0);
        engine->meeting.adopted_count++;
    }
    return true;
}

static bool adopt_item(struct engine *engine, const uint8_t *item, size_t len_bytes)
{
    struct queue_row row;

    if (len_bytes > ROW_KIND_AT && item[ROW_KIND_AT] == STATISTICS_ITEM) {
        return statistics_adopt(engine, item, len_bytes);
    }
    if (len_bytes > ROW_KIND_AT && item[ROW_KIND_AT] == VISITS_ITEM) {
        return visits_adopt(engine, item, len_bytes);
    }
    if (len_bytes > ROW_KIND_AT && item[ROW_KIND_AT] >= ACCESS_ROW_ACCOUNT) {
        return adopt_access(engine, item, len_bytes);
    }
    if (!queue_row_decode(item, len_bytes, &row)) {
        return false;
    }
    adopt_row(engine, &row);
    return true;
}

static void take_tail(struct engine *engine, const struct ship_frame *frame)
{
    struct meeting *meeting = &engine->meeting;
    struct bytes_reader body = bytes_reader_over(frame->body, frame->body_len_bytes);

    if (meeting->step != STEP_ADOPT || frame->lsn != meeting->common_lsn ||
        frame->index != meeting->tail_index) {
        return;
    }
    for (uint32_t i = 0; i < frame->count; i++) {
        size_t len_bytes;
        const uint8_t *item = ship_body_next(&body, &len_bytes);

        if (!adopt_item(engine, item, len_bytes)) {
            meeting_break(engine, "a row of the other's tail cannot be read");
            return;
        }
    }
    meeting->tail_index += frame->count;
    meeting->asked_ms = 0;
    if (!frame->more) {
        begin_feed(engine);
    }
}

static void ask_tail(struct engine *engine)
{
    struct ship_frame frame = {.kind = SHIP_ASK_TAIL,
                               .lsn = engine->meeting.common_lsn,
                               .index = engine->meeting.tail_index};

    if (meeting_may_ask(engine)) {
        engine_send(engine, &frame);
    }
}

void meeting_turn(struct engine *engine)
{
    if (engine->meeting_wanted != MEETING_NONE && !engine_is_swapping(engine)) {
        meeting_begin(engine, engine->meeting_wanted);
    }
    if (engine->meeting.role == MEETING_OTHER && engine->meeting.step == STEP_SWAP) {
        meeting_swap(engine);
    }
    if (!engine->duty.agreed) {
        return;
    }
    if (engine->meeting.role == MEETING_OTHER) {
        snapshot_turn(engine);
    }
    if (engine->meeting.role != MEETING_SOURCE) {
        return;
    }
    switch (engine->meeting.step) {
    case STEP_COMPARE:
        compare(engine);
        break;
    case STEP_ADOPT:
        ask_tail(engine);
        break;
    case STEP_OFFER:
        snapshot_turn(engine);
        break;
    case STEP_FEED:
        feed(engine);
        break;
    case STEP_RECEIVE:
    case STEP_FINISH:
    case STEP_GIVE:
    case STEP_STAGE:
    case STEP_SWAP:
    case STEP_FOLLOW:
        CHECK(!"a source does not do what the other does");
    }
}

/* ---- other --------------------------------------------------------------------------------------- */

static void give_hash(struct engine *engine, uint64_t lsn)
{
    struct ship_frame frame = {.kind = SHIP_HASH, .lsn = lsn};

    if (lsn <= engine->durable_lsn && engine_hash_at(engine, lsn, &frame.hash)) {
        engine_send(engine, &frame);
    }
}

struct tail_giving {
    struct bytes_writer body;
    uint64_t after_lsn;
    uint32_t skip, seen, count;
    bool more;
};

static bool row_is_of_tail(const struct queue_row *row, uint64_t after_lsn)
{
    switch ((enum queue_row_kind)row->kind) {
    case QUEUE_ROW_DAY:
    case QUEUE_ROW_CATEGORY:
        return true;
    case QUEUE_ROW_TICKET:
        return row->ticket.changed_lsn > after_lsn;
    case QUEUE_ROW_KEY:
        return row->key.lsn > after_lsn;
    case QUEUE_ROW_COUNTER:
        return row->counter.changed_lsn > after_lsn;
    case QUEUE_ROW_NOTICE:
        return row->notice.changed_lsn > after_lsn;
    case QUEUE_ROW_SERVES:
        return row->serves.changed_lsn > after_lsn;
    case QUEUE_ROW_HOURS:
        return row->hours.changed_lsn > after_lsn;
    case QUEUE_ROW_TOTALS:
        return false;
    }
    return false;
}

/* Is it this frame's turn? Behind the first that has no room none is. */
static bool gives(struct tail_giving *giving, size_t len_bytes)
{
    if (giving->seen++ < giving->skip) {
        return false;
    }
    if (giving->count == SHIP_TAIL_ROWS_MAX || giving->more ||
        giving->body.len_bytes + sizeof(uint32_t) + len_bytes > giving->body.capacity_bytes) {
        giving->more = true;
        return false;
    }
    giving->count++;
    return true;
}

static void give_row(void *context, const struct queue_row *before, const struct queue_row *after)
{
    struct tail_giving *giving = context;
    uint8_t bytes[QUEUE_ROW_BYTES_MAX];

    (void)before;
    if (row_is_of_tail(after, giving->after_lsn) && gives(giving, QUEUE_ROW_BYTES_MAX)) {
        ship_body_put(&giving->body, bytes, queue_row_encode(after, bytes, sizeof(bytes)));
        CHECK(!giving->body.failed);
    }
}

/* What access_join does not need is not given: it asks for nothing that was not changed since. */
static void give_access(void *context, const struct access_row *before,
                        const struct access_row *after)
{
    struct tail_giving *giving = context;
    uint8_t bytes[ACCESS_ROW_BYTES_MAX];

    (void)before;
    if (access_row_changed_lsn(after) > giving->after_lsn && gives(giving, ACCESS_ROW_BYTES_MAX)) {
        ship_body_put(&giving->body, bytes, access_row_encode(after, bytes, sizeof(bytes)));
        CHECK(!giving->body.failed);
    }
}

static void give_statistic(void *context, const uint8_t *item, size_t len_bytes)
{
    struct tail_giving *giving = context;

    if (gives(giving, len_bytes)) {
        ship_body_put(&giving->body, item, len_bytes);
        CHECK(!giving->body.failed);
    }
}

/* Rule 5, "of either ledger or store": our record knows of the source's day what our disk may have lost. */
static void give_store(struct engine *engine, struct tail_giving *giving)
{
    const struct engine_record *record = &engine->record;

    for (size_t i = 0; i < QUEUE_CATEGORIES_MAX; i++) {
        struct queue_row row = {.kind = QUEUE_ROW_CATEGORY};

        if (record->ceilings[i] != 0 && record->ceiling_day == engine->duty.peer.day) {
            row.category.id = (uint16_t)(i + 1);
            row.category.ceiling = record->ceilings[i];
            give_row(giving, NULL, &row);
        }
    }
}

static void give_tail(struct engine *engine, uint64_t after_lsn, uint32_t index)
{
    struct tail_giving giving = {
        .body = bytes_writer_over(engine->body, SHIP_FRAME_BYTES_MAX - 256),
        .after_lsn = after_lsn,
        .skip = index,
    };
    struct ship_frame frame = {.kind = SHIP_TAIL, .lsn = after_lsn, .index = index};

    give_store(engine, &giving);
    queue_for_each_row(engine->queue, give_row, &giving);
    access_for_each_row(engine->access, give_access, &giving);
    statistics_give_tail(engine, after_lsn, give_statistic, &giving);
    visits_give_tail(engine, after_lsn, give_statistic, &giving);
    frame.count = giving.count;
    frame.more = giving.more;
    frame.body = engine->body;
    frame.body_len_bytes = giving.body.len_bytes;
    engine_send(engine, &frame);
}

static void take_order(struct engine *engine, const struct ship_frame *frame)
{
    struct meeting *meeting = &engine->meeting;
    struct ids_hash ours;

    if (meeting->step != STEP_GIVE) {
        engine->acked_at_once_lsn = UINT64_MAX; /* it has not heard us: say it again */
        return;
    }
    if (!engine_hash_at(engine, frame->lsn, &ours) || !ids_hash_equal(&ours, &frame->hash)) {
        meeting_break(engine, "the source names a common entry that is not ours");
        return;
    }
    if (meeting->salvage != (frame->index == SALVAGED)) {
        return;
    }
    if (engine_is_blank(engine)) { /* durable with the first entry it takes: rule 11, INCOMPLETE */
        engine->joins_at_term = engine->duty.peer.highest_term + 1;
    }
    meeting->common_lsn = frame->lsn;
    meeting->until_lsn = frame->until_lsn;
    if (meeting->salvage) { /* all that only we held is durable there: we are blank (rule 11) */
        meeting->common_lsn = meeting->staged_last = 0;
        meeting->staged.len_bytes = 0;
        meeting->step = STEP_SWAP;
        return;
    }
    engine->acked_at_once_lsn = UINT64_MAX;
    if (engine->last_lsn == frame->lsn) {
        meeting->step = STEP_FOLLOW;
        return;
    }
    meeting->step = STEP_STAGE;
    meeting->staged_last = frame->lsn;
    meeting->staged_hash = frame->hash;
    meeting->staged.len_bytes = 0;
}

static bool stage_entry(struct engine *engine, const uint8_t *item, size_t len_bytes)
{
    struct meeting *meeting = &engine->meeting;
    struct ids_hash hash, computed;
    struct bytes_writer writer;
    struct entry entry;

    if (!entry_decode(item, len_bytes, &entry, &hash)) {
        return false;
    }
    if (entry.lsn <= meeting->staged_last) {
        return true;
    }
    crypto_chain(engine->crypto, &meeting->staged_hash, item, len_bytes - IDS_HASH_BYTES,
                 &computed);
    if (entry.lsn != meeting->staged_last + 1 || !ids_hash_equal(&computed, &hash) ||
        meeting->staged.len_bytes + len_bytes + 4 > ENGINE_STAGING_BYTES_MAX) {
        return false;
    }
    writer = bytes_writer_over(buffer_extend(&meeting->staged, len_bytes + 4), len_bytes + 4);
    ship_body_put(&writer, item, len_bytes);
    CHECK(!writer.failed);
    meeting->staged_last = entry.lsn;
    meeting->staged_hash = hash;
    return true;
}

/* Received and verified, but nothing more durable than what we share: it only opens the window. */
static void tell_staged(struct engine *engine)
{
    struct ship_frame frame = {.kind = SHIP_ACK,
                               .lsn = engine->meeting.common_lsn,
                               .until_lsn = engine->meeting.staged_last,
                               .term = engine->state.term.number};

    if (engine_hash_at(engine, frame.lsn, &frame.hash)) {
        engine_send(engine, &frame);
    }
}

bool meeting_takes_entries(struct engine *engine, const struct ship_frame *frame)
{
    struct meeting *meeting = &engine->meeting;
    struct bytes_reader body = bytes_reader_over(frame->body, frame->body_len_bytes);

    if (meeting->role != MEETING_OTHER || meeting->step != STEP_STAGE ||
        frame->lsn > meeting->staged_last + 1) {
        return false;
    }
    engine_take_keys(engine, frame, true);
    for (uint32_t i = 0; i < frame->count; i++) {
        size_t len_bytes;
        const uint8_t *item = ship_body_next(&body, &len_bytes);

        if (!stage_entry(engine, item, len_bytes)) {
            meeting_break(engine, "an entry to be staged does not fit");
            return false;
        }
    }
    tell_staged(engine);
    if (meeting->staged_last >= meeting->until_lsn) {
        meeting->step = STEP_SWAP;
        meeting_swap(engine);
    }
    return true;
}

/* One transaction: our old tail goes to the archive, theirs takes its place, and the rows are cleared;
 * a crash on either side of it leaves a whole ledger. */
void meeting_swap(struct engine *engine)
{
    struct meeting *meeting = &engine->meeting;

    if (engine->in_flight || engine->failure != 0) {
        return;
    }
    engine_submit_swap(engine, meeting->common_lsn + 1, &meeting->staged, meeting->staged_last);
}

void meeting_stored(struct engine *engine)
{
    struct meeting *meeting = &engine->meeting;

    int r = engine_reload(engine);

    if (r <
        0) { /* what is in memory is no longer what is on disk: nothing may be computed from it */
        if (engine->failure == 0) {
            engine_fail(engine, r, "the ledger that took our tail's place cannot be read");
        }
        return;
    }
    engine_log(engine, "meeting: our tail after lsn %llu is archived, lsn is now %llu",
               (unsigned long long)meeting->common_lsn, (unsigned long long)engine->last_lsn);
    if (meeting->role == MEETING_OTHER && meeting->step == STEP_SWAP) {
        meeting->step = STEP_FOLLOW;
    }
    engine->acked_at_once_lsn = UINT64_MAX;
    engine->event_due = true;
}

void meeting_frame(struct engine *engine, const struct ship_frame *frame)
{
    if (engine->meeting.role == MEETING_SOURCE) {
        if (frame->kind == SHIP_HASH) {
            take_hash(engine, frame);
        } else if (frame->kind == SHIP_TAIL) {
            take_tail(engine, frame);
        } else {
            snapshot_frame(engine, frame);
        }
    } else if (engine->meeting.role == MEETING_OTHER) {
        if (frame->kind == SHIP_ASK_HASH) {
            give_hash(engine, frame->lsn);
        } else if (frame->kind == SHIP_ASK_TAIL) {
            give_tail(engine, frame->lsn, frame->index);
        } else if (frame->kind == SHIP_TAKE) {
            take_order(engine, frame);
        } else {
            snapshot_frame(engine, frame);
        }
    }
}
