/*
 * tools/bench/bench.h - what the files of toban-bench share.
 *
 *   main.c   closed loops of clients, the raw limit, time without service
 *   live.c   screens and telephones that follow live events
 *   fill.c   a large ledger, and when a program listens
 *   tls.c    the clients' side of TLS
 */
#ifndef TOOLS_BENCH_BENCH_H
#define TOOLS_BENCH_BENCH_H

#include <openssl/ssl.h>
#include <stdint.h>

/* Appends `count` entries that fold to nothing to the ledger of a unit that stands still, through the real
 * ledger, in batches; says how long it took. 0, or 1 with the reason on stderr. */
int bench_fill(const char *data_dir, const char *record_dir, uint64_t count);
/* Says when somebody first accepts on the UNIX socket (CLOCK_MONOTONIC). 1: nobody within seconds. */
int bench_wait(const char *socket_path, unsigned seconds);
/* To the gateway, by TLS. */
struct bench_way {
    const char *address, *token; /* a board's credential; telephones have none */
    uint16_t port;
    SSL_CTX *tls;
};
/* Opens that many streams of live events, says "ready", follows for so long, and says what came. 1: one was
 * refused, ended or never told anything. */
int bench_live(const struct bench_way *way, unsigned screens, unsigned telephones, unsigned seconds);
uint64_t bench_now_us(void);
/* NULL: the file holds no certificate. */
SSL_CTX *bench_tls_create(const char *authority);
/* The caller's, as fd is; the handshake is done by its first use. */
SSL *bench_tls_over(SSL_CTX *context, int fd, const char *address);

#endif
