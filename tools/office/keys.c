/*
 * The site's own certificate authority and one certificate per unit, made anew for each office: a
 * unit proves to its peer that it belongs here (promise 13). In the appliance the CA's key is made
 * at enrolment and kept by the administrator; here it lies in the office's directory, which is a
 * toy's.
 */
#include "tools/office/office.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CERTIFICATE_DAYS = 3653, /* ten years */
    SERIAL_BITS = 127,
    COROSYNC_KEY_BYTES = 256,
    BACKDATE_S = 3600,
    SECONDS_A_DAY = 24 * 60 * 60,
    PRIVATE_MODE = 0600,
    PUBLIC_MODE = 0644,
    DIRECTORY_MODE = 0700,
};

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
};

static void identity_finish(struct identity *identity)
{
    EVP_PKEY_free(identity->key);
    X509_free(identity->certificate);
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension = NULL;
    bool added = false;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool set_serial(X509 *certificate)
{
    BIGNUM *number = BN_new();
    bool set = number != NULL &&
               BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) &&
               BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;

    BN_free(number);
    return set;
}

/* issuer NULL: signs itself, a certificate authority. names: what a browser may call it, or NULL. */
static bool identity_create(const char *common_name, const char *names,
                            const struct identity *issuer, struct identity *ret_identity)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_NAME *name = certificate == NULL ? NULL : X509_get_subject_name(certificate);
    X509 *signer = issuer == NULL ? certificate : issuer->certificate;
    bool made =
        key != NULL && name != NULL && X509_set_version(certificate, X509_VERSION_3) == 1 &&
        set_serial(certificate) &&
        X509_gmtime_adj(X509_getm_notBefore(certificate), -BACKDATE_S) != NULL &&
        X509_gmtime_adj(X509_getm_notAfter(certificate), (long)CERTIFICATE_DAYS * SECONDS_A_DAY) !=
            NULL &&
        X509_set_pubkey(certificate, key) == 1 &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name,
                                   -1, -1, 0) == 1 &&
        X509_set_issuer_name(certificate, X509_get_subject_name(signer)) == 1 &&
        add_extension(certificate, signer, NID_basic_constraints,
                      issuer == NULL ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE") &&
        add_extension(certificate, signer, NID_key_usage,
                      issuer == NULL ? "critical,keyCertSign,cRLSign"
                                     : "critical,digitalSignature") &&
        (issuer == NULL ||
         add_extension(certificate, signer, NID_ext_key_usage, "serverAuth,clientAuth")) &&
        (names == NULL || add_extension(certificate, signer, NID_subject_alt_name, names)) &&
        add_extension(certificate, signer, NID_subject_key_identifier, "hash") &&
        X509_sign(certificate, issuer == NULL ? key : issuer->key, EVP_sha256()) > 0;

    ret_identity->key = key;
    ret_identity->certificate = certificate;
    return made;
}

static FILE *create_file(const char *path, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

    if (file == NULL && fd >= 0) {
        (void)close(fd);
    }
    return file;
}

static bool write_certificate(const char *path, X509 *certificate)
{
    FILE *file = create_file(path, PUBLIC_MODE);
    bool written = file != NULL && PEM_write_X509(file, certificate) == 1;

    return (file == NULL || fclose(file) == 0) && written;
}

static bool write_key(const char *path, EVP_PKEY *key)
{
    FILE *file = create_file(path, PRIVATE_MODE);
    bool written = file != NULL && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1;

    return (file == NULL || fclose(file) == 0) && written;
}

static bool create_unit(const struct office *office, unsigned place,
                        const struct identity *authority)
{
    struct identity unit = {0};
    char path[OFFICE_PATH_BYTES];
    char common_name[32];
    bool made = false;

    (void)snprintf(common_name, sizeof(common_name), "unit-%u", office->site.units[place - 1].id);
    made = identity_create(common_name, NULL, authority, &unit);
    office_unit_path(office, place, "tls", path);
    made = made && mkdir(path, DIRECTORY_MODE) == 0;
    office_unit_path(office, place, "tls/unit.key", path);
    made = made && write_key(path, unit.key);
    office_unit_path(office, place, "tls/unit.crt", path);
    made = made && write_certificate(path, unit.certificate);
    office_unit_path(office, place, "tls/ca.crt", path);
    made = made && write_certificate(path, authority->certificate);
    identity_finish(&unit);
    return made;
}

