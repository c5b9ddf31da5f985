/*
 * cluster/adapters/tls_openssl.h - TLS 1.3 between two units over bytes in memory (OpenSSL 3).
 *
 * Decides: who is the peer (chain to the site CA with nothing between, subject common name exactly
 * the expected one, dates not looked at - see link.h) and that bytes are whole, unchanged and in
 * order. Decides not: how bytes travel. No socket, no clock. One thread per identity.
 *
 * Bytes from the peer go in with tls_feed; what must be sent appears in tls_output; both sides of a
 * session work through tls_handshake first, then tls_seal and tls_open. After a negative result
 * other than -EAGAIN the session is over; its last output (an alert) may still be sent.
 */
#ifndef CLUSTER_ADAPTERS_TLS_OPENSSL_H
#define CLUSTER_ADAPTERS_TLS_OPENSSL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_identity;
struct tls_session;

enum tls_limit {
    TLS_NAME_BYTES_MAX = 64,          /* of a common name, X.520's upper bound */
    TLS_CERTIFICATE_BYTES_MAX = 8192, /* of the other side's certificate message */
    TLS_REASON_BYTES = 128,
    TLS_RECORD_BYTES = 16384,          /* plaintext of one record, RFC 8446 5.1 */
    TLS_RECORDS_PER_KEY = 1024 * 1024, /* far below RFC 8446 5.5's 2^24.5 for AES-GCM */
};

struct tls_identity_options {
    const char *ca_path, *certificate_path, *key_path; /* PEM */
    const char *own_name, *peer_name;                  /* common names */
    uint32_t records_per_key;                          /* 0: TLS_RECORDS_PER_KEY */
};

/* Why it failed, for people. */
struct tls_reason {
    bool certificate; /* the other side could not prove to be the peer, or refused our proof */
    char en[TLS_REASON_BYTES];
    char ja[TLS_REASON_BYTES];
};

/* -ENOENT, -EACCES: a file; -EBADMSG: not PEM of the right kind; -EKEYREJECTED: the key does not
 * belong to the certificate, or the certificate does not carry own_name. */
int tls_identity_create(const struct tls_identity_options *options,
                        struct tls_identity **ret_identity);
void tls_identity_destroy(struct tls_identity *identity);

/* `protocol` is agreed in the handshake (ALPN): sides that name different ones do not meet. */
int tls_session_create(struct tls_identity *identity, bool client, const char *protocol,
                       struct tls_session **ret_session);
void tls_session_destroy(struct tls_session *session);

int tls_feed(struct tls_session *session, const uint8_t *bytes, size_t len_bytes);
/* 1: done; 0: wants bytes; -EPROTO: failed. */
int tls_handshake(struct tls_session *session);
int tls_seal(struct tls_session *session, const uint8_t *plain, size_t len_bytes);
/* All plaintext of what was fed: 0 and its length; -EBADMSG: does not verify; -EMSGSIZE: more than
 * fits; -ECONNRESET: the peer said goodbye; -EPROTO: the peer sent an alert. */
int tls_open(struct tls_session *session, uint8_t *plain, size_t capacity_bytes,
             size_t *ret_len_bytes);
/* Prepares the goodbye. */
void tls_close(struct tls_session *session);
/* Borrowed until the next call on the session. */
const uint8_t *tls_output(struct tls_session *session, size_t *ret_len_bytes);
void tls_output_done(struct tls_session *session);
/* A number both sides derive from the session's keys (RFC 8446 7.5): after the handshake, never 0.
 */
uint64_t tls_number(struct tls_session *session);
void tls_get_reason(const struct tls_session *session, struct tls_reason *ret_reason);

#endif
