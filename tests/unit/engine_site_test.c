/* Versions of the site file, as toband keeps them: what is written, what the other unit folds it to, who is refused. */
#include "appliance/engine/engine_internal.h"
#include "appliance/engine/site_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SITE_FILE_BYTES_TEST = 64 * 1024,
    CLIENT = 9,
    BODY_BYTES = 512 * 1024,
    KEPT_MAX = 4096,
    TODAY = 20261124
};

struct kept {
    uint8_t *bytes;
    size_t len_bytes;
};

/* One unit, and the entries that its disk holds. */
struct unit {
    struct engine *engine;
    struct kept kept[KEPT_MAX];
    uint64_t last_lsn;
};

struct desk {
    struct unit units[2];
    uint16_t status;
    char body[BODY_BYTES];
    char sample[SITE_FILE_BYTES_TEST];
    char edited[SITE_FILE_BYTES_TEST];
};

static struct desk *listening;

static int store(void *context, const struct ledger_batch *batch)
{
    (void)context;
    (void)batch;
    return 0;
}

static int read_entries(void *context, uint64_t from_lsn, uint64_t to_lsn, ledger_each_fn *each,
                        void *each_context)
{
    const struct unit *unit = context;

    for (uint64_t lsn = from_lsn; lsn <= to_lsn && lsn <= unit->last_lsn; lsn++) {
        if (!each(each_context, NULL, 0, unit->kept[lsn].bytes, unit->kept[lsn].len_bytes)) {
            break;
        }
    }
    return 0;
}

static int no_record(void *context, uint8_t *bytes, size_t capacity_bytes, size_t *ret_len_bytes)
{
    (void)context;
    (void)bytes;
    (void)capacity_bytes;
    (void)ret_len_bytes;
    return -ENOENT;
}

static int no_keys(void *context, struct ledger_day_key *keys, size_t max, size_t *ret_count)
{
    (void)context;
    (void)keys;
    (void)max;
    *ret_count = 0;
    return 0;
}

static int no_meta(void *context, const char *name, uint8_t *bytes, size_t capacity_bytes,
                   size_t *ret_len_bytes)
{
    (void)context;
    (void)name;
    (void)bytes;
    (void)capacity_bytes;
    (void)ret_len_bytes;
    return -ENOENT;
}

static void read_info(void *context, struct ledger_info *ret_info)
{
    const struct unit *unit = context;

    *ret_info = (struct ledger_info){.last_lsn = unit->last_lsn};
}

static void say(void *context, const char *line)
{
    (void)context;
    (void)line;
}

static void draw(void *context, void *bytes, size_t len_bytes)
{
    static uint8_t drawn;

    (void)context;
    for (size_t i = 0; i < len_bytes; i++) {
        ((uint8_t *)bytes)[i] = (uint8_t)(++drawn * 167U ^ i);
    }
}

static void take_reply(void *context, uint64_t client, const uint8_t *header,
                       size_t header_len_bytes, const uint8_t *body, size_t body_len_bytes)
{
    struct bytes_reader reader = bytes_reader_over(header, header_len_bytes);

    (void)context;
    (void)client;
    if (api_frame_type(header) != API_REPLY) {
        return;
    }
    (void)bytes_take(&reader, API_FRAME_HEADER_BYTES);
    listening->status = bytes_get_u16(&reader);
    assert_true(body_len_bytes < BODY_BYTES);
    if (body_len_bytes > 0) {
        memcpy(listening->body, body, body_len_bytes);
    }
    listening->body[body_len_bytes] = '\0';
}

static void start(struct desk *desk, int index, bool found)
{
    static struct calendar calendar;
    static struct queue_config config;
    struct unit *unit = &desk->units[index];
    const struct world world = {.context = unit,
                                .store = store,
                                .read_entries = read_entries,
                                .read_meta = no_meta,
                                .read_keys = no_keys,
                                .read_record = no_record,
                                .read_info = read_info,
                                .log = say,
                                .random = draw,
                                .reply = take_reply};
    static struct world worlds[2];
    struct engine_options options = {
        .duty = {.unit = (uint32_t)index + 1, .peer_unit = 2 - (uint32_t)index},
        .config = &config,
        .calendar = &calendar,
        .site_reader = &site_reader,
        .site_text = (const uint8_t *)desk->sample,
        .site_text_len_bytes = strlen(desk->sample)};

    worlds[index] = world;
    options.world = &worlds[index];
    calendar_init(&calendar);
    unit->engine = engine_create(&options);
    unit->engine->wall_ms = INT64_C(1795480000000);
    assert_int_equal(engine_load(unit->engine, found), 0);
    unit->engine->started = true;
    unit->engine->duty.state = index == 0 ? DUTY_PAIRED_DUTY : DUTY_PAIRED_SPARE;
}

