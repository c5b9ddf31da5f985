/* tests/unit/queue_invariants.h - what must hold of a queue after every step, looked up the slow
 * way. */
#ifndef TESTS_UNIT_QUEUE_INVARIANTS_H
#define TESTS_UNIT_QUEUE_INVARIANTS_H

#include "tests/unit/queue_fixture.h"

static inline bool at_counter(const struct queue_ticket *ticket)
{
    return ticket->state == QUEUE_CALLED || ticket->state == QUEUE_SERVING;
}

static inline int number_slot(const struct queue *queue, uint16_t number)
{
    for (int slot = 0; slot < queue->config.category_count; slot++) {
        const struct queue_category_config *config = &queue->config.categories[slot];

        if ((number >= config->number_first && number <= config->number_last) ||
            (config->manual_first != 0 && number >= config->manual_first &&
             number <= config->manual_last)) {
            return slot;
        }
    }
    return -1;
}

static inline void check_numbers(const struct queue *queue)
{
    for (uint32_t at = 0; at < queue->ticket_count; at++) {
        const struct queue_ticket *ticket = &queue->tickets[at];
        int slot = number_slot(queue, ticket->number);

        assert_true(slot >= 0);
        /* Ranges do not overlap, so number and series name one ticket: any second one is found. */
        assert_ptr_equal(queue_ticket_by_number(queue, ticket->number, ticket->series), ticket);
        assert_ptr_equal(queue_ticket_find(queue, &ticket->id), ticket);
        if (ticket->series.unit == 0 && ticket->delivery != QUEUE_DELIVERY_HAND) {
            assert_true(ticket->number <= queue->categories[slot].plain_highest);
        }
    }
}

static inline void check_counters(const struct queue *queue)
{
    for (uint32_t at = 0; at < queue->ticket_count; at++) {
        const struct queue_ticket *ticket = &queue->tickets[at];

        if (at_counter(ticket)) {
            const struct queue_counter *counter = queue_counter_find(queue, ticket->counter);

            assert_non_null(counter);
            assert_true(ids_token_equal(&counter->ticket, &ticket->id));
        }
    }
    for (int slot = 0; slot < queue->config.counter_count; slot++) {
        const struct queue_counter *counter = &queue->counters[slot];
        const struct queue_ticket *ticket = queue_ticket_find(queue, &counter->ticket);

        assert_true(ids_token_is_zero(&counter->ticket) == (ticket == NULL));
        if (ticket != NULL) {
            assert_int_equal(counter->open, 1);
            assert_true(at_counter(ticket));
            assert_int_equal(ticket->counter, counter->id);
        }
    }
}

static inline int64_t order_of(const struct queue_ticket *ticket)
{
    return ticket->state == QUEUE_DONE
               ? ticket->ended_ms
               : ticket->place_ms - (int64_t)ticket->priority * QUEUE_PRIORITY_BOOST_MS;
}

static inline void check_line(const struct queue *queue, uint16_t category,
                              enum queue_ticket_state state)
{
    const struct queue_ticket *before = NULL;
    uint32_t in_state = 0;
    uint32_t in_line = 0;
    uint32_t own = 0; /* waits for one counter alone */

    for (uint32_t at = 0; at < queue->ticket_count; at++) {
        if (queue->tickets[at].state == state && queue->tickets[at].category == category) {
            in_state++;
            own += state == QUEUE_WAITING &&
                   queue_counter_find(queue, queue->tickets[at].for_counter) != NULL;
        }
    }
    for (const struct queue_ticket *ticket = queue_line_first(queue, category, state);
         ticket != NULL; ticket = queue_line_next(queue, ticket)) {
        in_line++;
        assert_int_equal(ticket->state, state);
        assert_int_equal(ticket->category, category);
        if (before != NULL) {
            assert_true(order_of(before) < order_of(ticket) ||
                        (order_of(before) == order_of(ticket) &&
                         (before->number < ticket->number ||
                          (before->number == ticket->number &&
                           memcmp(before->id.bytes, ticket->id.bytes, IDS_TOKEN_BYTES) < 0))));
        }
        before = ticket;
    }
    assert_int_equal(in_line + own, in_state);
    if (state == QUEUE_WAITING) {
        assert_int_equal(queue_waiting_count(queue, category), in_state);
    }
}

