/*
 * appliance/gateway/internal.h - what the .c files of this folder share; nobody else includes it.
 *
 * One request is in one place at a time: READING (its bytes arrive), HELD, SENT or RELAYED (forward.c, with a
 * slot of the table and its connection suspended), STREAMING (stream.c), ANSWERED (a response is queued
 * or about to be). It belongs to its HTTP connection: request_completed in server.c frees it.
 *
 * Order in one turn of the loop: sources of events run first (sockets, timers, the engine's frames);
 * then gateway_turn lets the HTTP daemons move and writes the requests for the engine in one piece.
 */
#ifndef APPLIANCE_GATEWAY_INTERNAL_H
#define APPLIANCE_GATEWAY_INTERNAL_H

#include "appliance/engine/api.h"
#include "appliance/gateway/digest.h"
#include "appliance/gateway/engine_link.h"
#include "appliance/gateway/files.h"
#include "appliance/gateway/gateway.h"
#include "appliance/gateway/problem.h"
#include "appliance/gateway/route.h"
#include "appliance/gateway/voice.h"

#include <microhttpd.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

enum internal_limit {
    INTERNAL_LATENCY_BUCKETS = 8,
    INTERNAL_SPARE_REQUESTS_MAX = 64,
    INTERNAL_STATUS_CLASSES = 6,
    INTERNAL_USEC_PER_MSEC = 1000,
    INTERNAL_QUERY_BYTES = 160,     /* days and columns of a table */
    INTERNAL_TOKEN_BYTES = 129,     /* a credential's text, with the closing zero */
    RATE_ADDRESSES_MAX = 256,
    RATE_KEYS_MAX = 256,
    INTERNAL_CHECK_ID = 1 << 30,    /* set in ids of streams' questions, never in those of requests */
};

/* DERIVING: a password is worked on in people.c's thread; its connection is suspended. */
enum request_phase { REQUEST_READING, REQUEST_HELD, REQUEST_SENT, REQUEST_RELAYED, REQUEST_DERIVING,
                     REQUEST_STREAMING, REQUEST_ANSWERED };

/* The headers that are looked at, found in one pass. Borrowed from the connection. */
struct header {
    const char *text;      /* NULL: not given */
    size_t len_bytes;
    uint32_t count;
};

struct headers {
    struct header host, origin, key, content_type, content_length, transfer_encoding, if_none_match,
        relayed, authorization, cookie;
};

/* What a request says of who sends it (credential.c). */
struct credential {
    char token[INTERNAL_TOKEN_BYTES]; /* "": none */
    char device[INTERNAL_TOKEN_BYTES]; /* of the terminal, beside a person's */
    bool by_cookie;                   /* a browser's: what other sites may make it send */
};

struct stream;
struct relay;
struct people;
struct people_job;

struct connection {
    TAILQ_ENTRY(connection) all;
    struct listener *listener;
    int fd;
    bool at_work;          /* held, sent, relayed or streaming: the client waits for us, not we for it */
    uint64_t since_ms;     /* when it began to read a request, or to write an answer */
};

struct request {
    TAILQ_ENTRY(request) by_age;        /* HELD, SENT, RELAYED: oldest first: earliest deadline first */
    struct gateway *gateway;
    struct connection *connection;
    struct MHD_Connection *http;
    enum request_phase phase;
    bool seen_whole;                    /* dispatched once */
    bool metrics;                       /* the reply goes into the gateway's own page */
    bool opening;                       /* of live events: the reply says whether there may be a stream */
    const char *method, *path;          /* borrowed from the connection */
    char query[INTERNAL_QUERY_BYTES];   /* what of it counts, for the other gateway; "": none */
    struct headers headers;
    struct credential credential;
    struct people_job *people;          /* a request of ROUTE_PEOPLE: its stage and secrets; else NULL */
    struct relay *relay;                /* RELAYED */
    bool relay_tried;                   /* at most once */
    struct api_request api;
    bool at_once;
    uint64_t arrived_ms;
    bool suspended;
    struct MHD_Response *response;      /* ANSWERED: until it is queued */
    bool response_is_shared;            /* a file's: not ours to destroy */
    uint16_t status;
    uint8_t *refusal;                   /* the engine's newest 503: passed on at the deadline */
    uint32_t refusal_len_bytes;
    uint16_t refusal_retry_after_s;
    struct stream *stream;
    uint32_t discarded_bytes;
    char *large;                        /* GATEWAY_LARGE_BODY_BYTES_MAX, instead of `body`: a site file's text */
    uint32_t body_len_bytes;
    char body[GATEWAY_BODY_BYTES_MAX];
};

