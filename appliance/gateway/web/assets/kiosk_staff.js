// kiosk_staff.js - staff mode of the ticket machine: a clerk holds the mark in the corner for two seconds and signs in
// by name and PIN. What the clerk then does is asked for in the clerk's name, so that the ledger's audit has it; who may
// what is the office's table (docs/ACCESS.md), not this page's. It ends by itself, and with it the sign-in.

import { get, newKey, post, problemText } from "./api.js";
import { byId, el, keepRows, setAttribute, setText } from "./dom.js";
import { createStaffTickets } from "./kiosk_staff_tickets.js";
import { refusalText, staffText } from "./kiosk_texts.js";
import { liveOf, refusalOf } from "./kiosk_view.js";
import { effectsOf } from "./manager_preview.js";
import { leavesOf, nameOf } from "./site.js";
import { estimateText } from "./texts.js";

const HOLD_MS = 2000;
const STAY_MS = 60000; // untouched for so long: it ends
const NOTICE_MS = 8000;
const PRINTERS_INTERVAL_MS = 5000;
const ROWS = ["1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm-_."];
/** What has no key is not sent twice: it would print twice. */
const ONCE = { tries: 1 };
const MANAGERS = ["supervisor", "administrator"];

/** Japanese with English beside it. */
const two = (key, values) => [
    el("span", { lang: "ja" }, staffText(key, "ja", values)),
    el("span", { class: "beside", lang: "en" }, staffText(key, "en", values)),
];
const button = (key, kind, onclick, more = {}) =>
    el("button", { type: "button", class: kind, onclick, ...more }, ...two(key));

