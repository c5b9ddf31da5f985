/* The world as an engine sees it: its disk, its links, the address, and what they answer. */
#include "tests/sim/sim_internal.h"

#include "storage/entry/entry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PROBE_MS = 90, YIELD_MS = DUTY_CONFLICT_MS + 100 };

bool sim_link_works(const struct sim *sim, int link)
{
    return sim_way_works(sim, link, 0) && sim_way_works(sim, link, 1);
}

bool sim_lan_between(const struct sim *sim)
{
    return sim_way_works(sim, SERVICE, 0) && sim_way_works(sim, SERVICE, 1);
}

static enum sim_moment moment_of(const struct ledger_batch *batch)
{
    for (size_t i = 0; i < batch->entry_count; i++) {
        const uint8_t *header = batch->entries[i].value; /* version, kind */

        if (batch->truncate_from_lsn == 0 && (header[2] << 8 | header[3]) == ENTRY_TERM) {
            return MOMENT_TERM;
        }
    }
    return batch->truncate_from_lsn != 0 ? MOMENT_SWAP
           : batch->record != NULL       ? MOMENT_RECORD
                                         : MOMENT_ANY;
}

static int world_store(void *context, const struct ledger_batch *batch)
{
    struct unit *unit = context;
    struct sim *sim = unit->sim;
    uint64_t took_ms = sim_below(sim, 3) == 0 ? 1 + sim_below(sim, unit->disk_ms_max) : 1;

    if (sim->now_ms + took_ms < unit->stalled_until_ms) {
        took_ms = unit->stalled_until_ms - sim->now_ms;
    }
    CHECK(unit->batch == NULL);
    unit->done++;
    if (unit->settling.done && unit->settling.result == 0) {
        return -ESTALE; /* this is another ledger now */
    }
    unit->batch = batch;
    sim_push(sim, (struct item){.at_ms = sim->now_ms + took_ms,
                                .kind = ITEM_STORED,
                                .unit = unit->index,
                                .generation = unit->generation});
    sim_moment_is(unit, moment_of(batch), took_ms);
    return 0;
}

static bool reads_fail(const struct unit *unit)
{
    return unit->sim->now_ms < unit->reads_fail_until_ms;
}

static int world_read_entries(void *context, uint64_t from_lsn, uint64_t to_lsn,
                              ledger_each_fn *each, void *each_context)
{
    const struct unit *unit = context;

    return reads_fail(unit)
               ? -EIO
               : sim_disk_read_entries(&unit->disk, from_lsn, to_lsn, each, each_context);
}

static int world_read_meta(void *context, const char *name, uint8_t *bytes, size_t capacity_bytes,
                           size_t *ret_len_bytes)
{
    const struct sim_meta *meta = sim_disk_meta(&((struct unit *)context)->disk, name);

    if (reads_fail(context)) {
        return -EIO;
    }
    if (meta == NULL) {
        return -ENOENT;
    }
    CHECK(capacity_bytes >= meta->len_bytes);
    memcpy(bytes, meta->bytes, meta->len_bytes);
    *ret_len_bytes = meta->len_bytes;
    return 0;
}

/* A snapshot's bytes mean nothing here: so many are sent, and at the end the image of the disk that was kept
 * when it was made is put in place. Its hash is its number. */
enum { SNAPSHOT_ENTRY_BYTES = 300, SNAPSHOT_BUSY_TURNS = 4 };

static int world_snapshot_make(void *context, uint64_t *ret_size_bytes, uint64_t *ret_last_lsn,
                               struct ids_hash *ret_hash)
{
    struct unit *unit = context;

    if (unit->snapshot_turns++ < SNAPSHOT_BUSY_TURNS) {
        return -EINPROGRESS;
    }
    unit->snapshot_turns = 0;
    if (unit->sim->options.seed % 5 == 4) {
        return -ENOSPC; /* no room beside the ledger: the log must do */
    }
    sim_disk_copy(&unit->snapshot, &unit->disk);
    unit->snapshot.rotten_lsn = unit->disk.rotten_lsn; /* a copy copies damage, too */
    unit->snapshot.misdirected_lsn = unit->disk.misdirected_lsn;
    unit->snapshot_id++;
    *ret_size_bytes = SNAPSHOT_ENTRY_BYTES * unit->snapshot.entry_count;
    *ret_last_lsn = unit->snapshot.entry_count;
    *ret_hash = (struct ids_hash){0};
    memcpy(ret_hash->bytes, &unit->snapshot_id, sizeof(unit->snapshot_id));
    return 0;
}

