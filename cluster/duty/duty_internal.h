/* What duty.c and duty_rules.c share. Nobody else includes it. */
#ifndef CLUSTER_DUTY_DUTY_INTERNAL_H
#define CLUSTER_DUTY_DUTY_INTERNAL_H

#include "cluster/duty/duty.h"

/* duty.c: changes of state and the actions that go with them */
struct duty_action *duty_act(struct duty_actions *actions, enum duty_action_kind kind);
void duty_take_address(struct duty *duty, struct duty_actions *actions);
void duty_stop_serving(struct duty *duty, struct duty_actions *actions);
void duty_enter(struct duty *duty, enum duty_state state, enum duty_reason reason);
bool duty_is_meeting(const struct duty *duty);

/* duty.c: contact. break: the contact is given up and counted; leave: only what the state did with it. */
void duty_break_contact(struct duty *duty, enum duty_reason reason, struct duty_actions *actions);
void duty_leave_contact(struct duty *duty, enum duty_reason reason, struct duty_actions *actions);
uint64_t duty_steady_left_ms(const struct duty *duty);

/* duty_rules.c */
void duty_note_service(struct duty *duty);
void duty_apply_rules(struct duty *duty, struct duty_actions *actions);

#endif
