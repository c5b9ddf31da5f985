#include "tests/sim/sim_disk.h"

#include "base/bytes.h"
#include "base/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void truncate_entries(struct sim_disk *disk, uint64_t from_lsn)
{
    while (disk->entry_count >= from_lsn) {
        free(disk->entries[--disk->entry_count].bytes);
        disk->archived_count++;
    }
    if (disk->rotten_lsn >= from_lsn) {
        disk->rotten_lsn = 0;
    }
}

static void put_entry(struct sim_disk *disk, const struct ledger_put *put)
{
    struct bytes_reader reader = bytes_reader_over(put->key, put->key_len_bytes);
    uint64_t lsn = bytes_get_u64(&reader);
    struct sim_blob *blob;

    CHECK(lsn == disk->entry_count + 1);
    if (disk->entry_count == disk->entry_capacity) {
        disk->entry_capacity = disk->entry_capacity == 0 ? 1024 : disk->entry_capacity * 2;
        disk->entries = realloc(disk->entries, disk->entry_capacity * sizeof(*disk->entries));
        CHECK(disk->entries != NULL);
    }
    blob = &disk->entries[disk->entry_count++];
    blob->bytes = malloc(put->value_len_bytes);
    CHECK(blob->bytes != NULL);
    blob->len_bytes = put->value_len_bytes;
    memcpy(blob->bytes, put->value, put->value_len_bytes);
}

static void destroy_key(struct sim_disk *disk, const struct ledger_day_key *key)
{
    for (size_t i = 0; i < disk->key_count; i++) {
        if (disk->keys[i].day == key->day && disk->keys[i].unit == key->unit) {
            disk->keys[i] = disk->keys[--disk->key_count];
            return;
        }
    }
}

static void put_record(struct sim_disk *disk, const struct ledger_batch *batch)
{
    if (batch->record != NULL) {
        CHECK(batch->record_len_bytes <= sizeof(disk->record));
        memcpy(disk->record, batch->record, batch->record_len_bytes);
        disk->record_len_bytes = batch->record_len_bytes;
    }
}

void sim_disk_apply(struct sim_disk *disk, const struct ledger_batch *batch,
                    enum sim_disk_step until)
{
    if (until >= SIM_DISK_KEYS) {
        for (size_t i = 0; i < batch->keys_new_count; i++) {
            CHECK(disk->key_count < SIM_DISK_KEYS_MAX);
            destroy_key(disk, &batch->keys_new[i]);
            disk->keys[disk->key_count++] = batch->keys_new[i];
        }
    }
    if (until >= SIM_DISK_FIRST && batch->truncate_from_lsn != 0) {
        put_record(disk, batch);
    }
    if (until < SIM_DISK_LEDGER) {
        return;
    }
    if (batch->truncate_from_lsn != 0) {
        truncate_entries(disk, batch->truncate_from_lsn);
    }
    for (size_t i = 0; i < batch->entry_count; i++) {
        put_entry(disk, &batch->entries[i]);
    }
    if (batch->meta_count > 0) {
        CHECK(batch->meta_count == 1 && batch->metas[0].value_len_bytes <= sizeof(disk->meta));
        disk->meta_len_bytes = batch->metas[0].value_len_bytes;
        memcpy(disk->meta, batch->metas[0].value, disk->meta_len_bytes);
    }
    disk->commits++;
    if (until < SIM_DISK_ALL) {
        return;
    }
    put_record(disk, batch);
    for (size_t i = 0; i < batch->keys_destroy_count; i++) {
        destroy_key(disk, &batch->keys_destroy[i]);
    }
}

void sim_disk_wipe(struct sim_disk *disk)
{
    truncate_entries(disk, 1);
    disk->key_count = 0;
    disk->meta_len_bytes = 0;
}

void sim_disk_roll_back(struct sim_disk *disk, uint64_t count)
{
    if (count < disk->entry_count) {
        truncate_entries(disk, disk->entry_count - count + 1);
    }
    disk->meta_len_bytes = 0;
}

bool sim_disk_has_older_key(const struct sim_disk *disk, const char *today)
{
    uint32_t date = (uint32_t)strtoul(today, NULL, 10) * 10000 +
                    (uint32_t)strtoul(today + 5, NULL, 10) * 100 +
                    (uint32_t)strtoul(today + 8, NULL, 10);

    for (size_t i = 0; i < disk->key_count; i++) {
        if (disk->keys[i].day < date) {
            return true;
        }
    }
    return false;
}

void sim_disk_free(struct sim_disk *disk)
{
    sim_disk_wipe(disk);
    free(disk->entries);
    *disk = (struct sim_disk){0};
}

int sim_disk_read_entries(const struct sim_disk *disk, uint64_t from_lsn, uint64_t to_lsn,
                          ledger_each_fn *each, void *context)
{
    for (uint64_t lsn = from_lsn; lsn <= to_lsn && lsn <= disk->entry_count; lsn++) {
        uint8_t key[8];
        struct bytes_writer writer = bytes_writer_over(key, sizeof(key));

        bytes_put_u64(&writer, lsn);
        if (lsn == disk->rotten_lsn && lsn >= 1) {
            return -EUCLEAN; /* the ledger checks the chain as it reads: nothing damaged is handed on */
        }
        if (lsn >= 1 && !each(context, key, sizeof(key), disk->entries[lsn - 1].bytes,
                              disk->entries[lsn - 1].len_bytes)) {
            return 0;
        }
    }
    return 0;
}
