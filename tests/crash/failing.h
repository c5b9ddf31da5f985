/*
 * tests/crash/failing.h - one call among many fails on purpose.
 *
 * Failpoints are the functions through which the ledger asks for memory, files, threads and LMDB. While armed,
 * every call through one is counted, and the n-th fails: once, or with all after it. What fails did nothing, except
 * COMMIT_LATE, which did it and says that it did not. Calls and failures of each failpoint are counted for ever.
 */
#ifndef TESTS_CRASH_FAILING_H
#define TESTS_CRASH_FAILING_H

#include <stdbool.h>
#include <stdint.h>

#define FAILPOINTS(X)                                                                              \
    X(MALLOC, "malloc")                                                                            \
    X(CALLOC, "calloc")                                                                            \
    X(STRDUP, "strdup")                                                                            \
    X(OPEN, "open")                                                                                \
    X(MKDIR, "mkdirat")                                                                            \
    X(WRITE, "pwrite")                                                                             \
    X(WRITEV, "writev")                                                                            \
    X(READ, "pread")                                                                               \
    X(FSYNC, "fsync")                                                                              \
    X(FDATASYNC, "fdatasync")                                                                      \
    X(FTRUNCATE, "ftruncate")                                                                      \
    X(RENAME, "renameat")                                                                          \
    X(UNLINK, "unlinkat")                                                                          \
    X(OPENDIR, "fdopendir")                                                                        \
    X(LOCK, "flock")                                                                               \
    X(EVENTFD, "eventfd")                                                                          \
    X(PIPE, "pipe2")                                                                               \
    X(THREAD, "pthread_create")                                                                    \
    X(ENV_CREATE, "mdb_env_create")                                                                \
    X(ENV_OPEN, "mdb_env_open")                                                                    \
    X(BEGIN, "mdb_txn_begin")                                                                      \
    X(RENEW, "mdb_txn_renew")                                                                      \
    X(DBI_OPEN, "mdb_dbi_open")                                                                    \
    X(GET, "mdb_get")                                                                              \
    X(PUT, "mdb_put")                                                                              \
    X(DEL, "mdb_del")                                                                              \
    X(DROP, "mdb_drop")                                                                            \
    X(CURSOR_OPEN, "mdb_cursor_open")                                                              \
    X(CURSOR_GET, "mdb_cursor_get")                                                                \
    X(COMMIT, "mdb_txn_commit")                                                                    \
    X(COMMIT_LATE, "mdb_txn_commit, done")                                                         \
    X(COPY, "mdb_env_copyfd2")                                                                     \
    X(DIGEST, "EVP_MD_CTX_new")

enum failpoint {
#define X(name, text) FAIL_##name,
    FAILPOINTS(X)
#undef X
        FAILPOINT_COUNT,
};

struct failing_counts {
    uint64_t calls[FAILPOINT_COUNT], failures[FAILPOINT_COUNT];
};

/* The n-th call from now fails (from 1), with this error where there is an errno; `stay`: all after it too. */
void failing_arm(uint64_t n, bool stay, int error);
/* True: the n-th call came. */
bool failing_disarm(void);
/* Where the counts are kept: memory that a child process may share. */
void failing_count_in(struct failing_counts *counts);
const char *failing_name(enum failpoint point);

/* For the functions themselves: 0, or the error with which this call fails. */
int failing_now(enum failpoint point);

#endif
