/*
 * appliance/engine/api.h - the language of toband's UNIX socket: toban-web, toban and the tests speak it.
 *
 * Decides: how requests, replies and live events are framed. Decides not: what they mean (engine), how
 * HTTP names them (gateway). Codec only: pure, no I/O; bytes from the socket are refused, never trusted.
 *
 * Stream of frames: u32 length of the rest, u8 type, u32 request id (echoed; 0 in pushed frames), body.
 * Many requests may be in flight on one connection; replies come in any order. Replies carry a finished
 * JSON body (an RFC 9457 problem when status >= 400), rendered once by the engine, so the gateway passes
 * bytes on. A reply leaves toband only when what it was computed from is durable (DESIGN 3 rule 1),
 * except STATUS, READY and EXPLAIN, which leave at once and say their lsn.
 *
 * On connecting, toband sends one STATE frame, and again whenever serving starts or ends; gateways hold
 * requests up to 3 s while not serving and send them again with the same key.
 */
#ifndef APPLIANCE_ENGINE_API_H
#define APPLIANCE_ENGINE_API_H

#include "base/bytes.h"
#include "base/ids.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum api_limit {
    API_REQUEST_BYTES_MAX = 1024,         /* one request frame, with its length field */
    API_REPLY_BYTES_MAX = 4 * 1024 * 1024,
    API_TEXT_BYTES = 128,
    API_PLAN_MAX = 5,
    API_NOTE_BYTES = 96,
    API_NOTICE_BYTES = 240,
    API_SERVES_MAX = 32,
    API_UNIT_SERIAL_BYTES_MAX = 31,
    API_UNIT_PERSON_BYTES_MAX = 60,
    API_ACCOUNT_BYTES = 33,               /* an account's name, with the closing zero */
    API_TITLE_BYTES = 64,
    API_DERIVED_BYTES = 32,               /* what is made of a password, a PIN */
    API_SALT_BYTES = 16,
    API_ADDRESS_BYTES = 16,               /* IPv6, or IPv4 mapped into it */
    API_REQUESTS_IN_FLIGHT_MAX = 1024,    /* per connection; more are answered 503 OVERLOAD */
    API_FRAME_HEADER_BYTES = 4 + 1 + 4,
    API_NAME_BYTES = 64,
    API_URL_BYTES = 128,
    API_PRINTERS_MAX = 4,
    API_SITE_TEXT_BYTES_MAX = 64 * 1024,  /* a site file, a list of holidays */
    API_SITE_NOTE_BYTES = 256,
    API_SITE_REQUEST_BYTES_MAX = API_SITE_TEXT_BYTES_MAX + 1024, /* a frame of API_SITE, the only longer one */
    API_REPORT_BYTES = 2048,              /* what stands on a paper for staff */
    API_PRINT_BYTES_MAX = 4096,           /* one order for a paper */
};

enum api_type {
    API_COMMAND = 1,    /* changes the queue: struct api_command */
    API_READ = 2,       /* struct api_read */
    API_SUBSCRIBE = 3,  /* no body: from now on EVENT frames; the first comes at once */
    API_CONTROL = 4,    /* struct api_control: operators */
    API_PRINTERS = 5,   /* struct api_printers: the printer driver says what its printers can. No reply */
    API_PRINT_DONE = 6, /* struct api_print_done: how an order ended. No reply */
    API_ACCESS = 7,     /* struct api_access: signing in, accounts, devices */
    API_SITE = 8,       /* struct api_site: the site file, holidays */
    API_RELAY_ERASED = 13, /* struct api_relay_erased: a relay's certificate, by whoever feeds it */
    API_RELAY = 14,     /* struct api_relay: whoever feeds a relay says that it is there. No reply */
    API_BOARDS = 12,    /* struct api_boards: a gateway says which boards follow it. No reply */
    API_REPLY = 129,    /* struct api_reply */
    API_EVENT = 130,    /* struct api_event */
    API_STATE = 131,    /* struct api_state */
    API_PRINT = 132,    /* struct api_print: to the printer driver alone, when the ticket is durable */
    API_REVOKED = 133,  /* no body: somebody lost a right; whoever streams asks again whether he may */
};

