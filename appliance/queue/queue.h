/*
 * appliance/queue/queue.h - the queue domain: tickets, categories, counters, the service day.
 *
 * Decides: which number a visitor gets, whom a counter calls, what each press of a button may
 * change, how long a visitor will wait, and how two ledgers' views of one ticket are joined.
 * Decides not: who is on duty, when something is durable, what time it is, whether the office is
 * open by calendar.
 *
 * How it works. State is rows; every change is a set of whole row images. queue_decide() reads the
 * state and a command and writes the rows that would change; queue_apply() puts rows into the
 * state. The engine seals the encoded change into a ledger entry between the two, so state =
 * fold(entries) holds by construction, on both units and after every restart. decide never changes
 * the state, apply never fails on a change that decide or queue_change_decode (which checks every
 * field) produced. Nothing that decide answers depends on the order in which rows came here.
 *
 * Pure: no clock, no I/O, no allocation, no randomness, no globals. Time is a field of the command
 * (wall clock, milliseconds since 1970 UTC, used for waiting times and shown to people; ordering
 * never rests on it: a clock that goes back does not let a later visitor in front of an earlier
 * one). Sizes are bounded by enum queue_limit; the structure is about 42 MiB of address space,
 * belongs to the caller, and only what is used of it is ever touched (queue_init touches 3 MiB, a
 * ticket with five answered keys adds 1 KiB). Issue, call and every press cost the same at 20,000
 * tickets as at 20. Sources: field-queue.md 3 (states and guards), 6 (estimate), DESIGN 3 rules 4
 * and 5.
 */
#ifndef APPLIANCE_QUEUE_QUEUE_H
#define APPLIANCE_QUEUE_QUEUE_H

#include "base/bytes.h"
#include "base/ids.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum queue_limit {
    QUEUE_CATEGORIES_MAX = 32,
    QUEUE_COUNTERS_MAX = 64,
    QUEUE_COUNTER_CATEGORIES_MAX = 32,
    QUEUE_TICKETS_MAX = 20000, /* of one service day; the next is refused: DAY_FULL */
    QUEUE_KEYS_MAX = 131072,   /* answered idempotency keys of one service day */
    QUEUE_NAME_BYTES = 64,     /* UTF-8, with the closing zero */
    QUEUE_TICKETS_HELD_MAX = 2 * QUEUE_TICKETS_MAX, /* a meeting joins two full ledgers */
    QUEUE_KEYS_HELD_MAX = 2 * QUEUE_KEYS_MAX,
    QUEUE_TICKET_INDEX_SLOTS = 131072,
    QUEUE_KEY_INDEX_SLOTS = 524288,
    QUEUE_CHANGE_ROWS_MAX = 24,
    QUEUE_ROW_BYTES_MAX = 704,      /* one encoded row */
    QUEUE_CHANGE_BYTES_MAX = 6144,  /* one encoded change */
    QUEUE_CONFIG_BYTES_MAX = 21000, /* the largest valid configuration fits */
    QUEUE_LEGS_MAX = 6,             /* services that a ticket has behind it, and those it has planned */
    QUEUE_PLAN_MAX = 5,             /* services after the one it waits for */
    QUEUE_NOTE_BYTES = 96,          /* UTF-8, with the closing zero: some thirty characters */
    QUEUE_SKIPS_MAX = 32,
    QUEUE_SPANS_MAX = 4, /* of a category's hours; between two of them is a break */
    QUEUE_MINUTES_A_DAY = 1440,
    QUEUE_LIMIT_NONE = 65535, /* SET_LIMIT: no limit today, whatever is configured */
    QUEUE_HOLD_MS_MAX = 4 * 3600 * 1000,
    QUEUE_AFTER_MAX = 99,
    QUEUE_TWIN_INTERVAL_MS = 60000, /* 106 and 106B are not called within it */
    QUEUE_CLIENT_ACTION_LAST = 28,  /* QUEUE_SET_HOURS: ISSUE to here may have a key; REGISTER, ARRIVE too */
    QUEUE_NOTICE_BYTES = 240,       /* UTF-8, with the closing zero: some eighty characters */
    QUEUE_HOURS_MAX = 16,           /* dates whose hours a manager changed, today's among them */
    QUEUE_TIER_MAX = 9,             /* that a manager may give; the site file may say more */
    QUEUE_NUMBER_MAX = 9999,
    QUEUE_CALLS_BEFORE_ABSENT = 1, /* so many calls, then a counter may set a visitor absent */
    QUEUE_RECALL_INTERVAL_MS = 5000,
    QUEUE_UNDO_WINDOW_MS = 30000,
    QUEUE_CEILING_STEP = 50, /* DESIGN 3 rule 4 */
    QUEUE_PRIORITY_MAX = 3,
    QUEUE_PRIORITY_BOOST_MS = 600000, /* each level is called as if it had come so much earlier */
    QUEUE_SERVICES_REMEMBERED = 20,   /* newest service times that an estimate rests on */
    QUEUE_SERVICE_PRIOR_WEIGHT = 5,   /* the configured prior counts as so many services */
    QUEUE_DURATION_MS_MAX = 86400000,
    QUEUE_ESTIMATE_STEP_S = 300,
    QUEUE_ESTIMATE_S_MAX = 65100, /* longer waits say this */
    QUEUE_ESTIMATE_NONE = 65535,
};

#define QUEUE_TIME_MS_MAX INT64_C(253402300799999) /* 9999-12-31: later times are not believed */

/* What the site's configuration says of the queue. In the ledger as a CONFIG entry. */
struct queue_category_config {
    uint16_t id; /* 1..QUEUE_CATEGORIES_MAX, named by HTTP and by rows */
    char name_ja[QUEUE_NAME_BYTES];
    char name_en[QUEUE_NAME_BYTES];
    uint16_t number_first;     /* ranges of categories do not overlap */
    uint16_t number_last;      /* refused beyond: NUMBERS_USED_UP, never wrapped */
    uint16_t manual_first;     /* hand-written tickets: never given by the machine; 0 = none */
    uint16_t manual_last;
    uint32_t service_ms_prior; /* expected service time before anything is measured */
    uint32_t wait_ms_limit;    /* waiting longer jumps a tier; 0 = no limit */
    uint16_t daily_limit;      /* tickets of a day; 0 = no limit */
    uint16_t last_minute;      /* no ticket from this minute of the day on; 0 = until it closes */
    uint16_t registration_places; /* visitors of a day who may register before arrival; 0: none may */
    uint8_t span_count;        /* 0: whenever the office is open */
    struct queue_span {
        uint16_t first_minute, end_minute; /* after local midnight; the end is outside */
    } spans[QUEUE_SPANS_MAX];              /* rising; between two of them is a break */
};

