#include "appliance/devices/printer/printer.h"

#include "base/check.h"

#include <string.h>

/* Bits of the printer's answers. */
enum {
    ONLINE_OFFLINE = 0x08, /* DLE EOT 1 */
    CAUSE_COVER = 0x04,    /* DLE EOT 2 */
    CAUSE_PAPER_END = 0x20,
    ERROR_CUTTER = 0x08, /* DLE EOT 3 */
    ERROR_FOR_GOOD = 0x20,
    SENSOR_NEAR = 0x0c, /* DLE EOT 4 */
    SENSOR_END = 0x60,
    REPORT_OFFLINE = 0x08, /* GS a: first byte */
    REPORT_COVER = 0x20,
    REPORT_CUTTER = 0x08, /* second */
    REPORT_FOR_GOOD = 0x20,
    REPORT_NEAR = 0x03, /* third, and GS r 1 */
    REPORT_END = 0x0c,
    FORM_MASK = 0x93,
    FORM_ANSWER = 0x12,
    FORM_REPORT = 0x10,
    REST_MASK = 0x90,
    QUESTION_BYTES = 3,
    CLEAR_COMMAND_BYTES = 10,
};

static const uint8_t questions[PRINTER_QUESTIONS][QUESTION_BYTES] = {
    {0x10, 0x04, 1}, {0x10, 0x04, 2}, {0x10, 0x04, 3}, {0x10, 0x04, 4}};
/* What it was doing for another connection, of another unit perhaps, is ended: zeros fill an image that was cut
 * off, ESC @ forgets settings, a cut separates half a ticket from the next one. GS r 1 tells when it has come so
 * far; GS a 255: from now on it reports by itself; then the first question. */
enum { GREETING_BYTES = PRINTER_CLEAR_BYTES + 15 };
static const uint8_t greeting[GREETING_BYTES] = {
    [PRINTER_CLEAR_BYTES] = 0x1b,      [PRINTER_CLEAR_BYTES + 1] = '@',
    [PRINTER_CLEAR_BYTES + 2] = 0x1d,  [PRINTER_CLEAR_BYTES + 3] = 'V',
    [PRINTER_CLEAR_BYTES + 4] = 66,    [PRINTER_CLEAR_BYTES + 5] = 0,
    [PRINTER_CLEAR_BYTES + 6] = 0x1d,  [PRINTER_CLEAR_BYTES + 7] = 'a',
    [PRINTER_CLEAR_BYTES + 8] = 0xff,  [PRINTER_CLEAR_BYTES + 9] = 0x1d,
    [PRINTER_CLEAR_BYTES + 10] = 'r',  [PRINTER_CLEAR_BYTES + 11] = 1,
    [PRINTER_CLEAR_BYTES + 12] = 0x10, [PRINTER_CLEAR_BYTES + 13] = 0x04,
    [PRINTER_CLEAR_BYTES + 14] = 1};
/* The same when nothing was begun since the last greeting. */
static const uint8_t greeting_again[] = {0x1d, 'a', 0xff, 0x1d, 'r', 1, 0x10, 0x04, 1};
/* DLE DC4 8: forget what is not printed yet, so that half a ticket does not come out of the next roll. */
static const uint8_t clear_command[CLEAR_COMMAND_BYTES] = {0x10, 0x14, 8, 1, 3, 20, 1, 6, 2, 8};

void printer_init(struct printer *printer)
{
    memset(printer, 0, sizeof(*printer));
    printer->retry_ms = PRINTER_RETRY_MS_MIN;
    printer->until_ms = UINT64_MAX;
}

static bool has_fault(const struct printer_flags *flags)
{
    return flags->offline || flags->cover_open || flags->paper_end || flags->cutter_error ||
           flags->broken;
}

static void forget_answers(struct printer *printer)
{
    printer->report_at = 0;
    printer->question = 0;
    printer->known = printer->drained = false;
    memset(&printer->flags, 0, sizeof(printer->flags));
    memset(&printer->asking, 0, sizeof(printer->asking));
}

