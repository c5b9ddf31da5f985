/* The simulated world, its clients and its oracles. See sim.h. */
#include "tests/sim/sim.h"

#include "base/check.h"
#include "storage/entry/entry.h"
#include "tests/sim/sim_disk.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINKS = 2,
    LAN = 0,
    DIRECT = 1,
    HEAP_MAX = 1 << 16,
    PROBE_MS = 90,
    TOKEN_LOSS_MS = 660,
    CLIENT_TIMEOUT_MS = 1500,
    SETTLE_MS = 200000,
    COUNTERS = 4,
    DAY_START_HOUR = 8,
    TICK_MS = 1000,
    WORKING_MS = 32000,       /* a lone boot, and a little */
    TICKET_WITHIN_MS = 13000, /* promise 14, a lost reply and its retry */
    BOTH_HOLD_TICKS_MAX = 3,
    STRANGER_MS = 3000,
    YIELD_MS = DUTY_CONFLICT_MS + 100,
};

/* 2026-11-24T08:31:00+09:00, an opening day. */
static const int64_t start_wall_ms = 1795476660000LL;

enum item_kind {
    ITEM_FRAME,
    ITEM_STORED,
    ITEM_TIMER,
    ITEM_PROBED,
    ITEM_PROCESS,
    ITEM_LINK,
    ITEM_START,
    ITEM_CLIENT,
    ITEM_REPLY_LOST,
    ITEM_FAULT,
    ITEM_HEAL,
    ITEM_ANNOUNCE,
    ITEM_LAN,
};

struct item {
    uint64_t at_ms, order;
    enum item_kind kind;
    int unit;
    uint64_t generation; /* of the unit's process; 0: any */
    int a, b;
    uint8_t *bytes;
    size_t len_bytes;
};

struct unit {
    struct engine *engine;
    struct world world;
    struct sim_disk disk;
    bool up, powered, holds, lan_up;
    uint64_t generation;
    const struct ledger_batch *batch;
    uint64_t paused_until_ms;
    uint32_t disk_ms_max;
    uint64_t timer_ms;
    bool link_up[LINKS];
    enum duty_state state; /* before the step that is traced */
    int loses_disk;        /* 1 + fault: at its next acknowledged ticket, the worst moment; 0 no */
    uint64_t working_since_ms; /* up, with link, disk and ledger; 0 not */
    uint64_t peer_announced_ms;
    int dies_at_record; /* 1 + fault: while its next record is being written; 0 no */
    bool lost_disk;     /* wiped or rolled back once: restored may be said of it */
    struct sim *sim;
    int index;
};

struct client {
    bool busy;
    uint32_t request_id; /* rises with each sending */
    uint8_t action;
    uint16_t category, counter;
    struct ids_token key;
    uint64_t first_sent_ms, sent_ms;
    uint32_t series_floor; /* highest number acknowledged in the plain series when first sent */
    uint32_t tries;
    int asked_unit;
    uint64_t asked_generation;
};

struct seen_ticket {
    char id[33], display[24], series[16];
    uint32_t number, category;
    uint64_t term;
    struct ids_token key;
    bool
        excused; /* its only copy was on a disk that was lost: it may be gone, its number not given again */
};

struct sim {
    struct sim_options options;
    struct sim_result *result;
    uint64_t random;
    uint64_t now_ms, order;
    struct item *heap;
    size_t heap_count;
    struct unit units[SIM_UNITS];
    bool cut[LINKS];
    bool lan_split;
    int client_side; /* while both hold the address */
    uint32_t loss_percent;
    uint32_t delay_ms_max; /* a slow network brings frames late and in another order */
    struct queue_config config;
    struct calendar calendar;
    struct client clients[SIM_CLIENTS];
    struct seen_ticket *tickets;
    size_t ticket_count;
    uint32_t plain_highest[QUEUE_CATEGORIES_MAX + 1];
    uint64_t term_unit[4096];
    bool faults_over;
    uint64_t issued_after_heal;
    uint64_t ticket_ms; /* when the last ticket was handed out */
    int both_hold_ticks;
    bool wiped_alone;
};

/* ---- chance ----------------------------------------------------------------------------------- */

static uint64_t draw(struct sim *sim)
{
    sim->random ^= sim->random << 13;
    sim->random ^= sim->random >> 7;
    sim->random ^= sim->random << 17;
    return sim->random * 2685821657736338717ULL;
}

static uint64_t below(struct sim *sim, uint64_t limit)
{
    return limit == 0 ? 0 : (draw(sim) >> 11) % limit;
}

