/* toban replay FILE: runs what toband --trace recorded through duty again, and says whether it decides the
 * same. A field incident becomes a transcript that anyone can read. */
#include "tools/toban/toban.h"

#include "base/check.h"
#include "cluster/duty/duty.h"

#include <errno.h>
#include <string.h>

static void print_step(const struct toban *toban, const struct duty *duty, enum duty_state before,
                       const struct duty_event *event, const struct duty_actions *actions)
{
    if (toban->json || (before == duty->state && actions->count == 0)) {
        return;
    }
    if (before == duty->state && event->kind == DUTY_TIMEOUT) {
        return; /* words, 33 a second: nobody wants to read them */
    }
    (void)fprintf(toban->out, "%10llu  %-16s %s -> %s (%s)", (unsigned long long)event->now_ms,
                  duty_event_code(event->kind), duty_state_code(before),
                  duty_state_code(duty->state), duty_reason_code(duty->reason));
    for (size_t i = 0; i < actions->count; i++) {
        (void)fprintf(toban->out, " %s", duty_action_code(actions->list[i].kind));
    }
    (void)fprintf(toban->out, "\n");
}

/* A clock that counts from the machine's start and says more than some thousand years. */
static const uint64_t NOW_MS_MAX = (uint64_t)1 << 48;

/* A recording is memory as it lay there, and a file may be damaged: what C cannot even read safely, a bool that
 * is neither, an enumeration beyond its end, is looked at as bytes before anything is read as what it claims to
 * be. One line: these bytes, of events of this kind, are below `end`. */
#define ONE(kind, member, end)                                                                     \
    {                                                                                              \
        (kind), offsetof(struct duty_event, member), sizeof(((struct duty_event *)0)->member),     \
            (end)                                                                                  \
    }
#define YES_NO(kind, member) ONE(kind, member, 2)

static bool bytes_are_sound(const struct duty_event *event)
{
    static const struct {
        enum duty_event_kind kind;
        size_t offset, len_bytes;
        uint32_t end;
    } lines[] = {
        YES_NO(DUTY_STARTED, started.blank),
        YES_NO(DUTY_STARTED, started.unsound),
        YES_NO(DUTY_STARTED, started.restored),
        YES_NO(DUTY_STARTED, started.retired),
        YES_NO(DUTY_WORD, word.blank),
        YES_NO(DUTY_WORD, word.unsound),
        YES_NO(DUTY_WORD, word.restored),
        YES_NO(DUTY_WORD, word.retired),
        YES_NO(DUTY_WORD, word.peer_retired),
        YES_NO(DUTY_WORD, word.service_link),
        YES_NO(DUTY_WORD, word.leaving),
        YES_NO(DUTY_WORD, word.tail_closed),
        ONE(DUTY_CONTACT_BROKEN, reason, DUTY_REASON_COUNT),
        ONE(DUTY_MEETING_BROKEN, reason, DUTY_REASON_COUNT),
        ONE(DUTY_PEER_PROCESS, peer_process, DUTY_PROCESS_LOST + 1),
        YES_NO(DUTY_SERVICE_LINK, level),
        YES_NO(DUTY_NEEDED, level),
        ONE(DUTY_ADDRESS_PROBED, probe, DUTY_PROBE_OWN + 1),
        YES_NO(DUTY_ADDRESS_CONTESTED, by_peer),
        YES_NO(DUTY_LEDGER, ledger.blank),
        YES_NO(DUTY_LEDGER, ledger.unsound),
        YES_NO(DUTY_LEDGER, ledger.given_to_retired),
        YES_NO(DUTY_LEDGER, ledger.self_retired),
        ONE(DUTY_OPERATOR, operator_order, DUTY_OPERATOR_RESUME + 1),
        YES_NO(DUTY_HEALTH, health.fit),
        YES_NO(DUTY_HEALTH, health.full),
    };

    for (size_t i = 0; i < ARRAY_COUNT(lines); i++) {
        uint32_t value = 0;

        if (lines[i].kind == event->kind) {
            memcpy(&value, (const uint8_t *)event + lines[i].offset, lines[i].len_bytes);
            if (value >= lines[i].end) {
                return false;
            }
        }
    }
    return true;
}

