/*
 * The site file in the ledger (ADR 20). A version is its whole text and everything that was made of it when it was
 * taken, in parts, because an entry is smaller than a text may be; then one small entry says that it is in force, and
 * carries the queue's configuration. The fold of that one entry changes the configuration: all or nothing, whatever
 * breaks between the parts. What pages and the calendar need is read from the parts, which lie before it.
 *
 * Nobody reads YAML but the unit that takes a text: both units, and every later version of this program, fold to
 * what was decided then.
 */
#include "appliance/engine/engine_internal.h"

#include "base/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FORM_PART = 1,
    FORM_FORCE = 2,
    FORM_HOLIDAYS = 3,
    VERSION_FORM = 1,
    PART_HEAD_BYTES = 1 + 4 + 2 + 2,
    FORCE_HEAD_BYTES = 1 + 4 + 2 + 8,
    VERSION_HEAD_BYTES = 1024, /* more than its fixed fields and short texts take */
    HOLIDAYS_BYTES_MAX = CALENDAR_RECORD_BYTES_MAX + 1024,
};

_Static_assert((int)FORCE_HEAD_BYTES + (int)QUEUE_CONFIG_BYTES_MAX <=
                       (int)ENTRY_PAYLOAD_BYTES_MAX &&
                   (int)PART_HEAD_BYTES + (int)SITE_PART_BYTES_MAX <=
                       (int)ENTRY_PAYLOAD_BYTES_MAX &&
                   (int)HOLIDAYS_BYTES_MAX <= (int)ENTRY_PAYLOAD_BYTES_MAX,
               "every form fits an entry");

/* ---- folding ---------------------------------------------------------------------------------------- */

static void put_mark(struct bytes_writer *writer, const struct site_mark *mark)
{
    bytes_put_u32(writer, mark->version);
    bytes_put_u16(writer, mark->parts);
    bytes_put_u64(writer, mark->lsn);
}

static struct site_mark get_mark(struct bytes_reader *reader)
{
    struct site_mark mark;

    mark.version = bytes_get_u32(reader);
    mark.parts = bytes_get_u16(reader);
    mark.lsn = bytes_get_u64(reader);
    if (mark.parts > SITE_PARTS_MAX || (mark.version == 0) != (mark.lsn == 0) ||
        (mark.version == 0) != (mark.parts == 0)) {
        reader->failed = true;
    }
    return mark;
}

/* Parts follow one another without a gap; whoever wrote some and was cut off leaves nothing that counts. */
static int fold_part(struct engine *engine, const struct entry *entry, struct bytes_reader *reader)
{
    struct site_state *state = &engine->state.site;
    uint32_t version = bytes_get_u32(reader);
    uint16_t index = bytes_get_u16(reader);
    uint16_t count = bytes_get_u16(reader);

    if (reader->failed || version == 0 || count == 0 || count > SITE_PARTS_MAX || index >= count ||
        bytes_left(reader) == 0) {
        return -EBADMSG;
    }
    if (index == 0) {
        state->coming = (struct site_mark){.version = version, .parts = count, .lsn = entry->lsn};
        state->coming_seen = 0;
    }
    if (state->coming.version != version || state->coming.parts != count ||
        index != state->coming_seen || entry->lsn != state->coming.lsn + index) {
        state->coming = (struct site_mark){0};
        return 0;
    }
    if (++state->coming_seen == count) {
        state->newest = state->coming;
        state->coming = (struct site_mark){0};
    }
    return 0;
}

static int fold_force(struct engine *engine, const struct entry *entry, struct bytes_reader *reader)
{
    struct site_mark mark = get_mark(reader);
    size_t len_bytes = bytes_left(reader);
    const uint8_t *bytes = bytes_take(reader, len_bytes);
    struct queue_config *config = malloc(sizeof(*config));
    bool valid;

    CHECK_GIVEN(config != NULL);
    valid = !reader->failed && mark.version != 0 && mark.lsn < entry->lsn &&
            queue_config_decode(bytes, len_bytes, config);
    if (valid) {
        queue_set_config(engine->queue, config);
        rows_digest_all(engine);
        engine->state.founded = true;
        engine->state.site.force = mark;
        engine->rows_rebuild = true;
        engine->site_stale = true;
    }
    free(config);
    return valid ? 0 : -EBADMSG;
}

