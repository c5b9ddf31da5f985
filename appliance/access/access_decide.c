/* What each request would change. Rights first, then what alone forbids, then the action's own rules; whatever the
 * answer is, the change says who asked and what was answered. */
#include "appliance/access/access.h"

#include "appliance/access/access_parts.h"
#include "base/check.h"

#include <string.h>

/* Beside the five rows of a sign-in. */
enum { TERMINAL_ROWS_MAX = 3 };

struct deciding {
    const struct access *access;
    const struct access_command *command;
    struct access_decision *decision;
    struct access_who who;
};

/* ---- parts --------------------------------------------------------------------------------------- */

static struct access_row *add_row(struct deciding *deciding, enum access_row_kind kind)
{
    struct access_change *change = &deciding->decision->change;
    struct access_row *row;

    CHECK(change->row_count < ACCESS_CHANGE_ROWS_MAX);
    row = &change->rows[change->row_count++];
    memset(row, 0, sizeof(*row));
    row->kind = (uint8_t)kind;
    return row;
}

static struct access_account *change_account(struct deciding *deciding,
                                             const struct access_account *account)
{
    struct access_row *row = add_row(deciding, ACCESS_ROW_ACCOUNT);

    row->account = *account;
    row->account.changed_lsn = deciding->command->lsn;
    return &row->account;
}

static struct access_session *change_session(struct deciding *deciding,
                                             const struct access_session *session)
{
    struct access_row *row = add_row(deciding, ACCESS_ROW_SESSION);

    row->session = *session;
    row->session.changed_lsn = deciding->command->lsn;
    return &row->session;
}

void parts_device_key(uint16_t device, uint8_t who[ACCESS_ADDRESS_BYTES])
{
    memset(who, 0, ACCESS_ADDRESS_BYTES);
    who[ACCESS_ADDRESS_BYTES - 3] = 1;
    who[ACCESS_ADDRESS_BYTES - 2] = (uint8_t)(device >> 8);
    who[ACCESS_ADDRESS_BYTES - 1] = (uint8_t)device;
}

/* Who is delayed: the terminal for a PIN, else the address. */
static void throttle_key(const uint8_t address[ACCESS_ADDRESS_BYTES], uint16_t device, bool pin,
                         uint8_t who[ACCESS_ADDRESS_BYTES])
{
    if (pin) {
        parts_device_key(device, who);
    } else {
        memcpy(who, address, ACCESS_ADDRESS_BYTES);
    }
}

uint64_t parts_delay_ms(uint16_t failures, int64_t failed_ms, int64_t at_ms, uint64_t max_ms)
{
    uint64_t delay_ms = 1000, passed_ms;

    /* A clock that went back behind the failure locks nobody out. */
    if (failures <= ACCESS_FREE_FAILURES || at_ms < failed_ms) {
        return 0;
    }
    passed_ms = (uint64_t)(at_ms - failed_ms);
    if (passed_ms >= ACCESS_FAILURES_FORGOTTEN_MS) {
        return 0;
    }
    for (int i = ACCESS_FREE_FAILURES + 1; i < failures && delay_ms < max_ms; i++) {
        delay_ms *= 2;
    }
    delay_ms = delay_ms < max_ms ? delay_ms : max_ms;
    return passed_ms < delay_ms ? delay_ms - passed_ms : 0;
}

/* Failures of long ago are forgotten. */
static uint16_t failures_after(uint16_t failures, int64_t failed_ms, int64_t at_ms)
{
    if (at_ms - failed_ms >= ACCESS_FAILURES_FORGOTTEN_MS) {
        return 1;
    }
    return failures < UINT16_MAX ? (uint16_t)(failures + 1) : failures;
}

