#include "appliance/engine/api.h"

#include <string.h>

enum { TYPE_AT = 4 };

/* The length field is written last, when the length is known. */
static struct bytes_writer begin(uint8_t *bytes, size_t capacity_bytes, uint8_t type, uint32_t id)
{
    struct bytes_writer writer = bytes_writer_over(bytes, capacity_bytes);

    bytes_put_u32(&writer, 0);
    bytes_put_u8(&writer, type);
    bytes_put_u32(&writer, id);
    return writer;
}

static size_t finish(struct bytes_writer *writer, uint32_t body_len_bytes)
{
    struct bytes_writer length = bytes_writer_over(writer->data, 4);

    if (writer->failed) {
        return 0;
    }
    bytes_put_u32(&length, (uint32_t)writer->len_bytes - 4 + body_len_bytes);
    return writer->len_bytes;
}

int64_t api_frame_length(const uint8_t *bytes, size_t len_bytes, size_t max_bytes)
{
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);
    uint64_t whole_bytes;

    if (len_bytes < 4) {
        return 0;
    }
    whole_bytes = 4 + (uint64_t)bytes_get_u32(&reader);
    if (whole_bytes < API_FRAME_HEADER_BYTES || whole_bytes > max_bytes) {
        return -1;
    }
    return whole_bytes > len_bytes ? 0 : (int64_t)whole_bytes;
}

int64_t api_request_length(const uint8_t *bytes, size_t len_bytes)
{
    if (len_bytes <= TYPE_AT) {
        return 0;
    }
    return api_frame_length(bytes, len_bytes,
                            bytes[TYPE_AT] == API_SITE ? API_SITE_REQUEST_BYTES_MAX
                                                       : API_REQUEST_BYTES_MAX);
}

uint8_t api_frame_type(const uint8_t *frame)
{
    return frame[TYPE_AT];
}

static struct bytes_reader open_frame(const uint8_t *frame, size_t len_bytes, uint8_t *ret_type,
                                      uint32_t *ret_id)
{
    struct bytes_reader reader = bytes_reader_over(frame, len_bytes);

    if ((uint64_t)bytes_get_u32(&reader) + 4 != len_bytes) {
        reader.failed = true;
    }
    *ret_type = bytes_get_u8(&reader);
    *ret_id = bytes_get_u32(&reader);
    return reader;
}

static bool more_is_given(const struct api_more *more)
{
    static const struct api_more none;

    return memcmp(more, &none, sizeof(none)) != 0;
}

static void put_more(struct bytes_writer *writer, const struct api_more *more)
{
    bool given = more_is_given(more);

    bytes_put_u8(writer, given ? 1 : 0);
    if (!given) {
        return;
    }
    bytes_put_u16(writer, more->to_counter);
    bytes_put_u16(writer, more->limit);
    bytes_put_u8(writer, more->place);
    bytes_put_u8(writer, more->after);
    bytes_put_u8(writer, more->hold_reason);
    bytes_put_u8(writer, more->to_pool);
    bytes_put_u16(writer, more->hold_minutes);
    bytes_put_u8(writer, more->assist);
    bytes_put_u8(writer, more->served);
    bytes_put_u8(writer, more->plan_count);
    for (size_t i = 0; i < API_PLAN_MAX; i++) {
        bytes_put_u16(writer, more->plan[i]);
    }
    bytes_put_u8(writer, more->has_note);
    bytes_put_text(writer, more->note);
}

