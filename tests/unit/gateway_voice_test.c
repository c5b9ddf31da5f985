/* appliance/gateway: the voice pack. A pack is served whole or not at all; what boards say they can play
 * reaches the engine. */
#include "appliance/gateway/digest.h"
#include "base/check.h"
#include "tests/lib/gateway_fixture.h"
#include "tests/lib/http_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 256, HASH_DIGITS = 64, LINE_BYTES = 512, MANIFEST_BYTES = 4096 };

static struct gateway_fixture fixture;
static char other_dir[PATH_BYTES];

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[PATH_BYTES * 2];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static void clip_line(char line[LINE_BYTES], const char *id, const char *file, const char *content)
{
    struct digest *digest;
    struct ids_hash hash;
    char text[HASH_DIGITS + 1];

    assert_int_equal(digest_create(&digest), 0);
    hash = digest_of(digest, content, strlen(content));
    digest_destroy(digest);
    for (size_t i = 0; i < sizeof(hash.bytes); i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", hash.bytes[i]);
    }
    (void)snprintf(line, LINE_BYTES,
                   "{\"id\":\"%s\",\"language\":\"ja\",\"text\":\"x\",\"duration_ms\":100,"
                   "\"file\":\"%s\",\"sha256\":\"%s\",\"licence\":\"CC0-1.0\"}",
                   id, file, text);
}

static void write_manifest(const char *folder, const char *name, const char *clips)
{
    char manifest[MANIFEST_BYTES];

    (void)snprintf(manifest, sizeof(manifest),
                   "{\"format\":1,\"pack\":\"%s\",\"licence\":\"CC0-1.0\","
                   "\"licence_file\":\"LICENCE.txt\",\"clips\":[%s]}",
                   name, clips);
    write_file(folder, "manifest.json", manifest);
}

/* Two clips, of which each test may spoil what it likes. */
static void make_pack(const char *folder, const char *name, const char *sound)
{
    char one[LINE_BYTES], two[LINE_BYTES], both[2 * LINE_BYTES + 1];

    assert_int_equal(mkdir(folder, 0700), 0);
    write_file(folder, "LICENCE.txt", "free\n");
    write_file(folder, "one.ogg", sound);
    write_file(folder, "two.wav", sound);
    clip_line(one, "ja.n.1", "one.ogg", sound);
    clip_line(two, "ja.n.2", "two.wav", sound);
    (void)snprintf(both, sizeof(both), "%s,%s", one, two);
    write_manifest(folder, name, both);
}

static int prepare(void **state)
{
    char built_in[PATH_BYTES];

    (void)state;
    gateway_fixture_prepare(&fixture);
    (void)snprintf(built_in, sizeof(built_in), "%s/voice", fixture.web_dir);
    (void)snprintf(other_dir, sizeof(other_dir), "%s/other", fixture.folder);
    make_pack(built_in, "built-in", "built-in sound");
    make_pack(other_dir, "recorded", "recorded sound");
    fixture.voice_dir = other_dir;
    return 0;
}

static int finish(void **state)
{
    (void)state;
    gateway_fixture_finish(&fixture);
    return 0;
}

static void start(void)
{
    gateway_fixture_start(&fixture, 0, 0, true);
}

static bool is_served(const char *pack)
{
    struct http_answer answer =
        http_client_once(fixture.port, "GET", "/voice/pack.json", NULL, NULL);
    char wanted[PATH_BYTES];
    bool found;

    (void)snprintf(wanted, sizeof(wanted), "{\"pack\":\"%s\",\"base\":\"/voice/%s.", pack, pack);
    found = answer.status == 200 && strncmp(answer.body, wanted, strlen(wanted)) == 0;
    http_answer_free(&answer);
    return found;
}

/* What /voice/pack.json calls its base, and a name in it. */
static void address_of(const char *name, char path[PATH_BYTES])
{
    struct http_answer answer =
        http_client_once(fixture.port, "GET", "/voice/pack.json", NULL, NULL);
    char *base = strstr(answer.body, "/voice/");

    assert_non_null(base);
    base[strcspn(base, "\"")] = '\0';
    (void)snprintf(path, PATH_BYTES, "%s%s", base, name);
    http_answer_free(&answer);
}

