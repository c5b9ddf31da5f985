/* Managers: stopping and resuming acceptance, today's limits, and hand-written tickets that are entered
 * when a machine gives numbers again. */
#include "appliance/queue/queue.h"

#include "appliance/queue/queue_parts.h"
#include "base/check.h"

#include <string.h>

enum { SPREAD = 0x9e3779b1, BYTE_BITS = 8, NUMBER_AT = 8, MARK_AT = 12 };

static enum queue_reason rule_all(const struct queue *queue, const struct queue_command *command,
                                  struct queue_change *change)
{
    uint8_t suspended = command->action == QUEUE_SUSPEND;

    if (queue->day.suspended != suspended) {
        struct queue_day *day = &queue_change_add(change, QUEUE_ROW_DAY)->day;

        *day = queue->day;
        day->suspended = suspended;
        day->ruled_lsn = command->origin.lsn;
    }
    return QUEUE_OK;
}

/* Level, not edge: stopping what is stopped is right already. */
enum queue_reason queue_decide_ruling(const struct queue *queue,
                                      const struct queue_command *command,
                                      struct queue_change *change)
{
    int slot = queue_category_slot(queue, command->category);
    struct queue_category *after;
    uint8_t suspended;
    uint16_t limit;

    if (command->category == 0 && command->action != QUEUE_SET_LIMIT) {
        return rule_all(queue, command, change);
    }
    if (slot < 0) {
        return QUEUE_NO_SUCH_CATEGORY;
    }
    suspended = command->action == QUEUE_SET_LIMIT ? queue->categories[slot].suspended
                                                   : command->action == QUEUE_SUSPEND;
    limit = command->action == QUEUE_SET_LIMIT ? command->limit : queue->categories[slot].limit;
    if (suspended != queue->categories[slot].suspended || limit != queue->categories[slot].limit) {
        after = queue_change_category(change, queue, slot, command->origin.lsn);
        after->suspended = suspended;
        after->limit = limit;
        after->ruled_lsn = command->origin.lsn;
    }
    return QUEUE_OK;
}

/* One paper, one id, whichever unit it is entered at: entered on both sides of a cut it is one ticket
 * at the meeting. It is no secret, so nobody may do with it what a visitor's own id allows. */
static struct ids_token manual_id(uint32_t date, uint16_t number)
{
    struct ids_token id = {{0}};
    uint32_t spread = ((uint32_t)number + 1) * (uint32_t)SPREAD;

    for (int i = 0; i < 4; i++) {
        id.bytes[i] = (uint8_t)(spread >> (BYTE_BITS * i));
        id.bytes[4 + i] = (uint8_t)(date >> (BYTE_BITS * i));
    }
    id.bytes[NUMBER_AT] = (uint8_t)(number >> BYTE_BITS);
    id.bytes[NUMBER_AT + 1] = (uint8_t)number;
    memcpy(id.bytes + MARK_AT, "HAND", 4);
    return id;
}

/* Totals count where a leg ended; who waits may be called anywhere. */
static void set_result(struct queue_ticket *ticket, const struct queue_command *command)
{
    static const struct {
        uint8_t state, outcome;
    } ends[] = {
        [QUEUE_MANUAL_WAITS] = {QUEUE_WAITING, QUEUE_OUTCOME_NONE},
        [QUEUE_MANUAL_SERVED] = {QUEUE_DONE, QUEUE_OUTCOME_SERVED},
        [QUEUE_MANUAL_LEFT] = {QUEUE_NO_SHOW, QUEUE_OUTCOME_NO_SHOW},
        [QUEUE_MANUAL_SPOILED] = {QUEUE_CANCELLED, QUEUE_OUTCOME_REMOVED_BY_STAFF},
    };

    ticket->state = ends[command->result].state;
    ticket->outcome = ends[command->result].outcome;
    if (command->result != QUEUE_MANUAL_WAITS) {
        ticket->counter = command->to_counter;
    } else {
        ticket->for_counter = command->to_counter;
    }
}

enum queue_reason queue_decide_manual(const struct queue *queue,
                                      const struct queue_command *command,
                                      struct queue_change *change, struct queue_key *answer)
{
    static const char default_language[8] = "ja";
    int slot = queue_category_slot(queue, command->category);
    struct queue_ticket ticket = {0};

    if (slot < 0) {
        return QUEUE_NO_SUCH_CATEGORY;
    }
    if (!queue_language_read(command->language[0] == '\0' ? default_language : command->language,
                             ticket.language)) {
        return QUEUE_BAD_LANGUAGE;
    }
    if (command->result > QUEUE_MANUAL_SPOILED) {
        return QUEUE_BAD_PLACE;
    }
    if (command->to_counter != 0 && queue_counter_slot(queue, command->to_counter) < 0) {
        return QUEUE_NO_SUCH_COUNTER;
    }
    if (queue->config.categories[slot].manual_first == 0 ||
        command->number < queue->config.categories[slot].manual_first ||
        command->number > queue->config.categories[slot].manual_last) {
        return QUEUE_NUMBER_NOT_MANUAL;
    }
    ticket.id = manual_id(queue->day.date, command->number);
    if (queue_ticket_find(queue, &ticket.id) != NULL) {
        return QUEUE_NUMBER_TAKEN;
    }
    if (queue->ticket_count >= QUEUE_TICKETS_MAX) {
        return QUEUE_DAY_FULL;
    }
    ticket.day = queue->day.date;
    ticket.category = command->category;
    ticket.number = command->number;
    ticket.term = command->origin.term;
    set_result(&ticket, command);
    ticket.delivery = QUEUE_DELIVERY_HAND;
    ticket.doubtful = 1; /* when it was written is on no clock of ours */
    ticket.issued_ms = queue_believed_ms(command->at_ms);
    ticket.enqueued_ms =
        ticket.issued_ms > queue->newest_enqueued_ms ? ticket.issued_ms : queue->newest_enqueued_ms;
    ticket.place_ms = ticket.enqueued_ms;
    ticket.ended_ms = queue_ticket_is_live(ticket.state) ? 0 : ticket.issued_ms;
    ticket.estimate_s_at_issue = QUEUE_ESTIMATE_NONE;
    (void)queue_change_add_ticket(change, &ticket, &command->origin);
    queue_change_recount(change, queue, NULL, &ticket);
    answer->ticket = ticket.id;
    answer->state = ticket.state;
    return QUEUE_OK;
}