static void go_off(struct printer *printer, struct printer_actions *actions)
{
    actions->close = true;
    forget_answers(printer);
    printer->step = PRINTER_STEP_OFF;
    printer->until_ms = UINT64_MAX;
    printer->reached = printer->silent = printer->leaving = false;
}

static void fail_job(struct printer *printer, struct printer_actions *actions,
                     enum printer_outcome outcome)
{
    if (printer->step == PRINTER_STEP_PRINTING) {
        actions->outcome = outcome;
        printer->interrupted = true;
    } else if (printer->job) {
        actions->outcome = PRINTER_UNTOUCHED;
    }
    printer->job = false;
}

static void try_later(struct printer *printer, uint64_t now_ms, struct printer_actions *actions)
{
    if (printer->leaving) {
        go_off(printer, actions);
        return;
    }
    forget_answers(printer);
    printer->step = PRINTER_STEP_WAITING;
    printer->until_ms = now_ms + printer->retry_ms;
    printer->retry_ms *= 2;
    if (printer->retry_ms > PRINTER_RETRY_MS_MAX) {
        printer->retry_ms = PRINTER_RETRY_MS_MAX;
    }
}

static void give_up(struct printer *printer, uint64_t now_ms, struct printer_actions *actions)
{
    fail_job(printer, actions, PRINTER_UNKNOWN);
    actions->close = true;
    try_later(printer, now_ms, actions);
}

static void ask(struct printer *printer, uint8_t question, uint64_t now_ms,
                struct printer_actions *actions)
{
    printer->step = PRINTER_STEP_ASKING;
    printer->question = question;
    printer->until_ms = now_ms + PRINTER_ANSWER_MS_MAX;
    actions->send = questions[question - 1];
    actions->send_bytes = QUESTION_BYTES;
}

static void rest(struct printer *printer, uint64_t now_ms, struct printer_actions *actions)
{
    printer->step = PRINTER_STEP_RESTING;
    printer->question = 0;
    printer->until_ms = now_ms + PRINTER_POLL_MS;
    if (printer->leaving) {
        go_off(printer, actions);
    }
}

/* All four are answered: the job, if one waits and the printer can. */
static void asked(struct printer *printer, uint64_t now_ms, struct printer_actions *actions)
{
    printer->silent = false;
    printer->known = true;
    printer->flags = printer->asking;
    printer->retry_ms = PRINTER_RETRY_MS_MIN;
    rest(printer, now_ms, actions);
    if (!printer->job) {
        return;
    }
    printer->job = false;
    if (printer_condition(printer) != PRINTER_READY) {
        actions->outcome = PRINTER_UNTOUCHED;
        return;
    }
    printer->step = PRINTER_STEP_PRINTING;
    printer->until_ms = now_ms + PRINTER_JOB_MS_MAX;
    actions->send_job = true;
}

static void take_answer(struct printer *printer, uint8_t byte, uint64_t now_ms,
                        struct printer_actions *actions)
{
    struct printer_flags *flags = &printer->asking;

    switch (printer->question) {
    case 1:
        flags->offline = (byte & ONLINE_OFFLINE) != 0;
        break;
    case 2:
        flags->cover_open = (byte & CAUSE_COVER) != 0;
        flags->paper_end = (byte & CAUSE_PAPER_END) != 0;
        break;
    case 3:
        flags->cutter_error = (byte & ERROR_CUTTER) != 0;
        flags->broken = (byte & ERROR_FOR_GOOD) != 0;
        break;
    default:
        flags->paper_near_end = (byte & SENSOR_NEAR) != 0;
        flags->paper_end = flags->paper_end || (byte & SENSOR_END) != 0;
        asked(printer, now_ms, actions);
        return;
    }
    ask(printer, (uint8_t)(printer->question + 1), now_ms, actions);
}

static void take_paper_bits(struct printer *printer, uint8_t byte)
{
    printer->flags.paper_near_end = (byte & REPORT_NEAR) != 0;
    printer->flags.paper_end = (byte & REPORT_END) != 0;
}

