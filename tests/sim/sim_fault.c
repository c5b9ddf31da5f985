/* What breaks, when, and how it heals. */
#include "tests/sim/sim_internal.h"

#include <stdio.h>

#define MINUTE_MS 60000LL
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

const char *sim_fault_name(enum sim_fault fault)
{
    static const char *const names[SIM_FAULT_COUNT] = {
        "crash", "power",    "partition", "cut-direct", "cut-lan", "loss",    "slow-disk",
        "pause", "handover", "wipe",      "roll-back",  "delay",   "replace", "stranger",
        "unfit", "stop",     "record",    "disk-fails", "rot",     "clock",   "lost-record",
    };

    return names[fault];
}

static void heal_later(struct sim *sim, enum sim_fault fault, int unit, uint64_t after_ms)
{
    sim_push(sim, (struct item){.at_ms = sim->now_ms + after_ms,
                                .kind = ITEM_HEAL,
                                .unit = unit,
                                .a = (int)fault,
                                .fault_number = sim->fault_now});
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

    if ((!unit->up && unit->disk.rotten_lsn == 0) || !peer->up) {
        return;
    }
    theirs = engine_duty(peer->engine);
    paired = unit->up && duty_is_paired(theirs) && duty_is_paired(engine_duty(unit->engine));
    if (theirs->word.blank || theirs->state == DUTY_MEETING_OTHER || peer->disk.rotten_lsn != 0 ||
        sim->lost_disk == 2 - index) {
        return; /* the other one's disk was lost, and has not got everything back yet */
    }
    sim->lost_disk = 1 + index;
    for (size_t i = 0; i < sim->ticket_count && !paired; i++) {
        struct seen_ticket *ticket = &sim->tickets[i];
        struct ids_token id;

        CHECK(ids_token_from_text(ticket->id, 32, &id));
        if (queue_ticket_find(engine_queue(peer->engine), &id) == NULL) {
            ticket->excused = true;
            if (!unit->up || queue_ticket_find(engine_queue(unit->engine), &id) != NULL) {
                ticket->in_box = fault == SIM_REPLACE ? unit->box : 0;
            }
        }
    }
    sim_crash_unit(sim, index, true);
    for (size_t i = 0; i < sim->ticket_count && fault != SIM_REPLACE; i++) {
        if (sim->tickets[i].in_box == unit->box) {
            sim->tickets[i].in_box = 0;
        }
    }
    unit->lost_disk = true;
    if (fault == SIM_WIPE) {
        sim_disk_wipe(&unit->disk);
        unit->incoming_have_bytes = 0;
    } else if (fault == SIM_ROLL_BACK) {
        sim_disk_roll_back(&unit->disk, 1 + sim_fault_below(sim, 60));
    }
    unit->powered = false;
    heal_later(sim, fault, index, 100 + sim_fault_below(sim, 8000));
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

/* Noticed by the scrub within seconds, or by whoever reads that entry first. The disk is replaced by a
 * blank one as soon as the peer can give it everything back. */
static void rot(struct sim *sim, int index)
{
    struct unit *unit = &sim->units[index];
    const struct unit *peer = &sim->units[1 - index];

    if (unit->disk.entry_count == 0 || peer->disk.rotten_lsn != 0 || sim->lost_disk != 0 ||
        !sim_is_paired(sim)) {
        return; /* the peer would not hold everything */
    }
    sim->lost_disk = 1 + index;
    unit->disk.rotten_lsn = 1 + sim_fault_below(sim, unit->disk.entry_count);
    unit->fit = false;
    sim_push(sim, (struct item){.at_ms = sim->now_ms + sim_fault_below(sim, 5000),
                                .kind = ITEM_LEVEL,
                                .unit = index});
    heal_later(sim, SIM_ROT, index, 5000 + sim_fault_below(sim, 10000));
}

static void replace_rotten_disk(struct sim *sim, int index)
{
    struct unit *unit = &sim->units[index];

    if (unit->disk.rotten_lsn != 0) {
        sim_lose_disk(sim, SIM_WIPE, index);
        if (unit->disk.rotten_lsn != 0) { /* its peer cannot give it back yet */
            heal_later(sim, SIM_ROT, index, 300);
            return;
        }
    }
    unit->fit = true;
    sim_tell_level(sim, index);
}

/* A step that a believed clock may not take: more than a day's opening ahead, or back (rule 9). */
static void step_clock(struct sim *sim, struct unit *unit)
{
    static const int64_t steps_ms[] = {
        -4 * MINUTE_MS, 4 * MINUTE_MS,     -3 * HOUR_MS,       -30 * DAY_MS,
        400 * DAY_MS,   20 * 365 * DAY_MS, -20 * 365 * DAY_MS, 0,
    };
    size_t which = sim_fault_below(sim, ARRAY_COUNT(steps_ms));

    if (sim->units[1 - unit->index].clock_ms != 0) {
        return; /* two clocks that are wrong alike vouch for one another: rule 9 asks for no more */
    }
    sim->clock_was_wrong = true;
    unit->synchronised = false;
    sim_tell_level(sim, unit->index); /* first it is no longer synchronised, then it is wrong */
    unit->clock_ms = steps_ms[which] != 0 ? steps_ms[which] : -sim_wall_ms(sim);
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
                        fault == SIM_ROLL_BACK || fault == SIM_DISK_FAILS;

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
        if (fault == SIM_LOST_RECORD) {
            unit->disk.record_len_bytes = 0;
        }
        unit->powered = false;
        heal_later(sim, fault, index, 500 + sim_fault_below(sim, 20000));
        break;
    case SIM_PARTITION:
        sim->lan_split = sim->cut[DIRECT] = true;
        sim->client_side = (int)sim_fault_below(sim, 2);
        heal_later(sim, fault, index, 200 + sim_fault_below(sim, 15000));
        break;
    case SIM_CUT_DIRECT:
        sim->cut[DIRECT] = true;
        heal_later(sim, fault, index, 200 + sim_fault_below(sim, 15000));
        break;
    case SIM_CUT_LAN:
        unit->lan_up = false;
        sim_tell_level(sim, index);
        heal_later(sim, fault, index, 200 + sim_fault_below(sim, 15000));
        break;
    case SIM_LOSS:
        sim->loss_percent = (uint32_t)(1 + sim_fault_below(sim, 50));
        heal_later(sim, fault, index, 200 + sim_fault_below(sim, 10000));
        break;
    case SIM_DELAY:
        sim->delay_ms_max = (uint32_t)(20 + sim_fault_below(sim, 600));
        heal_later(sim, fault, index, 200 + sim_fault_below(sim, 10000));
        break;
    case SIM_SLOW_DISK:
        unit->disk_ms_max = (uint32_t)(20 + sim_fault_below(sim, 1500));
        heal_later(sim, fault, index, 200 + sim_fault_below(sim, 10000));
        break;
    case SIM_PAUSE:
        unit->paused_until_ms = sim->now_ms + 50 + sim_fault_below(sim, 5000);
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
        heal_later(sim, fault, index, 200 + sim_fault_below(sim, 10000));
        break;
    case SIM_STOP:
        unit->stopped = unit->up;
        sim_order(sim, index, API_CONTROL_DUTY_STOP, "");
        heal_later(sim, fault, index, 200 + sim_fault_below(sim, 10000));
        break;
    case SIM_RECORD:
        damage_record(sim);
        break;
    case SIM_DISK_FAILS:
        unit->failing_syncs = 1 + (uint32_t)sim_fault_below(sim, 3);
        break;
    case SIM_ROT:
        rot(sim, index);
        break;
    case SIM_CLOCK:
        step_clock(sim, unit);
        heal_later(sim, fault, index, 200 + sim_fault_below(sim, 15000));
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
    case SIM_UNFIT:
        unit->fit = unit->disk.rotten_lsn == 0;
        sim_tell_level(sim, index);
        break;
    case SIM_STOP:
        unit->stopped = false;
        sim_order(sim, index, API_CONTROL_DUTY_RESUME, "");
        break;
    case SIM_ROT:
        replace_rotten_disk(sim, index);
        break;
    case SIM_CLOCK:
        unit->clock_ms = 0;
        unit->synchronised = true;
        sim_tell_level(sim, index);
        break;
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
