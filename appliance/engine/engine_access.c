/*
 * Accounts, devices and sessions as rows of the ledger, and the question that every request is asked: may whoever
 * sent it do this? What may be done is appliance/access's to say; here requests are translated into rights.
 *
 * A checkpoint is preceded by images: entries that carry every row. The fold begins at the first of them, and the
 * checkpoint says how many there are, so that half of them is never taken for the whole.
 */
#include "appliance/engine/engine_internal.h"

#include "base/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    ACTOR_ACCOUNT = 1,
    ACTOR_DEVICE = 2,
    ACTOR_FORM_SHIFT = 30,
    ACTOR_SUBJECT_SHIFT = 16,
    DENIALS_PER_MINUTE = 20,
    DENIALS_MS = 60 * 1000,
};

_Static_assert((int)ACCESS_SUBJECT_MAX < 1 << (ACTOR_FORM_SHIFT - ACTOR_SUBJECT_SHIFT),
               "who asks fits into an entry's actor");
_Static_assert((int)API_ACCOUNT_BYTES == (int)ACCESS_NAME_BYTES &&
                   (int)API_TITLE_BYTES == (int)ACCESS_TITLE_BYTES &&
                   (int)API_ADDRESS_BYTES == (int)ACCESS_ADDRESS_BYTES,
               "the socket and the rows speak of the same");

/* ---- entries -------------------------------------------------------------------------------------- */

uint64_t access_append(struct engine *engine, const struct access_change *change, uint32_t actor)
{
    uint8_t payload[ACCESS_CHANGE_BYTES_MAX];
    size_t len_bytes = access_change_encode(change, payload, sizeof(payload));

    CHECK(len_bytes > 0);
    return engine_append(engine, ENTRY_ACCESS, payload, len_bytes, false, actor, NULL);
}

/* While our own fold says the same, images are only counted. */
static int fold_image(struct engine *engine, const struct access_change *change)
{
    bool gathers = !engine->state.sound || !engine->started;

    if (change->subject == 0) {
        engine->state.image_count = 0;
        free(engine->access_images);
        engine->access_images = gathers ? calloc(1, sizeof(*engine->access_images)) : NULL;
        CHECK_GIVEN(!gathers || engine->access_images != NULL);
    }
    if (change->subject != engine->state.image_count) {
        return -EBADMSG;
    }
    engine->state.image_count++;
    return engine->access_images == NULL || access_apply(engine->access_images, change, NULL, NULL)
               ? 0
               : -EBADMSG;
}

int access_fold(struct engine *engine, const uint8_t *payload, size_t len_bytes)
{
    struct access_change change;

    if (!access_change_decode(payload, len_bytes, &change)) {
        return -EBADMSG;
    }
    if (change.action == ACCESS_IMAGE) {
        return fold_image(engine, &change);
    }
    engine->state.image_count = 0;
    if (!engine->state.sound) {
        return 0; /* old rows are walked by, until a checkpoint */
    }
    return access_apply(engine->access, &change, rows_access_touched, engine) ? 0 : -EBADMSG;
}

struct imaging {
    struct engine *engine;
    struct access_change change;
    uint16_t count;
};

static void flush_image(struct imaging *imaging)
{
    imaging->change.action = ACCESS_IMAGE;
    imaging->change.subject = imaging->count++;
    (void)access_append(imaging->engine, &imaging->change, 0);
    imaging->change.row_count = 0;
}

static void image_row(void *context, const struct access_row *before,
                      const struct access_row *after)
{
    struct imaging *imaging = context;

    (void)before;
    imaging->change.rows[imaging->change.row_count++] = *after;
    if (imaging->change.row_count == ACCESS_CHANGE_ROWS_MAX) {
        flush_image(imaging);
    }
}

uint16_t access_append_images(struct engine *engine)
{
    struct imaging *imaging = calloc(1, sizeof(*imaging));
    uint16_t count;

    CHECK_GIVEN(imaging != NULL);
    imaging->engine = engine;
    access_for_each_row(engine->access, image_row, imaging);
    if (imaging->change.row_count > 0) {
        flush_image(imaging);
    }
    count = imaging->count;
    free(imaging);
    return count;
}

