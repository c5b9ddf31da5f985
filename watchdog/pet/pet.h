/*
 * watchdog/pet/pet.h - may the hardware watchdog be fed? One pure function over a total stage x event table.
 *
 * The watch chain (DESIGN 5): hardware watchdog <- toban-watchdog <- proofs of progress. It decides when to feed,
 * which process to end so that it is started anew, when this unit gives up its address, and when it stops feeding
 * so that the machine is reset. It decides not who is on duty and nothing about numbers: no promise rests on it
 * (DESIGN 3). It bounds how long a wedged unit stays in the way, and brings back a machine that nobody can reach.
 *
 * What must be fresh ("parts"): toband's loop turned; its disk made a canary durable; corosync answered it; toban-
 * net turned; the address is held only while toband wants it; PID 1 answered. A part that is not seen at all is
 * given PET_BOOT_MS_MAX from the start of the watchdog, and PET_START_MS_MAX after its process ended.
 *
 * Escalation, each step bounded: RESTARTING (its process is ended; systemd starts it) -> YIELDING (toband is ended
 * as well: without its heartbeat toban-net drops the address) -> NOTING (the reason becomes durable, or the bound
 * passes) -> STARVING (never fed again: the device resets the machine within its timeout; without an armed device
 * the kernel is asked to). PID 1 cannot be restarted: it goes to NOTING at once. After PET_RESETS_MAX resets
 * within PET_RESETS_MS the machine is left on and restarts go on (ENDURING): a unit that resets for ever helps
 * nobody, one that shows its reason can be mended. Time from a failure to the reset: pet_reset_ms_max().
 *
 * Pure: same start, same events, same actions. now_ms is CLOCK_MONOTONIC_RAW in milliseconds and never goes back.
 * pet_step never fails. Ages are durations; no wall time decides. Rows of the table: pet_table.c, printed in
 * docs/WATCH.md. Sources: DESIGN 5; field-ha 2 (timeout read back; one opener; no disarming by close); the
 * kernel's watchdog API.
 */
#ifndef WATCHDOG_PET_PET_H
#define WATCHDOG_PET_PET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pet_limit {
    PET_TICK_MS = 250,              /* a proof of each sender at least so often; a step as well */
    PET_FEED_MS = 1000,             /* the device is fed this often while it may be */
    PET_TIMEOUT_MS = 10000,         /* asked of the device */
    PET_TIMEOUT_MS_MIN = 4000,      /* what is read back is verified between these two only */
    PET_TIMEOUT_MS_MAX = 15000,
    PET_SHUTDOWN_MS = 60000,        /* asked of the device for an announced shutdown: a hung one is reset */
    PET_BOOT_MS_MAX = 90000,        /* from the start of the watchdog to each part's first proof */
    PET_START_MS_MAX = 10000,       /* the same after its process ended */
    PET_LOOP_MS_MAX = 3000,         /* age of a part that is too old */
    PET_STORE_MS_MAX = 10000,
    PET_COROSYNC_MS_MAX = 5000,
    PET_NET_MS_MAX = 3000,
    PET_ADDRESS_MS_MAX = 2000,      /* held although not wanted */
    PET_INIT_MS_MAX = 15000,
    PET_RESTART_MS_MAX = 5000,      /* RESTARTING: until the part is fresh again */
    PET_YIELD_MS_MAX = 2000,
    PET_NOTE_MS_MAX = 1000,
    PET_STORM_COUNT = 5,            /* so many ends of toband and toban-net within PET_STORM_MS: not waited for */
    PET_STORM_MS = 600000,
    PET_RESETS_MAX = 3,             /* then none until PET_RESETS_MS after the oldest of them */
    PET_RESETS_MS = 3600000,
    PET_ENDURE_MS = 60000,          /* ENDURING: the part's process is ended again so often */
    PET_ACTIONS_MAX = 6,
    PET_PROOF_BYTES_MAX = 32,
};

enum pet_part { PET_LOOP, PET_STORE, PET_COROSYNC, PET_NET, PET_ADDRESS, PET_INIT, PET_PART_COUNT };
enum pet_process { PET_TOBAND, PET_TOBAN_NET, PET_COROSYNC_PROCESS, PET_PID1, PET_PROCESS_COUNT };

enum pet_stage {
    PET_WATCHING,    /* fed while every part is fresh */
    PET_RESTARTING,  /* `part` was too old: its process was ended */
    PET_YIELDING,    /* still too old: toband was ended, so that the address goes down */
    PET_NOTING,      /* the reason is being made durable */
    PET_STARVING,    /* never fed again */
    PET_ENDURING,    /* no reset is left: fed while PID 1 answers */
    PET_LEAVING,     /* an announced shutdown: the device has PET_SHUTDOWN_MS */
    PET_STAGE_COUNT,
};

enum pet_event_kind {
    PET_TICK,        /* time passed: at least every PET_TICK_MS */
    PET_TOBAND_SAID, /* a proof by toband */
    PET_NET_SAID,    /* a proof by toban-net */
    PET_INIT_SAID,   /* PID 1 answered */
    PET_ENDED,       /* the process of a proof ended, or its connection */
    PET_DEVICE,      /* opened, read back, or lost */
    PET_NOTED,       /* the reason is durable, or cannot become so */
    PET_SHUTDOWN,    /* systemd stops the machine or this service, and says so */
    PET_EVENT_COUNT,
};

#define PET_NEVER UINT32_MAX /* an age: it has not answered since the sender began */

