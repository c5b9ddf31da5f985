/*
 * cluster/adapters/link.h between two processes in two namespaces, with a bridge on each link between
 * them: a port taken down there loses every packet in silence, as a dead switch does.
 */
#include "cluster/adapters/link.h"

#include "base/bytes.h"
#include "tests/lib/netns.h"
#include "tests/lib/site_ca.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_MS = 15000, HEAL_MS_MAX = 3500, CUT_MS = 7000, FRAME_BYTES = 65536 };

/* Unit 2 is a process of its own that sends every frame back; unit 1 is this one. */
struct pair {
    sd_event *event;
    int ns[2], switch_ns;
    pid_t echo;
    struct site_ca_files files[2];
    struct link *link;
    uint64_t contact[LINK_COUNT];
    uint32_t ups[LINK_COUNT];
    uint32_t next_back; /* number expected next in this contact, on the direct link */
    uint32_t back_count;
    bool out_of_order;
};

static char folder[] = "/tmp/toban-pair-XXXXXX";
static uint8_t frame[FRAME_BYTES];

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct link_options make_options(struct pair *pair, uint32_t unit)
{
    static const struct link_endpoint endpoints[2][LINK_COUNT] = {
        {{.local_address = "10.90.0.1", .peer_address = "10.90.0.2"},
         {.local_address = "10.90.1.1", .peer_address = "10.90.1.2"}},
        {{.local_address = "10.90.0.2", .peer_address = "10.90.0.1"},
         {.local_address = "10.90.1.2", .peer_address = "10.90.1.1"}},
    };
    const struct site_ca_files *files = &pair->files[unit - 1];
    struct link_options options = {.event = pair->event,
                                   .own_unit = unit,
                                   .peer_unit = 3 - unit,
                                   .ca_path = files->ca,
                                   .certificate_path = files->certificate,
                                   .key_path = files->key};

    memcpy(options.endpoints, endpoints[unit - 1], sizeof(options.endpoints));
    return options;
}

/* ---- unit 2 ---- */

struct echo {
    struct link *link;
};

static void echo_frame(void *context, enum link_which which, const uint8_t *bytes, size_t len_bytes)
{
    struct echo *echo = context;

    (void)link_send(echo->link, which, bytes, len_bytes);
}

static void echo_up(void *context, enum link_which which, uint64_t contact)
{
    (void)context;
    (void)which;
    (void)contact;
}

static void echo_down(void *context, enum link_which which, uint64_t contact,
                      enum link_down_reason reason)
{
    (void)context;
    (void)which;
    (void)contact;
    (void)reason;
}

/* Started anew by exec: nanomsg's threads do not survive a fork. */
static int be_echo(char *const files[3])
{
    struct pair pair = {.event = NULL};
    struct echo echo = {.link = NULL};
    struct link_options options;

    (void)snprintf(pair.files[1].ca, SITE_CA_PATH_BYTES, "%s", files[0]);
    (void)snprintf(pair.files[1].certificate, SITE_CA_PATH_BYTES, "%s", files[1]);
    (void)snprintf(pair.files[1].key, SITE_CA_PATH_BYTES, "%s", files[2]);
    if (sd_event_new(&pair.event) < 0) {
        return 1;
    }
    options = make_options(&pair, 2);
    options.on_frame = echo_frame;
    options.on_up = echo_up;
    options.on_down = echo_down;
    options.context = &echo;
    return link_create(&options, &echo.link) < 0 || sd_event_loop(pair.event) < 0 ? 1 : 0;
}

/* ---- unit 1 ---- */

static void on_frame(void *context, enum link_which which, const uint8_t *bytes, size_t len_bytes)
{
    struct pair *pair = context;
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);
    uint32_t number = bytes_get_u32(&reader);

    if (which == LINK_DIRECT) {
        pair->out_of_order = pair->out_of_order || number != pair->next_back;
        pair->next_back = number + 1;
        pair->back_count++;
    }
}

static void on_up(void *context, enum link_which which, uint64_t contact)
{
    struct pair *pair = context;

    pair->contact[which] = contact;
    pair->ups[which]++;
}

static void on_down(void *context, enum link_which which, uint64_t contact,
                    enum link_down_reason reason)
{
    struct pair *pair = context;

