/* The meeting: rule 5 of DESIGN 3, as timed transcripts; the mint is in duty_mint_test.c. */
#include "tests/unit/duty_fixture.h"

/* ---- rule 5: who is the source ------------------------------------------------------------------ */

struct pair {
    struct duty_word a, b;
};

static struct pair words(void)
{
    struct pair pair = {
        .a = {.unit = 1, .term = 5, .common_term = 5, .common_duty_unit = 1, .last_lsn = 100},
        .b = {.unit = 2, .term = 5, .common_term = 5, .common_duty_unit = 1, .last_lsn = 100},
    };

    return pair;
}

/* Both units come to the same answer, each from its own side. */
static uint32_t source_of(const struct pair *pair)
{
    uint32_t source = duty_choose_source(&pair->a, &pair->b);

    assert_int_equal(duty_choose_source(&pair->b, &pair->a), source);
    return source;
}

static void the_source_is_the_unit_that_serves(void **state)
{
    struct pair pair = words();

    (void)state;
    pair.a.term = 9; /* whatever else speaks for the other */
    pair.a.last_lsn = 900;
    pair.b.serve = DUTY_SERVE_LETTER;
    assert_int_equal(source_of(&pair), 2);
    pair.b.serve = DUTY_SERVE_NOT;
    pair.a.serve = DUTY_SERVE_PLAIN;
    assert_int_equal(source_of(&pair), 1);
}

static void of_two_that_serve_the_source_is_the_one_on_duty_in_the_newest_common_term(void **state)
{
    struct pair pair = words();

    (void)state;
    pair.a.serve = pair.b.serve = DUTY_SERVE_LETTER;
    pair.b.last_lsn = 900;
    assert_int_equal(source_of(&pair), 1);
    pair.b.common_term = 6;
    pair.b.common_duty_unit = 2;
    assert_int_equal(source_of(&pair), 2);
    pair.a.common_term = 7;
    pair.a.common_duty_unit = 2;
    assert_int_equal(source_of(&pair), 2);
}

static void of_two_that_serve_without_a_common_term_the_newest_term_entry_decides(void **state)
{
    struct pair pair = words();

    (void)state;
    pair.a.serve = pair.b.serve = DUTY_SERVE_LETTER;
    pair.a.common_duty_unit = pair.b.common_duty_unit = 3; /* a unit that is neither of the two */
    pair.b.term = 6;
    assert_int_equal(source_of(&pair), 2);
    pair = words();
    pair.a.serve = pair.b.serve = DUTY_SERVE_LETTER;
    pair.b.common_duty_unit = 2; /* one number minted twice: a disk was rolled back in between */
    assert_int_equal(source_of(&pair), 1);
}

static void
of_two_that_serve_nobody_the_newest_term_then_the_longer_ledger_then_the_lower_id(void **state)
{
    struct pair pair = words();

    (void)state;
    assert_int_equal(source_of(&pair), 1);
    pair.b.last_lsn = 101;
    assert_int_equal(source_of(&pair), 2);
    pair.a.term = 6;
    assert_int_equal(source_of(&pair), 1);
    pair = words();
    pair.a.term_duty_unit = pair.b.term_duty_unit =
        2; /* nothing differs: duty stays where it was */
    assert_int_equal(source_of(&pair), 2);
    pair.a.term_duty_unit = 1; /* one number minted twice */
    assert_int_equal(source_of(&pair), 1);
}

static void a_word_that_was_overtaken_changes_nothing(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    hear(&bench);
    bench.peer.term = 9;
    bench.peer.sequence -= 1; /* the slower link brings it now */
    hear(&bench);
    assert_int_equal(bench.duty.peer.term, 5);
    bench.peer.process++; /* another process counts anew */
    bench.peer.sequence = 0;
    hear(&bench);
    assert_int_equal(bench.duty.peer.term, 9);
}

