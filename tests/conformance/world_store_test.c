/*
 * One suite, two worlds: what the engine may expect of world.store and the reads is asked of the real
 * ledger (LMDB, files) and of the simulator's disk alike. What passes on one and not on the other would
 * make the simulator prove something about a world that does not exist.
 */
#include "base/bytes.h"
#include "storage/adapters/ledger.h"
#include "storage/entry/entry.h"
#include "tests/sim/sim_disk.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    PAYLOAD_BYTES = 16,
    ENTRY_BYTES = ENTRY_HEADER_BYTES + PAYLOAD_BYTES + IDS_HASH_BYTES,
    LSN_AT_BYTES = 4, /* behind version and kind: storage/entry/entry.h */
    ENTRIES_MAX = 16,
};

static const struct ids_hash nothing;

/* The operations of struct world that reach a disk. */
struct store {
    bool real;
    struct ledger *ledger;
    struct sim_disk disk;
    char dir[64];
};

static void store_open(struct store *store)
{
    char data[96], record[96], why[256] = "";
    struct ledger_options options = {
        .data_dir = data, .record_dir = record, .map_size_bytes = 16U << 20};

    if (!store->real) {
        return;
    }
    (void)snprintf(data, sizeof(data), "%s/data", store->dir);
    (void)snprintf(record, sizeof(record), "%s/record", store->dir);
    (void)mkdir(data, 0700);
    (void)mkdir(record, 0700);
    assert_int_equal(ledger_open(&options, &store->ledger, why, sizeof(why)), 0);
}

static void store_close(struct store *store)
{
    if (store->real) {
        ledger_close(store->ledger);
        store->ledger = NULL;
    }
}

static void store_commit(struct store *store, const struct ledger_batch *batch)
{
    if (store->real) {
        assert_int_equal(ledger_commit(store->ledger, batch), 0);
    } else {
        sim_disk_apply(&store->disk, batch, SIM_DISK_ALL);
    }
}

static int set_up(void **state, bool real)
{
    struct store *store = calloc(1, sizeof(*store));

    store->real = real;
    (void)strcpy(store->dir, "/tmp/toban-conformance-XXXXXX");
    if (real && mkdtemp(store->dir) == NULL) {
        return -1;
    }
    store_open(store);
    *state = store;
    return 0;
}

static int set_up_real(void **state)
{
    return set_up(state, true);
}

static int set_up_simulated(void **state)
{
    return set_up(state, false);
}

static int tear_down(void **state)
{
    struct store *store = *state;
    char command[128];

    store_close(store);
    sim_disk_free(&store->disk);
    if (store->real) {
        (void)snprintf(command, sizeof(command), "rm -rf '%s'", store->dir);
        if (system(command) != 0) {
            return -1;
        }
    }
    free(store);
    return 0;
}

/* ---- what both must do --------------------------------------------------------------------------- */

struct made {
    uint8_t bytes[ENTRIES_MAX][ENTRY_BYTES];
    struct ids_hash hashes[ENTRIES_MAX];
    struct ledger_put puts[ENTRIES_MAX];
};

/* Chained entries whose payload is `fill`, behind the entry that has the hash `previous`. */
static void make_entries(struct made *made, uint64_t first_lsn, size_t count, uint8_t fill,
                         const struct ids_hash *previous)
{
    struct crypto *crypto = crypto_create();
    struct ids_hash head = *previous;

    for (size_t i = 0; i < count; i++) {
        uint8_t payload[PAYLOAD_BYTES];
        struct entry entry = {.kind = ENTRY_SESSION_END,
                              .lsn = first_lsn + i,
                              .unit = 1,
                              .payload_len_bytes = sizeof(payload),
                              .payload = payload};
        size_t len_bytes;

        memset(payload, fill, sizeof(payload));
        len_bytes = entry_encode(&entry, made->bytes[i], ENTRY_BYTES);
        assert_int_equal(len_bytes + IDS_HASH_BYTES, ENTRY_BYTES);
        crypto_chain(crypto, &head, made->bytes[i], len_bytes, &made->hashes[i]);
        head = made->hashes[i];
        memcpy(made->bytes[i] + len_bytes, head.bytes, IDS_HASH_BYTES);
        made->puts[i] = (struct ledger_put){.key_len_bytes = 8,
                                            .value_len_bytes = ENTRY_BYTES,
                                            .key = made->bytes[i] + LSN_AT_BYTES,
                                            .value = made->bytes[i]};
    }
    crypto_destroy(crypto);
}

struct read_back {
    size_t count;
    uint8_t fills[ENTRIES_MAX];
    size_t stop_after;
};

static bool take(void *context, const uint8_t *key, size_t key_len_bytes, const uint8_t *value,
                 size_t value_len_bytes)
{
    struct read_back *back = context;

    assert_int_equal(key_len_bytes, 8);
    assert_non_null(key);
    assert_int_equal(value_len_bytes, ENTRY_BYTES);
    back->fills[back->count++] = value[ENTRY_BYTES - IDS_HASH_BYTES - 1];
    return back->count != back->stop_after;
}

