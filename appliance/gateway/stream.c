/* Live events (server-sent events). Level, not edge: a screen gets the newest queue, however many
 * changes it missed, so a slow one costs one pointer and never a growing buffer. While the engine
 * is away or not serving, a stream carries the state and then nothing, not even heartbeats: silence
 * is how a page knows that what it shows is getting old. */
#include "appliance/gateway/answer.h"
#include "appliance/gateway/internal.h"
#include "base/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    SLICES = 20,
    SMALL_BYTES = 384,
    BLOCK_BYTES = 1024,
    ACCURACY_USEC = 1000,
    FRAME_TEXT_BYTES = 64
};

struct stream {
    TAILQ_ENTRY(stream) all;
    struct request *request;
    enum sound sound;
    bool greeting_due, state_due, heartbeat_due, closing;
    bool admitted;   /* to what visitors see; until then it is told only that it is not served */
    uint32_t check;  /* the id of the question whether it still is; 0: none is on its way */
    bool slow;       /* gets the newest queue with its heartbeat, not with every change */
    bool newest_due; /* slow: it may have it now */
    uint32_t slice;  /* slow: when in a heartbeat's time it is woken */
    struct snapshot *sending; /* what `piece` points into, when it is a queue event */
    uint64_t sent_serial;     /* of the newest that was begun */
    uint32_t sent_site;       /* the site file's version that this page knows of */
    const char *piece;        /* not yet sent bytes */
    size_t piece_len_bytes;
    uint64_t awake_since_ms; /* 0: suspended, everything was taken */
    char small[SMALL_BYTES];
};

static void wake(struct stream *stream)
{
    if (stream->request->suspended) {
        stream->awake_since_ms = gateway_now_ms(stream->request->gateway);
        server_resume(stream->request);
    }
}

static void snapshot_unref(struct snapshot *snapshot)
{
    if (snapshot != NULL && --snapshot->reference_count == 0) {
        free(snapshot);
    }
}

static void set_small(struct stream *stream, int len)
{
    CHECK(len > 0 && len < SMALL_BYTES);
    stream->piece = stream->small;
    stream->piece_len_bytes = (size_t)len;
}

static bool is_serving(const struct gateway *gateway)
{
    return gateway->forward.state.serving && engine_link_is_up(gateway->link);
}

/* The next thing to say, or false. The state goes first: a page must not take a queue for fresh. */
static bool choose_piece(struct stream *stream)
{
    struct gateway *gateway = stream->request->gateway;
    struct snapshot *newest = gateway->streams.newest;

    if (stream->greeting_due) {
        stream->greeting_due = false;
        set_small(stream, snprintf(stream->small, SMALL_BYTES, "retry: 500\n\n"));
    } else if (stream->state_due) {
        char reason[API_TEXT_BYTES];

        stream->state_due = false;
        problem_clean_text(gateway->forward.state.reason, reason, sizeof(reason));
        set_small(stream, snprintf(stream->small, SMALL_BYTES,
                                   "event: state\ndata: {\"serving\":%s,\"reason\":\"%s\"}\n\n",
                                   gateway->forward.state.serving ? "true" : "false", reason));
    } else if (gateway->streams.site_version != stream->sent_site && is_serving(gateway) &&
               stream->admitted) {
        /* Names, menu and texts are fetched when they change, without a reload. */
        stream->sent_site = gateway->streams.site_version;
        set_small(stream, snprintf(stream->small, SMALL_BYTES,
                                   "event: site\ndata: {\"version\":%u}\n\n", stream->sent_site));
    } else if (newest != NULL && newest->serial != stream->sent_serial && is_serving(gateway) &&
               stream->admitted && (!stream->slow || stream->newest_due)) {
        stream->newest_due = false;
        newest->reference_count++;
        stream->sending = newest;
        stream->sent_serial = newest->serial;
        stream->piece = newest->text;
        stream->piece_len_bytes = newest->len_bytes;
    } else if (stream->heartbeat_due && is_serving(gateway)) {
        stream->heartbeat_due = false;
        set_small(stream, snprintf(stream->small, SMALL_BYTES, ":\n\n"));
    } else {
        stream->heartbeat_due = false;
        return false;
    }
    return true;
}

