// admin_holidays.js - the Cabinet Office's list of holidays: shown as what would change, then taken whole or not at all.
//
// The office judges the list (as it does for `toban calendar import`); here bytes become text, in CP932 as the Cabinet
// Office writes it or in UTF-8, and a line that is neither is named.

import { post, problemText } from "./api.js";
import { byId, el, setText } from "./dom.js";
import { textOf } from "./holidays_text.js";
import { onWho } from "./who.js";

const PATH = "/api/v1/config/holidays";
const FILE_BYTES_MAX = 64 * 1024;

let chosen = null; // {text, version, name}: what was shown, and nothing else, is imported
let busy = false;

function tell(id, ja = "", en = "") {
    for (const other of ["holidays_said", "holidays_problem"]) {
        byId(other).hidden = other !== id || ja === "";
    }
    setText(byId(id).children[0], ja);
    setText(byId(id).children[1], en);
}

function tellProblem(answer) {
    const { line } = answer.body;
    const { ja, en } = problemText(answer);
    tell("holidays_problem", line ? `${line}行目：${ja}` : ja, line ? `Line ${line}: ${en}` : en);
}

/** Added, removed, or another name: in words, with a sign of its own. */
function kindOf({ open_before, open, name_before_ja, name_ja }) {
    if (open_before !== open) {
        return open ? ["－ 祝日でなくなる", "no holiday any more"] : ["＋ 祝日になる", "new holiday"];
    }
    return name_before_ja === name_ja ? ["＝ 同じ", "as it is"] : ["≠ 名前が変わる", "other name"];
}

const both = (ja, en) => [ja, " ", el("span", { class: "beside", lang: "en" }, en)];

function drawChanges({ changes, changed_days, days, year_first, year_last }) {
    setText(
        byId("holidays_sum"),
        `${chosen.name}：${year_first}〜${year_last}年の${days}日。変わる日は${changed_days}日です。 ${days} days, ${changed_days} change.`,
    );
    const labels = ["日付", "どう変わるか", "いま", "取込み後"];
    byId("holidays_rows").replaceChildren(
        ...changes.map((each) => {
            const cells = [[each.date], both(...kindOf(each)), both(each.name_before_ja, each.name_before_en), both(each.name_ja, each.name_en)];
            return el("tr", {}, ...cells.map((cell, i) => el("td", { "data-label": labels[i] }, ...cell)));
        }),
    );
    byId("holidays_changes").hidden = false;
    byId("holidays_sum").focus();
}

function forget() {
    chosen = null;
    byId("holidays_changes").hidden = true;
    byId("holidays_rows").replaceChildren();
}

/** One thing at a time; a button is not taken away from the keyboard. */
async function alone(act) {
    if (busy) {
        return;
    }
    busy = true;
    try {
        await act();
    } finally {
        busy = false;
    }
}

async function check() {
    const [file] = byId("holidays_file").files;
    forget();
    tell("holidays_said");
    if (!file) {
        return;
    }
    if (file.size > FILE_BYTES_MAX) {
        tell("holidays_problem", "ファイルが大きすぎます（64 KiB まで）。内閣府の syukujitsu.csv か確かめてください。", "This file is too long (64 KiB at most). Is it the Cabinet Office's list?");
        return;
    }
    const text = textOf(new Uint8Array(await file.arrayBuffer()));
    if (typeof text === "number") {
        tell("holidays_problem", `${text}行目：読めない文字があります。内閣府の syukujitsu.csv を、書き換えずに選んでください。`, `Line ${text}: there is a character that cannot be read. Choose the Cabinet Office's file as it is.`);
        return;
    }
    const answer = await post(`${PATH}/check`, { text });
    if (answer.status !== 200) {
        tellProblem(answer);
        return;
    }
    chosen = { text, version: answer.body.version, name: file.name };
    drawChanges(answer.body);
}

async function take() {
    if (!chosen) {
        return;
    }
    const { text, version, name } = chosen;
    const answer = await post(PATH, { text, base_version: version, note: "admin page" });
    if (answer.status >= 300) {
        tellProblem(answer);
        return;
    }
    forget();
    byId("holidays_form").reset();
    tell("holidays_said", `${name} を取り込みました。いまから有効です（第${answer.body.version}版）。`, `${name} is imported and in force, as version ${answer.body.version}.`);
}

byId("holidays_form").addEventListener("submit", (event) => {
    event.preventDefault();
    alone(check);
});
byId("holidays_yes").addEventListener("click", () => alone(take));
byId("holidays_no").addEventListener("click", () => {
    forget();
    byId("holidays_file").focus();
});
onWho((session) => {
    byId("holidays").hidden = session.role !== "administrator";
});
