/* toban-web: the program around appliance/gateway/gateway.h. Unprivileged; holds no ledger, no key.
 */
#include "appliance/gateway/gateway.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

enum {
    EXIT_USAGE = 2,
    DESCRIPTORS = 2048, /* connections, listeners and what the libraries hold */
};

static const char usage[] =
    "usage: toban-web --engine-socket PATH --listen ADDRESS:PORT [--listen ...]\n"
    "                 [--management ADDRESS:PORT] [--relay-listen ADDRESS:PORT]\n"
    "                 [--relay-peer ADDRESS:PORT] [--web-dir DIR] [--voice DIR] [--host NAME ...]\n"
    "  --engine-socket PATH   toband's socket / toband のソケット\n"
    "  --listen ADDR:PORT     for everybody; [IPv6]:PORT too / 一般用の待受アドレス\n"
    "  --management ADDR:PORT healthz, metrics, operators / 管理用の待受アドレス\n"
    "  --relay-listen ADDR:PORT  from the other unit, on the direct link / 号機間の待受アドレス\n"
    "  --relay-peer ADDR:PORT    the other unit's relay listener / 相手号機の号機間アドレス\n"
    "  --web-dir DIR          the pages / 画面のフォルダー\n"
    "  --voice DIR            a voice pack in place of the built-in one / 差し替える音声パック\n"
    "  --tls-listen ADDR:PORT --tls-cert FILE --tls-key FILE   by TLS / TLSの待受\n"
    "  --plain-listen ADDR:PORT  the public page, else the way to TLS / 公開画面とTLSへの案内\n"
    "  --roles                need credentials / 資格情報を求める\n"
    "  --host NAME            a name that clients may use / 使ってよいホスト名\n";

static int add_listen(struct gateway_config *config, const char *text, bool management)
{
    if (config->listen_count == GATEWAY_LISTENERS_MAX ||
        gateway_listen_parse(text, management, &config->listens[config->listen_count]) < 0) {
        (void)fprintf(
            stderr,
            "toban-web: %s is not an address with a port, such as 10.90.0.10:80; or there "
            "are more than %d.\n"
            "toban-web: 待受アドレスの指定が正しくありません（例 10.90.0.10:80、%d個まで）。\n",
            text, GATEWAY_LISTENERS_MAX, GATEWAY_LISTENERS_MAX);
        return -EINVAL;
    }
    config->listen_count++;
    return 0;
}

static int add_relay(struct gateway_config *config, const char *text)
{
    int r = add_listen(config, text, false);

    if (r == 0) {
        config->listens[config->listen_count - 1].relay = true;
    }
    return r;
}

static int read_option(struct gateway_config *config, int option)
{
    switch (option) {
    case 'e':
        config->engine_socket = optarg;
        return 0;
    case 'l':
        return add_listen(config, optarg, false);
    case 'm':
        return add_listen(config, optarg, true);
    case 'r':
        return add_relay(config, optarg);
    case 'p':
        return gateway_listen_parse(optarg, false, &config->relay_peer);
    case 'w':
        config->web_dir = optarg;
        return 0;
    case 'v':
        config->voice_dir = optarg;
        return 0;
    case 'n':
        if (config->host_count < GATEWAY_HOSTS_MAX) {
            config->hosts[config->host_count++] = optarg;
            return 0;
        }
        return -E2BIG;
    case 'R':
        config->roles = true;
        return 0;
    case 't':
    case 'P':
        if (add_listen(config, optarg, false) < 0) {
            return -EINVAL;
        }
        config->listens[config->listen_count - 1].tls = option == 't';
        config->listens[config->listen_count - 1].plain = option == 'P';
        return 0;
    case 'c':
        config->tls_certificate = optarg;
        return 0;
    case 'k':
        config->tls_key = optarg;
        return 0;
    default:
        return -EINVAL;
    }
}

static int read_options(int argc, char **argv, struct gateway_config *config)
{
    static const struct option options[] = {
        {"engine-socket", required_argument, NULL, 'e'},
        {"listen", required_argument, NULL, 'l'},
        {"management", required_argument, NULL, 'm'},
        {"relay-listen", required_argument, NULL, 'r'},
        {"relay-peer", required_argument, NULL, 'p'},
        {"web-dir", required_argument, NULL, 'w'},
        {"voice", required_argument, NULL, 'v'},
        {"host", required_argument, NULL, 'n'},
        {"roles", no_argument, NULL, 'R'},
        {"tls-listen", required_argument, NULL, 't'},
        {"tls-cert", required_argument, NULL, 'c'},
        {"tls-key", required_argument, NULL, 'k'},
        {"plain-listen", required_argument, NULL, 'P'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'h') {
            (void)fputs(usage, stdout);
            exit(EXIT_SUCCESS);
        }
        if (read_option(config, option) < 0) {
            return -EINVAL;
        }
    }
    return optind == argc && config->engine_socket != NULL && config->listen_count > 0 ? 0
                                                                                       : -EINVAL;
}

/* A thousand connections need more descriptors than the usual soft limit. */
static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < DESCRIPTORS) {
        limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    (void)source;
    (void)info;
    (void)sd_notify(0, "STOPPING=1");
    gateway_stop(userdata);
    return 0;
}

static int report(int r)
{
    (void)fprintf(
        stderr,
        "toban-web: the event loop cannot be had or broke: %s. It is to be started again.\n"
        "toban-web: イベントループを使えないため終了します。起動し直されるのを待ちます。\n",
        strerror(-r));
    return r;
}

static int serve(const struct gateway_config *config)
{
    struct gateway *gateway = NULL;
    int r = gateway_create(config, &gateway);

    if (r < 0) {
        (void)fprintf(
            stderr,
            "toban-web: cannot start: %s. Check the addresses and the page folder.\n"
            "toban-web: 起動できません。待受アドレスと画面のフォルダーを確かめてください。\n",
            strerror(-r));
        return r;
    }
    if (gateway_complaint(gateway)[0] != '\0') {
        (void)fprintf(stderr, "toban-web: %s", gateway_complaint(gateway));
    }
    for (uint32_t i = 0; i < config->listen_count; i++) {
        (void)printf("%s port %u\n",
                     config->listens[i].management ? "management"
                     : config->listens[i].relay    ? "relay"
                                                   : "listen",
                     gateway_port(gateway, i));
    }
    (void)fflush(stdout);
    r = sd_event_add_signal(gateway_event(gateway), NULL, SIGTERM, on_signal, gateway);
    if (r >= 0) {
        r = sd_event_add_signal(gateway_event(gateway), NULL, SIGINT, on_signal, gateway);
    }
    if (r >= 0) {
        r = sd_event_set_watchdog(gateway_event(gateway), true);
    }
    if (r >= 0) {
        (void)sd_notify(0, "READY=1");
        r = gateway_run(gateway);
    }
    gateway_destroy(gateway);
    return r < 0 ? report(r) : 0;
}

int main(int argc, char **argv)
{
    struct gateway_config config = {0};
    sigset_t blocked;

    if (read_options(argc, argv, &config) < 0) {
        (void)fputs(usage, stderr);
        return EXIT_USAGE;
    }
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGTERM);
    (void)sigaddset(&blocked, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &blocked, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    raise_descriptors();
    return serve(&config) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
