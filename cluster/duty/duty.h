/*
 * cluster/duty/duty.h - who is on duty: one pure function over a total state x event table.
 *
 * A plain number means two disks, a letter means one (DESIGN 3). Duty decides when this unit serves,
 * whether by numbers or by letter, when it meets its peer, who is the source of a meeting, when a term
 * is minted, and when the floating address is taken and given up. It decides not: what is in a ledger,
 * how entries travel, which number a visitor gets. Its evidence may be late, wrong and contradictory:
 * only liveness suffers, because safety rests on the ledger alone (reservation, terms, series).
 *
 * Pure: same start, same events, same actions, byte for byte. now_ms is CLOCK_MONOTONIC_RAW of this
 * unit in milliseconds; it never goes back. Events are past facts, actions are commands; an action that
 * can fail is answered by an event. duty_step never fails and never blocks. The rows of the table are
 * cluster/duty/duty_table.c, from which docs/DUTY.md is generated. "rule n" is a rule of DESIGN 3.
 */
#ifndef CLUSTER_DUTY_DUTY_H
#define CLUSTER_DUTY_DUTY_H

#include "base/bytes.h"
#include "base/ids.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum duty_limit {
    DUTY_WORD_INTERVAL_MS = 30,        /* a word at least this often, on every link */
    DUTY_SUSPECT_MS = 150,             /* no word for this long: a spare asks who has the address */
    DUTY_MUTE_MS = 300,                /* no word for this long: contact is broken */
    DUTY_STALL_MS = 300,               /* no step for this long: this unit itself stood still */
    DUTY_MUTE_FOR_ADDRESS_MS = 1000,   /* mute this long: its answering the address proves nothing */
    DUTY_ACK_MS_MAX = 500,             /* a batch not acknowledged: broken contact (rule 1) */
    DUTY_MINT_MS_MAX = 500,            /* requests are held no longer for a mint (rule 5) */
    DUTY_RESTART_GRACE_MS = 150,       /* what a restarting peer gets (rule 2) */
    DUTY_LONE_BOOT_MS = 30000,         /* rule 2 */
    DUTY_LINK_LOST_MS = 3000,          /* a session ends after this long without service link (rule 3) */
    DUTY_LINK_JUDGE_MS = 250,          /* own link lost this long: have the spare's words said the same? */
    DUTY_HANDOVER_LINK_MS = 3000,      /* rule 2: a spare's link has worked this long */
    DUTY_CONFLICT_MS = 300,            /* rule 8 */
    DUTY_STRANGER_SAID_MS = 10000,     /* a stranger's announcement is spoken of for so long */
    DUTY_CONFLICT_BACKOFF_MS_MIN = 3000,
    DUTY_CONFLICT_BACKOFF_MS_MAX = 60000,
    DUTY_PROBE_RETRY_MS = 200,
    DUTY_PROBE_FRESH_MS = 1000,
    DUTY_MEETING_SERVE_MS = 1000,      /* a source that serves nobody begins a session after this */
    DUTY_UNSERVED_MS = 5000,           /* nobody serves although needed: whoever could does (promise 14) */
    DUTY_STEADY_MS_MIN = 1000,         /* rule 10 */
    DUTY_STEADY_MS_MAX = 60000,
    DUTY_STEADY_FORGET_MS = 3600000,
    DUTY_ACTIONS_MAX = 16,
    DUTY_TERM_BITS_MAX = 48,         /* a higher term number is no term: it would be the last one */
    DUTY_WORD_BYTES_MAX = 256,
    DUTY_TERM_BYTES_MAX = 128,
    DUTY_RETIRED_MAX = 8,              /* the newest of them are remembered */
    DUTY_RESERVE_IDS = 4,              /* unit ids that a term reserves for each of its units (rule 11) */
    DUTY_REASON_TEXT_MAX = 160,
};

/* One agreement of the pair: the payload of an ENTRY_TERM. */
struct duty_unit_name {
    uint32_t unit;
    struct ids_token hardware;         /* hash of the hardware key (serial in the office) */
};
struct duty_term {
    uint64_t number;
    uint32_t duty_unit;
    struct duty_unit_name units[2];    /* units[1].unit == 0: a site with a single unit */
    uint32_t reserved_ids[2];          /* first of the ids each may give while alone (rule 11) */
};

size_t duty_term_encode(const struct duty_term *term, uint8_t *bytes, size_t capacity_bytes);
bool duty_term_decode(const uint8_t *bytes, size_t len_bytes, struct duty_term *ret_term);

