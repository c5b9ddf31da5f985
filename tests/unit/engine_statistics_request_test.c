/* Questions about statistics: over many days, wrong ones, the file, and the sample that the page is tested with. */
#include "tests/unit/statistics_fixture.h"

/* ---- many days -------------------------------------------------------------------------------------------------- */

static void a_question_over_many_days_takes_turns(void **state)
{
    struct desk *desk = office_new(OWN);
    uint32_t date = DAY_ONE;
    json_t *body;

    (void)state;
    for (int day = 0; day < 120; day++) {
        struct book *book = book_new(desk, 20);

        live_a_day(book, 16);
        date = calendar_date_plus(date, 1);
        assert_int_equal(day_open(desk->engine, date, 0), QUEUE_OK);
        desk->engine->wall_ms += 24 * HOUR_MS;
        desk->engine->keys_destroy_count = desk->engine->keys_new_count = 0; /* as a batch does */
        settle(desk);
        free(book);
    }
    body = asked(desk, "2026-11-24 2027-12-31 day");
    assert_int_equal(number(body, "days"), 121); /* with the one that is open */
    json_decref(body);
    body = asked(desk, "2027-01-01 2027-01-10 -");
    assert_int_equal(number(body, "days"), 10);
    json_decref(body);
    body = asked(desk, "");
    assert_int_equal(number(body, "days"), 1);
    json_decref(body);
    desk_free(desk);
}

static void one_table_is_made_at_a_time_and_none_by_who_does_not_serve(void **state)
{
    struct desk *desk = office_new(OWN);
    struct api_request request = {.type = API_READ, .id = 1, .read = {.what = API_READ_STATISTICS}};
    uint32_t date = DAY_ONE;

    (void)state;
    for (int day = 0; day < TABLE_CHUNKS_A_TURN + 2; day++) {
        date = calendar_date_plus(date, 1);
        assert_int_equal(day_open(desk->engine, date, 0), QUEUE_OK);
        settle(desk);
    }
    (void)strcpy(request.read.text, "2026-11-24 2027-12-31 -");
    table_request(desk->engine, CLIENT, &request);
    assert_true(table_is_running(desk->engine));
    desk->status = 0;
    table_request(desk->engine, CLIENT, &request);
    assert_int_equal(desk->status, 503);
    desk->engine->duty.state = DUTY_PAIRED_SPARE;
    desk->status = 0;
    table_turn(desk->engine);
    assert_int_equal(desk->status, 503);
    assert_false(table_is_running(desk->engine));
    desk_free(desk);
}

static void what_is_not_understood_is_refused(void **state)
{
    static const char *const texts[] = {"2026-11-24",
                                        "2026-11-24 2026-11-24",
                                        "2026-11-24 2026-11-24 category,",
                                        "2026-11-24 2026-11-24 ,category",
                                        "2026-11-24 2026-11-24 category,category",
                                        "2026-11-24 2026-11-24 colour",
                                        "2026-11-24 2026-11-24 hour more",
                                        "2026-11-25 2026-11-24 hour",
                                        "2026-13-01 2026-13-02 hour",
                                        "2026/11/24 2026-11-24 hour",
                                        "2026-11-2a 2026-11-24 hour",
                                        "24 2026-11-24 hour"};
    struct desk *desk = office_new(OWN);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        assert_int_equal(ask(desk, texts[i], false), 422);
        assert_non_null(strstr(desk->body, "BAD_PERIOD"));
    }
    assert_int_equal(ask(desk, "- - -", false), 200);
    desk_free(desk);
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

static size_t fields_of(const char **at)
{
    size_t count = 1;
    bool quoted = false;

    for (; **at != '\0' && (quoted || strncmp(*at, "\r\n", 2) != 0); (*at)++) {
        assert_true(quoted || (**at != '\n' && **at != '\r'));
        if (**at == '"') {
            quoted = !quoted;
        } else if (**at == ',' && !quoted) {
            count++;
        }
    }
    assert_false(quoted);
    *at += **at == '\0' ? 0 : 2;
    return count;
}

static void the_file_is_a_table_with_its_definitions(void **state)
{
    struct desk *desk = office_new(OWN);
    struct book *book = book_new(desk, 14);
    const char *at;
    size_t columns, rows = 0;

    (void)state;
    live_a_day(book, 500);
    (void)strcpy(desk->engine->queue->config.categories[1].name_ja, "=予約,\"甲\"");
    assert_int_equal(ask(desk, "2026-11-24 2026-11-24 category,hour", true), 200);
    assert_memory_equal(desk->body, "\xef\xbb\xbf", 3);
    at = desk->body + 3;
    columns = fields_of(&at);
    assert_true(columns > 30);
    while (strncmp(at, "\r\n", 2) != 0) {
        assert_int_equal(fields_of(&at), columns);
        rows++;
    }
    assert_true(rows > 4);
    assert_non_null(
        strstr(desk->body, "\"'=予約,\"\"甲\"\"\"")); /* no spreadsheet computes a name */
    assert_non_null(strstr(at, "定義"));
    assert_non_null(strstr(at, "From joining the line to the first call"));
    assert_int_equal(ask(desk, "2026-11-24 2026-11-24 -", true), 200);
    assert_int_equal(ask(desk, "2026-11-24 2026-11-24 colour", true), 422);
    assert_int_equal(desk->body[0], '{');
    free(book);
    desk_free(desk);
}

/* tests/browser/statistics.test.mjs shows it on the page; STATISTICS_SAMPLE=1 writes it anew. */
static void the_sample_that_pages_are_tested_with_is_our_answer(void **state)
{
    static const char path[] = "tests/browser/lib/statistics.json";
    static const char *const tables[] = {"hour", "category", "counter"};
    struct desk *desk = office_new(OWN);
    struct book *book = book_new(desk, 15);
    json_t *sample = json_object(), *kept;

    (void)state;
    live_a_day(book, 900);
    assert_int_equal(day_open(desk->engine, DAY_TWO, 0), QUEUE_OK);
    for (size_t i = 0; i < ARRAY_COUNT(tables); i++) {
        char text[64];

        (void)snprintf(text, sizeof(text), "2026-11-24 2026-11-24 %s", tables[i]);
        (void)json_object_set_new(sample, tables[i], asked(desk, text));
    }
    if (getenv("STATISTICS_SAMPLE") != NULL) {
        assert_int_equal(json_dump_file(sample, path, JSON_INDENT(1) | JSON_REAL_PRECISION(15)), 0);
    }
    kept = json_load_file(path, 0, NULL);
    assert_non_null(kept);
    assert_true(json_equal(kept, sample));
    json_decref(kept);
    json_decref(sample);
    free(book);
    desk_free(desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_over_many_days_takes_turns),
        cmocka_unit_test(one_table_is_made_at_a_time_and_none_by_who_does_not_serve),
        cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(the_file_is_a_table_with_its_definitions),
        cmocka_unit_test(the_sample_that_pages_are_tested_with_is_our_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
