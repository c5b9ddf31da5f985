/*
 * appliance/gateway/engine_link.h - the connection to toband: a UNIX stream socket on the event loop.
 *
 * Decides: when to connect again (backoff GATEWAY_RECONNECT_MS_*), how bytes become frames. A frame that
 * cannot be decoded ends the connection; the next one starts clean. Decides not: what is sent again
 * after a break, nor what replies mean: forward.c does. Frames sent while down are refused.
 *
 * Calls forward_engine_up/down/state/reply and stream_queue_event of internal.h; bodies are borrowed
 * until they return. engine_link_send only collects; engine_link_flush writes what was collected in one
 * piece, so that a burst of requests costs one system call.
 */
#ifndef APPLIANCE_GATEWAY_ENGINE_LINK_H
#define APPLIANCE_GATEWAY_ENGINE_LINK_H

#include "appliance/engine/api.h"

#include <stdbool.h>
#include <systemd/sd-event.h>

struct engine_link;
struct feed_in;
struct gateway;

int engine_link_create(sd_event *event, const char *path, struct gateway *gateway,
                       struct engine_link **ret_link);
void engine_link_destroy(struct engine_link *link);
bool engine_link_is_up(const struct engine_link *link);
/* false: down, or no room. */
bool engine_link_send(struct engine_link *link, const struct api_request *request);
void engine_link_flush(struct engine_link *link);
/* On a relay, whose pair connects to it (feed.h); NULL on a unit. */
const struct feed_in *engine_link_feed(const struct engine_link *link);

#endif
