/* Power cuts, as many as wanted, from recordings: a real ledger works while every write and flush is written
 * down; then, at every flush boundary, the disk is put together as a power cut there could have left it, and must
 * open, verify, and hold everything that was acknowledged before.
 *   toban-crash [--images N] [--seed S] [--steps N]          images from seed S on, one line of result
 *   toban-crash --seed S [--steps N] --point P --choice C --draw D   one image again; it is kept
 *   toban-crash --nth [all|quick|OPERATION]                  every call that fails (nth.h)
 * Where: TMPDIR, else /dev/shm: memory is as good as a disk here, since what is lost is what the recording says. */
#include "tests/crash/disk.h"
#include "tests/crash/nth.h"
#include "tests/crash/workload.h"

#include "base/check.h"

#include <ftw.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    IMAGES_DEFAULT = 300,
    STEPS_DEFAULT = 40,
    FTW_FDS = 16,
    GO_ON_EVERY = 5,
    ROUNDS_MAX = 1000,
    ONE_FAILED = 1,
    MISUSED = 2,
};

struct run {
    uint64_t images, seed, steps, point, draw;
    int choice;
    bool one;        /* image, again */
    const char *nth; /* which n-th failures, instead of images; NULL: none */
    char dir[WORKLOAD_PATH_BYTES / 2];
    uint64_t done, points, digest, choices[DISK_CHOICES];
    struct workload workload;
    struct recording recording;
};

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *where)
{
    (void)stat;
    (void)type;
    (void)where;
    return remove(path);
}

static void tree_remove(const char *path)
{
    (void)nftw(path, remove_one, FTW_FDS, FTW_DEPTH | FTW_PHYS);
}

static void below(const struct run *run, const char *name, char path[WORKLOAD_PATH_BYTES])
{
    (void)snprintf(path, WORKLOAD_PATH_BYTES, "%s/%s", run->dir, name);
}

static void fresh_dir(const char *path)
{
    tree_remove(path);
    CHECK(mkdir(path, 0700) == 0);
}

/* The same for the same seed: what was done, in which order, to how many bytes where. */
static uint64_t digest_of(const struct recording *recording)
{
    uint64_t digest = 14695981039346656037u; /* FNV-1a */

    for (size_t i = 0; i < recording->count; i++) {
        const struct op *op = &recording->ops[i];
        const uint64_t words[] = {(uint64_t)op->kind, (uint64_t)op->node, op->offset_bytes,
                                  op->len_bytes, op->covers};

        for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
            digest = (digest ^ words[k]) * 1099511628211u;
        }
    }
    return digest;
}

static void record(struct run *run)
{
    char root[WORKLOAD_PATH_BYTES], other[WORKLOAD_PATH_BYTES];

    below(run, "recorded", root);
    below(run, "other", other);
    fresh_dir(root);
    fresh_dir(other);
    recorder_start(root);
    workload_run(&run->workload, run->seed, run->steps, root, other);
    run->recording = recorder_stop();
    run->digest = digest_of(&run->recording);
    tree_remove(root);
    tree_remove(other);
}

/* Just before and just after each flush and each acknowledgement. */
static bool is_boundary(const struct recording *recording, size_t at)
{
    for (size_t i = at == 0 ? 0 : at - 1; i <= at && i < recording->count; i++) {
        const struct op *op = &recording->ops[i];

        if (op->kind == OP_SYNC || op->kind == OP_DIR_SYNC ||
            (op->kind == OP_NOTE && op->note == NOTE_ACKNOWLEDGED)) {
            return true;
        }
    }
    return at == recording->count;
}

/* True: the image is as it must be. */
static bool image_try(struct run *run, const struct disk *disk, size_t point,
                      enum disk_choice choice, uint64_t draw, size_t acknowledged, size_t asked)
{
    char path[WORKLOAD_PATH_BYTES];

    below(run, run->one ? "image" : "try", path);
    fresh_dir(path);
    disk_put(disk, &run->recording, choice, draw, path);
    const char *wrong =
        workload_judge(&run->workload, path, acknowledged, asked, draw % GO_ON_EVERY == 0);
    run->done++;
    run->choices[choice]++;
    if (wrong != NULL) {
        below(run, "failed", path);
        fresh_dir(path);
        disk_put(disk, &run->recording, choice, draw, path);
        (void)printf(
            "FAILED seed %llu point %zu choice %d: %s\n"
            "  %zu steps acknowledged, %zu asked for; the image, as the power cut left it: %s\n"
            "  again: toban-crash --seed %llu --steps %llu --point %zu --choice %d --draw %llu\n",
            (unsigned long long)run->seed, point, (int)choice, wrong, acknowledged, asked, path,
            (unsigned long long)run->seed, (unsigned long long)run->steps, point, (int)choice,
            (unsigned long long)draw);
    }
    return wrong == NULL;
}

