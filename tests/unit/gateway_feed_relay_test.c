/* The relay and those who feed it, over real TLS in one loop: a lower term is refused, certificates are handed over
 * until they are taken, and the relay says that it is there. */
#include "appliance/gateway/feed.h"
#include "appliance/gateway/internal.h"
#include "tests/lib/site_ca.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_MS_MAX = 10000, TURN_USEC = 20000, FEEDERS_MAX = 3 };

struct feeder {
    struct fixture *fixture;
    struct feed_connection *connection;
    uint64_t term;
    bool up, ended;
    size_t certificates, words;
    uint16_t answer;                /* to a certificate */
    struct api_relay word;          /* the newest */
    struct api_relay_erased erased; /* the first that was handed over */
};

struct fixture {
    char folder[64], state[80];
    struct site_ca_files relay, pair;
    struct gateway_config config;
    struct feed_in_options feed;
    struct gateway *gateway;
    struct feed_tls *tls;
    struct feeder feeders[FEEDERS_MAX];
};

static void send_frame(struct feeder *feeder, const uint8_t *header, size_t header_len_bytes,
                       const char *body)
{
    uint8_t frame[2048];

    memcpy(frame, header, header_len_bytes);
    memcpy(frame + header_len_bytes, body, strlen(body));
    (void)feed_connection_send(feeder->connection, frame, header_len_bytes + strlen(body));
}

static void say_queue(struct feeder *feeder)
{
    struct api_event event = {.id = feeder->term};
    uint8_t header[32];
    char body[256];

    (void)snprintf(body, sizeof(body),
                   "{\"term\":%u,\"as_of\":\"2026-11-24T09:10:00.000+09:00\",\"service_day\":"
                   "{\"date\":\"2026-11-24\",\"state\":\"OPEN\"}}",
                   (unsigned)feeder->term);
    event.body_len_bytes = (uint32_t)strlen(body);
    send_frame(feeder, header, api_event_header_encode(&event, header), body);
}

static void on_up(void *context)
{
    struct feeder *feeder = context;
    const struct api_state state = {.serving = true, .public_page = true};
    uint8_t bytes[API_TEXT_BYTES + 64];

    feeder->up = true;
    (void)feed_connection_send(feeder->connection, bytes,
                               api_state_encode(&state, bytes, sizeof(bytes)));
}

static void on_end(void *context)
{
    struct feeder *feeder = context;

    feeder->ended = true;
    feed_connection_destroy(feeder->connection);
    feeder->connection = NULL;
}

static void answer(struct feeder *feeder, const struct api_request *request)
{
    struct api_reply reply = {.status = feeder->answer, .body_len_bytes = 2};
    uint8_t header[32];

    send_frame(feeder, header, api_reply_header_encode(request->id, &reply, header), "{}");
}

static int64_t on_bytes(void *context, const uint8_t *bytes, size_t len_bytes)
{
    struct feeder *feeder = context;
    size_t at_bytes = 0;
    int64_t frame_bytes;

    while ((frame_bytes = api_frame_length(bytes + at_bytes, len_bytes - at_bytes,
                                           API_REQUEST_BYTES_MAX)) > 0) {
        struct api_request request;

        assert_true(api_request_decode(bytes + at_bytes, (size_t)frame_bytes, &request));
        if (request.type == API_SUBSCRIBE) {
            say_queue(feeder);
        } else if (request.type == API_RELAY) {
            feeder->words++;
            feeder->word = request.relay;
        } else if (request.type == API_RELAY_ERASED) {
            feeder->erased = feeder->certificates++ == 0 ? request.erased : feeder->erased;
            answer(feeder, &request);
        }
        at_bytes += (size_t)frame_bytes;
    }
    assert_int_equal(frame_bytes, 0);
    return (int64_t)at_bytes;
}

static struct feeder *connect_feeder(struct fixture *fixture, size_t index, uint64_t term,
                                     uint16_t answer_status)
{
    struct feeder *feeder = &fixture->feeders[index];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct feed_connection_options options = {.event = gateway_event(fixture->gateway),
                                              .tls = fixture->tls,
                                              .take = on_bytes,
                                              .up = on_up,
                                              .end = on_end,
                                              .context = feeder};

    *feeder = (struct feeder){.fixture = fixture, .term = term, .answer = answer_status};
    address.sin_port = htons(feed_in_port(engine_link_feed(fixture->gateway->link)));
    options.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(options.fd >= 0);
    (void)connect(options.fd, (const struct sockaddr *)&address, sizeof(address));
    assert_int_equal(feed_connection_create(&options, &feeder->connection), 0);
    return feeder;
}

/* Turns the loop until it holds, or the longest time is over. */
#define UNTIL(holds)                                                                               \
    do {                                                                                           \
        uint64_t end_ms_ = gateway_now_ms(fixture->gateway) + WAIT_MS_MAX;                         \
        while (!(holds) && gateway_now_ms(fixture->gateway) < end_ms_) {                           \
            assert_true(sd_event_run(gateway_event(fixture->gateway), TURN_USEC) >= 0);            \
        }                                                                                          \
        assert_true(holds);                                                                        \
    } while (0)

static void write_certificate(const struct fixture *fixture, const char *date)
{
    struct feed_certificate certificate = {.relay = "toban-relay",
                                           .why = API_RELAY_CLOCK,
                                           .erased_ms = 1795533300000,
                                           .term = 4,
                                           .questions = 3,
                                           .before = {{1}},
                                           .after = {{2, 0xAB}}};

    (void)snprintf(certificate.date, sizeof(certificate.date), "%s", date);
    assert_int_equal(feed_certificate_write(fixture->state, &certificate), 0);
}

