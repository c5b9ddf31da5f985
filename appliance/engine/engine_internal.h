/*
 * appliance/engine/engine_internal.h - what the files of the engine share. Nobody else includes it.
 *
 *   engine.c          one turn: event, duty, batch, shipping, replies
 *   engine_entry.c    entries are made: keys, sealing, chain, cache
 *   engine_log.c      entries are folded; sessions, batches, start-up
 *   engine_record.c   the record outside the data disk: its bytes
 *   engine_rows.c     rows of the state: digest, what changed, stored form
 *   engine_peer.c     shipping in both directions, words and acknowledgements
 *   engine_meeting.c  rule 5 step by step
 *   engine_gather.c   when a batch closes
 *   engine_serve.c    requests of clients, replies held until durable; engine_control.c: day, duty, units
 *   engine_day.c      the service day, by level
 *   engine_erasure.c  after a day is erased: each unit looks at its disk, and its certificate
 *   engine_relay.c    the relays' certificates; which relay does not certify, is silent, has another clock
 *   engine_hours.c    what a manager says of one date's hours: over the calendar, and what would follow
 *   engine_manager.c  JSON for whoever leads the floor; the day's slip
 *   engine_render.c   JSON of the queue
 *   engine_print.c    papers: who may print what, what became of it, what printers use
 *   engine_report.c   papers for staff: the waiting list while alone, the day's slip
 *   engine_units.c    rule 11: who is a unit of the pair, who is retired, by whose word
 *   engine_site.c     versions of the site file: entries, what is in force; engine_site_request.c: who asks for it
 *   engine_status.c   JSON of status, ready, explain
 *   engine_statistics.c  sealed days; engine_statistics_request.c, engine_render_statistics.c: questions about them
 *   engine_access.c   accounts, devices, sessions as rows; may this request be made?
 *   engine_people.c   requests about them; engine_secret.c: what is sealed; engine_render_people.c: JSON
 */
#ifndef APPLIANCE_ENGINE_ENGINE_INTERNAL_H
#define APPLIANCE_ENGINE_ENGINE_INTERNAL_H

#include "appliance/access/access.h"
#include "appliance/engine/api.h"
#include "appliance/engine/api_right.h"
#include "appliance/engine/engine.h"
#include "appliance/engine/engine_erasure.h"
#include "appliance/engine/engine_render.h"
#include "appliance/engine/engine_site.h"
#include "appliance/engine/json.h"
#include "storage/adapters/crypto.h"
#include "storage/entry/entry.h"
#include "storage/ship/ship.h"

#define TOBAN_VERSION "0.1.0"

enum engine_inner_limit {
    RECORD_VERSION = 6,
    RECORD_BYTES_MAX = 512,
    DERIVED_MAX = 8,
    RANDOM_POOL_BYTES = 4096,
    SESSIONS_MAX = 8,
    UNIT_SERIAL_BYTES = 32,
    UNIT_PERSON_BYTES = 64,
    WHY_BYTES = 256,
    LINE_BYTES = 256,
    MEETING_RETRY_MS = 100,
    ENGINE_JOINS_BYTES_MAX = 16,
    FEED_LAG_ENTRIES = 64, /* less than one batch is missing */
    GATHER_MS_MAX = 5,     /* a batch waits no longer for company */
    GATHER_ENOUGH = 3,     /* of GATHER_WHOLE of the company that is expected */
    GATHER_WHOLE = 4,
    CEILING_OFTEN_MS = 1000,    /* raised again within this time, twice as much is reserved */
    CEILING_RESERVE_MAX = 800,
    PRINT_JOBS_MAX = 64,
    PRINT_JOBS_BUSY = 32,       /* more papers wait: visitors take their number from the screen */
    PRINT_TRIES_MAX = 3,
    PRINT_JOB_MS_MAX = 30000,   /* the driver's own bounds are shorter */
    PRINT_START_MS = 3000,      /* a driver that ended is there again, and knows its printers */
    PRINT_COUNT_MS = 10000,
};

/* A growing array of bytes; index with offsets, pointers move. */
struct bytes_buffer {
    uint8_t *data;
    size_t len_bytes, capacity_bytes;
};

/* The small record outside the data disk (rule 3): what was used, never less than the truth. */
struct engine_record {
    struct ids_token hardware; /* the box that it speaks of: copied into another one it says nothing */
    uint32_t unit;         /* the id that it was under: letters are counted each by itself; 0 none yet */
    uint32_t day, session; /* newest session of this unit */
    uint64_t term;
    uint64_t replaced_term; /* up to here a meeting took our ledger's newest term away: not restored */
    bool lost;              /* what it said is gone, and no term was agreed on since */
    bool series_lost;       /* what it said is gone, and no session was numbered by the clock since */
    bool restored;          /* our ledger was found behind it, and no term was agreed on since */
    bool retired;           /* rule 11: until this unit is blank */
    uint32_t ceiling_day;
    uint16_t ceilings[QUEUE_CATEGORIES_MAX]; /* by category id - 1 */
};

struct cached_entry {
    uint64_t lsn;
    uint32_t len_bytes, capacity_bytes;
    struct ids_hash hash;
    uint8_t *bytes; /* with its hash at the end */
};

struct dirty_row {
    uint8_t key[32];
    uint8_t key_len_bytes;
    struct queue_row after; /* kind 0: gone */
    struct ids_hash hash;   /* of `after`, while hashed: what the digest holds */
    bool hashed;
};

