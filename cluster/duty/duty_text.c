/* Codes (part of the surface, never translated) and sentences for people. */
#include "cluster/duty/duty.h"

#include "base/check.h"

const char *duty_state_code(enum duty_state state)
{
    static const char *const codes[DUTY_STATE_COUNT] = {
        [DUTY_WAITING] = "WAITING",
        [DUTY_TAKING] = "TAKING",
        [DUTY_ALONE] = "ALONE",
        [DUTY_MEETING_SOURCE] = "MEETING_SOURCE",
        [DUTY_MEETING_OTHER] = "MEETING_OTHER",
        [DUTY_MINTING] = "MINTING",
        [DUTY_PAIRED_DUTY] = "PAIRED_DUTY",
        [DUTY_PAIRED_SPARE] = "PAIRED_SPARE",
        [DUTY_HANDING_OVER] = "HANDING_OVER",
        [DUTY_STOPPED] = "STOPPED",
    };

    CHECK((unsigned)state < DUTY_STATE_COUNT);
    return codes[state];
}

const char *duty_event_code(enum duty_event_kind event)
{
    static const char *const codes[DUTY_EVENT_COUNT] = {
        [DUTY_STARTED] = "STARTED",
        [DUTY_TIMEOUT] = "TIMEOUT",
        [DUTY_WORD] = "WORD",
        [DUTY_CONTACT_BROKEN] = "CONTACT_BROKEN",
        [DUTY_LINKS_CLOSED] = "LINKS_CLOSED",
        [DUTY_PEER_PROCESS] = "PEER_PROCESS",
        [DUTY_SERVICE_LINK] = "SERVICE_LINK",
        [DUTY_ADDRESS_PROBED] = "ADDRESS_PROBED",
        [DUTY_ADDRESS_CONTESTED] = "ADDRESS_CONTESTED",
        [DUTY_NEEDED] = "NEEDED",
        [DUTY_LEDGER] = "LEDGER",
        [DUTY_SESSION_STORED] = "SESSION_STORED",
        [DUTY_TAIL_CLOSED] = "TAIL_CLOSED",
        [DUTY_MEETING_READY] = "MEETING_READY",
        [DUTY_MEETING_BROKEN] = "MEETING_BROKEN",
        [DUTY_TERM_CONFIRMED] = "TERM_CONFIRMED",
        [DUTY_TERM_OBEYED] = "TERM_OBEYED",
        [DUTY_OPERATOR] = "OPERATOR",
        [DUTY_HEALTH] = "HEALTH",
    };

    CHECK((unsigned)event < DUTY_EVENT_COUNT);
    return codes[event];
}

const char *duty_action_code(enum duty_action_kind action)
{
    static const char *const codes[] = {
        [DUTY_SEND_WORD] = "SEND_WORD",
        [DUTY_PROBE_ADDRESS] = "PROBE_ADDRESS",
        [DUTY_TAKE_ADDRESS] = "TAKE_ADDRESS",
        [DUTY_DROP_ADDRESS] = "DROP_ADDRESS",
        [DUTY_BEGIN_SESSION] = "BEGIN_SESSION",
        [DUTY_SERVE] = "SERVE",
        [DUTY_HOLD] = "HOLD",
        [DUTY_MEET_AS_SOURCE] = "MEET_AS_SOURCE",
        [DUTY_MEET_AS_OTHER] = "MEET_AS_OTHER",
        [DUTY_MEETING_OVER] = "MEETING_OVER",
        [DUTY_MINT] = "MINT",
        [DUTY_CONTACT] = "CONTACT",
    };

    CHECK((unsigned)action < ARRAY_COUNT(codes));
    return codes[action];
}

struct reason_text {
    const char *code, *ja, *en;
};

