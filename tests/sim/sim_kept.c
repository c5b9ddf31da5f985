/*
 * Where the site keeps rows of single visits (one seed in four): what a disk and its keys give, read by hand, comes to
 * what the day's totals say, on both units; and without those keys nothing does. The way from a key to a day's is
 * walked here once more: a mistake that both made alike would have to be made twice.
 */
#include "appliance/calendar/calendar.h"
#include "appliance/statistics/statistics.h"
#include "storage/entry/entry.h"
#include "tests/sim/sim_internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    KEEPS_ONE_IN = 4,
    KEEPS_AT = 3,
    PARTS_MAX = 64,
    HEAD_AT = 1 + 4 + 1,
    SEALED_AT = HEAD_AT + STATISTICS_HEAD_BYTES + 4,
    KEY_DAY = 90000000,
};

struct kept {
    struct statistics_sums of[CATEGORIES + 1];
    struct kept_part {
        uint32_t part;
        uint64_t set;
    } parts[PARTS_MAX];
    size_t part_count;
    const char *wrong;
};

bool sim_keeps_visits(const struct sim *sim)
{
    return sim->options.seed % KEEPS_ONE_IN == KEEPS_AT;
}

static bool part_counts(struct kept *kept, const struct statistics_head *head)
{
    for (size_t i = 0; i < kept->part_count; i++) {
        if (kept->parts[i].part == head->part) {
            return kept->parts[i].set == head->set;
        }
    }
    if (head->index + 1 != head->count || kept->part_count == PARTS_MAX) {
        return false;
    }
    kept->parts[kept->part_count++] = (struct kept_part){head->part, head->set};
    return true;
}

static bool key_of(const struct unit *unit, uint32_t name, uint32_t date,
                   struct crypto_key *ret_key)
{
    static const char next[] = "toban kept visits: the next day";
    static const char rows[] = "toban kept visits: rows";
    struct calendar_date parts;
    struct crypto *crypto = unit->sim->crypto;
    uint32_t wanted;

    if (!calendar_date_from_number(date, &parts)) {
        return false;
    }
    wanted = KEY_DAY + (uint32_t)calendar_day_count(parts);
    for (size_t i = 0; i < unit->disk.key_count; i++) {
        const struct ledger_day_key *key = &unit->disk.keys[i];

        if (key->unit == name && key->day >= KEY_DAY && key->day <= wanted) {
            struct crypto_key at = key->key;

            for (uint32_t day = key->day; day < wanted; day++) {
                struct crypto_key after;

                crypto_derive(crypto, &at, next, sizeof(next), &after);
                at = after;
            }
            crypto_derive(crypto, &at, rows, sizeof(rows), ret_key);
            return true;
        }
    }
    return false;
}

static bool add_row(void *context, const struct statistics_kept *row)
{
    struct kept *kept = context;
    struct statistics_sums *sums;

    if (row->category > CATEGORIES) {
        return false;
    }
    sums = &kept->of[row->category];
    sums->counts[STATISTICS_COUNT_ARRIVED] += row->first;
    sums->counts[STATISTICS_COUNT_SERVICES]++;
    sums->counts[STATISTICS_COUNT_OPEN + row->end]++;
    sums->counts[STATISTICS_COUNT_DOUBTFUL] += row->doubtful;
    sums->counts[STATISTICS_COUNT_ESTIMATED] += row->estimated;
    for (int i = 0; i < STATISTICS_MEASURES; i++) {
        sums->times[i].count += row->time_min[i] != STATISTICS_NOT_MEASURED;
    }
    return true;
}

static void take_entry(const struct unit *unit, const struct entry *entry, uint32_t date,
                       struct kept *kept)
{
    static uint8_t plain[ENTRY_PAYLOAD_BYTES_MAX];
    const uint8_t *payload = entry->payload;
    struct statistics_head head;
    struct bytes_reader name;
    struct crypto_key key;

