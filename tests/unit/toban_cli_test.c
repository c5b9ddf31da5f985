/* The command line: answers become words, exit statuses are honest (words: toban_words_test.c). The unit
 * here is a thread that speaks the engine's socket language as badly as each test wants. */
#include "storage/adapters/crypto.h"
#include "storage/adapters/ledger.h"
#include "storage/entry/entry.h"
#include "tests/unit/screen_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { SHORT_WAIT_MS = 100, ANSWERS_MAX = 4 };

/* ---- a unit ---- */

enum manner { ANSWERS, NOT_SERVING_ONCE, BABBLES, SAYS_TOO_MUCH, STAYS_SILENT, HANGS_UP_ONCE };

struct unit {
    char dir[64];
    char path[96];
    int listener;
    enum manner manner;
    bool serving;
    uint16_t status;
    const char *body;
    const char *next_body; /* from the second answer on; NULL: the same */
    struct api_request asked[ANSWERS_MAX];
    size_t asked_count;
    pthread_t thread;
};

static void put_all(int fd, const uint8_t *bytes, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes; i++) {
        (void)send(fd, bytes + i, 1, MSG_NOSIGNAL); /* byte by byte: frames arrive in pieces */
    }
}

static void put_state(int fd, bool serving)
{
    uint8_t bytes[256];
    struct api_state state = {.serving = serving};

    put_all(fd, bytes, api_state_encode(&state, bytes, sizeof(bytes)));
}

static bool get_request(int fd, struct api_request *ret_request)
{
    uint8_t bytes[API_REQUEST_BYTES_MAX];
    size_t len_bytes = 0;

    while (len_bytes < sizeof(bytes)) {
        int64_t whole = api_frame_length(bytes, len_bytes, sizeof(bytes));

        if (whole > 0) {
            return api_request_decode(bytes, (size_t)whole, ret_request);
        }
        if (recv(fd, bytes + len_bytes, 1, 0) != 1) {
            return false;
        }
        len_bytes++;
    }
    return false;
}

static void put_reply(int fd, uint32_t id, uint16_t status, const char *body)
{
    struct api_reply reply = {.status = status, .lsn = 7, .body_len_bytes = (uint32_t)strlen(body)};
    uint8_t header[32];

    put_all(fd, header, api_reply_header_encode(id, &reply, header));
    put_all(fd, (const uint8_t *)body, strlen(body));
}

static void put_answer(const struct unit *unit, int fd, uint32_t id)
{
    put_state(fd, unit->serving); /* one comes in between */
    put_reply(fd, id + 1000, 418, "somebody else's");
    put_reply(fd, id, unit->status, unit->body);
}

static void serve(struct unit *unit, int fd)
{
    static const uint8_t garbage[] = {0, 0, 0, 5, 200, 0, 0, 0, 0};
    static const uint8_t huge[] = {0x7f, 0xff, 0xff, 0xff, 131, 0, 0, 0, 0};
    uint8_t wait;

    if (unit->manner == BABBLES) {
        put_all(fd, garbage, sizeof(garbage));
    } else if (unit->manner == SAYS_TOO_MUCH) {
        put_all(fd, huge, sizeof(huge));
    } else if (unit->manner != STAYS_SILENT) {
        struct api_request *asked = &unit->asked[unit->asked_count];

        put_state(fd, unit->serving);
        if (!get_request(fd, asked)) {
            return;
        }
        unit->asked_count++;
        if (unit->manner == ANSWERS) {
            put_answer(unit, fd, asked->id);
            unit->body = unit->next_body != NULL ? unit->next_body : unit->body;
        }
        if (unit->manner == NOT_SERVING_ONCE) {
            struct unit refusing = *unit;

            refusing.status = 503;
            put_answer(&refusing, fd, asked->id);
        }
        unit->manner = ANSWERS;
        return;
    }
    (void)recv(fd, &wait, 1, 0); /* until the client hangs up */
}

static void *run_unit(void *context)
{
    struct unit *unit = context;

    for (;;) {
        int fd = accept(unit->listener, NULL, NULL);

        if (fd < 0) {
            return NULL;
        }
        serve(unit, fd);
        (void)close(fd);
    }
}

