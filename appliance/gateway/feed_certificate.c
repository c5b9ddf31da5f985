/* A relay's certificates of erasure: as files, and as what the pair is asked to write into its ledger. */
#include "appliance/gateway/feed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    PATH_BYTES = 512,
    DATE_BYTES = 11,
    HASH_TEXT_BYTES = 2 * IDS_HASH_BYTES + 1,
    TIME_BYTES = 40,
    HEX = 16,
    MS_PER_S = 1000,
    SECONDS_A_MINUTE = 60,
    FILE_MODE = 0644,
    YEAR_FACTOR = 10000,
    MONTH_FACTOR = 100,
    MONTH_AT = 5,
    DAY_AT = 8,
};

static const char undelivered[] = "undelivered-";
static const char *const whys[API_RELAY_WHY_END] = {
    [API_RELAY_ERASED_BY_THE_PAIR] = "ERASED_BY_THE_PAIR",
    [API_RELAY_ANOTHER_DAY] = "ANOTHER_DAY",
    [API_RELAY_CLOCK] = "CLOCK",
};

int feed_write_file(const char *state_dir, const char *name, const char *text)
{
    char path[PATH_BYTES], fresh[PATH_BYTES + 8];
    size_t len_bytes = strlen(text);
    int fd, r;

    (void)snprintf(path, sizeof(path), "%s/%s", state_dir, name);
    (void)snprintf(fresh, sizeof(fresh), "%s.new", path);
    fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    if (fd < 0) {
        return -errno;
    }
    r = write(fd, text, len_bytes) == (ssize_t)len_bytes && fsync(fd) == 0 ? 0 : -EIO;
    if (close(fd) < 0 || (r == 0 && rename(fresh, path) < 0)) {
        r = -EIO;
    }
    return r;
}

static void hash_text(const struct ids_hash *hash, char text[HASH_TEXT_BYTES])
{
    for (size_t i = 0; i < IDS_HASH_BYTES; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", hash->bytes[i]);
    }
}

static bool hash_of(const json_t *text, struct ids_hash *ret_hash)
{
    const char *at = json_string_value(text);

    if (at == NULL || strlen(at) != HASH_TEXT_BYTES - 1 ||
        strspn(at, "0123456789abcdef") != HASH_TEXT_BYTES - 1) {
        return false;
    }
    for (size_t i = 0; i < IDS_HASH_BYTES; i++, at += 2) {
        const char pair[3] = {at[0], at[1], '\0'};

        ret_hash->bytes[i] = (uint8_t)strtoul(pair, NULL, HEX);
    }
    return true;
}

static void time_text(int64_t at_ms, char text[TIME_BYTES])
{
    time_t local = (time_t)(at_ms / MS_PER_S) + FEED_UTC_OFFSET_MINUTES * SECONDS_A_MINUTE;
    struct tm parts;

    (void)gmtime_r(&local, &parts);
    (void)strftime(text, TIME_BYTES, "%Y-%m-%dT%H:%M:%S+09:00", &parts);
}

int feed_certificate_write(const char *state_dir, const struct feed_certificate *certificate)
{
    char name[64], at[TIME_BYTES], before[HASH_TEXT_BYTES], after[HASH_TEXT_BYTES];
    json_t *json;
    char *text;
    int r = -ENOMEM;

    time_text(certificate->erased_ms, at);
    hash_text(&certificate->before, before);
    hash_text(&certificate->after, after);
    json = json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:I, s:s, s:s, s:s}", "relay",
                     certificate->relay, "service_day", certificate->date, "erased_at", at,
                     "erased_ms", (json_int_t)certificate->erased_ms, "why", whys[certificate->why],
                     "term", (json_int_t)certificate->term, "ticket_questions",
                     (json_int_t)certificate->questions, "digest_before", before, "digest_after",
                     after, "kept", "day.json");
    text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (text != NULL) {
        (void)snprintf(name, sizeof(name), "certificate-%s.json", certificate->date);
        r = feed_write_file(state_dir, name, text);
        (void)snprintf(name, sizeof(name), "%s%s.json", undelivered, certificate->date);
        r = r < 0 ? r : feed_write_file(state_dir, name, text);
    }
    free(text);
    return r;
}

