/* Found by tests/fuzz/engine_frame_fuzz.c: the peer ships an entry that is well
 * chained, and whose payload this program cannot read - a peer of a later release does that. The contact was
 * given up, but head and last lsn had moved on; the next batch then looked for an entry that was in no cache,
 * and the unit ended itself, as often as the peer came back. Refused means: nothing has changed. */
#include "appliance/engine/engine_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { BYTES_MAX = 1024 };

static void say(void *context, const char *line)
{
    (void)context;
    (void)line;
}

static size_t chained(struct engine *engine, enum entry_kind kind, const void *payload,
                      size_t payload_bytes, uint8_t bytes[BYTES_MAX])
{
    struct entry entry = {.kind = (uint16_t)kind,
                          .lsn = engine->last_lsn + 1,
                          .unit = 2,
                          .wall_ms = 1,
                          .payload = payload,
                          .payload_len_bytes = (uint16_t)payload_bytes};
    size_t len_bytes = entry_encode(&entry, bytes, BYTES_MAX - IDS_HASH_BYTES);
    struct ids_hash hash;

    assert_true(len_bytes > 0);
    crypto_chain(engine->crypto, &engine->head, bytes, len_bytes, &hash);
    memcpy(bytes + len_bytes, hash.bytes, IDS_HASH_BYTES);
    return len_bytes + IDS_HASH_BYTES;
}

static void what_cannot_be_folded_leaves_its_place_free(void **state)
{
    static const enum entry_kind kinds[] = {
        ENTRY_CONFIG,     ENTRY_TERM,         ENTRY_SESSION_BEGIN, ENTRY_CHANGE_CLEAR, ENTRY_UNIT,
        ENTRY_CHECKPOINT, ENTRY_CHANGE_VISIT, ENTRY_STATISTIC,     ENTRY_VISITS};
    static struct queue_config config;
    static struct calendar calendar;
    static const uint8_t nonsense[] = {99, 99, 99};
    const struct world world = {.log = say};
    struct engine_options options = {.world = &world,
                                     .duty = {.unit = 1, .peer_unit = 2},
                                     .config = &config,
                                     .calendar = &calendar};
    struct engine *engine = engine_create(&options);
    uint8_t bytes[BYTES_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const struct ids_hash head = engine->head;
        const uint64_t last_lsn = engine->last_lsn;
        size_t len_bytes;

        engine->state.sound = true;
        len_bytes = chained(engine, kinds[i], nonsense, sizeof(nonsense), bytes);
        assert_true(engine_append_foreign(engine, bytes, len_bytes) < 0);
        assert_int_equal(engine->last_lsn, last_lsn);
        assert_memory_equal(&engine->head, &head, sizeof(head));
        assert_int_equal(engine->state.newest_wall_ms, i == 0 ? 0 : 1);
        len_bytes = chained(engine, ENTRY_SESSION_END, NULL, 0, bytes); /* the place is free */
        assert_int_equal(engine_append_foreign(engine, bytes, len_bytes), 0);
        assert_int_equal(engine->last_lsn, last_lsn + 1);
    }
    engine_destroy(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_folded_leaves_its_place_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
