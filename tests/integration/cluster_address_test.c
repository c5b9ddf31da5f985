/*
 * toban-net and its client, real, between two units and a client of the office on one LAN:
 *   u1 lan0 .1 --+
 *   u2 lan0 .2 --+-- bridge in its own namespace
 *   pc lan0 .9 --+
 * and between the units the direct link: u1 dir0 10.90.1.1 -- u2 dir0 10.90.1.2
 */
#include "cluster/adapters/address.h"
#include "tests/lib/netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { FLOATING = 0x0a5a000a, FACTS_MAX = 512, WAIT_MS = 5000, ATTEMPTS = 10 };

struct unit {
    int ns;
    pid_t helper;
    char socket_path[100];
    char direct_peer[16];
    struct address *address;
    struct address_message facts[FACTS_MAX];
    size_t fact_count;
};

struct office {
    sd_event *event;
    int switch_ns, pc_ns;
    struct unit units[2];
    char folder[64];
};

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void on_fact(void *context, const struct address_message *fact)
{
    struct unit *unit = context;

    if (unit->fact_count < FACTS_MAX) {
        unit->facts[unit->fact_count++] = *fact;
    }
}

typedef bool matches_fn(const struct address_message *fact);

static bool is_up(const struct address_message *fact)
{
    return fact->kind == ADDRESS_HELPER_UP;
}
static bool is_lost(const struct address_message *fact)
{
    return fact->kind == ADDRESS_HELPER_LOST;
}
static bool is_held(const struct address_message *fact)
{
    return fact->kind == ADDRESS_HELD && fact->held.held;
}
static bool is_dropped(const struct address_message *fact)
{
    return fact->kind == ADDRESS_HELD && !fact->held.held &&
           fact->held.reason == ADDRESS_HELD_ASKED;
}
static bool is_dropped_by_heartbeat(const struct address_message *fact)
{
    return fact->kind == ADDRESS_HELD && !fact->held.held &&
           fact->held.reason == ADDRESS_HELD_HEARTBEAT;
}
static bool is_vanished(const struct address_message *fact)
{
    return fact->kind == ADDRESS_HELD && !fact->held.held &&
           fact->held.reason == ADDRESS_HELD_VANISHED;
}
static bool is_failed(const struct address_message *fact)
{
    return fact->kind == ADDRESS_HELD && fact->held.reason == ADDRESS_HELD_FAILED;
}
static bool is_probed(const struct address_message *fact)
{
    return fact->kind == ADDRESS_PROBED;
}
static bool is_conflict(const struct address_message *fact)
{
    return fact->kind == ADDRESS_ANNOUNCED && fact->announced.held;
}
static bool is_announced(const struct address_message *fact)
{
    return fact->kind == ADDRESS_ANNOUNCED;
}
static bool is_lan_up(const struct address_message *fact)
{
    return fact->kind == ADDRESS_CARRIER && fact->carrier.interface == ADDRESS_LAN &&
           fact->carrier.up;
}
static bool is_lan_down(const struct address_message *fact)
{
    return fact->kind == ADDRESS_CARRIER && fact->carrier.interface == ADDRESS_LAN &&
           !fact->carrier.up;
}
static bool is_reference(const struct address_message *fact)
{
    return fact->kind == ADDRESS_REFERENCE;
}
static bool is_both_clients(const struct address_message *fact)
{
    return fact->kind == ADDRESS_CONNECTIONS && fact->clients.count == 2;
}

/* The newest such fact, waiting for it if need be; NULL after wait_ms. */
static const struct address_message *wait_for(struct office *office, struct unit *unit,
                                              matches_fn *matches, uint64_t wait_ms)
{
    uint64_t until_ms = now_ms() + wait_ms;

    while (true) {
        uint64_t at_ms = now_ms();

        for (size_t i = unit->fact_count; i > 0; i--) {
            if (matches(&unit->facts[i - 1])) {
                return &unit->facts[i - 1];
            }
        }
        if (at_ms >= until_ms) {
            return NULL;
        }
        assert_true(sd_event_run(office->event, (until_ms - at_ms) * 1000) >= 0);
    }
}

static void forget_facts(struct unit *unit)
{
    unit->fact_count = 0;
}

