#include "tests/lib/fake_engine.h"

#include "appliance/queue/queue.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { POLL_MS = 5, PATIENCE_MS = 10000, IN_BYTES = 2 * 1024 * 1024, STATUS_REFUSED = 503 };

struct fake_engine {
    pthread_t thread;
    pthread_mutex_t lock;
    struct sockaddr_un address;
    bool ending, serving, subscribed, private_page;
    struct ids_hash revoked; /* zero: nobody */
    char reason[API_TEXT_BYTES];
    enum fake_engine_behaviour behaviour;
    int listener, connection;
    uint8_t *in;
    size_t in_len_bytes;
    uint32_t received_count, answered_count, key_count;
    struct api_request received[FAKE_ENGINE_REQUESTS_MAX];
    struct ids_token keys[FAKE_ENGINE_REQUESTS_MAX];
    uint64_t event_id;
    char *event;
    size_t event_len_bytes;
};

static void must(bool good, const char *what)
{
    if (!good) {
        (void)fprintf(stderr, "fake_engine: %s: %s\n", what, strerror(errno));
        abort();
    }
}

static void send_all(struct fake_engine *engine, const void *bytes, size_t len_bytes)
{
    size_t at_bytes = 0;

    while (engine->connection >= 0 && at_bytes < len_bytes) {
        ssize_t sent = send(engine->connection, (const char *)bytes + at_bytes,
                            len_bytes - at_bytes, MSG_NOSIGNAL);

        if (sent <= 0) {
            return;
        }
        at_bytes += (size_t)sent;
    }
}

static void send_state(struct fake_engine *engine)
{
    struct api_state state = {.serving = engine->serving, .public_page = !engine->private_page};
    uint8_t frame[API_REQUEST_BYTES_MAX];

    memcpy(state.reason, engine->reason, sizeof(state.reason));
    send_all(engine, frame, api_state_encode(&state, frame, sizeof(frame)));
}

static void send_event(struct fake_engine *engine)
{
    struct api_event event = {.id = engine->event_id,
                              .body_len_bytes = (uint32_t)engine->event_len_bytes};
    uint8_t header[32];

    if (engine->event != NULL && engine->subscribed) {
        send_all(engine, header, api_event_header_encode(&event, header));
        send_all(engine, engine->event, engine->event_len_bytes);
    }
}

static void send_reply(struct fake_engine *engine, uint32_t id, uint16_t status, const char *body,
                       size_t len_bytes)
{
    struct api_reply reply = {.status = status,
                              .retry_after_s = status == STATUS_REFUSED ? 7 : 0,
                              .lsn = 1,
                              .body_len_bytes = (uint32_t)len_bytes};
    uint8_t header[32];

    send_all(engine, header, api_reply_header_encode(id, &reply, header));
    send_all(engine, body, len_bytes);
}

static uint32_t number_for(struct fake_engine *engine, const struct ids_token *key)
{
    uint32_t i = 0;

    while (i < engine->key_count && !ids_token_equal(&engine->keys[i], key)) {
        i++;
    }
    if (i == engine->key_count) {
        engine->keys[engine->key_count++] = *key;
    }
    return i + 1;
}

static void answer(struct fake_engine *engine, const struct api_request *request)
{
    char body[256];
    bool issue = request->type == API_COMMAND && queue_action_gives_number(request->command.action);
    bool known = memcmp(&request->from.token, &engine->revoked, sizeof(engine->revoked)) != 0;

    if (request->type == API_ACCESS && request->access.what == API_ACCESS_WHO && !known) {
        (void)snprintf(body, sizeof(body), "{\"code\":\"WHO_ARE_YOU\"}");
        send_reply(engine, request->id, 401, body, strlen(body));
        return;
    }
    if (issue) {
        (void)snprintf(body, sizeof(body), "{\"display\":\"%u\"}",
                       number_for(engine, &request->command.key));
    } else if (request->type == API_ACCESS && request->access.what == API_ACCESS_SALT) {
        (void)snprintf(body, sizeof(body),
                       "{\"salt\":\"000102030405060708090a0b0c0d0e0f\",\"derive\":1}");
    } else if (request->type == API_READ && request->read.what == API_READ_METRICS) {
        (void)snprintf(body, sizeof(body), "# TYPE fake gauge\nfake 1\n# EOF\n");
    } else {
        (void)snprintf(body, sizeof(body), "{\"type\":%u,\"code\":%u}", request->type,
                       request->type == API_COMMAND ? request->command.action : request->read.what);
    }
    send_reply(engine, request->id, issue ? 201 : 200, body, strlen(body));
}

static void answer_big(struct fake_engine *engine, const struct api_request *request)
{
    char *body = malloc(FAKE_ENGINE_BIG_BYTES);

    must(body != NULL, "malloc");
    memset(body, 'x', FAKE_ENGINE_BIG_BYTES);
    body[0] = body[FAKE_ENGINE_BIG_BYTES - 1] = '"';
    send_reply(engine, request->id, 200, body, FAKE_ENGINE_BIG_BYTES);
    free(body);
}

