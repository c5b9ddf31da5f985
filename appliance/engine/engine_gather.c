/*
 * When a batch closes. A commit costs two flushes on each unit and a hundred microseconds of CPU whether it
 * carries one ticket or sixty; where many clients press at once, waiting a moment for those that will be back
 * at once makes the commits fewer. Who comes alone never waits: the company that is waited for is the one that
 * was there just before, and once it did not come it is not waited for again.
 * Arithmetic only: the time is the turn's.
 */
#include "appliance/engine/engine_internal.h"

void gather_wrote(struct gather *gather)
{
    gather->gathered++;
    gather->pending++;
    if (gather->pending > gather->company) {
        gather->company = gather->pending;
    }
}

void gather_released(struct gather *gather)
{
    gather->pending--;
}

uint64_t gather_until_ms(const struct gather *gather)
{
    return gather->waiting ? gather->since_ms + GATHER_MS_MAX : UINT64_MAX;
}

bool gather_waits(struct gather *gather, uint64_t now_ms)
{
    if (gather->gathered == 0 ||
        gather->gathered * GATHER_WHOLE >= gather->company * GATHER_ENOUGH) {
        return false;
    }
    if (!gather->waiting) {
        gather->waiting = true;
        gather->since_ms = now_ms;
    }
    if (now_ms - gather->since_ms < GATHER_MS_MAX) {
        return true;
    }
    gather->company = gather->gathered + gather->gathered / 2;
    return false;
}

void gather_closed(struct gather *gather)
{
    gather->gathered = 0;
    gather->waiting = false;
}
