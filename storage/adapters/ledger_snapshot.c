#include "storage/adapters/ledger_internal.h"
int ledger_incoming_settle(struct ledger *ledger)
{
    (void)ledger;
    return 0;
}
void ledger_worker_stop(struct ledger *ledger)
{
    (void)ledger;
}
