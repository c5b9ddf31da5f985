/*
 * appliance/devices/port.h - the connection to one printer: socket and clock around printer/printer.h.
 *
 * Decides nothing of its own. Nothing blocks; output is bounded by one job and one greeting. Driven by the
 * caller's sd_event; everything happens in its thread.
 */
#ifndef APPLIANCE_DEVICES_PORT_H
#define APPLIANCE_DEVICES_PORT_H

#include "appliance/adapters/site_cyaml.h"
#include "appliance/devices/paper/paper.h"
#include "appliance/devices/printer/printer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct port;

struct port_options {
    sd_event *event;
    const struct site_printer *printer; /* borrowed as long as the port lives */
    /* The floating address: a printer serves one connection at a time, and that of a unit without power would
     * keep it for as long as the printer likes. Called from the same address and port by the unit that has taken
     * over, it finds that the old connection is none, and takes the new one within about a second. */
    const char *source;
    /* The job that was given has ended. */
    void (*on_outcome)(void *context, struct port *port, enum printer_outcome outcome);
    /* Its condition may be another now. */
    void (*on_change)(void *context, struct port *port);
    void *context;
};

int port_create(const struct port_options *options, struct port **ret_port);
void port_destroy(struct port *port);
/* Level: does this unit serve? */
void port_want(struct port *port, bool on);
const struct printer *port_printer(const struct port *port);
const struct site_printer *port_site(const struct port *port);
/* Only while printer_is_free(). Copies the bytes. */
void port_print(struct port *port, const uint8_t *bytes, size_t len_bytes);

#endif
