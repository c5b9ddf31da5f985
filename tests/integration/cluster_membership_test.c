/*
 * cluster/adapters/membership_corosync.c with two real corosyncs in two namespaces, two knet links, and
 * the timers and encryption of DESIGN 3. Each unit's membership lives in a child process (its corosync
 * is reached through an abstract socket of its namespace) that reports facts through a pipe.
 */
#include "cluster/adapters/membership.h"
#include "tests/lib/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { UNITS = 2, FACTS_MAX = 256, WAIT_MS = 15000, AUTHKEY_BYTES = 128, PATH_BYTES = 128 };

/* What a member child writes: one fact, or what it answered to a question. */
struct report {
    uint64_t at_ms;
    struct membership_fact fact;
    struct membership_state state;
};

struct unit {
    int ns;
    pid_t corosync, member;
    int reports; /* read end */
    int orders;  /* write end: 's' tell the state, 'q' destroy and exit */
    struct report facts[FACTS_MAX];
    size_t fact_count;
    struct membership_state state; /* as last reported */
};

struct room {
    char folder[64];
    struct unit units[UNITS];
};

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- a member, in its own process ---- */

struct member {
    struct membership *membership;
    int reports;
    sd_event *event;
};

static void report(const struct member *member, const struct membership_fact *fact)
{
    struct report report = {.at_ms = now_ms()};

    if (fact != NULL) {
        report.fact = *fact;
    }
    membership_get_state(member->membership, &report.state);
    (void)!write(member->reports, &report, sizeof(report));
}

static void on_fact(void *context, const struct membership_fact *fact)
{
    report(context, fact);
}

static int on_order(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct member *member = context;
    char order = 'q';

    (void)source;
    (void)events;
    (void)!read(fd, &order, 1);
    if (order == 's') {
        report(member, NULL);
        return 0;
    }
    return sd_event_exit(member->event, 0);
}

static _Noreturn void be_member(const struct unit *unit, uint32_t number, int orders, int reports)
{
    struct member member = {.reports = reports};
    struct membership_options options = {.group = "toban",
                                         .own_node = number,
                                         .own_unit = 10 + number,
                                         .peer_node = 3 - number,
                                         .peer_unit = 13 - number,
                                         .on_fact = on_fact,
                                         .context = &member};
    struct timespec begin;
    struct timespec end;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    (void)netns_enter(unit->ns);
    if (sd_event_new(&member.event) < 0 ||
        sd_event_add_io(member.event, NULL, orders, EPOLLIN, on_order, &member) < 0) {
        _exit(1);
    }
    options.event = member.event;
    if (membership_create(&options, &member.membership) < 0) {
        _exit(1);
    }
    (void)sd_event_loop(member.event);
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    membership_destroy(member.membership);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    /* The bound of membership.h, generously; a second is far more than it, far less than a hang. */
    _exit(end.tv_sec - begin.tv_sec <= 1 ? 0 : 3);
}

/* ---- the test ---- */

static void start_member(struct unit *unit, uint32_t number)
{
    int orders[2];
    int reports[2];

    assert_int_equal(pipe2(orders, O_CLOEXEC), 0);
    assert_int_equal(pipe2(reports, O_CLOEXEC), 0);
    unit->member = fork();
    assert_true(unit->member >= 0);
    if (unit->member == 0) {
        (void)close(orders[1]);
        (void)close(reports[0]);
        be_member(unit, number, orders[0], reports[1]);
    }
    (void)close(orders[0]);
    (void)close(reports[1]);
    unit->orders = orders[1];
    unit->reports = reports[0];
    assert_int_equal(fcntl(unit->reports, F_SETFL, O_NONBLOCK), 0);
    unit->fact_count = 0;
}

static void end_member(struct unit *unit, int signal)
{
    netns_kill(unit->member, signal);
    unit->member = 0;
    (void)close(unit->orders);
    (void)close(unit->reports);
}

static void write_file(const char *path, const char *text, size_t len_bytes, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len_bytes), len_bytes);
    (void)close(fd);
}

