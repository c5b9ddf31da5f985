/* What `toban explain` says is what duty would do: each forecast is held against the same thing really happening to
 * the bench, and forecasting never changes or breaks anything, whatever the state. */
#include "base/check.h"
#include "tests/unit/duty_fixture.h"

enum { RANDOM_STEPS = 20000, AFTER_SLACK_MS = 2 * DUTY_WORD_INTERVAL_MS };

static struct duty_then foresee(const struct bench *bench, enum duty_if what)
{
    struct duty_then then = {0};

    assert_true(duty_foresee(&bench->duty, what, &then));
    return then;
}

static void assert_then(const struct bench *bench, enum duty_if what, enum duty_state state,
                        enum duty_reason reason)
{
    struct duty_then then = foresee(bench, what);

    assert_int_equal(then.state, state);
    assert_int_equal(then.reason, reason);
}

static void assert_stays(const struct bench *bench, enum duty_if what)
{
    struct duty_then then = foresee(bench, what);

    assert_false(then.changes);
    assert_int_equal(then.state, bench->duty.state);
}

static void a_spare_says_when_it_would_serve_and_then_does(void **state)
{
    struct bench bench;
    struct duty_then then;
    uint64_t began_ms;

    (void)state;
    be_spare(&bench);
    then = foresee(&bench, DUTY_IF_PEER_SILENT);
    assert_true(then.changes);
    assert_int_equal(then.state, DUTY_ALONE);
    assert_int_equal(then.serve, DUTY_SERVE_LETTER);
    assert_int_equal(then.reason, DUTY_REASON_PEER_MUTE);

    bench.talks = false;
    began_ms = bench.now_ms;
    while (bench.duty.state == DUTY_PAIRED_SPARE) {
        run_ms(&bench, 1);
    }
    tell_probe(&bench, DUTY_PROBE_SILENT);
    session_is_stored(&bench, 1);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
    assert_in_range(then.after_ms + AFTER_SLACK_MS - (bench.now_ms - began_ms), 0,
                    2 * AFTER_SLACK_MS);
}

static void a_spare_that_is_not_needed_says_that_it_will_wait(void **state)
{
    struct bench bench;

    (void)state;
    be_spare(&bench);
    tell_level(&bench, DUTY_NEEDED, false);
    assert_then(&bench, DUTY_IF_PEER_SILENT, DUTY_WAITING, DUTY_REASON_NOT_NEEDED);
    assert_stays(&bench, DUTY_IF_NEEDED);
    bench.talks = false;
    run_ms(&bench, 1000);
    assert_then(&bench, DUTY_IF_NEEDED, DUTY_ALONE, DUTY_REASON_PEER_MUTE);
    assert_stays(&bench, DUTY_IF_TIME_PASSES);
}

static void a_spare_without_its_cable_says_that_nobody_would_serve(void **state)
{
    struct bench bench;

    (void)state;
    be_spare(&bench);
    assert_stays(&bench, DUTY_IF_LINK_LOST);
    tell_level(&bench, DUTY_SERVICE_LINK, false);
    assert_then(&bench, DUTY_IF_PEER_SILENT, DUTY_WAITING, DUTY_REASON_NO_SERVICE_LINK);
    assert_stays(&bench, DUTY_IF_LINK_BACK);
    assert_false(duty_foresee(&bench.duty, DUTY_IF_LINK_LOST, &(struct duty_then){0}));
}

static void a_unit_on_duty_says_what_would_take_it_from_it(void **state)
{
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    bench.peer.service_link_ms = 60000;
    assert_then(&bench, DUTY_IF_PEER_SILENT, DUTY_ALONE, DUTY_REASON_PEER_MUTE);
    assert_then(&bench, DUTY_IF_HANDOVER, DUTY_PAIRED_SPARE, DUTY_REASON_PEER_SERVES);
    assert_then(&bench, DUTY_IF_LINK_LOST, DUTY_PAIRED_SPARE, DUTY_REASON_PEER_SERVES);
    assert_in_range(foresee(&bench, DUTY_IF_LINK_LOST).after_ms, DUTY_LINK_JUDGE_MS,
                    DUTY_LINK_JUDGE_MS + AFTER_SLACK_MS);
    /* Duty moves first, then the unit stops (promise 11). */
    assert_int_not_equal(foresee(&bench, DUTY_IF_UNFIT).serve, DUTY_SERVE_PLAIN);
    assert_int_not_equal(foresee(&bench, DUTY_IF_STOP).serve, DUTY_SERVE_PLAIN);
    assert_false(duty_foresee(&bench.duty, DUTY_IF_PEER_RETURNS, &(struct duty_then){0}));
    assert_false(duty_foresee(&bench.duty, DUTY_IF_RESUME, &(struct duty_then){0}));
    assert_false(duty_foresee(&bench.duty, DUTY_IF_FIT, &(struct duty_then){0}));
    assert_false(duty_foresee(&bench.duty, DUTY_IF_COUNT, &(struct duty_then){0}));
}

