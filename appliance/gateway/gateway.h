/*
 * appliance/gateway/gateway.h - the HTTP surface of a unit: toban-web, which holds no ledger and no key.
 *
 * Decides: which HTTP requests exist, which bytes are refused before the engine sees them, how long a
 * request waits for a unit that is about to serve, who gets live events. Decides not: anything about
 * tickets, counters or duty; every answer about them is rendered by toband and passed on unchanged.
 *
 * One thread, one sd-event loop. A request becomes one frame of appliance/engine/api.h; while toband is
 * away or not serving it is held and sent (again) with the same key when serving starts, at most hold_ms
 * after it came, then 503 with Retry-After. Commands carry idempotency keys and reads change nothing, so
 * both are sent again after a broken connection; operators' controls carry none and are answered
 * OUTCOME_UNKNOWN instead. Nothing that a client can send allocates without the limits below.
 *
 * Hand-over (DESIGN 3 rule 7): when toband says that the other unit serves now, each public request that
 * waits or still comes here is passed on once, over the direct link, to the other unit's relay listener
 * with its method, path, body and key, and is answered with Connection: close, so that its client comes
 * to the other unit with the next one; live streams are ended. The relay listener serves the public
 * /api/v1 and nothing more, and what comes there is never passed on again. What cannot be passed on is
 * held as ever.
 *
 * Three kinds of public listeners: `tls` for staff, administrators and devices; `plain`, where nothing is taken or
 * shown but what anybody may see without a credential, credentials are not looked at, and every page but the public
 * one is a redirect; and one that is neither, on loopback alone: a credential in clear leaves no machine. Where the
 * site has no public page (toband says so), `plain` is the redirect alone. What is nobody's in particular to see or do
 * needs a credential on each of them.
 *
 * Files: route.h (the table of requests), body.h (JSON bodies), translate.h (HTTP -> api_request),
 * problem.h (refusals), engine_link.h (the socket), relay.c (to the other unit), stream.c (live
 * events), files.h (static pages), voice.h (the voice pack), internal.h (what the .c files of this folder
 * share). Sources: DESIGN 3 rules 1 and 7, 7; R-074; reliability.md 4 (HTTP); RFC 9110, RFC 9457; ADR 0003.
 */
#ifndef APPLIANCE_GATEWAY_GATEWAY_H
#define APPLIANCE_GATEWAY_GATEWAY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>

enum gateway_limit {
    GATEWAY_LISTENERS_MAX = 8,
    GATEWAY_HOSTS_MAX = 8,
    GATEWAY_CONNECTIONS_MAX = 1400,            /* of all public listeners together */
    GATEWAY_MANAGEMENT_CONNECTIONS_MAX = 16,
    GATEWAY_STREAMS_MAX = 1150,                /* live event streams; more are answered 503 */
    GATEWAY_STREAMS_FAST_MAX = 200,            /* of them with every change; the rest every HEARTBEAT_MS */
    GATEWAY_REQUESTS_MAX = 1024,               /* held or in flight; more are answered 503 OVERLOAD */
    GATEWAY_REQUESTS_FOR_MANAGEMENT = 16,      /* of them kept free for the management listener */
    GATEWAY_BODY_BYTES_MAX = 4096,             /* longer: 413 */
    GATEWAY_LARGE_BODY_BYTES_MAX = 160 * 1024, /* of the requests that carry a site file */
    GATEWAY_LARGE_BODIES_MAX = 4,              /* at one time; more are answered 503 */
    GATEWAY_BODY_DISCARD_BYTES_MAX = 65536,    /* of an undeclared long body, then the connection ends */
    GATEWAY_PATH_BYTES_MAX = 128,              /* longer: 414 */
    GATEWAY_CONNECTION_MEMORY_BYTES = 8192,    /* request line and headers of one; longer: 414, 431 */
    GATEWAY_KEY_BYTES_MAX = 128,               /* Idempotency-Key: 1 to this many visible characters */
    GATEWAY_HOLD_MS = 3000,                    /* from arrival to 503 */
    GATEWAY_ANSWER_MS = 500,                   /* longer for one that the engine has: it holds as long,
                                                  and knows the better reason */
    GATEWAY_RETRY_MS = 50,                     /* after a 503 of an engine that says it serves */
    GATEWAY_READ_MS_MAX = 30000,               /* to bring one whole request, also when idle */
    GATEWAY_WRITE_MS_MAX = 30000,              /* to take one whole answer */
    GATEWAY_SWEEP_MS = 500,                    /* how often the two above are looked at */
    GATEWAY_HEARTBEAT_MS = 2000,               /* comment line on every stream while serving */
    GATEWAY_STREAM_CHECK_MS = 10000,           /* a session that ended by time is noticed; a revoked one at once */
    GATEWAY_STREAM_STUCK_MS = 15000,           /* a stream that takes nothing for so long is closed */
    GATEWAY_FANOUT_MS_MIN = 20,                /* between two queue events; the newest always goes out */
    GATEWAY_RECONNECT_MS_MIN = 5,              /* doubling */
    GATEWAY_RECONNECT_MS_MAX = 50,             /* a restarted engine is found within this */
    GATEWAY_DRAIN_MS = 500,                    /* on stop: for requests still in flight */
    GATEWAY_RELAYS_MAX = 128,                  /* passed on at one time; more wait their turn */
    GATEWAY_FILES_MAX = 1024,
    GATEWAY_FILES_BYTES_MAX = 16 * 1024 * 1024,
};

