/*
 * appliance/queue: random presses, and what holds after each of them.
 *
 * QUEUE_SEED=n and QUEUE_STEPS=n choose another walk; a failure prints its seed. QUEUE_TRACE=file writes each change
 * and the digest after it, for the checker that folds the same bytes by itself (tests/integration/fold_trace.mjs).
 */
#include "tests/unit/queue_invariants.h"

#include <inttypes.h>
#include <stdio.h>

enum { DEFAULT_STEPS = 2500, SEEDS = 3, RECENT = 32, RELOAD_EVERY = 97 };

struct walk {
    FILE *trace; /* NULL: nobody reads it */
    struct office *office;
    struct queue *fold; /* the same changes, put into a fresh state */
    struct xorshift random;
    struct ids_token recent[RECENT];
    uint32_t recent_count;
    uint32_t date;
    uint32_t skipped[QUEUE_CATEGORIES_MAX];
    struct queue_command answered; /* newest one with a key that was answered */
    struct queue_key answer;
};

static struct ids_token any_ticket(struct walk *walk)
{
    if (walk->recent_count == 0 || draw_below(&walk->random, 20) == 0) {
        return token(draw_below(&walk->random, 1000));
    }
    return walk->recent[draw_below(&walk->random,
                                   walk->recent_count < RECENT ? walk->recent_count : RECENT)];
}

static struct queue_command random_command(struct walk *walk)
{
    /* As they are numbered; registering and arriving twice, so that some who are expected come. */
    enum queue_action clients[QUEUE_CLIENT_ACTION_LAST + 4] = {
        [QUEUE_CLIENT_ACTION_LAST] = QUEUE_REGISTER, QUEUE_ARRIVE, QUEUE_REGISTER, QUEUE_ARRIVE};
    static const char languages[][8] = {"ja", "ja-easy", "en", "zh", "ko", "", "fr"};
    struct xorshift *random = &walk->random;
    struct queue_command command;

    for (int i = 0; i < QUEUE_CLIENT_ACTION_LAST; i++) {
        clients[i] = (enum queue_action)(QUEUE_ISSUE + i);
    }
    command = (struct queue_command){
        .action = draw_below(random, 3) == 0
                      ? QUEUE_ISSUE
                      : clients[draw_below(random, QUEUE_CLIENT_ACTION_LAST + 4)],
        .category = (uint16_t)draw_below(random, 5),
        .counter = (uint16_t)draw_below(random, 5),
        .delivery = (uint8_t)(1 + draw_below(random, 2)),
        .priority = (uint8_t)(draw_below(random, 12) == 0 ? draw_below(random, 5) : 0),
        .date = walk->date,
        .number = (uint16_t)(900 + draw_below(random, 12)),
        .to_counter = (uint16_t)(draw_below(random, 2) == 0 ? draw_below(random, 5) : 0),
        .limit = (uint16_t)draw_below(random, 40),
        .place = (uint8_t)draw_below(random, 6),
        .after = (uint8_t)draw_below(random, 4),
        .hold_reason = (uint8_t)draw_below(random, 6),
        .to_pool = draw_below(random, 2) == 0,
        .hold_ms = draw_below(random, 2) == 0 ? 0 : draw_below(random, 3 * MINUTE_MS),
        .plan_count = (uint8_t)(draw_below(random, 4) == 0 ? draw_below(random, 3) : 0),
        .plan = {(uint16_t)(1 + draw_below(random, 3)), (uint16_t)draw_below(random, 4)},
        .has_note = draw_below(random, 2) == 0,
        .note = "書類あり",
        .assist = (uint8_t)draw_below(random, 4),
        .result = (uint8_t)draw_below(random, QUEUE_MANUAL_SPOILED + 1),
        .text_ja = "お知らせ",
        .serves_count = (uint8_t)draw_below(random, 3),
        .serves = {{(uint16_t)(1 + draw_below(random, 3)), (uint8_t)draw_below(random, 3)},
                   {(uint16_t)(1 + draw_below(random, 3)), (uint8_t)draw_below(random, 11)}},
        .hours = (uint8_t)draw_below(random, 4),
        .open_minute = (uint16_t)(draw_below(random, 2) == 0 ? draw_below(random, 700) : 0),
        .close_minute = (uint16_t)(draw_below(random, 2) == 0 ? draw_below(random, 1500) : 0),
    };

