// counter.js - a counter's screen: one obvious next step, and a way back from every slip.
//
// What the counter may do follows from its view alone (GET /counters/n), read again after every change of
// the queue; a press is sent once under its own key and no second press is taken until it is answered.

import { get, post, problemText } from "./api.js";
import { byId, el, keepRows, setAttribute, setText, showScreen } from "./dom.js";
import { connectLive } from "./live.js";
import { createOfficeClock, formatClock, formatShortClock, minutesSince } from "./time.js";

const PRESS_GUARD_MS = 500; // a double press of the main key is one press
const SAID_MS = 12000;
const CHANGED_MS = 1000; // the main key became another one under the finger: a press so soon was meant for the old one
const SLOW_MS = 1000; // an answer slower than this is told to be on its way

const TAKEOVER_SHOWN_MS = 30 * 60 * 1000;

/** What can be done with the ticket that this counter has. main: the one that Space presses. */
const ACTIONS = [
    {
        id: "complete",
        key: "",
        ja: "対応を完了する",
        en: "Complete",
        states: ["CALLED", "SERVING"],
        main: true,
        done: ["の対応を完了しました。", "is complete."],
    },
    {
        id: "recall",
        key: "F2",
        ja: "もう一度呼ぶ",
        en: "Recall",
        states: ["CALLED"],
        done: ["をもう一度呼びました。", "was called again."],
    },
    {
        id: "start",
        key: "F4",
        ja: "対応を始める",
        en: "Start",
        states: ["CALLED"],
        done: ["の対応を始めました。", "is being served."],
    },
    {
        id: "absent",
        key: "F6",
        ja: "不在にする",
        en: "Absent",
        states: ["CALLED"],
        done: ["を不在にしました。", "is marked absent."],
    },
    {
        id: "put-back",
        key: "F7",
        ja: "列に戻す",
        en: "Put back",
        states: ["CALLED"],
        done: ["を列に戻しました。", "is waiting again."],
    },
    {
        id: "hold",
        key: "F8",
        ja: "保留にする",
        en: "Hold",
        states: ["CALLED", "SERVING"],
        done: ["を保留にしました。", "is on hold."],
    },
    { id: "transfer", key: "F9", ja: "転送する", en: "Transfer", states: ["CALLED", "SERVING"] },
    { id: "more", key: "F1", ja: "その他", en: "More", states: ["CALLED", "SERVING"] },
];
const CALL_NEXT = {
    id: "call-next",
    ja: "次の方を呼ぶ",
    en: "Call next",
    done: ["を呼びました。", "was called."],
};
const OPEN = {
    id: "open",
    ja: "窓口を開ける",
    en: "Open this counter",
    done: ["窓口を開けました。", "This counter is open."],
};
const STATES = {
    CALLED: { ja: "呼出中", en: "Called" },
    SERVING: { ja: "対応中", en: "Serving" },
};
const HOLD_REASONS = {
    FORM: { ja: "書類に記入中", en: "Fills in a form" },
    DOCUMENT: { ja: "書類を取りに", en: "Fetches a paper" },
    INQUIRY: { ja: "確認中", en: "We are finding out" },
    OTHER: { ja: "その他", en: "Other" },
};
const DONE_WORDS = {
    CALL_NEXT: ["呼出", "Call"],
    CALL: ["呼出", "Call"],
    RECALL: ["再呼出", "Recall"],
    START: ["対応開始", "Start"],
    COMPLETE: ["完了", "Complete"],
    SET_ABSENT: ["不在", "Absent"],
    PUT_BACK: ["列に戻す", "Put back"],
    HOLD: ["保留", "Hold"],
    TRANSFER: ["転送", "Transfer"],
    RETURN: ["呼び戻し", "Return"],
    GIVE_UP: ["不在終了", "No show"],
    CANCEL: ["取消", "Cancel"],
    PLAN: ["手続きの追加", "Add a service"],
};

