/*
 * The rules of DESIGN 3, state by state: looked at after every event, until nothing moves. "rule n" is a
 * rule of DESIGN 3; docs/DUTY.md says which function keeps which.
 */
#include "cluster/duty/duty_internal.h"

static bool peer_can_meet(const struct duty_word *peer)
{
    bool may = false;

    switch ((enum duty_state)peer->state) {
    case DUTY_WAITING:
    case DUTY_TAKING:
    case DUTY_ALONE:
    case DUTY_MEETING_SOURCE:
    case DUTY_MEETING_OTHER:
    case DUTY_MINTING:
        may = !peer->retired && !peer->leaving;
        break;
    case DUTY_PAIRED_DUTY:
    case DUTY_PAIRED_SPARE:
    case DUTY_HANDING_OVER:
    case DUTY_STOPPED:
    case DUTY_STATE_COUNT:
        break;
    }
    return may;
}

static bool is_retired(const struct duty *duty, const struct duty_unit_name *name)
{
    for (int i = 0; i < DUTY_RETIRED_MAX; i++) {
        if (duty->retired[i].unit == name->unit &&
            ids_token_equal(&duty->retired[i].hardware, &name->hardware)) {
            return true;
        }
    }
    return false;
}

/* Whom our newest term names by this hardware, and nothing has retired since. */
static const struct duty_unit_name *peer_in_term(const struct duty *duty)
{
    for (int i = 0; i < 2; i++) {
        const struct duty_unit_name *name = &duty->term.units[i];

        if (name->unit != 0 && ids_token_equal(&name->hardware, &duty->peer.hardware) &&
            !is_retired(duty, name)) {
            return name;
        }
    }
    return NULL;
}

/* The box that was replaced, come back blank: it is not who the place was made free for. */
static bool peer_hardware_is_retired(const struct duty *duty)
{
    for (int i = 0; i < DUTY_RETIRED_MAX; i++) {
        if (duty->retired[i].unit != 0 &&
            ids_token_equal(&duty->retired[i].hardware, &duty->peer.hardware)) {
            return true;
        }
    }
    return false;
}

/* Our disk was rolled back behind the term that names us both. The other knows us by it and offers to be the
 * source: it would not if that term named another, because we are not blank. */
static bool names_us_in_a_newer_term(const struct duty *duty)
{
    const struct duty_word *peer = &duty->peer;

    return !peer->blank && !peer->retired && peer->term > duty->term.number &&
           peer->heard_process == duty->word.process && peer->source == peer->unit &&
           (peer->state == DUTY_MEETING_SOURCE || peer->state == DUTY_MINTING);
}

/* Rule 11: the newest term names this hardware, or there is no term yet, or it is blank and a place is free,
 * because two people said so or the unit before it said farewell. A blank ledger believes whoever the
 * site's certificate names. */
static bool peer_is_known(const struct duty *duty)
{
    if (duty_peer_is_retired(duty)) {
        return false;
    }
    if (duty->term.number == 0 || duty->word.blank || peer_in_term(duty) != NULL) {
        return true;
    }
    if (names_us_in_a_newer_term(duty)) {
        return true;
    }
    return duty->given_id != 0 && duty->peer.blank &&
           (duty->given_to_retired || !peer_hardware_is_retired(duty));
}

/* A blank unit has the id that a term gave to its hardware, or the one that it is given now. */
static uint32_t peer_id(const struct duty *duty)
{
    const struct duty_unit_name *named = peer_in_term(duty);

    if (duty->term.number == 0 || (named != NULL && !duty->peer.blank)) {
        return duty->peer.unit;
    }
    return named != NULL ? named->unit : duty->given_id;
}

static int compare_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

