/* The mint, steadiness, and who may be met at all: rules 5, 6, 10 and 11 of DESIGN 3, timed transcripts. */
#include "tests/unit/duty_fixture.h"

static void a_unit_whose_hardware_a_term_does_not_name_gives_up_the_contact(void **state)
{
    struct bench bench;
    struct duty_term term = term_of(6, LOW);

    (void)state;
    start_unit(&bench, HIGH, 5);
    bench.peer.serve = DUTY_SERVE_LETTER;
    peer_meets(&bench, LOW);
    term.units[1].hardware.bytes[3] = 0xee;
    obey(&bench, term);
    assert_true(did(&bench, DUTY_CONTACT));
}

/* ---- rules 5 and 6: the mint --------------------------------------------------------------------- */

static void a_mint_that_nobody_confirms_is_given_up_after_500_ms(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, LOW, 5);
    meet_until_mint(&bench);
    run_ms(&bench, DUTY_MINT_MS_MAX - 1);
    assert_int_equal(bench.duty.state, DUTY_MINTING);
    run_ms(&bench, 1);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
    assert_int_equal(bench.duty.reason, DUTY_REASON_NO_ACKNOWLEDGEMENT);
    assert_false(bench.holding);
    assert_true(did(&bench, DUTY_CONTACT));
    assert_int_equal(bench.duty.word.common_term, 5);
    assert_int_equal(bench.duty.word.term, 6); /* its entry is in the ledger all the same */
}

static void the_next_mint_takes_a_number_above_the_failed_one(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, LOW, 5);
    meet_until_mint(&bench);
    run_ms(&bench, DUTY_MINT_MS_MAX);
    run_ms(&bench, 100);
    tell_kind(&bench, DUTY_MEETING_READY);
    run_ms(&bench, DUTY_STEADY_MS_MIN);
    assert_int_equal(bench.minted.number, 7);
    start_unit(&bench, LOW, 5);
    bench.peer.term = bench.peer.highest_term = 8; /* the same for one that only the other has */
    bench.peer.serve = DUTY_SERVE_NOT;
    bench.duty.word.serve = DUTY_SERVE_LETTER;
    meet_until_mint(&bench);
    assert_int_equal(bench.minted.number, 9);
}

/* Simulator, seed 136: the other's ledger, with term 7 in it, was replaced by one that ended at term 1;
 * the term then minted was 2. */
static void the_next_term_is_above_one_that_a_replaced_ledger_held(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 1);
    bench.peer.term = bench.peer.highest_term = 7;
    bench.peer.common_term = 1;
    hear(&bench);
    bench.peer.term = 1;
    bench.peer.highest_term = 0; /* it has our ledger now, and remembers nothing itself */
    bench.peer.serve = DUTY_SERVE_NOT;
    bench.duty.word.serve = DUTY_SERVE_LETTER;
    peer_meets(&bench, LOW);
    bench.peer.tail_closed = true;
    hear(&bench);
    tell_kind(&bench, DUTY_MEETING_READY);
    assert_int_equal(bench.minted.number, 8);
}

static void a_confirmation_of_another_contact_or_term_counts_for_nothing(void **state)
{
    struct bench bench;
    struct duty_term asked;

    (void)state;
    serve_alone(&bench, LOW, 5);
    meet_until_mint(&bench);
    asked = bench.minted;
    confirm(&bench, term_of(5, LOW));
    assert_int_equal(bench.duty.state, DUTY_MINTING);
    tell_reason(&bench, DUTY_CONTACT_BROKEN, DUTY_REASON_NO_ACKNOWLEDGEMENT);
    confirm(&bench, asked);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
    assert_int_equal(bench.duty.word.common_term, 5);
}

static void a_mint_is_void_once_the_partner_restarts(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, LOW, 5);
    meet_until_mint(&bench);
    bench.peer.process = PEER_PROCESS + 1;
    bench.hears_us = false;
    bench.peer.heard_process = 0;
    hear(&bench);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
    confirm(&bench, bench.minted);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
}

static void a_term_names_both_units_their_hardware_and_disjoint_ids(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, LOW, 5);
    meet_until_mint(&bench);
    assert_int_equal(bench.minted.units[0].unit, LOW);
    assert_int_equal(bench.minted.units[1].unit, HIGH);
    assert_true(ids_token_equal(&bench.minted.units[0].hardware, &bench.duty.options.hardware));
    assert_true(ids_token_equal(&bench.minted.units[1].hardware, &bench.peer.hardware));
    assert_int_not_equal(bench.minted.reserved_ids[0], bench.minted.reserved_ids[1]);
}

