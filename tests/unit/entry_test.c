/* What storage/entry promises: one form per entry, and nothing accepted that encode would not make.
 */
#include "storage/entry/entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SAMPLE_PAYLOAD_BYTES = 40 };

struct stored {
    uint8_t bytes[ENTRY_BYTES_MAX];
    size_t len_bytes;
};

static const uint8_t sample_payload[SAMPLE_PAYLOAD_BYTES] =
    "forty bytes which look like a seal 12345";

static struct entry sample(void)
{
    return (struct entry){
        .kind = ENTRY_CHANGE_VISIT,
        .lsn = 0x0102030405060708u,
        .term = 7,
        .session = 3,
        .unit = 2,
        .wall_ms = -1,
        .actor = 0x00020005u,
        .mark_lsn = 0x0102030405060700u,
        .day = 20261124,
        .key_unit = 1,
        .sealed = true,
        .request = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
        .payload_len_bytes = SAMPLE_PAYLOAD_BYTES,
        .payload = sample_payload,
    };
}

static struct stored store(const struct entry *entry)
{
    struct stored stored = {0};

    stored.len_bytes = entry_encode(entry, stored.bytes, sizeof(stored.bytes));
    assert_int_not_equal(stored.len_bytes, 0);
    memset(stored.bytes + stored.len_bytes, 0xa5, IDS_HASH_BYTES);
    stored.len_bytes += IDS_HASH_BYTES;
    return stored;
}

static void assert_same_entry(const struct entry *a, const struct entry *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->lsn, b->lsn);
    assert_int_equal(a->term, b->term);
    assert_int_equal(a->session, b->session);
    assert_int_equal(a->unit, b->unit);
    assert_int_equal(a->wall_ms, b->wall_ms);
    assert_int_equal(a->actor, b->actor);
    assert_int_equal(a->mark_lsn, b->mark_lsn);
    assert_int_equal(a->day, b->day);
    assert_int_equal(a->key_unit, b->key_unit);
    assert_int_equal(a->sealed, b->sealed);
    assert_memory_equal(a->request.bytes, b->request.bytes, IDS_TOKEN_BYTES);
    assert_int_equal(a->payload_len_bytes, b->payload_len_bytes);
    assert_memory_equal(a->payload, b->payload, a->payload_len_bytes);
}

static void an_entry_comes_back_as_it_was_stored(void **state)
{
    (void)state;
    struct entry entry = sample();
    struct stored stored = store(&entry);
    struct entry decoded;
    struct ids_hash hash;

    assert_true(entry_decode(stored.bytes, stored.len_bytes, &decoded, &hash));
    assert_same_entry(&entry, &decoded);
    assert_int_equal(hash.bytes[0], 0xa5);
    assert_int_equal(hash.bytes[IDS_HASH_BYTES - 1], 0xa5);
}

/* The form is on other units' disks: these bytes may never change while version is 1. */
static void the_layout_is_the_documented_one(void **state)
{
    (void)state;
    /* clang-format off */
    static const uint8_t expected[ENTRY_HEADER_BYTES] = {
        0, 1, 0, 6,                                             /* version, kind */
        1, 2, 3, 4, 5, 6, 7, 8,                                 /* lsn */
        0, 0, 0, 0, 0, 0, 0, 7,                                 /* term */
        0, 0, 0, 3, 0, 0, 0, 2,                                 /* session, unit */
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,         /* wall_ms */
        0, 2, 0, 5,                                             /* actor */
        1, 2, 3, 4, 5, 6, 7, 0,                                 /* mark_lsn */
        0x01, 0x35, 0x29, 0x04, 0, 0, 0, 1,                     /* day, key_unit */
        1,                                                      /* sealed */
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,  /* request */
        0, SAMPLE_PAYLOAD_BYTES,                                /* payload length */
    };
    /* clang-format on */
    struct entry entry = sample();
    struct stored stored = store(&entry);

    assert_int_equal(stored.len_bytes, ENTRY_HEADER_BYTES + SAMPLE_PAYLOAD_BYTES + IDS_HASH_BYTES);
    assert_memory_equal(stored.bytes, expected, sizeof(expected));
    assert_memory_equal(stored.bytes + ENTRY_HEADER_BYTES, sample_payload, SAMPLE_PAYLOAD_BYTES);
}

static void the_header_is_known_before_the_payload_is_sealed(void **state)
{
    (void)state;
    struct entry entry = sample();
    struct stored stored = store(&entry);
    uint8_t header[ENTRY_HEADER_BYTES];

    entry.payload = NULL;
    assert_int_equal(entry_encode_header(&entry, header), ENTRY_HEADER_BYTES);
    assert_memory_equal(header, stored.bytes, sizeof(header));
}

static void every_truncation_and_every_extra_byte_is_refused(void **state)
{
    (void)state;
    struct entry entry = sample();
    struct stored stored = store(&entry);
    struct entry decoded;
    struct ids_hash hash;

    for (size_t len = 0; len < stored.len_bytes; len++) {
        assert_false(entry_decode(stored.bytes, len, &decoded, &hash));
    }
    assert_false(entry_decode(stored.bytes, stored.len_bytes + 1, &decoded, &hash));
}