static void a_blank_unit_is_never_the_source(void **state)
{
    struct pair pair = words();

    (void)state;
    pair.a.blank = true;
    pair.a.serve = DUTY_SERVE_LETTER;
    assert_int_equal(source_of(&pair), 2);
    pair.b.blank = true;
    assert_int_equal(source_of(&pair), 0);
    pair.a.blank = false;
    assert_int_equal(source_of(&pair), 1);
}

/* ---- rule 5: the meeting, step by step ----------------------------------------------------------- */

static void nothing_is_done_before_both_name_the_same_source(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, LOW, 5);
    hear(&bench); /* contact, but the peer does not meet yet */
    assert_int_equal(bench.duty.state, DUTY_MEETING_SOURCE);
    bench.peer.tail_closed = true; /* left over: no agreement, so it says nothing */
    hear(&bench);
    assert_false(did(&bench, DUTY_MEET_AS_SOURCE));
    bench.peer.state = DUTY_MEETING_SOURCE;
    bench.peer.source = HIGH;
    hear(&bench);
    assert_false(did(&bench, DUTY_MEET_AS_SOURCE));
    bench.peer.state = DUTY_MEETING_OTHER;
    bench.peer.source = LOW;
    hear(&bench);
    assert_true(did(&bench, DUTY_MEET_AS_SOURCE));
    assert_int_equal(bench.duty.state, DUTY_MEETING_SOURCE);
}

static void a_contact_counts_only_when_the_peer_has_heard_it_too(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, LOW, 5);
    bench.hears_us = false;
    hear(&bench);
    bench.peer.heard_process = bench.duty.word.process; /* of a contact that we do not have */
    bench.peer.heard_contact = bench.duty.word.contact + 1;
    hear(&bench);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
    bench.hears_us = true;
    hear(&bench);
    assert_int_equal(bench.duty.state, DUTY_MEETING_SOURCE);
}

static void until_both_agree_the_choice_follows_the_words(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    hear(&bench);
    assert_int_equal(bench.duty.state, DUTY_MEETING_SOURCE);
    bench.peer.state = DUTY_ALONE;
    bench.peer.serve = DUTY_SERVE_LETTER;
    hear(&bench);
    assert_int_equal(bench.duty.state, DUTY_MEETING_OTHER);
    assert_int_equal(bench.duty.word.source, HIGH);
}

static void the_source_serves_on_by_letter_until_the_mint(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, LOW, 5);
    peer_meets(&bench, LOW);
    assert_int_equal(duty_serves(&bench.duty), DUTY_SERVE_LETTER);
    run_ms(&bench, 1000);
    assert_false(did(&bench, DUTY_MEET_AS_SOURCE)); /* the other has not yielded yet */
    bench.peer.tail_closed = true;
    run_ms(&bench, 100);
    assert_true(did(&bench, DUTY_MEET_AS_SOURCE));
    assert_false(bench.holding);
    tell_kind(&bench, DUTY_MEETING_READY);
    assert_int_equal(bench.duty.state, DUTY_MINTING);
    assert_true(bench.holding);
    assert_int_equal(bench.minted.number, 6);
    assert_int_equal(bench.minted.duty_unit, LOW);
    confirm(&bench, bench.minted);
    assert_int_equal(bench.duty.state, DUTY_PAIRED_DUTY);
    assert_int_equal(bench.served, DUTY_SERVE_PLAIN);
    assert_true(did(&bench, DUTY_MEETING_OVER));
    assert_true(did(&bench, DUTY_TAKE_ADDRESS));
    assert_int_equal(bench.session_count, 0);
}

/* After a cut both hold the address, and clients whose ARP table names the one that yields waited for the mint, one to
 * four seconds. The source says where the address is before the other yields, and once more when it has. */
