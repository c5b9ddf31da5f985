// manager.js - whoever leads the floor: how long people wait, who is open, and what may be changed today.
//
// Everything shown follows from one view (GET /manager), read again after every change of the queue. What is pressed
// is sent once under its own key and says what it did; what ends visits is shown as it would follow before it counts.

import { get, post, problemText } from "./api.js";
import { byId, el, keepRows, setAttribute, setText, showScreen } from "./dom.js";
import { connectLive } from "./live.js";
import { drawSheet, drawSlip, printPage } from "./manager_paper.js";
import { effectsOf, titleOf } from "./manager_preview.js";
import { createTargets, percentText, shareText } from "./manager_targets.js";
import { createOfficeClock, formatClock, formatDateJa, formatShortClock } from "./time.js";

const API = "/api/v1";
const SAID_MS = 15000;
const NOTICE_BYTES_MAX = 239;
const LIMIT_NONE = 65535;
const SOUND_STORE = "toban-manager-sound";
const TAKEOVER_SHOWN_MS = 30 * 60 * 1000;
const ALERTS = {
    NONE: { mark: "○", ja: "目標内", en: "On target" },
    NEAR: { mark: "△", ja: "まもなく目標超過", en: "Soon over target" },
    OVER: { mark: "▲", ja: "目標超過", en: "Over target" },
};
const REFUSALS = {
    CATEGORY_SUSPENDED: "受付停止中 Stopped",
    ALL_SUSPENDED: "全体の受付停止中 All stopped",
    LIMIT_REACHED: "本日の上限に達しました Limit reached",
    NOT_AT_THIS_HOUR: "受付時間外・休憩中 Not at this hour",
    ACCEPTANCE_OVER: "本日の受付終了 Over for today",
    DAY_NOT_OPEN: "開庁していません Not open",
};
const TICKET_STATES = { CALLED: "呼出中 Called", SERVING: "対応中 Serving" };

const clock = createOfficeClock();
let queue = null;
let view = null;
let view_wanted = 0;
let health = { fresh: false, since_ms: null };
let busy = false;
let said_at_ms = -Infinity;
let tab = "now";
let alerted = new Set(); // categories whose alert has sounded
let sound_on = readSound();
let context = null;
let confirmed = null; // what the preview's button does
let limited = null; // the category whose limit is being set
let undo = null; // {counter, serves}: what a counter served before the newest change
let drawn_notice = null;

const minutesOf = (seconds) => (seconds === null ? "—" : `${Math.floor(seconds / 60)}`);
const categoryOf = (id) => view.categories.find((each) => each.id === id);

// ---- sound: two notes when a category goes over its target; off until somebody wants it

function readSound() {
    try {
        return localStorage.getItem(SOUND_STORE) === "on";
    } catch {
        return false;
    }
}

function setSound(on) {
    sound_on = on;
    try {
        localStorage.setItem(SOUND_STORE, on ? "on" : "off");
    } catch {
        // Not remembered: it is asked for again after the next start.
    }
    if (on) {
        ring();
    }
    draw();
}

function ring() {
    try {
        context ??= new AudioContext();
        context.resume();
        [523.25, 392].forEach((frequency, index) => {
            const start_s = context.currentTime + index * 0.3;
            const tone = new OscillatorNode(context, { type: "triangle", frequency });
            const loudness = new GainNode(context, { gain: 0.2 });
            loudness.gain.setTargetAtTime(0, start_s + 0.2, 0.05);
            tone.connect(loudness).connect(context.destination);
            tone.start(start_s);
            tone.stop(start_s + 0.5);
        });
        document.dispatchEvent(new CustomEvent("toban-alert"));
    } catch {
        // No sound here: words and shapes say the same.
    }
}

function soundAlerts() {
    const over = view.categories.filter((each) => each.alert === "OVER").map((each) => each.id);
    const is_new = over.some((id) => !alerted.has(id));
    alerted = new Set(over);
    if (is_new && sound_on) {
        ring();
    }
}

// ---- drawing

