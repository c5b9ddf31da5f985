/* What managers say of the day beside acceptance: the running text, what each counter serves, and the
 * hours of single dates. Levels, not edges: said twice is said once. */
#include "appliance/queue/queue.h"

#include "appliance/queue/queue_parts.h"
#include "base/check.h"

#include <string.h>

/* ---- the running text ------------------------------------------------------------------------ */

static bool texts_are_valid(const struct queue_command *command, size_t capacity_bytes)
{
    return memchr(command->text_ja, '\0', capacity_bytes) != NULL &&
           memchr(command->text_en, '\0', capacity_bytes) != NULL &&
           queue_text_is_valid(command->text_ja, capacity_bytes) &&
           queue_text_is_valid(command->text_en, capacity_bytes) &&
           (command->text_ja[0] != '\0' || command->text_en[0] == '\0');
}

static enum queue_reason decide_notice(const struct queue *queue,
                                       const struct queue_command *command,
                                       struct queue_change *change)
{
    struct queue_notice *after;

    if (!texts_are_valid(command, QUEUE_NOTICE_BYTES)) {
        return QUEUE_BAD_TEXT;
    }
    if (strcmp(queue->notice.ja, command->text_ja) == 0 &&
        strcmp(queue->notice.en, command->text_en) == 0) {
        return QUEUE_OK;
    }
    after = &queue_change_add(change, QUEUE_ROW_NOTICE)->notice;
    memcpy(after->ja, command->text_ja, strlen(command->text_ja));
    memcpy(after->en, command->text_en, strlen(command->text_en));
    after->changed_lsn = command->origin.lsn;
    return QUEUE_OK;
}

/* ---- what a counter serves --------------------------------------------------------------------- */

static void configured_tiers(const struct queue *queue, int counter_slot,
                             uint8_t tiers[QUEUE_CATEGORIES_MAX])
{
    const struct queue_counter_config *counter = &queue->config.counters[counter_slot];

    memset(tiers, 0, QUEUE_CATEGORIES_MAX);
    for (int i = 0; i < counter->category_count; i++) {
        int slot = queue_category_slot(queue, counter->categories[i].category);

        CHECK(slot >= 0 && slot < QUEUE_CATEGORIES_MAX);
        tiers[slot] = counter->categories[i].tier;
    }
}

void queue_set_tiers(struct queue *queue, int counter_slot)
{
    const struct queue_serves *serves = &queue->serves[counter_slot];
    uint8_t tiers[QUEUE_CATEGORIES_MAX] = {0};
    bool any = false;

    for (int i = 0; i < serves->count; i++) {
        int slot = queue_category_slot(queue, serves->items[i].category);

        if (slot >= 0) { /* another configuration may have taken it away */
            tiers[slot] = serves->items[i].tier;
            any = true;
        }
    }
    if (!any) {
        configured_tiers(queue, counter_slot, tiers);
    }
    memcpy(queue->tiers[counter_slot], tiers, sizeof(tiers));
}

uint8_t queue_counter_tier(const struct queue *queue, uint16_t counter, uint16_t category)
{
    int at = queue_counter_slot(queue, counter);
    int slot = queue_category_slot(queue, category);

    return at < 0 || slot < 0 ? 0 : queue->tiers[at][slot];
}

static enum queue_reason read_tiers(const struct queue *queue, const struct queue_command *command,
                                    uint8_t tiers[QUEUE_CATEGORIES_MAX])
{
    if (command->serves_count > QUEUE_COUNTER_CATEGORIES_MAX) {
        return QUEUE_BAD_SERVES;
    }
    memset(tiers, 0, QUEUE_CATEGORIES_MAX);
    for (int i = 0; i < command->serves_count; i++) {
        int slot = queue_category_slot(queue, command->serves[i].category);
        uint8_t tier = command->serves[i].tier;

        if (slot < 0) {
            return QUEUE_NO_SUCH_CATEGORY;
        }
        if (tiers[slot] != 0 || tier == 0 || tier > QUEUE_TIER_MAX) {
            return QUEUE_BAD_SERVES;
        }
        tiers[slot] = tier;
    }
    return QUEUE_OK;
}

/* By tier, then by category: one set has one form. */
static void write_items(const struct queue *queue, const uint8_t tiers[QUEUE_CATEGORIES_MAX],
                        struct queue_serves *serves)
{
    for (int tier = 1; tier <= QUEUE_TIER_MAX; tier++) {
        for (int id = 1; id <= QUEUE_CATEGORIES_MAX; id++) {
            int slot = queue_category_slot(queue, (uint16_t)id);

            if (slot >= 0 && tiers[slot] == tier && serves->count < QUEUE_COUNTER_CATEGORIES_MAX) {
                serves->items[serves->count++] =
                    (struct queue_serves_item){.category = (uint16_t)id, .tier = (uint8_t)tier};
            }
        }
    }
}

static enum queue_reason decide_serves(const struct queue *queue,
                                       const struct queue_command *command,
                                       struct queue_change *change)
{
    uint8_t wanted[QUEUE_CATEGORIES_MAX], usual[QUEUE_CATEGORIES_MAX];
    int slot = queue_counter_slot(queue, command->counter);
    struct queue_serves *after;
    enum queue_reason reason;

