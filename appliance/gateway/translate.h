/*
 * appliance/gateway/translate.h - a matched route and its body become one request to the engine.
 *
 * Pure: no I/O, no allocation. The request's id is the sender's to fill in.
 */
#ifndef APPLIANCE_GATEWAY_TRANSLATE_H
#define APPLIANCE_GATEWAY_TRANSLATE_H

#include "appliance/engine/api.h"
#include "appliance/gateway/body.h"
#include "appliance/gateway/problem.h"
#include "appliance/gateway/route.h"

/* key and body_hash matter to commands only. PROBLEM_NONE, or a body whose members contradict. */
enum problem translate_request(const struct route_match *match, const struct body *body,
                               const struct ids_token *key, uint64_t body_hash,
                               struct api_request *ret_request);
/* 1 to GATEWAY_KEY_BYTES_MAX visible ASCII characters. */
bool translate_key_is_valid(const char *key, size_t len_bytes);

#endif