static int fold_holidays(struct engine *engine, const struct entry *entry,
                         struct bytes_reader *reader)
{
    uint32_t version = bytes_get_u32(reader);

    if (reader->failed || version == 0) {
        return -EBADMSG;
    }
    engine->state.site.holidays_version = version;
    engine->state.site.holidays_lsn = entry->lsn;
    engine->site_stale = true;
    return 0;
}

int site_fold(struct engine *engine, const struct entry *entry, const uint8_t *payload,
              size_t len_bytes)
{
    struct bytes_reader reader = bytes_reader_over(payload, len_bytes);

    switch (bytes_get_u8(&reader)) {
    case FORM_PART:
        return fold_part(engine, entry, &reader);
    case FORM_FORCE:
        return fold_force(engine, entry, &reader);
    case FORM_HOLIDAYS:
        return fold_holidays(engine, entry, &reader);
    default:
        return -EBADMSG;
    }
}

void site_put_checkpoint(const struct engine *engine, struct bytes_writer *writer)
{
    const struct site_state *state = &engine->state.site;

    put_mark(writer, &state->newest);
    put_mark(writer, &state->force);
    bytes_put_u32(writer, state->holidays_version);
    bytes_put_u64(writer, state->holidays_lsn);
}

void site_get_checkpoint(struct engine *engine, struct bytes_reader *reader)
{
    struct site_state *state = &engine->state.site;

    *state = (struct site_state){0};
    state->newest = get_mark(reader);
    state->force = get_mark(reader);
    state->holidays_version = bytes_get_u32(reader);
    state->holidays_lsn = bytes_get_u64(reader);
    engine->site_stale = true;
}

/* ---- reading ---------------------------------------------------------------------------------------- */

struct reading {
    struct bytes_buffer *bytes;
    uint16_t index;
    bool whole;
    uint32_t actor;
    int64_t wall_ms;
};

static bool take_part(void *context, const uint8_t *key, size_t key_len_bytes, const uint8_t *value,
                      size_t value_len_bytes)
{
    struct reading *reading = context;
    struct bytes_reader reader;
    struct ids_hash hash;
    struct entry entry;
    size_t len_bytes;

    (void)key;
    (void)key_len_bytes;
    if (!entry_decode(value, value_len_bytes, &entry, &hash) || entry.kind != ENTRY_SITE) {
        return false;
    }
    reader = bytes_reader_over(entry.payload, entry.payload_len_bytes);
    if (bytes_get_u8(&reader) != FORM_PART) {
        return false;
    }
    (void)bytes_get_u32(&reader);
    if (bytes_get_u16(&reader) != reading->index) {
        return false;
    }
    (void)bytes_get_u16(&reader);
    len_bytes = bytes_left(&reader);
    if (reader.failed || len_bytes == 0) {
        return false;
    }
    memcpy(buffer_extend(reading->bytes, len_bytes), bytes_take(&reader, len_bytes), len_bytes);
    if (reading->index == 0) {
        reading->actor = entry.actor;
        reading->wall_ms = entry.wall_ms;
    }
    reading->whole = true;
    return false;
}

static bool read_entry(struct engine *engine, uint64_t lsn, ledger_each_fn *each, void *context)
{
    const struct cached_entry *slot = engine_cached(engine, lsn);

    if (slot != NULL) {
        (void)each(context, NULL, 0, slot->bytes, slot->len_bytes);
        return true;
    }
    return engine->world.read_entries(engine->world.context, lsn, lsn, each, context) == 0;
}

