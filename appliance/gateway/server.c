/* The HTTP daemons: listening sockets, connections, and when a request's bytes are whole. Each
 * listener is one libmicrohttpd daemon in external epoll mode; all run in the one loop. */
#include "appliance/adapters/derive.h"
#include "appliance/gateway/answer.h"
#include "appliance/gateway/gateway.h"
#include "appliance/gateway/internal.h"
#include "base/check.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LISTEN_BACKLOG = 1024,
    SEND_BUFFER_BYTES = 256 * 1024, /* a screen that stopped reading holds no more than this */
    USER_TIMEOUT_MS = 10000,        /* a client that lost its power is forgotten */
    RUNS_PER_TURN_MAX = 16,
    PEM_BYTES_MAX = 65536,
    TLS_OPTIONS = 4,
};

static void set_phase(struct request *request, enum request_phase phase)
{
    request->phase = phase;
    request->connection->at_work = phase == REQUEST_HELD || phase == REQUEST_SENT ||
                                   phase == REQUEST_RELAYED || phase == REQUEST_DERIVING ||
                                   phase == REQUEST_STREAMING;
    request->connection->since_ms = gateway_now_ms(request->gateway);
}

void server_resume(struct request *request)
{
    CHECK(request->suspended);
    request->suspended = false;
    request->connection->listener->dirty = true;
    MHD_resume_connection(request->http);
}

void server_answer(struct request *request, uint16_t status, struct MHD_Response *response)
{
    CHECK(request->phase != REQUEST_ANSWERED && request->phase != REQUEST_STREAMING);
    request->status = status;
    request->response = response;
    set_phase(request, REQUEST_ANSWERED);
    if (request->suspended) {
        server_resume(request);
    }
}

void server_answer_problem(struct request *request, enum problem problem, const char *name,
                           const char *value)
{
    server_answer(request, problem_status(problem), answer_problem(problem, name, value));
}

static struct request *request_create(struct gateway *gateway, struct MHD_Connection *http)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(http, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct request *request;

    if (info == NULL || info->socket_context == NULL) {
        return NULL;
    }
    request = gateway->spare_count > 0 ? gateway->spares[--gateway->spare_count]
                                       : malloc(sizeof(*request));
    if (request == NULL) {
        return NULL;
    }
    memset(request, 0, offsetof(struct request, body));
    request->gateway = gateway;
    request->http = http;
    request->connection = info->socket_context;
    request->arrived_ms = gateway_now_ms(gateway);
    set_phase(request, REQUEST_READING);
    return request;
}

static void request_destroy(struct request *request)
{
    struct gateway *gateway = request->gateway;

    free(request->refusal);
    if (request->large != NULL) {
        free(request->large);
        request->large = NULL;
        gateway->large_count--;
    }
    people_job_destroy(request->people);
    request->people = NULL;
    if (gateway->spare_count < INTERNAL_SPARE_REQUESTS_MAX) {
        gateway->spares[gateway->spare_count++] = request;
    } else {
        free(request);
    }
}

static void request_completed(void *cls, struct MHD_Connection *http, void **con_cls,
                              enum MHD_RequestTerminationCode code)
{
    struct request *request = *con_cls;

    (void)cls;
    (void)http;
    (void)code;
    *con_cls = NULL;
    if (request == NULL) {
        return;
    }
    CHECK(request->phase != REQUEST_HELD && request->phase != REQUEST_SENT &&
          request->phase != REQUEST_RELAYED && request->phase != REQUEST_DERIVING);
    if (request->stream != NULL) {
        stream_close(request->stream);
    }
    if (request->response != NULL && !request->response_is_shared) {
        MHD_destroy_response(request->response);
    }
    set_phase(request, REQUEST_READING);
    request_destroy(request);
}

static enum MHD_Result queue_answer(struct request *request)
{
    struct MHD_Response *response = request->response;
    enum MHD_Result queued;

    if (response == NULL) {
        return MHD_NO;
    }
    request->response = NULL;
    if (!request->response_is_shared && request->stream == NULL &&
        !request->connection->listener->management && !request->connection->listener->relay &&
        forward_is_moved(request->gateway)) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    }
    metrics_note_answer(request->gateway, request);
    queued = MHD_queue_response(request->http, request->status, response);
    if (!request->response_is_shared) {
        MHD_destroy_response(response);
    }
    if (request->stream != NULL) {
        set_phase(request, REQUEST_STREAMING);
    }
    return queued;
}

