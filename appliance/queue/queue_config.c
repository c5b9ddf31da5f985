/* The queue's part of the site's configuration: what is refused, and its bytes. */
#include "appliance/queue/queue.h"

#include "appliance/queue/queue_parts.h"

#include <assert.h>
#include <string.h>

enum {
    FORMAT_VERSION = 2, /* without registration: what releases before it read as well */
    FORMAT_WITH_REGISTRATION = 3,
    TEXT_BYTES = 2 + QUEUE_NAME_BYTES - 1,
    CATEGORY_BYTES_MAX = 2 + 2 * TEXT_BYTES + 4 * 2 + 4 + 4 + 2 + 2 + 1 + 4 * QUEUE_SPANS_MAX + 2,
    COUNTER_BYTES_MAX = 2 + 2 * TEXT_BYTES + 1 + 3 * QUEUE_COUNTER_CATEGORIES_MAX,
};

static_assert(1 + 2 * TEXT_BYTES + 2 + 2 + 1 + 1 + 1 + 2 * QUEUE_SKIPS_MAX + 2 +
                      QUEUE_CATEGORIES_MAX * CATEGORY_BYTES_MAX +
                      QUEUE_COUNTERS_MAX * COUNTER_BYTES_MAX <=
                  QUEUE_CONFIG_BYTES_MAX,
              "every valid configuration has room in an entry");

/* How many bytes the UTF-8 character at `text` has; 0: it is none, or a control character. Overlong
 * forms, surrogates and what lies beyond U+10FFFF are none (RFC 3629). */