static size_t read_entries(struct store *store, uint64_t from_lsn, uint64_t to_lsn,
                           struct read_back *back)
{
    if (store->real) {
        assert_int_equal(ledger_read_entries(store->ledger, from_lsn, to_lsn, take, back), 0);
    } else {
        assert_int_equal(sim_disk_read_entries(&store->disk, from_lsn, to_lsn, take, back), 0);
    }
    return back->count;
}

static void entries_are_read_back_in_order_and_only_those_asked_for(void **state)
{
    struct store *store = *state;
    struct made made;
    struct read_back back = {0}, some = {0}, first = {.stop_after = 1}, none = {0};

    make_entries(&made, 1, 3, 7, &nothing);
    store_commit(store, &(struct ledger_batch){.entries = made.puts, .entry_count = 3});
    make_entries(&made, 4, 2, 9, &made.hashes[2]);
    store_commit(store, &(struct ledger_batch){.entries = made.puts, .entry_count = 2});
    assert_int_equal(read_entries(store, 1, 5, &back), 5);
    assert_int_equal(back.fills[2], 7);
    assert_int_equal(back.fills[3], 9);
    assert_int_equal(read_entries(store, 4, 4, &some), 1);
    assert_int_equal(some.fills[0], 9);
    assert_int_equal(read_entries(store, 1, 5, &first), 1);
    assert_int_equal(read_entries(store, 6, 9, &none), 0);
}

static void a_tail_is_replaced_in_one_step(void **state)
{
    struct store *store = *state;
    struct made made, tail;
    struct read_back back = {0};

    make_entries(&made, 1, 6, 1, &nothing);
    store_commit(store, &(struct ledger_batch){.entries = made.puts, .entry_count = 6});
    make_entries(&tail, 4, 5, 2, &made.hashes[2]);
    store_commit(store, &(struct ledger_batch){.truncate_from_lsn = 4,
                                               .clear_rows = true,
                                               .entries = tail.puts,
                                               .entry_count = 5});
    assert_int_equal(read_entries(store, 1, 99, &back), 8);
    assert_int_equal(back.fills[2], 1);
    assert_int_equal(back.fills[3], 2);
    assert_int_equal(back.fills[7], 2);
}

static size_t read_keys(struct store *store, struct ledger_day_key *keys, size_t max)
{
    size_t count = 0;

    if (store->real) {
        assert_int_equal(ledger_read_keys(store->ledger, keys, max, &count), 0);
    } else {
        count = store->disk.key_count;
        memcpy(keys, store->disk.keys, count * sizeof(*keys));
    }
    return count;
}

static void day_keys_stay_until_they_are_destroyed(void **state)
{
    struct store *store = *state;
    struct ledger_day_key new_keys[2] = {{.day = 20261124, .unit = 1},
                                         {.day = 20261124, .unit = 2}};
    struct ledger_day_key read[4];

    memset(new_keys[0].key.bytes, 0x5a, sizeof(new_keys[0].key.bytes));
    store_commit(store, &(struct ledger_batch){.keys_new = new_keys, .keys_new_count = 2});
    store_close(store);
    store_open(store);
    assert_int_equal(read_keys(store, read, 4), 2);
    store_commit(store, &(struct ledger_batch){.keys_destroy = new_keys, .keys_destroy_count = 1});
    assert_int_equal(read_keys(store, read, 4), 1);
    assert_int_equal(read[0].unit, 2);
}

static void the_record_outlives_a_new_ledger(void **state)
{
    struct store *store = *state;
    uint8_t bytes[64] = {0};
    size_t len_bytes = 0;

    store_commit(store, &(struct ledger_batch){.record = (const uint8_t *)"session 3",
                                               .record_len_bytes = 9});
    store_commit(store, &(struct ledger_batch){.record = (const uint8_t *)"session 4",
                                               .record_len_bytes = 9});
    if (store->real) {
        char command[128];

        store_close(store);
        (void)snprintf(command, sizeof(command), "rm -rf '%s/data'", store->dir);
        assert_int_equal(system(command), 0);
        store_open(store);
        assert_int_equal(ledger_read_record(store->ledger, bytes, sizeof(bytes), &len_bytes), 0);
    } else {
        sim_disk_wipe(&store->disk);
        len_bytes = store->disk.record_len_bytes;
        memcpy(bytes, store->disk.record, len_bytes);
    }
    assert_int_equal(len_bytes, 9);
    assert_memory_equal(bytes, "session 4", 9);
}

#define ON_BOTH(test)                                                                              \
    {"real: " #test, test, set_up_real, tear_down, NULL},                                          \
    {                                                                                              \
        "simulated: " #test, test, set_up_simulated, tear_down, NULL                               \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(entries_are_read_back_in_order_and_only_those_asked_for),
        ON_BOTH(a_tail_is_replaced_in_one_step),
        ON_BOTH(day_keys_stay_until_they_are_destroyed),
        ON_BOTH(the_record_outlives_a_new_ledger),
    };

    return cmocka_run_group_tests_name("world.store on both worlds", tests, NULL, NULL);
}
