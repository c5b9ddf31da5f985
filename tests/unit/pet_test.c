/* watchdog/pet: may the hardware watchdog be fed? Timed transcripts of one unit, its parts failing one by one. */
#include "watchdog/pet/pet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BEGIN_MS = 1000, LONG_MS = 120000 };

/* A unit around the pet: what works proves itself every tick, and what is restarted works again if it can. */
struct bench {
    struct pet pet;
    uint64_t now_ms, turns, fed_ms, starved_ms;
    bool broken[PET_PART_COUNT]; /* makes no progress */
    bool mends;                  /* a restart mends it */
    bool forgets;                /* the note is never durable */
    bool held, wanted;
    bool ended_toband;
    unsigned feeds, restarts, notes, reboots, leaves;
    enum pet_process restarted;
    enum pet_part noted;
};

static const struct pet_device good_device = {
    .armed = true, .hardware = true, .stays_armed = true, .timeout_ms = PET_TIMEOUT_MS};

static void step(struct bench *bench, struct pet_event event)
{
    struct pet_actions actions;

    event.now_ms = bench->now_ms;
    pet_step(&bench->pet, &event, &actions);
    for (size_t i = 0; i < actions.count; i++) {
        const struct pet_action *action = &actions.list[i];

        switch (action->kind) {
        case PET_FEED:
            assert_int_not_equal(bench->pet.stage, PET_STARVING);
            bench->feeds++;
            bench->fed_ms = bench->now_ms;
            break;
        case PET_RESTART:
            bench->restarts++;
            bench->restarted = action->process;
            bench->ended_toband = bench->ended_toband || action->process == PET_TOBAND;
            break;
        case PET_NOTE:
            bench->notes++;
            bench->noted = action->part;
            break;
        case PET_REBOOT:
            bench->reboots++;
            break;
        case PET_LEAVE:
            bench->leaves++;
            break;
        }
    }
    if (bench->pet.stage == PET_STARVING && bench->starved_ms == 0) {
        bench->starved_ms = bench->now_ms;
    }
}

static void end(struct bench *bench, enum pet_process process)
{
    step(bench, (struct pet_event){.kind = PET_ENDED, .ended = process});
}

static void prove(struct bench *bench)
{
    uint32_t since_ms = (uint32_t)(bench->now_ms - BEGIN_MS);

    bench->turns++;
    if (!bench->broken[PET_INIT]) {
        step(bench, (struct pet_event){.kind = PET_INIT_SAID});
    }
    step(bench, (struct pet_event){.kind = PET_NET_SAID,
                                   .net = {.turns = bench->broken[PET_NET] ? 1 : bench->turns,
                                           .address_held = bench->held}});
    step(bench, (struct pet_event){
                    .kind = PET_TOBAND_SAID,
                    .toband = {.turns = bench->broken[PET_LOOP] ? 1 : bench->turns,
                               .store_age_ms = bench->broken[PET_STORE] ? since_ms : 0,
                               .corosync_age_ms = bench->broken[PET_COROSYNC] ? since_ms : 0,
                               .corosync_expected = true,
                               .address_wanted = bench->wanted}});
}

static void run_ms(struct bench *bench, uint64_t ms)
{
    for (uint64_t end_ms = bench->now_ms + ms; bench->now_ms < end_ms;) {
        unsigned restarts = bench->restarts, notes = bench->notes;

        bench->now_ms += PET_TICK_MS;
        prove(bench);
        step(bench, (struct pet_event){.kind = PET_TICK});
        if (bench->restarts > restarts && bench->mends) {
            memset(bench->broken, 0, sizeof(bench->broken));
            bench->held = bench->wanted;
            end(bench, bench->restarted);
        }
        if (bench->notes > notes && !bench->forgets) {
            step(bench, (struct pet_event){.kind = PET_NOTED});
        }
    }
}

