/*
 * A table of statistics as JSON and as CSV. One list of columns gives names, values and definitions to both, so that
 * no file is without them.
 */
#include "appliance/engine/engine_csv.h"
#include "appliance/engine/engine_statistics.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PERCENT = 100,
    PERCENTILE = 90,
    HALF = 50,
    TEXT_BYTES = 512,
    NUMBER_BYTES = 32,
};

/* ---- columns ------------------------------------------------------------------------------------------- */

enum statistic { OF_COUNT, OF_MEAN, OF_MEDIAN, OF_P90, OF_MAX, OF_STATISTICS };

struct names {
    const char *code, *ja, *en, *means_ja, *means_en;
};

static const struct names counts[STATISTICS_COUNTS] = {
    [STATISTICS_COUNT_ARRIVED] =
        {"arrived", "来庁", "arrived",
         "番号を受け取った来庁者の数。用件が複数でも1と数える。時間帯は番号を受け取った時刻。",
         "Visitors who got a number; several services of one visitor are one. "
         "By the hour in which the number was given."},
    [STATISTICS_COUNT_SERVICES] =
        {"services", "用件", "services",
         "用件の数。来庁のほか、転送や続きの用件で並んだものを含む。"
         "時間帯は並んだ時刻、窓口は対応した窓口。",
         "Services: those of arrivals, and those that a visitor was sent on to. By the hour "
         "of joining the line, and by the counter that called."},
    [STATISTICS_COUNT_SERVED] = {"served", "対応完了", "served", "窓口で対応を終えた用件。",
                                 "Services completed at a counter."},
    [STATISTICS_COUNT_TRANSFERRED] = {"transferred", "転送", "transferred",
                                      "ほかの業務・窓口へ転送した用件。",
                                      "Services that ended by sending the visitor elsewhere."},
    [STATISTICS_COUNT_NO_SHOW] = {"no_show", "不在終了", "no-show",
                                  "呼び出したが来なかった、または番号札が印字されなかった用件。",
                                  "Called and never came, or the ticket was never printed."},
    [STATISTICS_COUNT_CANCELLED] = {"cancelled", "取消", "cancelled",
                                    "来庁者または係員が取り消した用件。",
                                    "Cancelled by the visitor or by staff."},
    [STATISTICS_COUNT_EXPIRED] = {"expired", "閉庁により終了", "expired",
                                  "対応を終えないまま閉庁した用件。時間は数えない。",
                                  "Not finished when the day closed; their times are not counted."},
    [STATISTICS_COUNT_OPEN] = {"open", "待ち・対応中", "open",
                               "まだ終わっていない用件（当日のみ）。",
                               "Not over yet (today only)."},
    [STATISTICS_COUNT_NOT_VISITS] =
        {"not_visits", "欠番・重複・来庁なし", "not visits",
         "欠番になった番号札、1回の操作で2枚出た番号札の2枚目、来庁前に受け付けて来なかった番号。"
         "来庁にも用件にも数えない。",
         "Void tickets, the second one of a single touch, and numbers registered by visitors who "
         "did not come: counted neither as arrived nor as services."},
    [STATISTICS_COUNT_DOUBTFUL] =
        {"doubtful", "時間が不確か", "doubtful",
         "時刻が信頼できない用件（手書き札、時計の戻り、8時間を超えるもの）。"
         "件数には数え、時間には数えない。",
         "Services whose times cannot be trusted (hand-written, a clock that went back, more "
         "than 8 hours): counted, and left out of all times."},
    [STATISTICS_COUNT_OVER] =
        {"over_target", "目標超過", "over target",
         "呼び出しまでの待ちが目標（業務の設定。なければ20分）を超えた用件。",
         "Waits longer than the target (the category's; 20 minutes if it has none)."},
    [STATISTICS_COUNT_ESTIMATED] =
        {"estimated", "目安あり", "estimated",
         "番号を渡すとき待ち時間の目安を示し、呼び出しまで測れた来庁者。",
         "Visitors who were told an estimate and were then called."},
};