/* Who asks; the number is a counter's or 0. Goes into the entry's actor field. */
enum api_actor { API_ACTOR_UNIT = 0, API_ACTOR_KIOSK = 1, API_ACTOR_COUNTER = 2, API_ACTOR_MANAGER = 3,
                 API_ACTOR_ADMINISTRATOR = 4, API_ACTOR_VISITOR = 5, API_ACTOR_ENGINEER = 6 };

struct api_command {
    uint8_t action;                     /* enum queue_action: a client's */
    uint8_t actor;                      /* enum api_actor */
    struct ids_token key;               /* first 16 bytes of SHA-256(Idempotency-Key) */
    uint64_t body_hash;                 /* of method, path and canonical body */
    uint16_t category, counter;         /* 0: not given */
    struct ids_token ticket;            /* zero: not given */
    uint16_t number;                    /* a ticket by its number; ENTER_MANUAL: the paper's; 0: not given */
    char series[IDS_SERIES_TEXT_BYTES]; /* with number */
    uint8_t delivery, priority;
    char language[8];
    struct api_more {                   /* as in struct queue_command; all zero: not sent */
        uint16_t to_counter, limit;
        uint8_t place, after;
        uint8_t hold_reason, to_pool;
        uint16_t hold_minutes;
        uint8_t assist, served;
        uint8_t plan_count;
        uint16_t plan[API_PLAN_MAX];
        uint8_t has_note;
        char note[API_NOTE_BYTES];
    } more;
    struct api_rule {                   /* managers'; as in struct queue_command; all zero: not sent */
        uint8_t result;
        uint8_t preview;                /* SET_HOURS: says what would follow, and changes nothing */
        uint8_t hours;
        uint16_t open_minute, close_minute;
        uint32_t date;
        uint8_t serves_count;
        struct api_serves {
            uint16_t category;
            uint8_t tier;
        } serves[API_SERVES_MAX];
        char text_ja[API_NOTICE_BYTES], text_en[API_NOTICE_BYTES];
    } rule;
};

enum api_read_what {
    API_READ_QUEUE = 1,    /* public: categories, counters, newest calls */
    API_READ_TICKET = 2,   /* `ticket`, or `number` + text=series */
    API_READ_COUNTER = 3,  /* `number`: one counter with the tickets it may call, held and absent ones */
    API_READ_DAY = 4,
    API_READ_STATUS = 5,
    API_READ_READY = 6,
    API_READ_EXPLAIN = 7,
    API_READ_LEDGER = 8,   /* lsn, head, digest, scrub age, size */
    API_READ_CALENDAR = 9, /* `number`: year */
    API_READ_METRICS = 10, /* OpenMetrics text instead of JSON */
    API_READ_CERTIFICATE = 11, /* of an erasure: text: yyyy-mm-dd, empty: the newest */
    API_READ_PRINTERS = 20, /* what printers say, what they have used, what is left */
    API_READ_SITE = 30,     /* public: names, menu, languages, texts, hours, switches of the version in force */
    API_READ_STATISTICS = 32, /* text: "FROM TO BY": 2026-11-01 2026-11-30 category,hour; -: newest day, nothing */
    API_READ_STATISTICS_CSV = 33,
    API_READ_VISITS_CSV = 34, /* text: "FROM TO -": rows of single visits, where they are kept */
    API_READ_MANAGER = 40,  /* the office as whoever leads the floor needs it */
    API_READ_SLIP = 41,     /* the day's totals and the head of the ledger's chain */
    API_READ_TICKETS = 42,  /* staff: live tickets of today; `number`: all of that number */
};

struct api_read {
    uint8_t what;
    uint16_t number;
    struct ids_token ticket;
    char text[API_TEXT_BYTES];
};

