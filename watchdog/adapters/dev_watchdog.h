/*
 * watchdog/adapters/dev_watchdog.h - the kernel's watchdog device.
 *
 * Opening it arms it. It is never disarmed: the letter that would do so is never written, so a crash, a kill and an
 * orderly end all leave it counting (field-ha 2). What the driver made of the asked timeout is read back; it may round.
 * Decides nothing: when to feed is watchdog/pet's. One opener: systemd's RuntimeWatchdogSec and corosync's
 * watchdog_device must be off. Errors: 0 or negative errno; -EBUSY: somebody else has it.
 */
#ifndef WATCHDOG_ADAPTERS_DEV_WATCHDOG_H
#define WATCHDOG_ADAPTERS_DEV_WATCHDOG_H

#include "watchdog/pet/pet.h"

#include <stdbool.h>
#include <stdint.h>

enum dev_watchdog_limit { DEV_WATCHDOG_IDENTITY_BYTES = 33, DEV_WATCHDOG_PATH_BYTES = 64 };

struct dev_watchdog {
    int fd; /* -1: not open */
    char identity[DEV_WATCHDOG_IDENTITY_BYTES];
    bool reset_by_it; /* WDIOF_CARDRESET: the last start of this machine was its doing, by its own word */
    struct pet_device facts;
};

/* path NULL: the first one of sysfs that is not softdog, else the first. facts are filled whenever it opened. */
int dev_watchdog_open(struct dev_watchdog *device, const char *path);
int dev_watchdog_feed(struct dev_watchdog *device);
/* For a shutdown: a longer timeout, one feed, and close. It goes on counting. */
void dev_watchdog_leave(struct dev_watchdog *device, uint32_t timeout_ms);

#endif