static struct unit *unit_create(enum manner manner, uint16_t status, const char *body)
{
    struct unit *unit = calloc(1, sizeof(*unit));
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    *unit = (struct unit){.manner = manner, .status = status, .body = body, .serving = true};
    (void)strcpy(unit->dir, "/tmp/toban-cli-XXXXXX");
    assert_non_null(mkdtemp(unit->dir));
    (void)snprintf(unit->path, sizeof(unit->path), "%s/s", unit->dir);
    (void)strcpy(address.sun_path, unit->path);
    unit->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(unit->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(unit->listener, 4), 0);
    assert_int_equal(pthread_create(&unit->thread, NULL, run_unit, unit), 0);
    return unit;
}

static void unit_destroy(struct unit *unit)
{
    (void)shutdown(unit->listener, SHUT_RDWR);
    (void)pthread_join(unit->thread, NULL);
    (void)close(unit->listener);
    (void)unlink(unit->path);
    (void)rmdir(unit->dir);
    free(unit);
}

/* ---- status ---- */

static const char paired_json[] =
    "{\"site_ja\": \"総合受付 都市計画課\", \"site_en\": \"Planning\", \"service_day\": {\"date\": "
    "\"2026-11-24\","
    " \"state\": \"OPEN\", \"opens\": \"08:30\", \"closes\": \"17:00\"}, \"units\": ["
    "{\"unit\": 1, \"name_ja\": \"1号機\", \"name_en\": \"unit 1\", \"role\": \"DUTY\", \"mode\": "
    "\"PAIRED\","
    " \"term\": 7, \"lsn\": 48213, \"ready\": true, \"reasons\": []},"
    "{\"unit\": 2, \"name_ja\": \"2号機\", \"name_en\": \"unit 2\", \"role\": \"SPARE\", \"mode\": "
    "\"PAIRED\","
    " \"ready\": true, \"lag_entries\": 0, \"lag_ms\": 0.4}],"
    " \"failover_ready\": true, \"failover_as\": \"numbers\", \"verdict\": {\"can_serve_now\": "
    "true,"
    " \"will_open_next\": true, \"text_ja\": "
    "\"窓口業務ができます。切替もできます。操作は不要です。\","
    " \"text_en\": \"The office can serve. So could a failover. Nothing to do.\"},"
    " \"takeover_budget\": {\"power_ms\": 510, \"crash_ms\": 200, \"handover_ms\": null}}";

static int write_status(struct screen *screen, const char *text)
{
    json_t *status = json_loads(text, 0, NULL);
    int r;

    assert_non_null(status);
    r = status_write(&screen->toban, status);
    json_decref(status);
    return r;
}

static void the_first_line_of_status_is_the_verdict(void **state)
{
    struct screen *screen = screen_create(true);

    (void)state;
    assert_int_equal(write_status(screen, paired_json), TOBAN_OK);
    assert_string_equal(screen_out(screen),
                        "窓口業務ができます。切替もできます。操作は不要です。      総合受付 "
                        "都市計画課  2026-11-24 開庁中 "
                        "(08:30–17:00)\n"
                        " 1号機   当番    連携 PAIRED    期 7   台帳 48,213\n"
                        " 2号機   予備    準備完了       遅れ 0 件 / 0.4 ms\n"
                        " 切替見込み  電源断 0.5 秒   停止 0.2 秒   計画 未計測\n");
    screen_destroy(screen);
}

static void a_board_that_cannot_be_heard_is_to_be_touched(void **state)
{
    static const char json[] = "{\"units\": [], \"boards\": {\"connected\": 3, \"on\": 1, "
                               "\"blocked\": 2, \"chime\": 0}}";
    struct screen *ja = screen_create(true), *en = screen_create(false);

    (void)state;
    (void)write_status(ja, json);
    assert_non_null(strstr(screen_out(ja), "表示盤 3 面のうち 2 面が音を出せません。その画面に"
                                           "一度触れてください。\n"));
    (void)write_status(en, json);
    assert_non_null(strstr(screen_out(en), "2 of 3 boards cannot be heard"));
    assert_null(strstr(en->out, "only the chime"));
    screen_destroy(ja);
    screen_destroy(en);
}

static void status_speaks_english_too(void **state)
{
    struct screen *screen = screen_create(false);

    (void)state;
    assert_int_equal(write_status(screen, paired_json), TOBAN_OK);
    assert_non_null(
        strstr(screen_out(screen),
               "The office can serve. So could a failover. Nothing to do.      Planning"));
    assert_non_null(
        strstr(screen->out, " unit 2  spare   ready          lag 0 entries / 0.4 ms\n"));
    assert_non_null(strstr(screen->out, "planned not measured\n"));
    screen_destroy(screen);
}

