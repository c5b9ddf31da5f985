/* Every kind of damage is found, by opening or by verifying, and says where; none crashes the
 * process. */
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
#include <unistd.h>

#include <cmocka.h>

enum {
    MAP_BYTES = 2 << 20,
    ENTRY_COUNT = 60,
    COMMON_LSN = 40,
    ROW_COUNT = 60,
    PAGE_BYTES = 4096,
    TOOL_ROUNDS = 40,
    META_BYTES_FROM = 16,
    META_BYTES_TO = 16 + LEDGER_RAW_META_BYTES,
    FLIP_STRIDE_BITS = 787, /* prime: comes by every kind of byte */
};

struct scene {
    struct ledger_fixture fixture;
    char path[FIXTURE_PATH_BYTES + 64];
    uint8_t *image; /* the sound file */
    size_t image_bytes;
    size_t used_bytes;
    struct ids_hash entries_digest;
};

static bool digest_add(void *context, const uint8_t *key, size_t key_len_bytes,
                       const uint8_t *value, size_t value_len_bytes)
{
    struct scene *scene = context;

    crypto_chain(scene->fixture.crypto, &scene->entries_digest, key, key_len_bytes,
                 &scene->entries_digest);
    crypto_chain(scene->fixture.crypto, &scene->entries_digest, value, value_len_bytes,
                 &scene->entries_digest);
    return true;
}

static bool ignore(void *context, const uint8_t *key, size_t key_len_bytes, const uint8_t *value,
                   size_t value_len_bytes)
{
    (void)context;
    (void)key;
    (void)key_len_bytes;
    (void)value;
    (void)value_len_bytes;
    return true;
}

/* Entries, rows of all sizes, a replaced tail: every kind of page is in the file. */
static int fill(struct scene *scene)
{
    struct ledger_fixture *fixture = &scene->fixture;
    static uint8_t value[6000];
    char keys[ROW_COUNT][16];
    struct ledger_put rows[ROW_COUNT];

    if (fixture_fill(fixture, COMMON_LSN, 4) < 0) {
        return -1;
    }
    struct ids_hash head = fixture->head;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        int n = snprintf(keys[i], sizeof(keys[i]), "row%04zu", i);
        rows[i] = (struct ledger_put){
            .key = (const uint8_t *)keys[i],
            .key_len_bytes = (uint16_t)n,
            .value = value,
            .value_len_bytes = i % 20 == 0 ? sizeof(value) : 40 + (uint32_t)i,
        };
    }
    struct ledger_batch batch = {.rows = rows, .row_count = ROW_COUNT};
    if (fixture_store(fixture, &batch) < 0 || fixture_fill(fixture, 5, 5) < 0) {
        return -1;
    }
    fixture_rewind(fixture, COMMON_LSN, &head);
    batch = (struct ledger_batch){.truncate_from_lsn = COMMON_LSN + 1};
    if (fixture_store(fixture, &batch) < 0) {
        return -1;
    }
    return fixture_fill(fixture, ENTRY_COUNT - COMMON_LSN, 1);
}

static void read_image(struct scene *scene)
{
    struct stat file;
    int fd = open(scene->path, O_RDONLY);

    assert_true(fd >= 0 && fstat(fd, &file) == 0);
    scene->image_bytes = (size_t)file.st_size;
    scene->image = malloc(scene->image_bytes);
    assert_int_equal(pread(fd, scene->image, scene->image_bytes, 0), scene->image_bytes);
    (void)close(fd);
}

static int with_scene(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    fixture_init(&scene->fixture, MAP_BYTES);
    *state = scene;
    (void)snprintf(scene->path, sizeof(scene->path), "%s/ledger/data.mdb", scene->fixture.data_dir);
    if (fixture_open(&scene->fixture) < 0 || fill(scene) < 0 ||
        ledger_read_entries(scene->fixture.ledger, 1, UINT64_MAX, digest_add, scene) < 0) {
        return -1;
    }
    scene->used_bytes = (size_t)ledger_end_bytes(scene->fixture.ledger);
    fixture_close(&scene->fixture);
    read_image(scene);
    return fixture_open(&scene->fixture);
}