static void write_configuration(const struct room *room)
{
    char text[4096];
    char path[PATH_BYTES];
    char key[AUTHKEY_BYTES];

    for (size_t i = 0; i < sizeof(key); i++) {
        key[i] = (char)(i * 31 + (size_t)getpid());
    }
    (void)snprintf(path, sizeof(path), "%s/authkey", room->folder);
    write_file(path, key, sizeof(key), 0600);
    for (int unit = 1; unit <= UNITS; unit++) {
        (void)snprintf(
            text, sizeof(text),
            "totem {\n version: 2\n cluster_name: toban-test\n transport: knet\n"
            " link_mode: passive\n crypto_cipher: aes256\n crypto_hash: sha256\n keyfile: "
            "%s/authkey\n token: 300\n"
            " interface {\n  linknumber: 0\n  knet_ping_interval: 100\n  knet_ping_timeout: 450\n"
            "  knet_pong_count: 2\n }\n"
            " interface {\n  linknumber: 1\n  knet_ping_interval: 100\n  knet_ping_timeout: 450\n"
            "  knet_pong_count: 2\n }\n}\n"
            "nodelist {\n"
            " node {\n  name: u1\n  nodeid: 1\n  ring0_addr: 10.90.0.1\n  ring1_addr: 10.90.1.1\n "
            "}\n"
            " node {\n  name: u2\n  nodeid: 2\n  ring0_addr: 10.90.0.2\n  ring1_addr: 10.90.1.2\n "
            "}\n"
            "}\n"
            "system {\n state_dir: %s/u%d\n move_to_root_cgroup: no\n}\n"
            "logging {\n to_stderr: no\n to_syslog: no\n to_logfile: yes\n logfile: "
            "%s/u%d/log\n}\n",
            room->folder, room->folder, unit, room->folder, unit);
        (void)snprintf(path, sizeof(path), "%s/u%d", room->folder, unit);
        assert_int_equal(mkdir(path, 0700), 0);
        (void)snprintf(path, sizeof(path), "%s/u%d.conf", room->folder, unit);
        write_file(path, text, strlen(text), 0600);
    }
}

/* corosync keeps a process id file in /run: private, so that several live on this machine. */
static void hide_run(void *context)
{
    (void)context;
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", "/run", "tmpfs", 0, "mode=755") < 0) {
        _exit(126);
    }
    (void)mkdir("/run/corosync", 0755);
}

static void start_corosync(struct room *room, int number)
{
    char path[PATH_BYTES];
    char *argv[] = {"/usr/sbin/corosync", "-f", "-c", path, NULL};

    (void)snprintf(path, sizeof(path), "%s/u%d.conf", room->folder, number);
    room->units[number - 1].corosync =
        netns_spawn(room->units[number - 1].ns, argv, hide_run, NULL);
}

static void read_reports(struct unit *unit)
{
    struct report next;

    while (read(unit->reports, &next, sizeof(next)) == (ssize_t)sizeof(next)) {
        unit->state = next.state;
        if (next.fact.kind != 0 && unit->fact_count < FACTS_MAX) {
            unit->facts[unit->fact_count++] = next;
        }
    }
}

static const struct report *find(struct unit *unit, enum membership_kind kind)
{
    read_reports(unit);
    for (size_t i = unit->fact_count; i > 0; i--) {
        if (unit->facts[i - 1].fact.kind == kind) {
            return &unit->facts[i - 1];
        }
    }
    return NULL;
}

static const struct report *wait_for(struct unit *unit, enum membership_kind kind)
{
    uint64_t until_ms = now_ms() + WAIT_MS;
    const struct report *report;

    while ((report = find(unit, kind)) == NULL && now_ms() < until_ms) {
        (void)usleep(2000);
    }
    assert_non_null(report);
    return report;
}

static void forget(struct unit *unit)
{
    read_reports(unit);
    unit->fact_count = 0;
}

static void ask_state(struct unit *unit)
{
    unit->state.answer_age_ms = UINT64_MAX - 1;
    assert_int_equal(write(unit->orders, "s", 1), 1);
    for (uint64_t until_ms = now_ms() + WAIT_MS; unit->state.answer_age_ms == UINT64_MAX - 1;) {
        assert_true(now_ms() < until_ms);
        read_reports(unit);
        (void)usleep(1000);
    }
}

static void remove_folder(const char *folder)
{
    char command[PATH_BYTES];

    (void)snprintf(command, sizeof(command), "rm -rf -- %s", folder);
    (void)!system(command);
}

static void wait_for_each_other(struct room *room)
{
    for (int i = 0; i < UNITS; i++) {
        (void)wait_for(&room->units[i], MEMBERSHIP_CONNECTED);
        (void)wait_for(&room->units[i], MEMBERSHIP_PEER_JOINED);
        forget(&room->units[i]);
    }
}

