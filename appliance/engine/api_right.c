#include "appliance/engine/api_right.h"

#include "appliance/queue/queue.h"

static enum access_right right_of_command(const struct api_command *command)
{
    switch ((enum queue_action)command->action) {
    case QUEUE_ISSUE:
        return ACCESS_TICKET_ISSUE;
    case QUEUE_PRINTED:
    case QUEUE_PRINT_UNKNOWN:
        return ACCESS_TICKET_PRINTED;
    case QUEUE_REPRINT:
        return ACCESS_TICKET_REPRINT;
    case QUEUE_CANCEL: /* in a counter's name: staff there */
        return command->counter != 0 ? ACCESS_TICKET_PRESS : ACCESS_TICKET_CANCEL;
    case QUEUE_REGISTER:
        return ACCESS_TICKET_REGISTER;
    case QUEUE_ARRIVE: /* a number is no secret; the ticket's id is its visitor's alone */
        return command->counter != 0  ? ACCESS_TICKET_PRESS
               : command->number != 0 ? ACCESS_TICKET_ARRIVE
                                      : ACCESS_OWN_ARRIVE;
    case QUEUE_RETURN:
    case QUEUE_HOLD:
    case QUEUE_TRANSFER:
    case QUEUE_GIVE_UP:
    case QUEUE_PLAN:
    case QUEUE_NOTE:
        return ACCESS_TICKET_PRESS;
    case QUEUE_ENTER_MANUAL:
    case QUEUE_SUSPEND:
    case QUEUE_RESUME:
    case QUEUE_SET_LIMIT:
    case QUEUE_SET_NOTICE:
    case QUEUE_SET_SERVES:
        return ACCESS_QUEUE_MANAGE;
    case QUEUE_SET_HOURS:
        return ACCESS_DAY_CHANGE;
    case QUEUE_CALL_NEXT:
    case QUEUE_CALL:
    case QUEUE_RECALL:
    case QUEUE_START:
    case QUEUE_COMPLETE:
    case QUEUE_SET_ABSENT:
    case QUEUE_PUT_BACK:
    case QUEUE_UNDO:
    case QUEUE_COUNTER_OPEN:
    case QUEUE_COUNTER_CLOSE:
        return ACCESS_COUNTER_PRESS;
    case QUEUE_DAY_OPENING:
    case QUEUE_DAY_CLOSING:
    case QUEUE_DAY_ERASING:
    case QUEUE_DAY_ANNULLING:
    case QUEUE_HOLD_ENDING:
    case QUEUE_SKIP_NUMBERS:
    case QUEUE_RAISE_CEILING:
    case QUEUE_JOIN:
    case QUEUE_ACTION_END:
        break;
    }
    return ACCESS_RIGHT_NONE;
}

static enum access_right right_of_read(enum api_read_what what)
{
    switch (what) {
    case API_READ_QUEUE:
    case API_READ_SITE:
        return ACCESS_QUEUE_READ;
    case API_READ_TICKET:
        return ACCESS_TICKET_READ;
    case API_READ_TICKETS: /* ids are their visitors' keys */
        return ACCESS_TICKET_FIND;
    case API_READ_COUNTER:
        return ACCESS_COUNTER_READ;
    case API_READ_DAY:
        return ACCESS_DAY_READ;
    case API_READ_MANAGER:
    case API_READ_SLIP:
        return ACCESS_QUEUE_MANAGE;
    case API_READ_PRINTERS:
    case API_READ_STATUS:
    case API_READ_READY:
        return ACCESS_STATUS_READ;
    case API_READ_EXPLAIN:
        return ACCESS_EXPLAIN_READ;
    case API_READ_LEDGER:
    case API_READ_CERTIFICATE:
        return ACCESS_LEDGER_READ;
    case API_READ_CALENDAR:
        return ACCESS_CALENDAR_READ;
    case API_READ_METRICS:
        return ACCESS_METRICS_READ;
    case API_READ_STATISTICS:
    case API_READ_STATISTICS_CSV:
    case API_READ_VISITS_CSV:
        return ACCESS_STATISTICS_READ;
    }
    return ACCESS_RIGHT_NONE;
}

