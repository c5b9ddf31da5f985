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
    FEED_WORD_MS = 5000,                   /* so often a relay says that it is there, and what its clock says */
    FEED_HANDED_MS = 5000,                 /* a certificate is answered by then, or handed over again */
    FEED_HANDED_AGAIN_MS = 30000,          /* refused: tried again then */
    FEED_UNDELIVERED_MAX = 31,             /* certificates that wait for the pair: the newest */
    FEED_CERTIFICATE_ID = 0x40000000,      /* request ids from here on are not those of telephones */
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
/* What the relay says of itself, not of a visitor: its certificates, its clock. It gets the name that its own
 * certificate has. */
bool feed_word_passes(struct api_request *request, const char *relay);
/* What may pass to toband, made harmless: a visitor's, by the web, without a credential. False: nothing else may. */
bool feed_question_passes(struct api_request *request);

/* ---- the relay's certificates (feed_certificate.c) --------------------------------------------------- */

/* Written when a day was erased, kept until the pair has it on both disks: nobody's visit is in it. */
struct feed_certificate {
    char date[12];             /* yyyy-mm-dd */
    const char *relay;
    uint8_t why;               /* enum api_relay_why */
    int64_t erased_ms;
    uint64_t term;
    uint32_t questions;
    struct ids_hash before, after;
};

/* certificate-DATE.json for people, undelivered-DATE.json for the pair. 0 or negative errno. */
int feed_certificate_write(const char *state_dir, const struct feed_certificate *certificate);
/* The first undelivered one behind this date ("": of all), as what the pair is asked. False: there is none. */
bool feed_certificate_next(const char *state_dir, const char *after, char ret_date[12],
                           struct api_relay_erased *ret_erased);
void feed_certificate_delivered(const char *state_dir, const char *date);
/* A file of the state folder, whole or not at all. */
int feed_write_file(const char *state_dir, const char *name, const char *text);

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