static void run_for(struct office *office, uint64_t ms)
{
    uint64_t until_ms = now_ms() + ms;

    for (uint64_t at_ms = now_ms(); at_ms < until_ms; at_ms = now_ms()) {
        assert_true(sd_event_run(office->event, (until_ms - at_ms) * 1000) >= 0);
    }
}

static int socket_in(int ns, int type)
{
    int before = netns_enter(ns);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    netns_leave(before);
    assert_true(fd >= 0);
    return fd;
}

static struct sockaddr_in floating(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};

    address.sin_addr.s_addr = htonl(FLOATING);
    return address;
}

/* Only an address of this host can be bound to. */
static bool is_present(const struct unit *unit)
{
    struct sockaddr_in address = floating(0);
    int fd = socket_in(unit->ns, SOCK_DGRAM);
    int r = bind(fd, (const struct sockaddr *)&address, sizeof(address));

    (void)close(fd);
    return r == 0;
}

static void start_helper(struct unit *unit)
{
    char path[4096];
    char *argv[] = {path,
                    "--socket",
                    unit->socket_path,
                    "--floating",
                    "10.90.0.10/24",
                    "--lan-interface",
                    "lan0",
                    "--reference",
                    "10.90.0.9",
                    "--direct-interface",
                    "dir0",
                    "--direct-peer",
                    unit->direct_peer,
                    NULL};

    netns_program("toban-net", path, sizeof(path));
    unit->helper = netns_spawn(unit->ns, argv, NULL, NULL);
}

static int office_up(void **state)
{
    struct office *office = calloc(1, sizeof(*office));

    assert_non_null(office);
    assert_true(sd_event_new(&office->event) >= 0);
    (void)snprintf(office->folder, sizeof(office->folder), "/tmp/toban-address-test-XXXXXX");
    assert_non_null(mkdtemp(office->folder));
    office->switch_ns = netns_create();
    office->pc_ns = netns_create();
    netns_ip(office->switch_ns, "link add br0 type bridge");
    netns_ip(office->switch_ns, "link set br0 up");
    netns_wire(office->switch_ns, "pc", office->pc_ns, "lan0");
    netns_ip(office->switch_ns, "link set pc master br0");
    netns_ip(office->pc_ns, "addr add 10.90.0.9/24 dev lan0");
    office->units[0].ns = netns_create();
    office->units[1].ns = netns_create();
    netns_wire(office->units[0].ns, "dir0", office->units[1].ns, "dir0");
    for (int i = 0; i < 2; i++) {
        struct unit *unit = &office->units[i];
        char port[8];

        netns_ip(unit->ns, "addr add 10.90.1.%d/24 dev dir0", i + 1);
        (void)snprintf(unit->direct_peer, sizeof(unit->direct_peer), "10.90.1.%d", 2 - i);
        (void)snprintf(port, sizeof(port), "u%d", i + 1);
        netns_wire(office->switch_ns, port, unit->ns, "lan0");
        netns_ip(office->switch_ns, "link set %s master br0", port);
        netns_ip(unit->ns, "addr add 10.90.0.%d/24 dev lan0", i + 1);
        (void)snprintf(unit->socket_path, sizeof(unit->socket_path), "%s/u%d.sock", office->folder,
                       i + 1);
        start_helper(unit);
        assert_int_equal(address_create(&(struct address_options){.event = office->event,
                                                                  .socket_path = unit->socket_path,
                                                                  .on_fact = on_fact,
                                                                  .context = unit},
                                        &unit->address),
                         0);
    }
    for (int i = 0; i < 2; i++) {
        assert_non_null(wait_for(office, &office->units[i], is_lan_up, WAIT_MS));
        forget_facts(&office->units[i]);
    }
    *state = office;
    return 0;
}

static int office_down(void **state)
{
    struct office *office = *state;

    for (int i = 0; i < 2; i++) {
        address_destroy(office->units[i].address);
        netns_kill(office->units[i].helper, SIGKILL);
        (void)unlink(office->units[i].socket_path);
        (void)close(office->units[i].ns);
    }
    (void)close(office->switch_ns);
    (void)close(office->pc_ns);
    (void)rmdir(office->folder);
    (void)sd_event_unref(office->event);
    free(office);
    return 0;
}

static void take(struct office *office, struct unit *unit)
{
    assert_int_equal(address_take(unit->address), 0);
    assert_non_null(wait_for(office, unit, is_held, WAIT_MS));
    forget_facts(unit);
    assert_true(is_present(unit));
}

