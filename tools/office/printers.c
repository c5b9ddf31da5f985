/*
 * The ticket printers of the office on one machine: a toban-printer (tests/printer) for each one that the site file
 * names, on the clients' side of the switch. Tickets come out as pictures in DIR/printerK. Without that program the
 * office has no printers, and visitors take their number from the screen.
 */
#include "tools/office/keeper.h"

#include "base/check.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER_S = 2, EXIT_NO_EXEC = 127, TEXT_BYTES = 64 };

static void printer_path(const struct office *office, uint8_t id, const char *rest,
                         char path[OFFICE_PATH_BYTES])
{
    (void)snprintf(path, OFFICE_PATH_BYTES, "%.180s/printer%u%s", office->run_dir, id, rest);
}

static bool has_program(const struct office *office, char path[OFFICE_PATH_BYTES])
{
    (void)snprintf(path, OFFICE_PATH_BYTES, "%.200s/toban-printer", office->bin_dir);
    return access(path, X_OK) == 0;
}

_Noreturn static void run_printer(const struct office *office, const struct site_printer *printer,
                                  int netns_fd)
{
    char program[OFFICE_PATH_BYTES], out[OFFICE_PATH_BYTES], control[OFFICE_PATH_BYTES];
    char listen_text[TEXT_BYTES];
    const char *argv[] = {program, "--listen",  listen_text, "--out",
                          out,     "--control", control,     NULL};
    sigset_t none;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)has_program(office, program);
    printer_path(office, printer->id, "", out);
    printer_path(office, printer->id, ".sock", control);
    (void)snprintf(listen_text, sizeof(listen_text), "%s:%u", printer->address, printer->port);
    if (setns(netns_fd, CLONE_NEWNET) < 0) {
        _exit(EXIT_NO_EXEC);
    }
    office_close_others(NULL, 0);
    (void)execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(EXIT_NO_EXEC);
}

static int start_printer(struct keeper *keeper, size_t index)
{
    const struct office *office = keeper->office;
    char netns[OFFICE_NAME_BYTES + sizeof("-lan")], program[OFFICE_PATH_BYTES];
    int netns_fd = -1, r;
    pid_t pid;

    if (!has_program(office, program) || keeper->printers[index].pid != 0) {
        return 0;
    }
    office_netns_name(office, "lan", netns, sizeof(netns));
    r = office_netns_open(netns, &netns_fd);
    if (r < 0) {
        return r;
    }
    pid = fork();
    if (pid == 0) {
        run_printer(office, &office->site.printing.printers[index], netns_fd);
    }
    (void)close(netns_fd);
    if (pid < 0) {
        return -errno;
    }
    keeper->printers[index].pid = pid;
    return 0;
}

int keeper_printers_start(struct keeper *keeper)
{
    int r = 0;

    for (size_t i = 0; i < keeper->office->site.printing.printer_count && r == 0; i++) {
        keeper->printers[i].off = false;
        r = start_printer(keeper, i);
    }
    return r;
}

void keeper_printers_stop(struct keeper *keeper)
{
    for (size_t i = 0; i < SITE_PRINTERS_MAX; i++) {
        if (keeper->printers[i].pid != 0) {
            (void)kill(keeper->printers[i].pid, SIGKILL);
            (void)waitpid(keeper->printers[i].pid, NULL, 0);
            keeper->printers[i].pid = 0;
        }
    }
}

/* A printer's program ended: one that nobody switched off is started again when the office heals. */
void keeper_printers_note(struct keeper *keeper, pid_t pid)
{
    for (size_t i = 0; i < SITE_PRINTERS_MAX; i++) {
        if (keeper->printers[i].pid == pid) {
            keeper->printers[i].pid = 0;
            keeper->printers[i].off = true;
        }
    }
}

static int tell(const struct office *office, uint8_t id, const char *order)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval wait = {.tv_sec = ANSWER_S};
    char path[OFFICE_PATH_BYTES], text[OFFICE_TEXT_BYTES];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r = 0;

    printer_path(office, id, ".sock", path);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", path);
    if (fd < 0) {
        return -errno;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        send(fd, order, strlen(order), MSG_NOSIGNAL) < 0) {
        r = -ESRCH;
    } else if (recv(fd, text, sizeof(text), 0) <= 0 || strncmp(text, "{\"ok\":true", 10) != 0) {
        r = -ENOTSUP;
    }
    (void)close(fd);
    return r;
}

static json_t *refuse(int r)
{
    return r == -ENOTSUP
               ? keeper_refuse("NO_SUCH_FAULT",
                               "プリンターの障害は end、near、cover、offline、cutter、jam、silent、"
                               "garbage、off です。",
                               "A printer's faults are end, near, cover, offline, cutter, jam, "
                               "silent, garbage, off.")
               : keeper_refuse("NO_SUCH_PRINTER", "そのプリンターは動いていません。",
                               "That printer is not running.");
}

json_t *keeper_printer_fault(struct keeper *keeper, const char *kind, json_int_t number)
{
    const struct site_printing *printing = &keeper->office->site.printing;

    for (size_t i = 0; i < printing->printer_count; i++) {
        struct keeper_printer *printer = &keeper->printers[i];
        int r = 0;

        if (printing->printers[i].id != (number == 0 ? 1 : number)) {
            continue;
        }
        if (strcmp(kind, "off") == 0 && printer->pid != 0) {
            (void)kill(printer->pid, SIGKILL);
            (void)waitpid(printer->pid, NULL, 0);
            printer->pid = 0;
            printer->off = true;
        } else {
            r = tell(keeper->office, printing->printers[i].id, kind);
        }
        return r < 0 ? refuse(r) : json_pack("{s:b, s:s}", "ok", 1, "fault", kind);
    }
    return refuse(-ESRCH);
}

int keeper_printers_heal(struct keeper *keeper)
{
    const struct site_printing *printing = &keeper->office->site.printing;
    int r = 0;

    for (size_t i = 0; i < printing->printer_count; i++) {
        if (keeper->printers[i].pid != 0) {
            (void)tell(keeper->office, printing->printers[i].id, "heal");
        } else if (keeper->printers[i].off) {
            keeper->printers[i].off = false;
            r = r < 0 ? r : start_printer(keeper, i);
        }
    }
    return r;
}

json_t *keeper_printers_info(const struct keeper *keeper)
{
    const struct site_printing *printing = &keeper->office->site.printing;
    json_t *list = json_array();

    for (size_t i = 0; i < printing->printer_count; i++) {
        const struct site_printer *printer = &printing->printers[i];
        char dir[OFFICE_PATH_BYTES], control[OFFICE_PATH_BYTES];

        printer_path(keeper->office, printer->id, "", dir);
        printer_path(keeper->office, printer->id, ".sock", control);
        (void)json_array_append_new(list, json_pack("{s:i, s:s, s:i, s:s, s:s, s:i}", "id",
                                                    printer->id, "address", printer->address,
                                                    "port", printer->port, "dir", dir, "control",
                                                    control, "pid", (int)keeper->printers[i].pid));
    }
    return list;
}
