#include "appliance/engine/founding.h"

#include "storage/adapters/ledger.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 512 };

static void found_path(const char *data_dir, char path[PATH_BYTES])
{
    (void)snprintf(path, PATH_BYTES, "%s/FOUND", data_dir);
}

bool founding_is_ordered(const char *data_dir)
{
    char path[PATH_BYTES];

    found_path(data_dir, path);
    return access(path, F_OK) == 0;
}

void founding_is_over(const char *data_dir)
{
    char path[PATH_BYTES];

    found_path(data_dir, path);
    (void)unlink(path);
}

void founding_put_ledger_aside(const char *data_dir)
{
    int r;

    founding_is_over(data_dir);
    r = ledger_set_aside(data_dir);
    if (r < 0) {
        (void)fprintf(stderr,
                      "toband: 壊れた台帳を脇に置けません: %s / the damaged ledger cannot be put "
                      "aside\n",
                      strerror(-r));
        return;
    }
    (void)fputs(
        "toband: 台帳が壊れていたため ledger.damaged "
        "として脇に置きました。相手の号機から受け取り直します。 / the ledger is damaged and "
        "was put aside as ledger.damaged; it is received again from the other unit\n",
        stderr);
}
