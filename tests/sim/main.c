/* toban-sim: runs seeds, prints what they met, and for a failure one command that tells it again. */
#include "tests/sim/sim.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FAULTS_DEFAULT = 20, TICKETS_DEFAULT = 400 };

static void print_coverage(const struct sim_result *sum)
{
    size_t reached = 0, all = 0;

    printf("duty rows never met:");
    for (int state = 0; state < DUTY_STATE_COUNT; state++) {
        for (int event = 0; event < DUTY_EVENT_COUNT; event++) {
            enum duty_row row =
                duty_table_row((enum duty_state)state, (enum duty_event_kind)event, NULL);

            if (row != DUTY_ROW_HANDLE && row != DUTY_ROW_NOTE) {
                continue;
            }
            all++;
            if (sum->rows[state][event] > 0) {
                reached++;
            } else {
                printf(" %s/%s", duty_state_code((enum duty_state)state),
                       duty_event_code((enum duty_event_kind)event));
            }
        }
    }
    printf("\nduty rows met: %zu of %zu\n", reached, all);
}

static void add(struct sim_result *sum, const struct sim_result *one)
{
    sum->tickets += one->tickets;
    sum->plain += one->plain;
    sum->lettered += one->lettered;
    sum->faults += one->faults;
    sum->terms += one->terms;
    sum->snapshots += one->snapshots;
    sum->replies += one->replies;
    sum->retries += one->retries;
    sum->events += one->events;
    sum->days += one->days;
    for (size_t i = 0; i < SIM_FAULT_COUNT; i++) {
        sum->fault_kinds[i] += one->fault_kinds[i];
    }
    for (size_t i = 0; i < DUTY_STATE_COUNT; i++) {
        for (size_t j = 0; j < DUTY_EVENT_COUNT; j++) {
            sum->rows[i][j] += one->rows[i][j];
        }
    }
}

int main(int argc, char **argv)
{
    struct sim_options options = {
        .seed = 1, .fault_count = FAULTS_DEFAULT, .ticket_goal = TICKETS_DEFAULT};
    uint64_t seeds = 1, failed = 0;
    bool stop = false;
    double cpu_s;
    static struct sim_result sum, result;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--verbose") == 0) {
            options.verbose = true;
        } else if (strcmp(argv[i], "--stop") == 0) {
            stop = true; /* at the first seed that fails */
        } else if (i + 1 < argc && strcmp(argv[i], "--seeds") == 0) {
            seeds = strtoull(argv[++i], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0) {
            options.seed = strtoull(argv[++i], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--faults") == 0) {
            options.fault_count = (uint32_t)strtoul(argv[++i], NULL, 10);
        } else {
            (void)fprintf(
                stderr,
                "usage: toban-sim [--seeds N] [--seed S] [--faults N] [--stop] [--verbose]\n");
            return 2;
        }
    }
    for (uint64_t i = 0; i < seeds && !(stop && failed > 0); i++, options.seed++) {
        sim_run(&options, &result);
        add(&sum, &result);
        if (result.failed) {
            failed++;
            printf(
                "seed %llu: %s\n  again: build/bin/toban-sim --seed %llu --faults %u --verbose\n",
                (unsigned long long)options.seed, result.why, (unsigned long long)options.seed,
                options.fault_count);
        }
    }
    printf("seeds %llu, failed %llu; tickets %llu (plain %llu, lettered %llu), terms %llu, "
           "snapshots %llu, faults "
           "%llu, "
           "retries %llu, events %llu\n",
           (unsigned long long)seeds, (unsigned long long)failed, (unsigned long long)sum.tickets,
           (unsigned long long)sum.plain, (unsigned long long)sum.lettered,
           (unsigned long long)sum.terms, (unsigned long long)sum.snapshots,
           (unsigned long long)sum.faults, (unsigned long long)sum.retries,
           (unsigned long long)sum.events);
    for (size_t i = 0; i < SIM_FAULT_COUNT; i++) {
        printf("  %s %llu\n", sim_fault_name((enum sim_fault)i),
               (unsigned long long)sum.fault_kinds[i]);
    }
    print_coverage(&sum);
    cpu_s = (double)clock() / CLOCKS_PER_SEC;
    printf("%.0f service days an hour a core (%llu days in %.1f s of processor time)\n",
           cpu_s > 0 ? (double)sum.days * 3600 / cpu_s : 0.0, (unsigned long long)sum.days, cpu_s);
    printf("%llu passed, %llu failed\n", (unsigned long long)(seeds - failed),
           (unsigned long long)failed);
    return failed == 0 ? 0 : 1;
}
