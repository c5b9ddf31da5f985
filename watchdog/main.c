/*
 * toban-watchdog - feeds the hardware watchdog while this unit makes progress, and only then (DESIGN 5).
 *
 * Everything that is decided is in watchdog/pet. This file asks the device, the two programs and PID 1, and does what
 * the pet says: its loop turns every PET_TICK_MS, memory-locked and at real-time priority, without network and without
 * a disk in its way. A step that comes late because this process itself stood still feeds no sooner for it.
 */
#include "watchdog/adapters/dev_watchdog.h"
#include "watchdog/adapters/notes.h"
#include "watchdog/adapters/proofs.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

enum {
    EXIT_USAGE = 2,
    REALTIME_PRIORITY =
        50, /* above everything of ours; below the kernel's own threads that must run */
    INIT_ASK_MS = 2000,
    TELL_MS = 1000,
    DEVICE_RETRY_MS = 5000,
    NOTE_MS_MAX = 600000, /* from a note to the start that it explains */
    US_PER_MS = 1000,
    MS_PER_S = 1000,
    NS_PER_MS = 1000000,
    PID_BYTES = 16,
    DECIMAL = 10,
};

struct arguments {
    const char *socket_path, *notes_folder, *corosync_pid_file;
    const char *device_path; /* NULL: chosen by sysfs */
    const char *toband_user, *net_user;
    bool no_init; /* nobody is PID 1 here but us: a container, a test */
};

struct watch {
    struct arguments arguments;
    sd_event *event;
    sd_event_source *timer, *init_source;
    struct pet pet;
    struct dev_watchdog device;
    struct notes *notes;
    struct proofs *proofs;
    int init_fd; /* PID 1 closes the other end: it answered; -1: not asked */
    uint64_t init_asked_ms, told_ms, device_tried_ms;
    bool was_reset;
    enum pet_part reset_part;
};

static const char usage[] = "usage: toban-watchdog --socket PATH --notes FOLDER [--device PATH] "
                            "[--toband-user NAME] [--net-user NAME]\n"
                            "                      [--corosync-pid-file FILE] [--no-init]\n"
                            "Feeds the hardware watchdog while toband, toban-net, corosync, the "
                            "disk and PID 1 make progress.\n"
                            "使い方: "
                            "制御装置が動き続けている間だけハードウェア見張りに合図を送り、止まれば"
                            "装置を再起動させます。\n";

static uint64_t clock_ms(clockid_t id)
{
    struct timespec now;

    (void)clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * MS_PER_S + (uint64_t)now.tv_nsec / NS_PER_MS;
}

static uint64_t now_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC_RAW);
}

static void step(struct watch *watch, struct pet_event event);

/* ---- what the pet says -------------------------------------------------------------------------- */

static void say(const char *what_en, const char *what_ja)
{
    (void)fprintf(stderr, "toban-watchdog: %s\ntoban-watchdog: %s\n", what_en, what_ja);
}

static void say_part(const char *what_en, const char *what_ja, enum pet_part part)
{
    (void)fprintf(stderr, "toban-watchdog: %s (%s): %s\ntoban-watchdog: %s: %s\n",
                  pet_part_en(part), pet_part_code(part), what_en, pet_part_ja(part), what_ja);
}

/* corosync has no proof of its own, so its pid comes from a file that its unit writes. A pid that was given to another
 * program since is told by its name. */
static int end_corosync(const char *pid_file)
{
    char text[PID_BYTES] = "", path[sizeof("/proc//comm") + PID_BYTES];
    FILE *file = pid_file == NULL ? NULL : fopen(pid_file, "re");
    bool is_corosync;
    long pid;

    if (file == NULL) {
        return -ENOENT;
    }
    pid = fgets(text, sizeof(text), file) == NULL ? 0 : strtol(text, NULL, DECIMAL);
    (void)fclose(file);
    (void)snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
    file = pid > 1 ? fopen(path, "re") : NULL;
    if (file == NULL) {
        return -ESRCH;
    }
    is_corosync = fgets(text, sizeof(text), file) != NULL &&
                  strncmp(text, "corosync", sizeof("corosync") - 1) == 0;
    (void)fclose(file);
    return !is_corosync ? -ESRCH : kill((pid_t)pid, SIGKILL) < 0 ? -errno : 0;
}

