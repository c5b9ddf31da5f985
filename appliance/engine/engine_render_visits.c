/*
 * Rows of single visits as a CSV: one line each, in the order of their content, and every definition below, so that no
 * file is without them. What is not in a row is said there as well.
 */
#include "appliance/engine/engine_csv.h"
#include "appliance/engine/engine_statistics.h"

#include "base/check.h"

#include <stdio.h>

enum { NUMBER_BYTES = 16 };

struct column {
    const char *label, *means_ja, *means_en;
};

static const struct column columns[] = {
    {"開庁日 day", "番号を受け取った開庁日。", "The service day."},
    {"業務番号 category", "業務の番号。", "The category's number."},
    {"業務 category (ja)", "業務の、いまの名前。", "Its name of today."},
    {"category (en)", "業務の、いまの名前（英語）。", "Its name of today, in English."},
    {"時間帯 hour", "列に並んだ時刻の時間帯（1時間ごと）。分は残さない。",
     "The hour in which it joined the line; no minute is kept."},
    {"窓口 counter", "呼び出した窓口。0: どの窓口も呼んでいない。",
     "The counter that called it; 0: none did."},
    {"終わり方 end",
     "served 対応完了、transferred 転送、no_show 不在終了、cancelled 取消、expired "
     "閉庁により終了。",
     "served; transferred to another category or counter; no_show; cancelled by visitor or staff; "
     "expired: the day closed."},
    {"最初の用件 first",
     "1: 来庁して最初の用件。0: 転送・続きの用件。同じ来庁者の用件どうしは結び付けない。",
     "1: a visit began with it; 0: it was sent on. Services of one visitor are not linked."},
    {"時間が不確か doubtful", "1: 手書き札、時計の戻り、8時間超。時間はない。",
     "1: hand-written, a clock that went back, more than 8 hours. It has no times."},
    {"待ち(分) wait (min)", "列に並んでから最初に呼び出すまで。",
     "From joining the line to the first call."},
    {"移動(分) walk-up (min)", "最後の呼出から対応開始まで。", "From the newest call to start."},
    {"対応(分) service (min)", "対応開始（押さなければ呼出）から完了まで。保留中を除く。",
     "From start (or the call) to the end, holds apart."},
    {"保留(分) hold (min)", "保留にしていた時間。", "Time on hold."},
    {"目安(分) estimate (min)", "番号を渡すときに示した待ち時間の目安。",
     "The wait that was said when the number was given."},
    {"実際(分) truth (min)", "番号を渡してから最初に呼び出すまで。目安のあるものだけ。",
     "From the number to the first call, of those that were told an estimate."},
};

static const char *const ends[STATISTICS_END_COUNT] = {
    "open", "served", "transferred", "no_show", "cancelled", "expired", "not_a_visit"};

static void put_number(struct csv *csv, bool there, int number)
{
    char digits[NUMBER_BYTES] = "";

    if (there) {
        (void)snprintf(digits, sizeof(digits), "%d", number);
    }
    csv_digits(csv, digits);
}

static void put_row(const struct engine *engine, struct csv *csv, const struct table_visit *visit)
{
    const struct statistics_kept *row = &visit->row;
    const struct queue_category_config *category =
        queue_category_config_find(engine->queue, row->category);

    csv_date(csv, visit->date);
    put_number(csv, true, row->category);
    csv_field(csv, category == NULL ? "" : category->name_ja);
    csv_field(csv, category == NULL ? "" : category->name_en);
    csv_field_of(csv, "%02d:00", row->hour);
    put_number(csv, true, row->counter);
    csv_field(csv, ends[row->end]);
    put_number(csv, true, row->first);
    put_number(csv, true, row->doubtful);
    for (int i = 0; i < STATISTICS_MEASURES; i++) {
        put_number(csv, row->time_min[i] != STATISTICS_NOT_MEASURED, row->time_min[i]);
    }
    put_number(csv, row->estimated, row->estimate_min);
    put_number(csv, row->estimated, row->truth_min);
    csv_line(csv);
}

static void put_switch(const struct engine *engine, struct csv *csv)
{
    unsigned days = engine->options.keep_visits_days;

    csv_field(csv, "残す日数 days kept");
    csv_field_of(csv, "%u", days);
    csv_field(csv,
              days == 0
                  ? "設定により、1件ごとの記録は残していません。"
                  : "設定 statistics.keep_visits により残しています。過ぎると読めなくなります。");
    csv_field(csv,
              days == 0
                  ? "The site keeps no rows of single visits."
                  : "Kept by the setting statistics.keep_visits; afterwards nobody can open them.");
    csv_line(csv);
}

static void put_about(const struct engine *engine, struct csv *csv, const struct table *report)
{
    csv_line(csv);
    csv_field_of(csv, "%s 用件ごとの記録 Rows of single visits, %s", engine->queue->config.site_ja,
                 engine->queue->config.site_en);
    csv_line(csv);
    csv_field(csv, "期間 period");
    csv_date(csv, report->from <= report->to ? report->from : report->to);
    csv_date(csv, report->to);
    csv_line(csv);
    csv_field(csv, "続き continues to");
    if (report->more_to != 0) {
        csv_date(csv, report->more_to);
        csv_field(csv, "これより前の日は次のファイルに。");
        csv_field(csv, "Earlier days, up to this one, are the next file.");
    }
    csv_line(csv);
    if (report->broken) {
        csv_field(csv, "欠け incomplete");
        csv_field(csv, "開けない記録があります。");
        csv_field(csv, "Some rows could not be opened.");
        csv_line(csv);
    }
    put_switch(engine, csv);
    csv_field(csv, "入っていないもの left out");
    csv_field(csv, "番号、番号札のID、言語、優先、メモ、分単位の時刻、同じ来庁者の用件のつながり。"
                   "行の順は内容の順で、"
                   "発券の順ではありません。");
    csv_field(csv, "Number, ticket id, language, priority, notes, moments to the minute, which "
                   "services were one "
                   "visitor's. Rows stand in the order of their content, not of the numbers.");
    csv_line(csv);
    csv_line(csv);
    csv_field(csv, "用語 column");
    csv_field(csv, "定義");
    csv_field(csv, "definition");
    csv_line(csv);
    for (size_t i = 0; i < ARRAY_COUNT(columns); i++) {
        csv_field(csv, columns[i].label);
        csv_field(csv, columns[i].means_ja);
        csv_field(csv, columns[i].means_en);
        csv_line(csv);
    }
}

char *table_render_visits(struct engine *engine, const struct table *report, size_t *ret_len_bytes)
{
    struct csv csv;

    csv_begin(&csv);
    for (size_t i = 0; i < ARRAY_COUNT(columns); i++) {
        csv_field(&csv, columns[i].label);
    }
    csv_line(&csv);
    for (size_t i = 0; i < report->kept_count; i++) {
        put_row(engine, &csv, &report->kept[i]);
    }
    put_about(engine, &csv, report);
    *ret_len_bytes = csv.len_bytes;
    return csv.text;
}
