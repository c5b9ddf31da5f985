/* The one table of who may what, and what roles and rights are called. docs/ACCESS.md is printed from it. */
#include "appliance/access/access.h"

#include "base/check.h"

#include <string.h>

/* A allowed, o own counter, p where the site allows the public page, - refused; in the order of enum access_role:
 * anyone kiosk board printer terminal | noc | operator supervisor administrator engineer auditor | local */
struct right_row {
    const char *code;
    const char grants[ACCESS_ROLE_END + 1];
    const char *ja, *en;
};

static const struct right_row rights[ACCESS_RIGHT_END] = {
    [ACCESS_RIGHT_NONE] = {"none", "------------", "（なし）", "(nothing)"},
    [ACCESS_QUEUE_READ] = {"queue-read", "pAAAAAAAAAAA", "待ち状況・呼出の表示",
                           "waiting, now serving, live events"},
    [ACCESS_DAY_READ] = {"day-read", "pAAAAAAAAAAA", "開庁日の表示", "the service day"},
    [ACCESS_TICKET_READ] = {"ticket-read", "pAAAAAAAA--A", "番号札の表示（IDが鍵）",
                            "one ticket, by its id"},
    [ACCESS_TICKET_CANCEL] = {"ticket-cancel", "pA--A-AA---A", "番号札の取消", "cancel a ticket"},
    [ACCESS_TICKET_ISSUE] = {"ticket-issue", "-A-----A---A", "発券", "issue"},
    [ACCESS_TICKET_PRINTED] = {"ticket-printed", "-A-A-------A", "印字の確認", "confirm a paper"},
    [ACCESS_TICKET_REPRINT] = {"ticket-reprint", "-A--A-AA---A", "再発券", "reprint"},
    [ACCESS_PRINTER_USE] = {"printer-use", "-A-AA-AAAA-A", "用紙交換・試し刷り",
                            "new roll, test print"},
    [ACCESS_TICKET_PRESS] = {"ticket-press", "----o-oA---A", "保留・転送・呼び戻し",
                             "hold, transfer, return"},
    [ACCESS_COUNTER_READ] = {"counter-read", "----o-oAA--A", "窓口の表示", "a counter's view"},
    [ACCESS_COUNTER_PRESS] = {"counter-press", "----o-oA---A", "窓口の操作",
                              "call, start, complete"},
    [ACCESS_QUEUE_MANAGE] = {"queue-manage", "-------AA--A", "受付の停止・再開、上限",
                             "acceptance, limits"},
    [ACCESS_DAY_CHANGE] = {"day-change", "-------AA--A", "開庁・閉庁", "open and close the day"},
    [ACCESS_STATUS_READ] = {"status-read", "-AAAAAAAAAAA", "装置の状態", "status, readiness"},
    [ACCESS_EXPLAIN_READ] = {"explain-read", "-----A-AAAAA", "判断の理由", "why, and what if"},
    [ACCESS_CALENDAR_READ] = {"calendar-read", "-AA-AAAAAAAA", "開庁日カレンダー", "the calendar"},
    [ACCESS_METRICS_READ] = {"metrics-read", "-----A--AAAA", "計測値", "metrics"},
    [ACCESS_STATISTICS_READ] = {"statistics-read", "-------AA-AA", "統計", "statistics"},
    [ACCESS_LEDGER_READ] = {"ledger-read", "--------AAAA", "台帳・監査記録", "ledger and audit"},
    [ACCESS_CONFIG_CHANGE] = {"config-change", "--------A--A", "設定の変更", "configuration"},
    [ACCESS_DUTY_CHANGE] = {"duty-change", "--------AA-A", "当番の交代・停止・訓練",
                            "hand over, stop, resume, drills"},
    [ACCESS_UNIT_CHANGE] = {"unit-change", "--------AA-A", "号機の承認・撤去・復元（二人）",
                            "approve, retire, restore a unit: two people"},
    [ACCESS_FAULT] = {"fault", "-----------A", "試験用の故障", "failpoints"},
    [ACCESS_SIGN_IN] = {"sign-in", "AAAAAAAAAAAA", "ログイン、端末登録の申込み",
                        "sign in, show a pairing code"},
    [ACCESS_OWN] = {"own", "------AAAAA-", "自分のログアウト・パスワード・PIN",
                    "sign out, own password, PIN, codes"},
    [ACCESS_CLERK_SIGN_IN] = {"clerk-sign-in", "-A--A-------", "係員の交代（PIN）",
                              "change of clerk, by PIN"},
    [ACCESS_PEOPLE_READ] = {"people-read", "--------A-AA", "利用者・端末の一覧",
                            "accounts, devices, sessions"},
    [ACCESS_PEOPLE_CHANGE] = {"people-change", "--------A--A", "利用者・端末の登録と変更",
                              "add and change accounts, pair devices"},
    [ACCESS_PEOPLE_REVOKE] = {"people-revoke", "--------A--A", "利用者・端末・接続の失効",
                              "revoke"},
    [ACCESS_TICKET_FIND] = {"ticket-find", "----A-AA---A", "きょうの番号札の一覧・番号での検索",
                            "list today's tickets, find one by its number"},
    [ACCESS_TICKET_REGISTER] = {"ticket-register", "p-----AA---A", "来庁前の受付",
                                "register before arrival"},
    [ACCESS_TICKET_ARRIVE] = {"ticket-arrive", "-A----AA---A", "来庁の受付（番号で）",
                              "record an arrival, by number"},
    [ACCESS_OWN_ARRIVE] = {"own-arrive", "pA----AA---A", "来庁の受付（IDで）",
                           "record an arrival, by the ticket's id"},
};

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };
#define DAY_MS (UINT64_C(24) * HOUR_MS)

