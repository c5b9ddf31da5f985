/* Passwords, PINs, names, codes that devices show, and the table of rights itself. */
#include "tests/unit/access_fixture.h"

static void passwords_that_everybody_guesses_are_refused(void **state)
{
    static const char *const bad[] = {
        "short",
        "elevenchars",
        "password1234",
        "Password!2026",
        "xx1qaz2wsxyy",
        "aaaaaaaaaaaaaa",
        "abababababab",
        "my-sato-secret",
        "MY-SATO-SECRET",
        "with\nnewline1x",
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        "administrator1",
        "",
    };
    static const char *const good[] = {"correct horse battery", "Kx7-pelican-rain",
                                       "ni-wa-ni-wa-niwatori", "いろはにほへとちりぬるを"};
    char longest[ACCESS_PASSWORD_BYTES_MAX + 2] = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_int_equal(access_judge_password(bad[i], "sato"), ACCESS_BAD_SECRET);
    }
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        assert_int_equal(access_judge_password(good[i], "sato"), ACCESS_OK);
        assert_int_equal(access_judge_password(good[i], ""), ACCESS_OK);
    }
    for (size_t i = 0; i < sizeof(longest) - 1; i++) {
        longest[i] = (char)('a' + i % 26);
    }
    assert_int_equal(access_judge_password(longest, "sato"), ACCESS_BAD_SECRET);
    longest[ACCESS_PASSWORD_BYTES_MAX] = '\0';
    assert_int_equal(access_judge_password(longest, "sato"), ACCESS_OK);
}

static void pins_that_are_a_row_are_refused(void **state)
{
    static const char *const bad[] = {"",         "12345",     "123456", "654321",   "777777",
                                      "12345678", "123456789", "12a456", "480913572"};
    static const char *const good[] = {"480913", "4809135", "48091357", "112233"};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_int_equal(access_judge_pin(bad[i]), ACCESS_BAD_SECRET);
    }
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        assert_int_equal(access_judge_pin(good[i]), ACCESS_OK);
    }
}

static void names_are_plain(void **state)
{
    (void)state;
    assert_int_equal(access_judge_name("a"), ACCESS_OK);
    assert_int_equal(access_judge_name("sato.t_1-2"), ACCESS_OK);
    assert_int_equal(access_judge_name("abcdefghijabcdefghijabcdefghijab"), ACCESS_OK);
    assert_int_equal(access_judge_name("abcdefghijabcdefghijabcdefghijabc"), ACCESS_BAD_NAME);
    assert_int_equal(access_judge_name(""), ACCESS_BAD_NAME);
    assert_int_equal(access_judge_name("-a"), ACCESS_BAD_NAME);
    assert_int_equal(access_judge_name("Sato"), ACCESS_BAD_NAME);
    assert_int_equal(access_judge_name("a b"), ACCESS_BAD_NAME);
}

static void a_code_stands_for_one_device_for_ten_minutes(void **state)
{
    static const uint8_t here[ACCESS_ADDRESS_BYTES] = {1}, there[ACCESS_ADDRESS_BYTES] = {2};
    struct access_offers offers = {0};
    struct ids_hash a = token_of(1), b = token_of(2), none = {0};
    char code[ACCESS_PAIR_CODE_CHARACTERS + 1], other[ACCESS_PAIR_CODE_CHARACTERS + 1];

    (void)state;
    assert_true(access_offer(&offers, &a, here, UINT64_C(0x123456789abcdef), 1000, code));
    assert_int_equal(strlen(code), ACCESS_PAIR_CODE_CHARACTERS);
    assert_int_equal(strspn(code, "23456789ABCDEFGHJKMNPQRSTUVWXYZ"), ACCESS_PAIR_CODE_CHARACTERS);
    assert_false(
        access_offer(&offers, &b, here, UINT64_C(0x123456789abcdef), 1000, other)); /* its code */
    assert_false(access_offer(&offers, &a, here, 5, 1000, other));                  /* its token */
    assert_false(access_offer(&offers, &none, here, 5, 1000, other));
    assert_true(access_offer(&offers, &b, here, 77, 1000, other));
    assert_ptr_equal(access_offer_find(&offers, other, 1000), access_offer_of(&offers, &b, 1000));
    for (size_t i = 0; code[i] != '\0'; i++) {
        code[i] = (char)(code[i] >= 'A' ? code[i] - 'A' + 'a' : code[i]);
    }
    assert_ptr_equal(access_offer_find(&offers, code, 1000), access_offer_of(&offers, &a, 1000));
    code[6] = '\0'; /* a part is not the whole */
    assert_null(access_offer_find(&offers, code, 1000));
    assert_non_null(access_offer_find(&offers, other, 1000 + ACCESS_PAIR_MS - 1));
    assert_null(access_offer_find(&offers, other, 1000 + ACCESS_PAIR_MS));
    assert_null(access_offer_find(&offers, other, 999)); /* a clock that went back */
    access_offer_end(&offers, &b);
    assert_null(access_offer_of(&offers, &b, 1000));
    for (unsigned i = 1; i < ACCESS_OFFERS_OF_ADDRESS_MAX; i++) {
        struct ids_hash token = token_of(10 + i);

        assert_true(access_offer(&offers, &token, here, 1000 + i, 1000, other));
    }
    assert_false(access_offer(&offers, &b, here, 99, 1000, other));
    assert_true(access_offer(&offers, &b, there, 99, 1000, other));
    for (unsigned i = 0; i < ACCESS_OFFERS_MAX - ACCESS_OFFERS_OF_ADDRESS_MAX - 1; i++) {
        struct ids_hash token = token_of(100 + i);
        uint8_t address[ACCESS_ADDRESS_BYTES] = {3, (uint8_t)i};

        assert_true(access_offer(&offers, &token, address, 2000 + i, 1000, other));
    }
    a = token_of(300);
    assert_false(access_offer(&offers, &a, here, 3000, 1000, other)); /* no place is free */
    assert_true(access_offer(&offers, &a, here, 3000, 1000 + ACCESS_PAIR_MS, other));
}