uint32_t duty_choose_source(const struct duty_word *a, const struct duty_word *b)
{
    bool a_serves = a->serve != DUTY_SERVE_NOT;
    bool b_serves = b->serve != DUTY_SERVE_NOT;
    int order;

    if (a->blank || b->blank) {
        return a->blank && b->blank ? 0 : a->blank ? b->unit : a->unit;
    }
    if (a_serves != b_serves) {
        return a_serves ? a->unit : b->unit;
    }
    if (a_serves) {
        const struct duty_word *newer = a->common_term >= b->common_term ? a : b;
        bool clear = a->common_term != b->common_term || a->common_duty_unit == b->common_duty_unit;

        if (clear && (newer->common_duty_unit == a->unit || newer->common_duty_unit == b->unit)) {
            return newer->common_duty_unit;
        }
    }
    order = compare_u64(a->term, b->term);
    if (order == 0) {
        order = compare_u64(a->last_lsn, b->last_lsn);
    }
    if (order == 0 && a->term_duty_unit == b->term_duty_unit &&
        (a->term_duty_unit == a->unit || a->term_duty_unit == b->unit)) {
        return a->term_duty_unit; /* nothing else differs: duty and address stay where they were */
    }
    if (order == 0) {
        order = compare_u64(b->unit, a->unit);
    }
    return order > 0 ? a->unit : b->unit;
}

static enum duty_reason why_stopped(const struct duty *duty)
{
    if (duty->word.retired) {
        return DUTY_REASON_RETIRED;
    }
    if (!duty->fit) {
        return duty->disk_full ? DUTY_REASON_DISK_FULL : DUTY_REASON_DAMAGED;
    }
    return duty->stop_wanted ? DUTY_REASON_OPERATOR : DUTY_REASON_NONE;
}

static bool can_meet(const struct duty *duty)
{
    return duty->agreed && duty->started && peer_can_meet(&duty->peer) && peer_is_known(duty) &&
           why_stopped(duty) == DUTY_REASON_NONE &&
           duty_choose_source(&duty->word, &duty->peer) != 0;
}

static bool peer_is_mute_for_address(const struct duty *duty)
{
    return duty->peer_heard_ms == 0 ||
           duty->now_ms - duty->peer_heard_ms >= DUTY_MUTE_FOR_ADDRESS_MS;
}

/* Rule 2: what counts as a silent address. */
static enum duty_reason why_address_is_not_silent(const struct duty *duty)
{
    if (duty->address) {
        return DUTY_REASON_NONE;
    }
    if (!duty->probed || duty->now_ms - duty->probed_ms > DUTY_PROBE_FRESH_MS) {
        return DUTY_REASON_STARTING; /* unknown yet: asks first */
    }
    switch (duty->probe) {
    case DUTY_PROBE_SILENT:
    case DUTY_PROBE_OWN:
        return DUTY_REASON_NONE;
    case DUTY_PROBE_PEER:
        return duty->peer_process == DUTY_PROCESS_LEFT ||
                       (duty->peer_process == DUTY_PROCESS_LOST &&
                        duty->now_ms - duty->peer_heard_ms >= DUTY_SUSPECT_MS) ||
                       peer_is_mute_for_address(duty) || duty->peer.serve == DUTY_SERVE_NOT
                   ? DUTY_REASON_NONE
                   : DUTY_REASON_ADDRESS_ANSWERS;
    case DUTY_PROBE_STRANGER:
        break;
    }
    return DUTY_REASON_ADDRESS_STRANGER;
}

/* Everything of rule 2 but the address. */
static enum duty_reason why_not_alone_yet(const struct duty *duty)
{
    if (!duty->started) {
        return DUTY_REASON_STARTING;
    }
    if (why_stopped(duty) != DUTY_REASON_NONE) {
        return why_stopped(duty);
    }
    if (duty->word.blank) {
        return DUTY_REASON_BLANK;
    }
    if (!duty->service_link) {
        return DUTY_REASON_NO_SERVICE_LINK;
    }
    if (!duty->needed) {
        return DUTY_REASON_NOT_NEEDED;
    }
    if (duty->now_ms < duty->yield_until_ms) {
        return DUTY_REASON_YIELDED;
    }
    return duty->now_ms < duty->alone_not_before_ms ? DUTY_REASON_PEER_GETS_TIME : DUTY_REASON_NONE;
}

enum duty_reason duty_why_not_alone(const struct duty *duty)
{
    enum duty_reason reason = why_not_alone_yet(duty);

    return reason != DUTY_REASON_NONE ? reason : why_address_is_not_silent(duty);
}

static void ask_for_session(struct duty *duty, struct duty_actions *actions)
{
    if (!duty->session_asked) {
        duty->session_asked = true;
        duty_act(actions, DUTY_BEGIN_SESSION);
    }
}

/* A source that holds the address announces it before the other yields: clients whose ARP table names the other
 * would talk to nobody until the next announcement. */
