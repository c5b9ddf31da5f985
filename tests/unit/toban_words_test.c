/* What the command line reads and how it writes: words become requests, figures become text. */
#include "tests/unit/screen_fixture.h"

#include "appliance/queue/queue.h"

/* ---- words ---- */

static void options_are_taken_wherever_they_stand(void **state)
{
    char *argv[] = {"call-next", "--json", "--unit=2", "3",      "--name",
                    "west",      "--lang", "ja",       "--help", NULL};
    struct screen *screen = screen_create(false);
    int argc = 9;

    (void)state;
    assert_true(options_take(&screen->toban, &argc, argv, false));
    assert_int_equal(argc, 2);
    assert_string_equal(argv[0], "call-next");
    assert_string_equal(argv[1], "3");
    assert_true(screen->toban.json && screen->toban.help && screen->toban.japanese);
    assert_int_equal(screen->toban.unit, 2);
    assert_string_equal(screen->toban.name, "west");
    screen_destroy(screen);
}

static void words_after_the_first_are_left_to_the_office(void **state)
{
    char *argv[] = {"--name", "west", "office", "up", "--json", NULL};
    struct screen *screen = screen_create(false);
    int argc = 5;

    (void)state;
    assert_true(options_take(&screen->toban, &argc, argv, true));
    assert_int_equal(argc, 3);
    assert_string_equal(argv[0], "office");
    assert_string_equal(argv[2], "--json");
    assert_false(screen->toban.json);
    screen_destroy(screen);
}

static void an_option_without_sense_is_refused(void **state)
{
    char *rows[][3] = {{"--unit", "0", NULL},   {"--unit", "x", NULL}, {"--unit=99999", "a", NULL},
                       {"--lang", "fr", NULL},  {"a", "--name", NULL}, {"--name=", "a", NULL},
                       {"--socket", NULL, NULL}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct screen *screen = screen_create(true);
        int argc = rows[i][1] == NULL ? 1 : 2;

        assert_false(options_take(&screen->toban, &argc, rows[i], false));
        assert_string_not_equal(screen_err(screen), "");
        screen_destroy(screen);
    }
}

static void a_number_is_whole_and_within_its_bounds(void **state)
{
    static const char *const bad[] = {
        "", "0", "11", "+5", " 5", "5 ", "5x", "-1", "99999999999999999999"};
    uint32_t number = 77;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(options_parse_number(bad[i], 1, 10, &number));
    }
    assert_false(options_parse_number(NULL, 1, 10, &number));
    assert_int_equal(number, 77);
    assert_true(options_parse_number("10", 1, 10, &number));
    assert_int_equal(number, 10);
}

static void a_number_with_its_letter_is_read_as_on_paper(void **state)
{
    static const char *const bad[] = {"",     "B106",   "0106",  "10000", "106b",
                                      "106I", "106B\n", "106 B", "１０６"};
    char series[IDS_SERIES_TEXT_BYTES];
    uint16_t number;

    (void)state;
    assert_true(text_parse_display("106", &number, series));
    assert_int_equal(number, 106);
    assert_string_equal(series, "");
    assert_true(text_parse_display("9999B12", &number, series));
    assert_int_equal(number, 9999);
    assert_string_equal(series, "B12");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(text_parse_display(bad[i], &number, series));
    }
}

static void japanese_letters_are_two_columns_wide(void **state)
{
    (void)state;
    assert_int_equal(text_width("1号機"), 5);
    assert_int_equal(text_width("PAIRED"), 6);
    assert_int_equal(text_width("08:30–17:00"), 11);
    assert_int_equal(text_width("\xff\xe5"), 2);
}

static void large_numbers_are_grouped(void **state)
{
    char text[32];

    (void)state;
    text_number(48213, text);
    assert_string_equal(text, "48,213");
    text_number(0, text);
    assert_string_equal(text, "0");
    text_number(-1234567, text);
    assert_string_equal(text, "-1,234,567");
    text_number(INT64_MIN, text);
    assert_string_equal(text, "-9,223,372,036,854,775,808");
}

