/* Two sides of a cut, and what their meeting makes of them: whatever took a right away wins. */
#include "tests/unit/access_fixture.h"

struct gathering {
    struct access_row rows[64];
    size_t count;
};

static void gather(void *context, const struct access_row *before, const struct access_row *after)
{
    struct gathering *gathering = context;

    assert_null(before);
    assert_true(gathering->count < ARRAY_COUNT(gathering->rows));
    gathering->rows[gathering->count++] = *after;
}

/* A row is told with what it was, and keeps its name. */
static void told(void *context, const struct access_row *before, const struct access_row *after)
{
    size_t *count = context;

    assert_true(after != NULL ||
                before->kind == ACCESS_ROW_ANSWER); /* only answers are forgotten */
    assert_true(before == NULL || after == NULL || before->kind == after->kind);
    *count += 1;
}

static size_t join_all(struct desk *ours, const struct desk *theirs)
{
    struct gathering gathering = {0};
    struct access_change change;
    size_t changed = 0;

    access_for_each_row(theirs->access, gather, &gathering);
    for (size_t i = 0; i < gathering.count; i++) {
        if (access_join(ours->access, &gathering.rows[i], ours->lsn + 1, ours->now_ms, &change)) {
            const struct access_row *joined = &change.rows[change.row_count - 1];

            assert_int_equal(joined->kind, gathering.rows[i].kind);
            assert_int_equal(access_row_changed_lsn(joined), ours->lsn + 1);
            assert_true(access_apply(ours->access, &change, told, &changed));
            ours->lsn++;
        }
    }
    return changed;
}

/* Two desks with one past: sato, a supervisor with session 1, and kiosk 40. */
static void split(struct desk *a, struct desk *b)
{
    desk_init(a);
    add_person(a, "sato", ACCESS_SUPERVISOR);
    add_person(a, "kanri", ACCESS_ADMINISTRATOR);
    add_device(a, ACCESS_KIOSK, 0, 40);
    add_device(a, ACCESS_TERMINAL, 2, 41);
    assert_int_equal(sign_in(a, "sato", 1), ACCESS_OK);
    desk_init(b);
    *b->access = *a->access;
    b->lsn = a->lsn;
    b->now_ms = a->now_ms;
    a->alone = b->alone = true;
}

static void unsplit(struct desk *a, struct desk *b)
{
    desk_finish(a);
    desk_finish(b);
}

static enum access_reason revoke_device(struct desk *desk, uint16_t id)
{
    return ask(desk, (struct access_command){
                         .action = ACCESS_DEVICE_REVOKE, .local = true, .subject = id});
}

static void a_revocation_on_either_side_wins(void **state)
{
    struct desk a, b;

    (void)state;
    for (int side = 0; side < 2; side++) {
        struct desk *revoking, *joining;

        split(&a, &b);
        revoking = side == 0 ? &a : &b;
        joining = side == 0 ? &b : &a;
        assert_int_equal(revoke_device(revoking, 1), ACCESS_OK);
        assert_int_equal(local(revoking, ACCESS_ACCOUNT_REVOKE, "sato", 0), ACCESS_OK);
        revoking->now_ms += MINUTE_MS;
        joining->now_ms += 5 * MINUTE_MS;
        assert_int_equal(own(joining, ACCESS_SEEN, 1), ACCESS_OK); /* it went on being used there */
        assert_int_equal(sign_in(joining, "sato", 2), ACCESS_OK);
        assert_true(join_all(joining, revoking) > 0);
        assert_int_equal(who_is(joining, 40).role, ACCESS_ANYONE);
        assert_int_equal(who_is(joining, 1).role, ACCESS_ANYONE);
        assert_int_equal(who_is(joining, 2).role, ACCESS_ANYONE);
        assert_int_equal(sign_in(joining, "sato", 3), ACCESS_WRONG);
        assert_int_equal(join_all(joining, revoking), 0); /* a second pass changes nothing */
        (void)join_all(revoking, joining);
        assert_int_equal(who_is(revoking, 2).role, ACCESS_ANYONE);
        unsplit(&a, &b);
    }
}

static void a_revocation_is_stronger_than_a_restoration_that_did_not_know_of_it(void **state)
{
    struct desk a, b;

    (void)state;
    split(&a, &b);
    a.alone = false; /* it wrote this to its disk and died before the other had it */
    assert_int_equal(local(&a, ACCESS_ACCOUNT_REVOKE, "sato", 0), ACCESS_OK);
    b.lsn = a.lsn;
    *b.access = *a.access;
    assert_int_equal(local(&a, ACCESS_ACCOUNT_RESTORE, "sato", 0), ACCESS_OK);
    assert_int_equal(local(&b, ACCESS_ACCOUNT_REVOKE, "sato", 0), ACCESS_OK); /* once more, alone */
    (void)join_all(&b, &a);
    assert_false(access_account_is_open(access_account_by_name(b.access, "sato")));
    unsplit(&a, &b);
}

