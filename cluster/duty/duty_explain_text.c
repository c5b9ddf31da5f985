/* Sentences of `toban explain`: what a state does, what ends a reason, what is supposed. */
#include "cluster/duty/duty.h"

#include "base/check.h"

struct words {
    const char *code, *ja, *en;
};

static const struct words states[DUTY_STATE_COUNT] = {
    [DUTY_WAITING] = {NULL, "待機。相手の号機を探し、必要なら単独で始める",
                      "not serving; looks for its peer, serves alone when rule 2 allows"},
    [DUTY_TAKING] = {NULL, "単独開始の準備。単独期を記録している",
                     "decided to serve alone; its session is being made durable"},
    [DUTY_ALONE] = {NULL, "単独。文字付きの番号で受け付ける", "serves by letter"},
    [DUTY_MEETING_SOURCE] = {NULL, "合流（基準側）。受け付けていれば続ける",
                             "meets as source; still serves by letter if it served"},
    [DUTY_MEETING_OTHER] = {NULL, "合流（相手側）。受け付けず、差分を渡して台帳を受け取る",
                            "meets as other; serves nobody, its tail is read, then it follows"},
    [DUTY_MINTING] = {NULL, "新しい期を両方に記録している。要求は少し待つ",
                      "the term is being made durable here, then there; requests are held"},
    [DUTY_PAIRED_DUTY] = {NULL, "連携・当番。文字なしの番号",
                          "on duty: plain numbers, each on two disks"},
    [DUTY_PAIRED_SPARE] = {NULL, "連携・予備。記録して確認を返す",
                           "spare: stores and acknowledges"},
    [DUTY_HANDING_OVER] = {NULL, "当番を相手に渡している",
                           "on duty until the term that names the other is durable on both"},
    [DUTY_STOPPED] = {NULL, "停止。理由が解消するまで受け付けない",
                      "serves nobody until what the reason says has ended"},
};

static const struct words ends[DUTY_REASON_COUNT] = {
    [DUTY_REASON_NONE] = {NULL, "終わらせるものはありません。", "Nothing has to end."},
    [DUTY_REASON_STARTING] = {NULL,
                              "相手の声か、窓口アドレスの返事（または沈黙）を聞くと進みます。",
                              "It goes on when the other unit is heard, or when it is known who "
                              "holds the service address."},
    [DUTY_REASON_NOT_NEEDED] = {NULL, "開庁の準備時刻になると終わります。",
                                "The lead time before opening ends it."},
    [DUTY_REASON_PEER_GETS_TIME] = {NULL, "相手の声を聞くか、待ち時間が過ぎると終わります。",
                                    "A word of the other unit ends it, or the end of the wait."},
    [DUTY_REASON_NO_SERVICE_LINK] = {NULL, "LANケーブルかスイッチが戻ると終わります。",
                                     "The LAN cable or the switch coming back ends it."},
    [DUTY_REASON_ADDRESS_ANSWERS] = {NULL, "相手の号機が窓口アドレスを手放すと終わります。",
                                     "It ends when the other unit gives up the service address."},
    [DUTY_REASON_ADDRESS_STRANGER] = {NULL, "その機器を窓口の回線から外すと終わります。",
                                      "Taking that machine off the service network ends it."},
    [DUTY_REASON_YIELDED] = {NULL, "待ち時間が過ぎると、もう一度確かめます。",
                             "It looks again when the wait is over."},
    [DUTY_REASON_PEER_SERVES] = {NULL, "相手が応答しなくなるか、当番を渡すと終わります。",
                                 "It ends when the other unit falls silent or hands duty over."},
    [DUTY_REASON_MEETING] = {NULL, "台帳がそろうと終わります。",
                             "It ends when the ledgers are joined."},
    [DUTY_REASON_UNSTEADY_PEER] = {NULL, "接続が途切れずに続くと終わります。",
                                   "It ends when the connection has held long enough."},
    [DUTY_REASON_PEER_UNKNOWN] =
        {NULL, "二人が交換を承認すると終わります（toban unit approve）。",
         "Two people approving the replacement end it (toban unit approve)."},
    [DUTY_REASON_RETIRED] = {NULL, "終わりません。この号機を外してください。",
                             "Nothing ends it: take this unit out."},
    [DUTY_REASON_DAMAGED] = {NULL, "記録を相手から受け取り直すか、号機を交換すると終わります。",
                             "It ends when the ledger has been received again from the other unit, "
                             "or the unit is replaced."},
    [DUTY_REASON_OPERATOR] = {NULL, "操作で再開すると終わります（toban duty resume）。",
                              "An operator ends it (toban duty resume)."},
    [DUTY_REASON_BLANK] = {NULL, "台帳を持つ号機につながると、受け取って終わります。",
                           "A unit that has a ledger ends it, by giving it."},
    [DUTY_REASON_PEER_LOST] =
        {NULL, "相手が動き出すと台帳を合わせ、文字のない番号に戻ります。",
         "When the other unit runs again, the ledgers are joined and plain numbers return."},
    [DUTY_REASON_PEER_NEVER_SEEN] =
        {NULL, "相手の電源と回線が入ると台帳を合わせ、文字のない番号に戻ります。",
         "When the other unit is switched on and connected, the ledgers are joined and plain "
         "numbers return."},
    [DUTY_REASON_PEER_MUTE] =
        {NULL, "相手の声が戻ると台帳を合わせ、文字のない番号に戻ります。",
         "When the other unit is heard again, the ledgers are joined and plain numbers return."},
    [DUTY_REASON_NO_ACKNOWLEDGEMENT] =
        {NULL, "相手の確認が戻ると台帳を合わせ、文字のない番号に戻ります。",
         "When the other unit acknowledges again, the ledgers are joined and plain numbers "
         "return."},
    [DUTY_REASON_LINKS_CLOSED] =
        {NULL, "相手のプログラムが起動すると台帳を合わせ、文字のない番号に戻ります。",
         "When the other unit's program has started, the ledgers are joined and plain numbers "
         "return."},
    [DUTY_REASON_PEER_RESTARTED] = {NULL,
                                    "相手の起動が終わると台帳を合わせ、文字のない番号に戻ります。",
                                    "When the other unit has finished starting, the ledgers are "
                                    "joined and plain numbers return."},
    [DUTY_REASON_PEER_LEFT] =
        {NULL, "相手の電源が入ると台帳を合わせ、文字のない番号に戻ります。",
         "When the other unit is switched on, the ledgers are joined and plain numbers return."},
    [DUTY_REASON_MEETING_BROKE] = {NULL, "次の合流が終わると、文字のない番号に戻ります。",
                                   "When the next meeting is done, plain numbers return."},
    [DUTY_REASON_SINGLE_UNIT] = {NULL, "二台目をつなぐと終わります。", "A second unit ends it."},
    [DUTY_REASON_STOOD_STILL] = {NULL, "周りの確認が済むと終わります。",
                                 "It ends when this unit has looked around."},
    [DUTY_REASON_DISK_FULL] = {NULL, "ディスクに空きができると終わります。",
                               "Room on the disk ends it."},
};

