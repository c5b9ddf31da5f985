/* Rows and changes as bytes. Refuses whatever encode would not have made. */
#include "appliance/access/access.h"

#include "appliance/access/access_parts.h"
#include "base/check.h"

#include <string.h>

enum { FORMAT_VERSION = 1 };

static void refuse_unless(struct bytes_reader *reader, bool good)
{
    if (!good) {
        reader->failed = true;
    }
}

static uint8_t get_flag(struct bytes_reader *reader)
{
    uint8_t value = bytes_get_u8(reader);

    refuse_unless(reader, value <= 1);
    return value;
}

/* Bytes behind the closing zero are zero, so that one text has one form. */
static void get_text(struct bytes_reader *reader, char *text, size_t capacity_bytes)
{
    memset(text, 0, capacity_bytes);
    bytes_get_text(reader, text, capacity_bytes);
    refuse_unless(reader, !reader->failed && parts_text_is_utf8(text));
}

static uint16_t get_id(struct bytes_reader *reader)
{
    uint16_t id = bytes_get_u16(reader);

    refuse_unless(reader, id <= ACCESS_SUBJECT_MAX);
    return id;
}

static void put_hash(struct bytes_writer *writer, const struct ids_hash *hash)
{
    bytes_put(writer, hash->bytes, sizeof(hash->bytes));
}

static void get_hash(struct bytes_reader *reader, struct ids_hash *hash)
{
    bytes_get(reader, hash->bytes, sizeof(hash->bytes));
    refuse_unless(reader, !reader->failed && !parts_hash_is_zero(hash));
}

static void put_account(struct bytes_writer *writer, const struct access_account *account)
{
    bytes_put_u16(writer, account->id);
    bytes_put_text(writer, account->name);
    bytes_put_text(writer, account->title);
    bytes_put_u8(writer, account->role);
    bytes_put_u8(writer, account->must_change);
    bytes_put_u8(writer, account->has_pin);
    bytes_put_u8(writer, account->has_totp);
    bytes_put_u32(writer, account->revision);
    bytes_put_u32(writer, account->epoch);
    bytes_put_u32(writer, account->revoked);
    bytes_put_u32(writer, account->restored);
    bytes_put_u16(writer, account->failures);
    bytes_put_u16(writer, account->pin_failures);
    bytes_put_i64(writer, account->failed_ms);
    bytes_put_i64(writer, account->pin_failed_ms);
    bytes_put_i64(writer, account->signed_in_ms);
    bytes_put(writer, account->address, sizeof(account->address));
    bytes_put_u64(writer, account->totp_step);
    bytes_put_u16(writer, account->codes_used);
    bytes_put_u64(writer, account->changed_lsn);
    bytes_put_blob16(writer, account->secret, account->secret_bytes);
}

static void get_account(struct bytes_reader *reader, struct access_account *account)
{
    const uint8_t *secret;
    size_t secret_bytes = 0;

    account->id = get_id(reader);
    get_text(reader, account->name, sizeof(account->name));
    get_text(reader, account->title, sizeof(account->title));
    account->role = bytes_get_u8(reader);
    account->must_change = get_flag(reader);
    account->has_pin = get_flag(reader);
    account->has_totp = get_flag(reader);
    account->revision = bytes_get_u32(reader);
    account->epoch = bytes_get_u32(reader);
    account->revoked = bytes_get_u32(reader);
    account->restored = bytes_get_u32(reader);
    account->failures = bytes_get_u16(reader);
    account->pin_failures = bytes_get_u16(reader);
    account->failed_ms = bytes_get_i64(reader);
    account->pin_failed_ms = bytes_get_i64(reader);
    account->signed_in_ms = bytes_get_i64(reader);
    bytes_get(reader, account->address, sizeof(account->address));
    account->totp_step = bytes_get_u64(reader);
    account->codes_used = bytes_get_u16(reader);
    account->changed_lsn = bytes_get_u64(reader);
    secret = bytes_take_blob16(reader, &secret_bytes);
    refuse_unless(reader, secret != NULL && secret_bytes <= ACCESS_SECRET_BYTES_MAX &&
                              account->id != 0 && access_judge_name(account->name) == ACCESS_OK &&
                              access_role_is_person((enum access_role)account->role) &&
                              account->codes_used < 1U << ACCESS_CODES);
    if (!reader->failed) {
        memcpy(account->secret, secret, secret_bytes);
        account->secret_bytes = (uint16_t)secret_bytes;
    }
}

