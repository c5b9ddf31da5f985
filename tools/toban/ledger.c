/* ledger: what one unit's ledger says of itself, a walk over every link, and where two ledgers part.
 * Reads the files beside a running unit; never writes. */
#include "storage/adapters/ledger.h"

#include "storage/entry/entry.h"
#include "tools/toban/toban.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    INFO_COLUMNS = 24,
    VERIFY_STEP_ENTRIES = 20000,
    WHY_BYTES = 320,
    HASH_TEXT_BYTES = 2 * IDS_HASH_BYTES + 1
};

struct reading {
    struct ledger *ledger;
    struct ledger_info info;
    char data_dir[TOBAN_PATH_BYTES];
};

static void reading_close(struct reading *reading)
{
    if (reading->ledger != NULL) {
        ledger_close(reading->ledger);
    }
}

static void hash_text(const struct ids_hash *hash, char text[HASH_TEXT_BYTES])
{
    for (size_t i = 0; i < IDS_HASH_BYTES; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", hash->bytes[i]);
    }
}

static int open_reading(const struct toban *toban, const char *data_dir, const char *record_dir,
                        struct reading *reading)
{
    struct ledger_options options = {.data_dir = data_dir,
                                     .record_dir = record_dir[0] != '\0' ? record_dir : data_dir,
                                     .read_only = true};
    char why[WHY_BYTES] = "";
    int r = ledger_open(&options, &reading->ledger, why, sizeof(why));

    (void)snprintf(reading->data_dir, sizeof(reading->data_dir), "%s", data_dir);
    if (r == 0) {
        ledger_get_info(reading->ledger, &reading->info);
        return TOBAN_OK;
    }
    (void)fprintf(toban->err, "toban: %s: %s%s%s\n", data_dir,
                  text_choose(toban, "台帳を開けません。", "the ledger cannot be opened: "),
                  r == -EUCLEAN ? "" : strerror(-r), why);
    return r == -EUCLEAN ? TOBAN_NO : TOBAN_UNREACHABLE;
}

/* The units whose data this machine can see. */
static int find_data(const struct toban *toban, size_t wanted, struct targets *ret_targets)
{
    size_t count = 0;
    int r = targets_find(toban, ret_targets);

    for (size_t i = 0; r == TOBAN_OK && i < ret_targets->count; i++) {
        if (ret_targets->list[i].data_dir[0] != '\0') {
            ret_targets->list[count++] = ret_targets->list[i];
        }
    }
    if (r == TOBAN_OK && count < wanted) {
        (void)fputs(
            text_choose(toban, "toban: 台帳の場所がわかりません。--data DIR で指定してください。\n",
                        "toban: where the ledger is is not known; name it with --data DIR.\n"),
            toban->err);
        return TOBAN_UNREACHABLE;
    }
    ret_targets->count = count;
    return r;
}

static bool shows_progress(const struct toban *toban)
{
    return !toban->json && isatty(fileno(toban->err));
}

/* Walks to the end that stood when it began; what a unit appends meanwhile is walked too. */
static int walk(const struct toban *toban, struct reading *reading, struct ledger_damage *damage,
                uint64_t *ret_next_lsn)
{
    uint64_t next_lsn = 1;
    uint64_t before;
    int r;

    do {
        before = next_lsn;
        r = ledger_verify(reading->ledger, next_lsn, VERIFY_STEP_ENTRIES, &next_lsn, damage);
        if (shows_progress(toban)) {
            (void)fprintf(toban->err, "\r%" PRIu64 " / %" PRIu64,
                          r == 0 ? next_lsn - 1 : damage->lsn, reading->info.last_lsn);
        }
    } while (r == 0 && next_lsn > before && next_lsn <= reading->info.last_lsn);
    if (shows_progress(toban)) {
        (void)fputs("\r\033[K", toban->err);
    }
    *ret_next_lsn = next_lsn;
    return r;
}

static void tell_verified(const struct toban *toban, const struct reading *reading,
                          uint64_t next_lsn)
{
    char head[HASH_TEXT_BYTES];
    char count[32];

    hash_text(&reading->info.head, head);
    text_number((int64_t)next_lsn - 1, count);
    if (toban->json) {
        (void)fprintf(toban->out, "{\"ok\": true, \"entries\": %" PRIu64 ", \"head\": \"%s\"}\n",
                      next_lsn - 1, head);
    } else {
        (void)fprintf(
            toban->out,
            text_choose(toban,
                        "%s\n  異常ありません。%s 件のつながりをすべて確かめました。先頭 %.16s…\n",
                        "%s\n  Sound: all %s entries were walked, link by link. Head %.16s...\n"),
            reading->data_dir, count, head);
    }
}

