/* What toban-net sees on the LAN: carrier, probes, references, announcements of the address by
 * others. */
#include "cluster/adapters/address_helper_internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
    FRAMES_PER_TURN_MAX = 64,
    REFERENCE_TELL_MS = 250,
    ANNOUNCED_TELL_MS = 100, /* the same hardware address again, so soon, is not told again */
};

static void tell_carrier(struct address_helper *helper, enum address_interface which)
{
    struct address_message fact = {.kind = ADDRESS_CARRIER};

    fact.carrier.interface = which;
    fact.carrier.up = address_kernel_interface(helper->kernel, which)->up;
    helper->carrier_told[which] = fact.carrier.up;
    helper_tell(helper, &fact);
}

void helper_tell_carriers(struct address_helper *helper)
{
    tell_carrier(helper, ADDRESS_LAN);
    tell_carrier(helper, ADDRESS_DIRECT);
}

static void tell_probed(struct address_helper *helper, enum address_probe_result result,
                        const uint8_t *mac)
{
    struct address_message fact = {.kind = ADDRESS_PROBED};

    fact.probed.id = helper->probe.id;
    fact.probed.result = result;
    if (mac != NULL) {
        memcpy(fact.probed.mac, mac, ADDRESS_MAC_BYTES);
    }
    helper_end_probe(helper);
    helper_tell(helper, &fact);
}

void helper_end_probe(struct address_helper *helper)
{
    helper->probe.running = false;
    (void)sd_event_source_set_enabled(helper->probe_source, SD_EVENT_OFF);
}

static void ask_for_address(struct address_helper *helper)
{
    const struct address_kernel_interface *lan =
        address_kernel_interface(helper->kernel, ADDRESS_LAN);

    if (!lan->up || helper->arp_fd < 0 ||
        address_arp_ask(helper->arp_fd, lan->mac, 0, helper->options.floating) < 0) {
        helper->probe.unable = true;
    }
    helper->probe.asked_count++;
}

void helper_begin_probe(struct address_helper *helper, uint32_t id, uint16_t bound_ms)
{
    if (helper->probe.running) {
        tell_probed(helper, ADDRESS_PROBE_UNABLE, NULL); /* every probe gets its answer */
    }
    helper->probe = (struct helper_probe){.running = true, .id = id, .bound_ms = bound_ms};
    ask_for_address(helper);
    helper_arm(helper->probe_source, bound_ms / HELPER_PROBE_ASKS);
}

int helper_on_probe(sd_event_source *source, uint64_t at_us, void *context)
{
    struct address_helper *helper = context;

    (void)source;
    (void)at_us;
    if (!helper->probe.running) {
        return 0;
    }
    if (helper->probe.asked_count >= HELPER_PROBE_ASKS) {
        tell_probed(helper, helper->probe.unable ? ADDRESS_PROBE_UNABLE : ADDRESS_PROBE_SILENT,
                    NULL);
        return 0;
    }
    ask_for_address(helper);
    helper_arm(helper->probe_source, helper->probe.bound_ms / HELPER_PROBE_ASKS);
    return 0;
}

static void note_holder(struct address_helper *helper, const struct address_arp *arp)
{
    struct address_message fact = {.kind = ADDRESS_ANNOUNCED};
    uint64_t now_ms = helper_now_ms();
    bool same = memcmp(arp->sender_mac, helper->announced_mac, ADDRESS_MAC_BYTES) == 0;

    if (helper->probe.running) {
        tell_probed(helper, ADDRESS_PROBE_ANSWERED, arp->sender_mac);
    }
    if (same && now_ms - helper->announced_told_ms < ANNOUNCED_TELL_MS) {
        return;
    }
    helper->announced_told_ms = now_ms;
    memcpy(helper->announced_mac, arp->sender_mac, ADDRESS_MAC_BYTES);
    memcpy(fact.announced.mac, arp->sender_mac, ADDRESS_MAC_BYTES);
    fact.announced.held = helper->held && !helper->leaving; /* else it is no conflict */
    helper_tell(helper, &fact);
}

static void note_reference(struct address_helper *helper, size_t index)
{
    struct address_message fact = {.kind = ADDRESS_REFERENCE};
    uint64_t now_ms = helper_now_ms();

    if (now_ms - helper->reference_told_ms[index] < REFERENCE_TELL_MS) {
        return;
    }
    helper->reference_told_ms[index] = now_ms;
    fact.reference.index = (uint8_t)index;
    fact.reference.address = helper->options.references[index];
    helper_tell(helper, &fact);
}

