/*
 * The rules of DESIGN 3. One step: note the evidence, run the handler of the row if there is one, then
 * look at the rules of the state until nothing moves, then say our word if it changed or is due.
 */
#include "cluster/duty/duty.h"

#include "base/check.h"

#include <string.h>

enum { SETTLE_ROUNDS_MAX = 8, SERVICE_LINK_MS_SAID_MAX = 60000 };

void duty_init(struct duty *duty, const struct duty_options *options)
{
    memset(duty, 0, sizeof(*duty));
    duty->options = *options;
    if (duty->options.lone_boot_ms == 0) {
        duty->options.lone_boot_ms = DUTY_LONE_BOOT_MS;
    }
    duty->state = DUTY_WAITING;
    duty->reason = DUTY_REASON_STARTING;
    duty->fit = true;
    duty->conflict_backoff_ms = DUTY_CONFLICT_BACKOFF_MS_MIN;
    duty->word.unit = options->unit;
    duty->word.hardware = options->hardware;
}

static struct duty_action *act(struct duty_actions *actions, enum duty_action_kind kind)
{
    struct duty_action *action;

    CHECK(actions->count < DUTY_ACTIONS_MAX);
    action = &actions->list[actions->count++];
    *action = (struct duty_action){.kind = kind};
    return action;
}

static void serve(struct duty *duty, struct duty_actions *actions, enum duty_serve how)
{
    duty->word.serve = (uint8_t)how;
    act(actions, DUTY_SERVE)->serve = how;
}

static void take_address(struct duty *duty, struct duty_actions *actions)
{
    duty->address = true;
    act(actions, DUTY_TAKE_ADDRESS);
}

static void drop_address(struct duty *duty, struct duty_actions *actions)
{
    if (duty->address) {
        duty->address = false;
        act(actions, DUTY_DROP_ADDRESS);
    }
}

bool duty_is_paired(const struct duty *duty)
{
    return duty->state == DUTY_PAIRED_DUTY || duty->state == DUTY_PAIRED_SPARE ||
           duty->state == DUTY_HANDING_OVER;
}

enum duty_serve duty_serves(const struct duty *duty)
{
    if (duty->state == DUTY_PAIRED_DUTY) {
        return DUTY_SERVE_PLAIN;
    }
    if (duty->state == DUTY_ALONE || (duty->state == DUTY_MEETING_SOURCE && duty->session)) {
        return DUTY_SERVE_LETTER;
    }
    return DUTY_SERVE_NOT;
}

static bool is_meeting(const struct duty *duty)
{
    return duty->state == DUTY_MEETING_SOURCE || duty->state == DUTY_MEETING_OTHER ||
           duty->state == DUTY_MINTING;
}

/* Stops serving, keeps nothing of a session: for every way out of service. */
static void stop_serving(struct duty *duty, struct duty_actions *actions)
{
    duty->session = false;
    duty->session_asked = false;
    duty->contested_until_ms = 0; /* what is not held is not contested */
    serve(duty, actions, DUTY_SERVE_NOT);
    drop_address(duty, actions);
}

static void enter(struct duty *duty, enum duty_state state, enum duty_reason reason)
{
    duty->state = state;
    duty->reason = reason;
    if (state != DUTY_MEETING_SOURCE && state != DUTY_MEETING_OTHER && state != DUTY_MINTING) {
        duty->word.source = 0;
        duty->word.tail_closed = false;
        duty->meeting_agreed = false;
        duty->meeting_told = false;
        duty->meeting_ready = false;
    }
    duty->handover_wanted = duty->handover_wanted && state == DUTY_PAIRED_DUTY;
}

/* ---- contact -------------------------------------------------------------------------------- */

static void count_break(struct duty *duty)
{
    uint64_t wait_ms = DUTY_STEADY_MS_MIN;

    if (duty->breaks > 0 && duty->now_ms - duty->broke_at_ms >= DUTY_STEADY_FORGET_MS) {
        duty->breaks = 0;
    }
    duty->breaks++;
    duty->broke_at_ms = duty->now_ms;
    if (duty->breaks == 1) {
        duty->steady_wait_ms = 0; /* rule 10: the first after an hour without a break */
        return;
    }
    for (uint32_t i = 2; i < duty->breaks && wait_ms < DUTY_STEADY_MS_MAX; i++) {
        wait_ms *= 2;
    }
    duty->steady_wait_ms = wait_ms < DUTY_STEADY_MS_MAX ? wait_ms : DUTY_STEADY_MS_MAX;
}

