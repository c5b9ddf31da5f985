#include "tests/lib/http_client.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BYTES_START = 65536 };

static void must(bool good, const char *what)
{
    if (!good) {
        (void)fprintf(stderr, "http_client: %s: %s\n", what, strerror(errno));
        abort();
    }
}

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void http_client_open(struct http_client *client, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->nobody = false;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(client->fd >= 0, "socket");
    must(connect(client->fd, (struct sockaddr *)&address, sizeof(address)) == 0, "connect");
    must(setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0, "nodelay");
    client->capacity_bytes = BYTES_START;
    client->len_bytes = 0;
    client->bytes = malloc(client->capacity_bytes + 1);
    must(client->bytes != NULL, "malloc");
}

void http_client_close(struct http_client *client)
{
    if (client->fd >= 0) {
        (void)close(client->fd);
    }
    free(client->bytes);
    client->fd = -1;
    client->bytes = NULL;
}

void http_client_send(struct http_client *client, const void *bytes, size_t len_bytes)
{
    size_t at_bytes = 0;

    /* A server may have closed already: what it answered is read afterwards. */
    while (at_bytes < len_bytes) {
        ssize_t sent =
            send(client->fd, (const char *)bytes + at_bytes, len_bytes - at_bytes, MSG_NOSIGNAL);

        if (sent <= 0) {
            return;
        }
        at_bytes += (size_t)sent;
    }
}

void http_client_send_text(struct http_client *client, const char *text)
{
    http_client_send(client, text, strlen(text));
}

void http_client_ask(struct http_client *client, const char *method, const char *path,
                     const char *key, const char *body)
{
    char request[16384];
    int len = snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s%s%s%s",
                       method, path, client->nobody ? "" : HTTP_CLIENT_BEARER,
                       key == NULL ? "" : "Idempotency-Key: ", key == NULL ? "" : key,
                       key == NULL ? "" : "\r\n");

    must(len > 0 && len < (int)sizeof(request), "request");
    if (body != NULL) {
        len += snprintf(request + len, sizeof(request) - (size_t)len,
                        "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                        strlen(body), body);
    } else {
        len += snprintf(request + len, sizeof(request) - (size_t)len, "%s\r\n",
                        strcmp(method, "POST") == 0 ? "Content-Length: 0\r\n" : "");
    }
    must(len < (int)sizeof(request), "request");
    http_client_send(client, request, (size_t)len);
}

/* 1 more bytes, 0 the end, -1 patience is over. */
static int receive(struct http_client *client, int64_t until_ms)
{
    int64_t left_ms = until_ms - now_ms();
    struct pollfd wait = {.fd = client->fd, .events = POLLIN};
    ssize_t got;

    if (left_ms < 0 || poll(&wait, 1, (int)left_ms) == 0) {
        return -1;
    }
    if (client->len_bytes == client->capacity_bytes) {
        client->capacity_bytes *= 2;
        client->bytes = realloc(client->bytes, client->capacity_bytes + 1);
        must(client->bytes != NULL, "realloc");
    }
    got = recv(client->fd, client->bytes + client->len_bytes,
               client->capacity_bytes - client->len_bytes, 0);
    if (got <= 0) {
        return 0;
    }
    client->len_bytes += (size_t)got;
    return 1;
}

static void drop(struct http_client *client, size_t len_bytes)
{
    client->len_bytes -= len_bytes;
    memmove(client->bytes, client->bytes + len_bytes, client->len_bytes);
}

static const char *find(const struct http_client *client, const char *text)
{
    return memmem(client->bytes, client->len_bytes, text, strlen(text));
}

bool http_answer_header(const struct http_answer *answer, const char *name, char *value,
                        size_t capacity_bytes)
{
    const char *line = answer->head;

    while ((line = strstr(line, "\r\n")) != NULL) {
        size_t name_bytes = strlen(name);

        line += 2;
        if (strncasecmp(line, name, name_bytes) == 0 && line[name_bytes] == ':') {
            const char *start = line + name_bytes + 1 + strspn(line + name_bytes + 1, " ");
            size_t len_bytes = strcspn(start, "\r");

            must(len_bytes < capacity_bytes, "header");
            memcpy(value, start, len_bytes);
            value[len_bytes] = '\0';
            return true;
        }
    }
    return false;
}

struct http_answer http_client_answer(struct http_client *client, bool to_head)
{
    struct http_answer answer = {0};
    int64_t until_ms = now_ms() + HTTP_CLIENT_PATIENCE_MS;
    const char *end;
    char value[128];
    size_t head_bytes, body_bytes = 0;

    while ((end = find(client, "\r\n\r\n")) == NULL) {
        if (receive(client, until_ms) <= 0) {
            return answer;
        }
    }
    head_bytes = (size_t)(end - (const char *)client->bytes) + 4;
    must(head_bytes < sizeof(answer.head), "head");
    memcpy(answer.head, client->bytes, head_bytes);
    must(strncmp(answer.head, "HTTP/1.", 7) == 0, "status line");
    answer.status = atoi(answer.head + strlen("HTTP/1.1 "));
    drop(client, head_bytes);
    if (!to_head && http_answer_header(&answer, "Content-Length", value, sizeof(value))) {
        body_bytes = strtoul(value, NULL, 10);
    }
    while (client->len_bytes < body_bytes) {
        must(receive(client, until_ms) > 0, "body");
    }
    answer.body = malloc(body_bytes + 1);
    must(answer.body != NULL, "malloc");
    memcpy(answer.body, client->bytes, body_bytes);
    answer.body[body_bytes] = '\0';
    answer.body_len_bytes = body_bytes;
    drop(client, body_bytes);
    return answer;
}

struct http_answer http_client_call(struct http_client *client, const char *method,
                                    const char *path, const char *key, const char *body)
{
    http_client_ask(client, method, path, key, body);
    return http_client_answer(client, strcmp(method, "HEAD") == 0);
}

struct http_answer http_client_once(uint16_t port, const char *method, const char *path,
                                    const char *key, const char *body)
{
    struct http_client client;
    struct http_answer answer;

    http_client_open(&client, port);
    answer = http_client_call(&client, method, path, key, body);
    http_client_close(&client);
    return answer;
}

void http_answer_free(struct http_answer *answer)
{
    free(answer->body);
    answer->body = NULL;
}

bool http_client_read_past(struct http_client *client, const char *text, uint32_t patience_ms)
{
    int64_t until_ms = now_ms() + patience_ms;
    const char *at;

    while ((at = find(client, text)) == NULL) {
        if (receive(client, until_ms) <= 0) {
            return false;
        }
    }
    drop(client, (size_t)(at - (const char *)client->bytes) + strlen(text));
    return true;
}

bool http_client_ends(struct http_client *client, uint32_t patience_ms)
{
    int64_t until_ms = now_ms() + patience_ms;
    int got;

    while ((got = receive(client, until_ms)) > 0) {
        drop(client, client->len_bytes);
    }
    return got == 0;
}
