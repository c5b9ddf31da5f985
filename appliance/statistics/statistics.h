/*
 * appliance/statistics/statistics.h - what is counted of a day's visits, and kept when the visits are gone.
 *
 * Decides: which visit counts in which cell, what each number means, how times are kept (and with which error), the
 * bytes of a sealed day, and which rows are too small to be shown. Decides not: when a day is sealed, where its bytes
 * lie, who may see them, how they are drawn.
 *
 * How it works. A visit is a row of services (legs). Each leg counts in one cell: (category, hour in which it joined
 * the line, counter that served it). statistics_measure() turns a visit into a fact a leg; sorted facts are encoded,
 * cell by cell, into chunks; reading a chunk adds its cells to sums. The same facts give the same bytes on both units.
 * What is measured of nobody in particular: no id, no number, no order of arrival, no language, no note.
 *
 * Parts. A day is sealed in parts by series: plain numbers, and each unit's letter. Where two ledgers sealed one day
 * apart from each other, of each part the one that knows more visits counts, whole: nobody is counted twice, and what
 * one side alone knew is not lost.
 *
 * Times are whole seconds. Sums, numbers and the longest are exact, so means are; medians and percentiles come from a
 * histogram whose steps are 1/16 of their power of two: exact below 32 s, else wrong by at most 1/32 (3.2 %). A time
 * that is negative (a clock went back) or longer than STATISTICS_TIME_S_MAX (somebody forgot to press) makes the leg
 * doubtful: it counts, its times do not.
 *
 * Kept rows. Where the ward switches it on (docs/STATISTICS.md), each leg of a sealed day becomes one row besides: what
 * it was, in which hour it joined the line, how it ended, its times in whole minutes. Rows stand in the order of their
 * content alone, so neither a row nor its place tells which number it was.
 *
 * Pure: no clock, I/O, allocation, globals. Memory is the caller's: a fact is 40 bytes, sums are 4 KiB. A cell takes
 * some 30 bytes sealed, of many legs at most STATISTICS_CELL_BYTES_MAX. Sources: the table of
 * field-queue.md 9; DESIGN 3 rule 5; docs/STATISTICS.md has the definitions that people read.
 */
#ifndef APPLIANCE_STATISTICS_STATISTICS_H
#define APPLIANCE_STATISTICS_STATISTICS_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum statistics_limit {
    STATISTICS_CATEGORIES_MAX = 32, /* ids 1 .. */
    STATISTICS_HOURS = 24,
    STATISTICS_LEGS_MAX = 7,
    STATISTICS_TIME_S_MAX = 8 * 3600,
    STATISTICS_STEPS = 16,   /* of a power of two */
    STATISTICS_BUCKETS = 192,
    STATISTICS_TARGET_S = 20 * 60, /* a wait's target where the site names none */
    STATISTICS_FEW = 3,      /* rows of fewer services are shown together with others only */
    STATISTICS_HEAD_BYTES = 1 + 4 + 2 + 4 + 4 + 8 + 2 + 2 + 8 + 4,
    STATISTICS_CHUNK_BYTES_MAX = 8192, /* head and cells */
    STATISTICS_CELL_BYTES_MAX = 4096,  /* one cell, however many legs of a day it counts */
    STATISTICS_TIME_MIN_MAX = STATISTICS_TIME_S_MAX / 60,
    STATISTICS_KEPT_BYTES_MAX = 4 + 2 + 2 * 4 + 3 + 2, /* one kept row */
};

/* How a leg ended. */
enum statistics_end {
    STATISTICS_OPEN = 0, /* not yet: today's only */
    STATISTICS_SERVED = 1,
    STATISTICS_TRANSFERRED = 2,
    STATISTICS_NO_SHOW = 3,
    STATISTICS_CANCELLED = 4,
    STATISTICS_EXPIRED = 5,     /* the day closed before it was served */
    STATISTICS_NOT_A_VISIT = 6, /* a number that nobody came with: void, or the second ticket of one touch */
    STATISTICS_END_COUNT,
};

/* A visit as the engine tells it. Times in ms since 1970; 0: not. */
struct statistics_leg {
    uint16_t category, counter; /* counter 0: none */
    uint8_t end;                /* enum statistics_end */
    int64_t enqueued_ms, first_called_ms, called_ms, started_ms, ended_ms;
    uint32_t served_ms, held_ms;
};

