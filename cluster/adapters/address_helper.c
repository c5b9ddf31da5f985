/* What toban-net holds and tells: the client, the address, and the timers of both. What it sees on
 * the LAN is in address_watch.c. */
#include "cluster/adapters/address_helper.h"

#include "base/check.h"
#include "cluster/adapters/address_helper_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    PACKETS_PER_TURN_MAX = 64,
    RENEW_MS = 1000,
    CONNECTIONS_REPEAT_TURNS = 5,
    ACCEPT_INTERVAL_US = 50000,
    ACCEPTS_PER_INTERVAL_MAX = 16,
};

uint64_t helper_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void helper_arm(sd_event_source *source, uint64_t after_ms)
{
    (void)sd_event_source_set_time(source, (helper_now_ms() + after_ms) * HELPER_US_PER_MS);
    (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void disarm(sd_event_source *source)
{
    (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

/* The client is cut off when it does not read: see send_message() in address_client.c. */
void helper_tell(struct address_helper *helper, const struct address_message *fact)
{
    uint8_t bytes[ADDRESS_MESSAGE_BYTES_MAX];
    size_t len_bytes = address_encode(fact, bytes, sizeof(bytes));

    CHECK(len_bytes > 0);
    if (helper->client_fd >= 0 &&
        send(helper->client_fd, bytes, len_bytes, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        helper->client_broken = true;
    }
}

static void tell_held(struct address_helper *helper, enum address_held_reason reason, int error)
{
    struct address_message fact = {.kind = ADDRESS_HELD};

    fact.held.held = helper->held;
    fact.held.reason = reason;
    fact.held.error = (uint16_t)error;
    helper_tell(helper, &fact);
}

static void stop_holding(struct address_helper *helper)
{
    helper->held = false;
    helper->tickle.clients.count = 0;
    disarm(helper->announce_source);
    disarm(helper->renew_source);
    disarm(helper->connections_source);
    disarm(helper->tickle_source);
    disarm(helper->heartbeat_source);
}

void helper_drop(struct address_helper *helper, bool reset_clients, enum address_held_reason reason)
{
    int r;

    if (reset_clients && helper->held) {
        /* First, while the address is still ours to send resets from. */
        (void)address_kernel_reset_clients(helper->kernel);
    }
    helper->counters.drops += helper->held ? 1 : 0;
    stop_holding(helper);
    r = address_kernel_remove(helper->kernel);
    helper_end_move(
        helper); /* after it: nobody is answered for an address that is being given up */
    if (r < 0) { /* the kernel's own lifetime ends it within seconds; say what is true now */
        helper->held = address_kernel_is_present(helper->kernel) == 1;
        tell_held(helper, ADDRESS_HELD_FAILED, -r);
        return;
    }
    tell_held(helper, reason, 0);
}

static void send_tickles(struct address_helper *helper)
{
    /* From both: whoever has no connection to one of them answers that one with a reset that nobody minds. */
    static const uint16_t ports[] = {ADDRESS_PLAIN_PORT, ADDRESS_TLS_PORT};
    const struct address_message *list = &helper->tickle;

    for (size_t i = 0; i < ARRAY_COUNT(ports) * list->clients.count; i++) {
        const struct address_client *client = &list->clients.list[i / ARRAY_COUNT(ports)];
        uint32_t sequence = 0;

        /* Another number each time: one that falls into the client's window would be heeded. */
        (void)getrandom(&sequence, sizeof(sequence), GRND_NONBLOCK);
        if (address_tickle_send(helper->tickle_fd, helper->options.floating,
                                ports[i % ARRAY_COUNT(ports)], client, sequence) == 0) {
            helper->counters.tickles_sent++;
        }
    }
}

static int on_tickle(sd_event_source *source, uint64_t at_us, void *context)
{
    struct address_helper *helper = context;

    (void)source;
    (void)at_us;
    if (!helper->held || helper->tickle_left_count == 0) {
        return 0;
    }
    send_tickles(helper);
    helper->tickle_left_count--;
    if (helper->tickle_left_count > 0) {
        helper_arm(helper->tickle_source, ADDRESS_TICKLE_MS);
    }
    return 0;
}

static void begin_tickles(struct address_helper *helper)
{
    helper->tickle_left_count = ADDRESS_TICKLE_COUNT;
    helper_arm(helper->tickle_source, 0);
}

static void announce(struct address_helper *helper)
{
    const struct address_kernel_interface *lan =
        address_kernel_interface(helper->kernel, ADDRESS_LAN);

    if (helper->arp_fd >= 0 &&
        address_arp_announce(helper->arp_fd, lan->mac, helper->options.floating) == 0) {
        helper->counters.announces_sent++;
    }
}

static int on_announce(sd_event_source *source, uint64_t at_us, void *context)
{
    struct address_helper *helper = context;

    (void)source;
    (void)at_us;
    if (helper->leaving) {
        return 0;
    }
    announce(helper);
    if (helper->announce_left_count > 0) {
        helper->announce_left_count--;
    }
    helper_arm(helper->announce_source,
               helper->announce_left_count > 0 ? ADDRESS_ANNOUNCE_MS : ADDRESS_ANNOUNCE_IDLE_MS);
    return 0;
}

void helper_announce_again(struct address_helper *helper)
{
    if (helper->held && !helper->leaving) {
        announce(helper);
        helper->announce_left_count = ADDRESS_ANNOUNCE_COUNT - 1;
        helper_arm(helper->announce_source, ADDRESS_ANNOUNCE_MS);
    }
}

static void take(struct address_helper *helper)
{
    int r = helper->held ? 0 : address_kernel_add(helper->kernel);

    helper->counters.takes++;
    if (r < 0) {
        (void)address_kernel_remove(helper->kernel);
        tell_held(helper, ADDRESS_HELD_FAILED, -r);
        return;
    }
    helper->held = true;
    helper->heartbeat_ms = helper_now_ms();
    helper_announce_again(helper);
    if (helper->tickle.clients.count > 0) {
        begin_tickles(helper);
    }
    tell_held(helper, ADDRESS_HELD_ASKED, 0);
    helper_arm(helper->heartbeat_source, ADDRESS_HEARTBEAT_MS_MAX);
    helper_arm(helper->renew_source, RENEW_MS);
    helper->connections_turn = 0;
    helper_arm(helper->connections_source, 0);
}

static int on_renew(sd_event_source *source, uint64_t at_us, void *context)
{
    struct address_helper *helper = context;

    (void)source;
    (void)at_us;
    if (!helper->held) {
        return 0;
    }
    if (address_kernel_add(helper->kernel) < 0) {
        helper_check_held(helper);
    }
    helper_arm(helper->renew_source, RENEW_MS);
    return 0;
}

void helper_check_held(struct address_helper *helper)
{
    if (helper->held && address_kernel_is_present(helper->kernel) == 0) {
        stop_holding(helper);
        helper_end_move(helper);
        tell_held(helper, ADDRESS_HELD_VANISHED, 0);
    }
}

static int on_connections(sd_event_source *source, uint64_t at_us, void *context)
{
    struct address_helper *helper = context;
    struct address_message now = {.kind = ADDRESS_CONNECTIONS};

    (void)source;
    (void)at_us;
    if (!helper->held || helper->leaving) {
        return 0;
    }
    if (address_kernel_list_clients(helper->kernel, &now) == 0 &&
        (helper->connections_turn++ % CONNECTIONS_REPEAT_TURNS == 0 ||
         memcmp(&now, &helper->connections, sizeof(now)) != 0)) {
        helper->connections = now;
        helper_tell(helper, &now);
    }
    helper_arm(helper->connections_source, ADDRESS_CONNECTIONS_MS);
    return 0;
}

static void handle(struct address_helper *helper, const struct address_message *message)
{
    helper->heartbeat_ms = helper_now_ms();
    switch (message->kind) {
    case ADDRESS_HEARTBEAT:
        return;
    case ADDRESS_TAKE:
        helper_end_move(helper);
        take(helper);
        return;
    case ADDRESS_ENTER:
        helper_begin_entering(helper); /* before anybody hears that the address is here */
        take(helper);
        return;
    case ADDRESS_LEAVE:
        helper_begin_leaving(helper);
        return;
    case ADDRESS_DROP:
        helper_drop(helper, message->drop.reset_clients, ADDRESS_HELD_ASKED);
        return;
    case ADDRESS_PROBE:
        helper->counters.probes++;
        helper_begin_probe(helper, message->probe.id, message->probe.bound_ms);
        return;
    case ADDRESS_TICKLE:
        helper->tickle = *message;
        if (helper->held) {
            begin_tickles(helper);
        }
        return;
    case ADDRESS_HELD:
    case ADDRESS_PROBED:
    case ADDRESS_ANNOUNCED:
    case ADDRESS_CARRIER:
    case ADDRESS_REFERENCE:
    case ADDRESS_CONNECTIONS:
    case ADDRESS_HELPER_UP:
    case ADDRESS_HELPER_LOST:
        break;
    }
    helper->counters.refused_packets++;
    helper->client_broken = true;
}

/* Reads what is there. A malformed packet, or the end, breaks the client. */
static void drain_client(struct address_helper *helper)
{
    uint8_t bytes[ADDRESS_MESSAGE_BYTES_MAX];
    struct address_message message;

    for (int i = 0; i < PACKETS_PER_TURN_MAX && !helper->client_broken; i++) {
        ssize_t len = recv(helper->client_fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_TRUNC);

        if (len < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (len <= 0) {
            helper->client_broken = true;
        } else if ((size_t)len > sizeof(bytes) || !address_decode(bytes, (size_t)len, &message)) {
            helper->counters.refused_packets++;
            helper->client_broken = true;
        } else {
            handle(helper, &message);
        }
    }
}

static void end_client(struct address_helper *helper)
{
    if (helper->client_fd < 0) {
        return;
    }
    helper->client_source = sd_event_source_disable_unref(helper->client_source);
    (void)close(helper->client_fd);
    helper->client_fd = -1;
    helper->client_broken = false;
    helper_end_probe(helper);
    /* The address stays for what is left of the last heartbeat: a toband that restarts in place takes it
     * over, and no client has to learn that anything happened. */
}

static int on_client(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct address_helper *helper = context;

    (void)source;
    (void)fd;
    (void)events;
    drain_client(helper);
    if (helper->client_broken) {
        end_client(helper);
    }
    return 0;
}

static int on_heartbeat_due(sd_event_source *source, uint64_t at_us, void *context)
{
    struct address_helper *helper = context;
    uint64_t age_ms;

    (void)source;
    (void)at_us;
    if (helper->client_fd >= 0) {
        drain_client(helper); /* if it was we who came late, the beats are waiting there */
    }
    if (!helper->held) {
        return 0;
    }
    age_ms = helper_now_ms() - helper->heartbeat_ms;
    if (helper->client_broken) {
        end_client(helper);
    }
    if (age_ms >= ADDRESS_HEARTBEAT_MS_MAX) {
        helper->counters.drops_by_heartbeat++;
        helper_drop(helper, true, ADDRESS_HELD_HEARTBEAT);
    } else {
        helper_arm(helper->heartbeat_source, ADDRESS_HEARTBEAT_MS_MAX - age_ms);
    }
    return 0;
}

static int on_listen(sd_event_source *source, int listen_fd, uint32_t events, void *context)
{
    struct address_helper *helper = context;
    int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)source;
    (void)events;
    if (fd < 0) {
        return 0;
    }
    end_client(helper);
    if (sd_event_add_io(helper->options.event, &helper->client_source, fd, EPOLLIN, on_client,
                        helper) < 0) {
        (void)close(fd);
        return 0;
    }
    helper->client_fd = fd;
    tell_held(helper, ADDRESS_HELD_START, 0);
    helper_tell_carriers(helper);
    return 0;
}

static int listen_at(const char *path, uid_t owner)
{
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    int fd;
    int r;

    if (strlen(path) >= sizeof(where.sun_path)) {
        return -ENAMETOOLONG;
    }
    memcpy(where.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -errno;
    }
    (void)unlink(path);
    /* The mode is set on the socket before bind() gives it a name: nobody gets in between. */
    if (fchmod(fd, S_IRUSR | S_IWUSR) < 0 ||
        bind(fd, (const struct sockaddr *)&where, sizeof(where)) < 0 ||
        chmod(path, S_IRUSR | S_IWUSR) < 0 ||
        (owner != geteuid() && chown(path, owner, (gid_t)-1) < 0) || listen(fd, 1) < 0) {
        r = -errno;
        (void)close(fd);
        return r;
    }
    return fd;
}

static int add_timer(struct address_helper *helper, sd_event_source **ret_source,
                     sd_event_time_handler_t handler)
{
    int r = sd_event_add_time(helper->options.event, ret_source, CLOCK_MONOTONIC, 0,
                              HELPER_TIMER_ACCURACY_US, handler, helper);

    return r < 0 ? r : sd_event_source_set_enabled(*ret_source, SD_EVENT_OFF);
}

static int add_timers(struct address_helper *helper)
{
    const struct {
        sd_event_source **source;
        sd_event_time_handler_t handler;
    } timers[] = {
        {&helper->heartbeat_source, on_heartbeat_due},
        {&helper->announce_source, on_announce},
        {&helper->renew_source, on_renew},
        {&helper->connections_source, on_connections},
        {&helper->tickle_source, on_tickle},
        {&helper->probe_source, helper_on_probe},
        {&helper->reference_source, helper_on_reference},
    };
    int r = 0;

    for (size_t i = 0; i < ARRAY_COUNT(timers) && r >= 0; i++) {
        r = add_timer(helper, timers[i].source, timers[i].handler);
    }
    return r;
}

static int open_all(struct address_helper *helper)
{
    const struct address_helper_options *options = &helper->options;
    int r = add_timers(helper);

    r = r < 0 ? r : helper_add_move(helper);
    if (r < 0) {
        return r;
    }
    r = helper_open_kernel(helper);
    if (r < 0) {
        return r;
    }
    r = address_kernel_remove(helper->kernel);
    if (r < 0) {
        return r;
    }
    helper->tickle_fd = address_tickle_open();
    if (helper->tickle_fd < 0) {
        return helper->tickle_fd;
    }
    helper->listen_fd = listen_at(options->socket_path, options->client_uid);
    if (helper->listen_fd < 0) {
        return helper->listen_fd;
    }
    r = sd_event_add_io(options->event, &helper->listen_source, helper->listen_fd, EPOLLIN,
                        on_listen, helper);
    /* A client that cannot be taken, for want of a descriptor, stays in the queue and calls at once again: at our
     * priority nobody else would run. */
    return r < 0 ? r
                 : sd_event_source_set_ratelimit(helper->listen_source, ACCEPT_INTERVAL_US,
                                                 ACCEPTS_PER_INTERVAL_MAX);
}

int address_helper_create(const struct address_helper_options *options,
                          struct address_helper **ret_helper)
{
    struct address_helper *helper;
    int r;

    CHECK(options->event != NULL && options->socket_path != NULL && options->lan_interface != NULL);
    CHECK(options->reference_count <= ADDRESS_REFERENCES_MAX);
    helper = calloc(1, sizeof(*helper));
    if (helper == NULL) {
        return -ENOMEM;
    }
    helper->options = *options;
    (void)sd_event_ref(options->event);
    helper->client_fd = -1;
    helper->listen_fd = -1;
    helper->arp_fd = -1;
    helper->tickle_fd = -1;
    r = open_all(helper);
    if (r < 0) {
        address_helper_destroy(helper);
        return r;
    }
    *ret_helper = helper;
    return 0;
}

static void close_if_open(int fd)
{
    if (fd >= 0) {
        (void)close(fd);
    }
}

void address_helper_destroy(struct address_helper *helper)
{
    if (helper == NULL) {
        return;
    }
    if (helper->kernel != NULL) {
        (void)address_kernel_remove(helper->kernel);
    }
    helper_end_move(helper);
    (void)sd_event_source_disable_unref(helper->move_source);
    (void)sd_event_source_disable_unref(helper->client_source);
    (void)sd_event_source_disable_unref(helper->listen_source);
    (void)sd_event_source_disable_unref(helper->heartbeat_source);
    (void)sd_event_source_disable_unref(helper->announce_source);
    (void)sd_event_source_disable_unref(helper->renew_source);
    (void)sd_event_source_disable_unref(helper->connections_source);
    (void)sd_event_source_disable_unref(helper->tickle_source);
    (void)sd_event_source_disable_unref(helper->probe_source);
    (void)sd_event_source_disable_unref(helper->reference_source);
    (void)sd_event_source_disable_unref(helper->arp_source);
    address_kernel_destroy(helper->kernel);
    close_if_open(helper->client_fd);
    close_if_open(helper->listen_fd);
    close_if_open(helper->arp_fd);
    close_if_open(helper->tickle_fd);
    (void)sd_event_unref(helper->options.event);
    free(helper);
}

bool address_helper_holds(const struct address_helper *helper)
{
    return helper->held;
}

void address_helper_get_counters(const struct address_helper *helper,
                                 struct address_helper_counters *ret_counters)
{
    *ret_counters = helper->counters;
}