static const struct address_message *probe(struct office *office, struct unit *unit, uint32_t id)
{
    const struct address_message *fact;

    forget_facts(unit);
    assert_int_equal(address_probe(unit->address, id, 300), 0);
    fact = wait_for(office, unit, is_probed, 1000);
    assert_non_null(fact);
    assert_int_equal(fact->probed.id, id);
    return fact;
}

static void the_address_comes_and_goes_as_told(void **state)
{
    struct office *office = *state;
    struct unit *unit = &office->units[0];

    assert_false(is_present(unit));
    take(office, unit);
    /* Beyond the kernel lifetime: it is renewed, and held as long as the heartbeat runs. */
    run_for(office, ADDRESS_LIFETIME_S * 1000 + 1500);
    assert_true(is_present(unit));
    assert_int_equal(address_drop(unit->address, false), 0);
    assert_non_null(wait_for(office, unit, is_dropped, WAIT_MS));
    assert_false(is_present(unit));
}

static void a_probe_tells_silence_from_an_answer(void **state)
{
    struct office *office = *state;
    static const uint8_t zero[ADDRESS_MAC_BYTES];
    uint8_t mac[ADDRESS_MAC_BYTES] = {2, 0, 0, 0, 0, 0x42};

    assert_int_equal(probe(office, &office->units[0], 1)->probed.result, ADDRESS_PROBE_SILENT);
    netns_ip(office->units[1].ns, "link set lan0 address 02:00:00:00:00:42");
    take(office, &office->units[1]);
    assert_int_equal(probe(office, &office->units[0], 2)->probed.result, ADDRESS_PROBE_ANSWERED);
    assert_memory_equal(office->units[0].facts[office->units[0].fact_count - 1].probed.mac, mac,
                        sizeof(mac));
    assert_int_equal(address_drop(office->units[1].address, false), 0);
    assert_non_null(wait_for(office, &office->units[1], is_dropped, WAIT_MS));
    assert_int_equal(probe(office, &office->units[0], 3)->probed.result, ADDRESS_PROBE_SILENT);
    /* Silence behind a pulled cable proves nothing. */
    netns_ip(office->switch_ns, "link set u1 down");
    assert_non_null(wait_for(office, &office->units[0], is_lan_down, WAIT_MS));
    assert_int_equal(probe(office, &office->units[0], 4)->probed.result, ADDRESS_PROBE_UNABLE);
    assert_memory_equal(office->units[0].facts[office->units[0].fact_count - 1].probed.mac, zero,
                        sizeof(zero));
    netns_ip(office->switch_ns, "link set u1 up");
    assert_non_null(wait_for(office, &office->units[0], is_lan_up, WAIT_MS));
}

static void a_cable_pulled_while_asking_makes_the_silence_worthless(void **state)
{
    struct office *office = *state;
    struct unit *unit = &office->units[0];

    assert_int_equal(address_probe(unit->address, 9, 900), 0);
    run_for(office, 30);
    netns_ip(office->switch_ns, "link set u1 down");
    assert_non_null(wait_for(office, unit, is_lan_down, WAIT_MS));
    netns_ip(office->switch_ns, "link set u1 up");
    assert_non_null(wait_for(office, unit, is_probed, 2000));
    assert_int_equal(wait_for(office, unit, is_probed, 0)->probed.result, ADDRESS_PROBE_UNABLE);
}

static void an_announcement_by_another_is_heard_on_both_sides(void **state)
{
    struct office *office = *state;

    take(office, &office->units[0]);
    assert_non_null(wait_for(office, &office->units[1], is_announced, WAIT_MS));
    assert_false(wait_for(office, &office->units[1], is_announced, 0)->announced.held);
    take(office, &office->units[1]);
    assert_non_null(wait_for(office, &office->units[0], is_conflict, WAIT_MS));
    assert_non_null(wait_for(office, &office->units[1], is_conflict, 2 * ADDRESS_ANNOUNCE_IDLE_MS));
}