static void a_spare_whose_cable_is_young_is_not_handed_duty(void **state)
{
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    bench.peer.service_link = false;
    hear(&bench);
    assert_stays(&bench, DUTY_IF_HANDOVER);
    assert_stays(&bench, DUTY_IF_LINK_LOST);
    assert_then(&bench, DUTY_IF_STOP, DUTY_STOPPED, DUTY_REASON_OPERATOR);
    assert_then(&bench, DUTY_IF_UNFIT, DUTY_STOPPED, DUTY_REASON_DISK_FULL);
}

static void a_unit_alone_says_what_brings_plain_numbers_back(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, LOW, 5); /* the peer was never heard: whom the term names is played */
    assert_then(&bench, DUTY_IF_PEER_RETURNS, DUTY_PAIRED_DUTY, DUTY_REASON_NONE);
    assert_int_equal(foresee(&bench, DUTY_IF_PEER_RETURNS).serve, DUTY_SERVE_PLAIN);
    assert_then(&bench, DUTY_IF_LINK_LOST, DUTY_WAITING, DUTY_REASON_NO_SERVICE_LINK);
    assert_in_range(foresee(&bench, DUTY_IF_LINK_LOST).after_ms, DUTY_LINK_LOST_MS,
                    DUTY_LINK_LOST_MS + AFTER_SLACK_MS);
    assert_stays(&bench, DUTY_IF_TIME_PASSES);
    serve_alone(&bench, HIGH, 5);
    assert_then(&bench, DUTY_IF_PEER_RETURNS, DUTY_PAIRED_DUTY, DUTY_REASON_NONE);
}

static void an_unsteady_pair_says_how_long_it_will_wait(void **state)
{
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    for (int i = 0; i < 4; i++) {
        bench.talks = false;
        run_ms(&bench, 2 * DUTY_MUTE_MS);
        session_is_stored(&bench, (uint32_t)i + 1);
        peer_is(&bench, DUTY_WAITING, DUTY_SERVE_NOT, bench.duty.term.number, LOW);
        meet_until_mint(&bench);
        while (bench.duty.state != DUTY_MINTING) {
            run_ms(&bench, DUTY_WORD_INTERVAL_MS);
        }
        confirm(&bench, bench.minted);
        assert_int_equal(bench.duty.state, DUTY_PAIRED_DUTY);
        peer_is(&bench, DUTY_PAIRED_SPARE, DUTY_SERVE_NOT, bench.duty.term.number, LOW);
        hear(&bench);
    }
    bench.talks = false;
    run_ms(&bench, 2 * DUTY_MUTE_MS);
    session_is_stored(&bench, 9);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
    assert_in_range(foresee(&bench, DUTY_IF_PEER_RETURNS).after_ms, bench.duty.steady_wait_ms,
                    bench.duty.steady_wait_ms + 1000);
}

static void a_unit_that_booted_alone_counts_down(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    run_ms(&bench, 10000);
    assert_then(&bench, DUTY_IF_TIME_PASSES, DUTY_ALONE, DUTY_REASON_PEER_NEVER_SEEN);
    assert_in_range(foresee(&bench, DUTY_IF_TIME_PASSES).after_ms, DUTY_LONE_BOOT_MS - 10000 - 1,
                    DUTY_LONE_BOOT_MS - 10000 + AFTER_SLACK_MS);
    assert_int_equal(foresee(&bench, DUTY_IF_PEER_RETURNS).serve, DUTY_SERVE_PLAIN);
}

static void a_stranger_on_the_address_stays_one(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    run_ms(&bench, DUTY_LONE_BOOT_MS);
    tell_probe(&bench, DUTY_PROBE_STRANGER);
    assert_int_equal(bench.duty.reason, DUTY_REASON_ADDRESS_STRANGER);
    assert_then(&bench, DUTY_IF_TIME_PASSES, DUTY_WAITING, DUTY_REASON_ADDRESS_STRANGER);
}

