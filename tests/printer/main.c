/*
 * toban-printer: a ticket printer on a TCP port, for tests and for the office on one machine. It prints into
 * pictures and one line of JSON a paper, and misbehaves when it is told to.
 *
 *   toban-printer --listen ADDRESS:PORT --out DIR [--control SOCKET] [--pictures N] [--idle-ms N]
 *   toban-printer --tell SOCKET WORDS...      one order to a running one; prints its answer
 *
 * Orders: cover, end, near, offline, cutter, silent, garbage (levels, on until heal); end-after ROWS, jam (the
 * next cut), close BYTES (of a job), slow MS (a kilobyte); roll (a new one: what hangs out is torn off); heal (all of it); status.
 *
 * Like a real one it answers DLE EOT, DLE ENQ and DLE DC4 when they come in, wherever they stand; keeps what it
 * cannot print yet; serves one connection at a time, and gives up one that says nothing for --idle-ms.
 */
#include "tests/printer/escpos.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    INPUT_BYTES = 256 * 1024,
    TURN_MS = 10,
    SLOW_BYTES = 1024,
    PATH_BYTES = 256,
    TEXT_BYTES = 32 * 1024,
    PICTURES_USUAL = 50,
    IDLE_MS_USUAL = 5000,
    EXIT_USAGE = 2,
    CLEAR_BYTES = 10,
};