static void begin_meeting(struct duty *duty, struct duty_actions *actions)
{
    duty->word.source = duty_choose_source(&duty->word, &duty->peer);
    duty->meeting_since_ms = duty->now_ms;
    duty_enter(duty,
               duty->word.source == duty->options.unit ? DUTY_MEETING_SOURCE : DUTY_MEETING_OTHER,
               DUTY_REASON_MEETING);
    if (duty->state == DUTY_MEETING_SOURCE && duty->address) {
        duty_take_address(duty, actions);
    }
}

static void probe_if_due(struct duty *duty, struct duty_actions *actions)
{
    bool fresh = duty->probed && duty->now_ms - duty->probed_ms < DUTY_PROBE_RETRY_MS;

    if (!fresh &&
        (duty->probe_asked_ms == 0 || duty->now_ms - duty->probe_asked_ms >= DUTY_PROBE_RETRY_MS)) {
        duty->probe_asked_ms = duty->now_ms;
        duty_act(actions, DUTY_PROBE_ADDRESS);
    }
}

/* Promise 14: while nobody serves although this unit could, meeting goes behind serving. */
static bool nobody_serves(const struct duty *duty)
{
    return duty->unserved_since_ms != 0 &&
           duty->now_ms - duty->unserved_since_ms >= DUTY_UNSERVED_MS;
}

void duty_note_service(struct duty *duty)
{
    bool unserved = why_not_alone_yet(duty) == DUTY_REASON_NONE && !duty->session &&
                    duty->peer.serve == DUTY_SERVE_NOT && !duty_is_paired(duty);

    if (!unserved) {
        duty->unserved_since_ms = 0;
    } else if (duty->unserved_since_ms == 0) {
        duty->unserved_since_ms = duty->now_ms;
    }
}

/* Rule 12: why it is letters, by what is known now. Our own stop or damage began it perhaps, and has ended. */
static enum duty_reason why_letters(const struct duty *duty)
{
    if (duty->options.peer_unit == 0) {
        return DUTY_REASON_SINGLE_UNIT;
    }
    if (duty->agreed && !peer_is_known(duty)) {
        return DUTY_REASON_PEER_UNKNOWN;
    }
    if (duty->agreed && duty->peer.state == DUTY_STOPPED) {
        return DUTY_REASON_PEER_LOST;
    }
    if (duty->broke != DUTY_REASON_OPERATOR && duty->broke != DUTY_REASON_DAMAGED) {
        return duty->broke;
    }
    return duty->peer_heard_ms == 0 ? DUTY_REASON_PEER_NEVER_SEEN : DUTY_REASON_PEER_MUTE;
}

static void rules_of_waiting(struct duty *duty, struct duty_actions *actions)
{
    enum duty_reason stopped = why_stopped(duty);
    enum duty_reason reason;

    if (stopped != DUTY_REASON_NONE) {
        duty_stop_serving(duty, actions);
        duty_enter(duty, DUTY_STOPPED, stopped);
        return;
    }
    if (can_meet(duty) && !nobody_serves(duty)) {
        begin_meeting(duty, actions);
        return;
    }
    reason = why_not_alone_yet(duty);
    if (duty->address && reason != DUTY_REASON_NONE && reason != DUTY_REASON_PEER_GETS_TIME) {
        duty_stop_serving(duty, actions); /* held requests and address in vain */
    }
    if (reason == DUTY_REASON_NONE) {
        reason = why_address_is_not_silent(duty);
        if (reason != DUTY_REASON_NONE) {
            probe_if_due(duty, actions);
        }
        if (reason != DUTY_REASON_NONE && reason != DUTY_REASON_STARTING) {
            duty->unserved_since_ms =
                duty->now_ms; /* held by somebody: meeting comes first again */
        }
    }
    duty->reason = reason;
    if (reason == DUTY_REASON_NONE) {
        ask_for_session(duty, actions);
        duty_enter(duty, DUTY_TAKING, why_letters(duty));
    } else if (duty->agreed && !peer_is_known(duty)) {
        duty->reason = DUTY_REASON_PEER_UNKNOWN;
    }
}

