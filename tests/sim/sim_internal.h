/*
 * tests/sim/sim_internal.h - what the files of the simulator share. Nobody else includes it.
 *
 *   sim.c         the run: chance, what happens when, one seed from start to verdict
 *   sim_world.c   the world that an engine sees: disk, links, address, clock of its own
 *   sim_unit.c    life and death of a unit's process
 *   sim_plan.c    which faults a seed has, and when
 *   sim_fault.c   what breaks, and how it heals
 *   sim_loss.c    disks that lose or damage what they held, and who still holds what was handed out
 *   sim_network.c what breaks between the units, their clients and corosync
 *   sim_box.c     which hardware stands where, and what people say of it
 *   sim_ghost.c   a third live unit: a replaced box that is on again
 *   sim_client.c  visitors and staff who ask again with the same key
 *   sim_access.c  devices and people who get a credential, use it, and have it taken away
 *   sim_judge.c   the oracles: the table of them, and those on tickets and service
 *   sim_ledger.c  those on what disks are given and hold
 *   sim_clock.c   wall clocks that are wrong
 *   sim_wire.c    oracles on what the units say to one another
 *   sim_effect.c  oracles that lay what was handed out beside what disks hold
 *   sim_kept.c    rows of single visits, where the site keeps them
 *   sim_spoil.c   the oracles' own test
 *   sim_hear.c    who hears a unit: clients, boards, who asks again, who sends nonsense; what may leave
 *   sim_register.c  visitors who register before they are there, and arrive
 *   sim_manage.c  a manager's words, and papers for staff
 *   sim_annul.c   an administrator who annuls the day, and opens it again
 *   sim_print.c   the printer at each unit; papers as visitors hold them
 *   sim_day.c     evening, night and the next morning
 *   sim_disk.c    what is durable
 */
#ifndef TESTS_SIM_SIM_INTERNAL_H
#define TESTS_SIM_SIM_INTERNAL_H

#include "appliance/statistics/statistics.h"
#include "base/check.h"
#include "storage/entry/entry.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_disk.h"

enum sim_inner_limit {
    LINKS = 2,
    SERVICE = 0,
    DIRECT = 1,
    COUNTERS = 4,
    CATEGORIES = 4,
    SIM_SITE_VERSIONS = 1024,
    NUMBERS_OF_CATEGORY = 2500,
    SIM_HAND_COUNT = 20,
    SIM_LIMITED_CATEGORY = 4,
    SIM_DAILY_LIMIT = 25,
    SIM_STOPPED_CATEGORY = 3, /* managers stop it now and then */
    DISK_MS_USUAL = 3,
    STRANGER_MS = 3000,
    SETTLE_MS_MAX = 4000,
    SIM_HEALED_MS = 8000, /* after the last fault began; later when one lasts longer (sim_lasts) */
    SIM_INDEX_SIZE = 1 << 15,
    SIM_CREDENTIALS = 8,
    SIM_PHONES = 6,
    SIM_PLACES = 400, /* of a day, in each of the two categories that take registrations */
    SNAPSHOT_ENTRIES_FEW = 150, /* behind by more: a snapshot; by the seed one of these, or never */
    SNAPSHOT_ENTRIES_SOME = 800,
};

enum item_kind {
    ITEM_FRAME,
    ITEM_STORED,
    ITEM_SETTLED,
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
    ITEM_LEVEL, /* what is told as a level is told again */
    ITEM_PRINT, /* a printer has come to the end of a paper, one way or another */
    ITEM_DAY,   /* the next part of evening, night and morning */
};

/* A fault may wait for the moment at which it hurts most. */
enum sim_moment {
    MOMENT_ANY,
    MOMENT_TICKET, /* a ticket has just been acknowledged */
    MOMENT_REPLAY, /* one was acknowledged that had been asked for before */
    MOMENT_RECORD, /* a record is being written: a mint, a session, a raise */
    MOMENT_TERM,   /* a term entry is being written */
    MOMENT_SWAP,   /* a meeting replaces the tail */
    MOMENT_COUNT,
};

