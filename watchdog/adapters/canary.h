/*
 * watchdog/adapters/canary.h - does the disk still complete a write?
 *
 * A thread writes one small file of the data folder and waits for the device, every CANARY_MS while nothing else is
 * known to be written; a ledger at night writes nothing, and a dead disk would be found by the first visitor. Decides
 * nothing: the age is judged by watchdog/pet. A hung write holds this thread and nobody else. 512 bytes every 5 s are
 * about 3 GB a year, with the file system's own blocks about ten times that (docs/SIZING.md).
 * Errors: 0 or negative errno.
 */
#ifndef WATCHDOG_ADAPTERS_CANARY_H
#define WATCHDOG_ADAPTERS_CANARY_H

#include <stdint.h>

enum canary_limit { CANARY_MS = 5000, CANARY_BYTES = 512 };

struct canary;

int canary_start(const char *folder, struct canary **ret_canary);
/* A thread that hangs on the disk is left behind, with its memory. */
void canary_stop(struct canary *canary);
/* How long the write under way has been waited for, or every write has failed; 0: the last one succeeded. */
uint32_t canary_overdue_ms(const struct canary *canary);

#endif
