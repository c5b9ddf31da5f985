#include "tests/crash/disk.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    NAMES_MAX = 96,
    CHANGES_MAX = 512, /* of one directory without a flush */
    PAGE_BYTES = 4096,
    SECTOR_BYTES = 512,
    PATH_BYTES = 4096,
};

/* A write that no flush has covered, or what is left of it. */
struct piece {
    size_t op;
    uint64_t offset_bytes;
    size_t len_bytes;
    const uint8_t *bytes; /* NULL: zeros */
    bool truncates;       /* to offset_bytes */
};

struct name {
    char text[RECORDER_NAME_BYTES];
    int node;
};

struct names {
    struct name list[NAMES_MAX];
    size_t count;
};

struct node {
    bool used, is_dir;
    /* a file */
    uint8_t *bytes;
    size_t capacity_bytes, used_bytes; /* beyond `used` there are zeros */
    uint64_t size_bytes;
    struct piece *pieces;
    size_t piece_count, piece_capacity;
    /* a directory */
    struct names names;
    size_t changes[CHANGES_MAX]; /* ops that are not flushed */
    size_t change_count;
};

struct disk {
    struct node nodes[RECORDER_NODES_MAX];
};

struct disk *disk_create(void)
{
    struct disk *disk = calloc(1, sizeof(*disk));

    CHECK(disk != NULL);
    disk->nodes[RECORDER_ROOT].used = disk->nodes[RECORDER_ROOT].is_dir = true;
    return disk;
}

void disk_destroy(struct disk *disk)
{
    for (int i = 0; i < RECORDER_NODES_MAX; i++) {
        free(disk->nodes[i].bytes);
        free(disk->nodes[i].pieces);
    }
    free(disk);
}

/* ---- bytes ---------------------------------------------------------------------------------------- */

static void file_grow(struct node *file, size_t end_bytes)
{
    if (end_bytes > file->capacity_bytes) {
        size_t capacity =
            end_bytes > 2 * file->capacity_bytes ? end_bytes : 2 * file->capacity_bytes;

        file->bytes = realloc(file->bytes, capacity);
        CHECK(file->bytes != NULL);
        file->capacity_bytes = capacity;
    }
    if (end_bytes > file->used_bytes) {
        memset(file->bytes + file->used_bytes, 0, end_bytes - file->used_bytes);
        file->used_bytes = end_bytes;
    }
}

static void file_put(struct node *file, uint64_t offset_bytes, const uint8_t *bytes,
                     size_t len_bytes)
{
    if (bytes == NULL) {
        size_t end = (size_t)offset_bytes + len_bytes;

        end = end < file->used_bytes ? end : file->used_bytes;
        if (offset_bytes < end) {
            memset(file->bytes + offset_bytes, 0, end - (size_t)offset_bytes);
        }
        return;
    }
    file_grow(file, (size_t)offset_bytes + len_bytes);
    memcpy(file->bytes + offset_bytes, bytes, len_bytes);
}

static void size_put(struct node *file, const struct piece *piece)
{
    uint64_t end_bytes = piece->offset_bytes + piece->len_bytes;

    if (piece->truncates) {
        file->size_bytes = piece->offset_bytes;
        if (file->used_bytes > file->size_bytes) {
            memset(file->bytes + file->size_bytes, 0, file->used_bytes - file->size_bytes);
        }
    } else if (end_bytes > file->size_bytes) {
        file->size_bytes = end_bytes;
    }
}

static void piece_put(struct node *file, const struct piece *piece)
{
    size_put(file, piece);
    if (!piece->truncates) {
        file_put(file, piece->offset_bytes, piece->bytes, piece->len_bytes);
    }
}

static void piece_add(struct node *file, struct piece piece)
{
    if (file->piece_count == file->piece_capacity) {
        file->piece_capacity = file->piece_capacity == 0 ? 64 : 2 * file->piece_capacity;
        file->pieces = realloc(file->pieces, file->piece_capacity * sizeof(*file->pieces));
        CHECK(file->pieces != NULL);
    }
    file->pieces[file->piece_count++] = piece;
}

static void file_sync(struct node *file, size_t covers)
{
    size_t kept = 0;

    for (size_t i = 0; i < file->piece_count; i++) {
        if (file->pieces[i].op < covers) {
            piece_put(file, &file->pieces[i]);
        } else {
            file->pieces[kept++] = file->pieces[i];
        }
    }
    file->piece_count = kept;
}

