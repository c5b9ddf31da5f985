#include "tests/crash/nth.h"

#include "base/check.h"
#include "tests/crash/failing.h"
#include "tests/crash/workload.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    STEPS_BEFORE = 5,
    SEED = 11,
    FTW_FDS = 16,
    CALLS_MAX = 20000,
    CHUNK_BYTES = 64 << 10,
    WAIT_US = 500,
    WHY_BYTES = 512,
    CHILD_GOOD = 0,
    CHILD_CAME_THROUGH = 3, /* fewer than n calls: done */
    CHILD_BAD = 4,
};

struct trial {
    struct workload workload;
    char data[WORKLOAD_PATH_BYTES + 8];
    char why[WHY_BYTES];
    uint64_t size_bytes;
    struct ids_hash hash;
    struct ledger *other;
};

struct operation {
    const char *name;
    bool blank, closed;                  /* how it finds the ledger */
    bool changes;                        /* it asks for states[step_count + 1] */
    void (*before)(struct trial *trial); /* nothing fails yet; may be NULL */
    int (*run)(struct trial *trial);
};

/* ---- operations ----------------------------------------------------------------------------------- */

static int open_it(struct trial *trial)
{
    struct workload *workload = &trial->workload;
    int r = workload_open(workload->root, &workload->ledger, trial->why, sizeof(trial->why));

    if (r < 0 && (trial->why[0] == '\0' || strchr(trial->why, '\n') == NULL ||
                  strchr(trial->why, '\n')[1] == '\0')) {
        (void)printf("  it does not open (%d) and does not say why in two languages\n", r);
        return 1;
    }
    return r;
}

static const struct ledger_batch *batch_of(struct trial *trial, enum workload_wish wish)
{
    return workload_batch(&trial->workload, wish);
}

static int store_it(struct trial *trial)
{
    return workload_store(&trial->workload, batch_of(trial, WISH_KEYS));
}

static int take_away_it(struct trial *trial)
{
    return ledger_commit(trial->workload.ledger, batch_of(trial, WISH_TAKES_AWAY));
}

static bool look(void *context, const uint8_t *key, size_t key_len_bytes, const uint8_t *value,
                 size_t value_len_bytes)
{
    *(size_t *)context += key[key_len_bytes - 1] + value[value_len_bytes - 1];
    return true;
}

static int read_it(struct trial *trial)
{
    struct ledger *ledger = trial->workload.ledger;
    static struct ledger_damage damage;
    struct ledger_day_key keys[WORKLOAD_KEYS];
    uint8_t bytes[LEDGER_ROW_BYTES_MAX];
    size_t sum = 0, len_bytes = 0;
    uint64_t next_lsn = 0;
    int r = ledger_verify(ledger, 1, UINT64_MAX, &next_lsn, &damage);

    r = r < 0 ? r : ledger_read_entries(ledger, 1, UINT64_MAX, look, &sum);
    r = r < 0 ? r : ledger_read_rows(ledger, look, &sum);
    r = r < 0 ? r : ledger_read_archive(ledger, look, &sum);
    r = r < 0 ? r : ledger_read_keys(ledger, keys, WORKLOAD_KEYS, &len_bytes);
    r = r < 0 ? r : ledger_read_record(ledger, bytes, sizeof(bytes), &len_bytes);
    r = r < 0 && r != -ENOENT ? r : ledger_read_meta(ledger, "m", bytes, sizeof(bytes), &len_bytes);
    return r == -ENOENT ? 0 : r;
}

static int snapshot_it(struct trial *trial)
{
    struct ledger *ledger = trial->workload.ledger;
    static uint8_t chunk[CHUNK_BYTES];
    uint64_t size_bytes = 0, last_lsn = 0, at_bytes = 0;
    size_t len_bytes = 1;
    struct ids_hash hash;
    int r;

    while ((r = ledger_snapshot_make(ledger, &size_bytes, &last_lsn, &hash)) == -EINPROGRESS) {
        (void)usleep(WAIT_US);
    }
    while (r == 0 && at_bytes < size_bytes && len_bytes > 0) {
        r = ledger_snapshot_read(ledger, at_bytes, chunk, sizeof(chunk), &len_bytes);
        at_bytes += len_bytes;
    }
    if (r == 0 && (at_bytes != size_bytes ||
                   last_lsn != trial->workload.states[trial->workload.step_count].last_lsn)) {
        (void)printf("  the snapshot is not all of the ledger\n");
        return 1;
    }
    ledger_snapshot_discard(ledger);
    return r;
}

