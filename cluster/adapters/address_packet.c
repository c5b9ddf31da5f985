#include "cluster/adapters/address_packet.h"

#include "base/bytes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FRAME_BYTES_MAX = 128, TCP_WINDOW_BYTES = 1024, IP_TTL_TICKLE = 64 };

static const uint8_t broadcast[ADDRESS_MAC_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

int address_arp_open(int interface_index)
{
    struct sockaddr_ll where = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP), .sll_ifindex = interface_index};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int r;

    if (fd < 0) {
        return -errno;
    }
    /* Created without a protocol, so that nothing of other interfaces is queued before the bind. */
    if (bind(fd, (const struct sockaddr *)&where, sizeof(where)) < 0) {
        r = -errno;
        (void)close(fd);
        return r;
    }
    return fd;
}

static bool decode_arp(const uint8_t *bytes, size_t len_bytes, struct address_arp *ret_arp)
{
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);
    bool shape;

    (void)bytes_take(&reader, 2 * ADDRESS_MAC_BYTES); /* Ethernet addresses: ARP's own are used */
    shape = bytes_get_u16(&reader) == ETH_P_ARP;
    shape = bytes_get_u16(&reader) == ARPHRD_ETHER && shape;
    shape = bytes_get_u16(&reader) == ETH_P_IP && shape;
    shape = bytes_get_u8(&reader) == ADDRESS_MAC_BYTES && shape;
    shape = bytes_get_u8(&reader) == sizeof(uint32_t) && shape;
    ret_arp->operation = bytes_get_u16(&reader);
    bytes_get(&reader, ret_arp->sender_mac, ADDRESS_MAC_BYTES);
    ret_arp->sender = bytes_get_u32(&reader);
    bytes_get(&reader, ret_arp->target_mac, ADDRESS_MAC_BYTES);
    ret_arp->target = bytes_get_u32(&reader);
    return shape && !reader.failed; /* bytes after it are Ethernet padding */
}

int address_arp_receive(int fd, struct address_arp *ret_arp)
{
    uint8_t bytes[FRAME_BYTES_MAX];
    struct sockaddr_ll from = {0};
    socklen_t from_bytes = sizeof(from);
    struct address_arp arp;
    ssize_t len =
        recvfrom(fd, bytes, sizeof(bytes), MSG_DONTWAIT, (struct sockaddr *)&from, &from_bytes);

    if (len < 0) {
        return errno == EAGAIN || errno == EINTR || errno == ENETDOWN ? 0 : -errno;
    }
    if (from.sll_pkttype == PACKET_OUTGOING || !decode_arp(bytes, (size_t)len, &arp)) {
        return -ESTALE;
    }
    *ret_arp = arp;
    return 1;
}

static int send_arp(int fd, const struct address_arp *arp)
{
    uint8_t bytes[ADDRESS_ARP_BYTES];
    struct bytes_writer writer = bytes_writer_over(bytes, sizeof(bytes));

    bytes_put(&writer, broadcast, ADDRESS_MAC_BYTES);
    bytes_put(&writer, arp->sender_mac, ADDRESS_MAC_BYTES);
    bytes_put_u16(&writer, ETH_P_ARP);
    bytes_put_u16(&writer, ARPHRD_ETHER);
    bytes_put_u16(&writer, ETH_P_IP);
    bytes_put_u8(&writer, ADDRESS_MAC_BYTES);
    bytes_put_u8(&writer, sizeof(uint32_t));
    bytes_put_u16(&writer, arp->operation);
    bytes_put(&writer, arp->sender_mac, ADDRESS_MAC_BYTES);
    bytes_put_u32(&writer, arp->sender);
    bytes_put(&writer, arp->target_mac, ADDRESS_MAC_BYTES);
    bytes_put_u32(&writer, arp->target);
    return send(fd, bytes, writer.len_bytes, MSG_DONTWAIT) < 0 ? -errno : 0;
}

