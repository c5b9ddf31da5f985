/* Who may sign in, for how long, and what takes a right away. */
#include "tests/unit/access_fixture.h"

enum { ADMINISTRATOR_STEP = 100 };

static void a_new_account_may_only_change_its_password_and_set_its_second_factor_up(void **state)
{
    struct desk desk;

    (void)state;
    desk_init(&desk);
    assert_int_equal(local(&desk, ACCESS_ACCOUNT_ADD, "kanri", ACCESS_ADMINISTRATOR), ACCESS_OK);
    assert_int_equal(sign_in(&desk, "kanri", 1), ACCESS_OK);
    assert_int_equal(who_is(&desk, 1).role, ACCESS_ADMINISTRATOR);
    assert_int_equal(may(&desk, 1, ACCESS_PEOPLE_READ, 0), ACCESS_CHANGE_FIRST);
    assert_int_equal(own(&desk, ACCESS_PASSWORD_CHANGE, 1), ACCESS_OK);
    assert_int_equal(may(&desk, 1, ACCESS_PEOPLE_READ, 0), ACCESS_CHANGE_FIRST);
    assert_int_equal(own(&desk, ACCESS_TOTP_CHANGE, 1), ACCESS_OK);
    assert_int_equal(may(&desk, 1, ACCESS_PEOPLE_READ, 0), ACCESS_OK);
    assert_int_equal(may(&desk, 1, ACCESS_COUNTER_PRESS, 1), ACCESS_NOT_YOURS);
    /* Both passwords are asked for, the old one too. */
    assert_int_equal(ask(&desk, (struct access_command){.action = ACCESS_PASSWORD_CHANGE,
                                                        .token = token_of(1),
                                                        .secret_bytes = 1}),
                     ACCESS_WRONG);
    assert_int_equal(
        ask(&desk, (struct access_command){.action = ACCESS_PIN_CHANGE, .token = token_of(1)}),
        ACCESS_BAD_SECRET);
    desk_finish(&desk);
}

static void an_account_is_added_only_whole_and_once(void **state)
{
    struct desk desk;
    struct access_command command = {
        .action = ACCESS_ACCOUNT_ADD, .local = true, .name = "a", .role = ACCESS_OPERATOR};

    (void)state;
    desk_init(&desk);
    assert_int_equal(ask(&desk, command), ACCESS_BAD_SECRET);
    command.secret_bytes = 1;
    memcpy(command.title, "\xff", 2);
    assert_int_equal(ask(&desk, command), ACCESS_BAD_NAME);
    memcpy(command.title, "A\xe4\xba\x95", 5);
    command.role = ACCESS_KIOSK;
    assert_int_equal(ask(&desk, command), ACCESS_BAD_ROLE);
    command.role = ACCESS_OPERATOR;
    assert_int_equal(ask(&desk, command), ACCESS_OK);
    assert_int_equal(ask(&desk, command), ACCESS_NAME_TAKEN);
    command.name[0] = 'A';
    assert_int_equal(ask(&desk, command), ACCESS_BAD_NAME);
    assert_int_equal(local(&desk, ACCESS_ACCOUNT_CHANGE, "nobody", ACCESS_OPERATOR),
                     ACCESS_NO_SUCH);
    for (int i = 1; i < ACCESS_ACCOUNTS_MAX; i++) {
        char name[8] = {'n', (char)('a' + i / 26), (char)('a' + i % 26)};

        assert_int_equal(local(&desk, ACCESS_ACCOUNT_ADD, name, ACCESS_OPERATOR), ACCESS_OK);
    }
    assert_int_equal(local(&desk, ACCESS_ACCOUNT_ADD, "onemore", ACCESS_OPERATOR), ACCESS_FULL);
    assert_null(access_account_by_id(desk.access, ACCESS_SUBJECT_MAX));
    desk_finish(&desk);
}

static void nobody_learns_whether_a_name_exists(void **state)
{
    struct desk desk;

    (void)state;
    desk_init(&desk);
    add_person(&desk, "sato", ACCESS_OPERATOR);
    assert_int_equal(sign_in_with(&desk, "sato", 1, false, 0, 0), ACCESS_WRONG);
    assert_int_equal(desk.last.change.subject, 1);
    assert_int_equal(sign_in_with(&desk, "suzuki", 1, false, 0, 0), ACCESS_WRONG);
    assert_int_equal(desk.last.change.subject, 0); /* what was typed is not kept */
    assert_int_equal(sign_in_with(&desk, "suzuki", 1, true, 0, 0), ACCESS_WRONG);
    assert_int_equal(local(&desk, ACCESS_ACCOUNT_REVOKE, "sato", 0), ACCESS_OK);
    assert_int_equal(sign_in(&desk, "sato", 1), ACCESS_WRONG);
    assert_int_equal(who_is(&desk, 1).role, ACCESS_ANYONE);
    desk_finish(&desk);
}

