/* appliance/devices/printer: a job counts as printed only when the printer answered behind the cut. */
#include "appliance/devices/printer/printer.h"
#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

struct bench {
    struct printer printer;
    struct printer_actions actions;
    uint64_t now_ms;
};

static void tell(struct bench *bench, enum printer_event_kind kind, bool on)
{
    struct printer_event event = {.kind = kind, .now_ms = bench->now_ms, .on = on};

    printer_step(&bench->printer, &event, &bench->actions);
}

static void hear(struct bench *bench, const uint8_t *bytes, size_t len_bytes)
{
    struct printer_event event = {
        .kind = PRINTER_BYTES, .now_ms = bench->now_ms, .bytes = bytes, .len_bytes = len_bytes};

    printer_step(&bench->printer, &event, &bench->actions);
}

#define HEAR(bench, ...)                                                                           \
    hear((bench), (const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}))

static void wait_until_due(struct bench *bench)
{
    bench->now_ms = printer_deadline_ms(&bench->printer);
    tell(bench, PRINTER_TIME, false);
}

static void connect_it(struct bench *bench)
{
    struct printer_actions greeted;

    printer_init(&bench->printer);
    bench->now_ms = 1000;
    tell(bench, PRINTER_WANT, true);
    assert_true(bench->actions.connect);
    tell(bench, PRINTER_OPENED, false);
    assert_true(bench->actions.send_bytes > PRINTER_CLEAR_BYTES); /* whoever had it before */
    greeted = bench->actions;
    HEAR(bench, 0x00); /* it has come behind the greeting */
    bench->actions = greeted;
}

/* Answers the four questions. */
static void answer(struct bench *bench, uint8_t online, uint8_t cause, uint8_t error,
                   uint8_t sensor)
{
    const uint8_t answers[PRINTER_QUESTIONS] = {online, cause, error, sensor};

    for (uint8_t i = 0; i < PRINTER_QUESTIONS; i++) {
        assert_true(bench->actions.send_bytes >= 3);
        assert_int_equal(bench->actions.send[bench->actions.send_bytes - 1], i + 1);
        hear(bench, &answers[i], 1);
    }
}

static void answer_well(struct bench *bench)
{
    answer(bench, 0x12, 0x12, 0x12, 0x12);
}

static void begin_job(struct bench *bench)
{
    connect_it(bench);
    answer_well(bench);
    assert_true(printer_is_free(&bench->printer));
    tell(bench, PRINTER_JOB, false);
    answer_well(bench);
    assert_true(bench->actions.send_job);
}

static void a_job_is_printed_when_the_printer_answers_behind_the_cut(void **state)
{
    struct bench bench;

    (void)state;
    begin_job(&bench);
    assert_int_equal(bench.actions.outcome, 0);
    assert_false(printer_is_free(&bench.printer));
    HEAR(&bench, 0x10, 0x00, 0x00, 0x0f); /* its own report: nothing is wrong */
    assert_int_equal(bench.actions.outcome, 0);
    HEAR(&bench, 0x00);
    assert_int_equal(bench.actions.outcome, PRINTER_PRINTED);
    assert_true(printer_is_free(&bench.printer));
}

static void an_answer_with_near_end_prints_and_is_noted(void **state)
{
    struct bench bench;

    (void)state;
    begin_job(&bench);
    HEAR(&bench, 0x03);
    assert_int_equal(bench.actions.outcome, PRINTER_PRINTED);
    assert_true(bench.printer.flags.paper_near_end);
    assert_int_equal(printer_condition(&bench.printer), PRINTER_READY);
}

