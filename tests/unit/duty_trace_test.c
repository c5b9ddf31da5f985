/* The head of a recording, and when two lists of actions are the same: what `toban replay` rests on. */
#include "cluster/duty/duty.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void a_recording_is_read_by_its_own_build_only(void **state)
{
    const struct duty_options options = {.unit = 1, .peer_unit = 2};
    struct duty_trace_head head = duty_trace_head(&options);

    (void)state;
    assert_true(duty_trace_head_is_ours(&head));
    assert_int_equal(head.options.peer_unit, 2);
    head.event_bytes++;
    assert_false(duty_trace_head_is_ours(&head));
    head = duty_trace_head(&options);
    head.actions_bytes++;
    assert_false(duty_trace_head_is_ours(&head));
    head = duty_trace_head(&options);
    head.magic[7]++;
    assert_false(duty_trace_head_is_ours(&head));
    head = duty_trace_head(&options);
    head.options.unit = 0;
    assert_false(duty_trace_head_is_ours(&head));
    head.options.unit = IDS_UNIT_ID_MAX + 1;
    assert_false(duty_trace_head_is_ours(&head));
}

static void two_lists_are_the_same_when_each_action_is(void **state)
{
    struct duty_actions a = {.count = 2}, b;

    (void)state;
    a.list[0] = (struct duty_action){.kind = DUTY_SERVE, .serve = DUTY_SERVE_LETTER};
    a.list[1] = (struct duty_action){.kind = DUTY_MINT, .term = {.number = 7, .duty_unit = 1}};
    b = a;
    b.list[2].kind = DUTY_HOLD; /* behind the end */
    assert_true(duty_actions_equal(&a, &b));
    b.list[0].serve = DUTY_SERVE_PLAIN;
    assert_false(duty_actions_equal(&a, &b));
    b = a;
    b.list[0].kind = DUTY_HOLD;
    assert_false(duty_actions_equal(&a, &b));
    b = a;
    b.list[1].term.number++;
    assert_false(duty_actions_equal(&a, &b));
    b = a;
    b.count = 1;
    assert_false(duty_actions_equal(&a, &b));
    a.count = b.count = DUTY_ACTIONS_MAX + 1; /* read from a file that lies */
    assert_false(duty_actions_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recording_is_read_by_its_own_build_only),
        cmocka_unit_test(two_lists_are_the_same_when_each_action_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
