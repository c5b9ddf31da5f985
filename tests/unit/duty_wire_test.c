/* The bytes of a word and of a term. Whatever is decoded is what encode would have made: each truncation,
 * each added byte and each flipped bit is refused or encodes to the very same bytes again. */
#include "cluster/duty/duty.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static struct duty_term some_term(void)
{
    struct duty_term term = {.number = 41,
                             .duty_unit = 2,
                             .units = {{.unit = 1}, {.unit = 2}},
                             .reserved_ids = {100, 101}};

    memset(term.units[0].hardware.bytes, 0xa1, IDS_TOKEN_BYTES);
    memset(term.units[1].hardware.bytes, 0xa2, IDS_TOKEN_BYTES);
    return term;
}

static struct duty_word some_word(void)
{
    struct duty_word word = {.place = 4,
                             .unit = 2,
                             .process = 3,
                             .sequence = 13,
                             .contact = 4,
                             .heard_process = 5,
                             .heard_contact = 6,
                             .state = DUTY_MEETING_OTHER,
                             .serve = DUTY_SERVE_LETTER,
                             .restored = true,
                             .service_link = true,
                             .tail_closed = true,
                             .unsound = true,
                             .peer_retired = true,
                             .service_link_ms = 7,
                             .source = 1,
                             .term = 8,
                             .term_duty_unit = 1,
                             .highest_term = 14,
                             .common_term = 9,
                             .common_duty_unit = 2,
                             .last_lsn = 10,
                             .day = 20261124,
                             .day_state = 1,
                             .peer_session_day = 20261123,
                             .peer_session = 11,
                             .wall_ms = -12};

    memset(word.hardware.bytes, 0xa2, IDS_TOKEN_BYTES);
    memset(word.head.bytes, 0xb1, IDS_HASH_BYTES);
    memset(word.digest.bytes, 0xb2, IDS_HASH_BYTES);
    return word;
}

/* True: refused, or encodes to the same bytes. */
static bool term_bytes_are_honest(const uint8_t *bytes, size_t len_bytes, bool *ret_refused)
{
    struct duty_term term;
    uint8_t again[DUTY_TERM_BYTES_MAX];

    *ret_refused = !duty_term_decode(bytes, len_bytes, &term);
    return *ret_refused || (duty_term_encode(&term, again, sizeof(again)) == len_bytes &&
                            memcmp(again, bytes, len_bytes) == 0);
}

static bool word_bytes_are_honest(const uint8_t *bytes, size_t len_bytes, bool *ret_refused)
{
    struct duty_word word;
    uint8_t again[DUTY_WORD_BYTES_MAX];

    *ret_refused = !duty_word_decode(bytes, len_bytes, &word);
    return *ret_refused || (duty_word_encode(&word, again, sizeof(again)) == len_bytes &&
                            memcmp(again, bytes, len_bytes) == 0);
}

typedef bool honest_fn(const uint8_t *bytes, size_t len_bytes, bool *ret_refused);

static void try_everything(honest_fn *honest, const uint8_t *bytes, size_t len_bytes)
{
    uint8_t changed[DUTY_WORD_BYTES_MAX + 1];
    bool refused;

    assert_true(honest(bytes, len_bytes, &refused));
    assert_false(refused);
    for (size_t i = 0; i < len_bytes; i++) {
        uint8_t cut[DUTY_WORD_BYTES_MAX + 1];

        memcpy(cut, bytes, i); /* exactly so long that a sanitizer sees a read behind it */
        (void)honest(cut, i, &refused);
        assert_true(refused);
    }
    memcpy(changed, bytes, len_bytes);
    changed[len_bytes] = 0;
    (void)honest(changed, len_bytes + 1, &refused);
    assert_true(refused);
    for (size_t bit = 0; bit < 8 * len_bytes; bit++) {
        memcpy(changed, bytes, len_bytes);
        changed[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        assert_true(honest(changed, len_bytes, &refused));
    }
}

static void a_term_is_read_as_it_was_written(void **state)
{
    struct duty_term term = some_term(), read;
    uint8_t bytes[DUTY_TERM_BYTES_MAX];
    size_t len_bytes = duty_term_encode(&term, bytes, sizeof(bytes));

    (void)state;
    assert_true(duty_term_decode(bytes, len_bytes, &read));
    assert_memory_equal(&term, &read, sizeof(term));
    try_everything(term_bytes_are_honest, bytes, len_bytes);
}

static void a_word_is_read_as_it_was_written(void **state)
{
    struct duty_word word = some_word(), read;
    uint8_t bytes[DUTY_WORD_BYTES_MAX];
    size_t len_bytes = duty_word_encode(&word, bytes, sizeof(bytes));

    (void)state;
    assert_true(duty_word_decode(bytes, len_bytes, &read));
    assert_int_equal(read.unit, 2);
    assert_memory_equal(&read.hardware, &word.hardware, sizeof(word.hardware));
    assert_int_equal(read.sequence, 13);
    assert_int_equal(read.contact, 4);
    assert_int_equal(read.heard_contact, 6);
    assert_int_equal(read.state, DUTY_MEETING_OTHER);
    assert_int_equal(read.serve, DUTY_SERVE_LETTER);
    assert_int_equal(read.highest_term, 14);
    assert_int_equal(read.common_duty_unit, 2);
    assert_memory_equal(&read.digest, &word.digest, sizeof(word.digest));
    assert_int_equal(read.peer_session, 11);
    assert_true(read.wall_ms == -12);
    try_everything(word_bytes_are_honest, bytes, len_bytes);
}

static void every_flag_of_a_word_travels_alone(void **state)
{
    size_t offsets[] = {
        offsetof(struct duty_word, blank),   offsetof(struct duty_word, restored),
        offsetof(struct duty_word, retired), offsetof(struct duty_word, service_link),
        offsetof(struct duty_word, leaving), offsetof(struct duty_word, tail_closed),
        offsetof(struct duty_word, unsound), offsetof(struct duty_word, peer_retired)};

    (void)state;
    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        struct duty_word word = {.place = 1, .unit = 1, .process = 1}, read;
        uint8_t bytes[DUTY_WORD_BYTES_MAX];

        *((bool *)&word + offsets[i]) = true;
        assert_true(duty_word_decode(bytes, duty_word_encode(&word, bytes, sizeof(bytes)), &read));
        for (size_t j = 0; j < sizeof(offsets) / sizeof(offsets[0]); j++) {
            assert_int_equal(*((bool *)&read + offsets[j]), i == j);
        }
    }
}

