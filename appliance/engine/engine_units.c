/*
 * Which two boxes are the pair (DESIGN 3 rules 3 and 11, docs/adr/0009).
 *
 * A unit is its id and its hardware. The site file names two places; who stands there has the id that the
 * newest term gave to its hardware. A place becomes free when two people enter the serial of the unit that
 * stood there and "it is off and in my hands", or when that unit said farewell (retire, while PAIRED). The
 * next blank unit takes it, under an id that the serving unit gives from its own reserve; hardware that was
 * retired before does so only when the two people have said it twice.
 * Retired is for ever: by entries here, by the unit's own record there. What a retired unit still holds alone
 * is adopted when it is heard of again; then it is blank.
 */
#include "appliance/engine/engine_internal.h"

#include "base/check.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

enum {
    PAYLOAD_VERSION = 1,
    PAYLOAD_BYTES_MAX = 256,
    SWORN_MS = 10 * 60 * 1000, /* the second person follows within so long */
};

/* ---- what the ledger says ------------------------------------------------------------------------- */

static bool same_unit(const struct duty_unit_name *a, const struct duty_unit_name *b)
{
    return a->unit == b->unit && ids_token_equal(&a->hardware, &b->hardware);
}

static bool is_retired(const struct engine *engine, const struct duty_unit_name *name)
{
    for (size_t i = 0; i < DUTY_RETIRED_MAX; i++) {
        if (engine->state.retired[i].unit != 0 && same_unit(&engine->state.retired[i], name)) {
            return true;
        }
    }
    return false;
}

/* The newest stand first; whom nobody remembers is unknown, and as little met. */
static void retire(struct engine *engine, const struct duty_unit_name *name)
{
    struct duty_unit_name *list = engine->state.retired;

    if (!is_retired(engine, name)) {
        memmove(list + 1, list, (DUTY_RETIRED_MAX - 1) * sizeof(*list));
        list[0] = *name;
    }
}

void units_fold_term(struct engine *engine, const struct duty_term *before,
                     const struct duty_term *term)
{
    for (int i = 0; i < 2; i++) {
        const struct duty_unit_name *name = &before->units[i];

        if (name->unit != 0 && !same_unit(name, &term->units[0]) &&
            !same_unit(name, &term->units[1])) {
            retire(engine, name);
        }
    }
    engine->state.given_id = 0;
    engine->state.given_to_retired = false;
    engine->state.sworn = (struct unit_sworn){0};
}

int units_fold(struct engine *engine, const struct entry *entry, const uint8_t *payload,
               size_t len_bytes)
{
    struct bytes_reader reader = bytes_reader_over(payload, len_bytes);
    struct unit_sworn sworn = {.wall_ms = entry->wall_ms};
    uint8_t version = bytes_get_u8(&reader);
    uint8_t step = bytes_get_u8(&reader);
    uint32_t given_id;
    char serial[UNIT_PERSON_BYTES];

    sworn.name.unit = bytes_get_u32(&reader);
    bytes_get(&reader, sworn.name.hardware.bytes, IDS_TOKEN_BYTES);
    given_id = bytes_get_u32(&reader);
    bytes_get_text(&reader, serial, sizeof(serial));
    bytes_get_text(&reader, sworn.person, sizeof(sworn.person));
    if (version != PAYLOAD_VERSION || !bytes_finished(&reader) || step < UNIT_SWORN ||
        step > UNIT_RETIRED) {
        return -EBADMSG;
    }
    if (step == UNIT_SWORN) {
        engine->state.sworn = sworn;
        return 0;
    }
    engine->state.sworn = (struct unit_sworn){0};
    engine->state.given_id = given_id;
    engine->state.given_to_retired =
        step == UNIT_APPROVED && is_retired(engine, &sworn.name); /* said again */
    retire(engine, &sworn.name);
    return 0;
}

void units_put_checkpoint(const struct engine *engine, struct bytes_writer *writer)
{
    bytes_put_u32(writer, engine->state.given_id);
    bytes_put_u8(writer, engine->state.given_to_retired ? 1 : 0);
    for (size_t i = 0; i < DUTY_RETIRED_MAX; i++) {
        bytes_put_u32(writer, engine->state.retired[i].unit);
        bytes_put(writer, engine->state.retired[i].hardware.bytes, IDS_TOKEN_BYTES);
    }
}

void units_get_checkpoint(struct engine *engine, struct bytes_reader *reader)
{
    engine->state.given_id = bytes_get_u32(reader);
    engine->state.given_to_retired = bytes_get_u8(reader) != 0;
    for (size_t i = 0; i < DUTY_RETIRED_MAX; i++) {
        engine->state.retired[i].unit = bytes_get_u32(reader);
        bytes_get(reader, engine->state.retired[i].hardware.bytes, IDS_TOKEN_BYTES);
    }
}

/* ---- who we are -------------------------------------------------------------------------------------- */