static void failures_delay_the_account_and_the_address_and_are_forgotten(void **state)
{
    struct desk desk;
    uint8_t here[ACCESS_ADDRESS_BYTES] = {[15] = 1}, there[ACCESS_ADDRESS_BYTES] = {[15] = 2};

    (void)state;
    desk_init(&desk);
    add_person(&desk, "sato", ACCESS_OPERATOR); /* signed in from `here` */
    desk.address = 2;
    for (int i = 0; i <= ACCESS_FREE_FAILURES; i++) {
        assert_int_equal(sign_in_with(&desk, "sato", 1, false, 0, 0), ACCESS_WRONG);
    }
    assert_int_equal(sign_in(&desk, "sato", 1), ACCESS_WAIT);
    assert_false(desk.last.write);
    assert_int_equal(desk.last.wait_ms, SECOND_MS);
    /* From where its owner was let in, the account is not delayed. */
    assert_int_equal(access_wait_ms(desk.access, "sato", false, here, 0, desk.now_ms), 0);
    /* From a third place it is. */
    there[15] = 3;
    assert_int_equal(access_wait_ms(desk.access, "sato", false, there, 0, desk.now_ms), SECOND_MS);
    /* Names that do not exist delay the address alike. */
    for (int i = 0; i < 40; i++) {
        desk.now_ms += ACCESS_ADDRESS_DELAY_MS_MAX;
        assert_int_equal(sign_in_with(&desk, "nobody", 1, false, 0, 0), ACCESS_WRONG);
    }
    there[15] = 2;
    assert_int_equal(access_wait_ms(desk.access, "sato", false, there, 0, desk.now_ms),
                     ACCESS_ADDRESS_DELAY_MS_MAX);
    /* A clock that goes back locks nobody out. */
    assert_int_equal(access_wait_ms(desk.access, "sato", false, there, 0, desk.now_ms - HOUR_MS),
                     0);
    desk.now_ms += ACCESS_FAILURES_FORGOTTEN_MS;
    assert_int_equal(access_wait_ms(desk.access, "sato", false, there, 0, desk.now_ms), 0);
    assert_int_equal(sign_in_with(&desk, "sato", 1, false, 0, 0), ACCESS_WRONG);
    assert_int_equal(desk.access->throttles[0].failures, 1);
    assert_int_equal(sign_in(&desk, "sato", 1), ACCESS_OK);
    assert_int_equal(desk.access->throttle_count, 0);
    desk_finish(&desk);
}

static void no_account_waits_longer_than_a_minute(void **state)
{
    struct desk desk;

    (void)state;
    desk_init(&desk);
    add_person(&desk, "kanri", ACCESS_ADMINISTRATOR);
    for (int i = 0; i < 300; i++) { /* from many places: the addresses do not wait for each other */
        desk.address = (uint8_t)(2 + i % 200);
        desk.now_ms += ACCESS_ACCOUNT_DELAY_MS_MAX;
        assert_int_equal(sign_in_with(&desk, "kanri", 1, false, 0, 0), ACCESS_WRONG);
    }
    assert_int_equal(desk.access->throttle_count, ACCESS_THROTTLES_MAX);
    desk.address = 250;
    assert_int_equal(sign_in_with(&desk, "kanri", 1, true, ADMINISTRATOR_STEP, 0), ACCESS_WAIT);
    assert_true(desk.last.wait_ms <= ACCESS_ACCOUNT_DELAY_MS_MAX);
    desk.now_ms += ACCESS_ACCOUNT_DELAY_MS_MAX;
    assert_int_equal(sign_in_with(&desk, "kanri", 1, true, ADMINISTRATOR_STEP, 0), ACCESS_OK);
    desk_finish(&desk);
}

static void a_code_is_asked_for_after_the_password_and_used_once(void **state)
{
    struct desk desk;

    (void)state;
    desk_init(&desk);
    add_person(&desk, "kanri", ACCESS_ADMINISTRATOR);
    assert_int_equal(sign_in(&desk, "kanri", 1), ACCESS_CODE_WANTED);
    assert_int_equal(sign_in_with(&desk, "kanri", 1, false, 100, 0), ACCESS_WRONG);
    assert_int_equal(sign_in_with(&desk, "kanri", 1, true, 100, 0), ACCESS_OK);
    assert_int_equal(sign_in_with(&desk, "kanri", 2, true, 100, 0), ACCESS_WRONG); /* replayed */
    assert_int_equal(sign_in_with(&desk, "kanri", 2, true, 99, 0), ACCESS_WRONG);  /* older */
    assert_int_equal(sign_in_with(&desk, "kanri", 2, true, 101, 0), ACCESS_OK);
    assert_int_equal(sign_in_with(&desk, "kanri", 3, true, 0, 4), ACCESS_OK);
    assert_int_equal(sign_in_with(&desk, "kanri", 4, true, 0, 4), ACCESS_WRONG);
    assert_int_equal(sign_in_with(&desk, "kanri", 4, true, 0, ACCESS_CODES), ACCESS_OK);
    /* A new key: the used codes are new ones too. */
    assert_int_equal(own(&desk, ACCESS_TOTP_CHANGE, 4), ACCESS_OK);
    assert_int_equal(sign_in_with(&desk, "kanri", 5, true, 0, 4), ACCESS_OK);
    assert_int_equal(ask(&desk, (struct access_command){.action = ACCESS_TOTP_CHANGE,
                                                        .token = token_of(4),
                                                        .secret_bytes = 1}),
                     ACCESS_WRONG);
    desk_finish(&desk);
}