    if ((command.action == QUEUE_SUSPEND || command.action == QUEUE_SET_LIMIT) &&
        draw_below(random, 8) != 0) {
        command.action = QUEUE_RESUME;
    }
    memcpy(command.language, languages[draw_below(random, 7)], sizeof(command.language));
    if (command.action == QUEUE_SET_HOURS) {
        command.date = walk->date + draw_below(random, 4);
    }
    if (draw_below(random, 6) == 0) {
        command.action = QUEUE_CALL_NEXT;
    }
    if (command.action == QUEUE_ISSUE) {
        struct office *office = walk->office;

        command.ticket = draw(office);
        if (draw_below(random, 3) == 0) {
            command.series = (struct ids_series){office->unit, 1 + draw_below(random, 2)};
        }
    } else if (draw_below(random, 2) == 0) {
        command.ticket = any_ticket(walk);
    }
    if (draw_below(random, 2) == 0) {
        command.key = draw(walk->office);
        command.body_hash = 1 + draw_below(random, 1000);
    }
    return command;
}

static void trace_bytes(FILE *trace, const uint8_t *bytes, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes; i++) {
        fprintf(trace, "%02x", bytes[i]);
    }
}

static void trace_row(void *context, const struct queue_row *before, const struct queue_row *row)
{
    uint8_t bytes[QUEUE_ROW_BYTES_MAX];
    FILE *trace = context;

    (void)before;
    fputs("row ", trace);
    trace_bytes(trace, bytes, queue_row_encode(row, bytes, sizeof(bytes)));
    fputc('\n', trace);
}

/* What the walk begins with. */
static void trace_beginning(FILE *trace, const struct queue *queue)
{
    static uint8_t bytes[QUEUE_CONFIG_BYTES_MAX];

    fputs("config ", trace);
    trace_bytes(trace, bytes, queue_config_encode(&queue->config, bytes, sizeof(bytes)));
    fputc('\n', trace);
    queue_for_each_row(queue, trace_row, trace);
}

static void trace_change(FILE *trace, const struct queue_change *change, uint64_t digest)
{
    uint8_t bytes[QUEUE_CHANGE_BYTES_MAX];

    fputs("change ", trace);
    trace_bytes(trace, bytes, queue_change_encode(change, bytes, sizeof(bytes)));
    fprintf(trace, " %016" PRIx64 "\n", digest);
}

/* One change into the state (through its bytes) and into the fold. */
static void put_both(struct walk *walk, const struct queue_change *change)
{
    put(walk->office, change);
    if (walk->trace != NULL) {
        trace_change(walk->trace, change, walk->office->digest);
    }
    queue_apply(walk->fold, change, NULL, NULL);
}

static enum queue_reason act_both(struct walk *walk, struct queue_command command)
{
    struct office *office = walk->office;
    uint64_t digest = office->digest;

    office->lsn++;
    command.at_ms = office->now_ms;
    command.origin = origin_here(office);
    queue_decide(office->queue, &command, &office->last);
    assert_int_equal(digest, digest_of(office->queue));
    if (office->last.change.row_count > 0) {
        put_both(walk, &office->last.change);
    }
    if (office->last.reason != QUEUE_OK) {
        assert_int_equal(office->last.change.row_count, 0);
        assert_int_equal(digest, office->digest);
    } else if (!ids_token_is_zero(&command.key)) {
        walk->answered = command;
        walk->answer = office->last.answer;
    }
    return office->last.reason;
}

static void assert_same_answer(const struct queue_key *a, const struct queue_key *b)
{
    assert_memory_equal(a->key.bytes, b->key.bytes, IDS_TOKEN_BYTES);
    assert_memory_equal(a->ticket.bytes, b->ticket.bytes, IDS_TOKEN_BYTES);
    assert_int_equal(a->action, b->action);
    assert_int_equal(a->reason, b->reason);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->counter, b->counter);
    assert_int_equal(a->call_count, b->call_count);
    assert_int_equal(a->lsn, b->lsn);
}

