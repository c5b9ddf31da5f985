/* Which hardware stands in a place. A unit is taken out, another box is put in, and people say so (rule 11). */
#include "storage/adapters/crypto.h"
#include "tests/sim/sim_internal.h"

#include <stdio.h>
#include <string.h>

enum { SERIAL_BYTES = 16, WORDS_BYTES = 64, OATH_AFTER_MS = 800, CUT_AFTER_OATH_MS = 8000 };

/* As toband makes it of the serial that stands on the box. */
void sim_hardware_of(int box, struct ids_token *ret_hardware)
{
    struct crypto *crypto = crypto_create();
    struct ids_hash hash;
    char serial[SERIAL_BYTES];

    CHECK(crypto != NULL);
    (void)snprintf(serial, sizeof(serial), "SIM-%d", box);
    crypto_hash(crypto, serial, strlen(serial), NULL, 0, &hash);
    memcpy(ret_hardware->bytes, hash.bytes, sizeof(ret_hardware->bytes));
    crypto_destroy(crypto);
}

/* The box that the newest term of this unit names beside its own; 0 none. */
static int partner_box(const struct sim *sim, int index)
{
    const struct duty_term *term = &engine_duty(sim->units[index].engine)->term;

    for (int box = 1; box <= sim->box_count; box++) {
        struct ids_token hardware;

        sim_hardware_of(box, &hardware);
        for (int i = 0; i < 2 && box != sim->units[index].box; i++) {
            if (term->units[i].unit != 0 && ids_token_equal(&term->units[i].hardware, &hardware)) {
                return box;
            }
        }
    }
    return 0;
}

static void swear(struct sim *sim, int index, int box)
{
    char words[WORDS_BYTES];

    (void)snprintf(words, sizeof(words), "SIM-%d\nperson %d\n" API_UNIT_OATH, box,
                   (int)(sim->said_count++ % 2));
    sim_order(sim, index, API_CONTROL_UNIT_APPROVE, words);
}

/* People look at the page now and then. A box that nobody knows makes two of them say, honestly, that the one
 * before it is off and in their hands; twice when it is a box that was replaced itself. */
void sim_people_look(struct sim *sim)
{
    for (int i = 0; i < SIM_UNITS; i++) {
        struct unit *unit = &sim->units[i], *other = &sim->units[1 - i];
        int box;

        if (!unit->up || unit->paused_until_ms > sim->now_ms) {
            continue;
        }
        box = partner_box(sim, i);
        if (!other->up) {
            if (other->declared_off && box == other->box) {
                swear(sim, i, box);
            }
            continue;
        }
        other->declared_off = false;
        if (engine_duty(unit->engine)->reason != DUTY_REASON_PEER_UNKNOWN) {
            continue;
        }
        if (box != 0 && (box != other->box || engine_duty(other->engine)->word.blank)) {
            swear(sim, i, box);
        }
    }
}

void sim_judge_boxes(struct sim *sim)
{
    for (int i = 0; i < SIM_UNITS; i++) {
        const struct unit *unit = &sim->units[i];

        if (!unit->up || !unit->came_back || !engine_duty(unit->engine)->word.blank) {
            continue;
        }
        sim_held_given(sim, unit->box, 1 - i);
        for (size_t at = 0; at < sim->ticket_count && unit->sworn_off; at++) {
            if ((sim->tickets[at].held_by >> i & 1U) != 0) { /* given, and forgotten here */
                sim->tickets[at].held_by = (uint8_t)(1U << (1 - i));
            }
        }
        sim->units[i].sworn_off = false;
    }
}

/* A box that was never here takes the place, or the one that was taken out last, with its disk. The rules of
 * sim_lose_disk hold: what only its disk held is excused. */
static void take_out(struct sim *sim, int index)
{
    struct unit *unit = &sim->units[index];
    struct sim_disk disk = unit->out_disk;
    int box = unit->out_box;

    if (!sim_lose_disk(sim, SIM_REPLACE, index)) {
        return; /* not now */
    }
    if (sim_fault_below(sim, 4) == 0) { /* declared off, and then the very same box is put back */
        unit->declared_off = true;
        unit->came_back = true;
        return;
    }
    unit->out_disk = unit->disk;
    unit->incoming_have_bytes = 0; /* lies on the box's disk */
    unit->out_box = unit->box;
    if (box != 0 && sim_fault_below(sim, 2) == 0) {
        unit->disk = disk;
        unit->box = box;
        unit->came_back = disk.entry_count > 0;
    } else {
        sim_disk_free(&disk);
        unit->disk = (struct sim_disk){0};
        unit->box = ++sim->box_count;
        unit->came_back = false;
    }
    sim_story(sim, "box %d stands in the place of unit %d", unit->box, index + 1);
}

/* Sometimes after a farewell. */
void sim_replace_unit(struct sim *sim, int index)
{
    struct unit *unit = &sim->units[index];
    char words[WORDS_BYTES];

    if (sim_disk_is_damaged(&sim->units[1 - index].disk)) {
        return; /* nobody takes the unit out that holds the only sound ledger, nor lets it say farewell */
    }
    if (unit->up && sim->units[1 - index].up && sim_fault_below(sim, 3) == 0) {
        for (int person = 1; person <= 2; person++) {
            (void)snprintf(words, sizeof(words), "SIM-%d\nperson %d", unit->box, person);
            sim_order(sim, 1 - index, API_CONTROL_UNIT_RETIRE, words);
        }
    }
    if (!unit->up || sim_disk_is_damaged(&unit->disk)) {
        return;
    }
    take_out(sim, index);
}

void sim_begin_false_oath(struct sim *sim, int index)
{
    if (sim->oath != OATH_NONE || sim->swapped || !sim_is_paired(sim) || sim->lan_split ||
        sim->cut[DIRECT] || !sim_holds_a_ledger(&sim->units[index]) ||
        !sim_holds_a_ledger(&sim->units[1 - index])) {
        return;
    }
    sim->oath = OATH_CUT;
    sim->lan_split = sim->cut[DIRECT] = true;
    sim->client_sides = (uint32_t)sim_fault_below(sim, UINT32_MAX);
    sim_heal_later(sim, SIM_FALSE_OATH, index, OATH_AFTER_MS + sim_fault_below(sim, 2000));
}

/* Half of the time nothing is taken out. Else it is the wrong one: the one that people stand before. The other one
 * keeps the only ledger, and nobody there knows of an oath. */
void sim_go_on_false_oath(struct sim *sim, int index)
{
    struct unit *sworn = &sim->units[index];

    if (sim->oath == OATH_SWORN) {
        sim->lan_split = sim->cut[DIRECT] = false;
        sim->oath = OATH_NONE;
        return;
    }
    sim->oath = OATH_SWORN;
    swear(sim, 1 - index, sworn->box);
    swear(sim, 1 - index, sworn->box);
    if (sim_fault_below(sim, 2) == 0 && sim_holds_a_ledger(sworn)) {
        take_out(sim, 1 - index);
    } else {
        sworn->sworn_off = sworn->came_back = true;
    }
    sim_heal_later(sim, SIM_FALSE_OATH, index, 200 + sim_fault_below(sim, CUT_AFTER_OATH_MS));
}
