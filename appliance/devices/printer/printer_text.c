/* Conditions in words: what it is, and what to do. */
#include "appliance/devices/printer/printer.h"

#include "base/check.h"

static const struct words {
    const char *code, *ja, *en;
} words[PRINTER_CONDITION_END] = {
    [PRINTER_OFF] = {"OFF", "当番の号機が使います。", "The unit on duty uses it."},
    [PRINTER_READY] = {"READY", "印刷できます。", "Ready to print."},
    [PRINTER_UNREACHABLE] =
        {"UNREACHABLE", "プリンターにつながりません。電源とLANケーブルを確認してください。",
         "The printer cannot be reached. Check its power and its network cable."},
    [PRINTER_SILENT] = {"SILENT", "プリンターが応答しません。電源を入れ直してください。",
                        "The printer does not answer. Switch it off and on again."},
    [PRINTER_COVER_OPEN] = {"COVER_OPEN", "カバーが開いています。閉めてください。",
                            "The cover is open. Close it."},
    [PRINTER_PAPER_END] = {"PAPER_END", "用紙がありません。新しいロール紙を入れてください。",
                           "The paper has run out. Put in a new roll."},
    [PRINTER_CUTTER_ERROR] =
        {"CUTTER_ERROR", "カッターが止まっています。カバーを開け、詰まった紙を取り除いてください。",
         "The cutter is stuck. Open the cover and take out the jammed paper."},
    [PRINTER_BROKEN] = {"BROKEN",
                        "プリンターが故障しています。電源を切り、保守に連絡してください。",
                        "The printer is broken. Switch it off and call maintenance."},
    [PRINTER_OFFLINE] =
        {"OFFLINE",
         "プリンターがオフラインです。紙送りボタンから手を離し、電源を確認してください。",
         "The printer is offline. Release its feed button and check its power."},
};

const char *printer_condition_code(enum printer_condition condition)
{
    CHECK(condition < PRINTER_CONDITION_END);
    return words[condition].code;
}

const char *printer_condition_ja(enum printer_condition condition)
{
    CHECK(condition < PRINTER_CONDITION_END);
    return words[condition].ja;
}

const char *printer_condition_en(enum printer_condition condition)
{
    CHECK(condition < PRINTER_CONDITION_END);
    return words[condition].en;
}
