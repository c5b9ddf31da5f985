#include "appliance/devices/port.h"

#include "base/check.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    OUT_BYTES_MAX = PAPER_BYTES_MAX + 2 * PRINTER_CLEAR_BYTES,
    IN_BYTES = 256,
    USEC_PER_MSEC = 1000,
    NSEC_PER_MSEC = 1000000,
    MSEC_PER_SEC = 1000,
    SOURCE_PORT_FIRST = 9200,
    UNACKNOWLEDGED_MS =
        5000, /* a printer without power is noticed although nothing is asked of it */
};

/* Else the beginning of the next ticket, where it says 再発行, would be taken for dots of the last one. */
static_assert((int)PRINTER_CLEAR_BYTES > (int)PAPER_BITMAP_BYTES_MAX,
              "an image that was cut off is filled");

struct port {
    struct port_options options;
    struct printer printer;
    int fd;
    bool connecting;
    sd_event_source *io, *timer;
    uint8_t job[PAPER_BYTES_MAX];
    size_t job_bytes;
    uint8_t out[OUT_BYTES_MAX];
    size_t out_at_bytes, out_bytes;
};

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * MSEC_PER_SEC + (uint64_t)now.tv_nsec / NSEC_PER_MSEC;
}

static void disconnect(struct port *port)
{
    port->io = sd_event_source_disable_unref(port->io);
    if (port->fd >= 0) {
        (void)close(port->fd);
    }
    port->fd = -1;
    port->connecting = false;
    port->out_at_bytes = port->out_bytes = 0;
}

static bool flush(struct port *port)
{
    while (port->out_at_bytes < port->out_bytes) {
        ssize_t sent = send(port->fd, port->out + port->out_at_bytes,
                            port->out_bytes - port->out_at_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent < 0 && errno == EAGAIN) {
            return sd_event_source_set_io_events(port->io, EPOLLIN | EPOLLOUT) >= 0;
        }
        if (sent < 0 && errno != EINTR) {
            return false;
        }
        port->out_at_bytes += sent < 0 ? 0 : (size_t)sent;
    }
    port->out_at_bytes = port->out_bytes = 0;
    return sd_event_source_set_io_events(port->io, EPOLLIN) >= 0;
}

static void queue_bytes(struct port *port, const uint8_t *bytes, size_t len_bytes)
{
    if (port->out_bytes + len_bytes > sizeof(port->out)) {
        return; /* it takes nothing: its own time runs out */
    }
    memcpy(port->out + port->out_bytes, bytes, len_bytes);
    port->out_bytes += len_bytes;
}

static void step(struct port *port, const struct printer_event *event);

static void tell(struct port *port, enum printer_event_kind kind)
{
    struct printer_event event = {.kind = kind, .now_ms = now_ms()};

    step(port, &event);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct port *port = userdata;
    struct printer_event event = {.kind = PRINTER_BYTES};
    uint8_t bytes[IN_BYTES];
    int error = 0;
    socklen_t error_bytes = sizeof(error);
    ssize_t got;

    (void)source;
    if (port->connecting) {
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_bytes) < 0 || error != 0) {
            disconnect(port);
            tell(port, PRINTER_CLOSED);
        } else if ((revents & EPOLLOUT) != 0) {
            port->connecting = false;
            tell(port, PRINTER_OPENED);
        }
        return 0;
    }
    if ((revents & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            disconnect(port);
            tell(port, PRINTER_CLOSED);
            return 0;
        }
        if (got > 0) {
            event.now_ms = now_ms();
            event.bytes = bytes;
            event.len_bytes = (size_t)got;
            step(port, &event);
        }
    }
    if (port->fd >= 0 && (revents & EPOLLOUT) != 0 && !flush(port)) {
        disconnect(port);
        tell(port, PRINTER_CLOSED);
    }
    return 0;
}