static const struct duty_unit_name *named_here(const struct engine *engine)
{
    for (int i = 0; i < 2; i++) {
        const struct duty_unit_name *name = &engine->state.term.units[i];

        if (name->unit != 0 && ids_token_equal(&name->hardware, &engine->options.duty.hardware)) {
            return name;
        }
    }
    return NULL;
}

bool units_disk_is_anothers(const struct engine *engine)
{
    return engine->state.term.number != 0 && named_here(engine) == NULL;
}

void units_identify(struct engine *engine)
{
    struct duty_options *duty = &engine->options.duty;
    const struct duty_unit_name *here = named_here(engine);

    duty->unit = here != NULL               ? here->unit
                 : engine->record.unit != 0 ? engine->record.unit
                                            : duty->place;
    duty->peer_unit = duty->peer_place;
    for (int i = 0; i < 2; i++) {
        const struct duty_unit_name *name = &engine->state.term.units[i];

        if (name->unit != 0 && name != here && name->unit != duty->unit) {
            duty->peer_unit = name->unit;
        }
    }
}

void units_tell(const struct engine *engine, struct duty_event *event)
{
    event->ledger.unit = engine->options.duty.unit;
    event->ledger.peer_unit = engine->options.duty.peer_unit;
    event->ledger.given_id = engine->state.given_id;
    event->ledger.given_to_retired = engine->state.given_to_retired;
    event->ledger.self_retired = engine->record.retired && !engine_is_blank(engine);
    memcpy(event->ledger.retired, engine->state.retired, sizeof(event->ledger.retired));
}

/* ---- what people say ----------------------------------------------------------------------------------- */

static void append(struct engine *engine, enum unit_step step, const struct duty_unit_name *name,
                   uint32_t given_id, const struct unit_words *words, uint32_t actor)
{
    uint8_t payload[PAYLOAD_BYTES_MAX];
    struct bytes_writer writer = bytes_writer_over(payload, sizeof(payload));

    bytes_put_u8(&writer, PAYLOAD_VERSION);
    bytes_put_u8(&writer, (uint8_t)step);
    bytes_put_u32(&writer, name->unit);
    bytes_put(&writer, name->hardware.bytes, IDS_TOKEN_BYTES);
    bytes_put_u32(&writer, given_id);
    bytes_put_text(&writer, words->serial);
    bytes_put_text(&writer, words->person);
    CHECK(!writer.failed);
    (void)engine_append(engine, ENTRY_UNIT, payload, writer.len_bytes, false, actor, NULL);
}

static bool take_line(const char **text, char *line, size_t capacity_bytes)
{
    size_t len_bytes = strcspn(*text, "\n");

    if (len_bytes == 0 || len_bytes >= capacity_bytes) {
        return false;
    }
    memcpy(line, *text, len_bytes);
    line[len_bytes] = '\0';
    *text += len_bytes + ((*text)[len_bytes] == '\n' ? 1 : 0);
    return true;
}

bool units_words_from_text(const char *text, struct unit_words *ret_words)
{
    struct unit_words words = {0};
    char oath[sizeof(API_UNIT_OATH) + 1];

    if (!take_line(&text, words.serial, sizeof(words.serial)) ||
        !take_line(&text, words.person, sizeof(words.person))) {
        return false;
    }
    words.off_and_in_my_hands =
        take_line(&text, oath, sizeof(oath)) && strcmp(oath, API_UNIT_OATH) == 0;
    *ret_words = words;
    return *text == '\0';
}

/* The partner that the newest term names, when it has this serial. */
static enum unit_answer find_partner(const struct engine *engine, const struct unit_words *words,
                                     struct duty_unit_name *ret_name)
{
    struct duty_unit_name name = {0};
    struct ids_hash hash;

    crypto_hash(engine->crypto, words->serial, strlen(words->serial), NULL, 0, &hash);
    memcpy(name.hardware.bytes, hash.bytes, sizeof(name.hardware.bytes));
    if (ids_token_equal(&name.hardware, &engine->options.duty.hardware)) {
        return UNIT_ANSWER_ITSELF;
    }
    for (int i = 0; i < 2; i++) {
        name.unit = engine->state.term.units[i].unit;
        if (name.unit != 0 && same_unit(&name, &engine->state.term.units[i])) {
            *ret_name = name;
            return UNIT_ANSWER_OK;
        }
    }
    return UNIT_ANSWER_NO_SUCH_SERIAL;
}

/* Ours by the newest term: the first of them, because whoever joins makes the next term reserve others. */
static uint32_t next_id(const struct engine *engine)
{
    const struct duty_term *term = &engine->state.term;

    for (int i = 0; i < 2; i++) {
        if (ids_token_equal(&term->units[i].hardware, &engine->options.duty.hardware)) {
            return term->reserved_ids[i];
        }
    }
    return 0;
}

static bool partner_is_here(const struct engine *engine, const struct duty_unit_name *name)
{
    const struct duty *duty = &engine->duty;

    return duty->agreed && !duty->peer.blank && duty->peer.unit == name->unit &&
           ids_token_equal(&duty->peer.hardware, &name->hardware);
}

