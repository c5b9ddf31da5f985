/*
 * tools/office/office.h - the office on one machine: two units, a switch and clients in namespaces.
 *
 * Decides: how an office is put together on this machine, kept running, broken on purpose and taken
 * away without a trace. Decides not: anything the units decide; it stands in for what surrounds
 * them (power, cables, switch, disks, systemd, the wall clock) and never speaks for them.
 *
 * Processes. `toban-office up` starts one keeper per office. The keeper owns the namespaces, disks
 * and the forwarder from the host, and per unit one supervisor: process 1 of the unit's own
 * process, mount and network namespace, standing in for systemd. Killing the supervisor kills
 * everything of the unit at once; when the keeper dies by any cause, the kernel kills supervisors
 * and forwarder with it. Commands reach the keeper by a socket in the office's directory.
 *
 * Places. A unit is named here by its place, 1 or 2; its unit id and serial come from the site
 * file. DIR/uK is the unit's /run: what the host sees as DIR/u1/data the unit sees as /run/data.
 *
 * Source: DESIGN 7 (The office on one machine). Linux, root, iproute2, nftables.
 */
#ifndef TOOLS_OFFICE_OFFICE_H
#define TOOLS_OFFICE_OFFICE_H

#include "appliance/adapters/site_cyaml.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum office_limit {
    OFFICE_UNITS_MAX = 2,
    OFFICE_NAME_LEN_MAX = 20,
    OFFICE_NAME_BYTES = OFFICE_NAME_LEN_MAX + 1,
    OFFICE_PATH_BYTES = 256,
    OFFICE_TEXT_BYTES = 512,
    OFFICE_MESSAGE_BYTES = 64 * 1024, /* one request or reply on the keeper's socket */
    OFFICE_DISK_MIB_DEFAULT = 2048,   /* sparse: takes what is written */
    OFFICE_DISK_MIB_MIN = 16,
    OFFICE_DISK_MIB_MAX = 1024 * 1024,
    OFFICE_READY_TIMEOUT_S = 90,
    OFFICE_HOST_PORT_DEFAULT = 8080, /* of the office named OFFICE_NAME_DEFAULT */
    OFFICE_SWITCH_DEAD_S = 30,       /* a restarting switch: no carrier this long, */
    OFFICE_SWITCH_LEARNING_S = 30,   /* then carrier without forwarding this long */
};

#define OFFICE_NAME_DEFAULT "toban"
#define OFFICE_FLOATING "10.90.0.10"
#define OFFICE_FLOATING_PREFIX "10.90.0.10/24"
#define OFFICE_NETWORK "10.90.0."
#define OFFICE_PRINTER "10.90.0.5"
#define OFFICE_CLIENTS "10.90.0.9"
#define OFFICE_RELAY_FEED OFFICE_CLIENTS ":9443"
#define OFFICE_RELAY_PAGE OFFICE_CLIENTS ":8443"

/* The programs of a unit, in the order of their start. */
enum office_program {
    OFFICE_COROSYNC,
    OFFICE_NET,
    OFFICE_TOBAND,
    OFFICE_WEB,
    OFFICE_DEVICES,
    OFFICE_FEED, /* toban-web --feed: only with a relay */
    OFFICE_PROGRAM_COUNT,
};

/* How the data disk of a unit is made. */
enum office_disk { OFFICE_DISK_LOOP, OFFICE_DISK_DIRECTORY };

struct office_error {
    char ja[OFFICE_TEXT_BYTES];
    char en[OFFICE_TEXT_BYTES];
};

struct office {
    char name[OFFICE_NAME_BYTES];
    char base_dir[OFFICE_PATH_BYTES]; /* of all offices */
    char run_dir[OFFICE_PATH_BYTES];  /* of this one */
    char disk_dir[OFFICE_PATH_BYTES]; /* images of disks: never on a tmpfs by default */
    char bin_dir[OFFICE_PATH_BYTES];
    char web_dir[OFFICE_PATH_BYTES];
    char site_path[OFFICE_PATH_BYTES];
    unsigned unit_count;
    enum office_disk disk;
    uint32_t disk_mib;
    uint16_t host_port; /* 0: choose a free one */
    int64_t clock_offset_ms;
    bool japanese;
    bool relay; /* the public page on another host, and what feeds it */
    bool program_present[OFFICE_PROGRAM_COUNT];
    struct site site;
};

/* common.c */
const char *office_program_name(enum office_program program);
bool office_name_is_valid(const char *name);
/* Fills name and directories; -EINVAL for a bad name, -ENAMETOOLONG when a socket would not fit. */
int office_init(struct office *office, const char *name, struct office_error *ret_error);
/* DIR/uK/REST as the host sees it. */
void office_unit_path(const struct office *office, unsigned place, const char *rest,
                      char path[OFFICE_PATH_BYTES]);
void office_netns_name(const struct office *office, const char *part, char *name, size_t capacity);
/* The program's file: in bin_dir, corosync also in /usr/sbin. false: there is none. */
bool office_program_path(const struct office *office, enum office_program program,
                         char path[OFFICE_PATH_BYTES]);
/* Sets both sentences; returns r. */
__attribute__((format(printf, 3, 5))) __attribute__((format(printf, 4, 5))) int
office_fail(struct office_error *ret_error, int r, const char *ja, const char *en, ...);
int64_t office_monotonic_ms(void);
int64_t office_realtime_ms(void);
int office_write_file(const char *path, const void *bytes, size_t len_bytes, mode_t mode);
/* Reads at most capacity - 1 bytes and closes them with a zero; length or negative errno. */
ssize_t office_read_file(const char *path, char *text, size_t capacity_bytes);
/* Removes a tree without following links or crossing into mounted file systems. */
int office_remove_tree(const char *path);
/* Runs a command to its end. input may be NULL; what it said on stderr goes to `said` (may be
 * NULL). netns: run inside this named namespace, or NULL. Returns its exit status, or negative
 * errno. */
