#include "appliance/gateway/engine_link.h"

#include "appliance/gateway/feed.h"
#include "appliance/gateway/gateway.h"
#include "appliance/gateway/internal.h"
#include "base/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    /* Every request, and every stream's question, waits for its reply before it is sent again, so this much always
     * suffices. */
    OUT_BYTES = (GATEWAY_REQUESTS_MAX + GATEWAY_STREAMS_MAX + 1) * API_REQUEST_BYTES_MAX +
                GATEWAY_LARGE_BODIES_MAX * API_SITE_REQUEST_BYTES_MAX,
    IN_BYTES_START = 64 * 1024,
    READS_PER_TURN_MAX = 16,
    USEC_PER_MSEC = 1000,
    ACCURACY_USEC = 1000,
};

struct engine_link {
    struct feed_in *feed; /* on a relay: the pair connects to us; nothing else below is used */
    sd_event *event;
    struct gateway *gateway;
    struct sockaddr_un address;
    int fd;
    bool up;
    sd_event_source *io;
    sd_event_source *timer;
    uint32_t backoff_ms;
    uint8_t *out;
    size_t out_at_bytes, out_len_bytes;
    uint8_t *in;
    size_t in_len_bytes, in_capacity_bytes;
};

static int retry_later(struct engine_link *link)
{
    int r =
        sd_event_source_set_time_relative(link->timer, (uint64_t)link->backoff_ms * USEC_PER_MSEC);

    link->backoff_ms *= 2;
    if (link->backoff_ms > GATEWAY_RECONNECT_MS_MAX) {
        link->backoff_ms = GATEWAY_RECONNECT_MS_MAX;
    }
    return r < 0 ? r : sd_event_source_set_enabled(link->timer, SD_EVENT_ONESHOT);
}

static void disconnect(struct engine_link *link)
{
    bool was_up = link->up;

    link->io = sd_event_source_disable_unref(link->io);
    if (link->fd >= 0) {
        (void)close(link->fd);
    }
    link->fd = -1;
    link->up = false;
    link->out_at_bytes = link->out_len_bytes = 0;
    link->in_len_bytes = 0;
    CHECK(retry_later(link) >= 0);
    if (was_up) {
        forward_engine_down(link->gateway);
    }
}

static bool take_frame(struct engine_link *link, const uint8_t *frame, size_t len_bytes)
{
    struct api_reply reply;
    struct api_event event;
    struct api_state state;
    uint32_t id;

    switch (api_frame_type(frame)) {
    case API_REPLY:
        if (!api_reply_decode(frame, len_bytes, &id, &reply)) {
            return false;
        }
        forward_engine_reply(link->gateway, id, &reply);
        return true;
    case API_EVENT:
        if (!api_event_decode(frame, len_bytes, &event)) {
            return false;
        }
        stream_queue_event(link->gateway, &event);
        return true;
    case API_STATE:
        if (!api_state_decode(frame, len_bytes, &state)) {
            return false;
        }
        link->backoff_ms = GATEWAY_RECONNECT_MS_MIN;
        forward_engine_state(link->gateway, &state);
        return true;
    case API_REVOKED:
        stream_check_all(link->gateway);
        return len_bytes == API_FRAME_HEADER_BYTES;
    }
    return false;
}

/* Whole frames at the start of the buffer are taken, the rest stays. false: the bytes make no
 * sense. */
static bool take_frames(struct engine_link *link)
{
    size_t at_bytes = 0;
    int64_t len_bytes;

    for (;;) {
        len_bytes = api_frame_length(link->in + at_bytes, link->in_len_bytes - at_bytes,
                                     API_REPLY_BYTES_MAX + API_REQUEST_BYTES_MAX);
        if (len_bytes <= 0) {
            break;
        }
        if (!take_frame(link, link->in + at_bytes, (size_t)len_bytes)) {
            return false;
        }
        at_bytes += (size_t)len_bytes;
    }
    link->in_len_bytes -= at_bytes;
    memmove(link->in, link->in + at_bytes, link->in_len_bytes);
    return len_bytes == 0;
}

/* A full buffer holds the start of one longer frame: it doubles, up to the longest frame, and goes
 * back to its first size when it is empty. */
static bool make_room(struct engine_link *link)
{
    size_t capacity_bytes = link->in_capacity_bytes;
    uint8_t *grown;

    if (link->in_len_bytes == capacity_bytes) {
        capacity_bytes *= 2;
    } else if (link->in_len_bytes == 0 && capacity_bytes > IN_BYTES_START) {
        capacity_bytes = IN_BYTES_START;
    } else {
        return true;
    }
    grown = realloc(link->in, capacity_bytes);
    if (grown == NULL) {
        return false;
    }
    link->in = grown;
    link->in_capacity_bytes = capacity_bytes;
    return true;
}

