/* A meeting: how two ledgers' views of one ticket, key or counter become one (DESIGN 3 rule 5). */
#include "appliance/queue/queue.h"

#include "appliance/queue/queue_parts.h"
#include "base/check.h"

#include <string.h>

struct join {
    const struct queue *queue;
    const struct queue_ticket *theirs;
    const struct queue_ticket *ours; /* the same ticket as it is here; NULL: not known */
    const struct queue_origin *here;
    int64_t at_ms;
    struct queue_ticket result;
    struct queue_change *change;
};

static bool is_at_counter(const struct queue_ticket *ticket)
{
    return ticket->state == QUEUE_CALLED || ticket->state == QUEUE_SERVING;
}

static bool is_ended(const struct queue_ticket *ticket)
{
    return !queue_ticket_is_live(ticket->state) && ticket->state != QUEUE_VOID;
}

/* How far a visit has come. A VOID yields to everything: somebody may hold that paper after all. */
static int progress(const struct queue_ticket *ticket)
{
    static const uint8_t ranks[] = {
        [QUEUE_VOID] = 0,      [QUEUE_ISSUING] = 1, [QUEUE_WAITING] = 2, [QUEUE_ABSENT] = 3,
        [QUEUE_HELD] = 4,      [QUEUE_CALLED] = 5,  [QUEUE_SERVING] = 6, [QUEUE_DONE] = 7,
        [QUEUE_CANCELLED] = 7, [QUEUE_NO_SHOW] = 7, [QUEUE_EXPIRED] = 7, [QUEUE_EXPECTED] = 1,
    };

    return ranks[ticket->state];
}

static bool ours_says_it(const struct join *join, uint64_t common_lsn)
{
    const struct queue_ticket *ours = join->ours;
    const struct queue_ticket *theirs = join->theirs;

    if ((ours->state == QUEUE_VOID) != (theirs->state == QUEUE_VOID)) {
        /* Whoever holds a ticket may have answered its key with it, and that leaves no entry: a
         * VOID never wins, whatever it knew. */
        return theirs->state == QUEUE_VOID;
    }
    return theirs->changed_lsn <= common_lsn ||
           queue_origin_equal(&theirs->origin, &ours->origin) ||
           queue_origin_equal(&theirs->origin, &ours->adopted);
}

static bool theirs_holds_ours(const struct join *join, uint32_t peer_unit, uint64_t common_lsn)
{
    const struct queue_ticket *ours = join->ours;

    return ours->changed_lsn <= common_lsn ||
           queue_origin_equal(&ours->origin, &join->theirs->adopted) ||
           (queue_origin_equal(&ours->origin, &ours->adopted) && ours->adopted.unit == peer_unit);
}

/* Two counters want this visitor: any of them may go on. */
static void hold(struct queue_ticket *ticket, int64_t at_ms)
{
    ticket->state = QUEUE_HELD;
    ticket->held_at_ms = at_ms;
    ticket->hold_reason = QUEUE_HOLD_OTHER;
    ticket->hold_owner = 0;
    ticket->hold_until_ms = 0;
}

/* Both sides were told of it and neither of the other: whoever was told first is right. */
static bool arrived_twice(const struct queue_ticket *ours, const struct queue_ticket *theirs)
{
    return ours->delivery == QUEUE_DELIVERY_REGISTERED && ours->state == QUEUE_WAITING &&
           theirs->state == QUEUE_WAITING && ours->leg_count == 0 && theirs->leg_count == 0 &&
           ours->call_count == 0 && theirs->call_count == 0;
}