struct device {
    struct escpos *printer;
    const char *out_dir;
    unsigned pictures, papers, idle_ms;
    bool cover, end, near, offline, cutter, silent, garbage, jam, reports;
    uint32_t slow_ms, rows_left;
    long close_after;
    uint64_t taken_ms, heard_ms, slow_until_ms;
    int listener, control, client;
    uint8_t input[INPUT_BYTES];
    size_t input_bytes;
    uint8_t scan[CLEAR_BYTES];
    size_t scan_bytes;
    long job_bytes;
    unsigned connections, cleared;
};

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void say(struct device *device, const void *bytes, size_t len_bytes)
{
    if (device->client >= 0 && !device->silent) {
        (void)!send(device->client, bytes, len_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

static bool can_print(const struct device *device)
{
    return !device->cover && !device->end && !device->offline && !device->cutter;
}

static void report(struct device *device)
{
    uint8_t bytes[4] = {0x10, 0, 0, 0x0f};

    bytes[0] |= can_print(device) ? 0 : 0x08;
    bytes[0] |= device->cover ? 0x20 : 0;
    bytes[1] |= device->cutter ? 0x08 : 0;
    bytes[2] |= (uint8_t)((device->near || device->end ? 0x03 : 0) | (device->end ? 0x0c : 0));
    if (device->reports) {
        say(device, bytes, sizeof(bytes));
    }
}

/* ---- papers ---------------------------------------------------------------------------------------------- */

static void keep_paper(struct device *device, bool whole)
{
    const struct escpos_paper *paper = escpos_paper(device->printer);
    char path[PATH_BYTES];
    char *text = malloc(TEXT_BYTES);
    FILE *file;

    if (text == NULL) {
        abort();
    }
    if (paper->rows > 0) {
        (void)snprintf(path, sizeof(path), "%s/paper-%03u.png", device->out_dir,
                       device->papers % device->pictures);
        (void)escpos_write_png(paper, path);
        escpos_describe(paper, whole, text, TEXT_BYTES);
        (void)snprintf(path, sizeof(path), "%s/papers.jsonl", device->out_dir);
        file = fopen(path, "ae");
        if (file != NULL) {
            (void)fprintf(file, "%s\n", text);
            (void)fclose(file);
        }
        device->papers++;
    }
    free(text);
    escpos_tear(device->printer);
}

static void drop_input(struct device *device, size_t len_bytes)
{
    device->input_bytes -= len_bytes;
    memmove(device->input, device->input + len_bytes, device->input_bytes);
}

static void cut(struct device *device)
{
    if (device->jam) {
        device->jam = false;
        device->cutter = true;
        report(device);
        return;
    }
    keep_paper(device, true);
}

static void print_some(struct device *device)
{
    while (can_print(device) && device->input_bytes > 0 && now_ms() >= device->slow_until_ms) {
        size_t chunk = device->input_bytes, taken = 0;
        uint32_t rows = escpos_paper(device->printer)->rows;
        enum escpos_step step;

        if (device->slow_ms > 0) {
            chunk = chunk < SLOW_BYTES ? chunk : SLOW_BYTES;
            device->slow_until_ms = now_ms() + device->slow_ms;
        }
        step = escpos_print(device->printer, device->input, chunk,
                            device->rows_left == 0 ? UINT32_MAX : device->rows_left, &taken);
        (void)rows;
        drop_input(device, taken);
        switch (step) {
        case ESCPOS_MORE:
            break;
        case ESCPOS_CUT:
            cut(device);
            break;
        case ESCPOS_ASKED:
            say(device, (uint8_t[]){device->near ? 0x03 : 0x00}, 1);
            break;
        case ESCPOS_REPORT:
            device->reports = true;
            report(device);
            break;
        case ESCPOS_FULL:
            device->rows_left = 0;
            device->end = true;
            report(device);
            break;
        }
    }
}

/* ---- what comes in --------------------------------------------------------------------------------------- */

static void hang_up(struct device *device)
{
    if (device->client >= 0) {
        (void)close(device->client);
    }
    device->client = -1;
    device->reports = false;
    device->scan_bytes = 0;
}

static void answer(struct device *device, uint8_t question)
{
    uint8_t byte = 0x12;

    switch (question) {
    case 1:
        byte |= can_print(device) ? 0 : 0x08;
        break;
    case 2:
        byte |= (uint8_t)((device->cover ? 0x04 : 0) | (device->end ? 0x20 : 0) |
                          (device->cutter ? 0x40 : 0));
        break;
    case 3:
        byte |= device->cutter ? 0x08 : 0;
        break;
    case 4:
        byte |= (uint8_t)((device->near || device->end ? 0x0c : 0) | (device->end ? 0x60 : 0));
        break;
    default:
        return;
    }
    if (device->garbage) {
        byte = (uint8_t)(0xa5 + question);
    }
    say(device, &byte, 1);
}

/* In real time: whatever is being printed. True: everything that waits is forgotten. */
static bool scan(struct device *device, uint8_t byte)
{
    static const uint8_t clear[CLEAR_BYTES] = {0x10, 0x14, 8, 1, 3, 20, 1, 6, 2, 8};

    device->scan[device->scan_bytes++] = byte;
    if (device->scan[0] != 0x10 ||
        (device->scan_bytes == 2 && byte != 0x04 && byte != 0x05 && byte != 0x14)) {
        device->scan_bytes = byte == 0x10;
        device->scan[0] = byte;
        return false;
    }
    if (device->scan_bytes == 3 && device->scan[1] == 0x04) {
        answer(device, byte);
        device->scan_bytes = 0;
    } else if (device->scan_bytes == 3 && device->scan[1] == 0x05) {
        device->scan_bytes = 0;
    } else if (device->scan_bytes == CLEAR_BYTES) {
        device->scan_bytes = 0;
        return memcmp(device->scan, clear, CLEAR_BYTES) == 0;
    }
    return false;
}

static void receive(struct device *device)
{
    uint8_t bytes[16 * 1024];
    size_t room = sizeof(device->input) - device->input_bytes;
    ssize_t got;

    if (room == 0) {
        return;
    }
    got = recv(device->client, bytes, room < sizeof(bytes) ? room : sizeof(bytes), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        hang_up(device);
        return;
    }
    device->heard_ms = now_ms();
    for (ssize_t i = 0; i < got; i++) {
        device->input[device->input_bytes++] = bytes[i];
        if (scan(device, bytes[i])) {
            device->input_bytes = 0;
            device->cleared++;
            escpos_reset(device->printer);
        }
        if (bytes[i] == '@' && i > 0 && bytes[i - 1] == 0x1b) {
            device->job_bytes = 0;
        }
        if (device->close_after > 0 && ++device->job_bytes >= device->close_after) {
            device->close_after = 0;
            hang_up(device);
            return;
        }
    }
}

static void accept_one(struct device *device)
{
    int client = accept4(device->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (client >= 0 && device->client >= 0) {
        (void)close(client); /* busy */
    } else if (client >= 0) {
        device->client = client;
        device->heard_ms = now_ms();
        device->connections++;
    }
}

/* ---- orders ---------------------------------------------------------------------------------------------- */

static bool set_level(struct device *device, const char *word)
{
    const struct {
        const char *word;
        bool *level;
    } levels[] = {{"cover", &device->cover},     {"end", &device->end},
                  {"near", &device->near},       {"offline", &device->offline},
                  {"cutter", &device->cutter},   {"silent", &device->silent},
                  {"garbage", &device->garbage}, {"jam", &device->jam}};

    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(levels[i].word, word) == 0) {
            *levels[i].level = true;
            return true;
        }
    }
    return false;
}

static void heal(struct device *device, bool roll_only)
{
    bool torn = device->end || device->cutter;

    device->end = device->near = device->cutter = device->jam = device->cover = false;
    device->rows_left = 0;
    if (!roll_only) {
        device->offline = device->silent = device->garbage = false;
        device->slow_ms = 0;
        device->close_after = 0;
    }
    if (torn) {
        keep_paper(device, false);
    }
}

static void obey(struct device *device, char *text, char *ret_answer, size_t capacity_bytes)
{
    char *rest = NULL, *word = strtok_r(text, " \n", &rest);
    char *value = strtok_r(NULL, " \n", &rest);
    const char *newest;
    unsigned mistakes = escpos_mistakes(device->printer, &newest);
    bool known = true;

    if (word == NULL) {
        known = false;
    } else if (strcmp(word, "heal") == 0 || strcmp(word, "roll") == 0) {
        heal(device, strcmp(word, "roll") == 0);
    } else if (strcmp(word, "end-after") == 0 && value != NULL) {
        device->rows_left = (uint32_t)strtoul(value, NULL, 10);
    } else if (strcmp(word, "close") == 0 && value != NULL) {
        device->close_after = strtol(value, NULL, 10);
    } else if (strcmp(word, "slow") == 0 && value != NULL) {
        device->slow_ms = (uint32_t)strtoul(value, NULL, 10);
    } else if (strcmp(word, "status") != 0) {
        known = set_level(device, word);
    }
    (void)snprintf(ret_answer, capacity_bytes,
                   "{\"ok\":%s,\"papers\":%u,\"mistakes\":%u,\"newest_mistake\":\"%s\","
                   "\"connections\":%u,\"connected\":%s,\"cleared\":%u,\"waiting_bytes\":%zu}\n",
                   known ? "true" : "false", device->papers, mistakes, newest, device->connections,
                   device->client >= 0 ? "true" : "false", device->cleared, device->input_bytes);
    if (known && word != NULL && strcmp(word, "status") != 0) {
        report(device);
    }
}

static void take_order(struct device *device)
{
    char text[256], answer_text[1024];
    int peer = accept4(device->control, NULL, NULL, SOCK_CLOEXEC);
    ssize_t got;

    if (peer < 0) {
        return;
    }
    got = recv(peer, text, sizeof(text) - 1, 0);
    if (got > 0) {
        text[got] = '\0';
        obey(device, text, answer_text, sizeof(answer_text));
        (void)!send(peer, answer_text, strlen(answer_text), MSG_NOSIGNAL);
    }
    (void)close(peer);
}

static int open_control(const char *path, bool listening)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (listening) {
        (void)unlink(path);
    }
    if (fd < 0 ||
        (listening ? bind(fd, (const struct sockaddr *)&address, sizeof(address))
                   : connect(fd, (const struct sockaddr *)&address, sizeof(address))) < 0 ||
        (listening && listen(fd, 16) < 0)) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    return fd;
}

static int open_listener(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    const char *colon = strrchr(text, ':');
    char host[INET_ADDRSTRLEN] = "";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    socklen_t len_bytes = sizeof(address);

    if (colon != NULL && (size_t)(colon - text) < sizeof(host)) {
        memcpy(host, text, (size_t)(colon - text));
        address.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1 ||
        bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 8) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len_bytes) < 0) {
        perror(text);
        exit(EXIT_FAILURE);
    }
    (void)printf("port %u\n", ntohs(address.sin_port));
    (void)fflush(stdout);
    return fd;
}