static void a_printer_that_cannot_gets_no_byte_of_a_job(void **state)
{
    static const struct {
        uint8_t online, cause, error, sensor;
        enum printer_condition condition;
    } cases[] = {
        {0x1a, 0x16, 0x12, 0x12, PRINTER_COVER_OPEN},
        {0x1a, 0x32, 0x12, 0x72, PRINTER_PAPER_END},
        {0x1a, 0x12, 0x12, 0x72, PRINTER_PAPER_END},
        {0x1a, 0x52, 0x1a, 0x12, PRINTER_CUTTER_ERROR},
        {0x1a, 0x52, 0x32, 0x12, PRINTER_BROKEN},
        {0x1a, 0x12, 0x12, 0x12, PRINTER_OFFLINE},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct bench bench;

        connect_it(&bench);
        answer_well(&bench);
        tell(&bench, PRINTER_JOB, false);
        answer(&bench, cases[i].online, cases[i].cause, cases[i].error, cases[i].sensor);
        assert_int_equal(bench.actions.outcome, PRINTER_UNTOUCHED);
        assert_false(bench.actions.send_job);
        assert_int_equal(printer_condition(&bench.printer), cases[i].condition);
        assert_false(printer_is_free(&bench.printer));
        wait_until_due(&bench); /* mended: it says so at the next question */
        answer_well(&bench);
        assert_true(printer_is_free(&bench.printer));
    }
}

static void what_it_reports_within_a_job_fails_it_and_clears_the_rest(void **state)
{
    static const uint8_t reports[][4] = {
        {0x38, 0x00, 0x00, 0x0f}, /* cover */
        {0x18, 0x00, 0x0c, 0x0f}, /* paper end */
        {0x18, 0x08, 0x00, 0x0f}, /* cutter */
        {0x18, 0x20, 0x00, 0x0f}, /* for good */
        {0x18, 0x00, 0x00, 0x0f}, /* offline */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(reports); i++) {
        struct bench bench;

        begin_job(&bench);
        hear(&bench, reports[i], 2); /* in two pieces */
        assert_int_equal(bench.actions.outcome, 0);
        hear(&bench, reports[i] + 2, 2);
        assert_int_equal(bench.actions.outcome, PRINTER_FAILED);
        assert_memory_equal(bench.actions.send, "\x10\x14\x08", 3);
        assert_true(bench.actions.close);
        wait_until_due(&bench);
        assert_true(bench.actions.connect);
        tell(&bench, PRINTER_OPENED, false); /* zeros first: it may still wait for an image's end */
        assert_true(bench.actions.send_bytes > PRINTER_CLEAR_BYTES);
        assert_int_equal(bench.actions.send[0], 0);
        assert_memory_equal(bench.actions.send + PRINTER_CLEAR_BYTES, "\x1b@\x1dV", 4);
    }
}

static void a_report_in_the_breath_of_the_last_answer_holds_the_job_back(void **state)
{
    struct bench bench;

    (void)state;
    connect_it(&bench);
    answer_well(&bench);
    tell(&bench, PRINTER_JOB, false);
    HEAR(&bench, 0x12);
    HEAR(&bench, 0x12);
    HEAR(&bench, 0x12);
    HEAR(&bench, 0x12, 0x38, 0x00, 0x00, 0x0f);
    assert_false(bench.actions.send_job);
    assert_int_equal(bench.actions.outcome, PRINTER_UNTOUCHED);
    assert_int_equal(printer_condition(&bench.printer), PRINTER_COVER_OPEN);
}

static void silence_within_a_job_is_unknown(void **state)
{
    struct bench bench;

    (void)state;
    begin_job(&bench);
    bench.now_ms = printer_deadline_ms(&bench.printer) - 1;
    tell(&bench, PRINTER_TIME, false);
    assert_int_equal(bench.actions.outcome, 0);
    wait_until_due(&bench);
    assert_int_equal(bench.actions.outcome, PRINTER_UNKNOWN);
    assert_true(bench.actions.close);
    assert_int_equal(printer_condition(&bench.printer), PRINTER_SILENT);
}

static void a_connection_that_ends_within_a_job_is_unknown(void **state)
{
    struct bench bench;

    (void)state;
    begin_job(&bench);
    tell(&bench, PRINTER_CLOSED, false);
    assert_int_equal(bench.actions.outcome, PRINTER_UNKNOWN);
    assert_int_equal(printer_condition(&bench.printer), PRINTER_UNREACHABLE);
    tell(&bench, PRINTER_CLOSED, false); /* said twice */
    assert_int_equal(bench.actions.outcome, 0);
}

static void a_connection_that_ends_before_a_job_leaves_it_untouched(void **state)
{
    struct bench bench;

    (void)state;
    connect_it(&bench);
    answer_well(&bench);
    tell(&bench, PRINTER_JOB, false);
    tell(&bench, PRINTER_CLOSED, false);
    assert_int_equal(bench.actions.outcome, PRINTER_UNTOUCHED);
}

