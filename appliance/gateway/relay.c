/* One request, passed on to the other unit's gateway over the direct link, and its answer: DESIGN 3
 * rule 7. A connection each, since a hand-over is rare and short. The other's bytes are bounded and
 * believed no further than an answer needs: status, length, Retry-After, body. */
#include "appliance/gateway/internal.h"
#include "base/check.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    HEAD_BYTES_MAX = 8192,
    OUTPUT_BYTES = GATEWAY_PATH_BYTES_MAX + GATEWAY_KEY_BYTES_MAX + GATEWAY_BODY_BYTES_MAX +
                   INTERNAL_TOKEN_BYTES + 512,
    INPUT_BYTES_MIN = 4096,
    STATUS_OFFSET = 9, /* after "HTTP/1.1 " */
    RETRY_AFTER_S_MAX = 60,
    DECIMAL = 10,
};

struct relay {
    struct request *request;
    sd_event_source *io;
    int fd;
    size_t output_len_bytes, sent_bytes;
    uint8_t *input;
    size_t input_len_bytes, input_capacity_bytes;
    char output[OUTPUT_BYTES];
};

void relay_end(struct relay *relay)
{
    if (relay == NULL) {
        return;
    }
    relay->io = sd_event_source_disable_unref(relay->io);
    if (relay->fd >= 0) {
        (void)close(relay->fd);
    }
    free(relay->input);
    free(relay);
}

/* A HEAD is asked as GET: the answer is made whole here, and our own server leaves its body out. */
static void write_request(struct relay *relay)
{
    const struct request *request = relay->request;
    const struct header *key = &request->headers.key;
    bool is_post = strcmp(request->method, "POST") == 0;
    int len = snprintf(relay->output, sizeof(relay->output),
                       "%s %s%s%s HTTP/1.1\r\nHost: localhost\r\nToban-Relayed: 1\r\n"
                       "Connection: close\r\n",
                       is_post ? "POST" : "GET", request->path,
                       request->query[0] != '\0' ? "?" : "", request->query);

    CHECK(len > 0);
    if (request->credential.token[0] != '\0') {
        len += snprintf(relay->output + len, sizeof(relay->output) - (size_t)len,
                        "Authorization: Bearer %s\r\n", request->credential.token);
    }
    if (is_post) {
        len += snprintf(relay->output + len, sizeof(relay->output) - (size_t)len,
                        "Idempotency-Key: %s\r\nContent-Type: application/json\r\n"
                        "Content-Length: %u\r\n",
                        key->text, request->body_len_bytes);
    }
    len += snprintf(relay->output + len, sizeof(relay->output) - (size_t)len, "\r\n");
    CHECK((size_t)len + request->body_len_bytes <= sizeof(relay->output));
    memcpy(relay->output + len, request->body, is_post ? request->body_len_bytes : 0);
    relay->output_len_bytes = (size_t)len + (is_post ? request->body_len_bytes : 0);
}

/* The header's number; -1: not given or no number. */
static long number_of(const char *head, const char *name)
{
    size_t name_bytes = strlen(name);

    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += strlen("\r\n");
        if (strncasecmp(line, name, name_bytes) == 0 && line[name_bytes] == ':') {
            const char *text = line + name_bytes + 1 + strspn(line + name_bytes + 1, " ");

            return *text >= '0' && *text <= '9' ? strtol(text, NULL, DECIMAL) : -1;
        }
    }
    return -1;
}

