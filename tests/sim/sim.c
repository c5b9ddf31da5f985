/* The run of one seed. See sim.h. */
#include "storage/adapters/crypto.h"
#include "tests/sim/sim_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEAP_MAX = 1 << 16,
    TICK_MS = 1000,
};

uint64_t sim_draw(struct sim *sim)
{
    sim->random ^= sim->random << 13;
    sim->random ^= sim->random >> 7;
    sim->random ^= sim->random << 17;
    return sim->random * 2685821657736338717ULL;
}

uint64_t sim_below(struct sim *sim, uint64_t limit)
{
    return limit == 0 ? 0 : (sim_draw(sim) >> 11) % limit;
}

/* At once: what comes next may be the end of this process. */
static void tell(struct sim *sim, const char *format, va_list arguments)
{
    FILE *to = sim->options.tell_to != NULL ? sim->options.tell_to : stdout;

    (void)fprintf(to, "%8.3f  ", (double)sim->now_ms / 1000);
    (void)vfprintf(to, format, arguments);
    (void)fprintf(to, "\n");
    (void)fflush(to);
}

void sim_story(struct sim *sim, const char *format, ...)
{
    va_list arguments;

    if (sim->options.telling == SIM_TELL_NOTHING) {
        return;
    }
    va_start(arguments, format);
    tell(sim, format, arguments);
    va_end(arguments);
}

void sim_detail(struct sim *sim, const char *format, ...)
{
    va_list arguments;

    if (sim->options.telling != SIM_TELL_ALL) {
        return;
    }
    va_start(arguments, format);
    tell(sim, format, arguments);
    va_end(arguments);
}

void sim_fail(struct sim *sim, const char *format, ...)
{
    va_list arguments;

    if (sim->result->failed) {
        return;
    }
    sim->result->failed = true;
    va_start(arguments, format);
    (void)vsnprintf(sim->result->why, sizeof(sim->result->why), format, arguments);
    va_end(arguments);
    sim_story(sim, "ORACLE: %s", sim->result->why);
}

static bool sooner(const struct item *a, const struct item *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

void sim_push(struct sim *sim, struct item item)
{
    size_t at = sim->heap_count++;

    CHECK(sim->heap_count < HEAP_MAX);
    item.order = sim->order++;
    while (at > 0 && sooner(&item, &sim->heap[(at - 1) / 2])) {
        sim->heap[at] = sim->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    sim->heap[at] = item;
}

static struct item pop(struct sim *sim)
{
    struct item top = sim->heap[0];
    struct item last = sim->heap[--sim->heap_count];
    size_t at = 0;

    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= sim->heap_count) {
            break;
        }
        if (child + 1 < sim->heap_count && sooner(&sim->heap[child + 1], &sim->heap[child])) {
            child++;
        }
        if (!sooner(&sim->heap[child], &last)) {
            break;
        }
        sim->heap[at] = sim->heap[child];
        at = child;
    }
    sim->heap[at] = last;
    return top;
}

void sim_deliver(struct sim *sim, int index, struct engine_event *event)
{
    struct unit *unit = &sim->units[index];
    uint64_t deadline_ms;
    int r;

    if (!unit->up) {
        return;
    }
    event->now_ms = sim->now_ms;
    event->wall_ms = sim_unit_wall_ms(unit);
    sim->result->events++;
    r = engine_step(unit->engine, event);
    if (r < 0 && index == SIM_GHOST) {
        sim_ghost_ends(sim);
        return;
    }
    if (r < 0) {
        if (r == -EBADMSG || r == -EPROTONOSUPPORT ||
            (r == -EUCLEAN && !sim_disk_is_damaged(&unit->disk))) {
            sim_fail(sim, "unit %d stopped: %s", index + 1, engine_why(unit->engine));
        }
        if (r == -EUCLEAN) {
            sim_set_aside(sim, index);
        } else {
            sim_crash_unit(sim, index, false);
        }
        return;
    }
    deadline_ms = event->more ? sim->now_ms : engine_deadline_ms(unit->engine);
    if (unit->timer_ms <= sim->now_ms || deadline_ms < unit->timer_ms) {
        unit->timer_ms = deadline_ms;
        sim_push(sim, (struct item){.at_ms = deadline_ms,
                                    .kind = ITEM_TIMER,
                                    .unit = index,
                                    .generation = unit->generation});
    }
}

