/*
 * cluster/adapters/address_helper_internal.h - shared by address_helper.c (what is held) and
 * address_watch.c (what is seen on the LAN). Nobody else includes it.
 */
#ifndef CLUSTER_ADAPTERS_ADDRESS_HELPER_INTERNAL_H
#define CLUSTER_ADAPTERS_ADDRESS_HELPER_INTERNAL_H

#include "cluster/adapters/address_helper.h"
#include "cluster/adapters/address_libnl.h"
#include "cluster/adapters/address_packet.h"

enum { HELPER_US_PER_MS = 1000, HELPER_TIMER_ACCURACY_US = 1000, HELPER_PROBE_ASKS = 3 };

struct helper_probe {
    bool running;
    bool unable; /* once without carrier or unable to send: silence proves nothing */
    uint32_t id;
    uint16_t bound_ms;
    uint8_t asked_count;
};

struct address_helper {
    struct address_helper_options options;
    struct address_kernel *kernel;
    sd_event_source *listen_source, *client_source, *arp_source;
    sd_event_source *heartbeat_source, *announce_source, *renew_source, *connections_source;
    sd_event_source *tickle_source, *probe_source, *reference_source;
    int listen_fd, client_fd, arp_fd, tickle_fd; /* -1: closed */
    int arp_interface_index;
    bool client_broken; /* cut off at the end of this turn */
    bool held;
    bool leaving, entering; /* one side each of a hand-over; leaving: still held, silent to ARP */
    uint64_t leaving_since_ms;
    sd_event_source *move_source;
    bool carrier_told[ADDRESS_INTERFACE_COUNT];
    uint64_t heartbeat_ms; /* when the newest message of the client was read */
    uint32_t announce_left_count, tickle_left_count, connections_turn;
    struct address_message tickle;      /* the list to tickle; count 0: none */
    struct address_message connections; /* as last told */
    struct helper_probe probe;
    uint64_t reference_told_ms[ADDRESS_REFERENCES_MAX];
    uint64_t announced_told_ms;
    uint8_t announced_mac[ADDRESS_MAC_BYTES];
    struct address_helper_counters counters;
};

uint64_t helper_now_ms(void);
void helper_arm(sd_event_source *source, uint64_t after_ms);
void helper_tell(struct address_helper *helper, const struct address_message *fact);
void helper_announce_again(struct address_helper *helper);
/* Says VANISHED when the address is not there although it is held. */
void helper_check_held(struct address_helper *helper);

/* address_move.c: the two sides of a hand-over. */
int helper_add_move(struct address_helper *helper);
/* Nothing of a hand-over is left. */
void helper_end_move(struct address_helper *helper);
void helper_begin_leaving(struct address_helper *helper);
void helper_begin_entering(struct address_helper *helper);
void helper_drop(struct address_helper *helper, bool reset_clients, enum address_held_reason reason);

int helper_open_kernel(struct address_helper *helper);
void helper_tell_carriers(struct address_helper *helper);
void helper_begin_probe(struct address_helper *helper, uint32_t id, uint16_t bound_ms);
void helper_end_probe(struct address_helper *helper);
int helper_on_probe(sd_event_source *source, uint64_t at_us, void *context);
int helper_on_reference(sd_event_source *source, uint64_t at_us, void *context);

#endif