static void rules_of_taking(struct duty *duty, struct duty_actions *actions)
{
    enum duty_reason stopped = why_stopped(duty);

    if (stopped != DUTY_REASON_NONE || !duty->service_link) {
        duty_stop_serving(duty,
                          actions); /* the session number is spent unused: that costs nothing */
        duty_enter(duty, stopped != DUTY_REASON_NONE ? DUTY_STOPPED : DUTY_WAITING,
                   stopped != DUTY_REASON_NONE ? stopped : DUTY_REASON_NO_SERVICE_LINK);
    }
}

/* Rules 3 and 8: what ends a session that nobody meets. True: it ended. */
static bool session_ends(struct duty *duty, struct duty_actions *actions)
{
    enum duty_reason stopped = why_stopped(duty);

    if (stopped != DUTY_REASON_NONE) {
        duty_stop_serving(duty, actions);
        duty_enter(duty, DUTY_STOPPED, stopped);
        return true;
    }
    if (!duty->service_link && duty->now_ms - duty->service_link_since_ms >= DUTY_LINK_LOST_MS) {
        duty_stop_serving(duty, actions);
        duty_enter(duty, DUTY_WAITING, DUTY_REASON_NO_SERVICE_LINK);
        return true;
    }
    if (duty->contested_until_ms != 0 && duty->now_ms >= duty->contested_until_ms) {
        duty->contested_until_ms = 0;
        if (duty->contested_by_peer && !duty->meeting_agreed && duty->options.peer_unit != 0 &&
            duty->options.unit >
                (duty->peer.unit != 0 ? duty->peer.unit : duty->options.peer_unit)) {
            duty->yield_until_ms = duty->now_ms + duty->conflict_backoff_ms;
            duty->conflict_backoff_ms = duty->conflict_backoff_ms * 2 < DUTY_CONFLICT_BACKOFF_MS_MAX
                                            ? duty->conflict_backoff_ms * 2
                                            : DUTY_CONFLICT_BACKOFF_MS_MAX;
            duty_stop_serving(duty, actions);
            duty_enter(duty, DUTY_WAITING, DUTY_REASON_YIELDED);
            return true;
        }
        duty_take_address(
            duty, actions); /* the lower unit, the source of a meeting, a single one: stay */
    }
    return false;
}

static void rules_of_alone(struct duty *duty, struct duty_actions *actions)
{
    if (session_ends(duty, actions)) {
        return;
    }
    if (can_meet(duty)) {
        begin_meeting(duty, actions);
    } else {
        duty->reason = why_letters(duty);
    }
}

/* True: the meeting was left, so that this unit can serve. */
static bool leaves_to_serve(struct duty *duty, struct duty_actions *actions)
{
    if (!nobody_serves(duty) || duty->session_asked) {
        return false;
    }
    if (duty->meeting_agreed) {
        duty_break_contact(duty, DUTY_REASON_MEETING_BROKE, actions);
    } else {
        duty->broke = DUTY_REASON_MEETING_BROKE;
        duty_leave_contact(duty, DUTY_REASON_MEETING_BROKE, actions);
    }
    return true;
}

/* Both must name the same source before anything is done; until then the choice follows the words. */
static bool meeting_holds(struct duty *duty, struct duty_actions *actions)
{
    if (leaves_to_serve(duty, actions)) {
        return false;
    }
    if (!can_meet(duty)) {
        if (duty->meeting_agreed) {
            duty_break_contact(duty, DUTY_REASON_MEETING_BROKE, actions);
        } else {
            duty_leave_contact(duty, DUTY_REASON_MEETING_BROKE, actions);
        }
        return false;
    }
    if (duty->meeting_agreed) {
        if (duty->peer.source == duty->word.source) {
            return true;
        }
        duty_break_contact(duty, DUTY_REASON_MEETING_BROKE, actions); /* it chose anew, or left */
        return false;
    }
    if (duty->peer.source == duty->word.source &&
        (duty->peer.state == DUTY_MEETING_SOURCE || duty->peer.state == DUTY_MEETING_OTHER)) {
        duty->meeting_agreed = true;
        duty->contested_until_ms = 0;
        duty->conflict_backoff_ms = DUTY_CONFLICT_BACKOFF_MS_MIN;
        return true;
    }
    if (duty->word.source != duty_choose_source(&duty->word, &duty->peer)) {
        begin_meeting(duty, actions);
    }
    return false;
}

static const struct duty_unit_name *find_name(const struct duty_term *term, uint32_t unit)
{
    return term->units[0].unit == unit   ? &term->units[0]
           : term->units[1].unit == unit ? &term->units[1]
                                         : NULL;
}

