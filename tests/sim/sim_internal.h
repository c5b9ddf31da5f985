/*
 * tests/sim/sim_internal.h - what the files of the simulator share. Nobody else includes it.
 *
 *   sim.c         the run: chance, what happens when, one seed from start to verdict
 *   sim_world.c   the world that an engine sees: disk, links, address, clock of its own
 *   sim_unit.c    life and death of a unit's process
 *   sim_fault.c   what breaks, when, and how it heals
 *   sim_box.c     which hardware stands where, and what people say of it
 *   sim_client.c  visitors and staff who ask again with the same key
 *   sim_judge.c   the oracles
 *   sim_disk.c    what is durable
 */
#ifndef TESTS_SIM_SIM_INTERNAL_H
#define TESTS_SIM_SIM_INTERNAL_H

#include "base/check.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_disk.h"

enum sim_inner_limit {
    LINKS = 2,
    DIRECT = 1,
    COUNTERS = 4,
    DISK_MS_USUAL = 3,
    STRANGER_MS = 3000,
};

enum item_kind {
    ITEM_FRAME,
    ITEM_STORED,
    ITEM_TIMER,
    ITEM_PROBED,
    ITEM_PROCESS,
    ITEM_LINK,
    ITEM_START,
    ITEM_CLIENT,
    ITEM_REPLY_LOST,
    ITEM_FAULT,
    ITEM_HEAL,
    ITEM_ANNOUNCE,
    ITEM_LAN,
};

struct item {
    uint64_t at_ms, order;
    enum item_kind kind;
    int unit;
    uint64_t generation; /* of the unit's process; 0: any */
    int a, b;
    uint8_t *bytes;
    size_t len_bytes;
};

struct unit {
    struct engine *engine;
    struct world world;
    struct sim_disk disk;
    bool up, powered, holds, lan_up;
    uint64_t generation;
    const struct ledger_batch *batch;
    uint64_t paused_until_ms;
    uint32_t disk_ms_max;
    uint64_t timer_ms;
    bool link_up[LINKS];
    enum duty_state state; /* before the step that is traced */
    int loses_disk;        /* 1 + fault: at its next acknowledged ticket, the worst moment; 0 no */
    uint64_t working_since_ms; /* up, with link, disk and ledger; 0 not */
    int box;     /* which hardware stands in this place */
    bool came_back; /* with the ledger that it had when it was taken out */
    int out_box; /* the one taken out last, with its disk; 0 none */
    struct sim_disk out_disk;
    uint64_t peer_announced_ms;
    int dies_at_record; /* 1 + fault: while its next record is being written; 0 no */
    bool lost_disk;     /* wiped or rolled back once: restored may be said of it */
    struct sim *sim;
    int index;
};

struct client {
    bool busy;
    uint32_t request_id; /* rises with each sending */
    uint8_t action;
    uint16_t category, counter;
    struct ids_token key;
    uint64_t first_sent_ms, sent_ms;
    uint32_t series_floor; /* highest number acknowledged in the plain series when first sent */
    uint32_t tries;
    int asked_unit;
    uint64_t asked_generation;
};

struct seen_ticket {
    char id[33], display[24], series[16];
    uint32_t number, category;
    uint64_t term;
    struct ids_token key;
    bool excused; /* its only copy was on a disk that was lost: gone perhaps, its number not given again */
    int in_box;   /* or that disk stands aside in this box, which may come back; 0 no */
};

struct sim {
    struct sim_options options;
    struct sim_result *result;
    uint64_t random;
    uint64_t now_ms, order;
    struct item *heap;
    size_t heap_count;
    struct unit units[SIM_UNITS];
    bool cut[LINKS];
    bool lan_split;
    int client_side; /* while both hold the address */
    uint32_t loss_percent;
    uint32_t delay_ms_max; /* a slow network brings frames late and in another order */
    struct queue_config config;
    struct calendar calendar;
    struct client clients[SIM_CLIENTS];
    struct seen_ticket *tickets;
    size_t ticket_count;
    uint32_t plain_highest[QUEUE_CATEGORIES_MAX + 1];
    int box_count;
    uint64_t said_count; /* what people have sworn */
    bool faults_over;
    uint64_t issued_after_heal;
    uint64_t ticket_ms; /* when the last ticket was handed out */
    int both_hold_ticks;
    uint64_t paired_term; /* newest under which a unit was on duty */
};

/* sim.c */
uint64_t sim_draw(struct sim *sim);
uint64_t sim_below(struct sim *sim, uint64_t limit);
void sim_story(struct sim *sim, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void sim_fail(struct sim *sim, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void sim_push(struct sim *sim, struct item item);
void sim_deliver(struct sim *sim, int index, struct engine_event *event);

/* sim_world.c */
bool sim_link_works(const struct sim *sim, int link);
bool sim_lan_between(const struct sim *sim);
void sim_happen_to_unit(struct sim *sim, struct item *item);
void sim_make_world(struct unit *unit);

/* sim_unit.c */
void sim_tell_level(struct sim *sim, int index);
void sim_update_links(struct sim *sim);
void sim_start_unit(struct sim *sim, int index, bool found);
void sim_crash_unit(struct sim *sim, int index, bool power);

/* sim_fault.c */
/* What an operator asks of one unit. */
void sim_order(struct sim *sim, int index, enum api_control_what what, const char *text);
void sim_lose_disk(struct sim *sim, enum sim_fault fault, int index);
void sim_begin_fault(struct sim *sim, enum sim_fault fault, int index);
void sim_end_fault(struct sim *sim, enum sim_fault fault, int index);
uint64_t sim_schedule_faults(struct sim *sim);

/* sim_box.c */
void sim_hardware_of(int box, struct ids_token *ret_hardware);
void sim_people_look(struct sim *sim);
/* A box that came back and is blank now has given what only it held: excused no more. */
void sim_judge_boxes(struct sim *sim);
void sim_replace_unit(struct sim *sim, int index);

/* sim_client.c */
void sim_client_send(struct sim *sim, int index);
void sim_client_begin(struct sim *sim, int index);
void sim_client_reply(void *context, uint64_t client_id, const uint8_t *header,
                        size_t header_len_bytes, const uint8_t *body, size_t body_len_bytes);

/* sim_judge.c */
void judge_ticket(struct sim *sim, const struct client *client, const char *body);
void judge_service(struct sim *sim);
void judge_address(struct sim *sim);
bool sim_is_paired(const struct sim *sim);
void judge_ledgers(struct sim *sim);
void judge_term(struct unit *unit);

#endif
