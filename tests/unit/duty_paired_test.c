/* Paired: contact, hand-over, stopping, health. Rules 1, 2, 6 and 7 of DESIGN 3, promise 11. */
#include "tests/unit/duty_fixture.h"

static void a_word_is_said_every_30_ms_and_every_change_at_once(void **state)
{
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    bench.talks = true;
    run_ms(&bench, 300);
    clear(&bench);
    bench.talks = false;
    tell_kind(&bench, DUTY_TIMEOUT);
    clear(&bench);
    tell_level(&bench, DUTY_NEEDED, true); /* nothing new to say */
    assert_false(did(&bench, DUTY_SEND_WORD));
    tell_level(&bench, DUTY_SERVICE_LINK, false);
    assert_true(did(&bench, DUTY_SEND_WORD));
    assert_int_equal(bench.duty.said.service_link_ms, 0);
    for (int i = 0; i < 8; i++) {
        clear(&bench);
        run_ms(&bench, DUTY_WORD_INTERVAL_MS);
        assert_true(did(&bench, DUTY_SEND_WORD));
    }
}

static void a_word_says_how_long_the_service_link_has_worked(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    run_ms(&bench, 900);
    assert_in_range(bench.duty.said.service_link_ms, 900 - DUTY_WORD_INTERVAL_MS, 900);
    run_ms(&bench, 200000);
    assert_int_equal(bench.duty.said.service_link_ms, 60000);
}

static void a_word_says_what_the_ledger_holds(void **state)
{
    struct bench bench;
    struct duty_event event = {.kind = DUTY_LEDGER,
                               .ledger = {.last_lsn = 123,
                                          .day = 20261124,
                                          .day_state = 1,
                                          .peer_session_day = 20261124,
                                          .peer_session = 3,
                                          .wall_ms = 77}};

    (void)state;
    start_unit(&bench, LOW, 5);
    event.ledger.head.bytes[0] = 1;
    event.ledger.digest.bytes[0] = 2;
    tell(&bench, event);
    assert_int_equal(bench.duty.word.last_lsn, 123);
    assert_int_equal(bench.duty.word.head.bytes[0], 1);
    assert_int_equal(bench.duty.word.digest.bytes[0], 2);
    assert_int_equal(bench.duty.word.day, 20261124);
    assert_int_equal(bench.duty.word.peer_session, 3);
    assert_int_equal(bench.duty.word.peer_session_day, 20261124);
    assert_int_equal(bench.duty.word.wall_ms, 77);
}

static void a_contact_given_up_is_never_the_same_again(void **state)
{
    struct bench bench;
    uint64_t contact;

    (void)state;
    be_on_duty(&bench);
    contact = bench.duty.word.contact;
    tell_reason(&bench, DUTY_CONTACT_BROKEN, DUTY_REASON_NO_ACKNOWLEDGEMENT);
    assert_true(did(&bench, DUTY_CONTACT));
    assert_int_equal(bench.duty.word.contact, contact + 1);
    clear(&bench);
    tell_reason(&bench, DUTY_CONTACT_BROKEN, DUTY_REASON_NO_ACKNOWLEDGEMENT); /* late, once more */
    assert_false(did(&bench, DUTY_CONTACT));
    assert_int_equal(bench.duty.word.contact, contact + 1);
}

static void a_contact_that_the_peer_gave_up_is_given_up_here(void **state)
{
    struct bench bench;

    (void)state;
    be_spare(&bench);
    bench.peer.contact++;
    hear(&bench);
    assert_true(did(&bench, DUTY_CONTACT));
    assert_false(duty_is_paired(&bench.duty));
}

static void a_spare_whose_peer_restarts_meets_it_again(void **state)
{
    struct bench bench;

    (void)state;
    be_spare(&bench);
    bench.peer.process++;
    bench.hears_us = false;
    peer_is(&bench, DUTY_WAITING, DUTY_SERVE_NOT, 6, LOW);
    hear(&bench);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    assert_int_equal(bench.duty.reason, DUTY_REASON_PEER_GETS_TIME);
    assert_int_equal(bench.duty.broke, DUTY_REASON_PEER_RESTARTED);
    bench.hears_us = true;
    run_ms(&bench, 60);
    hear(&bench);
    assert_int_equal(bench.duty.state, DUTY_MEETING_OTHER);
}

static void what_was_known_before_a_start_agrees_to_nothing(void **state)
{
    struct duty_options options = {
        .unit = LOW, .hardware = name_of(LOW).hardware, .peer_unit = HIGH};
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    duty_init(&bench.duty, &options);
    hear(&bench);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    assert_false(bench.duty.agreed);
}