static int enter(void **state)
{
    struct room *room = calloc(1, sizeof(*room));

    assert_non_null(room);
    (void)snprintf(room->folder, sizeof(room->folder), "/tmp/toban-room-XXXXXX");
    assert_non_null(mkdtemp(room->folder));
    write_configuration(room);
    room->units[0].ns = netns_create();
    room->units[1].ns = netns_create();
    netns_wire(room->units[0].ns, "lan0", room->units[1].ns, "lan0");
    netns_wire(room->units[0].ns, "dir0", room->units[1].ns, "dir0");
    for (int i = 0; i < UNITS; i++) {
        netns_ip(room->units[i].ns, "addr add 10.90.0.%d/24 dev lan0", i + 1);
        netns_ip(room->units[i].ns, "addr add 10.90.1.%d/24 dev dir0", i + 1);
        start_corosync(room, i + 1);
        start_member(&room->units[i], (uint32_t)i + 1);
    }
    wait_for_each_other(room);
    *state = room;
    return 0;
}

static int leave(void **state)
{
    struct room *room = *state;

    for (int i = 0; i < UNITS; i++) {
        end_member(&room->units[i], SIGKILL);
        netns_kill(room->units[i].corosync, SIGKILL);
        (void)close(room->units[i].ns);
    }
    remove_folder(room->folder);
    free(room);
    return 0;
}

static void both_see_each_other_with_unit_and_process(void **state)
{
    struct room *room = *state;

    end_member(&room->units[1], SIGKILL);
    (void)wait_for(&room->units[0], MEMBERSHIP_PEER_LOST);
    start_member(&room->units[1], 2);
    assert_int_equal(wait_for(&room->units[0], MEMBERSHIP_PEER_JOINED)->fact.unit, 12);
    assert_int_equal(find(&room->units[0], MEMBERSHIP_PEER_JOINED)->fact.pid,
                     room->units[1].member);
    assert_int_equal(wait_for(&room->units[1], MEMBERSHIP_PEER_JOINED)->fact.unit, 11);
    assert_int_equal(room->units[1].facts[0].fact.kind, MEMBERSHIP_CONNECTED);
    assert_int_equal(room->units[1].facts[0].fact.unit, 12);
    ask_state(&room->units[0]);
    assert_true(room->units[0].state.connected && room->units[0].state.peer_present);
    assert_int_equal(room->units[0].state.peer_pid, room->units[1].member);
}

static void a_process_that_says_goodbye_has_left(void **state)
{
    struct room *room = *state;
    int status = -1;

    assert_int_equal(write(room->units[1].orders, "q", 1), 1);
    assert_int_equal(waitpid(room->units[1].member, &status, 0), room->units[1].member);
    assert_int_equal(status, 0);
    room->units[1].member = 0;
    (void)wait_for(&room->units[0], MEMBERSHIP_PEER_LEFT);
    assert_null(find(&room->units[0], MEMBERSHIP_PEER_LOST));
}

static void a_killed_process_is_lost_at_once_and_its_node_lives(void **state)
{
    struct room *room = *state;
    uint64_t from_ms = now_ms();
    const struct report *lost;

    end_member(&room->units[1], SIGKILL);
    lost = wait_for(&room->units[0], MEMBERSHIP_PEER_LOST);
    assert_int_equal(lost->fact.reason, MEMBERSHIP_REASON_PROCESS_GONE);
    print_message("process killed -> lost: %llu ms\n", (unsigned long long)(lost->at_ms - from_ms));
    start_member(&room->units[1], 2);
    (void)wait_for(&room->units[0], MEMBERSHIP_PEER_JOINED);
}

static void a_dead_node_is_lost_with_its_node(void **state)
{
    struct room *room = *state;
    const struct report *lost;
    uint64_t from_ms;

    netns_ip(room->units[1].ns, "link set lan0 down");
    netns_ip(room->units[1].ns, "link set dir0 down");
    from_ms = now_ms();
    lost = wait_for(&room->units[0], MEMBERSHIP_PEER_LOST);
    assert_int_equal(lost->fact.reason, MEMBERSHIP_REASON_NODE_GONE);
    print_message("both links cut -> lost: %llu ms\n", (unsigned long long)(lost->at_ms - from_ms));
    /* The other side sees the same, and both see each other again when the links are back. */
    assert_int_equal(wait_for(&room->units[1], MEMBERSHIP_PEER_LOST)->fact.reason,
                     MEMBERSHIP_REASON_NODE_GONE);
    forget(&room->units[0]);
    forget(&room->units[1]);
    netns_ip(room->units[1].ns, "link set lan0 up");
    netns_ip(room->units[1].ns, "link set dir0 up");
    (void)wait_for(&room->units[0], MEMBERSHIP_PEER_JOINED);
    (void)wait_for(&room->units[1], MEMBERSHIP_PEER_JOINED);
}