static void a_lone_unit_shows_its_letter_and_why(void **state)
{
    struct screen *screen = screen_create(true);

    (void)state;
    (void)write_status(
        screen,
        "{\"service_day\": {\"state\": \"OPEN\"}, \"units\": [{\"unit\": 2, \"role\": \"DUTY\","
        " \"mode\": \"ALONE\", \"series\": \"B2\", \"term\": 7, \"lsn\": 1, \"reasons\":"
        " [{\"code\": \"PEER_GONE\", \"text_ja\": \"1号機に届きません。\"}]}],"
        " \"verdict\": {\"can_serve_now\": true, \"text_ja\": \"できます。\"},"
        " \"reasons\": [\"そのままの文\"]}");
    assert_non_null(strstr(screen_out(screen), "単独 ALONE B2"));
    assert_non_null(strstr(screen->out, "→ 1号機に届きません。 [PEER_GONE]"));
    assert_non_null(strstr(screen->out, "→ そのままの文"));
    screen_destroy(screen);
}

static void a_unit_that_is_not_heard_shows_no_figures(void **state)
{
    struct screen *screen = screen_create(true);

    (void)state;
    (void)write_status(
        screen,
        "{\"units\": [{\"unit\": 2, \"name\": \"2号機\", \"role\": \"UNKNOWN\", \"lsn\": 0}]}");
    assert_non_null(strstr(screen_out(screen), " 2号機   不明    連絡がありません\n"));
    screen_destroy(screen);
}

static void a_reason_is_told_once_and_who_acts_by_when(void **state)
{
    struct screen *screen = screen_create(true);
    const char *first;

    (void)state;
    (void)write_status(
        screen,
        "{\"units\": [{\"unit\": 1, \"role\": \"DUTY\", \"reasons\": [{\"code\": \"PEER_GONE\","
        " \"text\": \"届きません。\"}]}], \"reasons\": [{\"code\": \"PEER_GONE\", \"text\": "
        "\"届きません。\"},"
        " {\"code\": \"OTHER\", \"text\": \"別の理由。\"}], \"verdict\": {\"who_acts\": "
        "\"engineer\","
        " \"by_when\": \"2026-11-25T08:30:00.000+09:00\"}, \"service_day\": {\"state\": \"CLOSED\","
        " \"next_opening\": \"2026-11-26T08:30:00.000+09:00\"}}");
    first = strstr(screen_out(screen), "届きません。");
    assert_non_null(first);
    assert_null(strstr(first + 1, "届きません。"));
    assert_non_null(strstr(screen->out, "別の理由。"));
    assert_non_null(strstr(screen->out, " 対応 保守員   期限 2026-11-25 08:30\n"));
    assert_non_null(strstr(screen->out, " 次の開庁 2026-11-26 08:30\n"));
    screen_destroy(screen);
}

static void the_exit_status_of_status_is_whether_the_office_can_work(void **state)
{
    static const struct {
        const char *json;
        int r;
    } rows[] = {
        {"{\"verdict\": {\"can_serve_now\": true}, \"service_day\": {\"state\": \"OPEN\"}}",
         TOBAN_OK},
        {"{\"verdict\": {\"can_serve_now\": false, \"will_open_next\": true}, \"service_day\": "
         "{\"state\": \"OPEN\"}}",
         TOBAN_NO},
        {"{\"verdict\": {\"can_serve_now\": false, \"will_open_next\": true}, \"service_day\": "
         "{\"state\": "
         "\"CLOSED\"}}",
         TOBAN_OK},
        {"{\"verdict\": {\"can_serve_now\": false, \"will_open_next\": false}}", TOBAN_NO},
        {"{}", TOBAN_NO},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct screen *screen = screen_create(true);

        assert_int_equal(write_status(screen, rows[i].json), rows[i].r);
        screen_destroy(screen);
    }
}

static void a_status_of_other_shapes_is_shown_without_harm(void **state)
{
    static const char odd_units[] =
        "{\"units\": [{\"unit\": \"x\", \"role\": 5, \"lag_ms\": \"x\", \"reasons\": {\"a\": 1}},"
        " {\"role\": \"SPARE\"}], \"reasons\": [null, 5, {\"code\": 1}], \"takeover_budget\": [1]}";
    static const char *const odd[] = {
        "[]",
        "{\"units\": [5, null, \"x\", {}, []], \"verdict\": 7, \"service_day\": []}",
        odd_units,
        "{\"units\": [{\"role\": \"DUTY\", \"watchdog\": {\"armed\": true, \"timeout_ms\": "
        "1e300}}]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        struct screen *screen = screen_create(i % 2 == 0);

        (void)write_status(screen, odd[i]);
        assert_string_not_equal(screen_out(screen), "");
        screen_destroy(screen);
    }
}