struct statistics_visit {
    uint32_t part;           /* 0 plain; else the unit whose letter the number has */
    bool doubtful;
    int64_t issued_ms;
    bool estimated;
    uint32_t estimate_s;     /* said when the number was given */
    uint8_t leg_count;       /* 1 .. STATISTICS_LEGS_MAX */
    struct statistics_leg legs[STATISTICS_LEGS_MAX];
};

struct statistics_rules {
    int32_t utc_offset_minutes;
    uint32_t target_s[STATISTICS_CATEGORIES_MAX + 1]; /* by category id; 0: STATISTICS_TARGET_S */
};

enum statistics_measure_kind {
    STATISTICS_WAIT = 0,    /* from joining the line to the first call */
    STATISTICS_WALK_UP = 1, /* from the newest call to start, where start was pressed */
    STATISTICS_SERVICE = 2, /* at the counter: from start (from the call, without one) to the end, holds apart */
    STATISTICS_HOLD = 3,    /* on hold, of those that were */
    STATISTICS_MEASURES = 4,
};

enum { STATISTICS_NOT_MEASURED = -1 };

/* One leg, measured. */
struct statistics_fact {
    uint32_t part;
    uint16_t counter;
    uint8_t category, hour, end;
    bool first;    /* the visit's first leg */
    bool doubtful;
    bool over;     /* it waited longer than its category's target */
    bool estimated;
    int32_t time_s[STATISTICS_MEASURES]; /* STATISTICS_NOT_MEASURED: nothing to measure, or doubtful */
    uint32_t estimate_s, truth_s;
};

enum statistics_count {
    STATISTICS_COUNT_ARRIVED = 0,  /* visits that began here */
    STATISTICS_COUNT_SERVICES = 1, /* legs: visits that began here or were sent here */
    STATISTICS_COUNT_OPEN = 2,     /* legs by their end, from here on */
    STATISTICS_COUNT_SERVED = 3,
    STATISTICS_COUNT_TRANSFERRED = 4,
    STATISTICS_COUNT_NO_SHOW = 5,
    STATISTICS_COUNT_CANCELLED = 6,
    STATISTICS_COUNT_EXPIRED = 7,
    STATISTICS_COUNT_NOT_VISITS = 8, /* neither arrived nor services */
    STATISTICS_COUNT_DOUBTFUL = 9,
    STATISTICS_COUNT_OVER = 10,      /* of the waits that were measured */
    STATISTICS_COUNT_ESTIMATED = 11, /* arrived, told an estimate, called */
    STATISTICS_COUNTS = 12,
};

struct statistics_measure {
    uint64_t count, sum_s;
    uint32_t max_s;
    uint32_t buckets[STATISTICS_BUCKETS];
};

struct statistics_sums {
    uint64_t counts[STATISTICS_COUNTS];
    struct statistics_measure times[STATISTICS_MEASURES];
    uint64_t estimate_s_sum, truth_s_sum, error_s_sum; /* the last: of each error without its sign */
};

/* Facts of one visit; how many. Legs of categories beyond the limit are left out. */
size_t statistics_measure(const struct statistics_visit *visit, const struct statistics_rules *rules,
                          struct statistics_fact facts[STATISTICS_LEGS_MAX]);
/* By part, category, hour, counter, and within a cell by everything else: the order in which they are encoded. */
void statistics_sort(struct statistics_fact *facts, size_t count);
void statistics_add_fact(struct statistics_sums *sums, const struct statistics_fact *fact);
void statistics_add(struct statistics_sums *sums, const struct statistics_sums *more);

/* The middle of the step that the percentile (1 .. 100) falls into, never more than the longest. 0: none measured. */
uint32_t statistics_percentile_s(const struct statistics_measure *measure, uint32_t percent);
uint32_t statistics_bucket(uint32_t time_s);
uint32_t statistics_bucket_middle_s(uint32_t bucket);

/* ---- sealed bytes ------------------------------------------------------------------------------------------- */

