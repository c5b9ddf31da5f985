/* appliance/gateway/openapi.json against the running gateway: what it declares is answered as
 * declared, what it does not declare is not there, and no route is left out of it. */
#include "appliance/gateway/route.h"
#include "base/check.h"
#include "tests/lib/gateway_fixture.h"
#include "tests/lib/http_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 256 };

static struct gateway_fixture fixture;
static json_t *description;

static int start(void **state)
{
    struct http_answer answer;

    (void)state;
    gateway_fixture_prepare(&fixture);
    gateway_fixture_start(&fixture, 0, 0, false);
    fake_engine_arrive(fixture.engine);
    answer = http_client_once(fixture.port, "GET", "/api/v1/openapi.json", NULL, NULL);
    description = json_loadb(answer.body, answer.body_len_bytes, JSON_REJECT_DUPLICATES, NULL);
    http_answer_free(&answer);
    return description == NULL ? -1 : 0;
}

static int finish(void **state)
{
    (void)state;
    json_decref(description);
    gateway_fixture_finish(&fixture);
    return 0;
}

static const char *example_of(const char *parameter)
{
    static char text[64];
    const json_t *all = json_object_get(json_object_get(description, "components"), "parameters");
    const json_t *example = json_object_get(json_object_get(all, parameter), "example");

    assert_non_null(example);
    if (json_is_string(example)) {
        return json_string_value(example);
    }
    (void)snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(example));
    return text;
}

/* The declared path with its parameters' examples in place. */
static void fill_path(const char *declared, char path[PATH_BYTES])
{
    size_t at_bytes = 0;

    while (*declared != '\0') {
        const char *value = NULL;

        if (strncmp(declared, "{ticket}", 8) == 0) {
            value = example_of("TicketId");
        } else if (strncmp(declared, "{counter}", 9) == 0) {
            value = example_of("CounterNumber");
        } else if (strncmp(declared, "{category}", 10) == 0) {
            value = example_of("CategoryNumber");
        } else if (strncmp(declared, "{date}", 6) == 0) {
            value = example_of("Date");
        } else if (strncmp(declared, "{printer}", 9) == 0) {
            value = example_of("PrinterNumber");
        } else if (strncmp(declared, "{version}", 9) == 0) {
            value = example_of("SiteVersion");
        }
        assert_true(at_bytes + 64 < PATH_BYTES);
        if (value != NULL) {
            at_bytes += (size_t)snprintf(path + at_bytes, PATH_BYTES - at_bytes, "%s", value);
            declared = strchr(declared, '}') + 1;
        } else {
            path[at_bytes++] = *declared++;
        }
    }
    path[at_bytes] = '\0';
}

static uint16_t port_of(const json_t *operation)
{
    return json_object_get(operation, "x-toban-listener") == NULL ? fixture.port
                                                                  : fixture.management_port;
}

static char *example_body(const json_t *operation)
{
    const json_t *content = json_object_get(json_object_get(operation, "requestBody"), "content");
    const json_t *example =
        json_object_get(json_object_get(content, "application/json"), "example");

    return example == NULL ? NULL : json_dumps(example, JSON_COMPACT);
}

static struct http_answer call(const json_t *operation, const char *method, const char *declared,
                               const char *body)
{
    struct http_client client;
    struct http_answer answer;
    char path[PATH_BYTES];

    fill_path(declared, path);
    http_client_open(&client, port_of(operation));
    http_client_ask(&client, method, path, "key", body);
    answer = http_client_answer(&client, strstr(path, "/events") != NULL);
    http_client_close(&client);
    return answer;
}

/* The response object that the operation declares for a status, with its reference followed. */
static const json_t *declared_response(const json_t *operation, int status)
{
    char text[16];
    const json_t *response, *reference;

    (void)snprintf(text, sizeof(text), "%d", status);
    response = json_object_get(json_object_get(operation, "responses"), text);
    reference = json_object_get(response, "$ref");
    if (reference != NULL) {
        const char *name = strrchr(json_string_value(reference), '/') + 1;

        response = json_object_get(
            json_object_get(json_object_get(description, "components"), "responses"), name);
    }
    return response;
}

static void must_be_declared(const json_t *operation, const struct http_answer *answer)
{
    const json_t *response = declared_response(operation, answer->status);
    char type[128];
    const char *wanted;

    assert_non_null(response);
    assert_true(http_answer_header(answer, "Content-Type", type, sizeof(type)));
    type[strcspn(type, ";")] = '\0';
    wanted = json_object_iter_key(
        json_object_iter((json_t *)(uintptr_t)json_object_get(response, "content")));
    assert_non_null(wanted);
    assert_string_equal(type, wanted);
}