void access_fold_checkpoint(struct engine *engine, uint64_t lsn)
{
    engine->state.checkpoint_images = engine->state.image_count;
    engine->state.checkpoint_lsn = lsn - engine->state.image_count;
    engine->state.image_count = 0; /* they belong to this one alone */
}

bool access_restore(struct engine *engine, uint16_t images)
{
    bool whole =
        engine->state.checkpoint_images == images && (images == 0 || engine->access_images != NULL);

    if (whole && images == 0) {
        access_init(engine->access);
    } else if (whole) {
        memcpy(engine->access, engine->access_images, sizeof(*engine->access));
    }
    free(engine->access_images);
    engine->access_images = NULL;
    if (whole) {
        access_for_each_row(engine->access, rows_access_seen, engine);
    }
    return whole;
}

/* ---- who, and may he -------------------------------------------------------------------------------- */

void access_who(const struct engine *engine, const struct api_from *from,
                struct access_who *ret_who)
{
    if (from->via == API_VIA_LOCAL) {
        *ret_who = (struct access_who){.role = ACCESS_LOCAL};
    } else {
        access_identify(engine->access, &from->token, engine->wall_ms, ret_who);
    }
}

bool access_is_anyone(const struct engine *engine, const struct api_from *from)
{
    struct access_who who;

    access_who(engine, from, &who);
    return who.role == ACCESS_ANYONE;
}

uint32_t access_actor(const struct engine *engine, const struct api_request *request, uint8_t kind,
                      uint16_t number)
{
    struct access_who who;

    access_who(engine, &request->from, &who);
    if (who.account != 0) {
        return (uint32_t)ACTOR_ACCOUNT << ACTOR_FORM_SHIFT |
               (uint32_t)who.account << ACTOR_SUBJECT_SHIFT | number;
    }
    if (who.device != 0) {
        return (uint32_t)ACTOR_DEVICE << ACTOR_FORM_SHIFT |
               (uint32_t)who.device << ACTOR_SUBJECT_SHIFT | number;
    }
    return (uint32_t)kind << ACTOR_SUBJECT_SHIFT | number;
}

void access_actor_name(const struct engine *engine, uint32_t actor, char name[ACCESS_TITLE_BYTES])
{
    uint16_t subject = (uint16_t)(actor >> ACTOR_SUBJECT_SHIFT &
                                  ((1U << (ACTOR_FORM_SHIFT - ACTOR_SUBJECT_SHIFT)) - 1));
    const struct access_account *account = access_account_by_id(engine->access, subject);
    const struct access_device *device = access_device_by_id(engine->access, subject);

    name[0] = '\0';
    if (actor >> ACTOR_FORM_SHIFT == ACTOR_ACCOUNT && account != NULL) {
        memcpy(name, account->title, ACCESS_TITLE_BYTES);
        if (name[0] == '\0') {
            memcpy(name, account->name, sizeof(account->name));
        }
    } else if (actor >> ACTOR_FORM_SHIFT == ACTOR_DEVICE && device != NULL) {
        memcpy(name, device->title, ACCESS_TITLE_BYTES);
    }
}

/* Whose counter it is about: the one that is named, else the one that has the ticket; any, when none has it. */
static uint16_t counter_of(const struct engine *engine, const struct api_request *request,
                           const struct access_who *who)
{
    const struct queue_ticket *ticket;

    if (request->type == API_READ) {
        return request->read.what == API_READ_COUNTER ? request->read.number : 0;
    }
    if (request->type != API_COMMAND) {
        return request->type == API_ACCESS ? request->access.counter : 0;
    }
    if (request->command.counter != 0) {
        return request->command.counter;
    }
    ticket = queue_ticket_find(engine->queue, &request->command.ticket);
    return ticket != NULL && ticket->counter != 0 ? ticket->counter : who->counter;
}