static void get_more(struct bytes_reader *reader, struct api_more *more)
{
    uint8_t given = bytes_get_u8(reader);

    if (given != 1) {
        reader->failed = reader->failed || given != 0;
        return;
    }
    more->to_counter = bytes_get_u16(reader);
    more->limit = bytes_get_u16(reader);
    more->place = bytes_get_u8(reader);
    more->after = bytes_get_u8(reader);
    more->hold_reason = bytes_get_u8(reader);
    more->to_pool = bytes_get_u8(reader);
    more->hold_minutes = bytes_get_u16(reader);
    more->assist = bytes_get_u8(reader);
    more->served = bytes_get_u8(reader);
    more->plan_count = bytes_get_u8(reader);
    for (size_t i = 0; i < API_PLAN_MAX; i++) {
        more->plan[i] = bytes_get_u16(reader);
    }
    more->has_note = bytes_get_u8(reader);
    bytes_get_text(reader, more->note, sizeof(more->note));
    reader->failed = reader->failed || more->to_pool > 1 || more->served > 1 ||
                     more->has_note > 1 || !more_is_given(more);
}

static bool rule_is_given(const struct api_rule *rule)
{
    static const struct api_rule none;

    return memcmp(rule, &none, sizeof(none)) != 0;
}

static void put_rule(struct bytes_writer *writer, const struct api_rule *rule)
{
    bool given = rule_is_given(rule);

    bytes_put_u8(writer, given ? 1 : 0);
    if (!given) {
        return;
    }
    bytes_put_u8(writer, rule->result);
    bytes_put_u8(writer, rule->preview);
    bytes_put_u8(writer, rule->hours);
    bytes_put_u16(writer, rule->open_minute);
    bytes_put_u16(writer, rule->close_minute);
    bytes_put_u32(writer, rule->date);
    bytes_put_u8(writer, rule->serves_count);
    for (size_t i = 0; i < rule->serves_count && i < API_SERVES_MAX; i++) {
        bytes_put_u16(writer, rule->serves[i].category);
        bytes_put_u8(writer, rule->serves[i].tier);
    }
    bytes_put_text(writer, rule->text_ja);
    bytes_put_text(writer, rule->text_en);
}

static void get_rule(struct bytes_reader *reader, struct api_rule *rule)
{
    uint8_t given = bytes_get_u8(reader);

    if (given != 1) {
        reader->failed = reader->failed || given != 0;
        return;
    }
    rule->result = bytes_get_u8(reader);
    rule->preview = bytes_get_u8(reader);
    rule->hours = bytes_get_u8(reader);
    rule->open_minute = bytes_get_u16(reader);
    rule->close_minute = bytes_get_u16(reader);
    rule->date = bytes_get_u32(reader);
    rule->serves_count = bytes_get_u8(reader);
    for (size_t i = 0; i < rule->serves_count && i < API_SERVES_MAX; i++) {
        rule->serves[i].category = bytes_get_u16(reader);
        rule->serves[i].tier = bytes_get_u8(reader);
    }
    bytes_get_text(reader, rule->text_ja, sizeof(rule->text_ja));
    bytes_get_text(reader, rule->text_en, sizeof(rule->text_en));
    reader->failed = reader->failed || rule->preview > 1 || rule->serves_count > API_SERVES_MAX ||
                     !rule_is_given(rule);
}

static void put_access(struct bytes_writer *writer, const struct api_access *access)
{
    bytes_put_u8(writer, access->what);
    bytes_put_u8(writer, access->pin);
    bytes_put_u8(writer, access->role);
    bytes_put_u8(writer, access->right);
    bytes_put_u16(writer, access->counter);
    bytes_put_u16(writer, access->subject);
    bytes_put_text(writer, access->name);
    bytes_put_text(writer, access->title);
    bytes_put_text(writer, access->text);
    bytes_put(writer, access->proof, sizeof(access->proof));
    bytes_put(writer, access->fresh, sizeof(access->fresh));
    bytes_put(writer, access->salt, sizeof(access->salt));
    bytes_put(writer, access->token.bytes, sizeof(access->token.bytes));
    bytes_put(writer, access->key.bytes, sizeof(access->key.bytes));
}

