/* Statistics outlive the visits: what is sealed beside what the presses were, erasure, annulment, a meeting. */
#include "tests/unit/statistics_fixture.h"

/* ---- the tests ------------------------------------------------------------------------------------------------- */

/* Every cell of a sealed day, no row merged. */
struct cells {
    struct statistics_sums sums[CATEGORIES + 1][STATISTICS_HOURS][COUNTERS + 1];
};

static struct statistics_sums *cell_of(void *context, const struct statistics_cell *cell)
{
    struct cells *cells = context;

    assert_true(cell->category <= CATEGORIES && cell->counter <= COUNTERS);
    return &cells->sums[cell->category][cell->hour][cell->counter];
}

static void assert_sealed_cells(struct book *book)
{
    static struct statistics_chunk chunk;
    static struct slow slow;
    struct cells *cells = calloc(1, sizeof(*cells));
    uint64_t lsn = book->desk->engine->state.statistic_lsn;

    while (lsn != 0) {
        assert_true(statistics_chunk_at(book->desk->engine, lsn, &chunk));
        assert_int_equal(chunk.head.date, DAY_ONE);
        assert_int_equal(chunk.head.visits, book->count);
        assert_true(statistics_cells_decode(chunk.cells, chunk.len_bytes, cell_of, cells));
        lsn = chunk.head.previous;
    }
    for (int category = 1; category <= CATEGORIES; category++) {
        for (int hour = 0; hour < STATISTICS_HOURS; hour++) {
            for (int counter = 0; counter <= COUNTERS; counter++) {
                const struct statistics_sums *sums = &cells->sums[category][hour][counter];

                slow_count(book, category, hour, counter, true, &slow);
                assert_int_equal(sums->counts[STATISTICS_COUNT_ARRIVED], slow.arrived);
                assert_int_equal(sums->counts[STATISTICS_COUNT_SERVICES], slow.services);
                for (int m = 0; m < STATISTICS_MEASURES; m++) {
                    uint64_t sum_s = 0;

                    for (int i = 0; i < slow.count[m]; i++) {
                        sum_s += (uint64_t)slow.times[m][i];
                    }
                    assert_int_equal(sums->times[m].count, slow.count[m]);
                    assert_int_equal(sums->times[m].sum_s, sum_s);
                }
            }
        }
    }
    free(cells);
}

static void random_days_are_sealed_as_they_were_lived(void **state)
{
    static const char *const tables[] = {"-",
                                         "category",
                                         "hour",
                                         "counter",
                                         "category,hour",
                                         "hour,counter",
                                         "category,hour,counter"};

    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct desk *desk = office_new(OWN);
        struct book *book = book_new(desk, seed * 7919);

        live_a_day(book, 900);
        for (size_t i = 0; i < ARRAY_COUNT(tables); i++) {
            assert_table(book, tables[i], false);
        }
        desk->engine->wall_ms += 14 * HOUR_MS;
        assert_int_equal(day_open(desk->engine, DAY_TWO, 0), QUEUE_OK);
        assert_int_equal(desk->engine->queue->ticket_count, 0);
        assert_sealed_cells(book);
        for (size_t i = 0; i < ARRAY_COUNT(tables); i++) {
            assert_table(book, tables[i], true);
        }
        free(book);
        desk_free(desk);
    }
}

/* Sealed again because the turn that erases came to nothing: known already, and said once. */
static void a_day_that_is_sealed_twice_counts_once(void **state)
{
    struct desk *desk = office_new(OWN);
    struct book *book = book_new(desk, 5);
    uint64_t lsn;

    (void)state;
    live_a_day(book, 300);
    statistics_seal(desk->engine, false);
    lsn = desk->engine->last_lsn;
    statistics_seal(desk->engine, false);
    assert_int_equal(desk->engine->last_lsn, lsn);
    assert_int_equal(day_open(desk->engine, DAY_TWO, 0), QUEUE_OK);
    assert_table(book, "category", true);
    free(book);
    desk_free(desk);
}

/* A unit that takes over, or is filled anew, has the entries only: keys of that day are gone. */
static void who_only_has_the_entries_answers_the_same(void **state)
{
    struct desk *desk = office_new(OWN), *other = desk_new(PARTNER);
    struct book *book = book_new(desk, 6);
    char *said;

    (void)state;
    live_a_day(book, 400);
    assert_int_equal(day_open(desk->engine, DAY_TWO, 0), QUEUE_OK);
    other->engine->state.sound = false;
    for (uint64_t lsn = 1; lsn <= desk->engine->last_lsn; lsn++) {
        const struct cached_entry *entry = engine_cached(desk->engine, lsn);

        assert_int_equal(engine_append_foreign(other->engine, entry->bytes, entry->len_bytes), 0);
    }
    assert_true(other->engine->state.sound);
    other->engine->wall_ms = desk->engine->wall_ms;
    settle(desk);
    settle(other);
    assert_int_equal(ask(desk, "2026-11-24 2026-11-25 day,category,hour", false), 200);
    said = strdup(desk->body);
    assert_int_equal(ask(other, "2026-11-24 2026-11-25 day,category,hour", false), 200);
    assert_string_equal(other->body, said);
    free(said);
    free(book);
    desk_free(other);
    desk_free(desk);
}

