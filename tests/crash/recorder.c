#include "tests/crash/recorder.h"

#include "base/check.h"
#include "tests/crash/failing.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FIRST_CAPACITY = 4096, FDS_MAX = 1024 };

/* The recording is of the process, as what it records is. */
static struct recorder {
    pthread_mutex_t lock;
    bool running;
    struct recording recording;
    struct {
        dev_t device;
        ino_t inode;
        bool used;
    } nodes[RECORDER_NODES_MAX];
    bool synced_writes[FDS_MAX]; /* opened with O_DSYNC */
} recorder = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *real(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    CHECK(found != NULL);
    return found;
}

#define REAL(name, type, ...) ((type(*)(__VA_ARGS__))real(name))

/* ---- the log; with the lock held ------------------------------------------------------------------ */

static struct op *add(enum op_kind kind)
{
    struct recording *recording = &recorder.recording;

    if (recording->count == recording->capacity) {
        recording->capacity = recording->capacity == 0 ? FIRST_CAPACITY : 2 * recording->capacity;
        recording->ops = realloc(recording->ops, recording->capacity * sizeof(*recording->ops));
        CHECK(recording->ops != NULL);
    }
    struct op *op = &recording->ops[recording->count++];
    memset(op, 0, sizeof(*op));
    op->kind = kind;
    op->node = op->dir = -1;
    return op;
}

static int node_of(const struct stat *stat)
{
    for (int i = 0; i < recorder.recording.node_count; i++) {
        if (recorder.nodes[i].used && recorder.nodes[i].device == stat->st_dev &&
            recorder.nodes[i].inode == stat->st_ino) {
            return i;
        }
    }
    return -1;
}

static int node_new(const struct stat *stat)
{
    int node = recorder.recording.node_count++;

    CHECK(node < RECORDER_NODES_MAX && node_of(stat) < 0);
    recorder.nodes[node].device = stat->st_dev;
    recorder.nodes[node].inode = stat->st_ino;
    recorder.nodes[node].used = true;
    return node;
}

/* The file at that path is gone: its inode may be anybody's now. */
static void node_forget(int node)
{
    if (node >= 0) {
        recorder.nodes[node].used = false;
    }
}

static int node_at(int at_fd, const char *path)
{
    struct stat stat;

    return fstatat(at_fd, path, &stat, AT_SYMLINK_NOFOLLOW) == 0 ? node_of(&stat) : -1;
}

static int node_of_fd(int fd)
{
    struct stat stat;

    return recorder.running && fstat(fd, &stat) == 0 ? node_of(&stat) : -1;
}

/* The recorded directory that holds `path`, and its last part; -1: not below the root. */
static int dir_of(int at_fd, const char *path, char name[RECORDER_NAME_BYTES])
{
    const char *slash = strrchr(path, '/');
    char parent[4096] = ".";
    struct stat stat;

    if (!recorder.running) {
        return -1;
    }
    if (slash != NULL) {
        (void)snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path + 1), path);
    }
    const char *last = slash == NULL ? path : slash + 1;
    int dir = fstatat(at_fd, parent, &stat, 0) == 0 ? node_of(&stat) : -1;
    if (dir >= 0) {
        CHECK(strlen(last) < RECORDER_NAME_BYTES);
        (void)strcpy(name, last);
    }
    return dir;
}

static bool all_zero(const uint8_t *bytes, size_t len_bytes)
{
    return len_bytes == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len_bytes - 1) == 0);
}

static void note_write(int fd, int node, const void *bytes, size_t len_bytes, uint64_t offset_bytes)
{
    struct op *op = add(OP_WRITE);

    op->node = node;
    op->offset_bytes = offset_bytes;
    op->len_bytes = len_bytes;
    if (!all_zero(bytes, len_bytes)) {
        op->bytes = malloc(len_bytes);
        CHECK(op->bytes != NULL);
        memcpy(op->bytes, bytes, len_bytes);
    }
    if (fd < FDS_MAX && recorder.synced_writes[fd]) {
        size_t covers = recorder.recording.count;

        op = add(OP_SYNC);
        op->node = node;
        op->offset_bytes = offset_bytes;
        op->len_bytes = len_bytes;
        op->covers = covers;
    }
}

/* ---- instead of libc ------------------------------------------------------------------------------ */

