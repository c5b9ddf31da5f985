/* The state: rows by their identity, tokens by an index, who stands behind one. */
#include "appliance/access/access.h"

#include "appliance/access/access_parts.h"
#include "base/check.h"

#include <string.h>

enum { INDEX_MASK = ACCESS_INDEX_SLOTS - 1, SEEN_PART = 4 };

_Static_assert((int)ACCESS_INDEX_SLOTS > 2 * ((int)ACCESS_SESSIONS_MAX + (int)ACCESS_DEVICES_MAX),
               "a search ends soon");

void access_init(struct access *access)
{
    memset(access, 0, sizeof(*access));
}

bool parts_hash_is_zero(const struct ids_hash *hash)
{
    static const struct ids_hash zero;

    return ids_hash_equal(hash, &zero);
}

/* ---- the index of tokens ------------------------------------------------------------------------- */

/* A token's hash is as good as random: its first bytes are its place. */
static size_t slot_of(const struct ids_hash *token)
{
    return ((size_t)token->bytes[0] << 8 | token->bytes[1]) & INDEX_MASK;
}

static const struct ids_hash *token_at(const struct access *access, uint16_t value)
{
    size_t at = (size_t)value - 1;

    return at < ACCESS_SESSIONS_MAX ? &access->sessions[at].token
                                    : &access->devices[at - ACCESS_SESSIONS_MAX].token;
}

static void index_put(struct access *access, uint16_t value)
{
    size_t at = slot_of(token_at(access, value));

    while (access->index[at] != 0) {
        at = (at + 1) & INDEX_MASK;
    }
    access->index[at] = value;
}

static void index_build(struct access *access)
{
    memset(access->index, 0, sizeof(access->index));
    for (size_t i = 0; i < access->session_count; i++) {
        index_put(access, (uint16_t)(i + 1));
    }
    for (size_t i = 0; i < access->device_count; i++) {
        index_put(access, (uint16_t)(ACCESS_SESSIONS_MAX + i + 1));
    }
}

/* 0: none. A token is compared whole, and what is compared is its hash: its time tells nothing. */
static uint16_t index_find(const struct access *access, const struct ids_hash *token)
{
    size_t at = slot_of(token);

    while (access->index[at] != 0) {
        if (ids_hash_equal(token_at(access, access->index[at]), token)) {
            return access->index[at];
        }
        at = (at + 1) & INDEX_MASK;
    }
    return 0;
}

int parts_session(const struct access *access, const struct ids_hash *token)
{
    int at = (int)index_find(access, token) - 1;

    return at < ACCESS_SESSIONS_MAX ? at : -1;
}

int parts_device(const struct access *access, const struct ids_hash *token)
{
    int at = (int)index_find(access, token) - 1 - ACCESS_SESSIONS_MAX;

    return at >= 0 ? at : -1;
}

int parts_throttle(const struct access *access, const uint8_t who[ACCESS_ADDRESS_BYTES])
{
    for (int i = 0; i < access->throttle_count; i++) {
        if (memcmp(access->throttles[i].who, who, ACCESS_ADDRESS_BYTES) == 0) {
            return i;
        }
    }
    return -1;
}

int parts_answer(const struct access *access, const struct ids_token *key)
{
    for (int i = 0; i < access->answer_count; i++) {
        if (memcmp(&access->answers[i].key, key, sizeof(*key)) == 0) {
            return i;
        }
    }
    return -1;
}

const struct access_answer *parts_oldest_answer(const struct access *access)
{
    const struct access_answer *oldest = &access->answers[0];

    for (size_t i = 1; i < ACCESS_ANSWERS_MAX; i++) {
        if (access->answers[i].changed_lsn < oldest->changed_lsn) {
            oldest = &access->answers[i];
        }
    }
    return oldest;
}

const struct access_account *access_account_by_name(const struct access *access, const char *name)
{
    for (size_t i = 0; i < access->account_count; i++) {
        if (strcmp(access->accounts[i].name, name) == 0) {
            return &access->accounts[i];
        }
    }
    return NULL;
}

const struct access_account *access_account_by_id(const struct access *access, uint16_t id)
{
    for (size_t i = 0; i < access->account_count; i++) {
        if (access->accounts[i].id == id) {
            return &access->accounts[i];
        }
    }
    return NULL;
}

