/* Serving alone: rules 2, 3 and 8 of DESIGN 3, as timed transcripts. */
#include "tests/unit/duty_fixture.h"

/* ---- rule 2: when a unit begins to serve alone ------------------------------------------------- */

static void a_lone_boot_serves_after_thirty_seconds_and_not_before(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    run_ms(&bench, DUTY_LONE_BOOT_MS - 1);
    tell_probe(&bench, DUTY_PROBE_SILENT);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    assert_int_equal(bench.duty.reason, DUTY_REASON_PEER_GETS_TIME);
    assert_false(did(&bench, DUTY_BEGIN_SESSION));
    run_ms(&bench, 1);
    assert_int_equal(bench.duty.state, DUTY_TAKING);
    assert_true(did(&bench, DUTY_BEGIN_SESSION));
    assert_int_equal(duty_serves(&bench.duty), DUTY_SERVE_NOT);
    session_is_stored(&bench, 1);
    assert_int_equal(duty_serves(&bench.duty), DUTY_SERVE_LETTER);
    assert_int_equal(bench.served, DUTY_SERVE_LETTER);
    assert_true(did(&bench, DUTY_TAKE_ADDRESS));
    assert_int_equal(bench.duty.reason, DUTY_REASON_PEER_NEVER_SEEN);
}

static void an_office_may_name_another_time_for_a_lone_boot(void **state)
{
    struct duty_options options = {.unit = LOW, .peer_unit = HIGH, .lone_boot_ms = 500};
    struct duty duty;

    (void)state;
    duty_init(&duty, &options);
    assert_int_equal(duty.options.lone_boot_ms, 500);
    options.lone_boot_ms = 0;
    duty_init(&duty, &options);
    assert_int_equal(duty.options.lone_boot_ms, DUTY_LONE_BOOT_MS);
}

static void a_site_with_a_single_unit_waits_for_nobody(void **state)
{
    struct duty_options options = {.unit = LOW, .hardware = name_of(LOW).hardware};
    struct bench bench = {.now_ms = START_MS};
    struct duty_event event = {.kind = DUTY_STARTED, .started = {.process = 11}};

    (void)state;
    duty_init(&bench.duty, &options);
    tell(&bench, event);
    tell_level(&bench, DUTY_SERVICE_LINK, true);
    tell_level(&bench, DUTY_NEEDED, true);
    tell_probe(&bench, DUTY_PROBE_SILENT);
    session_is_stored(&bench, 1);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
    assert_int_equal(bench.duty.reason, DUTY_REASON_SINGLE_UNIT);
    assert_false(did(&bench, DUTY_SEND_WORD)); /* to whom */
}

static void nobody_serves_alone_before_it_has_read_its_ledger(void **state)
{
    struct duty_options options = {.unit = LOW, .peer_unit = HIGH};
    struct bench bench = {.now_ms = START_MS};

    (void)state;
    duty_init(&bench.duty, &options);
    tell_level(&bench, DUTY_SERVICE_LINK, true);
    tell_level(&bench, DUTY_NEEDED, true);
    tell_probe(&bench, DUTY_PROBE_SILENT);
    run_ms(&bench, 2 * DUTY_LONE_BOOT_MS);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    assert_int_equal(duty_why_not_alone(&bench.duty), DUTY_REASON_STARTING);
    assert_false(did(&bench, DUTY_SEND_WORD));
}

static void a_unit_that_nobody_needs_does_not_serve_alone(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    tell_level(&bench, DUTY_NEEDED, false);
    run_ms(&bench, 2 * DUTY_LONE_BOOT_MS);
    assert_int_equal(bench.duty.reason, DUTY_REASON_NOT_NEEDED);
    assert_false(did(&bench, DUTY_BEGIN_SESSION));
    tell_level(&bench, DUTY_NEEDED, true);
    tell_probe(&bench, DUTY_PROBE_SILENT);
    assert_true(did(&bench, DUTY_BEGIN_SESSION));
}