static void put_device(struct bytes_writer *writer, const struct access_device *device)
{
    bytes_put_u16(writer, device->id);
    bytes_put_u8(writer, device->role);
    bytes_put_u16(writer, device->counter);
    bytes_put_text(writer, device->title);
    put_hash(writer, &device->token);
    bytes_put_u8(writer, device->revoked);
    bytes_put_u16(writer, device->by);
    bytes_put_i64(writer, device->paired_ms);
    bytes_put_u64(writer, device->changed_lsn);
}

static void get_device(struct bytes_reader *reader, struct access_device *device)
{
    device->id = get_id(reader);
    device->role = bytes_get_u8(reader);
    device->counter = bytes_get_u16(reader);
    get_text(reader, device->title, sizeof(device->title));
    get_hash(reader, &device->token);
    device->revoked = get_flag(reader);
    device->by = get_id(reader);
    device->paired_ms = bytes_get_i64(reader);
    device->changed_lsn = bytes_get_u64(reader);
    refuse_unless(reader, device->id != 0 && access_role_is_device((enum access_role)device->role));
}

static void put_session(struct bytes_writer *writer, const struct access_session *session)
{
    put_hash(writer, &session->token);
    bytes_put_u16(writer, session->account);
    bytes_put_u16(writer, session->device);
    bytes_put_u8(writer, session->program);
    bytes_put_u8(writer, session->ended);
    bytes_put_u32(writer, session->epoch);
    bytes_put_i64(writer, session->began_ms);
    bytes_put_i64(writer, session->seen_ms);
    bytes_put_u64(writer, session->changed_lsn);
}

static void get_session(struct bytes_reader *reader, struct access_session *session)
{
    get_hash(reader, &session->token);
    session->account = get_id(reader);
    session->device = get_id(reader);
    session->program = get_flag(reader);
    session->ended = get_flag(reader);
    session->epoch = bytes_get_u32(reader);
    session->began_ms = bytes_get_i64(reader);
    session->seen_ms = bytes_get_i64(reader);
    session->changed_lsn = bytes_get_u64(reader);
    refuse_unless(reader, session->account != 0);
}

static void put_throttle(struct bytes_writer *writer, const struct access_throttle *throttle)
{
    bytes_put(writer, throttle->who, sizeof(throttle->who));
    bytes_put_u16(writer, throttle->failures);
    bytes_put_i64(writer, throttle->failed_ms);
    bytes_put_u64(writer, throttle->changed_lsn);
}

static void get_throttle(struct bytes_reader *reader, struct access_throttle *throttle)
{
    bytes_get(reader, throttle->who, sizeof(throttle->who));
    throttle->failures = bytes_get_u16(reader);
    throttle->failed_ms = bytes_get_i64(reader);
    throttle->changed_lsn = bytes_get_u64(reader);
}

static void put_answer(struct bytes_writer *writer, const struct access_answer *answer)
{
    bytes_put(writer, answer->key.bytes, sizeof(answer->key.bytes));
    bytes_put_u64(writer, answer->asked);
    bytes_put_u8(writer, answer->action);
    bytes_put_u16(writer, answer->subject);
    bytes_put_u64(writer, answer->changed_lsn);
}

static void get_answer(struct bytes_reader *reader, struct access_answer *answer)
{
    bytes_get(reader, answer->key.bytes, sizeof(answer->key.bytes));
    answer->asked = bytes_get_u64(reader);
    answer->action = bytes_get_u8(reader);
    answer->subject = get_id(reader);
    answer->changed_lsn = bytes_get_u64(reader);
    refuse_unless(reader, !ids_token_is_zero(&answer->key) && answer->action != 0 &&
                              answer->action < ACCESS_ACTION_END);
}

size_t access_row_key(const struct access_row *row, uint8_t key[32])
{
    struct bytes_writer writer = bytes_writer_over(key, 32);

    bytes_put_u8(&writer, row->kind);
    switch ((enum access_row_kind)row->kind) {
    case ACCESS_ROW_ACCOUNT:
        bytes_put_u16(&writer, row->account.id);
        break;
    case ACCESS_ROW_DEVICE:
        bytes_put_u16(&writer, row->device.id);
        break;
    case ACCESS_ROW_SESSION: /* 128 bits of a hash of chance name it well enough */
        bytes_put(&writer, row->session.token.bytes, IDS_TOKEN_BYTES);
        break;
    case ACCESS_ROW_THROTTLE:
        bytes_put(&writer, row->throttle.who, sizeof(row->throttle.who));
        break;
    case ACCESS_ROW_ANSWER:
        bytes_put(&writer, row->answer.key.bytes, sizeof(row->answer.key.bytes));
        break;
    }
    CHECK(!writer.failed);
    return writer.len_bytes;
}

