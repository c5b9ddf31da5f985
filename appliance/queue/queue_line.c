/* Lines: tickets of one category and state in order, kept by linked places so that nothing is
 * scanned when a ticket comes, is called or ends. */
#include "appliance/queue/queue_parts.h"

#include "base/check.h"

#include <string.h>

int64_t queue_order_ms(const struct queue_ticket *ticket)
{
    return ticket->place_ms - (int64_t)ticket->priority * QUEUE_PRIORITY_BOOST_MS;
}

bool queue_ticket_is_before(const struct queue_ticket *a, const struct queue_ticket *b)
{
    int64_t order_a_ms = queue_order_ms(a);
    int64_t order_b_ms = queue_order_ms(b);

    if (order_a_ms != order_b_ms) {
        return order_a_ms < order_b_ms;
    }
    if (a->number != b->number) {
        return a->number < b->number;
    }
    return memcmp(a->id.bytes, b->id.bytes, sizeof(a->id.bytes)) < 0;
}

static uint32_t list_of(int slot, enum queue_line line)
{
    return 1 + (uint32_t)slot * QUEUE_LINE_COUNT + (uint32_t)line;
}

/* QUEUE_LINE_COUNT: a ticket in this state stands in no line. */
static enum queue_line line_of(enum queue_ticket_state state)
{
    switch (state) {
    case QUEUE_ISSUING:
        return QUEUE_LINE_ISSUING;
    case QUEUE_WAITING:
        return QUEUE_LINE_WAITING;
    case QUEUE_HELD:
        return QUEUE_LINE_HELD;
    case QUEUE_ABSENT:
        return QUEUE_LINE_ABSENT;
    case QUEUE_DONE:
        return QUEUE_LINE_SERVED;
    case QUEUE_CALLED:
    case QUEUE_SERVING:
    case QUEUE_CANCELLED:
    case QUEUE_NO_SHOW:
    case QUEUE_EXPIRED:
    case QUEUE_VOID:
    case QUEUE_EXPECTED:
        break;
    }
    return QUEUE_LINE_COUNT;
}

static bool call_is_shown(const struct queue_ticket *ticket)
{
    return ticket->called_ms > 0 &&
           (ticket->state == QUEUE_CALLED || ticket->state == QUEUE_SERVING ||
            ticket->state == QUEUE_ABSENT || ticket->state == QUEUE_DONE);
}

/* Is the place (order_ms, tie, id) before that of the ticket at link `other`? */
static bool place_is_before(const struct queue *queue, const struct queue_link *links,
                            const struct queue_link *place, const struct ids_token *id,
                            uint32_t other)
{
    const struct queue_link *link = &links[other];

    if (place->order_ms != link->order_ms) {
        return place->order_ms < link->order_ms;
    }
    if (place->tie != link->tie) {
        return place->tie < link->tie;
    }
    return memcmp(id->bytes, queue->tickets[other].id.bytes, sizeof(id->bytes)) < 0;
}

/* Returns what this place comes right after (position + 1; 0: it is the first), and how many come
 * before it. Walks from the end that is nearer in time: newcomers and calls from the back, returns
 * from the front. */
static uint32_t place_find(const struct queue *queue, const struct queue_list *list,
                           const struct queue_link *links, const struct queue_link *place,
                           const struct ids_token *id, uint32_t *ret_ahead)
{
    uint32_t held = list->last;
    uint32_t ahead = list->count;

    if (held != 0 && place->order_ms - links[list->first - 1].order_ms <
                         links[held - 1].order_ms - place->order_ms) {
        uint32_t next = list->first;

        held = 0;
        ahead = 0;
        while (next != 0 && !place_is_before(queue, links, place, id, next - 1)) {
            held = next;
            next = links[next - 1].after;
            ahead++;
        }
    } else {
        while (held != 0 && place_is_before(queue, links, place, id, held - 1)) {
            held = links[held - 1].before;
            ahead--;
        }
    }
    *ret_ahead = ahead;
    return held;
}

