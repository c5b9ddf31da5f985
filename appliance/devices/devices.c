#include "appliance/devices/devices.h"

#include "appliance/devices/glyphs.h"
#include "appliance/devices/paper/paper.h"
#include "appliance/devices/port.h"
#include "appliance/devices/toband.h"
#include "appliance/engine/api.h"
#include "base/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    NSEC_PER_MSEC = 1000000,
    MSEC_PER_SEC = 1000,
    TICK_USEC = 500 * 1000,
    ACCURACY_USEC = 20 * 1000,
    MM_A_METRE = 1000,
};

struct order {
    struct api_print print;
    uint64_t since_ms;
    uint8_t tried; /* a bit a printer: it said that it cannot */
};

struct unit_port {
    struct port *port;
    bool busy;
    struct order order;   /* while busy */
    struct paper_job job; /* of it */
    uint64_t since_ms;
};

struct devices {
    struct devices_options options;
    struct glyphs *glyphs;
    struct toband *toband;
    sd_event_source *tick;
    struct unit_port ports[SITE_PRINTERS_MAX];
    size_t port_count;
    struct order orders[DEVICES_ORDERS_MAX];
    size_t order_count;
    bool connected, serving, working;
    uint64_t newest_term;
    uint8_t told[API_REQUEST_BYTES_MAX]; /* the level as toband knows it */
    size_t told_bytes;
    struct paper_layout layout;
    struct paper_bitmap scratch;
    uint8_t bytes[PAPER_BYTES_MAX];
};

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * MSEC_PER_SEC + (uint64_t)now.tv_nsec / NSEC_PER_MSEC;
}

/* ---- what toband is told ---------------------------------------------------------------------------------- */

static void tell_level(struct devices *devices)
{
    struct api_printers level = {.count = (uint8_t)devices->port_count};
    uint8_t bytes[API_REQUEST_BYTES_MAX];
    size_t len_bytes;

    for (size_t i = 0; i < devices->port_count; i++) {
        const struct printer *printer = port_printer(devices->ports[i].port);
        const struct site_printer *site = port_site(devices->ports[i].port);

        level.list[i].id = site->id;
        level.list[i].condition = (uint8_t)printer_condition(printer);
        level.list[i].near_end = printer->flags.paper_near_end;
        level.list[i].roll_mm = (uint32_t)site->roll_metres * MM_A_METRE;
        memcpy(level.list[i].name_ja, site->name_ja, sizeof(level.list[i].name_ja));
        memcpy(level.list[i].name_en, site->name_en, sizeof(level.list[i].name_en));
    }
    len_bytes = api_printers_encode(&level, bytes, sizeof(bytes));
    CHECK(len_bytes > 0);
    if (devices->connected &&
        (len_bytes != devices->told_bytes || memcmp(bytes, devices->told, len_bytes) != 0)) {
        memcpy(devices->told, bytes, len_bytes);
        devices->told_bytes = len_bytes;
        toband_send(devices->toband, bytes, len_bytes);
    }
}

static void tell_done(struct devices *devices, const struct api_print *print, uint8_t printer,
                      enum printer_outcome outcome, const struct paper_job *job)
{
    struct api_print_done done = {.order = print->order,
                                  .outcome = (uint8_t)outcome,
                                  .printer = printer,
                                  .cuts = job != NULL ? job->cuts : 0,
                                  .height_dots = job != NULL ? job->height_dots : 0};
    static const char *const words[PRINTER_OUTCOME_END] = {"", "printed", "untouched", "failed",
                                                           "unknown"};
    uint8_t bytes[API_REQUEST_BYTES_MAX];

    (void)fprintf(stderr, "%llu order %llu of term %llu: %s, printer %u\n",
                  (unsigned long long)now_ms(), (unsigned long long)print->order,
                  (unsigned long long)print->term, words[outcome], printer);
    toband_send(devices->toband, bytes, api_print_done_encode(&done, bytes, sizeof(bytes)));
}

/* ---- orders ------------------------------------------------------------------------------------------------ */

static void fill_ticket(const struct api_print *print, struct paper_ticket *ticket)
{
    char id[IDS_TOKEN_TEXT_BYTES];

    *ticket = (struct paper_ticket){.kind = (enum paper_kind)print->kind,
                                    .date = print->date,
                                    .minute = print->minute,
                                    .number = print->number,
                                    .waiting_ahead = print->waiting_ahead,
                                    .estimate_s = print->estimate_s};
    memcpy(ticket->site_ja, print->site_ja, sizeof(ticket->site_ja));
    memcpy(ticket->site_en, print->site_en, sizeof(ticket->site_en));
    memcpy(ticket->place_ja, print->place_ja, sizeof(ticket->place_ja));
    memcpy(ticket->place_en, print->place_en, sizeof(ticket->place_en));
    memcpy(ticket->category_ja, print->category_ja, sizeof(ticket->category_ja));
    memcpy(ticket->category_en, print->category_en, sizeof(ticket->category_en));
    memcpy(ticket->language, print->language, sizeof(ticket->language));
    memcpy(ticket->unit_ja, print->unit_ja, sizeof(ticket->unit_ja));
    memcpy(ticket->unit_en, print->unit_en, sizeof(ticket->unit_en));
    memcpy(ticket->series, print->series, sizeof(ticket->series));
    memcpy(ticket->text, print->text, sizeof(ticket->text));
    if (print->url[0] != '\0' && print->kind != PAPER_TEST && print->kind != PAPER_REPORT) {
        ids_token_to_text(&print->ticket, id);
        (void)snprintf(ticket->url, sizeof(ticket->url), "%s%s", print->url, id);
    }
}

