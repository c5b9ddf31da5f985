#include "cluster/adapters/tls_openssl.h"

#include "base/bytes.h"
#include "base/check.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tls_identity {
    SSL_CTX *ctx;
    char peer_name[TLS_NAME_BYTES_MAX + 1];
    uint32_t records_per_key;
};

struct tls_session {
    struct tls_identity *identity;
    SSL *ssl;
    BIO *in, *out;                            /* owned by ssl */
    uint8_t protocol[1 + TLS_NAME_BYTES_MAX]; /* ALPN form: length, name */
    uint32_t records_under_key;
    struct tls_reason reason;
};

/* Exactly one common name, exactly that one: neither a prefix, nor the first of several. */
static bool has_name(X509 *certificate, const char *name)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    const ASN1_STRING *value;

    if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) {
        return false;
    }
    value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    return (size_t)ASN1_STRING_length(value) == strlen(name) &&
           memcmp(ASN1_STRING_get0_data(value), name, strlen(name)) == 0;
}

static int on_verify(int ok, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    const struct tls_identity *identity = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    if (ok == 1 && X509_STORE_CTX_get_error_depth(store) == 0 &&
        !has_name(X509_STORE_CTX_get_current_cert(store), identity->peer_name)) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_SUBJECT_ISSUER_MISMATCH);
        return 0;
    }
    return ok;
}

static int on_protocol(SSL *ssl, const unsigned char **ret_protocol, unsigned char *ret_len_bytes,
                       const unsigned char *offered, unsigned offered_bytes, void *context)
{
    const struct tls_session *session = SSL_get_app_data(ssl);

    (void)context;
    if (offered_bytes != 1U + session->protocol[0] ||
        memcmp(offered, session->protocol, offered_bytes) != 0) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *ret_protocol = session->protocol + 1;
    *ret_len_bytes = session->protocol[0];
    return SSL_TLSEXT_ERR_OK;
}

static bool configure(SSL_CTX *ctx)
{
    X509_VERIFY_PARAM *verify = SSL_CTX_get0_param(ctx);

    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, on_verify);
    SSL_CTX_set_verify_depth(ctx, 0);
    SSL_CTX_set_max_cert_list(ctx, TLS_CERTIFICATE_BYTES_MAX);
    SSL_CTX_set_alpn_select_cb(ctx, on_protocol, NULL);
    return X509_VERIFY_PARAM_set_flags(verify, X509_V_FLAG_NO_CHECK_TIME) == 1 &&
           SSL_CTX_set_num_tickets(ctx, 0) == 1 &&
           SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_ciphersuites(ctx, "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") ==
               1 &&
           SSL_CTX_set1_groups_list(ctx, "X25519:P-256") == 1;
}

static int load(SSL_CTX *ctx, const struct tls_identity_options *options)
{
    const char *paths[] = {options->ca_path, options->certificate_path, options->key_path};

    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        if (access(paths[i], R_OK) < 0) {
            return -errno;
        }
    }
    if (SSL_CTX_load_verify_file(ctx, options->ca_path) != 1 ||
        SSL_CTX_use_certificate_file(ctx, options->certificate_path, SSL_FILETYPE_PEM) != 1) {
        return -EBADMSG;
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, options->key_path, SSL_FILETYPE_PEM) != 1) {
        /* OpenSSL refuses a key that does not fit already while it reads it. */
        return ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH ? -EKEYREJECTED
                                                                                   : -EBADMSG;
    }
    return SSL_CTX_check_private_key(ctx) == 1 &&
                   has_name(SSL_CTX_get0_certificate(ctx), options->own_name)
               ? 0
               : -EKEYREJECTED;
}

int tls_identity_create(const struct tls_identity_options *options,
                        struct tls_identity **ret_identity)
{
    struct tls_identity *identity;
    int r;

