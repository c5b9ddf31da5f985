/* The ledger's promises against a real LMDB file: what is durable, in which order, and what comes
 * back. */
#include "storage/adapters/ledger.h"

#include "storage/adapters/ledger_internal.h"
#include "tests/lib/ledger_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    VALUE_BYTES = 1000,
    SMALL_MAP_BYTES = 4 << 20,
    ROWS_MAX = 64,
    DAY = 20261124,
    FILE_BYTES_MAX = 64 << 20,
};

static int with_ledger(void **state)
{
    struct ledger_fixture *fixture = malloc(sizeof(*fixture));

    fixture_init(fixture, 0);
    *state = fixture;
    int r = fixture_open(fixture);
    if (r < 0) {
        (void)fprintf(stderr, "%s\n", fixture->why);
    }
    return r;
}

static int with_small_ledger(void **state)
{
    struct ledger_fixture *fixture = malloc(sizeof(*fixture));

    fixture_init(fixture, SMALL_MAP_BYTES);
    *state = fixture;
    return fixture_open(fixture);
}

static int without_ledger(void **state)
{
    fixture_finish(*state);
    free(*state);
    return 0;
}

static void reopen(struct ledger_fixture *fixture)
{
    fixture_close(fixture);
    int r = fixture_open(fixture);
    if (r < 0) {
        (void)fprintf(stderr, "%s\n", fixture->why);
    }
    assert_int_equal(r, 0);
}

static struct ledger_put row(const char *key, const char *value)
{
    return (struct ledger_put){
        .key = (const uint8_t *)key,
        .key_len_bytes = (uint16_t)strlen(key),
        .value = (const uint8_t *)value,
        .value_len_bytes = value == NULL ? 0 : (uint32_t)strlen(value),
    };
}

struct gathered {
    size_t count;
    char text[4096];
};

static bool gather(void *context, const uint8_t *key, size_t key_len_bytes, const uint8_t *value,
                   size_t value_len_bytes)
{
    struct gathered *gathered = context;
    size_t len = strlen(gathered->text);

    gathered->count++;
    (void)snprintf(gathered->text + len, sizeof(gathered->text) - len, "%.*s=%.*s;",
                   (int)key_len_bytes, (const char *)key, (int)value_len_bytes,
                   (const char *)value);
    return true;
}

static bool count_only(void *context, const uint8_t *key, size_t key_len_bytes,
                       const uint8_t *value, size_t value_len_bytes)
{
    (void)key;
    (void)key_len_bytes;
    (void)value;
    (void)value_len_bytes;
    ++*(size_t *)context;
    return true;
}

static void assert_rows(struct ledger_fixture *fixture, const char *expected)
{
    struct gathered gathered = {0};

    assert_int_equal(ledger_read_rows(fixture->ledger, gather, &gathered), 0);
    assert_string_equal(gathered.text, expected);
}

static uint64_t last_lsn(struct ledger_fixture *fixture)
{
    struct ledger_info info;

    ledger_get_info(fixture->ledger, &info);
    return info.last_lsn;
}

static void a_new_ledger_is_empty(void **state)
{
    struct ledger_fixture *fixture = *state;
    struct ledger_info info;
    struct ids_hash zero = {0};
    uint8_t bytes[16];
    size_t len = 0;
    uint64_t next = 0;
    struct ledger_damage damage;

    ledger_get_info(fixture->ledger, &info);
    assert_int_equal(info.first_lsn, 0);
    assert_int_equal(info.last_lsn, 0);
    assert_true(ids_hash_equal(&info.head, &zero));
    assert_false(info.incomplete);
    assert_false(info.full);
    assert_int_equal(ledger_read_record(fixture->ledger, bytes, sizeof(bytes), &len), -ENOENT);
    assert_int_equal(ledger_read_meta(fixture->ledger, "digest", bytes, sizeof(bytes), &len),
                     -ENOENT);
    assert_int_equal(ledger_read_entry(fixture->ledger, 1, bytes, sizeof(bytes), &len), -ENOENT);
    assert_int_equal(ledger_verify(fixture->ledger, 1, UINT64_MAX, &next, &damage), 0);
    assert_int_equal(next, 1);
    reopen(fixture);
    assert_int_equal(last_lsn(fixture), 0);
}

