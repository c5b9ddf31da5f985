/*
 * tools/office/supervisor.h - inside of the supervisor: how it becomes process 1 of a unit.
 */
#ifndef TOOLS_OFFICE_SUPERVISOR_H
#define TOOLS_OFFICE_SUPERVISOR_H

#include "tools/office/office.h"

/* As fork(), into a new process and a new mount namespace. Negative errno. */
pid_t office_fork_into_namespaces(void);
/* In that child: dies with its parent, is in the unit's network, sees the unit's /run, its own
 * /proc, /sys and /dev/shm, and no disk of another unit. Keeps control_fd and a descriptor of the
 * host's /proc; closes every other. */
int office_enter_unit(const struct office *office, unsigned place, int control_fd,
                      int *ret_host_proc_fd);

#endif
