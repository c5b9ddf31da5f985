#include "cluster/adapters/link_transport.h"

#include "base/check.h"

#include <errno.h>
#include <nanomsg/nn.h>
#include <nanomsg/pipeline.h>
#include <nanomsg/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    ADDRESS_TEXT_BYTES = 96,
    MESSAGES_PER_TURN_MAX = 32,
    SOCKET_BUFFER_BYTES = 1024 * 1024,
    RECONNECT_MS = 20, /* always: a restarting peer has 150 ms (DESIGN 3 rule 2) */
    BIND_RETRY_MS = 100,
    US_PER_MS = 1000,
    TIMER_ACCURACY_US = 1000,
};

struct queued {
    uint64_t owner;
    uint8_t *message; /* NULL: forgotten */
    size_t len_bytes;
};

struct link_transport {
    struct link_transport_options options; /* endpoint's texts are the caller's: not kept */
    char bind_address[ADDRESS_TEXT_BYTES], connect_address[ADDRESS_TEXT_BYTES];
    int receiver, sender; /* nanomsg sockets; -1: none */
    sd_event_source *receive_source, *send_source, *bind_source;
    struct queued queue[LINK_QUEUE_FRAMES_MAX];
    size_t first, count;
    size_t queued_bytes;
    bool refused; /* somebody waits for room */
};

/* nanomsg's own error numbers start far above errno's. */
static int last_error(void)
{
    int error = nn_errno();

    return error > 0 && error < NN_HAUSNUMERO ? -error : -EIO;
}

static bool set_option(int socket, int level, int option, int value)
{
    return nn_setsockopt(socket, level, option, &value, sizeof(value)) == 0;
}

static bool get_fd(int socket, int option, int *ret_fd)
{
    size_t size_bytes = sizeof(*ret_fd);

    return nn_getsockopt(socket, NN_SOL_SOCKET, option, ret_fd, &size_bytes) == 0;
}

static struct queued *queue_at(struct link_transport *transport, size_t index)
{
    return &transport->queue[(transport->first + index) % LINK_QUEUE_FRAMES_MAX];
}

static void pop(struct link_transport *transport)
{
    transport->queued_bytes -= queue_at(transport, 0)->len_bytes;
    transport->first = (transport->first + 1) % LINK_QUEUE_FRAMES_MAX;
    transport->count--;
}

static void flush(struct link_transport *transport)
{
    if (transport->send_source == NULL) {
        return; /* no socket now: on_bind makes it and flushes */
    }
    while (transport->count > 0) {
        struct queued *next = queue_at(transport, 0);

        if (next->message != NULL &&
            nn_send(transport->sender, &next->message, NN_MSG, NN_DONTWAIT) < 0) {
            if (nn_errno() == EAGAIN || nn_errno() == EINTR) {
                break;
            }
            (void)nn_freemsg(next->message); /* the contact will miss it and say so: a gap */
        }
        pop(transport);
    }
    (void)sd_event_source_set_enabled(transport->send_source,
                                      transport->count > 0 ? SD_EVENT_ON : SD_EVENT_OFF);
}

static int on_sendable(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct link_transport *transport = context;

    (void)source;
    (void)fd;
    (void)events;
    flush(transport);
    if (transport->refused && transport->count <= LINK_QUEUE_FRAMES_MAX / 2 &&
        transport->queued_bytes <= LINK_QUEUE_BYTES_MAX / 2) {
        transport->refused = false;
        transport->options.on_room(transport->options.context);
    }
    return 0;
}

static int on_receivable(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct link_transport *transport = context;
    int receiver = transport->receiver;

    (void)source;
    (void)fd;
    (void)events;
    /* A callback may shed the connections, and with them this socket. */
    for (int i = 0; i < MESSAGES_PER_TURN_MAX && transport->receiver == receiver; i++) {
        uint8_t *bytes = NULL;
        int len = nn_recv(receiver, &bytes, NN_MSG, NN_DONTWAIT);

        if (len < 0) {
            return 0;
        }
        transport->options.on_message(transport->options.context, bytes, (size_t)len);
        (void)nn_freemsg(bytes);
    }
    return 0;
}

