/*
 * tests/lib/netns.h - network namespaces for a test, without names.
 *
 * A namespace is a file descriptor: nothing is left behind however the test ends. Programs started
 * in one are killed when the test process dies (PR_SET_PDEATHSIG) and by netns_kill. Needs root; a
 * test calls netns_available() and skips itself, saying so, when it is not there.
 */
#ifndef TESTS_LIB_NETNS_H
#define TESTS_LIB_NETNS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

bool netns_available(void);
/* A new namespace with lo up; its descriptor. Fails the test when it cannot. */
int netns_create(void);
/* The calling thread goes there; returns the descriptor of where it was, for netns_leave. */
int netns_enter(int ns);
void netns_leave(int before);
/* Runs `ip <words>` in it; fails the test unless it succeeds. printf-like. */
void netns_ip(int ns, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A pair of Ethernet ends: `a` in one namespace, `b` in the other, both up. */
void netns_wire(int ns_a, const char *a, int ns_b, const char *b);
/* Starts a program in it; argv[0] is its path. Extra mounts or settings: `before_exec` may be NULL.
 */
pid_t netns_spawn(int ns, char *const argv[], void (*before_exec)(void *context), void *context);
/* Sends the signal and, unless it is one that stops, waits for the end; 0 pid: nothing. */
void netns_kill(pid_t pid, int signal);
/* Path of a built program, e.g. "toban-net": beside the running test's own tree. */
void netns_program(const char *name, char *path, size_t path_bytes);

#endif
