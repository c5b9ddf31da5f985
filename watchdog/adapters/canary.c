#include "watchdog/adapters/canary.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MODE = 0640, MS_PER_S = 1000, NS_PER_MS = 1000000, STOP_WAIT_S = 1 };

struct canary {
    int fd, stop_fd;
    pthread_t thread;
    atomic_uint_least64_t owed_ms; /* since when a write is owed; 0: none */
};

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (uint64_t)now.tv_sec * MS_PER_S + (uint64_t)now.tv_nsec / NS_PER_MS;
}

static bool write_once(int fd, uint64_t count)
{
    uint8_t bytes[CANARY_BYTES] = {0};

    memcpy(bytes, &count, sizeof(count));
    return pwrite(fd, bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes) && fdatasync(fd) == 0;
}

static void *run(void *context)
{
    struct canary *canary = context;
    uint64_t count = 0;

    do {
        uint64_t none = 0;

        /* After a failure the time goes on from the first one. */
        (void)atomic_compare_exchange_strong(&canary->owed_ms, &none, now_ms());
        if (write_once(canary->fd, ++count)) {
            atomic_store(&canary->owed_ms, 0);
        }
    } while (poll(&(struct pollfd){.fd = canary->stop_fd, .events = POLLIN}, 1, CANARY_MS) <= 0);
    return NULL;
}

int canary_start(const char *folder, struct canary **ret_canary)
{
    int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct canary *canary;
    int fd, r = 0;

    if (folder_fd < 0) {
        return -errno;
    }
    fd = openat(folder_fd, "canary", O_WRONLY | O_CREAT | O_CLOEXEC, FILE_MODE);
    r = fd < 0 ? -errno : 0;
    (void)close(folder_fd);
    if (r < 0) {
        return r;
    }
    canary = calloc(1, sizeof(*canary));
    CHECK_GIVEN(canary != NULL);
    canary->fd = fd;
    canary->stop_fd = eventfd(0, EFD_CLOEXEC);
    CHECK_GIVEN(canary->stop_fd >= 0);
    CHECK_GIVEN(pthread_create(&canary->thread, NULL, run, canary) == 0);
    *ret_canary = canary;
    return 0;
}

void canary_stop(struct canary *canary)
{
    uint64_t stop = 1;
    struct timespec until;

    if (canary == NULL) {
        return;
    }
    (void)!write(canary->stop_fd, &stop, sizeof(stop));
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_WAIT_S;
    if (pthread_timedjoin_np(canary->thread, NULL, &until) == 0) {
        (void)close(canary->stop_fd);
        (void)close(canary->fd);
        free(canary);
    }
}

uint32_t canary_overdue_ms(const struct canary *canary)
{
    uint64_t owed_ms = atomic_load(&canary->owed_ms);
    uint64_t now = now_ms();

    return owed_ms == 0 || now <= owed_ms ? 0
           : now - owed_ms > UINT32_MAX   ? UINT32_MAX
                                          : (uint32_t)(now - owed_ms);
}
