/* tests/sim/sim_disk.h - a disk that keeps what was committed, whole batches at a time, and loses the
 * batch in flight at a crash, wholly, partly (keys but no entries, entries but no record) or not at all. */
#ifndef TESTS_SIM_SIM_DISK_H
#define TESTS_SIM_SIM_DISK_H

#include "storage/adapters/ledger.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sim_disk_limit {
    SIM_DISK_KEYS_MAX = 32,
    SIM_DISK_META_BYTES = 128,
    SIM_DISK_METAS_MAX = 2,
    SIM_DISK_META_NAME_BYTES = 24,
    SIM_DISK_RECORD_BYTES = 512,
};

struct sim_blob {
    uint8_t *bytes;
    size_t len_bytes;
    uint64_t newest_term; /* of the ledger up to here, for an oracle */
};

struct sim_disk {
    struct sim_blob *entries; /* [lsn - 1] */
    size_t entry_count, entry_capacity;
    struct ledger_day_key keys[SIM_DISK_KEYS_MAX];
    size_t key_count;
    struct sim_meta {
        char name[SIM_DISK_META_NAME_BYTES];
        uint8_t bytes[SIM_DISK_META_BYTES];
        size_t len_bytes;
        struct sim_meta_before {
            uint8_t bytes[SIM_DISK_META_BYTES];
            size_t len_bytes, entry_count; /* until so many entries were there */
        } before;
    } metas[SIM_DISK_METAS_MAX];
    size_t meta_count;
    uint8_t record[SIM_DISK_RECORD_BYTES];
    size_t record_len_bytes;
    uint64_t archived_count, commits;
    uint64_t rotten_lsn; /* this entry can no longer be read; 0 none */
    uint64_t misdirected_lsn; /* another entry's bytes lie here; 0 none */
};

/* How far a batch got: all of it, or a crash after that step. */
enum sim_disk_step { SIM_DISK_NOTHING, SIM_DISK_KEYS, SIM_DISK_FIRST, SIM_DISK_LEDGER, SIM_DISK_ALL };

void sim_disk_apply(struct sim_disk *disk, const struct ledger_batch *batch, enum sim_disk_step until);
/* Everything but the record, which lies outside the data disk. */
void sim_disk_wipe(struct sim_disk *disk);
/* An older image: the newest `count` entries never were. Its keys and meta are left as they are. */
void sim_disk_roll_back(struct sim_disk *disk, uint64_t count);
/* A key of a day before yyyy-mm-dd is still there. */
bool sim_disk_has_older_key(const struct sim_disk *disk, const char *today);
/* Bytes of one entry are written where another one lies. */
void sim_disk_misdirect(struct sim_disk *disk, uint64_t from_lsn, uint64_t to_lsn);
/* The bytes of the newest entry are not all there. */
void sim_disk_tear(struct sim_disk *disk);
/* Began blank, and no term has named this unit since. */
bool sim_disk_is_incomplete(const struct sim_disk *disk);
bool sim_disk_is_damaged(const struct sim_disk *disk);
/* As ledger_set_aside: keys stay, and the record. */
void sim_disk_set_aside(struct sim_disk *disk);
/* A key of that day or an earlier one is there. */
bool sim_disk_has_key_up_to(const struct sim_disk *disk, uint32_t day);
void sim_disk_free(struct sim_disk *disk);
void sim_disk_put_meta(struct sim_disk *disk, const struct ledger_put *put);
const struct sim_meta *sim_disk_meta(const struct sim_disk *disk, const char *name);
/* All of `from` but its record: an image of the whole data disk. */
void sim_disk_restore(struct sim_disk *disk, const struct sim_disk *from);
/* Entries and metas of `from`; keys and record stay: a snapshot put in place. */
void sim_disk_copy(struct sim_disk *disk, const struct sim_disk *from);
/* Follows the chain from its beginning: how many links hold. */
uint64_t sim_disk_walk(const struct sim_disk *disk, struct ids_hash *ret_last);
int sim_disk_read_entries(const struct sim_disk *disk, uint64_t from_lsn, uint64_t to_lsn,
                          ledger_each_fn *each, void *context);

#endif
