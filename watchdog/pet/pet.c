/* The stages of pet.h. Freshness is judged on every event; stages change on a tick only, so that how often proofs
 * arrive decides nothing. */
#include "watchdog/pet/pet.h"

#include "base/check.h"

#include <assert.h>
#include <string.h>

static_assert(PET_FEED_MS * 3 < PET_TIMEOUT_MS_MIN, "two feeds in a row may come late");
static_assert(PET_TICK_MS * 4 <= PET_FEED_MS, "a feed is due within a quarter");
static_assert(PET_TIMEOUT_MS <= PET_TIMEOUT_MS_MAX && PET_TIMEOUT_MS >= PET_TIMEOUT_MS_MIN,
              "as asked is verified");

static void act(struct pet_actions *actions, struct pet_action action)
{
    CHECK(actions->count < PET_ACTIONS_MAX);
    actions->list[actions->count++] = action;
}

static void feed(struct pet *pet, uint64_t now_ms, struct pet_actions *actions)
{
    if (pet->device.armed && (pet->fed_ms == 0 || now_ms - pet->fed_ms >= PET_FEED_MS)) {
        pet->fed_ms = now_ms;
        act(actions, (struct pet_action){.kind = PET_FEED});
    }
}

static void enter(struct pet *pet, enum pet_stage stage, uint64_t now_ms)
{
    pet->stage = stage;
    pet->since_ms = now_ms;
}

/* ---- freshness ---------------------------------------------------------------------------------- */

uint32_t pet_limit_ms(enum pet_part part)
{
    static const uint32_t limits_ms[PET_PART_COUNT] = {
        [PET_LOOP] = PET_LOOP_MS_MAX,         [PET_STORE] = PET_STORE_MS_MAX,
        [PET_COROSYNC] = PET_COROSYNC_MS_MAX, [PET_NET] = PET_NET_MS_MAX,
        [PET_ADDRESS] = PET_ADDRESS_MS_MAX,   [PET_INIT] = PET_INIT_MS_MAX,
    };

    CHECK(part < PET_PART_COUNT);
    return limits_ms[part];
}

enum pet_process pet_process_of(enum pet_part part)
{
    static const enum pet_process processes[PET_PART_COUNT] = {
        [PET_LOOP] = PET_TOBAND,
        [PET_STORE] = PET_TOBAND,
        [PET_COROSYNC] = PET_COROSYNC_PROCESS,
        [PET_NET] = PET_TOBAN_NET,
        [PET_ADDRESS] = PET_TOBAN_NET,
        [PET_INIT] = PET_PID1,
    };

    CHECK(part < PET_PART_COUNT);
    return processes[part];
}

uint32_t pet_age_ms(const struct pet *pet, enum pet_part part, uint64_t now_ms)
{
    uint64_t age_ms;

    CHECK(part < PET_PART_COUNT);
    age_ms = now_ms - pet->parts[part].fresh_ms;
    return age_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)age_ms;
}

/* What toband says of disk and corosync means something only while it says anything. */
static bool is_said_by_toband(enum pet_part part)
{
    return part == PET_STORE || part == PET_COROSYNC;
}

static bool is_stale(const struct pet *pet, enum pet_part part, uint64_t now_ms)
{
    const struct pet_part_state *state = &pet->parts[part];

    if (!state->seen) {
        return now_ms >= state->allowed_ms;
    }
    return pet_age_ms(pet, part, now_ms) > pet_limit_ms(part);
}

/* PID 1 first: without it nothing is restarted. */
static enum pet_part first_stale(const struct pet *pet, uint64_t now_ms)
{
    static const enum pet_part order[PET_PART_COUNT] = {PET_INIT, PET_ADDRESS,  PET_NET,
                                                        PET_LOOP, PET_COROSYNC, PET_STORE};

    for (size_t i = 0; i < PET_PART_COUNT; i++) {
        if (is_stale(pet, order[i], now_ms) &&
            (!is_said_by_toband(order[i]) || !is_stale(pet, PET_LOOP, now_ms))) {
            return order[i];
        }
    }
    return PET_PART_COUNT;
}

static void progressed(struct pet *pet, enum pet_part part, uint64_t fresh_ms)
{
    struct pet_part_state *state = &pet->parts[part];

    state->fresh_ms = !state->seen || fresh_ms > state->fresh_ms ? fresh_ms : state->fresh_ms;
    state->seen = true;
}

