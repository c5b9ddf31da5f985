/* office: the whole of it is toban-office, beside this program. */
#include "tools/toban/toban.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS_MAX = 64 };

int command_office(struct toban *toban, int argc, char **argv)
{
    char program[TOBAN_PATH_BYTES];
    char *words[WORDS_MAX + 6];
    int count = 0;

    if (!targets_office_program(program) || argc > WORDS_MAX) {
        (void)fputs(text_choose(toban, "toban: toban-office が隣にありません。\n",
                                "toban: toban-office is not beside this program.\n"),
                    toban->err);
        return TOBAN_UNREACHABLE;
    }
    words[count++] = program;
    for (int i = 0; i < argc; i++) {
        words[count++] = argv[i];
    }
    if (toban->name != NULL) {
        words[count++] = "--name";
        words[count++] = (char *)toban->name;
    }
    if (toban->json) {
        words[count++] = "--json";
    }
    if (toban->help) {
        words[count++] = "--help";
    }
    words[count] = NULL;
    (void)fflush(toban->out);
    if (toban->japanese != options_locale_is_japanese()) {
        (void)setenv("LC_ALL", toban->japanese ? "ja_JP.UTF-8" : "C.UTF-8", 1);
    }
    (void)execv(program, words);
    (void)fprintf(toban->err, "toban: %s: %s\n", program, strerror(errno));
    return TOBAN_UNREACHABLE;
}
