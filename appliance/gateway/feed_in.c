/*
 * The relay's side: whoever of the pair serves connects here and is, to the rest of the gateway, what toband's socket
 * is on a unit. Kept: the newest queue (stream.c), what is on its way, and in a file the office's hours.
 *
 * The night: when the feed calls a day erased or brings a later one, or midnight has passed by our own clock
 * and nobody came, a certificate is written and the process begins anew: its memory goes as a whole, with whatever
 * the libraries still held of a visit.
 */
#include "appliance/gateway/feed.h"

#include "appliance/gateway/internal.h"
#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    PATH_BYTES = 512,
    DATE_BYTES = 11,
    DAY_BYTES_MAX = 4096,
    BACKLOG = 8,
    TICK_MS = 500,
    ACCURACY_USEC = 10000,
    SECONDS_A_MINUTE = 60,
    MINUTES_AN_HOUR = 60,
    MINUTES_A_DAY = 1440,
    MS_A_MINUTE = 60000,
    HOUR_AT = 11,
    MS_PER_S = 1000,
    NSEC_PER_MSEC = 1000000,
    YEAR_BASE = 1900,
    STATUS_OK = 200,
    STATUS_CREATED = 201,
};

struct feeder {
    struct feed_in *feed;
    struct feed_connection *connection; /* NULL: free */
    uint64_t heard_ms, term;
    bool serving, has_term;
    uint8_t *frame; /* its newest queue, while another feeds: shown when that one is silent */
    size_t frame_len_bytes;
};

struct feed_in {
    struct feed_in_options options;
    sd_event *event;
    struct gateway *gateway;
    struct feed_tls *tls;
    sd_event_source *listen_io, *tick;
    int listen_fd;
    struct feeder feeders[FEED_CONNECTIONS_MAX];
    struct feeder *current; /* who feeds */
    uint64_t highest_term;
    char date[DATE_BYTES];   /* whose visits this process has seen; empty: nobody's */
    uint64_t told_ms;        /* when the pair said what time it is, */
    uint32_t told_minute;    /* and what: minutes since its midnight */
    struct ids_hash seen;    /* of the newest queue of that date */
    uint64_t questions;      /* about tickets, since it began */
    char day[DAY_BYTES_MAX]; /* the office's hours, JSON; empty: never heard of */
    bool wants_new_process;
    int32_t ahead_s;  /* our clock before the office's */
    uint64_t word_ms; /* when the pair was told last that we are there */
    struct handing {  /* a certificate on its way to the pair */
        char date
            [12]; /* the one that waits for its answer, or that was tried last; "": begin with the oldest */
        uint32_t id; /* 0: none waits */
        uint64_t since_ms, again_ms;
    } handing;
};

static const char held_name[] = "held";

static int64_t wall_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / NSEC_PER_MSEC;
}

static uint64_t now_ms(const struct feed_in *feed)
{
    return gateway_now_ms(feed->gateway);
}

/* ---- what is kept on the disk: nobody's visit ------------------------------------------------------- */

static void path_of(const struct feed_in *feed, const char *name, char path[PATH_BYTES])
{
    (void)snprintf(path, PATH_BYTES, "%s/%s", feed->options.state_dir, name);
}

static void read_day(struct feed_in *feed)
{
    char path[PATH_BYTES];
    FILE *file;

    path_of(feed, "day.json", path);
    file = fopen(path, "re");
    if (file != NULL) {
        size_t len_bytes = fread(feed->day, 1, sizeof(feed->day) - 1, file);

        feed->day[len_bytes] = '\0';
        (void)fclose(file);
    }
}

/* Whose visits a process has seen: if it ends without a certificate, the next one gives it. */
static void read_held(struct feed_in *feed)
{
    char path[PATH_BYTES];
    FILE *file;

    path_of(feed, held_name, path);
    file = fopen(path, "re");
    if (file != NULL) {
        size_t len_bytes = fread(feed->date, 1, sizeof(feed->date) - 1, file);

        feed->date[len_bytes == sizeof(feed->date) - 1 ? len_bytes : 0] = '\0';
        (void)fclose(file);
    }
}

