/* Rule 11: which box may join, under which id, and who is retired. */
#include "tests/unit/duty_fixture.h"

enum { GIVEN = 3, FIRST_PROCESS = 11 };

/* What the ledger folds to comes by DUTY_LEDGER: a place made free, or not. */
static struct duty_event ledger_of(const struct bench *bench, uint32_t given_id)
{
    struct duty_event event = {.kind = DUTY_LEDGER,
                               .ledger = {.last_lsn = 100, .given_id = given_id}};

    event.ledger.unit = bench->duty.options.unit;
    event.ledger.peer_unit = bench->duty.options.peer_unit;
    return event;
}

static void retire(struct duty_event *event, struct duty_unit_name name)
{
    event->ledger.retired[0] = name;
}

static void be_another_box(struct bench *bench)
{
    bench->peer.hardware.bytes[3] = 0xee;
    bench->peer.blank = true;
    bench->peer.last_lsn = 0;
    bench->peer.term = bench->peer.common_term = 0;
    bench->talks = true;
}

static void another_box_is_not_met_before_its_place_is_free(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    be_another_box(&bench);
    run_ms(&bench, 1000);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    assert_int_equal(bench.duty.reason, DUTY_REASON_PEER_UNKNOWN);
    tell(&bench, ledger_of(&bench, GIVEN));
    assert_int_equal(bench.duty.state, DUTY_MEETING_SOURCE);
}

static void who_is_not_blank_takes_nobodys_place(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    be_another_box(&bench);
    bench.peer.blank = false; /* another office's ledger, or an older one of ours */
    tell(&bench, ledger_of(&bench, GIVEN));
    run_ms(&bench, 1000);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    assert_int_equal(bench.duty.reason, DUTY_REASON_PEER_UNKNOWN);
}

/* Letter and id are one to one: with the id of the unit that it replaces it would give its tickets again. */
static void a_newcomer_gets_the_id_that_was_given_and_both_reserve_new_ones(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    bench.duty.term.reserved_ids[0] = GIVEN;
    bench.duty.term.reserved_ids[1] = GIVEN + DUTY_RESERVE_IDS;
    be_another_box(&bench);
    tell(&bench, ledger_of(&bench, GIVEN));
    meet_until_mint(&bench);
    assert_int_equal(bench.minted.units[1].unit, GIVEN);
    assert_true(ids_token_equal(&bench.minted.units[1].hardware, &bench.peer.hardware));
    /* Whoever is left with term 5 can give 7 to 10: what is reserved now lies above. */
    assert_true(bench.minted.reserved_ids[0] >= GIVEN + 2 * DUTY_RESERVE_IDS);
    assert_int_equal(bench.minted.reserved_ids[1], bench.minted.reserved_ids[0] + DUTY_RESERVE_IDS);
}

static void the_same_pair_keeps_what_it_has_reserved(void **state)
{
    struct bench bench;
    struct duty_term first;

    (void)state;
    start_unit(&bench, LOW, 0);
    meet_until_mint(&bench);
    first = bench.minted;
    assert_true(first.reserved_ids[0] > HIGH && first.reserved_ids[1] > HIGH);
    bench.talks = false;
    run_ms(&bench, DUTY_MINT_MS_MAX + DUTY_WORD_INTERVAL_MS); /* nobody confirms */
    clear(&bench);
    peer_is(&bench, DUTY_WAITING, DUTY_SERVE_NOT, 0, 0);
    hear(&bench);
    meet_until_mint(&bench);
    assert_true(bench.minted.number > first.number);
    assert_memory_equal(bench.minted.reserved_ids, first.reserved_ids, sizeof(first.reserved_ids));
}

/* The mint broke after it was durable here only: the box has not heard of its id, and is the same box. */
static void a_box_that_a_term_names_has_its_id_also_when_it_is_blank(void **state)
{
    struct bench bench;
    struct duty_term first;

    (void)state;
    start_unit(&bench, LOW, 5);
    be_another_box(&bench);
    tell(&bench, ledger_of(&bench, GIVEN));
    meet_until_mint(&bench);
    first = bench.minted;
    bench.talks = false;
    run_ms(&bench, DUTY_MINT_MS_MAX + DUTY_WORD_INTERVAL_MS);
    tell(&bench, ledger_of(&bench, 0)); /* its place is taken: by the term in our ledger */
    clear(&bench);
    bench.peer.state = DUTY_WAITING;
    bench.peer.source = 0;
    bench.peer.tail_closed = false;
    hear(&bench);
    meet_until_mint(&bench);
    assert_int_equal(bench.mint_count, 1);
    assert_int_equal(bench.minted.units[1].unit, GIVEN);
    assert_memory_equal(bench.minted.reserved_ids, first.reserved_ids, sizeof(first.reserved_ids));
}