static void lock(void)
{
    (void)pthread_mutex_lock(&recorder.lock);
}

static void unlock(void)
{
    (void)pthread_mutex_unlock(&recorder.lock);
}

/* The call that fails on purpose: errno is set. */
static bool fails(enum failpoint point)
{
    int error = failing_now(point);

    errno = error != 0 ? error : errno;
    return error != 0;
}

/* A write is in the log before it is in the file: a flush that begins meanwhile, in another thread, must not
 * be taken to cover it, nor may it be forgotten when that flush happens to carry it. */
ssize_t pwrite(int fd, const void *bytes, size_t len_bytes, off_t offset_bytes)
{
    if (fails(FAIL_WRITE)) {
        return -1;
    }
    lock();
    int node = node_of_fd(fd);
    ssize_t n = REAL("pwrite", ssize_t, int, const void *, size_t, off_t)(fd, bytes, len_bytes,
                                                                          offset_bytes);
    if (node >= 0 && n > 0) {
        note_write(fd, node, bytes, (size_t)n, (uint64_t)offset_bytes);
    }
    unlock();
    return n;
}

static ssize_t write_here(int fd, const struct iovec *parts, int count)
{
    lock();
    int node = node_of_fd(fd);
    off_t at_bytes = node >= 0 ? lseek(fd, 0, SEEK_CUR) : 0;
    ssize_t n = 0;
    if (node < 0) {
        unlock(); /* a pipe may block */
        return REAL("writev", ssize_t, int, const struct iovec *, int)(fd, parts, count);
    }
    n = REAL("writev", ssize_t, int, const struct iovec *, int)(fd, parts, count);
    ssize_t left = n;
    for (int i = 0; i < count && left > 0; i++) {
        size_t part = parts[i].iov_len < (size_t)left ? parts[i].iov_len : (size_t)left;

        note_write(fd, node, parts[i].iov_base, part, (uint64_t)at_bytes);
        at_bytes += (off_t)part;
        left -= (ssize_t)part;
    }
    unlock();
    return n;
}

ssize_t write(int fd, const void *bytes, size_t len_bytes)
{
    const struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len_bytes};

    return write_here(fd, &part, 1);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (fails(FAIL_WRITEV)) {
        return -1;
    }
    return write_here(fd, parts, count);
}

int ftruncate(int fd, off_t len_bytes)
{
    if (fails(FAIL_FTRUNCATE)) {
        return -1;
    }
    lock();
    int node = node_of_fd(fd);
    int r = REAL("ftruncate", int, int, off_t)(fd, len_bytes);
    if (node >= 0 && r == 0) {
        struct op *op = add(OP_TRUNCATE);

        op->node = node;
        op->offset_bytes = (uint64_t)len_bytes;
    }
    unlock();
    return r;
}

static int sync_here(int fd, const char *name)
{
    struct stat stat;

    lock();
    int node = node_of_fd(fd);
    size_t covers = recorder.recording.count;
    unlock();
    int r = REAL(name, int, int)(fd);
    if (node >= 0 && r == 0) {
        CHECK(fstat(fd, &stat) == 0);
        lock();
        struct op *op = add(S_ISDIR(stat.st_mode) ? OP_DIR_SYNC : OP_SYNC);
        op->node = op->dir = node;
        op->covers = covers;
        unlock();
    }
    return r;
}

int fsync(int fd)
{
    if (fails(FAIL_FSYNC)) {
        return -1;
    }
    return sync_here(fd, "fsync");
}

int fdatasync(int fd)
{
    if (fails(FAIL_FDATASYNC)) {
        return -1;
    }
    return sync_here(fd, "fdatasync");
}

/* ---- names ---------------------------------------------------------------------------------------- */

static int open_here(int at_fd, const char *path, int flags, mode_t mode)
{
    char name[RECORDER_NAME_BYTES];
    struct stat stat;

    if (fails(FAIL_OPEN)) {
        return -1;
    }
    lock();
    int dir = dir_of(at_fd, path, name);
    bool was_there = dir >= 0 && fstatat(at_fd, path, &stat, 0) == 0;
    int fd = REAL("openat", int, int, const char *, int, ...)(at_fd, path, flags, mode);
    if (fd >= 0 && fd < FDS_MAX) {
        recorder.synced_writes[fd] = (flags & O_DSYNC) != 0;
    }
    if (fd >= 0 && dir >= 0 && (flags & O_CREAT) != 0 && !was_there) {
        CHECK(fstat(fd, &stat) == 0);
        struct op *op = add(OP_CREATE);
        op->dir = dir;
        op->node = node_new(&stat);
        (void)strcpy(op->name, name);
    } else if (fd >= 0 && dir >= 0 && (flags & O_TRUNC) != 0) {
        struct op *op = add(OP_TRUNCATE);
        op->node = node_of_fd(fd);
    }
    unlock();
    return fd;
}

