#include "watchdog/adapters/notes.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE_BYTES = 64,
    FILE_BYTES_MAX = NOTES_MAX * LINE_BYTES,
    FILE_MODE = 0640,
    CLOSE_WAIT_S = 1
};

static const char file_name[] = "resets";
static const char new_name[] = "resets.new";

struct notes {
    int folder_fd;
    int begin_fd, done_fd;
    pthread_t thread;
    struct notes_line lines[NOTES_MAX + 1]; /* the last one: what the thread adds */
    size_t count;
};

static bool read_line(const char *text, struct notes_line *ret_line)
{
    char code[LINE_BYTES];
    int end = 0;

    if (sscanf(text, "%" SCNu64 " %31[A-Z] %" SCNu32 "%n", &ret_line->wall_ms, code,
               &ret_line->age_ms, &end) != 3 ||
        text[end] != '\0') {
        return false;
    }
    for (enum pet_part part = 0; part < PET_PART_COUNT; part++) {
        if (strcmp(code, pet_part_code(part)) == 0) {
            ret_line->part = part;
            return true;
        }
    }
    return false;
}

static void read_file(struct notes *notes)
{
    char text[FILE_BYTES_MAX + 1];
    int fd = openat(notes->folder_fd, file_name, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, text, FILE_BYTES_MAX);
    char *rest = text;

    if (fd >= 0) {
        (void)close(fd);
    }
    text[len > 0 ? len : 0] = '\0';
    for (char *line; notes->count < NOTES_MAX && (line = strsep(&rest, "\n")) != NULL;) {
        if (read_line(line, &notes->lines[notes->count])) {
            notes->count++;
        }
    }
}

static int write_whole(int fd, const char *text, size_t len_bytes)
{
    while (len_bytes > 0) {
        ssize_t written = write(fd, text, len_bytes);

        if (written < 0 && errno != EINTR) {
            return -errno;
        }
        text += written > 0 ? written : 0;
        len_bytes -= written > 0 ? (size_t)written : 0;
    }
    return fsync(fd) < 0 ? -errno : 0;
}

static int write_file(const struct notes *notes)
{
    char text[FILE_BYTES_MAX + LINE_BYTES];
    size_t len = 0;
    size_t first = notes->count == NOTES_MAX ? 1 : 0; /* the oldest makes room */
    int fd =
        openat(notes->folder_fd, new_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    int r;

    if (fd < 0) {
        return -errno;
    }
    for (size_t i = first; i <= notes->count; i++) {
        const struct notes_line *line = &notes->lines[i];

        len += (size_t)snprintf(text + len, sizeof(text) - len, "%" PRIu64 " %s %" PRIu32 "\n",
                                line->wall_ms, pet_part_code(line->part), line->age_ms);
    }
    r = write_whole(fd, text, len);
    (void)close(fd);
    if (r == 0 && renameat(notes->folder_fd, new_name, notes->folder_fd, file_name) < 0) {
        r = -errno;
    }
    return r == 0 && fsync(notes->folder_fd) < 0 ? -errno : r;
}

/* A value above 1 asks it to end. */
static void *run(void *context)
{
    struct notes *notes = context;
    uint64_t asked = 0;

    if (read(notes->begin_fd, &asked, sizeof(asked)) == (ssize_t)sizeof(asked) && asked == 1) {
        uint64_t done = 1;

        if (write_file(notes) < 0) {
            (void)fprintf(stderr, "toban-watchdog: the reason of the reset cannot be written\n"
                                  "toban-watchdog: 再起動の理由を書き込めません。\n");
        }
        (void)!write(notes->done_fd, &done, sizeof(done));
    }
    return NULL;
}

int notes_open(const char *folder, struct notes **ret_notes)
{
    struct notes *notes = calloc(1, sizeof(*notes));
    int r = 0;

    CHECK_GIVEN(notes != NULL);
    notes->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (notes->folder_fd < 0) {
        r = -errno;
        free(notes);
        return r;
    }
    read_file(notes);
    notes->begin_fd = eventfd(0, EFD_CLOEXEC);
    notes->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK_GIVEN(notes->begin_fd >= 0 && notes->done_fd >= 0);
    CHECK_GIVEN(pthread_create(&notes->thread, NULL, run, notes) == 0);
    *ret_notes = notes;
    return 0;
}

void notes_close(struct notes *notes)
{
    uint64_t end = 2;
    struct timespec until;

    if (notes == NULL) {
        return;
    }
    (void)!write(notes->begin_fd, &end, sizeof(end));
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += CLOSE_WAIT_S;
    if (pthread_timedjoin_np(notes->thread, NULL, &until) == 0) {
        (void)close(notes->begin_fd);
        (void)close(notes->done_fd);
        (void)close(notes->folder_fd);
        free(notes);
    }
}

size_t notes_count(const struct notes *notes)
{
    return notes->count;
}

const struct notes_line *notes_get(const struct notes *notes, size_t index)
{
    CHECK(index < notes->count);
    return &notes->lines[index];
}

uint32_t notes_recent(const struct notes *notes, uint64_t wall_ms, uint64_t *ret_oldest_age_ms)
{
    uint32_t recent = 0;

    *ret_oldest_age_ms = PET_RESETS_MS;
    for (size_t i = notes->count; i-- > 0;) {
        uint64_t at_ms = notes->lines[i].wall_ms;

        if (at_ms <= wall_ms && wall_ms - at_ms < PET_RESETS_MS) {
            recent++;
            *ret_oldest_age_ms = recent <= PET_RESETS_MAX ? wall_ms - at_ms : *ret_oldest_age_ms;
        }
    }
    return recent;
}

void notes_begin(struct notes *notes, const struct notes_line *line)
{
    uint64_t begin = 1;

    notes->lines[notes->count] = *line;
    (void)!write(notes->begin_fd, &begin, sizeof(begin));
}

int notes_fd(const struct notes *notes)
{
    return notes->done_fd;
}
