/* What this unit would do if: the rules are asked, not retold. A copy of the state is stepped on, and a world that
 * answers every action at once and well is played around it. */
#include "cluster/duty/duty_internal.h"

#include "base/check.h"

enum {
    ANSWERS_MAX = 8,      /* of one step: more would be a loop, which no rule has */
    LOOK_AHEAD_MS = 5000, /* beyond the waits that are known */
};

struct play {
    struct duty duty;
    struct duty_word peer;
    bool talks;
    bool mirrors; /* the peer follows what we do; else it goes on saying what it said last */
    bool stranger;
    uint64_t now_ms, word_ms;
};

static bool applies(const struct duty *duty, enum duty_if what)
{
    switch (what) {
    case DUTY_IF_TIME_PASSES:
        return !duty->agreed;
    case DUTY_IF_PEER_SILENT:
        return duty->agreed;
    case DUTY_IF_PEER_RETURNS:
        return duty->options.peer_unit != 0 && !duty->agreed;
    case DUTY_IF_LINK_LOST:
        return duty->service_link;
    case DUTY_IF_LINK_BACK:
        return !duty->service_link;
    case DUTY_IF_NEEDED:
        return !duty->needed;
    case DUTY_IF_UNFIT:
        return duty->fit;
    case DUTY_IF_FIT:
        return !duty->fit;
    case DUTY_IF_HANDOVER:
        return duty->state == DUTY_PAIRED_DUTY;
    case DUTY_IF_STOP:
        return !duty->stop_wanted;
    case DUTY_IF_RESUME:
        return duty->stop_wanted;
    case DUTY_IF_COUNT:
        break;
    }
    return false;
}

/* A unit that has just started, with the ledger that the peer had when it was heard last. */
static struct duty_word returning_peer(const struct duty *duty)
{
    struct duty_word peer = duty->peer;

    peer.place = duty->options.peer_place;
    if (peer.unit == 0) {
        bool first = duty->term.units[0].unit == duty->options.peer_unit;

        peer.unit = duty->options.peer_unit;
        peer.hardware = duty->term.units[first ? 0 : 1].hardware;
        peer.term = duty->term.number;
        peer.term_duty_unit = duty->term.duty_unit;
    }
    peer.process++;
    peer.sequence = 0;
    peer.contact = 1;
    peer.leaving = false;
    peer.serve = DUTY_SERVE_NOT;
    peer.state = DUTY_WAITING;
    peer.source = 0;
    peer.tail_closed = false;
    peer.peer_retired = false;
    return peer;
}

static void peer_follows(struct play *play)
{
    struct duty_word *peer = &play->peer;

    peer->heard_process = play->duty.word.process;
    peer->heard_contact = play->duty.word.contact;
    peer->serve = DUTY_SERVE_NOT;
    peer->source = play->duty.word.source;
    peer->tail_closed = false;
    switch (play->duty.state) {
    case DUTY_MEETING_SOURCE:
    case DUTY_MINTING:
        peer->state = DUTY_MEETING_OTHER;
        peer->tail_closed = true;
        break;
    case DUTY_MEETING_OTHER:
        peer->state = DUTY_MEETING_SOURCE;
        break;
    case DUTY_PAIRED_DUTY:
    case DUTY_HANDING_OVER:
        peer->state = DUTY_PAIRED_SPARE;
        break;
    case DUTY_PAIRED_SPARE:
        peer->state = DUTY_PAIRED_DUTY;
        peer->serve = DUTY_SERVE_PLAIN;
        break;
    case DUTY_WAITING:
    case DUTY_TAKING:
    case DUTY_ALONE:
    case DUTY_STOPPED:
    case DUTY_STATE_COUNT:
        peer->state = DUTY_WAITING;
        break;
    }
}

static struct duty_term peers_term(const struct duty *duty)
{
    struct duty_term term = {.number = duty->word.highest_term + 1, .duty_unit = duty->peer.unit};

    term.units[0] = (struct duty_unit_name){duty->options.unit, duty->options.hardware};
    term.units[1] = (struct duty_unit_name){duty->peer.unit, duty->peer.hardware};
    return term;
}

/* The event with which a well world answers an action; false: none. */
static bool answer_to(const struct play *play, const struct duty_action *action,
                      struct duty_event *ret_event)
{
    switch (action->kind) {
    case DUTY_PROBE_ADDRESS:
        *ret_event = (struct duty_event){.kind = DUTY_ADDRESS_PROBED};
        ret_event->probe = play->stranger                                      ? DUTY_PROBE_STRANGER
                           : play->talks && play->peer.serve != DUTY_SERVE_NOT ? DUTY_PROBE_PEER
                                                                               : DUTY_PROBE_SILENT;
        return true;
    case DUTY_BEGIN_SESSION:
        *ret_event = (struct duty_event){.kind = DUTY_SESSION_STORED};
        ret_event->series =
            (struct ids_series){play->duty.options.unit, play->duty.series.session + 1};
        return true;
    case DUTY_MEET_AS_SOURCE:
        *ret_event = (struct duty_event){.kind = DUTY_MEETING_READY};
        return true;
    case DUTY_MEET_AS_OTHER:
        *ret_event = (struct duty_event){.kind = DUTY_TERM_OBEYED};
        ret_event->term = peers_term(&play->duty);
        return true;
    case DUTY_MINT:
        *ret_event = (struct duty_event){.kind = DUTY_TERM_CONFIRMED};
        ret_event->term = action->term;
        return play->talks;
    case DUTY_SEND_WORD:
    case DUTY_TAKE_ADDRESS:
    case DUTY_DROP_ADDRESS:
    case DUTY_SERVE:
    case DUTY_HOLD:
    case DUTY_MEETING_OVER:
    case DUTY_CONTACT:
        break;
    }
    return false;
}

