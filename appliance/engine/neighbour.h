/*
 * appliance/engine/neighbour.h - whose hardware address it is, as this machine's kernel knows its neighbours.
 *
 * Decides nothing. Source: Linux, /proc/net/arp.
 */
#ifndef APPLIANCE_ENGINE_NEIGHBOUR_H
#define APPLIANCE_ENGINE_NEIGHBOUR_H

#include <stdbool.h>
#include <stdint.h>

enum { NEIGHBOUR_MAC_BYTES = 6, NEIGHBOUR_TEXT_BYTES = 64 };

/* Belongs to `known`, the hardware address that the IPv4 address `address` was seen with last? `known` is kept by the
 * caller and renewed here: the kernel forgets it in a cut, and right after the cut is when it is asked for. */
bool neighbour_is(const char *address, const uint8_t mac[NEIGHBOUR_MAC_BYTES],
                  char known[NEIGHBOUR_TEXT_BYTES]);

#endif