/** Keys of a numeric keypad, beside the function keys: one hand, no mouse. */
const KEYPAD = { "+": "recall", "-": "absent", "/": "put-back", "*": "hold" };
const KEYS = [
    ["Space・Enter", "次の方を呼ぶ／対応を完了する", "Call next / complete"],
    ["0–9 → Enter", "番号で呼ぶ", "Call that number"],
    ["F2・+", "もう一度呼ぶ", "Recall"],
    ["F4", "対応を始める", "Start"],
    ["F6・-", "不在にする", "Absent"],
    ["F7・/", "列に戻す", "Put back"],
    ["F8・*", "保留にする", "Hold"],
    ["F9", "転送する", "Transfer"],
    ["F1", "その他（理由・メモ・手続き）", "More: reason, note, services"],
    ["F10・.", "取り消す（30秒以内）", "Undo, within 30 s"],
    ["Tab・Shift+Tab", "一覧とボタンを順にめぐる", "Go through lists and buttons"],
    ["?", "この一覧", "This list"],
];
const TAKEOVERS = {
    OTHER_FAILED: [
        "もう一方の装置が止まったため、自動で切り替わりました。",
        "The other unit stopped; this one took over by itself.",
    ],
    SPARE_FAILED: [
        "予備の装置が止まりました。業務はこのまま続けられます。",
        "The spare unit stopped. Work goes on.",
    ],
    PLANNED: ["装置を予定どおり切り替えました。", "The units changed over as planned."],
};

const clock = createOfficeClock();
const counter_id = Number.parseInt(new URLSearchParams(location.search).get("n") ?? "", 10);
let queue = null;
let view = null;
let view_wanted = 0; // raised by every reason to read the view again
let health = { fresh: false, since_ms: null };
let busy = false;
let pressed_at_ms = -Infinity;
let changed_at_ms = -Infinity; // somebody else changed what the main key does
let said_at_ms = -Infinity;
let contact = null; // whom to telephone, of the site file

const ticketNow = () => view?.ticket ?? null;
const counterPath = (verb) => `/api/v1/counters/${counter_id}/${verb}`;
const categoryOf = (id) => queue?.categories.find((each) => each.id === id) ?? null;
const isFor = (action) => ticketNow() !== null && action.states.includes(ticketNow().state);

function mainAction() {
    if (!view.open && !ticketNow()) {
        return OPEN;
    }
    return ticketNow() ? ACTIONS.find((action) => action.main) : CALL_NEXT;
}

// ---- drawing

function draw() {
    drawTop();
    drawTakeover();
    if (!queue) {
        showScreen("load");
    } else if (!queue.counters.some((each) => each.id === counter_id)) {
        drawPick();
        showScreen("pick");
    } else if (!view) {
        showScreen("load");
    } else {
        drawCurrent();
        drawActions();
        drawUndo();
        drawLists();
        drawOpenClose();
        drawOwnDay();
        if (showScreen("work")) {
            byId("main").focus({ preventScroll: true });
        }
    }
}

function drawTop() {
    const now_ms = clock.now_ms();
    setText(byId("clock"), formatShortClock(now_ms));
    setText(byId("site"), queue?.site_ja ?? "");
    byId("other_counter").hidden = byId("keys_show").hidden = !view;
    if (view) {
        setText(byId("name_ja"), view.name_ja);
        setText(byId("name_en"), view.name_en);
        setText(byId("open_state"), view.open ? "● 受付中 Open" : "○ 閉鎖中 Closed");
        setAttribute(byId("open_state"), "data-open", String(view.open));
        document.title = `${view.name_ja} ${ticketNow()?.display ?? ""}`;
    }
    const stale = byId("stale");
    stale.hidden = health.fresh || !queue;
    const since = health.since_ms === null ? "" : formatClock(health.since_ms);
    setText(
        stale.children[0],
        `情報が古い可能性があります${since && `（${since} から）`}。操作はつながりしだい届きます。`,
    );
    setText(
        stale.children[1],
        `Information may be out of date${since && ` since ${since}`}. What you press arrives as soon as possible.`,
    );
}

/** What staff need to know of a change of units: no click, nothing to do (R-029). */
function drawTakeover() {
    const takeover = queue?.takeover ?? null;
    const at_ms = takeover ? Date.parse(takeover.at) : 0;
    byId("takeover").hidden = !takeover || clock.now_ms() - at_ms > TAKEOVER_SHOWN_MS;
    if (byId("takeover").hidden) {
        return;
    }
    const [ja, en] = TAKEOVERS[takeover.what] ?? TAKEOVERS.PLANNED;
    const gap_s = takeover.gap_ms === null ? null : (takeover.gap_ms / 1000).toFixed(1);
    setText(byId("takeover_ja"), `${formatClock(at_ms)} ${ja}操作は不要です。`);
    setText(byId("takeover_en"), `${en} Nothing to do.`);
    setText(
        byId("takeover_more"),
        [
            gap_s === null ? "" : `中断 ${gap_s}秒 Gap ${gap_s} s`,
            takeover.over
                ? "2台に戻りました Both units again"
                : "番号に英字が付くことがあります Numbers may carry a letter",
            `番号 Incident ${takeover.number}`,
            contactText(),
        ]
            .filter(Boolean)
            .join("　｜　"),
    );
}

