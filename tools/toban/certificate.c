/* certificate: every certificate of an erasure that stands in the ledger, of units and of relays, however old. Reads the
 * files beside a running unit; never writes. Which of them belong to the newest days, and what is missing, is the
 * unit's own word: `toban day certificate`. */
#include "storage/adapters/ledger.h"

#include "storage/entry/entry.h"
#include "tools/toban/toban.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    KIND_AT = 2, /* in an entry's bytes, behind its version */
    PAYLOAD_VERSION = 1,
    RELAY_BYTES = 64,
    WHY_BYTES = 320,
    HASH_TEXT_BYTES = 2 * IDS_HASH_BYTES + 1,
    TIME_BYTES = 40,
    DATE_BYTES = 40,
    MS_PER_S = 1000,
    JAPAN_S = 9 * 3600,
    YEAR_FACTOR = 10000,
    MONTH_FACTOR = 100,
};

struct certificate {
    uint32_t day, unit; /* unit 0: a relay's */
    char relay[RELAY_BYTES];
    uint64_t lsn, ordered_lsn, term;
    int64_t wall_ms;
    uint32_t keys, tickets, answers, questions;
    uint8_t why;
    struct ids_hash before, after;
};

struct found {
    struct certificate *list;
    size_t count, capacity;
    bool unreadable;
};

/* By the layouts of engine_erasure.c and engine_relay.c. */
static bool read_payload(const struct entry *entry, struct certificate *ret_certificate)
{
    struct bytes_reader reader = bytes_reader_over(entry->payload, entry->payload_len_bytes);
    struct certificate certificate = {.lsn = entry->lsn};
    uint8_t hardware[IDS_TOKEN_BYTES];
    uint8_t version = bytes_get_u8(&reader);

    if (entry->kind == ENTRY_RELAY_ERASURE) {
        bytes_get_text(&reader, certificate.relay, sizeof(certificate.relay));
        certificate.day = bytes_get_u32(&reader);
        certificate.wall_ms = bytes_get_i64(&reader);
        certificate.term = bytes_get_u64(&reader);
        certificate.why = bytes_get_u8(&reader);
        certificate.questions = bytes_get_u32(&reader);
    } else {
        certificate.day = bytes_get_u32(&reader);
        certificate.ordered_lsn = bytes_get_u64(&reader);
        certificate.unit = bytes_get_u32(&reader);
        bytes_get(&reader, hardware, sizeof(hardware));
        certificate.wall_ms = bytes_get_i64(&reader);
        certificate.keys = bytes_get_u16(&reader);
        certificate.tickets = bytes_get_u32(&reader);
        certificate.answers = bytes_get_u32(&reader);
    }
    bytes_get(&reader, certificate.before.bytes, sizeof(certificate.before.bytes));
    bytes_get(&reader, certificate.after.bytes, sizeof(certificate.after.bytes));
    *ret_certificate = certificate;
    return bytes_finished(&reader) && version == PAYLOAD_VERSION;
}

static bool take(struct found *found, const struct certificate *certificate)
{
    if (found->count == found->capacity) {
        size_t capacity = found->capacity == 0 ? 64 : found->capacity * 2;
        struct certificate *list = realloc(found->list, capacity * sizeof(*list));

        if (list == NULL) {
            return false;
        }
        found->list = list;
        found->capacity = capacity;
    }
    found->list[found->count++] = *certificate;
    return true;
}

static bool look_at(void *context, const uint8_t *key, size_t key_len_bytes, const uint8_t *value,
                    size_t value_len_bytes)
{
    struct found *found = context;
    struct certificate certificate;
    struct ids_hash hash;
    struct entry entry;
    unsigned kind;

    (void)key;
    (void)key_len_bytes;
    if (value_len_bytes < ENTRY_BYTES_MIN) {
        return true;
    }
    kind = (unsigned)value[KIND_AT] << 8 | value[KIND_AT + 1];
    if (kind != ENTRY_ERASURE && kind != ENTRY_RELAY_ERASURE) {
        return true;
    }
    if (!entry_decode(value, value_len_bytes, &entry, &hash) ||
        !read_payload(&entry, &certificate) || !take(found, &certificate)) {
        found->unreadable = true;
        return false;
    }
    return true;
}

static int find_all(const struct toban *toban, const char *data_dir, const char *record_dir,
                    struct found *found)
{
    struct ledger_options options = {.data_dir = data_dir,
                                     .record_dir = record_dir[0] != '\0' ? record_dir : data_dir,
                                     .read_only = true};
    struct ledger *ledger = NULL;
    struct ledger_info info;
    char why[WHY_BYTES] = "";
    int r = ledger_open(&options, &ledger, why, sizeof(why));