static int without_scene(void **state)
{
    struct scene *scene = *state;

    fixture_finish(&scene->fixture);
    free(scene->image);
    free(scene);
    return 0;
}

static void write_image(struct scene *scene, size_t len_bytes)
{
    int fd = open(scene->path, O_WRONLY | O_TRUNC);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, scene->image, len_bytes, 0), len_bytes);
    (void)close(fd);
}

/* Opening and reading change nothing in the file, so one byte there and back is enough. */
static void flip(struct scene *scene, size_t bit)
{
    int fd = open(scene->path, O_WRONLY);

    scene->image[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &scene->image[bit / 8], 1, (off_t)(bit / 8)), 1);
    (void)close(fd);
}

static int verify(struct scene *scene, struct ledger_damage *ret_damage)
{
    uint64_t next = 0;

    *ret_damage = (struct ledger_damage){0};
    return ledger_verify(scene->fixture.ledger, 1, UINT64_MAX, &next, ret_damage);
}

static void assert_found_at(struct scene *scene, uint64_t lsn)
{
    struct ledger_damage damage;
    char number[32];

    assert_int_equal(verify(scene, &damage), -EUCLEAN);
    assert_int_equal(damage.lsn, lsn);
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)lsn);
    assert_non_null(strstr(damage.what_en, number));
    assert_non_null(strstr(damage.what_ja, number));
    /* It is never read either. */
    assert_int_equal(ledger_read_entries(scene->fixture.ledger, 1, UINT64_MAX, ignore, NULL),
                     -EUCLEAN);
}

/* An edit by somebody who knows LMDB and how the ledger keeps its book, but not how to forge
 * hashes. */
static void edit(struct scene *scene, uint64_t lsn, const MDB_val *value)
{
    struct ledger *ledger = scene->fixture.ledger;
    uint8_t raw[LEDGER_LSN_KEY_BYTES];
    MDB_val key = {sizeof(raw), raw};
    MDB_txn *txn = NULL;

    ledger_key_from_lsn(lsn, raw);
    assert_int_equal(mdb_txn_begin(ledger->env, NULL, 0, &txn), 0);
    assert_int_equal(value == NULL ? mdb_del(txn, ledger->entries, &key, NULL)
                                   : mdb_put(txn, ledger->entries, &key, (MDB_val *)value, 0),
                     0);
    assert_int_equal(ledger_book_write(ledger, txn, &ledger->book), 0);
    assert_int_equal(ledger_txn_end(ledger, txn), 0);
}

static MDB_val entry_bytes(struct scene *scene, uint64_t lsn, uint8_t bytes[FIXTURE_ENTRY_BYTES])
{
    size_t len = 0;

    assert_int_equal(
        ledger_read_entry(scene->fixture.ledger, lsn, bytes, FIXTURE_ENTRY_BYTES, &len), 0);
    return (MDB_val){len, bytes};
}

static void a_sound_ledger_verifies_in_steps_from_anywhere(void **state)
{
    struct scene *scene = *state;
    struct ledger_damage damage;
    uint64_t next = 0;

    assert_int_equal(verify(scene, &damage), 0);
    for (uint64_t at = 1; at <= ENTRY_COUNT; at = next) {
        assert_int_equal(ledger_verify(scene->fixture.ledger, at, 7, &next, &damage), 0);
        assert_int_equal(next, at + 7 > ENTRY_COUNT ? ENTRY_COUNT + 1 : at + 7);
    }
    assert_int_equal(ledger_verify(scene->fixture.ledger, 30, UINT64_MAX, &next, &damage), 0);
    assert_int_equal(next, ENTRY_COUNT + 1);
}

static void a_changed_entry_is_named(void **state)
{
    struct scene *scene = *state;
    uint8_t bytes[FIXTURE_ENTRY_BYTES];
    MDB_val value = entry_bytes(scene, 17, bytes);

    bytes[ENTRY_HEADER_BYTES] ^= 1;
    edit(scene, 17, &value);
    assert_found_at(scene, 17);
    /* Whoever trusts the beginning still finds it; whoever begins later does not look there. */
    struct ledger_damage damage;
    uint64_t next = 0;
    assert_int_equal(ledger_verify(scene->fixture.ledger, 10, 7, &next, &damage), 0);
    assert_int_equal(ledger_verify(scene->fixture.ledger, next, 7, &next, &damage), -EUCLEAN);
    assert_int_equal(ledger_verify(scene->fixture.ledger, 18, UINT64_MAX, &next, &damage), 0);
}

