/* What a program that is older than its ledger does: it says so and stops. A ledger that is whole is never
 * called damaged, because what is damaged is put aside (promise 11), on both units after one update. */
#include "appliance/engine/engine_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

static const char *meta_of_tomorrow;
static const uint8_t *entry_of_tomorrow;
static size_t entry_len_bytes;

static int no_record(void *context, uint8_t *bytes, size_t capacity_bytes, size_t *ret_len_bytes)
{
    (void)context;
    (void)bytes;
    (void)capacity_bytes;
    (void)ret_len_bytes;
    return -ENOENT;
}

static int no_keys(void *context, struct ledger_day_key *keys, size_t max, size_t *ret_count)
{
    (void)context;
    (void)keys;
    (void)max;
    *ret_count = 0;
    return 0;
}

static int read_meta(void *context, const char *name, uint8_t *bytes, size_t capacity_bytes,
                     size_t *ret_len_bytes)
{
    (void)context;
    (void)capacity_bytes;
    if (meta_of_tomorrow == NULL || strcmp(name, meta_of_tomorrow) != 0) {
        return -ENOENT;
    }
    bytes[0] = 99; /* a version that nobody knows */
    *ret_len_bytes = 1;
    return 0;
}

static void read_info(void *context, struct ledger_info *ret_info)
{
    (void)context;
    *ret_info = (struct ledger_info){.last_lsn = entry_of_tomorrow == NULL ? 0 : 1};
}

static int read_entries(void *context, uint64_t from_lsn, uint64_t to_lsn, ledger_each_fn *each,
                        void *each_context)
{
    (void)context;
    (void)from_lsn;
    (void)to_lsn;
    if (entry_of_tomorrow != NULL) {
        (void)each(each_context, NULL, 0, entry_of_tomorrow, entry_len_bytes);
    }
    return 0;
}

static int damaged_entries(void *context, uint64_t from_lsn, uint64_t to_lsn, ledger_each_fn *each,
                           void *each_context)
{
    (void)context;
    (void)from_lsn;
    (void)to_lsn;
    (void)each;
    (void)each_context;
    return -EUCLEAN;
}

static void say(void *context, const char *line)
{
    (void)context;
    (void)line;
}

static int load(const uint8_t *entry, size_t len_bytes, const char *meta, bool damaged)
{
    static struct queue_config config;
    static struct calendar calendar;
    const struct world world = {.read_entries = damaged ? damaged_entries : read_entries,
                                .read_meta = read_meta,
                                .read_keys = no_keys,
                                .read_record = no_record,
                                .read_info = read_info,
                                .log = say};
    struct engine_options options = {.world = &world,
                                     .duty = {.unit = 1, .peer_unit = 2},
                                     .config = &config,
                                     .calendar = &calendar};
    struct engine *engine = engine_create(&options);
    int r;

    entry_of_tomorrow = entry;
    entry_len_bytes = len_bytes;
    meta_of_tomorrow = meta;
    r = engine_load(engine, false);
    engine_destroy(engine);
    return r;
}

static void an_empty_ledger_is_loaded(void **state)
{
    (void)state;
    assert_int_equal(load(NULL, 0, NULL, false), 0);
}

static void what_is_whole_but_of_another_form_is_not_called_damaged(void **state)
{
    static const uint8_t entry[ENTRY_BYTES_MIN] = {99};

    (void)state;
    assert_int_equal(load(NULL, 0, "state", false), -EPROTONOSUPPORT);
    assert_int_equal(load(NULL, 0, "joins-at-term", false), -EPROTONOSUPPORT);
    assert_int_equal(load(entry, sizeof(entry), NULL, false), -EPROTONOSUPPORT);
}

static void a_broken_link_is_damage(void **state)
{
    static const uint8_t entry[ENTRY_BYTES_MIN] = {1};

    (void)state;
    assert_int_equal(load(entry, sizeof(entry), NULL, true), -EUCLEAN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_ledger_is_loaded),
        cmocka_unit_test(what_is_whole_but_of_another_form_is_not_called_damaged),
        cmocka_unit_test(a_broken_link_is_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