function draw() {
    drawTop();
    if (!view) {
        showScreen("load");
        return;
    }
    showScreen("work");
    drawTabs();
    drawSums();
    drawCategories();
    drawCounters();
    drawGrid();
    drawDay();
    drawPaper();
}

function drawTop() {
    const now_ms = clock.now_ms();
    setText(byId("clock"), formatShortClock(now_ms));
    setText(byId("date"), formatDateJa(now_ms));
    const sound = byId("sound");
    setAttribute(sound, "aria-pressed", String(sound_on));
    setText(sound, sound_on ? "♪ 音あり Sound on" : "－ 音なし Sound off");
    const stale = byId("stale");
    stale.hidden = health.fresh || !queue;
    const since = health.since_ms === null ? "" : formatClock(health.since_ms);
    setText(stale.children[0], `情報が古い可能性があります${since && `（${since} から）`}`);
    setText(stale.children[1], `Information may be out of date${since && ` since ${since}`}`);
    if (view) {
        setText(byId("site_ja"), view.site_ja);
        setText(byId("day_state"), dayText());
        byId("mode").hidden = view.mode === "PAIRED";
        setText(byId("mode"), `▲ ${view.unit}号機だけで運転中 Unit ${view.unit} serves alone`);
        document.title = `${view.site_ja} 窓口責任者`;
        drawAlerts(now_ms);
    }
}

function dayText() {
    const { state, accepting } = view.service_day;
    if (state !== "OPEN") {
        return "○ 閉庁中 Closed";
    }
    if (!accepting) {
        return "◑ 受付終了・対応中 No more visitors";
    }
    return view.suspended ? "△ 全体の受付停止中 All stopped" : "● 開庁中 Open";
}

function drawAlerts(now_ms) {
    const lines = view.categories
        .filter((each) => each.alert === "OVER")
        .map(
            (each) =>
                `▲ ${each.name_ja}：最長 ${minutesOf(each.longest_wait_s)}分（目標 ${minutesOf(each.target_s)}分、今日の超過 ${percentText(each.waited)}） ${each.name_en}: ${minutesOf(each.longest_wait_s)} min`,
        );
    const { takeover } = view;
    if (takeover && now_ms - Date.parse(takeover.at) < TAKEOVER_SHOWN_MS) {
        lines.push(
            `⇄ ${formatShortClock(Date.parse(takeover.at))} 装置が切り替わりました（番号 ${takeover.number}）。操作は不要です。 The units changed over; nothing to do.`,
        );
    }
    byId("alerts").hidden = lines.length === 0;
    setText(byId("alerts"), lines.join("　"));
}

function drawTabs() {
    for (const button of byId("tabs").children) {
        const name = button.getAttribute("aria-controls");
        setAttribute(button, "aria-selected", String(name === tab));
        setAttribute(button, "tabindex", name === tab ? "0" : "-1");
        byId(name).hidden = name !== tab;
    }
}

function drawSums() {
    const waiting = view.categories.reduce((sum, each) => sum + each.waiting, 0);
    const open = view.counters.filter((each) => each.open).length;
    const longest = Math.max(-1, ...view.categories.map((each) => each.longest_wait_s ?? -1));
    const total = (name) => view.categories.reduce((sum, each) => sum + each.today[name], 0);
    const sums = [
        { id: "waiting", ja: "お待ち", en: "Waiting", value: waiting, unit: "人" },
        { id: "longest", ja: "最長", en: "Longest", value: longest < 0 ? "—" : Math.floor(longest / 60), unit: "分" },
        { id: "open", ja: "開いている窓口", en: "Counters open", value: `${open}/${view.counters.length}`, unit: "" },
        { id: "issued", ja: "本日の発券", en: "Tickets today", value: total("issued"), unit: "枚" },
        { id: "served", ja: "対応済み", en: "Served", value: total("served"), unit: "人" },
        { id: "no_show", ja: "不在終了", en: "No show", value: total("no_show"), unit: "人" },
    ];
    keepRows(
        byId("sums"),
        sums,
        (each) => each.id,
        (each) =>
            el(
                "p",
                { "data-sum": each.id },
                el("span", {}, each.ja),
                el("strong", { class: "digits" }),
                el("span", { class: "beside", lang: "en" }, each.en),
            ),
        (row, each) => setText(row.children[1], `${each.value}${each.unit}`),
    );
}

