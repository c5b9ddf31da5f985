/*
 * cluster/adapters/link.c over real nanomsg sockets on loopback, with somebody in the middle:
 *   unit 1 (TLS client) -> middle -> unit 2 (TLS server), and back
 * The middle carries every message, and may drop, damage, keep and repeat it, or add its own.
 */
#ifndef TESTS_UNIT_LINK_FIXTURE_H
#define TESTS_UNIT_LINK_FIXTURE_H

#include "cluster/adapters/link.h"

#include "base/bytes.h"
#include "tests/lib/site_ca.h"

#include <arpa/inet.h>
#include <errno.h>
#include <nanomsg/nn.h>
#include <nanomsg/pipeline.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <net/if.h>

#include <cmocka.h>

enum {
    WAIT_MS = 10000,
    QUIET_MS = 300,
    KEPT_MAX = 64,
    KEPT_BYTES_MAX = 4096,
    HEADER_BYTES = 24,
    FRAMES_MAX = 4096,
};

/* One direction of one link through the middle; index [link][0]: from unit 1, [1]: from unit 2. */
struct pipe {
    int in, out;
    sd_event_source *source;
    bool cut;             /* everything is dropped */
    uint32_t damage_next; /* so many coming messages get a flipped bit */
    uint32_t lose_next;
    size_t shorten_next_bytes; /* the next message loses its last bytes */
    uint8_t kept[KEPT_MAX][KEPT_BYTES_MAX];
    size_t kept_bytes[KEPT_MAX];
    size_t kept_count;
    uint64_t carried;
};

struct unit {
    struct link *link;
    uint64_t contact[LINK_COUNT]; /* 0: down */
    uint32_t ups[LINK_COUNT], downs[LINK_COUNT], rooms[LINK_COUNT];
    enum link_down_reason down_reason[LINK_COUNT];
    uint32_t frames[LINK_COUNT]; /* received */
    uint32_t frame_number[FRAMES_MAX];
    bool echo;
    uint32_t reset_on_frame, reset_on_up, reset_on_down; /* so many times */
    bool in_order;
};

struct bench {
    sd_event *event;
    struct unit units[2];
    struct pipe pipes[LINK_COUNT][2];
    struct site_ca_files files[2];
};

static char folder[] = "/tmp/toban-link-test-XXXXXX";
static uint16_t base_port;
static uint8_t big[LINK_FRAME_BYTES_MAX];

static inline uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static inline void on_frame(void *context, enum link_which which, const uint8_t *bytes, size_t len_bytes)
{
    struct unit *unit = context;
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);

    if (unit->frames[which] < FRAMES_MAX) {
        unit->frame_number[unit->frames[which]] = bytes_get_u32(&reader);
    }
    unit->frames[which]++;
    if (unit->reset_on_frame > 0) {
        unit->reset_on_frame--;
        link_reset(unit->link, which);
    } else if (unit->echo) {
        uint8_t *copy = malloc(len_bytes);

        memcpy(copy, bytes, len_bytes);
        (void)link_send(unit->link, which, (const uint8_t *)"unrelated", 9);
        assert_memory_equal(copy, bytes, len_bytes); /* sending does not touch what we were lent */
        free(copy);
    }
}

static inline void on_up(void *context, enum link_which which, uint64_t contact)
{
    struct unit *unit = context;

    assert_true(contact != 0);
    assert_true(unit->contact[which] == 0); /* down comes before the next up */
    unit->contact[which] = contact;
    unit->ups[which]++;
    if (unit->reset_on_up > 0) {
        unit->reset_on_up--;
        link_reset(unit->link, which);
    }
}

static inline void on_down(void *context, enum link_which which, uint64_t contact,
                    enum link_down_reason reason)
{
    struct unit *unit = context;

    assert_true(contact == unit->contact[which] && contact != 0);
    unit->contact[which] = 0;
    unit->down_reason[which] = reason;
    unit->downs[which]++;
    if (unit->reset_on_down > 0) {
        unit->reset_on_down--;
        link_reset(unit->link, which);
    }
}

static inline void on_room(void *context, enum link_which which)
{
    struct unit *unit = context;

    unit->rooms[which]++;
}

static inline void inject(struct pipe *pipe, const uint8_t *bytes, size_t len_bytes)
{
    uint64_t until_ms = now_ms() + WAIT_MS;

    while (nn_send(pipe->out, bytes, len_bytes, NN_DONTWAIT) < 0) {
        assert_true(nn_errno() == EAGAIN && now_ms() < until_ms);
    }
}