static void what_is_stopped_says_what_would_start_it(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, LOW, 5);
    order(&bench, DUTY_OPERATOR_STOP);
    assert_int_equal(bench.duty.state, DUTY_STOPPED);
    assert_then(&bench, DUTY_IF_RESUME, DUTY_ALONE, DUTY_REASON_PEER_NEVER_SEEN);
    order(&bench, DUTY_OPERATOR_RESUME);
    tell(&bench, (struct duty_event){.kind = DUTY_HEALTH, .health = {.fit = false}});
    assert_int_equal(bench.duty.reason, DUTY_REASON_DAMAGED);
    assert_then(&bench, DUTY_IF_FIT, DUTY_ALONE, DUTY_REASON_PEER_NEVER_SEEN);
}

static void in_a_meeting_both_sides_see_its_end(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, LOW, 5);
    peer_meets(&bench, LOW);
    assert_int_equal(bench.duty.state, DUTY_MEETING_SOURCE);
    assert_then(&bench, DUTY_IF_PEER_SILENT, DUTY_ALONE, DUTY_REASON_PEER_MUTE);
    assert_then(&bench, DUTY_IF_LINK_LOST, DUTY_PAIRED_DUTY, DUTY_REASON_NONE);

    start_unit(&bench, HIGH, 5); /* our own disk is behind: the other is the source */
    bench.talks = false;
    bench.peer.last_lsn = 900;
    hear(&bench);
    bench.talks = false;
    run_ms(&bench, 1000);
    assert_false(bench.duty.agreed);
    assert_then(&bench, DUTY_IF_PEER_RETURNS, DUTY_PAIRED_SPARE, DUTY_REASON_PEER_SERVES);
}

static void nothing_is_foreseen_before_the_ledger_was_read(void **state)
{
    struct duty_options options = {
        .unit = LOW, .hardware = name_of(LOW).hardware, .peer_unit = HIGH};
    struct duty duty;

    (void)state;
    duty_init(&duty, &options);
    for (unsigned i = 0; i < DUTY_IF_COUNT; i++) {
        assert_false(duty_foresee(&duty, (enum duty_if)i, &(struct duty_then){0}));
    }
}

static uint32_t draw(uint64_t *random, uint32_t below)
{
    *random = *random * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*random >> 33) % below;
}

static struct duty_event draw_event(struct bench *bench, uint64_t *random)
{
    struct duty_event event = {.kind = (enum duty_event_kind)draw(random, DUTY_EVENT_COUNT)};

    switch (event.kind) {
    case DUTY_WORD:
        bench->peer.heard_process = draw(random, 4) != 0 ? bench->duty.word.process : 5;
        bench->peer.heard_contact = bench->duty.word.contact - (draw(random, 8) == 0);
        bench->peer.state = (uint8_t)draw(random, DUTY_STATE_COUNT);
        bench->peer.serve = (uint8_t)draw(random, 3);
        bench->peer.source = draw(random, 3);
        bench->peer.tail_closed = draw(random, 2) != 0;
        bench->peer.leaving = draw(random, 20) == 0;
        bench->peer.blank = draw(random, 12) == 0;
        bench->peer.process += draw(random, 30) == 0;
        bench->peer.sequence++;
        event.word = bench->peer;
        break;
    case DUTY_SERVICE_LINK:
    case DUTY_NEEDED:
        event.level = draw(random, 3) != 0;
        break;
    case DUTY_ADDRESS_PROBED:
        event.probe = (enum duty_probe)draw(random, 4);
        break;
    case DUTY_HEALTH:
        event.health.fit = draw(random, 4) != 0;
        event.health.full = draw(random, 2) != 0;
        break;
    case DUTY_OPERATOR:
        event.operator_order = (enum duty_operator)draw(random, 3);
        break;
    case DUTY_PEER_PROCESS:
        event.peer_process = (enum duty_peer_process)draw(random, 4);
        break;
    case DUTY_SESSION_STORED:
        event.series = (struct ids_series){LOW, bench->duty.series.session + 1};
        break;
    case DUTY_TERM_CONFIRMED:
    case DUTY_TERM_OBEYED:
        event.term = bench->duty.term;
        break;
    case DUTY_CONTACT_BROKEN:
    case DUTY_MEETING_BROKEN:
        event.reason = DUTY_REASON_NO_ACKNOWLEDGEMENT;
        break;
    case DUTY_LEDGER:
        event.ledger.last_lsn = 100;
        event.ledger.blank = draw(random, 20) == 0;
        break;
    case DUTY_ADDRESS_CONTESTED:
        event.by_peer = draw(random, 2) != 0;
        break;
    case DUTY_STARTED:
    case DUTY_TIMEOUT:
    case DUTY_LINKS_CLOSED:
    case DUTY_TAIL_CLOSED:
    case DUTY_MEETING_READY:
    case DUTY_EVENT_COUNT:
        event.kind = DUTY_TIMEOUT;
        break;
    }
    return event;
}