static void what_no_printer_says_ends_the_connection(void **state)
{
    static const uint8_t nonsense[] = {0xff, 0x80, 0x93, 0x11};

    (void)state;
    for (size_t i = 0; i < sizeof(nonsense); i++) {
        struct bench bench;

        connect_it(&bench);
        answer_well(&bench);
        hear(&bench, &nonsense[i], 1); /* nobody asked */
        assert_true(bench.actions.close);
        assert_int_equal(printer_condition(&bench.printer), PRINTER_SILENT);
        begin_job(&bench);
        HEAR(&bench, 0x10, 0x90); /* a report that breaks off */
        assert_int_equal(bench.actions.outcome, PRINTER_UNKNOWN);
    }
}

static void two_answers_to_one_question_are_no_answer(void **state)
{
    struct bench bench;

    (void)state;
    connect_it(&bench);
    HEAR(&bench, 0x12, 0x12, 0x12, 0x12);
    assert_true(bench.actions.close);
    assert_null(bench.actions.send);
    connect_it(&bench);
    answer_well(&bench);
    tell(&bench, PRINTER_JOB, false);
    HEAR(&bench, 0x12);
    HEAR(&bench, 0x12);
    HEAR(&bench, 0x12);
    HEAR(&bench, 0x12, 0x00); /* "printed" before a byte was sent */
    assert_int_equal(bench.actions.outcome, PRINTER_UNTOUCHED);
    assert_false(bench.actions.send_job);
    assert_true(bench.actions.close);
}

/* A job of another unit may still be in its buffer: no answer behind that is taken for one behind ours. */
static void nothing_is_printed_before_it_has_come_behind_the_greeting(void **state)
{
    struct bench bench;

    (void)state;
    printer_init(&bench.printer);
    bench.now_ms = 1000;
    tell(&bench, PRINTER_WANT, true);
    tell(&bench, PRINTER_OPENED, false);
    answer_well(&bench);
    assert_false(printer_is_free(&bench.printer));
    assert_int_equal(printer_condition(&bench.printer), PRINTER_UNREACHABLE); /* not known yet */
    wait_until_due(&bench);
    answer(&bench, 0x1a, 0x16, 0x12, 0x12); /* what is wrong is known all the same */
    assert_int_equal(printer_condition(&bench.printer), PRINTER_COVER_OPEN);
    bench.now_ms += PRINTER_JOB_MS_MAX; /* and is waited for */
    tell(&bench, PRINTER_TIME, false);
    answer_well(&bench);
    HEAR(&bench, 0x00);
    assert_int_equal(bench.actions.outcome, 0);
    assert_true(printer_is_free(&bench.printer));

    printer_init(&bench.printer);
    tell(&bench, PRINTER_WANT, true);
    tell(&bench, PRINTER_OPENED, false);
    answer_well(&bench);
    bench.now_ms += PRINTER_JOB_MS_MAX; /* it says that it can, and does not */
    tell(&bench, PRINTER_TIME, false);
    assert_true(bench.actions.close);
    assert_int_equal(printer_condition(&bench.printer), PRINTER_SILENT);
}

static void it_is_tried_again_ever_more_rarely(void **state)
{
    struct bench bench;
    uint64_t last_ms = 0;

    (void)state;
    printer_init(&bench.printer);
    assert_true(printer_deadline_ms(&bench.printer) == UINT64_MAX);
    bench.now_ms = 5;
    tell(&bench, PRINTER_WANT, true);
    for (int i = 0; i < 10; i++) {
        uint64_t wait_ms;

        if (i % 2 == 0) {
            tell(&bench, PRINTER_CLOSED, false);
        } else {
            wait_until_due(&bench); /* the connection does not come about */
            assert_true(bench.actions.close);
        }
        wait_ms = printer_deadline_ms(&bench.printer) - bench.now_ms;
        assert_true(wait_ms >= last_ms && wait_ms <= PRINTER_RETRY_MS_MAX);
        last_ms = wait_ms;
        wait_until_due(&bench);
        assert_true(bench.actions.connect);
    }
    assert_int_equal(last_ms, PRINTER_RETRY_MS_MAX);
    assert_int_equal(printer_condition(&bench.printer), PRINTER_UNREACHABLE);
}

