/* appliance/gateway: which requests exist, which bodies are taken, what they become for the engine.
 */
#include "appliance/engine/api.h"
#include "appliance/gateway/body.h"
#include "appliance/gateway/problem.h"
#include "appliance/gateway/route.h"
#include "appliance/gateway/translate.h"
#include "appliance/queue/queue.h"
#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define TICKET "00112233445566778899aabbccddeeff"

static enum route_result find(const char *method, const char *path, struct route_match *match)
{
    char allow[ROUTE_ALLOW_BYTES];

    return route_find(method, path, match, allow);
}

static void a_path_and_method_name_one_request(void **state)
{
    struct route_match match;

    (void)state;
    assert_int_equal(find("POST", "/api/v1/tickets", &match), ROUTE_FOUND);
    assert_int_equal(match.route->code, QUEUE_ISSUE);
    assert_int_equal(find("POST", "/api/v1/counters/12/put-back", &match), ROUTE_FOUND);
    assert_int_equal(match.route->code, QUEUE_PUT_BACK);
    assert_int_equal(match.counter, 12);
    assert_int_equal(find("GET", "/api/v1/tickets/" TICKET, &match), ROUTE_FOUND);
    assert_int_equal(match.route->code, API_READ_TICKET);
    assert_int_equal(match.ticket.bytes[15], 0xff);
    assert_int_equal(find("HEAD", "/api/v1/queue", &match), ROUTE_FOUND);
}

static void call_and_call_next_are_told_apart(void **state)
{
    struct route_match match;

    (void)state;
    assert_int_equal(find("POST", "/api/v1/counters/1/call", &match), ROUTE_FOUND);
    assert_int_equal(match.route->code, QUEUE_CALL);
    assert_int_equal(find("POST", "/api/v1/counters/1/call-next", &match), ROUTE_FOUND);
    assert_int_equal(match.route->code, QUEUE_CALL_NEXT);
}

static void a_path_that_is_almost_one_of_ours_is_none(void **state)
{
    static const char *const paths[] = {
        "",
        "/",
        "/api/v1",
        "/api/v1/",
        "/api/v1/tickets/",
        "/api/v1/Tickets",
        "/api/v1//tickets",
        "/api/v1/tickets/../queue",
        "/api/v1/tickets%2f",
        "/api/v1/tickets/00112233445566778899AABBCCDDEEFF",
        "/api/v1/tickets/00000000000000000000000000000000",
        "/api/v1/tickets/" TICKET "00",
        "/api/v1/tickets/" TICKET "/",
        "/api/v1/tickets/" TICKET "/cancelled",
        "/api/v1/counters/0/open",
        "/api/v1/counters/01/open",
        "/api/v1/counters/65536/open",
        "/api/v1/counters/99999999999999999999/open",
        "/api/v1/counters/-1/open",
        "/api/v1/counters/1 /open",
        "/api/v1/counters//open",
        "/api/v1/counters/1",
        "http://10.90.0.10/api/v1/queue",
        "/api/v1/queue\x01",
    };
    struct route_match match;

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        assert_int_not_equal(find("POST", paths[i], &match), ROUTE_FOUND);
    }
}

static void a_method_that_a_path_does_not_have_is_told_which_it_has(void **state)
{
    struct route_match match;
    char allow[ROUTE_ALLOW_BYTES];

    (void)state;
    assert_int_equal(route_find("DELETE", "/api/v1/queue", &match, allow), ROUTE_NO_SUCH_METHOD);
    assert_string_equal(allow, "GET, HEAD");
    assert_int_equal(route_find("HEAD", "/api/v1/events", &match, allow), ROUTE_NO_SUCH_METHOD);
    assert_string_equal(allow, "GET");
    assert_int_equal(route_find("get", "/api/v1/tickets", &match, allow), ROUTE_NO_SUCH_METHOD);
    assert_string_equal(allow, "POST, GET, HEAD");
    assert_int_equal(route_find("GET", "/api/v1/accounts", &match, allow), ROUTE_NO_SUCH_METHOD);
    assert_string_equal(allow, "POST");
}

