/* Bringing an office up, and keeping it in the foreground. */
#include "tools/office/client.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    MS_PER_S = 1000,
    MINUTES_PER_HOUR = 60,
    READY_POLL_MS = 50,
    RUN_POLL_MS = 1000,
    PROGRESS_BYTES = 2 * OFFICE_TEXT_BYTES,
};

struct starting {
    struct office *office;
    const struct office_options *options;
    int signal_fd;
    int progress_fd;
    pid_t keeper;
    bool on_terminal;
};

static void show_step(const struct starting *starting, const char *text)
{
    if (starting->on_terminal && !starting->options->json) {
        (void)fprintf(stderr, "\r\033[K%s %s", starting->office->name, text);
        (void)fflush(stderr);
    }
}

static void end_steps(const struct starting *starting)
{
    if (starting->on_terminal && !starting->options->json) {
        (void)fprintf(stderr, "\r\033[K");
    }
}

/* "2026-11-24T08:20" in local time of the site. */
static bool parse_at(const char *text, const struct calendar *calendar, int64_t *ret_epoch_ms)
{
    char date[sizeof("yyyy-mm-dd")];
    uint32_t day = 0;
    uint16_t minute = 0;

    if (strlen(text) != strlen("yyyy-mm-ddThh:mm") || text[sizeof(date) - 1] != 'T') {
        return false;
    }
    (void)snprintf(date, sizeof(date), "%.10s", text);
    if (!site_parse_date(date, &day) || !site_parse_minute(text + sizeof(date), &minute)) {
        return false;
    }
    *ret_epoch_ms = calendar_epoch_ms_from(calendar, day, minute);
    return true;
}

/* Without --at: now while the office is open, else the next opening. */
static int choose_clock(struct office *office, const struct office_options *options)
{
    struct calendar *calendar = malloc(sizeof(*calendar));
    struct calendar_state state;
    int64_t now_ms = office_realtime_ms();
    int64_t at_ms = now_ms;
    int r = calendar == NULL ? -ENOMEM : 0;

    if (r == 0) {
        site_fill_calendar(&office->site, calendar);
        calendar_get_state(calendar, now_ms, &state);
        if (options->at != NULL) {
            r = parse_at(options->at, calendar, &at_ms) ? 0 : -EINVAL;
        } else if (state.level != CALENDAR_OPEN && state.next_opening_ms != CALENDAR_NEVER_MS) {
            at_ms = state.next_opening_ms;
        }
        office->clock_offset_ms = at_ms - now_ms;
    }
    free(calendar);
    return r;
}

static void warn_of_other_addresses(const struct office *office,
                                    const struct office_options *options)
{
    if (!options->json && strcmp(office->site.floating_address, OFFICE_FLOATING) != 0) {
        (void)fprintf(stderr, "toban-office: %s\n",
                      client_text(office,
                                  "設定ファイルのアドレスは使わず、10.90.0.10 で動かします。",
                                  "The site file's addresses are not used here: this office is at "
                                  "10.90.0.10."));
    }
}

static int load_site(struct office *office, const struct office_options *options)
{
    struct site_error error;
    char ja[SITE_ERROR_TEXT_BYTES * 2];
    char en[SITE_ERROR_TEXT_BYTES * 2];

    if (options->site != NULL) {
        char whole[PATH_MAX]; /* the keeper works from / */
        const char *path = realpath(options->site, whole) == NULL ? options->site : whole;

        if (strlen(path) >= sizeof(office->site_path)) {
            return client_fail(office, options, OFFICE_EXIT_USAGE, "USAGE",
                               "設定ファイルの名前が長すぎます。",
                               "The site file's name is too long.");
        }
        memcpy(office->site_path, path, strlen(path) + 1);
    }
    if (site_load_file(office->site_path, &office->site, &error) < 0) {
        site_error_to_text(&error, office->site_path, true, ja, sizeof(ja));
        site_error_to_text(&error, office->site_path, false, en, sizeof(en));
        return client_fail(office, options, OFFICE_EXIT_REFUSED, "BAD_SITE", ja, en);
    }
    if (office->site.unit_count < office->unit_count) {
        return client_fail(office, options, OFFICE_EXIT_REFUSED, "BAD_SITE",
                           "設定ファイルに号機が一台しかありません。--units 1 で始めてください。",
                           "The site file has one unit only. Start with --units 1.");
    }
    warn_of_other_addresses(office, options);
    if (choose_clock(office, options) < 0) {
        return client_fail(office, options, OFFICE_EXIT_USAGE, "USAGE",
                           "--at は 2026-11-24T08:20 のように書いてください。",
                           "Write --at like 2026-11-24T08:20.");
    }
    return OFFICE_EXIT_OK;
}

