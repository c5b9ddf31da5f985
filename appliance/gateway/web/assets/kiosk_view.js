// kiosk_view.js - draws the ticket machine's screens from its state. Decides nothing: kiosk.js does.
//
// A button never moves under a finger: every page of purposes has the same places, filled from the first; what
// changes while somebody looks (how many wait, what is refused) changes within its button. Order and number of
// buttons change only with the site's settings.

import { byId, el, keepRows, setAttribute, setText } from "./dom.js";
import { refusalText, say } from "./kiosk_texts.js";
import { qrPath } from "./qr.js";
import { itemsAt, leavesOf, nameOf } from "./site.js";
import { LANGUAGES, aboutText, estimateText } from "./texts.js";
import { formatDateIn, formatShortClock } from "./time.js";

export const PLACES = 10; // purposes on one page
const PLACES_FEW = 5; // so many or fewer: one wide column
const ROWS_LEAST = 3;
const LINE_SLACK_PX = 3; // a last line's letters reach a little below their line
const FIT_STEPS = [0, 1, 2, 3, 4]; // data-fit of the list

export const languageOf = (kiosk) => LANGUAGES.find((each) => each.id === kiosk.language);
const htmlOf = (id) => LANGUAGES.find((each) => each.id === id).html;

/** What the snapshot says of a category now; null: nothing. */
export const liveOf = (kiosk, category) =>
    kiosk.queue?.categories.find((each) => each.id === category) ?? null;

/** Why no ticket of this category would be given now: a code, "" when one would. An older office says `suspended`. */
export function refusalOf(kiosk, category) {
    const live = liveOf(kiosk, category);
    if (!live) {
        return "CATEGORY_SUSPENDED";
    }
    if (live.accepting === undefined) {
        return live.suspended ? "CATEGORY_SUSPENDED" : "";
    }
    return live.accepting ? "" : (live.refusal ?? "CATEGORY_SUSPENDED");
}

/** A group is refused when all in it is: by their reason when it is one. */
export function refusalOfItem(kiosk, item) {
    if (item.category !== 0) {
        return refusalOf(kiosk, item.category);
    }
    const reasons = new Set(leavesOf(item.items).map((each) => refusalOf(kiosk, each.category)));
    if (reasons.has("")) {
        return "";
    }
    return reasons.size === 1 ? [...reasons][0] : "CATEGORY_SUSPENDED";
}

/** The one reason for which no purpose at all can be chosen; "" while one can. */
export function refusalOfAll(kiosk) {
    const leaves = leavesOf(kiosk.site?.items ?? []);
    const reasons = new Set(leaves.map((each) => refusalOf(kiosk, each.category)));
    return reasons.size === 1 ? [...reasons][0] : "";
}

export const pagesOf = (kiosk) =>
    Math.max(1, Math.ceil((itemsAt(kiosk.site, kiosk.path)?.length ?? 0) / PLACES));

const both = (id, beside_id, key, kiosk, values) => {
    const { beside } = languageOf(kiosk);
    setText(byId(id), say(key, kiosk.language, values));
    setText(byId(beside_id), beside ? say(key, beside, values) : "");
    setAttribute(byId(beside_id), "lang", beside ? htmlOf(beside) : null);
};

const namesInto = (node, beside_node, names, kiosk) => {
    const { html, beside } = languageOf(kiosk);
    setText(node, nameOf(names, kiosk.language));
    setAttribute(node, "lang", html);
    setText(beside_node, beside ? nameOf(names, beside) : "");
    setAttribute(beside_node, "lang", beside ? htmlOf(beside) : null);
};

export function drawAll(kiosk, actions) {
    drawTexts(kiosk);
    drawTop(kiosk, actions);
    drawChoose(kiosk, actions);
    drawConfirm(kiosk, actions);
    drawTicket(kiosk);
    drawWait(kiosk);
    drawClosed(kiosk);
    drawMessage(kiosk);
    drawFoot(kiosk);
    drawStill(kiosk);
}

function drawTexts(kiosk) {
    const { html, beside } = languageOf(kiosk);
    setAttribute(document.documentElement, "lang", html);
    for (const node of document.querySelectorAll("[data-text]")) {
        setText(node, say(node.dataset.text, kiosk.language));
    }
    for (const node of document.querySelectorAll("[data-beside]")) {
        setText(node, beside ? say(node.dataset.beside, beside) : "");
        setAttribute(node, "lang", beside ? htmlOf(beside) : null);
    }
}