uint64_t access_wait_ms(const struct access *access, const char *name, bool pin,
                        const uint8_t address[ACCESS_ADDRESS_BYTES], uint16_t device, int64_t at_ms)
{
    const struct access_account *account = access_account_by_name(access, name);
    uint8_t who[ACCESS_ADDRESS_BYTES];
    uint64_t wait_ms = 0, account_ms = 0;
    int at;

    throttle_key(address, device, pin, who);
    at = parts_throttle(access, who);
    if (at >= 0) {
        wait_ms =
            parts_delay_ms(access->throttles[at].failures, access->throttles[at].failed_ms, at_ms,
                           pin ? ACCESS_ACCOUNT_DELAY_MS_MAX : ACCESS_ADDRESS_DELAY_MS_MAX);
    }
    if (account != NULL && pin) {
        account_ms = parts_delay_ms(account->pin_failures, account->pin_failed_ms, at_ms,
                                    ACCESS_ACCOUNT_DELAY_MS_MAX);
    } else if (account != NULL && memcmp(account->address, address, ACCESS_ADDRESS_BYTES) != 0) {
        /* Whoever tries from elsewhere does not keep the owner out of where he was let in. */
        account_ms = parts_delay_ms(account->failures, account->failed_ms, at_ms,
                                    ACCESS_ACCOUNT_DELAY_MS_MAX);
    }
    return wait_ms > account_ms ? wait_ms : account_ms;
}

/* The address's row, one failure more or, after a success, half as many. */
static void note_throttle(struct deciding *deciding, bool pin, bool failed)
{
    const struct access *access = deciding->access;
    const struct access_command *command = deciding->command;
    uint8_t who[ACCESS_ADDRESS_BYTES];
    struct access_row *row;
    int at;

    throttle_key(command->address, deciding->who.device, pin, who);
    at = parts_throttle(access, who);
    if (at < 0 && !failed) {
        return;
    }
    if (at < 0 && access->throttle_count == ACCESS_THROTTLES_MAX) {
        size_t oldest = 0;

        for (size_t i = 1; i < ACCESS_THROTTLES_MAX; i++) {
            if (access->throttles[i].failed_ms < access->throttles[oldest].failed_ms) {
                oldest = i;
            }
        }
        row = add_row(deciding, ACCESS_ROW_THROTTLE);
        row->gone = 1;
        row->throttle = access->throttles[oldest];
    }
    row = add_row(deciding, ACCESS_ROW_THROTTLE);
    if (at >= 0) {
        row->throttle = access->throttles[at];
    }
    memcpy(row->throttle.who, who, sizeof(who));
    row->throttle.changed_lsn = command->lsn;
    if (failed) {
        row->throttle.failures =
            failures_after(row->throttle.failures, row->throttle.failed_ms, command->at_ms);
        row->throttle.failed_ms = command->at_ms;
    } else {
        row->throttle.failures /= 2;
        row->gone = row->throttle.failures == 0 ? 1 : 0;
    }
}

/* Whose place a new session takes: of the account when it has its many, else when there is no room: one that is over
 * (an end is not forgotten while alone: the other side may not know of it), else the one used longest ago. */
static const struct access_session *session_to_leave(const struct access *access, uint16_t account,
                                                     int64_t at_ms, bool alone)
{
    const struct access_session *own = NULL, *over = NULL, *oldest = NULL;
    size_t own_count = 0;

    for (size_t i = 0; i < access->session_count; i++) {
        const struct access_session *session = &access->sessions[i];
        bool lives = parts_session_lives(access, session, at_ms);

        if (session->account == account && lives) {
            own_count++;
            own = own == NULL || session->seen_ms < own->seen_ms ? session : own;
        }
        if (!lives && (!alone || !session->ended) &&
            (over == NULL || session->seen_ms < over->seen_ms)) {
            over = session;
        }
        if (lives && !session->program && (oldest == NULL || session->seen_ms < oldest->seen_ms)) {
            oldest = session;
        }
    }
    if (own_count >= ACCESS_SESSIONS_OF_ACCOUNT_MAX) {
        return own;
    }
    if (access->session_count < ACCESS_SESSIONS_MAX) {
        return NULL;
    }
    return over != NULL ? over : oldest;
}

/* Where clerks sign in one after the other. */
static bool is_clerks_place(enum access_role role)
{
    return access_grant_of(ACCESS_CLERK_SIGN_IN, role) == ACCESS_ALLOWED;
}