function drawCategories() {
    const stop = byId("all_stop");
    setText(
        stop,
        view.suspended ? "▶ 全体の受付を再開する Resume all" : "■ 全体の受付を止める Stop all",
    );
    keepRows(byId("categories"), view.categories, (each) => each.id, createCategory, updateCategory);
}

function createCategory(category) {
    const pair = (ja, en) =>
        el("div", {}, el("dt", {}, el("span", {}, ja), el("span", { class: "beside", lang: "en" }, en)), el("dd", { class: "digits" }));
    return el(
        "li",
        {},
        el("h3", {}, el("span", { lang: "ja" }), el("span", { class: "beside", lang: "en" })),
        el("p", { class: "alert-mark" }),
        el(
            "dl",
            {},
            pair("待ち", "waiting"),
            pair("最長／目標", "longest/target"),
            pair("目安", "estimate"),
            pair("窓口", "counters"),
            pair("発券／上限", "tickets/limit"),
            pair("目標超過", "over target"),
        ),
        el("p", { class: "refusal" }),
        el(
            "p",
            { class: "buttons" },
            el("button", { type: "button", class: "quiet-button small-button", onclick: () => toggleCategory(category.id) }),
            el("button", { type: "button", class: "quiet-button small-button", onclick: () => openLimit(category.id) }),
            el("button", { type: "button", class: "quiet-button small-button", onclick: () => targets.open(category.id) }),
        ),
    );
}

function updateCategory(row, each) {
    const [heading, mark, list, refusal, buttons] = row.children;
    const alert = ALERTS[each.alert];
    const values = [...list.children].map((pair) => pair.lastElementChild);
    setAttribute(row, "data-alert", each.alert);
    setAttribute(row, "data-category", each.id);
    setText(heading.children[0], each.name_ja);
    setText(heading.children[1], each.name_en);
    setText(mark, `${alert.mark} ${alert.ja} ${alert.en}`);
    // Beside those who wait, never among them.
    const expected = each.registration?.expected ?? 0;
    setText(values[0], `${each.waiting}人${expected > 0 ? `（来庁前 expected ${expected}）` : ""}`);
    setText(values[1], `${minutesOf(each.longest_wait_s)}／${minutesOf(each.target_s)}分`);
    setText(values[2], each.estimated_wait_s === null ? "—" : `約${minutesOf(each.estimated_wait_s)}分`);
    setText(values[3], `${each.open_counters}`);
    setText(values[4], `${each.today.issued}／${each.limit ?? "なし"}`);
    setText(values[5], shareText(each.waited));
    setText(refusal, each.accepting ? "" : (REFUSALS[each.refusal] ?? each.refusal));
    setText(buttons.children[0], each.suspended ? "▶ 受付を再開 Resume" : "■ 受付を止める Stop");
    setAttribute(buttons.children[0], "aria-label", `${each.name_ja} ${buttons.children[0].textContent}`);
    setText(buttons.children[1], "上限 Limit…");
    setAttribute(buttons.children[1], "aria-label", `${each.name_ja} 上限 Limit`);
    setText(buttons.children[2], "目標 Target…");
    setAttribute(buttons.children[2], "aria-label", `${each.name_ja} 待ちの目標 Target`);
}

function drawCounters() {
    keepRows(
        byId("counters"),
        view.counters,
        (each) => each.id,
        () =>
            el(
                "li",
                {},
                el("strong"),
                el("span", { class: "desk-state" }),
                el("span", { class: "desk-who" }),
                el("span", { class: "desk-ticket" }),
            ),
        (row, each) => {
            const [name, state, who, ticket] = row.children;
            const since = each.since ? `${formatShortClock(Date.parse(each.since))}から` : "";
            setAttribute(row, "data-open", String(each.open));
            setText(name, each.name_ja);
            setText(state, each.open ? "● 受付中 Open" : "○ 閉鎖中 Closed");
            setText(who, each.open ? [each.by, since].filter(Boolean).join(" · ") : "");
            setText(
                ticket,
                each.ticket
                    ? `${each.ticket.display} ${TICKET_STATES[each.ticket.state] ?? ""} ${categoryOf(each.ticket.category)?.name_ja ?? ""}`
                    : each.open
                      ? "空き Free"
                      : "",
            );
        },
    );
}