static void what_a_monitor_asks_of_one_unit_is_for_the_management_listener(void **state)
{
    (void)state;
    for (size_t i = 0; i < route_count(); i++) {
        const struct route *route = route_at(i);

        assert_int_equal(route->management_only,
                         route->kind == ROUTE_METRICS || route->kind == ROUTE_HEALTH);
    }
}

enum {
    EVERY_MEMBER = BODY_CATEGORY | BODY_LANGUAGE | BODY_PRIORITY | BODY_DELIVERY | BODY_TICKET |
                   BODY_NUMBER | BODY_SERIES | BODY_DATE | BODY_PLACE | BODY_AFTER | BODY_REASON |
                   BODY_MINUTES | BODY_OWNER | BODY_NOTE | BODY_ASSIST | BODY_SERVICES |
                   BODY_TO_COUNTER | BODY_LIMIT | BODY_SERVED
};

static enum problem parse(const char *text, struct body *body)
{
    const char *member;

    return body_parse(text, strlen(text), 0, EVERY_MEMBER, body, &member);
}

static void a_body_is_read_into_its_members(void **state)
{
    struct body body;

    (void)state;
    assert_int_equal(parse("{\"category\":3,\"language\":\"ja-easy\",\"priority\":3,\"delivery\":"
                           "\"paper\",\"ticket\":\"" TICKET "\",\"number\":9999,\"series\":\"B2\","
                           "\"date\":\"2026-11-24\",\"place\":\"after\",\"after\":99,\"reason\":"
                           "\"inquiry\",\"minutes\":240,\"owner\":\"pool\",\"note\":\"委任状\","
                           "\"staff_will_come\":false,\"services\":[2,5],\"to_counter\":7,"
                           "\"limit\":65535,\"served\":true}",
                           &body),
                     PROBLEM_NONE);
    assert_int_equal(body.present, EVERY_MEMBER);
    assert_int_equal(body.category, 3);
    assert_string_equal(body.language, "ja-easy");
    assert_int_equal(body.priority, 3);
    assert_int_equal(body.delivery, QUEUE_DELIVERY_PAPER);
    assert_int_equal(body.ticket.bytes[1], 0x11);
    assert_int_equal(body.number, 9999);
    assert_string_equal(body.series, "B2");
    assert_string_equal(body.date, "2026-11-24");
    assert_int_equal(body.more.place, QUEUE_PLACE_AFTER);
    assert_int_equal(body.more.after, 99);
    assert_int_equal(body.more.hold_reason, QUEUE_HOLD_INQUIRY);
    assert_int_equal(body.more.hold_minutes, 240);
    assert_int_equal(body.more.to_pool, 1);
    assert_string_equal(body.more.note, "委任状");
    assert_int_equal(body.more.has_note, 1);
    assert_int_equal(body.more.assist, 2);
    assert_int_equal(body.more.plan_count, 2);
    assert_int_equal(body.more.plan[1], 5);
    assert_int_equal(body.more.to_counter, 7);
    assert_int_equal(body.more.limit, 65535);
    assert_int_equal(body.more.served, 1);
}

static void an_empty_body_is_an_empty_object(void **state)
{
    struct body body;

    (void)state;
    assert_int_equal(parse("", &body), PROBLEM_NONE);
    assert_int_equal(parse(" {} ", &body), PROBLEM_NONE);
    assert_int_equal(body.present, 0);
}