struct queue_counter_config {
    uint16_t id; /* the number that visitors see: 1.. */
    char name_ja[QUEUE_NAME_BYTES];
    char name_en[QUEUE_NAME_BYTES];
    uint8_t category_count;
    struct {
        uint16_t category;
        uint8_t tier; /* 1 first, 2 when tier 1 is empty, ... */
    } categories[QUEUE_COUNTER_CATEGORIES_MAX];
};

struct queue_config {
    char site_ja[QUEUE_NAME_BYTES];
    char site_en[QUEUE_NAME_BYTES];
    int16_t utc_offset_minutes; /* of the wall on which categories' hours are read */
    uint16_t absent_minutes;    /* who comes back within them has the old place; 0 = always */
    uint8_t absent_after;       /* who comes back later waits behind so many */
    bool own_arrival;           /* who registered may say on the own page that he is there */
    uint8_t skip_count;
    /* Numbers that are never given: one below 100 means every number that ends so (4: 104, 204). */
    uint16_t skips[QUEUE_SKIPS_MAX];
    uint8_t category_count;
    uint8_t counter_count;
    struct queue_category_config categories[QUEUE_CATEGORIES_MAX];
    struct queue_counter_config counters[QUEUE_COUNTERS_MAX];
};

enum queue_day_state {
    QUEUE_DAY_NONE = 0,
    QUEUE_DAY_OPEN = 1,
    QUEUE_DAY_CLOSED = 2,
    QUEUE_DAY_ERASED = 3,
    QUEUE_DAY_ANNULLED = 4 /* opened by mistake: its visits are gone, another date may be opened */
};

enum queue_ticket_state {
    QUEUE_ISSUING = 1, /* a number is given, its paper not confirmed yet */
    QUEUE_WAITING = 2,
    QUEUE_CALLED = 3,
    QUEUE_SERVING = 4,
    QUEUE_HELD = 5,
    QUEUE_ABSENT = 6,
    QUEUE_DONE = 7, /* ends from here on */
    QUEUE_CANCELLED = 8,
    QUEUE_NO_SHOW = 9,
    QUEUE_EXPIRED = 10,
    QUEUE_VOID = 11,
    /* Registered before arrival, and not there yet: live, in no line, called by nobody. */
    QUEUE_EXPECTED = 12,
    QUEUE_STATE_LAST = QUEUE_EXPECTED,
};

/* HAND: written by staff while no machine gave numbers, entered afterwards. Stored: new ones at the end. */
enum queue_delivery {
    QUEUE_DELIVERY_SCREEN = 1,
    QUEUE_DELIVERY_PAPER = 2,
    QUEUE_DELIVERY_HAND = 3,
    QUEUE_DELIVERY_SCREEN_FOR_PAPER = 4, /* paper was asked for, and no printer could */
    QUEUE_DELIVERY_REGISTERED = 5,       /* on the visitor's own page, before arrival; stays so afterwards */
};

/* How a leg, or the whole visit, ended (field-queue.md 1: visit outcomes). */
enum queue_outcome {
    QUEUE_OUTCOME_NONE = 0,
    QUEUE_OUTCOME_SERVED = 1,
    QUEUE_OUTCOME_TO_CATEGORY = 2, /* transferred */
    QUEUE_OUTCOME_TO_COUNTER = 3,
    QUEUE_OUTCOME_NO_SHOW = 4,
    QUEUE_OUTCOME_REMOVED_BY_STAFF = 5,
    QUEUE_OUTCOME_REMOVED_BY_VISITOR = 6,
    QUEUE_OUTCOME_REMOVED_BY_CLOSING = 7,
    QUEUE_OUTCOME_JOINED = 8, /* one touch had given two tickets; the other one stays */
    QUEUE_OUTCOME_VOID = 9,
    QUEUE_OUTCOME_NOT_ARRIVED = 10, /* registered, and did not come before the day closed */
    QUEUE_OUTCOME_LAST = QUEUE_OUTCOME_NOT_ARRIVED,
};

/* Why a visitor is on hold; 0 in a ticket: it was never held since it was last called. */
enum queue_hold_reason {
    QUEUE_HOLD_OTHER = 1,
    QUEUE_HOLD_FORM = 2,     /* fills in a form */
    QUEUE_HOLD_DOCUMENT = 3, /* fetches a paper */
    QUEUE_HOLD_INQUIRY = 4,  /* we are finding out */
};

/* Where a ticket comes into a line. */
enum queue_place {
    QUEUE_PLACE_USUAL = 0, /* TRANSFER: by age; RETURN: as the site's rule for absent ones says */
    QUEUE_PLACE_HEAD = 1,
    QUEUE_PLACE_AGE = 2, /* the place it has always had */
    QUEUE_PLACE_TAIL = 3,
    QUEUE_PLACE_AFTER = 4, /* behind the first `after` of the line, never before its own age */
};

enum queue_row_kind {
    QUEUE_ROW_DAY = 1,      /* clear: one row */
    QUEUE_ROW_CATEGORY = 2, /* clear: numbers used and ceiling, per category */
    QUEUE_ROW_COUNTER = 3,  /* clear: open or closed, which ticket it has */
    QUEUE_ROW_TOTALS = 4,   /* clear: anonymous totals of the day, per category */
    QUEUE_ROW_NOTICE = 6,   /* clear: one row, the running text of the day */
    QUEUE_ROW_SERVES = 7,   /* clear: what a counter serves today, where a manager changed it */
    QUEUE_ROW_HOURS = 8,    /* clear: one date's hours, where a manager changed them */
    QUEUE_ROW_TICKET = 16,  /* of a visit: sealed under the day's key, gone with it */
    QUEUE_ROW_KEY = 17,     /* of a visit: what an idempotency key was answered */
};

/* Where a row was last changed: DESIGN 3 rule 5. lsn counts in `unit`'s ledger of then. */
struct queue_origin {
    uint32_t unit;
    uint64_t term;
    uint32_t session;
    uint64_t lsn;
};

