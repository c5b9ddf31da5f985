/*
 * One duty and a peer played by the test. Time passes by run_ms(): deadlines come when duty wants them
 * and, while `talks`, the peer says its word every 30 ms. What duty did since the last clear() is in
 * `did`, a bit for each kind of action.
 */
#ifndef TESTS_UNIT_DUTY_FIXTURE_H
#define TESTS_UNIT_DUTY_FIXTURE_H

#include "cluster/duty/duty.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { LOW = 1, HIGH = 2, PEER_PROCESS = 77, START_MS = 1000 };

struct bench {
    struct duty duty;
    struct duty_word peer; /* what the peer says; heard_* are filled in when it is said */
    bool talks;            /* says its word every DUTY_WORD_INTERVAL_MS */
    bool hears_us;         /* its word names our present contact */
    uint64_t now_ms, next_word_ms;
    uint32_t did;
    uint32_t mint_count, session_count, probe_count;
    enum duty_serve served; /* by the newest SERVE */
    bool holding;
    struct duty_term minted;
};

static inline uint32_t bit(enum duty_action_kind kind)
{
    return 1U << kind;
}

static inline bool did(const struct bench *bench, enum duty_action_kind kind)
{
    return (bench->did & bit(kind)) != 0;
}

static inline void clear(struct bench *bench)
{
    bench->did = 0;
    bench->mint_count = bench->session_count = bench->probe_count = 0;
}

static inline void note_actions(struct bench *bench, const struct duty_actions *actions)
{
    for (size_t i = 0; i < actions->count; i++) {
        const struct duty_action *action = &actions->list[i];

        bench->did |= bit(action->kind);
        bench->probe_count += action->kind == DUTY_PROBE_ADDRESS;
        bench->session_count += action->kind == DUTY_BEGIN_SESSION;
        if (action->kind == DUTY_MINT) {
            bench->minted = action->term;
            bench->mint_count++;
        } else if (action->kind == DUTY_SERVE) {
            bench->served = action->serve;
            bench->holding = false;
        } else if (action->kind == DUTY_HOLD) {
            bench->holding = true;
        }
    }
}

static inline void tell(struct bench *bench, struct duty_event event)
{
    struct duty_actions actions;

    event.now_ms = bench->now_ms;
    duty_step(&bench->duty, &event, &actions);
    note_actions(bench, &actions);
}

static inline void tell_kind(struct bench *bench, enum duty_event_kind kind)
{
    struct duty_event event;

    memset(&event, 0, sizeof(event));
    event.kind = kind;
    tell(bench, event);
}

static inline void tell_level(struct bench *bench, enum duty_event_kind kind, bool level)
{
    tell(bench, (struct duty_event){.kind = kind, .level = level});
}

static inline void tell_reason(struct bench *bench, enum duty_event_kind kind, enum duty_reason reason)
{
    tell(bench, (struct duty_event){.kind = kind, .reason = reason});
}

static inline void tell_probe(struct bench *bench, enum duty_probe probe)
{
    tell(bench, (struct duty_event){.kind = DUTY_ADDRESS_PROBED, .probe = probe});
}

static inline void tell_process(struct bench *bench, enum duty_peer_process process)
{
    tell(bench, (struct duty_event){.kind = DUTY_PEER_PROCESS, .peer_process = process});
}

static inline void tell_contest(struct bench *bench, bool by_peer)
{
    tell(bench, (struct duty_event){.kind = DUTY_ADDRESS_CONTESTED, .by_peer = by_peer});
}

static inline void order(struct bench *bench, enum duty_operator what)
{
    tell(bench, (struct duty_event){.kind = DUTY_OPERATOR, .operator_order = what});
}

/* The peer's word arrives now. */
static inline void hear(struct bench *bench)
{
    struct duty_event event = {.kind = DUTY_WORD};

    if (bench->hears_us) {
        bench->peer.heard_process = bench->duty.word.process;
        bench->peer.heard_contact = bench->duty.word.contact;
    }
    bench->peer.sequence++;
    event.word = bench->peer;
    tell(bench, event);
}

static inline void run_ms(struct bench *bench, uint64_t ms)
{
    uint64_t end_ms = bench->now_ms + ms;

    if (bench->next_word_ms < bench->now_ms) {
        bench->next_word_ms = bench->now_ms;
    }
    for (;;) {
        uint64_t word_ms = bench->talks ? bench->next_word_ms : UINT64_MAX;
        uint64_t next_ms = bench->duty.deadline_ms < word_ms ? bench->duty.deadline_ms : word_ms;

        if (next_ms > end_ms) {
            break;
        }
        bench->now_ms = next_ms;
        if (next_ms == word_ms) {
            bench->next_word_ms = next_ms + DUTY_WORD_INTERVAL_MS;
            hear(bench);
        } else {
            tell_kind(bench, DUTY_TIMEOUT);
        }
    }
    bench->now_ms = end_ms;
}

static inline struct duty_unit_name name_of(uint32_t unit)
{
    struct duty_unit_name name = {.unit = unit};

    name.hardware.bytes[0] = (uint8_t)(unit * 16);
    return name;
}

static inline struct duty_term term_of(uint64_t number, uint32_t duty_unit)
{
    return (struct duty_term){.number = number,
                              .duty_unit = duty_unit,
                              .units = {name_of(1), name_of(2)},
                              .reserved_ids = {3, 3 + DUTY_RESERVE_IDS}};
}

