/* A terminal that remembers what the command line printed, for the tests of tools/toban. */
#ifndef TESTS_UNIT_SCREEN_FIXTURE_H
#define TESTS_UNIT_SCREEN_FIXTURE_H

#include "tools/toban/toban.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

enum { OUT_BYTES = 16384 };

struct screen {
    struct toban toban;
    char *out, *err;
    size_t out_len, err_len;
};

static inline struct screen *screen_create(bool japanese)
{
    struct screen *screen = calloc(1, sizeof(*screen));

    screen->toban.japanese = japanese;
    screen->toban.out = open_memstream(&screen->out, &screen->out_len);
    screen->toban.err = open_memstream(&screen->err, &screen->err_len);
    return screen;
}

static inline const char *screen_out(struct screen *screen)
{
    (void)fflush(screen->toban.out);
    return screen->out;
}

static inline const char *screen_err(struct screen *screen)
{
    (void)fflush(screen->toban.err);
    return screen->err;
}

static inline void screen_destroy(struct screen *screen)
{
    (void)fclose(screen->toban.out);
    (void)fclose(screen->toban.err);
    free(screen->out);
    free(screen->err);
    free(screen);
}

static inline int count_words(char **argv)
{
    int count = 0;

    while (argv[count] != NULL) {
        count++;
    }
    return count;
}

#endif
