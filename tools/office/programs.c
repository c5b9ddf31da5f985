/* What the programs of a unit are told: corosync's configuration and every command line. */
#include "tools/office/office.h"

#include "base/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONF_BYTES = 4096,
    WATCHDOG_NET_MS = 3000,
    WATCHDOG_TOBAND_MS = 3000,
    WATCHDOG_WEB_MS = 5000,
    WATCHDOG_DEVICES_MS = 5000,
    PUBLIC_MODE = 0644,
    RELAY_PORT = 8081,
    SITE_BYTES = SITE_FILE_BYTES_MAX + 1,
};

/* DESIGN 3, Corosync: with the default knet timers an idle pair loses both links every 9 s. Toban
 * uses cpg only, so no quorum is asked for. */
static const char corosync_head[] = "totem {\n"
                                    "  version: 2\n"
                                    "  cluster_name: toban\n"
                                    "  transport: knet\n"
                                    "  crypto_cipher: aes256\n"
                                    "  crypto_hash: sha256\n"
                                    "  keyfile: /run/corosync/authkey\n"
                                    "  token: 300\n"
                                    "  link_mode: passive\n"
                                    "  interface {\n"
                                    "    linknumber: 0\n"
                                    "    knet_ping_interval: 100\n"
                                    "    knet_ping_timeout: 450\n"
                                    "    knet_pong_count: 2\n"
                                    "  }\n"
                                    "  interface {\n"
                                    "    linknumber: 1\n"
                                    "    knet_ping_interval: 100\n"
                                    "    knet_ping_timeout: 450\n"
                                    "    knet_pong_count: 2\n"
                                    "  }\n"
                                    "}\n"
                                    "logging {\n"
                                    "  to_stderr: yes\n"
                                    "  to_syslog: no\n"
                                    "  to_logfile: no\n"
                                    "  timestamp: hires\n"
                                    "}\n"
                                    "system {\n"
                                    "  state_dir: /run/corosync\n"
                                    "  move_to_root_cgroup: no\n"
                                    "}\n"
                                    "nodelist {\n";

static int configure_corosync(const struct office *office, unsigned place)
{
    char conf[CONF_BYTES];
    char path[OFFICE_PATH_BYTES];
    size_t len = (size_t)snprintf(conf, sizeof(conf), "%s", corosync_head);

    for (unsigned i = 1; i <= office->unit_count; i++) {
        uint32_t id = office->site.units[i - 1].id;

        len += (size_t)snprintf(conf + len, sizeof(conf) - len,
                                "  node {\n    nodeid: %u\n    name: unit-%u\n"
                                "    ring0_addr: 10.90.0.%u\n    ring1_addr: 10.90.1.%u\n  }\n",
                                id, id, i, i);
    }
    len += (size_t)snprintf(conf + len, sizeof(conf) - len, "}\n");
    CHECK(len < sizeof(conf));
    office_unit_path(office, place, "corosync/corosync.conf", path);
    return office_write_file(path, conf, len, PUBLIC_MODE);
}

static int copy_site(const struct office *office, unsigned place)
{
    static const char *const cp = "cp";
    char path[OFFICE_PATH_BYTES];
    const char *argv[] = {cp, "--", office->site_path, path, NULL};

    office_unit_path(office, place, "site.yaml", path);
    return office_command(NULL, argv, NULL, NULL, 0) == 0 ? 0 : -EIO;
}

int office_programs_configure(const struct office *office, struct office_error *ret_error)
{
    for (unsigned place = 1; place <= office->unit_count; place++) {
        int r = configure_corosync(office, place);

        r = r < 0 ? r : copy_site(office, place);
        if (r < 0) {
            return office_fail(ret_error, r, "設定を %s に書けません（%s）。",
                               "The configuration cannot be written to %s (%s).", office->run_dir,
                               strerror(-r));
        }
    }
    return 0;
}

uint32_t office_program_watchdog_ms(enum office_program program)
{
    switch (program) {
    case OFFICE_COROSYNC:
        return 0;
    case OFFICE_NET:
        return WATCHDOG_NET_MS;
    case OFFICE_TOBAND:
        return WATCHDOG_TOBAND_MS;
    case OFFICE_WEB:
        return WATCHDOG_WEB_MS;
    case OFFICE_DEVICES:
        return WATCHDOG_DEVICES_MS;
    case OFFICE_FEED:
        return WATCHDOG_WEB_MS;
    case OFFICE_PROGRAM_COUNT:
        break;
    }
    return 0;
}

__attribute__((format(printf, 2, 3))) static void add(struct office_argv *argv, const char *format,
                                                      ...)
{
    char *place = argv->bytes + argv->used_bytes;
    size_t room = sizeof(argv->bytes) - argv->used_bytes;
    va_list arguments;
    int len = 0;

    va_start(arguments, format);
    len = vsnprintf(place, room, format, arguments);
    va_end(arguments);
    CHECK(len >= 0 && (size_t)len < room && argv->count + 1 < OFFICE_ARGV_MAX);
    argv->argv[argv->count++] = place;
    argv->argv[argv->count] = NULL;
    argv->used_bytes += (size_t)len + 1;
}

static void add_option(struct office_argv *argv, const char *option, const char *value)
{
    add(argv, "%s", option);
    add(argv, "%s", value);
}

