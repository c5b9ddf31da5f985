/*
 * A watchdog device without one: loaded before the C library into toban-watchdog (LD_PRELOAD), it takes the place of
 * the path FAKEDOG and behaves as the kernel's API says, driver's whims included. What was done to it is appended to
 * FAKEDOG_LOG, a line each: "open", "set S", "feed", "write C", "close", each after CLOCK_MONOTONIC in ms.
 *   FAKEDOG_MODE  good | soft (softdog's name) | rounds (45 for whatever is asked) | busy (cannot be opened) |
 *                 disarms (close would disarm) | reset (its last start was the device's doing)
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDED_S = 45, LINE_BYTES = 64, MS_PER_S = 1000, NS_PER_MS = 1000000, LOG_MODE = 0600 };

static int dog_fd = -1;
static int timeout_s = 60;

static bool mode_is(const char *mode)
{
    const char *now = getenv("FAKEDOG_MODE");

    return now != NULL && strcmp(now, mode) == 0;
}

static void record(const char *what, int number)
{
    int (*real_open)(const char *, int, ...) =
        (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
    char line[LINE_BYTES];
    struct timespec now;
    int fd = real_open(getenv("FAKEDOG_LOG"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, LOG_MODE);

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)snprintf(line, sizeof(line), "%lld %s %d\n",
                   (long long)now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS, what, number);
    (void)!write(fd, line, strlen(line));
    (void)close(fd);
}

int open(const char *path, int flags, ...)
{
    int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
    const char *dog = getenv("FAKEDOG");
    va_list list;
    mode_t mode;

    va_start(list, flags);
    mode = (flags & O_CREAT) != 0 ? va_arg(list, mode_t) : 0;
    va_end(list);
    if (dog == NULL || strcmp(path, dog) != 0) {
        return real(path, flags, mode);
    }
    if (mode_is("busy")) {
        record("busy", 0);
        errno = EBUSY;
        return -1;
    }
    dog_fd = real("/dev/null", flags);
    record("open", 0);
    return dog_fd;
}

int ioctl(int fd, unsigned long request, ...)
{
    int (*real)(int, unsigned long, ...) =
        (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
    struct watchdog_info *info;
    va_list list;
    void *argument;

    va_start(list, request);
    argument = va_arg(list, void *);
    va_end(list);
    if (fd < 0 || fd != dog_fd) {
        return real(fd, request, argument);
    }
    switch (request) {
    case WDIOC_GETSUPPORT:
        info = argument;
        *info = (struct watchdog_info){.options =
                                           WDIOF_SETTIMEOUT | WDIOF_KEEPALIVEPING |
                                           (mode_is("disarms") ? 0U : (unsigned)WDIOF_MAGICCLOSE)};
        (void)snprintf((char *)info->identity, sizeof(info->identity), "%s",
                       mode_is("soft") ? "Software Watchdog" : "Fake hardware");
        return 0;
    case WDIOC_GETBOOTSTATUS:
        *(int *)argument = mode_is("reset") ? WDIOF_CARDRESET : 0;
        return 0;
    case WDIOC_SETTIMEOUT:
        timeout_s = mode_is("rounds") ? ROUNDED_S : *(int *)argument;
        record("set", *(int *)argument);
        return 0;
    case WDIOC_GETTIMEOUT:
        *(int *)argument = timeout_s;
        return 0;
    case WDIOC_KEEPALIVE:
        record("feed", 0);
        return 0;
    default:
        errno = ENOTTY;
        return -1;
    }
}

ssize_t write(int fd, const void *bytes, size_t len_bytes)
{
    ssize_t (*real)(int, const void *, size_t) =
        (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");

    if (fd >= 0 && fd == dog_fd && len_bytes > 0) {
        record("write", *(const unsigned char *)bytes); /* 'V' would disarm */
    }
    return real(fd, bytes, len_bytes);
}

int close(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "close");

    if (fd >= 0 && fd == dog_fd) {
        dog_fd = -1;
        record("close", 0);
    }
    return real(fd);
}
