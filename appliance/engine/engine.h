/*
 * appliance/engine/engine.h - the engine of toband: turns events into ledger entries, replies and duty.
 *
 * Wires the pure folders (duty, queue, calendar, entry, ship) to one struct world. Decides: when a batch
 * closes, when a reply may leave (DESIGN 3 rule 1), how a meeting goes step by step (rule 5), when a
 * service day opens, closes and is erased (rule 9). It reads no clock and does no I/O of its own:
 * everything comes by engine_step() and goes through the world, so one process may hold many engines.
 *
 * One turn: engine_step() handles one event, runs duty until it rests, closes a batch when none is in
 * flight and no company is expected, ships what may be shipped, and releases the replies that have become
 * durable. Of events that are there at once all but the last may say `more`: they are one turn.
 * Memory: about 40 MiB an engine, allocated at create; replies and batches are bounded by enum
 * engine_limit, beyond which requests are refused with 503 OVERLOAD.
 */
#ifndef APPLIANCE_ENGINE_ENGINE_H
#define APPLIANCE_ENGINE_ENGINE_H

#include "appliance/calendar/calendar.h"
#include "appliance/engine/api.h"
#include "appliance/engine/world.h"
#include "appliance/queue/queue.h"
#include "cluster/duty/duty.h"
#include "watchdog/pet/pet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum engine_limit {
    ENGINE_REPLIES_MAX = 8192,        /* computed, waiting to become durable */
    ENGINE_HELD_MAX = 2048,           /* requests held during a change of duty */
    ENGINE_HELD_MS_MAX = 3000,
    ENGINE_LEAVE_MS_MAX = 1000,       /* asked to stop: how long a hand-over may take before that */
    ENGINE_BATCH_ENTRIES_MAX = 1024,
    ENGINE_CACHE_ENTRIES = 8192,      /* newest entries kept in memory for shipping */
    ENGINE_KEYS_MAX = 16,
    ENGINE_SUBSCRIBERS_MAX = 64,
    ENGINE_EVENT_INTERVAL_MS = 50,    /* live events are levels: newer ones replace older ones */
    ENGINE_LINK_QUIET_MS = 100,       /* no word on a link for this long: the other, if it speaks, is used */
    ENGINE_TICK_MS = 1000,            /* calendar and day are looked at this often */
    ENGINE_DISK_HUNG_MS = 4000,       /* a batch not durable after this: who serves gives the other its turn */
    ENGINE_SNAPSHOT_ENTRIES = 50000,
    ENGINE_STAGING_BYTES_MAX = 64 * 1024 * 1024,
    ENGINE_CLOCK_DIFFERENCE_MS_MAX = 300000,
    ENGINE_VISITOR_URL_BYTES = 128,
    ENGINE_RELAYS_MAX = 4,
    ENGINE_RELAY_BYTES = 64,
    ENGINE_PLACE_BYTES = 64,
    ENGINE_CLOSE_AFTER_MINUTES = 120, /* a day is closed at the latest this long after closing time */
};

enum engine_event_kind {
    ENGINE_START,          /* load the ledger; `found`: an empty ledger is founded */
    ENGINE_TIMER,
    ENGINE_STORED,         /* result */
    ENGINE_FRAME,          /* authenticated bytes of the peer */
    ENGINE_LINK,           /* to the peer: link, up */
    ENGINE_PEER_PROCESS,   /* corosync */
    ENGINE_SERVICE_LINK,   /* level: carrier, and a reference heard */
    ENGINE_PROBED,
    ENGINE_CONTESTED,
    ENGINE_REQUEST,        /* one frame of the UNIX socket (api.h) */
    ENGINE_CLIENT_GONE,
    ENGINE_HEALTH,         /* health: disk and ledger are fit to serve (promise 11), or why not */
    ENGINE_CLOCK,          /* level: the wall clock is synchronised */
    ENGINE_CONNECTIONS,    /* the gateway's open connections, in `frame`: the spare gets to know them */
    ENGINE_LEAVE,          /* the process is asked to stop: say farewell */
    ENGINE_WATCHDOG,       /* watchdog: what toban-watchdog tells, once a second; silent for 3 s it is gone */
};

struct engine_event {
    enum engine_event_kind kind;
    uint64_t now_ms;                  /* CLOCK_MONOTONIC_RAW */
    int64_t wall_ms;                  /* since 1970 UTC */
    bool more;                        /* another follows at once: the turn is ended by that one */
    union {
        bool found;
        int result;
        struct {
            enum world_link link;
            const uint8_t *bytes;
            size_t len_bytes;
        } frame;
        struct {
            enum world_link link;
            bool up;
        } link;
        enum duty_peer_process process;
        bool level;
        struct {
            bool fit, full;
        } health;
        enum duty_probe probe;
        bool by_peer;                 /* CONTESTED: announced by the peer, not by a stranger */
        struct {
            uint64_t client;
            const uint8_t *bytes;
            size_t len_bytes;
            enum api_peer peer;       /* who holds the other end of the socket */
        } request;
        uint64_t client;
        const struct pet_facts *watchdog;
    };
};