static enum access_right right_of_control(enum api_control_what what)
{
    switch (what) {
    case API_CONTROL_DAY_OPEN:
    case API_CONTROL_DAY_CLOSE:
    case API_CONTROL_DAY_ANNUL:
    case API_CONTROL_DAY_SLIP:
        return ACCESS_DAY_CHANGE;
    case API_CONTROL_DUTY_HANDOVER:
    case API_CONTROL_DUTY_STOP:
    case API_CONTROL_DUTY_RESUME:
        return ACCESS_DUTY_CHANGE;
    case API_CONTROL_UNIT_APPROVE:
    case API_CONTROL_UNIT_RETIRE:
        return ACCESS_UNIT_CHANGE;
    case API_CONTROL_PRINTER_TEST:
    case API_CONTROL_PRINTER_ROLL:
        return ACCESS_PRINTER_USE;
    case API_CONTROL_FAULT:
        return ACCESS_FAULT;
    }
    return ACCESS_RIGHT_NONE;
}

/* What changes accounts is judged by access_decide once more, with its entry. */
static enum access_right right_of_people(const struct api_access *access)
{
    switch ((enum api_access_what)access->what) {
    case API_ACCESS_SALT:
    case API_ACCESS_SIGN_IN: /* by PIN: access_decide asks for the terminal */
    case API_ACCESS_WHO:
    case API_ACCESS_OFFER:
        return ACCESS_SIGN_IN;
    case API_ACCESS_CHECK:
        return access->right < ACCESS_RIGHT_END ? (enum access_right)access->right
                                                : ACCESS_RIGHT_NONE;
    case API_ACCESS_SIGN_OUT:
    case API_ACCESS_PASSWORD:
    case API_ACCESS_PIN:
    case API_ACCESS_TOTP_BEGIN:
    case API_ACCESS_TOTP_CONFIRM:
        return ACCESS_OWN;
    case API_ACCESS_LIST:
        return ACCESS_PEOPLE_READ;
    case API_ACCESS_ADD:
    case API_ACCESS_CHANGE:
    case API_ACCESS_RESTORE:
    case API_ACCESS_RESET:
    case API_ACCESS_PAIR:
    case API_ACCESS_DEVICE_ADD:
        return ACCESS_PEOPLE_CHANGE;
    case API_ACCESS_REVOKE:
    case API_ACCESS_DEVICE_REVOKE:
    case API_ACCESS_SESSION_REVOKE:
        return ACCESS_PEOPLE_REVOKE;
    case API_ACCESS_GRANT:
        return ACCESS_FAULT; /* root's alone */
    }
    return ACCESS_RIGHT_NONE;
}

static enum access_right right_of_site(enum api_site_what what)
{
    switch (what) {
    case API_SITE_SHOW:
    case API_SITE_HISTORY:
        return ACCESS_LEDGER_READ;
    case API_SITE_TARGET: /* one number of it, on the manager's page */
        return ACCESS_QUEUE_MANAGE;
    case API_SITE_CHECK:
    case API_SITE_APPLY:
    case API_SITE_HOLIDAYS_CHECK:
    case API_SITE_HOLIDAYS_APPLY:
        return ACCESS_CONFIG_CHANGE;
    }
    return ACCESS_RIGHT_NONE;
}

enum access_right api_right_of(const struct api_request *request)
{
    switch ((enum api_type)request->type) {
    case API_COMMAND:
        return right_of_command(&request->command);
    case API_READ:
        return right_of_read((enum api_read_what)request->read.what);
    case API_CONTROL:
        return right_of_control((enum api_control_what)request->control.what);
    case API_ACCESS:
        return right_of_people(&request->access);
    case API_SITE:
        return right_of_site((enum api_site_what)request->site.what);
    case API_SUBSCRIBE:
    case API_REPLY:
    case API_EVENT:
    case API_STATE:
    case API_REVOKED:
    case API_BOARDS:
    case API_RELAY_ERASED: /* whoever feeds it: engine_relay.c */
    case API_RELAY:
    case API_PRINTERS: /* the driver's own words: engine_print.c */
    case API_PRINT_DONE:
    case API_PRINT:
        break;
    }
    return ACCESS_RIGHT_NONE;
}
