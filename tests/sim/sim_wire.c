/*
 * Oracles on what the units say to one another, frame by frame, whether it arrives or not: what a word or an
 * acknowledgement claims is looked up on the disks (promises 2, 4, 5), what is said of one state at one head is one
 * digest, whoever says it and whenever (promise 10), and what is shipped is chained and whole (promises 9, 11).
 */
#include "storage/adapters/crypto.h"
#include "storage/entry/entry.h"
#include "storage/ship/ship.h"
#include "tests/sim/sim_internal.h"

#include <string.h>

/* Not of a damaged disk; nor when another ledger has just been put in place, and it is about to be told. */
static bool disk_tells(const struct unit *unit, uint64_t lsn)
{
    return lsn > 0 && lsn < SIM_LSN_MAX && !sim_disk_is_damaged(&unit->disk) &&
           !unit->settling.done;
}

static bool has_term(const struct unit *unit, uint64_t term)
{
    return term < SIM_TERMS_MAX && !ids_hash_equal(&unit->terms[term], &(struct ids_hash){0});
}

static bool both_have(const struct unit *one, const struct unit *other, uint64_t term)
{
    return has_term(one, term) && ids_hash_equal(&one->terms[term], &other->terms[term]);
}

/* On the disks of two boxes, of which one may be the one that was taken out (sim_ghost.c). */
bool judge_term_is_common(const struct sim *sim, uint64_t term)
{
    const struct unit *units = sim->units;

    return term >= SIM_TERMS_MAX || both_have(&units[0], &units[1], term) ||
           both_have(&units[0], &units[SIM_GHOST], term) ||
           both_have(&units[1], &units[SIM_GHOST], term);
}

/* Promises 4 and 5: a unit says of its ledger what is durable there, and is paired only in a term that is. */
static void judge_claims(struct unit *unit, const struct duty_word *word)
{
    struct sim *sim = unit->sim;
    enum duty_state state = (enum duty_state)word->state;
    bool paired = state == DUTY_PAIRED_DUTY || state == DUTY_PAIRED_SPARE;
    struct ids_hash held;

    if (disk_tells(unit, word->last_lsn)) {
        if (word->last_lsn > unit->disk.entry_count) {
            sim_fail(sim,
                     "promise 2: unit %d says that it holds lsn %llu, and its disk ends at %zu",
                     unit->index + 1, (unsigned long long)word->last_lsn, unit->disk.entry_count);
            return;
        }
        sim_hash_of(&unit->disk, word->last_lsn, &held);
        if (!ids_hash_equal(&held, &word->head)) {
            sim_fail(sim, "promise 5: unit %d says another hash of lsn %llu than its disk holds",
                     unit->index + 1, (unsigned long long)word->last_lsn);
        }
    }
    if (paired && word->term < SIM_TERMS_MAX && !has_term(unit, word->term)) {
        sim_fail(sim, "promise 4: unit %d is paired in term %llu, which its disk does not hold",
                 unit->index + 1, (unsigned long long)word->term);
    }
    if (state == DUTY_PAIRED_DUTY && !judge_term_is_common(sim, word->term)) {
        sim_fail(sim, "promise 4: unit %d serves by numbers in term %llu, which one disk holds",
                 unit->index + 1, (unsigned long long)word->term);
    }
}

static uint64_t short_of(const struct ids_hash *hash)
{
    uint64_t word;

    memcpy(&word, hash->bytes, sizeof(word));
    return word;
}

/* Promise 10: the state at one head of the chain is one, whether it grew or was folded anew at a start. */
static void judge_fold(struct unit *unit, const struct duty_word *word)
{
    struct sim *sim = unit->sim;
    struct sim_fold *fold;

    if (word->last_lsn == 0 || word->last_lsn >= SIM_LSN_MAX || word->blank || word->unsound ||
        word->retired || (enum duty_state)word->state == DUTY_WAITING) {
        return; /* it has not read its ledger yet, or cannot read all of it */
    }
    fold = &sim->folds[word->last_lsn];
    if (fold->head != short_of(&word->head)) {
        *fold = (struct sim_fold){short_of(&word->head), short_of(&word->digest)};
        return;
    }
    sim->result->folds++;
    if (fold->digest != short_of(&word->digest)) {
        sim_fail(sim,
                 "promise 10: at lsn %llu of one chain two states were said, the second by "
                 "unit %d",
                 (unsigned long long)word->last_lsn, unit->index + 1);
    }
}

static void hear_word(struct unit *unit, const struct ship_frame *frame)
{
    struct duty_word word;

    if (!duty_word_decode(frame->body, frame->body_len_bytes, &word)) {
        sim_fail(unit->sim, "unit %d says a word that cannot be read", unit->index + 1);
        return;
    }
    if (word.process == unit->said.process && word.sequence == unit->said.sequence) {
        return; /* the same one on the other link */
    }
    if (sim_spoils(unit->sim, SPOIL_WORD_LSN)) {
        word.last_lsn = unit->disk.entry_count + 1;
    } else if (sim_spoils(unit->sim, SPOIL_WORD_HEAD)) {
        word.head.bytes[0] ^= 1;
    } else if (sim_spoils(unit->sim, SPOIL_WORD_TERM)) {
        word.term++;
    } else if (sim_spoils(unit->sim, SPOIL_PLAIN_TERM)) {
        unit->sim->units[1 - unit->index].terms[word.term].bytes[0] ^= 1;
        word.state = DUTY_PAIRED_DUTY;
    }
    judge_claims(unit, &word);
    if (word.last_lsn > 0 && sim_spoils(unit->sim, SPOIL_DIGEST)) {
        unit->sim->folds[word.last_lsn] = (struct sim_fold){short_of(&word.head), 1};
    }
    judge_fold(unit, &word);
    unit->said = word;
}