static void the_source_says_where_the_address_is_when_the_other_yields(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, LOW, 5);
    bench.peer.state = DUTY_ALONE;
    bench.peer.serve = DUTY_SERVE_LETTER;
    peer_meets(&bench, LOW);
    assert_int_equal(bench.duty.state, DUTY_MEETING_SOURCE);
    assert_true(did(&bench, DUTY_TAKE_ADDRESS));
    clear(&bench);
    hear(&bench); /* nothing new: not at every word */
    assert_false(did(&bench, DUTY_TAKE_ADDRESS));
    bench.peer.serve = DUTY_SERVE_NOT;
    hear(&bench);
    assert_true(did(&bench, DUTY_TAKE_ADDRESS));
    clear(&bench);
    hear(&bench);
    assert_false(did(&bench, DUTY_TAKE_ADDRESS));
}

static void the_other_yields_the_address_before_its_tail_is_read(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, HIGH, 5);
    bench.peer.serve = DUTY_SERVE_LETTER;
    hear(&bench);
    assert_int_equal(bench.duty.state, DUTY_MEETING_OTHER);
    assert_true(bench.duty.session); /* not agreed: it serves on */
    peer_meets(&bench, LOW);
    assert_true(did(&bench, DUTY_DROP_ADDRESS));
    assert_int_equal(bench.served, DUTY_SERVE_NOT);
    assert_true(did(&bench, DUTY_MEET_AS_OTHER));
    assert_false(bench.duty.word.tail_closed);
    tell_kind(&bench, DUTY_TAIL_CLOSED);
    assert_true(bench.duty.said.tail_closed);
    obey(&bench, term_of(6, LOW));
    assert_int_equal(bench.duty.state, DUTY_PAIRED_SPARE);
    assert_int_equal(bench.duty.word.common_term, 6);
    assert_true(did(&bench, DUTY_MEETING_OVER));
}

static void an_answer_from_before_the_agreement_counts_for_nothing(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, LOW, 5);
    hear(&bench);
    tell_kind(&bench, DUTY_MEETING_READY);
    assert_false(bench.duty.meeting_ready);
    start_unit(&bench, HIGH, 5);
    hear(&bench);
    assert_int_equal(bench.duty.state, DUTY_MEETING_OTHER);
    tell_kind(&bench, DUTY_TAIL_CLOSED);
    assert_false(bench.duty.word.tail_closed);
}

static void
a_source_that_serves_nobody_begins_a_session_when_the_meeting_takes_a_second(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    peer_meets(&bench, LOW);
    bench.peer.tail_closed = true;
    run_ms(&bench, DUTY_MEETING_SERVE_MS - DUTY_WORD_INTERVAL_MS);
    assert_false(did(&bench, DUTY_BEGIN_SESSION));
    run_ms(&bench, 2 * DUTY_WORD_INTERVAL_MS);
    assert_int_equal(bench.session_count, 1);
    tell_kind(&bench, DUTY_MEETING_READY);
    assert_int_equal(bench.duty.state,
                     DUTY_MEETING_SOURCE); /* its entry must not follow the term's */
    session_is_stored(&bench, 1);
    assert_int_equal(bench.duty.state, DUTY_MINTING);
    assert_true(bench.duty.session);
    assert_true(did(&bench, DUTY_TAKE_ADDRESS));
}

/* Seed 557: the other was blank, and its disk stood still for a minute: it met, and its tail was never closed. Nobody was
 * served for 33 s. */
static void
a_source_that_serves_nobody_does_not_wait_for_a_tail_that_the_others_disk_withholds(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    peer_meets(&bench, LOW);
    run_ms(&bench, DUTY_UNSERVED_MS - DUTY_WORD_INTERVAL_MS);
    assert_false(did(&bench, DUTY_PROBE_ADDRESS));
    run_ms(&bench, 2 * DUTY_WORD_INTERVAL_MS);
    assert_true(did(&bench, DUTY_PROBE_ADDRESS));
    assert_false(did(&bench, DUTY_BEGIN_SESSION));
    tell_probe(&bench, DUTY_PROBE_STRANGER); /* somebody has it */
    assert_false(did(&bench, DUTY_BEGIN_SESSION));
    tell_probe(&bench, DUTY_PROBE_SILENT);
    assert_int_equal(bench.session_count, 1);
    session_is_stored(&bench, 1);
    assert_int_equal(bench.duty.state, DUTY_MEETING_SOURCE);
    assert_true(did(&bench, DUTY_TAKE_ADDRESS));
    assert_false(did(&bench, DUTY_MEET_AS_SOURCE)); /* there is no tail to read yet */
    bench.peer.tail_closed = true;
    hear(&bench);
    assert_true(did(&bench, DUTY_MEET_AS_SOURCE));
}