enum duty_state {
    DUTY_WAITING,         /* not serving; looks for its peer, serves alone when rule 2 allows */
    DUTY_TAKING,          /* decided to serve alone: the session is being made durable */
    DUTY_ALONE,           /* serves by letter */
    DUTY_MEETING_SOURCE,  /* meets as source; still serves by letter if it served */
    DUTY_MEETING_OTHER,   /* meets; serves nobody, its tail is read, then it follows */
    DUTY_MINTING,         /* source: the term is being made durable here, then there */
    DUTY_PAIRED_DUTY,     /* on duty: plain numbers */
    DUTY_PAIRED_SPARE,    /* stores and acknowledges */
    DUTY_HANDING_OVER,    /* on duty until the term that names the other is durable on both */
    DUTY_STOPPED,         /* serves nobody until what `reason` says has ended */
    DUTY_STATE_COUNT,
};

enum duty_event_kind {
    DUTY_STARTED,           /* the process began: what its ledger says */
    DUTY_TIMEOUT,           /* the deadline, or later */
    DUTY_WORD,              /* the peer's own words, authenticated */
    DUTY_CONTACT_BROKEN,    /* shipping: not acknowledged in time, or a frame that cannot be */
    DUTY_LINKS_CLOSED,      /* every link to the peer is closed */
    DUTY_PEER_PROCESS,      /* corosync: joined, left, lost */
    DUTY_SERVICE_LINK,      /* working or not: carrier and reference (rule 2) */
    DUTY_ADDRESS_PROBED,    /* the floating address is silent, or who answered */
    DUTY_ADDRESS_CONTESTED, /* somebody else announced it */
    DUTY_NEEDED,            /* the calendar: office open or its lead time reached */
    DUTY_LEDGER,            /* this ledger's newest position */
    DUTY_SESSION_STORED,    /* record and entry are durable: the series may be used */
    DUTY_TAIL_CLOSED,       /* other: our own session has ended durably, the tail may be read */
    DUTY_MEETING_READY,     /* source: the other holds all but less than one batch */
    DUTY_MEETING_BROKEN,    /* either: the meeting cannot go on (reason) */
    DUTY_TERM_CONFIRMED,    /* the asked process and contact holds our newest term entry durably */
    DUTY_TERM_OBEYED,       /* a term entry of the peer is durable here, in this contact */
    DUTY_OPERATOR,
    DUTY_HEALTH,            /* this unit's disk and ledger: fit to serve or not */
    DUTY_EVENT_COUNT,
};

/* LEFT: the process is gone, by farewell or because corosync there saw it die. LOST: corosync lost the node,
 * which it also does for a moment when one of two links dies. */
enum duty_peer_process { DUTY_PROCESS_UNKNOWN, DUTY_PROCESS_JOINED, DUTY_PROCESS_LEFT, DUTY_PROCESS_LOST };
enum duty_probe { DUTY_PROBE_SILENT, DUTY_PROBE_PEER, DUTY_PROBE_STRANGER, DUTY_PROBE_OWN };
enum duty_operator { DUTY_OPERATOR_HANDOVER, DUTY_OPERATOR_STOP, DUTY_OPERATOR_RESUME };
enum duty_serve { DUTY_SERVE_NOT, DUTY_SERVE_LETTER, DUTY_SERVE_PLAIN };

/* What a unit says of itself: sent every DUTY_WORD_INTERVAL_MS and on every change. A level, so a lost
 * word costs an interval and nothing else. */