    if (r == 0) {
        ledger_get_info(ledger, &info);
        r = info.last_lsn == 0 ? 0 : ledger_read_entries(ledger, 1, info.last_lsn, look_at, found);
        ledger_close(ledger);
    }
    if (r < 0 || found->unreadable) {
        (void)fprintf(toban->err, "toban: %s: %s%s\n", data_dir,
                      text_choose(toban, "台帳を読めません。ledger verify で確かめてください。",
                                  "the ledger cannot be read; ledger verify looks why. "),
                      why);
        return r == -EUCLEAN || found->unreadable ? TOBAN_NO : TOBAN_UNREACHABLE;
    }
    return TOBAN_OK;
}

static void hash_text(const struct ids_hash *hash, char text[HASH_TEXT_BYTES])
{
    for (size_t i = 0; i < IDS_HASH_BYTES; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", hash->bytes[i]);
    }
}

static void time_text(int64_t wall_ms, const char *format, char text[TIME_BYTES])
{
    time_t local = (time_t)(wall_ms / MS_PER_S) + JAPAN_S;
    struct tm parts;

    (void)gmtime_r(&local, &parts);
    (void)strftime(text, TIME_BYTES, format, &parts);
}

static void date_text(uint32_t day, char text[DATE_BYTES])
{
    (void)snprintf(text, DATE_BYTES, "%04u-%02u-%02u", day / YEAR_FACTOR,
                   day / MONTH_FACTOR % MONTH_FACTOR, day % MONTH_FACTOR);
}

static const char *why_code(uint8_t why)
{
    static const char *const codes[] = {"", "ERASED_BY_THE_PAIR", "ANOTHER_DAY", "CLOCK"};

    return why < sizeof(codes) / sizeof(codes[0]) ? codes[why] : "";
}

static json_t *to_json(const struct certificate *certificate)
{
    char date[DATE_BYTES], at[TIME_BYTES], before[HASH_TEXT_BYTES], after[HASH_TEXT_BYTES];
    json_t *json;

    date_text(certificate->day, date);
    time_text(certificate->wall_ms, "%Y-%m-%dT%H:%M:%S+09:00", at);
    hash_text(&certificate->before, before);
    hash_text(&certificate->after, after);
    json = json_pack("{s:s, s:s, s:I, s:s, s:s}", "service_day", date, "erased_at", at, "lsn",
                     (json_int_t)certificate->lsn, "digest_before", before, "digest_after", after);
    if (certificate->unit == 0) {
        (void)json_object_set_new(json, "relay", json_string(certificate->relay));
        (void)json_object_set_new(json, "why", json_string(why_code(certificate->why)));
        (void)json_object_set_new(json, "ticket_questions", json_integer(certificate->questions));
        (void)json_object_set_new(json, "term", json_integer((json_int_t)certificate->term));
    } else {
        (void)json_object_set_new(json, "unit", json_integer(certificate->unit));
        (void)json_object_set_new(json, "keys_destroyed", json_integer(certificate->keys));
        (void)json_object_set_new(json, "tickets", json_integer(certificate->tickets));
        (void)json_object_set_new(json, "answers", json_integer(certificate->answers));
        (void)json_object_set_new(json, "ordered_lsn",
                                  json_integer((json_int_t)certificate->ordered_lsn));
    }
    return json;
}

static void write_json(const struct toban *toban, const struct found *found, uint32_t day)
{
    json_t *list = json_array();
    char *text;

    for (size_t i = 0; i < found->count; i++) {
        if (day == 0 || found->list[i].day == day) {
            (void)json_array_append_new(list, to_json(&found->list[i]));
        }
    }
    text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    (void)fprintf(toban->out, "%s\n", text != NULL ? text : "[]");
    free(text);
}

static void write_line(const struct toban *toban, const struct certificate *certificate)
{
    char date[DATE_BYTES], at[TIME_BYTES];

    date_text(certificate->day, date);
    time_text(certificate->wall_ms, "%Y-%m-%d %H:%M", at);
    (void)fprintf(toban->out, "%s  ", date);
    if (certificate->unit == 0) {
        (void)fprintf(toban->out, text_choose(toban, "中継 %s", "relay %s"), certificate->relay);
        (void)fprintf(toban->out,
                      text_choose(toban, "  %s 消去 (lsn %llu)\n", "  erased %s (lsn %llu)\n"), at,
                      (unsigned long long)certificate->lsn);
        return;
    }
    (void)fprintf(toban->out, text_choose(toban, "%u号機", "unit %u"), certificate->unit);
    (void)fprintf(toban->out,
                  text_choose(toban, "  %s 消去を確認。受付 %u 件、消した鍵 %u (lsn %llu)\n",
                              "  found erased %s: %u tickets, %u keys destroyed (lsn %llu)\n"),
                  at, certificate->tickets, certificate->keys,
                  (unsigned long long)certificate->lsn);
}