static void a_session_ends_by_rest_by_age_and_by_hand(void **state)
{
    struct desk desk;

    (void)state;
    desk_init(&desk);
    add_person(&desk, "sato", ACCESS_SUPERVISOR);
    assert_int_equal(sign_in(&desk, "sato", 1), ACCESS_OK);
    assert_false(who_is(&desk, 1).seen_due);
    desk.now_ms += HOUR_MS - MINUTE_MS;
    assert_true(who_is(&desk, 1).seen_due);
    assert_int_equal(own(&desk, ACCESS_SEEN, 1), ACCESS_OK);
    desk.now_ms += HOUR_MS - 1;
    assert_int_equal(who_is(&desk, 1).role, ACCESS_SUPERVISOR);
    desk.now_ms += 1;
    assert_int_equal(who_is(&desk, 1).role, ACCESS_ANYONE);
    assert_int_equal(own(&desk, ACCESS_SEEN, 1), ACCESS_WHO_ARE_YOU); /* it does not come back */
    assert_int_equal(sign_in(&desk, "sato", 2), ACCESS_OK);
    for (int i = 0; i < 24; i++) {
        desk.now_ms += HOUR_MS / 2;
        (void)own(&desk, ACCESS_SEEN, 2);
    }
    assert_int_equal(who_is(&desk, 2).role, ACCESS_ANYONE);
    assert_int_equal(sign_in(&desk, "sato", 3), ACCESS_OK);
    assert_int_equal(own(&desk, ACCESS_SIGN_OUT, 3), ACCESS_OK);
    assert_int_equal(who_is(&desk, 3).role, ACCESS_ANYONE);
    assert_int_equal(who_is(&desk, 0).role, ACCESS_ANYONE);
    desk_finish(&desk);
}

static void a_new_password_ends_every_other_session(void **state)
{
    struct desk desk;

    (void)state;
    desk_init(&desk);
    add_person(&desk, "sato", ACCESS_SUPERVISOR);
    assert_int_equal(sign_in(&desk, "sato", 1), ACCESS_OK);
    assert_int_equal(sign_in(&desk, "sato", 2), ACCESS_OK);
    assert_int_equal(own(&desk, ACCESS_PASSWORD_CHANGE, 2), ACCESS_OK);
    assert_int_equal(who_is(&desk, 1).role, ACCESS_ANYONE);
    assert_int_equal(who_is(&desk, 2).role, ACCESS_SUPERVISOR);
    assert_int_equal(own(&desk, ACCESS_PIN_CHANGE, 2), ACCESS_OK);
    assert_int_equal(local(&desk, ACCESS_PASSWORD_RESET, "sato", 0), ACCESS_OK);
    assert_int_equal(who_is(&desk, 2).role, ACCESS_ANYONE);
    assert_int_equal(ask(&desk, (struct access_command){.action = ACCESS_PASSWORD_RESET,
                                                        .local = true,
                                                        .name = "sato"}),
                     ACCESS_BAD_SECRET);
    desk_finish(&desk);
}

static void a_role_and_a_revocation_count_at_once(void **state)
{
    struct desk desk;

    (void)state;
    desk_init(&desk);
    add_person(&desk, "sato", ACCESS_SUPERVISOR);
    assert_int_equal(sign_in(&desk, "sato", 1), ACCESS_OK);
    assert_int_equal(local(&desk, ACCESS_ACCOUNT_CHANGE, "sato", ACCESS_BOARD), ACCESS_BAD_ROLE);
    assert_int_equal(ask(&desk, (struct access_command){.action = ACCESS_ACCOUNT_CHANGE,
                                                        .local = true,
                                                        .name = "sato",
                                                        .title = "\x7f"}),
                     ACCESS_BAD_NAME);
    assert_int_equal(ask(&desk, (struct access_command){.action = ACCESS_ACCOUNT_CHANGE,
                                                        .local = true,
                                                        .name = "sato",
                                                        .title = "Sato"}),
                     ACCESS_OK);
    assert_string_equal(desk.access->accounts[0].title, "Sato");
    assert_int_equal(who_is(&desk, 1).role, ACCESS_SUPERVISOR);
    assert_int_equal(local(&desk, ACCESS_ACCOUNT_CHANGE, "sato", ACCESS_OPERATOR), ACCESS_OK);
    assert_int_equal(who_is(&desk, 1).role, ACCESS_ANYONE);
    assert_int_equal(sign_in(&desk, "sato", 2), ACCESS_OK);
    assert_int_equal(local(&desk, ACCESS_ACCOUNT_REVOKE, "sato", 0), ACCESS_OK);
    assert_int_equal(who_is(&desk, 2).role, ACCESS_ANYONE);
    assert_int_equal(local(&desk, ACCESS_GRANT, "sato", 0), ACCESS_NO_SUCH);
    assert_int_equal(local(&desk, ACCESS_ACCOUNT_RESTORE, "sato", 0), ACCESS_OK);
    assert_int_equal(who_is(&desk, 2).role, ACCESS_ANYONE); /* signed in anew, not found again */
    assert_int_equal(sign_in(&desk, "sato", 3), ACCESS_OK);
    assert_int_equal(who_is(&desk, 3).role, ACCESS_OPERATOR);
    desk_finish(&desk);
}

