/* A snapshot travels: made, streamed, received in pieces with interruptions, put in place, equal.
 */
#include "storage/adapters/ledger.h"

#include "storage/adapters/ledger_internal.h"
#include "tests/lib/ledger_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { CHUNK_BYTES = 48 * 1024, ENTRY_COUNT = 2000, POLL_NS = 1000000, ROW_BYTES = 9000 };

/* One test starts a ledger in a forked child, which the thread sanitizer only allows when asked. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "die_after_fork=0";
}

struct pair {
    struct ledger_fixture source;
    struct ledger_fixture target;
    uint64_t size_bytes, last_lsn;
    struct ids_hash file_hash;
};

static const struct timespec poll_pause = {.tv_nsec = POLL_NS};

static int make(struct pair *pair)
{
    int r = -EINPROGRESS;

    while (r == -EINPROGRESS) {
        r = ledger_snapshot_make(pair->source.ledger, &pair->size_bytes, &pair->last_lsn,
                                 &pair->file_hash);
        (void)nanosleep(&poll_pause, NULL);
    }
    return r;
}

static int finish(struct ledger *ledger)
{
    int r = -EINPROGRESS;

    while (r == -EINPROGRESS) {
        r = ledger_incoming_finish(ledger, NULL, 0);
        (void)nanosleep(&poll_pause, NULL);
    }
    return r;
}

static int with_pair(void **state)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    static uint8_t value[ROW_BYTES];
    struct ledger_put rows[] = {
        {.key = (const uint8_t *)"long",
         .key_len_bytes = 4,
         .value = value,
         .value_len_bytes = ROW_BYTES},
        {.key = (const uint8_t *)"short", .key_len_bytes = 5, .value = value, .value_len_bytes = 3},
    };
    struct ledger_batch batch = {.rows = rows, .row_count = 2};

    fixture_init(&pair->source, 0);
    fixture_init(&pair->target, 0);
    *state = pair;
    memset(value, 'r', sizeof(value));
    if (fixture_open(&pair->source) < 0 || fixture_open(&pair->target) < 0 ||
        fixture_fill(&pair->source, ENTRY_COUNT, 100) < 0 ||
        fixture_store(&pair->source, &batch) < 0) {
        return -1;
    }
    return make(pair);
}

static int without_pair(void **state)
{
    struct pair *pair = *state;

    fixture_finish(&pair->source);
    fixture_finish(&pair->target);
    free(pair);
    return 0;
}

/* Streams from have_bytes up to end_bytes. */
static void stream(struct pair *pair, uint64_t have_bytes, uint64_t end_bytes)
{
    static uint8_t chunk[CHUNK_BYTES];

    while (have_bytes < end_bytes) {
        size_t len = 0;
        assert_int_equal(
            ledger_snapshot_read(pair->source.ledger, have_bytes, chunk, CHUNK_BYTES, &len), 0);
        if (have_bytes + len > end_bytes) {
            len = end_bytes - have_bytes;
        }
        assert_int_equal(ledger_incoming_write(pair->target.ledger, have_bytes, chunk, len), 0);
        have_bytes += len;
    }
}

struct digest {
    struct crypto *crypto;
    struct ids_hash hash;
    size_t count;
};

static bool add(void *context, const uint8_t *key, size_t key_len_bytes, const uint8_t *value,
                size_t value_len_bytes)
{
    struct digest *digest = context;

    crypto_chain(digest->crypto, &digest->hash, key, key_len_bytes, &digest->hash);
    crypto_chain(digest->crypto, &digest->hash, value, value_len_bytes, &digest->hash);
    digest->count++;
    return true;
}

static struct digest contents(struct ledger_fixture *fixture)
{
    struct digest digest = {.crypto = fixture->crypto};

    assert_int_equal(ledger_read_entries(fixture->ledger, 1, UINT64_MAX, add, &digest), 0);
    assert_int_equal(ledger_read_rows(fixture->ledger, add, &digest), 0);
    return digest;
}