static void get_access(struct bytes_reader *reader, struct api_access *access)
{
    access->what = bytes_get_u8(reader);
    access->pin = bytes_get_u8(reader);
    access->role = bytes_get_u8(reader);
    access->right = bytes_get_u8(reader);
    access->counter = bytes_get_u16(reader);
    access->subject = bytes_get_u16(reader);
    bytes_get_text(reader, access->name, sizeof(access->name));
    bytes_get_text(reader, access->title, sizeof(access->title));
    bytes_get_text(reader, access->text, sizeof(access->text));
    bytes_get(reader, access->proof, sizeof(access->proof));
    bytes_get(reader, access->fresh, sizeof(access->fresh));
    bytes_get(reader, access->salt, sizeof(access->salt));
    bytes_get(reader, access->token.bytes, sizeof(access->token.bytes));
    bytes_get(reader, access->key.bytes, sizeof(access->key.bytes));
}

static void put_site(struct bytes_writer *writer, const struct api_site *site)
{
    bytes_put_u8(writer, site->what);
    bytes_put_u8(writer, site->actor);
    bytes_put_u8(writer, site->when);
    bytes_put_u32(writer, site->version);
    bytes_put_u32(writer, site->restores);
    bytes_put_text(writer, site->note);
    bytes_put_u16(writer, site->category);
    bytes_put_u16(writer, site->minutes);
    bytes_put_u32(writer, site->text_len_bytes);
    if (site->text_len_bytes > 0) {
        bytes_put(writer, site->text, site->text_len_bytes);
    }
}

static void get_site(struct bytes_reader *reader, struct api_site *site)
{
    site->what = bytes_get_u8(reader);
    site->actor = bytes_get_u8(reader);
    site->when = bytes_get_u8(reader);
    site->version = bytes_get_u32(reader);
    site->restores = bytes_get_u32(reader);
    bytes_get_text(reader, site->note, sizeof(site->note));
    site->category = bytes_get_u16(reader);
    site->minutes = bytes_get_u16(reader);
    site->text_len_bytes = bytes_get_u32(reader);
    if (site->text_len_bytes > API_SITE_TEXT_BYTES_MAX) {
        reader->failed = true;
        return;
    }
    site->text = bytes_take(reader, site->text_len_bytes);
}

static void put_from(struct bytes_writer *writer, const struct api_from *from)
{
    if (from->via != API_VIA_LOCAL) {
        bytes_put_u8(writer, from->via);
        bytes_put(writer, from->token.bytes, sizeof(from->token.bytes));
        bytes_put(writer, from->address, sizeof(from->address));
    }
}

static void get_from(struct bytes_reader *reader, struct api_from *from)
{
    if (bytes_left(reader) > 0) {
        from->via = bytes_get_u8(reader);
        bytes_get(reader, from->token.bytes, sizeof(from->token.bytes));
        bytes_get(reader, from->address, sizeof(from->address));
        reader->failed = reader->failed || from->via != API_VIA_WEB;
    }
}

static void put_hash(struct bytes_writer *writer, const struct ids_hash *hash)
{
    bytes_put(writer, hash->bytes, sizeof(hash->bytes));
}

static void put_erased(struct bytes_writer *writer, const struct api_relay_erased *erased)
{
    bytes_put_text(writer, erased->relay);
    bytes_put_u32(writer, erased->day);
    bytes_put_i64(writer, erased->erased_ms);
    bytes_put_u64(writer, erased->term);
    bytes_put_u8(writer, erased->why);
    bytes_put_u32(writer, erased->questions);
    put_hash(writer, &erased->before);
    put_hash(writer, &erased->after);
}

static void get_erased(struct bytes_reader *reader, struct api_relay_erased *erased)
{
    bytes_get_text(reader, erased->relay, sizeof(erased->relay));
    erased->day = bytes_get_u32(reader);
    erased->erased_ms = bytes_get_i64(reader);
    erased->term = bytes_get_u64(reader);
    erased->why = bytes_get_u8(reader);
    erased->questions = bytes_get_u32(reader);
    bytes_get(reader, erased->before.bytes, sizeof(erased->before.bytes));
    bytes_get(reader, erased->after.bytes, sizeof(erased->after.bytes));
    reader->failed = reader->failed || erased->why == 0 || erased->why >= API_RELAY_WHY_END;
}