static void add_toband(const struct office *office, unsigned place, int64_t clock_offset_ms,
                       struct office_argv *argv)
{
    const struct site_unit *unit = &office->site.units[place - 1];
    unsigned peer = 3 - place;

    add(argv, "--unit");
    add(argv, "%u", unit->id);
    add_option(argv, "--serial", unit->serial);
    add_option(argv, "--data", "/run/data");
    add_option(argv, "--record", "/run/record");
    add_option(argv, "--socket", "/run/toband.sock");
    add_option(argv, "--site", "/run/site.yaml");
    add(argv, "--at-offset-ms");
    add(argv, "%" PRId64, clock_offset_ms);
    add_option(argv, "--clock-file", "/run/clock-offset-ms");
    if (getenv("TOBAN_OFFICE_SNAPSHOT_ENTRIES") != NULL) { /* tests: long before a ledger is long */
        add_option(argv, "--snapshot-entries", getenv("TOBAN_OFFICE_SNAPSHOT_ENTRIES"));
    }
    add_option(argv, "--cert", "/run/tls/unit.crt");
    add_option(argv, "--key", "/run/tls/unit.key");
    add_option(argv, "--ca", "/run/tls/ca.crt");
    if (office->unit_count == OFFICE_UNITS_MAX) {
        add(argv, "--peer-id");
        add(argv, "%u", office->site.units[peer - 1].id);
        add(argv, "--link-local");
        add(argv, "10.90.0.%u", place);
        add(argv, "--link-peer");
        add(argv, "10.90.0.%u", peer);
        add(argv, "--direct-local");
        add(argv, "10.90.1.%u", place);
        add(argv, "--direct-peer");
        add(argv, "10.90.1.%u", peer);
    }
    add_option(argv, "--net-socket", "/run/toban-net.sock");
    add_option(argv, "--floating", OFFICE_FLOATING_PREFIX);
    add_option(argv, "--lan-interface", "lan0");
    add_option(argv, "--direct-interface", "dir0");
}

static void add_net(const struct office *office, unsigned place, struct office_argv *argv)
{
    add_option(argv, "--socket", "/run/toban-net.sock");
    add_option(argv, "--lan-interface", "lan0");
    add_option(argv, "--direct-interface", "dir0");
    add_option(argv, "--floating", OFFICE_FLOATING_PREFIX);
    if (office->unit_count == OFFICE_UNITS_MAX) {
        add(argv, "--direct-peer");
        add(argv, "10.90.1.%u", 3 - place);
    }
    for (unsigned i = 0; i < office->site.reference_count; i++) {
        add_option(argv, "--reference", office->site.references[i].address);
    }
}

/* DESIGN 3 rule 7: after a hand-over the old gateway passes requests on over the direct link. */
static void add_relay(const struct office *office, unsigned place, struct office_argv *argv)
{
    if (office->unit_count == OFFICE_UNITS_MAX) {
        add(argv, "--relay-listen");
        add(argv, "10.90.1.%u:%d", place, RELAY_PORT);
        add(argv, "--relay-peer");
        add(argv, "10.90.1.%u:%d", 3 - place, RELAY_PORT);
    }
}

void office_program_argv(const struct office *office, unsigned place, enum office_program program,
                         int64_t clock_offset_ms, struct office_argv *ret_argv)
{
    char path[OFFICE_PATH_BYTES];

    ret_argv->count = 0;
    ret_argv->used_bytes = 0;
    (void)office_program_path(office, program, path);
    add(ret_argv, "%s", path);
    switch (program) {
    case OFFICE_COROSYNC:
        add(ret_argv, "-f");
        add_option(ret_argv, "-c", "/run/corosync/corosync.conf");
        break;
    case OFFICE_NET:
        add_net(office, place, ret_argv);
        break;
    case OFFICE_TOBAND:
        add_toband(office, place, clock_offset_ms, ret_argv);
        break;
    case OFFICE_WEB:
        add_option(ret_argv, "--plain-listen", OFFICE_FLOATING ":80");
        add_option(ret_argv, "--tls-listen", OFFICE_FLOATING ":443");
        add_option(ret_argv, "--tls-cert", "/run/tls/web.crt");
        add_option(ret_argv, "--tls-key", "/run/tls/web.key");
        add_option(ret_argv, "--management", "127.0.0.1:9180");
        add_relay(office, place, ret_argv);
        add_option(ret_argv, "--engine-socket", "/run/toband.sock");
        add_option(ret_argv, "--web-dir", office->web_dir);
        break;
    case OFFICE_DEVICES:
        add_option(ret_argv, "--engine-socket", "/run/toband.sock");
        add_option(ret_argv, "--site", "/run/site.yaml");
        break;
    case OFFICE_FEED:
        add_option(ret_argv, "--feed", OFFICE_RELAY_FEED);
        add_option(ret_argv, "--engine-socket", "/run/toband.sock");
        add_option(ret_argv, "--feed-ca", "/run/tls/ca.crt");
        add_option(ret_argv, "--feed-cert", "/run/tls/feed.crt");
        add_option(ret_argv, "--feed-key", "/run/tls/feed.key");
        break;
    case OFFICE_PROGRAM_COUNT:
        break;
    }
}
