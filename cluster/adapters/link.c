/*
 * Contacts: how TLS sessions begin, prove themselves, carry frames and end, over link_transport.h.
 *
 * A message on the wire is a clear header and TLS records:
 *   u32 magic, u8 type, u8 which, u16 zero, u64 wire number, u64 sequence (per direction, from 0)
 * The wire number names the session before there is anything to trust; a stranger cannot guess it,
 * and whoever sees it could cut the wire as well. The plaintext of one message is one frame: u32
 * length of the rest, u8 kind, bytes so that a message cut short at a record's end does not verify
 * either.
 */
#include "cluster/adapters/link.h"

#include "base/bytes.h"
#include "base/check.h"
#include "cluster/adapters/link_transport.h"
#include "cluster/adapters/tls_openssl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum {
    MAGIC = 0x54424e31, /* "TBN1" */
    HEADER_BYTES = 24,
    PREFIX_BYTES = 5,
    PLAIN_BYTES_MAX = PREFIX_BYTES + LINK_FRAME_BYTES_MAX,
    TLS_OVERHEAD_BYTES_MAX = 1024, /* 9 records, a key update */
    HANDSHAKE_BYTES_MAX = 16384,
    TIMER_ACCURACY_US = 1000,
    US_PER_MS = 1000,
    PROBE_MS_MAX =
        50, /* a live peer answers sooner; a restarted one should not wait longer (rule 2) */
    HOUSEKEEPING_MS = 1000,
    RETRY_MS_RENEW = 4 * LINK_RETRY_MS_MIN, /* the third attempt: see begin_if_due */
    TRANSPORT_PEERS_UP_MAX = 256,           /* while there is a contact: shedding would break it */
};

enum type {
    TYPE_ASK = 1,     /* from the server side: I have no contact, begin one. Proves nothing. */
    TYPE_HELLO = 2,   /* from the client side: first message of a session */
    TYPE_RECORDS = 3, /* everything later */
};

enum kind {
    KIND_FRAME = 0,
    KIND_ACCEPTED = 1, /* server: your proof was good; without it a TLS 1.3 client cannot know */
    KIND_PROBE = 2,    /* do you still have this contact? */
    KIND_PRESENT = 3,  /* yes */
};

enum state { STATE_HANDSHAKE = 0, STATE_UNCONFIRMED, STATE_UP };

struct contact {
    struct tls_session *tls; /* NULL: slot is free */
    enum state state;
    uint64_t wire;           /* number in the header */
    uint64_t number;         /* derived from the keys, once up */
    uint64_t sent, received; /* next sequence in each direction */
    uint64_t until_ms;       /* handshake: given up then */
};

struct lane {
    struct link *link;
    enum link_which which;
    struct link_transport *transport; /* NULL: this link does not exist */
    sd_event_source *timer;
    struct contact current;                      /* tls NULL: no contact */
    struct contact pending[LINK_HANDSHAKES_MAX]; /* client: only the first */
    bool doomed; /* sealing failed: current goes down from the loop */
    uint64_t retry_ms;
    uint64_t heard_ms;       /* the newest frame of the present contact that verified */
    uint64_t begun_ms;       /* the newest hello or ask */
    uint64_t begin_at_ms;    /* next hello or ask; while there is no contact and nothing pending */
    uint64_t probe_until_ms; /* 0: not probing */
    uint64_t hello_window_ms;
    uint32_t hello_count; /* in the second that began there */
    struct link_counters counters;
    struct tls_reason reason;
};

struct link {
    struct link_options options;
    struct tls_identity *identity;
    bool client;
    struct lane lanes[LINK_COUNT];
    uint8_t out[PLAIN_BYTES_MAX]; /* apart from `in`: a callback may send what it was given */
    uint8_t in[PLAIN_BYTES_MAX];
};