static bool is_there(const struct fixture *fixture, const char *name)
{
    char path[160];

    (void)snprintf(path, sizeof(path), "%s/%s", fixture->state, name);
    return access(path, R_OK) == 0;
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct feed_tls_options tls;

    assert_non_null(fixture);
    (void)strcpy(fixture->folder, "/tmp/feed-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    (void)strcpy(fixture->state, "/tmp/feed-state-XXXXXX");
    assert_non_null(mkdtemp(fixture->state));
    site_ca_make(fixture->folder, "site", "toban-relay", false, &fixture->relay);
    site_ca_make(fixture->folder, "site", "toban-feed", false, &fixture->pair);
    fixture->feed = (struct feed_in_options){.tls = {.ca_path = fixture->relay.ca,
                                                     .certificate_path = fixture->relay.certificate,
                                                     .key_path = fixture->relay.key,
                                                     .peer_name = "toban-feed"},
                                             .state_dir = fixture->state,
                                             .name = "toban-relay"};
    assert_int_equal(gateway_listen_parse("127.0.0.1:0", false, &fixture->feed.listen), 0);
    assert_int_equal(gateway_listen_parse("127.0.0.1:0", false, &fixture->config.listens[0]), 0);
    fixture->config.listen_count = 1;
    fixture->config.feed = &fixture->feed;
    tls = (struct feed_tls_options){.ca_path = fixture->pair.ca,
                                    .certificate_path = fixture->pair.certificate,
                                    .key_path = fixture->pair.key,
                                    .peer_name = "toban-relay"};
    assert_int_equal(feed_tls_create(&tls, false, &fixture->tls), 0);
    write_certificate(fixture, "2026-11-20");
    write_certificate(fixture, "2026-11-21");
    assert_int_equal(gateway_create(&fixture->config, &fixture->gateway), 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    char command[128];

    for (size_t i = 0; i < FEEDERS_MAX; i++) {
        feed_connection_destroy(fixture->feeders[i].connection);
    }
    gateway_destroy(fixture->gateway);
    feed_tls_destroy(fixture->tls);
    site_ca_remove(fixture->folder);
    (void)snprintf(command, sizeof(command), "rm -r '%s'", fixture->state);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static void a_feed_of_a_lower_term_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct feeder *first = connect_feeder(fixture, 0, 5, 503);
    struct feeder *stale, *newer;

    UNTIL(first->words > 0);
    stale = connect_feeder(fixture, 1, 4, 503);
    UNTIL(stale->ended);
    assert_true(stale->up);
    assert_int_equal(stale->words + stale->certificates, 0); /* nothing was given to it */
    assert_false(first->ended);
    newer = connect_feeder(fixture, 2, 6, 503);
    UNTIL(newer->words > 0);
    say_queue(first); /* the pair agreed anew, and this one has not heard of it */
    UNTIL(first->ended);
    assert_false(newer->ended);
}

static void certificates_are_handed_over_until_they_are_taken(void **state)
{
    struct fixture *fixture = *state;
    struct feeder *feeder = connect_feeder(fixture, 0, 5, 503);
    const struct api_relay_erased *erased = &feeder->erased;

    UNTIL(feeder->certificates == 2);
    assert_true(is_there(fixture, "undelivered-2026-11-20.json")); /* not now */
    feed_connection_destroy(feeder->connection);
    feeder = connect_feeder(fixture, 0, 5, 201);
    UNTIL(feeder->certificates > 0);
    assert_int_equal(erased->day, 20261120); /* the oldest first */
    assert_int_equal(erased->why, API_RELAY_CLOCK);
    assert_int_equal(erased->erased_ms, 1795533300000);
    assert_int_equal(erased->term, 4);
    assert_int_equal(erased->questions, 3);
    assert_int_equal(erased->before.bytes[0], 1);
    assert_int_equal(erased->after.bytes[1], 0xAB);
    UNTIL(!is_there(fixture, "undelivered-2026-11-21.json"));
    assert_false(is_there(fixture, "undelivered-2026-11-20.json"));
    assert_true(is_there(fixture, "certificate-2026-11-20.json")); /* for people */
}

/* 2026-11-24 09:10 is long ago, or long to come: whoever feeds is told by how much. */
static void it_says_that_it_is_there_and_how_far_its_clock_is(void **state)
{
    struct fixture *fixture = *state;
    struct feeder *feeder = connect_feeder(fixture, 0, 5, 201);
    int64_t ahead_s = (int64_t)time(NULL) - 1795479000;

    UNTIL(feeder->words > 0);
    assert_in_range(feeder->word.ahead_s - ahead_s + 10, 0, 30);
}

/* A process that ends by itself has seen that day's visits: the next one certifies it when another day comes. */
static void the_day_of_a_process_that_ended_is_certified_by_the_next(void **state)
{
    struct fixture *fixture = *state;
    struct feeder *feeder;

    gateway_destroy(fixture->gateway);
    assert_int_equal(feed_write_file(fixture->state, "held", "2026-11-23"), 0);
    assert_int_equal(gateway_create(&fixture->config, &fixture->gateway), 0);
    feeder = connect_feeder(fixture, 0, 5, 201);
    UNTIL(is_there(fixture, "undelivered-2026-11-23.json"));
    assert_true(gateway_wants_new_process(fixture->gateway));
    assert_true(feeder->up);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_feed_of_a_lower_term_is_refused),
        CASE(certificates_are_handed_over_until_they_are_taken),
        CASE(it_says_that_it_is_there_and_how_far_its_clock_is),
        CASE(the_day_of_a_process_that_ended_is_certified_by_the_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