static void start(struct bench *bench)
{
    *bench = (struct bench){.now_ms = BEGIN_MS, .wanted = true, .held = true};
    pet_start(&bench->pet, bench->now_ms, 0, PET_RESETS_MS);
    step(bench, (struct pet_event){.kind = PET_DEVICE, .device = good_device});
    prove(bench);
}

static void breaks(struct bench *bench, enum pet_part part)
{
    bench->broken[part] = true;
    if (part == PET_ADDRESS) {
        bench->wanted = false; /* and toban-net goes on holding it */
    }
}

static void a_healthy_unit_is_fed_each_second_and_nothing_else_happens(void **state)
{
    struct bench bench;

    (void)state;
    start(&bench);
    run_ms(&bench, LONG_MS);
    assert_int_equal(bench.pet.stage, PET_WATCHING);
    assert_int_equal(bench.feeds, LONG_MS / PET_FEED_MS);
    assert_int_equal(bench.restarts + bench.notes + bench.reboots + bench.leaves, 0);
    for (enum pet_part part = 0; part < PET_PART_COUNT; part++) {
        assert_in_range(bench.pet.parts[part].worst_ms, 0, PET_TICK_MS);
    }
}

static void a_part_that_a_restart_mends_costs_one_restart(void **state)
{
    (void)state;
    for (enum pet_part part = 0; part < PET_INIT; part++) {
        struct bench bench;

        start(&bench);
        bench.mends = true;
        breaks(&bench, part);
        run_ms(&bench, LONG_MS);
        assert_int_equal(bench.pet.stage, PET_WATCHING);
        assert_int_equal(bench.restarts, 1);
        assert_int_equal(bench.restarted, pet_process_of(part));
        assert_int_equal(bench.notes, 0);
        assert_in_range(bench.pet.parts[part].worst_ms, pet_limit_ms(part) + 1,
                        pet_limit_ms(part) + 2 * PET_TICK_MS);
        assert_in_range(bench.now_ms - bench.fed_ms, 0, PET_FEED_MS);
        pet_forget_worst(&bench.pet);
        assert_int_equal(bench.pet.parts[part].worst_ms, 0);
    }
}

static void what_nothing_mends_ends_in_a_reset_within_its_bound(void **state)
{
    (void)state;
    for (enum pet_part part = 0; part < PET_PART_COUNT; part++) {
        for (unsigned forgets = 0; forgets < 2; forgets++) {
            struct bench bench;
            uint32_t bound_ms = pet_reset_ms_max(part, &good_device);

            start(&bench);
            bench.forgets = forgets != 0;
            breaks(&bench, part);
            run_ms(&bench, LONG_MS);
            assert_int_equal(bench.pet.stage, PET_STARVING);
            assert_int_equal(bench.notes, 1);
            assert_int_equal(bench.noted, part);
            assert_int_equal(bench.restarts, part == PET_INIT                     ? 0
                                             : pet_process_of(part) == PET_TOBAND ? 2
                                                                                  : 3);
            assert_int_equal(bench.ended_toband, part != PET_INIT); /* the address went down */
            assert_in_range(bench.fed_ms + PET_TIMEOUT_MS, BEGIN_MS + pet_limit_ms(part),
                            BEGIN_MS + bound_ms);
            /* The device that should have reset it did not: the kernel is asked, again and again. */
            assert_in_range(bench.reboots, 1, LONG_MS / PET_TIMEOUT_MS_MAX);
        }
    }
}

static void without_a_device_the_kernel_is_asked_at_once(void **state)
{
    static const struct pet_device none = {0};
    struct bench bench;

    (void)state;
    start(&bench);
    step(&bench, (struct pet_event){.kind = PET_DEVICE, .device = none});
    breaks(&bench, PET_LOOP);
    run_ms(&bench, pet_reset_ms_max(PET_LOOP, &none));
    assert_int_equal(bench.feeds, 0);
    assert_int_equal(bench.reboots, 1);
}

