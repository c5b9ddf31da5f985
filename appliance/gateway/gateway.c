#include "appliance/gateway/gateway.h"

#include "appliance/gateway/feed.h"
#include "appliance/gateway/internal.h"
#include "base/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { ACCURACY_USEC = 10000, DRAIN_LOOK_MS = 10, PORT_MAX = 65535 };

uint64_t gateway_now_ms(const struct gateway *gateway)
{
    uint64_t usec = 0;

    CHECK(sd_event_now(gateway->event, CLOCK_MONOTONIC, &usec) >= 0);
    return usec / INTERNAL_USEC_PER_MSEC;
}

static bool port_from(const char *text, uint16_t *ret_port)
{
    char *end = NULL;
    unsigned long port;

    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    port = strtoul(text, &end, 10);
    if (*end != '\0' || port > PORT_MAX) {
        return false;
    }
    *ret_port = (uint16_t)port;
    return true;
}

int gateway_listen_parse(const char *text, bool management, struct gateway_listen *ret_listen)
{
    struct gateway_listen listen_on = {.management = management};
    struct sockaddr_in *four = (struct sockaddr_in *)&listen_on.address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&listen_on.address;
    const char *colon = strrchr(text, ':');
    char address[INET6_ADDRSTRLEN];
    bool is_six = text[0] == '[';
    size_t len_bytes;
    uint16_t port;

    if (colon == NULL || !port_from(colon + 1, &port)) {
        return -EINVAL;
    }
    len_bytes = (size_t)(colon - text);
    if (is_six) {
        if (len_bytes < 2 || colon[-1] != ']') {
            return -EINVAL;
        }
        text++;
        len_bytes -= 2;
    }
    if (len_bytes >= sizeof(address)) {
        return -EINVAL;
    }
    memcpy(address, text, len_bytes);
    address[len_bytes] = '\0';
    if (is_six) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(port);
        listen_on.address_len_bytes = sizeof(*six);
    } else {
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        listen_on.address_len_bytes = sizeof(*four);
    }
    if (inet_pton(is_six ? AF_INET6 : AF_INET, address,
                  is_six ? (void *)&six->sin6_addr : (void *)&four->sin_addr) != 1) {
        return -EINVAL;
    }
    *ret_listen = listen_on;
    return 0;
}

static int on_turn(sd_event_source *source, void *userdata)
{
    (void)source;
    server_turn(userdata);
    return 0;
}

/* Only has to make the loop go round once more. */
static int on_rerun(sd_event_source *source, void *userdata)
{
    (void)source;
    (void)userdata;
    return 0;
}