static void a_newcomer_is_known_by_its_hardware_and_takes_the_id_of_the_term(void **state)
{
    struct bench bench;
    struct duty_event event;
    struct duty_term term = term_of(6, LOW);

    (void)state;
    start_unit(&bench, HIGH, 0);
    bench.peer.serve = DUTY_SERVE_LETTER;
    tell(&bench, (struct duty_event){.kind = DUTY_LEDGER, .ledger = {.blank = true}});
    peer_meets(&bench, LOW);
    term.units[1].unit = GIVEN;
    event = ledger_of(&bench, 0);
    event.ledger.unit = GIVEN;
    event.ledger.peer_unit = LOW;
    tell(&bench, event);
    obey(&bench, term);
    assert_int_equal(bench.duty.state, DUTY_PAIRED_SPARE);
    assert_int_equal(bench.duty.said.unit, GIVEN);
    assert_int_equal(bench.duty.said.place, HIGH);
}

static void the_box_that_was_replaced_does_not_slip_back_blank(void **state)
{
    struct bench bench;
    struct duty_event event;

    (void)state;
    start_unit(&bench, LOW, 5);
    event = ledger_of(&bench, GIVEN);
    retire(&event, name_of(HIGH));
    bench.peer.blank = true; /* the same box with another disk */
    bench.talks = true;
    tell(&bench, event); /* the newest term still names it: nobody else has joined */
    run_ms(&bench, 1000);
    assert_int_equal(bench.duty.reason, DUTY_REASON_PEER_UNKNOWN);
    event.ledger.given_to_retired = true; /* two people have said it a second time */
    tell(&bench, event);
    assert_int_equal(bench.duty.state, DUTY_MEETING_SOURCE);
    meet_until_mint(&bench);
    assert_int_equal(bench.minted.units[1].unit, GIVEN);
}

/* The story of seed 4: rolled back behind the term under which the newcomer had joined, we knew it no more. */
static void whose_newer_term_names_us_is_known_though_ours_does_not_name_it(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    be_another_box(&bench);
    bench.peer.blank = false;
    bench.peer.unit = GIVEN;
    bench.peer.term = bench.peer.common_term = 6;
    run_ms(&bench, 1000);
    assert_int_equal(bench.duty.reason, DUTY_REASON_PEER_UNKNOWN); /* it has offered nothing yet */
    bench.peer.serve = DUTY_SERVE_LETTER;
    peer_meets(&bench, GIVEN);
    bench.peer.state = DUTY_MEETING_SOURCE;
    hear(&bench);
    assert_int_equal(bench.duty.state, DUTY_MEETING_OTHER);
}

/* ---- retired ---------------------------------------------------------------------------------------- */

static void a_retired_unit_is_told_so_and_not_met(void **state)
{
    struct bench bench;
    struct duty_event event;

    (void)state;
    serve_alone(&bench, LOW, 5);
    event = ledger_of(&bench, GIVEN);
    retire(&event, name_of(HIGH));
    tell(&bench, event);
    bench.talks = true;
    run_ms(&bench, 1000);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
    assert_true(duty_peer_is_retired(&bench.duty));
    assert_true(bench.duty.said.peer_retired);
    assert_int_equal(bench.duty.reason, DUTY_REASON_PEER_UNKNOWN);
}

static void who_hears_that_it_is_retired_stops_for_ever(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, HIGH, 5);
    bench.peer.term = 6;
    bench.peer.peer_retired = true;
    hear(&bench);
    assert_int_equal(bench.duty.state, DUTY_STOPPED);
    assert_int_equal(bench.duty.reason, DUTY_REASON_RETIRED);
    assert_int_equal(bench.served, DUTY_SERVE_NOT);
    assert_true(did(&bench, DUTY_DROP_ADDRESS));
    bench.peer.peer_retired = false;
    bench.talks = true;
    run_ms(&bench, DUTY_LONE_BOOT_MS);
    order(&bench, DUTY_OPERATOR_RESUME);
    assert_int_equal(bench.duty.state, DUTY_STOPPED);
}

