/*
 * toban-watchdog as a whole process: a device that is not there (tests/watchdog/fakedog.c), and two real processes that
 * give proofs and are really ended. Times are judged by what the device recorded, against bounds of pet.h.
 */
#include "watchdog/adapters/proofs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    PATH_BYTES = 128,
    LOOK_MS = 20,
    NS_PER_MS = 1000000,
    MS_PER_S = 1000,
    WAIT_MS_MAX = 60000,
    LATE_MS = 1500, /* a busy machine: of a bound of many seconds */
    LOG_BYTES = 65536,
};

enum sender { TOBAND, NET, SENDER_COUNT };

struct bench {
    char folder[PATH_BYTES], socket[PATH_BYTES], log[PATH_BYTES], notify[PATH_BYTES];
    pid_t watchdog;
    pid_t senders[SENDER_COUNT];
    int notify_fd;
};

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * MS_PER_S + (uint64_t)now.tv_nsec / NS_PER_MS;
}

static void look_again_soon(void)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * NS_PER_MS}, NULL);
}

/* ---- processes ---------------------------------------------------------------------------------- */

/* Says so every PET_TICK_MS until it is ended. */
static _Noreturn void be_sender(const struct bench *bench, enum sender sender)
{
    struct proof_sender *link = NULL;
    sd_event *event = NULL;
    uint8_t bytes[PET_PROOF_BYTES_MAX];

    if (sd_event_default(&event) < 0 ||
        proof_sender_create(event, bench->socket, NULL, NULL, &link) < 0) {
        _exit(1);
    }
    for (uint64_t turns = 1;; turns++) {
        struct pet_toband toband = {.turns = turns};
        struct pet_net net = {.turns = turns};

        proof_sender_say(link, bytes,
                         sender == TOBAND ? pet_encode_toband(&toband, bytes, sizeof(bytes))
                                          : pet_encode_net(&net, bytes, sizeof(bytes)));
        (void)sd_event_run(event, (uint64_t)PET_TICK_MS * MS_PER_S);
    }
}

static void start_sender(struct bench *bench, enum sender sender)
{
    bench->senders[sender] = fork();
    assert_true(bench->senders[sender] >= 0);
    if (bench->senders[sender] == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        be_sender(bench, sender);
    }
}

static void start_watchdog(struct bench *bench, const char *mode)
{
    bool with_init = bench->notify_fd >= 0;

    bench->watchdog = fork();
    assert_true(bench->watchdog >= 0);
    if (bench->watchdog == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)setenv("FAKEDOG", "/dev/fakedog", 1);
        (void)setenv("FAKEDOG_LOG", bench->log, 1);
        (void)setenv("FAKEDOG_MODE", mode, 1);
        (void)setenv("LD_PRELOAD", "build/plain/lib/toban-fakedog.so", 1);
        if (with_init) {
            (void)setenv("NOTIFY_SOCKET", bench->notify, 1);
        }
        (void)execl("build/plain/bin/toban-watchdog", "toban-watchdog", "--socket", bench->socket,
                    "--notes", bench->folder, "--device", "/dev/fakedog",
                    with_init ? NULL : "--no-init", NULL);
        _exit(1);
    }
}

/* How it ended, by waitpid's status; waits for it. */
static int await_end(pid_t *pid)
{
    int status = 0;
    uint64_t end_ms = now_ms() + WAIT_MS_MAX;

    while (waitpid(*pid, &status, WNOHANG) == 0) {
        assert_true(now_ms() < end_ms);
        look_again_soon();
    }
    *pid = 0;
    return status;
}

static int start(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));

    assert_non_null(bench);
    bench->notify_fd = -1;
    (void)snprintf(bench->folder, sizeof(bench->folder), "/tmp/toban-watchdog-XXXXXX");
    assert_non_null(mkdtemp(bench->folder));
    (void)snprintf(bench->socket, sizeof(bench->socket), "%.100s/socket", bench->folder);
    (void)snprintf(bench->log, sizeof(bench->log), "%.100s/log", bench->folder);
    (void)snprintf(bench->notify, sizeof(bench->notify), "%.100s/notify", bench->folder);
    *state = bench;
    return 0;
}

static void end_process(pid_t pid)
{
    if (pid > 0) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
    }
}