/* A row of accounts, devices or sessions that changed since the last batch. */
struct dirty_access {
    uint8_t key[32];
    uint8_t key_len_bytes;
    uint16_t value_len_bytes; /* 0: gone */
    uint8_t value[ACCESS_ROW_BYTES_MAX];
};

struct derived_key {
    uint32_t day, unit, session;
    uint64_t term;
    struct crypto_key key;
};

/* Who writes now, and how many came together lately. */
struct gather {
    uint32_t pending;  /* written, not yet answered */
    uint32_t gathered; /* of these, in the batch that is open */
    uint32_t company;  /* how many are expected to be there at once */
    bool waiting;
    uint64_t since_ms; /* waiting: since then */
};

struct pending_reply {
    uint64_t client;
    uint32_t id;
    uint64_t lsn;
    struct api_reply reply;
    char *body; /* owned */
    bool wrote; /* its entry is in the ledger: counted by gather */
    bool both;  /* one disk is not enough, also alone: what it tells is adopted by no meeting */
    bool own;   /* given by a unit that serves nobody: its own disk is enough, and it may take its time */
};

struct held_request {
    uint64_t client;
    uint64_t since_ms;
    uint64_t wait_lsn; /* until this is durable on both: a ceiling; 0: until we serve */
    struct api_request request;
};

struct unit_session {
    uint32_t unit, day, number;
};

/* The first of two people has said that this unit is off and in his hands. */
struct unit_sworn {
    struct duty_unit_name name; /* unit 0: nobody has */
    char person[UNIT_PERSON_BYTES];
    int64_t wall_ms;
};

/* A printer's use: all of it, and of its roll. */
struct device_counter {
    uint64_t tickets, cuts, used_mm;
    uint32_t roll_tickets, roll_used_mm;
    uint32_t roll_mm;  /* of the whole roll; 0: nobody said */
    int64_t roll_ms;   /* when it was put in; 0 never said */
};

struct print_used {
    uint32_t tickets, cuts, mm;
};

struct print_job {
    uint64_t order, lsn;
    struct ids_token ticket;
    uint8_t kind;      /* enum paper_kind */
    uint8_t outcome;   /* enum printer_outcome; 0: none yet */
    uint8_t tries;     /* papers of it that were not whole */
    bool sent;
    uint64_t since_ms;
};

struct print_test {
    uint64_t client;   /* who waits for it; 0 nobody */
    uint32_t id;
    uint64_t order, since_ms;
};

enum report_what { REPORT_NONE, REPORT_LIST, REPORT_SLIP };
enum slip_state { SLIP_NONE, SLIP_WAITS, SLIP_PRINTED, SLIP_UNKNOWN };

/* One paper for staff, composed at `lsn`. */
struct print_report {
    enum report_what what;
    bool copy, sent;
    uint64_t client;     /* who waits for it; 0 nobody */
    uint32_t id, date;
    uint16_t minute;
    uint64_t order, lsn, since_ms, again_ms;
    char text[API_REPORT_BYTES];
};

/* Of this process: nothing of it is stored. */
struct print {
    uint64_t client;     /* the driver; 0 none */
    uint64_t client_ms;  /* since when it is there, or is not */
    struct api_printers level;
    struct print_job jobs[PRINT_JOBS_MAX]; /* by rising order */
    size_t job_count;
    uint64_t newest_order;
    uint64_t looked_ms;
    struct print_test test;
    struct print_used used[API_PRINTERS_MAX]; /* not in an entry yet */
    struct print_report report;
    enum slip_state slip; /* of the day that this process closed last */
    uint64_t list_ms;     /* when the waiting list is due; 0: it is not */
    uint64_t used_ms;    /* since when; 0 nothing is */
};

enum unit_step { UNIT_SWORN = 1, UNIT_APPROVED = 2, UNIT_RETIRED = 3 };

struct unit_words {
    char serial[UNIT_SERIAL_BYTES], person[UNIT_PERSON_BYTES];
    bool off_and_in_my_hands;
};

enum unit_answer {
    UNIT_ANSWER_OK,
    UNIT_ANSWER_FIRST,          /* written down; another person must say the same */
    UNIT_ANSWER_NOT_NOW,
    UNIT_ANSWER_NO_SUCH_SERIAL,
    UNIT_ANSWER_ITSELF,
    UNIT_ANSWER_CONNECTED,      /* it is on and speaks to us */
    UNIT_ANSWER_NO_OATH,
    UNIT_ANSWER_SAME_PERSON,
};

enum takeover_what { TAKEOVER_NONE, TAKEOVER_OTHER_FAILED, TAKEOVER_SPARE_FAILED, TAKEOVER_PLANNED };

/* What the ledger folds to beside the queue. */
struct engine_state {
    struct duty_term term;
    uint64_t term_lsn;
    struct unit_session sessions[SESSIONS_MAX];
    uint64_t common_term;
    uint32_t common_duty_unit;
    struct duty_unit_name retired[DUTY_RETIRED_MAX]; /* newest first; unit 0: none */
    struct unit_sworn sworn;
    /* Of today, from its entries alone; not in a checkpoint, which is written when no visit is there. */
    struct takeover {
        uint8_t what;              /* enum takeover_what; 0: none today */
        uint32_t unit;             /* who serves since */
        uint64_t term;
        uint32_t session;          /* 0: both hold everything */
        int64_t wall_ms;
    } takeover;
    struct device_counter printers[API_PRINTERS_MAX]; /* by number - 1 */
    struct site_state site;
    bool given_to_retired; /* said twice: also hardware that was retired may come */
    uint32_t given_id; /* a place is free: who comes blank gets this id; 0: none is */
    bool founded;
    uint64_t statistic_lsn;    /* the newest ENTRY_STATISTIC; 0 none */
    uint32_t statistic_date;   /* the newest date of them all */
    struct visits_state {      /* rows of single visits, where the ward keeps them */
        uint64_t lsn;          /* the newest ENTRY_VISITS with rows; 0 none */
        uint32_t date;         /* the newest date of them all */
        uint32_t from;         /* rows of earlier dates are erased; 0: nothing was kept yet */
    } visits;
    uint64_t checkpoint_lsn;   /* where the fold may begin: the first of its images, or itself */
    uint16_t checkpoint_images;
    uint16_t image_count;      /* entries with rows of accounts and devices, right up to here */
    int64_t newest_wall_ms;
    bool sound; /* every entry since the checkpoint could be opened */
};

