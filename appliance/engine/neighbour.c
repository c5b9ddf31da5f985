#include "appliance/engine/neighbour.h"

#include <stdio.h>
#include <string.h>

bool neighbour_is(const char *address, const uint8_t mac[NEIGHBOUR_MAC_BYTES],
                  char known[NEIGHBOUR_TEXT_BYTES])
{
    char line[256], text[18], seen[NEIGHBOUR_TEXT_BYTES], device_mac[NEIGHBOUR_TEXT_BYTES];
    unsigned flags;
    FILE *file = fopen("/proc/net/arp", "re");

    (void)snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
                   mac[3], mac[4], mac[5]);
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "%63s %*s %x %63s", seen, &flags, device_mac) == 3 && flags != 0 &&
            strcmp(seen, address) == 0) {
            (void)snprintf(known, NEIGHBOUR_TEXT_BYTES, "%s", device_mac);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return strcasecmp(known, text) == 0;
}