/* Bytes beyond the limit are dropped so that the refusal can still be sent; too many end it all. */
static enum MHD_Result take_body(struct request *request, const char *data, size_t *len_bytes)
{
    size_t capacity_bytes =
        request->large != NULL ? GATEWAY_LARGE_BODY_BYTES_MAX : sizeof(request->body);
    char *body = request->large != NULL ? request->large : request->body;

    if (request->discarded_bytes > 0 || *len_bytes > capacity_bytes - request->body_len_bytes) {
        if (*len_bytes > GATEWAY_BODY_DISCARD_BYTES_MAX - request->discarded_bytes) {
            return MHD_NO;
        }
        request->discarded_bytes += (uint32_t)*len_bytes;
    } else {
        memcpy(body + request->body_len_bytes, data, *len_bytes);
        request->body_len_bytes += (uint32_t)*len_bytes;
    }
    *len_bytes = 0;
    return MHD_YES;
}

/* A site file is longer than anything else. Where too many come at once it is refused by its length. */
static void take_room(struct request *request, const char *method, const char *path)
{
    struct gateway *gateway = request->gateway;
    const struct listener *listener = request->connection->listener;

    if (!listener->plain && !listener->relay && route_takes_long(method, path) &&
        gateway->large_count < GATEWAY_LARGE_BODIES_MAX) {
        request->large = malloc(GATEWAY_LARGE_BODY_BYTES_MAX);
        gateway->large_count += request->large != NULL ? 1 : 0;
    }
}

/* The library calls this once when the headers are here, then with each piece of the body, then
 * when the request is whole, and once more after each resume. */
static enum MHD_Result handle_request(void *cls, struct MHD_Connection *http, const char *path,
                                      const char *method, const char *version, const char *data,
                                      size_t *len_bytes, void **con_cls)
{
    struct listener *listener = cls;
    struct request *request = *con_cls;

    (void)version;
    if (request == NULL) {
        enum problem problem;

        request = request_create(listener->gateway, http);
        if (request == NULL) {
            return MHD_NO;
        }
        *con_cls = request;
        take_room(request, method, path);
        problem = dispatch_check_framing(request);
        if (problem == PROBLEM_NONE) {
            return MHD_YES;
        }
        /* What follows on this connection cannot be told from a body: nothing more is read. */
        server_answer_problem(request, problem, NULL, NULL);
        if (request->response != NULL) {
            (void)MHD_add_response_header(request->response, MHD_HTTP_HEADER_CONNECTION, "close");
        }
        return queue_answer(request);
    }
    if (*len_bytes > 0) {
        return take_body(request, data, len_bytes);
    }
    if (!request->seen_whole) {
        request->seen_whole = true;
        dispatch_request(request, method, path);
    }
    if (request->phase == REQUEST_ANSWERED) {
        return queue_answer(request);
    }
    CHECK(request->phase == REQUEST_HELD || request->phase == REQUEST_SENT ||
          request->phase == REQUEST_RELAYED || request->phase == REQUEST_DERIVING);
    request->connection->at_work = true;
    request->suspended = true;
    MHD_suspend_connection(http);
    return MHD_YES;
}

static enum MHD_Result accept_policy(void *cls, const struct sockaddr *address, socklen_t len_bytes)
{
    struct listener *listener = cls;
    struct gateway *gateway = listener->gateway;
    bool room = listener->management
                    ? gateway->management_connection_count < GATEWAY_MANAGEMENT_CONNECTIONS_MAX
                    : gateway->public_connection_count < GATEWAY_CONNECTIONS_MAX;

    (void)address;
    (void)len_bytes;
    gateway->counters.refused_connections += room ? 0 : 1;
    return room ? MHD_YES : MHD_NO;
}

static void connection_changed(void *cls, struct MHD_Connection *http, void **socket_context,
                               enum MHD_ConnectionNotificationCode code)
{
    struct listener *listener = cls;
    struct gateway *gateway = listener->gateway;
    uint32_t *count = listener->management ? &gateway->management_connection_count
                                           : &gateway->public_connection_count;
    struct connection *connection = *socket_context;
    const union MHD_ConnectionInfo *info;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (connection != NULL) {
            TAILQ_REMOVE(&gateway->connections, connection, all);
            free(connection);
            *socket_context = NULL;
            *count -= 1;
        }
        return;
    }
    info = MHD_get_connection_info(http, MHD_CONNECTION_INFO_CONNECTION_FD);
    connection = calloc(1, sizeof(*connection));
    if (connection == NULL || info == NULL) {
        free(connection);
        return; /* without a context every request on it is refused */
    }
    connection->listener = listener;
    connection->fd = info->connect_fd;
    connection->since_ms = gateway_now_ms(gateway);
    TAILQ_INSERT_TAIL(&gateway->connections, connection, all);
    *socket_context = connection;
    *count += 1;
}