/* It says that it cannot go on: what it has not printed yet it is to forget. */
static void stop_job(struct printer *printer, uint64_t now_ms, struct printer_actions *actions)
{
    if (actions->send_job) { /* said in the same breath as the last answer: nothing was sent */
        actions->send_job = false;
        actions->outcome = PRINTER_UNTOUCHED;
        rest(printer, now_ms, actions);
        return;
    }
    actions->send = clear_command;
    actions->send_bytes = sizeof(clear_command);
    fail_job(printer, actions, PRINTER_FAILED);
    actions->close = true;
    printer->retry_ms = PRINTER_RETRY_MS_MIN;
    try_later(printer, now_ms, actions);
}

static void take_report(struct printer *printer, uint64_t now_ms, struct printer_actions *actions)
{
    printer->flags.offline = (printer->report[0] & REPORT_OFFLINE) != 0;
    printer->flags.cover_open = (printer->report[0] & REPORT_COVER) != 0;
    printer->flags.cutter_error = (printer->report[1] & REPORT_CUTTER) != 0;
    printer->flags.broken = (printer->report[1] & REPORT_FOR_GOOD) != 0;
    take_paper_bits(printer, printer->report[2]);
    printer->asking = printer->flags;
    if (printer->step == PRINTER_STEP_PRINTING && printer_condition(printer) != PRINTER_READY) {
        stop_job(printer, now_ms, actions);
    }
}

/* False: nothing that a printer says now. Each answer asks the next question, so a second one that comes in
 * the same breath answers none of ours. */
static bool take_byte(struct printer *printer, uint8_t byte, uint64_t now_ms,
                      struct printer_actions *actions)
{
    bool owed = actions->send == NULL && !actions->send_job;

    if (printer->report_at > 0) {
        printer->report[printer->report_at++] = byte;
        if (printer->report_at == sizeof(printer->report)) {
            printer->report_at = 0;
            take_report(printer, now_ms, actions);
        }
        return (byte & REST_MASK) == 0;
    }
    if ((byte & FORM_MASK) == FORM_REPORT) {
        printer->report[printer->report_at++] = byte;
        return true;
    }
    if (printer->step == PRINTER_STEP_ASKING && owed && (byte & FORM_MASK) == FORM_ANSWER) {
        take_answer(printer, byte, now_ms, actions);
        return true;
    }
    if (printer->step != PRINTER_STEP_PRINTING && (byte & REST_MASK) == 0) {
        printer->drained = true; /* behind our greeting, or behind what another connection began */
        return true;
    }
    if (printer->step == PRINTER_STEP_PRINTING && owed && (byte & REST_MASK) == 0) {
        take_paper_bits(printer, byte);
        actions->outcome = PRINTER_PRINTED; /* it has come behind the cut */
        rest(printer, now_ms, actions);
        return true;
    }
    return false;
}

static void take_bytes(struct printer *printer, const struct printer_event *event,
                       struct printer_actions *actions)
{
    for (size_t i = 0; i < event->len_bytes && !actions->close; i++) {
        if (take_byte(printer, event->bytes[i], event->now_ms, actions)) {
            continue;
        }
        if (actions->send_job) {
            actions->send_job = false;
            actions->outcome = PRINTER_UNTOUCHED;
            printer->step = PRINTER_STEP_RESTING;
        }
        actions->send = NULL;
        actions->send_bytes = 0;
        printer->silent = true;
        give_up(printer, event->now_ms, actions);
    }
}

static void take_time(struct printer *printer, uint64_t now_ms, struct printer_actions *actions)
{
    if (now_ms < printer->until_ms) {
        return;
    }
    switch (printer->step) {
    case PRINTER_STEP_OFF:
        break;
    case PRINTER_STEP_WAITING:
        printer->step = PRINTER_STEP_CONNECTING;
        printer->until_ms = now_ms + PRINTER_CONNECT_MS_MAX;
        actions->connect = true;
        break;
    case PRINTER_STEP_CONNECTING:
        printer->reached = printer->silent = false;
        give_up(printer, now_ms, actions);
        break;
    case PRINTER_STEP_RESTING:
        if (!printer->drained && now_ms >= printer->drain_until_ms && !has_fault(&printer->flags)) {
            printer->silent = true; /* it says that it can, and does not */
            give_up(printer, now_ms, actions);
            break;
        }
        ask(printer, 1, now_ms, actions);
        break;
    case PRINTER_STEP_ASKING:
    case PRINTER_STEP_PRINTING:
        printer->silent = true;
        give_up(printer, now_ms, actions);
        break;
    }
}

