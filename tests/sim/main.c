/* toban-sim: runs seeds, prints what they met, and for a failure a short story and one command that tells
 * it again. */
#include "base/check.h"
#include "tests/sim/sim_apart.h"
#include "tests/sim/sim_report.h"
#include "tests/sim/sim_shrink.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum {
    FAULTS_DEFAULT = 20,
    TICKETS_DEFAULT = 2000,
    SHRINK_RUNS_DEFAULT = 300,
    SHRINK_FAILURES_MAX = 3, /* the first ones */
    PROGRESS_S = 60,
    HOUR_S = 3600,
    PATH_BYTES = 512,
    JOBS_MAX = 64,
};

static const char help[] =
    "usage: toban-sim [--seeds N] [--seed S] [--faults N] [--stop] [--story] [--verbose]\n"
    "                 [--only N[@MS],...] [--world W] [--shrink RUNS] [--coverage FILE]\n"
    "                 [--rows FILE] [--jobs N] [--hours H] [--keep DIRECTORY]\n"
    "  --only      of the faults of the seed, counted from 1, these; @MS: at that time\n"
    "  --world     the same faults in a world that is drawn otherwise\n"
    "  --shrink    a failing seed is made short in at most so many runs; 0: it is not\n"
    "  --story     what happens; --verbose: everything\n"
    "  --rows      a list of rows of the duty table that are not met; a wrong one is a failure\n"
    "  --jobs      so many seeds at a time\n"
    "  --hours     seeds until so much time is over, or until SIGINT or SIGTERM\n"
    "  --keep      failures are written there as well\n";

struct arguments {
    struct sim_options options;
    struct sim_pick picks[SIM_FAULTS_MAX];
    uint64_t seeds;
    uint32_t shrink_runs, jobs;
    double hours;
    bool stop;
    const char *coverage, *keep, *rows;
};

static volatile sig_atomic_t asked_to_stop;

static void on_signal(int number)
{
    (void)number;
    asked_to_stop = 1;
}

static bool parse_only(struct arguments *arguments, const char *text)
{
    uint32_t count = 0;

    while (*text != '\0' && count < SIM_FAULTS_MAX) {
        struct sim_pick *pick = &arguments->picks[count++];
        char *end;

        pick->number = (uint32_t)strtoul(text, &end, 10);
        pick->at_ms = SIM_PICK_ITS_TIME;
        if (end == text) {
            return false;
        }
        if (*end == '@') {
            pick->at_ms = strtoull(end + 1, &end, 10);
        }
        text = *end == ',' ? end + 1 : end;
        if (*end != ',' && *end != '\0') {
            return false;
        }
    }
    arguments->options.picks = arguments->picks;
    arguments->options.pick_count = count;
    return *text == '\0';
}

static bool parse_value(struct arguments *arguments, const char *name, const char *value)
{
    struct sim_options *options = &arguments->options;

    if (strcmp(name, "--seeds") == 0) {
        arguments->seeds = strtoull(value, NULL, 10);
    } else if (strcmp(name, "--seed") == 0) {
        options->seed = strtoull(value, NULL, 10);
    } else if (strcmp(name, "--world") == 0) {
        options->world = strtoull(value, NULL, 10);
    } else if (strcmp(name, "--faults") == 0) {
        options->fault_count = (uint32_t)strtoul(value, NULL, 10);
    } else if (strcmp(name, "--only") == 0) {
        return parse_only(arguments, value);
    } else if (strcmp(name, "--shrink") == 0) {
        arguments->shrink_runs = (uint32_t)strtoul(value, NULL, 10);
    } else if (strcmp(name, "--coverage") == 0) {
        arguments->coverage = value;
    } else if (strcmp(name, "--jobs") == 0) {
        arguments->jobs = (uint32_t)strtoul(value, NULL, 10);
        return arguments->jobs >= 1 && arguments->jobs <= JOBS_MAX;
    } else if (strcmp(name, "--rows") == 0) {
        arguments->rows = value;
    } else if (strcmp(name, "--hours") == 0) {
        arguments->hours = strtod(value, NULL);
        arguments->seeds = UINT64_MAX;
    } else if (strcmp(name, "--keep") == 0) {
        arguments->keep = value;
    } else {
        return false;
    }
    return options->fault_count <= SIM_FAULTS_MAX;
}