/* One service behind a ticket. Times as in a ticket; 0: not. */
struct queue_leg {
    uint16_t category;
    uint16_t counter; /* 0: at none */
    uint8_t outcome;  /* SERVED, TO_CATEGORY or TO_COUNTER */
    int64_t enqueued_ms, called_ms, started_ms, ended_ms;
    int64_t first_called_ms; /* the call that ended the wait */
    uint32_t held_ms, served_ms;
};

struct queue_ticket {
    struct ids_token id; /* drawn by the engine: unguessable, the visitor's credential */
    uint32_t day;        /* yyyymmdd */
    uint16_t category;
    uint16_t number;
    struct ids_series series;
    uint64_t term;
    uint8_t state;   /* enum queue_ticket_state */
    uint8_t outcome; /* enum queue_outcome: NONE while it lives */
    uint8_t delivery;
    uint8_t priority; /* 0 none .. 3 */
    char language[8]; /* "ja", "ja-easy", "en", "zh", "ko" */
    uint16_t counter; /* CALLED, SERVING, HELD: whose; ABSENT, ended: whose last; 0 none */
    uint16_t for_counter; /* waits for this counter, not for any of its category; 0 none */
    uint16_t hold_owner;  /* HELD: the counter that goes on with it; 0: any (the pool) */
    uint8_t hold_reason;  /* enum queue_hold_reason; 0: owner and time mean nothing */
    uint8_t assist;       /* staff will come: whoever does not hear or see the call */
    uint8_t doubtful;     /* its times were not measured: counted, left out of means */
    uint16_t call_count;
    uint16_t waiting_ahead_at_issue;
    uint16_t estimate_s_at_issue; /* QUEUE_ESTIMATE_NONE: no estimate */
    uint8_t undelivered;          /* the printer did not confirm: staff see it */
    uint8_t copies;               /* papers beyond the first: each says 再発行 */
    uint8_t uncertain;            /* plain, and not known to be on both disks: set by the engine in
                                   * the image before it is sealed; decide leaves it 0 */
    int64_t issued_ms;
    int64_t enqueued_ms; /* of this leg; never before an earlier ticket's */
    int64_t place_ms;    /* its place in the line, before priority: enqueued_ms of the first leg, or
                          * where a press put it; 0: registered, and never arrived */
    int64_t called_ms;   /* newest call or recall, of an earlier leg if there was none in this; 0 never */
    int64_t started_ms, ended_ms; /* 0: not */
    int64_t hold_until_ms;        /* HELD: waits again from then on; 0: until it is called */
    /* For statistics, of this leg: */
    int64_t first_called_ms; /* the call that ended its wait, recalls apart; 0: none, or it was put back */
    int64_t held_at_ms;      /* on hold since then; 0: it is not, or was called or sent on since */
    uint32_t held_ms;        /* on hold, altogether, once it is over */
    uint32_t served_ms;      /* at counters, altogether: from start (or call, without one) to hold or end */
    struct queue_origin call;     /* the entry of the newest call: names it on boards. All four: an lsn comes back
                                   * after a tail was replaced, or an older image of a disk was put in */
    struct ids_token request_key; /* the idempotency key that it was issued for */
    struct queue_origin origin;   /* the entry that last changed it */
    struct queue_origin adopted;  /* the newest change of the peer that a meeting brought */
    uint64_t changed_lsn;         /* in this ledger */
    uint8_t leg_count, plan_count;
    struct queue_leg legs[QUEUE_LEGS_MAX]; /* behind it, oldest first */
    uint16_t plan[QUEUE_PLAN_MAX];         /* services that come after this one */
    char note[QUEUE_NOTE_BYTES];           /* for staff; UTF-8 */
};

struct queue_counter {
    uint16_t id;
    uint8_t open;
    struct ids_token ticket; /* CALLED or SERVING here; zero none */
    /* For undo: what the newest press here did, and the ticket as it was before. */
    uint8_t undo_action; /* enum queue_action, 0 nothing to undo: then all of these are zero */
    uint8_t undo_state;
    uint16_t undo_counter;
    uint16_t undo_call_count;
    uint16_t undo_category;
    uint16_t undo_for_counter;
    uint16_t undo_hold_owner;
    uint8_t undo_hold_reason;
    uint8_t undo_leg_count, undo_plan_count;
    uint16_t undo_plan[QUEUE_PLAN_MAX];
    struct queue_origin undo_call;
    int64_t undo_enqueued_ms, undo_place_ms, undo_called_ms, undo_started_ms, undo_hold_until_ms;
    int64_t undo_at_ms;
    int64_t undo_first_called_ms, undo_held_at_ms;
    uint32_t undo_held_ms, undo_served_ms;
    struct ids_token undo_ticket;
    uint64_t changed_lsn;
};

struct queue_category {
    uint16_t id;
    uint16_t plain_highest;   /* 0 none yet */
    uint16_t ceiling;         /* plain numbers above it are not assigned; 0 none reserved */
    struct ids_series letter; /* the newest lettered series that gave numbers here */
    uint16_t letter_highest;  /* its highest; a new session goes on above every number seen */
    uint8_t suspended;        /* acceptance stopped by hand */
    uint16_t limit;           /* of today, by hand; 0: as configured */
    uint64_t ruled_lsn;       /* when suspended or limit was last set, in this ledger */
    uint64_t changed_lsn;
    uint16_t earlier_highest; /* up to it plain numbers are of an annulled opening: nobody's, and no gap; 0 none */
};

struct queue_day {
    uint32_t date; /* yyyymmdd, 0 before the first */
    uint8_t state;
    uint16_t openings;            /* how often this date was opened: an annulled day opens again */
    int64_t opened_ms, closed_ms; /* of the newest opening and closing; closed_ms 0 while open */
    uint64_t opened_lsn;          /* of its first opening: the fold's checkpoint */
    uint32_t erased_date;         /* newest date whose visit data is destroyed */
    uint32_t annulled_date;       /* newest date that was opened by mistake; up to it numbers go on */
    struct queue_origin origin;   /* the entry that last changed it: also of the rows it ended */
    uint8_t suspended;            /* acceptance of every category stopped by hand */
    uint64_t ruled_lsn;           /* when that was last set, in this ledger */
};

/* The day's sum over its tickets and their legs, plus skipped numbers: issued counts where the number
 * is from, all else where the leg ended. Both sums are over the served ones: from joining the line to
 * the newest call, from there to the end (walking up included). What the day's closing ended is in
 * neither. */
