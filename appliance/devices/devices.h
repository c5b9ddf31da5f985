/*
 * appliance/devices/devices.h - toban-devices: the driver of a unit's ticket printers.
 *
 * Decides: which printer gets an order, and when an order is given up. Decides not: what may be printed, nor
 * whether a paper is an original (toband, appliance/engine/engine_print.c). Unprivileged; holds no ledger, no key;
 * speaks to toband's socket and to the printers that the site file names.
 *
 * It prints for the unit on duty only. A printer cannot refuse an order of an older term, so the driver does: it
 * connects to printers only while its toband serves, drops what waits when that ends or a higher term is named,
 * and never sends an order twice: only one that no printer has got a byte of goes to the next printer.
 */
#ifndef APPLIANCE_DEVICES_DEVICES_H
#define APPLIANCE_DEVICES_DEVICES_H

#include "appliance/adapters/site_cyaml.h"

#include <systemd/sd-event.h>

enum devices_limit {
    DEVICES_ORDERS_MAX = 64,
    DEVICES_ORDER_MS_MAX = 12000, /* untouched for so long: given back */
    DEVICES_BUSY_MS = 4000,       /* a ticket takes about one second */
    DEVICES_READY_MS = 2500,      /* so long a printer is waited for that is not known yet */
};

struct devices;

struct devices_options {
    sd_event *event;
    const struct site *site; /* borrowed */
    const char *engine_socket;
    const char *font_dir;    /* NULL: Debian's */
};

int devices_create(const struct devices_options *options, struct devices **ret_devices);
void devices_destroy(struct devices *devices);

#endif
