#include "tests/crash/workload.h"

#include "base/bytes.h"
#include "base/check.h"
#include "storage/adapters/ledger_internal.h"
#include "tests/crash/recorder.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ENTRIES_A_STEP = 12,
    PAYLOAD_BYTES_MAX = 2400,
    ROW_BYTES_MAX = 1400,
    KEY_TEXT_BYTES = 16,
    RECORD_BYTES = 300,
    OTHER_STEPS = 30,
    COMPLETION_MS_MAX = 60000,
    WAIT_US = 2000,
    CHUNK_BYTES = 64 << 10,
    DAY = 20270401,
    UNIT = 1,
};

/* What one batch is made of; it must not move until it is durable. */
struct material {
    uint8_t lsn_keys[ENTRIES_A_STEP][8];
    uint8_t entry_bytes[ENTRIES_A_STEP][ENTRY_HEADER_BYTES + PAYLOAD_BYTES_MAX + IDS_HASH_BYTES];
    struct ledger_put entries[ENTRIES_A_STEP];
    char row_keys[WORKLOAD_ROWS][KEY_TEXT_BYTES];
    uint8_t row_bytes[WORKLOAD_ROWS][ROW_BYTES_MAX];
    struct ledger_put rows[WORKLOAD_ROWS];
    uint8_t meta_bytes[ROW_BYTES_MAX], record[RECORD_BYTES];
    struct ledger_put meta;
    struct ledger_day_key keys_new[2], keys_destroy[2];
    struct ledger_batch batch;
};

