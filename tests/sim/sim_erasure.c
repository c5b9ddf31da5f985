/*
 * Oracles of the certificates of an erasure (promise 15), by the bytes of the disks: a certificate is written when
 * that unit's disk no longer opens the day; nobody gives a number beside a key of an earlier day; on the next day the
 * ledger of each unit, also of one that was away, was lost or stands in another box, has a certificate of both.
 */
#include "storage/entry/entry.h"
#include "tests/sim/sim_internal.h"

#include <string.h>

enum { PAYLOAD_VERSION = 1, CERTIFICATES_MAX = 8, KIND_AT = 2 };

struct certificate {
    uint32_t day, unit;
    uint64_t lsn;
    struct ids_token hardware;
    uint32_t tickets;
    struct ids_hash before, after;
};

static uint32_t date_of(const char *text) /* yyyy-mm-dd */
{
    uint32_t date = 0;

    for (; *text != '\0'; text++) {
        date = *text == '-' ? date : date * 10 + (uint32_t)(*text - '0');
    }
    return date;
}

/* By the layout of engine_erasure.c. */
static bool read_certificate(const uint8_t *bytes, size_t len_bytes, struct entry *ret_entry,
                             struct certificate *ret_certificate)
{
    struct bytes_reader reader;
    struct ids_hash hash;

    if (len_bytes < KIND_AT + 2 || bytes[KIND_AT + 1] != ENTRY_ERASURE || bytes[KIND_AT] != 0 ||
        !entry_decode(bytes, len_bytes, ret_entry, &hash)) {
        return false;
    }
    reader = bytes_reader_over(ret_entry->payload, ret_entry->payload_len_bytes);
    CHECK(bytes_get_u8(&reader) == PAYLOAD_VERSION);
    *ret_certificate = (struct certificate){.day = bytes_get_u32(&reader)};
    ret_certificate->lsn = bytes_get_u64(&reader);
    ret_certificate->unit = bytes_get_u32(&reader);
    bytes_get(&reader, ret_certificate->hardware.bytes, IDS_TOKEN_BYTES);
    (void)bytes_get_i64(&reader); /* when, how many keys */
    (void)bytes_get_u16(&reader);
    ret_certificate->tickets = bytes_get_u32(&reader);
    (void)bytes_get_u32(&reader); /* answers */
    bytes_get(&reader, ret_certificate->before.bytes, IDS_HASH_BYTES);
    bytes_get(&reader, ret_certificate->after.bytes, IDS_HASH_BYTES);
    CHECK(bytes_finished(&reader));
    return true;
}

static struct unit *unit_of(struct sim *sim, const struct certificate *certificate)
{
    for (int i = 0; i < SIM_UNITS; i++) {
        struct ids_token hardware;

        sim_hardware_of(sim->units[i].box, &hardware);
        if (ids_token_equal(&hardware, &certificate->hardware)) {
            return &sim->units[i];
        }
    }
    return NULL; /* a box that was taken out since */
}

/* Before the batch is stored: what it will destroy is still there, and what it says is not yet true then. Only by
 * whom writes it; the others' copies come later, when an older image of a disk may have come back. */
void judge_certificates_of(struct unit *unit, const struct ledger_batch *batch)
{
    struct sim *sim = unit->sim;

    for (size_t i = 0; i < batch->entry_count; i++) {
        struct certificate certificate;
        struct entry entry;
        struct unit *whose;
        bool left;

        if (!read_certificate(batch->entries[i].value, batch->entries[i].value_len_bytes, &entry,
                              &certificate) ||
            batch->truncate_from_lsn != 0 ||
            entry.unit != engine_duty(unit->engine)->options.unit) {
            continue;
        }
        whose = unit_of(sim, &certificate);
        /* Annulled and opened again, the same date has a new key: what was certified is the old one's. */
        left = whose != NULL && !(sim_annul_was(sim) && certificate.day == date_of(sim->today)) &&
               sim_disk_has_key_up_to(&whose->disk, certificate.day);
        if (left || sim_spoils(sim, SPOIL_CERTIFICATE_EARLY)) {
            sim_fail(sim,
                     "promise 15: it is certified that unit %u erased %u, and its disk opens it",
                     certificate.unit, certificate.day);
        }
    }
}

/* before anybody is served. */
void judge_nothing_older(struct unit *unit, const char *today)
{
    if (sim_disk_has_key_up_to(&unit->disk, date_of(today) - 1) ||
        sim_spoils(unit->sim, SPOIL_SERVES_UNERASED)) {
        sim_fail(unit->sim,
                 "promise 15: unit %d gives a number of %s, and its disk opens an older day",
                 unit->index + 1, today);
    }
}

static size_t gather(const struct sim_disk *disk, uint32_t day,
                     struct certificate list[CERTIFICATES_MAX])
{
    size_t count = 0;

    for (size_t at = 0; at < disk->entry_count; at++) {
        struct certificate certificate;
        struct entry entry;

        if (read_certificate(disk->entries[at].bytes, disk->entries[at].len_bytes, &entry,
                             &certificate) &&
            certificate.day >= day && count < CERTIFICATES_MAX) {
            list[count++] = certificate;
        }
    }
    return count;
}

static void judge_digests(struct sim *sim, const struct certificate *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct ids_hash before = list[i].before;

        if (i > 0 && sim_spoils(sim, SPOIL_CERTIFICATE_DIGEST)) {
            before.bytes[0] ^= 1;
        }
        if (list[i].tickets > 0 && ids_hash_equal(&before, &list[i].after)) {
            sim_fail(sim, "promise 15: the certificate of unit %u says the same before and after",
                     list[i].unit);
        }
        if (i > 0 && list[i].lsn == list[0].lsn &&
            (!ids_hash_equal(&before, &list[0].before) ||
             !ids_hash_equal(&list[i].after, &list[0].after) ||
             list[i].tickets != list[0].tickets)) {
            sim_fail(sim, "promise 15: two certificates of %u differ", list[i].day);
        }
    }
}

/* Of yesterday, or of a later day: a wrong clock may have been believed, and erased it. */
bool sim_is_certified(struct sim *sim, const char *yesterday)
{
    for (int i = 0; i < SIM_UNITS; i++) {
        struct certificate list[CERTIFICATES_MAX];
        size_t count = gather(&sim->units[i].disk, date_of(yesterday), list);

        for (int j = 0; j < SIM_UNITS; j++) {
            struct ids_token hardware;
            bool found = false;

            sim_hardware_of(sim->units[j].box, &hardware);
            for (size_t at = 0; at < count; at++) {
                found = found || ids_token_equal(&list[at].hardware, &hardware);
            }
            if (!found) {
                return false;
            }
        }
        judge_digests(sim, list, count);
    }
    return true;
}