/* 1: the answer is whole; 0: more must come; -EPROTO: it is none. */
static int read_answer(const struct relay *relay, struct api_reply *ret_reply)
{
    char head[HEAD_BYTES_MAX + 1];
    size_t look_bytes =
        relay->input_len_bytes < HEAD_BYTES_MAX ? relay->input_len_bytes : HEAD_BYTES_MAX;
    const uint8_t *end = relay->input == NULL
                             ? NULL
                             : memmem(relay->input, look_bytes, "\r\n\r\n", strlen("\r\n\r\n"));
    size_t head_bytes;
    long length, retry_after_s;

    if (end == NULL) {
        return look_bytes == HEAD_BYTES_MAX ? -EPROTO : 0;
    }
    head_bytes = (size_t)(end - relay->input) + strlen("\r\n\r\n");
    memcpy(head, relay->input, head_bytes);
    head[head_bytes] = '\0';
    length = number_of(head, "Content-Length");
    retry_after_s = number_of(head, "Retry-After");
    if (strncmp(head, "HTTP/1.1 ", STATUS_OFFSET) != 0 || length < 0 ||
        length > API_REPLY_BYTES_MAX) {
        return -EPROTO;
    }
    if (relay->input_len_bytes < head_bytes + (size_t)length) {
        return 0;
    }
    *ret_reply = (struct api_reply){
        .status = (uint16_t)strtoul(head + STATUS_OFFSET, NULL, DECIMAL),
        .retry_after_s = (uint16_t)(retry_after_s < 0                   ? 0
                                    : retry_after_s > RETRY_AFTER_S_MAX ? RETRY_AFTER_S_MAX
                                                                        : retry_after_s),
        .body = relay->input + head_bytes,
        .body_len_bytes = (uint32_t)length,
    };
    return 1;
}

static int make_room(struct relay *relay)
{
    size_t capacity_bytes = relay->input_capacity_bytes == 0 ? (size_t)INPUT_BYTES_MIN
                                                             : relay->input_capacity_bytes * 2;
    uint8_t *input;

    if (relay->input_len_bytes < relay->input_capacity_bytes) {
        return 0;
    }
    if (capacity_bytes > 2 * (size_t)API_REPLY_BYTES_MAX) {
        return -EMSGSIZE;
    }
    input = realloc(relay->input, capacity_bytes);
    if (input == NULL) {
        return -ENOMEM;
    }
    relay->input = input;
    relay->input_capacity_bytes = capacity_bytes;
    return 0;
}

/* 0: to be called again; 1: whole; negative: over. */
static int receive(struct relay *relay, struct api_reply *ret_reply)
{
    for (;;) {
        int r = make_room(relay);
        ssize_t len;

        if (r < 0) {
            return r;
        }
        len = recv(relay->fd, relay->input + relay->input_len_bytes,
                   relay->input_capacity_bytes - relay->input_len_bytes, MSG_DONTWAIT);
        if (len < 0) {
            return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        }
        if (len == 0) {
            return -ECONNRESET;
        }
        relay->input_len_bytes += (size_t)len;
        r = read_answer(relay, ret_reply);
        if (r != 0) {
            return r;
        }
    }
}

static int send_more(struct relay *relay)
{
    ssize_t len = send(relay->fd, relay->output + relay->sent_bytes,
                       relay->output_len_bytes - relay->sent_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (len < 0) {
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    }
    relay->sent_bytes += (size_t)len;
    return relay->sent_bytes == relay->output_len_bytes
               ? sd_event_source_set_io_events(relay->io, EPOLLIN)
               : 0;
}

static int on_peer(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct relay *relay = userdata;
    struct api_reply reply;
    int r = 0;

    (void)source;
    (void)fd;
    if ((revents & EPOLLOUT) != 0) {
        r = send_more(relay);
    }
    if (r >= 0 && (revents & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) {
        r = receive(relay, &reply);
    }
    if (r != 0) {
        forward_relay_over(relay->request, r == 1 ? &reply : NULL);
    }
    return 0;
}

static int connect_peer(struct relay *relay)
{
    const struct gateway *gateway = relay->request->gateway;
    const struct gateway_listen *peer = &gateway->config.relay_peer;
    int one = 1;

    relay->fd =
        socket(peer->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    if (relay->fd < 0) {
        return -errno;
    }
    (void)setsockopt(relay->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(relay->fd, (const struct sockaddr *)&peer->address, peer->address_len_bytes) < 0 &&
        errno != EINPROGRESS) {
        return -errno;
    }
    return sd_event_add_io(gateway->event, &relay->io, relay->fd, EPOLLOUT | EPOLLIN, on_peer,
                           relay);
}

int relay_begin(struct request *request)
{
    struct relay *relay = malloc(sizeof(*relay));
    int r;

    if (relay == NULL) {
        return -ENOMEM;
    }
    memset(relay, 0, offsetof(struct relay, output));
    relay->request = request;
    relay->fd = -1;
    write_request(relay);
    r = connect_peer(relay);
    if (r < 0) {
        relay_end(relay);
        return r;
    }
    request->relay = relay;
    return 0;
}
