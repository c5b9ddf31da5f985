/* Names, paths, files and commands of an office. See office.h. */
#include "tools/office/office.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    MS_PER_S = 1000,
    NS_PER_MS = 1000000,
    TREE_DEPTH_FDS = 32,
    EXIT_NO_EXEC = 127,
    FILE_MODE_DIR = 0755,
};

const char *office_program_name(enum office_program program)
{
    switch (program) {
    case OFFICE_COROSYNC:
        return "corosync";
    case OFFICE_NET:
        return "toban-net";
    case OFFICE_TOBAND:
        return "toband";
    case OFFICE_WEB:
        return "toban-web";
    case OFFICE_DEVICES:
        return "toban-devices";
    case OFFICE_FEED:
        return "toban-feed";
    case OFFICE_PROGRAM_COUNT:
        break;
    }
    return "";
}

int office_fail(struct office_error *ret_error, int r, const char *ja, const char *en, ...)
{
    va_list arguments;
    va_list again;

    va_start(arguments, en);
    va_copy(again, arguments);
    (void)vsnprintf(ret_error->ja, sizeof(ret_error->ja), ja, arguments);
    (void)vsnprintf(ret_error->en, sizeof(ret_error->en), en, again);
    va_end(again);
    va_end(arguments);
    return r;
}

bool office_name_is_valid(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > OFFICE_NAME_LEN_MAX || name[0] == '-') {
        return false;
    }
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* A disk in memory would make every durability figure a lie. */
static bool is_in_memory(const char *path)
{
    struct statfs stat;

    return statfs(path, &stat) == 0 && stat.f_type == TMPFS_MAGIC;
}

static void find_directories(struct office *office)
{
    const char *base = getenv("TOBAN_OFFICE_DIR");
    const char *disks = base;

    if (base == NULL || base[0] == '\0') {
        base = "/run/toban-office";
        disks = is_in_memory("/run") ? "/var/lib/toban-office" : base;
    }
    (void)snprintf(office->base_dir, sizeof(office->base_dir), "%s", base);
    (void)snprintf(office->run_dir, sizeof(office->run_dir), "%.200s/%s", base, office->name);
    (void)snprintf(office->disk_dir, sizeof(office->disk_dir), "%.200s/%s/disks", disks,
                   office->name);
}

static bool directory_exists(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Programs are looked for beside this one; pages where the build or the appliance puts them. */
static void find_programs(struct office *office)
{
    static const char *const web_dirs[] = {"../../web", "../../../appliance/gateway/web"};
    const char *bin = getenv("TOBAN_OFFICE_BINDIR");
    char own[OFFICE_PATH_BYTES] = "";
    char web[OFFICE_PATH_BYTES * 2];
    char *slash = NULL;
    ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);

    own[len < 0 ? 0 : len] = '\0';
    slash = strrchr(own, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    (void)snprintf(office->bin_dir, sizeof(office->bin_dir), "%s",
                   bin != NULL && bin[0] != '\0' ? bin : own);
    (void)snprintf(office->web_dir, sizeof(office->web_dir), "/usr/share/toban/web");
    for (size_t i = 0; i < ARRAY_COUNT(web_dirs); i++) {
        char real[PATH_MAX];

        (void)snprintf(web, sizeof(web), "%s/%s", own, web_dirs[i]);
        if (directory_exists(web) && realpath(web, real) != NULL &&
            strlen(real) < sizeof(office->web_dir)) {
            memcpy(office->web_dir, real, strlen(real) + 1);
            break;
        }
    }
    (void)snprintf(office->site_path, sizeof(office->site_path), "/etc/toban/site.yaml");
    (void)snprintf(web, sizeof(web), "%s/../../../image/site-default.yaml", own);
    if (strlen(web) < sizeof(office->site_path) && access(web, R_OK) == 0) {
        memcpy(office->site_path, web, strlen(web) + 1);
    }
}

int office_init(struct office *office, const char *name, struct office_error *ret_error)
{
    static const char longest_socket[] = "/u1/notify/toban-net.sock";
    struct sockaddr_un address;

    if (!office_name_is_valid(name)) {
        return office_fail(
            ret_error, -EINVAL, "名前は英小文字、数字、「-」で %d 文字までにしてください。",
            "A name is at most %d lower-case letters, digits and \"-\".", OFFICE_NAME_LEN_MAX);
    }
    (void)snprintf(office->name, sizeof(office->name), "%s", name);
    find_directories(office);
    find_programs(office);
    if (strlen(office->run_dir) + sizeof(longest_socket) > sizeof(address.sun_path)) {
        return office_fail(
            ret_error, -ENAMETOOLONG, "TOBAN_OFFICE_DIR が長すぎます。短い場所にしてください: %s",
            "TOBAN_OFFICE_DIR is too long. Choose a shorter place: %s", office->run_dir);
    }
    office->unit_count = OFFICE_UNITS_MAX;
    office->disk = OFFICE_DISK_LOOP;
    office->disk_mib = OFFICE_DISK_MIB_DEFAULT;
    office->host_port = strcmp(name, OFFICE_NAME_DEFAULT) == 0 ? OFFICE_HOST_PORT_DEFAULT : 0;
    return 0;
}

void office_unit_path(const struct office *office, unsigned place, const char *rest,
                      char path[OFFICE_PATH_BYTES])
{
    CHECK(place >= 1 && place <= OFFICE_UNITS_MAX);
    (void)snprintf(path, OFFICE_PATH_BYTES, "%.160s/u%u%s%.80s", office->run_dir, place,
                   rest[0] == '\0' ? "" : "/", rest);
}

void office_netns_name(const struct office *office, const char *part, char *name, size_t capacity)
{
    (void)snprintf(name, capacity, "%s-%s", office->name, part);
}

bool office_program_path(const struct office *office, enum office_program program,
                         char path[OFFICE_PATH_BYTES])
{
    (void)snprintf(path, OFFICE_PATH_BYTES, "%.220s/%s", office->bin_dir,
                   office_program_name(program == OFFICE_FEED ? OFFICE_WEB : program));
    if (access(path, X_OK) == 0) {
        return true;
    }
    (void)snprintf(path, OFFICE_PATH_BYTES, "/usr/sbin/corosync");
    return program == OFFICE_COROSYNC && access(path, X_OK) == 0;
}

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;

    CHECK(clock_gettime(clock, &now) == 0);
    return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS;
}

