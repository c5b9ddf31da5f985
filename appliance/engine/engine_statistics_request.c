/*
 * A question over many days. It walks the chain of sealed days from the newest back to the first that is asked for,
 * some chunks a turn, so that five years do not keep a visitor waiting; a day that is not erased yet is counted from
 * the state. One at a time: a second one is asked again in a moment. Like every read it leaves when the lsn that it
 * was computed at is durable.
 */
#include "appliance/engine/engine_statistics.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

enum {
    STATUS_OK = 200,
    STATUS_REFUSED = 422,
    STATUS_UNAVAILABLE = 503,
    DATE_CHARACTERS = 10,
    WORD_CHARACTERS = 48,
    ROWS_START = 64,
};

/* ---- what is asked ----------------------------------------------------------------------------------- */

static bool date_from_word(const char *word, uint32_t *ret_date)
{
    struct calendar_date date;
    uint32_t number = 0;

    if (strcmp(word, "-") == 0) {
        return true; /* as it is */
    }
    if (strlen(word) != DATE_CHARACTERS || word[4] != '-' || word[7] != '-') {
        return false;
    }
    for (size_t i = 0; i < DATE_CHARACTERS; i++) {
        if (i != 4 && i != 7) {
            if (word[i] < '0' || word[i] > '9') {
                return false;
            }
            number = number * 10 + (uint32_t)(word[i] - '0');
        }
    }
    if (!calendar_date_from_number(number, &date)) {
        return false;
    }
    *ret_date = number;
    return true;
}

static bool by_from_word(const char *word, uint8_t *ret_by)
{
    static const char *const names[] = {"day", "category", "hour", "counter"};
    uint8_t by = 0;

    while (*word != '\0' && strcmp(word, "-") != 0) {
        size_t len_bytes = strcspn(word, ",");
        uint8_t bit = 0;

        for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
            if (strlen(names[i]) == len_bytes && memcmp(names[i], word, len_bytes) == 0) {
                bit = (uint8_t)(1U << i);
            }
        }
        if (bit == 0 || (by & bit) != 0) {
            return false;
        }
        by |= bit;
        word += len_bytes;
        if (*word == ',' && *++word == '\0') {
            return false;
        }
    }
    *ret_by = by;
    return true;
}

/* The next word of the text; false: there is none, or it is too long. */
static bool next_word(const char **text, char word[WORD_CHARACTERS])
{
    size_t len_bytes = strcspn(*text, " ");

    if (len_bytes == 0 || len_bytes >= WORD_CHARACTERS) {
        return false;
    }
    memcpy(word, *text, len_bytes);
    word[len_bytes] = '\0';
    *text += len_bytes;
    *text += **text == ' ' ? 1 : 0;
    return true;
}

/* "FROM TO BY": dates as 2026-11-24, - is the newest day that there is (FROM, of visits: the oldest); BY as
 * category,hour, - is nothing. */
static bool read_question(const struct engine *engine, const char *text, struct table *report)
{
    const struct queue_day *day = &engine->queue->day;
    char word[WORD_CHARACTERS];

    report->to = engine->state.statistic_date;
    if (day->date > report->to) {
        report->to = day->date;
    }
    if (*text == '\0') {
        report->from = report->visits ? 0 : report->to;
        return true;
    }
    if (!next_word(&text, word)) {
        return false;
    }
    report->from = 0;
    if (!date_from_word(word, &report->from) || !next_word(&text, word) ||
        !date_from_word(word, &report->to) || !next_word(&text, word) ||
        !by_from_word(word, &report->by) || *text != '\0') {
        return false;
    }
    report->from = report->from == 0 && !report->visits ? report->to : report->from;
    return report->from <= report->to;
}

/* ---- rows ------------------------------------------------------------------------------------------------ */

/* The row of this key, made if there is none; NULL: too many. */
static struct statistics_row *row_of(struct table *report, const struct statistics_key *key)
{
    size_t low = 0, high = report->row_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int r = statistics_key_compare(&report->rows[middle]->key, key);

