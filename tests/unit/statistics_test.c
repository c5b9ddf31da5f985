/* What is measured of visits, how exact it stays, its bytes, and that nobody is told by a small row. */
#include "appliance/statistics/statistics.h"
#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MS = 1000,
    NINE_MS = 9 * 3600 * MS, /* 18:00 in Japan */
    JAPAN_MINUTES = 540,
    FACTS_MAX = 4000,
    BYTES_MAX = 400000,
};

static const struct statistics_rules rules = {.utc_offset_minutes = JAPAN_MINUTES,
                                              .target_s = {[2] = 60}};

static struct statistics_leg served_leg(uint16_t category, uint16_t counter, int64_t at_ms)
{
    return (struct statistics_leg){.category = category,
                                   .counter = counter,
                                   .end = STATISTICS_SERVED,
                                   .enqueued_ms = at_ms,
                                   .first_called_ms = at_ms + 300 * MS,
                                   .called_ms = at_ms + 310 * MS,
                                   .started_ms = at_ms + 330 * MS,
                                   .ended_ms = at_ms + 600 * MS,
                                   .served_ms = 250 * MS,
                                   .held_ms = 20 * MS};
}

static struct statistics_visit one_leg(void)
{
    struct statistics_visit visit = {
        .issued_ms = NINE_MS, .estimated = true, .estimate_s = 600, .leg_count = 1};

    visit.legs[0] = served_leg(2, 3, NINE_MS);
    return visit;
}

static struct statistics_fact measure_one(const struct statistics_visit *visit)
{
    struct statistics_fact facts[STATISTICS_LEGS_MAX];

    assert_int_equal(statistics_measure(visit, &rules, facts), 1);
    return facts[0];
}

static void a_leg_counts_where_and_when_it_waited(void **state)
{
    struct statistics_visit visit = one_leg();
    struct statistics_fact fact = measure_one(&visit);

    (void)state;
    assert_int_equal(fact.category, 2);
    assert_int_equal(fact.counter, 3);
    assert_int_equal(fact.hour, 18);
    assert_true(fact.first && !fact.doubtful);
    assert_int_equal(fact.time_s[STATISTICS_WAIT], 300);
    assert_int_equal(fact.time_s[STATISTICS_WALK_UP], 20);
    assert_int_equal(fact.time_s[STATISTICS_SERVICE], 250);
    assert_int_equal(fact.time_s[STATISTICS_HOLD], 20);
    assert_true(fact.over); /* 60 s is what its category promises */
    assert_true(fact.estimated);
    assert_int_equal(fact.estimate_s, 600);
    assert_int_equal(fact.truth_s, 300);
    visit.legs[0].category = 1; /* twenty minutes where nothing is promised */
    assert_false(measure_one(&visit).over);
}

static void hours_are_those_of_the_wall(void **state)
{
    struct statistics_visit visit = one_leg();
    struct statistics_rules west = {.utc_offset_minutes = -600};
    struct statistics_fact facts[STATISTICS_LEGS_MAX];

    (void)state;
    visit.legs[0].enqueued_ms = 15 * 3600 * (int64_t)MS; /* midnight in Japan */
    assert_int_equal(measure_one(&visit).hour, 0);
    visit.legs[0].enqueued_ms = 3600 * MS;
    assert_int_equal(statistics_measure(&visit, &west, facts), 1);
    assert_int_equal(facts[0].hour, 15);
}

static void what_was_not_pressed_is_not_measured(void **state)
{
    struct statistics_visit visit = one_leg();
    struct statistics_fact fact;

    (void)state;
    visit.legs[0].started_ms = 0;
    visit.legs[0].held_ms = 0;
    fact = measure_one(&visit);
    assert_int_equal(fact.time_s[STATISTICS_WALK_UP], STATISTICS_NOT_MEASURED);
    assert_int_equal(fact.time_s[STATISTICS_HOLD], STATISTICS_NOT_MEASURED);
    assert_int_equal(fact.time_s[STATISTICS_SERVICE], 250);
    visit = one_leg();
    visit.legs[0].started_ms =
        visit.legs[0].called_ms - MS; /* and then called again, and taken back */
    fact = measure_one(&visit);
    assert_int_equal(fact.time_s[STATISTICS_WALK_UP], STATISTICS_NOT_MEASURED);
    assert_false(fact.doubtful);
    visit.legs[0] =
        (struct statistics_leg){.category = 2, .end = STATISTICS_OPEN, .enqueued_ms = NINE_MS};
    fact = measure_one(&visit);
    assert_int_equal(fact.time_s[STATISTICS_WAIT], STATISTICS_NOT_MEASURED);
    assert_false(fact.estimated || fact.over || fact.doubtful);
}