int64_t office_monotonic_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

int64_t office_realtime_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

int office_write_file(const char *path, const void *bytes, size_t len_bytes, mode_t mode)
{
    char next[OFFICE_PATH_BYTES + 8];
    int fd = -1;
    ssize_t put = 0;

    (void)snprintf(next, sizeof(next), "%s.new", path);
    fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0) {
        return -errno;
    }
    put = write(fd, bytes, len_bytes);
    if (close(fd) < 0 || put != (ssize_t)len_bytes || rename(next, path) < 0) {
        int r = put >= 0 && put != (ssize_t)len_bytes ? -ENOSPC : -errno;

        (void)unlink(next);
        return r;
    }
    return 0;
}

ssize_t office_read_file(const char *path, char *text, size_t capacity_bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = 0;

    if (fd < 0) {
        return -errno;
    }
    len = read(fd, text, capacity_bytes - 1);
    if (len < 0) {
        len = -errno;
    } else {
        text[len] = '\0';
    }
    (void)close(fd);
    return len;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

int office_remove_tree(const char *path)
{
    if (access(path, F_OK) < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    return nftw(path, remove_one, TREE_DEPTH_FDS, FTW_PHYS | FTW_DEPTH | FTW_MOUNT) < 0 ? -errno
                                                                                        : 0;
}

static void make_ready_to_exec(const char *netns, int in, int err)
{
    sigset_t none;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (netns != NULL) {
        int fd = -1;

        if (office_netns_open(netns, &fd) < 0 || setns(fd, CLONE_NEWNET) < 0) {
            _exit(EXIT_NO_EXEC);
        }
    }
    (void)dup2(in, STDIN_FILENO);
    (void)dup2(err, STDOUT_FILENO);
    (void)dup2(err, STDERR_FILENO);
    (void)close_range(STDERR_FILENO + 1, ~0U, 0);
}

static void collect(int fd, char *said, size_t said_bytes)
{
    char rest[256];
    size_t len = 0;

    for (;;) {
        bool room = said != NULL && len + 1 < said_bytes;
        ssize_t got =
            room ? read(fd, said + len, said_bytes - 1 - len) : read(fd, rest, sizeof(rest));

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        len += room ? (size_t)got : 0;
    }
    if (said != NULL && said_bytes > 0) {
        said[len] = '\0';
        said[strcspn(said, "\n")] = '\0';
    }
}

static int wait_for(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return -errno;
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int office_command(const char *netns, const char *const argv[], const char *input, char *said,
                   size_t said_bytes)
{
    int in[2] = {-1, -1};
    int out[2] = {-1, -1};
    pid_t pid = 0;

    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0) {
        return -errno;
    }
    pid = fork();
    if (pid == 0) {
        make_ready_to_exec(netns, in[0], out[1]);
        (void)execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(EXIT_NO_EXEC);
    }
    (void)close(in[0]);
    (void)close(out[1]);
    if (pid > 0 && input != NULL) {
        /* Inputs are shorter than a pipe holds: this never blocks. */
        (void)!write(in[1], input, strlen(input));
    }
    (void)close(in[1]);
    if (pid > 0) {
        collect(out[0], said, said_bytes);
    }
    (void)close(out[0]);
    return pid < 0 ? -errno : wait_for(pid);
}

void office_close_others(const int *keep, size_t keep_count)
{
    int first = STDERR_FILENO + 1;

    for (;;) {
        int next = INT32_MAX;

        for (size_t i = 0; i < keep_count; i++) {
            next = keep[i] >= first && keep[i] < next ? keep[i] : next;
        }
        if (next == INT32_MAX) {
            (void)close_range((unsigned)first, ~0U, 0);
            return;
        }
        if (next > first) {
            (void)close_range((unsigned)first, (unsigned)next - 1, 0);
        }
        first = next + 1;
    }
}