static void assert_equal_ledgers(struct pair *pair)
{
    struct digest a = contents(&pair->source);
    struct digest b = contents(&pair->target);
    struct ledger_info source;
    struct ledger_info target;

    assert_int_equal(a.count, b.count);
    assert_true(ids_hash_equal(&a.hash, &b.hash));
    ledger_get_info(pair->source.ledger, &source);
    ledger_get_info(pair->target.ledger, &target);
    assert_int_equal(source.last_lsn, target.last_lsn);
    assert_true(ids_hash_equal(&source.head, &target.head));
    assert_false(target.incomplete);
}

static void reopen_target(struct pair *pair)
{
    fixture_close(&pair->target);
    int r = fixture_open(&pair->target);
    if (r < 0) {
        (void)fprintf(stderr, "%s\n", pair->target.why);
    }
    assert_int_equal(r, 0);
}

static bool incomplete(struct ledger_fixture *fixture)
{
    struct ledger_info info;

    ledger_get_info(fixture->ledger, &info);
    return info.incomplete;
}

static size_t archived(struct ledger_fixture *fixture)
{
    struct digest digest = {.crypto = fixture->crypto};

    assert_int_equal(ledger_read_archive(fixture->ledger, add, &digest), 0);
    return digest.count;
}

static void a_blank_unit_becomes_equal_and_goes_on(void **state)
{
    struct pair *pair = *state;
    uint64_t have = 1;
    uint64_t next = 0;
    struct ledger_damage damage;

    assert_int_equal(pair->last_lsn, ENTRY_COUNT);
    assert_int_equal(
        ledger_incoming_begin(pair->target.ledger, pair->size_bytes, &pair->file_hash, &have), 0);
    assert_int_equal(have, 0);
    assert_true(incomplete(&pair->target));
    assert_int_equal(ledger_incoming_finish(pair->target.ledger, NULL, 0), -EINVAL);
    stream(pair, 0, pair->size_bytes);
    assert_int_equal(finish(pair->target.ledger), 0);
    struct ledger_batch nothing = {0};
    assert_int_equal(ledger_submit(pair->target.ledger, &nothing), -ESTALE);
    assert_int_equal(ledger_incoming_begin(pair->target.ledger, 1, &pair->file_hash, &have),
                     -ESTALE);
    for (int round = 0; round < 2; round++) {
        reopen_target(pair);
        assert_equal_ledgers(pair);
    }
    assert_int_equal(archived(&pair->target), 0);
    fixture_rewind(&pair->target, pair->source.last_lsn, &pair->source.head);
    assert_int_equal(fixture_fill(&pair->target, 10, 1), 0);
    reopen_target(pair);
    assert_int_equal(ledger_verify(pair->target.ledger, 1, UINT64_MAX, &next, &damage), 0);
    assert_int_equal(next, ENTRY_COUNT + 11);
}

static void the_source_goes_on_committing_while_its_snapshot_is_made_and_streamed(void **state)
{
    struct pair *pair = *state;
    uint64_t have = 0;
    int r = -EINPROGRESS;

    while (r == -EINPROGRESS) {
        r = ledger_snapshot_make(pair->source.ledger, &pair->size_bytes, &pair->last_lsn,
                                 &pair->file_hash);
        assert_int_equal(fixture_fill(&pair->source, 3, 1), 0);
    }
    assert_int_equal(r, 0);
    assert_true(pair->last_lsn >= ENTRY_COUNT && pair->last_lsn <= pair->source.last_lsn);
    assert_int_equal(
        ledger_incoming_begin(pair->target.ledger, pair->size_bytes, &pair->file_hash, &have), 0);
    stream(pair, have, pair->size_bytes / 2);
    assert_int_equal(fixture_fill(&pair->source, 100, 10), 0);
    stream(pair, pair->size_bytes / 2, pair->size_bytes);
    assert_int_equal(finish(pair->target.ledger), 0);
    reopen_target(pair);
    struct ledger_info info;
    ledger_get_info(pair->target.ledger, &info);
    assert_int_equal(info.last_lsn, pair->last_lsn);
}