struct queue_totals {
    uint16_t category;
    uint32_t issued, served, no_show, cancelled, expired, voided;
    uint32_t transferred; /* legs that went on elsewhere */
    uint32_t doubtful;    /* of the served: not in the sums */
    uint64_t wait_ms_sum, service_ms_sum;
};

/* What managers say, beside acceptance and limits. Text on boards and pages: of the day, gone when it closes. */
struct queue_notice {
    char ja[QUEUE_NOTICE_BYTES], en[QUEUE_NOTICE_BYTES]; /* both empty: none; never English alone */
    uint64_t changed_lsn;
};

/* Which categories a counter serves today, in which tier. Of the day: as configured when it closes. */
struct queue_serves {
    uint16_t counter;
    uint8_t count; /* 0: as configured */
    struct queue_serves_item {
        uint16_t category;
        uint8_t tier;
    } items[QUEUE_COUNTER_CATEGORIES_MAX]; /* by tier, then category */
    uint64_t changed_lsn;
};

enum queue_hours_kind {
    QUEUE_HOURS_USUAL = 0, /* as the site's calendar says: what was changed is taken back */
    QUEUE_HOURS_CLOSED = 1,
    QUEUE_HOURS_OPEN = 2
};

/* The office's hours of one date by a manager's word: it beats the site's calendar. Outlives a day; gone when
 * a later date opens. This folder keeps and joins it; the engine lays it over the calendar. */
struct queue_hours {
    uint32_t date; /* yyyymmdd */
    uint8_t kind;  /* enum queue_hours_kind */
    uint16_t open_minute, close_minute; /* after local midnight; 0 unless OPEN */
    char reason_ja[QUEUE_NAME_BYTES], reason_en[QUEUE_NAME_BYTES];
    uint64_t changed_lsn;
};

/* What became of who had a hand-written ticket, when it is entered. */
enum queue_manual_result {
    QUEUE_MANUAL_WAITS = 0,
    QUEUE_MANUAL_SERVED = 1,
    QUEUE_MANUAL_LEFT = 2,   /* went without being served: NO_SHOW */
    QUEUE_MANUAL_SPOILED = 3 /* the paper was written wrongly, nobody had it: CANCELLED */
};

/* Everything a client may ask. The HTTP names are in appliance/gateway/openapi.json. */
enum queue_action {
    QUEUE_ISSUE = 1,
    QUEUE_PRINTED,       /* paper confirmed: ISSUING -> WAITING; late: no longer undelivered */
    QUEUE_PRINT_UNKNOWN, /* ISSUING -> WAITING, undelivered */
    QUEUE_REPRINT,       /* any live state: one more paper, marked as a copy */
    QUEUE_CANCEL,
    QUEUE_CALL_NEXT,
    QUEUE_CALL, /* a named ticket: WAITING, HELD, ABSENT */
    QUEUE_RECALL,
    QUEUE_START,
    QUEUE_COMPLETE, /* CALLED or SERVING -> DONE, or WAITING for the next planned service */
    QUEUE_SET_ABSENT,
    QUEUE_RETURN,   /* ABSENT -> WAITING at `place` */
    QUEUE_PUT_BACK, /* CALLED -> WAITING at its old place */
    QUEUE_HOLD,     /* CALLED, SERVING -> HELD, for this counter or the pool, with or without a time */
    QUEUE_TRANSFER, /* CALLED, SERVING, HELD -> WAITING in `category` or for `to_counter`, same number,
                     * at `place` */
    QUEUE_UNDO,     /* the newest press of this counter on a ticket: not a recall, reprint or note */
    QUEUE_COUNTER_OPEN,
    QUEUE_COUNTER_CLOSE,
    QUEUE_GIVE_UP,      /* ABSENT -> NO_SHOW */
    QUEUE_PLAN,         /* any live state: the services after this one are those of `plan` */
    QUEUE_NOTE,         /* any live state: `note` and "staff will come", as far as they are given */
    QUEUE_ENTER_MANUAL, /* a hand-written ticket: `number` of the category's own range; waits, or is
                         * DONE already (`served`) */
    QUEUE_SUSPEND,      /* no new tickets of `category`; 0: of any */
    QUEUE_RESUME,
    QUEUE_SET_LIMIT,   /* today's limit of `category`: `limit`; 0: as configured */
    QUEUE_SET_NOTICE,  /* the running text: `text_ja`, `text_en`; both empty take it away */
    QUEUE_SET_SERVES,  /* what `counter` serves from now on: `serves`; none: as configured */
    QUEUE_SET_HOURS,   /* the office's hours on `date`; also while no day is open (then without a key: the
                        * same hours said twice are the same hours) */
    QUEUE_DAY_OPENING, /* closes whatever is open first; a later date needs the older one erased */
    QUEUE_DAY_CLOSING, /* counters close, live tickets end: ISSUING, ABSENT NO_SHOW, else EXPIRED */
    QUEUE_DAY_ERASING, /* tickets and keys leave the state; totals stay */
    QUEUE_DAY_ANNULLING, /* a day opened by mistake: closed, its tickets and keys leave the state */
    QUEUE_HOLD_ENDING,   /* by the unit on duty: a HELD ticket whose time is over waits again */
    /* Not for queue_decide: each has its function below. */
    QUEUE_SKIP_NUMBERS,  /* plain numbers become VOID: gaps after a meeting, uncertain tickets */
    QUEUE_RAISE_CEILING, /* DESIGN 3 rule 4 */
    QUEUE_JOIN,          /* rows that a meeting brought; queue_apply puts them as they are */
    /* Clients' again; here because actions are stored by their number. */
    QUEUE_REGISTER, /* a number of `category` for somebody who is not there yet: EXPECTED */
    QUEUE_ARRIVE,   /* EXPECTED -> WAITING, behind everybody who is there */
    QUEUE_ACTION_END,
};

