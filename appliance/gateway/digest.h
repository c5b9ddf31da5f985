/*
 * appliance/gateway/digest.h - SHA-256 by OpenSSL: idempotency keys, body hashes and entity tags.
 *
 * A key travels as the first 16 bytes of its hash; a body hash is the first 8 bytes of the hash of
 * method, path and raw body, each ended by a zero byte but the last, so that no two requests run
 * together. The context is made once: looking the algorithm up costs more than hashing a key.
 */
#ifndef APPLIANCE_GATEWAY_DIGEST_H
#define APPLIANCE_GATEWAY_DIGEST_H

#include "base/ids.h"

#include <stddef.h>
#include <stdint.h>

struct digest;

int digest_create(struct digest **ret_digest);
void digest_destroy(struct digest *digest);
struct ids_hash digest_of(struct digest *digest, const void *bytes, size_t len_bytes);
struct ids_token digest_key(struct digest *digest, const char *key, size_t len_bytes);
uint64_t digest_body(struct digest *digest, const char *method, const char *path, const void *body,
                     size_t len_bytes);

#endif