static void what_the_closing_ended_has_no_times(void **state)
{
    struct statistics_visit visit = one_leg();

    (void)state;
    visit.legs[0].end = STATISTICS_EXPIRED;
    assert_int_equal(measure_one(&visit).time_s[STATISTICS_WAIT], STATISTICS_NOT_MEASURED);
    assert_false(measure_one(&visit).doubtful);
    visit.legs[0].end = STATISTICS_CANCELLED;
    assert_int_equal(measure_one(&visit).time_s[STATISTICS_WAIT], STATISTICS_NOT_MEASURED);
    visit.legs[0].end = STATISTICS_NO_SHOW; /* it was called: that it waited for */
    assert_int_equal(measure_one(&visit).time_s[STATISTICS_WAIT], 300);
    assert_int_equal(measure_one(&visit).time_s[STATISTICS_SERVICE], STATISTICS_NOT_MEASURED);
}

static void a_doubtful_time_is_counted_and_left_out(void **state)
{
    const struct statistics_visit sound = one_leg();
    struct statistics_visit cases[6] = {sound, sound, sound, sound, sound, sound};
    int64_t forgotten_ms = (int64_t)(STATISTICS_TIME_S_MAX + 1) * MS;

    (void)state;
    cases[0].doubtful = true;                        /* written by hand */
    cases[1].legs[0].first_called_ms = NINE_MS - MS; /* the clock went back */
    cases[2].legs[0].called_ms =
        cases[2].legs[0].started_ms - forgotten_ms; /* nobody pressed start */
    cases[3].legs[0].ended_ms = cases[3].legs[0].started_ms - MS;
    cases[4].legs[0].served_ms = (uint32_t)forgotten_ms; /* nobody pressed complete */
    cases[5].legs[0].held_ms = (uint32_t)forgotten_ms;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct statistics_fact fact = measure_one(&cases[i]);
        struct statistics_sums sums = {0};

        assert_true(fact.doubtful);
        assert_false(fact.over || fact.estimated);
        statistics_add_fact(&sums, &fact);
        assert_int_equal(sums.counts[STATISTICS_COUNT_ARRIVED], 1);
        assert_int_equal(sums.counts[STATISTICS_COUNT_SERVED], 1);
        assert_int_equal(sums.counts[STATISTICS_COUNT_DOUBTFUL], 1);
        for (int m = 0; m < STATISTICS_MEASURES; m++) {
            assert_int_equal(sums.times[m].count, 0);
        }
    }
}

static void several_services_are_one_arrival(void **state)
{
    struct statistics_visit visit = one_leg();
    struct statistics_fact facts[STATISTICS_LEGS_MAX];
    struct statistics_sums sums = {0};

    (void)state;
    visit.leg_count = 3;
    visit.legs[0].end = STATISTICS_TRANSFERRED;
    visit.legs[1] = served_leg(4, 1, NINE_MS + 1000 * MS);
    visit.legs[2] = served_leg(33, 1, NINE_MS); /* a category that no site can have */
    assert_int_equal(statistics_measure(&visit, &rules, facts), 2);
    statistics_add_fact(&sums, &facts[0]);
    statistics_add_fact(&sums, &facts[1]);
    assert_int_equal(sums.counts[STATISTICS_COUNT_ARRIVED], 1);
    assert_int_equal(sums.counts[STATISTICS_COUNT_SERVICES], 2);
    assert_int_equal(sums.counts[STATISTICS_COUNT_TRANSFERRED], 1);
    assert_int_equal(sums.counts[STATISTICS_COUNT_SERVED], 1);
    assert_int_equal(sums.counts[STATISTICS_COUNT_ESTIMATED], 1); /* of the first only */
    assert_int_equal(sums.error_s_sum, 300);
}

static void the_second_ticket_of_one_touch_is_no_visit(void **state)
{
    struct statistics_visit visit = one_leg();
    struct statistics_sums sums = {0};
    struct statistics_fact fact;

    (void)state;
    visit.leg_count = 2;
    visit.legs[1] = visit.legs[0];
    visit.legs[1].end = STATISTICS_NOT_A_VISIT;
    fact = measure_one(&visit);
    statistics_add_fact(&sums, &fact);
    assert_int_equal(sums.counts[STATISTICS_COUNT_NOT_VISITS], 1);
    assert_int_equal(sums.counts[STATISTICS_COUNT_ARRIVED], 0);
    assert_int_equal(sums.counts[STATISTICS_COUNT_SERVICES], 0);
}