    (void)contact;
    (void)reason;
    pair->contact[which] = 0;
}

static void start_echo(struct pair *pair)
{
    char *argv[] = {"/proc/self/exe",   "echo", pair->files[1].ca, pair->files[1].certificate,
                    pair->files[1].key, NULL};

    pair->echo = netns_spawn(pair->ns[1], argv, NULL, NULL);
}

static void turn(struct pair *pair)
{
    assert_true(sd_event_run(pair->event, 2000) >= 0);
}

static void run_for(struct pair *pair, uint64_t ms)
{
    for (uint64_t until_ms = now_ms() + ms; now_ms() < until_ms;) {
        turn(pair);
    }
}

static uint64_t wait_until_up(struct pair *pair, uint32_t ups)
{
    uint64_t from_ms = now_ms();

    while (pair->contact[LINK_SERVICE] == 0 || pair->contact[LINK_DIRECT] == 0 ||
           pair->ups[LINK_DIRECT] < ups) {
        assert_true(now_ms() - from_ms < WAIT_MS);
        turn(pair);
    }
    return now_ms() - from_ms;
}

static int begin(void **state)
{
    static const char *const ports[LINK_COUNT] = {"lan", "dir"};
    struct pair *pair = calloc(1, sizeof(*pair));
    struct link_options options;

    assert_non_null(pair);
    site_ca_make(folder, "site", "unit-1", false, &pair->files[0]);
    site_ca_make(folder, "site", "unit-2", false, &pair->files[1]);
    pair->switch_ns = netns_create();
    pair->ns[0] = netns_create();
    pair->ns[1] = netns_create();
    for (int which = 0; which < LINK_COUNT; which++) {
        netns_ip(pair->switch_ns, "link add br%d type bridge", which);
        netns_ip(pair->switch_ns, "link set br%d up", which);
        for (int unit = 1; unit <= 2; unit++) {
            char port[16];
            char end[16];

            (void)snprintf(port, sizeof(port), "%s%d", ports[which], unit);
            (void)snprintf(end, sizeof(end), "%s0", ports[which]);
            netns_wire(pair->switch_ns, port, pair->ns[unit - 1], end);
            netns_ip(pair->switch_ns, "link set %s master br%d", port, which);
            /* Known neighbours for good, as a switch that swallows packets leaves them: a failing ARP
             * would wake TCP up and hide what the link has to do itself. */
            netns_ip(pair->ns[unit - 1], "link set %s address 02:00:00:00:0%d:0%d", end, which,
                     unit);
            netns_ip(pair->ns[unit - 1], "addr add 10.90.%d.%d/24 dev %s", which, unit, end);
            netns_ip(pair->ns[unit - 1],
                     "neigh add 10.90.%d.%d lladdr 02:00:00:00:0%d:0%d dev %s nud permanent", which,
                     3 - unit, which, 3 - unit, end);
        }
    }
    start_echo(pair);
    assert_true(sd_event_new(&pair->event) >= 0);
    options = make_options(pair, 1);
    options.on_frame = on_frame;
    options.on_up = on_up;
    options.on_down = on_down;
    options.context = pair;
    (void)close(netns_enter(pair->ns[0])); /* nanomsg's thread must be born there: for good */
    assert_int_equal(link_create(&options, &pair->link), 0);
    (void)wait_until_up(pair, 1);
    *state = pair;
    return 0;
}

static int finish(void **state)
{
    struct pair *pair = *state;

    link_destroy(pair->link);
    netns_kill(pair->echo, SIGKILL);
    (void)close(pair->ns[0]);
    (void)close(pair->ns[1]);
    (void)close(pair->switch_ns);
    (void)sd_event_unref(pair->event);
    free(pair);
    return 0;
}

static int send_number(struct pair *pair, uint32_t number)
{
    struct bytes_writer writer = bytes_writer_over(frame, sizeof(frame));

    bytes_put_u32(&writer, number);
    return link_send(pair->link, LINK_DIRECT, frame, sizeof(frame));
}

