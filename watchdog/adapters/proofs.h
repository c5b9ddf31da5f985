/*
 * watchdog/adapters/proofs.h - the watchdog's UNIX socket: both ends.
 *
 * SOCK_SEQPACKET, one packet of pet.h a message; nothing blocks. The listener lets in two programs, each by its
 * user, one connection each: a second one of the same program is refused while the first stands. Its process is
 * known by the kernel's word (SO_PEERCRED) and held by a pidfd, so that ending it can never meet another process.
 * A packet that is not of its sender's kind cuts the connection. Decides nothing about progress: that is
 * watchdog/pet's.
 * Errors: 0 or negative errno.
 */
#ifndef WATCHDOG_ADAPTERS_PROOFS_H
#define WATCHDOG_ADAPTERS_PROOFS_H

#include "watchdog/pet/pet.h"

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

enum proofs_limit { PROOFS_UNNAMED_MAX = 4, PROOFS_UNNAMED_MS_MAX = 1000, PROOFS_RETRY_MS = 500 };

/* ---- the watchdog's end ---- */

struct proofs;
typedef void proofs_said_fn(void *context, enum pet_process process, const uint8_t *bytes, size_t len_bytes);
typedef void proofs_ended_fn(void *context, enum pet_process process);

struct proofs_options {
    sd_event *event;
    const char *path; /* an old socket file there is replaced */
    uid_t toband_uid, net_uid;
    proofs_said_fn *on_said;   /* PET_TOBAND or PET_TOBAN_NET; whole, but not yet decoded */
    proofs_ended_fn *on_ended; /* its connection ended */
    void *context;
};

int proofs_create(const struct proofs_options *options, struct proofs **ret_proofs);
void proofs_destroy(struct proofs *proofs);
/* SIGKILL. -ESRCH: not connected, or gone. */
int proofs_end_process(struct proofs *proofs, enum pet_process process);
/* To toband, if it is connected and reads; else lost. */
void proofs_tell(struct proofs *proofs, const uint8_t *bytes, size_t len_bytes);
/* What it said is not of its kind: the connection is cut. */
void proofs_refuse(struct proofs *proofs, enum pet_process process);

/* ---- toband's and toban-net's end ---- */

struct proof_sender;
typedef void proof_facts_fn(void *context, const struct pet_facts *facts);

/* Connects when it can, again after PROOFS_RETRY_MS; a watchdog that is not there costs nothing but the attempt.
 * on_facts may be NULL. */
int proof_sender_create(sd_event *event, const char *path, proof_facts_fn *on_facts, void *context,
                        struct proof_sender **ret_sender);
void proof_sender_destroy(struct proof_sender *sender);
void proof_sender_say(struct proof_sender *sender, const uint8_t *bytes, size_t len_bytes);

#endif