/* ---- rule 7: hand-over ---------------------------------------------------------------------------- */

static void a_planned_hand_over_makes_the_other_unit_s_term_and_then_a_spare(void **state)
{
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    order(&bench, DUTY_OPERATOR_HANDOVER);
    assert_int_equal(bench.duty.state, DUTY_HANDING_OVER);
    assert_true(duty_is_paired(&bench.duty));
    assert_true(bench.holding);
    assert_int_equal(bench.minted.number, 7);
    assert_int_equal(bench.minted.duty_unit, HIGH);
    assert_true(bench.duty.address); /* duty moves first, the address last */
    confirm(&bench, bench.minted);
    assert_int_equal(bench.duty.state, DUTY_PAIRED_SPARE);
    assert_int_equal(bench.served, DUTY_SERVE_NOT);
    assert_true(did(&bench, DUTY_DROP_ADDRESS));
    assert_false(did(&bench, DUTY_CONTACT));
}

static void a_spare_that_is_handed_duty_serves_plain_numbers(void **state)
{
    struct bench bench;

    (void)state;
    be_spare(&bench);
    obey(&bench, term_of(7, HIGH));
    assert_int_equal(bench.duty.state, DUTY_PAIRED_DUTY);
    assert_int_equal(bench.served, DUTY_SERVE_PLAIN);
    assert_true(did(&bench, DUTY_TAKE_ADDRESS));
    assert_int_equal(bench.duty.word.common_term, 7);
}

/* tests/integration/handover.bats: taking the address once more ended its quiet move, and reset connections. */
static void a_hand_over_takes_the_address_once(void **state)
{
    struct bench bench;

    (void)state;
    be_spare(&bench);
    obey(&bench, term_of(7, HIGH));
    assert_true(did(&bench, DUTY_TAKE_ADDRESS));
    clear(&bench);
    peer_is(&bench, DUTY_PAIRED_SPARE, DUTY_SERVE_NOT, 7, HIGH);
    hear(&bench);
    assert_int_equal(bench.duty.state, DUTY_PAIRED_DUTY);
    assert_false(did(&bench, DUTY_TAKE_ADDRESS));
}

static void a_hand_over_to_a_spare_that_cannot_serve_is_refused(void **state)
{
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    bench.peer.service_link = false;
    hear(&bench);
    order(&bench, DUTY_OPERATOR_HANDOVER);
    assert_int_equal(bench.duty.state, DUTY_PAIRED_DUTY);
    bench.peer.service_link = true;
    bench.peer.service_link_ms = DUTY_HANDOVER_LINK_MS - 1;
    hear(&bench);
    order(&bench, DUTY_OPERATOR_HANDOVER);
    assert_int_equal(bench.duty.state, DUTY_PAIRED_DUTY);
    bench.peer.service_link_ms = DUTY_HANDOVER_LINK_MS;
    hear(&bench);
    assert_int_equal(bench.duty.state, DUTY_PAIRED_DUTY); /* refused is not postponed */
    order(&bench, DUTY_OPERATOR_HANDOVER);
    assert_int_equal(bench.duty.state, DUTY_HANDING_OVER);
}

static void only_the_unit_on_duty_hands_over(void **state)
{
    struct bench bench;

    (void)state;
    be_spare(&bench);
    order(&bench, DUTY_OPERATOR_HANDOVER);
    assert_int_equal(bench.duty.state, DUTY_PAIRED_SPARE);
    obey(&bench, term_of(7, HIGH));
    assert_int_equal(bench.duty.state, DUTY_PAIRED_DUTY); /* and does not give it back by itself */
    run_ms(&bench, 200);
    assert_false(did(&bench, DUTY_MINT));
}

static void a_hand_over_that_nobody_confirms_ends_in_letters_within_500_ms(void **state)
{
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    bench.talks = true;
    order(&bench, DUTY_OPERATOR_HANDOVER);
    run_ms(&bench, DUTY_MINT_MS_MAX);
    assert_int_equal(bench.duty.state, DUTY_TAKING);
    assert_false(did(&bench, DUTY_DROP_ADDRESS));
    session_is_stored(&bench, 1);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
}