static void a_changed_entry_with_a_new_hash_breaks_the_next_link(void **state)
{
    struct scene *scene = *state;
    uint8_t bytes[FIXTURE_ENTRY_BYTES];
    uint8_t before[FIXTURE_ENTRY_BYTES];
    struct ids_hash previous;
    struct ids_hash hash;
    MDB_val value = entry_bytes(scene, 16, before);

    memcpy(previous.bytes, before + value.mv_size - IDS_HASH_BYTES, IDS_HASH_BYTES);
    value = entry_bytes(scene, 17, bytes);
    bytes[ENTRY_HEADER_BYTES] ^= 1;
    crypto_chain(scene->fixture.crypto, &previous, bytes, value.mv_size - IDS_HASH_BYTES, &hash);
    memcpy(bytes + value.mv_size - IDS_HASH_BYTES, hash.bytes, IDS_HASH_BYTES);
    edit(scene, 17, &value);
    assert_found_at(scene, 18);
}

static void the_last_entry_rewritten_with_a_new_hash_is_found_by_the_book(void **state)
{
    struct scene *scene = *state;
    struct ledger_fixture forged = {.crypto = scene->fixture.crypto};
    uint8_t before[FIXTURE_ENTRY_BYTES];
    MDB_val value = entry_bytes(scene, ENTRY_COUNT - 1, before);
    struct ids_hash previous;

    memcpy(previous.bytes, before + value.mv_size - IDS_HASH_BYTES, IDS_HASH_BYTES);
    fixture_rewind(&forged, ENTRY_COUNT - 1, &previous);
    fixture_entry(&forged, "forged");
    value = (MDB_val){forged.entries[0].value_len_bytes, (void *)forged.entries[0].value};
    edit(scene, ENTRY_COUNT, &value);
    struct ledger_damage damage;
    assert_int_equal(verify(scene, &damage), -EUCLEAN);
    assert_int_equal(damage.lsn, ENTRY_COUNT);
    fixture_close(&scene->fixture);
    assert_int_equal(fixture_open(&scene->fixture), -EUCLEAN);
    assert_non_null(strstr(scene->fixture.why, "60"));
}

static void a_deleted_entry_is_named_wherever_it_was(void **state)
{
    struct scene *scene = *state;
    const uint64_t lsns[] = {33, 1};

    for (size_t i = 0; i < 2; i++) {
        edit(scene, lsns[i], NULL);
        assert_found_at(scene, lsns[i]);
        struct ledger_damage damage;
        (void)verify(scene, &damage);
        assert_non_null(strstr(damage.what_en, "missing"));
    }
}

static void a_cut_tail_is_named(void **state)
{
    struct scene *scene = *state;

    edit(scene, ENTRY_COUNT, NULL);
    edit(scene, ENTRY_COUNT - 1, NULL);
    assert_found_at(scene, ENTRY_COUNT - 1);
    fixture_close(&scene->fixture);
    assert_int_equal(fixture_open(&scene->fixture), -EUCLEAN);
}

static void entries_out_of_order_are_named(void **state)
{
    struct scene *scene = *state;
    uint8_t a[FIXTURE_ENTRY_BYTES];
    uint8_t b[FIXTURE_ENTRY_BYTES];
    MDB_val value_a = entry_bytes(scene, 20, a);
    MDB_val value_b = entry_bytes(scene, 21, b);

    edit(scene, 20, &value_b);
    edit(scene, 21, &value_a);
    assert_found_at(scene, 20);
}

static void an_entry_beyond_the_end_is_named(void **state)
{
    struct scene *scene = *state;
    struct ledger_damage damage;

    fixture_entry(&scene->fixture, "smuggled in");
    MDB_val value = {scene->fixture.entries[0].value_len_bytes,
                     (void *)scene->fixture.entries[0].value};
    edit(scene, ENTRY_COUNT + 1, &value);
    assert_int_equal(verify(scene, &damage), -EUCLEAN);
    assert_int_equal(damage.lsn, ENTRY_COUNT + 1);
}