static void words_become_the_request_that_a_page_would_send(void **state)
{
    char *issue[] = {"issue", "2", "--language=en", "--priority", "1", "--paper", NULL};
    char *cancel[] = {"cancel", "00ff1234567890abcdef0a0b0c0d0e0f", NULL};
    char *transfer[] = {"transfer", "106B", "3", NULL};
    char *call[] = {"4", "call", "106B2", NULL};
    char *next[] = {"4", "call-next", "--key", "11111111111111111111111111111111", NULL};
    struct api_request request;

    (void)state;
    assert_true(ticket_request(count_words(issue), issue, &request));
    assert_int_equal(request.command.action, QUEUE_ISSUE);
    assert_int_equal(request.command.category, 2);
    assert_int_equal(request.command.priority, 1);
    assert_int_equal(request.command.delivery, QUEUE_DELIVERY_PAPER);
    assert_string_equal(request.command.language, "en");
    assert_true(ticket_request(count_words(cancel), cancel, &request));
    assert_int_equal(request.command.action, QUEUE_CANCEL);
    assert_int_equal(request.command.ticket.bytes[1], 0xff);
    assert_true(ticket_request(count_words(transfer), transfer, &request));
    assert_int_equal(request.command.category, 3);
    assert_int_equal(request.command.number, 106);
    assert_true(counter_request(count_words(call), call, &request));
    assert_int_equal(request.command.counter, 4);
    assert_int_equal(request.command.action, QUEUE_CALL);
    assert_string_equal(request.command.series, "B2");
    assert_true(counter_request(count_words(next), next, &request));
    assert_int_equal(request.command.action, QUEUE_CALL_NEXT);
    assert_int_equal(request.command.key.bytes[15], 0x11);
}

static void what_staff_say_of_a_visit_is_in_the_request(void **state)
{
    char *issue[] = {"issue", "2", "--then", "3,1", "--staff-will-come", NULL};
    char *hold[] = {"hold", "106", "--reason", "document", "--minutes=10", "--pool", NULL};
    char *transfer[] = {"3", "transfer", "--to-counter", "5", "--after", "2", NULL};
    char *note[] = {"note", "106", "--visitor-comes", NULL};
    char *plan[] = {"1", "plan", "none", NULL};
    char *paper[] = {"hand-written", "2", "901", "--served", NULL};
    char *limit[] = {"limit", "2", "none", NULL};
    char *stop[] = {"stop", NULL};
    struct api_request request;

    (void)state;
    assert_true(ticket_request(count_words(issue), issue, &request));
    assert_int_equal(request.command.more.plan_count, 2);
    assert_int_equal(request.command.more.plan[0], 3);
    assert_int_equal(request.command.more.assist, 1);
    assert_true(ticket_request(count_words(hold), hold, &request));
    assert_int_equal(request.command.more.hold_reason, QUEUE_HOLD_DOCUMENT);
    assert_int_equal(request.command.more.hold_minutes, 10);
    assert_int_equal(request.command.more.to_pool, 1);
    assert_true(counter_request(count_words(transfer), transfer, &request));
    assert_int_equal(request.command.category, 0);
    assert_int_equal(request.command.more.to_counter, 5);
    assert_int_equal(request.command.more.place, QUEUE_PLACE_AFTER);
    assert_int_equal(request.command.more.after, 2);
    assert_true(ticket_request(count_words(note), note, &request));
    assert_int_equal(request.command.more.assist, 2);
    assert_int_equal(request.command.more.has_note, 0);
    assert_true(counter_request(count_words(plan), plan, &request));
    assert_int_equal(request.command.more.plan_count, 0);
    assert_true(ticket_request(count_words(paper), paper, &request));
    assert_int_equal(request.command.number, 901);
    assert_int_equal(request.command.more.served, 1);
    assert_true(acceptance_request(count_words(limit), limit, &request));
    assert_int_equal(request.command.action, QUEUE_SET_LIMIT);
    assert_int_equal(request.command.more.limit, QUEUE_LIMIT_NONE);
    assert_true(acceptance_request(count_words(stop), stop, &request));
    assert_int_equal(request.command.action, QUEUE_SUSPEND);
    assert_int_equal(request.command.category, 0);
    assert_false(acceptance_request(1, limit, &request));
}