/* What the first unit has written is on both disks, and folded by the other. */
static void make_durable(struct desk *desk)
{
    struct engine *engine = desk->units[0].engine, *other = desk->units[1].engine;

    for (uint64_t lsn = desk->units[0].last_lsn + 1; lsn <= engine->last_lsn; lsn++) {
        const struct cached_entry *entry = engine_cached(engine, lsn);

        assert_non_null(entry);
        for (size_t i = 0; i < 2; i++) {
            struct kept *kept = &desk->units[i].kept[lsn];

            kept->bytes = malloc(entry->len_bytes);
            kept->len_bytes = entry->len_bytes;
            memcpy(kept->bytes, entry->bytes, entry->len_bytes);
            desk->units[i].last_lsn = lsn;
        }
        for (size_t i = 0; other != NULL && i < engine->key_count; i++) {
            engine_take_key(other, engine->keys[i].day, engine->keys[i].unit,
                            engine->keys[i].key.bytes);
        }
        if (other != NULL) {
            assert_int_equal(engine_append_foreign(other, entry->bytes, entry->len_bytes), 0);
            other->durable_lsn = lsn;
        }
    }
    if (other != NULL) {
        site_refresh(other);
    }
    engine->both_lsn = engine->durable_lsn = engine->sender.acked_lsn = engine->last_lsn;
}

static int set_up(void **state)
{
    struct desk *desk = calloc(1, sizeof(*desk));
    FILE *file = fopen("image/site-default.yaml", "re");

    assert_non_null(desk);
    assert_non_null(file);
    desk->sample[fread(desk->sample, 1, sizeof(desk->sample) - 1, file)] = '\0';
    (void)fclose(file);
    *state = listening = desk;
    start(desk, 1, false);
    start(desk, 0, true);
    make_durable(desk);
    return 0;
}

static int tear_down(void **state)
{
    struct desk *desk = *state;

    for (size_t i = 0; i < 2; i++) {
        engine_destroy(desk->units[i].engine);
        for (uint64_t lsn = 1; lsn <= desk->units[i].last_lsn; lsn++) {
            free(desk->units[i].kept[lsn].bytes);
        }
    }
    free(desk);
    return 0;
}

static uint16_t ask_of(struct desk *desk, int unit, const struct api_request *request)
{
    static uint8_t frame[API_SITE_REQUEST_BYTES_MAX];
    struct engine *engine = desk->units[unit].engine;
    uint64_t before = engine->last_lsn;
    size_t len_bytes = api_request_encode(request, frame, sizeof(frame));

    assert_true(len_bytes > 0);
    desk->status = 0;
    desk->body[0] = '\0';
    serve_request(engine, CLIENT, frame, len_bytes);
    if (engine->last_lsn > before) {
        serve_flush(engine);
        assert_int_equal(desk->status, 0); /* nothing leaves before it is on both disks */
    }
    if (unit == 0) {
        make_durable(desk);
    }
    serve_flush(engine);
    return desk->status;
}

static uint16_t send_text(struct desk *desk, enum api_site_what what, const char *text,
                          uint32_t version, enum api_site_when when)
{
    struct api_request request = {.type = API_SITE,
                                  .id = 1,
                                  .site = {.what = (uint8_t)what,
                                           .version = version,
                                           .when = (uint8_t)when,
                                           .note = "why",
                                           .text = (const uint8_t *)text,
                                           .text_len_bytes = (uint32_t)strlen(text)}};

    return ask_of(desk, 0, &request);
}

static uint16_t apply(struct desk *desk, const char *text, uint32_t version)
{
    return send_text(desk, API_SITE_APPLY, text, version, API_SITE_NOW);
}