/* Names and hours of the office, for whoever comes while nobody feeds. */
static void keep_day(struct feed_in *feed, const json_t *queue)
{
    static const char *const names[] = {"site_ja", "site_en", "service_day"};
    char text[DAY_BYTES_MAX];
    json_t *kept = json_object();
    size_t len_bytes;

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        (void)json_object_set(kept, names[i], json_object_get(queue, names[i]));
    }
    len_bytes = json_dumpb(kept, text, sizeof(text) - 1, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(kept);
    if (len_bytes == 0 || len_bytes >= sizeof(text)) {
        return;
    }
    text[len_bytes] = '\0';
    if (strcmp(text, feed->day) != 0) {
        memcpy(feed->day, text, len_bytes + 1);
        (void)feed_write_file(feed->options.state_dir, "day.json", text);
    }
}

/* ---- the night ----------------------------------------------------------------------------------------- */

/* Then this process ends: what is left is what this certificate and the hours say. */
static void erase(struct feed_in *feed, enum api_relay_why why)
{
    struct feed_certificate certificate = {
        .relay = feed->options.name,
        .why = (uint8_t)why,
        .erased_ms = wall_ms(),
        .term = feed->highest_term,
        .questions = (uint32_t)feed->questions,
        .before = feed->seen,
        .after = digest_of(feed->gateway->digest, feed->day, strlen(feed->day))};

    if (feed->date[0] == '\0' || feed->wants_new_process) {
        return;
    }
    memcpy(certificate.date, feed->date, sizeof(feed->date));
    if (feed_certificate_write(feed->options.state_dir, &certificate) < 0) {
        (void)fprintf(
            stderr,
            "toban-web: the certificate of %s cannot be written; what is held goes all the same\n",
            feed->date);
    }
    (void)feed_write_file(feed->options.state_dir, held_name, "");
    feed->wants_new_process = true;
    gateway_stop(feed->gateway);
}

/* The office's clock as it was told last, and how long ago: our own may be wrong. */
static void look_at_the_clock(struct feed_in *feed)
{
    uint64_t minutes = (now_ms(feed) - feed->told_ms) / MS_A_MINUTE + feed->told_minute;

    if (feed->date[0] != '\0' && feed->told_ms != 0 &&
        minutes >= MINUTES_A_DAY + FEED_ERASE_MINUTE) {
        erase(feed, API_RELAY_CLOCK);
    }
}

/* How far our clock is ahead of the office's, so that staff hear of it when one of them is wrong. */
static void note_clock(struct feed_in *feed, const char *as_of)
{
    struct tm parts = {0};

    if (sscanf(as_of, "%4d-%2d-%2dT%2d:%2d:%2d", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
               &parts.tm_hour, &parts.tm_min, &parts.tm_sec) == 6) {
        int64_t office_s, ahead_s;

        parts.tm_year -= YEAR_BASE;
        parts.tm_mon--;
        office_s = (int64_t)timegm(&parts) - FEED_UTC_OFFSET_MINUTES * SECONDS_A_MINUTE;
        ahead_s = wall_ms() / MS_PER_S - office_s;
        feed->ahead_s = ahead_s > INT32_MAX   ? INT32_MAX
                        : ahead_s < INT32_MIN ? INT32_MIN
                                              : (int32_t)ahead_s;
    }
}

static void note_time(struct feed_in *feed, const json_t *queue)
{
    const char *as_of = json_string_value(json_object_get(queue, "as_of"));
    unsigned hour, minute;

    /* 2026-11-24T09:10:... */
    if (as_of != NULL && strlen(as_of) > HOUR_AT &&
        sscanf(as_of + HOUR_AT, "%2u:%2u", &hour, &minute) == 2) {
        feed->told_minute = hour * MINUTES_AN_HOUR + minute;
        feed->told_ms = now_ms(feed);
        note_clock(feed, as_of);
    }
}

/* True: it may be shown. */
static bool note_queue(struct feed_in *feed, const json_t *queue, const struct api_event *event)
{
    const json_t *day = json_object_get(queue, "service_day");
    const char *date = json_string_value(json_object_get(day, "date"));
    const char *state = json_string_value(json_object_get(day, "state"));
    bool visits = state != NULL && (strcmp(state, "OPEN") == 0 || strcmp(state, "CLOSED") == 0);

    keep_day(feed, queue);
    note_time(feed, queue);
    if (feed->date[0] != '\0' && (!visits || date == NULL || strcmp(date, feed->date) != 0)) {
        erase(feed, visits ? API_RELAY_ANOTHER_DAY : API_RELAY_ERASED_BY_THE_PAIR);
        return false;
    }
    if (visits && date != NULL && strlen(date) < sizeof(feed->date)) {
        if (feed->date[0] == '\0') {
            (void)feed_write_file(feed->options.state_dir, held_name, date);
        }
        memcpy(feed->date, date, strlen(date) + 1);
        feed->seen = digest_of(feed->gateway->digest, event->body, event->body_len_bytes);
    }
    return !feed->wants_new_process;
}

