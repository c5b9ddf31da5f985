/*
 * The forwarder: whoever connects to the host's port speaks to the floating address, from within
 * the clients' namespace: to its TLS listener who begins as TLS does, else to the plain one. One
 * process, owned by the keeper. It passes resets on as resets, so that a browser on the host
 * notices a takeover as quickly as one in the office.
 */
#include "tools/office/office.h"

#include "base/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PAIRS_MAX = 256,
    BUFFER_BYTES = 16 * 1024,
    BACKLOG = 64,
    PLAIN_PORT = 80,
    TLS_PORT = 443,
    TLS_HANDSHAKE = 0x16, /* RFC 8446 5.1: the first byte of a client */
    CONNECT_MS_MAX = 5000,
};

struct stream {
    size_t start_bytes, len_bytes;
    bool ended;  /* nothing more comes in */
    bool closed; /* and the other side was told */
    char bytes[BUFFER_BYTES];
};

struct pair {
    int fds[2]; /* client, gateway; -1: free, or not yet chosen */
    bool connecting;
    int64_t connect_until_ms;
    struct stream streams[2]; /* from fds[i] to the other */
};

int office_forward_listen(uint16_t port, int *ret_fd, uint16_t *ret_port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t len = sizeof(address);
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        return -errno;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, BACKLOG) < 0 || getsockname(fd, (struct sockaddr *)&address, &len) < 0) {
        int r = -errno;

        (void)close(fd);
        return r;
    }
    *ret_fd = fd;
    *ret_port = ntohs(address.sin_port);
    return 0;
}

static void close_pair(struct pair *pair, bool reset)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    for (unsigned i = 0; i < 2; i++) {
        if (pair->fds[i] >= 0) {
            if (reset) {
                (void)setsockopt(pair->fds[i], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
            }
            (void)close(pair->fds[i]);
            pair->fds[i] = -1;
        }
    }
}

