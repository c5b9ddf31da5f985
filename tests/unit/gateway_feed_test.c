/* What may pass from a relay on another host to toband: three questions, and nothing of them that is not a visitor's. */
#include "appliance/gateway/feed.h"
#include "appliance/queue/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { BYTE_MAX = 255, LAST_TYPE = 140 };

static const struct ids_token ticket = {{1, 2, 3}};

/* Everything that a relay could write into a frame. */
static struct api_request full(uint8_t type)
{
    struct api_request request;

    memset(&request, 0x11, sizeof(request));
    request.type = type;
    request.id = 7;
    request.from.via = API_VIA_LOCAL;
    return request;
}

static bool is_public_read(unsigned what)
{
    return what == API_READ_QUEUE || what == API_READ_DAY || what == API_READ_TICKET;
}

static void of_reads_only_what_is_public_passes(void **state)
{
    (void)state;
    for (unsigned what = 0; what <= BYTE_MAX; what++) {
        struct api_request request = full(API_READ);

        request.read.what = (uint8_t)what;
        assert_int_equal(feed_question_passes(&request), is_public_read(what));
    }
}

static void of_commands_only_a_visitors_cancelling_passes(void **state)
{
    (void)state;
    for (unsigned action = 0; action <= BYTE_MAX; action++) {
        struct api_request request = full(API_COMMAND);

        request.command.action = (uint8_t)action;
        assert_int_equal(feed_question_passes(&request), action == QUEUE_CANCEL);
    }
}

static void of_other_frames_only_the_subscription_passes(void **state)
{
    (void)state;
    for (unsigned type = 0; type <= LAST_TYPE; type++) {
        struct api_request request = full((uint8_t)type);

        if (type != API_READ && type != API_COMMAND) {
            assert_int_equal(feed_question_passes(&request), type == API_SUBSCRIBE);
        }
    }
}

/* By a number anybody could guess; by its id only who holds it. */
static void a_ticket_is_named_by_its_id_alone(void **state)
{
    struct api_request request = full(API_READ);

    (void)state;
    request.read.what = API_READ_TICKET;
    memset(&request.read.ticket, 0, sizeof(request.read.ticket));
    assert_false(feed_question_passes(&request));
    request = full(API_COMMAND);
    request.command.action = QUEUE_CANCEL;
    memset(&request.command.ticket, 0, sizeof(request.command.ticket));
    assert_false(feed_question_passes(&request));
}

static void nobody_speaks_for_root_or_with_a_credential(void **state)
{
    const struct api_from nobody = {.via = API_VIA_WEB};
    struct api_request request = full(API_COMMAND);
    struct api_command only;

    (void)state;
    request.command.action = QUEUE_CANCEL;
    request.command.ticket = ticket;
    only = (struct api_command){.action = QUEUE_CANCEL,
                                .actor = API_ACTOR_VISITOR,
                                .key = request.command.key,
                                .body_hash = request.command.body_hash,
                                .ticket = ticket};
    assert_true(feed_question_passes(&request));
    assert_memory_equal(&request.from, &nobody, sizeof(nobody));
    assert_int_equal(request.command.actor, only.actor);
    assert_int_equal(request.command.number, 0);
    assert_int_equal(request.command.counter, 0);
    assert_int_equal(request.command.more.has_note, 0);
    request = full(API_READ);
    request.read.what = API_READ_TICKET;
    assert_true(feed_question_passes(&request));
    assert_int_equal(request.read.number, 0);
    assert_int_equal(request.read.text[0], 0);
}

/* The relay's own words get the name that its certificate has, whatever stands there. */
static void a_relay_speaks_for_itself_alone(void **state)
{
    (void)state;
    for (unsigned type = 0; type <= LAST_TYPE; type++) {
        struct api_request request = full((uint8_t)type);
        const struct api_from nobody = {.via = API_VIA_WEB};

        assert_int_equal(feed_word_passes(&request, "toban-relay"),
                         type == API_RELAY || type == API_RELAY_ERASED);
        assert_memory_equal(&request.from, &nobody, sizeof(nobody));
        if (type == API_RELAY) {
            assert_string_equal(request.relay.relay, "toban-relay");
        } else if (type == API_RELAY_ERASED) {
            assert_string_equal(request.erased.relay, "toban-relay");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_reads_only_what_is_public_passes),
        cmocka_unit_test(of_commands_only_a_visitors_cancelling_passes),
        cmocka_unit_test(of_other_frames_only_the_subscription_passes),
        cmocka_unit_test(a_ticket_is_named_by_its_id_alone),
        cmocka_unit_test(nobody_speaks_for_root_or_with_a_credential),
        cmocka_unit_test(a_relay_speaks_for_itself_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
