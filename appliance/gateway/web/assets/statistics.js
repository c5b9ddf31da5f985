// statistics.js - what the visits of some days come to: pictures first, each with its numbers beneath.

import { get, problemText } from "/assets/api.js";
import { barsAcross, columns, fillSection, patterns } from "/assets/chart.js";
import { byId, el } from "/assets/dom.js";

const PATH = "/api/v1/statistics";
const FEW = "少数をまとめた行";

const seconds = (value) => {
    if (value === null || value === undefined) {
        return "—";
    }
    const whole = Math.round(Math.abs(value));
    const sign = value < 0 ? "−" : "";
    const minutes = Math.floor(whole / 60);
    if (minutes === 0) {
        return `${sign}${whole}秒`;
    }
    return minutes < 60
        ? `${sign}${minutes}分${String(whole % 60).padStart(2, "0")}秒`
        : `${sign}${Math.floor(minutes / 60)}時間${String(minutes % 60).padStart(2, "0")}分`;
};
const percent = (value) => (value === null || value === undefined ? "—" : `${value.toFixed(1)}%`);
const count = (value) => (value ?? 0).toLocaleString("ja-JP");

const field = (name, text, more = {}) => ({
    value: (row) => row[name],
    text: (row) => text(row[name]),
    mark: "first",
    ...more,
});

const labelOfCategory = (row) =>
    row.few ? FEW : row.category_ja || `業務 ${row.category}`;
const labelOfHour = (row) => (row.few ? FEW : `${row.hour}時`);
const labelOfCounter = (row) => {
    if (row.few) {
        return FEW;
    }
    return row.counter === 0 ? "呼出前に終了" : row.counter_ja || `窓口 ${row.counter}`;
};

function drawHours(rows) {
    const series = [field("arrived", count, { name: "来庁 Arrived" })];
    // A column has an hour or it has no place: what is too few to show stands in the table alone.
    const hours = rows.filter((row) => !row.few);
    fillSection(byId("hours"), {
        ja: "時間帯ごとの来庁",
        en: "Arrivals by hour",
        drawing: columns(
            hours,
            series[0],
            labelOfHour,
            "時間帯ごとの来庁 Arrivals by hour",
            `${hours.length}の時間帯の来庁数。数は下の表にもあります。`,
        ),
        series,
        rows,
        label: labelOfHour,
        heading: "時間帯 Hour",
        cells: [
            ...series,
            field("served", count, { name: "対応完了 Served" }),
            field("wait_median_s", seconds, { name: "待ち中央値 Wait, median" }),
        ],
    });
}

function drawWaits(rows) {
    const series = [
        field("wait_median_s", seconds, { name: "中央値 Median" }),
        field("wait_p90_s", seconds, { name: "90%値 90th percentile", mark: "second" }),
    ];
    fillSection(byId("waits"), {
        ja: "業務ごとの待ち時間",
        en: "Waits by category",
        drawing: barsAcross(
            rows,
            series,
            labelOfCategory,
            "業務ごとの待ち時間 Waits by category",
            "呼び出しまでの待ち時間の中央値と90%値。数は下の表にもあります。",
        ),
        series,
        rows,
        label: labelOfCategory,
        heading: "業務 Category",
        cells: [
            field("arrived", count, { name: "来庁 Arrived" }),
            ...series,
            field("wait_mean_s", seconds, { name: "平均 Mean" }),
            field("wait_max_s", seconds, { name: "最長 Longest" }),
            field("service_mean_s", seconds, { name: "対応平均 Service, mean" }),
            field("no_show", count, { name: "不在 No-show" }),
            field("cancelled", count, { name: "取消 Cancelled" }),
            field("expired", count, { name: "閉庁 Expired" }),
        ],
    });
}