static enum access_reason begin_session(struct deciding *deciding,
                                        const struct access_account *account, bool program)
{
    const struct access *access = deciding->access;
    const struct access_command *command = deciding->command;
    const struct access_session *leaving =
        session_to_leave(access, account->id, command->at_ms, command->alone);
    struct access_row *row;

    if (parts_hash_is_zero(&command->new_token) ||
        parts_session(access, &command->new_token) >= 0 ||
        (leaving == NULL && access->session_count == ACCESS_SESSIONS_MAX)) {
        return ACCESS_FULL;
    }
    if (leaving != NULL) {
        row = add_row(deciding, ACCESS_ROW_SESSION);
        row->gone = 1;
        row->session = *leaving;
    }
    row = add_row(deciding, ACCESS_ROW_SESSION);
    row->session = (struct access_session){
        .token = command->new_token,
        .account = account->id,
        .device = is_clerks_place(deciding->who.role) ? deciding->who.device : 0,
        .program = program,
        .epoch = account->epoch,
        .began_ms = command->at_ms,
        .seen_ms = command->at_ms,
        .changed_lsn = command->lsn,
    };
    return ACCESS_OK;
}

/* One clerk at a terminal: who is signed in there is signed out; after a meeting that may be two. */
static void leave_terminal(struct deciding *deciding)
{
    const struct access *access = deciding->access;

    for (size_t i = 0; i < access->session_count; i++) {
        const struct access_session *session = &access->sessions[i];

        if (session->device == deciding->who.device &&
            deciding->decision->change.row_count < TERMINAL_ROWS_MAX &&
            parts_session_lives(access, session, deciding->command->at_ms)) {
            change_session(deciding, session)->ended = 1;
        }
    }
}

/* ---- signing in ------------------------------------------------------------------------------------- */

static enum access_reason judge_second(const struct access_command *command,
                                       const struct access_account *account)
{
    bool step_fits = command->totp_step > account->totp_step;
    bool code_fits = command->code >= 1 && command->code <= ACCESS_CODES &&
                     (account->codes_used & 1U << (command->code - 1)) == 0;

    if (!account->has_totp || step_fits || code_fits) {
        return ACCESS_OK;
    }
    return command->code_given ? ACCESS_WRONG : ACCESS_CODE_WANTED;
}

static enum access_reason fail_sign_in(struct deciding *deciding,
                                       const struct access_account *account, bool pin)
{
    const struct access_command *command = deciding->command;
    struct access_account *changed;

    if (account != NULL) {
        changed = change_account(deciding, account);
        if (pin) {
            changed->pin_failures =
                failures_after(account->pin_failures, account->pin_failed_ms, command->at_ms);
            changed->pin_failed_ms = command->at_ms;
        } else {
            changed->failures =
                failures_after(account->failures, account->failed_ms, command->at_ms);
            changed->failed_ms = command->at_ms;
        }
    }
    note_throttle(deciding, pin, true);
    return ACCESS_WRONG;
}

static enum access_reason sign_in(struct deciding *deciding, bool pin)
{
    const struct access_command *command = deciding->command;
    const struct access_account *account = access_account_by_name(deciding->access, command->name);
    struct access_account *changed;
    enum access_reason reason;

    deciding->decision->change.subject = account == NULL ? 0 : account->id;
    deciding->decision->wait_ms =
        access_wait_ms(deciding->access, command->name, pin, command->address, deciding->who.device,
                       command->at_ms);
    if (deciding->decision->wait_ms > 0) {
        /* The failures that led here are in the ledger; what comes meanwhile does not fill it. */
        deciding->decision->write = false;
        return ACCESS_WAIT;
    }
    if (account == NULL || !command->proof || !access_account_is_open(account) ||
        (pin && (!account->has_pin || access_role_needs_totp((enum access_role)account->role)))) {
        return fail_sign_in(deciding, account, pin);
    }
    reason = pin ? ACCESS_OK : judge_second(command, account);
    if (reason == ACCESS_CODE_WANTED) {
        deciding->decision->write = false;
        return reason;
    }
    if (reason != ACCESS_OK) {
        return fail_sign_in(deciding, account, pin);
    }
    if (is_clerks_place(deciding->who.role)) {
        leave_terminal(deciding);
    }
    reason = begin_session(deciding, account, false);
    if (reason != ACCESS_OK) {
        return reason;
    }
    changed = change_account(deciding, account);
    changed->signed_in_ms = command->at_ms;
    if (pin) {
        changed->pin_failures = 0;
    } else {
        changed->failures = 0;
        memcpy(changed->address, command->address, sizeof(changed->address));
    }
    if (!pin && account->has_totp && command->totp_step > account->totp_step) {
        changed->totp_step = command->totp_step;
    } else if (!pin && account->has_totp) {
        changed->codes_used |= (uint16_t)(1U << (command->code - 1));
    }
    note_throttle(deciding, pin, false);
    return ACCESS_OK;
}

