#include "appliance/engine/settings.h"

#include "base/bytes.h"
#include "base/check.h"
#include "storage/adapters/crypto.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { REALTIME_PRIORITY = 10 }; /* below corosync's, above everything ordinary */

enum option_id {
    OPTION_UNIT = 256,
    OPTION_PEER,
    OPTION_SERIAL,
    OPTION_DATA,
    OPTION_RECORD,
    OPTION_SOCKET,
    OPTION_SITE,
    OPTION_OFFSET,
    OPTION_CLOCK_FILE,
    OPTION_CERT,
    OPTION_KEY,
    OPTION_CA,
    OPTION_SERVICE_LOCAL,
    OPTION_SERVICE_PEER,
    OPTION_DIRECT_LOCAL,
    OPTION_DIRECT_PEER,
    OPTION_NET_SOCKET,
    OPTION_TRACE,
    OPTION_SNAPSHOT,
    OPTION_DRIVER,
    OPTION_WATCHDOG,
    OPTION_FEED_USER,
    OPTION_IGNORED,
};

static const struct option options[] = {
    {"unit", required_argument, NULL, OPTION_UNIT},
    {"peer-id", required_argument, NULL, OPTION_PEER},
    {"serial", required_argument, NULL, OPTION_SERIAL},
    {"data", required_argument, NULL, OPTION_DATA},
    {"record", required_argument, NULL, OPTION_RECORD},
    {"socket", required_argument, NULL, OPTION_SOCKET},
    {"site", required_argument, NULL, OPTION_SITE},
    {"at-offset-ms", required_argument, NULL, OPTION_OFFSET},
    {"clock-file", required_argument, NULL, OPTION_CLOCK_FILE},
    {"cert", required_argument, NULL, OPTION_CERT},
    {"key", required_argument, NULL, OPTION_KEY},
    {"ca", required_argument, NULL, OPTION_CA},
    {"link-local", required_argument, NULL, OPTION_SERVICE_LOCAL},
    {"link-peer", required_argument, NULL, OPTION_SERVICE_PEER},
    {"direct-local", required_argument, NULL, OPTION_DIRECT_LOCAL},
    {"direct-peer", required_argument, NULL, OPTION_DIRECT_PEER},
    {"net-socket", required_argument, NULL, OPTION_NET_SOCKET},
    {"trace", required_argument, NULL, OPTION_TRACE},
    {"snapshot-entries", required_argument, NULL, OPTION_SNAPSHOT},
    {"driver-user", required_argument, NULL, OPTION_DRIVER},
    {"watchdog", required_argument, NULL, OPTION_WATCHDOG},
    {"feed-user", required_argument, NULL, OPTION_FEED_USER},
    {"floating", required_argument, NULL, OPTION_IGNORED},
    {"lan-interface", required_argument, NULL, OPTION_IGNORED},
    {"direct-interface", required_argument, NULL, OPTION_IGNORED},
    {NULL, 0, NULL, 0},
};

/* Where the text of this option goes; NULL: it is a number, or not ours. */
static const char **text_of(struct settings *settings, enum option_id id)
{
    switch (id) {
    case OPTION_SERIAL:
        return &settings->serial;
    case OPTION_DATA:
        return &settings->data_dir;
    case OPTION_RECORD:
        return &settings->record_dir;
    case OPTION_SOCKET:
        return &settings->socket_path;
    case OPTION_SITE:
        return &settings->site_path;
    case OPTION_CLOCK_FILE:
        return &settings->clock_path;
    case OPTION_CERT:
        return &settings->certificate;
    case OPTION_KEY:
        return &settings->key;
    case OPTION_CA:
        return &settings->ca;
    case OPTION_SERVICE_LOCAL:
        return &settings->service_local;
    case OPTION_SERVICE_PEER:
        return &settings->service_peer;
    case OPTION_DIRECT_LOCAL:
        return &settings->direct_local;
    case OPTION_DIRECT_PEER:
        return &settings->direct_peer;
    case OPTION_FEED_USER:
        return &settings->feed_user;
    case OPTION_DRIVER:
        return &settings->driver_user;
    case OPTION_WATCHDOG:
        return &settings->watchdog_socket;
    case OPTION_NET_SOCKET:
        return &settings->net_socket;
    case OPTION_TRACE:
        return &settings->trace_path;
    case OPTION_UNIT:
    case OPTION_PEER:
    case OPTION_OFFSET:
    case OPTION_SNAPSHOT:
    case OPTION_IGNORED: /* toban-net's; accepted so that one list serves both */
        break;
    }
    return NULL;
}

