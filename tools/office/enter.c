/* How a supervisor becomes process 1 of its unit. See supervisor.h. */
#include "tools/office/supervisor.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    MOUNTS_MAX = 512,
    MOUNTINFO_LINE_BYTES = 4096,
};

pid_t office_fork_into_namespaces(void)
{
    /* glibc has no fork() with flags; this process has one thread, so nothing is held across it. */
    long pid = syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, NULL, NULL, NULL, NULL);

    return pid < 0 ? -errno : (pid_t)pid;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);
    size_t end_len = strlen(end);

    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* This namespace began as a copy of the host's mounts. A copy of another unit's disk would hold its
 * loop device long after that office is gone; a copy of a network namespace, that namespace. */
static int forget_other_offices(const char *own_data)
{
    char line[MOUNTINFO_LINE_BYTES];
    char *targets[MOUNTS_MAX];
    size_t count = 0;
    FILE *file = fopen("/proc/self/mountinfo", "re");

    if (file == NULL) {
        return -errno;
    }
    while (count < MOUNTS_MAX && fgets(line, sizeof(line), file) != NULL) {
        char target[MOUNTINFO_LINE_BYTES];

        if (sscanf(line, "%*s %*s %*s %*s %4095s", target) == 1 && strcmp(target, own_data) != 0 &&
            (ends_with(target, "/u1/data") || ends_with(target, "/u2/data") ||
             strncmp(target, "/run/netns/", strlen("/run/netns/")) == 0)) {
            targets[count] = strdup(target);
            count += targets[count] != NULL;
        }
    }
    (void)fclose(file);
    for (size_t i = count; i > 0; i--) {
        (void)umount2(targets[i - 1], MNT_DETACH);
        free(targets[i - 1]);
    }
    return 0;
}

static int mount_own(const struct office *office, unsigned place)
{
    char run[OFFICE_PATH_BYTES];
    char data[OFFICE_PATH_BYTES];
    int r = 0;

    office_unit_path(office, place, "", run);
    office_unit_path(office, place, "data", data);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        return -errno;
    }
    r = forget_other_offices(data);
    if (r < 0) {
        return r;
    }
    if (mount(run, "/run", NULL, MS_BIND | MS_REC, NULL) < 0 ||
        mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 ||
        mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 ||
        mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, NULL) < 0) {
        return -errno;
    }
    return 0;
}

int office_enter_unit(const struct office *office, unsigned place, int control_fd,
                      int *ret_host_proc_fd)
{
    char part[] = {'u', (char)('0' + place), '\0'};
    char netns[OFFICE_NAME_BYTES + sizeof(part) + 1];
    char name[16];
    int host_proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int netns_fd = -1;
    int r = host_proc_fd < 0 ? -errno : 0;

    /* If the keeper died before this line, its end of the control socket is closed: seen at once.
     */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)snprintf(name, sizeof(name), "unit-%u", place);
    (void)prctl(PR_SET_NAME, name);
    (void)setsid();
    office_netns_name(office, part, netns, sizeof(netns));
    r = r < 0 ? r : office_netns_open(netns, &netns_fd);
    if (r == 0 && setns(netns_fd, CLONE_NEWNET) < 0) {
        r = -errno;
    }
    r = r < 0 ? r : mount_own(office, place);
    if (r == 0) {
        int keep[] = {control_fd, host_proc_fd};

        office_close_others(keep, ARRAY_COUNT(keep));
        *ret_host_proc_fd = host_proc_fd;
    }
    return r;
}