static enum access_reason use_session(struct deciding *deciding, bool end)
{
    int at = parts_session(deciding->access, &deciding->command->token);
    struct access_session *session;

    CHECK(at >= 0); /* only a person's session has this right */
    session = change_session(deciding, &deciding->access->sessions[at]);
    session->seen_ms = deciding->command->at_ms;
    session->ended = end;
    return ACCESS_OK;
}

static enum access_reason sign_in_by_password(struct deciding *deciding)
{
    return sign_in(deciding, false);
}

static enum access_reason sign_in_by_pin(struct deciding *deciding)
{
    return sign_in(deciding, true);
}

static enum access_reason sign_out(struct deciding *deciding)
{
    return use_session(deciding, true);
}

static enum access_reason note_use(struct deciding *deciding)
{
    return use_session(deciding, false);
}

/* ---- accounts --------------------------------------------------------------------------------------- */

static bool is_last_administrator(const struct access *access, const struct access_account *account)
{
    if (account->role != ACCESS_ADMINISTRATOR || !access_account_is_open(account)) {
        return false;
    }
    for (size_t i = 0; i < access->account_count; i++) {
        if (access->accounts[i].id != account->id &&
            access->accounts[i].role == ACCESS_ADMINISTRATOR &&
            access_account_is_open(&access->accounts[i])) {
            return false;
        }
    }
    return true;
}

static const struct access_account *named(const struct deciding *deciding)
{
    return deciding->command->subject != 0
               ? access_account_by_id(deciding->access, deciding->command->subject)
               : access_account_by_name(deciding->access, deciding->command->name);
}

static bool take_secret(const struct access_command *command, struct access_account *account)
{
    if (command->secret_bytes == 0 || command->secret_bytes > ACCESS_SECRET_BYTES_MAX) {
        return false;
    }
    memset(account->secret, 0, sizeof(account->secret));
    memcpy(account->secret, command->secret, command->secret_bytes);
    account->secret_bytes = command->secret_bytes;
    return true;
}

static enum access_reason add_account(struct deciding *deciding)
{
    const struct access *access = deciding->access;
    const struct access_command *command = deciding->command;
    struct access_account account = {
        .must_change = 1, .role = command->role, .revision = 1, .changed_lsn = command->lsn};

    if (access_judge_name(command->name) != ACCESS_OK || !parts_text_is_utf8(command->title)) {
        return ACCESS_BAD_NAME;
    }
    if (!access_role_is_person((enum access_role)command->role)) {
        return ACCESS_BAD_ROLE;
    }
    if (access_account_by_name(access, command->name) != NULL) {
        return ACCESS_NAME_TAKEN;
    }
    for (size_t i = 0; i < access->account_count; i++) {
        account.id = access->accounts[i].id > account.id ? access->accounts[i].id : account.id;
    }
    if (access->account_count == ACCESS_ACCOUNTS_MAX || account.id >= ACCESS_SUBJECT_MAX) {
        return ACCESS_FULL;
    }
    account.id++;
    memcpy(account.name, command->name, sizeof(account.name));
    memcpy(account.title, command->title, sizeof(account.title));
    if (!take_secret(command, &account)) {
        return ACCESS_BAD_SECRET;
    }
    add_row(deciding, ACCESS_ROW_ACCOUNT)->account = account;
    deciding->decision->change.subject = account.id;
    return ACCESS_OK;
}

