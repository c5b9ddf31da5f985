// kiosk.js - the ticket machine's screen: choose, press, read your number.
//
// One press, one Idempotency-Key, one number. A second touch of the same double press falls on a screen
// that does not listen yet (GUARD_MS), so it neither takes a number nor closes one.

import { newKey, get, pause, post, problemText } from "./api.js";
import { byId, el, keepRows, setAttribute, setText, showScreen } from "./dom.js";
import { connectLive } from "./live.js";
import { qrPath } from "./qr.js";
import { LANGUAGES, aboutText, estimateText, nameIn, text } from "./texts.js";
import { createOfficeClock, formatDateEn, formatDateJa, formatShortClock } from "./time.js";

const GUARD_MS = 600; // a screen this young does not listen
const SHOW_TICKET_S = 12;
const SHOW_LONGER_S = 30;
const SHOW_MESSAGE_S = 10;
const PAPER_INTERVAL_MS = 400; // so often the office is asked whether the paper is out
const WAIT_SCREEN_MS = 800; // an answer slower than this: "one moment, please"
const LANGUAGE_BACK_MS = 60000; // untouched for so long: the next visitor finds Japanese
const ASLEEP_INTERVAL_MS = 5000;

const clock = createOfficeClock();
let queue = null;
let fresh = false;
let language = "ja";
let pending = null; // {key, category, since_ms, given_up}
let ticket = null;
let message = null;
let leave_at_ms = 0; // performance.now(): ticket and message go away by themselves
let listens = true; // false while the screen is younger than GUARD_MS
let was_used = false; // somebody pressed a category since the page was loaded
let touched_at_ms = 0;
let asleep = null; // service_day of /status, asked while no snapshot comes

const languageNow = () => LANGUAGES.find((each) => each.id === language);
const isOpen = () => queue?.service_day?.state === "OPEN" && queue.service_day.accepting !== false;
/** A unit that need not serve at night sends no snapshot, but still says when the office opens. */
const isAsleep = () => asleep !== null && asleep.state !== "OPEN" && asleep.level !== "OPEN";

function screenNow() {
    if (ticket) {
        return "ticket";
    }
    if (message) {
        return "message";
    }
    if (pending && performance.now() - pending.since_ms > WAIT_SCREEN_MS) {
        return "wait";
    }
    if (!queue || (!fresh && !pending)) {
        return !pending && isAsleep() ? "closed" : "wait";
    }
    return isOpen() || pending ? "choose" : "closed";
}

function draw() {
    drawTexts();
    drawTop();
    drawCategories();
    drawTicket();
    drawWait();
    drawClosed();
    drawMessage();
    drawScreen();
}

function drawScreen() {
    const screen = screenNow();
    if (!showScreen(screen)) {
        return;
    }
    guard(screen);
    const first = { ticket: "back", message: "message_back", choose: "choose_title" }[screen];
    byId(first ?? `${screen}_title`).focus({ preventScroll: true });
    const says = {
        ticket: () =>
            `${text("your_number", language)} ${ticket.display}. ${text("until_called", language)}`,
        message: () => (languageNow().html === "ja" ? message.ja : message.en),
        wait: () => text("wait_title", language),
        closed: () => text("closed_title", language),
        choose: () => text("choose_title", language),
    };
    setText(byId("said"), says[screen]());
}

/** A screen that replaces another under the visitor's finger does not listen at first. */
function guard(screen) {
    listens = screen === "choose" && !was_used;
    document.body.dataset.listens = String(listens);
    if (!listens) {
        setTimeout(() => {
            listens = true;
            document.body.dataset.listens = "true";
        }, GUARD_MS);
    }
}

function drawTexts() {
    const { html, beside } = languageNow();
    setAttribute(document.documentElement, "lang", html);
    for (const node of document.querySelectorAll("[data-text]")) {
        setText(node, text(node.dataset.text, language));
    }
    for (const node of document.querySelectorAll("[data-beside]")) {
        setText(node, beside ? text(node.dataset.beside, beside) : "");
        setAttribute(node, "lang", beside);
    }
}

function drawTop() {
    if (queue) {
        setText(byId("site_ja"), queue.site_ja);
        setText(byId("site_en"), queue.site_en);
    }
    const now_ms = clock.now_ms();
    setText(byId("clock"), formatShortClock(now_ms));
    setText(
        byId("date"),
        languageNow().html === "ja" ? formatDateJa(now_ms) : formatDateEn(now_ms),
    );
    setAttribute(byId("date"), "lang", languageNow().html === "ja" ? "ja" : "en");
    keepRows(
        byId("languages"),
        LANGUAGES,
        (each) => each.id,
        createLanguage,
        (button, each) => setAttribute(button, "aria-pressed", String(each.id === language)),
    );
}

