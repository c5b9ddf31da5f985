/*
 * watchdog/adapters/notes.h - why this machine was reset: one short file that outlives the reset.
 *
 * Written before the watchdog is starved, by a thread of its own: a disk that hangs must not hold the loop, which gives
 * it PET_NOTE_MS_MAX. One line a reset, oldest first, at most NOTES_MAX; the file is made anew beside the old one and
 * renamed, so that a power cut leaves one of both. No visitor data. Errors: 0 or negative errno.
 *
 * A line: wall time in ms, code of the part, its age in ms. Wall time only counts how many resets are recent; a wrong
 * clock may allow or refuse one reset too many, never decide that there is a failure.
 */
#ifndef WATCHDOG_ADAPTERS_NOTES_H
#define WATCHDOG_ADAPTERS_NOTES_H

#include "watchdog/pet/pet.h"

#include <stdint.h>

enum notes_limit { NOTES_MAX = 32 };

struct notes_line {
    uint64_t wall_ms;
    enum pet_part part;
    uint32_t age_ms;
};

struct notes;

/* Reads what is there; a file that is not ours, or in part, counts as far as it can be read. folder must exist. */
int notes_open(const char *folder, struct notes **ret_notes);
/* Ends the thread unless it hangs on the disk; then it is left behind. */
void notes_close(struct notes *notes);
/* Newest last. Borrowed, and unchanged by notes_begin. */
size_t notes_count(const struct notes *notes);
const struct notes_line *notes_get(const struct notes *notes, size_t index);
/* Resets within PET_RESETS_MS before wall_ms, and the age of the oldest of the newest PET_RESETS_MAX of them
 * (PET_RESETS_MS: none). */
uint32_t notes_recent(const struct notes *notes, uint64_t wall_ms, uint64_t *ret_oldest_age_ms);
/* Asks the thread to add a line; notes_fd() becomes readable when it is durable or failed. Once a process. */
void notes_begin(struct notes *notes, const struct notes_line *line);
int notes_fd(const struct notes *notes);

#endif
