/*
 * appliance/engine/settings.h - what toband is told at its start: its command line, which systemd or the
 * office on one machine writes, and the opening days that follow from the site file. Nothing is opened here.
 */
#ifndef APPLIANCE_ENGINE_SETTINGS_H
#define APPLIANCE_ENGINE_SETTINGS_H

#include "appliance/adapters/site_cyaml.h"
#include "appliance/calendar/calendar.h"

#include <stdbool.h>
#include <stdint.h>

/* Texts are borrowed from argv. NULL: not given. */
struct settings {
    uint32_t unit, peer_unit;
    const char *serial, *data_dir, *record_dir, *socket_path, *site_path, *clock_path;
    const char *certificate, *key, *ca;
    const char *service_local, *service_peer, *direct_local, *direct_peer;
    const char *net_socket, *trace_path;
    int64_t clock_offset_ms;
    uint64_t snapshot_entries; /* engine.h; 0: its default */
};

/* false: unknown, missing or superfluous arguments. */
bool settings_parse(int argc, char **argv, struct settings *settings);
/* Hours, lead time and overrides of the site; false and a line on stderr when an override is refused. */
bool settings_make_calendar(const struct site *site, struct calendar *calendar);

#endif