static void a_unit_without_a_service_link_serves_nobody(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    tell_level(&bench, DUTY_SERVICE_LINK, false);
    run_ms(&bench, 2 * DUTY_LONE_BOOT_MS);
    assert_int_equal(bench.duty.reason, DUTY_REASON_NO_SERVICE_LINK);
    assert_int_equal(bench.probe_count, 0);
    tell_level(&bench, DUTY_SERVICE_LINK, true);
    tell_probe(&bench, DUTY_PROBE_SILENT);
    assert_int_equal(bench.duty.state, DUTY_TAKING);
    tell_level(&bench, DUTY_SERVICE_LINK, false); /* lost again while the session is being stored */
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    session_is_stored(&bench, 1);
    assert_int_equal(duty_serves(&bench.duty), DUTY_SERVE_NOT);
}

static void a_blank_unit_never_serves_alone(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 0);
    tell(&bench, (struct duty_event){.kind = DUTY_LEDGER, .ledger = {.blank = true}});
    run_ms(&bench, 2 * DUTY_LONE_BOOT_MS);
    assert_int_equal(bench.duty.reason, DUTY_REASON_BLANK);
    assert_false(did(&bench, DUTY_BEGIN_SESSION));
}

static void the_address_is_asked_again_and_again_until_somebody_says_silent(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    run_ms(&bench, DUTY_LONE_BOOT_MS - 1);
    assert_int_equal(bench.probe_count, 0);
    run_ms(&bench, 1);
    assert_int_equal(bench.probe_count, 1);
    run_ms(&bench, 2 * (DUTY_PROBE_RETRY_MS + DUTY_WORD_INTERVAL_MS));
    assert_int_equal(bench.probe_count, 3);
    assert_int_equal(bench.duty.reason, DUTY_REASON_STARTING);
    tell_probe(&bench, DUTY_PROBE_STRANGER);
    assert_int_equal(bench.duty.reason, DUTY_REASON_ADDRESS_STRANGER);
    run_ms(&bench, DUTY_PROBE_RETRY_MS + DUTY_WORD_INTERVAL_MS);
    assert_int_equal(bench.probe_count, 4);
    tell_probe(&bench, DUTY_PROBE_OWN); /* left over from a process before this one */
    assert_int_equal(bench.duty.state, DUTY_TAKING);
}

static void an_answer_that_has_grown_old_is_asked_for_again(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    tell_probe(&bench, DUTY_PROBE_SILENT);
    run_ms(&bench, DUTY_LONE_BOOT_MS);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    assert_int_equal(bench.probe_count, 1);
}

/* A spare whose contact broke, and whose probe says that the peer's hardware answers. */
static void peer_answers_the_address(struct bench *bench)
{
    be_spare(bench);
    tell_reason(bench, DUTY_CONTACT_BROKEN, DUTY_REASON_NO_ACKNOWLEDGEMENT);
    bench->talks = false;
    tell_probe(bench, DUTY_PROBE_PEER);
    assert_int_equal(bench->duty.state, DUTY_WAITING);
    assert_int_equal(bench->duty.reason, DUTY_REASON_ADDRESS_ANSWERS);
}

static void an_answer_of_the_peer_counts_as_silent_when_it_says_that_it_serves_nobody(void **state)
{
    struct bench bench;

    (void)state;
    peer_answers_the_address(&bench);
    bench.hears_us = false;
    bench.peer.serve = DUTY_SERVE_NOT;
    hear(&bench);
    assert_int_equal(bench.duty.state, DUTY_TAKING);
}

static void an_answer_of_the_peer_counts_as_silent_when_its_process_is_gone(void **state)
{
    struct bench bench;

    (void)state;
    peer_answers_the_address(&bench);
    tell_process(&bench, DUTY_PROCESS_JOINED);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    tell_process(&bench, DUTY_PROCESS_LEFT);
    assert_int_equal(bench.duty.state, DUTY_TAKING);
}

static void a_peer_that_corosync_lost_holds_its_address_while_it_speaks(void **state)
{
    struct bench bench;

    (void)state;
    peer_answers_the_address(&bench);
    bench.hears_us = false;
    bench.talks = true;
    tell_process(&bench, DUTY_PROCESS_LOST);
    for (int i = 0; i < 20; i++) {
        run_ms(&bench, DUTY_WORD_INTERVAL_MS);
        tell_probe(&bench, DUTY_PROBE_PEER);
        assert_int_equal(bench.duty.state, DUTY_WAITING);
    }
    bench.talks = false;
    run_ms(&bench, DUTY_SUSPECT_MS);
    tell_probe(&bench, DUTY_PROBE_PEER);
    assert_int_equal(bench.duty.state, DUTY_TAKING);
}