static bool next_piece(struct stream *stream)
{
    struct snapshot *done = stream->sending;
    bool more;

    stream->sending = NULL;
    more = choose_piece(stream);
    snapshot_unref(done);
    return more;
}

static ssize_t read_stream(void *cls, uint64_t position, char *buffer, size_t max_bytes)
{
    struct stream *stream = cls;
    size_t at_bytes = 0;

    (void)position;
    if (stream->closing) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    while (at_bytes < max_bytes) {
        size_t take_bytes;

        if (stream->piece_len_bytes == 0 && !next_piece(stream)) {
            break;
        }
        take_bytes = stream->piece_len_bytes < max_bytes - at_bytes ? stream->piece_len_bytes
                                                                    : max_bytes - at_bytes;
        memcpy(buffer + at_bytes, stream->piece, take_bytes);
        stream->piece += take_bytes;
        stream->piece_len_bytes -= take_bytes;
        at_bytes += take_bytes;
    }
    if (at_bytes == 0) {
        stream->awake_since_ms = 0;
        stream->request->suspended = true;
        MHD_suspend_connection(stream->request->http);
    } else {
        stream->awake_since_ms = gateway_now_ms(stream->request->gateway);
    }
    return (ssize_t)at_bytes;
}

/* What has the newest word goes with the next; a lost one is said again on the next connection. */
static void tell_boards(struct gateway *gateway)
{
    const uint32_t *count = gateway->streams.count_by_sound;
    const struct api_request request = {.type = API_BOARDS,
                                        .from = {.via = API_VIA_WEB},
                                        .boards = {.on = (uint16_t)count[SOUND_ON],
                                                   .speech = (uint16_t)count[SOUND_SPEECH],
                                                   .chime = (uint16_t)count[SOUND_CHIME],
                                                   .blocked = (uint16_t)count[SOUND_BLOCKED],
                                                   .off = (uint16_t)count[SOUND_OFF]}};

    (void)engine_link_send(gateway->link, &request);
}

/* One more or one less with such a sound. */
static void count_board(struct gateway *gateway, enum sound sound, int change)
{
    gateway->streams.count_by_sound[sound] += (uint32_t)change;
    if (sound != SOUND_NONE && gateway->link != NULL) {
        tell_boards(gateway);
    }
}

static void subscribe(struct gateway *gateway)
{
    const struct api_request request = {.type = API_SUBSCRIBE};

    if (gateway->streams.count > 0 && !gateway->streams.subscribed) {
        gateway->streams.subscribed = engine_link_send(gateway->link, &request);
    }
}

/* Telephones ask for it; and whoever comes when the places for screens are taken. */
static bool is_slow(const struct request *request)
{
    const struct streams *streams = &request->gateway->streams;
    const char *pace = MHD_lookup_connection_value(request->http, MHD_GET_ARGUMENT_KIND, "pace");

    return (pace != NULL && strcmp(pace, "slow") == 0) ||
           streams->count - streams->slow_count >= GATEWAY_STREAMS_FAST_MAX;
}

const char *stream_sound_name(enum sound sound)
{
    static const char *const names[SOUND_END] = {"none", "on", "speech", "chime", "blocked", "off"};

    CHECK(sound < SOUND_END);
    return names[sound];
}

/* Another word, or none, is no board's: it gets its events all the same. */
static enum sound sound_of(const struct request *request)
{
    const char *said = MHD_lookup_connection_value(request->http, MHD_GET_ARGUMENT_KIND, "sound");

