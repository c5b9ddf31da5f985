/*
 * One step: note the evidence or run the handler of the row, look at the rules of the state
 * (duty_rules.c) until nothing moves, then say our word if it changed or is due. Here are also contact
 * and what makes and ends it.
 */
#include "cluster/duty/duty_internal.h"

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
    if (duty->options.place == 0) {
        duty->options.place = options->unit;
        duty->options.peer_place = options->peer_unit;
    }
    duty->word.place = duty->options.place;
    duty->word.unit = options->unit;
    duty->word.hardware = options->hardware;
}

struct duty_action *duty_act(struct duty_actions *actions, enum duty_action_kind kind)
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
    duty_act(actions, DUTY_SERVE)->serve = how;
}

void duty_take_address(struct duty *duty, struct duty_actions *actions)
{
    duty->address = true;
    duty_act(actions, DUTY_TAKE_ADDRESS);
}

static void drop_address(struct duty *duty, struct duty_actions *actions)
{
    if (duty->address) {
        duty->address = false;
        duty_act(actions, DUTY_DROP_ADDRESS);
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

bool duty_is_meeting(const struct duty *duty)
{
    return duty->state == DUTY_MEETING_SOURCE || duty->state == DUTY_MEETING_OTHER ||
           duty->state == DUTY_MINTING;
}

/* Stops serving, keeps nothing of a session: for every way out of service. */
void duty_stop_serving(struct duty *duty, struct duty_actions *actions)
{
    duty->session = false;
    duty->session_asked = false;
    duty->contested_until_ms = 0; /* what is not held is not contested */
    serve(duty, actions, DUTY_SERVE_NOT);
    drop_address(duty, actions);
}

void duty_enter(struct duty *duty, enum duty_state state, enum duty_reason reason)
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
uint64_t duty_steady_left_ms(const struct duty *duty)
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
void duty_leave_contact(struct duty *duty, enum duty_reason reason, struct duty_actions *actions)
{
    bool serves_on = duty->session;

    if (duty_is_meeting(duty)) {
        duty->session_asked = false; /* stored late, it is nobody's: another is asked for */
        duty_act(actions, DUTY_MEETING_OVER);
    }
    switch (duty->state) {
    case DUTY_PAIRED_DUTY:
    case DUTY_HANDING_OVER:
        /* Keeps the address and the requests while it decides: rule 2. */
        duty->word.serve = DUTY_SERVE_LETTER;
        duty_act(actions, DUTY_HOLD);
        duty->alone_not_before_ms = duty->now_ms + grace_ms(duty, reason);
        duty_enter(duty, DUTY_WAITING, reason);
        break;
    case DUTY_MINTING:
    case DUTY_MEETING_SOURCE:
        if (serves_on) {
            duty->contested_until_ms = 0; /* counts anew: while we met it was no conflict */
            serve(duty, actions, DUTY_SERVE_LETTER);
            duty_enter(duty, DUTY_ALONE, reason);
            break;
        }
        duty->alone_not_before_ms = duty->now_ms + grace_ms(duty, reason);
        duty_enter(duty, DUTY_WAITING, reason);
        break;
    case DUTY_PAIRED_SPARE:
    case DUTY_MEETING_OTHER:
        if (serves_on) { /* chosen as other, but the meeting was never agreed: still serving */
            duty_enter(duty, DUTY_ALONE, reason);
            break;
        }
        duty->alone_not_before_ms = duty->now_ms + grace_ms(duty, reason);
        duty_enter(duty, DUTY_WAITING, reason);
        break;
    case DUTY_WAITING:
    case DUTY_TAKING:
    case DUTY_ALONE:
    case DUTY_STOPPED:
    case DUTY_STATE_COUNT:
        break;
    }
}

void duty_break_contact(struct duty *duty, enum duty_reason reason, struct duty_actions *actions)
{
    if (!duty->agreed) {
        return;
    }
    duty->agreed = false;
    duty->word.contact++;
    duty->broke = reason;
    if (duty_is_paired(duty) || (duty_is_meeting(duty) && duty->meeting_agreed)) {
        count_break(duty);
    }
    duty_act(actions, DUTY_CONTACT);
    duty_leave_contact(duty, reason, actions);
}

/* Promise 4: terms strictly increase, also when a meeting replaces the ledger that held the highest. */
static void hear_of_term(struct duty *duty, uint64_t number)
{
    if (number > duty->word.highest_term) {
        duty->word.highest_term = number;
    }
}

bool duty_peer_is_retired(const struct duty *duty)
{
    for (size_t i = 0; i < DUTY_RETIRED_MAX && !duty->peer.blank; i++) {
        if (duty->retired[i].unit != 0 && duty->retired[i].unit == duty->peer.unit &&
            ids_token_equal(&duty->retired[i].hardware, &duty->peer.hardware)) {
            return true;
        }
    }
    return false;
}

/* Rule 11. An id is never given twice, so whom a ledger calls retired is so for ever, unless two people swore
 * falsely on each side of a cut: then each calls the other so, and the newer term, else the lower id, stays. */
static void hear_that_we_are_retired(struct duty *duty)
{
    const struct duty_word *peer = &duty->peer;
    bool we_stay = duty->word.term != peer->term ? duty->word.term > peer->term
                                                 : duty->options.unit < peer->unit;

    if (peer->peer_retired && peer->heard_process == duty->word.process && !duty->word.blank &&
        !(duty_peer_is_retired(duty) && we_stay)) {
        duty->word.retired = true;
    }
}

static void hear_word(struct duty *duty, const struct duty_word *peer, struct duty_actions *actions)
{
    bool yielded;

    if (peer->place != duty->options.peer_place || peer->unit == duty->options.unit) {
        return;
    }
    if (peer->process == duty->peer.process && peer->sequence <= duty->peer.sequence) {
        return; /* two links: the slower one brings old words, after a cut a whole queue of them */
    }
    if (duty->agreed &&
        (peer->process != duty->word.heard_process || peer->contact != duty->word.heard_contact)) {
        duty_break_contact(duty,
                           peer->process != duty->word.heard_process
                               ? DUTY_REASON_PEER_RESTARTED
                               : DUTY_REASON_NO_ACKNOWLEDGEMENT,
                           actions);
    }
    yielded = duty->peer.serve != DUTY_SERVE_NOT && peer->serve == DUTY_SERVE_NOT;
    duty->peer = *peer;
    hear_of_term(duty, peer->highest_term);
    duty->peer_heard_ms = duty->now_ms;
    duty->word.heard_process = peer->process;
    duty->word.heard_contact = peer->contact;
    if (duty->started && !duty->agreed && peer->heard_process == duty->word.process &&
        peer->heard_contact == duty->word.contact) {
        duty->agreed = true;
        duty->agreed_since_ms = duty->now_ms;
    }
    if (yielded && duty->address && duty->session) {
        duty_take_address(duty, actions); /* whoever still asks the other one learns where it is; a
                                             hand-over moves the address by itself */
    }
    hear_that_we_are_retired(duty);
    if (peer->leaving) {
        duty_break_contact(duty, DUTY_REASON_PEER_LEFT, actions);
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
    duty->word.unsound = event->ledger.unsound;
    hear_of_term(duty, event->ledger.highest_term);
    duty->word.session_day = event->ledger.session_day;
    duty->word.session = event->ledger.session;
    duty->word.peer_session_day = event->ledger.peer_session_day;
    duty->word.peer_session = event->ledger.peer_session;
    duty->word.wall_ms = event->ledger.wall_ms;
    duty->given_id = event->ledger.given_id;
    duty->given_to_retired = event->ledger.given_to_retired;
    memcpy(duty->retired, event->ledger.retired, sizeof(duty->retired));
    if (event->ledger.unit != 0) {
        duty->options.unit = duty->word.unit = event->ledger.unit;
        duty->options.peer_unit = event->ledger.peer_unit;
    }
    if (event->ledger.blank) { /* whoever it named: what we take now says who is a unit */
        duty->term = (struct duty_term){0};
    }
    /* Blank, and nobody's ledger is held any more: a unit as good as new. */
    duty->word.retired = event->ledger.self_retired || (duty->word.retired && !event->ledger.blank);
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
    }
}

/* Rule 8: only the peer's announcement is a reason to yield. A stranger's never is: yielding to it would
 * leave the address to a machine that serves nobody. */
static void note_contest(struct duty *duty, bool by_peer)
{
    if (duty->contested_until_ms == 0) {
        duty->contested_until_ms = duty->now_ms + DUTY_CONFLICT_MS;
        duty->contested_by_peer = false;
    }
    if (by_peer && !duty->contested_by_peer) {
        duty->contested_by_peer = true;
        duty->contested_until_ms = duty->now_ms + DUTY_CONFLICT_MS;
    }
    if (!by_peer) {
        duty->stranger_until_ms = duty->now_ms + DUTY_STRANGER_SAID_MS;
    }
}

bool duty_sees_stranger(const struct duty *duty)
{
    return duty->now_ms < duty->stranger_until_ms;
}

static void note_process(struct duty *duty, enum duty_peer_process process,
                         struct duty_actions *actions)
{
    bool speaks = duty->now_ms - duty->peer_heard_ms < DUTY_SUSPECT_MS;

    duty->peer_process = process;
    if (process == DUTY_PROCESS_LEFT || (process == DUTY_PROCESS_LOST && !speaks)) {
        duty_break_contact(duty, DUTY_REASON_LINKS_CLOSED, actions);
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
    duty->word.highest_term = event->started.highest_term;
    duty->word.common_term = event->started.common_term;
    duty->word.common_duty_unit = event->started.common_duty_unit;
    duty->word.blank = event->started.blank;
    duty->word.unsound = event->started.unsound;
    duty->word.restored = event->started.restored;
    duty->word.retired = event->started.retired;
    duty->alone_not_before_ms =
        duty->now_ms + (duty->options.peer_unit == 0 ? 0 : duty->options.lone_boot_ms);
    duty->broke =
        duty->options.peer_unit == 0 ? DUTY_REASON_SINGLE_UNIT : DUTY_REASON_PEER_NEVER_SEEN;
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
        duty_enter(duty, DUTY_ALONE, duty->reason); /* why it was taken */
    }
    serve(duty, actions, DUTY_SERVE_LETTER);
    duty_take_address(duty, actions);
}

/* By hardware: the id that it names is ours from now on. */
static bool term_names_us(const struct duty *duty, const struct duty_term *term)
{
    return ids_token_equal(&term->units[0].hardware, &duty->options.hardware) ||
           ids_token_equal(&term->units[1].hardware, &duty->options.hardware);
}

static void know_term(struct duty *duty, const struct duty_term *term)
{
    duty->term = *term;
    duty->word.term = duty->word.common_term = term->number;
    duty->word.term_duty_unit = duty->word.common_duty_unit = term->duty_unit;
    duty->word.restored = false;
}

static void take_duty(struct duty *duty, struct duty_actions *actions)
{
    duty->session = false;
    duty_enter(duty, DUTY_PAIRED_DUTY, DUTY_REASON_NONE);
    serve(duty, actions, DUTY_SERVE_PLAIN);
    duty_take_address(duty, actions);
}

static void become_spare(struct duty *duty, struct duty_actions *actions)
{
    duty_stop_serving(duty, actions);
    duty_enter(duty, DUTY_PAIRED_SPARE, DUTY_REASON_PEER_SERVES);
}

static void term_confirmed(struct duty *duty, const struct duty_event *event,
                           struct duty_actions *actions)
{
    if (!duty->agreed || event->term.number != duty->term.number) {
        return;
    }
    know_term(duty, &event->term);
    if (duty_is_meeting(duty)) {
        duty_act(actions, DUTY_MEETING_OVER);
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
    if (duty_is_meeting(duty)) {
        duty_act(actions, DUTY_MEETING_OVER);
    }
    if (!term_names_us(duty, &event->term)) {
        duty->word.retired = true;
        duty_stop_serving(duty, actions);
        duty_enter(duty, DUTY_STOPPED, DUTY_REASON_RETIRED);
        duty_break_contact(duty, DUTY_REASON_RETIRED, actions);
        return;
    }
    know_term(duty, &event->term);
    if (event->term.duty_unit == duty->options.unit) {
        take_duty(duty, actions);
    } else {
        become_spare(duty, actions);
    }
}

/* ---- an event --------------------------------------------------------------------------------- */

static void note_evidence(struct duty *duty, const struct duty_event *event)
{
    switch (event->kind) {
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
        note_contest(duty, event->by_peer);
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
        duty->fit = event->health.fit;
        duty->disk_full = !event->health.fit && event->health.full;
        break;
    case DUTY_STARTED:
    case DUTY_WORD:
    case DUTY_CONTACT_BROKEN:
    case DUTY_MEETING_BROKEN:
    case DUTY_LINKS_CLOSED:
    case DUTY_PEER_PROCESS:
    case DUTY_SESSION_STORED:
    case DUTY_TAIL_CLOSED:
    case DUTY_MEETING_READY:
    case DUTY_TERM_CONFIRMED:
    case DUTY_TERM_OBEYED:
    case DUTY_TIMEOUT:
    case DUTY_EVENT_COUNT:
        break;
    }
}

static void take_event(struct duty *duty, const struct duty_event *event,
                       struct duty_actions *actions)
{
    switch (event->kind) {
    case DUTY_STARTED:
        start(duty, event);
        break;
    case DUTY_WORD:
        hear_word(duty, &event->word, actions);
        break;
    case DUTY_CONTACT_BROKEN:
    case DUTY_MEETING_BROKEN:
        duty_break_contact(duty, event->reason, actions);
        break;
    case DUTY_LINKS_CLOSED:
        duty_break_contact(duty, DUTY_REASON_LINKS_CLOSED, actions);
        break;
    case DUTY_PEER_PROCESS:
        note_process(duty, event->peer_process, actions);
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
    case DUTY_SERVICE_LINK:
    case DUTY_ADDRESS_PROBED:
    case DUTY_ADDRESS_CONTESTED:
    case DUTY_NEEDED:
    case DUTY_LEDGER:
    case DUTY_OPERATOR:
    case DUTY_HEALTH:
    case DUTY_TIMEOUT:
    case DUTY_EVENT_COUNT:
        note_evidence(duty, event);
        break;
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
    duty->word.peer_retired = duty_peer_is_retired(duty);
    compared = duty->word;
    compared.service_link_ms = duty->said.service_link_ms; /* these two change by themselves */
    compared.wall_ms = duty->said.wall_ms;
    compared.last_lsn = duty->said.last_lsn; /* acknowledgements tell it at once */
    compared.head = duty->said.head;
    compared.digest = duty->said.digest;
    if (memcmp(&compared, &duty->said, sizeof(compared)) != 0 ||
        duty->now_ms - duty->word_sent_ms >= DUTY_WORD_INTERVAL_MS) {
        duty->word.service_link_ms =
            (uint32_t)(!duty->service_link                  ? 0
                       : link_ms < SERVICE_LINK_MS_SAID_MAX ? link_ms
                                                            : SERVICE_LINK_MS_SAID_MAX);
        duty->word.sequence++;
        duty->said = duty->word;
        duty->word_sent_ms = duty->now_ms;
        duty_act(actions, DUTY_SEND_WORD);
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

/* A stopped process, a machine that was paused. The peer has given this unit up and may serve, and the address
 * helper dropped the address (ADDRESS_HEARTBEAT_MS_MAX): who was on duty looks again before it serves (rule 6).
 * Who serves by letter goes on: the address is taken back, and a peer that serves too is met (rules 5, 8); on a
 * machine that stalls again and again nobody would serve otherwise. */
static void look_again(struct duty *duty, struct duty_actions *actions)
{
    duty_break_contact(duty, DUTY_REASON_STOOD_STILL, actions);
    duty->probed = false;
    duty->probe_asked_ms = 0;
    duty->alone_not_before_ms = duty->now_ms + DUTY_MUTE_MS; /* the peer's words are on their way */
    duty_stop_serving(duty, actions);
    duty_enter(duty, DUTY_WAITING, DUTY_REASON_STOOD_STILL);
}

void duty_step(struct duty *duty, const struct duty_event *event, struct duty_actions *actions)
{
    uint64_t still_ms = event->now_ms - duty->now_ms;
    enum duty_row row;

    CHECK(event->now_ms >= duty->now_ms);
    duty->now_ms = event->now_ms;
    actions->count = 0;
    if (duty->address && !duty->session && still_ms > DUTY_STALL_MS) {
        look_again(duty, actions);
    }
    row = duty_table_row(duty->state, event->kind, NULL);
    CHECK(row != DUTY_ROW_IMPOSSIBLE);
    if (row == DUTY_ROW_IGNORE) {
        duty->ignored_count++;
    } else {
        take_event(duty, event, actions);
    }
    if (duty->agreed && duty->now_ms - duty->peer_heard_ms > DUTY_MUTE_MS) {
        duty_break_contact(duty, DUTY_REASON_PEER_MUTE, actions);
    }
    duty_note_service(duty);
    for (int round = 0; round < SETTLE_ROUNDS_MAX; round++) {
        enum duty_state before = duty->state;

        duty_apply_rules(duty, actions);
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
    CHECK(!duty_is_meeting(duty) || duty->agreed);
    CHECK(duty->deadline_ms > duty->now_ms);
}