static void write_digests(const struct toban *toban, const struct certificate *certificate)
{
    char before[HASH_TEXT_BYTES], after[HASH_TEXT_BYTES];

    hash_text(&certificate->before, before);
    hash_text(&certificate->after, after);
    (void)fprintf(toban->out, "    %s %s\n    %s %s\n",
                  text_choose(toban, "消去前の要約値", "digest before"), before,
                  text_choose(toban, "消去後の要約値", "digest after "), after);
    if (certificate->unit == 0) {
        (void)fprintf(toban->out,
                      text_choose(toban, "    理由 %s、番号札の問い合わせ %u 件\n",
                                  "    why %s, %u questions about tickets\n"),
                      why_code(certificate->why), certificate->questions);
    }
}

static int tell(const struct toban *toban, const struct found *found, uint32_t day, bool digests)
{
    size_t count = 0;

    for (size_t i = 0; i < found->count; i++) {
        count += day == 0 || found->list[i].day == day;
    }
    if (toban->json) {
        write_json(toban, found, day);
    } else if (count == 0) {
        (void)fputs(text_choose(toban, "toban: 消去証明書は台帳にありません。\n",
                                "toban: the ledger has no such certificate.\n"),
                    toban->err);
    }
    for (size_t i = 0; !toban->json && i < found->count; i++) {
        if (day != 0 && found->list[i].day != day) {
            continue;
        }
        write_line(toban, &found->list[i]);
        if (digests) {
            write_digests(toban, &found->list[i]);
        }
    }
    return count > 0 ? TOBAN_OK : TOBAN_NO;
}

static uint32_t newest_day(const struct found *found)
{
    uint32_t day = 0;

    for (size_t i = 0; i < found->count; i++) {
        day = found->list[i].day > day ? found->list[i].day : day;
    }
    return day;
}

static int find_and_tell(const struct toban *toban, const char *data_dir, uint32_t day, bool all)
{
    struct found found = {0};
    struct targets targets;
    int r = TOBAN_OK;

    if (data_dir != NULL) {
        r = find_all(toban, data_dir, "", &found);
    } else {
        size_t at = 0;

        r = targets_find(toban, &targets);
        while (r == TOBAN_OK && at < targets.count && targets.list[at].data_dir[0] == '\0') {
            at++;
        }
        if (r == TOBAN_OK && at == targets.count) {
            (void)fputs(
                text_choose(toban,
                            "toban: 台帳の場所がわかりません。--data DIR で指定してください。\n",
                            "toban: where the ledger is is not known; name it with --data DIR.\n"),
                toban->err);
            r = TOBAN_UNREACHABLE;
        }
        r = r == TOBAN_OK
                ? find_all(toban, targets.list[at].data_dir, targets.list[at].record_dir, &found)
                : r;
    }
    if (r == TOBAN_OK) {
        r = tell(toban, &found, all || day != 0 ? day : newest_day(&found), !all);
    }
    free(found.list);
    return r;
}

/* 0: it is no date. */
static uint32_t date_of(const char *text)
{
    static const char form[] = "0000-00-00";

    for (size_t i = 0; i < sizeof(form); i++) {
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i]) {
            return 0;
        }
    }
    return (uint32_t)(strtoul(text, NULL, 10) * YEAR_FACTOR +
                      strtoul(text + 5, NULL, 10) * MONTH_FACTOR + strtoul(text + 8, NULL, 10));
}

int command_certificate(struct toban *toban, int argc, char **argv)
{
    const char *data_dir = NULL;
    int found = options_take_value(&argc, argv, "data", &data_dir);

    if (found >= 0 && (argc == 0 || (argc == 1 && strcmp(argv[0], "list") == 0))) {
        return find_and_tell(toban, data_dir, 0, true);
    }
    if (found >= 0 && (argc == 1 || argc == 2) && strcmp(argv[0], "show") == 0) {
        uint32_t day = argc == 2 ? date_of(argv[1]) : 0;

        if (argc == 2 && day == 0) {
            return command_misused(toban, "certificate", "日付は 2026-11-24 のように書きます。",
                                   "a date is written like 2026-11-24.");
        }
        return find_and_tell(toban, data_dir, day, false);
    }
    return command_misused(toban, "certificate", "書き方がちがいます。", "that is not understood.");
}