static void check_replay(struct walk *walk)
{
    if (ids_token_is_zero(&walk->answered.key)) {
        return;
    }
    assert_int_equal(act_both(walk, walk->answered), QUEUE_REPLAYED);
    assert_same_answer(&walk->office->last.answer, &walk->answer);
    walk->answered.body_hash++;
    assert_int_equal(act_both(walk, walk->answered), QUEUE_KEY_REUSED);
    walk->answered.body_hash--;
}

static void load_row(void *context, const struct queue_row *before, const struct queue_row *row)
{
    (void)before;
    assert_true(queue_load_row(context, row));
}

struct backwards {
    struct queue_row rows[4000];
    size_t count;
};

static void keep_row(void *context, const struct queue_row *before, const struct queue_row *row)
{
    struct backwards *kept = context;

    (void)before;
    assert_true(kept->count < ARRAY_COUNT(kept->rows));
    kept->rows[kept->count++] = *row;
}

/* Start-up: the rows alone, in another order, give the same state and the same next answers. */
static void check_reload(struct walk *walk)
{
    struct queue *queue = malloc(sizeof(*queue));
    struct backwards *kept = calloc(1, sizeof(*kept));
    struct queue_decision decision;

    assert_non_null(queue);
    assert_non_null(kept);
    queue_init(queue);
    queue_set_config(queue, &walk->office->queue->config);
    queue_for_each_row(walk->office->queue, keep_row, kept);
    while (kept->count > 0) {
        load_row(queue, NULL, &kept->rows[--kept->count]);
    }
    assert_int_equal(digest_of(queue), walk->office->digest);
    for (uint16_t counter = 1; counter <= 3; counter++) {
        struct queue_command command = {
            .action = QUEUE_CALL_NEXT, .counter = counter, .at_ms = walk->office->now_ms};

        queue_decide(queue, &command, &decision);
        queue_decide(walk->office->queue, &command, &walk->office->last);
        assert_int_equal(decision.reason, walk->office->last.reason);
        assert_memory_equal(decision.answer.ticket.bytes, walk->office->last.answer.ticket.bytes,
                            IDS_TOKEN_BYTES);
        assert_int_equal(queue_estimate_s(queue, counter, command.at_ms),
                         queue_estimate_s(walk->office->queue, counter, command.at_ms));
    }
    free(kept);
    free(queue);
}

static uint32_t next_date(uint32_t date)
{
    if (date % 100 < 28) {
        return date + 1;
    }
    return date / 100 % 100 < 12 ? date / 100 * 100 + 101 : (date / 10000 + 1) * 10000 + 101;
}

static void turn_day(struct walk *walk)
{
    uint32_t chosen = draw_below(&walk->random, 3);

    (void)act_both(walk, (struct queue_command){.action = QUEUE_DAY_CLOSING});
    if (chosen == 0) {
        assert_int_equal(act_both(walk, (struct queue_command){.action = QUEUE_DAY_OPENING,
                                                               .date = next_date(walk->date)}),
                         walk->office->queue->ticket_count + walk->office->queue->key_count > 0
                             ? QUEUE_DAY_NOT_ERASED
                             : QUEUE_OK);
    }
    if (chosen != 2 && walk->office->queue->day.state == QUEUE_DAY_CLOSED) {
        assert_int_equal(act_both(walk, (struct queue_command){.action = QUEUE_DAY_ERASING}),
                         QUEUE_OK);
        assert_int_equal(
            act_both(walk, (struct queue_command){.action = QUEUE_DAY_OPENING, .date = walk->date}),
            QUEUE_DAY_NOT_LATER);
        walk->date = next_date(walk->date);
        memset(&walk->answered, 0, sizeof(walk->answered));
        walk->recent_count = 0;
        memset(walk->skipped, 0, sizeof(walk->skipped));
    } else if (walk->office->queue->day.date > walk->date) {
        walk->date = next_date(walk->date);
        memset(walk->skipped, 0, sizeof(walk->skipped));
    }
    (void)act_both(walk, (struct queue_command){.action = QUEUE_DAY_OPENING, .date = walk->date});
    assert_int_equal(walk->office->queue->day.state, QUEUE_DAY_OPEN);
    assert_int_equal(walk->office->queue->day.date, walk->date);
}