function contactText() {
    if (!contact) {
        return "連絡先は保守の連絡票をご覧ください";
    }
    const name = contact.name?.ja ?? "";
    const hours = contact.hours ? `（${contact.hours.open}–${contact.hours.close}）` : "";
    return `連絡先 Contact ${name} ${contact.telephone ?? ""}${hours}`;
}

function drawOwnDay() {
    const today = view.today;
    const mean_s = today?.mean_service_s ?? null;
    const values = [
        ["対応", "served", today?.served ?? 0],
        ["平均", "mean", mean_s === null ? "—" : `${Math.floor(mean_s / 60)}分${mean_s % 60}秒`],
        ["不在終了", "no show", today?.no_show ?? 0],
        ["転送", "passed on", today?.transferred ?? 0],
    ];
    keepRows(
        byId("own_day"),
        values,
        (each) => each[1],
        ([ja, en]) => el("div", {}, el("dt", {}, `${ja} `, el("span", { class: "beside", lang: "en" }, en)), el("dd", { class: "digits" })),
        (row, each) => setText(row.lastElementChild, ` ${each[2]}`),
    );
}

function drawPick() {
    byId("pick_wrong").hidden = !location.search;
    keepRows(
        byId("pick_list"),
        queue.counters,
        (each) => each.id,
        (each) =>
            el(
                "li",
                {},
                el(
                    "a",
                    { href: `/counter?n=${each.id}` },
                    el("strong", {}),
                    el("span", { class: "beside", lang: "en" }),
                    el("em", {}),
                ),
            ),
        (row, each) => {
            const [ja, en, state] = row.firstElementChild.children;
            setText(ja, each.name_ja);
            setText(en, each.name_en);
            setText(state, each.open ? "● 受付中 Open" : "○ 閉鎖中 Closed");
        },
    );
}

function drawCurrent() {
    const ticket = ticketNow();
    // Whom call-next would call; the list is in order of arrival, the office's rule knows tiers and limits.
    const next = view.next ?? null;
    const box = byId("current_number").parentElement;
    const shown = ticket ?? next;
    const anyone = view.waiting.length > 0;
    const category = shown && categoryOf(shown.category);
    setAttribute(box, "data-state", ticket ? ticket.state : "FREE");
    if (ticket) {
        setText(byId("current_ja"), STATES[ticket.state]?.ja ?? ticket.state);
        setText(byId("current_en"), STATES[ticket.state]?.en ?? "");
    } else {
        setText(
            byId("current_ja"),
            next ? "次の方" : anyone ? "お待ちの方がいます" : "お待ちの方はいません",
        );
        setText(
            byId("current_en"),
            next ? "Next" : anyone ? "Somebody is waiting" : "Nobody is waiting",
        );
    }
    setText(byId("current_number"), shown?.display ?? "—");
    setText(byId("current_category"), category ? `${category.name_ja}  ${category.name_en}` : "");
    keepRows(
        byId("current_marks"),
        marksOf(shown, ticket),
        (mark) => mark,
        () => el("li"),
        setText,
    );
}

/** What to know of a visitor before they stand here. */
function marksOf(shown, ticket) {
    const marks = [];
    if (!shown) {
        return marks;
    }
    const minutes = minutesSince(shown.issued_at, clock.now_ms());
    if (minutes !== null) {
        marks.push(`発券から ${minutes}分 · ${minutes} min since ticket`);
    }
    if (ticket && ticket.call_count > 1) {
        marks.push(`呼出 ${ticket.call_count}回 · called ${ticket.call_count} times`);
    }
    if (shown.language && shown.language !== "ja") {
        marks.push(`言語 ${languageName(shown.language)}`);
    }
    if (shown.priority) {
        marks.push("優先 · Priority");
    }
    if (shown.staff_will_come) {
        marks.push("係員がお迎えに行く · Staff will come");
    }
    if (shown.hand_written) {
        marks.push("手書きの札 · Hand-written ticket");
    }
    if (shown.services?.length > 0) {
        const names = shown.services.map((id) => categoryOf(id)?.name_ja ?? id);
        marks.push(`このあと ${names.join("、")} · then ${shown.services.length} more`);
    }
    if (shown.legs?.length > 0) {
        const names = shown.legs.map((leg) => categoryOf(leg.category)?.name_ja ?? leg.category);
        marks.push(`済み ${names.join("、")} · ${shown.legs.length} done before`);
    }
    if (shown.note) {
        marks.push(`メモ ${shown.note} · Note`);
    }
    if (shown.undelivered) {
        marks.push("紙の番号札が出ていない可能性があります · Paper not confirmed");
    }
    if (shown.uncertain) {
        marks.push("予備機での確認待ち · Not yet confirmed on the spare");
    }
    return marks;
}