enum meeting_role { MEETING_NONE, MEETING_SOURCE, MEETING_OTHER };
enum meeting_step {
    STEP_COMPARE, STEP_ADOPT, STEP_OFFER, STEP_FEED,                          /* source */
    STEP_GIVE, STEP_STAGE, STEP_SWAP, STEP_FOLLOW, STEP_RECEIVE, STEP_FINISH, /* other */
};

struct meeting {
    enum meeting_role role;
    enum meeting_step step;
    uint64_t asked_ms;
    uint64_t low, high, asked_lsn; /* binary search: agree at low, differ at high */
    uint64_t common_lsn;
    struct ids_hash common_hash;
    uint32_t tail_index;
    uint64_t until_lsn;            /* what the other must hold at least */
    uint16_t their_ceilings[QUEUE_CATEGORIES_MAX];
    struct queue_counter their_counters[QUEUE_COUNTERS_MAX]; /* joined after the tickets */
    size_t their_counter_count;
    uint64_t staged_last;
    struct ids_hash staged_hash;
    struct bytes_buffer staged;    /* u32 length, bytes; ... */
    uint64_t began_ms;
    uint64_t adopted_count;
    bool salvage;                  /* the other is retired: adopt what it holds, give it nothing */
    bool taken;                    /* the other has acknowledged in this meeting */
    uint64_t receive_bytes;        /* other: the whole of the snapshot that comes */
    uint64_t received_bytes;       /* of it, here */
    bool finishing;                /* other: the snapshot is being put in place */
    bool record_told;              /* other: that its tail is about to be replaced */
    uint64_t asked_bytes;          /* other: asked for up to here */
    uint64_t resumed_bytes;        /* here before this meeting: no measure of speed */
};

struct engine {
    struct engine_options options;
    struct world world;
    struct crypto *crypto;
    struct duty duty;
    struct queue *queue;
    struct access *access;
    struct access *access_images;     /* gathered until their checkpoint comes; NULL: none */
    struct access_offers offers;      /* devices that show a code to this unit */
    struct denials {                  /* not every refusal is written: nobody fills the ledger by asking */
        uint64_t since_ms;
        uint32_t count;
    } denials;
    enum api_peer client_is;          /* of the request at hand, whatever it says */
    uint64_t revocations_told;        /* access->revocations that gateways know of */
    uint8_t fallback_salt[CRYPTO_KEY_BYTES]; /* while there is no site key */
    bool fallback_drawn;
    struct engine_state state;
    struct erasures erasures;
    struct relay_heard {              /* of this process: who speaks for a relay says that it is there */
        char relay[ENGINE_RELAY_BYTES];
        uint64_t heard_ms;
        int32_t ahead_s;
    } relays_heard[ENGINE_RELAYS_MAX];
    char why[WHY_BYTES];
    int failure;
    bool started, leaving, clock_synchronised;
    uint64_t now_ms;
    int64_t wall_ms;
    uint64_t leaving_ms;
    struct pet_facts watchdog;
    uint64_t watchdog_told_ms; /* 0: never */

    /* the log */
    uint64_t last_lsn, durable_lsn;   /* appended here; durable here */
    struct ids_hash head;             /* at last_lsn */
    struct ids_hash durable_hash;
    uint64_t both_lsn;                /* durable on both, as far as known */
    uint64_t digest[4];
    uint64_t durable_digest[4];
    uint64_t told_lsn;                /* durable_lsn that duty knows, and its hash */
    struct ids_hash told_hash;
    bool told_once;
    struct cached_entry *cache;       /* ENGINE_CACHE_ENTRIES, slot = lsn modulo */
    struct ledger_day_key keys[ENGINE_KEYS_MAX];
    size_t key_count;
    struct derived_key derived[DERIVED_MAX];
    size_t derived_next;
    uint8_t random_pool[RANDOM_POOL_BYTES];
    size_t random_used;
    struct engine_record record;
    bool record_dirty;
    bool record_unreadable, record_missing;
    uint64_t joins_stored;            /* as the newest batch says it */
    uint64_t joins_at_term;           /* blank, takes a ledger: whole from its first term from here on; 0 joined */

    struct ids_series series;         /* of the session that serves, or is being stored */
    uint64_t session_lsn;             /* its entry, until durable; 0 none */
    bool session_open;                /* SESSION_BEGIN is written, and nothing ended it yet */
    bool session_wanted;              /* a swap is in flight: the session begins after it */
    enum meeting_role meeting_wanted; /* likewise */
    bool tail_wanted;                 /* everything appended is to be durable before a meeting */