/* Two people, each by a request of his own: the first is written down, the second one's does it. */
static enum unit_answer say(struct engine *engine, enum unit_step step,
                            const struct duty_unit_name *name, const struct unit_words *words,
                            uint32_t actor)
{
    const struct unit_sworn *sworn = &engine->state.sworn;
    bool second = same_unit(&sworn->name, name) && engine->wall_ms >= sworn->wall_ms &&
                  engine->wall_ms - sworn->wall_ms <= SWORN_MS;

    if (second && strcasecmp(sworn->person, words->person) == 0) {
        return UNIT_ANSWER_SAME_PERSON;
    }
    append(engine, second ? step : UNIT_SWORN, name, second ? next_id(engine) : 0, words, actor);
    return second ? UNIT_ANSWER_OK : UNIT_ANSWER_FIRST;
}

enum unit_answer units_approve(struct engine *engine, const struct unit_words *words,
                               uint32_t actor)
{
    enum duty_state state = engine->duty.state;
    struct duty_unit_name name;
    enum unit_answer answer;

    if ((state != DUTY_ALONE && state != DUTY_WAITING) || engine_is_swapping(engine) ||
        engine_is_blank(engine) || engine->duty.word.retired || next_id(engine) == 0) {
        return UNIT_ANSWER_NOT_NOW;
    }
    answer = find_partner(engine, words, &name);
    if (answer != UNIT_ANSWER_OK) {
        return answer;
    }
    if (partner_is_here(engine, &name)) {
        return UNIT_ANSWER_CONNECTED;
    }
    if (!words->off_and_in_my_hands) {
        return UNIT_ANSWER_NO_OATH;
    }
    return say(engine, UNIT_APPROVED, &name, words, actor);
}

enum unit_answer units_retire(struct engine *engine, const struct unit_words *words, uint32_t actor)
{
    struct duty_unit_name name;
    enum unit_answer answer;

    if (engine->duty.state != DUTY_PAIRED_DUTY || engine->holding || next_id(engine) == 0) {
        return UNIT_ANSWER_NOT_NOW;
    }
    answer = find_partner(engine, words, &name);
    return answer == UNIT_ANSWER_OK ? say(engine, UNIT_RETIRED, &name, words, actor) : answer;
}

/* ---- every turn ------------------------------------------------------------------------------------------ */

/* As good as new: another id, another letter. Of its terms it remembers that they were. */
void units_forget(struct engine *engine)
{
    engine->record = (struct engine_record){.hardware = engine->record.hardware,
                                            .term = engine->record.term,
                                            .replaced_term = engine->record.term};
}

/* The spare reads of its own farewell; anybody may hear of being replaced. Either way it is durable here. */
static void note_own_end(struct engine *engine)
{
    struct duty_unit_name self = {.unit = engine->options.duty.unit,
                                  .hardware = engine->options.duty.hardware};
    bool farewell = engine->duty.state == DUTY_PAIRED_SPARE && is_retired(engine, &self);

    if (engine_is_swapping(engine)) {
        return; /* what it was is being forgotten just now */
    }
    if (engine->record.retired &&
        engine_is_blank(engine)) { /* died before its record was written */
        units_forget(engine);
        engine->record_dirty = true;
    }
    if (!engine->record.retired && !engine_is_blank(engine) &&
        (farewell || engine->duty.word.retired)) {
        engine_log(engine, "this unit is retired: %s",
                   farewell ? "it was told so by the ledger" : "the other unit's ledger says so");
        engine->record.retired = true;
        engine->record_dirty = true;
        engine->told_once = false;
    }
}

/* A retired unit that speaks to us: what only it holds is adopted, once, then it may forget everything. */
static bool wants_salvage(const struct engine *engine)
{
    const struct duty *duty = &engine->duty;
    bool source = (duty->state == DUTY_ALONE || duty->state == DUTY_WAITING) &&
                  duty_peer_is_retired(duty) && duty->peer.retired &&
                  duty->peer.state == DUTY_STOPPED && !duty->word.retired &&
                  !engine_is_blank(engine);
    bool other = duty->state == DUTY_STOPPED && engine->record.retired && duty->word.retired &&
                 !engine_is_blank(engine) && duty->peer.peer_retired;

    return duty->agreed && (source || other);
}

/* A tail is read when all of it is durable, also that of a unit that stopped in the middle of a batch. */
static bool may_salvage(const struct engine *engine)
{
    bool durable = !engine->in_flight && engine->durable_lsn == engine->last_lsn;

    return engine->meeting.role == MEETING_NONE && !engine_is_swapping(engine) &&
           (engine->duty.state != DUTY_STOPPED || durable);
}

void units_turn(struct engine *engine)
{
    bool wanted;

    note_own_end(engine);
    wanted = wants_salvage(engine);
    if (engine->meeting.salvage && !wanted) {
        meeting_end(engine);
    }
    if (wanted && may_salvage(engine)) {
        meeting_begin(engine, engine->duty.state == DUTY_STOPPED ? MEETING_OTHER : MEETING_SOURCE);
        engine->meeting.salvage = true;
    }
}