static void nobody_is_on_duty_by_memory(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5); /* its ledger says: on duty in the common term */
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    assert_int_equal(duty_serves(&bench.duty), DUTY_SERVE_NOT);
    obey(&bench, term_of(6, LOW));
    confirm(&bench, term_of(5, LOW));
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    run_ms(&bench, DUTY_LONE_BOOT_MS / 2);
    assert_int_equal(duty_serves(&bench.duty), DUTY_SERVE_NOT);
}

static void a_restored_unit_says_so_until_the_next_common_term(void **state)
{
    struct bench bench;
    struct duty_event event = {.kind = DUTY_STARTED, .started = {.process = 11, .restored = true}};
    struct duty_options options = {
        .unit = HIGH, .hardware = name_of(HIGH).hardware, .peer_unit = LOW};

    (void)state;
    start_unit(&bench, HIGH, 5);
    duty_init(&bench.duty, &options);
    tell(&bench, event);
    assert_true(bench.duty.said.restored);
    bench.peer.serve = DUTY_SERVE_LETTER;
    peer_meets(&bench, LOW);
    obey(&bench, term_of(6, LOW));
    assert_false(bench.duty.said.restored);
}

/* ---- rule 10: steadiness -------------------------------------------------------------------------- */

/* Meets, mints, and is paired as soon as the peer has been steady for long enough: how long was that? */
static uint64_t pair_again_ms(struct bench *bench)
{
    uint64_t began_ms = bench->now_ms;

    peer_is(bench, DUTY_WAITING, DUTY_SERVE_NOT, bench->duty.word.term, LOW);
    hear(bench);
    peer_meets(bench, LOW);
    bench->peer.tail_closed = true;
    began_ms = bench->now_ms;
    hear(bench);
    tell_kind(bench, DUTY_MEETING_READY);
    while (bench->duty.state != DUTY_MINTING) {
        run_ms(bench, 1);
        if (bench->duty.session_asked) {
            session_is_stored(bench, 1);
        }
        assert_true(bench->now_ms - began_ms < 2 * DUTY_STEADY_MS_MAX);
    }
    began_ms = bench->now_ms - began_ms;
    confirm(bench, bench->minted);
    peer_is(bench, DUTY_PAIRED_SPARE, DUTY_SERVE_NOT, bench->minted.number, LOW);
    hear(bench);
    assert_int_equal(bench->duty.state, DUTY_PAIRED_DUTY);
    return began_ms;
}

static void lose_contact(struct bench *bench)
{
    tell_reason(bench, DUTY_CONTACT_BROKEN, DUTY_REASON_NO_ACKNOWLEDGEMENT);
    session_is_stored(bench, 1);
    assert_int_equal(bench->duty.state, DUTY_ALONE);
}

static void
the_first_mint_is_immediate_and_each_break_within_the_hour_doubles_the_wait(void **state)
{
    static const uint64_t waits_ms[] = {0, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    for (size_t i = 0; i < sizeof(waits_ms) / sizeof(waits_ms[0]); i++) {
        uint64_t took_ms;

        lose_contact(&bench);
        took_ms = pair_again_ms(&bench);
        assert_in_range(took_ms, waits_ms[i], waits_ms[i] + 2 * DUTY_WORD_INTERVAL_MS);
        run_ms(&bench, 1000);
    }
}

static void after_an_hour_without_a_break_the_mint_is_immediate_again(void **state)
{
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    for (int i = 0; i < 4; i++) {
        lose_contact(&bench);
        (void)pair_again_ms(&bench);
    }
    run_ms(&bench, DUTY_STEADY_FORGET_MS);
    lose_contact(&bench);
    assert_true(pair_again_ms(&bench) <= 2 * DUTY_WORD_INTERVAL_MS);
    lose_contact(&bench);
    assert_in_range(pair_again_ms(&bench), DUTY_STEADY_MS_MIN, DUTY_STEADY_MS_MIN + 60);
}

static void a_peer_that_was_away_for_an_hour_is_met_without_a_wait(void **state)
{
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    for (int i = 0; i < 4; i++) {
        lose_contact(&bench);
        (void)pair_again_ms(&bench);
    }
    lose_contact(&bench);
    bench.talks = false;
    run_ms(&bench, DUTY_STEADY_FORGET_MS);
    assert_true(pair_again_ms(&bench) <= 2 * DUTY_WORD_INTERVAL_MS);
}

static void a_meeting_that_waits_for_steadiness_says_so(void **state)
{
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    lose_contact(&bench);
    (void)pair_again_ms(&bench);
    lose_contact(&bench);
    peer_is(&bench, DUTY_WAITING, DUTY_SERVE_NOT, bench.duty.word.term, LOW);
    peer_meets(&bench, LOW);
    assert_int_equal(bench.duty.reason, DUTY_REASON_UNSTEADY_PEER);
    run_ms(&bench, DUTY_STEADY_MS_MIN + DUTY_WORD_INTERVAL_MS);
    assert_int_equal(bench.duty.reason, DUTY_REASON_MEETING);
}

static void visitors_do_not_wait_for_an_unsteady_peer(void **state)
{
    struct bench bench;

    (void)state;
    be_on_duty(&bench);
    for (int i = 0; i < 4; i++) {
        lose_contact(&bench);
        (void)pair_again_ms(&bench);
    }
    tell_kind(&bench, DUTY_LINKS_CLOSED); /* held, and the peer is back within its 150 ms */
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    peer_is(&bench, DUTY_WAITING, DUTY_SERVE_NOT, bench.duty.word.term, LOW);
    peer_meets(&bench, LOW);
    clear(&bench);
    bench.peer.tail_closed = true;
    hear(&bench);
    assert_true(did(&bench, DUTY_BEGIN_SESSION)); /* without waiting for the second */
}

/* ---- rule 11: who is met at all -------------------------------------------------------------------- */

static void an_unknown_peer_keeps_nobody_from_serving_alone(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    bench.peer.hardware.bytes[3] = 0xee;
    bench.talks = true;
    run_ms(&bench, DUTY_LONE_BOOT_MS);
    tell_probe(&bench, DUTY_PROBE_SILENT);
    assert_int_equal(bench.duty.state, DUTY_TAKING);
}

static void without_a_term_the_site_s_certificate_is_enough(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 0);
    bench.peer.blank = true;
    bench.peer.hardware.bytes[3] = 0xee;
    hear(&bench);
    assert_int_equal(bench.duty.state, DUTY_MEETING_SOURCE);
}