static void a_source_does_not_serve_beside_an_other_that_still_does(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    peer_meets(&bench, LOW);
    bench.peer.serve = DUTY_SERVE_LETTER;
    run_ms(&bench, 2 * DUTY_UNSERVED_MS);
    assert_false(did(&bench, DUTY_PROBE_ADDRESS));
    assert_false(did(&bench, DUTY_BEGIN_SESSION));
}

static void a_meeting_at_night_begins_no_session(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    tell_level(&bench, DUTY_NEEDED, false);
    peer_meets(&bench, LOW);
    bench.peer.tail_closed = true;
    run_ms(&bench, 60000);
    assert_false(did(&bench, DUTY_BEGIN_SESSION));
    tell_kind(&bench, DUTY_MEETING_READY);
    assert_int_equal(bench.duty.state, DUTY_MINTING);
}

static void a_session_that_was_not_asked_for_is_not_served(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    peer_meets(&bench, LOW);
    session_is_stored(&bench, 1);
    assert_false(bench.duty.session);
    assert_false(did(&bench, DUTY_TAKE_ADDRESS));
}

static void when_a_meeting_breaks_the_source_goes_on_in_its_session(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, LOW, 5);
    peer_meets(&bench, LOW);
    bench.peer.tail_closed = true;
    hear(&bench);
    tell_reason(&bench, DUTY_MEETING_BROKEN, DUTY_REASON_MEETING_BROKE);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
    assert_true(did(&bench, DUTY_MEETING_OVER));
    assert_true(did(&bench, DUTY_CONTACT));
    assert_int_equal(bench.session_count, 0);
    assert_false(did(&bench, DUTY_DROP_ADDRESS));
}

static void when_a_meeting_breaks_the_other_may_serve_in_a_new_session_at_once(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, HIGH, 5);
    bench.peer.serve = DUTY_SERVE_LETTER;
    peer_meets(&bench, LOW);
    run_ms(&bench, 2 * DUTY_PROBE_FRESH_MS);
    clear(&bench);
    bench.talks = false;
    tell_reason(&bench, DUTY_MEETING_BROKEN, DUTY_REASON_MEETING_BROKE);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    tell_probe(&bench, DUTY_PROBE_SILENT);
    assert_int_equal(bench.duty.state, DUTY_TAKING);
    session_is_stored(&bench, 2);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
    assert_int_equal(bench.duty.reason, DUTY_REASON_MEETING_BROKE);
}

static void a_source_whose_peer_vanishes_before_it_serves_waits_as_rule_2_says(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    peer_meets(&bench, LOW);
    bench.talks = false;
    tell_kind(&bench, DUTY_LINKS_CLOSED);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    tell_probe(&bench, DUTY_PROBE_SILENT);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    run_ms(&bench, DUTY_RESTART_GRACE_MS);
    assert_int_equal(bench.duty.state, DUTY_TAKING);
}

static void a_peer_that_stops_ends_the_meeting(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, LOW, 5);
    peer_meets(&bench, LOW);
    bench.peer.state = DUTY_STOPPED;
    hear(&bench);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
    assert_true(did(&bench, DUTY_CONTACT));
    serve_alone(&bench, HIGH,
                5); /* the same before anything was agreed: it never stopped serving */
    bench.peer.serve = DUTY_SERVE_LETTER;
    hear(&bench);
    assert_int_equal(bench.duty.state, DUTY_MEETING_OTHER);
    bench.peer.state = DUTY_STOPPED;
    hear(&bench);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
    assert_false(did(&bench, DUTY_CONTACT));
}