static void restart(struct watch *watch, const struct pet_action *action)
{
    static const char *const names[PET_PROCESS_COUNT] = {"toband", "toban-net", "corosync",
                                                         "PID 1"};
    int r = action->process == PET_COROSYNC_PROCESS
                ? end_corosync(watch->arguments.corosync_pid_file)
                : proofs_end_process(watch->proofs, action->process);

    (void)fprintf(stderr,
                  "toban-watchdog: %s (%s): %s %s\n"
                  "toban-watchdog: %s: %s %s\n",
                  pet_part_en(action->part), pet_part_code(action->part), names[action->process],
                  r < 0 ? "cannot be ended, or has ended already" : "is ended, to be started anew",
                  pet_part_ja(action->part), names[action->process],
                  r < 0 ? "を終了できないか、すでに終了しています。" : "を再始動させます。");
}

static void note(struct watch *watch, enum pet_part part)
{
    struct notes_line line = {.wall_ms = clock_ms(CLOCK_REALTIME),
                              .part = part,
                              .age_ms = pet_age_ms(&watch->pet, part, now_ms())};

    say_part("the machine is reset", "装置を再起動します。", part);
    notes_begin(watch->notes, &line);
}

static void act(struct watch *watch, const struct pet_action *action)
{
    switch (action->kind) {
    case PET_FEED:
        if (dev_watchdog_feed(&watch->device) < 0) {
            say("the watchdog device takes no feed", "ハードウェア見張りに合図を送れません。");
        }
        return;
    case PET_RESTART:
        restart(watch, action);
        return;
    case PET_NOTE:
        note(watch, action->part);
        return;
    case PET_REBOOT:
        say_part("no watchdog is armed: the kernel is asked to restart",
                 "見張り装置がないため、OSに再起動を求めます。", action->part);
        if (!watch->arguments.no_init) {
            (void)reboot(RB_AUTOBOOT);
        }
        return;
    case PET_LEAVE:
        dev_watchdog_leave(&watch->device, PET_SHUTDOWN_MS);
        (void)sd_event_exit(watch->event, 0);
        return;
    }
}

static void step(struct watch *watch, struct pet_event event)
{
    struct pet_actions actions;

    event.now_ms = now_ms();
    pet_step(&watch->pet, &event, &actions);
    for (size_t i = 0; i < actions.count; i++) {
        act(watch, &actions.list[i]);
    }
}

/* ---- what it hears ------------------------------------------------------------------------------ */

static void on_said(void *context, enum pet_process process, const uint8_t *bytes, size_t len_bytes)
{
    struct watch *watch = context;
    struct pet_event event = {.kind = process == PET_TOBAND ? PET_TOBAND_SAID : PET_NET_SAID};

    if (process == PET_TOBAND ? pet_decode_toband(bytes, len_bytes, &event.toband)
                              : pet_decode_net(bytes, len_bytes, &event.net)) {
        step(watch, event);
    } else {
        proofs_refuse(watch->proofs, process);
    }
}

static void on_ended(void *context, enum pet_process process)
{
    step(context, (struct pet_event){.kind = PET_ENDED, .ended = process});
}

static int on_noted(sd_event_source *source, int fd, uint32_t events, void *context)
{
    uint64_t done;

    (void)source;
    (void)events;
    if (read(fd, &done, sizeof(done)) == (ssize_t)sizeof(done)) {
        step(context, (struct pet_event){.kind = PET_NOTED});
    }
    return 0;
}

static void init_answered(struct watch *watch)
{
    watch->init_source = sd_event_source_disable_unref(watch->init_source);
    if (watch->init_fd >= 0) {
        (void)close(watch->init_fd);
        watch->init_fd = -1;
    }
}

static int on_init(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct watch *watch = context;

    (void)source;
    (void)fd;
    (void)events;
    init_answered(watch);
    step(watch, (struct pet_event){.kind = PET_INIT_SAID});
    return 0;
}

/* The service manager closes what BARRIER=1 brings when it has read everything before it: that it runs is shown by
 * its doing so, not by its being there. */