static void what_was_stored_is_there_after_reopening(void **state)
{
    struct ledger_fixture *fixture = *state;
    struct ledger_put rows[] = {row("a", "1"), row("b", "2"), row("c", "3")};
    struct ledger_put metas[] = {row("digest", "d1")};
    uint8_t bytes[64];
    size_t len = 0;

    fixture_entry(fixture, "first");
    fixture_entry(fixture, "second");
    struct ledger_batch batch = fixture_batch(fixture);
    batch.rows = rows;
    batch.row_count = 3;
    batch.metas = metas;
    batch.meta_count = 1;
    assert_int_equal(fixture_store(fixture, &batch), 0);

    struct ledger_put changed[] = {row("b", NULL), row("c", "33"), row("never", NULL)};
    fixture_entry(fixture, "third");
    batch = fixture_batch(fixture);
    batch.rows = changed;
    batch.row_count = 3;
    assert_int_equal(fixture_store(fixture, &batch), 0);

    for (int round = 0; round < 2; round++) {
        struct ledger_info info;
        ledger_get_info(fixture->ledger, &info);
        assert_int_equal(info.first_lsn, 1);
        assert_int_equal(info.last_lsn, 3);
        assert_true(ids_hash_equal(&info.head, &fixture->head));
        assert_rows(fixture, "a=1;c=33;");
        assert_int_equal(ledger_read_meta(fixture->ledger, "digest", bytes, sizeof(bytes), &len),
                         0);
        assert_int_equal(len, 2);
        assert_memory_equal(bytes, "d1", 2);
        reopen(fixture);
    }
}

static bool check_lsn(void *context, const uint8_t *key, size_t key_len_bytes, const uint8_t *value,
                      size_t value_len_bytes)
{
    uint64_t *next = context;
    struct entry entry;
    struct ids_hash hash;

    assert_int_equal(key_len_bytes, 8);
    assert_int_equal(ledger_lsn_from_key(key), *next);
    assert_true(entry_decode(value, value_len_bytes, &entry, &hash));
    assert_int_equal(entry.lsn, *next);
    ++*next;
    return true;
}

static bool stop_at_once(void *context, const uint8_t *key, size_t key_len_bytes,
                         const uint8_t *value, size_t value_len_bytes)
{
    (void)count_only(context, key, key_len_bytes, value, value_len_bytes);
    return false;
}

