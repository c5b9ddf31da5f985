/*
 * Namespaces, cables and the switch. Every cable of a unit ends at a port of the namespace N-sw, so
 * a cable is cut at the switch's side, as people pull it: the unit sees its carrier go.
 */
#include "tools/office/office.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    NETNS_NAME_BYTES = 32,
    BATCH_BYTES = 2048,
};

static const char *const parts[] = {"sw", "lan", "u1", "u2"};

int office_netns_open(const char *netns, int *ret_fd)
{
    char path[OFFICE_PATH_BYTES];
    int fd = -1;

    (void)snprintf(path, sizeof(path), "/run/netns/%s", netns);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    *ret_fd = fd;
    return 0;
}

static bool part_is_used(const struct office *office, const char *part)
{
    return strcmp(part, "u2") != 0 || office->unit_count == OFFICE_UNITS_MAX;
}

static int run_ip(const char *netns, const char *batch, struct office_error *ret_error)
{
    static const char *const argv[] = {"ip", "-batch", "-", NULL};
    char said[OFFICE_TEXT_BYTES / 2];
    int r = office_command(netns, argv, batch, said, sizeof(said));

    if (r == 0) {
        return 0;
    }
    return office_fail(ret_error, -EIO,
                       "ネットワークを作れません（%s: %s）。root で実行してください。",
                       "The network cannot be made (%s: %s). Run this as root.",
                       netns == NULL ? "host" : netns, said);
}

/* Only IPv4 is used; IPv6's own chatter would be traffic that nobody sent. */
static int create_namespace(const char *netns, struct office_error *ret_error)
{
    static const char *const quiet[] = {
        "sh", "-c",
        "for f in all default; do echo 1 >/proc/sys/net/ipv6/conf/$f/disable_ipv6; done "
        "2>/dev/null; "
        "true",
        NULL};
    char batch[BATCH_BYTES];
    int r = 0;

    (void)snprintf(batch, sizeof(batch), "netns add %s\n", netns);
    r = run_ip(NULL, batch, ret_error);
    if (r < 0) {
        return r;
    }
    (void)office_command(netns, quiet, NULL, NULL, 0);
    return run_ip(netns, "link set lo up\n", ret_error);
}

static int create_switch(const struct office *office, const char *netns,
                         struct office_error *ret_error)
{
    static const char bridges[] = "link add svc type bridge forward_delay 0 mcast_snooping 0\n"
                                  "link add dir type bridge forward_delay 0 mcast_snooping 0\n"
                                  "link set svc up\nlink set dir up\n";
    char batch[BATCH_BYTES];
    size_t len = 0;

    len += (size_t)snprintf(batch, sizeof(batch),
                            "%slink add svc-lan type veth peer name lan0 netns %s-lan\n"
                            "link set svc-lan master svc up\n",
                            bridges, office->name);
    for (unsigned place = 1; place <= office->unit_count; place++) {
        len +=
            (size_t)snprintf(batch + len, sizeof(batch) - len,
                             "link add svc-u%u type veth peer name lan0 netns %s-u%u\n"
                             "link add dir-u%u type veth peer name dir0 netns %s-u%u\n"
                             "link set svc-u%u master svc\nlink set dir-u%u master dir\n",
                             place, office->name, place, place, office->name, place, place, place);
    }
    CHECK(len < sizeof(batch));
    return run_ip(netns, batch, ret_error);
}

static int create_ends(const struct office *office, struct office_error *ret_error)
{
    char netns[NETNS_NAME_BYTES];
    char batch[BATCH_BYTES];
    int r = 0;

    office_netns_name(office, "lan", netns, sizeof(netns));
    r = run_ip(netns,
               "addr add " OFFICE_CLIENTS "/24 dev lan0\naddr add " OFFICE_PRINTER "/24 dev lan0\n"
               "link set lan0 up\n",
               ret_error);
    for (size_t i = 0; i < office->site.printing.printer_count && r == 0; i++) {
        const char *address = office->site.printing.printers[i].address;

        if (strncmp(address, OFFICE_NETWORK, strlen(OFFICE_NETWORK)) == 0 &&
            strcmp(address, OFFICE_PRINTER) != 0 && strcmp(address, OFFICE_FLOATING) != 0) {
            (void)snprintf(batch, sizeof(batch), "addr add %s/24 dev lan0\n", address);
            r = run_ip(netns, batch, ret_error);
        }
    }
    for (unsigned place = 1; place <= office->unit_count && r == 0; place++) {
        char part[] = {'u', (char)('0' + place), '\0'};

        office_netns_name(office, part, netns, sizeof(netns));
        (void)snprintf(batch, sizeof(batch),
                       "addr add 10.90.0.%u/24 dev lan0\naddr add 10.90.1.%u/24 dev dir0\n"
                       "link set lan0 up\nlink set dir0 up\n",
                       place, place);
        r = run_ip(netns, batch, ret_error);
    }
    return r;
}