static void ask_init(struct watch *watch)
{
    int ends[2];

    if (watch->arguments.no_init) {
        step(watch, (struct pet_event){.kind = PET_INIT_SAID});
        return;
    }
    if (watch->init_fd >= 0 || now_ms() - watch->init_asked_ms < INIT_ASK_MS ||
        pipe2(ends, O_CLOEXEC) < 0) {
        return;
    }
    watch->init_asked_ms = now_ms();
    watch->init_fd = ends[0];
    if (sd_pid_notify_with_fds(0, 0, "BARRIER=1", &ends[1], 1) <= 0 ||
        sd_event_add_io(watch->event, &watch->init_source, ends[0], 0, on_init, watch) < 0) {
        init_answered(watch); /* and nothing is proven */
    }
    (void)close(ends[1]);
}

/* The newest note is the reason only of a reset by the device, and only if it was written right before this start: a
 * watchdog that hung itself is reset without any. */
static void note_of_this_start(struct watch *watch)
{
    size_t count = notes_count(watch->notes);
    const struct notes_line *newest = count > 0 ? notes_get(watch->notes, count - 1) : NULL;
    uint64_t wall_ms = clock_ms(CLOCK_REALTIME);

    if (watch->was_reset && newest != NULL && newest->wall_ms <= wall_ms &&
        wall_ms - newest->wall_ms < NOTE_MS_MAX) {
        watch->reset_part = newest->part;
    }
}

static void open_device(struct watch *watch)
{
    int r;

    if (watch->device.fd >= 0 ||
        (watch->device_tried_ms != 0 && now_ms() - watch->device_tried_ms < DEVICE_RETRY_MS)) {
        return;
    }
    r = dev_watchdog_open(&watch->device, watch->arguments.device_path);
    if (r < 0 && watch->device_tried_ms == 0) {
        (void)fprintf(stderr,
                      "toban-watchdog: the watchdog device: %s\n"
                      "toban-watchdog: "
                      "ハードウェア見張りを使えません。機種と、他のプログラムが使っていないことを"
                      "確認してください。\n",
                      strerror(-r));
    }
    watch->device_tried_ms = now_ms();
    if (watch->device.fd < 0) {
        return;
    }
    (void)fprintf(stderr, "toban-watchdog: %s, %" PRIu32 " ms, %s\n", watch->device.identity,
                  watch->device.facts.timeout_ms,
                  pet_is_verified(&watch->device.facts) ? "verified / 確認済み"
                                                        : "NOT verified / 未確認");
    watch->was_reset = watch->was_reset || watch->device.reset_by_it;
    note_of_this_start(watch);
    step(watch, (struct pet_event){.kind = PET_DEVICE, .device = watch->device.facts});
}

static void tell(struct watch *watch)
{
    uint8_t bytes[PET_PROOF_BYTES_MAX];
    struct pet_facts facts;

    if (now_ms() - watch->told_ms >= TELL_MS) {
        watch->told_ms = now_ms();
        pet_tell(&watch->pet, &facts);
        facts.was_reset = watch->was_reset;
        facts.reset_part = watch->reset_part;
        proofs_tell(watch->proofs, bytes, pet_encode_facts(&facts, bytes, sizeof(bytes)));
    }
}