struct sim_aim {
    enum sim_moment moment; /* MOMENT_ANY: nothing waits */
    enum sim_fault fault;
    uint32_t fault_number;
    bool hits_peer;
};

struct sim_plan {
    uint64_t at_ms, random;
    enum sim_fault fault;
    int unit;
};

enum sim_phase {
    PHASE_DAY,
    PHASE_EVENING,
    PHASE_OFF,
    PHASE_DARK,
    PHASE_BOOT,
    PHASE_OPENING,
    PHASE_DOORS,
    PHASE_TAKEOVER, /* doors are open, and whoever is on duty has just died */
    PHASE_SECOND_DAY,
};

struct item {
    uint64_t at_ms, order;
    enum item_kind kind;
    int unit;
    uint64_t generation; /* of the unit's process; 0: any */
    int a, b;
    uint32_t fault_number; /* of FAULT and HEAL: its place in the plan, from 0 */
    uint8_t *bytes;
    size_t len_bytes;
};

struct unit {
    struct engine *engine;
    struct world world;
    struct sim_disk disk;
    struct sim_disk snapshot; /* the image that its newest snapshot is of */
    uint64_t snapshot_id, incoming_bytes, incoming_have_bytes;
    uint32_t snapshot_turns;
    struct sim_settling { /* a snapshot is put in place, whatever the engine does meanwhile */
        bool begun, done;
        int result;
        uint8_t meta_value[SIM_DISK_META_BYTES];
        char meta_name[SIM_DISK_META_NAME_BYTES];
        struct ledger_put meta; /* of the two above */
    } settling;
    struct ids_hash incoming_hash;
    bool up, powered, holds, lan_up;
    uint64_t generation;
    const struct ledger_batch *batch;
    uint64_t paused_until_ms;
    uint32_t disk_ms_max;
    uint64_t timer_ms;
    bool link_up[LINKS];
    enum duty_state state; /* before the step that is traced */
    struct sim_aim aim;
    bool fit, full, stopped, synchronised;
    int64_t clock_ms; /* its wall clock is wrong by this */
    int64_t stopped_wall_ms; /* and stands there; 0: it goes */
    int64_t drift_percent;   /* and goes so much too fast, since then */
    uint64_t drift_since_ms;
    uint32_t failing_syncs;
    uint64_t working_since_ms; /* up, with link, disk and ledger; 0 not */
    int box;     /* which hardware stands in this place */
    bool sworn_off; /* two people said so of it, and it is behind a cut */
    bool declared_off; /* two people say so of the box that stands here, while it is */
    bool came_back; /* with the ledger that it had when it was taken out */
    int out_box; /* the one taken out last, with its disk; 0 none */
    struct sim_disk out_disk;
    uint64_t peer_announced_ms;
    struct sim_issuing { /* the first that waits for its paper */
        struct ids_token ticket;
        uint64_t since_ms;
    } issuing[CATEGORIES];
    uint64_t printer_generation; /* the driver that knows it */
    uint8_t printer_condition;
    uint64_t board_generation, board_since_ms, board_lsn; /* the board that watches it */
    bool tail_replaced; /* by the batch that is being stored; its head was: */
    struct ids_hash replaced_head;
    struct ids_hash *stored; /* SIM_LSN_MAX: what its disks held at each lsn last, also if they were lost */
    struct ids_hash terms[SIM_TERMS_MAX]; /* its entry that was stored here last; zero none */
    uint32_t erased_day;      /* the newest that an entry stored here calls erased */
    struct duty_word said;    /* its newest word */
    uint64_t reply_lsn;       /* of the reply that leaves now */
    uint64_t done;            /* whatever it asked of the world, counted */
    uint64_t serving_since_ms; /* this process, without a break; 0 not */
    uint32_t overdue_ticks;    /* so long somebody is held whose time is over */
    uint32_t wakings;     /* by its own timer, since the last tick */
    uint32_t unfit_ticks; /* on duty beside a ready peer */
    uint64_t lost_ms;   /* when its disk lost something last */
    uint64_t record_lost_ms;   /* when its record outside the data disk was lost last */
    bool lost_disk;     /* wiped or rolled back once: restored may be said of it */
    bool loaded;        /* this process has read its ledger */
    bool was_blank;     /* when its process ended */
    bool torn;          /* of what is being written when power is cut, a part will be there */
    bool no_room;
    uint64_t harmed_ms;  /* when something on its disk was damaged last */
    uint64_t damaged_ms; /* when its scrub found damage; 0 it did not */
    uint64_t reads_fail_until_ms, stalled_until_ms;
    struct sim_disk backup;
    int backup_box;     /* whose disk that is an image of */
    struct sim *sim;
    int index;
    int place; /* of the ghost: where it stood */
    struct ids_token hardware; /* of the ghost */
};