static void judge_address(struct pet *pet, uint64_t now_ms)
{
    if (!pet->address_held || pet->address_wanted) {
        progressed(pet, PET_ADDRESS, now_ms);
    }
}

static uint64_t before(uint64_t now_ms, uint32_t age_ms)
{
    return now_ms > age_ms ? now_ms - age_ms : 0;
}

static void take_toband(struct pet *pet, const struct pet_toband *proof, uint64_t now_ms)
{
    if (pet->parts[PET_LOOP].seen && proof->turns == pet->toband_turns) {
        return;
    }
    pet->toband_turns = proof->turns;
    pet->address_wanted = proof->address_wanted;
    progressed(pet, PET_LOOP, now_ms);
    progressed(pet, PET_STORE, before(now_ms, proof->store_age_ms));
    if (!proof->corosync_expected) {
        progressed(pet, PET_COROSYNC, now_ms);
    } else if (proof->corosync_age_ms != PET_NEVER) { /* else it goes on being awaited */
        progressed(pet, PET_COROSYNC, before(now_ms, proof->corosync_age_ms));
    }
}

static void take_net(struct pet *pet, const struct pet_net *proof, uint64_t now_ms)
{
    if (pet->parts[PET_NET].seen && proof->turns == pet->net_turns) {
        return;
    }
    pet->net_turns = proof->turns;
    pet->address_held = proof->address_held;
    progressed(pet, PET_NET, now_ms);
}

static void await_first(struct pet *pet, enum pet_part part, uint64_t allowed_ms)
{
    pet->parts[part].seen = false;
    pet->parts[part].allowed_ms = allowed_ms;
}

static bool is_storm(const struct pet *pet, uint64_t now_ms)
{
    uint64_t oldest_ms = pet->ended_ms[PET_STORM_COUNT - 1];

    return oldest_ms != 0 && now_ms - oldest_ms < PET_STORM_MS;
}

/* A process that ended is awaited anew, unless it ends again and again. One that never spoke keeps what it was given
 * at boot. */
static void take_ended(struct pet *pet, enum pet_process process, uint64_t now_ms)
{
    static const enum pet_part of_toband[] = {PET_LOOP, PET_STORE, PET_COROSYNC};
    enum pet_part first = process == PET_TOBAND ? PET_LOOP : PET_NET;
    uint64_t allowed_ms;

    if ((process != PET_TOBAND && process != PET_TOBAN_NET) || !pet->parts[first].seen) {
        return;
    }
    memmove(pet->ended_ms + 1, pet->ended_ms, sizeof(pet->ended_ms) - sizeof(pet->ended_ms[0]));
    pet->ended_ms[0] = now_ms;
    allowed_ms = is_storm(pet, now_ms) ? now_ms : now_ms + PET_START_MS_MAX;
    if (process == PET_TOBAN_NET) {
        await_first(pet, PET_NET, allowed_ms);
        pet->address_held = false; /* the kernel's own lifetime of the address ends it: address.h */
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(of_toband); i++) {
        await_first(pet, of_toband[i], allowed_ms);
    }
    pet->address_wanted = false;
}

/* ---- stages ------------------------------------------------------------------------------------- */

static void restart(struct pet *pet, enum pet_process process, uint64_t now_ms,
                    struct pet_actions *actions)
{
    pet->acted_ms = now_ms;
    act(actions, (struct pet_action){.kind = PET_RESTART, .process = process, .part = pet->part});
}

static void yield(struct pet *pet, uint64_t now_ms, struct pet_actions *actions)
{
    enter(pet, PET_YIELDING, now_ms);
    restart(pet, PET_TOBAND, now_ms, actions);
    if (pet_process_of(pet->part) != PET_TOBAND) {
        restart(pet, pet_process_of(pet->part), now_ms, actions);
    }
}

static void note_or_endure(struct pet *pet, uint64_t now_ms, struct pet_actions *actions)
{
    /* Without PID 1 nobody could mend it by a page or a shell: that is reset whatever came before. */
    if (pet->part != PET_INIT && pet->resets_recent >= PET_RESETS_MAX &&
        now_ms < pet->resets_left_ms) {
        enter(pet, PET_ENDURING, now_ms);
        restart(pet, pet_process_of(pet->part), now_ms, actions);
        return;
    }
    enter(pet, PET_NOTING, now_ms);
    act(actions, (struct pet_action){
                     .kind = PET_NOTE, .process = pet_process_of(pet->part), .part = pet->part});
}