static void a_transfer_interrupted_at_each_chunk_goes_on_where_it_was(void **state)
{
    struct pair *pair = *state;

    for (uint64_t at = 0; at < pair->size_bytes; at += CHUNK_BYTES) {
        uint64_t have = 0;
        uint64_t end = at + CHUNK_BYTES < pair->size_bytes ? at + CHUNK_BYTES : pair->size_bytes;
        assert_int_equal(
            ledger_incoming_begin(pair->target.ledger, pair->size_bytes, &pair->file_hash, &have),
            0);
        assert_int_equal(have, at);
        stream(pair, have, end);
        reopen_target(pair);
        assert_true(incomplete(&pair->target));
    }
    uint64_t have = 0;
    assert_int_equal(
        ledger_incoming_begin(pair->target.ledger, pair->size_bytes, &pair->file_hash, &have), 0);
    assert_int_equal(have, pair->size_bytes);
    assert_int_equal(finish(pair->target.ledger), 0);
    reopen_target(pair);
    assert_equal_ledgers(pair);
}

static void a_process_killed_in_the_middle_keeps_what_was_flushed(void **state)
{
    struct pair *pair = *state;
    uint64_t have = 0;

    fixture_close(&pair->target);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool good = fixture_open(&pair->target) == 0 &&
                    ledger_incoming_begin(pair->target.ledger, pair->size_bytes, &pair->file_hash,
                                          &have) == 0;
        if (good) {
            stream(pair, 0, pair->size_bytes - 1);
        }
        _exit(good ? 0 : 1); /* nothing is closed: as if killed */
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(fixture_open(&pair->target), 0);
    assert_true(incomplete(&pair->target));
    assert_int_equal(
        ledger_incoming_begin(pair->target.ledger, pair->size_bytes, &pair->file_hash, &have), 0);
    assert_true(have < pair->size_bytes);
    stream(pair, have, pair->size_bytes);
    assert_int_equal(finish(pair->target.ledger), 0);
    reopen_target(pair);
    assert_equal_ledgers(pair);
}

static void another_file_than_the_announced_one_is_refused_and_leaves_the_old_ledger(void **state)
{
    struct pair *pair = *state;
    static uint8_t chunk[CHUNK_BYTES];
    uint64_t have = 0;

    assert_int_equal(fixture_fill(&pair->target, 7, 7), 0);
    struct ids_hash wrong = pair->file_hash;
    wrong.bytes[31] ^= 1;
    assert_int_equal(ledger_incoming_begin(pair->target.ledger, pair->size_bytes, &wrong, &have),
                     0);
    stream(pair, 0, pair->size_bytes);
    assert_int_equal(finish(pair->target.ledger), -EBADMSG);
    /* What was received of another file is of no use for this one. */
    assert_int_equal(ledger_incoming_begin(pair->target.ledger, pair->size_bytes, &wrong, &have),
                     0);
    assert_int_equal(ledger_incoming_write(pair->target.ledger, 0, chunk, CHUNK_BYTES), 0);
    reopen_target(pair);
    assert_int_equal(
        ledger_incoming_begin(pair->target.ledger, pair->size_bytes, &pair->file_hash, &have), 0);
    assert_int_equal(have, 0);
    assert_int_equal(ledger_incoming_write(pair->target.ledger, 1, chunk, 1), -EINVAL);
    assert_int_equal(ledger_incoming_write(pair->target.ledger, pair->size_bytes, chunk, 1),
                     -EINVAL);
    assert_int_equal(fixture_fill(&pair->target, 7, 7), 0);
    assert_false(incomplete(&pair->target)); /* the old one serves */
    reopen_target(pair);
    struct ledger_info info;
    ledger_get_info(pair->target.ledger, &info);
    assert_int_equal(info.last_lsn, 14);
}