/* ---- the socket ---- */

static void an_answer_is_put_together_from_pieces(void **state)
{
    struct unit *unit = unit_create(ANSWERS, 200, "{\"a\": 1}");
    struct api_request request = {.type = API_READ, .read = {.what = API_READ_DAY}};
    struct answer answer;
    struct client client;

    (void)state;
    assert_int_equal(client_open(unit->path, TOBAN_ANSWER_WAIT_MS, &client), 0);
    assert_true(client.serving);
    assert_int_equal(client_ask(&client, &request, TOBAN_ANSWER_WAIT_MS, &answer), 0);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.lsn, 7);
    assert_string_equal(answer.body, "{\"a\": 1}");
    answer_free(&answer);
    client_close(&client);
    assert_int_equal(unit->asked[0].read.what, API_READ_DAY);
    unit_destroy(unit);
}

static void a_unit_that_speaks_otherwise_is_told_apart(void **state)
{
    static const struct {
        enum manner manner;
        int r;
    } rows[] = {{BABBLES, -EPROTO}, {SAYS_TOO_MUCH, -EPROTO}, {STAYS_SILENT, -ETIMEDOUT}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct unit *unit = unit_create(rows[i].manner, 200, "{}");
        struct client client = {.fd = -1};
        unsigned wait_ms = rows[i].manner == STAYS_SILENT ? SHORT_WAIT_MS : TOBAN_ANSWER_WAIT_MS;

        assert_int_equal(client_open(unit->path, wait_ms, &client), rows[i].r);
        assert_int_equal(client.fd, -1);
        unit_destroy(unit);
    }
}

static int run(struct screen *screen, const struct unit *unit,
               int (*command)(struct toban *, int, char **), char **words)
{
    screen->toban.socket = unit->path;
    return command(&screen->toban, count_words(words), words);
}

static void a_request_is_sent_again_with_its_key_when_the_unit_dies(void **state)
{
    struct unit *unit = unit_create(HANGS_UP_ONCE, 201,
                                    "{\"id\": \"x\", \"display\": \"106B\", \"state\": \"WAITING\","
                                    " \"waiting_ahead\": 3, \"estimated_wait_s\": 601}");
    struct screen *screen = screen_create(true);
    char *words[] = {"issue", "1", NULL};

    (void)state;
    assert_int_equal(run(screen, unit, command_ticket, words), TOBAN_OK);
    assert_int_equal(unit->asked_count, 2);
    assert_true(ids_token_equal(&unit->asked[0].command.key, &unit->asked[1].command.key));
    assert_string_equal(screen_out(screen), "106B  お待ち  前に 3 人  目安 約11分  x\n");
    unit_destroy(unit);
    screen_destroy(screen);
}

static void a_command_waits_while_duty_changes_hands(void **state)
{
    struct unit *unit =
        unit_create(NOT_SERVING_ONCE, 200, "{\"display\": \"7\", \"state\": \"CALLED\"}");
    struct screen *screen = screen_create(true);
    char *words[] = {"1", "call-next", NULL};

    (void)state;
    assert_int_equal(run(screen, unit, command_counter, words), TOBAN_OK);
    assert_int_equal(unit->asked_count, 2);
    assert_true(ids_token_equal(&unit->asked[0].command.key, &unit->asked[1].command.key));
    assert_string_equal(screen_out(screen), "7  呼出中\n");
    unit_destroy(unit);
    screen_destroy(screen);
}

static void a_refusal_is_told_and_exits_with_1(void **state)
{
    struct unit *unit = unit_create(
        ANSWERS, 409,
        "{\"title\": \"Counter closed\", \"title_ja\": \"窓口が閉じています。\","
        " \"detail_ja\": \"開けてからもう一度どうぞ。\", \"code\": \"COUNTER_CLOSED\"}");
    struct screen *screen = screen_create(true);
    char *words[] = {"1", "call-next", NULL};

    (void)state;
    assert_int_equal(run(screen, unit, command_counter, words), TOBAN_NO);
    assert_string_equal(
        screen_err(screen),
        "toban: 窓口が閉じています。 開けてからもう一度どうぞ。 [COUNTER_CLOSED]\n");
    assert_string_equal(screen_out(screen), "");
    unit_destroy(unit);
    screen_destroy(screen);
}

