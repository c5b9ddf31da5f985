/* printer: what printers say and have used, a test print, and that a new roll is in. */
#include "tools/toban/toban.h"

#include <string.h>

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

static void write_printer(const struct toban *toban, const json_t *printer)
{
    const json_t *roll = json_object_get(printer, "roll");
    const char *text = text_member(toban, printer, "text");
    const char *name = text_member(toban, printer, "name");
    char tickets[32], cuts[32], left[32], changed[32] = "";

    text_number(json_integer_value(json_object_get(printer, "tickets")), tickets);
    text_number(json_integer_value(json_object_get(printer, "cuts")), cuts);
    text_number(json_integer_value(json_object_get(roll, "tickets_left")), left);
    text_moment(text_of(roll, "changed_at"), changed);
    (void)fprintf(toban->out, "%lld  %s  %s  %s\n",
                  (long long)json_integer_value(json_object_get(printer, "id")),
                  name != NULL ? name : "", text_of(printer, "condition"),
                  text != NULL ? text : "");
    (void)fprintf(toban->out,
                  text_choose(toban, "   ロール紙: 残り 約%.0f m（約%s枚）%s%s%s\n",
                              "   roll: about %.0f m left (about %s tickets)%s%s%s\n"),
                  json_number_value(json_object_get(roll, "metres_left")), left,
                  changed[0] == '\0' ? "" : text_choose(toban, "、交換 ", ", changed "), changed,
                  json_is_true(json_object_get(printer, "near_end")) ||
                          json_is_true(json_object_get(roll, "low"))
                      ? text_choose(toban, "。残りわずかです。新しいロールを用意してください。",
                                    ". It is running low: have a new roll at hand.")
                      : "");
    (void)fprintf(toban->out,
                  text_choose(toban, "   累計: %s枚、%.1f m、カッター %s回%s\n",
                              "   in all: %s tickets, %.1f m, %s cuts%s\n"),
                  tickets, json_number_value(json_object_get(printer, "metres")), cuts,
                  json_is_true(json_object_get(printer, "cutter_due"))
                      ? text_choose(toban, "。カッターの予防交換の時期です。",
                                    ". The cutter is due for replacement.")
                      : "");
}

static int write_printers(const struct toban *toban, const json_t *body)
{
    const json_t *printers = json_object_get(body, "printers"), *printer;
    size_t i;

    if (json_array_size(printers) == 0) {
        (void)fprintf(
            toban->out, "%s\n",
            text_choose(toban,
                        "プリンターのドライバー (toban-devices) が動いていないか、設定ファイルに"
                        "プリンターがありません。",
                        "No printer: toban-devices is not running, or the site file names "
                        "none."));
        return TOBAN_NO;
    }
    json_array_foreach(printers, i, printer)
    {
        write_printer(toban, printer);
    }
    return TOBAN_OK;
}

static int ask(struct toban *toban, struct api_request *request, bool list)
{
    json_t *body = NULL;
    int r = ask_and_parse(toban, request, &body);

    if (r == TOBAN_OK && !toban->json) {
        if (list) {
            r = write_printers(toban, body);
        } else {
            (void)fprintf(
                toban->out, "%s\n",
                request->control.what == API_CONTROL_PRINTER_TEST
                    ? text_choose(toban, "試し刷りが出ました。「試」の字と切れ目を見てください。",
                                  "The test print is out: look at its 試 and its cut.")
                    : text_choose(toban, "新しいロール紙を記録しました。",
                                  "The new roll is noted."));
        }
    }
    json_decref(body);
    return r;
}

int command_printer(struct toban *toban, int argc, char **argv)
{
    struct api_request request = {.type = API_CONTROL, .control = {.actor = API_ACTOR_ENGINEER}};
    const char *metres_text = NULL;
    uint32_t printer = 1, metres = 0;
    int given = options_take_value(&argc, argv, "metres", &metres_text);

    if (argc == 0 || (argc == 1 && strcmp(argv[0], "list") == 0)) {
        request = (struct api_request){.type = API_READ, .read = {.what = API_READ_PRINTERS}};
        return ask(toban, &request, true);
    }
    if (given < 0 || argc > 2 ||
        (argc == 2 && !options_parse_number(argv[1], 1, API_PRINTERS_MAX, &printer)) ||
        (given > 0 && !options_parse_number(metres_text, 1, 500, &metres))) {
        return command_misused(toban, "printer",
                               "プリンターの番号、ロール紙の長さ (m) が読めません。",
                               "the printer's number or the roll's metres are not understood.");
    }
    if (strcmp(argv[0], "test") == 0) {
        request.control.what = API_CONTROL_PRINTER_TEST;
    } else if (strcmp(argv[0], "roll") == 0) {
        request.control.what = API_CONTROL_PRINTER_ROLL;
    } else {
        return command_misused(toban, "printer", "指示がわかりません。", "that is not understood.");
    }
    (void)snprintf(request.control.text, sizeof(request.control.text), metres > 0 ? "%u %u" : "%u",
                   printer, metres);
    return ask(toban, &request, false);
}
