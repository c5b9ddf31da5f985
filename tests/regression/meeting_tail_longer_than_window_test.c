/*
 * The story (simulator, seed 39 with 20 faults): one unit served alone for long while the other's disk
 * was rolled back. At the meeting the tail to be taken was longer than SHIP_WINDOW_ENTRIES. The other
 * stages such a tail in memory and makes nothing durable before it is whole, so it had nothing to
 * acknowledge; the window, which only a durable acknowledgement opened, stayed shut, and the two stood
 * in the meeting for ever. Since then an acknowledgement says two things: durable up to here, and
 * arrived up to there; what has arrived opens the window, what is durable is acknowledged. A seed tells
 * the same story only until the next change of the engine, so the story is told here to the window itself.
 */
#include "storage/ship/ship.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_tail_longer_than_the_window_is_staged_to_its_end(void **state)
{
    enum { COMMON_LSN = 500, TAIL_ENTRIES = 3 * SHIP_WINDOW_ENTRIES + 7 };
    struct ship_sender sender;
    uint64_t first_lsn, last_lsn, staged_lsn = COMMON_LSN, now_ms = 1000;

    (void)state;
    ship_sender_init(&sender, COMMON_LSN);
    while (staged_lsn < COMMON_LSN + TAIL_ENTRIES) {
        assert_true(
            ship_sender_next(&sender, COMMON_LSN + TAIL_ENTRIES, now_ms, &first_lsn, &last_lsn));
        assert_int_equal(first_lsn, staged_lsn + 1);
        ship_sender_sent(&sender, last_lsn, now_ms);
        staged_lsn = last_lsn;
        (void)ship_sender_acked(&sender, COMMON_LSN, staged_lsn, ++now_ms);
        assert_int_equal(sender.acked_lsn, COMMON_LSN);
    }
    assert_true(
        ship_sender_acked(&sender, staged_lsn, staged_lsn, ++now_ms)); /* the swap is durable */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tail_longer_than_the_window_is_staged_to_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