/* Another role is another person to every session that is open. */
static enum access_reason change_role(struct deciding *deciding,
                                      const struct access_account *account)
{
    const struct access_command *command = deciding->command;
    enum access_role role =
        command->role == 0 ? (enum access_role)account->role : (enum access_role)command->role;
    struct access_account *changed;

    if (!access_role_is_person(role)) {
        return ACCESS_BAD_ROLE;
    }
    if (!parts_text_is_utf8(command->title)) {
        return ACCESS_BAD_NAME;
    }
    if (role != (enum access_role)account->role && !command->local &&
        is_last_administrator(deciding->access, account)) {
        return ACCESS_LAST_ADMINISTRATOR;
    }
    changed = change_account(deciding, account);
    changed->revision++;
    if (role != (enum access_role)account->role) {
        changed->role = (uint8_t)role;
        changed->epoch++;
    }
    if (command->title[0] != '\0') {
        memcpy(changed->title, command->title, sizeof(changed->title));
    }
    return ACCESS_OK;
}

static enum access_reason close_account(struct deciding *deciding,
                                        const struct access_account *account)
{
    struct access_account *changed;

    if (!deciding->command->local && is_last_administrator(deciding->access, account)) {
        return ACCESS_LAST_ADMINISTRATOR;
    }
    changed = change_account(deciding, account);
    changed->revoked =
        (account->revoked > account->restored ? account->revoked : account->restored) + 1;
    changed->epoch++;
    return ACCESS_OK;
}

static enum access_reason reset_password(struct deciding *deciding,
                                         const struct access_account *account)
{
    struct access_account *changed = change_account(deciding, account);

    if (!take_secret(deciding->command, changed)) {
        return ACCESS_BAD_SECRET;
    }
    changed->must_change = 1;
    changed->has_pin = changed->has_totp = 0;
    changed->codes_used = 0;
    changed->failures = changed->pin_failures = 0;
    changed->revision++;
    changed->epoch++;
    return ACCESS_OK;
}

static enum access_reason open_account(struct deciding *deciding,
                                       const struct access_account *account)
{
    struct access_account *changed = change_account(deciding, account);

    changed->restored = changed->revoked;
    changed->revision++;
    return ACCESS_OK;
}

static enum access_reason grant(struct deciding *deciding, const struct access_account *account)
{
    return access_account_is_open(account) ? begin_session(deciding, account, true)
                                           : ACCESS_NO_SUCH;
}

static enum access_reason about_account(struct deciding *deciding)
{
    static const struct {
        enum access_action action;
        enum access_reason (*act)(struct deciding *deciding, const struct access_account *account);
    } acts[] = {{ACCESS_ACCOUNT_CHANGE, change_role},
                {ACCESS_ACCOUNT_REVOKE, close_account},
                {ACCESS_ACCOUNT_RESTORE, open_account},
                {ACCESS_PASSWORD_RESET, reset_password},
                {ACCESS_GRANT, grant}};
    const struct access_account *account = named(deciding);
    size_t i = 0;

    if (account == NULL) {
        return ACCESS_NO_SUCH;
    }
    deciding->decision->change.subject = account->id;
    while (acts[i].action != deciding->command->action) {
        i++;
    }
    return acts[i].act(deciding, account);
}

/* A new password, PIN or TOTP key of one's own. Other sessions of the account are over, this one goes on. */
static enum access_reason change_own(struct deciding *deciding)
{
    const struct access_command *command = deciding->command;
    const struct access_account *account =
        access_account_by_id(deciding->access, deciding->who.account);
    int at = parts_session(deciding->access, &command->token);
    struct access_account *changed;
    struct access_session *session;

    CHECK(account != NULL && at >= 0); /* only a person's session has this right */
    deciding->decision->change.subject = account->id;
    if ((command->action == ACCESS_PASSWORD_CHANGE && !command->proof) ||
        (command->action == ACCESS_TOTP_CHANGE && command->totp_step == 0)) {
        return ACCESS_WRONG;
    }
    changed = change_account(deciding, account);
    if (!take_secret(command, changed)) {
        return ACCESS_BAD_SECRET;
    }
    changed->revision++;
    if (command->action == ACCESS_PIN_CHANGE) {
        changed->has_pin = 1;
        changed->pin_failures = 0;
        return ACCESS_OK;
    }
    if (command->action == ACCESS_PASSWORD_CHANGE) {
        changed->must_change = 0;
    } else {
        changed->has_totp = 1;
        changed->totp_step = command->totp_step;
        changed->codes_used = 0;
    }
    changed->epoch++;
    session = change_session(deciding, &deciding->access->sessions[at]);
    session->epoch = changed->epoch;
    return ACCESS_OK;
}

