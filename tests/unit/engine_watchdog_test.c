/* What toban-watchdog told stands in the status, for as long as it goes on telling; what is not known is null. */
#include "appliance/engine/engine_internal.h"
#include "watchdog/adapters/canary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { SOME_MS = 1000000, SILENT_MS = 3000, PATH_BYTES = 64 };

static const struct world world;

static int set_up(void **state)
{
    static struct queue_config config;
    static struct calendar calendar;
    struct engine_options options = {.world = &world,
                                     .duty = {.unit = 1, .peer_unit = 2},
                                     .config = &config,
                                     .calendar = &calendar,
                                     .unit_name_ja = "1号機",
                                     .unit_name_en = "Unit 1",
                                     .peer_name_ja = "2号機",
                                     .peer_name_en = "Unit 2",
                                     .unit_address = "",
                                     .peer_address = ""};
    struct engine *engine = engine_create(&options);

    engine->now_ms = SOME_MS;
    *state = engine;
    return 0;
}

static int tear_down(void **state)
{
    engine_destroy(*state);
    return 0;
}

/* The own unit comes first. What stands in its watchdog's object, or in that of the other unit. */
static bool says(struct engine *engine, unsigned unit, const char *what)
{
    size_t len_bytes;
    char *text = status_render(engine, &len_bytes), *object = text, *end;
    bool found;

    for (unsigned i = 0; i <= unit; i++) {
        object = strstr(object, "\"watchdog\":");
        assert_non_null(object);
        object++;
    }
    end = strchr(object, '}');
    assert_non_null(end);
    *end = '\0';
    found = strstr(object, what) != NULL;
    free(text);
    return found;
}

static void told(struct engine *engine, struct pet_facts facts)
{
    struct engine_event event = {
        .kind = ENGINE_WATCHDOG, .now_ms = engine->now_ms, .watchdog = &facts};

    assert_int_equal(engine_step(engine, &event), 0);
}

static void nothing_told_is_nothing_known(void **state)
{
    for (unsigned unit = 0; unit < 2; unit++) {
        assert_true(says(*state, unit, "\"armed\":null"));
        assert_true(says(*state, unit, "\"timeout_ms\":null"));
        assert_false(says(*state, unit, "verified"));
    }
}

static void what_was_told_is_said_of_the_own_unit_until_it_is_silent(void **state)
{
    struct engine *engine = *state;
    struct pet_facts facts = {.device = {.armed = true,
                                         .hardware = true,
                                         .stays_armed = true,
                                         .timeout_ms = PET_TIMEOUT_MS},
                              .was_reset = true,
                              .reset_part = PET_STORE,
                              .resets_recent = 1,
                              .tightest_part = PET_COROSYNC,
                              .tightest_ms = 4321};

    told(engine, facts);
    assert_true(says(engine, 0, "\"armed\":true"));
    assert_true(says(engine, 0, "\"verified\":true"));
    assert_true(says(engine, 0, "\"timeout_ms\":10000"));
    assert_true(says(engine, 0, "\"reset_part\":\"STORE\""));
    assert_true(says(engine, 0, "\"tightest_part\":\"COROSYNC\""));
    assert_true(says(engine, 0, "\"tightest_left_ms\":4321"));
    assert_true(says(engine, 1, "\"armed\":null"));

    engine->now_ms += SILENT_MS;
    assert_true(says(engine, 0, "\"armed\":null"));
    assert_true(says(engine, 0, "\"timeout_ms\":null"));

    facts.device.hardware = false;
    facts.reset_part = PET_PART_COUNT;
    told(engine, facts);
    assert_true(says(engine, 0, "\"verified\":false"));
    assert_false(says(engine, 0, "reset_part"));
}

/* The disk works, so nothing is owed for longer than a write takes; a folder that is not there is an error at once. */
static void the_canary_owes_nothing_on_a_disk_that_works(void **state)
{
    char folder[PATH_BYTES] = "/tmp/toban-canary-XXXXXX", file[PATH_BYTES + 8];
    struct canary *canary = NULL;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(file, sizeof(file), "%s/canary", folder);
    assert_true(canary_start("/nonexistent/folder", &canary) < 0);
    assert_int_equal(canary_start(folder, &canary), 0);
    while (canary_overdue_ms(canary) > 0) { /* the first write: PROGRAM_SECONDS bounds it */
    }
    canary_stop(canary);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* /dev/full takes no byte: from the first failure on it is owed, and the time goes on. */
static void a_disk_that_refuses_is_overdue_from_its_first_refusal(void **state)
{
    char folder[PATH_BYTES] = "/tmp/toban-canary-XXXXXX", file[PATH_BYTES + 8];
    struct canary *canary = NULL;
    uint32_t first_ms;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(file, sizeof(file), "%s/canary", folder);
    assert_int_equal(symlink("/dev/full", file), 0);
    assert_int_equal(canary_start(folder, &canary), 0);
    do {
        first_ms = canary_overdue_ms(canary);
    } while (first_ms == 0);
    while (canary_overdue_ms(canary) < first_ms + 20) {
    }
    canary_stop(canary);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_told_is_nothing_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_told_is_said_of_the_own_unit_until_it_is_silent,
                                        set_up, tear_down),
        cmocka_unit_test(the_canary_owes_nothing_on_a_disk_that_works),
        cmocka_unit_test(a_disk_that_refuses_is_overdue_from_its_first_refusal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