static inline void carry(struct pipe *pipe, uint8_t *bytes, size_t len_bytes)
{
    if (pipe->cut) {
        return;
    }
    if (pipe->lose_next > 0) {
        pipe->lose_next--;
        return;
    }
    if (len_bytes <= KEPT_BYTES_MAX && pipe->kept_count < KEPT_MAX) {
        memcpy(pipe->kept[pipe->kept_count], bytes, len_bytes);
        pipe->kept_bytes[pipe->kept_count++] = len_bytes;
    }
    if (pipe->damage_next > 0) {
        pipe->damage_next--;
        bytes[len_bytes - 3] ^= 0x10;
    }
    len_bytes -= pipe->shorten_next_bytes < len_bytes ? pipe->shorten_next_bytes : 0;
    pipe->shorten_next_bytes = 0;
    pipe->carried++;
    inject(pipe, bytes, len_bytes);
}

static inline int on_pipe(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct pipe *pipe = context;
    uint8_t *bytes = NULL;
    int len = nn_recv(pipe->in, &bytes, NN_MSG, NN_DONTWAIT);

    (void)source;
    (void)fd;
    (void)events;
    if (len >= 0) {
        carry(pipe, bytes, (size_t)len);
        (void)nn_freemsg(bytes);
    }
    return 0;
}

static inline uint16_t port_of(size_t which)
{
    return (uint16_t)(base_port + which);
}

static inline void open_pipe(struct bench *bench, size_t which, size_t direction)
{
    struct pipe *pipe = &bench->pipes[which][direction];
    char address[64];
    int limit = LINK_WIRE_BYTES_MAX;
    int fd;
    size_t fd_bytes = sizeof(fd);

    pipe->in = nn_socket(AF_SP, NN_PULL);
    pipe->out = nn_socket(AF_SP, NN_PUSH);
    assert_true(pipe->in >= 0 && pipe->out >= 0);
    assert_int_equal(nn_setsockopt(pipe->in, NN_SOL_SOCKET, NN_RCVMAXSIZE, &limit, sizeof(limit)),
                     0);
    (void)snprintf(address, sizeof(address), "tcp://127.0.9.%zu:%u", direction + 1, port_of(which));
    assert_true(nn_bind(pipe->in, address) >= 0);
    (void)snprintf(address, sizeof(address), "tcp://127.0.1.%zu:%u", 2 - direction, port_of(which));
    assert_true(nn_connect(pipe->out, address) >= 0);
    assert_int_equal(nn_getsockopt(pipe->in, NN_SOL_SOCKET, NN_RCVFD, &fd, &fd_bytes), 0);
    assert_true(sd_event_add_io(bench->event, &pipe->source, fd, EPOLLIN, on_pipe, pipe) >= 0);
}

static inline void start_unit(struct bench *bench, size_t index)
{
    char local[16];
    char middle[16];
    struct unit *unit = &bench->units[index];
    struct link_options options = {
        .event = bench->event,
        .own_unit = (uint32_t)index + 1,
        .peer_unit = 2 - (uint32_t)index,
        .ca_path = bench->files[index].ca,
        .certificate_path = bench->files[index].certificate,
        .key_path = bench->files[index].key,
        .on_frame = on_frame,
        .on_up = on_up,
        .on_down = on_down,
        .on_room = on_room,
        .context = unit,
    };

    (void)snprintf(local, sizeof(local), "127.0.1.%zu", index + 1);
    (void)snprintf(middle, sizeof(middle), "127.0.9.%zu", index + 1);
    for (size_t which = 0; which < LINK_COUNT; which++) {
        options.endpoints[which] = (struct link_endpoint){.local_address = local,
                                                          .peer_address = middle,
                                                          .local_port = port_of(which),
                                                          .peer_port = port_of(which)};
    }
    assert_int_equal(link_create(&options, &unit->link), 0);
}

/* A crash: nothing it would still say is heard. */
static inline void crash_unit(struct bench *bench, size_t index)
{
    struct unit *unit = &bench->units[index];

    for (size_t which = 0; which < LINK_COUNT; which++) {
        bench->pipes[which][index].cut = true;
    }
    link_destroy(unit->link);
    for (uint64_t until_ms = now_ms() + 50; now_ms() < until_ms;) {
        (void)sd_event_run(bench->event, 1000);
    }
    for (size_t which = 0; which < LINK_COUNT; which++) {
        bench->pipes[which][index].cut = false;
    }
    *unit = (struct unit){.link = NULL};
}

static inline bool is_up(const struct bench *bench, enum link_which which)
{
    uint64_t contact = bench->units[0].contact[which];

    return contact != 0 && contact == bench->units[1].contact[which];
}

typedef bool condition_fn(const struct bench *bench);