static void link_put(const struct queue *queue, struct queue_list *list, struct queue_link *links,
                     uint32_t at)
{
    struct queue_link *link = &links[at];
    uint32_t ahead;

    link->before = place_find(queue, list, links, link, &queue->tickets[at].id, &ahead);
    link->after = link->before == 0 ? list->first : links[link->before - 1].after;
    if (link->before == 0) {
        list->first = at + 1;
    } else {
        links[link->before - 1].after = at + 1;
    }
    if (link->after == 0) {
        list->last = at + 1;
    } else {
        links[link->after - 1].before = at + 1;
    }
    list->count++;
}

static void link_take(struct queue_list *list, struct queue_link *links, uint32_t at)
{
    struct queue_link *link = &links[at];

    if (link->before == 0) {
        list->first = link->after;
    } else {
        links[link->before - 1].after = link->after;
    }
    if (link->after == 0) {
        list->last = link->before;
    } else {
        links[link->after - 1].before = link->before;
    }
    list->count--;
    *link = (struct queue_link){0};
}

/* Counted where the number is from: a transfer takes no place of another category. */
static void count_registered(struct queue *queue, const struct queue_ticket *ticket, uint32_t by)
{
    int slot = ticket->delivery == QUEUE_DELIVERY_REGISTERED && ticket->state != QUEUE_VOID
                   ? queue_number_slot(queue, ticket->number)
                   : -1;

    if (slot >= 0) {
        queue->registered[slot].all += by;
        queue->registered[slot].expected += ticket->state == QUEUE_EXPECTED ? by : 0;
        queue->registered[slot].not_arrived +=
            ticket->outcome == QUEUE_OUTCOME_NOT_ARRIVED ? by : 0;
    }
}

void queue_line_put(struct queue *queue, uint32_t at)
{
    const struct queue_ticket *ticket = &queue->tickets[at];
    int slot = queue_category_slot(queue, ticket->category);
    enum queue_line line = line_of(ticket->state);

    count_registered(queue, ticket, 1);
    if (ticket->enqueued_ms > queue->newest_enqueued_ms) {
        queue->newest_enqueued_ms = ticket->enqueued_ms;
    }
    if (slot >= 0 && line != QUEUE_LINE_COUNT) {
        int own = line == QUEUE_LINE_WAITING && ticket->for_counter != 0
                      ? queue_counter_slot(queue, ticket->for_counter)
                      : -1;
        uint32_t list = own >= 0 ? QUEUE_OWN_LIST_FIRST + (uint32_t)own : list_of(slot, line);

        queue->own_waiting[slot] += own >= 0 ? 1 : 0;
        queue->line_links[at] = (struct queue_link){
            .order_ms = line == QUEUE_LINE_SERVED ? ticket->ended_ms : queue_order_ms(ticket),
            .tie = ticket->number,
            .list = list,
        };
        link_put(queue, &queue->lines[list], queue->line_links, at);
        if (line == QUEUE_LINE_SERVED) {
            queue->service_ms[slot] = queue_service_measure(queue, slot);
        }
    }
    if (call_is_shown(ticket)) {
        queue->call_links[at] = (struct queue_link){
            .order_ms = ticket->called_ms,
            .tie = ticket->call.lsn,
            .list = 1,
        };
        link_put(queue, &queue->calls, queue->call_links, at);
    }
}

void queue_line_take(struct queue *queue, uint32_t at)
{
    uint32_t list = queue->line_links[at].list;

    count_registered(queue, &queue->tickets[at], UINT32_MAX);
    if (list >= QUEUE_OWN_LIST_FIRST) {
        link_take(&queue->lines[list], queue->line_links, at);
        queue->own_waiting[queue_category_slot(queue, queue->tickets[at].category)]--;
    } else if (list != 0) {
        int slot = (int)((list - 1) / QUEUE_LINE_COUNT);

        link_take(&queue->lines[list], queue->line_links, at);
        if (list == list_of(slot, QUEUE_LINE_SERVED)) {
            queue->service_ms[slot] = queue_service_measure(queue, slot);
        }
    }
    if (queue->call_links[at].list != 0) {
        link_take(&queue->calls, queue->call_links, at);
    }
}

const struct queue_ticket *queue_line_head(const struct queue *queue, int slot,
                                           enum queue_line line)
{
    uint32_t held = queue->lines[list_of(slot, line)].first;

    return held == 0 ? NULL : &queue->tickets[held - 1];
}

uint32_t queue_line_count(const struct queue *queue, int slot, enum queue_line line)
{
    return queue->lines[list_of(slot, line)].count;
}