static const struct reason_text reasons[DUTY_REASON_COUNT] = {
    [DUTY_REASON_NONE] = {"NONE", "特にありません。", "Nothing to report."},
    [DUTY_REASON_STARTING] =
        {"STARTING", "起動中です。相手の号機と窓口の回線を確認しています。",
         "Starting: looking for the other unit and checking the service link."},
    [DUTY_REASON_NOT_NEEDED] =
        {"NOT_NEEDED", "閉庁時間のため、単独では当番に就きません。開庁前に自動で始まります。",
         "The office is closed: this unit does not serve alone. It begins by "
         "itself before opening."},
    [DUTY_REASON_PEER_GETS_TIME] =
        {"PEER_GETS_TIME", "相手の号機の起動を待っています。まもなく自動で進みます。",
         "Giving the other unit time to start. It goes on by itself soon."},
    [DUTY_REASON_NO_SERVICE_LINK] = {"NO_SERVICE_LINK",
                                     "窓口側の回線が切れています。LANケーブルを確認してください。",
                                     "The service link is down. Check the LAN cable of this unit."},
    [DUTY_REASON_ADDRESS_ANSWERS] = {"ADDRESS_ANSWERS",
                                     "相手の号機が窓口アドレスで応答しています。",
                                     "The other unit answers on the service address."},
    [DUTY_REASON_ADDRESS_STRANGER] =
        {"ADDRESS_STRANGER", "窓口アドレスを別の機器が使っています。その機器を外してください。",
         "Another machine uses the service address. Remove that machine."},
    [DUTY_REASON_YIELDED] = {"YIELDED", "窓口アドレスが重なったため、一時的に譲っています。",
                             "The service address was contested; this unit yields for a while."},
    [DUTY_REASON_PEER_SERVES] = {"PEER_SERVES", "相手の号機が当番です。",
                                 "The other unit is on duty."},
    [DUTY_REASON_MEETING] = {"MEETING", "二台の台帳を合わせています。",
                             "The two units are joining their ledgers."},
    [DUTY_REASON_UNSTEADY_PEER] = {"UNSTEADY_PEER",
                                   "接続が不安定なため、しばらく様子を見てから連携します。",
                                   "The connection was unsteady; pairing waits until it holds."},
    [DUTY_REASON_PEER_UNKNOWN] =
        {"PEER_UNKNOWN", "未承認の号機がつながっています。交換の承認が必要です。",
         "An unknown unit is connected. Its replacement must be approved."},
    [DUTY_REASON_RETIRED] = {"RETIRED", "この号機は交換済みです。電源を切って外してください。",
                             "This unit was replaced. Switch it off and remove it."},
    [DUTY_REASON_DAMAGED] = {"DAMAGED", "この号機の記録装置に異常があります。交換してください。",
                             "The disk or ledger of this unit is damaged. Replace the unit."},
    [DUTY_REASON_OPERATOR] = {"OPERATOR", "操作により停止しています。再開すると戻ります。",
                              "Stopped by an operator. It returns on resume."},
    [DUTY_REASON_BLANK] = {"BLANK", "まだ台帳がありません。当番の号機から受け取ります。",
                           "No ledger yet. It will be received from the unit on duty."},
    [DUTY_REASON_PEER_LOST] = {"PEER_LOST", "相手の号機が停止しました。",
                               "The other unit stopped."},
    [DUTY_REASON_PEER_NEVER_SEEN] = {"PEER_NEVER_SEEN",
                                     "起動後、相手の号機と一度も通信できていません。",
                                     "The other unit has not been heard since this unit started."},
    [DUTY_REASON_PEER_MUTE] = {"PEER_MUTE",
                               "相手の号機から応答がありません。電源と回線を確認してください。",
                               "The other unit is silent. Check its power and links."},
    [DUTY_REASON_NO_ACKNOWLEDGEMENT] = {"NO_ACKNOWLEDGEMENT",
                                        "相手の号機が期限内に受け取りを確認しませんでした。",
                                        "The other unit did not acknowledge in time."},
    [DUTY_REASON_LINKS_CLOSED] = {"LINKS_CLOSED", "相手の号機のプログラムが終了しました。",
                                  "The program of the other unit ended."},
    [DUTY_REASON_PEER_RESTARTED] = {"PEER_RESTARTED", "相手の号機が再起動しました。",
                                    "The other unit restarted."},
    [DUTY_REASON_PEER_LEFT] = {"PEER_LEFT", "相手の号機は正常に停止しました。",
                               "The other unit was shut down in order."},
    [DUTY_REASON_MEETING_BROKE] = {"MEETING_BROKE",
                                   "台帳の合流が中断しました。自動でやり直します。",
                                   "Joining the ledgers was interrupted. It is tried again."},
    [DUTY_REASON_STOOD_STILL] = {"STOOD_STILL",
                                 "この号機が一時停止していました。状況を確認しています。",
                                 "This unit stood still for a while. It looks around first."},
    [DUTY_REASON_DISK_FULL] = {"DISK_FULL",
                               "この号機のディスクに空きがありません。空きを作ると自動で戻ります。",
                               "The disk of this unit is full. Make room; it returns by itself."},
    [DUTY_REASON_SINGLE_UNIT] = {"SINGLE_UNIT", "一台構成のため、文字付きの番号で運用しています。",
                                 "This site has one unit: numbers carry its letter."},
};

const char *duty_reason_code(enum duty_reason reason)
{
    CHECK((unsigned)reason < DUTY_REASON_COUNT);
    return reasons[reason].code;
}

const char *duty_reason_ja(enum duty_reason reason)
{
    CHECK((unsigned)reason < DUTY_REASON_COUNT);
    return reasons[reason].ja;
}

const char *duty_reason_en(enum duty_reason reason)
{
    CHECK((unsigned)reason < DUTY_REASON_COUNT);
    return reasons[reason].en;
}