static void a_value_out_of_its_range_is_refused_by_name(void **state)
{
    static const struct {
        const char *text, *member;
    } cases[] = {
        {"{\"place\":\"front\"}", "place"},
        {"{\"place\":1}", "place"},
        {"{\"after\":0}", "after"},
        {"{\"after\":100}", "after"},
        {"{\"reason\":\"\"}", "reason"},
        {"{\"minutes\":0}", "minutes"},
        {"{\"minutes\":241}", "minutes"},
        {"{\"owner\":\"me\"}", "owner"},
        {"{\"note\":5}", "note"},
        {"{\"note\":\"0123456789012345678901234567890123456789012345678901234567890123456789"
         "01234567890123456789012345\"}",
         "note"},
        {"{\"staff_will_come\":1}", "staff_will_come"},
        {"{\"services\":2}", "services"},
        {"{\"services\":[0]}", "services"},
        {"{\"services\":[1,2,3,4,5,6]}", "services"},
        {"{\"to_counter\":0}", "to_counter"},
        {"{\"limit\":-1}", "limit"},
        {"{\"limit\":65536}", "limit"},
        {"{\"served\":\"yes\"}", "served"},
        {"{\"category\":0}", "category"},
        {"{\"category\":-1}", "category"},
        {"{\"category\":65536}", "category"},
        {"{\"category\":4294967297}", "category"},
        {"{\"category\":1.0}", "category"},
        {"{\"category\":1e0}", "category"},
        {"{\"category\":\"1\"}", "category"},
        {"{\"category\":null}", "category"},
        {"{\"category\":[1]}", "category"},
        {"{\"category\":true}", "category"},
        {"{\"number\":0}", "number"},
        {"{\"number\":10000}", "number"},
        {"{\"number\":9223372036854775807}", "number"},
        {"{\"priority\":4}", "priority"},
        {"{\"priority\":-1}", "priority"},
        {"{\"language\":\"\"}", "language"},
        {"{\"language\":\"JA\"}", "language"},
        {"{\"language\":\"ja-kansai\"}", "language"},
        {"{\"language\":\"日本\"}", "language"},
        {"{\"delivery\":\"fax\"}", "delivery"},
        {"{\"delivery\":1}", "delivery"},
        {"{\"ticket\":\"0\"}", "ticket"},
        {"{\"ticket\":\"00000000000000000000000000000000\"}", "ticket"},
        {"{\"series\":\"b\"}", "series"},
        {"{\"series\":\"I\"}", "series"},
        {"{\"series\":\"AAAAAAAAAAAAAAAA\"}", "series"},
        {"{\"date\":\"2026/11/24\"}", "date"},
        {"{\"date\":\"20261124\"}", "date"},
        {"{\"date\":\"----------\"}", "date"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct body body;
        const char *member = NULL;

        assert_int_equal(
            body_parse(cases[i].text, strlen(cases[i].text), 0, EVERY_MEMBER, &body, &member),
            PROBLEM_BAD_MEMBER);
        assert_string_equal(member, cases[i].member);
    }
}

static void what_is_no_json_is_refused(void **state)
{
    static const char *const texts[] = {
        "{",
        "{]",
        "}",
        "{\"category\":1,}",
        "{\"category\":01}",
        "{\"category\":9223372036854775808}",
        "{'category':1}",
        "{\"category\":1} {}",
        "{\"language\":\"\\ud800\"}",
        "{\"language\":\"\xc0\xaf\"}",
        "{\"language\":\"\xff\"}",
        "{\"language\":\"ja\\u0000\"}",
        "\xef\xbb\xbf{}",
        "nothing",
        "{\"category\":NaN}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct body body;

        assert_int_equal(parse(texts[i], &body), PROBLEM_BAD_JSON);
    }
}

static void what_is_json_but_no_flat_object_is_refused(void **state)
{
    struct body body;
    char deep[4096];

    (void)state;
    assert_int_equal(parse("[]", &body), PROBLEM_NOT_AN_OBJECT);
    assert_int_equal(parse("[{\"category\":1}]", &body), PROBLEM_NOT_AN_OBJECT);
    assert_int_equal(parse("{\"x\":1}", &body), PROBLEM_UNKNOWN_MEMBER);
    assert_int_equal(parse("{\"category\":1,\"Category\":1}", &body), PROBLEM_UNKNOWN_MEMBER);
    assert_int_equal(parse("{\"category\":1,\"category\":2}", &body), PROBLEM_DUPLICATE_MEMBER);
    memset(deep, '[', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    assert_int_equal(parse(deep, &body), PROBLEM_BAD_JSON);
}

static void a_member_of_another_request_is_unknown_and_a_needed_one_is_named(void **state)
{
    struct body body;
    const char *member = NULL;
    const char *text = "{\"category\":1}";

    (void)state;
    assert_int_equal(body_parse(text, strlen(text), 0, BODY_DATE, &body, &member),
                     PROBLEM_UNKNOWN_MEMBER);
    assert_int_equal(body_parse("{}", 2, BODY_CATEGORY, 0, &body, &member), PROBLEM_MISSING_MEMBER);
    assert_string_equal(member, "category");
}

static enum problem translate(const char *method, const char *path, const char *text,
                              struct api_request *request)
{
    struct route_match match;
    struct body body;
    const char *member;
    const struct ids_token key = {{7}};

    assert_int_equal(find(method, path, &match), ROUTE_FOUND);
    assert_int_equal(body_parse(text, strlen(text), match.route->required, match.route->optional,
                                &body, &member),
                     PROBLEM_NONE);
    return translate_request(&match, &body, &key, 99, request);
}

static void a_number_is_asked_for_without_paper_and_in_japanese_by_default(void **state)
{
    struct api_request request;

    (void)state;
    assert_int_equal(translate("POST", "/api/v1/tickets", "{\"category\":2}", &request),
                     PROBLEM_NONE);
    assert_int_equal(request.type, API_COMMAND);
    assert_int_equal(request.command.action, QUEUE_ISSUE);
    assert_int_equal(request.command.actor, API_ACTOR_KIOSK);
    assert_int_equal(request.command.category, 2);
    assert_int_equal(request.command.delivery, QUEUE_DELIVERY_SCREEN);
    assert_string_equal(request.command.language, "ja");
    assert_int_equal(request.command.key.bytes[0], 7);
    assert_int_equal(request.command.body_hash, 99);
}

static void a_call_names_one_visitor(void **state)
{
    struct api_request request;
    const char *path = "/api/v1/counters/3/call";

    (void)state;
    assert_int_equal(translate("POST", path, "{\"number\":106,\"series\":\"B\"}", &request),
                     PROBLEM_NONE);
    assert_int_equal(request.command.number, 106);
    assert_string_equal(request.command.series, "B");
    assert_int_equal(request.command.counter, 3);
    assert_int_equal(translate("POST", path, "{\"ticket\":\"" TICKET "\"}", &request),
                     PROBLEM_NONE);
    assert_int_equal(request.command.ticket.bytes[15], 0xff);
    assert_int_equal(translate("POST", path, "{}", &request), PROBLEM_TICKET_OR_NUMBER);
    assert_int_equal(translate("POST", path, "{\"series\":\"B\"}", &request),
                     PROBLEM_TICKET_OR_NUMBER);
    assert_int_equal(translate("POST", path, "{\"ticket\":\"" TICKET "\",\"number\":1}", &request),
                     PROBLEM_TICKET_OR_NUMBER);
    assert_int_equal(
        translate("POST", path, "{\"ticket\":\"" TICKET "\",\"series\":\"B\"}", &request),
        PROBLEM_TICKET_OR_NUMBER);
}

static void a_ticket_in_the_path_is_the_ticket_meant(void **state)
{
    struct api_request request;

    (void)state;
    assert_int_equal(
        translate("POST", "/api/v1/tickets/" TICKET "/transfer", "{\"category\":4}", &request),
        PROBLEM_NONE);
    assert_int_equal(request.command.action, QUEUE_TRANSFER);
    assert_int_equal(request.command.ticket.bytes[15], 0xff);
    assert_int_equal(request.command.category, 4);
    assert_int_equal(translate("POST", "/api/v1/day/open", "{\"date\":\"2026-11-24\"}", &request),
                     PROBLEM_NONE);
    assert_int_equal(request.type, API_CONTROL);
    assert_string_equal(request.control.text, "2026-11-24");
}

static void two_people_and_a_serial_are_what_a_replacement_takes(void **state)
{
    /* A name of two lines would be two words to the engine. */
    static const char *const refused[] = {
        "{\"serial\":\"TB-2\",\"by\":\"a\"}",
        "{\"serial\":\"TB-2\",\"by\":\"a\",\"off_and_in_my_hands\":false}",
        "{\"serial\":\"TB-2\",\"by\":\"a\\nb\",\"off_and_in_my_hands\":true}",
        "{\"serial\":\"TB 2\",\"by\":\"a\",\"off_and_in_my_hands\":true}",
        "{\"serial\":\"TB-2\",\"by\":\"\",\"off_and_in_my_hands\":true}"};
    struct api_request request;
    struct route_match match;
    struct body body;
    const char *member;

    (void)state;
    assert_int_equal(translate("POST", "/api/v1/units/approve",
                               "{\"serial\":\"TB-2\",\"by\":\"鈴木\",\"off_and_in_my_hands\":true}",
                               &request),
                     PROBLEM_NONE);
    assert_int_equal(request.control.what, API_CONTROL_UNIT_APPROVE);
    assert_int_equal(request.control.actor, API_ACTOR_ENGINEER);
    assert_string_equal(request.control.text, "TB-2\n鈴木\n" API_UNIT_OATH);
    assert_int_equal(find("POST", "/api/v1/units/approve", &match), ROUTE_FOUND);
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        assert_int_not_equal(body_parse(refused[i], strlen(refused[i]), match.route->required,
                                        match.route->optional, &body, &member),
                             PROBLEM_NONE);
    }
    assert_int_equal(translate("POST", "/api/v1/printers/2/roll", "{}", &request), PROBLEM_NONE);
    assert_int_equal(request.control.what, API_CONTROL_PRINTER_ROLL);
    assert_string_equal(request.control.text, "2");
    assert_int_equal(find("POST", "/api/v1/printers/0/test", &match), ROUTE_NO_SUCH_PATH);
    assert_int_equal(
        translate("POST", "/api/v1/units/retire", "{\"serial\":\"TB-2\",\"by\":\"a\"}", &request),
        PROBLEM_NONE);
    assert_string_equal(request.control.text, "TB-2\na");
}

static void a_key_is_visible_ascii_of_bounded_length(void **state)
{
    char key[130];

    (void)state;
    memset(key, 'k', sizeof(key));
    assert_true(translate_key_is_valid(key, 1));
    assert_true(translate_key_is_valid(key, 128));
    assert_false(translate_key_is_valid(key, 129));
    assert_false(translate_key_is_valid(key, 0));
    assert_false(translate_key_is_valid("a b", 3));
    assert_false(translate_key_is_valid("a\0b", 3));
    assert_false(translate_key_is_valid("\xe5\xbd\x93", 3));
    assert_false(translate_key_is_valid("\x7f", 1));
}

static void every_problem_is_a_document_in_two_languages(void **state)
{
    (void)state;
    for (enum problem problem = PROBLEM_BAD_REQUEST; problem < PROBLEM_END; problem++) {
        char text[PROBLEM_BYTES_MAX];
        size_t len_bytes = problem_render(problem, "reason", "a\"\\\n\xff", text);
        json_t *document = json_loadb(text, len_bytes, JSON_REJECT_DUPLICATES, NULL);
        static const char *const names[] = {"type", "title",    "detail",
                                            "code", "title_ja", "detail_ja"};

        assert_non_null(document);
        assert_int_equal(json_integer_value(json_object_get(document, "status")),
                         problem_status(problem));
        assert_string_equal(json_string_value(json_object_get(document, "code")),
                            problem_code(problem));
        assert_string_equal(json_string_value(json_object_get(document, "reason")), "a????");
        for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
            assert_true(json_string_length(json_object_get(document, names[i])) > 0);
        }
        json_decref(document);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_and_method_name_one_request),
        cmocka_unit_test(call_and_call_next_are_told_apart),
        cmocka_unit_test(a_path_that_is_almost_one_of_ours_is_none),
        cmocka_unit_test(a_method_that_a_path_does_not_have_is_told_which_it_has),
        cmocka_unit_test(what_a_monitor_asks_of_one_unit_is_for_the_management_listener),
        cmocka_unit_test(a_body_is_read_into_its_members),
        cmocka_unit_test(an_empty_body_is_an_empty_object),
        cmocka_unit_test(a_value_out_of_its_range_is_refused_by_name),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(what_is_json_but_no_flat_object_is_refused),
        cmocka_unit_test(a_member_of_another_request_is_unknown_and_a_needed_one_is_named),
        cmocka_unit_test(a_number_is_asked_for_without_paper_and_in_japanese_by_default),
        cmocka_unit_test(a_call_names_one_visitor),
        cmocka_unit_test(a_ticket_in_the_path_is_the_ticket_meant),
        cmocka_unit_test(two_people_and_a_serial_are_what_a_replacement_takes),
        cmocka_unit_test(a_key_is_visible_ascii_of_bounded_length),
        cmocka_unit_test(every_problem_is_a_document_in_two_languages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
