/*
 * appliance/engine/engine_site.h - versions of the site file in the ledger: what is kept of them in memory, and what
 * the engine asks of engine_site.c and engine_site_request.c. Decides nothing of its own; see docs/SITE.md and ADR 20.
 */
#ifndef APPLIANCE_ENGINE_ENGINE_SITE_H
#define APPLIANCE_ENGINE_ENGINE_SITE_H

#include "appliance/engine/api.h"
#include "appliance/engine/engine.h"
#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine;
struct entry;
struct bytes_buffer;
struct calendar_import;

/* Where a version of the site file lies. version 0: none. */
struct site_mark {
    uint32_t version;
    uint16_t parts;
    uint64_t lsn; /* of its first entry */
};

struct site_state {
    struct site_mark newest, force;  /* whole; and the one that the queue's configuration is of */
    struct site_mark coming;         /* its parts are not all here yet */
    uint16_t coming_seen;
    uint32_t holidays_version;       /* 0: no list was imported */
    uint64_t holidays_lsn;
};

enum site_limit_inner {
    SITE_BY_BYTES = 64,
    SITE_PART_BYTES_MAX = 40000,
    SITE_PARTS_MAX = 16,
};

/* A version as its parts say it; views into the bytes that it was read into. */
struct site_version {
    uint32_t version, restores;
    struct site_mark previous;
    uint8_t when;                    /* enum api_site_when */
    bool public_page;
    uint16_t keep_visits_days;       /* 0: nothing of single visits is kept */
    char by[SITE_BY_BYTES], note[API_SITE_NOTE_BYTES], visitor_url[ENGINE_VISITOR_URL_BYTES];
    bool has_paper;                  /* the version says place and relays: those of before do not */
    char place_ja[ENGINE_PLACE_BYTES], place_en[ENGINE_PLACE_BYTES];
    uint8_t relay_count;
    char relays[ENGINE_RELAYS_MAX][ENGINE_RELAY_BYTES];
    uint32_t actor;
    int64_t wall_ms;
    const uint8_t *queue, *calendar, *pages, *text;
    size_t queue_len_bytes, calendar_len_bytes, pages_len_bytes, text_len_bytes;
};

/* engine_site.c */
int site_fold(struct engine *engine, const struct entry *entry, const uint8_t *payload, size_t len_bytes);
void site_put_checkpoint(const struct engine *engine, struct bytes_writer *writer);
void site_get_checkpoint(struct engine *engine, struct bytes_reader *reader);
/* The ledger was forgotten, or read anew: what was in force is not any more. */
void site_forget(struct engine *engine);
/* What is in force becomes what pages, calendar and papers have. */
void site_refresh(struct engine *engine);
/* May configuration change? Only where both units take part (DESIGN 3 rule 3), or there is only one. */
bool site_may_change(const struct engine *engine);
/* A ledger that has no site file gets this unit's own as its first version. False: there is none to be had. */
bool site_found(struct engine *engine);
/* Before a date is opened: what waits for it takes force. False: the ledger has no site file. */
bool site_open_day(struct engine *engine);
struct site_text {
    const uint8_t *text;
    size_t len_bytes;
    const char *by, *note;
    uint32_t actor, restores;
    uint8_t when;
};
/* A new version; in force at once where it says so. Its parts and that are one batch. */
void site_append(struct engine *engine, const struct engine_site_form *form, const struct site_text *text);
void site_append_holidays(struct engine *engine, const struct calendar_import *import, const char *by,
                          const char *note, uint32_t actor);
/* The caller frees ret_bytes->data. False: it cannot be read. */
bool site_read(struct engine *engine, const struct site_mark *mark, struct bytes_buffer *ret_bytes,
               struct site_version *ret_version);
bool site_mark_of(struct engine *engine, uint32_t version, struct site_mark *ret_mark);
/* What stands before a ticket's id in a code or a link: it ends in "#", so that no server's log ever has the id.
 * Empty: there is no page. */
void site_visitor_url(const struct engine *engine, char url[API_URL_BYTES]);
/* NULL: there is none. */
char *site_render(struct engine *engine, size_t *ret_len_bytes);
/* engine_site_request.c */
void site_request(struct engine *engine, uint64_t client, const struct api_request *request);

#endif