static mode_t mode_of(int flags, va_list arguments)
{
    return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
}

int openat(int at_fd, const char *path, int flags, ...)
{
    va_list arguments;

    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_here(at_fd, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list arguments;

    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_here(AT_FDCWD, path, flags, mode);
}

int mkdirat(int at_fd, const char *path, mode_t mode)
{
    if (fails(FAIL_MKDIR)) {
        return -1;
    }
    char name[RECORDER_NAME_BYTES];
    struct stat stat;

    lock();
    int dir = dir_of(at_fd, path, name);
    int r = REAL("mkdirat", int, int, const char *, mode_t)(at_fd, path, mode);
    if (r == 0 && dir >= 0) {
        CHECK(fstatat(at_fd, path, &stat, 0) == 0);
        struct op *op = add(OP_MKDIR);
        op->dir = dir;
        op->node = node_new(&stat);
        (void)strcpy(op->name, name);
    }
    unlock();
    return r;
}

static int rename_here(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    char name[RECORDER_NAME_BYTES], name_to[RECORDER_NAME_BYTES];

    if (fails(FAIL_RENAME)) {
        return -1;
    }
    lock();
    int dir = dir_of(from_fd, from, name);
    int dir_to = dir_of(to_fd, to, name_to);
    int replaced = dir_to >= 0 && flags == 0 ? node_at(to_fd, to) : -1;
    int r = REAL("renameat2", int, int, const char *, int, const char *,
                 unsigned)(from_fd, from, to_fd, to, flags);
    if (r == 0 && (dir >= 0 || dir_to >= 0)) {
        CHECK(dir == dir_to); /* two directories would be two flushes */
        node_forget(replaced);
        struct op *op = add(flags != 0 ? OP_EXCHANGE : OP_RENAME);
        op->dir = dir;
        (void)strcpy(op->name, name);
        (void)strcpy(op->name_to, name_to);
    }
    unlock();
    return r;
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return rename_here(from_fd, from, to_fd, to, 0);
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    return rename_here(from_fd, from, to_fd, to, flags);
}

int unlinkat(int at_fd, const char *path, int flags)
{
    if (fails(FAIL_UNLINK)) {
        return -1;
    }
    char name[RECORDER_NAME_BYTES];

    lock();
    int dir = dir_of(at_fd, path, name);
    int node = dir >= 0 ? node_at(at_fd, path) : -1;
    int r = REAL("unlinkat", int, int, const char *, int)(at_fd, path, flags);
    if (r == 0 && dir >= 0) {
        node_forget(node);
        struct op *op = add(OP_REMOVE);
        op->dir = dir;
        (void)strcpy(op->name, name);
    }
    unlock();
    return r;
}

/* Ways to change a file that the ledger does not use today: who begins to must record them here. */
int rename(const char *from, const char *to)
{
    return rename_here(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

/* ---- the recording -------------------------------------------------------------------------------- */

void recorder_start(const char *root)
{
    struct stat found;

    CHECK(!recorder.running && stat(root, &found) == 0);
    recorder.recording = (struct recording){0};
    memset(recorder.nodes, 0, sizeof(recorder.nodes));
    CHECK(node_new(&found) == RECORDER_ROOT);
    recorder.running = true;
}

void recorder_note(int note, uint64_t number)
{
    lock();
    struct op *op = add(OP_NOTE);
    op->note = note;
    op->number = number;
    unlock();
}

struct recording recorder_stop(void)
{
    lock();
    recorder.running = false;
    struct recording recording = recorder.recording;
    recorder.recording = (struct recording){0};
    unlock();
    return recording;
}

void recording_free(struct recording *recording)
{
    for (size_t i = 0; i < recording->count; i++) {
        free(recording->ops[i].bytes);
    }
    free(recording->ops);
    *recording = (struct recording){0};
}