enum api_control_what {
    API_CONTROL_DAY_OPEN = 1,      /* text: yyyy-mm-dd, empty = today by the believed clock */
    API_CONTROL_DAY_CLOSE = 2,     /* text "preview": says what would follow, and changes nothing */
    API_CONTROL_DUTY_HANDOVER = 3,
    API_CONTROL_DUTY_STOP = 4,
    API_CONTROL_DUTY_RESUME = 5,
    API_CONTROL_UNIT_APPROVE = 6,  /* text: serial, line feed, a person's name, line feed, API_UNIT_OATH */
    API_CONTROL_UNIT_RETIRE = 7,   /* text: serial, line feed, a person's name */
    API_CONTROL_FAULT = 8,         /* tests and drills: text names a failpoint */
    API_CONTROL_DAY_ANNUL = 16,    /* a day that was opened by mistake: its visits are gone */
    API_CONTROL_DAY_SLIP = 17,     /* prints the day's slip once more, as a copy */
    API_CONTROL_PRINTER_TEST = 20, /* text: the printer's number; answered when the paper is out, or why not */
    API_CONTROL_PRINTER_ROLL = 21, /* a new roll is in. text: the printer's number, perhaps a blank and its metres */
};

/* What each of two people says of the unit that is replaced (DESIGN 3 rule 11). */
#define API_UNIT_OATH "off-and-in-my-hands"

struct api_control {
    uint8_t what;
    uint8_t actor;
    char text[API_TEXT_BYTES];
};

/* By what a request came, and with which credential: it stands behind the body of every request, and may be
 * missing: then it is LOCAL, root on the unit, by this socket. A gateway never says so. */
enum api_via { API_VIA_LOCAL = 0, API_VIA_WEB = 1 };

struct api_from {
    uint8_t via;                   /* enum api_via */
    struct ids_hash token;         /* SHA-256 of the session's or device's token; zero: none was given */
    uint8_t address[API_ADDRESS_BYTES];
};

/* Who is at the other end of the socket, by the kernel's word (SO_PEERCRED): only LOCAL may ask as root on the unit,
 * and only LOCAL and DRIVER may speak for the printers. */
enum api_peer {
    API_PEER_LOCAL = 0,            /* root, or the user of toband */
    API_PEER_DRIVER = 1,           /* the user of toban-devices, where it is another one */
    API_PEER_STRANGER = 2,         /* everybody else, toban-web too */
    API_PEER_FEED = 3,             /* the user of what feeds the relay: may speak for it, and is else a stranger */
};

enum api_access_what {
    API_ACCESS_SALT = 1,          /* name, pin -> how to derive; refused while it has to wait */
    API_ACCESS_SIGN_IN = 2,       /* name, pin, proof, text: code of the second factor, token: the new one's */
    API_ACCESS_SIGN_OUT = 3,
    API_ACCESS_WHO = 4,           /* of from.token */
    API_ACCESS_CHECK = 5,         /* right: 204, or why not */
    API_ACCESS_PASSWORD = 6,      /* own: proof of the old one; fresh, salt */
    API_ACCESS_PIN = 7,           /* own: fresh, salt */
    API_ACCESS_TOTP_BEGIN = 8,    /* -> a key to put into the phone */
    API_ACCESS_TOTP_CONFIRM = 9,  /* title: that key, text: a code -> ten one-use codes */
    API_ACCESS_OFFER = 10,        /* a device shows a code; token: its own */
    API_ACCESS_LIST = 11,         /* accounts, devices, sessions */
    API_ACCESS_ADD = 12,          /* name, title, role, fresh, salt */
    API_ACCESS_CHANGE = 13,       /* name; title, role */
    API_ACCESS_REVOKE = 14,       /* name */
    API_ACCESS_RESTORE = 15,      /* name */
    API_ACCESS_RESET = 16,        /* name, fresh, salt */
    API_ACCESS_GRANT = 17,        /* root: name, token */
    API_ACCESS_PAIR = 18,         /* text: the code shown; role, counter, title */
    API_ACCESS_DEVICE_ADD = 19,   /* token, role, counter, title */
    API_ACCESS_DEVICE_REVOKE = 20, /* subject */
    API_ACCESS_SESSION_REVOKE = 21, /* text: the session's id in the list */
};

struct api_access {
    uint8_t what;
    uint8_t pin;                   /* 1: by PIN, at a terminal */
    uint8_t role;                  /* enum access_role; 0 not given */
    uint8_t right;                 /* enum access_right */
    uint16_t counter, subject;
    char name[API_ACCOUNT_BYTES];
    char title[API_TITLE_BYTES];
    char text[API_TITLE_BYTES];
    uint8_t proof[API_DERIVED_BYTES], fresh[API_DERIVED_BYTES], salt[API_SALT_BYTES];
    struct ids_hash token;         /* SHA-256 */
    struct ids_token key;          /* first 16 bytes of SHA-256(Idempotency-Key); zero: none, nothing is remembered */
};

