/*
 * cluster/adapters/link.c over real nanomsg sockets on loopback, with somebody in the middle:
 *   unit 1 (TLS client) -> middle -> unit 2 (TLS server), and back
 * The middle carries every message, and may drop, damage, keep and repeat it, or add its own.
 */
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

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void on_frame(void *context, enum link_which which, const uint8_t *bytes, size_t len_bytes)
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

static void on_up(void *context, enum link_which which, uint64_t contact)
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

static void on_down(void *context, enum link_which which, uint64_t contact,
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

static void on_room(void *context, enum link_which which)
{
    struct unit *unit = context;

    unit->rooms[which]++;
}

static void inject(struct pipe *pipe, const uint8_t *bytes, size_t len_bytes)
{
    uint64_t until_ms = now_ms() + WAIT_MS;

    while (nn_send(pipe->out, bytes, len_bytes, NN_DONTWAIT) < 0) {
        assert_true(nn_errno() == EAGAIN && now_ms() < until_ms);
    }
}

static void carry(struct pipe *pipe, uint8_t *bytes, size_t len_bytes)
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

static int on_pipe(sd_event_source *source, int fd, uint32_t events, void *context)
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

static uint16_t port_of(size_t which)
{
    return (uint16_t)(base_port + which);
}

static void open_pipe(struct bench *bench, size_t which, size_t direction)
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

static void start_unit(struct bench *bench, size_t index)
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
static void crash_unit(struct bench *bench, size_t index)
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

static bool is_up(const struct bench *bench, enum link_which which)
{
    uint64_t contact = bench->units[0].contact[which];

    return contact != 0 && contact == bench->units[1].contact[which];
}

typedef bool condition_fn(const struct bench *bench);

static bool both_up(const struct bench *bench)
{
    return is_up(bench, LINK_SERVICE) && is_up(bench, LINK_DIRECT);
}

static bool wait_until(struct bench *bench, condition_fn *condition)
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

static void run_for(struct bench *bench, uint64_t ms)
{
    for (uint64_t until_ms = now_ms() + ms; now_ms() < until_ms;) {
        assert_true(sd_event_run(bench->event, 1000) >= 0);
    }
}

static struct link_counters counters(const struct bench *bench, size_t unit, enum link_which which)
{
    struct link_counters now;

    link_get_counters(bench->units[unit].link, which, &now);
    return now;
}

static struct bench *prepare(void)
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

static int begin(void **state)
{
    struct bench *bench = prepare();

    start_unit(bench, 0);
    start_unit(bench, 1);
    assert_true(wait_until(bench, both_up));
    *state = bench;
    return 0;
}

static int begin_without_units(void **state)
{
    *state = prepare();
    return 0;
}

static int finish(void **state)
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

static int send_number(struct bench *bench, size_t from, enum link_which which, uint32_t number,
                       size_t len_bytes)
{
    struct bytes_writer writer = bytes_writer_over(big, sizeof(big));

    bytes_put_u32(&writer, number);
    return link_send(bench->units[from].link, which, big, len_bytes);
}

/* Sends numbers 0..count-1 however often the queue is full, and waits for them in order. */
static void assert_delivers(struct bench *bench, size_t from, enum link_which which, uint32_t count,
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

static void assert_works(struct bench *bench)
{
    for (uint32_t which = 0; which < LINK_COUNT; which++) {
        assert_delivers(bench, 0, which, 3, 100);
        assert_delivers(bench, 1, which, 3, 100);
    }
}

static void two_units_meet_on_both_links(void **state)
{
    struct bench *bench = *state;

    assert_true(bench->units[0].contact[LINK_SERVICE] != bench->units[0].contact[LINK_DIRECT]);
    assert_true(link_get_contact(bench->units[0].link, LINK_DIRECT) ==
                bench->units[1].contact[LINK_DIRECT]);
    assert_works(bench);
}

static void frames_of_any_size_arrive_whole_and_in_order(void **state)
{
    struct bench *bench = *state;

    assert_delivers(bench, 0, LINK_DIRECT, 500, 65536);
    assert_delivers(bench, 1, LINK_DIRECT, 100, LINK_FRAME_BYTES_MAX);
    assert_delivers(bench, 1, LINK_SERVICE, 2000, 40);
    assert_int_equal(counters(bench, 1, LINK_DIRECT).gaps, 0);
    assert_int_equal(link_send(bench->units[0].link, LINK_DIRECT, big, 0), -EMSGSIZE);
    assert_int_equal(
        link_send(bench->units[0].link, LINK_DIRECT, big, (size_t)LINK_FRAME_BYTES_MAX + 1),
        -EMSGSIZE);
}

static void a_queue_that_is_full_refuses_and_says_when_there_is_room(void **state)
{
    struct bench *bench = *state;
    struct pipe *pipe = &bench->pipes[LINK_DIRECT][0];
    uint32_t sent = 0;
    uint64_t until_ms = now_ms() + WAIT_MS;

    assert_true(sd_event_source_set_enabled(pipe->source, SD_EVENT_OFF) >= 0);
    while (send_number(bench, 0, LINK_DIRECT, sent, 65536) == 0) {
        sent++;
        assert_true(sent < FRAMES_MAX);
        run_for(bench, 1);
    }
    assert_int_equal(send_number(bench, 0, LINK_DIRECT, sent, 65536), -EAGAIN);
    assert_true(counters(bench, 0, LINK_DIRECT).queued_bytes <= LINK_QUEUE_BYTES_MAX);
    assert_int_equal(bench->units[0].rooms[LINK_DIRECT], 0);
    assert_delivers(bench, 0, LINK_SERVICE, 5, 100); /* the other link does not care */
    assert_true(sd_event_source_set_enabled(pipe->source, SD_EVENT_ON) >= 0);
    while (bench->units[1].frames[LINK_DIRECT] < sent && now_ms() < until_ms) {
        run_for(bench, 5);
    }
    assert_int_equal(bench->units[1].frames[LINK_DIRECT], sent);
    assert_int_equal(bench->units[0].rooms[LINK_DIRECT], 1);
    assert_works(bench);
}

/* Unit `index` has another certificate than it should; nobody ever meets, and people learn why. */
static void assert_never_meets(struct bench *bench, size_t index, const char *ca, const char *name)
{
    struct site_ca_files own_ca = bench->files[index];
    char en[LINK_REASON_BYTES];
    char ja[LINK_REASON_BYTES];

    site_ca_make(folder, ca, name, false, &bench->files[index]);
    (void)snprintf(bench->files[index].ca, SITE_CA_PATH_BYTES, "%s", own_ca.ca);
    start_unit(bench, 0);
    start_unit(bench, 1);
    run_for(bench, 1500);
    for (size_t unit = 0; unit < 2; unit++) {
        assert_int_equal(bench->units[unit].ups[LINK_SERVICE], 0);
        assert_int_equal(link_send(bench->units[unit].link, LINK_SERVICE, big, 1), -ENOTCONN);
        assert_true(counters(bench, unit, LINK_SERVICE).refused_certificates > 0);
        link_get_refusal(bench->units[unit].link, LINK_SERVICE, en, ja);
        assert_true(en[0] != '\0' && ja[0] != '\0');
    }
    assert_true(counters(bench, 1, LINK_SERVICE).handshakes_begun < 12); /* backs off */
}

static void a_client_from_another_site_is_refused(void **state)
{
    assert_never_meets(*state, 0, "elsewhere", "unit-1");
}

static void a_server_from_another_site_is_refused(void **state)
{
    assert_never_meets(*state, 1, "elsewhere", "unit-2");
}

/* The name test itself is tls_test's; here: a peer that was taken for another unit does not come
 * up. */
static void another_unit_of_the_site_is_refused(void **state)
{
    struct bench *bench = *state;
    struct link_options options = {0};
    struct site_ca_files third;
    struct link *link = NULL;

    site_ca_make(folder, "site", "unit-3", false, &third);
    options = (struct link_options){
        .event = bench->event,
        .own_unit = 3,
        .peer_unit = 1,
        .ca_path = third.ca,
        .certificate_path = third.certificate,
        .key_path = third.key,
        .endpoints = {{"127.0.1.2", "127.0.9.2", port_of(LINK_SERVICE), port_of(LINK_SERVICE)},
                      {"127.0.1.2", "127.0.9.2", port_of(LINK_DIRECT), port_of(LINK_DIRECT)}},
        .on_frame = on_frame,
        .on_up = on_up,
        .on_down = on_down,
        .context = &bench->units[1],
    };
    assert_int_equal(link_create(&options, &link), 0);
    start_unit(bench, 0); /* expects unit-2 */
    bench->units[1].link = link;
    run_for(bench, 1500);
    assert_int_equal(bench->units[0].ups[LINK_SERVICE], 0);
    assert_int_equal(bench->units[1].ups[LINK_SERVICE], 0);
    assert_true(counters(bench, 0, LINK_SERVICE).refused_certificates > 0);
    assert_int_equal(link_send(link, LINK_DIRECT, big, 1),
                     -ENOTCONN); /* a link that does not exist */
    link_reset(link, LINK_DIRECT);
}

static int dial(const char *address, uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(inet_pton(AF_INET, address, &to.sin_addr), 1);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* SP's own greeting: zero 'S' 'P' zero, protocol PUSH (80), reserved. */
static const uint8_t sp_push[8] = {0, 'S', 'P', 0, 0, 80, 0, 0};

static void strangers_on_the_port_change_nothing(void **state)
{
    struct bench *bench = *state;
    uint64_t contact = bench->units[1].contact[LINK_DIRECT];
    static const uint8_t huge[8] = {0x7f, 255, 255, 255, 255, 255, 255, 255};
    uint8_t noise[2000];

    srandom(20261123);
    for (int round = 0; round < 60; round++) {
        int fd = dial(round % 2 == 0 ? "127.0.1.2" : "127.0.1.1", port_of(LINK_DIRECT));
        uint8_t size[8] = {0, 0, 0, 0, 0, 0, 1, 0};

        for (size_t i = 0; i < sizeof(noise); i++) {
            noise[i] = (uint8_t)random();
        }
        if (round % 3 != 0) {
            (void)!write(fd, sp_push, sizeof(sp_push));
        }
        if (round % 3 == 1) {
            (void)!write(fd, huge, sizeof(huge));
        } else if (round % 3 == 2) {
            (void)!write(fd, size, sizeof(size));
        }
        (void)send(fd, noise, sizeof(noise), MSG_NOSIGNAL);
        run_for(bench, 5);
        (void)close(fd);
    }
    run_for(bench, QUIET_MS);
    assert_true(counters(bench, 1, LINK_DIRECT).dropped_garbage > 0);
    assert_true(counters(bench, 0, LINK_DIRECT).dropped_garbage > 0);
    assert_true(contact == bench->units[1].contact[LINK_DIRECT]);
    assert_true(both_up(bench));
    assert_works(bench);
}

static void put_header(uint8_t *message, uint8_t type, enum link_which which, uint64_t wire,
                       uint64_t sequence)
{
    struct bytes_writer writer = bytes_writer_over(message, HEADER_BYTES);

    bytes_put_u32(&writer, 0x54424e31);
    bytes_put_u8(&writer, type);
    bytes_put_u8(&writer, (uint8_t)which);
    bytes_put_u16(&writer, 0);
    bytes_put_u64(&writer, wire);
    bytes_put_u64(&writer, sequence);
}

static void well_formed_messages_of_a_stranger_change_nothing(void **state)
{
    struct bench *bench = *state;
    uint64_t contact = bench->units[1].contact[LINK_DIRECT];
    uint8_t message[HEADER_BYTES + 300];
    uint64_t begun = counters(bench, 0, LINK_DIRECT).handshakes_begun;

    memset(message, 0x16, sizeof(message));
    for (uint32_t i = 0; i < 1000; i++) { /* hellos, each another number */
        put_header(message, 2, LINK_DIRECT, 1000 + i, 0);
        inject(&bench->pipes[LINK_DIRECT][0], message, sizeof(message));
        put_header(message, 3, LINK_DIRECT, 9000 + i, i);
        inject(&bench->pipes[LINK_DIRECT][1], message, sizeof(message));
        (void)sd_event_run(bench->event, 0);
    }
    run_for(bench, QUIET_MS);
    assert_true(counters(bench, 1, LINK_DIRECT).dropped_flood > 0);
    assert_true(counters(bench, 1, LINK_DIRECT).handshakes_begun < 500);
    assert_true(counters(bench, 0, LINK_DIRECT).dropped_unknown >= 1000);
    for (int i = 0; i < 50; i++) { /* "I have no contact, begin one" */
        put_header(message, 1, LINK_DIRECT, 0, 0);
        inject(&bench->pipes[LINK_DIRECT][1], message, HEADER_BYTES);
        run_for(bench, 10);
    }
    run_for(bench, 2 * QUIET_MS);
    assert_int_equal(counters(bench, 0, LINK_DIRECT).handshakes_begun, begun);
    assert_true(contact == bench->units[1].contact[LINK_DIRECT] && both_up(bench));
    assert_works(bench);
}

static void repeated_messages_change_nothing(void **state)
{
    struct bench *bench = *state;
    uint64_t contact = bench->units[1].contact[LINK_DIRECT];
    struct pipe *pipes = bench->pipes[LINK_DIRECT];
    uint32_t frames;

    assert_delivers(bench, 0, LINK_DIRECT, 10, 100);
    frames = bench->units[1].frames[LINK_DIRECT];
    for (size_t direction = 0; direction < 2; direction++) {
        for (size_t i = 0; i < pipes[direction].kept_count; i++) {
            inject(&pipes[direction], pipes[direction].kept[i], pipes[direction].kept_bytes[i]);
        }
    }
    run_for(bench, QUIET_MS);
    assert_true(counters(bench, 1, LINK_DIRECT).dropped_repeated >= 10);
    assert_int_equal(bench->units[1].frames[LINK_DIRECT], frames);
    assert_true(contact == bench->units[1].contact[LINK_DIRECT] && both_up(bench));
    assert_works(bench);
}

static void late_messages_of_a_contact_given_up_change_nothing(void **state)
{
    struct bench *bench = *state;
    struct pipe *pipes = bench->pipes[LINK_DIRECT];
    uint64_t old = bench->units[0].contact[LINK_DIRECT];
    size_t kept[2];
    uint64_t contact;

    assert_delivers(bench, 0, LINK_DIRECT, 10, 100);
    kept[0] = pipes[0].kept_count;
    kept[1] = pipes[1].kept_count;
    link_reset(bench->units[1].link, LINK_DIRECT);
    assert_int_equal(bench->units[1].down_reason[LINK_DIRECT], LINK_DOWN_RESET);
    assert_true(wait_until(bench, both_up));
    contact = bench->units[0].contact[LINK_DIRECT];
    assert_true(contact != old);
    bench->units[1].frames[LINK_DIRECT] = 0;
    for (size_t direction = 0; direction < 2; direction++) {
        for (size_t i = 0; i < kept[direction]; i++) {
            inject(&pipes[direction], pipes[direction].kept[i], pipes[direction].kept_bytes[i]);
        }
    }
    run_for(bench, 2 * LINK_HANDSHAKE_MS_MAX);
    assert_int_equal(bench->units[1].frames[LINK_DIRECT], 0);
    assert_true(contact == bench->units[1].contact[LINK_DIRECT] && both_up(bench));
    assert_works(bench);
}

static void a_damaged_record_ends_its_contact_and_no_other(void **state)
{
    struct bench *bench = *state;
    uint64_t service = bench->units[1].contact[LINK_SERVICE];

    for (size_t from = 0; from < 2; from++) {
        uint64_t old = bench->units[0].contact[LINK_DIRECT];
        struct unit *to = &bench->units[1 - from];
        uint32_t downs = to->downs[LINK_DIRECT];

        to->frames[LINK_DIRECT] = 0;
        bench->pipes[LINK_DIRECT][from].damage_next = 1;
        assert_int_equal(send_number(bench, from, LINK_DIRECT, 1, 100), 0);
        for (uint64_t until_ms = now_ms() + WAIT_MS;
             to->downs[LINK_DIRECT] == downs && now_ms() < until_ms;) {
            run_for(bench, 1);
        }
        assert_int_equal(to->down_reason[LINK_DIRECT], LINK_DOWN_BROKEN);
        assert_int_equal(to->frames[LINK_DIRECT], 0);
        assert_int_equal(counters(bench, 1 - from, LINK_DIRECT).broken_records, 1);
        assert_true(wait_until(bench, both_up));
        assert_true(bench->units[0].contact[LINK_DIRECT] != old);
        assert_works(bench);
    }
    assert_true(service == bench->units[1].contact[LINK_SERVICE]);
}

/* TLS itself is content with fewer whole records; the frame's own length is not. */
static void a_frame_that_lost_its_last_record_is_not_delivered(void **state)
{
    enum { LEN_BYTES = 20000, PREFIX_BYTES = 5, RECORD_BYTES = 16384, RECORD_OVERHEAD_BYTES = 22 };
    struct bench *bench = *state;
    struct unit *to = &bench->units[1];

    bench->pipes[LINK_DIRECT][0].shorten_next_bytes =
        LEN_BYTES + PREFIX_BYTES - RECORD_BYTES + RECORD_OVERHEAD_BYTES;
    assert_int_equal(send_number(bench, 0, LINK_DIRECT, 1, LEN_BYTES), 0);
    for (uint64_t until_ms = now_ms() + WAIT_MS;
         to->downs[LINK_DIRECT] == 0 && to->frames[LINK_DIRECT] == 0 && now_ms() < until_ms;) {
        run_for(bench, 1);
    }
    assert_int_equal(to->frames[LINK_DIRECT], 0);
    assert_int_equal(to->down_reason[LINK_DIRECT], LINK_DOWN_BROKEN);
    assert_true(wait_until(bench, both_up));
    assert_works(bench);
}

static void a_lost_frame_ends_its_contact_as_a_gap(void **state)
{
    struct bench *bench = *state;
    struct unit *to = &bench->units[1];

    bench->pipes[LINK_SERVICE][0].lose_next = 1;
    assert_int_equal(send_number(bench, 0, LINK_SERVICE, 1, 100), 0);
    assert_int_equal(send_number(bench, 0, LINK_SERVICE, 2, 100), 0);
    for (uint64_t until_ms = now_ms() + WAIT_MS;
         to->downs[LINK_SERVICE] == 0 && now_ms() < until_ms;) {
        run_for(bench, 1);
    }
    assert_int_equal(to->down_reason[LINK_SERVICE], LINK_DOWN_GAP);
    assert_int_equal(to->frames[LINK_SERVICE], 0);
    assert_true(wait_until(bench, both_up));
    assert_works(bench);
}

static bool service_replaced(const struct bench *bench)
{
    return bench->units[0].down_reason[LINK_SERVICE] == LINK_DOWN_REPLACED && both_up(bench);
}

static bool server_replaced(const struct bench *bench)
{
    return bench->units[1].down_reason[LINK_SERVICE] == LINK_DOWN_REPLACED && both_up(bench);
}

static void a_restarted_server_side_is_met_again(void **state)
{
    struct bench *bench = *state;
    uint64_t from_ms;

    crash_unit(bench, 1);
    assert_int_equal(bench->units[0].downs[LINK_SERVICE], 0); /* it cannot know yet */
    start_unit(bench, 1);
    from_ms = now_ms();
    assert_true(wait_until(bench, service_replaced));
    print_message("server side restarted -> met again: %llu ms\n",
                  (unsigned long long)(now_ms() - from_ms));
    assert_works(bench);
}

static void a_restarted_client_side_is_met_again(void **state)
{
    struct bench *bench = *state;

    crash_unit(bench, 0);
    start_unit(bench, 0);
    assert_true(wait_until(bench, server_replaced));
    assert_works(bench);
}

static bool direct_closed(const struct bench *bench)
{
    return bench->units[0].downs[LINK_DIRECT] == 1;
}

static void a_unit_that_stops_says_goodbye(void **state)
{
    struct bench *bench = *state;

    link_destroy(bench->units[1].link);
    bench->units[1] = (struct unit){.link = NULL};
    assert_true(wait_until(bench, direct_closed));
    assert_int_equal(bench->units[0].down_reason[LINK_DIRECT], LINK_DOWN_CLOSED);
    start_unit(bench, 1);
    assert_true(wait_until(bench, both_up));
    assert_works(bench);
}

static void a_wire_cut_for_long_is_used_again_soon_after_it_heals(void **state)
{
    struct bench *bench = *state;
    uint64_t from_ms;

    for (size_t direction = 0; direction < 2; direction++) {
        bench->pipes[LINK_DIRECT][direction].cut = true;
    }
    run_for(bench, 500);
    link_reset(bench->units[0].link, LINK_DIRECT);
    link_reset(bench->units[1].link, LINK_DIRECT);
    run_for(bench, 4000);
    assert_int_equal(bench->units[0].contact[LINK_DIRECT], 0);
    assert_true(counters(bench, 0, LINK_DIRECT).handshakes_begun < 12);
    for (size_t direction = 0; direction < 2; direction++) {
        bench->pipes[LINK_DIRECT][direction].cut = false;
    }
    from_ms = now_ms();
    assert_true(wait_until(bench, both_up));
    assert_true(now_ms() - from_ms < 3000);
    print_message("wire healed -> met again: %llu ms\n", (unsigned long long)(now_ms() - from_ms));
    assert_works(bench);
}

static void callbacks_may_send_and_reset(void **state)
{
    struct bench *bench = *state;

    bench->units[1].echo = true;
    assert_delivers(bench, 0, LINK_DIRECT, 50, 30000);
    bench->units[1].echo = false;
    for (size_t unit = 0; unit < 2; unit++) {
        bench->units[unit].reset_on_frame = 1;
        bench->units[unit].reset_on_up = 2;
        bench->units[unit].reset_on_down = 2;
        assert_int_equal(send_number(bench, 1 - unit, LINK_DIRECT, 1, 100), 0);
        run_for(bench, QUIET_MS);
        assert_true(wait_until(bench, both_up));
        assert_int_equal(bench->units[unit].reset_on_frame, 0);
    }
    run_for(bench, QUIET_MS);
    assert_true(wait_until(bench, both_up));
    assert_works(bench);
}

static bool shed_and_back(const struct bench *bench)
{
    return both_up(bench);
}

static void idle_connections_of_strangers_do_not_pile_up(void **state)
{
    struct bench *bench = *state;
    int fds[LINK_TRANSPORT_PEERS_MAX + 8];
    size_t ended = 0;

    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        fds[i] = dial("127.0.1.2", port_of(LINK_DIRECT));
        assert_int_equal(write(fds[i], sp_push, sizeof(sp_push)), sizeof(sp_push));
    }
    run_for(bench, QUIET_MS);
    assert_true(both_up(bench)); /* a contact is not disturbed by them */
    bench->pipes[LINK_DIRECT][0].cut = true;
    link_reset(bench->units[1].link, LINK_DIRECT);
    run_for(bench, 2500);
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        uint8_t greeting[8];
        ssize_t len;

        while ((len = recv(fds[i], greeting, sizeof(greeting), MSG_DONTWAIT)) > 0) {
        }
        ended += len == 0 || errno != EAGAIN ? 1 : 0;
        (void)close(fds[i]);
    }
    assert_int_equal(ended, sizeof(fds) / sizeof(fds[0]));
    bench->pipes[LINK_DIRECT][0].cut = false;
    assert_true(wait_until(bench, shed_and_back));
    assert_works(bench);
}

/* Numbers rise and none comes twice, whatever is done to the wire. */
static void assert_only_whole_frames(const struct unit *unit)
{
    for (uint32_t i = 1; i < unit->frames[LINK_DIRECT]; i++) {
        assert_true(unit->frame_number[i] > unit->frame_number[i - 1]);
    }
}

static void random_damage_anywhere_never_delivers_and_always_heals(void **state)
{
    struct bench *bench = *state;

    srandom(20261124);
    for (uint32_t round = 0; round < 40; round++) {
        size_t direction = (size_t)random() % 2;
        struct pipe *pipe = &bench->pipes[LINK_DIRECT][direction];
        uint8_t copy[KEPT_BYTES_MAX];
        size_t len_bytes;

        assert_true(wait_until(bench, both_up));
        pipe->kept_count = 0;
        assert_int_equal(send_number(bench, direction, LINK_DIRECT, round, 50), 0);
        for (uint64_t until_ms = now_ms() + WAIT_MS; pipe->kept_count == 0;) {
            assert_true(now_ms() < until_ms);
            run_for(bench, 1);
        }
        /* What comes next in this contact, as far as its header says, with a damaged byte. */
        len_bytes = pipe->kept_bytes[0];
        memcpy(copy, pipe->kept[0], len_bytes);
        copy[HEADER_BYTES - 1] = (uint8_t)(copy[HEADER_BYTES - 1] + 1);
        copy[(size_t)random() % len_bytes] ^= (uint8_t)(1 << random() % 8);
        len_bytes -= random() % 4 == 0 ? (size_t)random() % (len_bytes / 2) : 0;
        inject(pipe, copy, len_bytes);
        run_for(bench, 2);
    }
    run_for(bench, QUIET_MS);
    assert_only_whole_frames(&bench->units[0]);
    assert_only_whole_frames(&bench->units[1]);
    assert_true(bench->units[0].downs[LINK_DIRECT] > 10); /* the damage did reach somebody */
    assert_true(wait_until(bench, both_up));
    assert_works(bench);
}

static void an_own_address_that_comes_later_is_no_error(void **state)
{
    struct bench *bench = *state;
    struct unit *unit = &bench->units[0];
    struct link_options options = {
        .event = bench->event,
        .own_unit = 1,
        .peer_unit = 2,
        .ca_path = bench->files[0].ca,
        .certificate_path = bench->files[0].certificate,
        .key_path = bench->files[0].key,
        .endpoints = {{.local_address = "192.0.2.77", .peer_address = "127.0.9.1"}},
        .on_frame = on_frame,
        .on_up = on_up,
        .on_down = on_down,
        .context = unit,
    };

    assert_int_equal(link_create(&options, &unit->link), 0);
    run_for(bench, QUIET_MS);
    assert_int_equal(link_send(unit->link, LINK_DIRECT, big, 1), -ENOTCONN); /* has no such link */
    link_reset(unit->link, LINK_DIRECT);
    options.own_unit = 2;
    assert_int_equal(link_create(&options, &bench->units[1].link), -EINVAL);
    options.peer_unit = 1;
    assert_int_equal(link_create(&options, &bench->units[1].link), -EKEYREJECTED);
}

/* Away from other tests on this machine; with an unprivileged user: on its loopback, own ports. */
static void isolate(void)
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

#define when_up(test) cmocka_unit_test_setup_teardown(test, begin, finish)
#define from_start(test) cmocka_unit_test_setup_teardown(test, begin_without_units, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        when_up(two_units_meet_on_both_links),
        when_up(frames_of_any_size_arrive_whole_and_in_order),
        when_up(a_queue_that_is_full_refuses_and_says_when_there_is_room),
        from_start(a_client_from_another_site_is_refused),
        from_start(a_server_from_another_site_is_refused),
        from_start(another_unit_of_the_site_is_refused),
        when_up(strangers_on_the_port_change_nothing),
        when_up(well_formed_messages_of_a_stranger_change_nothing),
        when_up(repeated_messages_change_nothing),
        when_up(late_messages_of_a_contact_given_up_change_nothing),
        when_up(a_damaged_record_ends_its_contact_and_no_other),
        when_up(a_frame_that_lost_its_last_record_is_not_delivered),
        when_up(a_lost_frame_ends_its_contact_as_a_gap),
        when_up(a_restarted_server_side_is_met_again),
        when_up(a_restarted_client_side_is_met_again),
        when_up(a_unit_that_stops_says_goodbye),
        when_up(a_wire_cut_for_long_is_used_again_soon_after_it_heals),
        when_up(callbacks_may_send_and_reset),
        when_up(idle_connections_of_strangers_do_not_pile_up),
        when_up(random_damage_anywhere_never_delivers_and_always_heals),
        from_start(an_own_address_that_comes_later_is_no_error),
    };

    isolate();
    return cmocka_run_group_tests_name("link", tests, make_folder, remove_folder);
}