// ---- who serves what

const tierOf = (counter, category) =>
    counter.serves.find((each) => each.category === category)?.tier ?? 0;

function drawGrid() {
    const table = byId("grid");
    const key = JSON.stringify([view.counters.map((each) => each.id), view.categories.map((each) => each.id)]);
    if (table.dataset.key !== key) {
        table.dataset.key = key;
        table.replaceChildren(createHead(), ...view.categories.map(createGridRow));
    }
    view.counters.forEach((counter, column) => {
        const head = table.rows[0].cells[column + 1];
        setText(head.children[0], counter.name_ja);
        setText(head.children[1], counter.open ? "● 受付中" : "○ 閉鎖中");
        setText(head.children[2], counter.changed ? "変更中 changed" : "設定どおり");
        setAttribute(head, "data-changed", String(counter.changed));
        view.categories.forEach((category, row) => {
            const button = table.rows[row + 1].cells[column + 1].firstElementChild;
            const tier = tierOf(counter, category.id);
            setText(button, tier === 0 ? "—" : String(tier));
            setAttribute(button, "data-tier", tier);
            setAttribute(
                button,
                "aria-label",
                `${counter.name_ja} ${category.name_ja} ${tier === 0 ? "扱わない not served" : `順位 rank ${tier}`}`,
            );
        });
    });
    const button = byId("serves_undo");
    button.hidden = undo === null;
    if (undo) {
        const name = view.counters.find((each) => each.id === undo.counter)?.name_ja ?? "";
        setText(button, `↶ ${name}の変更を元に戻す Undo`);
    }
}

function createHead() {
    return el(
        "tr",
        {},
        el("th", { scope: "col" }, "用件 Service"),
        ...view.counters.map((counter) =>
            el(
                "th",
                { scope: "col", ondragover: allowDrop, ondrop: (event) => drop(event, counter.id) },
                el("span", { class: "grid-counter" }),
                el("span", { class: "grid-state" }),
                el("span", { class: "grid-changed" }),
            ),
        ),
    );
}

function createGridRow(category, row) {
    return el(
        "tr",
        {},
        el(
            "th",
            {
                scope: "row",
                draggable: "true",
                ondragstart: (event) => event.dataTransfer.setData("text/plain", String(category.id)),
            },
            category.name_ja,
            " ",
            el("span", { class: "beside", lang: "en" }, category.name_en),
        ),
        ...view.counters.map((counter, column) =>
            el(
                "td",
                { ondragover: allowDrop, ondrop: (event) => drop(event, counter.id) },
                el("button", {
                    type: "button",
                    class: "tier",
                    tabindex: row === 0 && column === 0 ? "0" : "-1",
                    onclick: () => cycle(counter.id, category.id),
                    onkeydown: (event) => onGridKey(event, row, column),
                }),
            ),
        ),
    );
}

const allowDrop = (event) => event.preventDefault();

function drop(event, counter_id) {
    event.preventDefault();
    const category_id = Number(event.dataTransfer.getData("text/plain"));
    const counter = view.counters.find((each) => each.id === counter_id);
    if (categoryOf(category_id) && tierOf(counter, category_id) === 0) {
        setTier(counter_id, category_id, 1);
    }
}

function cycle(counter_id, category_id) {
    const counter = view.counters.find((each) => each.id === counter_id);
    setTier(counter_id, category_id, (tierOf(counter, category_id) + 1) % 4);
}