    if (slot < 0) {
        return QUEUE_NO_SUCH_COUNTER;
    }
    reason = read_tiers(queue, command, wanted);
    if (reason != QUEUE_OK) {
        return reason;
    }
    configured_tiers(queue, slot, usual);
    if (command->serves_count == 0) {
        memcpy(wanted, usual, sizeof(wanted));
    }
    if (memcmp(wanted, queue->tiers[slot], sizeof(wanted)) == 0) {
        return QUEUE_OK;
    }
    after = &queue_change_add(change, QUEUE_ROW_SERVES)->serves;
    after->counter = command->counter;
    after->changed_lsn = command->origin.lsn;
    if (memcmp(wanted, usual, sizeof(wanted)) != 0) {
        write_items(queue, wanted, after);
    }
    return QUEUE_OK;
}

/* ---- hours of a date ----------------------------------------------------------------------------- */

bool queue_hours_are_valid(const struct queue_hours *hours)
{
    if (hours->kind != QUEUE_HOURS_OPEN) {
        return hours->open_minute == 0 && hours->close_minute == 0;
    }
    return hours->open_minute < hours->close_minute && hours->close_minute <= QUEUE_MINUTES_A_DAY;
}

static const struct queue_hours *hours_said(const struct queue *queue, uint32_t date)
{
    for (int i = 0; i < QUEUE_HOURS_MAX; i++) {
        if (queue->hours[i].date == date && date != 0) {
            return &queue->hours[i];
        }
    }
    return NULL;
}

const struct queue_hours *queue_hours_find(const struct queue *queue, uint32_t date)
{
    const struct queue_hours *hours = hours_said(queue, date);

    return hours == NULL || hours->kind == QUEUE_HOURS_USUAL ? NULL : hours;
}

bool queue_put_hours(struct queue *queue, const struct queue_hours *hours)
{
    int at = 0;

    while (at < QUEUE_HOURS_MAX && queue->hours[at].date != 0 &&
           queue->hours[at].date < hours->date) {
        at++;
    }
    if (at == QUEUE_HOURS_MAX) {
        return false;
    }
    if (queue->hours[at].date != hours->date) {
        if (queue->hours[QUEUE_HOURS_MAX - 1].date != 0) {
            return false;
        }
        memmove(&queue->hours[at + 1], &queue->hours[at],
                (size_t)(QUEUE_HOURS_MAX - 1 - at) * sizeof(queue->hours[0]));
    }
    queue->hours[at] = *hours;
    return true;
}

static bool hours_are_same(const struct queue_hours *a, const struct queue_hours *b)
{
    return a->kind == b->kind && a->open_minute == b->open_minute &&
           a->close_minute == b->close_minute && strcmp(a->reason_ja, b->reason_ja) == 0 &&
           strcmp(a->reason_en, b->reason_en) == 0;
}

static enum queue_reason decide_hours(const struct queue *queue,
                                      const struct queue_command *command,
                                      struct queue_change *change)
{
    const struct queue_hours *before = hours_said(queue, command->date);
    struct queue_hours wanted = {
        .date = command->date,
        .kind = command->hours,
        .open_minute = command->open_minute,
        .close_minute = command->close_minute,
        .changed_lsn = command->origin.lsn,
    };

    if (!texts_are_valid(command, QUEUE_NAME_BYTES)) {
        return QUEUE_BAD_TEXT;
    }
    memcpy(wanted.reason_ja, command->text_ja, strlen(command->text_ja));
    memcpy(wanted.reason_en, command->text_en, strlen(command->text_en));
    if (wanted.kind > QUEUE_HOURS_OPEN || !queue_date_is_valid(wanted.date) ||
        wanted.date < queue->day.date || !queue_hours_are_valid(&wanted)) {
        return QUEUE_BAD_HOURS;
    }
    if (before == NULL ? wanted.kind == QUEUE_HOURS_USUAL : hours_are_same(before, &wanted)) {
        return QUEUE_OK;
    }
    if (before == NULL && queue->hours[QUEUE_HOURS_MAX - 1].date != 0) {
        return QUEUE_HOURS_FULL;
    }
    queue_change_add(change, QUEUE_ROW_HOURS)->hours = wanted;
    return QUEUE_OK;
}

enum queue_reason queue_decide_manage(const struct queue *queue,
                                      const struct queue_command *command,
                                      struct queue_change *change)
{
    if (command->action == QUEUE_SET_NOTICE) {
        return decide_notice(queue, command, change);
    }
    return command->action == QUEUE_SET_SERVES ? decide_serves(queue, command, change)
                                               : decide_hours(queue, command, change);
}

/* ---- the day ends --------------------------------------------------------------------------------- */