static void a_source_that_loses_its_link_for_three_seconds_ends_session_and_meeting(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, LOW, 5);
    peer_meets(&bench, LOW);
    bench.peer.tail_closed = true;
    hear(&bench);
    tell_level(&bench, DUTY_SERVICE_LINK, false);
    run_ms(&bench, DUTY_LINK_LOST_MS + DUTY_WORD_INTERVAL_MS);
    assert_int_equal(bench.served, DUTY_SERVE_NOT);
    assert_true(did(&bench, DUTY_MEETING_OVER));
    assert_true(did(&bench, DUTY_DROP_ADDRESS));
}

static void
a_session_stored_after_its_meeting_broke_does_not_leave_the_unit_waiting_for_it(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    peer_meets(&bench, LOW);
    bench.peer.tail_closed = true;
    run_ms(&bench, DUTY_MEETING_SERVE_MS + DUTY_WORD_INTERVAL_MS);
    assert_int_equal(bench.session_count, 1);
    bench.talks = false;
    tell_kind(&bench, DUTY_LINKS_CLOSED); /* its entry is still on the way to the disk */
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    session_is_stored(&bench, 1); /* late: nobody is served by it */
    assert_int_equal(duty_serves(&bench.duty), DUTY_SERVE_NOT);
    clear(&bench);
    run_ms(&bench, DUTY_RESTART_GRACE_MS);
    tell_probe(&bench, DUTY_PROBE_SILENT);
    assert_int_equal(bench.duty.state, DUTY_TAKING);
    assert_int_equal(bench.session_count, 1);
    session_is_stored(&bench, 2);
    assert_int_equal(bench.duty.state, DUTY_ALONE);
}

/* Else the other, which has yielded, keeps to a meeting that the source has left. */
static void a_source_that_ends_its_session_gives_up_the_contact_of_the_meeting(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, HIGH, 5);
    peer_meets(&bench, HIGH);
    bench.peer.tail_closed = true;
    hear(&bench);
    tell_level(&bench, DUTY_SERVICE_LINK, false);
    clear(&bench);
    bench.hears_us = false;
    run_ms(&bench, DUTY_LINK_LOST_MS + DUTY_WORD_INTERVAL_MS);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    assert_true(did(&bench, DUTY_CONTACT));
}

static void a_meeting_that_the_peer_understands_otherwise_is_given_up(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    peer_meets(&bench, LOW);
    assert_true(bench.duty.meeting_agreed);
    bench.peer.source = HIGH; /* it chose anew before it heard that we agreed */
    bench.peer.state = DUTY_MEETING_SOURCE;
    clear(&bench);
    bench.hears_us = false;
    hear(&bench);
    assert_true(did(&bench, DUTY_CONTACT));
    assert_int_not_equal(bench.duty.state, DUTY_MEETING_SOURCE);
}

static void a_meeting_lasts_as_long_as_both_name_its_source(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, LOW, 5);
    peer_meets(&bench, LOW);
    bench.peer.tail_closed = true;
    run_ms(&bench, 300000); /* a blank unit is being filled */
    assert_int_equal(bench.duty.state, DUTY_MEETING_SOURCE);
    assert_false(did(&bench, DUTY_CONTACT));
}