static void a_corosync_that_stops_cleanly_or_dies_and_comes_back(void **state)
{
    static const int signals[] = {SIGTERM, SIGKILL};
    struct room *room = *state;

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        struct unit *unit = &room->units[1];

        netns_kill(unit->corosync, signals[i]);
        unit->corosync = 0;
        (void)wait_for(unit, MEMBERSHIP_DISCONNECTED);
        ask_state(unit);
        assert_false(unit->state.connected || unit->state.peer_present);
        for (uint64_t until_ms = now_ms() + WAIT_MS;
             find(&room->units[0], MEMBERSHIP_PEER_LOST) == NULL &&
             find(&room->units[0], MEMBERSHIP_PEER_LEFT) == NULL;) {
            assert_true(now_ms() < until_ms);
        }
        assert_null(find(&room->units[0], MEMBERSHIP_PEER_LEFT));
        assert_int_equal(find(&room->units[0], MEMBERSHIP_PEER_LOST)->fact.reason,
                         signals[i] == SIGTERM ? MEMBERSHIP_REASON_PROCESS_GONE
                                               : MEMBERSHIP_REASON_NODE_GONE);
        forget(unit);
        forget(&room->units[0]);
        start_corosync(room, 2);
        (void)wait_for(unit, MEMBERSHIP_CONNECTED);
        (void)wait_for(unit, MEMBERSHIP_PEER_JOINED);
        (void)wait_for(&room->units[0], MEMBERSHIP_PEER_JOINED);
    }
}

static void a_corosync_that_stands_still_blocks_nobody(void **state)
{
    struct room *room = *state;
    struct unit *unit = &room->units[1];
    int status = -1;

    netns_kill(unit->corosync, SIGSTOP);
    (void)usleep(1500 * 1000);
    ask_state(unit); /* the loop answers, and knows that corosync does not */
    assert_true(unit->state.answer_age_ms >= 1000);
    assert_int_equal(write(unit->orders, "q", 1), 1);
    assert_int_equal(waitpid(unit->member, &status, 0), unit->member);
    unit->member = 0;
    assert_int_equal(status, 0);
    netns_kill(unit->corosync, SIGCONT);
}

static void assert_nobody_was_lost(struct room *room)
{
    for (int i = 0; i < UNITS; i++) {
        assert_null(find(&room->units[i], MEMBERSHIP_PEER_LOST));
        assert_null(find(&room->units[i], MEMBERSHIP_DISCONNECTED));
        ask_state(&room->units[i]);
        assert_true(room->units[i].state.peer_present);
    }
}

static void idle_timers_lose_nobody_and_one_link_of_two_is_enough(void **state)
{
    struct room *room = *state;

    /* With knet's own timers both links drop every 9 s (peers.md, trap 1). The wait also lets knet's
     * patience shrink from ten times its ping timeout, where it starts, to once: before that, a cut
     * service link costs the membership (token 300 ms). */
    (void)sleep(13);
    assert_nobody_was_lost(room);
    assert_true(room->units[0].state.answer_age_ms < 4 * MEMBERSHIP_ANSWER_PROBE_MS);
    assert_int_equal(room->units[0].state.strangers_ignored, 0);
    /* A cut link may cost a moment of membership on a loaded machine (knet finds out after 450 ms, the
     * token is given up after 300 + 360 ms): it comes back over the other link, and stays. */
    for (int i = 0; i < 2; i++) {
        static const char *const ends[] = {"lan0", "dir0"};

        netns_ip(room->units[1].ns, "link set %s down", ends[i]);
        (void)sleep(3);
        for (int unit = 0; unit < UNITS; unit++) {
            ask_state(&room->units[unit]);
            assert_true(room->units[unit].state.connected && room->units[unit].state.peer_present);
        }
        netns_ip(room->units[1].ns, "link set %s up", ends[i]);
        (void)sleep(2);
    }
}

#define in_room(test) cmocka_unit_test_setup_teardown(test, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_room(both_see_each_other_with_unit_and_process),
        in_room(a_process_that_says_goodbye_has_left),
        in_room(a_killed_process_is_lost_at_once_and_its_node_lives),
        in_room(a_dead_node_is_lost_with_its_node),
        in_room(a_corosync_that_stops_cleanly_or_dies_and_comes_back),
        in_room(a_corosync_that_stands_still_blocks_nobody),
        in_room(idle_timers_lose_nobody_and_one_link_of_two_is_enough),
    };

    if (!netns_available() || access("/usr/sbin/corosync", X_OK) < 0) {
        print_message("SKIP: needs root and corosync\n");
        return 77;
    }
    return cmocka_run_group_tests_name("membership", tests, NULL, NULL);
}
