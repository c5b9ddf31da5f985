#include "cluster/adapters/address_libnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <netlink/addr.h>
#include <netlink/cache.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <stdlib.h>
#include <string.h>

enum {
    MONITOR_BUFFER_BYTES = 1024 * 1024,
    MONITOR_TURN_MAX = 64, /* datagrams handled before the loop gets its turn */
    TCP_STATES_LISTED =
        1 << TCP_ESTABLISHED | 1 << TCP_CLOSE_WAIT | 1 << TCP_FIN_WAIT1 | 1 << TCP_FIN_WAIT2,
};

struct address_kernel {
    sd_event_source *source;
    struct nl_sock *monitor; /* non-blocking, multicast */
    struct nl_sock *request; /* route requests, answered at once by the kernel */
    struct nl_sock *diag;
    struct address_kernel_options options;
    struct address_kernel_interface interfaces[ADDRESS_INTERFACE_COUNT];
    bool dump_needed;
    bool request_stale, diag_stale; /* one failed: its answer may come, and be taken for the next */
};

/* libnl has its own error numbers; those that say something to a caller keep their meaning. */
static int from_nl(int r)
{
    if (r >= 0) {
        return 0;
    }
    switch (-r) {
    case NLE_NODEV:
    case NLE_OBJ_NOTFOUND:
        return -ENODEV;
    case NLE_PERM:
    case NLE_NOACCESS:
        return -EPERM;
    case NLE_NOMEM:
        return -ENOMEM;
    case NLE_EXIST:
        return -EEXIST;
    case NLE_NOADDR:
        return -EADDRNOTAVAIL;
    case NLE_OPNOTSUPP:
        return -EOPNOTSUPP;
    default:
        return -EIO;
    }
}

static void note_link(struct address_kernel *kernel, struct rtnl_link *link, bool removed)
{
    const char *name = rtnl_link_get_name(link);
    unsigned flags = rtnl_link_get_flags(link);
    struct nl_addr *mac = rtnl_link_get_addr(link);

    for (size_t i = 0; i < ADDRESS_INTERFACE_COUNT; i++) {
        struct address_kernel_interface *row = &kernel->interfaces[i];
        struct address_kernel_interface before = *row;
        bool same_index = row->index == rtnl_link_get_ifindex(link);

        if (row->name[0] == '\0' ||
            (name == NULL ? !same_index : strcmp(name, row->name) != 0 && !same_index)) {
            continue;
        }
        /* Removed, or renamed away from the name that we are told to use. */
        if (removed || (name != NULL && strcmp(name, row->name) != 0)) {
            row->index = same_index ? 0 : row->index;
            row->up = same_index ? false : row->up;
        } else {
            row->index = rtnl_link_get_ifindex(link);
            row->up = (flags & IFF_UP) != 0 && (flags & IFF_RUNNING) != 0;
            if (mac != NULL && nl_addr_get_len(mac) == ADDRESS_MAC_BYTES) {
                memcpy(row->mac, nl_addr_get_binary_addr(mac), ADDRESS_MAC_BYTES);
            }
        }
        if (memcmp(&before, row, sizeof(before)) != 0) {
            kernel->options.on_link(kernel->options.context);
        }
    }
}

static void on_monitor_object(struct nl_object *object, void *context)
{
    struct address_kernel *kernel = context;

    switch (nl_object_get_msgtype(object)) {
    case RTM_NEWLINK:
        note_link(kernel, (struct rtnl_link *)object, false);
        return;
    case RTM_DELLINK:
        note_link(kernel, (struct rtnl_link *)object, true);
        return;
    case RTM_DELADDR:
        kernel->options.on_address(kernel->options.context);
        return;
    default:
        return;
    }
}

static int on_monitor_message(struct nl_msg *message, void *context)
{
    (void)nl_msg_parse(message, on_monitor_object, context);
    return NL_OK;
}

static int open_socket(struct nl_sock **ret_socket, int protocol)
{
    int r;

    *ret_socket = nl_socket_alloc();
    if (*ret_socket == NULL) {
        return -ENOMEM;
    }
    r = nl_connect(*ret_socket, protocol);
    return from_nl(r);
}