static void no_time_is_off_by_more_than_a_thirty_second(void **state)
{
    (void)state;
    for (uint32_t time_s = 0; time_s <= STATISTICS_TIME_S_MAX; time_s++) {
        uint32_t bucket = statistics_bucket(time_s);
        uint32_t middle_s = statistics_bucket_middle_s(bucket);
        uint32_t off_s = middle_s > time_s ? middle_s - time_s : time_s - middle_s;

        assert_true(bucket < STATISTICS_BUCKETS);
        assert_true(off_s * 32 <= time_s);
        assert_true(time_s >= 32 || off_s == 0);
        assert_true(time_s == 0 || bucket >= statistics_bucket(time_s - 1));
    }
    assert_int_equal(statistics_bucket(UINT32_MAX), statistics_bucket(STATISTICS_TIME_S_MAX));
}

static int by_size(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Drawn by hand, so that a failure comes back. */
static uint32_t draw(uint64_t *random, uint32_t below)
{
    *random = *random * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(*random >> 33) % below;
}

static void percentiles_are_those_of_the_sorted_times(void **state)
{
    uint64_t random = 7;

    (void)state;
    for (int round = 0; round < 200; round++) {
        int times[200], count = 1 + (int)draw(&random, 200);
        struct statistics_sums sums = {0};

        for (int i = 0; i < count; i++) {
            struct statistics_fact fact = {.end = STATISTICS_SERVED, .time_s = {-1, -1, -1, -1}};

            times[i] = (int)draw(&random, 1 + draw(&random, STATISTICS_TIME_S_MAX));
            fact.time_s[STATISTICS_WAIT] = times[i];
            statistics_add_fact(&sums, &fact);
        }
        qsort(times, (size_t)count, sizeof(times[0]), by_size);
        for (int percent = 1; percent <= 100; percent++) {
            int truth = times[(count * percent + 99) / 100 - 1];
            int said =
                (int)statistics_percentile_s(&sums.times[STATISTICS_WAIT], (uint32_t)percent);

            assert_true(abs(said - truth) * 32 <= truth);
        }
        assert_int_equal(sums.times[STATISTICS_WAIT].max_s, times[count - 1]);
    }
    assert_int_equal(statistics_percentile_s(&(struct statistics_measure){0}, 50), 0);
}

/* ---- bytes ---------------------------------------------------------------------------------------------- */

static size_t random_facts(uint64_t *random, size_t count, struct statistics_fact *facts)
{
    for (size_t i = 0; i < count; i++) {
        struct statistics_fact *fact = &facts[i];

        *fact = (struct statistics_fact){.category = (uint8_t)(1 + draw(random, 10)),
                                         .counter = (uint16_t)draw(random, 5),
                                         .hour = (uint8_t)(8 + draw(random, 9)),
                                         .end = (uint8_t)draw(random, STATISTICS_END_COUNT),
                                         .first = true};
        for (int m = 0; m < STATISTICS_MEASURES; m++) {
            fact->time_s[m] = draw(random, 3) == 0 ? -1 : (int32_t)draw(random, 3000);
        }
        fact->over = fact->time_s[STATISTICS_WAIT] > 1200;
        fact->estimated = draw(random, 2) == 0;
        fact->estimate_s = 300 * draw(random, 10);
        fact->truth_s = draw(random, 3000);
    }
    statistics_sort(facts, count);
    return count;
}

struct gathered {
    struct statistics_sums total;
    struct statistics_cell last;
    size_t cells;
    size_t stop_at;
};

static struct statistics_sums *gather(void *context, const struct statistics_cell *cell)
{
    struct gathered *gathered = context;

    gathered->last = *cell;
    return gathered->cells++ == gathered->stop_at ? NULL : &gathered->total;
}

static struct gathered *new_gathered(void)
{
    struct gathered *gathered = calloc(1, sizeof(*gathered));

    assert_non_null(gathered);
    gathered->stop_at = SIZE_MAX;
    return gathered;
}

static void a_sealed_day_says_what_its_facts_say(void **state)
{
    struct statistics_fact *facts = calloc(FACTS_MAX, sizeof(*facts));
    struct statistics_sums scratch;
    uint8_t bytes[STATISTICS_CHUNK_BYTES_MAX];
    uint64_t random = 11;

    (void)state;
    for (int round = 0; round < 40; round++) {
        size_t count = random_facts(&random, draw(&random, FACTS_MAX), facts);
        struct gathered *gathered = new_gathered();
        struct statistics_sums sums = {0};
        size_t at = 0, chunks = 0;

        for (size_t i = 0; i < count; i++) {
            statistics_add_fact(&sums, &facts[i]);
        }
        while (at < count) {
            size_t capacity = STATISTICS_CELL_BYTES_MAX;
            size_t len_bytes =
                statistics_cells_encode(facts, count, &at, &scratch, bytes, capacity);

            assert_true(statistics_cells_decode(bytes, len_bytes, gather, gathered));
            chunks++;
        }
        assert_true(count < 400 || chunks > 1);
        assert_memory_equal(&gathered->total, &sums, sizeof(sums));
        free(gathered);
    }
    free(facts);
}

static void the_order_in_which_visits_came_changes_no_byte(void **state)
{
    static struct statistics_fact facts[2][500];
    static uint8_t bytes[2][BYTES_MAX];
    struct statistics_sums scratch;
    uint64_t random = 13;
    size_t len_bytes[2];

    (void)state;
    random_facts(&random, 500, facts[0]);
    for (size_t i = 0; i < 500; i++) {
        facts[1][499 - i] = facts[0][i];
    }
    for (int i = 0; i < 2; i++) {
        size_t at = 0;

        statistics_sort(facts[i], 500);
        len_bytes[i] = statistics_cells_encode(facts[i], 500, &at, &scratch, bytes[i], BYTES_MAX);
    }
    assert_int_equal(len_bytes[0], len_bytes[1]);
    assert_memory_equal(bytes[0], bytes[1], len_bytes[0]);
}

static void damaged_cells_are_refused_or_are_other_cells(void **state)
{
    struct statistics_fact facts[30];
    struct statistics_sums scratch;
    uint8_t bytes[4096], again[4096];
    uint64_t random = 17;
    size_t at = 0, len_bytes, refused = 0;

    (void)state;
    random_facts(&random, ARRAY_COUNT(facts), facts);
    len_bytes = statistics_cells_encode(facts, ARRAY_COUNT(facts), &at, &scratch, bytes, 4096);
    for (size_t cut = 1; cut < len_bytes; cut++) {
        struct gathered *gathered = new_gathered();
        bool whole = statistics_cells_decode(bytes, cut, gather, gathered);

        /* At a boundary the cells before it are whole ones; a chunk's length is the entry's to keep. */
        assert_true(!whole || gathered->cells < ARRAY_COUNT(facts));
        free(gathered);
    }
    for (size_t i = 0; i < len_bytes; i++) {
        for (int bit = 0; bit < 8; bit++) {
            struct gathered *gathered = new_gathered();

            memcpy(again, bytes, len_bytes);
            again[i] ^= (uint8_t)(1 << bit);
            refused += !statistics_cells_decode(again, len_bytes, gather, gathered);
            free(gathered);
        }
    }
    assert_true(refused * 10 > len_bytes * 8 * 4);
}

static bool decodes(const uint8_t *bytes, size_t len_bytes)
{
    struct gathered *gathered = new_gathered();
    bool whole = statistics_cells_decode(bytes, len_bytes, gather, gathered);

    free(gathered);
    return whole;
}

static void cells_that_nobody_writes_are_refused(void **state)
{
    /* category, hour, counter, mask, then what the mask says */
    static const uint8_t sound[] = {1, 9, 0, 2, 0x03, 1, 1};
    static const uint8_t with_time[] = {1, 9, 0, 2, 0x82, 0x20, 1, 1, 5, 5, 5, 1};
    static const struct {
        uint8_t bytes[16];
        size_t len_bytes;
    } bad[] = {
        {{0, 9, 0, 2, 0x03, 1, 1}, 7}, /* no such category */
        {{33, 9, 0, 2, 0x03, 1, 1}, 7},
        {{1, 24, 0, 2, 0x03, 1, 1}, 7},                         /* no such hour */
        {{1, 9, 0, 2, 0x00}, 5},                                /* a cell of nothing */
        {{1, 9, 0, 2, 0x03, 0, 1}, 7},                          /* a count of nothing */
        {{1, 9, 0, 2, 0x83, 0x00, 1, 1}, 8},                    /* longer than it need be */
        {{1, 9, 0, 2, 0x80, 0x80, 0x04, 1}, 8},                 /* no such bit */
        {{1, 9, 0, 2, 0x02, 0xff, 0xff, 0xff, 0xff, 0x7f}, 10}, /* more than there can be */
        {{1, 9, 0, 2, 0x02, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 16},
        {{1, 9, 0, 2, 0x82, 0x20, 1, 1, 9, 5, 5, 1}, 12}, /* the sum is more than the longest */
        {{1, 9, 0, 2, 0x82, 0x20, 1, 2, 5, 5, 5, 1}, 12}, /* two times, one of them nowhere */
        {{1, 9, 0, 2, 0x82, 0x20, 1, 1, 5, 5, 4, 1}, 12}, /* the longest is not in the last step */
        {{1, 9, 0, 2, 0x82, 0x20, 1, 1, 5, 5, 5, 0}, 12},
    };
    static const uint8_t twice[] = {1, 9, 0, 2, 0x03, 1, 1, 1, 9, 0, 2, 0x03, 1, 1};
    static const uint8_t rising[] = {1,    9, 0, 2, 0x03, 1, 1, 1,    10, 0, 0,
                                     0x03, 1, 1, 2, 8,    0, 0, 0x03, 1,  1};
    struct gathered *stopped = new_gathered();

    (void)state;
    assert_true(decodes(sound, sizeof(sound)));
    assert_true(decodes(with_time, sizeof(with_time)));
    assert_true(decodes(rising, sizeof(rising)));
    assert_false(decodes(twice, sizeof(twice)));
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        if (decodes(bad[i].bytes, bad[i].len_bytes)) {
            fail_msg("case %zu is taken", i);
        }
    }
    stopped->stop_at = 1;
    assert_false(statistics_cells_decode(rising, sizeof(rising), gather, stopped));
    free(stopped);
}

static void a_head_comes_back_and_nonsense_does_not(void **state)
{
    const struct statistics_head head = {.date = 20261124,
                                         .annulled = 2,
                                         .part = 1,
                                         .visits = 300,
                                         .set = 77,
                                         .index = 1,
                                         .count = 3,
                                         .previous = 1234,
                                         .newest_date = 20261125};
    struct statistics_head bad[4] = {head, head, head, head};
    uint8_t bytes[STATISTICS_HEAD_BYTES];
    struct statistics_head back = {0};

    (void)state;
    statistics_head_encode(&head, bytes);
    assert_true(statistics_head_decode(bytes, sizeof(bytes), &back));
    assert_int_equal(back.date, head.date);
    assert_int_equal(back.annulled, head.annulled);
    assert_int_equal(back.part, head.part);
    assert_int_equal(back.visits, head.visits);
    assert_int_equal(back.set, head.set);
    assert_int_equal(back.index, head.index);
    assert_int_equal(back.count, head.count);
    assert_int_equal(back.previous, head.previous);
    assert_int_equal(back.newest_date, head.newest_date);
    for (size_t cut = 0; cut < sizeof(bytes); cut++) {
        assert_false(statistics_head_decode(bytes, cut, &back));
    }
    bytes[0]++;
    assert_false(statistics_head_decode(bytes, sizeof(bytes), &back));
    bad[0].index = 3;
    bad[1].newest_date = 20261123;
    bad[2].date = 0;
    bad[3].count = 0;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        statistics_head_encode(&bad[i], bytes);
        assert_false(statistics_head_decode(bytes, sizeof(bytes), &back));
    }
}