/* A ceiling that an entry names, and what both states were said to be at one head of the chain. */
struct sim_ceiling {
    uint64_t lsn;
    struct ids_hash hash;
    uint32_t day, number;
};
struct sim_ceilings {
    struct sim_ceiling ring[SIM_CEILINGS];
    size_t count;
};
struct sim_fold {
    uint64_t head, digest; /* the first bytes of each */
};

struct client {
    bool busy;
    uint32_t request_id; /* rises with each sending */
    uint8_t action;
    uint16_t category, counter;
    uint8_t delivery, priority;
    uint16_t number; /* a hand-written ticket's */
    struct api_more more;
    struct ids_token key, ticket;
    uint64_t first_sent_ms, sent_ms;
    uint32_t series_floor; /* highest number acknowledged in the plain series when first sent */
    uint32_t tries;
    int asked_unit;
    uint8_t asked_serves;
    uint64_t asked_generation;
};

/* When a number was called last, by the clock of who called it. */
struct sim_called {
    uint32_t display; /* hash; 0 not yet */
    int64_t at_ms;    /* of the day */
    uint64_t heard_ms;
};

/* A call as boards showed it, and one that staff were told of. */
struct sim_call {
    uint32_t id, what; /* hashes; 0 free */
    uint8_t shown;     /* bit i: at unit i */
};

struct sim_expected {
    uint32_t id, ticket; /* hashes of the call's name and of the ticket's */
    int unit;
    uint64_t generation;
    uint32_t ticks;
};

/* A device's or a person's token, and who knows of it: by what was acknowledged and lost since. */
struct sim_credential {
    enum { CREDENTIAL_FREE, CREDENTIAL_ASKED, CREDENTIAL_IN_USE, CREDENTIAL_REVOKING, CREDENTIAL_REVOKED } state;
    bool person;          /* a session; else a device */
    struct ids_hash token;
    uint16_t subject;     /* the device's id */
    uint32_t request_id;  /* of the newest change that was asked for */
    uint64_t asked_ms, revoked_ms;
    uint8_t known_by, revoked_by; /* a bit a unit */
    bool account_added;
};

/* What a manager says, and what must be in force of it at each unit. */
enum sim_word_kind { WORD_NOTICE, WORD_SERVES, WORD_HOURS, WORD_KINDS };
struct sim_word {
    uint32_t number, asked;     /* rises with each; the one that is not answered yet, 0 none */
    uint64_t asked_ms;
    uint32_t low[SIM_UNITS];    /* nothing older may be in force; 0: anything */
    uint32_t maybe[SIM_UNITS];  /* asked there, never answered: the first of them; 0 none */
    uint32_t first[SIM_UNITS];  /* asked there since both held the same, answered or not; 0 none */
    bool alone[SIM_UNITS];      /* it was told something, and they have not met since */
};

/* A visitor who is not there yet. What he was told, and which unit knows that he has arrived. */
struct sim_phone {
    enum { PHONE_IDLE, PHONE_ASKED, PHONE_EXPECTED, PHONE_ARRIVING, PHONE_THERE } state;
    struct client as; /* what it asks, and asks again */
    struct ids_token ticket;
    uint64_t since_ms;
    uint8_t known_by; /* THERE: a bit a unit */
};