    /* the batch being gathered */
    uint64_t gather_from;             /* first lsn not in a submitted batch */
    struct dirty_row *dirty;
    size_t dirty_count, dirty_capacity;
    struct dirty_access *dirty_access;
    size_t dirty_access_count, dirty_access_capacity;
    uint32_t *dirty_index;            /* 0 free, else 1 + position */
    size_t dirty_index_size;
    struct ledger_day_key keys_new[ENGINE_KEYS_MAX], keys_destroy[ENGINE_KEYS_MAX];
    size_t keys_new_count, keys_destroy_count;
    bool rows_rebuild;                /* next batch puts every row anew */
    struct gather gather;

    /* the batch in flight */
    bool in_flight;
    uint64_t flight_last;
    struct ids_hash flight_hash;
    uint64_t flight_digest[4];
    struct walked_key {               /* while the ledger is read: a key that opened an entry */
        uint32_t day, unit;
        bool annulled;                /* and its visits are of an opening that was annulled */
    } walked[ENGINE_KEYS_MAX];
    size_t walked_count;
    bool flight_sound;                /* that digest is of a sound state; and the durable one: */
    bool durable_unsound;
    bool flight_swap;
    struct ledger_batch flight;
    struct bytes_buffer flight_bytes;
    struct bytes_buffer flight_staged; /* the staged entries of a swap: the ledger borrows them */
    struct ledger_put *flight_entries, *flight_rows, *flight_metas;
    size_t flight_entries_capacity, flight_rows_capacity, flight_metas_capacity;
    struct ledger_day_key flight_keys_new[ENGINE_KEYS_MAX], flight_keys_destroy[ENGINE_KEYS_MAX];
    uint64_t flight_since_ms;

    /* the peer */
    struct ship_sender sender;
    bool shipping;                    /* the sender is in use: PAIRED duty, or source of a meeting */
    uint64_t ship_gate;               /* entries from here on wait until durable here; 0 none */
    uint64_t acked_at_once_lsn;       /* spare: last lsn acknowledged */
    uint64_t mint_lsn;                /* last entry of the term being minted; 0 none */
    uint64_t obey_lsn;                /* spare: a mint that is to be obeyed when durable; 0 none */
    bool link_up[WORLD_LINK_COUNT];
    uint64_t heard_ms[WORLD_LINK_COUNT]; /* newest frame of the peer on each link */
    struct counter_opening {          /* by its place in the configuration; from the entries of today */
        uint16_t counter;
        int64_t wall_ms;              /* 0: not known, as after a meeting */
        uint32_t actor;
    } openings[QUEUE_COUNTERS_MAX];
    struct meeting meeting;
    uint64_t adopted_lsn;             /* newest change that a meeting of this process brought from the other */
    struct snapshot {                 /* source: made since this process started; 0 bytes: none */
        uint64_t size_bytes, last_lsn, read_bytes, first_bytes, began_ms;
        struct ids_hash hash;
    } snapshot;
    bool snapshot_unable;             /* none can be made here: who is behind takes the log, however long */
    uint8_t connections[SHIP_CLIENTS_BYTES_MAX]; /* of the peer's gateway */
    size_t connections_len_bytes;
    uint8_t *frame;                   /* SHIP_FRAME_BYTES_MAX */
    uint8_t *body;

    /* clients */
    bool holding;
    struct pending_reply *replies;    /* ring */
    size_t replies_first, replies_count;
    struct held_request *held;        /* ring */
    size_t held_first, held_count;
    uint64_t subscribers[ENGINE_SUBSCRIBERS_MAX];
    size_t subscriber_count;
    bool event_due;
    uint64_t event_sent_ms;
    uint64_t event_lsn;
    uint32_t event_site;
    bool told, told_serving;
    char *event_body;                 /* taken, waits for its lsn */
    size_t event_len_bytes;
    uint16_t safe_ceiling[QUEUE_CATEGORIES_MAX]; /* on both disks: numbers up to it may be given */
    uint64_t ceiling_lsn[QUEUE_CATEGORIES_MAX];  /* a raise that is not yet on both; 0 none */
    uint64_t ceiling_ms[QUEUE_CATEGORIES_MAX];   /* of the last raise */
    uint16_t reserve[QUEUE_CATEGORIES_MAX];      /* what it reserved; 0: QUEUE_CEILING_STEP */
    uint64_t clients[ENGINE_SUBSCRIBERS_MAX];
    size_t client_count;

    struct print print;
    struct table *table;             /* the question that is being answered; NULL before the first */

    /* the site file's version in force, as this process has read it */
    struct bytes_buffer site_bytes;
    struct site_version site;         /* version 0: none */
    bool site_stale;                  /* the ledger knows of another one */
    struct calendar site_calendar;
    const struct calendar *given_calendar;
    bool given_private_page;
    uint16_t given_keep_visits_days;
    const char *given_visitor_url;

    struct api_boards boards;  /* of the gateway beside us, as it said last */
    uint64_t boards_client;

    /* the day */
    struct calendar *calendar;        /* the site's, and over it what managers said of single dates */
    struct queue_hours hours_laid[QUEUE_HOURS_MAX]; /* which those are */
    bool calendar_stale;              /* the site's is another one now */
    struct calendar_state level;
    uint64_t tick_ms;
    bool needed_told;

    /* takeover budget: what this process has measured on this pair; 0 not measured */
    bool break_open;                  /* contact broke, nobody served since as far as we know */
    uint64_t break_ms, hold_ms;
    uint64_t gap_ms;                  /* nobody served for so long when this process began to; 0 not known */
    uint64_t last_detect_ms;          /* last word heard to contact given up */
    uint64_t last_decide_ms;          /* from there to serving */
    uint64_t last_store_ms;           /* one batch, submitted to durable */
    uint64_t power_ms, crash_ms, handover_ms;
};