uint32_t queue_line_ahead(const struct queue *queue, int slot, int64_t order_ms, uint16_t number,
                          const struct ids_token *id)
{
    const struct queue_link place = {.order_ms = order_ms, .tie = number};
    uint32_t issuing;
    uint32_t waiting;

    (void)place_find(queue, &queue->lines[list_of(slot, QUEUE_LINE_ISSUING)], queue->line_links,
                     &place, id, &issuing);
    (void)place_find(queue, &queue->lines[list_of(slot, QUEUE_LINE_WAITING)], queue->line_links,
                     &place, id, &waiting);
    return issuing + waiting;
}

uint32_t queue_waiting_count(const struct queue *queue, uint16_t category)
{
    int slot = queue_category_slot(queue, category);

    return slot < 0 ? 0
                    : queue_line_count(queue, slot, QUEUE_LINE_WAITING) + queue->own_waiting[slot];
}

/* Who waits for one counter has before it those that wait for the same one. */
static uint32_t own_line_ahead(const struct queue *queue, const struct queue_ticket *ticket)
{
    const struct queue_link *link = &queue->line_links[ticket - queue->tickets];
    uint32_t ahead = 0;

    for (uint32_t held = link->before; held != 0; held = queue->line_links[held - 1].before) {
        ahead++;
    }
    return ahead;
}

uint32_t queue_waiting_ahead(const struct queue *queue, const struct queue_ticket *ticket)
{
    int slot = queue_category_slot(queue, ticket->category);
    uint32_t up_to_it;

    if (slot < 0 || (ticket->state != QUEUE_ISSUING && ticket->state != QUEUE_WAITING)) {
        return 0;
    }
    if (queue->line_links[ticket - queue->tickets].list >= QUEUE_OWN_LIST_FIRST) {
        return own_line_ahead(queue, ticket);
    }
    up_to_it = queue_line_ahead(queue, slot, queue_order_ms(ticket), ticket->number, &ticket->id);
    /* The ticket itself stands in one of the two lines, and its place is not before itself. */
    return up_to_it == 0 ? 0 : up_to_it - 1;
}

const struct queue_ticket *queue_line_first(const struct queue *queue, uint16_t category,
                                            enum queue_ticket_state state)
{
    int slot = queue_category_slot(queue, category);
    enum queue_line line = line_of(state);

    return slot < 0 || line == QUEUE_LINE_COUNT ? NULL : queue_line_head(queue, slot, line);
}

const struct queue_ticket *queue_line_next(const struct queue *queue,
                                           const struct queue_ticket *ticket)
{
    ptrdiff_t at = ticket - queue->tickets;
    uint32_t held;

    CHECK(at >= 0 && at < (ptrdiff_t)queue->ticket_count);
    held = queue->line_links[at].after;
    return held == 0 ? NULL : &queue->tickets[held - 1];
}

const struct queue_ticket *queue_own_line_head(const struct queue *queue, int counter_slot)
{
    uint32_t held = queue->lines[QUEUE_OWN_LIST_FIRST + counter_slot].first;

    return held == 0 ? NULL : &queue->tickets[held - 1];
}

/* The line that a ticket with this image waits in. */
static const struct queue_list *line_for(const struct queue *queue,
                                         const struct queue_ticket *ticket)
{
    int own = ticket->for_counter == 0 ? -1 : queue_counter_slot(queue, ticket->for_counter);
    int slot = queue_category_slot(queue, ticket->category);

    CHECK(slot >= 0);
    return &queue->lines[own >= 0 ? QUEUE_OWN_LIST_FIRST + (uint32_t)own
                                  : list_of(slot, QUEUE_LINE_WAITING)];
}

/* Before everybody whom the counter that it waits for could call. */
static int64_t order_at_head(const struct queue *queue, const struct queue_ticket *ticket)
{
    int own = ticket->for_counter == 0 ? -1 : queue_counter_slot(queue, ticket->for_counter);
    const struct queue_list *list = line_for(queue, ticket);
    int64_t order_ms = queue_order_ms(ticket);

    if (list->first != 0 && queue->line_links[list->first - 1].order_ms <= order_ms) {
        order_ms = queue->line_links[list->first - 1].order_ms - 1;
    }
    for (int slot = 0; own >= 0 && slot < queue->config.category_count; slot++) {
        const struct queue_ticket *head = queue_line_head(queue, slot, QUEUE_LINE_WAITING);

        if (queue->tiers[own][slot] != 0 && head != NULL && queue_order_ms(head) <= order_ms) {
            order_ms = queue_order_ms(head) - 1;
        }
    }
    return order_ms;
}

