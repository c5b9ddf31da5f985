#include "appliance/adapters/client_socket.h"

#include "appliance/engine/api.h"
#include "base/check.h"

#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    INPUT_BYTES = 72 * 1024, /* one request of the longest kind, and more of the others */
    BACKLOG = 16,
    SOCKET_MODE = 0660,
    ACCEPT_INTERVAL_US = 50000,
    ACCEPTS_PER_INTERVAL_MAX = 64,
};

struct client {
    struct client_socket *owner;
    uint64_t id; /* 0: slot free */
    int fd;
    sd_event_source *source;
    size_t input_len_bytes;
    uint8_t *input; /* INPUT_BYTES */
    size_t output_at_bytes, output_len_bytes, output_capacity_bytes;
    uint8_t *output;
    bool writing; /* EPOLLOUT is on */
    enum api_peer peer;
    bool doomed; /* closed at the end of the turn: callers up the stack still use it */
};

struct client_socket {
    struct client_socket_options options;
    uid_t driver, feed;
    int fd;
    sd_event_source *source, *flush_source;
    uint64_t next_id;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    struct client clients[CLIENT_SOCKET_CLIENTS_MAX];
};

static void close_client(struct client *client)
{
    struct client_socket *owner = client->owner;
    uint64_t id = client->id;

    if (id == 0) {
        return;
    }
    (void)sd_event_source_disable_unref(client->source);
    (void)close(client->fd);
    free(client->input);
    free(client->output);
    *client = (struct client){.owner = owner, .fd = -1};
    owner->options.on_gone(owner->options.context, id);
}

static void doom(struct client *client)
{
    client->doomed = true;
    (void)sd_event_source_set_enabled(client->owner->flush_source, SD_EVENT_ONESHOT);
}

static void flush_client(struct client *client)
{
    while (client->output_at_bytes < client->output_len_bytes) {
        ssize_t written =
            send(client->fd, client->output + client->output_at_bytes,
                 client->output_len_bytes - client->output_at_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            if (!client->writing) {
                client->writing = true;
                (void)sd_event_source_set_io_events(client->source, EPOLLIN | EPOLLOUT);
            }
            return;
        }
        if (written < 0) {
            client->doomed = true;
            return;
        }
        client->output_at_bytes += (size_t)written;
    }
    client->output_at_bytes = client->output_len_bytes = 0;
    if (client->writing) {
        client->writing = false;
        (void)sd_event_source_set_io_events(client->source, EPOLLIN);
    }
}

static int on_flush(sd_event_source *source, void *context)
{
    struct client_socket *owner = context;

    (void)source;
    for (size_t i = 0; i < CLIENT_SOCKET_CLIENTS_MAX; i++) {
        struct client *client = &owner->clients[i];

        if (client->id != 0 && !client->doomed) {
            flush_client(client);
        }
        if (client->id != 0 && client->doomed) {
            close_client(client);
        }
    }
    return 0;
}

static void take_frames(struct client *client)
{
    struct client_socket *owner = client->owner;
    size_t at_bytes = 0;

    while (!client->doomed) {
        int64_t len_bytes =
            api_request_length(client->input + at_bytes, client->input_len_bytes - at_bytes);

        if (len_bytes < 0) {
            doom(client);
            return;
        }
        if (len_bytes == 0) {
            break;
        }
        owner->options.on_frame(owner->options.context, client->id, client->peer,
                                client->input + at_bytes, (size_t)len_bytes);
        at_bytes += (size_t)len_bytes;
    }
    memmove(client->input, client->input + at_bytes, client->input_len_bytes - at_bytes);
    client->input_len_bytes -= at_bytes;
}

static int on_client(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct client *client = context;
    ssize_t len_bytes;

    (void)source;
    if ((events & EPOLLOUT) != 0) {
        flush_client(client);
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0 || client->doomed) {
        return 0;
    }
    len_bytes = recv(fd, client->input + client->input_len_bytes,
                     INPUT_BYTES - client->input_len_bytes, MSG_DONTWAIT);
    if (len_bytes < 0 && (errno == EAGAIN || errno == EINTR)) {
        return 0;
    }
    if (len_bytes <= 0) {
        doom(client);
        return 0;
    }
    client->input_len_bytes += (size_t)len_bytes;
    take_frames(client);
    return 0;
}

/* Who cannot be asked about is a stranger as well. */
static enum api_peer who_is(const struct client_socket *owner, int fd)
{
    struct ucred peer;
    socklen_t len_bytes = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len_bytes) < 0) {
        return API_PEER_STRANGER;
    }
    if (peer.uid == 0 || peer.uid == geteuid()) {
        return API_PEER_LOCAL;
    }
    if (owner->options.driver_user != NULL && peer.uid == owner->driver) {
        return API_PEER_DRIVER;
    }
    return owner->options.feed_user != NULL && peer.uid == owner->feed ? API_PEER_FEED
                                                                       : API_PEER_STRANGER;
}

static int find_user(const char *name, uid_t *ret_user)
{
    const struct passwd *user;

    if (name == NULL) {
        return 0;
    }
    user = getpwnam(name); /* at the start: there is one thread that asks */
    if (user == NULL) {
        return -ENOENT;
    }
    *ret_user = user->pw_uid;
    return 0;
}