static void a_change_by_another_program_is_found_at_open(void **state)
{
    struct scene *scene = *state;
    struct ledger *ledger = scene->fixture.ledger;
    MDB_val key = {4, "row0"};
    MDB_txn *txn = NULL;

    assert_int_equal(mdb_txn_begin(ledger->env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_put(txn, ledger->rows, &key, &key, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    fixture_close(&scene->fixture);
    assert_int_equal(fixture_open(&scene->fixture), -EUCLEAN);
}

static void a_changed_archived_tail_is_named(void **state)
{
    struct scene *scene = *state;
    struct ledger *ledger = scene->fixture.ledger;
    uint8_t bytes[FIXTURE_ENTRY_BYTES];
    MDB_txn *txn = NULL;
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val value;
    struct ledger_damage damage;

    assert_int_equal(mdb_txn_begin(ledger->env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_cursor_open(txn, ledger->archive, &cursor), 0);
    assert_int_equal(mdb_cursor_get(cursor, &key, &value, MDB_LAST), 0);
    memcpy(bytes, value.mv_data, value.mv_size);
    bytes[ENTRY_HEADER_BYTES] ^= 1;
    value.mv_data = bytes;
    assert_int_equal(mdb_cursor_put(cursor, &key, &value, MDB_CURRENT), 0);
    mdb_cursor_close(cursor);
    assert_int_equal(ledger_book_write(ledger, txn, &ledger->book), 0);
    assert_int_equal(ledger_txn_end(ledger, txn), 0);
    assert_int_equal(verify(scene, &damage), -EUCLEAN);
    assert_int_equal(damage.lsn, COMMON_LSN + 5);
}

/* ---- the file
 * --------------------------------------------------------------------------------------- */

static void assert_refused(struct scene *scene)
{
    assert_int_equal(fixture_open(&scene->fixture), -EUCLEAN);
    assert_null(scene->fixture.ledger);
    assert_true(strlen(scene->fixture.why) > 0);
    assert_non_null(strchr(scene->fixture.why, '\n'));
}

static void a_file_cut_anywhere_within_what_is_used_is_refused(void **state)
{
    struct scene *scene = *state;

    fixture_close(&scene->fixture);
    for (size_t len = 1; len < scene->used_bytes; len += len < 300 ? 13 : 2048) {
        write_image(scene, len);
        assert_refused(scene);
        if (len >= 2 * PAGE_BYTES) { /* before: a meta page is not whole */
            assert_non_null(strstr(scene->fixture.why, "cut short"));
        }
    }
    write_image(scene, scene->used_bytes);
    assert_int_equal(fixture_open(&scene->fixture), 0);
}

static void every_flipped_bit_of_both_meta_pages_is_found_at_open(void **state)
{
    struct scene *scene = *state;

    fixture_close(&scene->fixture);
    for (size_t page = 0; page < 2; page++) {
        for (size_t bit = META_BYTES_FROM * 8; bit < META_BYTES_TO * 8; bit++) {
            flip(scene, page * PAGE_BYTES * 8 + bit);
            assert_refused(scene);
            flip(scene, page * PAGE_BYTES * 8 + bit);
        }
    }
    assert_int_equal(fixture_open(&scene->fixture), 0);
}

/* A power cut may leave the seals of the commit before: then the pages must vouch for each other.
 */
static void without_seals_the_meta_pages_still_vouch_for_each_other(void **state)
{
    struct scene *scene = *state;
    uint64_t txn_ids[2];

    fixture_close(&scene->fixture);
    for (size_t page = 0; page < 2; page++) {
        memset(scene->image + page * PAGE_BYTES + META_BYTES_TO, 0, PAGE_BYTES - META_BYTES_TO);
        memcpy(&txn_ids[page], scene->image + page * PAGE_BYTES + META_BYTES_TO - 8, 8);
    }
    write_image(scene, scene->image_bytes);
    assert_int_equal(fixture_open(&scene->fixture), 0);
    fixture_close(&scene->fixture);
    size_t newest = txn_ids[1] > txn_ids[0] ? 1 : 0;
    for (size_t bit = META_BYTES_FROM * 8; bit < META_BYTES_TO * 8; bit++) {
        flip(scene, (1 - newest) * PAGE_BYTES * 8 + bit);
        assert_refused(scene);
        flip(scene, (1 - newest) * PAGE_BYTES * 8 + bit);
    }
    /* The newest: from the root of the trees to the transaction's number. */
    for (size_t bit = (META_BYTES_TO - 24) * 8; bit < META_BYTES_TO * 8; bit++) {
        flip(scene, newest * PAGE_BYTES * 8 + bit);
        assert_refused(scene);
        flip(scene, newest * PAGE_BYTES * 8 + bit);
    }
    assert_int_equal(fixture_open(&scene->fixture), 0);
}

enum finding { FOUND_NOTHING, FOUND_AT_OPEN, FOUND_BY_VERIFYING };

/* If nothing is found, everything must be readable and the entries unchanged. */
static enum finding look_for_damage(struct scene *scene, const struct ids_hash *sound)
{
    struct ledger_damage damage;
    int r = fixture_open(&scene->fixture);
    enum finding finding = r < 0 ? FOUND_AT_OPEN : FOUND_NOTHING;

    if (r == 0) {
        r = verify(scene, &damage);
        finding = r < 0 ? FOUND_BY_VERIFYING : FOUND_NOTHING;
        assert_true(r == 0 || (damage.what_en[0] != '\0' && damage.what_ja[0] != '\0'));
    }
    if (r == 0) {
        scene->entries_digest = (struct ids_hash){0};
        assert_int_equal(
            ledger_read_entries(scene->fixture.ledger, 1, UINT64_MAX, digest_add, scene), 0);
        assert_true(ids_hash_equal(&scene->entries_digest, sound));
        assert_int_equal(ledger_read_rows(scene->fixture.ledger, ignore, NULL), 0);
        assert_int_equal(ledger_read_archive(scene->fixture.ledger, ignore, NULL), 0);
    } else {
        assert_int_equal(r, -EUCLEAN);
    }
    fixture_close(&scene->fixture);
    return finding;
}

static void no_flipped_bit_anywhere_crashes_or_changes_an_entry_unseen(void **state)
{
    struct scene *scene = *state;
    struct ids_hash sound = scene->entries_digest;
    size_t reported = 0;

    fixture_close(&scene->fixture);
    for (size_t bit = 2 * PAGE_BYTES * 8; bit < scene->used_bytes * 8; bit += FLIP_STRIDE_BITS) {
        flip(scene, bit);
        reported += look_for_damage(scene, &sound) != FOUND_NOTHING;
        flip(scene, bit);
    }
    assert_true(reported > 100);
}

/* The first 64 bytes of a page decide where LMDB looks next. */
static void no_flipped_bit_of_a_page_header_crashes(void **state)
{
    struct scene *scene = *state;
    size_t found[3] = {0};
    struct ids_hash sound = scene->entries_digest;

    fixture_close(&scene->fixture);
    for (size_t page = 2; page < scene->used_bytes / PAGE_BYTES; page++) {
        for (size_t bit = page % 11; bit < 64 * 8; bit += 11) {
            flip(scene, page * PAGE_BYTES * 8 + bit);
            found[look_for_damage(scene, &sound)]++;
            flip(scene, page * PAGE_BYTES * 8 + bit);
        }
    }
    /* Trees that the appliance reads at once are judged at open, the long one as it is walked. */
    assert_true(found[FOUND_AT_OPEN] > 100);
    assert_true(found[FOUND_BY_VERIFYING] > 10);
}

static void a_damaged_ledger_is_put_aside_and_the_unit_starts_blank(void **state)
{
    struct scene *scene = *state;
    struct ledger_info info;
    char aside[FIXTURE_PATH_BYTES + 64];

    assert_int_equal(ledger_set_aside(scene->fixture.data_dir), -EBUSY);
    struct ledger_batch batch = {.record = (const uint8_t *)"mine", .record_len_bytes = 4};
    assert_int_equal(fixture_store(&scene->fixture, &batch), 0);
    fixture_close(&scene->fixture);
    write_image(scene, PAGE_BYTES);
    assert_refused(scene);
    for (int round = 0; round < 2; round++) {
        uint8_t bytes[8];
        size_t len = 0;
        assert_int_equal(ledger_set_aside(scene->fixture.data_dir), 0);
        assert_int_equal(fixture_open(&scene->fixture), 0);
        ledger_get_info(scene->fixture.ledger, &info);
        assert_int_equal(info.last_lsn, 0);
        assert_int_equal(ledger_read_record(scene->fixture.ledger, bytes, sizeof(bytes), &len), 0);
        assert_int_equal(len, 4);
        fixture_close(&scene->fixture);
    }
    (void)snprintf(aside, sizeof(aside), "%s/ledger.damaged/data.mdb", scene->fixture.data_dir);
    assert_int_equal(access(aside, F_OK), 0);
    assert_int_equal(fixture_open(&scene->fixture), 0);
}

/* In a process of its own, since LMDB allows one open per process. */
static int verify_often(const struct ledger_options *options)
{
    char why[FIXTURE_WHY_BYTES] = "";
    struct ledger_damage damage = {0};
    struct ledger *tool = NULL;
    int r = 0;

    for (int round = 0; r == 0 && round < TOOL_ROUNDS; round++) {
        uint64_t next = 0;
        r = ledger_open(options, &tool, why, sizeof(why));
        if (r == 0) {
            r = ledger_verify(tool, 1, UINT64_MAX, &next, &damage);
        }
        if (r == 0 && ledger_commit(tool, &(struct ledger_batch){0}) != -EROFS) {
            r = -EINVAL;
        }
        if (r < 0) {
            (void)fprintf(stderr, "%s %s\n", why, damage.what_en);
        }
        ledger_close(tool);
        tool = NULL;
    }
    return r;
}

static void a_tool_verifies_while_the_daemon_writes(void **state)
{
    struct scene *scene = *state;
    struct ledger_options options = {.data_dir = scene->fixture.data_dir,
                                     .record_dir = scene->fixture.record_dir,
                                     .read_only = true};
    int status = 0;
    int r = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        _exit(verify_often(&options) == 0 ? 0 : 1);
    }
    /* The ledger grows, and refuses when it is full, until the tool has seen enough. */
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (r == 0) {
            r = fixture_fill(&scene->fixture, 1, 1);
        }
    }
    assert_true(r == 0 || r == -ENOSPC);
    assert_int_equal(status, 0);
}

int main(void)
{
#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, with_scene, without_scene)
    const struct CMUnitTest tests[] = {
        SCENE_TEST(a_sound_ledger_verifies_in_steps_from_anywhere),
        SCENE_TEST(a_changed_entry_is_named),
        SCENE_TEST(a_changed_entry_with_a_new_hash_breaks_the_next_link),
        SCENE_TEST(the_last_entry_rewritten_with_a_new_hash_is_found_by_the_book),
        SCENE_TEST(a_deleted_entry_is_named_wherever_it_was),
        SCENE_TEST(a_cut_tail_is_named),
        SCENE_TEST(entries_out_of_order_are_named),
        SCENE_TEST(an_entry_beyond_the_end_is_named),
        SCENE_TEST(a_change_by_another_program_is_found_at_open),
        SCENE_TEST(a_changed_archived_tail_is_named),
        SCENE_TEST(a_file_cut_anywhere_within_what_is_used_is_refused),
        SCENE_TEST(every_flipped_bit_of_both_meta_pages_is_found_at_open),
        SCENE_TEST(without_seals_the_meta_pages_still_vouch_for_each_other),
        SCENE_TEST(no_flipped_bit_anywhere_crashes_or_changes_an_entry_unseen),
        SCENE_TEST(no_flipped_bit_of_a_page_header_crashes),
        SCENE_TEST(a_damaged_ledger_is_put_aside_and_the_unit_starts_blank),
        SCENE_TEST(a_tool_verifies_while_the_daemon_writes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