/* A lone unit does without corosync, and without the address helper when there is none yet. */
static int find_programs(struct office *office, const struct office_options *options)
{
    char path[OFFICE_PATH_BYTES];
    char ja[OFFICE_TEXT_BYTES * 2];
    char en[OFFICE_TEXT_BYTES * 2];
    bool pair = office->unit_count == OFFICE_UNITS_MAX;

    for (unsigned i = 0; i < OFFICE_PROGRAM_COUNT; i++) {
        enum office_program program = (enum office_program)i;
        bool present = office_program_path(office, program, path);

        office->program_present[i] = present && (pair || program != OFFICE_COROSYNC) &&
                                     (office->relay || program != OFFICE_FEED);
        if (!present && program != OFFICE_DEVICES && program != OFFICE_FEED &&
            (pair || program == OFFICE_TOBAND || program == OFFICE_WEB)) {
            (void)snprintf(ja, sizeof(ja), "%s がありません（%s）。先に make を実行してください。",
                           office_program_name(program), office->bin_dir);
            (void)snprintf(en, sizeof(en), "%s is missing (%s). Run make first.",
                           office_program_name(program), office->bin_dir);
            return client_fail(office, options, OFFICE_EXIT_REFUSED, "NO_PROGRAM", ja, en);
        }
    }
    return OFFICE_EXIT_OK;
}

/* In the child: nothing of the caller's terminal or pipes stays open. */
_Noreturn static void become_keeper(struct office *office, int progress_fd, int lock_fd)
{
    int keep[] = {progress_fd, lock_fd};

    (void)setsid();
    (void)chdir("/");
    office_close_others(keep, ARRAY_COUNT(keep));
    _exit(office_keeper_run(office, progress_fd) < 0 ? 1 : 0);
}

static int start_keeper(struct starting *starting)
{
    struct office *office = starting->office;
    struct office_error error = {0};
    int pipe_fds[2] = {-1, -1};
    int lock_fd = -1;
    int r = office_lock(office, &lock_fd);

    if (r == -EBUSY) {
        return client_fail(
            office, starting->options, OFFICE_EXIT_REFUSED, "ALREADY_UP",
            "この名前の事務所はもう動いています。別の --name にするか、down してください。",
            "An office of this name is up already. Use another --name, or down.");
    }
    r = r < 0 ? r : office_clean(office, false, &error);
    r = r < 0 ? r : (pipe2(pipe_fds, O_CLOEXEC) < 0 ? -errno : 0);
    if (r == 0) {
        starting->keeper = fork();
        if (starting->keeper == 0) {
            become_keeper(office, pipe_fds[1], lock_fd);
        }
        r = starting->keeper < 0 ? -errno : 0;
        (void)close(pipe_fds[1]);
        starting->progress_fd = pipe_fds[0];
    }
    if (lock_fd >= 0) {
        (void)close(lock_fd);
    }
    return r == 0 ? OFFICE_EXIT_OK
                  : client_fail(office, starting->options, OFFICE_EXIT_REFUSED, "FAILED",
                                error.ja[0] == '\0' ? strerror(-r) : error.ja,
                                error.en[0] == '\0' ? strerror(-r) : error.en);
}