static void no_heartbeat_no_address(void **state)
{
    struct office *office = *state;
    struct unit *unit = &office->units[0];
    uint64_t worst_ms = 0;

    for (int round = 0; round < 5; round++) {
        uint64_t from_ms;
        uint64_t took_ms;

        take(office, unit);
        run_for(office, 60);
        forget_facts(unit);
        address_set_heartbeat(unit->address, false);
        from_ms = now_ms();
        while (is_present(unit) && now_ms() - from_ms < WAIT_MS) {
            (void)sd_event_run(office->event, 1000);
        }
        took_ms = now_ms() - from_ms;
        assert_non_null(wait_for(office, unit, is_dropped_by_heartbeat, WAIT_MS));
        assert_false(is_present(unit));
        assert_true(took_ms < 1000);
        worst_ms = took_ms > worst_ms ? took_ms : worst_ms;
        address_set_heartbeat(unit->address, true);
        forget_facts(unit);
    }
    print_message("heartbeat stopped -> address gone: worst of 5: %llu ms\n",
                  (unsigned long long)worst_ms);
}

static void a_toband_that_dies_loses_the_address_with_its_heartbeat(void **state)
{
    struct office *office = *state;
    struct unit *unit = &office->units[0];
    uint64_t from_ms;

    take(office, unit);
    address_destroy(unit->address);
    unit->address = NULL;
    from_ms = now_ms();
    while (is_present(unit) && now_ms() - from_ms < WAIT_MS) {
        (void)usleep(1000);
    }
    print_message("toband gone -> address gone: %llu ms\n",
                  (unsigned long long)(now_ms() - from_ms));
    assert_true(now_ms() - from_ms < 1000);
    assert_false(is_present(unit));
}

static bool is_start(const struct address_message *fact)
{
    return fact->kind == ADDRESS_HELD && fact->held.reason == ADDRESS_HELD_START;
}

static void connect_unit(struct office *office, struct unit *unit)
{
    assert_int_equal(address_create(&(struct address_options){.event = office->event,
                                                              .socket_path = unit->socket_path,
                                                              .on_fact = on_fact,
                                                              .context = unit},
                                    &unit->address),
                     0);
}

static void a_toband_that_restarts_at_once_is_told_what_is_held(void **state)
{
    struct office *office = *state;
    struct unit *unit = &office->units[0];
    const struct address_message *fact;

    take(office, unit);
    address_destroy(unit->address);
    connect_unit(office, unit);
    fact = wait_for(office, unit, is_start, WAIT_MS);
    assert_non_null(fact);
    assert_true(fact->held.held == is_present(unit)); /* held unless this machine was very slow */
    assert_int_equal(address_drop(unit->address, false), 0);
    assert_non_null(wait_for(office, unit, is_dropped, WAIT_MS));
    assert_false(is_present(unit));
}

static void a_helper_that_is_killed_leaves_no_address_behind(void **state)
{
    struct office *office = *state;
    struct unit *unit = &office->units[0];
    uint64_t from_ms;

    take(office, unit);
    netns_kill(unit->helper, SIGKILL);
    unit->helper = 0;
    assert_non_null(wait_for(office, unit, is_lost, WAIT_MS));
    assert_true(is_present(unit));
    from_ms = now_ms();
    while (is_present(unit) && now_ms() - from_ms < 2 * ADDRESS_LIFETIME_S * 1000) {
        run_for(office, 20);
    }
    assert_false(is_present(unit)); /* nobody but the kernel was left to remove it */
    print_message("helper killed -> address gone by its kernel lifetime: %llu ms\n",
                  (unsigned long long)(now_ms() - from_ms));
}

static void a_started_helper_holds_nothing_by_memory(void **state)
{
    struct office *office = *state;
    struct unit *unit = &office->units[0];

    take(office, unit);
    netns_kill(unit->helper, SIGKILL);
    netns_ip(unit->ns,
             "addr change 10.90.0.10/24 dev lan0 valid_lft forever preferred_lft forever");
    forget_facts(unit);
    start_helper(unit);
    assert_non_null(wait_for(office, unit, is_up, WAIT_MS));
    assert_non_null(wait_for(office, unit, is_lan_up, WAIT_MS));
    assert_false(is_present(unit));
    take(office, unit);
}

static void an_address_that_somebody_removes_is_reported_gone(void **state)
{
    struct office *office = *state;
    struct unit *unit = &office->units[0];

    take(office, unit);
    netns_ip(unit->ns, "addr del 10.90.0.10/24 dev lan0");
    assert_non_null(wait_for(office, unit, is_vanished, WAIT_MS));
}

