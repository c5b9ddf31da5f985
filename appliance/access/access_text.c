/* Codes, and what people are told: what is so, and what to do. Nothing of it tells whether a name exists. */
#include "appliance/access/access.h"

#include "base/check.h"

struct reason_text {
    const char *code, *ja, *en;
};

static const struct reason_text reasons[ACCESS_REASON_END] = {
    [ACCESS_OK] = {"OK", "受け付けました。", "Done."},
    [ACCESS_WHO_ARE_YOU] = {"SIGN_IN", "ログインするか、端末を登録してください。",
                            "Sign in, or have this device paired."},
    [ACCESS_NOT_YOURS] = {"NOT_ALLOWED", "この操作の権限がありません。管理者に相談してください。",
                          "You may not do this. Ask the administrator."},
    [ACCESS_NOT_YOUR_COUNTER] =
        {"NOT_YOUR_COUNTER", "この端末は別の窓口のものです。自分の窓口の端末で操作してください。",
         "This terminal belongs to another counter. Use your counter's."},
    [ACCESS_CHANGE_FIRST] =
        {"CHANGE_FIRST",
         "先にパスワードの変更と、二段階認証の登録が必要な人はその登録を済ませてください。",
         "First change the password, and set up the second factor if your role needs one."},
    [ACCESS_WRONG] = {"WRONG", "入力した内容では確認できませんでした。もう一度入力してください。",
                      "That could not be confirmed. Please enter it again."},
    [ACCESS_CODE_WANTED] =
        {"CODE_WANTED", "認証アプリの6桁の数字、または印刷した一回限りの番号を入力してください。",
         "Enter the six digits of your app, or one of the printed codes."},
    [ACCESS_WAIT] = {"WAIT", "失敗が続いたため、しばらく待ってからもう一度入力してください。",
                     "There were too many failures. Wait a moment, then try again."},
    [ACCESS_NOT_ALONE] =
        {"NOT_ALONE",
         "いまは1台だけで動いているため変更できません。2台に戻ってから行ってください。",
         "One unit is running alone, and this waits until both are. Revoking works now."},
    [ACCESS_NAME_TAKEN] = {"NAME_TAKEN", "その名前は使われています。別の名前にしてください。",
                           "That name is taken. Choose another."},
    [ACCESS_NO_SUCH] = {"NO_SUCH", "見つかりません。一覧で確かめてください。",
                        "There is none of that name. Look at the list."},
    [ACCESS_BAD_NAME] = {"BAD_NAME", "名前は英小文字・数字・「.」「_」「-」で32文字までです。",
                         "A name has up to 32 of a-z, 0-9, '.', '_' and '-'."},
    [ACCESS_BAD_ROLE] = {"BAD_ROLE", "その役割は使えません。", "There is no such role for this."},
    [ACCESS_BAD_SECRET] = {"BAD_SECRET",
                           "パスワードは12文字以上で、名前やよくある言葉を含まないもの、PINは6〜8桁"
                           "で連番やぞろ目でない"
                           "ものにしてください。",
                           "A password has 12 characters or more, without the name or a common "
                           "word; a PIN has 6 to 8 "
                           "digits that are not a row."},
    [ACCESS_LAST_ADMINISTRATOR] =
        {"LAST_ADMINISTRATOR",
         "管理者が一人もいなくなるため変更できません。先に別の管理者を登録してください。",
         "Nobody would be left to administer. Add another administrator first."},
    [ACCESS_FULL] = {"FULL", "登録できる数の上限です。使わないものを失効させてください。",
                     "There is no room. Revoke what is not used."},
    [ACCESS_NO_SUCH_CODE] =
        {"NO_SUCH_CODE",
         "その登録番号はありません。端末の画面の番号を確かめてください（10分で変わります）。",
         "There is no such code. Look at the device's screen; codes change after ten minutes."},
    [ACCESS_KEY_REUSED] =
        {"KEY_REUSED",
         "同じ操作番号が別の内容で使われました。画面を読み込み直して、もう一度操作してください。",
         "The same request key came with other contents. Reload the page and try again."},
};

static const char *const actions[ACCESS_ACTION_END] = {
    [0] = "none",
    [ACCESS_SIGN_IN_PASSWORD] = "sign-in",
    [ACCESS_SIGN_IN_PIN] = "clerk-sign-in",
    [ACCESS_SIGN_OUT] = "sign-out",
    [ACCESS_SEEN] = "seen",
    [ACCESS_ACCOUNT_ADD] = "account-add",
    [ACCESS_ACCOUNT_CHANGE] = "account-change",
    [ACCESS_ACCOUNT_REVOKE] = "account-revoke",
    [ACCESS_ACCOUNT_RESTORE] = "account-restore",
    [ACCESS_PASSWORD_RESET] = "password-reset",
    [ACCESS_PASSWORD_CHANGE] = "password-change",
    [ACCESS_PIN_CHANGE] = "pin-change",
    [ACCESS_TOTP_CHANGE] = "totp-change",
    [ACCESS_GRANT] = "grant",
    [ACCESS_DEVICE_ADD] = "device-add",
    [ACCESS_DEVICE_REVOKE] = "device-revoke",
    [ACCESS_SESSION_REVOKE] = "session-revoke",
    [ACCESS_DENIED] = "denied",
    [ACCESS_JOIN] = "join",
    [ACCESS_IMAGE] = "image",
};

const char *access_reason_code(enum access_reason reason)
{
    CHECK(reason < ACCESS_REASON_END);
    return reasons[reason].code;
}

const char *access_reason_ja(enum access_reason reason)
{
    CHECK(reason < ACCESS_REASON_END);
    return reasons[reason].ja;
}

const char *access_reason_en(enum access_reason reason)
{
    CHECK(reason < ACCESS_REASON_END);
    return reasons[reason].en;
}

const char *access_action_code(enum access_action action)
{
    CHECK(action < ACCESS_ACTION_END);
    return actions[action];
}
