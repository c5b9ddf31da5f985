/* Rows and changes as bytes: every truncation and every flipped byte is refused or means the same. */
#include "tests/unit/access_fixture.h"

struct looking {
    size_t count[5], bytes_max;
    bool whole;
};

static void refuse_damage(const uint8_t *bytes, size_t len_bytes)
{
    uint8_t copy[ACCESS_ROW_BYTES_MAX], again[ACCESS_ROW_BYTES_MAX];
    struct access_row row;

    for (size_t i = 0; i < len_bytes; i++) {
        assert_false(access_row_decode(bytes, i, &row));
        memcpy(copy, bytes, len_bytes);
        copy[i] ^= 0xff;
        if (access_row_decode(copy, len_bytes, &row)) {
            assert_int_equal(access_row_encode(&row, again, sizeof(again)), len_bytes);
            assert_memory_equal(copy, again, len_bytes);
        }
    }
    memcpy(copy, bytes, len_bytes);
    copy[len_bytes] = 0;
    assert_false(access_row_decode(copy, len_bytes + 1, &row));
}

static void look(void *context, const struct access_row *before, const struct access_row *after)
{
    struct looking *looking = context;
    uint8_t bytes[ACCESS_ROW_BYTES_MAX], again[ACCESS_ROW_BYTES_MAX], key[32];
    size_t len_bytes = access_row_encode(after, bytes, sizeof(bytes));
    struct access_row row;

    (void)before;
    assert_true(len_bytes > 0 && len_bytes < sizeof(bytes));
    assert_true(access_row_key(after, key) > 1);
    assert_true(access_row_decode(bytes, len_bytes, &row));
    assert_int_equal(access_row_encode(&row, again, sizeof(again)), len_bytes);
    assert_memory_equal(bytes, again, len_bytes);
    assert_int_equal(access_row_encode(after, again, len_bytes - 1), 0);
    refuse_damage(bytes, len_bytes);
    looking->count[after->kind - ACCESS_ROW_ACCOUNT]++;
    assert_true(access_row_changed_lsn(after) > 0);
}

static void every_row_survives_its_bytes_and_nothing_else_does(void **state)
{
    struct desk desk;
    struct looking looking = {0};

    (void)state;
    desk_init(&desk);
    add_person(&desk, "kanri", ACCESS_ADMINISTRATOR);
    add_device(&desk, ACCESS_TERMINAL, 3, 40);
    assert_int_equal(sign_in_with(&desk, "kanri", 1, true, 100, 0), ACCESS_OK);
    assert_int_equal(sign_in_with(&desk, "kanri", 2, false, 0, 0), ACCESS_WRONG);
    assert_int_equal(ask(&desk, (struct access_command){.action = ACCESS_DEVICE_REVOKE,
                                                        .local = true,
                                                        .subject = 1,
                                                        .key = {{7}},
                                                        .asked = 11}),
                     ACCESS_OK);
    access_for_each_row(desk.access, look, &looking);
    for (size_t i = 0; i < ARRAY_COUNT(looking.count); i++) {
        assert_int_equal(looking.count[i], 1);
    }
    desk_finish(&desk);
}

static void the_largest_account_fits(void **state)
{
    struct access_row row = {.kind = ACCESS_ROW_ACCOUNT};
    uint8_t bytes[ACCESS_ROW_BYTES_MAX];

    (void)state;
    row.account.id = 1;
    row.account.role = ACCESS_OPERATOR;
    memset(row.account.name, 'a', ACCESS_NAME_BYTES - 1);
    memset(row.account.title, 'b', ACCESS_TITLE_BYTES - 1);
    row.account.secret_bytes = ACCESS_SECRET_BYTES_MAX;
    assert_true(access_row_encode(&row, bytes, sizeof(bytes)) > 0);
    assert_true(access_row_decode(bytes, access_row_encode(&row, bytes, sizeof(bytes)), &row));
}

static void an_account_with_more_codes_than_there_are_is_refused(void **state)
{
    struct access_row row = {.kind = ACCESS_ROW_ACCOUNT}, decoded;
    uint8_t bytes[ACCESS_ROW_BYTES_MAX];

    (void)state;
    row.account.id = 1;
    row.account.role = ACCESS_OPERATOR;
    row.account.name[0] = 'a';
    row.account.codes_used = (1U << ACCESS_CODES) - 1;
    assert_true(access_row_decode(bytes, access_row_encode(&row, bytes, sizeof(bytes)), &decoded));
    row.account.codes_used = 1U << ACCESS_CODES;
    assert_false(access_row_decode(bytes, access_row_encode(&row, bytes, sizeof(bytes)), &decoded));
}

