#include "appliance/gateway/files.h"

#include "appliance/gateway/answer.h"
#include "appliance/gateway/gateway.h"
#include "base/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TAG_HASH_BYTES = 16 };

struct files {
    struct digest *digest;
    size_t count;
    size_t total_bytes;
    struct file list[GATEWAY_FILES_MAX];
};

static const struct {
    const char *ending;
    const char *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".wav", "audio/wav"},
    {".ogg", "audio/ogg"},
    {".mp3", "audio/mpeg"},
    {".txt", "text/plain; charset=utf-8"},
    {".webmanifest", "application/manifest+json"},
};

const char *files_type_of(const char *name)
{
    const char *ending = strrchr(name, '.');

    for (size_t i = 0; ending != NULL && i < ARRAY_COUNT(types); i++) {
        if (strcmp(types[i].ending, ending) == 0) {
            return types[i].type;
        }
    }
    return NULL;
}

int files_create(struct digest *digest, struct files **ret_files)
{
    struct files *files = calloc(1, sizeof(*files));

    if (files == NULL) {
        return -ENOMEM;
    }
    files->digest = digest;
    *ret_files = files;
    return 0;
}

void files_destroy(struct files *files)
{
    if (files == NULL) {
        return;
    }
    for (size_t i = 0; i < files->count; i++) {
        MHD_destroy_response(files->list[i].response);
        MHD_destroy_response(files->list[i].not_modified);
    }
    free(files);
}

static int order(const void *a, const void *b)
{
    return strcmp(((const struct file *)a)->path, ((const struct file *)b)->path);
}

const struct file *files_find(const struct files *files, const char *path)
{
    struct file wanted;
    size_t len_bytes = strlen(path);

    if (len_bytes >= sizeof(wanted.path)) {
        return NULL;
    }
    memcpy(wanted.path, path, len_bytes + 1);
    return bsearch(&wanted, files->list, files->count, sizeof(files->list[0]), order);
}

size_t files_count(const struct files *files)
{
    return files->count;
}

static void tag_of(struct digest *digest, const void *bytes, size_t len_bytes,
                   char tag[FILES_TAG_BYTES])
{
    struct ids_hash hash = digest_of(digest, bytes, len_bytes);
    struct ids_token start;
    char text[IDS_TOKEN_TEXT_BYTES];

    _Static_assert(TAG_HASH_BYTES == sizeof(start.bytes), "a tag is written as a token");
    memcpy(start.bytes, hash.bytes, sizeof(start.bytes));
    ids_token_to_text(&start, text);
    (void)snprintf(tag, FILES_TAG_BYTES, "\"%s\"", text);
}

static int add(struct files *files, const char *path, const char *content_type, const void *bytes,
               size_t len_bytes, bool lasting)
{
    struct file file = {0};

    if (files->count == GATEWAY_FILES_MAX || strlen(path) >= sizeof(file.path) ||
        len_bytes > GATEWAY_FILES_BYTES_MAX - files->total_bytes) {
        return -E2BIG;
    }
    if (files_find(files, path) != NULL) {
        return -EEXIST;
    }
    memcpy(file.path, path, strlen(path));
    tag_of(files->digest, bytes, len_bytes, file.tag);
    file.response = answer_file(bytes, len_bytes, content_type, file.tag, lasting);
    file.not_modified = answer_file(NULL, 0, NULL, file.tag, lasting);
    if (file.response == NULL || file.not_modified == NULL) {
        if (file.response != NULL) {
            MHD_destroy_response(file.response);
        }
        if (file.not_modified != NULL) {
            MHD_destroy_response(file.not_modified);
        }
        return -ENOMEM;
    }
    files->list[files->count++] = file;
    files->total_bytes += len_bytes;
    qsort(files->list, files->count, sizeof(files->list[0]), order);
    return 0;
}

int files_add(struct files *files, const char *path, const char *content_type, const void *bytes,
              size_t len_bytes)
{
    return add(files, path, content_type, bytes, len_bytes, false);
}

int files_add_lasting(struct files *files, const char *path, const char *content_type,
                      const void *bytes, size_t len_bytes)
{
    return add(files, path, content_type, bytes, len_bytes, true);
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

static void close_directory(DIR **directory)
{
    if (*directory != NULL) {
        (void)closedir(*directory);
    }
}

static int read_whole(int fd, uint8_t *bytes, size_t len_bytes)
{
    size_t at_bytes = 0;

    while (at_bytes < len_bytes) {
        ssize_t got = read(fd, bytes + at_bytes, len_bytes - at_bytes);

        if (got < 0 && errno != EINTR) {
            return -errno;
        }
        if (got == 0) {
            return -EIO;
        }
        at_bytes += got < 0 ? 0 : (size_t)got;
    }
    return 0;
}

static int add_from(struct files *files, int directory_fd, const char *name, const char *path)
{
    __attribute__((cleanup(close_fd))) int fd =
        openat(directory_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    uint8_t *bytes;
    struct stat info;
    int r;

    if (fd < 0) {
        return errno == ELOOP ? 0 : -errno;
    }
    if (fstat(fd, &info) < 0) {
        return -errno;
    }
    if (!S_ISREG(info.st_mode)) {
        return 0;
    }
    if (info.st_size > GATEWAY_FILES_BYTES_MAX) {
        return -E2BIG;
    }
    bytes = malloc((size_t)info.st_size + 1);
    if (bytes == NULL) {
        return -ENOMEM;
    }
    r = read_whole(fd, bytes, (size_t)info.st_size);
    if (r >= 0) {
        r = files_add(files, path, files_type_of(name), bytes, (size_t)info.st_size);
    }
    free(bytes);
    return r;
}

static bool name_is_plain(const char *name)
{
    return name[0] != '.' && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789._-") == strlen(name);
}

static int load_assets(struct files *files, int parent_fd, const char *name, const char *path,
                       int depth)
{
    __attribute__((cleanup(close_directory))) DIR *directory = NULL;
    int fd = openat(parent_fd, name, O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW);
    const struct dirent *entry;
    int r = 0;

    if (fd < 0) {
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : -errno;
    }
    directory = fdopendir(fd);
    if (directory == NULL) {
        (void)close(fd);
        return -errno;
    }
    while (r >= 0 && (entry = readdir(directory)) != NULL) {
        char below[FILES_PATH_BYTES];

        if (!name_is_plain(entry->d_name)) {
            continue;
        }
        if (snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) >= (int)sizeof(below)) {
            return -E2BIG;
        }
        if (files_type_of(entry->d_name) != NULL) {
            r = add_from(files, fd, entry->d_name, below);
        } else if (depth < FILES_DEPTH_MAX) {
            r = load_assets(files, fd, entry->d_name, below, depth + 1);
        }
    }
    return r;
}

int files_load(struct files *files, const char *folder)
{
    __attribute__((cleanup(close_directory))) DIR *directory = opendir(folder);
    const struct dirent *entry;
    int r = 0;

    if (directory == NULL) {
        return -errno;
    }
    while (r >= 0 && (entry = readdir(directory)) != NULL) {
        const char *ending = strrchr(entry->d_name, '.');
        char page[FILES_PATH_BYTES];

        if (ending == NULL || strcmp(ending, ".html") != 0 || !name_is_plain(entry->d_name)) {
            continue;
        }
        if (snprintf(page, sizeof(page), "/%.*s", (int)(ending - entry->d_name), entry->d_name) >=
            (int)sizeof(page)) {
            return -E2BIG;
        }
        r = add_from(files, dirfd(directory), entry->d_name, page);
    }
    return r < 0 ? r : load_assets(files, dirfd(directory), "assets", "/assets", 0);
}