/* Paths and queries stay as they were sent: nothing of ours needs an escape, so nothing is decoded.
 */
static size_t keep_escapes(void *cls, struct MHD_Connection *http, char *text)
{
    (void)cls;
    (void)http;
    return strlen(text);
}

static int on_listener(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct listener *listener = userdata;

    (void)source;
    (void)fd;
    (void)revents;
    listener->dirty = true;
    return 0;
}

static int open_socket(const struct gateway_listen *listen_on, int *ret_fd)
{
    int one = 1;
    int send_buffer_bytes = SEND_BUFFER_BYTES;
    int user_timeout_ms = USER_TIMEOUT_MS;
    bool six = listen_on->address.ss_family == AF_INET6;
    int fd = socket(listen_on->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        return -errno;
    }
    /* Accepted sockets inherit these. The floating address is bound before it is held here. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
        setsockopt(fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_FREEBIND : IP_FREEBIND, &one,
                   sizeof(one)) < 0 ||
        (six && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0) ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof(user_timeout_ms)) <
            0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer_bytes, sizeof(send_buffer_bytes)) < 0 ||
        bind(fd, (const struct sockaddr *)&listen_on->address, listen_on->address_len_bytes) < 0 ||
        listen(fd, LISTEN_BACKLOG) < 0) {
        int r = -errno;

        (void)close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

/* A small file as text. -EFBIG: no certificate is so long. */
static int read_pem(const char *path, char **ret_text)
{
    FILE *file = fopen(path, "re");
    char *text = calloc(1, PEM_BYTES_MAX + 1);
    int r = file == NULL ? -errno : 0;
    size_t len_bytes = 0;

    if (r == 0 && text == NULL) {
        r = -ENOMEM;
    }
    if (r == 0) {
        len_bytes = fread(text, 1, PEM_BYTES_MAX + 1, file);
        r = ferror(file) ? -EIO : len_bytes > PEM_BYTES_MAX ? -EFBIG : 0;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    if (r < 0) {
        free(text);
        return r;
    }
    *ret_text = text;
    return 0;
}

/* TLS 1.2 and 1.3, nothing older; the library keeps no session of a client that leaves. */
static int tls_options(struct gateway *gateway, struct MHD_OptionItem options[TLS_OPTIONS])
{
    static char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE";
    int r = 0;

    if (gateway->config.tls_certificate == NULL || gateway->config.tls_key == NULL ||
        MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES) {
        return -ENOTSUP;
    }
    if (gateway->tls_certificate == NULL) {
        r = read_pem(gateway->config.tls_certificate, &gateway->tls_certificate);
    }
    if (r == 0 && gateway->tls_key == NULL) {
        r = read_pem(gateway->config.tls_key, &gateway->tls_key);
    }
    options[0] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, gateway->tls_certificate};
    options[1] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, gateway->tls_key};
    options[2] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, priorities};
    options[3] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    return r;
}

/* A credential in clear leaves no machine. */
static bool is_loopback(const struct sockaddr_storage *address)
{
    struct sockaddr_in four;
    struct sockaddr_in6 six;

    memcpy(&four, address, sizeof(four));
    memcpy(&six, address, sizeof(six));
    return address->ss_family == AF_INET6 ? IN6_IS_ADDR_LOOPBACK(&six.sin6_addr)
                                          : ntohl(four.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

static int start_listener(struct gateway *gateway, const struct gateway_listen *listen_on,
                          struct listener *listener)
{
    struct MHD_OptionItem options[TLS_OPTIONS] = {{MHD_OPTION_END, 0, NULL}};
    const union MHD_DaemonInfo *info;
    int r = listen_on->tls ? tls_options(gateway, options) : 0;

    if (r == 0 && !listen_on->tls && !listen_on->plain && !listen_on->management &&
        !listen_on->relay && !is_loopback(&listen_on->address)) {
        r = -EPERM;
    }
    if (r < 0) {
        return r;
    }
    listener->gateway = gateway;
    listener->management = listen_on->management;
    listener->relay = listen_on->relay;
    listener->plain = listen_on->plain;
    listener->tls = listen_on->tls;
    r = open_socket(listen_on, &listener->fd);
    if (r < 0) {
        return r;
    }
    gateway->listener_count++;
    listener->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO |
            (listen_on->tls ? MHD_USE_TLS : 0),
        0, accept_policy, listener, handle_request, listener, MHD_OPTION_ARRAY, options,
        MHD_OPTION_LISTEN_SOCKET, listener->fd, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)GATEWAY_CONNECTION_MEMORY_BYTES, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)GATEWAY_CONNECTIONS_MAX + 1, MHD_OPTION_NOTIFY_COMPLETED, request_completed,
        listener, MHD_OPTION_NOTIFY_CONNECTION, connection_changed, listener,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    if (listener->daemon == NULL) {
        return -EIO;
    }
    info = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL) {
        return -ENOTSUP;
    }
    listener->dirty = true;
    return sd_event_add_io(gateway->event, &listener->io, info->epoll_fd, EPOLLIN, on_listener,
                           listener);
}