/* ---- who feeds ------------------------------------------------------------------------------------------- */

static void leave(struct feed_in *feed, struct feeder *feeder)
{
    if (feed->current == feeder) {
        feed->current = NULL;
        feed->handing = (struct handing){0};
        feed->word_ms = 0;
        forward_engine_down(feed->gateway);
    }
}

static bool is_silent(const struct feed_in *feed, const struct feeder *feeder)
{
    return now_ms(feed) - feeder->heard_ms > FEED_SILENT_MS;
}

/* A lower term is an older agreement of the pair. Within one, both may serve behind a cut: the one that is shown
 * stays until it is silent, so that nothing changes to and fro. */
static bool may_feed(const struct feed_in *feed, const struct feeder *feeder)
{
    return feeder->serving && feeder->has_term && feeder->term >= feed->highest_term &&
           (feed->current == NULL || feed->current == feeder ||
            feeder->term > feed->current->term || is_silent(feed, feed->current));
}

static void keep_frame(struct feeder *feeder, const uint8_t *frame, size_t len_bytes)
{
    uint8_t *kept = realloc(feeder->frame, len_bytes);

    if (kept != NULL) {
        memcpy(kept, frame, len_bytes);
        feeder->frame = kept;
        feeder->frame_len_bytes = len_bytes;
    }
}

static void take_over(struct feed_in *feed, struct feeder *feeder)
{
    if (feed->current == feeder || !may_feed(feed, feeder)) {
        return;
    }
    if (feed->current != NULL) {
        leave(feed, feed->current);
    }
    feed->highest_term = feeder->term;
    feed->current = feeder;
    forward_engine_up(feed->gateway);
}

static void take_state(struct feed_in *feed, struct feeder *feeder, const struct api_state *state)
{
    feeder->serving = state->serving;
    if (!state->serving) {
        leave(feed, feeder);
    } else if (feed->current == feeder) {
        struct api_state clean = *state;

        if (!feed->gateway->forward.state.serving) {
            forward_engine_state(feed->gateway, &clean);
        }
    }
}

/* False: a term below one that has fed here, or no queue. */
static bool take_event(struct feed_in *feed, struct feeder *feeder, const struct api_event *event)
{
    json_t *queue =
        json_loadb((const char *)event->body, event->body_len_bytes, JSON_REJECT_DUPLICATES, NULL);
    json_int_t term = json_integer_value(json_object_get(queue, "term"));
    const struct api_state serving = {.serving = true};
    bool shown = false;

    feeder->term = term > 0 ? (uint64_t)term : 0;
    feeder->has_term = queue != NULL;
    if (queue == NULL || feeder->term < feed->highest_term) {
        json_decref(queue);
        return false;
    }
    take_over(feed, feeder);
    if (feed->current == feeder) {
        feed->highest_term = feeder->term;
        shown = note_queue(feed, queue, event);
    }
    json_decref(queue);
    if (shown) {
        if (!feed->gateway->forward.state.serving) {
            forward_engine_state(feed->gateway, &serving);
        }
        stream_queue_event(feed->gateway, event);
    }
    return true;
}

/* ---- certificates, and a sign of life ------------------------------------------------------------------ */

static bool ask(struct feed_in *feed, const struct api_request *request)
{
    uint8_t bytes[API_REQUEST_BYTES_MAX];
    size_t len_bytes = api_request_encode(request, bytes, sizeof(bytes));

    return len_bytes > 0 && feed_connection_send(feed->current->connection, bytes, len_bytes);
}

static void hand_over(struct feed_in *feed)
{
    struct handing *handing = &feed->handing;
    struct api_request request = {.type = API_RELAY_ERASED,
                                  .id = FEED_CERTIFICATE_ID + (uint32_t)now_ms(feed) % INT16_MAX};

    if (handing->id != 0 && now_ms(feed) - handing->since_ms > FEED_HANDED_MS) {
        *handing = (struct handing){0}; /* no answer: the same again, or it is known by then */
    }
    if (handing->id != 0 || now_ms(feed) < handing->again_ms) {
        return;
    }
    if (!feed_certificate_next(feed->options.state_dir, handing->date, handing->date,
                               &request.erased)) {
        *handing = (struct handing){.again_ms = now_ms(feed) + FEED_HANDED_AGAIN_MS};
        return;
    }
    handing->id = request.id;
    handing->since_ms = now_ms(feed);
    (void)ask(feed, &request);
}

