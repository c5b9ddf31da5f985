/*
 * storage/ship/ship.h - log shipping: the frames between two units, and what may be sent when.
 *
 * Decides: the bytes of a frame, which entries may be in flight, when unacknowledged ones are sent again,
 * and when an acknowledgement is overdue (DESIGN 3 rule 1: broken contact). Decides not: what an entry
 * means, whether a contact is good, who ships to whom. Pure. The channel below may lose, double and
 * reorder frames; it is authenticated, so a frame is from the peer, but may be of a contact given up:
 * every frame names both contacts and the engine drops those of another.
 *
 * lsn windows, cumulative acknowledgement (term, lsn, hash), resend by going back to the first
 * unacknowledged entry. Limits below; a frame that breaks one is refused.
 */
#ifndef STORAGE_SHIP_SHIP_H
#define STORAGE_SHIP_SHIP_H

#include "base/bytes.h"
#include "base/ids.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ship_limit {
    SHIP_FRAME_BYTES_MAX = 96 * 1024,
    SHIP_WINDOW_ENTRIES = 4096,   /* in flight: sent and not acknowledged */
    SHIP_FRAME_ENTRIES_MAX = 1024,
    SHIP_KEYS_MAX = 16,
    SHIP_TAIL_ROWS_MAX = 128,     /* in one TAIL frame */
    SHIP_RESEND_MS = 100,
    SHIP_MARKS_MAX = 128,
    SHIP_MARK_MS = 8,             /* what is first sent within so long counts as sent at its beginning */
    SHIP_KEY_BYTES = 32,
    SHIP_CLIENTS_BYTES_MAX = 6144,
    SHIP_SNAPSHOT_BYTES_MAX = 64 * 1024, /* in one frame */
};

enum ship_kind {
    SHIP_WORD = 1,       /* body: duty_word */
    SHIP_ENTRIES = 2,    /* entries from first_lsn on, and the keys they need */
    SHIP_ACK = 3,        /* everything up to lsn is durable here */
    SHIP_ASK_HASH = 4,   /* meeting: which hash has your entry lsn? */
    SHIP_HASH = 5,
    SHIP_ASK_TAIL = 6,   /* meeting: your rows changed after lsn, from row `index` on */
    SHIP_TAIL = 7,
    SHIP_TAKE = 8,       /* meeting: our ledgers agree up to lsn; take ours from there, at least to `until` */
    SHIP_CLIENTS = 9,    /* body: the gateway's open connections, for tickles after a takeover (rule 8) */
    SHIP_OFFER = 10,     /* meeting: a snapshot of our ledger, up to lsn, until_lsn bytes of this hash; and keys */
    SHIP_ASK_SNAPSHOT = 11, /* meeting: its bytes from offset lsn to until_lsn */
    SHIP_SNAPSHOT = 12,  /* body: its bytes from offset lsn on */
    SHIP_ERASED = 13,    /* body: what this unit found on its disk after a day was erased (engine_erasure.c) */
    SHIP_KIND_END,
};

struct ship_contact {
    uint64_t process, contact;            /* the sender's */
    uint64_t heard_process, heard_contact; /* the receiver's, as the sender heard them */
};

struct ship_key {
    uint32_t day, unit;
    uint8_t bytes[SHIP_KEY_BYTES];
};

struct ship_frame {
    uint8_t kind;
    struct ship_contact contact;
    uint64_t lsn;                /* ENTRIES: first; ACK: last durable; others: the lsn meant */
    uint64_t term;               /* ENTRIES, ACK */
    struct ids_hash hash;        /* ENTRIES: of the entry before the first; ACK, HASH, TAKE: at lsn */
    uint64_t until_lsn;          /* TAKE; ENTRIES: end of a mint; ACK: received, not yet durable */
    uint32_t index;              /* ASK_TAIL, TAIL: number of the first row */
    uint32_t count;              /* ENTRIES, TAIL: how many follow in body */
    bool more;                   /* TAIL: rows are left */
    uint8_t key_count;           /* ENTRIES, OFFER */
    struct ship_key keys[SHIP_KEYS_MAX];
    const uint8_t *body;         /* borrowed; ENTRIES, TAIL: u32 length and bytes, count times */
    size_t body_len_bytes;
};

size_t ship_frame_encode(const struct ship_frame *frame, uint8_t *bytes, size_t capacity_bytes);
bool ship_frame_decode(const uint8_t *bytes, size_t len_bytes, struct ship_frame *ret_frame);
/* Walks the items of a body: NULL at the end or when an item does not fit. */
const uint8_t *ship_body_next(struct bytes_reader *body, size_t *ret_len_bytes);
void ship_body_put(struct bytes_writer *body, const void *item, size_t len_bytes);

/* Everything up to `lsn` that no earlier mark covers was first sent at `sent_ms`, or SHIP_MARK_MS later. */
struct ship_mark {
    uint64_t lsn, sent_ms;
};

/* What the sender knows of the receiver. */
struct ship_sender {
    uint64_t acked_lsn;          /* durable there */
    uint64_t received_lsn;       /* arrived there: opens the window, promises nothing */
    uint64_t next_lsn;           /* first to send next */
    uint64_t sent_lsn;           /* highest ever sent: going back does not forget it */
    struct ship_mark marks[SHIP_MARKS_MAX]; /* ring: what is in flight, oldest first */
    uint32_t mark_first, mark_count;
    uint64_t sent_ms;            /* when the first that did not arrive was sent last, or progress was made */
    uint64_t resent_count;
};

void ship_sender_init(struct ship_sender *sender, uint64_t acked_lsn);
/* May [*first, *last] be sent now? Goes back to the first unacknowledged when SHIP_RESEND_MS passed
 * without progress. head_lsn: newest that may be shipped. */
bool ship_sender_next(struct ship_sender *sender, uint64_t head_lsn, uint64_t now_ms,
                      uint64_t *ret_first_lsn, uint64_t *ret_last_lsn);
void ship_sender_sent(struct ship_sender *sender, uint64_t last_lsn, uint64_t now_ms);
/* An acknowledgement: durable up to lsn, received up to received_lsn. What is older or impossible
 * changes nothing. True: progress of the durable part. */
bool ship_sender_acked(struct ship_sender *sender, uint64_t lsn, uint64_t received_lsn,
                       uint64_t now_ms);
/* How long the oldest entry in flight has waited since it was first sent, SHIP_MARK_MS too much at most
 * (while more than SHIP_MARKS_MAX marks are in flight, the newest are counted as older); 0: none. */
uint64_t ship_sender_waiting_ms(const struct ship_sender *sender, uint64_t now_ms);

#endif