static void entries_are_read_in_order_from_anywhere_to_anywhere(void **state)
{
    struct ledger_fixture *fixture = *state;
    uint64_t next = 1;
    size_t count = 0;
    uint8_t bytes[FIXTURE_ENTRY_BYTES];
    size_t len = 0;

    assert_int_equal(fixture_fill(fixture, 200, 7), 0);
    assert_int_equal(ledger_read_entries(fixture->ledger, 1, UINT64_MAX, check_lsn, &next), 0);
    assert_int_equal(next, 201);
    next = 50;
    assert_int_equal(ledger_read_entries(fixture->ledger, 50, 60, check_lsn, &next), 0);
    assert_int_equal(next, 61);
    assert_int_equal(ledger_read_entries(fixture->ledger, 201, 300, count_only, &count), 0);
    assert_int_equal(count, 0);
    assert_int_equal(ledger_read_entries(fixture->ledger, 1, 300, stop_at_once, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(ledger_read_entry(fixture->ledger, 77, bytes, sizeof(bytes), &len), 0);
    next = 77;
    uint8_t key[8];
    ledger_key_from_lsn(77, key);
    assert_true(check_lsn(&next, key, sizeof(key), bytes, len));
    assert_int_equal(ledger_read_entry(fixture->ledger, 77, bytes, len - 1, &len), -ENOBUFS);
    assert_int_equal(ledger_read_entry(fixture->ledger, 201, bytes, sizeof(bytes), &len), -ENOENT);
}

static void a_completion_is_announced_once_and_a_second_batch_waits(void **state)
{
    struct ledger_fixture *fixture = *state;
    struct pollfd wait = {.fd = ledger_completion_fd(fixture->ledger), .events = POLLIN};
    int result = 1;

    assert_int_equal(poll(&wait, 1, 0), 0);
    assert_int_equal(ledger_take_completion(fixture->ledger, &result), 0);
    fixture_entry(fixture, "one");
    struct ledger_batch batch = fixture_batch(fixture);
    assert_int_equal(ledger_submit(fixture->ledger, &batch), 0);
    struct ledger_batch nothing = {0};
    assert_int_equal(ledger_submit(fixture->ledger, &nothing), -EBUSY);
    assert_int_equal(poll(&wait, 1, 60000), 1);
    assert_int_equal(ledger_submit(fixture->ledger, &nothing), -EBUSY);
    assert_int_equal(ledger_take_completion(fixture->ledger, &result), 1);
    assert_int_equal(result, 0);
    assert_int_equal(ledger_take_completion(fixture->ledger, &result), 0);
    assert_int_equal(poll(&wait, 1, 0), 0);
    assert_int_equal(fixture_store(fixture, &nothing), 0);
}

static void a_batch_that_is_wrong_changes_nothing_and_the_next_is_taken(void **state)
{
    struct ledger_fixture *fixture = *state;
    struct ledger_put long_key = row("a", "1");
    struct ledger_put own = row("ledger.book", "x");

    assert_int_equal(fixture_fill(fixture, 3, 3), 0);
    struct ids_hash head = fixture->head;

    fixture_rewind(fixture, 4, &head); /* a gap: lsn 5 after 3 */
    fixture_entry(fixture, "gap");
    struct ledger_batch batch = fixture_batch(fixture);
    assert_int_equal(fixture_store(fixture, &batch), -EINVAL);

    struct ids_hash other = {{1}};
    fixture_rewind(fixture, 3, &other); /* chained to another ledger */
    fixture_entry(fixture, "stranger");
    batch = fixture_batch(fixture);
    assert_int_equal(fixture_store(fixture, &batch), -EBADMSG);

    long_key.key_len_bytes = LEDGER_ROW_KEY_BYTES_MAX + 1;
    batch = (struct ledger_batch){.rows = &long_key, .row_count = 1};
    assert_int_equal(fixture_store(fixture, &batch), -EINVAL);
    batch = (struct ledger_batch){.metas = &own, .meta_count = 1};
    assert_int_equal(fixture_store(fixture, &batch), -EINVAL);

    fixture_rewind(fixture, 3, &head);
    assert_int_equal(fixture_fill(fixture, 1, 1), 0);
    reopen(fixture);
    assert_int_equal(last_lsn(fixture), 4);
}

static void a_replaced_tail_is_archived_whole(void **state)
{
    struct ledger_fixture *fixture = *state;
    size_t archived = 0;
    size_t count = 0;

    assert_int_equal(fixture_fill(fixture, 5, 5), 0);
    struct ids_hash head = fixture->head;
    assert_int_equal(fixture_fill(fixture, 10, 5), 0);

    for (size_t round = 1; round <= 3; round++) {
        struct ledger_put rows[] = {row("new", "state")};
        fixture_rewind(fixture, 5, &head);
        fixture_entry(fixture, round == 1 ? "another six" : "yet another six");
        struct ledger_batch batch = fixture_batch(fixture);
        batch.truncate_from_lsn = 6;
        batch.clear_rows = true;
        batch.rows = rows;
        batch.row_count = 1;
        assert_int_equal(fixture_store(fixture, &batch), 0);
        assert_int_equal(last_lsn(fixture), 6);
        assert_rows(fixture, "new=state;");
        archived = 0;
        assert_int_equal(ledger_read_archive(fixture->ledger, count_only, &archived), 0);
        assert_int_equal(archived, 10 + round - 1);
    }
    reopen(fixture);
    assert_int_equal(ledger_read_entries(fixture->ledger, 1, UINT64_MAX, count_only, &count), 0);
    assert_int_equal(count, 6);

    struct ids_hash zero = {0};
    fixture_rewind(fixture, 0, &zero);
    struct ledger_batch batch = {.truncate_from_lsn = 1};
    assert_int_equal(fixture_store(fixture, &batch), 0);
    assert_int_equal(last_lsn(fixture), 0);
    assert_int_equal(fixture_fill(fixture, 2, 2), 0);
    reopen(fixture);
    assert_int_equal(last_lsn(fixture), 2);
}

static void clearing_rows_leaves_only_what_the_batch_puts(void **state)
{
    struct ledger_fixture *fixture = *state;
    struct ledger_put before[] = {row("a", "1"), row("b", "2")};
    struct ledger_put after[] = {row("b", "3")};
    struct ledger_batch batch = {.rows = before, .row_count = 2};

    assert_int_equal(fixture_store(fixture, &batch), 0);
    batch = (struct ledger_batch){.clear_rows = true, .rows = after, .row_count = 1};
    assert_int_equal(fixture_store(fixture, &batch), 0);
    assert_rows(fixture, "b=3;");
}

/* ---- the record
 * ---------------------------------------------------------------------------------- */

static int store_record(struct ledger_fixture *fixture, const char *text)
{
    struct ledger_batch batch = {.record = (const uint8_t *)text, .record_len_bytes = strlen(text)};

    return fixture_store(fixture, &batch);
}

static void assert_record(struct ledger_fixture *fixture, const char *expected)
{
    uint8_t bytes[LEDGER_RECORD_BYTES_MAX];
    size_t len = 0;

    assert_int_equal(ledger_read_record(fixture->ledger, bytes, sizeof(bytes), &len), 0);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(bytes, expected, len);
}

static void damage_record(struct ledger_fixture *fixture, off_t at)
{
    char path[FIXTURE_PATH_BYTES + 64];
    uint8_t byte = 0;

    (void)snprintf(path, sizeof(path), "%s/record", fixture->record_dir);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x40;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    (void)close(fd);
}

static void the_record_survives_a_torn_and_a_rotten_slot(void **state)
{
    struct ledger_fixture *fixture = *state;
    uint8_t bytes[64];
    size_t len = 0;

    assert_int_equal(store_record(fixture, "session 1"), 0);
    assert_record(fixture, "session 1");
    assert_int_equal(store_record(fixture, "session 2"), 0);
    assert_int_equal(store_record(fixture, "session 3"), 0);
    reopen(fixture);
    assert_record(fixture, "session 3");
    /* Whichever slot is lost, the newest acknowledged record is still there: never an older one. */
    damage_record(fixture, 30);
    assert_record(fixture, "session 3");
    assert_int_equal(store_record(fixture, "session 4"), 0);
    damage_record(fixture, 8192 + 30);
    reopen(fixture);
    assert_record(fixture, "session 4");
    damage_record(fixture, 5);
    assert_int_equal(ledger_read_record(fixture->ledger, bytes, sizeof(bytes), &len), -EUCLEAN);
    assert_int_equal(store_record(fixture, "session 5"), 0);
    assert_record(fixture, "session 5");
}

static void a_crash_between_the_slots_leaves_a_record_that_is_new_or_the_last(void **state)
{
    struct ledger_fixture *fixture = *state;

    assert_int_equal(store_record(fixture, "old"), 0);
    assert_int_equal(store_record(fixture, "older"), 0);
    fixture->ledger->fail_at_step = 3; /* the transaction, the first slot, the second */
    assert_int_equal(store_record(fixture, "new"), -EIO);
    reopen(fixture);
    assert_record(fixture, "new");
    fixture->ledger->fail_at_step = 2;
    assert_int_equal(store_record(fixture, "never"), -EIO);
    reopen(fixture);
    assert_record(fixture, "new");
}

/* ---- day keys
 * ------------------------------------------------------------------------------------ */

static struct ledger_day_key day_key(uint32_t day, uint32_t unit)
{
    struct ledger_day_key key = {.day = day, .unit = unit};

    for (size_t i = 0; i < CRYPTO_KEY_BYTES; i++) {
        key.key.bytes[i] = (uint8_t)(0x5a + 7 * i + unit);
    }
    return key;
}

static bool file_holds(const char *path, const uint8_t *bytes, size_t len)
{
    FILE *file = fopen(path, "rb");
    uint8_t *all = malloc(FILE_BYTES_MAX);
    bool found = false;

    assert_non_null(file);
    size_t size = fread(all, 1, FILE_BYTES_MAX, file);
    found = memmem(all, size, bytes, len) != NULL;
    free(all);
    (void)fclose(file);
    return found;
}

static bool directory_holds(const char *path, const uint8_t *bytes, size_t len)
{
    DIR *dir = opendir(path);
    bool found = false;

    assert_non_null(dir);
    for (struct dirent *item = readdir(dir); item != NULL; item = readdir(dir)) {
        char child[FIXTURE_PATH_BYTES * 2 + 300];
        struct stat stat;
        (void)snprintf(child, sizeof(child), "%s/%s", path, item->d_name);
        if (item->d_name[0] == '.' || lstat(child, &stat) < 0) {
            continue;
        }
        found = found || (S_ISDIR(stat.st_mode) ? directory_holds(child, bytes, len)
                                                : file_holds(child, bytes, len));
    }
    (void)closedir(dir);
    return found;
}

static void a_key_is_kept_until_its_day_is_destroyed_and_then_nowhere(void **state)
{
    struct ledger_fixture *fixture = *state;
    struct ledger_day_key keys[] = {day_key(DAY, 1), day_key(DAY, 2)};
    struct ledger_day_key found[4];
    size_t count = 0;
    struct stat stat_key;
    char path[FIXTURE_PATH_BYTES + 64];

    fixture_entry(fixture, "under the keys");
    struct ledger_batch batch = fixture_batch(fixture);
    batch.keys_new = keys;
    batch.keys_new_count = 2;
    assert_int_equal(fixture_store(fixture, &batch), 0);
    reopen(fixture);
    assert_int_equal(ledger_read_keys(fixture->ledger, found, 4, &count), 0);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_memory_equal(found[i].key.bytes, keys[found[i].unit - 1].key.bytes,
                            CRYPTO_KEY_BYTES);
        assert_int_equal(found[i].day, DAY);
    }
    (void)snprintf(path, sizeof(path), "%s/keys/%d-1.key", fixture->data_dir, DAY);
    assert_int_equal(stat(path, &stat_key), 0);
    assert_int_equal(stat_key.st_mode & 07777, 0600);
    assert_int_equal(stat_key.st_size, CRYPTO_KEY_BYTES);
    assert_int_equal(ledger_read_keys(fixture->ledger, found, 1, &count), -ENOBUFS);

    /* The same key again is no news; another one under its name would bury what it sealed. */
    batch = (struct ledger_batch){.keys_new = keys, .keys_new_count = 1};
    assert_int_equal(fixture_store(fixture, &batch), 0);

    assert_true(directory_holds(fixture->root, keys[0].key.bytes, CRYPTO_KEY_BYTES));
    int open_before = open(path, O_RDONLY); /* sees the bytes themselves, beyond the name */
    fixture_entry(fixture, "erased");
    batch = fixture_batch(fixture);
    batch.keys_destroy = keys;
    batch.keys_destroy_count = 1;
    assert_int_equal(fixture_store(fixture, &batch), 0);
    assert_int_equal(fixture_store(fixture, &(struct ledger_batch){.keys_destroy = keys,
                                                                   .keys_destroy_count = 1}),
                     0);
    uint8_t bytes[CRYPTO_KEY_BYTES] = {1};
    uint8_t zero[CRYPTO_KEY_BYTES] = {0};
    assert_int_equal(pread(open_before, bytes, sizeof(bytes), 0), sizeof(bytes));
    assert_memory_equal(bytes, zero, sizeof(bytes));
    (void)close(open_before);
    assert_false(directory_holds(fixture->root, keys[0].key.bytes, CRYPTO_KEY_BYTES));
    assert_true(directory_holds(fixture->root, keys[1].key.bytes, CRYPTO_KEY_BYTES));
    assert_int_equal(ledger_read_keys(fixture->ledger, found, 4, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(found[0].unit, 2);
}

static void a_key_is_never_replaced_by_another(void **state)
{
    struct ledger_fixture *fixture = *state;
    struct ledger_day_key key = day_key(DAY, 1);
    struct ledger_day_key found[2];
    size_t count = 0;
    struct ledger_batch batch = {.keys_new = &key, .keys_new_count = 1};

    assert_int_equal(fixture_store(fixture, &batch), 0);
    struct ledger_day_key other = day_key(DAY, 1);
    other.key.bytes[0] ^= 1;
    batch.keys_new = &other;
    assert_int_equal(fixture_store(fixture, &batch), -EEXIST);
    reopen(fixture);
    assert_int_equal(ledger_read_keys(fixture->ledger, found, 2, &count), 0);
    assert_memory_equal(found[0].key.bytes, key.key.bytes, CRYPTO_KEY_BYTES);
}

/* ---- the order of durability
 * --------------------------------------------------------------------- */

/* Which parts of a whole batch a reopened ledger holds. */
struct parts {
    bool record, key_new, entry, key_old_gone;
};

static struct parts parts_after_failing(struct ledger_fixture *fixture, uint64_t step, int *ret_r)
{
    struct ledger_day_key old = day_key(DAY - 1, 1);
    struct ledger_day_key new = day_key(DAY, 1);
    struct ledger_day_key found[4];
    size_t count = 0;
    uint8_t bytes[64];
    size_t len = 0;
    struct ledger_put rows[] = {row("r", "1")};

    struct ledger_batch first = {.record = (const uint8_t *)"0",
                                 .record_len_bytes = 1,
                                 .keys_new = &old,
                                 .keys_new_count = 1};
    assert_int_equal(fixture_store(fixture, &first), 0);
    fixture->ledger->fail_at_step = step;
    fixture_entry(fixture, "whole");
    struct ledger_batch batch = fixture_batch(fixture);
    batch.record = (const uint8_t *)"1";
    batch.record_len_bytes = 1;
    batch.keys_new = &new;
    batch.keys_new_count = 1;
    batch.rows = rows;
    batch.row_count = 1;
    batch.keys_destroy = &old;
    batch.keys_destroy_count = 1;
    *ret_r = fixture_store(fixture, &batch);
    if (*ret_r < 0) {
        /* Nothing is taken any more, whatever it is. */
        struct ledger_batch nothing = {0};
        assert_int_equal(ledger_submit(fixture->ledger, &nothing), *ret_r);
        assert_int_equal(ledger_commit(fixture->ledger, &nothing), *ret_r);
    }
    reopen(fixture);

    struct parts parts = {.key_old_gone = true};
    assert_int_equal(ledger_read_record(fixture->ledger, bytes, sizeof(bytes), &len), 0);
    parts.record = bytes[0] == '1';
    assert_int_equal(ledger_read_keys(fixture->ledger, found, 4, &count), 0);
    for (size_t i = 0; i < count; i++) {
        parts.key_new = parts.key_new || found[i].day == DAY;
        parts.key_old_gone = parts.key_old_gone && found[i].day != DAY - 1;
    }
    size_t row_count = 0;
    assert_int_equal(ledger_read_rows(fixture->ledger, count_only, &row_count), 0);
    parts.entry = last_lsn(fixture) == 1;
    assert_int_equal(row_count, parts.entry ? 1 : 0);
    return parts;
}

static void a_batch_is_durable_in_order_whichever_step_fails(void **state)
{
    (void)state;
    bool whole = false;
    uint64_t steps = 0;

    for (uint64_t step = 1; !whole; step++) {
        struct ledger_fixture *fixture = malloc(sizeof(*fixture));
        int r = 0;
        fixture_init(fixture, 0);
        assert_int_equal(fixture_open(fixture), 0);
        struct parts parts = parts_after_failing(fixture, step, &r);
        /* Each part only with everything before it. */
        assert_true(parts.key_new || !parts.entry);
        assert_true(parts.entry || !parts.record);
        assert_true(parts.record || !parts.key_old_gone);
        whole = r == 0;
        if (whole) {
            assert_true(parts.record && parts.key_new && parts.entry && parts.key_old_gone);
        } else {
            assert_int_equal(r, -EIO);
            steps++;
        }
        fixture_finish(fixture);
        free(fixture);
    }
    assert_int_equal(steps, 6); /* key, its directory, transaction, two slots, destruction */
}

/* A meeting takes our tail away, and the record says that it goes (simulator, seed 295: a cut in between
 * left a record ahead of the new ledger, which was then called a disk that had been rolled back). */
static void the_record_comes_before_entries_that_are_taken_away(void **state)
{
    (void)state;
    bool whole = false, between = false;

    for (uint64_t step = 1; !whole; step++) {
        struct ledger_fixture *fixture = malloc(sizeof(*fixture));
        struct ledger_batch batch = {
            .truncate_from_lsn = 1, .record = (const uint8_t *)"1", .record_len_bytes = 1};
        uint8_t bytes[64];
        size_t len = 0;
        bool taken;

        fixture_init(fixture, 0);
        assert_int_equal(fixture_open(fixture), 0);
        fixture_entry(fixture, "tail");
        struct ledger_batch first = fixture_batch(fixture);
        first.record = (const uint8_t *)"0";
        first.record_len_bytes = 1;
        assert_int_equal(fixture_store(fixture, &first), 0);
        fixture->ledger->fail_at_step = step;
        whole = fixture_store(fixture, &batch) == 0;
        reopen(fixture);
        taken = last_lsn(fixture) == 0;
        assert_int_equal(ledger_read_record(fixture->ledger, bytes, sizeof(bytes), &len), 0);
        assert_true(bytes[0] == '1' || !taken);
        between = between || (bytes[0] == '1' && !taken);
        assert_true(taken || !whole);
        fixture_finish(fixture);
        free(fixture);
    }
    assert_true(between);
}

/* ---- bounds
 * -------------------------------------------------------------------------------------- */

static void a_full_map_is_refused_early_and_deleting_makes_room(void **state)
{
    struct ledger_fixture *fixture = *state;
    static char value[VALUE_BYTES + 1];
    char keys[ROWS_MAX][16];
    struct ledger_put rows[ROWS_MAX];
    struct ledger_info info;
    size_t stored = 0;
    int r = 0;

    memset(value, 'v', VALUE_BYTES);
    while (stored < 100000) {
        for (size_t i = 0; i < 16; i++) {
            (void)snprintf(keys[i], sizeof(keys[i]), "%08zu", stored + i);
            rows[i] = row(keys[i], value);
        }
        struct ledger_batch batch = {.rows = rows, .row_count = 16};
        r = fixture_store(fixture, &batch);
        if (r < 0) {
            break;
        }
        stored += 16;
    }
    assert_int_equal(r, -ENOSPC);
    assert_true(stored > 1000);
    ledger_get_info(fixture->ledger, &info);
    assert_true(info.map_used_bytes <= info.map_size_bytes);
    reopen(fixture);

    /* Refused, not failed: deletes go through, with the entry that tells of them. */
    for (size_t deleted = 0; deleted < stored / 2; deleted += 16) {
        for (size_t i = 0; i < 16; i++) {
            (void)snprintf(keys[i], sizeof(keys[i]), "%08zu", deleted + i);
            rows[i] = row(keys[i], NULL);
        }
        fixture_entry(fixture, "deleted");
        struct ledger_batch batch = fixture_batch(fixture);
        batch.rows = rows;
        batch.row_count = 16;
        assert_int_equal(fixture_store(fixture, &batch), 0);
    }
    rows[0] = row("again", value);
    struct ledger_batch batch = {.rows = rows, .row_count = 1};
    assert_int_equal(fixture_store(fixture, &batch), 0);
    ledger_get_info(fixture->ledger, &info);
    assert_false(info.full);
}

static void a_batch_too_large_for_what_is_left_is_refused_and_the_ledger_goes_on(void **state)
{
    struct ledger_fixture *fixture = *state;
    static char value[LEDGER_ROW_BYTES_MAX + 1];
    char keys[ROWS_MAX * 2][16];
    struct ledger_put rows[ROWS_MAX * 2];
    struct ledger_batch batch = {.rows = rows, .row_count = ROWS_MAX * 2};

    memset(value, 'v', LEDGER_ROW_BYTES_MAX);
    for (size_t i = 0; i < ROWS_MAX * 2; i++) { /* as much as the whole map */
        (void)snprintf(keys[i], sizeof(keys[i]), "%08zu", i);
        rows[i] = row(keys[i], value);
    }
    assert_int_equal(fixture_store(fixture, &batch), -ENOSPC);
    batch.row_count = 1;
    assert_int_equal(fixture_store(fixture, &batch), 0);
}

static void a_second_writer_is_refused_and_says_so(void **state)
{
    struct ledger_fixture *fixture = *state;
    struct ledger_options options = {.data_dir = fixture->data_dir,
                                     .record_dir = fixture->record_dir};
    struct ledger *second = NULL;

    assert_int_equal(ledger_open(&options, &second, fixture->why, sizeof(fixture->why)), -EBUSY);
    assert_null(second);
    assert_non_null(strstr(fixture->why, "another process"));
}

/* In a child: opens for reading, tells the parent and waits to be killed. */
static void open_and_wait(const struct ledger_fixture *fixture, int tell_fd, bool pin)
{
    char path[FIXTURE_PATH_BYTES + 64];
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;

    (void)snprintf(path, sizeof(path), "%s/ledger", fixture->data_dir);
    bool open = mdb_env_create(&env) == 0 && mdb_env_set_maxdbs(env, 4) == 0 &&
                mdb_env_open(env, path, MDB_RDONLY, 0600) == 0 &&
                (!pin || mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) == 0);
    (void)!write(tell_fd, open ? "y" : "n", 1);
    for (;;) {
        (void)pause();
    }
}

static void end_reader(pid_t child)
{
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
}

static int count_readers(const char *message, void *context)
{
    /* One line a slot, each beginning with a process id; the head line begins with letters. */
    *(int *)context += strspn(message, " 0123456789") > 4 ? 1 : 0;
    return 0;
}

/* Returns the child; `pin`: it holds a snapshot too. */
static pid_t start_reader(const struct ledger_fixture *fixture, bool pin)
{
    int tell[2];
    char answer = 'n';

    assert_int_equal(pipe(tell), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        open_and_wait(fixture, tell[1], pin);
    }
    assert_int_equal(read(tell[0], &answer, 1), 1);
    (void)close(tell[0]);
    (void)close(tell[1]);
    if (answer != 'y') {
        end_reader(child);
    }
    assert_int_equal(answer, 'y');
    return child;
}

/* While another reader lives, LMDB does not begin its table of readers anew by itself. */
static void a_killed_reader_is_cleared_when_the_ledger_is_opened(void **state)
{
    struct ledger_fixture *fixture = *state;
    int readers = 0;

    assert_int_equal(fixture_fill(fixture, 3, 1), 0);
    fixture_close(fixture);
    pid_t bystander = start_reader(fixture, false);
    pid_t pinning = start_reader(fixture, true);
    end_reader(pinning);
    int r = fixture_open(fixture);
    if (r == 0) {
        (void)mdb_reader_list(fixture->ledger->env, count_readers, &readers);
    }
    end_reader(bystander);
    assert_int_equal(r, 0);
    assert_int_equal(readers, fixture->ledger->reader == NULL ? 0 : 1);
}

static void flushes_are_counted_as_the_device_sees_them(void **state)
{
    struct ledger_fixture *fixture = *state;
    struct ledger_info before;
    struct ledger_info after;

    assert_int_equal(fixture_fill(fixture, 1, 1), 0);
    ledger_get_info(fixture->ledger, &before);
    assert_int_equal(fixture_fill(fixture, 64, 64), 0);
    ledger_get_info(fixture->ledger, &after);
    assert_int_equal(after.commits - before.commits, 1);
    assert_int_equal(after.device_flushes - before.device_flushes, 2);
    assert_true(after.commit_us_p50 > 0 && after.commit_us_p99 >= after.commit_us_p50);
}

/* The page account, the book and the chain must hold after any history: many shapes, reopened
 * often. */
static void any_history_of_batches_reopens_without_complaint(void **state)
{
    struct ledger_fixture *fixture = *state;
    static char value[LEDGER_ROW_BYTES_MAX + 1];
    char keys[ROWS_MAX][16];
    struct ledger_put rows[ROWS_MAX];
    unsigned random = 12345;

    memset(value, 'x', LEDGER_ROW_BYTES_MAX);
    for (unsigned round = 0; round < 400; round++) {
        size_t count = 0;
        for (; count < ROWS_MAX; count++) {
            random = random * 1103515245u + 12345u;
            unsigned pick = random >> 16;
            (void)snprintf(keys[count], sizeof(keys[count]), "%03u", pick % 500);
            rows[count] = row(keys[count], pick % 3 == 0 ? NULL : value);
            rows[count].value_len_bytes =
                rows[count].value == NULL ? 0 : (pick % 7 == 0 ? pick % 9000 : pick % 300);
            if (pick % 40 == 0) {
                break;
            }
        }
        for (unsigned i = 0; i < random % 5; i++) {
            fixture_entry(fixture, "some");
        }
        struct ledger_batch batch = fixture_batch(fixture);
        batch.rows = rows;
        batch.row_count = count;
        batch.clear_rows = random % 50 == 0;
        assert_int_equal(fixture_store(fixture, &batch), 0);
        if (round % 20 == 0) {
            reopen(fixture);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define LEDGER_TEST(name) cmocka_unit_test_setup_teardown(name, with_ledger, without_ledger)
        LEDGER_TEST(a_new_ledger_is_empty),
        LEDGER_TEST(what_was_stored_is_there_after_reopening),
        LEDGER_TEST(entries_are_read_in_order_from_anywhere_to_anywhere),
        LEDGER_TEST(a_completion_is_announced_once_and_a_second_batch_waits),
        LEDGER_TEST(a_batch_that_is_wrong_changes_nothing_and_the_next_is_taken),
        LEDGER_TEST(a_replaced_tail_is_archived_whole),
        LEDGER_TEST(clearing_rows_leaves_only_what_the_batch_puts),
        LEDGER_TEST(the_record_survives_a_torn_and_a_rotten_slot),
        LEDGER_TEST(a_crash_between_the_slots_leaves_a_record_that_is_new_or_the_last),
        LEDGER_TEST(a_key_is_kept_until_its_day_is_destroyed_and_then_nowhere),
        LEDGER_TEST(a_key_is_never_replaced_by_another),
        cmocka_unit_test(a_batch_is_durable_in_order_whichever_step_fails),
        cmocka_unit_test(the_record_comes_before_entries_that_are_taken_away),
        cmocka_unit_test_setup_teardown(a_full_map_is_refused_early_and_deleting_makes_room,
                                        with_small_ledger, without_ledger),
        cmocka_unit_test_setup_teardown(
            a_batch_too_large_for_what_is_left_is_refused_and_the_ledger_goes_on, with_small_ledger,
            without_ledger),
        LEDGER_TEST(a_second_writer_is_refused_and_says_so),
        LEDGER_TEST(a_killed_reader_is_cleared_when_the_ledger_is_opened),
        LEDGER_TEST(flushes_are_counted_as_the_device_sees_them),
        LEDGER_TEST(any_history_of_batches_reopens_without_complaint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
