/* See sim_report.h. */
#include "tests/sim/sim_report.h"

#include <errno.h>
#include <string.h>

enum {
    LINE_BYTES = 256,
    SEEDS_FOR_LIST = 200,
    SEEDS_FOR_ROWS = 20
}; /* fewer say nothing of what is never met */

void sim_report_add(struct sim_report *report, const struct sim_result *result)
{
    struct sim_result *sum = &report->sum;

    report->seeds++;
    report->failed += result->failed;
    sum->tickets += result->tickets;
    sum->plain += result->plain;
    sum->lettered += result->lettered;
    sum->faults += result->faults;
    sum->terms += result->terms;
    sum->snapshots += result->snapshots;
    sum->replies += result->replies;
    sum->retries += result->retries;
    sum->events += result->events;
    sum->days += result->days;
    sum->memory_kib = result->memory_kib > sum->memory_kib ? result->memory_kib : sum->memory_kib;
    sum->shown += result->shown;
    sum->calls += result->calls;
    sum->asked_again += result->asked_again;
    sum->let_in += result->let_in;
    sum->revoked += result->revoked;
    sum->site_versions += result->site_versions;
    sum->site_pages += result->site_pages;
    sum->words += result->words;
    sum->registered += result->registered;
    sum->arrived += result->arrived;
    sum->annulled += result->annulled;
    sum->annulled_seen += result->annulled_seen;
    sum->slips += result->slips;
    sum->lists += result->lists;
    sum->strays += result->strays;
    sum->folds += result->folds;
    sum->shipped += result->shipped;
    sum->reserved += result->reserved;
    sum->walked += result->walked;
    sum->address_ms = result->address_ms > sum->address_ms ? result->address_ms : sum->address_ms;
    sum->papers += result->papers;
    for (size_t i = 0; i < SIM_FAULT_COUNT; i++) {
        sum->fault_kinds[i] += result->fault_kinds[i];
    }
    for (size_t i = 0; i < DUTY_STATE_COUNT; i++) {
        for (size_t j = 0; j < DUTY_EVENT_COUNT; j++) {
            sum->rows[i][j] += result->rows[i][j];
            sum->row_faults[i][j] |= result->row_faults[i][j];
        }
    }
}

bool sim_report_row_counts(enum duty_state state, enum duty_event_kind event)
{
    enum duty_row row = duty_table_row(state, event, NULL);

    return row == DUTY_ROW_HANDLE || row == DUTY_ROW_NOTE;
}

static void print_rows(const struct sim_result *sum)
{
    size_t met = 0, all = 0, pairs = 0;

    printf("duty rows never met:");
    for (int state = 0; state < DUTY_STATE_COUNT; state++) {
        for (int event = 0; event < DUTY_EVENT_COUNT; event++) {
            if (!sim_report_row_counts((enum duty_state)state, (enum duty_event_kind)event)) {
                continue;
            }
            all++;
            pairs += (size_t)__builtin_popcountll(sum->row_faults[state][event]);
            if (sum->rows[state][event] > 0) {
                met++;
            } else {
                printf(" %s/%s", duty_state_code((enum duty_state)state),
                       duty_event_code((enum duty_event_kind)event));
            }
        }
    }
    printf("\nduty rows met: %zu of %zu; rows x faults: %zu of %zu\n", met, all, pairs,
           all * SIM_FAULT_COUNT);
}

void sim_report_print(const struct sim_report *report, double cpu_s)
{
    const struct sim_result *sum = &report->sum;

    printf("seeds %llu, failed %llu; tickets %llu (plain %llu, lettered %llu), terms %llu, "
           "snapshots %llu, faults %llu, retries %llu, events %llu\n",
           (unsigned long long)report->seeds, (unsigned long long)report->failed,
           (unsigned long long)sum->tickets, (unsigned long long)sum->plain,
           (unsigned long long)sum->lettered, (unsigned long long)sum->terms,
           (unsigned long long)sum->snapshots, (unsigned long long)sum->faults,
           (unsigned long long)sum->retries, (unsigned long long)sum->events);
    printf("live events shown %llu, calls %llu, old keys asked again %llu, nonsense sent %llu, "
           "states compared %llu, entries on the wire %llu, numbers found reserved %llu, links "
           "walked %llu; credentials let in %llu, revoked %llu; site versions %llu, shown %llu; "
           "managers' words "
           "%llu, slips %llu, lists %llu; registered before arrival %llu, arrived %llu; both held "
           "the address for %llu ms at most; at most %llu "
           "MiB\n",
           (unsigned long long)sum->shown, (unsigned long long)sum->calls,
           (unsigned long long)sum->asked_again, (unsigned long long)sum->strays,
           (unsigned long long)sum->folds, (unsigned long long)sum->shipped,
           (unsigned long long)sum->reserved, (unsigned long long)sum->walked,
           (unsigned long long)sum->let_in, (unsigned long long)sum->revoked,
           (unsigned long long)sum->site_versions, (unsigned long long)sum->site_pages,
           (unsigned long long)sum->words, (unsigned long long)sum->slips,
           (unsigned long long)sum->lists, (unsigned long long)sum->registered,
           (unsigned long long)sum->arrived, (unsigned long long)sum->address_ms,
           (unsigned long long)sum->memory_kib / 1024);
    printf("faults:");
    for (size_t i = 0; i < SIM_FAULT_COUNT; i++) {
        printf(" %s %llu", sim_fault_name((enum sim_fault)i),
               (unsigned long long)sum->fault_kinds[i]);
    }
    printf("\n");
    if (report->seeds >= SEEDS_FOR_ROWS) {
        print_rows(sum);
    }
    printf("%.0f service days an hour a core (%llu days in %.1f s of processor time)\n",
           cpu_s > 0 ? (double)sum->days * 3600 / cpu_s : 0.0, (unsigned long long)sum->days,
           cpu_s);
    printf("%llu passed, %llu failed\n", (unsigned long long)(report->seeds - report->failed),
           (unsigned long long)report->failed);
}

