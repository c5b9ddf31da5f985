/*
 * toban-bench: speed as ratios. Loads, each a closed loop of N clients for S seconds or N operations, one
 * line of JSON each:
 *   raw     the limit of this machine: 200 bytes, local pwrite + fdatasync in parallel with a round trip to
 *           a second process that does the same, group commit (reference/peers.md, first row)
 *   engine  tickets through toband's UNIX socket
 *   http    tickets through the gateway, by TLS and with a kiosk's credential, keep-alive
 *   redis   the peer: a script that takes the next number and appends 200 bytes, then WAIT 1
 *   fill    no load: entries for a large ledger; wait: when a UNIX socket is listened on
 *   live    no load: screens and telephones that follow live events and do nothing else
 *   gap     a new connection every GAP_MS whatever became of the others: one line per ticket, when it was
 *           sent and acknowledged (CLOCK_MONOTONIC), from which the time without service follows
 * Latencies are of acknowledged operations only. It measures and decides nothing.
 */
#include "appliance/engine/api.h"
#include "appliance/queue/queue.h"
#include "base/check.h"
#include "tools/bench/bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    CLIENTS_MAX = 256,
    SAMPLES_MAX = 4000000,
    RAW_BYTES = 200,
    BUFFER_BYTES = 65536,
    CATEGORIES = 6,
    PORT_DEFAULT = 443,
    GAP_MS = 5,
    PACE_US = 500,
    GAP_PATIENCE_US = 1000000,
};

struct settings {
    const char *mode, *socket_path, *address, *dir, *record, *script, *authority, *token;
    SSL_CTX *tls; /* http, gap */
    uint16_t port;
    unsigned clients, seconds, categories, every_ms, slow;
    size_t count; /* acknowledged, after which it ends; 0: when the time is over */
};

struct sampling {
    uint32_t *us;
    size_t count, errors;
};

struct client {
    int fd;
    uint64_t sent_us;
    uint8_t input[BUFFER_BYTES];
    size_t input_len_bytes;
    unsigned serial; /* gap: not yet sent */
    SSL *tls;        /* NULL: the bytes go as they are */
};