    for (enum sound sound = SOUND_ON; said != NULL && sound < SOUND_END; sound++) {
        if (strcmp(said, stream_sound_name(sound)) == 0) {
            return sound;
        }
    }
    return SOUND_NONE;
}

static void open_stream(struct request *request, bool admitted)
{
    struct gateway *gateway = request->gateway;
    struct stream *stream;
    struct MHD_Response *response;

    if (gateway->streams.count >= GATEWAY_STREAMS_MAX || gateway->stopping) {
        server_answer_problem(request, PROBLEM_TOO_MANY_STREAMS, NULL, NULL);
        return;
    }
    stream = calloc(1, sizeof(*stream));
    response = stream == NULL ? NULL
                              : MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES,
                                                                  read_stream, stream, NULL);
    if (response == NULL) {
        free(stream);
        server_answer(request, MHD_HTTP_SERVICE_UNAVAILABLE, NULL);
        return;
    }
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/event-stream");
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    answer_harden(response, "no-store");
    stream->request = request;
    stream->greeting_due = stream->state_due = stream->newest_due = true;
    stream->admitted = admitted;
    stream->slow = is_slow(request);
    if (stream->slow) {
        stream->slice = gateway->streams.slow_count++ % SLICES;
    }
    stream->awake_since_ms = gateway_now_ms(gateway);
    request->stream = stream;
    stream->sound = sound_of(request);
    TAILQ_INSERT_TAIL(&gateway->streams.list, stream, all);
    gateway->streams.count++;
    count_board(gateway, stream->sound, 1);
    subscribe(gateway);
    server_answer(request, MHD_HTTP_OK, response);
}

/* Everybody whose credential counts may see what visitors see; whoever lost it is to know, also where anybody may. */
static struct api_request question(void)
{
    return (struct api_request){.type = API_ACCESS, .access = {.what = API_ACCESS_WHO}};
}

void stream_ask(struct request *request)
{
    const struct forward *forward = &request->gateway->forward;

    if (!forward->heard) { /* judged when toband is there: stream_check_all */
        open_stream(request, false);
    } else if (request->credential.token[0] != '\0') {
        request->api = question();
        request->opening = true;
        request->at_once = true;
        forward_request(request);
    } else if (forward->state.public_page) {
        open_stream(request, true);
    } else {
        server_answer_problem(request, PROBLEM_SIGN_IN, NULL, NULL);
    }
}

void stream_opened(struct request *request, const struct api_reply *reply)
{
    if (reply->status == MHD_HTTP_OK) {
        open_stream(request, true);
    } else if (reply->status < 400 || reply->status > 599) {
        server_answer_problem(request, PROBLEM_ENGINE_SILENT, NULL, NULL);
    } else {
        server_answer(
            request, reply->status,
            answer_json(reply->status, reply->body, reply->body_len_bytes, reply->retry_after_s));
    }
}

static void judge(struct stream *stream, bool admitted)
{
    stream->admitted = admitted;
    stream->closing = stream->closing || !admitted;
    wake(stream);
}

static void check(struct stream *stream)
{
    struct request *request = stream->request;
    struct gateway *gateway = request->gateway;
    struct api_request ask = question();

    if (request->credential.token[0] == '\0') {
        judge(stream, gateway->forward.state.public_page);
    } else if (stream->check == 0) { /* one that is on its way is judged by what toband knows now */
        gateway->streams.newest_check = (gateway->streams.newest_check + 1) % INTERNAL_CHECK_ID;
        ask.id = INTERNAL_CHECK_ID | gateway->streams.newest_check;
        credential_put(request, &ask);
        if (engine_link_send(gateway->link, &ask)) {
            stream->check = ask.id;
        }
    }
}

void stream_check_all(struct gateway *gateway)
{
    struct stream *stream;

    if (!gateway->forward.heard) {
        return; /* it will be */
    }
    gateway->streams.checked_ms = gateway_now_ms(gateway);
    TAILQ_FOREACH(stream, &gateway->streams.list, all)
    {
        check(stream);
    }
}

