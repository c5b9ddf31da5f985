#include "appliance/gateway/voice.h"

#include "appliance/gateway/gateway.h"
#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HASH_TEXT_BYTES = 65, BASE_HASH_DIGITS = 12, FOLDER_BYTES = 512 };

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

struct clip {
    char id[VOICE_ID_BYTES], file[VOICE_ID_BYTES];
    void *bytes;
    size_t len_bytes;
};

struct pack {
    char name[VOICE_NAME_BYTES];
    char base[FILES_PATH_BYTES];
    char licence_file[VOICE_ID_BYTES];
    void *manifest, *licence;
    size_t manifest_bytes, licence_bytes, total_bytes;
    size_t clip_count;
    struct clip clips[VOICE_CLIPS_MAX];
};

enum fault {
    FAULT_NONE,
    FAULT_FILE,
    FAULT_JSON,
    FAULT_HEAD,
    FAULT_CLIP,
    FAULT_HASH,
    FAULT_TWICE,
    FAULT_LACKS,
    FAULT_SIZE,
};

static const struct {
    const char *en, *ja;
} sentences[] = {
    [FAULT_NONE] = {"", ""},
    [FAULT_FILE] = {"cannot be read", "を読めません"},
    [FAULT_JSON] = {"is not JSON", "は JSON ではありません"},
    [FAULT_HEAD] = {"lacks format 1, pack, licence or licence_file, or has no clips",
                    "には format 1・pack・licence・licence_file・clips のどれかがありません"},
    [FAULT_CLIP] =
        {"is not a clip: it needs id, language (ja, en ...), text, duration_ms, file (.ogg "
         "or .wav), sha256 and licence",
         "はクリップの記述が正しくありません（id・language・text・duration_ms・file・sha256・"
         "licence が必要）"},
    [FAULT_HASH] = {"has a file with another SHA-256 than the manifest says",
                    "のファイルの SHA-256 が目録と違います"},
    [FAULT_TWICE] = {"stands there twice", "が二重に書かれています"},
    [FAULT_LACKS] = {"is missing, and the built-in pack has it",
                     "がありません（組み込みの音声にはあります）"},
    [FAULT_SIZE] = {"is too much: there are limits of 600 clips and 12 MiB",
                    "が上限（600クリップ、12 MiB）を超えます"},
};

/* Of what is wrong, the first, and where. */
struct refusal {
    enum fault fault;
    char where[VOICE_ID_BYTES];
};

static bool refuse(struct refusal *refusal, enum fault fault, const char *where)
{
    refusal->fault = fault;
    (void)snprintf(refusal->where, sizeof(refusal->where), "%s", where == NULL ? "?" : where);
    return false;
}

