/* storage/ship: the frames between two units, and what may be sent when. */
#include "storage/ship/ship.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

enum { SPARE_BYTES = 64 };

struct buffers {
    uint8_t bytes[SHIP_FRAME_BYTES_MAX + SPARE_BYTES];
    uint8_t body[SHIP_FRAME_BYTES_MAX + SPARE_BYTES];
    struct ship_frame frame, read;
};

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct buffers));
    return *state == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static struct bytes_writer body_writer(struct buffers *b)
{
    return bytes_writer_over(b->body, sizeof(b->body));
}

/* Bytes that others judge: any length but none. */
static bool has_free_body(int kind)
{
    return kind == SHIP_WORD || kind == SHIP_CLIENTS || kind == SHIP_SNAPSHOT ||
           kind == SHIP_ERASED;
}

/* A frame of this kind with everything that the kind may carry. */
static void fill_frame(struct buffers *b, enum ship_kind kind)
{
    struct bytes_writer body = body_writer(b);

    b->frame = (struct ship_frame){.kind = (uint8_t)kind,
                                   .contact = {1, 2, 3, 4},
                                   .lsn = 5,
                                   .term = 6,
                                   .until_lsn = 7,
                                   .index = 8,
                                   .body = b->body};
    memset(b->frame.hash.bytes, 0xcc, IDS_HASH_BYTES);
    if (has_free_body((int)kind)) {
        bytes_put(&body, "word", 4);
    } else if (kind == SHIP_ENTRIES || kind == SHIP_TAIL) {
        ship_body_put(&body, "first", 5);
        ship_body_put(&body, "", 0);
        ship_body_put(&body, "third", 5);
        b->frame.count = 3;
        b->frame.more = kind == SHIP_TAIL;
    }
    if (kind == SHIP_ENTRIES) {
        b->frame.key_count = 2;
        b->frame.keys[0] = (struct ship_key){.day = 20261124, .unit = 1};
        b->frame.keys[1] = (struct ship_key){.day = 20261124, .unit = 2};
        memset(b->frame.keys[1].bytes, 0x5a, SHIP_KEY_BYTES);
    }
    b->frame.body_len_bytes = body.len_bytes;
}

static size_t encode(struct buffers *b)
{
    return ship_frame_encode(&b->frame, b->bytes, sizeof(b->bytes));
}

/* ---- frames --------------------------------------------------------------------------------------- */

static void every_kind_of_frame_is_read_as_it_was_written(void **state)
{
    struct buffers *b = *state;

    for (int kind = SHIP_WORD; kind < SHIP_KIND_END; kind++) {
        size_t len_bytes;

        fill_frame(b, (enum ship_kind)kind);
        len_bytes = encode(b);
        assert_true(len_bytes > 0);
        assert_true(ship_frame_decode(b->bytes, len_bytes, &b->read));
        assert_int_equal(b->read.kind, kind);
        assert_memory_equal(&b->read.contact, &b->frame.contact, sizeof(b->read.contact));
        assert_int_equal(b->read.lsn, 5);
        assert_int_equal(b->read.term, 6);
        assert_memory_equal(&b->read.hash, &b->frame.hash, sizeof(b->read.hash));
        assert_int_equal(b->read.until_lsn, 7);
        assert_int_equal(b->read.index, 8);
        assert_int_equal(b->read.count, b->frame.count);
        assert_int_equal(b->read.more, b->frame.more);
        assert_int_equal(b->read.key_count, b->frame.key_count);
        assert_memory_equal(b->read.keys, b->frame.keys,
                            b->frame.key_count * sizeof(struct ship_key));
        assert_int_equal(b->read.body_len_bytes, b->frame.body_len_bytes);
        assert_memory_equal(b->read.body, b->frame.body, b->frame.body_len_bytes);
    }
}

/* In memory of its own, so that a sanitizer sees any look behind the end. */
static bool decode_exactly(const uint8_t *bytes, size_t len_bytes, struct ship_frame *ret_frame,
                           uint8_t **ret_copy)
{
    *ret_copy = malloc(len_bytes == 0 ? 1 : len_bytes);
    assert_non_null(*ret_copy);
    memcpy(*ret_copy, bytes, len_bytes);
    return ship_frame_decode(*ret_copy, len_bytes, ret_frame);
}