static void no_room_is_no_word(void **state)
{
    struct duty_word word = some_word();
    struct duty_term term = some_term();
    uint8_t bytes[DUTY_WORD_BYTES_MAX];
    size_t word_bytes = duty_word_encode(&word, bytes, sizeof(bytes));
    size_t term_bytes = duty_term_encode(&term, bytes, sizeof(bytes));

    (void)state;
    for (size_t room = 0; room < word_bytes; room++) {
        assert_int_equal(duty_word_encode(&word, bytes, room), 0);
    }
    for (size_t room = 0; room < term_bytes; room++) {
        assert_int_equal(duty_term_encode(&term, bytes, room), 0);
    }
}

static bool term_is_taken(struct duty_term term)
{
    uint8_t bytes[DUTY_TERM_BYTES_MAX];
    struct duty_term read;

    return duty_term_decode(bytes, duty_term_encode(&term, bytes, sizeof(bytes)), &read);
}

static void a_term_that_cannot_be_is_refused(void **state)
{
    struct duty_term term = some_term();

    (void)state;
    assert_true(term_is_taken(term));
    term.number = 0;
    assert_false(term_is_taken(term));
    term = some_term();
    term.duty_unit = 3; /* on duty is one of the two */
    assert_false(term_is_taken(term));
    term = some_term();
    term.units[1].unit = 1;
    assert_false(term_is_taken(term));
    term = some_term();
    term.units[1].unit = IDS_UNIT_ID_MAX + 1;
    assert_false(term_is_taken(term));
    term = some_term();
    term.units[0].unit = 0;
    assert_false(term_is_taken(term));
    term = some_term();
    term.duty_unit = 1;
    term.units[1].unit = 0; /* a site with a single unit */
    assert_true(term_is_taken(term));
}

static bool word_is_taken(struct duty_word word)
{
    uint8_t bytes[DUTY_WORD_BYTES_MAX];
    struct duty_word read;

    return duty_word_decode(bytes, duty_word_encode(&word, bytes, sizeof(bytes)), &read);
}

static void a_word_that_cannot_be_is_refused(void **state)
{
    struct duty_word word = some_word();

    (void)state;
    assert_true(word_is_taken(word));
    word.unit = 0;
    assert_false(word_is_taken(word));
    word = some_word();
    word.unit = IDS_UNIT_ID_MAX + 1;
    assert_false(word_is_taken(word));
    word = some_word();
    word.highest_term = (uint64_t)1 << DUTY_TERM_BITS_MAX;
    assert_false(word_is_taken(word));
    word = some_word();
    word.process = 0;
    assert_false(word_is_taken(word));
    word = some_word();
    word.state = DUTY_STATE_COUNT;
    assert_false(word_is_taken(word));
    word = some_word();
    word.serve = DUTY_SERVE_PLAIN + 1;
    assert_false(word_is_taken(word));
    word = some_word();
    word.peer_session = IDS_SESSION_NUMBER_MAX + 1;
    assert_false(word_is_taken(word));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_term_is_read_as_it_was_written),
        cmocka_unit_test(a_word_is_read_as_it_was_written),
        cmocka_unit_test(every_flag_of_a_word_travels_alone),
        cmocka_unit_test(no_room_is_no_word),
        cmocka_unit_test(a_term_that_cannot_be_is_refused),
        cmocka_unit_test(a_word_that_cannot_be_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