static void close_receiver(struct link_transport *transport)
{
    transport->receive_source = sd_event_source_disable_unref(transport->receive_source);
    if (transport->receiver >= 0) {
        (void)nn_close(transport->receiver);
    }
    transport->receiver = -1;
}

static void close_sender(struct link_transport *transport)
{
    transport->send_source = sd_event_source_disable_unref(transport->send_source);
    if (transport->sender >= 0) {
        (void)nn_close(transport->sender);
    }
    transport->sender = -1;
}

static int open_receiver(struct link_transport *transport)
{
    int fd;
    int r;

    transport->receiver = nn_socket(AF_SP, NN_PULL);
    if (transport->receiver < 0) {
        return last_error();
    }
    /* The size limit must be there before the first byte can come (reliability.md 6). */
    if (!set_option(transport->receiver, NN_SOL_SOCKET, NN_RCVMAXSIZE, LINK_WIRE_BYTES_MAX) ||
        !set_option(transport->receiver, NN_SOL_SOCKET, NN_RCVBUF, SOCKET_BUFFER_BYTES) ||
        !get_fd(transport->receiver, NN_RCVFD, &fd) ||
        nn_bind(transport->receiver, transport->bind_address) < 0) {
        r = last_error();
        close_receiver(transport);
        return r;
    }
    return sd_event_add_io(transport->options.event, &transport->receive_source, fd, EPOLLIN,
                           on_receivable, transport);
}

/* From the own address, so that a packet filter can tell the unit, and the right interface is used.
 */
static int open_sender(struct link_transport *transport)
{
    int fd;
    int r;

    transport->sender = nn_socket(AF_SP, NN_PUSH);
    if (transport->sender < 0) {
        return last_error();
    }
    if (!set_option(transport->sender, NN_TCP, NN_TCP_NODELAY, 1) ||
        !set_option(transport->sender, NN_SOL_SOCKET, NN_SNDBUF, SOCKET_BUFFER_BYTES) ||
        !set_option(transport->sender, NN_SOL_SOCKET, NN_RECONNECT_IVL, RECONNECT_MS) ||
        !set_option(transport->sender, NN_SOL_SOCKET, NN_RECONNECT_IVL_MAX, RECONNECT_MS) ||
        !get_fd(transport->sender, NN_SNDFD, &fd) ||
        nn_connect(transport->sender, transport->connect_address) < 0) {
        r = last_error();
        close_sender(transport);
        return r;
    }
    r = sd_event_add_io(transport->options.event, &transport->send_source, fd, EPOLLIN, on_sendable,
                        transport);
    if (r >= 0) {
        flush(transport);
    }
    return r;
}

static void retry_bind(struct link_transport *transport)
{
    (void)sd_event_source_set_time_relative(transport->bind_source, BIND_RETRY_MS * US_PER_MS);
    (void)sd_event_source_set_enabled(transport->bind_source, SD_EVENT_ONESHOT);
}

/* The own address may not be there yet at boot: both sockets are made when it is. */
static int on_bind(sd_event_source *source, uint64_t at_us, void *context)
{
    struct link_transport *transport = context;

    (void)source;
    (void)at_us;
    if ((transport->receiver < 0 && open_receiver(transport) < 0) ||
        (transport->sender < 0 && open_sender(transport) < 0)) {
        retry_bind(transport);
    }
    return 0;
}