/* A day of a ward office: printed, because docs/STATISTICS.md says it. */
static void a_day_of_three_hundred_visits_is_small(void **state)
{
    static struct statistics_fact facts[300];
    static uint8_t bytes[BYTES_MAX];
    struct statistics_sums scratch;
    uint64_t random = 19;
    size_t at = 0, len_bytes;

    (void)state;
    random_facts(&random, ARRAY_COUNT(facts), facts);
    len_bytes = statistics_cells_encode(facts, ARRAY_COUNT(facts), &at, &scratch, bytes, BYTES_MAX);
    printf("statistics of 300 visits: %zu bytes\n", len_bytes);
    assert_true(len_bytes < 16 * 1024);
}

/* ---- kept rows ------------------------------------------------------------------------------------------ */

enum { KEPT_MAX = 4000 };

struct kept {
    struct statistics_kept rows[KEPT_MAX];
    size_t count, stop_at;
};

static bool take_kept(void *context, const struct statistics_kept *row)
{
    struct kept *kept = context;

    kept->rows[kept->count] = *row;
    return kept->count++ != kept->stop_at;
}

static bool kept_decodes(const uint8_t *bytes, size_t len_bytes, struct kept *kept)
{
    kept->count = 0;
    kept->stop_at = SIZE_MAX;
    return statistics_kept_decode(bytes, len_bytes, take_kept, kept);
}

