/* toban-devices: the program around appliance/devices/devices.h. Unprivileged; holds no ledger, no key. */
#include "appliance/devices/devices.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

enum { EXIT_USAGE = 2, ERROR_TEXT_BYTES = 1024 };

static const char usage[] =
    "usage: toban-devices --engine-socket PATH --site FILE [--fonts DIR]\n"
    "  --engine-socket PATH   toband's socket / toband のソケット\n"
    "  --site FILE            the site file / 設定ファイル\n"
    "  --fonts DIR            fonts, as Debian lays them out / 書体のフォルダー\n";

struct arguments {
    const char *engine_socket, *site, *fonts;
};

static bool read_arguments(int argc, char **argv, struct arguments *arguments)
{
    static const struct option options[] = {
        {"engine-socket", required_argument, NULL, 'e'},
        {"site", required_argument, NULL, 's'},
        {"fonts", required_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'e':
            arguments->engine_socket = optarg;
            break;
        case 's':
            arguments->site = optarg;
            break;
        case 'f':
            arguments->fonts = optarg;
            break;
        case 'h':
            (void)fputs(usage, stdout);
            exit(EXIT_SUCCESS);
        default:
            return false;
        }
    }
    return optind == argc && arguments->engine_socket != NULL && arguments->site != NULL;
}

static struct site *load_site(const char *path)
{
    struct site *site = calloc(1, sizeof(*site));
    struct site_error error;
    char text[ERROR_TEXT_BYTES];

    if (site == NULL || site_load_file(path, site, &error) < 0) {
        if (site != NULL) {
            site_error_to_text(&error, path, true, text, sizeof(text));
            (void)fprintf(stderr, "%s\n", text);
            site_error_to_text(&error, path, false, text, sizeof(text));
            (void)fprintf(stderr, "%s\n", text);
        }
        free(site);
        return NULL;
    }
    return site;
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    (void)source;
    (void)info;
    (void)sd_notify(0, "STOPPING=1");
    return sd_event_exit(userdata, 0);
}

static int serve(const struct arguments *arguments, const struct site *site)
{
    struct devices_options options = {
        .site = site, .engine_socket = arguments->engine_socket, .font_dir = arguments->fonts};
    struct devices *devices = NULL;
    sd_event *event = NULL;
    int r = sd_event_default(&event);

    options.event = event;
    r = r < 0 ? r : sd_event_add_signal(event, NULL, SIGTERM, on_signal, event);
    r = r < 0 ? r : sd_event_add_signal(event, NULL, SIGINT, on_signal, event);
    r = r < 0 ? r : sd_event_set_watchdog(event, true);
    r = r < 0 ? r : devices_create(&options, &devices);
    if (r < 0) {
        (void)fprintf(stderr, "toban-devices: cannot start: %s\ntoban-devices: 起動できません。\n",
                      strerror(-r));
    } else {
        (void)sd_notify(0, "READY=1");
        r = sd_event_loop(event);
    }
    devices_destroy(devices);
    (void)sd_event_unref(event);
    return r;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {0};
    struct site *site;
    sigset_t blocked;
    int r;

    if (!read_arguments(argc, argv, &arguments)) {
        (void)fputs(usage, stderr);
        return EXIT_USAGE;
    }
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGTERM);
    (void)sigaddset(&blocked, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &blocked, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    site = load_site(arguments.site);
    if (site == NULL) {
        return EXIT_FAILURE;
    }
    r = serve(&arguments, site);
    free(site);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