static const struct words ifs[DUTY_IF_COUNT] = {
    [DUTY_IF_TIME_PASSES] = {"TIME_PASSES", "このまま何も起きなければ", "If nothing else happens"},
    [DUTY_IF_PEER_SILENT] = {"PEER_SILENT", "相手の号機が応答しなくなったら",
                             "If the other unit falls silent"},
    [DUTY_IF_PEER_RETURNS] = {"PEER_RETURNS", "相手の号機が戻ったら", "If the other unit returns"},
    [DUTY_IF_LINK_LOST] = {"LINK_LOST", "この号機の窓口側の回線が切れたら",
                           "If the service link of this unit breaks"},
    [DUTY_IF_LINK_BACK] = {"LINK_BACK", "この号機の窓口側の回線が戻ったら",
                           "If the service link of this unit comes back"},
    [DUTY_IF_NEEDED] = {"NEEDED", "開庁の準備時刻になったら", "If the time before opening comes"},
    [DUTY_IF_UNFIT] = {"UNFIT", "この号機のディスクが使えなくなったら",
                       "If the disk of this unit fails"},
    [DUTY_IF_FIT] = {"FIT", "この号機のディスクが直ったら",
                     "If the disk of this unit is sound again"},
    [DUTY_IF_HANDOVER] = {"HANDOVER", "当番の引き渡しを指示したら（toban duty handover）",
                          "If an operator hands duty over (toban duty handover)"},
    [DUTY_IF_STOP] = {"STOP", "この号機に停止を指示したら（toban duty stop）",
                      "If an operator stops this unit (toban duty stop)"},
    [DUTY_IF_RESUME] = {"RESUME", "この号機に再開を指示したら（toban duty resume）",
                        "If an operator resumes this unit (toban duty resume)"},
};

const char *duty_state_ja(enum duty_state state)
{
    CHECK((unsigned)state < DUTY_STATE_COUNT);
    return states[state].ja;
}

const char *duty_state_en(enum duty_state state)
{
    CHECK((unsigned)state < DUTY_STATE_COUNT);
    return states[state].en;
}

const char *duty_reason_ends_ja(enum duty_reason reason)
{
    CHECK((unsigned)reason < DUTY_REASON_COUNT);
    return ends[reason].ja;
}

const char *duty_reason_ends_en(enum duty_reason reason)
{
    CHECK((unsigned)reason < DUTY_REASON_COUNT);
    return ends[reason].en;
}

const char *duty_if_code(enum duty_if what)
{
    CHECK((unsigned)what < DUTY_IF_COUNT);
    return ifs[what].code;
}

const char *duty_if_ja(enum duty_if what)
{
    CHECK((unsigned)what < DUTY_IF_COUNT);
    return ifs[what].ja;
}

const char *duty_if_en(enum duty_if what)
{
    CHECK((unsigned)what < DUTY_IF_COUNT);
    return ifs[what].en;
}
