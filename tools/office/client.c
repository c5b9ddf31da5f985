/* Commands to an office that is up: down, status, info, fault, heal. */
#include "tools/office/client.h"

#include "base/check.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    REPLY_WAIT_MS = 30 * 1000,
    LOCK_WAIT_MS = 5000,
    LOCK_PAUSE_NS = 20 * 1000 * 1000,
};

const char *client_text(const struct office *office, const char *ja, const char *en)
{
    return office->japanese ? ja : en;
}

void client_print_json(const json_t *json)
{
    (void)json_dumpf(json, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    (void)fputc('\n', stdout);
}

int client_fail(const struct office *office, const struct office_options *options, int status,
                const char *code, const char *ja, const char *en)
{
    if (options->json) {
        json_t *refusal =
            json_pack("{s:b, s:s, s:s, s:s}", "ok", 0, "code", code, "text_ja", ja, "text_en", en);

        client_print_json(refusal);
        json_decref(refusal);
    } else {
        (void)fprintf(stderr, "toban-office: %s\n", client_text(office, ja, en));
    }
    return status;
}

static int connect_keeper(const struct office *office, int *ret_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/office.sock",
                   office->run_dir);
    if (fd < 0) {
        return -errno;
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        int r = -errno;

        (void)close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

static int exchange(int fd, const char *text, json_t **ret_reply)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    char *reply = malloc(OFFICE_MESSAGE_BYTES);
    ssize_t len = 0;
    int r = reply == NULL ? -ENOMEM : 0;

    if (r == 0 && send(fd, text, strlen(text), MSG_NOSIGNAL) < 0) {
        r = -errno;
    }
    if (r == 0 && poll(&poll_fd, 1, REPLY_WAIT_MS) != 1) {
        r = -ETIMEDOUT;
    }
    if (r == 0) {
        len = recv(fd, reply, OFFICE_MESSAGE_BYTES, 0);
        *ret_reply = len > 0 ? json_loadb(reply, (size_t)len, 0, NULL) : NULL;
        r = *ret_reply == NULL ? -ECONNRESET : 0;
    }
    free(reply);
    return r;
}

int client_ask(const struct office *office, json_t *request, json_t **ret_reply)
{
    char *text = json_dumps(request, JSON_COMPACT);
    int fd = -1;
    int r = text == NULL ? -ENOMEM : connect_keeper(office, &fd);

    json_decref(request);
    r = r < 0 ? r : exchange(fd, text, ret_reply);
    free(text);
    if (fd >= 0) {
        (void)close(fd);
    }
    return r;
}

static int fail_by_errno(const struct office *office, const struct office_options *options, int r)
{
    if (r == -ENOENT || r == -ECONNREFUSED) {
        return client_fail(office, options, OFFICE_EXIT_NO_OFFICE, "NO_OFFICE",
                           "この名前の事務所は動いていません。toban office up で始めてください。",
                           "No office of this name is up. Start it with: toban office up");
    }
    return client_fail(office, options, OFFICE_EXIT_REFUSED, "FAILED", strerror(-r), strerror(-r));
}

/* Prints a reply; the exit status says whether it was a yes. */
static int show_reply(const struct office *office, const struct office_options *options,
                      json_t *reply, const char *ja, const char *en)
{
    bool ok = json_is_true(json_object_get(reply, "ok"));

    if (options->json) {
        client_print_json(reply);
    } else if (ok) {
        (void)printf("%s\n", client_text(office, ja, en));
    } else {
        (void)fprintf(stderr, "toban-office: %s\n",
                      client_text(office, json_string_value(json_object_get(reply, "text_ja")),
                                  json_string_value(json_object_get(reply, "text_en"))));
    }
    json_decref(reply);
    return ok ? OFFICE_EXIT_OK : OFFICE_EXIT_REFUSED;
}

static int lock_patiently(const struct office *office, int *ret_fd)
{
    static const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};
    int64_t until_ms = office_monotonic_ms() + LOCK_WAIT_MS;
    int r = office_lock(office, ret_fd);

    while (r == -EBUSY && office_monotonic_ms() < until_ms) {
        (void)nanosleep(&pause, NULL);
        r = office_lock(office, ret_fd);
    }
    return r;
}

