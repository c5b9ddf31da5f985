/* The end of the watched programs. A packet that does not fit into the socket is lost: the next one says more. */
#include "watchdog/adapters/proofs.h"

#include "base/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { MS_PER_S = 1000, NS_PER_MS = 1000000 };

struct proof_sender {
    sd_event *event;
    struct sockaddr_un address;
    proof_facts_fn *on_facts;
    void *context;
    int fd; /* -1: not connected */
    uint64_t tried_ms;
    sd_event_source *source;
};

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * MS_PER_S + (uint64_t)now.tv_nsec / NS_PER_MS;
}

static void disconnect(struct proof_sender *sender)
{
    sender->source = sd_event_source_disable_unref(sender->source);
    if (sender->fd >= 0) {
        (void)close(sender->fd);
        sender->fd = -1;
    }
}

static int on_packet(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct proof_sender *sender = context;
    uint8_t bytes[PET_PROOF_BYTES_MAX + 1];
    ssize_t len = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_TRUNC);
    struct pet_facts facts;

    (void)source;
    (void)events;
    if (len < 0 && (errno == EAGAIN || errno == EINTR)) {
        return 0;
    }
    if (len <= 0 || !pet_decode_facts(bytes, (size_t)len, &facts)) {
        disconnect(sender);
    } else if (sender->on_facts != NULL) {
        sender->on_facts(sender->context, &facts);
    }
    return 0;
}

static void connect_when_due(struct proof_sender *sender)
{
    uint64_t now = now_ms();

    if (sender->fd >= 0 || (sender->tried_ms != 0 && now - sender->tried_ms < PROOFS_RETRY_MS)) {
        return;
    }
    sender->tried_ms = now;
    sender->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (sender->fd >= 0 &&
        (connect(sender->fd, (struct sockaddr *)&sender->address, sizeof(sender->address)) < 0 ||
         sd_event_add_io(sender->event, &sender->source, sender->fd, EPOLLIN, on_packet, sender) <
             0)) {
        disconnect(sender);
    }
}

int proof_sender_create(sd_event *event, const char *path, proof_facts_fn *on_facts, void *context,
                        struct proof_sender **ret_sender)
{
    struct proof_sender *sender;

    if (strlen(path) >= sizeof(sender->address.sun_path)) {
        return -ENAMETOOLONG;
    }
    sender = calloc(1, sizeof(*sender));
    CHECK_GIVEN(sender != NULL);
    *sender = (struct proof_sender){.event = event,
                                    .address.sun_family = AF_UNIX,
                                    .on_facts = on_facts,
                                    .context = context,
                                    .fd = -1};
    (void)snprintf(sender->address.sun_path, sizeof(sender->address.sun_path), "%s", path);
    *ret_sender = sender;
    return 0;
}

void proof_sender_destroy(struct proof_sender *sender)
{
    if (sender != NULL) {
        disconnect(sender);
        free(sender);
    }
}

void proof_sender_say(struct proof_sender *sender, const uint8_t *bytes, size_t len_bytes)
{
    connect_when_due(sender);
    if (sender->fd >= 0 && send(sender->fd, bytes, len_bytes, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
        errno != EAGAIN) {
        disconnect(sender);
    }
}
