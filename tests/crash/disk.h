/*
 * tests/crash/disk.h - what a power cut leaves of a recorded workload.
 *
 * Decides: which bytes, sizes and names are on the disk if the power went at one place of a recording. What a
 * flush covered is there. Of the rest a choice, drawn from a seed, decides: nothing, everything, each file as of
 * some moment, or every page (or every sector of 512 bytes, a torn write) for itself: as of some moment between
 * the last flush and the cut, never two moments mixed within one sector, because a page of the kernel's cache goes
 * to the disk as it is. Names in a directory are there up to some moment of that directory, as in a journal, and
 * need not fit the files' contents. A file's size is chosen apart from its bytes. A file or name that no flush
 * covers may be missing altogether. More than this a disk that keeps its word about flushes cannot do.
 */
#ifndef TESTS_CRASH_DISK_H
#define TESTS_CRASH_DISK_H

#include "tests/crash/recorder.h"

enum disk_choice {
    DISK_NOTHING,    /* only what was flushed */
    DISK_EVERYTHING, /* as after a killed process */
    DISK_MOMENT,     /* each file and directory as of one moment of its own */
    DISK_PAGES,
    DISK_SECTORS,
    DISK_CHOICES,
};

struct disk;

struct disk *disk_create(void);
void disk_destroy(struct disk *disk);
/* The next op of the recording happens. */
void disk_step(struct disk *disk, const struct recording *recording, size_t at);
/* Puts the image below `path`, an existing empty directory. */
void disk_put(const struct disk *disk, const struct recording *recording, enum disk_choice choice,
              uint64_t seed, const char *path);

#endif
