#include "tools/toban/toban.h"

#include <string.h>

static const struct toban_command commands[] = {
    {"status", "", "いまの状態。1行目に、窓口業務ができるか・誰が何をするか",
     "how things are; the first line says whether the office can serve",
     "終了コード: 0 業務に支障なし、1 支障あり、3 号機に届かない。",
     "Exit status: 0 the office can serve, 1 it cannot, 3 no unit was reached.", command_status},
    {"ready", "", "いま切り替え、次も開庁できるか (できれば 0)",
     "would a failover now, and the next opening, succeed (exit 0)?", NULL, NULL, command_ready},
    {"explain", "", "なぜこの状態なのか、次に何が起きるか",
     "why this unit is in this state, and what would change it", NULL, NULL, command_explain},
    {"day",
     "status | open [YYYY-MM-DD] | close | annul | certificate [YYYY-MM-DD] | slip [print]\n"
     "          | hours YYYY-MM-DD closed|usual|09:00-12:00 [REASON [ENGLISH]]\n"
     "          | notice none|TEXT [ENGLISH]",
     "開庁日を見る・開く・閉じる・取り消す、消去証明書、日計票、臨時の時間、お知らせ",
     "the service day: open, close, annul; its certificate of erasure, slip, hours, running text",
     "annul は誤って開いた日を取り消します。その日の受付の記録は直ちに消去されます。\n"
     "  certificate は消去証明書です。終了コード: 0 両号機が証明、1 まだの号機がある。\n"
     "  slip は日計票 (件数と台帳の連鎖の先頭)。print で再発行を印刷します。\n"
     "  hours は臨時閉庁・臨時開庁・時間変更。開庁中の今日を closed にすると、受付だけを終えます。",
     "annul takes back a day that was opened by mistake; its visits are erased at once.\n"
     "certificate: exit status 0 both units certify the erasure, 1 one has not yet.\n"
     "slip: totals and the head of the ledger's chain; print: a copy on the ticket printer.\n"
     "hours: closed or other hours; said of today while it is open, closed takes no more visitors.",
     command_day},
    {"duty", "handover | stop | resume", "当番を渡す・止める・再開する",
     "hand duty over, stop serving, resume", NULL, NULL, command_duty},
    {"unit",
     "list | approve SERIAL --by NAME --off-and-in-my-hands\n"
     "           | retire SERIAL --by NAME",
     "号機の一覧・交換の承認・計画撤去 (二人)",
     "units; approve a replacement, retire one (two people)",
     "SERIAL は取り外した号機の製造番号。承認も撤去も二人が10分以内にそれぞれ行います。\n"
     "  retire は2台が連携しているときに、予備の号機を計画的に外します。",
     "SERIAL is that of the unit that was taken out. Two people approve or retire, each by a call "
     "of their own,\n"
     "within ten minutes. retire takes the spare out in order, while both are paired.",
     command_unit},
    {"user",
     "list | add NAME --role ROLE [--title T] | change NAME [--role ROLE] [--title T]\n"
     "           | reset NAME | revoke NAME | restore NAME | token NAME | end SESSION",
     "利用者の登録・変更・失効", "accounts: add, change, revoke",
     "ROLE は operator 係員、supervisor 窓口責任者、administrator 管理者、engineer 保守員、auditor "
     "監査。\n"
     "  初期パスワードは一度だけ表示します。token はプログラム用の資格情報を出します。",
     "ROLE: operator, supervisor, administrator, engineer or auditor. The first password is drawn "
     "and\n"
     "shown once; token gives a program a credential of the account.",
     command_user},
    {"device",
     "list | pair KIND CODE [--counter N] [--title T] | add KIND [--counter N] [--title T]\n"
     "             | revoke ID",
     "端末の登録・失効", "kiosks, boards, terminals: pair, revoke",
     "KIND は kiosk・board・printer・counter・noc。CODE は端末の画面に出ている登録番号 (10分間)。",
     "KIND: kiosk, board, printer, counter or noc. CODE is what the device shows (for ten "
     "minutes).",
     command_device},
    {"config",
     "check FILE | show [VERSION] | history | diff [A [B]]\n"
     "             | apply FILE [--yes] [--at-opening] [--note TEXT] [--base VERSION]\n"
     "             | restore VERSION [--yes] [--at-opening] [--note TEXT]",
     "窓口の設定ファイル: 確かめる・適用する・戻す", "the site file: check, apply, go back",
     "apply と restore は変わることを示し、--yes があるときだけ変えます。A・B "
     "は版の番号かファイル。\n"
     "  --at-opening は次の開庁から。--base は、その版をもとに書いたときだけ適用します。",
     "apply and restore show what changes, and change it with --yes only. A, B: a version or a "
     "file.\n"
     "--at-opening: from the next opening on. --base: only if that is still the newest version.",
     command_config},
    {"calendar", "YEAR [--site FILE] [--holidays FILE] | import FILE [--apply]",
     "その年の閉庁日と理由、開庁日数。祝日の取込み",
     "days closed in a year and why; import holidays",
     "--holidays は内閣府の syukujitsu.csv。--site は所在地の設定ファイル。\n"
     "  import は syukujitsu.csv で変わる日を示し、--apply があるときだけ取り込みます。",
     "--holidays is the Cabinet Office's syukujitsu.csv; --site is a site file.\n"
     "import shows which days that list changes, and takes it with --apply only.",
     command_calendar},
    {"ticket",
     "issue CATEGORY [--language L] [--priority N] [--paper] [--then 2,5]\n"
     "                 [--staff-will-come]\n"
     "             | show TICKET | cancel TICKET | reprint TICKET | printed TICKET\n"
     "             | hold TICKET [--reason other|form|document|inquiry] [--minutes N] [--pool]\n"
     "             | return TICKET [--place head|age|tail] [--after N] | give-up TICKET\n"
     "             | transfer TICKET CATEGORY [--to-counter N] [--place P] [--after N]\n"
     "             | plan TICKET 2,5|none | note TICKET TEXT [--staff-will-come|--visitor-comes]\n"
     "             | hand-written CATEGORY NUMBER [--served]",
     "番号札の発券・照会・取消など", "issue, show, cancel ... a ticket",
     "TICKET は番号札のID。show は番号 (106、106B) でもよい。--key KEY (32桁の16進数) "
     "で同じ依頼を安全にやり直せます。",
     "TICKET is a ticket's id; show also takes its number (106, 106B). --key KEY (32 hexadecimal\n"
     "digits) makes a request safe to repeat.",
     command_ticket},
    {"counter",
     "N call-next | call TICKET | recall | start | complete | absent | put-back\n"
     "               | hold [--reason R] [--minutes N] [--pool] | undo | open | close | show\n"
     "               | transfer CATEGORY [--to-counter N] [--place P] [--after N]\n"
     "               | return TICKET [--place P] [--after N] | give-up TICKET | cancel TICKET\n"
     "               | plan 2,5|none | note TEXT [--staff-will-come|--visitor-comes]",
     "窓口の操作すべて", "all that a counter can do", "TICKET は番号札のIDか番号 (106、106B)。",
     "TICKET is a ticket's id or its number (106, 106B).", command_counter},
    {"acceptance", "[show] | stop [CATEGORY] | resume [CATEGORY] | limit CATEGORY N|none|usual",
     "受付の停止・再開・本日の上限", "stop or resume acceptance, today's limits",
     "用件を書かなければ、すべての用件です。usual は設定どおりの上限。",
     "Without a category it is all of them. usual: the limit that is configured.",
     command_acceptance},
    {"printer", "list | test [K] | roll [K] [--metres N]",
     "プリンターの状態と残り、試し刷り、ロール紙の交換",
     "printers: state and what is left; a test print; a new roll",
     "roll は新しいロール紙を入れたあとに。長さを書かなければ、設定ファイルの長さです。",
     "roll: after a new roll was put in; without --metres it has the site file's length.",
     command_printer},
    {"certificate", "list | show [YYYY-MM-DD] [--data DIR]",
     "台帳にある消去証明書 (号機と中継、古い日も)",
     "certificates of erasure in the ledger, of units and relays, however old",
     "show は日付のもの (省略: 最も新しい日) を要約値つきで出します。終了コード: 0 ある、1 ない。\n"
     "  最近の日に足りない証明は「toban day certificate」でわかります。",
     "show: of a date (the newest when none is given), with the digests. Exit status: 0 there are "
     "some, 1 none.\n"
     "What is missing of a recent day is told by `toban day certificate`.",
     command_certificate},
    {"ledger", "info | verify [--data DIR] | diff [DIR DIR]", "台帳の情報、全件の検証、2台の比較",
     "about the ledger; verify every link; compare two units",
     "verify は鎖をすべてたどり、壊れた場所を言います。DIR は号機のデータの場所。",
     "verify walks every link and says where it is damaged. DIR is a unit's data directory.",
     command_ledger},
    {"stats",
     "[--from YYYY-MM-DD] [--to YYYY-MM-DD] [--by day,category,hour,counter] [--csv] | --visits",
     "統計: 来庁、待ち時間、対応時間、目安の誤差",
     "statistics: arrivals, waits, services, the estimate",
     "日付を書かなければ最新の開庁日。--csv は定義つきの表 (UTF-8)。数の意味は "
     "docs/STATISTICS.md。--visits は1件ごとの行（設定で残している場合のみ、CSV）。",
     "Without dates: the newest service day. --csv: a table with its definitions (UTF-8). "
     "--visits: "
     "rows of single visits, where the site keeps them (CSV).",
     command_stats},
    {"metrics", "", "OpenMetrics の値", "OpenMetrics text of a unit", NULL, NULL, command_metrics},
    {"office", "up | down | run | status | info | fault | heal ...",
     "1台のPCの上の窓口 (toban-office)", "the office on one machine (toban-office)", NULL, NULL,
     command_office},
    {"replay", "FILE", "toband --trace の記録をもう一度判断させ、同じか確かめる",
     "decide again what toband --trace recorded, and compare", NULL, NULL, command_replay},
    {"help", "[COMMAND]", "この一覧、または指示の使い方", "this list, or how a command is used",
     NULL, NULL, command_show_help},
};