static void raise_or_skip(struct walk *walk)
{
    struct queue_change change;
    uint16_t category = (uint16_t)(1 + draw_below(&walk->random, 3));
    const struct queue_category *row = queue_category_find(walk->office->queue, category);

    walk->office->lsn++;
    if (draw_below(&walk->random, 40) == 0 && row->plain_highest > 0) {
        queue_skip_numbers(walk->office->queue, category, (uint16_t)(row->plain_highest + 2),
                           walk->office->lsn, &change);
        if (change.row_count > 0) {
            walk->skipped[category - 1] +=
                change.rows[0].category.plain_highest - (uint32_t)row->plain_highest;
        }
    } else {
        queue_raise_ceiling(walk->office->queue, category, QUEUE_CEILING_STEP, walk->office->lsn,
                            &change);
    }
    put_both(walk, &change);
}

static void step(struct walk *walk)
{
    struct queue_command command = random_command(walk);
    enum queue_reason reason;

    /* Mostly forward; now and then the clock is set back. */
    walk->office->now_ms += draw_below(&walk->random, 20000);
    if (draw_below(&walk->random, 50) == 0) {
        walk->office->now_ms -= draw_below(&walk->random, 5 * MINUTE_MS);
    }
    reason = act_both(walk, command);
    if (queue_hold_due(walk->office->queue, walk->office->now_ms) != NULL) {
        struct ids_token due = queue_hold_due(walk->office->queue, walk->office->now_ms)->id;

        assert_int_equal(
            act_both(walk, (struct queue_command){.action = QUEUE_HOLD_ENDING, .ticket = due}),
            QUEUE_OK);
        assert_int_equal(ticket_of(walk->office, due)->state, QUEUE_WAITING);
    }
    if (reason == QUEUE_OK && command.action == QUEUE_ISSUE) {
        walk->recent[walk->recent_count++ % RECENT] = command.ticket;
    }
    if (reason == QUEUE_CEILING_REACHED || draw_below(&walk->random, 30) == 0) {
        raise_or_skip(walk);
    }
    if (draw_below(&walk->random, 400) == 0) {
        turn_day(walk);
    }
}

static void walk_once(uint64_t seed, uint32_t steps, FILE *trace)
{
    struct walk walk = {
        .trace = trace,
        .random = {seed * UINT64_C(0x9e3779b97f4a7c15) + 1},
        .date = OFFICE_DATE,
    };

    print_message("QUEUE_SEED=%llu\n", (unsigned long long)seed);
    walk.office = office_open();
    walk.fold = malloc(sizeof(*walk.fold));
    assert_non_null(walk.fold);
    queue_init(walk.fold);
    queue_set_config(walk.fold, &walk.office->queue->config);
    queue_for_each_row(walk.office->queue, load_row, walk.fold);
    if (trace != NULL) {
        trace_beginning(trace, walk.office->queue);
    }
    for (uint32_t i = 0; i < steps; i++) {
        step(&walk);
        check_invariants(walk.office);
        check_totals(walk.office->queue, walk.skipped);
        assert_int_equal(digest_of(walk.fold), walk.office->digest);
        check_replay(&walk);
        if (i % RELOAD_EVERY == 0) {
            check_reload(&walk);
        }
    }
    free(walk.fold);
    office_free(walk.office);
}

static void whatever_is_pressed_the_invariants_hold(void **state)
{
    const char *seed = getenv("QUEUE_SEED");
    const char *steps = getenv("QUEUE_STEPS");
    const char *path = getenv("QUEUE_TRACE");
    FILE *trace = path == NULL ? NULL : fopen(path, "w");
    uint32_t step_count = steps == NULL ? DEFAULT_STEPS : (uint32_t)strtoul(steps, NULL, 10);

    (void)state;
    assert_true(path == NULL || trace != NULL);
    if (seed != NULL) {
        walk_once(strtoull(seed, NULL, 10), step_count, trace);
    }
    for (uint64_t i = 1; seed == NULL && i <= SEEDS; i++) {
        walk_once(i, step_count, trace);
    }
    if (trace != NULL) {
        assert_int_equal(fclose(trace), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_is_pressed_the_invariants_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