function languageName(id) {
    return { "ja-easy": "やさしい日本語", en: "English", zh: "中文", ko: "한국어" }[id] ?? id;
}

function drawActions() {
    const main = byId("main");
    const action = mainAction();
    setText(main.children[0], action.ja);
    setText(main.children[1], action.en);
    const empty = action === CALL_NEXT && view.waiting.length === 0;
    setAttribute(main, "aria-disabled", empty ? "true" : null);
    setAttribute(main, "aria-busy", busy ? "true" : null);
    const means = `${action.id} ${ticketNow()?.id ?? ""}`;
    if (main.dataset.means && main.dataset.means !== means && !busy) {
        changed_at_ms = performance.now();
    }
    setAttribute(main, "data-means", means);
    setAttribute(main, "data-action", action.id);
    keepRows(
        byId("actions"),
        ACTIONS.filter((each) => !each.main),
        (each) => each.id,
        createAction,
        (row, each) =>
            setAttribute(row.firstElementChild, "aria-disabled", isFor(each) ? null : "true"),
    );
}

function createAction(action) {
    return el(
        "li",
        {},
        el(
            "button",
            {
                type: "button",
                class: "quiet-button",
                "data-action": action.id,
                onclick: () => run(action),
            },
            el("span", {}, action.ja),
            el("span", { class: "beside", lang: "en" }, action.en),
            el("kbd", {}, action.key),
        ),
    );
}

/** Counted by the office's clock; the office decides, a late press is answered politely. */
function drawUndo() {
    const name = view.undo?.action ?? null;
    const left_s =
        name === null ? 0 : Math.ceil((Date.parse(view.undo.until) - clock.now_ms()) / 1000);
    byId("undo").hidden = !(left_s > 0);
    const [ja, en] = DONE_WORDS[name] ?? [name, name];
    setText(byId("undo_ja"), `「${ja}」を取り消す（あと${left_s}秒）`);
    setText(byId("undo_en"), `Undo “${en}”, ${left_s} s`);
}

function drawLists() {
    drawList("waiting", view.waiting, [["呼ぶ", "Call", call]]);
    drawList("held", view.held, [["呼ぶ", "Call", call]]);
    drawList("absent", view.absent, [
        ["呼ぶ", "Call", call],
        ["列へ", "Return", giveBack],
        ["終了", "No show", giveUp],
    ]);
    const expected = view.expected ?? [];
    byId("expected_section").hidden = expected.length === 0;
    drawList("expected", expected, [["着いた", "Has arrived", hasArrived]], !view.open);
}

function drawList(name, tickets, buttons, off = ticketNow() !== null || !view.open) {
    setText(byId(`${name}_count`), tickets.length > 0 ? String(tickets.length) : "");
    byId(`${name}_none`).hidden = tickets.length > 0;
    keepRows(
        byId(name),
        tickets,
        (ticket) => ticket.id,
        (ticket) => createRow(ticket, buttons),
        (row, ticket) => {
            const category = categoryOf(ticket.category);
            const [number, what, since, ...presses] = row.children;
            setText(number, ticket.display);
            setText(
                what,
                [
                    category?.name_ja ?? "",
                    ticket.priority ? "優先" : "",
                    ticket.undelivered ? "札未確認" : "",
                    ticket.hold ? holdText(ticket.hold) : "",
                    ticket.staff_will_come ? "係員がお迎え" : "",
                    ticket.note ?? "",
                    ticket.language && ticket.language !== "ja"
                        ? languageName(ticket.language)
                        : "",
                ]
                    .filter(Boolean)
                    .join(" · "),
            );
            const minutes = minutesSince(ticket.arrived_at ?? ticket.issued_at, clock.now_ms());
            setText(since, minutes === null ? "" : `${minutes}分`);
            setAttribute(presses[0], "aria-disabled", off ? "true" : null);
        },
    );
}