static const uint8_t *take_long(struct bytes_reader *reader, size_t *ret_len_bytes)
{
    *ret_len_bytes = bytes_get_u32(reader);
    return bytes_take(reader, *ret_len_bytes);
}

/* Behind everything else, and not in versions of before there was this. */
static void get_paper(struct bytes_reader *reader, struct site_version *version)
{
    if (reader->failed || bytes_left(reader) == 0) {
        return;
    }
    version->has_paper = true;
    bytes_get_text(reader, version->place_ja, sizeof(version->place_ja));
    bytes_get_text(reader, version->place_en, sizeof(version->place_en));
    version->relay_count = bytes_get_u8(reader);
    if (version->relay_count > ENGINE_RELAYS_MAX) {
        reader->failed = true;
        return;
    }
    for (size_t i = 0; i < version->relay_count; i++) {
        bytes_get_text(reader, version->relays[i], sizeof(version->relays[i]));
    }
}

static void put_paper(struct bytes_writer *writer, const struct engine_site_form *form)
{
    bytes_put_text(writer, form->place_ja);
    bytes_put_text(writer, form->place_en);
    bytes_put_u8(writer, form->relay_count);
    for (size_t i = 0; i < form->relay_count; i++) {
        bytes_put_text(writer, form->relays[i]);
    }
}

static bool decode_version(const struct bytes_buffer *bytes, struct site_version *version)
{
    struct bytes_reader reader = bytes_reader_over(bytes->data, bytes->len_bytes);

    if (bytes_get_u8(&reader) != VERSION_FORM) {
        return false;
    }
    version->version = bytes_get_u32(&reader);
    version->restores = bytes_get_u32(&reader);
    version->previous = get_mark(&reader);
    version->when = bytes_get_u8(&reader);
    version->public_page = bytes_get_u8(&reader) != 0;
    bytes_get_text(&reader, version->by, sizeof(version->by));
    bytes_get_text(&reader, version->note, sizeof(version->note));
    bytes_get_text(&reader, version->visitor_url, sizeof(version->visitor_url));
    version->queue = take_long(&reader, &version->queue_len_bytes);
    version->calendar = take_long(&reader, &version->calendar_len_bytes);
    version->pages = take_long(&reader, &version->pages_len_bytes);
    version->text = take_long(&reader, &version->text_len_bytes);
    get_paper(&reader, version);
    version->keep_visits_days = bytes_left(&reader) > 0 ? bytes_get_u16(&reader) : 0;
    return bytes_finished(&reader) && version->pages_len_bytes >= 2;
}

bool site_read(struct engine *engine, const struct site_mark *mark, struct bytes_buffer *ret_bytes,
               struct site_version *ret_version)
{
    struct reading reading = {.bytes = ret_bytes};

    *ret_version = (struct site_version){0};
    ret_bytes->len_bytes = 0;
    for (uint16_t i = 0; i < mark->parts; i++) {
        reading.index = i;
        reading.whole = false;
        if (!read_entry(engine, mark->lsn + i, take_part, &reading) || !reading.whole) {
            return false;
        }
    }
    ret_version->actor = reading.actor;
    ret_version->wall_ms = reading.wall_ms;
    return mark->parts > 0 && decode_version(ret_bytes, ret_version) &&
           ret_version->version == mark->version;
}

bool site_mark_of(struct engine *engine, uint32_t version, struct site_mark *ret_mark)
{
    struct site_mark mark = engine->state.site.newest;
    struct bytes_buffer bytes = {0};
    struct site_version known;
    bool readable = true;

    while (mark.version > version && readable) {
        readable =
            site_read(engine, &mark, &bytes, &known) && known.previous.version < mark.version;
        mark = known.previous;
    }
    free(bytes.data);
    *ret_mark = mark;
    return readable && mark.version == version && version != 0;
}

/* ---- what is in force ------------------------------------------------------------------------------- */

