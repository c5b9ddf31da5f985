/*
 * The supervisor of one unit: process 1 of its process namespace, what systemd is in the appliance.
 * It starts the programs in order, starts a dead one again at once, and kills one whose signs of
 * life stopped. It lives in the unit's /run; the host's paths are out of sight after enter_unit().
 *
 * The appliance's units (image/) say the same in systemd's words: Restart=always, a start limit,
 * Type=notify, WatchdogSec. One difference: here a watchdog starts with its first WATCHDOG=1.
 */
#include "tools/office/office.h"

#include "base/check.h"
#include "tools/office/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    FAILURES_KEPT = 5,
    FAILURE_WINDOW_MS = 10 * 1000,
    BACKOFF_FIRST_MS = 1000,
    BACKOFF_LAST_MS = 8000,
    TURN_WAIT_MS = 5000,  /* the next program starts, whether or not the one before is ready */
    STOP_WAIT_MS = 3000,  /* from SIGTERM to SIGKILL */
    ABORT_WAIT_MS = 1000, /* from the watchdog's SIGABRT to SIGKILL */
    NOTIFY_BYTES = 4096,
    EXIT_NO_EXEC = 127,
    LOG_MODE = 0644,
    FD_SIGNAL = OFFICE_PROGRAM_COUNT,
    FD_CONTROL,
    FD_COUNT,
};

struct program {
    bool present;
    bool wanted;
    bool begun; /* was started once */
    bool ready;
    bool asked_to_stop;
    pid_t pid; /* 0: not running */
    pid_t host_pid;
    int notify_fd;
    int64_t start_at_ms;
    int64_t started_ms;
    int64_t kill_at_ms;     /* 0: none */
    int64_t watchdog_at_ms; /* 0: not armed */
    int64_t failures_ms[FAILURES_KEPT];
    uint32_t failure_count;
    uint32_t backoff_ms;
    uint32_t restarts;
    char last_end[64];
};

struct supervisor {
    const struct office *office;
    unsigned place;
    int control_fd;
    int signal_fd;
    int host_proc_fd;
    bool stopping;
    bool changed;
    int waiting_for_stop; /* a program whose end the keeper waits for; -1 none */
    struct program programs[OFFICE_PROGRAM_COUNT];
};

static const char *state_name(const struct program *program)
{
    if (!program->present) {
        return "absent";
    }
    if (program->pid != 0) {
        return program->asked_to_stop ? "stopping" : program->ready ? "ready" : "starting";
    }
    return !program->wanted ? "stopped" : program->begun ? "restarting" : "waiting";
}

static void publish(struct supervisor *supervisor)
{
    json_t *programs = json_array();
    json_t *all = NULL;
    char *text = NULL;

    for (unsigned i = 0; i < OFFICE_PROGRAM_COUNT; i++) {
        const struct program *program = &supervisor->programs[i];

        (void)json_array_append_new(
            programs, json_pack("{s:s, s:s, s:i, s:i, s:I, s:s}", "name",
                                office_program_name((enum office_program)i), "state",
                                state_name(program), "pid", (int)program->host_pid, "restarts",
                                (int)program->restarts, "started_monotonic_ms",
                                (json_int_t)program->started_ms, "last_end", program->last_end));
    }
    all = json_pack("{s:o}", "programs", programs);
    text = json_dumps(all, JSON_COMPACT);
    if (text != NULL) {
        (void)office_write_file("/run/processes.json", text, strlen(text), LOG_MODE);
    }
    free(text);
    json_decref(all);
    supervisor->changed = false;
}

static void open_log(const char *name)
{
    char path[OFFICE_PATH_BYTES];
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int log = -1;

    (void)snprintf(path, sizeof(path), "/run/log/%s.log", name);
    log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, LOG_MODE);
    (void)dup2(null, STDIN_FILENO);
    (void)dup2(log, STDOUT_FILENO);
    (void)dup2(log, STDERR_FILENO);
}

static int64_t read_clock_offset_ms(void)
{
    char text[32];

    return office_read_file("/run/clock-offset-ms", text, sizeof(text)) > 0
               ? strtoll(text, NULL, 10)
               : 0;
}

