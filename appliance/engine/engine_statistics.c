/*
 * Statistics that outlive the visits. Right before a day's visits are erased, or taken back because the day was a
 * mistake, the unit that writes that entry writes what they come to (ENTRY_STATISTIC), in the same turn. It is a pure
 * function of the state, which both units have; it names nobody and is in clear. Each such entry names the one before
 * it, so that a question finds its days without walking the ledger; the state keeps the newest one's lsn alone.
 *
 * A set of chunks is written for a part of a day only when it knows more visits than the newest one does: written
 * again after a crash, or joined at a meeting twice, it is there once.
 */
#include "appliance/engine/engine_statistics.h"

#include "base/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    CELLS_BYTES_MAX = STATISTICS_CHUNK_BYTES_MAX - STATISTICS_HEAD_BYTES,
    CHUNKS_GIVEN_MAX = 512,
};

_Static_assert((int)QUEUE_CATEGORIES_MAX == (int)STATISTICS_CATEGORIES_MAX &&
                   (int)QUEUE_LEGS_MAX + 1 == (int)STATISTICS_LEGS_MAX,
               "both speak of the same visits");
_Static_assert((int)STATISTICS_CHUNK_BYTES_MAX <= (int)ENTRY_PAYLOAD_BYTES_MAX,
               "an entry holds a chunk");

/* ---- the day's visits -------------------------------------------------------------------------------- */

static enum statistics_end end_of(const struct queue_ticket *ticket, bool closing)
{
    if (!queue_ticket_has_arrived(ticket)) {
        return STATISTICS_NOT_A_VISIT; /* nobody came: of this nothing but the count outlives the day */
    }
    switch ((enum queue_ticket_state)ticket->state) {
    case QUEUE_DONE:
        return STATISTICS_SERVED;
    case QUEUE_CANCELLED:
        return ticket->outcome == QUEUE_OUTCOME_JOINED ? STATISTICS_NOT_A_VISIT
                                                       : STATISTICS_CANCELLED;
    case QUEUE_NO_SHOW:
        return STATISTICS_NO_SHOW;
    case QUEUE_EXPIRED:
        return STATISTICS_EXPIRED;
    case QUEUE_VOID:
    case QUEUE_EXPECTED:
        return STATISTICS_NOT_A_VISIT;
    case QUEUE_ISSUING:
    case QUEUE_ABSENT:
        return closing ? STATISTICS_NO_SHOW : STATISTICS_OPEN;
    case QUEUE_WAITING:
    case QUEUE_CALLED:
    case QUEUE_SERVING:
    case QUEUE_HELD:
        return closing ? STATISTICS_EXPIRED : STATISTICS_OPEN;
    }
    CHECK(!"no such state");
}

static void tell_leg(const struct queue_leg *leg, struct statistics_leg *ret_leg)
{
    *ret_leg = (struct statistics_leg){
        .category = leg->category,
        .counter = leg->counter,
        .end = leg->outcome == QUEUE_OUTCOME_SERVED ? STATISTICS_SERVED : STATISTICS_TRANSFERRED,
        .enqueued_ms = leg->enqueued_ms,
        .first_called_ms = leg->first_called_ms,
        .called_ms = leg->called_ms,
        .started_ms = leg->started_ms,
        .ended_ms = leg->ended_ms,
        .served_ms = leg->served_ms,
        .held_ms = leg->held_ms,
    };
}

/* A visit begins when the visitor is there, not when somebody at home asked for a number. */
static int64_t came_ms(const struct queue_ticket *ticket)
{
    if (ticket->delivery != QUEUE_DELIVERY_REGISTERED) {
        return ticket->issued_ms;
    }
    return ticket->leg_count > 0 ? ticket->legs[0].enqueued_ms : ticket->enqueued_ms;
}

static void tell_visit(const struct queue_ticket *ticket, bool closing,
                       struct statistics_visit *ret_visit)
{
    struct statistics_visit *visit = ret_visit;