static void the_end_of_a_session_is_an_end(void **state)
{
    struct desk a, b;

    (void)state;
    split(&a, &b);
    assert_int_equal(own(&a, ACCESS_SIGN_OUT, 1), ACCESS_OK);
    b.now_ms += MINUTE_MS;
    assert_int_equal(own(&b, ACCESS_SEEN, 1), ACCESS_OK);
    assert_int_equal(sign_in(&b, "sato", 5), ACCESS_OK);
    (void)join_all(&b, &a);
    assert_int_equal(who_is(&b, 1).role, ACCESS_ANYONE);
    assert_int_equal(who_is(&b, 5).role, ACCESS_SUPERVISOR);
    /* Who signed in on the other side stays signed in. */
    (void)join_all(&a, &b);
    assert_int_equal(who_is(&a, 5).role, ACCESS_SUPERVISOR);
    assert_int_equal(who_is(&a, 1).role, ACCESS_ANYONE);
    unsplit(&a, &b);
}

static void a_code_used_on_one_side_is_used_on_both(void **state)
{
    struct desk a, b;

    (void)state;
    split(&a, &b);
    assert_int_equal(sign_in_with(&a, "kanri", 6, true, 500, 0), ACCESS_OK);
    assert_int_equal(sign_in_with(&a, "kanri", 7, true, 0, 1), ACCESS_OK);
    assert_int_equal(sign_in_with(&b, "kanri", 8, true, 0, 2), ACCESS_OK);
    (void)join_all(&b, &a);
    assert_int_equal(sign_in_with(&b, "kanri", 9, true, 500, 0), ACCESS_WRONG);
    assert_int_equal(sign_in_with(&b, "kanri", 9, true, 0, 1), ACCESS_WRONG);
    assert_int_equal(sign_in_with(&b, "kanri", 9, true, 0, 2), ACCESS_WRONG);
    assert_int_equal(sign_in_with(&b, "kanri", 9, true, 0, 3), ACCESS_OK);
    unsplit(&a, &b);
}

static void failures_of_both_sides_delay(void **state)
{
    struct desk a, b;
    const uint8_t third[ACCESS_ADDRESS_BYTES] = {[15] = 3};
    uint8_t terminal[ACCESS_ADDRESS_BYTES] = {0};

    (void)state;
    split(&a, &b);
    a.address = 9;
    for (int i = 0; i <= ACCESS_FREE_FAILURES; i++) {
        a.now_ms += 1;
        assert_int_equal(sign_in_with(&a, "sato", 1, false, 0, 0), ACCESS_WRONG);
        assert_int_equal(ask(&a, (struct access_command){.action = ACCESS_SIGN_IN_PIN,
                                                         .name = "sato",
                                                         .token = token_of(41)}),
                         ACCESS_WRONG);
    }
    b.address = 9;
    assert_int_equal(sign_in_with(&b, "sato", 1, false, 0, 0), ACCESS_WRONG);
    b.now_ms = a.now_ms;
    (void)join_all(&b, &a);
    assert_true(access_wait_ms(b.access, "sato", false, third, 0, b.now_ms) > 0);
    assert_true(access_wait_ms(b.access, "sato", true, terminal, 2, b.now_ms) > 0);
    assert_true(access_wait_ms(b.access, "nobody", true, terminal, 2, b.now_ms) > 0);
    unsplit(&a, &b);
}

static void what_was_added_while_paired_goes_by_its_revision(void **state)
{
    struct desk a, b;

    (void)state;
    split(&a, &b);
    a.alone = false; /* a tail that only one disk holds */
    assert_int_equal(own(&a, ACCESS_PASSWORD_CHANGE, 1), ACCESS_OK);
    assert_int_equal(local(&a, ACCESS_ACCOUNT_ADD, "abe", ACCESS_OPERATOR), ACCESS_OK);
    assert_int_equal(local(&a, ACCESS_ACCOUNT_CHANGE, "sato", ACCESS_OPERATOR), ACCESS_OK);
    add_device(&a, ACCESS_BOARD, 0, 60);
    b.now_ms += MINUTE_MS;
    assert_int_equal(sign_in(&b, "sato", 4), ACCESS_OK);
    (void)join_all(&b, &a);
    assert_int_equal(access_account_by_name(b.access, "sato")->role, ACCESS_OPERATOR);
    assert_int_equal(access_account_by_name(b.access, "sato")->signed_in_ms, b.now_ms);
    assert_non_null(access_account_by_name(b.access, "abe"));
    assert_int_equal(who_is(&b, 60).role, ACCESS_BOARD);
    assert_int_equal(who_is(&b, 4).role, ACCESS_ANYONE); /* of another role */
    unsplit(&a, &b);
}