static int on_sweep(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct gateway *gateway = userdata;
    int r;

    (void)usec;
    server_sweep(gateway);
    stream_sweep(gateway);
    r = sd_event_source_set_time_relative(source,
                                          (uint64_t)GATEWAY_SWEEP_MS * INTERNAL_USEC_PER_MSEC);
    return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_drain(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct gateway *gateway = userdata;
    int r;

    (void)usec;
    if (gateway_now_ms(gateway) >= gateway->stop_at_ms ||
        (forward_count(gateway) == 0 && gateway->streams.count == 0)) {
        return sd_event_exit(gateway->event, 0);
    }
    r = sd_event_source_set_time_relative(source, (uint64_t)DRAIN_LOOK_MS * INTERNAL_USEC_PER_MSEC);
    return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_stop(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct gateway *gateway = userdata;
    uint64_t times;

    (void)source;
    (void)revents;
    (void)!read(fd, &times, sizeof(times));
    if (gateway->stopping) {
        return 0;
    }
    gateway->stopping = true;
    gateway->stop_at_ms = gateway_now_ms(gateway) + GATEWAY_DRAIN_MS;
    server_stop_accepting(gateway);
    stream_finish(gateway);
    /* Without a timer nothing is waited for: what is not answered yet is asked again by its client. */
    return sd_event_add_time_relative(gateway->event, &gateway->drain, CLOCK_MONOTONIC, 0,
                                      ACCURACY_USEC, on_drain, gateway) < 0
               ? sd_event_exit(gateway->event, 0)
               : 0;
}

static int add_sources(struct gateway *gateway)
{
    int r = sd_event_add_post(gateway->event, &gateway->turn, on_turn, gateway);

    if (r >= 0) {
        r = sd_event_add_defer(gateway->event, &gateway->rerun, on_rerun, gateway);
    }
    if (r >= 0) {
        r = sd_event_add_time_relative(gateway->event, &gateway->sweep, CLOCK_MONOTONIC, 0,
                                       ACCURACY_USEC, on_sweep, gateway);
    }
    if (r >= 0) {
        gateway->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        r = gateway->stop_fd < 0 ? -errno
                                 : sd_event_add_io(gateway->event, &gateway->stop_source,
                                                   gateway->stop_fd, EPOLLIN, on_stop, gateway);
    }
    return r;
}

static int set_up(struct gateway *gateway)
{
    size_t openapi_bytes;
    const char *openapi = openapi_text(&openapi_bytes);
    int r = sd_event_new(&gateway->event);

    if (r >= 0) {
        r = add_sources(gateway);
    }
    if (r >= 0) {
        r = digest_create(&gateway->digest);
    }
    if (r >= 0) {
        r = files_create(gateway->digest, &gateway->files);
    }
    if (r >= 0) {
        r = files_add(gateway->files, "/api/v1/openapi.json", "application/json", openapi,
                      openapi_bytes);
    }
    if (r >= 0 && gateway->config.web_dir != NULL) {
        r = files_load(gateway->files, gateway->config.web_dir);
    }
    if (r >= 0) {
        r = voice_add(gateway->files, gateway->digest, gateway->config.web_dir,
                      gateway->config.voice_dir, gateway->complaint);
    }
    if (r >= 0) {
        r = people_create(gateway, &gateway->people);
    }
    if (r >= 0) {
        r = forward_init(gateway);
    }
    if (r >= 0) {
        r = stream_init(gateway);
    }
    if (r >= 0) {
        r = engine_link_create(gateway->event, gateway->config.engine_socket, gateway,
                               &gateway->link);
    }
    return r < 0 ? r : server_start(gateway);
}

int gateway_create(const struct gateway_config *config, struct gateway **ret_gateway)
{
    struct gateway *gateway = calloc(1, sizeof(*gateway));
    int r;

    if (gateway == NULL) {
        return -ENOMEM;
    }
    CHECK(config->listen_count <= GATEWAY_LISTENERS_MAX && config->host_count <= GATEWAY_HOSTS_MAX);
    gateway->config = *config;
    gateway->config.hold_ms = config->hold_ms == 0 ? GATEWAY_HOLD_MS : config->hold_ms;
    gateway->config.read_ms_max =
        config->read_ms_max == 0 ? GATEWAY_READ_MS_MAX : config->read_ms_max;
    gateway->stop_fd = -1;
    TAILQ_INIT(&gateway->connections);
    TAILQ_INIT(&gateway->streams.list);
    TAILQ_INIT(&gateway->forward.waiting);
    r = set_up(gateway);
    if (r < 0) {
        gateway_destroy(gateway);
        return r;
    }
    *ret_gateway = gateway;
    return 0;
}

void gateway_destroy(struct gateway *gateway)
{
    if (gateway == NULL) {
        return;
    }
    gateway->stopping = true;
    /* No connection may be suspended when its daemon stops: all are answered or ended first. */
    forward_finish(gateway);
    people_destroy(gateway->people);
    stream_finish(gateway);
    server_finish(gateway);
    engine_link_destroy(gateway->link);
    files_destroy(gateway->files);
    digest_destroy(gateway->digest);
    free(gateway->streams.newest);
    (void)sd_event_source_disable_unref(gateway->turn);
    (void)sd_event_source_disable_unref(gateway->rerun);
    (void)sd_event_source_disable_unref(gateway->sweep);
    (void)sd_event_source_disable_unref(gateway->stop_source);
    (void)sd_event_source_disable_unref(gateway->drain);
    if (gateway->stop_fd >= 0) {
        (void)close(gateway->stop_fd);
    }
    (void)sd_event_unref(gateway->event);
    free(gateway);
}

const char *gateway_complaint(const struct gateway *gateway)
{
    return gateway->complaint;
}

sd_event *gateway_event(struct gateway *gateway)
{
    return gateway->event;
}

uint16_t gateway_port(const struct gateway *gateway, uint32_t listener_index)
{
    /* Both families keep the port at the same place. */
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } address = {0};
    socklen_t len_bytes = sizeof(address);

    CHECK(listener_index < gateway->listener_count);
    if (getsockname(gateway->listeners[listener_index].fd, &address.any, &len_bytes) < 0) {
        return 0;
    }
    return ntohs(address.four.sin_port);
}

int gateway_run(struct gateway *gateway)
{
    int r = sd_event_loop(gateway->event);

    return r < 0 ? r : 0;
}

bool gateway_wants_new_process(const struct gateway *gateway)
{
    const struct feed_in *feed = engine_link_feed(gateway->link);

    return feed != NULL && feed_in_wants_new_process(feed);
}

void gateway_stop(struct gateway *gateway)
{
    uint64_t one = 1;

    (void)!write(gateway->stop_fd, &one, sizeof(one));
}