/* Rule 10: how much longer the peer has to be steady before a mint. */
static uint64_t steady_left_ms(const struct duty *duty)
{
    uint64_t steady_ms = duty->now_ms - duty->agreed_since_ms;

    if (!duty->agreed || duty->now_ms - duty->broke_at_ms >= DUTY_STEADY_FORGET_MS ||
        steady_ms >= duty->steady_wait_ms) {
        return 0;
    }
    return duty->steady_wait_ms - steady_ms;
}

static uint64_t grace_ms(const struct duty *duty, enum duty_reason reason)
{
    bool restarts = reason == DUTY_REASON_LINKS_CLOSED || reason == DUTY_REASON_PEER_RESTARTED;

    return restarts && duty->service_link ? DUTY_RESTART_GRACE_MS : 0;
}

/* What a unit does when its contact is given up: by its state. */
static void leave_contact(struct duty *duty, enum duty_reason reason, struct duty_actions *actions)
{
    bool serves_on = duty->session;

    if (is_meeting(duty)) {
        duty->session_asked = false; /* stored too late, it is nobody's: the next one is asked for anew */
        act(actions, DUTY_MEETING_OVER);
    }
    switch (duty->state) {
    case DUTY_PAIRED_DUTY:
    case DUTY_HANDING_OVER:
        /* Keeps the address and the requests while it decides: rule 2. */
        duty->word.serve = DUTY_SERVE_LETTER;
        act(actions, DUTY_HOLD);
        duty->alone_not_before_ms = duty->now_ms + grace_ms(duty, reason);
        enter(duty, DUTY_WAITING, reason);
        break;
    case DUTY_MINTING:
    case DUTY_MEETING_SOURCE:
        if (serves_on) {
            duty->contested_until_ms = 0; /* counts anew: while we met it was no conflict */
            serve(duty, actions, DUTY_SERVE_LETTER);
            enter(duty, DUTY_ALONE, reason);
            break;
        }
        duty->alone_not_before_ms = duty->now_ms + grace_ms(duty, reason);
        enter(duty, DUTY_WAITING, reason);
        break;
    case DUTY_PAIRED_SPARE:
    case DUTY_MEETING_OTHER:
        if (serves_on) { /* chosen as other, but the meeting was never agreed: still serving */
            enter(duty, DUTY_ALONE, reason);
            break;
        }
        duty->alone_not_before_ms = duty->now_ms + grace_ms(duty, reason);
        enter(duty, DUTY_WAITING, reason);
        break;
    case DUTY_WAITING:
    case DUTY_TAKING:
    case DUTY_ALONE:
    case DUTY_STOPPED:
    case DUTY_STATE_COUNT:
        break;
    }
}

static void break_contact(struct duty *duty, enum duty_reason reason, struct duty_actions *actions)
{
    if (!duty->agreed) {
        return;
    }
    duty->agreed = false;
    duty->word.contact++;
    duty->broke = reason;
    if (duty_is_paired(duty) || (is_meeting(duty) && duty->meeting_agreed)) {
        count_break(duty);
    }
    act(actions, DUTY_CONTACT);
    leave_contact(duty, reason, actions);
}

static void hear_word(struct duty *duty, const struct duty_word *peer, struct duty_actions *actions)
{
    if (peer->unit != duty->options.peer_unit || peer->unit == duty->options.unit) {
        return;
    }
    if (peer->process == duty->peer.process && peer->sequence <= duty->peer.sequence) {
        return; /* two links: the slower one brings old words, after a cut a whole queue of them */
    }
    if (duty->agreed && (peer->process != duty->word.heard_process ||
                         peer->contact != duty->word.heard_contact)) {
        break_contact(duty,
                      peer->process != duty->word.heard_process ? DUTY_REASON_PEER_RESTARTED
                                                                : DUTY_REASON_NO_ACKNOWLEDGEMENT,
                      actions);
    }
    duty->peer = *peer;
    duty->peer_heard_ms = duty->now_ms;
    duty->word.heard_process = peer->process;
    duty->word.heard_contact = peer->contact;
    if (duty->started && !duty->agreed && peer->heard_process == duty->word.process &&
        peer->heard_contact == duty->word.contact) {
        duty->agreed = true;
        duty->agreed_since_ms = duty->now_ms;
    }
    if (peer->leaving) {
        break_contact(duty, DUTY_REASON_PEER_LEFT, actions);
    }
}

