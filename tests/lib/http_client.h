/*
 * tests/lib/http_client.h - a small blocking HTTP client for tests: it can also send what no good client
 * would. Answers are read whole (Content-Length or chunked); a stream is read up to a text.
 */
#ifndef TESTS_LIB_HTTP_CLIENT_H
#define TESTS_LIB_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_client_limit {
    HTTP_CLIENT_PATIENCE_MS = 10000,  /* a test waits so long for what must come */
    HTTP_CLIENT_HEAD_BYTES = 8192,
};

/* What every request of http_client_ask carries, unless told otherwise. */
#define HTTP_CLIENT_TOKEN "0123456789abcdef0123456789abcdef"
#define HTTP_CLIENT_BEARER "Authorization: Bearer " HTTP_CLIENT_TOKEN "\r\n"

struct http_client {
    int fd;
    bool nobody;             /* asks without a credential */
    uint8_t *bytes;          /* received, not yet taken */
    size_t len_bytes, capacity_bytes;
};

struct http_answer {
    int status;              /* 0: the connection ended without an answer */
    char head[HTTP_CLIENT_HEAD_BYTES];
    char *body;              /* zero-terminated; owned */
    size_t body_len_bytes;
};

/* To 127.0.0.1; fails the test when nobody listens. */
void http_client_open(struct http_client *client, uint16_t port);
void http_client_close(struct http_client *client);
void http_client_send(struct http_client *client, const void *bytes, size_t len_bytes);
void http_client_send_text(struct http_client *client, const char *text);
/* method, path, and when not NULL an Idempotency-Key and a JSON body. */
void http_client_ask(struct http_client *client, const char *method, const char *path, const char *key,
                     const char *body);
/* The answer must be freed with http_answer_free, also when its status is 0. */
struct http_answer http_client_answer(struct http_client *client, bool to_head);
struct http_answer http_client_call(struct http_client *client, const char *method, const char *path,
                                    const char *key, const char *body);
/* One request on a connection of its own. */
struct http_answer http_client_once(uint16_t port, const char *method, const char *path, const char *key,
                                    const char *body);
void http_answer_free(struct http_answer *answer);
/* The header's value up to its line's end, copied; false: not there. */
bool http_answer_header(const struct http_answer *answer, const char *name, char *value,
                        size_t capacity_bytes);
/* Reads until `text` has come; false: the patience or the connection ended first. Everything up to and
 * with the text is dropped. */
bool http_client_read_past(struct http_client *client, const char *text, uint32_t patience_ms);
/* The connection ends within the patience, whatever comes before. */
bool http_client_ends(struct http_client *client, uint32_t patience_ms);

#endif
