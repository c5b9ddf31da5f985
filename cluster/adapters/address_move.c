/* A hand-over (DESIGN 3 rule 7) without a reset: the address is announced by the new unit at once, and
 * the connections that the old one still has end there.
 *
 * Once it is announced, all that clients send comes to the new unit, also what belongs to connections of
 * the old one. The new unit knows its own connections by their SYN; for a while it sends everything
 * else on over the direct link, as it came, instead of resetting it. The old unit still has the address
 * and answers its clients itself, but is silent to ARP. Both are tables of nftables, which live as long
 * as the hand-over; without nft the hand-over works and resets what is open. */
#include "base/check.h"
#include "cluster/adapters/address_helper_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { SCRIPT_BYTES = 1024 };

/* Naming a table makes it, so that deleting it cannot fail. */
static const char nothing_left[] = "table ip toban_enter; delete table ip toban_enter; "
                                   "table arp toban_leave; delete table arp toban_leave;";

static int run_nft(char *script)
{
    char path[] = "/usr/sbin/nft";
    char *argv[] = {path, script, NULL};
    char *environment[] = {NULL};
    posix_spawnattr_t attributes;
    sigset_t none;
    pid_t pid;
    int status = 0;
    int r = -posix_spawnattr_init(&attributes);

    if (r < 0) {
        return r;
    }
    (void)sigemptyset(&none);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    r = -posix_spawn(&pid, path, NULL, &attributes, argv, environment);
    (void)posix_spawnattr_destroy(&attributes);
    if (r < 0) {
        return r;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static void text_of(uint32_t address, char text[INET_ADDRSTRLEN])
{
    struct in_addr network = {.s_addr = htonl(address)};

    (void)inet_ntop(AF_INET, &network, text, INET_ADDRSTRLEN);
}

static void clean_up(void)
{
    char script[sizeof(nothing_left)];

    memcpy(script, nothing_left, sizeof(script));
    (void)run_nft(script);
}

void helper_end_move(struct address_helper *helper)
{
    if (!helper->leaving && !helper->entering) {
        return;
    }
    helper->leaving = helper->entering = false;
    (void)sd_event_source_set_enabled(helper->move_source, SD_EVENT_OFF);
    clean_up();
}

/* Filters see what the kernel answers and asks, not the announcements, which have stopped before. */
void helper_begin_leaving(struct address_helper *helper)
{
    char script[SCRIPT_BYTES], floating[INET_ADDRSTRLEN];

    if (!helper->held || helper->leaving) {
        return;
    }
    helper_end_move(helper);
    helper->leaving = true;
    helper->leaving_since_ms = helper_now_ms();
    text_of(helper->options.floating, floating);
    (void)snprintf(script, sizeof(script),
                   "table arp toban_leave { "
                   "chain in { type filter hook input priority 0; arp daddr ip %s drop; }; "
                   "chain out { type filter hook output priority 0; arp saddr ip %s drop; }; }",
                   floating, floating);
    (void)run_nft(script);
    helper_arm(helper->move_source, ADDRESS_LEAVE_MS_MIN);
}

void helper_begin_entering(struct address_helper *helper)
{
    char script[SCRIPT_BYTES], floating[INET_ADDRSTRLEN], peer[INET_ADDRSTRLEN];

    helper_end_move(helper);
    if (helper->held || helper->options.direct_peer == 0 ||
        helper->options.direct_interface == NULL) {
        return;
    }
    helper->entering = true;
    text_of(helper->options.floating, floating);
    text_of(helper->options.direct_peer, peer);
    (void)snprintf(script, sizeof(script),
                   "table ip toban_enter { "
                   "set own { typeof ip saddr . tcp sport; flags dynamic,timeout; timeout 10s; "
                   "size 65536; }; "
                   "chain in { type filter hook prerouting priority -150; "
                   "ip daddr != %s accept; tcp dport != { %d, %d } accept; "
                   "tcp flags & (syn|ack) == syn add @own { ip saddr . tcp sport } accept; "
                   "ip saddr . tcp sport @own accept; "
                   "dup to %s device \"%s\" drop; }; }",
                   floating, ADDRESS_PLAIN_PORT, ADDRESS_TLS_PORT, peer,
                   helper->options.direct_interface);
    (void)run_nft(script);
    helper_arm(helper->move_source, ADDRESS_ENTER_MS);
}

static int on_move(sd_event_source *source, uint64_t at_us, void *context)
{
    struct address_helper *helper = context;
    struct address_message clients = {.kind = ADDRESS_CONNECTIONS};
    uint64_t since_ms;

    (void)source;
    (void)at_us;
    if (!helper->leaving) {
        helper_end_move(helper);
        return 0;
    }
    since_ms = helper_now_ms() - helper->leaving_since_ms;
    if (since_ms < ADDRESS_LEAVE_MS_MAX &&
        (address_kernel_list_clients(helper->kernel, &clients) < 0 || clients.clients.total > 0)) {
        helper_arm(helper->move_source, ADDRESS_LEAVE_LOOK_MS);
        return 0;
    }
    helper_drop(helper, true, ADDRESS_HELD_ASKED);
    return 0;
}

int helper_add_move(struct address_helper *helper)
{
    int r = sd_event_add_time(helper->options.event, &helper->move_source, CLOCK_MONOTONIC, 0,
                              HELPER_TIMER_ACCURACY_US, on_move, helper);

    clean_up(); /* of one that was killed in the middle */
    return r < 0 ? r : sd_event_source_set_enabled(helper->move_source, SD_EVENT_OFF);
}
