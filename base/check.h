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

#define CHECK(expression)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(!(expression), 0)) {                                                  \
            base_panic(__FILE__, __LINE__, #expression);                                           \
        }                                                                                          \
    } while (0)

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