static void taking_without_an_interface_says_that_it_failed(void **state)
{
    struct office *office = *state;
    struct unit *unit = &office->units[0];

    netns_ip(unit->ns, "link del lan0");
    assert_non_null(wait_for(office, unit, is_lan_down, WAIT_MS));
    assert_int_equal(address_take(unit->address), 0);
    assert_non_null(wait_for(office, unit, is_failed, WAIT_MS));
    assert_int_equal(wait_for(office, unit, is_failed, 0)->held.error, ENODEV);
    /* The interface comes back with another index: everything works again. */
    netns_wire(office->switch_ns, "u1", unit->ns, "lan0");
    netns_ip(office->switch_ns, "link set u1 master br0");
    netns_ip(unit->ns, "addr add 10.90.0.1/24 dev lan0");
    assert_non_null(wait_for(office, unit, is_lan_up, WAIT_MS));
    take(office, unit);
    assert_int_equal(probe(office, &office->units[1], 5)->probed.result, ADDRESS_PROBE_ANSWERED);
}

static void a_reference_is_heard_while_it_is_there(void **state)
{
    struct office *office = *state;
    struct unit *unit = &office->units[0];

    assert_non_null(wait_for(office, unit, is_reference, 3000));
    assert_int_equal(wait_for(office, unit, is_reference, 0)->reference.address, 0x0a5a0009);
    netns_ip(office->switch_ns, "link set pc down");
    run_for(office, 2 * ADDRESS_REFERENCE_MS);
    forget_facts(unit);
    assert_null(wait_for(office, unit, is_reference, 1500));
    netns_ip(office->switch_ns, "link set pc up");
    assert_non_null(wait_for(office, unit, is_reference, 3000));
}

struct call {
    int listener, server, client;
};

/* A client on the PC talks to the gateway of the unit that holds the address, without TLS or with it. */
static struct call begin_call(struct office *office, struct unit *unit, uint16_t port)
{
    struct call call = {.listener = socket_in(unit->ns, SOCK_STREAM),
                        .client = socket_in(office->pc_ns, SOCK_STREAM)};
    struct sockaddr_in where = floating(port);
    struct timeval patience = {.tv_sec = 5};
    int yes = 1;

    (void)setsockopt(call.listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    assert_int_equal(bind(call.listener, (const struct sockaddr *)&where, sizeof(where)), 0);
    assert_int_equal(listen(call.listener, 1), 0);
    assert_int_equal(connect(call.client, (const struct sockaddr *)&where, sizeof(where)), 0);
    call.server = accept(call.listener, NULL, NULL);
    assert_true(call.server >= 0);
    assert_int_equal(setsockopt(call.client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)),
                     0);
    return call;
}

static void end_call(struct call *call)
{
    (void)close(call->listener);
    (void)close(call->server);
    (void)close(call->client);
}

/* Milliseconds until the waiting client hears a reset; fails when it hears anything else. */
static uint64_t wait_for_reset(struct office *office, struct call *call)
{
    uint64_t from_ms = now_ms();
    char byte;
    ssize_t len = -1;

    errno = EAGAIN;
    while (len < 0 && errno == EAGAIN && now_ms() - from_ms < WAIT_MS) {
        run_for(office, 1);
        len = recv(call->client, &byte, 1, MSG_DONTWAIT);
    }
    assert_int_equal(len, -1);
    assert_int_equal(errno, ECONNRESET);
    return now_ms() - from_ms;
}

static void a_client_of_a_dead_unit_is_reset_by_the_tickle(void **state)
{
    struct office *office = *state;
    struct unit *dead = &office->units[0];
    struct unit *spare = &office->units[1];
    const struct address_message *list;
    struct call call, plain;
    uint64_t took_ms;

    take(office, dead);
    call = begin_call(office, dead, ADDRESS_TLS_PORT);
    plain = begin_call(office, dead, ADDRESS_PLAIN_PORT);
    list = wait_for(office, dead, is_both_clients, WAIT_MS);
    assert_non_null(list);
    assert_int_equal(list->clients.list[0].address, 0x0a5a0009);
    netns_ip(office->switch_ns, "link set u1 down"); /* the power cut: nothing says goodbye */
    assert_int_equal(address_take(spare->address), 0);
    assert_int_equal(address_tickle(spare->address, list->clients.list, 2), 0);
    took_ms = wait_for_reset(office, &call) + wait_for_reset(office, &plain);
    print_message("take + tickle -> client's read is reset: %llu ms\n",
                  (unsigned long long)took_ms);
    assert_true(took_ms < 1000);
    end_call(&call);
    end_call(&plain);
}