/* ---- evidence ------------------------------------------------------------------------------- */

static void note_ledger(struct duty *duty, const struct duty_event *event)
{
    duty->word.last_lsn = event->ledger.last_lsn;
    duty->word.head = event->ledger.head;
    duty->word.digest = event->ledger.digest;
    duty->word.day = event->ledger.day;
    duty->word.day_state = event->ledger.day_state;
    duty->word.blank = event->ledger.blank;
    duty->word.peer_session_day = event->ledger.peer_session_day;
    duty->word.peer_session = event->ledger.peer_session;
    duty->word.wall_ms = event->ledger.wall_ms;
}

static void note_operator(struct duty *duty, enum duty_operator order)
{
    switch (order) {
    case DUTY_OPERATOR_HANDOVER:
        duty->handover_wanted = duty->state == DUTY_PAIRED_DUTY;
        break;
    case DUTY_OPERATOR_STOP:
        duty->stop_wanted = true;
        break;
    case DUTY_OPERATOR_RESUME:
        duty->stop_wanted = false;
        break;
    case DUTY_OPERATOR_APPROVE:
        duty->approved = true;
        break;
    }
}

static void note_process(struct duty *duty, enum duty_peer_process process,
                         struct duty_actions *actions)
{
    duty->peer_process = process;
    if (process == DUTY_PROCESS_LEFT || process == DUTY_PROCESS_LOST) {
        break_contact(duty, DUTY_REASON_LINKS_CLOSED, actions);
    }
}

static void note(struct duty *duty, const struct duty_event *event, struct duty_actions *actions)
{
    switch (event->kind) {
    case DUTY_WORD:
        hear_word(duty, &event->word, actions);
        break;
    case DUTY_CONTACT_BROKEN:
    case DUTY_MEETING_BROKEN:
        break_contact(duty, event->reason, actions);
        break;
    case DUTY_LINKS_CLOSED:
        break_contact(duty, DUTY_REASON_LINKS_CLOSED, actions);
        break;
    case DUTY_PEER_PROCESS:
        note_process(duty, event->peer_process, actions);
        break;
    case DUTY_SERVICE_LINK:
        if (event->level != duty->service_link || duty->service_link_since_ms == 0) {
            duty->service_link_since_ms = duty->now_ms;
        }
        duty->service_link = event->level;
        break;
    case DUTY_ADDRESS_PROBED:
        duty->probed = true;
        duty->probe = event->probe;
        duty->probed_ms = duty->now_ms;
        break;
    case DUTY_ADDRESS_CONTESTED:
        if (duty->contested_until_ms == 0) {
            duty->contested_until_ms = duty->now_ms + DUTY_CONFLICT_MS;
        }
        break;
    case DUTY_NEEDED:
        duty->needed = event->level;
        break;
    case DUTY_LEDGER:
        note_ledger(duty, event);
        break;
    case DUTY_OPERATOR:
        note_operator(duty, event->operator_order);
        break;
    case DUTY_HEALTH:
        duty->fit = event->level;
        break;
    case DUTY_TIMEOUT:
    case DUTY_STARTED:
    case DUTY_SESSION_STORED:
    case DUTY_TAIL_CLOSED:
    case DUTY_MEETING_READY:
    case DUTY_TERM_CONFIRMED:
    case DUTY_TERM_OBEYED:
    case DUTY_EVENT_COUNT:
        break;
    }
}

/* ---- handlers ------------------------------------------------------------------------------- */

static void start(struct duty *duty, const struct duty_event *event)
{
    CHECK(!duty->started && event->started.process != 0);
    duty->started = true;
    duty->term = event->started.term;
    duty->word.process = event->started.process;
    duty->word.contact = 1;
    duty->word.term = event->started.term.number;
    duty->word.term_duty_unit = event->started.term.duty_unit;
    duty->word.common_term = event->started.common_term;
    duty->word.common_duty_unit = event->started.common_duty_unit;
    duty->word.blank = event->started.blank;
    duty->word.restored = event->started.restored;
    duty->word.retired = event->started.retired;
    duty->alone_not_before_ms =
        duty->now_ms + (duty->options.peer_unit == 0 ? 0 : duty->options.lone_boot_ms);
    duty->broke = duty->options.peer_unit == 0 ? DUTY_REASON_SINGLE_UNIT
                                               : DUTY_REASON_PEER_NEVER_SEEN;
}