static void a_refusal_that_says_the_same_twice_is_told_once(void **state)
{
    struct unit *unit = unit_create(ANSWERS, 409, "{\"title\": \"Busy.\", \"detail\": \"Busy.\"}");
    struct screen *screen = screen_create(false);
    char *words[] = {"1", "call-next", NULL};

    (void)state;
    assert_int_equal(run(screen, unit, command_counter, words), TOBAN_NO);
    assert_string_equal(screen_err(screen), "toban: Busy.\n");
    unit_destroy(unit);
    screen_destroy(screen);
}

static void json_goes_out_as_it_came(void **state)
{
    struct unit *unit = unit_create(ANSWERS, 200, "{\"date\":\"2026-11-24\"}");
    struct screen *screen = screen_create(true);
    char *words[] = {"status", NULL};

    (void)state;
    screen->toban.json = true;
    assert_int_equal(run(screen, unit, command_day, words), TOBAN_OK);
    assert_string_equal(screen_out(screen), "{\"date\":\"2026-11-24\"}\n");
    unit_destroy(unit);
    screen_destroy(screen);
}

/* Of two files one: its columns once, the rows of both, definitions at the end. */
static void rows_of_visits_are_one_table_however_many_files_they_are(void **state)
{
    struct unit *unit = unit_create(ANSWERS, 200,
                                    "\xef\xbb\xbf"
                                    "day,end\r\n2026-11-24,served\r\n\r\nperiod\r\n"
                                    "続き continues to,2026-11-20,x\r\nmeans\r\n");
    struct screen *screen = screen_create(true);
    char *words[] = {"--visits", "--from", "2026-11-01", NULL};
    char *misused[] = {"--visits", "--by", "day", NULL};

    (void)state;
    unit->next_body = "\xef\xbb\xbf"
                      "day,end\r\n2026-11-20,expired\r\n\r\nperiod\r\n"
                      "続き continues to\r\nmeans\r\n";
    assert_int_equal(run(screen, unit, command_stats, words), TOBAN_OK);
    assert_string_equal(screen_out(screen),
                        "\xef\xbb\xbf"
                        "day,end\r\n2026-11-24,served\r\n2026-11-20,expired\r\n\r\n"
                        "period\r\n続き continues to\r\nmeans\r\n");
    assert_int_equal(unit->asked_count, 2);
    assert_int_equal(unit->asked[0].read.what, API_READ_VISITS_CSV);
    assert_string_equal(unit->asked[0].read.text, "2026-11-01 - -");
    assert_string_equal(unit->asked[1].read.text, "2026-11-01 2026-11-20 -");
    assert_int_equal(run(screen, unit, command_stats, misused), TOBAN_USAGE);
    screen_destroy(screen);
    screen = screen_create(true);
    unit->body = unit->next_body = "{}";
    words[1] = NULL;
    assert_int_equal(run(screen, unit, command_stats, words), TOBAN_NO);
    unit_destroy(unit);
    screen_destroy(screen);
}

static void an_answer_that_is_no_json_is_said_to_be_none(void **state)
{
    struct unit *unit = unit_create(ANSWERS, 200, "<html>");
    struct screen *screen = screen_create(false);
    char *words[] = {"status", NULL};

    (void)state;
    assert_int_equal(run(screen, unit, command_day, words), TOBAN_UNREACHABLE);
    assert_string_not_equal(screen_err(screen), "");
    unit_destroy(unit);
    screen_destroy(screen);
}

static void ready_exits_with_0_only_when_it_is(void **state)
{
    static const struct {
        uint16_t status;
        const char *body;
        int r;
    } rows[] = {
        {200, "{\"ready\": true}", TOBAN_OK},
        {200, "{\"ready\": false, \"reasons\": [{\"text_en\": \"The spare is behind.\"}]}",
         TOBAN_NO},
        {503, "{\"ready\": true}", TOBAN_NO},
        {200, "{}", TOBAN_NO},
        {200, "ready", TOBAN_NO},
    };
    char *words[] = {NULL};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct unit *unit = unit_create(ANSWERS, rows[i].status, rows[i].body);
        struct screen *screen = screen_create(false);

        assert_int_equal(run(screen, unit, command_ready, words), rows[i].r);
        assert_true(i != 1 || strstr(screen_out(screen), "- The spare is behind.\n") != NULL);
        unit_destroy(unit);
        screen_destroy(screen);
    }
}