static void put_row(struct bytes_writer *writer, const struct access_row *row)
{
    bytes_put_u8(writer, FORMAT_VERSION);
    bytes_put_u8(writer, row->kind);
    bytes_put_u8(writer, row->gone);
    switch ((enum access_row_kind)row->kind) {
    case ACCESS_ROW_ACCOUNT:
        put_account(writer, &row->account);
        return;
    case ACCESS_ROW_DEVICE:
        put_device(writer, &row->device);
        return;
    case ACCESS_ROW_SESSION:
        put_session(writer, &row->session);
        return;
    case ACCESS_ROW_THROTTLE:
        put_throttle(writer, &row->throttle);
        return;
    case ACCESS_ROW_ANSWER:
        put_answer(writer, &row->answer);
        return;
    }
    writer->failed = true;
}

size_t access_row_encode(const struct access_row *row, uint8_t *bytes, size_t capacity_bytes)
{
    struct bytes_writer writer = bytes_writer_over(bytes, capacity_bytes);

    put_row(&writer, row);
    return writer.failed ? 0 : writer.len_bytes;
}

static void get_row(struct bytes_reader *reader, struct access_row *row)
{
    memset(row, 0, sizeof(*row));
    refuse_unless(reader, bytes_get_u8(reader) == FORMAT_VERSION);
    row->kind = bytes_get_u8(reader);
    row->gone = get_flag(reader);
    switch ((enum access_row_kind)row->kind) {
    case ACCESS_ROW_ACCOUNT:
        get_account(reader, &row->account);
        return;
    case ACCESS_ROW_DEVICE:
        get_device(reader, &row->device);
        return;
    case ACCESS_ROW_SESSION:
        get_session(reader, &row->session);
        return;
    case ACCESS_ROW_THROTTLE:
        get_throttle(reader, &row->throttle);
        return;
    case ACCESS_ROW_ANSWER:
        get_answer(reader, &row->answer);
        return;
    }
    reader->failed = true;
}

bool access_row_decode(const uint8_t *bytes, size_t len_bytes, struct access_row *ret_row)
{
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);
    struct access_row row;

    get_row(&reader, &row);
    if (!bytes_finished(&reader)) {
        return false;
    }
    *ret_row = row;
    return true;
}

size_t access_change_encode(const struct access_change *change, uint8_t *bytes,
                            size_t capacity_bytes)
{
    struct bytes_writer writer = bytes_writer_over(bytes, capacity_bytes);

    bytes_put_u8(&writer, FORMAT_VERSION);
    bytes_put_u8(&writer, change->action);
    bytes_put_u8(&writer, change->reason);
    bytes_put_u8(&writer, change->role);
    bytes_put_u16(&writer, change->by_account);
    bytes_put_u16(&writer, change->by_device);
    bytes_put_u16(&writer, change->subject);
    bytes_put_u8(&writer, change->right);
    bytes_put(&writer, change->address, sizeof(change->address));
    bytes_put_u8(&writer, change->row_count);
    for (size_t i = 0; i < change->row_count && i < ACCESS_CHANGE_ROWS_MAX; i++) {
        uint8_t row[ACCESS_ROW_BYTES_MAX];
        size_t row_bytes = access_row_encode(&change->rows[i], row, sizeof(row));

        writer.failed = writer.failed || row_bytes == 0;
        bytes_put_blob16(&writer, row, row_bytes);
    }
    return writer.failed ? 0 : writer.len_bytes;
}

bool access_change_decode(const uint8_t *bytes, size_t len_bytes, struct access_change *ret_change)
{
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);
    struct access_change change = {0};

    refuse_unless(&reader, bytes_get_u8(&reader) == FORMAT_VERSION);
    change.action = bytes_get_u8(&reader);
    change.reason = bytes_get_u8(&reader);
    change.role = bytes_get_u8(&reader);
    change.by_account = get_id(&reader);
    change.by_device = get_id(&reader);
    change.subject = get_id(&reader);
    change.right = bytes_get_u8(&reader);
    bytes_get(&reader, change.address, sizeof(change.address));
    change.row_count = bytes_get_u8(&reader);
    refuse_unless(
        &reader, change.action >= ACCESS_SIGN_IN_PASSWORD && change.action < ACCESS_ACTION_END &&
                     change.reason < ACCESS_REASON_END && change.role < ACCESS_ROLE_END &&
                     change.right < ACCESS_RIGHT_END && change.row_count <= ACCESS_CHANGE_ROWS_MAX);
    for (size_t i = 0; !reader.failed && i < change.row_count; i++) {
        size_t row_bytes = 0;
        const uint8_t *row = bytes_take_blob16(&reader, &row_bytes);

        refuse_unless(&reader, row != NULL && access_row_decode(row, row_bytes, &change.rows[i]));
    }
    if (!bytes_finished(&reader)) {
        return false;
    }
    *ret_change = change;
    return true;
}