static void session_stored(struct duty *duty, const struct duty_event *event,
                           struct duty_actions *actions)
{
    if (!duty->session_asked) {
        return;
    }
    duty->session_asked = false;
    duty->session = true;
    duty->contested_until_ms = 0;
    duty->series = event->series;
    if (duty->state == DUTY_TAKING) {
        enter(duty, DUTY_ALONE, duty->broke);
    }
    serve(duty, actions, DUTY_SERVE_LETTER);
    take_address(duty, actions);
}

static bool term_names_us(const struct duty *duty, const struct duty_term *term)
{
    for (int i = 0; i < 2; i++) {
        if (term->units[i].unit == duty->options.unit &&
            ids_token_equal(&term->units[i].hardware, &duty->options.hardware)) {
            return true;
        }
    }
    return false;
}

static void know_term(struct duty *duty, const struct duty_term *term)
{
    duty->term = *term;
    duty->word.term = duty->word.common_term = term->number;
    duty->word.term_duty_unit = duty->word.common_duty_unit = term->duty_unit;
    duty->word.restored = false;
    duty->approved = false;
}

static void take_duty(struct duty *duty, struct duty_actions *actions)
{
    duty->session = false;
    enter(duty, DUTY_PAIRED_DUTY, DUTY_REASON_NONE);
    serve(duty, actions, DUTY_SERVE_PLAIN);
    take_address(duty, actions);
}

static void become_spare(struct duty *duty, struct duty_actions *actions)
{
    stop_serving(duty, actions);
    enter(duty, DUTY_PAIRED_SPARE, DUTY_REASON_PEER_SERVES);
}

static void term_confirmed(struct duty *duty, const struct duty_event *event,
                           struct duty_actions *actions)
{
    if (!duty->agreed || event->term.number != duty->term.number) {
        return;
    }
    know_term(duty, &event->term);
    if (is_meeting(duty)) {
        act(actions, DUTY_MEETING_OVER);
    }
    if (event->term.duty_unit == duty->options.unit) {
        take_duty(duty, actions);
    } else {
        become_spare(duty, actions);
    }
}

static void term_obeyed(struct duty *duty, const struct duty_event *event,
                        struct duty_actions *actions)
{
    if (is_meeting(duty)) {
        act(actions, DUTY_MEETING_OVER);
    }
    if (!term_names_us(duty, &event->term)) {
        duty->word.retired = true;
        stop_serving(duty, actions);
        enter(duty, DUTY_STOPPED, DUTY_REASON_RETIRED);
        break_contact(duty, DUTY_REASON_RETIRED, actions);
        return;
    }
    know_term(duty, &event->term);
    if (event->term.duty_unit == duty->options.unit) {
        take_duty(duty, actions);
    } else {
        become_spare(duty, actions);
    }
}

static void handle(struct duty *duty, const struct duty_event *event, struct duty_actions *actions)
{
    switch (event->kind) {
    case DUTY_STARTED:
        start(duty, event);
        break;
    case DUTY_SESSION_STORED:
        session_stored(duty, event, actions);
        break;
    case DUTY_TAIL_CLOSED:
        duty->word.tail_closed = duty->meeting_told;
        break;
    case DUTY_MEETING_READY:
        duty->meeting_ready = duty->meeting_told;
        break;
    case DUTY_TERM_CONFIRMED:
        term_confirmed(duty, event, actions);
        break;
    case DUTY_TERM_OBEYED:
        term_obeyed(duty, event, actions);
        break;
    case DUTY_TIMEOUT:
    case DUTY_WORD:
    case DUTY_CONTACT_BROKEN:
    case DUTY_LINKS_CLOSED:
    case DUTY_PEER_PROCESS:
    case DUTY_SERVICE_LINK:
    case DUTY_ADDRESS_PROBED:
    case DUTY_ADDRESS_CONTESTED:
    case DUTY_NEEDED:
    case DUTY_LEDGER:
    case DUTY_MEETING_BROKEN:
    case DUTY_OPERATOR:
    case DUTY_HEALTH:
    case DUTY_EVENT_COUNT:
        CHECK(!"a noted row has no handler");
    }
}

/* ---- rules of the states --------------------------------------------------------------------- */