/* Sends count big frames from the given number on and waits for all to come back. */
static void assert_echoes(struct pair *pair, uint32_t from, uint32_t count)
{
    uint64_t until_ms = now_ms() + WAIT_MS;
    uint32_t sent = 0;

    pair->next_back = from;
    pair->back_count = 0;
    while (pair->back_count < count) {
        assert_true(now_ms() < until_ms);
        /* A few in flight, so that neither side's queue refuses. */
        if (sent < count && sent - pair->back_count < 8 && send_number(pair, from + sent) == 0) {
            sent++;
        } else {
            turn(pair);
        }
    }
    assert_false(pair->out_of_order);
}

static void big_frames_come_back_in_order(void **state)
{
    struct pair *pair = *state;
    uint64_t from_ms = now_ms();

    assert_echoes(pair, 0, 1000);
    print_message("1000 frames of 64 KiB there and back: %llu ms\n",
                  (unsigned long long)(now_ms() - from_ms));
}

static void a_dead_switch_for_long_is_overcome_soon_after_it_lives(void **state)
{
    struct pair *pair = *state;
    uint64_t from_ms;

    for (uint32_t i = 0; i < 8; i++) { /* so that TCP has something to repeat into the void */
        assert_int_equal(send_number(pair, i), 0);
    }
    netns_ip(pair->switch_ns, "link set dir2 nomaster");
    for (uint32_t i = 0; i < 8; i++) {
        (void)send_number(pair, 8 + i);
    }
    run_for(pair, 500);
    assert_true(pair->contact[LINK_DIRECT] != 0); /* TLS alone cannot tell silence from rest */
    link_reset(pair->link, LINK_DIRECT);          /* the engine can: 500 ms */
    assert_int_equal(pair->contact[LINK_DIRECT], 0);
    /* TCP tries again 6.2 s and 12.6 s after it began: in between, it sleeps longest. */
    run_for(pair, CUT_MS);
    assert_int_equal(pair->contact[LINK_DIRECT], 0);
    assert_true(pair->contact[LINK_SERVICE] != 0);
    netns_ip(pair->switch_ns, "link set dir2 master br1");
    from_ms = now_ms();
    (void)wait_until_up(pair, 2);
    print_message("switch dead for 7 s -> met again: %llu ms after it lived\n",
                  (unsigned long long)(now_ms() - from_ms));
    assert_true(now_ms() - from_ms < HEAL_MS_MAX);
    pair->out_of_order = false;
    assert_echoes(pair, 100, 20);
}

static void a_killed_peer_that_restarts_is_met_again(void **state)
{
    struct pair *pair = *state;
    uint64_t from_ms;

    for (uint32_t round = 0; round < 3; round++) {
        assert_int_equal(send_number(pair, 0), 0);
        netns_kill(pair->echo, SIGKILL);
        start_echo(pair);
        from_ms = now_ms();
        (void)wait_until_up(pair, 2 + round);
        print_message("peer killed and started -> met again: %llu ms\n",
                      (unsigned long long)(now_ms() - from_ms));
        pair->out_of_order = false;
        assert_echoes(pair, 0, 20);
    }
}

static void packets_lost_and_late_still_arrive_in_order(void **state)
{
    struct pair *pair = *state;
    int before = netns_enter(pair->switch_ns);
    int r = system("tc qdisc add dev dir1 root netem loss 2% delay 2ms 1ms 2>/dev/null && "
                   "tc qdisc add dev dir2 root netem loss 2% delay 2ms 1ms 2>/dev/null");

    netns_leave(before);
    if (r != 0) {
        print_message("SKIP: this kernel has no netem\n");
        skip();
    }
    assert_echoes(pair, 0, 60);
    assert_int_equal(pair->ups[LINK_DIRECT], 1); /* TCP repeats; no contact was lost */
}

#define in_pair(test) cmocka_unit_test_setup_teardown(test, begin, finish)

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    site_ca_remove(folder);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        in_pair(big_frames_come_back_in_order),
        in_pair(a_dead_switch_for_long_is_overcome_soon_after_it_lives),
        in_pair(a_killed_peer_that_restarts_is_met_again),
        in_pair(packets_lost_and_late_still_arrive_in_order),
    };

    if (argc == 5 && strcmp(argv[1], "echo") == 0) {
        return be_echo(argv + 2);
    }
    if (!netns_available()) {
        print_message("SKIP: network namespaces need root\n");
        return 77;
    }
    return cmocka_run_group_tests_name("link between processes", tests, make_folder, remove_folder);
}
