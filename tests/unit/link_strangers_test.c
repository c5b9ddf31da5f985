/* The link between two units against what does not come from the peer, or not as it was sent (promise 13). */
#include "tests/unit/link_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
        when_up(idle_connections_of_strangers_do_not_pile_up),
    };

    isolate();
    return cmocka_run_group_tests_name("link_strangers", tests, make_folder, remove_folder);
}