/* Before each request: after one that failed, on a socket that nothing is on its way to. */
static int freshen(struct nl_sock **socket, int protocol, bool *stale)
{
    struct nl_sock *fresh = NULL;
    int r;

    if (!*stale) {
        return 0;
    }
    r = open_socket(&fresh, protocol);
    if (r < 0) {
        nl_socket_free(fresh);
        return r;
    }
    nl_socket_free(*socket);
    *socket = fresh;
    *stale = false;
    return 0;
}

static int freshen_request(struct address_kernel *kernel)
{
    return freshen(&kernel->request, NETLINK_ROUTE, &kernel->request_stale);
}

/* What was missed: every interface is looked up by name, every address again. */
static void dump_again(struct address_kernel *kernel)
{
    kernel->dump_needed = false;
    for (size_t i = 0; i < ADDRESS_INTERFACE_COUNT; i++) {
        struct address_kernel_interface *row = &kernel->interfaces[i];
        struct rtnl_link *link = NULL;
        int r;

        if (row->name[0] == '\0') {
            continue;
        }
        r = freshen_request(kernel) < 0
                ? -NLE_NOMEM
                : rtnl_link_get_kernel(kernel->request, 0, row->name, &link);
        /* Without memory for the answer libnl says that all went well, and has none. */
        r = r == 0 && link == NULL ? -NLE_NOMEM : r;
        kernel->request_stale = kernel->request_stale || r < 0;
        if (r == 0) {
            note_link(kernel, link, false);
            rtnl_link_put(link);
        } else if (r == -NLE_NODEV || r == -NLE_OBJ_NOTFOUND) {
            row->index = 0;
            row->up = false;
            kernel->options.on_link(kernel->options.context);
        } else {
            kernel->dump_needed = true;
        }
    }
    kernel->options.on_address(kernel->options.context);
}

static int on_monitor(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct address_kernel *kernel = context;

    (void)source;
    (void)fd;
    (void)events;
    for (int i = 0; i < MONITOR_TURN_MAX; i++) {
        int r = nl_recvmsgs_default(kernel->monitor);

        if (r == -NLE_AGAIN) {
            break;
        }
        if (r < 0) { /* NLE_NOMEM is ENOBUFS: notifications were lost */
            kernel->dump_needed = true;
            if (r != -NLE_NOMEM && r != -NLE_DUMP_INTR) {
                break;
            }
        }
    }
    if (kernel->dump_needed) {
        dump_again(kernel);
    }
    return 0;
}

static int open_sockets(struct address_kernel *kernel)
{
    int r = open_socket(&kernel->request, NETLINK_ROUTE);

    if (r == 0) {
        r = open_socket(&kernel->diag, NETLINK_SOCK_DIAG);
    }
    if (r == 0) {
        r = open_socket(&kernel->monitor, NETLINK_ROUTE);
    }
    if (r < 0) {
        return r;
    }
    nl_socket_disable_seq_check(kernel->monitor);
    r = nl_socket_modify_cb(kernel->monitor, NL_CB_VALID, NL_CB_CUSTOM, on_monitor_message, kernel);
    if (r == 0) {
        r = nl_socket_set_nonblocking(kernel->monitor);
    }
    if (r == 0) {
        r = nl_socket_set_buffer_size(kernel->monitor, MONITOR_BUFFER_BYTES, 0);
    }
    if (r == 0) {
        r = nl_socket_add_memberships(kernel->monitor, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, 0);
    }
    return from_nl(r);
}

int address_kernel_create(const struct address_kernel_options *options,
                          struct address_kernel **ret_kernel)
{
    struct address_kernel *kernel = calloc(1, sizeof(*kernel));
    int r;

