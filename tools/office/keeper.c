/*
 * The keeper: one process per office. It makes the office, answers commands, starts the forwarder
 * again, runs the phases of a restarting switch, and takes everything away at the end.
 */
#include "tools/office/keeper.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    DIRECTORY_MODE = 0755,
    LOG_MODE = 0644,
    SUPERVISOR_STOP_MS = 8000,
    POLL_PAUSE_NS = 10 * 1000 * 1000,
    NS_PER_MS = 1000000,
    REQUEST_WAIT_MS = 5000, /* on a machine that is very busy */
    BACKLOG = 16,
    LOCK_TRIES = 8,
};

static void say_progress(int fd, const char *ja, const char *en)
{
    (void)dprintf(fd, "%s\t%s\n", ja, en);
}

int office_lock(const struct office *office, int *ret_fd)
{
    char path[OFFICE_PATH_BYTES + 8];

    (void)snprintf(path, sizeof(path), "%s.lock", office->run_dir);
    for (unsigned i = 0; i < LOCK_TRIES; i++) {
        struct stat held;
        struct stat named;
        struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        int fd = -1;

        (void)mkdir(office->base_dir, DIRECTORY_MODE);
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, LOG_MODE);
        if (fd < 0) {
            return -errno;
        }
        if (fcntl(fd, F_OFD_SETLK, &whole) < 0) {
            int r = errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;

            (void)close(fd);
            return r;
        }
        /* Whoever left last removed the file: then this lock is one of a file that has no name. */
        if (fstat(fd, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino) {
            *ret_fd = fd;
            return 0;
        }
        (void)close(fd);
    }
    return -EBUSY;
}

int office_clean(const struct office *office, bool keep_files, struct office_error *ret_error)
{
    char disks[OFFICE_PATH_BYTES];
    int r = 0;

    for (unsigned place = 1; place <= OFFICE_UNITS_MAX; place++) {
        office_disk_destroy(office, place);
    }
    office_network_destroy(office);
    if (keep_files) {
        return 0;
    }
    r = office_remove_tree(office->disk_dir);
    r = r < 0 ? r : office_remove_tree(office->run_dir);
    /* The directory above the disks is this office's too, when disks lie elsewhere. */
    (void)snprintf(disks, sizeof(disks), "%s", office->disk_dir);
    *strrchr(disks, '/') = '\0';
    (void)rmdir(disks);
    if (r < 0) {
        return office_fail(ret_error, r, "%s を消せません（%s）。", "%s cannot be removed (%s).",
                           office->run_dir, strerror(-r));
    }
    return 0;
}

static int make_directories(const struct office *office, struct office_error *ret_error)
{
    static const char *const parts[] = {"", "data", "record", "log", "notify", "corosync", "lock"};
    char path[OFFICE_PATH_BYTES];
    bool made = mkdir(office->run_dir, DIRECTORY_MODE) == 0 || errno == EEXIST;

    (void)snprintf(path, sizeof(path), "%s", office->disk_dir);
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, DIRECTORY_MODE);
        *slash = '/';
    }
    made = made && (mkdir(path, DIRECTORY_MODE) == 0 || errno == EEXIST);
    for (unsigned place = 1; place <= office->unit_count; place++) {
        for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
            office_unit_path(office, place, parts[i], path);
            made = made && mkdir(path, DIRECTORY_MODE) == 0;
        }
    }
    if (made) {
        return 0;
    }
    return office_fail(ret_error, -errno, "%s を作れません（%s）。root で実行してください。",
                       "%s cannot be made (%s). Run this as root.", path, strerror(errno));
}

/* Without the address helper nobody sets the floating address: a lone unit for a first look gets it
 * from here. With two units this would be a lie, and office_up() refuses. */
static int set_floating_address(const struct office *office)
{
    char netns[OFFICE_NAME_BYTES + 4];
    static const char *const argv[] = {"ip",  "addr", "add", OFFICE_FLOATING_PREFIX,
                                       "dev", "lan0", NULL};

    if (office->program_present[OFFICE_NET]) {
        return 0;
    }
    office_netns_name(office, "u1", netns, sizeof(netns));
    return office_command(netns, argv, NULL, NULL, 0) == 0 ? 0 : -EIO;
}