/* Unit `unit` of the pair 1, 2. Started with a ledger whose common term is `term` (0: none yet), needed,
 * with a working service link; its peer is silent. */
static inline void start_unit(struct bench *bench, uint32_t unit, uint64_t term)
{
    struct duty_options options = {.unit = unit, .hardware = name_of(unit).hardware, .peer_unit = 3 - unit};
    struct duty_event event = {.kind = DUTY_STARTED};

    memset(bench, 0, sizeof(*bench));
    bench->now_ms = START_MS;
    bench->hears_us = true;
    bench->peer = (struct duty_word){.place = 3 - unit,
                                     .unit = 3 - unit,
                                     .hardware = name_of(3 - unit).hardware,
                                     .process = PEER_PROCESS,
                                     .contact = 1,
                                     .state = DUTY_WAITING,
                                     .service_link = true,
                                     .service_link_ms = 60000,
                                     .term = term,
                                     .term_duty_unit = term == 0 ? 0 : 1,
                                     .highest_term = term,
                                     .common_term = term,
                                     .common_duty_unit = term == 0 ? 0 : 1,
                                     .last_lsn = 100};
    duty_init(&bench->duty, &options);
    event.started.process = 11;
    if (term != 0) {
        event.started.term = term_of(term, 1);
        event.started.highest_term = event.started.common_term = term;
        event.started.common_duty_unit = 1;
    }
    tell(bench, event);
    tell_level(bench, DUTY_SERVICE_LINK, true);
    tell_level(bench, DUTY_NEEDED, true);
    tell(bench, (struct duty_event){.kind = DUTY_LEDGER, .ledger = {.last_lsn = 100}});
}

static inline void session_is_stored(struct bench *bench, uint32_t number)
{
    tell(bench, (struct duty_event){.kind = DUTY_SESSION_STORED,
                                    .series = {bench->duty.options.unit, number}});
}

/* The lone boot, as short as the rules allow it: serves by letter, the peer was never heard. */
static inline void serve_alone(struct bench *bench, uint32_t unit, uint64_t term)
{
    start_unit(bench, unit, term);
    run_ms(bench, DUTY_LONE_BOOT_MS);
    tell_probe(bench, DUTY_PROBE_SILENT);
    assert_int_equal(bench->duty.state, DUTY_TAKING);
    session_is_stored(bench, 1);
    assert_int_equal(bench->duty.state, DUTY_ALONE);
    clear(bench);
}

/* The peer takes `source` for the meeting's source, and we hear it. */
static inline void peer_meets(struct bench *bench, uint32_t source)
{
    bench->peer.source = source;
    bench->peer.state = source == bench->peer.unit ? DUTY_MEETING_SOURCE : DUTY_MEETING_OTHER;
    bench->talks = true;
    hear(bench);
    hear(bench); /* the first makes the contact known to both, the second is heard in the meeting */
}

static inline void confirm(struct bench *bench, struct duty_term term)
{
    tell(bench, (struct duty_event){.kind = DUTY_TERM_CONFIRMED, .term = term});
}

static inline void obey(struct bench *bench, struct duty_term term)
{
    tell(bench, (struct duty_event){.kind = DUTY_TERM_OBEYED, .term = term});
}

/* From WAITING or ALONE: we are the source, the other yields and follows, the mint is asked for. */
static inline void meet_until_mint(struct bench *bench)
{
    peer_meets(bench, bench->duty.options.unit);
    bench->peer.tail_closed = true;
    hear(bench);
    assert_true(did(bench, DUTY_MEET_AS_SOURCE));
    tell_kind(bench, DUTY_MEETING_READY);
}

static inline void peer_is(struct bench *bench, enum duty_state state, enum duty_serve serve, uint64_t term,
                           uint32_t duty_unit)
{
    bench->peer.state = (uint8_t)state;
    bench->peer.serve = (uint8_t)serve;
    bench->peer.source = 0;
    bench->peer.tail_closed = false;
    bench->peer.term = bench->peer.highest_term = bench->peer.common_term = term;
    bench->peer.term_duty_unit = bench->peer.common_duty_unit = duty_unit;
}

/* Paired in term 6, on duty. */
static inline void be_on_duty(struct bench *bench)
{
    start_unit(bench, LOW, 5);
    meet_until_mint(bench);
    assert_int_equal(bench->duty.state, DUTY_MINTING);
    confirm(bench, bench->minted);
    assert_int_equal(bench->duty.state, DUTY_PAIRED_DUTY);
    peer_is(bench, DUTY_PAIRED_SPARE, DUTY_SERVE_NOT, 6, LOW);
    hear(bench);
    clear(bench);
}

/* Paired in term 6, spare; the peer, unit 1, is on duty. */
static inline void be_spare(struct bench *bench)
{
    start_unit(bench, HIGH, 5);
    bench->peer.serve = DUTY_SERVE_LETTER;
    peer_meets(bench, LOW);
    assert_int_equal(bench->duty.state, DUTY_MEETING_OTHER);
    tell_kind(bench, DUTY_TAIL_CLOSED);
    obey(bench, term_of(6, LOW));
    assert_int_equal(bench->duty.state, DUTY_PAIRED_SPARE);
    peer_is(bench, DUTY_PAIRED_DUTY, DUTY_SERVE_PLAIN, 6, LOW);
    hear(bench);
    clear(bench);
}

#endif