static void
a_unit_on_duty_without_service_link_hands_over_once_the_spare_s_has_worked_for_3_s(void **state)
{
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    bench.peer.service_link_ms = 100;
    hear(&bench);
    bench.talks = true;
    tell_level(&bench, DUTY_SERVICE_LINK, false);
    run_ms(&bench, 2 * DUTY_LINK_JUDGE_MS);
    assert_int_equal(bench.duty.state, DUTY_PAIRED_DUTY);
    bench.peer.service_link_ms = DUTY_HANDOVER_LINK_MS;
    hear(&bench);
    assert_int_equal(bench.duty.state, DUTY_HANDING_OVER);
}

/* make demo, switch restart: duty moved to a spare that had lost its own link in the same moment. */
static void a_switch_that_dies_under_both_units_moves_no_duty(void **state)
{
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    bench.talks = true;
    bench.peer.service_link_ms = DUTY_HANDOVER_LINK_MS;
    hear(&bench);
    tell_level(&bench, DUTY_SERVICE_LINK, false);
    assert_int_equal(bench.duty.state, DUTY_PAIRED_DUTY);
    bench.peer.service_link = false; /* its next word */
    bench.peer.service_link_ms = 0;
    run_ms(&bench, 4 * DUTY_LINK_JUDGE_MS);
    assert_int_equal(bench.duty.state, DUTY_PAIRED_DUTY);
}

/* ---- promise 11, and the operator's stop ---------------------------------------------------------- */

static void damage_moves_duty_to_the_ready_spare_first_and_then_stops(void **state)
{
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    tell_level(&bench, DUTY_HEALTH, false);
    assert_int_equal(bench.duty.state, DUTY_HANDING_OVER);
    confirm(&bench, bench.minted);
    assert_int_equal(bench.duty.state, DUTY_STOPPED);
    assert_int_equal(bench.duty.reason, DUTY_REASON_DAMAGED);
    assert_true(
        did(&bench, DUTY_CONTACT)); /* a spare no more: the other must not wait for its disk */
}

static void damage_without_a_ready_spare_stops_at_once(void **state)
{
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    bench.peer.service_link = false;
    hear(&bench);
    tell_level(&bench, DUTY_HEALTH, false);
    assert_int_equal(bench.duty.state, DUTY_STOPPED);
    assert_int_equal(bench.served, DUTY_SERVE_NOT);
    assert_false(bench.holding);
    assert_true(did(&bench, DUTY_DROP_ADDRESS));
    assert_true(did(&bench, DUTY_CONTACT));
}

static void an_operator_s_stop_hands_over_first_too(void **state)
{
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    order(&bench, DUTY_OPERATOR_STOP);
    confirm(&bench, bench.minted);
    assert_int_equal(bench.duty.state, DUTY_STOPPED);
    assert_int_equal(bench.duty.reason, DUTY_REASON_OPERATOR);
    order(&bench, DUTY_OPERATOR_RESUME);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    peer_is(&bench, DUTY_PAIRED_DUTY, DUTY_SERVE_PLAIN, 7, HIGH);
    bench.hears_us = false;
    hear(&bench);
    tell_probe(&bench, DUTY_PROBE_PEER);
    assert_false(did(&bench, DUTY_BEGIN_SESSION));
}

static void a_damaged_spare_acknowledges_nothing_more(void **state)
{
    struct bench bench;

    (void)state;
    be_spare(&bench);
    tell_level(&bench, DUTY_HEALTH, false);
    assert_int_equal(bench.duty.state, DUTY_STOPPED);
    assert_true(did(&bench, DUTY_CONTACT));
    tell_level(&bench, DUTY_HEALTH, true);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
}

static void a_full_disk_is_named_as_such_and_ends_by_itself(void **state)
{
    struct bench bench;

    (void)state;
    be_spare(&bench);
    tell(&bench, (struct duty_event){.kind = DUTY_HEALTH, .health = {.fit = false, .full = true}});
    assert_int_equal(bench.duty.state, DUTY_STOPPED);
    assert_int_equal(bench.duty.reason, DUTY_REASON_DISK_FULL);
    tell(&bench, (struct duty_event){.kind = DUTY_HEALTH, .health = {.fit = false}});
    assert_int_equal(bench.duty.reason, DUTY_REASON_DAMAGED);
    tell(&bench, (struct duty_event){.kind = DUTY_HEALTH, .health = {.fit = true}});
    assert_int_equal(bench.duty.state, DUTY_WAITING);
}

/* ---- evidence that is older than it looks ----------------------------------------------------------- */

/* tests/integration/faults.mjs, wedge: SIGSTOP, takeover, SIGCONT. The unit that went on believed that it held
 * the address and that its peer was mute, took duty, and fought for the address with the unit that served. */