uint64_t bench_now_us(void)
{
    struct timespec time;

    CHECK(clock_gettime(CLOCK_MONOTONIC, &time) == 0);
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

static void add_sample(struct sampling *sampling, uint64_t us)
{
    if (sampling->count < SAMPLES_MAX) {
        sampling->us[sampling->count++] = (uint32_t)us;
    }
}

static int compare_us(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* Of this process and of those it waited for: a raw limit has a price, too. */
static double own_cpu_us(void)
{
    static const int whose[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
    double sum_us = 0;

    for (size_t i = 0; i < ARRAY_COUNT(whose); i++) {
        struct rusage usage;

        CHECK(getrusage(whose[i], &usage) == 0);
        sum_us += (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
                  (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    }
    return sum_us;
}

static int report(const struct settings *settings, struct sampling *sampling, uint64_t took_us)
{
    double cpu_us = own_cpu_us();

    if (sampling->count == 0) {
        (void)fprintf(stderr, "toban-bench: nothing was acknowledged (%zu errors)\n",
                      sampling->errors);
        return 1;
    }
    qsort(sampling->us, sampling->count, sizeof(*sampling->us), compare_us);
    printf("{\"mode\":\"%s\",\"clients\":%u,\"seconds\":%.2f,\"operations\":%zu,\"errors\":%zu,"
           "\"per_second\":%.0f,\"p50_us\":%u,\"p99_us\":%u,\"own_cpu_us\":%.2f}\n",
           settings->mode, settings->clients, (double)took_us / 1e6, sampling->count,
           sampling->errors, (double)sampling->count * 1e6 / (double)took_us,
           sampling->us[sampling->count / 2], sampling->us[sampling->count * 99 / 100],
           cpu_us / (double)sampling->count);
    return 0;
}

/* ---- engine and http ----------------------------------------------------------------------------- */

static int connect_client(const struct settings *settings)
{
    int one = 1;
    int fd;

    if (strcmp(settings->mode, "engine") == 0) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", settings->socket_path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -1 : fd;
    }
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(settings->port)};

    (void)inet_pton(AF_INET, settings->address, &address.sin_addr);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -1 : fd;
}

static size_t make_request(const struct settings *settings, uint8_t *bytes, size_t capacity_bytes,
                           unsigned serial)
{
    struct ids_token key;
    char text[IDS_TOKEN_TEXT_BYTES], body[64];
    uint16_t category = (uint16_t)(1 + serial % settings->categories);
    int body_len, len;

    CHECK(getrandom(key.bytes, sizeof(key.bytes), 0) == (ssize_t)sizeof(key.bytes));
    if (strcmp(settings->mode, "engine") == 0) {
        struct api_request request = {.type = API_COMMAND, .id = serial};

        request.command.action = QUEUE_ISSUE;
        request.command.key = key;
        request.command.body_hash = 1;
        request.command.category = category;
        return api_request_encode(&request, bytes, capacity_bytes);
    }
    if (strcmp(settings->mode, "redis") == 0) {
        return (size_t)snprintf(
            (char *)bytes, capacity_bytes,
            "*5\r\n$7\r\nEVALSHA\r\n$40\r\n%s\r\n$1\r\n1\r\n$1\r\n%u\r\n$%d\r\n%0*u\r\n"
            "*3\r\n$4\r\nWAIT\r\n$1\r\n1\r\n$4\r\n1000\r\n",
            settings->script, category % 10U, RAW_BYTES, RAW_BYTES, serial);
    }
    ids_token_to_text(&key, text);
    body_len = snprintf(body, sizeof(body), "{\"category\":%u}", category);
    len =
        snprintf((char *)bytes, capacity_bytes,
                 "POST /api/v1/tickets HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
                 "Idempotency-Key: %s\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
                 settings->address, text, settings->token, body_len, body);
    return (size_t)len;
}

/* Two lines: the number, and how many replicas had it. */
static size_t redis_answer_length(const struct client *client, bool *ret_ok)
{
    const char *text = (const char *)client->input;
    const char *first = memmem(text, client->input_len_bytes, "\r\n", 2);
    const char *second;

    if (first == NULL) {
        return 0;
    }
    second = memmem(first + 2, client->input_len_bytes - (size_t)(first + 2 - text), "\r\n", 2);
    if (second == NULL) {
        return 0;
    }
    *ret_ok = text[0] == ':' && first[2] == ':' && first[3] == '1';
    return (size_t)(second + 2 - text);
}

/* One whole answer at the start of the input: its length and whether it acknowledges; 0: not yet. */
static size_t answer_length(const struct settings *settings, const struct client *client,
                            bool *ret_ok)
{
    if (strcmp(settings->mode, "engine") == 0) {
        int64_t len = api_frame_length(client->input, client->input_len_bytes, BUFFER_BYTES);
        struct api_reply reply;
        uint32_t id;

        if (len <= 0) {
            return 0;
        }
        *ret_ok = api_reply_decode(client->input, (size_t)len, &id, &reply) && reply.status == 201;
        return api_frame_type(client->input) == API_REPLY ? (size_t)len
                                                          : (size_t)len | (SIZE_MAX / 2 + 1);
    }
    if (strcmp(settings->mode, "redis") == 0) {
        return redis_answer_length(client, ret_ok);
    }
    const char *text = (const char *)client->input;
    const char *end = memmem(text, client->input_len_bytes, "\r\n\r\n", 4);
    const char *length;
    size_t whole;

    if (end == NULL) {
        return 0;
    }
    length = memmem(text, (size_t)(end - text), "Content-Length: ", 16);
    whole = (size_t)(end - text) + 4 + (length == NULL ? 0 : strtoul(length + 16, NULL, 10));
    *ret_ok = client->input_len_bytes > 12 && memcmp(text + 9, "201", 3) == 0;
    return whole <= client->input_len_bytes ? whole : 0;
}

static bool send_all(struct client *client, const uint8_t *bytes, size_t len_bytes)
{
    if (client->tls != NULL) {
        return SSL_write(client->tls, bytes, (int)len_bytes) == (int)len_bytes;
    }
    return send(client->fd, bytes, len_bytes, MSG_NOSIGNAL) == (ssize_t)len_bytes;
}

/* Bytes; 0: none yet; -1: the connection ended. */
static int receive(struct client *client)
{
    int room_bytes = (int)(BUFFER_BYTES - client->input_len_bytes);
    ssize_t len;

    if (client->tls != NULL) {
        int got = SSL_read(client->tls, client->input + client->input_len_bytes, room_bytes);

        return got > 0 ? got : SSL_get_error(client->tls, got) == SSL_ERROR_WANT_READ ? 0 : -1;
    }
    len = recv(client->fd, client->input + client->input_len_bytes, (size_t)room_bytes, 0);
    return len <= 0 ? -1 : (int)len;
}

static void send_next(const struct settings *settings, struct client *client, unsigned *serial)
{
    uint8_t request[API_REQUEST_BYTES_MAX];
    size_t len_bytes = make_request(settings, request, sizeof(request), ++*serial);

    client->sent_us = bench_now_us();
    CHECK(send_all(client, request, len_bytes));
}

static void take_answers(const struct settings *settings, struct client *client,
                         struct sampling *sampling, unsigned *serial)
{
    for (;;) {
        bool ok = false;
        size_t len_bytes = answer_length(settings, client, &ok);
        bool pushed = (len_bytes & (SIZE_MAX / 2 + 1)) != 0;

        len_bytes &= SIZE_MAX / 2;
        if (len_bytes == 0) {
            return;
        }
        memmove(client->input, client->input + len_bytes, client->input_len_bytes - len_bytes);
        client->input_len_bytes -= len_bytes;
        if (pushed) {
            continue; /* a STATE frame */
        }
        if (ok) {
            add_sample(sampling, bench_now_us() - client->sent_us);
        } else {
            sampling->errors++;
        }
        while (bench_now_us() - client->sent_us < (uint64_t)settings->every_ms * 1000) {
            (void)usleep(PACE_US);
        }
        send_next(settings, client, serial);
    }
}

static int run_clients(const struct settings *settings, struct sampling *sampling)
{
    struct client *clients = calloc(settings->clients, sizeof(*clients));
    struct pollfd polls[CLIENTS_MAX];
    uint64_t start_us = bench_now_us(), end_us = start_us + (uint64_t)settings->seconds * 1000000;
    unsigned serial = 0;

    CHECK(clients != NULL);
    for (unsigned i = 0; i < settings->clients; i++) {
        clients[i].fd = connect_client(settings);
        if (clients[i].fd < 0) {
            perror("toban-bench: connect");
            return 1;
        }
        polls[i] = (struct pollfd){.fd = clients[i].fd, .events = POLLIN};
        if (settings->tls != NULL) {
            clients[i].tls = bench_tls_over(settings->tls, clients[i].fd, settings->address);
            if (SSL_connect(clients[i].tls) != 1) {
                (void)fprintf(stderr, "toban-bench: the office shows another certificate\n");
                return 1;
            }
        }
        send_next(settings, &clients[i], &serial);
    }
    while (bench_now_us() < end_us && (settings->count == 0 || sampling->count < settings->count)) {
        if (poll(polls, settings->clients, 1000) <= 0) {
            continue;
        }
        for (unsigned i = 0; i < settings->clients; i++) {
            struct client *client = &clients[i];
            int len;

            if (polls[i].revents == 0) {
                continue;
            }
            do {
                len = receive(client);
                if (len < 0) {
                    (void)fprintf(stderr, "toban-bench: a connection ended\n");
                    return 1;
                }
                client->input_len_bytes += (size_t)len;
                take_answers(settings, client, sampling, &serial);
            } while (client->tls != NULL && SSL_pending(client->tls) > 0);
        }
    }
    return report(settings, sampling, bench_now_us() - start_us);
}

/* ---- the raw limit ----------------------------------------------------------------------------------- */

static void far_disk(int fd, const char *dir)
{
    char path[256];
    uint8_t bytes[BUFFER_BYTES];
    off_t at = 0;
    int file;

    (void)snprintf(path, sizeof(path), "%s/raw.far", dir);
    file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(file >= 0 && ftruncate(file, 1 << 28) == 0);
    for (;;) {
        ssize_t len = recv(fd, bytes, sizeof(bytes), 0);
        uint32_t count;

        if (len <= 0) {
            _exit(0);
        }
        count = (uint32_t)len;
        CHECK(pwrite(file, bytes, (size_t)len, at) == len && fdatasync(file) == 0);
        at += len;
        CHECK(send(fd, &count, sizeof(count), MSG_NOSIGNAL) == sizeof(count));
    }
}

static void make_far(const struct settings *settings, int pair[2], pid_t *ret_pid)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int one = 1;

    CHECK(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 &&
          listen(listener, 1) == 0 &&
          getsockname(listener, (struct sockaddr *)&address, &len) == 0);
    *ret_pid = fork();
    if (*ret_pid == 0) {
        int fd = accept(listener, NULL, NULL);

        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        far_disk(fd, settings->dir);
    }
    pair[0] = socket(AF_INET, SOCK_STREAM, 0);
    (void)setsockopt(pair[0], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    CHECK(connect(pair[0], (struct sockaddr *)&address, sizeof(address)) == 0);
    (void)close(listener);
}

/* All clients that wait join the next batch: both disks work at once, then all are acknowledged. */
static int run_raw(const struct settings *settings, struct sampling *sampling)
{
    uint8_t bytes[CLIENTS_MAX * RAW_BYTES] = {1};
    uint64_t start_us, end_us;
    char path[256];
    int pair[2], file;
    pid_t pid;
    off_t at = 0;

    (void)snprintf(path, sizeof(path), "%s/raw.near", settings->dir);
    file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(file >= 0 && ftruncate(file, 1 << 28) == 0);
    make_far(settings, pair, &pid);
    start_us = bench_now_us();
    end_us = start_us + (uint64_t)settings->seconds * 1000000;
    while (bench_now_us() < end_us) {
        size_t len_bytes = (size_t)settings->clients * RAW_BYTES;
        uint64_t began_us = bench_now_us(), took_us;
        size_t acked = 0;

        CHECK(send(pair[0], bytes, len_bytes, MSG_NOSIGNAL) == (ssize_t)len_bytes);
        CHECK(pwrite(file, bytes, len_bytes, at) == (ssize_t)len_bytes && fdatasync(file) == 0);
        at = (at + (off_t)len_bytes) % (1 << 27);
        while (acked < len_bytes) {
            uint32_t count;

            CHECK(recv(pair[0], &count, sizeof(count), MSG_WAITALL) == sizeof(count));
            acked += count;
        }
        took_us = bench_now_us() - began_us;
        for (unsigned i = 0; i < settings->clients; i++) {
            add_sample(sampling, took_us);
        }
    }
    (void)close(pair[0]);
    (void)waitpid(pid, NULL, 0);
    return report(settings, sampling, bench_now_us() - start_us);
}

/* ---- time without service ------------------------------------------------------------------------------ */

static void gap_begin(const struct settings *settings, struct client *client, unsigned serial)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(settings->port)};

    (void)inet_pton(AF_INET, settings->address, &address.sin_addr);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    client->sent_us = bench_now_us();
    client->input_len_bytes = 0;
    client->serial = serial;
    (void)connect(client->fd, (struct sockaddr *)&address, sizeof(address));
    client->tls = bench_tls_over(settings->tls, client->fd, settings->address);
}

static void gap_end(struct client *client)
{
    SSL_free(client->tls);
    client->tls = NULL;
    (void)close(client->fd);
    client->fd = -1;
}

/* What its handshake, or its answer, waits for. */
static short gap_events(const struct client *client)
{
    bool writes = client->serial != 0 && !(client->fd >= 0 && SSL_want_read(client->tls));

    return writes ? (short)POLLOUT : (short)POLLIN;
}

static void gap_ready(const struct settings *settings, struct client *client,
                      struct sampling *sampling)
{
    uint8_t request[API_REQUEST_BYTES_MAX];
    bool ok = false;
    int len;

    if (client->serial != 0) {
        int r = SSL_do_handshake(client->tls);
        int why = r == 1 ? SSL_ERROR_NONE : SSL_get_error(client->tls, r);

        if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
            return;
        }
        len = (int)make_request(settings, request, sizeof(request), client->serial);
        client->serial = 0;
        if (r != 1 || !send_all(client, request, (size_t)len)) {
            sampling->errors++;
            gap_end(client);
        }
        return;
    }
    len = receive(client);
    if (len < 0) {
        sampling->errors++;
        gap_end(client);
        return;
    }
    client->input_len_bytes += (size_t)len;
    if (answer_length(settings, client, &ok) != 0) {
        if (ok) {
            printf("{\"sent_us\":%llu,\"acked_us\":%llu}\n", (unsigned long long)client->sent_us,
                   (unsigned long long)bench_now_us());
            sampling->count++;
        } else {
            sampling->errors++;
        }
        gap_end(client);
    }
}

