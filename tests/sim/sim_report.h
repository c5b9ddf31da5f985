/* tests/sim/sim_report.h - what many seeds met: sums, and the duty table's rows against faults. */
#ifndef TESTS_SIM_SIM_REPORT_H
#define TESTS_SIM_SIM_REPORT_H

#include "tests/sim/sim.h"

struct sim_report {
    uint64_t seeds, failed;
    struct sim_result sum;
};

void sim_report_add(struct sim_report *report, const struct sim_result *result);
/* In words, to stdout. */
void sim_report_print(const struct sim_report *report, double cpu_s);
/* Every row that is handled, with the faults under which it was never met. 0 or negative errno. */
int sim_report_write_coverage(const struct sim_report *report, const char *path);
/* Compares the rows met with a list of those that are not (tests/sim/rows-not-met.txt), and says where it is
 * wrong. Few seeds prove nothing: then, and when it is right, true. */
bool sim_report_check_rows(const struct sim_report *report, const char *path);
/* A row of the table that a world can bring about: not IGNORE, not IMPOSSIBLE. */
bool sim_report_row_counts(enum duty_state state, enum duty_event_kind event);

#endif
