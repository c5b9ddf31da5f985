/* Asks toband: for its status, and, once, for the credentials of whoever uses this office. */
#include "tools/office/client.h"

#include "appliance/engine/api.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    STATUS_WAIT_MS = 2000,
    STATUS_BYTES_MAX = 1024 * 1024,
    REQUEST_ID = 1,
};

static int send_request(int fd, const struct api_request *request)
{
    uint8_t bytes[API_REQUEST_BYTES_MAX];
    struct api_request numbered = *request;
    size_t len;

    numbered.id = REQUEST_ID;
    len = api_request_encode(&numbered, bytes, sizeof(bytes));
    return len > 0 && send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len ? 0 : -EPIPE;
}

/* Takes whole frames off the front. 1: the reply was there; 0: not yet. */
static int take_frames(uint8_t *bytes, size_t *len_bytes, uint16_t *ret_status, json_t **ret_body)
{
    int64_t frame = 0;

    while ((frame = api_frame_length(bytes, *len_bytes, STATUS_BYTES_MAX)) > 0 &&
           (size_t)frame <= *len_bytes) {
        struct api_reply reply;
        uint32_t id = 0;

        if (api_frame_type(bytes) == API_REPLY &&
            api_reply_decode(bytes, (size_t)frame, &id, &reply) && id == REQUEST_ID) {
            *ret_status = reply.status;
            *ret_body = json_loadb((const char *)reply.body, reply.body_len_bytes, 0, NULL);
            return *ret_body == NULL ? -EPROTO : 1;
        }
        *len_bytes -= (size_t)frame;
        memmove(bytes, bytes + frame, *len_bytes);
    }
    return frame < 0 ? -EPROTO : 0;
}

static int receive(int fd, uint8_t *bytes, uint16_t *ret_status, json_t **ret_body)
{
    int64_t until_ms = office_monotonic_ms() + STATUS_WAIT_MS;
    size_t len_bytes = 0;
    int r = 0;

    while (r == 0) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        int64_t left_ms = until_ms - office_monotonic_ms();
        ssize_t got = 0;

        if (left_ms <= 0 || poll(&poll_fd, 1, (int)left_ms) != 1) {
            return -ETIMEDOUT;
        }
        got = recv(fd, bytes + len_bytes, STATUS_BYTES_MAX - len_bytes, 0);
        if (got <= 0) {
            return -ECONNREFUSED;
        }
        len_bytes += (size_t)got;
        r = take_frames(bytes, &len_bytes, ret_status, ret_body);
        if (r == 0 && len_bytes == STATUS_BYTES_MAX) {
            return -EPROTO;
        }
    }
    return r < 0 ? r : 0;
}

int client_engine_ask(const char *socket_path, const struct api_request *request,
                      uint16_t *ret_status, json_t **ret_body)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    uint8_t *bytes = malloc(STATUS_BYTES_MAX);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int r = fd < 0 || bytes == NULL ? -ENOMEM : 0;

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
    if (r == 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        r = -errno;
    }
    r = r < 0 ? r : send_request(fd, request);
    r = r < 0 ? r : receive(fd, bytes, ret_status, ret_body);
    free(bytes);
    if (fd >= 0) {
        (void)close(fd);
    }
    return r;
}

int client_engine_status(const char *socket_path, json_t **ret_status)
{
    struct api_request request = {.type = API_READ, .read = {.what = API_READ_STATUS}};
    uint16_t status;

    return client_engine_ask(socket_path, &request, &status, ret_status);
}