static const char *const protocols[LINK_COUNT] = {"toban-link/1 service", "toban-link/1 direct"};

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The timer runs at the earliest of what may be due. */
static void plan(struct lane *lane)
{
    uint64_t due_ms = now_ms() + HOUSEKEEPING_MS;
    bool waiting = lane->current.tls == NULL;

    for (size_t i = 0; i < LINK_HANDSHAKES_MAX; i++) {
        if (lane->pending[i].tls != NULL) {
            due_ms = lane->pending[i].until_ms < due_ms ? lane->pending[i].until_ms : due_ms;
            waiting = false;
        }
    }
    if (waiting && lane->begin_at_ms < due_ms) {
        due_ms = lane->begin_at_ms;
    }
    if (lane->probe_until_ms != 0 && lane->probe_until_ms < due_ms) {
        due_ms = lane->probe_until_ms;
    }
    if (lane->doomed) {
        due_ms = 0;
    }
    (void)sd_event_source_set_time(lane->timer, due_ms * US_PER_MS);
    (void)sd_event_source_set_enabled(lane->timer, SD_EVENT_ONESHOT);
}

static void put_header(uint8_t *message, enum type type, enum link_which which, uint64_t wire,
                       uint64_t sequence)
{
    struct bytes_writer writer = bytes_writer_over(message, HEADER_BYTES);

    bytes_put_u32(&writer, MAGIC);
    bytes_put_u8(&writer, (uint8_t)type);
    bytes_put_u8(&writer, (uint8_t)which);
    bytes_put_u16(&writer, 0);
    bytes_put_u64(&writer, wire);
    bytes_put_u64(&writer, sequence);
    CHECK(!writer.failed && writer.len_bytes == HEADER_BYTES);
}

/* Sends what TLS has to say as one message. */
static void send_output(struct lane *lane, struct contact *contact)
{
    size_t len_bytes;
    const uint8_t *records = tls_output(contact->tls, &len_bytes);
    enum type type = lane->link->client && contact->sent == 0 ? TYPE_HELLO : TYPE_RECORDS;
    uint8_t *message;

    if (len_bytes == 0) {
        return;
    }
    message = link_transport_allocate(HEADER_BYTES + len_bytes);
    if (message != NULL) { /* else the peer finds a gap, as if it were lost on the way */
        put_header(message, type, lane->which, contact->wire, contact->sent);
        memcpy(message + HEADER_BYTES, records, len_bytes);
        link_transport_send(lane->transport, contact->wire, message, HEADER_BYTES + len_bytes);
        lane->counters.bytes_sent += HEADER_BYTES + len_bytes;
    }
    contact->sent++;
    tls_output_done(contact->tls);
}

static int seal(struct lane *lane, struct contact *contact, enum kind kind, const uint8_t *bytes,
                size_t len_bytes)
{
    struct link *link = lane->link;
    struct bytes_writer writer = bytes_writer_over(link->out, sizeof(link->out));
    int r;

    bytes_put_u32(&writer, (uint32_t)(1 + len_bytes));
    bytes_put_u8(&writer, (uint8_t)kind);
    bytes_put(&writer, bytes, len_bytes);
    CHECK(!writer.failed);
    r = tls_seal(contact->tls, link->out, writer.len_bytes);
    if (r == 0) {
        send_output(lane, contact);
    }
    return r;
}

static void free_contact(struct contact *contact)
{
    tls_session_destroy(contact->tls);
    *contact = (struct contact){.tls = NULL};
}

static void discard(struct lane *lane, struct contact *contact)
{
    link_transport_forget(lane->transport, contact->wire);
    free_contact(contact);
}

static void fail_handshake(struct lane *lane, struct contact *contact)
{
    struct tls_reason reason;

    tls_get_reason(contact->tls, &reason);
    lane->counters.handshakes_failed++;
    if (reason.en[0] == '\0') {
        (void)snprintf(reason.en, sizeof(reason.en), "The other side did not answer in time.");
        (void)snprintf(reason.ja, sizeof(reason.ja), "相手から時間内に応答がありません。");
    }
    if (reason.certificate) {
        lane->counters.refused_certificates++;
    }
    lane->reason = reason;
    discard(lane, contact);
}

static void begin_after_retry(struct lane *lane)
{
    lane->begun_ms = now_ms();
    lane->begin_at_ms = lane->begun_ms + lane->retry_ms;
    lane->retry_ms *= 2;
    if (lane->retry_ms > LINK_RETRY_MS_MAX) {
        lane->retry_ms = LINK_RETRY_MS_MAX;
    }
}

