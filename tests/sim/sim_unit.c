/* Life and death of a unit: a process that crashes comes back at once, one without power does not. */
#include "tests/sim/sim_internal.h"

#include <string.h>

enum { TOKEN_LOSS_MS = 660, REJOIN_MS = 400, LINK_GONE_MS = 3000 };

void sim_tell_level(struct sim *sim, int index)
{
    struct engine_event event = {.kind = ENGINE_SERVICE_LINK, .level = sim->units[index].lan_up};

    sim_deliver(sim, index, &event);
    event.kind = ENGINE_HEALTH;
    event.health.fit = sim->units[index].fit;
    event.health.full = sim->units[index].full;
    sim_deliver(sim, index, &event);
    event.kind = ENGINE_CLOCK;
    event.level = sim->units[index].synchronised;
    sim_deliver(sim, index, &event);
}

void sim_update_links(struct sim *sim)
{
    bool both = sim->units[0].up && sim->units[1].up;
    bool meeting = both && (sim_link_works(sim, SERVICE) || sim_link_works(sim, DIRECT));

    if (both && meeting != sim->meeting_by_corosync) { /* it loses its token, or finds it again */
        sim_tell_process_truth(sim, meeting ? REJOIN_MS : TOKEN_LOSS_MS);
    }
    sim->meeting_by_corosync = meeting || !both;
    for (int link = 0; link < LINKS; link++) {
        bool works = both && sim_link_works(sim, link);

        for (int index = 0; index < SIM_UNITS; index++) {
            struct unit *unit = &sim->units[index];

            if (unit->link_up[link] != works && unit->up) {
                sim_push(sim, (struct item){.at_ms = sim->now_ms + (works ? 5 + sim_below(sim, 60)
                                                                          : LINK_GONE_MS),
                                            .kind = ITEM_LINK,
                                            .unit = index,
                                            .generation = unit->generation,
                                            .a = link,
                                            .b = works});
            }
        }
    }
}

void sim_start_unit(struct sim *sim, int index, bool found)
{
    struct unit *unit = &sim->units[index];
    struct engine_options options = {
        .world = &unit->world,
        .duty = {.unit = (uint32_t)index + 1, .peer_unit = (uint32_t)(2 - index)},
        .config = &sim->config,
        .calendar = &sim->calendar,
        .site_reader = &sim->site_reader,
        .site_text = (const uint8_t *)sim_site_first_text(),
        .site_text_len_bytes = strlen(sim_site_first_text()),
        .snapshot_entries = sim->snapshot_entries,
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
    if (unit->stalled_until_ms >
        sim->now_ms) { /* it waits until its disk lets it open the ledger */
        sim_push(sim,
                 (struct item){.at_ms = unit->stalled_until_ms, .kind = ITEM_START, .unit = index});
        return;
    }
    sim_hardware_of(unit->box, &options.duty.hardware);
    unit->engine = engine_create(&options);
    unit->up = true;
    unit->generation++;
    unit->state = DUTY_WAITING;
    unit->stopped = false; /* an operator's word does not outlive the process */
    unit->timer_ms = 0;
    unit->working_since_ms = 0; /* also when it was down between two ticks */
    unit->holds = false;
    unit->batch = NULL;
    unit->settling = (struct sim_settling){0};
    unit->loaded = false;
    unit->fit = unit->fit || unit->damaged_ms != 0; /* it looks anew */
    unit->damaged_ms = 0;
    memset(unit->link_up, 0, sizeof(unit->link_up));
    sim_story(sim, "unit %d starts", index + 1);
    sim_deliver(sim, index, &event);
    unit->loaded = unit->up;
    if (unit->up && !unit->lost_disk && engine_is_restored(unit->engine)) {
        sim_fail(sim, "unit %d calls its disk restored, and nothing but power was lost", index + 1);
    }
    sim_tell_level(sim, index);
    sim_update_links(sim);
    sim_tell_process(sim, 1 - index, 100 + sim_below(sim, 200), DUTY_PROCESS_JOINED);
}

void sim_crash_unit(struct sim *sim, int index, bool power)
{
    struct unit *unit = &sim->units[index];
    struct unit *peer = &sim->units[1 - index];

    if (!unit->up) {
        return;
    }
    sim_story(sim, "unit %d %s", index + 1, power ? "loses power" : "crashes");
    for (size_t i = 0; i < sim->heap_count && power; i++) { /* what its network card held is gone */
        if (sim->heap[i].kind == ITEM_FRAME && sim->heap[i].unit == peer->index) {
            sim->heap[i].generation = UINT64_MAX;
        }
    }
    if (unit->batch != NULL) {
        bool torn = unit->torn && unit->batch->entry_count > 0;

        sim_store(unit, unit->batch,
                  torn ? SIM_DISK_LEDGER : (enum sim_disk_step)sim_below(sim, SIM_DISK_ALL + 1));
        if (torn) {
            sim_disk_tear(&unit->disk);
        }
        unit->batch = NULL;
    }
    unit->torn = false;
    if (unit->loaded) {
        const struct duty_word *word = &engine_duty(unit->engine)->word;

        unit->was_blank = word->blank || word->retired;
    }
    unit->up = false;
    unit->holds = false;
    unit->generation++;
    engine_destroy(unit->engine);
    unit->engine = NULL;
    for (int link = 0; link < LINKS; link++) {
        if (!power && peer->up && peer->link_up[link]) {
            sim_push(sim, (struct item){.at_ms = sim->now_ms + 2 + sim_below(sim, 30),
                                        .kind = ITEM_LINK,
                                        .unit = peer->index,
                                        .generation = peer->generation,
                                        .a = link,
                                        .b = 0});
        }
    }
    sim_tell_process(sim, peer->index, power ? TOKEN_LOSS_MS : 5 + sim_below(sim, 40),
                     DUTY_PROCESS_LOST);
    for (int i = 0; i < SIM_CLIENTS; i++) { /* their connections break, or time out */
        struct client *client = &sim->clients[i];

        if (client->busy && client->asked_unit == index && !power) {
            client->request_id++;
            sim_push(sim, (struct item){.at_ms = sim->now_ms + 10 + sim_below(sim, 50),
                                        .kind = ITEM_REPLY_LOST,
                                        .a = i,
                                        .b = (int)client->request_id});
        }
    }
    if (!power) {
        sim_push(sim, (struct item){.at_ms = sim->now_ms + 20 + sim_below(sim, 100),
                                    .kind = ITEM_START,
                                    .unit = index});
    }
}