/* Refused or not now: it stays, and the next one is tried. */
static void handed_over(struct feed_in *feed, uint32_t id, const struct api_reply *reply)
{
    struct handing *handing = &feed->handing;

    if (id != handing->id) {
        return;
    }
    handing->id = 0;
    if (reply->status == STATUS_OK || reply->status == STATUS_CREATED) {
        feed_certificate_delivered(feed->options.state_dir, handing->date);
    } else {
        (void)fprintf(stderr, "toban-web: the pair does not take the certificate of %s now: %u\n",
                      handing->date, reply->status);
    }
}

static void say_word(struct feed_in *feed)
{
    const struct api_request request = {.type = API_RELAY, .relay = {.ahead_s = feed->ahead_s}};

    if (feed->told_ms != 0 &&
        (feed->word_ms == 0 || now_ms(feed) - feed->word_ms >= FEED_WORD_MS)) {
        feed->word_ms = now_ms(feed);
        (void)ask(feed, &request);
    }
}

static bool take_frame(struct feed_in *feed, struct feeder *feeder, const uint8_t *frame,
                       size_t len_bytes)
{
    struct api_reply reply;
    struct api_event event;
    struct api_state state;
    uint32_t id;

    feeder->heard_ms = now_ms(feed);
    switch (api_frame_type(frame)) {
    case API_REPLY:
        if (!api_reply_decode(frame, len_bytes, &id, &reply)) {
            return false;
        }
        if (feed->current == feeder && id >= FEED_CERTIFICATE_ID) {
            handed_over(feed, id, &reply);
        } else if (feed->current == feeder) {
            forward_engine_reply(feed->gateway, id, &reply);
        }
        return true;
    case API_EVENT:
        if (!api_event_decode(frame, len_bytes, &event) || !take_event(feed, feeder, &event)) {
            return false;
        }
        if (feed->current != feeder) {
            keep_frame(feeder, frame, len_bytes);
        }
        return true;
    case API_STATE:
        if (!api_state_decode(frame, len_bytes, &state)) {
            return false;
        }
        take_state(feed, feeder, &state);
        return true;
    }
    return false;
}

static int64_t on_bytes(void *context, const uint8_t *bytes, size_t len_bytes)
{
    struct feeder *feeder = context;
    size_t at_bytes = 0;

    for (;;) {
        int64_t frame_bytes =
            api_frame_length(bytes + at_bytes, len_bytes - at_bytes, FEED_FRAME_BYTES_MAX);

        if (frame_bytes < 0 ||
            (frame_bytes > 0 &&
             !take_frame(feeder->feed, feeder, bytes + at_bytes, (size_t)frame_bytes))) {
            return -EPROTO;
        }
        if (frame_bytes == 0) {
            return (int64_t)at_bytes;
        }
        at_bytes += (size_t)frame_bytes;
    }
}

/* Asks for the queue as soon as somebody feeds: that names the term. */
static void on_up(void *context)
{
    struct feeder *feeder = context;
    const struct api_request subscribe = {.type = API_SUBSCRIBE, .from = {.via = API_VIA_WEB}};
    uint8_t bytes[API_REQUEST_BYTES_MAX];

    feeder->heard_ms = now_ms(feeder->feed);
    (void)feed_connection_send(feeder->connection, bytes,
                               api_request_encode(&subscribe, bytes, sizeof(bytes)));
}

static void on_end(void *context)
{
    struct feeder *feeder = context;
    struct feed_in *feed = feeder->feed;

    leave(feed, feeder);
    feed_connection_destroy(feeder->connection);
    free(feeder->frame);
    *feeder = (struct feeder){.feed = feed};
}

static int on_accept(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct feed_in *feed = userdata;
    int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    int one = 1;

    (void)source;
    (void)revents;
    if (accepted < 0) {
        return 0;
    }
    (void)setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    for (size_t i = 0; i < FEED_CONNECTIONS_MAX; i++) {
        struct feeder *feeder = &feed->feeders[i];

        if (feeder->connection == NULL) {
            struct feed_connection_options options = {.event = feed->event,
                                                      .tls = feed->tls,
                                                      .fd = accepted,
                                                      .take = on_bytes,
                                                      .up = on_up,
                                                      .end = on_end,
                                                      .context = feeder};

            *feeder = (struct feeder){.feed = feed, .heard_ms = now_ms(feed)};
            (void)feed_connection_create(&options, &feeder->connection);
            return 0;
        }
    }
    (void)close(accepted);
    return 0;
}

