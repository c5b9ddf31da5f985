/*
 * appliance/engine/watching.h - toband's end of the watch chain (DESIGN 5): its proofs, and what it is told.
 *
 * A proof says that the loop turned, how long a write of the ledger or of the canary has been owed, how long corosync
 * has not answered, and whether this unit wants its address. It is sent from the loop itself, never from a thread: a
 * loop that hangs says nothing. What follows from it is watchdog/pet's. Without a socket (the office on one machine,
 * tests) there is nothing of all this, and `armed` stays false.
 */
#ifndef APPLIANCE_ENGINE_WATCHING_H
#define APPLIANCE_ENGINE_WATCHING_H

#include "cluster/adapters/membership.h"
#include "watchdog/pet/pet.h"

#include <systemd/sd-event.h>

struct watching;
typedef void watching_told_fn(void *context, const struct pet_facts *facts);

struct watching_options {
    sd_event *event;
    const char *socket_path;
    const char *data_dir; /* of the canary: the disk that holds the ledger */
    struct membership *const *membership; /* NULL in it: a unit without a peer asks corosync nothing */
    const bool *address_wanted;
    watching_told_fn *told; /* once a second while the watchdog is there */
    void *context;
};

/* 0 or negative errno. */
int watching_create(const struct watching_options *options, struct watching **ret_watching);
void watching_destroy(struct watching *watching);
/* A batch went to the writer thread; it came back. NULL is fine. */
void watching_store_begun(struct watching *watching, uint64_t now_ms);
void watching_stored(struct watching *watching);

#endif
