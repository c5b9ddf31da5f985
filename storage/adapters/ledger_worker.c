#include "storage/adapters/ledger_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

static void *worker_main(void *context)
{
    struct ledger_worker *worker = context;
    int result = 0;

    (void)pthread_setname_np(pthread_self(), "ledger-worker");
    result = worker->job(worker->ledger, worker);
    (void)pthread_mutex_lock(&worker->lock);
    worker->result = result;
    worker->done = true;
    (void)pthread_mutex_unlock(&worker->lock);
    return NULL;
}

static int worker_start(struct ledger *ledger, ledger_job_fn *job)
{
    struct ledger_worker *worker = calloc(1, sizeof(*worker));
    sigset_t all;
    sigset_t before;

    if (worker == NULL) {
        return -ENOMEM;
    }
    worker->ledger = ledger;
    worker->job = job;
    (void)pthread_mutex_init(&worker->lock, NULL);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = -pthread_create(&worker->thread, NULL, worker_main, worker);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r < 0) {
        (void)pthread_mutex_destroy(&worker->lock);
        free(worker);
        return r;
    }
    ledger->worker = worker;
    return -EINPROGRESS;
}

static void worker_finish(struct ledger *ledger)
{
    (void)pthread_join(ledger->worker->thread, NULL);
    (void)pthread_mutex_destroy(&ledger->worker->lock);
    free(ledger->worker);
    ledger->worker = NULL;
}

int ledger_worker_run(struct ledger *ledger, ledger_job_fn *job, struct ledger_worker *ret_worker)
{
    struct ledger_worker *worker = ledger->worker;

    if (worker == NULL) {
        return worker_start(ledger, job);
    }
    if (worker->job != job) {
        return -EBUSY;
    }
    (void)pthread_mutex_lock(&worker->lock);
    bool done = worker->done;
    (void)pthread_mutex_unlock(&worker->lock);
    if (!done) {
        return -EINPROGRESS;
    }
    int result = worker->result;
    if (ret_worker != NULL) {
        *ret_worker = *worker;
    }
    worker_finish(ledger);
    return result;
}

bool ledger_worker_must_stop(struct ledger_worker *worker)
{
    (void)pthread_mutex_lock(&worker->lock);
    bool stop = worker->stop;
    (void)pthread_mutex_unlock(&worker->lock);
    return stop;
}

void ledger_worker_stop(struct ledger *ledger)
{
    if (ledger->worker == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&ledger->worker->lock);
    ledger->worker->stop = true;
    (void)pthread_mutex_unlock(&ledger->worker->lock);
    worker_finish(ledger);
}