static void who_does_not_answer_is_silent_until_it_answers(void **state)
{
    struct bench bench;

    (void)state;
    connect_it(&bench);
    wait_until_due(&bench);
    assert_true(bench.actions.close);
    assert_int_equal(printer_condition(&bench.printer), PRINTER_SILENT);
    wait_until_due(&bench);
    tell(&bench, PRINTER_OPENED, false);
    assert_int_equal(printer_condition(&bench.printer), PRINTER_SILENT);
    answer_well(&bench);
    HEAR(&bench, 0x00);
    assert_int_equal(printer_condition(&bench.printer), PRINTER_READY);
}

static void a_unit_that_leaves_duty_ends_the_job_and_then_lets_go(void **state)
{
    struct bench bench;

    (void)state;
    begin_job(&bench);
    tell(&bench, PRINTER_WANT, false);
    assert_false(bench.actions.close);
    HEAR(&bench, 0x00);
    assert_int_equal(bench.actions.outcome, PRINTER_PRINTED);
    assert_true(bench.actions.close);
    assert_int_equal(printer_condition(&bench.printer), PRINTER_OFF);

    begin_job(&bench);
    tell(&bench, PRINTER_WANT, false);
    tell(&bench, PRINTER_CLOSED, false);
    assert_int_equal(bench.actions.outcome, PRINTER_UNKNOWN);
    assert_int_equal(printer_condition(&bench.printer), PRINTER_OFF);

    begin_job(&bench);
    tell(&bench, PRINTER_WANT, false);
    tell(&bench, PRINTER_WANT, true); /* and back */
    HEAR(&bench, 0x00);
    assert_false(bench.actions.close);

    tell(&bench, PRINTER_JOB, false);
    tell(&bench, PRINTER_WANT, false);
    assert_int_equal(bench.actions.outcome, PRINTER_UNTOUCHED);
    assert_true(bench.actions.close);
    tell(&bench, PRINTER_WANT, false);
    assert_false(bench.actions.close);
    tell(&bench, PRINTER_OPENED, false); /* late words of a connection that is given up */
    HEAR(&bench, 0x12);
    tell(&bench, PRINTER_CLOSED, false);
    bench.now_ms += 1000000;
    tell(&bench, PRINTER_TIME, false);
    assert_false(bench.actions.connect);
    bench.printer.until_ms = 0;
    tell(&bench, PRINTER_TIME, false);
    assert_false(bench.actions.connect);
}

static void conditions_have_words(void **state)
{
    (void)state;
    for (int i = 0; i < PRINTER_CONDITION_END; i++) {
        assert_true(strlen(printer_condition_code((enum printer_condition)i)) > 2);
        assert_true(strlen(printer_condition_ja((enum printer_condition)i)) > 6);
        assert_true(strlen(printer_condition_en((enum printer_condition)i)) > 6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_is_printed_when_the_printer_answers_behind_the_cut),
        cmocka_unit_test(an_answer_with_near_end_prints_and_is_noted),
        cmocka_unit_test(a_printer_that_cannot_gets_no_byte_of_a_job),
        cmocka_unit_test(what_it_reports_within_a_job_fails_it_and_clears_the_rest),
        cmocka_unit_test(a_report_in_the_breath_of_the_last_answer_holds_the_job_back),
        cmocka_unit_test(silence_within_a_job_is_unknown),
        cmocka_unit_test(a_connection_that_ends_within_a_job_is_unknown),
        cmocka_unit_test(a_connection_that_ends_before_a_job_leaves_it_untouched),
        cmocka_unit_test(what_no_printer_says_ends_the_connection),
        cmocka_unit_test(two_answers_to_one_question_are_no_answer),
        cmocka_unit_test(nothing_is_printed_before_it_has_come_behind_the_greeting),
        cmocka_unit_test(it_is_tried_again_ever_more_rarely),
        cmocka_unit_test(who_does_not_answer_is_silent_until_it_answers),
        cmocka_unit_test(a_unit_that_leaves_duty_ends_the_job_and_then_lets_go),
        cmocka_unit_test(conditions_have_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
