/*
 * appliance/queue: the whole table, every state of a ticket × every action.
 *
 * The counter that presses is counter 1; it has the ticket if anybody has. The table below says on
 * purpose what happens; docs/QUEUE.md shows the same text, and the last test holds the two equal.
 */
#include "tests/unit/queue_fixture.h"

#include <ctype.h>
#include <stdio.h>

enum { CELL_BYTES = 32, TABLE_BYTES = 24576, HOLD_MS = 9000 };

/* clang-format off */
static const char table[] =
    "| | ISSUING | WAITING | CALLED | SERVING | HELD | ABSENT | DONE | CANCELLED | NO_SHOW | EXPIRED | VOID | EXPECTED |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|---|---|\n"
    "| ISSUE | - | - | - | - | - | - | - | - | - | - | - | - |\n"
    "| PRINTED | WAITING | - | - | - | - | - | - | - | - | - | - | not arrived |\n"
    "| PRINT_UNKNOWN | WAITING | - | - | - | - | - | - | - | - | - | - | not arrived |\n"
    "| REPRINT | = | = | = | = | = | = | - | - | - | - | - | not arrived |\n"
    "| CANCEL | CANCELLED | CANCELLED | - | - | CANCELLED | CANCELLED | - | - | - | - | - | CANCELLED |\n"
    "| CALL_NEXT | empty | CALLED | counter busy | counter busy | empty | empty | empty | empty | empty | empty | empty | empty |\n"
    "| CALL | - | CALLED | counter busy | counter busy | CALLED | CALLED | - | - | - | - | - | not arrived |\n"
    "| RECALL | - | - | = | - | - | - | - | - | - | - | - | - |\n"
    "| START | - | - | SERVING | - | - | - | - | - | - | - | - | - |\n"
    "| COMPLETE | - | - | DONE | DONE | - | - | - | - | - | - | - | - |\n"
    "| SET_ABSENT | - | - | ABSENT | - | - | - | - | - | - | - | - | - |\n"
    "| RETURN | - | - | - | - | - | WAITING | - | - | - | - | - | not arrived |\n"
    "| PUT_BACK | - | - | WAITING | - | - | - | - | - | - | - | - | - |\n"
    "| HOLD | - | - | HELD | HELD | - | - | - | - | - | - | - | not arrived |\n"
    "| TRANSFER | - | - | WAITING | WAITING | WAITING | - | - | - | - | - | - | not arrived |\n"
    "| UNDO | nothing to undo | nothing to undo | WAITING | CALLED | CALLED | CALLED | CALLED | WAITING | nothing to undo | nothing to undo | nothing to undo | nothing to undo |\n"
    "| COUNTER_OPEN | = | = | = | = | = | = | = | = | = | = | = | = |\n"
    "| COUNTER_CLOSE | = | = | counter busy | counter busy | = | = | = | = | = | = | = | = |\n"
    "| GIVE_UP | - | - | - | - | - | NO_SHOW | - | - | - | - | - | not arrived |\n"
    "| PLAN | = | = | = | = | = | = | - | - | - | - | - | not arrived |\n"
    "| NOTE | = | = | = | = | = | = | - | - | - | - | - | not arrived |\n"
    "| ENTER_MANUAL | = | = | = | = | = | = | = | = | = | = | = | = |\n"
    "| SUSPEND | = | = | = | = | = | = | = | = | = | = | = | = |\n"
    "| RESUME | = | = | = | = | = | = | = | = | = | = | = | = |\n"
    "| SET_LIMIT | = | = | = | = | = | = | = | = | = | = | = | = |\n"
    "| SET_NOTICE | = | = | = | = | = | = | = | = | = | = | = | = |\n"
    "| SET_SERVES | = | = | = | = | = | = | = | = | = | = | = | = |\n"
    "| SET_HOURS | = | = | = | = | = | = | = | = | = | = | = | = |\n"
    "| DAY_OPENING | day already open | day already open | day already open | day already open | day already open | day already open | day already open | day already open | day already open | day already open | day already open | day already open |\n"
    "| DAY_CLOSING | NO_SHOW | EXPIRED | EXPIRED | EXPIRED | EXPIRED | NO_SHOW | = | = | = | = | = | EXPIRED |\n"
    "| DAY_ERASING | day already open | day already open | day already open | day already open | day already open | day already open | day already open | day already open | day already open | day already open | day already open | day already open |\n"
    "| DAY_ANNULLING | gone | gone | gone | gone | gone | gone | gone | gone | gone | gone | gone | gone |\n"
    "| HOLD_ENDING | - | - | - | - | WAITING | - | - | - | - | - | - | not arrived |\n"
    "| REGISTER | - | - | - | - | - | - | - | - | - | - | - | - |\n"
    "| ARRIVE | - | - | - | - | - | - | - | - | - | - | - | WAITING |\n";