struct seen_ticket {
    char id[33], display[24], series[16], day[12];
    uint32_t number, category;
    uint64_t term;
    struct ids_token key;
    uint8_t asked_action;
    uint16_t asked_category;
    struct api_more asked_more;
    uint16_t next_of_key; /* 1 + index; 0 none */
    uint8_t held_by; /* a bit a unit, by what was acknowledged and lost since; 0: gone perhaps, its number not
                      * given again */
    int in_box;      /* whose disk held it alone: it may come back with it; 0 none */
};

/* A paper that some printer began with. */
struct sim_paper {
    char id[33];
    uint8_t originals; /* of the ticket, that printers got bytes of */
    uint32_t number, date;
    char series[16];
};

struct sim {
    struct sim_options options;
    struct sim_result *result;
    uint64_t random;
    uint64_t now_ms, order;
    struct item *heap;
    size_t heap_count;
    struct unit units[SIM_UNITS + 1]; /* and the ghost */
    bool cut[LINKS];
    bool lan_split;
    bool way_cut[LINKS][SIM_UNITS]; /* what this unit sends is lost */
    uint64_t clog_until_ms[LINKS];
    bool client_cut[SIM_UNITS];  /* no client reaches it */
    uint32_t client_sides; /* a bit a client: on whose side of a split switch, and whom it finds while both hold
                            * the address */
    struct sim_flap {
        uint32_t left;
        int what, unit;
    } flap;
    bool meeting_by_corosync; /* what it believes: both are members */
    uint32_t members_late_ms_max;
    uint64_t members_told_ms[SIM_UNITS]; /* late, never out of order */
    uint32_t loss_percent;
    uint64_t snapshot_entries;
    uint32_t delay_ms_max; /* a slow network brings frames late and in another order */
    struct queue_config config;
    struct calendar calendar;
    struct client clients[SIM_CLIENTS];
    struct seen_ticket *tickets;
    size_t ticket_count;
    struct sim_call *calls;    /* SIM_CALLS_SIZE, by id */
    size_t call_count, expected_count;
    struct sim_expected expected[SIM_EXPECTED]; /* ring */
    struct sim_paper *papers;  /* SIM_TICKETS_MAX */
    size_t paper_count;
    uint16_t *by_number;       /* SIM_INDEX_SIZE: of papers; 1 + index; 0 free */
    struct client again;       /* who asks again with an old key */
    struct sim_called called[QUEUE_NUMBER_MAX + 1];
    uint64_t unpaired_ms; /* when they were not, or a clock stood wrong, last */
    struct sim_credential credentials[SIM_CREDENTIALS];
    uint64_t access_random;    /* of its own: what else happens does not depend on it */
    uint32_t access_request;
    struct sim_site {          /* an administrator who changes the site file */
        enum { SIM_SITE_IDLE, SIM_SITE_LOOKING, SIM_SITE_APPLYING } step;
        uint32_t request_id;
        unsigned n, newest_n, base;
        bool at_opening, is_long, due;
        uint64_t asked_ms;
        uint8_t known_by;      /* a bit a unit: holds what follows */
        unsigned in_force;     /* the newest version that was answered to be */
        unsigned texts[SIM_SITE_VERSIONS]; /* by version: 1 + its text; 0 not told */
    } site;
    uint64_t site_random;
    struct engine_site_reader site_reader;
    uint64_t register_random;  /* likewise */
    struct sim_phone phones[SIM_PHONES];
    struct sim_annul {         /* an administrator who annuls the day */
        enum { SIM_ANNUL_NOT_YET, SIM_ANNUL_ASKED, SIM_ANNUL_STANDS, SIM_ANNUL_OPENING, SIM_ANNUL_OVER } step;
        uint32_t request_id;
        uint64_t asked_ms, answered_ms, lsn;
        bool paired;           /* both disks held it when it was answered */
    } annul;
    uint64_t manage_random;    /* likewise */
    struct sim_word words[WORD_KINDS];
    struct crypto *crypto;
    uint32_t writers[SIM_TERMS_MAX]; /* who assigned plain numbers in that term; 0 nobody yet */
    uint16_t *by_display, *by_key; /* SIM_INDEX_SIZE; 1 + index of the ticket; 0 free */
    uint32_t plain_highest[QUEUE_CATEGORIES_MAX + 1];
    /* Numbers of the first day, by each key; more than once when whoever was asked may not have known of it. */
    uint32_t asked[CATEGORIES + 1];
    int box_count;
    struct sim_plan plans[SIM_FAULTS_MAX];
    bool hurting[SIM_FAULT_COUNT];
    uint64_t hurts_until_ms[SIM_FAULT_COUNT];
    uint64_t hurt_mask;  /* bit f: fault f hurts */
    uint32_t fault_now;  /* whose generator is drawn from: the one that begins or heals */
    enum sim_oath { OATH_NONE, OATH_CUT, OATH_SWORN } oath; /* a false one is under way */
    uint64_t said_count; /* what people have sworn */
    bool swapped;        /* each disk is in the other's box */
    uint64_t held_paired_ms; /* when both held what either held */
    bool faults_over;
    uint64_t issued_after_heal;
    uint64_t ticket_ms; /* when the last ticket was handed out */
    uint64_t both_hold_since_ms; /* and hear each other; 0 they do not */
    struct sim_ceilings ceilings[QUEUE_CATEGORIES_MAX];
    struct sim_fold *folds; /* SIM_LSN_MAX */
    uint32_t *noted; /* SIM_NOTED_SIZE: keys and hashes of entries that were stored, by their first bytes */
    size_t noted_count;
    uint32_t ledger_day;    /* the newest that any ledger opened */
    bool spoiled;
    uint64_t paired_term; /* newest under which a unit was on duty */
    uint64_t healed_ms, paired_ms;
    enum sim_phase phase;
    uint64_t phase_ms;   /* when it began */
    int64_t skipped_ms;  /* of the night: the wall clock of everybody is ahead by this */
    bool closed;         /* no visitor comes */
    bool clock_was_wrong;
    int night, night_first; /* which way the units spend it; who goes first */
    uint32_t takeovers;  /* a bit each: at closing time, at midnight, at opening time */
    const char *today;   /* what a calendar on the wall says */
};

