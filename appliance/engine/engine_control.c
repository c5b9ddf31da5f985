/*
 * Orders that are no visitor's: the service day, duty, and who is a unit of the pair (rule 11). Each is decided at
 * once; what it says leaves as every reply does (engine_serve.c).
 */
#include "appliance/engine/engine_internal.h"

#include "base/check.h"

#include <string.h>

enum {
    STATUS_OK = 200,
    STATUS_BAD = 400,
    STATUS_CONFLICT = 409,
    STATUS_REFUSED = 422,
    STATUS_UNAVAILABLE = 503,
};

void control_day(struct engine *engine, uint64_t client, const struct api_request *request)
{
    const struct api_control *control = &request->control;
    uint32_t actor = access_actor(engine, request, control->actor, 0);
    enum queue_reason reason;
    size_t len_bytes;
    char *body;

    if (control->what == API_CONTROL_DAY_CLOSE && strcmp(control->text, "preview") == 0) {
        body = hours_preview(engine, NULL, &len_bytes);
        serve_reply_later(engine, client, request->id, STATUS_OK, body, len_bytes);
        return;
    }
    if (control->what == API_CONTROL_DAY_CLOSE) {
        reason = day_close(engine, actor);
    } else if (control->what == API_CONTROL_DAY_ANNUL) {
        reason = day_annul(engine, actor);
    } else {
        struct calendar_date date;
        uint32_t wanted = control->text[0] == '\0' ? engine->level.today.date
                                                   : serve_date_from_text(control->text);

        if (!calendar_date_from_number(wanted, &date)) {
            serve_refuse_now(engine, client, request->id, STATUS_REFUSED, "BAD_DATE",
                             "日付は 2026-11-24 の形で入力してください。",
                             "Give the date as 2026-11-24.");
            return;
        }
        reason = day_open(engine, wanted, actor);
    }
    if (reason != QUEUE_OK) {
        serve_refuse_later(engine, client, request->id, reason);
        return;
    }
    body = render_day(engine, &len_bytes);
    serve_reply_later(engine, client, request->id, STATUS_OK, body, len_bytes);
}

void control_duty(struct engine *engine, uint64_t client, const struct api_request *request)
{
    struct duty_event event = engine_duty_event(engine, DUTY_OPERATOR);
    enum duty_state before = engine->duty.state;
    size_t len_bytes;
    char *body;

    switch (request->control.what) {
    case API_CONTROL_DUTY_HANDOVER:
        event.operator_order = DUTY_OPERATOR_HANDOVER;
        break;
    case API_CONTROL_DUTY_STOP:
        event.operator_order = DUTY_OPERATOR_STOP;
        break;
    case API_CONTROL_DUTY_RESUME:
        event.operator_order = DUTY_OPERATOR_RESUME;
        break;
    default:
        serve_refuse_now(engine, client, request->id, STATUS_BAD, "BAD_REQUEST",
                         "この操作はありません。", "There is no such order.");
        return;
    }
    engine_tell_duty(engine, &event);
    if (event.operator_order == DUTY_OPERATOR_HANDOVER && engine->duty.state == before) {
        serve_refuse_now(
            engine, client, request->id, STATUS_CONFLICT, "NOT_READY",
            "相手の号機が交代できる状態ではありません。「toban ready」で理由を確認してください。",
            "The other unit cannot take over now. `toban ready` says why.");
        return;
    }
    body = status_render(engine, &len_bytes);
    serve_reply_now(engine, client, request->id, STATUS_OK, body, len_bytes);
}

struct unit_refusal {
    uint16_t status;
    const char *code, *ja, *en;
};

static struct unit_refusal why_not(enum unit_answer answer)
{
    switch (answer) {
    case UNIT_ANSWER_OK:
    case UNIT_ANSWER_FIRST:
        break;
    case UNIT_ANSWER_NOT_NOW:
        return (struct unit_refusal){STATUS_CONFLICT, "NOT_NOW",
                                     "いまはできません。交換の承認は片方の号機だけが動いているとき"
                                     "、撤去は2台が連携しているときに、"
                                     "当番の号機で行ってください。",
                                     "Not now. A replacement is approved while one unit alone is "
                                     "running, a unit is retired while "
                                     "both are paired; ask the unit on duty."};
    case UNIT_ANSWER_NO_SUCH_SERIAL:
        return (struct unit_refusal){
            STATUS_REFUSED, "NO_SUCH_SERIAL",
            "この製造番号の相手号機はありません。取り外した号機の銘板を確認してください。",
            "The other unit does not have this serial. Look at the plate of the unit that was "
            "taken out."};
    case UNIT_ANSWER_ITSELF:
        return (struct unit_refusal){
            STATUS_REFUSED, "OWN_SERIAL",
            "これは動いている号機の製造番号です。取り外した号機の製造番号を入力してください。",
            "This is the serial of the unit that is running. Enter that of the unit that was taken "
            "out."};
    case UNIT_ANSWER_CONNECTED:
        return (struct unit_refusal){
            STATUS_CONFLICT, "STILL_CONNECTED",
            "その号機はまだ動いていて、通信しています。電源を切って取り外してから、もう一度行ってく"
            "ださい。",
            "That unit is still on and connected. Switch it off, take it out, and try again."};
    case UNIT_ANSWER_NO_OATH:
        return (struct unit_refusal){STATUS_REFUSED, "NOT_CONFIRMED",
                                     "「電源を切り、手元にある」ことの確認が必要です。",
                                     "Confirm that the old unit is off and in your hands."};
    case UNIT_ANSWER_SAME_PERSON:
        return (struct unit_refusal){
            STATUS_CONFLICT, "SAME_PERSON",
            "二人で行います。もう一人が、10分以内に同じ操作をしてください。",
            "This takes two people. Another person must do the same within ten minutes."};
    }
    return (struct unit_refusal){STATUS_BAD, "BAD_REQUEST", "製造番号と氏名を入力してください。",
                                 "Give a serial number and a person's name."};
}

/* Rule 11. The answer leaves when what two people say is durable, also where nobody is served. */
void control_units(struct engine *engine, uint64_t client, const struct api_request *request)
{
    const struct api_control *control = &request->control;
    uint32_t actor = access_actor(engine, request, control->actor, 0);
    const struct access_account *account;
    struct unit_refusal refusal;
    struct unit_words words;
    enum unit_answer answer;
    struct access_who who;
    size_t len_bytes;
    char *body;

    if (!units_words_from_text(control->text, &words)) {
        refusal = why_not(UNIT_ANSWER_OK);
        serve_refuse_now(engine, client, request->id, STATUS_REFUSED, refusal.code, refusal.ja,
                         refusal.en);
        return;
    }
    if (serve_batch_is_full(engine)) {
        serve_overload(engine, client, request->id);
        return;
    }
    access_who(engine, &request->from, &who);
    account = access_account_by_id(engine->access, who.account);
    if (account != NULL) { /* a person is an account, whatever name he writes */
        memcpy(words.person, account->name, sizeof(account->name));
    }
    answer = control->what == API_CONTROL_UNIT_APPROVE ? units_approve(engine, &words, actor)
                                                       : units_retire(engine, &words, actor);
    if (answer != UNIT_ANSWER_OK && answer != UNIT_ANSWER_FIRST) {
        refusal = why_not(answer);
        serve_refuse_now(engine, client, request->id, refusal.status, refusal.code, refusal.ja,
                         refusal.en);
        return;
    }
    body = status_units(engine, answer == UNIT_ANSWER_FIRST, &len_bytes);
    serve_reply_later(engine, client, request->id, STATUS_OK, body, len_bytes)->own =
        !engine_serves(engine);
}
