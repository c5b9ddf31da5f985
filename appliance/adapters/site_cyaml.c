/* Site file, second step: the schema. See site_raw.h for the three steps. */
#include "appliance/adapters/site_cyaml.h"

#include "appliance/adapters/site_raw.h"
#include "base/check.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BACKTRACE_MAX = 8, /* deeper than the schema */
    LOG_LINE_BYTES = 256,
};

#define TEXT(key, structure, member)                                                               \
    CYAML_FIELD_STRING(key, CYAML_FLAG_DEFAULT, structure, member, 1)
#define TEXT_OPTIONAL(key, structure, member)                                                      \
    CYAML_FIELD_STRING(key, CYAML_FLAG_OPTIONAL, structure, member, 1)
#define UINT(key, structure, member) CYAML_FIELD_UINT(key, CYAML_FLAG_DEFAULT, structure, member)
#define UINT_OPTIONAL(key, structure, member)                                                      \
    CYAML_FIELD_UINT(key, CYAML_FLAG_OPTIONAL, structure, member)
#define LIST_OPTIONAL(key, structure, member, entry, max)                                          \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_OPTIONAL, structure, member, entry, 0, max)
#define MAP_OPTIONAL(key, structure, member, fields)                                               \
    CYAML_FIELD_MAPPING(key, CYAML_FLAG_OPTIONAL, structure, member, fields)
#define LIST(key, structure, member, entry, min, max)                                              \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_DEFAULT, structure, member, entry, min, max)
#define MAP(key, structure, member, fields)                                                        \
    CYAML_FIELD_MAPPING(key, CYAML_FLAG_DEFAULT, structure, member, fields)

/* A text in five languages; the first line demands Japanese and English. */
/* A member's name cannot stand in parentheses. NOLINTBEGIN(bugprone-macro-parentheses) */
#define NAMES(structure, member)                                                                   \
    TEXT("name_ja", structure, member.ja), TEXT("name_en", structure, member.en),                  \
        TEXT_OPTIONAL("name_ja_easy", structure, member.ja_easy),                                  \
        TEXT_OPTIONAL("name_zh", structure, member.zh),                                            \
        TEXT_OPTIONAL("name_ko", structure, member.ko)
#define TEXTS_OPTIONAL(key, structure, member)                                                     \
    TEXT_OPTIONAL(key "_ja", structure, member.ja),                                                \
        TEXT_OPTIONAL(key "_ja_easy", structure, member.ja_easy),                                  \
        TEXT_OPTIONAL(key "_en", structure, member.en),                                            \
        TEXT_OPTIONAL(key "_zh", structure, member.zh),                                            \
        TEXT_OPTIONAL(key "_ko", structure, member.ko)
/* NOLINTEND(bugprone-macro-parentheses) */
#define ENUM_OPTIONAL(key, structure, member, values)                                              \
    CYAML_FIELD_ENUM(key, CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, structure, member, values,      \
                     ARRAY_COUNT(values))

