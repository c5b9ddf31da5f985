/* The pair's side: between toband's socket and the relay, a process of its own. Whatever the relay becomes, it can
 * ask three things of one unprivileged client of toband, so many times a second. */
#include "appliance/gateway/feed.h"

#include "appliance/engine/api.h"
#include "appliance/queue/queue.h"
#include "base/check.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum {
    IN_BYTES = API_REPLY_BYTES_MAX + API_REQUEST_BYTES_MAX,
    READ_BYTES = 65536,
    EVENT_BYTES_UNSENT_MAX = 256 * 1024, /* a relay that is slow gets a newer queue later */
    STATUS_OVERLOAD = 503,
    RETRY_AFTER_S = 5,
    USEC_PER_MSEC = 1000,
    MS_PER_S = 1000,
    ACCURACY_USEC = 10000,
};

struct feed_out {
    const struct feed_out_options *options;
    sd_event *event;
    struct feed_tls *tls;
    sd_event_source *engine_io, *beat;
    int engine_fd;
    uint8_t *in;
    size_t in_len_bytes;
    uint8_t state[API_TEXT_BYTES + 64]; /* toband's newest STATE frame */
    size_t state_len_bytes;
    bool serving;
    bool subscribed; /* by this connection to toband: it says the queue once, then changes */
    uint8_t *queue;  /* its newest EVENT frame: for a relay that comes again */
    size_t queue_len_bytes;
    struct feed_connection *connection;
    uint64_t tried_ms, bucket_ms;
    uint32_t bucket;
};

bool feed_question_passes(struct api_request *request)
{
    const struct api_command asked = request->command;

    request->from = (struct api_from){.via = API_VIA_WEB};
    if (request->type == API_SUBSCRIBE) {
        return true;
    }
    if (request->type == API_READ) {
        struct api_read read = {.what = request->read.what, .ticket = request->read.ticket};

        request->read = read;
        return read.what == API_READ_QUEUE || read.what == API_READ_DAY ||
               (read.what == API_READ_TICKET && !ids_token_is_zero(&read.ticket));
    }
    if (request->type != API_COMMAND || asked.action != QUEUE_CANCEL ||
        ids_token_is_zero(&asked.ticket)) {
        return false;
    }
    request->command = (struct api_command){.action = QUEUE_CANCEL,
                                            .actor = API_ACTOR_VISITOR,
                                            .key = asked.key,
                                            .body_hash = asked.body_hash,
                                            .ticket = asked.ticket};
    return true;
}

bool feed_word_passes(struct api_request *request, const char *relay)
{
    request->from = (struct api_from){.via = API_VIA_WEB};
    if (request->type == API_RELAY_ERASED) {
        (void)snprintf(request->erased.relay, sizeof(request->erased.relay), "%.*s",
                       (int)sizeof(request->erased.relay) - 1, relay);
        return true;
    }
    if (request->type == API_RELAY) {
        (void)snprintf(request->relay.relay, sizeof(request->relay.relay), "%.*s",
                       (int)sizeof(request->relay.relay) - 1, relay);
        return true;
    }
    return false;
}

static uint64_t now_ms(const struct feed_out *feed)
{
    uint64_t usec = 0;

    CHECK(sd_event_now(feed->event, CLOCK_MONOTONIC, &usec) >= 0);
    return usec / USEC_PER_MSEC;
}

static bool bucket_has_one(struct feed_out *feed)
{
    uint64_t passed_ms = now_ms(feed) - feed->bucket_ms;
    uint64_t more = passed_ms * FEED_QUESTIONS_PER_S / MS_PER_S;

    if (more > 0) {
        feed->bucket_ms += more * MS_PER_S / FEED_QUESTIONS_PER_S;
        feed->bucket = feed->bucket + more > FEED_QUESTIONS_AT_ONCE
                           ? (uint32_t)FEED_QUESTIONS_AT_ONCE
                           : feed->bucket + (uint32_t)more;
    }
    feed->bucket -= feed->bucket > 0 ? 1 : 0;
    return feed->bucket > 0;
}

static void answer_overload(struct feed_out *feed, uint32_t id)
{
    static const char body[] =
        "{\"type\":\"about:blank\",\"title\":\"Too many requests at the moment.\","
        "\"title_ja\":\"ただいま混み合っています。\",\"status\":503,\"code\":\"OVERLOAD\"}";
    struct api_reply reply = {.status = STATUS_OVERLOAD,
                              .retry_after_s = RETRY_AFTER_S,
                              .body = (const uint8_t *)body,
                              .body_len_bytes = sizeof(body) - 1};
    uint8_t frame[32 + sizeof(body)];
    size_t len_bytes = api_reply_header_encode(id, &reply, frame);

    memcpy(frame + len_bytes, body, sizeof(body) - 1);
    (void)feed_connection_send(feed->connection, frame, len_bytes + sizeof(body) - 1);
}