static void the_last_administrator_stays(void **state)
{
    struct desk desk;
    struct access_command close = {
        .action = ACCESS_ACCOUNT_REVOKE, .token = token_of(1), .name = "kanri"};

    (void)state;
    desk_init(&desk);
    add_person(&desk, "kanri", ACCESS_ADMINISTRATOR);
    add_person(&desk, "sato", ACCESS_OPERATOR);
    assert_int_equal(sign_in_with(&desk, "kanri", 1, true, 100, 0), ACCESS_OK);
    assert_int_equal(ask(&desk, close), ACCESS_LAST_ADMINISTRATOR);
    close.action = ACCESS_ACCOUNT_CHANGE;
    close.role = ACCESS_OPERATOR;
    assert_int_equal(ask(&desk, close), ACCESS_LAST_ADMINISTRATOR);
    add_person(&desk, "kanri2", ACCESS_ADMINISTRATOR);
    assert_int_equal(sign_in_with(&desk, "kanri", 1, true, 101, 0), ACCESS_OK);
    assert_int_equal(ask(&desk, close), ACCESS_OK);
    /* Another who is no administrator may go, by his id. */
    assert_int_equal(sign_in_with(&desk, "kanri2", 2, true, 102, 0), ACCESS_OK);
    close = (struct access_command){
        .action = ACCESS_ACCOUNT_REVOKE, .token = token_of(2), .subject = 2};
    assert_int_equal(ask(&desk, close), ACCESS_OK);
    assert_false(access_account_is_open(access_account_by_name(desk.access, "sato")));
    /* Root on the unit may: somebody must when the last one's password is stolen. */
    assert_int_equal(local(&desk, ACCESS_ACCOUNT_REVOKE, "kanri2", 0), ACCESS_OK);
    desk_finish(&desk);
}

static void a_clerk_signs_in_by_pin_only_at_a_paired_terminal(void **state)
{
    struct desk desk;
    struct access_command pin = {
        .action = ACCESS_SIGN_IN_PIN, .name = "sato", .proof = true, .new_token = token_of(50)};

    (void)state;
    desk_init(&desk);
    add_device(&desk, ACCESS_TERMINAL, 3, 40);
    add_device(&desk, ACCESS_BOARD, 0, 41);
    add_person(&desk, "sato", ACCESS_OPERATOR);
    assert_int_equal(ask(&desk, pin), ACCESS_WHO_ARE_YOU);
    assert_false(desk.last.write);
    pin.token = token_of(41);
    assert_int_equal(ask(&desk, pin), ACCESS_NOT_YOURS);
    assert_true(desk.last.write);
    pin.token = token_of(40);
    assert_int_equal(ask(&desk, pin), ACCESS_WRONG); /* no PIN yet */
    assert_int_equal(sign_in(&desk, "sato", 1), ACCESS_OK);
    assert_int_equal(own(&desk, ACCESS_PIN_CHANGE, 1), ACCESS_OK);
    assert_int_equal(ask(&desk, pin), ACCESS_OK);
    assert_int_equal(may(&desk, 50, ACCESS_COUNTER_PRESS, 3), ACCESS_OK);
    assert_int_equal(may(&desk, 50, ACCESS_COUNTER_PRESS, 4), ACCESS_NOT_YOUR_COUNTER);
    assert_int_equal(may(&desk, 1, ACCESS_COUNTER_PRESS, 3), ACCESS_NOT_YOUR_COUNTER);
    /* The next clerk: one at a time. */
    pin.new_token = token_of(51);
    assert_int_equal(ask(&desk, pin), ACCESS_OK);
    assert_int_equal(who_is(&desk, 50).role, ACCESS_ANYONE);
    assert_int_equal(who_is(&desk, 51).role, ACCESS_OPERATOR);
    /* Guessing is slow, for that terminal and for that clerk. */
    pin.proof = false;
    for (int i = 0; i <= ACCESS_FREE_FAILURES; i++) {
        assert_int_equal(ask(&desk, pin), ACCESS_WRONG);
    }
    assert_int_equal(ask(&desk, pin), ACCESS_WAIT);
    /* With the terminal goes who is signed in there. */
    assert_int_equal(
        ask(&desk,
            (struct access_command){.action = ACCESS_DEVICE_REVOKE, .local = true, .subject = 1}),
        ACCESS_OK);
    assert_int_equal(who_is(&desk, 40).role, ACCESS_ANYONE);
    assert_int_equal(who_is(&desk, 51).role, ACCESS_ANYONE);
    desk_finish(&desk);
}