static void without_a_tickle_the_client_would_wait(void **state)
{
    struct office *office = *state;
    struct call call;
    char byte;

    take(office, &office->units[0]);
    call = begin_call(office, &office->units[0], ADDRESS_TLS_PORT);
    netns_ip(office->switch_ns, "link set u1 down");
    take(office, &office->units[1]);
    run_for(office, 1500);
    assert_int_equal(recv(call.client, &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    end_call(&call);
}

static void a_yielding_unit_resets_its_clients(void **state)
{
    struct office *office = *state;
    struct call call, plain;
    uint64_t took_ms;

    take(office, &office->units[0]);
    call = begin_call(office, &office->units[0], ADDRESS_TLS_PORT);
    plain = begin_call(office, &office->units[0], ADDRESS_PLAIN_PORT);
    assert_int_equal(address_drop(office->units[0].address, true), 0);
    took_ms = wait_for_reset(office, &call) + wait_for_reset(office, &plain);
    print_message("yield -> client's read is reset: %llu ms\n", (unsigned long long)took_ms);
    assert_non_null(wait_for(office, &office->units[0], is_dropped, WAIT_MS));
    end_call(&call);
    end_call(&plain);
}

/* One byte there and one back, as the client and the unit that has the connection see it. */
static void assert_call_lives(struct call *call)
{
    char byte = '?';

    assert_int_equal(send(call->client, "a", 1, MSG_NOSIGNAL), 1);
    assert_int_equal(recv(call->server, &byte, 1, 0), 1);
    assert_int_equal(byte, 'a');
    assert_int_equal(send(call->server, "b", 1, MSG_NOSIGNAL), 1);
    assert_int_equal(recv(call->client, &byte, 1, 0), 1);
    assert_int_equal(byte, 'b');
}

static void a_hand_over_leaves_both_old_and_new_connections_where_they_are(void **state)
{
    struct office *office = *state;
    struct unit *from = &office->units[0];
    struct unit *to = &office->units[1];
    struct timeval patience = {.tv_sec = 5};
    struct call before, after;

    take(office, from);
    before = begin_call(office, from, ADDRESS_TLS_PORT);
    (void)setsockopt(before.server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    assert_int_equal(address_leave(from->address), 0);
    assert_int_equal(address_enter(to->address), 0);
    assert_non_null(wait_for(office, to, is_held, WAIT_MS));
    after = begin_call(office, to,
                       ADDRESS_TLS_PORT); /* fails unless it is the new unit that hears the SYN */
    (void)setsockopt(after.server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    assert_call_lives(&before);
    assert_call_lives(&after);
    /* Who stays too long is reset, and only on the old unit. */
    (void)wait_for_reset(office, &before);
    assert_non_null(wait_for(office, from, is_dropped, WAIT_MS));
    assert_false(is_present(from));
    assert_true(is_present(to));
    assert_call_lives(&after);
    assert_null(wait_for(office, from, is_conflict, 0));
    end_call(&before);
    end_call(&after);
}

static bool is_silent(struct office *office, struct unit *asker)
{
    const struct address_message *answer;

    forget_facts(asker);
    assert_int_equal(address_probe(asker->address, 1, 30), 0);
    answer = wait_for(office, asker, is_probed, WAIT_MS);
    assert_non_null(answer);
    return answer->probed.result == ADDRESS_PROBE_SILENT;
}

static void a_leaving_unit_is_silent_although_it_has_the_address(void **state)
{
    struct office *office = *state;
    struct unit *from = &office->units[0];
    bool seen = false;

    /* It has a quarter of a second for that: on a busy machine the asker may come too late once. */
    for (int i = 0; i < ATTEMPTS && !seen; i++) {
        struct call call;

        take(office, from);
        call = begin_call(office, from, ADDRESS_TLS_PORT);
        assert_int_equal(address_leave(from->address), 0);
        while (!seen && wait_for(office, from, is_dropped, 0) == NULL) {
            seen = is_silent(office, &office->units[1]) && is_present(from);
        }
        assert_non_null(wait_for(office, from, is_dropped, WAIT_MS));
        assert_false(is_present(from));
        end_call(&call);
    }
    assert_true(seen);
}

static void who_takes_the_address_back_while_leaving_keeps_it(void **state)
{
    struct office *office = *state;
    struct unit *unit = &office->units[0];
    struct unit *other = &office->units[1];
    const struct address_message *answer;

    take(office, unit);
    forget_facts(unit);
    assert_int_equal(address_leave(unit->address), 0);
    assert_int_equal(address_take(unit->address), 0);
    assert_null(wait_for(office, unit, is_dropped, 2 * ADDRESS_LEAVE_MS_MAX));
    assert_true(is_present(unit));
    assert_int_equal(address_probe(other->address, 1, 300), 0);
    answer = wait_for(office, other, is_probed, WAIT_MS);
    assert_non_null(answer);
    assert_int_equal(answer->probed.result, ADDRESS_PROBE_ANSWERED);
}

static void garbage_on_the_socket_costs_the_connection_and_nothing_else(void **state)
{
    struct office *office = *state;
    struct unit *unit = &office->units[0];
    static const uint8_t garbage[] = {ADDRESS_PROBE, 1, 2};
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    char answer[64];
    ssize_t len = 1;

    take(office, unit);
    (void)snprintf(where.sun_path, sizeof(where.sun_path), "%s", unit->socket_path);
    assert_int_equal(connect(fd, (const struct sockaddr *)&where, sizeof(where)), 0);
    /* A second client takes the place of the first. */
    assert_non_null(wait_for(office, unit, is_lost, WAIT_MS));
    assert_int_equal(send(fd, garbage, sizeof(garbage), MSG_NOSIGNAL), sizeof(garbage));
    while (len > 0) {
        len = recv(fd, answer, sizeof(answer), 0);
    }
    assert_true(len <= 0);
    (void)close(fd);
    assert_non_null(wait_for(office, unit, is_lan_up, WAIT_MS)); /* the real one is back */
    take(office, unit);
    assert_int_equal(address_drop(unit->address, false), 0);
    assert_non_null(wait_for(office, unit, is_dropped, WAIT_MS));
    assert_false(is_present(unit));
}

static void only_its_owner_may_speak_to_the_helper(void **state)
{
    struct office *office = *state;
    struct stat entry;

    assert_int_equal(stat(office->units[0].socket_path, &entry), 0);
    assert_int_equal(entry.st_mode & 0777, 0600);
}

#define in_office(test) cmocka_unit_test_setup_teardown(test, office_up, office_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_office(the_address_comes_and_goes_as_told),
        in_office(a_probe_tells_silence_from_an_answer),
        in_office(a_cable_pulled_while_asking_makes_the_silence_worthless),
        in_office(an_announcement_by_another_is_heard_on_both_sides),
        in_office(no_heartbeat_no_address),
        in_office(a_toband_that_dies_loses_the_address_with_its_heartbeat),
        in_office(a_toband_that_restarts_at_once_is_told_what_is_held),
        in_office(a_helper_that_is_killed_leaves_no_address_behind),
        in_office(a_started_helper_holds_nothing_by_memory),
        in_office(an_address_that_somebody_removes_is_reported_gone),
        in_office(taking_without_an_interface_says_that_it_failed),
        in_office(a_reference_is_heard_while_it_is_there),
        in_office(a_client_of_a_dead_unit_is_reset_by_the_tickle),
        in_office(without_a_tickle_the_client_would_wait),
        in_office(a_yielding_unit_resets_its_clients),
        in_office(a_hand_over_leaves_both_old_and_new_connections_where_they_are),
        in_office(a_leaving_unit_is_silent_although_it_has_the_address),
        in_office(who_takes_the_address_back_while_leaving_keeps_it),
        in_office(garbage_on_the_socket_costs_the_connection_and_nothing_else),
        in_office(only_its_owner_may_speak_to_the_helper),
    };

    if (!netns_available()) {
        print_message("SKIP: network namespaces need root\n");
        return 77;
    }
    return cmocka_run_group_tests_name("floating address", tests, NULL, NULL);
}