    if (entry->payload_len_bytes < SEALED_AT + ENTRY_SEAL_OVERHEAD_BYTES || payload[5] != 1 ||
        !statistics_head_decode(payload + HEAD_AT, STATISTICS_HEAD_BYTES, &head) ||
        head.date != date || !part_counts(kept, &head)) {
        return;
    }
    name = bytes_reader_over(payload + HEAD_AT + STATISTICS_HEAD_BYTES, 4);
    if (!key_of(unit, bytes_get_u32(&name), date, &key)) {
        kept->wrong = "have no key";
    } else if (!crypto_open(unit->sim->crypto, &key, payload, SEALED_AT, payload + SEALED_AT,
                            (size_t)entry->payload_len_bytes - SEALED_AT, plain)) {
        kept->wrong = "cannot be opened";
    } else if (!statistics_kept_decode(
                   plain, (size_t)entry->payload_len_bytes - SEALED_AT - ENTRY_SEAL_OVERHEAD_BYTES,
                   add_row, kept)) {
        kept->wrong = "are no rows";
    }
}

static void read_kept(const struct unit *unit, uint32_t date, struct kept *kept)
{
    for (uint64_t lsn = unit->disk.entry_count; lsn > 0 && kept->wrong == NULL; lsn--) {
        const struct sim_blob *blob = &unit->disk.entries[lsn - 1];
        struct ids_hash hash;
        struct entry entry;

        if (blob->len_bytes >= ENTRY_BYTES_MIN &&
            (blob->bytes[2] << 8 | blob->bytes[3]) == ENTRY_VISITS &&
            entry_decode(blob->bytes, blob->len_bytes, &entry, &hash)) {
            take_entry(unit, &entry, date, kept);
        }
    }
}

static bool is_same(const struct statistics_sums *kept, const struct statistics_sums *sums)
{
    bool same =
        kept->counts[STATISTICS_COUNT_ARRIVED] == sums->counts[STATISTICS_COUNT_ARRIVED] &&
        kept->counts[STATISTICS_COUNT_DOUBTFUL] == sums->counts[STATISTICS_COUNT_DOUBTFUL] &&
        kept->counts[STATISTICS_COUNT_ESTIMATED] == sums->counts[STATISTICS_COUNT_ESTIMATED];

    for (int i = STATISTICS_COUNT_SERVICES; i <= STATISTICS_COUNT_EXPIRED; i++) {
        same = same && kept->counts[i] == sums->counts[i];
    }
    for (int i = 0; i < STATISTICS_MEASURES; i++) {
        same = same && kept->times[i].count == sums->times[i].count;
    }
    return same;
}

void judge_kept(struct sim *sim, int unit, uint32_t date, const struct statistics_sums *of)
{
    struct kept *kept = calloc(1, sizeof(*kept));

    CHECK(kept != NULL);
    read_kept(&sim->units[unit], date, kept);
    if (!sim_keeps_visits(sim)) {
        if (kept->part_count != 0) {
            sim_fail(sim, "statistics: kept rows on unit %d, and nobody switched it on", unit + 1);
        }
        free(kept);
        return;
    }
    if (sim_spoils(sim, SPOIL_KEPT)) {
        kept->of[1].counts[STATISTICS_COUNT_SERVICES]--;
    }
    if (kept->wrong != NULL) {
        sim_fail(sim, "statistics: kept rows of unit %d %s", unit + 1, kept->wrong);
    }
    for (int category = 1; category <= CATEGORIES && kept->wrong == NULL; category++) {
        if (!is_same(&kept->of[category], &of[category])) {
            sim_fail(sim,
                     "statistics: kept rows of unit %d, category %d, are %llu; the totals say %llu",
                     unit + 1, category,
                     (unsigned long long)kept->of[category].counts[STATISTICS_COUNT_SERVICES],
                     (unsigned long long)of[category].counts[STATISTICS_COUNT_SERVICES]);
        }
    }
    free(kept);
}