static void begin_again_soon(struct lane *lane, bool renew)
{
    bool at_once = lane->link->client && !renew;

    /* A contact that was given up here may have died with its connection: the next attempt goes
     * over a new one, after a moment in which the goodbye can still leave over the old one. */
    lane->retry_ms = renew ? RETRY_MS_RENEW : LINK_RETRY_MS_MIN;
    lane->begin_at_ms = now_ms() + (at_once ? 0 : LINK_RETRY_MS_MIN);
}

/* Ends the present contact. The callback comes last: it may call us again. */
static void go_down(struct lane *lane, enum link_down_reason reason)
{
    struct link *link = lane->link;
    uint64_t number = lane->current.number;

    CHECK(lane->current.tls != NULL);
    free_contact(&lane->current);
    lane->doomed = false;
    lane->probe_until_ms = 0;
    begin_again_soon(lane, reason == LINK_DOWN_RESET);
    plan(lane);
    link->options.on_down(link->options.context, lane->which, number, reason);
}

static struct contact *find_pending(struct lane *lane, uint64_t wire)
{
    for (size_t i = 0; i < LINK_HANDSHAKES_MAX; i++) {
        if (lane->pending[i].tls != NULL && lane->pending[i].wire == wire) {
            return &lane->pending[i];
        }
    }
    return NULL;
}

/* A contact that has proved itself takes the place of whatever there was. */
static void go_up(struct lane *lane, struct contact *proved)
{
    struct link *link = lane->link;
    uint64_t wire = proved->wire;
    uint64_t number;

    if (lane->current.tls != NULL) {
        link_transport_forget(lane->transport, lane->current.wire);
        go_down(lane, LINK_DOWN_REPLACED);
        proved = find_pending(lane, wire); /* the callback may have reset everything */
        if (proved == NULL) {
            return;
        }
    }
    lane->current = *proved;
    *proved = (struct contact){.tls = NULL};
    lane->current.state = STATE_UP;
    lane->heard_ms = now_ms();
    number = lane->current.number;
    lane->counters.contacts++;
    lane->reason = (struct tls_reason){.certificate = false};
    lane->retry_ms = LINK_RETRY_MS_MIN;
    plan(lane);
    link->options.on_up(link->options.context, lane->which, number);
}

static struct contact *open_contact(struct lane *lane, struct contact *slot, uint64_t wire)
{
    lane->counters.handshakes_begun++;
    if (tls_session_create(lane->link->identity, lane->link->client, protocols[lane->which],
                           &slot->tls) < 0) {
        lane->counters.handshakes_failed++;
        return NULL;
    }
    slot->state = STATE_HANDSHAKE;
    slot->wire = wire;
    slot->until_ms = now_ms() + LINK_HANDSHAKE_MS_MAX;
    return slot;
}

/* Client: one handshake at a time. */
static void begin_handshake(struct lane *lane)
{
    uint64_t wire = 0;
    struct contact *contact;

    if (lane->pending[0].tls != NULL) {
        return;
    }
    begin_after_retry(lane);
    if (getrandom(&wire, sizeof(wire), GRND_NONBLOCK) != sizeof(wire)) {
        return; /* tried again after the retry time */
    }
    contact = open_contact(lane, &lane->pending[0], wire);
    if (contact != NULL) {
        (void)tls_handshake(contact->tls);
        send_output(lane, contact);
    }
}

static void send_ask(struct lane *lane)
{
    uint8_t *message = link_transport_allocate(HEADER_BYTES);

    begin_after_retry(lane);
    link_transport_forget(lane->transport, 0);
    if (message != NULL) {
        put_header(message, TYPE_ASK, lane->which, 0, 0);
        link_transport_send(lane->transport, 0, message, HEADER_BYTES);
    }
}

/* Is the peer still at the other end of the contact? Its silence is judged in end_probe. */
static void probe_peer(struct lane *lane)
{
    if (lane->probe_until_ms == 0) {
        lane->probe_until_ms = now_ms() + PROBE_MS_MAX;
        lane->doomed = seal(lane, &lane->current, KIND_PROBE, NULL, 0) < 0 || lane->doomed;
    }
}

/* Somebody - who can be anybody - says that the peer has no contact. If we have one, the peer is asked
 * within it; only its silence begins another handshake. */
static void heed_ask(struct lane *lane)
{
    if (lane->current.tls != NULL) {
        probe_peer(lane);
    } else if (now_ms() - lane->begun_ms >= LINK_RETRY_MS_MIN) {
        begin_handshake(lane);
    }
    plan(lane);
}