static void other_before(struct trial *trial)
{
    struct ledger *own = trial->workload.ledger;
    uint64_t last_lsn = 0;
    int r;

    workload_other_make(&trial->workload);
    trial->other = trial->workload.ledger;
    trial->workload.ledger = own;
    while ((r = ledger_snapshot_make(trial->other, &trial->size_bytes, &last_lsn, &trial->hash)) ==
           -EINPROGRESS) {
        (void)usleep(WAIT_US);
    }
    CHECK(r == 0);
}

static int incoming_it(struct trial *trial)
{
    struct ledger *own = trial->workload.ledger;
    static uint8_t chunk[CHUNK_BYTES];
    uint64_t have_bytes = 0;
    int r = ledger_incoming_begin(own, trial->size_bytes, &trial->hash, &have_bytes);

    while (r == 0 && have_bytes < trial->size_bytes) {
        size_t len_bytes = 0;

        r = ledger_snapshot_read(trial->other, have_bytes, chunk, sizeof(chunk), &len_bytes);
        r = r < 0 ? r : ledger_incoming_write(own, have_bytes, chunk, len_bytes);
        have_bytes += len_bytes;
    }
    while (r == 0 && (r = ledger_incoming_finish(own, NULL, 0)) == -EINPROGRESS) {
        (void)usleep(WAIT_US);
        r = 0;
    }
    return r;
}

static void aside_before(struct trial *trial)
{
    struct workload *workload = &trial->workload;
    struct workload_state blank = {.record = workload->now.record, .takes_away = true};

    memcpy(blank.keys, workload->now.keys, sizeof(blank.keys));
    workload->states[workload->step_count + 1] = blank;
}

static int aside_it(struct trial *trial)
{
    return ledger_set_aside(trial->data);
}

static const struct operation operations[] = {
    {.name = "first-open", .blank = true, .closed = true, .run = open_it},
    {.name = "open", .closed = true, .run = open_it},
    {.name = "store", .changes = true, .run = store_it},
    {.name = "take-away", .changes = true, .run = take_away_it},
    {.name = "read", .run = read_it},
    {.name = "snapshot", .run = snapshot_it},
    {.name = "incoming", .changes = true, .before = other_before, .run = incoming_it},
    {.name = "set-aside", .closed = true, .changes = true, .before = aside_before, .run = aside_it},
};

/* ---- one trial, in a process of its own ------------------------------------------------------------ */

static void set_up(struct trial *trial, const struct operation *operation, const char *root,
                   const char *other)
{
    struct workload *workload = &trial->workload;

    workload_begin(workload, SEED, root, other);
    (void)snprintf(trial->data, sizeof(trial->data), "%s/data", root);
    for (size_t i = 0; i < STEPS_BEFORE && !operation->blank; i++) {
        CHECK(workload_store(workload,
                             workload_batch(workload, i == 1 ? WISH_KEYS : WISH_NOTHING)) == 0);
        workload_stored(workload);
    }
    if (operation->closed) {
        ledger_close(workload->ledger);
        workload->ledger = NULL;
    }
    if (operation->before != NULL) {
        operation->before(trial);
    }
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *where)
{
    (void)stat;
    (void)type;
    (void)where;
    return remove(path);
}

/* "Nothing of the batch was done and the ledger goes on" (ledger.h). */
static bool goes_on(struct trial *trial, int r)
{
    if (r != -ENOSPC && r != -EINVAL && r != -EBADMSG) {
        return true;
    }
    trial->workload.now = trial->workload.states[trial->workload.step_count];
    return workload_store(&trial->workload, batch_of(trial, WISH_NOTHING)) == 0;
}

