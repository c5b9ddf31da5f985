/* tests/unit/queue_pair.h - two offices that share a ledger up to `common`, serve apart, and meet. */
#ifndef TESTS_UNIT_QUEUE_PAIR_H
#define TESTS_UNIT_QUEUE_PAIR_H

#include "tests/unit/queue_invariants.h"

struct pair {
    struct office *a; /* the source of the meeting */
    struct office *b;
    uint64_t common;
    uint32_t sessions; /* given so far today */
};

static inline void load_into(void *context, const struct queue_row *before,
                             const struct queue_row *row)
{
    (void)before;
    assert_true(queue_load_row(context, row));
}

/* b becomes what a is, as the other unit does when it takes the source's ledger. */
static inline void follow(struct pair *pair)
{
    queue_init(pair->b->queue);
    queue_set_config(pair->b->queue, &pair->a->queue->config);
    queue_for_each_row(pair->a->queue, load_into, pair->b->queue);
    pair->b->digest = digest_of(pair->b->queue);
    assert_int_equal(pair->b->digest, pair->a->digest);
    pair->b->lsn = pair->a->lsn;
    pair->common = pair->a->lsn;
    pair->b->now_ms = pair->a->now_ms;
}

static inline struct pair *pair_new(void)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    struct queue_config config;

    assert_non_null(pair);
    small_config(&config);
    pair->a = office_open();
    pair->b = office_new(&config);
    pair->b->unit = UNIT_B;
    for (uint16_t counter = 1; counter <= 3; counter++) {
        open_counter(pair->a, counter);
    }
    follow(pair);
    return pair;
}

static inline void pair_free(struct pair *pair)
{
    office_free(pair->a);
    office_free(pair->b);
    free(pair);
}

/* From here both serve alone, each by its letter. */
static inline void split(struct pair *pair)
{
    follow(pair);
    pair->a->session = ++pair->sessions;
    pair->b->session = pair->sessions;
}

static inline bool join_one(struct pair *pair, struct ids_token id)
{
    struct queue_ticket theirs = *ticket_of(pair->b, id);
    struct queue_change change;
    struct queue_origin here;

    pair->a->lsn++;
    here = origin_here(pair->a);
    if (!queue_join_ticket(pair->a->queue, &theirs, pair->b->unit, pair->common, &here,
                           pair->a->now_ms, &change)) {
        return false;
    }
    put(pair->a, &change);
    return true;
}

static inline bool join_tickets(struct pair *pair)
{
    bool any = false;

    for (uint32_t at = 0; at < pair->b->queue->ticket_count; at++) {
        any = join_one(pair, pair->b->queue->tickets[at].id) || any;
    }
    return any;
}

static inline bool join_keys(struct pair *pair)
{
    bool any = false;
    struct queue_change change;

    for (uint32_t at = 0; at < pair->b->queue->key_count; at++) {
        pair->a->lsn++;
        if (queue_join_key(pair->a->queue, &pair->b->queue->keys[at], &change)) {
            put(pair->a, &change);
            any = true;
        }
    }
    return any;
}

static inline bool join_counters(struct pair *pair)
{
    bool any = false;
    struct queue_change change;

    for (int slot = 0; slot < pair->b->queue->config.counter_count; slot++) {
        struct queue_origin here;

        pair->a->lsn++;
        here = origin_here(pair->a);
        if (queue_join_counter(pair->a->queue, &pair->b->queue->counters[slot], pair->common, &here,
                               &change)) {
            put(pair->a, &change);
            any = true;
        }
    }
    return any;
}

static inline void check_joined(const struct pair *pair)
{
    static const uint32_t none[QUEUE_CATEGORIES_MAX];

    check_invariants(pair->a);
    check_totals(pair->a->queue, none);
}

/* The whole meeting; doing it again must change nothing. */
static inline void meet(struct pair *pair)
{
    (void)join_tickets(pair);
    (void)join_keys(pair);
    (void)join_counters(pair);
    check_joined(pair);
    assert_false(join_tickets(pair));
    assert_false(join_keys(pair));
    assert_false(join_counters(pair));
}

static inline enum queue_ticket_state state_at(const struct office *office, struct ids_token id)
{
    return ticket_of(office, id)->state;
}

/* Brings one ticket into a state at each side, neither knowing of the other, and joins. */
static inline void drive(struct office *office, struct ids_token id, enum queue_ticket_state state,
                         uint16_t counter)
{
    office->now_ms += MINUTE_MS;
    if (state == QUEUE_CANCELLED) {
        assert_int_equal(press_ticket(office, QUEUE_CANCEL, 0, id), QUEUE_OK);
        return;
    }
    assert_int_equal(press_ticket(office, QUEUE_CALL, counter, id), QUEUE_OK);
    if (state == QUEUE_CALLED) {
        return;
    }
    assert_int_equal(press(office,
                           state == QUEUE_SERVING  ? QUEUE_START
                           : state == QUEUE_HELD   ? QUEUE_HOLD
                           : state == QUEUE_ABSENT ? QUEUE_SET_ABSENT
                           : state == QUEUE_DONE   ? QUEUE_COMPLETE
                                                   : QUEUE_PUT_BACK,
                           counter),
                     QUEUE_OK);
}

static inline struct queue_command keyed(struct office *office, struct ids_token key,
                                         uint8_t delivery)
{
    struct queue_command command = issue_command(office, 1);

    command.key = key;
    command.body_hash = 77;
    command.delivery = delivery;
    return command;
}

#endif