enum api_site_what {
    API_SITE_CHECK = 1,    /* text: what it would change, whether it may; nothing is written */
    API_SITE_APPLY = 2,    /* text, version: on which it is founded, note */
    API_SITE_SHOW = 3,     /* version, 0 the newest: who, when, why, and its text */
    API_SITE_HISTORY = 4,  /* the newest versions, without their texts */
    API_SITE_HOLIDAYS_CHECK = 5, /* text: the Cabinet Office's list */
    API_SITE_HOLIDAYS_APPLY = 6, /* text, version: of the list that it takes the place of, note */
    API_SITE_TARGET = 7,   /* category, minutes: its wait_limit_minutes, as a new version; version, note as in APPLY */
};

enum api_site_when { API_SITE_NOW = 0, API_SITE_AT_OPENING = 1 };

struct api_site {
    uint8_t what;
    uint8_t actor;                 /* enum api_actor */
    uint8_t when;                  /* enum api_site_when */
    uint32_t version;
    uint32_t restores;             /* APPLY: the text is that of this version; 0 of none */
    char note[API_SITE_NOTE_BYTES];
    const uint8_t *text;           /* borrowed: such a request is never held */
    uint32_t text_len_bytes;
    uint16_t category, minutes;    /* TARGET */
};

/* How 32 bytes are derived of a password; the only way there is so far: scrypt, N 2^14, r 8, p 5. */
enum { API_DERIVE_SCRYPT = 1 };

/* Boards with live events from one gateway, by what they can play (docs/VOICE.md). The newest who says it counts,
 * until it leaves. */
struct api_boards {
    uint16_t on, speech, chime, blocked, off;
};

/* A relay erased what it held of a day (docs/PUBLIC.md). Its name is that of its certificate: whoever feeds it puts it
 * in, whatever the relay says. Answered 201 written, on both disks, or 200 known already; else why not. */
enum api_relay_why { API_RELAY_ERASED_BY_THE_PAIR = 1, API_RELAY_ANOTHER_DAY = 2, API_RELAY_CLOCK = 3,
                     API_RELAY_WHY_END };

struct api_relay_erased {
    char relay[API_NAME_BYTES];
    uint32_t day;                  /* yyyymmdd */
    int64_t erased_ms;             /* by the relay's clock */
    uint64_t term;                 /* the highest that has fed it */
    uint8_t why;                   /* enum api_relay_why */
    uint32_t questions;            /* about tickets, that day */
    struct ids_hash before, after; /* of what it held */
};

struct api_relay {
    char relay[API_NAME_BYTES];
    int32_t ahead_s;               /* its clock is ahead of ours by this; behind: negative */
};

struct api_reply {
    uint16_t status;               /* as HTTP: 200, 201, 404, 409, 422, 503 ... */
    uint16_t retry_after_s;        /* with 503; 0 none */
    uint64_t lsn;                  /* that the answer was computed at */
    const uint8_t *body;           /* borrowed; JSON, UTF-8 */
    uint32_t body_len_bytes;
};

struct api_event {
    uint64_t id;                   /* lsn: rises; level, not edge: each event is the whole queue */
    uint32_t site_version;         /* of the site file in force; 0 none */
    const uint8_t *body;           /* the same JSON as API_READ_QUEUE */
    uint32_t body_len_bytes;
};

struct api_state {
    bool serving;
    bool public_page;              /* the site lets anybody see who is waiting */
    char reason[API_TEXT_BYTES];   /* code when not serving */
};

/* The driver of this unit's printers (toban-devices) names itself by its first API_PRINTERS; the newest who
 * does gets the orders. Conditions are enum printer_condition, outcomes enum printer_outcome, kinds enum
 * paper_kind: numbers here, so that this header needs none of them. */