enum queue_reason {
    QUEUE_OK = 0,
    QUEUE_REPLAYED,   /* this key was answered before: the same answer again */
    QUEUE_EMPTY,      /* call_next: nobody is waiting for this counter (an answer, not an error) */
    QUEUE_KEY_REUSED, /* 422: the key came before with another body */
    QUEUE_DAY_NOT_OPEN,     /* 409 */
    QUEUE_DAY_ALREADY_OPEN, /* 409: opened twice, or to be erased before it is closed */
    QUEUE_DAY_NOT_LATER,    /* 409: a date before the ledger's, an erased one, or no date at all */
    QUEUE_DAY_NOT_ERASED,   /* 409: yesterday's visits are still here */
    QUEUE_DAY_FULL,         /* 409: QUEUE_TICKETS_MAX or QUEUE_KEYS_MAX */
    QUEUE_NO_SUCH_CATEGORY, /* 422 */
    QUEUE_NO_SUCH_COUNTER,  /* 404 */
    QUEUE_NO_SUCH_TICKET,   /* 404 */
    QUEUE_CATEGORY_SUSPENDED, /* 409 */
    QUEUE_NUMBERS_USED_UP,    /* 409 */
    QUEUE_CEILING_REACHED,    /* not for clients: the engine raises the ceiling and decides again */
    QUEUE_COUNTER_CLOSED,     /* 409 */
    QUEUE_COUNTER_BUSY,       /* 409: it has a ticket called or being served */
    QUEUE_COUNTER_IDLE,       /* 409: it has none */
    QUEUE_COUNTER_NOT_FOR,    /* 409: this counter does not serve that category */
    QUEUE_TICKET_ELSEWHERE,   /* 409: another counter has it */
    QUEUE_WRONG_STATE,        /* 409 */
    QUEUE_TOO_SOON,           /* 409: recall within QUEUE_RECALL_INTERVAL_MS */
    QUEUE_NOTHING_TO_UNDO,    /* 409 */
    QUEUE_UNDO_TOO_LATE,      /* 409 */
    QUEUE_BAD_LANGUAGE,       /* 422 */
    QUEUE_BAD_PRIORITY,       /* 422 */
    QUEUE_ALL_SUSPENDED,      /* 409 */
    QUEUE_LIMIT_REACHED,      /* 409: today's limit of this category */
    QUEUE_NOT_AT_THIS_HOUR,   /* 409: before its hours, or in a break: later today it is */
    QUEUE_ACCEPTANCE_OVER,    /* 409: last acceptance of this category is past */
    QUEUE_TWIN_CALLED,        /* 409: 106 was called within the last minute, and this is 106B */
    QUEUE_HELD_ELSEWHERE,     /* 409: another counter, which is open, goes on with this visitor */
    QUEUE_RETURN_TOO_LATE,    /* 409: the old place is gone; another place may be given */
    QUEUE_TOO_MANY_LEGS,      /* 409 */
    QUEUE_NUMBER_NOT_MANUAL,  /* 422: not of this category's hand-written range */
    QUEUE_NUMBER_TAKEN,       /* 409: entered already */
    QUEUE_BAD_PLACE,          /* 422: no such place, reason, time or list of services */
    QUEUE_BAD_NOTE,           /* 422 */
    QUEUE_BAD_TEXT,           /* 422: too long, or English without Japanese */
    QUEUE_BAD_SERVES,         /* 422: a category twice, or a tier that does not exist */
    QUEUE_BAD_HOURS,          /* 422: closes before it opens, or no such date */
    QUEUE_HOURS_FULL,         /* 409: QUEUE_HOURS_MAX dates are changed already */
    QUEUE_NO_REGISTRATION,    /* 409: the site takes none, or none for this category */
    QUEUE_REGISTRATION_FULL,  /* 409: today's places of this category are taken */
    QUEUE_NOT_ARRIVED,        /* 409: this visitor has registered and is not there yet */
    QUEUE_ARRIVE_HERE,        /* 409: not by the own page: at a ticket machine or a counter */
    QUEUE_REASON_END,
};

struct queue_command {
    enum queue_action action;
    int64_t at_ms;        /* wall clock */
    struct ids_token key; /* hash of the Idempotency-Key; zero = none (inner commands) */
    uint64_t body_hash;   /* of the request's method, path and body; 0 unknown, fits any */
    uint16_t category;
    uint16_t counter;
    struct ids_token ticket; /* the ticket meant; for ISSUE the id drawn for the new one */
    uint8_t delivery, priority;
    char language[8];
    uint32_t date; /* DAY_OPENING, SET_HOURS */
    uint16_t number; /* ENTER_MANUAL */
    uint16_t to_counter; /* TRANSFER */
    uint16_t limit;      /* SET_LIMIT */
    uint8_t place;       /* enum queue_place: TRANSFER, RETURN */
    uint8_t after;       /* with QUEUE_PLACE_AFTER: 1 .. QUEUE_AFTER_MAX */
    uint8_t hold_reason; /* HOLD: enum queue_hold_reason; 0: OTHER */
    bool to_pool;        /* HOLD: any counter may go on with it */
    uint32_t hold_ms;    /* HOLD: waits again after it; 0: until it is called */
    uint8_t plan_count;  /* PLAN, ISSUE */
    uint16_t plan[QUEUE_PLAN_MAX];
    bool has_note; /* NOTE: `note` is given, empty takes it away */
    char note[QUEUE_NOTE_BYTES];
    uint8_t assist;       /* NOTE, ISSUE: 0 as it is, 1 staff will come, 2 not any more */
    uint8_t result;       /* ENTER_MANUAL: enum queue_manual_result; `to_counter`: where, 0 not said */
    char text_ja[QUEUE_NOTICE_BYTES], text_en[QUEUE_NOTICE_BYTES]; /* SET_NOTICE; SET_HOURS: the reason */
    uint8_t serves_count; /* SET_SERVES */
    struct queue_serves_item serves[QUEUE_COUNTER_CATEGORIES_MAX];
    uint8_t hours; /* SET_HOURS: enum queue_hours_kind, `date` */
    uint16_t open_minute, close_minute;
    bool hours_unknown;   /* ISSUE, REGISTER, ARRIVE: the clock is not believed: no category's hours are looked at */
    bool from_afar;       /* ARRIVE: by nobody who is known to be in the office */
    /* Filled by the engine, from duty: */
    struct ids_series series;   /* plain, or the session that serves */
    struct queue_origin origin; /* of the entry this becomes; origin.lsn is the entry's lsn */
};