/* In the order in which people read them. */
static const uint8_t count_order[] = {
    STATISTICS_COUNT_ARRIVED,     STATISTICS_COUNT_SERVICES, STATISTICS_COUNT_SERVED,
    STATISTICS_COUNT_TRANSFERRED, STATISTICS_COUNT_NO_SHOW,  STATISTICS_COUNT_CANCELLED,
    STATISTICS_COUNT_EXPIRED,     STATISTICS_COUNT_OPEN,     STATISTICS_COUNT_NOT_VISITS,
    STATISTICS_COUNT_DOUBTFUL,    STATISTICS_COUNT_OVER,     STATISTICS_COUNT_ESTIMATED,
};
_Static_assert(ARRAY_COUNT(count_order) == STATISTICS_COUNTS, "all of them");

static const struct names measures[STATISTICS_MEASURES] = {
    [STATISTICS_WAIT] =
        {"wait", "待ち時間", "wait",
         "列に並んでから最初に呼び出すまで。再呼出は数えず、呼び戻した呼出は取り消す。",
         "From joining the line to the first call; recalls apart, and calls that were put back."},
    [STATISTICS_WALK_UP] = {"walk_up", "移動時間", "walk-up",
                            "最後の呼出から対応開始まで。「対応開始」を押したものだけ。",
                            "From the newest call to start, where start was pressed."},
    [STATISTICS_SERVICE] =
        {"service", "対応時間", "service",
         "対応開始（押さなければ呼出）から完了まで。保留中を除く。完了したものだけ。",
         "From start (from the call, where start was not pressed) to the end, holds apart; of "
         "completed services."},
    [STATISTICS_HOLD] = {"hold", "保留時間", "hold", "保留にしていた時間。保留したものだけ。",
                         "Time on hold, of those that were held."},
};

static const struct names statistics[OF_STATISTICS] = {
    [OF_COUNT] = {"count", "件数", "count", "測れた件数。", "How many were measured."},
    [OF_MEAN] = {"mean_s", "平均(秒)", "mean (s)", "正確な合計から求めた平均。", "Exact."},
    [OF_MEDIAN] = {"median_s", "中央値(秒)", "median (s)", "中央値。誤差は3.2%以内。",
                   "Half were shorter. Within 3.2 %."},
    [OF_P90] = {"p90_s", "90%値(秒)", "90th percentile (s)", "9割がこれ以下。誤差は3.2%以内。",
                "Nine of ten were shorter. Within 3.2 %."},
    [OF_MAX] = {"max_s", "最長(秒)", "longest (s)", "最長。正確な値。", "The longest, exact."},
};

static const struct names shares[] = {
    {"over_target_percent", "目標超過率(%)", "over target (%)", "目標超過 ÷ 待ち時間の件数。",
     "Over target, of the waits that were measured."},
    {"estimate_error_mean_s", "目安の平均誤差(秒)", "mean error of the estimate (s)",
     "（示した目安 − 実際の待ち）の平均。正なら長めに示した。",
     "The mean of estimate less truth: above zero we said too long."},
    {"estimate_error_absolute_s", "目安の平均絶対誤差(秒)",
     "mean absolute error of the estimate (s)", "誤差の大きさの平均。",
     "The mean of how far it was off, either way."},
};

enum share { SHARE_OVER, SHARE_ERROR, SHARE_ABSOLUTE, SHARES };
_Static_assert(ARRAY_COUNT(shares) == SHARES, "all of them");

/* A number of a row; nothing: there was nothing to measure. */
struct value {
    bool there, whole;
    double number;
};

static struct value whole(uint64_t number)
{
    return (struct value){true, true, (double)number};
}

static struct value quotient(double sum, uint64_t count)
{
    return (struct value){count != 0, false, count == 0 ? 0 : sum / (double)count};
}

