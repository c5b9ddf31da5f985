/*
 * toban-net - the one process that may change an address; see cluster/adapters/address.h.
 *
 * Started by root: opens what needs rights, keeps CAP_NET_ADMIN and CAP_NET_RAW, gives everything
 * else up, and obeys one toband through its socket.
 */
#include "cluster/adapters/address_helper.h"
#include "watchdog/adapters/proofs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum {
    EXIT_USAGE = 2,
    PREFIX_BITS_MAX = 32,
    DECIMAL = 10,
    REALTIME_PRIORITY = 11,
    US_PER_MS = 1000
};

struct arguments {
    struct address_helper_options helper;
    const char *user;            /* NULL: stay who we are */
    const char *client_user;     /* NULL: the same user as ours */
    const char *watchdog_socket; /* NULL: no watch chain */
};

static const char usage[] =
    "usage: toban-net --socket PATH --lan-interface NAME --floating ADDRESS/BITS\n"
    "                 [--direct-interface NAME] [--direct-peer ADDRESS]\n"
    "                 [--reference ADDRESS]...\n"
    "                 [--user NAME] [--client-user NAME] [--watchdog PATH]\n"
    "Holds the floating address while toband asks for it and is alive.\n"
    "使い方: toband の指示と生存確認がある間だけ、共有アドレスを保持します。\n";

static bool parse_address(const char *text, uint32_t *ret_address)
{
    struct in_addr network;

    if (inet_pton(AF_INET, text, &network) != 1 || network.s_addr == 0) {
        return false;
    }
    *ret_address = ntohl(network.s_addr);
    return true;
}

static bool parse_number(const char *text, unsigned long max, unsigned long *ret_value)
{
    char *end = NULL;

    errno = 0;
    *ret_value = strtoul(text, &end, DECIMAL);
    return errno == 0 && text[0] >= '0' && text[0] <= '9' && *end == '\0' && *ret_value <= max;
}

static bool parse_floating(const char *text, struct address_helper_options *helper)
{
    char address[INET_ADDRSTRLEN] = "";
    const char *slash = strchr(text, '/');
    unsigned long bits;

    if (slash == NULL || (size_t)(slash - text) >= sizeof(address) ||
        !parse_number(slash + 1, PREFIX_BITS_MAX, &bits) || bits == 0) {
        return false;
    }
    memcpy(address, text, (size_t)(slash - text));
    helper->floating_prefix_bits = (uint8_t)bits;
    return parse_address(address, &helper->floating);
}

static bool parse_reference(const char *text, struct address_helper_options *helper)
{
    return helper->reference_count < ADDRESS_REFERENCES_MAX &&
           parse_address(text, &helper->references[helper->reference_count++]);
}

static bool parse_option(int option, struct arguments *arguments)
{
    struct address_helper_options *helper = &arguments->helper;

    switch (option) {
    case 's':
        helper->socket_path = optarg;
        return true;
    case 'l':
        helper->lan_interface = optarg;
        return true;
    case 'd':
        helper->direct_interface = optarg;
        return true;
    case 'D':
        return parse_address(optarg, &helper->direct_peer);
    case 'f':
        return parse_floating(optarg, helper);
    case 'r':
        return parse_reference(optarg, helper);
    case 'u':
        arguments->user = optarg;
        return true;
    case 'c':
        arguments->client_user = optarg;
        return true;
    case 'w':
        arguments->watchdog_socket = optarg;
        return true;
    default:
        return false;
    }
}

static bool parse_arguments(int argc, char **argv, struct arguments *arguments)
{
    static const struct option options[] = {
        {"socket", required_argument, NULL, 's'},
        {"lan-interface", required_argument, NULL, 'l'},
        {"direct-interface", required_argument, NULL, 'd'},
        {"direct-peer", required_argument, NULL, 'D'},
        {"floating", required_argument, NULL, 'f'},
        {"reference", required_argument, NULL, 'r'},
        {"user", required_argument, NULL, 'u'},
        {"client-user", required_argument, NULL, 'c'},
        {"watchdog", required_argument, NULL, 'w'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'h') {
            (void)fputs(usage, stdout);
            exit(EXIT_SUCCESS);
        }
        if (!parse_option(option, arguments)) {
            return false;
        }
    }
    return optind == argc && arguments->helper.socket_path != NULL &&
           arguments->helper.lan_interface != NULL && arguments->helper.floating != 0;
}

/* Uid change with the two capabilities kept (PR_SET_KEEPCAPS), the rest gone also from the bounding
 * set, so that nothing here can be won back by an exec. One of them is passed on to nft, which a
 * hand-over runs (address_move.c). */
static int keep_two_rights(const struct passwd *user)
{
    const uint32_t kept = 1U << CAP_NET_ADMIN | 1U << CAP_NET_RAW;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
        {.effective = kept, .permitted = kept, .inheritable = 1U << CAP_NET_ADMIN}};

    for (unsigned long right = 0; right <= CAP_LAST_CAP; right++) {
        if (right != CAP_NET_ADMIN) {
            (void)prctl(PR_CAPBSET_DROP, right, 0, 0, 0); /* without CAP_SETPCAP: systemd did it */
        }
    }
    if (user != NULL && (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setgroups(0, NULL) < 0 ||
                         setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
                         setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)) {
        return -errno;
    }
    if (syscall(SYS_capset, &header, data) < 0 ||
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0) < 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        return -errno;
    }
    return 0;
}