static void refuse(struct fake_engine *engine, const struct api_request *request)
{
    static const char refusal[] = "{\"code\":\"TEST_REFUSAL\",\"status\":503}";

    send_reply(engine, request->id, STATUS_REFUSED, refusal, sizeof(refusal) - 1);
}

static void take(struct fake_engine *engine, const struct api_request *request)
{
    if (request->type == API_SUBSCRIBE) {
        engine->subscribed = true;
        send_event(engine);
        return;
    }
    must(engine->received_count < FAKE_ENGINE_REQUESTS_MAX, "too many requests");
    engine->received[engine->received_count++] = *request;
    if (request->type == API_BOARDS) {
        return;
    }
    switch (engine->behaviour) {
    case FAKE_ENGINE_ANSWERS:
        answer(engine, request);
        break;
    case FAKE_ENGINE_SWALLOWS:
        return;
    case FAKE_ENGINE_REFUSES:
        refuse(engine, request);
        break;
    case FAKE_ENGINE_BABBLES:
        send_all(engine, "\0\0\0\5\7babble", 11);
        break;
    case FAKE_ENGINE_ANSWERS_BIG:
        answer_big(engine, request);
        break;
    }
    engine->answered_count = engine->received_count;
}

static void drop(struct fake_engine *engine)
{
    if (engine->connection >= 0) {
        (void)close(engine->connection);
    }
    engine->connection = -1;
    engine->in_len_bytes = 0;
    engine->subscribed = false;
    engine->answered_count = engine->received_count;
}

static void read_requests(struct fake_engine *engine)
{
    ssize_t got = recv(engine->connection, engine->in + engine->in_len_bytes,
                       IN_BYTES - engine->in_len_bytes, MSG_DONTWAIT);
    size_t at_bytes = 0;
    int64_t len_bytes;

    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got <= 0) {
        drop(engine);
        return;
    }
    engine->in_len_bytes += (size_t)got;
    while ((len_bytes =
                api_request_length(engine->in + at_bytes, engine->in_len_bytes - at_bytes)) > 0) {
        struct api_request request;

        must(api_request_decode(engine->in + at_bytes, (size_t)len_bytes, &request), "decode");
        at_bytes += (size_t)len_bytes;
        take(engine, &request);
    }
    must(len_bytes == 0, "frame");
    engine->in_len_bytes -= at_bytes;
    memmove(engine->in, engine->in + at_bytes, engine->in_len_bytes);
}

static void *run(void *argument)
{
    struct fake_engine *engine = argument;
    bool ending = false;

    while (!ending) {
        struct pollfd wait[2];

        (void)pthread_mutex_lock(&engine->lock);
        wait[0] = (struct pollfd){.fd = engine->listener, .events = POLLIN};
        wait[1] = (struct pollfd){.fd = engine->connection, .events = POLLIN};
        (void)pthread_mutex_unlock(&engine->lock);
        (void)poll(wait, 2, POLL_MS);
        (void)pthread_mutex_lock(&engine->lock);
        if (engine->listener >= 0 && engine->connection < 0) {
            engine->connection = accept4(engine->listener, NULL, NULL, SOCK_CLOEXEC);
            if (engine->connection >= 0) {
                send_state(engine);
            }
        }
        if (engine->connection >= 0) {
            read_requests(engine);
        }
        ending = engine->ending;
        (void)pthread_mutex_unlock(&engine->lock);
    }
    return NULL;
}

struct fake_engine *fake_engine_create(const char *path)
{
    struct fake_engine *engine = calloc(1, sizeof(*engine));

    must(engine != NULL, "calloc");
    engine->in = malloc(IN_BYTES);
    must(engine->in != NULL, "malloc");
    engine->address.sun_family = AF_UNIX;
    must(strlen(path) < sizeof(engine->address.sun_path), "path");
    memcpy(engine->address.sun_path, path, strlen(path));
    engine->listener = engine->connection = -1;
    engine->serving = true;
    must(pthread_mutex_init(&engine->lock, NULL) == 0, "mutex");
    must(pthread_create(&engine->thread, NULL, run, engine) == 0, "thread");
    return engine;
}

static void leave(struct fake_engine *engine)
{
    drop(engine);
    if (engine->listener >= 0) {
        (void)close(engine->listener);
        (void)unlink(engine->address.sun_path);
    }
    engine->listener = -1;
}

void fake_engine_destroy(struct fake_engine *engine)
{
    (void)pthread_mutex_lock(&engine->lock);
    leave(engine);
    engine->ending = true;
    (void)pthread_mutex_unlock(&engine->lock);
    (void)pthread_join(engine->thread, NULL);
    (void)pthread_mutex_destroy(&engine->lock);
    free(engine->event);
    free(engine->in);
    free(engine);
}