/* Server: a slot for a new hello. The oldest half open handshake gives way: a stranger may spoil an
 * attempt of the peer's, never a contact. */
static struct contact *accept_hello(struct lane *lane, uint64_t wire)
{
    uint64_t at_ms = now_ms();
    struct contact *oldest = &lane->pending[0];

    if (at_ms - lane->hello_window_ms >= 1000) {
        lane->hello_window_ms = at_ms;
        lane->hello_count = 0;
    }
    if (lane->hello_count >= LINK_HANDSHAKES_PER_S_MAX) {
        lane->counters.dropped_flood++;
        return NULL;
    }
    lane->hello_count++;
    for (size_t i = 0; i < LINK_HANDSHAKES_MAX; i++) {
        if (lane->pending[i].tls == NULL) {
            return open_contact(lane, &lane->pending[i], wire);
        }
        if (lane->pending[i].until_ms < oldest->until_ms) {
            oldest = &lane->pending[i];
        }
    }
    fail_handshake(lane, oldest);
    return open_contact(lane, oldest, wire);
}

/* False: not one whole frame. */
static bool read_frame(struct lane *lane, size_t plain_len_bytes, enum kind *ret_kind,
                       const uint8_t **ret_bytes, size_t *ret_len_bytes)
{
    struct bytes_reader reader = bytes_reader_over(lane->link->in, plain_len_bytes);
    uint32_t len_bytes = bytes_get_u32(&reader);
    uint8_t kind = bytes_get_u8(&reader);

    if (reader.failed || len_bytes != 1 + bytes_left(&reader) || kind > KIND_PRESENT) {
        return false;
    }
    *ret_kind = kind;
    *ret_len_bytes = bytes_left(&reader);
    *ret_bytes = bytes_take(&reader, *ret_len_bytes);
    return true;
}

static void handle_frame(struct lane *lane, enum kind kind, const uint8_t *bytes, size_t len_bytes)
{
    struct link *link = lane->link;

    switch (kind) {
    case KIND_FRAME:
        lane->counters.frames_received++;
        link->options.on_frame(link->options.context, lane->which, bytes, len_bytes);
        return;
    case KIND_PROBE:
        lane->doomed = seal(lane, &lane->current, KIND_PRESENT, NULL, 0) < 0 || lane->doomed;
        plan(lane);
        return;
    case KIND_PRESENT:
        lane->probe_until_ms = 0;
        plan(lane);
        return;
    case KIND_ACCEPTED:
        return;
    }
}

static enum link_down_reason down_reason(int r)
{
    switch (r) {
    case -ECONNRESET:
        return LINK_DOWN_CLOSED;
    case -ENOMEM:
        return LINK_DOWN_FAILED;
    default:
        return LINK_DOWN_BROKEN;
    }
}

static void end_current(struct lane *lane, enum link_down_reason reason)
{
    lane->counters.broken_records += reason == LINK_DOWN_BROKEN ? 1 : 0;
    lane->counters.gaps += reason == LINK_DOWN_GAP ? 1 : 0;
    link_transport_forget(lane->transport, lane->current.wire);
    go_down(lane, reason);
}

static void receive_on_current(struct lane *lane, const uint8_t *records, size_t len_bytes)
{
    const uint8_t *bytes = NULL;
    size_t plain_len_bytes = 0;
    size_t frame_bytes = 0;
    enum kind kind = KIND_FRAME;
    int r = tls_feed(lane->current.tls, records, len_bytes);

    if (r == 0) {
        r = tls_open(lane->current.tls, lane->link->in, sizeof(lane->link->in), &plain_len_bytes);
    }
    if (r == 0 && !read_frame(lane, plain_len_bytes, &kind, &bytes, &frame_bytes)) {
        r = -EBADMSG;
    }
    if (r < 0) {
        end_current(lane, down_reason(r));
        return;
    }
    lane->heard_ms = now_ms();
    handle_frame(lane, kind, bytes, frame_bytes);
}

/* The client waits for the server's word that its certificate was good. */
static int read_acceptance(struct lane *lane, struct contact *contact)
{
    const uint8_t *bytes;
    size_t plain_len_bytes = 0;
    size_t frame_bytes;
    enum kind kind;
    int r = tls_open(contact->tls, lane->link->in, sizeof(lane->link->in), &plain_len_bytes);

    if (r < 0 || plain_len_bytes == 0) {
        return r;
    }
    return read_frame(lane, plain_len_bytes, &kind, &bytes, &frame_bytes) && kind == KIND_ACCEPTED
               ? 1
               : -EBADMSG;
}