/* Every field that a row has, beside the fact that it is of; and nothing else can be in it. */
static void a_kept_row_is_its_leg_in_minutes(void **state)
{
    const struct statistics_fact facts[] = {
        {.part = 2,
         .counter = 3,
         .category = 4,
         .hour = 9,
         .end = STATISTICS_SERVED,
         .first = true,
         .over = true,
         .estimated = true,
         .time_s = {629, 29, 30, 89},
         .estimate_s = 900,
         .truth_s = 600},
        {.category = 4,
         .hour = 9,
         .end = STATISTICS_EXPIRED,
         .doubtful = true,
         .time_s = {-1, -1, -1, -1}},
        {.category = 4,
         .hour = 9,
         .end = STATISTICS_NOT_A_VISIT,
         .first = true,
         .time_s = {-1, -1, -1, -1}},
        {.category = 4,
         .hour = 9,
         .end = STATISTICS_OPEN,
         .first = true,
         .time_s = {-1, -1, -1, -1}},
        {.category = 1,
         .hour = 16,
         .end = STATISTICS_SERVED,
         .first = true,
         .estimated = true,
         .time_s = {STATISTICS_TIME_S_MAX, -1, 0, -1},
         .estimate_s = UINT32_MAX,
         .truth_s = 29},
    };
    struct statistics_kept rows[5];

    (void)state;
    assert_int_equal(statistics_keep(facts, ARRAY_COUNT(facts), rows), 3);
    assert_int_equal(rows[0].category, 1);
    assert_int_equal(rows[0].time_min[STATISTICS_WAIT], STATISTICS_TIME_MIN_MAX);
    assert_int_equal(rows[0].time_min[STATISTICS_WALK_UP], STATISTICS_NOT_MEASURED);
    assert_int_equal(rows[0].time_min[STATISTICS_SERVICE], 0);
    assert_int_equal(rows[0].estimate_min, UINT16_MAX);
    assert_int_equal(rows[0].truth_min, 0);
    assert_int_equal(rows[1].end, STATISTICS_EXPIRED);
    assert_true(rows[1].doubtful && !rows[1].first && rows[1].counter == 0);
    assert_int_equal(rows[2].counter, 3);
    assert_int_equal(rows[2].hour, 9);
    assert_true(rows[2].first && rows[2].estimated && !rows[2].doubtful);
    assert_int_equal(rows[2].time_min[STATISTICS_WAIT], 10);
    assert_int_equal(rows[2].time_min[STATISTICS_WALK_UP], 0);
    assert_int_equal(rows[2].time_min[STATISTICS_SERVICE], 1);
    assert_int_equal(rows[2].time_min[STATISTICS_HOLD], 1);
    assert_int_equal(rows[2].estimate_min, 15);
    assert_int_equal(rows[2].truth_min, 10);
    assert_int_equal(statistics_keep(facts, 0, rows), 0);
}