        if (r == 0) {
            return report->rows[middle];
        }
        if (r < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (report->row_count == TABLE_ROWS_MAX) {
        report->too_many = true;
        return NULL;
    }
    if (report->row_count == report->row_capacity) {
        report->row_capacity = report->row_capacity == 0 ? ROWS_START : 2 * report->row_capacity;
        report->rows = realloc(report->rows, report->row_capacity * sizeof(void *));
        CHECK_GIVEN(report->rows != NULL);
    }
    memmove(&report->rows[low + 1], &report->rows[low],
            (report->row_count++ - low) * sizeof(void *));
    report->rows[low] = calloc(1, sizeof(**report->rows));
    CHECK_GIVEN(report->rows[low] != NULL);
    report->rows[low]->key = *key;
    return report->rows[low];
}

static struct statistics_row *row_of_cell(struct table *report, const struct statistics_cell *cell)
{
    struct statistics_key key = {
        .date = (report->by & TABLE_BY_DAY) != 0 ? report->cell_date : 0,
        .category = (report->by & TABLE_BY_CATEGORY) != 0 ? cell->category : 0,
        .hour = (int16_t)((report->by & TABLE_BY_HOUR) != 0 ? cell->hour : -1),
        .counter = (report->by & TABLE_BY_COUNTER) != 0 ? cell->counter : -1,
    };

    return row_of(report, &key);
}

/* The part's place in the answer: NULL, another set of it is there already. */
static struct table_part *part_of(struct table *report, const struct statistics_head *head)
{
    struct table_part *part;

    for (size_t i = 0; i < report->part_count; i++) {
        part = &report->parts[i];
        if (part->date == head->date && part->part == head->part &&
            part->annulled == head->annulled) {
            return part->set == head->set ? part : NULL;
        }
    }
    if (head->index + 1 != head->count) {
        return NULL; /* its last chunk was never written */
    }
    if (report->part_count == report->part_capacity) {
        report->part_capacity = report->part_capacity == 0 ? ROWS_START : 2 * report->part_capacity;
        report->parts = realloc(report->parts, report->part_capacity * sizeof(*report->parts));
        CHECK_GIVEN(report->parts != NULL);
    }
    part = &report->parts[report->part_count++];
    *part = (struct table_part){head->date, head->part, head->annulled, head->set};
    return part;
}

static bool day_is_new(const struct table *report, uint32_t date, uint16_t annulled)
{
    size_t count = 0;

    for (size_t i = 0; i < report->part_count; i++) {
        count += report->parts[i].date == date && report->parts[i].annulled == annulled;
    }
    return count == 1;
}

static void count_day(struct table *report, uint32_t date, uint16_t annulled)
{
    if (day_is_new(report, date, annulled)) {
        report->day_count += annulled == 0;
        report->annulled_count += annulled != 0;
    }
}

/* ---- cells --------------------------------------------------------------------------------------------- */

static struct statistics_sums *sums_of_cell(void *context, const struct statistics_cell *cell)
{
    struct table *report = context;
    struct statistics_row *row;

