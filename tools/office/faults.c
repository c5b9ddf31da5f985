/*
 * Faults on purpose, and their healing. Each is what the world does to a unit, never what a program
 * does to itself. `power` cuts the cables before it kills, so that nothing says goodbye.
 */
#include "tools/office/keeper.h"

#include "base/check.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    MS_PER_S = 1000,
    US_PER_S = 1000000,
    NS_PER_US = 1000,
    PUBLIC_MODE = 0644,
};

typedef int fault_fn(struct keeper *keeper, unsigned place, const json_t *request);

struct fault {
    const char *name;
    bool needs_unit;
    fault_fn *make;
};

json_t *keeper_refuse(const char *code, const char *ja, const char *en)
{
    return json_pack("{s:b, s:s, s:s, s:s}", "ok", 0, "code", code, "text_ja", ja, "text_en", en);
}

json_t *keeper_programs(const struct keeper *keeper, unsigned place)
{
    char path[OFFICE_PATH_BYTES];
    json_t *all = NULL;
    json_t *programs = NULL;

    if (keeper->units[place - 1].supervisor != 0) {
        office_unit_path(keeper->office, place, "processes.json", path);
        all = json_load_file(path, 0, NULL);
        programs = json_incref(json_object_get(all, "programs"));
        json_decref(all);
    }
    return programs == NULL ? json_array() : programs;
}

pid_t keeper_program_pid(const struct keeper *keeper, unsigned place, enum office_program program)
{
    json_t *programs = keeper_programs(keeper, place);
    json_t *one = json_array_get(programs, program);
    pid_t pid = (pid_t)json_integer_value(json_object_get(one, "pid"));

    json_decref(programs);
    return pid;
}

static int64_t now_us(void)
{
    struct timespec now;

    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / NS_PER_US;
}

static int apply_cables(struct keeper *keeper)
{
    const struct office_cables *cables = &keeper->cables;
    bool wants_rules = cables->partition || cables->switch_learning;
    int r = office_network_apply_ports(keeper->office, keeper->switch_fd, cables);

    if (r == 0 && (wants_rules || keeper->rules_set)) {
        r = office_network_apply_rules(keeper->office, cables);
        keeper->rules_set = wants_rules;
    }
    return r;
}

static int write_clock(const struct keeper *keeper, unsigned place)
{
    char path[OFFICE_PATH_BYTES];
    char text[32];
    int len =
        snprintf(text, sizeof(text), "%" PRId64 "\n", keeper->units[place - 1].clock_offset_ms);

    office_unit_path(keeper->office, place, "clock-offset-ms", path);
    return office_write_file(path, text, (size_t)len, PUBLIC_MODE);
}

int keeper_power_on(struct keeper *keeper, unsigned place)
{
    struct keeper_unit *unit = &keeper->units[place - 1];
    int r = 0;

    if (unit->supervisor != 0) {
        return 0;
    }
    keeper->cables.power_off[place - 1] = false;
    r = write_clock(keeper, place);
    r = r < 0 ? r : office_disk_revive(keeper->office, place);
    r = r < 0 ? r : apply_cables(keeper);
    return r < 0 ? r
                 : office_supervisor_start(keeper->office, place, &unit->supervisor,
                                           &unit->control_fd);
}

static int cut_power(struct keeper *keeper, unsigned place, const json_t *request)
{
    struct keeper_unit *unit = &keeper->units[place - 1];
    int r = 0;

    (void)request;
    if (unit->supervisor == 0) {
        return -EALREADY;
    }
    keeper->cables.power_off[place - 1] = true;
    r = office_network_apply_ports(keeper->office, keeper->switch_fd, &keeper->cables);
    (void)kill(unit->supervisor, SIGKILL);
    /* Process 1 is reaped last: after this line nothing of the unit runs. */
    (void)waitpid(unit->supervisor, NULL, 0);
    (void)close(unit->control_fd);
    unit->supervisor = 0;
    unit->control_fd = -1;
    unit->wedged = false;
    return r < 0 ? r : office_disk_cut_power(keeper->office, place);
}