static void a_damaged_ledger_in_an_honest_file_is_refused(void **state)
{
    struct pair *pair = *state;
    static uint8_t all[16 << 20];
    uint64_t have = 0;
    size_t len = 0;
    const char *text = "entry 1234 of many";

    assert_true(pair->size_bytes <= sizeof(all));
    assert_int_equal(ledger_snapshot_read(pair->source.ledger, 0, all, sizeof(all), &len), 0);
    assert_int_equal(len, pair->size_bytes);
    uint8_t *found = memmem(all, len, text, strlen(text));
    assert_non_null(found);
    found[6] = '9';
    crypto_hash(pair->source.crypto, all, len, NULL, 0, &pair->file_hash);
    assert_int_equal(ledger_incoming_begin(pair->target.ledger, len, &pair->file_hash, &have), 0);
    assert_int_equal(ledger_incoming_write(pair->target.ledger, 0, all, len), 0);
    assert_int_equal(finish(pair->target.ledger), -EUCLEAN);
    reopen_target(pair);
    assert_false(incomplete(&pair->target));
    assert_int_equal(fixture_fill(&pair->target, 1, 1), 0);
}

static void what_only_the_replaced_ledger_held_is_in_the_archive(void **state)
{
    struct pair *pair = *state;
    uint64_t have = 0;

    /* A common beginning of 1000, then a tail of its own, and an archive from before. */
    assert_int_equal(fixture_fill(&pair->target, 1000, 100), 0);
    struct ids_hash head = pair->target.head;
    assert_int_equal(fixture_fill(&pair->target, 5, 5), 0);
    fixture_rewind(&pair->target, 1000, &head);
    struct ledger_batch batch = {.truncate_from_lsn = 1001};
    assert_int_equal(fixture_store(&pair->target, &batch), 0);
    fixture_entry(&pair->target, "only here");
    batch = fixture_batch(&pair->target);
    assert_int_equal(fixture_store(&pair->target, &batch), 0);
    assert_int_equal(archived(&pair->target), 5);

    assert_int_equal(
        ledger_incoming_begin(pair->target.ledger, pair->size_bytes, &pair->file_hash, &have), 0);
    stream(pair, 0, pair->size_bytes);
    assert_int_equal(finish(pair->target.ledger), 0);
    reopen_target(pair);
    assert_equal_ledgers(pair);
    assert_int_equal(archived(&pair->target), 6);
}

/* The states that a power cut can leave between the steps of putting a new ledger in place. */
static void a_power_cut_while_it_is_put_in_place_leaves_one_whole_ledger(void **state)
{
    struct pair *pair = *state;
    char from[FIXTURE_PATH_BYTES + 64];
    char to[FIXTURE_PATH_BYTES + 64];
    uint64_t have = 0;

    assert_int_equal(fixture_fill(&pair->target, 3, 3), 0);
    assert_int_equal(
        ledger_incoming_begin(pair->target.ledger, pair->size_bytes, &pair->file_hash, &have), 0);
    stream(pair, 0, pair->size_bytes);
    assert_int_equal(finish(pair->target.ledger), 0);
    fixture_close(&pair->target);
    /* Before the exchange: swap back. */
    (void)snprintf(from, sizeof(from), "%s/ledger", pair->target.data_dir);
    (void)snprintf(to, sizeof(to), "%s/ledger.incoming", pair->target.data_dir);
    assert_int_equal(renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE), 0);
    assert_int_equal(fixture_open(&pair->target), 0);
    assert_equal_ledgers(pair);
    assert_int_equal(access(to, F_OK), -1);
    fixture_close(&pair->target);
    /* Between the exchange and the removal of the old one: complete is there, the old one half
     * gone. */
    assert_int_equal(mkdir(to, 0700), 0);
    (void)snprintf(from, sizeof(from), "%s/ledger/complete", pair->target.data_dir);
    int fd = open(from, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(fixture_open(&pair->target), 0);
    assert_equal_ledgers(pair);
    assert_int_equal(access(to, F_OK), -1);
    assert_int_equal(access(from, F_OK), -1);
}