static int world_snapshot_read(void *context, uint64_t offset_bytes, uint8_t *bytes,
                               size_t capacity_bytes, size_t *ret_len_bytes)
{
    const struct unit *unit = context;
    uint64_t left_bytes = SNAPSHOT_ENTRY_BYTES * unit->snapshot.entry_count - offset_bytes;

    *ret_len_bytes = left_bytes < capacity_bytes ? (size_t)left_bytes : capacity_bytes;
    memset(bytes, 0, *ret_len_bytes);
    return 0;
}

static void world_snapshot_discard(void *context)
{
    (void)context; /* the image stays until the next: the other may have all of its bytes */
}

static int world_incoming_begin(void *context, uint64_t size_bytes, const struct ids_hash *hash,
                                uint64_t *ret_have_bytes)
{
    struct unit *unit = context;

    if (!ids_hash_equal(hash, &unit->incoming_hash)) {
        unit->incoming_have_bytes = 0;
    }
    unit->incoming_hash = *hash;
    unit->incoming_bytes = size_bytes;
    *ret_have_bytes = unit->incoming_have_bytes;
    return 0;
}

static int world_incoming_write(void *context, uint64_t offset_bytes, const uint8_t *bytes,
                                size_t len_bytes)
{
    struct unit *unit = context;

    (void)bytes;
    CHECK(offset_bytes == unit->incoming_have_bytes);
    unit->incoming_have_bytes += len_bytes;
    return 0;
}

/* In a thread of its own, as the ledger does it: it ends at its time, also when nobody asks any more. */
static int world_incoming_finish(void *context, const struct ledger_put *metas, size_t meta_count)
{
    struct unit *unit = context;
    struct sim_settling *settling = &unit->settling;

    if (settling->done) {
        settling->done = settling->begun = false;
        return settling->result;
    }
    if (!settling->begun) {
        CHECK(unit->incoming_have_bytes == unit->incoming_bytes && meta_count == 1);
        CHECK(metas->key_len_bytes <= sizeof(settling->meta_name) &&
              metas->value_len_bytes <= sizeof(settling->meta_value));
        memcpy(settling->meta_name, metas->key, metas->key_len_bytes);
        memcpy(settling->meta_value, metas->value, metas->value_len_bytes);
        settling->meta = *metas;
        settling->meta.key = (const uint8_t *)settling->meta_name;
        settling->meta.value = settling->meta_value;
        settling->begun = true;
        sim_push(unit->sim,
                 (struct item){.at_ms = unit->sim->now_ms + 1 + sim_below(unit->sim, SETTLE_MS_MAX),
                               .kind = ITEM_SETTLED,
                               .unit = unit->index,
                               .generation = unit->generation});
    }
    return -EINPROGRESS;
}

static void on_settled(struct sim *sim, int index)
{
    struct unit *unit = &sim->units[index];
    const struct unit *source = &sim->units[1 - (index == SIM_GHOST ? unit->place : index)];
    struct sim_settling *settling = &unit->settling;

    settling->done = true;
    settling->result = -EBADMSG; /* it has made another one since */
    unit->incoming_have_bytes = 0;
    /* Who takes one walks its chain first (ledger_snapshot_test: a_damaged_ledger_in_an_honest_file_is_refused). */
    if (memcmp(unit->incoming_hash.bytes, &source->snapshot_id, sizeof(source->snapshot_id)) == 0 &&
        !sim_disk_is_damaged(&source->snapshot)) {
        settling->result = 0;
        sim_disk_copy(&unit->disk, &source->snapshot);
        sim_disk_put_meta(&unit->disk, &settling->meta);
        if (index == SIM_GHOST) {
            return;
        }
        judge_settled(unit);
        sim->result->snapshots++;
    }
}