struct api_printer {
    uint8_t id;                    /* 1..API_PRINTERS_MAX, of the site file */
    uint8_t condition;
    bool near_end;
    uint32_t roll_mm;              /* of a new roll */
    char name_ja[API_NAME_BYTES], name_en[API_NAME_BYTES];
};

struct api_printers {
    uint8_t count;
    struct api_printer list[API_PRINTERS_MAX];
};

struct api_print_done {
    uint64_t order;
    uint8_t outcome;
    uint8_t printer;               /* which one printed, or tried; 0 none */
    uint16_t cuts;
    uint32_t height_dots;
};

/* One paper. A driver prints only what this unit gave it while it served, and in the newest term it was told
 * of: an order of an older one is dropped, untouched. */
struct api_print {
    uint64_t order;                /* rises within one process of toband */
    uint64_t term;
    uint64_t lsn;                  /* of the entry that asks for it: durable like that of a reply */
    uint8_t kind;
    uint8_t printer;               /* 0: any */
    struct ids_token ticket;
    uint32_t date;
    uint16_t minute;
    uint16_t number;
    char series[IDS_SERIES_TEXT_BYTES];
    uint16_t waiting_ahead, estimate_s;
    char language[8];
    char site_ja[API_NAME_BYTES], site_en[API_NAME_BYTES];
    char category_ja[API_NAME_BYTES], category_en[API_NAME_BYTES];
    char unit_ja[API_NAME_BYTES], unit_en[API_NAME_BYTES]; /* whose letter; empty when plain */
    char text[API_REPORT_BYTES];   /* of a paper for staff: paper.h; else empty */
    char place_ja[API_NAME_BYTES], place_en[API_NAME_BYTES]; /* where to wait; may be empty */
    char url[API_URL_BYTES];       /* of the visitor's own page: his ticket's id behind its "#"; empty: no code */
};

struct api_request {
    uint8_t type;
    uint32_t id;
    struct api_from from;
    union {
        struct api_command command;
        struct api_read read;
        struct api_control control;
        struct api_access access;
        struct api_site site;
        struct api_boards boards;
        struct api_relay_erased erased;
        struct api_relay relay;
    };
};

/* Looks at the start of received bytes: the whole length of the first frame; 0: more bytes are needed;
 * -1: longer than max_bytes or malformed, close the connection. */
int64_t api_frame_length(const uint8_t *bytes, size_t len_bytes, size_t max_bytes);

/* Of a request: by its type it may be long or not. */
int64_t api_request_length(const uint8_t *bytes, size_t len_bytes);

/* Whole frames. encode: bytes written, 0 when it does not fit. decode: false when refused. */
size_t api_request_encode(const struct api_request *request, uint8_t *bytes, size_t capacity_bytes);
bool api_request_decode(const uint8_t *frame, size_t len_bytes, struct api_request *ret_request);
/* Writes the header of a reply whose body follows: the caller sends header, then body. */
size_t api_reply_header_encode(uint32_t id, const struct api_reply *reply, uint8_t bytes[32]);
bool api_reply_decode(const uint8_t *frame, size_t len_bytes, uint32_t *ret_id,
                      struct api_reply *ret_reply);
size_t api_event_header_encode(const struct api_event *event, uint8_t bytes[32]);
bool api_event_decode(const uint8_t *frame, size_t len_bytes, struct api_event *ret_event);
size_t api_state_encode(const struct api_state *state, uint8_t *bytes, size_t capacity_bytes);
bool api_state_decode(const uint8_t *frame, size_t len_bytes, struct api_state *ret_state);
size_t api_printers_encode(const struct api_printers *printers, uint8_t *bytes, size_t capacity_bytes);
bool api_printers_decode(const uint8_t *frame, size_t len_bytes, struct api_printers *ret_printers);
size_t api_print_done_encode(const struct api_print_done *done, uint8_t *bytes, size_t capacity_bytes);
bool api_print_done_decode(const uint8_t *frame, size_t len_bytes, struct api_print_done *ret_done);
size_t api_print_encode(const struct api_print *print, uint8_t *bytes, size_t capacity_bytes);
bool api_print_decode(const uint8_t *frame, size_t len_bytes, struct api_print *ret_print);
uint8_t api_frame_type(const uint8_t *frame);

#endif
