#include "storage/adapters/ledger_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

/*
 * LMDB writes the copy into a pipe from a thread of its own, and the worker takes it from there:
 * hashed on its way, and flushed every few megabytes. Without that the whole copy would lie in the
 * page cache and the ledger's next fdatasync would wait behind it. While the copy is made, its
 * reader keeps old pages from being used again, so the file grows by what is committed meanwhile.
 */
#define OUTGOING_DIR "snapshot.outgoing"

struct copier {
    MDB_env *env;
    int fd;
    int result;
};

static void *copier_main(void *context)
{
    struct copier *copier = context;

    (void)pthread_setname_np(pthread_self(), "ledger-copier");
    copier->result = ledger_error(mdb_env_copyfd2(copier->env, copier->fd, MDB_CP_COMPACT));
    ledger_fd_close(&copier->fd);
    return NULL;
}

static int outgoing_create(struct ledger *ledger, int *ret_fd)
{
    int r = ledger_tree_remove(ledger->data_dir_fd, OUTGOING_DIR);

    if (r == 0 && mkdirat(ledger->data_dir_fd, OUTGOING_DIR, 0700) < 0) {
        r = -errno;
    }
    if (r < 0) {
        return r;
    }
    int fd = openat(ledger->data_dir_fd, OUTGOING_DIR "/data.mdb",
                    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -errno;
    }
    *ret_fd = fd;
    return 0;
}

static void digest_free(EVP_MD_CTX **digest)
{
    EVP_MD_CTX_free(*digest);
}

static void buffer_free(uint8_t **bytes)
{
    free(*bytes);
}

/* Everything that comes out of the pipe, into the file and the hash. */
static int drain(struct ledger_worker *worker, int from_fd, int to_fd)
{
    __attribute__((cleanup(buffer_free))) uint8_t *bytes = malloc(LEDGER_STREAM_BYTES);
    __attribute__((cleanup(digest_free))) EVP_MD_CTX *digest = EVP_MD_CTX_new();
    uint64_t size_bytes = 0;
    uint64_t synced_bytes = 0;

    if (bytes == NULL || digest == NULL || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1) {
        return -ENOMEM;
    }
    for (;;) {
        ssize_t n = read(from_fd, bytes, LEDGER_STREAM_BYTES);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        if (ledger_worker_must_stop(worker)) {
            return -ECANCELED;
        }
        int r = ledger_file_write(to_fd, bytes, (size_t)n, size_bytes);
        if (r < 0) {
            return r;
        }
        size_bytes += (size_t)n;
        (void)EVP_DigestUpdate(digest, bytes, (size_t)n);
        if ((n == 0 || size_bytes - synced_bytes >= LEDGER_STREAM_SYNC_BYTES)) {
            if (fdatasync(to_fd) < 0) {
                return -errno;
            }
            synced_bytes = size_bytes;
        }
        if (n == 0) {
            break;
        }
    }
    (void)EVP_DigestFinal_ex(digest, worker->file_hash.bytes, NULL);
    worker->size_bytes = size_bytes;
    return 0;
}

static int copy_through_pipe(struct ledger *ledger, struct ledger_worker *worker, int to_fd)
{
    struct copier copier = {.env = ledger->env};
    pthread_t thread;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0) {
        return -errno;
    }
    (void)fcntl(ends[0], F_SETPIPE_SZ, LEDGER_STREAM_BYTES);
    copier.fd = ends[1];
    int r = -pthread_create(&thread, NULL, copier_main, &copier);
    if (r < 0) {
        ledger_fd_close(&ends[0]);
        ledger_fd_close(&ends[1]);
        return r;
    }
    r = drain(worker, ends[0], to_fd);
    /* Closed before the join: a copier whose reader gave up must meet EPIPE, not wait. */
    ledger_fd_close(&ends[0]);
    (void)pthread_join(thread, NULL);
    return r < 0 ? r : copier.result;
}

/* The copier chose its own commit; only the copy can say which. */
static int last_lsn_of_copy(struct ledger *ledger, uint64_t *ret_lsn)
{
    struct ledger copy;
    MDB_txn *txn = NULL;
    struct ledger_book book = {0};

    int r = ledger_blank_init(&copy);
    if (r < 0) {
        return r;
    }
    copy.name = OUTGOING_DIR;
    copy.data_dir = ledger->data_dir;
    copy.read_only = true;
    r = ledger_env_open(&copy);
    if (r == 0) {
        r = ledger_databases_open(&copy);
    }
    if (r == 0) {
        r = ledger_reader_begin(&copy, &txn);
    }
    if (r == 0) {
        r = ledger_book_read(&copy, txn, &book);
        ledger_reader_end(&copy);
    }
    ledger_env_finish(&copy);
    if (r < 0) {
        return r;
    }
    *ret_lsn = book.last_lsn;
    return 0;
}

static int make_job(struct ledger *ledger, struct ledger_worker *worker)
{
    __attribute__((cleanup(ledger_fd_close))) int fd = -1;
    int r = outgoing_create(ledger, &fd);

    if (r == 0) {
        r = copy_through_pipe(ledger, worker, fd);
    }
    if (r == 0) {
        r = last_lsn_of_copy(ledger, &worker->last_lsn);
    }
    if (r < 0) {
        (void)ledger_tree_remove(ledger->data_dir_fd, OUTGOING_DIR);
    }
    return r;
}

int ledger_snapshot_make(struct ledger *ledger, uint64_t *ret_size_bytes, uint64_t *ret_last_lsn,
                         struct ids_hash *ret_file_hash)
{
    struct ledger_worker worker;

    if (ledger->read_only) {
        return -EROFS;
    }
    int r = ledger_worker_run(ledger, make_job, &worker);
    if (r < 0) {
        return r;
    }
    ledger_fd_close(&ledger->outgoing_fd);
    ledger->outgoing_fd =
        openat(ledger->data_dir_fd, OUTGOING_DIR "/data.mdb", O_RDONLY | O_CLOEXEC);
    if (ledger->outgoing_fd < 0) {
        return -errno;
    }
    *ret_size_bytes = worker.size_bytes;
    *ret_last_lsn = worker.last_lsn;
    *ret_file_hash = worker.file_hash;
    return 0;
}

int ledger_snapshot_read(struct ledger *ledger, uint64_t offset_bytes, uint8_t *bytes,
                         size_t capacity_bytes, size_t *ret_len_bytes)
{
    if (ledger->outgoing_fd < 0) {
        return -ENOENT;
    }
    ssize_t n = pread(ledger->outgoing_fd, bytes, capacity_bytes, (off_t)offset_bytes);
    if (n < 0) {
        return -errno;
    }
    *ret_len_bytes = (size_t)n;
    return 0;
}

void ledger_snapshot_discard(struct ledger *ledger)
{
    ledger_fd_close(&ledger->outgoing_fd);
    if (!ledger->read_only && ledger->worker == NULL) {
        (void)ledger_tree_remove(ledger->data_dir_fd, OUTGOING_DIR);
    }
}