struct role_row {
    const char *code, *ja;
    bool device, person, totp;
    uint64_t idle_ms, absolute_ms;
};

static const struct role_row roles[ACCESS_ROLE_END] = {
    [ACCESS_ANYONE] = {.code = "anyone", .ja = "だれでも"},
    [ACCESS_KIOSK] = {.code = "kiosk", .ja = "番号発券機", .device = true},
    [ACCESS_BOARD] = {.code = "board", .ja = "表示盤", .device = true},
    [ACCESS_PRINTER] = {.code = "printer", .ja = "印字装置", .device = true},
    [ACCESS_TERMINAL] = {.code = "counter", .ja = "呼出端末", .device = true},
    [ACCESS_NOC] = {.code = "noc", .ja = "遠隔監視", .device = true},
    [ACCESS_OPERATOR] = {"operator", "係員", false, true, false, UINT64_C(2) * HOUR_MS,
                         UINT64_C(12) * HOUR_MS},
    [ACCESS_SUPERVISOR] = {"supervisor", "窓口責任者", false, true, false, HOUR_MS,
                           UINT64_C(12) * HOUR_MS},
    [ACCESS_ADMINISTRATOR] = {"administrator", "管理者", false, true, true, 15 * MINUTE_MS,
                              UINT64_C(8) * HOUR_MS},
    [ACCESS_ENGINEER] = {"engineer", "保守員", false, true, true, 15 * MINUTE_MS,
                         UINT64_C(8) * HOUR_MS},
    [ACCESS_AUDITOR] = {"auditor", "監査", false, true, false, 30 * MINUTE_MS,
                        UINT64_C(8) * HOUR_MS},
    [ACCESS_LOCAL] = {.code = "local", .ja = "号機の保守端末"},
};

enum { PROGRAM_DAYS = 366 };

enum access_grant access_grant_of(enum access_right right, enum access_role role)
{
    char grant;

    if (right >= ACCESS_RIGHT_END || role >= ACCESS_ROLE_END) {
        return ACCESS_REFUSED;
    }
    grant = rights[right].grants[role];
    return grant == 'A'   ? ACCESS_ALLOWED
           : grant == 'o' ? ACCESS_OWN_COUNTER
           : grant == 'p' ? ACCESS_PUBLIC
                          : ACCESS_REFUSED;
}

bool access_role_is_device(enum access_role role)
{
    return role < ACCESS_ROLE_END && roles[role].device;
}

bool access_role_is_person(enum access_role role)
{
    return role < ACCESS_ROLE_END && roles[role].person;
}

bool access_role_needs_totp(enum access_role role)
{
    return role < ACCESS_ROLE_END && roles[role].totp;
}

uint64_t access_idle_ms(enum access_role role)
{
    CHECK(role < ACCESS_ROLE_END);
    return roles[role].idle_ms;
}

uint64_t access_absolute_ms(enum access_role role, bool program)
{
    CHECK(role < ACCESS_ROLE_END);
    return program ? PROGRAM_DAYS * DAY_MS : roles[role].absolute_ms;
}

const char *access_role_code(enum access_role role)
{
    CHECK(role < ACCESS_ROLE_END);
    return roles[role].code;
}

const char *access_role_ja(enum access_role role)
{
    CHECK(role < ACCESS_ROLE_END);
    return roles[role].ja;
}

enum access_role access_role_from_code(const char *code)
{
    for (size_t i = 0; i < ACCESS_ROLE_END; i++) {
        if (strcmp(roles[i].code, code) == 0) {
            return (enum access_role)i;
        }
    }
    return ACCESS_ROLE_END;
}

const char *access_right_code(enum access_right right)
{
    CHECK(right < ACCESS_RIGHT_END);
    return rights[right].code;
}

const char *access_right_ja(enum access_right right)
{
    CHECK(right < ACCESS_RIGHT_END);
    return rights[right].ja;
}

const char *access_right_en(enum access_right right)
{
    CHECK(right < ACCESS_RIGHT_END);
    return rights[right].en;
}