const struct access_device *access_device_by_id(const struct access *access, uint16_t id)
{
    for (size_t i = 0; i < access->device_count; i++) {
        if (access->devices[i].id == id) {
            return &access->devices[i];
        }
    }
    return NULL;
}

bool access_account_is_open(const struct access_account *account)
{
    return account->revoked <= account->restored;
}

/* ---- who ------------------------------------------------------------------------------------------ */

/* A clock that went back makes nothing older than it is. */
static uint64_t age_ms(int64_t since_ms, int64_t at_ms)
{
    return at_ms > since_ms ? (uint64_t)(at_ms - since_ms) : 0;
}

/* How long it may rest; 0: for ever. A ticket machine stands in the lobby. */
static uint64_t session_idle_ms(const struct access_session *session, enum access_role role,
                                const struct access_device *device)
{
    uint64_t idle_ms = session->program ? 0 : access_idle_ms(role);

    if (device != NULL && device->role == ACCESS_KIOSK &&
        (idle_ms == 0 || idle_ms > ACCESS_KIOSK_IDLE_MS)) {
        idle_ms = ACCESS_KIOSK_IDLE_MS;
    }
    return idle_ms;
}

bool parts_session_lives(const struct access *access, const struct access_session *session,
                         int64_t at_ms)
{
    const struct access_account *account = access_account_by_id(access, session->account);
    const struct access_device *device = access_device_by_id(access, session->device);
    uint64_t absolute_ms, idle_ms;

    if (session->ended || account == NULL || !access_account_is_open(account) ||
        account->epoch != session->epoch) {
        return false;
    }
    if (session->device != 0 && (device == NULL || device->revoked)) {
        return false; /* with the terminal goes whoever is signed in there */
    }
    absolute_ms = access_absolute_ms((enum access_role)account->role, session->program != 0);
    idle_ms = session_idle_ms(session, (enum access_role)account->role, device);
    return age_ms(session->began_ms, at_ms) < absolute_ms &&
           (idle_ms == 0 || age_ms(session->seen_ms, at_ms) < idle_ms);
}

static void identify_session(const struct access *access, const struct access_session *session,
                             int64_t at_ms, struct access_who *who)
{
    const struct access_account *account = access_account_by_id(access, session->account);
    const struct access_device *device = access_device_by_id(access, session->device);

    CHECK(account != NULL);
    who->role = (enum access_role)account->role;
    who->account = account->id;
    who->device = session->device;
    who->limited =
        !session->program && (account->must_change != 0 ||
                              (access_role_needs_totp(who->role) && account->has_totp == 0));
    if (device != NULL && device->role == ACCESS_TERMINAL) { /* a ticket machine has no counter */
        who->counter = device->counter;
        who->any_counter = device->counter == 0;
    }
    who->seen_due =
        !session->program &&
        age_ms(session->seen_ms, at_ms) > session_idle_ms(session, who->role, device) / SEEN_PART;
}

void access_identify(const struct access *access, const struct ids_hash *token, int64_t at_ms,
                     struct access_who *ret_who)
{
    int session, device;

    *ret_who = (struct access_who){.role = ACCESS_ANYONE};
    if (parts_hash_is_zero(token)) {
        return;
    }
    session = parts_session(access, token);
    device = parts_device(access, token);
    if (session >= 0 && parts_session_lives(access, &access->sessions[session], at_ms)) {
        identify_session(access, &access->sessions[session], at_ms, ret_who);
    } else if (device >= 0 && !access->devices[device].revoked) {
        ret_who->role = (enum access_role)access->devices[device].role;
        ret_who->device = access->devices[device].id;
        ret_who->counter = access->devices[device].counter;
        ret_who->any_counter = ret_who->counter == 0;
    }
}

enum access_reason access_check(const struct access_who *who, enum access_right right,
                                uint16_t counter, bool public_page)
{
    enum access_grant grant = access_grant_of(right, who->role);

    if (who->limited && right != ACCESS_OWN && right != ACCESS_SIGN_IN) {
        return ACCESS_CHANGE_FIRST;
    }
    switch (grant) {
    case ACCESS_ALLOWED:
        return ACCESS_OK;
    case ACCESS_OWN_COUNTER:
        return who->any_counter || (who->counter != 0 && who->counter == counter)
                   ? ACCESS_OK
                   : ACCESS_NOT_YOUR_COUNTER;
    case ACCESS_PUBLIC:
        return public_page ? ACCESS_OK : ACCESS_WHO_ARE_YOU;
    case ACCESS_REFUSED:
        break;
    }
    return who->role == ACCESS_ANYONE ? ACCESS_WHO_ARE_YOU : ACCESS_NOT_YOURS;
}