/* One image at each boundary of this seed. `round` gives each boundary another choice each time. */
static bool round_try(struct run *run, uint64_t round)
{
    struct disk *disk = disk_create();
    size_t acknowledged = 0, asked = 0;
    uint64_t points = 0;
    bool good = true;

    for (size_t at = 0; good && at <= run->recording.count; at++) {
        if (is_boundary(&run->recording, at) && (run->one || run->done < run->images)) {
            enum disk_choice choice = (enum disk_choice)((points + round) % DISK_CHOICES);

            points++;
            if (!run->one) {
                good = image_try(run, disk, at, choice, points * ROUNDS_MAX + round, acknowledged,
                                 asked);
            } else if (at == run->point) {
                good = image_try(run, disk, at, (enum disk_choice)run->choice, run->draw,
                                 acknowledged, asked);
            }
        }
        if (at < run->recording.count) {
            const struct op *op = &run->recording.ops[at];

            disk_step(disk, &run->recording, at);
            if (op->kind == OP_NOTE && op->note == NOTE_ASKED) {
                asked = (size_t)op->number;
            } else if (op->kind == OP_NOTE) {
                acknowledged = (size_t)op->number;
            }
        }
    }
    run->points = points > run->points ? points : run->points;
    disk_destroy(disk);
    return good;
}

static bool seeds_try(struct run *run)
{
    uint64_t rounds = run->one ? 1 : DISK_CHOICES;
    bool good = true;

    while (good && (run->one ? run->done == 0 : run->done < run->images)) {
        record(run);
        for (uint64_t round = 0; good && round < rounds; round++) {
            good = round_try(run, round);
        }
        recording_free(&run->recording);
        workload_finish(&run->workload);
        if (run->one) {
            break;
        }
        run->seed++;
    }
    return good;
}

static uint64_t number_of(const char *text)
{
    char *end = NULL;
    unsigned long long number = strtoull(text, &end, 10);

    if (*text == '\0' || *end != '\0') {
        (void)fprintf(stderr, "toban-crash: not a number: %s\n", text);
        exit(MISUSED);
    }
    return number;
}

static void options_read(struct run *run, int argc, char **argv)
{
    static const struct option options[] = {
        {"images", required_argument, NULL, 'i'}, {"seed", required_argument, NULL, 's'},
        {"steps", required_argument, NULL, 't'},  {"point", required_argument, NULL, 'p'},
        {"choice", required_argument, NULL, 'c'}, {"draw", required_argument, NULL, 'd'},
        {"nth", required_argument, NULL, 'n'},    {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        uint64_t number = option == '?' || option == 'n' ? 0 : number_of(optarg);

        if (option == 'n') {
            run->nth = optarg;
        } else if (option == 'i') {
            run->images = number;
        } else if (option == 's') {
            run->seed = number;
        } else if (option == 't') {
            run->steps = number < WORKLOAD_STEPS_MAX ? number : WORKLOAD_STEPS_MAX;
        } else if (option == 'p') {
            run->point = number;
            run->one = true;
        } else if (option == 'c') {
            run->choice = (int)(number % DISK_CHOICES);
        } else if (option == 'd') {
            run->draw = number;
        } else {
            exit(MISUSED);
        }
    }
}

int main(int argc, char **argv)
{
    static struct run run = {.images = IMAGES_DEFAULT, .seed = 1, .steps = STEPS_DEFAULT};
    const char *base = getenv("TMPDIR");
    const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    struct timespec began, ended;
    uint64_t first;

    options_read(&run, argc, argv);
    (void)snprintf(run.dir, sizeof(run.dir), "%s/toban-crash-XXXXXX", base == NULL ? memory : base);
    if (mkdtemp(run.dir) == NULL) {
        perror("toban-crash: TMPDIR");
        return MISUSED;
    }
    if (run.nth != NULL) {
        bool quick = strcmp(run.nth, "quick") == 0;
        bool all_good =
            nth_run(run.dir, quick || strcmp(run.nth, "all") == 0 ? NULL : run.nth, quick);

        tree_remove(run.dir);
        return all_good ? 0 : ONE_FAILED;
    }
    first = run.seed;
    (void)clock_gettime(CLOCK_MONOTONIC, &began);
    bool good = seeds_try(&run);
    (void)clock_gettime(CLOCK_MONOTONIC, &ended);
    (void)printf(
        "%s: %llu images of seeds %llu to %llu in %lld s; flush boundaries of a seed: %llu;"
        " nothing unflushed kept %llu, everything %llu, up to a moment %llu, pages %llu,"
        " sectors %llu; the last recording %016llx\n",
        good ? "crash images: all good" : "crash images: FAILED", (unsigned long long)run.done,
        (unsigned long long)first, (unsigned long long)(run.one || !good ? run.seed : run.seed - 1),
        (long long)(ended.tv_sec - began.tv_sec), (unsigned long long)run.points,
        (unsigned long long)run.choices[DISK_NOTHING],
        (unsigned long long)run.choices[DISK_EVERYTHING],
        (unsigned long long)run.choices[DISK_MOMENT], (unsigned long long)run.choices[DISK_PAGES],
        (unsigned long long)run.choices[DISK_SECTORS], (unsigned long long)run.digest);
    if (good && !run.one) {
        tree_remove(run.dir);
    }
    return good ? 0 : ONE_FAILED;
}
