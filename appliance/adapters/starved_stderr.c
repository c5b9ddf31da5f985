/* The one implementation of base_starved for programs. Nothing is flushed or closed: that could want memory again, and
 * every program of ours bears a power cut at any moment. */
#include "base/check.h"

#include <stdio.h>
#include <unistd.h>

void base_starved(const char *file, int line)
{
    (void)fprintf(
        stderr,
        "toban: the machine has no memory left (%s:%d). This program ends and is started "
        "again; what was acknowledged is kept.\n"
        "toban: メモリーが足りないため終了し、起動し直します。受け付けた内容は失われません。\n",
        file, line);
    _exit(BASE_EXIT_STARVED);
}