/* ---- the relay's questions ------------------------------------------------------------------------ */

static bool pass_question(struct feed_out *feed, const uint8_t *frame, size_t len_bytes)
{
    uint8_t bytes[API_REQUEST_BYTES_MAX];
    struct api_request request;
    size_t passed_bytes;

    if (!api_request_decode(frame, len_bytes, &request) ||
        (!feed_word_passes(&request, feed->options->tls.peer_name) &&
         !feed_question_passes(&request))) {
        (void)fprintf(stderr, "toban-web: the relay asked what it may not; the feed is ended\n");
        return false;
    }
    if (feed->engine_fd < 0 || (request.type != API_SUBSCRIBE && !bucket_has_one(feed))) {
        answer_overload(feed, request.id);
        return true;
    }
    if (request.type == API_SUBSCRIBE && feed->subscribed) {
        return feed->queue_len_bytes == 0 ||
               feed_connection_send(feed->connection, feed->queue, feed->queue_len_bytes);
    }
    feed->subscribed = feed->subscribed || request.type == API_SUBSCRIBE;
    passed_bytes = api_request_encode(&request, bytes, sizeof(bytes));
    CHECK(passed_bytes > 0);
    if (send(feed->engine_fd, bytes, passed_bytes, MSG_DONTWAIT | MSG_NOSIGNAL) !=
        (ssize_t)passed_bytes) {
        answer_overload(feed, request.id); /* a socket of this machine that is full */
    }
    return true;
}

static int64_t on_questions(void *context, const uint8_t *bytes, size_t len_bytes)
{
    size_t at_bytes = 0;

    for (;;) {
        int64_t frame_bytes =
            api_frame_length(bytes + at_bytes, len_bytes - at_bytes, API_REQUEST_BYTES_MAX);

        if (frame_bytes < 0 ||
            (frame_bytes > 0 && !pass_question(context, bytes + at_bytes, (size_t)frame_bytes))) {
            return -EPROTO;
        }
        if (frame_bytes == 0) {
            return (int64_t)at_bytes;
        }
        at_bytes += (size_t)frame_bytes;
    }
}

static void on_up(void *context)
{
    struct feed_out *feed = context;

    (void)fprintf(stderr, "toban-web: feeding the relay\n");
    (void)feed_connection_send(feed->connection, feed->state, feed->state_len_bytes);
}

static void on_end(void *context)
{
    struct feed_out *feed = context;

    feed_connection_destroy(feed->connection);
    feed->connection = NULL;
}

