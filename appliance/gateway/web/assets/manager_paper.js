// manager_paper.js - what is printed from the manager's page: hand-written tickets with their register, the day's slip.

import { el } from "./dom.js";
import { formatShortClock } from "./time.js";

const TOTALS = [
    ["issued", "発券"],
    ["served", "対応"],
    ["no_show", "不在"],
    ["cancelled", "取消"],
    ["expired", "終了"],
    ["voided", "欠番"],
];

/** Numbers of the range that are not entered yet: a kit is not printed with numbers that are used. */
export function freeNumbers({ first, last, entered }, count) {
    const used = new Set(entered.map((each) => each.number));
    const numbers = [];
    for (let number = first; number <= last && numbers.length < count; number++) {
        if (!used.has(number)) {
            numbers.push(number);
        }
    }
    return numbers;
}

/** Tickets to tear off, two beside each other, and behind them the register that goes with them. */
export function drawSheet(sheet, view, category, count) {
    const numbers = freeNumbers(category.hand_written, count);
    sheet.replaceChildren(
        el(
            "div",
            { class: "kit" },
            ...numbers.map((number) =>
                el(
                    "div",
                    { class: "kit-ticket" },
                    el("p", {}, view.site_ja),
                    el("p", { class: "kit-number digits" }, String(number)),
                    el("p", { class: "kit-name" }, category.name_ja),
                    el("p", {}, category.name_en),
                    el("p", {}, "受付時刻　　　：　　　"),
                    el("p", {}, "番号が呼ばれましたら窓口へお越しください"),
                    el("p", { lang: "en" }, "Please wait until your number is called"),
                ),
            ),
        ),
        el(
            "div",
            { class: "register" },
            el("h2", {}, `手書き札の記録　${category.name_ja}`),
            el("p", {}, "機械が動いたら、この記録を「手書き札」の画面で入れてください。"),
            el(
                "table",
                {},
                el("tr", {}, ...["番号", "受付時刻", "窓口", "結果（対応・待ち・帰り・損じ）"].map((text) => el("th", {}, text))),
                ...numbers.map((number) => el("tr", {}, el("td", { class: "digits" }, String(number)), el("td"), el("td"), el("td"))),
            ),
        ),
    );
}

const group = (chain) => chain.replace(/(.{4})/g, "$1 ").trim();

export function drawSlip(box, slip) {
    const at = (time) => (time ? formatShortClock(Date.parse(time)) : "—");
    const row = (name, totals, tag = "td") =>
        el("tr", {}, el("th", { scope: "row" }, name), ...TOTALS.map(([key]) => el(tag, { class: "digits" }, String(totals[key]))));
    const key = JSON.stringify(slip);
    if (box.dataset.key === key) {
        return;
    }
    box.dataset.key = key;
    box.replaceChildren(
        el("p", { class: "slip-head" }, `${slip.site_ja}　${slip.date ?? "—"}　${at(slip.opened_at)}–${at(slip.closed_at)}`),
        el(
            "table",
            { class: "slip-table" },
            el("caption", { class: "only-read" }, "日計票 Day slip"),
            el("tr", {}, el("th", { scope: "col" }, "用件"), ...TOTALS.map(([, ja]) => el("th", { scope: "col" }, ja))),
            ...slip.categories.map((each) => row(each.name_ja, each.totals)),
            row("合計 All", slip.all),
        ),
        el("p", { class: "chain" }, `台帳 lsn ${slip.lsn}　term ${slip.term}　${slip.unit}号機`),
        el("p", { class: "chain digits" }, group(slip.chain)),
    );
}

/** Prints only the sheet: which one; CSS shows it alone. */
export function printPage(what) {
    document.body.dataset.print = what;
    globalThis.print();
}
