/* toband's side of toban-net: one socket, its heartbeat, and facts handed on as they come. */
#include "cluster/adapters/address.h"

#include "base/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { US_PER_MS = 1000, TIMER_ACCURACY_US = 1000, PACKETS_PER_TURN_MAX = 64 };

struct address {
    sd_event *event;
    sd_event_source *socket_source;
    sd_event_source *retry_source;     /* tries to connect; armed while there is no helper */
    sd_event_source *heartbeat_source; /* armed while there is one */
    int fd;                            /* -1: no helper */
    bool broken;                       /* found stuck while sending; said from the loop */
    bool beating;
    uint64_t retry_ms;
    address_fact_fn *on_fact;
    void *context;
    struct sockaddr_un path;
};

static uint64_t now_us(const struct address *address)
{
    uint64_t at_us = 0;

    (void)sd_event_now(address->event, CLOCK_MONOTONIC, &at_us);
    return at_us;
}

static void arm(const struct address *address, sd_event_source *source, uint64_t after_ms)
{
    (void)sd_event_source_set_time(source, now_us(address) + after_ms * US_PER_MS);
    (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void tell(struct address *address, enum address_kind kind)
{
    struct address_message fact = {.kind = kind};

    address->on_fact(address->context, &fact);
}

static void disconnect_helper(struct address *address)
{
    address->socket_source = sd_event_source_disable_unref(address->socket_source);
    (void)sd_event_source_set_enabled(address->heartbeat_source, SD_EVENT_OFF);
    (void)close(address->fd);
    address->fd = -1;
    address->broken = false;
    address->retry_ms = ADDRESS_RETRY_MS_MIN;
    arm(address, address->retry_source, address->retry_ms);
    tell(address, ADDRESS_HELPER_LOST);
}

/* One send or nothing: a helper that does not drain its socket would not drop the address either.
 */
static int send_message(struct address *address, const struct address_message *message)
{
    uint8_t bytes[ADDRESS_MESSAGE_BYTES_MAX];
    size_t len_bytes;

    if (address->fd < 0 || address->broken) {
        return -ENOTCONN;
    }
    len_bytes = address_encode(message, bytes, sizeof(bytes));
    if (len_bytes == 0) {
        return -EINVAL;
    }
    if (send(address->fd, bytes, len_bytes, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        int r = -errno;

        /* The callback is not called from within the caller's own call: the loop says it. */
        address->broken = true;
        arm(address, address->heartbeat_source, 0);
        return r == -EAGAIN ? r : -ENOTCONN;
    }
    return 0;
}

static int on_heartbeat(sd_event_source *source, uint64_t at_us, void *context)
{
    struct address *address = context;
    struct address_message message = {.kind = ADDRESS_HEARTBEAT};

    (void)source;
    (void)at_us;
    if (!address->broken && address->beating) {
        (void)send_message(address, &message);
    }
    if (address->broken) {
        disconnect_helper(address);
        return 0;
    }
    arm(address, address->heartbeat_source, ADDRESS_HEARTBEAT_MS);
    return 0;
}

/* 1: a fact was handed on; 0: nothing there now; negative: the connection is over. */
static int receive_one(struct address *address)
{
    uint8_t bytes[ADDRESS_MESSAGE_BYTES_MAX];
    struct address_message fact;
    ssize_t len = recv(address->fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_TRUNC);

    if (len < 0) {
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    }
    if (len == 0) {
        return -ECONNRESET;
    }
    if ((size_t)len > sizeof(bytes) || !address_decode(bytes, (size_t)len, &fact) ||
        fact.kind < ADDRESS_HELD) {
        return -EBADMSG;
    }
    address->on_fact(address->context, &fact);
    return 1;
}

static int on_socket(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct address *address = context;
    int r = 1;

    (void)source;
    (void)fd;
    (void)events;
    for (int i = 0; i < PACKETS_PER_TURN_MAX && r > 0 && !address->broken; i++) {
        r = receive_one(address);
    }
    if (r < 0 || address->broken) {
        disconnect_helper(address);
    }
    return 0;
}

static int connect_helper(struct address *address)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int r;

    if (fd < 0) {
        return -errno;
    }
    if (connect(fd, (const struct sockaddr *)&address->path, sizeof(address->path)) < 0) {
        r = -errno;
        (void)close(fd);
        return r;
    }
    r = sd_event_add_io(address->event, &address->socket_source, fd, EPOLLIN, on_socket, address);
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    address->fd = fd;
    return 0;
}

static int on_retry(sd_event_source *source, uint64_t at_us, void *context)
{
    struct address *address = context;

    (void)source;
    (void)at_us;
    if (connect_helper(address) < 0) {
        arm(address, address->retry_source, address->retry_ms);
        address->retry_ms *= 2;
        if (address->retry_ms > ADDRESS_RETRY_MS_MAX) {
            address->retry_ms = ADDRESS_RETRY_MS_MAX;
        }
        return 0;
    }
    arm(address, address->heartbeat_source, 0);
    tell(address, ADDRESS_HELPER_UP);
    return 0;
}

static int add_timer(struct address *address, sd_event_source **ret_source,
                     sd_event_time_handler_t handler, int enabled)
{
    int r = sd_event_add_time(address->event, ret_source, CLOCK_MONOTONIC, 0, TIMER_ACCURACY_US,
                              handler, address);

    return r < 0 ? r : sd_event_source_set_enabled(*ret_source, enabled);
}

int address_create(const struct address_options *options, struct address **ret_address)
{
    struct address *address;
    int r;

    CHECK(options->event != NULL && options->on_fact != NULL && options->socket_path != NULL);
    if (strlen(options->socket_path) >= sizeof(address->path.sun_path)) {
        return -ENAMETOOLONG;
    }
    address = calloc(1, sizeof(*address));
    if (address == NULL) {
        return -ENOMEM;
    }
    address->event = sd_event_ref(options->event);
    address->fd = -1;
    address->beating = true;
    address->retry_ms = ADDRESS_RETRY_MS_MIN;
    address->on_fact = options->on_fact;
    address->context = options->context;
    address->path.sun_family = AF_UNIX;
    memcpy(address->path.sun_path, options->socket_path, strlen(options->socket_path));
    r = add_timer(address, &address->retry_source, on_retry, SD_EVENT_ONESHOT);
    if (r >= 0) {
        r = add_timer(address, &address->heartbeat_source, on_heartbeat, SD_EVENT_OFF);
    }
    if (r < 0) {
        address_destroy(address);
        return r;
    }
    *ret_address = address;
    return 0;
}

void address_destroy(struct address *address)
{
    if (address == NULL) {
        return;
    }
    (void)sd_event_source_disable_unref(address->socket_source);
    (void)sd_event_source_disable_unref(address->retry_source);
    (void)sd_event_source_disable_unref(address->heartbeat_source);
    if (address->fd >= 0) {
        (void)close(address->fd);
    }
    (void)sd_event_unref(address->event);
    free(address);
}

int address_take(struct address *address)
{
    struct address_message message = {.kind = ADDRESS_TAKE};

    return send_message(address, &message);
}

int address_drop(struct address *address, bool reset_clients)
{
    struct address_message message = {.kind = ADDRESS_DROP};

    message.drop.reset_clients = reset_clients;
    return send_message(address, &message);
}

int address_leave(struct address *address)
{
    struct address_message message = {.kind = ADDRESS_LEAVE};

    return send_message(address, &message);
}

int address_enter(struct address *address)
{
    struct address_message message = {.kind = ADDRESS_ENTER};

    return send_message(address, &message);
}

int address_probe(struct address *address, uint32_t id, uint16_t bound_ms)
{
    struct address_message message = {.kind = ADDRESS_PROBE};

    if (bound_ms == 0 || bound_ms > ADDRESS_PROBE_MS_MAX) {
        return -EINVAL;
    }
    message.probe.id = id;
    message.probe.bound_ms = bound_ms;
    return send_message(address, &message);
}

int address_tickle(struct address *address, const struct address_client *clients, size_t count)
{
    struct address_message message = {.kind = ADDRESS_TICKLE};

    if (count > ADDRESS_CONNECTIONS_MAX) {
        return -EINVAL;
    }
    message.clients.total = (uint32_t)count;
    message.clients.count = (uint16_t)count;
    if (count > 0) {
        memcpy(message.clients.list, clients, count * sizeof(*clients));
    }
    return send_message(address, &message);
}

void address_set_heartbeat(struct address *address, bool beating)
{
    address->beating = beating;
}