static void an_answer_of_the_peer_counts_as_silent_when_it_has_been_mute_for_a_second(void **state)
{
    struct bench bench;

    (void)state;
    peer_answers_the_address(&bench);
    run_ms(&bench, DUTY_MUTE_FOR_ADDRESS_MS - 1);
    tell_probe(&bench, DUTY_PROBE_PEER);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    run_ms(&bench, 1);
    tell_probe(&bench, DUTY_PROBE_PEER);
    assert_int_equal(bench.duty.state, DUTY_TAKING);
}

static void a_spare_takes_over_when_the_peer_is_mute_and_the_address_silent(void **state)
{
    struct bench bench;

    (void)state;
    be_spare(&bench);
    bench.talks = false;
    run_ms(&bench, DUTY_MUTE_MS);
    assert_int_equal(bench.duty.state, DUTY_PAIRED_SPARE);
    run_ms(&bench, 1);
    assert_true(did(&bench, DUTY_CONTACT));
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    assert_true(did(&bench, DUTY_PROBE_ADDRESS));
    assert_false(did(&bench, DUTY_BEGIN_SESSION));
    tell_probe(&bench, DUTY_PROBE_SILENT);
    assert_true(did(&bench, DUTY_BEGIN_SESSION));
    session_is_stored(&bench, 1);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
    assert_int_equal(bench.duty.reason, DUTY_REASON_PEER_MUTE);
    assert_true(did(&bench, DUTY_TAKE_ADDRESS));
}

static void a_spare_that_hears_nothing_for_150_ms_asks_for_the_address_beforehand(void **state)
{
    struct bench bench;

    (void)state;
    be_spare(&bench);
    bench.talks = false;
    run_ms(&bench, DUTY_SUSPECT_MS - 1);
    assert_int_equal(bench.probe_count, 0);
    run_ms(&bench, 1);
    assert_int_equal(bench.probe_count, 1);
    assert_int_equal(bench.duty.state, DUTY_PAIRED_SPARE); /* suspicion breaks nothing */
    tell_probe(&bench, DUTY_PROBE_SILENT);
    run_ms(&bench, DUTY_MUTE_MS + 1 - DUTY_SUSPECT_MS);
    assert_int_equal(bench.duty.state, DUTY_TAKING); /* the answer is there already */
}

static void a_unit_on_duty_goes_on_by_letter_at_once_and_keeps_the_address(void **state)
{
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    tell_reason(&bench, DUTY_CONTACT_BROKEN, DUTY_REASON_NO_ACKNOWLEDGEMENT);
    assert_true(bench.holding); /* nothing is refused meanwhile */
    assert_int_equal(bench.duty.state, DUTY_TAKING);
    assert_false(did(&bench, DUTY_DROP_ADDRESS));
    assert_false(did(&bench, DUTY_PROBE_ADDRESS)); /* it is ours */
    session_is_stored(&bench, 1);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
    assert_int_equal(bench.served, DUTY_SERVE_LETTER);
    assert_int_equal(bench.duty.reason, DUTY_REASON_NO_ACKNOWLEDGEMENT);
}

static void a_restarting_peer_gets_150_ms_before_letters_begin(void **state)
{
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    bench.talks = false;
    tell_kind(&bench, DUTY_LINKS_CLOSED);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    assert_true(bench.holding);
    run_ms(&bench, DUTY_RESTART_GRACE_MS - 1);
    assert_false(did(&bench, DUTY_BEGIN_SESSION));
    assert_true(bench.duty.address);
    run_ms(&bench, 1);
    assert_true(did(&bench, DUTY_BEGIN_SESSION));
}

static void a_closed_link_gives_no_time_when_the_carrier_is_dead_too(void **state)
{
    struct bench bench;

    (void)state;
    be_spare(&bench);
    tell_level(&bench, DUTY_SERVICE_LINK, false);
    tell_process(&bench, DUTY_PROCESS_LEFT);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    assert_int_equal(bench.duty.reason, DUTY_REASON_NO_SERVICE_LINK);
    tell_level(&bench, DUTY_SERVICE_LINK, true);
    tell_probe(&bench, DUTY_PROBE_SILENT);
    assert_int_equal(bench.duty.state, DUTY_TAKING);
}

