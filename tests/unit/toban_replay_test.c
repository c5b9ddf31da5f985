/* toban replay: a recording is told again; a damaged one is refused, whatever its bytes claim to be. Found by
 * tests/fuzz/replay_file_fuzz.c: a bool that was neither, a second start, a clock at the end of time. */
#include "tests/unit/screen_fixture.h"

#include "base/check.h"
#include "cluster/duty/duty.h"

#include <sys/mman.h>
#include <unistd.h>

enum { STEPS = 3 };

struct step {
    struct duty_event event;
    struct duty_actions actions;
};

/* What one recording of `steps` is answered. */
static int replayed(const struct step *steps)
{
    const struct duty_options options = {.unit = 1, .peer_unit = 2};
    const struct duty_trace_head head = duty_trace_head(&options);
    struct screen *screen = screen_create(false);
    int fd = memfd_create("recording", MFD_CLOEXEC);
    char path[64];
    char *words[] = {path, NULL};

    assert_true(fd >= 0 && write(fd, &head, sizeof(head)) == (ssize_t)sizeof(head));
    for (size_t i = 0; i < STEPS; i++) {
        assert_true(write(fd, &steps[i].event, sizeof(steps[i].event)) > 0);
        assert_true(write(fd, &steps[i].actions, sizeof(steps[i].actions)) > 0);
    }
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int status = command_replay(&screen->toban, 1, words);
    screen_destroy(screen);
    (void)close(fd);
    return status;
}

/* A start, a service link that works, and time. */
static void fill(struct step steps[STEPS])
{
    const struct duty_options options = {.unit = 1, .peer_unit = 2};
    struct duty duty;

    memset(steps, 0, STEPS * sizeof(*steps));
    steps[0].event.kind = DUTY_STARTED;
    steps[0].event.started.process = 9;
    steps[1].event.kind = DUTY_SERVICE_LINK;
    steps[1].event.level = true;
    steps[2].event.kind = DUTY_TIMEOUT;
    duty_init(&duty, &options);
    for (size_t i = 0; i < STEPS; i++) {
        steps[i].event.now_ms = 1000 * (i + 1);
        duty_step(&duty, &steps[i].event, &steps[i].actions);
    }
}

static void a_sound_recording_is_decided_the_same(void **state)
{
    struct step steps[STEPS];

    (void)state;
    fill(steps);
    assert_int_equal(replayed(steps), TOBAN_OK);
}

static void a_damaged_recording_is_refused(void **state)
{
    static const uint8_t neither = 216;
    struct step steps[STEPS];

    (void)state;
    fill(steps);
    memcpy(&steps[1].event.level, &neither, 1);
    assert_int_equal(replayed(steps), TOBAN_NO);
    fill(steps);
    memcpy(&steps[0].event.started.retired, &neither, 1);
    assert_int_equal(replayed(steps), TOBAN_NO);
    fill(steps);
    steps[1] = steps[0]; /* started twice */
    assert_int_equal(replayed(steps), TOBAN_NO);
    fill(steps);
    steps[0].event.started.process = 0;
    assert_int_equal(replayed(steps), TOBAN_NO);
    fill(steps);
    steps[0].event.started.term.number = 5; /* that names nobody */
    assert_int_equal(replayed(steps), TOBAN_NO);
    fill(steps);
    steps[2].event.now_ms = UINT64_MAX;
    assert_int_equal(replayed(steps), TOBAN_NO);
    fill(steps);
    steps[1].event.kind = DUTY_WORD; /* of nobody */
    assert_int_equal(replayed(steps), TOBAN_NO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_recording_is_decided_the_same),
        cmocka_unit_test(a_damaged_recording_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