void queue_manage_close(struct queue *queue, uint64_t lsn, queue_touched_fn *touched, void *context)
{
    for (int slot = 0; slot < queue->config.counter_count; slot++) {
        struct queue_row before = {.kind = QUEUE_ROW_SERVES, .serves = queue->serves[slot]};
        struct queue_row after = {
            .kind = QUEUE_ROW_SERVES,
            .serves = {.counter = before.serves.counter, .changed_lsn = lsn},
        };

        if (before.serves.count != 0) {
            queue->serves[slot] = after.serves;
            queue_set_tiers(queue, slot);
            queue_tell(touched, context, &before, &after);
        }
    }
    if (queue->notice.ja[0] != '\0') {
        struct queue_row before = {.kind = QUEUE_ROW_NOTICE, .notice = queue->notice};
        struct queue_row after = {.kind = QUEUE_ROW_NOTICE, .notice = {.changed_lsn = lsn}};

        queue->notice = after.notice;
        queue_tell(touched, context, &before, &after);
    }
}

void queue_manage_forget_hours(struct queue *queue, uint32_t date, queue_touched_fn *touched,
                               void *context)
{
    const struct queue_row none = {0};

    while (queue->hours[0].date != 0 && queue->hours[0].date < date) {
        struct queue_row before = {.kind = QUEUE_ROW_HOURS, .hours = queue->hours[0]};

        memmove(&queue->hours[0], &queue->hours[1],
                (QUEUE_HOURS_MAX - 1) * sizeof(queue->hours[0]));
        queue->hours[QUEUE_HOURS_MAX - 1] = (struct queue_hours){0};
        queue_tell(touched, context, &before, &none);
    }
}

/* ---- a meeting ------------------------------------------------------------------------------------- */

static void begin_join(struct queue_change *change)
{
    change->action = QUEUE_JOIN;
    change->row_count = 0;
}

bool queue_join_notice(const struct queue *queue, const struct queue_notice *theirs,
                       uint64_t common_lsn, const struct queue_origin *here,
                       struct queue_change *ret_change)
{
    struct queue_notice *after;

    if (queue->day.state != QUEUE_DAY_OPEN || theirs->changed_lsn <= common_lsn ||
        queue->notice.changed_lsn > common_lsn ||
        (strcmp(queue->notice.ja, theirs->ja) == 0 && strcmp(queue->notice.en, theirs->en) == 0)) {
        return false;
    }
    begin_join(ret_change);
    after = &queue_change_add(ret_change, QUEUE_ROW_NOTICE)->notice;
    *after = *theirs;
    after->changed_lsn = here->lsn;
    return true;
}

bool queue_join_serves(const struct queue *queue, const struct queue_serves *theirs,
                       uint64_t common_lsn, const struct queue_origin *here,
                       struct queue_change *ret_change)
{
    int slot = queue_counter_slot(queue, theirs->counter);
    const struct queue_serves *ours;
    struct queue_serves *after;

    if (slot < 0 || queue->day.state != QUEUE_DAY_OPEN || theirs->changed_lsn <= common_lsn) {
        return false;
    }
    ours = &queue->serves[slot];
    if (ours->changed_lsn > common_lsn ||
        (ours->count == theirs->count &&
         memcmp(ours->items, theirs->items, sizeof(ours->items)) == 0)) {
        return false;
    }
    begin_join(ret_change);
    after = &queue_change_add(ret_change, QUEUE_ROW_SERVES)->serves;
    *after = *theirs;
    after->changed_lsn = here->lsn;
    return true;
}

/* The hours in which both say open; closed is stronger than any, as usual weaker. */
static void shorten(struct queue_hours *hours, const struct queue_hours *other)
{
    if (hours->kind == QUEUE_HOURS_CLOSED || other->kind == QUEUE_HOURS_USUAL) {
        return;
    }
    if (other->kind == QUEUE_HOURS_CLOSED || hours->kind == QUEUE_HOURS_USUAL) {
        *hours = *other;
        return;
    }
    if (other->open_minute > hours->open_minute) {
        hours->open_minute = other->open_minute;
    }
    if (other->close_minute < hours->close_minute) {
        hours->close_minute = other->close_minute;
    }
    if (hours->open_minute >= hours->close_minute) {
        hours->kind = QUEUE_HOURS_CLOSED;
        hours->open_minute = hours->close_minute = 0;
    }
}

bool queue_join_hours(const struct queue *queue, const struct queue_hours *theirs,
                      uint64_t common_lsn, const struct queue_origin *here,
                      struct queue_change *ret_change)
{
    const struct queue_hours *ours = hours_said(queue, theirs->date);
    struct queue_hours result = *theirs;

    if (theirs->changed_lsn <= common_lsn || theirs->date < queue->day.date) {
        return false;
    }
    if (ours != NULL && ours->changed_lsn > common_lsn) {
        result = *ours;
        shorten(&result, theirs);
    }
    if (ours == NULL ? queue->hours[QUEUE_HOURS_MAX - 1].date != 0
                     : hours_are_same(ours, &result)) {
        return false;
    }
    begin_join(ret_change);
    result.changed_lsn = here->lsn;
    queue_change_add(ret_change, QUEUE_ROW_HOURS)->hours = result;
    return true;
}