function onGridKey(event, row, column) {
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    if (moves[event.key]) {
        event.preventDefault();
        focusCell(row + moves[event.key][0], column + moves[event.key][1]);
    } else if (/^[0-9]$/.test(event.key) || event.key === "Delete") {
        event.preventDefault();
        setTier(view.counters[column].id, view.categories[row].id, Number(event.key) || 0);
    }
}

function focusCell(row, column) {
    const cell = byId("grid").rows[row + 1]?.cells[column + 1];
    if (row >= 0 && column >= 0 && cell) {
        for (const each of byId("grid").querySelectorAll(".tier")) {
            setAttribute(each, "tabindex", each === cell.firstElementChild ? "0" : "-1");
        }
        cell.firstElementChild.focus();
    }
}

function setTier(counter_id, category_id, tier) {
    const counter = view.counters.find((each) => each.id === counter_id);
    const before = counter.serves.map(({ category, tier: old }) => ({ category, tier: old }));
    const serves = before.filter((each) => each.category !== category_id);
    if (tier > 0) {
        serves.push({ category: category_id, tier });
    }
    if (serves.length === 0) {
        say("窓口には用件が一つ以上必要です。", "A counter serves at least one service.", "refused");
        return;
    }
    send(`/counters/${counter_id}/serves`, { serves }, () => {
        undo = { counter: counter_id, serves: before };
        const name = categoryOf(category_id).name_ja;
        return tier > 0
            ? [`${counter.name_ja}で「${name}」を順位${tier}で扱います。`, `Rank ${tier} at ${counter.name_en}.`]
            : [`${counter.name_ja}では「${name}」を扱いません。`, `No longer served at ${counter.name_en}.`];
    });
}

function undoServes() {
    const { counter, serves } = undo;
    send(`/counters/${counter}/serves`, { serves }, () => {
        undo = null;
        return ["窓口の用件を元に戻しました。", "The counter serves what it did before."];
    });
}

// ---- running text and hours

function drawDay() {
    const notice = view.notice;
    setText(
        byId("notice_now"),
        notice ? `表示中：${notice.ja} ${notice.en}` : "お知らせは出ていません。 No text is shown.",
    );
    setAttribute(byId("notice_now"), "data-on", String(notice !== null));
    byId("notice_clear").hidden = notice === null;
    if (drawn_notice !== JSON.stringify(notice) && document.activeElement?.form !== byId("notice_form")) {
        drawn_notice = JSON.stringify(notice);
        byId("notice_ja").value = notice?.ja ?? "";
        byId("notice_en").value = notice?.en ?? "";
    }
    drawNoticeLeft();
    drawHours();
}

const bytesOf = (text) => new TextEncoder().encode(text).length;

function drawNoticeLeft() {
    const left = NOTICE_BYTES_MAX - bytesOf(byId("notice_ja").value.trim());
    setText(
        byId("notice_left"),
        left < 0
            ? "長すぎます。70文字ほどまでにしてください。 Too long."
            : `あと約${Math.floor(left / 3)}文字 about ${Math.floor(left / 3)} characters left`,
    );
}

function drawHours() {
    const { state, opens_at, closes_at, next_opening, reason_ja, accepting } = view.service_day;
    const at = (time) => (time ? formatShortClock(Date.parse(time)) : "—");
    const next = next_opening ? `${formatDateJa(Date.parse(next_opening))} ${at(next_opening)}` : "—";
    setText(
        byId("hours_today"),
        `今日 ${at(opens_at)}–${at(closes_at)}（${reason_ja}）　次の開庁 ${next}`,
    );
    byId("end_acceptance").hidden = state !== "OPEN" || !accepting;
    byId("close_now").hidden = state !== "OPEN";
    byId("open_again").hidden = state === "OPEN";
    byId("hours_none").hidden = view.hours.length > 0;
    keepRows(
        byId("hours_list"),
        view.hours,
        (each) => each.date,
        (each) =>
            el(
                "li",
                {},
                el("span"),
                el(
                    "button",
                    { type: "button", class: "quiet-button small-button", onclick: () => previewHours({ date: each.date, hours: "usual" }) },
                    "元に戻す Take back",
                ),
            ),
        (row, each) => {
            const what = each.kind === "closed" ? "休み Closed" : `${each.opens}–${each.closes}`;
            setText(row.firstElementChild, `${each.date}　${what}　${each.reason_ja} ${each.reason_en}`);
            setAttribute(row.lastElementChild, "aria-label", `${each.date} 元に戻す Take back`);
        },
    );
}