/* Also after a keeper that was killed: what it left is taken away here. */
int office_down(struct office *office, const struct office_options *options)
{
    char lock_path[OFFICE_PATH_BYTES + 8];
    struct office_error error = {0};
    json_t *reply = NULL;
    int lock_fd = -1;
    int r = 0;

    (void)client_ask(office, json_pack("{s:s, s:b}", "do", "down", "keep", options->keep), &reply);
    json_decref(reply);
    r = lock_patiently(office, &lock_fd);
    if (r < 0) {
        return client_fail(office, options, OFFICE_EXIT_REFUSED, "BUSY",
                           "事務所がまだ動いています。少し待ってからもう一度実行してください。",
                           "The office is still busy. Wait a little and run this again.");
    }
    r = office_clean(office, options->keep, &error);
    (void)snprintf(lock_path, sizeof(lock_path), "%s.lock", office->run_dir);
    (void)unlink(lock_path);
    (void)close(lock_fd);
    (void)rmdir(office->base_dir);
    if (r < 0) {
        return client_fail(office, options, OFFICE_EXIT_REFUSED, "FAILED", error.ja, error.en);
    }
    return show_reply(office, options, json_pack("{s:b, s:s}", "ok", 1, "name", office->name),
                      "事務所を片付けました。", "The office is down.");
}

static void print_info(const struct office *office, const json_t *info)
{
    const json_t *units = json_object_get(info, "units");
    const json_t *unit = NULL;
    size_t i = 0;

    (void)printf("%s  %s\n", json_string_value(json_object_get(info, "name")),
                 json_string_value(json_object_get(info, "host_url")));
    (void)printf("  %s %s  (ip netns exec %s-lan curl %s/)\n",
                 client_text(office, "共用アドレス", "floating address"),
                 json_string_value(json_object_get(info, "floating")), office->name,
                 json_string_value(json_object_get(info, "url")));
    json_array_foreach(units, i, unit)
    {
        (void)printf("  u%d  %s  %s  %s\n", (int)json_integer_value(json_object_get(unit, "unit")),
                     json_string_value(json_object_get(unit, "serial")),
                     json_string_value(json_object_get(unit, "address")),
                     json_string_value(json_object_get(unit, "run_dir")));
    }
}

int office_info(struct office *office, const struct office_options *options)
{
    json_t *reply = NULL;
    int r;

    (void)client_found_credentials(office);
    r = client_ask(office, json_pack("{s:s}", "do", "info"), &reply);
    if (r < 0) {
        return fail_by_errno(office, options, r);
    }
    if (options->json) {
        client_print_json(reply);
    } else {
        print_info(office, reply);
    }
    json_decref(reply);
    return OFFICE_EXIT_OK;
}

static void print_faults(const json_t *faults)
{
    const json_t *fault = NULL;
    size_t i = 0;

    json_array_foreach(faults, i, fault)
    {
        (void)printf(" [%s]", json_string_value(fault));
    }
}

static void print_status(const struct office *office, const json_t *info)
{
    const json_t *units = json_object_get(info, "units");
    const json_t *unit = NULL;
    size_t i = 0;

    (void)printf("%s  %s", json_string_value(json_object_get(info, "name")),
                 json_string_value(json_object_get(info, "host_url")));
    print_faults(json_object_get(info, "faults"));
    (void)printf("\n");
    json_array_foreach(units, i, unit)
    {
        const json_t *programs = json_object_get(unit, "programs");
        const json_t *program = NULL;
        size_t j = 0;

        (void)printf("  u%d %s", (int)json_integer_value(json_object_get(unit, "unit")),
                     json_is_true(json_object_get(unit, "power"))
                         ? client_text(office, "電源入", "on ")
                         : client_text(office, "電源断", "off"));
        json_array_foreach(programs, j, program)
        {
            const char *state = json_string_value(json_object_get(program, "state"));

            if (state != NULL && strcmp(state, "absent") != 0) {
                (void)printf("  %s %s (%d)", json_string_value(json_object_get(program, "name")),
                             state, (int)json_integer_value(json_object_get(program, "restarts")));
            }
        }
        print_faults(json_object_get(unit, "faults"));
        (void)printf("\n");
    }
}