static void the_first_process_that_dies_cuts_every_waiting_short(void **state)
{
    static const enum pet_stage stages[] = {PET_RESTARTING, PET_YIELDING, PET_ENDURING};

    (void)state;
    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
        struct bench bench;

        start(&bench);
        if (stages[i] == PET_ENDURING) {
            pet_start(&bench.pet, bench.now_ms, PET_RESETS_MAX, 0);
            step(&bench, (struct pet_event){.kind = PET_DEVICE, .device = good_device});
            prove(&bench);
        }
        breaks(&bench, PET_LOOP);
        while (bench.pet.stage != stages[i]) {
            run_ms(&bench, PET_TICK_MS);
        }
        bench.pet.parts[PET_INIT].fresh_ms = bench.now_ms - PET_INIT_MS_MAX;
        bench.broken[PET_INIT] = true;
        run_ms(&bench, 2 * PET_TICK_MS);
        assert_int_equal(bench.noted, PET_INIT);
        assert_int_equal(bench.pet.stage, PET_STARVING);
    }
}

static void a_unit_that_was_reset_three_times_within_the_hour_is_left_on(void **state)
{
    const uint64_t age_ms = PET_RESETS_MS - 200000;
    struct bench bench;

    (void)state;
    start(&bench);
    pet_start(&bench.pet, bench.now_ms, PET_RESETS_MAX, age_ms);
    step(&bench, (struct pet_event){.kind = PET_DEVICE, .device = good_device});
    prove(&bench);
    breaks(&bench, PET_STORE);
    run_ms(&bench, 190000);
    assert_int_equal(bench.pet.stage, PET_ENDURING);
    assert_in_range(bench.restarts, 5, 6); /* RESTARTING, YIELDING, ENDURING, then one a minute */
    assert_in_range(bench.now_ms - bench.fed_ms, 0, PET_FEED_MS);
    run_ms(&bench, 20000);
    assert_int_equal(bench.pet.stage, PET_STARVING);
}

static void what_recovers_late_is_watched_again(void **state)
{
    static const enum pet_stage stages[] = {PET_YIELDING, PET_ENDURING};

    (void)state;
    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
        struct bench bench;

        start(&bench);
        pet_start(&bench.pet, bench.now_ms, stages[i] == PET_ENDURING ? PET_RESETS_MAX : 0, 0);
        step(&bench, (struct pet_event){.kind = PET_DEVICE, .device = good_device});
        prove(&bench);
        breaks(&bench, PET_NET);
        while (bench.pet.stage != stages[i]) {
            run_ms(&bench, PET_TICK_MS);
        }
        bench.broken[PET_NET] = false;
        run_ms(&bench, PET_TICK_MS);
        assert_int_equal(bench.pet.stage, PET_WATCHING);
        assert_int_equal(bench.pet.part, PET_PART_COUNT);
        assert_int_equal(bench.notes, 0);
    }
}

static void a_unit_gets_its_time_to_start_and_no_more(void **state)
{
    struct bench bench = {.now_ms = BEGIN_MS};

    (void)state;
    pet_start(&bench.pet, bench.now_ms, 0, PET_RESETS_MS);
    step(&bench, (struct pet_event){.kind = PET_DEVICE, .device = good_device});
    for (uint64_t ms = 0; ms < PET_BOOT_MS_MAX - PET_TICK_MS; ms += PET_TICK_MS) {
        bench.now_ms += PET_TICK_MS;
        end(&bench, PET_TOBAND); /* it starts and ends without a word: no time is added */
        step(&bench, (struct pet_event){.kind = PET_TICK});
        assert_int_equal(bench.pet.stage, PET_WATCHING);
    }
    bench.now_ms += PET_TICK_MS;
    step(&bench, (struct pet_event){.kind = PET_TICK});
    assert_int_equal(bench.pet.stage, PET_NOTING);
    assert_int_equal(bench.noted, PET_INIT);
}

