#include "tests/lib/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COMMAND_BYTES = 512 };

static _Noreturn void fail(const char *what)
{
    (void)fprintf(stderr, "netns: %s: %s\n", what, strerror(errno));
    abort();
}

static int open_here(void)
{
    int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        fail("open namespace");
    }
    return fd;
}

bool netns_available(void)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        _exit(geteuid() == 0 && unshare(CLONE_NEWNET) == 0 ? 0 : 1);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

int netns_create(void)
{
    int before = open_here();
    int ns;

    if (unshare(CLONE_NEWNET) < 0) {
        fail("unshare");
    }
    ns = open_here();
    netns_leave(before);
    netns_ip(ns, "link set lo up");
    return ns;
}

int netns_enter(int ns)
{
    int before = open_here();

    if (setns(ns, CLONE_NEWNET) < 0) {
        fail("setns");
    }
    return before;
}

void netns_leave(int before)
{
    if (setns(before, CLONE_NEWNET) < 0) {
        fail("setns back");
    }
    (void)close(before);
}

void netns_ip(int ns, const char *format, ...)
{
    char command[COMMAND_BYTES] = "ip ";
    int before = netns_enter(ns);
    va_list list;

    va_start(list, format);
    (void)vsnprintf(command + strlen(command), sizeof(command) - strlen(command), format, list);
    va_end(list);
    if (system(command) != 0) {
        (void)fprintf(stderr, "netns: failed: %s\n", command);
        abort();
    }
    netns_leave(before);
}

void netns_wire(int ns_a, const char *a, int ns_b, const char *b)
{
    netns_ip(ns_a, "link add %s type veth peer name %s netns /proc/%d/fd/%d", a, b, (int)getpid(),
             ns_b);
    netns_ip(ns_a, "link set %s up", a);
    netns_ip(ns_b, "link set %s up", b);
}

pid_t netns_spawn(int ns, char *const argv[], void (*before_exec)(void *context), void *context)
{
    pid_t parent = getpid();
    pid_t pid = fork();

    if (pid < 0) {
        fail("fork");
    }
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (getppid() != parent || setns(ns, CLONE_NEWNET) < 0) {
            _exit(127);
        }
        if (before_exec != NULL) {
            before_exec(context);
        }
        (void)execv(argv[0], argv);
        (void)fprintf(stderr, "netns: %s: %s\n", argv[0], strerror(errno));
        _exit(127);
    }
    return pid;
}

void netns_kill(pid_t pid, int signal)
{
    if (pid <= 0) {
        return;
    }
    (void)kill(pid, signal);
    if (signal != SIGSTOP && signal != SIGCONT) {
        (void)waitpid(pid, NULL, 0);
    }
}

void netns_program(const char *name, char *path, size_t path_bytes)
{
    char self[PATH_MAX] = "";
    char *folder = self;

    if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0) {
        fail("own path");
    }
    /* build/VARIANT/tests/tests/KIND/NAME_test -> build/VARIANT/bin/NAME */
    for (int i = 0; i < 4; i++) {
        folder = dirname(folder);
    }
    (void)snprintf(path, path_bytes, "%s/bin/%s", folder, name);
}
