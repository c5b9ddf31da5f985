/* unit: which boxes are the pair, and what two people say when one of them is replaced (DESIGN 3 rule 11). */
#include "tools/toban/toban.h"

#include <string.h>

static bool fits(const char *text, size_t bytes_max)
{
    return text != NULL && text[0] != '\0' && strlen(text) <= bytes_max &&
           strpbrk(text, "\n\r\t") == NULL;
}

static int say(struct toban *toban, enum api_control_what what, const char *serial,
               const char *person, bool off)
{
    struct api_request request = {.type = API_CONTROL,
                                  .control = {.what = (uint8_t)what, .actor = API_ACTOR_ENGINEER}};
    json_t *body = NULL;
    int r;

    if (!fits(serial, API_UNIT_SERIAL_BYTES_MAX) || !fits(person, API_UNIT_PERSON_BYTES_MAX)) {
        return command_misused(toban, "unit",
                               "製造番号と、--by のあとに操作する人の氏名を書いてください。",
                               "give a serial number and, after --by, who you are.");
    }
    (void)snprintf(request.control.text, sizeof(request.control.text), "%s\n%s%s", serial, person,
                   off ? "\n" API_UNIT_OATH : "");
    r = ask_and_parse(toban, &request, &body);
    if (r == TOBAN_OK && !toban->json) {
        (void)fprintf(toban->out, "%s\n", text_member(toban, body, "text"));
    }
    json_decref(body);
    return r;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

static void write_units(const struct toban *toban, const json_t *status)
{
    const json_t *replacement = json_object_get(status, "replacement");
    const char *state = text_of(replacement, "state");
    const json_t *unit, *id;
    size_t i;

    json_array_foreach(json_object_get(status, "units"), i, unit)
    {
        (void)fprintf(toban->out, "%lld  ",
                      (long long)json_integer_value(json_object_get(unit, "unit")));
        text_put_padded(toban->out, text_of(unit, "name"), 12);
        (void)fprintf(toban->out, "  %s  %s\n", text_of(unit, "role"), text_of(unit, "state"));
    }
    json_array_foreach(json_object_get(replacement, "retired"), i, id)
    {
        (void)fprintf(toban->out, "%lld  %s\n", (long long)json_integer_value(id),
                      text_choose(toban, "交換済み", "replaced"));
    }
    if (strcmp(state, "ONE_PERSON") == 0) {
        (void)fprintf(toban->out,
                      text_choose(toban,
                                  "%s さんが交換を入力しました。もう一人の入力を待っています。\n",
                                  "%s has entered a replacement; another person must too.\n"),
                      text_of(replacement, "first_person"));
    } else if (strcmp(state, "APPROVED") == 0) {
        (void)fprintf(toban->out,
                      text_choose(toban, "次につなぐ新しい号機を待っています (番号 %lld)。\n",
                                  "A blank unit may take the free place (id %lld).\n"),
                      (long long)json_integer_value(json_object_get(replacement, "given_id")));
    }
}

static int list(struct toban *toban)
{
    struct api_request request = {.type = API_READ, .read = {.what = API_READ_STATUS}};
    json_t *body = NULL;
    int r = ask_and_parse(toban, &request, &body);

    if (body != NULL) {
        write_units(toban, body);
    }
    json_decref(body);
    return r;
}

int command_unit(struct toban *toban, int argc, char **argv)
{
    const char *person = NULL;
    bool off = options_take_flag(&argc, argv, API_UNIT_OATH);
    int by = options_take_value(&argc, argv, "by", &person);

    if (by >= 0 && argc == 2 && strcmp(argv[0], "approve") == 0) {
        if (!off) {
            return command_misused(
                toban, "unit",
                "外した号機の電源が切れ、手元にあることを確かめ、--" API_UNIT_OATH
                " を付けてください。",
                "make sure that the old unit is off and in your hands, and say so: "
                "--" API_UNIT_OATH);
        }
        return say(toban, API_CONTROL_UNIT_APPROVE, argv[1], person, true);
    }
    if (by >= 0 && argc == 2 && strcmp(argv[0], "retire") == 0) {
        return say(toban, API_CONTROL_UNIT_RETIRE, argv[1], person, false);
    }
    if (argc == 0 || (argc == 1 && strcmp(argv[0], "list") == 0)) {
        return list(toban);
    }
    return command_misused(toban, "unit", "指示がわかりません。", "that is not understood.");
}
