/* Screens and telephones that follow live events: one process, many sockets, which only counts what comes. */
#include "tools/bench/bench.h"

#include "base/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FOLLOWERS_MAX = 2000, BUFFER_BYTES = 65536, EVENTS = 256, WAIT_MS = 100 };

struct follower {
    int fd;
    SSL *tls;
    bool slow;
    uint64_t queues, last_us, longest_us; /* between two queues */
};

static int reach(const char *address, uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)inet_pton(AF_INET, address, &to.sin_addr);
    return fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? -1 : fd;
}

/* A board comes with its credential, a telephone as anybody; both by TLS. False: not let in so far. */
static bool follow(const struct bench_way *way, struct follower *follower)
{
    char request[512];
    int len;

    len = snprintf(request, sizeof(request),
                   "GET /api/v1/events%s HTTP/1.1\r\nHost: %s\r\n%s%s%s\r\n",
                   follower->slow ? "?pace=slow" : "", way->address,
                   follower->slow ? "" : "Authorization: Bearer ", follower->slow ? "" : way->token,
                   follower->slow ? "" : "\r\n");
    follower->fd = reach(way->address, way->port);
    if (follower->fd < 0) {
        return false;
    }
    follower->tls = bench_tls_over(way->tls, follower->fd, way->address);
    return SSL_connect(follower->tls) == 1 && SSL_write(follower->tls, request, len) == len &&
           fcntl(follower->fd, F_SETFL, O_NONBLOCK) == 0;
}

static void note_queue(struct follower *follower)
{
    uint64_t now_us = bench_now_us();

    if (follower->queues++ > 0 && now_us - follower->last_us > follower->longest_us) {
        follower->longest_us = now_us - follower->last_us;
    }
    follower->last_us = now_us;
}

/* False: it was ended. An event's name may lie across two pieces: then it is counted as one less. */
static bool take(struct follower *follower, uint64_t *bytes)
{
    static char buffer[BUFFER_BYTES];
    static const char name[] = "event: queue";
    int got;

    while ((got = SSL_read(follower->tls, buffer, sizeof(buffer))) > 0) {
        const char *at = buffer;

        *bytes += (uint64_t)got;
        while ((at = memmem(at, (size_t)(buffer + got - at), name, sizeof(name) - 1)) != NULL) {
            at += sizeof(name) - 1;
            note_queue(follower);
        }
    }
    return SSL_get_error(follower->tls, got) == SSL_ERROR_WANT_READ;
}

static void tell(const struct follower *followers, unsigned count, uint64_t bytes, unsigned lost,
                 unsigned seconds)
{
    uint64_t queues[2] = {0, 0}, longest_us[2] = {0, 0};

    for (unsigned i = 0; i < count; i++) {
        const struct follower *follower = &followers[i];
        int kind = follower->slow ? 1 : 0;

        queues[kind] += follower->queues;
        longest_us[kind] =
            follower->longest_us > longest_us[kind] ? follower->longest_us : longest_us[kind];
    }
    printf("{\"mode\":\"live\",\"followers\":%u,\"lost\":%u,\"seconds\":%u,\"mib_per_second\":%.1f,"
           "\"queues_screens\":%llu,\"queues_telephones\":%llu,\"longest_ms_screen\":%.0f,"
           "\"longest_ms_telephone\":%.0f}\n",
           count, lost, seconds, (double)bytes / seconds / 1048576, (unsigned long long)queues[0],
           (unsigned long long)queues[1], (double)longest_us[0] / 1e3, (double)longest_us[1] / 1e3);
}

static int run(struct follower *followers, unsigned count, unsigned seconds)
{
    uint64_t end_us = bench_now_us() + (uint64_t)seconds * 1000000, bytes = 0;
    struct epoll_event ready[EVENTS];
    int poll_fd = epoll_create1(EPOLL_CLOEXEC);
    unsigned lost = 0, silent = 0;

    CHECK(poll_fd >= 0);
    for (unsigned i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = &followers[i]}};

        CHECK(epoll_ctl(poll_fd, EPOLL_CTL_ADD, followers[i].fd, &event) == 0);
    }
    printf("{\"mode\":\"ready\"}\n");
    (void)fflush(stdout);
    while (bench_now_us() < end_us) {
        int found = epoll_wait(poll_fd, ready, EVENTS, WAIT_MS);

        for (int i = 0; i < found; i++) {
            struct follower *follower = ready[i].data.ptr;

            if (!take(follower, &bytes)) {
                (void)epoll_ctl(poll_fd, EPOLL_CTL_DEL, follower->fd, NULL);
                lost++;
            }
        }
    }
    for (unsigned i = 0; i < count; i++) {
        silent += followers[i].queues == 0;
    }
    tell(followers, count, bytes, lost, seconds);
    (void)close(poll_fd);
    if (silent > 0) { /* refused, or never served: no measure of anything */
        (void)fprintf(stderr, "toban-bench: %u of them were told nothing\n", silent);
    }
    return lost == 0 && silent == 0 ? 0 : 1;
}

int bench_live(const struct bench_way *way, unsigned screens, unsigned telephones, unsigned seconds)
{
    struct rlimit limit = {.rlim_cur = FOLLOWERS_MAX + 64, .rlim_max = FOLLOWERS_MAX + 64};
    struct follower *followers;
    unsigned count = screens + telephones;
    int r;

    if (count > FOLLOWERS_MAX) {
        return 2;
    }
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    followers = calloc(count, sizeof(*followers));
    CHECK(followers != NULL);
    for (unsigned i = 0; i < count; i++) {
        followers[i].slow = i >= screens;
        if (!follow(way, &followers[i])) {
            (void)fprintf(stderr, "toban-bench: follower %u of %u is not let in\n", i + 1, count);
            return 1;
        }
    }
    r = run(followers, count, seconds);
    for (unsigned i = 0; i < count; i++) {
        SSL_free(followers[i].tls);
    }
    free(followers);
    return r;
}
