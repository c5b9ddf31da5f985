/*
 * The table: every state x event is handled, noted, ignored or impossible on purpose.
 *
 * HANDLE  has its own function in duty.c; NOTE changes only what duty knows, after which the rules of the
 * state are looked at again; IGNORE is a fact that this state has no use for, mostly the late answer to
 * an action of a state left since; IMPOSSIBLE would be a fault of our own engine and is CHECKed.
 * Evidence is a level, so that noting it is right in every state.
 */
#include "cluster/duty/duty.h"

#include "base/check.h"

#define H DUTY_ROW_HANDLE
#define N DUTY_ROW_NOTE
#define I DUTY_ROW_IGNORE
#define X DUTY_ROW_IMPOSSIBLE

/* Columns in the order of enum duty_state:
 *  WAITING TAKING ALONE SOURCE OTHER MINTING DUTY SPARE HANDING_OVER STOPPED */
static const struct {
    uint8_t row[DUTY_STATE_COUNT];
    const char *text;
} table[DUTY_EVENT_COUNT] = {
    [DUTY_STARTED] = {{H, X, X, X, X, X, X, X, X, X},
                      "rule 6: what the ledger says is evidence; nobody is on duty by memory"},
    [DUTY_TIMEOUT] = {{N, N, N, N, N, N, N, N, N, N},
                      "the waits of the state are looked at again; a word is due"},
    [DUTY_WORD] = {{N, N, N, N, N, N, N, N, N, N},
                   "the peer's level; another contact or process than before breaks ours"},
    [DUTY_CONTACT_BROKEN] = {{N, N, N, N, N, N, N, N, N, N},
                             "rule 1: not acknowledged in time, or a frame that cannot be"},
    [DUTY_LINKS_CLOSED] = {{N, N, N, N, N, N, N, N, N, N},
                           "rule 2: the restarting peer gets DUTY_RESTART_GRACE_MS"},
    [DUTY_PEER_PROCESS] = {{N, N, N, N, N, N, N, N, N, N},
                           "corosync: gone breaks contact, joined proves nothing"},
    [DUTY_SERVICE_LINK] = {{N, N, N, N, N, N, N, N, N, N},
                           "rules 2 and 3: without a working link a unit serves nobody"},
    [DUTY_ADDRESS_PROBED] = {{N, I, I, N, I, I, I, N, I, I},
                             "rule 2: silent, or whose answer it is"},
    [DUTY_ADDRESS_CONTESTED] =
        {{I, N, N, N, N, N, N, I, N, I},
         "rule 8: no meeting within DUTY_CONFLICT_MS, the higher unit yields"},
    [DUTY_NEEDED] = {{N, N, N, N, N, N, N, N, N, N},
                     "rule 2: office open, or its lead time reached"},
    [DUTY_LEDGER] = {{N, N, N, N, N, N, N, N, N, N}, "what our word says of our ledger"},
    [DUTY_SESSION_STORED] = {{I, H, I, H, I, I, I, I, I, I},
                             "rule 3: record and entry are durable, the series may be used"},
    [DUTY_TAIL_CLOSED] = {{I, I, I, I, H, I, I, I, I, I},
                          "rule 5: our session has ended durably, the source may read our tail"},
    [DUTY_MEETING_READY] = {{I, I, I, H, I, I, I, I, I, I},
                            "rule 5: less than one batch is missing there"},
    [DUTY_MEETING_BROKEN] = {{I, I, I, N, N, I, I, I, I, I},
                             "rule 5: the source goes on in its session, the other may begin one"},
    [DUTY_TERM_CONFIRMED] = {{I, I, I, I, I, H, I, I, H, I},
                             "rules 5 and 6: counts only for the process and contact that asked"},
    [DUTY_TERM_OBEYED] = {{I, I, I, I, H, I, I, H, I, I},
                          "rule 6: from its own sync of a term entry a unit obeys it"},
    [DUTY_OPERATOR] = {{N, N, N, N, N, N, N, N, N, N}, "rules 7 and 11"},
    [DUTY_HEALTH] = {{N, N, N, N, N, N, N, N, N, N},
                     "promise 11: duty moves to a ready spare first, then this unit stops"},
};

enum duty_row duty_table_row(enum duty_state state, enum duty_event_kind event,
                             const char **ret_text)
{
    CHECK((unsigned)state < DUTY_STATE_COUNT && (unsigned)event < DUTY_EVENT_COUNT);
    if (ret_text != NULL) {
        *ret_text = table[event].text;
    }
    return (enum duty_row)table[event].row[state];
}