static void a_peer_that_says_farewell_is_not_waited_for(void **state)
{
    struct bench bench;

    (void)state;
    be_spare(&bench);
    bench.peer.leaving = true;
    bench.peer.serve = DUTY_SERVE_NOT;
    hear(&bench);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    tell_probe(&bench, DUTY_PROBE_PEER);
    assert_int_equal(bench.duty.state, DUTY_TAKING);
    session_is_stored(&bench, 1);
    assert_int_equal(bench.duty.reason, DUTY_REASON_PEER_LEFT);
    hear(&bench);
    run_ms(&bench, 100);
    assert_int_equal(bench.duty.state, DUTY_ALONE); /* who leaves is not met */
}

static void held_requests_are_let_go_when_nobody_may_serve_them(void **state)
{
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    tell_level(&bench, DUTY_NEEDED, false);
    tell_reason(&bench, DUTY_CONTACT_BROKEN, DUTY_REASON_NO_ACKNOWLEDGEMENT);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    assert_false(bench.holding);
    assert_int_equal(bench.served, DUTY_SERVE_NOT);
    assert_true(did(&bench, DUTY_DROP_ADDRESS));
}

/* ---- rule 3: what ends a session --------------------------------------------------------------- */

static void a_session_bears_three_seconds_without_service_link_and_no_more(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, LOW, 5);
    tell_level(&bench, DUTY_SERVICE_LINK, false);
    run_ms(&bench, DUTY_LINK_LOST_MS - 1);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
    tell_level(&bench, DUTY_SERVICE_LINK, true);
    run_ms(&bench, 10);
    tell_level(&bench, DUTY_SERVICE_LINK, false);
    run_ms(&bench, DUTY_LINK_LOST_MS - 1);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
    tell_level(&bench, DUTY_SERVICE_LINK, false); /* said again: the time goes on */
    run_ms(&bench, 1 + DUTY_WORD_INTERVAL_MS);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    assert_int_equal(bench.duty.reason, DUTY_REASON_NO_SERVICE_LINK);
    assert_true(did(&bench, DUTY_DROP_ADDRESS));
    assert_int_equal(bench.served, DUTY_SERVE_NOT);
}

static void after_a_session_has_ended_the_next_one_is_asked_for_anew(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, LOW, 5);
    tell_level(&bench, DUTY_SERVICE_LINK, false);
    run_ms(&bench, DUTY_LINK_LOST_MS + DUTY_WORD_INTERVAL_MS);
    clear(&bench);
    tell_level(&bench, DUTY_SERVICE_LINK, true);
    tell_probe(&bench, DUTY_PROBE_SILENT);
    assert_int_equal(bench.session_count, 1);
    session_is_stored(&bench, 2);
    assert_int_equal(bench.duty.series.session, 2);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
}

static void a_closed_office_does_not_end_a_session(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, LOW, 5);
    tell_level(&bench, DUTY_NEEDED, false);
    run_ms(&bench, 5000);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
}

static void an_operator_stops_a_session_and_resumes_with_another(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, LOW, 5);
    order(&bench, DUTY_OPERATOR_STOP);
    assert_int_equal(bench.duty.state, DUTY_STOPPED);
    assert_int_equal(bench.duty.reason, DUTY_REASON_OPERATOR);
    assert_int_equal(bench.served, DUTY_SERVE_NOT);
    assert_true(did(&bench, DUTY_DROP_ADDRESS));
    run_ms(&bench, 5000);
    assert_int_equal(bench.duty.state, DUTY_STOPPED);
    clear(&bench);
    order(&bench, DUTY_OPERATOR_RESUME);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    tell_probe(&bench, DUTY_PROBE_SILENT);
    assert_true(did(&bench, DUTY_BEGIN_SESSION));
}