static void a_program_that_ends_again_and_again_is_not_waited_for(void **state)
{
    static const enum pet_process processes[] = {PET_TOBAND, PET_TOBAN_NET};

    (void)state;
    for (size_t i = 0; i < sizeof(processes) / sizeof(processes[0]); i++) {
        struct bench bench;
        enum pet_part part = processes[i] == PET_TOBAND ? PET_LOOP : PET_NET;

        start(&bench);
        for (unsigned times = 1; times < PET_STORM_COUNT; times++) {
            end(&bench, processes[i]);
            assert_false(bench.pet.parts[part].seen);
            run_ms(&bench, PET_TICK_MS);
            assert_int_equal(bench.pet.stage, PET_WATCHING);
        }
        end(&bench, processes[i]);
        step(&bench, (struct pet_event){.kind = PET_TICK});
        assert_int_equal(bench.pet.stage, PET_YIELDING);
        assert_int_equal(bench.pet.part, part);
        assert_int_equal(bench.restarts,
                         processes[i] == PET_TOBAND ? 1 : 2); /* those of YIELDING */
    }
}

static void what_others_end_is_no_matter_of_the_pet(void **state)
{
    struct bench bench;
    struct pet before;

    (void)state;
    start(&bench);
    before = bench.pet;
    end(&bench, PET_COROSYNC_PROCESS);
    end(&bench, PET_PID1);
    assert_memory_equal(&before, &bench.pet, sizeof(before));
}

static void a_spare_without_corosync_and_address_is_well(void **state)
{
    struct bench bench;

    (void)state;
    start(&bench);
    bench.held = bench.wanted = false;
    for (unsigned i = 0; i < LONG_MS / PET_TICK_MS; i++) {
        bench.now_ms += PET_TICK_MS;
        bench.turns++;
        step(&bench, (struct pet_event){.kind = PET_INIT_SAID});
        step(&bench, (struct pet_event){.kind = PET_NET_SAID, .net = {.turns = bench.turns}});
        step(&bench,
             (struct pet_event){.kind = PET_TOBAND_SAID,
                                .toband = {.turns = bench.turns, .corosync_age_ms = UINT32_MAX}});
        step(&bench, (struct pet_event){.kind = PET_TICK});
    }
    assert_int_equal(bench.pet.stage, PET_WATCHING);
    assert_int_equal(bench.restarts, 0);
}

/* toband speaks before corosync has answered it for the first time: that is awaited, not too old. Found by reading: each
 * start of toband would have had corosync ended, and a slow one the machine reset. */
static void corosync_that_has_not_answered_yet_is_awaited(void **state)
{
    struct bench bench = {.now_ms = BEGIN_MS};
    struct pet_event proof = {.kind = PET_TOBAND_SAID,
                              .toband = {.corosync_age_ms = PET_NEVER, .corosync_expected = true}};

    (void)state;
    pet_start(&bench.pet, bench.now_ms, 0, PET_RESETS_MS);
    step(&bench, (struct pet_event){.kind = PET_DEVICE, .device = good_device});
    while (bench.now_ms < BEGIN_MS + PET_BOOT_MS_MAX) {
        assert_int_equal(bench.restarts, 0);
        bench.now_ms += PET_TICK_MS;
        proof.toband.turns++;
        step(&bench, (struct pet_event){.kind = PET_INIT_SAID});
        step(&bench,
             (struct pet_event){.kind = PET_NET_SAID, .net = {.turns = proof.toband.turns}});
        step(&bench, proof);
        step(&bench, (struct pet_event){.kind = PET_TICK});
    }
    assert_int_equal(bench.restarts, 1);
    assert_int_equal(bench.restarted, PET_COROSYNC_PROCESS);
    proof.toband.corosync_age_ms = 5;
    proof.toband.turns++;
    step(&bench, proof);
    step(&bench, (struct pet_event){.kind = PET_TICK});
    assert_int_equal(bench.pet.stage, PET_WATCHING);
}

