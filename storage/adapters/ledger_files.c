#include "storage/adapters/ledger_internal.h"

#include "base/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The record: two slots, each magic || counter || length || bytes || SHA-256. A new record is
 * written to both, one after the other, each flushed. So a torn slot and a rotten slot are told
 * apart without a guess: whichever slot is whole and newest is at least as new as anything that was
 * acknowledged.
 */
enum {
    RECORD_SLOTS = 2,
    RECORD_SLOT_BYTES = 8192,
    RECORD_HEAD_BYTES = 8 + 8 + 4,
    KEY_NAME_BYTES = 40,
    DIR_MODE = 0700,
    FILE_MODE = 0600,
};
static const char record_magic[8] = {'T', 'O', 'B', 'A', 'N', 'R', 'E', 'C'};

_Static_assert(RECORD_HEAD_BYTES + LEDGER_RECORD_BYTES_MAX + IDS_HASH_BYTES <= RECORD_SLOT_BYTES,
               "a record fits its slot");

void ledger_fd_close(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

int ledger_file_write(int fd, const uint8_t *bytes, size_t len_bytes, uint64_t offset_bytes)
{
    size_t done = 0;

    while (done < len_bytes) {
        ssize_t n = pwrite(fd, bytes + done, len_bytes - done, (off_t)(offset_bytes + done));
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Up to len_bytes; fewer only at the end of the file. */
static ssize_t read_all(int fd, uint8_t *bytes, size_t len_bytes)
{
    size_t done = 0;

    while (done < len_bytes) {
        ssize_t n = read(fd, bytes + done, len_bytes - done);
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        if (n == 0) {
            break;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)done;
}

static int file_sync(struct ledger *ledger, int fd)
{
    ledger->flushes++;
    return fdatasync(fd) < 0 ? -errno : 0;
}

int ledger_dir_sync(struct ledger *ledger, int dir_fd)
{
    ledger->flushes++;
    return fsync(dir_fd) < 0 ? -errno : 0;
}

/* ---- directories ------------------------------------------------------------------------------
 */

static int dir_open(struct ledger *ledger, int at_fd, const char *path, int *ret_fd)
{
    if (!ledger->read_only && mkdirat(at_fd, path, DIR_MODE) < 0 && errno != EEXIST) {
        return -errno;
    }
    int fd = openat(at_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    *ret_fd = fd;
    return 0;
}

/* The directory that holds `path` must remember it: else a power cut takes the whole ledger away.
 */
static int parent_sync(struct ledger *ledger, int dir_fd)
{
    __attribute__((cleanup(ledger_fd_close))) int parent_fd =
        openat(dir_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return parent_fd < 0 ? -errno : ledger_dir_sync(ledger, parent_fd);
}

/* A half written key was never acknowledged; its bytes go like those of a destroyed one. */
static int key_leftovers_remove(struct ledger *ledger);

int ledger_dirs_open(struct ledger *ledger, char *why, size_t why_bytes)
{
    int r = dir_open(ledger, AT_FDCWD, ledger->data_dir, &ledger->data_dir_fd);

    if (r == 0 && !ledger->read_only && flock(ledger->data_dir_fd, LOCK_EX | LOCK_NB) < 0) {
        ledger_explain(
            why, why_bytes, "another process has this ledger open for writing; stop it first",
            "ほかのプログラムがこの台帳を書き込み用に開いています。先に停止してください。");
        return -EBUSY;
    }
    if (r == 0 && !ledger->read_only) {
        r = ledger_incoming_settle(ledger);
    }
    if (r == 0 && !ledger->read_only && faccessat(ledger->data_dir_fd, ledger->name, F_OK, 0) < 0) {
        r = errno == ENOENT ? ledger_blank_create(ledger) : -errno;
    }
    if (r == 0) {
        r = dir_open(ledger, ledger->data_dir_fd, ledger->name, &ledger->ledger_dir_fd);
    }
    if (r == 0) {
        r = dir_open(ledger, ledger->data_dir_fd, "keys", &ledger->keys_dir_fd);
    }
    if (r == 0) {
        r = dir_open(ledger, AT_FDCWD, ledger->record_dir, &ledger->record_dir_fd);
    }
    if (r == 0 && !ledger->read_only) {
        r = key_leftovers_remove(ledger);
    }
    if (r == 0 && !ledger->read_only) {
        r = ledger_dir_sync(ledger, ledger->data_dir_fd);
    }
    if (r == 0 && !ledger->read_only) {
        r = parent_sync(ledger, ledger->data_dir_fd);
    }
    if (r == 0 && !ledger->read_only) {
        r = parent_sync(ledger, ledger->record_dir_fd);
    }
    if (r < 0) {
        ledger_explain(why, why_bytes,
                       "a directory of the ledger cannot be opened; check the disk and its owner",
                       "台帳のフォルダーを開けません。ディスクと所有者を確認してください。");
    }
    return r;
}

/* One level: our directories hold files only. */
int ledger_tree_remove(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        int r = -errno;
        (void)close(fd);
        return r;
    }
    for (struct dirent *item = readdir(dir); item != NULL; item = readdir(dir)) {
        if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0) {
            (void)unlinkat(dirfd(dir), item->d_name, 0);
        }
    }
    (void)closedir(dir);
    return unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

/* ---- the data file ------------------------------------------------------------------------------
 */

/*
 * The file is written ahead of LMDB, for three reasons: a full disk is met before a commit and not
 * in it; a commit's fdatasync finds its blocks and the size allocated and flushes data alone; and a
 * file shorter than its last page is then always damage. Only whoever commits calls this, so
 * nothing but this writes beyond the end that LMDB knows.
 */
int ledger_file_extend(struct ledger *ledger, uint64_t need_bytes)
{
    static const uint8_t zeros[LEDGER_EXTEND_STEP_BYTES];
    uint64_t target = ledger_end_bytes(ledger) + need_bytes;
    mdb_filehandle_t fd = -1;

    if (target > ledger->map_size_bytes) {
        target = ledger->map_size_bytes;
    }
    CHECK(mdb_env_get_fd(ledger->env, &fd) == 0);
    while (ledger->file_bytes < target) {
        uint64_t left = target - ledger->file_bytes;
        size_t part = left < sizeof(zeros) ? (size_t)left : sizeof(zeros);
        int r = ledger_file_write(fd, zeros, part, ledger->file_bytes);
        if (r < 0) {
            return r;
        }
        (void)sync_file_range(fd, (off_t)ledger->file_bytes, (off_t)part, SYNC_FILE_RANGE_WRITE);
        ledger->file_bytes += part;
    }
    return 0;
}

/* ---- the record ---------------------------------------------------------------------------------
 */

static void slot_encode(struct ledger *ledger, uint64_t counter, const uint8_t *bytes,
                        size_t len_bytes, uint8_t slot[RECORD_SLOT_BYTES])
{
    struct bytes_writer writer = bytes_writer_over(slot, RECORD_SLOT_BYTES);
    struct ids_hash hash;

    memset(slot, 0, RECORD_SLOT_BYTES);
    bytes_put(&writer, record_magic, sizeof(record_magic));
    bytes_put_u64(&writer, counter);
    bytes_put_u32(&writer, (uint32_t)len_bytes);
    bytes_put(&writer, bytes, len_bytes);
    crypto_hash(ledger->commit_crypto, slot, writer.len_bytes, NULL, 0, &hash);
    bytes_put(&writer, hash.bytes, sizeof(hash.bytes));
    CHECK(!writer.failed);
}

struct slot {
    uint64_t counter;
    uint32_t len_bytes;
    const uint8_t *bytes;
};

static bool slot_decode(struct crypto *crypto, const uint8_t *raw, struct slot *ret_slot)
{
    struct bytes_reader reader = bytes_reader_over(raw, RECORD_SLOT_BYTES);
    const uint8_t *magic = bytes_take(&reader, sizeof(record_magic));
    struct slot slot = {0};
    struct ids_hash hash;
    struct ids_hash stored;

    slot.counter = bytes_get_u64(&reader);
    slot.len_bytes = bytes_get_u32(&reader);
    slot.bytes = bytes_take(&reader, slot.len_bytes);
    size_t covered = reader.at_bytes;
    bytes_get(&reader, stored.bytes, sizeof(stored.bytes));
    if (reader.failed || memcmp(magic, record_magic, sizeof(record_magic)) != 0) {
        return false;
    }
    crypto_hash(crypto, raw, covered, NULL, 0, &hash);
    if (!ids_hash_equal(&hash, &stored)) {
        return false;
    }
    *ret_slot = slot;
    return true;
}

/* The newest whole slot of the file, borrowed from `raw`. */
static int record_load(struct ledger *ledger, struct crypto *crypto,
                       uint8_t raw[RECORD_SLOTS * RECORD_SLOT_BYTES], struct slot *ret_slot)
{
    __attribute__((cleanup(ledger_fd_close))) int fd =
        openat(ledger->record_dir_fd, "record", O_RDONLY | O_CLOEXEC);
    struct slot best = {0};
    bool found = false;

    if (fd < 0) {
        return -errno;
    }
    memset(raw, 0, RECORD_SLOTS * RECORD_SLOT_BYTES);
    ssize_t n = read_all(fd, raw, RECORD_SLOTS * RECORD_SLOT_BYTES);
    if (n < 0) {
        return (int)n;
    }
    for (unsigned i = 0; i < RECORD_SLOTS; i++) {
        struct slot slot;
        if (slot_decode(crypto, raw + i * RECORD_SLOT_BYTES, &slot) &&
            (!found || slot.counter > best.counter)) {
            best = slot;
            found = true;
        }
    }
    if (!found) {
        return -EUCLEAN;
    }
    *ret_slot = best;
    return 0;
}

/* The first record appears whole or not at all. */
static int record_create(struct ledger *ledger, const uint8_t slot[RECORD_SLOT_BYTES])
{
    __attribute__((cleanup(ledger_fd_close))) int fd = openat(
        ledger->record_dir_fd, "record.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    int r = fd < 0 ? -errno : 0;

    for (unsigned i = 0; r == 0 && i < RECORD_SLOTS; i++) {
        r = ledger_file_write(fd, slot, RECORD_SLOT_BYTES, (uint64_t)i * RECORD_SLOT_BYTES);
    }
    if (r == 0) {
        r = file_sync(ledger, fd);
    }
    if (r == 0 &&
        renameat(ledger->record_dir_fd, "record.new", ledger->record_dir_fd, "record") < 0) {
        r = -errno;
    }
    return r < 0 ? r : ledger_dir_sync(ledger, ledger->record_dir_fd);
}

int ledger_record_write(struct ledger *ledger, const uint8_t *bytes, size_t len_bytes)
{
    uint8_t slot[RECORD_SLOT_BYTES];
    __attribute__((cleanup(ledger_fd_close))) int fd =
        openat(ledger->record_dir_fd, "record", O_WRONLY | O_CLOEXEC);

    if (fd < 0 && errno != ENOENT) {
        return -errno;
    }
    if (ledger->record_counter == 0 && fd >= 0) {
        uint8_t raw[RECORD_SLOTS * RECORD_SLOT_BYTES];
        struct slot newest = {0};
        int r = record_load(ledger, ledger->commit_crypto, raw, &newest);
        if (r < 0 && r != -EUCLEAN) {
            return r;
        }
        ledger->record_counter = newest.counter;
    }
    ledger->record_counter++;
    slot_encode(ledger, ledger->record_counter, bytes, len_bytes, slot);
    if (fd < 0) {
        return record_create(ledger, slot);
    }
    /* The older slot first: it is the one that may be lost. */
    for (unsigned i = 0; i < RECORD_SLOTS; i++) {
        unsigned index = (unsigned)(ledger->record_counter + i) % RECORD_SLOTS;
        int r = ledger_step(ledger);
        if (r == 0) {
            r = ledger_file_write(fd, slot, sizeof(slot), (uint64_t)index * RECORD_SLOT_BYTES);
        }
        if (r == 0) {
            r = file_sync(ledger, fd);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

int ledger_read_record(struct ledger *ledger, uint8_t *bytes, size_t capacity_bytes,
                       size_t *ret_len_bytes)
{
    uint8_t raw[RECORD_SLOTS * RECORD_SLOT_BYTES];
    struct slot slot = {0};
    int r = record_load(ledger, ledger->reader_crypto, raw, &slot);

    if (r < 0) {
        return r;
    }
    CHECK(slot.bytes != NULL);
    if (slot.len_bytes > capacity_bytes) {
        return -ENOBUFS;
    }
    memcpy(bytes, slot.bytes, slot.len_bytes);
    *ret_len_bytes = slot.len_bytes;
    return 0;
}

/* ---- day keys -----------------------------------------------------------------------------------
 */

static void key_name(const struct ledger_day_key *key, const char *suffix,
                     char name[KEY_NAME_BYTES])
{
    int n = snprintf(name, KEY_NAME_BYTES, "%u-%u%s", key->day, key->unit, suffix);

    CHECK(n > 0 && n < KEY_NAME_BYTES);
}

/* True for exactly the names that key_name(".key") makes. */
static bool key_name_parse(const char *name, struct ledger_day_key *ret_key)
{
    struct ledger_day_key key = {0};
    char again[KEY_NAME_BYTES];

    if (sscanf(name, "%10u-%10u", &key.day, &key.unit) != 2) {
        return false;
    }
    key_name(&key, ".key", again);
    if (strcmp(name, again) != 0) {
        return false;
    }
    *ret_key = key;
    return true;
}

static void key_forget(struct ledger_day_key *key)
{
    crypto_forget(&key->key, sizeof(key->key));
}

static int key_load(struct ledger *ledger, const char *name, struct crypto_key *ret_key)
{
    __attribute__((cleanup(ledger_fd_close))) int fd =
        openat(ledger->keys_dir_fd, name, O_RDONLY | O_CLOEXEC);
    uint8_t bytes[CRYPTO_KEY_BYTES + 1];

    if (fd < 0) {
        return -errno;
    }
    ssize_t n = read_all(fd, bytes, sizeof(bytes));
    if (n == CRYPTO_KEY_BYTES) {
        memcpy(ret_key->bytes, bytes, CRYPTO_KEY_BYTES);
    }
    crypto_forget(bytes, sizeof(bytes));
    if (n < 0) {
        return (int)n;
    }
    return n == CRYPTO_KEY_BYTES ? 0 : -EUCLEAN;
}

/* The caller flushes the directory once for all keys of a batch. */
int ledger_key_write(struct ledger *ledger, const struct ledger_day_key *key)
{
    __attribute__((cleanup(key_forget))) struct ledger_day_key present = {0};
    char name[KEY_NAME_BYTES];
    char name_new[KEY_NAME_BYTES];

    key_name(key, ".key", name);
    key_name(key, ".new", name_new);
    int r = key_load(ledger, name, &present.key);
    if (r == 0) {
        /* Entries may lie under the key that is there: it is never replaced by another. */
        return memcmp(present.key.bytes, key->key.bytes, CRYPTO_KEY_BYTES) == 0 ? 0 : -EEXIST;
    }
    if (r != -ENOENT) {
        return r;
    }
    r = ledger_step(ledger);
    if (r < 0) {
        return r;
    }
    __attribute__((cleanup(ledger_fd_close))) int fd =
        openat(ledger->keys_dir_fd, name_new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    if (fd < 0) {
        return -errno;
    }
    r = ledger_file_write(fd, key->key.bytes, CRYPTO_KEY_BYTES, 0);
    if (r == 0) {
        r = file_sync(ledger, fd);
    }
    if (r == 0 && renameat(ledger->keys_dir_fd, name_new, ledger->keys_dir_fd, name) < 0) {
        r = -errno;
    }
    return r;
}

/* Overwritten where it lies, flushed, then unlinked: a raw search of the disk must not find it. */
static int key_file_destroy(struct ledger *ledger, const char *name)
{
    static const uint8_t nothing[CRYPTO_KEY_BYTES];
    __attribute__((cleanup(ledger_fd_close))) int fd =
        openat(ledger->keys_dir_fd, name, O_WRONLY | O_CLOEXEC);

    if (fd < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    int r = ledger_file_write(fd, nothing, sizeof(nothing), 0);
    if (r == 0) {
        r = file_sync(ledger, fd);
    }
    if (r == 0 && unlinkat(ledger->keys_dir_fd, name, 0) < 0) {
        r = -errno;
    }
    return r;
}

int ledger_key_destroy(struct ledger *ledger, const struct ledger_day_key *key)
{
    char name[KEY_NAME_BYTES];
    int r = ledger_step(ledger);

    key_name(key, ".key", name);
    return r < 0 ? r : key_file_destroy(ledger, name);
}

static int keys_dir_list(struct ledger *ledger, DIR **ret_dir)
{
    int fd = openat(ledger->keys_dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        return -errno;
    }
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        int r = -errno;
        (void)close(fd);
        return r;
    }
    *ret_dir = dir;
    return 0;
}

static int key_leftovers_remove(struct ledger *ledger)
{
    DIR *dir = NULL;
    int r = keys_dir_list(ledger, &dir);

    if (dir == NULL) {
        return r;
    }
    for (struct dirent *item = readdir(dir); r == 0 && item != NULL; item = readdir(dir)) {
        size_t len = strlen(item->d_name);
        if (len > 4 && strcmp(item->d_name + len - 4, ".new") == 0) {
            r = key_file_destroy(ledger, item->d_name);
        }
    }
    (void)closedir(dir);
    return r;
}

int ledger_read_keys(struct ledger *ledger, struct ledger_day_key *keys, size_t max,
                     size_t *ret_count)
{
    DIR *dir = NULL;
    size_t count = 0;
    int r = keys_dir_list(ledger, &dir);

    if (dir == NULL) {
        return r;
    }
    for (struct dirent *item = readdir(dir); r == 0 && item != NULL; item = readdir(dir)) {
        __attribute__((cleanup(key_forget))) struct ledger_day_key key = {0};
        if (!key_name_parse(item->d_name, &key)) {
            continue;
        }
        r = key_load(ledger, item->d_name, &key.key);
        if (r == -ENOENT) { /* destroyed by the writer meanwhile */
            r = 0;
            continue;
        }
        if (r == 0 && count == max) {
            r = -ENOBUFS;
        }
        if (r == 0) {
            keys[count++] = key;
        }
    }
    (void)closedir(dir);
    if (r < 0) {
        crypto_forget(keys, count * sizeof(*keys));
        return r;
    }
    *ret_count = count;
    return 0;
}