    if (strlen(options->peer_name) > TLS_NAME_BYTES_MAX) {
        return -EINVAL;
    }
    identity = calloc(1, sizeof(*identity));
    if (identity == NULL) {
        return -ENOMEM;
    }
    memcpy(identity->peer_name, options->peer_name, strlen(options->peer_name));
    identity->records_per_key =
        options->records_per_key == 0 ? TLS_RECORDS_PER_KEY : options->records_per_key;
    identity->ctx = SSL_CTX_new(TLS_method());
    r = identity->ctx != NULL && configure(identity->ctx) ? 0 : -ENOMEM;
    if (r == 0) {
        (void)SSL_CTX_set_app_data(identity->ctx, identity);
        r = load(identity->ctx, options);
    }
    ERR_clear_error();
    if (r < 0) {
        tls_identity_destroy(identity);
        return r;
    }
    *ret_identity = identity;
    return 0;
}

void tls_identity_destroy(struct tls_identity *identity)
{
    if (identity != NULL) {
        SSL_CTX_free(identity->ctx);
        free(identity);
    }
}

static bool prepare(struct tls_session *session, bool client)
{
    session->ssl = SSL_new(session->identity->ctx);
    session->in = BIO_new(BIO_s_mem());
    session->out = BIO_new(BIO_s_mem());
    if (session->ssl == NULL || session->in == NULL || session->out == NULL) {
        (void)BIO_free(session->in);
        (void)BIO_free(session->out);
        return false;
    }
    (void)BIO_set_mem_eof_return(session->in, -1); /* empty means "wait", not "end" */
    (void)BIO_set_mem_eof_return(session->out, -1);
    SSL_set_bio(session->ssl, session->in, session->out);
    (void)SSL_set_app_data(session->ssl, session);
    if (!client) {
        SSL_set_accept_state(session->ssl);
        return true;
    }
    SSL_set_connect_state(session->ssl);
    return SSL_set_alpn_protos(session->ssl, session->protocol, 1U + session->protocol[0]) == 0;
}

int tls_session_create(struct tls_identity *identity, bool client, const char *protocol,
                       struct tls_session **ret_session)
{
    struct tls_session *session = calloc(1, sizeof(*session));
    size_t len_bytes = strlen(protocol);
    struct bytes_writer writer;

    CHECK(len_bytes <= TLS_NAME_BYTES_MAX);
    if (session == NULL) {
        return -ENOMEM;
    }
    session->identity = identity;
    writer = bytes_writer_over(session->protocol, sizeof(session->protocol));
    bytes_put_u8(&writer, (uint8_t)len_bytes);
    bytes_put(&writer, protocol, len_bytes);
    if (!prepare(session, client)) {
        tls_session_destroy(session);
        ERR_clear_error();
        return -ENOMEM;
    }
    *ret_session = session;
    return 0;
}

void tls_session_destroy(struct tls_session *session)
{
    if (session != NULL) {
        SSL_free(session->ssl);
        free(session);
    }
}

int tls_feed(struct tls_session *session, const uint8_t *bytes, size_t len_bytes)
{
    size_t taken = 0;

    return len_bytes == 0 ||
                   (BIO_write_ex(session->in, bytes, len_bytes, &taken) == 1 && taken == len_bytes)
               ? 0
               : -ENOMEM;
}

static void explain(struct tls_session *session, bool certificate, const char *en, const char *ja)
{
    session->reason.certificate = certificate;
    (void)snprintf(session->reason.en, sizeof(session->reason.en), "%s", en);
    (void)snprintf(session->reason.ja, sizeof(session->reason.ja), "%s", ja);
}

/* Whose fault it was: what a person who has to do something about it needs. */
static void note_failure(struct tls_session *session)
{
    long verified = SSL_get_verify_result(session->ssl);
    unsigned long error = ERR_peek_error();

    if (verified == X509_V_ERR_SUBJECT_ISSUER_MISMATCH) {
        explain(session, true,
                "The other side has a certificate of this site, but of another unit.",
                "相手はこの施設の証明書を持っていますが、別の号機のものです。");
    } else if (verified != X509_V_OK) {
        explain(session, true, "The other side's certificate was not issued by this site's CA.",
                "相手の証明書は、この施設の認証局が発行したものではありません。");
    } else if (ERR_GET_LIB(error) == ERR_LIB_SSL &&
               ERR_GET_REASON(error) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
        explain(session, true, "The other side showed no certificate.",
                "相手が証明書を提示しませんでした。");
    } else if (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) > SSL_AD_REASON_OFFSET) {
        explain(session, true, "The other side refused this unit's certificate or protocol.",
                "相手がこの号機の証明書または通信方式を拒否しました。");
    } else {
        explain(session, false,
                "The other side does not speak this protocol, or bytes were damaged.",
                "相手の通信方式が違うか、データが壊れています。");
    }
}