typedef void each_operation(const char *path, const char *method, json_t *operation);

static void for_each_operation(each_operation *each)
{
    const char *path, *method;
    json_t *item, *operation;

    json_object_foreach(json_object_get(description, "paths"), path, item)
    {
        json_object_foreach(item, method, operation)
        {
            each(path, strcmp(method, "get") == 0 ? "GET" : "POST", operation);
        }
    }
}

static bool needs_tls(const json_t *operation)
{
    return json_is_true(json_object_get(operation, "x-toban-tls"));
}

static void answers_its_example(const char *path, const char *method, json_t *operation)
{
    char *body = example_body(operation);
    struct http_answer answer = call(operation, method, path, body);

    /* Of TLS alone: this listener has none. tests/browser/registration.test.mjs registers by TLS. */
    assert_true(needs_tls(operation) ? answer.status == 403
                                     : answer.status == 200 || answer.status == 201);
    must_be_declared(operation, &answer);
    http_answer_free(&answer);
    free(body);
}

static void every_declared_request_is_answered_as_declared(void **state)
{
    (void)state;
    for_each_operation(answers_its_example);
}

static void refuses_a_foreign_member(const char *path, const char *method, json_t *operation)
{
    struct http_answer answer;

    if (strcmp(method, "POST") != 0) {
        return;
    }
    answer = call(operation, method, path, "{\"no_such_member\":1}");
    assert_int_equal(answer.status, needs_tls(operation) ? 403 : 422);
    must_be_declared(operation, &answer);
    http_answer_free(&answer);
}

static void every_post_refuses_what_it_does_not_declare(void **state)
{
    (void)state;
    for_each_operation(refuses_a_foreign_member);
}

static void refuses_other_methods(const char *path, const char *method, json_t *operation)
{
    static const char *const others[] = {"PUT", "PATCH", "DELETE", "OPTIONS"};
    const json_t *item = json_object_get(json_object_get(description, "paths"), path);
    struct http_answer answer;

    (void)method;
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        answer = call(operation, others[i], path, NULL);
        assert_int_equal(answer.status, 405);
        http_answer_free(&answer);
    }
    if (json_object_get(item, "get") == NULL || json_object_get(item, "post") == NULL) {
        answer = call(operation, json_object_get(item, "get") == NULL ? "GET" : "POST", path, NULL);
        assert_int_equal(answer.status, 405);
        http_answer_free(&answer);
    }
}

static void an_undeclared_method_is_not_allowed(void **state)
{
    (void)state;
    for_each_operation(refuses_other_methods);
}

static void is_refused_in_public(const char *path, const char *method, json_t *operation)
{
    struct http_answer answer;
    char filled[PATH_BYTES];
    char *body = example_body(operation);

    if (json_object_get(operation, "x-toban-listener") != NULL) {
        fill_path(path, filled);
        answer = http_client_once(fixture.port, method, filled, "key", body);
        assert_true(answer.status == 403 || answer.status == 404);
        must_be_declared(operation, &answer);
        http_answer_free(&answer);
    }
    free(body);
}

static void what_is_for_management_is_refused_in_public(void **state)
{
    (void)state;
    for_each_operation(is_refused_in_public);
}

static void every_route_is_declared(void **state)
{
    size_t declared_count = 0;
    const char *path;
    json_t *item;

    (void)state;
    for (size_t i = 0; i < route_count(); i++) {
        const struct route *route = route_at(i);
        const json_t *operations =
            json_object_get(json_object_get(description, "paths"), route->path);
        const json_t *operation =
            json_object_get(operations, strcmp(route->method, "GET") == 0 ? "get" : "post");

        if (operation == NULL) {
            print_message("%s %s is not in openapi.json\n", route->method, route->path);
        }
        assert_non_null(operation);
        assert_int_equal(route->management_only,
                         json_object_get(operation, "x-toban-listener") != NULL);
        assert_int_equal(route->tls_only, needs_tls(operation));
    }
    json_object_foreach(json_object_get(description, "paths"), path, item)
    {
        declared_count += json_object_size(item);
    }
    assert_int_equal(declared_count, route_count());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_declared_request_is_answered_as_declared, start,
                                        finish),
        cmocka_unit_test_setup_teardown(every_post_refuses_what_it_does_not_declare, start, finish),
        cmocka_unit_test_setup_teardown(an_undeclared_method_is_not_allowed, start, finish),
        cmocka_unit_test_setup_teardown(what_is_for_management_is_refused_in_public, start, finish),
        cmocka_unit_test_setup_teardown(every_route_is_declared, start, finish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
