/*
 * appliance/adapters/client_socket.h - the UNIX socket that toban-web, toban and tests connect to.
 *
 * Decides: framing of the stream (appliance/engine/api.h gives the lengths), and when a client that does
 * not read is cut off. Decides not: what frames mean. Driven by the caller's sd_event; nothing blocks.
 * Replies of one turn leave in one write. Limits: clients, one request's bytes, unread output.
 */
#ifndef APPLIANCE_ADAPTERS_CLIENT_SOCKET_H
#define APPLIANCE_ADAPTERS_CLIENT_SOCKET_H

#include "appliance/engine/api.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct client_socket;

enum client_socket_limit {
    CLIENT_SOCKET_CLIENTS_MAX = 128,
    CLIENT_SOCKET_OUTPUT_BYTES_MAX = 16 * 1024 * 1024, /* unread: the client is cut off */
};

/* len_bytes 0: the client has connected. The frame is borrowed until return. */
typedef void client_socket_frame_fn(void *context, uint64_t client, enum api_peer peer,
                                    const uint8_t *frame, size_t len_bytes);
typedef void client_socket_gone_fn(void *context, uint64_t client);

struct client_socket_options {
    sd_event *event;
    const char *path;        /* an old socket file there is replaced */
    const char *feed_user;   /* who is API_PEER_FEED; likewise */
    const char *driver_user; /* who is API_PEER_DRIVER; NULL: nobody. An unknown name: -ENOENT */
    client_socket_frame_fn *on_frame;
    client_socket_gone_fn *on_gone;
    void *context;
};

int client_socket_create(const struct client_socket_options *options,
                         struct client_socket **ret_socket);
void client_socket_destroy(struct client_socket *owner);
/* Queues header and body; an unknown id is ignored: it has gone. */
void client_socket_send(struct client_socket *owner, uint64_t id, const void *header,
                        size_t header_len_bytes, const void *body, size_t body_len_bytes);

#endif
