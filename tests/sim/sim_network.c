/*
 * What breaks between the units, and between them and their clients: ways that lose in one direction, links that
 * come and go, frames that are held back; corosync, which is late or wrong.
 */
#include "tests/sim/sim_internal.h"

enum {
    FLAPS_MAX = 12,
    FLAP_MS_MAX = 900,
    WRONG_WORDS_MAX = 12,
    WRONG_MS_MAX = 6000,
    LATE_MS_MAX = 5000,
};

enum flap_what { FLAP_SERVICE_OF_UNIT, FLAP_DIRECT, FLAP_SWITCH, FLAP_COUNT };

bool sim_way_works(const struct sim *sim, int link, int from)
{
    if (sim->cut[link] || sim->way_cut[link][from]) {
        return false;
    }
    return link == DIRECT || (sim->units[0].lan_up && sim->units[1].lan_up && !sim->lan_split);
}

bool sim_links_are_sound(const struct sim *sim)
{
    for (int link = 0; link < LINKS; link++) {
        if (sim->way_cut[link][0] || sim->way_cut[link][1] ||
            sim->clog_until_ms[link] > sim->now_ms) {
            return false;
        }
    }
    return true;
}

void sim_tell_process(struct sim *sim, int index, uint64_t after_ms, enum duty_peer_process what)
{
    uint64_t at_ms = sim->now_ms + after_ms + sim_below(sim, sim->members_late_ms_max);

    if (at_ms < sim->members_told_ms[index]) {
        at_ms = sim->members_told_ms[index];
    }
    sim->members_told_ms[index] = at_ms;
    sim_push(sim,
             (struct item){.at_ms = at_ms, .kind = ITEM_PROCESS, .unit = index, .a = (int)what});
}

void sim_tell_process_truth(struct sim *sim, uint64_t after_ms)
{
    bool connected = sim_link_works(sim, SERVICE) || sim_link_works(sim, DIRECT);

    for (int i = 0; i < SIM_UNITS; i++) {
        sim_tell_process(sim, i, after_ms,
                         connected && sim->units[1 - i].up ? DUTY_PROCESS_JOINED
                                                           : DUTY_PROCESS_LOST);
    }
}

/* Any of: the link of one unit, the direct one, the switch between them. */
static void flap(struct sim *sim)
{
    struct sim_flap *flap = &sim->flap;
    bool off = flap->left % 2 == 0 && flap->left > 0;

    switch ((enum flap_what)flap->what) {
    case FLAP_SERVICE_OF_UNIT:
        sim->units[flap->unit].lan_up = !off;
        sim_tell_level(sim, flap->unit);
        break;
    case FLAP_DIRECT:
        sim->cut[DIRECT] = off;
        break;
    case FLAP_SWITCH:
        sim->lan_split = off;
        break;
    case FLAP_COUNT:
        break;
    }
    if (flap->left > 0) {
        flap->left--;
        sim_heal_later(sim, SIM_FLAP, flap->unit, 20 + sim_fault_below(sim, FLAP_MS_MAX));
    }
}

static void begin_flap(struct sim *sim, int index)
{
    if (sim->flap.left > 0) {
        return; /* one at a time */
    }
    sim->flap = (struct sim_flap){.left = 2 * (uint32_t)(1 + sim_fault_below(sim, FLAPS_MAX / 2)),
                                  .what = (int)sim_fault_below(sim, FLAP_COUNT),
                                  .unit = index};
    flap(sim);
}

static void say_what_is_wrong(struct sim *sim, int index)
{
    uint32_t words = 1 + (uint32_t)sim_fault_below(sim, WRONG_WORDS_MAX);

    for (uint32_t i = 0; i < words; i++) {
        sim_push(sim, (struct item){.at_ms = sim->now_ms + sim_fault_below(sim, WRONG_MS_MAX),
                                    .kind = ITEM_PROCESS,
                                    .unit = sim_fault_below(sim, 4) == 0 ? 1 - index : index,
                                    .a = sim_fault_below(sim, 2) == 0 ? DUTY_PROCESS_LOST
                                                                      : DUTY_PROCESS_JOINED});
    }
    sim_heal_later(sim, SIM_MEMBERS_WRONG, index, WRONG_MS_MAX);
}

void sim_begin_network_fault(struct sim *sim, enum sim_fault fault, int index)
{
    uint32_t which = 1 + (uint32_t)sim_fault_below(sim, 3); /* a bit a link, or a unit */

    if (fault == SIM_FLAP) {
        begin_flap(sim, index);
    } else if (fault == SIM_MEMBERS_WRONG) {
        say_what_is_wrong(sim, index);
    } else if (fault == SIM_CROWD) {
        sim_crowd(sim);
    } else if (fault == SIM_MEMBERS_LATE) {
        sim->members_late_ms_max = 1 + (uint32_t)sim_fault_below(sim, LATE_MS_MAX);
        sim_heal_later(sim, fault, index, 200 + sim_fault_below(sim, 15000));
    } else {
        uint64_t lasts_ms = 100 + sim_fault_below(sim, 12000);

        for (uint32_t i = 0; i < 2; i++) {
            if ((which >> i & 1) == 0) {
                continue;
            }
            if (fault == SIM_ONE_WAY) {
                sim->way_cut[i][index] = true;
            } else if (fault == SIM_CLOG) {
                sim->clog_until_ms[i] = sim->now_ms + lasts_ms;
            } else {
                sim->client_cut[i] = true;
            }
        }
        sim_heal_later(sim, fault, index, lasts_ms);
    }
}

void sim_end_network_fault(struct sim *sim, enum sim_fault fault, int index)
{
    if (fault == SIM_FLAP) {
        flap(sim);
    } else if (fault == SIM_MEMBERS_LATE) {
        sim->members_late_ms_max = 0;
    } else if (fault == SIM_MEMBERS_WRONG) {
        sim_tell_process_truth(sim, 0);
    } else if (fault == SIM_CLIENTS_CUT) {
        sim->client_cut[0] = sim->client_cut[1] = false;
    } else if (fault == SIM_ONE_WAY) {
        sim->way_cut[SERVICE][index] = sim->way_cut[DIRECT][index] = false;
    }
}