/* In the child. Its number on the host goes up the pipe first: only /proc of the host knows it. */
_Noreturn static void run_program(const struct supervisor *supervisor, enum office_program id,
                                  int pid_pipe)
{
    char text[64] = "";
    struct office_argv argv;
    uint32_t watchdog_ms = office_program_watchdog_ms(id);
    sigset_t none;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setsid();
    if (readlinkat(supervisor->host_proc_fd, "self", text, sizeof(text) - 1) > 0) {
        pid_t host_pid = (pid_t)strtol(text, NULL, 10);

        (void)!write(pid_pipe, &host_pid, sizeof(host_pid));
    }
    open_log(office_program_name(id));
    (void)snprintf(text, sizeof(text), "/run/notify/%s.sock", office_program_name(id));
    (void)setenv("NOTIFY_SOCKET", text, 1);
    if (watchdog_ms > 0) {
        (void)snprintf(text, sizeof(text), "%u000", watchdog_ms);
        (void)setenv("WATCHDOG_USEC", text, 1);
        (void)snprintf(text, sizeof(text), "%d", (int)getpid());
        (void)setenv("WATCHDOG_PID", text, 1);
    }
    office_program_argv(supervisor->office, supervisor->place, id, read_clock_offset_ms(), &argv);
    office_close_others(NULL, 0);
    (void)chdir("/");
    (void)execv(argv.argv[0], (char *const *)(uintptr_t)argv.argv);
    _exit(EXIT_NO_EXEC);
}

static void start_program(struct supervisor *supervisor, unsigned i)
{
    struct program *program = &supervisor->programs[i];
    int pipe_fds[2] = {-1, -1};
    pid_t pid = 0;

    program->restarts += program->begun;
    program->begun = true;
    program->ready = false;
    program->asked_to_stop = false;
    program->watchdog_at_ms = 0;
    program->kill_at_ms = 0;
    program->started_ms = office_monotonic_ms();
    program->host_pid = 0;
    if (pipe2(pipe_fds, O_CLOEXEC) < 0 || (pid = fork()) < 0) {
        program->start_at_ms = program->started_ms + BACKOFF_FIRST_MS;
        (void)close(pipe_fds[0]);
        (void)close(pipe_fds[1]);
        return;
    }
    if (pid == 0) {
        run_program(supervisor, (enum office_program)i, pipe_fds[1]);
    }
    (void)close(pipe_fds[1]);
    if (read(pipe_fds[0], &program->host_pid, sizeof(program->host_pid)) !=
        (ssize_t)sizeof(program->host_pid)) {
        program->host_pid = 0;
    }
    (void)close(pipe_fds[0]);
    program->pid = pid;
    supervisor->changed = true;
}

/* At the unit's start each program waits for those before it; a restart waits for nobody. */
static bool turn_has_come(const struct supervisor *supervisor, unsigned i, int64_t now_ms,
                          int64_t *next_ms)
{
    for (unsigned before = 0; before < i && !supervisor->programs[i].begun; before++) {
        const struct program *program = &supervisor->programs[before];

        if (!program->present || !program->wanted || program->ready) {
            continue;
        }
        if (!program->begun) {
            return false;
        }
        if (now_ms < program->started_ms + TURN_WAIT_MS) {
            *next_ms = program->started_ms + TURN_WAIT_MS;
            return false;
        }
    }
    return true;
}

static void earlier(int64_t *at_ms, int64_t other_ms)
{
    if (other_ms != 0 && other_ms < *at_ms) {
        *at_ms = other_ms;
    }
}

static void signal_program(struct program *program, int number)
{
    if (program->pid != 0) {
        (void)kill(program->pid, number);
    }
}

/* Does what is due; says when to look again. */
static int64_t run_timers(struct supervisor *supervisor, int64_t now_ms)
{
    int64_t next_ms = INT64_MAX;

    for (unsigned i = 0; i < OFFICE_PROGRAM_COUNT; i++) {
        struct program *program = &supervisor->programs[i];

        if (program->pid != 0 && program->kill_at_ms != 0 && program->kill_at_ms <= now_ms) {
            program->kill_at_ms = 0;
            signal_program(program, SIGKILL);
        }
        if (program->pid != 0 && program->watchdog_at_ms != 0 &&
            program->watchdog_at_ms <= now_ms) {
            program->watchdog_at_ms = 0;
            program->kill_at_ms = now_ms + ABORT_WAIT_MS;
            (void)fprintf(stderr, "%s: no sign of life, aborted\n",
                          office_program_name((enum office_program)i));
            signal_program(program, SIGABRT);
        }
        if (program->present && program->wanted && program->pid == 0 && !supervisor->stopping &&
            turn_has_come(supervisor, i, now_ms, &next_ms)) {
            if (program->start_at_ms <= now_ms) {
                start_program(supervisor, i);
            } else {
                earlier(&next_ms, program->start_at_ms);
            }
        }
        earlier(&next_ms, program->pid == 0 ? 0 : program->kill_at_ms);
        earlier(&next_ms, program->pid == 0 ? 0 : program->watchdog_at_ms);
    }
    return next_ms;
}

