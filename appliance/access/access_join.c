/* A meeting: what the peer's row makes of ours. Whatever took a right away wins; what was added while paired goes by
 * revision; nothing here is given by the order in which rows come. */
#include "appliance/access/access.h"

#include "appliance/access/access_parts.h"
#include "base/check.h"

#include <string.h>

static void join_success(struct access_account *account, const struct access_account *theirs)
{
    if (theirs->signed_in_ms > account->signed_in_ms) {
        account->signed_in_ms = theirs->signed_in_ms;
        memcpy(account->address, theirs->address, sizeof(account->address));
    }
    if (theirs->failed_ms > account->failed_ms) {
        account->failed_ms = theirs->failed_ms;
        account->failures = theirs->failures;
    }
    if (theirs->pin_failed_ms > account->pin_failed_ms) {
        account->pin_failed_ms = theirs->pin_failed_ms;
        account->pin_failures = theirs->pin_failures;
    }
}

/* False: another account under this id: a tail that was never common. Its owner is added anew. */
static bool join_account(struct access_account *ours, const struct access_account *theirs)
{
    struct access_account joined = theirs->revision > ours->revision ? *theirs : *ours;

    if (strcmp(ours->name, theirs->name) != 0) {
        return false;
    }
    if (theirs->revision == ours->revision) {
        joined.codes_used = ours->codes_used | theirs->codes_used;
    }
    joined.epoch = ours->epoch > theirs->epoch ? ours->epoch : theirs->epoch;
    joined.revoked = ours->revoked > theirs->revoked ? ours->revoked : theirs->revoked;
    joined.restored = ours->restored > theirs->restored ? ours->restored : theirs->restored;
    joined.totp_step = ours->totp_step > theirs->totp_step ? ours->totp_step : theirs->totp_step;
    joined.signed_in_ms = ours->signed_in_ms;
    memcpy(joined.address, ours->address, sizeof(joined.address));
    joined.failures = ours->failures;
    joined.failed_ms = ours->failed_ms;
    joined.pin_failures = ours->pin_failures;
    joined.pin_failed_ms = ours->pin_failed_ms;
    join_success(&joined, theirs);
    *ours = joined;
    return true;
}

static bool join_device(struct access_device *ours, const struct access_device *theirs)
{
    if (!ids_hash_equal(&ours->token, &theirs->token)) {
        return false;
    }
    ours->revoked |= theirs->revoked;
    return true;
}

static bool join_session(struct access_session *ours, const struct access_session *theirs)
{
    ours->ended |= theirs->ended;
    ours->epoch = ours->epoch > theirs->epoch ? ours->epoch : theirs->epoch;
    ours->seen_ms = ours->seen_ms > theirs->seen_ms ? ours->seen_ms : theirs->seen_ms;
    return ours->account == theirs->account;
}

static bool join_throttle(struct access_throttle *ours, const struct access_throttle *theirs)
{
    if (theirs->failed_ms > ours->failed_ms) {
        ours->failed_ms = theirs->failed_ms;
        ours->failures = theirs->failures;
    }
    return true;
}

/* What is not here: taken over if there is room and it is still of use. */
static bool adopt(const struct access *access, const struct access_row *theirs, int64_t at_ms)
{
    bool wanted = false;

    switch ((enum access_row_kind)theirs->kind) {
    case ACCESS_ROW_ACCOUNT:
        wanted = access->account_count < ACCESS_ACCOUNTS_MAX &&
                 access_account_by_name(access, theirs->account.name) == NULL;
        break;
    case ACCESS_ROW_DEVICE:
        wanted = access->device_count < ACCESS_DEVICES_MAX &&
                 parts_device(access, &theirs->device.token) < 0;
        break;
    case ACCESS_ROW_SESSION:
        wanted = access->session_count < ACCESS_SESSIONS_MAX && !theirs->session.ended &&
                 parts_session_lives(access, &theirs->session, at_ms);
        break;
    case ACCESS_ROW_THROTTLE:
        wanted = access->throttle_count < ACCESS_THROTTLES_MAX;
        break;
    case ACCESS_ROW_ANSWER:
        /* Older than all of ours: it was forgotten here before. */
        wanted = access->answer_count < ACCESS_ANSWERS_MAX ||
                 theirs->answer.changed_lsn > parts_oldest_answer(access)->changed_lsn;
        break;
    }
    return wanted;
}

static void set_lsn(struct access_row *row, uint64_t lsn)
{
    switch ((enum access_row_kind)row->kind) {
    case ACCESS_ROW_ACCOUNT:
        row->account.changed_lsn = lsn;
        return;
    case ACCESS_ROW_DEVICE:
        row->device.changed_lsn = lsn;
        return;
    case ACCESS_ROW_SESSION:
        row->session.changed_lsn = lsn;
        return;
    case ACCESS_ROW_THROTTLE:
        row->throttle.changed_lsn = lsn;
        return;
    case ACCESS_ROW_ANSWER:
        row->answer.changed_lsn = lsn;
        return;
    }
}

static bool join_row(struct access_row *ours, const struct access_row *theirs)
{
    bool joined = false;

    switch ((enum access_row_kind)ours->kind) {
    case ACCESS_ROW_ACCOUNT:
        joined = join_account(&ours->account, &theirs->account);
        break;
    case ACCESS_ROW_DEVICE:
        joined = join_device(&ours->device, &theirs->device);
        break;
    case ACCESS_ROW_SESSION:
        joined = join_session(&ours->session, &theirs->session);
        break;
    case ACCESS_ROW_THROTTLE:
        joined = join_throttle(&ours->throttle, &theirs->throttle);
        break;
    case ACCESS_ROW_ANSWER:
        joined = false; /* one key, one answer: ours */
        break;
    }
    return joined;
}

bool access_join(const struct access *access, const struct access_row *theirs, uint64_t lsn,
                 int64_t at_ms, struct access_change *ret_change)
{
    struct access_row before, joined;
    uint8_t a[ACCESS_ROW_BYTES_MAX], b[ACCESS_ROW_BYTES_MAX];
    size_t a_bytes, b_bytes;

    if (theirs->gone) {
        return false;
    }
    if (!parts_current(access, theirs, &before)) {
        if (!adopt(access, theirs, at_ms)) {
            return false;
        }
        joined = *theirs;
    } else {
        joined = before;
        if (!join_row(&joined, theirs)) {
            return false;
        }
        a_bytes = access_row_encode(&before, a, sizeof(a));
        b_bytes = access_row_encode(&joined, b, sizeof(b));
        CHECK(a_bytes > 0 && b_bytes > 0);
        if (a_bytes == b_bytes && memcmp(a, b, a_bytes) == 0) {
            return false;
        }
    }
    *ret_change = (struct access_change){.action = ACCESS_JOIN};
    if (joined.kind == ACCESS_ROW_ANSWER && access->answer_count == ACCESS_ANSWERS_MAX) {
        ret_change->rows[ret_change->row_count++] = (struct access_row){
            .kind = ACCESS_ROW_ANSWER, .gone = 1, .answer = *parts_oldest_answer(access)};
    }
    set_lsn(&joined, lsn);
    ret_change->rows[ret_change->row_count++] = joined;
    return true;
}
