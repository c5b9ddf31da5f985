/* Measuring visits, summing facts, percentiles, and tables without small rows. */
#include "appliance/statistics/statistics.h"

#include "base/check.h"

#include <string.h>

enum {
    MS_PER_S = 1000,
    S_PER_MINUTE = 60,
    MS_PER_MINUTE = 60000,
    MINUTES_PER_HOUR = 60,
    MINUTES_PER_DAY = 1440,
    STEP_BITS = 4, /* STATISTICS_STEPS = 1 << STEP_BITS */
    PERCENT = 100,
};

_Static_assert(STATISTICS_STEPS == 1 << STEP_BITS, "steps of a power of two");

/* ---- measuring --------------------------------------------------------------------------------------- */

static uint8_t hour_of(const struct statistics_rules *rules, int64_t at_ms)
{
    int64_t minute = at_ms / MS_PER_MINUTE + rules->utc_offset_minutes;

    minute %= MINUTES_PER_DAY;
    minute += minute < 0 ? MINUTES_PER_DAY : 0;
    return (uint8_t)(minute / MINUTES_PER_HOUR);
}

/* False: that cannot have been. */
static bool measure_s(int64_t from_ms, int64_t to_ms, int32_t *ret_s)
{
    if (to_ms < from_ms || (to_ms - from_ms) / MS_PER_S > STATISTICS_TIME_S_MAX) {
        return false;
    }
    *ret_s = (int32_t)((to_ms - from_ms) / MS_PER_S);
    return true;
}

/* False: a time of this leg is doubtful. */
static bool measure_leg(const struct statistics_leg *leg, int32_t time_s[STATISTICS_MEASURES])
{
    bool sound = true;

    if (leg->first_called_ms != 0) {
        sound = measure_s(leg->enqueued_ms, leg->first_called_ms, &time_s[STATISTICS_WAIT]);
    }
    /* A call that was heard and taken back after the start leaves nothing to measure. */
    if (leg->started_ms >= leg->called_ms && leg->started_ms != 0) {
        sound = measure_s(leg->called_ms, leg->started_ms, &time_s[STATISTICS_WALK_UP]) && sound;
    }
    if (leg->end == STATISTICS_SERVED) {
        sound = measure_s(leg->started_ms != 0 ? leg->started_ms : leg->called_ms, leg->ended_ms,
                          &time_s[STATISTICS_SERVICE]) &&
                sound; /* the last stretch tells whether the clock held */
        time_s[STATISTICS_SERVICE] = (int32_t)(leg->served_ms / MS_PER_S);
        sound = time_s[STATISTICS_SERVICE] <= STATISTICS_TIME_S_MAX && sound;
    }
    if (leg->held_ms != 0) {
        time_s[STATISTICS_HOLD] = (int32_t)(leg->held_ms / MS_PER_S);
        sound = time_s[STATISTICS_HOLD] <= STATISTICS_TIME_S_MAX && sound;
    }
    return sound;
}

/* What the closing of the day ended was let down by us: how long it waited for what is no measure of anything. */
static bool leg_has_times(const struct statistics_leg *leg)
{
    return leg->end == STATISTICS_SERVED || leg->end == STATISTICS_TRANSFERRED ||
           leg->end == STATISTICS_NO_SHOW || leg->end == STATISTICS_OPEN;
}

static void estimate(const struct statistics_visit *visit, struct statistics_fact *fact)
{
    int32_t truth_s = 0;

    if (visit->estimated && fact->time_s[STATISTICS_WAIT] != STATISTICS_NOT_MEASURED &&
        measure_s(visit->issued_ms, visit->legs[0].first_called_ms, &truth_s)) {
        fact->estimated = true;
        fact->estimate_s = visit->estimate_s;
        fact->truth_s = (uint32_t)truth_s;
    }
}