static void take_option(struct settings *settings, enum option_id id, const char *value)
{
    const char **text = text_of(settings, id);

    if (text != NULL) {
        *text = value;
    } else if (id == OPTION_UNIT) {
        settings->unit = (uint32_t)strtoul(value, NULL, 10);
    } else if (id == OPTION_PEER) {
        settings->peer_unit = (uint32_t)strtoul(value, NULL, 10);
    } else if (id == OPTION_OFFSET) {
        settings->clock_offset_ms = strtoll(value, NULL, 10);
    } else if (id == OPTION_SNAPSHOT) {
        settings->snapshot_entries = strtoull(value, NULL, 10);
    }
}

bool settings_parse(int argc, char **argv, struct settings *settings)
{
    int id;

    while ((id = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (id < OPTION_UNIT) {
            return false; /* no option of ours */
        }
        take_option(settings, (enum option_id)id, optarg);
    }
    return settings->unit != 0 && settings->unit <= IDS_UNIT_ID_MAX && settings->serial != NULL &&
           settings->data_dir != NULL && settings->record_dir != NULL &&
           settings->socket_path != NULL && settings->site_path != NULL &&
           settings->net_socket != NULL && optind == argc;
}

static int read_text(const char *path, struct settings_text *ret_text)
{
    FILE *file = fopen(path, "re");
    int r = file == NULL ? -errno : 0;

    if (r == 0) {
        ret_text->len_bytes = fread(ret_text->bytes, 1, sizeof(ret_text->bytes), file);
        r = ferror(file) != 0 ? -EIO : fgetc(file) != EOF ? -EFBIG : 0;
        (void)fclose(file);
    }
    return r;
}

/* One reading for both: the text that goes into the ledger is the one that was understood. */
static int load(const char *path, struct site *ret_site, struct settings_text *ret_text,
                struct site_error *ret_error)
{
    int r = read_text(path, ret_text);

    return r < 0 ? site_load_file(path, ret_site, ret_error) /* says why, in both languages */
                 : site_load_bytes(ret_text->bytes, ret_text->len_bytes, ret_site, ret_error);
}

bool settings_load_site(const struct settings *settings, struct site *ret_site,
                        struct settings_text *ret_text, struct calendar *ret_calendar)
{
    struct site_error error;
    char text[1024];

    if (load(settings->site_path, ret_site, ret_text, &error) < 0) {
        site_error_to_text(&error, settings->site_path, true, text, sizeof(text));
        (void)fprintf(stderr, "%s\n", text);
        site_error_to_text(&error, settings->site_path, false, text, sizeof(text));
        (void)fprintf(stderr, "%s\n", text);
        return false;
    }
    site_fill_calendar(ret_site, ret_calendar);
    return true;
}

const struct site_unit *settings_unit_of(const struct site *site, uint32_t id)
{
    for (size_t i = 0; i < site->unit_count; i++) {
        if (site->units[i].id == id) {
            return &site->units[i];
        }
    }
    return NULL;
}

void settings_hardware_of(const char *serial, struct ids_token *ret_hardware)
{
    struct crypto *crypto = crypto_create();
    struct ids_hash hash;

    CHECK_GIVEN(crypto != NULL);
    crypto_hash(crypto, serial, strlen(serial), NULL, 0, &hash);
    memcpy(ret_hardware->bytes, hash.bytes, sizeof(ret_hardware->bytes));
    crypto_destroy(crypto);
}

/* A busy machine must not make a heartbeat late: a false takeover costs lettered tickets (DESIGN 3). Before
 * any thread is made, so that all inherit it. Without the privilege it goes on as it is: only less punctual.
 * The kernel's real-time throttling leaves the rest of the machine its share whatever happens here. */
void settings_become_punctual(void)
{
    struct sched_param priority = {.sched_priority = REALTIME_PRIORITY};

    (void)mlockall(MCL_CURRENT); /* a page fault is a late heartbeat */
    if (sched_setscheduler(0, SCHED_RR, &priority) < 0) {
        (void)fprintf(stderr, "toband: no real-time priority: %s\n", strerror(errno));
    }
}

void settings_read_clock(struct settings *settings)
{
    FILE *file = settings->clock_path == NULL ? NULL : fopen(settings->clock_path, "re");
    long long offset_ms;

    if (file != NULL) {
        if (fscanf(file, "%lld", &offset_ms) == 1) {
            settings->clock_offset_ms = offset_ms;
        }
        (void)fclose(file);
    }
}