/* ---- devices and sessions ------------------------------------------------------------------------------ */

static enum access_reason add_device(struct deciding *deciding)
{
    const struct access *access = deciding->access;
    const struct access_command *command = deciding->command;
    const struct access_device *oldest = NULL;
    struct access_row *row;
    uint16_t id = 0;

    if (!access_role_is_device((enum access_role)command->role)) {
        return ACCESS_BAD_ROLE;
    }
    if (!parts_text_is_utf8(command->title)) {
        return ACCESS_BAD_NAME;
    }
    if (parts_hash_is_zero(&command->new_token) || parts_device(access, &command->new_token) >= 0) {
        return ACCESS_NO_SUCH_CODE;
    }
    for (size_t i = 0; i < access->device_count; i++) {
        const struct access_device *device = &access->devices[i];

        id = device->id > id ? device->id : id;
        if (device->revoked && (oldest == NULL || device->id < oldest->id)) {
            oldest = device;
        }
    }
    if (id >= ACCESS_SUBJECT_MAX ||
        (access->device_count == ACCESS_DEVICES_MAX && (oldest == NULL || oldest->id == id))) {
        return ACCESS_FULL;
    }
    if (access->device_count == ACCESS_DEVICES_MAX) {
        row = add_row(deciding, ACCESS_ROW_DEVICE);
        row->gone = 1;
        row->device = *oldest;
    }
    row = add_row(deciding, ACCESS_ROW_DEVICE);
    row->device = (struct access_device){.id = (uint16_t)(id + 1),
                                         .role = command->role,
                                         .counter = command->counter,
                                         .token = command->new_token,
                                         .by = deciding->who.account,
                                         .paired_ms = command->at_ms,
                                         .changed_lsn = command->lsn};
    memcpy(row->device.title, command->title, sizeof(row->device.title));
    deciding->decision->change.subject = (uint16_t)(id + 1);
    return ACCESS_OK;
}

static enum access_reason revoke(struct deciding *deciding)
{
    const struct access_command *command = deciding->command;
    const struct access_device *device;
    struct access_row *row;
    int at;

    if (command->action == ACCESS_SESSION_REVOKE) {
        at = parts_session(deciding->access, &command->new_token);
        if (at < 0) {
            return ACCESS_NO_SUCH;
        }
        change_session(deciding, &deciding->access->sessions[at])->ended = 1;
        deciding->decision->change.subject = deciding->access->sessions[at].account;
        return ACCESS_OK;
    }
    device = access_device_by_id(deciding->access, command->subject);
    if (device == NULL) {
        return ACCESS_NO_SUCH;
    }
    row = add_row(deciding, ACCESS_ROW_DEVICE);
    row->device = *device;
    row->device.revoked = 1;
    row->device.changed_lsn = command->lsn;
    deciding->decision->change.subject = device->id;
    return ACCESS_OK;
}

/* ---- all of them ---------------------------------------------------------------------------------------- */

struct rule {
    enum access_right right;
    bool waits_for_pair; /* DESIGN 3 rule 3: in a session no users, no enrolment */
    enum access_reason (*act)(struct deciding *deciding);
};

/* DENIED, JOIN and IMAGE are not asked for: nobody has their right. */
static const struct rule rules[ACCESS_ACTION_END] = {
    [ACCESS_SIGN_IN_PASSWORD] = {ACCESS_SIGN_IN, false, sign_in_by_password},
    [ACCESS_SIGN_IN_PIN] = {ACCESS_CLERK_SIGN_IN, false, sign_in_by_pin},
    [ACCESS_SIGN_OUT] = {ACCESS_OWN, false, sign_out},
    [ACCESS_SEEN] = {ACCESS_OWN, false, note_use},
    [ACCESS_ACCOUNT_ADD] = {ACCESS_PEOPLE_CHANGE, true, add_account},
    [ACCESS_ACCOUNT_CHANGE] = {ACCESS_PEOPLE_CHANGE, true, about_account},
    [ACCESS_ACCOUNT_REVOKE] = {ACCESS_PEOPLE_REVOKE, false, about_account},
    [ACCESS_ACCOUNT_RESTORE] = {ACCESS_PEOPLE_CHANGE, true, about_account},
    [ACCESS_PASSWORD_RESET] = {ACCESS_PEOPLE_CHANGE, true, about_account},
    [ACCESS_PASSWORD_CHANGE] = {ACCESS_OWN, true, change_own},
    [ACCESS_PIN_CHANGE] = {ACCESS_OWN, true, change_own},
    [ACCESS_TOTP_CHANGE] = {ACCESS_OWN, true, change_own},
    [ACCESS_GRANT] = {ACCESS_FAULT, true, about_account}, /* root's alone */
    [ACCESS_DEVICE_ADD] = {ACCESS_PEOPLE_CHANGE, true, add_device},
    [ACCESS_DEVICE_REVOKE] = {ACCESS_PEOPLE_REVOKE, false, revoke},
    [ACCESS_SESSION_REVOKE] = {ACCESS_PEOPLE_REVOKE, false, revoke},
};

