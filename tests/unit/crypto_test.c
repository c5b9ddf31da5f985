/* storage/adapters/crypto.h against published vectors: FIPS 180-2 (SHA-256), RFC 5869 (HKDF), the
 * GCM specification's test cases 13 to 16 (AES-256-GCM). */
#include "storage/adapters/crypto.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { VECTOR_BYTES_MAX = 128 };

struct vector {
    uint8_t bytes[VECTOR_BYTES_MAX];
    size_t len_bytes;
};

static struct vector hex(const char *text)
{
    struct vector vector = {0};

    for (size_t i = 0; text[i] != '\0'; i += 2) {
        char digits[3] = {text[i], text[i + 1], '\0'};
        vector.bytes[vector.len_bytes++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return vector;
}

static int with_crypto(void **state)
{
    *state = crypto_create();
    return 0;
}

static int without_crypto(void **state)
{
    crypto_destroy(*state);
    return 0;
}

static void assert_hash(struct crypto *crypto, const char *a, const char *b, const char *expected)
{
    struct ids_hash hash;

    crypto_hash(crypto, a, strlen(a), b, b == NULL ? 0 : strlen(b), &hash);
    assert_memory_equal(hash.bytes, hex(expected).bytes, IDS_HASH_BYTES);
}

static void sha256_gives_the_published_digests(void **state)
{
    const char *abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    assert_hash(*state, "", NULL,
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_hash(*state, "abc", NULL, abc);
    assert_hash(*state, "a", "bc", abc);
    assert_hash(*state, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void the_chain_covers_the_previous_hash_and_the_bytes(void **state)
{
    struct ids_hash zero = {0};
    struct ids_hash chained;
    struct ids_hash expected;
    uint8_t both[IDS_HASH_BYTES + 3] = {0};

    memcpy(both + IDS_HASH_BYTES, "abc", 3);
    crypto_hash(*state, both, sizeof(both), NULL, 0, &expected);
    crypto_chain(*state, &zero, "abc", 3, &chained);
    assert_memory_equal(chained.bytes, expected.bytes, IDS_HASH_BYTES);
    zero.bytes[IDS_HASH_BYTES - 1] = 1;
    crypto_chain(*state, &zero, "abc", 3, &chained);
    assert_memory_not_equal(chained.bytes, expected.bytes, IDS_HASH_BYTES);
}

/* RFC 5869 2.2 and 2.3 spelled out, so that the vectors (whose keys are not 32 bytes long) judge
 * this and this judges crypto_derive. */
static void reference_hkdf(struct vector salt, struct vector key, const void *info,
                           size_t info_len_bytes, uint8_t *ret_bytes, size_t len_bytes)
{
    uint8_t zero_salt[IDS_HASH_BYTES] = {0};
    uint8_t prk[IDS_HASH_BYTES];
    uint8_t block[IDS_HASH_BYTES];
    unsigned hmac_len_bytes = 0;

    HMAC(EVP_sha256(), salt.len_bytes == 0 ? zero_salt : salt.bytes,
         salt.len_bytes == 0 ? IDS_HASH_BYTES : (int)salt.len_bytes, key.bytes, key.len_bytes, prk,
         &hmac_len_bytes);
    for (size_t at = 0, round = 1; at < len_bytes; round++) {
        uint8_t input[IDS_HASH_BYTES + VECTOR_BYTES_MAX + 1];
        size_t input_len_bytes = 0;

        if (round > 1) {
            memcpy(input, block, sizeof(block));
            input_len_bytes = sizeof(block);
        }
        memcpy(input + input_len_bytes, info, info_len_bytes);
        input_len_bytes += info_len_bytes;
        input[input_len_bytes++] = (uint8_t)round;
        HMAC(EVP_sha256(), prk, sizeof(prk), input, input_len_bytes, block, &hmac_len_bytes);
        size_t part = len_bytes - at < sizeof(block) ? len_bytes - at : sizeof(block);
        memcpy(ret_bytes + at, block, part);
        at += part;
    }
}

static void assert_reference(const char *salt, const char *key, const char *info,
                             const char *expected)
{
    struct vector okm = hex(expected);
    uint8_t bytes[VECTOR_BYTES_MAX];

    reference_hkdf(hex(salt), hex(key), hex(info).bytes, hex(info).len_bytes, bytes, okm.len_bytes);
    assert_memory_equal(bytes, okm.bytes, okm.len_bytes);
}

static void derive_is_the_hkdf_of_rfc_5869_without_salt(void **state)
{
    struct vector day_key = {.len_bytes = CRYPTO_KEY_BYTES};
    struct crypto_key key;
    struct crypto_key derived;
    struct crypto_key other;
    uint8_t expected[CRYPTO_KEY_BYTES];

    assert_reference("000102030405060708090a0b0c", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
                     "f0f1f2f3f4f5f6f7f8f9",
                     "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5"
                     "b887185865");
    assert_reference("", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "",
                     "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395fa"
                     "a4b61a96c8");

    for (size_t i = 0; i < CRYPTO_KEY_BYTES; i++) {
        day_key.bytes[i] = (uint8_t)(i * 7 + 1);
    }
    memcpy(key.bytes, day_key.bytes, sizeof(key.bytes));
    reference_hkdf(hex(""), day_key, "term 7", 6, expected, sizeof(expected));
    crypto_derive(*state, &key, "term 7", 6, &derived);
    assert_memory_equal(derived.bytes, expected, sizeof(expected));
    crypto_derive(*state, &key, "term 8", 6, &other);
    assert_memory_not_equal(derived.bytes, other.bytes, sizeof(expected));
}

struct gcm_case {
    const char *key, *nonce, *aad, *plain, *cipher, *tag;
};

static const struct gcm_case gcm_cases[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18",
     "d0d1c8a799996bf0265b98b5d48ab919"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

static struct vector seal_case(struct crypto *crypto, const struct gcm_case *c)
{
    struct vector key_bytes = hex(c->key);
    struct vector plain = hex(c->plain);
    struct vector aad = hex(c->aad);
    struct vector sealed = {.len_bytes = plain.len_bytes + CRYPTO_NONCE_BYTES + CRYPTO_TAG_BYTES};
    struct crypto_key key;

    memcpy(key.bytes, key_bytes.bytes, sizeof(key.bytes));
    crypto_seal(crypto, &key, hex(c->nonce).bytes, aad.bytes, aad.len_bytes, plain.bytes,
                plain.len_bytes, sealed.bytes);
    return sealed;
}

static void seals_are_the_published_ones_and_open(void **state)
{
    for (size_t i = 0; i < sizeof(gcm_cases) / sizeof(gcm_cases[0]); i++) {
        const struct gcm_case *c = &gcm_cases[i];
        struct vector sealed = seal_case(*state, c);
        struct vector cipher = hex(c->cipher);
        struct vector plain = hex(c->plain);
        struct vector aad = hex(c->aad);
        struct vector key_bytes = hex(c->key);
        struct crypto_key key;
        uint8_t opened[VECTOR_BYTES_MAX];

        memcpy(key.bytes, key_bytes.bytes, sizeof(key.bytes));
        assert_memory_equal(sealed.bytes, hex(c->nonce).bytes, CRYPTO_NONCE_BYTES);
        assert_memory_equal(sealed.bytes + CRYPTO_NONCE_BYTES, cipher.bytes, cipher.len_bytes);
        assert_memory_equal(sealed.bytes + CRYPTO_NONCE_BYTES + cipher.len_bytes, hex(c->tag).bytes,
                            CRYPTO_TAG_BYTES);
        assert_true(crypto_open(*state, &key, aad.bytes, aad.len_bytes, sealed.bytes,
                                sealed.len_bytes, opened));
        assert_memory_equal(opened, plain.bytes, plain.len_bytes);
    }
}

static void a_seal_with_any_bit_changed_does_not_open_and_gives_no_plaintext(void **state)
{
    const struct gcm_case *c = &gcm_cases[2];
    struct vector sealed = seal_case(*state, c);
    struct vector plain = hex(c->plain);
    struct vector aad = hex(c->aad);
    struct vector key_bytes = hex(c->key);
    struct crypto_key key;
    uint8_t opened[VECTOR_BYTES_MAX];

    memcpy(key.bytes, key_bytes.bytes, sizeof(key.bytes));
    for (size_t bit = 0; bit < sealed.len_bytes * 8; bit++) {
        sealed.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(crypto_open(*state, &key, aad.bytes, aad.len_bytes, sealed.bytes,
                                 sealed.len_bytes, opened));
        assert_memory_not_equal(opened, plain.bytes, plain.len_bytes);
        sealed.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < sealed.len_bytes; len++) {
        assert_false(
            crypto_open(*state, &key, aad.bytes, aad.len_bytes, sealed.bytes, len, opened));
    }
    aad.bytes[0] ^= 1;
    assert_false(crypto_open(*state, &key, aad.bytes, aad.len_bytes, sealed.bytes, sealed.len_bytes,
                             opened));
    aad.bytes[0] ^= 1;
    key.bytes[CRYPTO_KEY_BYTES - 1] ^= 1;
    assert_false(crypto_open(*state, &key, aad.bytes, aad.len_bytes, sealed.bytes, sealed.len_bytes,
                             opened));
    key.bytes[CRYPTO_KEY_BYTES - 1] ^= 1;
    assert_true(crypto_open(*state, &key, aad.bytes, aad.len_bytes, sealed.bytes, sealed.len_bytes,
                            opened));
}

static void one_key_after_another_and_the_same_again_seal_as_if_alone(void **state)
{
    static const size_t order[] = {2, 2, 0, 2, 1, 1, 0, 2};
    struct vector alone[3];

    for (size_t i = 0; i < 3; i++) {
        crypto_forget_keys(*state);
        alone[i] = seal_case(*state, &gcm_cases[i]);
    }
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        struct vector sealed = seal_case(*state, &gcm_cases[order[i]]);

        assert_memory_equal(sealed.bytes, alone[order[i]].bytes, sealed.len_bytes);
    }
    crypto_forget_keys(*state);
    for (size_t i = 0; i < 2; i++) {
        struct vector sealed = seal_case(*state, &gcm_cases[2]);

        assert_memory_equal(sealed.bytes, alone[2].bytes, sealed.len_bytes);
    }
}

static void random_bytes_differ_and_forgotten_bytes_are_zero(void **state)
{
    (void)state;
    uint8_t a[CRYPTO_KEY_BYTES];
    uint8_t b[CRYPTO_KEY_BYTES];
    uint8_t zero[CRYPTO_KEY_BYTES] = {0};

    crypto_random(a, sizeof(a));
    crypto_random(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    crypto_forget(a, sizeof(a));
    assert_memory_equal(a, zero, sizeof(a));
}

static void codes_of_the_second_factor_are_those_of_rfc_6238(void **state)
{
    static const struct {
        uint64_t time_s;
        uint32_t code;
    } published[] = {{59, 287082},       {1111111109, 81804},  {1111111111, 50471},
                     {1234567890, 5924}, {2000000000, 279037}, {UINT64_C(20000000000), 353130}};

    (void)state;
    for (size_t i = 0; i < sizeof(published) / sizeof(published[0]); i++) {
        assert_int_equal(crypto_totp("12345678901234567890", 20, published[i].time_s / 30),
                         published[i].code);
    }
    assert_true(crypto_equal("abc", "abd", 2));
    assert_false(crypto_equal("abc", "abd", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_published_digests),
        cmocka_unit_test(the_chain_covers_the_previous_hash_and_the_bytes),
        cmocka_unit_test(derive_is_the_hkdf_of_rfc_5869_without_salt),
        cmocka_unit_test(seals_are_the_published_ones_and_open),
        cmocka_unit_test(a_seal_with_any_bit_changed_does_not_open_and_gives_no_plaintext),
        cmocka_unit_test(one_key_after_another_and_the_same_again_seal_as_if_alone),
        cmocka_unit_test(codes_of_the_second_factor_are_those_of_rfc_6238),
        cmocka_unit_test(random_bytes_differ_and_forgotten_bytes_are_zero),
    };

    return cmocka_run_group_tests(tests, with_crypto, without_crypto);
}
