/*
 * appliance/engine/engine_render.h - what the engine says in JSON: the queue, people, the floor, its own status.
 *
 * Bodies are allocated and owned by the caller. They show what is in memory; that nothing leaves before it is durable
 * is the caller's matter (engine_serve.c). What is not known is null, never a zero. Part of engine_internal.h.
 */
#ifndef APPLIANCE_ENGINE_ENGINE_RENDER_H
#define APPLIANCE_ENGINE_ENGINE_RENDER_H

#include "appliance/access/access.h"
#include "appliance/engine/json.h"
#include "appliance/queue/queue.h"
#include "cluster/duty/duty.h"
#include "storage/entry/entry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine;

/* engine_manager.c */
char *render_manager(struct engine *engine, size_t *ret_len_bytes);
char *render_slip(struct engine *engine, size_t *ret_len_bytes);
void manager_fold_opening(struct engine *engine, const struct entry *entry,
                          const struct queue_change *change);
void manager_fold_session(struct engine *engine, const struct entry *entry, uint32_t unit,
                          uint32_t session);
void manager_fold_term(struct engine *engine, const struct entry *entry,
                       const struct duty_term *before, const struct duty_term *term);
/* For every page: what staff need to know of a takeover today. */
void manager_put_takeover(struct engine *engine, struct json *json);
void manager_put_notice(const struct engine *engine, struct json *json);

/* engine_render.c: bodies are owned by the caller */
char *render_problem(uint16_t status, const char *code, const char *ja, const char *en,
                     size_t *ret_len_bytes);
char *render_ticket_answer(struct engine *engine, const struct queue_key *answer, bool replayed,
                           size_t *ret_len_bytes);
char *render_ticket(struct engine *engine, const struct queue_ticket *ticket, size_t *ret_len_bytes);
char *render_queue(struct engine *engine, size_t *ret_len_bytes);
char *render_counter(struct engine *engine, const struct queue_counter *counter, size_t *ret_len_bytes);
/* For staff: live tickets of today, the newest first; number not 0: those that have it, whatever became of them. */
char *render_tickets(struct engine *engine, uint16_t number, size_t *ret_len_bytes);
char *render_day(struct engine *engine, size_t *ret_len_bytes);
const char *render_day_state(uint8_t state);
void render_day_into(struct engine *engine, struct json *json, const char *name);
void render_clock_minute(struct json *json, const char *name, uint16_t minute);
void render_acceptance(struct engine *engine, struct json *json, uint16_t category, size_t at);
void render_display(struct json *json, const struct queue_ticket *ticket);
void render_date(struct json *json, const char *name, uint32_t yyyymmdd);
void render_time(struct json *json, const char *name, int64_t wall_ms, int32_t utc_offset_minutes);

/* engine_status.c */
char *status_render(struct engine *engine, size_t *ret_len_bytes);
char *status_ready(struct engine *engine, bool *ret_ready, size_t *ret_len_bytes);
/* After an approval or a farewell: who is retired, and what is still to be done. */
char *status_units(struct engine *engine, bool another_person, size_t *ret_len_bytes);
char *status_explain(struct engine *engine, size_t *ret_len_bytes);
char *status_metrics(struct engine *engine, size_t *ret_len_bytes);
char *status_ledger(struct engine *engine, size_t *ret_len_bytes);

/* engine_render_people.c */
char *render_people(struct engine *engine, size_t *ret_len_bytes);
char *render_who(struct engine *engine, const struct access_who *who, size_t *ret_len_bytes);

#endif