static void story(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void story(struct sim *sim, const char *format, ...)
{
    va_list arguments;

    if (!sim->options.verbose) {
        return;
    }
    printf("%8llu  ", (unsigned long long)sim->now_ms);
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

static void fail(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fail(struct sim *sim, const char *format, ...)
{
    va_list arguments;

    if (sim->result->failed) {
        return;
    }
    sim->result->failed = true;
    va_start(arguments, format);
    (void)vsnprintf(sim->result->why, sizeof(sim->result->why), format, arguments);
    va_end(arguments);
    story(sim, "ORACLE: %s", sim->result->why);
}

/* ---- what happens when --------------------------------------------------------------------------- */

static bool sooner(const struct item *a, const struct item *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void push(struct sim *sim, struct item item)
{
    size_t at = sim->heap_count++;

    CHECK(sim->heap_count < HEAP_MAX);
    item.order = sim->order++;
    while (at > 0 && sooner(&item, &sim->heap[(at - 1) / 2])) {
        sim->heap[at] = sim->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    sim->heap[at] = item;
}

static struct item pop(struct sim *sim)
{
    struct item top = sim->heap[0];
    struct item last = sim->heap[--sim->heap_count];
    size_t at = 0;

    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= sim->heap_count) {
            break;
        }
        if (child + 1 < sim->heap_count && sooner(&sim->heap[child + 1], &sim->heap[child])) {
            child++;
        }
        if (!sooner(&sim->heap[child], &last)) {
            break;
        }
        sim->heap[at] = sim->heap[child];
        at = child;
    }
    sim->heap[at] = last;
    return top;
}

static void crash_unit(struct sim *sim, int index, bool power);

static void deliver(struct sim *sim, int index, struct engine_event *event)
{
    struct unit *unit = &sim->units[index];
    uint64_t deadline_ms;
    int r;

    if (!unit->up) {
        return;
    }
    event->now_ms = sim->now_ms;
    event->wall_ms = start_wall_ms + (int64_t)sim->now_ms;
    sim->result->events++;
    r = engine_step(unit->engine, event);
    if (r < 0) {
        if (r == -EUCLEAN || r == -EBADMSG) {
            fail(sim, "unit %d stopped: %s", index + 1, engine_why(unit->engine));
        }
        crash_unit(sim, index, false);
        return;
    }
    deadline_ms = event->more ? sim->now_ms : engine_deadline_ms(unit->engine);
    if (unit->timer_ms <= sim->now_ms || deadline_ms < unit->timer_ms) {
        unit->timer_ms = deadline_ms;
        push(sim, (struct item){.at_ms = deadline_ms,
                                .kind = ITEM_TIMER,
                                .unit = index,
                                .generation = unit->generation});
    }
}

/* ---- the world that the engine sees ------------------------------------------------------------------ */

static int world_store(void *context, const struct ledger_batch *batch)
{
    struct unit *unit = context;
    struct sim *sim = unit->sim;
    uint64_t took_ms = below(sim, 3) == 0 ? 1 + below(sim, unit->disk_ms_max) : 1;

    CHECK(unit->batch == NULL);
    unit->batch = batch;
    push(sim, (struct item){.at_ms = sim->now_ms + took_ms,
                            .kind = ITEM_STORED,
                            .unit = unit->index,
                            .generation = unit->generation});
    if (batch->record != NULL && unit->dies_at_record != 0) {
        push(sim, (struct item){.at_ms = sim->now_ms,
                                .kind = ITEM_FAULT,
                                .unit = unit->index,
                                .a = unit->dies_at_record - 1,
                                .b = 1});
        unit->dies_at_record = 0;
    }
    return 0;
}

static int world_read_entries(void *context, uint64_t from_lsn, uint64_t to_lsn,
                              ledger_each_fn *each, void *each_context)
{
    return sim_disk_read_entries(&((struct unit *)context)->disk, from_lsn, to_lsn, each,
                                 each_context);
}

static int world_read_meta(void *context, const char *name, uint8_t *bytes, size_t capacity_bytes,
                           size_t *ret_len_bytes)
{
    const struct sim_disk *disk = &((struct unit *)context)->disk;

    (void)name;
    if (disk->meta_len_bytes == 0) {
        return -ENOENT;
    }
    CHECK(capacity_bytes >= disk->meta_len_bytes);
    memcpy(bytes, disk->meta, disk->meta_len_bytes);
    *ret_len_bytes = disk->meta_len_bytes;
    return 0;
}

static int world_read_keys(void *context, struct ledger_day_key *keys, size_t max,
                           size_t *ret_count)
{
    const struct sim_disk *disk = &((struct unit *)context)->disk;

    CHECK(disk->key_count <= max);
    memcpy(keys, disk->keys, disk->key_count * sizeof(*keys));
    *ret_count = disk->key_count;
    return 0;
}

static int world_read_record(void *context, uint8_t *bytes, size_t capacity_bytes,
                             size_t *ret_len_bytes)
{
    const struct sim_disk *disk = &((struct unit *)context)->disk;

    if (disk->record_len_bytes == 0) {
        return -ENOENT;
    }
    CHECK(capacity_bytes >= disk->record_len_bytes);
    memcpy(bytes, disk->record, disk->record_len_bytes);
    *ret_len_bytes = disk->record_len_bytes;
    return 0;
}

static void world_read_info(void *context, struct ledger_info *ret_info)
{
    const struct sim_disk *disk = &((struct unit *)context)->disk;

    *ret_info = (struct ledger_info){.first_lsn = disk->entry_count > 0,
                                     .last_lsn = disk->entry_count,
                                     .commits = disk->commits};
    if (disk->entry_count > 0) {
        const struct sim_blob *last = &disk->entries[disk->entry_count - 1];

        memcpy(ret_info->head.bytes, last->bytes + last->len_bytes - IDS_HASH_BYTES,
               IDS_HASH_BYTES);
    }
}

static bool link_works(const struct sim *sim, int link)
{
    if (sim->cut[link]) {
        return false;
    }
    return link == DIRECT || (sim->units[0].lan_up && sim->units[1].lan_up && !sim->lan_split);
}

static int world_send(void *context, enum world_link link, const uint8_t *frame, size_t len_bytes)
{
    struct unit *unit = context;
    struct sim *sim = unit->sim;
    struct item item = {
        .kind = ITEM_FRAME, .unit = 1 - unit->index, .a = (int)link, .len_bytes = len_bytes};
    int copies = sim->loss_percent > 0 && below(sim, 100) < sim->loss_percent / 4 ? 2 : 1;

    if (!unit->link_up[link]) {
        return -ENOTCONN;
    }
    if (!link_works(sim, (int)link) || below(sim, 100) < sim->loss_percent) {
        return 0; /* accepted, and never seen again */
    }
    while (copies-- > 0) {
        item.bytes = malloc(len_bytes);
        CHECK(item.bytes != NULL);
        memcpy(item.bytes, frame, len_bytes);
        item.at_ms = sim->now_ms + (sim->loss_percent > 0 ? below(sim, 8) : below(sim, 2)) +
                     below(sim, sim->delay_ms_max);
        push(sim, item);
    }
    return 0;
}

static void world_reset_links(void *context)
{
    (void)context; /* a simulated link holds nothing back */
}

static bool lan_between(const struct sim *sim)
{
    return sim->units[0].lan_up && sim->units[1].lan_up && !sim->lan_split;
}

static void world_address(void *context, enum world_address order)
{
    struct unit *unit = context;
    struct sim *sim = unit->sim;
    struct unit *peer = &sim->units[1 - unit->index];

    switch (order) {
    case WORLD_ADDRESS_PROBE:
        if (unit->lan_up) {
            push(sim, (struct item){.at_ms = sim->now_ms + PROBE_MS,
                                    .kind = ITEM_PROBED,
                                    .unit = unit->index,
                                    .generation = unit->generation});
        }
        break;
    case WORLD_ADDRESS_TAKE:
        unit->holds = true;
        if (lan_between(sim)) {
            sim->client_side = unit->index;
            if (peer->holds && peer->up) {
                push(sim, (struct item){.at_ms = sim->now_ms + 1,
                                        .kind = ITEM_ANNOUNCE,
                                        .unit = peer->index,
                                        .generation = peer->generation});
            }
        }
        break;
    case WORLD_ADDRESS_DROP:
        unit->holds = false;
        break;
    }
}

static void world_random(void *context, void *bytes, size_t len_bytes)
{
    struct sim *sim = ((struct unit *)context)->sim;
    uint8_t *at = bytes;

    for (size_t i = 0; i < len_bytes; i++) {
        at[i] = (uint8_t)(draw(sim) >> 24);
    }
}

static void world_log(void *context, const char *line)
{
    struct unit *unit = context;

    story(unit->sim, "unit %d: %s", unit->index + 1, line);
}

static void world_trace(void *context, const void *event, size_t event_len_bytes,
                        const void *actions, size_t actions_len_bytes)
{
    struct unit *unit = context;
    const struct duty_event *told = event;

    (void)event_len_bytes;
    (void)actions;
    (void)actions_len_bytes;
    unit->sim->result->rows[unit->state][told->kind]++;
    if (unit->state == DUTY_ALONE && engine_duty(unit->engine)->reason == DUTY_REASON_YIELDED &&
        unit->sim->now_ms - unit->peer_announced_ms > YIELD_MS) {
        fail(unit->sim, "rule 8: unit %d yields, and its peer has announced nothing",
             unit->index + 1);
    }
    unit->state = engine_duty(unit->engine)->state;
}

/* ---- clients and oracles --------------------------------------------------------------------------------- */

static bool json_text(const char *body, const char *name, char *text, size_t capacity_bytes)
{
    char pattern[48];
    const char *at, *end;

    (void)snprintf(pattern, sizeof(pattern), "\"%s\":\"", name);
    at = strstr(body, pattern);
    if (at == NULL) {
        return false;
    }
    at += strlen(pattern);
    end = strchr(at, '"');
    if (end == NULL || (size_t)(end - at) >= capacity_bytes) {
        return false;
    }
    memcpy(text, at, (size_t)(end - at));
    text[end - at] = '\0';
    return true;
}

static uint64_t json_number(const char *body, const char *name)
{
    char pattern[48];
    const char *at;

    (void)snprintf(pattern, sizeof(pattern), "\"%s\":", name);
    at = strstr(body, pattern);
    return at == NULL ? 0 : strtoull(at + strlen(pattern), NULL, 10);
}

/* Promises 1, 3, 6, 7, from what the client was told. */
static void judge_ticket(struct sim *sim, const struct client *client, const char *body, int unit)
{
    struct seen_ticket seen = {.key = client->key};
    uint32_t *highest;

    if (!json_text(body, "id", seen.id, sizeof(seen.id)) ||
        !json_text(body, "display", seen.display, sizeof(seen.display)) ||
        !json_text(body, "series", seen.series, sizeof(seen.series))) {
        fail(sim, "an issue was answered without a ticket: %.200s", body);
        return;
    }
    seen.number = (uint32_t)json_number(body, "number");
    seen.category = (uint32_t)json_number(body, "category");
    seen.term = json_number(body, "term");
    for (size_t i = 0; i < sim->ticket_count; i++) {
        const struct seen_ticket *known = &sim->tickets[i];
        bool same_id = strcmp(known->id, seen.id) == 0;

        if (!same_id && known->category == seen.category &&
            strcmp(known->display, seen.display) == 0) {
            fail(sim, "promise 1: %s was given twice (ids %.8s, %.8s)", seen.display, known->id,
                 seen.id);
        }
        if (ids_token_equal(&known->key, &seen.key)) {
            if (!same_id && known->series[0] == '\0' && seen.series[0] == '\0') {
                fail(sim, "promise 6: one key, two plain tickets %s and %s", known->display,
                     seen.display);
            }
            if (same_id) {
                return;
            }
        }
    }
    CHECK(sim->ticket_count < SIM_TICKETS_MAX);
    sim->tickets[sim->ticket_count++] = seen;
    sim->result->tickets++;
    sim->ticket_ms = sim->now_ms;
    if (sim->faults_over) {
        sim->issued_after_heal++;
    }
    if (seen.series[0] != '\0') {
        sim->result->lettered++;
        return;
    }
    sim->result->plain++;
    highest = &sim->plain_highest[seen.category];
    if (seen.number <= client->series_floor) {
        fail(sim, "promise 7: %s was given after %u had been acknowledged", seen.display,
             client->series_floor);
    }
    if (seen.number > *highest) {
        *highest = seen.number;
    }
    if (seen.term < 4096) {
        (void)unit;
    }
}

static int holder_for(const struct sim *sim)
{
    const struct unit *units = sim->units;
    bool first = units[0].holds && units[0].up && units[0].lan_up;
    bool second = units[1].holds && units[1].up && units[1].lan_up;

    if (first && second) {
        return sim->client_side;
    }
    return first ? 0 : second ? 1 : -1;
}

static void client_send(struct sim *sim, int index)
{
    struct client *client = &sim->clients[index];
    struct api_request request = {.type = API_COMMAND};
    uint8_t frame[API_REQUEST_BYTES_MAX];
    struct engine_event event = {.kind = ENGINE_REQUEST};
    int target = holder_for(sim);

    client->sent_ms = sim->now_ms;
    client->request_id++;
    client->tries++;
    if (client->tries > 1) {
        sim->result->retries++;
    }
    push(sim, (struct item){.at_ms = sim->now_ms + (target < 0 ? 100 : CLIENT_TIMEOUT_MS),
                            .kind = ITEM_REPLY_LOST,
                            .a = index,
                            .b = (int)client->request_id});
    if (client->tries == 1 && below(sim, 8) == 0) { /* pressed twice */
        push(sim, (struct item){.at_ms = sim->now_ms + 1 + below(sim, 20),
                                .kind = ITEM_REPLY_LOST,
                                .a = index,
                                .b = (int)client->request_id});
    }
    if (target < 0 || sim->units[target].paused_until_ms > sim->now_ms) {
        return;
    }
    client->asked_unit = target;
    client->asked_generation = sim->units[target].generation;
    request.id = client->request_id;
    request.command.action = client->action;
    request.command.key = client->key;
    request.command.body_hash = 1 + client->category;
    request.command.category = client->category;
    request.command.counter = client->counter;
    event.request.client = (uint64_t)index + 1;
    event.request.bytes = frame;
    event.request.len_bytes = api_request_encode(&request, frame, sizeof(frame));
    event.more =
        client->request_id % 2 == 0; /* the turn ends with what else happens in this millisecond */
    deliver(sim, target, &event);
}

static void client_begin(struct sim *sim, int index)
{
    struct client *client = &sim->clients[index];

    if (sim->result->tickets >= sim->options.ticket_goal && sim->faults_over &&
        sim->issued_after_heal > 20) {
        return;
    }
    client->busy = true;
    client->tries = 0;
    client->first_sent_ms = sim->now_ms;
    for (size_t i = 0; i < sizeof(client->key.bytes); i++) {
        client->key.bytes[i] = (uint8_t)(draw(sim) >> 17);
    }
    if (index < COUNTERS) {
        static const uint8_t presses[] = {QUEUE_CALL_NEXT, QUEUE_COMPLETE, QUEUE_CALL_NEXT,
                                          QUEUE_SET_ABSENT, QUEUE_COUNTER_OPEN};

        client->action = presses[below(sim, sizeof(presses))];
        client->counter = (uint16_t)(index + 1);
        client->category = 0;
    } else {
        client->action = QUEUE_ISSUE;
        client->counter = 0;
        client->category = (uint16_t)(1 + below(sim, 2));
        client->series_floor = sim->plain_highest[client->category];
    }
    client_send(sim, index);
}

static void client_next(struct sim *sim, int index)
{
    sim->clients[index].busy = false;
    push(sim, (struct item){
                  .at_ms = sim->now_ms + 20 + below(sim, 400), .kind = ITEM_CLIENT, .a = index});
}

static void world_reply(void *context, uint64_t client_id, const uint8_t *header,
                        size_t header_len_bytes, const uint8_t *body, size_t body_len_bytes)
{
    struct unit *unit = context;
    struct sim *sim = unit->sim;
    uint8_t frame[64 * 1024];
    struct api_reply reply;
    struct client *client;
    uint32_t id;
    char text[8192];

    if (client_id == 0 || client_id > SIM_CLIENTS || api_frame_type(header) != API_REPLY ||
        header_len_bytes + body_len_bytes > sizeof(frame)) {
        return;
    }
    memcpy(frame, header, header_len_bytes);
    memcpy(frame + header_len_bytes, body, body_len_bytes);
    CHECK(api_reply_decode(frame, header_len_bytes + body_len_bytes, &id, &reply));
    client = &sim->clients[client_id - 1];
    if (!client->busy || id != client->request_id || !unit->lan_up) {
        return;
    }
    sim->result->replies++;
    if (reply.status == 503) {
        client->request_id++;
        push(sim, (struct item){.at_ms = sim->now_ms + 50 + below(sim, 100),
                                .kind = ITEM_REPLY_LOST,
                                .a = (int)client_id - 1,
                                .b = (int)client->request_id});
        return;
    }
    CHECK(reply.body_len_bytes < sizeof(text));
    memcpy(text, reply.body, reply.body_len_bytes);
    text[reply.body_len_bytes] = '\0';
    if (reply.status == 201) {
        judge_ticket(sim, client, text, unit->index);
        if (unit->loses_disk != 0) {
            push(sim, (struct item){.at_ms = sim->now_ms,
                                    .kind = ITEM_FAULT,
                                    .unit = unit->index,
                                    .a = unit->loses_disk - 1,
                                    .b = 1});
            unit->loses_disk = 0;
        }
    }
    client_next(sim, (int)client_id - 1);
}

/* ---- life and death of a unit ------------------------------------------------------------------------------- */

static void hardware_of(int index, struct ids_token *ret_hardware)
{
    memset(ret_hardware, 0, sizeof(*ret_hardware));
    ret_hardware->bytes[0] = (uint8_t)(index + 1);
}

static void tell_level(struct sim *sim, int index)
{
    struct engine_event event = {.kind = ENGINE_SERVICE_LINK, .level = sim->units[index].lan_up};

    deliver(sim, index, &event);
}

static void update_links(struct sim *sim)
{
    bool both = sim->units[0].up && sim->units[1].up;

    for (int link = 0; link < LINKS; link++) {
        bool works = both && link_works(sim, link);

        for (int index = 0; index < SIM_UNITS; index++) {
            struct unit *unit = &sim->units[index];

            if (unit->link_up[link] != works && unit->up) {
                push(sim, (struct item){.at_ms = sim->now_ms + (works ? 5 + below(sim, 60) : 3000),
                                        .kind = ITEM_LINK,
                                        .unit = index,
                                        .generation = unit->generation,
                                        .a = link,
                                        .b = works});
            }
        }
    }
}

static void start_unit(struct sim *sim, int index, bool found)
{
    struct unit *unit = &sim->units[index];
    struct engine_options options = {
        .world = &unit->world,
        .duty = {.unit = (uint32_t)index + 1, .peer_unit = (uint32_t)(2 - index)},
        .config = &sim->config,
        .calendar = &sim->calendar,
        .unit_name_ja = "",
        .unit_name_en = "",
        .peer_name_ja = "",
        .peer_name_en = "",
        .unit_address = "",
        .peer_address = "",
    };
    struct engine_event event = {.kind = ENGINE_START, .found = found};

    if (unit->up || !unit->powered) {
        return;
    }
    hardware_of(index, &options.duty.hardware);
    unit->engine = engine_create(&options);
    unit->up = true;
    unit->generation++;
    unit->state = DUTY_WAITING;
    unit->timer_ms = 0;
    unit->working_since_ms = 0; /* also when it was down between two ticks */
    unit->holds = false;
    unit->batch = NULL;
    memset(unit->link_up, 0, sizeof(unit->link_up));
    story(sim, "unit %d starts", index + 1);
    deliver(sim, index, &event);
    if (unit->up && !unit->lost_disk && engine_is_restored(unit->engine)) {
        fail(sim, "unit %d calls its disk restored, and nothing but power was lost", index + 1);
    }
    tell_level(sim, index);
    update_links(sim);
    push(sim, (struct item){.at_ms = sim->now_ms + 100 + below(sim, 200),
                            .kind = ITEM_PROCESS,
                            .unit = 1 - index,
                            .a = DUTY_PROCESS_JOINED});
}

static void crash_unit(struct sim *sim, int index, bool power)
{
    struct unit *unit = &sim->units[index];
    struct unit *peer = &sim->units[1 - index];

    if (!unit->up) {
        return;
    }
    story(sim, "unit %d %s", index + 1, power ? "loses power" : "crashes");
    for (size_t i = 0; i < sim->heap_count && power; i++) { /* what its network card held is gone */
        if (sim->heap[i].kind == ITEM_FRAME && sim->heap[i].unit == peer->index) {
            sim->heap[i].generation = UINT64_MAX;
        }
    }
    if (unit->batch != NULL) {
        sim_disk_apply(&unit->disk, unit->batch, (enum sim_disk_step)below(sim, SIM_DISK_ALL + 1));
        unit->batch = NULL;
    }
    unit->up = false;
    unit->holds = false;
    unit->generation++;
    engine_destroy(unit->engine);
    unit->engine = NULL;
    for (int link = 0; link < LINKS; link++) {
        if (!power && peer->up && peer->link_up[link]) {
            push(sim, (struct item){.at_ms = sim->now_ms + 2 + below(sim, 30),
                                    .kind = ITEM_LINK,
                                    .unit = peer->index,
                                    .generation = peer->generation,
                                    .a = link,
                                    .b = 0});
        }
    }
    push(sim, (struct item){.at_ms = sim->now_ms + (power ? TOKEN_LOSS_MS : 5 + below(sim, 40)),
                            .kind = ITEM_PROCESS,
                            .unit = peer->index,
                            .a = DUTY_PROCESS_LOST});
    for (int i = 0; i < SIM_CLIENTS; i++) { /* their connections break, or time out */
        struct client *client = &sim->clients[i];

        if (client->busy && client->asked_unit == index && !power) {
            client->request_id++;
            push(sim, (struct item){.at_ms = sim->now_ms + 10 + below(sim, 50),
                                    .kind = ITEM_REPLY_LOST,
                                    .a = i,
                                    .b = (int)client->request_id});
        }
    }
    if (!power) {
        push(sim, (struct item){.at_ms = sim->now_ms + 20 + below(sim, 100),
                                .kind = ITEM_START,
                                .unit = index});
    }
}

/* ---- faults ---------------------------------------------------------------------------------------------------- */

const char *sim_fault_name(enum sim_fault fault)
{
    static const char *const names[SIM_FAULT_COUNT] = {
        "crash", "power",    "partition", "cut-direct", "cut-lan", "loss",     "slow-disk",
        "pause", "handover", "wipe",      "roll-back",  "delay",   "stranger",
    };

    return names[fault];
}

static void heal_later(struct sim *sim, enum sim_fault fault, int unit, uint64_t after_ms)
{
    push(sim,
         (struct item){
             .at_ms = sim->now_ms + after_ms, .kind = ITEM_HEAL, .unit = unit, .a = (int)fault});
}

/* One disk at a time is lost, never both: the other unit must be up and hold a ledger. While paired,
 * everything acknowledged is there too (promise 2); alone, what only this disk held is excused from
 * being found again, never from being unique (promise 1). */
static void lose_disk(struct sim *sim, enum sim_fault fault, int index)
{
    struct unit *unit = &sim->units[index];
    struct unit *peer = &sim->units[1 - index];
    const struct duty *theirs;
    bool paired;

    if (!unit->up || !peer->up) {
        return;
    }
    theirs = engine_duty(peer->engine);
    paired = duty_is_paired(theirs) && duty_is_paired(engine_duty(unit->engine));
    if (theirs->word.blank || theirs->state == DUTY_MEETING_OTHER) {
        return;
    }
    crash_unit(sim, index, true);
    for (size_t i = 0; i < sim->ticket_count && !paired; i++) {
        struct ids_token id;

        CHECK(ids_token_from_text(sim->tickets[i].id, 32, &id));
        if (queue_ticket_find(engine_queue(peer->engine), &id) == NULL) {
            sim->tickets[i].excused = true;
        }
    }
    unit->lost_disk = true;
    if (fault == SIM_WIPE) {
        sim_disk_wipe(&unit->disk);
    } else {
        sim_disk_roll_back(&unit->disk, 1 + below(sim, 60));
    }
    unit->powered = false;
    heal_later(sim, fault, index, 100 + below(sim, 8000));
}

static void begin_fault(struct sim *sim, enum sim_fault fault, int index)
{
    struct unit *unit = &sim->units[index];

    sim->result->faults++;
    sim->result->fault_kinds[fault]++;
    story(sim, "fault: %s, unit %d", sim_fault_name(fault), index + 1);
    switch (fault) {
    case SIM_CRASH:
        crash_unit(sim, index, false);
        break;
    case SIM_POWER:
        crash_unit(sim, index, true);
        unit->powered = false;
        heal_later(sim, fault, index, 500 + below(sim, 20000));
        break;
    case SIM_PARTITION:
        sim->lan_split = sim->cut[DIRECT] = true;
        sim->client_side = (int)below(sim, 2);
        heal_later(sim, fault, index, 200 + below(sim, 15000));
        break;
    case SIM_CUT_DIRECT:
        sim->cut[DIRECT] = true;
        heal_later(sim, fault, index, 200 + below(sim, 15000));
        break;
    case SIM_CUT_LAN:
        unit->lan_up = false;
        tell_level(sim, index);
        heal_later(sim, fault, index, 200 + below(sim, 15000));
        break;
    case SIM_LOSS:
        sim->loss_percent = (uint32_t)(1 + below(sim, 50));
        heal_later(sim, fault, index, 200 + below(sim, 10000));
        break;
    case SIM_DELAY:
        sim->delay_ms_max = (uint32_t)(20 + below(sim, 600));
        heal_later(sim, fault, index, 200 + below(sim, 10000));
        break;
    case SIM_SLOW_DISK:
        unit->disk_ms_max = (uint32_t)(20 + below(sim, 1500));
        heal_later(sim, fault, index, 200 + below(sim, 10000));
        break;
    case SIM_PAUSE:
        unit->paused_until_ms = sim->now_ms + 50 + below(sim, 5000);
        break;
    case SIM_HANDOVER: {
        struct api_request request = {.type = API_CONTROL, .id = 1};
        uint8_t frame[API_REQUEST_BYTES_MAX];
        struct engine_event event = {.kind = ENGINE_REQUEST};

        request.control.what = API_CONTROL_DUTY_HANDOVER;
        event.request.client = SIM_CLIENTS + 1;
        event.request.bytes = frame;
        event.request.len_bytes = api_request_encode(&request, frame, sizeof(frame));
        deliver(sim, index, &event);
        break;
    }
    case SIM_WIPE:
    case SIM_ROLL_BACK:
        lose_disk(sim, fault, index);
        break;
    case SIM_STRANGER:
        for (uint64_t after_ms = 0; after_ms < STRANGER_MS; after_ms += 1 + below(sim, 400)) {
            push(sim, (struct item){.at_ms = sim->now_ms + after_ms,
                                    .kind = ITEM_ANNOUNCE,
                                    .unit = index,
                                    .a = 1});
        }
        break;
    case SIM_FAULT_COUNT:
        break;
    }
    update_links(sim);
}

static void end_fault(struct sim *sim, enum sim_fault fault, int index)
{
    struct unit *unit = &sim->units[index];

    story(sim, "healed: %s, unit %d", sim_fault_name(fault), index + 1);
    switch (fault) {
    case SIM_POWER:
        unit->powered = true;
        start_unit(sim, index, false);
        break;
    case SIM_PARTITION:
        sim->lan_split = sim->cut[DIRECT] = false;
        break;
    case SIM_CUT_DIRECT:
        sim->cut[DIRECT] = false;
        break;
    case SIM_CUT_LAN:
        unit->lan_up = true;
        tell_level(sim, index);
        break;
    case SIM_LOSS:
        sim->loss_percent = 0;
        break;
    case SIM_DELAY:
        sim->delay_ms_max = 0;
        break;
    case SIM_SLOW_DISK:
        unit->disk_ms_max = 3;
        break;
    case SIM_CRASH:
    case SIM_PAUSE:
    case SIM_HANDOVER:
    case SIM_STRANGER:
    case SIM_FAULT_COUNT:
        break;
    case SIM_WIPE:
    case SIM_ROLL_BACK:
        unit->powered = true;
        start_unit(sim, index, false);
        break;
    }
    update_links(sim);
}

/* ---- the run ------------------------------------------------------------------------------------------------------- */

static void on_probed(struct sim *sim, int index)
{
    const struct unit *peer = &sim->units[1 - index];
    struct engine_event event = {.kind = ENGINE_PROBED, .probe = DUTY_PROBE_SILENT};

    if (!sim->units[index].lan_up) {
        return;
    }
    if (peer->holds && peer->up && lan_between(sim)) {
        event.probe = DUTY_PROBE_PEER;
    }
    deliver(sim, index, &event);
}

static void on_stored(struct sim *sim, int index)
{
    struct unit *unit = &sim->units[index];
    struct engine_event event = {.kind = ENGINE_STORED, .result = 0};
    const struct ledger_batch *batch = unit->batch;

    CHECK(batch != NULL);
    unit->batch = NULL;
    sim_disk_apply(&unit->disk, batch, SIM_DISK_ALL);
    deliver(sim, index, &event);
}

static void happen_to_unit(struct sim *sim, struct item *item)
{
    struct unit *unit = &sim->units[item->unit];
    struct engine_event event = {.kind = ENGINE_TIMER};

    if (!unit->up || (item->generation != 0 && item->generation != unit->generation)) {
        return;
    }
    if (unit->paused_until_ms > sim->now_ms) { /* a stopped process sees everything later */
        struct item later = *item;

        later.at_ms = unit->paused_until_ms;
        item->bytes = NULL;
        push(sim, later);
        return;
    }
    switch (item->kind) {
    case ITEM_TIMER:
        if (unit->timer_ms <= sim->now_ms) {
            deliver(sim, item->unit, &event);
        }
        break;
    case ITEM_FRAME:
        event.kind = ENGINE_FRAME;
        event.frame.link = (enum world_link)item->a;
        event.frame.bytes = item->bytes;
        event.frame.len_bytes = item->len_bytes;
        deliver(sim, item->unit, &event);
        break;
    case ITEM_STORED:
        on_stored(sim, item->unit);
        break;
    case ITEM_PROBED:
        on_probed(sim, item->unit);
        break;
    case ITEM_PROCESS:
        event.kind = ENGINE_PEER_PROCESS;
        event.process = (enum duty_peer_process)item->a;
        deliver(sim, item->unit, &event);
        break;
    case ITEM_LINK:
        if (unit->link_up[item->a] != (item->b != 0)) {
            unit->link_up[item->a] = item->b != 0;
            event.kind = ENGINE_LINK;
            event.link.link = (enum world_link)item->a;
            event.link.up = item->b != 0;
            deliver(sim, item->unit, &event);
        }
        update_links(sim);
        break;
    case ITEM_ANNOUNCE:
        if (unit->holds && (item->a != 0 ? unit->lan_up : lan_between(sim))) {
            event.kind = ENGINE_CONTESTED;
            event.by_peer = item->a == 0;
            unit->peer_announced_ms = event.by_peer ? sim->now_ms : unit->peer_announced_ms;
            deliver(sim, item->unit, &event);
        }
        break;
    case ITEM_START:
    case ITEM_CLIENT:
    case ITEM_REPLY_LOST:
    case ITEM_FAULT:
    case ITEM_HEAL:
    case ITEM_LAN:
        CHECK(!"not a unit's");
    }
}

/* Promise 14, also while faults go on: a unit that has been working for long enough, whatever befell the
 * other, hands out tickets, or the other does. */
static void judge_service(struct sim *sim)
{
    bool wanted = !sim->faults_over || sim->issued_after_heal <= 20;

    for (int i = 0; i < SIM_UNITS; i++) {
        struct unit *unit = &sim->units[i];
        bool works = unit->up && unit->lan_up && unit->paused_until_ms <= sim->now_ms &&
                     unit->disk_ms_max <= 3 && sim->loss_percent == 0 && sim->delay_ms_max == 0 &&
                     !engine_duty(unit->engine)->word.blank;

        if (!works) {
            unit->working_since_ms = 0;
        } else if (unit->working_since_ms == 0) {
            unit->working_since_ms = sim->now_ms;
        }
        if (wanted && works && sim->now_ms - unit->working_since_ms > WORKING_MS &&
            sim->now_ms - sim->ticket_ms > TICKET_WITHIN_MS) {
            fail(sim, "promise 14: unit %d works for %llu s, and no ticket for %llu s", i + 1,
                 (unsigned long long)(sim->now_ms - unit->working_since_ms) / 1000,
                 (unsigned long long)(sim->now_ms - sim->ticket_ms) / 1000);
        }
    }
}

/* Promise 3: of two that hold the address and see each other one yields. */
static void judge_address(struct sim *sim)
{
    const struct unit *a = &sim->units[0], *b = &sim->units[1];
    bool both = a->up && b->up && a->holds && b->holds && lan_between(sim) &&
                sim->loss_percent == 0 && sim->delay_ms_max == 0 &&
                a->paused_until_ms <= sim->now_ms && b->paused_until_ms <= sim->now_ms;

    sim->both_hold_ticks = both ? sim->both_hold_ticks + 1 : 0;
    if (sim->both_hold_ticks > BOTH_HOLD_TICKS_MAX) {
        fail(sim, "promise 3: both units hold the address for %d s", BOTH_HOLD_TICKS_MAX);
    }
}

static void happen(struct sim *sim, struct item *item)
{
    struct client *client;

    switch (item->kind) {
    case ITEM_START:
        start_unit(sim, item->unit, false);
        break;
    case ITEM_CLIENT:
        client_begin(sim, item->a);
        break;
    case ITEM_REPLY_LOST:
        client = &sim->clients[item->a];
        if (client->busy && client->request_id == (uint32_t)item->b) {
            client_send(sim, item->a);
        }
        break;
    case ITEM_FAULT:
        if ((item->a == SIM_WIPE || item->a == SIM_ROLL_BACK) && item->b == 0 &&
            below(sim, 2) == 0) {
            sim->units[item->unit].loses_disk = 1 + item->a;
            break;
        }
        if ((item->a == SIM_CRASH || item->a == SIM_POWER) && item->b == 0 && below(sim, 4) == 0) {
            sim->units[item->unit].dies_at_record = 1 + item->a; /* at a mint, a session, a raise */
            break;
        }
        begin_fault(sim, (enum sim_fault)item->a, item->unit);
        break;
    case ITEM_HEAL:
        end_fault(sim, (enum sim_fault)item->a, item->unit);
        break;
    case ITEM_LAN: /* both hold: re-announcement every second */
        judge_service(sim);
        judge_address(sim);
        for (int i = 0; i < SIM_UNITS; i++) {
            if (sim->units[i].holds && sim->units[1 - i].holds && lan_between(sim)) {
                push(sim, (struct item){.at_ms = sim->now_ms + 1,
                                        .kind = ITEM_ANNOUNCE,
                                        .unit = 1 - i,
                                        .generation = sim->units[1 - i].generation});
            }
        }
        push(sim, (struct item){.at_ms = sim->now_ms + TICK_MS, .kind = ITEM_LAN});
        break;
    case ITEM_FRAME:
    case ITEM_STORED:
    case ITEM_TIMER:
    case ITEM_PROBED:
    case ITEM_PROCESS:
    case ITEM_LINK:
    case ITEM_ANNOUNCE:
        happen_to_unit(sim, item);
        break;
    }
    free(item->bytes);
}

static bool is_paired(const struct sim *sim)
{
    enum duty_state a, b;

    if (!sim->units[0].up || !sim->units[1].up) {
        return false;
    }
    a = engine_duty(sim->units[0].engine)->state;
    b = engine_duty(sim->units[1].engine)->state;
    return (a == DUTY_PAIRED_DUTY && b == DUTY_PAIRED_SPARE) ||
           (a == DUTY_PAIRED_SPARE && b == DUTY_PAIRED_DUTY);
}

/* Promises 2, 5, 10: once healed and quiet, both ledgers are one, and hold every acknowledged ticket. */
static void judge_ledgers(struct sim *sim)
{
    const struct sim_disk *a = &sim->units[0].disk, *b = &sim->units[1].disk;
    size_t shared = a->entry_count < b->entry_count ? a->entry_count : b->entry_count;

    for (int unit = 0; unit < SIM_UNITS; unit++) {
        if (engine_is_restored(sim->units[unit].engine)) {
            fail(sim, "unit %d is paired, and its ledger is behind its own record", unit + 1);
            return;
        }
    }
    for (size_t i = 0; i < shared; i++) {
        if (a->entries[i].len_bytes != b->entries[i].len_bytes ||
            memcmp(a->entries[i].bytes, b->entries[i].bytes, a->entries[i].len_bytes) != 0) {
            fail(sim, "promise 5: the ledgers differ at lsn %zu", i + 1);
            return;
        }
    }
    for (size_t i = 0; i < sim->ticket_count; i++) {
        struct ids_token id;

        CHECK(ids_token_from_text(sim->tickets[i].id, 32, &id));
        for (int unit = 0; unit < SIM_UNITS && !sim->tickets[i].excused; unit++) {
            if (queue_ticket_find(engine_queue(sim->units[unit].engine), &id) == NULL) {
                fail(sim, "promise 2: ticket %s is not in the ledger of unit %d",
                     sim->tickets[i].display, unit + 1);
                return;
            }
        }
    }
}

static void make_config(struct sim *sim)
{
    struct queue_config *config = &sim->config;

    memset(config, 0, sizeof(*config));
    (void)strcpy(config->site_ja, "sim");
    (void)strcpy(config->site_en, "sim");
    config->category_count = 2;
    config->counter_count = COUNTERS;
    for (uint16_t i = 0; i < 2; i++) {
        struct queue_category_config *category = &config->categories[i];

        category->id = (uint16_t)(i + 1);
        (void)strcpy(category->name_ja, "c");
        (void)strcpy(category->name_en, "c");
        category->number_first = (uint16_t)(1 + i * 5000);
        category->number_last = (uint16_t)(4999 + i * 5000);
        category->service_ms_prior = 60000;
    }
    for (uint16_t i = 0; i < COUNTERS; i++) {
        struct queue_counter_config *counter = &config->counters[i];

        counter->id = (uint16_t)(i + 1);
        (void)strcpy(counter->name_ja, "w");
        (void)strcpy(counter->name_en, "w");
        counter->category_count = 2;
        counter->categories[0].category = 1;
        counter->categories[0].tier = 1;
        counter->categories[1].category = 2;
        counter->categories[1].tier = 1;
    }
    CHECK(queue_config_is_valid(config));
}

static void set_up(struct sim *sim)
{
    make_config(sim);
    calendar_init(&sim->calendar);
    for (int i = 0; i < SIM_UNITS; i++) {
        struct unit *unit = &sim->units[i];

        unit->sim = sim;
        unit->index = i;
        unit->powered = unit->lan_up = true;
        unit->disk_ms_max = 3;
        unit->world = (struct world){.context = unit,
                                     .store = world_store,
                                     .read_entries = world_read_entries,
                                     .read_meta = world_read_meta,
                                     .read_keys = world_read_keys,
                                     .read_record = world_read_record,
                                     .read_info = world_read_info,
                                     .send = world_send,
                                     .reset_links = world_reset_links,
                                     .address = world_address,
                                     .reply = world_reply,
                                     .random = world_random,
                                     .log = world_log,
                                     .trace = world_trace};
    }
    start_unit(sim, 0, true);
    start_unit(sim, 1, false);
    for (int i = 0; i < SIM_CLIENTS; i++) {
        push(sim, (struct item){.at_ms = 1000 + below(sim, 1000), .kind = ITEM_CLIENT, .a = i});
    }
    push(sim, (struct item){.at_ms = 1000, .kind = ITEM_LAN});
}

static uint64_t schedule_faults(struct sim *sim)
{
    uint64_t at_ms = 3000;

    for (uint32_t i = 0; i < sim->options.fault_count; i++) {
        at_ms += below(sim, 4) == 0 ? below(sim, 500) : below(sim, 12000);
        push(sim, (struct item){.at_ms = at_ms,
                                .kind = ITEM_FAULT,
                                .a = (int)below(sim, SIM_FAULT_COUNT),
                                .unit = (int)below(sim, SIM_UNITS)});
    }
    return at_ms + 21000; /* every fault has healed by then */
}

static void tear_down(struct sim *sim)
{
    for (int i = 0; i < SIM_UNITS; i++) {
        engine_destroy(sim->units[i].engine);
        sim_disk_free(&sim->units[i].disk);
    }
    while (sim->heap_count > 0) {
        free(pop(sim).bytes);
    }
    free(sim->heap);
    free(sim->tickets);
    free(sim);
}

void sim_run(const struct sim_options *options, struct sim_result *ret_result)
{
    struct sim *sim = calloc(1, sizeof(*sim));
    uint64_t healed_ms, paired_ms = 0;

    CHECK(sim != NULL);
    memset(ret_result, 0, sizeof(*ret_result));
    sim->options = *options;
    sim->result = ret_result;
    sim->random = options->seed * 0x9E3779B97F4A7C15ULL + 1;
    sim->heap = calloc(HEAP_MAX, sizeof(*sim->heap));
    sim->tickets = calloc(SIM_TICKETS_MAX, sizeof(*sim->tickets));
    CHECK(sim->heap != NULL && sim->tickets != NULL);
    set_up(sim);
    healed_ms = schedule_faults(sim);
    while (!ret_result->failed && sim->heap_count > 0) {
        struct item item = pop(sim);

        sim->now_ms = item.at_ms;
        happen(sim, &item);
        if (sim->now_ms < healed_ms) {
            continue;
        }
        if (!sim->faults_over) {
            sim->faults_over = true;
            sim->units[0].loses_disk = sim->units[1].loses_disk = 0;
            sim->units[0].dies_at_record = sim->units[1].dies_at_record = 0;
            story(sim, "---- everything is healed");
        }
        if (paired_ms == 0 && is_paired(sim)) {
            paired_ms = sim->now_ms;
        }
        if (paired_ms != 0 && sim->issued_after_heal > 20 && sim->now_ms > paired_ms + 6000) {
            break;
        }
        if (sim->now_ms > healed_ms + SETTLE_MS) {
            fail(sim, "promise 14: %s within %d s after everything healed",
                 paired_ms == 0 ? "not paired" : "no tickets", SETTLE_MS / 1000);
        }
    }
    if (!ret_result->failed && is_paired(sim)) {
        judge_ledgers(sim);
        ret_result->terms = engine_duty(sim->units[0].engine)->term.number;
    }
    tear_down(sim);
}
