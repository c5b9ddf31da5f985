/*
 * tests/crash/nth.h - every operation of the ledger, with its n-th call for memory, files, threads or LMDB failing,
 * for n = 1 until the operation comes through. After each: no crash, no leak (under AddressSanitizer), a negative
 * errno and, where there is one, a sentence; the ledger opens again, verifies, and holds all that was acknowledged.
 */
#ifndef TESTS_CRASH_NTH_H
#define TESTS_CRASH_NTH_H

#include <stdbool.h>

/* `dir`: an empty directory of this process. `only`: one operation's name, or NULL; `quick`: each failure once,
 * not also for good and with a full disk. True: all good, and no failpoint was never hit. */
bool nth_run(const char *dir, const char *only, bool quick);

#endif