static int advance(struct lane *lane, struct contact *contact)
{
    int r = 0;

    if (contact->state == STATE_HANDSHAKE) {
        r = tls_handshake(contact->tls);
        send_output(lane, contact); /* a flight, or the alert that says why not */
        if (r <= 0) {
            return r;
        }
        contact->state = STATE_UNCONFIRMED;
        contact->number = tls_number(contact->tls);
        if (!lane->link->client) {
            return seal(lane, contact, KIND_ACCEPTED, NULL, 0) < 0 ? -EIO : 1;
        }
    }
    return read_acceptance(lane, contact);
}

static void receive_on_pending(struct lane *lane, struct contact *contact, const uint8_t *records,
                               size_t len_bytes)
{
    int r =
        len_bytes > HANDSHAKE_BYTES_MAX ? -EMSGSIZE : tls_feed(contact->tls, records, len_bytes);

    if (r == 0) {
        r = advance(lane, contact);
    }
    if (r < 0) {
        fail_handshake(lane, contact);
        plan(lane);
    } else if (r > 0) {
        go_up(lane, contact);
    }
}

struct header {
    uint8_t type;
    uint64_t wire, sequence;
};

static bool read_header(const struct lane *lane, struct bytes_reader *reader, struct header *header)
{
    bool right = bytes_get_u32(reader) == MAGIC;

    header->type = bytes_get_u8(reader);
    right = bytes_get_u8(reader) == lane->which && right;
    right = bytes_get_u16(reader) == 0 && right;
    header->wire = bytes_get_u64(reader);
    header->sequence = bytes_get_u64(reader);
    return right && !reader->failed && header->type >= TYPE_ASK && header->type <= TYPE_RECORDS &&
           (header->type == TYPE_ASK) == (bytes_left(reader) == 0);
}

static void receive_session(struct lane *lane, const struct header *header, const uint8_t *records,
                            size_t len_bytes)
{
    bool current = lane->current.tls != NULL && lane->current.wire == header->wire;
    struct contact *contact = current ? &lane->current : find_pending(lane, header->wire);

    if (contact == NULL && header->type == TYPE_HELLO && !lane->link->client &&
        header->sequence == 0) {
        contact = accept_hello(lane, header->wire);
        plan(lane);
        if (contact == NULL) {
            return;
        }
    }
    if (contact == NULL) {
        lane->counters.dropped_unknown++;
    } else if (header->sequence < contact->received) {
        lane->counters.dropped_repeated++;
    } else if (header->sequence > contact->received) {
        if (current) {
            end_current(lane, LINK_DOWN_GAP);
        } else {
            lane->counters.gaps++;
            fail_handshake(lane, contact);
            plan(lane);
        }
    } else {
        contact->received++;
        if (current) {
            receive_on_current(lane, records, len_bytes);
        } else {
            receive_on_pending(lane, contact, records, len_bytes);
        }
    }
}

static void on_message(void *context, const uint8_t *bytes, size_t len_bytes)
{
    struct lane *lane = context;
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);
    struct header header;

    lane->counters.bytes_received += len_bytes;
    if (!read_header(lane, &reader, &header)) {
        lane->counters.dropped_garbage++;
    } else if (header.type == TYPE_ASK) {
        if (lane->link->client) {
            heed_ask(lane);
        } else {
            lane->counters.dropped_garbage++;
        }
    } else {
        size_t left_bytes = bytes_left(&reader);

        receive_session(lane, &header, bytes_take(&reader, left_bytes), left_bytes);
    }
}

static void on_room(void *context)
{
    struct lane *lane = context;

    if (lane->link->options.on_room != NULL && lane->current.tls != NULL) {
        lane->link->options.on_room(lane->link->options.context, lane->which);
    }
}

static bool is_pending(const struct lane *lane)
{
    for (size_t i = 0; i < LINK_HANDSHAKES_MAX; i++) {
        if (lane->pending[i].tls != NULL) {
            return true;
        }
    }
    return false;
}