static int crash(struct keeper *keeper, unsigned place, const json_t *request)
{
    const char *name = json_string_value(json_object_get(request, "program"));

    for (unsigned i = 0; i < OFFICE_PROGRAM_COUNT; i++) {
        enum office_program program = (enum office_program)i;

        if (strcmp(name == NULL ? "toband" : name, office_program_name(program)) == 0) {
            pid_t pid = keeper_program_pid(keeper, place, program);

            return pid == 0 ? -ESRCH : kill(pid, SIGKILL) < 0 ? -errno : 0;
        }
    }
    return -EINVAL;
}

static int wedge(struct keeper *keeper, unsigned place, const json_t *request)
{
    pid_t pid = keeper_program_pid(keeper, place, OFFICE_TOBAND);

    (void)request;
    if (pid == 0) {
        return -ESRCH;
    }
    keeper->units[place - 1].wedged = true;
    return kill(pid, SIGSTOP) < 0 ? -errno : 0;
}

static int unplug_lan(struct keeper *keeper, unsigned place, const json_t *request)
{
    (void)request;
    keeper->cables.lan_cut[place - 1] = true;
    return apply_cables(keeper);
}

static int unplug_direct(struct keeper *keeper, unsigned place, const json_t *request)
{
    (void)place;
    (void)request;
    keeper->cables.direct_cut = true;
    return apply_cables(keeper);
}

static int partition(struct keeper *keeper, unsigned place, const json_t *request)
{
    int r = 0;

    (void)place;
    keeper->cables.partition = true;
    keeper->cables.clients_place =
        (unsigned)json_integer_value(json_object_get(request, "clients"));
    r = apply_cables(keeper);
    keeper->cables.partition = r == 0;
    return r;
}

static int restart_switch(struct keeper *keeper, unsigned place, const json_t *request)
{
    json_int_t dead_s = json_integer_value(json_object_get(request, "dead_s"));

    (void)place;
    keeper->cables.switch_dead = true;
    keeper->cables.switch_learning = false;
    keeper->switch_learning_s =
        (uint32_t)json_integer_value(json_object_get(request, "learning_s"));
    keeper->switch_next_ms = office_monotonic_ms() + dead_s * MS_PER_S;
    return apply_cables(keeper);
}

void keeper_switch_step(struct keeper *keeper, int64_t now_ms)
{
    if (keeper->switch_next_ms == 0 || now_ms < keeper->switch_next_ms) {
        return;
    }
    keeper->switch_next_ms = 0;
    if (keeper->cables.switch_dead) {
        /* The rule is in force before the carrier returns: a learning switch forwards nothing. */
        keeper->cables.switch_learning = true;
        (void)office_network_apply_rules(keeper->office, &keeper->cables);
        keeper->rules_set = true;
        keeper->cables.switch_dead = false;
        keeper->switch_next_ms = now_ms + (int64_t)keeper->switch_learning_s * MS_PER_S;
    } else {
        keeper->cables.switch_learning = false;
    }
    (void)apply_cables(keeper);
}

static int fill_disk(struct keeper *keeper, unsigned place, const json_t *request)
{
    (void)request;
    keeper->units[place - 1].disk_full = true;
    return office_disk_fill(keeper->office, place);
}

static int wipe_disk(struct keeper *keeper, unsigned place, const json_t *request)
{
    const struct keeper_unit *unit = &keeper->units[place - 1];
    int r = 0;

    (void)request;
    if (unit->supervisor == 0) {
        return office_disk_wipe(keeper->office, place);
    }
    r = office_supervisor_ask(unit->control_fd, "stop", OFFICE_TOBAND);
    r = r < 0 ? r : office_disk_wipe(keeper->office, place);
    return r < 0 ? r : office_supervisor_ask(unit->control_fd, "start", OFFICE_TOBAND);
}