static void starve(struct pet *pet, uint64_t now_ms, struct pet_actions *actions)
{
    enter(pet, PET_STARVING, now_ms);
    if (!pet->device.armed) {
        act(actions, (struct pet_action){.kind = PET_REBOOT,
                                         .process = pet_process_of(pet->part),
                                         .part = pet->part});
    }
}

/* True when PID 1 answers no more: every stage that could still wait goes on from there. */
static bool is_init_gone(struct pet *pet, uint64_t now_ms, struct pet_actions *actions)
{
    if (!is_stale(pet, PET_INIT, now_ms)) {
        return false;
    }
    pet->part = PET_INIT;
    note_or_endure(pet, now_ms, actions);
    return true;
}

static bool recovered(struct pet *pet, uint64_t now_ms)
{
    const struct pet_part_state *state = &pet->parts[pet->part];

    if (!state->seen || is_stale(pet, pet->part, now_ms)) {
        return false;
    }
    pet->part = PET_PART_COUNT;
    enter(pet, PET_WATCHING, now_ms);
    return true;
}

static void tick_watching(struct pet *pet, uint64_t now_ms, struct pet_actions *actions)
{
    enum pet_part part = first_stale(pet, now_ms);

    if (part == PET_PART_COUNT) {
        feed(pet, now_ms, actions);
        return;
    }
    pet->part = part;
    if (part == PET_INIT) {
        note_or_endure(pet, now_ms, actions);
        return;
    }
    feed(pet, now_ms, actions);
    if (is_storm(pet, now_ms)) {
        yield(pet, now_ms, actions);
        return;
    }
    enter(pet, PET_RESTARTING, now_ms);
    restart(pet, pet_process_of(pet->part), now_ms, actions);
}

static void tick_restarting(struct pet *pet, uint64_t now_ms, struct pet_actions *actions)
{
    if (recovered(pet, now_ms)) {
        feed(pet, now_ms, actions);
    } else if (!is_init_gone(pet, now_ms, actions)) {
        feed(pet, now_ms, actions);
        if (now_ms - pet->since_ms >= PET_RESTART_MS_MAX) {
            yield(pet, now_ms, actions);
        }
    }
}

static void tick_yielding(struct pet *pet, uint64_t now_ms, struct pet_actions *actions)
{
    if (recovered(pet, now_ms)) {
        feed(pet, now_ms, actions);
    } else if (!is_init_gone(pet, now_ms, actions)) {
        feed(pet, now_ms, actions);
        if (now_ms - pet->since_ms >= PET_YIELD_MS_MAX) {
            note_or_endure(pet, now_ms, actions);
        }
    }
}

static void tick_enduring(struct pet *pet, uint64_t now_ms, struct pet_actions *actions)
{
    if (recovered(pet, now_ms)) {
        feed(pet, now_ms, actions);
    } else if (!is_init_gone(pet, now_ms, actions)) {
        feed(pet, now_ms, actions);
        if (now_ms >= pet->resets_left_ms) {
            note_or_endure(pet, now_ms, actions);
        } else if (now_ms - pet->acted_ms >= PET_ENDURE_MS) {
            restart(pet, pet_process_of(pet->part), now_ms, actions);
        }
    }
}

static void tick_noting(struct pet *pet, uint64_t now_ms, struct pet_actions *actions)
{
    if (now_ms - pet->since_ms >= PET_NOTE_MS_MAX) {
        starve(pet, now_ms, actions);
    } else {
        feed(pet, now_ms, actions);
    }
}

static void tick_starving(struct pet *pet, uint64_t now_ms, struct pet_actions *actions)
{
    if (now_ms - pet->since_ms >= PET_TIMEOUT_MS_MAX) { /* it should have been reset by now */
        pet->device.armed = false;
        starve(pet, now_ms, actions);
    }
}