static void write_row(FILE *file, const struct sim_result *sum, enum duty_state state,
                      enum duty_event_kind event)
{
    uint64_t met = sum->row_faults[state][event];
    int count = __builtin_popcountll(met);

    (void)fprintf(file, "%-16s %-18s %12llu  %2d of %d", duty_state_code(state),
                  duty_event_code(event), (unsigned long long)sum->rows[state][event], count,
                  SIM_FAULT_COUNT);
    if (sum->rows[state][event] > 0 && count < SIM_FAULT_COUNT) {
        (void)fprintf(file, "  never:");
        for (size_t i = 0; i < SIM_FAULT_COUNT; i++) {
            if ((met >> i & 1) == 0) {
                (void)fprintf(file, " %s", sim_fault_name((enum sim_fault)i));
            }
        }
    }
    (void)fprintf(file, "\n");
}

int sim_report_write_coverage(const struct sim_report *report, const char *path)
{
    FILE *file = fopen(path, "w");

    if (file == NULL) {
        return -errno;
    }
    (void)fprintf(file,
                  "Rows of the duty table (docs/DUTY.md): how often %llu seeds met each, under how "
                  "many kinds of fault,\nand under which never. A fault counts until it heals, and "
                  "five seconds at least.\n\n",
                  (unsigned long long)report->seeds);
    for (int state = 0; state < DUTY_STATE_COUNT; state++) {
        for (int event = 0; event < DUTY_EVENT_COUNT; event++) {
            if (sim_report_row_counts((enum duty_state)state, (enum duty_event_kind)event)) {
                write_row(file, &report->sum, (enum duty_state)state, (enum duty_event_kind)event);
            }
        }
    }
    return fclose(file) == 0 ? 0 : -errno;
}

enum listed { NOT_LISTED, SELDOM, NEVER };

/* False: no such row. */
static bool list_row(const char *kind, const char *name,
                     enum listed listed[DUTY_STATE_COUNT][DUTY_EVENT_COUNT])
{
    char here[LINE_BYTES];

    for (int state = 0; state < DUTY_STATE_COUNT; state++) {
        for (int event = 0; event < DUTY_EVENT_COUNT; event++) {
            (void)snprintf(here, sizeof(here), "%s/%s", duty_state_code((enum duty_state)state),
                           duty_event_code((enum duty_event_kind)event));
            if (strcmp(here, name) == 0 &&
                sim_report_row_counts((enum duty_state)state, (enum duty_event_kind)event)) {
                listed[state][event] = strcmp(kind, "never") == 0 ? NEVER : SELDOM;
                return true;
            }
        }
    }
    return false;
}

static bool read_list(const char *path, enum listed listed[DUTY_STATE_COUNT][DUTY_EVENT_COUNT])
{
    char line[LINE_BYTES], kind[LINE_BYTES], name[LINE_BYTES];
    FILE *file = fopen(path, "r");
    bool right = true;

    if (file == NULL) {
        perror(path);
        return false;
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        if (line[0] != '#' && sscanf(line, "%255s %255s", kind, name) == 2 &&
            !list_row(kind, name, listed)) {
            printf("%s: there is no row %s\n", path, name);
            right = false;
        }
    }
    (void)fclose(file);
    return right;
}

bool sim_report_check_rows(const struct sim_report *report, const char *path)
{
    enum listed listed[DUTY_STATE_COUNT][DUTY_EVENT_COUNT] = {0};
    bool right = read_list(path, listed);

    for (int state = 0; state < DUTY_STATE_COUNT && report->seeds >= SEEDS_FOR_LIST; state++) {
        for (int event = 0; event < DUTY_EVENT_COUNT; event++) {
            bool met = report->sum.rows[state][event] > 0;
            bool wrong = met ? listed[state][event] == NEVER : listed[state][event] == NOT_LISTED;

            if (wrong &&
                sim_report_row_counts((enum duty_state)state, (enum duty_event_kind)event)) {
                printf("%s: %s/%s was %s\n", path, duty_state_code((enum duty_state)state),
                       duty_event_code((enum duty_event_kind)event), met ? "met" : "not met");
                right = false;
            }
        }
    }
    return right;
}