struct duty_word {
    uint32_t place;            /* of the two of the site file: its own id until it was replaced once */
    uint32_t unit;
    struct ids_token hardware;
    uint64_t process;          /* drawn at start: another value is another process */
    uint64_t sequence;         /* rises with every word of a process: an older word changes nothing */
    uint64_t contact;          /* this contact, as the sender counts */
    uint64_t heard_process;    /* what the sender last heard from us */
    uint64_t heard_contact;
    uint8_t state;             /* enum duty_state */
    uint8_t serve;             /* enum duty_serve */
    bool blank;                /* empty or INCOMPLETE: never a source (rule 11) */
    bool unsound;              /* its entries do not yet fold to a state: cannot be PAIRED */
    bool restored;             /* its ledger is behind its own record (rule 5) */
    bool retired;
    bool peer_retired;         /* the process it last heard is of a unit that its ledger calls retired */
    bool service_link;         /* works, and since when */
    bool leaving;              /* says farewell: is about to stop */
    bool tail_closed;          /* other: session ended, address yielded */
    uint32_t service_link_ms;  /* has worked for this long, capped */
    uint32_t source;           /* the unit it takes for the meeting's source; 0 none */
    uint64_t term;             /* newest term entry in its ledger, and who is on duty in it */
    uint32_t term_duty_unit;
    uint64_t highest_term;     /* highest that it ever knew of, by ledger, record or word: the next is above it */
    uint64_t common_term;      /* newest term that it knows both hold */
    uint32_t common_duty_unit;
    uint64_t last_lsn;         /* durable here */
    struct ids_hash head;      /* at last_lsn */
    struct ids_hash digest;    /* of the state at last_lsn */
    uint32_t day;              /* newest service day in its ledger, and whether it is open */
    uint8_t day_state;
    uint32_t session_day;      /* newest session of its own, by its record: rule 3 */
    uint32_t session;
    uint32_t peer_session_day; /* newest session of the peer that it heard of: rule 3 */
    uint32_t peer_session;
    int64_t wall_ms;
};

size_t duty_word_encode(const struct duty_word *word, uint8_t *bytes, size_t capacity_bytes);
bool duty_word_decode(const uint8_t *bytes, size_t len_bytes, struct duty_word *ret_word);

enum duty_reason {
    DUTY_REASON_NONE,
    DUTY_REASON_STARTING,            /* looks for its peer */
    DUTY_REASON_NOT_NEEDED,          /* office closed: nobody needs this unit alone */
    DUTY_REASON_PEER_GETS_TIME,      /* lone boot or restart grace is running */
    DUTY_REASON_NO_SERVICE_LINK,
    DUTY_REASON_ADDRESS_ANSWERS,     /* the floating address is held by the other unit */
    DUTY_REASON_ADDRESS_STRANGER,    /* a machine that is no unit of ours answers it */
    DUTY_REASON_YIELDED,             /* the address was contested, the higher unit yields */
    DUTY_REASON_PEER_SERVES,         /* spare, or meeting */
    DUTY_REASON_MEETING,
    DUTY_REASON_UNSTEADY_PEER,       /* rule 10 */
    DUTY_REASON_PEER_UNKNOWN,        /* not named by our newest term: needs approval (rule 11) */
    DUTY_REASON_RETIRED,
    DUTY_REASON_DAMAGED,             /* disk or ledger: DESIGN promise 11 */
    DUTY_REASON_OPERATOR,
    DUTY_REASON_BLANK,               /* no ledger yet: cannot serve alone */
    DUTY_REASON_PEER_LOST,           /* serves by letter because */
    DUTY_REASON_PEER_NEVER_SEEN,
    DUTY_REASON_PEER_MUTE,
    DUTY_REASON_NO_ACKNOWLEDGEMENT,
    DUTY_REASON_LINKS_CLOSED,
    DUTY_REASON_PEER_RESTARTED,
    DUTY_REASON_PEER_LEFT,
    DUTY_REASON_MEETING_BROKE,
    DUTY_REASON_SINGLE_UNIT,         /* the site has one unit */
    DUTY_REASON_STOOD_STILL,         /* this unit stood still: what it knew is old */
    DUTY_REASON_DISK_FULL,           /* promise 11, and whoever makes room ends it */
    DUTY_REASON_COUNT,
};

struct duty_event {
    enum duty_event_kind kind;
    uint64_t now_ms;
    union {
        struct {
            struct duty_term term;         /* newest in the ledger; number 0: none */
            uint64_t highest_term;         /* by ledger or record */
            uint64_t common_term;
            uint32_t common_duty_unit;
            bool blank, unsound, restored, retired;
            uint64_t process;              /* random */
        } started;
        struct duty_word word;
        enum duty_reason reason;           /* CONTACT_BROKEN, MEETING_BROKEN */
        enum duty_peer_process peer_process;
        bool level;                        /* SERVICE_LINK, NEEDED */
        struct {
            bool fit;
            bool full;                     /* not fit, because the disk has no room */
        } health;
        enum duty_probe probe;
        bool by_peer;                      /* ADDRESS_CONTESTED: the peer's hardware address */
        struct {
            uint64_t last_lsn;
            struct ids_hash head, digest;
            uint32_t day;
            uint8_t day_state;
            bool blank, unsound;
            uint64_t highest_term;
            uint32_t session_day, session;
            uint32_t peer_session_day, peer_session;
            int64_t wall_ms;
            uint32_t unit, peer_unit;      /* ids by the newest term; 0: as configured */
            uint32_t given_id;             /* a blank unit of any hardware may join under it; 0 none */
            bool given_to_retired;         /* also to hardware that was a retired unit */
            bool self_retired;             /* by this unit's own record */
            struct duty_unit_name retired[DUTY_RETIRED_MAX]; /* unit 0: none */
        } ledger;
        struct ids_series series;          /* SESSION_STORED */
        struct duty_term term;             /* TERM_CONFIRMED, TERM_OBEYED */
        enum duty_operator operator_order;
    };
};