/** kiosk: its state; draw(): all of the page again; began(): the visitor's screen is left, whatever it was. */
export function createStaff({ kiosk, draw, began }) {
    let here = ""; // "", "sign_in" or "panel"
    let who = null;
    let touched_ms = 0;
    let notice = null; // {ja, en, until_ms}
    let printers = null;
    let looked_ms = 0;
    let hold_timer = null;
    let typed_into = null; // the field that the keys on the screen write into
    let busy = false;
    const section = () => document.querySelector('[data-screen="staff"]');
    const tickets = createStaffTickets({
        kiosk,
        two,
        button,
        card: (...rest) => card(...rest),
        ask: (...rest) => ask(...rest),
        question: (...rest) => question(...rest),
        is_here: () => here === "panel",
    });

    // ---- what is asked of the office

    const tell = (ja, en) => {
        notice = { ja, en, until_ms: performance.now() + NOTICE_MS };
        draw();
    };
    const tellKey = (key) => tell(staffText(key, "ja"), staffText(key, "en"));

    /** One press, one key, one answer in words. */
    async function ask(path, members, done_key, { tries = Infinity } = {}) {
        if (busy) {
            return;
        }
        busy = true;
        draw();
        let tried = 0;
        const go_on = () => here === "panel" && tried++ < tries;
        const answer = await post(path, members, { key: newKey(), go_on });
        busy = false;
        if (here !== "panel") {
            return;
        }
        if (!answer) {
            tellKey("unknown");
            return;
        }
        if (answer.status === 200 || answer.status === 201) {
            tellKey(done_key);
        } else if (answer.status === 401) {
            leave();
            return;
        } else {
            const { ja, en } =
                answer.body.code === "NOT_YOURS"
                    ? { ja: staffText("not_yours", "ja"), en: staffText("not_yours", "en") }
                    : problemText(answer);
            tell(ja, en);
        }
        lookAtPrinters();
    }

    async function lookAtPrinters() {
        looked_ms = performance.now();
        const answer = await get("/api/v1/printers", { go_on: () => here === "panel" });
        if (answer?.status === 200) {
            printers = answer.body.printers ?? [];
            draw();
        }
    }

    async function signIn(event) {
        event.preventDefault();
        if (busy) {
            return;
        }
        busy = true;
        const name = byId("staff_name").value.trim();
        const pin = byId("staff_pin").value;
        byId("staff_pin").value = "";
        draw();
        const answer = await post(
            "/api/v1/session",
            { name, pin },
            { go_on: () => here === "sign_in" },
        );
        busy = false;
        if (!answer || here !== "sign_in") {
            if (answer?.status === 200) {
                post("/api/v1/session/end", {}); // the clerk had gone before the answer came
            }
            return;
        }
        if (answer.status !== 200) {
            const { ja, en } = problemText(answer);
            tell(ja, en);
            byId("staff_pin").focus();
            return;
        }
        who = answer.body;
        here = "panel";
        notice = null;
        printers = null;
        tickets.forget();
        touched_ms = performance.now();
        section().replaceChildren(...createPanel());
        draw();
        byId("staff_title").focus();
        lookAtPrinters();
    }

    function leave() {
        const was_in = here === "panel";
        here = "";
        who = null;
        notice = null;
        busy = false;
        tickets.forget();
        section().replaceChildren();
        if (was_in) {
            post("/api/v1/session/end", {});
        }
        began();
    }

    // ---- signing in

    function createSignIn() {
        const field = (id, key, more) =>
            el(
                "p",
                { class: "staff-field" },
                el("label", { for: id }, ...two(key)),
                el("input", {
                    id,
                    required: true,
                    autocomplete: "off",
                    autocapitalize: "none",
                    spellcheck: "false",
                    inputmode: "none",
                    onfocus: (event) => {
                        typed_into = event.target;
                    },
                    ...more,
                }),
            );
        const type = (letter) => {
            typed_into.setRangeText(
                letter,
                typed_into.value.length,
                typed_into.value.length,
                "end",
            );
            typed_into.focus();
        };
        const keys = ROWS.map((row) =>
            el(
                "div",
                { class: "staff-keys-row" },
                ...[...row].map((letter) =>
                    el(
                        "button",
                        { type: "button", class: "staff-key", onclick: () => type(letter) },
                        letter,
                    ),
                ),
            ),
        );
        const erase = () => {
            typed_into.value = typed_into.value.slice(0, -1);
            typed_into.focus();
        };
        return [
            el("h1", { id: "staff_title", tabindex: "-1" }, ...two("sign_in")),
            el(
                "form",
                { class: "staff-form", onsubmit: signIn },
                el(
                    "div",
                    { class: "staff-fields" },
                    field("staff_name", "name", { maxlength: "32" }),
                    field("staff_pin", "pin", {
                        type: "password",
                        maxlength: "8",
                        pattern: "[0-9]{6,8}",
                    }),
                ),
                el(
                    "div",
                    { class: "staff-keys" },
                    ...keys,
                    el(
                        "div",
                        { class: "staff-keys-row" },
                        button("erase", "staff-key wide", erase),
                    ),
                ),
                createNotice(),
                el(
                    "div",
                    { class: "row" },
                    button("cancel", "quiet-button", leave, { id: "staff_cancel" }),
                    el(
                        "button",
                        { id: "staff_enter", type: "submit", class: "main-button" },
                        ...two("enter"),
                    ),
                ),
            ),
        ];
    }

    const createNotice = () =>
        el(
            "p",
            { id: "staff_notice", class: "staff-notice", role: "alert", hidden: true },
            el("span", { lang: "ja" }),
            el("span", { class: "beside", lang: "en" }),
        );

    // ---- the panel

    function createPanel() {
        return [
            el(
                "div",
                { class: "staff-head" },
                el(
                    "h1",
                    { id: "staff_title", tabindex: "-1" },
                    ...two("title"),
                    el("span", { id: "staff_who", class: "staff-who" }),
                ),
                el(
                    "p",
                    { class: "staff-left" },
                    el("span", { id: "staff_left", lang: "ja" }),
                    el("span", { id: "staff_left_en", class: "beside", lang: "en" }),
                ),
                button("leave", "main-button", leave, { id: "staff_leave" }),
            ),
            createNotice(),
            createQuestion(),
            el(
                "div",
                { class: "staff-cards" },
                el("div", {}, tickets.create(), createPrinter()),
                createCounts(),
            ),
        ];
    }

    const card = (id, key, ...children) =>
        el(
            "section",
            { class: "staff-card", id, "aria-labelledby": `${id}_title` },
            el("h2", { id: `${id}_title` }, ...two(key)),
            ...children,
        );

    function createCounts() {
        const head = (key) => el("th", { scope: "col" }, ...two(key));
        return card(
            "staff_counts",
            "counts",
            el(
                "div",
                { class: "row" },
                button("stop_all", "quiet-button", () => rule("/api/v1/acceptance/suspend"), {
                    id: "staff_stop_all",
                }),
                button("go_on_all", "quiet-button", () => rule("/api/v1/acceptance/resume"), {
                    id: "staff_go_on_all",
                }),
                button("close_day", "quiet-button alarming", askToClose, { id: "staff_close" }),
            ),
            el(
                "table",
                {},
                el(
                    "thead",
                    {},
                    el(
                        "tr",
                        {},
                        head("category"),
                        head("waiting"),
                        head("estimate"),
                        head("acceptance"),
                    ),
                ),
                el("tbody", { id: "staff_rows" }),
                el(
                    "tfoot",
                    {},
                    el(
                        "tr",
                        {},
                        el("th", { scope: "row" }, ...two("total")),
                        el("td", { id: "staff_total", class: "digits" }),
                        el("td"),
                        el("td"),
                    ),
                ),
            ),
        );
    }

    const createPrinter = () =>
        card(
            "staff_printer",
            "printer",
            el("p", { id: "staff_printer_none", class: "detail" }, ...two("printer_none")),
            el("ul", { id: "staff_printer_list" }),
            el(
                "ol",
                { class: "roll" },
                ...[1, 2, 3].map((step) =>
                    el(
                        "li",
                        {},
                        el("img", { src: `/assets/roll-${step}.svg`, alt: "" }),
                        ...two(`roll_${step}`),
                    ),
                ),
            ),
        );

    // ---- a question before what cannot be taken back

    let answer_yes = null;
    function createQuestion() {
        return el(
            "div",
            {
                id: "staff_question",
                class: "staff-question",
                role: "alertdialog",
                "aria-labelledby": "staff_question_text",
                hidden: true,
            },
            el(
                "p",
                { id: "staff_question_text" },
                el("span", { lang: "ja" }),
                el("span", { class: "beside", lang: "en" }),
            ),
            el("dl", { id: "staff_effects", class: "staff-effects" }),
            el(
                "div",
                { class: "row" },
                button("no", "quiet-button", () => closeQuestion(), { id: "staff_no" }),
                el(
                    "button",
                    {
                        id: "staff_yes",
                        type: "button",
                        class: "main-button alarming",
                        onclick: () => {
                            const yes = answer_yes;
                            closeQuestion();
                            yes?.();
                        },
                    },
                    el("span", { lang: "ja" }),
                    el("span", { class: "beside", lang: "en" }),
                ),
            ),
        );
    }
    function question(key, values, yes_key, yes, effects = []) {
        const put = (node, text_key) => {
            setText(node.children[0], staffText(text_key, "ja", values));
            setText(node.children[1], staffText(text_key, "en", values));
        };
        answer_yes = yes;
        put(byId("staff_question_text"), key);
        put(byId("staff_yes"), yes_key);
        byId("staff_effects").replaceChildren(
            ...effects.flatMap(({ who_ja, who_en, ja, en }) => [
                el("dt", {}, `${who_ja} `, el("span", { class: "beside", lang: "en" }, who_en)),
                el("dd", {}, el("span", { lang: "ja" }, ja), " ", el("span", { class: "beside", lang: "en" }, en)),
            ]),
        );
        byId("staff_question").hidden = false;
        byId("staff_no").focus();
    }
    function closeQuestion() {
        answer_yes = null;
        byId("staff_question").hidden = true;
        byId("staff_title").focus();
    }

    const waitingCount = () =>
        (kiosk.queue?.categories ?? []).reduce((sum, each) => sum + each.waiting, 0);

    /** Whom it meets is said by the office, as on the manager's page, before it is asked for. */
    async function askToClose() {
        if (!mayManage()) {
            tellKey("not_yours");
            return;
        }
        if (busy) {
            return;
        }
        busy = true;
        draw();
        const path = "/api/v1/day/close";
        const answer = await post(path, { preview: true }, { go_on: () => here === "panel" });
        busy = false;
        if (!answer || here !== "panel") {
            return;
        }
        if (answer.status !== 200) {
            const { ja, en } = problemText(answer);
            tell(ja, en);
            return;
        }
        const close = () => ask(path, {}, "done");
        const { waiting, called, serving } = answer.body.visitors;
        question("close_question", { n: waiting, counters: called + serving }, "close_yes", close, effectsOf(answer.body));
        draw();
    }

    // ---- drawing

    const mayManage = () => MANAGERS.includes(who?.role);

    function drawPanel() {
        setText(byId("staff_who"), `${who.title || who.name}（${who.role_ja}）`);
        const left_s = Math.max(0, Math.ceil((touched_ms + STAY_MS - performance.now()) / 1000));
        setText(byId("staff_left"), staffText("left", "ja", { n: left_s }));
        setText(byId("staff_left_en"), staffText("left", "en", { n: left_s }));
        setText(byId("staff_total"), String(waitingCount()));
        for (const id of ["staff_stop_all", "staff_go_on_all", "staff_close"]) {
            setAttribute(byId(id), "aria-disabled", mayManage() ? null : "true");
        }
        setAttribute(section(), "aria-busy", busy ? "true" : null);
        drawRows();
        tickets.draw();
        drawPrinters();
    }

    function drawRows() {
        keepRows(
            byId("staff_rows"),
            leavesOf(kiosk.site?.items ?? []),
            (item) => item.key,
            (item) =>
                el(
                    "tr",
                    {},
                    el("th", { scope: "row" }),
                    el("td", { class: "digits" }),
                    el("td"),
                    el(
                        "td",
                        {},
                        el("span", {}),
                        el("button", {
                            type: "button",
                            class: "quiet-button",
                            onclick: () => turn(item.category),
                        }),
                    ),
                ),
            (row, item) => {
                const live = liveOf(kiosk, item.category);
                const refusal = refusalOf(kiosk, item.category);
                const [name, waiting, estimate, state] = row.children;
                const stopped = refusal === "CATEGORY_SUSPENDED";
                setText(name, nameOf(item.names, "ja"));
                setText(waiting, String(live?.waiting ?? ""));
                setText(estimate, live ? estimateText(live.estimated_wait_s, "ja") : "");
                const why = stopped ? staffText("stopped", "ja") : refusalText(refusal, "ja");
                setText(state.children[0], refusal ? why : staffText("accepting", "ja"));
                setText(state.children[1], staffText(stopped ? "go_on" : "stop", "ja"));
                setAttribute(
                    state.children[1],
                    "aria-label",
                    `${nameOf(item.names, "ja")} ${staffText(stopped ? "go_on" : "stop", "ja")}`,
                );
                setAttribute(state.children[1], "aria-disabled", mayManage() ? null : "true");
                setAttribute(row, "data-refused", Boolean(refusal));
            },
        );
    }

    /** What the office would refuse to this clerk is not asked for; the office judges all the same. */
    function rule(path) {
        if (mayManage()) {
            ask(path, {}, "done");
        } else {
            tellKey("not_yours");
        }
    }

    function turn(category) {
        const verb = refusalOf(kiosk, category) === "CATEGORY_SUSPENDED" ? "resume" : "suspend";
        rule(`/api/v1/categories/${category}/${verb}`);
    }

    function drawPrinters() {
        byId("staff_printer_none").hidden = printers === null || printers.length > 0;
        keepRows(
            byId("staff_printer_list"),
            printers ?? [],
            (each) => each.id,
            (each) =>
                el(
                    "li",
                    { class: "staff-printer" },
                    el("p", {}, el("strong"), el("span"), el("span", { class: "beside" })),
                    el(
                        "div",
                        { class: "row" },
                        button("test_print", "quiet-button", () =>
                            ask(`/api/v1/printers/${each.id}/test`, {}, "done", ONCE),
                        ),
                        button("new_roll", "quiet-button", () =>
                            ask(`/api/v1/printers/${each.id}/roll`, {}, "done", ONCE),
                        ),
                    ),
                ),
            (row, each) => {
                const [name, state, left] = row.children[0].children;
                setText(name, each.name_ja);
                setText(state, each.text_ja);
                setText(left, staffText("tickets_left", "ja", { n: each.roll?.tickets_left ?? 0 }));
                setAttribute(row, "data-condition", each.condition);
            },
        );
    }

    function drawNotice() {
        const node = document.getElementById("staff_notice");
        if (!node) {
            return;
        }
        if (notice && performance.now() > notice.until_ms) {
            notice = null;
        }
        setText(node.children[0], notice?.ja ?? "");
        setText(node.children[1], notice?.en ?? "");
        node.hidden = !notice;
    }

    // ---- coming in

    function come() {
        began();
        here = "sign_in";
        touched_ms = performance.now();
        section().replaceChildren(...createSignIn());
        draw();
        byId("staff_name").focus();
    }

    const letGo = () => clearTimeout(hold_timer);

    return {
        isHere: () => here !== "",
        draw() {
            if (here === "") {
                return;
            }
            if (performance.now() - touched_ms > STAY_MS) {
                leave();
                return;
            }
            if (here === "panel") {
                drawPanel();
                if (performance.now() - looked_ms > PRINTERS_INTERVAL_MS) {
                    lookAtPrinters();
                }
            }
            drawNotice();
        },
        /** Once: the corner listens, and a sign-in that this page did not end is ended. */
        async prepare() {
            byId("corner").addEventListener("pointerdown", () => {
                letGo();
                hold_timer = setTimeout(come, HOLD_MS);
            });
            for (const kind of ["pointerup", "pointercancel", "pointerleave"]) {
                byId("corner").addEventListener(kind, letGo);
            }
            for (const kind of ["pointerdown", "keydown"]) {
                document.addEventListener(kind, () => {
                    touched_ms = performance.now();
                });
            }
            // A clerk's sign-in here, or one that does not count any more and stands before the machine's own
            // credential. Whoever opens this page in a browser of his own stays signed in.
            const answer = await get("/api/v1/session");
            const { name, device } = answer?.body ?? {};
            if (Boolean(name) === Boolean(device) && here === "") {
                post("/api/v1/session/end", {});
            }
        },
    };
}
