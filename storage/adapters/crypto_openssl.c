#include "storage/adapters/crypto.h"

#include "base/check.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <limits.h>
#include <stdlib.h>

/*
 * A failing primitive is CHECKed: it means that OpenSSL is missing or memory is gone, never that
 * bytes from outside are bad. The only answer that bytes can cause is a seal that does not open.
 */
struct keyed {
    EVP_CIPHER_CTX *cipher;
    struct crypto_key key; /* whose schedule the context holds */
    bool ready;
};

struct crypto {
    EVP_MD *sha256;
    EVP_MD_CTX *digest;
    EVP_CIPHER *aes256_gcm;
    struct keyed sealing, opening;
    EVP_KDF *hkdf;
};

struct crypto *crypto_create(void)
{
    struct crypto *crypto = calloc(1, sizeof(*crypto));

    if (crypto == NULL) {
        return NULL;
    }
    crypto->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    crypto->digest = EVP_MD_CTX_new();
    crypto->aes256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    crypto->sealing.cipher = EVP_CIPHER_CTX_new();
    crypto->opening.cipher = EVP_CIPHER_CTX_new();
    crypto->hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    if (crypto->sha256 == NULL || crypto->digest == NULL || crypto->aes256_gcm == NULL ||
        crypto->sealing.cipher == NULL || crypto->opening.cipher == NULL || crypto->hkdf == NULL) {
        crypto_destroy(crypto);
        return NULL;
    }
    return crypto;
}

void crypto_destroy(struct crypto *crypto)
{
    if (crypto == NULL) {
        return;
    }
    crypto_forget_keys(crypto);
    EVP_KDF_free(crypto->hkdf);
    EVP_CIPHER_CTX_free(crypto->sealing.cipher);
    EVP_CIPHER_CTX_free(crypto->opening.cipher);
    EVP_CIPHER_free(crypto->aes256_gcm);
    EVP_MD_CTX_free(crypto->digest);
    EVP_MD_free(crypto->sha256);
    free(crypto);
}

void crypto_hash(struct crypto *crypto, const void *a, size_t a_len_bytes, const void *b,
                 size_t b_len_bytes, struct ids_hash *ret_hash)
{
    unsigned len_bytes = 0;

    CHECK_GIVEN(EVP_DigestInit_ex2(crypto->digest, crypto->sha256, NULL) == 1);
    CHECK_GIVEN(EVP_DigestUpdate(crypto->digest, a, a_len_bytes) == 1);
    CHECK_GIVEN(b_len_bytes == 0 || EVP_DigestUpdate(crypto->digest, b, b_len_bytes) == 1);
    CHECK_GIVEN(EVP_DigestFinal_ex(crypto->digest, ret_hash->bytes, &len_bytes) == 1);
    CHECK(len_bytes == sizeof(ret_hash->bytes));
}

void crypto_chain(struct crypto *crypto, const struct ids_hash *previous, const void *bytes,
                  size_t len_bytes, struct ids_hash *ret_hash)
{
    crypto_hash(crypto, previous->bytes, sizeof(previous->bytes), bytes, len_bytes, ret_hash);
}

/* RFC 5869 extract and expand, without salt: the day's key is uniformly random already. */
void crypto_derive(struct crypto *crypto, const struct crypto_key *key, const void *info,
                   size_t info_len_bytes, struct crypto_key *ret_key)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key->bytes,
                                          sizeof(key->bytes)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info, info_len_bytes),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(crypto->hkdf);

    CHECK_GIVEN(context != NULL);
    CHECK_GIVEN(EVP_KDF_derive(context, ret_key->bytes, sizeof(ret_key->bytes), params) == 1);
    EVP_KDF_CTX_free(context);
}

/* One key after the other is rare, one entry after the other is not: the key's schedule is kept. */
static const uint8_t *key_if_new(struct keyed *keyed, const struct crypto_key *key)
{
    if (keyed->ready && CRYPTO_memcmp(keyed->key.bytes, key->bytes, sizeof(key->bytes)) == 0) {
        return NULL;
    }
    keyed->key = *key;
    keyed->ready = true;
    return key->bytes;
}

void crypto_forget_keys(struct crypto *crypto)
{
    struct keyed *const all[] = {&crypto->sealing, &crypto->opening};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        CHECK_GIVEN(EVP_CIPHER_CTX_reset(all[i]->cipher) == 1);
        OPENSSL_cleanse(&all[i]->key, sizeof(all[i]->key));
        all[i]->ready = false;
    }
}