/* ---- rows into the state ---------------------------------------------------------------------------- */

/* One table of rows: where a row of this identity is, or would be put. */
struct table {
    uint8_t *rows;
    size_t row_bytes, max;
    uint16_t *count;
    size_t offset; /* of the row within struct access_row */
};

static struct table table_of(struct access *access, uint8_t kind)
{
    struct table table = {0};

    switch ((enum access_row_kind)kind) {
    case ACCESS_ROW_ACCOUNT:
        table = (struct table){(uint8_t *)access->accounts, sizeof(access->accounts[0]),
                               ACCESS_ACCOUNTS_MAX, &access->account_count,
                               offsetof(struct access_row, account)};
        break;
    case ACCESS_ROW_DEVICE:
        table = (struct table){(uint8_t *)access->devices, sizeof(access->devices[0]),
                               ACCESS_DEVICES_MAX, &access->device_count,
                               offsetof(struct access_row, device)};
        break;
    case ACCESS_ROW_SESSION:
        table = (struct table){(uint8_t *)access->sessions, sizeof(access->sessions[0]),
                               ACCESS_SESSIONS_MAX, &access->session_count,
                               offsetof(struct access_row, session)};
        break;
    case ACCESS_ROW_THROTTLE:
        table = (struct table){(uint8_t *)access->throttles, sizeof(access->throttles[0]),
                               ACCESS_THROTTLES_MAX, &access->throttle_count,
                               offsetof(struct access_row, throttle)};
        break;
    case ACCESS_ROW_ANSWER:
        table = (struct table){(uint8_t *)access->answers, sizeof(access->answers[0]),
                               ACCESS_ANSWERS_MAX, &access->answer_count,
                               offsetof(struct access_row, answer)};
        break;
    }
    CHECK(table.count != NULL);
    return table;
}

static int account_position(const struct access *access, uint16_t id)
{
    const struct access_account *account = access_account_by_id(access, id);

    return account == NULL ? -1 : (int)(account - access->accounts);
}

static int device_position(const struct access *access, uint16_t id)
{
    const struct access_device *device = access_device_by_id(access, id);

    return device == NULL ? -1 : (int)(device - access->devices);
}

static int position_of(const struct access *access, const struct access_row *row)
{
    int at = -1;

    switch ((enum access_row_kind)row->kind) {
    case ACCESS_ROW_ACCOUNT:
        at = account_position(access, row->account.id);
        break;
    case ACCESS_ROW_DEVICE:
        at = device_position(access, row->device.id);
        break;
    case ACCESS_ROW_SESSION:
        at = parts_session(access, &row->session.token);
        break;
    case ACCESS_ROW_THROTTLE:
        at = parts_throttle(access, row->throttle.who);
        break;
    case ACCESS_ROW_ANSWER:
        at = parts_answer(access, &row->answer.key);
        break;
    }
    return at;
}

static void row_at(struct access *access, uint8_t kind, size_t position, struct access_row *ret_row)
{
    struct table table = table_of(access, kind);

    memset(ret_row, 0, sizeof(*ret_row));
    ret_row->kind = kind;
    memcpy((uint8_t *)ret_row + table.offset, table.rows + position * table.row_bytes,
           table.row_bytes);
}

bool parts_current(const struct access *access, const struct access_row *row,
                   struct access_row *ret_current)
{
    int at = position_of(access, row);

    if (at < 0) {
        return false;
    }
    /* Only read: the table is not written through it. */
    row_at((struct access *)(uintptr_t)access, row->kind, (size_t)at, ret_current);
    return true;
}

/* Did the row take a right away that the one before it had? */
static bool takes_away(const struct access_row *before, const struct access_row *row)
{
    bool away = row->gone != 0;

    switch ((enum access_row_kind)row->kind) {
    case ACCESS_ROW_ACCOUNT:
        away = away || row->account.revoked != before->account.revoked ||
               row->account.epoch != before->account.epoch;
        break;
    case ACCESS_ROW_DEVICE:
        away = away || row->device.revoked != before->device.revoked;
        break;
    case ACCESS_ROW_SESSION:
        away = away || row->session.ended != before->session.ended;
        break;
    case ACCESS_ROW_THROTTLE:
    case ACCESS_ROW_ANSWER:
        away = false;
        break;
    }
    return away;
}