/* Neither side has seen the other's last change: both are true, one state results. */
static void merge(struct join *join)
{
    const struct queue_ticket *ours = join->ours;
    const struct queue_ticket *theirs = join->theirs;
    bool theirs_counts = progress(theirs) > progress(ours);
    uint16_t call_count =
        ours->call_count > theirs->call_count ? ours->call_count : theirs->call_count;
    uint8_t copies = ours->copies > theirs->copies ? ours->copies : theirs->copies;
    uint8_t undelivered = ours->undelivered && theirs->undelivered;
    const struct queue_ticket *other;

    if (is_ended(ours) && is_ended(theirs)) {
        theirs_counts = theirs->ended_ms < ours->ended_ms;
    } else if (!is_ended(ours) && !is_ended(theirs) && ours->state != QUEUE_VOID &&
               theirs->state != QUEUE_VOID && ours->leg_count != theirs->leg_count) {
        theirs_counts = theirs->leg_count > ours->leg_count; /* a service behind it is further */
    }
    join->result = theirs_counts ? *theirs : *ours;
    other = theirs_counts ? ours : theirs;
    if (is_at_counter(ours) && is_at_counter(theirs) && ours->counter != theirs->counter &&
        ours->leg_count == theirs->leg_count) {
        join->result = *ours;
        other = theirs;
        hold(&join->result, join->at_ms);
    }
    if (ours->leg_count == theirs->leg_count) {
        join->result.call_count = call_count;
    }
    if ((join->result.state == QUEUE_WAITING || join->result.state == QUEUE_HELD) &&
        other->called_ms > join->result.called_ms) {
        join->result.called_ms = other->called_ms; /* that call was heard as well */
    }
    if (join->result.note[0] == '\0') {
        memcpy(join->result.note, other->note, sizeof(other->note));
    }
    if (arrived_twice(ours, theirs) && other->place_ms < join->result.place_ms) {
        join->result.enqueued_ms = other->enqueued_ms;
        join->result.place_ms = other->place_ms;
    }
    join->result.assist = ours->assist | theirs->assist;
    join->result.copies = copies;
    join->result.undelivered = undelivered;
}

static void end_as_at_closing(struct join *join)
{
    join->result.outcome = (uint8_t)queue_outcome_at_closing(join->result.state);
    join->result.state = (uint8_t)queue_state_at_closing(join->result.state);
    join->result.ended_ms = join->at_ms;
}

/* What this unit adds to the result makes it a new change of its own, with its own origin. */
static void settle(struct join *join)
{
    struct queue_ticket *result = &join->result;

    if (queue_ticket_is_live(result->state) && join->queue->day.state != QUEUE_DAY_OPEN) {
        end_as_at_closing(join);
        result->origin = *join->here;
    }
    if (is_at_counter(result)) {
        const struct queue_counter *counter = queue_counter_find(join->queue, result->counter);

        if (counter == NULL || (!ids_token_is_zero(&counter->ticket) &&
                                !ids_token_equal(&counter->ticket, &result->id))) {
            hold(result, join->at_ms);
            result->origin = *join->here;
        }
    }
}

static void repair_counters(struct join *join)
{
    bool was_here = join->ours != NULL && is_at_counter(join->ours);
    bool moved =
        !is_at_counter(&join->result) || (was_here && join->ours->counter != join->result.counter);
    uint64_t lsn = join->here->lsn;
    int slot = was_here ? queue_counter_slot(join->queue, join->ours->counter) : -1;

    if (was_here && moved && slot >= 0) {
        struct queue_counter *counter = queue_change_counter(join->change, join->queue, slot, lsn);

        counter->ticket = (struct ids_token){{0}};
        queue_counter_forget_press(counter);
    }
    if (is_at_counter(&join->result)) {
        /* settle() made sure that this counter is here and free. */
        struct queue_counter *counter = queue_change_counter(
            join->change, join->queue, queue_counter_slot(join->queue, join->result.counter), lsn);

        counter->open = 1;
        counter->ticket = join->result.id;
        queue_counter_forget_press(counter);
    }
}

