/*
 * appliance/engine/engine_statistics.h - what the files about statistics share; nobody else of the engine needs it.
 *
 *   engine_statistics.c         a day's visits as facts; sealed days: written, folded, found, joined
 *   engine_statistics_request.c             a question over many days, answered over some turns
 *   engine_render_statistics.c  its JSON, its CSV, the definitions of each number
 *   engine_csv.c                fields and lines of a CSV
 *   engine_visits.c             rows of single visits, where they are kept; their keys
 *   engine_render_visits.c      their file
 */
#ifndef APPLIANCE_ENGINE_ENGINE_STATISTICS_H
#define APPLIANCE_ENGINE_ENGINE_STATISTICS_H

#include "appliance/engine/engine_internal.h"
#include "appliance/statistics/statistics.h"

enum table_limit {
    TABLE_ROWS_MAX = 2000,
    TABLE_CHUNKS_A_TURN = 32,
    TABLE_VISITS_MAX = 10000,     /* rows of one file; the days before it are the next one */
    TABLE_VISITS_CHUNKS_A_TURN = 4, /* a day's key is as many steps away as days are kept */
};

/* What a table is by: bits. */
enum table_by { TABLE_BY_DAY = 1, TABLE_BY_CATEGORY = 2, TABLE_BY_HOUR = 4, TABLE_BY_COUNTER = 8 };

/* A chunk as it stands in the ledger. */
struct statistics_chunk {
    struct statistics_head head;
    size_t len_bytes; /* of cells */
    uint8_t cells[STATISTICS_CHUNK_BYTES_MAX];
};

/* A part of a day that is in the answer: the newest set of it, or what is in the state. */
struct table_part {
    uint32_t date, part;
    uint16_t annulled;
    uint64_t set; /* 0: in the state */
};

struct table_visit {
    uint32_t date;
    struct statistics_kept row;
};

struct table {
    bool running, csv, visits;
    uint64_t client;
    uint32_t id;
    uint32_t from, to;
    uint8_t by;
    uint64_t lsn;                  /* of the next chunk to look at; 0 none */
    struct statistics_row **rows;  /* by key; each owned */
    size_t row_count, row_capacity;
    bool too_many;
    struct table_part *parts;
    size_t part_count, part_capacity;
    struct statistics_sums total, annulled;
    uint32_t day_count, annulled_count;
    bool open;                     /* a day that is not closed is in it */
    uint32_t cell_date;            /* of the chunk being read; 0: annulled, or not wanted */
    bool cell_annulled;
    struct table_visit *kept;      /* where visits are asked for */
    size_t kept_count, kept_capacity;
    uint32_t more_to;              /* the file ends here: there are days up to this one; 0: no more */
    bool broken;                   /* a chunk in it cannot be opened or read */
};

/* Sorted; the caller frees. closing: live visits as the day's closing would end them. */
struct statistics_fact *statistics_facts(const struct engine *engine, bool closing, size_t *ret_count);
/* False: there is no such chunk at this lsn. */
bool statistics_chunk_at(struct engine *engine, uint64_t lsn, struct statistics_chunk *ret_chunk);

/* False: there is no such chunk at this lsn. */
typedef bool statistics_chunk_fn(struct engine *engine, uint64_t lsn, struct statistics_chunk *ret_chunk);
bool statistics_is_known(struct engine *engine, uint64_t lsn, statistics_chunk_fn *chunk_at,
                         const struct statistics_head *part);
bool statistics_has_visits(uint8_t day_state);

/* Its head; its rows are still sealed, and its length is 0. */
bool visits_head_at(struct engine *engine, uint64_t lsn, struct statistics_chunk *ret_chunk);
/* With its rows opened; false also: they are erased, or the key is not here. */
bool visits_chunk_at(struct engine *engine, uint64_t lsn, struct statistics_chunk *ret_chunk);

char *table_render_visits(struct engine *engine, const struct table *report, size_t *ret_len_bytes);
char *table_render_json(struct engine *engine, const struct table *report,
                         const struct statistics_row *rows, size_t count, size_t *ret_len_bytes);
char *table_render_csv(struct engine *engine, const struct table *report,
                        const struct statistics_row *rows, size_t count, size_t *ret_len_bytes);

#endif