void site_forget(struct engine *engine)
{
    engine->site = (struct site_version){0};
    engine->options.calendar = engine->given_calendar;
    engine->calendar_stale = true;
    engine->options.private_page = engine->given_private_page;
    engine->options.keep_visits_days = engine->given_keep_visits_days;
    engine->options.visitor_url = engine->given_visitor_url;
    engine->site_stale = true;
}

static bool take_holidays(void *context, const uint8_t *key, size_t key_len_bytes,
                          const uint8_t *value, size_t value_len_bytes)
{
    char by[SITE_BY_BYTES], note[API_SITE_NOTE_BYTES];
    struct calendar *calendar = context;
    struct bytes_reader reader;
    struct ids_hash hash;
    struct entry entry;
    size_t len_bytes;

    (void)key;
    (void)key_len_bytes;
    if (entry_decode(value, value_len_bytes, &entry, &hash) && entry.kind == ENTRY_SITE) {
        reader = bytes_reader_over(entry.payload, entry.payload_len_bytes);
        (void)bytes_get_u8(&reader);
        (void)bytes_get_u32(&reader);
        bytes_get_text(&reader, by, sizeof(by));
        bytes_get_text(&reader, note, sizeof(note));
        len_bytes = bytes_left(&reader);
        (void)calendar_import_decode(bytes_take(&reader, len_bytes), len_bytes, &calendar->import);
    }
    return false;
}

void site_refresh(struct engine *engine)
{
    const struct site_state *state = &engine->state.site;

    if (!engine->site_stale) {
        return;
    }
    engine->site_stale = false;
    engine->event_due = true;
    engine->tick_ms = 0;
    if (state->force.version == 0 && state->holidays_version == 0) {
        return;
    }
    if (state->force.version != 0 &&
        !site_read(engine, &state->force, &engine->site_bytes, &engine->site)) {
        engine_log(engine, "version %u of the site file cannot be read", state->force.version);
        engine->site = (struct site_version){0};
        return;
    }
    engine->site_calendar = *engine->given_calendar;
    if (engine->site.version != 0) {
        if (!calendar_site_decode(engine->site.calendar, engine->site.calendar_len_bytes,
                                  &engine->site_calendar)) {
            engine_log(engine, "the calendar of version %u cannot be read", engine->site.version);
        }
        engine->options.private_page = !engine->site.public_page;
        engine->options.keep_visits_days = engine->site.keep_visits_days;
        engine->options.visitor_url = engine->site.visitor_url;
    }
    if (state->holidays_version != 0 &&
        !read_entry(engine, state->holidays_lsn, take_holidays, &engine->site_calendar)) {
        engine_log(engine, "the list of holidays cannot be read");
    }
    engine->options.calendar = &engine->site_calendar;
    engine->calendar_stale = true;
}

char *site_render(struct engine *engine, size_t *ret_len_bytes)
{
    const struct site_version *site = &engine->site;
    struct json json;

    if (site->version == 0) {
        return NULL;
    }
    /* The pages' object is finished; only its version is put in front. */
    json_init(&json);
    json_open(&json, NULL, '{');
    json_number(&json, "version", site->version);
    json_raw(&json, NULL, (const char *)site->pages + 1, site->pages_len_bytes - 1);
    return json_take(&json, ret_len_bytes);
}

/* ---- a new version ---------------------------------------------------------------------------------- */

bool site_may_change(const struct engine *engine)
{
    return duty_serves(&engine->duty) == DUTY_SERVE_PLAIN ||
           (duty_serves(&engine->duty) == DUTY_SERVE_LETTER &&
            engine->options.duty.peer_place == 0);
}

static void put_long(struct bytes_writer *writer, const void *bytes, size_t len_bytes)
{
    bytes_put_u32(writer, (uint32_t)len_bytes);
    bytes_put(writer, bytes, len_bytes);
}