/* A number that the peer gave is never given here again. */
static void note_number(struct join *join)
{
    int slot = queue_number_slot(join->queue, join->theirs->number);
    const struct queue_category *category;
    struct ids_series series = join->theirs->series;
    uint16_t number = join->theirs->number;
    bool serving;

    if (slot < 0 || join->theirs->delivery == QUEUE_DELIVERY_HAND) {
        return;
    }
    category = &join->queue->categories[slot];
    if (series.unit == 0) {
        if (number > category->plain_highest) {
            queue_change_category(join->change, join->queue, slot, join->here->lsn)->plain_highest =
                number;
        }
        return;
    }
    /* The session that serves here goes on without a gap; any other letter only pushes upward. */
    serving = category->letter.unit == join->here->unit && join->here->session != 0 &&
              category->letter.session == join->here->session;
    if (number > category->letter_highest &&
        (!serving || ids_series_equal(series, category->letter))) {
        struct queue_category *raised =
            queue_change_category(join->change, join->queue, slot, join->here->lsn);

        raised->letter = series;
        raised->letter_highest = number;
    }
}

/* Paper that is in somebody's hand. A client with a screen got one answer only: that of its last
 * try. */
static bool is_on_paper(const struct queue_ticket *ticket)
{
    return ticket->delivery == QUEUE_DELIVERY_PAPER && ticket->state != QUEUE_ISSUING &&
           ticket->undelivered == 0;
}

static bool is_served(const struct queue_ticket *ticket)
{
    return ticket->state == QUEUE_SERVING || ticket->state == QUEUE_DONE;
}

/* One touch of a visitor gave two tickets: which one answers from now on? */
static bool theirs_stays(const struct queue_ticket *ours, const struct queue_ticket *theirs)
{
    if ((ours->state == QUEUE_VOID) != (theirs->state == QUEUE_VOID)) {
        return ours->state == QUEUE_VOID;
    }
    if (is_served(ours) != is_served(theirs)) {
        return is_served(theirs);
    }
    if ((ours->state == QUEUE_CALLED) != (theirs->state == QUEUE_CALLED)) {
        return theirs->state == QUEUE_CALLED;
    }
    if ((ours->state == QUEUE_EXPECTED && theirs->state == QUEUE_WAITING) ||
        (ours->state == QUEUE_WAITING && theirs->state == QUEUE_EXPECTED)) {
        return theirs->state == QUEUE_WAITING; /* this one's visitor is in the office */
    }
    if (is_on_paper(ours) != is_on_paper(theirs)) {
        return is_on_paper(theirs);
    }
    if (ours->issued_ms != theirs->issued_ms) {
        return theirs->issued_ms > ours->issued_ms;
    }
    return memcmp(theirs->id.bytes, ours->id.bytes, sizeof(ours->id.bytes)) > 0;
}

static bool may_be_cancelled(const struct queue_ticket *goes, const struct queue_ticket *stays)
{
    return (goes->state == QUEUE_ISSUING || goes->state == QUEUE_WAITING ||
            goes->state == QUEUE_EXPECTED) &&
           stays->state != QUEUE_VOID && (is_served(stays) || !is_on_paper(goes));
}

static void cancel(struct join *join, struct queue_ticket *ticket)
{
    ticket->state = QUEUE_CANCELLED;
    ticket->outcome = QUEUE_OUTCOME_JOINED;
    ticket->ended_ms = join->at_ms;
    ticket->origin = *join->here;
    ticket->changed_lsn = join->here->lsn;
}

static void answer_key_with_theirs(struct join *join, const struct queue_key *known)
{
    struct queue_key *key = &queue_change_add(join->change, QUEUE_ROW_KEY)->key;
    bool registered = join->theirs->delivery == QUEUE_DELIVERY_REGISTERED;

    *key = (struct queue_key){
        .key = join->theirs->request_key,
        .body_hash = known == NULL ? QUEUE_BODY_UNKNOWN : known->body_hash,
        .action = registered ? QUEUE_REGISTER : QUEUE_ISSUE,
        .state = registered                                       ? QUEUE_EXPECTED
                 : join->theirs->delivery == QUEUE_DELIVERY_PAPER ? QUEUE_ISSUING
                                                                  : QUEUE_WAITING,
        .ticket = join->theirs->id,
        .lsn = join->here->lsn,
    };
}