    if (kernel == NULL) {
        return -ENOMEM;
    }
    kernel->options = *options;
    for (size_t i = 0; i < ADDRESS_INTERFACE_COUNT; i++) {
        const char *name = options->interface_names[i];

        if (name != NULL && strlen(name) < IFNAMSIZ) {
            memcpy(kernel->interfaces[i].name, name, strlen(name) + 1);
        }
    }
    r = open_sockets(kernel);
    if (r == 0) {
        r = sd_event_add_io(options->event, &kernel->source, nl_socket_get_fd(kernel->monitor),
                            EPOLLIN, on_monitor, kernel);
    }
    if (r < 0) {
        address_kernel_destroy(kernel);
        return r;
    }
    *ret_kernel = kernel;
    /* Subscribed first, dumped after: nothing falls between. */
    dump_again(kernel);
    return 0;
}

void address_kernel_look_again(struct address_kernel *kernel)
{
    if (kernel->dump_needed) {
        dump_again(kernel);
    }
}

void address_kernel_destroy(struct address_kernel *kernel)
{
    if (kernel == NULL) {
        return;
    }
    (void)sd_event_source_disable_unref(kernel->source);
    nl_socket_free(kernel->monitor);
    nl_socket_free(kernel->request);
    nl_socket_free(kernel->diag);
    free(kernel);
}

const struct address_kernel_interface *address_kernel_interface(const struct address_kernel *kernel,
                                                                enum address_interface which)
{
    return &kernel->interfaces[which];
}

static struct rtnl_addr *make_address(const struct address_kernel *kernel)
{
    uint32_t network = htonl(kernel->options.floating);
    struct nl_addr *local = nl_addr_build(AF_INET, &network, sizeof(network));
    struct rtnl_addr *address = rtnl_addr_alloc();

    if (local == NULL || address == NULL) {
        nl_addr_put(local);
        rtnl_addr_put(address);
        return NULL;
    }
    nl_addr_set_prefixlen(local, kernel->options.floating_prefix_bits);
    rtnl_addr_set_ifindex(address, kernel->interfaces[ADDRESS_LAN].index);
    (void)rtnl_addr_set_local(address, local);
    nl_addr_put(local);
    return address;
}

struct search {
    struct address_kernel *kernel;
    bool found;
};

static void look_at_address(struct nl_object *object, void *context)
{
    struct search *search = context;
    struct rtnl_addr *address = (struct rtnl_addr *)object;
    struct nl_addr *local = rtnl_addr_get_local(address);
    uint32_t network = htonl(search->kernel->options.floating);

    if (local != NULL && nl_addr_get_family(local) == AF_INET &&
        memcmp(nl_addr_get_binary_addr(local), &network, sizeof(network)) == 0) {
        search->found = true;
    }
}

/* Found on whichever interface: an address on the wrong one answers ARP all the same. */
int address_kernel_is_present(struct address_kernel *kernel)
{
    struct search search = {.kernel = kernel};
    struct nl_cache *cache = NULL;
    int r = freshen_request(kernel);

    if (r < 0) {
        return r;
    }
    r = rtnl_addr_alloc_cache(kernel->request, &cache);
    if (r < 0) {
        kernel->request_stale = true;
        return from_nl(r);
    }
    nl_cache_foreach(cache, look_at_address, &search);
    nl_cache_free(cache);
    return search.found ? 1 : 0;
}

int address_kernel_add(struct address_kernel *kernel)
{
    struct rtnl_addr *address;
    int r;

    if (kernel->interfaces[ADDRESS_LAN].index == 0) {
        return -ENODEV;
    }
    r = freshen_request(kernel);
    if (r < 0) {
        return r;
    }
    address = make_address(kernel);
    if (address == NULL) {
        return -ENOMEM;
    }
    rtnl_addr_set_preferred_lifetime(address, ADDRESS_LIFETIME_S);
    rtnl_addr_set_valid_lifetime(address, ADDRESS_LIFETIME_S);
    r = from_nl(rtnl_addr_add(kernel->request, address, NLM_F_CREATE | NLM_F_REPLACE));
    rtnl_addr_put(address);
    if (r < 0) {
        kernel->request_stale = true;
        return r;
    }
    r = address_kernel_is_present(kernel);
    return r == 1 ? 0 : r == 0 ? -EADDRNOTAVAIL : r;
}