/* Words and terms reach duty only through their decoders. */
static bool term_is_sound(const struct duty_term *term)
{
    uint8_t bytes[DUTY_TERM_BYTES_MAX];
    struct duty_term decoded;

    return duty_term_decode(bytes, duty_term_encode(term, bytes, sizeof(bytes)), &decoded);
}

static bool word_is_sound(const struct duty_word *word)
{
    uint8_t bytes[DUTY_WORD_BYTES_MAX];
    struct duty_word decoded;

    return duty_word_decode(bytes, duty_word_encode(word, bytes, sizeof(bytes)), &decoded);
}

static bool event_is_sound(const struct duty *duty, const struct duty_event *event)
{
    if ((unsigned)event->kind >= DUTY_EVENT_COUNT || event->now_ms < duty->now_ms ||
        duty_table_row(duty->state, event->kind, NULL) == DUTY_ROW_IMPOSSIBLE ||
        event->now_ms > NOW_MS_MAX || !bytes_are_sound(event)) {
        return false;
    }
    if (event->kind == DUTY_WORD) {
        return word_is_sound(&event->word);
    }
    if (event->kind == DUTY_STARTED) {
        return !duty->started && event->started.process != 0 &&
               (event->started.term.number == 0 || term_is_sound(&event->started.term));
    }
    return (event->kind != DUTY_TERM_CONFIRMED && event->kind != DUTY_TERM_OBEYED) ||
           term_is_sound(&event->term);
}

static int replay(struct toban *toban, FILE *file)
{
    struct duty_trace_head head;
    struct duty duty;
    struct duty_event event;
    struct duty_actions recorded, actions;
    unsigned long long steps = 0;

    if (fread(&head, sizeof(head), 1, file) != 1 || !duty_trace_head_is_ours(&head)) {
        (void)fprintf(toban->err, "%s\n",
                      toban->japanese ? "この版の toband が記録したファイルではありません。"
                                      : "This file was not recorded by this version of toband.");
        return TOBAN_NO;
    }
    duty_init(&duty, &head.options);
    while (fread(&event, sizeof(event), 1, file) == 1 &&
           fread(&recorded, sizeof(recorded), 1, file) == 1) {
        enum duty_state before = duty.state;

        if (!event_is_sound(&duty, &event)) {
            (void)fprintf(toban->err,
                          toban->japanese ? "%llu 件目の記録が壊れています。\n"
                                          : "Record %llu is damaged.\n",
                          steps + 1);
            return TOBAN_NO;
        }
        duty_step(&duty, &event, &actions);
        steps++;
        print_step(toban, &duty, before, &event, &actions);
        if (!duty_actions_equal(&actions, &recorded)) {
            (void)fprintf(toban->err,
                          toban->japanese ? "%llu 件目で判断が記録と異なります。\n"
                                          : "Record %llu: decided otherwise now.\n",
                          steps);
            return TOBAN_NO;
        }
    }
    if (toban->json) {
        (void)fprintf(toban->out, "{\"events\":%llu,\"same\":true,\"state\":\"%s\"}\n", steps,
                      duty_state_code(duty.state));
    } else {
        (void)fprintf(toban->out,
                      toban->japanese ? "%llu 件すべて、記録どおりの判断です。\n"
                                      : "All %llu events decide as recorded.\n",
                      steps);
    }
    return TOBAN_OK;
}

int command_replay(struct toban *toban, int argc, char **argv)
{
    FILE *file;
    int status;

    if (argc != 1) {
        return command_misused(toban, "replay", "ファイルを1つ指定してください。",
                               "name one file.");
    }
    file = fopen(argv[0], "re");
    if (file == NULL) {
        (void)fprintf(toban->err, "toban: %s: %s\n", argv[0], strerror(errno));
        return TOBAN_NO;
    }
    status = replay(toban, file);
    (void)fclose(file);
    return status;
}