/* engine.c */
void engine_fail(struct engine *engine, int error, const char *why);
void engine_log(struct engine *engine, const char *format, ...) __attribute__((format(printf, 2, 3)));
void engine_tell_duty(struct engine *engine, const struct duty_event *event);
struct duty_event engine_duty_event(const struct engine *engine, enum duty_event_kind kind);
void engine_random(struct engine *engine, void *bytes, size_t len_bytes);
uint8_t *buffer_extend(struct bytes_buffer *buffer, size_t len_bytes);
bool engine_serves(const struct engine *engine);
/* Empty, not foldable, INCOMPLETE (began blank and no term has named it since), or another unit's disk: never a
 * source, never serves alone (rule 11). */
bool engine_is_blank(const struct engine *engine);
/* Its disk is behind its own record (rule 5), or the record that would tell is lost. */
bool engine_may_be_restored(const struct engine *engine);

/* engine_entry.c */
/* Appends an entry; returns its lsn. */
uint64_t engine_append(struct engine *engine, enum entry_kind kind, const void *payload,
                       size_t len_bytes, bool sealed, uint32_t actor, const struct ids_token *request);
uint64_t engine_append_change(struct engine *engine, const struct queue_change *change, uint32_t actor,
                              const struct ids_token *request);
struct queue_origin engine_next_origin(const struct engine *engine);
const struct cached_entry *engine_cached(const struct engine *engine, uint64_t lsn);
struct cached_entry *engine_cache_slot(struct engine *engine, uint64_t lsn, size_t capacity_bytes);
/* What every entry tells by being there, ours or the peer's. */
void engine_note_entry(struct engine *engine, const struct entry *entry);
void engine_take_key(struct engine *engine, uint32_t day, uint32_t unit, const uint8_t *bytes);
/* takes_our_place: those of a ledger that replaces ours, not of entries that follow it. */
void engine_take_keys(struct engine *engine, const struct ship_frame *frame, bool takes_our_place);
void engine_destroy_keys(struct engine *engine);
/* While the ledger is read (engine_reload): an annulled date may be open again further on, under a key of its own. */
void engine_key_walked(struct engine *engine, uint32_t day, uint32_t unit);
void engine_annul_walked_keys(struct engine *engine, uint32_t day);
void engine_destroy_walked_keys(struct engine *engine);
/* Visits of this day are gone, or were of a day that never was. */
bool engine_key_is_past(const struct engine *engine, uint32_t day);
/* A key beside the days': it seals what accounts know, and goes only with all of them. 0: there is none, unless
 * `make`; else its name. */
enum { SITE_KEY_DAY = 99991231 };
uint32_t engine_site_key(struct engine *engine, bool make);
/* NULL: that day's key is not here. Valid until the next call. */
const struct crypto_key *engine_derived_key(struct engine *engine, uint32_t day, uint32_t unit,
                                            uint64_t term, uint32_t session);

/* engine_rows.c */
void engine_digest_of(const uint64_t digest[4], struct ids_hash *ret_hash);
bool rows_is_sealed(const struct queue_row *row);
/* queue_touched_fn with an engine: a change; the digest begun anew; every row to be stored anew. */
void rows_touched(void *context, const struct queue_row *before, const struct queue_row *after);
/* The digest is summed anew from here: rows_seen for each row. */
void rows_digest_begin(struct engine *engine);
void rows_seen(void *context, const struct queue_row *before, const struct queue_row *after);
void rows_rebuilt(void *context, const struct queue_row *before, const struct queue_row *after);
/* Puts what changed into the batch in flight; rows_forget: it is there. */
void rows_fill(struct engine *engine);
void rows_forget(struct engine *engine);

void rows_access_touched(void *context, const struct access_row *before,
                         const struct access_row *after);
void rows_access_seen(void *context, const struct access_row *before, const struct access_row *after);
/* Of all rows, of both tables. */
void rows_digest_all(struct engine *engine);
void rows_rebuild_all(struct engine *engine);

/* engine_access.c */
int access_fold(struct engine *engine, const uint8_t *payload, size_t len_bytes);
uint64_t access_append(struct engine *engine, const struct access_change *change, uint32_t actor);
/* Every row, right before a checkpoint; how many entries. */
uint16_t access_append_images(struct engine *engine);
void access_fold_checkpoint(struct engine *engine, uint64_t lsn);
/* The state is what the images say; false: they are not all there. */
bool access_restore(struct engine *engine, uint16_t images);
/* May this request be made? Else it is refused, and that is written down. */
bool access_admits(struct engine *engine, uint64_t client, const struct api_request *request);
/* Who asks, for the entry: account, device, else what the gateway calls it; `number` a counter's. */
bool access_is_anyone(const struct engine *engine, const struct api_from *from);
uint32_t access_actor(const struct engine *engine, const struct api_request *request, uint8_t kind,
                      uint16_t number);
/* That actor's name in an entry, for people: an account's or a device's title; empty: neither. */
void access_actor_name(const struct engine *engine, uint32_t actor, char name[ACCESS_TITLE_BYTES]);
void access_who(const struct engine *engine, const struct api_from *from, struct access_who *ret_who);
/* Tells gateways that somebody lost a right: streams are asked about again. */
void access_turn(struct engine *engine);

