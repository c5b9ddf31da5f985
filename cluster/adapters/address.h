/*
 * cluster/adapters/address.h - the floating address: the language between toband and toban-net, and
 * toband's side of it.
 *
 * toban-net (cluster/main.c) is the only process that changes an address; it decides nothing but
 * this: it holds the address only while it was told to and a heartbeat is younger than 100 ms
 * (DESIGN 3 rule 8). A toband that restarts within that time finds it still held (HELD, reason START)
 * and says TAKE or DROP. Everything else it does is see and say: carrier, ARP, connections. Whether
 * to take, drop, yield or tickle is cluster/duty's business.
 *
 * One SOCK_SEQPACKET socket, one message a packet, integers big-endian (base/bytes.h). The codec is
 * pure; a packet that is not exactly one well-formed message is refused whole, and the other side
 * is cut off. IPv4 addresses are in host byte order. Errors: 0 or negative errno.
 */
#ifndef CLUSTER_ADAPTERS_ADDRESS_H
#define CLUSTER_ADAPTERS_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

enum address_limit {
    ADDRESS_HEARTBEAT_MS = 25,
    ADDRESS_HEARTBEAT_MS_MAX = 100, /* older: the address is dropped */
    ADDRESS_MAC_BYTES = 6,
    ADDRESS_CONNECTIONS_MAX = 1024, /* in one message; more are not listed, `total` says how many */
    ADDRESS_REFERENCES_MAX = 8,
    ADDRESS_PROBE_MS_MAX = 3000,
    ADDRESS_ANNOUNCE_COUNT = 5, /* at once and every 50 ms ... */
    ADDRESS_ANNOUNCE_MS = 50,
    ADDRESS_ANNOUNCE_IDLE_MS = 5000, /* ... then while held */
    ADDRESS_TICKLE_COUNT = 3,
    ADDRESS_TICKLE_MS = 50,
    ADDRESS_CONNECTIONS_MS = 200,
    ADDRESS_REFERENCE_MS = 500,
    ADDRESS_LIFETIME_S = 3, /* kernel lifetime, renewed every second: outlives no dead helper */
    ADDRESS_LEAVE_MS_MIN = 50,  /* handshakes under way are not counted as connections yet */
    ADDRESS_LEAVE_MS_MAX = 250,
    ADDRESS_LEAVE_LOOK_MS = 10,
    ADDRESS_ENTER_MS = 500, /* longer than the other unit may take to leave */
    ADDRESS_PLAIN_PORT = 80, /* the gateway's, at the floating address: without TLS, */
    ADDRESS_TLS_PORT = 443,  /* and with it */
    ADDRESS_MESSAGE_BYTES_MAX = 16 + ADDRESS_CONNECTIONS_MAX * 6,
    ADDRESS_RETRY_MS_MIN = 20, /* toband looks for toban-net again */
    ADDRESS_RETRY_MS_MAX = 500,
};

enum address_interface { ADDRESS_LAN = 0, ADDRESS_DIRECT = 1, ADDRESS_INTERFACE_COUNT = 2 };

/* One end of a TCP connection to the gateway at the floating address, to either of its ports. */
struct address_client {
    uint32_t address;
    uint16_t port;
};

enum address_kind {
    /* toband -> toban-net */
    ADDRESS_HEARTBEAT = 1, /* no body */
    ADDRESS_TAKE = 2,      /* add and announce; when held already: announce again */
    ADDRESS_DROP = 3,      /* drop */
    ADDRESS_PROBE = 4,     /* probe: ask the LAN who has it */
    ADDRESS_TICKLE =
        5, /* clients: sent 3 times 50 ms apart, the first as soon as the address is up */
    ADDRESS_LEAVE = 6, /* a hand-over: silent to ARP now, DROP with resets when nobody is connected or
                          ADDRESS_LEAVE_MS_MAX have passed */
    ADDRESS_ENTER = 7, /* a hand-over: TAKE; what belongs to connections of the other unit goes on to
                          it over the direct link for ADDRESS_ENTER_MS */
    /* toban-net -> toband: facts */
    ADDRESS_HELD = 64,      /* held: after each TAKE, DROP and change, and first on connecting */
    ADDRESS_PROBED = 65,    /* probed: the answer to PROBE, not later than its bound + 50 ms */
    ADDRESS_ANNOUNCED = 66, /* announced: another hardware address says that it has the address */
    ADDRESS_CARRIER = 67,   /* carrier: both interfaces on connecting, then on change */
    ADDRESS_REFERENCE =
        68, /* reference: a frame of it was heard now (at most one fact each 250 ms) */
    ADDRESS_CONNECTIONS = 69, /* clients: every 200 ms while held, when changed or each second */
    /* made by address_client.c itself, never on the wire */
    ADDRESS_HELPER_UP = 128,   /* toban-net answers */
    ADDRESS_HELPER_LOST = 129, /* it does not: assume not held; nothing is known of carrier */
};