static void explain_tells_state_evidence_and_what_would_change_it(void **state)
{
    static const char body[] =
        "{\"unit\": 2, \"peer\": 1, \"peer_state\": \"\", \"state\": \"ALONE\","
        " \"state_ja\": \"単独。\", \"state_en\": \"alone\", \"reason\": \"PEER_MUTE\","
        " \"reason_ja\": \"1号機に届きません。\", \"reason_en\": \"Unit 1 is silent.\","
        " \"ends_ja\": \"声が戻ると終わります。\", \"ends_en\": \"A word of it ends this.\","
        " \"evidence\": {\"contact_agreed\": false, \"holds_address\": true,"
        " \"service_link\": true, \"peer_heard_ms_ago\": -1, \"term\": 1200},"
        " \"what_if\": [{\"if\": \"PEER_RETURNS\", \"text_ja\": \"戻れば合流します。\","
        " \"text_en\": \"If it returns, they meet.\"}]}";
    static const char *const screens[] = {
        "  visitors ----- [unit 2 ALONE] ==x== [unit 1 ?]\n"
        "State: alone\n"
        "Why: Unit 1 is silent.\n"
        "Ended by: A word of it ends this.\n"
        "  in contact with the other unit no\n"
        "  the service link works         yes\n"
        "  holds the floating address     yes\n"
        "  other unit last heard (ms ago) never\n"
        "  term                           1,200\n"
        "What would change it:\n"
        "- If it returns, they meet.\n",
        "  来庁者 ----- [2号機 ALONE] ==x== [1号機 ?]\n"
        "状態: 単独。\n"
        "理由: 1号機に届きません。\n"
        "終わるとき: 声が戻ると終わります。\n"
        "  相手と連絡がとれている         いいえ\n"
        "  窓口の回線が使える             はい\n"
        "  窓口アドレスを持っている       はい\n"
        "  相手の声を聞いてから (ms)      なし\n"
        "  期                             1,200\n"
        "次に起きること:\n"
        "- 戻れば合流します。\n",
    };
    char *words[] = {NULL};

    (void)state;
    for (int japanese = 0; japanese <= 1; japanese++) {
        struct unit *unit = unit_create(ANSWERS, 200, body);
        struct screen *screen = screen_create(japanese != 0);

        assert_int_equal(run(screen, unit, command_explain, words), TOBAN_OK);
        assert_string_equal(screen_out(screen), screens[japanese]);
        unit_destroy(unit);
        screen_destroy(screen);
    }
}

/* A spare, and a site with one unit whose cable is out: the picture says so. */
static void explain_draws_who_is_connected(void **state)
{
    static const char *const bodies[] = {
        "{\"unit\": 2, \"peer\": 1, \"peer_state\": \"PAIRED_DUTY\", \"state\": \"PAIRED_SPARE\","
        " \"evidence\": {\"contact_agreed\": true, \"service_link\": true}}",
        "{\"unit\": 1, \"peer\": 0, \"state\": \"WAITING\", \"evidence\": {\"service_link\": "
        "false}}",
    };
    static const char *const pictures[] = {
        "  visitors - - - [unit 2 PAIRED_SPARE] ===== [unit 1 PAIRED_DUTY]\n",
        "  visitors --x-- [unit 1 WAITING]\n",
    };
    char *words[] = {NULL};

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct unit *unit = unit_create(ANSWERS, 200, bodies[i]);
        struct screen *screen = screen_create(false);

        assert_int_equal(run(screen, unit, command_explain, words), TOBAN_OK);
        assert_ptr_equal(strstr(screen_out(screen), pictures[i]), screen_out(screen));
        unit_destroy(unit);
        screen_destroy(screen);
    }
}

static void without_any_unit_every_command_exits_with_3(void **state)
{
    struct screen *screen = screen_create(true);
    char *none[] = {NULL};
    char *next[] = {"1", "call-next", NULL};

    (void)state;
    screen->toban.socket = "/tmp/toban-cli-nobody/s";
    assert_int_equal(command_status(&screen->toban, 0, none), TOBAN_UNREACHABLE);
    assert_int_equal(command_ready(&screen->toban, 0, none), TOBAN_UNREACHABLE);
    assert_int_equal(command_counter(&screen->toban, 2, next), TOBAN_UNREACHABLE);
    assert_non_null(strstr(screen_err(screen), "号機"));
    screen_destroy(screen);
}

static void status_of_a_unit_over_its_socket(void **state)
{
    struct unit *unit = unit_create(ANSWERS, 200, paired_json);
    struct screen *screen = screen_create(true);
    char *words[] = {NULL};

    (void)state;
    assert_int_equal(run(screen, unit, command_status, words), TOBAN_OK);
    assert_non_null(
        strstr(screen_out(screen), "窓口業務ができます。切替もできます。操作は不要です。"));
    unit_destroy(unit);
    screen_destroy(screen);
}