TAILQ_HEAD(request_list, request);
TAILQ_HEAD(connection_list, connection);
TAILQ_HEAD(stream_list, stream);

struct listener {
    struct gateway *gateway;
    struct MHD_Daemon *daemon;
    sd_event_source *io;
    int fd;                             /* -1 once it is the daemon's alone to close */
    bool management, relay, plain, tls;
    bool dirty;                         /* must run in this turn */
    uint32_t connection_count;
};

struct forward {
    struct request *slots[GATEWAY_REQUESTS_MAX];
    uint32_t serials[GATEWAY_REQUESTS_MAX];      /* in ids on the wire: late replies find nobody */
    uint16_t free_slots[GATEWAY_REQUESTS_MAX];
    uint32_t free_count;
    struct request_list waiting;
    struct api_state state;
    bool heard;                                  /* toband has said its state on this connection */
    uint32_t relay_count;
    sd_event_source *deadline;
    sd_event_source *retry;
};

/* One queue event, ready for the wire, shared by all streams that still send it. */
struct snapshot {
    uint32_t reference_count;
    uint64_t serial;                    /* ours: an event's own id may come again after a restart */
    size_t len_bytes;
    char text[];
};

/* What a board says of itself with its stream; NONE: it is no board. docs/VOICE.md. */
enum sound { SOUND_NONE, SOUND_ON, SOUND_SPEECH, SOUND_CHIME, SOUND_BLOCKED, SOUND_OFF, SOUND_END };

struct streams {
    struct stream_list list;
    uint32_t count, slow_count;
    uint32_t slice;                     /* whose turn it is among the slow ones */
    uint32_t count_by_sound[SOUND_END];
    struct snapshot *newest;            /* NULL: the engine has not told yet, or is away */
    uint64_t serial;                    /* of the newest */
    uint32_t site_version;              /* of the newest; 0 none */
    uint64_t fanned_out_ms;
    bool subscribed;
    uint32_t newest_check;              /* ids on the wire, beside those of requests */
    uint64_t checked_ms;
    sd_event_source *heartbeat;
    sd_event_source *fanout;
};

/* Registrations before arrival, by the address they come from (rate.c). */
struct rate {
    struct rate_address {
        uint8_t prefix[API_ADDRESS_BYTES]; /* IPv6: a network of 64 bits, which is one visitor's */
        uint64_t since_ms;
        uint32_t count;                    /* 0: free */
    } addresses[RATE_ADDRESSES_MAX];
    struct ids_token keys[RATE_KEYS_MAX];  /* the newest that were counted: a retry is no second one */
    uint32_t next_key;
};

struct counters {
    uint64_t requests, requests_by_class[INTERNAL_STATUS_CLASSES];
    uint64_t latency_buckets[INTERNAL_LATENCY_BUCKETS];
    uint64_t latency_ms_sum;
    uint64_t held, relayed, sent_again, timed_out, overloads, connects, disconnects;
    uint64_t refused_connections, closed_slow, queue_events, heartbeats;
};

struct gateway {
    struct gateway_config config;
    sd_event *event;
    sd_event_source *turn, *sweep, *rerun, *stop_source, *drain;
    int stop_fd;
    bool stopping;
    uint64_t stop_at_ms;
    struct digest *digest;
    struct files *files;
    struct engine_link *link;
    struct people *people;
    struct forward forward;
    struct streams streams;
    char *tls_certificate, *tls_key;      /* PEM texts, while there are listeners */
    struct listener listeners[GATEWAY_LISTENERS_MAX];
    uint32_t listener_count;
    struct connection_list connections;
    uint32_t public_connection_count, management_connection_count;
    struct request *spares[INTERNAL_SPARE_REQUESTS_MAX];  /* ended ones, to be used again */
    uint32_t spare_count;
    uint32_t large_count;                 /* bodies of the long kind */
    struct counters counters;
    struct rate registrations;
    char complaint[VOICE_WHY_BYTES];
};

/* openapi.c: openapi.json, as it was when this program was built */
const char *openapi_text(size_t *ret_len_bytes);

/* gateway.c */
uint64_t gateway_now_ms(const struct gateway *gateway);