/* Staff mode of a ticket machine: the clerk is named in the audit, has no counter there, and does not stay. */
static void
a_clerk_at_a_ticket_machine_presses_no_counter_and_rests_two_minutes_at_most(void **state)
{
    struct desk desk;
    struct access_command pin = {
        .action = ACCESS_SIGN_IN_PIN, .name = "sato", .proof = true, .new_token = token_of(50)};

    (void)state;
    desk_init(&desk);
    add_device(&desk, ACCESS_KIOSK, 0, 41);
    add_person(&desk, "sato", ACCESS_OPERATOR);
    assert_int_equal(sign_in(&desk, "sato", 1), ACCESS_OK);
    assert_int_equal(own(&desk, ACCESS_PIN_CHANGE, 1), ACCESS_OK);
    pin.token = token_of(41);
    assert_int_equal(ask(&desk, pin), ACCESS_OK);
    assert_int_equal(who_is(&desk, 50).account, 1);
    assert_int_equal(who_is(&desk, 50).device, 1);
    assert_int_equal(may(&desk, 50, ACCESS_TICKET_CANCEL, 0), ACCESS_OK);
    assert_int_equal(may(&desk, 50, ACCESS_TICKET_REPRINT, 0), ACCESS_OK);
    assert_int_equal(may(&desk, 50, ACCESS_PRINTER_USE, 0), ACCESS_OK);
    assert_int_equal(may(&desk, 50, ACCESS_QUEUE_MANAGE, 0), ACCESS_NOT_YOURS);
    assert_int_equal(may(&desk, 50, ACCESS_COUNTER_PRESS, 3), ACCESS_NOT_YOUR_COUNTER);
    /* The machine itself goes on giving tickets meanwhile. */
    assert_int_equal(may(&desk, 41, ACCESS_TICKET_ISSUE, 0), ACCESS_OK);
    /* Use keeps it: it is asked to be noted in time. */
    desk.now_ms += ACCESS_KIOSK_IDLE_MS - 1000;
    assert_int_equal(who_is(&desk, 50).role, ACCESS_OPERATOR);
    assert_true(who_is(&desk, 50).seen_due);
    assert_int_equal(
        ask(&desk, (struct access_command){.action = ACCESS_SEEN, .token = token_of(50)}),
        ACCESS_OK);
    desk.now_ms += ACCESS_KIOSK_IDLE_MS - 1000;
    assert_int_equal(who_is(&desk, 50).role, ACCESS_OPERATOR);
    desk.now_ms += 1000;
    assert_int_equal(who_is(&desk, 50).role, ACCESS_ANYONE);
    /* Elsewhere the same clerk rests longer. */
    assert_int_equal(who_is(&desk, 1).role, ACCESS_OPERATOR);
    desk_finish(&desk);
}

static void an_administrator_has_no_pin(void **state)
{
    struct desk desk;

    (void)state;
    desk_init(&desk);
    add_device(&desk, ACCESS_TERMINAL, 0, 40);
    add_person(&desk, "kanri", ACCESS_ADMINISTRATOR);
    assert_int_equal(sign_in_with(&desk, "kanri", 1, true, 100, 0), ACCESS_OK);
    assert_int_equal(own(&desk, ACCESS_PIN_CHANGE, 1), ACCESS_OK);
    assert_int_equal(ask(&desk, (struct access_command){.action = ACCESS_SIGN_IN_PIN,
                                                        .proof = true,
                                                        .name = "kanri",
                                                        .token = token_of(40),
                                                        .new_token = token_of(2)}),
                     ACCESS_WRONG);
    assert_int_equal(may(&desk, 40, ACCESS_COUNTER_PRESS, 7), ACCESS_OK); /* counter 0: every one */
    desk_finish(&desk);
}

static void devices_are_added_revoked_and_never_come_back(void **state)
{
    struct desk desk;
    struct access_command add = {.action = ACCESS_DEVICE_ADD,
                                 .local = true,
                                 .role = ACCESS_OPERATOR,
                                 .new_token = token_of(7)};

    (void)state;
    desk_init(&desk);
    assert_int_equal(ask(&desk, add), ACCESS_BAD_ROLE);
    add.role = ACCESS_BOARD;
    add.title[0] = '\x01';
    assert_int_equal(ask(&desk, add), ACCESS_BAD_NAME);
    add.title[0] = '\0';
    assert_int_equal(ask(&desk, add), ACCESS_OK);
    assert_int_equal(ask(&desk, add), ACCESS_NO_SUCH_CODE); /* the same one again */
    assert_int_equal(may(&desk, 7, ACCESS_QUEUE_READ, 0), ACCESS_OK);
    assert_int_equal(may(&desk, 7, ACCESS_TICKET_ISSUE, 0), ACCESS_NOT_YOURS);
    assert_int_equal(
        ask(&desk,
            (struct access_command){.action = ACCESS_DEVICE_REVOKE, .local = true, .subject = 99}),
        ACCESS_NO_SUCH);
    for (unsigned i = 1; i < ACCESS_DEVICES_MAX; i++) {
        add_device(&desk, ACCESS_BOARD, 0, 100 + i);
    }
    add.new_token = token_of(500);
    assert_int_equal(ask(&desk, add), ACCESS_FULL);
    assert_int_equal(
        ask(&desk,
            (struct access_command){.action = ACCESS_DEVICE_REVOKE, .local = true, .subject = 1}),
        ACCESS_OK);
    assert_int_equal(may(&desk, 7, ACCESS_QUEUE_READ, 0), ACCESS_OK); /* the public page remains */
    assert_int_equal(may(&desk, 7, ACCESS_STATUS_READ, 0), ACCESS_WHO_ARE_YOU);
    assert_int_equal(ask(&desk, add), ACCESS_OK);
    assert_int_equal(desk.last.change.subject, ACCESS_DEVICES_MAX + 1); /* no id comes again */
    assert_null(access_device_by_id(desk.access, 1));
    desk_finish(&desk);
}