function holdText(hold) {
    const until = hold.until ? ` ${formatClock(Date.parse(hold.until))}まで` : "";
    return `${HOLD_REASONS[hold.reason]?.ja ?? ""}${until}`;
}

function createRow(ticket, buttons) {
    return el(
        "li",
        {},
        el("strong", { class: "digits" }),
        el("span", { class: "row-what" }),
        el("span", { class: "row-since" }),
        ...buttons.map(([ja, en, does]) =>
            el(
                "button",
                {
                    type: "button",
                    class: "quiet-button small-button",
                    "aria-label": `${ticket.display} ${ja} ${en}`,
                    onclick: (event) => does(ticket, event.currentTarget),
                },
                ja,
            ),
        ),
    );
}

function drawOpenClose() {
    const button = byId("open_close");
    // Opening is the main button's: two buttons for one thing would be one too many.
    button.hidden = !view.open;
    setText(button, "窓口を閉める Close this counter");
    setAttribute(button, "aria-disabled", ticketNow() ? "true" : null);
}

function say(ja, en, kind = "done") {
    const box = byId("said");
    setText(box.children[0], ja);
    setText(box.children[1], en);
    setAttribute(box, "data-kind", kind);
    said_at_ms = performance.now();
}

// ---- doing

/** One press: sent under one key until it is answered; meanwhile no other press is taken. done() says what
 * was done, in ja and en, once the view shows it. */
async function send(path, members, done) {
    if (busy || performance.now() - pressed_at_ms < PRESS_GUARD_MS) {
        return;
    }
    busy = true;
    pressed_at_ms = performance.now();
    draw();
    const answer = await post(path, members);
    let refused = true;
    if (answer.status >= 400) {
        const problem = problemText(answer);
        say(problem.ja, problem.en, "refused");
    } else if (answer.body.action === "CALL_NEXT" && answer.body.ticket === null) {
        say("お待ちの方はいません。", "Nobody is waiting.");
    } else {
        refused = false;
    }
    await readView();
    if (!refused) {
        say(...done());
    }
    busy = false;
    pressed_at_ms = performance.now();
    draw();
}

/** The main key, which does what it says. Two at one counter: what the other one has just done makes it another key. */
function runMain() {
    if (!busy && performance.now() - changed_at_ms < CHANGED_MS) {
        say(
            "ほかの端末の操作で画面が変わりました。確かめて、もう一度押してください。",
            "Somebody else at this counter was first. Look, and press again.",
            "refused",
        );
        return;
    }
    run(mainAction());
}

function run(action) {
    const ticket = ticketNow();
    if (action.states && !isFor(action)) {
        say(
            ticket ? "いまの状態ではできません。" : "呼び出し中の方がいません。",
            ticket ? "Not possible in this state." : "Nobody is called here.",
            "refused",
        );
    } else if (action === CALL_NEXT && view.waiting.length === 0) {
        say("お待ちの方はいません。", "Nobody is waiting.");
    } else if (action.id === "transfer") {
        openTransfer();
    } else if (action.id === "more") {
        openMore();
    } else {
        // Of call-next the number is known only afterwards.
        send(counterPath(action.id), null, () => {
            const number = (ticket ?? ticketNow())?.display ?? "";
            return [`${number} ${action.done[0]}`.trim(), `${number} ${action.done[1]}`.trim()];
        });
    }
}

const isDisabled = (button) => button.getAttribute("aria-disabled") === "true";

function call(ticket, button) {
    if (isDisabled(button)) {
        say(
            "先に、いまの方の対応を終えてください。",
            "Finish with the present visitor first.",
            "refused",
        );
        return;
    }
    send(counterPath("call"), { ticket: ticket.id }, () => [
        `${ticket.display} を呼びました。`,
        `${ticket.display} was called.`,
    ]);
}

function giveBack(ticket) {
    // By this counter, so that it may take it back.
    send(counterPath("return"), { ticket: ticket.id }, () => [
        `${ticket.display} を列に戻しました。`,
        `${ticket.display} is waiting again.`,
    ]);
}

