#include "appliance/gateway/problem.h"

#include "base/check.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct entry {
    uint16_t status;
    uint16_t retry_after_s;
    const char *code;
    const char *title, *detail;
    const char *title_ja, *detail_ja;
};

static const struct entry entries[PROBLEM_END] = {
    [PROBLEM_NONE] = {500, 0, "NONE", "No problem", "", "問題はありません", ""},
    [PROBLEM_BAD_REQUEST] = {400, 0, "BAD_REQUEST", "The request is malformed",
                             "Send one well-formed HTTP/1.1 request with one length.",
                             "要求の形式が正しくありません",
                             "正しい形式のHTTP要求を、長さの指定を一つだけ付けて送ってください。"},
    [PROBLEM_BAD_JSON] = {400, 0, "BAD_JSON", "The body is not JSON",
                          "Send a JSON object in UTF-8.", "本文がJSONではありません",
                          "本文はUTF-8のJSONオブジェクトで送ってください。"},
    [PROBLEM_KEY_MISSING] =
        {400, 0, "IDEMPOTENCY_KEY_MISSING", "Idempotency-Key is missing",
         "Send a header Idempotency-Key, new for each press and the same for its "
         "retries.",
         "Idempotency-Keyがありません",
         "操作ごとに新しく、再送では同じ値のIdempotency-Keyを付けてください。"},
    [PROBLEM_SIGN_IN] = {401, 0, "SIGN_IN", "Sign in first", "Sign in, or have this device paired.",
                         "ログインが必要です", "ログインするか、端末を登録してください。"},
    [PROBLEM_TLS_ONLY] = {403, 0, "TLS_ONLY", "Not without encryption",
                          "Use the address that begins with https://.",
                          "暗号化されていない接続では操作できません",
                          "https:// で始まるアドレスを使ってください。"},
    [PROBLEM_CROSS_ORIGIN] = {403, 0, "CROSS_ORIGIN", "The request comes from another site",
                              "Use this unit's own pages.", "別のサイトからの要求です",
                              "この装置の画面から操作してください。"},
    [PROBLEM_NO_SUCH_PATH] = {404, 0, "NO_SUCH_PATH", "Nothing is here", "Check the address.",
                              "見つかりません", "アドレスを確かめてください。"},
    [PROBLEM_NO_SUCH_METHOD] = {405, 0, "NO_SUCH_METHOD", "The method is not allowed here",
                                "Use a method that the Allow header names.",
                                "この方法では利用できません",
                                "Allowヘッダーにあるメソッドを使ってください。"},
    [PROBLEM_BODY_TOO_LARGE] = {413, 0, "BODY_TOO_LARGE", "The body is too large",
                                "Send at most 4096 bytes.", "本文が大きすぎます",
                                "4096バイト以下で送ってください。"},
    [PROBLEM_PATH_TOO_LONG] = {414, 0, "PATH_TOO_LONG", "The address is too long",
                               "Check the address.", "アドレスが長すぎます",
                               "アドレスを確かめてください。"},
    [PROBLEM_NOT_JSON] = {415, 0, "NOT_JSON", "The body's type is not application/json",
                          "Send Content-Type: application/json.",
                          "本文の種類がapplication/jsonではありません",
                          "Content-Type: application/jsonを付けてください。"},
    [PROBLEM_WRONG_HOST] = {421, 0, "WRONG_HOST", "This is not the named host",
                            "Use the unit's address.", "宛先の名前が違います",
                            "この装置のアドレスを使ってください。"},
    [PROBLEM_KEY_INVALID] = {422, 0, "IDEMPOTENCY_KEY_INVALID", "Idempotency-Key cannot be used",
                             "Send one key of 1 to 128 visible ASCII characters.",
                             "Idempotency-Keyが正しくありません",
                             "1〜128文字の英数字・記号の値を一つだけ付けてください。"},
    [PROBLEM_NOT_AN_OBJECT] = {422, 0, "NOT_AN_OBJECT", "The body is not an object",
                               "Send a JSON object.", "本文がオブジェクトではありません",
                               "本文はJSONオブジェクトで送ってください。"},
    [PROBLEM_DUPLICATE_MEMBER] = {422, 0, "DUPLICATE_MEMBER", "A member is given twice",
                                  "Give each member once.", "同じ項目が二度あります",
                                  "各項目は一度だけ指定してください。"},
    [PROBLEM_UNKNOWN_MEMBER] = {422, 0, "UNKNOWN_MEMBER", "A member is not known here",
                                "Send only the members that the description of this request names.",
                                "使えない項目があります",
                                "この操作で定められた項目だけを送ってください。"},
    [PROBLEM_MISSING_MEMBER] = {422, 0, "MISSING_MEMBER", "A member is missing",
                                "Add the member that is named.", "必要な項目がありません",
                                "示された項目を加えてください。"},
    [PROBLEM_BAD_MEMBER] = {422, 0, "BAD_MEMBER", "A member's value cannot be used",
                            "Correct the member that is named.", "項目の値が正しくありません",
                            "示された項目の値を直してください。"},
    [PROBLEM_BAD_SECRET] =
        {422, 0, "BAD_SECRET", "This can be guessed",
         "A password has 12 characters or more, without the name or a common word; a PIN has 6 to "
         "8 digits that are not a row.",
         "推測されやすい値です",
         "パスワードは12文字以上で、名前やよくある言葉を含まないもの、PINは6〜8桁で連番やぞろ目で"
         "ないものにしてください。"},
    [PROBLEM_TICKET_OR_NUMBER] =
        {422, 0, "TICKET_OR_NUMBER", "Name one visitor",
         "Give either ticket, or number with its series.", "お呼びする方を一人だけ指定してください",
         "受付番号（number）か券（ticket）のどちらか一方を指定してください。"},
    [PROBLEM_PLACE_AFTER] = {422, 0, "PLACE_AFTER", "The place is not whole",
                             "Give after, a number from 1 to 99, together with the place after.",
                             "並べる位置の指定が足りません",
                             "placeをafterとし、何人の後か（1〜99）をafterで指定してください。"},
    [PROBLEM_CATEGORY_OR_COUNTER] = {422, 0, "CATEGORY_OR_COUNTER", "Say where to transfer to",
                                     "Give category, to_counter, or both.",
                                     "転送先を指定してください",
                                     "用件（category）か窓口（to_counter）を指定してください。"},
    [PROBLEM_TOO_MANY_OF_ADDRESS] =
        {429, 60, "TOO_MANY_REGISTRATIONS", "Too many registrations from one address",
         "Wait some minutes, or take a ticket at the office.", "同じ接続元からの受付が続いています",
         "数分待ってからもう一度お試しになるか、来庁して番号札をお取りください。"},
    [PROBLEM_OVERLOAD] = {503, 1, "OVERLOAD", "Too many requests at once",
                          "Wait a second and send it again with the same key.",
                          "要求が集中しています",
                          "1秒待って、同じIdempotency-Keyで送り直してください。"},
    [PROBLEM_TOO_MANY_STREAMS] = {503, 5, "TOO_MANY_STREAMS", "Too many screens are connected",
                                  "Close screens that are not needed, then try again.",
                                  "接続している画面が多すぎます",
                                  "不要な画面を閉じてから、もう一度接続してください。"},
    [PROBLEM_ENGINE_AWAY] = {503, 1, "ENGINE_AWAY", "This unit is starting",
                             "Wait a second and send it again with the same key.",
                             "この装置は起動中です",
                             "1秒待って、同じIdempotency-Keyで送り直してください。"},
    [PROBLEM_ENGINE_SILENT] =
        {503, 1, "ENGINE_SILENT", "This unit does not answer in time",
         "Send it again with the same key; nothing is done twice.", "この装置の応答が遅れています",
         "同じIdempotency-Keyで送り直してください。二重に処理されることはありません。"},
    [PROBLEM_NOT_SERVING] = {503, 1, "NOT_SERVING", "This unit is not serving now",
                             "Wait a second and send it again with the same key.",
                             "この装置は現在受け付けていません",
                             "1秒待って、同じIdempotency-Keyで送り直してください。"},
    [PROBLEM_OUTCOME_UNKNOWN] = {503, 0, "OUTCOME_UNKNOWN", "Whether it was done is not known",
                                 "Look at the status before doing it again.",
                                 "実行されたかどうか分かりません",
                                 "やり直す前に、状態を確かめてください。"},
};