static bool peer_can_meet(const struct duty_word *peer)
{
    switch ((enum duty_state)peer->state) {
    case DUTY_WAITING:
    case DUTY_TAKING:
    case DUTY_ALONE:
    case DUTY_MEETING_SOURCE:
    case DUTY_MEETING_OTHER:
    case DUTY_MINTING:
        return !peer->retired && !peer->leaving;
    case DUTY_PAIRED_DUTY:
    case DUTY_PAIRED_SPARE:
    case DUTY_HANDING_OVER:
    case DUTY_STOPPED:
    case DUTY_STATE_COUNT:
        return false;
    }
    return false;
}

/* Rule 11: the newest term names this very unit and hardware, or there is no term yet, or two people
 * said so. A blank ledger believes whoever the site's certificate names. */
static bool peer_is_known(const struct duty *duty)
{
    if (duty->term.number == 0 || duty->approved) {
        return true;
    }
    for (int i = 0; i < 2; i++) {
        if (duty->term.units[i].unit == duty->peer.unit &&
            ids_token_equal(&duty->term.units[i].hardware, &duty->peer.hardware)) {
            return true;
        }
    }
    return false;
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
        return DUTY_REASON_DAMAGED;
    }
    return duty->stop_wanted ? DUTY_REASON_OPERATOR : DUTY_REASON_NONE;
}

static bool can_meet(const struct duty *duty)
{
    return duty->agreed && duty->started && peer_can_meet(&duty->peer) && peer_is_known(duty) &&
           why_stopped(duty) == DUTY_REASON_NONE && duty_choose_source(&duty->word, &duty->peer) != 0;
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
        return duty->peer_process == DUTY_PROCESS_LEFT || duty->peer_process == DUTY_PROCESS_LOST ||
                       peer_is_mute_for_address(duty) || duty->peer.serve == DUTY_SERVE_NOT
                   ? DUTY_REASON_NONE
                   : DUTY_REASON_ADDRESS_ANSWERS;
    case DUTY_PROBE_STRANGER:
        return DUTY_REASON_ADDRESS_STRANGER;
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
        act(actions, DUTY_BEGIN_SESSION);
    }
}

static void begin_meeting(struct duty *duty)
{
    duty->word.source = duty_choose_source(&duty->word, &duty->peer);
    duty->meeting_since_ms = duty->now_ms;
    enter(duty,
          duty->word.source == duty->options.unit ? DUTY_MEETING_SOURCE : DUTY_MEETING_OTHER,
          DUTY_REASON_MEETING);
}

static void probe_if_due(struct duty *duty, struct duty_actions *actions)
{
    bool fresh = duty->probed && duty->now_ms - duty->probed_ms < DUTY_PROBE_RETRY_MS;

    if (!fresh && (duty->probe_asked_ms == 0 ||
                   duty->now_ms - duty->probe_asked_ms >= DUTY_PROBE_RETRY_MS)) {
        duty->probe_asked_ms = duty->now_ms;
        act(actions, DUTY_PROBE_ADDRESS);
    }
}

/* Promise 14: while nobody serves although this unit could, meeting goes behind serving. */
static bool nobody_serves(const struct duty *duty)
{
    return duty->unserved_since_ms != 0 &&
           duty->now_ms - duty->unserved_since_ms >= DUTY_UNSERVED_MS;
}

static void note_service(struct duty *duty)
{
    bool unserved = why_not_alone_yet(duty) == DUTY_REASON_NONE && !duty->session &&
                    duty->peer.serve == DUTY_SERVE_NOT && !duty_is_paired(duty);

    if (!unserved) {
        duty->unserved_since_ms = 0;
    } else if (duty->unserved_since_ms == 0) {
        duty->unserved_since_ms = duty->now_ms;
    }
}

static void rules_of_waiting(struct duty *duty, struct duty_actions *actions)
{
    enum duty_reason stopped = why_stopped(duty);
    enum duty_reason reason;

    if (stopped != DUTY_REASON_NONE) {
        stop_serving(duty, actions);
        enter(duty, DUTY_STOPPED, stopped);
        return;
    }
    if (can_meet(duty) && !nobody_serves(duty)) {
        begin_meeting(duty);
        return;
    }
    reason = why_not_alone_yet(duty);
    if (duty->address && reason != DUTY_REASON_NONE && reason != DUTY_REASON_PEER_GETS_TIME) {
        stop_serving(duty, actions); /* held requests and address in vain */
    }
    if (reason == DUTY_REASON_NONE) {
        reason = why_address_is_not_silent(duty);
        if (reason != DUTY_REASON_NONE) {
            probe_if_due(duty, actions);
        }
        if (reason != DUTY_REASON_NONE && reason != DUTY_REASON_STARTING) {
            duty->unserved_since_ms = duty->now_ms; /* held by somebody: meeting comes first again */
        }
    }
    duty->reason = reason;
    if (reason == DUTY_REASON_NONE) {
        ask_for_session(duty, actions);
        enter(duty, DUTY_TAKING, duty->broke);
    } else if (duty->agreed && !peer_is_known(duty)) {
        duty->reason = DUTY_REASON_PEER_UNKNOWN;
    }
}