static bool parse(struct arguments *arguments, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--verbose") == 0) {
            arguments->options.telling = SIM_TELL_ALL;
        } else if (strcmp(argv[i], "--story") == 0) {
            arguments->options.telling = SIM_TELL_STORY;
        } else if (strcmp(argv[i], "--stop") == 0) {
            arguments->stop = true; /* at the first seed that fails */
        } else if (i + 1 >= argc || !parse_value(arguments, argv[i], argv[i + 1])) {
            return false;
        } else {
            i++;
        }
    }
    return true;
}

static void print_command(FILE *to, const struct sim_options *options)
{
    (void)fprintf(to, "build/bin/toban-sim --seed %llu --faults %u",
                  (unsigned long long)options->seed, options->fault_count);
    if (options->world != 0) {
        (void)fprintf(to, " --world %llu", (unsigned long long)options->world);
    }
    for (uint32_t i = 0; i < options->pick_count; i++) {
        (void)fprintf(to, "%s%u@%llu", i == 0 ? " --only " : ",", options->picks[i].number,
                      (unsigned long long)options->picks[i].at_ms);
    }
    (void)fprintf(to, options->picks != NULL && options->pick_count == 0 ? " --only ''" : "");
}

/* Fewest faults, shortest times; then the story, and the command that tells it. */
static void shrink(const struct arguments *arguments, struct sim_apart *apart,
                   const struct sim_options *options, const struct sim_result *result, FILE *to)
{
    static struct sim_short best;
    static struct sim_result again;
    struct sim_options few = *options;

    sim_shrink(options, result, arguments->shrink_runs, sim_apart_run, apart, &best);
    few.world = best.world;
    few.picks = best.picks;
    few.pick_count = best.pick_count;
    few.telling = SIM_TELL_STORY;
    few.tell_to = to;
    (void)fprintf(to, "  %u of its %u faults suffice (found in %u runs): %s\n", best.pick_count,
                  result->plan_count, best.runs, best.why);
    (void)fflush(to);
    sim_apart_run(apart, &few, &again);
    if (!again.failed || !sim_fails_alike(best.why, again.why)) {
        (void)fprintf(to, "  this run is not the same twice: the simulator itself is wrong\n");
    }
    (void)fprintf(to, "  again: ");
    print_command(to, &few);
    (void)fprintf(to, " --story\n");
    (void)fflush(to);
}

static void tell_failure(const struct arguments *arguments, struct sim_apart *apart,
                         const struct sim_options *options, const struct sim_result *result,
                         uint64_t failed, FILE *to)
{
    (void)fprintf(to, "seed %llu: %s\n  again: ", (unsigned long long)options->seed, result->why);
    print_command(to, options);
    (void)fprintf(to, " --verbose\n");
    if (arguments->shrink_runs > 0 && failed <= SHRINK_FAILURES_MAX && options->picks == NULL) {
        shrink(arguments, apart, options, result, to);
    }
    (void)fflush(to);
}

static void keep_failure(const struct arguments *arguments, struct sim_apart *apart,
                         const struct sim_options *options, const struct sim_result *result,
                         uint64_t failed)
{
    char path[PATH_BYTES];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/seed-%llu.txt", arguments->keep,
                   (unsigned long long)options->seed);
    file = fopen(path, "w");
    if (file == NULL) {
        perror(path);
        tell_failure(arguments, apart, options, result, failed, stdout);
        return;
    }
    tell_failure(arguments, apart, options, result, failed, file);
    (void)fclose(file);
    printf("seed %llu: %s\n  its story: %s\n", (unsigned long long)options->seed, result->why,
           path);
    (void)fflush(stdout);
}