/* Done for this key before: told again, also alone, and nothing is written. */
static bool is_answered(struct deciding *deciding, enum access_reason *ret_reason)
{
    const struct access_command *command = deciding->command;
    int at = ids_token_is_zero(&command->key) ? -1 : parts_answer(deciding->access, &command->key);
    const struct access_answer *answer;

    if (at < 0) {
        return false;
    }
    answer = &deciding->access->answers[at];
    if (answer->asked != command->asked || answer->action != command->action) {
        *ret_reason = ACCESS_KEY_REUSED;
        return true;
    }
    deciding->decision->repeated = true;
    deciding->decision->write = false;
    deciding->decision->change.subject = answer->subject;
    *ret_reason = ACCESS_OK;
    return true;
}

static void remember(struct deciding *deciding)
{
    const struct access *access = deciding->access;
    const struct access_command *command = deciding->command;
    struct access_row *row;

    if (ids_token_is_zero(&command->key)) {
        return;
    }
    if (access->answer_count == ACCESS_ANSWERS_MAX) {
        row = add_row(deciding, ACCESS_ROW_ANSWER);
        row->gone = 1;
        row->answer = *parts_oldest_answer(access);
    }
    row = add_row(deciding, ACCESS_ROW_ANSWER);
    row->answer = (struct access_answer){.key = command->key,
                                         .asked = command->asked,
                                         .action = (uint8_t)command->action,
                                         .subject = deciding->decision->change.subject,
                                         .changed_lsn = command->lsn};
}

static enum access_reason judge(struct deciding *deciding)
{
    const struct rule *rule = &rules[deciding->command->action];
    enum access_reason reason = access_check(&deciding->who, rule->right, 0, false);

    if (reason != ACCESS_OK) {
        return reason;
    }
    if (is_answered(deciding, &reason)) {
        return reason;
    }
    if (deciding->command->alone && rule->waits_for_pair) {
        return ACCESS_NOT_ALONE;
    }
    reason = rule->act(deciding);
    if (reason == ACCESS_OK) {
        remember(deciding);
    }
    return reason;
}

void access_decide(const struct access *access, const struct access_command *command,
                   struct access_decision *decision)
{
    struct deciding deciding = {.access = access, .command = command, .decision = decision};

    *decision = (struct access_decision){.write = true};
    if (command->local) {
        deciding.who = (struct access_who){.role = ACCESS_LOCAL};
    } else {
        access_identify(access, &command->token, command->at_ms, &deciding.who);
    }
    decision->change.action = (uint8_t)command->action;
    decision->change.role = (uint8_t)deciding.who.role;
    decision->change.by_account = deciding.who.account;
    decision->change.by_device = deciding.who.device;
    decision->change.right = command->right;
    memcpy(decision->change.address, command->address, sizeof(command->address));
    decision->reason = judge(&deciding);
    decision->change.reason = (uint8_t)decision->reason;
    /* A refusal changes nothing but what a failed sign-in counts. */
    if (decision->reason != ACCESS_OK && decision->reason != ACCESS_WRONG) {
        decision->change.row_count = 0;
    }
    /* Who is nobody could fill the ledger with such questions. */
    if (decision->reason == ACCESS_WHO_ARE_YOU && deciding.who.role == ACCESS_ANYONE) {
        decision->write = false;
    }
}