static void a_shortened_frame_is_refused(void **state)
{
    struct buffers *b = *state;

    for (int kind = SHIP_WORD; kind < SHIP_KIND_END; kind++) {
        size_t len_bytes;

        fill_frame(b, (enum ship_kind)kind);
        len_bytes = encode(b);
        for (size_t cut = 0; cut < len_bytes; cut++) {
            uint8_t *copy;
            bool taken = decode_exactly(b->bytes, cut, &b->read, &copy);

            /* A word is duty's to judge, connections the address helper's, a snapshot's hash proves
             * it whole: any length but none. */
            assert_int_equal(taken, has_free_body(kind) && cut > len_bytes - 4);
            free(copy);
        }
    }
}

static void a_lengthened_frame_is_refused(void **state)
{
    struct buffers *b = *state;

    for (int kind = SHIP_ENTRIES; kind < SHIP_KIND_END; kind++) {
        size_t len_bytes;

        fill_frame(b, (enum ship_kind)kind);
        len_bytes = encode(b);
        b->bytes[len_bytes] = 0;
        if (has_free_body(kind)) {
            continue;
        }
        assert_false(ship_frame_decode(b->bytes, len_bytes + 1, &b->read));
    }
}

static void more_of_a_snapshot_than_a_frame_may_hold_is_refused(void **state)
{
    struct buffers *b = *state;

    fill_frame(b, SHIP_SNAPSHOT);
    memset(b->body, 7,
           sizeof(b->body) < SHIP_SNAPSHOT_BYTES_MAX + 1 ? sizeof(b->body)
                                                         : SHIP_SNAPSHOT_BYTES_MAX + 1);
    b->frame.body_len_bytes = SHIP_SNAPSHOT_BYTES_MAX;
    assert_true(ship_frame_decode(b->bytes, encode(b), &b->read));
    b->frame.body_len_bytes = SHIP_SNAPSHOT_BYTES_MAX + 1;
    assert_false(ship_frame_decode(b->bytes, encode(b), &b->read));
    b->frame.body_len_bytes = 0;
    assert_false(ship_frame_decode(b->bytes, encode(b), &b->read));
}

static void a_flipped_bit_is_refused_or_encodes_to_itself(void **state)
{
    struct buffers *b = *state;
    static uint8_t again[SHIP_FRAME_BYTES_MAX];

    for (int kind = SHIP_WORD; kind < SHIP_KIND_END; kind++) {
        size_t len_bytes;

        fill_frame(b, (enum ship_kind)kind);
        len_bytes = encode(b);
        for (size_t bit = 0; bit < 8 * len_bytes; bit++) {
            uint8_t *copy;

            b->bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
            if (decode_exactly(b->bytes, len_bytes, &b->read, &copy)) {
                assert_int_equal(ship_frame_encode(&b->read, again, sizeof(again)), len_bytes);
                assert_memory_equal(again, b->bytes, len_bytes);
            }
            free(copy);
            b->bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        }
    }
}

