/*
 * appliance/adapters/derive.h - 32 bytes out of a password or a PIN, slowly (scrypt, RFC 7914), by OpenSSL.
 *
 * Decides: how much work a guess costs: N 2^14, r 8, p 5 - some 16 MiB and a quarter of a second of one core.
 * Decides not: what is done with the result. Used where a password is typed (gateway, command line), never in
 * toband's loop. Whoever calls forgets the password and the result himself (derive_forget).
 */
#ifndef APPLIANCE_ADAPTERS_DERIVE_H
#define APPLIANCE_ADAPTERS_DERIVE_H

#include <stddef.h>
#include <stdint.h>

enum derive_limit { DERIVE_BYTES = 32, DERIVE_SALT_BYTES = 16 };

/* 0, -ENOMEM. */
int derive_password(const char *password, const uint8_t salt[DERIVE_SALT_BYTES],
                    uint8_t ret_derived[DERIVE_BYTES]);
/* SHA-256: what is known of a token. */
void derive_hash(const void *bytes, size_t len_bytes, uint8_t ret_hash[DERIVE_BYTES]);
/* 0, -EIO. */
int derive_random(void *bytes, size_t len_bytes);
/* Overwrites in a way the compiler keeps. */
void derive_forget(void *bytes, size_t len_bytes);

#endif