static inline void check_own_line(const struct queue *queue, int counter_slot)
{
    uint32_t held = queue->lines[QUEUE_OWN_LIST_FIRST + counter_slot].first;
    const struct queue_ticket *before = NULL;

    for (; held != 0; held = queue->line_links[held - 1].after) {
        const struct queue_ticket *ticket = &queue->tickets[held - 1];

        assert_int_equal(ticket->state, QUEUE_WAITING);
        assert_int_equal(ticket->for_counter, queue->config.counters[counter_slot].id);
        assert_true(before == NULL || order_of(before) <= order_of(ticket));
        before = ticket;
    }
}

static inline void check_lines(const struct queue *queue)
{
    const struct queue_ticket *calls[64];
    size_t call_count = queue_newest_calls(queue, calls, 64);

    for (int slot = 0; slot < queue->config.category_count; slot++) {
        uint16_t category = queue->config.categories[slot].id;

        check_line(queue, category, QUEUE_ISSUING);
        check_line(queue, category, QUEUE_WAITING);
        check_line(queue, category, QUEUE_HELD);
        check_line(queue, category, QUEUE_ABSENT);
        check_line(queue, category, QUEUE_DONE);
    }
    for (int slot = 0; slot < queue->config.counter_count; slot++) {
        check_own_line(queue, slot);
    }
    for (size_t i = 1; i < call_count; i++) {
        assert_true(calls[i - 1]->called_ms >= calls[i]->called_ms);
    }
}

static inline uint64_t length_ms(int64_t from_ms, int64_t to_ms)
{
    return to_ms > from_ms ? (uint64_t)(to_ms - from_ms) : 0;
}

static inline void add_leg(const struct queue *queue, struct queue_totals *sums,
                           const struct queue_leg *leg)
{
    for (int slot = 0; slot < queue->config.category_count; slot++) {
        if (queue->config.categories[slot].id == leg->category &&
            leg->outcome == QUEUE_OUTCOME_SERVED) {
            sums[slot].served++;
            sums[slot].wait_ms_sum += length_ms(leg->enqueued_ms, leg->called_ms);
            sums[slot].service_ms_sum += length_ms(leg->called_ms, leg->ended_ms);
        } else if (queue->config.categories[slot].id == leg->category) {
            sums[slot].transferred++;
        }
    }
}

/* Totals are what the tickets say; skipped[] is what was skipped beside them. */
static inline void check_totals(const struct queue *queue, const uint32_t *skipped)
{
    struct queue_totals sums[QUEUE_CATEGORIES_MAX] = {0};

    for (uint32_t at = 0; at < queue->ticket_count; at++) {
        const struct queue_ticket *ticket = &queue->tickets[at];
        int slot = -1;

        sums[number_slot(queue, ticket->number)].issued++;
        for (int i = 0; i < queue->config.category_count; i++) {
            if (queue->config.categories[i].id == ticket->category) {
                slot = i;
            }
        }
        assert_true(slot >= 0);
        sums[slot].served += ticket->state == QUEUE_DONE;
        sums[slot].cancelled += ticket->state == QUEUE_CANCELLED;
        sums[slot].no_show += ticket->state == QUEUE_NO_SHOW;
        sums[slot].expired += ticket->state == QUEUE_EXPIRED;
        sums[slot].voided += ticket->state == QUEUE_VOID;
        for (int leg = 0; leg < ticket->leg_count; leg++) {
            add_leg(queue, sums, &ticket->legs[leg]);
        }
        if (ticket->state == QUEUE_DONE && ticket->doubtful) {
            sums[slot].doubtful++;
        } else if (ticket->state == QUEUE_DONE) {
            sums[slot].wait_ms_sum += length_ms(ticket->enqueued_ms, ticket->called_ms);
            sums[slot].service_ms_sum += length_ms(ticket->called_ms, ticket->ended_ms);
        }
    }
    for (int slot = 0; slot < queue->config.category_count; slot++) {
        const struct queue_totals *totals = &queue->totals[slot];

        assert_int_equal(totals->issued, sums[slot].issued);
        assert_int_equal(totals->served, sums[slot].served);
        assert_int_equal(totals->transferred, sums[slot].transferred);
        assert_int_equal(totals->doubtful, sums[slot].doubtful);
        assert_int_equal(totals->cancelled, sums[slot].cancelled);
        assert_int_equal(totals->no_show, sums[slot].no_show);
        assert_int_equal(totals->expired, sums[slot].expired);
        assert_int_equal(totals->voided, sums[slot].voided + skipped[slot]);
        assert_int_equal(totals->wait_ms_sum, sums[slot].wait_ms_sum);
        assert_int_equal(totals->service_ms_sum, sums[slot].service_ms_sum);
    }
}

