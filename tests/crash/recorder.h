/*
 * tests/crash/recorder.h - writes down what a process does to the files below one directory.
 *
 * The functions of libc that change files are defined here and so come before libc's own, for this program and
 * for the libraries it uses (LMDB). Each does what it is asked and, while a recording runs, adds one line to the
 * log: what was written where, what was flushed, what was named, renamed, removed. Flushes know which writes had
 * returned before they began: only those are covered. What LMDB writes to lock.mdb through memory is not seen,
 * and need not survive. Decides not: what of it survives a power cut (disk.h).
 */
#ifndef TESTS_CRASH_RECORDER_H
#define TESTS_CRASH_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum recorder_limit { RECORDER_NAME_BYTES = 48, RECORDER_NODES_MAX = 512, RECORDER_ROOT = 0 };

enum op_kind {
    OP_CREATE,    /* `node` is a new file, `name` in `dir` */
    OP_MKDIR,
    OP_WRITE,
    OP_TRUNCATE,  /* to `offset_bytes` */
    OP_SYNC,      /* `node`: what ops before `covers` wrote; len_bytes != 0: only so much from offset on */
    OP_DIR_SYNC,
    OP_RENAME,    /* `name` in `dir` becomes `name_to` */
    OP_EXCHANGE,
    OP_REMOVE,
    OP_NOTE,      /* the workload's: `note`, `number` */
};

struct op {
    enum op_kind kind;
    int node, dir, note;
    char name[RECORDER_NAME_BYTES], name_to[RECORDER_NAME_BYTES];
    uint64_t offset_bytes, number;
    size_t len_bytes, covers;
    uint8_t *bytes; /* NULL: zeros */
};

struct recording {
    struct op *ops;
    size_t count, capacity;
    int node_count;
};

/* Everything below `root`, an existing and empty directory, from now on. One recording at a time. */
void recorder_start(const char *root);
void recorder_note(int note, uint64_t number);
/* Ends it; the caller frees. */
struct recording recorder_stop(void);
void recording_free(struct recording *recording);

#endif
