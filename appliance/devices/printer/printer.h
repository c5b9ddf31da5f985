/*
 * appliance/devices/printer/printer.h - one ticket printer: what it says of itself, and what became of a job.
 *
 * Decides: when to connect and ask, whether the printer can print now, and how a job ended: PRINTED only when
 * the printer itself has answered behind the cut. Decides not: what a job prints (paper.h), which printer gets
 * it (driver), what becomes of the ticket (engine).
 *
 * Pure: events in, actions out; the caller owns socket, clock and the job's bytes. One job at a time. Bytes
 * from the printer are believed only in the forms that ESC/POS gives them; a printer that says anything else
 * is not spoken to for a while.
 *
 *   asked in real time  DLE EOT 1..4, one byte each, 0xx1xx10; one question at a time
 *   said by itself      GS a 255: four bytes, the first 0xx1xx00, the others 0xx0xxxx
 *   behind a job        GS r 1: one byte 0xx0xxxx, answered in the order of printing
 *
 * The three forms differ in the bits marked 0 and 1, so no reply is taken for another.
 */
#ifndef APPLIANCE_DEVICES_PRINTER_PRINTER_H
#define APPLIANCE_DEVICES_PRINTER_PRINTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum printer_limit {
    PRINTER_CONNECT_MS_MAX = 2000,
    PRINTER_ANSWER_MS_MAX = 1000,   /* to one question; then it is silent */
    PRINTER_POLL_MS = 2000,
    PRINTER_JOB_MS_MAX = 15000,     /* from the first byte to the answer behind the cut */
    PRINTER_RETRY_MS_MIN = 250,
    PRINTER_RETRY_MS_MAX = 8000,
    PRINTER_QUESTIONS = 4,
    PRINTER_CLEAR_BYTES = 16384,    /* zeros that end whatever was cut off in the middle: more than the largest image */
};

/* What keeps it from printing; the first that holds. */
enum printer_condition {
    PRINTER_OFF = 0,          /* not asked: this unit does not serve */
    PRINTER_READY = 1,
    PRINTER_UNREACHABLE = 2,  /* no connection */
    PRINTER_SILENT = 3,       /* connected and no answer, or none that makes sense */
    PRINTER_COVER_OPEN = 4,
    PRINTER_PAPER_END = 5,
    PRINTER_CUTTER_ERROR = 6,
    PRINTER_BROKEN = 7,       /* an error that it does not recover from */
    PRINTER_OFFLINE = 8,      /* and it does not say why */
    PRINTER_CONDITION_END,
};

enum printer_outcome {
    PRINTER_PRINTED = 1,
    PRINTER_UNTOUCHED = 2,    /* not one byte of it was sent */
    PRINTER_FAILED = 3,       /* the printer said before the end that it cannot: what came out is not whole */
    PRINTER_UNKNOWN = 4,      /* no word of its end */
    PRINTER_OUTCOME_END,
};

enum printer_event_kind {
    PRINTER_WANT,       /* level: on; a job that is being printed ends first */
    PRINTER_OPENED,     /* the connection is there */
    PRINTER_CLOSED,     /* it is not, or could not be made */
    PRINTER_BYTES,
    PRINTER_JOB,        /* only while printer_is_free(); its bytes are kept by the caller */
    PRINTER_TIME,
};

struct printer_event {
    enum printer_event_kind kind;
    uint64_t now_ms;
    bool on;
    const uint8_t *bytes;
    size_t len_bytes;
};

/* In this order: `send`, the job, `close` (what does not go out at once is lost), `connect`. */
struct printer_actions {
    bool close, connect;
    const uint8_t *send;      /* of this module: lives for ever */
    size_t send_bytes;
    bool send_job;
    enum printer_outcome outcome; /* 0: none; of the job that was given */
};

enum printer_step {
    PRINTER_STEP_OFF,
    PRINTER_STEP_WAITING,     /* until the next try */
    PRINTER_STEP_CONNECTING,
    PRINTER_STEP_ASKING,      /* questions are open; a job may wait behind them */
    PRINTER_STEP_RESTING,
    PRINTER_STEP_PRINTING,
};

struct printer_flags {
    bool offline, cover_open, paper_end, paper_near_end, cutter_error, broken;
};

struct printer {
    enum printer_step step;
    uint64_t until_ms;        /* the next moment at which something is due */
    uint32_t retry_ms;
    uint8_t question;         /* 1.. while asking */
    uint8_t report_at;        /* bytes of its own report that came so far: 0..3 */
    uint8_t report[4];
    bool job;                 /* waits behind the questions */
    bool interrupted;         /* something may be begun: the last connection ended within a job, or was another's */
    bool leaving;             /* not wanted any more, once the job has ended */
    bool silent, reached;
    bool drained;             /* it has come to the end of our greeting, behind whatever was begun before */
    uint64_t drain_until_ms;
    bool known;               /* all questions were answered since it was reached */
    struct printer_flags flags, asking; /* asking: of the questions that are not all answered yet */
};

void printer_init(struct printer *printer);
void printer_step(struct printer *printer, const struct printer_event *event,
                  struct printer_actions *ret_actions);
/* When PRINTER_TIME is wanted; UINT64_MAX: never. */
uint64_t printer_deadline_ms(const struct printer *printer);
bool printer_is_free(const struct printer *printer);
enum printer_condition printer_condition(const struct printer *printer);
/* "READY", "PAPER_END", ...: part of the surface. And what to do, for people. */
const char *printer_condition_code(enum printer_condition condition);
const char *printer_condition_ja(enum printer_condition condition);
const char *printer_condition_en(enum printer_condition condition);

#endif