int office_status(struct office *office, const struct office_options *options)
{
    char awaited[OFFICE_TEXT_BYTES];
    json_t *reply = NULL;
    int r = client_ask(office, json_pack("{s:s}", "do", "info"), &reply);
    bool ready = false;

    if (r < 0) {
        return fail_by_errno(office, options, r);
    }
    ready = client_readiness(office, awaited, sizeof(awaited)) == CLIENT_READY;
    (void)json_object_set_new(reply, "ready", json_boolean(ready));
    (void)json_object_set_new(reply, "awaited", json_string(ready ? "" : awaited));
    if (options->json) {
        client_print_json(reply);
    } else {
        print_status(office, reply);
        (void)printf("  %s%s\n", ready ? client_text(office, "準備完了", "ready") : "",
                     ready ? "" : awaited);
    }
    json_decref(reply);
    return ready ? OFFICE_EXIT_OK : OFFICE_EXIT_REFUSED;
}

/* A unit is said as 1, 2, u1 or u2; 0: this word is none. */
static unsigned place_of(const char *word)
{
    word += word[0] == 'u';
    return (word[0] == '1' || word[0] == '2') && word[1] == '\0' ? (unsigned)(word[0] - '0') : 0;
}

static void read_words(const struct office_options *options, size_t first, unsigned *ret_place,
                       const char **ret_other)
{
    *ret_place = 0;
    *ret_other = NULL;
    for (size_t i = first; i < options->word_count; i++) {
        if (place_of(options->words[i]) != 0) {
            *ret_place = place_of(options->words[i]);
        } else {
            *ret_other = options->words[i];
        }
    }
}

int office_fault(struct office *office, const struct office_options *options)
{
    const char *program = NULL;
    unsigned place = 0;
    json_t *reply = NULL;
    int r = 0;

    if (options->word_count == 0) {
        return client_fail(office, options, OFFICE_EXIT_USAGE, "USAGE",
                           "障害の種類を書いてください。例: toban office fault power 1",
                           "Say which fault, such as: toban office fault power 1");
    }
    read_words(options, 1, &place, &program);
    r = client_ask(office,
                   json_pack("{s:s, s:s, s:i, s:s, s:i, s:i, s:i, s:I}", "do", "fault", "kind",
                             options->words[0], "unit", (int)place, "program",
                             program == NULL ? "toband" : program, "clients",
                             (int)options->clients_place, "dead_s", (int)options->dead_s,
                             "learning_s", (int)options->learning_s, "shift_ms",
                             (json_int_t)options->clock_shift_ms),
                   &reply);
    return r < 0 ? fail_by_errno(office, options, r)
                 : show_reply(office, options, reply, "障害を起こしました。",
                              "The fault is in force.");
}

int office_heal(struct office *office, const struct office_options *options)
{
    const char *other = NULL;
    unsigned place = 0;
    json_t *reply = NULL;
    int r = 0;

    read_words(options, 0, &place, &other);
    if (other != NULL) {
        return client_fail(office, options, OFFICE_EXIT_USAGE, "USAGE",
                           "号機は 1 か 2 です。書かなければすべて直します。",
                           "A unit is 1 or 2. Without one, everything is healed.");
    }
    r = client_ask(office, json_pack("{s:s, s:i}", "do", "heal", "unit", (int)place), &reply);
    return r < 0 ? fail_by_errno(office, options, r)
                 : show_reply(office, options, reply, "直しました。", "Healed.");
}

int office_clock(struct office *office, const struct office_options *options)
{
    json_t *reply = NULL;
    int r = client_ask(
        office,
        json_pack("{s:s, s:I}", "do", "clock", "shift_ms", (json_int_t)options->clock_shift_ms),
        &reply);

    return r < 0 ? fail_by_errno(office, options, r)
                 : show_reply(office, options, reply, "時計を進めました。", "Time has passed.");
}
