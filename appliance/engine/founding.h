/*
 * appliance/engine/founding.h - how a ledger begins and is given up: what lies in the data directory beside it.
 *
 * Founding a site is one deliberate act: whoever prepares the first unit puts the file FOUND into its empty data
 * directory. It lies on the data disk so that a wiped disk never founds a second ledger. A ledger that is
 * damaged at its start is kept as ledger.damaged/ (an older one of that name goes) and the unit begins blank, to
 * be filled by its peer (DESIGN promise 11). Decides not when: main.c does.
 */
#ifndef APPLIANCE_ENGINE_FOUNDING_H
#define APPLIANCE_ENGINE_FOUNDING_H

#include <stdbool.h>

bool founding_is_ordered(const char *data_dir);
/* The first entry is durable. */
void founding_is_over(const char *data_dir);
/* The ledger must be closed. Says on stderr what became of it; whatever happens, this disk founds nothing. */
void founding_put_ledger_aside(const char *data_dir);

#endif