static void happen(struct sim *sim, struct item *item)
{
    struct client *client;

    switch (item->kind) {
    case ITEM_START:
        if (item->unit == SIM_GHOST) {
            sim_ghost_start(sim);
        } else {
            sim_start_unit(sim, item->unit, false);
        }
        break;
    case ITEM_CLIENT:
        sim_client_begin(sim, item->a);
        break;
    case ITEM_REPLY_LOST:
        client = &sim->clients[item->a];
        if (client->busy && client->request_id == (uint32_t)item->b) {
            sim_client_send(sim, item->a);
        }
        break;
    case ITEM_FAULT:
        sim->fault_now = item->fault_number;
        sim_fault_item(sim, item);
        break;
    case ITEM_HEAL:
        sim->fault_now = item->fault_number;
        sim_end_fault(sim, (enum sim_fault)item->a, item->unit);
        break;
    case ITEM_PRINT:
        sim_print_end(sim, item);
        break;
    case ITEM_LEVEL:
        sim_tell_level(sim, item->unit);
        break;
    case ITEM_DAY:
        sim_day_next(sim);
        break;
    case ITEM_LAN: /* once a second; both hold: re-announcement every second, by who is not paused */
        sim_see_what_hurts(sim);
        sim_scrub(sim);
        sim_people_look(sim);
        sim_judge_boxes(sim);
        sim_people_press(sim);
        sim_access_turn(sim);
        sim_site_turn(sim);
        sim_manage_turn(sim);
        sim_register_turn(sim);
        sim_annul_turn(sim);
        sim_printers(sim);
        judge_papers(sim);
        judge_service(sim);
        judge_visits(sim);
        judge_damage(sim);
        judge_wakings(sim);
        for (int i = 0; i < SIM_UNITS; i++) {
            if (sim->units[i].holds && sim->units[1 - i].holds && sim_lan_between(sim) &&
                sim->units[i].paused_until_ms <= sim->now_ms) {
                sim_push(sim, (struct item){.at_ms = sim->now_ms + 1,
                                            .kind = ITEM_ANNOUNCE,
                                            .unit = 1 - i,
                                            .generation = sim->units[1 - i].generation});
            }
        }
        sim_push(sim, (struct item){.at_ms = sim->now_ms + TICK_MS, .kind = ITEM_LAN});
        break;
    case ITEM_FRAME:
    case ITEM_STORED:
    case ITEM_SETTLED:
    case ITEM_TIMER:
    case ITEM_PROBED:
    case ITEM_PROCESS:
    case ITEM_LINK:
    case ITEM_ANNOUNCE:
        sim_happen_to_unit(sim, item);
        break;
    }
    free(item->bytes);
}

static void make_config(struct sim *sim)
{
    struct queue_config *config = &sim->config;

    memset(config, 0, sizeof(*config));
    (void)strcpy(config->site_ja, "sim");
    (void)strcpy(config->site_en, "sim");
    config->category_count = CATEGORIES;
    config->counter_count = COUNTERS;
    for (uint16_t i = 0; i < CATEGORIES; i++) {
        struct queue_category_config *category = &config->categories[i];

        category->id = (uint16_t)(i + 1);
        (void)strcpy(category->name_ja, "c");
        (void)strcpy(category->name_en, "c");
        category->number_first = (uint16_t)(1 + i * NUMBERS_OF_CATEGORY);
        category->number_last = (uint16_t)(sim_hand_first(i + 1) - 1);
        category->service_ms_prior = 60000;
        category->wait_ms_limit = i == 0 ? 30000 : 0;
        category->manual_first = sim_hand_first(i + 1);
        category->manual_last = (uint16_t)(category->manual_first + SIM_HAND_COUNT - 1);
    }
    for (uint16_t i = 0; i < COUNTERS; i++) {
        struct queue_counter_config *counter = &config->counters[i];

        counter->id = (uint16_t)(i + 1);
        (void)strcpy(counter->name_ja, "w");
        (void)strcpy(counter->name_en, "w");
        for (uint16_t j = 0; j < CATEGORIES;
             j++) { /* each has one that it serves first; the last serves not all */
            if (i == COUNTERS - 1 && j == 0) {
                continue;
            }
            counter->categories[counter->category_count].category = (uint16_t)(j + 1);
            counter->categories[counter->category_count++].tier = j == i ? 1 : 2;
        }
    }
    config->categories[SIM_LIMITED_CATEGORY - 1].daily_limit = SIM_DAILY_LIMIT;
    config->categories[0].registration_places = SIM_PLACES;
    config->categories[1].registration_places = SIM_PLACES;
    config->utc_offset_minutes = 9 * 60;
    config->absent_minutes = 1;
    config->absent_after = 2;
    config->skips[0] = 4;
    config->skips[1] = 9;
    config->skip_count = 2;
    CHECK(queue_config_is_valid(config));
}