static void give(struct devices *devices, struct unit_port *to, const struct order *order)
{
    struct paper_glyphs glyphs = glyphs_for_paper(devices->glyphs);
    struct paper_ticket ticket;

    fill_ticket(&order->print, &ticket);
    paper_lay_out(&ticket, port_site(to->port)->width_dots, &devices->layout);
    if (!paper_encode(&devices->layout, &glyphs, &devices->scratch, devices->bytes,
                      sizeof(devices->bytes), &to->job)) {
        tell_done(devices, &order->print, 0, PRINTER_UNTOUCHED, NULL);
        return;
    }
    to->busy = true;
    to->since_ms = now_ms();
    to->order = *order;
    port_print(to->port, devices->bytes, to->job.len_bytes);
}

static void remove_order(struct devices *devices, size_t index)
{
    devices->order_count--;
    memmove(&devices->orders[index], &devices->orders[index + 1],
            (devices->order_count - index) * sizeof(devices->orders[0]));
}

static bool may_print(const struct unit_port *port, const struct order *order)
{
    const struct site_printer *site = port_site(port->port);

    return (order->print.printer == 0 || order->print.printer == site->id) &&
           (order->tried & 1U << site->id) == 0;
}

enum choice { CHOICE_NONE, CHOICE_WAIT, CHOICE_PORT };

/* The first that can print; while it prints another, that is waited for. */
static enum choice choose(struct devices *devices, const struct order *order, uint64_t now,
                          struct unit_port **ret_port)
{
    bool unknown = false, waits = false;

    for (size_t i = 0; i < devices->port_count; i++) {
        struct unit_port *port = &devices->ports[i];
        const struct printer *printer = port_printer(port->port);

        if (!may_print(port, order)) {
            continue;
        }
        switch (printer_condition(printer)) {
        case PRINTER_READY:
            if (!port->busy && printer_is_free(printer)) {
                *ret_port = port;
                return CHOICE_PORT;
            }
            if (!port->busy || now - port->since_ms < DEVICES_BUSY_MS) {
                return CHOICE_WAIT;
            }
            waits = true; /* it takes unusually long: the next one, if there is one */
            break;
        case PRINTER_OFF:
        case PRINTER_UNREACHABLE:
            unknown = true;
            break;
        case PRINTER_SILENT:
        case PRINTER_COVER_OPEN:
        case PRINTER_PAPER_END:
        case PRINTER_CUTTER_ERROR:
        case PRINTER_BROKEN:
        case PRINTER_OFFLINE:
        case PRINTER_CONDITION_END:
            break;
        }
    }
    return waits || (unknown && now - order->since_ms < DEVICES_READY_MS) ? CHOICE_WAIT
                                                                          : CHOICE_NONE;
}

/* A port's own step may come back here: whoever is at work goes on. */
static void work(struct devices *devices)
{
    if (devices->working) {
        return;
    }
    devices->working = true;
    for (size_t i = 0; i < devices->order_count;) {
        struct order order = devices->orders[i];
        uint64_t now = now_ms();
        struct unit_port *port = NULL;
        enum choice choice = choose(devices, &order, now, &port);

        if (choice == CHOICE_WAIT && now - order.since_ms < DEVICES_ORDER_MS_MAX) {
            i++;
            continue;
        }
        remove_order(devices, i);
        if (choice == CHOICE_PORT) {
            give(devices, port, &order);
        } else {
            tell_done(devices, &order.print, 0, PRINTER_UNTOUCHED, NULL);
        }
    }
    devices->working = false;
}

static void drop_orders(struct devices *devices, uint64_t below_term)
{
    for (size_t i = 0; i < devices->order_count;) {
        if (devices->orders[i].print.term < below_term) {
            tell_done(devices, &devices->orders[i].print, 0, PRINTER_UNTOUCHED, NULL);
            remove_order(devices, i);
        } else {
            i++;
        }
    }
}

static void take_order(struct devices *devices, const struct api_print *print)
{
    struct order order = {.print = *print, .since_ms = now_ms()};

    if (print->term > devices->newest_term) {
        devices->newest_term = print->term;
        drop_orders(devices, print->term);
    }
    (void)fprintf(stderr, "%llu order %llu of term %llu%s\n", (unsigned long long)now_ms(),
                  (unsigned long long)print->order, (unsigned long long)print->term,
                  devices->serving ? "" : ", and nobody is served");
    if (!devices->serving || print->term < devices->newest_term || print->kind < PAPER_ORIGINAL ||
        print->kind > PAPER_REPORT || print->date / 100 % 100 < 1 || print->date / 100 % 100 > 12 ||
        devices->order_count == DEVICES_ORDERS_MAX) {
        tell_done(devices, print, 0, PRINTER_UNTOUCHED, NULL);
        return;
    }
    devices->orders[devices->order_count++] = order;
    work(devices);
}