static void put_row(struct access *access, const struct access_row *row, access_touched_fn *touched,
                    void *context)
{
    struct table table = table_of(access, row->kind);
    int at = position_of(access, row);
    struct access_row before;

    if (at >= 0) {
        row_at(access, row->kind, (size_t)at, &before);
        access->revocations += takes_away(&before, row) ? 1 : 0;
    } else if (row->gone) {
        return;
    } else {
        at = (*table.count)++;
        before.kind = 0;
    }
    if (row->gone) {
        size_t last = (size_t)-- * table.count;

        memmove(table.rows + (size_t)at * table.row_bytes, table.rows + last * table.row_bytes,
                table.row_bytes);
    } else {
        memcpy(table.rows + (size_t)at * table.row_bytes, (const uint8_t *)row + table.offset,
               table.row_bytes);
    }
    if (row->kind == ACCESS_ROW_SESSION || row->kind == ACCESS_ROW_DEVICE) {
        index_build(access);
    }
    if (touched != NULL) {
        touched(context, before.kind == 0 ? NULL : &before, row->gone ? NULL : row);
    }
}

/* Whatever bytes say: no more rows than there is room for, no token of two rows. */
static bool has_room(const struct access *access, const struct access_change *change)
{
    static const uint8_t kinds[] = {ACCESS_ROW_ACCOUNT, ACCESS_ROW_DEVICE, ACCESS_ROW_SESSION,
                                    ACCESS_ROW_THROTTLE, ACCESS_ROW_ANSWER};

    for (size_t k = 0; k < ARRAY_COUNT(kinds); k++) {
        struct table table = table_of((struct access *)(uintptr_t)access, kinds[k]);
        size_t count = *table.count;

        for (size_t i = 0; i < change->row_count; i++) {
            const struct access_row *row = &change->rows[i];

            if (row->kind == kinds[k]) {
                bool there = position_of(access, row) >= 0;

                count = count + (!there && !row->gone ? 1 : 0) - (there && row->gone ? 1 : 0);
            }
        }
        if (count > table.max) {
            return false;
        }
    }
    return true;
}

bool access_apply(struct access *access, const struct access_change *change,
                  access_touched_fn *touched, void *context)
{
    if (change->row_count > ACCESS_CHANGE_ROWS_MAX || !has_room(access, change)) {
        return false;
    }
    for (size_t pass = 0; pass < 2; pass++) { /* those that go make room */
        for (size_t i = 0; i < change->row_count; i++) {
            if ((change->rows[i].gone != 0) == (pass == 0)) {
                put_row(access, &change->rows[i], touched, context);
            }
        }
    }
    return true;
}

void access_for_each_row(const struct access *access, access_touched_fn *each, void *context)
{
    static const uint8_t kinds[] = {ACCESS_ROW_ACCOUNT, ACCESS_ROW_DEVICE, ACCESS_ROW_SESSION,
                                    ACCESS_ROW_THROTTLE, ACCESS_ROW_ANSWER};

    for (size_t k = 0; k < ARRAY_COUNT(kinds); k++) {
        struct access *rows = (struct access *)(uintptr_t)access;
        struct table table = table_of(rows, kinds[k]);

        for (size_t i = 0; i < *table.count; i++) {
            struct access_row row;

            row_at(rows, kinds[k], i, &row);
            each(context, NULL, &row);
        }
    }
}

uint64_t access_row_changed_lsn(const struct access_row *row)
{
    uint64_t lsn = 0;

    switch ((enum access_row_kind)row->kind) {
    case ACCESS_ROW_ACCOUNT:
        lsn = row->account.changed_lsn;
        break;
    case ACCESS_ROW_DEVICE:
        lsn = row->device.changed_lsn;
        break;
    case ACCESS_ROW_SESSION:
        lsn = row->session.changed_lsn;
        break;
    case ACCESS_ROW_THROTTLE:
        lsn = row->throttle.changed_lsn;
        break;
    case ACCESS_ROW_ANSWER:
        lsn = row->answer.changed_lsn;
        break;
    }
    return lsn;
}