static void tell_damaged(const struct toban *toban, const struct reading *reading,
                         const struct ledger_damage *damage, int error)
{
    const char *ja = error == -EUCLEAN ? damage->what_ja : strerror(-error);
    const char *en = error == -EUCLEAN ? damage->what_en : strerror(-error);

    if (toban->json) {
        json_t *root = json_pack("{s:b, s:I, s:s, s:s}", "ok", 0, "lsn", (json_int_t)damage->lsn,
                                 "what_ja", ja, "what_en", en);

        (void)json_dumpf(root, toban->out, JSON_COMPACT);
        (void)fputc('\n', toban->out);
        json_decref(root);
        return;
    }
    (void)fprintf(toban->out, "%s\n  %s%s\n  %s\n", reading->data_dir,
                  text_choose(toban, "壊れています: ", "Damaged: "), text_choose(toban, ja, en),
                  text_choose(toban, "この号機を止め、もう1台から作り直してください。",
                              "Stop this unit and let it be made anew from the other one."));
}

static int verify_one(const struct toban *toban, const char *data_dir, const char *record_dir)
{
    __attribute__((cleanup(reading_close))) struct reading reading = {0};
    struct ledger_damage damage = {0};
    uint64_t next_lsn = 1;
    int r = open_reading(toban, data_dir, record_dir, &reading);

    if (r != TOBAN_OK) {
        return r;
    }
    r = walk(toban, &reading, &damage, &next_lsn);
    if (r < 0) {
        tell_damaged(toban, &reading, &damage, r);
        return TOBAN_NO;
    }
    tell_verified(toban, &reading, next_lsn);
    return TOBAN_OK;
}

static int verify(const struct toban *toban, const char *data_dir)
{
    struct targets targets;
    int worst;

    if (data_dir != NULL) {
        return verify_one(toban, data_dir, "");
    }
    worst = find_data(toban, 1, &targets);
    for (size_t i = 0; worst != TOBAN_UNREACHABLE && i < targets.count; i++) {
        int r = verify_one(toban, targets.list[i].data_dir, targets.list[i].record_dir);

        worst = r > worst ? r : worst;
    }
    return worst;
}

static void info_cell(const struct toban *toban, const json_t *value, bool zero_is_none,
                      char text[128])
{
    if (json_is_integer(value) && (json_integer_value(value) != 0 || !zero_is_none)) {
        text_number(json_integer_value(value), text);
    } else {
        (void)snprintf(text, 128, "%s",
                       json_is_string(value) ? json_string_value(value)
                                             : text_choose(toban, "未計測", "not measured"));
    }
}

static int info(struct toban *toban)
{
    static const struct {
        const char *member, *ja, *en;
        bool zero_is_none;
    } rows[] = {
        {"last_lsn", "件数", "entries", false},
        {"chain", "最後のハッシュ", "last hash", false},
        {"digest", "状態の要約値", "digest of the state", false},
        {"map_used_bytes", "使用 (バイト)", "bytes used", false},
        {"map_size_bytes", "上限 (バイト)", "bytes at most", false},
        {"commit_us_p50", "書き込み 中央値 (µs)", "commit, median (us)", true},
        {"commit_us_p99", "書き込み 99% (µs)", "commit, 99 % (us)", true},
    };
    struct api_request request = {.type = API_READ, .read = {.what = API_READ_LEDGER}};
    json_t *body = NULL;
    int r = ask_and_parse(toban, &request, &body);

    for (size_t i = 0; body != NULL && i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[128] = "";

        info_cell(toban, json_object_get(body, rows[i].member), rows[i].zero_is_none, text);
        text_put_padded(toban->out, text_choose(toban, rows[i].ja, rows[i].en), INFO_COLUMNS);
        (void)fprintf(toban->out, "%s\n", text);
    }
    json_decref(body);
    return r;
}

static int hash_at(struct reading *reading, uint64_t lsn, uint8_t *bytes, struct ids_hash *ret_hash)
{
    struct entry entry;
    size_t len_bytes;
    int r = ledger_read_entry(reading->ledger, lsn, bytes, ENTRY_BYTES_MAX, &len_bytes);

    if (r < 0) {
        return r;
    }
    return entry_decode(bytes, len_bytes, &entry, ret_hash) ? 0 : -EUCLEAN;
}

