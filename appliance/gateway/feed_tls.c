/* One TLS 1.3 connection on the event loop: both sides show certificates of the site's CA. */
#include "appliance/gateway/feed.h"

#include "base/check.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    CERTIFICATE_BYTES_MAX = 8192,
    READ_BYTES = 16384,
    USEC_PER_MSEC = 1000,
    ACCURACY_USEC = 10000,
};

struct feed_tls {
    SSL_CTX *ctx;
    char peer_name[FEED_NAME_BYTES_MAX + 1];
};

struct feed_connection {
    struct feed_connection_options options;
    SSL *ssl;
    sd_event_source *io, *late;
    bool up, over;
    uint8_t *in, *out;
    size_t in_len_bytes, in_capacity_bytes;
    size_t out_at_bytes, out_len_bytes, out_capacity_bytes;
};

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

/* A unit's own certificate, or a clerk's terminal's, is of the same CA: the name tells them apart. */
static int on_verify(int ok, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    const struct feed_tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    if (ok == 1 && X509_STORE_CTX_get_error_depth(store) == 0 &&
        !has_name(X509_STORE_CTX_get_current_cert(store), tls->peer_name)) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_SUBJECT_ISSUER_MISMATCH);
        return 0;
    }
    return ok;
}

static int load(SSL_CTX *ctx, const struct feed_tls_options *options)
{
    const char *const paths[] = {options->ca_path, options->certificate_path, options->key_path};

    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        if (paths[i] == NULL || access(paths[i], R_OK) < 0) {
            return paths[i] == NULL ? -EINVAL : -errno;
        }
    }
    if (SSL_CTX_load_verify_file(ctx, options->ca_path) != 1 ||
        SSL_CTX_use_certificate_file(ctx, options->certificate_path, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, options->key_path, SSL_FILETYPE_PEM) != 1) {
        return -EBADMSG;
    }
    return SSL_CTX_check_private_key(ctx) == 1 ? 0 : -EKEYREJECTED;
}

int feed_tls_create(const struct feed_tls_options *options, bool server, struct feed_tls **ret_tls)
{
    struct feed_tls *tls;
    int r;

    if (options->peer_name == NULL || strlen(options->peer_name) > FEED_NAME_BYTES_MAX) {
        return -EINVAL;
    }
    tls = calloc(1, sizeof(*tls));
    if (tls == NULL) {
        return -ENOMEM;
    }
    memcpy(tls->peer_name, options->peer_name, strlen(options->peer_name));
    tls->ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    r = tls->ctx != NULL && SSL_CTX_set_min_proto_version(tls->ctx, TLS1_3_VERSION) == 1 ? 0
                                                                                         : -ENOMEM;
    if (r == 0) {
        (void)SSL_CTX_set_app_data(tls->ctx, tls);
        (void)SSL_CTX_set_options(tls->ctx, SSL_OP_NO_TICKET);
        (void)SSL_CTX_set_session_cache_mode(tls->ctx, SSL_SESS_CACHE_OFF);
        (void)SSL_CTX_set_num_tickets(tls->ctx, 0);
        (void)SSL_CTX_set_mode(tls->ctx,
                               SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, on_verify);
        SSL_CTX_set_verify_depth(tls->ctx, 0);
        SSL_CTX_set_max_cert_list(tls->ctx, CERTIFICATE_BYTES_MAX);
        r = load(tls->ctx, options);
    }
    ERR_clear_error();
    if (r < 0) {
        feed_tls_destroy(tls);
        return r;
    }
    *ret_tls = tls;
    return 0;
}

void feed_tls_destroy(struct feed_tls *tls)
{
    if (tls != NULL) {
        SSL_CTX_free(tls->ctx);
        free(tls);
    }
}

/* ---- one connection ------------------------------------------------------------------------------- */

/* Told once, and not from within a call of the owner's: its own source does it. */
static void over(struct feed_connection *connection)
{
    if (!connection->over) {
        connection->over = true;
        connection->up = false;
        (void)sd_event_source_set_enabled(connection->io, SD_EVENT_OFF);
        (void)sd_event_source_set_time_relative(connection->late, 0);
        (void)sd_event_source_set_enabled(connection->late, SD_EVENT_ONESHOT);
    }
}