static struct value time_value(const struct statistics_measure *measure, enum statistic statistic)
{
    if (measure->count == 0 && statistic != OF_COUNT) {
        return (struct value){0};
    }
    switch (statistic) {
    case OF_COUNT:
        return whole(measure->count);
    case OF_MEAN:
        return quotient((double)measure->sum_s, measure->count);
    case OF_MEDIAN:
        return whole(statistics_percentile_s(measure, HALF));
    case OF_P90:
        return whole(statistics_percentile_s(measure, PERCENTILE));
    case OF_MAX:
        return whole(measure->max_s);
    case OF_STATISTICS:
        break;
    }
    CHECK(!"no such statistic");
}

static struct value share_value(const struct statistics_sums *sums, enum share share)
{
    uint64_t estimated = sums->counts[STATISTICS_COUNT_ESTIMATED];

    switch (share) {
    case SHARE_OVER:
        return quotient(PERCENT * (double)sums->counts[STATISTICS_COUNT_OVER],
                        sums->times[STATISTICS_WAIT].count);
    case SHARE_ERROR:
        return quotient((double)sums->estimate_s_sum - (double)sums->truth_s_sum, estimated);
    case SHARE_ABSOLUTE:
        return quotient((double)sums->error_s_sum, estimated);
    case SHARES:
        break;
    }
    CHECK(!"no such share");
}

/* Every column in order: the code and names that it has, and its value in `sums`. */
typedef void column_fn(void *context, const struct names *names, struct value value);

static void each_column(const struct statistics_sums *sums, column_fn *each, void *context)
{
    char code[TEXT_BYTES], ja[TEXT_BYTES], en[TEXT_BYTES], means_ja[TEXT_BYTES],
        means_en[TEXT_BYTES];
    struct names names = {code, ja, en, means_ja, means_en};

    for (size_t i = 0; i < ARRAY_COUNT(count_order); i++) {
        each(context, &counts[count_order[i]], whole(sums->counts[count_order[i]]));
    }
    for (int m = 0; m < STATISTICS_MEASURES; m++) {
        for (int s = 0; s < OF_STATISTICS; s++) {
            (void)snprintf(code, sizeof(code), "%s_%s", measures[m].code, statistics[s].code);
            (void)snprintf(ja, sizeof(ja), "%s %s", measures[m].ja, statistics[s].ja);
            (void)snprintf(en, sizeof(en), "%s %s", measures[m].en, statistics[s].en);
            (void)snprintf(means_ja, sizeof(means_ja), "%s%s", measures[m].means_ja,
                           statistics[s].means_ja);
            (void)snprintf(means_en, sizeof(means_en), "%s %s", measures[m].means_en,
                           statistics[s].means_en);
            each(context, &names, time_value(&sums->times[m], (enum statistic)s));
        }
    }
    for (int i = 0; i < SHARES; i++) {
        each(context, &shares[i], share_value(sums, (enum share)i));
    }
}

/* ---- JSON ---------------------------------------------------------------------------------------------- */

static void json_column(void *context, const struct names *names, struct value value)
{
    struct json *json = context;

    if (!value.there) {
        json_null(json, names->code);
    } else if (value.whole) {
        json_number(json, names->code, (int64_t)value.number);
    } else {
        json_real(json, names->code, value.number);
    }
}

static void json_definition(void *context, const struct names *names, struct value value)
{
    struct json *json = context;

    (void)value;
    json_open(json, NULL, '{');
    json_text(json, "name", names->code);
    json_text(json, "label_ja", names->ja);
    json_text(json, "label_en", names->en);
    json_text(json, "means_ja", names->means_ja);
    json_text(json, "means_en", names->means_en);
    json_close(json, '}');
}

