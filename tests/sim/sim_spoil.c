/*
 * The oracles' own test: what one of them is about to look at is spoiled, once, in the middle of a quiet day, and
 * it must say so (tests/unit/sim_oracles_test.c). The units themselves are never touched.
 */
#include "tests/sim/sim_internal.h"

#include <string.h>

enum {
    SPOILED_AFTER_TICKETS = 60,
    FEW_TICKETS = 150,
    SEEDS_MAX = 5,
    CUT_OFF_ENTRIES = 20,
};

static const struct spoil {
    const char *what, *says;
} spoils[SPOIL_COUNT] = {
    [SPOIL_NOTHING] = {"nothing is spoiled", NULL},
    [SPOIL_DISPLAY] = {"a number is handed to two visitors", "promise 1: "},
    [SPOIL_LEAVES] = {"an answer leaves before its entry is stored", "promise 2: "},
    [SPOIL_WORD_LSN] = {"a unit says that it holds an entry which it does not", "promise 2: "},
    [SPOIL_ACK_LSN] = {"an entry is acknowledged that is not stored", "promise 2: "},
    [SPOIL_MARK] = {"an entry says that both hold what one does not", "promise 2: "},
    [SPOIL_WRITER] = {"two units assign numbers in a term", "promise 3: "},
    [SPOIL_ADDRESS] = {"the address is not yielded within a second", "promise 3: "},
    [SPOIL_CEILING] = {"a number is given that was not reserved", "promise 3: "},
    [SPOIL_TERM_FALLS] = {"a term follows a higher one", "promise 4: "},
    [SPOIL_WORD_TERM] = {"a unit is paired in a term that its disk does not hold", "promise 4: "},
    [SPOIL_PLAIN_TERM] = {"numbers are given in a term that one disk holds", "promise 4: "},
    [SPOIL_ACK_HASH] = {"an acknowledgement names another chain", "promise 4: "},
    [SPOIL_ACK_TERM] = {"an acknowledgement names an earlier term", "promise 4: "},
    [SPOIL_ACK_IN_SESSION] = {"who serves by letter acknowledges", "rule 1: "},
    [SPOIL_RECORD_TERM] = {"the record does not know a term in use", "rule 3: "},
    [SPOIL_RECORD_CEILING] = {"the record does not know a ceiling in use", "rule 3: "},
    [SPOIL_WORD_HEAD] = {"a unit says another hash than its disk holds", "promise 5: "},
    [SPOIL_KEY] = {"one key gets two numbers", "promise 6: "},
    [SPOIL_ORDER] = {"a number is lower than one that came before", "promise 7: "},
    [SPOIL_CALL] = {"two calls have one name", "promise 7: "},
    [SPOIL_DAY] = {"a ticket is of another day", "promise 8: "},
    [SPOIL_NO_ENTRY] = {"an answer has no entry", "promise 9: "},
    [SPOIL_BYTE] = {"a byte of an entry is changed", "promise 9: "},
    [SPOIL_DELETED] = {"an entry is taken out of the ledger", "promise 9: "},
    [SPOIL_SWAPPED] = {"two entries change places", "promise 9: "},
    [SPOIL_CUT_OFF] = {"the end of a ledger is cut off", "promise 9: "},
    [SPOIL_DIGEST] = {"two states are said at one head", "promise 10: "},
    [SPOIL_SHIPPED] = {"a damaged entry is shipped", "promise 11: "},
    [SPOIL_UNFIT] = {"a unit with a failing disk stays on duty", "promise 11: "},
    [SPOIL_BATCH] = {"a batch is too large", "promise 12: "},
    [SPOIL_WAKINGS] = {"a unit is woken all the time", "promise 12: "},
    [SPOIL_STRANGER_MOVES] = {"nonsense makes a unit do something", "promise 13: "},
    [SPOIL_STRANGER_SERVED] = {"nonsense gets a ticket", "promise 13: "},
    [SPOIL_NO_SERVICE] = {"nobody gets a ticket", "promise 14: "},
    [SPOIL_KEY_KEPT] = {"a key of yesterday is kept", "promise 15: "},
    [SPOIL_IN_CLEAR] = {"a visitor of yesterday can be read", "promise 15: "},
    [SPOIL_ERASED] = {"no entry says that yesterday is erased", "promise 15: "},
    [SPOIL_SUMS] = {"visits of yesterday are not counted", "statistics: "},
    [SPOIL_KEPT] = {"a visit of yesterday is not kept", "statistics: kept"},
    [SPOIL_CERTIFICATE_EARLY] = {"a certificate stands before the erasure", "promise 15: "},
    [SPOIL_CERTIFICATE_DIGEST] = {"two certificates of one day differ", "promise 15: "},
    [SPOIL_CALLED_FROM_HOME] = {"who is not there is called", "registration: "},
    [SPOIL_ARRIVAL] = {"an arrival that was answered is forgotten", "registration: "},
    [SPOIL_ANNULLED] = {"a number is given while the day stands annulled", "promise 8: "},
    [SPOIL_SERVES_UNERASED] = {"a number is given beside a key of an earlier day", "promise 15: "},
};

bool sim_spoils(struct sim *sim, enum sim_spoil spoil)
{
    if (sim->options.spoil != spoil || sim->spoiled || sim->ticket_count < SPOILED_AFTER_TICKETS) {
        return false;
    }
    sim->spoiled = true;
    return true;
}

/* Not once, but from then on: what must last before it is a fault. */
bool sim_stays_spoiled(const struct sim *sim, enum sim_spoil spoil)
{
    return sim->options.spoil == spoil && sim->ticket_count >= SPOILED_AFTER_TICKETS;
}

void sim_spoil_ledger(struct unit *unit)
{
    struct sim *sim = unit->sim;
    struct sim_disk *disk = &unit->disk;
    size_t at = disk->entry_count / 2;

    if (sim_spoils(sim, SPOIL_BYTE)) {
        disk->entries[at].bytes[disk->entries[at].len_bytes / 2] ^= 1;
    } else if (sim_spoils(sim, SPOIL_DELETED)) {
        struct sim_blob gone = disk->entries[at];

        memmove(&disk->entries[at], &disk->entries[at + 1],
                (disk->entry_count - at - 1) * sizeof(gone));
        disk->entries[disk->entry_count - 1] = gone; /* freed with the disk */
    } else if (sim_spoils(sim, SPOIL_SWAPPED)) {
        struct sim_blob kept = disk->entries[at];

        disk->entries[at] = disk->entries[at + 1];
        disk->entries[at + 1] = kept;
    } else if (sim_spoils(sim, SPOIL_CUT_OFF)) {
        sim_disk_roll_back(disk, CUT_OFF_ENTRIES);
    }
}

const char *sim_spoil_name(enum sim_spoil spoil)
{
    return spoils[spoil].what;
}

bool sim_spoil_is_noticed(enum sim_spoil spoil, char why[SIM_WHY_BYTES])
{
    static struct sim_result result;
    struct sim_options options = {.seed = 2, .ticket_goal = FEW_TICKETS, .spoil = spoil};

    /* Not every quiet day gives every oracle its time: what must last may end with a night before it has. */
    do {
        sim_run(&options, &result);
    } while (spoil != SPOIL_NOTHING && !result.failed && ++options.seed <= SEEDS_MAX);
    memcpy(why, result.why, sizeof(result.why));
    if (spoil == SPOIL_NOTHING) {
        return !result.failed;
    }
    return result.failed &&
           strncmp(result.why, spoils[spoil].says, strlen(spoils[spoil].says)) == 0;
}
