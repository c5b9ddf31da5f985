#include "tests/sim/sim_disk.h"

#include "base/bytes.h"
#include "base/check.h"
#include "storage/entry/entry.h"

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
    if (disk->misdirected_lsn >= from_lsn) {
        disk->misdirected_lsn = 0;
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
    blob->newest_term = 0;
    memcpy(blob->bytes, put->value, put->value_len_bytes);
}

const struct sim_meta *sim_disk_meta(const struct sim_disk *disk, const char *name)
{
    for (size_t i = 0; i < disk->meta_count; i++) {
        if (strcmp(disk->metas[i].name, name) == 0) {
            return disk->metas[i].len_bytes > 0 ? &disk->metas[i] : NULL;
        }
    }
    return NULL;
}

/* After the batch's entries: what was there before stands for an older image of the disk. */
void sim_disk_put_meta(struct sim_disk *disk, const struct ledger_put *put)
{
    size_t at = 0;

    CHECK(put->key_len_bytes < SIM_DISK_META_NAME_BYTES &&
          put->value_len_bytes <= SIM_DISK_META_BYTES);
    while (at < disk->meta_count &&
           (strlen(disk->metas[at].name) != put->key_len_bytes ||
            memcmp(disk->metas[at].name, put->key, put->key_len_bytes) != 0)) {
        at++;
    }
    CHECK(at < SIM_DISK_METAS_MAX);
    if (at == disk->meta_count) {
        disk->meta_count++;
        disk->metas[at] = (struct sim_meta){0};
        memcpy(disk->metas[at].name, put->key, put->key_len_bytes);
    }
    memcpy(disk->metas[at].before.bytes, disk->metas[at].bytes, sizeof(disk->metas[at].bytes));
    disk->metas[at].before.len_bytes = disk->metas[at].len_bytes;
    disk->metas[at].before.entry_count = disk->entry_count;
    disk->metas[at].len_bytes = put->value_len_bytes;
    memcpy(disk->metas[at].bytes, put->value, put->value_len_bytes);
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
    for (size_t i = 0; i < batch->meta_count; i++) {
        sim_disk_put_meta(disk, &batch->metas[i]);
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
    disk->meta_count = 0;
}

void sim_disk_roll_back(struct sim_disk *disk, uint64_t count)
{
    if (count < disk->entry_count) {
        truncate_entries(disk, disk->entry_count - count + 1);
    }
    for (size_t i = 0; i < disk->meta_count; i++) {
        struct sim_meta *meta = &disk->metas[i];

        if (strcmp(meta->name, "state") == 0) {
            meta->len_bytes = 0;
        } else if (disk->entry_count < meta->before.entry_count) {
            memcpy(meta->bytes, meta->before.bytes, sizeof(meta->bytes));
            meta->len_bytes = meta->before.len_bytes;
        }
    }
}

void sim_disk_copy(struct sim_disk *disk, const struct sim_disk *from)
{
    truncate_entries(disk, 1);
    for (size_t i = 0; i < from->entry_count; i++) {
        uint8_t key[8];
        struct bytes_writer writer = bytes_writer_over(key, sizeof(key));

        bytes_put_u64(&writer, i + 1);
        put_entry(disk,
                  &(struct ledger_put){.key_len_bytes = sizeof(key),
                                       .value_len_bytes = (uint32_t)from->entries[i].len_bytes,
                                       .key = key,
                                       .value = from->entries[i].bytes});
        disk->entries[i].newest_term = from->entries[i].newest_term;
    }
    memcpy(disk->metas, from->metas, sizeof(disk->metas));
    disk->meta_count = from->meta_count;
}

void sim_disk_restore(struct sim_disk *disk, const struct sim_disk *from)
{
    sim_disk_copy(disk, from);
    memcpy(disk->keys, from->keys, sizeof(disk->keys));
    disk->key_count = from->key_count;
}

void sim_disk_misdirect(struct sim_disk *disk, uint64_t from_lsn, uint64_t to_lsn)
{
    const struct sim_blob *from = &disk->entries[from_lsn - 1];
    struct sim_blob *to = &disk->entries[to_lsn - 1];

    if (from == to) {
        return;
    }
    to->bytes = realloc(to->bytes, from->len_bytes);
    CHECK(to->bytes != NULL);
    memcpy(to->bytes, from->bytes, from->len_bytes);
    to->len_bytes = from->len_bytes;
    disk->misdirected_lsn = to_lsn;
}

void sim_disk_tear(struct sim_disk *disk)
{
    disk->rotten_lsn = disk->entry_count;
}

bool sim_disk_is_incomplete(const struct sim_disk *disk)
{
    const struct sim_meta *joins = sim_disk_meta(disk, "joins-at-term");
    uint8_t any = 0;

    for (size_t i = 1; joins != NULL && i < joins->len_bytes; i++) { /* behind its version */
        any |= joins->bytes[i];
    }
    return any != 0;
}

bool sim_disk_is_damaged(const struct sim_disk *disk)
{
    return disk->rotten_lsn != 0 || disk->misdirected_lsn != 0;
}

void sim_disk_set_aside(struct sim_disk *disk)
{
    truncate_entries(disk, 1);
    disk->meta_count = 0;
}

/* As the ledger: an entry is handed on only when its link to the one before holds. */
static bool link_holds(struct crypto *crypto, const struct sim_disk *disk, uint64_t lsn)
{
    const struct sim_blob *blob = &disk->entries[lsn - 1];
    struct ids_hash before = {0}, hash, computed;
    struct entry entry;

    if (lsn > 1) {
        const struct sim_blob *last = &disk->entries[lsn - 2];

        memcpy(before.bytes, last->bytes + last->len_bytes - IDS_HASH_BYTES, IDS_HASH_BYTES);
    }
    if (!entry_decode(blob->bytes, blob->len_bytes, &entry, &hash) || entry.lsn != lsn) {
        return false;
    }
    crypto_chain(crypto, &before, blob->bytes, blob->len_bytes - IDS_HASH_BYTES, &computed);
    return ids_hash_equal(&computed, &hash);
}

uint64_t sim_disk_walk(const struct sim_disk *disk, struct ids_hash *ret_last)
{
    struct crypto *crypto = crypto_create();
    uint64_t lsn = 0;

    CHECK(crypto != NULL);
    while (lsn < disk->entry_count && link_holds(crypto, disk, lsn + 1)) {
        lsn++;
    }
    *ret_last = (struct ids_hash){0};
    if (lsn > 0) {
        const struct sim_blob *last = &disk->entries[lsn - 1];

        memcpy(ret_last->bytes, last->bytes + last->len_bytes - IDS_HASH_BYTES, IDS_HASH_BYTES);
    }
    crypto_destroy(crypto);
    return lsn;
}

bool sim_disk_has_key_up_to(const struct sim_disk *disk, uint32_t day)
{
    for (size_t i = 0; i < disk->key_count; i++) {
        if (disk->keys[i].day <= day) {
            return true;
        }
    }
    return false;
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

static int read_entries(const struct sim_disk *disk, struct crypto *crypto, uint64_t from_lsn,
                        uint64_t to_lsn, ledger_each_fn *each, void *context)
{
    for (uint64_t lsn = from_lsn; lsn <= to_lsn && lsn <= disk->entry_count; lsn++) {
        uint8_t key[8];
        struct bytes_writer writer = bytes_writer_over(key, sizeof(key));

        bytes_put_u64(&writer, lsn);
        if (lsn >= 1 &&
            (lsn == disk->rotten_lsn || (crypto != NULL && !link_holds(crypto, disk, lsn)))) {
            return -EUCLEAN; /* nothing damaged is handed on */
        }
        if (lsn >= 1 && !each(context, key, sizeof(key), disk->entries[lsn - 1].bytes,
                              disk->entries[lsn - 1].len_bytes)) {
            return 0;
        }
    }
    return 0;
}

int sim_disk_read_entries(const struct sim_disk *disk, uint64_t from_lsn, uint64_t to_lsn,
                          ledger_each_fn *each, void *context)
{
    struct crypto *crypto = disk->misdirected_lsn != 0 ? crypto_create() : NULL;
    int r = read_entries(disk, crypto, from_lsn, to_lsn, each, context);

    crypto_destroy(crypto);
    return r;
}