/* engine_people.c */
/* Answered from memory, also where nobody is served. False: it is none of these. */
bool people_read(struct engine *engine, uint64_t client, const struct api_request *request);
void people_request(struct engine *engine, uint64_t client, const struct api_request *request);
void people_refuse(struct engine *engine, uint64_t client, uint32_t id, enum access_reason reason,
                   uint64_t wait_ms, bool wrote);

/* engine_secret.c: an account's sealed blob */
enum secret_limit {
    SECRET_TOTP_BYTES = 20,
    SECRET_TOTP_TEXT_BYTES = 33,   /* base32 and the closing zero */
    SECRET_CODE_HASH_BYTES = 8,
    SECRET_CODE_CHARACTERS = 10,
    SECRET_TOTP_STEP_MS = 30000,
};

struct secret {
    uint8_t cost, pin_cost;        /* API_DERIVE_SCRYPT; 0: there is none */
    uint8_t salt[API_SALT_BYTES], pin_salt[API_SALT_BYTES];
    struct ids_hash password, pin; /* SHA-256 of what was derived */
    uint8_t totp[SECRET_TOTP_BYTES];
    uint8_t codes[ACCESS_CODES][SECRET_CODE_HASH_BYTES];
};

/* False: the site key is not here, or the blob does not fit it. */
bool secret_open(struct engine *engine, const struct access_account *account, struct secret *ret_secret);
/* Makes the site key when there is none. */
void secret_seal(struct engine *engine, const struct secret *secret, struct access_command *command);
/* The same for the same name on both units, and like a real one. */
void secret_fake_salt(struct engine *engine, const char *name, uint8_t salt[API_SALT_BYTES]);
void secret_totp_to_text(const uint8_t key[SECRET_TOTP_BYTES], char text[SECRET_TOTP_TEXT_BYTES]);
bool secret_totp_from_text(const char *text, uint8_t key[SECRET_TOTP_BYTES]);
/* The step a code fits, 0 none: now, one before, one after. */
uint64_t secret_totp_step(const uint8_t key[SECRET_TOTP_BYTES], const char *code, int64_t wall_ms);
/* Draws ten; the texts are shown once. */
void secret_draw_codes(struct engine *engine, struct secret *secret,
                       char texts[ACCESS_CODES][SECRET_CODE_CHARACTERS + 1]);
/* From 1; 0: none fits. */
uint8_t secret_find_code(struct engine *engine, const struct secret *secret, const char *text);

/* engine_units.c */
int units_fold(struct engine *engine, const struct entry *entry, const uint8_t *payload,
               size_t len_bytes);
void units_fold_term(struct engine *engine, const struct duty_term *before,
                     const struct duty_term *term);
void units_put_checkpoint(const struct engine *engine, struct bytes_writer *writer);
void units_get_checkpoint(struct engine *engine, struct bytes_reader *reader);
/* Our id and the peer's, by the newest term. */
void units_identify(struct engine *engine);
/* The newest term names other hardware: this disk was another unit's. */
bool units_disk_is_anothers(const struct engine *engine);
void units_tell(const struct engine *engine, struct duty_event *event);
bool units_words_from_text(const char *text, struct unit_words *ret_words);
enum unit_answer units_approve(struct engine *engine, const struct unit_words *words,
                               uint32_t actor);
enum unit_answer units_retire(struct engine *engine, const struct unit_words *words,
                              uint32_t actor);
/* In memory; the caller makes the record durable. */
void units_forget(struct engine *engine);
void units_turn(struct engine *engine);

/* engine_print.c */
int print_fold(struct engine *engine, const struct entry *entry, const uint8_t *payload,
               size_t len_bytes);
void print_put_checkpoint(const struct engine *engine, struct bytes_writer *writer);
void print_get_checkpoint(struct engine *engine, struct bytes_reader *reader);
/* May a ticket be asked for on paper now? Else its visitor gets it on the screen. */
bool print_is_possible(const struct engine *engine);
/* After the entry of an issue or a reprint was appended. */
void print_note(struct engine *engine, const struct queue_decision *decision);
/* A whole frame. True: it was the driver's. */
bool print_takes(struct engine *engine, uint64_t client, const uint8_t *bytes, size_t len_bytes);
void print_client_gone(struct engine *engine, uint64_t client);
/* Service begins or ends: the driver turns to its printers. */
void print_begin(struct engine *engine);
void print_turn(struct engine *engine);
/* Orders leave that are durable. */
void print_flush(struct engine *engine, uint64_t watermark);
void print_control(struct engine *engine, uint64_t client, const struct api_request *request);
void print_fill_site(const struct engine *engine, struct api_print *order);
void print_send_order(struct engine *engine, const struct api_print *order);

/* engine_report.c */
/* The entry that closes a day was appended just now: its slip is composed here and printed when durable. */
void report_day_closed(struct engine *engine);
void report_turn(struct engine *engine);
void report_flush(struct engine *engine, uint64_t watermark);
void report_done(struct engine *engine, uint8_t outcome);
void report_answer(struct engine *engine, uint8_t outcome);
void report_control(struct engine *engine, uint64_t client, const struct api_request *request);

/* engine_relay.c */
void relay_request(struct engine *engine, uint64_t client, const struct api_request *request);
void relay_turn(struct engine *engine);
int relay_fold(struct engine *engine, const struct entry *entry, const uint8_t *payload, size_t len_bytes);
/* A relay that the site file names has certified nothing of the day before this one, minutes after its opening; has
 * said nothing for a minute; its clock is minutes off. */
bool relay_is_uncertified(const struct engine *engine);
bool relay_is_silent(const struct engine *engine);
bool relay_clock_differs(const struct engine *engine);
void relay_put(const struct engine *engine, const struct erasure *erasure, struct json *json);