const struct toban_command *command_find(const char *name)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static void write_common_options(const struct toban *toban, FILE *out)
{
    (void)fputs(
        text_choose(
            toban,
            "\n共通:\n"
            "  --json         JSON で答える\n"
            "  --name N       このPCの上の窓口 N (省略: toban)\n"
            "  --unit K       K号機にたずねる (省略: 当番の号機)\n"
            "  --socket PATH  号機のソケット (または環境変数 TOBAN_SOCKET)\n"
            "  --lang ja|en   ことば (省略: ロケール)\n"
            "  --help         使い方\n"
            "終了コード: 0 できた、1 できない・断られた、2 書き方の誤り、3 号機に届かない\n",
            "\nFor every command:\n"
            "  --json         answer in JSON\n"
            "  --name N       the office N on this machine (default: toban)\n"
            "  --unit K       ask unit K (default: the unit on duty)\n"
            "  --socket PATH  a unit's socket (or TOBAN_SOCKET in the environment)\n"
            "  --lang ja|en   language (default: the locale)\n"
            "  --help         how a command is used\n"
            "Exit status: 0 done, 1 no or refused, 2 not understood, 3 no unit reached\n"),
        out);
}

void command_help(const struct toban *toban, const struct toban_command *command, FILE *out)
{
    (void)fprintf(out, "toban %s %s\n  %s\n", command->name, command->usage,
                  text_choose(toban, command->purpose_ja, command->purpose_en));
    if (command->more_ja != NULL) {
        (void)fprintf(out, "  %s\n", text_choose(toban, command->more_ja, command->more_en));
    }
    write_common_options(toban, out);
}

int command_misused(const struct toban *toban, const char *name, const char *ja, const char *en)
{
    const struct toban_command *command = command_find(name);

    (void)fprintf(toban->err, "toban %s: %s\n", name, text_choose(toban, ja, en));
    if (command != NULL) {
        (void)fprintf(toban->err, "  toban %s %s\n", command->name, command->usage);
    }
    return TOBAN_USAGE;
}

int command_show_help(struct toban *toban, int argc, char **argv)
{
    const struct toban_command *command = argc > 0 ? command_find(argv[0]) : NULL;

    if (argc > 0) {
        if (command == NULL) {
            return command_misused(toban, "help", "そのような指示はありません。",
                                   "there is no such command.");
        }
        command_help(toban, command, toban->out);
        return TOBAN_OK;
    }
    (void)fputs(text_choose(toban, "toban 当番: 番号発券システムの操作\n\n",
                            "toban: the number-ticket system\n\n"),
                toban->out);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        (void)fputs("  ", toban->out);
        text_put_padded(toban->out, commands[i].name, 10);
        (void)fprintf(toban->out, "%s\n",
                      text_choose(toban, commands[i].purpose_ja, commands[i].purpose_en));
    }
    write_common_options(toban, toban->out);
    return TOBAN_OK;
}