/* Promises 2 and 4: an acknowledgement names a term, and an entry that is durable where it comes from, by its hash. */
static void hear_acknowledgement(struct unit *unit, struct ship_frame *frame)
{
    struct sim *sim = unit->sim;
    struct ids_hash held;

    if (sim_spoils(sim, SPOIL_ACK_LSN)) {
        frame->lsn = unit->disk.entry_count + 1;
    } else if (sim_spoils(sim, SPOIL_ACK_HASH)) {
        frame->hash.bytes[0] ^= 1;
    } else if (sim_spoils(sim, SPOIL_ACK_TERM)) {
        frame->term--;
    } else if (sim_spoils(sim, SPOIL_ACK_IN_SESSION)) {
        unit->said.serve = DUTY_SERVE_LETTER;
    }
    if (unit->said.serve == DUTY_SERVE_LETTER) {
        sim_fail(sim, "rule 1: unit %d serves by letter, and acknowledges lsn %llu",
                 unit->index + 1, (unsigned long long)frame->lsn);
    }
    if (!disk_tells(unit, frame->lsn)) {
        return;
    }
    if (frame->lsn > unit->disk.entry_count) {
        sim_fail(sim, "promise 2: unit %d acknowledges lsn %llu, and its disk ends at %zu",
                 unit->index + 1, (unsigned long long)frame->lsn, unit->disk.entry_count);
        return;
    }
    sim_hash_of(&unit->disk, frame->lsn, &held);
    if (!ids_hash_equal(&held, &frame->hash)) {
        sim_fail(sim, "promise 4: unit %d acknowledges lsn %llu by another hash than it holds",
                 unit->index + 1, (unsigned long long)frame->lsn);
    }
    if (frame->term < unit->disk.entries[frame->lsn - 1].newest_term) {
        sim_fail(sim, "promise 4: unit %d acknowledges lsn %llu in term %llu, before that entry's",
                 unit->index + 1, (unsigned long long)frame->lsn, (unsigned long long)frame->term);
    }
}

/* Promises 9 and 11: what leaves is what the disk holds, or what is being written there; each link of it holds. */
static bool judge_shipped(struct unit *unit, uint64_t lsn, const uint8_t *bytes, size_t len_bytes,
                          struct ids_hash *previous)
{
    struct sim *sim = unit->sim;
    struct ids_hash hash, chained;
    struct entry entry;

    if (bytes == NULL || !entry_decode(bytes, len_bytes, &entry, &hash) || entry.lsn != lsn) {
        sim_fail(sim, "promise 11: unit %d ships what is no entry as lsn %llu", unit->index + 1,
                 (unsigned long long)lsn);
        return false;
    }
    crypto_chain(sim->crypto, previous, bytes, len_bytes - IDS_HASH_BYTES, &chained);
    if (!ids_hash_equal(&chained, &hash)) {
        sim_fail(sim,
                 "promise 11: unit %d ships lsn %llu, and its link to the one before does not "
                 "hold",
                 unit->index + 1, (unsigned long long)lsn);
        return false;
    }
    *previous = hash;
    return true;
}

static void hear_entries(struct unit *unit, struct ship_frame *frame)
{
    struct bytes_reader body = bytes_reader_over(frame->body, frame->body_len_bytes);
    bool goes_on = true;

    if (sim_spoils(unit->sim, SPOIL_SHIPPED)) {
        frame->hash.bytes[0] ^=
            1; /* as good as a bit of the entry: what is hashed is another text */
    }
    for (uint32_t i = 0; i < frame->count && goes_on; i++) {
        size_t len_bytes;
        const uint8_t *item = ship_body_next(&body, &len_bytes);

        goes_on = judge_shipped(unit, frame->lsn + i, item, len_bytes, &frame->hash);
    }
    unit->sim->result->shipped += frame->count;
}

void sim_wire(struct unit *unit, const uint8_t *bytes, size_t len_bytes)
{
    struct ship_frame frame;

    if (len_bytes > SHIP_FRAME_BYTES_MAX || !ship_frame_decode(bytes, len_bytes, &frame)) {
        sim_fail(unit->sim, "promise 12: unit %d sends a frame of %zu bytes, which is none",
                 unit->index + 1, len_bytes);
        return;
    }
    if (frame.kind == SHIP_WORD) {
        hear_word(unit, &frame);
    } else if (frame.kind == SHIP_ACK) {
        hear_acknowledgement(unit, &frame);
    } else if (frame.kind == SHIP_ENTRIES) {
        hear_entries(unit, &frame);
    }
}