enum duty_action_kind {
    DUTY_SEND_WORD,       /* say duty->word on every link, now */
    DUTY_PROBE_ADDRESS,
    DUTY_TAKE_ADDRESS,    /* and announce it; idempotent, also re-announces */
    DUTY_DROP_ADDRESS,    /* resets its clients */
    DUTY_BEGIN_SESSION,   /* -> SESSION_STORED */
    DUTY_SERVE,           /* the gate: serve says how; replies computed before stay bound to their lsn */
    DUTY_HOLD,            /* assign nothing, keep requests, until the next SERVE */
    DUTY_MEET_AS_SOURCE,  /* compare, adopt, feed -> MEETING_READY */
    DUTY_MEET_AS_OTHER,   /* end the session durably -> TAIL_CLOSED; give the tail, then follow */
    DUTY_MEETING_OVER,    /* forget what the meeting was doing; it ended or broke */
    DUTY_MINT,            /* write the term in `term`, durable here, then there -> TERM_CONFIRMED */
    DUTY_CONTACT,         /* a new contact: frames of older ones are dropped from now on */
};

struct duty_action {
    enum duty_action_kind kind;
    enum duty_serve serve;
    struct duty_term term;
};

struct duty_actions {
    uint8_t count;
    struct duty_action list[DUTY_ACTIONS_MAX];
};

struct duty_options {
    uint32_t unit;
    struct ids_token hardware;
    uint32_t peer_unit;                /* 0: the site has a single unit */
    uint32_t place, peer_place;        /* 0: as the ids above, which change when a unit is replaced */
    uint32_t lone_boot_ms;             /* 0: DUTY_LONE_BOOT_MS */
};

/* The state. Visible so that tests, the simulator and `toban explain` can read it. */
struct duty {
    struct duty_options options;
    enum duty_state state;
    enum duty_reason reason;           /* why this state, also while it serves by letter */
    struct duty_word word;             /* what we say */
    struct duty_word peer;             /* what the peer said last; unit == 0: nothing yet */
    uint64_t deadline_ms;              /* when DUTY_TIMEOUT is wanted */
    uint64_t now_ms;
    /* evidence */
    bool disk_full;                    /* why it is not fit */
    bool started, fit, needed, service_link, stop_wanted, handover_wanted;
    uint64_t service_link_since_ms;
    enum duty_peer_process peer_process;
    uint64_t peer_heard_ms;            /* newest word; 0 never */
    bool agreed;                       /* both count this contact */
    uint64_t agreed_since_ms;
    bool probed;                       /* `probe` is fresh: not older than DUTY_PROBE_FRESH_MS */
    enum duty_probe probe;
    uint64_t probed_ms;                /* when it was answered */
    uint64_t probe_asked_ms;           /* when it was asked last; 0 not yet */
    uint64_t contested_until_ms;       /* 0: not contested */
    bool contested_by_peer;            /* since then also by the peer, not by a stranger only */
    uint64_t stranger_until_ms;        /* a stranger announced our address; 0 never */
    uint32_t conflict_backoff_ms;
    uint64_t yield_until_ms;
    /* decisions */
    struct duty_term term;             /* newest in this ledger */
    bool given_to_retired;
    uint32_t given_id;                 /* two people, or a farewell, made room for a blank unit: its id */
    struct duty_unit_name retired[DUTY_RETIRED_MAX];
    struct ids_series series;
    bool session;                      /* serves by letter, also while meeting */
    bool address;                      /* we hold it */
    uint64_t alone_not_before_ms;
    uint64_t mint_until_ms;
    uint64_t meeting_since_ms;
    bool meeting_agreed;               /* both name the same source: it stays so until it breaks */
    bool meeting_told;                 /* the engine was told to meet */
    bool meeting_ready;
    bool session_asked;                /* BEGIN_SESSION is out */
    enum duty_reason broke;            /* why contact was lost last */
    uint64_t broke_at_ms;
    uint32_t breaks;                   /* within the hour: steadiness */
    uint64_t steady_wait_ms;           /* the peer must have agreed for so long before a mint */
    uint64_t unserved_since_ms;        /* nobody serves although we could; 0: somebody does */
    uint64_t word_sent_ms;
    struct duty_word said;             /* what was said last: a change is said at once */
    uint64_t ignored_count;            /* events that the table ignores */
};