static int64_t order_at_tail(const struct queue *queue, const struct queue_ticket *ticket,
                             int64_t now_ms)
{
    const struct queue_list *list = line_for(queue, ticket);
    int64_t order_ms = now_ms > queue->newest_enqueued_ms ? now_ms : queue->newest_enqueued_ms;

    if (list->last != 0 && queue->line_links[list->last - 1].order_ms >= order_ms) {
        order_ms = queue->line_links[list->last - 1].order_ms + 1;
    }
    return order_ms;
}

static int64_t order_after(const struct queue *queue, const struct queue_ticket *ticket,
                           uint8_t after, int64_t now_ms)
{
    const struct queue_list *list = line_for(queue, ticket);
    int64_t own_ms = queue_order_ms(ticket);
    int64_t order_ms;
    uint32_t held = list->first;

    if (after >= list->count) {
        return order_at_tail(queue, ticket, now_ms);
    }
    for (uint8_t i = 1; i < after; i++) {
        held = queue->line_links[held - 1].after;
    }
    /* Between this one and the next; in the same millisecond the lower number comes first. */
    order_ms = queue->line_links[held - 1].order_ms + 1;
    return order_ms > own_ms ? order_ms : own_ms;
}

int64_t queue_place_ms(const struct queue *queue, const struct queue_ticket *ticket,
                       enum queue_place place, uint8_t after, int64_t now_ms)
{
    int64_t boost_ms = (int64_t)ticket->priority * QUEUE_PRIORITY_BOOST_MS;

    switch (place) {
    case QUEUE_PLACE_HEAD:
        return order_at_head(queue, ticket) + boost_ms;
    case QUEUE_PLACE_TAIL:
        return order_at_tail(queue, ticket, now_ms) + boost_ms;
    case QUEUE_PLACE_AFTER:
        return order_after(queue, ticket, after, now_ms) + boost_ms;
    case QUEUE_PLACE_USUAL:
    case QUEUE_PLACE_AGE:
        break;
    }
    return ticket->place_ms;
}

int64_t queue_twin_wait_ms(const struct queue *queue, const struct queue_ticket *ticket,
                           int64_t now_ms)
{
    int64_t wait_ms = 0;

    for (uint32_t held = queue->number_index[ticket->number]; held != 0;
         held = queue->number_next[held - 1]) {
        const struct queue_ticket *twin = &queue->tickets[held - 1];
        int64_t since_ms = now_ms - twin->called_ms;

        /* A call that lies more than that in the future was made by a clock that went back since. */
        if (!ids_token_equal(&twin->id, &ticket->id) && twin->called_ms != 0 &&
            since_ms > -QUEUE_TWIN_INTERVAL_MS && since_ms < QUEUE_TWIN_INTERVAL_MS &&
            QUEUE_TWIN_INTERVAL_MS - since_ms > wait_ms) {
            wait_ms = QUEUE_TWIN_INTERVAL_MS - since_ms;
        }
    }
    return wait_ms;
}

const struct queue_ticket *queue_hold_due(const struct queue *queue, int64_t now_ms)
{
    for (int slot = 0; slot < queue->config.category_count; slot++) {
        for (uint32_t held = queue->lines[list_of(slot, QUEUE_LINE_HELD)].first; held != 0;
             held = queue->line_links[held - 1].after) {
            const struct queue_ticket *ticket = &queue->tickets[held - 1];

            if (ticket->hold_until_ms != 0 && ticket->hold_until_ms <= now_ms) {
                return ticket;
            }
        }
    }
    return NULL;
}

size_t queue_newest_calls(const struct queue *queue, const struct queue_ticket **calls, size_t max)
{
    size_t count = 0;

    for (uint32_t held = queue->calls.last; held != 0 && count < max;
         held = queue->call_links[held - 1].before) {
        calls[count++] = &queue->tickets[held - 1];
    }
    return count;
}