static void renew_transport(struct lane *lane)
{
    lane->counters.transport_renewals++;
    link_transport_renew(lane->transport);
}

static void begin_if_due(struct lane *lane)
{
    if (lane->current.tls != NULL || is_pending(lane) || now_ms() < lane->begin_at_ms) {
        return;
    }
    /* From the third attempt on over a new connection: TCP repeats into a cut wire ever more rarely,
     * and would be found asleep when the wire is whole again. Not sooner: a connection closed right
     * after a message takes the message with it when the other side is slow to read. */
    if (lane->retry_ms >= RETRY_MS_RENEW) {
        renew_transport(lane);
    }
    if (lane->link->client) {
        begin_handshake(lane);
    } else {
        send_ask(lane);
    }
}

/* A handshake that gets no answer beside a contact: if that one is silent too, our way to the peer may
 * be stuck. A contact that lives answers the probe, whatever a stranger sent us. */
static void give_up_handshakes(struct lane *lane)
{
    for (size_t i = 0; i < LINK_HANDSHAKES_MAX; i++) {
        if (lane->pending[i].tls != NULL && lane->pending[i].until_ms <= now_ms()) {
            fail_handshake(lane, &lane->pending[i]);
            if (lane->current.tls != NULL && now_ms() - lane->heard_ms >= LINK_HANDSHAKE_MS_MAX) {
                probe_peer(lane);
            }
        }
    }
}

static void end_probe(struct lane *lane)
{
    lane->probe_until_ms = 0;
    if (now_ms() - lane->heard_ms >= LINK_HANDSHAKE_MS_MAX) {
        renew_transport(lane);
    }
    if (lane->link->client) {
        begin_handshake(lane); /* the old contact stays until the new one has proved itself */
    }
}

static int on_timer(sd_event_source *source, uint64_t at_us, void *context)
{
    struct lane *lane = context;

    (void)source;
    (void)at_us;
    give_up_handshakes(lane);
    if (lane->probe_until_ms != 0 && lane->probe_until_ms <= now_ms()) {
        end_probe(lane);
    }
    (void)link_transport_shed(lane->transport, lane->current.tls == NULL ? LINK_TRANSPORT_PEERS_MAX
                                                                         : TRANSPORT_PEERS_UP_MAX);
    begin_if_due(lane);
    plan(lane);
    if (lane->doomed) {
        end_current(lane, LINK_DOWN_FAILED);
    }
    return 0;
}

static int open_lane(struct link *link, enum link_which which)
{
    struct lane *lane = &link->lanes[which];
    struct link_transport_options options = {
        .event = link->options.event,
        .endpoint = link->options.endpoints[which],
        .on_message = on_message,
        .on_room = on_room,
        .context = lane,
    };
    uint16_t port = which == LINK_SERVICE ? LINK_PORT_SERVICE : LINK_PORT_DIRECT;
    int r;

    lane->link = link;
    lane->which = which;
    lane->retry_ms = LINK_RETRY_MS_MIN;
    if (options.endpoint.local_address == NULL) {
        return 0;
    }
    if (options.endpoint.peer_address == NULL) {
        return -EINVAL;
    }
    options.endpoint.local_port =
        options.endpoint.local_port == 0 ? port : options.endpoint.local_port;
    options.endpoint.peer_port =
        options.endpoint.peer_port == 0 ? port : options.endpoint.peer_port;
    r = sd_event_add_time(options.event, &lane->timer, CLOCK_MONOTONIC, 0, TIMER_ACCURACY_US,
                          on_timer, lane);
    return r < 0 ? r : link_transport_create(&options, &lane->transport);
}

static int open_link(struct link *link)
{
    char own_name[TLS_NAME_BYTES_MAX];
    char peer_name[TLS_NAME_BYTES_MAX];
    struct tls_identity_options identity = {
        .ca_path = link->options.ca_path,
        .certificate_path = link->options.certificate_path,
        .key_path = link->options.key_path,
        .own_name = own_name,
        .peer_name = peer_name,
    };
    int r;

    (void)snprintf(own_name, sizeof(own_name), "unit-%u", link->options.own_unit);
    (void)snprintf(peer_name, sizeof(peer_name), "unit-%u", link->options.peer_unit);
    r = tls_identity_create(&identity, &link->identity);
    if (r == 0) {
        r = open_lane(link, LINK_SERVICE);
    }
    return r < 0 ? r : open_lane(link, LINK_DIRECT);
}