struct queue_row {
    uint8_t kind; /* enum queue_row_kind */
    union {
        struct queue_day day;
        struct queue_category category;
        struct queue_counter counter;
        struct queue_totals totals;
        struct queue_notice notice;
        struct queue_serves serves;
        struct queue_hours hours;
        struct queue_ticket ticket;
        struct queue_key {
            struct ids_token key;
            uint64_t body_hash;
            uint8_t action;
            uint8_t reason; /* QUEUE_OK or QUEUE_EMPTY */
            uint8_t state;  /* the ticket's, after the action */
            uint16_t counter;
            uint16_t call_count;
            struct ids_token ticket;
            uint64_t lsn; /* of the entry that answered it, in its ledger */
        } key;
    };
};

struct queue_change {
    uint8_t action; /* enum queue_action */
    uint8_t row_count;
    struct queue_row rows[QUEUE_CHANGE_ROWS_MAX];
};

struct queue_decision {
    enum queue_reason reason;
    struct queue_change change; /* row_count 0: nothing to write (refusals, replays, EMPTY) */
    struct queue_key answer;    /* what to tell the client, also for REPLAYED */
};

/* Derived lines: tickets of one category in one state, in the order in which they will be called
 * (SERVED: in which they ended). Indices are position + 1; 0 is none. */
enum queue_line {
    QUEUE_LINE_ISSUING = 0,
    QUEUE_LINE_WAITING = 1,
    QUEUE_LINE_HELD = 2,
    QUEUE_LINE_ABSENT = 3,
    QUEUE_LINE_SERVED = 4,
    QUEUE_LINE_COUNT = 5,
};

struct queue_list {
    uint32_t first, last, count;
};

enum { QUEUE_OWN_LIST_FIRST = 1 + QUEUE_CATEGORIES_MAX * QUEUE_LINE_COUNT };

struct queue_link {
    int64_t order_ms;
    uint64_t tie; /* then the ticket's id */
    uint32_t before, after;
    uint32_t list; /* 0: in none */
};

/* The state. Visible so that tests and the simulator build it; only this folder writes it. */
struct queue {
    struct queue_config config;
    struct queue_day day;
    struct queue_category categories[QUEUE_CATEGORIES_MAX]; /* by config order */
    struct queue_totals totals[QUEUE_CATEGORIES_MAX];
    struct queue_counter counters[QUEUE_COUNTERS_MAX];
    struct queue_notice notice;
    struct queue_serves serves[QUEUE_COUNTERS_MAX]; /* by config order */
    struct queue_hours hours[QUEUE_HOURS_MAX];      /* by date; then date 0 */
    uint32_t ticket_count;
    uint32_t key_count;
    struct queue_ticket tickets[QUEUE_TICKETS_HELD_MAX]; /* in the order they came here */
    struct queue_key keys[QUEUE_KEYS_HELD_MAX];

    /* Derived from the above by apply, never encoded, whatever the order was: */
    uint32_t ticket_index[QUEUE_TICKET_INDEX_SLOTS]; /* open addressing by id: position + 1 */
    uint32_t key_index[QUEUE_KEY_INDEX_SLOTS];
    uint32_t number_index[QUEUE_NUMBER_MAX + 1];      /* position + 1 of one with this number, */
    uint32_t number_next[QUEUE_TICKETS_HELD_MAX];     /* then of the next one in other series */
    uint8_t category_slots[QUEUE_CATEGORIES_MAX + 1]; /* by id: position + 1 */
    uint8_t tiers[QUEUE_COUNTERS_MAX][QUEUE_CATEGORIES_MAX]; /* by positions; 0: not served */
    uint32_t service_ms[QUEUE_CATEGORIES_MAX]; /* expected, from the newest services */
    int64_t newest_enqueued_ms;
    /* [0] is not used; then by category and line; then those that wait for one counter, by counter */
    struct queue_list lines[QUEUE_OWN_LIST_FIRST + QUEUE_COUNTERS_MAX];
    uint32_t own_waiting[QUEUE_CATEGORIES_MAX]; /* of each category: those that wait for one counter */
    struct queue_registered {
        uint32_t all;         /* numbers given so, by the category that they are of; VOID ones apart */
        uint32_t expected;    /* not there yet */
        uint32_t not_arrived; /* did not come: the day closed */
    } registered[QUEUE_CATEGORIES_MAX];
    struct queue_link line_links[QUEUE_TICKETS_HELD_MAX];
    struct queue_list calls; /* oldest call first */
    struct queue_link call_links[QUEUE_TICKETS_HELD_MAX];
};

void queue_init(struct queue *queue);

/* Configuration: refused (false) when ids repeat, ranges overlap, a counter names a category that
 * is not there, twice or none at all, or a name is not UTF-8 text. */
bool queue_config_is_valid(const struct queue_config *config);
size_t queue_config_encode(const struct queue_config *config, uint8_t *bytes,
                           size_t capacity_bytes);
bool queue_config_decode(const uint8_t *bytes, size_t len_bytes, struct queue_config *ret_config);
/* Takes force at a day's opening, or where queue_config_fits; rows of categories and counters that
 * stay are kept, others are gone or new and empty. Not told through `touched`; an empty row is not
 * there, so only what is gone changes a digest of rows. */
void queue_set_config(struct queue *queue, const struct queue_config *config);

/* May `next` take the configuration's place in the middle of this day? What numbers were given or reserved
 * today keeps its range, what has tickets or an open counter stays, and the rule of skipped numbers. At a
 * date's end everything fits. */
enum queue_clash_kind {
    QUEUE_CLASH_NONE,
    QUEUE_CLASH_CATEGORY_USED,      /* id: it goes, and has numbers of today, given or reserved */
    QUEUE_CLASH_NUMBERS_MOVED,      /* id: its first number would change */
    QUEUE_CLASH_NUMBERS_USED,       /* id, number: given or reserved today, beyond the new range */
    QUEUE_CLASH_SKIPS,
    QUEUE_CLASH_COUNTER_OPEN,       /* id: a counter that goes is open */
    QUEUE_CLASH_COUNTER_WAITED_FOR, /* id: a counter that goes; number waits for it */
};

struct queue_clash {
    enum queue_clash_kind kind;
    uint16_t id, number;
};

bool queue_config_fits(const struct queue *queue, const struct queue_config *next,
                       struct queue_clash *ret_clash);