/* undelivered-2026-11-24.json */
static bool date_in(const char *name, char date[12])
{
    static const char form[] = "0000-00-00.json";
    const char *at = name + strlen(undelivered);

    if (strncmp(name, undelivered, strlen(undelivered)) != 0 || strlen(at) != strlen(form)) {
        return false;
    }
    for (size_t i = 0; form[i] != '\0'; i++) {
        if (form[i] == '0' ? at[i] < '0' || at[i] > '9' : at[i] != form[i]) {
            return false;
        }
    }
    (void)snprintf(date, 12, "%.10s", at);
    return true;
}

static bool read_one(const char *state_dir, const char *date, struct api_relay_erased *ret_erased)
{
    char path[PATH_BYTES];
    struct api_relay_erased erased = {0};
    const char *why;
    json_t *json;
    bool whole;

    (void)snprintf(path, sizeof(path), "%s/%s%s.json", state_dir, undelivered, date);
    json = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    why = json_string_value(json_object_get(json, "why"));
    for (uint8_t i = 1; why != NULL && i < API_RELAY_WHY_END; i++) {
        erased.why = strcmp(whys[i], why) == 0 ? i : erased.why;
    }
    erased.day = (uint32_t)(strtoul(date, NULL, 10) * YEAR_FACTOR +
                            strtoul(date + MONTH_AT, NULL, 10) * MONTH_FACTOR +
                            strtoul(date + DAY_AT, NULL, 10));
    erased.erased_ms = json_integer_value(json_object_get(json, "erased_ms"));
    erased.term = (uint64_t)json_integer_value(json_object_get(json, "term"));
    erased.questions = (uint32_t)json_integer_value(json_object_get(json, "ticket_questions"));
    whole = erased.why != 0 && hash_of(json_object_get(json, "digest_before"), &erased.before) &&
            hash_of(json_object_get(json, "digest_after"), &erased.after);
    json_decref(json);
    *ret_erased = erased;
    return whole;
}

/* What cannot be read is no hindrance to later ones; the copy for people stays. */
static void put_aside(const char *state_dir, const char *date)
{
    char from[PATH_BYTES], to[PATH_BYTES];

    (void)snprintf(from, sizeof(from), "%s/%s%s.json", state_dir, undelivered, date);
    (void)snprintf(to, sizeof(to), "%s/unreadable-%s.json", state_dir, date);
    (void)rename(from, to);
    (void)fprintf(stderr,
                  "toban-web: the certificate of %s cannot be read and is put aside\n"
                  "toban-web: %s の消去証明書が読めないため、脇に置きました。\n",
                  date, date);
}

bool feed_certificate_next(const char *state_dir, const char *after, char ret_date[12],
                           struct api_relay_erased *ret_erased)
{
    DIR *folder = opendir(state_dir);
    char first[12] = "", oldest[12] = "", date[12];
    const struct dirent *each;
    size_t count = 0;

    if (folder == NULL) {
        return false;
    }
    while ((each = readdir(folder)) != NULL) {
        if (!date_in(each->d_name, date)) {
            continue;
        }
        count++;
        if (oldest[0] == '\0' || strcmp(date, oldest) < 0) {
            memcpy(oldest, date, sizeof(oldest));
        }
        if (strcmp(date, after) > 0 && (first[0] == '\0' || strcmp(date, first) < 0)) {
            memcpy(first, date, sizeof(first));
        }
    }
    (void)closedir(folder);
    if (count > FEED_UNDELIVERED_MAX) {
        feed_certificate_delivered(state_dir, oldest); /* the one for people stays */
    }
    memcpy(ret_date, first, sizeof(first));
    if (first[0] == '\0') {
        return false;
    }
    if (!read_one(state_dir, first, ret_erased)) {
        put_aside(state_dir, first);
        return feed_certificate_next(state_dir, first, ret_date,
                                     ret_erased); /* the next date: it ends */
    }
    return true;
}

void feed_certificate_delivered(const char *state_dir, const char *date)
{
    char path[PATH_BYTES];

    (void)snprintf(path, sizeof(path), "%s/%s%s.json", state_dir, undelivered, date);
    (void)unlink(path);
}
