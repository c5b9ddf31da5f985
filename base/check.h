/*
 * base/check.h - assertions that stay on.
 *
 * CHECK guards our own invariants: something that is false only if this program is wrong. It is
 * never compiled out. Bytes from a peer, a disk, a client or an operator are refused by an ordinary
 * branch, never CHECKed: one bad message must not stop both units.
 *
 * base_panic() is declared here and implemented once for all programs
 * (appliance/adapters/panic_stderr.c); tests may bring their own.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

_Noreturn void base_panic(const char *file, int line, const char *expression);

/* What a rightly asked machine gives unless it has nothing left: memory, random bytes, a digest of OpenSSL (which
 * says no for want of memory only). Without it there is no way on, and it is nobody's mistake: the process says so in
 * both languages and ends with BASE_EXIT_STARVED, to be started again; what it acknowledged is on disk. Where there
 * is a way on (refuse one client, try again later), that is an ordinary branch instead.
 * base_starved() is implemented once for all programs, in appliance/adapters/starved_stderr.c. */
enum { BASE_EXIT_STARVED = 75 }; /* EX_TEMPFAIL of sysexits.h */

_Noreturn void base_starved(const char *file, int line);

#define CHECK_GIVEN(expression)                                                                    \
    do {                                                                                           \
        if (__builtin_expect(!(expression), 0)) {                                                  \
            base_starved(__FILE__, __LINE__);                                                      \
        }                                                                                          \
    } while (0)

#define CHECK(expression)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(!(expression), 0)) {                                                  \
            base_panic(__FILE__, __LINE__, #expression);                                           \
        }                                                                                          \
    } while (0)

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