    *visit = (struct statistics_visit){
        .part = ticket->series.unit,
        .doubtful = ticket->doubtful != 0,
        .issued_ms = came_ms(ticket),
        .estimated = ticket->estimate_s_at_issue != QUEUE_ESTIMATE_NONE,
        .estimate_s = ticket->estimate_s_at_issue,
        .leg_count = (uint8_t)(ticket->leg_count + 1),
    };
    for (int i = 0; i < ticket->leg_count; i++) {
        tell_leg(&ticket->legs[i], &visit->legs[i]);
    }
    visit->legs[ticket->leg_count] = (struct statistics_leg){
        .category = ticket->category,
        .counter = ticket->counter,
        .end = (uint8_t)end_of(ticket, closing),
        .enqueued_ms = ticket->enqueued_ms,
        .first_called_ms = ticket->first_called_ms,
        .called_ms = ticket->called_ms,
        .started_ms = ticket->started_ms,
        .ended_ms = ticket->ended_ms,
        .served_ms = ticket->served_ms,
        .held_ms = ticket->held_ms,
    };
}

static void rules_of(const struct queue_config *config, struct statistics_rules *ret_rules)
{
    *ret_rules = (struct statistics_rules){.utc_offset_minutes = config->utc_offset_minutes};
    for (int i = 0; i < config->category_count; i++) {
        ret_rules->target_s[config->categories[i].id] = config->categories[i].wait_ms_limit / 1000;
    }
}

struct statistics_fact *statistics_facts(const struct engine *engine, bool closing,
                                         size_t *ret_count)
{
    const struct queue *queue = engine->queue;
    struct statistics_fact *facts;
    struct statistics_rules rules;
    size_t count = 0;

    rules_of(&queue->config, &rules);
    for (uint32_t i = 0; i < queue->ticket_count; i++) {
        count += (size_t)queue->tickets[i].leg_count + 1;
    }
    facts = malloc((count + 1) * sizeof(*facts));
    CHECK_GIVEN(facts != NULL);
    count = 0;
    for (uint32_t i = 0; i < queue->ticket_count; i++) {
        struct statistics_visit visit;

        tell_visit(&queue->tickets[i], closing, &visit);
        count += statistics_measure(&visit, &rules, facts + count);
    }
    statistics_sort(facts, count);
    *ret_count = count;
    return facts;
}

/* ---- sealed days in the ledger ------------------------------------------------------------------------- */

struct chunk_reading {
    struct statistics_chunk *chunk;
    bool found;
};

static bool take_chunk(const uint8_t *payload, size_t len_bytes, struct statistics_chunk *ret_chunk)
{
    if (len_bytes < STATISTICS_HEAD_BYTES || len_bytes > STATISTICS_CHUNK_BYTES_MAX ||
        !statistics_head_decode(payload, len_bytes, &ret_chunk->head)) {
        return false;
    }
    ret_chunk->len_bytes = len_bytes - STATISTICS_HEAD_BYTES;
    memcpy(ret_chunk->cells, payload + STATISTICS_HEAD_BYTES, ret_chunk->len_bytes);
    return true;
}

static bool read_chunk(void *context, const uint8_t *key, size_t key_len_bytes,
                       const uint8_t *value, size_t value_len_bytes)
{
    struct chunk_reading *reading = context;
    struct entry entry;
    struct ids_hash hash;

    (void)key;
    (void)key_len_bytes;
    reading->found = entry_decode(value, value_len_bytes, &entry, &hash) &&
                     entry.kind == ENTRY_STATISTIC && !entry.sealed &&
                     take_chunk(entry.payload, entry.payload_len_bytes, reading->chunk);
    return false;
}