async function previewHours(members) {
    await showPreview(`${API}/day/hours`, members, () => "開庁時間を変更しました。");
}

/** Asks what would follow, shows it, and does it only when that is confirmed. */
async function showPreview(path, members, done) {
    if (busy) {
        return;
    }
    busy = true;
    const answer = await post(path, { ...members, preview: true });
    busy = false;
    if (answer.status >= 400) {
        sayProblem(answer);
        return;
    }
    setText(byId("preview_title"), titleOf(answer.body));
    byId("preview_effects").replaceChildren(
        ...effectsOf(answer.body, view).flatMap(({ who_ja, who_en, ja, en }) => [
            el("dt", {}, `${who_ja} `, el("span", { class: "beside", lang: "en" }, who_en)),
            el("dd", {}, el("span", { lang: "ja" }, ja), " ", el("span", { class: "beside", lang: "en" }, en)),
        ]),
    );
    confirmed = () => send(path.slice(API.length), Object.keys(members).length > 0 ? members : null, () => [done(), "Done."]);
    byId("preview").showModal();
    byId("preview_no").focus();
}

function submitHours(event) {
    event.preventDefault();
    const kind = new FormData(byId("hours_form")).get("hours_kind");
    const members = { date: byId("hours_date").value };
    members.hours = kind === "open" ? `${byId("hours_from").value}-${byId("hours_to").value}` : kind;
    const ja = byId("hours_ja").value.trim();
    const en = byId("hours_en").value.trim();
    if (kind !== "usual" && ja) {
        members.text_ja = ja;
        if (en) {
            members.text_en = en;
        }
    }
    previewHours(members);
}

function endAcceptance() {
    const ja = byId("hours_ja").value.trim();
    previewHours({ date: view.service_day.date, hours: "closed", ...(ja ? { text_ja: ja } : {}) });
}

// ---- paper

function drawPaper() {
    const with_hand = view.categories.filter((each) => each.hand_written);
    byId("kit_none").hidden = with_hand.length > 0;
    byId("kit_form").hidden = byId("used_form").hidden = with_hand.length === 0;
    for (const id of ["kit_category", "used_category"]) {
        keepRows(byId(id), with_hand, (each) => each.id, (each) => el("option", { value: each.id }, `${each.name_ja}（${each.hand_written.first}–${each.hand_written.last}）`), () => {});
    }
    keepRows(
        byId("used_counter"),
        [{ id: 0, name_ja: "指定なし —" }, ...view.counters],
        (each) => each.id,
        (each) => el("option", { value: each.id }, each.name_ja),
        () => {},
    );
    const entered = with_hand.flatMap((each) => each.hand_written.entered.map((ticket) => ({ ...ticket, name_ja: each.name_ja })));
    keepRows(byId("used_list"), entered, (each) => each.number, () => el("li"), (row, each) =>
        setText(row, `${each.number}　${each.name_ja}　${handState(each.state)}${each.counter ? `　${each.counter}番窓口` : ""}`),
    );
    drawSlip(byId("slip"), view.slip);
    setText(byId("slip_state"), slipText());
}

const handState = (state) =>
    ({ WAITING: "待っている Waiting", DONE: "対応済み Served", NO_SHOW: "帰られた Left", CANCELLED: "書き損じ Spoiled", CALLED: "呼出中 Called", SERVING: "対応中 Serving", EXPIRED: "終了 Expired" })[state] ?? state;