static void assert_same_rows(const struct statistics_kept *a, const struct statistics_kept *b,
                             size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(statistics_kept_compare(&a[i], &b[i]), 0);
    }
}

/* In whatever order visitors came: the same rows, the same bytes. Their order tells nothing of who was first. */
static void kept_rows_come_back_and_do_not_tell_the_order(void **state)
{
    static struct statistics_fact facts[400], shuffled[400];
    static struct statistics_kept rows[400], again[400];
    static uint8_t bytes[BYTES_MAX], other[BYTES_MAX];
    struct kept *kept = calloc(1, sizeof(*kept));
    uint64_t random = 23;

    (void)state;
    for (int round = 0; round < 30; round++) {
        size_t count = random_facts(&random, 1 + draw(&random, 400), facts), kept_count, at = 0;
        size_t len_bytes = 0, total = 0;

        memcpy(shuffled, facts, sizeof(facts));
        for (size_t i = count; i > 1; i--) {
            size_t with = draw(&random, (uint32_t)i);
            struct statistics_fact swapped = shuffled[with];

            shuffled[with] = shuffled[i - 1];
            shuffled[i - 1] = swapped;
        }
        kept_count = statistics_keep(facts, count, rows);
        assert_int_equal(statistics_keep(shuffled, count, again), kept_count);
        assert_same_rows(rows, again, kept_count);
        for (size_t i = 1; i < kept_count; i++) {
            assert_true(statistics_kept_compare(&rows[i - 1], &rows[i]) <= 0);
        }
        while (at < kept_count) { /* in pieces, as chunks are */
            size_t piece = statistics_kept_encode(rows, kept_count, &at, bytes + len_bytes,
                                                  STATISTICS_KEPT_BYTES_MAX + draw(&random, 500));

            assert_true(kept_decodes(bytes + len_bytes, piece, kept));
            assert_same_rows(kept->rows, rows + total, kept->count);
            total += kept->count;
            len_bytes += piece;
        }
        assert_int_equal(total, kept_count);
        at = 0;
        assert_int_equal(statistics_kept_encode(again, kept_count, &at, other, sizeof(other)),
                         len_bytes);
        assert_memory_equal(bytes, other, len_bytes);
        for (int flip = 0; flip < 200 && len_bytes > 0;
             flip++) { /* refused, or rows that encode to it */
            size_t place = draw(&random, (uint32_t)len_bytes);
            uint8_t was = other[place];

            other[place] ^= (uint8_t)(1 + draw(&random, 255));
            if (kept_decodes(other, len_bytes, kept)) {
                at = 0;
                assert_int_equal(
                    statistics_kept_encode(kept->rows, kept->count, &at, bytes, sizeof(bytes)),
                    len_bytes);
                assert_memory_equal(bytes, other, len_bytes);
            }
            other[place] = was;
        }
    }
    free(kept);
}