/* What would this command change? Never changes `queue`. DAY_CLOSING and DAY_ERASING put only the
 * day row; queue_apply derives their effect on every ticket, so the entry stays small. Every row
 * written has changed_lsn = command->origin.lsn. A day is opened from CLOSED (same date: openings +
 * 1, numbers go on, ended tickets stay ended) or as a later date; that takes force at once when the
 * older day left no ticket and no key, else QUEUE_DAY_NOT_ERASED: close it, erase it, open the new
 * one - three entries. DAY_CLOSING needs an open day, DAY_ERASING a closed one; an erased date is
 * not opened again. A new date starts numbers, ceilings, letters and totals afresh: raise the
 * ceilings before the first plain number. Keys count for clients' actions; refusals are not
 * recorded. A key whose ticket is VOID is free again for ISSUE and REGISTER (DESIGN 3 rule 4: it gets a
 * lettered one). REGISTER is an ISSUE whose visitor is not there: EXPECTED, without priority or plan; ARRIVE
 * begins its wait, in its category's hours. ISSUE, REGISTER: an id that is zero or in use is
 * QUEUE_WRONG_STATE; no language is "ja". Presses on a counter's ticket take `counter`; if `ticket` is
 * given too it must be that one. HOLD, TRANSFER, RETURN, CANCEL, REPRINT take `ticket`, or `counter`
 * for the one it has; with both, the counter is who pressed, and may undo. */
void queue_decide(const struct queue *queue, const struct queue_command *command,
                  struct queue_decision *decision);
/* Every row that apply changes is told through `touched` (may be NULL), those of the change itself
 * and those derived from it: once per row, with its image before (kind 0: was not there) and after
 * (kind 0: is gone). Rows of categories and counters that are not configured are left out. */
typedef void queue_touched_fn(void *context, const struct queue_row *before,
                              const struct queue_row *after);
void queue_apply(struct queue *queue, const struct queue_change *change, queue_touched_fn *touched,
                 void *context);
/* Start-up: puts one stored row as it is, nothing derived from its meaning. False: no room, or its
 * category or counter is not configured. Load the configuration first; rows come in any order. */
bool queue_load_row(struct queue *queue, const struct queue_row *row);

size_t queue_change_encode(const struct queue_change *change, uint8_t *bytes,
                           size_t capacity_bytes);
bool queue_change_decode(const uint8_t *bytes, size_t len_bytes, struct queue_change *ret_change);
/* A row's name in the ledger (kind and identity, at most 32 bytes) and its value. */
size_t queue_row_key(const struct queue_row *row, uint8_t key[32]);
size_t queue_row_encode(const struct queue_row *row, uint8_t *bytes, size_t capacity_bytes);
bool queue_row_decode(const uint8_t *bytes, size_t len_bytes, struct queue_row *ret_row);
/* Whether a row belongs to a visit and is sealed under the day's key. */
bool queue_row_is_of_visit(enum queue_row_kind kind);
/* Every row of the state, `before` of kind 0: by kind, then tickets and keys in the order they came
 * here (a digest that must be the same after start-up from stored rows adds up, it does not chain).
 */
void queue_for_each_row(const struct queue *queue, queue_touched_fn *each, void *context);

/* Plain ceilings (DESIGN 3 rule 4): reserves numbers up to highest + reserve, bounded by the
 * category's range. */
void queue_raise_ceiling(const struct queue *queue, uint16_t category, uint16_t reserve, uint64_t lsn,
                         struct queue_change *ret_change);
/* Gap: every plain number of the category above its highest, up to new_highest, is VOID; and so is
 * every one below that no ticket has: the other ledger's gaps come with no ticket of theirs. One that
 * has a ticket now is a gap no more. row_count 0 in both: nothing to do. Walks all tickets. Of a day
 * erased or annulled nothing is counted any more. */
void queue_skip_numbers(const struct queue *queue, uint16_t category, uint16_t new_highest,
                        uint64_t lsn, struct queue_change *ret_change);
/* A plain ticket that never left this process (DESIGN 3 rule 4) becomes VOID: ISSUING, WAITING or
 * EXPECTED, else false. When it may be done is the engine's to know. */
bool queue_void_ticket(const struct queue *queue, const struct ids_token *id,
                       const struct queue_origin *here, int64_t at_ms,
                       struct queue_change *ret_change);
/* The number that ISSUE would give now, 0: none left. Plain: plain_highest + 1. A letter: above its
 * own highest, and when the letter is new here, above every number of the category seen so far, so
 * that a visitor sees the numbers go on. */
uint16_t queue_next_number(const struct queue *queue, uint16_t category, struct ids_series series);

/* Why ISSUE would be refused for this category at this moment, numbers apart; QUEUE_OK: it would not.
 * By level: hours, breaks and last acceptance are looked at each time (hours_unknown: they are not). */
enum queue_reason queue_accepts(const struct queue *queue, uint16_t category, int64_t at_ms,
                                bool hours_unknown);
/* Today's limit of a category; -1: none. Its totals' `issued` counts towards it. */
int32_t queue_limit(const struct queue *queue, uint16_t category);
/* A HELD ticket whose time is over, for QUEUE_HOLD_ENDING; NULL: none. Level, not edge. */
const struct queue_ticket *queue_hold_due(const struct queue *queue, int64_t now_ms);

/* The date whose numbers, ceilings and sessions are counted now: the day's own, or a later one that was
 * annulled and may still come. */
uint32_t queue_number_date(const struct queue *queue);
/* No number of that date is ever given again: categories may go and come, and what was reserved of them is void. */
bool queue_numbers_are_over(const struct queue *queue);

/* A meeting (DESIGN 3 rule 5): `theirs` is the peer's row, common_lsn the last lsn that both
 * ledgers share. Gives the rows that result here; false: ours already says it all, nothing to
 * write.
 *
 * A ticket not known here is adopted whole. If ours holds their last change (its lsn is common, or
 * its origin is ours or adopted here) there is nothing to do. If theirs holds our last change (its
 * lsn is common, its origin is what they adopted, or it is the peer's own that we adopted) theirs
 * wins; origin and adopted are then both theirs, so twice is once. Else
 * ended > SERVING > CALLED > HELD > ABSENT > WAITING > ISSUING, EXPECTED; two arrivals are one, the earlier;
 * CALLED or SERVING at two counters is HELD, and of two endings the earlier counts. Both are recorded:
 * origin is `here`, whose entry holds the ticket as joined, adopted names the peer's entry, which its
 * own ledger or the archive of replaced tails keeps. A VOID yields to all, whatever it knew.
 *
 * A counter that has another ticket cannot get this one: HELD. A closed day adopts live tickets as
 * ended, an erased day only counts. Another day's ticket is nothing: join the days first.
 *
 * Two tickets under one key are one touch of one visitor. The one that was served stays and answers
 * the key, else the one that is called, else the one on paper for certain, else the later one: it
 * was the answer to the retry. The other is CANCELLED if it still waits, unless it too is on paper
 * for certain while neither was served: then both stay, because nobody's paper is taken away.
 *
 * Rows of counters, categories (highest numbers), totals and keys are repaired in the same change.
 */
