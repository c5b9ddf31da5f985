/* duty-doc: prints the part of docs/DUTY.md that follows from the program. tools/check-duty-doc holds the
 * page and this print equal. What a state, an event or an action means is said here, once, for people. */
#include "base/check.h"
#include "cluster/duty/duty.h"
#include "tools/checks/access_doc.h"

#include <stdio.h>
#include <string.h>

static const struct {
    enum duty_action_kind kind;
    const char *en;
} actions[] = {
    {DUTY_SEND_WORD, "say the word on every link, now"},
    {DUTY_PROBE_ADDRESS, "ask who holds the floating address; answered by ADDRESS_PROBED"},
    {DUTY_TAKE_ADDRESS, "hold and announce it; said again, announces again"},
    {DUTY_DROP_ADDRESS, "give it up; its clients are reset"},
    {DUTY_BEGIN_SESSION,
     "store the next session number, then its entry; answered by SESSION_STORED"},
    {DUTY_SERVE, "open the gate: by plain numbers, by letter, or for nobody"},
    {DUTY_HOLD, "assign nothing and refuse nothing until the next SERVE"},
    {DUTY_MEET_AS_SOURCE, "compare, adopt, feed; answered by MEETING_READY"},
    {DUTY_MEET_AS_OTHER,
     "end the session durably, answered by TAIL_CLOSED; give the tail, then follow"},
    {DUTY_MEETING_OVER, "forget what the meeting was doing"},
    {DUTY_MINT, "write the term: durable here, then there; answered by TERM_CONFIRMED"},
    {DUTY_CONTACT, "a new contact: frames of older ones are dropped from now on"},
};

static const struct {
    const char *name;
    unsigned ms;
    const char *en;
} timers[] = {
    {"DUTY_WORD_INTERVAL_MS", DUTY_WORD_INTERVAL_MS, "a word at least this often, on every link"},
    {"DUTY_SUSPECT_MS", DUTY_SUSPECT_MS, "no word for this long: a spare asks who has the address"},
    {"DUTY_MUTE_MS", DUTY_MUTE_MS, "no word for longer: contact is broken"},
    {"DUTY_MUTE_FOR_ADDRESS_MS", DUTY_MUTE_FOR_ADDRESS_MS,
     "rule 2: mute this long, the peer's answer for the address counts as silence"},
    {"DUTY_ACK_MS_MAX", DUTY_ACK_MS_MAX, "rule 1: a batch not acknowledged is broken contact"},
    {"DUTY_MINT_MS_MAX", DUTY_MINT_MS_MAX, "rule 5: requests are held no longer for a mint"},
    {"DUTY_RESTART_GRACE_MS", DUTY_RESTART_GRACE_MS, "rule 2: what a restarting peer gets"},
    {"DUTY_LONE_BOOT_MS", DUTY_LONE_BOOT_MS, "rule 2: a unit that booted alone waits for its peer"},
    {"DUTY_LINK_LOST_MS", DUTY_LINK_LOST_MS, "rule 3: a session ends after this long without link"},
    {"DUTY_LINK_JUDGE_MS", DUTY_LINK_JUDGE_MS,
     "own link lost this long before duty moves: the spare's words tell whether it lost its too"},
    {"DUTY_HANDOVER_LINK_MS", DUTY_HANDOVER_LINK_MS,
     "rule 2: who is handed duty has had its link for this long"},
    {"DUTY_CONFLICT_MS", DUTY_CONFLICT_MS, "rule 8: no meeting has begun: the higher unit yields"},
    {"DUTY_STRANGER_SAID_MS", DUTY_STRANGER_SAID_MS,
     "rule 8: a stranger's announcement is spoken of for so long"},
    {"DUTY_CONFLICT_BACKOFF_MS_MIN", DUTY_CONFLICT_BACKOFF_MS_MIN,
     "rule 8: who yielded looks again, doubling"},
    {"DUTY_CONFLICT_BACKOFF_MS_MAX", DUTY_CONFLICT_BACKOFF_MS_MAX, "rule 8: up to this"},
    {"DUTY_PROBE_RETRY_MS", DUTY_PROBE_RETRY_MS, "the address is asked for again"},
    {"DUTY_PROBE_FRESH_MS", DUTY_PROBE_FRESH_MS, "an answer older than this is no answer"},
    {"DUTY_MEETING_SERVE_MS", DUTY_MEETING_SERVE_MS,
     "a source that serves nobody begins a session when the meeting takes this long"},
    {"DUTY_UNSERVED_MS", DUTY_UNSERVED_MS,
     "promise 14: nobody serves although needed: whoever could leaves the meeting and serves"},
    {"DUTY_STEADY_MS_MIN", DUTY_STEADY_MS_MIN,
     "rule 10: after the second break in the hour, doubling"},
    {"DUTY_STEADY_MS_MAX", DUTY_STEADY_MS_MAX, "rule 10: up to this"},
    {"DUTY_STEADY_FORGET_MS", DUTY_STEADY_FORGET_MS,
     "rule 10: after this long breaks are forgotten"},
};

