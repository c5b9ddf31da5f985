/* From a request of the socket to a command of the queue. */
#include "appliance/engine/engine_internal.h"

#include "base/check.h"

#include <assert.h>
#include <string.h>

static_assert((int)API_PLAN_MAX == (int)QUEUE_PLAN_MAX &&
                  (int)API_NOTE_BYTES == (int)QUEUE_NOTE_BYTES &&
                  (int)API_NOTICE_BYTES == (int)QUEUE_NOTICE_BYTES &&
                  (int)API_SERVES_MAX == (int)QUEUE_COUNTER_CATEGORIES_MAX,
              "what a request can say, a command can hold");

enum { MS_PER_MINUTE = 60000 };

bool serve_find_ticket(const struct engine *engine, const char *text, uint16_t number,
                       struct ids_token *ret_ticket)
{
    /* The tickets of the day are few enough to be looked through for a press by hand. */
    for (uint32_t i = 0; i < engine->queue->ticket_count; i++) {
        const struct queue_ticket *ticket = &engine->queue->tickets[i];
        char series[IDS_SERIES_TEXT_BYTES];

        ids_series_to_text(ticket->series, series);
        if (ticket->number == number && strcmp(series, text) == 0) {
            *ret_ticket = ticket->id;
            return true;
        }
    }
    return false;
}

static void fill_more(const struct api_more *from, struct queue_command *command)
{
    command->to_counter = from->to_counter;
    command->limit = from->limit;
    command->place = from->place;
    command->after = from->after;
    command->hold_reason = from->hold_reason;
    command->to_pool = from->to_pool != 0;
    command->hold_ms = (uint32_t)from->hold_minutes * MS_PER_MINUTE;
    command->assist = from->assist;
    if (from->served != 0) {
        command->result = QUEUE_MANUAL_SERVED;
    }
    command->plan_count = from->plan_count;
    memcpy(command->plan, from->plan, sizeof(command->plan));
    command->has_note = from->has_note != 0;
    memcpy(command->note, from->note, sizeof(command->note));
}

static void fill_rule(const struct api_rule *from, struct queue_command *command)
{
    if (from->result != 0) {
        command->result = from->result;
    }
    command->hours = from->hours;
    command->open_minute = from->open_minute;
    command->close_minute = from->close_minute;
    command->date = from->date;
    command->serves_count = from->serves_count;
    for (size_t i = 0; i < from->serves_count && i < ARRAY_COUNT(command->serves); i++) {
        command->serves[i] = (struct queue_serves_item){.category = from->serves[i].category,
                                                        .tier = from->serves[i].tier};
    }
    memcpy(command->text_ja, from->text_ja, sizeof(command->text_ja));
    memcpy(command->text_en, from->text_en, sizeof(command->text_en));
}

void serve_fill_command(struct engine *engine, const struct api_command *from,
                        struct queue_command *command)
{
    *command = (struct queue_command){
        .action = (enum queue_action)from->action,
        .at_ms = engine->wall_ms,
        .key = from->key,
        .body_hash = from->body_hash,
        .category = from->category,
        .counter = from->counter,
        .ticket = from->ticket,
        .delivery = from->delivery == 0 ? QUEUE_DELIVERY_SCREEN : from->delivery,
        .priority = from->priority,
        .series = engine->series,
        .origin = engine_next_origin(engine),
    };
    memcpy(command->language, from->language, sizeof(command->language));
    if (command->language[0] == '\0') {
        memcpy(command->language, "ja", 3);
    }
    if (queue_action_gives_number(from->action)) {
        if (command->delivery == QUEUE_DELIVERY_PAPER && !print_is_possible(engine)) {
            command->delivery = QUEUE_DELIVERY_SCREEN_FOR_PAPER;
        }
        engine_random(engine, command->ticket.bytes, sizeof(command->ticket.bytes));
    } else if (from->action == QUEUE_ENTER_MANUAL) {
        command->number = from->number;
    } else if (from->number != 0) {
        (void)serve_find_ticket(engine, from->series, from->number, &command->ticket);
    }
    fill_more(&from->more, command);
    fill_rule(&from->rule, command);
    command->hours_unknown = !day_clock_is_believed(engine);
}

uint32_t serve_date_from_text(const char *text)
{
    uint32_t number = 0;

    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-') {
        return 0;
    }
    for (size_t i = 0; i < 10; i++) {
        if (i == 4 || i == 7) {
            continue;
        }
        if (text[i] < '0' || text[i] > '9') {
            return 0;
        }
        number = number * 10 + (uint32_t)(text[i] - '0');
    }
    return number;
}