static int make_office(struct keeper *keeper, int progress_fd, struct office_error *ret_error)
{
    const struct office *office = keeper->office;
    int r = make_directories(office, ret_error);

    if (r < 0) {
        return r;
    }
    say_progress(progress_fd, "ネットワークを作っています", "making the network");
    r = office_network_create(office, ret_error);
    if (r == 0) {
        say_progress(progress_fd, "ディスクを作っています", "making the disks");
    }
    for (unsigned place = 1; place <= office->unit_count && r == 0; place++) {
        r = office_disk_create(office, place, ret_error);
        if (r >= 0 && place == 1) {
            r = office_disk_found(office, place);
        }
    }
    if (r == 0) {
        say_progress(progress_fd, "鍵と設定を作っています", "making keys and configuration");
        r = office_keys_create(office, ret_error);
    }
    r = r < 0 ? r : office_programs_configure(office, ret_error);
    if (r < 0) {
        return r;
    }
    r = office_network_open_switch(office, &keeper->switch_fd);
    r = r < 0 ? r : set_floating_address(office);
    r = r < 0 ? r : office_forward_start(office, keeper->forward_fd, &keeper->forward_pid);
    r = r < 0 ? r : keeper_printers_start(keeper);
    r = r < 0 ? r : keeper_relay_start(keeper);
    for (unsigned place = 1; place <= office->unit_count && r == 0; place++) {
        say_progress(progress_fd, "号機を起動しています", "starting the units");
        keeper->units[place - 1].clock_offset_ms = office->clock_offset_ms;
        r = keeper_power_on(keeper, place);
    }
    return r == 0 ? 0
                  : office_fail(ret_error, r, "号機を起動できません（%s）。",
                                "The units cannot be started (%s).", strerror(-r));
}

static int open_control(struct keeper *keeper, struct office_error *ret_error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/office.sock",
                   keeper->office->run_dir);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, BACKLOG) < 0) {
        return office_fail(ret_error, -errno, "%s を作れません（%s）。", "%s cannot be made (%s).",
                           address.sun_path, strerror(errno));
    }
    keeper->listen_fd = fd;
    return 0;
}

static json_t *unit_info(const struct keeper *keeper, unsigned place)
{
    const struct office *office = keeper->office;
    const struct site_unit *unit = &office->site.units[place - 1];
    static const char *const paths[] = {"data", "record", "log", "", "toband.sock"};
    static const char *const names[] = {"data_dir", "record_dir", "log_dir", "run_dir", "socket"};
    json_t *programs = keeper_programs(keeper, place);
    json_t *pids = json_object();
    json_t *info = NULL;
    json_t *program = NULL;
    size_t i = 0;
    char address[16];

    json_array_foreach(programs, i, program)
    {
        if (strcmp(json_string_value(json_object_get(program, "state")), "absent") == 0) {
            continue; /* this office has none */
        }
        (void)json_object_set(pids, json_string_value(json_object_get(program, "name")),
                              json_object_get(program, "pid"));
    }
    (void)json_object_set_new(pids, "supervisor",
                              json_integer(keeper->units[place - 1].supervisor));
    (void)snprintf(address, sizeof(address), "10.90.0.%u", place);
    info = json_pack("{s:i, s:i, s:s, s:s, s:b, s:s, s:I, s:o, s:o, s:o}", "unit", (int)place, "id",
                     (int)unit->id, "serial", unit->serial, "name_ja", unit->name_ja, "power",
                     keeper->units[place - 1].supervisor != 0, "address", address,
                     "clock_offset_ms", (json_int_t)keeper->units[place - 1].clock_offset_ms,
                     "pids", pids, "programs", programs, "faults", keeper_faults(keeper, place));
    for (i = 0; i < ARRAY_COUNT(paths); i++) {
        char path[OFFICE_PATH_BYTES];

        office_unit_path(office, place, paths[i], path);
        (void)json_object_set_new(info, names[i], json_string(path));
    }
    return info;
}