static int set_clock(struct keeper *keeper, unsigned place, int64_t offset_ms)
{
    pid_t pid = keeper_program_pid(keeper, place, OFFICE_TOBAND);
    int r = 0;

    keeper->units[place - 1].clock_offset_ms = offset_ms;
    r = write_clock(keeper, place);
    if (r == 0 && pid != 0) {
        r = kill(pid, SIGHUP) < 0 ? -errno : 0;
    }
    return r;
}

static int shift_clock(struct keeper *keeper, unsigned place, const json_t *request)
{
    int64_t shift_ms = json_integer_value(json_object_get(request, "shift_ms"));

    return set_clock(keeper, place, keeper->units[place - 1].clock_offset_ms + shift_ms);
}

static const struct fault faults[] = {
    {"power", true, cut_power},
    {"crash", true, crash},
    {"wedge", true, wedge},
    {"unplug-lan", true, unplug_lan},
    {"unplug-direct", false, unplug_direct},
    {"partition", false, partition},
    {"switch", false, restart_switch},
    {"disk-full", true, fill_disk},
    {"disk-wipe", true, wipe_disk},
    {"clock", true, shift_clock},
};

static json_t *explain(int r)
{
    switch (-r) {
    case EALREADY:
        return keeper_refuse("ALREADY", "もうその状態です。", "It is in that state already.");
    case ESRCH:
        return keeper_refuse("NOT_RUNNING", "そのプログラムは動いていません。",
                             "That program is not running.");
    case EINVAL:
        return keeper_refuse("NO_SUCH_PROGRAM",
                             "プログラムは corosync、toban-net、toband、toban-web、toban-devices "
                             "のどれかです。",
                             "A program is one of corosync, toban-net, toband, toban-web, "
                             "toban-devices.");
    case EOPNOTSUPP:
        return keeper_refuse(
            "NO_OWN_DISK", "--disk directory の事務所では、ディスクをいっぱいにできません。",
            "An office made with --disk directory has no disk that could be full.");
    case EBUSY:
        return keeper_refuse("DISK_IN_USE",
                             "データディスクのファイルを開いているプログラムがあります。閉じてから "
                             "heal してください。",
                             "A program has a file of the data disk open. Close it, then heal.");
    default:
        return keeper_refuse("FAILED", strerror(-r), strerror(-r));
    }
}

json_t *keeper_fault(struct keeper *keeper, const json_t *request)
{
    const char *kind = json_string_value(json_object_get(request, "kind"));
    json_int_t place = json_integer_value(json_object_get(request, "unit"));
    int64_t at_us = now_us();

    if (kind != NULL && strncmp(kind, "printer-", strlen("printer-")) == 0) {
        return keeper_printer_fault(keeper, kind + strlen("printer-"), place);
    }
    for (size_t i = 0; i < ARRAY_COUNT(faults); i++) {
        int r = 0;

        if (kind == NULL || strcmp(kind, faults[i].name) != 0) {
            continue;
        }
        if (place < 0 || place > keeper->office->unit_count ||
            (place == 0 && faults[i].needs_unit)) {
            return keeper_refuse("NO_SUCH_UNIT", "号機（1 か 2）を指定してください。",
                                 "Say which unit: 1 or 2.");
        }
        r = faults[i].make(keeper, place == 0 ? 1 : (unsigned)place, request);
        return r < 0 ? explain(r)
                     : json_pack("{s:b, s:s, s:I, s:I, s:I}", "ok", 1, "fault", kind, "unit", place,
                                 "at_monotonic_us", (json_int_t)at_us, "done_monotonic_us",
                                 (json_int_t)now_us());
    }
    return keeper_refuse("NO_SUCH_FAULT",
                         "その障害はありません。toban-office --help を見てください。",
                         "There is no such fault. See toban-office --help.");
}