static void alone_nothing_is_added_and_everything_is_revoked(void **state)
{
    static const enum access_action waiting[] = {
        ACCESS_ACCOUNT_ADD,    ACCESS_ACCOUNT_CHANGE, ACCESS_ACCOUNT_RESTORE,
        ACCESS_PASSWORD_RESET, ACCESS_GRANT,          ACCESS_DEVICE_ADD,
    };
    struct desk desk;

    (void)state;
    desk_init(&desk);
    add_person(&desk, "sato", ACCESS_SUPERVISOR);
    add_device(&desk, ACCESS_KIOSK, 0, 40);
    desk.alone = true;
    for (size_t i = 0; i < ARRAY_COUNT(waiting); i++) {
        assert_int_equal(local(&desk, waiting[i], "sato", ACCESS_OPERATOR), ACCESS_NOT_ALONE);
    }
    assert_int_equal(sign_in(&desk, "sato", 1), ACCESS_OK);
    assert_int_equal(own(&desk, ACCESS_PASSWORD_CHANGE, 1), ACCESS_NOT_ALONE);
    assert_int_equal(own(&desk, ACCESS_PIN_CHANGE, 1), ACCESS_NOT_ALONE);
    assert_int_equal(own(&desk, ACCESS_TOTP_CHANGE, 1), ACCESS_NOT_ALONE);
    assert_int_equal(own(&desk, ACCESS_SEEN, 1), ACCESS_OK);
    assert_int_equal(sign_in(&desk, "sato", 2), ACCESS_OK);
    assert_int_equal(ask(&desk, (struct access_command){.action = ACCESS_SESSION_REVOKE,
                                                        .local = true,
                                                        .new_token = token_of(2)}),
                     ACCESS_OK);
    assert_int_equal(ask(&desk, (struct access_command){.action = ACCESS_SESSION_REVOKE,
                                                        .local = true,
                                                        .new_token = token_of(3)}),
                     ACCESS_NO_SUCH);
    assert_int_equal(who_is(&desk, 2).role, ACCESS_ANYONE);
    assert_int_equal(
        ask(&desk,
            (struct access_command){.action = ACCESS_DEVICE_REVOKE, .local = true, .subject = 1}),
        ACCESS_OK);
    assert_int_equal(local(&desk, ACCESS_ACCOUNT_REVOKE, "sato", 0), ACCESS_OK);
    assert_int_equal(who_is(&desk, 1).role, ACCESS_ANYONE);
    desk_finish(&desk);
}

static void whoever_may_not_is_written_down_and_changes_nothing(void **state)
{
    static const enum access_action wanted[] = {ACCESS_ACCOUNT_ADD, ACCESS_ACCOUNT_REVOKE,
                                                ACCESS_GRANT, ACCESS_DEVICE_ADD};
    struct desk desk;

    (void)state;
    desk_init(&desk);
    add_device(&desk, ACCESS_KIOSK, 0, 40);
    for (size_t i = 0; i < ARRAY_COUNT(wanted); i++) {
        assert_int_equal(ask(&desk, (struct access_command){.action = wanted[i],
                                                            .token = token_of(40),
                                                            .role = ACCESS_KIOSK,
                                                            .new_token = token_of(41)}),
                         ACCESS_NOT_YOURS);
        assert_true(desk.last.write);
        assert_int_equal(desk.last.change.by_device, 1);
        assert_int_equal(desk.last.change.row_count, 0);
    }
    assert_int_equal(ask(&desk, (struct access_command){.action = ACCESS_DENIED,
                                                        .token = token_of(40),
                                                        .right = ACCESS_COUNTER_PRESS}),
                     ACCESS_NOT_YOURS);
    assert_true(desk.last.write);
    assert_int_equal(desk.last.change.right, ACCESS_COUNTER_PRESS);
    /* A stranger leaves no mark: he could fill the ledger. */
    assert_int_equal(ask(&desk, (struct access_command){.action = ACCESS_ACCOUNT_ADD}),
                     ACCESS_WHO_ARE_YOU);
    assert_false(desk.last.write);
    assert_int_equal(own(&desk, ACCESS_SIGN_OUT, 40), ACCESS_NOT_YOURS);
    desk_finish(&desk);
}

static void a_program_is_granted_a_session_by_root_alone(void **state)
{
    struct desk desk;
    struct access_command grant = {
        .action = ACCESS_GRANT, .local = true, .name = "kanri", .new_token = token_of(8)};

    (void)state;
    desk_init(&desk);
    assert_int_equal(local(&desk, ACCESS_ACCOUNT_ADD, "kanri", ACCESS_ADMINISTRATOR), ACCESS_OK);
    assert_int_equal(ask(&desk, grant), ACCESS_OK);
    desk.now_ms += INT64_C(300) * 24 * HOUR_MS;
    assert_int_equal(may(&desk, 8, ACCESS_PEOPLE_CHANGE, 0), ACCESS_OK);
    assert_false(who_is(&desk, 8).seen_due);
    desk.now_ms += INT64_C(67) * 24 * HOUR_MS;
    assert_int_equal(who_is(&desk, 8).role, ACCESS_ANYONE);
    grant.new_token = (struct ids_hash){0};
    assert_int_equal(ask(&desk, grant), ACCESS_FULL);
    grant.new_token = token_of(8);
    assert_int_equal(ask(&desk, grant), ACCESS_FULL);
    /* own rights need a session of a person who signed in. */
    assert_int_equal(ask(&desk, (struct access_command){.action = ACCESS_SEEN, .local = true}),
                     ACCESS_NOT_YOURS);
    desk_finish(&desk);
}

