/*
 * toband: the daemon of one unit. This file fills struct world with adapters and turns what they see into
 * engine events; it decides nothing. One sd-event loop, one writer thread (ledger), no listener on a
 * network but log shipping.
 */
#include "appliance/adapters/client_socket.h"
#include "appliance/adapters/site_cyaml.h"
#include "appliance/engine/engine.h"
#include "appliance/engine/founding.h"
#include "appliance/engine/neighbour.h"
#include "appliance/engine/settings.h"
#include "appliance/engine/site_reader.h"
#include "appliance/engine/watching.h"
#include "base/bytes.h"
#include "base/check.h"
#include "cluster/adapters/address.h"
#include "cluster/adapters/link.h"
#include "cluster/adapters/membership.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

enum {
    PROBE_BOUND_MS = 90,
    REFERENCE_LOST_MS = 3000,
    LEVEL_MS = 250,
    INHERITED_MS_MAX = 300,
    REPAIR_AFTER_MS = 5000,
    SCRUB_ENTRIES = 256,
    FRAMES_PER_TURN_MAX = 256,
    DISK_ROOM_BYTES_MIN = 8 * 1024 * 1024,
    CONNECTION_BYTES = 6,
    US_PER_MS = 1000,
    WHY_BYTES = 256,
    EXIT_RESTART = 75, /* EX_TEMPFAIL: start me again */
    EXIT_CONFIG_BAD = 78,
};

struct daemon {
    struct settings settings;
    struct site site;
    struct settings_text site_text;
    struct calendar calendar;
    sd_event *event;
    sd_event_source *timer, *ledger_source, *turn_source;
    unsigned frames_owed; /* taken since the last whole turn */
    struct engine *engine;
    struct ledger *ledger;
    struct client_socket *clients;
    struct link *link;
    struct membership *membership;
    struct address *address;
    struct watching *watching; /* NULL: no watch chain here */
    FILE *trace;
    bool carrier, service_link, helper_up, address_wanted;
    uint64_t reference_heard_ms, level_ms, inherited_ms;
    char peer_mac[NEIGHBOUR_TEXT_BYTES]; /* on the service link, as it was seen last */
    uint32_t probe_id;
    enum duty_state before; /* this step: what a change of the address is part of */
    bool fit, reset_wanted;
    uint64_t damaged_ms; /* when damage was found; 0 none */
    bool set_aside; /* at the end of this process: the next one starts blank, to be filled again */
    uint64_t scrub_lsn;
    bool founding_over;
    uint64_t watchdog_us;
    int result;
};

/* What could not be had, in both languages; `r` is passed on. */
static int tell(int r, const char *what_en, const char *what_ja)
{
    if (r < 0) {
        (void)fprintf(stderr, "toband: %s: %s\ntoband: %s\n", what_en, strerror(-r), what_ja);
    }
    return r;
}

/* ---- time ---------------------------------------------------------------------------------------- */