/* The port that this printer always knows us by; another one while the kernel still remembers the last use. */
static int connect_from(struct port *port, uint16_t source_port)
{
    struct sockaddr_in source = {.sin_family = AF_INET, .sin_port = htons(source_port)};
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port->options.printer->port)};
    const int on = 1, unacknowledged_ms = UNACKNOWLEDGED_MS;

    if (inet_pton(AF_INET, port->options.printer->address, &address.sin_addr) != 1 ||
        inet_pton(AF_INET, port->options.source, &source.sin_addr) != 1) {
        return -EINVAL;
    }
    port->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (port->fd < 0) {
        return -errno;
    }
    (void)setsockopt(port->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(port->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(port->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms,
                     sizeof(unacknowledged_ms));
    (void)setsockopt(port->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(port->fd, (const struct sockaddr *)&source, sizeof(source)) < 0) {
        return -errno;
    }
    if (connect(port->fd, (const struct sockaddr *)&address, sizeof(address)) < 0 &&
        errno != EINPROGRESS) {
        return -errno;
    }
    return 0;
}

static int begin_connection(struct port *port)
{
    int r = connect_from(port, (uint16_t)(SOURCE_PORT_FIRST + port->options.printer->id));

    if (r == -EADDRNOTAVAIL || r == -EADDRINUSE) {
        disconnect(port);
        r = connect_from(port, 0);
    }
    if (r < 0) {
        return r;
    }
    port->connecting = true;
    return sd_event_add_io(port->options.event, &port->io, port->fd, EPOLLOUT, on_io, port);
}

static void arm(struct port *port)
{
    uint64_t due_ms = printer_deadline_ms(&port->printer);

    if (due_ms == UINT64_MAX) {
        (void)sd_event_source_set_enabled(port->timer, SD_EVENT_OFF);
        return;
    }
    CHECK(sd_event_source_set_time(port->timer, due_ms * USEC_PER_MSEC) >= 0);
    CHECK(sd_event_source_set_enabled(port->timer, SD_EVENT_ONESHOT) >= 0);
}

static void step(struct port *port, const struct printer_event *event)
{
    struct printer_actions actions;
    bool broken = false;

    printer_step(&port->printer, event, &actions);
    if (actions.send != NULL) {
        queue_bytes(port, actions.send, actions.send_bytes);
    }
    if (actions.send_job) {
        queue_bytes(port, port->job, port->job_bytes);
    }
    if (port->fd >= 0 && !port->connecting && port->out_bytes > 0) {
        broken = !flush(port);
    }
    if (actions.close) {
        disconnect(port);
    }
    if (actions.connect) {
        disconnect(port);
        broken = begin_connection(port) < 0;
    }
    arm(port);
    port->options.on_change(port->options.context, port);
    if (actions.outcome != 0) {
        port->options.on_outcome(port->options.context, port, actions.outcome);
    }
    if (broken && !actions.close) {
        disconnect(port);
        tell(port, PRINTER_CLOSED);
    }
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void)source;
    (void)usec;
    tell(userdata, PRINTER_TIME);
    return 0;
}

int port_create(const struct port_options *options, struct port **ret_port)
{
    struct port *port = calloc(1, sizeof(*port));
    int r;

    if (port == NULL) {
        return -ENOMEM;
    }
    port->options = *options;
    port->fd = -1;
    printer_init(&port->printer);
    r = sd_event_add_time(options->event, &port->timer, CLOCK_MONOTONIC, UINT64_MAX, USEC_PER_MSEC,
                          on_timer, port);
    if (r < 0) {
        port_destroy(port);
        return r;
    }
    *ret_port = port;
    return 0;
}

void port_destroy(struct port *port)
{
    if (port != NULL) {
        disconnect(port);
        (void)sd_event_source_disable_unref(port->timer);
        free(port);
    }
}

void port_want(struct port *port, bool on)
{
    struct printer_event event = {.kind = PRINTER_WANT, .now_ms = now_ms(), .on = on};

    step(port, &event);
}

const struct printer *port_printer(const struct port *port)
{
    return &port->printer;
}

const struct site_printer *port_site(const struct port *port)
{
    return port->options.printer;
}

void port_print(struct port *port, const uint8_t *bytes, size_t len_bytes)
{
    CHECK(len_bytes <= sizeof(port->job));
    memcpy(port->job, bytes, len_bytes);
    port->job_bytes = len_bytes;
    tell(port, PRINTER_JOB);
}
