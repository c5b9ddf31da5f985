/*
 * appliance/devices/toband.h - the connection to toband's socket: frames in, frames out, again when it breaks.
 *
 * Decides nothing. Output is bounded: what toband does not read ends the connection.
 */
#ifndef APPLIANCE_DEVICES_TOBAND_H
#define APPLIANCE_DEVICES_TOBAND_H

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct toband;

struct toband_options {
    sd_event *event;
    const char *path;
    /* One whole frame, borrowed; len_bytes 0: the connection is there; NULL: it is gone. */
    void (*on_frame)(void *context, const uint8_t *frame, size_t len_bytes);
    void *context;
};

int toband_create(const struct toband_options *options, struct toband **ret_toband);
void toband_destroy(struct toband *toband);
/* Lost when there is no connection. */
void toband_send(struct toband *toband, const uint8_t *frame, size_t len_bytes);

#endif