static int world_read_keys(void *context, struct ledger_day_key *keys, size_t max,
                           size_t *ret_count)
{
    const struct sim_disk *disk = &((struct unit *)context)->disk;

    if (reads_fail(context)) {
        return -EIO;
    }
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

static int world_send(void *context, enum world_link link, const uint8_t *frame, size_t len_bytes)
{
    struct unit *unit = context;
    struct sim *sim = unit->sim;
    struct item item = {
        .kind = ITEM_FRAME, .unit = 1 - unit->index, .a = (int)link, .len_bytes = len_bytes};
    int copies = sim->loss_percent > 0 && sim_below(sim, 100) < sim->loss_percent / 4 ? 2 : 1;

    unit->done++;
    sim_wire(unit, frame, len_bytes);
    if (!unit->link_up[link]) {
        return -ENOTCONN;
    }
    if (!sim_way_works(sim, (int)link, unit->index) || sim_below(sim, 100) < sim->loss_percent) {
        return 0; /* accepted, and never seen again */
    }
    sim_ghost_overhears(unit, link, frame, len_bytes);
    while (copies-- > 0) {
        item.bytes = malloc(len_bytes);
        CHECK(item.bytes != NULL);
        memcpy(item.bytes, frame, len_bytes);
        item.at_ms = sim->now_ms + (sim->loss_percent > 0 ? sim_below(sim, 8) : sim_below(sim, 2)) +
                     sim_below(sim, sim->delay_ms_max);
        item.at_ms = item.at_ms < sim->clog_until_ms[link] ? sim->clog_until_ms[link] : item.at_ms;
        sim_push(sim, item);
    }
    return 0;
}

static void world_reset_links(void *context)
{
    (void)context; /* a simulated link holds nothing back */
}

static void world_address(void *context, enum world_address order)
{
    struct unit *unit = context;
    struct sim *sim = unit->sim;
    struct unit *peer = &sim->units[1 - unit->index];

    unit->done++;
    switch (order) {
    case WORLD_ADDRESS_PROBE:
        if (unit->lan_up) {
            sim_push(sim, (struct item){.at_ms = sim->now_ms + PROBE_MS,
                                        .kind = ITEM_PROBED,
                                        .unit = unit->index,
                                        .generation = unit->generation});
        }
        break;
    case WORLD_ADDRESS_TAKE:
        unit->holds = true;
        if (!sim->lan_split && unit->lan_up) { /* whoever hears it asks here from now on */
            sim->client_sides = unit->index == 0 ? 0 : UINT32_MAX;
        }
        if (sim_way_works(sim, SERVICE, unit->index)) {
            if (peer->holds && peer->up) {
                sim_push(sim, (struct item){.at_ms = sim->now_ms + 1,
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
        at[i] = (uint8_t)(sim_draw(sim) >> 24);
    }
}

static void world_log(void *context, const char *line)
{
    struct unit *unit = context;

    sim_story(unit->sim, "unit %d: %s", unit->index + 1, line);
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
    unit->sim->result->row_faults[unit->state][told->kind] |= unit->sim->hurt_mask;
    judge_term(unit);
    if (unit->state == DUTY_ALONE && engine_duty(unit->engine)->reason == DUTY_REASON_YIELDED &&
        unit->sim->now_ms - unit->peer_announced_ms > YIELD_MS &&
        unit->sim->now_ms - unit->paused_until_ms > YIELD_MS) { /* it stood still, and hears now */
        sim_fail(unit->sim, "rule 8: unit %d yields, and its peer has announced nothing",
                 unit->index + 1);
    }
    unit->state = engine_duty(unit->engine)->state;
}

static void on_probed(struct sim *sim, int index)
{
    const struct unit *peer = &sim->units[index == SIM_GHOST ? 0 : 1 - index];
    struct engine_event event = {.kind = ENGINE_PROBED, .probe = DUTY_PROBE_SILENT};

    if (!sim->units[index].lan_up) {
        return;
    }
    if (index == SIM_GHOST) {
        event.probe = sim_ghost_probes(sim);
    } else if (peer->holds && peer->up && sim_lan_between(sim)) {
        event.probe = DUTY_PROBE_PEER;
    }
    sim_deliver(sim, index, &event);
}

static void on_stored(struct sim *sim, int index)
{
    struct unit *unit = &sim->units[index];
    struct engine_event event = {.kind = ENGINE_STORED, .result = 0};
    const struct ledger_batch *batch = unit->batch;

    CHECK(batch != NULL);
    unit->batch = NULL;
    if (index == SIM_GHOST) {
        sim_ghost_stores(sim, batch);
    } else if (unit->no_room && (batch->entry_count > 1 || batch->keys_destroy_count == 0)) {
        event.result = -ENOSPC; /* nothing of it was done */
        unit->full = true;
        unit->fit = false;
    } else if (unit->failing_syncs > 0) {
        unit->failing_syncs--;
        event.result = -EIO;
        sim_store(unit, batch, (enum sim_disk_step)sim_below(sim, SIM_DISK_ALL + 1));
    } else {
        sim_store(unit, batch, SIM_DISK_ALL);
    }
    sim_deliver(sim, index, &event);
}

void sim_happen_to_unit(struct sim *sim, struct item *item)
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
        sim_push(sim, later);
        return;
    }
    switch (item->kind) {
    case ITEM_TIMER:
        if (unit->timer_ms <= sim->now_ms) {
            unit->wakings++;
            sim_deliver(sim, item->unit, &event);
        }
        break;
    case ITEM_FRAME:
        event.kind = ENGINE_FRAME;
        event.frame.link = (enum world_link)item->a;
        event.frame.bytes = item->bytes;
        event.frame.len_bytes = item->len_bytes;
        sim_deliver(sim, item->unit, &event);
        break;
    case ITEM_STORED:
        on_stored(sim, item->unit);
        break;
    case ITEM_SETTLED:
        on_settled(sim, item->unit);
        break;
    case ITEM_PROBED:
        on_probed(sim, item->unit);
        break;
    case ITEM_PROCESS:
        event.kind = ENGINE_PEER_PROCESS;
        event.process = (enum duty_peer_process)item->a;
        sim_deliver(sim, item->unit, &event);
        break;
    case ITEM_LINK:
        if (unit->link_up[item->a] != (item->b != 0)) {
            unit->link_up[item->a] = item->b != 0;
            event.kind = ENGINE_LINK;
            event.link.link = (enum world_link)item->a;
            event.link.up = item->b != 0;
            sim_deliver(sim, item->unit, &event);
        }
        sim_update_links(sim);
        break;
    case ITEM_ANNOUNCE:
        if (unit->holds &&
            (item->a != 0 ? unit->lan_up : sim_way_works(sim, SERVICE, 1 - unit->index))) {
            event.kind = ENGINE_CONTESTED;
            event.by_peer = item->a == 0;
            unit->peer_announced_ms = event.by_peer ? sim->now_ms : unit->peer_announced_ms;
            sim_deliver(sim, item->unit, &event);
        }
        break;
    case ITEM_START:
    case ITEM_CLIENT:
    case ITEM_REPLY_LOST:
    case ITEM_FAULT:
    case ITEM_HEAL:
    case ITEM_LAN:
    case ITEM_LEVEL:
    case ITEM_DAY:
    case ITEM_PRINT:
        CHECK(!"not a unit's");
    }
}

void sim_make_world(struct unit *unit)
{
    unit->box = ++unit->sim->box_count;
    unit->world = (struct world){.context = unit,
                                 .store = world_store,
                                 .read_entries = world_read_entries,
                                 .read_meta = world_read_meta,
                                 .read_keys = world_read_keys,
                                 .read_record = world_read_record,
                                 .read_info = world_read_info,
                                 .snapshot_make = world_snapshot_make,
                                 .snapshot_read = world_snapshot_read,
                                 .snapshot_discard = world_snapshot_discard,
                                 .incoming_begin = world_incoming_begin,
                                 .incoming_write = world_incoming_write,
                                 .incoming_finish = world_incoming_finish,
                                 .send = world_send,
                                 .reset_links = world_reset_links,
                                 .address = world_address,
                                 .reply = sim_hear,
                                 .random = world_random,
                                 .log = world_log,
                                 .trace = world_trace};
}
