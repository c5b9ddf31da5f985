/* The listening end. A connection has no name until its first packet; who has none after a second is cut. */
#include "watchdog/adapters/proofs.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    SOCKET_MODE = 0666,
    BACKLOG = 4,
    NAMED = 2,
    CLIENTS_MAX = NAMED + PROOFS_UNNAMED_MAX,
    US_PER_MS = 1000
};

struct client {
    struct proofs *owner;
    int fd, pidfd; /* fd -1: free */
    uid_t uid;
    enum pet_process process; /* PET_PROCESS_COUNT: not named yet */
    sd_event_source *source, *deadline;
};

struct proofs {
    struct proofs_options options;
    int fd;
    sd_event_source *source;
    struct client clients[CLIENTS_MAX];
};

static void cut(struct client *client)
{
    enum pet_process process = client->process;

    client->source = sd_event_source_disable_unref(client->source);
    client->deadline = sd_event_source_disable_unref(client->deadline);
    (void)close(client->fd);
    if (client->pidfd >= 0) {
        (void)close(client->pidfd);
    }
    client->fd = client->pidfd = -1;
    client->process = PET_PROCESS_COUNT;
    if (process != PET_PROCESS_COUNT) {
        client->owner->options.on_ended(client->owner->options.context, process);
    }
}

static struct client *find(struct proofs *proofs, enum pet_process process)
{
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        if (proofs->clients[i].fd >= 0 && proofs->clients[i].process == process) {
            return &proofs->clients[i];
        }
    }
    return NULL;
}

/* Which program the first byte says it is, if its user may say so. */
static enum pet_process named_by(const struct client *client, uint8_t first)
{
    const struct proofs_options *options = &client->owner->options;

    if (first == PET_SENDER_TOBAND && client->uid == options->toband_uid) {
        return PET_TOBAND;
    }
    if (first == PET_SENDER_NET && client->uid == options->net_uid) {
        return PET_TOBAN_NET;
    }
    return PET_PROCESS_COUNT;
}

static int on_packet(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct client *client = context;
    uint8_t bytes[PET_PROOF_BYTES_MAX + 1];
    ssize_t len = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_TRUNC);

    (void)source;
    (void)events;
    if (len < 0 && (errno == EAGAIN || errno == EINTR)) {
        return 0;
    }
    if (len > 0 && len <= PET_PROOF_BYTES_MAX && client->process == PET_PROCESS_COUNT) {
        enum pet_process process = named_by(client, bytes[0]);

        if (process != PET_PROCESS_COUNT && find(client->owner, process) == NULL) {
            client->process = process;
            client->deadline = sd_event_source_disable_unref(client->deadline);
        }
    }
    if (len <= 0 || len > PET_PROOF_BYTES_MAX || client->process == PET_PROCESS_COUNT) {
        cut(client);
        return 0;
    }
    client->owner->options.on_said(client->owner->options.context, client->process, bytes,
                                   (size_t)len);
    return 0;
}

static int on_deadline(sd_event_source *source, uint64_t time_us, void *context)
{
    (void)source;
    (void)time_us;
    cut(context);
    return 0;
}

static bool admit(struct proofs *proofs, int fd)
{
    struct client *client = NULL;
    struct ucred peer;
    socklen_t len = sizeof(peer);

    for (size_t i = 0; i < CLIENTS_MAX && client == NULL; i++) {
        client = proofs->clients[i].fd < 0 ? &proofs->clients[i] : NULL;
    }
    if (client == NULL || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ||
        (peer.uid != proofs->options.toband_uid && peer.uid != proofs->options.net_uid)) {
        return false;
    }
    client->pidfd = (int)syscall(SYS_pidfd_open, peer.pid, 0U);
    if (client->pidfd < 0 ||
        sd_event_add_io(proofs->options.event, &client->source, fd, EPOLLIN, on_packet, client) <
            0 ||
        sd_event_add_time_relative(proofs->options.event, &client->deadline, CLOCK_MONOTONIC,
                                   (uint64_t)PROOFS_UNNAMED_MS_MAX * US_PER_MS, 0, on_deadline,
                                   client) < 0) {
        client->source = sd_event_source_disable_unref(client->source);
        if (client->pidfd >= 0) {
            (void)close(client->pidfd);
            client->pidfd = -1;
        }
        return false;
    }
    client->fd = fd;
    client->uid = peer.uid;
    return true;
}

static int on_connect(sd_event_source *source, int listener, uint32_t events, void *context)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)source;
    (void)events;
    if (fd >= 0 && !admit(context, fd)) {
        (void)close(fd);
    }
    return 0;
}

int proofs_create(const struct proofs_options *options, struct proofs **ret_proofs)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct proofs *proofs;
    int r = 0;

    if (strlen(options->path) >= sizeof(address.sun_path)) {
        return -ENAMETOOLONG;
    }
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", options->path);
    proofs = calloc(1, sizeof(*proofs));
    CHECK_GIVEN(proofs != NULL);
    proofs->options = *options;
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        proofs->clients[i] =
            (struct client){.owner = proofs, .fd = -1, .pidfd = -1, .process = PET_PROCESS_COUNT};
    }
    (void)unlink(options->path);
    proofs->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* Anybody may try: who is let in is the kernel's word about the user, above. */
    if (proofs->fd < 0 || bind(proofs->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        chmod(options->path, SOCKET_MODE) < 0 || listen(proofs->fd, BACKLOG) < 0) {
        r = -errno;
    }
    r = r < 0 ? r
              : sd_event_add_io(options->event, &proofs->source, proofs->fd, EPOLLIN, on_connect,
                                proofs);
    if (r < 0) {
        proofs_destroy(proofs);
        return r;
    }
    *ret_proofs = proofs;
    return 0;
}

static void no_more(void *context, enum pet_process process)
{
    (void)context;
    (void)process;
}

void proofs_destroy(struct proofs *proofs)
{
    if (proofs == NULL) {
        return;
    }
    proofs->options.on_ended = no_more;
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        if (proofs->clients[i].fd >= 0) {
            cut(&proofs->clients[i]);
        }
    }
    (void)sd_event_source_disable_unref(proofs->source);
    if (proofs->fd >= 0) {
        (void)close(proofs->fd);
        (void)unlink(proofs->options.path);
    }
    free(proofs);
}

int proofs_end_process(struct proofs *proofs, enum pet_process process)
{
    struct client *client = find(proofs, process);

    if (client == NULL) {
        return -ESRCH;
    }
    return syscall(SYS_pidfd_send_signal, client->pidfd, SIGKILL, NULL, 0U) < 0 ? -errno : 0;
}

void proofs_tell(struct proofs *proofs, const uint8_t *bytes, size_t len_bytes)
{
    struct client *client = find(proofs, PET_TOBAND);

    if (client != NULL) {
        (void)send(client->fd, bytes, len_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

void proofs_refuse(struct proofs *proofs, enum pet_process process)
{
    struct client *client = find(proofs, process);

    if (client != NULL) {
        cut(client);
    }
}
