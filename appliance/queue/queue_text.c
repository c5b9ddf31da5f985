/* Codes, and what a visitor or a clerk is told: what is so, and what to do about it. */
#include "appliance/queue/queue.h"

#include "base/check.h"

struct reason_text {
    const char *code;
    const char *ja;
    const char *en;
};

static const struct reason_text reasons[QUEUE_REASON_END] = {
    [QUEUE_OK] = {"OK", "受け付けました。", "Done."},
    [QUEUE_REPLAYED] = {"REPLAYED",
                        "この操作はすでに受け付けています。もう一度押す必要はありません。",
                        "This was done already. There is no need to repeat it."},
    [QUEUE_EMPTY] = {"EMPTY", "この窓口で呼び出せる方はいません。次の方が来るまでお待ちください。",
                     "Nobody is waiting for this counter. Please wait for the next visitor."},
    [QUEUE_KEY_REUSED] =
        {"KEY_REUSED",
         "同じ操作番号が別の内容で使われました。画面を読み込み直して、もう一度操作してください。",
         "The same request key came with other contents. Reload the page and try again."},
    [QUEUE_DAY_NOT_OPEN] = {"DAY_NOT_OPEN",
                            "ただいま受付時間外です。受付が始まってから操作してください。",
                            "The office is not open. Please try again in opening hours."},
    [QUEUE_DAY_ALREADY_OPEN] = {"DAY_ALREADY_OPEN",
                                "この日の受付は開いています。先に受付を終了してください。",
                                "The day is open. Close it first if you want to open or erase it."},
    [QUEUE_DAY_NOT_LATER] =
        {"DAY_NOT_LATER",
         "この日付では開けません。前に開いた日より後の、消去していない正しい日付を入れてください。",
         "This date cannot be opened. Enter a real date that is later than the last one opened "
         "and not erased."},
    [QUEUE_DAY_NOT_ERASED] =
        {"DAY_NOT_ERASED",
         "前の開庁日の記録が残っています。前の日を閉じて消去してから、新しい日を開いてください。",
         "Records of the last service day are still here. Close and erase that day, then open the "
         "new one."},
    [QUEUE_DAY_FULL] =
        {"DAY_FULL", "本日の受付数の上限に達しました。係員が手書きの番号札でご案内します。",
         "Today's limit is reached. Staff will help you with a hand-written ticket."},
    [QUEUE_NO_SUCH_CATEGORY] = {"NO_SUCH_CATEGORY",
                                "その用件は登録されていません。一覧から選び直してください。",
                                "There is no such service. Please choose one from the list."},
    [QUEUE_NO_SUCH_COUNTER] = {"NO_SUCH_COUNTER",
                               "その番号の窓口はありません。窓口番号を確かめてください。",
                               "There is no counter with this number. Check the counter number."},
    [QUEUE_NO_SUCH_TICKET] =
        {"NO_SUCH_TICKET", "その番号札は本日の記録にありません。番号と日付を確かめてください。",
         "There is no such ticket today. Check the number and the date on it."},
    [QUEUE_CATEGORY_SUSPENDED] =
        {"CATEGORY_SUSPENDED", "この用件の受付は停止しています。係員にお尋ねください。",
         "This service takes no new visitors at the moment. Please ask the staff."},
    [QUEUE_NUMBERS_USED_UP] =
        {"NUMBERS_USED_UP",
         "この用件の番号を本日分すべて使い切りました。係員が手書きの番号札でご案内します。",
         "All of today's numbers for this service are used. Staff will help you with a "
         "hand-written ticket."},
    [QUEUE_CEILING_REACHED] = {"CEILING_REACHED",
                               "次の番号を準備しています。数秒待ってからもう一度操作してください。",
                               "The next numbers are being reserved. Try again in a few seconds."},
    [QUEUE_COUNTER_CLOSED] = {"COUNTER_CLOSED",
                              "この窓口は閉じています。窓口を開けてから操作してください。",
                              "This counter is closed. Open the counter first."},
    [QUEUE_COUNTER_BUSY] =
        {"COUNTER_BUSY",
         "この窓口には対応中の方がいます。完了・保留・不在などで終えてから操作してください。",
         "This counter has a visitor. Complete, hold or set absent first."},
    [QUEUE_COUNTER_IDLE] = {"COUNTER_IDLE",
                            "この窓口で呼び出している方はいません。先に番号を呼び出してください。",
                            "This counter has called nobody. Call a number first."},
    [QUEUE_COUNTER_NOT_FOR] =
        {"COUNTER_NOT_FOR",
         "この窓口ではその用件を扱えません。扱える窓口で呼ぶか、用件を転送してください。",
         "This counter does not serve that service. Call it at another counter or transfer it."},
    [QUEUE_TICKET_ELSEWHERE] =
        {"TICKET_ELSEWHERE",
         "この番号は別の窓口で対応しています。画面を更新して、その窓口に確かめてください。",
         "Another counter has this ticket. Refresh the screen and ask that counter."},
    [QUEUE_WRONG_STATE] =
        {"WRONG_STATE",
         "番号札の状態が変わったため、この操作はできません。画面を更新して確かめてください。",
         "The ticket's state does not allow this. Refresh the screen and look again."},
    [QUEUE_TOO_SOON] = {"TOO_SOON",
                        "呼び出したばかりです。5秒ほど待ってからもう一度押してください。",
                        "It was called just now. Wait about 5 seconds and press again."},
    [QUEUE_NOTHING_TO_UNDO] =
        {"NOTHING_TO_UNDO",
         "この窓口に取り消せる操作はありません。番号を選んで操作し直してください。",
         "There is nothing to undo at this counter. Choose the number and correct it there."},
    [QUEUE_UNDO_TOO_LATE] =
        {"UNDO_TOO_LATE",
         "操作から30秒を過ぎたため取り消せません。番号を選んで操作し直してください。",
         "More than 30 seconds have passed. Choose the number and correct it there."},
    [QUEUE_BAD_LANGUAGE] = {"BAD_LANGUAGE",
                            "その言語は使えません。ja、ja-easy、en、zh、ko から選んでください。",
                            "This language is not offered. Choose ja, ja-easy, en, zh or ko."},
    [QUEUE_ALL_SUSPENDED] = {"ALL_SUSPENDED",
                             "ただいま受付を停止しています。係員にお尋ねください。",
                             "No new visitors are taken at the moment. Please ask the staff."},
    [QUEUE_LIMIT_REACHED] =
        {"LIMIT_REACHED",
         "この用件は本日の受付数に達しました。別の日にお越しいただくか、係員にお尋ねください。",
         "Today's limit for this service is reached. Come another day or ask the staff."},
    [QUEUE_NOT_AT_THIS_HOUR] =
        {"NOT_AT_THIS_HOUR",
         "この用件はいまの時間は受け付けていません。受付時間になってからお越しください。",
         "This service takes no visitors at this hour. Please come in its hours."},
    [QUEUE_ACCEPTANCE_OVER] =
        {"ACCEPTANCE_OVER", "この用件の本日の受付は終わりました。別の日にお越しください。",
         "Acceptance for this service is over for today. Please come another day."},
    [QUEUE_TWIN_CALLED] =
        {"TWIN_CALLED",
         "英字だけが違う同じ番号を呼び出したばかりです。1分ほど待ってからもう一度押してください。",
         "The same number with another letter was called just now. Wait a minute and press again."},
    [QUEUE_HELD_ELSEWHERE] =
        {"HELD_ELSEWHERE", "この方は別の窓口が保留しています。その窓口に確かめてください。",
         "Another counter holds this visitor and goes on with the visit. Ask that counter."},
    [QUEUE_RETURN_TOO_LATE] =
        {"RETURN_TOO_LATE", "元の順番に戻せる時間を過ぎました。何人か後か、最後に並べてください。",
         "It is too late for the old place. Let the visitor wait behind some others, or at the "
         "end."},
    [QUEUE_TOO_MANY_LEGS] =
        {"TOO_MANY_LEGS",
         "一枚の番号札で扱える手続きの数を超えます。新しい番号札を出してください。",
         "One ticket cannot have more services. Issue a new ticket."},
    [QUEUE_NUMBER_NOT_MANUAL] =
        {"NUMBER_NOT_MANUAL",
         "この用件の手書き用の番号ではありません。札の番号と用件を確かめてください。",
         "This is no hand-written number of this service. Check the number and the service."},
    [QUEUE_NUMBER_TAKEN] = {"NUMBER_TAKEN", "この手書きの番号はすでに入力されています。",
                            "This hand-written number has been entered already."},
    [QUEUE_BAD_PLACE] =
        {"BAD_PLACE",
         "並べる位置、保留の理由や時間、または手続きの一覧が正しくありません。選び直してください。",
         "The place, the reason or time of a hold, or the list of services is not valid. Choose "
         "again."},
    [QUEUE_BAD_NOTE] = {"BAD_NOTE", "メモは短い文（30文字ほど）で入れてください。",
                        "The note must be a short text of some thirty characters."},
    [QUEUE_BAD_TEXT] =
        {"BAD_TEXT", "お知らせは日本語で70文字ほどまでです。英語だけのお知らせは出せません。",
         "A text has some seventy characters at most, and never English without Japanese."},
    [QUEUE_BAD_SERVES] =
        {"BAD_SERVES",
         "窓口の用件が正しくありません。同じ用件は一度だけ、順位は1から9で選んでください。",
         "What the counter serves is not valid: each service once, its rank from 1 to 9."},
    [QUEUE_BAD_HOURS] =
        {"BAD_HOURS", "日付か時刻が正しくありません。閉庁は開庁より後の時刻にしてください。",
         "The date or the times are not valid. The office must close after it opens."},
    [QUEUE_HOURS_FULL] =
        {"HOURS_FULL", "変更できる日は16日までです。不要な変更を元に戻してください。",
         "The hours of sixteen dates are changed already. Take one of them back first."},
    [QUEUE_NO_REGISTRATION] =
        {"NO_REGISTRATION",
         "この用件は来庁前の受付を行っていません。来庁して番号札をお取りください。",
         "This service takes no registration before arrival. Please come and take a ticket."},
    [QUEUE_REGISTRATION_FULL] =
        {"REGISTRATION_FULL",
         "この用件の本日の来庁前の受付は定員に達しました。来庁して番号札をお取りください。",
         "Today's places for registration are taken. Please come and take a ticket."},
    [QUEUE_NOT_ARRIVED] =
        {"NOT_ARRIVED",
         "この番号の方は、まだ来庁していません。来庁を受け付けてから操作してください。",
         "The visitor with this number has not arrived yet. Record the arrival first."},
    [QUEUE_ARRIVE_HERE] =
        {"ARRIVE_HERE", "着きましたら、番号発券機か窓口で番号をお知らせください。",
         "When you arrive, please give your number at a ticket machine or a counter."},
    [QUEUE_BAD_PRIORITY] = {"BAD_PRIORITY", "優先度は0から3までの数で入れてください。",
                            "The priority must be a number from 0 to 3."},
};