struct gateway_listen {
    struct sockaddr_storage address;
    socklen_t address_len_bytes;
    bool management;
    bool relay;                         /* for the other unit's gateway only */
    bool tls;                           /* by tls_certificate and tls_key */
    bool plain;                         /* for everybody without TLS: the public page, else the way to TLS */
};

struct feed_in_options;

struct gateway_config {
    const char *engine_socket;
    const struct feed_in_options *feed; /* a relay: instead of the socket, and what is public alone (feed.h) */
    const char *web_dir;                /* NULL: no pages */
    const char *voice_dir;              /* a voice pack in place of the built-in one; NULL: none (voice.h) */
    const char *tls_certificate, *tls_key; /* PEM files; NULL: no listener may be tls */
    uint32_t listen_count;
    struct gateway_listen listens[GATEWAY_LISTENERS_MAX];
    uint32_t host_count;                /* names, beside addresses and localhost, that Host may say */
    const char *hosts[GATEWAY_HOSTS_MAX];
    struct gateway_listen relay_peer;   /* the other unit's relay listener; length 0: none */
    uint32_t hold_ms;                   /* 0: GATEWAY_HOLD_MS */
    uint32_t read_ms_max;               /* 0: GATEWAY_READ_MS_MAX */
};

struct gateway;

/* "10.90.0.10:80" or "[::1]:80": 0 or -EINVAL. */
int gateway_listen_parse(const char *text, bool management, struct gateway_listen *ret_listen);

/* Binds every listener (IP_FREEBIND: the floating address need not be here yet), loads the pages and
 * starts looking for the engine. Texts of the config are borrowed until destroy. -EPERM: a listener that is neither
 * tls nor plain, beyond loopback. */
int gateway_create(const struct gateway_config *config, struct gateway **ret_gateway);
void gateway_destroy(struct gateway *gateway);
/* What it does without and people should know: lines in both languages, "" when there is nothing. */
const char *gateway_complaint(const struct gateway *gateway);
/* The loop, for signals and service notification; lives as long as the gateway. */
sd_event *gateway_event(struct gateway *gateway);
uint16_t gateway_port(const struct gateway *gateway, uint32_t listener_index);
/* Runs until gateway_stop: 0 or negative errno. */
int gateway_run(struct gateway *gateway);
/* May be called from any thread and from a signal handler: no new connections, requests in flight get
 * GATEWAY_DRAIN_MS to be answered, then run returns. */
void gateway_stop(struct gateway *gateway);
/* After run: it stopped to forget (feed.h); the program begins anew. */
bool gateway_wants_new_process(const struct gateway *gateway);

#endif
