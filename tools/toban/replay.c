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

static bool event_is_sound(const struct duty *duty, const struct duty_event *event)
{
    return (unsigned)event->kind < DUTY_EVENT_COUNT && event->now_ms >= duty->now_ms &&
           duty_table_row(duty->state, event->kind, NULL) != DUTY_ROW_IMPOSSIBLE;
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