int link_create(const struct link_options *options, struct link **ret_link)
{
    struct link *link;
    int r;

    if (options->own_unit == options->peer_unit || options->ca_path == NULL ||
        options->certificate_path == NULL || options->key_path == NULL) {
        return -EINVAL;
    }
    CHECK(options->event != NULL && options->on_frame != NULL && options->on_up != NULL &&
          options->on_down != NULL);
    link = calloc(1, sizeof(*link));
    if (link == NULL) {
        return -ENOMEM;
    }
    link->options = *options;
    link->client = options->own_unit < options->peer_unit;
    (void)sd_event_ref(options->event);
    r = open_link(link);
    if (r < 0) {
        link_destroy(link);
        return r;
    }
    *ret_link = link;
    return 0;
}

static void say_goodbye(struct lane *lane, struct contact *contact)
{
    tls_close(contact->tls);
    send_output(lane, contact);
}

static void close_lane(struct lane *lane)
{
    (void)sd_event_source_disable_unref(lane->timer);
    if (lane->transport == NULL) {
        return;
    }
    if (lane->current.tls != NULL) {
        say_goodbye(lane, &lane->current);
    }
    free_contact(&lane->current);
    for (size_t i = 0; i < LINK_HANDSHAKES_MAX; i++) {
        free_contact(&lane->pending[i]);
    }
    link_transport_destroy(lane->transport);
}

void link_destroy(struct link *link)
{
    if (link == NULL) {
        return;
    }
    for (size_t i = 0; i < LINK_COUNT; i++) {
        close_lane(&link->lanes[i]);
    }
    tls_identity_destroy(link->identity);
    (void)sd_event_unref(link->options.event);
    free(link);
}

int link_send(struct link *link, enum link_which which, const uint8_t *bytes, size_t len_bytes)
{
    struct lane *lane = &link->lanes[which];

    if (len_bytes == 0 || len_bytes > LINK_FRAME_BYTES_MAX) {
        return -EMSGSIZE;
    }
    if (lane->current.tls == NULL) {
        return -ENOTCONN;
    }
    if (lane->doomed) {
        return -EIO;
    }
    if (!link_transport_has_room(lane->transport,
                                 HEADER_BYTES + len_bytes + TLS_OVERHEAD_BYTES_MAX)) {
        lane->counters.sends_refused++;
        return -EAGAIN;
    }
    if (seal(lane, &lane->current, KIND_FRAME, bytes, len_bytes) < 0) {
        lane->doomed = true;
        plan(lane);
        return -EIO;
    }
    lane->counters.frames_sent++;
    return 0;
}

void link_reset(struct link *link, enum link_which which)
{
    struct lane *lane = &link->lanes[which];

    if (lane->transport == NULL) {
        return;
    }
    for (size_t i = 0; i < LINK_HANDSHAKES_MAX; i++) {
        if (lane->pending[i].tls != NULL) {
            discard(lane, &lane->pending[i]);
        }
    }
    if (lane->current.tls != NULL) {
        /* Behind what is queued already: out of order it would be a gap, not a goodbye. */
        say_goodbye(lane, &lane->current);
        go_down(lane, LINK_DOWN_RESET);
        return;
    }
    renew_transport(lane);
    begin_again_soon(lane, false);
    plan(lane);
}

uint64_t link_get_contact(const struct link *link, enum link_which which)
{
    return link->lanes[which].current.tls == NULL ? 0 : link->lanes[which].current.number;
}

void link_get_counters(const struct link *link, enum link_which which,
                       struct link_counters *ret_counters)
{
    const struct lane *lane = &link->lanes[which];

    *ret_counters = lane->counters;
    if (lane->transport != NULL) {
        ret_counters->queued_bytes = link_transport_queued_bytes(lane->transport);
    }
}

void link_get_refusal(const struct link *link, enum link_which which, char en[LINK_REASON_BYTES],
                      char ja[LINK_REASON_BYTES])
{
    const struct tls_reason *reason = &link->lanes[which].reason;

    (void)snprintf(en, LINK_REASON_BYTES, "%s", reason->en);
    (void)snprintf(ja, LINK_REASON_BYTES, "%s", reason->ja);
}