static void the_address_may_be_let_go_a_little_late(void **state)
{
    struct bench bench;

    (void)state;
    start(&bench);
    bench.wanted = false;
    run_ms(&bench, PET_ADDRESS_MS_MAX - PET_TICK_MS);
    bench.held = false;
    run_ms(&bench, LONG_MS);
    assert_int_equal(bench.restarts, 0);
    assert_int_equal(bench.pet.stage, PET_WATCHING);
}

static void an_announced_shutdown_leaves_the_device_armed_and_bounded(void **state)
{
    struct bench bench;
    unsigned feeds;

    (void)state;
    start(&bench);
    run_ms(&bench, LONG_MS);
    step(&bench, (struct pet_event){.kind = PET_SHUTDOWN});
    assert_int_equal(bench.leaves, 1);
    feeds = bench.feeds;
    breaks(&bench, PET_LOOP);
    run_ms(&bench, LONG_MS);
    assert_int_equal(bench.feeds, feeds);
    assert_int_equal(bench.restarts + bench.notes + bench.reboots, 0);
}

static void every_stage_does_with_every_event_what_the_table_says(void **state)
{
    (void)state;
    for (enum pet_stage stage = 0; stage < PET_STAGE_COUNT; stage++) {
        for (enum pet_event_kind kind = 0; kind < PET_EVENT_COUNT; kind++) {
            struct pet_event event = {.kind = kind, .now_ms = BEGIN_MS + PET_TIMEOUT_MS_MAX};
            struct pet_actions actions;
            struct pet pet, before;

            pet_start(&pet, BEGIN_MS, 0, PET_RESETS_MS);
            pet.stage = stage;
            pet.part = PET_LOOP;
            if (kind == PET_DEVICE) {
                event.device = good_device;
            }
            before = pet;
            pet_step(&pet, &event, &actions);
            if (pet_cell(stage, kind) == PET_IGNORED) {
                assert_memory_equal(&before, &pet, sizeof(pet));
                assert_int_equal(actions.count, 0);
            } else if (kind != PET_ENDED) { /* nothing had been seen of it */
                assert_true(actions.count > 0 || memcmp(&before, &pet, sizeof(pet)) != 0);
            }
        }
    }
}

/* Whatever happens in whatever order: whoever makes no progress for longer than its bound is not fed any more. */
static void however_it_fails_nothing_wedged_is_fed_beyond_its_bound(void **state)
{
    uint64_t draw = 1;

    (void)state;
    for (unsigned run = 0; run < 200; run++) {
        struct bench bench;
        uint64_t bad_ms = 0;

        start(&bench);
        for (unsigned i = 0; i < 2000 && bench.pet.stage != PET_STARVING; i++) {
            draw = draw * 6364136223846793005ULL + 1442695040888963407ULL;
            if (draw >> 57 == 0) {
                bench.broken[PET_LOOP] = !bench.broken[PET_LOOP];
            }
            if ((draw >> 40 & 127) == 1) {
                end(&bench, PET_TOBAN_NET);
            }
            if ((draw >> 30 & 255) == 1) {
                bench.wanted = !bench.wanted;
            }
            bench.held = bench.wanted;
            run_ms(&bench, PET_TICK_MS);
            bad_ms = bench.broken[PET_LOOP] ? (bad_ms == 0 ? bench.now_ms : bad_ms) : 0;
            if (bad_ms != 0 &&
                bench.now_ms - bad_ms > pet_reset_ms_max(PET_LOOP, &good_device) - PET_TIMEOUT_MS) {
                assert_int_equal(bench.pet.stage, PET_STARVING);
            }
        }
    }
}

static void only_hardware_that_stays_armed_with_a_right_timeout_is_verified(void **state)
{
    struct pet_device device = good_device;

    (void)state;
    assert_true(pet_is_verified(&device));
    device.hardware = false;
    assert_false(pet_is_verified(&device));
    device = good_device;
    device.stays_armed = false;
    assert_false(pet_is_verified(&device));
    device = good_device;
    device.armed = false;
    assert_false(pet_is_verified(&device));
    device = good_device;
    device.timeout_ms = PET_TIMEOUT_MS_MAX + 1;
    assert_false(pet_is_verified(&device));
    device.timeout_ms = PET_TIMEOUT_MS_MIN - 1;
    assert_false(pet_is_verified(&device));
}