static void rows_that_nobody_keeps_are_refused(void **state)
{
    /* category, hour, counter, end, flags, times and estimate as the flags say */
    static const uint8_t sound[] = {1, 9, 0, 2, 1, 0x0d, 10, 15, 10};
    static const uint8_t falling[] = {2, 9, 0, 2, 1, 1, 1, 9, 0, 2, 1, 1};
    static const uint8_t twice[] = {1, 9, 0, 2, 1, 1, 1, 9, 0, 2, 1, 1};
    static const struct {
        uint8_t bytes[12];
        size_t len_bytes;
    } bad[] = {
        {{0, 9, 0, 2, 1, 1}, 6},
        {{33, 9, 0, 2, 1, 1}, 6},
        {{1, 24, 0, 2, 1, 1}, 6},
        {{1, 9, 0, 2, 0, 1}, 6}, /* not over */
        {{1, 9, 0, 2, 6, 1}, 6}, /* no visit */
        {{1, 9, 0, 2, 1, 0x81}, 6},
        {{1, 9, 0, 2, 1, 0x09, 0xe1, 0x03}, 8}, /* longer than eight hours */
        {{1, 9, 0, 2, 1, 0x05, 15, 0xe1, 0x03}, 9},
        {{1, 9, 0, 2, 1, 0x05, 0x80, 0x80, 0x04, 1}, 10},
        {{1, 9, 0, 2, 1, 0x09, 0x81, 0x00}, 8}, /* longer than it need be */
    };
    struct kept *kept = calloc(1, sizeof(*kept));

    (void)state;
    assert_true(kept_decodes(sound, sizeof(sound), kept));
    assert_int_equal(kept->rows[0].estimate_min, 15);
    assert_true(kept_decodes(twice, sizeof(twice), kept));
    assert_false(kept_decodes(falling, sizeof(falling), kept));
    for (size_t cut = 1; cut < sizeof(sound); cut++) {
        assert_false(kept_decodes(sound, cut, kept));
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        if (kept_decodes(bad[i].bytes, bad[i].len_bytes, kept)) {
            fail_msg("case %zu is taken", i);
        }
    }
    kept->count = 0;
    kept->stop_at = 0;
    assert_false(statistics_kept_decode(twice, sizeof(twice), take_kept, kept));
    free(kept);
}

/* Printed, because docs/STATISTICS.md says it. */
static void a_day_of_three_hundred_kept_rows_is_small(void **state)
{
    static struct statistics_fact facts[300];
    static struct statistics_kept rows[300];
    static uint8_t bytes[BYTES_MAX];
    uint64_t random = 19;
    size_t at = 0, count, len_bytes;

    (void)state;
    random_facts(&random, ARRAY_COUNT(facts), facts);
    count = statistics_keep(facts, ARRAY_COUNT(facts), rows);
    len_bytes = statistics_kept_encode(rows, count, &at, bytes, sizeof(bytes));
    printf("kept rows of 300 visits: %zu bytes\n", len_bytes);
    assert_true(len_bytes < 6 * 1024);
}

/* ---- tables ------------------------------------------------------------------------------------------- */

static struct statistics_row row_of(uint16_t category, uint64_t services)
{
    struct statistics_row row = {.key = {.category = category, .hour = -1, .counter = -1}};
    struct statistics_fact fact = {
        .end = STATISTICS_SERVED, .first = true, .time_s = {100, -1, -1, -1}};

    for (uint64_t i = 0; i < services; i++) {
        statistics_add_fact(&row.sums, &fact);
    }
    return row;
}

static uint64_t services_of(const struct statistics_row *row)
{
    return row->sums.counts[STATISTICS_COUNT_SERVICES];
}

static void small_rows_are_shown_together(void **state)
{
    struct statistics_row rows[] = {row_of(1, 5), row_of(2, 2), row_of(3, 9), row_of(4, 1)};
    size_t count = statistics_merge_few(rows, ARRAY_COUNT(rows));

    (void)state;
    assert_int_equal(count, 3);
    assert_int_equal(rows[0].key.category, 1);
    assert_int_equal(rows[1].key.category, 3);
    assert_true(rows[2].few);
    assert_int_equal(services_of(&rows[2]), 3);
    assert_int_equal(rows[2].sums.times[STATISTICS_WAIT].sum_s, 300);
}