static void a_frame_over_its_limits_is_refused(void **state)
{
    struct buffers *b = *state;
    struct bytes_writer body;
    size_t len_bytes;

    fill_frame(b, SHIP_TAIL);
    body = body_writer(b);
    for (int i = 0; i <= SHIP_TAIL_ROWS_MAX; i++) {
        ship_body_put(&body, "row", 3);
    }
    b->frame.count = SHIP_TAIL_ROWS_MAX + 1;
    b->frame.body_len_bytes = body.len_bytes;
    assert_false(ship_frame_decode(b->bytes, encode(b), &b->read));
    b->frame.kind = SHIP_ENTRIES; /* of entries a frame may hold more */
    b->frame.more = false;
    assert_true(ship_frame_decode(b->bytes, encode(b), &b->read));

    body = body_writer(b);
    for (int i = 0; i <= SHIP_FRAME_ENTRIES_MAX; i++) {
        ship_body_put(&body, "e", 1);
    }
    b->frame.count = SHIP_FRAME_ENTRIES_MAX + 1;
    b->frame.body_len_bytes = body.len_bytes;
    assert_false(ship_frame_decode(b->bytes, encode(b), &b->read));

    fill_frame(b, SHIP_WORD);
    b->frame.body_len_bytes = 0;
    assert_false(ship_frame_decode(b->bytes, encode(b), &b->read));

    fill_frame(b, SHIP_CLIENTS);
    b->frame.body_len_bytes = SHIP_CLIENTS_BYTES_MAX;
    assert_true(ship_frame_decode(b->bytes, encode(b), &b->read));
    b->frame.body_len_bytes++;
    assert_false(ship_frame_decode(b->bytes, encode(b), &b->read));

    fill_frame(b, SHIP_ACK);
    b->frame.count = 1; /* and nothing that it could count */
    assert_false(ship_frame_decode(b->bytes, encode(b), &b->read));

    fill_frame(b, SHIP_WORD);
    b->frame.body_len_bytes = SHIP_FRAME_BYTES_MAX;
    assert_int_equal(encode(b), 0);
    b->frame.body_len_bytes = 4;
    len_bytes = encode(b);
    assert_int_equal(ship_frame_encode(&b->frame, b->bytes, len_bytes - 1), 0);
    assert_false(ship_frame_decode(b->bytes, SHIP_FRAME_BYTES_MAX + 1, &b->read));
}

static void the_items_of_a_body_are_walked_one_by_one(void **state)
{
    struct buffers *b = *state;
    struct bytes_reader body;
    size_t len_bytes;

    fill_frame(b, SHIP_ENTRIES);
    body = bytes_reader_over(b->frame.body, b->frame.body_len_bytes);
    assert_memory_equal(ship_body_next(&body, &len_bytes), "first", 5);
    assert_int_equal(len_bytes, 5);
    assert_non_null(ship_body_next(&body, &len_bytes));
    assert_int_equal(len_bytes, 0);
    assert_memory_equal(ship_body_next(&body, &len_bytes), "third", 5);
    assert_true(bytes_finished(&body));
    assert_null(ship_body_next(&body, &len_bytes));
    assert_int_equal(len_bytes, 0);
}

static void an_item_that_does_not_fit_is_not_begun(void **state)
{
    uint8_t bytes[12];
    struct bytes_writer body = bytes_writer_over(bytes, sizeof(bytes));

    (void)state;
    ship_body_put(&body, "12345678", 8);
    assert_false(body.failed);
    body = bytes_writer_over(bytes, sizeof(bytes));
    ship_body_put(&body, "123456789", 9);
    assert_true(body.failed);
    assert_int_equal(body.len_bytes, 0);
}

/* ---- the window -------------------------------------------------------------------------------------- */

struct span {
    uint64_t first, last;
    bool any;
};

static struct span next(struct ship_sender *sender, uint64_t head_lsn, uint64_t now_ms)
{
    struct span span = {0};

    span.any = ship_sender_next(sender, head_lsn, now_ms, &span.first, &span.last);
    return span;
}

static void send_all(struct ship_sender *sender, uint64_t head_lsn, uint64_t now_ms)
{
    struct span span;

    while ((span = next(sender, head_lsn, now_ms)).any) {
        ship_sender_sent(sender, span.last, now_ms);
    }
}

static void entries_are_sent_in_order_once_and_no_further_than_the_head(void **state)
{
    struct ship_sender sender;
    struct span span;

    (void)state;
    ship_sender_init(&sender, 10);
    assert_false(next(&sender, 10, 1).any);
    span = next(&sender, 12, 1);
    assert_true(span.any && span.first == 11 && span.last == 12);
    ship_sender_sent(&sender, 12, 1);
    assert_false(next(&sender, 12, 1).any);
    span = next(&sender, 13, 2);
    assert_true(span.any && span.first == 13 && span.last == 13);
}