void fake_engine_arrive(struct fake_engine *engine)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    must(fd >= 0, "socket");
    (void)unlink(engine->address.sun_path);
    must(bind(fd, (struct sockaddr *)&engine->address, sizeof(engine->address)) == 0, "bind");
    must(listen(fd, 4) == 0, "listen");
    (void)pthread_mutex_lock(&engine->lock);
    engine->listener = fd;
    (void)pthread_mutex_unlock(&engine->lock);
}

void fake_engine_leave(struct fake_engine *engine)
{
    (void)pthread_mutex_lock(&engine->lock);
    leave(engine);
    (void)pthread_mutex_unlock(&engine->lock);
}

void fake_engine_drop(struct fake_engine *engine)
{
    (void)pthread_mutex_lock(&engine->lock);
    drop(engine);
    (void)pthread_mutex_unlock(&engine->lock);
}

void fake_engine_behave(struct fake_engine *engine, enum fake_engine_behaviour behaviour)
{
    (void)pthread_mutex_lock(&engine->lock);
    engine->behaviour = behaviour;
    (void)pthread_mutex_unlock(&engine->lock);
}

void fake_engine_revoke(struct fake_engine *engine, const struct ids_hash *token)
{
    static const uint8_t frame[API_FRAME_HEADER_BYTES] = {0, 0, 0, API_FRAME_HEADER_BYTES - 4,
                                                          API_REVOKED};

    (void)pthread_mutex_lock(&engine->lock);
    engine->revoked = *token;
    send_all(engine, frame, sizeof(frame));
    (void)pthread_mutex_unlock(&engine->lock);
}

void fake_engine_hide_page(struct fake_engine *engine)
{
    (void)pthread_mutex_lock(&engine->lock);
    engine->private_page = true;
    send_state(engine);
    (void)pthread_mutex_unlock(&engine->lock);
}

void fake_engine_serve(struct fake_engine *engine, bool serving, const char *reason)
{
    (void)pthread_mutex_lock(&engine->lock);
    engine->serving = serving;
    (void)snprintf(engine->reason, sizeof(engine->reason), "%s", reason);
    send_state(engine);
    (void)pthread_mutex_unlock(&engine->lock);
}

void fake_engine_push(struct fake_engine *engine, uint64_t id, const char *body, size_t len_bytes)
{
    (void)pthread_mutex_lock(&engine->lock);
    free(engine->event);
    engine->event = malloc(len_bytes);
    must(engine->event != NULL, "malloc");
    memcpy(engine->event, body, len_bytes);
    engine->event_len_bytes = len_bytes;
    engine->event_id = id;
    send_event(engine);
    (void)pthread_mutex_unlock(&engine->lock);
}

void fake_engine_answer_swallowed(struct fake_engine *engine)
{
    (void)pthread_mutex_lock(&engine->lock);
    for (; engine->answered_count < engine->received_count; engine->answered_count++) {
        answer(engine, &engine->received[engine->answered_count]);
    }
    (void)pthread_mutex_unlock(&engine->lock);
}

void fake_engine_refuse_swallowed(struct fake_engine *engine)
{
    (void)pthread_mutex_lock(&engine->lock);
    for (; engine->answered_count < engine->received_count; engine->answered_count++) {
        refuse(engine, &engine->received[engine->answered_count]);
    }
    (void)pthread_mutex_unlock(&engine->lock);
}

static uint32_t read_under_lock(struct fake_engine *engine, const uint32_t *value)
{
    uint32_t copy;

    (void)pthread_mutex_lock(&engine->lock);
    copy = *value;
    (void)pthread_mutex_unlock(&engine->lock);
    return copy;
}

uint32_t fake_engine_received_count(struct fake_engine *engine)
{
    return read_under_lock(engine, &engine->received_count);
}

uint32_t fake_engine_numbers_given(struct fake_engine *engine)
{
    return read_under_lock(engine, &engine->key_count);
}

struct api_request fake_engine_received(struct fake_engine *engine, uint32_t index)
{
    struct api_request request;

    (void)pthread_mutex_lock(&engine->lock);
    must(index < engine->received_count, "no such request");
    request = engine->received[index];
    (void)pthread_mutex_unlock(&engine->lock);
    return request;
}

static void wait_a_little(void)
{
    const struct timespec little = {.tv_nsec = 1000000};

    (void)nanosleep(&little, NULL);
}

bool fake_engine_wait(struct fake_engine *engine, uint32_t count)
{
    for (int i = 0; i < PATIENCE_MS; i++) {
        if (fake_engine_received_count(engine) >= count) {
            return true;
        }
        wait_a_little();
    }
    return false;
}

bool fake_engine_wait_subscribed(struct fake_engine *engine)
{
    for (int i = 0; i < PATIENCE_MS; i++) {
        bool subscribed;

        (void)pthread_mutex_lock(&engine->lock);
        subscribed = engine->subscribed;
        (void)pthread_mutex_unlock(&engine->lock);
        if (subscribed) {
            return true;
        }
        wait_a_little();
    }
    return false;
}
