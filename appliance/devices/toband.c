#include "appliance/devices/toband.h"

#include "appliance/engine/api.h"
#include "base/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    IN_BYTES = 4 * API_PRINT_BYTES_MAX, /* orders and states: nothing longer is meant for us */
    OUT_BYTES = 64 * API_REQUEST_BYTES_MAX,
    AGAIN_USEC_MIN = 20 * 1000,
    AGAIN_USEC_MAX = 1000 * 1000,
    ACCURACY_USEC = 1000,
};

struct toband {
    struct toband_options options;
    struct sockaddr_un address;
    int fd;
    sd_event_source *io, *timer;
    uint64_t again_usec;
    uint8_t in[IN_BYTES], out[OUT_BYTES];
    size_t in_bytes, out_bytes;
};

static void disconnect(struct toband *toband)
{
    bool was_up = toband->io != NULL;

    toband->io = sd_event_source_disable_unref(toband->io);
    if (toband->fd >= 0) {
        (void)close(toband->fd);
    }
    toband->fd = -1;
    toband->in_bytes = toband->out_bytes = 0;
    CHECK(sd_event_source_set_time_relative(toband->timer, toband->again_usec) >= 0);
    CHECK(sd_event_source_set_enabled(toband->timer, SD_EVENT_ONESHOT) >= 0);
    toband->again_usec =
        toband->again_usec * 2 > AGAIN_USEC_MAX ? (uint64_t)AGAIN_USEC_MAX : toband->again_usec * 2;
    if (was_up) {
        toband->options.on_frame(toband->options.context, NULL, 0);
    }
}

static bool flush(struct toband *toband)
{
    size_t at_bytes = 0;

    while (at_bytes < toband->out_bytes) {
        ssize_t sent = send(toband->fd, toband->out + at_bytes, toband->out_bytes - at_bytes,
                            MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent < 0 && errno == EAGAIN) {
            break;
        }
        if (sent < 0 && errno != EINTR) {
            return false;
        }
        at_bytes += sent < 0 ? 0 : (size_t)sent;
    }
    toband->out_bytes -= at_bytes;
    memmove(toband->out, toband->out + at_bytes, toband->out_bytes);
    return sd_event_source_set_io_events(toband->io,
                                         toband->out_bytes > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN) >= 0;
}

/* False: not toband's language. */
static bool take_frames(struct toband *toband)
{
    size_t at_bytes = 0;
    int64_t len_bytes = 0;

    while (toband->fd >= 0) {
        len_bytes = api_frame_length(toband->in + at_bytes, toband->in_bytes - at_bytes,
                                     sizeof(toband->in));
        if (len_bytes <= 0) {
            break;
        }
        toband->options.on_frame(toband->options.context, toband->in + at_bytes, (size_t)len_bytes);
        at_bytes += (size_t)len_bytes;
    }
    if (toband->fd >= 0) {
        toband->in_bytes -= at_bytes;
        memmove(toband->in, toband->in + at_bytes, toband->in_bytes);
    }
    return len_bytes >= 0;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct toband *toband = userdata;
    ssize_t got;

    (void)source;
    if ((revents & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        got = recv(fd, toband->in + toband->in_bytes, sizeof(toband->in) - toband->in_bytes,
                   MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            disconnect(toband);
            return 0;
        }
        toband->in_bytes += got > 0 ? (size_t)got : 0;
        toband->again_usec = AGAIN_USEC_MIN;
        if (!take_frames(toband)) {
            disconnect(toband);
            return 0;
        }
    }
    if (toband->fd >= 0 && (revents & EPOLLOUT) != 0 && !flush(toband)) {
        disconnect(toband);
    }
    return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct toband *toband = userdata;

    (void)source;
    (void)usec;
    toband->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (toband->fd < 0 ||
        connect(toband->fd, (const struct sockaddr *)&toband->address, sizeof(toband->address)) <
            0 ||
        sd_event_add_io(toband->options.event, &toband->io, toband->fd, EPOLLIN, on_io, toband) <
            0) {
        disconnect(toband);
        return 0;
    }
    toband->options.on_frame(toband->options.context, (const uint8_t *)"", 0);
    return 0;
}

int toband_create(const struct toband_options *options, struct toband **ret_toband)
{
    struct toband *toband;
    int r;

    if (strlen(options->path) >= sizeof(toband->address.sun_path)) {
        return -ENAMETOOLONG;
    }
    toband = calloc(1, sizeof(*toband));
    if (toband == NULL) {
        return -ENOMEM;
    }
    toband->options = *options;
    toband->fd = -1;
    toband->again_usec = AGAIN_USEC_MIN;
    toband->address.sun_family = AF_UNIX;
    memcpy(toband->address.sun_path, options->path, strlen(options->path));
    r = sd_event_add_time_relative(options->event, &toband->timer, CLOCK_MONOTONIC, 0,
                                   ACCURACY_USEC, on_timer, toband);
    if (r < 0) {
        free(toband);
        return r;
    }
    *ret_toband = toband;
    return 0;
}

void toband_destroy(struct toband *toband)
{
    if (toband == NULL) {
        return;
    }
    (void)sd_event_source_disable_unref(toband->io);
    (void)sd_event_source_disable_unref(toband->timer);
    if (toband->fd >= 0) {
        (void)close(toband->fd);
    }
    free(toband);
}

void toband_send(struct toband *toband, const uint8_t *frame, size_t len_bytes)
{
    if (toband->fd < 0) {
        return;
    }
    if (toband->out_bytes + len_bytes > sizeof(toband->out)) {
        disconnect(toband);
        return;
    }
    memcpy(toband->out + toband->out_bytes, frame, len_bytes);
    toband->out_bytes += len_bytes;
    if (!flush(toband)) {
        disconnect(toband);
    }
}