/* ---- without a unit ---- */

static void the_calendar_of_a_year_is_counted(void **state)
{
    struct screen *screen = screen_create(true);
    char *words[] = {"2026", NULL};
    char *bad[] = {"1979", NULL};
    json_t *root;

    (void)state;
    assert_int_equal(command_calendar(&screen->toban, 1, bad), TOBAN_USAGE);
    assert_int_equal(command_calendar(&screen->toban, 1, words), TOBAN_OK);
    assert_non_null(strstr(screen_out(screen), "2026-09-22 火曜日    国民の休日\n"));
    assert_non_null(strstr(screen->out, "開庁日 240 日:"));
    screen_destroy(screen);
    screen = screen_create(true);
    screen->toban.json = true;
    assert_int_equal(command_calendar(&screen->toban, 1, words), TOBAN_OK);
    root = json_loads(screen_out(screen), 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(root, "opening_days")), 240);
    assert_int_equal(json_array_size(json_object_get(root, "by_month")), 12);
    json_decref(root);
    screen_destroy(screen);
}

/* A ledger of `count` entries; entries after `same` carry `mark`, so that two ledgers part there. */
static void make_ledger(const char *dir, uint64_t count, uint64_t same, uint32_t mark)
{
    struct ledger_options options = {
        .data_dir = dir, .record_dir = dir, .map_size_bytes = 16 << 20};
    struct crypto *crypto = crypto_create();
    struct ids_hash head = {0};
    struct ledger *ledger;
    char why[256];

    assert_int_equal(ledger_open(&options, &ledger, why, sizeof(why)), 0);
    for (uint64_t lsn = 1; lsn <= count; lsn++) {
        struct entry entry = {
            .kind = ENTRY_CHANGE_CLEAR, .lsn = lsn, .unit = 1, .actor = lsn > same ? mark : 0};
        uint8_t bytes[ENTRY_BYTES_MAX];
        uint8_t key[8];
        size_t len_bytes = entry_encode(&entry, bytes, sizeof(bytes));
        struct ledger_put put = {.key_len_bytes = sizeof(key), .key = key, .value = bytes};
        struct ledger_batch batch = {.entries = &put, .entry_count = 1};

        crypto_chain(crypto, &head, bytes, len_bytes, &head);
        memcpy(bytes + len_bytes, head.bytes, sizeof(head.bytes));
        put.value_len_bytes = (uint32_t)(len_bytes + sizeof(head.bytes));
        for (size_t i = 0; i < sizeof(key); i++) {
            key[i] = (uint8_t)(lsn >> (8 * (7 - i)));
        }
        assert_int_equal(ledger_commit(ledger, &batch), 0);
    }
    ledger_close(ledger);
    crypto_destroy(crypto);
}

/* Changes the `which`-th place where `count` equal bytes stand in the file. */
static void flip_where(const char *dir, const uint8_t *bytes, size_t count)
{
    char path[128];
    struct stat info;
    uint8_t *all;
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/ledger/data.mdb", dir);
    file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &info), 0);
    all = malloc((size_t)info.st_size);
    assert_int_equal(fread(all, 1, (size_t)info.st_size, file), info.st_size);
    for (uint8_t *at = all;
         (at = memmem(at, (size_t)(all + info.st_size - at), bytes, count)) != NULL; at++) {
        at[count - 1] ^= 1;
    }
    rewind(file);
    assert_int_equal(fwrite(all, 1, (size_t)info.st_size, file), info.st_size);
    assert_int_equal(fclose(file), 0);
    free(all);
}