static int on_tick(sd_event_source *source, uint64_t time_us, void *context)
{
    struct watch *watch = context;

    (void)time_us;
    open_device(watch);
    ask_init(watch);
    step(watch, (struct pet_event){.kind = PET_TICK});
    tell(watch);
    (void)sd_event_source_set_time_relative(source, (uint64_t)PET_TICK_MS * US_PER_MS);
    (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    return 0;
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
    (void)source;
    (void)info;
    step(context, (struct pet_event){.kind = PET_SHUTDOWN});
    return 0;
}

/* ---- start -------------------------------------------------------------------------------------- */

static bool parse_arguments(int argc, char **argv, struct arguments *arguments)
{
    static const struct option options[] = {
        {"socket", required_argument, NULL, 's'},
        {"notes", required_argument, NULL, 'n'},
        {"device", required_argument, NULL, 'd'},
        {"corosync-pid-file", required_argument, NULL, 'c'},
        {"toband-user", required_argument, NULL, 't'},
        {"net-user", required_argument, NULL, 'u'},
        {"no-init", no_argument, NULL, 'i'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 's':
            arguments->socket_path = optarg;
            break;
        case 'n':
            arguments->notes_folder = optarg;
            break;
        case 'd':
            arguments->device_path = optarg;
            break;
        case 'c':
            arguments->corosync_pid_file = optarg;
            break;
        case 't':
            arguments->toband_user = optarg;
            break;
        case 'u':
            arguments->net_user = optarg;
            break;
        case 'i':
            arguments->no_init = true;
            break;
        case 'h':
            (void)fputs(usage, stdout);
            exit(EXIT_SUCCESS);
        default:
            return false;
        }
    }
    return optind == argc && arguments->socket_path != NULL && arguments->notes_folder != NULL;
}

static int failed(const char *what, int r)
{
    (void)fprintf(stderr, "toban-watchdog: %s: %s\ntoban-watchdog: 起動できません（%s）。\n", what,
                  strerror(-r), what);
    return EXIT_FAILURE;
}

static bool find_user(const char *name, uid_t *ret_uid)
{
    const struct passwd *user = name == NULL ? NULL : getpwnam(name);

    if (name != NULL && user == NULL) {
        return false;
    }
    *ret_uid = name == NULL ? geteuid() : user->pw_uid;
    return true;
}

/* Without the rights it is only less punctual: said, and gone on. */
static void hold_memory_and_time(void)
{
    if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0 ||
        sched_setscheduler(0, SCHED_FIFO,
                           &(struct sched_param){.sched_priority = REALTIME_PRIORITY}) < 0) {
        say("memory or real-time priority is not given",
            "メモリの固定または優先実行が許可されていません。");
    }
}

/* Before the thread of the notes, and for good: a signal that one thread does not block ends the process. */
static int add_signals(struct watch *watch)
{
    static const int signals[] = {SIGTERM, SIGINT};
    sigset_t set;
    int r = 0;

    (void)sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_COUNT(signals) && r >= 0; i++) {
        (void)sigaddset(&set, signals[i]);
        (void)sigprocmask(SIG_BLOCK, &set, NULL);
        r = sd_event_add_signal(watch->event, NULL, signals[i], on_stop, watch);
    }
    return r;
}

static int add_sources(struct watch *watch)
{
    int r = sd_event_add_io(watch->event, NULL, notes_fd(watch->notes), EPOLLIN, on_noted, watch);

    return r < 0 ? r
                 : sd_event_add_time_relative(watch->event, &watch->timer, CLOCK_MONOTONIC, 0,
                                              US_PER_MS, on_tick, watch);
}

static int serve(struct watch *watch)
{
    struct proofs_options options = {.event = watch->event,
                                     .path = watch->arguments.socket_path,
                                     .on_said = on_said,
                                     .on_ended = on_ended,
                                     .context = watch};
    uint64_t oldest_age_ms;
    uint32_t recent;
    int r;

    if (!find_user(watch->arguments.toband_user, &options.toband_uid) ||
        !find_user(watch->arguments.net_user, &options.net_uid)) {
        return failed("--toband-user, --net-user", -ENOENT);
    }
    r = add_signals(watch);
    r = r < 0 ? r : notes_open(watch->arguments.notes_folder, &watch->notes);
    if (r < 0) {
        return failed(watch->arguments.notes_folder, r);
    }
    recent = notes_recent(watch->notes, clock_ms(CLOCK_REALTIME), &oldest_age_ms);
    pet_start(&watch->pet, now_ms(), recent, oldest_age_ms);
    r = proofs_create(&options, &watch->proofs);
    r = r < 0 ? r : add_sources(watch);
    if (r < 0) {
        return failed(watch->arguments.socket_path, r);
    }
    hold_memory_and_time();
    (void)sd_notify(0, "READY=1");
    r = sd_event_loop(watch->event);
    return r < 0 ? failed("event loop", r) : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct watch watch = {.device = {.fd = -1}, .init_fd = -1, .reset_part = PET_PART_COUNT};
    int r;

    if (!parse_arguments(argc, argv, &watch.arguments)) {
        (void)fputs(usage, stderr);
        return EXIT_USAGE;
    }
    r = sd_event_default(&watch.event);
    if (r < 0) {
        return failed("event loop", r);
    }
    r = serve(&watch);
    init_answered(&watch);
    proofs_destroy(watch.proofs);
    notes_close(watch.notes);
    (void)sd_event_source_disable_unref(watch.timer);
    (void)sd_event_unref(watch.event);
    return r;
}
