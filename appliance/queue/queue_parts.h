/*
 * appliance/queue/queue_parts.h - what the files of this folder share; nobody else includes it.
 *
 * Positions ("slot", "at") count from 0; where 0 must mean none, position + 1 is kept.
 */
#ifndef APPLIANCE_QUEUE_QUEUE_PARTS_H
#define APPLIANCE_QUEUE_QUEUE_PARTS_H

#include "appliance/queue/queue.h"

/* A key adopted with its ticket only: the request's hash is not known, any body is taken as it. */
enum { QUEUE_BODY_UNKNOWN = 0 };

/* queue.c */
int64_t queue_believed_ms(int64_t at_ms);
/* Position in categories[], totals[] and config.categories[]; -1: not configured. */
int queue_category_slot(const struct queue *queue, uint16_t id);
int queue_counter_slot(const struct queue *queue, uint16_t id);
/* The category that a number was given in; a transfer changes the ticket's category, never its
 * number. */
int queue_number_slot(const struct queue *queue, uint16_t number);
/* Tells one row's change; a row of a category, counter or totals that holds nothing is not there.
 */
void queue_tell(queue_touched_fn *touched, void *context, const struct queue_row *before,
                const struct queue_row *after);

/* Forgets every ticket and key, and wipes them. */
void queue_forget_visits(struct queue *queue);
/* Puts a ticket's image and keeps all that is derived; NULL: no room or no such category. */
const struct queue_ticket *queue_put_ticket(struct queue *queue, const struct queue_ticket *ticket);

/* queue_hours.c */
uint16_t queue_local_minute(const struct queue_config *config, int64_t at_ms);
/* Milliseconds from `now_ms` until this category is out of its break; 0: it is in none. */
int64_t queue_break_ms(const struct queue *queue, int slot, int64_t now_ms);
bool queue_number_is_skipped(const struct queue_config *config, uint16_t number);

/* queue_config.c: UTF-8 without control characters, closed by a zero. */
bool queue_text_is_valid(const char *text, size_t capacity_bytes);

/* queue_acceptance.c: stop, resume, limits, hand-written tickets */
enum queue_reason queue_decide_ruling(const struct queue *queue,
                                      const struct queue_command *command,
                                      struct queue_change *change);
enum queue_reason queue_decide_manual(const struct queue *queue,
                                      const struct queue_command *command,
                                      struct queue_change *change, struct queue_key *answer);

/* queue_manage.c: running text, what counters serve, hours of single dates */
enum queue_reason queue_decide_manage(const struct queue *queue,
                                      const struct queue_command *command,
                                      struct queue_change *change);
/* Open hours lie within one day, and the others have none. */
bool queue_hours_are_valid(const struct queue_hours *hours);
/* False: no room. */
bool queue_put_hours(struct queue *queue, const struct queue_hours *hours);
/* What a counter serves follows from the configuration and a manager's word on it. */
void queue_set_tiers(struct queue *queue, int counter_slot);
/* The day is over: text and what counters serve are as configured again. */
void queue_manage_close(struct queue *queue, uint64_t lsn, queue_touched_fn *touched,
                        void *context);
/* Hours of dates before this one are gone. */
void queue_manage_forget_hours(struct queue *queue, uint32_t date, queue_touched_fn *touched,
                               void *context);

/* queue_decide.c: the plan of a command, checked */
enum queue_reason queue_check_plan(const struct queue *queue, const struct queue_command *command);
/* queue_decide.c: what a visitor is told about the wait, at the place that the image has */
void queue_tell_wait(const struct queue *queue, int slot, int64_t now_ms, struct queue_ticket *ticket);
/* queue_hours.c: whether the wall's hours let this category take visitors now */
enum queue_reason queue_hours_accept(const struct queue *queue, int slot, int64_t at_ms);
/* queue_decide.c: one of the five languages, its bytes behind the text zero; false: another. */
bool queue_language_read(const char given[8], char language[8]);

/* queue_change.c: building a change */
bool queue_origin_equal(const struct queue_origin *a, const struct queue_origin *b);
struct queue_row *queue_change_add(struct queue_change *change, enum queue_row_kind kind);
struct queue_ticket *queue_change_add_ticket(struct queue_change *change,
                                             const struct queue_ticket *before,
                                             const struct queue_origin *origin);
/* The row of this counter or category in the change, added from the state if it is not in it yet.
 */
struct queue_counter *queue_change_counter(struct queue_change *change, const struct queue *queue,
                                           int slot, uint64_t lsn);
struct queue_category *queue_change_category(struct queue_change *change, const struct queue *queue,
                                             int slot, uint64_t lsn);