static void what_is_said_of_the_process_before_us_does_not_retire_us(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, HIGH, 5);
    bench.hears_us = false;
    bench.peer.heard_process = FIRST_PROCESS + 1;
    bench.peer.peer_retired = true;
    hear(&bench);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
}

static void retired_it_stays_after_a_restart_and_blank_it_is_as_good_as_new(void **state)
{
    struct bench bench;
    struct duty_event event = {.kind = DUTY_STARTED,
                               .started = {.process = FIRST_PROCESS, .retired = true}};
    struct duty_options options = {
        .unit = HIGH, .hardware = name_of(HIGH).hardware, .peer_unit = LOW};

    (void)state;
    start_unit(&bench, HIGH, 5);
    duty_init(&bench.duty, &options);
    tell(&bench, event);
    event = ledger_of(&bench, 0);
    event.ledger.self_retired = true;
    tell(&bench, event);
    assert_int_equal(bench.duty.state, DUTY_STOPPED);
    assert_int_equal(bench.duty.reason, DUTY_REASON_RETIRED);
    event = ledger_of(&bench, 0);
    event.ledger.blank = true;
    tell(&bench, event);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    assert_false(bench.duty.said.retired);
    /* The story of seed 183: whom its old term named is no reason not to obey the new one. */
    bench.peer.hardware.bytes[3] = 0xee;
    bench.peer.serve = DUTY_SERVE_LETTER;
    peer_meets(&bench, LOW);
    event = ledger_of(&bench, 0);
    tell(&bench, event);
    assert_int_equal(bench.duty.state, DUTY_MEETING_OTHER);
}

/* Two people on each side of a cut swore falsely. One office needs one of the two. */
static void of_two_that_call_each_other_retired_one_stays(void **state)
{
    struct bench bench;
    struct duty_event event;

    (void)state;
    for (uint32_t unit = LOW; unit <= HIGH; unit++) {
        for (uint64_t their_term = 4; their_term <= 6; their_term++) {
            bool stays = their_term < 5 || (their_term == 5 && unit == LOW);

            serve_alone(&bench, unit, 5);
            event = ledger_of(&bench, 0);
            retire(&event, name_of(3 - unit));
            tell(&bench, event);
            bench.peer.term = their_term;
            bench.peer.peer_retired = true;
            hear(&bench);
            assert_int_equal(bench.duty.state, stays ? DUTY_ALONE : DUTY_STOPPED);
        }
    }
}

static void a_spare_that_was_told_farewell_stops_and_the_other_goes_on(void **state)
{
    struct bench bench;
    struct duty_event event;

    (void)state;
    be_spare(&bench);
    event = ledger_of(&bench, GIVEN);
    event.ledger.self_retired = true;
    tell(&bench, event);
    assert_int_equal(bench.duty.state, DUTY_STOPPED);
    assert_int_equal(bench.duty.reason, DUTY_REASON_RETIRED);
    assert_false(bench.duty.agreed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_box_is_not_met_before_its_place_is_free),
        cmocka_unit_test(who_is_not_blank_takes_nobodys_place),
        cmocka_unit_test(a_newcomer_gets_the_id_that_was_given_and_both_reserve_new_ones),
        cmocka_unit_test(the_same_pair_keeps_what_it_has_reserved),
        cmocka_unit_test(a_box_that_a_term_names_has_its_id_also_when_it_is_blank),
        cmocka_unit_test(a_newcomer_is_known_by_its_hardware_and_takes_the_id_of_the_term),
        cmocka_unit_test(the_box_that_was_replaced_does_not_slip_back_blank),
        cmocka_unit_test(whose_newer_term_names_us_is_known_though_ours_does_not_name_it),
        cmocka_unit_test(a_retired_unit_is_told_so_and_not_met),
        cmocka_unit_test(who_hears_that_it_is_retired_stops_for_ever),
        cmocka_unit_test(what_is_said_of_the_process_before_us_does_not_retire_us),
        cmocka_unit_test(retired_it_stays_after_a_restart_and_blank_it_is_as_good_as_new),
        cmocka_unit_test(of_two_that_call_each_other_retired_one_stays),
        cmocka_unit_test(a_spare_that_was_told_farewell_stops_and_the_other_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