static void json_key(const struct engine *engine, struct json *json, const struct table *report,
                     const struct statistics_row *row)
{
    const struct queue_category_config *category =
        queue_category_config_find(engine->queue, row->key.category);
    const struct queue_counter_config *counter =
        row->key.counter < 0 ? NULL
                             : queue_counter_config_find(engine->queue, (uint16_t)row->key.counter);

    json_bool(json, "few", row->few);
    if ((report->by & TABLE_BY_DAY) != 0) {
        render_date(json, "day", row->key.date);
    }
    if ((report->by & TABLE_BY_CATEGORY) != 0 && !row->few) {
        json_number(json, "category", row->key.category);
        json_text(json, "category_ja", category == NULL ? "" : category->name_ja);
        json_text(json, "category_en", category == NULL ? "" : category->name_en);
    }
    if ((report->by & TABLE_BY_HOUR) != 0 && !row->few) {
        json_number(json, "hour", row->key.hour);
    }
    if ((report->by & TABLE_BY_COUNTER) != 0 && !row->few) {
        json_number(json, "counter", row->key.counter);
        json_text(json, "counter_ja", counter == NULL ? "" : counter->name_ja);
        json_text(json, "counter_en", counter == NULL ? "" : counter->name_en);
    }
}

/* What there is of single visits, for whoever would ask for their file. */
static void json_visits(const struct engine *engine, struct json *json)
{
    const struct visits_state *visits = &engine->state.visits;
    bool there = visits->lsn != 0 && visits->date >= visits->from;

    json_open(json, "visits", '{');
    json_bool(json, "kept", engine->options.keep_visits_days != 0);
    json_number(json, "days", engine->options.keep_visits_days);
    if (there) {
        render_date(json, "from", visits->from);
        render_date(json, "newest", visits->date);
    } else {
        json_null(json, "from");
        json_null(json, "newest");
    }
    json_close(json, '}');
}