static double cpu_s(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

struct run {
    struct arguments *arguments;
    struct sim_report *report;
    struct sim_apart *apart[JOBS_MAX];
    struct sim_options options[JOBS_MAX];
    time_t began, told;
    double shrink_s;
};

static void tell_progress(struct run *run, time_t now)
{
    if (run->arguments->hours > 0 && difftime(now, run->told) >= PROGRESS_S) {
        run->told = now;
        printf("%.0f min: %llu seeds, %llu days, %llu failed\n", difftime(now, run->began) / 60,
               (unsigned long long)run->report->seeds, (unsigned long long)run->report->sum.days,
               (unsigned long long)run->report->failed);
        (void)fflush(stdout);
    }
}

static void take_result(struct run *run, uint32_t slot)
{
    static struct sim_result result;
    const struct arguments *arguments = run->arguments;
    const struct sim_options *options = &run->options[slot];
    double before_s;

    sim_apart_end(run->apart[slot], &result);
    sim_report_add(run->report, &result);
    if (!result.failed) {
        return;
    }
    before_s = cpu_s();
    if (arguments->keep != NULL) {
        keep_failure(arguments, run->apart[slot], options, &result, run->report->failed);
    } else {
        tell_failure(arguments, run->apart[slot], options, &result, run->report->failed, stdout);
    }
    run->shrink_s += cpu_s() - before_s;
}

static bool goes_on(const struct run *run, time_t now)
{
    const struct arguments *arguments = run->arguments;

    return !asked_to_stop && !(arguments->stop && run->report->failed > 0) &&
           !(arguments->hours > 0 && difftime(now, run->began) > arguments->hours * HOUR_S);
}

/* Results are taken in the order of the seeds, so that two runs print the same. */
static void run_all(struct arguments *arguments, struct sim_report *report)
{
    struct run run = {.arguments = arguments, .report = report, .began = time(NULL)};
    uint64_t begun = 0, taken = 0;

    run.told = run.began;
    for (uint32_t i = 0; i < arguments->jobs; i++) {
        run.apart[i] = sim_apart_create();
    }
    while (begun < arguments->seeds && goes_on(&run, time(NULL))) {
        uint32_t slot = (uint32_t)(begun % arguments->jobs);

        if (begun - taken == arguments->jobs) {
            take_result(&run, slot);
            taken++;
            tell_progress(&run, time(NULL));
            continue;
        }
        run.options[slot] = arguments->options;
        run.options[slot].seed += begun++;
        sim_apart_begin(run.apart[slot], &run.options[slot]);
    }
    for (; taken < begun; taken++) {
        take_result(&run, (uint32_t)(taken % arguments->jobs));
    }
    for (uint32_t i = 0; i < arguments->jobs; i++) {
        sim_apart_destroy(run.apart[i]);
    }
    sim_report_print(report, cpu_s() - run.shrink_s);
}

int main(int argc, char **argv)
{
    static struct arguments arguments = {
        .options = {.seed = 1, .fault_count = FAULTS_DEFAULT, .ticket_goal = TICKETS_DEFAULT},
        .seeds = 1,
        .jobs = 1,
        .shrink_runs = SHRINK_RUNS_DEFAULT,
    };
    static struct sim_report report;
    const struct sigaction stop = {.sa_handler = on_signal};

    if (!parse(&arguments, argc, argv)) {
        (void)fprintf(stderr, "%s", help);
        return 2;
    }
    if (arguments.hours > 0) {
        (void)sigaction(SIGINT, &stop, NULL);
        (void)sigaction(SIGTERM, &stop, NULL);
    }
    run_all(&arguments, &report);
    if (arguments.coverage != NULL && sim_report_write_coverage(&report, arguments.coverage) < 0) {
        perror(arguments.coverage);
        return 1;
    }
    if (arguments.rows != NULL && !sim_report_check_rows(&report, arguments.rows)) {
        return 1;
    }
    return report.failed == 0 ? 0 : 1;
}