static int tell(int argc, char **argv, const char *path)
{
    char text[1024] = "";
    int fd = open_control(path, false);
    ssize_t got;

    for (int i = 0; i < argc; i++) {
        (void)strncat(text, argv[i], sizeof(text) - strlen(text) - 2);
        (void)strcat(text, " ");
    }
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
    got = recv(fd, text, sizeof(text) - 1, 0);
    if (got <= 0) {
        return EXIT_FAILURE;
    }
    text[got] = '\0';
    (void)fputs(text, stdout);
    return strncmp(text, "{\"ok\":true", strlen("{\"ok\":true")) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void run(struct device *device, int signals)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = device->listener, .events = POLLIN},
                               {.fd = device->control, .events = POLLIN},
                               {.fd = device->client, .events = POLLIN},
                               {.fd = signals, .events = POLLIN}};
        bool busy = device->input_bytes > 0 && can_print(device);

        if (device->input_bytes == sizeof(device->input)) {
            fds[2].events = 0;
        }
        (void)poll(fds, 4, busy ? TURN_MS : 10 * TURN_MS);
        if (fds[3].revents != 0) {
            return;
        }
        if (device->client >= 0 && fds[2].revents != 0) {
            receive(device);
        }
        if (fds[0].revents != 0) {
            accept_one(device);
        }
        if (fds[1].revents != 0) {
            take_order(device);
        }
        if (device->client >= 0 && now_ms() - device->heard_ms > device->idle_ms) {
            hang_up(device);
        }
        print_some(device);
    }
}

