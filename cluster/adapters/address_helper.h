/*
 * cluster/adapters/address_helper.h - toban-net without its main(): serves one toband on a UNIX
 * socket.
 *
 * Decides only what address.h says: the address is held while toband asked for it and a heartbeat is
 * younger than 100 ms, also across a restart of toband. A helper that starts removes the address if it
 * is there: nobody holds it by memory (DESIGN 3 rule 6). A new client takes the place of the old one.
 */
#ifndef CLUSTER_ADAPTERS_ADDRESS_HELPER_H
#define CLUSTER_ADAPTERS_ADDRESS_HELPER_H

#include "cluster/adapters/address.h"

#include <sys/types.h>

struct address_helper;

struct address_helper_options {
    sd_event *event; /* a reference is taken */
    const char *socket_path;
    uid_t client_uid; /* owner of the socket file (mode 0600) */
    const char *lan_interface;
    const char *direct_interface; /* NULL: none */
    uint32_t floating;
    uint8_t floating_prefix_bits;
    uint32_t direct_peer; /* the other unit on the direct link; 0: none, ENTER is TAKE */
    uint32_t references[ADDRESS_REFERENCES_MAX];
    size_t reference_count;
};

struct address_helper_counters {
    uint64_t takes, drops, drops_by_heartbeat, probes, tickles_sent, announces_sent;
    uint64_t refused_packets; /* malformed, or not for this side: the client was cut off */
};

int address_helper_create(const struct address_helper_options *options,
                          struct address_helper **ret_helper);
/* Drops the address. NULL is fine. */
void address_helper_destroy(struct address_helper *helper);
/* Whether this unit holds the address now, as far as the helper knows (the watch chain, DESIGN 5). */
bool address_helper_holds(const struct address_helper *helper);
void address_helper_get_counters(const struct address_helper *helper,
                                 struct address_helper_counters *ret_counters);

#endif