int address_arp_ask(int fd, const uint8_t mac[ADDRESS_MAC_BYTES], uint32_t sender, uint32_t target)
{
    struct address_arp arp = {.operation = ARPOP_REQUEST, .sender = sender, .target = target};

    memcpy(arp.sender_mac, mac, ADDRESS_MAC_BYTES);
    return send_arp(fd, &arp);
}

int address_arp_announce(int fd, const uint8_t mac[ADDRESS_MAC_BYTES], uint32_t address)
{
    struct address_arp arp = {.operation = ARPOP_REPLY, .sender = address, .target = address};
    int r = address_arp_ask(fd, mac, address, address);

    memcpy(arp.sender_mac, mac, ADDRESS_MAC_BYTES);
    memcpy(arp.target_mac, mac, ADDRESS_MAC_BYTES);
    return r < 0 ? r : send_arp(fd, &arp);
}

uint32_t address_primary(const char *interface_name)
{
    struct ifreq request = {0};
    struct sockaddr_in primary;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int r;

    if (fd < 0) {
        return 0;
    }
    request.ifr_addr.sa_family = AF_INET;
    memcpy(request.ifr_name, interface_name, strnlen(interface_name, IFNAMSIZ - 1));
    r = ioctl(fd, SIOCGIFADDR, &request);
    (void)close(fd);
    if (r < 0) {
        return 0;
    }
    memcpy(&primary, &request.ifr_addr, sizeof(primary));
    return ntohl(primary.sin_addr.s_addr);
}

int address_tickle_open(void)
{
    int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);

    return fd < 0 ? -errno : fd; /* IPPROTO_RAW means IP_HDRINCL (raw(7)) */
}

static uint16_t checksum(const uint8_t *bytes, size_t len_bytes)
{
    uint32_t sum = 0;

    for (size_t i = 0; i + 1 < len_bytes; i += 2) {
        sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
    }
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

/* RFC 9293 3.1: the checksum covers a pseudo header of both addresses, protocol and length. */
static uint16_t tcp_checksum(const struct iphdr *ip, const struct tcphdr *tcp)
{
    uint8_t bytes[12 + sizeof(struct tcphdr)];
    struct bytes_writer writer = bytes_writer_over(bytes, sizeof(bytes));

    bytes_put_u32(&writer, ntohl(ip->saddr));
    bytes_put_u32(&writer, ntohl(ip->daddr));
    bytes_put_u16(&writer, IPPROTO_TCP);
    bytes_put_u16(&writer, sizeof(struct tcphdr));
    bytes_put(&writer, tcp, sizeof(*tcp));
    return checksum(bytes, writer.len_bytes);
}

int address_tickle_send(int fd, uint32_t own, uint16_t port, const struct address_client *client,
                        uint32_t sequence)
{
    struct {
        struct iphdr ip;
        struct tcphdr tcp;
    } packet;
    struct sockaddr_in to = {.sin_family = AF_INET};

    memset(&packet, 0, sizeof(packet));
    packet.ip.version = IPVERSION;
    packet.ip.ihl = sizeof(packet.ip) / 4;
    packet.ip.ttl = IP_TTL_TICKLE;
    packet.ip.protocol = IPPROTO_TCP;
    packet.ip.tot_len = htons(sizeof(packet));
    packet.ip.saddr = htonl(own);
    packet.ip.daddr = htonl(client->address);
    packet.tcp.source = htons(port);
    packet.tcp.dest = htons(client->port);
    packet.tcp.seq = htonl(sequence);
    packet.tcp.doff = sizeof(packet.tcp) / 4;
    packet.tcp.ack = 1;
    packet.tcp.window = htons(TCP_WINDOW_BYTES);
    packet.tcp.check = htons(tcp_checksum(&packet.ip, &packet.tcp));
    to.sin_addr.s_addr = packet.ip.daddr;
    return sendto(fd, &packet, sizeof(packet), MSG_DONTWAIT, (const struct sockaddr *)&to,
                  sizeof(to)) < 0
               ? -errno
               : 0;
}