static void an_annulled_day_counts_apart(void **state)
{
    struct desk *desk = office_new(OWN);
    struct book *book = book_new(desk, 8);
    json_t *body;
    int count;

    (void)state;
    live_a_day(book, 200);
    count = book->count;
    assert_int_equal(day_annul(desk->engine, 0), QUEUE_OK);
    body = asked(desk, "2026-11-24 2026-11-24 category");
    assert_int_equal(json_array_size(json_object_get(body, "rows")), 0);
    assert_int_equal(number(json_object_get(body, "total"), "services"), 0);
    assert_int_equal(number(json_object_get(body, "annulled"), "arrived"), count);
    assert_int_equal(number(body, "days"), 0);
    assert_int_equal(number(body, "days_annulled"), 1);
    json_decref(body);
    assert_int_equal(day_annul(desk->engine, 0), QUEUE_DAY_NOT_OPEN);
    free(book);
    desk_free(desk);
}

/* ---- a meeting -------------------------------------------------------------------------------------------------- */

static void adopt_all(struct desk *desk, const struct items *items)
{
    for (size_t i = 0; i < items->count; i++) {
        assert_true(statistics_adopt(desk->engine, items->bytes[i], items->len_bytes[i]));
    }
}

static long arrived(struct desk *desk)
{
    json_t *body = asked(desk, "2026-11-24 2026-11-24 -");
    long count = number(json_object_get(body, "total"), "arrived");

    json_decref(body);
    return count;
}

static void what_one_side_alone_knew_is_counted_once(void **state)
{
    struct desk *source = office_new(OWN), *other = office_new(PARTNER);
    struct book *book = book_new(source, 9), *same = book_new(other, 9);
    struct items *items;
    uint64_t common, lsn;
    long before;

    (void)state;
    live_a_day(book, 300);
    live_a_day(same, 300);
    common = other->engine->last_lsn;
    serve_alone(other, 7);
    /* The source is in the next day already: the visits themselves it cannot take any more. */
    assert_int_equal(day_open(source->engine, DAY_TWO, 0), QUEUE_OK);
    before = arrived(source);
    assert_int_equal(before, book->count);
    items = tail_of(statistics_give_tail, other, source, common);
    assert_int_equal(items->count, 2); /* the plain ones, and those with its letter */
    adopt_all(source, items);
    assert_int_equal(arrived(source), before + 7);
    lsn = source->engine->last_lsn;
    adopt_all(source, items);
    assert_int_equal(source->engine->last_lsn, lsn);
    free(items);
    free(book);
    free(same);
    desk_free(source);
    desk_free(other);
}

static void two_units_that_sealed_one_day_apart_agree(void **state)
{
    struct desk *source = office_new(OWN), *other = office_new(PARTNER);
    struct book *book = book_new(source, 10), *same = book_new(other, 10);
    struct items *items;
    uint64_t common;

    (void)state;
    live_a_day(book, 300);
    live_a_day(same, 300);
    common = other->engine->last_lsn;
    serve_alone(other, 5);
    assert_int_equal(day_open(other->engine, DAY_TWO, 0), QUEUE_OK);
    assert_int_equal(arrived(other), book->count + 5);
    items = tail_of(statistics_give_tail, other, source, common);
    /* Still in that day: sealed by the other it is kept, and what is sealed here later knows less. */
    adopt_all(source, items);
    assert_int_equal(day_open(source->engine, DAY_TWO, 0), QUEUE_OK);
    assert_int_equal(arrived(source), book->count + 5);
    free(items);
    free(book);
    free(same);
    desk_free(source);
    desk_free(other);
}