static void a_changed_byte_is_refused_or_is_another_whole_entry(void **state)
{
    (void)state;
    struct entry entry = sample();
    struct stored stored = store(&entry);
    uint8_t again[ENTRY_BYTES_MAX];
    size_t refused_count = 0;

    for (size_t at = 0; at < stored.len_bytes; at++) {
        for (unsigned change = 1; change < 256; change++) {
            struct entry decoded;
            struct ids_hash hash;

            stored.bytes[at] ^= (uint8_t)change;
            if (entry_decode(stored.bytes, stored.len_bytes, &decoded, &hash)) {
                size_t len = entry_encode(&decoded, again, sizeof(again));
                assert_int_equal(len, stored.len_bytes - IDS_HASH_BYTES);
                assert_memory_equal(again, stored.bytes, len);
                assert_memory_equal(hash.bytes, stored.bytes + len, IDS_HASH_BYTES);
            } else {
                refused_count++;
            }
            stored.bytes[at] ^= (uint8_t)change;
        }
    }
    assert_true(refused_count > 0);
}

static void assert_never_made(struct entry entry)
{
    uint8_t bytes[ENTRY_BYTES_MAX];

    assert_int_equal(entry_encode(&entry, bytes, sizeof(bytes)), 0);
    assert_int_equal(entry_encode_header(&entry, bytes), 0);
}

static void an_entry_that_makes_no_sense_is_never_made(void **state)
{
    (void)state;
    struct entry entry = sample();

    entry.kind = 0;
    assert_never_made(entry);
    entry.kind = ENTRY_KIND_END;
    assert_never_made(entry);
    entry = sample();
    entry.lsn = 0;
    assert_never_made(entry);
    entry = sample();
    entry.payload_len_bytes = ENTRY_PAYLOAD_BYTES_MAX + 1;
    assert_never_made(entry);
    entry = sample();
    entry.day = 0;
    assert_never_made(entry);
    entry = sample();
    entry.payload_len_bytes = ENTRY_SEAL_OVERHEAD_BYTES - 1;
    assert_never_made(entry);
}

static void an_entry_that_does_not_fit_is_not_written(void **state)
{
    (void)state;
    struct entry entry = sample();
    uint8_t bytes[ENTRY_HEADER_BYTES + SAMPLE_PAYLOAD_BYTES];

    assert_int_equal(entry_encode(&entry, bytes, sizeof(bytes) - 1), 0);
    assert_int_equal(entry_encode(&entry, bytes, sizeof(bytes)), sizeof(bytes));
}

static void the_largest_and_the_smallest_entries_come_back(void **state)
{
    (void)state;
    static uint8_t payload[ENTRY_PAYLOAD_BYTES_MAX];
    struct entry entry = sample();
    struct entry decoded;
    struct ids_hash hash;

    entry.payload = payload;
    entry.payload_len_bytes = ENTRY_PAYLOAD_BYTES_MAX;
    struct stored stored = store(&entry);
    assert_int_equal(stored.len_bytes, ENTRY_BYTES_MAX);
    assert_true(entry_decode(stored.bytes, stored.len_bytes, &decoded, &hash));
    assert_same_entry(&entry, &decoded);

    entry = (struct entry){.kind = ENTRY_CONFIG, .lsn = 1};
    stored = store(&entry);
    assert_int_equal(stored.len_bytes, ENTRY_BYTES_MIN);
    assert_true(entry_decode(stored.bytes, stored.len_bytes, &decoded, &hash));
    assert_int_equal(decoded.payload_len_bytes, 0);
}

static void every_kind_has_its_own_code(void **state)
{
    (void)state;
    for (int kind = ENTRY_CONFIG; kind < ENTRY_KIND_END; kind++) {
        assert_string_not_equal(entry_kind_code((enum entry_kind)kind), "unknown");
        for (int other = ENTRY_CONFIG; other < kind; other++) {
            assert_string_not_equal(entry_kind_code((enum entry_kind)kind),
                                    entry_kind_code((enum entry_kind)other));
        }
    }
    assert_string_equal(entry_kind_code(ENTRY_KIND_END), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_comes_back_as_it_was_stored),
        cmocka_unit_test(the_layout_is_the_documented_one),
        cmocka_unit_test(the_header_is_known_before_the_payload_is_sealed),
        cmocka_unit_test(every_truncation_and_every_extra_byte_is_refused),
        cmocka_unit_test(a_changed_byte_is_refused_or_is_another_whole_entry),
        cmocka_unit_test(an_entry_that_makes_no_sense_is_never_made),
        cmocka_unit_test(an_entry_that_does_not_fit_is_not_written),
        cmocka_unit_test(the_largest_and_the_smallest_entries_come_back),
        cmocka_unit_test(every_kind_has_its_own_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