static bool note_addresses(struct link_transport *transport, const struct link_endpoint *endpoint)
{
    int bind_len = snprintf(transport->bind_address, ADDRESS_TEXT_BYTES, "tcp://%s:%u",
                            endpoint->local_address, endpoint->local_port);
    /* From the own address, so that a packet filter can tell the unit and the right interface is
     * used. */
    int connect_len =
        snprintf(transport->connect_address, ADDRESS_TEXT_BYTES, "tcp://%s;%s:%u",
                 endpoint->local_address, endpoint->peer_address, endpoint->peer_port);

    return bind_len < ADDRESS_TEXT_BYTES && connect_len < ADDRESS_TEXT_BYTES;
}

int link_transport_create(const struct link_transport_options *options,
                          struct link_transport **ret_transport)
{
    struct link_transport *transport = calloc(1, sizeof(*transport));
    int r;

    if (transport == NULL) {
        return -ENOMEM;
    }
    transport->options = *options;
    transport->receiver = -1;
    transport->sender = -1;
    if (!note_addresses(transport, &options->endpoint)) {
        free(transport);
        return -EINVAL;
    }
    r = sd_event_add_time_relative(options->event, &transport->bind_source, CLOCK_MONOTONIC, 0,
                                   TIMER_ACCURACY_US, on_bind, transport);
    if (r < 0) {
        free(transport);
        return r;
    }
    (void)on_bind(transport->bind_source, 0, transport);
    if (transport->receiver >= 0 && transport->sender >= 0) {
        (void)sd_event_source_set_enabled(transport->bind_source, SD_EVENT_OFF);
    }
    *ret_transport = transport;
    return 0;
}

void link_transport_destroy(struct link_transport *transport)
{
    if (transport == NULL) {
        return;
    }
    close_receiver(transport);
    close_sender(transport);
    (void)sd_event_source_disable_unref(transport->bind_source);
    for (size_t i = 0; i < transport->count; i++) {
        if (queue_at(transport, i)->message != NULL) {
            (void)nn_freemsg(queue_at(transport, i)->message);
        }
    }
    free(transport);
}

uint8_t *link_transport_allocate(size_t len_bytes)
{
    return nn_allocmsg(len_bytes, 0);
}

bool link_transport_has_room(struct link_transport *transport, size_t len_bytes)
{
    bool room = transport->count < LINK_QUEUE_FRAMES_MAX &&
                len_bytes <= LINK_QUEUE_BYTES_MAX - transport->queued_bytes;

    transport->refused = transport->refused || !room;
    return room;
}

void link_transport_send(struct link_transport *transport, uint64_t owner, uint8_t *message,
                         size_t len_bytes)
{
    if (transport->count >= LINK_QUEUE_FRAMES_MAX ||
        len_bytes > LINK_QUEUE_BYTES_MAX - transport->queued_bytes) {
        (void)nn_freemsg(message);
        return;
    }
    transport->count++;
    *queue_at(transport, transport->count - 1) =
        (struct queued){.owner = owner, .message = message, .len_bytes = len_bytes};
    transport->queued_bytes += len_bytes;
    flush(transport);
}

void link_transport_forget(struct link_transport *transport, uint64_t owner)
{
    for (size_t i = 0; i < transport->count; i++) {
        struct queued *item = queue_at(transport, i);

        if (item->owner == owner && item->message != NULL) {
            (void)nn_freemsg(item->message);
            item->message = NULL;
        }
    }
    while (transport->count > 0 && queue_at(transport, 0)->message == NULL) {
        pop(transport);
    }
}

void link_transport_renew(struct link_transport *transport)
{
    close_sender(transport);
    if (transport->receiver >= 0 && open_sender(transport) < 0) {
        retry_bind(transport);
    }
}

bool link_transport_shed(struct link_transport *transport, uint64_t connections_max)
{
    if (transport->receiver < 0 ||
        nn_get_statistic(transport->receiver, NN_STAT_CURRENT_CONNECTIONS) <= connections_max) {
        return false;
    }
    close_receiver(transport);
    if (open_receiver(transport) < 0) {
        retry_bind(transport);
    }
    return true;
}

size_t link_transport_queued_bytes(const struct link_transport *transport)
{
    return transport->queued_bytes;
}