static uint16_t get(struct desk *desk, enum api_site_what what, uint32_t version)
{
    struct api_request request = {
        .type = API_SITE, .id = 1, .site = {.what = (uint8_t)what, .version = version}};

    return ask_of(desk, 0, &request);
}

static uint16_t get_site(struct desk *desk)
{
    struct api_request request = {.type = API_READ, .id = 1, .read = {.what = API_READ_SITE}};

    return ask_of(desk, 0, &request);
}

static const char *edit(struct desk *desk, const char *from, const char *to)
{
    const char *place = strstr(desk->sample, from);

    assert_non_null(place);
    (void)snprintf(desk->edited, sizeof(desk->edited), "%.*s%s%s", (int)(place - desk->sample),
                   desk->sample, to, place + strlen(from));
    return desk->edited;
}

static void must_be_equal(const struct desk *desk)
{
    const struct engine *a = desk->units[0].engine, *b = desk->units[1].engine;

    assert_memory_equal(&a->state.site, &b->state.site, sizeof(a->state.site));
    assert_memory_equal(a->digest, b->digest, sizeof(a->digest));
    assert_memory_equal(&a->queue->config, &b->queue->config, sizeof(a->queue->config));
    assert_int_equal(a->site.version, b->site.version);
    assert_memory_equal(a->site.pages, b->site.pages, a->site.pages_len_bytes);
    assert_int_equal(a->options.calendar->hours[CALENDAR_MONDAY].open_minute,
                     b->options.calendar->hours[CALENDAR_MONDAY].open_minute);
}

static void a_new_ledger_begins_with_the_units_own_file(void **state)
{
    struct desk *desk = *state;

    assert_int_equal(desk->units[0].engine->state.site.force.version, 1);
    assert_string_equal(desk->units[0].engine->queue->config.site_ja,
                        "世田谷区 都市計画課 総合受付");
    must_be_equal(desk);
    assert_int_equal(get(desk, API_SITE_SHOW, 0), 200);
    assert_non_null(strstr(desk->body, "\"version\":1"));
    assert_non_null(strstr(desk->body, "窓口の設定ファイル"));
    assert_int_equal(get_site(desk), 200);
    assert_true(strncmp(desk->body, "{\"version\":1,\"name\":{\"ja\":\"世田谷区",
                        strlen("{\"version\":1,\"name\":{\"ja\":\"世田谷区")) == 0);
}

static void a_version_takes_force_on_both_units_in_one_batch(void **state)
{
    struct desk *desk = *state;
    uint64_t before = desk->units[0].engine->last_lsn;

    assert_int_equal(apply(desk, edit(desk, "都市計画課 総合受付", "都市整備課 総合受付"), 1), 201);
    assert_non_null(strstr(desk->body, "\"version\":2,\"in_force\":true"));
    assert_non_null(strstr(desk->body, "窓口の名前が"));
    assert_true(desk->units[0].engine->last_lsn >= before + 2);
    assert_string_equal(desk->units[0].engine->queue->config.site_ja,
                        "世田谷区 都市整備課 総合受付");
    must_be_equal(desk);
    assert_int_equal(get_site(desk), 200);
    assert_non_null(strstr(desk->body, "都市整備課 総合受付"));
    assert_int_equal(get(desk, API_SITE_SHOW, 1), 200);
    assert_non_null(strstr(desk->body, "都市計画課 総合受付"));
    assert_int_equal(get(desk, API_SITE_SHOW, 7), 404);
    assert_int_equal(get(desk, API_SITE_HISTORY, 0), 200);
    assert_non_null(strstr(desk->body, "\"note\":\"why\""));
    assert_non_null(strstr(desk->body, "\"by\":\"root\""));
}

/* On both units by the same entry, and off again by the next; a version without the word is one that says no. */
static void whether_visits_are_kept_is_what_the_version_in_force_says(void **state)
{
    struct desk *desk = *state;

    assert_int_equal(apply(desk, edit(desk, "keep_visits: off", "keep_visits: true"), 1), 201);
    assert_non_null(strstr(desk->body, "400"));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(desk->units[i].engine->site.version, 2);
        assert_int_equal(desk->units[i].engine->options.keep_visits_days, 400);
    }
    assert_int_equal(
        apply(desk, edit(desk, "keep_visits: off", "keep_visits: on\n  keep_visits_days: 7"), 2),
        201);
    assert_int_equal(desk->units[1].engine->options.keep_visits_days, 7);
    assert_int_equal(apply(desk, edit(desk, "statistics:\n  keep_visits: off", ""), 3), 201);
    assert_non_null(strstr(desk->body, "erased at once"));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(desk->units[i].engine->options.keep_visits_days, 0);
    }
}

