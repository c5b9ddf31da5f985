/* What breaks, when, and how it heals. */
#include "tests/sim/sim_internal.h"

#include <stdio.h>

#define MINUTE_MS 60000LL
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

enum { HEALED_MS = 1000 };

const char *sim_fault_name(enum sim_fault fault)
{
    static const char *const names[SIM_FAULT_COUNT] = {
        "crash",        "power",        "partition",     "cut-direct",  "cut-lan",
        "loss",         "slow-disk",    "pause",         "handover",    "wipe",
        "roll-back",    "delay",        "replace",       "stranger",    "unfit",
        "stop",         "record",       "disk-fails",    "rot",         "clock",
        "lost-record",  "one-way",      "flap",          "clog",        "clients-cut",
        "crowd",        "members-late", "members-wrong", "misdirected", "torn",
        "reads-fail",   "stall",        "no-room",       "restore",     "clock-stops",
        "clock-drifts", "clocks-alike", "swap-disks",    "clone",       "false-oath",
        "ghost",
    };

    return names[fault];
}

void sim_heal_later(struct sim *sim, enum sim_fault fault, int unit, uint64_t after_ms)
{
    sim_lasts(sim, after_ms);
    sim_push(sim, (struct item){.at_ms = sim->now_ms + after_ms,
                                .kind = ITEM_HEAL,
                                .unit = unit,
                                .a = (int)fault,
                                .fault_number = sim->fault_now});
}