static void a_damaged_unit_serves_nobody(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, LOW, 5);
    tell_level(&bench, DUTY_HEALTH, false);
    assert_int_equal(bench.duty.state, DUTY_STOPPED);
    assert_int_equal(bench.duty.reason, DUTY_REASON_DAMAGED);
    assert_int_equal(duty_why_not_alone(&bench.duty), DUTY_REASON_DAMAGED);
    order(&bench, DUTY_OPERATOR_RESUME); /* no order mends a disk */
    assert_int_equal(bench.duty.state, DUTY_STOPPED);
    start_unit(&bench, LOW, 5);
    tell_level(&bench, DUTY_HEALTH, false); /* the same while it waits */
    assert_int_equal(bench.duty.state, DUTY_STOPPED);
}

static void an_operator_may_stop_a_unit_that_is_about_to_serve(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    run_ms(&bench, DUTY_LONE_BOOT_MS);
    tell_probe(&bench, DUTY_PROBE_SILENT);
    order(&bench, DUTY_OPERATOR_STOP);
    assert_int_equal(bench.duty.state, DUTY_STOPPED);
    session_is_stored(&bench, 1);
    assert_int_equal(bench.duty.state, DUTY_STOPPED);
    assert_false(did(&bench, DUTY_TAKE_ADDRESS));
}

/* ---- rule 8: the address is announced by somebody else ------------------------------------------ */

static void the_higher_unit_yields_300_ms_after_the_address_was_contested(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, HIGH, 5);
    tell_contest(&bench, true);
    run_ms(&bench, DUTY_CONFLICT_MS - 1);
    tell_contest(&bench, true); /* announced again: the time goes on */
    assert_int_equal(bench.duty.state, DUTY_ALONE);
    run_ms(&bench, 1);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    assert_int_equal(bench.duty.reason, DUTY_REASON_YIELDED);
    assert_true(did(&bench, DUTY_DROP_ADDRESS));
    assert_int_equal(bench.served, DUTY_SERVE_NOT);
}

static void the_lower_unit_stays_and_announces_again(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, LOW, 5);
    tell_contest(&bench, true);
    run_ms(&bench, DUTY_CONFLICT_MS);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
    assert_true(did(&bench, DUTY_TAKE_ADDRESS));
    assert_false(did(&bench, DUTY_DROP_ADDRESS));
}

/* A stranger's announcement made the higher unit yield, and nobody served. */
static void nobody_yields_to_a_stranger(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, HIGH, 5);
    tell_contest(&bench, false);
    assert_true(duty_sees_stranger(&bench.duty));
    run_ms(&bench, DUTY_CONFLICT_MS - 1);
    assert_false(
        did(&bench, DUTY_TAKE_ADDRESS)); /* who never rests is not answered at each breath */
    run_ms(&bench, 1);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
    assert_true(did(&bench, DUTY_TAKE_ADDRESS));
    assert_false(did(&bench, DUTY_DROP_ADDRESS));
    run_ms(&bench, DUTY_STRANGER_SAID_MS);
    assert_false(duty_sees_stranger(&bench.duty)); /* it has been silent for long enough */
}

static void the_peer_is_yielded_to_even_when_a_stranger_was_heard_first(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, HIGH, 5);
    tell_contest(&bench, false);
    run_ms(&bench, DUTY_CONFLICT_MS - 1);
    tell_contest(&bench, true);
    run_ms(&bench, 1);
    assert_int_equal(bench.duty.state, DUTY_ALONE); /* the peer gets its time to meet */
    run_ms(&bench, DUTY_CONFLICT_MS - 1);
    assert_int_equal(bench.duty.reason, DUTY_REASON_YIELDED);
}

static void who_yielded_looks_again_after_three_seconds_doubling_to_sixty(void **state)
{
    static const uint64_t waits_ms[] = {3000, 6000, 12000, 24000, 48000, 60000, 60000};
    struct bench bench;

    (void)state;
    serve_alone(&bench, HIGH, 5);
    for (size_t i = 0; i < sizeof(waits_ms) / sizeof(waits_ms[0]); i++) {
        tell_contest(&bench, true);
        run_ms(&bench, DUTY_CONFLICT_MS);
        assert_int_equal(bench.duty.reason, DUTY_REASON_YIELDED);
        run_ms(&bench, waits_ms[i] - 1);
        tell_probe(&bench, DUTY_PROBE_SILENT);
        assert_int_equal(bench.duty.state, DUTY_WAITING);
        run_ms(&bench, 1 + DUTY_WORD_INTERVAL_MS);
        assert_int_equal(bench.duty.state, DUTY_TAKING);
        session_is_stored(&bench, (uint32_t)i + 2);
    }
}