static void two_edits_at_once_are_one_and_a_refusal(void **state)
{
    struct desk *desk = *state;

    assert_int_equal(apply(desk, edit(desk, "close: \"17:00\"", "close: \"17:15\""), 1), 201);
    assert_int_equal(desk->units[1].engine->options.calendar->hours[CALENDAR_MONDAY].close_minute,
                     17 * 60 + 15);
    assert_int_equal(apply(desk, desk->edited, 1), 200); /* whoever heard no answer: it was taken */
    assert_non_null(strstr(desk->body, "\"version\":2"));
    assert_int_equal(apply(desk, edit(desk, "close: \"17:00\"", "close: \"16:00\""), 1), 412);
    assert_non_null(strstr(desk->body, "OTHER_VERSION"));
    assert_int_equal(desk->units[0].engine->state.site.newest.version, 2);
}

static void a_text_that_cannot_be_read_changes_nothing_and_names_the_line(void **state)
{
    struct desk *desk = *state;
    uint64_t before = desk->units[0].engine->last_lsn;

    assert_int_equal(apply(desk, edit(desk, "close: \"17:00\"", "close: \"25:00\""), 1), 422);
    assert_non_null(strstr(desk->body, "\"path\":\"hours.close\""));
    assert_non_null(strstr(desk->body, "SITE_FILE_INVALID"));
    assert_int_equal(apply(desk, "", 1), 422);
    assert_int_equal(desk->units[0].engine->last_lsn, before);
    assert_int_equal(send_text(desk, API_SITE_CHECK, desk->sample, 0, API_SITE_NOW), 200);
    assert_non_null(strstr(desk->body, "\"base_version\":1,\"changes\":[]"));
    assert_int_equal(desk->units[0].engine->last_lsn, before);
}

static void machines_are_not_changed_by_a_new_version(void **state)
{
    struct desk *desk = *state;

    assert_int_equal(
        apply(desk, edit(desk, "floating: 10.90.0.10/24", "floating: 10.90.0.11/24"), 1), 422);
    assert_non_null(strstr(desk->body, "MACHINES_DIFFER"));
}

static void alone_nothing_is_changed(void **state)
{
    struct desk *desk = *state;

    desk->units[0].engine->duty.state = DUTY_ALONE;
    desk->units[0].engine->series = (struct ids_series){.unit = 1, .session = 1};
    assert_int_equal(apply(desk, edit(desk, "close: \"17:00\"", "close: \"16:00\""), 1), 409);
    assert_non_null(strstr(desk->body, "NOT_ALONE"));
    assert_int_equal(send_text(desk, API_SITE_CHECK, desk->edited, 0, API_SITE_NOW), 200);
    assert_non_null(strstr(desk->body, "NOT_ALONE"));
    desk->units[0].engine->options.duty.peer_place = 0; /* an office of one unit waits for nobody */
    assert_int_equal(apply(desk, desk->edited, 1), 201);
}

/* Contact broke while a version was on its way: it may be this disk alone that has it, and a meeting that the other
 * one leads leaves it in the replaced tail. Nobody is told that it was taken (found by the simulator, seed 35). */