static uint64_t now_ms(void)
{
    struct timespec time;

    CHECK(clock_gettime(CLOCK_MONOTONIC_RAW, &time) == 0);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static int64_t wall_ms(const struct daemon *daemon)
{
    struct timespec time;

    CHECK(clock_gettime(CLOCK_REALTIME, &time) == 0);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000 + daemon->settings.clock_offset_ms;
}

/* ---- events ------------------------------------------------------------------------------------- */

static void arm_timer(struct daemon *daemon)
{
    uint64_t now = now_ms();
    uint64_t deadline_ms = engine_deadline_ms(daemon->engine);
    uint64_t wait_ms = deadline_ms > now ? deadline_ms - now : 0;

    (void)sd_event_source_set_time_relative(daemon->timer, wait_ms * US_PER_MS);
    (void)sd_event_source_set_enabled(daemon->timer, SD_EVENT_ONESHOT);
}

static void step(struct daemon *daemon, struct engine_event *event)
{
    int r;

    event->now_ms = now_ms();
    event->wall_ms = wall_ms(daemon);
    daemon->before = engine_duty(daemon->engine)->state;
    r = engine_step(daemon->engine, event);
    if (r < 0) {
        daemon->result = r;
        (void)sd_event_exit(daemon->event, 0);
        return;
    }
    if (daemon->reset_wanted && daemon->link != NULL) {
        daemon->reset_wanted = false;
        link_reset(daemon->link, LINK_SERVICE);
        link_reset(daemon->link, LINK_DIRECT);
    }
    if (event->more) {
        return;
    }
    daemon->frames_owed = 0;
    arm_timer(daemon);
}

static void tell_service_link(struct daemon *daemon)
{
    bool referenced = daemon->site.reference_count == 0 ||
                      (daemon->reference_heard_ms != 0 &&
                       now_ms() - daemon->reference_heard_ms < REFERENCE_LOST_MS);
    bool level = daemon->helper_up && daemon->carrier && referenced;

    if (level != daemon->service_link) {
        struct engine_event event = {.kind = ENGINE_SERVICE_LINK, .level = level};

        daemon->service_link = level;
        step(daemon, &event);
    }
}

/* Promise 11, second half: once the other unit serves, and people have had time to read the reason, this one
 * starts anew without its damaged ledger and is filled from there. Without the other nothing is put aside. */
static void repair_when_possible(struct daemon *daemon)
{
    const struct duty *duty = engine_duty(daemon->engine);

    if (daemon->damaged_ms != 0 && duty->state == DUTY_STOPPED && duty->agreed &&
        duty->peer.serve != DUTY_SERVE_NOT && now_ms() - daemon->damaged_ms >= REPAIR_AFTER_MS) {
        daemon->set_aside = true;
        daemon->result = -EUCLEAN;
        (void)sd_event_exit(daemon->event, 0);
    }
}

/* Promise 11: the ledger is walked all the time, a few entries a second, and a disk that is nearly full or
 * an entry that does not verify makes this unit unfit; duty moves first, then it stops. */
static void check_health(struct daemon *daemon)
{
    struct ledger_damage damage = {0};
    struct ledger_info info;
    struct statvfs disk;
    bool fit = daemon->damaged_ms == 0, full = false;
    int r;

    ledger_get_info(daemon->ledger, &info);
    if (fit && info.last_lsn > 0) {
        r = ledger_verify(daemon->ledger, daemon->scrub_lsn, SCRUB_ENTRIES, &daemon->scrub_lsn,
                          &damage);
        if (r == 0 && daemon->scrub_lsn > info.last_lsn) {
            daemon->scrub_lsn = 1; /* at once: a busy ledger is longer again by the next time */
        }
        if (r == -EUCLEAN) {
            (void)fprintf(stderr, "toband: lsn %llu: %s / %s\n", (unsigned long long)damage.lsn,
                          damage.what_ja, damage.what_en);
            daemon->damaged_ms = now_ms();
            fit = false;
        }
    }
    if (statvfs(daemon->settings.data_dir, &disk) == 0 &&
        (uint64_t)disk.f_bavail * disk.f_frsize < DISK_ROOM_BYTES_MIN) {
        full = true;
    }
    full = full || info.full;
    fit = fit && !full;
    if (fit != daemon->fit) {
        struct engine_event event = {.kind = ENGINE_HEALTH, .health = {.fit = fit, .full = full}};

        daemon->fit = fit;
        step(daemon, &event);
    }
    repair_when_possible(daemon);
}

/* What the process before us held stays only while this one may still come to serve at once. */
static void let_inherited_go(struct daemon *daemon)
{
    if (daemon->address_wanted) {
        daemon->inherited_ms = 0;
    }
    if (daemon->inherited_ms != 0 && now_ms() - daemon->inherited_ms >= INHERITED_MS_MAX) {
        daemon->inherited_ms = 0;
        (void)address_drop(daemon->address, true);
    }
}

static int on_timer(sd_event_source *source, uint64_t time_us, void *context)
{
    struct daemon *daemon = context;
    struct engine_event event = {.kind = ENGINE_TIMER};

    (void)source;
    (void)time_us;
    let_inherited_go(daemon);
    if (now_ms() - daemon->level_ms >= LEVEL_MS) {
        daemon->level_ms = now_ms();
        tell_service_link(daemon);
        check_health(daemon);
        if (daemon->watchdog_us != 0) {
            (void)sd_notify(0, "WATCHDOG=1");
        }
    }
    step(daemon, &event);
    return 0;
}

static int on_stored(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct daemon *daemon = context;
    int result;

    (void)source;
    (void)fd;
    (void)events;
    while (ledger_take_completion(daemon->ledger, &result) == 1) {
        struct engine_event event = {.kind = ENGINE_STORED, .result = result};

        if (result == 0 && !daemon->founding_over) {
            founding_is_over(daemon->settings.data_dir);
            daemon->founding_over = true;
        }
        watching_stored(daemon->watching);
        step(daemon, &event);
    }
    return 0;
}

static void on_watchdog_told(void *context, const struct pet_facts *facts)
{
    struct engine_event event = {.kind = ENGINE_WATCHDOG, .watchdog = facts};

    step(context, &event);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
    struct daemon *daemon = context;
    struct engine_event event = {.kind = ENGINE_LEAVE};

    (void)source;
    if (info->ssi_signo != SIGHUP) {
        step(daemon, &event);
        return 0;
    }
    settings_read_clock(&daemon->settings);
    return 0;
}

/* What is there at once is one turn: it ends when everything that can be read has been. */
static void on_client_frame(void *context, uint64_t client, enum api_peer peer,
                            const uint8_t *bytes, size_t len)
{
    struct daemon *daemon = context;
    struct engine_event event = {.kind = ENGINE_REQUEST, .request = {client, bytes, len, peer}};

    event.more = daemon->frames_owed < FRAMES_PER_TURN_MAX;
    if (event.more && daemon->frames_owed++ == 0) {
        (void)sd_event_source_set_enabled(daemon->turn_source, SD_EVENT_ONESHOT);
    }
    step(daemon, &event);
}

static int on_turn(sd_event_source *source, void *context)
{
    struct daemon *daemon = context;
    struct engine_event event = {.kind = ENGINE_TIMER};

    (void)source;
    if (daemon->frames_owed > 0) {
        step(daemon, &event);
    }
    return 0;
}

static void on_client_gone(void *context, uint64_t client)
{
    struct engine_event event = {.kind = ENGINE_CLIENT_GONE, .client = client};

    step(context, &event);
}

static enum world_link world_link_of(enum link_which which)
{
    return which == LINK_SERVICE ? WORLD_LINK_SERVICE : WORLD_LINK_DIRECT;
}

static void on_link_frame(void *context, enum link_which which, const uint8_t *bytes,
                          size_t len_bytes)
{
    struct engine_event event = {.kind = ENGINE_FRAME};

    event.frame.link = world_link_of(which);
    event.frame.bytes = bytes;
    event.frame.len_bytes = len_bytes;
    step(context, &event);
}

static void on_link_up(void *context, enum link_which which, uint64_t contact)
{
    struct engine_event event = {.kind = ENGINE_LINK};

    (void)contact;
    event.link.link = world_link_of(which);
    event.link.up = true;
    step(context, &event);
}

static void on_link_down(void *context, enum link_which which, uint64_t contact,
                         enum link_down_reason reason)
{
    struct engine_event event = {.kind = ENGINE_LINK};

    (void)contact;
    (void)reason;
    event.link.link = world_link_of(which);
    step(context, &event);
}

static void on_membership(void *context, const struct membership_fact *fact)
{
    struct engine_event event = {.kind = ENGINE_PEER_PROCESS, .process = DUTY_PROCESS_UNKNOWN};

    switch (fact->kind) {
    case MEMBERSHIP_CONNECTED:
    case MEMBERSHIP_DISCONNECTED:
        break;
    case MEMBERSHIP_PEER_JOINED:
        event.process = DUTY_PROCESS_JOINED;
        break;
    case MEMBERSHIP_PEER_LEFT:
        event.process = DUTY_PROCESS_LEFT;
        break;
    case MEMBERSHIP_PEER_LOST:
        event.process =
            fact->reason == MEMBERSHIP_REASON_PROCESS_GONE ? DUTY_PROCESS_LEFT : DUTY_PROCESS_LOST;
        break;
    }
    step(context, &event);
}

static bool mac_is_peers(struct daemon *daemon, const uint8_t mac[ADDRESS_MAC_BYTES])
{
    return daemon->settings.service_peer != NULL &&
           neighbour_is(daemon->settings.service_peer, mac, daemon->peer_mac);
}

static void on_probed(struct daemon *daemon, const struct address_message *fact)
{
    struct engine_event event = {.kind = ENGINE_PROBED, .probe = DUTY_PROBE_STRANGER};

    if (fact->probed.id != daemon->probe_id) {
        return;
    }
    switch (fact->probed.result) {
    case ADDRESS_PROBE_SILENT:
        event.probe = DUTY_PROBE_SILENT;
        break;
    case ADDRESS_PROBE_ANSWERED:
        event.probe =
            mac_is_peers(daemon, fact->probed.mac) ? DUTY_PROBE_PEER : DUTY_PROBE_STRANGER;
        break;
    case ADDRESS_PROBE_UNABLE:
        return; /* asked again when the link is back */
    }
    step(daemon, &event);
}

static void on_connections(struct daemon *daemon, const struct address_message *fact)
{
    uint8_t bytes[ADDRESS_CONNECTIONS_MAX * CONNECTION_BYTES];
    struct bytes_writer writer = bytes_writer_over(bytes, sizeof(bytes));
    struct engine_event event = {.kind = ENGINE_CONNECTIONS};

    for (size_t i = 0; i < fact->clients.count; i++) {
        bytes_put_u32(&writer, fact->clients.list[i].address);
        bytes_put_u16(&writer, fact->clients.list[i].port);
    }
    event.frame.bytes = bytes;
    event.frame.len_bytes = writer.len_bytes;
    step(daemon, &event);
}

static void on_address(void *context, const struct address_message *fact)
{
    struct daemon *daemon = context;
    struct engine_event event = {.kind = ENGINE_CONTESTED};

    switch (fact->kind) {
    case ADDRESS_HELPER_UP:
        daemon->helper_up = true;
        if (daemon->address_wanted) {
            (void)address_take(daemon->address);
        }
        break;
    case ADDRESS_HELPER_LOST:
        daemon->helper_up = false;
        daemon->carrier = false;
        tell_service_link(daemon);
        break;
    case ADDRESS_CARRIER:
        if (fact->carrier.interface == ADDRESS_LAN) {
            daemon->carrier = fact->carrier.up;
            tell_service_link(daemon);
        }
        break;
    case ADDRESS_REFERENCE:
        daemon->reference_heard_ms = now_ms();
        tell_service_link(daemon);
        break;
    case ADDRESS_PROBED:
        on_probed(daemon, fact);
        break;
    case ADDRESS_ANNOUNCED:
        if (fact->announced.held) {
            event.by_peer = mac_is_peers(daemon, fact->announced.mac);
            step(daemon, &event);
        }
        break;
    case ADDRESS_HELD:
        if (fact->held.held && !daemon->address_wanted && fact->held.reason == ADDRESS_HELD_START) {
            /* of the process before us: rule 6, it is not ours yet */
            daemon->inherited_ms = now_ms();
        }
        if (!fact->held.held && daemon->address_wanted && fact->held.reason != ADDRESS_HELD_START) {
            event.kind = ENGINE_TIMER; /* did we stand still? Then duty wants it no more */
            step(daemon, &event);
            if (daemon->address_wanted) {
                (void)address_take(daemon->address); /* it vanished while duty still wants it */
            }
        }
        break;
    case ADDRESS_CONNECTIONS:
        on_connections(daemon, fact);
        break;
    case ADDRESS_HEARTBEAT:
    case ADDRESS_TAKE:
    case ADDRESS_DROP:
    case ADDRESS_LEAVE:
    case ADDRESS_ENTER:
    case ADDRESS_PROBE:
    case ADDRESS_TICKLE:
        break;
    }
}

/* ---- the world ----------------------------------------------------------------------------------- */

static struct ledger *ledger_of(void *context)
{
    return ((struct daemon *)context)->ledger;
}

static int world_store(void *context, const struct ledger_batch *batch)
{
    struct daemon *daemon = context;

    watching_store_begun(daemon->watching, now_ms());
    return ledger_submit(daemon->ledger, batch);
}

static int world_read_entries(void *context, uint64_t from_lsn, uint64_t to_lsn,
                              ledger_each_fn *each, void *each_context)
{
    return ledger_read_entries(ledger_of(context), from_lsn, to_lsn, each, each_context);
}

static int world_read_meta(void *context, const char *name, uint8_t *bytes, size_t capacity_bytes,
                           size_t *ret_len_bytes)
{
    return ledger_read_meta(ledger_of(context), name, bytes, capacity_bytes, ret_len_bytes);
}

static int world_read_keys(void *context, struct ledger_day_key *keys, size_t max,
                           size_t *ret_count)
{
    return ledger_read_keys(ledger_of(context), keys, max, ret_count);
}

static int world_read_record(void *context, uint8_t *bytes, size_t capacity_bytes,
                             size_t *ret_len_bytes)
{
    return ledger_read_record(ledger_of(context), bytes, capacity_bytes, ret_len_bytes);
}

static void world_read_info(void *context, struct ledger_info *ret_info)
{
    ledger_get_info(ledger_of(context), ret_info);
}

static int world_snapshot_make(void *context, uint64_t *ret_size_bytes, uint64_t *ret_last_lsn,
                               struct ids_hash *ret_hash)
{
    return ledger_snapshot_make(ledger_of(context), ret_size_bytes, ret_last_lsn, ret_hash);
}

static int world_snapshot_read(void *context, uint64_t offset_bytes, uint8_t *bytes,
                               size_t capacity_bytes, size_t *ret_len_bytes)
{
    return ledger_snapshot_read(ledger_of(context), offset_bytes, bytes, capacity_bytes,
                                ret_len_bytes);
}

static void world_snapshot_discard(void *context)
{
    ledger_snapshot_discard(ledger_of(context));
}

static int world_incoming_begin(void *context, uint64_t size_bytes, const struct ids_hash *hash,
                                uint64_t *ret_have_bytes)
{
    return ledger_incoming_begin(ledger_of(context), size_bytes, hash, ret_have_bytes);
}

static int world_incoming_write(void *context, uint64_t offset_bytes, const uint8_t *bytes,
                                size_t len_bytes)
{
    return ledger_incoming_write(ledger_of(context), offset_bytes, bytes, len_bytes);
}

static int world_incoming_finish(void *context, const struct ledger_put *metas, size_t meta_count)
{
    return ledger_incoming_finish(ledger_of(context), metas, meta_count);
}

static int world_send(void *context, enum world_link link, const uint8_t *frame, size_t len_bytes)
{
    struct daemon *daemon = context;

    return daemon->link == NULL
               ? -ENOTCONN
               : link_send(daemon->link, link == WORLD_LINK_SERVICE ? LINK_SERVICE : LINK_DIRECT,
                           frame, len_bytes);
}

static void world_reset_links(void *context)
{
    struct daemon *daemon = context;

    daemon->reset_wanted = true; /* link_reset calls back: not within a step */
}

static void world_address(void *context, enum world_address order)
{
    struct daemon *daemon = context;
    const struct duty *duty = engine_duty(daemon->engine);

    switch (order) {
    case WORLD_ADDRESS_PROBE:
        (void)address_probe(daemon->address, ++daemon->probe_id, PROBE_BOUND_MS);
        break;
    case WORLD_ADDRESS_TAKE:
        daemon->address_wanted = true;
        /* Rule 7: from spare to duty in one step is the hand-over; alone, it is a takeover. */
        (void)(daemon->before == DUTY_PAIRED_SPARE && duty->state == DUTY_PAIRED_DUTY
                   ? address_enter(daemon->address)
                   : address_take(daemon->address));
        break;
    case WORLD_ADDRESS_DROP:
        daemon->address_wanted = false;
        (void)(daemon->before == DUTY_HANDING_OVER &&
                       duty->word.common_duty_unit == daemon->settings.peer_unit
                   ? address_leave(daemon->address)
                   : address_drop(daemon->address, true));
        break;
    }
}

static void world_tickle(void *context, const uint8_t *connections, size_t len_bytes)
{
    struct address_client clients[ADDRESS_CONNECTIONS_MAX];
    struct bytes_reader reader = bytes_reader_over(connections, len_bytes);
    size_t count = 0;

    while (count < ARRAY_COUNT(clients) && bytes_left(&reader) >= CONNECTION_BYTES) {
        clients[count].address = bytes_get_u32(&reader);
        clients[count++].port = bytes_get_u16(&reader);
    }
    if (count > 0) {
        (void)address_tickle(((struct daemon *)context)->address, clients, count);
    }
}

static void world_reply(void *context, uint64_t client, const uint8_t *header,
                        size_t header_len_bytes, const uint8_t *body, size_t body_len_bytes)
{
    client_socket_send(((struct daemon *)context)->clients, client, header, header_len_bytes, body,
                       body_len_bytes);
}

static void world_random(void *context, void *bytes, size_t len_bytes)
{
    (void)context;
    crypto_random(bytes, len_bytes);
}

static void world_log(void *context, const char *line)
{
    struct daemon *daemon = context;

    (void)fprintf(stderr, "toband[%u] %llu: %s\n", daemon->settings.unit,
                  (unsigned long long)now_ms(), line);
}

static void world_trace(void *context, const void *event, size_t event_len_bytes,
                        const void *actions, size_t actions_len_bytes)
{
    struct daemon *daemon = context;

    if (daemon->trace != NULL) {
        (void)fwrite(event, event_len_bytes, 1, daemon->trace);
        (void)fwrite(actions, actions_len_bytes, 1, daemon->trace);
    }
}

/* ---- start ---------------------------------------------------------------------------------------- */

static int open_peer(struct daemon *daemon)
{
    const struct settings *settings = &daemon->settings;
    struct link_options link_options = {
        .event = daemon->event,
        .own_unit = settings->unit,
        .peer_unit = settings->peer_unit,
        .ca_path = settings->ca,
        .certificate_path = settings->certificate,
        .key_path = settings->key,
        .endpoints = {[LINK_SERVICE] = {.local_address = settings->service_local,
                                        .peer_address = settings->service_peer},
                      [LINK_DIRECT] = {.local_address = settings->direct_local,
                                       .peer_address = settings->direct_peer}},
        .on_frame = on_link_frame,
        .on_up = on_link_up,
        .on_down = on_link_down,
        .context = daemon,
    };
    struct membership_options membership_options = {
        .event = daemon->event,
        .group = "toban",
        .own_node = settings->unit,
        .own_unit = settings->unit,
        .peer_node = settings->peer_unit,
        .peer_unit = settings->peer_unit,
        .on_fact = on_membership,
        .context = daemon,
    };
    int r = tell(link_create(&link_options, &daemon->link),
                 "the links to the other unit cannot be opened; check addresses and certificates",
                 "相手号機との接続を開けません。アドレスと証明書を確認してください。");

    return r < 0 ? r
                 : tell(membership_create(&membership_options, &daemon->membership),
                        "the watch over the other unit's process cannot begin",
                        "相手号機のプロセスの監視を始められません。");
}

static int open_ledger(struct daemon *daemon)
{
    struct ledger_options ledger_options = {.data_dir = daemon->settings.data_dir,
                                            .record_dir = daemon->settings.record_dir};
    char why[WHY_BYTES] = "";
    int r = ledger_open(&ledger_options, &daemon->ledger, why, sizeof(why));

    if (r < 0) {
        (void)fprintf(stderr, "toband: ledger: %s (%s)\n", why, strerror(-r));
        daemon->set_aside = r == -EUCLEAN && daemon->settings.peer_unit != 0;
        return r;
    }
    return tell(sd_event_add_io(daemon->event, &daemon->ledger_source,
                                ledger_completion_fd(daemon->ledger), EPOLLIN, on_stored, daemon),
                "the ledger cannot be listened to", "台帳の書き込み完了を待てません。");
}

static void make_engine(struct daemon *daemon, const struct world *world)
{
    const struct site_unit *own = settings_unit_of(&daemon->site, daemon->settings.unit);
    const struct site_unit *peer = settings_unit_of(&daemon->site, daemon->settings.peer_unit);
    struct engine_options engine_options = {
        .world = world,
        .duty = {.unit = daemon->settings.unit, .peer_unit = daemon->settings.peer_unit},
        .config = &daemon->site.queue,
        .calendar = &daemon->calendar,
        .unit_name_ja = own != NULL ? own->name_ja : "号機",
        .unit_name_en = own != NULL ? own->name_en : "unit",
        .visitor_url = daemon->site.printing.visitor_url,
        .place_ja = daemon->site.printing.place_ja,
        .place_en = daemon->site.printing.place_en,
        .site_reader = &site_reader,
        .site_text = daemon->site_text.bytes,
        .site_text_len_bytes = daemon->site_text.len_bytes,
        .unit_address = daemon->settings.service_local ?: "",
        .peer_name_ja = peer != NULL ? peer->name_ja : "",
        .peer_name_en = peer != NULL ? peer->name_en : "",
        .private_page = !daemon->site.pages.public_page,
        .keep_visits_days = daemon->site.keep_visits_days,
        .snapshot_entries = daemon->settings.snapshot_entries,
        .peer_address = daemon->settings.service_peer ?: "",
    };

    settings_hardware_of(daemon->settings.serial, &engine_options.duty.hardware);
    if (daemon->trace != NULL) {
        struct duty_trace_head head = duty_trace_head(&engine_options.duty);

        (void)fwrite(&head, sizeof(head), 1, daemon->trace);
    }
    daemon->engine = engine_create(&engine_options);
}

static int open_all(struct daemon *daemon)
{
    struct client_socket_options client_options = {.event = daemon->event,
                                                   .path = daemon->settings.socket_path,
                                                   .driver_user = daemon->settings.driver_user,
                                                   .feed_user = daemon->settings.feed_user,
                                                   .on_frame = on_client_frame,
                                                   .on_gone = on_client_gone,
                                                   .context = daemon};
    struct address_options address_options = {.event = daemon->event,
                                              .socket_path = daemon->settings.net_socket,
                                              .on_fact = on_address,
                                              .context = daemon};
    const char *data_dir = daemon->settings.data_dir;
    struct watching_options watching_options = {.event = daemon->event,
                                                .socket_path = daemon->settings.watchdog_socket,
                                                .data_dir = data_dir,
                                                .membership = &daemon->membership,
                                                .address_wanted = &daemon->address_wanted,
                                                .told = on_watchdog_told,
                                                .context = daemon};
    struct engine_event start = {.kind = ENGINE_START, .found = founding_is_ordered(data_dir)};
    int r = sd_event_add_time_relative(daemon->event, &daemon->timer, CLOCK_MONOTONIC, 0, 1,
                                       on_timer, daemon);

    r = r < 0 ? r : sd_event_add_defer(daemon->event, &daemon->turn_source, on_turn, daemon);
    r = r < 0 ? r : sd_event_source_set_priority(daemon->turn_source, SD_EVENT_PRIORITY_IDLE);
    r = r < 0 ? r : sd_event_source_set_enabled(daemon->turn_source, SD_EVENT_OFF);
    r = tell(r, "the event loop gets no timer", "イベントループのタイマーを作れません。");
    r = r < 0 ? r : open_ledger(daemon);
    if (r < 0) {
        return r;
    }
    step(daemon, &start);
    if (daemon->result < 0) {
        /* Its own entries do not fold: nothing that the other unit said led to it. */
        daemon->set_aside = daemon->result == -EUCLEAN && daemon->settings.peer_unit != 0;
        return daemon->result;
    }
    r = tell(client_socket_create(&client_options, &daemon->clients),
             "the socket for toban-web cannot be opened", "toban-web 用のソケットを開けません。");
    if (r >= 0) {
        r = tell(address_create(&address_options, &daemon->address),
                 "the connection to toban-net cannot be prepared",
                 "toban-net との接続を準備できません。");
    }
    if (r >= 0 && daemon->settings.peer_unit != 0) {
        r = open_peer(daemon);
    }
    if (r >= 0 && daemon->settings.watchdog_socket != NULL) {
        r = tell(watching_create(&watching_options, &daemon->watching), "no watch chain",
                 "見張りを始められません。");
    }
    return r;
}

static void close_all(struct daemon *daemon)
{
    watching_destroy(daemon->watching);
    membership_destroy(daemon->membership);
    link_destroy(daemon->link);
    address_destroy(daemon->address);
    if (daemon->clients != NULL) {
        client_socket_destroy(daemon->clients);
    }
    (void)sd_event_source_disable_unref(daemon->ledger_source);
    (void)sd_event_source_disable_unref(daemon->turn_source);
    (void)sd_event_source_disable_unref(daemon->timer);
    if (daemon->ledger != NULL) {
        ledger_close(daemon->ledger);
    }
    if (daemon->set_aside) {
        founding_put_ledger_aside(daemon->settings.data_dir);
    }
    engine_destroy(daemon->engine);
    (void)sd_event_unref(daemon->event);
    if (daemon->trace != NULL) {
        (void)fclose(daemon->trace);
    }
}

/* Blocked for good, not by sd-event's flag: that lets them in again before the ledger is closed (n-th failures). */
static int block_signals(sd_event *event, struct daemon *daemon)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    sigset_t set;
    int r = 0;

    (void)sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_COUNT(signals) && r >= 0; i++) {
        (void)sigaddset(&set, signals[i]);
        (void)sigprocmask(SIG_BLOCK, &set, NULL);
        r = sd_event_add_signal(event, NULL, signals[i], on_signal, daemon);
    }
    return r;
}