static int finish(void **state)
{
    struct bench *bench = *state;
    static const char *const names[] = {"socket", "log", "notify", "resets"};

    end_process(bench->watchdog);
    for (size_t i = 0; i < SENDER_COUNT; i++) {
        end_process(bench->senders[i]);
    }
    if (bench->notify_fd >= 0) {
        (void)close(bench->notify_fd);
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[2 * PATH_BYTES];

        (void)snprintf(path, sizeof(path), "%s/%s", bench->folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(bench->folder);
    free(bench);
    return 0;
}

/* ---- what the device saw ------------------------------------------------------------------------ */

struct seen {
    unsigned opens, feeds, writes, closes, busy;
    int set_s; /* the last timeout that was asked */
    uint64_t fed_ms, longest_gap_ms;
};

static struct seen look(const struct bench *bench)
{
    struct seen seen = {0};
    FILE *file = fopen(bench->log, "re");
    unsigned long long at_ms;
    char what[16];
    int number;

    while (file != NULL && fscanf(file, "%llu %15s %d", &at_ms, what, &number) == 3) {
        seen.opens += strcmp(what, "open") == 0;
        seen.writes += strcmp(what, "write") == 0;
        seen.closes += strcmp(what, "close") == 0;
        seen.busy += strcmp(what, "busy") == 0;
        seen.set_s = strcmp(what, "set") == 0 ? number : seen.set_s;
        if (strcmp(what, "feed") == 0) {
            uint64_t gap_ms = seen.feeds > 0 ? at_ms - seen.fed_ms : 0;

            seen.feeds++;
            seen.longest_gap_ms = gap_ms > seen.longest_gap_ms ? gap_ms : seen.longest_gap_ms;
            seen.fed_ms = at_ms;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return seen;
}

static struct seen await_feeds(const struct bench *bench, unsigned feeds)
{
    uint64_t end_ms = now_ms() + WAIT_MS_MAX;
    struct seen seen;

    for (seen = look(bench); seen.feeds < feeds; seen = look(bench)) {
        assert_true(now_ms() < end_ms);
        look_again_soon();
    }
    return seen;
}

/* The part that the newest line of the notes names; empty: there is none. */
static void read_note(const struct bench *bench, char part[16])
{
    char path[2 * PATH_BYTES];
    FILE *file;

    part[0] = '\0';
    (void)snprintf(path, sizeof(path), "%s/resets", bench->folder);
    file = fopen(path, "re");
    while (file != NULL && fscanf(file, "%*u %15s %*u", part) == 1) {
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

static void await_note(const struct bench *bench, const char *part)
{
    uint64_t end_ms = now_ms() + WAIT_MS_MAX;
    char noted[16];

    for (read_note(bench, noted); noted[0] == '\0'; read_note(bench, noted)) {
        assert_true(now_ms() < end_ms);
        look_again_soon();
    }
    assert_string_equal(noted, part);
}

/* As toband does: connects and hears what the watchdog tells. */
static struct pet_facts hear(const struct bench *bench)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct pet_toband proof = {.turns = 1};
    uint8_t bytes[PET_PROOF_BYTES_MAX + 1];
    struct pet_facts facts;
    uint64_t end_ms = now_ms() + WAIT_MS_MAX;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    ssize_t len;

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", bench->socket);
    while (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        assert_true(now_ms() < end_ms);
        look_again_soon();
    }
    assert_true(send(fd, bytes, pet_encode_toband(&proof, bytes, sizeof(bytes)), MSG_NOSIGNAL) > 0);
    do {
        assert_int_equal(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, WAIT_MS_MAX), 1);
        len = recv(fd, bytes, sizeof(bytes), 0);
        assert_true(len > 0 && pet_decode_facts(bytes, (size_t)len, &facts));
    } while (!facts.device.armed && now_ms() < end_ms);
    (void)close(fd);
    return facts;
}

/* ---- stories ------------------------------------------------------------------------------------ */

static void a_unit_that_works_is_fed_and_nothing_is_ended(void **state)
{
    struct bench *bench = *state;
    struct seen seen;
    char noted[16];

    start_watchdog(bench, "good");
    start_sender(bench, TOBAND);
    start_sender(bench, NET);
    seen = await_feeds(bench, 6);
    assert_int_equal(seen.opens, 1);
    assert_int_equal(seen.set_s, PET_TIMEOUT_MS / MS_PER_S);
    assert_in_range(seen.longest_gap_ms, 1, PET_TIMEOUT_MS_MIN);
    assert_int_equal(waitpid(bench->senders[TOBAND], NULL, WNOHANG), 0);
    assert_int_equal(waitpid(bench->senders[NET], NULL, WNOHANG), 0);
    read_note(bench, noted);
    assert_string_equal(noted, "");
}

static void what_the_device_is_decides_whether_it_is_verified(void **state)
{
    static const struct {
        const char *mode;
        bool verified, reset;
        uint32_t timeout_ms;
    } cases[] = {
        {"good", true, false, PET_TIMEOUT_MS}, {"soft", false, false, PET_TIMEOUT_MS},
        {"rounds", false, false, 45000},       {"disarms", false, false, PET_TIMEOUT_MS},
        {"reset", true, true, PET_TIMEOUT_MS},
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pet_facts facts;

        start_watchdog(bench, cases[i].mode);
        facts = hear(bench);
        assert_true(facts.device.armed);
        assert_int_equal(pet_is_verified(&facts.device), cases[i].verified);
        assert_int_equal(facts.was_reset, cases[i].reset);
        assert_int_equal(facts.device.timeout_ms, cases[i].timeout_ms);
        end_process(bench->watchdog);
        bench->watchdog = 0;
    }
}

static void a_device_that_somebody_else_has_is_asked_for_again(void **state)
{
    struct bench *bench = *state;
    uint64_t end_ms = now_ms() + WAIT_MS_MAX;

    start_watchdog(bench, "busy");
    while (look(bench).busy < 2) {
        assert_true(now_ms() < end_ms);
        look_again_soon();
    }
    assert_int_equal(waitpid(bench->watchdog, NULL, WNOHANG), 0);
    assert_int_equal(look(bench).feeds, 0);
}

static void a_program_that_hangs_is_ended_and_started_anew_without_a_reset(void **state)
{
    struct bench *bench = *state;
    uint64_t stopped_ms;
    char noted[16];
    int status;

    start_watchdog(bench, "good");
    start_sender(bench, TOBAND);
    start_sender(bench, NET);
    (void)await_feeds(bench, 2);
    stopped_ms = now_ms();
    assert_int_equal(kill(bench->senders[TOBAND], SIGSTOP), 0);
    status = await_end(&bench->senders[TOBAND]);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_in_range(now_ms() - stopped_ms, PET_LOOP_MS_MAX - PET_TICK_MS,
                    PET_LOOP_MS_MAX + LATE_MS);
    start_sender(bench, TOBAND);
    (void)await_feeds(bench, look(bench).feeds + PET_RESTART_MS_MAX / PET_FEED_MS + 3);
    read_note(bench, noted);
    assert_string_equal(noted, "");
    assert_in_range(look(bench).longest_gap_ms, 1, PET_TIMEOUT_MS_MIN);
}

static void a_program_that_never_comes_back_ends_in_a_noted_reset_within_its_bound(void **state)
{
    const struct pet_device device = {.armed = true, .timeout_ms = PET_TIMEOUT_MS};
    struct bench *bench = *state;
    uint64_t stopped_ms, fed_ms;

    start_watchdog(bench, "good");
    start_sender(bench, TOBAND);
    start_sender(bench, NET);
    (void)await_feeds(bench, 2);
    stopped_ms = now_ms();
    assert_int_equal(kill(bench->senders[NET], SIGSTOP), 0);
    await_note(bench, "NET");
    assert_int_equal(WTERMSIG(await_end(&bench->senders[NET])), SIGKILL);
    assert_int_equal(WTERMSIG(await_end(&bench->senders[TOBAND])),
                     SIGKILL); /* without it the address goes down */
    fed_ms = look(bench).fed_ms;
    while (now_ms() < fed_ms + 3 * PET_FEED_MS) {
        look_again_soon();
    }
    assert_int_equal(look(bench).fed_ms, fed_ms); /* and starves */
    assert_in_range(fed_ms + PET_TIMEOUT_MS - stopped_ms, PET_NET_MS_MAX,
                    pet_reset_ms_max(PET_NET, &device) + LATE_MS);
    assert_int_equal(look(bench).writes, 0);
}

static void an_announced_stop_leaves_it_counting_for_a_minute(void **state)
{
    struct bench *bench = *state;
    struct seen seen;

    start_watchdog(bench, "good");
    (void)await_feeds(bench, 1);
    assert_int_equal(kill(bench->watchdog, SIGTERM), 0);
    assert_int_equal(await_end(&bench->watchdog), 0);
    seen = look(bench);
    assert_int_equal(seen.set_s, PET_SHUTDOWN_MS / MS_PER_S);
    assert_int_equal(seen.closes, 1);
    assert_int_equal(seen.writes, 0); /* nothing that could disarm it */
}

static void a_killed_watchdog_is_not_a_disarmed_one_and_its_next_life_feeds_on(void **state)
{
    struct bench *bench = *state;
    struct seen seen;

    start_watchdog(bench, "good");
    start_sender(bench, TOBAND);
    start_sender(bench, NET);
    (void)await_feeds(bench, 2);
    end_process(bench->watchdog);
    assert_int_equal(look(bench).writes, 0);
    start_watchdog(bench, "good");
    seen = await_feeds(bench, 6);
    assert_int_equal(seen.opens, 2);
    assert_in_range(seen.longest_gap_ms, 1, PET_TIMEOUT_MS_MIN);
    assert_int_equal(waitpid(bench->senders[TOBAND], NULL, WNOHANG), 0);
}

/* What is sent is not a proof: the connection is cut, and nothing counts. */
static void noise_on_the_socket_proves_nothing(void **state)
{
    static const uint8_t noises[][4] = {
        {0}, {PET_SENDER_WATCHDOG, 1}, {PET_SENDER_TOBAND, 2, 3}, {PET_SENDER_NET}, {255}};
    struct bench *bench = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    start_watchdog(bench, "good");
    (void)await_feeds(bench, 1);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", bench->socket);
    for (size_t i = 0; i < sizeof(noises) / sizeof(noises[0]); i++) {
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        uint8_t byte;

        assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_true(send(fd, noises[i], sizeof(noises[i]), MSG_NOSIGNAL) > 0);
        assert_int_equal(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, WAIT_MS_MAX), 1);
        assert_int_equal(recv(fd, &byte, 1, 0), 0);
        (void)close(fd);
    }
    (void)await_feeds(bench, look(bench).feeds + 2);
    assert_int_equal(waitpid(bench->watchdog, NULL, WNOHANG), 0);
}

/* A second that calls itself toband while the first lives is no proof, and is not who is ended. */
static void a_second_toband_is_refused_while_the_first_stands(void **state)
{
    struct bench *bench = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct pet_toband proof = {.turns = 1};
    uint8_t bytes[PET_PROOF_BYTES_MAX];
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    start_watchdog(bench, "good");
    start_sender(bench, TOBAND);
    start_sender(bench, NET);
    (void)await_feeds(bench, 2);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", bench->socket);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_true(send(fd, bytes, pet_encode_toband(&proof, bytes, sizeof(bytes)), MSG_NOSIGNAL) > 0);
    assert_int_equal(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, WAIT_MS_MAX), 1);
    assert_int_equal(recv(fd, bytes, 1, 0), 0);
    (void)close(fd);
}

/* The service manager here answers the first barriers and then no more, as a frozen PID 1. */
static void a_frozen_first_process_is_a_reset(void **state)
{
    struct bench *bench = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char text[256];
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {.iov_base = text, .iov_len = sizeof(text)};
    unsigned answered = 0;

    bench->notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", bench->notify);
    assert_int_equal(bind(bench->notify_fd, (struct sockaddr *)&address, sizeof(address)), 0);
    start_watchdog(bench, "good");
    start_sender(bench, TOBAND);
    start_sender(bench, NET);
    while (answered < 2) {
        struct msghdr message = {.msg_iov = &part,
                                 .msg_iovlen = 1,
                                 .msg_control = &control,
                                 .msg_controllen = sizeof(control)};
        struct cmsghdr *header;

        assert_int_equal(
            poll(&(struct pollfd){.fd = bench->notify_fd, .events = POLLIN}, 1, WAIT_MS_MAX), 1);
        assert_true(recvmsg(bench->notify_fd, &message, MSG_CMSG_CLOEXEC) > 0);
        header = CMSG_FIRSTHDR(&message);
        if (header != NULL && header->cmsg_type == SCM_RIGHTS) {
            int fd;

            memcpy(&fd, CMSG_DATA(header), sizeof(fd));
            (void)close(fd);
            answered++;
        }
    }
    await_note(bench, "INIT");
    assert_int_equal(waitpid(bench->senders[TOBAND], NULL, WNOHANG),
                     0); /* nobody else was to blame */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_unit_that_works_is_fed_and_nothing_is_ended, start,
                                        finish),
        cmocka_unit_test_setup_teardown(what_the_device_is_decides_whether_it_is_verified, start,
                                        finish),
        cmocka_unit_test_setup_teardown(a_device_that_somebody_else_has_is_asked_for_again, start,
                                        finish),
        cmocka_unit_test_setup_teardown(
            a_program_that_hangs_is_ended_and_started_anew_without_a_reset, start, finish),
        cmocka_unit_test_setup_teardown(
            a_program_that_never_comes_back_ends_in_a_noted_reset_within_its_bound, start, finish),
        cmocka_unit_test_setup_teardown(an_announced_stop_leaves_it_counting_for_a_minute, start,
                                        finish),
        cmocka_unit_test_setup_teardown(
            a_killed_watchdog_is_not_a_disarmed_one_and_its_next_life_feeds_on, start, finish),
        cmocka_unit_test_setup_teardown(noise_on_the_socket_proves_nothing, start, finish),
        cmocka_unit_test_setup_teardown(a_second_toband_is_refused_while_the_first_stands, start,
                                        finish),
        cmocka_unit_test_setup_teardown(a_frozen_first_process_is_a_reset, start, finish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