function slipText() {
    if (!view.slip.final) {
        return "閉庁すると自動で印刷します。いまは途中の集計です。 Printed when the day closes; not final yet.";
    }
    return {
        PRINTED: "✓ 印刷しました。保管してください。 Printed: keep it.",
        WAITS: "△ プリンターが使えるようになると印刷します。 Printed as soon as a printer can.",
        UNKNOWN: "▲ 印刷できたか分かりません。出ていなければもう一度印刷してください。 Perhaps not printed: look, and print again.",
    }[view.slip.paper] ?? "この号機は印刷していません。必要ならもう一度印刷してください。 Not printed by this unit.";
}

function printKit(event) {
    event.preventDefault();
    const category = categoryOf(Number(byId("kit_category").value));
    drawSheet(byId("sheet"), view, category, Number(byId("kit_count").value));
    printPage("kit");
}

/** "901-903 905" to numbers; null: it is no list of numbers. */
export function numbersOf(text) {
    const numbers = [];
    for (const part of text.normalize("NFKC").split(/[\s,、]+/).filter(Boolean)) {
        const match = /^(\d{1,4})(?:[-–~〜](\d{1,4}))?$/.exec(part);
        const first = match && Number(match[1]);
        const last = match && Number(match[2] ?? match[1]);
        if (!match || last < first || last - first >= 50) {
            return null;
        }
        for (let number = first; number <= last; number++) {
            numbers.push(number);
        }
    }
    return numbers.length > 0 ? numbers : null;
}

/** One request a number, each under its own key: what was entered before is said, and nothing is entered twice. */
async function enterUsed(event) {
    event.preventDefault();
    const numbers = numbersOf(byId("used_numbers").value);
    if (!numbers || busy) {
        say("番号を「901-904」や「901 903」のように入れてください。", "Enter numbers such as 901-904.", "refused");
        return;
    }
    busy = true;
    const counter = Number(byId("used_counter").value);
    const wrong = [];
    for (const number of numbers) {
        const answer = await post(`${API}/tickets/hand-written`, {
            category: Number(byId("used_category").value),
            number,
            result: byId("used_result").value,
            ...(counter > 0 ? { to_counter: counter } : {}),
        });
        if (answer.status >= 400) {
            wrong.push(`${number}：${problemText(answer).ja}`);
        }
    }
    await readView();
    busy = false;
    byId("used_numbers").value = "";
    const count = numbers.length - wrong.length;
    say([`${count}枚を入れました。`, ...wrong].join(" "), `${count} entered.`, wrong.length > 0 ? "refused" : "done");
    draw();
}

// ---- doing

function say(ja, en, kind = "done") {
    const box = byId("said");
    setText(box.children[0], ja);
    setText(box.children[1], en);
    setAttribute(box, "data-kind", kind);
    said_at_ms = performance.now();
}

function sayProblem(answer) {
    const problem = problemText(answer);
    say(problem.ja, problem.en, "refused");
}

/** One press, one key; the answer to a retry of closing is that it is closed already. */
async function send(path, members, done) {
    if (busy) {
        say("前の操作を送っています。終わってからもう一度押してください。", "Still sending; press again in a moment.", "wait");
        return;
    }
    busy = true;
    const answer = await post(`${API}${path}`, members);
    const is_done = answer.status < 400 || (path === "/day/close" && answer.body.code === "DAY_NOT_OPEN");
    if (is_done) {
        say(...done(answer.body));
    } else {
        sayProblem(answer);
    }
    await readView();
    busy = false;
    draw();
}

function toggleCategory(id) {
    const { suspended, name_ja, name_en } = categoryOf(id);
    send(`/categories/${id}/${suspended ? "resume" : "suspend"}`, null, () =>
        suspended
            ? [`「${name_ja}」の受付を再開しました。`, `${name_en} takes visitors again.`]
            : [`「${name_ja}」の受付を止めました。`, `${name_en} takes no more visitors.`],
    );
}

function toggleAll() {
    const { suspended } = view;
    send(`/acceptance/${suspended ? "resume" : "suspend"}`, null, () =>
        suspended
            ? ["全体の受付を再開しました。", "Visitors are taken again."]
            : ["全体の受付を止めました。", "No more visitors are taken."],
    );
}