/* Rule 11: what each unit may give while alone. The same two units keep theirs; another pair gets new ones
 * above every id that was ever given or reserved: whoever holds an older term can still give only its own. */
static void reserve_ids(const struct duty_term *before, struct duty_term *term)
{
    const struct duty_unit_name *kept[2];
    uint32_t highest = 0;

    for (int i = 0; i < 2; i++) {
        kept[i] = find_name(before, term->units[i].unit);
        highest = term->units[i].unit > highest ? term->units[i].unit : highest;
        if (before->units[i].unit != 0) {
            uint32_t last = before->reserved_ids[i] + DUTY_RESERVE_IDS - 1;

            highest = before->units[i].unit > highest ? before->units[i].unit : highest;
            highest = last > highest ? last : highest;
        }
    }
    for (uint32_t i = 0; i < 2; i++) {
        term->reserved_ids[i] = kept[0] != NULL && kept[1] != NULL
                                    ? before->reserved_ids[kept[i] - before->units]
                                    : highest + 1 + i * DUTY_RESERVE_IDS;
    }
}

static struct duty_term next_term(const struct duty *duty, uint32_t duty_unit)
{
    /* hear_word has taken the peer's into ours: also of a ledger that a meeting has replaced since. */
    struct duty_term term = {.number = duty->word.highest_term + 1, .duty_unit = duty_unit};

    term.units[0] = (struct duty_unit_name){duty->options.unit, duty->options.hardware};
    term.units[1] = (struct duty_unit_name){peer_id(duty), duty->peer.hardware};
    reserve_ids(&duty->term, &term);
    return term;
}

static void mint(struct duty *duty, uint32_t duty_unit, struct duty_actions *actions)
{
    struct duty_term term = next_term(duty, duty_unit);

    duty_act(actions, DUTY_HOLD);
    duty_act(actions, DUTY_MINT)->term = term;
    duty->term = term;
    duty->word.term = duty->word.highest_term = term.number;
    duty->word.term_duty_unit = term.duty_unit;
    duty->mint_until_ms = duty->now_ms + DUTY_MINT_MS_MAX;
}

/* Its closed tail says so. While its disk does not answer it cannot say that, only that it serves nobody. */
static bool other_has_yielded(struct duty *duty, struct duty_actions *actions)
{
    if (duty->peer.tail_closed) {
        return true;
    }
    if (duty->peer.serve != DUTY_SERVE_NOT ||
        duty->now_ms - duty->meeting_since_ms < DUTY_UNSERVED_MS) {
        return false;
    }
    if (why_address_is_not_silent(duty) != DUTY_REASON_NONE) {
        probe_if_due(duty, actions);
        return false;
    }
    return true;
}

static void rules_of_source(struct duty *duty, struct duty_actions *actions)
{
    bool met = duty->meeting_agreed;

    if (duty->session && session_ends(duty, actions)) {
        duty_act(actions, DUTY_MEETING_OVER);
        if (met) { /* the other has yielded to a source that is no more: it must hear of it */
            duty_break_contact(duty, DUTY_REASON_MEETING_BROKE, actions);
        }
        return;
    }
    if (!meeting_holds(duty, actions)) {
        return;
    }
    duty->reason = duty_steady_left_ms(duty) > 0 ? DUTY_REASON_UNSTEADY_PEER : DUTY_REASON_MEETING;
    if (duty->peer.tail_closed && !duty->meeting_told) {
        duty->meeting_told = true;
        duty_act(actions, DUTY_MEET_AS_SOURCE);
    }
    /* Visitors do not wait for a long meeting or an unsteady peer. */
    if (!duty->session && duty->needed && duty->service_link &&
        (duty_steady_left_ms(duty) > 0 ||
         duty->now_ms - duty->meeting_since_ms >= DUTY_MEETING_SERVE_MS) &&
        other_has_yielded(duty, actions)) {
        ask_for_session(duty, actions);
    }
    if (duty->meeting_ready && !duty->session_asked && duty_steady_left_ms(duty) == 0) {
        duty_enter(duty, DUTY_MINTING, DUTY_REASON_MEETING);
        mint(duty, duty->options.unit, actions);
    }
}

