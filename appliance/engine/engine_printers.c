/* JSON of printers: what the driver beside us says, and what the ledger has counted. */
#include "appliance/engine/engine_internal.h"

#include "appliance/devices/printer/printer.h"

#include <string.h>

enum {
    TICKET_MM_USUAL = 110, /* until a roll has printed enough of its own */
    TICKETS_ENOUGH = 10,
    CUTTER_LIFE_CUTS = 1500000, /* makers promise 1.5 to 2 million */
    CUTTER_SOON_CUTS = 1400000,
    MM_A_METRE = 1000,
    ROLL_LOW_PERCENT = 10,
    WHOLE_PERCENT = 100,
};

static enum printer_condition worst(const struct engine *engine)
{
    enum printer_condition condition = PRINTER_UNREACHABLE;

    for (size_t i = 0; i < engine->print.level.count; i++) {
        enum printer_condition its = (enum printer_condition)engine->print.level.list[i].condition;

        if (its == PRINTER_READY) {
            return PRINTER_READY;
        }
        if (condition ==
            PRINTER_UNREACHABLE) { /* the first that is more than not there: people can mend it */
            condition = its;
        }
    }
    return condition;
}

void print_put_level(const struct engine *engine, struct json *json)
{
    enum printer_condition condition = worst(engine);
    bool near_end = false;

    for (size_t i = 0; i < engine->print.level.count; i++) {
        near_end = near_end || engine->print.level.list[i].near_end;
    }
    json_open(json, "printing", '{');
    json_bool(json, "paper", print_is_possible(engine));
    json_text(json, "code",
              engine->print.client == 0 ? "NO_DRIVER" : printer_condition_code(condition));
    json_text(json, "text_ja", printer_condition_ja(condition));
    json_text(json, "text_en", printer_condition_en(condition));
    json_bool(json, "near_end", near_end);
    json_close(json, '}');
}

/* How long the roll still lasts: by what this roll's tickets took. */
static void put_roll(const struct engine *engine, struct json *json,
                     const struct device_counter *counter, const struct print_used *used,
                     uint32_t roll_mm_usual)
{
    uint32_t whole_mm = counter->roll_mm != 0 ? counter->roll_mm : roll_mm_usual;
    uint32_t tickets = counter->roll_tickets + used->tickets;
    uint32_t used_mm = counter->roll_used_mm + used->mm;
    uint32_t left_mm = used_mm < whole_mm ? whole_mm - used_mm : 0;
    uint32_t each_mm = tickets >= TICKETS_ENOUGH ? used_mm / tickets : TICKET_MM_USUAL;

    json_open(json, "roll", '{');
    render_time(json, "changed_at", counter->roll_ms, engine->calendar->utc_offset_minutes);
    json_number(json, "tickets", tickets);
    json_real(json, "metres", (double)used_mm / MM_A_METRE);
    json_real(json, "metres_whole", (double)whole_mm / MM_A_METRE);
    json_real(json, "metres_left", (double)left_mm / MM_A_METRE);
    json_number(json, "tickets_left", each_mm == 0 ? 0 : left_mm / each_mm);
    json_bool(json, "low",
              (uint64_t)left_mm * WHOLE_PERCENT < (uint64_t)whole_mm * ROLL_LOW_PERCENT);
    json_close(json, '}');
}

static void put_printer(const struct engine *engine, struct json *json,
                        const struct api_printer *printer)
{
    const struct device_counter *counter = &engine->state.printers[printer->id - 1];
    const struct print_used *used = &engine->print.used[printer->id - 1];
    enum printer_condition condition = (enum printer_condition)printer->condition;
    uint64_t cuts = counter->cuts + used->cuts;

    json_open(json, NULL, '{');
    json_number(json, "id", printer->id);
    json_text(json, "name_ja", printer->name_ja);
    json_text(json, "name_en", printer->name_en);
    json_text(json, "condition", printer_condition_code(condition));
    json_text(json, "text_ja", printer_condition_ja(condition));
    json_text(json, "text_en", printer_condition_en(condition));
    json_bool(json, "near_end", printer->near_end);
    json_number(json, "tickets", (int64_t)(counter->tickets + used->tickets));
    json_real(json, "metres", (double)(counter->used_mm + used->mm) / MM_A_METRE);
    json_number(json, "cuts", (int64_t)cuts);
    json_number(json, "cuts_left",
                cuts < CUTTER_LIFE_CUTS ? (int64_t)(CUTTER_LIFE_CUTS - cuts) : 0);
    json_bool(json, "cutter_due", cuts >= CUTTER_SOON_CUTS);
    put_roll(engine, json, counter, used, printer->roll_mm);
    json_close(json, '}');
}

void print_put_printers(struct engine *engine, struct json *json)
{
    json_open(json, "printers", '[');
    for (size_t i = 0; i < engine->print.level.count; i++) {
        put_printer(engine, json, &engine->print.level.list[i]);
    }
    json_close(json, ']');
}

char *print_render(struct engine *engine, size_t *ret_len_bytes)
{
    struct json json;

    json_init(&json);
    json_open(&json, NULL, '{');
    print_put_level(engine, &json);
    print_put_printers(engine, &json);
    json_number(&json, "jobs", (int64_t)engine->print.job_count);
    json_number(&json, "unit", engine->options.duty.unit);
    json_close(&json, '}');
    return json_take(&json, ret_len_bytes);
}
