/*
 * What a day comes to, after its visits are erased: laid beside what visitors were handed and what was asked for. Read
 * from the bytes of each disk, as anybody could who has it and no key.
 */
#include "appliance/statistics/statistics.h"
#include "storage/entry/entry.h"
#include "tests/sim/sim_internal.h"

#include <stdlib.h>
#include <string.h>

enum { MONTH_TEXT = 5, DAY_TEXT = 8, PARTS_MAX = 64, SPOILED_VISITS = 50 };

struct sums {
    struct statistics_sums of[CATEGORIES + 1];
    struct sums_part {
        uint32_t part;
        uint64_t set;
    } parts[PARTS_MAX];
    size_t part_count;
    uint64_t visits; /* numbers that the heads name */
    uint64_t lsn;
    bool unread;
};

static struct statistics_sums *sums_of(void *context, const struct statistics_cell *cell)
{
    struct sums *sums = context;

    return cell->category > CATEGORIES ? NULL : &sums->of[cell->category];
}

/* Of a part written twice the newest whole one counts; false: another one does. */
static bool part_counts(struct sums *sums, const struct statistics_head *head)
{
    for (size_t i = 0; i < sums->part_count; i++) {
        if (sums->parts[i].part == head->part) {
            return sums->parts[i].set == head->set;
        }
    }
    if (head->index + 1 != head->count || sums->part_count == PARTS_MAX) {
        return false;
    }
    sums->parts[sums->part_count++] = (struct sums_part){head->part, head->set};
    sums->visits += head->visits;
    return true;
}

/* Backwards along the whole ledger, not along what entries say of each other. */
static void read_sums(const struct unit *unit, uint32_t date, struct sums *ret_sums)
{
    memset(ret_sums, 0, sizeof(*ret_sums));
    for (uint64_t lsn = unit->disk.entry_count; lsn > 0; lsn--) {
        const struct sim_blob *blob = &unit->disk.entries[lsn - 1];
        struct statistics_head head;
        struct ids_hash hash;
        struct entry entry;

        /* Its kind stands behind its version; most are of others. */
        if (blob->len_bytes < ENTRY_BYTES_MIN ||
            (blob->bytes[2] << 8 | blob->bytes[3]) != ENTRY_STATISTIC) {
            continue;
        }
        if (!entry_decode(blob->bytes, blob->len_bytes, &entry, &hash) ||
            !statistics_head_decode(entry.payload, entry.payload_len_bytes, &head)) {
            ret_sums->unread = true;
            ret_sums->lsn = lsn;
            return;
        }
        if (head.date == date && head.annulled == 0 && part_counts(ret_sums, &head) &&
            !statistics_cells_decode(entry.payload + STATISTICS_HEAD_BYTES,
                                     entry.payload_len_bytes - (size_t)STATISTICS_HEAD_BYTES,
                                     sums_of, ret_sums)) {
            ret_sums->unread = true;
            ret_sums->lsn = lsn;
            return;
        }
    }
}

static uint64_t numbers_of(const struct sums *sums, int category)
{
    const uint64_t *counts = sums->of[category].counts;

    return counts[STATISTICS_COUNT_ARRIVED] + counts[STATISTICS_COUNT_NOT_VISITS];
}

/* Every number that somebody was handed and that is not lost with a disk is in it, and none is there that nobody asked
 * for: a touch that was sent again may have got two. */
static void judge_numbers(struct sim *sim, int unit, const char *day, const struct sums *sums)
{
    uint64_t seen[CATEGORIES + 1] = {0};

    for (size_t i = 0; i < sim->ticket_count; i++) {
        const struct seen_ticket *ticket = &sim->tickets[i];
        uint32_t category = 1 + (ticket->number - 1) / NUMBERS_OF_CATEGORY;

        if (ticket->held_by != 0 && strcmp(ticket->day, day) == 0 && category <= CATEGORIES) {
            seen[category]++;
        }
    }
    for (int category = 1; category <= CATEGORIES; category++) {
        uint64_t counted = numbers_of(sums, category);
        uint64_t arrived = sums->of[category].counts[STATISTICS_COUNT_ARRIVED];

        if (counted < seen[category] || arrived > sim->asked[category]) {
            sim_fail(sim,
                     "statistics: unit %d counts %llu numbers of category %d on %s, %llu visitors; "
                     "%llu were "
                     "handed out, %llu asked for",
                     unit + 1, (unsigned long long)counted, category, day,
                     (unsigned long long)arrived, (unsigned long long)seen[category],
                     (unsigned long long)sim->asked[category]);
        }
    }
}

/* Each service ended in one way: the day is over. */
static void judge_ends(struct sim *sim, int unit, const struct sums *sums)
{
    uint64_t numbers = 0;

    for (int category = 1; category <= CATEGORIES; category++) {
        const uint64_t *counts = sums->of[category].counts;
        uint64_t ends = 0;

        for (int count = STATISTICS_COUNT_SERVED; count <= STATISTICS_COUNT_EXPIRED; count++) {
            ends += counts[count];
        }
        numbers += numbers_of(sums, category);
        if (counts[STATISTICS_COUNT_OPEN] != 0 || ends != counts[STATISTICS_COUNT_SERVICES] ||
            counts[STATISTICS_COUNT_ARRIVED] > counts[STATISTICS_COUNT_SERVICES]) {
            sim_fail(sim, "statistics: unit %d counts %llu services of category %d, and %llu ends",
                     unit + 1, (unsigned long long)counts[STATISTICS_COUNT_SERVICES], category,
                     (unsigned long long)ends);
        }
    }
    if (numbers != sums->visits) {
        sim_fail(sim, "statistics: the cells of unit %d hold %llu numbers, their heads say %llu",
                 unit + 1, (unsigned long long)numbers, (unsigned long long)sums->visits);
    }
}

void judge_sums(struct sim *sim, const char *day)
{
    uint32_t date = (uint32_t)strtoul(day, NULL, 10) * 10000 +
                    (uint32_t)strtoul(day + MONTH_TEXT, NULL, 10) * 100 +
                    (uint32_t)strtoul(day + DAY_TEXT, NULL, 10);
    struct sums *sums = calloc(SIM_UNITS, sizeof(*sums));

    CHECK(sums != NULL);
    for (int i = 0; i < SIM_UNITS; i++) {
        read_sums(&sim->units[i], date, &sums[i]);
        if (sim_spoils(sim, SPOIL_SUMS)) {
            sums[i].of[1].counts[STATISTICS_COUNT_ARRIVED] -= SPOILED_VISITS;
        }
        if (sums[i].unread) {
            sim_fail(sim, "statistics: what unit %d sealed at lsn %llu cannot be read", i + 1,
                     (unsigned long long)sums[i].lsn);
        } else if (sums[i].part_count == 0) {
            sim_fail(sim, "statistics: the ledger of unit %d says nothing of %s", i + 1, day);
        } else {
            judge_numbers(sim, i, day, &sums[i]);
            judge_ends(sim, i, &sums[i]);
            judge_kept(sim, i, date, sums[i].of);
        }
    }
    if (memcmp(sums[0].of, sums[1].of, sizeof(sums[0].of)) != 0) {
        sim_fail(sim, "statistics: the two units do not agree on %s", day);
    }
    free(sums);
}