static void rules_of_taking(struct duty *duty, struct duty_actions *actions)
{
    enum duty_reason stopped = why_stopped(duty);

    if (stopped != DUTY_REASON_NONE || !duty->service_link) {
        stop_serving(duty, actions); /* the session number is spent unused: that costs nothing */
        enter(duty, stopped != DUTY_REASON_NONE ? DUTY_STOPPED : DUTY_WAITING,
              stopped != DUTY_REASON_NONE ? stopped : DUTY_REASON_NO_SERVICE_LINK);
    }
}

/* Rules 3 and 8: what ends a session that nobody meets. True: it ended. */
static bool session_ends(struct duty *duty, struct duty_actions *actions)
{
    enum duty_reason stopped = why_stopped(duty);

    if (stopped != DUTY_REASON_NONE) {
        stop_serving(duty, actions);
        enter(duty, DUTY_STOPPED, stopped);
        return true;
    }
    if (!duty->service_link && duty->now_ms - duty->service_link_since_ms >= DUTY_LINK_LOST_MS) {
        stop_serving(duty, actions);
        enter(duty, DUTY_WAITING, DUTY_REASON_NO_SERVICE_LINK);
        return true;
    }
    if (duty->contested_until_ms != 0 && duty->now_ms >= duty->contested_until_ms) {
        duty->contested_until_ms = 0;
        if (!duty->meeting_agreed && duty->options.peer_unit != 0 &&
            duty->options.unit > duty->options.peer_unit) {
            duty->yield_until_ms = duty->now_ms + duty->conflict_backoff_ms;
            duty->conflict_backoff_ms = duty->conflict_backoff_ms * 2 < DUTY_CONFLICT_BACKOFF_MS_MAX
                                            ? duty->conflict_backoff_ms * 2
                                            : DUTY_CONFLICT_BACKOFF_MS_MAX;
            stop_serving(duty, actions);
            enter(duty, DUTY_WAITING, DUTY_REASON_YIELDED);
            return true;
        }
        take_address(duty, actions); /* the lower unit, the source of a meeting, a single one: stay */
    }
    return false;
}

static void rules_of_alone(struct duty *duty, struct duty_actions *actions)
{
    if (!session_ends(duty, actions) && can_meet(duty)) {
        begin_meeting(duty);
    }
}

/* True: the meeting was left, so that this unit can serve. */
static bool leaves_to_serve(struct duty *duty, struct duty_actions *actions)
{
    if (!nobody_serves(duty) || duty->session_asked) {
        return false;
    }
    if (duty->meeting_agreed) {
        break_contact(duty, DUTY_REASON_MEETING_BROKE, actions);
    } else {
        duty->broke = DUTY_REASON_MEETING_BROKE;
        leave_contact(duty, DUTY_REASON_MEETING_BROKE, actions);
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
            break_contact(duty, DUTY_REASON_MEETING_BROKE, actions);
        } else {
            leave_contact(duty, DUTY_REASON_MEETING_BROKE, actions);
        }
        return false;
    }
    if (duty->meeting_agreed) {
        if (duty->peer.source == duty->word.source) {
            return true;
        }
        break_contact(duty, DUTY_REASON_MEETING_BROKE, actions); /* it chose anew, or left */
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
        begin_meeting(duty);
    }
    return false;
}

static struct duty_term next_term(const struct duty *duty, uint32_t duty_unit)
{
    uint64_t newest = duty->word.term > duty->peer.term ? duty->word.term : duty->peer.term;
    struct duty_term term = {.number = newest + 1, .duty_unit = duty_unit};