static void the_word_of_a_unit_that_is_no_peer_is_not_heard(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    bench.peer.place = 7;
    hear(&bench);
    bench.peer.place = LOW; /* our own, come back */
    hear(&bench);
    assert_int_equal(bench.duty.peer_heard_ms, 0);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
}

static void two_blank_units_do_not_meet(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 0);
    tell(&bench, (struct duty_event){.kind = DUTY_LEDGER, .ledger = {.blank = true}});
    bench.peer.blank = true;
    bench.talks = true;
    run_ms(&bench, 1000);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
}

static void a_retired_unit_is_not_met_and_serves_nobody(void **state)
{
    struct bench bench;
    struct duty_term term = term_of(6, LOW);

    (void)state;
    start_unit(&bench, LOW, 5);
    bench.peer.retired = true;
    hear(&bench);
    assert_int_equal(bench.duty.state, DUTY_WAITING);

    start_unit(&bench, HIGH, 5); /* a term that does not name this hardware becomes durable here */
    bench.peer.serve = DUTY_SERVE_LETTER;
    peer_meets(&bench, LOW);
    term.units[1].hardware.bytes[3] = 0xee;
    obey(&bench, term);
    assert_int_equal(bench.duty.state, DUTY_STOPPED);
    assert_int_equal(bench.duty.reason, DUTY_REASON_RETIRED);
    assert_true(bench.duty.said.retired);
    order(&bench, DUTY_OPERATOR_RESUME);
    run_ms(&bench, 2 * DUTY_LONE_BOOT_MS);
    assert_int_equal(bench.duty.state, DUTY_STOPPED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unit_whose_hardware_a_term_does_not_name_gives_up_the_contact),
        cmocka_unit_test(a_mint_that_nobody_confirms_is_given_up_after_500_ms),
        cmocka_unit_test(the_next_mint_takes_a_number_above_the_failed_one),
        cmocka_unit_test(the_next_term_is_above_one_that_a_replaced_ledger_held),
        cmocka_unit_test(a_confirmation_of_another_contact_or_term_counts_for_nothing),
        cmocka_unit_test(a_mint_is_void_once_the_partner_restarts),
        cmocka_unit_test(a_term_names_both_units_their_hardware_and_disjoint_ids),
        cmocka_unit_test(nobody_is_on_duty_by_memory),
        cmocka_unit_test(a_restored_unit_says_so_until_the_next_common_term),
        cmocka_unit_test(
            the_first_mint_is_immediate_and_each_break_within_the_hour_doubles_the_wait),
        cmocka_unit_test(after_an_hour_without_a_break_the_mint_is_immediate_again),
        cmocka_unit_test(a_peer_that_was_away_for_an_hour_is_met_without_a_wait),
        cmocka_unit_test(a_meeting_that_waits_for_steadiness_says_so),
        cmocka_unit_test(visitors_do_not_wait_for_an_unsteady_peer),
        cmocka_unit_test(an_unknown_peer_keeps_nobody_from_serving_alone),
        cmocka_unit_test(without_a_term_the_site_s_certificate_is_enough),
        cmocka_unit_test(the_word_of_a_unit_that_is_no_peer_is_not_heard),
        cmocka_unit_test(two_blank_units_do_not_meet),
        cmocka_unit_test(a_retired_unit_is_not_met_and_serves_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
