/* What the site's rules say of a moment: hours and breaks of a category, numbers that are never given,
 * acceptance stopped by hand. By level: asked again each time, nothing is switched. */
#include "appliance/queue/queue.h"

#include "appliance/queue/queue_parts.h"
#include "base/check.h"

enum { MS_PER_MINUTE = 60000, SKIP_BY_ENDING_BELOW = 100 };

uint16_t queue_local_minute(const struct queue_config *config, int64_t at_ms)
{
    int64_t minute =
        queue_believed_ms(at_ms) / MS_PER_MINUTE + QUEUE_MINUTES_A_DAY + config->utc_offset_minutes;

    return (uint16_t)(minute % QUEUE_MINUTES_A_DAY);
}

static enum queue_reason hours_say(const struct queue_category_config *category, uint16_t minute)
{
    if (category->last_minute != 0 && minute >= category->last_minute) {
        return QUEUE_ACCEPTANCE_OVER;
    }
    for (int i = 0; i < category->span_count; i++) {
        if (minute < category->spans[i].first_minute) {
            return QUEUE_NOT_AT_THIS_HOUR;
        }
        if (minute < category->spans[i].end_minute) {
            return QUEUE_OK;
        }
    }
    return category->span_count == 0 ? QUEUE_OK : QUEUE_ACCEPTANCE_OVER;
}

int64_t queue_break_ms(const struct queue *queue, int slot, int64_t now_ms)
{
    const struct queue_category_config *category = &queue->config.categories[slot];
    uint16_t minute;

    if (category->span_count < 2) {
        return 0;
    }
    minute = queue_local_minute(&queue->config, now_ms);
    for (int i = 1; i < category->span_count; i++) {
        if (minute >= category->spans[i - 1].end_minute &&
            minute < category->spans[i].first_minute) {
            return (int64_t)(category->spans[i].first_minute - minute) * MS_PER_MINUTE -
                   queue_believed_ms(now_ms) % MS_PER_MINUTE;
        }
    }
    return 0;
}

bool queue_number_is_skipped(const struct queue_config *config, uint16_t number)
{
    for (int i = 0; i < config->skip_count; i++) {
        uint16_t skip = config->skips[i];

        if (number == skip ||
            (skip < SKIP_BY_ENDING_BELOW && number % SKIP_BY_ENDING_BELOW == skip)) {
            return true;
        }
    }
    return false;
}

int32_t queue_limit(const struct queue *queue, uint16_t category)
{
    int slot = queue_category_slot(queue, category);
    uint16_t limit;

    if (slot < 0) {
        return -1;
    }
    limit = queue->categories[slot].limit != 0 ? queue->categories[slot].limit
                                               : queue->config.categories[slot].daily_limit;
    return limit == 0 || limit == QUEUE_LIMIT_NONE ? -1 : limit;
}

enum queue_reason queue_hours_accept(const struct queue *queue, int slot, int64_t at_ms)
{
    return hours_say(&queue->config.categories[slot], queue_local_minute(&queue->config, at_ms));
}

enum queue_reason queue_accepts(const struct queue *queue, uint16_t category, int64_t at_ms,
                                bool hours_unknown)
{
    int slot = queue_category_slot(queue, category);
    int32_t limit = queue_limit(queue, category);

    if (slot < 0) {
        return QUEUE_NO_SUCH_CATEGORY;
    }
    if (queue->day.suspended) {
        return QUEUE_ALL_SUSPENDED;
    }
    if (queue->categories[slot].suspended) {
        return QUEUE_CATEGORY_SUSPENDED;
    }
    /* All that this ledger knows of, whichever unit gave it: behind a cut each counts its own. */
    if (limit >= 0 && queue->totals[slot].issued >= (uint32_t)limit) {
        return QUEUE_LIMIT_REACHED;
    }
    return hours_unknown ? QUEUE_OK : queue_hours_accept(queue, slot, at_ms);
}

const struct queue_registered *queue_registered_find(const struct queue *queue, uint16_t category)
{
    int slot = queue_category_slot(queue, category);

    return slot < 0 ? NULL : &queue->registered[slot];
}

enum queue_reason queue_accepts_registration(const struct queue *queue, uint16_t category,
                                             int64_t at_ms, bool hours_unknown)
{
    int slot = queue_category_slot(queue, category);

    if (slot < 0) {
        return QUEUE_NO_SUCH_CATEGORY;
    }
    if (queue->config.categories[slot].registration_places == 0) {
        return QUEUE_NO_REGISTRATION;
    }
    /* Who cancelled has used a place: else one visitor could use up all numbers. */
    if (queue->registered[slot].all >= queue->config.categories[slot].registration_places) {
        return QUEUE_REGISTRATION_FULL;
    }
    return queue_accepts(queue, category, at_ms, hours_unknown);
}
