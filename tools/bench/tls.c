/* The clients' side of TLS: they believe the office's own authority, and nobody else. */
#include "tools/bench/bench.h"

#include "base/check.h"

#include <openssl/x509v3.h>

SSL_CTX *bench_tls_create(const char *authority)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    CHECK_GIVEN(context != NULL);
    if (SSL_CTX_load_verify_file(context, authority) != 1) {
        SSL_CTX_free(context);
        return NULL;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    /* What is no answer, such as a session ticket, is not waited behind. */
    (void)SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
    return context;
}

SSL *bench_tls_over(SSL_CTX *context, int fd, const char *address)
{
    SSL *tls = SSL_new(context);

    CHECK_GIVEN(tls != NULL);
    CHECK(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), address) == 1);
    CHECK_GIVEN(SSL_set_fd(tls, fd) == 1);
    SSL_set_connect_state(tls);
    return tls;
}
