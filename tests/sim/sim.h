/*
 * tests/sim/sim.h - two units of the shipped engine in a simulated world, one process, one seed.
 *
 * The world: virtual time; links that delay, lose, double, reorder and are cut; corosync that answers
 * late; disks that lose what was not yet durable, are slow, full, rot, fail a sync, are wiped or come back
 * older; wall clocks that are wrong by years; operators; a floating address that may be held by both;
 * clients that retry with the same key. Then the evening, a night in which the units are on or off, and the
 * next morning. Everything is drawn from one generator, so a seed is a story and is told again by the same
 * seed. Oracles judge what clients and boards saw, what the units say to one another and what disks hold
 * (DESIGN 2), never the engine's own bookkeeping; each is shown to speak (sim_spoil.c), and costs the same
 * whatever happened before.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include "appliance/engine/api.h"
#include "appliance/engine/engine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum sim_limit {
    SIM_UNITS = 2,
    SIM_GHOST = SIM_UNITS, /* a box that was replaced, and is on again */
    SIM_CLIENTS_STEADY = 18,
    SIM_CROWD_USUAL = 300,
    SIM_CLIENTS = SIM_CLIENTS_STEADY + 1300, /* a crowd as no office has seen it */
    SIM_TICKETS_MAX = 16384,
    SIM_FAULTS_MAX = 256,
    SIM_CALLS_SIZE = 1 << 15,
    SIM_EXPECTED = 64,
    SIM_TERMS_MAX = 4096,
    SIM_LSN_MAX = 1 << 17,
    SIM_FIRST_FAULT_MS = 3000,
    SIM_WHY_BYTES = 512,
    SIM_NOTED_SIZE = 1 << 16,
    SIM_CEILINGS = 32, /* of a category, the newest */
};

#define SIM_PICK_ITS_TIME UINT64_MAX

enum sim_fault {
    SIM_CRASH,
    SIM_POWER,
    SIM_PARTITION,
    SIM_CUT_DIRECT,
    SIM_CUT_LAN,
    SIM_LOSS,
    SIM_SLOW_DISK,
    SIM_PAUSE,
    SIM_HANDOVER,
    SIM_WIPE,      /* a unit's data disk is lost; its record stays */
    SIM_ROLL_BACK, /* an older image of its data disk comes back */
    SIM_DELAY,     /* frames come late and in another order */
    SIM_REPLACE,   /* another box takes a unit's place; two people say so */
    SIM_STRANGER,  /* a machine that is no unit announces the floating address */
    SIM_UNFIT,     /* its disk is full, or about to fail: told to the engine */
    SIM_STOP,      /* an operator stops a unit, and lets it go on */
    SIM_RECORD,    /* bytes of a link are damaged: TLS ends that contact, and a new one is made */
    SIM_DISK_FAILS, /* a sync fails; what of the batch is on disk, nobody knows */
    SIM_ROT,       /* an entry on disk can no longer be read; later the disk is replaced by a blank one */
    SIM_CLOCK,     /* a wall clock is wrong by minutes, hours back, or years; or begins in 1970 */
    SIM_LOST_RECORD, /* power is cut, and the record outside the data disk is gone */
    SIM_ONE_WAY,     /* what one unit sends is lost, on one link or both */
    SIM_FLAP,        /* a link, or the switch, goes off and on */
    SIM_CLOG,        /* frames are held back, and then all of them come at once */
    SIM_CLIENTS_CUT, /* clients reach one unit less, or none; the units see each other */
    SIM_CROWD,       /* hundreds of visitors at once */
    SIM_MEMBERS_LATE,  /* corosync says everything seconds later */
    SIM_MEMBERS_WRONG, /* it calls the living lost and the dead joined, and says the contrary again */
    SIM_MISDIRECTED, /* an entry's bytes are written where another one lies */
    SIM_TORN,        /* power is cut, and of what was just being written a part is on disk */
    SIM_READS_FAIL,  /* the disk answers no read for a while */
    SIM_STALL,       /* and no write, for up to a minute */
    SIM_NO_ROOM,     /* it is full in the middle of the day */
    SIM_RESTORE,     /* an older image of the whole disk comes back, keys and all */
    SIM_CLOCK_STOPS, /* a wall clock stands still */
    SIM_CLOCK_DRIFTS, /* it goes half as fast, or half as fast again */
    SIM_CLOCKS_ALIKE, /* both are wrong by the same */
    SIM_SWAP_DISKS,  /* the disks of the two units are exchanged, and later exchanged back */
    SIM_CLONE,       /* disk and record of one unit are copied to the other */
    SIM_FALSE_OATH,  /* two people swear that a unit is off which is behind a cut; and take out the other, perhaps */
    SIM_GHOST_TALKS, /* a box that was replaced is powered on again beside the pair */
    SIM_FAULT_COUNT,
};