static void want(struct printer *printer, bool on, uint64_t now_ms, struct printer_actions *actions)
{
    if (on) {
        printer->leaving = false;
    }
    if (on && printer->step == PRINTER_STEP_OFF) {
        printer->interrupted = true; /* whoever had it before: nobody here knows */
        printer->step = PRINTER_STEP_WAITING;
        printer->retry_ms = PRINTER_RETRY_MS_MIN;
        printer->until_ms = now_ms;
        take_time(printer, now_ms, actions);
    } else if (!on && printer->step == PRINTER_STEP_PRINTING) {
        printer->leaving = true;
    } else if (!on && printer->step != PRINTER_STEP_OFF) {
        fail_job(printer, actions, PRINTER_UNTOUCHED);
        go_off(printer, actions);
    }
}

static void opened(struct printer *printer, uint64_t now_ms, struct printer_actions *actions)
{
    if (printer->step != PRINTER_STEP_CONNECTING) {
        return;
    }
    forget_answers(printer);
    printer->reached = true;
    ask(printer, 1, now_ms, actions);
    actions->send = printer->interrupted ? greeting : greeting_again;
    actions->send_bytes = printer->interrupted ? sizeof(greeting) : sizeof(greeting_again);
    printer->interrupted = false;
    printer->drain_until_ms = now_ms + PRINTER_JOB_MS_MAX;
}

void printer_step(struct printer *printer, const struct printer_event *event,
                  struct printer_actions *ret_actions)
{
    memset(ret_actions, 0, sizeof(*ret_actions));
    switch (event->kind) {
    case PRINTER_WANT:
        want(printer, event->on, event->now_ms, ret_actions);
        break;
    case PRINTER_OPENED:
        opened(printer, event->now_ms, ret_actions);
        break;
    case PRINTER_CLOSED:
        if (printer->step != PRINTER_STEP_OFF && printer->step != PRINTER_STEP_WAITING) {
            printer->reached = printer->silent = false;
            give_up(printer, event->now_ms, ret_actions);
        }
        break;
    case PRINTER_BYTES:
        if (printer->step >= PRINTER_STEP_ASKING) {
            take_bytes(printer, event, ret_actions);
        }
        break;
    case PRINTER_JOB:
        CHECK(printer_is_free(printer));
        printer->job = true;
        ask(printer, 1, event->now_ms, ret_actions);
        break;
    case PRINTER_TIME:
        take_time(printer, event->now_ms, ret_actions);
        break;
    }
}

uint64_t printer_deadline_ms(const struct printer *printer)
{
    return printer->until_ms;
}

bool printer_is_free(const struct printer *printer)
{
    return printer->step == PRINTER_STEP_RESTING && printer->drained &&
           printer_condition(printer) == PRINTER_READY;
}

enum printer_condition printer_condition(const struct printer *printer)
{
    if (printer->step == PRINTER_STEP_OFF) {
        return PRINTER_OFF;
    }
    if (printer->silent) {
        return PRINTER_SILENT;
    }
    if (!printer->reached || !printer->known ||
        (!printer->drained && !has_fault(&printer->flags))) {
        return PRINTER_UNREACHABLE;
    }
    if (printer->flags.cover_open) {
        return PRINTER_COVER_OPEN;
    }
    if (printer->flags.paper_end) {
        return PRINTER_PAPER_END;
    }
    if (printer->flags.cutter_error) {
        return PRINTER_CUTTER_ERROR;
    }
    if (printer->flags.broken) {
        return PRINTER_BROKEN;
    }
    return printer->flags.offline ? PRINTER_OFFLINE : PRINTER_READY;
}