static json_t *describe(const struct keeper *keeper)
{
    static const char *const roles[] = {"kiosk",         "counter",  "board", "manager",
                                        "administrator", "engineer", "noc"};
    const struct office *office = keeper->office;
    json_t *units = json_array();
    json_t *namespaces = json_object();
    json_t *credentials = json_object();
    json_t *founded;
    char path[OFFICE_PATH_BYTES + 32];
    char host_url[64];
    char netns[32];

    for (unsigned place = 1; place <= office->unit_count; place++) {
        char part[] = {'u', (char)('0' + place), '\0'};

        (void)json_array_append_new(units, unit_info(keeper, place));
        office_netns_name(office, part, netns, sizeof(netns));
        (void)json_object_set_new(namespaces, part, json_string(netns));
    }
    office_netns_name(office, "lan", netns, sizeof(netns));
    (void)json_object_set_new(namespaces, "lan", json_string(netns));
    for (size_t i = 0; i < ARRAY_COUNT(roles); i++) {
        (void)json_object_set_new(credentials, roles[i], json_string(""));
    }
    (void)snprintf(path, sizeof(path), "%s/credentials.json", office->run_dir);
    founded = json_load_file(path, 0, NULL);
    (void)json_object_update(credentials, founded);
    json_decref(founded);
    (void)snprintf(host_url, sizeof(host_url), "https://127.0.0.1:%u", office->host_port);
    (void)snprintf(path, sizeof(path), "%s/ca/ca.crt", office->run_dir);
    return json_pack(
        "{s:b, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:I, s:i, s:s}", "ok", 1,
        "name", office->name, "floating", OFFICE_FLOATING, "url", "https://" OFFICE_FLOATING,
        "ca_file", path, "host_url", host_url, "namespaces", namespaces, "units", units, "printers",
        keeper_printers_info(keeper), "relay", keeper_relay_info(keeper), "credentials",
        credentials, "faults", keeper_faults(keeper, 0), "dir", office->run_dir, "clock_offset_ms",
        (json_int_t)office->clock_offset_ms, "pid", (int)getpid(), "site_file", office->site_path);
}

static void stop_units(struct keeper *keeper)
{
    static const struct timespec pause = {.tv_nsec = POLL_PAUSE_NS};
    int64_t until_ms = office_monotonic_ms() + SUPERVISOR_STOP_MS;

    for (unsigned i = 0; i < keeper->office->unit_count; i++) {
        if (keeper->units[i].supervisor != 0) {
            (void)kill(keeper->units[i].supervisor, SIGTERM);
        }
    }
    for (unsigned i = 0; i < keeper->office->unit_count; i++) {
        struct keeper_unit *unit = &keeper->units[i];

        while (unit->supervisor != 0 && waitpid(unit->supervisor, NULL, WNOHANG) == 0) {
            if (office_monotonic_ms() >= until_ms) {
                (void)kill(unit->supervisor, SIGKILL);
            }
            (void)nanosleep(&pause, NULL);
        }
        unit->supervisor = 0;
    }
    keeper_printers_stop(keeper);
    keeper_relay_stop(keeper);
    if (keeper->forward_pid != 0) {
        (void)kill(keeper->forward_pid, SIGKILL);
        (void)waitpid(keeper->forward_pid, NULL, 0);
        keeper->forward_pid = 0;
    }
}

static json_t *answer(struct keeper *keeper, const json_t *request)
{
    const char *what = json_string_value(json_object_get(request, "do"));
    struct office_error error;
    int r = 0;

    if (what == NULL) {
        return keeper_refuse("BAD_REQUEST", "要求を読めません。", "The request cannot be read.");
    }
    if (strcmp(what, "info") == 0) {
        return describe(keeper);
    }
    if (strcmp(what, "fault") == 0) {
        return keeper_fault(keeper, request);
    }
    if (strcmp(what, "heal") == 0) {
        return keeper_heal(keeper, request);
    }
    if (strcmp(what, "clock") == 0) {
        return keeper_pass_time(keeper, request);
    }
    if (strcmp(what, "down") == 0) {
        keeper->leaving = true;
        keeper->keep_files = json_is_true(json_object_get(request, "keep"));
        stop_units(keeper);
        r = office_clean(keeper->office, keeper->keep_files, &error);
        return r < 0 ? keeper_refuse("FAILED", error.ja, error.en) : json_pack("{s:b}", "ok", 1);
    }
    return keeper_refuse("BAD_REQUEST", "要求を読めません。", "The request cannot be read.");
}

static void serve_client(struct keeper *keeper)
{
    struct pollfd fd = {.fd = accept4(keeper->listen_fd, NULL, NULL, SOCK_CLOEXEC),
                        .events = POLLIN};
    char *text = NULL;
    json_t *request = NULL;
    json_t *reply = NULL;
    ssize_t len = 0;

    if (fd.fd < 0) {
        return;
    }
    text = malloc(OFFICE_MESSAGE_BYTES);
    if (text != NULL && poll(&fd, 1, REQUEST_WAIT_MS) == 1) {
        len = recv(fd.fd, text, OFFICE_MESSAGE_BYTES, MSG_DONTWAIT);
        request = len > 0 ? json_loadb(text, (size_t)len, JSON_REJECT_DUPLICATES, NULL) : NULL;
        reply = answer(keeper, request);
        free(text);
        text = json_dumps(reply, JSON_COMPACT);
        if (text != NULL) {
            (void)send(fd.fd, text, strlen(text), MSG_NOSIGNAL);
        }
        json_decref(request);
        json_decref(reply);
    }
    free(text);
    (void)close(fd.fd);
}