bool stream_checked(struct gateway *gateway, uint32_t id, const struct api_reply *reply)
{
    struct stream *stream;

    if ((id & INTERNAL_CHECK_ID) == 0) {
        return false;
    }
    TAILQ_FOREACH(stream, &gateway->streams.list, all)
    {
        if (stream->check == id) {
            stream->check = 0;
            if (reply->status == MHD_HTTP_OK || reply->status == MHD_HTTP_UNAUTHORIZED) {
                judge(stream, reply->status == MHD_HTTP_OK);
            }
            break;
        }
    }
    return true;
}

/* Another process of toband is asked anew. */
void stream_engine_down(struct gateway *gateway)
{
    struct stream *stream;

    TAILQ_FOREACH(stream, &gateway->streams.list, all)
    {
        stream->check = 0;
        stream->admitted = false;
    }
}

void stream_close(struct stream *stream)
{
    struct streams *streams = &stream->request->gateway->streams;

    TAILQ_REMOVE(&streams->list, stream, all);
    streams->count--;
    count_board(stream->request->gateway, stream->sound, -1);
    streams->slow_count -= stream->slow ? 1 : 0;
    snapshot_unref(stream->sending);
    stream->request->stream = NULL;
    free(stream);
}

static void wake_screens(struct gateway *gateway)
{
    struct stream *stream;

    TAILQ_FOREACH(stream, &gateway->streams.list, all)
    {
        if (!stream->slow) {
            wake(stream);
        }
    }
}

static int fan_out(struct gateway *gateway)
{
    struct streams *streams = &gateway->streams;
    uint64_t now_ms = gateway_now_ms(gateway);
    uint64_t since_ms = now_ms - streams->fanned_out_ms;
    int r;

    if (since_ms >= GATEWAY_FANOUT_MS_MIN) {
        streams->fanned_out_ms = now_ms;
        wake_screens(gateway);
        return 0;
    }
    r = sd_event_source_set_time_relative(streams->fanout, (GATEWAY_FANOUT_MS_MIN - since_ms) *
                                                               INTERNAL_USEC_PER_MSEC);
    return r < 0 ? r : sd_event_source_set_enabled(streams->fanout, SD_EVENT_ONESHOT);
}

static int on_fanout(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void)source;
    (void)usec;
    return fan_out(userdata);
}

