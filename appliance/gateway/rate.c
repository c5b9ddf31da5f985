/* How often one address may register before arrival. Telephones of one carrier share an IPv4 address, so the bound is
 * what a crowd behind one address needs, not what one visitor does; places of the day are the queue's to count. */
#include "appliance/gateway/internal.h"

#include <string.h>

enum {
    RATE_WINDOW_MS = 10 * 60 * 1000,
    RATE_COUNT_MAX = 20,
    PREFIX_BYTES = 8, /* of IPv6: /64 */
    MAPPED_ZEROS = 10,
};

static void prefix_of(const uint8_t address[API_ADDRESS_BYTES], uint8_t prefix[API_ADDRESS_BYTES])
{
    static const uint8_t mapped[MAPPED_ZEROS + 2] = {[MAPPED_ZEROS] = UINT8_MAX, UINT8_MAX};
    bool is_four = memcmp(address, mapped, sizeof(mapped)) == 0;

    memset(prefix, 0, API_ADDRESS_BYTES);
    memcpy(prefix, address, is_four ? API_ADDRESS_BYTES : PREFIX_BYTES);
}

static bool is_counted(const struct rate *rate, const struct ids_token *key)
{
    for (size_t i = 0; i < RATE_KEYS_MAX; i++) {
        if (ids_token_equal(&rate->keys[i], key)) {
            return true;
        }
    }
    return false;
}

bool rate_has_one(struct rate *rate, const struct ids_token *key,
                  const uint8_t address[API_ADDRESS_BYTES], uint64_t now_ms)
{
    uint8_t prefix[API_ADDRESS_BYTES];
    struct rate_address *slot = &rate->addresses[0];

    if (is_counted(rate, key)) {
        return true;
    }
    prefix_of(address, prefix);
    for (size_t i = 0; i < RATE_ADDRESSES_MAX; i++) {
        struct rate_address *at = &rate->addresses[i];

        if (at->count != 0 && memcmp(at->prefix, prefix, sizeof(prefix)) == 0) {
            slot = at;
            break;
        }
        if (slot->count != 0 && (at->count == 0 || at->since_ms < slot->since_ms)) {
            slot = at;
        }
    }
    if (slot->count == 0 || memcmp(slot->prefix, prefix, sizeof(prefix)) != 0 ||
        now_ms - slot->since_ms >= RATE_WINDOW_MS) {
        *slot = (struct rate_address){.since_ms = now_ms};
        memcpy(slot->prefix, prefix, sizeof(prefix));
    }
    if (slot->count >= RATE_COUNT_MAX) {
        return false;
    }
    slot->count++;
    rate->keys[rate->next_key++ % RATE_KEYS_MAX] = *key;
    return true;
}