/* One event, and what its actions are answered with. */
static void play_event(struct play *play, struct duty_event event)
{
    struct duty_event next = event;
    bool more = true;

    for (unsigned i = 0; more && i < ANSWERS_MAX; i++) {
        struct duty_actions actions;

        event = next;
        event.now_ms = play->now_ms;
        more = false;
        duty_step(&play->duty, &event, &actions);
        for (unsigned j = 0; j < actions.count && !more; j++) {
            more = answer_to(play, &actions.list[j], &next);
        }
    }
}

static void play_word(struct play *play)
{
    struct duty_event event = {.kind = DUTY_WORD};

    if (play->mirrors) {
        peer_follows(play);
    }
    play->peer.sequence++;
    play->peer.service_link_ms += DUTY_WORD_INTERVAL_MS;
    play->word_ms = play->now_ms + DUTY_WORD_INTERVAL_MS;
    event.word = play->peer;
    play_event(play, event);
}

/* Whom we serve beside, or meet, does what we expect of it; anybody else goes on as he is. */
static bool peer_is_with_us(const struct duty *duty)
{
    return duty->agreed && (duty_is_paired(duty) || duty_is_meeting(duty));
}

static void begin(struct play *play, const struct duty *duty, enum duty_if what)
{
    static const struct duty_event events[DUTY_IF_COUNT] = {
        [DUTY_IF_TIME_PASSES] = {.kind = DUTY_TIMEOUT},
        [DUTY_IF_PEER_SILENT] = {.kind = DUTY_TIMEOUT},
        [DUTY_IF_PEER_RETURNS] = {.kind = DUTY_TIMEOUT},
        [DUTY_IF_LINK_LOST] = {.kind = DUTY_SERVICE_LINK, .level = false},
        [DUTY_IF_LINK_BACK] = {.kind = DUTY_SERVICE_LINK, .level = true},
        [DUTY_IF_NEEDED] = {.kind = DUTY_NEEDED, .level = true},
        [DUTY_IF_UNFIT] = {.kind = DUTY_HEALTH, .health = {.fit = false, .full = true}},
        [DUTY_IF_FIT] = {.kind = DUTY_HEALTH, .health = {.fit = true}},
        [DUTY_IF_HANDOVER] = {.kind = DUTY_OPERATOR, .operator_order = DUTY_OPERATOR_HANDOVER},
        [DUTY_IF_STOP] = {.kind = DUTY_OPERATOR, .operator_order = DUTY_OPERATOR_STOP},
        [DUTY_IF_RESUME] = {.kind = DUTY_OPERATOR, .operator_order = DUTY_OPERATOR_RESUME},
    };

    *play = (struct play){.duty = *duty, .peer = duty->peer, .now_ms = duty->now_ms};
    play->talks = what == DUTY_IF_PEER_RETURNS || (duty->agreed && what != DUTY_IF_PEER_SILENT);
    play->mirrors = what == DUTY_IF_PEER_RETURNS || peer_is_with_us(duty);
    play->stranger =
        duty_sees_stranger(duty) || (duty->probed && duty->probe == DUTY_PROBE_STRANGER);
    if (what == DUTY_IF_PEER_RETURNS) {
        play->peer = returning_peer(duty);
    }
    play->word_ms = play->now_ms;
    play_event(play, events[what]);
}

/* How long to look: the longest wait that this state knows of, and some more. */
static uint64_t horizon_ms(const struct duty *duty)
{
    const uint64_t until_ms[] = {duty->alone_not_before_ms, duty->yield_until_ms,
                                 duty->stranger_until_ms};
    uint64_t longest_ms = duty->steady_wait_ms;

    for (size_t i = 0; i < ARRAY_COUNT(until_ms); i++) {
        if (until_ms[i] > duty->now_ms && until_ms[i] - duty->now_ms > longest_ms) {
            longest_ms = until_ms[i] - duty->now_ms;
        }
    }
    return longest_ms + LOOK_AHEAD_MS;
}

/* On the way somewhere: what comes next follows by itself. */
static bool rests(const struct duty *duty)
{
    return duty->state == DUTY_PAIRED_DUTY || duty->state == DUTY_PAIRED_SPARE ||
           duty->state == DUTY_ALONE || duty->state == DUTY_STOPPED;
}

bool duty_foresee(const struct duty *duty, enum duty_if what, struct duty_then *ret_then)
{
    struct play play;
    struct duty_then then = {0};
    uint64_t end_ms = duty->now_ms + horizon_ms(duty);
    enum duty_state state = duty->state;

    if (!duty->started || !applies(duty, what)) {
        return false;
    }
    begin(&play, duty, what);
    for (;;) {
        bool word_is_next = play.talks && play.word_ms <= play.duty.deadline_ms;

        if (play.duty.state != state) {
            state = play.duty.state;
            then.changes = true;
            then.after_ms = play.now_ms - duty->now_ms;
        }
        if (play.now_ms >= end_ms || (then.changes && rests(&play.duty))) {
            break;
        }
        play.now_ms = word_is_next ? play.word_ms : play.duty.deadline_ms;
        if (word_is_next) {
            play_word(&play);
        } else {
            play_event(&play, (struct duty_event){.kind = DUTY_TIMEOUT});
        }
    }
    then.state = play.duty.state;
    then.reason = play.duty.reason;
    then.serve = duty_serves(&play.duty);
    then.changes = then.changes && then.state != duty->state;
    *ret_then = then;
    return true;
}