int server_start(struct gateway *gateway)
{
    for (uint32_t i = 0; i < gateway->config.listen_count; i++) {
        int r = start_listener(gateway, &gateway->config.listens[i], &gateway->listeners[i]);

        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static bool run_once_more(struct MHD_Daemon *daemon)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;

    (void)MHD_run(daemon);
    return MHD_get_timeout(daemon, &wait_ms) == MHD_YES && wait_ms == 0;
}

void server_turn(struct gateway *gateway)
{
    bool more = false;

    for (uint32_t i = 0; i < gateway->listener_count; i++) {
        struct listener *listener = &gateway->listeners[i];
        int runs = 0;

        if (!listener->dirty || listener->daemon == NULL) {
            continue;
        }
        listener->dirty = false;
        while (run_once_more(listener->daemon) && ++runs < RUNS_PER_TURN_MAX) {
        }
        listener->dirty = listener->dirty || runs == RUNS_PER_TURN_MAX;
    }
    engine_link_flush(gateway->link);
    for (uint32_t i = 0; i < gateway->listener_count; i++) {
        more = more || gateway->listeners[i].dirty;
    }
    if (more) {
        (void)sd_event_source_set_enabled(gateway->rerun, SD_EVENT_ONESHOT);
    }
}

/* One rule for idle, slow and dribbling clients: a whole request, or a whole answer, within its
 * time. */
void server_sweep(struct gateway *gateway)
{
    uint64_t now_ms = gateway_now_ms(gateway);
    struct connection *connection;

    TAILQ_FOREACH(connection, &gateway->connections, all)
    {
        if (!connection->at_work && now_ms - connection->since_ms > gateway->config.read_ms_max) {
            connection->since_ms = now_ms;
            gateway->counters.closed_slow++;
            /* The daemon sees the end of the stream and closes: the descriptor stays its own. */
            (void)shutdown(connection->fd, SHUT_RDWR);
            connection->listener->dirty = true;
        }
    }
    /* A daemon that once had no descriptor for a client takes its listening socket out of its epoll set, and puts it
     * back when it runs after a connection ended: nothing else would wake it. */
    for (uint32_t i = 0; i < gateway->listener_count; i++) {
        gateway->listeners[i].dirty = true;
    }
}

void server_stop_accepting(struct gateway *gateway)
{
    for (uint32_t i = 0; i < gateway->listener_count; i++) {
        struct listener *listener = &gateway->listeners[i];

        if (listener->daemon != NULL && listener->fd >= 0 &&
            MHD_quiesce_daemon(listener->daemon) != MHD_INVALID_SOCKET) {
            (void)close(listener->fd);
            listener->fd = -1;
        }
    }
}

void server_finish(struct gateway *gateway)
{
    for (uint32_t i = 0; i < gateway->listener_count; i++) {
        struct listener *listener = &gateway->listeners[i];

        listener->io = sd_event_source_disable_unref(listener->io);
        if (listener->daemon != NULL) {
            (void)run_once_more(listener->daemon);
            MHD_stop_daemon(
                listener->daemon); /* closes the listening socket unless it was quiesced */
            listener->daemon = NULL;
        } else if (listener->fd >= 0) {
            (void)close(listener->fd);
        }
        listener->fd = -1;
    }
    if (gateway->tls_key != NULL) {
        derive_forget(gateway->tls_key, PEM_BYTES_MAX);
    }
    free(gateway->tls_key);
    free(gateway->tls_certificate);
    gateway->tls_key = gateway->tls_certificate = NULL;
    while (gateway->spare_count > 0) {
        free(gateway->spares[--gateway->spare_count]);
    }
}
