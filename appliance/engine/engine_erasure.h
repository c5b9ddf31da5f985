/*
 * appliance/engine/engine_erasure.h - erasures of days and their certificates: what is kept of them in memory, and
 * what the engine asks of engine_erasure.c. Decides nothing of its own.
 */
#ifndef APPLIANCE_ENGINE_ENGINE_ERASURE_H
#define APPLIANCE_ENGINE_ENGINE_ERASURE_H

#include "base/bytes.h"
#include "base/ids.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine;
struct entry;
struct ship_frame;

enum erasure_limit {
    ERASURES_MAX = 14,          /* newest days whose certificates are at hand; older ones stand in their entries */
    ERASURE_UNITS_MAX = 4,
    ERASURE_RELAYS_MAX = 4,
    ERASURE_RELAY_BYTES = 64,
    ERASURE_MISSED_MINUTE = 10, /* after midnight: whatever is of an earlier day is overdue */
    ERASURE_CERTIFIED_MS = 60000, /* both are there: one of them has said nothing for so long */
};

/* One unit looked at its disk after a day was erased. */
struct erasure_done {
    uint32_t unit;             /* 0: none */
    struct ids_token hardware;
    int64_t wall_ms;           /* when, by its clock */
    uint64_t lsn;              /* of the entry that says so */
    uint16_t keys;             /* destroyed by this process of it; 0 also when there were none */
    bool same;                 /* its digests are those of this ledger's fold */
};

/* A relay erased what it held of the day, by its own word. */
struct erasure_relay {
    char relay[ERASURE_RELAY_BYTES];
    uint64_t lsn;              /* of the entry; 0: none */
    int64_t wall_ms;           /* when, by its clock */
    uint8_t why;               /* enum api_relay_why */
    uint32_t questions;
    struct ids_hash before, after;
};

struct erasure {
    uint32_t day;              /* 0: none */
    uint64_t lsn;              /* of the entry that erases */
    int64_t wall_ms;
    uint32_t unit, actor;      /* who wrote it, for whom; actor 0: by the clock */
    uint32_t tickets, answers; /* rows that went */
    bool annulled;             /* it was no day: opened by mistake */
    struct ids_hash before, after; /* digests of the whole state */
    struct erasure_done done[ERASURE_UNITS_MAX];
    struct erasure_relay relays[ERASURE_RELAYS_MAX];
};

/* What a unit says of its own disk: of this process. */
struct erasure_word {
    uint32_t day;              /* 0: nothing is said yet */
    uint64_t lsn;
    uint32_t unit;
    struct ids_token hardware;
    int64_t wall_ms;
    uint16_t keys;
    uint32_t tickets, answers;
    struct ids_hash before, after;
};

struct erasures {
    struct erasure list[ERASURES_MAX]; /* newest first */
    struct erasure_word own;
    uint16_t keys;             /* destroyed since the newest was ordered */
    bool left;                 /* keys that should be gone were found on the disk: they are destroyed again */
    uint64_t relays_since_ms, uncertified_ms; /* this unit serves since; and a relay's certificate is missing since */
    uint64_t looked_ms, missing_ms; /* since when a certificate is missing while both are there; 0: none is */
};

/* engine_erasure.c */
/* Around the fold of the entry that erases: what there was before it; then what is left. */
void erasure_before(const struct engine *engine, const struct entry *entry, struct erasure *ret_erasure);
void erasure_ordered(struct engine *engine, bool annulled, const struct erasure *before);
/* A key of that day is about to be destroyed: what was said of this disk before is said anew. */
void erasure_destroys(struct engine *engine, uint32_t day);
int erasure_fold(struct engine *engine, const struct entry *entry, const uint8_t *payload, size_t len_bytes);
void erasure_put_checkpoint(const struct engine *engine, struct bytes_writer *writer);
void erasure_get_checkpoint(struct engine *engine, struct bytes_reader *reader);
void erasure_forget(struct engine *engine);
void erasure_turn(struct engine *engine);
/* The peer says what it found on its disk. */
void erasure_frame(struct engine *engine, const struct ship_frame *frame);
/* Visits of an earlier day are here after midnight; a unit of the pair does not say that it erased them. */
bool erasure_is_missed(const struct engine *engine);
bool erasure_is_unsaid(const struct engine *engine);
/* The certificate of that date, yyyy-mm-dd, or of the newest; as HTTP: 200, 404, 422. */
uint16_t erasure_read(const struct engine *engine, const char *date, char **ret_body,
                      size_t *ret_len_bytes);

#endif