static void pack_free(struct pack **pack)
{
    if (*pack == NULL) {
        return;
    }
    for (size_t i = 0; i < (*pack)->clip_count; i++) {
        free((*pack)->clips[i].bytes);
    }
    free((*pack)->manifest);
    free((*pack)->licence);
    free(*pack);
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

static void release(json_t **value)
{
    json_decref(*value);
}

static bool name_is_plain(const char *name, size_t capacity_bytes)
{
    return name != NULL && name[0] != '\0' && name[0] != '.' && strlen(name) < capacity_bytes &&
           strspn(name, NAME_LETTERS) == strlen(name);
}

static bool read_file(int folder_fd, const char *name, size_t most_bytes, void **ret_bytes,
                      size_t *ret_len_bytes)
{
    __attribute__((cleanup(close_fd))) int fd =
        openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat info;
    size_t at_bytes = 0;
    char *bytes;

    if (fd < 0 || fstat(fd, &info) < 0 || !S_ISREG(info.st_mode) || info.st_size == 0 ||
        (size_t)info.st_size > most_bytes) {
        return false;
    }
    bytes = malloc((size_t)info.st_size);
    if (bytes == NULL) {
        return false;
    }
    while (at_bytes < (size_t)info.st_size) {
        ssize_t got = read(fd, bytes + at_bytes, (size_t)info.st_size - at_bytes);

        if (got == 0 || (got < 0 && errno != EINTR)) {
            free(bytes);
            return false;
        }
        at_bytes += got < 0 ? 0 : (size_t)got;
    }
    *ret_bytes = bytes;
    *ret_len_bytes = at_bytes;
    return true;
}

static void hash_text(struct digest *digest, const void *bytes, size_t len_bytes,
                      char text[HASH_TEXT_BYTES])
{
    struct ids_hash hash = digest_of(digest, bytes, len_bytes);

    _Static_assert(2 * sizeof(hash.bytes) + 1 == HASH_TEXT_BYTES, "two digits a byte");
    for (size_t i = 0; i < sizeof(hash.bytes); i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", hash.bytes[i]);
    }
}

static const char *text_of(const json_t *object, const char *member)
{
    return json_string_value(json_object_get(object, member));
}

static const struct clip *clip_find(const struct pack *pack, const char *id)
{
    for (size_t i = 0; i < pack->clip_count; i++) {
        if (strcmp(pack->clips[i].id, id) == 0) {
            return &pack->clips[i];
        }
    }
    return NULL;
}

static bool file_is_sound(const char *file)
{
    const char *type = name_is_plain(file, VOICE_ID_BYTES) ? files_type_of(file) : NULL;

    return type != NULL && strncmp(type, "audio/", strlen("audio/")) == 0;
}

static bool clip_is_described(const json_t *entry)
{
    const json_t *duration = json_object_get(entry, "duration_ms");
    const char *language = text_of(entry, "language");
    const char *hash = text_of(entry, "sha256");

    return name_is_plain(text_of(entry, "id"), VOICE_ID_BYTES) && language != NULL &&
           language[0] != '\0' && text_of(entry, "text") != NULL &&
           text_of(entry, "licence") != NULL && json_is_integer(duration) &&
           json_integer_value(duration) > 0 && json_integer_value(duration) <= VOICE_CLIP_MS_MAX &&
           file_is_sound(text_of(entry, "file")) && hash != NULL &&
           strlen(hash) == HASH_TEXT_BYTES - 1;
}

static bool take_clip(struct pack *pack, struct digest *digest, int folder_fd, const json_t *entry,
                      struct refusal *refusal)
{
    const char *id = text_of(entry, "id");
    char hash[HASH_TEXT_BYTES];
    struct clip *clip;

    if (!clip_is_described(entry)) {
        return refuse(refusal, FAULT_CLIP, id);
    }
    if (clip_find(pack, id) != NULL) {
        return refuse(refusal, FAULT_TWICE, id);
    }
    if (pack->clip_count == VOICE_CLIPS_MAX) {
        return refuse(refusal, FAULT_SIZE, id);
    }
    clip = &pack->clips[pack->clip_count];
    (void)snprintf(clip->id, sizeof(clip->id), "%s", id);
    (void)snprintf(clip->file, sizeof(clip->file), "%s", text_of(entry, "file"));
    if (!read_file(folder_fd, clip->file, VOICE_BYTES_MAX, &clip->bytes, &clip->len_bytes)) {
        return refuse(refusal, FAULT_FILE, clip->file);
    }
    pack->clip_count++;
    pack->total_bytes += clip->len_bytes;
    hash_text(digest, clip->bytes, clip->len_bytes, hash);
    if (strcmp(hash, text_of(entry, "sha256")) != 0) {
        return refuse(refusal, FAULT_HASH, id);
    }
    return pack->total_bytes > VOICE_BYTES_MAX ? refuse(refusal, FAULT_SIZE, id) : true;
}

/* Two clips may share a file; a file has one address. */
static bool take_clips(struct pack *pack, struct digest *digest, int folder_fd,
                       const json_t *entries, struct refusal *refusal)
{
    const json_t *entry;
    size_t i;

    json_array_foreach(entries, i, entry)
    {
        if (!take_clip(pack, digest, folder_fd, entry, refusal)) {
            return false;
        }
    }
    return true;
}

static bool take_head(struct pack *pack, struct digest *digest, const json_t *manifest,
                      struct refusal *refusal)
{
    const char *name = text_of(manifest, "pack");
    const char *licence_file = text_of(manifest, "licence_file");
    char hash[HASH_TEXT_BYTES];

    if (json_integer_value(json_object_get(manifest, "format")) != VOICE_FORMAT ||
        !name_is_plain(name, sizeof(pack->name)) || text_of(manifest, "licence") == NULL ||
        !name_is_plain(licence_file, sizeof(pack->licence_file)) ||
        json_array_size(json_object_get(manifest, "clips")) == 0) {
        return refuse(refusal, FAULT_HEAD, "manifest.json");
    }
    hash_text(digest, pack->manifest, pack->manifest_bytes, hash);
    (void)snprintf(pack->name, sizeof(pack->name), "%s", name);
    (void)snprintf(pack->licence_file, sizeof(pack->licence_file), "%s", licence_file);
    (void)snprintf(pack->base, sizeof(pack->base), "/voice/%s.%.*s/", pack->name, BASE_HASH_DIGITS,
                   hash);
    return true;
}

/* The ticket machine's sentences are left to the browser's own voice where a pack has none. */
static bool has_all_of(const struct pack *pack, const struct pack *like, struct refusal *refusal)
{
    for (size_t i = 0; like != NULL && i < like->clip_count; i++) {
        const char *id = like->clips[i].id;

        if (strstr(id, ".kiosk.") == NULL && clip_find(pack, id) == NULL) {
            return refuse(refusal, FAULT_LACKS, id);
        }
    }
    return true;
}

static bool fill(struct pack *pack, struct digest *digest, int folder_fd, const struct pack *like,
                 struct refusal *refusal)
{
    __attribute__((cleanup(release))) json_t *manifest = NULL;

    if (!read_file(folder_fd, "manifest.json", VOICE_MANIFEST_BYTES_MAX, &pack->manifest,
                   &pack->manifest_bytes)) {
        return refuse(refusal, FAULT_FILE, "manifest.json");
    }
    manifest = json_loadb(pack->manifest, pack->manifest_bytes, JSON_REJECT_DUPLICATES, NULL);
    if (manifest == NULL) {
        return refuse(refusal, FAULT_JSON, "manifest.json");
    }
    if (!take_head(pack, digest, manifest, refusal)) {
        return false;
    }
    if (!read_file(folder_fd, pack->licence_file, VOICE_MANIFEST_BYTES_MAX, &pack->licence,
                   &pack->licence_bytes)) {
        return refuse(refusal, FAULT_FILE, pack->licence_file);
    }
    return take_clips(pack, digest, folder_fd, json_object_get(manifest, "clips"), refusal) &&
           has_all_of(pack, like, refusal);
}

/* NULL: refused, and why says so. */
static struct pack *pack_read(struct digest *digest, const char *folder, const struct pack *like,
                              char why[VOICE_WHY_BYTES])
{
    __attribute__((cleanup(close_fd))) int folder_fd =
        open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    struct pack *pack = calloc(1, sizeof(*pack));
    struct refusal refusal = {0};

    if (pack != NULL && fill(pack, digest, folder_fd, like, &refusal)) {
        return pack;
    }
    if (pack == NULL) {
        (void)refuse(&refusal, FAULT_FILE, "manifest.json");
    }
    pack_free(&pack);
    (void)snprintf(why, VOICE_WHY_BYTES,
                   "the voice pack in %.300s is not used: %s %s.\n"
                   "音声パック %.300s は使えません: %s %s。\n",
                   folder, refusal.where, sentences[refusal.fault].en, folder, refusal.where,
                   sentences[refusal.fault].ja);
    return NULL;
}

static int add(struct files *files, const struct pack *pack, const char *name, const void *bytes,
               size_t len_bytes)
{
    char path[FILES_PATH_BYTES];
    int r;

    if (snprintf(path, sizeof(path), "%s%s", pack->base, name) >= (int)sizeof(path)) {
        return -E2BIG;
    }
    r = files_add_lasting(files, path, files_type_of(name), bytes, len_bytes);
    return r == -EEXIST ? 0 : r; /* a file that two clips share */
}

static int pack_add(const struct pack *pack, struct files *files)
{
    char text[VOICE_NAME_BYTES + FILES_PATH_BYTES + sizeof("{\"pack\":\"\",\"base\":\"\"}\n")];
    int len =
        snprintf(text, sizeof(text), "{\"pack\":\"%s\",\"base\":\"%s\"}\n", pack->name, pack->base);
    int r = files_add(files, "/voice/pack.json", "application/json", text, (size_t)len);

    if (r >= 0) {
        r = add(files, pack, "manifest.json", pack->manifest, pack->manifest_bytes);
    }
    if (r >= 0) {
        r = add(files, pack, pack->licence_file, pack->licence, pack->licence_bytes);
    }
    for (size_t i = 0; r >= 0 && i < pack->clip_count; i++) {
        r = add(files, pack, pack->clips[i].file, pack->clips[i].bytes, pack->clips[i].len_bytes);
    }
    return r;
}

int voice_add(struct files *files, struct digest *digest, const char *web_dir, const char *folder,
              char why[VOICE_WHY_BYTES])
{
    __attribute__((cleanup(pack_free))) struct pack *built_in = NULL;
    __attribute__((cleanup(pack_free))) struct pack *other = NULL;
    char place[FOLDER_BYTES];

    why[0] = '\0';
    if (web_dir != NULL &&
        snprintf(place, sizeof(place), "%s/voice", web_dir) < (int)sizeof(place)) {
        built_in = pack_read(digest, place, NULL, why);
    }
    if (folder != NULL) {
        other = pack_read(digest, folder, built_in, why);
    }
    if (other != NULL) {
        return pack_add(other, files);
    }
    return built_in != NULL ? pack_add(built_in, files) : 0;
}