const char *queue_reason_code(enum queue_reason reason)
{
    CHECK(reason >= QUEUE_OK && reason < QUEUE_REASON_END);
    return reasons[reason].code;
}

const char *queue_reason_ja(enum queue_reason reason)
{
    CHECK(reason >= QUEUE_OK && reason < QUEUE_REASON_END);
    return reasons[reason].ja;
}

const char *queue_reason_en(enum queue_reason reason)
{
    CHECK(reason >= QUEUE_OK && reason < QUEUE_REASON_END);
    return reasons[reason].en;
}

const char *queue_state_code(enum queue_ticket_state state)
{
    static const char *const codes[] = {
        [QUEUE_ISSUING] = "ISSUING", [QUEUE_WAITING] = "WAITING",     [QUEUE_CALLED] = "CALLED",
        [QUEUE_SERVING] = "SERVING", [QUEUE_HELD] = "HELD",           [QUEUE_ABSENT] = "ABSENT",
        [QUEUE_DONE] = "DONE",       [QUEUE_CANCELLED] = "CANCELLED", [QUEUE_NO_SHOW] = "NO_SHOW",
        [QUEUE_EXPIRED] = "EXPIRED", [QUEUE_VOID] = "VOID",           [QUEUE_EXPECTED] = "EXPECTED",
    };

    CHECK(state >= QUEUE_ISSUING && state <= QUEUE_STATE_LAST);
    return codes[state];
}