int main(int argc, char **argv)
{
    static struct daemon daemon = {.fit = true,
                                   .scrub_lsn = 1}; /* about 400 KiB of site and calendar */
    struct world world = {
        .context = &daemon,
        .store = world_store,
        .read_entries = world_read_entries,
        .read_meta = world_read_meta,
        .read_keys = world_read_keys,
        .read_record = world_read_record,
        .read_info = world_read_info,
        .snapshot_make = world_snapshot_make,
        .snapshot_read = world_snapshot_read,
        .snapshot_discard = world_snapshot_discard,
        .incoming_begin = world_incoming_begin,
        .incoming_write = world_incoming_write,
        .incoming_finish = world_incoming_finish,
        .send = world_send,
        .reset_links = world_reset_links,
        .address = world_address,
        .tickle = world_tickle,
        .reply = world_reply,
        .random = world_random,
        .log = world_log,
        .trace = world_trace,
    };
    int r;

    if (!settings_parse(argc, argv, &daemon.settings)) {
        (void)fprintf(stderr,
                      "usage: toband --unit N --serial S --data DIR --record DIR --socket PATH"
                      " --site FILE --net-socket PATH [--peer-id N ...]\n");
        return 2;
    }
    if (!settings_load_site(&daemon.settings, &daemon.site, &daemon.site_text, &daemon.calendar)) {
        return EXIT_CONFIG_BAD;
    }
    if (daemon.settings.trace_path != NULL) {
        daemon.trace = fopen(daemon.settings.trace_path, "we");
    }
    settings_become_punctual();
    (void)sd_watchdog_enabled(0, &daemon.watchdog_us);
    make_engine(&daemon, &world);
    r = sd_event_new(&daemon.event);
    r = r < 0 ? r : block_signals(daemon.event, &daemon);
    r = tell(r, "the event loop or its signals cannot be had",
             "イベントループまたはシグナルの受け付けを作れません。");
    r = r < 0 ? r : open_all(&daemon);
    if (r >= 0) {
        (void)sd_notify(0, "READY=1");
        r = tell(sd_event_loop(daemon.event), "the event loop broke",
                 "イベントループが異常終了しました。");
    }
    (void)sd_notify(0, "STOPPING=1");
    if (daemon.result < 0 && daemon.result != -ESHUTDOWN) {
        (void)tell(daemon.result, "ends for the reason above, to be started again",
                   "上に記した理由により終了します。起動し直されるのを待ちます。");
    }
    close_all(&daemon);
    return r < 0 || (daemon.result < 0 && daemon.result != -ESHUTDOWN) ? EXIT_RESTART : 0;
}