static size_t character_bytes(const uint8_t *text)
{
    static const struct {
        uint8_t first, last; /* of the leading byte */
        uint8_t second_first, second_last;
        uint8_t len_bytes;
    } forms[] = {
        {0x20, 0x7e, 0, 0, 1},       {0xc2, 0xc2, 0xa0, 0xbf, 2}, /* U+0080 .. U+009F are control
                                                                     characters */
        {0xc3, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (text[0] < forms[i].first || text[0] > forms[i].last) {
            continue;
        }
        if (forms[i].len_bytes == 1) {
            return 1;
        }
        if (text[1] < forms[i].second_first || text[1] > forms[i].second_last) {
            return 0;
        }
        for (size_t at = 2; at < forms[i].len_bytes; at++) {
            if (text[at] < 0x80 || text[at] > 0xbf) {
                return 0;
            }
        }
        return forms[i].len_bytes;
    }
    return 0;
}

bool queue_text_is_valid(const char *bytes, size_t capacity_bytes)
{
    const uint8_t *text = (const uint8_t *)bytes;

    if (memchr(bytes, 0, capacity_bytes) == NULL) {
        return false;
    }
    while (*text != 0) {
        size_t len_bytes = character_bytes(text);

        if (len_bytes == 0) {
            return false;
        }
        text += len_bytes;
    }
    return true;
}

static bool name_is_valid(const char name[QUEUE_NAME_BYTES])
{
    return queue_text_is_valid(name, QUEUE_NAME_BYTES);
}

static bool spans_meet(uint16_t first, uint16_t last, uint16_t other_first, uint16_t other_last)
{
    return first != 0 && other_first != 0 && first <= other_last && other_first <= last;
}

static bool ranges_overlap(const struct queue_category_config *a,
                           const struct queue_category_config *b)
{
    return spans_meet(a->number_first, a->number_last, b->number_first, b->number_last) ||
           spans_meet(a->manual_first, a->manual_last, b->manual_first, b->manual_last) ||
           spans_meet(a->number_first, a->number_last, b->manual_first, b->manual_last) ||
           spans_meet(a->manual_first, a->manual_last, b->number_first, b->number_last);
}

static bool manual_range_is_valid(const struct queue_category_config *category)
{
    if (category->manual_first == 0) {
        return category->manual_last == 0;
    }
    return category->manual_first <= category->manual_last &&
           category->manual_last <= QUEUE_NUMBER_MAX &&
           !spans_meet(category->manual_first, category->manual_last, category->number_first,
                       category->number_last);
}

static bool hours_are_valid(const struct queue_category_config *category)
{
    uint16_t end = 0;

    if (category->span_count > QUEUE_SPANS_MAX || category->last_minute > QUEUE_MINUTES_A_DAY) {
        return false;
    }
    for (int i = 0; i < category->span_count; i++) {
        const struct queue_span *span = &category->spans[i];

        if ((i > 0 && span->first_minute <= end) || span->end_minute <= span->first_minute ||
            span->end_minute > QUEUE_MINUTES_A_DAY) {
            return false;
        }
        end = span->end_minute;
    }
    return true;
}

static bool category_is_valid(const struct queue_config *config, int at)
{
    const struct queue_category_config *category = &config->categories[at];

    if (category->id == 0 || category->id > QUEUE_CATEGORIES_MAX || category->number_first == 0 ||
        category->number_first > category->number_last ||
        category->number_last > QUEUE_NUMBER_MAX ||
        category->service_ms_prior > QUEUE_DURATION_MS_MAX ||
        category->wait_ms_limit > QUEUE_DURATION_MS_MAX || !manual_range_is_valid(category) ||
        !hours_are_valid(category) || !name_is_valid(category->name_ja) ||
        !name_is_valid(category->name_en)) {
        return false;
    }
    for (int i = 0; i < at; i++) {
        if (config->categories[i].id == category->id ||
            ranges_overlap(&config->categories[i], category)) {
            return false;
        }
    }
    return true;
}

static bool has_category(const struct queue_config *config, uint16_t id)
{
    for (int i = 0; i < config->category_count; i++) {
        if (config->categories[i].id == id) {
            return true;
        }
    }
    return false;
}

static bool counter_is_valid(const struct queue_config *config, int at)
{
    const struct queue_counter_config *counter = &config->counters[at];

    if (counter->id == 0 || counter->category_count == 0 ||
        counter->category_count > QUEUE_COUNTER_CATEGORIES_MAX ||
        !name_is_valid(counter->name_ja) || !name_is_valid(counter->name_en)) {
        return false;
    }
    for (int i = 0; i < counter->category_count; i++) {
        if (counter->categories[i].tier == 0 ||
            !has_category(config, counter->categories[i].category)) {
            return false;
        }
        for (int k = 0; k < i; k++) {
            if (counter->categories[k].category == counter->categories[i].category) {
                return false;
            }
        }
    }
    for (int i = 0; i < at; i++) {
        if (config->counters[i].id == counter->id) {
            return false;
        }
    }
    return true;
}

static bool takes_registration(const struct queue_config *config)
{
    for (int i = 0; i < config->category_count && i < QUEUE_CATEGORIES_MAX; i++) {
        if (config->categories[i].registration_places != 0) {
            return true;
        }
    }
    return false;
}

bool queue_config_is_valid(const struct queue_config *config)
{
    if (config->category_count > QUEUE_CATEGORIES_MAX ||
        config->counter_count > QUEUE_COUNTERS_MAX || !name_is_valid(config->site_ja) ||
        !name_is_valid(config->site_en) || config->skip_count > QUEUE_SKIPS_MAX ||
        config->absent_after > QUEUE_AFTER_MAX || config->absent_minutes > QUEUE_MINUTES_A_DAY ||
        config->utc_offset_minutes < -QUEUE_MINUTES_A_DAY ||
        config->utc_offset_minutes > QUEUE_MINUTES_A_DAY ||
        (config->own_arrival && !takes_registration(config))) {
        return false;
    }
    for (int i = 0; i < config->skip_count; i++) {
        if (config->skips[i] == 0 || config->skips[i] > QUEUE_NUMBER_MAX ||
            (i > 0 && config->skips[i] <= config->skips[i - 1])) {
            return false;
        }
    }
    for (int i = 0; i < config->category_count; i++) {
        if (!category_is_valid(config, i)) {
            return false;
        }
    }
    for (int i = 0; i < config->counter_count; i++) {
        if (!counter_is_valid(config, i)) {
            return false;
        }
    }
    return true;
}

size_t queue_config_encode(const struct queue_config *config, uint8_t *bytes, size_t capacity_bytes)
{
    struct bytes_writer writer = bytes_writer_over(bytes, capacity_bytes);
    bool registers = takes_registration(config);

    bytes_put_u8(&writer, registers ? FORMAT_WITH_REGISTRATION : FORMAT_VERSION);
    bytes_put_text(&writer, config->site_ja);
    bytes_put_text(&writer, config->site_en);
    bytes_put_u16(&writer, (uint16_t)config->utc_offset_minutes);
    bytes_put_u16(&writer, config->absent_minutes);
    bytes_put_u8(&writer, config->absent_after);
    bytes_put_u8(&writer, config->skip_count);
    for (int i = 0; i < config->skip_count; i++) {
        bytes_put_u16(&writer, config->skips[i]);
    }
    bytes_put_u8(&writer, config->category_count);
    for (int i = 0; i < config->category_count; i++) {
        const struct queue_category_config *category = &config->categories[i];

        bytes_put_u16(&writer, category->id);
        bytes_put_text(&writer, category->name_ja);
        bytes_put_text(&writer, category->name_en);
        bytes_put_u16(&writer, category->number_first);
        bytes_put_u16(&writer, category->number_last);
        bytes_put_u16(&writer, category->manual_first);
        bytes_put_u16(&writer, category->manual_last);
        bytes_put_u32(&writer, category->service_ms_prior);
        bytes_put_u32(&writer, category->wait_ms_limit);
        bytes_put_u16(&writer, category->daily_limit);
        bytes_put_u16(&writer, category->last_minute);
        bytes_put_u8(&writer, category->span_count);
        for (int k = 0; k < category->span_count; k++) {
            bytes_put_u16(&writer, category->spans[k].first_minute);
            bytes_put_u16(&writer, category->spans[k].end_minute);
        }
    }
    bytes_put_u8(&writer, config->counter_count);
    for (int i = 0; i < config->counter_count; i++) {
        const struct queue_counter_config *counter = &config->counters[i];

        bytes_put_u16(&writer, counter->id);
        bytes_put_text(&writer, counter->name_ja);
        bytes_put_text(&writer, counter->name_en);
        bytes_put_u8(&writer, counter->category_count);
        for (int k = 0; k < counter->category_count; k++) {
            bytes_put_u16(&writer, counter->categories[k].category);
            bytes_put_u8(&writer, counter->categories[k].tier);
        }
    }
    if (registers) {
        bytes_put_u8(&writer, config->own_arrival ? 1 : 0);
        for (int i = 0; i < config->category_count; i++) {
            bytes_put_u16(&writer, config->categories[i].registration_places);
        }
    }
    return writer.failed ? 0 : writer.len_bytes;
}

static void get_registration(struct bytes_reader *reader, struct queue_config *config)
{
    uint8_t own_arrival = bytes_get_u8(reader);

    config->own_arrival = own_arrival == 1;
    for (int i = 0; i < config->category_count && i < QUEUE_CATEGORIES_MAX; i++) {
        config->categories[i].registration_places = bytes_get_u16(reader);
    }
    reader->failed = reader->failed || own_arrival > 1 || !takes_registration(config);
}

static void get_category(struct bytes_reader *reader, struct queue_category_config *category)
{
    category->id = bytes_get_u16(reader);
    bytes_get_text(reader, category->name_ja, sizeof(category->name_ja));
    bytes_get_text(reader, category->name_en, sizeof(category->name_en));
    category->number_first = bytes_get_u16(reader);
    category->number_last = bytes_get_u16(reader);
    category->manual_first = bytes_get_u16(reader);
    category->manual_last = bytes_get_u16(reader);
    category->service_ms_prior = bytes_get_u32(reader);
    category->wait_ms_limit = bytes_get_u32(reader);
    category->daily_limit = bytes_get_u16(reader);
    category->last_minute = bytes_get_u16(reader);
    category->span_count = bytes_get_u8(reader);
    for (int k = 0; k < category->span_count && k < QUEUE_SPANS_MAX; k++) {
        category->spans[k].first_minute = bytes_get_u16(reader);
        category->spans[k].end_minute = bytes_get_u16(reader);
    }
}

static void get_counter(struct bytes_reader *reader, struct queue_counter_config *counter)
{
    counter->id = bytes_get_u16(reader);
    bytes_get_text(reader, counter->name_ja, sizeof(counter->name_ja));
    bytes_get_text(reader, counter->name_en, sizeof(counter->name_en));
    counter->category_count = bytes_get_u8(reader);
    for (int k = 0; k < counter->category_count && k < QUEUE_COUNTER_CATEGORIES_MAX; k++) {
        counter->categories[k].category = bytes_get_u16(reader);
        counter->categories[k].tier = bytes_get_u8(reader);
    }
}

bool queue_config_decode(const uint8_t *bytes, size_t len_bytes, struct queue_config *ret_config)
{
    struct bytes_reader reader = bytes_reader_over(bytes, len_bytes);
    struct queue_config config;
    uint8_t version = bytes_get_u8(&reader);

    memset(&config, 0, sizeof(config));
    if (version != FORMAT_VERSION && version != FORMAT_WITH_REGISTRATION) {
        return false;
    }
    bytes_get_text(&reader, config.site_ja, sizeof(config.site_ja));
    bytes_get_text(&reader, config.site_en, sizeof(config.site_en));
    config.utc_offset_minutes = (int16_t)bytes_get_u16(&reader);
    config.absent_minutes = bytes_get_u16(&reader);
    config.absent_after = bytes_get_u8(&reader);
    config.skip_count = bytes_get_u8(&reader);
    for (int i = 0; i < config.skip_count && i < QUEUE_SKIPS_MAX; i++) {
        config.skips[i] = bytes_get_u16(&reader);
    }
    config.category_count = bytes_get_u8(&reader);
    for (int i = 0; i < config.category_count && i < QUEUE_CATEGORIES_MAX; i++) {
        get_category(&reader, &config.categories[i]);
    }
    config.counter_count = bytes_get_u8(&reader);
    for (int i = 0; i < config.counter_count && i < QUEUE_COUNTERS_MAX; i++) {
        get_counter(&reader, &config.counters[i]);
    }
    if (version == FORMAT_WITH_REGISTRATION) {
        get_registration(&reader, &config);
    }
    if (!bytes_finished(&reader) || !queue_config_is_valid(&config)) {
        return false;
    }
    *ret_config = config;
    return true;
}