/* duty_step CHECKs its invariants: a forecast that would break one ends this test. */
static void whatever_happened_a_forecast_is_possible_and_changes_nothing(void **state)
{
    struct bench bench;
    uint64_t random = 20261124;
    uint32_t seen = 0;

    (void)state;
    start_unit(&bench, LOW, 5);
    for (int step = 0; step < RANDOM_STEPS; step++) {
        struct duty before;

        if (step % 200 == 0) {
            if (draw(&random, 2) == 0) {
                be_on_duty(&bench);
            } else {
                be_spare(&bench);
            }
        }
        bench.now_ms += draw(&random, 120);
        tell(&bench, draw_event(&bench, &random));
        before = bench.duty;
        for (unsigned i = 0; i < DUTY_IF_COUNT && step % 10 == 0; i++) {
            struct duty_then then;

            if (duty_foresee(&bench.duty, (enum duty_if)i, &then)) {
                seen |= 1U << then.state;
                assert_true(then.state < DUTY_STATE_COUNT && then.reason < DUTY_REASON_COUNT);
            }
        }
        assert_memory_equal(&before, &bench.duty, sizeof(before));
    }
    assert_true((seen & (1U << DUTY_PAIRED_DUTY)) != 0 && (seen & (1U << DUTY_ALONE)) != 0);
    assert_true((seen & (1U << DUTY_WAITING)) != 0 && (seen & (1U << DUTY_STOPPED)) != 0);
}

static bool is_japanese(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text >= 0xe3 && (unsigned char)*text <= 0xe9) {
            return true;
        }
    }
    return false;
}

static void assert_said(const char *ja, const char *en)
{
    assert_true(is_japanese(ja));
    assert_true(strlen(en) > 4);
    assert_false(is_japanese(en));
}

static void every_state_reason_and_supposition_is_said_in_both_languages(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DUTY_STATE_COUNT; i++) {
        assert_said(duty_state_ja((enum duty_state)i), duty_state_en((enum duty_state)i));
    }
    for (unsigned i = 0; i < DUTY_REASON_COUNT; i++) {
        enum duty_reason reason = (enum duty_reason)i;

        assert_said(duty_reason_ja(reason), duty_reason_en(reason));
        assert_said(duty_reason_ends_ja(reason), duty_reason_ends_en(reason));
    }
    for (unsigned i = 0; i < DUTY_IF_COUNT; i++) {
        enum duty_if what = (enum duty_if)i;

        assert_said(duty_if_ja(what), duty_if_en(what));
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(duty_if_code(what), duty_if_code((enum duty_if)j));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spare_says_when_it_would_serve_and_then_does),
        cmocka_unit_test(a_spare_that_is_not_needed_says_that_it_will_wait),
        cmocka_unit_test(a_spare_without_its_cable_says_that_nobody_would_serve),
        cmocka_unit_test(a_unit_on_duty_says_what_would_take_it_from_it),
        cmocka_unit_test(a_spare_whose_cable_is_young_is_not_handed_duty),
        cmocka_unit_test(a_unit_alone_says_what_brings_plain_numbers_back),
        cmocka_unit_test(an_unsteady_pair_says_how_long_it_will_wait),
        cmocka_unit_test(a_unit_that_booted_alone_counts_down),
        cmocka_unit_test(a_stranger_on_the_address_stays_one),
        cmocka_unit_test(what_is_stopped_says_what_would_start_it),
        cmocka_unit_test(in_a_meeting_both_sides_see_its_end),
        cmocka_unit_test(nothing_is_foreseen_before_the_ledger_was_read),
        cmocka_unit_test(whatever_happened_a_forecast_is_possible_and_changes_nothing),
        cmocka_unit_test(every_state_reason_and_supposition_is_said_in_both_languages),
    };

    return cmocka_run_group_tests_name("duty_explain", tests, NULL, NULL);
}