static void put_boards(struct bytes_writer *writer, const struct api_boards *boards)
{
    bytes_put_u16(writer, boards->on);
    bytes_put_u16(writer, boards->speech);
    bytes_put_u16(writer, boards->chime);
    bytes_put_u16(writer, boards->blocked);
    bytes_put_u16(writer, boards->off);
}

size_t api_request_encode(const struct api_request *request, uint8_t *bytes, size_t capacity_bytes)
{
    struct bytes_writer writer = begin(bytes, capacity_bytes, request->type, request->id);
    const struct api_command *command = &request->command;

    if (request->type == API_COMMAND) {
        bytes_put_u8(&writer, command->action);
        bytes_put_u8(&writer, command->actor);
        bytes_put(&writer, command->key.bytes, sizeof(command->key.bytes));
        bytes_put_u64(&writer, command->body_hash);
        bytes_put_u16(&writer, command->category);
        bytes_put_u16(&writer, command->counter);
        bytes_put(&writer, command->ticket.bytes, sizeof(command->ticket.bytes));
        bytes_put_u16(&writer, command->number);
        bytes_put_text(&writer, command->series);
        bytes_put_u8(&writer, command->delivery);
        bytes_put_u8(&writer, command->priority);
        bytes_put_text(&writer, command->language);
        put_more(&writer, &command->more);
        put_rule(&writer, &command->rule);
    } else if (request->type == API_READ) {
        bytes_put_u8(&writer, request->read.what);
        bytes_put_u16(&writer, request->read.number);
        bytes_put(&writer, request->read.ticket.bytes, sizeof(request->read.ticket.bytes));
        bytes_put_text(&writer, request->read.text);
    } else if (request->type == API_CONTROL) {
        bytes_put_u8(&writer, request->control.what);
        bytes_put_u8(&writer, request->control.actor);
        bytes_put_text(&writer, request->control.text);
    } else if (request->type == API_ACCESS) {
        put_access(&writer, &request->access);
    } else if (request->type == API_SITE) {
        put_site(&writer, &request->site);
    } else if (request->type == API_BOARDS) {
        put_boards(&writer, &request->boards);
    } else if (request->type == API_RELAY_ERASED) {
        put_erased(&writer, &request->erased);
    } else if (request->type == API_RELAY) {
        bytes_put_text(&writer, request->relay.relay);
        bytes_put_u32(&writer, (uint32_t)request->relay.ahead_s);
    } else if (request->type != API_SUBSCRIBE) {
        writer.failed = true;
    }
    put_from(&writer, &request->from);
    return finish(&writer, 0);
}