/* The pages of a range are flushed as they are now; what lies beside them stays as it was. */
static void range_sync(struct node *file, const struct op *op)
{
    uint64_t from = op->offset_bytes / PAGE_BYTES * PAGE_BYTES;
    uint64_t to = (op->offset_bytes + op->len_bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    size_t count = file->piece_count;
    struct piece *before = file->pieces;

    file->pieces = NULL;
    file->piece_count = file->piece_capacity = 0;
    for (size_t i = 0; i < count; i++) {
        struct piece piece = before[i];
        uint64_t end = piece.offset_bytes + piece.len_bytes;
        uint64_t low = piece.offset_bytes > from ? piece.offset_bytes : from;
        uint64_t high = end < to ? end : to;

        if (piece.truncates || piece.op >= op->covers || low >= high) {
            piece_add(file, piece);
            continue;
        }
        struct piece middle = piece, left = piece, right = piece;
        middle.offset_bytes = low;
        middle.len_bytes = (size_t)(high - low);
        middle.bytes = piece.bytes == NULL ? NULL : piece.bytes + (low - piece.offset_bytes);
        piece_put(file, &middle);
        left.len_bytes = (size_t)(low - piece.offset_bytes);
        right.offset_bytes = high;
        right.len_bytes = (size_t)(end - high);
        right.bytes = piece.bytes == NULL ? NULL : piece.bytes + (high - piece.offset_bytes);
        if (left.len_bytes > 0) {
            piece_add(file, left);
        }
        if (right.len_bytes > 0) {
            piece_add(file, right);
        }
    }
    free(before);
}

/* ---- names ---------------------------------------------------------------------------------------- */

static struct name *name_find(struct names *names, const char *text)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->list[i].text, text) == 0) {
            return &names->list[i];
        }
    }
    return NULL;
}

static void name_remove(struct names *names, const char *text)
{
    struct name *found = name_find(names, text);

    if (found != NULL) {
        *found = names->list[--names->count];
    }
}

static void name_put(struct names *names, const char *text, int node)
{
    name_remove(names, text);
    CHECK(names->count < NAMES_MAX);
    (void)strcpy(names->list[names->count].text, text);
    names->list[names->count++].node = node;
}

static void names_change(struct names *names, const struct op *op)
{
    struct name *from = name_find(names, op->name);
    struct name *to = name_find(names, op->name_to);

    if (op->kind == OP_CREATE || op->kind == OP_MKDIR) {
        name_put(names, op->name, op->node);
    } else if (op->kind == OP_REMOVE) {
        name_remove(names, op->name);
    } else if (op->kind == OP_EXCHANGE) {
        CHECK(from != NULL && to != NULL);
        int node = from->node;
        from->node = to->node;
        to->node = node;
    } else {
        CHECK(op->kind == OP_RENAME && from != NULL);
        int node = from->node;
        name_remove(names, op->name);
        name_put(names, op->name_to, node);
    }
}

static void dir_sync(struct node *dir, const struct recording *recording, size_t covers)
{
    size_t done = 0;

    while (done < dir->change_count && dir->changes[done] < covers) {
        names_change(&dir->names, &recording->ops[dir->changes[done++]]);
    }
    memmove(dir->changes, dir->changes + done,
            (dir->change_count - done) * sizeof(dir->changes[0]));
    dir->change_count -= done;
}

void disk_step(struct disk *disk, const struct recording *recording, size_t at)
{
    const struct op *op = &recording->ops[at];

    switch (op->kind) {
    case OP_CREATE:
    case OP_MKDIR:
        disk->nodes[op->node].used = true;
        disk->nodes[op->node].is_dir = op->kind == OP_MKDIR;
        __attribute__((fallthrough));
    case OP_RENAME:
    case OP_EXCHANGE:
    case OP_REMOVE: {
        struct node *dir = &disk->nodes[op->dir];

        CHECK(dir->is_dir && dir->change_count < CHANGES_MAX);
        dir->changes[dir->change_count++] = at;
        break;
    }
    case OP_WRITE:
    case OP_TRUNCATE:
        piece_add(&disk->nodes[op->node],
                  (struct piece){.op = at,
                                 .offset_bytes = op->offset_bytes,
                                 .len_bytes = op->kind == OP_WRITE ? op->len_bytes : 0,
                                 .bytes = op->bytes,
                                 .truncates = op->kind == OP_TRUNCATE});
        break;
    case OP_SYNC:
        if (op->len_bytes > 0) {
            range_sync(&disk->nodes[op->node], op);
        } else {
            file_sync(&disk->nodes[op->node], op->covers);
        }
        break;
    case OP_DIR_SYNC:
        dir_sync(&disk->nodes[op->dir], recording, op->covers);
        break;
    case OP_NOTE:
        break;
    }
}