function drawTargets(rows) {
    const series = [field("over_target_percent", percent, { name: "目標超過率 Over target" })];
    fillSection(byId("targets"), {
        ja: "待ち時間の目標を超えた割合",
        en: "Share over target",
        drawing: barsAcross(
            rows,
            series,
            labelOfCategory,
            "待ち時間の目標を超えた割合 Share over target",
            "業務ごとの目標超過率。数は下の表にもあります。",
        ),
        series,
        rows,
        label: labelOfCategory,
        heading: "業務 Category",
        cells: [
            ...series,
            field("over_target", count, { name: "超過 Over" }),
            field("wait_count", count, { name: "件数 Of" }),
        ],
    });
}

function drawEstimates(rows) {
    const told = rows.filter((row) => row.estimated > 0);
    const series = [
        field("estimate_error_mean_s", seconds, { name: "平均誤差（正は長め） Mean error (above zero: too long)" }),
        field("estimate_error_absolute_s", seconds, {
            name: "平均絶対誤差 Mean absolute error",
            mark: "second",
        }),
    ];
    fillSection(byId("estimates"), {
        ja: "待ち時間の目安と実際",
        en: "Estimate and truth",
        drawing: barsAcross(
            told,
            series,
            labelOfCategory,
            "待ち時間の目安と実際 Estimate and truth",
            "示した目安から実際の待ち時間を引いた差の平均と、差の大きさの平均。数は下の表にもあります。",
        ),
        series,
        rows: told,
        label: labelOfCategory,
        heading: "業務 Category",
        cells: [field("estimated", count, { name: "件数 Count" }), ...series],
    });
}

function drawCounters(rows) {
    const load = (row) =>
        row.service_mean_s === null ? null : row.service_mean_s * row.service_count;
    const series = [
        { name: "対応した時間の合計 Time served, in all", value: load, text: (row) => seconds(load(row)), mark: "first" },
    ];
    fillSection(byId("counters"), {
        ja: "窓口ごとの対応",
        en: "Counters' load",
        drawing: barsAcross(
            rows.filter((row) => row.few || row.counter !== 0),
            series,
            labelOfCounter,
            "窓口ごとの対応 Counters' load",
            "窓口ごとに対応した時間の合計。数は下の表にもあります。",
        ),
        series,
        rows,
        label: labelOfCounter,
        heading: "窓口 Counter",
        cells: [
            field("services", count, { name: "用件 Services" }),
            field("served", count, { name: "対応完了 Served" }),
            ...series,
            field("service_mean_s", seconds, { name: "対応平均 Service, mean" }),
            field("walk_up_mean_s", seconds, { name: "移動平均 Walk-up, mean" }),
            field("hold_mean_s", seconds, { name: "保留平均 Hold, mean" }),
        ],
    });
}

function drawSum(body) {
    const total = body.total;
    const tiles = [
        ["開庁日", "Days", count(body.days)],
        ["来庁", "Arrived", count(total.arrived)],
        ["対応完了", "Served", count(total.served)],
        ["不在・取消・閉庁", "No-show, cancelled, expired", `${count(total.no_show)}・${count(total.cancelled)}・${count(total.expired)}`],
        ["待ち 中央値", "Wait, median", seconds(total.wait_median_s)],
        ["待ち 90%値", "Wait, 90th percentile", seconds(total.wait_p90_s)],
        ["目標超過率", "Over target", percent(total.over_target_percent)],
        ["目安の平均誤差", "Mean error of the estimate", seconds(total.estimate_error_mean_s)],
        ["時間が不確か", "Doubtful", count(total.doubtful)],
    ];
    byId("sum").replaceChildren(
        ...tiles.map(([ja, en, value]) =>
            el(
                "div",
                {},
                el("dt", {}, `${ja} `, el("span", { class: "beside", lang: "en" }, en)),
                el("dd", {}, value),
            ),
        ),
    );
}

function drawMeanings(body) {
    byId("meanings").replaceChildren(
        ...body.definitions.flatMap((each) => [
            el("dt", {}, `${each.label_ja} `, el("span", { class: "beside", lang: "en" }, each.label_en)),
            el("dd", {}, each.means_ja),
            el("dd", { lang: "en" }, each.means_en),
        ]),
    );
}