static void append_parts(struct engine *engine, const struct bytes_writer *whole, uint32_t version,
                         uint32_t actor)
{
    uint16_t count = (uint16_t)((whole->len_bytes + SITE_PART_BYTES_MAX - 1) / SITE_PART_BYTES_MAX);
    uint8_t *part = malloc(PART_HEAD_BYTES + SITE_PART_BYTES_MAX);

    CHECK_GIVEN(part != NULL);
    CHECK(count > 0 && count <= SITE_PARTS_MAX);
    for (uint16_t i = 0; i < count; i++) {
        struct bytes_writer writer = bytes_writer_over(part, PART_HEAD_BYTES + SITE_PART_BYTES_MAX);
        size_t at_bytes = (size_t)i * SITE_PART_BYTES_MAX;
        size_t left_bytes = whole->len_bytes - at_bytes;

        bytes_put_u8(&writer, FORM_PART);
        bytes_put_u32(&writer, version);
        bytes_put_u16(&writer, i);
        bytes_put_u16(&writer, count);
        bytes_put(&writer, whole->data + at_bytes,
                  left_bytes < SITE_PART_BYTES_MAX ? left_bytes : SITE_PART_BYTES_MAX);
        CHECK(!writer.failed);
        (void)engine_append(engine, ENTRY_SITE, part, writer.len_bytes, false, actor, NULL);
    }
    free(part);
}

/* The newest version, whole here already, takes force. */
static void append_force(struct engine *engine, const uint8_t *config, size_t len_bytes,
                         uint32_t actor)
{
    uint8_t *payload = malloc(FORCE_HEAD_BYTES + QUEUE_CONFIG_BYTES_MAX);
    struct bytes_writer writer =
        bytes_writer_over(payload, FORCE_HEAD_BYTES + QUEUE_CONFIG_BYTES_MAX);

    CHECK_GIVEN(payload != NULL);
    bytes_put_u8(&writer, FORM_FORCE);
    put_mark(&writer, &engine->state.site.newest);
    bytes_put(&writer, config, len_bytes);
    CHECK(!writer.failed);
    (void)engine_append(engine, ENTRY_SITE, payload, writer.len_bytes, false, actor, NULL);
    free(payload);
    site_refresh(engine);
}

void site_append(struct engine *engine, const struct engine_site_form *form,
                 const struct site_text *text)
{
    size_t capacity_bytes = VERSION_HEAD_BYTES + QUEUE_CONFIG_BYTES_MAX + form->calendar_len_bytes +
                            form->pages_len_bytes + text->len_bytes;
    uint32_t version = engine->state.site.newest.version + 1;
    uint8_t *bytes = malloc(capacity_bytes), *config = malloc(QUEUE_CONFIG_BYTES_MAX);
    struct bytes_writer writer = bytes_writer_over(bytes, capacity_bytes);
    size_t config_len_bytes;

    CHECK_GIVEN(bytes != NULL && config != NULL);
    config_len_bytes = queue_config_encode(&form->queue, config, QUEUE_CONFIG_BYTES_MAX);
    bytes_put_u8(&writer, VERSION_FORM);
    bytes_put_u32(&writer, version);
    bytes_put_u32(&writer, text->restores);
    put_mark(&writer, &engine->state.site.newest);
    bytes_put_u8(&writer, text->when);
    bytes_put_u8(&writer, form->public_page ? 1 : 0);
    bytes_put_text(&writer, text->by);
    bytes_put_text(&writer, text->note);
    bytes_put_text(&writer, form->visitor_url);
    put_long(&writer, config, config_len_bytes);
    put_long(&writer, form->calendar, form->calendar_len_bytes);
    put_long(&writer, form->pages, form->pages_len_bytes);
    put_long(&writer, text->text, text->len_bytes);
    put_paper(&writer, form);
    if (form->keep_visits_days != 0) {
        bytes_put_u16(&writer, form->keep_visits_days);
    }
    CHECK(!writer.failed);
    append_parts(engine, &writer, version, text->actor);
    CHECK(engine->state.site.newest.version == version);
    if (text->when == API_SITE_NOW) {
        append_force(engine, config, config_len_bytes, text->actor);
    }
    free(config);
    free(bytes);
}