static void sessions_are_bounded_and_the_one_used_longest_ago_leaves(void **state)
{
    struct desk desk;
    unsigned token = 1;

    (void)state;
    desk_init(&desk);
    add_person(&desk, "sato", ACCESS_OPERATOR);
    for (; token <= ACCESS_SESSIONS_OF_ACCOUNT_MAX + 1; token++) {
        desk.now_ms += SECOND_MS;
        assert_int_equal(sign_in(&desk, "sato", token), ACCESS_OK);
    }
    assert_int_equal(desk.access->session_count, ACCESS_SESSIONS_OF_ACCOUNT_MAX);
    assert_int_equal(who_is(&desk, 1).role, ACCESS_ANYONE);
    assert_int_equal(who_is(&desk, 2).role, ACCESS_OPERATOR);
    for (int i = 0; token <= ACCESS_SESSIONS_MAX + 1; i++) {
        char name[8] = {'x', (char)('a' + i / 26), (char)('a' + i % 26)};

        assert_int_equal(local(&desk, ACCESS_ACCOUNT_ADD, name, ACCESS_OPERATOR), ACCESS_OK);
        for (int n = 0; n < ACCESS_SESSIONS_OF_ACCOUNT_MAX && token <= ACCESS_SESSIONS_MAX + 1;
             n++) {
            desk.now_ms += 1;
            assert_int_equal(sign_in(&desk, name, token++), ACCESS_OK);
        }
    }
    assert_int_equal(desk.access->session_count, ACCESS_SESSIONS_MAX);
    assert_int_equal(local(&desk, ACCESS_ACCOUNT_ADD, "zz", ACCESS_OPERATOR), ACCESS_OK);
    desk.now_ms += 1;
    assert_int_equal(sign_in(&desk, "zz", 900), ACCESS_OK); /* the oldest of all left */
    assert_int_equal(who_is(&desk, 2).role, ACCESS_ANYONE);
    assert_int_equal(own(&desk, ACCESS_SIGN_OUT, 30), ACCESS_OK);
    /* Alone an end is kept: the other side may not know of it. A session in use leaves instead. */
    desk.alone = true;
    assert_int_equal(sign_in(&desk, "zz", 901), ACCESS_OK);
    assert_int_equal(own(&desk, ACCESS_SIGN_OUT, 30), ACCESS_WHO_ARE_YOU);
    assert_int_equal(who_is(&desk, 3).role, ACCESS_ANYONE);
    assert_int_equal(who_is(&desk, 4).role, ACCESS_OPERATOR);
    desk.alone = false;
    assert_int_equal(sign_in(&desk, "zz", 902), ACCESS_OK);
    assert_int_equal(who_is(&desk, 4).role, ACCESS_OPERATOR);
    /* All of programs: there is no room. */
    for (size_t i = 0; i < ACCESS_SESSIONS_MAX; i++) {
        desk.access->sessions[i].program = 1;
        desk.access->sessions[i].account = (uint16_t)(2 + i / ACCESS_SESSIONS_OF_ACCOUNT_MAX);
        desk.access->sessions[i].epoch = 0;
    }
    for (int i = 0; i < ACCESS_SESSIONS_OF_ACCOUNT_MAX; i++) { /* one whose id is beyond theirs */
        char name[3] = {'y', (char)('a' + i)};

        assert_int_equal(local(&desk, ACCESS_ACCOUNT_ADD, name, ACCESS_OPERATOR), ACCESS_OK);
    }
    assert_int_equal(sign_in(&desk, "yp", 903), ACCESS_FULL);
    desk_finish(&desk);
}

static struct access_command keyed(enum access_action action, uint8_t key, const char *name)
{
    struct access_command command = {.action = action,
                                     .local = true,
                                     .role = ACCESS_OPERATOR,
                                     .secret_bytes = 4,
                                     .secret = "abcd",
                                     .key = {{key}},
                                     .asked = 5};

    strncpy(command.name, name, sizeof(command.name) - 1);
    return command;
}

/* The answer was lost, by a takeover perhaps: asked again, it is told and not done. */
static void a_key_is_answered_the_same_and_changes_nothing_also_alone(void **state)
{
    struct desk desk;
    struct access_command add = keyed(ACCESS_ACCOUNT_ADD, 1, "sato"), other = add;
    uint16_t id;

    (void)state;
    desk_init(&desk);
    assert_int_equal(ask(&desk, add), ACCESS_OK);
    assert_false(desk.last.repeated);
    id = desk.last.change.subject;
    desk.alone = true;
    assert_int_equal(ask(&desk, add), ACCESS_OK);
    assert_true(desk.last.repeated);
    assert_false(desk.last.write);
    assert_int_equal(desk.last.change.subject, id);
    other.asked++;
    assert_int_equal(ask(&desk, other), ACCESS_KEY_REUSED);
    other = keyed(ACCESS_PASSWORD_RESET, 1, "sato");
    assert_int_equal(ask(&desk, other), ACCESS_KEY_REUSED);
    other.key.bytes[0] = 0; /* without a key nothing is remembered */
    desk.alone = false;
    assert_int_equal(ask(&desk, other), ACCESS_OK);
    assert_int_equal(ask(&desk, other), ACCESS_OK);
    assert_false(desk.last.repeated);
    add.key.bytes[0] = 2;
    assert_int_equal(ask(&desk, add), ACCESS_NAME_TAKEN); /* a refusal is not remembered */
    assert_int_equal(desk.access->answer_count, 1);
    desk_finish(&desk);
}