void crypto_seal(struct crypto *crypto, const struct crypto_key *key,
                 const uint8_t nonce[CRYPTO_NONCE_BYTES], const void *aad, size_t aad_len_bytes,
                 const void *plain, size_t len_bytes, uint8_t *ret_sealed)
{
    EVP_CIPHER_CTX *cipher = crypto->sealing.cipher;
    uint8_t *ciphertext = ret_sealed + CRYPTO_NONCE_BYTES;
    const uint8_t *key_bytes;
    int written = 0;

    CHECK(aad_len_bytes <= INT_MAX && len_bytes <= INT_MAX);
    key_bytes = key_if_new(&crypto->sealing, key);
    CHECK_GIVEN(EVP_EncryptInit_ex2(cipher, key_bytes == NULL ? NULL : crypto->aes256_gcm,
                                    key_bytes, nonce, NULL) == 1);
    CHECK_GIVEN(aad_len_bytes == 0 ||
                EVP_EncryptUpdate(cipher, NULL, &written, aad, (int)aad_len_bytes) == 1);
    CHECK_GIVEN(len_bytes == 0 ||
                (EVP_EncryptUpdate(cipher, ciphertext, &written, plain, (int)len_bytes) == 1 &&
                 written == (int)len_bytes));
    CHECK_GIVEN(EVP_EncryptFinal_ex(cipher, ciphertext + len_bytes, &written) == 1 && written == 0);
    CHECK_GIVEN(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, CRYPTO_TAG_BYTES,
                                    ciphertext + len_bytes) == 1);
    for (size_t i = 0; i < CRYPTO_NONCE_BYTES; i++) {
        ret_sealed[i] = nonce[i];
    }
}

bool crypto_open(struct crypto *crypto, const struct crypto_key *key, const void *aad,
                 size_t aad_len_bytes, const uint8_t *sealed, size_t len_bytes, uint8_t *ret_plain)
{
    EVP_CIPHER_CTX *cipher = crypto->opening.cipher;
    uint8_t tag[CRYPTO_TAG_BYTES];
    uint8_t nothing[1];
    const uint8_t *key_bytes;
    int written = 0;

    if (len_bytes < CRYPTO_NONCE_BYTES + CRYPTO_TAG_BYTES || len_bytes > INT_MAX ||
        aad_len_bytes > INT_MAX) {
        return false;
    }
    size_t plain_len_bytes = len_bytes - CRYPTO_NONCE_BYTES - CRYPTO_TAG_BYTES;
    const uint8_t *ciphertext = sealed + CRYPTO_NONCE_BYTES;

    for (size_t i = 0; i < CRYPTO_TAG_BYTES; i++) {
        tag[i] = ciphertext[plain_len_bytes + i];
    }
    key_bytes = key_if_new(&crypto->opening, key);
    CHECK_GIVEN(EVP_DecryptInit_ex2(cipher, key_bytes == NULL ? NULL : crypto->aes256_gcm,
                                    key_bytes, sealed, NULL) == 1);
    CHECK_GIVEN(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, CRYPTO_TAG_BYTES, tag) == 1);
    CHECK_GIVEN(aad_len_bytes == 0 ||
                EVP_DecryptUpdate(cipher, NULL, &written, aad, (int)aad_len_bytes) == 1);
    CHECK_GIVEN(plain_len_bytes == 0 || EVP_DecryptUpdate(cipher, ret_plain, &written, ciphertext,
                                                          (int)plain_len_bytes) == 1);
    if (EVP_DecryptFinal_ex(cipher, nothing, &written) != 1) {
        /* What was decrypted before the tag was seen to be wrong must not be used by anybody. */
        OPENSSL_cleanse(ret_plain, plain_len_bytes);
        return false;
    }
    return true;
}

void crypto_random(void *bytes, size_t len_bytes)
{
    CHECK(len_bytes <= INT_MAX);
    CHECK_GIVEN(RAND_priv_bytes(bytes, (int)len_bytes) == 1);
}

void crypto_forget(void *bytes, size_t len_bytes)
{
    OPENSSL_cleanse(bytes, len_bytes);
}

enum { TOTP_COUNTER_BYTES = 8, TOTP_OFFSET_MASK = 0x0f, TOTP_MODULUS = 1000000, SHA1_BYTES = 20 };

/* RFC 4226 5.3: four bytes from where the last one points, without the sign. */
uint32_t crypto_totp(const void *key, size_t key_len_bytes, uint64_t step)
{
    uint8_t counter[TOTP_COUNTER_BYTES], mac[EVP_MAX_MD_SIZE];
    unsigned len_bytes = 0;
    uint32_t value = 0;
    size_t offset;

    for (size_t i = 0; i < TOTP_COUNTER_BYTES; i++) {
        counter[i] = (uint8_t)(step >> 8 * (TOTP_COUNTER_BYTES - 1 - i));
    }
    CHECK(key_len_bytes <= INT_MAX &&
          HMAC(EVP_sha1(), key, (int)key_len_bytes, counter, sizeof(counter), mac, &len_bytes) !=
              NULL &&
          len_bytes == SHA1_BYTES);
    offset = mac[SHA1_BYTES - 1] & TOTP_OFFSET_MASK;
    for (size_t i = 0; i < sizeof(value); i++) {
        value = value << 8 | mac[offset + i];
    }
    return (value & INT32_MAX) % TOTP_MODULUS;
}

bool crypto_equal(const void *a, const void *b, size_t len_bytes)
{
    return CRYPTO_memcmp(a, b, len_bytes) == 0;
}