static void rules_of_other(struct duty *duty, struct duty_actions *actions)
{
    if (duty->session && session_ends(duty, actions)) {
        return;
    }
    if (meeting_holds(duty, actions) && !duty->meeting_told) {
        duty->meeting_told = true;
        duty_stop_serving(duty, actions);
        duty_act(actions, DUTY_MEET_AS_OTHER);
    }
}

static void rules_of_minting(struct duty *duty, struct duty_actions *actions)
{
    if (duty->now_ms >= duty->mint_until_ms) {
        duty_break_contact(duty, DUTY_REASON_NO_ACKNOWLEDGEMENT, actions);
    }
}

static bool peer_can_take_duty(const struct duty *duty)
{
    return duty->agreed && duty->peer.state == DUTY_PAIRED_SPARE && duty->peer.service_link &&
           duty->peer.service_link_ms >= DUTY_HANDOVER_LINK_MS;
}

/* On duty: at once against the peer, which has no business there; against a stranger, who may never rest, not
 * more often than every DUTY_CONFLICT_MS. */
static void announce_when_contested(struct duty *duty, struct duty_actions *actions)
{
    if (duty->contested_by_peer || duty->now_ms >= duty->contested_until_ms) {
        duty->contested_until_ms = 0;
        duty_take_address(duty, actions);
    }
}

static void rules_of_duty(struct duty *duty, struct duty_actions *actions)
{
    /* A switch that dies takes both links at once: duty stays where it is while the direct link lives. */
    bool link_lost =
        !duty->service_link && duty->now_ms - duty->service_link_since_ms >= DUTY_LINK_JUDGE_MS;
    bool must = !duty->fit || duty->stop_wanted || link_lost;

    if ((must || duty->handover_wanted) && peer_can_take_duty(duty)) {
        duty_enter(duty, DUTY_HANDING_OVER, DUTY_REASON_NONE);
        mint(duty, duty->peer.unit, actions);
    } else if (!duty->fit || duty->stop_wanted) {
        enum duty_reason reason = why_stopped(duty);

        duty_break_contact(duty, reason, actions);
        duty_stop_serving(duty, actions);
        duty_enter(duty, DUTY_STOPPED, reason);
    } else if (duty->handover_wanted) {
        duty->handover_wanted = false; /* refused: the engine told the operator why */
    }
    if (duty->contested_until_ms != 0) {
        announce_when_contested(duty, actions);
    }
}

static void rules_of_spare(struct duty *duty, struct duty_actions *actions)
{
    enum duty_reason stopped = why_stopped(duty);

    if (stopped != DUTY_REASON_NONE) {
        duty_break_contact(duty, stopped, actions);
        duty_enter(duty, DUTY_STOPPED, stopped);
    } else if (duty->now_ms - duty->peer_heard_ms >= DUTY_SUSPECT_MS && duty->service_link) {
        probe_if_due(duty,
                     actions); /* the answer is there when contact breaks: saves the probe's time */
    }
}

static void rules_of_stopped(struct duty *duty)
{
    enum duty_reason stopped = why_stopped(duty);

    if (stopped == DUTY_REASON_NONE) {
        duty->alone_not_before_ms = duty->now_ms;
        duty_enter(duty, DUTY_WAITING, DUTY_REASON_STARTING);
    } else {
        duty->reason = stopped;
    }
}

void duty_apply_rules(struct duty *duty, struct duty_actions *actions)
{
    switch (duty->state) {
    case DUTY_WAITING:
        rules_of_waiting(duty, actions);
        break;
    case DUTY_TAKING:
        rules_of_taking(duty, actions);
        break;
    case DUTY_ALONE:
        rules_of_alone(duty, actions);
        break;
    case DUTY_MEETING_SOURCE:
        rules_of_source(duty, actions);
        break;
    case DUTY_MEETING_OTHER:
        rules_of_other(duty, actions);
        break;
    case DUTY_MINTING:
        rules_of_minting(duty, actions);
        break;
    case DUTY_PAIRED_DUTY:
        rules_of_duty(duty, actions);
        break;
    case DUTY_PAIRED_SPARE:
        rules_of_spare(duty, actions);
        break;
    case DUTY_HANDING_OVER:
        rules_of_minting(duty, actions);
        break;
    case DUTY_STOPPED:
    case DUTY_STATE_COUNT:
        rules_of_stopped(duty);
        break;
    }
}