static void a_pack_takes_the_built_in_ones_place_and_may_be_kept_for_ever(void **state)
{
    struct http_answer answer;
    char path[PATH_BYTES], value[PATH_BYTES];

    (void)state;
    start();
    assert_string_equal(gateway_complaint(fixture.gateway), "");
    assert_true(is_served("recorded"));
    address_of("one.ogg", path);
    answer = http_client_once(fixture.port, "GET", path, NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "recorded sound");
    assert_true(http_answer_header(&answer, "Content-Type", value, sizeof(value)));
    assert_string_equal(value, "audio/ogg");
    assert_true(http_answer_header(&answer, "Cache-Control", value, sizeof(value)));
    assert_non_null(strstr(value, "immutable"));
    assert_true(http_answer_header(&answer, "Content-Security-Policy", value, sizeof(value)));
    http_answer_free(&answer);
    answer = http_client_once(fixture.port, "GET", "/voice/pack.json", NULL, NULL);
    assert_true(http_answer_header(&answer, "Cache-Control", value, sizeof(value)));
    assert_string_equal(value, "no-cache");
    http_answer_free(&answer);
    address_of("LICENCE.txt", path);
    answer = http_client_once(fixture.port, "GET", path, NULL, NULL);
    assert_string_equal(answer.body, "free\n");
    http_answer_free(&answer);
}

static void without_another_the_built_in_pack_is_served(void **state)
{
    (void)state;
    fixture.voice_dir = NULL;
    start();
    assert_string_equal(gateway_complaint(fixture.gateway), "");
    assert_true(is_served("built-in"));
}

/* Refused by a sentence that names what is wrong; the built-in one stays. */
static void must_be_refused(const char *what, const char *why)
{
    start();
    assert_non_null(strstr(gateway_complaint(fixture.gateway), other_dir));
    assert_non_null(strstr(gateway_complaint(fixture.gateway), what));
    assert_non_null(strstr(gateway_complaint(fixture.gateway), why));
    assert_true(is_served("built-in"));
}

static void a_clip_with_other_bytes_is_refused(void **state)
{
    (void)state;
    write_file(other_dir, "two.wav", "recorded sound.");
    must_be_refused("ja.n.2", "SHA-256");
}

static void a_clip_that_is_not_there_is_refused(void **state)
{
    char path[PATH_BYTES * 2];

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/one.ogg", other_dir);
    assert_int_equal(unlink(path), 0);
    must_be_refused("one.ogg", "読めません");
}

static void a_file_that_is_a_way_out_of_the_folder_is_refused(void **state)
{
    char path[PATH_BYTES * 2];

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/one.ogg", other_dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/hostname", path), 0);
    must_be_refused("one.ogg", "cannot be read");
}

static void a_pack_without_a_clip_of_the_built_in_one_is_refused(void **state)
{
    char one[LINE_BYTES];

    (void)state;
    clip_line(one, "ja.n.1", "one.ogg", "recorded sound");
    write_manifest(other_dir, "recorded", one);
    must_be_refused("ja.n.2", "is missing");
}

/* Its page has another voice for them. */
static void a_pack_without_the_ticket_machines_sentences_is_served(void **state)
{
    char built_in[PATH_BYTES], one[LINE_BYTES], sentence[LINE_BYTES], both[2 * LINE_BYTES + 1];

    (void)state;
    (void)snprintf(built_in, sizeof(built_in), "%s/voice", fixture.web_dir);
    clip_line(one, "ja.n.1", "one.ogg", "built-in sound");
    clip_line(sentence, "ja.kiosk.end", "two.wav", "built-in sound");
    (void)snprintf(both, sizeof(both), "%s,%s", one, sentence);
    write_manifest(built_in, "built-in", both);
    start();
    assert_true(is_served("recorded"));
}

static void an_id_that_stands_twice_is_refused(void **state)
{
    char one[LINE_BYTES], both[2 * LINE_BYTES + 1];

    (void)state;
    clip_line(one, "ja.n.1", "one.ogg", "recorded sound");
    (void)snprintf(both, sizeof(both), "%s,%s", one, one);
    write_manifest(other_dir, "recorded", both);
    must_be_refused("ja.n.1", "twice");
}

static void a_file_that_is_no_sound_or_lies_elsewhere_is_refused(void **state)
{
    static const char *const files[] = {"LICENCE.txt", "../one.ogg", "/etc/hostname", ".one.ogg",
                                        "one"};
    char line[LINE_BYTES];

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        clip_line(line, "ja.n.1", files[i], "recorded sound");
        write_manifest(other_dir, "recorded", line);
        must_be_refused("ja.n.1", "is not a clip");
        gateway_stop(fixture.gateway);
        (void)pthread_join(fixture.thread, NULL);
        gateway_destroy(fixture.gateway);
        fixture.gateway = NULL;
    }
}