/* What browsers and devices see: another key than the one that the peer believes. */
static bool create_web(const struct office *office, unsigned place,
                       const struct identity *authority)
{
    struct identity web = {0};
    char path[OFFICE_PATH_BYTES];
    bool made = identity_create("toban-web", "IP:" OFFICE_FLOATING ",IP:127.0.0.1,DNS:localhost",
                                authority, &web);

    office_unit_path(office, place, "tls/web.key", path);
    made = made && write_key(path, web.key);
    office_unit_path(office, place, "tls/web.crt", path);
    made = made && write_certificate(path, web.certificate);
    identity_finish(&web);
    return made;
}

static bool write_identity(const char *folder, const char *name, const struct identity *identity)
{
    char path[OFFICE_PATH_BYTES];
    bool written;

    (void)snprintf(path, sizeof(path), "%.230s/%s.key", folder, name);
    written = write_key(path, identity->key);
    (void)snprintf(path, sizeof(path), "%.230s/%s.crt", folder, name);
    return written && write_certificate(path, identity->certificate);
}

/* The relay's, by which it serves telephones as well; and on each unit that of what feeds it. */
static bool create_relay(const struct office *office, const struct identity *authority)
{
    struct identity relay = {0}, feed = {0};
    char folder[OFFICE_PATH_BYTES];
    bool made = identity_create("toban-relay", "IP:" OFFICE_CLIENTS, authority, &relay) &&
                identity_create("toban-feed", NULL, authority, &feed);

    (void)snprintf(folder, sizeof(folder), "%.200s/relay", office->run_dir);
    made = made && mkdir(folder, DIRECTORY_MODE) == 0 && write_identity(folder, "relay", &relay);
    (void)snprintf(folder, sizeof(folder), "%.200s/relay/ca.crt", office->run_dir);
    made = made && write_certificate(folder, authority->certificate);
    for (unsigned place = 1; place <= office->unit_count && made; place++) {
        office_unit_path(office, place, "tls", folder);
        made = write_identity(folder, "feed", &feed);
    }
    identity_finish(&relay);
    identity_finish(&feed);
    return made;
}

static bool create_cluster_key(const struct office *office)
{
    unsigned char key[COROSYNC_KEY_BYTES];
    char path[OFFICE_PATH_BYTES];
    bool made = RAND_bytes(key, sizeof(key)) == 1;

    for (unsigned place = 1; place <= office->unit_count && made; place++) {
        office_unit_path(office, place, "corosync/authkey", path);
        made = office_write_file(path, key, sizeof(key), PRIVATE_MODE) == 0;
    }
    OPENSSL_cleanse(key, sizeof(key));
    return made;
}

int office_keys_create(const struct office *office, struct office_error *ret_error)
{
    struct identity authority = {0};
    char path[OFFICE_PATH_BYTES];
    bool made = identity_create("Toban site CA", NULL, NULL, &authority);

    (void)snprintf(path, sizeof(path), "%.200s/ca", office->run_dir);
    made = made && mkdir(path, DIRECTORY_MODE) == 0;
    (void)snprintf(path, sizeof(path), "%.200s/ca/ca.key", office->run_dir);
    made = made && write_key(path, authority.key);
    (void)snprintf(path, sizeof(path), "%.200s/ca/ca.crt", office->run_dir);
    made = made && write_certificate(path, authority.certificate);
    for (unsigned place = 1; place <= office->unit_count && made; place++) {
        made = create_unit(office, place, &authority) && create_web(office, place, &authority);
    }
    made =
        made && create_cluster_key(office) && (!office->relay || create_relay(office, &authority));
    identity_finish(&authority);
    if (made) {
        return 0;
    }
    return office_fail(ret_error, -EIO, "証明書を作れません。%s に書けるか確かめてください。",
                       "The certificates cannot be made. Check that %s can be written.",
                       office->run_dir);
}
