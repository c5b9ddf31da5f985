/*
 * tools/office/keeper.h - inside of the keeper: what it holds, and the faults it makes.
 */
#ifndef TOOLS_OFFICE_KEEPER_H
#define TOOLS_OFFICE_KEEPER_H

#include "tools/office/office.h"

#include <jansson.h>

struct keeper_unit {
    pid_t supervisor; /* 0: the unit is without power */
    int control_fd;
    bool wedged;
    bool disk_full;
    int64_t clock_offset_ms;
};

struct keeper_printer {
    pid_t pid; /* 0: it is off */
    bool off;  /* by a fault, or it ended by itself */
};

struct keeper {
    struct office *office;
    int listen_fd;
    int signal_fd;
    int switch_fd;
    int forward_fd;
    pid_t forward_pid;
    pid_t relay_pid; /* 0: none runs */
    struct office_cables cables;
    bool rules_set;
    int64_t switch_next_ms; /* when the switch's next phase begins; 0: it works */
    uint32_t switch_learning_s;
    struct keeper_unit units[OFFICE_UNITS_MAX];
    struct keeper_printer printers[SITE_PRINTERS_MAX]; /* in the site file's order */
    bool leaving;
    bool keep_files;
};

/* faults.c */
/* The answer to a "fault" or "heal" request. */
json_t *keeper_fault(struct keeper *keeper, const json_t *request);
json_t *keeper_heal(struct keeper *keeper, const json_t *request);
/* Time passes for everybody, also for a unit without power: no fault, so heal leaves it. */
json_t *keeper_pass_time(struct keeper *keeper, const json_t *request);
/* Names of the faults in force, of one unit (place) or shared (0). */
json_t *keeper_faults(const struct keeper *keeper, unsigned place);
void keeper_switch_step(struct keeper *keeper, int64_t now_ms);
int keeper_power_on(struct keeper *keeper, unsigned place);
/* {"ok":false, code, text_ja, text_en} */
json_t *keeper_refuse(const char *code, const char *ja, const char *en);
/* A program's number on the host, 0 when it does not run. */
pid_t keeper_program_pid(const struct keeper *keeper, unsigned place, enum office_program program);
/* DIR/uK/processes.json; an empty list when the unit is off. */
json_t *keeper_programs(const struct keeper *keeper, unsigned place);

/* relay.c */
int keeper_relay_start(struct keeper *keeper);
void keeper_relay_stop(struct keeper *keeper);
void keeper_relay_note(struct keeper *keeper, pid_t pid);
json_t *keeper_relay_info(const struct keeper *keeper);

/* printers.c */
int keeper_printers_start(struct keeper *keeper);
void keeper_printers_stop(struct keeper *keeper);
void keeper_printers_note(struct keeper *keeper, pid_t pid);
/* kind: what follows "printer-"; number 0: the first. */
json_t *keeper_printer_fault(struct keeper *keeper, const char *kind, json_int_t number);
int keeper_printers_heal(struct keeper *keeper);
json_t *keeper_printers_info(const struct keeper *keeper);

#endif