int main(int argc, char **argv)
{
    static struct device device = {.pictures = PICTURES_USUAL,
                                   .idle_ms = IDLE_MS_USUAL,
                                   .listener = -1,
                                   .control = -1,
                                   .client = -1};
    static const struct option options[] = {{"listen", required_argument, NULL, 'l'},
                                            {"out", required_argument, NULL, 'o'},
                                            {"control", required_argument, NULL, 'c'},
                                            {"pictures", required_argument, NULL, 'p'},
                                            {"idle-ms", required_argument, NULL, 'i'},
                                            {"tell", required_argument, NULL, 't'},
                                            {NULL, 0, NULL, 0}};
    const char *listen_text = NULL, *control = NULL;
    sigset_t signals;
    int option;

    while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        switch (option) {
        case 'l':
            listen_text = optarg;
            break;
        case 'o':
            device.out_dir = optarg;
            break;
        case 'c':
            control = optarg;
            break;
        case 'p':
            device.pictures = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'i':
            device.idle_ms = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 't':
            return tell(argc - optind, argv + optind, optarg);
        default:
            return EXIT_USAGE;
        }
    }
    if (listen_text == NULL || device.out_dir == NULL || device.pictures == 0) {
        (void)fprintf(stderr,
                      "usage: toban-printer --listen ADDRESS:PORT --out DIR [--control SOCKET]\n");
        return EXIT_USAGE;
    }
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    (void)mkdir(device.out_dir, 0755);
    device.printer = escpos_create();
    device.listener = open_listener(listen_text);
    device.control = control != NULL ? open_control(control, true) : -1;
    run(&device, signalfd(-1, &signals, SFD_CLOEXEC));
    keep_paper(&device, false);
    escpos_destroy(device.printer);
    return EXIT_SUCCESS;
}