static int take_down(const struct starting *starting)
{
    struct office_options quiet = {.json = false};

    (void)kill(starting->keeper, SIGTERM);
    (void)waitpid(starting->keeper, NULL, 0);
    (void)freopen("/dev/null", "w", stdout);
    (void)office_down(starting->office, &quiet);
    return OFFICE_EXIT_INTERRUPTED;
}

/* Waits for input on fd (-1: none) or an interrupt. -EINTR: interrupted, 1: input, 0: time is up.
 */
static int wait_for(const struct starting *starting, int fd, int timeout_ms)
{
    struct pollfd fds[] = {{.fd = starting->signal_fd, .events = POLLIN},
                           {.fd = fd, .events = POLLIN}};

    (void)poll(fds, ARRAY_COUNT(fds), timeout_ms);
    return fds[0].revents != 0 ? -EINTR : fds[1].revents != 0;
}

static int fail_to_start(const struct starting *starting, char *line)
{
    char *tab = strchr(line, '\t');
    const char *ja = line;
    const char *en = tab == NULL ? line : tab + 1;

    if (tab != NULL) {
        *tab = '\0';
    }
    (void)waitpid(starting->keeper, NULL, 0);
    return client_fail(starting->office, starting->options, OFFICE_EXIT_REFUSED, "FAILED", ja, en);
}

/* Until the keeper has started the units and closes its end. */
static int follow_progress(const struct starting *starting)
{
    char line[PROGRESS_BYTES];
    size_t len = 0;

    for (;;) {
        int r = wait_for(starting, starting->progress_fd, -1);

        if (r == -EINTR) {
            return take_down(starting);
        }
        if (read(starting->progress_fd, line + len, 1) != 1) {
            int status = 0;

            return waitpid(starting->keeper, &status, WNOHANG) == 0
                       ? OFFICE_EXIT_OK
                       : client_fail(starting->office, starting->options, OFFICE_EXIT_REFUSED,
                                     "FAILED", "管理プロセスが終了しました。",
                                     "The keeper has ended.");
        }
        if (line[len] != '\n' && len + 2 < sizeof(line)) {
            len++;
            continue;
        }
        line[len] = '\0';
        len = 0;
        if (line[0] == '!') {
            end_steps(starting);
            return fail_to_start(starting, line + 1);
        }
        char *tab = strchr(line, '\t');
        if (tab != NULL) {
            *tab = '\0';
            show_step(starting, client_text(starting->office, line, tab + 1));
        }
    }
}

/* A lone unit that is not needed yet serves nobody: `info` asks again. */
static bool are_founded(const struct office *office)
{
    int r = client_found_credentials(office);

    return r == 0 || (r == -EAGAIN && office->unit_count == 1);
}

static int wait_until_ready(const struct starting *starting)
{
    const struct office *office = starting->office;
    char awaited[OFFICE_TEXT_BYTES] = "";
    char ja[OFFICE_TEXT_BYTES * 2];
    char en[OFFICE_TEXT_BYTES * 2];
    int64_t until_ms = office_monotonic_ms() + (int64_t)starting->options->timeout_s * MS_PER_S;

    while (office_monotonic_ms() < until_ms) {
        enum client_wait wait = client_readiness(office, awaited, sizeof(awaited));

        if (wait == CLIENT_READY && are_founded(office)) {
            end_steps(starting);
            return OFFICE_EXIT_OK;
        }
        if (wait == CLIENT_GONE) {
            break;
        }
        show_step(starting, awaited);
        if (wait_for(starting, -1, READY_POLL_MS) == -EINTR) {
            end_steps(starting);
            return take_down(starting);
        }
    }
    end_steps(starting);
    (void)snprintf(ja, sizeof(ja),
                   "%u 秒たっても準備ができません（%s）。記録は %s/u1/log にあります。",
                   starting->options->timeout_s, awaited, office->run_dir);
    (void)snprintf(en, sizeof(en), "Not ready after %u s (%s). The logs are in %s/u1/log.",
                   starting->options->timeout_s, awaited, office->run_dir);
    return client_fail(office, starting->options, OFFICE_EXIT_REFUSED, "NOT_READY", ja, en);
}