/* The last lsn that both hold alike: one hash stands for everything before it, so halving finds it. */
static int find_common(struct reading *a, struct reading *b, uint64_t *ret_lsn)
{
    uint64_t low = 0;
    uint64_t high = a->info.last_lsn < b->info.last_lsn ? a->info.last_lsn : b->info.last_lsn;
    uint8_t *bytes = malloc(ENTRY_BYTES_MAX);
    int r = bytes == NULL ? -ENOMEM : 0;

    while (r == 0 && low < high) {
        uint64_t middle = low + (high - low + 1) / 2;
        struct ids_hash hash_a, hash_b;

        r = hash_at(a, middle, bytes, &hash_a);
        r = r == 0 ? hash_at(b, middle, bytes, &hash_b) : r;
        if (r == 0 && ids_hash_equal(&hash_a, &hash_b)) {
            low = middle;
        } else if (r == 0) {
            high = middle - 1;
        }
    }
    free(bytes);
    *ret_lsn = low;
    return r;
}

static void tell_difference(const struct toban *toban, const struct reading readings[2],
                            uint64_t common, bool apart)
{
    char text[3][32];

    if (toban->json) {
        (void)fprintf(toban->out,
                      "{\"common_lsn\": %" PRIu64 ", \"last_lsn\": [%" PRIu64 ", %" PRIu64
                      "], \"apart\": %s}\n",
                      common, readings[0].info.last_lsn, readings[1].info.last_lsn,
                      apart ? "true" : "false");
        return;
    }
    text_number((int64_t)common, text[0]);
    text_number((int64_t)readings[0].info.last_lsn, text[1]);
    text_number((int64_t)readings[1].info.last_lsn, text[2]);
    (void)fprintf(toban->out,
                  text_choose(toban, "%s まで同じです (それぞれ %s、%s まで)。%s\n",
                              "Alike up to %s (they reach %s and %s). %s\n"),
                  text[0], text[1], text[2],
                  apart ? text_choose(toban,
                                      "その先が食いちがっています。次の合流でひとつになります。",
                                      "From there they differ; the next meeting joins them.")
                        : text_choose(toban, "食いちがいはありません。", "They do not differ."));
}

static int diff(const struct toban *toban, const char *const dirs[2], const char *const records[2])
{
    __attribute__((cleanup(reading_close))) struct reading first = {0};
    __attribute__((cleanup(reading_close))) struct reading second = {0};
    struct reading both[2];
    uint64_t common = 0;
    bool apart;
    int r = open_reading(toban, dirs[0], records[0], &first);

    r = r == TOBAN_OK ? open_reading(toban, dirs[1], records[1], &second) : r;
    if (r != TOBAN_OK) {
        return r;
    }
    if (find_common(&first, &second, &common) < 0) {
        (void)fputs(text_choose(toban,
                                "toban: 台帳が壊れています。ledger verify で場所がわかります。\n",
                                "toban: a ledger is damaged; ledger verify says where.\n"),
                    toban->err);
        return TOBAN_NO;
    }
    apart = common < first.info.last_lsn && common < second.info.last_lsn;
    both[0] = first;
    both[1] = second;
    tell_difference(toban, both, common, apart);
    return apart ? TOBAN_NO : TOBAN_OK;
}

static int diff_of_words(const struct toban *toban, int argc, char **argv)
{
    struct targets targets;
    int r;

    if (argc == 2) {
        return diff(toban, (const char *const[2]){argv[0], argv[1]},
                    (const char *const[2]){"", ""});
    }
    r = find_data(toban, 2, &targets);
    if (r != TOBAN_OK) {
        return r;
    }
    return diff(toban, (const char *const[2]){targets.list[0].data_dir, targets.list[1].data_dir},
                (const char *const[2]){targets.list[0].record_dir, targets.list[1].record_dir});
}

int command_ledger(struct toban *toban, int argc, char **argv)
{
    const char *data_dir = NULL;
    int found = options_take_value(&argc, argv, "data", &data_dir);

    if (found >= 0 && argc == 1 && strcmp(argv[0], "verify") == 0) {
        return verify(toban, data_dir);
    }
    if (found == 0 && (argc == 0 || (argc == 1 && strcmp(argv[0], "info") == 0))) {
        return info(toban);
    }
    if (found == 0 && (argc == 1 || argc == 3) && strcmp(argv[0], "diff") == 0) {
        return diff_of_words(toban, argc - 1, argv + 1);
    }
    return command_misused(toban, "ledger", "書き方がちがいます。", "that is not understood.");
}