    term.units[0] = (struct duty_unit_name){duty->options.unit, duty->options.hardware};
    term.units[1] = (struct duty_unit_name){duty->peer.unit, duty->peer.hardware};
    for (int i = 0; i < 2; i++) {
        /* Disjoint: odd ids for one, even ids for the other, above every id of the pair (rule 11). */
        term.reserved_ids[i] = 100 + (term.units[i].unit > term.units[1 - i].unit ? 1U : 0U);
    }
    return term;
}

static void mint(struct duty *duty, uint32_t duty_unit, struct duty_actions *actions)
{
    struct duty_term term = next_term(duty, duty_unit);

    act(actions, DUTY_HOLD);
    act(actions, DUTY_MINT)->term = term;
    duty->term = term;
    duty->word.term = term.number;
    duty->word.term_duty_unit = term.duty_unit;
    duty->mint_until_ms = duty->now_ms + DUTY_MINT_MS_MAX;
}

static void rules_of_source(struct duty *duty, struct duty_actions *actions)
{
    bool met = duty->meeting_agreed;

    if (duty->session && session_ends(duty, actions)) {
        act(actions, DUTY_MEETING_OVER);
        if (met) { /* the other has yielded to a source that is no more: it must hear of it */
            break_contact(duty, DUTY_REASON_MEETING_BROKE, actions);
        }
        return;
    }
    if (!meeting_holds(duty, actions)) {
        return;
    }
    duty->reason = steady_left_ms(duty) > 0 ? DUTY_REASON_UNSTEADY_PEER : DUTY_REASON_MEETING;
    if (!duty->peer.tail_closed) {
        return;
    }
    if (!duty->meeting_told) {
        duty->meeting_told = true;
        act(actions, DUTY_MEET_AS_SOURCE);
    }
    /* Visitors do not wait for a long meeting or an unsteady peer: the other has yielded. */
    if (!duty->session && duty->needed && duty->service_link &&
        (steady_left_ms(duty) > 0 ||
         duty->now_ms - duty->meeting_since_ms >= DUTY_MEETING_SERVE_MS)) {
        ask_for_session(duty, actions);
    }
    if (duty->meeting_ready && !duty->session_asked && steady_left_ms(duty) == 0) {
        enter(duty, DUTY_MINTING, DUTY_REASON_MEETING);
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
        stop_serving(duty, actions);
        act(actions, DUTY_MEET_AS_OTHER);
    }
}

static void rules_of_minting(struct duty *duty, struct duty_actions *actions)
{
    if (duty->now_ms >= duty->mint_until_ms) {
        break_contact(duty, DUTY_REASON_NO_ACKNOWLEDGEMENT, actions);
    }
}

static bool peer_can_take_duty(const struct duty *duty)
{
    return duty->agreed && duty->peer.state == DUTY_PAIRED_SPARE && duty->peer.service_link &&
           duty->peer.service_link_ms >= DUTY_HANDOVER_LINK_MS;
}

static void rules_of_duty(struct duty *duty, struct duty_actions *actions)
{
    bool must = !duty->fit || duty->stop_wanted || !duty->service_link;

    if ((must || duty->handover_wanted) && peer_can_take_duty(duty)) {
        enter(duty, DUTY_HANDING_OVER, DUTY_REASON_NONE);
        mint(duty, duty->peer.unit, actions);
    } else if (!duty->fit || duty->stop_wanted) {
        enum duty_reason reason = why_stopped(duty);

        break_contact(duty, reason, actions);
        stop_serving(duty, actions);
        enter(duty, DUTY_STOPPED, reason);
    } else if (duty->handover_wanted) {
        duty->handover_wanted = false; /* refused: the engine told the operator why */
    }
    if (duty->contested_until_ms != 0) {
        duty->contested_until_ms = 0;
        take_address(duty, actions);
    }
}

static void rules_of_spare(struct duty *duty, struct duty_actions *actions)
{
    enum duty_reason stopped = why_stopped(duty);

    if (stopped != DUTY_REASON_NONE) {
        break_contact(duty, stopped, actions);
        enter(duty, DUTY_STOPPED, stopped);
    } else if (duty->now_ms - duty->peer_heard_ms >= DUTY_SUSPECT_MS && duty->service_link) {
        probe_if_due(duty, actions); /* the answer is there when contact breaks: saves the probe's time */
    }
}

static void rules_of_stopped(struct duty *duty)
{
    enum duty_reason stopped = why_stopped(duty);

    if (stopped == DUTY_REASON_NONE) {
        duty->alone_not_before_ms = duty->now_ms;
        enter(duty, DUTY_WAITING, DUTY_REASON_STARTING);
    } else {
        duty->reason = stopped;
    }
}