/* Who may not any more is not told either. */
static void a_key_is_answered_only_to_who_may_ask(void **state)
{
    struct desk desk;
    struct access_command add = keyed(ACCESS_ACCOUNT_ADD, 1, "sato");

    (void)state;
    desk_init(&desk);
    assert_int_equal(ask(&desk, add), ACCESS_OK);
    add.local = false;
    assert_int_equal(ask(&desk, add), ACCESS_WHO_ARE_YOU);
    assert_false(desk.last.repeated);
    desk_finish(&desk);
}

static void the_oldest_answer_is_forgotten(void **state)
{
    struct desk desk;
    struct access_command change = keyed(ACCESS_ACCOUNT_CHANGE, 1, "sato");

    (void)state;
    desk_init(&desk);
    assert_int_equal(local(&desk, ACCESS_ACCOUNT_ADD, "sato", ACCESS_OPERATOR), ACCESS_OK);
    for (int i = 0; i <= ACCESS_ANSWERS_MAX; i++) {
        change.key.bytes[0] = (uint8_t)(1 + i);
        assert_int_equal(ask(&desk, change), ACCESS_OK);
        assert_false(desk.last.repeated);
    }
    assert_int_equal(desk.access->answer_count, ACCESS_ANSWERS_MAX);
    assert_int_equal(ask(&desk, change), ACCESS_OK);
    assert_true(desk.last.repeated);
    change.key.bytes[0] = 2;
    assert_int_equal(ask(&desk, change), ACCESS_OK);
    assert_true(desk.last.repeated);
    change.key.bytes[0] = 1;
    assert_int_equal(ask(&desk, change), ACCESS_OK);
    assert_false(desk.last.repeated);
    desk_finish(&desk);
}

static void apply_takes_nothing_that_has_no_room(void **state)
{
    struct desk desk;
    struct access_change change = {.row_count = ACCESS_CHANGE_ROWS_MAX + 1};

    (void)state;
    desk_init(&desk);
    assert_false(access_apply(desk.access, &change, NULL, NULL));
    for (unsigned i = 1; i <= ACCESS_DEVICES_MAX; i++) {
        add_device(&desk, ACCESS_BOARD, 0, i);
    }
    change.row_count = 1;
    change.rows[0].kind = ACCESS_ROW_DEVICE;
    change.rows[0].device = desk.access->devices[0];
    change.rows[0].device.id = 1000;
    assert_false(access_apply(desk.access, &change, NULL, NULL));
    assert_int_equal(desk.access->device_count, ACCESS_DEVICES_MAX);
    change.rows[0].gone = 1; /* not there: nothing to do */
    assert_true(access_apply(desk.access, &change, NULL, NULL));
    assert_int_equal(desk.access->device_count, ACCESS_DEVICES_MAX);
    desk_finish(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_account_may_only_change_its_password_and_set_its_second_factor_up),
        cmocka_unit_test(an_account_is_added_only_whole_and_once),
        cmocka_unit_test(nobody_learns_whether_a_name_exists),
        cmocka_unit_test(failures_delay_the_account_and_the_address_and_are_forgotten),
        cmocka_unit_test(no_account_waits_longer_than_a_minute),
        cmocka_unit_test(a_code_is_asked_for_after_the_password_and_used_once),
        cmocka_unit_test(a_session_ends_by_rest_by_age_and_by_hand),
        cmocka_unit_test(a_new_password_ends_every_other_session),
        cmocka_unit_test(a_role_and_a_revocation_count_at_once),
        cmocka_unit_test(the_last_administrator_stays),
        cmocka_unit_test(a_clerk_signs_in_by_pin_only_at_a_paired_terminal),
        cmocka_unit_test(
            a_clerk_at_a_ticket_machine_presses_no_counter_and_rests_two_minutes_at_most),
        cmocka_unit_test(an_administrator_has_no_pin),
        cmocka_unit_test(devices_are_added_revoked_and_never_come_back),
        cmocka_unit_test(alone_nothing_is_added_and_everything_is_revoked),
        cmocka_unit_test(whoever_may_not_is_written_down_and_changes_nothing),
        cmocka_unit_test(a_program_is_granted_a_session_by_root_alone),
        cmocka_unit_test(sessions_are_bounded_and_the_one_used_longest_ago_leaves),
        cmocka_unit_test(a_key_is_answered_the_same_and_changes_nothing_also_alone),
        cmocka_unit_test(a_key_is_answered_only_to_who_may_ask),
        cmocka_unit_test(the_oldest_answer_is_forgotten),
        cmocka_unit_test(apply_takes_nothing_that_has_no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