static void remove_tree(const char *dir)
{
    char command[128];

    (void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    assert_int_equal(system(command), 0);
}

static void verify_walks_a_ledger_and_says_where_it_is_damaged(void **state)
{
    /* version, kind, lsn 7, as entry.h lays them out */
    static const uint8_t seventh[] = {0, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0,
                                      7, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    char dir[] = "/tmp/toban-cli-XXXXXX";
    char *words[] = {"verify", "--data", dir, NULL};
    char *again[] = {"verify", "--data", dir, NULL};
    struct screen *screen = screen_create(true);

    (void)state;
    assert_non_null(mkdtemp(dir));
    make_ledger(dir, 12, 12, 0);
    assert_int_equal(command_ledger(&screen->toban, 3, words), TOBAN_OK);
    assert_non_null(strstr(screen_out(screen), "12 件のつながりをすべて確かめました"));
    flip_where(dir, seventh, sizeof(seventh));
    assert_int_equal(command_ledger(&screen->toban, 3, again), TOBAN_NO);
    assert_non_null(strstr(screen_out(screen), "記録7番"));
    screen_destroy(screen);
    remove_tree(dir);
}

static void diff_finds_where_two_ledgers_part(void **state)
{
    char dirs[3][32] = {"/tmp/toban-cli-XXXXXX", "/tmp/toban-cli-XXXXXX", "/tmp/toban-cli-XXXXXX"};
    char *apart[] = {"diff", dirs[0], dirs[1], NULL};
    char *behind[] = {"diff", dirs[0], dirs[2], NULL};
    struct screen *screen = screen_create(true);

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_non_null(mkdtemp(dirs[i]));
    }
    make_ledger(dirs[0], 12, 6, 1);
    make_ledger(dirs[1], 9, 6, 2);
    make_ledger(dirs[2], 4, 6, 0);
    assert_int_equal(command_ledger(&screen->toban, 3, apart), TOBAN_NO);
    assert_non_null(
        strstr(screen_out(screen), "6 まで同じです (それぞれ 12、9 まで)。その先が食いちがって"));
    assert_int_equal(command_ledger(&screen->toban, 3, behind), TOBAN_OK);
    assert_non_null(
        strstr(screen_out(screen), "4 まで同じです (それぞれ 12、4 まで)。食いちがいはありません"));
    screen_destroy(screen);
    for (size_t i = 0; i < 3; i++) {
        remove_tree(dirs[i]);
    }
}

static void help_names_every_command_in_both_languages(void **state)
{
    static const char *const names[] = {"status",  "ready",    "explain", "day",     "duty",
                                        "unit",    "calendar", "ticket",  "counter", "ledger",
                                        "metrics", "office",   "help"};

    (void)state;
    for (size_t language = 0; language < 2; language++) {
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            struct screen *screen = screen_create(language == 0);
            char *words[] = {(char *)names[i], NULL};

            assert_int_equal(command_show_help(&screen->toban, 0, NULL), TOBAN_OK);
            assert_non_null(strstr(screen_out(screen), names[i]));
            assert_int_equal(command_show_help(&screen->toban, 1, words), TOBAN_OK);
            assert_non_null(command_find(names[i]));
            screen_destroy(screen);
        }
    }
    assert_null(command_find("nothing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_line_of_status_is_the_verdict),
        cmocka_unit_test(status_speaks_english_too),
        cmocka_unit_test(a_board_that_cannot_be_heard_is_to_be_touched),
        cmocka_unit_test(a_lone_unit_shows_its_letter_and_why),
        cmocka_unit_test(a_unit_that_is_not_heard_shows_no_figures),
        cmocka_unit_test(a_reason_is_told_once_and_who_acts_by_when),
        cmocka_unit_test(the_exit_status_of_status_is_whether_the_office_can_work),
        cmocka_unit_test(a_status_of_other_shapes_is_shown_without_harm),
        cmocka_unit_test(an_answer_is_put_together_from_pieces),
        cmocka_unit_test(a_unit_that_speaks_otherwise_is_told_apart),
        cmocka_unit_test(a_request_is_sent_again_with_its_key_when_the_unit_dies),
        cmocka_unit_test(a_command_waits_while_duty_changes_hands),
        cmocka_unit_test(a_refusal_is_told_and_exits_with_1),
        cmocka_unit_test(a_refusal_that_says_the_same_twice_is_told_once),
        cmocka_unit_test(json_goes_out_as_it_came),
        cmocka_unit_test(rows_of_visits_are_one_table_however_many_files_they_are),
        cmocka_unit_test(an_answer_that_is_no_json_is_said_to_be_none),
        cmocka_unit_test(ready_exits_with_0_only_when_it_is),
        cmocka_unit_test(explain_tells_state_evidence_and_what_would_change_it),
        cmocka_unit_test(explain_draws_who_is_connected),
        cmocka_unit_test(without_any_unit_every_command_exits_with_3),
        cmocka_unit_test(status_of_a_unit_over_its_socket),
        cmocka_unit_test(the_calendar_of_a_year_is_counted),
        cmocka_unit_test(verify_walks_a_ledger_and_says_where_it_is_damaged),
        cmocka_unit_test(diff_finds_where_two_ledgers_part),
        cmocka_unit_test(help_names_every_command_in_both_languages),
    };

    return cmocka_run_group_tests_name("toban_cli", tests, NULL, NULL);
}