bool api_request_decode(const uint8_t *frame, size_t len_bytes, struct api_request *ret_request)
{
    struct api_request request = {0};
    struct bytes_reader reader = open_frame(frame, len_bytes, &request.type, &request.id);
    struct api_command *command = &request.command;

    if (request.type == API_COMMAND) {
        command->action = bytes_get_u8(&reader);
        command->actor = bytes_get_u8(&reader);
        bytes_get(&reader, command->key.bytes, sizeof(command->key.bytes));
        command->body_hash = bytes_get_u64(&reader);
        command->category = bytes_get_u16(&reader);
        command->counter = bytes_get_u16(&reader);
        bytes_get(&reader, command->ticket.bytes, sizeof(command->ticket.bytes));
        command->number = bytes_get_u16(&reader);
        bytes_get_text(&reader, command->series, sizeof(command->series));
        command->delivery = bytes_get_u8(&reader);
        command->priority = bytes_get_u8(&reader);
        bytes_get_text(&reader, command->language, sizeof(command->language));
        get_more(&reader, &command->more);
        get_rule(&reader, &command->rule);
    } else if (request.type == API_READ) {
        request.read.what = bytes_get_u8(&reader);
        request.read.number = bytes_get_u16(&reader);
        bytes_get(&reader, request.read.ticket.bytes, sizeof(request.read.ticket.bytes));
        bytes_get_text(&reader, request.read.text, sizeof(request.read.text));
    } else if (request.type == API_CONTROL) {
        request.control.what = bytes_get_u8(&reader);
        request.control.actor = bytes_get_u8(&reader);
        bytes_get_text(&reader, request.control.text, sizeof(request.control.text));
    } else if (request.type == API_ACCESS) {
        get_access(&reader, &request.access);
    } else if (request.type == API_SITE) {
        get_site(&reader, &request.site);
    } else if (request.type == API_BOARDS) {
        request.boards.on = bytes_get_u16(&reader);
        request.boards.speech = bytes_get_u16(&reader);
        request.boards.chime = bytes_get_u16(&reader);
        request.boards.blocked = bytes_get_u16(&reader);
        request.boards.off = bytes_get_u16(&reader);
    } else if (request.type == API_RELAY_ERASED) {
        get_erased(&reader, &request.erased);
    } else if (request.type == API_RELAY) {
        bytes_get_text(&reader, request.relay.relay, sizeof(request.relay.relay));
        request.relay.ahead_s = (int32_t)bytes_get_u32(&reader);
    } else if (request.type != API_SUBSCRIBE) {
        return false;
    }
    get_from(&reader, &request.from);
    if (!bytes_finished(&reader)) {
        return false;
    }
    *ret_request = request;
    return true;
}

size_t api_reply_header_encode(uint32_t id, const struct api_reply *reply, uint8_t bytes[32])
{
    struct bytes_writer writer = begin(bytes, 32, API_REPLY, id);

    bytes_put_u16(&writer, reply->status);
    bytes_put_u16(&writer, reply->retry_after_s);
    bytes_put_u64(&writer, reply->lsn);
    return finish(&writer, reply->body_len_bytes);
}

bool api_reply_decode(const uint8_t *frame, size_t len_bytes, uint32_t *ret_id,
                      struct api_reply *ret_reply)
{
    struct api_reply reply = {0};
    uint8_t type;
    uint32_t id;
    struct bytes_reader reader = open_frame(frame, len_bytes, &type, &id);

    reply.status = bytes_get_u16(&reader);
    reply.retry_after_s = bytes_get_u16(&reader);
    reply.lsn = bytes_get_u64(&reader);
    if (reader.failed || type != API_REPLY) {
        return false;
    }
    reply.body_len_bytes = (uint32_t)bytes_left(&reader);
    reply.body = bytes_take(&reader, reply.body_len_bytes);
    *ret_id = id;
    *ret_reply = reply;
    return true;
}

size_t api_event_header_encode(const struct api_event *event, uint8_t bytes[32])
{
    struct bytes_writer writer = begin(bytes, 32, API_EVENT, 0);

    bytes_put_u64(&writer, event->id);
    bytes_put_u32(&writer, event->site_version);
    return finish(&writer, event->body_len_bytes);
}

bool api_event_decode(const uint8_t *frame, size_t len_bytes, struct api_event *ret_event)
{
    struct api_event event = {0};
    uint8_t type;
    uint32_t id;
    struct bytes_reader reader = open_frame(frame, len_bytes, &type, &id);

    event.id = bytes_get_u64(&reader);
    event.site_version = bytes_get_u32(&reader);
    if (reader.failed || type != API_EVENT) {
        return false;
    }
    event.body_len_bytes = (uint32_t)bytes_left(&reader);
    event.body = bytes_take(&reader, event.body_len_bytes);
    *ret_event = event;
    return true;
}