/** A visitor who registered before stands here. */
function hasArrived(ticket) {
    send(counterPath("arrive"), { ticket: ticket.id }, () => [
        `${ticket.display} の来庁を受け付けました。`,
        `${ticket.display} is waiting now.`,
    ]);
}

function giveUp(ticket) {
    send(counterPath("give-up"), { ticket: ticket.id }, () => [
        `${ticket.display} を不在のまま終了しました。`,
        `${ticket.display} is closed as a no-show.`,
    ]);
}

/** What was typed into `field`, as {text, members}; null, and said, if it is no number. */
function takeTyped(field) {
    const text = field.value.normalize("NFKC").trim().toUpperCase();
    const match = /^0*([1-9][0-9]{0,3})([A-Z][0-9]*)?$/.exec(text);
    if (!match) {
        say(
            "番号を入れてください（例 106、106B）。",
            "Enter a number, such as 106 or 106B.",
            "refused",
        );
        return null;
    }
    field.value = "";
    byId("main").focus({ preventScroll: true });
    return { text, members: { number: Number(match[1]), ...(match[2] && { series: match[2] }) } };
}

function callByNumber(event) {
    event.preventDefault();
    const typed = takeTyped(byId("by_number_text"));
    if (typed) {
        send(counterPath("call"), typed.members, () => [
            `${typed.text} を呼びました。`,
            `${typed.text} was called.`,
        ]);
    }
}

/** Also of those whom the list, which ends after the fifty oldest, does not show. */
function arriveByNumber(event) {
    event.preventDefault();
    const typed = takeTyped(byId("arrived_text"));
    if (typed) {
        send(counterPath("arrive"), typed.members, () => [
            `${typed.text} の来庁を受け付けました。`,
            `${typed.text} is waiting now.`,
        ]);
    }
}

/** One button for each of `choices` ({id, name_ja, name_en}), doing does(choice). */
function drawChoices(list, choices, does) {
    keepRows(
        byId(list),
        choices,
        (each) => each.id,
        (each) =>
            el(
                "li",
                {},
                el(
                    "button",
                    { type: "button", class: "quiet-button", onclick: () => does(each) },
                    el("span", {}, each.name_ja),
                    el("span", { class: "beside", lang: "en" }, each.name_en),
                ),
            ),
        () => {},
    );
}

function openTransfer() {
    const ticket = ticketNow();
    const categories = queue.categories
        .filter((each) => each.id !== ticket.category)
        .map((each) => ({ ...each, id: `category ${each.id}`, members: { category: each.id } }));
    const counters = queue.counters
        .filter((each) => each.id !== counter_id && each.open)
        .map((each) => ({ ...each, id: `counter ${each.id}`, members: { to_counter: each.id } }));
    byId("transfer_place").value = "age";
    drawChoices("transfer_list", [...categories, ...counters], transferTo);
    byId("transfer").showModal();
}

function transferTo(target) {
    byId("transfer").close();
    const ticket = ticketNow();
    const place = byId("transfer_place").value;
    const members = { ...target.members };
    if (place !== "age") {
        members.place = place;
    }
    if (place === "after") {
        members.after = 2;
    }
    if (ticket) {
        send(counterPath("transfer"), members, () => [
            `${ticket.display} を「${target.name_ja}」へ転送しました。`,
            `${ticket.display} now waits for ${target.name_en}.`,
        ]);
    }
}

function openMore() {
    const ticket = ticketNow();
    const reasons = Object.entries(HOLD_REASONS).map(([id, { ja, en }]) => ({
        id,
        name_ja: ja,
        name_en: en,
    }));
    byId("more_minutes").value = "0";
    byId("more_note_text").value = ticket.note ?? "";
    byId("more_assist").checked = ticket.staff_will_come === true;
    drawChoices("more_hold", reasons, holdFor);
    drawChoices("more_plan", queue.categories, addService);
    byId("more").showModal();
}

function holdFor(reason) {
    byId("more").close();
    const ticket = ticketNow();
    const minutes = Number(byId("more_minutes").value);
    const members = { reason: reason.id.toLowerCase(), ...(minutes > 0 ? { minutes } : {}) };
    if (ticket) {
        send(counterPath("hold"), members, () => [
            `${ticket.display} を保留にしました（${reason.name_ja}）。`,
            `${ticket.display} is on hold.`,
        ]);
    }
}