char *table_render_json(struct engine *engine, const struct table *report,
                        const struct statistics_row *rows, size_t count, size_t *ret_len_bytes)
{
    struct json json;

    json_init(&json);
    json_open(&json, NULL, '{');
    json_text(&json, "site_ja", engine->queue->config.site_ja);
    json_text(&json, "site_en", engine->queue->config.site_en);
    render_date(&json, "from", report->from);
    render_date(&json, "to", report->to);
    json_number(&json, "days", report->day_count);
    json_number(&json, "days_annulled", report->annulled_count);
    json_bool(&json, "provisional", report->open);
    json_number(&json, "few_below", STATISTICS_FEW);
    json_visits(engine, &json);
    json_open(&json, "rows", '[');
    for (size_t i = 0; i < count && report->by != 0; i++) {
        json_open(&json, NULL, '{');
        json_key(engine, &json, report, &rows[i]);
        each_column(&rows[i].sums, json_column, &json);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_open(&json, "total", '{');
    each_column(&report->total, json_column, &json);
    json_close(&json, '}');
    json_open(&json, "annulled", '{');
    each_column(&report->annulled, json_column, &json);
    json_close(&json, '}');
    json_open(&json, "definitions", '[');
    each_column(&report->total, json_definition, &json);
    json_close(&json, ']');
    json_close(&json, '}');
    return json_take(&json, ret_len_bytes);
}

/* ---- CSV ------------------------------------------------------------------------------------------------ */

static void csv_label(void *context, const struct names *names, struct value value)
{
    (void)value;
    csv_field_of(context, "%s %s", names->ja, names->en);
}

static void csv_value(void *context, const struct names *names, struct value value)
{
    char digits[NUMBER_BYTES] = "";

    (void)names;
    if (value.there) {
        (void)snprintf(digits, sizeof(digits), value.whole ? "%.0f" : "%.1f", value.number);
    }
    csv_digits(context, digits);
}

static void csv_definition(void *context, const struct names *names, struct value value)
{
    (void)value;
    csv_field_of(context, "%s %s", names->ja, names->en);
    csv_field(context, names->means_ja);
    csv_field(context, names->means_en);
    csv_line(context);
}

static void csv_key_labels(struct csv *csv, uint8_t by)
{
    if ((by & TABLE_BY_DAY) != 0) {
        csv_field(csv, "開庁日 day");
    }
    if ((by & TABLE_BY_CATEGORY) != 0) {
        csv_field(csv, "業務番号 category");
        csv_field(csv, "業務 category (ja)");
        csv_field(csv, "category (en)");
    }
    if ((by & TABLE_BY_HOUR) != 0) {
        csv_field(csv, "時間帯 hour");
    }
    if ((by & TABLE_BY_COUNTER) != 0) {
        csv_field(csv, "窓口 counter");
    }
    if (by == 0) {
        csv_field(csv, "範囲 range");
    }
}

/* One field for every label above. `instead`: what stands in the first of them when the row has no key. */
static void csv_key(const struct engine *engine, struct csv *csv, uint8_t by,
                    const struct statistics_key *key, const char *instead)
{
    const struct queue_category_config *category =
        queue_category_config_find(engine->queue, key->category);
    int fields = ((by & TABLE_BY_DAY) != 0) + 3 * ((by & TABLE_BY_CATEGORY) != 0) +
                 ((by & TABLE_BY_HOUR) != 0) + ((by & TABLE_BY_COUNTER) != 0);

    if (instead != NULL) {
        csv_field(csv, instead);
        for (int i = 1; i < fields; i++) {
            csv_field(csv, "");
        }
        return;
    }
    if ((by & TABLE_BY_DAY) != 0) {
        csv_date(csv, key->date);
    }
    if ((by & TABLE_BY_CATEGORY) != 0) {
        csv_field_of(csv, "%u", key->category);
        csv_field(csv, category == NULL ? "" : category->name_ja);
        csv_field(csv, category == NULL ? "" : category->name_en);
    }
    if ((by & TABLE_BY_HOUR) != 0) {
        csv_field_of(csv, "%02d:00", key->hour);
    }
    if ((by & TABLE_BY_COUNTER) != 0) {
        csv_field_of(csv, "%d", key->counter);
    }
}

static void csv_about(const struct engine *engine, struct csv *csv, const struct table *report)
{
    csv_line(csv);
    csv_field_of(csv, "%s 窓口統計 Statistics of %s", engine->queue->config.site_ja,
                 engine->queue->config.site_en);
    csv_line(csv);
    csv_field(csv, "期間 period");
    csv_date(csv, report->from);
    csv_date(csv, report->to);
    csv_line(csv);
    csv_field(csv, "開庁日数 days");
    csv_field_of(csv, "%u", report->day_count);
    csv_field(csv, report->open
                       ? "終わっていない日を含む（途中の値） a day that is not over is in it"
                       : "");
    csv_line(csv);
    csv_field(csv, "取り消した開庁日 days annulled");
    csv_field_of(csv, "%u", report->annulled_count);
    csv_field(csv, "合計に含まない not in the total");
    csv_line(csv);
    csv_field(csv, "少数をまとめた行 few");
    csv_field_of(csv, "用件が%d未満の行は個人が分からないようまとめる。", STATISTICS_FEW);
    csv_field_of(
        csv,
        "Rows of fewer than %d services are shown together, so that nobody is told by his times.",
        STATISTICS_FEW);
    csv_line(csv);
    csv_line(csv);
    csv_field(csv, "用語 column");
    csv_field(csv, "定義");
    csv_field(csv, "definition");
    csv_line(csv);
    each_column(&report->total, csv_definition, csv);
}

char *table_render_csv(struct engine *engine, const struct table *report,
                       const struct statistics_row *rows, size_t count, size_t *ret_len_bytes)
{
    struct csv csv;

    csv_begin(&csv);
    csv_key_labels(&csv, report->by);
    each_column(&report->total, csv_label, &csv);
    csv_line(&csv);
    for (size_t i = 0; i < count && report->by != 0; i++) {
        csv_key(engine, &csv, report->by, &rows[i].key,
                rows[i].few ? "少数をまとめた行 few" : NULL);
        each_column(&rows[i].sums, csv_value, &csv);
        csv_line(&csv);
    }
    csv_key(engine, &csv, report->by, &(struct statistics_key){0}, "合計 total");
    each_column(&report->total, csv_value, &csv);
    csv_line(&csv);
    csv_about(engine, &csv, report);
    *ret_len_bytes = csv.len_bytes;
    return csv.text;
}