const char *queue_action_code(enum queue_action action)
{
    static const char *const codes[QUEUE_ACTION_END] = {
        [QUEUE_ISSUE] = "ISSUE",
        [QUEUE_PRINTED] = "PRINTED",
        [QUEUE_PRINT_UNKNOWN] = "PRINT_UNKNOWN",
        [QUEUE_REPRINT] = "REPRINT",
        [QUEUE_CANCEL] = "CANCEL",
        [QUEUE_CALL_NEXT] = "CALL_NEXT",
        [QUEUE_CALL] = "CALL",
        [QUEUE_RECALL] = "RECALL",
        [QUEUE_START] = "START",
        [QUEUE_COMPLETE] = "COMPLETE",
        [QUEUE_SET_ABSENT] = "SET_ABSENT",
        [QUEUE_RETURN] = "RETURN",
        [QUEUE_PUT_BACK] = "PUT_BACK",
        [QUEUE_HOLD] = "HOLD",
        [QUEUE_TRANSFER] = "TRANSFER",
        [QUEUE_UNDO] = "UNDO",
        [QUEUE_COUNTER_OPEN] = "COUNTER_OPEN",
        [QUEUE_COUNTER_CLOSE] = "COUNTER_CLOSE",
        [QUEUE_GIVE_UP] = "GIVE_UP",
        [QUEUE_PLAN] = "PLAN",
        [QUEUE_NOTE] = "NOTE",
        [QUEUE_ENTER_MANUAL] = "ENTER_MANUAL",
        [QUEUE_SUSPEND] = "SUSPEND",
        [QUEUE_RESUME] = "RESUME",
        [QUEUE_SET_LIMIT] = "SET_LIMIT",
        [QUEUE_SET_NOTICE] = "SET_NOTICE",
        [QUEUE_SET_SERVES] = "SET_SERVES",
        [QUEUE_SET_HOURS] = "SET_HOURS",
        [QUEUE_DAY_OPENING] = "DAY_OPENING",
        [QUEUE_DAY_CLOSING] = "DAY_CLOSING",
        [QUEUE_DAY_ERASING] = "DAY_ERASING",
        [QUEUE_DAY_ANNULLING] = "DAY_ANNULLING",
        [QUEUE_HOLD_ENDING] = "HOLD_ENDING",
        [QUEUE_SKIP_NUMBERS] = "SKIP_NUMBERS",
        [QUEUE_RAISE_CEILING] = "RAISE_CEILING",
        [QUEUE_JOIN] = "JOIN",
        [QUEUE_REGISTER] = "REGISTER",
        [QUEUE_ARRIVE] = "ARRIVE",
    };

    CHECK(action >= QUEUE_ISSUE && action < QUEUE_ACTION_END);
    return codes[action];
}