int tls_handshake(struct tls_session *session)
{
    int r;
    int error;

    ERR_clear_error();
    r = SSL_do_handshake(session->ssl);
    if (r == 1) {
        const unsigned char *protocol = NULL;
        unsigned len_bytes = 0;

        SSL_get0_alpn_selected(session->ssl, &protocol, &len_bytes);
        if (len_bytes == session->protocol[0] &&
            memcmp(protocol, session->protocol + 1, len_bytes) == 0) {
            return 1;
        }
        note_failure(session);
        return -EPROTO;
    }
    error = SSL_get_error(session->ssl, r);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        return 0;
    }
    note_failure(session);
    ERR_clear_error();
    return -EPROTO;
}

int tls_seal(struct tls_session *session, const uint8_t *plain, size_t len_bytes)
{
    uint32_t records = (uint32_t)(len_bytes / TLS_RECORD_BYTES + 1);
    size_t written = 0;

    ERR_clear_error();
    session->records_under_key += records;
    if (session->records_under_key > session->identity->records_per_key) {
        session->records_under_key = records;
        if (SSL_key_update(session->ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1) {
            return -EIO;
        }
    }
    return SSL_write_ex(session->ssl, plain, len_bytes, &written) == 1 && written == len_bytes
               ? 0
               : -EIO;
}

/* What a read that gave nothing means. 0: everything fed was read. */
static int end_of_read(struct tls_session *session)
{
    switch (SSL_get_error(session->ssl, 0)) {
    case SSL_ERROR_WANT_READ:
        return 0;
    case SSL_ERROR_ZERO_RETURN:
        return -ECONNRESET;
    default:
        break;
    }
    note_failure(session);
    return ERR_GET_REASON(ERR_peek_error()) > SSL_AD_REASON_OFFSET ? -EPROTO : -EBADMSG;
}

int tls_open(struct tls_session *session, uint8_t *plain, size_t capacity_bytes,
             size_t *ret_len_bytes)
{
    size_t len_bytes = 0;

    while (true) {
        uint8_t beyond;
        size_t got = 0;
        bool full = len_bytes == capacity_bytes;

        ERR_clear_error();
        if (SSL_read_ex(session->ssl, full ? &beyond : plain + len_bytes,
                        full ? 1 : capacity_bytes - len_bytes, &got) != 1) {
            int r = end_of_read(session);

            ERR_clear_error();
            *ret_len_bytes = r == 0 ? len_bytes : *ret_len_bytes;
            return r;
        }
        if (full) {
            return -EMSGSIZE;
        }
        len_bytes += got;
    }
}

void tls_close(struct tls_session *session)
{
    ERR_clear_error();
    (void)SSL_shutdown(session->ssl);
    ERR_clear_error();
}

const uint8_t *tls_output(struct tls_session *session, size_t *ret_len_bytes)
{
    char *bytes = NULL;
    long len = BIO_get_mem_data(session->out, &bytes);

    *ret_len_bytes = len > 0 ? (size_t)len : 0;
    return (const uint8_t *)bytes;
}

void tls_output_done(struct tls_session *session)
{
    (void)BIO_reset(session->out);
}

uint64_t tls_number(struct tls_session *session)
{
    static const char label[] = "EXPORTER-toban-contact";
    uint8_t bytes[sizeof(uint64_t)] = {0};
    struct bytes_reader reader = bytes_reader_over(bytes, sizeof(bytes));
    uint64_t number;

    if (SSL_export_keying_material(session->ssl, bytes, sizeof(bytes), label, sizeof(label) - 1,
                                   NULL, 0, 0) != 1) {
        return 1; /* cannot happen after a handshake; still a number both sides can compare */
    }
    number = bytes_get_u64(&reader);
    return number == 0 ? 1 : number;
}

void tls_get_reason(const struct tls_session *session, struct tls_reason *ret_reason)
{
    *ret_reason = session->reason;
}