static void an_age_beyond_what_fits_is_the_highest(void **state)
{
    struct pet pet;

    (void)state;
    pet_start(&pet, BEGIN_MS, 0, PET_RESETS_MS);
    assert_int_equal(pet_age_ms(&pet, PET_LOOP, BEGIN_MS + 5), 5);
    assert_int_equal(pet_age_ms(&pet, PET_LOOP, BEGIN_MS + (UINT64_C(1) << 40)), UINT32_MAX);
}

static void every_proof_comes_back_whole_and_never_in_part(void **state)
{
    const struct pet_toband toband = {.turns = UINT64_MAX - 1,
                                      .store_age_ms = 7,
                                      .corosync_age_ms = UINT32_MAX,
                                      .corosync_expected = true,
                                      .address_wanted = true};
    const struct pet_net net = {.turns = 3, .address_held = true};
    uint8_t bytes[PET_PROOF_BYTES_MAX], part[PET_PROOF_BYTES_MAX];
    struct pet_toband toband_back;
    struct pet_net net_back;
    size_t len_bytes = pet_encode_toband(&toband, bytes, sizeof(bytes));

    (void)state;
    assert_true(pet_decode_toband(bytes, len_bytes, &toband_back));
    assert_true(toband_back.turns == toband.turns && toband_back.store_age_ms == 7 &&
                toband_back.corosync_age_ms == UINT32_MAX && toband_back.corosync_expected &&
                toband_back.address_wanted);
    for (size_t shorter = 0; shorter < len_bytes; shorter++) {
        assert_false(pet_decode_toband(bytes, shorter, &toband_back));
        assert_int_equal(pet_encode_toband(&toband, part, shorter), 0);
    }
    len_bytes = pet_encode_toband(&toband, bytes, sizeof(bytes));
    bytes[len_bytes] = 0;
    assert_false(pet_decode_toband(bytes, len_bytes + 1, &toband_back));
    assert_false(pet_decode_net(bytes, len_bytes, &net_back));
    bytes[len_bytes - 1] = 4;
    assert_false(pet_decode_toband(bytes, len_bytes, &toband_back));

    len_bytes = pet_encode_net(&net, bytes, sizeof(bytes));
    assert_true(pet_decode_net(bytes, len_bytes, &net_back));
    assert_true(net_back.turns == 3 && net_back.address_held);
    assert_false(pet_decode_toband(bytes, len_bytes, &toband_back));
    for (size_t shorter = 0; shorter < len_bytes; shorter++) {
        assert_false(pet_decode_net(bytes, shorter, &net_back));
        assert_int_equal(pet_encode_net(&net, part, shorter), 0);
    }
    bytes[0] = PET_SENDER_NET;
    len_bytes = pet_encode_net(&net, bytes, sizeof(bytes));
    bytes[len_bytes - 1] = 2;
    assert_false(pet_decode_net(bytes, len_bytes, &net_back));
}