function drawTop(kiosk, actions) {
    if (kiosk.site) {
        namesInto(byId("site_name"), byId("site_beside"), kiosk.site.names, kiosk);
    }
    const now_ms = kiosk.clock.now_ms();
    setText(byId("clock"), formatShortClock(now_ms));
    setText(byId("date"), formatDateIn(kiosk.language, now_ms));
    setAttribute(byId("date"), "lang", languageOf(kiosk).html);
    const offered = kiosk.site?.languages ?? [];
    keepRows(
        byId("languages"),
        offered.length > 0
            ? offered.map((id) => LANGUAGES.find((each) => each.id === id)).filter(Boolean)
            : LANGUAGES,
        (each) => each.id,
        (each) =>
            el(
                "button",
                {
                    type: "button",
                    lang: each.html,
                    class: "language",
                    onclick: () => actions.speak(each.id),
                },
                each.label,
            ),
        (button, each) => setAttribute(button, "aria-pressed", String(each.id === kiosk.language)),
    );
}

/** The place in the tree: the group's own name is the title of what is in it. */
function groupNow(kiosk) {
    const outer = kiosk.path.length > 0 ? itemsAt(kiosk.site, kiosk.path.slice(0, -1)) : null;
    return outer?.find((each) => each.key === kiosk.path.at(-1)) ?? null;
}

function drawChoose(kiosk, actions) {
    if (!kiosk.site) {
        return;
    }
    const group = groupNow(kiosk);
    if (group) {
        namesInto(byId("choose_title"), byId("choose_beside"), group.names, kiosk);
    } else {
        both("choose_title", "choose_beside", "choose_title", kiosk);
        setAttribute(byId("choose_title"), "lang", null);
    }
    const items = itemsAt(kiosk.site, kiosk.path) ?? [];
    const shown = items.slice(kiosk.page * PLACES, (kiosk.page + 1) * PLACES);
    const list = byId("categories");
    setAttribute(list, "data-layout", items.length <= PLACES_FEW ? "few" : "many");
    // So many rows as the longest page of this list has: its own places, which stay.
    const rows = Math.max(ROWS_LEAST, Math.ceil(Math.min(items.length, PLACES) / 2));
    setAttribute(list, "data-rows", items.length <= PLACES_FEW ? PLACES_FEW : rows);
    keepRows(
        list,
        shown,
        (item) => item.key,
        (item) => createItem(item, actions),
        (row, item) => updateItem(row, item, kiosk),
    );
    drawPager(kiosk);
    const room = [innerWidth, innerHeight, list.clientHeight].join("x");
    fit(list, `${kiosk.language} ${room} ${list.textContent.replace(/[0-9]+/g, "0")}`);
}

function drawPager(kiosk) {
    const pages = pagesOf(kiosk);
    const deep = kiosk.path.length > 0;
    byId("pager").hidden = pages === 1 && !deep;
    // Places stay, whatever is behind them: what cannot be pressed is not seen, and moves nothing.
    setAttribute(byId("up"), "data-off", !deep);
    setAttribute(byId("page_previous"), "data-off", pages === 1);
    setAttribute(byId("page_next"), "data-off", pages === 1);
    byId("page_previous").disabled = kiosk.page === 0;
    byId("page_next").disabled = kiosk.page >= pages - 1;
    setText(
        byId("page_label"),
        pages === 1 ? "" : say("page_of", kiosk.language, { page: kiosk.page + 1, pages }),
    );
}

function createItem(item, actions) {
    const part = (name) => el("span", { class: name, "data-part": name });
    return el(
        "li",
        {},
        el(
            "button",
            { type: "button", class: "category", onclick: () => actions.choose(item.key) },
            el("span", { class: "category-names" }, part("name"), part("beside")),
            el("span", { class: "category-facts" }, part("people"), part("time")),
        ),
    );
}

function updateItem(row, item, kiosk) {
    const button = row.firstElementChild;
    const part = (name) => button.querySelector(`[data-part="${name}"]`);
    const { language } = kiosk;
    const refusal = refusalOfItem(kiosk, item);
    const live = liveOf(kiosk, item.category);
    namesInto(part("name"), part("beside"), item.names, kiosk);
    if (refusal) {
        setText(part("people"), refusalText(refusal, language));
        setText(part("time"), "");
    } else if (item.category === 0) {
        setText(part("people"), say("group_of", language, { n: leavesOf(item.items).length }));
        setText(part("time"), "");
    } else {
        setText(
            part("people"),
            `${say("waiting", language)} ${say("people", language, { n: live.waiting })}`,
        );
        setText(part("time"), aboutText(live.estimated_wait_s, language));
    }
    // aria-disabled, not disabled: the keyboard can still reach it and hear why.
    setAttribute(button, "aria-disabled", refusal ? "true" : null);
    setAttribute(button, "data-group", item.category === 0);
    setAttribute(button, "aria-busy", kiosk.pending?.category === item.category ? "true" : null);
}