size_t api_state_encode(const struct api_state *state, uint8_t *bytes, size_t capacity_bytes)
{
    struct bytes_writer writer = begin(bytes, capacity_bytes, API_STATE, 0);

    bytes_put_u8(&writer, state->serving ? 1 : 0);
    bytes_put_u8(&writer, state->public_page ? 1 : 0);
    bytes_put_text(&writer, state->reason);
    return finish(&writer, 0);
}

bool api_state_decode(const uint8_t *frame, size_t len_bytes, struct api_state *ret_state)
{
    struct api_state state = {0};
    uint8_t type;
    uint32_t id;
    struct bytes_reader reader = open_frame(frame, len_bytes, &type, &id);
    uint8_t serving = bytes_get_u8(&reader);
    uint8_t public_page = bytes_get_u8(&reader);

    bytes_get_text(&reader, state.reason, sizeof(state.reason));
    if (!bytes_finished(&reader) || type != API_STATE || serving > 1 || public_page > 1) {
        return false;
    }
    state.serving = serving == 1;
    state.public_page = public_page == 1;
    *ret_state = state;
    return true;
}

/* ---- the printer driver -------------------------------------------------------------------------- */

size_t api_printers_encode(const struct api_printers *printers, uint8_t *bytes,
                           size_t capacity_bytes)
{
    struct bytes_writer writer = begin(bytes, capacity_bytes, API_PRINTERS, 0);

    bytes_put_u8(&writer, printers->count);
    for (size_t i = 0; i < printers->count && i < API_PRINTERS_MAX; i++) {
        const struct api_printer *printer = &printers->list[i];

        bytes_put_u8(&writer, printer->id);
        bytes_put_u8(&writer, printer->condition);
        bytes_put_u8(&writer, printer->near_end ? 1 : 0);
        bytes_put_u32(&writer, printer->roll_mm);
        bytes_put_text(&writer, printer->name_ja);
        bytes_put_text(&writer, printer->name_en);
    }
    return finish(&writer, 0);
}

bool api_printers_decode(const uint8_t *frame, size_t len_bytes, struct api_printers *ret_printers)
{
    struct api_printers printers = {0};
    uint8_t type;
    uint32_t id;
    struct bytes_reader reader = open_frame(frame, len_bytes, &type, &id);

    printers.count = bytes_get_u8(&reader);
    if (type != API_PRINTERS || printers.count > API_PRINTERS_MAX) {
        return false;
    }
    for (size_t i = 0; i < printers.count; i++) {
        struct api_printer *printer = &printers.list[i];

        printer->id = bytes_get_u8(&reader);
        printer->condition = bytes_get_u8(&reader);
        printer->near_end = bytes_get_u8(&reader) != 0;
        printer->roll_mm = bytes_get_u32(&reader);
        bytes_get_text(&reader, printer->name_ja, sizeof(printer->name_ja));
        bytes_get_text(&reader, printer->name_en, sizeof(printer->name_en));
        if (printer->id < 1 || printer->id > API_PRINTERS_MAX ||
            (i > 0 && printer->id <= printers.list[i - 1].id)) {
            return false;
        }
    }
    if (!bytes_finished(&reader)) {
        return false;
    }
    *ret_printers = printers;
    return true;
}

size_t api_print_done_encode(const struct api_print_done *done, uint8_t *bytes,
                             size_t capacity_bytes)
{
    struct bytes_writer writer = begin(bytes, capacity_bytes, API_PRINT_DONE, 0);

    bytes_put_u64(&writer, done->order);
    bytes_put_u8(&writer, done->outcome);
    bytes_put_u8(&writer, done->printer);
    bytes_put_u16(&writer, done->cuts);
    bytes_put_u32(&writer, done->height_dots);
    return finish(&writer, 0);
}