static void what_is_told_names_the_nearest_miss_and_comes_back_whole(void **state)
{
    uint8_t bytes[PET_PROOF_BYTES_MAX], part[PET_PROOF_BYTES_MAX];
    struct pet_facts facts, back;
    struct bench bench;
    size_t len_bytes;

    (void)state;
    start(&bench);
    run_ms(&bench, LONG_MS);
    breaks(&bench, PET_NET);
    run_ms(&bench, PET_NET_MS_MAX); /* the first stuck word looks like another one */
    bench.broken[PET_NET] = false;
    run_ms(&bench, LONG_MS);
    pet_tell(&bench.pet, &facts);
    assert_int_equal(facts.tightest_part, PET_NET);
    assert_int_equal(facts.tightest_ms, PET_TICK_MS);
    assert_int_equal(facts.stage, PET_WATCHING);
    assert_int_equal(facts.reset_part, PET_PART_COUNT);
    facts.was_reset = true;
    facts.reset_part = PET_STORE;
    facts.resets_recent = 2;
    len_bytes = pet_encode_facts(&facts, bytes, sizeof(bytes));
    assert_true(pet_decode_facts(bytes, len_bytes, &back));
    assert_true(back.device.armed && back.device.hardware && back.device.stays_armed &&
                back.was_reset);
    assert_int_equal(back.device.timeout_ms, PET_TIMEOUT_MS);
    assert_int_equal(back.reset_part, PET_STORE);
    assert_int_equal(back.resets_recent, 2);
    assert_int_equal(back.tightest_part, PET_NET);
    assert_int_equal(back.tightest_ms, PET_TICK_MS);
    for (size_t shorter = 0; shorter < len_bytes; shorter++) {
        assert_false(pet_decode_facts(bytes, shorter, &back));
        assert_int_equal(pet_encode_facts(&facts, part, shorter), 0);
    }
    facts.reset_part = PET_PART_COUNT + 1;
    len_bytes = pet_encode_facts(&facts, bytes, sizeof(bytes));
    assert_false(pet_decode_facts(bytes, len_bytes, &back));
    bench.broken[PET_NET] = true;
    run_ms(&bench, PET_NET_MS_MAX + PET_TICK_MS);
    pet_tell(&bench.pet, &facts);
    assert_int_equal(facts.tightest_ms, 0);
}

static void everything_has_its_words(void **state)
{
    (void)state;
    for (enum pet_part part = 0; part < PET_PART_COUNT; part++) {
        assert_true(strlen(pet_part_code(part)) > 2 && strlen(pet_part_ja(part)) > 9 &&
                    strlen(pet_part_en(part)) > 9);
    }
    for (enum pet_stage stage = 0; stage < PET_STAGE_COUNT; stage++) {
        assert_true(strlen(pet_stage_code(stage)) >= 6);
    }
    for (enum pet_event_kind kind = 0; kind < PET_EVENT_COUNT; kind++) {
        assert_true(strlen(pet_event_code(kind)) >= 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_healthy_unit_is_fed_each_second_and_nothing_else_happens),
        cmocka_unit_test(a_part_that_a_restart_mends_costs_one_restart),
        cmocka_unit_test(what_nothing_mends_ends_in_a_reset_within_its_bound),
        cmocka_unit_test(without_a_device_the_kernel_is_asked_at_once),
        cmocka_unit_test(the_first_process_that_dies_cuts_every_waiting_short),
        cmocka_unit_test(a_unit_that_was_reset_three_times_within_the_hour_is_left_on),
        cmocka_unit_test(what_recovers_late_is_watched_again),
        cmocka_unit_test(a_unit_gets_its_time_to_start_and_no_more),
        cmocka_unit_test(a_program_that_ends_again_and_again_is_not_waited_for),
        cmocka_unit_test(what_others_end_is_no_matter_of_the_pet),
        cmocka_unit_test(a_spare_without_corosync_and_address_is_well),
        cmocka_unit_test(corosync_that_has_not_answered_yet_is_awaited),
        cmocka_unit_test(the_address_may_be_let_go_a_little_late),
        cmocka_unit_test(an_announced_shutdown_leaves_the_device_armed_and_bounded),
        cmocka_unit_test(every_stage_does_with_every_event_what_the_table_says),
        cmocka_unit_test(however_it_fails_nothing_wedged_is_fed_beyond_its_bound),
        cmocka_unit_test(only_hardware_that_stays_armed_with_a_right_timeout_is_verified),
        cmocka_unit_test(an_age_beyond_what_fits_is_the_highest),
        cmocka_unit_test(every_proof_comes_back_whole_and_never_in_part),
        cmocka_unit_test(what_is_told_names_the_nearest_miss_and_comes_back_whole),
        cmocka_unit_test(everything_has_its_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