static struct statistics_fact fact_of(const struct statistics_visit *visit, int index,
                                      const struct statistics_rules *rules)
{
    const struct statistics_leg *leg = &visit->legs[index];
    uint32_t target_s = rules->target_s[leg->category];
    struct statistics_fact fact = {
        .part = visit->part,
        .counter = leg->counter,
        .category = (uint8_t)leg->category,
        .hour = hour_of(rules, leg->enqueued_ms),
        .end = visit->legs[visit->leg_count - 1].end == STATISTICS_NOT_A_VISIT
                   ? (uint8_t)STATISTICS_NOT_A_VISIT
                   : leg->end,
        .first = index == 0,
    };

    for (int i = 0; i < STATISTICS_MEASURES; i++) {
        fact.time_s[i] = STATISTICS_NOT_MEASURED;
    }
    if (fact.end != STATISTICS_NOT_A_VISIT && leg_has_times(leg) &&
        (visit->doubtful || !measure_leg(leg, fact.time_s))) {
        fact.doubtful = true;
        for (int i = 0; i < STATISTICS_MEASURES; i++) {
            fact.time_s[i] = STATISTICS_NOT_MEASURED;
        }
    }
    fact.over = fact.time_s[STATISTICS_WAIT] >
                (int32_t)(target_s == 0 ? (uint32_t)STATISTICS_TARGET_S : target_s);
    if (index == 0) {
        estimate(visit, &fact);
    }
    return fact;
}

size_t statistics_measure(const struct statistics_visit *visit,
                          const struct statistics_rules *rules,
                          struct statistics_fact facts[STATISTICS_LEGS_MAX])
{
    size_t count = 0;
    int leg_count = visit->leg_count;

    CHECK(leg_count >= 1 && leg_count <= STATISTICS_LEGS_MAX);
    if (visit->legs[leg_count - 1].end == STATISTICS_NOT_A_VISIT) {
        leg_count = 1; /* once, where its number was given */
    }
    for (int i = 0; i < leg_count; i++) {
        uint16_t category = visit->legs[i].category;

        CHECK(visit->legs[i].end < STATISTICS_END_COUNT);
        if (category >= 1 && category <= STATISTICS_CATEGORIES_MAX) {
            facts[count++] = fact_of(visit, i, rules);
        }
    }
    return count;
}

/* ---- order ---------------------------------------------------------------------------------------------- */

static int compare(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_cells(const struct statistics_fact *a, const struct statistics_fact *b)
{
    int r = compare(a->part, b->part);

    r = r != 0 ? r : compare(a->category, b->category);
    r = r != 0 ? r : compare(a->hour, b->hour);
    return r != 0 ? r : compare(a->counter, b->counter);
}

/* Downwards from `at`, until the largest is on top. */
static void sift(struct statistics_fact *facts, size_t at, size_t count)
{
    for (;;) {
        size_t largest = 2 * at + 1;
        struct statistics_fact swapped;

        if (largest >= count) {
            return;
        }
        if (largest + 1 < count && compare_cells(&facts[largest], &facts[largest + 1]) < 0) {
            largest++;
        }
        if (compare_cells(&facts[at], &facts[largest]) >= 0) {
            return;
        }
        swapped = facts[at];
        facts[at] = facts[largest];
        facts[largest] = swapped;
        at = largest;
    }
}

/* Within a cell the order does not matter: sums come out the same. */
void statistics_sort(struct statistics_fact *facts, size_t count)
{
    for (size_t at = count / 2; at > 0; at--) {
        sift(facts, at - 1, count);
    }
    for (size_t left = count; left > 1; left--) {
        struct statistics_fact largest = facts[0];

        facts[0] = facts[left - 1];
        facts[left - 1] = largest;
        sift(facts, 0, left - 1);
    }
}

/* ---- kept rows ------------------------------------------------------------------------------------------- */

static uint16_t minutes(uint32_t time_s)
{
    uint32_t whole = time_s / S_PER_MINUTE + (time_s % S_PER_MINUTE >= S_PER_MINUTE / 2 ? 1 : 0);

    return whole < UINT16_MAX ? (uint16_t)whole : UINT16_MAX;
}

static struct statistics_kept kept_of(const struct statistics_fact *fact)
{
    struct statistics_kept row = {.counter = fact->counter,
                                  .category = fact->category,
                                  .hour = fact->hour,
                                  .end = fact->end,
                                  .first = fact->first,
                                  .doubtful = fact->doubtful,
                                  .estimated = fact->estimated};

    for (int i = 0; i < STATISTICS_MEASURES; i++) {
        row.time_min[i] = STATISTICS_NOT_MEASURED;
        if (fact->time_s[i] != STATISTICS_NOT_MEASURED) {
            row.time_min[i] = (int16_t)minutes((uint32_t)fact->time_s[i]);
        }
    }
    if (fact->estimated) {
        row.estimate_min = minutes(fact->estimate_s);
        row.truth_min = minutes(fact->truth_s);
    }
    return row;
}

int statistics_kept_compare(const struct statistics_kept *a, const struct statistics_kept *b)
{
    int r = compare(a->category, b->category);

    r = r != 0 ? r : compare(a->hour, b->hour);
    r = r != 0 ? r : compare(a->counter, b->counter);
    r = r != 0 ? r : compare(a->end, b->end);
    r = r != 0 ? r : compare(a->first, b->first);
    r = r != 0 ? r : compare(a->doubtful, b->doubtful);
    r = r != 0 ? r : compare(a->estimated, b->estimated);
    for (int i = 0; i < STATISTICS_MEASURES; i++) {
        r = r != 0 ? r : compare(a->time_min[i], b->time_min[i]);
    }
    r = r != 0 ? r : compare(a->estimate_min, b->estimate_min);
    return r != 0 ? r : compare(a->truth_min, b->truth_min);
}

static void sift_kept(struct statistics_kept *rows, size_t at, size_t count)
{
    for (;;) {
        size_t largest = 2 * at + 1;
        struct statistics_kept swapped;

        if (largest >= count) {
            return;
        }
        if (largest + 1 < count &&
            statistics_kept_compare(&rows[largest], &rows[largest + 1]) < 0) {
            largest++;
        }
        if (statistics_kept_compare(&rows[at], &rows[largest]) >= 0) {
            return;
        }
        swapped = rows[at];
        rows[at] = rows[largest];
        rows[largest] = swapped;
        at = largest;
    }
}

size_t statistics_keep(const struct statistics_fact *facts, size_t count,
                       struct statistics_kept *rows)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (facts[i].end != STATISTICS_NOT_A_VISIT && facts[i].end != STATISTICS_OPEN) {
            rows[kept++] = kept_of(&facts[i]);
        }
    }
    for (size_t at = kept / 2; at > 0; at--) {
        sift_kept(rows, at - 1, kept);
    }
    for (size_t left = kept; left > 1; left--) {
        struct statistics_kept largest = rows[0];

        rows[0] = rows[left - 1];
        rows[left - 1] = largest;
        sift_kept(rows, 0, left - 1);
    }
    return kept;
}