static void words_that_do_not_fit_ask_nothing(void **state)
{
    char *tickets[][5] = {{"issue", NULL},
                          {"issue", "0", NULL},
                          {"issue", "99", NULL},
                          {"issue", "1", "2", NULL},
                          {"issue", "1", "--priority", "4", NULL},
                          {"issue", "1", "--language", "far too long", NULL},
                          {"issue", "1", "--key", "short", NULL},
                          {"cancel", NULL},
                          {"cancel", "x", NULL},
                          {"transfer", "106", NULL},
                          {"hold", "106", "--reason", "tea", NULL},
                          {"hold", "106", "--minutes", "241", NULL},
                          {"return", "106", "--after", "0", NULL},
                          {"plan", "106", NULL},
                          {"plan", "106", "2,", "3", NULL},
                          {"plan", "106", "1,2,3,4,5,6", NULL},
                          {"note", "106", NULL},
                          {"hand-written", "1", NULL},
                          {"eat", "1", NULL},
                          {NULL}};
    char *counters[][5] = {{"call-next", NULL},
                           {"0", "call-next", NULL},
                           {"1", NULL},
                           {"1", "call", NULL},
                           {"1", "call-next", "2", NULL},
                           {"1", "transfer", NULL},
                           {"70000", "recall", NULL},
                           {NULL}};
    struct api_request request;

    (void)state;
    for (size_t i = 0; i < sizeof(tickets) / sizeof(tickets[0]); i++) {
        assert_false(ticket_request(count_words(tickets[i]), tickets[i], &request));
    }
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
        assert_false(counter_request(count_words(counters[i]), counters[i], &request));
    }
}

static void the_same_words_have_the_same_body_and_a_given_key_stays(void **state)
{
    char *words[] = {"1", "call-next", NULL};
    char *other_words[] = {"2", "call-next", NULL};
    struct api_request first, again, other;
    struct ids_token given = {.bytes = {1, 2, 3}};

    (void)state;
    assert_true(counter_request(2, words, &first));
    again = first;
    assert_true(counter_request(2, other_words, &other));
    again.command.key = given;
    ask_seal_command(&first);
    ask_seal_command(&again);
    ask_seal_command(&other);
    assert_true(first.command.body_hash == again.command.body_hash);
    assert_true(first.command.body_hash != other.command.body_hash);
    assert_true(ids_token_equal(&again.command.key, &given));
    assert_false(ids_token_is_zero(&first.command.key));
    assert_false(ids_token_equal(&first.command.key, &other.command.key));
}

static void the_units_are_found_in_what_the_office_says(void **state)
{
    static const char info[] =
        "{\"url\": \"http://10.90.0.10\", \"units\": ["
        "{\"unit\": 1, \"socket\": \"/r/u1/toband.sock\", \"data_dir\": \"/r/u1/data\"},"
        "{\"unit\": 2, \"socket\": \"/r/u2/toband.sock\"}, {\"unit\": 3}]}";
    static const char *const bad[] = {"", "[]", "{\"units\": []}", "{\"units\": [{\"socket\": 5}]}",
                                      "{\"units\""};
    struct targets targets;

    (void)state;
    assert_true(targets_from_info(info, strlen(info), &targets));
    assert_int_equal(targets.count, 2);
    assert_int_equal(targets.list[1].unit, 2);
    assert_string_equal(targets.list[0].data_dir, "/r/u1/data");
    assert_string_equal(targets.list[1].socket, "/r/u2/toband.sock");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(targets_from_info(bad[i], strlen(bad[i]), &targets));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_taken_wherever_they_stand),
        cmocka_unit_test(words_after_the_first_are_left_to_the_office),
        cmocka_unit_test(an_option_without_sense_is_refused),
        cmocka_unit_test(a_number_is_whole_and_within_its_bounds),
        cmocka_unit_test(a_number_with_its_letter_is_read_as_on_paper),
        cmocka_unit_test(japanese_letters_are_two_columns_wide),
        cmocka_unit_test(large_numbers_are_grouped),
        cmocka_unit_test(words_become_the_request_that_a_page_would_send),
        cmocka_unit_test(what_staff_say_of_a_visit_is_in_the_request),
        cmocka_unit_test(words_that_do_not_fit_ask_nothing),
        cmocka_unit_test(the_same_words_have_the_same_body_and_a_given_key_stays),
        cmocka_unit_test(the_units_are_found_in_what_the_office_says),
    };

    return cmocka_run_group_tests_name("toban_words", tests, NULL, NULL);
}