static bool wants_more(const struct feed_connection *connection, int result)
{
    int error = SSL_get_error(connection->ssl, result);

    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

static bool write_some(struct feed_connection *connection)
{
    while (connection->out_at_bytes < connection->out_len_bytes) {
        size_t sent = 0;
        int r;

        ERR_clear_error();
        r = SSL_write_ex(connection->ssl, connection->out + connection->out_at_bytes,
                         connection->out_len_bytes - connection->out_at_bytes, &sent);
        if (r != 1) {
            return wants_more(connection, r);
        }
        connection->out_at_bytes += sent;
    }
    connection->out_at_bytes = connection->out_len_bytes = 0;
    return true;
}

static bool give(struct feed_connection *connection)
{
    int64_t taken = connection->options.take(connection->options.context, connection->in,
                                             connection->in_len_bytes);

    if (taken < 0) {
        return false;
    }
    CHECK((size_t)taken <= connection->in_len_bytes);
    connection->in_len_bytes -= (size_t)taken;
    memmove(connection->in, connection->in + taken, connection->in_len_bytes);
    return true;
}

static bool read_some(struct feed_connection *connection)
{
    for (;;) {
        size_t got = 0;
        int r;

        if (connection->in_capacity_bytes - connection->in_len_bytes < READ_BYTES) {
            size_t capacity_bytes = connection->in_capacity_bytes * 2 + READ_BYTES;
            uint8_t *in = capacity_bytes > 2 * (size_t)FEED_FRAME_BYTES_MAX + READ_BYTES
                              ? NULL
                              : realloc(connection->in, capacity_bytes);

            if (in == NULL) {
                return false;
            }
            connection->in = in;
            connection->in_capacity_bytes = capacity_bytes;
        }
        ERR_clear_error();
        r = SSL_read_ex(connection->ssl, connection->in + connection->in_len_bytes, READ_BYTES,
                        &got);
        if (r != 1) {
            return wants_more(connection, r);
        }
        connection->in_len_bytes += got;
        if (!give(connection)) {
            return false;
        }
    }
}

static bool shake(struct feed_connection *connection)
{
    int r;

    ERR_clear_error();
    r = SSL_do_handshake(connection->ssl);
    if (r != 1) {
        return wants_more(connection, r);
    }
    connection->up = true;
    (void)sd_event_source_set_enabled(connection->late, SD_EVENT_OFF);
    connection->options.up(connection->options.context);
    return true;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct feed_connection *connection = userdata;
    bool goes_on = connection->up || shake(connection);

    (void)fd;
    (void)revents;
    if (goes_on && connection->up) {
        goes_on = read_some(connection) && write_some(connection);
    }
    if (!goes_on) {
        over(connection);
        return 0;
    }
    return sd_event_source_set_io_events(source, connection->out_len_bytes > 0 ||
                                                         SSL_want_write(connection->ssl)
                                                     ? EPOLLIN | EPOLLOUT
                                                     : EPOLLIN);
}

/* Over, or the handshake takes too long. */
static int on_late(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct feed_connection *connection = userdata;

    (void)source;
    (void)usec;
    connection->over = true;
    connection->options.end(connection->options.context); /* destroys it */
    return 0;
}

int feed_connection_create(const struct feed_connection_options *options,
                           struct feed_connection **ret_connection)
{
    struct feed_connection *connection = calloc(1, sizeof(*connection));
    int r;

    if (connection == NULL) {
        (void)close(options->fd);
        return -ENOMEM;
    }
    connection->options = *options;
    connection->ssl = SSL_new(options->tls->ctx);
    r = connection->ssl != NULL && SSL_set_fd(connection->ssl, options->fd) == 1 ? 0 : -ENOMEM;
    if (r == 0) {
        if (SSL_is_server(connection->ssl)) {
            SSL_set_accept_state(connection->ssl);
        } else {
            SSL_set_connect_state(connection->ssl);
        }
        r = sd_event_add_io(options->event, &connection->io, options->fd, EPOLLIN | EPOLLOUT, on_io,
                            connection);
    }
    if (r >= 0) {
        r = sd_event_add_time_relative(options->event, &connection->late, CLOCK_MONOTONIC,
                                       (uint64_t)FEED_HANDSHAKE_MS_MAX * USEC_PER_MSEC,
                                       ACCURACY_USEC, on_late, connection);
    }
    if (r < 0) {
        feed_connection_destroy(connection);
        return r;
    }
    *ret_connection = connection;
    return 0;
}

/* What it held is overwritten: it may be of a visit. */
void feed_connection_destroy(struct feed_connection *connection)
{
    if (connection == NULL) {
        return;
    }
    (void)sd_event_source_disable_unref(connection->io);
    (void)sd_event_source_disable_unref(connection->late);
    SSL_free(connection->ssl);
    (void)close(connection->options.fd);
    if (connection->in != NULL) {
        explicit_bzero(connection->in, connection->in_capacity_bytes);
    }
    if (connection->out != NULL) {
        explicit_bzero(connection->out, connection->out_capacity_bytes);
    }
    free(connection->in);
    free(connection->out);
    free(connection);
}

bool feed_connection_is_up(const struct feed_connection *connection)
{
    return connection != NULL && connection->up;
}

size_t feed_connection_unsent_bytes(const struct feed_connection *connection)
{
    return connection->out_len_bytes - connection->out_at_bytes;
}

bool feed_connection_send(struct feed_connection *connection, const void *bytes, size_t len_bytes)
{
    if (!connection->up) {
        return false;
    }
    if (feed_connection_unsent_bytes(connection) + len_bytes > FEED_OUTPUT_BYTES_MAX) {
        over(connection);
        return false;
    }
    if (connection->out_at_bytes > 0) {
        connection->out_len_bytes -= connection->out_at_bytes;
        memmove(connection->out, connection->out + connection->out_at_bytes,
                connection->out_len_bytes);
        connection->out_at_bytes = 0;
    }
    if (connection->out_len_bytes + len_bytes > connection->out_capacity_bytes) {
        size_t capacity_bytes = 2 * (connection->out_len_bytes + len_bytes);
        uint8_t *out = realloc(connection->out, capacity_bytes);

        if (out == NULL) {
            over(connection);
            return false;
        }
        connection->out = out;
        connection->out_capacity_bytes = capacity_bytes;
    }
    memcpy(connection->out + connection->out_len_bytes, bytes, len_bytes);
    connection->out_len_bytes += len_bytes;
    return sd_event_source_set_io_events(connection->io, EPOLLIN | EPOLLOUT) >= 0;
}
