// certificate.js - what was erased, when, by whom, and what each unit says of its own disk. For paper.

import { get, problemText } from "./api.js";
import { byId, el, setText } from "./dom.js";

const moment = (iso) => (iso ? iso.slice(0, 16).replace("T", " ") : "—");

function fact(ja, en, value) {
    return el("div", {}, el("dt", {}, `${ja} `, el("span", { class: "beside", lang: "en" }, en)), el("dd", {}, value));
}

function draw(certificate) {
    const { ordered } = certificate;
    setText(byId("site"), `${certificate.site} ${certificate.site_en}`);
    byId("facts").replaceChildren(
        fact("開庁日", "Service day", certificate.service_day),
        fact("消去の指示", "Ordered", `${moment(ordered.at)}  ${ordered.unit}号機 unit ${ordered.unit}  ` +
            (ordered.by_clock ? "日付が変わったため自動で by the calendar" : "係員の操作で by an operator")),
        fact("消去した記録", "Erased", `受付 ${certificate.tickets} 件 tickets、操作の控え ${certificate.answers} 件 kept answers`),
        fact("消去前の要約値", "Digest before", certificate.digest_before),
        fact("消去後の要約値", "Digest after", certificate.digest_after),
        fact("台帳の記録番号", "Entry in the ledger", String(ordered.lsn)),
    );
    byId("units").replaceChildren(
        ...certificate.units.map((unit) =>
            el("li", {}, `${unit.unit}号機 unit ${unit.unit}: ${moment(unit.erased_at)} 消去を確認 found erased。` +
                `消した鍵 keys destroyed ${unit.keys_destroyed}、残った鍵 left ${unit.keys_left}` +
                (unit.digests_agree ? "" : "。要約値が一致しません digests do not agree"))),
        ...certificate.missing_units.map((unit) =>
            el("li", { "data-missing": true }, `${unit.unit}号機 unit ${unit.unit}: まだ証明がありません not certified yet`)),
    );
    const others = certificate.days.filter(({ service_day }) => service_day !== certificate.service_day);
    byId("days").closest("nav").hidden = others.length === 0;
    byId("days").replaceChildren(
        ...others.map(({ service_day }) =>
            el("li", {}, el("a", { href: `/certificate?date=${service_day}` }, service_day))),
    );
}

byId("print").addEventListener("click", () => print());
const date = new URLSearchParams(location.search).get("date") ?? "";
const answer = await get(`/api/v1/certificates${/^\d{4}-\d\d-\d\d$/.test(date) ? `/${date}` : ""}`);
if (answer.status === 200) {
    draw(answer.body);
} else {
    const said = problemText(answer);
    setText(byId("problem"), `${said.ja} ${said.en}`);
}