uint16_t problem_status(enum problem problem)
{
    CHECK(problem < PROBLEM_END);
    return entries[problem].status;
}

uint16_t problem_retry_after_s(enum problem problem)
{
    CHECK(problem < PROBLEM_END);
    return entries[problem].retry_after_s;
}

const char *problem_code(enum problem problem)
{
    CHECK(problem < PROBLEM_END);
    return entries[problem].code;
}

void problem_clean_text(const char *text, char *ret_text, size_t capacity_bytes)
{
    size_t i = 0;

    CHECK(capacity_bytes > 0);
    for (; text[i] != '\0' && i + 1 < capacity_bytes; i++) {
        bool plain = text[i] >= ' ' && text[i] <= '~' && text[i] != '"' && text[i] != '\\';

        ret_text[i] = '?';
        if (plain) {
            ret_text[i] = text[i];
        }
    }
    ret_text[i] = '\0';
}

size_t problem_render(enum problem problem, const char *name, const char *value,
                      char document[PROBLEM_BYTES_MAX])
{
    const struct entry *entry = &entries[problem];
    char clean[128] = "";
    int len;

    CHECK(problem < PROBLEM_END && (name == NULL) == (value == NULL));
    if (value != NULL) {
        problem_clean_text(value, clean, sizeof(clean));
    }
    len = snprintf(document, PROBLEM_BYTES_MAX,
                   "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,"
                   "\"detail\":\"%s\",\"code\":\"%s\",\"title_ja\":\"%s\",\"detail_ja\":\"%s\""
                   "%s%s%s%s%s}",
                   entry->title, entry->status, entry->detail, entry->code, entry->title_ja,
                   entry->detail_ja, name != NULL ? ",\"" : "", name != NULL ? name : "",
                   name != NULL ? "\":\"" : "", clean, name != NULL ? "\"" : "");
    CHECK(len > 0 && len < PROBLEM_BYTES_MAX);
    return (size_t)len;
}