static int run_gap(const struct settings *settings, struct sampling *sampling)
{
    struct client *clients = calloc(CLIENTS_MAX, sizeof(*clients));
    struct pollfd polls[CLIENTS_MAX];
    uint64_t end_us = bench_now_us() + (uint64_t)settings->seconds * 1000000, next_us = 0;
    unsigned serial = 0;

    CHECK(clients != NULL);
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        clients[i].fd = -1;
    }
    while (bench_now_us() < end_us) {
        for (size_t i = 0; i < CLIENTS_MAX; i++) {
            if (clients[i].fd >= 0 && bench_now_us() - clients[i].sent_us > GAP_PATIENCE_US) {
                sampling->errors++;
                gap_end(&clients[i]);
            }
            if (clients[i].fd < 0 && bench_now_us() >= next_us) {
                next_us = bench_now_us() + GAP_MS * 1000;
                gap_begin(settings, &clients[i], ++serial);
            }
            polls[i] = (struct pollfd){.fd = clients[i].fd, .events = gap_events(&clients[i])};
        }
        if (poll(polls, CLIENTS_MAX, 1) > 0) {
            for (size_t i = 0; i < CLIENTS_MAX; i++) {
                if (clients[i].fd >= 0 && polls[i].revents != 0) {
                    gap_ready(settings, &clients[i], sampling);
                }
            }
        }
    }
    (void)fprintf(stderr, "toban-bench: %zu tickets, %zu attempts without one\n", sampling->count,
                  sampling->errors);
    free(clients);
    return sampling->count == 0;
}

