/*
 * A third live unit: a box that was taken out and replaced is powered on again on the same network, and talks for a
 * while, to whoever was its partner, in the place that another box has now (rule 11). It has the service link only;
 * no client reaches it. What it wrote to itself alone is excused as long as it is not back in its place.
 */
#include "tests/sim/sim_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TALKS_MS_MIN = 1000, TALKS_MS_MAX = 9000, AGAIN_MS = 100, GHOST_PROBE_MS = 90 };

static struct unit *ghost_of(struct sim *sim)
{
    return &sim->units[SIM_GHOST];
}

static bool hears(const struct sim *sim, int index)
{
    return sim->units[index].up && sim->units[index].lan_up && !sim->lan_split;
}

static void send_copy(struct sim *sim, int to, const uint8_t *frame, size_t len_bytes)
{
    struct item item = {.kind = ITEM_FRAME, .unit = to, .a = SERVICE, .len_bytes = len_bytes};

    if (sim_below(sim, 100) < sim->loss_percent) {
        return;
    }
    item.bytes = malloc(len_bytes);
    CHECK(item.bytes != NULL);
    memcpy(item.bytes, frame, len_bytes);
    item.at_ms = sim->now_ms + sim_below(sim, 2);
    sim_push(sim, item);
}

static int ghost_send(void *context, enum world_link link, const uint8_t *frame, size_t len_bytes)
{
    struct unit *ghost = context;
    int to = 1 - ghost->place;

    if (link != WORLD_LINK_SERVICE || !hears(ghost->sim, to)) {
        return -ENOTCONN;
    }
    send_copy(ghost->sim, to, frame, len_bytes);
    return 0;
}

/* What is sent to a place reaches whoever stands there, and who stood there. */
void sim_ghost_overhears(const struct unit *sender, enum world_link link, const uint8_t *frame,
                         size_t len_bytes)
{
    struct sim *sim = sender->sim;
    const struct unit *ghost = ghost_of(sim);

    if (ghost->up && link == WORLD_LINK_SERVICE && sender->index == 1 - ghost->place &&
        hears(sim, sender->index)) {
        send_copy(sim, SIM_GHOST, frame, len_bytes);
    }
}

static void ghost_address(void *context, enum world_address order)
{
    struct unit *ghost = context;
    struct sim *sim = ghost->sim;

    ghost->holds = order == WORLD_ADDRESS_TAKE || (ghost->holds && order == WORLD_ADDRESS_PROBE);
    if (order == WORLD_ADDRESS_PROBE) {
        sim_push(sim, (struct item){.at_ms = sim->now_ms + GHOST_PROBE_MS,
                                    .kind = ITEM_PROBED,
                                    .unit = SIM_GHOST,
                                    .generation = ghost->generation});
    }
    for (int i = 0; i < SIM_UNITS && order == WORLD_ADDRESS_TAKE; i++) {
        sim_push(sim, (struct item){.at_ms = sim->now_ms + 1,
                                    .kind = ITEM_ANNOUNCE,
                                    .unit = i,
                                    .generation = sim->units[i].generation,
                                    .a = 1});
    }
}

static void nobody_hears(void *context, uint64_t client, const uint8_t *header,
                         size_t header_len_bytes, const uint8_t *body, size_t body_len_bytes)
{
    (void)context;
    (void)client;
    (void)header;
    (void)header_len_bytes;
    (void)body;
    (void)body_len_bytes;
}

/* Promise 3: it never assigns plain numbers again; its term is another pair's. */
static void ghost_trace(void *context, const void *event, size_t event_len_bytes,
                        const void *actions, size_t actions_len_bytes)
{
    struct unit *ghost = context;

    (void)event;
    (void)event_len_bytes;
    (void)actions;
    (void)actions_len_bytes;
    if (duty_serves(engine_duty(ghost->engine)) == DUTY_SERVE_PLAIN) {
        sim_fail(ghost->sim, "promise 3: box %d was replaced, and assigns plain numbers",
                 ghost->box);
    }
}

enum duty_probe sim_ghost_probes(const struct sim *sim)
{
    const struct unit *ghost = &sim->units[SIM_GHOST];
    int peer = 1 - ghost->place;

    if (sim->units[peer].holds && hears(sim, peer)) {
        return DUTY_PROBE_PEER;
    }
    return sim->units[ghost->place].holds && hears(sim, ghost->place) ? DUTY_PROBE_STRANGER
                                                                      : DUTY_PROBE_SILENT;
}

static void tell(struct sim *sim, struct engine_event event)
{
    sim_deliver(sim, SIM_GHOST, &event);
}

