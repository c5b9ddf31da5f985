/* toban-office: the office on one machine. Options, help, and which command runs. See office.h. */
#include "tools/office/office.h"

#include "base/check.h"

#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPTION_NAME = 256,
    OPTION_AT,
    OPTION_SITE,
    OPTION_JSON,
    OPTION_UNITS,
    OPTION_UNIT,
    OPTION_KEEP,
    OPTION_PORT,
    OPTION_DISK,
    OPTION_DISK_MIB,
    OPTION_TIMEOUT,
    OPTION_CLIENTS,
    OPTION_RELAY,
    OPTION_DEAD,
    OPTION_LEARNING,
    OPTION_SHIFT,
    OPTION_HELP,
    PORT_MAX = 65535,
    SECONDS_MAX = 24 * 60 * 60,
};

typedef int command_fn(struct office *office, const struct office_options *options);

struct command {
    const char *name;
    command_fn *run;
};

static const struct command commands[] = {
    {"up", office_up},         {"run", office_run},     {"down", office_down},
    {"status", office_status}, {"info", office_info},   {"fault", office_fault},
    {"heal", office_heal},     {"clock", office_clock},
};

static const struct option long_options[] = {
    {"name", required_argument, NULL, OPTION_NAME},
    {"at", required_argument, NULL, OPTION_AT},
    {"site", required_argument, NULL, OPTION_SITE},
    {"json", no_argument, NULL, OPTION_JSON},
    {"units", required_argument, NULL, OPTION_UNITS},
    {"unit", required_argument, NULL, OPTION_UNIT},
    {"keep", no_argument, NULL, OPTION_KEEP},
    {"port", required_argument, NULL, OPTION_PORT},
    {"disk", required_argument, NULL, OPTION_DISK},
    {"disk-mib", required_argument, NULL, OPTION_DISK_MIB},
    {"timeout", required_argument, NULL, OPTION_TIMEOUT},
    {"clients", required_argument, NULL, OPTION_CLIENTS},
    {"relay", no_argument, NULL, OPTION_RELAY},
    {"dead", required_argument, NULL, OPTION_DEAD},
    {"learning", required_argument, NULL, OPTION_LEARNING},
    {"shift", required_argument, NULL, OPTION_SHIFT},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static const char help_en[] =
    "toban-office COMMAND [OPTIONS]   the office on one machine (root)\n"
    "\n"
    "  up                     make the office and return when its units are ready\n"
    "  run                    the same in the foreground; Ctrl-C takes it down\n"
    "  down                   take everything away (--keep: leave the files)\n"
    "  status                 what runs, which faults are in force; exit 0 when ready\n"
    "  info                   addresses, namespaces, directories, process numbers, credentials\n"
    "  fault KIND [UNIT]      break something:\n"
    "      power UNIT           cables first, then everything of the unit at once;\n"
    "                           unsynced data is lost\n"
    "      crash UNIT [PROGRAM] kill a program (toband)\n"
    "      wedge UNIT           toband stands still\n"
    "      unplug-lan UNIT      pull the cable to the service switch\n"
    "      unplug-direct        pull the cable between the units\n"
    "      partition            the units lose each other on both links, carrier stays\n"
    "                           (--clients UNIT: clients reach only this unit)\n"
    "      switch               the service switch restarts: no carrier for --dead S (30),\n"
    "                           then nothing forwarded for --learning S (30)\n"
    "      disk-full UNIT       the data disk has no room left\n"
    "      disk-wipe UNIT       the data disk is empty; the unit's record stays\n"
    "      clock UNIT           the wall clock jumps by --shift SECONDS\n"
    "      printer-WHAT [K]     printer K (1): end, near, cover, offline, cutter, jam, silent,\n"
    "                           garbage, off\n"
    "  heal [UNIT]            undo the faults of a unit, or all\n"
    "  clock                  time passes: every clock moves on by --shift SECONDS\n"
    "\n"
    "  --name N               which office (toban); several run side by side\n"
    "  --at 2026-11-24T08:20  start its wall clock there\n"
    "                         (now while the office is open, else the next opening)\n"
    "  --site FILE            the site file\n"
    "  --units 1|2            a lone unit, or the pair (2)\n"
    "  --port P               port on the host (8080 for the office \"toban\", else a free one)\n"
    "  --relay                the public page on another host, too, fed by both units\n"
    "  --disk loop|directory  an own file system (loop), or a directory of the host\n"
    "  --disk-mib N           its size (2048)\n"
    "  --timeout S            how long up waits (90)\n"
    "  --json                 answers for programs\n"
    "\n"
    "Exit: 0 done, 1 refused or failed, 2 usage, 3 no such office, 130 interrupted.\n"
    "TOBAN_OFFICE_DIR and TOBAN_OFFICE_BINDIR: where offices live, where programs are.\n";

static const char help_ja[] =
    "toban-office コマンド [オプション]   一台の計算機の上の事務所（root で実行）\n"
    "\n"
    "  up                     事務所を作り、号機の準備ができたら戻ります\n"
    "  run                    同じものを手前で動かします。Ctrl-C で片付けます\n"
    "  down                   すべて片付けます（--keep: ファイルを残す）\n"
    "  status                 動いているものと障害。準備完了なら終了コード 0\n"
    "  info                   アドレス、名前空間、場所、プロセス番号、資格情報\n"
    "  fault 種類 [号機]      障害を起こします\n"
    "      power 号機           先にケーブルを切り、号機のすべてを一度に止めます。\n"
    "                           書き込みの済んでいないデータは失われます\n"
    "      crash 号機 [名前]    プログラムを強制終了（toband）\n"
    "      wedge 号機           toband が固まる\n"
    "      unplug-lan 号機      窓口側のケーブルを抜く\n"
    "      unplug-direct        号機どうしのケーブルを抜く\n"
    "      partition            二台が互いに見えなくなる（リンクは生きたまま）\n"
    "                           （--clients 号機: 端末はこの号機にだけ届く）\n"
    "      switch               スイッチの再起動: --dead 秒（30）リンク断、\n"
    "                           その後 --learning 秒（30）転送なし\n"
    "      disk-full 号機       データディスクの空きがなくなる\n"
    "      disk-wipe 号機       データディスクが空になる（号機の控えは残る）\n"
    "      printer-種類 [番号]  プリンター（1）: end 用紙切れ、near 残量少、cover "
    "カバー、offline、\n"
    "                           cutter、jam、silent 無応答、garbage、off 電源断\n"
    "      clock 号機           時計が --shift 秒ずれる\n"
    "  heal [号機]            その号機、またはすべての障害を直します\n"
    "  clock                  時間が進みます: すべての時計が --shift 秒進む\n"
    "\n"
    "  --name N               事務所の名前（toban）。並べて動かせます\n"
    "  --at 2026-11-24T08:20  その時刻から始めます（なければ、開庁中は今、閉庁中は次の開庁時刻）\n"
    "  --site ファイル        窓口の設定ファイル\n"
    "  --units 1|2            一台だけ、または二台（2）\n"
    "  --port P               この計算機でのポート（toban は 8080、ほかは空き番号）\n"
    "  --relay                別ホストの公開画面（中継）も動かし、両号機から送ります\n"
    "  --disk loop|directory  専用のファイルシステム（loop）か、この計算機のディレクトリ\n"
    "  --disk-mib N           その大きさ（2048）\n"
    "  --timeout 秒           up が待つ時間（90）\n"
    "  --json                 プログラム向けの答え\n"
    "\n"
    "終了コード: 0 完了、1 拒否または失敗、2 使い方の誤り、3 その事務所はない、130 中断\n"
    "TOBAN_OFFICE_DIR と TOBAN_OFFICE_BINDIR: 事務所の場所とプログラムの場所\n";

static bool reader_is_japanese(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

    for (size_t i = 0; i < ARRAY_COUNT(variables); i++) {
        const char *value = getenv(variables[i]);

        if (value != NULL && value[0] != '\0') {
            return strncmp(value, "ja", 2) == 0;
        }
    }
    return false;
}

static bool parse_number(const char *text, long min, long max, long *ret_value)
{
    char *end = NULL;
    long value = strtol(text, &end, 10);

    if (end == text || *end != '\0' || value < min || value > max) {
        return false;
    }
    *ret_value = value;
    return true;
}

static bool add_word(struct office_options *options, const char *word)
{
    if (options->word_count == ARRAY_COUNT(options->words)) {
        return false;
    }
    options->words[options->word_count++] = word;
    return true;
}

static bool parse_disk(const char *text, struct office *office)
{
    office->disk = strcmp(text, "directory") == 0 ? OFFICE_DISK_DIRECTORY : OFFICE_DISK_LOOP;
    return office->disk == OFFICE_DISK_DIRECTORY || strcmp(text, "loop") == 0;
}

static bool take_number(int option, const char *text, struct office *office,
                        struct office_options *options)
{
    long value = 0;

    switch (option) {
    case OPTION_UNITS:
        if (!parse_number(text, 1, OFFICE_UNITS_MAX, &value)) {
            return false;
        }
        office->unit_count = (unsigned)value;
        return true;
    case OPTION_PORT:
        if (!parse_number(text, 1, PORT_MAX, &value)) {
            return false;
        }
        office->host_port = (uint16_t)value;
        return true;
    case OPTION_DISK_MIB:
        if (!parse_number(text, OFFICE_DISK_MIB_MIN, OFFICE_DISK_MIB_MAX, &value)) {
            return false;
        }
        office->disk_mib = (uint32_t)value;
        return true;
    case OPTION_CLIENTS:
        if (!parse_number(text, 1, OFFICE_UNITS_MAX, &value)) {
            return false;
        }
        options->clients_place = (unsigned)value;
        return true;
    case OPTION_SHIFT:
        if (!parse_number(text, INT32_MIN, INT32_MAX, &value)) {
            return false;
        }
        options->clock_shift_ms = value * 1000;
        return true;
    default:
        if (!parse_number(text, 0, SECONDS_MAX, &value)) {
            return false;
        }
        *(option == OPTION_TIMEOUT ? &options->timeout_s
          : option == OPTION_DEAD  ? &options->dead_s
                                   : &options->learning_s) = (uint32_t)value;
        return true;
    }
}

static bool take_option(int option, const char *text, struct office *office,
                        struct office_options *options)
{
    switch (option) {
    case OPTION_NAME: /* was read before: everything else rests on it */
        return true;
    case OPTION_AT:
        options->at = text;
        return true;
    case OPTION_SITE:
        options->site = text;
        return true;
    case OPTION_JSON:
        options->json = true;
        return true;
    case OPTION_RELAY:
        office->relay = true;
        return true;
    case OPTION_KEEP:
        options->keep = true;
        return true;
    case OPTION_UNIT:
        return add_word(options, text);
    case OPTION_DISK:
        return parse_disk(text, office);
    default:
        return take_number(option, text, office, options);
    }
}

/* First pass: the name and --help, so that errors can be told in the right place. */
static bool scan(int argc, char **argv, const char **ret_name)
{
    bool help = argc < 2;
    int option = 0;

    opterr = 0;
    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        if (option == OPTION_NAME) {
            *ret_name = optarg;
        }
        help = help || option == OPTION_HELP || option == 'h';
    }
    optind = 0;
    return help;
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; name != NULL && i < ARRAY_COUNT(commands); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static int complain(bool japanese, const char *what)
{
    (void)fprintf(stderr,
                  japanese
                      ? "toban-office: 「%s」は分かりません。toban-office --help を見てください。\n"
                      : "toban-office: cannot understand \"%s\". See toban-office --help.\n",
                  what);
    return OFFICE_EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct office_options options = {.timeout_s = OFFICE_READY_TIMEOUT_S,
                                     .dead_s = OFFICE_SWITCH_DEAD_S,
                                     .learning_s = OFFICE_SWITCH_LEARNING_S};
    struct office *office = calloc(1, sizeof(*office));
    struct office_error error = {0};
    const struct command *command = NULL;
    const char *name = OFFICE_NAME_DEFAULT;
    bool japanese = reader_is_japanese();
    int option = 0;
    int status = 0;

    CHECK(office != NULL);
    (void)setlocale(LC_CTYPE, "");
    if (scan(argc, argv, &name)) {
        (void)fputs(japanese ? help_ja : help_en, stdout);
        free(office);
        return argc < 2 ? OFFICE_EXIT_USAGE : OFFICE_EXIT_OK;
    }
    office->japanese = japanese;
    if (office_init(office, name, &error) < 0) {
        (void)fprintf(stderr, "toban-office: %s\n", japanese ? error.ja : error.en);
        free(office);
        return OFFICE_EXIT_USAGE;
    }
    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        if (option == '?' || !take_option(option, optarg == NULL ? "" : optarg, office, &options)) {
            status = complain(japanese, optarg != NULL ? optarg : argv[optind - 1]);
        }
    }
    command = find_command(argv[optind]);
    if (status == 0 && command == NULL) {
        status = complain(japanese, argv[optind] == NULL ? "" : argv[optind]);
    }
    for (int i = optind + 1; i < argc && status == 0; i++) {
        status = add_word(&options, argv[i]) ? 0 : complain(japanese, argv[i]);
    }
    status = status != 0 ? status : command->run(office, &options);
    free(office);
    return status;
}
