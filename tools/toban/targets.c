#include "tools/toban/toban.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool copy_text(char *to, size_t capacity_bytes, const char *from)
{
    if (from == NULL || strlen(from) >= capacity_bytes) {
        to[0] = '\0';
        return false;
    }
    memcpy(to, from, strlen(from) + 1);
    return true;
}

bool targets_office_program(char path[TOBAN_PATH_BYTES])
{
    static const char name[] = "toban-office";
    ssize_t len = readlink("/proc/self/exe", path, TOBAN_PATH_BYTES - 1);
    char *slash;

    if (len < 0) {
        return false;
    }
    path[len] = '\0';
    slash = strrchr(path, '/');
    if (slash == NULL || (size_t)(slash + 1 - path) + sizeof(name) > TOBAN_PATH_BYTES) {
        return false;
    }
    memcpy(slash + 1, name, sizeof(name));
    return access(path, X_OK) == 0;
}

bool targets_from_info(const char *text, size_t len_bytes, struct targets *ret_targets)
{
    json_t *info = json_loadb(text, len_bytes, 0, NULL);
    struct targets targets = {0};
    json_t *unit;
    size_t i;

    json_array_foreach(json_object_get(info, "units"), i, unit)
    {
        struct target *target = &targets.list[targets.count];

        if (targets.count == TOBAN_TARGETS_MAX) {
            break;
        }
        target->unit = (unsigned)json_integer_value(json_object_get(unit, "unit"));
        (void)copy_text(target->data_dir, sizeof(target->data_dir),
                        json_string_value(json_object_get(unit, "data_dir")));
        (void)copy_text(target->record_dir, sizeof(target->record_dir),
                        json_string_value(json_object_get(unit, "record_dir")));
        if (copy_text(target->socket, sizeof(target->socket),
                      json_string_value(json_object_get(unit, "socket")))) {
            targets.count++;
        }
    }
    json_decref(info);
    if (targets.count == 0) {
        return false;
    }
    *ret_targets = targets;
    return true;
}

/* Runs `toban-office info` and reads what it says: its length, or negative errno. */
static ssize_t read_info(const char *program, const char *name, char *text, size_t capacity_bytes)
{
    const char *const argv[] = {program, "info", "--name", name, "--json", NULL};
    size_t len = 0;
    int fds[2];
    int status = 0;
    pid_t pid;

    if (pipe(fds) < 0) {
        return -errno;
    }
    pid = fork();
    if (pid == 0) {
        (void)dup2(fds[1], STDOUT_FILENO);
        (void)close(fds[0]);
        (void)close(fds[1]);
        (void)execv(program, (char *const *)argv);
        _exit(127);
    }
    (void)close(fds[1]);
    while (pid > 0 && len < capacity_bytes) {
        ssize_t got = read(fds[0], text + len, capacity_bytes - len);

        if (got == 0 || (got < 0 && errno != EINTR)) {
            break;
        }
        len += got > 0 ? (size_t)got : 0;
    }
    (void)close(fds[0]);
    if (pid < 0 || waitpid(pid, &status, 0) < 0) {
        return -errno;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? (ssize_t)len : -ENOENT;
}

static int no_unit(const struct toban *toban, const char *ja, const char *en)
{
    (void)fprintf(toban->err, "toban: %s\n", text_choose(toban, ja, en));
    return TOBAN_UNREACHABLE;
}

static int find_office(const struct toban *toban, struct targets *ret_targets)
{
    char program[TOBAN_PATH_BYTES];
    char *text;
    ssize_t len;
    bool found;

    if (!targets_office_program(program)) {
        return no_unit(toban, "号機が見つかりません。--socket で号機のソケットを指定してください。",
                       "no unit found; name a unit's socket with --socket.");
    }
    text = malloc(TOBAN_INFO_BYTES_MAX);
    if (text == NULL) {
        return no_unit(toban, "メモリが足りません。", "out of memory.");
    }
    len =
        read_info(program, toban->name != NULL ? toban->name : "toban", text, TOBAN_INFO_BYTES_MAX);
    found = len > 0 && targets_from_info(text, (size_t)len, ret_targets);
    free(text);
    if (!found) {
        return no_unit(toban,
                       "このPCの上で動いている窓口がありません。toban office up で始められます。",
                       "no office is running on this machine; start one with: toban office up");
    }
    return TOBAN_OK;
}

static int find_all(const struct toban *toban, struct targets *ret_targets)
{
    const char *path = toban->socket;

    if (path == NULL && toban->name == NULL) {
        path = getenv("TOBAN_SOCKET");
    }
    if ((path == NULL || path[0] == '\0') && toban->name == NULL &&
        access(TOBAN_UNIT_SOCKET, F_OK) == 0) {
        path = TOBAN_UNIT_SOCKET;
    }
    if (path == NULL || path[0] == '\0') {
        return find_office(toban, ret_targets);
    }
    *ret_targets = (struct targets){.count = 1};
    ret_targets->list[0].unit = toban->unit;
    if (!copy_text(ret_targets->list[0].socket, TOBAN_PATH_BYTES, path)) {
        return no_unit(toban, "ソケットの場所が長すぎます。", "the socket's path is too long.");
    }
    return TOBAN_OK;
}

int targets_find(const struct toban *toban, struct targets *ret_targets)
{
    int r = find_all(toban, ret_targets);

    if (r != TOBAN_OK || toban->unit == 0) {
        return r;
    }
    for (size_t i = 0; i < ret_targets->count; i++) {
        if (ret_targets->list[i].unit == toban->unit) {
            ret_targets->list[0] = ret_targets->list[i];
            ret_targets->count = 1;
            return TOBAN_OK;
        }
    }
    return no_unit(toban, "その番号の号機はここにありません。",
                   "there is no unit of that number here.");
}