/* server.c: HTTP daemons, connections and requests */
int server_start(struct gateway *gateway);
void server_stop_accepting(struct gateway *gateway);
void server_finish(struct gateway *gateway);
void server_turn(struct gateway *gateway);
void server_sweep(struct gateway *gateway);
/* Gives a suspended request its answer; takes the response. */
void server_answer(struct request *request, uint16_t status, struct MHD_Response *response);
void server_answer_problem(struct request *request, enum problem problem, const char *name,
                           const char *value);
/* Gives a suspended connection back to its daemon, in this turn. */
void server_resume(struct request *request);

/* dispatch.c: what a whole request is. Leaves it ANSWERED, HELD, SENT or STREAMING. */
void dispatch_request(struct request *request, const char *method, const char *path);
/* Headers that make it unsafe even to read the body. */
enum problem dispatch_check_framing(struct request *request);
/* What every POST has to have, whatever its body says. */
enum problem dispatch_check_post(const struct request *request);

/* forward.c: to the engine and back */
int forward_init(struct gateway *gateway);
void forward_finish(struct gateway *gateway);
void forward_request(struct request *request);
uint32_t forward_count(const struct gateway *gateway);
void forward_engine_up(struct gateway *gateway);
void forward_engine_down(struct gateway *gateway);
void forward_engine_state(struct gateway *gateway, const struct api_state *state);
void forward_engine_reply(struct gateway *gateway, uint32_t id, const struct api_reply *reply);

/* The other unit serves now, or is meant to: clients should go there. */
bool forward_is_moved(const struct gateway *gateway);
/* reply NULL: it could not be passed on. */
void forward_relay_over(struct request *request, const struct api_reply *reply);

/* relay.c: one request to the other unit and back */
int relay_begin(struct request *request);
/* Closes it; nothing is called any more. NULL is fine. */
void relay_end(struct relay *relay);

/* credential.c. False: what was given cannot be one (or two of a kind). */
bool credential_read(const struct headers *headers, struct credential *ret_credential);
/* False: the text is no token, and `token` stays as it was. */
bool credential_take(const char *text, size_t len_bytes, char token[INTERNAL_TOKEN_BYTES]);
/* By what and for whom: into the frame for toband. */
void credential_put(struct request *request, struct api_request *api);
/* Whether this may be asked at all without a credential; toband says the rest. */
bool credential_is_enough(const struct request *request, const struct api_request *api);

/* rate.c. Whether one more may come from this address now; it is counted, unless this very key was: whoever asks again
 * after a takeover asks for nothing more. Who does not fit into the table takes the place of whoever has been in it
 * longest. */
bool rate_has_one(struct rate *rate, const struct ids_token *key, const uint8_t address[API_ADDRESS_BYTES],
                  uint64_t now_ms);

/* people.c: signing in, accounts, devices */
int people_create(struct gateway *gateway, struct people **ret_people);
void people_destroy(struct people *people);
void people_dispatch(struct request *request, const struct route_match *match);
/* toband's reply to a stage of it; takes the request to its next stage, or answers it. */
void people_reply(struct request *request, const struct api_reply *reply);
void people_job_destroy(struct people_job *job);

/* stream.c: live events */
int stream_init(struct gateway *gateway);
void stream_finish(struct gateway *gateway);
/* ANSWERED with a response that goes on for as long as the client stays and may, or with a problem; or SENT: toband is
 * asked first whether the credential counts. */
void stream_ask(struct request *request);
void stream_opened(struct request *request, const struct api_reply *reply);
void stream_close(struct stream *stream);
/* Somebody lost a right: each credential is asked about again, and who lost it is ended. */
void stream_check_all(struct gateway *gateway);
/* Whether a reply is to such a question, and not to a request. */
bool stream_checked(struct gateway *gateway, uint32_t id, const struct api_reply *reply);
void stream_engine_down(struct gateway *gateway);
/* As in the request. */
const char *stream_sound_name(enum sound sound);
void stream_queue_event(struct gateway *gateway, const struct api_event *event);
void stream_state_changed(struct gateway *gateway);
void stream_engine_up(struct gateway *gateway);
/* Clients are to come again, elsewhere. */
void stream_close_all(struct gateway *gateway);
void stream_sweep(struct gateway *gateway);

/* metrics.c */
void metrics_note_answer(struct gateway *gateway, const struct request *request);
/* Our own page, with the engine's after it; NULL body: the engine is away. */
struct MHD_Response *metrics_page(const struct gateway *gateway, const void *engine_body,
                                  size_t len_bytes);
struct MHD_Response *metrics_health(const struct gateway *gateway, uint16_t *ret_status);

#endif