/* ---- sums ------------------------------------------------------------------------------------------------ */

uint32_t statistics_bucket(uint32_t time_s)
{
    uint32_t power = 0;

    if (time_s > STATISTICS_TIME_S_MAX) {
        time_s = STATISTICS_TIME_S_MAX;
    }
    while (time_s >> power >= 2 * STATISTICS_STEPS) {
        power++;
    }
    /* 0 .. 31 are themselves; then sixteen steps of each power of two. */
    return power * STATISTICS_STEPS + (time_s >> power);
}

uint32_t statistics_bucket_middle_s(uint32_t bucket)
{
    uint32_t power = bucket < 2 * STATISTICS_STEPS ? 0 : bucket / STATISTICS_STEPS - 1;
    uint32_t step = bucket - power * STATISTICS_STEPS;

    return (step << power) + ((UINT32_C(1) << power) - 1) / 2;
}

static void add_time(struct statistics_measure *measure, uint32_t time_s)
{
    measure->count++;
    measure->sum_s += time_s;
    measure->max_s = time_s > measure->max_s ? time_s : measure->max_s;
    measure->buckets[statistics_bucket(time_s)]++;
}

void statistics_add_fact(struct statistics_sums *sums, const struct statistics_fact *fact)
{
    uint64_t *counts = sums->counts;

    if (fact->end == STATISTICS_NOT_A_VISIT) {
        counts[STATISTICS_COUNT_NOT_VISITS] += fact->first;
        return;
    }
    counts[STATISTICS_COUNT_ARRIVED] += fact->first;
    counts[STATISTICS_COUNT_SERVICES]++;
    counts[STATISTICS_COUNT_OPEN + fact->end]++;
    counts[STATISTICS_COUNT_DOUBTFUL] += fact->doubtful;
    counts[STATISTICS_COUNT_OVER] += fact->over;
    for (int i = 0; i < STATISTICS_MEASURES; i++) {
        if (fact->time_s[i] != STATISTICS_NOT_MEASURED) {
            add_time(&sums->times[i], (uint32_t)fact->time_s[i]);
        }
    }
    if (fact->estimated) {
        counts[STATISTICS_COUNT_ESTIMATED]++;
        sums->estimate_s_sum += fact->estimate_s;
        sums->truth_s_sum += fact->truth_s;
        sums->error_s_sum += fact->estimate_s > fact->truth_s ? fact->estimate_s - fact->truth_s
                                                              : fact->truth_s - fact->estimate_s;
    }
}