function drawFiles(from, to) {
    const files = [
        ["day", "日ごと", "By day"],
        ["day,category", "日・業務ごと", "By day and category"],
        ["category,hour,counter", "業務・時間帯・窓口ごと", "By category, hour and counter"],
    ];
    byId("files").replaceChildren(
        ...files.map(([by, ja, en]) =>
            el(
                "li",
                {},
                el(
                    "a",
                    { href: `${PATH}.csv?from=${from}&to=${to}&by=${by}`, download: `toban-${from}-${to}-${by.replaceAll(",", "-")}.csv` },
                    `${ja} `,
                    el("span", { lang: "en" }, en),
                    " (CSV, UTF-8)",
                ),
            ),
        ),
    );
}

/** Offered where the site keeps such rows, or some that it kept are still there. */
function drawVisits(visits, from, to) {
    const there = Boolean(visits?.from);
    byId("visits").hidden = !there;
    if (!there) {
        return;
    }
    byId("visits_kept").replaceChildren(
        `設定により、消去のあとも ${visits.days} 日間残しています。いまあるのは ${visits.from} から ${visits.newest} までです。過ぎた日の行は、どの号機でも読めなくなります。 `,
        el(
            "span",
            { class: "beside", lang: "en" },
            `This site keeps them for ${visits.days} days past the erasure. There are rows of ${visits.from} to ${visits.newest}; older ones cannot be read on any unit any more.`,
        ),
    );
    byId("visits_file").href = `${PATH}/visits.csv?from=${from}&to=${to}`;
}

function say(ja, en, wrong = false) {
    const said = byId("said");
    said.classList.toggle("wrong", wrong);
    said.replaceChildren(`${ja} `, el("span", { class: "beside", lang: "en" }, en));
}

let asked = 0;

/** Only the newest question is drawn. */
async function show(from, to) {
    const mine = ++asked;
    const go_on = () => mine === asked;
    const answers = {};
    say("集計しています。", "Counting.");
    for (const by of ["hour", "category", "counter"]) {
        const answer = await get(`${PATH}?from=${from}&to=${to}&by=${by}`, { go_on });
        if (!go_on() || answer === null) {
            return;
        }
        if (answer.status !== 200) {
            const problem = problemText(answer);
            byId("tables").hidden = true;
            say(problem.ja, problem.en, true);
            return;
        }
        answers[by] = answer.body;
    }
    draw(answers);
}

function draw({ hour, category, counter }) {
    byId("from").value = category.from;
    byId("to").value = category.to;
    byId("site").textContent = `${category.site_ja} ${category.site_en}`;
    drawSum(category);
    drawHours(hour.rows);
    drawWaits(category.rows);
    drawTargets(category.rows);
    drawEstimates(category.rows);
    drawCounters(counter.rows);
    drawMeanings(category);
    drawFiles(category.from, category.to);
    drawVisits(category.visits, category.from, category.to);
    byId("tables").hidden = false;
    say(
        `${category.from} から ${category.to} まで、開庁日 ${category.days} 日。${category.provisional ? "終わっていない日を含む途中の値です。" : ""}`,
        `${category.from} to ${category.to}, ${category.days} ${category.days === 1 ? "day" : "days"}.${category.provisional ? " One of them is not over." : ""}`,
    );
}

function aMonthBefore(text) {
    const day = new Date(`${text}T00:00:00Z`);
    day.setUTCDate(day.getUTCDate() - 30);
    return day.toISOString().slice(0, 10);
}

document.body.append(patterns());
byId("period").addEventListener("submit", (event) => {
    event.preventDefault();
    show(byId("from").value, byId("to").value);
});
for (const button of document.querySelectorAll("[data-preset]")) {
    button.addEventListener("click", async () => {
        if (button.dataset.preset === "newest" || !byId("to").value) {
            await show("", "");
            return;
        }
        await show(aMonthBefore(byId("to").value), byId("to").value);
    });
}
show("", "");
