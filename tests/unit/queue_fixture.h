/*
 * tests/unit/queue_fixture.h - a small office for the tests of appliance/queue.
 *
 * Two tellers' worth: category 1 numbers 101-199 (5 minutes), 2 numbers 201-299 (8 minutes), 3
 * numbers 301-305; counter 1 serves 1 then 2, counter 2 serves 2 then 1, counter 3 serves 3 and 1
 * alike.
 */
#ifndef TESTS_UNIT_QUEUE_FIXTURE_H
#define TESTS_UNIT_QUEUE_FIXTURE_H

#include "appliance/queue/queue.h"
#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    OFFICE_DATE = 20261124,
    MINUTE_MS = 60000,
    UNIT_A = 1,
    UNIT_B = 2,
};

static const struct ids_series plain_series = {0, 0};

struct office {
    struct queue *queue;
    int64_t now_ms;
    uint64_t lsn;
    uint32_t unit;
    uint32_t session;
    uint32_t drawn; /* ids and keys drawn so far */
    struct queue_decision last;
    uint64_t digest; /* kept from what apply tells */
};

static inline uint64_t row_digest(const struct queue_row *row)
{
    uint8_t key[32];
    uint8_t bytes[QUEUE_ROW_BYTES_MAX];
    size_t key_bytes;
    size_t len_bytes;
    uint64_t hash = UINT64_C(14695981039346656037);

    if (row->kind == 0) {
        return 0;
    }
    key_bytes = queue_row_key(row, key);
    len_bytes = queue_row_encode(row, bytes, sizeof(bytes));
    assert_true(len_bytes > 0);
    for (size_t i = 0; i < key_bytes + len_bytes; i++) {
        hash = (hash ^ (i < key_bytes ? key[i] : bytes[i - key_bytes])) * UINT64_C(1099511628211);
    }
    return hash;
}

static inline void add_up(void *context, const struct queue_row *before,
                          const struct queue_row *after)
{
    *(uint64_t *)context += row_digest(after) - row_digest(before);
}

static inline uint64_t digest_of(const struct queue *queue)
{
    uint64_t digest = 0;

    queue_for_each_row(queue, add_up, &digest);
    return digest;
}

static inline void config_category(struct queue_config *config, uint16_t id, uint16_t first,
                                   uint16_t last, uint32_t prior_minutes)
{
    struct queue_category_config *category = &config->categories[config->category_count++];

    category->id = id;
    memcpy(category->name_ja, "住民票の写し", sizeof("住民票の写し"));
    memcpy(category->name_en, "Certificates", sizeof("Certificates"));
    category->number_first = first;
    category->number_last = last;
    category->service_ms_prior = prior_minutes * MINUTE_MS;
}

static inline void config_counter(struct queue_config *config, uint16_t id, uint16_t first,
                                  uint8_t first_tier, uint16_t second, uint8_t second_tier)
{
    struct queue_counter_config *counter = &config->counters[config->counter_count++];

    counter->id = id;
    memcpy(counter->name_ja, "窓口", sizeof("窓口"));
    memcpy(counter->name_en, "Counter", sizeof("Counter"));
    counter->categories[counter->category_count].category = first;
    counter->categories[counter->category_count++].tier = first_tier;
    if (second != 0) {
        counter->categories[counter->category_count].category = second;
        counter->categories[counter->category_count++].tier = second_tier;
    }
}

static inline void small_config(struct queue_config *config)
{
    memset(config, 0, sizeof(*config));
    memcpy(config->site_ja, "区役所", sizeof("区役所"));
    memcpy(config->site_en, "Ward office", sizeof("Ward office"));
    config_category(config, 1, 101, 199, 5);
    config_category(config, 2, 201, 299, 8);
    config_category(config, 3, 301, 305, 5);
    config->categories[1].manual_first = 901;
    config->categories[1].manual_last = 909;
    config->categories[0].registration_places = 50;
    config->categories[1].registration_places = 2;
    config_counter(config, 1, 1, 1, 2, 2);
    config_counter(config, 2, 2, 1, 1, 2);
    config_counter(config, 3, 3, 1, 1, 1);
}

static inline struct ids_token token(uint32_t seed)
{
    struct ids_token made = {{0}};
    uint32_t spread = seed * UINT32_C(2654435761);

    memcpy(made.bytes, &spread, sizeof(spread));
    memcpy(made.bytes + 4, &seed, sizeof(seed));
    made.bytes[15] = 1;
    return made;
}

