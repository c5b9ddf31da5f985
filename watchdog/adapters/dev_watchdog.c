#include "watchdog/adapters/dev_watchdog.h"

#include "base/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { MS_PER_S = 1000, SYSFS_BYTES = 64 };

static const char soft_identity[] = "Software Watchdog";

/* One line of sysfs without its end; empty when there is none. */
static void read_sysfs(const char *name, const char *file, char text[SYSFS_BYTES])
{
    char path[sizeof("/sys/class/watchdog//identity") + NAME_MAX];
    ssize_t len = -1;
    int fd;

    (void)snprintf(path, sizeof(path), "/sys/class/watchdog/%s/%s", name, file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        len = read(fd, text, SYSFS_BYTES - 1);
        (void)close(fd);
    }
    text[len > 0 ? len : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

/* A device must be chosen before it is opened: opening arms it. */
static bool choose(char path[DEV_WATCHDOG_PATH_BYTES])
{
    DIR *folder = opendir("/sys/class/watchdog");
    bool found = false, hardware = false;

    if (folder == NULL) {
        return false;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char identity[SYSFS_BYTES];
        bool better;

        if (strncmp(entry->d_name, "watchdog", sizeof("watchdog") - 1) != 0) {
            continue;
        }
        read_sysfs(entry->d_name, "identity", identity);
        better = !found || (!hardware && strcmp(identity, soft_identity) != 0);
        if (better && strlen(entry->d_name) < DEV_WATCHDOG_PATH_BYTES - sizeof("/dev/")) {
            (void)snprintf(path, DEV_WATCHDOG_PATH_BYTES, "/dev/%.50s", entry->d_name);
            found = true;
            hardware = strcmp(identity, soft_identity) != 0;
        }
    }
    (void)closedir(folder);
    return found;
}

static bool is_nowayout(const char *path)
{
    char text[SYSFS_BYTES];
    const char *name = strrchr(path, '/');

    read_sysfs(name == NULL ? path : name + 1, "nowayout", text);
    return strcmp(text, "1") == 0;
}

static int set_timeout(struct dev_watchdog *device, uint32_t timeout_ms)
{
    int timeout_s = (int)(timeout_ms / MS_PER_S);
    int read_back_s = 0;
    int set = ioctl(device->fd, WDIOC_SETTIMEOUT, &timeout_s) < 0 ? -errno : 0;

    if (ioctl(device->fd, WDIOC_GETTIMEOUT, &read_back_s) < 0) {
        return set < 0 ? set : -errno; /* what cannot be read back is not known */
    }
    device->facts.timeout_ms = read_back_s > 0 ? (uint32_t)read_back_s * MS_PER_S : 0;
    return set;
}

int dev_watchdog_open(struct dev_watchdog *device, const char *path)
{
    struct watchdog_info info = {0};
    char chosen[DEV_WATCHDOG_PATH_BYTES] = "/dev/watchdog"; /* ipmi_watchdog knows no other name */
    int status = 0;

    *device = (struct dev_watchdog){.fd = -1};
    if (path == NULL) {
        (void)choose(chosen);
        path = chosen;
    }
    device->fd = open(path, O_WRONLY | O_CLOEXEC);
    if (device->fd < 0) {
        return -errno;
    }
    device->facts.armed = true;
    if (ioctl(device->fd, WDIOC_GETSUPPORT, &info) == 0) {
        memcpy(device->identity, info.identity, sizeof(info.identity));
        device->identity[sizeof(device->identity) - 1] = '\0';
        device->facts.hardware =
            device->identity[0] != '\0' && strcmp(device->identity, soft_identity) != 0;
        device->facts.stays_armed = (info.options & WDIOF_MAGICCLOSE) != 0 || is_nowayout(path);
    }
    device->reset_by_it =
        ioctl(device->fd, WDIOC_GETBOOTSTATUS, &status) == 0 && (status & WDIOF_CARDRESET) != 0;
    return set_timeout(device, PET_TIMEOUT_MS);
}

int dev_watchdog_feed(struct dev_watchdog *device)
{
    int none = 0;

    CHECK(device->fd >= 0);
    return ioctl(device->fd, WDIOC_KEEPALIVE, &none) < 0 ? -errno : 0;
}

void dev_watchdog_leave(struct dev_watchdog *device, uint32_t timeout_ms)
{
    if (device->fd >= 0) {
        (void)set_timeout(device, timeout_ms);
        (void)dev_watchdog_feed(device);
        (void)close(device->fd);
        device->fd = -1;
        device->facts.armed = false;
    }
}