static void join_keys(struct join *join)
{
    const struct queue_key *known;
    const struct queue_ticket *ours;

    if (ids_token_is_zero(&join->theirs->request_key)) {
        return;
    }
    known = queue_key_find(join->queue, &join->theirs->request_key);
    if (known != NULL && ids_token_equal(&known->ticket, &join->theirs->id)) {
        return;
    }
    ours = known == NULL ? NULL : queue_ticket_find(join->queue, &known->ticket);
    if (ours == NULL) {
        answer_key_with_theirs(join, known);
        return;
    }
    if (theirs_stays(ours, &join->result)) {
        answer_key_with_theirs(join, known);
        if (may_be_cancelled(ours, &join->result)) {
            struct queue_ticket *after = queue_change_add_ticket(join->change, ours, join->here);

            cancel(join, after);
            queue_change_recount(join->change, join->queue, ours, after);
        }
    } else if (may_be_cancelled(&join->result, ours)) {
        cancel(join, &join->result);
    }
}

static void write_result(struct join *join)
{
    join->result.adopted = join->theirs->origin;
    join->result.changed_lsn = join->here->lsn;
    if (join->ours == NULL || join->ours->state == QUEUE_VOID) {
        join_keys(join);
    }
    if (join->ours == NULL) {
        note_number(join);
    }
    repair_counters(join);
    queue_change_add(join->change, QUEUE_ROW_TICKET)->ticket = join->result;
    queue_change_recount(join->change, join->queue, join->ours, &join->result);
}

/* The visits of this day are gone: what is new counts in the totals, and nothing is kept. A number
 * that this ledger gave or knew cannot be told from one counted already, so only higher ones count.
 */
static bool count_only(struct join *join)
{
    int slot = queue_number_slot(join->queue, join->theirs->number);
    struct ids_series series = join->theirs->series;
    const struct queue_category *category;

    if (slot < 0 || join->theirs->delivery == QUEUE_DELIVERY_HAND) {
        return false;
    }
    category = &join->queue->categories[slot];
    if (series.unit == 0 ? join->theirs->number <= category->plain_highest
                         : ids_series_equal(series, category->letter) &&
                               join->theirs->number <= category->letter_highest) {
        return false;
    }
    if (queue_ticket_is_live(join->result.state)) {
        end_as_at_closing(join);
    }
    note_number(join);
    queue_change_recount(join->change, join->queue, NULL, &join->result);
    return true;
}

bool queue_join_ticket(const struct queue *queue, const struct queue_ticket *theirs,
                       uint32_t peer_unit, uint64_t common_lsn, const struct queue_origin *here,
                       int64_t at_ms, struct queue_change *ret_change)
{
    struct join join = {
        .queue = queue,
        .theirs = theirs,
        .ours = queue_ticket_find(queue, &theirs->id),
        .here = here,
        .at_ms = queue_believed_ms(at_ms),
        .result = *theirs,
        .change = ret_change,
    };

    if (theirs->day != queue->day.date || queue_category_slot(queue, theirs->category) < 0 ||
        (join.ours != NULL && ours_says_it(&join, common_lsn))) {
        return false;
    }
    ret_change->action = QUEUE_JOIN;
    ret_change->row_count = 0;
    if (queue->day.state == QUEUE_DAY_ERASED || queue->day.state == QUEUE_DAY_ANNULLED) {
        return theirs->changed_lsn > common_lsn && count_only(&join);
    }
    if (join.ours != NULL && !theirs_holds_ours(&join, peer_unit, common_lsn)) {
        merge(&join);
        join.result.origin = *here;
    }
    settle(&join);
    write_result(&join);
    return true;
}

bool queue_join_key(const struct queue *queue, const struct queue_key *theirs,
                    struct queue_change *ret_change)
{
    const struct queue_key *ours = queue_key_find(queue, &theirs->key);
    bool names_body = ours != NULL && ours->body_hash == QUEUE_BODY_UNKNOWN &&
                      theirs->body_hash != QUEUE_BODY_UNKNOWN;

