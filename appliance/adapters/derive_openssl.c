#include "appliance/adapters/derive.h"

#include "base/check.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

enum {
    SCRYPT_N = 16384,
    SCRYPT_R = 8,
    SCRYPT_P = 5,
    SCRYPT_MEMORY_BYTES = 64 * 1024 * 1024,
};

int derive_password(const char *password, const uint8_t salt[DERIVE_SALT_BYTES],
                    uint8_t ret_derived[DERIVE_BYTES])
{
    return EVP_PBE_scrypt(password, strlen(password), salt, DERIVE_SALT_BYTES, SCRYPT_N, SCRYPT_R,
                          SCRYPT_P, SCRYPT_MEMORY_BYTES, ret_derived, DERIVE_BYTES) == 1
               ? 0
               : -ENOMEM;
}

void derive_hash(const void *bytes, size_t len_bytes, uint8_t ret_hash[DERIVE_BYTES])
{
    unsigned hash_bytes = 0;

    CHECK(EVP_Digest(bytes, len_bytes, ret_hash, &hash_bytes, EVP_sha256(), NULL) == 1 &&
          hash_bytes == DERIVE_BYTES);
}

int derive_random(void *bytes, size_t len_bytes)
{
    return RAND_bytes(bytes, (int)len_bytes) == 1 ? 0 : -EIO;
}

void derive_forget(void *bytes, size_t len_bytes)
{
    OPENSSL_cleanse(bytes, len_bytes);
}