void sim_lasts(struct sim *sim, uint64_t lasts_ms)
{
    if (!sim->faults_over && sim->now_ms + lasts_ms + HEALED_MS > sim->healed_ms) {
        sim->healed_ms = sim->now_ms + lasts_ms + HEALED_MS;
    }
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

/* TLS does not hand a damaged record on: the contact of that link ends at both, and is made anew. */
static void damage_record(struct sim *sim)
{
    int link = (int)sim_fault_below(sim, LINKS);

    for (int index = 0; index < SIM_UNITS; index++) {
        sim_push(sim, (struct item){.at_ms = sim->now_ms + sim_fault_below(sim, 3),
                                    .kind = ITEM_LINK,
                                    .unit = index,
                                    .generation = sim->units[index].generation,
                                    .a = link,
                                    .b = 0});
    }
}

void sim_moment_is(struct unit *unit, enum sim_moment moment, uint64_t within_ms)
{
    struct sim *sim = unit->sim;
    uint32_t before = sim->fault_now;

    if (moment == MOMENT_ANY || unit->aim.moment != moment) {
        return;
    }
    sim->fault_now = unit->aim.fault_number;
    sim_push(sim, (struct item){.at_ms = sim->now_ms + sim_fault_below(sim, within_ms + 1),
                                .kind = ITEM_FAULT,
                                .unit = unit->aim.hits_peer ? 1 - unit->index : unit->index,
                                .a = (int)unit->aim.fault,
                                .b = 1,
                                .fault_number = sim->fault_now});
    unit->aim.moment = MOMENT_ANY;
    sim->fault_now = before;
}

void sim_fault_item(struct sim *sim, const struct item *item)
{
    enum sim_fault fault = (enum sim_fault)item->a;
    bool ends_process = fault == SIM_CRASH || fault == SIM_POWER || fault == SIM_WIPE ||
                        fault == SIM_ROLL_BACK || fault == SIM_DISK_FAILS || fault == SIM_TORN;

    if (item->b == 0 && ends_process && sim_fault_below(sim, 2) == 0) {
        sim->units[item->unit].aim = (struct sim_aim){
            .moment = (enum sim_moment)(1 + sim_fault_below(sim, MOMENT_COUNT - 1)),
            .fault = fault,
            .fault_number = sim->fault_now,
            .hits_peer = sim_fault_below(sim, 3) == 0};
        return;
    }
    sim_begin_fault(sim, fault, item->unit);
}

void sim_begin_fault(struct sim *sim, enum sim_fault fault, int index)
{
    struct unit *unit = &sim->units[index];
    uint64_t lasts_ms;

    sim->result->faults++;
    sim->result->fault_kinds[fault]++;
    sim_fault_hurts(sim, fault, true);
    sim_story(sim, "fault: %s, unit %d", sim_fault_name(fault), index + 1);
    switch (fault) {
    case SIM_CRASH:
        sim_crash_unit(sim, index, false);
        break;
    case SIM_LOST_RECORD:
    case SIM_POWER:
        sim_crash_unit(sim, index, true);
        if (fault == SIM_LOST_RECORD && !sim_would_forget(unit, true, false)) {
            unit->disk.record_len_bytes = 0;
            unit->record_lost_ms = sim->now_ms;
        }
        unit->powered = false;
        sim_heal_later(sim, fault, index, 500 + sim_fault_below(sim, 20000));
        break;
    case SIM_PARTITION:
        sim->lan_split = sim->cut[DIRECT] = true;
        sim->client_sides =
            (uint32_t)sim_fault_below(sim, UINT32_MAX) & (uint32_t)(sim_fault_below(sim, 3) - 1);
        sim_heal_later(sim, fault, index, 200 + sim_fault_below(sim, 15000));
        break;
    case SIM_CUT_DIRECT:
        sim->cut[DIRECT] = true;
        sim_heal_later(sim, fault, index, 200 + sim_fault_below(sim, 15000));
        break;
    case SIM_CUT_LAN:
        unit->lan_up = false;
        sim_tell_level(sim, index);
        sim_heal_later(sim, fault, index, 200 + sim_fault_below(sim, 15000));
        break;
    case SIM_LOSS:
        sim->loss_percent = (uint32_t)(1 + sim_fault_below(sim, 50));
        sim_heal_later(sim, fault, index, 200 + sim_fault_below(sim, 10000));
        break;
    case SIM_DELAY:
        sim->delay_ms_max = (uint32_t)(20 + sim_fault_below(sim, 600));
        sim_heal_later(sim, fault, index, 200 + sim_fault_below(sim, 10000));
        break;
    case SIM_SLOW_DISK:
        unit->disk_ms_max = (uint32_t)(20 + sim_fault_below(sim, 1500));
        sim_heal_later(sim, fault, index, 200 + sim_fault_below(sim, 10000));
        break;
    case SIM_PAUSE:
        lasts_ms = 50 + (sim_fault_below(sim, 8) == 0 ? sim_fault_below(sim, 120000)
                                                      : sim_fault_below(sim, 5000));
        unit->paused_until_ms = sim->now_ms + lasts_ms;
        sim_lasts(sim, lasts_ms);
        break;
    case SIM_HANDOVER:
        sim_order(sim, index, API_CONTROL_DUTY_HANDOVER, "");
        break;
    case SIM_WIPE:
    case SIM_CLONE:
    case SIM_ROLL_BACK:
        (void)sim_lose_disk(sim, fault, index);
        break;
    case SIM_REPLACE:
        sim->swapped = false; /* a ledger put into the box of a third unit is no way back */
        sim_replace_unit(sim, index);
        break;
    case SIM_STRANGER:
        for (uint64_t after_ms = 0; after_ms < STRANGER_MS;
             after_ms += 1 + sim_fault_below(sim, 400)) {
            sim_push(sim, (struct item){.at_ms = sim->now_ms + after_ms,
                                        .kind = ITEM_ANNOUNCE,
                                        .unit = index,
                                        .a = 1});
        }
        break;
    case SIM_UNFIT:
        unit->fit = false;
        unit->full = sim_fault_below(sim, 2) == 0;
        sim_tell_level(sim, index);
        sim_heal_later(sim, fault, index, 200 + sim_fault_below(sim, 10000));
        break;
    case SIM_STOP:
        unit->stopped = unit->up;
        sim_order(sim, index, API_CONTROL_DUTY_STOP, "");
        sim_heal_later(sim, fault, index, 200 + sim_fault_below(sim, 10000));
        break;
    case SIM_RECORD:
        damage_record(sim);
        break;
    case SIM_DISK_FAILS:
        unit->failing_syncs = 1 + (uint32_t)sim_fault_below(sim, 3);
        break;
    case SIM_ROT:
    case SIM_MISDIRECTED:
    case SIM_TORN:
    case SIM_READS_FAIL:
    case SIM_STALL:
    case SIM_NO_ROOM:
    case SIM_RESTORE:
        sim_begin_disk_fault(sim, fault, index);
        break;
    case SIM_CLOCK:
    case SIM_CLOCK_STOPS:
    case SIM_CLOCK_DRIFTS:
    case SIM_CLOCKS_ALIKE:
        sim_begin_clock_fault(sim, fault, index);
        sim_heal_later(sim, fault, index, 200 + sim_fault_below(sim, 15000));
        break;
    case SIM_SWAP_DISKS:
        sim_swap_disks(sim);
        break;
    case SIM_GHOST_TALKS:
        sim_ghost_begin(sim, index);
        break;
    case SIM_FALSE_OATH:
        sim_begin_false_oath(sim, index);
        break;
    case SIM_ONE_WAY:
    case SIM_FLAP:
    case SIM_CLOG:
    case SIM_CLIENTS_CUT:
    case SIM_CROWD:
    case SIM_MEMBERS_LATE:
    case SIM_MEMBERS_WRONG:
        sim_begin_network_fault(sim, fault, index);
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
    sim_fault_hurts(sim, fault, false);
    switch (fault) {
    case SIM_LOST_RECORD:
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
    case SIM_RECORD:
    case SIM_DISK_FAILS:
    case SIM_FAULT_COUNT:
        break;
    case SIM_ONE_WAY:
    case SIM_FLAP:
    case SIM_CLOG:
    case SIM_CLIENTS_CUT:
    case SIM_CROWD:
    case SIM_MEMBERS_LATE:
    case SIM_MEMBERS_WRONG:
        sim_end_network_fault(sim, fault, index);
        break;
    case SIM_UNFIT:
        unit->fit = unit->damaged_ms == 0;
        sim_tell_level(sim, index);
        break;
    case SIM_STOP:
        unit->stopped = false;
        sim_order(sim, index, API_CONTROL_DUTY_RESUME, "");
        break;
    case SIM_ROT:
    case SIM_MISDIRECTED:
    case SIM_TORN:
    case SIM_READS_FAIL:
    case SIM_STALL:
    case SIM_NO_ROOM:
    case SIM_RESTORE:
        sim_end_disk_fault(sim, fault, index);
        break;
    case SIM_CLOCK:
    case SIM_CLOCK_STOPS:
    case SIM_CLOCK_DRIFTS:
    case SIM_CLOCKS_ALIKE:
        sim_end_clock_fault(sim, fault, index);
        break;
    case SIM_SWAP_DISKS:
        sim_swap_disks_back(sim);
        break;
    case SIM_GHOST_TALKS:
        sim_ghost_end(sim);
        break;
    case SIM_FALSE_OATH:
        sim_go_on_false_oath(sim, index);
        break;
    case SIM_CLONE:
    case SIM_WIPE:
    case SIM_ROLL_BACK:
    case SIM_REPLACE:
        unit->powered = true;
        if (!sim->faults_over && sim_fault_below(sim, 3) == 0) { /* and then the other one's */
            sim->units[1 - index].aim = (struct sim_aim){
                .moment = (enum sim_moment)(1 + sim_fault_below(sim, MOMENT_COUNT - 1)),
                .fault = fault,
                .fault_number = sim->fault_now};
        }
        sim_start_unit(sim, index, false);
        break;
    }
    sim_update_links(sim);
}