void site_append_holidays(struct engine *engine, const struct calendar_import *import,
                          const char *by, const char *note, uint32_t actor)
{
    uint8_t *payload = malloc(HOLIDAYS_BYTES_MAX), *list = malloc(CALENDAR_RECORD_BYTES_MAX);
    struct bytes_writer writer = bytes_writer_over(payload, HOLIDAYS_BYTES_MAX);

    CHECK_GIVEN(payload != NULL && list != NULL);
    bytes_put_u8(&writer, FORM_HOLIDAYS);
    bytes_put_u32(&writer, engine->state.site.holidays_version + 1);
    bytes_put_text(&writer, by);
    bytes_put_text(&writer, note);
    bytes_put(&writer, list, calendar_import_encode(import, list, CALENDAR_RECORD_BYTES_MAX));
    CHECK(!writer.failed);
    (void)engine_append(engine, ENTRY_SITE, payload, writer.len_bytes, false, actor, NULL);
    free(list);
    free(payload);
    site_refresh(engine);
}

bool site_found(struct engine *engine)
{
    const struct engine_site_reader *reader = engine->options.site_reader;
    struct site_text text = {.text = engine->options.site_text,
                             .len_bytes = engine->options.site_text_len_bytes,
                             .by = "",
                             .note = "",
                             .when = API_SITE_NOW};
    struct engine_site_form *form;
    struct engine_site_error error;
    bool readable;

    if (reader == NULL || text.text == NULL) {
        return false;
    }
    form = calloc(1, sizeof(*form));
    CHECK_GIVEN(form != NULL);
    readable = reader->read(reader->context, text.text, text.len_bytes, form, &error) == 0;
    if (readable) {
        site_append(engine, form, &text);
        free(form->pages);
    }
    free(form);
    return readable;
}

/* The newest version waits for an opening, or was made durable by a unit that went before it could put it in
 * force. Where it would still take somebody's number (a day annulled, and numbers go on), it waits on. */
static void force_what_waits(struct engine *engine)
{
    struct queue_config *config = malloc(sizeof(*config));
    struct bytes_buffer bytes = {0};
    struct site_version newest;
    struct queue_clash clash;

    CHECK_GIVEN(config != NULL);
    if (site_read(engine, &engine->state.site.newest, &bytes, &newest) &&
        queue_config_decode(newest.queue, newest.queue_len_bytes, config) &&
        queue_config_fits(engine->queue, config, &clash)) {
        append_force(engine, newest.queue, newest.queue_len_bytes, 0);
    }
    free(bytes.data);
    free(config);
}

bool site_open_day(struct engine *engine)
{
    const struct site_state *state = &engine->state.site;

    if (state->newest.version == 0) {
        return site_found(engine);
    }
    if (state->newest.version != state->force.version) {
        force_what_waits(engine);
    }
    return true;
}

/* Site files of before say "...?ticket=": what is behind the question mark goes to the server, what is behind "#" does
 * not. */
void site_visitor_url(const struct engine *engine, char url[API_URL_BYTES])
{
    const char *given = engine->options.visitor_url != NULL ? engine->options.visitor_url : "";
    const char *fragment = strchr(given, '#');
    size_t len_bytes = fragment != NULL ? strlen(given) : strcspn(given, "?");

    if (fragment == NULL && given[len_bytes] == '?' && strcmp(given + len_bytes, "?ticket=") != 0) {
        len_bytes = strlen(given); /* another page's own question */
    }
    (void)snprintf(url, API_URL_BYTES, "%.*s%s", (int)len_bytes, given,
                   fragment == NULL && given[0] != '\0' ? "#" : "");
}