struct queue_totals *queue_change_totals(struct queue_change *change, const struct queue *queue,
                                         int slot);
/* Totals follow the ticket: takes out what `before` counted (NULL: new) and adds what `after`
 * counts. */
void queue_change_recount(struct queue_change *change, const struct queue *queue,
                          const struct queue_ticket *before, const struct queue_ticket *after);
void queue_counter_forget_press(struct queue_counter *counter);
/* Adds (or takes out) what a leg that is over counts. */
void queue_totals_count_leg(struct queue_totals *totals, const struct queue_leg *leg, bool add);
/* How the day's closing ends a live ticket. */
enum queue_ticket_state queue_state_at_closing(enum queue_ticket_state live);
enum queue_outcome queue_outcome_at_closing(enum queue_ticket_state live);
/* Adds (or takes out) what a ticket that ended counts. */
void queue_totals_count_end(struct queue_totals *totals, const struct queue_ticket *ticket,
                            bool add);

/* queue_line.c: derived order */
void queue_line_put(struct queue *queue, uint32_t at);
void queue_line_take(struct queue *queue, uint32_t at);
/* The first of a line, NULL when empty. */
const struct queue_ticket *queue_line_head(const struct queue *queue, int slot,
                                           enum queue_line line);
uint32_t queue_line_count(const struct queue *queue, int slot, enum queue_line line);
/* How many of ISSUING and WAITING in this category come before a ticket with this place. */
uint32_t queue_line_ahead(const struct queue *queue, int slot, int64_t order_ms, uint16_t number,
                          const struct ids_token *id);
int64_t queue_order_ms(const struct queue_ticket *ticket);
/* The order of one line: place in time, then number, then id. */
bool queue_ticket_is_before(const struct queue_ticket *a, const struct queue_ticket *b);
/* The head of those that wait for this counter alone. */
const struct queue_ticket *queue_own_line_head(const struct queue *queue, int counter_slot);
/* The place that puts this image where it is asked for, in the line it would wait in. */
int64_t queue_place_ms(const struct queue *queue, const struct queue_ticket *ticket,
                       enum queue_place place, uint8_t after, int64_t now_ms);
/* How long this one must wait because its number was called in another series; 0: not. */
int64_t queue_twin_wait_ms(const struct queue *queue, const struct queue_ticket *ticket,
                           int64_t now_ms);
/* The tier in which a counter sees a ticket that has this place: beyond the limit it jumps one. Here
 * because the estimate asks it for every ticket that it plays. */
static inline uint32_t queue_effective_tier(const struct queue *queue, int counter_slot, int slot,
                                            int64_t order_ms, int64_t now_ms)
{
    uint32_t limit_ms = queue->config.categories[slot].wait_ms_limit;
    uint32_t tier = queue->tiers[counter_slot][slot];

    return limit_ms != 0 && now_ms - order_ms > limit_ms ? tier - 1 : tier;
}

/* queue_estimate.c */
uint32_t queue_service_measure(const struct queue *queue, int slot);
/* Milliseconds until a ticket with this place and so many people ahead is called; -1: nobody would. `own`:
 * the counter that it waits for alone; -1: any of its category. */
int64_t queue_play_forward_ms(const struct queue *queue, int slot, int own, uint32_t ahead,
                              int64_t order_ms, int64_t now_ms);
int32_t queue_estimate_round_s(int64_t wait_ms);

/* queue_day.c: the day's commands and what their rows mean for all others */
bool queue_date_is_valid(uint32_t date);
enum queue_reason queue_decide_day(const struct queue *queue, const struct queue_command *command,
                                   struct queue_change *change);
void queue_apply_day(struct queue *queue, enum queue_action action, const struct queue_day *day,
                     queue_touched_fn *touched, void *context);

/* queue_undo.c: the newest press of a counter, taken back. */
/* What the newest press here did, and the ticket as it was: all that undo needs. */
void queue_remember_press(struct queue_counter *counter, enum queue_action action,
                          const struct queue_ticket *before, int64_t at_ms);
/* May this counter undo now? `ret_before`: the ticket that it would change. */
enum queue_reason queue_check_undo(const struct queue *queue, int counter_slot, int64_t now_ms,
                                   const struct queue_ticket **ret_before);
void queue_write_back(const struct queue_counter *counter, struct queue_ticket *ticket);

/* queue_press.c: what a counter or a visitor may do with a ticket */
enum queue_reason queue_decide_press(const struct queue *queue, const struct queue_command *command,
                                     struct queue_change *change, struct queue_key *answer);

#endif