static inline bool both_up(const struct bench *bench)
{
    return is_up(bench, LINK_SERVICE) && is_up(bench, LINK_DIRECT);
}

static inline bool wait_until(struct bench *bench, condition_fn *condition)
{
    uint64_t until_ms = now_ms() + WAIT_MS;

    while (!condition(bench)) {
        if (now_ms() >= until_ms) {
            return false;
        }
        assert_true(sd_event_run(bench->event, 10000) >= 0);
    }
    return true;
}

static inline void run_for(struct bench *bench, uint64_t ms)
{
    for (uint64_t until_ms = now_ms() + ms; now_ms() < until_ms;) {
        assert_true(sd_event_run(bench->event, 1000) >= 0);
    }
}

static inline struct link_counters counters(const struct bench *bench, size_t unit, enum link_which which)
{
    struct link_counters now;

    link_get_counters(bench->units[unit].link, which, &now);
    return now;
}

static inline struct bench *prepare(void)
{
    struct bench *bench = calloc(1, sizeof(*bench));

    assert_non_null(bench);
    assert_true(sd_event_new(&bench->event) >= 0);
    for (size_t which = 0; which < LINK_COUNT; which++) {
        open_pipe(bench, which, 0);
        open_pipe(bench, which, 1);
    }
    site_ca_make(folder, "site", "unit-1", false, &bench->files[0]);
    site_ca_make(folder, "site", "unit-2", false, &bench->files[1]);
    return bench;
}

static inline int begin(void **state)
{
    struct bench *bench = prepare();

    start_unit(bench, 0);
    start_unit(bench, 1);
    assert_true(wait_until(bench, both_up));
    *state = bench;
    return 0;
}

static inline int begin_without_units(void **state)
{
    *state = prepare();
    return 0;
}

static inline int finish(void **state)
{
    struct bench *bench = *state;

    link_destroy(bench->units[0].link);
    link_destroy(bench->units[1].link);
    for (size_t which = 0; which < LINK_COUNT; which++) {
        for (size_t direction = 0; direction < 2; direction++) {
            struct pipe *pipe = &bench->pipes[which][direction];

            (void)sd_event_source_disable_unref(pipe->source);
            (void)nn_close(pipe->in);
            (void)nn_close(pipe->out);
        }
    }
    (void)sd_event_unref(bench->event);
    free(bench);
    return 0;
}

static inline int send_number(struct bench *bench, size_t from, enum link_which which, uint32_t number,
                       size_t len_bytes)
{
    struct bytes_writer writer = bytes_writer_over(big, sizeof(big));

    bytes_put_u32(&writer, number);
    return link_send(bench->units[from].link, which, big, len_bytes);
}

/* Sends numbers 0..count-1 however often the queue is full, and waits for them in order. */
static inline void assert_delivers(struct bench *bench, size_t from, enum link_which which, uint32_t count,
                            size_t len_bytes)
{
    struct unit *to = &bench->units[1 - from];
    uint64_t until_ms = now_ms() + WAIT_MS;

    to->frames[which] = 0;
    for (uint32_t i = 0; i < count;) {
        int r = send_number(bench, from, which, i, len_bytes);

        assert_true(r == 0 || r == -EAGAIN);
        i += r == 0 ? 1 : 0;
        assert_true(sd_event_run(bench->event, r == 0 ? 0 : 1000) >= 0);
        assert_true(now_ms() < until_ms);
    }
    while (to->frames[which] < count) {
        assert_true(sd_event_run(bench->event, 10000) >= 0);
        assert_true(now_ms() < until_ms);
    }
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(to->frame_number[i], i);
    }
}

static inline void assert_works(struct bench *bench)
{
    for (uint32_t which = 0; which < LINK_COUNT; which++) {
        assert_delivers(bench, 0, which, 3, 100);
        assert_delivers(bench, 1, which, 3, 100);
    }
}

/* Away from other tests on this machine; with an unprivileged user: on its loopback, own ports. */
static inline void isolate(void)
{
    base_port = (uint16_t)(20000 + getpid() % 20000);
    if (unshare(CLONE_NEWNET) == 0) {
        struct ifreq request = {.ifr_name = "lo"};
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        request.ifr_flags = IFF_UP;
        (void)ioctl(fd, SIOCSIFFLAGS, &request);
        (void)close(fd);
    }
}

static inline int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static inline int remove_folder(void **state)
{
    (void)state;
    site_ca_remove(folder);
    return 0;
}

#define when_up(test) cmocka_unit_test_setup_teardown(test, begin, finish)
#define from_start(test) cmocka_unit_test_setup_teardown(test, begin_without_units, finish)

#endif
