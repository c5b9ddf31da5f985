/*
 * storage/adapters/crypto.h - hashes, seals and keys, by OpenSSL 3.
 *
 * Deterministic given its arguments (randomness comes from the caller, except crypto_random), so the
 * simulator uses the same code. Contexts are fetched once in struct crypto: one per thread.
 */
#ifndef STORAGE_ADAPTERS_CRYPTO_H
#define STORAGE_ADAPTERS_CRYPTO_H

#include "base/ids.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct crypto;

enum crypto_limit { CRYPTO_KEY_BYTES = 32, CRYPTO_NONCE_BYTES = 12, CRYPTO_TAG_BYTES = 16 };

struct crypto_key {
    uint8_t bytes[CRYPTO_KEY_BYTES];
};

struct crypto *crypto_create(void); /* NULL: no memory */
void crypto_destroy(struct crypto *crypto);

/* SHA-256(a || b); b may be NULL with length 0. */
void crypto_hash(struct crypto *crypto, const void *a, size_t a_len_bytes, const void *b,
                 size_t b_len_bytes, struct ids_hash *ret_hash);
/* The chain: SHA-256(previous || bytes). */
void crypto_chain(struct crypto *crypto, const struct ids_hash *previous, const void *bytes,
                  size_t len_bytes, struct ids_hash *ret_hash);
/* HKDF-SHA256(key, info): the key of one term or session from the day's key. */
void crypto_derive(struct crypto *crypto, const struct crypto_key *key, const void *info,
                   size_t info_len_bytes, struct crypto_key *ret_key);
/* AES-256-GCM. seal writes nonce || ciphertext || tag: len_bytes + 28 bytes. */
void crypto_seal(struct crypto *crypto, const struct crypto_key *key,
                 const uint8_t nonce[CRYPTO_NONCE_BYTES], const void *aad, size_t aad_len_bytes,
                 const void *plain, size_t len_bytes, uint8_t *ret_sealed);
/* False when the seal does not fit the key, the additional data or the bytes; len_bytes is that of the
 * sealed bytes; ret_plain takes len_bytes - 28. */
bool crypto_open(struct crypto *crypto, const struct crypto_key *key, const void *aad,
                 size_t aad_len_bytes, const uint8_t *sealed, size_t len_bytes, uint8_t *ret_plain);
/* Six digits of RFC 6238 (HMAC-SHA-1, steps of 30 s): what phones know. */
uint32_t crypto_totp(const void *key, size_t key_len_bytes, uint64_t step);
/* In a time that does not depend on where they differ. */
bool crypto_equal(const void *a, const void *b, size_t len_bytes);
/* The newest keys are kept, scheduled, until here: said when a key is destroyed. */
void crypto_forget_keys(struct crypto *crypto);
void crypto_random(void *bytes, size_t len_bytes);
/* Overwrites in a way the compiler keeps. */
void crypto_forget(void *bytes, size_t len_bytes);

#endif