static void one_small_row_takes_another_with_it(void **state)
{
    struct statistics_row rows[] = {row_of(1, 5), row_of(2, 1), row_of(3, 4)};
    size_t count = statistics_merge_few(rows, ARRAY_COUNT(rows));

    (void)state;
    /* Alone it would stand there as the total less the others. */
    assert_int_equal(count, 2);
    assert_int_equal(rows[0].key.category, 1);
    assert_true(rows[1].few);
    assert_int_equal(services_of(&rows[1]), 5);
}

static void a_table_of_two_visits_keeps_counts_and_loses_times(void **state)
{
    struct statistics_row rows[] = {row_of(1, 1), row_of(2, 1)};
    struct statistics_row none[1];
    struct statistics_sums alone = rows[0].sums;
    size_t count = statistics_merge_few(rows, ARRAY_COUNT(rows));

    (void)state;
    assert_int_equal(count, 1);
    assert_int_equal(services_of(&rows[0]), 2);
    assert_int_equal(rows[0].sums.times[STATISTICS_WAIT].count, 0);
    assert_int_equal(statistics_merge_few(none, 0), 0);
    statistics_hide_few(&alone);
    assert_int_equal(alone.counts[STATISTICS_COUNT_ARRIVED], 1);
    assert_int_equal(alone.times[STATISTICS_WAIT].count, 0);
}

static void no_random_table_shows_fewer_than_three(void **state)
{
    uint64_t random = 23;

    (void)state;
    for (int round = 0; round < 300; round++) {
        struct statistics_row rows[12];
        size_t count = draw(&random, 12), left;
        uint64_t before = 0, after = 0;

        for (size_t i = 0; i < count; i++) {
            rows[i] = row_of((uint16_t)(i + 1), draw(&random, 7));
            before += services_of(&rows[i]);
        }
        left = statistics_merge_few(rows, count);
        for (size_t i = 0; i < left; i++) {
            after += services_of(&rows[i]);
            assert_true(services_of(&rows[i]) >= STATISTICS_FEW ||
                        rows[i].sums.times[STATISTICS_WAIT].count == 0);
            assert_true(i == 0 || rows[i].few ||
                        statistics_key_compare(&rows[i - 1].key, &rows[i].key) < 0);
        }
        assert_int_equal(before, after);
    }
}

static void keys_stand_by_day_category_hour_and_counter(void **state)
{
    const struct statistics_key a = {20261124, 2, 9, 3};
    struct statistics_key b = a;

    (void)state;
    assert_int_equal(statistics_key_compare(&a, &b), 0);
    b.counter = 4;
    assert_true(statistics_key_compare(&a, &b) < 0);
    b.hour = 8;
    assert_true(statistics_key_compare(&a, &b) > 0);
    b.category = 3;
    assert_true(statistics_key_compare(&a, &b) < 0);
    b.date = 20261123;
    assert_true(statistics_key_compare(&a, &b) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leg_counts_where_and_when_it_waited),
        cmocka_unit_test(hours_are_those_of_the_wall),
        cmocka_unit_test(what_was_not_pressed_is_not_measured),
        cmocka_unit_test(what_the_closing_ended_has_no_times),
        cmocka_unit_test(a_doubtful_time_is_counted_and_left_out),
        cmocka_unit_test(several_services_are_one_arrival),
        cmocka_unit_test(the_second_ticket_of_one_touch_is_no_visit),
        cmocka_unit_test(no_time_is_off_by_more_than_a_thirty_second),
        cmocka_unit_test(percentiles_are_those_of_the_sorted_times),
        cmocka_unit_test(a_sealed_day_says_what_its_facts_say),
        cmocka_unit_test(the_order_in_which_visits_came_changes_no_byte),
        cmocka_unit_test(damaged_cells_are_refused_or_are_other_cells),
        cmocka_unit_test(cells_that_nobody_writes_are_refused),
        cmocka_unit_test(a_head_comes_back_and_nonsense_does_not),
        cmocka_unit_test(a_day_of_three_hundred_visits_is_small),
        cmocka_unit_test(a_kept_row_is_its_leg_in_minutes),
        cmocka_unit_test(kept_rows_come_back_and_do_not_tell_the_order),
        cmocka_unit_test(rows_that_nobody_keeps_are_refused),
        cmocka_unit_test(a_day_of_three_hundred_kept_rows_is_small),
        cmocka_unit_test(small_rows_are_shown_together),
        cmocka_unit_test(one_small_row_takes_another_with_it),
        cmocka_unit_test(a_table_of_two_visits_keeps_counts_and_loses_times),
        cmocka_unit_test(no_random_table_shows_fewer_than_three),
        cmocka_unit_test(keys_stand_by_day_category_hour_and_counter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