bool queue_join_ticket(const struct queue *queue, const struct queue_ticket *theirs,
                       uint32_t peer_unit, uint64_t common_lsn, const struct queue_origin *here,
                       int64_t at_ms, struct queue_change *ret_change);
/* Answers given by the peer: a key not known here is adopted, so that its retry is answered the
 * same. After the tickets. */
bool queue_join_key(const struct queue *queue, const struct queue_key *theirs,
                    struct queue_change *ret_change);
/* Open or closed: who changed it after common_lsn says; both: open. After the tickets. */
bool queue_join_counter(const struct queue *queue, const struct queue_counter *theirs,
                        uint64_t common_lsn, const struct queue_origin *here,
                        struct queue_change *ret_change);

/* What managers stopped, resumed or limited: who changed it after common_lsn says; both: stopped, and the
 * lower limit. A refusal takes force at once (rule 5). */
bool queue_join_category(const struct queue *queue, const struct queue_category *theirs,
                         uint64_t common_lsn, const struct queue_origin *here,
                         struct queue_change *ret_change);
bool queue_join_acceptance(const struct queue *queue, const struct queue_day *theirs,
                           uint64_t common_lsn, const struct queue_origin *here,
                           struct queue_change *ret_change);

/* Managers' words: who changed one after common_lsn says; changed on both sides, ours stays, and of two hours of
 * one date the shorter ones (closed is the shortest). */
bool queue_join_notice(const struct queue *queue, const struct queue_notice *theirs,
                       uint64_t common_lsn, const struct queue_origin *here,
                       struct queue_change *ret_change);
bool queue_join_serves(const struct queue *queue, const struct queue_serves *theirs,
                       uint64_t common_lsn, const struct queue_origin *here,
                       struct queue_change *ret_change);
bool queue_join_hours(const struct queue *queue, const struct queue_hours *theirs,
                      uint64_t common_lsn, const struct queue_origin *here,
                      struct queue_change *ret_change);

/* Reading. Pointers live until the next apply. NULL: no such thing. */
const struct queue_ticket *queue_ticket_find(const struct queue *queue, const struct ids_token *id);
/* What an idempotency key was answered, or NULL. */
const struct queue_key *queue_key_find(const struct queue *queue, const struct ids_token *key);
const struct queue_ticket *queue_ticket_by_number(const struct queue *queue, uint16_t number,
                                                  struct ids_series series);
const struct queue_counter *queue_counter_find(const struct queue *queue, uint16_t id);
const struct queue_category *queue_category_find(const struct queue *queue, uint16_t id);
const struct queue_category_config *queue_category_config_find(const struct queue *queue,
                                                               uint16_t id);
const struct queue_counter_config *queue_counter_config_find(const struct queue *queue,
                                                             uint16_t id);
bool queue_ticket_is_live(enum queue_ticket_state state);
/* Was this visitor ever in the office? Only who registered may not have been. */
bool queue_ticket_has_arrived(const struct queue_ticket *ticket);
/* May a client ask for it, with a key? And does it give a number? */
bool queue_action_is_clients(uint8_t action);
bool queue_action_gives_number(uint8_t action);
/* Who registered before arrival today, by the category that the number is of; NULL: no such category. */
const struct queue_registered *queue_registered_find(const struct queue *queue, uint16_t category);
/* Why REGISTER would be refused now, numbers apart; QUEUE_OK: it would not. */
enum queue_reason queue_accepts_registration(const struct queue *queue, uint16_t category, int64_t at_ms,
                                             bool hours_unknown);
/* In which tier this counter serves that category now; 0: not. */
uint8_t queue_counter_tier(const struct queue *queue, uint16_t counter, uint16_t category);
/* A manager's word on this date's hours; NULL: there is none, or it was taken back. */
const struct queue_hours *queue_hours_find(const struct queue *queue, uint32_t date);
/* Tickets that a call_next could call. Those whose paper is just being printed are not in it. */
uint32_t queue_waiting_count(const struct queue *queue, uint16_t category);
/* People in front of this ticket who will be called before it, in its category, those at the
 * printer included. 0 unless ISSUING or WAITING. */
uint32_t queue_waiting_ahead(const struct queue *queue, const struct queue_ticket *ticket);
/* Walks one category's tickets in ISSUING, WAITING, HELD, ABSENT (as they will be called) or DONE
 * (as they ended); NULL: no more, or a state that has no line. */
const struct queue_ticket *queue_line_first(const struct queue *queue, uint16_t category,
                                            enum queue_ticket_state state);
const struct queue_ticket *queue_line_next(const struct queue *queue,
                                           const struct queue_ticket *ticket);
/* Seconds until a ticket of this category that came now is called, played forward over the open
 * counters (field-queue.md 6), rounded up to 5 minutes; -1: no open counter serves it. */
int32_t queue_estimate_s(const struct queue *queue, uint16_t category, int64_t now_ms);
/* The same for a ticket that waits already. */
int32_t queue_estimate_ticket_s(const struct queue *queue, const struct queue_ticket *ticket,
                                int64_t now_ms);
/* The newest calls, newest first: for boards. Calls that were put back, held, transferred or undone
 * are not in it. Returns how many were written. */
size_t queue_newest_calls(const struct queue *queue, const struct queue_ticket **calls, size_t max);

/* Codes such as "WRONG_STATE", "CALLED", "CALL_NEXT": part of the surface, never translated. */
const char *queue_reason_code(enum queue_reason reason);
const char *queue_reason_ja(enum queue_reason reason);
const char *queue_reason_en(enum queue_reason reason);
const char *queue_state_code(enum queue_ticket_state state);
const char *queue_action_code(enum queue_action action);
const char *queue_outcome_code(enum queue_outcome outcome);
const char *queue_hold_reason_code(enum queue_hold_reason reason);

#endif