static int on_connect(sd_event_source *source, int listen_fd, uint32_t events, void *context)
{
    struct client_socket *owner = context;
    int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)source;
    (void)events;
    if (fd < 0) {
        return 0;
    }
    for (size_t i = 0; i < CLIENT_SOCKET_CLIENTS_MAX; i++) {
        struct client *client = &owner->clients[i];

        if (client->id != 0) {
            continue;
        }
        client->input = malloc(INPUT_BYTES);
        if (client->input == NULL || sd_event_add_io(owner->options.event, &client->source, fd,
                                                     EPOLLIN, on_client, client) < 0) {
            free(client->input);
            client->input = NULL;
            break;
        }
        client->fd = fd;
        client->peer = who_is(owner, fd);
        client->id = owner->next_id++;
        owner->options.on_frame(owner->options.context, client->id, client->peer, NULL, 0);
        return 0;
    }
    (void)close(fd); /* full: the client sees the end at once and tries again later */
    return 0;
}

int client_socket_create(const struct client_socket_options *options,
                         struct client_socket **ret_socket)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct client_socket *owner;
    uid_t driver = 0, feed = 0;
    int r;

    if (strlen(options->path) >= sizeof(address.sun_path)) {
        return -ENAMETOOLONG;
    }
    r = find_user(options->driver_user, &driver);
    r = r < 0 ? r : find_user(options->feed_user, &feed);
    if (r < 0) {
        return r;
    }
    owner = calloc(1, sizeof(*owner));
    if (owner == NULL) {
        return -ENOMEM;
    }
    owner->options = *options;
    owner->driver = driver;
    owner->feed = feed;
    owner->next_id = 1;
    for (size_t i = 0; i < CLIENT_SOCKET_CLIENTS_MAX; i++) {
        owner->clients[i] = (struct client){.owner = owner, .fd = -1};
    }
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", options->path);
    (void)snprintf(owner->path, sizeof(owner->path), "%s", options->path);
    (void)unlink(options->path);
    owner->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (owner->fd < 0 || bind(owner->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        chmod(options->path, SOCKET_MODE) < 0 || listen(owner->fd, BACKLOG) < 0) {
        r = -errno;
        client_socket_destroy(owner);
        return r;
    }
    r = sd_event_add_io(options->event, &owner->source, owner->fd, EPOLLIN, on_connect, owner);
    if (r >= 0) {
        /* A client that cannot be taken, for want of a descriptor, stays in the queue and calls at once again: at
         * our priority nobody else would run. */
        r = sd_event_source_set_ratelimit(owner->source, ACCEPT_INTERVAL_US,
                                          ACCEPTS_PER_INTERVAL_MAX);
    }
    if (r >= 0) {
        r = sd_event_add_defer(options->event, &owner->flush_source, on_flush, owner);
    }
    if (r >= 0) {
        r = sd_event_source_set_enabled(owner->flush_source, SD_EVENT_OFF);
    }
    if (r < 0) {
        client_socket_destroy(owner);
        return r;
    }
    *ret_socket = owner;
    return 0;
}

void client_socket_destroy(struct client_socket *owner)
{
    if (owner == NULL) {
        return;
    }
    for (size_t i = 0; i < CLIENT_SOCKET_CLIENTS_MAX; i++) {
        if (owner->clients[i].id != 0) {
            flush_client(&owner->clients[i]);
            close_client(&owner->clients[i]);
        }
    }
    (void)sd_event_source_disable_unref(owner->source);
    (void)sd_event_source_disable_unref(owner->flush_source);
    if (owner->fd >= 0) {
        (void)close(owner->fd);
        (void)unlink(owner->path);
    }
    free(owner);
}

static bool append(struct client *client, const void *bytes, size_t len_bytes)
{
    size_t wanted = client->output_len_bytes + len_bytes;

    if (wanted - client->output_at_bytes > CLIENT_SOCKET_OUTPUT_BYTES_MAX) {
        return false;
    }
    if (wanted > client->output_capacity_bytes) {
        size_t capacity_bytes =
            client->output_capacity_bytes == 0 ? INPUT_BYTES : client->output_capacity_bytes * 2;
        uint8_t *grown;

        while (capacity_bytes < wanted) {
            capacity_bytes *= 2;
        }
        grown = realloc(client->output, capacity_bytes);
        if (grown == NULL) {
            return false;
        }
        client->output = grown;
        client->output_capacity_bytes = capacity_bytes;
    }
    if (len_bytes > 0) {
        memcpy(client->output + client->output_len_bytes, bytes, len_bytes);
    }
    client->output_len_bytes = wanted;
    return true;
}

void client_socket_send(struct client_socket *owner, uint64_t id, const void *header,
                        size_t header_len_bytes, const void *body, size_t body_len_bytes)
{
    for (size_t i = 0; i < CLIENT_SOCKET_CLIENTS_MAX; i++) {
        struct client *client = &owner->clients[i];

        if (client->id != id || client->doomed) {
            continue;
        }
        if (!append(client, header, header_len_bytes) || !append(client, body, body_len_bytes)) {
            client->doomed = true;
        }
        (void)sd_event_source_set_enabled(owner->flush_source, SD_EVENT_ONESHOT);
        return;
    }
}