static const cyaml_schema_field_t override_fields[] = {
    TEXT("date", struct site_raw_override, date),
    TEXT_OPTIONAL("open", struct site_raw_override, open),
    TEXT_OPTIONAL("close", struct site_raw_override, close),
    TEXT("reason_ja", struct site_raw_override, reason_ja),
    TEXT("reason_en", struct site_raw_override, reason_en),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t override_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct site_raw_override, override_fields),
};
static const cyaml_schema_field_t hours_fields[] = {
    TEXT("open", struct site_raw_hours, open),
    TEXT("close", struct site_raw_hours, close),
    UINT("lead_minutes", struct site_raw_hours, lead_minutes),
    LIST("overrides", struct site_raw_hours, overrides, &override_schema, 0, SITE_OVERRIDES_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t site_fields[] = {
    NAMES(struct site_raw_names, name),
    TEXTS_OPTIONAL("organisation", struct site_raw_names, organisation),
    TEXTS_OPTIONAL("section", struct site_raw_names, section),
    TEXTS_OPTIONAL("place", struct site_raw_names, place),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t numbers_fields[] = {
    UINT("first", struct site_raw_numbers, first),
    UINT("last", struct site_raw_numbers, last),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t span_fields[] = {
    TEXT("open", struct site_raw_span, open),
    TEXT("close", struct site_raw_span, close),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t span_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct site_raw_span, span_fields),
};
static const cyaml_schema_value_t number_schema = {
    CYAML_VALUE_UINT(CYAML_FLAG_DEFAULT, uint16_t),
};
static const cyaml_strval_t deliveries[] = {
    {"paper", SITE_RAW_PAPER},
    {"paperless", SITE_RAW_PAPERLESS},
};
static const cyaml_schema_value_t delivery_schema = {
    CYAML_VALUE_ENUM(CYAML_FLAG_STRICT, int32_t, deliveries, ARRAY_COUNT(deliveries)),
};
static const cyaml_schema_field_t tickets_fields[] = {
    LIST_OPTIONAL("skip", struct site_raw_tickets, skip, &number_schema, QUEUE_SKIPS_MAX),
    UINT_OPTIONAL("return_minutes", struct site_raw_tickets, return_minutes),
    UINT_OPTIONAL("return_after", struct site_raw_tickets, return_after),
    LIST_OPTIONAL("delivery", struct site_raw_tickets, delivery, &delivery_schema, 2),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t category_fields[] = {
    UINT("id", struct site_raw_category, id),
    NAMES(struct site_raw_category, name),
    TEXTS_OPTIONAL("note", struct site_raw_category, note),
    MAP("numbers", struct site_raw_category, numbers, numbers_fields),
    UINT("service_minutes", struct site_raw_category, service_minutes),
    UINT("wait_limit_minutes", struct site_raw_category, wait_limit_minutes),
    MAP_OPTIONAL("hand_written", struct site_raw_category, hand_written, numbers_fields),
    UINT_OPTIONAL("daily_limit", struct site_raw_category, daily_limit),
    TEXT_OPTIONAL("last_ticket", struct site_raw_category, last_ticket),
    LIST_OPTIONAL("hours", struct site_raw_category, hours, &span_schema, QUEUE_SPANS_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t category_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct site_raw_category, category_fields),
};
static const cyaml_schema_field_t served_fields[] = {
    UINT("category", struct site_raw_served, category),
    UINT("tier", struct site_raw_served, tier),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t served_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct site_raw_served, served_fields),
};
static const cyaml_schema_field_t counter_fields[] = {
    UINT("id", struct site_raw_counter, id),
    NAMES(struct site_raw_counter, name),
    LIST("categories", struct site_raw_counter, categories, &served_schema, 1,
         QUEUE_COUNTER_CATEGORIES_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t counter_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct site_raw_counter, counter_fields),
};
static const cyaml_strval_t reference_kinds[] = {
    {"gateway", SITE_REFERENCE_GATEWAY},
    {"printer", SITE_REFERENCE_PRINTER},
    {"board", SITE_REFERENCE_BOARD},
};
static const cyaml_schema_field_t reference_fields[] = {
    CYAML_FIELD_ENUM("kind", CYAML_FLAG_STRICT, struct site_raw_reference, kind, reference_kinds,
                     ARRAY_COUNT(reference_kinds)),
    TEXT("address", struct site_raw_reference, address),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t reference_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct site_raw_reference, reference_fields),
};
static const cyaml_schema_field_t network_fields[] = {
    TEXT("floating", struct site_raw_network, floating),
    LIST("references", struct site_raw_network, references, &reference_schema, 0,
         SITE_REFERENCES_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t printer_fields[] = {
    UINT("id", struct site_raw_printer, id),
    TEXT("name_ja", struct site_raw_printer, name_ja),
    TEXT("name_en", struct site_raw_printer, name_en),
    TEXT("address", struct site_raw_printer, address),
    UINT_OPTIONAL("port", struct site_raw_printer, port),
    UINT_OPTIONAL("paper_mm", struct site_raw_printer, paper_mm),
    UINT("roll_metres", struct site_raw_printer, roll_metres),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t printer_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct site_raw_printer, printer_fields),
};
static const cyaml_schema_field_t printing_fields[] = {
    TEXT_OPTIONAL("place_ja", struct site_raw_printing, place_ja),
    TEXT_OPTIONAL("place_en", struct site_raw_printing, place_en),
    TEXT_OPTIONAL("visitor_url", struct site_raw_printing, visitor_url),
    LIST("printers", struct site_raw_printing, printers, &printer_schema, 0, SITE_PRINTERS_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t unit_fields[] = {
    UINT("id", struct site_raw_unit, id),
    TEXT("name_ja", struct site_raw_unit, name_ja),
    TEXT("name_en", struct site_raw_unit, name_en),
    TEXT("serial", struct site_raw_unit, serial),
    TEXT("service_address", struct site_raw_unit, service_address),
    TEXT("direct_address", struct site_raw_unit, direct_address),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t unit_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct site_raw_unit, unit_fields),
};
static const cyaml_schema_field_t item_fields[] = {
    UINT_OPTIONAL("category", struct site_raw_item, category),
    UINT_OPTIONAL("group", struct site_raw_item, group),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t item_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct site_raw_item, item_fields),
};
static const cyaml_schema_field_t group_fields[] = {
    UINT("id", struct site_raw_group, id),
    NAMES(struct site_raw_group, name),
    TEXTS_OPTIONAL("note", struct site_raw_group, note),
    LIST("items", struct site_raw_group, items, &item_schema, 1, SITE_ITEMS_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t group_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct site_raw_group, group_fields),
};
static const cyaml_schema_field_t priority_fields[] = {
    UINT("level", struct site_raw_priority, level),
    NAMES(struct site_raw_priority, name),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t priority_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct site_raw_priority, priority_fields),
};
static const cyaml_strval_t device_kinds[] = {
    {"kiosk", SITE_DEVICE_KIOSK},
    {"board", SITE_DEVICE_BOARD},
    {"counter", SITE_DEVICE_COUNTER},
};
static const cyaml_schema_field_t device_fields[] = {
    UINT("id", struct site_raw_device, id),
    CYAML_FIELD_ENUM("kind", CYAML_FLAG_STRICT, struct site_raw_device, kind, device_kinds,
                     ARRAY_COUNT(device_kinds)),
    UINT_OPTIONAL("counter", struct site_raw_device, counter),
    TEXT("name_ja", struct site_raw_device, name_ja),
    TEXT("name_en", struct site_raw_device, name_en),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t device_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct site_raw_device, device_fields),
};
static const cyaml_strval_t languages[] = {
    {"ja", SITE_JA + 1}, {"ja-easy", SITE_JA_EASY + 1}, {"en", SITE_EN + 1},
    {"zh", SITE_ZH + 1}, {"ko", SITE_KO + 1},
};
static const cyaml_schema_value_t language_schema = {
    CYAML_VALUE_ENUM(CYAML_FLAG_STRICT, int32_t, languages, ARRAY_COUNT(languages)),
};
static const cyaml_strval_t switches[] = {
    {"on", SITE_RAW_ON},
    {"off", SITE_RAW_OFF},
};
static const cyaml_schema_field_t relay_fields[] = {
    TEXT("name", struct site_raw_relay, name),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t relay_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct site_raw_relay, relay_fields),
};
static const cyaml_schema_field_t pages_fields[] = {
    LIST_OPTIONAL("languages", struct site_raw_pages, languages, &language_schema, SITE_LANGUAGES),
    ENUM_OPTIONAL("public_page", struct site_raw_pages, public_page, switches),
    ENUM_OPTIONAL("silent_branch", struct site_raw_pages, silent_branch, switches),
    TEXTS_OPTIONAL("running", struct site_raw_pages, running),
    CYAML_FIELD_END,
};
static const cyaml_strval_t truths[] = {
    {"true", SITE_RAW_ON},
    {"false", SITE_RAW_OFF},
    {"on", SITE_RAW_ON},
    {"off", SITE_RAW_OFF},
};
static const cyaml_schema_field_t statistics_fields[] = {
    ENUM_OPTIONAL("keep_visits", struct site_raw_statistics, keep_visits, truths),
    UINT_OPTIONAL("keep_visits_days", struct site_raw_statistics, keep_visits_days),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t places_fields[] = {
    UINT("category", struct site_raw_places, category),
    UINT("places", struct site_raw_places, places),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t places_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct site_raw_places, places_fields),
};
static const cyaml_schema_field_t registration_fields[] = {
    ENUM_OPTIONAL("open", struct site_raw_registration, open, switches),
    ENUM_OPTIONAL("own_arrival", struct site_raw_registration, own_arrival, switches),
    LIST_OPTIONAL("categories", struct site_raw_registration, categories, &places_schema,
                  QUEUE_CATEGORIES_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t contact_fields[] = {
    NAMES(struct site_raw_contact, name),
    TEXT("telephone", struct site_raw_contact, telephone),
    TEXT("open", struct site_raw_contact, open),
    TEXT("close", struct site_raw_contact, close),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t file_fields[] = {
    UINT("format", struct site_raw, format),
    MAP("site", struct site_raw, site, site_fields),
    MAP("hours", struct site_raw, hours, hours_fields),
    MAP_OPTIONAL("tickets", struct site_raw, tickets, tickets_fields),
    LIST("categories", struct site_raw, categories, &category_schema, 1, QUEUE_CATEGORIES_MAX),
    LIST("counters", struct site_raw, counters, &counter_schema, 1, QUEUE_COUNTERS_MAX),
    MAP("network", struct site_raw, network, network_fields),
    CYAML_FIELD_MAPPING("printing", CYAML_FLAG_OPTIONAL, struct site_raw, printing,
                        printing_fields),
    LIST_OPTIONAL("menu", struct site_raw, menu, &item_schema, SITE_ITEMS_MAX),
    LIST_OPTIONAL("groups", struct site_raw, groups, &group_schema, SITE_GROUPS_MAX),
    LIST_OPTIONAL("priorities", struct site_raw, priorities, &priority_schema, SITE_PRIORITIES_MAX),
    LIST_OPTIONAL("devices", struct site_raw, devices, &device_schema, SITE_DEVICES_MAX),
    LIST_OPTIONAL("relays", struct site_raw, relays, &relay_schema, SITE_RELAYS_MAX),
    MAP_OPTIONAL("pages", struct site_raw, pages, pages_fields),
    MAP_OPTIONAL("statistics", struct site_raw, statistics, statistics_fields),
    MAP_OPTIONAL("contact", struct site_raw, contact, contact_fields),
    MAP_OPTIONAL("registration", struct site_raw, registration, registration_fields),
    LIST("units", struct site_raw, units, &unit_schema, 1, SITE_UNITS_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t file_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct site_raw, file_fields),
};

/* What libcyaml said while it refused: its first line, and the places from the inside out. It tells
 * places only as text; whatever here cannot be read leaves the path shorter, never wrong. */
struct refusal {
    char first[LOG_LINE_BYTES];
    uint32_t place_count;
    struct {
        char field[SITE_SHORT_TEXT_BYTES]; /* empty: an entry of a list */
        unsigned entry;                    /* from 1 */
    } places[BACKTRACE_MAX];
};

static void take_log_line(cyaml_log_t level, void *context, const char *format, va_list arguments)
{
    struct refusal *refusal = context;
    char line[LOG_LINE_BYTES];
    char field[SITE_SHORT_TEXT_BYTES];
    unsigned entry = 0;

    (void)level;
    (void)vsnprintf(line, sizeof(line), format, arguments);
    if (refusal->first[0] == '\0') {
        (void)snprintf(refusal->first, sizeof(refusal->first), "%s", line);
        return;
    }
    if (refusal->place_count == BACKTRACE_MAX) {
        return;
    }
    if (sscanf(line, " in mapping field '%23[^']'", field) == 1) {
        memcpy(refusal->places[refusal->place_count++].field, field, sizeof(field));
    } else if (sscanf(line, " in sequence entry '%u'", &entry) == 1) {
        refusal->places[refusal->place_count++].entry = entry;
    }
}

static void add_to_path(char path[SITE_PATH_BYTES], const char *field, unsigned entry)
{
    size_t len = strlen(path);

    if (field[0] != '\0') {
        (void)snprintf(path + len, SITE_PATH_BYTES - len, "%s%s", len == 0 ? "" : ".", field);
    } else if (entry > 0) {
        (void)snprintf(path + len, SITE_PATH_BYTES - len, "[%u]", entry - 1);
    }
}

static void refusal_path(const struct refusal *refusal, cyaml_err_t error,
                         char path[SITE_PATH_BYTES])
{
    char named[SITE_PATH_BYTES] = "";
    uint32_t innermost = 0;

    /* A missing key is found at the end of its mapping: the innermost place is the last key there.
     */
    if (error == CYAML_ERR_MAPPING_FIELD_MISSING && refusal->place_count > 0 &&
        refusal->places[0].field[0] != '\0') {
        innermost = 1;
    }
    path[0] = '\0';
    for (uint32_t i = refusal->place_count; i > innermost; i--) {
        add_to_path(path, refusal->places[i - 1].field, refusal->places[i - 1].entry);
    }
    if (sscanf(refusal->first, "Load: Unexpected key: %63[^\n]", named) == 1 ||
        sscanf(refusal->first, "Load: Missing required mapping field: %63[^\n]", named) == 1) {
        add_to_path(path, named, 0);
    }
}

struct refusal_text {
    cyaml_err_t error;
    const char *ja;
    const char *en;
};

static const struct refusal_text refusal_texts[] = {
    {CYAML_ERR_INVALID_KEY, "この項目はありません。綴りを直すか、この行を消してください。",
     "There is no such key. Correct its spelling or remove the line."},
    {CYAML_ERR_MAPPING_FIELD_MISSING, "この項目がありません。書き足してください。",
     "This key is missing. Add it."},
    {CYAML_ERR_UNEXPECTED_EVENT, "同じ項目が二度あります。一つだけ残してください。",
     "This key is there twice. Keep only one."},
    {CYAML_ERR_STRING_LENGTH_MAX, "文字が長すぎます。短くしてください。",
     "The text is too long. Shorten it."},
    {CYAML_ERR_STRING_LENGTH_MIN, "文字が空です。書いてください。",
     "The text is empty. Fill it in."},
    {CYAML_ERR_SEQUENCE_ENTRIES_MIN, "一つ以上書いてください。", "Write at least one entry."},
    {CYAML_ERR_SEQUENCE_ENTRIES_MAX, "数が多すぎます。減らしてください。",
     "There are too many entries. Remove some."},
    {CYAML_ERR_ALIAS, "「&」と「*」による参照は使えません。値をそのまま書いてください。",
     "References with \"&\" and \"*\" are not allowed. Write the value itself."},
    {CYAML_ERR_INVALID_VALUE,
     "値が正しくありません。見本と同じ形で、範囲の中の値を書いてください。",
     "The value is not valid here. Write one of the form shown in the sample, within its bounds."},
};

static int refuse_by_schema(const struct refusal *refusal, cyaml_err_t error,
                            const struct site_lines *lines, struct site_error *ret_error)
{
    char path[SITE_PATH_BYTES];

    if (error == CYAML_ERR_OOM) {
        (void)site_refuse(NULL, "", "メモリが足りません。", "Out of memory.", ret_error);
        return -ENOMEM;
    }
    refusal_path(refusal, error, path);
    for (size_t i = 0; i < ARRAY_COUNT(refusal_texts); i++) {
        if (refusal_texts[i].error == error) {
            return site_refuse(lines, path, refusal_texts[i].ja, refusal_texts[i].en, ret_error);
        }
    }
    return site_refuse(lines, path, "読めません。見本と同じ形で書いてください。",
                       "This cannot be read. Write it in the form shown in the sample.", ret_error);
}

static int load_with_lines(const void *bytes, size_t len_bytes, const struct site_lines *lines,
                           struct site *ret_site, struct site_error *ret_error)
{
    struct refusal refusal = {0};
    const cyaml_config_t config = {
        .log_fn = take_log_line,
        .log_ctx = &refusal,
        .log_level = CYAML_LOG_ERROR,
        .mem_fn = cyaml_mem,
        .flags = CYAML_CFG_NO_ALIAS,
    };
    struct site_raw *raw = NULL;
    cyaml_err_t error =
        cyaml_load_data(bytes, len_bytes, &config, &file_schema, (cyaml_data_t **)&raw, NULL);
    int r = 0;

    if (error != CYAML_OK) {
        return refuse_by_schema(&refusal, error, lines, ret_error);
    }
    r = site_check(raw, lines, ret_site, ret_error);
    (void)cyaml_free(&config, &file_schema, raw, 0);
    return r;
}

int site_load_bytes(const void *bytes, size_t len_bytes, struct site *ret_site,
                    struct site_error *ret_error)
{
    struct site_lines *lines = NULL;
    int r = 0;

    CHECK(ret_site != NULL && ret_error != NULL);
    if (len_bytes > SITE_FILE_BYTES_MAX) {
        (void)site_refuse(NULL, "", "ファイルが大きすぎます（64 KiB まで）。",
                          "The file is too large (64 KiB at most).", ret_error);
        return -EFBIG;
    }
    r = site_lines_create(bytes, len_bytes, &lines, ret_error);
    if (r < 0) {
        return r;
    }
    r = load_with_lines(bytes, len_bytes, lines, ret_site, ret_error);
    site_lines_destroy(lines);
    return r;
}

static int read_whole(int fd, uint8_t *bytes, size_t capacity_bytes, size_t *ret_len_bytes)
{
    size_t len_bytes = 0;

    while (len_bytes < capacity_bytes) {
        ssize_t got = read(fd, bytes + len_bytes, capacity_bytes - len_bytes);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -errno;
        }
        if (got == 0) {
            break;
        }
        len_bytes += (size_t)got;
    }
    *ret_len_bytes = len_bytes;
    return 0;
}

static int refuse_file(int r, struct site_error *ret_error)
{
    char en[SITE_ERROR_TEXT_BYTES];

    (void)snprintf(en, sizeof(en), "The file cannot be read (%s). Check its name and permissions.",
                   strerror(-r));
    (void)site_refuse(NULL, "", "ファイルを読めません。名前と権限を確かめてください。", en,
                      ret_error);
    return r;
}

int site_load_file(const char *path, struct site *ret_site, struct site_error *ret_error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    uint8_t *bytes = NULL;
    size_t len_bytes = 0;
    int r = 0;

    if (fd < 0) {
        return refuse_file(-errno, ret_error);
    }
    bytes = malloc(SITE_FILE_BYTES_MAX + 1);
    r = bytes == NULL ? -ENOMEM : read_whole(fd, bytes, SITE_FILE_BYTES_MAX + 1, &len_bytes);
    (void)close(fd);
    r = r < 0 ? refuse_file(r, ret_error) : site_load_bytes(bytes, len_bytes, ret_site, ret_error);
    free(bytes);
    return r;
}

void site_error_to_text(const struct site_error *error, const char *file_name, bool japanese,
                        char *text, size_t capacity_bytes)
{
    const char *what = japanese ? error->text_ja : error->text_en;
    const char *colon = error->path[0] == '\0' ? "" : ": ";

    if (error->line > 0) {
        (void)snprintf(text, capacity_bytes, "%s:%u: %s%s%s", file_name, error->line, error->path,
                       colon, what);
    } else {
        (void)snprintf(text, capacity_bytes, "%s: %s%s%s", file_name, error->path, colon, what);
    }
}