static bool read_some(struct engine_link *link)
{
    for (int i = 0; i < READS_PER_TURN_MAX; i++) {
        ssize_t got;
        size_t room_bytes;

        if (!make_room(link)) {
            return false;
        }
        room_bytes = link->in_capacity_bytes - link->in_len_bytes;
        got = recv(link->fd, link->in + link->in_len_bytes, room_bytes, MSG_DONTWAIT);
        if (got < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        if (got == 0) {
            return false;
        }
        link->in_len_bytes += (size_t)got;
        if (!take_frames(link)) {
            return false;
        }
        if ((size_t)got < room_bytes) {
            return true;
        }
    }
    return true;
}

static bool write_some(struct engine_link *link)
{
    uint32_t events = EPOLLIN;

    while (link->out_at_bytes < link->out_len_bytes) {
        ssize_t sent = send(link->fd, link->out + link->out_at_bytes,
                            link->out_len_bytes - link->out_at_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent < 0 && errno == EAGAIN) {
            events |= EPOLLOUT;
            break;
        }
        if (sent < 0 && errno != EINTR) {
            return false;
        }
        link->out_at_bytes += sent < 0 ? 0 : (size_t)sent;
    }
    if (link->out_at_bytes == link->out_len_bytes) {
        link->out_at_bytes = link->out_len_bytes = 0;
    }
    return sd_event_source_set_io_events(link->io, events) >= 0;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct engine_link *link = userdata;

    (void)source;
    (void)fd;
    /* What toband said before it went is still read: the answers in it are good. */
    if ((revents & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !read_some(link)) {
        disconnect(link);
        return 0;
    }
    if ((revents & EPOLLOUT) != 0 && !write_some(link)) {
        disconnect(link);
    }
    return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct engine_link *link = userdata;

    (void)source;
    (void)usec;
    link->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (link->fd < 0 ||
        connect(link->fd, (const struct sockaddr *)&link->address, sizeof(link->address)) < 0 ||
        sd_event_add_io(link->event, &link->io, link->fd, EPOLLIN, on_io, link) < 0) {
        disconnect(link);
        return 0;
    }
    link->up = true;
    forward_engine_up(link->gateway);
    return 0;
}

int engine_link_create(sd_event *event, const char *path, struct gateway *gateway,
                       struct engine_link **ret_link)
{
    struct engine_link *link;
    int r;

    if (path != NULL && strlen(path) >= sizeof(link->address.sun_path)) {
        return -ENAMETOOLONG;
    }
    link = calloc(1, sizeof(*link));
    if (link == NULL) {
        return -ENOMEM;
    }
    link->event = event;
    link->gateway = gateway;
    link->fd = -1;
    if (gateway->config.feed != NULL) {
        r = feed_in_create(event, gateway->config.feed, gateway, &link->feed);
        if (r < 0) {
            free(link);
            return r;
        }
        *ret_link = link;
        return 0;
    }
    link->backoff_ms = GATEWAY_RECONNECT_MS_MIN;
    link->address.sun_family = AF_UNIX;
    memcpy(link->address.sun_path, path, strlen(path));
    link->in_capacity_bytes = IN_BYTES_START;
    link->in = malloc(link->in_capacity_bytes);
    link->out = malloc(OUT_BYTES);
    r = link->in == NULL || link->out == NULL
            ? -ENOMEM
            : sd_event_add_time_relative(event, &link->timer, CLOCK_MONOTONIC, 0, ACCURACY_USEC,
                                         on_timer, link);
    if (r < 0) {
        engine_link_destroy(link);
        return r;
    }
    *ret_link = link;
    return 0;
}

void engine_link_destroy(struct engine_link *link)
{
    if (link == NULL) {
        return;
    }
    feed_in_destroy(link->feed);
    (void)sd_event_source_disable_unref(link->io);
    (void)sd_event_source_disable_unref(link->timer);
    if (link->fd >= 0) {
        (void)close(link->fd);
    }
    free(link->in);
    free(link->out);
    free(link);
}

bool engine_link_is_up(const struct engine_link *link)
{
    return link->feed != NULL ? feed_in_is_up(link->feed) : link->up;
}

bool engine_link_send(struct engine_link *link, const struct api_request *request)
{
    size_t room_bytes =
        request->type == API_SITE ? API_SITE_REQUEST_BYTES_MAX : API_REQUEST_BYTES_MAX;
    size_t len_bytes;

    if (link->feed != NULL) {
        return feed_in_send(link->feed, request);
    }
    if (!link->up) {
        return false;
    }
    if (link->out_at_bytes > 0 && OUT_BYTES - link->out_len_bytes < room_bytes) {
        link->out_len_bytes -= link->out_at_bytes;
        memmove(link->out, link->out + link->out_at_bytes, link->out_len_bytes);
        link->out_at_bytes = 0;
    }
    len_bytes = api_request_encode(request, link->out + link->out_len_bytes,
                                   OUT_BYTES - link->out_len_bytes);
    link->out_len_bytes += len_bytes;
    return len_bytes > 0;
}

void engine_link_flush(struct engine_link *link)
{
    if (link->up && link->out_len_bytes > 0 && !write_some(link)) {
        disconnect(link);
    }
}

const struct feed_in *engine_link_feed(const struct engine_link *link)
{
    return link->feed;
}