function createLanguage(each) {
    return el(
        "button",
        {
            type: "button",
            lang: each.html,
            class: "language",
            onclick: () => {
                language = each.id;
                draw();
            },
        },
        each.label,
    );
}

function drawCategories() {
    if (!queue) {
        return;
    }
    byId("paper_out").hidden = queue.printing?.code !== "PAPER_END";
    const list = byId("categories");
    setAttribute(
        list,
        "data-count",
        queue.categories.length > 12 ? "many" : String(queue.categories.length),
    );
    keepRows(list, queue.categories, (category) => category.id, createCategory, updateCategory);
}

function createCategory(category) {
    const part = (name) => el("span", { class: name, "data-part": name });
    return el(
        "li",
        {},
        el(
            "button",
            { type: "button", class: "category", onclick: () => press(category.id) },
            el("span", { class: "category-names" }, part("name"), part("beside")),
            el("span", { class: "category-facts" }, part("people"), part("time")),
        ),
    );
}

function updateCategory(row, category) {
    const button = row.firstElementChild;
    const part = (name) => button.querySelector(`[data-part="${name}"]`);
    const { html, beside } = languageNow();
    setText(part("name"), nameIn(category, language));
    setAttribute(part("name"), "lang", html === "ja" ? "ja" : "en");
    setText(part("beside"), beside ? nameIn(category, beside) : "");
    setAttribute(part("beside"), "lang", beside);
    if (category.suspended) {
        setText(part("people"), text("suspended", language));
        setText(part("time"), "");
    } else {
        setText(
            part("people"),
            `${text("waiting", language)} ${text("people", language, { n: category.waiting })}`,
        );
        setText(part("time"), aboutText(category.estimated_wait_s, language));
    }
    // aria-disabled, not disabled: the keyboard can still reach it and hear why.
    setAttribute(button, "aria-disabled", category.suspended ? "true" : null);
    setAttribute(button, "aria-busy", pending?.category === category.id ? "true" : null);
}

/** For who has no paper: the code that would stand on it. */
function drawCode() {
    const wanted =
        Boolean(queue?.visitor_url) && (ticket.delivery !== "paper" || ticket.undelivered);
    byId("code").hidden = !wanted;
    if (wanted && byId("code").dataset.ticket !== ticket.id) {
        const { path, size } = qrPath(queue.visitor_url + ticket.id);
        setAttribute(byId("code_image"), "viewBox", `0 0 ${size} ${size}`);
        setAttribute(byId("code_path"), "d", path);
        byId("code").dataset.ticket = ticket.id;
    }
}

/** What the visitor takes along: the paper, or the number on the screen. */
function keepText() {
    if (ticket.delivery_reason === "NO_PRINTER") {
        return "keep_no_paper";
    }
    if (ticket.delivery !== "paper") {
        return ticket.state === "ISSUING" ? "keep_paper" : "keep_screen";
    }
    if (ticket.undelivered) {
        return "keep_undelivered";
    }
    return ticket.state === "ISSUING" ? "keep_printing" : "keep_paper";
}

function drawTicket() {
    if (!ticket) {
        return;
    }
    const category = queue?.categories.find((each) => each.id === ticket.category);
    const { beside } = languageNow();
    setText(byId("number"), ticket.display);
    setAttribute(byId("number"), "data-length", ticket.display.length);
    setText(byId("ticket_category"), category ? nameIn(category, language) : "");
    setText(byId("ticket_category_beside"), category && beside ? nameIn(category, beside) : "");
    setText(byId("ticket_ahead"), text("people", language, { n: ticket.waiting_ahead }));
    setText(byId("ticket_estimate"), estimateText(ticket.estimated_wait_s, language));
    setText(byId("keep"), text(keepText(), language));
    drawCode();
    byId("letter").hidden = !ticket.series;
    setText(
        byId("letter"),
        text("letter", language, { letter: ticket.series, display: ticket.display }),
    );
    setText(byId("back_in"), text("back_in", language, { n: secondsLeft() }));
}

function drawWait() {
    setText(byId("wait_detail"), text(pending ? "wait_pressed" : "wait_detail", language));
    byId("give_up").hidden = !pending;
}