static uint64_t draw(struct workload *workload)
{
    uint64_t x = workload->random += 0x9e3779b97f4a7c15u;

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static uint64_t below(struct workload *workload, uint64_t limit)
{
    return draw(workload) % limit;
}

/* ---- what stands for what ------------------------------------------------------------------------- */

/* The value of version `version` of thing `thing`. */
static size_t value_fill(uint32_t thing, uint32_t version, uint8_t *bytes, size_t capacity_bytes)
{
    size_t len_bytes = 8 + (thing * 131 + version * 257) % (capacity_bytes - 8);

    for (size_t i = 0; i < len_bytes; i++) {
        bytes[i] = (uint8_t)(thing * 7 + version * 13 + i + 1);
    }
    return len_bytes;
}

static struct ledger_day_key key_fill(size_t index)
{
    struct ledger_day_key key = {.day = DAY + (uint32_t)index, .unit = UNIT};

    memset(key.key.bytes, (int)(index + 1), sizeof(key.key.bytes));
    return key;
}

/* ---- one batch ------------------------------------------------------------------------------------ */

static void entries_fill(struct workload *workload, struct material *material, size_t count)
{
    static uint8_t payload[PAYLOAD_BYTES_MAX];
    struct workload_state *now = &workload->now;

    for (size_t i = 0; i < count; i++) {
        struct entry entry = {.kind = ENTRY_CHANGE_CLEAR, .term = 1, .unit = UNIT};
        uint8_t *bytes = material->entry_bytes[i];
        struct bytes_writer writer = bytes_writer_over(material->lsn_keys[i], 8);

        entry.lsn = ++now->last_lsn;
        entry.payload_len_bytes = (uint16_t)below(workload, PAYLOAD_BYTES_MAX);
        memset(payload, (int)below(workload, 256), sizeof(payload));
        entry.payload = payload;
        size_t len = entry_encode(&entry, bytes, sizeof(material->entry_bytes[i]) - IDS_HASH_BYTES);
        CHECK(len > 0 && now->last_lsn < sizeof(workload->heads) / sizeof(workload->heads[0]));
        crypto_chain(workload->crypto, &now->head, bytes, len, &now->head);
        memcpy(bytes + len, now->head.bytes, IDS_HASH_BYTES);
        workload->heads[now->last_lsn] = now->head;
        bytes_put_u64(&writer, entry.lsn);
        material->entries[i] =
            (struct ledger_put){.key = material->lsn_keys[i],
                                .key_len_bytes = 8,
                                .value = bytes,
                                .value_len_bytes = (uint32_t)len + IDS_HASH_BYTES};
    }
    material->batch.entries = material->entries;
    material->batch.entry_count = count;
}

static void row_fill(struct workload *workload, struct material *material, uint32_t row)
{
    uint32_t version = below(workload, 4) == 0 ? 0 : (uint32_t)(1 + below(workload, 1000));
    size_t at = material->batch.row_count++;

    (void)snprintf(material->row_keys[at], KEY_TEXT_BYTES, "row %02u", row);
    size_t len = value_fill(row, version, material->row_bytes[at], ROW_BYTES_MAX);
    material->rows[at] =
        (struct ledger_put){.key = (const uint8_t *)material->row_keys[at],
                            .key_len_bytes = (uint16_t)strlen(material->row_keys[at]),
                            .value = version == 0 ? NULL : material->row_bytes[at],
                            .value_len_bytes = (uint32_t)len};
    workload->now.rows[row] = version;
}

static void rows_fill(struct workload *workload, struct material *material)
{
    uint64_t chosen = draw(workload) & draw(workload);

    if (material->batch.truncate_from_lsn != 0 && below(workload, 2) == 0) {
        material->batch.clear_rows = true;
        memset(workload->now.rows, 0, sizeof(workload->now.rows));
    }
    for (uint32_t row = 0; row < WORKLOAD_ROWS; row++) {
        if ((chosen >> row & 1) != 0) {
            row_fill(workload, material, row);
        }
    }
    material->batch.rows = material->rows;
}

static void meta_fill(struct workload *workload, struct material *material)
{
    uint32_t version = (uint32_t)(1 + below(workload, 1000));
    size_t len = value_fill(WORKLOAD_ROWS, version, material->meta_bytes, ROW_BYTES_MAX);

    material->meta = (struct ledger_put){.key = (const uint8_t *)"m",
                                         .key_len_bytes = 1,
                                         .value = material->meta_bytes,
                                         .value_len_bytes = (uint32_t)len};
    material->batch.metas = &material->meta;
    material->batch.meta_count = 1;
    workload->now.meta = version;
}

static void keys_fill(struct workload *workload, struct material *material)
{
    uint8_t *keys = workload->now.keys;
    size_t count = 0;

    for (size_t i = 0; i < WORKLOAD_KEYS && count < 1 + below(workload, 2); i++) {
        if (keys[i] == KEY_NONE) {
            material->keys_new[count++] = key_fill(i);
            keys[i] = KEY_LIVES;
        }
    }
    material->batch.keys_new = material->keys_new;
    material->batch.keys_new_count = count;
}

static void keys_destroy(struct workload *workload, struct material *material)
{
    uint8_t *keys = workload->now.keys;
    size_t count = 0;

    for (size_t i = 0; i < WORKLOAD_KEYS && count < 1 + below(workload, 2); i++) {
        if (workload->states[workload->step_count].keys[i] == KEY_LIVES && keys[i] == KEY_LIVES) {
            material->keys_destroy[count++] = key_fill(i);
            keys[i] = KEY_DESTROYED;
        }
    }
    material->batch.keys_destroy = material->keys_destroy;
    material->batch.keys_destroy_count = count;
}

static void record_fill(struct workload *workload, struct material *material)
{
    workload->now.record = (uint32_t)(1 + below(workload, 100000));
    material->batch.record = material->record;
    material->batch.record_len_bytes =
        value_fill(WORKLOAD_ROWS + 1, workload->now.record, material->record, RECORD_BYTES);
}

static void batch_fill(struct workload *workload, struct material *material,
                       enum workload_wish wish)
{
    memset(&material->batch, 0, sizeof(material->batch));
    workload->now.takes_away = false;
    if ((below(workload, 9) == 0 || wish == WISH_TAKES_AWAY) && workload->now.last_lsn > 3) {
        uint64_t back =
            1 + below(workload, workload->now.last_lsn > 20 ? 20 : workload->now.last_lsn);

        material->batch.truncate_from_lsn = workload->now.last_lsn - back + 1;
        workload->now.last_lsn -= back;
        workload->now.head = workload->heads[workload->now.last_lsn];
        workload->now.archived_count += back;
        workload->now.takes_away = true;
    }
    entries_fill(workload, material,
                 1 + below(workload, ENTRIES_A_STEP)); /* so a state is known by its head */
    if (below(workload, 3) != 0) {
        rows_fill(workload, material);
    }
    if (below(workload, 4) == 0) {
        meta_fill(workload, material);
    }
    if (below(workload, 6) == 0 || wish == WISH_KEYS) {
        keys_fill(workload, material);
    }
    if (below(workload, 7) == 0 || wish == WISH_TAKES_AWAY) {
        keys_destroy(workload, material);
    }
    if (below(workload, 3) == 0 || wish != WISH_NOTHING) {
        record_fill(workload, material);
    }
}

static bool count_one(void *context, const uint8_t *key, size_t key_len_bytes, const uint8_t *value,
                      size_t value_len_bytes)
{
    (void)key;
    (void)key_len_bytes;
    (void)value;
    (void)value_len_bytes;
    (*(uint64_t *)context)++;
    return true;
}

static uint64_t archived(struct ledger *ledger)
{
    uint64_t count = 0;

    CHECK(ledger_read_archive(ledger, count_one, &count) == 0);
    return count;
}

int workload_store(struct workload *workload, const struct ledger_batch *batch)
{
    struct pollfd wait = {.fd = ledger_completion_fd(workload->ledger), .events = POLLIN};
    int result = ledger_submit(workload->ledger, batch);

    if (result < 0) {
        return result;
    }
    CHECK(poll(&wait, 1, COMPLETION_MS_MAX) == 1);
    CHECK(ledger_take_completion(workload->ledger, &result) == 1);
    /* What the writer does after its answer comes before the next thing recorded: one seed, one recording. */
    CHECK(pthread_mutex_lock(&workload->ledger->commit_lock) == 0);
    CHECK(pthread_mutex_unlock(&workload->ledger->commit_lock) == 0);
    return result;
}

/* ---- steps ---------------------------------------------------------------------------------------- */

int workload_open(const char *root, struct ledger **ret_ledger, char *why, size_t why_bytes)
{
    char data[WORKLOAD_PATH_BYTES + 8], record[WORKLOAD_PATH_BYTES + 8];
    struct ledger_options options = {
        .data_dir = data, .record_dir = record, .map_size_bytes = WORKLOAD_MAP_BYTES};

    (void)snprintf(data, sizeof(data), "%s/data", root);
    (void)snprintf(record, sizeof(record), "%s/record", root);
    return ledger_open(&options, ret_ledger, why, why_bytes);
}

static void start(struct workload *workload, const char *root)
{
    char why[512];
    int r = workload_open(root, &workload->ledger, why, sizeof(why));

    if (r < 0) {
        (void)fprintf(stderr, "the workload cannot open its ledger: %d %s\n", r, why);
    }
    CHECK(r == 0);
}

static void stop(struct workload *workload)
{
    ledger_close(workload->ledger);
    workload->ledger = NULL;
}

static void asked(struct workload *workload)
{
    recorder_note(NOTE_ASKED, workload->step_count + 1);
}

/* Whoever asked is told now: what `now` says must not be lost any more. */
void workload_stored(struct workload *workload)
{
    CHECK(workload->step_count < WORKLOAD_STEPS_MAX);
    recorder_note(NOTE_ACKNOWLEDGED, ++workload->step_count);
}

const struct ledger_batch *workload_batch(struct workload *workload, enum workload_wish wish)
{
    static struct material material;

    batch_fill(workload, &material, wish);
    workload->states[workload->step_count + 1] = workload->now;
    return &material.batch;
}

static void store_step(struct workload *workload)
{
    const struct ledger_batch *batch = workload_batch(workload, WISH_NOTHING);

    asked(workload);
    CHECK(workload_store(workload, batch) == 0);
    workload_stored(workload);
    CHECK(archived(workload->ledger) == workload->now.archived_count);
}

/* The ledger of the other unit, as long as it takes. */
void workload_other_make(struct workload *workload)
{
    struct workload_state before = workload->now;

    workload->now = (struct workload_state){0};
    memcpy(workload->now.keys, before.keys, sizeof(before.keys));
    start(workload, workload->other);
    for (int i = 0; i < OTHER_STEPS; i++) {
        struct ledger_batch batch = *workload_batch(workload, WISH_NOTHING);

        batch.keys_new_count = batch.keys_destroy_count = 0;
        CHECK(workload_store(workload, &batch) == 0);
    }
    memcpy(workload->now.keys, before.keys, sizeof(before.keys));
    workload->now.record = before.record;
    workload->now.takes_away = true; /* of this unit's entries: its record stays */
    workload->now.archived_count += before.archived_count + before.last_lsn;
    workload->states[workload->step_count + 1] = workload->now;
}

/* Rows and entries become those of the other; keys and record stay. */
static void snapshot_step(struct workload *workload)
{
    struct ledger *own = workload->ledger;
    struct ledger *other;
    static uint8_t chunk[CHUNK_BYTES];
    static const uint8_t mark[] = "taken over";
    const struct ledger_put meta = {.key = (const uint8_t *)"joined",
                                    .key_len_bytes = 6,
                                    .value = mark,
                                    .value_len_bytes = sizeof(mark)};
    uint64_t size_bytes = 0, last_lsn = 0, have_bytes = 0;
    struct ids_hash hash;
    int r = -EINPROGRESS;

    workload_other_make(workload);
    other = workload->ledger;
    while ((r = ledger_snapshot_make(other, &size_bytes, &last_lsn, &hash)) == -EINPROGRESS) {
        (void)usleep(WAIT_US);
    }
    CHECK(r == 0 && last_lsn == workload->now.last_lsn);
    CHECK(ledger_incoming_begin(own, size_bytes, &hash, &have_bytes) == 0);
    while (have_bytes < size_bytes) {
        size_t len_bytes = 0;

        CHECK(ledger_snapshot_read(other, have_bytes, chunk, sizeof(chunk), &len_bytes) == 0);
        CHECK(ledger_incoming_write(own, have_bytes, chunk, len_bytes) == 0);
        have_bytes += len_bytes;
    }
    asked(workload);
    while ((r = ledger_incoming_finish(own, &meta, 1)) == -EINPROGRESS) {
        (void)usleep(WAIT_US);
    }
    CHECK(r == 0);
    workload_stored(workload);
    ledger_close(other);
    ledger_close(own);
    start(workload, workload->root);
    CHECK(archived(workload->ledger) == workload->now.archived_count);
}

/* As after damage: the unit goes on blank; keys and record stay. */
static void aside_step(struct workload *workload)
{
    char data[WORKLOAD_PATH_BYTES + 8];
    struct workload_state blank = {.record = workload->now.record, .takes_away = true};

    memcpy(blank.keys, workload->now.keys, sizeof(blank.keys));
    (void)snprintf(data, sizeof(data), "%s/data", workload->root);
    stop(workload);
    workload->now = workload->states[workload->step_count + 1] = blank;
    asked(workload);
    CHECK(ledger_set_aside(data) == 0);
    workload_stored(workload);
    start(workload, workload->root);
}

void workload_begin(struct workload *workload, uint64_t seed, const char *root, const char *other)
{
    memset(workload, 0, sizeof(*workload));
    workload->seed = seed;
    workload->random = seed * 1000003;
    workload->crypto = crypto_create();
    (void)snprintf(workload->root, sizeof(workload->root), "%s", root);
    (void)snprintf(workload->other, sizeof(workload->other), "%s", other);
    start(workload, root);
}

void workload_run(struct workload *workload, uint64_t seed, size_t steps, const char *root,
                  const char *other)
{
    workload_begin(workload, seed, root, other);
    CHECK(steps <= WORKLOAD_STEPS_MAX);
    while (workload->step_count < steps) {
        if (workload->step_count == steps / 2) {
            snapshot_step(workload);
        } else if (workload->step_count == steps * 3 / 4 && seed % 2 == 0) {
            aside_step(workload);
        } else if (below(workload, 10) == 0) {
            stop(workload);
            start(workload, root);
            store_step(workload);
        } else {
            store_step(workload);
        }
    }
    stop(workload);
}

void workload_finish(struct workload *workload)
{
    crypto_destroy(workload->crypto);
    workload->crypto = NULL;
}

/* ---- the judge ------------------------------------------------------------------------------------ */

struct rows_seen {
    const struct workload_state *state;
    size_t count;
    bool wrong;
};

static bool row_look(void *context, const uint8_t *key, size_t key_len_bytes, const uint8_t *value,
                     size_t value_len_bytes)
{
    struct rows_seen *seen = context;
    uint8_t bytes[ROW_BYTES_MAX];
    unsigned row = WORKLOAD_ROWS;
    char text[KEY_TEXT_BYTES] = {0};

    memcpy(text, key, key_len_bytes < sizeof(text) ? key_len_bytes : sizeof(text) - 1);
    if (sscanf(text, "row %2u", &row) != 1 || row >= WORKLOAD_ROWS || seen->state->rows[row] == 0 ||
        value_fill(row, seen->state->rows[row], bytes, sizeof(bytes)) != value_len_bytes ||
        memcmp(bytes, value, value_len_bytes) != 0) {
        seen->wrong = true;
        return false;
    }
    seen->count++;
    return true;
}

static const char *rows_judge(struct ledger *ledger, const struct workload_state *state)
{
    struct rows_seen seen = {.state = state};
    uint8_t bytes[ROW_BYTES_MAX], wanted[ROW_BYTES_MAX];
    size_t count = 0, len_bytes = 0;

    if (ledger_read_rows(ledger, row_look, &seen) < 0) {
        return "the rows cannot be read";
    }
    for (size_t i = 0; i < WORKLOAD_ROWS; i++) {
        count += state->rows[i] != 0;
    }
    if (seen.wrong || seen.count != count) {
        return "the rows are not those of the newest entry";
    }
    int r = ledger_read_meta(ledger, "m", bytes, sizeof(bytes), &len_bytes);
    if (state->meta == 0
            ? r != -ENOENT
            : r < 0 ||
                  value_fill(WORKLOAD_ROWS, state->meta, wanted, sizeof(wanted)) != len_bytes ||
                  memcmp(bytes, wanted, len_bytes) != 0) {
        return "the meta is not that of the newest entry";
    }
    return archived(ledger) != state->archived_count ? "replaced tails are missing or doubled"
                                                     : NULL;
}

/* A key that seals what is acknowledged is there; one whose destruction was acknowledged is not; while either is
 * under way both may be seen, but never a destruction before the entry that says so. */
static const char *keys_judge(struct ledger *ledger, const struct workload_state *before,
                              const struct workload_state *after, bool is_after)
{
    struct ledger_day_key keys[WORKLOAD_KEYS];
    bool there[WORKLOAD_KEYS] = {false}, right[WORKLOAD_KEYS] = {false};
    size_t count = 0;

    if (ledger_read_keys(ledger, keys, WORKLOAD_KEYS, &count) < 0) {
        return "the keys cannot be read";
    }
    for (size_t i = 0; i < count; i++) {
        size_t at = keys[i].day - DAY;
        struct ledger_day_key wanted = key_fill(at);

        CHECK(at < WORKLOAD_KEYS);
        there[at] = true;
        right[at] = memcmp(&keys[i].key, &wanted.key, sizeof(wanted.key)) == 0;
    }
    for (size_t i = 0; i < WORKLOAD_KEYS; i++) {
        uint8_t was = before->keys[i], is = after->keys[i];

        if (was == KEY_LIVES && (is == KEY_LIVES || !is_after) && !right[i]) {
            return "a key is missing, and entries lie under it";
        }
        if (was == KEY_NONE && is == KEY_LIVES && (is_after ? !right[i] : there[i] && !right[i])) {
            return "a new key is not there, or is another";
        }
        if ((was == KEY_DESTROYED || is == KEY_NONE) && there[i]) {
            return "a destroyed key is there again";
        }
    }
    return NULL;
}

static const char *record_judge(struct ledger *ledger, const struct workload_state *before,
                                const struct workload_state *after, bool is_after)
{
    uint8_t bytes[LEDGER_RECORD_BYTES_MAX], old[RECORD_BYTES], new[RECORD_BYTES];
    size_t len_bytes = 0;
    int r = ledger_read_record(ledger, bytes, sizeof(bytes), &len_bytes);
    bool is_old =
        before->record == 0
            ? r == -ENOENT
            : r == 0 &&
                  len_bytes == value_fill(WORKLOAD_ROWS + 1, before->record, old, sizeof(old)) &&
                  memcmp(bytes, old, len_bytes) == 0;
    bool is_new = after->record == 0 ? r == -ENOENT
                                     : r == 0 &&
                                           len_bytes == value_fill(WORKLOAD_ROWS + 1, after->record,
                                                                   new, sizeof(new)) &&
                                           memcmp(bytes, new, len_bytes) == 0;

    if (!is_old && !is_new) {
        return r < 0 ? "the record is lost" : "the record is neither the old nor the new one";
    }
    if (!is_old && !is_after && !after->takes_away) {
        return "the record is ahead of its ledger";
    }
    return NULL;
}

static const char *chain_judge(struct ledger *ledger)
{
    static struct ledger_damage damage;
    uint64_t next_lsn = 1, before = 0;
    int r = 0;

    while (r == 0 && before != next_lsn) {
        before = next_lsn;
        r = ledger_verify(ledger, before, UINT64_MAX, &next_lsn, &damage);
    }
    return r < 0 ? damage.what_en : NULL;
}

static const char *more_judge(struct workload *workload, struct ledger **ledger, const char *root,
                              const struct workload_state *state)
{
    static struct material material;
    char why[512];

    workload->now = *state;
    workload->ledger = *ledger;
    memset(&material.batch, 0, sizeof(material.batch));
    entries_fill(workload, &material, 3);
    rows_fill(workload, &material);
    record_fill(workload, &material);
    if (workload_store(workload, &material.batch) < 0) {
        return "it does not take one more batch";
    }
    ledger_close(*ledger);
    *ledger = NULL;
    if (workload_open(root, ledger, why, sizeof(why)) < 0) {
        return "it takes one more batch and does not open again";
    }
    const char *wrong = chain_judge(*ledger);
    return wrong != NULL ? wrong : rows_judge(*ledger, &workload->now);
}

const char *workload_judge(struct workload *workload, const char *root, size_t acknowledged_count,
                           size_t asked_count, bool go_on)
{
    static char why[512];
    const struct workload_state *before = &workload->states[acknowledged_count];
    const struct workload_state *after = &workload->states[asked_count];
    struct ledger *ledger = NULL;
    struct ledger_info info;
    const char *wrong = NULL;
    int r = workload_open(root, &ledger, why, sizeof(why));

    if (r < 0) {
        return why[0] == '\0' ? "it does not open and says no reason" : why;
    }
    ledger_get_info(ledger, &info);
    bool is_after = info.last_lsn == after->last_lsn && ids_hash_equal(&info.head, &after->head);
    bool is_before = info.last_lsn == before->last_lsn && ids_hash_equal(&info.head, &before->head);
    if (!is_after && !is_before) {
        wrong = info.last_lsn < before->last_lsn ? "acknowledged entries are lost"
                                                 : "it is neither before nor after the batch";
    }
    wrong = wrong != NULL ? wrong : chain_judge(ledger);
    wrong = wrong != NULL ? wrong : rows_judge(ledger, is_after ? after : before);
    wrong = wrong != NULL ? wrong : keys_judge(ledger, before, after, is_after);
    wrong = wrong != NULL ? wrong : record_judge(ledger, before, after, is_after);
    if (wrong == NULL && go_on) {
        wrong = more_judge(workload, &ledger, root, is_after ? after : before);
    }
    ledger_close(ledger);
    return wrong;
}