/* Row by row: a change of the table is a change of this test too. What no role but its own may ever have. */
static void the_table_gives_nobody_what_is_not_his(void **state)
{
    (void)state;
    for (int role = 0; role < ACCESS_ROLE_END; role++) {
        assert_int_equal(access_grant_of(ACCESS_RIGHT_NONE, (enum access_role)role),
                         ACCESS_REFUSED);
        for (int right = 1; right < ACCESS_RIGHT_END; right++) {
            enum access_grant grant =
                access_grant_of((enum access_right)right, (enum access_role)role);
            bool reads = right == ACCESS_QUEUE_READ || right == ACCESS_DAY_READ ||
                         right == ACCESS_STATUS_READ || right == ACCESS_EXPLAIN_READ ||
                         right == ACCESS_CALENDAR_READ || right == ACCESS_METRICS_READ ||
                         right == ACCESS_LEDGER_READ || right == ACCESS_PEOPLE_READ ||
                         right == ACCESS_STATISTICS_READ || right == ACCESS_TICKET_READ ||
                         right == ACCESS_SIGN_IN || right == ACCESS_OWN;

            if (role == ACCESS_AUDITOR || role == ACCESS_NOC || role == ACCESS_BOARD) {
                assert_true(reads || grant == ACCESS_REFUSED);
            }
            if (role == ACCESS_ANYONE && right != ACCESS_SIGN_IN) {
                assert_true(grant == ACCESS_REFUSED || grant == ACCESS_PUBLIC);
            }
            if (role != ACCESS_ANYONE) {
                assert_true(grant != ACCESS_PUBLIC);
            }
            if (right == ACCESS_PEOPLE_CHANGE || right == ACCESS_PEOPLE_REVOKE ||
                right == ACCESS_CONFIG_CHANGE) {
                assert_true((grant == ACCESS_ALLOWED) ==
                            (role == ACCESS_ADMINISTRATOR || role == ACCESS_LOCAL));
            }
            if (right == ACCESS_UNIT_CHANGE || right == ACCESS_DUTY_CHANGE) {
                assert_true((grant == ACCESS_ALLOWED) ==
                            (role == ACCESS_ADMINISTRATOR || role == ACCESS_LOCAL ||
                             role == ACCESS_ENGINEER));
            }
            if (right == ACCESS_FAULT) {
                assert_true((grant == ACCESS_ALLOWED) == (role == ACCESS_LOCAL));
            }
            assert_true(access_right_code((enum access_right)right)[0] != '\0');
            assert_true(access_right_ja((enum access_right)right)[0] != '\0');
            assert_true(access_right_en((enum access_right)right)[0] != '\0');
        }
        assert_int_equal(access_role_from_code(access_role_code((enum access_role)role)), role);
        assert_true(access_role_ja((enum access_role)role)[0] != '\0');
    }
    assert_int_equal(access_grant_of(ACCESS_RIGHT_END, ACCESS_LOCAL), ACCESS_REFUSED);
    assert_int_equal(access_role_from_code("root"), ACCESS_ROLE_END);
    assert_false(access_role_is_device(ACCESS_ROLE_END));
    assert_false(access_role_is_person(ACCESS_ROLE_END));
    assert_false(access_role_needs_totp(ACCESS_ROLE_END));
}

static void the_public_page_is_the_sites_choice(void **state)
{
    struct access_who anyone = {.role = ACCESS_ANYONE};

    (void)state;
    assert_int_equal(access_check(&anyone, ACCESS_QUEUE_READ, 0, true), ACCESS_OK);
    assert_int_equal(access_check(&anyone, ACCESS_QUEUE_READ, 0, false), ACCESS_WHO_ARE_YOU);
    assert_int_equal(access_check(&anyone, ACCESS_STATUS_READ, 0, true), ACCESS_WHO_ARE_YOU);
}

static void every_answer_has_its_words(void **state)
{
    (void)state;
    for (int i = 0; i < ACCESS_REASON_END; i++) {
        assert_true(access_reason_code((enum access_reason)i)[0] != '\0');
        assert_true(access_reason_ja((enum access_reason)i)[0] != '\0');
        assert_true(access_reason_en((enum access_reason)i)[0] != '\0');
    }
    for (int i = 0; i < ACCESS_ACTION_END; i++) {
        assert_true(access_action_code((enum access_action)i)[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passwords_that_everybody_guesses_are_refused),
        cmocka_unit_test(pins_that_are_a_row_are_refused),
        cmocka_unit_test(names_are_plain),
        cmocka_unit_test(a_code_stands_for_one_device_for_ten_minutes),
        cmocka_unit_test(the_table_gives_nobody_what_is_not_his),
        cmocka_unit_test(the_public_page_is_the_sites_choice),
        cmocka_unit_test(every_answer_has_its_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
