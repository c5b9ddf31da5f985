#include "tests/lib/site_ca.h"

#include <dirent.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DAY_S = 86400, VALID_DAYS = 3650 };

static void must(bool ok, const char *what)
{
    if (!ok) {
        (void)fprintf(stderr, "site_ca: cannot %s\n", what);
        abort();
    }
}

static X509 *make_certificate(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
                              bool expired)
{
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_get_subject_name(certificate);
    unsigned char serial[8];
    long start_s = expired ? -20L * DAY_S : -DAY_S;
    X509V3_CTX ctx;
    X509_EXTENSION *extension;

    must(RAND_bytes(serial, sizeof(serial)) == 1, "draw a serial");
    (void)X509_set_version(certificate, X509_VERSION_3);
    (void)ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate),
                                  (uint64_t)serial[0] << 32 | (uint64_t)serial[1] << 16 |
                                      serial[2]);
    (void)X509_gmtime_adj(X509_getm_notBefore(certificate), start_s);
    (void)X509_gmtime_adj(X509_getm_notAfter(certificate),
                          expired ? -10L * DAY_S : (long)VALID_DAYS * DAY_S);
    must(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1,
                                    -1, 0) == 1,
         "name it");
    (void)X509_set_issuer_name(certificate,
                               issuer == NULL ? subject : X509_get_subject_name(issuer));
    (void)X509_set_pubkey(certificate, key);
    X509V3_set_ctx(&ctx, issuer == NULL ? certificate : issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &ctx, NID_basic_constraints,
                                    issuer == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE");
    must(X509_add_ext(certificate, extension, -1) == 1, "extend it");
    X509_EXTENSION_free(extension);
    must(X509_sign(certificate, issuer_key, EVP_sha256()) > 0, "sign it");
    return certificate;
}

static void write_key(const char *path, EVP_PKEY *key)
{
    FILE *file = fopen(path, "w");

    must(file != NULL && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1 &&
             fclose(file) == 0,
         "write a key");
}

static void write_certificate(const char *path, X509 *certificate)
{
    FILE *file = fopen(path, "w");

    must(file != NULL && PEM_write_X509(file, certificate) == 1 && fclose(file) == 0,
         "write a certificate");
}

static void load_or_make_ca(const char *folder, const char *name, X509 **ret_certificate,
                            EVP_PKEY **ret_key)
{
    char path[SITE_CA_PATH_BYTES];
    char key_path[SITE_CA_PATH_BYTES];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s.crt", folder, name);
    (void)snprintf(key_path, sizeof(key_path), "%s/%s.key", folder, name);
    file = fopen(path, "r");
    if (file != NULL) {
        *ret_certificate = PEM_read_X509(file, NULL, NULL, NULL);
        (void)fclose(file);
        file = fopen(key_path, "r");
        must(file != NULL, "read the CA's key");
        *ret_key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
        (void)fclose(file);
        return;
    }
    *ret_key = EVP_EC_gen("P-256");
    *ret_certificate = make_certificate(name, *ret_key, NULL, *ret_key, false);
    write_certificate(path, *ret_certificate);
    write_key(key_path, *ret_key);
}

void site_ca_make(const char *folder, const char *ca_name, const char *common_name, bool expired,
                  struct site_ca_files *ret_files)
{
    static unsigned made;
    X509 *ca;
    EVP_PKEY *ca_key;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate;

    load_or_make_ca(folder, ca_name, &ca, &ca_key);
    certificate = make_certificate(common_name, key, ca, ca_key, expired);
    made++;
    (void)snprintf(ret_files->ca, sizeof(ret_files->ca), "%s/%s.crt", folder, ca_name);
    (void)snprintf(ret_files->certificate, sizeof(ret_files->certificate), "%s/%u.crt", folder,
                   made);
    (void)snprintf(ret_files->key, sizeof(ret_files->key), "%s/%u.key", folder, made);
    write_certificate(ret_files->certificate, certificate);
    write_key(ret_files->key, key);
    X509_free(certificate);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
}

void site_ca_remove(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;

    if (dir == NULL) {
        return;
    }
    while ((entry = readdir(dir)) != NULL) {
        char path[2 * SITE_CA_PATH_BYTES + 64];

        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        (void)unlink(path); /* . and .. refuse */
    }
    (void)closedir(dir);
    (void)rmdir(folder);
}
