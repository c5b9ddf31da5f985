/*
 * storage/entry/entry.h - one entry of the ledger: its bytes, and what the chain covers.
 *
 * Decides: the encoded form of an entry, and which bytes its hash covers. Decides not: what a payload
 * means (appliance/queue, cluster/duty), how bytes are hashed or sealed (storage/adapters/crypto.h),
 * where they are kept. Pure; refuses any byte string that encode() would not have made.
 *
 * Layout, big-endian: u16 version = 1, u16 kind, u64 lsn, u64 term, u32 session, u32 unit, i64 wall_ms,
 * u32 actor, u64 mark_lsn, u32 day, u32 key_unit, u8 sealed, token[16] request, u16 payload length,
 * payload, hash[32].
 * hash = SHA-256(previous entry's hash || all bytes before hash). The first entry's previous hash is
 * zero. A sealed payload is nonce[12] || ciphertext || tag[16] (AES-256-GCM under the day's key, with
 * the header as additional data), so the chain verifies before and after the key is destroyed
 * (DESIGN 4). lsn starts at 1 and has no gaps.
 */
#ifndef STORAGE_ENTRY_ENTRY_H
#define STORAGE_ENTRY_ENTRY_H

#include "base/bytes.h"
#include "base/ids.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum entry_limit {
    ENTRY_VERSION = 1,
    ENTRY_HEADER_BYTES = 2 + 2 + 8 + 8 + 4 + 4 + 8 + 4 + 8 + 4 + 4 + 1 + 16 + 2,
    ENTRY_PAYLOAD_BYTES_MAX = 48000,
    ENTRY_SEAL_NONCE_BYTES = 12,
    ENTRY_SEAL_TAG_BYTES = 16,
    ENTRY_SEAL_OVERHEAD_BYTES = ENTRY_SEAL_NONCE_BYTES + ENTRY_SEAL_TAG_BYTES,
    ENTRY_BYTES_MAX = ENTRY_HEADER_BYTES + ENTRY_PAYLOAD_BYTES_MAX + IDS_HASH_BYTES,
    ENTRY_BYTES_MIN = ENTRY_HEADER_BYTES + IDS_HASH_BYTES,
};

enum entry_kind {
    ENTRY_CONFIG = 1,         /* clear: queue_config */
    ENTRY_TERM = 2,           /* clear: duty_term: an agreement of the pair */
    ENTRY_SESSION_BEGIN = 3,  /* clear: a stretch of one unit alone */
    ENTRY_SESSION_END = 4,    /* empty: the writer's; else unit, day, number of the other's: a meeting */
    ENTRY_CHANGE_CLEAR = 5,   /* a queue_change with clear rows only: counters, day, ceilings */
    ENTRY_CHANGE_VISIT = 6,   /* sealed: a queue_change that touches a visit */
    ENTRY_TAIL_REPLACED = 7,  /* clear: first and last lsn and head hash of a tail that a meeting replaced */
    ENTRY_CHECKPOINT = 8,     /* clear: everything that outlives a visit, at a day's first opening; the fold
                               * of all later entries begins here (engine_ledger.c) */
    ENTRY_UNIT = 9,           /* clear: who is replaced or retired, said by whom (engine_units.c) */
    ENTRY_DEVICE = 10,        /* clear: paper and cuts that a printer used, a new roll (engine_print.c) */
    ENTRY_ACCESS = 11,        /* clear: who asked for a right, and what that changed; or rows of accounts, devices and
                               * sessions before a checkpoint (engine_access.c). Secrets in it are sealed */
    ENTRY_SITE = 12,          /* clear: a part of a version of the site file, a version's taking force, holidays
                               * (engine_site.c) */
    ENTRY_ERASURE = 13,       /* clear: a unit's disk was looked at, and nothing opens that day's visits any more: its
                               * certificate (engine_erasure.c) */
    ENTRY_STATISTIC = 14,     /* clear: what a day's visits come to, nobody named, right before they are erased
                               * (appliance/statistics, engine_statistics.c) */
    ENTRY_VISITS = 15,        /* clear head, rows sealed under a key of their own: a day's visits without names, where
                               * the ward keeps them; or up to which day they are erased (engine_visits.c) */
    ENTRY_RELAY_ERASURE = 16, /* clear: a relay's certificate of an erasure, as it was handed over (engine_relay.c) */
    ENTRY_KIND_END,
};

struct entry {
    uint16_t kind;
    uint64_t lsn;
    uint64_t term;             /* newest common term when it was written */
    uint32_t session;          /* 0: written PAIRED */
    uint32_t unit;             /* who wrote it */
    int64_t wall_ms;
    uint32_t actor;            /* enum engine_actor << 16 | number; 0 the unit itself */
    uint64_t mark_lsn;         /* "both hold up to here", known when it was written (rule 4) */
    uint32_t day;              /* service day that its key belongs to; 0: clear */
    uint32_t key_unit;         /* unit that made that day's key */
    bool sealed;
    struct ids_token request;  /* hash of the idempotency key; zero none */
    uint16_t payload_len_bytes;
    const uint8_t *payload;    /* borrowed: from the caller, or from the decoded bytes */
};

/* All bytes up to the hash, into `bytes`; the caller appends the hash. 0: does not fit. */
size_t entry_encode(const struct entry *entry, uint8_t *bytes, size_t capacity_bytes);
/* Header alone, with payload_len_bytes as given: the additional data of the seal. */
size_t entry_encode_header(const struct entry *entry, uint8_t bytes[ENTRY_HEADER_BYTES]);
/* A whole stored entry with its hash. False: not an entry. The hash is not verified here. */
bool entry_decode(const uint8_t *bytes, size_t len_bytes, struct entry *ret_entry,
                  struct ids_hash *ret_hash);
const char *entry_kind_code(enum entry_kind kind);

#endif
