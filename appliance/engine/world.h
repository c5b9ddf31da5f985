/*
 * appliance/engine/world.h - the one seam between the engine and the world.
 *
 * The engine calls these; the world answers by events (engine.h). main.c fills the table with adapters,
 * tests/sim with a simulated world: the simulator runs the shipped engine. No operation blocks on a disk
 * or a peer, except the bounded reads of this unit's own ledger. Errors: 0 or negative errno.
 */
#ifndef APPLIANCE_ENGINE_WORLD_H
#define APPLIANCE_ENGINE_WORLD_H

#include "storage/adapters/ledger.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum world_link { WORLD_LINK_SERVICE = 0, WORLD_LINK_DIRECT = 1, WORLD_LINK_COUNT = 2 };
enum world_address { WORLD_ADDRESS_PROBE, WORLD_ADDRESS_TAKE, WORLD_ADDRESS_DROP };

struct world {
    void *context;

    /* Durable in the order ledger.h says, then ENGINE_STORED. One at a time; borrowed until then. */
    int (*store)(void *context, const struct ledger_batch *batch);
    int (*read_entries)(void *context, uint64_t from_lsn, uint64_t to_lsn, ledger_each_fn *each,
                        void *each_context);
    int (*read_meta)(void *context, const char *name, uint8_t *bytes, size_t capacity_bytes,
                     size_t *ret_len_bytes);
    int (*read_keys)(void *context, struct ledger_day_key *keys, size_t max, size_t *ret_count);
    int (*read_record)(void *context, uint8_t *bytes, size_t capacity_bytes, size_t *ret_len_bytes);
    void (*read_info)(void *context, struct ledger_info *ret_info);

    /* As ledger_snapshot_* and ledger_incoming_*: -EINPROGRESS is asked again. After incoming_finish
     * said 0 the process must start anew. */
    int (*snapshot_make)(void *context, uint64_t *ret_size_bytes, uint64_t *ret_last_lsn,
                         struct ids_hash *ret_hash);
    int (*snapshot_read)(void *context, uint64_t offset_bytes, uint8_t *bytes, size_t capacity_bytes,
                         size_t *ret_len_bytes);
    void (*snapshot_discard)(void *context);
    int (*incoming_begin)(void *context, uint64_t size_bytes, const struct ids_hash *hash,
                          uint64_t *ret_have_bytes);
    int (*incoming_write)(void *context, uint64_t offset_bytes, const uint8_t *bytes,
                          size_t len_bytes);
    int (*incoming_finish)(void *context, const struct ledger_put *metas, size_t meta_count);

    /* May be lost; -ENOTCONN, -EAGAIN: was lost. */
    int (*send)(void *context, enum world_link link, const uint8_t *frame, size_t len_bytes);

    /* The peer is mute: whatever its links still hold is given up, and met anew. */
    void (*reset_links)(void *context);

    /* PROBE is answered by ENGINE_PROBED; TAKE also announces again. */
    void (*address)(void *context, enum world_address order);

    /* Tells the clients of the unit that is gone, by tickle ACKs, that their connections are (rule 8):
     * u32 address and u16 port each, as the peer's ENGINE_CONNECTIONS listed them. */
    void (*tickle)(void *context, const uint8_t *connections, size_t len_bytes);

    /* A frame to a client of the UNIX socket; gone clients are ignored. */
    void (*reply)(void *context, uint64_t client, const uint8_t *header, size_t header_len_bytes,
                  const uint8_t *body, size_t body_len_bytes);

    void (*random)(void *context, void *bytes, size_t len_bytes);
    /* What happened, for the journal: one line, no visitor data. */
    void (*log)(void *context, const char *line);
    /* A duty event and the actions it gave, for `toban replay`; may be NULL. */
    void (*trace)(void *context, const void *event, size_t event_len_bytes, const void *actions,
                  size_t actions_len_bytes);
};

#endif