static void a_version_on_one_disk_is_answered_to_nobody(void **state)
{
    struct desk *desk = *state;
    struct engine *engine = desk->units[0].engine;
    struct api_request request = {
        .type = API_SITE, .id = 1, .site = {.what = API_SITE_APPLY, .version = 1, .note = "why"}};
    static uint8_t frame[API_SITE_REQUEST_BYTES_MAX];

    request.site.text = (const uint8_t *)edit(desk, "close: \"17:00\"", "close: \"16:00\"");
    request.site.text_len_bytes = (uint32_t)strlen(desk->edited);
    serve_request(engine, CLIENT, frame, api_request_encode(&request, frame, sizeof(frame)));
    engine->duty.state = DUTY_ALONE;
    engine->series = (struct ids_series){.unit = 1, .session = 1};
    engine->durable_lsn = engine->last_lsn;
    desk->status = 0;
    serve_flush(engine);
    assert_int_equal(desk->status, 503);
    assert_non_null(strstr(desk->body, "NOT_ON_BOTH"));
    assert_int_equal(engine->replies_count, 0);
    assert_int_equal(apply(desk, desk->edited, 1), 409); /* nor by asking again */

    engine->duty.state = DUTY_PAIRED_DUTY;
    engine->series = (struct ids_series){0};
    assert_int_equal(apply(desk, desk->edited, 1), 200);
    assert_non_null(strstr(desk->body, "\"version\":2,\"in_force\":true"));
    must_be_equal(desk);
}

static void open_day(struct desk *desk)
{
    assert_int_equal(day_open(desk->units[0].engine, TODAY, 0), QUEUE_OK);
    make_durable(desk);
}

static uint16_t issue(struct desk *desk, uint16_t category, uint8_t key)
{
    struct api_request request = {.type = API_COMMAND,
                                  .id = 1,
                                  .command = {.action = QUEUE_ISSUE,
                                              .category = category,
                                              .delivery = QUEUE_DELIVERY_SCREEN}};

    memset(request.command.key.bytes, key, sizeof(request.command.key.bytes));
    desk->units[0].engine->safe_ceiling[category - 1] = QUEUE_NUMBER_MAX;
    return ask_of(desk, 0, &request);
}

static void what_would_strand_a_ticket_is_refused_until_the_next_opening(void **state)
{
    struct desk *desk = *state;

    open_day(desk);
    assert_int_equal(issue(desk, 1, 1), 201);
    assert_non_null(strstr(desk->body, "\"number\":101"));
    assert_int_equal(apply(desk, edit(desk, "first: 101, last: 199", "first: 102, last: 199"), 1),
                     409);
    assert_non_null(strstr(desk->body, "NUMBERS_IN_USE"));
    assert_int_equal(apply(desk, edit(desk, "\n# 欠番、", "\ntickets: {skip: [4]}\n# 欠番、"), 1),
                     409);
    assert_non_null(strstr(desk->body, "SKIPS_IN_USE"));
    assert_int_equal(desk->units[0].engine->state.site.newest.version, 1);
    assert_int_equal(send_text(desk, API_SITE_APPLY, desk->edited, 1, API_SITE_AT_OPENING), 201);
    assert_non_null(strstr(desk->body, "\"version\":2,\"in_force\":false"));
    assert_int_equal(desk->units[0].engine->queue->config.skip_count, 0);
    must_be_equal(desk);
    assert_int_equal(day_close(desk->units[0].engine, 0), QUEUE_OK);
    assert_int_equal(day_open(desk->units[0].engine, TODAY + 1, 0), QUEUE_OK);
    make_durable(desk);
    assert_int_equal(desk->units[0].engine->state.site.force.version, 2);
    assert_int_equal(desk->units[0].engine->queue->config.skip_count, 1);
    must_be_equal(desk);
}

static void a_new_category_gives_numbers_at_once_and_tickets_stay(void **state)
{
    struct desk *desk = *state;

    open_day(desk);
    assert_int_equal(issue(desk, 1, 1), 201);
    (void)edit(desk, "\n# 発券機のメニュー",
               "  - id: 12\n    name_ja: 新しい業務\n    name_en: New\n"
               "    numbers: {first: 9201, last: 9299}\n    service_minutes: 1\n"
               "    wait_limit_minutes: 0\n\n# 発券機のメニュー");
    memcpy(desk->sample, desk->edited, sizeof(desk->sample));
    assert_int_equal(apply(desk,
                           edit(desk, "{category: 2, tier: 1}\n",
                                "{category: 2, tier: 1}\n      - {category: 12, tier: 1}\n"),
                           1),
                     201);
    assert_int_equal(issue(desk, 12, 2), 201);
    assert_non_null(strstr(desk->body, "\"number\":9201"));
    assert_int_equal(issue(desk, 1, 3), 201);
    assert_non_null(strstr(desk->body, "\"number\":102"));
    must_be_equal(desk);
}