/* What every chunk says of itself. The chunks of one part, written together, have one `set`. */
struct statistics_head {
    uint32_t date;       /* yyyymmdd */
    uint16_t annulled;   /* 0; else which opening of that date was by mistake: it counts apart */
    uint32_t part;
    uint32_t visits;     /* numbers of this part, altogether */
    uint64_t set;
    uint16_t index, count;
    uint64_t previous;   /* the entry with the chunk before this one, of whatever day; 0 none */
    uint32_t newest_date; /* of this chunk and all before it */
};

struct statistics_cell {
    uint16_t counter;
    uint8_t category, hour;
};

void statistics_head_encode(const struct statistics_head *head, uint8_t bytes[STATISTICS_HEAD_BYTES]);
bool statistics_head_decode(const uint8_t *bytes, size_t len_bytes, struct statistics_head *ret_head);
/* Cells of sorted facts from *at on, all of one part, as many as fit; *at moves on. Bytes written. `scratch` is the
 * caller's, its content means nothing. */
size_t statistics_cells_encode(const struct statistics_fact *facts, size_t count, size_t *at,
                               struct statistics_sums *scratch, uint8_t *bytes, size_t capacity_bytes);
/* Each cell is added to what `sums_of` gives for it. False: these are not cells, and some may have been added; or
 * `sums_of` gave NULL, which ends it. */
typedef struct statistics_sums *statistics_sums_fn(void *context, const struct statistics_cell *cell);
bool statistics_cells_decode(const uint8_t *bytes, size_t len_bytes, statistics_sums_fn *sums_of,
                             void *context);

/* ---- kept rows ------------------------------------------------------------------------------------------------ */

/* One leg of a visit that is over: no number, no id, no language, no note, no priority, no moment but the hour. */
struct statistics_kept {
    uint16_t counter;      /* 0: none called it */
    uint8_t category, hour; /* in which it joined the line */
    uint8_t end;           /* SERVED .. EXPIRED */
    bool first;            /* the visit began with it; else it was sent on */
    bool doubtful;         /* its times were not to be trusted: there are none */
    bool estimated;
    int16_t time_min[STATISTICS_MEASURES]; /* to the nearest minute; STATISTICS_NOT_MEASURED */
    uint16_t estimate_min, truth_min;      /* said, and what it was; of the first leg */
};

/* Of facts of a day that is over; void numbers are no rows. Sorted by content; how many, `count` at most. */
size_t statistics_keep(const struct statistics_fact *facts, size_t count, struct statistics_kept *rows);
/* <0, 0, >0 by content. */
int statistics_kept_compare(const struct statistics_kept *a, const struct statistics_kept *b);
/* Sorted rows from *at on, as many as fit; *at moves on. Bytes written. */
size_t statistics_kept_encode(const struct statistics_kept *rows, size_t count, size_t *at, uint8_t *bytes,
                              size_t capacity_bytes);
/* Each row in order. False: these are not rows, and some may have been given; or `each` said false, which ends it. */
typedef bool statistics_kept_fn(void *context, const struct statistics_kept *row);
bool statistics_kept_decode(const uint8_t *bytes, size_t len_bytes, statistics_kept_fn *each, void *context);

/* ---- tables -------------------------------------------------------------------------------------------------- */

/* Any of these may be 0xffff.../none: then the table is not by it. */
struct statistics_key {
    uint32_t date;     /* 0: not by day */
    uint16_t category; /* 0: not by category */
    int16_t hour;      /* -1: not by hour */
    int32_t counter;   /* -1: not by counter; 0: no counter called them */
};

struct statistics_row {
    struct statistics_key key;
    bool few; /* several rows together, each of which was too small: the key means nothing */
    struct statistics_sums sums;
};

int statistics_key_compare(const struct statistics_key *a, const struct statistics_key *b);
/* No row that is shown is of fewer than STATISTICS_FEW services, so that nobody's time can be read off (who came at
 * nine is known by sight). They become one row, the last one; if that is still too small the smallest others go with
 * it. A whole table that small keeps its counts and loses its times. Rows stay in order; how many are left. */
size_t statistics_merge_few(struct statistics_row *rows, size_t count);
/* A sum that stands alone: of too few services it loses its times. */
void statistics_hide_few(struct statistics_sums *sums);

#endif