static void a_unit_on_duty_that_stood_still_serves_nobody_until_it_has_looked_around(void **state)
{
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    bench.now_ms += DUTY_STALL_MS + 1;
    tell_kind(&bench, DUTY_NEEDED); /* whatever comes first */
    tell_level(&bench, DUTY_NEEDED, true);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    assert_true(did(&bench, DUTY_CONTACT));
    assert_true(did(&bench, DUTY_DROP_ADDRESS));
    assert_int_equal(bench.served, DUTY_SERVE_NOT);
    assert_false(bench.holding);
    tell_probe(&bench, DUTY_PROBE_SILENT); /* even so: the peer's words are on their way */
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    peer_is(&bench, DUTY_ALONE, DUTY_SERVE_LETTER, 6, LOW);
    peer_meets(&bench, HIGH);
    assert_int_equal(bench.duty.state, DUTY_MEETING_OTHER);
    assert_false(did(&bench, DUTY_BEGIN_SESSION));
}

static void a_unit_that_kept_the_address_and_stood_still_has_it_no_more(void **state)
{
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    tell_kind(&bench,
              DUTY_LINKS_CLOSED); /* keeps the address while the restarting peer gets its time */
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    assert_false(did(&bench, DUTY_DROP_ADDRESS));
    bench.now_ms += DUTY_STALL_MS + 1;
    tell_kind(&bench, DUTY_TIMEOUT);
    assert_true(did(&bench, DUTY_DROP_ADDRESS));
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    for (int i = 0; i < 5; i++) { /* stalls again: that is no reason to wait for longer */
        bench.now_ms += DUTY_STALL_MS + 1;
        tell_probe(&bench, DUTY_PROBE_SILENT);
    }
    assert_true(did(&bench, DUTY_BEGIN_SESSION));
}

/* The same file, switch: with one of two links dead, corosync loses its token before it changes the link. */
static void a_peer_that_corosync_lost_is_there_as_long_as_it_speaks(void **state)
{
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    bench.talks = true;
    tell_process(&bench, DUTY_PROCESS_LOST);
    run_ms(&bench, 1000);
    assert_int_equal(bench.duty.state, DUTY_PAIRED_DUTY);
    assert_false(did(&bench, DUTY_CONTACT));
    bench.talks = false;
    run_ms(&bench, DUTY_SUSPECT_MS);
    tell_process(&bench, DUTY_PROCESS_LOST); /* now it agrees with what is heard */
    assert_true(did(&bench, DUTY_CONTACT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_is_said_every_30_ms_and_every_change_at_once),
        cmocka_unit_test(a_word_says_how_long_the_service_link_has_worked),
        cmocka_unit_test(a_word_says_what_the_ledger_holds),
        cmocka_unit_test(a_contact_given_up_is_never_the_same_again),
        cmocka_unit_test(a_contact_that_the_peer_gave_up_is_given_up_here),
        cmocka_unit_test(a_spare_whose_peer_restarts_meets_it_again),
        cmocka_unit_test(what_was_known_before_a_start_agrees_to_nothing),
        cmocka_unit_test(a_planned_hand_over_makes_the_other_unit_s_term_and_then_a_spare),
        cmocka_unit_test(a_spare_that_is_handed_duty_serves_plain_numbers),
        cmocka_unit_test(a_hand_over_takes_the_address_once),
        cmocka_unit_test(a_hand_over_to_a_spare_that_cannot_serve_is_refused),
        cmocka_unit_test(only_the_unit_on_duty_hands_over),
        cmocka_unit_test(a_hand_over_that_nobody_confirms_ends_in_letters_within_500_ms),
        cmocka_unit_test(
            a_unit_on_duty_without_service_link_hands_over_once_the_spare_s_has_worked_for_3_s),
        cmocka_unit_test(a_switch_that_dies_under_both_units_moves_no_duty),
        cmocka_unit_test(damage_moves_duty_to_the_ready_spare_first_and_then_stops),
        cmocka_unit_test(damage_without_a_ready_spare_stops_at_once),
        cmocka_unit_test(an_operator_s_stop_hands_over_first_too),
        cmocka_unit_test(a_damaged_spare_acknowledges_nothing_more),
        cmocka_unit_test(a_full_disk_is_named_as_such_and_ends_by_itself),
        cmocka_unit_test(a_unit_on_duty_that_stood_still_serves_nobody_until_it_has_looked_around),
        cmocka_unit_test(a_unit_that_kept_the_address_and_stood_still_has_it_no_more),
        cmocka_unit_test(a_peer_that_corosync_lost_is_there_as_long_as_it_speaks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
