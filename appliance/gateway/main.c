/* toban-web: the program around appliance/gateway/gateway.h. Unprivileged; holds no ledger, no key.
 */
#include "appliance/gateway/feed.h"
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

enum {
    OPTION_RELAY = 256, /* beyond every letter */
    OPTION_FEED,
    OPTION_FEED_LISTEN,
    OPTION_FEED_CA,
    OPTION_FEED_CERT,
    OPTION_FEED_KEY,
    OPTION_FEED_PEER,
    OPTION_STATE_DIR,
};

static const char FEED_NAME_OF_PAIR[] = "toban-feed";
static const char FEED_NAME_OF_RELAY[] = "toban-relay";

static const char usage[] =
    "usage: toban-web --engine-socket PATH --tls-listen ADDRESS:PORT [--plain-listen ...]\n"
    "                 [--management ADDRESS:PORT] [--relay-listen ADDRESS:PORT]\n"
    "                 [--relay-peer ADDRESS:PORT] [--web-dir DIR] [--voice DIR] [--host NAME ...]\n"
    "  --engine-socket PATH   toband's socket / toband のソケット\n"
    "  --listen ADDR:PORT     without TLS, on loopback alone / TLSなし（この装置の中だけ）\n"
    "  --management ADDR:PORT healthz, metrics, operators / 管理用の待受アドレス\n"
    "  --relay-listen ADDR:PORT  from the other unit, on the direct link / 号機間の待受アドレス\n"
    "  --relay-peer ADDR:PORT    the other unit's relay listener / 相手号機の号機間アドレス\n"
    "  --web-dir DIR          the pages / 画面のフォルダー\n"
    "  --voice DIR            a voice pack in place of the built-in one / 差し替える音声パック\n"
    "  --tls-listen ADDR:PORT --tls-cert FILE --tls-key FILE   by TLS / TLSの待受\n"
    "  --plain-listen ADDR:PORT  the public page, else the way to TLS / 公開画面とTLSへの案内\n"
    "  --relay --feed-listen ADDR:PORT --state-dir DIR   the public page on another host\n"
    "  --feed ADDR:PORT       from a unit to that relay / 別ホストの中継へ送り出す\n"
    "  --feed-ca FILE --feed-cert FILE --feed-key FILE [--feed-peer NAME]   both\n"
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

struct options {
    struct gateway_config config;
    struct feed_in_options feed_in;
    struct feed_out_options feed_out;
    struct feed_tls_options tls;
    bool relay, feeds;
};

static int read_feed_option(struct options *options, int option)
{
    switch (option) {
    case OPTION_RELAY:
        options->relay = true;
        return 0;
    case OPTION_FEED:
        options->feeds = true;
        return gateway_listen_parse(optarg, false, &options->feed_out.relay);
    case OPTION_FEED_LISTEN:
        return gateway_listen_parse(optarg, false, &options->feed_in.listen);
    case OPTION_FEED_CA:
        options->tls.ca_path = optarg;
        return 0;
    case OPTION_FEED_CERT:
        options->tls.certificate_path = optarg;
        return 0;
    case OPTION_FEED_KEY:
        options->tls.key_path = optarg;
        return 0;
    case OPTION_FEED_PEER:
        options->tls.peer_name = optarg;
        return 0;
    case OPTION_STATE_DIR:
        options->feed_in.state_dir = optarg;
        return 0;
    default:
        return -EINVAL;
    }
}

static int read_option(struct options *options, int option)
{
    struct gateway_config *config = &options->config;

    if (option >= OPTION_RELAY) {
        return read_feed_option(options, option);
    }
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

/* One of three: the gateway of a unit, a relay, or what feeds it. */
static int complete(struct options *options)
{
    struct gateway_config *config = &options->config;
    bool has_tls = options->tls.ca_path != NULL && options->tls.certificate_path != NULL &&
                   options->tls.key_path != NULL;

    options->tls.peer_name = options->tls.peer_name != NULL ? options->tls.peer_name
                             : options->relay               ? FEED_NAME_OF_PAIR
                                                            : FEED_NAME_OF_RELAY;
    options->feed_in.tls = options->feed_out.tls = options->tls;
    options->feed_in.name = FEED_NAME_OF_RELAY;
    options->feed_out.engine_socket = config->engine_socket;
    if (options->relay) {
        config->feed = &options->feed_in;
        return has_tls && options->feed_in.state_dir != NULL && config->engine_socket == NULL &&
                       options->feed_in.listen.address_len_bytes > 0 && config->listen_count > 0
                   ? 0
                   : -EINVAL;
    }
    if (options->feeds) {
        return has_tls && config->engine_socket != NULL && config->listen_count == 0 ? 0 : -EINVAL;
    }
    return config->engine_socket != NULL && config->listen_count > 0 ? 0 : -EINVAL;
}

static int read_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        {"engine-socket", required_argument, NULL, 'e'},
        {"listen", required_argument, NULL, 'l'},
        {"management", required_argument, NULL, 'm'},
        {"relay-listen", required_argument, NULL, 'r'},
        {"relay-peer", required_argument, NULL, 'p'},
        {"web-dir", required_argument, NULL, 'w'},
        {"voice", required_argument, NULL, 'v'},
        {"host", required_argument, NULL, 'n'},
        {"tls-listen", required_argument, NULL, 't'},
        {"tls-cert", required_argument, NULL, 'c'},
        {"tls-key", required_argument, NULL, 'k'},
        {"plain-listen", required_argument, NULL, 'P'},
        {"relay", no_argument, NULL, OPTION_RELAY},
        {"feed", required_argument, NULL, OPTION_FEED},
        {"feed-listen", required_argument, NULL, OPTION_FEED_LISTEN},
        {"feed-ca", required_argument, NULL, OPTION_FEED_CA},
        {"feed-cert", required_argument, NULL, OPTION_FEED_CERT},
        {"feed-key", required_argument, NULL, OPTION_FEED_KEY},
        {"feed-peer", required_argument, NULL, OPTION_FEED_PEER},
        {"state-dir", required_argument, NULL, OPTION_STATE_DIR},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'h') {
            (void)fputs(usage, stdout);
            exit(EXIT_SUCCESS);
        }
        if (read_option(options, option) < 0) {
            return -EINVAL;
        }
    }
    return optind == argc ? complete(options) : -EINVAL;
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

static int serve(const struct gateway_config *config, bool *ret_again)
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
    *ret_again = r >= 0 && gateway_wants_new_process(gateway);
    gateway_destroy(gateway);
    return r < 0 ? report(r) : 0;
}

/* A relay forgets by beginning anew: what its libraries still held goes with its memory. */
static int begin_anew(char **argv)
{
    (void)execv("/proc/self/exe", argv);
    (void)fprintf(stderr,
                  "toban-web: cannot begin anew: %s. It is to be started again.\n"
                  "toban-web: 起動し直せないため終了します。起動し直されるのを待ちます。\n",
                  strerror(errno));
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    sigset_t blocked;
    bool again = false;
    int r;

    if (read_options(argc, argv, &options) < 0) {
        (void)fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (options.feeds) {
        return feed_out_run(&options.feed_out) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    }
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGTERM);
    (void)sigaddset(&blocked, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &blocked, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    raise_descriptors();
    r = serve(&options.config, &again);
    return again ? begin_anew(argv) : r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