/* Nobody's service is lost, and an ended ticket says how it ended. */
static inline void check_visits(const struct queue *queue)
{
    for (uint32_t at = 0; at < queue->ticket_count; at++) {
        const struct queue_ticket *ticket = &queue->tickets[at];

        assert_int_equal(ticket->outcome == QUEUE_OUTCOME_NONE, queue_ticket_is_live(ticket->state));
        assert_true(ticket->leg_count <= QUEUE_LEGS_MAX);
        assert_true(queue_ticket_is_live(ticket->state)
                        ? ticket->leg_count + ticket->plan_count <= QUEUE_LEGS_MAX
                        : true);
        assert_true(ticket->state != QUEUE_HELD || ticket->hold_reason != 0);
    }
}

/* Who registered is counted where the number is from, and stands in no line before the arrival. */
static inline void check_registered(const struct queue *queue)
{
    struct queue_registered sums[QUEUE_CATEGORIES_MAX] = {0};

    for (uint32_t at = 0; at < queue->ticket_count; at++) {
        const struct queue_ticket *ticket = &queue->tickets[at];
        struct queue_registered *sum = &sums[number_slot(queue, ticket->number)];
        bool registered = ticket->delivery == QUEUE_DELIVERY_REGISTERED;

        assert_true(registered || ticket->state != QUEUE_EXPECTED);
        sum->all += registered && ticket->state != QUEUE_VOID;
        sum->expected += ticket->state == QUEUE_EXPECTED;
        sum->not_arrived += ticket->outcome == QUEUE_OUTCOME_NOT_ARRIVED;
        if (ticket->state == QUEUE_EXPECTED) {
            assert_false(queue_ticket_has_arrived(ticket));
            assert_int_equal(ticket->call_count, 0);
            assert_int_equal(queue_waiting_ahead(queue, ticket), 0);
        }
    }
    for (int slot = 0; slot < queue->config.category_count; slot++) {
        const struct queue_registered *is =
            queue_registered_find(queue, queue->config.categories[slot].id);

        assert_int_equal(is->all, sums[slot].all);
        assert_int_equal(is->expected, sums[slot].expected);
        assert_int_equal(is->not_arrived, sums[slot].not_arrived);
    }
}

static inline void check_invariants(const struct office *office)
{
    check_numbers(office->queue);
    check_counters(office->queue);
    check_lines(office->queue);
    check_visits(office->queue);
    check_registered(office->queue);
    assert_int_equal(office->digest, digest_of(office->queue));
}

struct xorshift {
    uint64_t state;
};

static inline uint32_t draw_below(struct xorshift *random, uint32_t bound)
{
    random->state ^= random->state << 13;
    random->state ^= random->state >> 7;
    random->state ^= random->state << 17;
    return (uint32_t)((random->state >> 16) % bound);
}

#endif
