/*
 * cluster/adapters/link.h - authenticated, encrypted frames to the one peer over two links.
 *
 * Decides: that a frame which is delivered came from the peer unit, unchanged, once, and in the
 * order of sending within one contact. Decides not: that a frame arrives (a sent frame may be lost
 * with its contact), when a silent peer counts as gone (the caller calls link_reset), what frames
 * mean.
 *
 * Each link (service, direct) is a pair of nanomsg sockets - NN_PULL bound to the own address,
 * NN_PUSH connected to the peer's, so a stranger can neither take the pipe nor receive
 * (docs/adr/0005) - with one TLS 1.3 session over it. Both sides verify: chain to the site CA and
 * nothing between, subject common name exactly "unit-<peer id>"; certificate dates are not looked
 * at, because a unit with a dead clock must still meet its peer (a retired unit is refused by the
 * ledger, not by a date). The lower unit id is the TLS client. No resumption, no early data; keys
 * are updated every 2^20 records.
 *
 * A contact is one session; its number is derived from the session's keys, equal on both sides,
 * never repeated. on_up: the peer has proved itself and has accepted us. on_down: frames of that
 * contact are over for good; a new handshake starts by itself (50 ms doubling to 1 s). A restarted
 * peer replaces its old contact only after it has proved itself: on_down(REPLACED), then on_up.
 * Frames of unknown contacts, late and repeated ones and garbage are counted and change nothing. A
 * frame of the present contact that does not verify, or a gap, ends that contact only (TLS cannot
 * go on after either).
 *
 * All work is done in callbacks of the caller's sd_event; sending never waits. Callbacks may call
 * link_send and link_reset, not link_destroy; bytes given to on_frame are borrowed until it
 * returns. Errors: 0 or negative errno. Several links objects live in one process.
 */
#ifndef CLUSTER_ADAPTERS_LINK_H
#define CLUSTER_ADAPTERS_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct link;

enum link_which { LINK_SERVICE = 0, LINK_DIRECT = 1 };

enum link_limit {
    LINK_COUNT = 2,
    LINK_FRAME_BYTES_MAX = 128 * 1024,  /* plaintext of one frame */
    LINK_WIRE_BYTES_MAX = 256 * 1024,   /* NN_RCVMAXSIZE: longer messages never reach us */
    LINK_QUEUE_BYTES_MAX = 1024 * 1024, /* encrypted, not yet taken by nanomsg; then -EAGAIN */
    LINK_QUEUE_FRAMES_MAX = 1024,
    LINK_PORT_SERVICE = 7411,
    LINK_PORT_DIRECT = 7412,
    LINK_RETRY_MS_MIN = 50,
    LINK_RETRY_MS_MAX = 1000,
    LINK_HANDSHAKE_MS_MAX = 500,     /* one attempt; then given up and the transport renewed */
    LINK_HANDSHAKES_MAX = 4,         /* half open ones held at once on the server side, each link */
    LINK_HANDSHAKES_PER_S_MAX = 100, /* hellos looked at, so that a stranger cannot buy our CPU */
    LINK_TRANSPORT_PEERS_MAX = 16,   /* TCP connections to our port; beyond: all are dropped */
    LINK_REASON_BYTES = 128,
};

enum link_down_reason {
    LINK_DOWN_RESET = 1,    /* link_reset was called here */
    LINK_DOWN_CLOSED = 2,   /* the peer closed its side: it reset, or stops */
    LINK_DOWN_BROKEN = 3,   /* a record did not verify */
    LINK_DOWN_GAP = 4,      /* a frame is missing: the transport lost it */
    LINK_DOWN_REPLACED = 5, /* the peer proved itself anew: it has restarted or had given up */
    LINK_DOWN_FAILED = 6,   /* our own side: memory, OpenSSL */
};

/* Texts and paths are read while link_create runs and not kept. */
struct link_endpoint {
    const char *local_address; /* dotted IPv4; NULL: this link does not exist */
    const char *peer_address;
    uint16_t local_port; /* 0: LINK_PORT_SERVICE or LINK_PORT_DIRECT */
    uint16_t peer_port;
};

typedef void link_frame_fn(void *context, enum link_which which, const uint8_t *bytes,
                           size_t len_bytes);
typedef void link_up_fn(void *context, enum link_which which, uint64_t contact);
typedef void link_down_fn(void *context, enum link_which which, uint64_t contact,
                          enum link_down_reason reason);
/* After a -EAGAIN: there is room again. May be NULL. */
typedef void link_room_fn(void *context, enum link_which which);

struct link_options {
    sd_event *event; /* a reference is taken */
    uint32_t own_unit, peer_unit;
    const char *ca_path, *certificate_path, *key_path; /* PEM; read once */
    struct link_endpoint endpoints[LINK_COUNT];
    link_frame_fn *on_frame;
    link_up_fn *on_up;
    link_down_fn *on_down;
    link_room_fn *on_room;
    void *context;
};

/* Since create, one set per link. */
struct link_counters {
    uint64_t contacts; /* on_up calls */
    uint64_t frames_sent, bytes_sent;
    uint64_t frames_received, bytes_received;
    uint64_t sends_refused;    /* -EAGAIN: the queue was full */
    uint64_t dropped_garbage;  /* not our header, or a header that says nonsense */
    uint64_t dropped_unknown;  /* a contact we do not have: late, stray or invented */
    uint64_t dropped_repeated; /* a frame number already seen */
    uint64_t dropped_flood;    /* hellos beyond the limits */
    uint64_t broken_records;   /* ended a contact */
    uint64_t gaps;             /* ended a contact */
    uint64_t handshakes_begun;
    uint64_t handshakes_failed;    /* timed out or refused by either side */
    uint64_t refused_certificates; /* among them: the other side could not prove to be the peer */
    uint64_t transport_renewals;   /* nanomsg sockets made anew */
    uint64_t queued_bytes;         /* now */
};

/* -EINVAL: options; -ENOENT, -EACCES, -EBADMSG: a PEM file is missing, unreadable or malformed,
 * -EKEYREJECTED: key and certificate do not fit. An address that is not there yet is no error:
 * binding is retried. */
int link_create(const struct link_options *options, struct link **ret_link);
/* Says goodbye on each contact if nanomsg takes it at once. No callback is made. NULL is fine. */
void link_destroy(struct link *link);

/* Queues one frame (0 < len_bytes <= LINK_FRAME_BYTES_MAX). 0: it is on its way, no promise more;
 * -ENOTCONN: no contact; -EAGAIN: queue full, nothing was taken; -EMSGSIZE: length; -EIO: the
 * session failed and goes down (on_down follows from the event loop). */
int link_send(struct link *link, enum link_which which, const uint8_t *bytes, size_t len_bytes);
/* Gives the present contact up: on_down(RESET) before it returns, and begins anew. Without a
 * contact it renews the transport and begins anew at once. */
void link_reset(struct link *link, enum link_which which);
/* 0 when there is none. */
uint64_t link_get_contact(const struct link *link, enum link_which which);
void link_get_counters(const struct link *link, enum link_which which,
                       struct link_counters *ret_counters);
/* Why the newest handshake failed, for people ("" when none did): English, then Japanese. */
void link_get_refusal(const struct link *link, enum link_which which, char en[LINK_REASON_BYTES],
                      char ja[LINK_REASON_BYTES]);

#endif