static void accept_client(int listen_fd, struct pair *pairs)
{
    struct pair *pair = NULL;
    int one = 1;
    int client = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    for (unsigned i = 0; i < PAIRS_MAX && pair == NULL; i++) {
        pair = pairs[i].fds[0] < 0 ? &pairs[i] : NULL;
    }
    if (client < 0 || pair == NULL) {
        (void)close(client);
        return;
    }
    memset(pair, 0, sizeof(*pair));
    pair->fds[0] = client;
    pair->fds[1] = -1;
    (void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* By the client's first byte. */
static void choose_gateway(struct pair *pair)
{
    struct sockaddr_in gateway = {.sin_family = AF_INET};
    unsigned char first = 0;
    int one = 1;
    ssize_t n = recv(pair->fds[0], &first, sizeof(first), MSG_PEEK);

    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0) {
        close_pair(pair, n < 0);
        return;
    }
    CHECK(inet_pton(AF_INET, OFFICE_FLOATING, &gateway.sin_addr) == 1);
    gateway.sin_port = htons(first == TLS_HANDSHAKE ? TLS_PORT : PLAIN_PORT);
    pair->fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    pair->connecting = true;
    pair->connect_until_ms = office_monotonic_ms() + CONNECT_MS_MAX;
    (void)setsockopt(pair->fds[1], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(pair->fds[1], (const struct sockaddr *)&gateway, sizeof(gateway)) < 0 &&
        errno != EINPROGRESS) {
        close_pair(pair, true);
    }
}

/* false: the connection broke. */
static bool move(struct pair *pair, unsigned from)
{
    struct stream *stream = &pair->streams[from];
    int in = pair->fds[from];
    int out = pair->fds[1 - from];
    ssize_t n = 0;

    if (stream->len_bytes == 0 && !stream->ended) {
        n = recv(in, stream->bytes, sizeof(stream->bytes), 0);
        if (n < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        stream->ended = n == 0;
        stream->start_bytes = 0;
        stream->len_bytes = (size_t)n;
    }
    if (stream->len_bytes > 0) {
        n = send(out, stream->bytes + stream->start_bytes, stream->len_bytes, MSG_NOSIGNAL);
        if (n < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        stream->start_bytes += (size_t)n;
        stream->len_bytes -= (size_t)n;
    }
    if (stream->ended && stream->len_bytes == 0 && !stream->closed) {
        stream->closed = true;
        (void)shutdown(out, SHUT_WR);
    }
    return true;
}

static void serve_pair(struct pair *pair, const short revents[2])
{
    bool alive = true;

    if (pair->fds[1] < 0) {
        choose_gateway(pair);
        return;
    }
    if (pair->connecting) {
        int error = 0;
        socklen_t len = sizeof(error);

        if ((revents[1] & (POLLOUT | POLLERR | POLLHUP)) != 0) {
            (void)getsockopt(pair->fds[1], SOL_SOCKET, SO_ERROR, &error, &len);
            pair->connecting = false;
            alive = error == 0;
        } else {
            alive = office_monotonic_ms() < pair->connect_until_ms &&
                    (revents[0] & (POLLERR | POLLHUP)) == 0;
        }
    } else if (((revents[0] | revents[1]) & POLLERR) != 0) {
        alive = false;
    } else {
        alive = move(pair, 0) && move(pair, 1);
    }
    if (!alive) {
        close_pair(pair, true);
    } else if (pair->streams[0].closed && pair->streams[1].closed) {
        close_pair(pair, false);
    }
}

static int wanted_events(const struct pair *pair, unsigned side)
{
    const struct stream *in = &pair->streams[side];
    const struct stream *out = &pair->streams[1 - side];

    if (pair->connecting) {
        return side == 1 ? POLLOUT : 0;
    }
    return (in->len_bytes == 0 && !in->ended ? POLLIN : 0) | (out->len_bytes > 0 ? POLLOUT : 0);
}

_Noreturn static void run_forwarder(int listen_fd)
{
    struct pair *pairs = calloc(PAIRS_MAX, sizeof(*pairs));
    struct pollfd fds[1 + 2 * PAIRS_MAX];

    CHECK(pairs != NULL);
    for (unsigned i = 0; i < PAIRS_MAX; i++) {
        pairs[i].fds[0] = -1;
        pairs[i].fds[1] = -1;
    }
    for (;;) {
        bool connecting = false;

        fds[0] = (struct pollfd){.fd = listen_fd, .events = POLLIN};
        for (unsigned i = 0; i < PAIRS_MAX; i++) {
            bool used = pairs[i].fds[0] >= 0;

            for (unsigned side = 0; side < 2; side++) {
                fds[1 + 2 * i + side] =
                    (struct pollfd){.fd = pairs[i].fds[side],
                                    .events = (short)(used ? wanted_events(&pairs[i], side) : 0)};
            }
            connecting = connecting || (used && pairs[i].connecting);
        }
        if (poll(fds, 1 + 2 * PAIRS_MAX, connecting ? CONNECT_MS_MAX : -1) < 0 && errno != EINTR) {
            _exit(1);
        }
        for (unsigned i = 0; i < PAIRS_MAX; i++) {
            const short revents[2] = {fds[1 + 2 * i].revents, fds[2 + 2 * i].revents};

            if (pairs[i].fds[0] >= 0 &&
                (revents[0] != 0 || revents[1] != 0 || pairs[i].connecting)) {
                serve_pair(&pairs[i], revents);
            }
        }
        if (fds[0].revents != 0) {
            accept_client(listen_fd, pairs);
        }
    }
}

int office_forward_start(const struct office *office, int listen_fd, pid_t *ret_pid)
{
    char netns[OFFICE_NAME_BYTES + sizeof("-lan")];
    int netns_fd = -1;
    int r = 0;
    pid_t pid = 0;

    office_netns_name(office, "lan", netns, sizeof(netns));
    r = office_netns_open(netns, &netns_fd);
    if (r < 0) {
        return r;
    }
    pid = fork();
    if (pid == 0) {
        sigset_t none;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)prctl(PR_SET_NAME, "office-forward");
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)signal(SIGPIPE, SIG_IGN);
        if (setns(netns_fd, CLONE_NEWNET) < 0) {
            _exit(1);
        }
        office_close_others(&listen_fd, 1);
        run_forwarder(listen_fd);
    }
    (void)close(netns_fd);
    if (pid < 0) {
        return -errno;
    }
    *ret_pid = pid;
    return 0;
}