function openLimit(id) {
    limited = id;
    const { name_ja, limit } = categoryOf(id);
    setText(byId("limit_title"), `${name_ja} の上限`);
    byId("limit_count").value = limit ?? "";
    byId("limit").showModal();
}

function setLimit(limit) {
    byId("limit").close();
    send(`/categories/${limited}/limit`, { limit }, () => ["今日の上限を変えました。", "Today's limit is changed."]);
}

const targets = createTargets({ categoryOf, send, versionOf: () => view.site_version });

let reading = null;
function readView() {
    view_wanted++;
    reading ??= (async () => {
        for (let seen = 0; seen !== view_wanted; ) {
            seen = view_wanted;
            const answer = await get(`${API}/manager`, { go_on: () => seen === view_wanted });
            if (answer?.status === 200) {
                view = answer.body;
                clock.sample(view.as_of);
                soundAlerts();
                draw();
            }
        }
        reading = null;
    })();
    return reading;
}

function choose(name) {
    tab = name;
    draw();
}

function onTabKey(event) {
    const names = [...byId("tabs").children].map((each) => each.getAttribute("aria-controls"));
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) {
        event.preventDefault();
        choose(names[(names.indexOf(tab) + step + names.length) % names.length]);
        byId(`tab_${tab}`).focus();
    }
}

for (const button of byId("tabs").children) {
    button.addEventListener("click", () => choose(button.getAttribute("aria-controls")));
}
byId("tabs").addEventListener("keydown", onTabKey);
byId("sound").addEventListener("click", () => setSound(!sound_on));
byId("all_stop").addEventListener("click", toggleAll);
byId("serves_undo").addEventListener("click", undoServes);
byId("notice_form").addEventListener("submit", (event) => {
    event.preventDefault();
    const members = { text_ja: byId("notice_ja").value.trim().replace(/\s+/g, " ") };
    const en = byId("notice_en").value.trim().replace(/\s+/g, " ");
    send("/notice", { ...members, ...(en ? { text_en: en } : {}) }, () => ["お知らせを出しました。", "The text is shown."]);
});
byId("notice_ja").addEventListener("input", drawNoticeLeft);
byId("notice_clear").addEventListener("click", () =>
    send("/notice", { text_ja: "" }, () => ["お知らせを消しました。", "The text is gone."]),
);
byId("hours_form").addEventListener("submit", submitHours);
byId("hours_form").addEventListener("change", () => {
    byId("hours_times").hidden = new FormData(byId("hours_form")).get("hours_kind") !== "open";
});
byId("end_acceptance").addEventListener("click", endAcceptance);
byId("close_now").addEventListener("click", () => showPreview(`${API}/day/close`, {}, () => "閉庁しました。"));
byId("open_again").addEventListener("click", () => send("/day/open", null, () => ["開庁しました。", "The day is open."]));
byId("preview_yes").addEventListener("click", () => {
    byId("preview").close();
    confirmed?.();
});
byId("preview_no").addEventListener("click", () => byId("preview").close());
byId("limit_form").addEventListener("submit", (event) => {
    event.preventDefault();
    setLimit(Number(byId("limit_count").value));
});
byId("limit_none").addEventListener("click", () => setLimit(LIMIT_NONE));
byId("limit_usual").addEventListener("click", () => setLimit(0));
byId("limit_no").addEventListener("click", () => byId("limit").close());
byId("kit_form").addEventListener("submit", printKit);
byId("used_form").addEventListener("submit", enterUsed);
byId("slip_print").addEventListener("click", () =>
    send("/day/slip", null, () => ["日計票を印刷しました。", "The slip is printed."]),
);
byId("slip_page").addEventListener("click", () => {
    drawSlip(byId("sheet"), view.slip);
    printPage("slip");
});

connectLive({
    clock,
    on_queue(snapshot) {
        queue = snapshot;
        readView();
    },
    on_health(told) {
        health = told;
        draw();
    },
});
readView();
setInterval(() => {
    if (performance.now() - said_at_ms > SAID_MS && byId("said").dataset.kind) {
        say("", "", null);
    }
    drawTop();
}, 1000);
draw();