static void an_answer_without_a_key_or_of_no_action_is_refused(void **state)
{
    struct access_row row = {.kind = ACCESS_ROW_ANSWER,
                             .answer = {.key = {{1}}, .action = ACCESS_ACCOUNT_ADD}};
    struct access_row decoded;
    uint8_t bytes[ACCESS_ROW_BYTES_MAX];

    (void)state;
    assert_true(access_row_decode(bytes, access_row_encode(&row, bytes, sizeof(bytes)), &decoded));
    row.answer.action = ACCESS_ACTION_END;
    assert_false(access_row_decode(bytes, access_row_encode(&row, bytes, sizeof(bytes)), &decoded));
    row.answer.action = 0;
    assert_false(access_row_decode(bytes, access_row_encode(&row, bytes, sizeof(bytes)), &decoded));
    row.answer.action = ACCESS_ACCOUNT_ADD;
    row.answer.key.bytes[0] = 0;
    assert_false(access_row_decode(bytes, access_row_encode(&row, bytes, sizeof(bytes)), &decoded));
}

static void a_change_with_anything_wrong_is_refused(void **state)
{
    struct desk desk;
    uint8_t bytes[ACCESS_CHANGE_BYTES_MAX], copy[ACCESS_CHANGE_BYTES_MAX];
    struct access_change change;
    size_t len_bytes;

    (void)state;
    desk_init(&desk);
    add_person(&desk, "sato", ACCESS_OPERATOR);
    assert_int_equal(sign_in(&desk, "sato", 1), ACCESS_OK);
    len_bytes = access_change_encode(&desk.last.change, bytes, sizeof(bytes));
    assert_true(len_bytes > 0);
    for (size_t i = 0; i < len_bytes; i++) {
        assert_false(access_change_decode(bytes, i, &change));
        memcpy(copy, bytes, len_bytes);
        copy[i] ^= 0x80;
        if (access_change_decode(copy, len_bytes, &change)) {
            uint8_t again[ACCESS_CHANGE_BYTES_MAX];

            assert_int_equal(access_change_encode(&change, again, sizeof(again)), len_bytes);
            assert_memory_equal(copy, again, len_bytes);
        }
    }
    assert_int_equal(access_change_encode(&desk.last.change, copy, len_bytes - 1), 0);
    change = desk.last.change;
    change.rows[0].kind = 99;
    assert_int_equal(access_change_encode(&change, copy, sizeof(copy)), 0);
    desk_finish(&desk);
}

static void text_that_is_not_text_is_refused(void **state)
{
    static const char *const bad[] = {"\x80",
                                      "\xc1\x81",
                                      "\xe0\x80\x80",
                                      "\xed\xa0\x80",
                                      "\xf0\x80\x80\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xe3\x81",
                                      "a\nb",
                                      "\xc2\x85"};
    struct access_row row = {.kind = ACCESS_ROW_DEVICE};
    uint8_t bytes[ACCESS_ROW_BYTES_MAX];

    (void)state;
    row.device.id = 1;
    row.device.role = ACCESS_KIOSK;
    row.device.token = token_of(1);
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct access_row decoded;

        strcpy(row.device.title, bad[i]);
        assert_false(
            access_row_decode(bytes, access_row_encode(&row, bytes, sizeof(bytes)), &decoded));
    }
    strcpy(row.device.title, "\xe7\x99\xba\xe5\x88\xb8\xe6\xa9\x9f \xf0\x9f\x8f\xa2");
    assert_true(access_row_decode(bytes, access_row_encode(&row, bytes, sizeof(bytes)), &row));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_survives_its_bytes_and_nothing_else_does),
        cmocka_unit_test(the_largest_account_fits),
        cmocka_unit_test(an_account_with_more_codes_than_there_are_is_refused),
        cmocka_unit_test(an_answer_without_a_key_or_of_no_action_is_refused),
        cmocka_unit_test(a_change_with_anything_wrong_is_refused),
        cmocka_unit_test(text_that_is_not_text_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