/* sim.c */
uint64_t sim_draw(struct sim *sim);
uint64_t sim_below(struct sim *sim, uint64_t limit);
void sim_story(struct sim *sim, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Told with --verbose only. */
void sim_detail(struct sim *sim, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void sim_fail(struct sim *sim, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void sim_push(struct sim *sim, struct item item);
void sim_deliver(struct sim *sim, int index, struct engine_event *event);

/* sim_day.c */
int64_t sim_wall_ms(const struct sim *sim);
/* True: the run is over. */
bool sim_day_turn(struct sim *sim);
void sim_day_next(struct sim *sim);

/* sim_clock.c */
int64_t sim_unit_wall_ms(const struct unit *unit);
bool sim_clock_is_right(const struct unit *unit);
void sim_begin_clock_fault(struct sim *sim, enum sim_fault fault, int index);
void sim_end_clock_fault(struct sim *sim, enum sim_fault fault, int index);

/* sim_world.c */
bool sim_link_works(const struct sim *sim, int link);
bool sim_lan_between(const struct sim *sim);
void sim_happen_to_unit(struct sim *sim, struct item *item);
void sim_make_world(struct unit *unit);

/* sim_loss.c */
/* False: not now, the other one could not give back what this one held. */
bool sim_lose_disk(struct sim *sim, enum sim_fault fault, int index);
bool sim_holds_a_ledger(const struct unit *unit);
/* Nothing is left where the numbers of this unit stand, if its record goes, or its ledger, or either. */
bool sim_would_forget(const struct unit *unit, bool record_goes, bool ledger_goes);
/* It reads, writes and holds nothing that is damaged. */
bool sim_disk_answers(const struct unit *unit);
void sim_set_aside(struct sim *sim, int index);
void sim_swap_disks(struct sim *sim);
void sim_swap_disks_back(struct sim *sim);
void sim_scrub(struct sim *sim);
void sim_begin_disk_fault(struct sim *sim, enum sim_fault fault, int index);
void sim_end_disk_fault(struct sim *sim, enum sim_fault fault, int index);
/* Who holds which ticket: handed out by this unit; both are PAIRED; a box that came back gave what it had. */
void sim_held_acknowledged(struct seen_ticket *ticket, const struct unit *unit);
void sim_held_paired(struct sim *sim);
void sim_held_given(struct sim *sim, int box, int receiver);

/* sim_network.c */
/* Does a frame of this unit come through? */
bool sim_way_works(const struct sim *sim, int link, int from);
/* No way is cut in one direction, nothing is held back. */
bool sim_links_are_sound(const struct sim *sim);
void sim_begin_network_fault(struct sim *sim, enum sim_fault fault, int index);
void sim_end_network_fault(struct sim *sim, enum sim_fault fault, int index);
/* Corosync at `index` will say this of the other one, after_ms from now or later. */
void sim_tell_process(struct sim *sim, int index, uint64_t after_ms, enum duty_peer_process what);
void sim_tell_process_truth(struct sim *sim, uint64_t after_ms);

/* sim_unit.c */
void sim_tell_level(struct sim *sim, int index);
void sim_update_links(struct sim *sim);
void sim_start_unit(struct sim *sim, int index, bool found);
void sim_crash_unit(struct sim *sim, int index, bool power);

/* sim_fault.c */
/* What an operator asks of one unit. */
void sim_order(struct sim *sim, int index, enum api_control_what what, const char *text);
void sim_heal_later(struct sim *sim, enum sim_fault fault, int unit, uint64_t after_ms);
/* Everything is healed so long from now at the earliest. */
void sim_lasts(struct sim *sim, uint64_t lasts_ms);
void sim_begin_fault(struct sim *sim, enum sim_fault fault, int index);
void sim_end_fault(struct sim *sim, enum sim_fault fault, int index);
/* The fault that waited for this moment of this unit begins within so many ms. */
void sim_moment_is(struct unit *unit, enum sim_moment moment, uint64_t within_ms);
void sim_fault_item(struct sim *sim, const struct item *item);

/* sim_plan.c */
/* When everything has healed. */
uint64_t sim_schedule_faults(struct sim *sim);
/* Which faults hurt now: by beginning, by healing, and once a second. */
void sim_fault_hurts(struct sim *sim, enum sim_fault fault, bool begins);
void sim_see_what_hurts(struct sim *sim);
/* What a fault does is drawn by this, never by sim_below(): it does not depend on the other faults. */
uint64_t sim_fault_below(struct sim *sim, uint64_t limit);

/* sim_box.c */
void sim_hardware_of(int box, struct ids_token *ret_hardware);
void sim_people_look(struct sim *sim);
/* A box that came back and is blank now has given what only it held: excused no more. */
void sim_judge_boxes(struct sim *sim);
void sim_replace_unit(struct sim *sim, int index);
/* People swear that a unit is off which is behind a cut; and then perhaps they take the other one out. */
void sim_begin_false_oath(struct sim *sim, int index);
void sim_go_on_false_oath(struct sim *sim, int index);

/* sim_ghost.c */
void sim_ghost_begin(struct sim *sim, int place);
void sim_ghost_end(struct sim *sim);
void sim_ghost_start(struct sim *sim);
void sim_ghost_stores(struct sim *sim, const struct ledger_batch *batch);
const struct sim_disk *sim_partner_disk(const struct sim *sim, int index);
void sim_ghost_ends(struct sim *sim);
void sim_ghost_overhears(const struct unit *sender, enum world_link link, const uint8_t *frame,
                         size_t len_bytes);
enum duty_probe sim_ghost_probes(const struct sim *sim);

/* sim_client.c */
void sim_client_send(struct sim *sim, int index);
void sim_client_begin(struct sim *sim, int index);
bool sim_client_reaches(const struct sim *sim, int index, int unit);
/* Hundreds come at once. */
void sim_crowd(struct sim *sim);
void sim_client_reply(void *context, uint64_t client_id, const uint8_t *header,
                        size_t header_len_bytes, const uint8_t *body, size_t body_len_bytes);

uint64_t sim_client_body_hash(const struct client *client);

/* sim_access.c */
enum { SIM_ACCESS_CLIENT = 3000, SIM_ACCESS_CHECK = 3100 };
/* Once a second: credentials are asked for, used at both units, and taken away. */
void sim_access_turn(struct sim *sim);
void sim_access_reply(struct unit *unit, uint64_t client, uint32_t id, uint16_t status, const char *body);
void sim_access_held_paired(struct sim *sim);
void sim_access_held_lost(struct sim *sim, int index);
void sim_access_held_given(struct sim *sim, int index);
/* Each disk lies in the other box now. */
void sim_access_exchanged(struct sim *sim);

/* sim_site.c */
enum { SIM_SITE_CLIENT = 3200 };
void sim_site_prepare(struct sim *sim);
const char *sim_site_first_text(void);
/* Once a second: both units are asked what is in force; now and then a new version is applied. */
void sim_site_turn(struct sim *sim);
void sim_site_reply(struct unit *unit, uint64_t client, uint32_t id, uint16_t status, uint64_t lsn,
                    const char *body);
/* A live event: the queue as boards show it. */
void sim_site_event(struct unit *unit, const char *body);
void sim_site_held_paired(struct sim *sim);
void sim_site_held_lost(struct sim *sim, int index);
void sim_site_held_given(struct sim *sim, int index);
void sim_site_exchanged(struct sim *sim);

/* sim_hear.c */
/* world.reply: everything that an engine sends to anybody. */
void sim_hear(void *context, uint64_t client, const uint8_t *header, size_t header_len_bytes,
              const uint8_t *body, size_t body_len_bytes);
/* Rule 1, promise 2: nothing leaves before both disks hold the lsn that it was computed at; alone, this disk. */
void judge_leaves(struct unit *unit, uint64_t lsn, bool both, const char *what);
/* Once a second: boards are watched, old keys are asked again, nonsense is sent. */
void sim_people_press(struct sim *sim);

/* sim_manage.c */
enum { SIM_MANAGE_CLIENT = 3300 };
void sim_manage_turn(struct sim *sim);
void sim_manage_reply(struct unit *unit, uint64_t client, uint32_t id, uint16_t status);
void sim_manage_held_paired(struct sim *sim);
void sim_manage_held_lost(struct sim *sim, int index);
void sim_manage_held_given(struct sim *sim, int index);
void sim_manage_exchanged(struct sim *sim);
/* Its ledger is the other's now, as that was somewhere in a meeting; no term has said so yet. */
void sim_manage_held_taken(struct sim *sim, int index);
void sim_manage_paper(struct unit *unit, const struct api_print *print);

/* sim_register.c */
enum { SIM_REGISTER_CLIENT = 3400 };
/* Once a second: telephones register, visitors arrive or do not, and who is expected is looked for. */
void sim_register_turn(struct sim *sim);
void sim_register_reply(struct unit *unit, uint64_t client, uint32_t id, uint16_t status, const char *body);
void sim_register_held_paired(struct sim *sim);
void sim_register_held_lost(struct sim *sim, int index);
void sim_register_held_given(struct sim *sim, int index);
void sim_register_exchanged(struct sim *sim);
/* sim_annul.c */
enum { SIM_ANNUL_CLIENT = 3600 };
void sim_annul_turn(struct sim *sim);
void sim_annul_reply(struct unit *unit, uint32_t id, uint16_t status, uint64_t lsn);
/* Between the first asking and the new opening; then and ever after. */
bool sim_annul_is_on(const struct sim *sim);
bool sim_annul_was(const struct sim *sim);
/* A ticket or a call that leaves, computed at this lsn. */
void judge_annulled(struct unit *unit, uint64_t lsn, const char *what);

/* sim_print.c */
/* An order to the printer of this unit. */
void sim_print(struct unit *unit, const uint8_t *frame, size_t len_bytes);
void sim_print_end(struct sim *sim, const struct item *item);
/* Once a second: drivers come and go, printers run out of paper. */
void sim_printers(struct sim *sim);
/* No ticket waits for a paper that nobody prints. */
void judge_papers(struct sim *sim);

/* sim_ledger.c: sim_disk_apply, and what it did is judged; then for a reply; once a second; at the end. */
void sim_store(struct unit *unit, const struct ledger_batch *batch, enum sim_disk_step until);
void sim_hash_of(const struct sim_disk *disk, uint64_t lsn, struct ids_hash *ret_hash);
bool judge_is_on_both(const struct sim *sim, int index, uint64_t lsn);
void judge_settled(struct unit *unit);
void judge_damage(struct sim *sim);
void judge_wakings(struct sim *sim);
void judge_gaps(struct sim *sim);
void judge_erased(struct sim *sim);

/* sim_wire.c: each frame that a unit sends; do both disks hold that term, by one entry? */
void sim_wire(struct unit *unit, const uint8_t *bytes, size_t len_bytes);
bool judge_term_is_common(const struct sim *sim, uint64_t term);

/* sim_effect.c */
/* What was just stored; a snapshot was put in place. */
void sim_note_entry(struct unit *unit, const struct entry *entry, const struct ids_hash *hash);
void sim_note_snapshot(struct unit *unit);
void judge_effect(struct unit *unit, const struct ids_token *key, const char *what);
void judge_reserved(struct unit *unit, const struct seen_ticket *seen);
void judge_certificate(struct sim *sim, const char *yesterday);

/* sim_sums.c: the statistics of a day whose visits are erased */
void judge_sums(struct sim *sim, const char *day);
/* sim_kept.c: in a world whose site keeps rows of single visits, they come to what the totals say */
enum { SIM_KEEP_VISITS_DAYS = 30 };
bool sim_keeps_visits(const struct sim *sim);
void judge_kept(struct sim *sim, int unit, uint32_t date, const struct statistics_sums *of);
/* sim_erasure.c: before a batch is stored; for a number that was given; on the second day, until true. */
void judge_certificates_of(struct unit *unit, const struct ledger_batch *batch);
void judge_nothing_older(struct unit *unit, const char *today);
bool sim_is_certified(struct sim *sim, const char *yesterday);
void judge_walk(struct sim *sim);

/* sim_spoil.c */
bool sim_spoils(struct sim *sim, enum sim_spoil spoil);
/* Not once, but from then on: what must last before it is a fault. */
bool sim_stays_spoiled(const struct sim *sim, enum sim_spoil spoil);
void sim_spoil_ledger(struct unit *unit);

/* sim_judge.c */
/* True: the ticket had been handed out before. */
bool judge_ticket(struct sim *sim, const struct client *client, const char *body,
                  struct unit *unit);
void judge_service(struct sim *sim);
/* sim_visit.c: what staff say of a visit, and what must hold of visits */
void sim_visit_press(struct sim *sim, struct client *client, int index);
void sim_visit_issue(struct sim *sim, struct client *client);
uint16_t sim_hand_first(int category);
void judge_visits(struct sim *sim);
void judge_call_time(struct sim *sim, const char *body);
void judge_limit(struct sim *sim, const struct seen_ticket *seen, const struct unit *unit);
void judge_address(struct sim *sim);
bool sim_is_paired(const struct sim *sim);
void judge_ledgers(struct sim *sim);
void judge_term(struct unit *unit);

#endif