static int heal_unit(struct keeper *keeper, unsigned place)
{
    struct keeper_unit *unit = &keeper->units[place - 1];
    int r = 0;

    if (unit->disk_full) {
        r = office_disk_unfill(keeper->office, place);
        unit->disk_full = false;
    }
    keeper->cables.lan_cut[place - 1] = false;
    if (unit->clock_offset_ms != keeper->office->clock_offset_ms) {
        int clock_r = set_clock(keeper, place, keeper->office->clock_offset_ms);

        r = r < 0 ? r : clock_r;
    }
    if (unit->wedged) {
        pid_t pid = keeper_program_pid(keeper, place, OFFICE_TOBAND);

        unit->wedged = false;
        if (pid != 0) {
            (void)kill(pid, SIGCONT);
        }
    }
    return r < 0 ? r : keeper_power_on(keeper, place);
}

json_t *keeper_heal(struct keeper *keeper, const json_t *request)
{
    json_int_t place = json_integer_value(json_object_get(request, "unit"));
    int64_t at_us = now_us();
    int r = 0;

    if (place < 0 || place > keeper->office->unit_count) {
        return keeper_refuse("NO_SUCH_UNIT", "号機（1 か 2）を指定してください。",
                             "Say which unit: 1 or 2.");
    }
    if (place == 0) {
        keeper->cables.partition = false;
        keeper->cables.clients_place = 0;
        keeper->cables.switch_dead = false;
        keeper->cables.switch_learning = false;
        keeper->switch_next_ms = 0;
        r = keeper_printers_heal(keeper);
    }
    keeper->cables.direct_cut = false;
    for (unsigned i = 1; i <= keeper->office->unit_count; i++) {
        if (place == 0 || place == i) {
            int unit_r = heal_unit(keeper, i);

            r = r < 0 ? r : unit_r;
        }
    }
    r = r < 0 ? r : apply_cables(keeper);
    return r < 0 ? explain(r)
                 : json_pack("{s:b, s:I, s:I, s:I}", "ok", 1, "unit", place, "at_monotonic_us",
                             (json_int_t)at_us, "done_monotonic_us", (json_int_t)now_us());
}

json_t *keeper_pass_time(struct keeper *keeper, const json_t *request)
{
    int64_t shift_ms = json_integer_value(json_object_get(request, "shift_ms"));
    int64_t at_us = now_us();
    int r = 0;

    keeper->office->clock_offset_ms += shift_ms;
    for (unsigned i = 1; i <= keeper->office->unit_count; i++) {
        int unit_r = set_clock(keeper, i, keeper->units[i - 1].clock_offset_ms + shift_ms);

        r = r < 0 ? r : unit_r;
    }
    return r < 0 ? explain(r)
                 : json_pack("{s:b, s:I, s:I, s:I}", "ok", 1, "clock_offset_ms",
                             (json_int_t)keeper->office->clock_offset_ms, "at_monotonic_us",
                             (json_int_t)at_us, "done_monotonic_us", (json_int_t)now_us());
}

static void name_if(json_t *names, bool condition, const char *name)
{
    if (condition) {
        (void)json_array_append_new(names, json_string(name));
    }
}

json_t *keeper_faults(const struct keeper *keeper, unsigned place)
{
    const struct office_cables *cables = &keeper->cables;
    json_t *names = json_array();

    if (place == 0) {
        name_if(names, cables->direct_cut, "unplug-direct");
        name_if(names, cables->partition, "partition");
        name_if(names, cables->switch_dead || cables->switch_learning, "switch");
    } else {
        const struct keeper_unit *unit = &keeper->units[place - 1];

        name_if(names, cables->power_off[place - 1], "power");
        name_if(names, unit->wedged, "wedge");
        name_if(names, cables->lan_cut[place - 1], "unplug-lan");
        name_if(names, unit->disk_full, "disk-full");
        name_if(names, unit->clock_offset_ms != keeper->office->clock_offset_ms, "clock");
    }
    return names;
}