static void a_frame_holds_no_more_than_its_limit(void **state)
{
    struct ship_sender sender;
    struct span span;

    (void)state;
    ship_sender_init(&sender, 0);
    span = next(&sender, 3000, 1);
    assert_int_equal(span.last, SHIP_FRAME_ENTRIES_MAX);
    ship_sender_sent(&sender, span.last, 1);
    span = next(&sender, 3000, 1);
    assert_int_equal(span.first, SHIP_FRAME_ENTRIES_MAX + 1);
    assert_int_equal(span.last, 2 * SHIP_FRAME_ENTRIES_MAX);
}

static void no_more_is_in_flight_than_the_window(void **state)
{
    struct ship_sender sender;
    struct span span;

    (void)state;
    ship_sender_init(&sender, 0);
    send_all(&sender, 100000, 1);
    assert_int_equal(sender.sent_lsn, SHIP_WINDOW_ENTRIES);
    assert_true(ship_sender_acked(&sender, 10, 10, 2));
    span = next(&sender, 100000, 2);
    assert_true(span.any && span.first == SHIP_WINDOW_ENTRIES + 1 &&
                span.last == SHIP_WINDOW_ENTRIES + 10);
}

/* The story of seed 39: the other of a meeting holds nothing durable before its whole tail is there. */
static void what_has_arrived_opens_the_window_before_anything_of_it_is_durable(void **state)
{
    struct ship_sender sender;

    (void)state;
    ship_sender_init(&sender, 100);
    send_all(&sender, 100000, 1);
    assert_false(ship_sender_acked(&sender, 100, 100 + SHIP_WINDOW_ENTRIES, 2));
    assert_int_equal(sender.acked_lsn, 100); /* promises nothing */
    send_all(&sender, 100000, 2);
    assert_int_equal(sender.sent_lsn, 100 + 2 * SHIP_WINDOW_ENTRIES);
}

static void nothing_is_sent_again_before_100_ms_without_progress(void **state)
{
    struct ship_sender sender;
    struct span span;

    (void)state;
    ship_sender_init(&sender, 0);
    send_all(&sender, 20, 1000);
    assert_false(next(&sender, 20, 1000 + SHIP_RESEND_MS - 1).any);
    assert_false(ship_sender_acked(&sender, 0, 5, 1000 + SHIP_RESEND_MS - 1)); /* progress */
    assert_false(next(&sender, 20, 1000 + SHIP_RESEND_MS).any);
    span = next(&sender, 20, 1000 + 2 * SHIP_RESEND_MS - 1);
    assert_true(span.any && span.first == 6 && span.last == 20);
    assert_int_equal(sender.resent_count, 1);
    ship_sender_sent(&sender, 20, 1000 + 2 * SHIP_RESEND_MS - 1);
    assert_int_equal(sender.sent_lsn, 20);
}

/* tests/integration/faults.mjs, unplug-direct: a frame was lost with its link and never sent again, because new
 * entries followed it all the time; the contact was given up after 500 ms for nothing. */
static void a_lost_entry_is_sent_again_though_others_follow_it_all_the_time(void **state)
{
    struct ship_sender sender;
    uint64_t head_lsn = 1, now_ms = 1000;

    (void)state;
    ship_sender_init(&sender, 0);
    while (sender.resent_count == 0) {
        struct span span = next(&sender, head_lsn, now_ms);

        if (span.any) {
            ship_sender_sent(&sender, span.last, now_ms);
        }
        now_ms += 10;
        head_lsn++;
        assert_true(now_ms <= 1000 + 2 * SHIP_RESEND_MS);
    }
}

static void going_back_does_not_forget_what_was_sent(void **state)
{
    struct ship_sender sender;

    (void)state;
    ship_sender_init(&sender, 0);
    send_all(&sender, 2000, 1000);
    (void)next(&sender, 2000, 1000 + SHIP_RESEND_MS); /* goes back to 1 */
    ship_sender_sent(&sender, 5, 1000 + SHIP_RESEND_MS);
    assert_true(ship_sender_acked(&sender, 2000, 2000, 1150)); /* the first sending had arrived */
    assert_int_equal(sender.acked_lsn, 2000);
    assert_int_equal(sender.next_lsn, 2001);
    assert_false(next(&sender, 2000, 1150).any);
}