/* Five ends within ten seconds: something is broken that starting again does not cure. */
static void plan_restart(struct program *program, int64_t now_ms)
{
    int64_t oldest_ms = program->failures_ms[program->failure_count % FAILURES_KEPT];

    program->failures_ms[program->failure_count % FAILURES_KEPT] = now_ms;
    program->failure_count++;
    if (program->failure_count >= FAILURES_KEPT && oldest_ms > 0 &&
        now_ms - oldest_ms < FAILURE_WINDOW_MS) {
        program->backoff_ms = program->backoff_ms == 0 ? BACKOFF_FIRST_MS : program->backoff_ms * 2;
        program->backoff_ms =
            program->backoff_ms > BACKOFF_LAST_MS ? BACKOFF_LAST_MS : program->backoff_ms;
    } else {
        program->backoff_ms = 0;
    }
    program->start_at_ms = now_ms + program->backoff_ms;
}

static void note_end(struct supervisor *supervisor, pid_t pid, int status, int64_t now_ms)
{
    for (unsigned i = 0; i < OFFICE_PROGRAM_COUNT; i++) {
        struct program *program = &supervisor->programs[i];

        if (program->pid != pid) {
            continue;
        }
        if (WIFSIGNALED(status)) {
            (void)snprintf(program->last_end, sizeof(program->last_end), "signal %d (%s)",
                           WTERMSIG(status), strsignal(WTERMSIG(status)));
        } else {
            (void)snprintf(program->last_end, sizeof(program->last_end), "exit %d",
                           WEXITSTATUS(status));
        }
        (void)fprintf(stderr, "%s: ended: %s\n", office_program_name((enum office_program)i),
                      program->last_end);
        program->pid = 0;
        program->host_pid = 0;
        program->ready = false;
        if (program->wanted) {
            plan_restart(program, now_ms);
        }
        if (supervisor->waiting_for_stop == (int)i) {
            supervisor->waiting_for_stop = -1;
            (void)send(supervisor->control_fd, "ok", strlen("ok"), MSG_NOSIGNAL);
        }
        supervisor->changed = true;
    }
}

static void reap(struct supervisor *supervisor)
{
    int status = 0;
    pid_t pid = 0;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        note_end(supervisor, pid, status, office_monotonic_ms());
    }
}

static void ask_to_stop(struct program *program, int64_t now_ms)
{
    program->wanted = false;
    if (program->pid != 0) {
        program->asked_to_stop = true;
        program->watchdog_at_ms = 0;
        program->kill_at_ms = now_ms + STOP_WAIT_MS;
        /* A stopped process does not see SIGTERM until it goes on. */
        signal_program(program, SIGTERM);
        signal_program(program, SIGCONT);
    }
}

static void take_notice(struct supervisor *supervisor, unsigned i)
{
    struct program *program = &supervisor->programs[i];
    char text[NOTIFY_BYTES];
    ssize_t len = recv(program->notify_fd, text, sizeof(text) - 1, MSG_DONTWAIT);
    char *rest = NULL;

    if (len <= 0 || program->pid == 0) {
        return;
    }
    text[len] = '\0';
    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (strcmp(line, "READY=1") == 0 && !program->ready) {
            program->ready = true;
            supervisor->changed = true;
        } else if (strcmp(line, "WATCHDOG=1") == 0 &&
                   office_program_watchdog_ms((enum office_program)i) > 0 &&
                   program->kill_at_ms == 0) {
            program->watchdog_at_ms =
                office_monotonic_ms() + office_program_watchdog_ms((enum office_program)i);
        }
    }
}

/* "start NAME" or "stop NAME" from the keeper. false: the keeper is gone, and the unit with it. */
static bool take_order(struct supervisor *supervisor)
{
    char text[64];
    char order[16];
    char name[32];
    ssize_t len = recv(supervisor->control_fd, text, sizeof(text) - 1, MSG_DONTWAIT);

    if (len < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    if (len == 0) {
        return false;
    }
    text[len] = '\0';
    if (sscanf(text, "%15s %31s", order, name) != 2) {
        return true;
    }
    for (unsigned i = 0; i < OFFICE_PROGRAM_COUNT; i++) {
        struct program *program = &supervisor->programs[i];

        if (strcmp(name, office_program_name((enum office_program)i)) != 0) {
            continue;
        }
        if (strcmp(order, "stop") == 0) {
            ask_to_stop(program, office_monotonic_ms());
            if (program->pid != 0) {
                supervisor->waiting_for_stop = (int)i;
                return true;
            }
        } else {
            program->wanted = program->present;
            program->start_at_ms = 0;
        }
        supervisor->changed = true;
    }
    (void)send(supervisor->control_fd, "ok", strlen("ok"), MSG_NOSIGNAL);
    return true;
}

static int open_notify_socket(enum office_program id)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "/run/notify/%s.sock",
                   office_program_name(id));
    (void)unlink(address.sun_path);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        return -errno;
    }
    return fd;
}

