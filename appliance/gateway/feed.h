/*
 * appliance/gateway/feed.h - the public page on another host: what connects it to the pair (docs/PUBLIC.md, ADR 0016).
 *
 * The pair connects to the relay, never the other way. On each unit `toban-web --feed` (feed_out.c) stands between
 * toband's socket and the relay: it passes on the public queue and answers, while its unit serves, and takes back
 * three questions and no more - the queue, one ticket by its id, its visitor's cancelling - bounded by FEED_*. On the
 * other host `toban-web --relay` (feed_in.c) takes the place of the link to toband: the rest of the gateway is the
 * same. Both sides prove themselves by certificates of the site's CA with names of their own (not a unit's).
 *
 * Decides: who may feed (the highest term; within it, whoever feeds already, until silent for FEED_SILENT_MS), what
 * may pass, what the relay keeps (the newest queue in memory; the office's hours in a file, nobody's ticket) and when
 * that is erased. Decides not: anything about tickets. Errors: 0 or negative errno.
 */
#ifndef APPLIANCE_GATEWAY_FEED_H
#define APPLIANCE_GATEWAY_FEED_H

#include "appliance/engine/api.h"
#include "appliance/gateway/gateway.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

enum feed_limit {
    FEED_NAME_BYTES_MAX = 64,
    FEED_CONNECTIONS_MAX = 4,
    FEED_FRAME_BYTES_MAX = 512 * 1024,     /* from the pair: a queue, an answer */
    FEED_OUTPUT_BYTES_MAX = 2 * 1024 * 1024, /* not taken by the other side: the connection ends */
    FEED_ALIVE_MS = 2000,                  /* the pair says at least so often that it serves */
    FEED_SILENT_MS = 6000,                 /* after this the feed has stopped */
    FEED_RETRY_MS = 500,
    FEED_QUESTIONS_PER_S = 150,            /* of all telephones together; beyond it 503 OVERLOAD */
    FEED_QUESTIONS_AT_ONCE = 300,
    FEED_HANDSHAKE_MS_MAX = 3000,
    FEED_ERASE_MINUTE = 15,                /* after the office's midnight, when nobody told it */
    FEED_UTC_OFFSET_MINUTES = 540,
};

/* ---- one TLS connection with bytes in both directions (feed_tls.c) -------------------------------------- */

struct feed_tls_options {
    const char *ca_path, *certificate_path, *key_path; /* PEM */
    const char *peer_name;                             /* exactly the other side's common name */
};

struct feed_tls;
struct feed_connection;
struct ssl_ctx_st;

/* -ENOENT, -EACCES, -EBADMSG, -EKEYREJECTED. TLS 1.3, both sides with certificates, dates looked at. */
int feed_tls_create(const struct feed_tls_options *options, bool server, struct feed_tls **ret_tls);
void feed_tls_destroy(struct feed_tls *tls);

/* `bytes` are whole frames' worth or less; returns how many were taken, negative: end the connection. */
typedef int64_t feed_take_fn(void *context, const uint8_t *bytes, size_t len_bytes);
typedef void feed_end_fn(void *context);

struct feed_connection_options {
    sd_event *event;
    struct feed_tls *tls;
    int fd;                    /* taken over, also when it fails */
    feed_take_fn *take;
    feed_end_fn *up;           /* the handshake is done */
    feed_end_fn *end;          /* it is over: destroy it */
    void *context;
};

int feed_connection_create(const struct feed_connection_options *options,
                           struct feed_connection **ret_connection);
void feed_connection_destroy(struct feed_connection *connection);
/* False: it is not up, or the other side does not take what it has. Written in this turn or later. */
bool feed_connection_send(struct feed_connection *connection, const void *bytes, size_t len_bytes);
size_t feed_connection_unsent_bytes(const struct feed_connection *connection);
bool feed_connection_is_up(const struct feed_connection *connection);

/* ---- on the pair ------------------------------------------------------------------------------------ */

struct feed_out_options {
    const char *engine_socket;
    struct gateway_listen relay;
    struct feed_tls_options tls;
};

/* Runs until SIGTERM. */
int feed_out_run(const struct feed_out_options *options);
/* What may pass to toband, made harmless: a visitor's, by the web, without a credential. False: nothing else may. */
bool feed_question_passes(struct api_request *request);

/* ---- on the relay ------------------------------------------------------------------------------------ */

struct feed_in_options {
    struct gateway_listen listen;
    struct feed_tls_options tls;
    const char *state_dir;     /* the office's hours, and certificates */
    const char *name;          /* of this relay, in its certificates */
};

struct feed_in;

int feed_in_create(sd_event *event, const struct feed_in_options *options, struct gateway *gateway,
                   struct feed_in **ret_feed);
void feed_in_destroy(struct feed_in *feed);
bool feed_in_is_up(const struct feed_in *feed);
bool feed_in_send(struct feed_in *feed, const struct api_request *request);
/* The office's hours as they were known last, JSON; NULL: never. Borrowed. */
const char *feed_in_day(const struct feed_in *feed);
uint16_t feed_in_port(const struct feed_in *feed);
/* A certificate was written: nothing of that day may stay in this process. */
bool feed_in_wants_new_process(const struct feed_in *feed);

#endif