static void who_has_the_visits_takes_no_sum_of_them(void **state)
{
    struct desk *source = office_new(OWN), *other = office_new(PARTNER);
    struct book *book = book_new(source, 12), *same = book_new(other, 12);
    struct items *items;
    uint64_t lsn;

    (void)state;
    live_a_day(book, 100);
    live_a_day(same, 100);
    items = tail_of(statistics_give_tail, other, source, other->engine->last_lsn);
    assert_int_equal(items->count, 0);
    free(items);
    other->engine->duty.peer.day = 0;
    items = calloc(1, sizeof(*items));
    statistics_give_tail(other->engine, other->engine->last_lsn, keep_item, items);
    assert_int_equal(items->count, 1);
    lsn = source->engine->last_lsn;
    adopt_all(source, items);
    assert_int_equal(source->engine->last_lsn, lsn);
    items->bytes[0][STATISTICS_ITEM_HEAD_BYTES + STATISTICS_HEAD_BYTES] =
        0; /* a category that is none */
    assert_false(statistics_adopt(source->engine, items->bytes[0], items->len_bytes[0]));
    items->bytes[0][STATISTICS_ITEM_HEAD_BYTES] ^= 1;
    assert_false(statistics_adopt(source->engine, items->bytes[0], items->len_bytes[0]));
    assert_false(statistics_adopt(source->engine, items->bytes[0], 2));
    free(items);
    free(book);
    free(same);
    desk_free(source);
    desk_free(other);
}

/* Seed 675 of the simulator: annulled here, and the other side, which does not know it, has the same visits still. */
static void at_a_meeting_an_annulled_day_counts_apart(void **state)
{
    struct desk *source = office_new(OWN), *other = office_new(PARTNER);
    struct book *book = book_new(source, 13), *same = book_new(other, 13);
    struct items *items;
    json_t *body;
    int count;

    (void)state;
    live_a_day(book, 50);
    live_a_day(same, 50);
    count = book->count;
    assert_int_equal(day_annul(source->engine, 0), QUEUE_OK);
    serve_alone(other, 3);
    items = tail_of(statistics_give_tail, other, source, other->engine->last_lsn);
    assert_true(items->count > 0);
    adopt_all(source, items);
    body = asked(source, "2026-11-24 2026-11-24 category");
    assert_int_equal(number(json_object_get(body, "total"), "arrived"), 0);
    assert_int_equal(number(json_object_get(body, "annulled"), "arrived"), count + 3);
    assert_int_equal(number(body, "days"), 0);
    json_decref(body);
    free(items);
    free(book);
    free(same);
    desk_free(source);
    desk_free(other);
}

/* One touch answered by both sides of a cut: the ticket that goes is no visitor. */
static void a_touch_that_got_two_numbers_is_one_visitor(void **state)
{
    static struct queue_change change;
    struct desk *desk = office_new(OWN);
    struct queue_command issue = {.action = QUEUE_ISSUE, .category = 1, .key = {{5}}};
    struct queue_origin here;
    struct queue_ticket theirs;
    struct ids_token id;
    json_t *body;

    (void)state;
    issue.ticket.bytes[0] = 1;
    assert_int_equal(act(desk, issue, &id), QUEUE_OK);
    theirs = *queue_ticket_find(desk->engine->queue, &id);
    theirs.id.bytes[0] = 2;
    theirs.number++;
    theirs.series = (struct ids_series){PARTNER, 1};
    theirs.origin = (struct queue_origin){.unit = PARTNER, .session = 1, .lsn = 99};
    theirs.changed_lsn = 99;
    here = engine_next_origin(desk->engine);
    assert_true(queue_join_ticket(desk->engine->queue, &theirs, PARTNER, 0, &here,
                                  desk->engine->wall_ms, &change));
    (void)engine_append_change(desk->engine, &change, 0, NULL);
    for (uint8_t i = 10; i < 13; i++) {
        issue.key.bytes[0] = issue.ticket.bytes[0] = i;
        assert_int_equal(act(desk, issue, NULL), QUEUE_OK);
    }
    body = asked(desk, "2026-11-24 2026-11-24 -");
    assert_int_equal(number(json_object_get(body, "total"), "arrived"), 4);
    assert_int_equal(number(json_object_get(body, "total"), "not_visits"), 1);
    assert_int_equal(number(json_object_get(body, "total"), "cancelled"), 0);
    json_decref(body);
    desk_free(desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_days_are_sealed_as_they_were_lived),
        cmocka_unit_test(a_day_that_is_sealed_twice_counts_once),
        cmocka_unit_test(who_only_has_the_entries_answers_the_same),
        cmocka_unit_test(an_annulled_day_counts_apart),
        cmocka_unit_test(at_a_meeting_an_annulled_day_counts_apart),
        cmocka_unit_test(what_one_side_alone_knew_is_counted_once),
        cmocka_unit_test(two_units_that_sealed_one_day_apart_agree),
        cmocka_unit_test(who_has_the_visits_takes_no_sum_of_them),
        cmocka_unit_test(a_touch_that_got_two_numbers_is_one_visitor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