static const char *row_text(enum duty_row row)
{
    switch (row) {
    case DUTY_ROW_HANDLE:
        return "**handle**";
    case DUTY_ROW_NOTE:
        return "note";
    case DUTY_ROW_IGNORE:
        return "·";
    case DUTY_ROW_IMPOSSIBLE:
        return "×";
    }
    CHECK(!"no such row");
}

static void print_table(void)
{
    printf("## Every state × every event\n\n"
           "**handle**: has its own function. note: changes what duty knows, then the rules of the "
           "state "
           "are looked at. ·: ignored on purpose. ×: impossible, a fault of our own engine, "
           "CHECKed.\n\n"
           "| event |");
    for (int state = 0; state < DUTY_STATE_COUNT; state++) {
        printf(" %s |", duty_state_code((enum duty_state)state));
    }
    printf(" why |\n|---|");
    for (int state = 0; state < DUTY_STATE_COUNT; state++) {
        printf("---|");
    }
    printf("---|\n");
    for (int event = 0; event < DUTY_EVENT_COUNT; event++) {
        const char *why = "";

        printf("| %s |", duty_event_code((enum duty_event_kind)event));
        for (int state = 0; state < DUTY_STATE_COUNT; state++) {
            printf(" %s |", row_text(duty_table_row((enum duty_state)state,
                                                    (enum duty_event_kind)event, &why)));
        }
        printf(" %s |\n", why);
    }
}

static void print_duty(void)
{
    printf("## States\n\n| state | meaning | 意味 |\n|---|---|---|\n");
    for (int state = 0; state < DUTY_STATE_COUNT; state++) {
        printf("| %s | %s | %s |\n", duty_state_code((enum duty_state)state),
               duty_state_en((enum duty_state)state), duty_state_ja((enum duty_state)state));
    }
    printf("\n");
    print_table();
    printf("\n## Actions\n\n| action | the engine is to |\n|---|---|\n");
    for (size_t i = 0; i < ARRAY_COUNT(actions); i++) {
        printf("| %s | %s |\n", duty_action_code(actions[i].kind), actions[i].en);
    }
    printf("\n## Times\n\n| name | ms | what it bounds |\n|---|---|---|\n");
    for (size_t i = 0; i < ARRAY_COUNT(timers); i++) {
        printf("| %s | %u | %s |\n", timers[i].name, timers[i].ms, timers[i].en);
    }
    printf("\n## Reasons\n\n| code | English | 日本語 |\n|---|---|---|\n");
    for (int reason = 0; reason < DUTY_REASON_COUNT; reason++) {
        printf("| %s | %s | %s |\n", duty_reason_code((enum duty_reason)reason),
               duty_reason_en((enum duty_reason)reason), duty_reason_ja((enum duty_reason)reason));
    }
}

/* duty-doc: docs/DUTY.md; duty-doc access: docs/ACCESS.md */
int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "access") == 0) {
        access_doc_print();
    } else {
        print_duty();
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
