/* What a recording of duty begins with, and when two lists of actions are the same. */
#include "cluster/duty/duty.h"

#include <string.h>

static const char magic[8] = {'T', 'O', 'B', 'A', 'N', 'T', 'R', '1'};

struct duty_trace_head duty_trace_head(const struct duty_options *options)
{
    struct duty_trace_head head = {.event_bytes = sizeof(struct duty_event),
                                   .actions_bytes = sizeof(struct duty_actions),
                                   .options = *options};

    memcpy(head.magic, magic, sizeof(head.magic));
    return head;
}

bool duty_trace_head_is_ours(const struct duty_trace_head *head)
{
    return memcmp(head->magic, magic, sizeof(head->magic)) == 0 &&
           head->event_bytes == sizeof(struct duty_event) &&
           head->actions_bytes == sizeof(struct duty_actions) && head->options.unit != 0 &&
           head->options.unit <= IDS_UNIT_ID_MAX;
}

static bool terms_equal(const struct duty_term *a, const struct duty_term *b)
{
    uint8_t x[DUTY_TERM_BYTES_MAX], y[DUTY_TERM_BYTES_MAX];
    size_t x_bytes = duty_term_encode(a, x, sizeof(x));

    return x_bytes == duty_term_encode(b, y, sizeof(y)) && memcmp(x, y, x_bytes) == 0;
}

bool duty_actions_equal(const struct duty_actions *a, const struct duty_actions *b)
{
    if (a->count != b->count || a->count > DUTY_ACTIONS_MAX) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        const struct duty_action *x = &a->list[i], *y = &b->list[i];

        if (x->kind != y->kind || x->serve != y->serve || !terms_equal(&x->term, &y->term)) {
            return false;
        }
    }
    return true;
}