/* Nobody feeds, and somebody waits who may. */
static void look_for_another(struct feed_in *feed)
{
    for (size_t i = 0; i < FEED_CONNECTIONS_MAX && feed->current == NULL; i++) {
        struct feeder *feeder = &feed->feeders[i];
        struct api_event event;

        if (feeder->frame != NULL && may_feed(feed, feeder) &&
            api_event_decode(feeder->frame, feeder->frame_len_bytes, &event)) {
            (void)take_event(feed, feeder, &event);
        }
    }
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct feed_in *feed = userdata;
    int r;

    (void)usec;
    for (size_t i = 0; i < FEED_CONNECTIONS_MAX; i++) {
        if (feed->feeders[i].connection != NULL && is_silent(feed, &feed->feeders[i])) {
            on_end(&feed->feeders[i]);
        }
    }
    look_for_another(feed);
    look_at_the_clock(feed);
    if (feed->current != NULL && !feed->wants_new_process) {
        hand_over(feed);
        say_word(feed);
    }
    r = sd_event_source_set_time_relative(source, (uint64_t)TICK_MS * INTERNAL_USEC_PER_MSEC);
    return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* ---- as the rest of the gateway sees it --------------------------------------------------------------- */

bool feed_in_is_up(const struct feed_in *feed)
{
    return feed->current != NULL;
}

bool feed_in_send(struct feed_in *feed, const struct api_request *request)
{
    uint8_t bytes[API_REQUEST_BYTES_MAX];
    size_t len_bytes = api_request_encode(request, bytes, sizeof(bytes));

    feed->questions += request->type == API_SUBSCRIBE ? 0 : 1;
    return feed->current != NULL && len_bytes > 0 &&
           feed_connection_send(feed->current->connection, bytes, len_bytes);
}

const char *feed_in_day(const struct feed_in *feed)
{
    return feed->day[0] == '\0' ? NULL : feed->day;
}

bool feed_in_wants_new_process(const struct feed_in *feed)
{
    return feed->wants_new_process;
}

uint16_t feed_in_port(const struct feed_in *feed)
{
    struct sockaddr_in address = {0};
    socklen_t len_bytes = sizeof(address);

    return getsockname(feed->listen_fd, (struct sockaddr *)&address, &len_bytes) < 0
               ? 0
               : ntohs(address.sin_port);
}

static int listen_on(struct feed_in *feed)
{
    const struct gateway_listen *listen_at = &feed->options.listen;
    int one = 1;

    feed->listen_fd = socket(listen_at->address.ss_family,
                             SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    if (feed->listen_fd < 0 ||
        setsockopt(feed->listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
        bind(feed->listen_fd, (const struct sockaddr *)&listen_at->address,
             listen_at->address_len_bytes) < 0 ||
        listen(feed->listen_fd, BACKLOG) < 0) {
        return -errno;
    }
    return sd_event_add_io(feed->event, &feed->listen_io, feed->listen_fd, EPOLLIN, on_accept,
                           feed);
}

int feed_in_create(sd_event *event, const struct feed_in_options *options, struct gateway *gateway,
                   struct feed_in **ret_feed)
{
    struct feed_in *feed = calloc(1, sizeof(*feed));
    int r;

    if (feed == NULL) {
        return -ENOMEM;
    }
    feed->options = *options;
    feed->event = event;
    feed->gateway = gateway;
    feed->listen_fd = -1;
    read_day(feed);
    read_held(feed);
    r = feed_tls_create(&options->tls, true, &feed->tls);
    if (r >= 0) {
        r = listen_on(feed);
    }
    if (r >= 0) {
        r = sd_event_add_time_relative(event, &feed->tick, CLOCK_MONOTONIC, 0, ACCURACY_USEC,
                                       on_tick, feed);
    }
    if (r < 0) {
        feed_in_destroy(feed);
        return r;
    }
    *ret_feed = feed;
    return 0;
}

void feed_in_destroy(struct feed_in *feed)
{
    if (feed == NULL) {
        return;
    }
    feed->current = NULL;
    for (size_t i = 0; i < FEED_CONNECTIONS_MAX; i++) {
        feed_connection_destroy(feed->feeders[i].connection);
        free(feed->feeders[i].frame);
    }
    (void)sd_event_source_disable_unref(feed->listen_io);
    (void)sd_event_source_disable_unref(feed->tick);
    if (feed->listen_fd >= 0) {
        (void)close(feed->listen_fd);
    }
    feed_tls_destroy(feed->tls);
    free(feed);
}