int office_network_create(const struct office *office, struct office_error *ret_error)
{
    char netns[NETNS_NAME_BYTES];
    int r = 0;

    for (size_t i = 0; i < ARRAY_COUNT(parts) && r == 0; i++) {
        if (part_is_used(office, parts[i])) {
            office_netns_name(office, parts[i], netns, sizeof(netns));
            r = create_namespace(netns, ret_error);
        }
    }
    if (r == 0) {
        office_netns_name(office, "sw", netns, sizeof(netns));
        r = create_switch(office, netns, ret_error);
    }
    return r < 0 ? r : create_ends(office, ret_error);
}

void office_network_destroy(const struct office *office)
{
    char netns[NETNS_NAME_BYTES];

    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        const char *argv[] = {"ip", "netns", "delete", netns, NULL};
        char path[OFFICE_PATH_BYTES];

        office_netns_name(office, parts[i], netns, sizeof(netns));
        (void)snprintf(path, sizeof(path), "/run/netns/%s", netns);
        if (access(path, F_OK) == 0) {
            (void)office_command(NULL, argv, NULL, NULL, 0);
        }
    }
}

int office_network_open_switch(const struct office *office, int *ret_fd)
{
    char netns[NETNS_NAME_BYTES];
    int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int other = -1;
    int fd = -1;
    int r = own < 0 ? -errno : 0;

    office_netns_name(office, "sw", netns, sizeof(netns));
    r = r < 0 ? r : office_netns_open(netns, &other);
    if (r == 0 && setns(other, CLONE_NEWNET) == 0) {
        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        CHECK(setns(own, CLONE_NEWNET) == 0);
    }
    r = r < 0 ? r : (fd < 0 ? -errno : 0);
    (void)close(own);
    (void)close(other);
    if (r == 0) {
        *ret_fd = fd;
    }
    return r;
}

static int set_port(int switch_fd, const char *port, bool up)
{
    struct ifreq request = {0};

    (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", port);
    if (ioctl(switch_fd, SIOCGIFFLAGS, &request) < 0) {
        return -errno;
    }
    if (((request.ifr_flags & IFF_UP) != 0) == up) {
        return 0;
    }
    request.ifr_flags = (short)(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
    return ioctl(switch_fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}

/* The direct link is one cable: pulled or without power at one end, it is dead at both. */
int office_network_apply_ports(const struct office *office, int switch_fd,
                               const struct office_cables *cables)
{
    bool direct_up = !cables->direct_cut && office->unit_count == OFFICE_UNITS_MAX;
    int r = 0;

    for (unsigned i = 0; i < office->unit_count; i++) {
        direct_up = direct_up && !cables->power_off[i];
    }
    for (unsigned i = 0; i < office->unit_count && r == 0; i++) {
        char port[IFNAMSIZ];

        (void)snprintf(port, sizeof(port), "svc-u%u", i + 1);
        r = set_port(switch_fd, port,
                     !cables->power_off[i] && !cables->lan_cut[i] && !cables->switch_dead);
        (void)snprintf(port, sizeof(port), "dir-u%u", i + 1);
        r = r < 0 ? r : set_port(switch_fd, port, direct_up);
    }
    return r < 0 ? r : set_port(switch_fd, "svc-lan", !cables->switch_dead);
}

int office_network_apply_rules(const struct office *office, const struct office_cables *cables)
{
    static const char *const argv[] = {"nft", "-f", "-", NULL};
    char netns[NETNS_NAME_BYTES];
    char rules[BATCH_BYTES];
    size_t len = 0;

    len += (size_t)snprintf(rules, sizeof(rules),
                            "add table bridge cut\ndelete table bridge cut\n"
                            "table bridge cut {\nchain forward {\n"
                            "type filter hook forward priority 0;\n");
    if (cables->switch_learning) {
        len += (size_t)snprintf(rules + len, sizeof(rules) - len, "iifname \"svc-*\" drop\n");
    }
    if (cables->partition) {
        len += (size_t)snprintf(rules + len, sizeof(rules) - len,
                                "iifname \"svc-u*\" oifname \"svc-u*\" drop\n"
                                "iifname \"dir-u*\" oifname \"dir-u*\" drop\n");
    }
    if (cables->partition && cables->clients_place != 0) {
        unsigned other = cables->clients_place == 1 ? 2 : 1;

        len += (size_t)snprintf(rules + len, sizeof(rules) - len,
                                "iifname \"svc-lan\" oifname \"svc-u%u\" drop\n"
                                "iifname \"svc-u%u\" oifname \"svc-lan\" drop\n",
                                other, other);
    }
    len += (size_t)snprintf(rules + len, sizeof(rules) - len, "}\n}\n");
    CHECK(len < sizeof(rules));
    office_netns_name(office, "sw", netns, sizeof(netns));
    return office_command(netns, argv, rules, NULL, 0) == 0 ? 0 : -EIO;
}
