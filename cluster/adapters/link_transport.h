/*
 * cluster/adapters/link_transport.h - whole messages to and from one address, by nanomsg; trusts
 * none.
 *
 * Decides: nothing about content. A PULL socket bound to the own address receives from anybody, a
 * PUSH socket connected to the peer's sends to the peer's address only. Success of sending means
 * nothing (reliability.md 6); a stuck TCP connection is ended by renewing the socket, since nanomsg
 * offers no timeout. Used by link.c only.
 */
#ifndef CLUSTER_ADAPTERS_LINK_TRANSPORT_H
#define CLUSTER_ADAPTERS_LINK_TRANSPORT_H

#include "cluster/adapters/link.h"

struct link_transport;

typedef void link_message_fn(void *context, const uint8_t *bytes, size_t len_bytes);

struct link_transport_options {
    sd_event *event;
    struct link_endpoint endpoint; /* ports filled in */
    link_message_fn *on_message;
    void (*on_room)(void *context); /* after a refused one: half of the queue is free */
    void *context;
};

int link_transport_create(const struct link_transport_options *options,
                          struct link_transport **ret_transport);
void link_transport_destroy(struct link_transport *transport);
/* Memory for one message, NULL when there is none; handed over by link_transport_send. */
uint8_t *link_transport_allocate(size_t len_bytes);
/* False: so many bytes would not fit in the queue now. */
bool link_transport_has_room(struct link_transport *transport, size_t len_bytes);
/* Queues it, in order; dropped when there is no room (ask first). `owner`: for forget. */
void link_transport_send(struct link_transport *transport, uint64_t owner, uint8_t *message,
                         size_t len_bytes);
/* Drops what is still queued of that owner. */
void link_transport_forget(struct link_transport *transport, uint64_t owner);
/* A new connection to the peer; what the old one still carried is lost. */
void link_transport_renew(struct link_transport *transport);
/* When more than max connections hang on the own port, all of them are dropped: true. */
bool link_transport_shed(struct link_transport *transport, uint64_t connections_max);
size_t link_transport_queued_bytes(const struct link_transport *transport);

#endif