/* clang-format on */

static struct ids_token make_waiting(struct office *office)
{
    struct ids_token id = issue(office, 1);

    office->now_ms += MINUTE_MS;
    return id;
}

static struct ids_token make_issuing(struct office *office)
{
    struct queue_command command = issue_command(office, 1);

    command.delivery = QUEUE_DELIVERY_PAPER;
    assert_int_equal(act(office, command), QUEUE_OK);
    return command.ticket;
}

static struct ids_token make_called(struct office *office)
{
    struct ids_token id = make_waiting(office);

    assert_int_equal(press(office, QUEUE_CALL_NEXT, 1), QUEUE_OK);
    office->now_ms += QUEUE_RECALL_INTERVAL_MS;
    return id;
}

static struct ids_token make_by(struct office *office, enum queue_action action)
{
    struct ids_token id = make_called(office);

    assert_int_equal(press(office, action, 1), QUEUE_OK);
    return id;
}

static void reopen(struct office *office)
{
    assert_int_equal(press(office, QUEUE_DAY_CLOSING, 0), QUEUE_OK);
    open_day(office, OFFICE_DATE);
    open_counter(office, 1);
}

static struct ids_token make(struct office *office, enum queue_ticket_state state)
{
    struct ids_token id;

    switch (state) {
    case QUEUE_ISSUING:
        return make_issuing(office);
    case QUEUE_WAITING:
        return make_waiting(office);
    case QUEUE_CALLED:
        return make_called(office);
    case QUEUE_SERVING:
        return make_by(office, QUEUE_START);
    case QUEUE_HELD: /* its time is over, and the unit on duty has not looked yet */
        id = make_called(office);
        assert_int_equal(
            act(office,
                (struct queue_command){.action = QUEUE_HOLD, .counter = 1, .hold_ms = HOLD_MS}),
            QUEUE_OK);
        office->now_ms += HOLD_MS;
        return id;
    case QUEUE_ABSENT:
        return make_by(office, QUEUE_SET_ABSENT);
    case QUEUE_DONE:
        return make_by(office, QUEUE_COMPLETE);
    case QUEUE_CANCELLED:
        id = make_waiting(office);
        assert_int_equal(press_ticket(office, QUEUE_CANCEL, 1, id), QUEUE_OK);
        return id;
    case QUEUE_NO_SHOW:
        id = make_by(office, QUEUE_SET_ABSENT);
        reopen(office);
        return id;
    case QUEUE_EXPIRED:
        id = make_waiting(office);
        reopen(office);
        return id;
    case QUEUE_EXPECTED: {
        struct queue_command command = issue_command(office, 1);

        command.action = QUEUE_REGISTER;
        assert_int_equal(act(office, command), QUEUE_OK);
        return command.ticket;
    }
    case QUEUE_VOID: {
        struct queue_origin here = origin_here(office);
        struct queue_change change;

        id = make_waiting(office);
        assert_true(queue_void_ticket(office->queue, &id, &here, office->now_ms, &change));
        put(office, &change);
        return id;
    }
    }
    fail();
    return token(0);
}

/* What happens, as the table writes it: the state that results, "=" for done and unchanged, "-" for
 * WRONG_STATE, or another reason of a refusal in lower case. */