/* The parts without the entry that puts them in force: cut off between two batches. */
static void parts_that_are_not_all_there_count_for_nothing(void **state)
{
    struct desk *desk = *state;
    struct engine *spare = desk->units[1].engine, *duty = desk->units[0].engine;
    const struct cached_entry *part;
    uint64_t before;

    (void)edit(desk, "close: \"17:00\"", "close: \"16:00\"");
    while (strlen(desk->edited) < SITE_FILE_BYTES_TEST - 100) {
        strcat(desk->edited, "# as long as a file may be\n");
    }
    before = duty->last_lsn;
    desk->units[1].engine = NULL; /* hears nothing from here on */
    assert_int_equal(apply(desk, desk->edited, 1), 201);
    desk->units[1].engine = spare;
    assert_true(duty->state.site.newest.parts >= 2);
    part = engine_cached(duty, before + 1);
    assert_int_equal(engine_append_foreign(spare, part->bytes, part->len_bytes), 0);
    assert_int_equal(spare->state.site.newest.version, 1);
    for (uint64_t lsn = before + 2; lsn < duty->last_lsn; lsn++) {
        part = engine_cached(duty, lsn);
        assert_int_equal(engine_append_foreign(spare, part->bytes, part->len_bytes), 0);
    }
    assert_int_equal(spare->state.site.newest.version, 2); /* whole, and not in force */
    assert_int_equal(spare->state.site.force.version, 1);
    spare->durable_lsn = spare->last_lsn;
    spare->duty.state = DUTY_PAIRED_DUTY; /* later, together again */
    assert_int_equal(day_open(spare, TODAY, 0), QUEUE_OK);
    assert_int_equal(spare->state.site.force.version, 2);
    site_refresh(spare);
    assert_int_equal(spare->options.calendar->hours[CALENDAR_MONDAY].close_minute, 16 * 60);
}

static void a_unit_that_starts_again_has_what_was_in_force(void **state)
{
    struct desk *desk = *state;

    assert_int_equal(apply(desk, edit(desk, "close: \"17:00\"", "close: \"16:00\""), 1), 201);
    open_day(desk);
    assert_int_equal(send_text(desk, API_SITE_APPLY, desk->sample, 2, API_SITE_AT_OPENING), 201);
    engine_destroy(desk->units[1].engine);
    desk->units[1].engine = NULL;
    start(desk, 1, false);
    must_be_equal(desk);
    assert_int_equal(desk->units[1].engine->site.version, 2);
    assert_int_equal(desk->units[1].engine->state.site.newest.version, 3);
    assert_int_equal(desk->units[1].engine->options.calendar->hours[CALENDAR_MONDAY].close_minute,
                     16 * 60);
}

static uint16_t set_target(struct desk *desk, uint16_t category, uint16_t minutes, uint32_t version)
{
    struct api_request request = {
        .type = API_SITE,
        .id = 1,
        .site = {
            .what = API_SITE_TARGET, .version = version, .category = category, .minutes = minutes}};

    return ask_of(desk, 0, &request);
}

static void a_target_of_waiting_becomes_a_version_of_which_one_line_is_new(void **state)
{
    struct desk *desk = *state;
    struct engine *other = desk->units[1].engine;

    assert_int_equal(set_target(desk, 2, 25, 1), 201);
    assert_int_equal(other->state.site.newest.version, 2);
    assert_int_equal(other->queue->config.categories[1].wait_ms_limit, 25 * 60 * 1000);
    must_be_equal(desk);
    assert_int_equal(desk->units[0].engine->site.text_len_bytes, strlen(desk->sample));
    assert_memory_equal(desk->units[0].engine->site.text,
                        edit(desk, "wait_limit_minutes: 20", "wait_limit_minutes: 25"),
                        strlen(desk->sample));
    assert_int_equal(get(desk, API_SITE_HISTORY, 0), 200);
    assert_non_null(strstr(desk->body, "待ちの目標: 業務 2 を 25 分に"));
    assert_non_null(strstr(desk->body, "\"by\":\"root\""));
}