/* A unit that is switched off orderly: the last program first. */
static bool stop_step(struct supervisor *supervisor, int64_t now_ms)
{
    for (unsigned i = OFFICE_PROGRAM_COUNT; i > 0; i--) {
        struct program *program = &supervisor->programs[i - 1];

        if (program->wanted) {
            ask_to_stop(program, now_ms);
            supervisor->changed = true;
        }
        if (program->pid != 0) {
            return true;
        }
    }
    return false;
}

static void take_signals(struct supervisor *supervisor)
{
    struct signalfd_siginfo info;

    while (read(supervisor->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        supervisor->stopping = supervisor->stopping || info.ssi_signo == SIGTERM;
    }
    reap(supervisor);
}

static void run_loop(struct supervisor *supervisor)
{
    struct pollfd fds[FD_COUNT];

    for (unsigned i = 0; i < OFFICE_PROGRAM_COUNT; i++) {
        fds[i] = (struct pollfd){.fd = supervisor->programs[i].notify_fd, .events = POLLIN};
    }
    fds[FD_SIGNAL] = (struct pollfd){.fd = supervisor->signal_fd, .events = POLLIN};
    fds[FD_CONTROL] = (struct pollfd){.fd = supervisor->control_fd, .events = POLLIN};
    for (;;) {
        int64_t now_ms = office_monotonic_ms();
        int64_t next_ms = 0;

        if (supervisor->stopping && !stop_step(supervisor, now_ms)) {
            return;
        }
        next_ms = run_timers(supervisor, now_ms);
        if (supervisor->changed) {
            publish(supervisor);
        }
        next_ms = next_ms == INT64_MAX ? -1 : next_ms - now_ms;
        if (poll(fds, FD_COUNT, (int)(next_ms > INT32_MAX ? INT32_MAX : next_ms)) < 0 &&
            errno != EINTR) {
            return;
        }
        for (unsigned i = 0; i < OFFICE_PROGRAM_COUNT; i++) {
            if (fds[i].revents != 0) {
                take_notice(supervisor, i);
            }
        }
        take_signals(supervisor);
        if (fds[FD_CONTROL].revents != 0 && !take_order(supervisor)) {
            return;
        }
    }
}

_Noreturn static void be_supervisor(const struct office *office, unsigned place, int control_fd)
{
    struct supervisor supervisor = {
        .office = office,
        .place = place,
        .control_fd = control_fd,
        .waiting_for_stop = -1,
        .changed = true,
    };
    sigset_t watched;
    int r = office_enter_unit(office, place, control_fd, &supervisor.host_proc_fd);

    (void)sigemptyset(&watched);
    (void)sigaddset(&watched, SIGCHLD);
    (void)sigaddset(&watched, SIGTERM);
    (void)sigprocmask(SIG_SETMASK, &watched, NULL);
    supervisor.signal_fd = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
    if (r < 0 || supervisor.signal_fd < 0) {
        (void)fprintf(stderr, "supervisor: cannot enter the unit: %s\n", strerror(-r));
        _exit(1);
    }
    open_log("supervisor");
    for (unsigned i = 0; i < OFFICE_PROGRAM_COUNT; i++) {
        struct program *program = &supervisor.programs[i];

        program->present = office->program_present[i];
        program->wanted = program->present;
        program->notify_fd = open_notify_socket((enum office_program)i);
    }
    run_loop(&supervisor);
    publish(&supervisor);
    _exit(0);
}

int office_supervisor_start(const struct office *office, unsigned place, pid_t *ret_pid,
                            int *ret_control_fd)
{
    int pair[2] = {-1, -1};
    pid_t pid = 0;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return -errno;
    }
    pid = office_fork_into_namespaces();
    if (pid == 0) {
        be_supervisor(office, place, pair[1]);
    }
    (void)close(pair[1]);
    if (pid < 0) {
        (void)close(pair[0]);
        return (int)pid;
    }
    *ret_pid = pid;
    *ret_control_fd = pair[0];
    return 0;
}

int office_supervisor_ask(int control_fd, const char *what, enum office_program program)
{
    struct pollfd fd = {.fd = control_fd, .events = POLLIN};
    char text[64];
    int len = snprintf(text, sizeof(text), "%s %s", what, office_program_name(program));

    if (send(control_fd, text, (size_t)len, MSG_NOSIGNAL) < 0) {
        return -errno;
    }
    if (poll(&fd, 1, STOP_WAIT_MS * 2) != 1) {
        return -ETIMEDOUT;
    }
    return recv(control_fd, text, sizeof(text), MSG_DONTWAIT) > 0 ? 0 : -EPIPE;
}
