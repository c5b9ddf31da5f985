/* `--relay`: the public page on another host (docs/PUBLIC.md), here a process in the clients' namespace that the keeper
 * owns; what feeds it runs on each unit (OFFICE_FEED). */
#include "tools/office/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_NO_EXEC = 127, DIRECTORY_MODE = 0755, LOG_MODE = 0644 };

static void relay_path(const struct office *office, const char *rest, char path[OFFICE_PATH_BYTES])
{
    (void)snprintf(path, OFFICE_PATH_BYTES, "%.180s/relay/%s", office->run_dir, rest);
}

_Noreturn static void run_relay(const struct office *office, int netns_fd)
{
    char program[OFFICE_PATH_BYTES], state[OFFICE_PATH_BYTES], ca[OFFICE_PATH_BYTES];
    char certificate[OFFICE_PATH_BYTES], key[OFFICE_PATH_BYTES], log[OFFICE_PATH_BYTES];
    static const char feed[] = OFFICE_RELAY_FEED;
    static const char page[] = OFFICE_RELAY_PAGE;
    const char *argv[] = {
        program,     "--relay",       "--feed-listen", feed,         "--tls-listen",
        page,        "--tls-cert",    certificate,     "--tls-key",  key,
        "--web-dir", office->web_dir, "--state-dir",   state,        "--feed-ca",
        ca,          "--feed-cert",   certificate,     "--feed-key", key,
        NULL};
    sigset_t none;
    int log_fd;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)office_program_path(office, OFFICE_WEB, program);
    relay_path(office, "state", state);
    relay_path(office, "ca.crt", ca);
    relay_path(office, "relay.crt", certificate);
    relay_path(office, "relay.key", key);
    relay_path(office, "log", log);
    if (setns(netns_fd, CLONE_NEWNET) < 0) {
        _exit(EXIT_NO_EXEC);
    }
    office_close_others(NULL, 0);
    log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND, LOG_MODE);
    (void)dup2(log_fd, STDOUT_FILENO);
    (void)dup2(log_fd, STDERR_FILENO);
    (void)execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(EXIT_NO_EXEC);
}

int keeper_relay_start(struct keeper *keeper)
{
    const struct office *office = keeper->office;
    char netns[OFFICE_NAME_BYTES + sizeof("-lan")], state[OFFICE_PATH_BYTES];
    int netns_fd = -1, r;

    if (!office->relay || keeper->relay_pid != 0) {
        return 0;
    }
    relay_path(office, "state", state);
    if (mkdir(state, DIRECTORY_MODE) < 0 && errno != EEXIST) {
        return -errno;
    }
    office_netns_name(office, "lan", netns, sizeof(netns));
    r = office_netns_open(netns, &netns_fd);
    if (r < 0) {
        return r;
    }
    keeper->relay_pid = fork();
    if (keeper->relay_pid == 0) {
        run_relay(office, netns_fd);
    }
    (void)close(netns_fd);
    r = keeper->relay_pid < 0 ? -errno : 0;
    keeper->relay_pid = r < 0 ? 0 : keeper->relay_pid;
    return r;
}

void keeper_relay_stop(struct keeper *keeper)
{
    if (keeper->relay_pid != 0) {
        (void)kill(keeper->relay_pid, SIGKILL);
        (void)waitpid(keeper->relay_pid, NULL, 0);
        keeper->relay_pid = 0;
    }
}

/* It is started again, as a service manager would. */
void keeper_relay_note(struct keeper *keeper, pid_t pid)
{
    if (pid == keeper->relay_pid) {
        keeper->relay_pid = 0;
        (void)keeper_relay_start(keeper);
    }
}

/* null: there is none. */
json_t *keeper_relay_info(const struct keeper *keeper)
{
    char state[OFFICE_PATH_BYTES], log[OFFICE_PATH_BYTES];

    if (!keeper->office->relay) {
        return json_pack("n"); /* json_null is the engine's own writer in this program (json.h) */
    }
    relay_path(keeper->office, "state", state);
    relay_path(keeper->office, "log", log);
    return json_pack("{s:s, s:s, s:s, s:s, s:i}", "url", "https://" OFFICE_RELAY_PAGE, "name",
                     "toban-relay", "state_dir", state, "log", log, "pid", (int)keeper->relay_pid);
}