/* Screens all at once; telephones, of which there may be a thousand, a few at a time. */
static int on_heartbeat(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct gateway *gateway = userdata;
    struct streams *streams = &gateway->streams;
    uint64_t next_ms =
        streams->slow_count > 0 ? GATEWAY_HEARTBEAT_MS / SLICES : GATEWAY_HEARTBEAT_MS;
    struct stream *stream;
    int r;

    (void)usec;
    streams->slice = streams->slow_count > 0 ? (streams->slice + 1) % SLICES : 0;
    if (is_serving(gateway) && streams->count > 0) {
        TAILQ_FOREACH(stream, &streams->list, all)
        {
            if (stream->slow ? stream->slice == streams->slice : streams->slice == 0) {
                stream->heartbeat_due = stream->newest_due = true;
                wake(stream);
            }
        }
        gateway->counters.heartbeats += streams->slice == 0 ? 1 : 0;
    }
    r = sd_event_source_set_time_relative(source, next_ms * INTERNAL_USEC_PER_MSEC);
    return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

void stream_queue_event(struct gateway *gateway, const struct api_event *event)
{
    struct streams *streams = &gateway->streams;
    struct snapshot *snapshot =
        malloc(sizeof(*snapshot) + FRAME_TEXT_BYTES + event->body_len_bytes);
    int head;

    gateway->counters.queue_events++;
    if (snapshot == NULL) {
        return; /* the next event says all of it again */
    }
    snapshot->reference_count = 1;
    snapshot->serial = ++streams->serial;
    streams->site_version = event->site_version;
    head = snprintf(snapshot->text, FRAME_TEXT_BYTES,
                    "id: %llu\nevent: queue\ndata: ", (unsigned long long)event->id);
    CHECK(head > 0 && head < FRAME_TEXT_BYTES - 2);
    memcpy(snapshot->text + head, event->body, event->body_len_bytes);
    for (uint32_t i = 0; i < event->body_len_bytes; i++) {
        char *byte = &snapshot->text[(size_t)head + i];

        /* Between JSON tokens a line end is only space; in the stream it would end the event. */
        if (*byte == '\n' || *byte == '\r') {
            *byte = ' ';
        }
    }
    snapshot->text[(size_t)head + event->body_len_bytes] = '\n';
    snapshot->text[(size_t)head + event->body_len_bytes + 1] = '\n';
    snapshot->len_bytes = (size_t)head + event->body_len_bytes + 2;
    snapshot_unref(streams->newest);
    streams->newest = snapshot;
    (void)fan_out(gateway);
}

void stream_state_changed(struct gateway *gateway)
{
    struct stream *stream;

    if (!engine_link_is_up(gateway->link)) {
        gateway->streams.subscribed = false;
    }
    TAILQ_FOREACH(stream, &gateway->streams.list, all)
    {
        stream->state_due = true;
        wake(stream);
    }
}

void stream_engine_up(struct gateway *gateway)
{
    gateway->streams.subscribed = false;
    subscribe(gateway);
    if (gateway->streams.count > gateway->streams.count_by_sound[SOUND_NONE]) {
        tell_boards(gateway);
    }
}

/* A suspended connection is not watched by the library: whoever left is found here. Who is awake
 * and takes nothing is closed. */
void stream_sweep(struct gateway *gateway)
{
    uint64_t now_ms = gateway_now_ms(gateway);
    struct stream *stream;

    if (now_ms - gateway->streams.checked_ms >= GATEWAY_STREAM_CHECK_MS) {
        stream_check_all(gateway);
    }
    TAILQ_FOREACH(stream, &gateway->streams.list, all)
    {
        struct request *request = stream->request;
        char byte;

        if (request->suspended) {
            ssize_t got = recv(request->connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

            if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
                stream->closing = true;
                wake(stream);
            }
        } else if (stream->awake_since_ms != 0 &&
                   now_ms - stream->awake_since_ms > GATEWAY_STREAM_STUCK_MS) {
            gateway->counters.closed_slow++;
            stream->awake_since_ms = now_ms;
            (void)shutdown(request->connection->fd, SHUT_RDWR);
            request->connection->listener->dirty = true;
        }
    }
}

int stream_init(struct gateway *gateway)
{
    struct streams *streams = &gateway->streams;
    int r;

    TAILQ_INIT(&streams->list);
    r = sd_event_add_time_relative(gateway->event, &streams->heartbeat, CLOCK_MONOTONIC,
                                   (uint64_t)GATEWAY_HEARTBEAT_MS * INTERNAL_USEC_PER_MSEC,
                                   ACCURACY_USEC, on_heartbeat, gateway);
    if (r >= 0) {
        r = sd_event_add_time_relative(gateway->event, &streams->fanout, CLOCK_MONOTONIC, 0,
                                       ACCURACY_USEC, on_fanout, gateway);
    }
    return r < 0 ? r : sd_event_source_set_enabled(streams->fanout, SD_EVENT_OFF);
}

void stream_close_all(struct gateway *gateway)
{
    struct stream *stream;

    TAILQ_FOREACH(stream, &gateway->streams.list, all)
    {
        stream->closing = true;
        wake(stream);
    }
}

void stream_finish(struct gateway *gateway)
{
    stream_close_all(gateway);
    gateway->streams.heartbeat = sd_event_source_disable_unref(gateway->streams.heartbeat);
    gateway->streams.fanout = sd_event_source_disable_unref(gateway->streams.fanout);
}