void duty_init(struct duty *duty, const struct duty_options *options);
void duty_step(struct duty *duty, const struct duty_event *event, struct duty_actions *actions);
/* CHECKs what must hold after every step. */
void duty_check_invariants(const struct duty *duty);

/* True in PAIRED_DUTY and, until its term is confirmed, HANDING_OVER. */
bool duty_is_paired(const struct duty *duty);
enum duty_serve duty_serves(const struct duty *duty);
/* The unit that both choose as source from each other's words (rule 5): 0 when neither can be. */
uint32_t duty_choose_source(const struct duty_word *a, const struct duty_word *b);
/* Rule 11: our ledger calls retired who speaks to us. What it still holds alone is wanted nevertheless. */
bool duty_peer_is_retired(const struct duty *duty);
/* Rule 8: a machine that is no unit of ours has announced our address lately. */
bool duty_sees_stranger(const struct duty *duty);
/* May this unit serve alone now (rule 2)? NONE: yes. */
enum duty_reason duty_why_not_alone(const struct duty *duty);

/* A recording: this head, then every event with the actions it gave (struct duty_event, struct
 * duty_actions), as they lie in memory. It is read by `toban replay` of the same build only. */
struct duty_trace_head {
    char magic[8];
    uint32_t event_bytes, actions_bytes;
    struct duty_options options;
};
struct duty_trace_head duty_trace_head(const struct duty_options *options);
bool duty_trace_head_is_ours(const struct duty_trace_head *head);
/* Whether two lists say the same, whatever lies behind their ends. */
bool duty_actions_equal(const struct duty_actions *a, const struct duty_actions *b);

/* The table, for docs/DUTY.md and the coverage test. */
enum duty_row { DUTY_ROW_HANDLE, DUTY_ROW_NOTE, DUTY_ROW_IGNORE, DUTY_ROW_IMPOSSIBLE };
enum duty_row duty_table_row(enum duty_state state, enum duty_event_kind event, const char **ret_text);

/* `toban explain`: what this unit would do if. Played on a copy by duty_step itself, in a world in which the rest
 * stays as it is and every disk answers at once: never another answer than the unit would give. */
enum duty_if {
    DUTY_IF_TIME_PASSES,     /* nothing else happens */
    DUTY_IF_PEER_SILENT,     /* the other unit loses power */
    DUTY_IF_PEER_RETURNS,    /* it is heard again, as a unit that has just started */
    DUTY_IF_LINK_LOST,       /* this unit's service link */
    DUTY_IF_LINK_BACK,
    DUTY_IF_NEEDED,          /* the office opens */
    DUTY_IF_UNFIT,           /* this unit's disk is full or damaged */
    DUTY_IF_FIT,
    DUTY_IF_HANDOVER,        /* an operator orders it */
    DUTY_IF_STOP,
    DUTY_IF_RESUME,
    DUTY_IF_COUNT,
};
struct duty_then {
    enum duty_state state;             /* where it comes to rest */
    enum duty_reason reason;
    enum duty_serve serve;
    bool changes;                      /* false: all stays as it is now */
    uint64_t after_ms;                 /* when it got there */
};
/* False: this cannot happen now (the link that is down cannot go down). */
bool duty_foresee(const struct duty *duty, enum duty_if what, struct duty_then *ret_then);
const char *duty_if_code(enum duty_if what);
const char *duty_if_ja(enum duty_if what);
const char *duty_if_en(enum duty_if what);
/* What ends a reason, and who or what does it. */
const char *duty_reason_ends_ja(enum duty_reason reason);
const char *duty_reason_ends_en(enum duty_reason reason);
/* What a unit in this state does, for people. */
const char *duty_state_ja(enum duty_state state);
const char *duty_state_en(enum duty_state state);

const char *duty_state_code(enum duty_state state);
const char *duty_event_code(enum duty_event_kind event);
const char *duty_action_code(enum duty_action_kind action);
const char *duty_reason_code(enum duty_reason reason);
const char *duty_reason_ja(enum duty_reason reason);
const char *duty_reason_en(enum duty_reason reason);

#endif