enum address_held_reason {
    ADDRESS_HELD_ASKED = 0,     /* as TAKE or DROP said */
    ADDRESS_HELD_HEARTBEAT = 1, /* dropped: no heartbeat for 100 ms */
    ADDRESS_HELD_VANISHED = 2,  /* somebody else or the kernel removed it */
    ADDRESS_HELD_FAILED = 3,    /* TAKE or DROP did not work: `error` */
    ADDRESS_HELD_START = 4,     /* the first message after connecting */
};

enum address_probe_result {
    ADDRESS_PROBE_SILENT =
        0, /* asked three times with a carrier up all the time, nobody answered */
    ADDRESS_PROBE_ANSWERED = 1, /* `mac` has it */
    ADDRESS_PROBE_UNABLE = 2,   /* no carrier or sending failed: silence would prove nothing */
};

struct address_message {
    enum address_kind kind;
    union {
        struct {
            bool reset_clients; /* reset the connections of the address first (a yielding unit) */
        } drop;
        struct {
            uint32_t id;       /* echoed */
            uint16_t bound_ms; /* <= ADDRESS_PROBE_MS_MAX */
        } probe;
        struct {
            bool held;
            enum address_held_reason reason;
            uint16_t error; /* positive errno of FAILED, else 0 */
        } held;
        struct {
            uint32_t id;
            enum address_probe_result result;
            uint8_t mac[ADDRESS_MAC_BYTES]; /* zero unless ANSWERED */
        } probed;
        struct {
            uint8_t mac[ADDRESS_MAC_BYTES];
            bool held; /* while this unit holds it too: a conflict */
        } announced;
        struct {
            enum address_interface interface;
            bool up;
        } carrier;
        struct {
            uint8_t index; /* order of --reference */
            uint32_t address;
        } reference;
        struct {            /* TICKLE and CONNECTIONS */
            uint32_t total; /* CONNECTIONS: how many there are, also beyond the list */
            uint16_t count;
            struct address_client list[ADDRESS_CONNECTIONS_MAX];
        } clients;
    };
};

/* Bytes written; 0 when the message is not valid or does not fit. */
size_t address_encode(const struct address_message *message, uint8_t *bytes, size_t capacity_bytes);
/* False: refused, *ret_message untouched. */
bool address_decode(const uint8_t *bytes, size_t len_bytes, struct address_message *ret_message);

/* ---- toband's side: connects, connects again (20 ms doubling to 500 ms), sends the heartbeat.
 * ---- */

struct address;

/* `fact` is borrowed until it returns. Not from within it: address_destroy. */
typedef void address_fact_fn(void *context, const struct address_message *fact);

struct address_options {
    sd_event *event; /* a reference is taken */
    const char *socket_path;
    address_fact_fn *on_fact;
    void *context;
};

int address_create(const struct address_options *options, struct address **ret_address);
/* Closes the socket: toban-net drops the address 100 ms after the last heartbeat. NULL is fine. */
void address_destroy(struct address *address);

/* Each sends one message. -ENOTCONN: no helper (HELPER_UP will tell); -EAGAIN: its socket is full,
 * which means that it is stuck: the connection is given up and HELPER_LOST follows. Outcomes come
 * as facts. The heartbeat runs by itself from the event loop: a loop that stands still loses the
 * address. */
int address_take(struct address *address);
int address_drop(struct address *address, bool reset_clients);
int address_leave(struct address *address);
int address_enter(struct address *address);
int address_probe(struct address *address, uint32_t id, uint16_t bound_ms);
int address_tickle(struct address *address, const struct address_client *clients, size_t count);
/* Holds the heartbeat back (the engine: when it must not be trusted with the address). */
void address_set_heartbeat(struct address *address, bool beating);

#endif
