/* What `toban replay` is given: a recording from the field that was damaged on its way, or no recording at all.
 * The first byte chooses: the input is the file, or bytes of a sound recording are replaced by it (offset,
 * length, bytes, again and again). */
#include "base/bytes.h"
#include "base/check.h"
#include "cluster/duty/duty.h"
#include "tools/toban/toban.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { EVENTS = 14, STEP_MS = 700, LONG_WAIT_AT = 7, LONG_WAIT_MS = 60000 };

enum {
    STEP_BYTES = sizeof(struct duty_event) + sizeof(struct duty_actions),
    RECORDING_BYTES = sizeof(struct duty_trace_head) + EVENTS * STEP_BYTES,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A unit that boots, hears nobody, serves alone, and is told this and that. */
static void event_fill(struct duty_event *event, int at)
{
    static const enum duty_event_kind kinds[EVENTS] = {
        DUTY_STARTED,        DUTY_SERVICE_LINK, DUTY_NEEDED,         DUTY_HEALTH, DUTY_LEDGER,
        DUTY_ADDRESS_PROBED, DUTY_TIMEOUT,      DUTY_TIMEOUT,        DUTY_WORD,   DUTY_PEER_PROCESS,
        DUTY_LINKS_CLOSED,   DUTY_OPERATOR,     DUTY_CONTACT_BROKEN, DUTY_TIMEOUT};

    memset(event, 0, sizeof(*event));
    event->kind = kinds[at];
    event->now_ms = (uint64_t)(1 + at) * STEP_MS + (at < LONG_WAIT_AT ? 0 : LONG_WAIT_MS);
    if (event->kind == DUTY_STARTED) {
        event->started.term =
            (struct duty_term){.number = 3, .duty_unit = 1, .units = {{.unit = 1}, {.unit = 2}}};
        event->started.process = 9;
    } else if (event->kind == DUTY_SERVICE_LINK || event->kind == DUTY_NEEDED) {
        event->level = true;
    } else if (event->kind == DUTY_HEALTH) {
        event->health.fit = true;
    } else if (event->kind == DUTY_WORD) {
        event->word = (struct duty_word){.place = 2, .unit = 2, .process = 5, .sequence = 1};
    } else if (event->kind == DUTY_PEER_PROCESS) {
        event->peer_process = DUTY_PROCESS_LEFT;
    }
}

/* As toband writes it: one after the other, without the holes of a struct. */
static void recording_fill(uint8_t *bytes)
{
    const struct duty_options options = {.unit = 1, .peer_unit = 2, .place = 1, .peer_place = 2};
    const struct duty_trace_head head = duty_trace_head(&options);
    struct duty duty;

    memcpy(bytes, &head, sizeof(head));
    bytes += sizeof(head);
    duty_init(&duty, &options);
    for (int i = 0; i < EVENTS; i++) {
        struct duty_event event;
        struct duty_actions actions;

        memset(&actions, 0, sizeof(actions));
        event_fill(&event, i);
        if (duty_table_row(duty.state, event.kind, NULL) == DUTY_ROW_IMPOSSIBLE) {
            event.kind = DUTY_TIMEOUT;
        }
        duty_step(&duty, &event, &actions);
        memcpy(bytes, &event, sizeof(event));
        memcpy(bytes + sizeof(event), &actions, sizeof(actions));
        bytes += STEP_BYTES;
    }
}

static void damage(uint8_t *recording, const uint8_t *data, size_t size)
{
    struct bytes_reader reader = bytes_reader_over(data, size);

    while (bytes_left(&reader) > 0) {
        size_t at = bytes_get_u32(&reader) % RECORDING_BYTES;
        size_t len_bytes = bytes_get_u8(&reader) % 16;
        const uint8_t *bytes = bytes_take(&reader, len_bytes);

        if (bytes != NULL && at + len_bytes <= RECORDING_BYTES) {
            memcpy(recording + at, bytes, len_bytes);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t recording[RECORDING_BYTES];
    char path[64];
    char *words[] = {path, NULL};
    struct toban toban = {.json = false};

    if (size == 0) {
        return 0;
    }
    int fd = memfd_create("recording", MFD_CLOEXEC);
    CHECK(fd >= 0);
    if (data[0] % 8 == 0) {
        CHECK(write(fd, data + 1, size - 1) == (ssize_t)size - 1);
    } else {
        recording_fill(recording);
        damage(recording, data + 1, size - 1);
        CHECK(write(fd, recording, sizeof(recording)) == (ssize_t)sizeof(recording));
    }
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    toban.out = toban.err = fopen("/dev/null", "we");
    CHECK(toban.out != NULL);
    int status = command_replay(&toban, 1, words);
    CHECK(status == TOBAN_OK || (status == TOBAN_NO && (size > 1 || data[0] % 8 == 0)));
    (void)fclose(toban.out);
    (void)close(fd);
    return 0;
}
