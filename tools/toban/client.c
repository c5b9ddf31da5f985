#include "tools/toban/toban.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { READ_BYTES = 64 * 1024 };

static int64_t clock_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void client_close(struct client *client)
{
    if (client->fd >= 0) {
        (void)close(client->fd);
    }
    free(client->bytes);
    *client = (struct client){.fd = -1};
}

void answer_free(struct answer *answer)
{
    free(answer->body);
    *answer = (struct answer){0};
}

static int wait_for(int fd, short events, int64_t until_ms)
{
    for (;;) {
        struct pollfd polled = {.fd = fd, .events = events};
        int64_t left_ms = until_ms - clock_ms();
        int r = poll(&polled, 1, left_ms > 0 ? (int)left_ms : 0);

        if (r > 0) {
            return 0;
        }
        if (r == 0) {
            return -ETIMEDOUT;
        }
        if (errno != EINTR) {
            return -errno;
        }
    }
}

/* Reads until a whole frame stands at the start of the buffer. */
static int read_frame(struct client *client, int64_t until_ms, size_t *ret_len_bytes)
{
    for (;;) {
        int64_t whole = api_frame_length(client->bytes, client->len_bytes, API_REPLY_BYTES_MAX);
        ssize_t got;
        int r;

        if (whole < 0) {
            return -EPROTO;
        }
        if (whole > 0) {
            *ret_len_bytes = (size_t)whole;
            return 0;
        }
        if (client->capacity_bytes - client->len_bytes < READ_BYTES) {
            uint8_t *larger = realloc(client->bytes, 2 * client->capacity_bytes + READ_BYTES);

            if (larger == NULL) {
                return -ENOMEM;
            }
            client->bytes = larger;
            client->capacity_bytes = 2 * client->capacity_bytes + READ_BYTES;
        }
        r = wait_for(client->fd, POLLIN, until_ms);
        if (r < 0) {
            return r;
        }
        got = recv(client->fd, client->bytes + client->len_bytes, READ_BYTES, 0);
        if (got == 0) {
            return -ECONNRESET;
        }
        if (got < 0 && errno != EINTR && errno != EAGAIN) {
            return -errno;
        }
        client->len_bytes += got > 0 ? (size_t)got : 0;
    }
}

static void drop_frame(struct client *client, size_t len_bytes)
{
    memmove(client->bytes, client->bytes + len_bytes, client->len_bytes - len_bytes);
    client->len_bytes -= len_bytes;
}

int client_open(const char *path, unsigned wait_ms, struct client *ret_client)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    __attribute__((cleanup(client_close))) struct client client = {.fd = -1, .next_id = 1};
    struct api_state state;
    size_t frame_bytes = 0;
    int r;

    if (strlen(path) >= sizeof(address.sun_path)) {
        return -ENAMETOOLONG;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    client.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client.fd < 0) {
        return -errno;
    }
    if (connect(client.fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        return -errno;
    }
    client.bytes = malloc(READ_BYTES);
    if (client.bytes == NULL) {
        return -ENOMEM;
    }
    client.capacity_bytes = READ_BYTES;
    r = read_frame(&client, clock_ms() + wait_ms, &frame_bytes);
    if (r < 0) {
        return r;
    }
    if (!api_state_decode(client.bytes, frame_bytes, &state)) {
        return -EPROTO;
    }
    client.serving = state.serving;
    drop_frame(&client, frame_bytes);
    *ret_client = client;
    client = (struct client){.fd = -1};
    return 0;
}

static int send_all(struct client *client, const uint8_t *bytes, size_t len_bytes, int64_t until_ms)
{
    while (len_bytes > 0) {
        ssize_t sent = send(client->fd, bytes, len_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent < 0 && errno == EAGAIN) {
            int r = wait_for(client->fd, POLLOUT, until_ms);

            if (r < 0) {
                return r;
            }
        } else if (sent < 0 && errno != EINTR) {
            return -errno;
        }
        bytes += sent > 0 ? sent : 0;
        len_bytes -= sent > 0 ? (size_t)sent : 0;
    }
    return 0;
}

static int take_reply(const struct api_reply *reply, struct answer *ret_answer)
{
    char *body = malloc((size_t)reply->body_len_bytes + 1);

    if (body == NULL) {
        return -ENOMEM;
    }
    if (reply->body_len_bytes > 0) {
        memcpy(body, reply->body, reply->body_len_bytes);
    }
    body[reply->body_len_bytes] = '\0';
    *ret_answer = (struct answer){.status = reply->status,
                                  .lsn = reply->lsn,
                                  .body = body,
                                  .body_len_bytes = reply->body_len_bytes};
    return 0;
}

static void bytes_free(uint8_t **bytes)
{
    free(*bytes);
}

int client_ask(struct client *client, struct api_request *request, unsigned wait_ms,
               struct answer *ret_answer)
{
    size_t capacity_bytes =
        request->type == API_SITE ? API_SITE_REQUEST_BYTES_MAX : API_REQUEST_BYTES_MAX;
    __attribute__((cleanup(bytes_free))) uint8_t *bytes = malloc(capacity_bytes);
    int64_t until_ms = clock_ms() + wait_ms;
    size_t len_bytes;
    int r;

    request->id = client->next_id++;
    len_bytes = bytes == NULL ? 0 : api_request_encode(request, bytes, capacity_bytes);
    if (len_bytes == 0) {
        return -EMSGSIZE;
    }
    r = send_all(client, bytes, len_bytes, until_ms);
    while (r == 0) {
        struct api_reply reply;
        size_t frame_bytes = 0;
        uint32_t id;
        bool ours;

        r = read_frame(client, until_ms, &frame_bytes);
        if (r < 0) {
            break;
        }
        /* State frames come in between whenever serving starts or ends. */
        ours = api_frame_type(client->bytes) == API_REPLY;
        if (ours && !api_reply_decode(client->bytes, frame_bytes, &id, &reply)) {
            return -EPROTO;
        }
        if (ours && id == request->id) {
            r = take_reply(&reply, ret_answer);
            drop_frame(client, frame_bytes);
            return r;
        }
        drop_frame(client, frame_bytes);
    }
    return r;
}
