/* watchdog/adapters/notes.c: why the machine was reset, on a disk that may be full, damaged or not there. */
#include "watchdog/adapters/notes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATH_BYTES = 128, WAIT_MS_MAX = 10000, TEXT_BYTES = 8192 };

static const uint64_t now_ms = 1800000000000;

struct folder {
    char path[PATH_BYTES], file[PATH_BYTES + 8];
};

static int make_folder(void **state)
{
    struct folder *folder = calloc(1, sizeof(*folder));

    assert_non_null(folder);
    (void)snprintf(folder->path, sizeof(folder->path), "/tmp/toban-notes-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    (void)snprintf(folder->file, sizeof(folder->file), "%s/resets", folder->path);
    *state = folder;
    return 0;
}

static int remove_folder(void **state)
{
    struct folder *folder = *state;

    (void)unlink(folder->file);
    assert_int_equal(rmdir(folder->path), 0); /* and nothing else was left in it */
    free(folder);
    return 0;
}

static void write_text(const struct folder *folder, const char *text)
{
    FILE *file = fopen(folder->file, "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static struct notes *open_notes(const struct folder *folder)
{
    struct notes *notes = NULL;

    assert_int_equal(notes_open(folder->path, &notes), 0);
    return notes;
}

static void note(const struct folder *folder, uint64_t wall_ms, enum pet_part part)
{
    struct notes *notes = open_notes(folder);
    struct notes_line line = {.wall_ms = wall_ms, .part = part, .age_ms = 3210};

    notes_begin(notes, &line);
    assert_int_equal(
        poll(&(struct pollfd){.fd = notes_fd(notes), .events = POLLIN}, 1, WAIT_MS_MAX), 1);
    notes_close(notes);
}

static void a_note_is_read_by_the_next_life(void **state)
{
    const struct folder *folder = *state;
    struct notes *notes = open_notes(folder);

    assert_int_equal(notes_count(notes), 0);
    notes_close(notes);
    note(folder, now_ms, PET_STORE);
    note(folder, now_ms + 5, PET_INIT);
    notes = open_notes(folder);
    assert_int_equal(notes_count(notes), 2);
    assert_int_equal(notes_get(notes, 0)->part, PET_STORE);
    assert_int_equal(notes_get(notes, 0)->age_ms, 3210);
    assert_int_equal(notes_get(notes, 1)->part, PET_INIT);
    assert_true(notes_get(notes, 1)->wall_ms == now_ms + 5);
    notes_close(notes);
}

static void only_the_newest_are_kept(void **state)
{
    const struct folder *folder = *state;
    struct notes *notes;

    for (uint64_t i = 0; i < NOTES_MAX + 3; i++) {
        note(folder, now_ms + i, PET_LOOP);
    }
    notes = open_notes(folder);
    assert_int_equal(notes_count(notes), NOTES_MAX);
    assert_true(notes_get(notes, 0)->wall_ms == now_ms + 3);
    assert_true(notes_get(notes, NOTES_MAX - 1)->wall_ms == now_ms + NOTES_MAX + 2);
    notes_close(notes);
}

static void what_is_no_note_is_passed_over(void **state)
{
    const struct folder *folder = *state;
    struct notes *notes;

    write_text(folder,
               "noise\n1800000000000 LOOP 5\n\n1800000000001 NOSUCH 5\n1800000000002 NET 7 more\n"
               "-1 NET\n1800000000003 NET 9\n1800000000004 NE");
    notes = open_notes(folder);
    assert_int_equal(notes_count(notes), 2);
    assert_int_equal(notes_get(notes, 0)->part, PET_LOOP);
    assert_int_equal(notes_get(notes, 1)->part, PET_NET);
    assert_int_equal(notes_get(notes, 1)->age_ms, 9);
    notes_close(notes);
}

static void resets_of_the_last_hour_are_counted(void **state)
{
    const struct folder *folder = *state;
    char text[TEXT_BYTES];
    uint64_t oldest_age_ms;
    struct notes *notes;

    (void)snprintf(text, sizeof(text),
                   "%llu LOOP 1\n%llu LOOP 1\n%llu NET 1\n%llu NET 1\n%llu NET 1\n%llu NET 1\n",
                   (unsigned long long)(now_ms - PET_RESETS_MS),
                   (unsigned long long)(now_ms - 3000000), (unsigned long long)(now_ms - 2000000),
                   (unsigned long long)(now_ms - 1000000), (unsigned long long)(now_ms - 1000),
                   (unsigned long long)(now_ms + 60000)); /* of a wrong clock */
    write_text(folder, text);
    notes = open_notes(folder);
    assert_int_equal(notes_recent(notes, now_ms, &oldest_age_ms), 4);
    assert_int_equal(oldest_age_ms, 2000000); /* of the newest three */
    assert_int_equal(notes_recent(notes, 0, &oldest_age_ms), 0);
    assert_int_equal(oldest_age_ms, PET_RESETS_MS);
    notes_close(notes);
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
    struct notes *notes = NULL;

    (void)state;
    assert_int_equal(notes_open("/nonexistent/folder", &notes), -ENOENT);
    assert_null(notes);
}

/* The reason cannot be written: who waits is told nevertheless, and the old file stands. */
static void what_cannot_be_written_is_answered_all_the_same(void **state)
{
    const struct folder *folder = *state;
    char blocker[2 * PATH_BYTES];
    struct notes *notes;

    note(folder, now_ms, PET_LOOP);
    (void)snprintf(blocker, sizeof(blocker), "%s/resets.new", folder->path);
    assert_int_equal(symlink("/nonexistent/folder/file", blocker), 0);
    note(folder, now_ms + 1, PET_NET);
    assert_int_equal(unlink(blocker), 0);
    notes = open_notes(folder);
    assert_int_equal(notes_count(notes), 1);
    assert_int_equal(notes_get(notes, 0)->part, PET_LOOP);
    notes_close(notes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_note_is_read_by_the_next_life, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(only_the_newest_are_kept, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_is_no_note_is_passed_over, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(resets_of_the_last_hour_are_counted, make_folder,
                                        remove_folder),
        cmocka_unit_test(a_folder_that_is_not_there_is_an_error),
        cmocka_unit_test_setup_teardown(what_cannot_be_written_is_answered_all_the_same,
                                        make_folder, remove_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