static void tick(struct pet *pet, uint64_t now_ms, struct pet_actions *actions)
{
    static void (*const ticks[PET_STAGE_COUNT])(struct pet *, uint64_t, struct pet_actions *) = {
        [PET_WATCHING] = tick_watching, [PET_RESTARTING] = tick_restarting,
        [PET_YIELDING] = tick_yielding, [PET_NOTING] = tick_noting,
        [PET_STARVING] = tick_starving, [PET_ENDURING] = tick_enduring,
    };

    judge_address(pet, now_ms);
    for (enum pet_part part = 0; part < PET_PART_COUNT; part++) {
        uint32_t age_ms = pet_age_ms(pet, part, now_ms);

        if (pet->parts[part].seen && age_ms > pet->parts[part].worst_ms) {
            pet->parts[part].worst_ms = age_ms;
        }
    }
    CHECK(ticks[pet->stage] != NULL); /* pet_table.c: who left hears no tick */
    ticks[pet->stage](pet, now_ms, actions);
}

/* ---- interface ---------------------------------------------------------------------------------- */

void pet_start(struct pet *pet, uint64_t now_ms, uint32_t resets_recent,
               uint64_t oldest_reset_age_ms)
{
    *pet = (struct pet){.stage = PET_WATCHING,
                        .part = PET_PART_COUNT,
                        .since_ms = now_ms,
                        .resets_recent = resets_recent};
    if (oldest_reset_age_ms < PET_RESETS_MS) {
        pet->resets_left_ms = now_ms + (PET_RESETS_MS - oldest_reset_age_ms);
    }
    for (enum pet_part part = 0; part < PET_PART_COUNT; part++) {
        pet->parts[part].fresh_ms = now_ms;
        await_first(pet, part, now_ms + PET_BOOT_MS_MAX);
    }
}

void pet_step(struct pet *pet, const struct pet_event *event, struct pet_actions *ret_actions)
{
    uint64_t now_ms = event->now_ms;

    ret_actions->count = 0;
    if (pet_cell(pet->stage, event->kind) == PET_IGNORED) {
        return;
    }
    switch (event->kind) {
    case PET_TICK:
        tick(pet, now_ms, ret_actions);
        return;
    case PET_TOBAND_SAID:
        take_toband(pet, &event->toband, now_ms);
        judge_address(pet, now_ms);
        return;
    case PET_NET_SAID:
        take_net(pet, &event->net, now_ms);
        judge_address(pet, now_ms);
        return;
    case PET_INIT_SAID:
        progressed(pet, PET_INIT, now_ms);
        return;
    case PET_ENDED:
        CHECK(event->ended < PET_PROCESS_COUNT);
        take_ended(pet, event->ended, now_ms);
        return;
    case PET_DEVICE:
        pet->device = event->device;
        pet->fed_ms = 0;
        return;
    case PET_NOTED:
        starve(pet, now_ms, ret_actions);
        return;
    case PET_SHUTDOWN:
    case PET_EVENT_COUNT:
        CHECK(event->kind == PET_SHUTDOWN);
        enter(pet, PET_LEAVING, now_ms);
        act(ret_actions, (struct pet_action){.kind = PET_LEAVE});
    }
}

void pet_forget_worst(struct pet *pet)
{
    for (enum pet_part part = 0; part < PET_PART_COUNT; part++) {
        pet->parts[part].worst_ms = 0;
    }
}

void pet_tell(const struct pet *pet, struct pet_facts *ret_facts)
{
    *ret_facts = (struct pet_facts){.device = pet->device,
                                    .stage = pet->stage,
                                    .reset_part = PET_PART_COUNT,
                                    .resets_recent = pet->resets_recent,
                                    .tightest_ms = UINT32_MAX};
    for (enum pet_part part = 0; part < PET_PART_COUNT; part++) {
        uint32_t limit_ms = pet_limit_ms(part), worst_ms = pet->parts[part].worst_ms;
        uint32_t left_ms = worst_ms < limit_ms ? limit_ms - worst_ms : 0;

        if (left_ms < ret_facts->tightest_ms) {
            ret_facts->tightest_part = part;
            ret_facts->tightest_ms = left_ms;
        }
    }
}

bool pet_is_verified(const struct pet_device *device)
{
    return device->armed && device->hardware && device->stays_armed &&
           device->timeout_ms >= PET_TIMEOUT_MS_MIN && device->timeout_ms <= PET_TIMEOUT_MS_MAX;
}

uint32_t pet_reset_ms_max(enum pet_part part, const struct pet_device *device)
{
    uint32_t steps_ms = part == PET_INIT ? 0 : PET_RESTART_MS_MAX + PET_YIELD_MS_MAX;

    return pet_limit_ms(part) + steps_ms + PET_NOTE_MS_MAX + 4 * PET_TICK_MS +
           (device->armed ? device->timeout_ms : 0);
}
