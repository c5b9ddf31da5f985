/*
 * cluster/adapters/membership.h - who is in the room, as corosync's closed process groups tell it.
 *
 * Decides: nothing. It joins one cpg group, turns each configuration change into facts about the
 * one peer, and joins again when corosync went away (50 ms doubling to 1 s). What a fact means for
 * duty is cluster/duty's business; every fact may be late, wrong or missing (DESIGN 3, "Evidence").
 * A ghost member is possible (reliability.md 6): never wait for a LEFT or LOST that does not come.
 *
 * libcpg's calls wait for the corosync process, which may be stopped or busy, so a thread of this
 * adapter makes them; facts reach the event loop through a socket and every callback runs in the
 * loop, which never waits here, except membership_destroy() for at most 200 ms.
 *
 * Node ids are corosync's (nodelist.node.nodeid); the caller says which one is which unit. Members
 * with any other node id are counted and ignored. Errors: 0 or negative errno.
 */
#ifndef CLUSTER_ADAPTERS_MEMBERSHIP_H
#define CLUSTER_ADAPTERS_MEMBERSHIP_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct membership;

enum membership_limit {
    MEMBERSHIP_GROUP_BYTES_MAX = 64,
    MEMBERSHIP_RETRY_MS_MIN = 50,
    MEMBERSHIP_RETRY_MS_MAX = 1000,
    MEMBERSHIP_ANSWER_PROBE_MS = 250, /* how often corosync is asked something, to see it answer */
};

enum membership_kind {
    MEMBERSHIP_CONNECTED = 1,    /* corosync answers and this process is in the group */
    MEMBERSHIP_DISCONNECTED = 2, /* corosync is gone or refuses: nothing is known of the peer now */
    MEMBERSHIP_PEER_JOINED = 3,  /* a process of the peer is in the group (again) */
    MEMBERSHIP_PEER_LEFT = 4,    /* it said goodbye: membership_destroy() there */
    MEMBERSHIP_PEER_LOST = 5,    /* it is gone without a goodbye: see reason */
};

enum membership_reason {
    MEMBERSHIP_REASON_NONE = 0,
    /* Its corosync saw the connection to it end: the process is gone - or corosync there is being
     * stopped in good order under a process that lives (measured: SIGTERM to corosync says this). */
    MEMBERSHIP_REASON_PROCESS_GONE = 1,
    /* Its corosync is not heard: power, both links, or corosync itself was killed. */
    MEMBERSHIP_REASON_NODE_GONE = 2,
};

/* In order, exactly one CONNECTED before any PEER fact; JOINED and LEFT/LOST alternate per pid. */
struct membership_fact {
    enum membership_kind kind;
    enum membership_reason reason; /* of PEER_LOST */
    uint32_t unit;                 /* PEER_*: the peer's unit id; else the own one */
    uint32_t pid;                  /* PEER_*: which process there: another pid is another start */
};

typedef void membership_fact_fn(void *context, const struct membership_fact *fact);

struct membership_options {
    sd_event *event;   /* a reference is taken */
    const char *group; /* "toban" */
    uint32_t own_node, own_unit;
    uint32_t peer_node, peer_unit;
    membership_fact_fn *on_fact;
    void *context;
};

/* What is true now, by the facts delivered so far. */
struct membership_state {
    bool connected;
    bool peer_present;
    uint32_t peer_pid;      /* the one that joined last; 0 when not present */
    uint64_t answer_age_ms; /* since corosync last answered a question (watch chain, DESIGN 5) */
    uint64_t disconnects;   /* since create */
    uint64_t strangers_ignored; /* members with a node id that is neither unit's */
};

int membership_create(const struct membership_options *options, struct membership **ret_membership);
/* Leaves the group, so that the peer hears LEFT and not LOST, and waits for it at most 200 ms (a
 * corosync that is stopped leaves the thread behind). No callback. NULL is fine. Not from within
 * on_fact. */
void membership_destroy(struct membership *membership);
void membership_get_state(const struct membership *membership, struct membership_state *ret_state);

#endif