static inline struct queue_origin origin_here(const struct office *office)
{
    return (struct queue_origin){
        .unit = office->unit, .term = 7, .session = office->session, .lsn = office->lsn};
}

/* A change goes into the state by its bytes, as it does through the ledger. */
static inline void put(struct office *office, const struct queue_change *change)
{
    uint8_t bytes[QUEUE_CHANGE_BYTES_MAX];
    struct queue_change decoded;
    size_t len_bytes = queue_change_encode(change, bytes, sizeof(bytes));

    assert_true(len_bytes > 0);
    assert_true(queue_change_decode(bytes, len_bytes, &decoded));
    queue_apply(office->queue, &decoded, add_up, &office->digest);
}

static inline enum queue_reason act(struct office *office, struct queue_command command)
{
    office->lsn++;
    if (command.at_ms == 0) {
        command.at_ms = office->now_ms;
    }
    command.origin = origin_here(office);
    queue_decide(office->queue, &command, &office->last);
    if (office->last.change.row_count > 0) {
        put(office, &office->last.change);
    }
    return office->last.reason;
}

static inline void reserve(struct office *office)
{
    struct queue_change change;

    for (int slot = 0; slot < office->queue->config.category_count; slot++) {
        office->lsn++;
        queue_raise_ceiling(office->queue, office->queue->config.categories[slot].id,
                            QUEUE_CEILING_STEP, office->lsn, &change);
        put(office, &change);
    }
}

static inline void open_day(struct office *office, uint32_t date)
{
    assert_int_equal(act(office, (struct queue_command){.action = QUEUE_DAY_OPENING, .date = date}),
                     QUEUE_OK);
    reserve(office);
}

static inline struct office *office_new(const struct queue_config *config)
{
    struct office *office = calloc(1, sizeof(*office));

    assert_non_null(office);
    office->queue = malloc(sizeof(*office->queue));
    assert_non_null(office->queue);
    /* Rubbish, so that a test sees whatever init forgets. */
    memset(office->queue, 0xa5, offsetof(struct queue, tickets));
    queue_init(office->queue);
    office->now_ms = INT64_C(1795651200000);
    office->unit = UNIT_A;
    queue_set_config(office->queue, config);
    office->digest = digest_of(office->queue);
    return office;
}

static inline struct office *office_open(void)
{
    struct queue_config config;
    struct office *office;

    small_config(&config);
    office = office_new(&config);
    open_day(office, OFFICE_DATE);
    return office;
}

static inline void office_free(struct office *office)
{
    free(office->queue);
    free(office);
}

static inline struct ids_token draw(struct office *office)
{
    return token(office->unit * 1000000 + ++office->drawn);
}

/* The command of a kiosk's touch, for screens: WAITING at once. */
static inline struct queue_command issue_command(struct office *office, uint16_t category)
{
    return (struct queue_command){
        .action = QUEUE_ISSUE,
        .category = category,
        .ticket = draw(office),
        .delivery = QUEUE_DELIVERY_SCREEN,
        .series = {office->session == 0 ? 0 : office->unit, office->session},
    };
}

static inline struct ids_token issue(struct office *office, uint16_t category)
{
    struct queue_command command = issue_command(office, category);

    assert_int_equal(act(office, command), QUEUE_OK);
    return command.ticket;
}

static inline enum queue_reason press(struct office *office, enum queue_action action,
                                      uint16_t counter)
{
    return act(office, (struct queue_command){.action = action, .counter = counter});
}

static inline enum queue_reason press_ticket(struct office *office, enum queue_action action,
                                             uint16_t counter, struct ids_token ticket)
{
    return act(office, (struct queue_command){
                           .action = action, .counter = counter, .ticket = ticket, .category = 2});
}

static inline const struct queue_ticket *ticket_of(const struct office *office, struct ids_token id)
{
    const struct queue_ticket *ticket = queue_ticket_find(office->queue, &id);

    assert_non_null(ticket);
    return ticket;
}

static inline void open_counter(struct office *office, uint16_t counter)
{
    assert_int_equal(press(office, QUEUE_COUNTER_OPEN, counter), QUEUE_OK);
}

static inline uint16_t called_number(struct office *office, uint16_t counter)
{
    enum queue_reason reason = press(office, QUEUE_CALL_NEXT, counter);

    if (reason != QUEUE_OK) {
        assert_int_equal(reason, QUEUE_EMPTY);
        return 0;
    }
    return ticket_of(office, office->last.answer.ticket)->number;
}

#endif