function drawClosed() {
    const day = (fresh ? queue?.service_day : asleep) ?? queue?.service_day;
    const in_japanese = languageNow().html === "ja";
    const ended = day?.state === "CLOSED" || day?.state === "OPEN";
    const holiday =
        day?.level === "CLOSED_DAY" ? ((in_japanese ? day.reason_ja : day.reason_en) ?? "") : "";
    setText(
        byId("closed_why"),
        holiday || text(ended ? "closed_ended" : "closed_before", language),
    );
    const opens_ms = Date.parse(day?.next_opening ?? "");
    byId("opening").hidden = Number.isNaN(opens_ms);
    if (!Number.isNaN(opens_ms)) {
        const date = in_japanese ? formatDateJa : formatDateEn;
        setText(byId("next_opening"), `${date(opens_ms)} ${formatShortClock(opens_ms)}`);
    }
}

function drawMessage() {
    if (message) {
        setText(byId("message_ja"), message.ja);
        setText(byId("message_en"), message.en);
    }
}

const secondsLeft = () => Math.max(0, Math.ceil((leave_at_ms - performance.now()) / 1000));

async function press(category_id) {
    const category = queue.categories.find((each) => each.id === category_id);
    if (pending || ticket || message || !listens || category?.suspended) {
        return;
    }
    const mine = {
        key: newKey(),
        category: category_id,
        since_ms: performance.now(),
        given_up: false,
    };
    pending = mine;
    was_used = true;
    draw();
    const answer = await post(
        "/api/v1/tickets",
        queue.printing?.paper
            ? { category: category_id, language, delivery: "paper" }
            : { category: category_id, language },
        { key: mine.key },
    );
    if (mine.given_up) {
        cancelUnwanted(answer);
        return;
    }
    pending = null;
    if (answer.status === 201 || answer.status === 200) {
        ticket = answer.body;
        leave_at_ms = performance.now() + SHOW_TICKET_S * 1000;
        followPaper(ticket);
    } else {
        message = problemText(answer);
        leave_at_ms = performance.now() + SHOW_MESSAGE_S * 1000;
    }
    draw();
}

/** Until the printer has said what became of the paper; the number stands there meanwhile. */
async function followPaper(mine) {
    while (ticket === mine && mine.delivery === "paper" && mine.state === "ISSUING") {
        await pause(PAPER_INTERVAL_MS);
        const answer = await get(`/api/v1/tickets/${encodeURIComponent(mine.id)}`, {
            go_on: () => ticket === mine,
        });
        if (ticket !== mine || answer?.status !== 200) {
            return;
        }
        mine.state = answer.body.state;
        mine.undelivered = answer.body.undelivered;
        if (mine.undelivered) {
            leave_at_ms = performance.now() + SHOW_LONGER_S * 1000;
        }
        draw();
    }
}

/** The visitor went away before the office answered: the number, if there is one, must not be called. */
function cancelUnwanted(answer) {
    if (answer.status === 201 || answer.status === 200) {
        post(`/api/v1/tickets/${encodeURIComponent(answer.body.id)}/cancel`);
    }
}

function giveUp() {
    if (pending && listens) {
        pending.given_up = true;
        pending = null;
        draw();
    }
}

function leave() {
    ticket = null;
    message = null;
    draw();
}

function tick() {
    if ((ticket || message) && performance.now() > leave_at_ms) {
        ticket = null;
        message = null;
        language = "ja";
    }
    const idle = !ticket && !message && !pending;
    if (idle && language !== "ja" && performance.now() - touched_at_ms > LANGUAGE_BACK_MS) {
        language = "ja";
    }
    draw();
}

let asking = false;
async function askWhetherAsleep() {
    if (fresh) {
        asleep = null;
    }
    if (fresh || asking) {
        return;
    }
    asking = true;
    const answer = await get("/api/v1/status", { go_on: () => !fresh });
    asking = false;
    asleep = fresh ? null : (answer?.body?.service_day ?? asleep);
    draw();
}

byId("give_up").addEventListener("click", giveUp);
byId("back").addEventListener("click", () => listens && leave());
byId("message_back").addEventListener("click", () => listens && leave());
byId("longer").addEventListener("click", () => {
    leave_at_ms = performance.now() + SHOW_LONGER_S * 1000;
    draw();
});
for (const kind of ["pointerdown", "keydown"]) {
    document.addEventListener(kind, () => {
        touched_at_ms = performance.now();
    });
}
document.addEventListener("contextmenu", (event) => event.preventDefault());

connectLive({
    clock,
    on_queue(snapshot) {
        queue = snapshot;
        draw();
    },
    on_health(health) {
        fresh = health.fresh;
        askWhetherAsleep();
        draw();
    },
});
setInterval(tick, 250);
setInterval(askWhetherAsleep, ASLEEP_INTERVAL_MS);
draw();
