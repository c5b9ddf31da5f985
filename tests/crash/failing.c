#include "tests/crash/failing.h"

#include "base/check.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <unistd.h>

#include <openssl/evp.h>

static struct failing {
    pthread_mutex_t lock;
    bool armed, stay, came;
    uint64_t left;
    int error;
    struct failing_counts *counts;
} failing = {.lock = PTHREAD_MUTEX_INITIALIZER};

void failing_arm(uint64_t n, bool stay, int error)
{
    (void)pthread_mutex_lock(&failing.lock);
    failing.armed = true;
    failing.came = false;
    failing.stay = stay;
    failing.left = n;
    failing.error = error;
    (void)pthread_mutex_unlock(&failing.lock);
}

bool failing_disarm(void)
{
    (void)pthread_mutex_lock(&failing.lock);
    failing.armed = false;
    bool came = failing.came;
    (void)pthread_mutex_unlock(&failing.lock);
    return came;
}

void failing_count_in(struct failing_counts *counts)
{
    failing.counts = counts;
}

const char *failing_name(enum failpoint point)
{
    static const char *const names[] = {
#define X(name, text) text,
        FAILPOINTS(X)
#undef X
    };

    CHECK((unsigned)point < FAILPOINT_COUNT);
    return names[point];
}

int failing_now(enum failpoint point)
{
    int error = 0;

    if (!failing.armed) {
        return 0;
    }
    (void)pthread_mutex_lock(&failing.lock);
    if (failing.armed && failing.counts != NULL) {
        failing.counts->calls[point]++;
        if (failing.left > 0) {
            failing.left--;
        }
        if (failing.left == 0 && (!failing.came || failing.stay)) {
            failing.came = true;
            failing.counts->failures[point]++;
            error = failing.error;
        }
    }
    (void)pthread_mutex_unlock(&failing.lock);
    return error;
}

/* ---- before our own calls only: the linker's --wrap (Makefile) -------------------------------------- */

#define WRAP_POINTER(type, name, point, declared, given)                                           \
    type __real_##name declared;                                                                   \
    type __wrap_##name declared;                                                                   \
    type __wrap_##name declared                                                                    \
    {                                                                                              \
        if (failing_now(point) != 0) {                                                             \
            errno = ENOMEM;                                                                        \
            return NULL;                                                                           \
        }                                                                                          \
        return __real_##name given;                                                                \
    }

#define WRAP_RESULT(name, point, declared, given)                                                  \
    int __real_##name declared;                                                                    \
    int __wrap_##name declared;                                                                    \
    int __wrap_##name declared                                                                     \
    {                                                                                              \
        int error = failing_now(point);                                                            \
                                                                                                   \
        return error != 0 ? error : __real_##name given;                                           \
    }

#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wreserved-identifier"
WRAP_POINTER(void *, malloc, FAIL_MALLOC, (size_t bytes), (bytes))
WRAP_POINTER(void *, calloc, FAIL_CALLOC, (size_t count, size_t bytes), (count, bytes))
WRAP_POINTER(char *, strdup, FAIL_STRDUP, (const char *text), (text))
WRAP_POINTER(EVP_MD_CTX *, EVP_MD_CTX_new, FAIL_DIGEST, (void), ())
WRAP_POINTER(DIR *, fdopendir, FAIL_OPENDIR, (int fd), (fd))
WRAP_RESULT(pthread_create, FAIL_THREAD,
            (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *),
             void *context),
            (thread, attributes, run, context))
WRAP_RESULT(mdb_env_create, FAIL_ENV_CREATE, (MDB_env * *env), (env))
WRAP_RESULT(mdb_env_open, FAIL_ENV_OPEN,
            (MDB_env * env, const char *path, unsigned flags, mdb_mode_t mode),
            (env, path, flags, mode))
WRAP_RESULT(mdb_txn_begin, FAIL_BEGIN,
            (MDB_env * env, MDB_txn *parent, unsigned flags, MDB_txn **txn),
            (env, parent, flags, txn))
WRAP_RESULT(mdb_txn_renew, FAIL_RENEW, (MDB_txn * txn), (txn))
WRAP_RESULT(mdb_dbi_open, FAIL_DBI_OPEN,
            (MDB_txn * txn, const char *name, unsigned flags, MDB_dbi *dbi),
            (txn, name, flags, dbi))
WRAP_RESULT(mdb_get, FAIL_GET, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *value),
            (txn, dbi, key, value))
WRAP_RESULT(mdb_put, FAIL_PUT,
            (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags),
            (txn, dbi, key, value, flags))
WRAP_RESULT(mdb_del, FAIL_DEL, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *value),
            (txn, dbi, key, value))
WRAP_RESULT(mdb_drop, FAIL_DROP, (MDB_txn * txn, MDB_dbi dbi, int gone), (txn, dbi, gone))
WRAP_RESULT(mdb_cursor_open, FAIL_CURSOR_OPEN, (MDB_txn * txn, MDB_dbi dbi, MDB_cursor **cursor),
            (txn, dbi, cursor))
WRAP_RESULT(mdb_cursor_get, FAIL_CURSOR_GET,
            (MDB_cursor * cursor, MDB_val *key, MDB_val *value, MDB_cursor_op op),
            (cursor, key, value, op))
WRAP_RESULT(mdb_env_copyfd2, FAIL_COPY, (MDB_env * env, mdb_filehandle_t fd, unsigned flags),
            (env, fd, flags))

/* A commit that fails has ended its transaction; one that fails late is on the disk. */
int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn)
{
    int error = failing_now(FAIL_COMMIT);

    if (error != 0) {
        mdb_txn_abort(txn);
        return error;
    }
    int r = __real_mdb_txn_commit(txn);
    error = failing_now(FAIL_COMMIT_LATE);
    return r != 0 ? r : error;
}

#define WRAP_ERRNO(name, point, declared, given)                                                   \
    int __real_##name declared;                                                                    \
    int __wrap_##name declared;                                                                    \
    int __wrap_##name declared                                                                     \
    {                                                                                              \
        int error = failing_now(point);                                                            \
                                                                                                   \
        if (error != 0) {                                                                          \
            errno = error;                                                                         \
            return -1;                                                                             \
        }                                                                                          \
        return __real_##name given;                                                                \
    }

WRAP_ERRNO(flock, FAIL_LOCK, (int fd, int operation), (fd, operation))
WRAP_ERRNO(eventfd, FAIL_EVENTFD, (unsigned value, int flags), (value, flags))
WRAP_ERRNO(pipe2, FAIL_PIPE, (int ends[2], int flags), (ends, flags))

ssize_t __real_pread(int fd, void *bytes, size_t len_bytes, off_t offset_bytes);
ssize_t __wrap_pread(int fd, void *bytes, size_t len_bytes, off_t offset_bytes);
ssize_t __wrap_pread(int fd, void *bytes, size_t len_bytes, off_t offset_bytes)
{
    int error = failing_now(FAIL_READ);

    if (error != 0) {
        errno = error;
        return -1;
    }
    return __real_pread(fd, bytes, len_bytes, offset_bytes);
}
