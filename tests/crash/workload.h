/*
 * tests/crash/workload.h - a ledger at work, and what it must hold after each thing it was asked for.
 *
 * Every step is drawn from a seed: batches of entries, rows, metas, keys made and destroyed, records, tails taken
 * away, restarts, a snapshot of another ledger put in place, and in some seeds a damaged ledger put aside. What a
 * step must leave is known here without asking the ledger. Steps are numbered from 1; state 0 is nothing at all.
 */
#ifndef TESTS_CRASH_WORKLOAD_H
#define TESTS_CRASH_WORKLOAD_H

#include "storage/adapters/crypto.h"
#include "storage/adapters/ledger.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum workload_limit {
    WORKLOAD_STEPS_MAX = 160,
    WORKLOAD_ROWS = 24,
    WORKLOAD_KEYS = 64,
    WORKLOAD_PATH_BYTES = 256,
    WORKLOAD_MAP_BYTES = 64 << 20,
};

enum workload_note { NOTE_ASKED = 1, NOTE_ACKNOWLEDGED = 2 };

enum workload_key { KEY_NONE, KEY_LIVES, KEY_DESTROYED };

struct workload_state {
    uint64_t last_lsn;
    struct ids_hash head;
    uint32_t rows[WORKLOAD_ROWS]; /* version of each; 0 not there */
    uint32_t meta;                /* version; 0 not there */
    uint32_t record;
    uint8_t keys[WORKLOAD_KEYS];  /* enum workload_key */
    uint64_t archived_count;
    bool takes_away;              /* its record may come before it (ledger.h) */
};

struct workload {
    uint64_t seed, random;
    char root[WORKLOAD_PATH_BYTES];     /* recorded */
    char other[WORKLOAD_PATH_BYTES];    /* not recorded: where the snapshot comes from */
    struct crypto *crypto;
    struct ledger *ledger;
    struct workload_state states[WORKLOAD_STEPS_MAX + 1];
    size_t step_count;
    struct workload_state now; /* as the ledger has it; of `other` while that is built */
    struct ids_hash heads[8192]; /* by lsn, of `now` */
};

/* Runs `steps` steps below `root`; the recorder may be running. */
void workload_run(struct workload *workload, uint64_t seed, size_t steps, const char *root,
                  const char *other);
void workload_finish(struct workload *workload);

/* The parts of a run, for who wants to see one step fail: begin opens; batch makes the next one, which must leave
 * states[step_count + 1], and belongs to the workload. */
enum workload_wish { WISH_NOTHING, WISH_KEYS, WISH_TAKES_AWAY };
void workload_begin(struct workload *workload, uint64_t seed, const char *root, const char *other);
const struct ledger_batch *workload_batch(struct workload *workload, enum workload_wish wish);
int workload_store(struct workload *workload, const struct ledger_batch *batch);
/* The step was acknowledged. */
void workload_stored(struct workload *workload);
/* Begins a ledger at `other`; workload->ledger is that one now, and states[step_count + 1] what it gives. */
void workload_other_make(struct workload *workload);
int workload_open(const char *root, struct ledger **ret_ledger, char *why, size_t why_bytes);

/* What is wrong with an image, when `acknowledged` steps were acknowledged and `asked` asked for; NULL: nothing.
 * `go_on`: it must also take one more batch and open again. */
const char *workload_judge(struct workload *workload, const char *root, size_t acknowledged,
                           size_t asked, bool go_on);

#endif