static void two_targets_at_once_are_one_and_a_refusal(void **state)
{
    struct desk *desk = *state;

    assert_int_equal(set_target(desk, 2, 25, 1), 201);
    assert_int_equal(set_target(desk, 2, 25, 1), 200); /* whoever heard no answer */
    assert_int_equal(set_target(desk, 1, 45, 1), 412);
    assert_non_null(strstr(desk->body, "OTHER_VERSION"));
    assert_int_equal(set_target(desk, 1, 601, 2), 422);
    assert_non_null(strstr(desk->body, "SITE_FILE_INVALID"));
    assert_int_equal(set_target(desk, 99, 20, 2), 404);
    assert_int_equal(desk->units[0].engine->state.site.newest.version, 2);
}

/* Whoever changes a target does not bring into force what waits for the opening. */
static void a_target_waits_with_the_version_that_waits(void **state)
{
    struct desk *desk = *state;

    assert_int_equal(send_text(desk, API_SITE_APPLY,
                               edit(desk, "close: \"17:00\"", "close: \"16:00\""), 1,
                               API_SITE_AT_OPENING),
                     201);
    assert_int_equal(set_target(desk, 2, 25, 2), 201);
    assert_non_null(strstr(desk->body, "\"in_force\":false"));
    assert_int_equal(desk->units[0].engine->state.site.force.version, 1);
    assert_int_equal(desk->units[0].engine->queue->config.categories[1].wait_ms_limit,
                     20 * 60 * 1000);
}

static void a_list_of_holidays_is_shown_before_it_counts(void **state)
{
    struct desk *desk = *state;
    static char csv[64 * 1024];
    FILE *file = fopen("tests/lib/data/syukujitsu.csv", "rb");
    struct api_request request = {
        .type = API_SITE,
        .id = 1,
        .site = {.what = API_SITE_HOLIDAYS_CHECK, .text = (const uint8_t *)csv}};
    struct calendar_day day;
    uint64_t before = desk->units[0].engine->last_lsn;

    assert_non_null(file);
    request.site.text_len_bytes = (uint32_t)fread(csv, 1, sizeof(csv), file);
    (void)fclose(file);
    assert_int_equal(ask_of(desk, 0, &request), 200);
    assert_non_null(strstr(desk->body, "\"changed_days\":"));
    assert_int_equal(desk->units[0].engine->last_lsn, before);
    request.site.what = API_SITE_HOLIDAYS_APPLY;
    assert_int_equal(ask_of(desk, 0, &request), 201);
    assert_int_equal(desk->units[1].engine->state.site.holidays_version, 1);
    calendar_get_day(desk->units[1].engine->options.calendar, 20261123, &day);
    assert_int_equal(day.source, CALENDAR_SOURCE_IMPORT);
    assert_int_equal(ask_of(desk, 0, &request), 200); /* whoever heard no answer: it is this list */
    assert_int_equal(desk->units[0].engine->state.site.holidays_version, 1);
    request.site.version = 7;
    assert_int_equal(ask_of(desk, 0, &request), 412);
    csv[0] = '"';
    csv[1] = '"';
    request.site.version = 1;
    request.site.text_len_bytes = 100;
    assert_int_equal(ask_of(desk, 0, &request), 422);
    assert_non_null(strstr(desk->body, "HOLIDAYS_INVALID"));
    assert_int_equal(desk->units[0].engine->state.site.holidays_version, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_target_of_waiting_becomes_a_version_of_which_one_line_is_new, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_targets_at_once_are_one_and_a_refusal, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_target_waits_with_the_version_that_waits, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_new_ledger_begins_with_the_units_own_file, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_version_takes_force_on_both_units_in_one_batch, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(whether_visits_are_kept_is_what_the_version_in_force_says,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_edits_at_once_are_one_and_a_refusal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_text_that_cannot_be_read_changes_nothing_and_names_the_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(machines_are_not_changed_by_a_new_version, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(alone_nothing_is_changed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_version_on_one_disk_is_answered_to_nobody, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            what_would_strand_a_ticket_is_refused_until_the_next_opening, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_new_category_gives_numbers_at_once_and_tickets_stay,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(parts_that_are_not_all_there_count_for_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_unit_that_starts_again_has_what_was_in_force, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_list_of_holidays_is_shown_before_it_counts, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