static void connect_relay(struct feed_out *feed)
{
    const struct gateway_listen *relay = &feed->options->relay;
    struct feed_connection_options options = {.event = feed->event,
                                              .tls = feed->tls,
                                              .take = on_questions,
                                              .up = on_up,
                                              .end = on_end,
                                              .context = feed};
    int one = 1;

    feed->tried_ms = now_ms(feed);
    options.fd =
        socket(relay->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    if (options.fd < 0) {
        return;
    }
    (void)setsockopt(options.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(options.fd, (const struct sockaddr *)&relay->address, relay->address_len_bytes) <
            0 &&
        errno != EINPROGRESS) {
        (void)close(options.fd);
        return;
    }
    (void)feed_connection_create(&options, &feed->connection);
}

/* ---- what toband says -------------------------------------------------------------------------------- */

static void take_state(struct feed_out *feed, const uint8_t *frame, size_t len_bytes)
{
    struct api_state state;

    if (api_state_decode(frame, len_bytes, &state) && len_bytes <= sizeof(feed->state)) {
        memcpy(feed->state, frame, len_bytes);
        feed->state_len_bytes = len_bytes;
        feed->serving = state.serving;
    }
}

static void keep_queue(struct feed_out *feed, const uint8_t *frame, size_t len_bytes)
{
    uint8_t *queue = realloc(feed->queue, len_bytes);

    feed->queue_len_bytes = 0;
    if (queue != NULL) {
        memcpy(queue, frame, len_bytes);
        feed->queue = queue;
        feed->queue_len_bytes = len_bytes;
    }
}

static void pass_on(struct feed_out *feed, const uint8_t *frame, size_t len_bytes)
{
    uint8_t type = api_frame_type(frame);

    if (type == API_STATE) {
        take_state(feed, frame, len_bytes);
    } else if (type == API_EVENT) {
        keep_queue(feed, frame, len_bytes);
    }
    if (!feed_connection_is_up(feed->connection) ||
        (type == API_EVENT &&
         feed_connection_unsent_bytes(feed->connection) > EVENT_BYTES_UNSENT_MAX)) {
        return;
    }
    if (type == API_STATE || type == API_EVENT || type == API_REPLY) {
        (void)feed_connection_send(feed->connection, frame, len_bytes);
    }
}

static void leave_engine(struct feed_out *feed)
{
    feed->engine_io = sd_event_source_disable_unref(feed->engine_io);
    if (feed->engine_fd >= 0) {
        (void)close(feed->engine_fd);
    }
    feed->engine_fd = -1;
    feed->in_len_bytes = feed->queue_len_bytes = 0;
    feed->serving = feed->subscribed = false;
    on_end(feed); /* what it was asked is answered by nobody any more */
}

static bool read_engine(struct feed_out *feed)
{
    ssize_t got = recv(feed->engine_fd, feed->in + feed->in_len_bytes,
                       IN_BYTES - feed->in_len_bytes, MSG_DONTWAIT);
    size_t at_bytes = 0;
    int64_t frame_bytes;

    if (got <= 0) {
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    }
    feed->in_len_bytes += (size_t)got;
    for (;;) {
        frame_bytes =
            api_frame_length(feed->in + at_bytes, feed->in_len_bytes - at_bytes, IN_BYTES);
        if (frame_bytes <= 0) {
            break;
        }
        pass_on(feed, feed->in + at_bytes, (size_t)frame_bytes);
        at_bytes += (size_t)frame_bytes;
    }
    feed->in_len_bytes -= at_bytes;
    memmove(feed->in, feed->in + at_bytes, feed->in_len_bytes);
    return frame_bytes == 0 && feed->in_len_bytes < IN_BYTES;
}

static int on_engine(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct feed_out *feed = userdata;

    (void)source;
    (void)fd;
    (void)revents;
    if (!read_engine(feed)) {
        leave_engine(feed);
    }
    return 0;
}

static void connect_engine(struct feed_out *feed)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)strncpy(address.sun_path, feed->options->engine_socket, sizeof(address.sun_path) - 1);
    feed->engine_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (feed->engine_fd < 0 ||
        connect(feed->engine_fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        sd_event_add_io(feed->event, &feed->engine_io, feed->engine_fd, EPOLLIN, on_engine, feed) <
            0) {
        leave_engine(feed);
    }
}

/* By level, every half second: who serves feeds, who does not is gone; and a sign of life. */
static int on_beat(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct feed_out *feed = userdata;
    int r;

    (void)usec;
    if (feed->engine_fd < 0) {
        connect_engine(feed);
    }
    if (feed->serving && feed->connection == NULL) {
        connect_relay(feed);
    } else if (!feed->serving && feed->connection != NULL) {
        on_end(feed);
    } else if (feed_connection_is_up(feed->connection)) {
        (void)feed_connection_send(feed->connection, feed->state, feed->state_len_bytes);
    }
    r = sd_event_source_set_time_relative(source, (uint64_t)FEED_RETRY_MS * USEC_PER_MSEC);
    return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int run(struct feed_out *feed)
{
    sigset_t blocked;
    int r;

    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGTERM);
    (void)sigaddset(&blocked, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &blocked, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    r = sd_event_new(&feed->event);
    if (r >= 0) {
        r = sd_event_add_signal(feed->event, NULL, SIGTERM, NULL, NULL);
    }
    if (r >= 0) {
        r = sd_event_add_signal(feed->event, NULL, SIGINT, NULL, NULL);
    }
    if (r >= 0) {
        r = sd_event_set_watchdog(feed->event, true);
    }
    if (r >= 0) {
        r = sd_event_add_time_relative(feed->event, &feed->beat, CLOCK_MONOTONIC, 0, ACCURACY_USEC,
                                       on_beat, feed);
    }
    if (r >= 0) {
        (void)sd_notify(0, "READY=1");
        r = sd_event_loop(feed->event);
    }
    return r < 0 ? r : 0;
}

int feed_out_run(const struct feed_out_options *options)
{
    struct feed_out feed = {.options = options, .engine_fd = -1, .bucket = FEED_QUESTIONS_AT_ONCE};
    int r = feed_tls_create(&options->tls, false, &feed.tls);

    feed.in = malloc(IN_BYTES);
    r = r == 0 && feed.in == NULL ? -ENOMEM : r;
    if (r == 0) {
        r = run(&feed);
    }
    if (feed.event != NULL) {
        leave_engine(&feed);
    }
    (void)sd_event_source_disable_unref(feed.beat);
    (void)sd_event_unref(feed.event);
    feed_tls_destroy(feed.tls);
    free(feed.queue);
    free(feed.in);
    return r;
}