static void note_frame(struct address_helper *helper, const struct address_arp *arp)
{
    const struct address_kernel_interface *lan =
        address_kernel_interface(helper->kernel, ADDRESS_LAN);

    if (memcmp(arp->sender_mac, lan->mac, ADDRESS_MAC_BYTES) == 0) {
        return; /* our own, come back through a loop */
    }
    if (arp->sender == helper->options.floating) {
        note_holder(helper, arp);
        return;
    }
    for (size_t i = 0; i < helper->options.reference_count; i++) {
        if (arp->sender == helper->options.references[i]) {
            note_reference(helper, i);
        }
    }
}

static void close_arp(struct address_helper *helper)
{
    helper->arp_source = sd_event_source_disable_unref(helper->arp_source);
    if (helper->arp_fd >= 0) {
        (void)close(helper->arp_fd);
    }
    helper->arp_fd = -1;
    helper->arp_interface_index = 0;
}

static int on_arp(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct address_helper *helper = context;

    (void)source;
    (void)events;
    for (int i = 0; i < FRAMES_PER_TURN_MAX; i++) {
        struct address_arp arp;
        int r = address_arp_receive(fd, &arp);

        if (r == 1) {
            note_frame(helper, &arp);
        } else if (r == 0) {
            return 0;
        } else if (r != -ESTALE) {
            close_arp(helper); /* the interface went; the reference timer opens it again */
            return 0;
        }
    }
    return 0;
}

static void open_arp(struct address_helper *helper)
{
    int index = address_kernel_interface(helper->kernel, ADDRESS_LAN)->index;

    if (helper->arp_fd >= 0 && helper->arp_interface_index == index) {
        return;
    }
    close_arp(helper);
    if (index == 0) {
        return;
    }
    helper->arp_fd = address_arp_open(index);
    if (helper->arp_fd < 0 || sd_event_add_io(helper->options.event, &helper->arp_source,
                                              helper->arp_fd, EPOLLIN, on_arp, helper) < 0) {
        close_arp(helper);
        return;
    }
    helper->arp_interface_index = index;
}

static void ask_references(struct address_helper *helper)
{
    const struct address_kernel_interface *lan =
        address_kernel_interface(helper->kernel, ADDRESS_LAN);
    uint32_t own = address_primary(lan->name);

    /* With an address of our own only: asking from 0.0.0.0 would look like a fight for the
     * reference's address to a device that starts (RFC 5227 2.1.1); from the floating one, like a
     * claim to it. */
    if (!lan->up || helper->arp_fd < 0 || own == 0 || own == helper->options.floating) {
        return;
    }
    for (size_t i = 0; i < helper->options.reference_count; i++) {
        (void)address_arp_ask(helper->arp_fd, lan->mac, own, helper->options.references[i]);
    }
}

int helper_on_reference(sd_event_source *source, uint64_t at_us, void *context)
{
    struct address_helper *helper = context;

    (void)source;
    (void)at_us;
    address_kernel_look_again(helper->kernel);
    open_arp(helper);
    ask_references(helper);
    helper_arm(helper->reference_source, ADDRESS_REFERENCE_MS);
    return 0;
}

static void on_link(void *context)
{
    struct address_helper *helper = context;
    bool lan_up;

    if (helper->kernel == NULL) {
        return; /* the first dump, while the kernel adapter is being made */
    }
    lan_up = address_kernel_interface(helper->kernel, ADDRESS_LAN)->up;
    open_arp(helper);
    if (helper->probe.running && !lan_up) {
        helper->probe.unable = true;
    }
    if (lan_up && !helper->carrier_told[ADDRESS_LAN]) {
        helper_announce_again(helper); /* the switch may have forgotten us */
        ask_references(helper);
    }
    for (enum address_interface which = ADDRESS_LAN; which < ADDRESS_INTERFACE_COUNT; which++) {
        if (address_kernel_interface(helper->kernel, which)->up != helper->carrier_told[which]) {
            tell_carrier(helper, which);
        }
    }
}

static void on_address(void *context)
{
    struct address_helper *helper = context;

    if (helper->kernel != NULL) {
        helper_check_held(helper);
    }
}

int helper_open_kernel(struct address_helper *helper)
{
    struct address_kernel_options options = {
        .event = helper->options.event,
        .interface_names = {helper->options.lan_interface, helper->options.direct_interface},
        .floating = helper->options.floating,
        .floating_prefix_bits = helper->options.floating_prefix_bits,
        .on_link = on_link,
        .on_address = on_address,
        .context = helper,
    };
    int r = address_kernel_create(&options, &helper->kernel);

    if (r < 0) {
        return r;
    }
    helper_arm(helper->reference_source, 0);
    open_arp(helper);
    return 0;
}