int address_kernel_remove(struct address_kernel *kernel)
{
    struct rtnl_addr *address;
    int r = freshen_request(kernel);

    if (r < 0) {
        return r;
    }
    if (kernel->interfaces[ADDRESS_LAN].index != 0) {
        address = make_address(kernel);
        if (address == NULL) {
            return -ENOMEM;
        }
        /* Judged by what is there after it. */
        kernel->request_stale = rtnl_addr_delete(kernel->request, address, 0) < 0;
        rtnl_addr_put(address);
    }
    r = address_kernel_is_present(kernel);
    return r == 1 ? -EBUSY : r;
}

struct diag_walk {
    struct address_kernel *kernel;
    struct address_message *clients;
    struct inet_diag_sockid *ids;
    size_t id_count;
};

static bool is_gateways(uint16_t port)
{
    return port == ADDRESS_PLAIN_PORT || port == ADDRESS_TLS_PORT;
}

static int on_diag_message(struct nl_msg *message, void *context)
{
    struct diag_walk *walk = context;
    struct nlmsghdr *header = nlmsg_hdr(message);
    const struct inet_diag_msg *row;
    struct address_message *clients = walk->clients;

    if (!nlmsg_valid_hdr(header, sizeof(*row))) {
        return NL_SKIP;
    }
    row = nlmsg_data(header);
    if (row->idiag_family != AF_INET || !is_gateways(ntohs(row->id.idiag_sport)) ||
        ntohl(row->id.idiag_src[0]) != walk->kernel->options.floating) {
        return NL_OK;
    }
    if (clients->clients.count < ADDRESS_CONNECTIONS_MAX) {
        struct address_client *client = &clients->clients.list[clients->clients.count];

        client->address = ntohl(row->id.idiag_dst[0]);
        client->port = ntohs(row->id.idiag_dport);
        if (walk->ids != NULL) {
            walk->ids[clients->clients.count] = row->id;
        }
        clients->clients.count++;
    }
    clients->clients.total++;
    return NL_OK;
}

static int walk_connections(struct address_kernel *kernel, struct inet_diag_sockid *ids,
                            struct address_message *ret_clients)
{
    struct inet_diag_req_v2 request = {
        .sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP, .idiag_states = TCP_STATES_LISTED};
    struct diag_walk walk = {.kernel = kernel, .clients = ret_clients, .ids = ids};
    int r;

    ret_clients->clients.count = 0;
    ret_clients->clients.total = 0;
    r = freshen(&kernel->diag, NETLINK_SOCK_DIAG, &kernel->diag_stale);
    if (r < 0) {
        return r;
    }
    r = nl_socket_modify_cb(kernel->diag, NL_CB_VALID, NL_CB_CUSTOM, on_diag_message, &walk);
    if (r == 0) {
        r = nl_send_simple(kernel->diag, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &request,
                           sizeof(request));
    }
    if (r >= 0) {
        r = nl_recvmsgs_default(kernel->diag);
    }
    kernel->diag_stale = r < 0;
    return r == -NLE_DUMP_INTR ? 0 : from_nl(r);
}

int address_kernel_list_clients(struct address_kernel *kernel, struct address_message *ret_clients)
{
    return walk_connections(kernel, NULL, ret_clients);
}

int address_kernel_reset_clients(struct address_kernel *kernel)
{
    struct address_message clients = {.kind = ADDRESS_CONNECTIONS};
    struct inet_diag_sockid ids[ADDRESS_CONNECTIONS_MAX];
    int r = walk_connections(kernel, ids, &clients);

    for (size_t i = 0; r == 0 && i < clients.clients.count; i++) {
        struct inet_diag_req_v2 request = {
            .sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP, .id = ids[i]};
        int sent = freshen(&kernel->diag, NETLINK_SOCK_DIAG, &kernel->diag_stale);

        if (sent == 0) {
            sent = nl_send_simple(kernel->diag, SOCK_DESTROY, NLM_F_ACK, &request, sizeof(request));
        }
        if (sent >= 0) {
            sent = nl_wait_for_ack(kernel->diag);
        }
        kernel->diag_stale = kernel->diag_stale || sent < 0;
        if (sent == -NLE_OPNOTSUPP) {
            r = -EOPNOTSUPP; /* gone meanwhile (ENOENT) is no failure */
        }
    }
    return r;
}