static void a_manifest_that_cannot_be_read_is_refused(void **state)
{
    (void)state;
    write_file(other_dir, "manifest.json", "{\"format\":1,");
    must_be_refused("manifest.json", "JSON");
}

static void a_manifest_of_another_format_is_refused(void **state)
{
    (void)state;
    write_file(other_dir, "manifest.json",
               "{\"format\":2,\"pack\":\"recorded\",\"licence\":\"x\","
               "\"licence_file\":\"LICENCE.txt\",\"clips\":[1]}");
    must_be_refused("manifest.json", "format 1");
}

static void a_pack_without_its_licence_is_refused(void **state)
{
    char path[PATH_BYTES * 2];

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/LICENCE.txt", other_dir);
    assert_int_equal(unlink(path), 0);
    must_be_refused("LICENCE.txt", "cannot be read");
}

static void without_any_whole_pack_the_pages_are_served_all_the_same(void **state)
{
    struct http_answer answer;
    char path[PATH_BYTES * 2];

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/voice", fixture.web_dir);
    write_file(path, "manifest.json", "");
    fixture.voice_dir = NULL;
    start();
    assert_non_null(strstr(gateway_complaint(fixture.gateway), "manifest.json"));
    answer = http_client_once(fixture.port, "GET", "/voice/pack.json", NULL, NULL);
    assert_int_equal(answer.status, 404);
    http_answer_free(&answer);
}

static void follow(struct http_client *client, const char *sound)
{
    char path[PATH_BYTES];

    (void)snprintf(path, sizeof(path), "/api/v1/events%s", sound);
    http_client_open(client, fixture.port);
    http_client_ask(client, "GET", path, NULL, NULL);
    assert_true(http_client_read_past(client, "event: state", HTTP_CLIENT_PATIENCE_MS));
}

/* The first word from the request `*at` on that says so many of each. How many words there are before it is nobody's
 * business: boards that come while the engine is away are in one. Between them the gateway asks whose streams those are. */
static struct api_boards boards_with(uint16_t on, uint16_t blocked, uint32_t *at)
{
    for (;; (*at)++) {
        struct api_request request;

        assert_true(fake_engine_wait(fixture.engine, *at + 1));
        request = fake_engine_received(fixture.engine, *at);
        if (request.type == API_BOARDS && request.boards.on == on &&
            request.boards.blocked == blocked) {
            (*at)++;
            return request.boards;
        }
    }
}

static void the_engine_hears_what_boards_can_play(void **state)
{
    struct http_client blocked, on, page, nonsense;
    struct api_boards boards;
    uint32_t at = 0;

    (void)state;
    start();
    fake_engine_arrive(fixture.engine);
    follow(&page, "");
    follow(&nonsense, "?sound=none");
    follow(&blocked, "?sound=blocked");
    follow(&on, "?sound=on");
    boards = boards_with(1, 1, &at);
    assert_int_equal(boards.off + boards.chime + boards.speech, 0);
    http_client_close(&blocked);
    (void)boards_with(1, 0, &at);
    fake_engine_drop(fixture.engine);
    (void)boards_with(1, 0, &at);
    http_client_close(&on);
    http_client_close(&page);
    http_client_close(&nonsense);
}

#define ONE(name) cmocka_unit_test_setup_teardown(name, prepare, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(a_pack_takes_the_built_in_ones_place_and_may_be_kept_for_ever),
        ONE(without_another_the_built_in_pack_is_served),
        ONE(a_clip_with_other_bytes_is_refused),
        ONE(a_clip_that_is_not_there_is_refused),
        ONE(a_file_that_is_a_way_out_of_the_folder_is_refused),
        ONE(a_pack_without_a_clip_of_the_built_in_one_is_refused),
        ONE(a_pack_without_the_ticket_machines_sentences_is_served),
        ONE(an_id_that_stands_twice_is_refused),
        ONE(a_file_that_is_no_sound_or_lies_elsewhere_is_refused),
        ONE(a_manifest_that_cannot_be_read_is_refused),
        ONE(a_manifest_of_another_format_is_refused),
        ONE(a_pack_without_its_licence_is_refused),
        ONE(without_any_whole_pack_the_pages_are_served_all_the_same),
        ONE(the_engine_hears_what_boards_can_play),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