static void a_unit_that_does_not_hold_the_address_is_not_contested(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, HIGH, 5);
    tell_contest(&bench, true);
    assert_int_equal(bench.duty.ignored_count, 1);
    run_ms(&bench, DUTY_LONE_BOOT_MS);
    tell_probe(&bench, DUTY_PROBE_SILENT);
    session_is_stored(&bench, 1);
    run_ms(&bench, 2 * DUTY_CONFLICT_MS);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
}

static void a_contest_is_forgotten_with_the_session_that_it_was_about(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, HIGH, 5);
    tell_contest(&bench, true);
    order(&bench, DUTY_OPERATOR_STOP);
    run_ms(&bench, 60000);
    order(&bench, DUTY_OPERATOR_RESUME);
    tell_probe(&bench, DUTY_PROBE_SILENT);
    session_is_stored(&bench, 2);
    run_ms(&bench, 2 * DUTY_CONFLICT_MS);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
}

static void a_single_unit_has_nobody_to_yield_to(void **state)
{
    struct duty_options options = {.unit = LOW, .hardware = name_of(LOW).hardware};
    struct bench bench = {.now_ms = START_MS};

    (void)state;
    duty_init(&bench.duty, &options);
    tell(&bench, (struct duty_event){.kind = DUTY_STARTED, .started = {.process = 11}});
    tell_level(&bench, DUTY_SERVICE_LINK, true);
    tell_level(&bench, DUTY_NEEDED, true);
    tell_probe(&bench, DUTY_PROBE_SILENT);
    session_is_stored(&bench, 1);
    clear(&bench);
    tell_contest(&bench, true);
    run_ms(&bench, 2 * DUTY_CONFLICT_MS);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
    assert_true(did(&bench, DUTY_TAKE_ADDRESS));
}

static void a_unit_on_duty_announces_again_when_contested(void **state)
{
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    tell_contest(&bench, true);
    assert_int_equal(bench.duty.state, DUTY_PAIRED_DUTY);
    assert_true(did(&bench, DUTY_TAKE_ADDRESS));
    run_ms(&bench, 2 * DUTY_CONFLICT_MS);
    assert_int_equal(bench.duty.state, DUTY_PAIRED_DUTY);
}

static void a_unit_on_duty_answers_a_stranger_now_and_then(void **state)
{
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    bench.talks = true;
    tell_contest(&bench, false);
    assert_false(did(&bench, DUTY_TAKE_ADDRESS));
    run_ms(&bench, DUTY_CONFLICT_MS + DUTY_WORD_INTERVAL_MS);
    assert_true(did(&bench, DUTY_TAKE_ADDRESS));
    assert_int_equal(bench.duty.state, DUTY_PAIRED_DUTY);
    assert_true(duty_sees_stranger(&bench.duty));
}

/* Rule 12: after a resume it still said that an operator had stopped it, to people who were being served. */
static void letters_say_why_they_are_letters_now(void **state)
{
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    bench.peer.service_link = false; /* cannot take duty */
    hear(&bench);
    order(&bench, DUTY_OPERATOR_STOP);
    assert_int_equal(bench.duty.reason, DUTY_REASON_OPERATOR);
    run_ms(&bench, 5000); /* and it falls silent */
    order(&bench, DUTY_OPERATOR_RESUME);
    tell_probe(&bench, DUTY_PROBE_SILENT);
    session_is_stored(&bench, 1);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
    assert_int_equal(bench.duty.reason, DUTY_REASON_PEER_MUTE);

    serve_alone(&bench, LOW, 5);
    assert_int_equal(bench.duty.reason, DUTY_REASON_PEER_NEVER_SEEN);
    bench.peer.state = DUTY_STOPPED; /* comes, and was stopped by its operator */
    bench.talks = true;
    run_ms(&bench, 200);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
    assert_int_equal(bench.duty.reason, DUTY_REASON_PEER_LOST);
    bench.peer.hardware.bytes[3] = 0xee; /* another box in its place */
    run_ms(&bench, 200);
    assert_int_equal(bench.duty.reason, DUTY_REASON_PEER_UNKNOWN);
}