void statistics_add(struct statistics_sums *sums, const struct statistics_sums *more)
{
    for (int i = 0; i < STATISTICS_COUNTS; i++) {
        sums->counts[i] += more->counts[i];
    }
    for (int i = 0; i < STATISTICS_MEASURES; i++) {
        struct statistics_measure *measure = &sums->times[i];

        measure->count += more->times[i].count;
        measure->sum_s += more->times[i].sum_s;
        measure->max_s =
            more->times[i].max_s > measure->max_s ? more->times[i].max_s : measure->max_s;
        for (int bucket = 0; bucket < STATISTICS_BUCKETS; bucket++) {
            measure->buckets[bucket] += more->times[i].buckets[bucket];
        }
    }
    sums->estimate_s_sum += more->estimate_s_sum;
    sums->truth_s_sum += more->truth_s_sum;
    sums->error_s_sum += more->error_s_sum;
}

uint32_t statistics_percentile_s(const struct statistics_measure *measure, uint32_t percent)
{
    uint64_t rank = (measure->count * percent + PERCENT - 1) / PERCENT;
    uint64_t seen = measure->buckets[0];
    uint32_t bucket = 0, middle_s;

    if (rank >= measure->count) {
        return measure->max_s;
    }
    while (seen < rank) { /* which all of them together are not below */
        seen += measure->buckets[++bucket];
    }
    middle_s = statistics_bucket_middle_s(bucket);
    return middle_s < measure->max_s ? middle_s : measure->max_s;
}

/* ---- tables --------------------------------------------------------------------------------------------- */

int statistics_key_compare(const struct statistics_key *a, const struct statistics_key *b)
{
    int r = compare(a->date, b->date);

    r = r != 0 ? r : compare(a->category, b->category);
    r = r != 0 ? r : compare(a->hour, b->hour);
    return r != 0 ? r : compare(a->counter, b->counter);
}

static uint64_t services_of(const struct statistics_row *row)
{
    return row->sums.counts[STATISTICS_COUNT_SERVICES];
}

void statistics_hide_few(struct statistics_sums *sums)
{
    if (sums->counts[STATISTICS_COUNT_SERVICES] >= STATISTICS_FEW) {
        return;
    }
    memset(sums->times, 0, sizeof(sums->times));
    sums->estimate_s_sum = sums->truth_s_sum = sums->error_s_sum = 0;
    sums->counts[STATISTICS_COUNT_ESTIMATED] = 0;
    sums->counts[STATISTICS_COUNT_OVER] = 0;
}

static void take_out(struct statistics_row *rows, size_t *count, size_t at)
{
    (*count)--;
    memmove(&rows[at], &rows[at + 1], (*count - at) * sizeof(rows[0]));
}

/* Puts the rows that are too small behind the others, each added to the first of them. */
static size_t gather_few(struct statistics_row *rows, size_t count, struct statistics_row *ret_few)
{
    size_t kept = 0;

    memset(ret_few, 0, sizeof(*ret_few));
    for (size_t at = 0; at < count; at++) {
        if (services_of(&rows[at]) < STATISTICS_FEW) {
            statistics_add(&ret_few->sums, &rows[at].sums);
            ret_few->few = true;
        } else {
            if (kept != at) {
                rows[kept] = rows[at];
            }
            kept++;
        }
    }
    return kept;
}

static size_t smallest_of(const struct statistics_row *rows, size_t count)
{
    size_t smallest = 0;

    for (size_t at = 1; at < count; at++) {
        if (services_of(&rows[at]) < services_of(&rows[smallest])) {
            smallest = at;
        }
    }
    return smallest;
}

size_t statistics_merge_few(struct statistics_row *rows, size_t count)
{
    struct statistics_row few;
    size_t kept = gather_few(rows, count, &few);

    if (!few.few) {
        return kept;
    }
    if (services_of(&few) > 0 && services_of(&few) < STATISTICS_FEW && kept > 0) {
        size_t smallest = smallest_of(rows, kept);

        statistics_add(&few.sums, &rows[smallest].sums);
        take_out(rows, &kept, smallest);
    }
    statistics_hide_few(&few.sums);
    rows[kept++] = few;
    return kept;
}