static void note_child(struct keeper *keeper, pid_t pid)
{
    if (pid == keeper->forward_pid) {
        keeper->forward_pid = 0;
        (void)office_forward_start(keeper->office, keeper->forward_fd, &keeper->forward_pid);
    }
    keeper_printers_note(keeper, pid);
    keeper_relay_note(keeper, pid);
    for (unsigned i = 0; i < keeper->office->unit_count; i++) {
        struct keeper_unit *unit = &keeper->units[i];

        /* Process 1 of a unit ended by itself or by a stranger: a unit without power. */
        if (pid == unit->supervisor) {
            (void)close(unit->control_fd);
            unit->supervisor = 0;
            unit->control_fd = -1;
            keeper->cables.power_off[i] = true;
            (void)office_network_apply_ports(keeper->office, keeper->switch_fd, &keeper->cables);
        }
    }
}

static void take_signals(struct keeper *keeper)
{
    struct signalfd_siginfo info;
    pid_t pid = 0;

    while (read(keeper->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        keeper->leaving = keeper->leaving || info.ssi_signo != SIGCHLD;
    }
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
        note_child(keeper, pid);
    }
}

static void keep(struct keeper *keeper)
{
    struct pollfd fds[] = {{.fd = keeper->listen_fd, .events = POLLIN},
                           {.fd = keeper->signal_fd, .events = POLLIN}};

    while (!keeper->leaving) {
        int64_t now_ms = office_monotonic_ms();
        int64_t wait_ms = keeper->switch_next_ms == 0 ? -1 : keeper->switch_next_ms - now_ms;

        if (poll(fds, ARRAY_COUNT(fds),
                 keeper->switch_next_ms != 0 && wait_ms < 0 ? 0 : (int)wait_ms) < 0 &&
            errno != EINTR) {
            return;
        }
        take_signals(keeper);
        keeper_switch_step(keeper, office_monotonic_ms());
        if (fds[0].revents != 0) {
            serve_client(keeper);
        }
    }
}

static int watch_signals(int *ret_fd)
{
    sigset_t watched;

    (void)sigemptyset(&watched);
    (void)sigaddset(&watched, SIGCHLD);
    (void)sigaddset(&watched, SIGTERM);
    (void)sigaddset(&watched, SIGINT);
    (void)sigprocmask(SIG_SETMASK, &watched, NULL);
    *ret_fd = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
    return *ret_fd < 0 ? -errno : 0;
}

static int listen_on_host(struct keeper *keeper, struct office_error *ret_error)
{
    struct office *office = keeper->office;
    uint16_t wanted = office->host_port;
    int r = office_forward_listen(wanted, &keeper->forward_fd, &office->host_port);

    return r == 0
               ? 0
               : office_fail(ret_error, r,
                             "127.0.0.1:%u を使えません（%s）。--port で別の番号にしてください。",
                             "127.0.0.1:%u cannot be used (%s). Choose another with --port.",
                             wanted, strerror(-r));
}

static void write_log_to_file(const struct office *office)
{
    char path[OFFICE_PATH_BYTES];
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int log = -1;

    (void)snprintf(path, sizeof(path), "%.200s/keeper.log", office->run_dir);
    log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, LOG_MODE);
    (void)dup2(null, STDIN_FILENO);
    (void)dup2(log < 0 ? null : log, STDOUT_FILENO);
    (void)dup2(log < 0 ? null : log, STDERR_FILENO);
}

int office_keeper_run(struct office *office, int progress_fd)
{
    struct keeper keeper = {.office = office, .switch_fd = -1, .forward_fd = -1, .listen_fd = -1};
    struct office_error error = {0};
    int r = watch_signals(&keeper.signal_fd);

    (void)prctl(PR_SET_NAME, "office-keeper");
    (void)mkdir(office->run_dir, DIRECTORY_MODE);
    write_log_to_file(office);
    keeper.units[0].control_fd = -1;
    keeper.units[1].control_fd = -1;
    r = r < 0 ? r : listen_on_host(&keeper, &error);
    r = r < 0 ? r : make_office(&keeper, progress_fd, &error);
    r = r < 0 ? r : open_control(&keeper, &error);
    if (r < 0) {
        stop_units(&keeper);
        (void)dprintf(progress_fd, "!%s\t%s\n", error.ja, error.en);
        (void)office_clean(office, false, &error);
        return r;
    }
    (void)close(progress_fd);
    keep(&keeper);
    stop_units(&keeper);
    return office_clean(office, keeper.keep_files, &error);
}