/* What toband says of itself. Ages in ms at sending; the sender's own clock, differences only. */
struct pet_toband {
    uint64_t turns;           /* rises with every turn of its loop */
    uint32_t store_age_ms;    /* since the newest write was durable; 0 while none is owed */
    uint32_t corosync_age_ms; /* since corosync answered, or PET_NEVER */
    bool corosync_expected;   /* false on a unit that has no configuration yet */
    bool address_wanted;
};
struct pet_net {
    uint64_t turns;
    bool address_held;
};

struct pet_device {
    bool armed;          /* open, and counting */
    bool hardware;       /* not softdog */
    bool stays_armed;    /* its close does not disarm: WDIOF_MAGICCLOSE or nowayout */
    uint32_t timeout_ms; /* as read back */
};

struct pet_event {
    enum pet_event_kind kind;
    uint64_t now_ms;
    union {
        struct pet_toband toband;
        struct pet_net net;
        enum pet_process ended;
        struct pet_device device;
    };
};

enum pet_action_kind {
    PET_FEED,
    PET_RESTART,      /* end `process` by SIGKILL; systemd starts it */
    PET_NOTE,         /* make `part` and the ages durable; answered by PET_NOTED */
    PET_REBOOT,       /* no device is armed: ask the kernel, now, without unmounting */
    PET_LEAVE,        /* give the device PET_SHUTDOWN_MS, feed it once and let it go, armed */
};
struct pet_action {
    enum pet_action_kind kind;
    enum pet_process process;
    enum pet_part part;
};
struct pet_actions {
    struct pet_action list[PET_ACTIONS_MAX];
    size_t count;
};

struct pet_part_state {
    bool seen;            /* since its process last started */
    uint64_t fresh_ms;    /* when it last made progress */
    uint64_t allowed_ms;  /* not seen: until then nothing is held against it */
    uint32_t worst_ms;    /* the highest age since pet_forget_worst(): near misses */
};

/* Visible so that tests can build it. */
struct pet {
    enum pet_stage stage;
    enum pet_part part;          /* of the escalation; PET_PART_COUNT while WATCHING */
    uint64_t since_ms;           /* of the stage */
    uint64_t fed_ms;
    uint64_t toband_turns, net_turns;
    bool address_wanted, address_held;
    struct pet_part_state parts[PET_PART_COUNT];
    struct pet_device device;
    uint64_t acted_ms;                  /* when a process was last ended by us */
    uint64_t ended_ms[PET_STORM_COUNT]; /* when processes ended, by us or not, newest first; 0: none */
    uint64_t resets_left_ms; /* ENDURING ends then */
    uint32_t resets_recent;
};

/* resets_recent: resets by this watchdog within PET_RESETS_MS, as the notes on disk say, and how long ago the oldest of
 * the newest PET_RESETS_MAX was. */
void pet_start(struct pet *pet, uint64_t now_ms, uint32_t resets_recent, uint64_t oldest_reset_age_ms);
void pet_step(struct pet *pet, const struct pet_event *event, struct pet_actions *ret_actions);
void pet_forget_worst(struct pet *pet);

/* "Verified" for `toban ready`: hardware that is armed, stays so, and has the timeout that was read back. */
bool pet_is_verified(const struct pet_device *device);
uint32_t pet_age_ms(const struct pet *pet, enum pet_part part, uint64_t now_ms);
uint32_t pet_limit_ms(enum pet_part part);
enum pet_process pet_process_of(enum pet_part part);
/* From the last progress of a part to the end of the device's timeout, by the stages above. */
uint32_t pet_reset_ms_max(enum pet_part part, const struct pet_device *device);

/* The table: what a stage does with an event. */
enum pet_cell { PET_HANDLED, PET_IGNORED };
enum pet_cell pet_cell(enum pet_stage stage, enum pet_event_kind kind);

/* Words: codes for machines, sentences for people. */
const char *pet_stage_code(enum pet_stage stage);
const char *pet_event_code(enum pet_event_kind kind);
const char *pet_part_code(enum pet_part part);
const char *pet_part_ja(enum pet_part part);
const char *pet_part_en(enum pet_part part);

/* What toban-watchdog tells toband once a second, for `toban status` and `toban ready`. */
struct pet_facts {
    struct pet_device device;
    enum pet_stage stage;
    bool was_reset;              /* this machine's last start was a reset by the watchdog */
    enum pet_part reset_part;    /* for this reason; PET_PART_COUNT: none was noted */
    uint32_t resets_recent;      /* within PET_RESETS_MS */
    enum pet_part tightest_part; /* the near miss: of all parts the one that came nearest to its limit */
    uint32_t tightest_ms;        /* and what was left then; 0: the limit was passed */
};
void pet_tell(const struct pet *pet, struct pet_facts *ret_facts); /* all but was_reset and reset_part */

/* One packet of the watchdog's socket. 0 / false: does not fit, or is not exactly one of its kind. */
enum pet_sender { PET_SENDER_TOBAND = 1, PET_SENDER_NET = 2, PET_SENDER_WATCHDOG = 3 };
size_t pet_encode_facts(const struct pet_facts *facts, uint8_t *bytes, size_t capacity_bytes);
bool pet_decode_facts(const uint8_t *bytes, size_t len_bytes, struct pet_facts *ret_facts);
size_t pet_encode_toband(const struct pet_toband *proof, uint8_t *bytes, size_t capacity_bytes);
size_t pet_encode_net(const struct pet_net *proof, uint8_t *bytes, size_t capacity_bytes);
bool pet_decode_toband(const uint8_t *bytes, size_t len_bytes, struct pet_toband *ret_proof);
bool pet_decode_net(const uint8_t *bytes, size_t len_bytes, struct pet_net *ret_proof);

#endif
