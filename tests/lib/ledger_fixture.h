/*
 * tests/lib/ledger_fixture.h - a real ledger in a directory of its own, and batches of chained
 * entries.
 *
 * The fixture keeps the chain's head itself, so a test can say what the ledger must hold without
 * asking the ledger. Everything is removed by fixture_finish().
 */
#ifndef TESTS_LIB_LEDGER_FIXTURE_H
#define TESTS_LIB_LEDGER_FIXTURE_H

#include "storage/adapters/crypto.h"
#include "storage/adapters/ledger.h"
#include "storage/entry/entry.h"

#include <stddef.h>
#include <stdint.h>

enum ledger_fixture_limit {
    FIXTURE_PATH_BYTES = 256,
    FIXTURE_WHY_BYTES = 512,
    FIXTURE_ENTRIES_MAX = 256,
    FIXTURE_ENTRY_BYTES = 1024,
};

struct ledger_fixture {
    char root[FIXTURE_PATH_BYTES];
    char data_dir[FIXTURE_PATH_BYTES + 16];
    char record_dir[FIXTURE_PATH_BYTES + 16];
    char why[FIXTURE_WHY_BYTES];
    size_t map_size_bytes;
    struct ledger *ledger;
    struct crypto *crypto;
    uint64_t last_lsn;
    struct ids_hash head;

    uint8_t keys[FIXTURE_ENTRIES_MAX][8];
    uint8_t bytes[FIXTURE_ENTRIES_MAX][FIXTURE_ENTRY_BYTES];
    struct ledger_put entries[FIXTURE_ENTRIES_MAX];
    size_t entry_count;
};

/* map_size_bytes 0: the default. Opens nothing yet. */
void fixture_init(struct ledger_fixture *fixture, size_t map_size_bytes);
void fixture_finish(struct ledger_fixture *fixture);
/* What ledger_open answered; fixture->why tells why. */
int fixture_open(struct ledger_fixture *fixture);
void fixture_close(struct ledger_fixture *fixture);
/* Adds one more chained entry to the gathered ones; `text` becomes its payload. */
void fixture_entry(struct ledger_fixture *fixture, const char *text);
/* A batch of the gathered entries; the next fixture_entry() begins anew. */
struct ledger_batch fixture_batch(struct ledger_fixture *fixture);
/* Goes on after lsn as if everything later had never been. */
void fixture_rewind(struct ledger_fixture *fixture, uint64_t lsn, const struct ids_hash *head);
/* Submits and waits for the completion. */
int fixture_store(struct ledger_fixture *fixture, const struct ledger_batch *batch);
/* `count` entries in batches of `each`. */
int fixture_fill(struct ledger_fixture *fixture, uint64_t count, unsigned each);

#endif