/* Of a seed's faults, counted from 1, this one, at another time perhaps. */
struct sim_pick {
    uint32_t number;
    uint64_t at_ms;
};

/* What an oracle sees is spoiled once, so that it must speak (sim_spoil.c). */
enum sim_spoil {
    SPOIL_NOTHING,
    SPOIL_DISPLAY,
    SPOIL_LEAVES,
    SPOIL_WORD_LSN,
    SPOIL_ACK_LSN,
    SPOIL_MARK,
    SPOIL_WRITER,
    SPOIL_ADDRESS,
    SPOIL_CEILING,
    SPOIL_TERM_FALLS,
    SPOIL_WORD_TERM,
    SPOIL_PLAIN_TERM,
    SPOIL_ACK_HASH,
    SPOIL_ACK_TERM,
    SPOIL_ACK_IN_SESSION,
    SPOIL_RECORD_TERM,
    SPOIL_RECORD_CEILING,
    SPOIL_WORD_HEAD,
    SPOIL_KEY,
    SPOIL_ORDER,
    SPOIL_CALL,
    SPOIL_DAY,
    SPOIL_NO_ENTRY,
    SPOIL_BYTE,
    SPOIL_DELETED,
    SPOIL_SWAPPED,
    SPOIL_CUT_OFF,
    SPOIL_DIGEST,
    SPOIL_SHIPPED,
    SPOIL_UNFIT,
    SPOIL_BATCH,
    SPOIL_WAKINGS,
    SPOIL_STRANGER_MOVES,
    SPOIL_STRANGER_SERVED,
    SPOIL_NO_SERVICE,
    SPOIL_KEY_KEPT,
    SPOIL_IN_CLEAR,
    SPOIL_ERASED,
    SPOIL_SUMS,
    SPOIL_KEPT,
    SPOIL_CERTIFICATE_EARLY,
    SPOIL_CERTIFICATE_DIGEST,
    SPOIL_SERVES_UNERASED,
    SPOIL_CALLED_FROM_HOME,
    SPOIL_ARRIVAL,
    SPOIL_ANNULLED,
    SPOIL_COUNT,
};

enum sim_telling {
    SIM_TELL_NOTHING,
    SIM_TELL_STORY, /* faults, who serves and how, meetings, what an oracle says */
    SIM_TELL_ALL,
};

struct sim_options {
    uint64_t seed;
    uint64_t world; /* the same faults in a world that is drawn otherwise; 0 usual */
    const struct sim_pick *picks; /* NULL: all of them */
    uint32_t pick_count;
    enum sim_telling telling;
    FILE *tell_to; /* NULL: stdout */
    uint32_t fault_count;
    uint32_t ticket_goal;
    enum sim_spoil spoil;
};

struct sim_result {
    bool failed;
    char why[SIM_WHY_BYTES];
    uint64_t reached_ms; /* where it ended */
    uint64_t snapshots, tickets, plain, lettered, faults, terms, replies, retries, events;
    uint64_t memory_kib; /* at most, of two units and the simulator */
    uint64_t shown, calls, asked_again, strays; /* live events, old keys, nonsense */
    uint64_t folds, shipped, reserved, walked; /* states said twice; entries on the wire; numbers; links */
    uint64_t address_ms; /* at most, both held the address and heard each other */
    uint64_t let_in, revoked;         /* credentials */
    uint64_t site_versions, site_pages;
    uint64_t registered, arrived;     /* before arrival, and then */
    uint64_t annulled, annulled_seen; /* days; seconds in which a unit said so */
    uint64_t words, slips, lists;     /* of managers, answered; papers for staff */
    uint64_t fault_kinds[SIM_FAULT_COUNT];
    uint64_t days;
    uint64_t papers; /* orders that printers got */
    uint64_t actions[QUEUE_ACTION_END]; /* done, not refused */
    uint64_t rows[DUTY_STATE_COUNT][DUTY_EVENT_COUNT]; /* duty rows met */
    uint64_t row_faults[DUTY_STATE_COUNT][DUTY_EVENT_COUNT]; /* bit f: while fault f hurt */
    uint32_t plan_count;
    struct sim_pick plan[SIM_FAULTS_MAX]; /* the faults of this run, as they come */
};

void sim_run(const struct sim_options *options, struct sim_result *ret_result);
const char *sim_fault_name(enum sim_fault fault);
const char *sim_spoil_name(enum sim_spoil spoil);
/* A short quiet day in which this is spoiled: does the oracle that is meant say so? What was said, in `why`. */
bool sim_spoil_is_noticed(enum sim_spoil spoil, char why[SIM_WHY_BYTES]);

#endif
