/*
 * appliance/engine/settings.h - what toband is told at its start: its command line, which systemd or the
 * office on one machine writes, the site file, and how punctual the process is. No ledger or socket is opened here.
 */
#ifndef APPLIANCE_ENGINE_SETTINGS_H
#define APPLIANCE_ENGINE_SETTINGS_H

#include "appliance/adapters/site_cyaml.h"
#include "appliance/calendar/calendar.h"
#include "base/ids.h"

#include <stdbool.h>
#include <stdint.h>

/* Texts are borrowed from argv. NULL: not given. */
struct settings {
    uint32_t unit, peer_unit;
    const char *serial, *data_dir, *record_dir, *socket_path, *site_path, *clock_path;
    const char *certificate, *key, *ca;
    const char *service_local, *service_peer, *direct_local, *direct_peer;
    const char *net_socket, *trace_path;
    const char *watchdog_socket; /* NULL: no watch chain */
    int64_t clock_offset_ms;
    uint64_t snapshot_entries; /* engine.h; 0: its default */
    const char *feed_user;     /* whom toban-web --feed runs as; likewise */
    const char *driver_user;   /* whom toban-devices runs as; NULL: as toband, or root */
};

/* The site file as it stands: what a new ledger begins with. */
struct settings_text {
    uint8_t bytes[SITE_FILE_BYTES_MAX];
    size_t len_bytes;
};

/* false: unknown, missing or superfluous arguments. */
bool settings_parse(int argc, char **argv, struct settings *settings);
/* The site file, its text, and the opening days that follow from it; false, and why on stderr in both languages. */
bool settings_load_site(const struct settings *settings, struct site *ret_site,
                        struct settings_text *ret_text, struct calendar *ret_calendar);
/* NULL: the site has no such unit. */
const struct site_unit *settings_unit_of(const struct site *site, uint32_t id);
/* The key that a term names a box by, from the serial that stands on it. */
void settings_hardware_of(const char *serial, struct ids_token *ret_hardware);
/* For this process and all its threads to come. */
void settings_become_punctual(void);
/* The office on one machine: what its clock file says is added to the wall clock. */
void settings_read_clock(struct settings *settings);

#endif