static void cell(enum queue_ticket_state state, enum queue_action action, char text[CELL_BYTES])
{
    struct office *office = office_open();
    struct ids_token id;
    const struct queue_ticket *ticket;
    enum queue_ticket_state after;
    enum queue_reason reason;
    uint64_t digest;

    open_counter(office, 1);
    id = make(office, state);
    assert_int_equal(ticket_of(office, id)->state, state);
    digest = office->digest;
    reason = act(office, (struct queue_command){.action = action,
                                                .category = 2,
                                                .counter = 1,
                                                .ticket = id,
                                                .date = OFFICE_DATE,
                                                .number = 902,
                                                .limit = 7,
                                                .delivery = QUEUE_DELIVERY_SCREEN});
    ticket = queue_ticket_find(office->queue, &id);
    after = ticket == NULL ? QUEUE_VOID : ticket->state;
    if (ticket == NULL) {
        (void)snprintf(text, CELL_BYTES, "gone");
    } else if (reason == QUEUE_OK) {
        (void)snprintf(text, CELL_BYTES, "%s", after == state ? "=" : queue_state_code(after));
    } else {
        (void)snprintf(text, CELL_BYTES, "%s",
                       reason == QUEUE_WRONG_STATE ? "-" : queue_reason_code(reason));
        for (char *at = text; *at != '\0'; at++) {
            *at = *at == '_' ? ' ' : (char)tolower((unsigned char)*at);
        }
        /* A refusal changes nothing. */
        assert_int_equal(office->last.change.row_count, 0);
        assert_int_equal(office->digest, digest);
    }
    assert_int_equal(office->digest, digest_of(office->queue));
    office_free(office);
}

static void render(char text[TABLE_BYTES])
{
    size_t at = 0;

    at += (size_t)snprintf(text + at, TABLE_BYTES - at, "| |");
    for (int state = QUEUE_ISSUING; state <= QUEUE_STATE_LAST; state++) {
        at += (size_t)snprintf(text + at, TABLE_BYTES - at, " %s |", queue_state_code(state));
    }
    at += (size_t)snprintf(text + at, TABLE_BYTES - at, "\n|---|");
    for (int state = QUEUE_ISSUING; state <= QUEUE_STATE_LAST; state++) {
        at += (size_t)snprintf(text + at, TABLE_BYTES - at, "---|");
    }
    at += (size_t)snprintf(text + at, TABLE_BYTES - at, "\n");
    for (int action = QUEUE_ISSUE; action < QUEUE_ACTION_END; action++) {
        if (action >= QUEUE_SKIP_NUMBERS && !queue_action_is_clients((uint8_t)action)) {
            continue;
        }
        at += (size_t)snprintf(text + at, TABLE_BYTES - at, "| %s |", queue_action_code(action));
        for (int state = QUEUE_ISSUING; state <= QUEUE_STATE_LAST; state++) {
            char one[CELL_BYTES];

            cell(state, action, one);
            at += (size_t)snprintf(text + at, TABLE_BYTES - at, " %s |", one);
        }
        at += (size_t)snprintf(text + at, TABLE_BYTES - at, "\n");
    }
    assert_true(at < TABLE_BYTES);
}

static void every_state_and_action_does_what_the_table_says(void **state)
{
    char text[TABLE_BYTES];

    (void)state;
    render(text);
    if (getenv("QUEUE_TABLE") != NULL) {
        (void)fputs(text, stdout);
    }
    assert_string_equal(text, table);
}

static void what_has_a_function_of_its_own_is_no_command(void **state)
{
    struct office *office = office_open();

    (void)state;
    for (int action = QUEUE_SKIP_NUMBERS; action <= QUEUE_JOIN; action++) {
        assert_int_equal(act(office, (struct queue_command){.action = action, .category = 1}),
                         QUEUE_WRONG_STATE);
    }
    assert_int_equal(act(office, (struct queue_command){.action = QUEUE_ACTION_END}),
                     QUEUE_WRONG_STATE);
    assert_int_equal(act(office, (struct queue_command){.action = 0}), QUEUE_WRONG_STATE);
    office_free(office);
}

static void the_document_shows_this_table(void **state)
{
    static char document[4 * TABLE_BYTES];
    FILE *file = fopen("docs/QUEUE.md", "r");
    size_t len_bytes;

    (void)state;
    if (file == NULL) {
        print_message("run from the top of the tree: docs/QUEUE.md is not here\n");
        skip();
        return;
    }
    len_bytes = fread(document, 1, sizeof(document) - 1, file);
    (void)fclose(file);
    document[len_bytes] = '\0';
    assert_non_null(strstr(document, table));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_and_action_does_what_the_table_says),
        cmocka_unit_test(what_has_a_function_of_its_own_is_no_command),
        cmocka_unit_test(the_document_shows_this_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