/* ---- an image ------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t seed, uint64_t a, uint64_t b)
{
    uint64_t x = seed ^ (a * 0x9e3779b97f4a7c15u) ^ (b * 0xc2b2ae3d27d4eb4fu);

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* How many of `count` changes survive. */
static size_t survivors(enum disk_choice choice, uint64_t draw, size_t count)
{
    if (choice == DISK_NOTHING) {
        return 0;
    }
    return choice == DISK_EVERYTHING ? count : (size_t)(draw % (count + 1));
}

/* Each unit of the file as of its own moment. */
static void units_put(struct node *copy, const struct node *file, int index, size_t unit_bytes,
                      uint64_t seed)
{
    for (size_t i = 0; i < file->piece_count; i++) {
        const struct piece *piece = &file->pieces[i];
        uint64_t at = piece->offset_bytes, end = at + piece->len_bytes;

        while (!piece->truncates && at < end) {
            uint64_t unit = at / unit_bytes;
            uint64_t stop = (unit + 1) * unit_bytes < end ? (unit + 1) * unit_bytes : end;
            const uint8_t *bytes =
                piece->bytes == NULL ? NULL : piece->bytes + (at - piece->offset_bytes);

            if (i < mix(seed, (uint64_t)index, unit) % (file->piece_count + 1)) {
                file_put(copy, at, bytes, (size_t)(stop - at));
            }
            at = stop;
        }
    }
}

/* `file` with what survives of its pieces; the caller frees its bytes. */
static struct node file_after(const struct node *file, int index, enum disk_choice choice,
                              uint64_t seed)
{
    struct node copy = {.size_bytes = file->size_bytes};
    uint64_t draw = mix(seed, (uint64_t)index, UINT64_MAX);
    size_t count = survivors(choice, draw, file->piece_count);

    file_grow(&copy, file->used_bytes);
    if (file->used_bytes > 0) {
        memcpy(copy.bytes, file->bytes, file->used_bytes);
    }
    if (choice == DISK_PAGES || choice == DISK_SECTORS) {
        units_put(&copy, file, index, choice == DISK_PAGES ? PAGE_BYTES : SECTOR_BYTES, seed);
        for (size_t i = 0; i < count; i++) {
            size_put(&copy, &file->pieces[i]);
        }
        return copy;
    }
    for (size_t i = 0; i < count; i++) {
        piece_put(&copy, &file->pieces[i]);
    }
    return copy;
}

static void file_write(const struct node *file, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    static const uint8_t zeros[PAGE_BYTES];

    CHECK(fd >= 0 && ftruncate(fd, (off_t)file->size_bytes) == 0);
    for (size_t at = 0; at < file->used_bytes && at < file->size_bytes; at += PAGE_BYTES) {
        size_t end = file->used_bytes < file->size_bytes ? file->used_bytes : file->size_bytes;
        size_t part = end - at < PAGE_BYTES ? end - at : PAGE_BYTES;

        if (memcmp(file->bytes + at, zeros, part) != 0) {
            CHECK(pwrite(fd, file->bytes + at, part, (off_t)at) == (ssize_t)part);
        }
    }
    CHECK(close(fd) == 0);
}

struct putting {
    const struct disk *disk;
    const struct recording *recording;
    enum disk_choice choice;
    uint64_t seed;
};

/* Directories lie three deep: root, data, ledger. */
static void dir_put(const struct putting *putting, int index, const char *path)
{
    const struct node *dir = &putting->disk->nodes[index];
    struct names names = dir->names;
    size_t count =
        survivors(putting->choice, mix(putting->seed, (uint64_t)index, 7), dir->change_count);

    for (size_t i = 0; i < count; i++) {
        names_change(&names, &putting->recording->ops[dir->changes[i]]);
    }
    for (size_t i = 0; i < names.count; i++) {
        const struct node *node = &putting->disk->nodes[names.list[i].node];
        char below[PATH_BYTES];

        (void)snprintf(below, sizeof(below), "%s/%s", path, names.list[i].text);
        if (node->is_dir) {
            CHECK(mkdir(below, 0700) == 0);
            dir_put(putting, names.list[i].node,
                    below); /* bounded by the depth of what was recorded */
        } else {
            struct node copy = file_after(node, names.list[i].node, putting->choice, putting->seed);

            file_write(&copy, below);
            free(copy.bytes);
        }
    }
}

void disk_put(const struct disk *disk, const struct recording *recording, enum disk_choice choice,
              uint64_t seed, const char *path)
{
    const struct putting putting = {
        .disk = disk, .recording = recording, .choice = choice, .seed = seed};

    dir_put(&putting, RECORDER_ROOT, path);
}