bool statistics_chunk_at(struct engine *engine, uint64_t lsn, struct statistics_chunk *ret_chunk)
{
    const struct cached_entry *slot = engine_cached(engine, lsn);
    struct chunk_reading reading = {.chunk = ret_chunk};

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

static bool same_part(const struct statistics_head *a, const struct statistics_head *b)
{
    return a->date == b->date && a->annulled == b->annulled && a->part == b->part;
}

/* Does the ledger know as many visits of this part? Another set's chunks, that is: those of its own come one by one. */
bool statistics_is_known(struct engine *engine, uint64_t lsn, statistics_chunk_fn *chunk_at,
                         const struct statistics_head *part)
{
    struct statistics_chunk *chunk = malloc(sizeof(*chunk));
    bool known = false;

    CHECK_GIVEN(chunk != NULL);
    while (lsn != 0 && chunk_at(engine, lsn, chunk) && chunk->head.newest_date >= part->date) {
        const struct statistics_head *head = &chunk->head;

        if (same_part(head, part) && head->set == part->set) {
            known = head->index >= part->index;
            break;
        }
        if (same_part(head, part) && head->index + 1 == head->count) {
            known = head->visits >= part->visits;
            break;
        }
        lsn = head->previous;
    }
    free(chunk);
    return known;
}

static bool is_known(struct engine *engine, const struct statistics_head *part)
{
    return statistics_is_known(engine, engine->state.statistic_lsn, statistics_chunk_at, part);
}

static void append_chunk(struct engine *engine, struct statistics_head head, const uint8_t *cells,
                         size_t len_bytes)
{
    uint8_t payload[STATISTICS_CHUNK_BYTES_MAX];

    head.previous = engine->state.statistic_lsn;
    head.newest_date =
        head.date > engine->state.statistic_date ? head.date : engine->state.statistic_date;
    statistics_head_encode(&head, payload);
    memcpy(payload + STATISTICS_HEAD_BYTES, cells, len_bytes);
    (void)engine_append(engine, ENTRY_STATISTIC, payload, STATISTICS_HEAD_BYTES + len_bytes, false,
                        0, NULL);
}

int statistics_fold(struct engine *engine, const struct entry *entry, const uint8_t *payload,
                    size_t len_bytes)
{
    struct statistics_head head;

    if (!statistics_head_decode(payload, len_bytes, &head)) {
        return -EBADMSG;
    }
    engine->state.statistic_lsn = entry->lsn;
    engine->state.statistic_date = head.newest_date;
    return 0;
}

void statistics_put_checkpoint(const struct engine *engine, struct bytes_writer *writer)
{
    bytes_put_u64(writer, engine->state.statistic_lsn);
    bytes_put_u32(writer, engine->state.statistic_date);
}

void statistics_get_checkpoint(struct engine *engine, struct bytes_reader *reader)
{
    engine->state.statistic_lsn = bytes_get_u64(reader);
    engine->state.statistic_date = bytes_get_u32(reader);
}

/* ---- a day is sealed ----------------------------------------------------------------------------------- */

typedef void chunk_fn(void *context, const struct statistics_head *head, const uint8_t *cells,
                      size_t len_bytes);

/* One part: twice over the facts, because each chunk says how many there are. */
static void each_chunk(struct statistics_head head, const struct statistics_fact *facts,
                       size_t count, chunk_fn *each, void *context)
{
    struct statistics_sums *scratch = malloc(sizeof(*scratch));
    uint8_t cells[CELLS_BYTES_MAX];
    size_t at = 0;

    CHECK_GIVEN(scratch != NULL);
    head.visits = 0;
    for (size_t i = 0; i < count; i++) {
        head.visits += facts[i].first;
    }
    head.count = 0;
    do {
        (void)statistics_cells_encode(facts, count, &at, scratch, cells, sizeof(cells));
        head.count++;
    } while (at < count);
    at = 0;
    for (head.index = 0; head.index < head.count; head.index++) {
        size_t len_bytes =
            statistics_cells_encode(facts, count, &at, scratch, cells, sizeof(cells));

        each(context, &head, cells, len_bytes);
    }
    free(scratch);
}

/* A day without any visit is a day as well. */
static void each_part(struct engine *engine, uint16_t annulled, chunk_fn *each, void *context)
{
    size_t count, begin = 0;
    struct statistics_fact *facts = statistics_facts(engine, true, &count);
    struct statistics_head head = {.date = engine->queue->day.date, .annulled = annulled};
    uint64_t set;

    /* Asked again it is the same; at another place of a ledger it is another one. */
    memcpy(&set, engine->head.bytes, sizeof(set));

    do {
        size_t end = begin;

        head.part = begin < count ? facts[begin].part : 0;
        head.set = set + head.part;
        while (end < count && facts[end].part == head.part) {
            end++;
        }
        each_chunk(head, facts + begin, end - begin, each, context);
        begin = end;
    } while (begin < count);
    free(facts);
}

static void seal_chunk(void *context, const struct statistics_head *head, const uint8_t *cells,
                       size_t len_bytes)
{
    struct engine *engine = context;

    if (!is_known(engine, head)) {
        append_chunk(engine, *head, cells, len_bytes);
    }
}

void statistics_seal(struct engine *engine, bool annulled)
{
    each_part(engine, annulled ? engine->queue->day.openings : 0, seal_chunk, engine);
}

/* ---- a meeting ------------------------------------------------------------------------------------------- */

struct chunk_giving {
    statistics_give_fn *give;
    void *context;
    bool live; /* not sealed: whoever has the visits themselves does not want it */
};

static void give_chunk(void *context, const struct statistics_head *head, const uint8_t *cells,
                       size_t len_bytes)
{
    struct chunk_giving *giving = context;
    uint8_t item[STATISTICS_ITEM_BYTES_MAX] = {0, STATISTICS_ITEM, giving->live};
    struct statistics_head alone = *head;

    alone.previous = 0;
    alone.newest_date = alone.date;
    statistics_head_encode(&alone, item + STATISTICS_ITEM_HEAD_BYTES);
    memcpy(item + STATISTICS_ITEM_HEAD_BYTES + STATISTICS_HEAD_BYTES, cells, len_bytes);
    giving->give(giving->context, item,
                 STATISTICS_ITEM_HEAD_BYTES + STATISTICS_HEAD_BYTES + len_bytes);
}

bool statistics_has_visits(uint8_t day_state)
{
    return day_state == QUEUE_DAY_OPEN || day_state == QUEUE_DAY_CLOSED;
}

/* Sealed days of the tail; and, when the source is at another day or has erased this one, what the visits come to that
 * it cannot take any more. */
void statistics_give_tail(struct engine *engine, uint64_t after_lsn, statistics_give_fn *give,
                          void *context)
{
    const struct duty_word *peer = &engine->duty.peer;
    struct statistics_chunk *chunk = malloc(sizeof(*chunk));
    struct chunk_giving giving = {give, context, false};
    uint64_t lsns[CHUNKS_GIVEN_MAX];
    uint64_t lsn = engine->state.statistic_lsn;
    size_t count = 0;

    CHECK_GIVEN(chunk != NULL);
    while (lsn > after_lsn && count < CHUNKS_GIVEN_MAX && statistics_chunk_at(engine, lsn, chunk)) {
        lsns[count++] = lsn;
        lsn = chunk->head.previous;
    }
    while (count > 0 && statistics_chunk_at(engine, lsns[count - 1], chunk)) {
        give_chunk(&giving, &chunk->head, chunk->cells, chunk->len_bytes);
        count--;
    }
    free(chunk);
    if (statistics_has_visits(engine->queue->day.state) &&
        (peer->day != engine->queue->day.date || !statistics_has_visits(peer->day_state))) {
        giving.live = true;
        each_part(engine, 0, give_chunk, &giving);
    }
}

static struct statistics_sums *any_sums(void *context, const struct statistics_cell *cell)
{
    (void)cell;
    return context;
}

/* What cannot be read is not taken into the ledger, where nobody could read it either. */
static bool cells_are_sound(const struct statistics_chunk *chunk)
{
    struct statistics_sums *sums = calloc(1, sizeof(*sums));
    bool sound;

    CHECK_GIVEN(sums != NULL);
    sound = statistics_cells_decode(chunk->cells, chunk->len_bytes, any_sums, sums);
    free(sums);
    return sound;
}

bool statistics_adopt(struct engine *engine, const uint8_t *item, size_t len_bytes)
{
    const struct queue_day *day = &engine->queue->day;
    struct statistics_chunk *chunk = malloc(sizeof(*chunk));
    bool whole, wanted;

    CHECK_GIVEN(chunk != NULL);
    whole = len_bytes > STATISTICS_ITEM_HEAD_BYTES &&
            take_chunk(item + STATISTICS_ITEM_HEAD_BYTES, len_bytes - STATISTICS_ITEM_HEAD_BYTES,
                       chunk) &&
            cells_are_sound(chunk);
    if (whole && item[STATISTICS_ITEM_LIVE_AT] != 0 && day->date == chunk->head.date &&
        day->state == QUEUE_DAY_ANNULLED) {
        chunk->head.annulled =
            day->openings; /* what the other side has of the opening that was annulled here */
    }
    wanted = whole && !(item[STATISTICS_ITEM_LIVE_AT] != 0 && day->date == chunk->head.date &&
                        statistics_has_visits(day->state));
    if (wanted && !is_known(engine, &chunk->head)) {
        append_chunk(engine, chunk->head, chunk->cells, chunk->len_bytes);
        engine->adopted_lsn = engine->last_lsn;
        engine->meeting.adopted_count++;
    }
    free(chunk);
    return whole;
}