static void set_up(struct sim *sim)
{
    make_config(sim);
    calendar_init(&sim->calendar);
    for (int i = 0; i <= SIM_GHOST; i++) {
        sim->units[i].stored = calloc(SIM_LSN_MAX, sizeof(*sim->units[i].stored));
        CHECK(sim->units[i].stored != NULL);
    }
    sim_site_prepare(sim);
    for (int i = 0; i < SIM_UNITS; i++) {
        struct unit *unit = &sim->units[i];

        unit->sim = sim;
        unit->index = i;
        unit->powered = unit->lan_up = unit->fit = true;
        unit->disk_ms_max = DISK_MS_USUAL;
        sim_make_world(unit);
    }
    sim_start_unit(sim, 0, true);
    sim_start_unit(sim, 1, false);
    for (int i = 0; i < SIM_CLIENTS_STEADY; i++) {
        sim_push(sim,
                 (struct item){.at_ms = 1000 + sim_below(sim, 1000), .kind = ITEM_CLIENT, .a = i});
    }
    sim_push(sim, (struct item){.at_ms = 1000, .kind = ITEM_LAN});
}

static void tear_down(struct sim *sim)
{
    engine_destroy(sim->units[SIM_GHOST].engine);
    free(sim->units[SIM_GHOST].stored);
    sim_disk_free(&sim->units[SIM_GHOST].disk);
    for (int i = 0; i < SIM_UNITS; i++) {
        engine_destroy(sim->units[i].engine);
        free(sim->units[i].stored);
        sim_disk_free(&sim->units[i].disk);
        sim_disk_free(&sim->units[i].out_disk);
        sim_disk_free(&sim->units[i].snapshot);
        sim_disk_free(&sim->units[i].backup);
    }
    while (sim->heap_count > 0) {
        free(pop(sim).bytes);
    }
    free(sim->heap);
    free(sim->tickets);
    free(sim->by_display);
    free(sim->by_key);
    free(sim->calls);
    free(sim->folds);
    free(sim->noted);
    free(sim->papers);
    free(sim->by_number);
    crypto_destroy(sim->crypto);
    free(sim);
}

void sim_run(const struct sim_options *options, struct sim_result *ret_result)
{
    struct sim *sim = calloc(1, sizeof(*sim));

    CHECK(sim != NULL);
    memset(ret_result, 0, sizeof(*ret_result));
    sim->options = *options;
    sim->result = ret_result;
    sim->random = (options->seed + (options->world << 32)) * 0x9E3779B97F4A7C15ULL + 1;
    sim->heap = calloc(HEAP_MAX, sizeof(*sim->heap));
    sim->tickets = calloc(SIM_TICKETS_MAX, sizeof(*sim->tickets));
    sim->by_display = calloc(SIM_INDEX_SIZE, sizeof(*sim->by_display));
    sim->by_key = calloc(SIM_INDEX_SIZE, sizeof(*sim->by_key));
    sim->calls = calloc(SIM_CALLS_SIZE, sizeof(*sim->calls));
    sim->folds = calloc(SIM_LSN_MAX, sizeof(*sim->folds));
    sim->noted = calloc(SIM_NOTED_SIZE, sizeof(*sim->noted));
    sim->papers = calloc(SIM_TICKETS_MAX, sizeof(*sim->papers));
    sim->by_number = calloc(SIM_INDEX_SIZE, sizeof(*sim->by_number));
    CHECK(sim->papers != NULL && sim->by_number != NULL);
    sim->crypto = crypto_create();
    CHECK(sim->calls != NULL && sim->crypto != NULL && sim->folds != NULL && sim->noted != NULL);
    CHECK(sim->heap != NULL && sim->tickets != NULL && sim->by_display != NULL &&
          sim->by_key != NULL);
    sim->today = "2026-11-24";
    sim->snapshot_entries = sim->options.seed % 3 == 0   ? SNAPSHOT_ENTRIES_FEW
                            : sim->options.seed % 3 == 1 ? SNAPSHOT_ENTRIES_SOME
                                                         : UINT64_MAX;
    set_up(sim);
    sim->healed_ms = sim_schedule_faults(sim);
    while (!ret_result->failed && sim->heap_count > 0) {
        struct item item = pop(sim);

        sim->now_ms = ret_result->reached_ms = item.at_ms;
        happen(sim, &item);
        judge_address(sim);
        if (sim->now_ms >= sim->healed_ms && sim_day_turn(sim)) {
            break;
        }
    }
    tear_down(sim);
}