/** Long names in smaller letters, all of a page alike: the first size at which nothing sticks out of any button. */
function fit(list, stamp) {
    if (list.dataset.fitted === stamp || list.clientWidth === 0) {
        return;
    }
    const boxes = [...list.querySelectorAll(".category, .category-names")];
    const lines = [...list.querySelectorAll(".category span")];
    const isHigh = (each) => each.scrollHeight > each.clientHeight + LINE_SLACK_PX;
    const isWide = (each) => each.scrollWidth > each.clientWidth + 1;
    for (const step of FIT_STEPS) {
        setAttribute(list, "data-fit", step);
        if (!boxes.some(isHigh) && !lines.some(isWide)) {
            break;
        }
    }
    list.dataset.fitted = stamp;
}

function drawConfirm(kiosk, actions) {
    const { visit, language } = kiosk;
    if (!visit) {
        return;
    }
    const item = leavesOf(kiosk.site.items).find((each) => each.category === visit.category);
    const live = liveOf(kiosk, visit.category);
    const refusal = refusalOf(kiosk, visit.category);
    namesInto(byId("confirm_name"), byId("confirm_beside"), item?.names, kiosk);
    const note = nameOf(item?.note, language);
    byId("confirm_note").hidden = !note;
    setText(byId("confirm_note"), note);
    setText(byId("confirm_waiting"), live ? say("people", language, { n: live.waiting }) : "");
    setText(byId("confirm_estimate"), estimateText(live?.estimated_wait_s, language));
    byId("confirm_refusal").hidden = !refusal;
    setText(byId("confirm_refusal"), refusal ? refusalText(refusal, language) : "");
    const paper = paperNow(kiosk);
    const choice = paper && kiosk.site.paperless;
    setText(byId("take"), say(choice ? "take_paper" : "take", language));
    setAttribute(byId("take"), "aria-disabled", refusal ? "true" : null);
    setAttribute(byId("take"), "aria-busy", kiosk.pending ? "true" : null);
    byId("take_screen").hidden = !choice;
    setAttribute(byId("take_screen"), "aria-disabled", refusal ? "true" : null);
    byId("confirm_paper").hidden = paper || !kiosk.site.paper;
    drawPriorities(kiosk, actions);
}

function drawPriorities(kiosk, actions) {
    const { priorities } = kiosk.site;
    byId("priorities").hidden = priorities.length === 0;
    keepRows(
        byId("priority_list"),
        priorities.length === 0 ? [] : [{ level: 0, names: null }, ...priorities],
        (each) => each.level,
        (each) =>
            el(
                "li",
                {},
                el("button", {
                    type: "button",
                    class: "priority",
                    onclick: () => actions.prioritise(each.level),
                }),
            ),
        (row, each) => {
            const button = row.firstElementChild;
            const chosen = kiosk.visit.priority === each.level;
            setText(
                button,
                each.names
                    ? nameOf(each.names, kiosk.language)
                    : say("priority_none", kiosk.language),
            );
            setAttribute(button, "aria-pressed", String(chosen));
        },
    );
}

/** Whether a paper would come out now. */
export const paperNow = (kiosk) => Boolean(kiosk.site?.paper && kiosk.queue?.printing?.paper);