/* Promise 14: a ticket within 10 s of the need. */
static void
the_other_of_a_meeting_serves_when_its_source_serves_nobody_for_five_seconds(void **state)
{
    struct bench bench;

    (void)state;
    be_spare(&bench); /* long started */
    run_ms(&bench, 1);
    bench.talks = true;
    run_ms(&bench, DUTY_LONE_BOOT_MS);
    peer_is(&bench, DUTY_WAITING, DUTY_SERVE_NOT, 6, LOW);
    bench.peer.service_link = false; /* a LAN cable out, and a pair that has been flapping */
    bench.peer.contact++;
    hear(&bench);
    peer_meets(&bench, LOW);
    tell_kind(&bench, DUTY_TAIL_CLOSED);
    assert_int_equal(bench.duty.state, DUTY_MEETING_OTHER);
    clear(&bench);
    run_ms(&bench, DUTY_UNSERVED_MS - 1000);
    assert_int_equal(bench.duty.state, DUTY_MEETING_OTHER);
    run_ms(&bench, 1000 + 2 * DUTY_WORD_INTERVAL_MS);
    assert_true(did(&bench, DUTY_CONTACT));
    assert_int_equal(bench.duty.state,
                     DUTY_WAITING); /* although the peer would meet at once again */
    assert_true(did(&bench, DUTY_PROBE_ADDRESS));
    tell_probe(&bench, DUTY_PROBE_SILENT);
    assert_true(did(&bench, DUTY_BEGIN_SESSION));
    session_is_stored(&bench, 1);
    run_ms(&bench, 60);
    assert_int_equal(bench.duty.state, DUTY_MEETING_SOURCE); /* who serves is the source */
    assert_int_equal(duty_serves(&bench.duty), DUTY_SERVE_LETTER);
}

static void a_unit_serves_when_its_peer_never_agrees_to_a_meeting(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    bench.peer.state = DUTY_TAKING; /* its disk hangs */
    bench.talks = true;
    run_ms(&bench, DUTY_LONE_BOOT_MS + DUTY_UNSERVED_MS + 100);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    tell_probe(&bench, DUTY_PROBE_SILENT);
    assert_int_equal(bench.duty.state, DUTY_TAKING);
    session_is_stored(&bench, 1);
    run_ms(&bench, 60000);
    assert_int_equal(duty_serves(&bench.duty), DUTY_SERVE_LETTER);
}

static void who_may_not_take_the_address_meets_instead(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, LOW, 5);
    bench.peer.state = DUTY_TAKING;
    bench.talks = true;
    run_ms(&bench, DUTY_LONE_BOOT_MS + DUTY_UNSERVED_MS + 100);
    assert_int_equal(bench.duty.state, DUTY_WAITING);
    tell_probe(&bench, DUTY_PROBE_STRANGER);
    run_ms(&bench, DUTY_WORD_INTERVAL_MS);
    assert_int_equal(bench.duty.state, DUTY_MEETING_SOURCE);
}

static void a_meeting_whose_source_serves_or_whose_other_cannot_goes_on(void **state)
{
    struct bench bench;

    (void)state;
    start_unit(&bench, HIGH, 5);
    bench.peer.serve = DUTY_SERVE_LETTER;
    peer_meets(&bench, LOW);
    run_ms(&bench, 100000);
    assert_int_equal(bench.duty.state, DUTY_MEETING_OTHER);
    bench.peer.serve = DUTY_SERVE_NOT;
    tell_level(&bench, DUTY_NEEDED, false);
    run_ms(&bench, 100000);
    assert_int_equal(bench.duty.state, DUTY_MEETING_OTHER);
    tell_level(&bench, DUTY_NEEDED, true);
    tell_level(&bench, DUTY_SERVICE_LINK, false);
    run_ms(&bench, 100000);
    assert_int_equal(bench.duty.state, DUTY_MEETING_OTHER);
}

static void
a_unit_that_still_serves_before_a_meeting_is_agreed_keeps_the_rules_of_its_session(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, HIGH, 5);
    bench.peer.serve = DUTY_SERVE_LETTER;
    bench.talks = true;
    hear(&bench);
    assert_int_equal(bench.duty.state, DUTY_MEETING_OTHER);
    tell_contest(&bench, true);
    run_ms(&bench, DUTY_CONFLICT_MS + 1);
    assert_int_equal(bench.served, DUTY_SERVE_NOT); /* no meeting has begun within 300 ms */
    assert_true(did(&bench, DUTY_DROP_ADDRESS));
}

