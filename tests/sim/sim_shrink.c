/* See sim_shrink.h. */
#include "tests/sim/sim_shrink.h"

#include "base/check.h"

#include <ctype.h>
#include <string.h>

enum { WORLDS = 5, FEW_FAULTS = 3 };

struct search {
    struct sim_options options;
    uint32_t runs_max;
    sim_try_fn *try;
    void *context;
    struct sim_short *best;
    struct sim_result result;
};

/* Up to the first colon or comma; which unit it was does not matter, which promise does. */
bool sim_fails_alike(const char *why, const char *other)
{
    static const char promise[] = "promise ", ended[] = "it ended";
    bool numbered = strncmp(why, promise, strlen(promise)) == 0;

    if (strncmp(why, ended, strlen(ended)) == 0) {
        return strcmp(why, other) == 0; /* the same CHECK */
    }

    for (; *why != '\0' && *why != ':' && *why != ','; why++, other++) {
        bool both_digits =
            !numbered && isdigit((unsigned char)*why) && isdigit((unsigned char)*other);

        if (*why != *other && !both_digits) {
            return false;
        }
    }
    return *why == *other;
}

/* True: it still fails, and is the best from now on. */
static bool try_picks(struct search *search, const struct sim_pick *picks, uint32_t count,
                      uint64_t world)
{
    struct sim_short *best = search->best;

    if (best->runs >= search->runs_max) {
        return false;
    }
    best->runs++;
    search->options.picks = picks;
    search->options.pick_count = count;
    search->options.world = world;
    search->try(search->context, &search->options, &search->result);
    if (!search->result.failed || !sim_fails_alike(best->why, search->result.why)) {
        return false;
    }
    best->world = world;
    best->pick_count = count;
    memmove(best->picks, picks, count * sizeof(*picks));
    memcpy(best->why, search->result.why, sizeof(best->why));
    return true;
}

static bool try_worlds(struct search *search, const struct sim_pick *picks, uint32_t count,
                       uint64_t worlds)
{
    if (try_picks(search, picks, count, search->best->world)) {
        return true;
    }
    for (uint64_t world = 0; world < worlds; world++) {
        if (world != search->best->world && try_picks(search, picks, count, world)) {
            return true;
        }
    }
    return false;
}

/* Leaves out `chunk` faults at a time, wherever that works. */
static bool leave_out(struct search *search, uint32_t chunk, uint64_t worlds)
{
    struct sim_short *best = search->best;
    struct sim_pick picks[SIM_FAULTS_MAX];
    bool shorter = false;

    for (uint32_t end = best->pick_count; end > 0;) { /* what came last matters least, mostly not */
        uint32_t begin = end > chunk ? end - chunk : 0;
        uint32_t rest = best->pick_count - end;

        memcpy(picks, best->picks, begin * sizeof(*picks));
        memcpy(picks + begin, best->picks + end, rest * sizeof(*picks));
        if (try_worlds(search, picks, begin + rest, worlds)) {
            shorter = true;
        }
        end = begin;
    }
    return shorter;
}

static void fewer_faults(struct search *search)
{
    struct sim_short *best = search->best;

    if (try_picks(search, best->picks, 0, best->world)) {
        return; /* no fault is needed */
    }
    for (uint32_t chunk = (best->pick_count + 1) / 2; chunk > 1; chunk = (chunk + 1) / 2) {
        while (leave_out(search, chunk, 1) && best->pick_count > chunk) {
        }
    }
    while (leave_out(search, 1, 1)) {
    }
    while (best->pick_count > FEW_FAULTS && leave_out(search, 1, WORLDS)) {
    }
}

/* The whole schedule earlier, from one fault on. */
static bool bring_forward(struct search *search, uint32_t from, uint64_t by_ms)
{
    struct sim_pick picks[SIM_FAULTS_MAX];

    memcpy(picks, search->best->picks, search->best->pick_count * sizeof(*picks));
    for (uint32_t i = from; i < search->best->pick_count; i++) {
        picks[i].at_ms -= by_ms;
    }
    return try_picks(search, picks, search->best->pick_count, search->best->world);
}

static void shorter_times(struct search *search)
{
    const struct sim_short *best = search->best;

    for (uint32_t i = 0; i < best->pick_count; i++) {
        for (uint64_t part = 1; part <= 4; part *= 2) {
            uint64_t before_ms = i == 0 ? SIM_FIRST_FAULT_MS : best->picks[i - 1].at_ms;
            uint64_t gap_ms = best->picks[i].at_ms - before_ms;

            if (gap_ms / part > 0 && bring_forward(search, i, gap_ms / part)) {
                break;
            }
        }
    }
}

void sim_shrink(const struct sim_options *options, const struct sim_result *result,
                uint32_t runs_max, sim_try_fn *try, void *context, struct sim_short *ret_short)
{
    struct search search = {.options = *options,
                            .runs_max = runs_max,
                            .try = try,
                            .context = context,
                            .best = ret_short};

    CHECK(result->failed && options->fault_count <= SIM_FAULTS_MAX);
    search.options.telling = SIM_TELL_NOTHING;
    memset(ret_short, 0, sizeof(*ret_short));
    ret_short->world = options->world;
    memcpy(ret_short->why, result->why, sizeof(ret_short->why));
    for (uint32_t i = 0; i < result->plan_count; i++) { /* what had not begun did not matter */
        if (result->plan[i].at_ms <= result->reached_ms) {
            ret_short->picks[ret_short->pick_count++] = result->plan[i];
        }
    }
    fewer_faults(&search);
    shorter_times(&search);
}