const char *queue_outcome_code(enum queue_outcome outcome)
{
    static const char *const codes[] = {
        [QUEUE_OUTCOME_NONE] = "NONE",
        [QUEUE_OUTCOME_SERVED] = "SERVED",
        [QUEUE_OUTCOME_TO_CATEGORY] = "TO_CATEGORY",
        [QUEUE_OUTCOME_TO_COUNTER] = "TO_COUNTER",
        [QUEUE_OUTCOME_NO_SHOW] = "NO_SHOW",
        [QUEUE_OUTCOME_REMOVED_BY_STAFF] = "REMOVED_BY_STAFF",
        [QUEUE_OUTCOME_REMOVED_BY_VISITOR] = "REMOVED_BY_VISITOR",
        [QUEUE_OUTCOME_REMOVED_BY_CLOSING] = "REMOVED_BY_CLOSING",
        [QUEUE_OUTCOME_JOINED] = "JOINED",
        [QUEUE_OUTCOME_VOID] = "VOID",
        [QUEUE_OUTCOME_NOT_ARRIVED] = "NOT_ARRIVED",
    };

    CHECK(outcome <= QUEUE_OUTCOME_LAST);
    return codes[outcome];
}

const char *queue_hold_reason_code(enum queue_hold_reason reason)
{
    static const char *const codes[] = {
        [QUEUE_HOLD_OTHER] = "OTHER",
        [QUEUE_HOLD_FORM] = "FORM",
        [QUEUE_HOLD_DOCUMENT] = "DOCUMENT",
        [QUEUE_HOLD_INQUIRY] = "INQUIRY",
    };

    CHECK(reason >= QUEUE_HOLD_OTHER && reason <= QUEUE_HOLD_INQUIRY);
    return codes[reason];
}