/* ---- events ------------------------------------------------------------------------------------------------ */

static void serve(struct devices *devices, bool serving)
{
    devices->serving = serving;
    if (!serving) {
        drop_orders(devices, UINT64_MAX);
    }
    for (size_t i = 0; i < devices->port_count; i++) {
        port_want(devices->ports[i].port, serving);
    }
}

static void on_frame(void *context, const uint8_t *frame, size_t len_bytes)
{
    struct devices *devices = context;
    struct api_print print;
    struct api_state state;

    if (frame == NULL) {
        devices->connected = false;
        serve(devices, false);
    } else if (len_bytes == 0) {
        devices->connected = true;
        devices->told_bytes = 0;
        tell_level(devices);
    } else if (api_frame_type(frame) == API_STATE && api_state_decode(frame, len_bytes, &state)) {
        serve(devices, state.serving);
    } else if (api_frame_type(frame) == API_PRINT && api_print_decode(frame, len_bytes, &print)) {
        take_order(devices, &print);
    }
}

static struct unit_port *unit_port_of(struct devices *devices, const struct port *port)
{
    for (size_t i = 0; i < devices->port_count; i++) {
        if (devices->ports[i].port == port) {
            return &devices->ports[i];
        }
    }
    return NULL;
}

static void on_outcome(void *context, struct port *port, enum printer_outcome outcome)
{
    struct devices *devices = context;
    struct unit_port *own = unit_port_of(devices, port);

    CHECK(own != NULL && own->busy);
    own->busy = false;
    if (outcome == PRINTER_UNTOUCHED && devices->serving &&
        devices->order_count < DEVICES_ORDERS_MAX) {
        own->order.tried |= (uint8_t)(1U << port_site(port)->id);
        memmove(&devices->orders[1], &devices->orders[0],
                devices->order_count * sizeof(devices->orders[0]));
        devices->orders[0] = own->order; /* the next printer, in its turn */
        devices->order_count++;
    } else {
        tell_done(devices, &own->order.print, port_site(port)->id, outcome,
                  outcome == PRINTER_UNTOUCHED ? NULL : &own->job);
    }
    work(devices);
}

static void on_change(void *context, struct port *port)
{
    struct devices *devices = context;

    if (unit_port_of(devices, port) == NULL) {
        return; /* it is just being made */
    }
    tell_level(devices);
    work(devices);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void)usec;
    work(userdata);
    CHECK(sd_event_source_set_time_relative(source, TICK_USEC) >= 0);
    CHECK(sd_event_source_set_enabled(source, SD_EVENT_ONESHOT) >= 0);
    return 0;
}

static int make_ports(struct devices *devices)
{
    const struct site_printing *printing = &devices->options.site->printing;

    for (size_t i = 0; i < printing->printer_count; i++) {
        struct port_options options = {.event = devices->options.event,
                                       .printer = &printing->printers[i],
                                       .source = devices->options.site->floating_address,
                                       .on_outcome = on_outcome,
                                       .on_change = on_change,
                                       .context = devices};
        int r = port_create(&options, &devices->ports[i].port);

        if (r < 0) {
            return r;
        }
        devices->port_count++;
    }
    return 0;
}

int devices_create(const struct devices_options *options, struct devices **ret_devices)
{
    struct devices *devices = calloc(1, sizeof(*devices));
    struct toband_options toband = {.event = options->event,
                                    .path = options->engine_socket,
                                    .on_frame = on_frame,
                                    .context = devices};
    int r;

    if (devices == NULL) {
        return -ENOMEM;
    }
    devices->options = *options;
    r = glyphs_create(options->font_dir, &devices->glyphs);
    r = r < 0 ? r : make_ports(devices);
    r = r < 0 ? r
              : sd_event_add_time_relative(options->event, &devices->tick, CLOCK_MONOTONIC,
                                           TICK_USEC, ACCURACY_USEC, on_tick, devices);
    r = r < 0 ? r : toband_create(&toband, &devices->toband);
    if (r < 0) {
        devices_destroy(devices);
        return r;
    }
    (void)fprintf(stderr, "toban-devices: %zu printers, %u fonts\n", devices->port_count,
                  glyphs_font_count(devices->glyphs));
    *ret_devices = devices;
    return 0;
}

void devices_destroy(struct devices *devices)
{
    if (devices == NULL) {
        return;
    }
    (void)sd_event_source_disable_unref(devices->tick);
    toband_destroy(devices->toband);
    for (size_t i = 0; i < devices->port_count; i++) {
        port_destroy(devices->ports[i].port);
    }
    glyphs_destroy(devices->glyphs);
    free(devices);
}
