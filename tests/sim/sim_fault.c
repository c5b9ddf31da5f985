/* What breaks, when, and how it heals. */
#include "tests/sim/sim_internal.h"

#include <stdio.h>

const char *sim_fault_name(enum sim_fault fault)
{
    static const char *const names[SIM_FAULT_COUNT] = {
        "crash", "power",    "partition", "cut-direct", "cut-lan", "loss",    "slow-disk",
        "pause", "handover", "wipe",      "roll-back",  "delay",   "replace", "stranger",
    };

    return names[fault];
}

static void heal_later(struct sim *sim, enum sim_fault fault, int unit, uint64_t after_ms)
{
    sim_push(sim, (struct item){.at_ms = sim->now_ms + after_ms,
                                .kind = ITEM_HEAL,
                                .unit = unit,
                                .a = (int)fault});
}

/* One disk at a time is lost, never both: the other unit must be up and hold a ledger. While paired,
 * everything acknowledged is there too (promise 2); alone, what only this disk held is excused from
 * being found again, never from being unique (promise 1). */
void sim_lose_disk(struct sim *sim, enum sim_fault fault, int index)
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
    sim_crash_unit(sim, index, true);
    for (size_t i = 0; i < sim->ticket_count && !paired; i++) {
        struct ids_token id;

        CHECK(ids_token_from_text(sim->tickets[i].id, 32, &id));
        if (queue_ticket_find(engine_queue(peer->engine), &id) == NULL) {
            sim->tickets[i].excused = true;
            sim->tickets[i].in_box = fault == SIM_REPLACE ? unit->box : 0;
        }
    }
    for (size_t i = 0; i < sim->ticket_count && fault != SIM_REPLACE; i++) {
        if (sim->tickets[i].in_box == unit->box) {
            sim->tickets[i].in_box = 0;
        }
    }
    unit->lost_disk = true;
    if (fault == SIM_WIPE) {
        sim_disk_wipe(&unit->disk);
    } else if (fault == SIM_ROLL_BACK) {
        sim_disk_roll_back(&unit->disk, 1 + sim_below(sim, 60));
    }
    unit->powered = false;
    heal_later(sim, fault, index, 100 + sim_below(sim, 8000));
}

void sim_order(struct sim *sim, int index, enum api_control_what what, const char *text)
{
    struct api_request request = {.type = API_CONTROL, .id = 1};
    uint8_t frame[API_REQUEST_BYTES_MAX];
    struct engine_event event = {.kind = ENGINE_REQUEST};

    request.control.what = (uint8_t)what;
    (void)snprintf(request.control.text, sizeof(request.control.text), "%s", text);
    event.request.client = SIM_CLIENTS + 1;
    event.request.bytes = frame;
    event.request.len_bytes = api_request_encode(&request, frame, sizeof(frame));
    sim_deliver(sim, index, &event);
}

void sim_begin_fault(struct sim *sim, enum sim_fault fault, int index)
{
    struct unit *unit = &sim->units[index];

    sim->result->faults++;
    sim->result->fault_kinds[fault]++;
    sim_story(sim, "fault: %s, unit %d", sim_fault_name(fault), index + 1);
    switch (fault) {
    case SIM_CRASH:
        sim_crash_unit(sim, index, false);
        break;
    case SIM_POWER:
        sim_crash_unit(sim, index, true);
        unit->powered = false;
        heal_later(sim, fault, index, 500 + sim_below(sim, 20000));
        break;
    case SIM_PARTITION:
        sim->lan_split = sim->cut[DIRECT] = true;
        sim->client_side = (int)sim_below(sim, 2);
        heal_later(sim, fault, index, 200 + sim_below(sim, 15000));
        break;
    case SIM_CUT_DIRECT:
        sim->cut[DIRECT] = true;
        heal_later(sim, fault, index, 200 + sim_below(sim, 15000));
        break;
    case SIM_CUT_LAN:
        unit->lan_up = false;
        sim_tell_level(sim, index);
        heal_later(sim, fault, index, 200 + sim_below(sim, 15000));
        break;
    case SIM_LOSS:
        sim->loss_percent = (uint32_t)(1 + sim_below(sim, 50));
        heal_later(sim, fault, index, 200 + sim_below(sim, 10000));
        break;
    case SIM_DELAY:
        sim->delay_ms_max = (uint32_t)(20 + sim_below(sim, 600));
        heal_later(sim, fault, index, 200 + sim_below(sim, 10000));
        break;
    case SIM_SLOW_DISK:
        unit->disk_ms_max = (uint32_t)(20 + sim_below(sim, 1500));
        heal_later(sim, fault, index, 200 + sim_below(sim, 10000));
        break;
    case SIM_PAUSE:
        unit->paused_until_ms = sim->now_ms + 50 + sim_below(sim, 5000);
        break;
    case SIM_HANDOVER:
        sim_order(sim, index, API_CONTROL_DUTY_HANDOVER, "");
        break;
    case SIM_WIPE:
    case SIM_ROLL_BACK:
        sim_lose_disk(sim, fault, index);
        break;
    case SIM_REPLACE:
        sim_replace_unit(sim, index);
        break;
    case SIM_STRANGER:
        for (uint64_t after_ms = 0; after_ms < STRANGER_MS; after_ms += 1 + sim_below(sim, 400)) {
            sim_push(sim, (struct item){.at_ms = sim->now_ms + after_ms,
                                        .kind = ITEM_ANNOUNCE,
                                        .unit = index,
                                        .a = 1});
        }
        break;
    case SIM_FAULT_COUNT:
        break;
    }
    sim_update_links(sim);
}

void sim_end_fault(struct sim *sim, enum sim_fault fault, int index)
{
    struct unit *unit = &sim->units[index];

    sim_story(sim, "healed: %s, unit %d", sim_fault_name(fault), index + 1);
    switch (fault) {
    case SIM_POWER:
        unit->powered = true;
        sim_start_unit(sim, index, false);
        break;
    case SIM_PARTITION:
        sim->lan_split = sim->cut[DIRECT] = false;
        break;
    case SIM_CUT_DIRECT:
        sim->cut[DIRECT] = false;
        break;
    case SIM_CUT_LAN:
        unit->lan_up = true;
        sim_tell_level(sim, index);
        break;
    case SIM_LOSS:
        sim->loss_percent = 0;
        break;
    case SIM_DELAY:
        sim->delay_ms_max = 0;
        break;
    case SIM_SLOW_DISK:
        unit->disk_ms_max = DISK_MS_USUAL;
        break;
    case SIM_CRASH:
    case SIM_PAUSE:
    case SIM_HANDOVER:
    case SIM_STRANGER:
    case SIM_FAULT_COUNT:
        break;
    case SIM_WIPE:
    case SIM_ROLL_BACK:
    case SIM_REPLACE:
        unit->powered = true;
        sim_start_unit(sim, index, false);
        break;
    }
    sim_update_links(sim);
}

uint64_t sim_schedule_faults(struct sim *sim)
{
    uint64_t at_ms = 3000;

    for (uint32_t i = 0; i < sim->options.fault_count; i++) {
        at_ms += sim_below(sim, 4) == 0 ? sim_below(sim, 500) : sim_below(sim, 12000);
        sim_push(sim, (struct item){.at_ms = at_ms,
                                    .kind = ITEM_FAULT,
                                    .a = (int)sim_below(sim, SIM_FAULT_COUNT),
                                    .unit = (int)sim_below(sim, SIM_UNITS)});
    }
    return at_ms + 21000; /* every fault has healed by then */
}
