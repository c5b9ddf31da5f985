/*
 * cluster/adapters/address_packet.h - what toban-net puts on the wire and hears there: ARP (RFC
 * 826, RFC 5227) and bare TCP acknowledgements.
 *
 * Decides nothing. Bytes from the LAN are anybody's: a frame that is not ARP for IPv4 over Ethernet
 * is not reported.
 */
#ifndef CLUSTER_ADAPTERS_ADDRESS_PACKET_H
#define CLUSTER_ADAPTERS_ADDRESS_PACKET_H

#include "cluster/adapters/address.h"

enum address_packet_limit { ADDRESS_ARP_BYTES = 42 };

struct address_arp {
    uint16_t operation; /* 1 request, 2 reply */
    uint8_t sender_mac[ADDRESS_MAC_BYTES];
    uint32_t sender; /* 0: a probe */
    uint8_t target_mac[ADDRESS_MAC_BYTES];
    uint32_t target;
};

/* A socket for ARP on that interface, non-blocking; or negative errno. */
int address_arp_open(int interface_index);
/* 1 and a frame of somebody else; 0: nothing more now; -ESTALE: skip it; other negative errno. */
int address_arp_receive(int fd, struct address_arp *ret_arp);
/* Broadcast: who has `target`? sender 0: an address probe (RFC 5227 2.1.1). */
int address_arp_ask(int fd, const uint8_t mac[ADDRESS_MAC_BYTES], uint32_t sender, uint32_t target);
/* Broadcast, as request (RFC 5227 2.3) and as reply, since hosts differ in which of them they heed.
 */
int address_arp_announce(int fd, const uint8_t mac[ADDRESS_MAC_BYTES], uint32_t address);
/* The interface's first address, 0 when it has none. */
uint32_t address_primary(const char *interface_name);

/* A raw socket for address_tickle_send, non-blocking. */
int address_tickle_open(void);
/* One bare ACK from own:port to the client, with numbers out of any window: a client that still has
 * the connection answers with its own numbers, and this host, which has no such connection, resets
 * it. */
int address_tickle_send(int fd, uint32_t own, uint16_t port, const struct address_client *client,
                        uint32_t sequence);

#endif