/* engine_printers.c */
char *print_render(struct engine *engine, size_t *ret_len_bytes);
void print_put_level(const struct engine *engine, struct json *json); /* for everybody: "printing" */
void print_put_printers(struct engine *engine, struct json *json);    /* for staff: "printers" */

/* engine_statistics.c */
enum statistics_item {
    STATISTICS_ITEM = 64,         /* in a TAIL, where rows have their kind */
    STATISTICS_ITEM_LIVE_AT = 2,
    STATISTICS_ITEM_HEAD_BYTES = 3,
    STATISTICS_ITEM_BYTES_MAX = STATISTICS_ITEM_HEAD_BYTES + 8192,
};

typedef void statistics_give_fn(void *context, const uint8_t *item, size_t len_bytes);
int statistics_fold(struct engine *engine, const struct entry *entry, const uint8_t *payload,
                    size_t len_bytes);
void statistics_put_checkpoint(const struct engine *engine, struct bytes_writer *writer);
void statistics_get_checkpoint(struct engine *engine, struct bytes_reader *reader);
/* Right before the entry that takes the visits away, in the same turn. */
void statistics_seal(struct engine *engine, bool annulled);
void statistics_give_tail(struct engine *engine, uint64_t after_lsn, statistics_give_fn *give,
                          void *context);
/* False: it is no chunk. */
bool statistics_adopt(struct engine *engine, const uint8_t *item, size_t len_bytes);

/* engine_visits.c: rows of single visits, kept past the erasure where the ward switches it on (docs/STATISTICS.md) */
enum visits_item { VISITS_ITEM = 65 }; /* in a TAIL, as STATISTICS_ITEM; its rows travel opened */

int visits_fold(struct engine *engine, const uint8_t *payload, size_t len_bytes, uint64_t lsn);
void visits_put_checkpoint(const struct engine *engine, struct bytes_writer *writer);
/* False: this value of a checkpoint is another one. */
bool visits_get_checkpoint(struct engine *engine, const uint8_t *value, size_t len_bytes);
/* The rows of the day, beside its totals. */
void visits_seal(struct engine *engine);
/* By level: what is older than the site keeps, or all of it where nothing is to be kept, is erased. */
void visits_turn(struct engine *engine);
void visits_give_tail(struct engine *engine, uint64_t after_lsn, statistics_give_fn *give, void *context);
/* False: it is no chunk. */
bool visits_adopt(struct engine *engine, const uint8_t *item, size_t len_bytes);
/* Is this the name of one of our keys' days; and can it open rows that are erased? */
bool visits_key_is(uint32_t key_day);
bool visits_key_is_past(const struct engine *engine, uint32_t key_day);
/* Each key becomes the one of the first date that is kept, from which no earlier one can be had. */
void visits_advance_keys(struct engine *engine);

/* engine_statistics_request.c */
void table_request(struct engine *engine, uint64_t client, const struct api_request *request);
bool table_is_running(const struct engine *engine);
void table_turn(struct engine *engine);
void table_destroy(struct engine *engine);

/* engine_record.c */
size_t engine_encode_record(const struct engine_record *record, uint8_t bytes[RECORD_BYTES_MAX]);
void engine_load_record(struct engine *engine);
void engine_judge_record(struct engine *engine);
/* A term is durable on both, or obeyed here: numbers go on above whatever was forgotten. */
void engine_record_agreed(struct engine *engine);
/* The newest one that the ledger knows of this unit; NULL: none. */
const struct unit_session *engine_session_of(const struct engine *engine, uint32_t unit);
/* A session number for this moment, when nobody can tell which were used today. */
uint32_t engine_lost_session(const struct engine *engine);

/* engine_log.c */
int engine_load(struct engine *engine, bool found);
/* known: the change that the payload encodes, if the caller has it. */
int engine_fold(struct engine *engine, const struct entry *entry, const uint8_t *payload,
                size_t len_bytes, const struct queue_change *known);
void engine_grow_puts(struct ledger_put **puts, size_t *capacity, size_t wanted);
/* Takes a peer's entry as the next one: 0, -EBADMSG (chain, form or key does not fit). */
int engine_append_foreign(struct engine *engine, const uint8_t *bytes, size_t len_bytes);
void engine_submit(struct engine *engine);
/* Takes the staged bytes over and leaves an empty buffer. */
void engine_submit_swap(struct engine *engine, uint64_t from_lsn, struct bytes_buffer *staged,
                        uint64_t last_lsn);
void engine_stored(struct engine *engine, int result);
/* Our log is being replaced: nothing may be appended or compared until that is durable. */
bool engine_is_swapping(const struct engine *engine);
bool engine_hash_at(struct engine *engine, uint64_t lsn, struct ids_hash *ret_hash);
void engine_begin_series(struct engine *engine, uint32_t day);
int engine_reload(struct engine *engine);
/* Our tail is about to be replaced: the record stops to speak of it. */
void engine_record_replaced(struct engine *engine);
/* The meta that says from which term on a unit that began blank is whole. Borrows `bytes`. */
size_t engine_joins_put(const struct engine *engine, uint8_t bytes[ENGINE_JOINS_BYTES_MAX],
                        struct ledger_put *ret_put);
/* Right after a date's first opening: the fold of everything later may begin here. */
void engine_append_checkpoint(struct engine *engine);