static void a_meeting_that_has_begun_is_no_conflict_about_the_address(void **state)
{
    struct bench bench;

    (void)state;
    serve_alone(&bench, HIGH, 5);
    peer_meets(&bench, HIGH);
    tell_contest(&bench, true); /* the other's last announcement, late */
    run_ms(&bench, 2 * DUTY_CONFLICT_MS);
    assert_int_equal(duty_serves(&bench.duty), DUTY_SERVE_LETTER);
    assert_true(did(&bench, DUTY_TAKE_ADDRESS));
    assert_false(did(&bench, DUTY_DROP_ADDRESS));
    tell_contest(&bench, true);
    bench.peer.tail_closed = true;
    hear(&bench);
    tell_kind(&bench, DUTY_MEETING_READY);
    assert_int_equal(bench.duty.state, DUTY_MINTING);
    tell_contest(&bench, true);
    run_ms(&bench, DUTY_MINT_MS_MAX); /* and the mint fails */
    assert_int_equal(bench.duty.state, DUTY_ALONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_source_is_the_unit_that_serves),
        cmocka_unit_test(of_two_that_serve_the_source_is_the_one_on_duty_in_the_newest_common_term),
        cmocka_unit_test(of_two_that_serve_without_a_common_term_the_newest_term_entry_decides),
        cmocka_unit_test(
            of_two_that_serve_nobody_the_newest_term_then_the_longer_ledger_then_the_lower_id),
        cmocka_unit_test(a_word_that_was_overtaken_changes_nothing),
        cmocka_unit_test(a_blank_unit_is_never_the_source),
        cmocka_unit_test(nothing_is_done_before_both_name_the_same_source),
        cmocka_unit_test(a_contact_counts_only_when_the_peer_has_heard_it_too),
        cmocka_unit_test(until_both_agree_the_choice_follows_the_words),
        cmocka_unit_test(the_source_serves_on_by_letter_until_the_mint),
        cmocka_unit_test(the_source_says_where_the_address_is_when_the_other_yields),
        cmocka_unit_test(the_other_yields_the_address_before_its_tail_is_read),
        cmocka_unit_test(an_answer_from_before_the_agreement_counts_for_nothing),
        cmocka_unit_test(
            a_source_that_serves_nobody_begins_a_session_when_the_meeting_takes_a_second),
        cmocka_unit_test(
            a_source_that_serves_nobody_does_not_wait_for_a_tail_that_the_others_disk_withholds),
        cmocka_unit_test(a_source_does_not_serve_beside_an_other_that_still_does),
        cmocka_unit_test(a_meeting_at_night_begins_no_session),
        cmocka_unit_test(a_session_that_was_not_asked_for_is_not_served),
        cmocka_unit_test(when_a_meeting_breaks_the_source_goes_on_in_its_session),
        cmocka_unit_test(when_a_meeting_breaks_the_other_may_serve_in_a_new_session_at_once),
        cmocka_unit_test(a_source_whose_peer_vanishes_before_it_serves_waits_as_rule_2_says),
        cmocka_unit_test(a_peer_that_stops_ends_the_meeting),
        cmocka_unit_test(a_source_that_loses_its_link_for_three_seconds_ends_session_and_meeting),
        cmocka_unit_test(
            a_session_stored_after_its_meeting_broke_does_not_leave_the_unit_waiting_for_it),
        cmocka_unit_test(a_source_that_ends_its_session_gives_up_the_contact_of_the_meeting),
        cmocka_unit_test(a_meeting_that_the_peer_understands_otherwise_is_given_up),
        cmocka_unit_test(a_meeting_lasts_as_long_as_both_name_its_source),
        cmocka_unit_test(
            the_other_of_a_meeting_serves_when_its_source_serves_nobody_for_five_seconds),
        cmocka_unit_test(a_unit_serves_when_its_peer_never_agrees_to_a_meeting),
        cmocka_unit_test(who_may_not_take_the_address_meets_instead),
        cmocka_unit_test(a_meeting_whose_source_serves_or_whose_other_cannot_goes_on),
        cmocka_unit_test(
            a_unit_that_still_serves_before_a_meeting_is_agreed_keeps_the_rules_of_its_session),
        cmocka_unit_test(a_meeting_that_has_begun_is_no_conflict_about_the_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
