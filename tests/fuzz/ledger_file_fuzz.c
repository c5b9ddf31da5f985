/* The files of a ledger as a dying disk gives them back. The first byte chooses: the record is replaced by the
 * input, or bytes of data.mdb are (offset, length, bytes, again and again). Opening may say that it is damaged;
 * it must not crash, nor give out an entry that was never written. What opens takes a batch and opens again. */
#include "base/check.h"
#include "tests/lib/ledger_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAP_BYTES = 64 << 20,
    BASE_BYTES_MAX = 1 << 20,
    PATH_BYTES = 512,
    FILL_ENTRIES = 120,
    FILL_EACH = 10,
    CUT_FROM = 100,
    PAGE_BYTES = 4096,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t base[BASE_BYTES_MAX], image[BASE_BYTES_MAX];
static size_t base_bytes;
static struct ledger_fixture whole;
static struct ids_hash hashes[FILL_ENTRIES + 1];

/* libFuzzer ends by exit(). */
static void leave(void)
{
    fixture_finish(&whole);
}

static void path_of(const char *dir, const char *name, char path[PATH_BYTES])
{
    (void)snprintf(path, PATH_BYTES, "%s/%s", dir, name);
}

static void put_file(const char *dir, const char *name, const uint8_t *bytes, size_t len_bytes)
{
    char path[PATH_BYTES];

    path_of(dir, name, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, bytes, len_bytes) == (ssize_t)len_bytes);
    (void)close(fd);
}

/* A ledger with rows, metas, a record, an archived tail and free pages. */
static void base_make(void)
{
    static const uint8_t row[600] = {1, 2, 3};
    const struct ledger_put puts[] = {
        {.key = (const uint8_t *)"a", .key_len_bytes = 1, .value = row, .value_len_bytes = 600},
        {.key = (const uint8_t *)"b", .key_len_bytes = 1, .value = row, .value_len_bytes = 40}};
    struct ledger_batch batch = {
        .rows = puts, .row_count = 2, .record = row, .record_len_bytes = 90};
    char path[PATH_BYTES];

    CHECK(setenv("TMPDIR", "/dev/shm", 0) == 0);
    fixture_init(&whole, MAP_BYTES);
    CHECK(atexit(leave) == 0);
    CHECK(fixture_open(&whole) == 0);
    while (whole.last_lsn < FILL_ENTRIES) {
        CHECK(fixture_fill(&whole, 1, 1) == 0);
        hashes[whole.last_lsn] = whole.head;
    }
    CHECK(fixture_store(&whole, &batch) == 0);
    fixture_rewind(&whole, CUT_FROM - 1, &hashes[CUT_FROM - 1]);
    fixture_entry(&whole, "another end");
    batch = fixture_batch(&whole);
    batch.truncate_from_lsn = CUT_FROM;
    CHECK(fixture_store(&whole, &batch) == 0);
    hashes[CUT_FROM] = whole.head;
    fixture_close(&whole);
    path_of(whole.data_dir, "ledger/data.mdb", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, base, sizeof(base));
    CHECK(fd >= 0 && n > 0);
    (void)close(fd);
    base_bytes = (size_t)n;
    while (base_bytes > PAGE_BYTES && base[base_bytes - 1] == 0) {
        base_bytes--; /* what is only written ahead is not part of it */
    }
    base_bytes = (base_bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static bool is_ours(void *context, const uint8_t *key, size_t key_len_bytes, const uint8_t *value,
                    size_t value_len_bytes)
{
    uint64_t lsn = 0;

    (void)context;
    for (size_t i = 0; i < key_len_bytes; i++) {
        lsn = lsn << 8 | key[i];
    }
    CHECK(lsn >= 1 && lsn <= CUT_FROM + 1 && value_len_bytes > IDS_HASH_BYTES);
    CHECK(lsn > CUT_FROM ||
          memcmp(value + value_len_bytes - IDS_HASH_BYTES, hashes[lsn].bytes, IDS_HASH_BYTES) == 0);
    return true;
}

static bool is_there(void *context, const uint8_t *key, size_t key_len_bytes, const uint8_t *value,
                     size_t value_len_bytes)
{
    (void)context;
    for (size_t i = 0; i < key_len_bytes; i++) {
        CHECK(key[i] <= UINT8_MAX);
    }
    CHECK(value_len_bytes == 0 || value[value_len_bytes - 1] <= UINT8_MAX);
    return true;
}

static int use(struct ledger *ledger)
{
    struct ledger_damage damage;
    uint64_t next_lsn = 1, before = 0;
    uint8_t bytes[LEDGER_RECORD_BYTES_MAX];
    size_t len_bytes;
    int r = 0;

    (void)ledger_read_record(ledger, bytes, sizeof(bytes), &len_bytes);
    while (r == 0 && before != next_lsn) {
        before = next_lsn;
        r = ledger_verify(ledger, before, FILL_ENTRIES, &next_lsn, &damage);
    }
    (void)ledger_read_entries(ledger, 1, UINT64_MAX, is_ours, NULL);
    if (r == 0) {
        (void)ledger_read_rows(ledger, is_there, NULL);
        (void)ledger_read_archive(ledger, is_there, NULL);
    }
    return r;
}

/* A unit that starts on it: one more entry, and again. */
static void start_on_it(void)
{
    int r = fixture_open(&whole);

    if (r == 0) {
        r = use(whole.ledger);
    }
    if (r == 0) {
        fixture_rewind(&whole, CUT_FROM, &hashes[CUT_FROM]);
        fixture_entry(&whole, "one more");
        struct ledger_batch batch = fixture_batch(&whole);
        r = fixture_store(&whole, &batch);
        CHECK(r == 0 || r == -EUCLEAN || r == -EBADMSG || r == -EINVAL || r == -ENOSPC);
        if (r == 0) {
            fixture_close(&whole);
            CHECK(fixture_open(&whole) == 0 && use(whole.ledger) == 0);
        }
    }
    fixture_close(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes_reader reader = bytes_reader_over(data, size);
    struct ledger_options options = {.read_only = true};
    struct ledger *ledger = NULL;
    char why[FIXTURE_WHY_BYTES], path[PATH_BYTES];

    if (base_bytes == 0) {
        base_make();
    }
    memcpy(image, base, base_bytes);
    uint8_t first = bytes_get_u8(&reader);
    if (first % 4 == 0 && size > 0) {
        put_file(whole.record_dir, "record", data + 1, size - 1);
    } else {
        while (bytes_left(&reader) > 0) {
            uint32_t at = bytes_get_u32(&reader) % (uint32_t)base_bytes;
            size_t len_bytes = bytes_get_u8(&reader) % 64;
            const uint8_t *bytes = bytes_take(&reader, len_bytes);

            if (bytes != NULL && at + len_bytes <= base_bytes) {
                memcpy(image + at, bytes, len_bytes);
            }
        }
    }
    path_of(whole.data_dir, "ledger/lock.mdb", path);
    (void)unlink(path);
    put_file(whole.data_dir, "ledger/data.mdb", image, base_bytes);
    options.data_dir = whole.data_dir;
    options.record_dir = whole.record_dir;
    if (ledger_open(&options, &ledger, why, sizeof(why)) == 0) {
        (void)use(ledger);
        ledger_close(ledger);
    }
    if (first % 4 != 1) {
        start_on_it();
    }
    return 0;
}
