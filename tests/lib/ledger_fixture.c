#include "tests/lib/ledger_fixture.h"

#include "base/bytes.h"
#include "base/check.h"

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COMPLETION_MS_MAX = 60000, FTW_FDS = 16 };

void fixture_init(struct ledger_fixture *fixture, size_t map_size_bytes)
{
    *fixture = (struct ledger_fixture){.map_size_bytes = map_size_bytes};
    const char *base = getenv("TMPDIR");
    (void)snprintf(fixture->root, sizeof(fixture->root), "%s/toban-ledger-XXXXXX",
                   base == NULL ? "/tmp" : base);
    CHECK(mkdtemp(fixture->root) != NULL);
    (void)snprintf(fixture->data_dir, sizeof(fixture->data_dir), "%s/data", fixture->root);
    (void)snprintf(fixture->record_dir, sizeof(fixture->record_dir), "%s/record", fixture->root);
    fixture->crypto = crypto_create();
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *where)
{
    (void)stat;
    (void)type;
    (void)where;
    return remove(path);
}

void fixture_finish(struct ledger_fixture *fixture)
{
    fixture_close(fixture);
    crypto_destroy(fixture->crypto);
    (void)nftw(fixture->root, remove_one, FTW_FDS, FTW_DEPTH | FTW_PHYS);
}

int fixture_open(struct ledger_fixture *fixture)
{
    struct ledger_options options = {.data_dir = fixture->data_dir,
                                     .record_dir = fixture->record_dir,
                                     .map_size_bytes = fixture->map_size_bytes};

    return ledger_open(&options, &fixture->ledger, fixture->why, sizeof(fixture->why));
}

void fixture_close(struct ledger_fixture *fixture)
{
    ledger_close(fixture->ledger);
    fixture->ledger = NULL;
}

void fixture_entry(struct ledger_fixture *fixture, const char *text)
{
    size_t i = fixture->entry_count++;
    struct entry entry = {
        .kind = ENTRY_CHANGE_CLEAR,
        .lsn = ++fixture->last_lsn,
        .term = 1,
        .unit = 1,
        .payload_len_bytes = (uint16_t)strlen(text),
        .payload = (const uint8_t *)text,
    };

    CHECK(i < FIXTURE_ENTRIES_MAX);
    size_t len = entry_encode(&entry, fixture->bytes[i], FIXTURE_ENTRY_BYTES - IDS_HASH_BYTES);
    CHECK(len > 0);
    crypto_chain(fixture->crypto, &fixture->head, fixture->bytes[i], len, &fixture->head);
    memcpy(fixture->bytes[i] + len, fixture->head.bytes, IDS_HASH_BYTES);
    struct bytes_writer writer = bytes_writer_over(fixture->keys[i], sizeof(fixture->keys[i]));
    bytes_put_u64(&writer, entry.lsn);
    fixture->entries[i] = (struct ledger_put){
        .key = fixture->keys[i],
        .key_len_bytes = sizeof(fixture->keys[i]),
        .value = fixture->bytes[i],
        .value_len_bytes = (uint32_t)(len + IDS_HASH_BYTES),
    };
}

struct ledger_batch fixture_batch(struct ledger_fixture *fixture)
{
    struct ledger_batch batch = {.entries = fixture->entries, .entry_count = fixture->entry_count};

    fixture->entry_count = 0;
    return batch;
}

void fixture_rewind(struct ledger_fixture *fixture, uint64_t lsn, const struct ids_hash *head)
{
    fixture->last_lsn = lsn;
    fixture->head = *head;
    fixture->entry_count = 0;
}

int fixture_store(struct ledger_fixture *fixture, const struct ledger_batch *batch)
{
    struct pollfd wait = {.fd = ledger_completion_fd(fixture->ledger), .events = POLLIN};
    int result = 0;
    int r = ledger_submit(fixture->ledger, batch);

    if (r < 0) {
        return r;
    }
    CHECK(poll(&wait, 1, COMPLETION_MS_MAX) == 1);
    CHECK(ledger_take_completion(fixture->ledger, &result) == 1);
    return result;
}

int fixture_fill(struct ledger_fixture *fixture, uint64_t count, unsigned each)
{
    while (count > 0) {
        for (unsigned i = 0; i < each && count > 0; i++, count--) {
            char text[64];
            (void)snprintf(text, sizeof(text), "entry %llu of many",
                           (unsigned long long)fixture->last_lsn + 1);
            fixture_entry(fixture, text);
        }
        struct ledger_batch batch = fixture_batch(fixture);
        int r = fixture_store(fixture, &batch);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}
