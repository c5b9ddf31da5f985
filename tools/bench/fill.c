#include "tools/bench/bench.h"

#include "base/check.h"
#include "storage/adapters/ledger.h"
#include "storage/entry/entry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH_ENTRIES = 2000,
    PAYLOAD_BYTES = 240, /* about what a ticket's entry carries */
    ENTRY_BYTES = ENTRY_HEADER_BYTES + PAYLOAD_BYTES + IDS_HASH_BYTES,
    RETRY_US = 1000,
    WHY_BYTES = 512,
};

struct filling {
    struct ledger *ledger;
    struct crypto *crypto;
    struct entry entry; /* the next one */
    struct ids_hash head;
    uint8_t payload[PAYLOAD_BYTES];
    uint8_t bytes[BATCH_ENTRIES][ENTRY_BYTES];
    struct ledger_put puts[BATCH_ENTRIES];
};

static void make_entry(struct filling *filling, size_t at)
{
    uint8_t *bytes = filling->bytes[at];
    size_t len_bytes;

    filling->entry.lsn++;
    memcpy(filling->payload, &filling->entry.lsn, sizeof(filling->entry.lsn));
    filling->entry.payload = filling->payload;
    len_bytes = entry_encode(&filling->entry, bytes, ENTRY_BYTES);
    CHECK(len_bytes + IDS_HASH_BYTES == ENTRY_BYTES);
    crypto_chain(filling->crypto, &filling->head, bytes, len_bytes, &filling->head);
    memcpy(bytes + len_bytes, filling->head.bytes, IDS_HASH_BYTES);
    /* The lsn stands, big-endian, in the entry's own header behind version and kind. */
    filling->puts[at] = (struct ledger_put){
        .key_len_bytes = 8, .value_len_bytes = ENTRY_BYTES, .key = bytes + 4, .value = bytes};
}

/* The new entries say what the newest one says of term and unit; their kind folds to nothing. */
static int begin(struct filling *filling)
{
    struct ledger_info info;
    uint8_t *bytes = malloc(ENTRY_BYTES_MAX);
    struct ids_hash hash;
    size_t len_bytes;
    int r;

    CHECK(bytes != NULL);
    ledger_get_info(filling->ledger, &info);
    r = ledger_read_entry(filling->ledger, info.last_lsn, bytes, ENTRY_BYTES_MAX, &len_bytes);
    if (r == 0 && !entry_decode(bytes, len_bytes, &filling->entry, &hash)) {
        r = -1;
    }
    filling->head = info.head;
    filling->entry.kind = ENTRY_TAIL_REPLACED;
    filling->entry.sealed = false;
    filling->entry.day = filling->entry.key_unit = 0;
    filling->entry.payload_len_bytes = PAYLOAD_BYTES;
    filling->entry.request = (struct ids_token){0};
    free(bytes);
    return r;
}

static int fill(struct filling *filling, uint64_t count)
{
    while (count > 0) {
        size_t now_count = count < BATCH_ENTRIES ? (size_t)count : BATCH_ENTRIES;
        struct ledger_batch batch = {.entries = filling->puts, .entry_count = now_count};
        int r;

        for (size_t i = 0; i < now_count; i++) {
            make_entry(filling, i);
        }
        r = ledger_commit(filling->ledger, &batch);
        if (r < 0) {
            (void)fprintf(stderr, "toban-bench: lsn %llu: %s\n",
                          (unsigned long long)filling->entry.lsn, strerror(-r));
            return r;
        }
        count -= now_count;
    }
    return 0;
}

int bench_fill(const char *data_dir, const char *record_dir, uint64_t count)
{
    struct ledger_options options = {.data_dir = data_dir, .record_dir = record_dir};
    struct filling *filling = calloc(1, sizeof(*filling));
    uint64_t start_us = bench_now_us();
    struct ledger_info info;
    char why[WHY_BYTES];
    int r;

    CHECK(filling != NULL);
    r = ledger_open(&options, &filling->ledger, why, sizeof(why));
    if (r < 0) {
        (void)fprintf(stderr, "toban-bench: %s\n", why);
        free(filling);
        return 1;
    }
    filling->crypto = crypto_create();
    r = begin(filling);
    if (r == 0) {
        r = fill(filling, count);
    }
    ledger_get_info(filling->ledger, &info);
    printf("{\"mode\":\"fill\",\"entries\":%llu,\"last_lsn\":%llu,\"map_used_bytes\":%zu,"
           "\"seconds\":%.1f}\n",
           (unsigned long long)count, (unsigned long long)info.last_lsn, info.map_used_bytes,
           (double)(bench_now_us() - start_us) / 1e6);
    ledger_close(filling->ledger);
    crypto_destroy(filling->crypto);
    free(filling);
    return r < 0;
}

int bench_wait(const char *socket_path, unsigned seconds)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    uint64_t end_us = bench_now_us() + (uint64_t)seconds * 1000000;

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
    while (bench_now_us() < end_us) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int r = connect(fd, (struct sockaddr *)&address, sizeof(address));
        struct timespec pause = {.tv_nsec = RETRY_US * 1000};

        (void)close(fd);
        if (r == 0) {
            printf("{\"mode\":\"wait\",\"at_us\":%llu}\n", (unsigned long long)bench_now_us());
            return 0;
        }
        (void)nanosleep(&pause, NULL);
    }
    return 1;
}