static int usage(void)
{
    (void)fprintf(
        stderr,
        "usage: toban-bench raw --dir DIR | engine --socket PATH"
        " | http|gap --address A --ca FILE --token TOKEN [--port P]"
        "   [--clients N] [--seconds S]\n"
        "       [--count N] [--categories N] [--every-ms MS: of http]\n"
        "       live --address A --ca FILE --token BOARD [--clients SCREENS] [--slow TELEPHONES]\n"
        "       [--seconds S]\n"
        "       fill --dir DATA --record DIR --count N | wait --socket PATH --seconds S\n"
        "       redis --address A --port P --script SHA1\n");
    return 2;
}

/* To the gateway: by TLS, with a credential. */
static bool way_is_known(struct settings *settings)
{
    if (settings->address == NULL || settings->authority == NULL || settings->token == NULL) {
        return false;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    settings->tls = bench_tls_create(settings->authority);
    return settings->tls != NULL;
}

static bool take_option(struct settings *settings, const char *name, const char *value)
{
    const struct {
        const char *name;
        const char **text;
    } texts[] = {
        {"--socket", &settings->socket_path},
        {"--address", &settings->address},
        {"--dir", &settings->dir},
        {"--record", &settings->record},
        {"--script", &settings->script},
        {"--ca", &settings->authority},
        {"--token", &settings->token},
    };
    unsigned long number = strtoul(value, NULL, 10);

    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        if (strcmp(name, texts[i].name) == 0) {
            *texts[i].text = value;
            return true;
        }
    }
    if (strcmp(name, "--port") == 0) {
        settings->port = (uint16_t)number;
    } else if (strcmp(name, "--clients") == 0) {
        settings->clients = (unsigned)number;
    } else if (strcmp(name, "--seconds") == 0) {
        settings->seconds = (unsigned)number;
    } else if (strcmp(name, "--count") == 0) {
        settings->count = number;
    } else if (strcmp(name, "--every-ms") == 0) {
        settings->every_ms = (unsigned)number;
    } else if (strcmp(name, "--slow") == 0) {
        settings->slow = (unsigned)number;
    } else if (strcmp(name, "--categories") == 0) {
        settings->categories = (unsigned)number;
    } else {
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct settings settings = {
        .clients = 1, .seconds = 5, .port = PORT_DEFAULT, .categories = CATEGORIES};
    struct sampling sampling = {0};

    if (argc < 2) {
        return usage();
    }
    settings.mode = argv[1];
    for (int i = 2; i + 1 < argc; i += 2) {
        if (!take_option(&settings, argv[i], argv[i + 1])) {
            return usage();
        }
    }
    if (settings.clients == 0 || settings.clients > CLIENTS_MAX || settings.seconds == 0 ||
        settings.categories == 0) {
        return usage();
    }
    if (strcmp(settings.mode, "fill") == 0 && settings.dir != NULL && settings.record != NULL) {
        return bench_fill(settings.dir, settings.record, settings.count);
    }
    if (strcmp(settings.mode, "wait") == 0 && settings.socket_path != NULL) {
        return bench_wait(settings.socket_path, settings.seconds);
    }
    if (strcmp(settings.mode, "live") == 0 && way_is_known(&settings)) {
        struct bench_way way = {settings.address, settings.token, settings.port, settings.tls};

        return bench_live(&way, settings.clients, settings.slow, settings.seconds);
    }
    sampling.us = malloc(SAMPLES_MAX * sizeof(*sampling.us));
    CHECK(sampling.us != NULL);
    if (strcmp(settings.mode, "raw") == 0 && settings.dir != NULL) {
        return run_raw(&settings, &sampling);
    }
    if (strcmp(settings.mode, "gap") == 0 && way_is_known(&settings)) {
        return run_gap(&settings, &sampling);
    }
    if ((strcmp(settings.mode, "engine") == 0 && settings.socket_path != NULL) ||
        (strcmp(settings.mode, "http") == 0 && way_is_known(&settings)) ||
        (strcmp(settings.mode, "redis") == 0 && settings.address != NULL &&
         settings.script != NULL)) {
        return run_clients(&settings, &sampling);
    }
    return usage();
}
