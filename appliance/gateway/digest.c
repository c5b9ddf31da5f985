#include "appliance/gateway/digest.h"

#include "base/bytes.h"
#include "base/check.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct digest {
    EVP_MD *sha256;
    EVP_MD_CTX *context;
};

int digest_create(struct digest **ret_digest)
{
    struct digest *digest = calloc(1, sizeof(*digest));

    if (digest == NULL) {
        return -ENOMEM;
    }
    digest->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    digest->context = EVP_MD_CTX_new();
    if (digest->sha256 == NULL || digest->context == NULL) {
        digest_destroy(digest);
        return -ENOTSUP;
    }
    *ret_digest = digest;
    return 0;
}

void digest_destroy(struct digest *digest)
{
    if (digest != NULL) {
        EVP_MD_CTX_free(digest->context);
        EVP_MD_free(digest->sha256);
        free(digest);
    }
}

static void begin(struct digest *digest)
{
    CHECK_GIVEN(EVP_DigestInit_ex2(digest->context, digest->sha256, NULL) == 1);
}

static void add(struct digest *digest, const void *bytes, size_t len_bytes)
{
    CHECK_GIVEN(EVP_DigestUpdate(digest->context, bytes, len_bytes) == 1);
}

static struct ids_hash finish(struct digest *digest)
{
    struct ids_hash hash;

    CHECK_GIVEN(EVP_DigestFinal_ex(digest->context, hash.bytes, NULL) == 1);
    return hash;
}

struct ids_hash digest_of(struct digest *digest, const void *bytes, size_t len_bytes)
{
    begin(digest);
    add(digest, bytes, len_bytes);
    return finish(digest);
}

struct ids_token digest_key(struct digest *digest, const char *key, size_t len_bytes)
{
    struct ids_hash hash = digest_of(digest, key, len_bytes);
    struct ids_token token;

    memcpy(token.bytes, hash.bytes, sizeof(token.bytes));
    return token;
}

uint64_t digest_body(struct digest *digest, const char *method, const char *path, const void *body,
                     size_t len_bytes)
{
    struct ids_hash hash;
    struct bytes_reader reader;

    begin(digest);
    add(digest, method, strlen(method) + 1);
    add(digest, path, strlen(path) + 1);
    add(digest, body, len_bytes);
    hash = finish(digest);
    reader = bytes_reader_over(hash.bytes, sizeof(hash.bytes));
    return bytes_get_u64(&reader);
}