bool api_print_done_decode(const uint8_t *frame, size_t len_bytes, struct api_print_done *ret_done)
{
    struct api_print_done done = {0};
    uint8_t type;
    uint32_t id;
    struct bytes_reader reader = open_frame(frame, len_bytes, &type, &id);

    done.order = bytes_get_u64(&reader);
    done.outcome = bytes_get_u8(&reader);
    done.printer = bytes_get_u8(&reader);
    done.cuts = bytes_get_u16(&reader);
    done.height_dots = bytes_get_u32(&reader);
    if (!bytes_finished(&reader) || type != API_PRINT_DONE) {
        return false;
    }
    *ret_done = done;
    return true;
}

size_t api_print_encode(const struct api_print *print, uint8_t *bytes, size_t capacity_bytes)
{
    struct bytes_writer writer = begin(bytes, capacity_bytes, API_PRINT, 0);

    bytes_put_u64(&writer, print->order);
    bytes_put_u64(&writer, print->term);
    bytes_put_u64(&writer, print->lsn);
    bytes_put_u8(&writer, print->kind);
    bytes_put_u8(&writer, print->printer);
    bytes_put(&writer, print->ticket.bytes, sizeof(print->ticket.bytes));
    bytes_put_u32(&writer, print->date);
    bytes_put_u16(&writer, print->minute);
    bytes_put_u16(&writer, print->number);
    bytes_put_text(&writer, print->series);
    bytes_put_u16(&writer, print->waiting_ahead);
    bytes_put_u16(&writer, print->estimate_s);
    bytes_put_text(&writer, print->language);
    bytes_put_text(&writer, print->site_ja);
    bytes_put_text(&writer, print->site_en);
    bytes_put_text(&writer, print->category_ja);
    bytes_put_text(&writer, print->category_en);
    bytes_put_text(&writer, print->unit_ja);
    bytes_put_text(&writer, print->unit_en);
    bytes_put_text(&writer, print->text);
    bytes_put_text(&writer, print->place_ja);
    bytes_put_text(&writer, print->place_en);
    bytes_put_text(&writer, print->url);
    return finish(&writer, 0);
}

bool api_print_decode(const uint8_t *frame, size_t len_bytes, struct api_print *ret_print)
{
    struct api_print print = {0};
    uint8_t type;
    uint32_t id;
    struct bytes_reader reader = open_frame(frame, len_bytes, &type, &id);

    print.order = bytes_get_u64(&reader);
    print.term = bytes_get_u64(&reader);
    print.lsn = bytes_get_u64(&reader);
    print.kind = bytes_get_u8(&reader);
    print.printer = bytes_get_u8(&reader);
    bytes_get(&reader, print.ticket.bytes, sizeof(print.ticket.bytes));
    print.date = bytes_get_u32(&reader);
    print.minute = bytes_get_u16(&reader);
    print.number = bytes_get_u16(&reader);
    bytes_get_text(&reader, print.series, sizeof(print.series));
    print.waiting_ahead = bytes_get_u16(&reader);
    print.estimate_s = bytes_get_u16(&reader);
    bytes_get_text(&reader, print.language, sizeof(print.language));
    bytes_get_text(&reader, print.site_ja, sizeof(print.site_ja));
    bytes_get_text(&reader, print.site_en, sizeof(print.site_en));
    bytes_get_text(&reader, print.category_ja, sizeof(print.category_ja));
    bytes_get_text(&reader, print.category_en, sizeof(print.category_en));
    bytes_get_text(&reader, print.unit_ja, sizeof(print.unit_ja));
    bytes_get_text(&reader, print.unit_en, sizeof(print.unit_en));
    bytes_get_text(&reader, print.text, sizeof(print.text));
    bytes_get_text(&reader, print.place_ja, sizeof(print.place_ja));
    bytes_get_text(&reader, print.place_en, sizeof(print.place_en));
    bytes_get_text(&reader, print.url, sizeof(print.url));
    if (!bytes_finished(&reader) || type != API_PRINT) {
        return false;
    }
    *ret_print = print;
    return true;
}