static int report(const char *what_en, const char *what_ja, int r)
{
    (void)fprintf(stderr, "toban-net: %s: %s\ntoban-net: %s\n", what_en, strerror(-r), what_ja);
    return EXIT_FAILURE;
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
    (void)info;
    (void)context;
    return sd_event_exit(sd_event_source_get_event(source), 0);
}

/* ---- the watch chain: what toban-net proves of itself ---- */

struct watched {
    const struct address_helper *helper;
    struct proof_sender *sender;
    sd_event_source *timer;
    uint64_t turns;
};

static int on_tick(sd_event_source *source, uint64_t time_us, void *context)
{
    struct watched *watched = context;
    struct pet_net proof = {.turns = ++watched->turns,
                            .address_held = address_helper_holds(watched->helper)};
    uint8_t bytes[PET_PROOF_BYTES_MAX];

    (void)time_us;
    proof_sender_say(watched->sender, bytes, pet_encode_net(&proof, bytes, sizeof(bytes)));
    (void)sd_event_source_set_time_relative(source, (uint64_t)PET_TICK_MS * US_PER_MS);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int watch(struct watched *watched, const struct arguments *arguments)
{
    int r;

    if (arguments->watchdog_socket == NULL) {
        return 0;
    }
    r = proof_sender_create(arguments->helper.event, arguments->watchdog_socket, NULL, NULL,
                            &watched->sender);
    return r < 0 ? r
                 : sd_event_add_time_relative(arguments->helper.event, &watched->timer,
                                              CLOCK_MONOTONIC, 0, US_PER_MS, on_tick, watched);
}

static void stop_watching(struct watched *watched)
{
    (void)sd_event_source_disable_unref(watched->timer);
    proof_sender_destroy(watched->sender);
}

static int add_signals(sd_event *event)
{
    sigset_t stop;
    int r;

    (void)sigemptyset(&stop);
    (void)sigaddset(&stop, SIGTERM);
    (void)sigaddset(&stop, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &stop, NULL);
    r = sd_event_add_signal(event, NULL, SIGTERM, on_stop, NULL);
    return r < 0 ? r : sd_event_add_signal(event, NULL, SIGINT, on_stop, NULL);
}

static int serve(struct arguments *arguments, const struct passwd *user)
{
    struct address_helper *helper = NULL;
    struct watched watched = {0};
    int r = add_signals(arguments->helper.event);

    if (r >= 0) {
        r = address_helper_create(&arguments->helper, &helper);
    }
    if (r < 0) {
        return report("cannot open the network or the socket",
                      "ネットワークまたはソケットを開けません。root で起動しているか、"
                      "インターフェース名とソケットのパスを確認してください。",
                      r);
    }
    r = keep_two_rights(user);
    if (r < 0) {
        address_helper_destroy(helper);
        return report("cannot give up rights", "権限を手放せないため停止します。", r);
    }
    watched.helper = helper;
    r = watch(&watched, arguments);
    if (r < 0) {
        address_helper_destroy(helper);
        return report("no watch chain", "見張りを始められません。", r);
    }
    (void)sd_event_set_watchdog(arguments->helper.event, true);
    (void)sd_notify(0, "READY=1");
    r = sd_event_loop(arguments->helper.event);
    (void)sd_notify(0, "STOPPING=1");
    stop_watching(&watched);
    address_helper_destroy(helper);
    return r < 0 ? report("event loop", "内部エラーで停止します。", r) : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.helper = {.client_uid = geteuid()}};
    struct passwd user_copy;
    const struct passwd *user = NULL;
    int r;

    if (!parse_arguments(argc, argv, &arguments)) {
        (void)fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (arguments.client_user != NULL) {
        const struct passwd *client = getpwnam(arguments.client_user);

        if (client == NULL) {
            return report("--client-user", "そのユーザーは存在しません。", -ENOENT);
        }
        arguments.helper.client_uid = client->pw_uid;
    }
    if (arguments.user != NULL) {
        user = getpwnam(arguments.user);
        if (user == NULL) {
            return report("--user", "そのユーザーは存在しません。", -ENOENT);
        }
        user_copy = *user; /* before another getpwnam() reuses the buffer */
        user = &user_copy;
    }
    /* Its bound of 100 ms holds on a busy machine as well; without the privilege it is only less punctual. */
    (void)sched_setscheduler(0, SCHED_RR,
                             &(struct sched_param){.sched_priority = REALTIME_PRIORITY});
    r = sd_event_default(&arguments.helper.event);
    if (r < 0) {
        return report("event loop", "イベントループを作れません。", r);
    }
    r = serve(&arguments, user);
    (void)sd_event_unref(arguments.helper.event);
    return r;
}