function addService(category) {
    byId("more").close();
    const ticket = ticketNow();
    if (ticket) {
        const services = [...(ticket.services ?? []), category.id];
        send(counterPath("plan"), { services }, () => [
            `${ticket.display} に「${category.name_ja}」を加えました。`,
            `${ticket.display} goes on to ${category.name_en} afterwards.`,
        ]);
    }
}

function saveNote(event) {
    event.preventDefault();
    byId("more").close();
    const ticket = ticketNow();
    const members = {
        note: byId("more_note_text").value.trim(),
        staff_will_come: byId("more_assist").checked,
    };
    if (ticket) {
        send(counterPath("note"), members, () => ["メモを残しました。", "The note is saved."]);
    }
}

function pressUndo() {
    if (!byId("undo").hidden) {
        send(counterPath("undo"), null, () => ["取り消しました。", "Undone."]);
    }
}

function closeCounter() {
    if (ticketNow()) {
        say(
            "先に、いまの方の対応を終えてください。",
            "Finish with the present visitor first.",
            "refused",
        );
        return;
    }
    send(counterPath("close"), null, () => ["窓口を閉めました。", "This counter is closed."]);
}

/** Reads the view; while one look is under way, a newer reason makes it look once more. */
let reading = null;
function readView() {
    view_wanted++;
    reading ??= (async () => {
        for (let seen = 0; seen !== view_wanted;) {
            seen = view_wanted;
            const answer = await get(`/api/v1/counters/${counter_id}`, {
                go_on: () => seen === view_wanted,
            });
            if (answer?.status === 200) {
                view = answer.body;
                clock.sample(view.as_of);
                draw();
            }
        }
        reading = null;
    })();
    return reading;
}

function onKey(event) {
    const asking = document.querySelector("dialog[open]") !== null;
    if (event.repeat || event.isComposing || asking || !view) {
        return;
    }
    const typing = event.target.matches("input, select, textarea");
    const wanted = typing || event.ctrlKey || event.altKey || event.metaKey ? null : KEYPAD[event.key];
    const action = ACTIONS.find(
        (each) => each.id === wanted || (each.key !== "" && each.key === event.key),
    );
    if (action) {
        event.preventDefault();
        run(action);
    } else if (!typing && event.key === "?") {
        event.preventDefault();
        showKeys();
    } else if (!typing && /^[0-9]$/.test(event.key)) {
        // The first digit of a number goes where numbers go; the browser types it there.
        byId("by_number_text").focus();
    } else if (event.key === "F10" || (!typing && event.key === ".")) {
        event.preventDefault();
        pressUndo();
    } else if ([" ", "Enter"].includes(event.key) && event.target === document.body) {
        event.preventDefault();
        runMain();
    }
}

function showKeys() {
    keepRows(
        byId("keys_list"),
        KEYS,
        ([key]) => key,
        ([key, ja, en]) =>
            el("tr", {}, el("th", { scope: "row" }, el("kbd", {}, key)), el("td", {}, ja), el("td", { class: "beside", lang: "en" }, en)),
        () => {},
    );
    byId("keys").showModal();
}

get("/api/v1/site").then((answer) => {
    contact = answer?.status === 200 ? (answer.body.contact ?? null) : null;
});

byId("keys_show").addEventListener("click", showKeys);
byId("keys_close").addEventListener("click", () => byId("keys").close());
byId("main").addEventListener("click", () => view && runMain());
byId("undo").addEventListener("click", pressUndo);
byId("open_close").addEventListener("click", closeCounter);
byId("by_number").addEventListener("submit", callByNumber);
    byId("arrived").addEventListener("submit", arriveByNumber);
byId("more_note").addEventListener("submit", saveNote);
byId("more_cancel").addEventListener("click", () => byId("more").close());
byId("transfer_cancel").addEventListener("click", () => byId("transfer").close());
document.addEventListener("keydown", onKey);

connectLive({
    clock,
    on_queue(snapshot) {
        queue = snapshot;
        if (queue.counters.some((each) => each.id === counter_id)) {
            readView();
        }
        draw();
    },
    on_health(told) {
        health = told;
        draw();
    },
});
setInterval(() => {
    if (performance.now() - said_at_ms > SAID_MS && byId("said").dataset.kind) {
        say("", "", null);
    }
    if (busy && performance.now() - pressed_at_ms > SLOW_MS) {
        say("送っています。少々お待ちください。", "Sending. One moment, please.", "wait");
    }
    draw();
}, 250);
draw();
