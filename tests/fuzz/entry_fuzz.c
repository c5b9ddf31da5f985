/* Everything that lies in an entry, a row, the record or a word: the first byte chooses the decoder, the rest
 * is given to it. Whatever is taken must be exactly what its encoder makes; nothing else was agreed on. */
#include "appliance/calendar/calendar.h"
#include "appliance/queue/queue.h"
#include "base/check.h"
#include "cluster/adapters/address.h"
#include "cluster/duty/duty.h"
#include "storage/entry/entry.h"

#include <string.h>

enum { AGAIN_BYTES = 128 * 1024 };

enum decoder {
    AN_ENTRY,
    A_CHANGE,
    A_ROW,
    A_CONFIG,
    A_TERM,
    A_WORD,
    A_SITE,
    AN_IMPORT,
    AN_ADDRESS_MESSAGE,
    DECODERS,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t again[AGAIN_BYTES];

static void same(size_t len_bytes, const uint8_t *data, size_t size)
{
    CHECK(len_bytes == size);
    CHECK(size == 0 || memcmp(again, data, size) == 0);
}

static void try_queue(enum decoder decoder, const uint8_t *data, size_t size)
{
    static struct queue_change change;
    static struct queue_config config;
    struct queue_row row;

    if (decoder == A_CHANGE && queue_change_decode(data, size, &change)) {
        same(queue_change_encode(&change, again, sizeof(again)), data, size);
    } else if (decoder == A_ROW && queue_row_decode(data, size, &row)) {
        uint8_t key[32];

        CHECK(queue_row_key(&row, key) <= sizeof(key));
        same(queue_row_encode(&row, again, sizeof(again)), data, size);
    } else if (decoder == A_CONFIG && queue_config_decode(data, size, &config)) {
        CHECK(queue_config_is_valid(&config));
        same(queue_config_encode(&config, again, sizeof(again)), data, size);
    }
}

static void try_duty(enum decoder decoder, const uint8_t *data, size_t size)
{
    struct duty_term term;
    struct duty_word word;

    if (decoder == A_TERM && duty_term_decode(data, size, &term)) {
        same(duty_term_encode(&term, again, sizeof(again)), data, size);
    } else if (decoder == A_WORD && duty_word_decode(data, size, &word)) {
        same(duty_word_encode(&word, again, sizeof(again)), data, size);
    }
}

static void try_calendar(enum decoder decoder, const uint8_t *data, size_t size)
{
    static struct calendar calendar;
    static struct calendar_import import;

    if (decoder == A_SITE && calendar_site_decode(data, size, &calendar)) {
        same(calendar_site_encode(&calendar, again, sizeof(again)), data, size);
    } else if (decoder == AN_IMPORT && calendar_import_decode(data, size, &import)) {
        same(calendar_import_encode(&import, again, sizeof(again)), data, size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct address_message message;
    struct entry entry;
    struct ids_hash hash;
    enum decoder decoder;

    if (size == 0) {
        return 0;
    }
    decoder = (enum decoder)(data[0] % DECODERS);
    data++;
    size--;
    if (decoder == AN_ENTRY && entry_decode(data, size, &entry, &hash)) {
        CHECK(size <= ENTRY_BYTES_MAX && entry.kind < ENTRY_KIND_END);
        same(entry_encode(&entry, again, sizeof(again)), data, size - IDS_HASH_BYTES);
    } else if (decoder == AN_ADDRESS_MESSAGE && address_decode(data, size, &message)) {
        same(address_encode(&message, again, sizeof(again)), data, size);
    }
    try_queue(decoder, data, size);
    try_duty(decoder, data, size);
    try_calendar(decoder, data, size);
    return 0;
}