/* engine_peer.c */
void engine_on_frame(struct engine *engine, const uint8_t *bytes, size_t len_bytes);
void engine_send_word(struct engine *engine);
void engine_send(struct engine *engine, struct ship_frame *frame);
void engine_ship(struct engine *engine);
void engine_tell_connections(struct engine *engine, const uint8_t *bytes, size_t len_bytes);
void engine_acknowledge(struct engine *engine);
void engine_add_keys(const struct engine *engine, struct ship_frame *frame);
void engine_mint(struct engine *engine, const struct duty_term *term);
/* After either disk moved on: what both hold now, and whether a mint is confirmed by it. */
void engine_note_both(struct engine *engine);

/* engine_meeting.c */
void meeting_begin(struct engine *engine, enum meeting_role role);
void meeting_end(struct engine *engine);
void meeting_turn(struct engine *engine);
void meeting_frame(struct engine *engine, const struct ship_frame *frame);
bool meeting_takes_entries(struct engine *engine, const struct ship_frame *frame);
void meeting_stored(struct engine *engine);
void meeting_swap(struct engine *engine);
void meeting_break(struct engine *engine, const char *why);
/* Once in MEETING_RETRY_MS: may the question be put again? */
bool meeting_may_ask(struct engine *engine);

/* engine_snapshot.c */
bool snapshot_is_worth_it(const struct engine *engine);
void snapshot_offer(struct engine *engine);
void snapshot_turn(struct engine *engine);
void snapshot_frame(struct engine *engine, const struct ship_frame *frame);
void snapshot_discard(struct engine *engine);
void snapshot_put_progress(const struct engine *engine, struct json *json);

/* engine_gather.c */
void gather_wrote(struct gather *gather);
void gather_released(struct gather *gather);
/* May the open batch, that could be closed now, wait for more? */
bool gather_waits(struct gather *gather, uint64_t now_ms);
void gather_closed(struct gather *gather);
/* Until when it waits; UINT64_MAX: it does not. */
uint64_t gather_until_ms(const struct gather *gather);

/* engine_serve.c */
void serve_request(struct engine *engine, uint64_t client, const uint8_t *bytes, size_t len_bytes);
void serve_gone(struct engine *engine, uint64_t client);
void serve_turn(struct engine *engine);
/* yyyy-mm-dd; 0: it is none. */
uint32_t serve_date_from_text(const char *text);
/* engine_command.c */
bool serve_find_ticket(const struct engine *engine, const char *series, uint16_t number,
                       struct ids_token *ret_ticket);
void serve_fill_command(struct engine *engine, const struct api_command *from,
                        struct queue_command *command);
void serve_flush(struct engine *engine);
void serve_last_event(struct engine *engine);
/* A live event waits for nothing but its interval. */
bool serve_event_is_awaited(const struct engine *engine);
uint64_t serve_watermark(const struct engine *engine);
/* Takes the body. Now: it says nothing that is not durable. Later: when all that was appended is. */
void serve_answer_now(struct engine *engine, uint64_t client, uint32_t id, uint16_t status,
                      uint16_t retry_after_s, char *body, size_t len_bytes);
void serve_reply_now(struct engine *engine, uint64_t client, uint32_t id, uint16_t status, char *body,
                     size_t len_bytes);
/* Leaves when both disks hold it, or says NOT_ON_BOTH when this unit serves alone before that. */
void serve_reply_on_both(struct engine *engine, uint64_t client, uint32_t id, uint16_t status, char *body,
                         size_t len_bytes);
struct pending_reply *serve_reply_later(struct engine *engine, uint64_t client, uint32_t id, uint16_t status,
                                        char *body, size_t len_bytes);
void serve_refuse_now(struct engine *engine, uint64_t client, uint32_t id, uint16_t status, const char *code,
                      const char *ja, const char *en);
void serve_refuse_later(struct engine *engine, uint64_t client, uint32_t id, enum queue_reason reason);
void serve_overload(struct engine *engine, uint64_t client, uint32_t id);
/* Nothing more may join the batch now. */
bool serve_batch_is_full(const struct engine *engine);
/* engine_control.c */
void control_day(struct engine *engine, uint64_t client, const struct api_request *request);
void control_duty(struct engine *engine, uint64_t client, const struct api_request *request);
void control_units(struct engine *engine, uint64_t client, const struct api_request *request);

/* engine_day.c */
void day_turn(struct engine *engine);
bool day_clock_is_believed(const struct engine *engine);
/* 0, or a queue reason. */
enum queue_reason day_open(struct engine *engine, uint32_t date, uint32_t actor);
enum queue_reason day_close(struct engine *engine, uint32_t actor);
enum queue_reason day_annul(struct engine *engine, uint32_t actor);
bool day_accepts_issue(const struct engine *engine);
void day_raise_ceilings(struct engine *engine);
/* How many plain numbers to reserve; last: by the raise before, since_ms ago; 0: there was none. */
uint16_t day_reserve(uint16_t last, uint64_t since_ms);

/* engine_hours.c */
/* Lays what managers said of single dates over the site's calendar, if that is not done yet. */
void hours_lay(struct engine *engine);
/* Checks what is asked against today, and makes "closed" of a day that is open end now: QUEUE_OK, or why not. */
enum queue_reason hours_settle(const struct engine *engine, struct queue_command *command);
/* What would follow, as JSON; command NULL: of closing the day now. Owned by the caller. */
char *hours_preview(struct engine *engine, const struct queue_command *command,
                    size_t *ret_len_bytes);
/* Today's hours were said since the day was last opened: they close it as the calendar's would. */
bool hours_close_today(const struct engine *engine);

#endif