int office_command(const char *netns, const char *const argv[], const char *input, char *said,
                   size_t said_bytes);
/* Closes every descriptor of this process but 0, 1, 2 and those listed. */
void office_close_others(const int *keep, size_t keep_count);

/* network.c - namespaces and cables */
struct office_cables {
    bool power_off[OFFICE_UNITS_MAX];
    bool lan_cut[OFFICE_UNITS_MAX];
    bool direct_cut;
    bool partition;         /* frames between the units are lost, carrier stays */
    unsigned clients_place; /* partition: clients reach only this unit; 0: both */
    bool switch_dead;       /* the service switch has no power */
    bool switch_learning;   /* it has carrier and forwards nothing */
};
int office_network_create(const struct office *office, struct office_error *ret_error);
void office_network_destroy(const struct office *office);
/* A socket inside the switch's namespace: cutting a cable is one ioctl on it. */
int office_network_open_switch(const struct office *office, int *ret_fd);
/* Ports go up and down within microseconds; rules (partition, switch_learning) need a program's
 * run. */
int office_network_apply_ports(const struct office *office, int switch_fd,
                               const struct office_cables *cables);
int office_network_apply_rules(const struct office *office, const struct office_cables *cables);
int office_netns_open(const char *netns, int *ret_fd);

/* disk.c - the data disk of a unit */
int office_disk_create(const struct office *office, unsigned place, struct office_error *ret_error);
/* What was not synced is lost, as when power goes; afterwards the disk is mounted again. */
/* Marks the first unit's empty disk: this unit founds the site's ledger. A wiped disk has no mark. */
int office_disk_found(const struct office *office, unsigned place);
int office_disk_cut_power(const struct office *office, unsigned place);
/* Mounts a disk that is dead; -EBUSY: a process still has one of its files open. */
int office_disk_revive(const struct office *office, unsigned place);
int office_disk_fill(const struct office *office, unsigned place);
int office_disk_unfill(const struct office *office, unsigned place);
int office_disk_wipe(const struct office *office, unsigned place);
void office_disk_destroy(const struct office *office, unsigned place);

/* keys.c - the site's own CA and each unit's certificate, the cluster's key */
int office_keys_create(const struct office *office, struct office_error *ret_error);

/* programs.c - configuration and command lines */
enum { OFFICE_ARGV_MAX = 48, OFFICE_ARGV_BYTES = 4096 };
struct office_argv {
    const char *argv[OFFICE_ARGV_MAX]; /* closed by NULL; points into bytes */
    size_t count;
    size_t used_bytes;
    char bytes[OFFICE_ARGV_BYTES];
};
int office_programs_configure(const struct office *office, struct office_error *ret_error);
void office_program_argv(const struct office *office, unsigned place, enum office_program program,
                         int64_t clock_offset_ms, struct office_argv *ret_argv);
/* Milliseconds without a sign of life after which a program is killed, once it has given one. */
uint32_t office_program_watchdog_ms(enum office_program program);

/* supervisor.c - process 1 of a unit */
int office_supervisor_start(const struct office *office, unsigned place, pid_t *ret_pid,
                            int *ret_control_fd);
/* Asks it to "stop NAME" or "start NAME"; waits for the answer. */
int office_supervisor_ask(int control_fd, const char *what, enum office_program program);

/* forward.c - host port to the floating address */
int office_forward_listen(uint16_t port, int *ret_fd, uint16_t *ret_port);
int office_forward_start(const struct office *office, int listen_fd, pid_t *ret_pid);

/* keeper.c - the owner of an office */
/* Runs in the calling process until the office is down. progress_fd takes one line per step and, if
 * starting fails, "!" and the error; it is closed when the units are started. */
int office_keeper_run(struct office *office, int progress_fd);
/* Takes away whatever an office of this name left: processes, mounts, namespaces, files. */
int office_clean(const struct office *office, bool keep_files, struct office_error *ret_error);
/* The lock of the name; the descriptor holds it. -EBUSY: another process has it. */
int office_lock(const struct office *office, int *ret_fd);

/* client.c - commands of people and scripts; each returns the exit status */
struct office_options {
    bool json;
    bool keep;
    const char *at;
    const char *site;
    uint32_t timeout_s;
    unsigned clients_place;
    uint32_t dead_s, learning_s;
    int64_t clock_shift_ms;
    const char *words[3];
    size_t word_count;
};
enum office_exit {
    OFFICE_EXIT_OK = 0,
    OFFICE_EXIT_REFUSED = 1,
    OFFICE_EXIT_USAGE = 2,
    OFFICE_EXIT_NO_OFFICE = 3,
    OFFICE_EXIT_INTERRUPTED = 130
};
int office_up(struct office *office, const struct office_options *options);
int office_run(struct office *office, const struct office_options *options);
int office_down(struct office *office, const struct office_options *options);
int office_status(struct office *office, const struct office_options *options);
int office_info(struct office *office, const struct office_options *options);
int office_fault(struct office *office, const struct office_options *options);
int office_heal(struct office *office, const struct office_options *options);
int office_clock(struct office *office, const struct office_options *options);

#endif
