/*
 * The story (simulator, seed 28 with 20 faults): an answer is kept under a name that holds its lsn. When a
 * meeting joined two tickets of one key, the answer was written anew, under another name; the old name
 * stayed among the rows, and the digest took away a hash that was never added. The unit that had been live
 * at the meeting and the one that folded the log from disk then had different digests at one lsn, and the
 * unit on duty stopped at the first word it heard.
 */
#include "appliance/engine/engine_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct queue_row answer(uint64_t lsn)
{
    struct queue_row row = {.kind = QUEUE_ROW_KEY};

    row.key.lsn = lsn;
    row.key.key.bytes[0] = 0x2a;
    return row;
}

static void a_renamed_row_leaves_nothing_behind(void **state)
{
    struct engine *engine = calloc(1, sizeof(*engine));
    struct queue_row none = {0}, first = answer(7), second = answer(9);
    uint64_t digest[4];

    (void)state;
    assert_non_null(engine);
    engine->crypto = crypto_create();
    rows_touched(engine, &none, &first);
    rows_touched(engine, &first, &second);
    memcpy(digest, engine->digest, sizeof(digest));
    rows_digest_begin(engine);
    rows_seen(engine, &none, &second);
    assert_memory_equal(digest, engine->digest, sizeof(digest)); /* as a fold of the log sees it */
    assert_int_equal(engine->dirty_count, 2);
    assert_int_equal(engine->dirty[0].after.kind, 0); /* the old name goes from the disk, too */
    assert_int_equal(engine->dirty[1].after.key.lsn, 9);
    crypto_destroy(engine->crypto);
    free(engine->dirty);
    free(engine->dirty_index);
    free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_renamed_row_leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