/** For who has no paper: the code that would stand on it. */
function drawCode(kiosk) {
    const { ticket, queue } = kiosk;
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
export function keepText(ticket) {
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

/** Without a paper in the hand the number stays until the visitor says that it is noted. */
export const isOnScreenOnly = (ticket) =>
    ticket.delivery !== "paper" || Boolean(ticket.undelivered);

function drawTicket(kiosk) {
    const { ticket, language } = kiosk;
    if (!ticket) {
        return;
    }
    const item = leavesOf(kiosk.site?.items ?? []).find(
        (each) => each.category === ticket.category,
    );
    const on_screen = isOnScreenOnly(ticket);
    setText(byId("number"), ticket.display);
    setAttribute(byId("number"), "data-length", ticket.display.length);
    namesInto(byId("ticket_category"), byId("ticket_category_beside"), item?.names, kiosk);
    setText(byId("ticket_ahead"), say("people", language, { n: ticket.waiting_ahead }));
    setText(byId("ticket_estimate"), estimateText(ticket.estimated_wait_s, language));
    setText(byId("keep"), say(keepText(ticket), language));
    drawCode(kiosk);
    byId("letter").hidden = !ticket.series;
    setText(
        byId("letter"),
        say("letter", language, { letter: ticket.series, display: ticket.display }),
    );
    setText(byId("back"), say(on_screen ? "noted" : "back", language));
    byId("longer").hidden = on_screen;
    setText(byId("back_in"), on_screen ? "" : say("back_in", language, { n: kiosk.secondsLeft() }));
}

/** Which of the waiting screens: a press is on its way, a takeover, or nobody answers for long. */
export function waitingFor(kiosk) {
    if (kiosk.pending) {
        return "pressed";
    }
    if (kiosk.offline_since_ms !== null && kiosk.isOffline()) {
        return "offline";
    }
    return kiosk.queue && kiosk.site ? "switching" : "starting";
}

function drawWait(kiosk) {
    const what = waitingFor(kiosk);
    const texts = {
        pressed: ["wait_title", "wait_pressed"],
        offline: ["offline_title", "offline_detail"],
        switching: ["switching_title", "wait_detail"],
        starting: ["wait_title", "wait_detail"],
    }[what];
    both("wait_title", "wait_beside", texts[0], kiosk);
    setText(byId("wait_detail"), say(texts[1], kiosk.language));
    byId("give_up").hidden = what !== "pressed";
    byId("wait_turning").hidden = what === "offline";
}

/** The sentence, its detail, and from when on there is somebody again. */
function closedNow(kiosk) {
    const day = kiosk.dayNow();
    const in_japanese = languageOf(kiosk).html === "ja";
    const reason = (in_japanese ? day?.reason_ja : day?.reason_en) || "";
    const refusal = refusalOfAll(kiosk);
    if (day?.level === "CLOSED_DAY") {
        return { title: "day_closed_title", why: reason, next: true };
    }
    if (day?.state === "OPEN" && day.accepting !== false) {
        return refusal === "ALL_SUSPENDED" || refusal === "CATEGORY_SUSPENDED"
            ? { title: "stopped_title", why: say("stopped_detail", kiosk.language), next: false }
            : { title: "over_title", why: say("over_detail", kiosk.language), next: true };
    }
    if (day?.state === "OPEN") {
        return { title: "over_title", why: say("over_detail", kiosk.language), next: true };
    }
    if (day?.level === "AFTER_CLOSING" || day?.state === "CLOSED") {
        return { title: "over_title", why: reason, next: true };
    }
    return { title: day ? "before_title" : "closed_title", why: reason, next: true };
}

function drawClosed(kiosk) {
    const { title, why, next } = closedNow(kiosk);
    const day = kiosk.dayNow();
    both("closed_title", "closed_beside", title, kiosk);
    setText(byId("closed_why"), why);
    byId("closed_why").hidden = !why;
    const opens_ms = Date.parse(day?.next_opening ?? "");
    byId("opening").hidden = !next || Number.isNaN(opens_ms);
    if (!Number.isNaN(opens_ms)) {
        const date = (at_ms) => formatDateIn(kiosk.language, at_ms);
        const is_today = date(opens_ms) === date(kiosk.clock.now_ms());
        setText(
            byId("opening_label"),
            say(is_today ? "opens_today" : "next_opening", kiosk.language),
        );
        setText(byId("next_opening"), `${date(opens_ms)} ${formatShortClock(opens_ms)}`);
    }
}

function drawMessage(kiosk) {
    if (kiosk.message) {
        setText(byId("message_ja"), kiosk.message.ja);
        setText(byId("message_en"), kiosk.message.en);
    }
}

function drawFoot(kiosk) {
    setText(byId("guide_text"), say(kiosk.guided ? "guide_end" : "guide_button", kiosk.language));
    setAttribute(byId("guide"), "aria-pressed", String(kiosk.guided));
    byId("paper_out").hidden =
        kiosk.guided || !(kiosk.site?.paper && kiosk.queue?.printing?.code === "PAPER_END");
    byId("guide_help").hidden = !kiosk.guided;
    setText(byId("guide_help"), say("guide_keys", kiosk.language));
}

function drawStill(kiosk) {
    byId("still").hidden = kiosk.still_until_ms === null;
    if (kiosk.still_until_ms !== null) {
        const left_ms = Math.max(0, kiosk.still_until_ms - performance.now());
        setText(
            byId("still_detail"),
            say("back_in", kiosk.language, { n: Math.ceil(left_ms / 1000) }),
        );
        byId("still_left").value = (100 * left_ms) / kiosk.still_ms;
    }
}