/* What a text of the site file means. */
struct engine_site_form {
    struct queue_config queue;
    uint8_t calendar[CALENDAR_RECORD_BYTES_MAX]; /* calendar_site_encode */
    size_t calendar_len_bytes;
    bool public_page;
    uint16_t keep_visits_days;
    char visitor_url[ENGINE_VISITOR_URL_BYTES];
    char place_ja[ENGINE_PLACE_BYTES], place_en[ENGINE_PLACE_BYTES]; /* on paper: where to wait */
    uint8_t relay_count;
    char relays[ENGINE_RELAYS_MAX][ENGINE_RELAY_BYTES];
    char *pages;                      /* JSON object for GET /api/v1/site; allocated, the caller frees it */
    size_t pages_len_bytes;
};

struct engine_site_error {
    uint32_t line;                    /* from 1; 0 none */
    char path[128], text_ja[320], text_en[320];
};

/* How texts are read (site_reader.h): the engine keeps them and what they mean, and knows no YAML. */
struct engine_site_reader {
    void *context;
    /* 0, or a negative errno with ret_error filled; pages are allocated only on 0. */
    int (*read)(void *context, const uint8_t *text, size_t len_bytes, struct engine_site_form *ret_form,
                struct engine_site_error *ret_error);
    /* JSON arrays, allocated: sentences of what changes, and what is missing. `before` NULL: nothing was there.
     * Both texts can be read. ret_machines: addresses, units or printers differ. */
    int (*preview)(void *context, const uint8_t *before, size_t before_len_bytes, const uint8_t *after,
                   size_t after_len_bytes, char **ret_changes, char **ret_notices, bool *ret_machines);
    /* 0 with ret_text allocated: one category's wait_limit_minutes changed and nothing else. -ENOENT: no such category;
     * -ENOMEM; other errors: the text refuses it. */
    int (*set_wait_limit)(void *context, const uint8_t *text, size_t len_bytes, uint16_t category, uint16_t minutes,
                          char **ret_text, size_t *ret_len_bytes, struct engine_site_error *ret_error);
    /* The Cabinet Office's list, checked against the one in force (may be empty). */
    int (*read_holidays)(void *context, const uint8_t *bytes, size_t len_bytes,
                         const struct calendar_import *present, struct calendar_import *ret_import,
                         struct engine_site_error *ret_error);
};

struct engine_options {
    const struct world *world;        /* lives as long as the engine */
    struct duty_options duty;
    const struct queue_config *config; /* of the site file: in force at a day's opening */
    const struct calendar *calendar;
    const char *unit_name_ja, *unit_name_en;
    const char *peer_name_ja, *peer_name_en;
    const char *unit_address, *peer_address;
    bool private_page;                /* also for what visitors see: waiting, now serving */
    uint16_t keep_visits_days;        /* rows of single visits are kept so long past their erasure; 0: none are */
    const char *place_ja, *place_en;  /* on paper, where no version of the site file says it; NULL: none */
    const char *visitor_url;          /* a visitor's own page, his ticket's id behind it; NULL: there is none */
    const struct engine_site_reader *site_reader; /* NULL: the ledger knows of no site file */
    const uint8_t *site_text;         /* of the site file: version 1 of a ledger that has none */
    size_t site_text_len_bytes;
    uint64_t snapshot_entries;        /* who is further behind takes a snapshot; 0: ENGINE_SNAPSHOT_ENTRIES */
};

struct engine;

struct engine *engine_create(const struct engine_options *options);
void engine_destroy(struct engine *engine);
/* 0; or a negative errno after which the process must end and start again: a commit failed, the ledger
 * is damaged (-EUCLEAN) or of a form that this program does not understand (-EPROTONOSUPPORT), a snapshot
 * took its place (-ESTALE), or it was left on purpose (-ESHUTDOWN). engine_why() tells. */
int engine_step(struct engine *engine, const struct engine_event *event);
const char *engine_why(const struct engine *engine);
/* When ENGINE_TIMER is wanted. */
uint64_t engine_deadline_ms(const struct engine *engine);

/* For tests, the simulator and status; borrowed. */
const struct duty *engine_duty(const struct engine *engine);
const struct queue *engine_queue(const struct engine *engine);
/* Is this unit's ledger behind its own record (DESIGN 3 rule 5: restored)? */
bool engine_is_restored(const struct engine *engine);

#endif