static int bring_up(struct starting *starting)
{
    struct office *office = starting->office;
    sigset_t watched;
    int r = load_site(office, starting->options);

    r = r != OFFICE_EXIT_OK ? r : find_programs(office, starting->options);
    if (r != OFFICE_EXIT_OK) {
        return r;
    }
    (void)sigemptyset(&watched);
    (void)sigaddset(&watched, SIGINT);
    (void)sigaddset(&watched, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &watched, NULL);
    starting->signal_fd = signalfd(-1, &watched, SFD_CLOEXEC);
    starting->on_terminal = isatty(STDERR_FILENO) == 1;
    r = start_keeper(starting);
    r = r != OFFICE_EXIT_OK ? r : follow_progress(starting);
    return r != OFFICE_EXIT_OK ? r : wait_until_ready(starting);
}

int office_up(struct office *office, const struct office_options *options)
{
    struct starting starting = {.office = office, .options = options};
    int r = bring_up(&starting);

    return r != OFFICE_EXIT_OK ? r : office_info(office, options);
}

/* A link for each page, with this office's own credential behind the #, which no server is sent. One browser is one
 * person and one device: other pages in other windows of it are the same ones. */
static void print_urls(const struct office *office)
{
    static const struct {
        const char *page, *role, *ja, *en;
    } pages[] = {
        {"/kiosk", "kiosk", "番号発券機", "kiosk"},
        {"/counter", "counter", "呼出端末", "call terminal"},
        {"/board", "board", "表示盤", "board"},
        {"/admin", "administrator", "管理者", "administrator"},
    };
    json_t *info = NULL;
    const json_t *credentials = NULL;
    const char *url = NULL;

    if (client_ask(office, json_pack("{s:s}", "do", "info"), &info) < 0) {
        return;
    }
    url = json_string_value(json_object_get(info, "host_url"));
    credentials = json_object_get(info, "credentials");
    (void)printf("%s\n", client_text(office, "事務所が動いています。画面を開くリンク:",
                                     "The office is up. A link for each page:"));
    for (size_t i = 0; i < ARRAY_COUNT(pages); i++) {
        (void)printf("  %-14s %s/enter?to=%s#%s\n", client_text(office, pages[i].ja, pages[i].en),
                     url, pages[i].page,
                     json_string_value(json_object_get(credentials, pages[i].role)));
    }
    (void)printf("  %-14s http%s/status\n", client_text(office, "公開画面", "public page"),
                 url + strlen("https"));
    (void)printf(
        "%s\n  %s\n%s\n",
        client_text(office, "ブラウザーに信頼させる認証局（なければ警告が出ます）:",
                    "The authority that a browser is to trust, else it warns:"),
        json_string_value(json_object_get(info, "ca_file")),
        client_text(office, "終わるときは Ctrl-C を押してください。", "Press Ctrl-C to end it."));
    (void)fflush(stdout);
    json_decref(info);
}

int office_run(struct office *office, const struct office_options *options)
{
    struct starting starting = {.office = office, .options = options};
    char awaited[OFFICE_TEXT_BYTES];
    int r = bring_up(&starting);

    if (r != OFFICE_EXIT_OK) {
        return r;
    }
    print_urls(office);
    while (wait_for(&starting, -1, RUN_POLL_MS) != -EINTR) {
        enum client_wait wait = client_readiness(office, awaited, sizeof(awaited));

        if (wait == CLIENT_GONE) {
            return client_fail(office, options, OFFICE_EXIT_REFUSED, "GONE",
                               "事務所が終わりました。", "The office has ended.");
        }
        show_step(&starting,
                  wait == CLIENT_READY ? client_text(office, "準備完了", "ready") : awaited);
    }
    end_steps(&starting);
    (void)take_down(&starting);
    return OFFICE_EXIT_OK;
}
