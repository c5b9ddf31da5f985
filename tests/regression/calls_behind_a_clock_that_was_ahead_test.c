/* Found by the simulator (seed 42 of a tree in which credentials shift the rest): a unit's clock had been ahead, so
 * that for the rest of the day each call was given the newest call's time; among calls of one time boards went by the
 * number of the entry. Then the units met, the ledger that went on was the shorter one, and ten calls of the longer one
 * had higher numbers than any call to come: counters called, and no board showed it. */
#include "tests/unit/queue_fixture.h"

enum { ADOPTED = 10, HIGH_LSN = 5000, LOW_LSN = 200, SHOWN = 10, AHEAD_MS = 60 * MINUTE_MS };

static void call_one(struct office *office)
{
    (void)issue(office, 1);
    assert_int_equal(press(office, QUEUE_CALL_NEXT, 1), QUEUE_OK);
    assert_int_equal(press(office, QUEUE_COMPLETE, 1), QUEUE_OK);
}

static void a_call_is_the_newest_one_whatever_ledger_the_others_are_of(void **state)
{
    struct office *office = office_open();
    const struct queue_ticket *shown[SHOWN];

    (void)state;
    open_counter(office, 1);
    office->now_ms += AHEAD_MS;
    call_one(office);
    office->now_ms -= AHEAD_MS; /* put right; calls stay where boards have them */
    office->lsn = HIGH_LSN;     /* what the other unit's ledger had reached */
    for (int i = 0; i < ADOPTED; i++) {
        call_one(office);
    }
    office->lsn = LOW_LSN; /* and ours, that goes on */
    for (int i = 0; i < 3; i++) {
        uint64_t before = office->lsn;

        call_one(office);
        assert_int_equal(queue_newest_calls(office->queue, shown, SHOWN), SHOWN);
        assert_true(shown[0]->call.lsn > before && shown[0]->call.lsn < HIGH_LSN);
    }
    office_free(office);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_the_newest_one_whatever_ledger_the_others_are_of),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
