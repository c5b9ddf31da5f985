/* The one implementation of base_panic for programs: say where, and abort. The supervisor (systemd)
 * restarts the process, which is never on duty by memory (DESIGN 3 rule 6). */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void base_panic(const char *file, int line, const char *expression)
{
    (void)fprintf(stderr, "toban: invariant broken at %s:%d: %s\n", file, line, expression);
    abort();
}