static void apply_rules(struct duty *duty, struct duty_actions *actions)
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
        rules_of_stopped(duty);
        break;
    case DUTY_STATE_COUNT:
        CHECK(!"no such state");
    }
}

/* ---- the step --------------------------------------------------------------------------------- */

static void say_word(struct duty *duty, struct duty_actions *actions)
{
    uint64_t link_ms = duty->now_ms - duty->service_link_since_ms;
    struct duty_word compared;

    if (!duty->started || duty->options.peer_unit == 0) {
        return;
    }
    duty->word.state = (uint8_t)duty->state;
    duty->word.service_link = duty->service_link;
    compared = duty->word;
    compared.service_link_ms = duty->said.service_link_ms; /* these two change by themselves */
    compared.wall_ms = duty->said.wall_ms;
    compared.last_lsn = duty->said.last_lsn; /* acknowledgements tell it at once */
    compared.head = duty->said.head;
    compared.digest = duty->said.digest;
    if (memcmp(&compared, &duty->said, sizeof(compared)) != 0 ||
        duty->now_ms - duty->word_sent_ms >= DUTY_WORD_INTERVAL_MS) {
        duty->word.service_link_ms =
            (uint32_t)(!duty->service_link                        ? 0
                       : link_ms < SERVICE_LINK_MS_SAID_MAX ? link_ms
                                                            : SERVICE_LINK_MS_SAID_MAX);
        duty->word.sequence++;
        duty->said = duty->word;
        duty->word_sent_ms = duty->now_ms;
        act(actions, DUTY_SEND_WORD);
    }
}

static void sooner(struct duty *duty, uint64_t at_ms)
{
    if (at_ms > duty->now_ms && at_ms < duty->deadline_ms) {
        duty->deadline_ms = at_ms;
    }
}

static void set_deadline(struct duty *duty)
{
    duty->deadline_ms = duty->now_ms + DUTY_WORD_INTERVAL_MS;
    if (duty->word_sent_ms != 0) {
        sooner(duty, duty->word_sent_ms + DUTY_WORD_INTERVAL_MS);
    }
    if (duty->agreed) {
        sooner(duty, duty->peer_heard_ms + DUTY_MUTE_MS + 1);
        sooner(duty, duty->peer_heard_ms + DUTY_SUSPECT_MS);
    }
    sooner(duty, duty->alone_not_before_ms);
    sooner(duty, duty->mint_until_ms);
    sooner(duty, duty->contested_until_ms);
}

void duty_step(struct duty *duty, const struct duty_event *event, struct duty_actions *actions)
{
    enum duty_row row = duty_table_row(duty->state, event->kind, NULL);

    CHECK(event->now_ms >= duty->now_ms && row != DUTY_ROW_IMPOSSIBLE);
    duty->now_ms = event->now_ms;
    actions->count = 0;
    if (row == DUTY_ROW_IGNORE) {
        duty->ignored_count++;
    } else if (row == DUTY_ROW_NOTE) {
        note(duty, event, actions);
    } else {
        handle(duty, event, actions);
    }
    if (duty->agreed && duty->now_ms - duty->peer_heard_ms > DUTY_MUTE_MS) {
        break_contact(duty, DUTY_REASON_PEER_MUTE, actions);
    }
    note_service(duty);
    for (int round = 0; round < SETTLE_ROUNDS_MAX; round++) {
        enum duty_state before = duty->state;

        apply_rules(duty, actions);
        if (duty->state == before) {
            break;
        }
    }
    say_word(duty, actions);
    set_deadline(duty);
    duty_check_invariants(duty);
}

void duty_check_invariants(const struct duty *duty)
{
    enum duty_serve how = duty_serves(duty);

    CHECK(how != DUTY_SERVE_LETTER || duty->session);
    CHECK(how != DUTY_SERVE_PLAIN || (duty->agreed && duty->term.duty_unit == duty->options.unit &&
                                      duty->word.common_term == duty->term.number));
    CHECK(how == DUTY_SERVE_NOT || duty->address);
    CHECK(duty->state != DUTY_PAIRED_SPARE || (!duty->session && !duty->address));
    CHECK(duty->state != DUTY_STOPPED || !duty->address);
    CHECK(!is_meeting(duty) || duty->agreed);
    CHECK(duty->deadline_ms > duty->now_ms);
}