static void an_acknowledgement_that_is_old_or_cannot_be_changes_nothing(void **state)
{
    struct ship_sender sender, before;

    (void)state;
    ship_sender_init(&sender, 10);
    send_all(&sender, 20, 1);
    assert_true(ship_sender_acked(&sender, 15, 15, 2));
    before = sender;
    assert_false(ship_sender_acked(&sender, 15, 15, 3));
    assert_false(ship_sender_acked(&sender, 12, 14, 3));
    assert_false(ship_sender_acked(&sender, 21, 21, 3)); /* never sent */
    assert_false(ship_sender_acked(&sender, 16, 21, 3));
    assert_memory_equal(&sender, &before, sizeof(sender));
}

static void durable_is_received_even_when_it_does_not_say_so(void **state)
{
    struct ship_sender sender;

    (void)state;
    ship_sender_init(&sender, 10);
    send_all(&sender, 20, 1);
    assert_true(ship_sender_acked(&sender, 18, 0, 2));
    assert_int_equal(sender.received_lsn, 18);
}

/* ---- overdue ------------------------------------------------------------------------------------------ */

static void the_wait_for_an_acknowledgement_begins_with_the_first_sending(void **state)
{
    struct ship_sender sender;

    (void)state;
    ship_sender_init(&sender, 0);
    assert_int_equal(ship_sender_waiting_ms(&sender, 500), 0);
    send_all(&sender, 10, 1000);
    assert_int_equal(ship_sender_waiting_ms(&sender, 1400), 400);
    (void)next(&sender, 10, 1400);
    ship_sender_sent(&sender, 10, 1400); /* sent again: it has still waited since 1000 */
    assert_int_equal(ship_sender_waiting_ms(&sender, 1500), 500);
    (void)ship_sender_acked(&sender, 0, 10, 1500); /* arrived is not durable */
    assert_int_equal(ship_sender_waiting_ms(&sender, 1501), 501);
    assert_true(ship_sender_acked(&sender, 10, 10, 1600));
    assert_int_equal(ship_sender_waiting_ms(&sender, 9000), 0);
}

static void a_steady_stream_that_is_acknowledged_is_never_overdue(void **state)
{
    struct ship_sender sender;
    uint64_t now_ms = 1000;

    (void)state;
    ship_sender_init(&sender, 0);
    for (uint64_t lsn = 1; lsn < 500; lsn++, now_ms += 10) {
        send_all(&sender, lsn, now_ms);
        if (lsn > 5) {
            (void)ship_sender_acked(&sender, lsn - 5, lsn, now_ms); /* always 50 ms behind */
        }
        assert_in_range(ship_sender_waiting_ms(&sender, now_ms), 0, 110);
    }
}

static void
one_entry_that_is_never_acknowledged_becomes_overdue_behind_a_moving_stream(void **state)
{
    struct ship_sender sender;

    (void)state;
    ship_sender_init(&sender, 0);
    send_all(&sender, 10, 1000);
    for (uint64_t i = 1; i <= 50; i++) {
        send_all(&sender, 10 + i, 1000 + i * 10);
        (void)ship_sender_acked(&sender, 9, 10 + i, 1000 + i * 10);
    }
    assert_int_equal(ship_sender_waiting_ms(&sender, 1510), 510);
}

/* The clock that began anew at each acknowledgement let a batch wait for nearly twice the bound. */
static void each_batch_has_its_own_clock_behind_a_stream_that_moves(void **state)
{
    struct ship_sender sender;

    (void)state;
    ship_sender_init(&sender, 0);
    send_all(&sender, 1, 1000);
    send_all(&sender, 2, 1100); /* this one is held up there */
    send_all(&sender, 3, 1490);
    assert_true(ship_sender_acked(&sender, 1, 3, 1495)); /* the first came late, in time */
    assert_int_equal(ship_sender_waiting_ms(&sender, 1601), 501);
    assert_true(ship_sender_acked(&sender, 2, 3, 1602));
    assert_int_equal(ship_sender_waiting_ms(&sender, 1990), 500);
    assert_true(ship_sender_acked(&sender, 3, 3, 1991));
    assert_int_equal(ship_sender_waiting_ms(&sender, 9000), 0);
}