static void another_account_or_device_under_one_id_is_not_mixed(void **state)
{
    struct desk a, b;

    (void)state;
    split(&a, &b);
    a.alone = b.alone = false; /* both after partners that are gone */
    assert_int_equal(local(&a, ACCESS_ACCOUNT_ADD, "abe", ACCESS_OPERATOR), ACCESS_OK);
    assert_int_equal(local(&b, ACCESS_ACCOUNT_ADD, "baba", ACCESS_OPERATOR), ACCESS_OK);
    add_device(&a, ACCESS_BOARD, 0, 60);
    add_device(&b, ACCESS_BOARD, 0, 61);
    (void)join_all(&b, &a);
    assert_null(access_account_by_name(b.access, "abe"));
    assert_int_equal(who_is(&b, 61).role, ACCESS_BOARD);
    assert_int_equal(who_is(&b, 60).role, ACCESS_ANYONE);
    unsplit(&a, &b);
}

static void what_is_gone_or_over_is_not_adopted(void **state)
{
    struct desk a, b;
    struct access_row gone = {.kind = ACCESS_ROW_SESSION, .gone = 1};
    struct access_change change;

    (void)state;
    split(&a, &b);
    assert_int_equal(sign_in(&a, "sato", 5), ACCESS_OK);
    assert_int_equal(own(&a, ACCESS_SIGN_OUT, 5), ACCESS_OK);
    (void)join_all(&b, &a);
    assert_int_equal(b.access->session_count, 1);
    assert_false(access_join(b.access, &gone, 1, b.now_ms, &change));
    unsplit(&a, &b);
}

static int answer_at(const struct desk *desk, const struct ids_token *key)
{
    for (int i = 0; i < desk->access->answer_count; i++) {
        if (memcmp(&desk->access->answers[i].key, key, sizeof(*key)) == 0) {
            return i;
        }
    }
    return -1;
}

/* Revoked on one side of a cut, answered to nobody: asked again after the meeting, it is told. */
static void a_meeting_keeps_what_was_answered_on_either_side(void **state)
{
    struct desk a, b;
    struct access_command revoke = {
        .action = ACCESS_ACCOUNT_REVOKE, .local = true, .name = "sato", .key = {{9}}, .asked = 3};

    (void)state;
    split(&a, &b);
    assert_int_equal(ask(&a, revoke), ACCESS_OK);
    (void)join_all(&b, &a);
    assert_int_equal(b.access->answer_count, 1);
    assert_int_equal(ask(&b, revoke), ACCESS_OK);
    assert_true(b.last.repeated);
    assert_int_equal(join_all(&b, &a), 0); /* one key, one answer */
    unsplit(&a, &b);
}

/* As many are remembered as may be: what was pressed behind the cut takes the place of the oldest, not of nothing. */
static void a_meeting_forgets_the_oldest_answer_for_a_newer_one(void **state)
{
    struct desk a, b;
    struct access_command revoke = {
        .action = ACCESS_ACCOUNT_REVOKE, .local = true, .name = "sato", .key = {{9}}, .asked = 3};
    struct access_answer forgotten;

    (void)state;
    split(&a, &b);
    assert_int_equal(ask(&a, revoke), ACCESS_OK);
    b.access->answer_count = ACCESS_ANSWERS_MAX;
    for (int i = 0; i < ACCESS_ANSWERS_MAX; i++) {
        b.access->answers[i] = (struct access_answer){
            .key = {{0x55, (uint8_t)i}},
            .asked = 1,
            .action = ACCESS_ACCOUNT_ADD,
            .subject = 1,
            .changed_lsn = a.access->answers[0].changed_lsn + 1 + (uint64_t)i};
    }
    b.lsn = a.access->answers[0].changed_lsn + ACCESS_ANSWERS_MAX;
    (void)join_all(&b, &a);
    revoke.key.bytes[0] = 9;
    assert_int_equal(answer_at(&b, &revoke.key), -1); /* theirs is older than all of ours */
    b.access->answers[7].changed_lsn = 1;
    forgotten = b.access->answers[7];
    assert_int_equal(join_all(&b, &a), 2); /* one is gone, one is there */
    assert_int_equal(b.access->answer_count, ACCESS_ANSWERS_MAX);
    assert_int_equal(answer_at(&b, &forgotten.key), -1);
    assert_int_equal(ask(&b, revoke), ACCESS_OK);
    assert_true(b.last.repeated);
    assert_int_equal(join_all(&b, &a), 0);
    unsplit(&a, &b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_revocation_on_either_side_wins),
        cmocka_unit_test(a_revocation_is_stronger_than_a_restoration_that_did_not_know_of_it),
        cmocka_unit_test(the_end_of_a_session_is_an_end),
        cmocka_unit_test(a_code_used_on_one_side_is_used_on_both),
        cmocka_unit_test(failures_of_both_sides_delay),
        cmocka_unit_test(what_was_added_while_paired_goes_by_its_revision),
        cmocka_unit_test(another_account_or_device_under_one_id_is_not_mixed),
        cmocka_unit_test(a_meeting_keeps_what_was_answered_on_either_side),
        cmocka_unit_test(a_meeting_forgets_the_oldest_answer_for_a_newer_one),
        cmocka_unit_test(what_is_gone_or_over_is_not_adopted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
