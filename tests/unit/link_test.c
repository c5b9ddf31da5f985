/* The link between two units: they meet, carry frames in order, and meet again after a restart or a cut. */
#include "tests/unit/link_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        when_up(two_units_meet_on_both_links),
        when_up(frames_of_any_size_arrive_whole_and_in_order),
        when_up(a_queue_that_is_full_refuses_and_says_when_there_is_room),
        when_up(a_restarted_server_side_is_met_again),
        when_up(a_restarted_client_side_is_met_again),
        when_up(a_unit_that_stops_says_goodbye),
        when_up(a_wire_cut_for_long_is_used_again_soon_after_it_heals),
        when_up(callbacks_may_send_and_reset),
        when_up(random_damage_anywhere_never_delivers_and_always_heals),
        from_start(an_own_address_that_comes_later_is_no_error),
    };

    isolate();
    return cmocka_run_group_tests_name("link", tests, make_folder, remove_folder);
}
