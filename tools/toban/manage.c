/* day: what whoever leads the floor may say and take away - the slip, hours of a date, the running text. */
#include "tools/toban/toban.h"

#include "appliance/queue/queue.h"

#include <string.h>

static int64_t number_of(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static const char *words_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "-";
}

static void write_totals(const struct toban *toban, const char *name, const json_t *totals)
{
    static const struct {
        const char *name, *ja, *en;
    } columns[] = {{"issued", "発券", "issued"},        {"served", "対応", "served"},
                   {"no_show", "不在", "no show"},      {"cancelled", "取消", "cancelled"},
                   {"expired", "終了", "expired"},      {"voided", "欠番", "void"},
                   {"transferred", "転送", "passed on"}};

    text_put_padded(toban->out, name, 36);
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        (void)fprintf(toban->out, "  %s %lld", text_choose(toban, columns[i].ja, columns[i].en),
                      (long long)number_of(totals, columns[i].name));
    }
    (void)fputc('\n', toban->out);
}

static void write_slip(const struct toban *toban, const json_t *slip)
{
    const json_t *category;
    size_t i;

    (void)fprintf(toban->out, "%s  %s%s\n", text_member(toban, slip, "site"),
                  words_of(slip, "date"),
                  json_is_true(json_object_get(slip, "final"))
                      ? ""
                      : text_choose(toban, "  途中の集計", "  not over yet"));
    json_array_foreach(json_object_get(slip, "categories"), i, category)
    {
        write_totals(toban, text_member(toban, category, "name"),
                     json_object_get(category, "totals"));
    }
    write_totals(toban, text_choose(toban, "合計", "all"), json_object_get(slip, "all"));
    (void)fprintf(toban->out, "lsn %lld  term %lld  unit %lld\n%s\n",
                  (long long)number_of(slip, "lsn"), (long long)number_of(slip, "term"),
                  (long long)number_of(slip, "unit"), words_of(slip, "chain"));
}

static int slip(struct toban *toban, bool print)
{
    struct api_request request = {.type = API_READ, .read = {.what = API_READ_SLIP}};
    json_t *body = NULL;
    int r;

    if (print) {
        request = (struct api_request){
            .type = API_CONTROL,
            .control = {.what = API_CONTROL_DAY_SLIP, .actor = API_ACTOR_ADMINISTRATOR}};
    }
    r = ask_and_parse(toban, &request, &body);
    if (body != NULL) {
        write_slip(toban, body);
    }
    json_decref(body);
    return r;
}

static bool minute_from(const char *text, uint16_t *ret_minute)
{
    uint32_t hour, minute;
    char digits[3] = {text[0], text[1], '\0'};

    if (strlen(text) != 5 || text[2] != ':' ||
        !options_parse_number(digits[0] == '0' ? digits + 1 : digits, 0, 24, &hour)) {
        return false;
    }
    if (!options_parse_number(text[3] == '0' ? text + 4 : text + 3, 0, 59, &minute)) {
        return false;
    }
    *ret_minute = (uint16_t)(hour * 60 + minute);
    return *ret_minute <= QUEUE_MINUTES_A_DAY;
}

/* "closed", "usual", "09:00-12:00" */
static bool hours_from(const char *text, struct api_rule *rule)
{
    char from[6] = "";

    if (strcmp(text, "closed") == 0 || strcmp(text, "usual") == 0) {
        rule->hours = text[0] == 'c' ? QUEUE_HOURS_CLOSED : QUEUE_HOURS_USUAL;
        return true;
    }
    if (strlen(text) != 11 || text[5] != '-') {
        return false;
    }
    memcpy(from, text, 5);
    rule->hours = QUEUE_HOURS_OPEN;
    return minute_from(from, &rule->open_minute) && minute_from(text + 6, &rule->close_minute);
}

static bool date_from(const char *text, uint32_t *ret_date)
{
    uint32_t date = 0;

    for (size_t i = 0; i < 10; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';

        if (digit == (i == 4 || i == 7) || (!digit && text[i] != '-')) {
            return false;
        }
        date = digit ? date * 10 + (uint32_t)(text[i] - '0') : date;
    }
    *ret_date = date;
    return text[10] == '\0';
}

/* hours DATE closed|usual|HH:MM-HH:MM [REASON [ENGLISH]]; notice none|TEXT [ENGLISH] */
bool manage_request(int argc, char **argv, struct api_request *ret_request)
{
    struct api_request request = {.type = API_COMMAND, .command = {.actor = API_ACTOR_MANAGER}};
    struct api_rule *rule = &request.command.rule;
    int at = 1;

    if (argc >= 3 && argc <= 5 && strcmp(argv[0], "hours") == 0) {
        request.command.action = QUEUE_SET_HOURS;
        if (!date_from(argv[1], &rule->date) || !hours_from(argv[2], rule)) {
            return false;
        }
        at = 3;
    } else if (argc >= 2 && argc <= 3 && strcmp(argv[0], "notice") == 0) {
        request.command.action = QUEUE_SET_NOTICE;
    } else {
        return false;
    }
    if (at < argc && strcmp(argv[at], "none") != 0) {
        if (strlen(argv[at]) >= sizeof(rule->text_ja) ||
            (at + 1 < argc && strlen(argv[at + 1]) >= sizeof(rule->text_en))) {
            return false;
        }
        (void)snprintf(rule->text_ja, sizeof(rule->text_ja), "%s", argv[at]);
        (void)snprintf(rule->text_en, sizeof(rule->text_en), "%s",
                       at + 1 < argc ? argv[at + 1] : "");
    }
    *ret_request = request;
    return true;
}

bool manage_day(struct toban *toban, int argc, char **argv, int *ret_status)
{
    struct api_request request;
    json_t *body = NULL;

    if (strcmp(argv[0], "slip") == 0 && argc <= 2 && (argc == 1 || strcmp(argv[1], "print") == 0)) {
        *ret_status = slip(toban, argc == 2);
        return true;
    }
    if (!manage_request(argc, argv, &request)) {
        return false;
    }
    ask_seal_command(&request);
    *ret_status = ask_and_parse(toban, &request, &body);
    if (body != NULL) {
        (void)fputs(text_choose(toban, "できました。\n", "Done.\n"), toban->out);
    }
    json_decref(body);
    return true;
}