static void batches_of_one_moment_share_a_clock_that_is_never_late(void **state)
{
    struct ship_sender sender;

    (void)state;
    ship_sender_init(&sender, 0);
    send_all(&sender, 1, 1000);
    send_all(&sender, 2, 1000 + SHIP_MARK_MS - 1);
    send_all(&sender, 3, 1000 + SHIP_MARK_MS);
    assert_true(ship_sender_acked(&sender, 1, 3, 1020));
    assert_int_equal(ship_sender_waiting_ms(&sender, 1100), 100);
    assert_true(ship_sender_acked(&sender, 2, 3, 1021));
    assert_int_equal(ship_sender_waiting_ms(&sender, 1100), 100 - SHIP_MARK_MS);
}

/* More moments in flight than there are marks: a meeting, where nobody is hurried. Too early, never late. */
static void what_has_no_mark_of_its_own_counts_as_older(void **state)
{
    struct ship_sender sender;
    uint64_t last_ms = 1000 + SHIP_MARKS_MAX * SHIP_MARK_MS;

    (void)state;
    ship_sender_init(&sender, 0);
    for (uint64_t i = 0; i <= SHIP_MARKS_MAX; i++) {
        send_all(&sender, i + 1, 1000 + i * SHIP_MARK_MS);
    }
    assert_true(ship_sender_acked(&sender, SHIP_MARKS_MAX, SHIP_MARKS_MAX + 1, last_ms));
    assert_int_equal(ship_sender_waiting_ms(&sender, last_ms), SHIP_MARK_MS);
    assert_true(ship_sender_acked(&sender, SHIP_MARKS_MAX + 1, SHIP_MARKS_MAX + 1, last_ms));
    assert_int_equal(ship_sender_waiting_ms(&sender, last_ms), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_frame_is_read_as_it_was_written),
        cmocka_unit_test(a_shortened_frame_is_refused),
        cmocka_unit_test(a_lengthened_frame_is_refused),
        cmocka_unit_test(more_of_a_snapshot_than_a_frame_may_hold_is_refused),
        cmocka_unit_test(a_flipped_bit_is_refused_or_encodes_to_itself),
        cmocka_unit_test(a_frame_over_its_limits_is_refused),
        cmocka_unit_test(the_items_of_a_body_are_walked_one_by_one),
        cmocka_unit_test(an_item_that_does_not_fit_is_not_begun),
        cmocka_unit_test(entries_are_sent_in_order_once_and_no_further_than_the_head),
        cmocka_unit_test(a_frame_holds_no_more_than_its_limit),
        cmocka_unit_test(no_more_is_in_flight_than_the_window),
        cmocka_unit_test(what_has_arrived_opens_the_window_before_anything_of_it_is_durable),
        cmocka_unit_test(nothing_is_sent_again_before_100_ms_without_progress),
        cmocka_unit_test(a_lost_entry_is_sent_again_though_others_follow_it_all_the_time),
        cmocka_unit_test(going_back_does_not_forget_what_was_sent),
        cmocka_unit_test(an_acknowledgement_that_is_old_or_cannot_be_changes_nothing),
        cmocka_unit_test(durable_is_received_even_when_it_does_not_say_so),
        cmocka_unit_test(the_wait_for_an_acknowledgement_begins_with_the_first_sending),
        cmocka_unit_test(a_steady_stream_that_is_acknowledged_is_never_overdue),
        cmocka_unit_test(
            one_entry_that_is_never_acknowledged_becomes_overdue_behind_a_moving_stream),
        cmocka_unit_test(each_batch_has_its_own_clock_behind_a_stream_that_moves),
        cmocka_unit_test(batches_of_one_moment_share_a_clock_that_is_never_late),
        cmocka_unit_test(what_has_no_mark_of_its_own_counts_as_older),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