    if (queue->day.state != QUEUE_DAY_OPEN && queue->day.state != QUEUE_DAY_CLOSED) {
        return false;
    }
    if (ours != NULL && !names_body) {
        return false;
    }
    ret_change->action = QUEUE_JOIN;
    ret_change->row_count = 0;
    if (names_body) {
        struct queue_key *key = &queue_change_add(ret_change, QUEUE_ROW_KEY)->key;

        *key = *ours;
        key->body_hash = theirs->body_hash;
    } else {
        queue_change_add(ret_change, QUEUE_ROW_KEY)->key = *theirs;
    }
    return true;
}

bool queue_join_counter(const struct queue *queue, const struct queue_counter *theirs,
                        uint64_t common_lsn, const struct queue_origin *here,
                        struct queue_change *ret_change)
{
    int slot = queue_counter_slot(queue, theirs->id);
    const struct queue_counter *ours;
    struct queue_counter *after;

    if (slot < 0 || queue->day.state != QUEUE_DAY_OPEN || theirs->changed_lsn <= common_lsn) {
        return false;
    }
    ours = &queue->counters[slot];
    if (ours->open == theirs->open || (ours->open != 0 && ours->changed_lsn > common_lsn) ||
        !ids_token_is_zero(&ours->ticket)) {
        return false;
    }
    ret_change->action = QUEUE_JOIN;
    ret_change->row_count = 0;
    after = queue_change_counter(ret_change, queue, slot, here->lsn);
    after->open = theirs->open;
    queue_counter_forget_press(after);
    return true;
}

/* Both changed it: what is refused stays refused, and of two limits the lower one holds. */
static uint16_t lower_limit(uint16_t a, uint16_t b)
{
    if (a == 0 || b == 0) {
        return a == 0 ? b : a;
    }
    return a < b ? a : b;
}

bool queue_join_category(const struct queue *queue, const struct queue_category *theirs,
                         uint64_t common_lsn, const struct queue_origin *here,
                         struct queue_change *ret_change)
{
    int slot = queue_category_slot(queue, theirs->id);
    const struct queue_category *ours;
    struct queue_category *after;
    bool both;

    if (slot < 0 || queue->day.state != QUEUE_DAY_OPEN || theirs->ruled_lsn <= common_lsn) {
        return false;
    }
    ours = &queue->categories[slot];
    both = ours->ruled_lsn > common_lsn;
    ret_change->action = QUEUE_JOIN;
    ret_change->row_count = 0;
    after = queue_change_category(ret_change, queue, slot, here->lsn);
    after->suspended = both ? ours->suspended | theirs->suspended : theirs->suspended;
    after->limit = both ? lower_limit(ours->limit, theirs->limit) : theirs->limit;
    after->ruled_lsn = here->lsn;
    return after->suspended != ours->suspended || after->limit != ours->limit;
}

bool queue_join_acceptance(const struct queue *queue, const struct queue_day *theirs,
                           uint64_t common_lsn, const struct queue_origin *here,
                           struct queue_change *ret_change)
{
    bool both = queue->day.ruled_lsn > common_lsn;
    uint8_t suspended = both ? queue->day.suspended | theirs->suspended : theirs->suspended;
    struct queue_day *after;

    if (theirs->date != queue->day.date || queue->day.state != QUEUE_DAY_OPEN ||
        theirs->state != QUEUE_DAY_OPEN || theirs->ruled_lsn <= common_lsn ||
        suspended == queue->day.suspended) {
        return false;
    }
    ret_change->action = QUEUE_JOIN;
    ret_change->row_count = 0;
    after = &queue_change_add(ret_change, QUEUE_ROW_DAY)->day;
    *after = queue->day;
    after->suspended = suspended;
    after->ruled_lsn = here->lsn;
    return true;
}
