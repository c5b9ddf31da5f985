/* The simulator's oracles speak: each is shown a quiet day in which one thing that it looks at is spoiled. */
#include "tests/sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void the_oracle_speaks(void **state)
{
    enum sim_spoil spoil = *(const enum sim_spoil *)*state;
    char why[SIM_WHY_BYTES];

    if (!sim_spoil_is_noticed(spoil, why)) {
        fail_msg("%s: %s", sim_spoil_name(spoil), why[0] == '\0' ? "nothing was noticed" : why);
    }
}

int main(void)
{
    static struct CMUnitTest tests[SPOIL_COUNT];
    static enum sim_spoil spoils[SPOIL_COUNT];

    for (int i = 0; i < SPOIL_COUNT; i++) {
        spoils[i] = (enum sim_spoil)i;
        tests[i] = (struct CMUnitTest){.name = sim_spoil_name(spoils[i]),
                                       .test_func = the_oracle_speaks,
                                       .initial_state = &spoils[i]};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