    if (report->cell_annulled) {
        return &report->annulled;
    }
    row = row_of_cell(report, cell);
    return row == NULL ? NULL : &row->sums;
}

static void take_chunk(struct table *report, const struct statistics_chunk *chunk)
{
    const struct statistics_head *head = &chunk->head;
    size_t parts_before = report->part_count;

    if (head->date < report->from || head->date > report->to || part_of(report, head) == NULL) {
        return;
    }
    if (report->part_count > parts_before) {
        count_day(report, head->date, head->annulled);
    }
    report->cell_date = head->date;
    report->cell_annulled = head->annulled != 0;
    (void)statistics_cells_decode(chunk->cells, chunk->len_bytes, sums_of_cell, report);
}

/* The visits that are still there: today's, or yesterday's before they are erased. */
static void take_state(struct engine *engine, struct table *report)
{
    const struct queue_day *day = &engine->queue->day;
    struct statistics_fact *facts;
    size_t count;

    if (day->date < report->from || day->date > report->to ||
        (day->state != QUEUE_DAY_OPEN && day->state != QUEUE_DAY_CLOSED)) {
        return;
    }
    facts = statistics_facts(engine, false, &count);
    report->open = true;
    report->cell_date = day->date;
    report->cell_annulled = false;
    for (size_t i = 0; i < count || i == 0; i++) {
        struct statistics_head head = {.date = day->date, .count = 1};
        size_t parts_before = report->part_count;

        head.part = i < count ? facts[i].part : 0;
        (void)part_of(report, &head);
        if (report->part_count > parts_before) {
            count_day(report, day->date, 0);
        }
        if (i < count) {
            struct statistics_cell cell = {facts[i].counter, facts[i].category, facts[i].hour};
            struct statistics_row *row = row_of_cell(report, &cell);

            if (row != NULL) {
                statistics_add_fact(&row->sums, &facts[i]);
            }
        }
    }
    free(facts);
}

/* ---- rows of single visits ------------------------------------------------------------------------------- */

/* Whole days only: the oldest one goes, and is the newest of the next file. */
static void leave_oldest(struct table *report)
{
    uint32_t oldest = report->cell_date;
    size_t kept = 0;

    for (size_t i = 0; i < report->kept_count; i++) {
        oldest = report->kept[i].date < oldest ? report->kept[i].date : oldest;
    }
    for (size_t i = 0; i < report->kept_count; i++) {
        if (report->kept[i].date != oldest) {
            report->kept[kept++] = report->kept[i];
        }
    }
    report->kept_count = kept;
    report->more_to = oldest;
    report->from = calendar_date_plus(oldest, 1);
}

static bool keep_row(void *context, const struct statistics_kept *row)
{
    struct table *report = context;

    if (report->cell_date < report->from) {
        return true; /* of the day that was left while it was read */
    }
    if (report->kept_count == TABLE_VISITS_MAX) {
        leave_oldest(report);
        report->too_many = report->kept_count == 0;
    }
    if (report->too_many || report->cell_date < report->from) {
        return !report->too_many;
    }
    if (report->kept_count == report->kept_capacity) {
        report->kept_capacity = report->kept_capacity == 0 ? ROWS_START : 2 * report->kept_capacity;
        report->kept = realloc(report->kept, report->kept_capacity * sizeof(*report->kept));
        CHECK_GIVEN(report->kept != NULL);
    }
    report->kept[report->kept_count++] = (struct table_visit){report->cell_date, *row};
    return true;
}

static int compare_visits(const void *a, const void *b)
{
    const struct table_visit *one = a, *other = b;

    if (one->date != other->date) {
        return one->date < other->date ? -1 : 1;
    }
    return statistics_kept_compare(&one->row, &other->row);
}

/* The chunk before it; 0: there is none that is asked for. */
static uint64_t take_visits(struct engine *engine, struct table *report,
                            struct statistics_chunk *chunk)
{
    const struct statistics_head *head = &chunk->head;
    size_t parts_before = report->part_count;

