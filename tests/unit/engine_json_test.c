/* appliance/engine/json: the text that leaves (RFC 8259). */
#include "appliance/engine/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void says(struct json *json, const char *expected)
{
    size_t len_bytes;
    char *text = json_take(json, &len_bytes);

    assert_string_equal(text, expected);
    assert_int_equal(len_bytes, strlen(expected));
    free(text);
}

static void every_number_is_itself(void **state)
{
    static const int64_t numbers[] = {0,         1,        -1, 9, 10, -10, 1234567890123456789,
                                      INT64_MAX, INT64_MIN};
    struct json json;

    (void)state;
    json_init(&json);
    json_open(&json, NULL, '[');
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        json_number(&json, NULL, numbers[i]);
    }
    json_close(&json, ']');
    says(&json, "[0,1,-1,9,10,-10,1234567890123456789,9223372036854775807,-9223372036854775808]");
}

static void what_json_reserves_is_escaped_and_all_else_is_itself(void **state)
{
    static const char *const texts[] = {"",       "\"",   "\\", "a\nb\x1f", "総合 \"1番\"",
                                        "ends\\", "\x7f/"};
    struct json json;

    (void)state;
    json_init(&json);
    json_open(&json, NULL, '{');
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        json_text(&json, "t", texts[i]);
    }
    json_close(&json, '}');
    says(&json, "{\"t\":\"\",\"t\":\"\\\"\",\"t\":\"\\\\\",\"t\":\"a\\u000ab\\u001f\","
                "\"t\":\"総合 \\\"1番\\\"\",\"t\":\"ends\\\\\",\"t\":\"\x7f/\"}");
}

static void a_text_longer_than_the_buffer_is_itself(void **state)
{
    enum { LONG_BYTES = 100000 };
    char *text = malloc(LONG_BYTES + 3);
    struct json json;

    (void)state;
    memset(text, 'x', LONG_BYTES + 2);
    text[0] = text[LONG_BYTES + 1] = '"';
    text[LONG_BYTES + 2] = '\0';
    json_init(&json);
    text[LONG_BYTES + 1] = '\0';
    json_text(&json, NULL, text + 1);
    text[LONG_BYTES + 1] = '"';
    says(&json, text);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_is_itself),
        cmocka_unit_test(what_json_reserves_is_escaped_and_all_else_is_itself),
        cmocka_unit_test(a_text_longer_than_the_buffer_is_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