static int trial_run(const struct operation *operation, uint64_t n, bool stay, int error,
                     const char *root, const char *other)
{
    static struct trial trial;
    struct workload *workload = &trial.workload;
    const char *wrong = NULL;

    set_up(&trial, operation, root, other);
    failing_arm(n, stay, error);
    int r = operation->run(&trial);
    bool came = failing_disarm();
    bool batch = operation->run == store_it || operation->run == take_away_it;
    if (r > 0) {
        wrong = "see above";
    } else if (!came && r < 0) {
        wrong = "it fails though nothing failed";
    } else if (r == -EUCLEAN) {
        wrong = "a whole ledger is called damaged";
    } else if (batch && r < 0 && !goes_on(&trial, r)) {
        wrong = "it says that nothing was done and that it goes on, and does not";
    }
    bool went_on = batch && wrong == NULL && (r == -ENOSPC || r == -EINVAL || r == -EBADMSG);
    ledger_close(workload->ledger);
    ledger_close(trial.other);
    if (wrong == NULL) {
        size_t asked = workload->step_count + (operation->changes ? 1 : 0);
        size_t acknowledged =
            (r == 0 && operation->changes) || went_on ? asked : workload->step_count;

        wrong = workload_judge(workload, root, acknowledged, asked, true);
    }
    workload_finish(workload);
    if (wrong != NULL) {
        (void)printf("FAILED %s, call %llu%s, error %d, answered %d: %s\n", operation->name,
                     (unsigned long long)n, stay ? " and all after" : "", error, r, wrong);
        return CHILD_BAD;
    }
    return came ? CHILD_GOOD : CHILD_CAME_THROUGH;
}

/* What the n-th call led to. */
static int child_run(const struct operation *operation, uint64_t n, bool stay, int error,
                     const char *dir)
{
    char root[WORKLOAD_PATH_BYTES], other[WORKLOAD_PATH_BYTES];
    int status = 0;

    (void)snprintf(root, sizeof(root), "%s/root", dir);
    (void)snprintf(other, sizeof(other), "%s/other", dir);
    (void)nftw(root, remove_one, FTW_FDS, FTW_DEPTH | FTW_PHYS);
    (void)nftw(other, remove_one, FTW_FDS, FTW_DEPTH | FTW_PHYS);
    CHECK(mkdir(root, 0700) == 0 && mkdir(other, 0700) == 0);
    (void)fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        exit(trial_run(operation, n, stay, error, root, other)); /* leaks are looked for at exit */
    }
    CHECK(waitpid(child, &status, 0) == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) <= CHILD_CAME_THROUGH) {
        return WEXITSTATUS(status);
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != CHILD_BAD) {
        (void)printf("FAILED %s, call %llu%s, error %d: the process ended with status %x\n",
                     operation->name, (unsigned long long)n, stay ? " and all after" : "", error,
                     (unsigned)status);
    }
    return CHILD_BAD;
}

static bool operation_try(const struct operation *operation, bool stay, int error, const char *dir,
                          uint64_t *ret_trials)
{
    bool good = true;

    for (uint64_t n = 1; n < CALLS_MAX; n++) {
        int result = child_run(operation, n, stay, error, dir);

        (*ret_trials)++;
        good = good && result != CHILD_BAD;
        if (result == CHILD_CAME_THROUGH) {
            (void)printf("%-12s %4llu calls fail%s with %s: %s\n", operation->name,
                         (unsigned long long)n - 1, stay ? ", each with all after it," : "",
                         error == EIO ? "EIO" : "ENOSPC", good ? "good" : "FAILED");
            return good;
        }
    }
    return false;
}

static bool failpoints_print(const struct failing_counts *counts)
{
    bool all = true;

    for (int i = 0; i < FAILPOINT_COUNT; i++) {
        (void)printf("failpoint %-22s %8llu calls %6llu failures%s\n",
                     failing_name((enum failpoint)i), (unsigned long long)counts->calls[i],
                     (unsigned long long)counts->failures[i],
                     counts->failures[i] == 0 ? "  NEVER HIT" : "");
        all = all && counts->failures[i] > 0;
    }
    return all;
}

bool nth_run(const char *dir, const char *only, bool quick)
{
    struct failing_counts *counts =
        mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t trials = 0;
    bool good = true;

    CHECK(counts != MAP_FAILED);
    failing_count_in(counts);
    for (size_t i = 0; i < ARRAY_COUNT(operations); i++) {
        if (only == NULL || strcmp(only, operations[i].name) == 0) {
            good &= operation_try(&operations[i], false, EIO, dir, &trials);
            good &= quick || operation_try(&operations[i], true, EIO, dir, &trials);
            good &= quick || operation_try(&operations[i], false, ENOSPC, dir, &trials);
        }
    }
    bool all = failpoints_print(counts);
    (void)printf("n-th failures: %s, %llu trials, %s\n", good ? "all good" : "FAILED",
                 (unsigned long long)trials,
                 all ? "every failpoint hit" : "failpoints that were never hit");
    (void)munmap(counts, sizeof(*counts));
    return good && (all || only != NULL);
}