    if (!visits_head_at(engine, report->lsn, chunk) || head->newest_date < report->from) {
        return 0;
    }
    if (head->date < report->from || head->date > report->to || part_of(report, head) == NULL) {
        return head->previous;
    }
    if (report->part_count > parts_before) {
        count_day(report, head->date, 0);
    }
    report->cell_date = head->date;
    if (!visits_chunk_at(engine, report->lsn, chunk) ||
        !statistics_kept_decode(chunk->cells, chunk->len_bytes, keep_row, report)) {
        report->broken = !report->too_many;
    }
    return head->previous;
}

/* ---- an answer, over some turns ------------------------------------------------------------------------ */

static void forget(struct table *report)
{
    for (size_t i = 0; i < report->row_count; i++) {
        free(report->rows[i]);
    }
    free(report->rows);
    free(report->kept);
    free(report->parts);
    memset(report, 0, sizeof(*report));
}

static void refuse(struct engine *engine, uint64_t client, uint32_t id, uint16_t status,
                   const char *code, const char *ja, const char *en)
{
    size_t len_bytes;
    char *body = render_problem(status, code, ja, en, &len_bytes);

    serve_reply_now(engine, client, id, status, body, len_bytes);
}

static void answer_visits(struct engine *engine, struct table *report)
{
    size_t len_bytes;
    char *body;

    if (report->kept_count > 0) {
        qsort(report->kept, report->kept_count, sizeof(*report->kept), compare_visits);
    }
    body = table_render_visits(engine, report, &len_bytes);
    CHECK(len_bytes <= API_REPLY_BYTES_MAX);
    serve_reply_later(engine, report->client, report->id, STATUS_OK, body, len_bytes);
}

static void answer(struct engine *engine, struct table *report)
{
    struct statistics_row *rows = calloc(report->row_count + 1, sizeof(*rows));
    size_t count = report->row_count, len_bytes;
    char *body;

    CHECK_GIVEN(rows != NULL);
    for (size_t i = 0; i < count; i++) {
        rows[i] = *report->rows[i];
        statistics_add(&report->total, &rows[i].sums);
    }
    count = statistics_merge_few(rows, count);
    statistics_hide_few(&report->total);
    statistics_hide_few(&report->annulled);
    body = report->csv ? table_render_csv(engine, report, rows, count, &len_bytes)
                       : table_render_json(engine, report, rows, count, &len_bytes);
    free(rows);
    if (len_bytes > API_REPLY_BYTES_MAX) {
        free(body);
        report->too_many = true;
        return;
    }
    serve_reply_later(engine, report->client, report->id, STATUS_OK, body, len_bytes);
}

bool table_is_running(const struct engine *engine)
{
    return engine->table != NULL && engine->table->running;
}

static void too_many(struct engine *engine, const struct table *report)
{
    refuse(engine, report->client, report->id, STATUS_REFUSED, "TOO_MANY_ROWS",
           "表が大きすぎます。期間を短くするか、区分を減らしてください。",
           "The table is too large. Ask for fewer days, or by fewer things.");
}

/* True: every chunk that is asked for is taken. */
static bool take_some(struct engine *engine, struct table *report)
{
    struct statistics_chunk *chunk = malloc(sizeof(*chunk));
    int most = report->visits ? TABLE_VISITS_CHUNKS_A_TURN : TABLE_CHUNKS_A_TURN;

    CHECK_GIVEN(chunk != NULL);
    for (int i = 0; i < most && report->lsn != 0 && !report->too_many; i++) {
        if (report->visits) {
            report->lsn = take_visits(engine, report, chunk);
        } else if (!statistics_chunk_at(engine, report->lsn, chunk) ||
                   chunk->head.newest_date < report->from) {
            report->lsn = 0;
        } else {
            report->lsn = chunk->head.previous;
            take_chunk(report, chunk);
        }
    }
    free(chunk);
    return report->lsn == 0;
}

void table_turn(struct engine *engine)
{
    struct table *report = engine->table;
    bool whole;

    if (!table_is_running(engine) || engine->replies_count >= ENGINE_REPLIES_MAX - 1) {
        return;
    }
    if (!engine_serves(engine)) {
        refuse(engine, report->client, report->id, STATUS_UNAVAILABLE,
               duty_reason_code(engine->duty.reason), duty_reason_ja(engine->duty.reason),
               duty_reason_en(engine->duty.reason));
        forget(report);
        return;
    }
    whole = take_some(engine, report);
    if (whole && !report->too_many && report->visits) {
        answer_visits(engine, report);
    } else if (whole && !report->too_many) {
        answer(engine, report);
    }
    if (report->too_many) {
        too_many(engine, report);
    }
    if (whole || report->too_many) {
        forget(report);
    }
}

/* Nothing of today: a visit is kept when its day is erased, and not before. */
static void begin_visits(const struct engine *engine, struct table *report)
{
    report->by = 0;
    report->lsn = engine->state.visits.lsn;
    if (report->from < engine->state.visits.from) {
        report->from = engine->state.visits.from;
    }
}

void table_request(struct engine *engine, uint64_t client, const struct api_request *request)
{
    if (engine->table == NULL) {
        engine->table = calloc(1, sizeof(*engine->table));
        CHECK_GIVEN(engine->table != NULL);
    }
    if (engine->table->running) {
        refuse(engine, client, request->id, STATUS_UNAVAILABLE, "OVERLOAD",
               "ほかの集計を作成しています。少し待ってからもう一度お試しください。",
               "Another table is being made. Try again in a moment.");
        return;
    }
    engine->table->visits = request->read.what == API_READ_VISITS_CSV;
    if (!read_question(engine, request->read.text, engine->table)) {
        forget(engine->table);
        refuse(
            engine, client, request->id, STATUS_REFUSED, "BAD_PERIOD",
            "期間は 2026-11-01 から 2026-11-30 のように、区分は day, category, hour, counter から"
            "入力してください。",
            "Give dates like 2026-11-01 and 2026-11-30, the first one first, and of day, "
            "category, hour, counter what the table is by.");
        return;
    }
    if (engine->table->visits) {
        begin_visits(engine, engine->table);
    }
    engine->table->running = true;
    engine->table->csv = request->read.what == API_READ_STATISTICS_CSV;
    engine->table->client = client;
    engine->table->id = request->id;
    if (!engine->table->visits) {
        engine->table->lsn = engine->state.statistic_lsn;
        take_state(engine, engine->table);
    }
    table_turn(engine);
}

void table_destroy(struct engine *engine)
{
    if (engine->table != NULL) {
        forget(engine->table);
        free(engine->table);
        engine->table = NULL;
    }
}