static void a_meta_of_its_own_is_put_into_the_new_ledger_before_it_is_in_place(void **state)
{
    struct pair *pair = *state;
    struct ledger_put mine = {.key = (const uint8_t *)"mine",
                              .key_len_bytes = 4,
                              .value = (const uint8_t *)"blank",
                              .value_len_bytes = 5};
    struct ledger_put long_one = {.key = (const uint8_t *)"long",
                                  .key_len_bytes = 4,
                                  .value = (const uint8_t *)"blank",
                                  .value_len_bytes = LEDGER_INCOMING_META_BYTES_MAX + 1};
    uint8_t bytes[8];
    size_t len_bytes;
    uint64_t have = 0;
    int r = -EINPROGRESS;

    assert_int_equal(
        ledger_incoming_begin(pair->target.ledger, pair->size_bytes, &pair->file_hash, &have), 0);
    stream(pair, 0, pair->size_bytes);
    assert_int_equal(ledger_incoming_finish(pair->target.ledger, &long_one, 1), -EINVAL);
    while (r == -EINPROGRESS) {
        r = ledger_incoming_finish(pair->target.ledger, &mine, 1);
        (void)nanosleep(&poll_pause, NULL);
    }
    assert_int_equal(r, 0);
    reopen_target(pair);
    assert_equal_ledgers(pair);
    assert_int_equal(
        ledger_read_meta(pair->target.ledger, "mine", bytes, sizeof(bytes), &len_bytes), 0);
    assert_int_equal(len_bytes, 5);
    assert_memory_equal(bytes, "blank", 5);
    assert_int_equal(
        ledger_read_meta(pair->source.ledger, "mine", bytes, sizeof(bytes), &len_bytes), -ENOENT);
}

static void a_discarded_snapshot_is_gone_and_a_new_one_can_be_made(void **state)
{
    struct pair *pair = *state;
    uint8_t bytes[16];
    size_t len = 0;
    char path[FIXTURE_PATH_BYTES + 64];

    (void)snprintf(path, sizeof(path), "%s/snapshot.outgoing", pair->source.data_dir);
    assert_int_equal(access(path, F_OK), 0);
    ledger_snapshot_discard(pair->source.ledger);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(ledger_snapshot_read(pair->source.ledger, 0, bytes, sizeof(bytes), &len),
                     -ENOENT);
    assert_int_equal(make(pair), 0);
    assert_int_equal(
        ledger_snapshot_read(pair->source.ledger, pair->size_bytes, bytes, sizeof(bytes), &len), 0);
    assert_int_equal(len, 0);
}

static void closing_gives_up_a_snapshot_under_way(void **state)
{
    struct pair *pair = *state;

    assert_int_equal(ledger_snapshot_make(pair->source.ledger, &pair->size_bytes, &pair->last_lsn,
                                          &pair->file_hash),
                     -EINPROGRESS);
    fixture_close(&pair->source);
    assert_int_equal(fixture_open(&pair->source), 0);
    assert_int_equal(fixture_fill(&pair->source, 1, 1), 0);
}

int main(void)
{
#define PAIR_TEST(name) cmocka_unit_test_setup_teardown(name, with_pair, without_pair)
    const struct CMUnitTest tests[] = {
        PAIR_TEST(a_blank_unit_becomes_equal_and_goes_on),
        PAIR_TEST(the_source_goes_on_committing_while_its_snapshot_is_made_and_streamed),
        PAIR_TEST(a_transfer_interrupted_at_each_chunk_goes_on_where_it_was),
        PAIR_TEST(a_process_killed_in_the_middle_keeps_what_was_flushed),
        PAIR_TEST(another_file_than_the_announced_one_is_refused_and_leaves_the_old_ledger),
        PAIR_TEST(a_damaged_ledger_in_an_honest_file_is_refused),
        PAIR_TEST(what_only_the_replaced_ledger_held_is_in_the_archive),
        PAIR_TEST(a_power_cut_while_it_is_put_in_place_leaves_one_whole_ledger),
        PAIR_TEST(a_meta_of_its_own_is_put_into_the_new_ledger_before_it_is_in_place),
        PAIR_TEST(a_discarded_snapshot_is_gone_and_a_new_one_can_be_made),
        PAIR_TEST(closing_gives_up_a_snapshot_under_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