void sim_ghost_start(struct sim *sim)
{
    struct unit *ghost = ghost_of(sim);
    struct engine_options options = {
        .world = &ghost->world,
        .duty = {.unit = (uint32_t)ghost->place + 1, .peer_unit = (uint32_t)(2 - ghost->place)},
        .config = &sim->config,
        .calendar = &sim->calendar,
        .snapshot_entries = sim->snapshot_entries,
        .unit_name_ja = "",
        .unit_name_en = "",
        .peer_name_ja = "",
        .peer_name_en = "",
        .unit_address = "",
        .peer_address = "",
    };

    if (!ghost->powered || ghost->up) {
        return;
    }
    sim_hardware_of(ghost->box, &options.duty.hardware);
    ghost->hardware = options.duty.hardware;
    ghost->engine = engine_create(&options);
    ghost->up = true;
    ghost->generation++;
    ghost->timer_ms = 0;
    ghost->batch = NULL;
    ghost->settling = (struct sim_settling){0};
    ghost->incoming_have_bytes = 0;
    tell(sim, (struct engine_event){.kind = ENGINE_START});
    tell(sim, (struct engine_event){.kind = ENGINE_SERVICE_LINK, .level = true});
    tell(sim, (struct engine_event){.kind = ENGINE_HEALTH, .health.fit = true});
    tell(sim, (struct engine_event){.kind = ENGINE_CLOCK, .level = true});
    tell(sim, (struct engine_event){.kind = ENGINE_LINK,
                                    .link = {.link = WORLD_LINK_SERVICE, .up = true}});
    tell(sim, (struct engine_event){.kind = ENGINE_PEER_PROCESS, .process = DUTY_PROCESS_JOINED});
}

/* Of whom a unit hears: the box in the other place, or, by its hardware, the one that was taken out of there. NULL: that
 * one is gone for good. */
const struct sim_disk *sim_partner_disk(const struct sim *sim, int index)
{
    const struct unit *ghost = &sim->units[SIM_GHOST], *other = &sim->units[1 - index];

    if (ghost->box == 0 || ghost->place != other->index ||
        !ids_token_equal(&engine_duty(sim->units[index].engine)->peer.hardware, &ghost->hardware)) {
        return &other->disk;
    }
    if (ghost->powered) {
        return &ghost->disk;
    }
    if (other->box == ghost->box) {
        return &other->disk;
    }
    return other->out_box == ghost->box ? &other->out_disk : NULL;
}

/* Whoever is paired with it counts what it holds (promises 2 and 4): remembered, also when it is off again. */
void sim_ghost_stores(struct sim *sim, const struct ledger_batch *batch)
{
    struct unit *ghost = ghost_of(sim);
    const struct sim_disk *disk = &ghost->disk;

    sim_disk_apply(&ghost->disk, batch, SIM_DISK_ALL);
    for (uint64_t lsn = disk->entry_count - batch->entry_count + 1;
         lsn <= disk->entry_count && lsn < SIM_LSN_MAX; lsn++) {
        const struct sim_blob *blob = &disk->entries[lsn - 1];
        struct duty_term term;
        struct entry entry;

        CHECK(entry_decode(blob->bytes, blob->len_bytes, &entry, &ghost->stored[lsn]));
        if (entry.kind == ENTRY_TERM &&
            duty_term_decode(entry.payload, entry.payload_len_bytes, &term) &&
            term.number < SIM_TERMS_MAX) {
            ghost->terms[term.number] = ghost->stored[lsn];
        }
    }
}

/* Its process ended by itself: it begins again, as long as it has power. */
void sim_ghost_ends(struct sim *sim)
{
    struct unit *ghost = ghost_of(sim);

    if (!ghost->up) {
        return;
    }
    if (ghost->batch != NULL) {
        sim_disk_apply(&ghost->disk, ghost->batch,
                       (enum sim_disk_step)sim_below(sim, SIM_DISK_ALL + 1));
        ghost->batch = NULL;
    }
    ghost->up = ghost->holds = false;
    ghost->generation++;
    engine_destroy(ghost->engine);
    ghost->engine = NULL;
    sim_push(sim,
             (struct item){.at_ms = sim->now_ms + AGAIN_MS, .kind = ITEM_START, .unit = SIM_GHOST});
}

/* The box that was taken out of this place last, with its disk; it leaves the shelf, and comes back to it. */
void sim_ghost_begin(struct sim *sim, int place)
{
    struct unit *ghost = ghost_of(sim), *unit = &sim->units[place];

    if (ghost->powered || unit->out_box == 0 || unit->out_disk.entry_count == 0) {
        return;
    }
    ghost->sim = sim;
    ghost->index = SIM_GHOST;
    ghost->place = place;
    ghost->disk = unit->out_disk;
    ghost->box = unit->out_box;
    unit->out_disk = (struct sim_disk){0};
    unit->out_box = 0;
    ghost->world = unit->world;
    ghost->world.context = ghost;
    ghost->world.send = ghost_send;
    ghost->world.address = ghost_address;
    ghost->world.reply = nobody_hears;
    ghost->world.trace = ghost_trace;
    ghost->disk_ms_max = DISK_MS_USUAL;
    ghost->powered = ghost->lan_up = ghost->fit = true;
    sim_story(sim, "box %d, which stood in the place of unit %d, is powered on again", ghost->box,
              place + 1);
    sim_ghost_start(sim);
    sim_heal_later(sim, SIM_GHOST_TALKS, place, TALKS_MS_MIN + sim_fault_below(sim, TALKS_MS_MAX));
}

void sim_ghost_end(struct sim *sim)
{
    struct unit *ghost = ghost_of(sim), *unit = &sim->units[ghost->place];

    if (!ghost->powered) {
        return;
    }
    ghost->powered = false;
    sim_ghost_ends(sim);
    if (unit->out_box == 0) {
        unit->out_box = ghost->box;
        unit->out_disk = ghost->disk;
    } else {
        sim_disk_free(&ghost->disk);
    }
    ghost->disk = (struct sim_disk){0};
}