/* In the ledger: who tried what. Not of strangers, and not more than a few a minute. */
static bool note_denial(struct engine *engine, const struct api_request *request,
                        const struct access_who *who, enum access_right right,
                        enum access_reason reason)
{
    struct access_change change = {.action = ACCESS_DENIED,
                                   .reason = (uint8_t)reason,
                                   .role = (uint8_t)who->role,
                                   .by_account = who->account,
                                   .by_device = who->device,
                                   .right = (uint8_t)right};

    if (who->role == ACCESS_ANYONE || !engine_serves(engine)) {
        return false;
    }
    if (engine->denials.count == 0 || engine->now_ms - engine->denials.since_ms >= DENIALS_MS) {
        engine->denials.since_ms = engine->now_ms;
        engine->denials.count = 0;
    }
    if (engine->denials.count++ >= DENIALS_PER_MINUTE) {
        return false;
    }
    memcpy(change.address, request->from.address, sizeof(change.address));
    (void)access_append(engine, &change, access_actor(engine, request, 0, 0));
    return true;
}

/* What a page asks for by itself, again and again, keeps nobody signed in who has left it open. */
static bool is_use(const struct api_request *request)
{
    switch ((enum api_type)request->type) {
    case API_READ:
        return request->read.what == API_READ_EXPLAIN || request->read.what == API_READ_LEDGER ||
               request->read.what == API_READ_CALENDAR;
    case API_ACCESS:
        return request->access.what != API_ACCESS_CHECK && request->access.what != API_ACCESS_WHO;
    case API_COMMAND:
    case API_CONTROL:
    case API_SITE:
        return true;
    case API_SUBSCRIBE:
    case API_BOARDS:
    case API_RELAY:
    case API_RELAY_ERASED:
    case API_REPLY:
    case API_EVENT:
    case API_STATE:
    case API_REVOKED:
    case API_PRINTERS:
    case API_PRINT_DONE:
    case API_PRINT:
        break;
    }
    return false;
}

/* A session in use does not end by rest; written seldom. */
static void note_use(struct engine *engine, const struct api_request *request)
{
    struct access_command command = {.action = ACCESS_SEEN,
                                     .at_ms = engine->wall_ms,
                                     .token = request->from.token,
                                     .lsn = engine->last_lsn + 1};
    struct access_decision decision;

    memcpy(command.address, request->from.address, sizeof(command.address));
    access_decide(engine->access, &command, &decision);
    if (decision.reason == ACCESS_OK) {
        (void)access_append(engine, &decision.change, access_actor(engine, request, 0, 0));
    }
}

bool access_admits(struct engine *engine, uint64_t client, const struct api_request *request)
{
    enum access_right right = api_right_of(request);
    enum access_reason reason;
    struct access_who who;

    access_who(engine, &request->from, &who);
    reason =
        access_check(&who, right, counter_of(engine, request, &who), !engine->options.private_page);
    if (reason == ACCESS_OK) {
        if (who.seen_due && is_use(request) && engine_serves(engine)) {
            note_use(engine, request);
        }
        return true;
    }
    if (right == ACCESS_RIGHT_NONE && who.role == ACCESS_LOCAL) {
        return true; /* no such request: refused by whoever would do it */
    }
    people_refuse(engine, client, request->id, reason, 0,
                  note_denial(engine, request, &who, right, reason));
    return false;
}

/* At once: whoever asks again is judged by what is known here, durable or not. */
void access_turn(struct engine *engine)
{
    static const uint8_t frame[API_FRAME_HEADER_BYTES] = {0, 0, 0, API_FRAME_HEADER_BYTES - 4,
                                                          API_REVOKED};

    if (engine->access->revocations == engine->revocations_told) {
        return;
    }
    engine->revocations_told = engine->access->revocations;
    for (size_t i = 0; i < engine->client_count; i++) {
        engine->world.reply(engine->world.context, engine->clients[i], frame, sizeof(frame), NULL,
                            0);
    }
}