/* ---- a unit that stood still ------------------------------------------------------------------------ */

/* Heals on a machine that stood still for a second again and again: nobody served for eleven seconds. */
static void a_unit_alone_that_stood_still_goes_on(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, HIGH, 5);
    for (int i = 0; i < 5; i++) {
        bench.now_ms += 10 * DUTY_STALL_MS;
        tell_kind(&bench, DUTY_TIMEOUT);
        assert_int_equal(bench.duty.state, DUTY_ALONE);
        assert_false(did(&bench, DUTY_DROP_ADDRESS));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lone_boot_serves_after_thirty_seconds_and_not_before),
        cmocka_unit_test(an_office_may_name_another_time_for_a_lone_boot),
        cmocka_unit_test(a_site_with_a_single_unit_waits_for_nobody),
        cmocka_unit_test(nobody_serves_alone_before_it_has_read_its_ledger),
        cmocka_unit_test(a_unit_that_nobody_needs_does_not_serve_alone),
        cmocka_unit_test(a_unit_without_a_service_link_serves_nobody),
        cmocka_unit_test(a_blank_unit_never_serves_alone),
        cmocka_unit_test(the_address_is_asked_again_and_again_until_somebody_says_silent),
        cmocka_unit_test(an_answer_that_has_grown_old_is_asked_for_again),
        cmocka_unit_test(an_answer_of_the_peer_counts_as_silent_when_it_says_that_it_serves_nobody),
        cmocka_unit_test(an_answer_of_the_peer_counts_as_silent_when_its_process_is_gone),
        cmocka_unit_test(a_peer_that_corosync_lost_holds_its_address_while_it_speaks),
        cmocka_unit_test(an_answer_of_the_peer_counts_as_silent_when_it_has_been_mute_for_a_second),
        cmocka_unit_test(a_spare_takes_over_when_the_peer_is_mute_and_the_address_silent),
        cmocka_unit_test(a_spare_that_hears_nothing_for_150_ms_asks_for_the_address_beforehand),
        cmocka_unit_test(a_unit_on_duty_goes_on_by_letter_at_once_and_keeps_the_address),
        cmocka_unit_test(a_restarting_peer_gets_150_ms_before_letters_begin),
        cmocka_unit_test(a_closed_link_gives_no_time_when_the_carrier_is_dead_too),
        cmocka_unit_test(a_peer_that_says_farewell_is_not_waited_for),
        cmocka_unit_test(held_requests_are_let_go_when_nobody_may_serve_them),
        cmocka_unit_test(a_session_bears_three_seconds_without_service_link_and_no_more),
        cmocka_unit_test(after_a_session_has_ended_the_next_one_is_asked_for_anew),
        cmocka_unit_test(a_closed_office_does_not_end_a_session),
        cmocka_unit_test(an_operator_stops_a_session_and_resumes_with_another),
        cmocka_unit_test(a_damaged_unit_serves_nobody),
        cmocka_unit_test(an_operator_may_stop_a_unit_that_is_about_to_serve),
        cmocka_unit_test(the_higher_unit_yields_300_ms_after_the_address_was_contested),
        cmocka_unit_test(the_lower_unit_stays_and_announces_again),
        cmocka_unit_test(nobody_yields_to_a_stranger),
        cmocka_unit_test(the_peer_is_yielded_to_even_when_a_stranger_was_heard_first),
        cmocka_unit_test(who_yielded_looks_again_after_three_seconds_doubling_to_sixty),
        cmocka_unit_test(a_unit_that_does_not_hold_the_address_is_not_contested),
        cmocka_unit_test(a_contest_is_forgotten_with_the_session_that_it_was_about),
        cmocka_unit_test(a_single_unit_has_nobody_to_yield_to),
        cmocka_unit_test(a_unit_on_duty_announces_again_when_contested),
        cmocka_unit_test(a_unit_on_duty_answers_a_stranger_now_and_then),
        cmocka_unit_test(letters_say_why_they_are_letters_now),
        cmocka_unit_test(a_unit_alone_that_stood_still_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
