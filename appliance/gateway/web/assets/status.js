// status.js - the public page on a telephone: how busy is the office, and where is my own number? Nothing
// here names another visitor.

import { get, problemText } from "./api.js";
import { byId, el, keepRows, setAttribute, setText } from "./dom.js";
import { connectLive } from "./live.js";
import { followTicket } from "./own_ticket.js";
import { qrPath } from "./qr.js";
import { offerRegistration } from "./registration.js";
import { nameOf } from "./site.js";
import { languageFor, say } from "./status_texts.js";
import { LANGUAGES, aboutText, estimateText, nameIn } from "./texts.js";
import { createOfficeClock, formatDateEn, formatDateJa, formatShortClock } from "./time.js";

const CALLS_COUNT = 5;
const SHOWN_STATES = ["CALLED", "SERVING", "DONE"];
const BUSY_S = 20 * 60;
const CROWDED_S = 40 * 60;
const SOON_PEOPLE = 2;
const HOURS_FIRST_MS = 3000;
const HOURS_MS = 30000;
const CHOSEN = "toban-language";
/** Words and shapes first; the colour only repeats them. */
const SHAPES = { quiet: "○", busy: "△", crowded: "■", suspended: "×", unknown: "—" };

const clock = createOfficeClock();
let queue = null;
let health = { fresh: false, since_ms: null };
let ticket = null;
let ended = null;
let language = readChosen() ?? languageFor(navigator.language);
let is_chosen = readChosen() !== null;

function readChosen() {
    try {
        const kept = localStorage.getItem(CHOSEN);
        return LANGUAGES.some((each) => each.id === kept) ? kept : null;
    } catch {
        return null;
    }
}

function chooseLanguage(id) {
    language = id;
    is_chosen = true;
    try {
        localStorage.setItem(CHOSEN, id);
    } catch {
        // A private window: chosen until it is closed.
    }
    draw();
}

const texts = (key, values) => say(key, language, values);

/** Names of categories and counters in the languages that a snapshot of the queue has not: from the settings, once for
 * each version of them, for readers who need them. A relay has none: names are then English. */
let settings = { version: null, categories: new Map(), counters: new Map() };

async function askNames() {
    const version = queue?.site_version;
    if (version === undefined || version === settings.version || language === "ja" || language === "en") {
        return;
    }
    settings.version = version;
    const answer = await get("/api/v1/site", { anonymous: true });
    if (answer?.status === 200) {
        const byNumber = (rows) => new Map((rows ?? []).map(({ id, name }) => [id, name]));
        settings = { version, categories: byNumber(answer.body.categories), counters: byNumber(answer.body.counters) };
        draw();
    }
}

const nameFrom = (names, each) => nameOf(names.get(each.id), language) || nameIn(each, language);
const nameOfCategory = (each) => nameFrom(settings.categories, each);

function drawWords() {
    document.documentElement.lang = LANGUAGES.find((each) => each.id === language).html;
    for (const node of document.querySelectorAll("[data-say]")) {
        setText(node, texts(node.dataset.say));
    }
    for (const button of byId("languages").children) {
        setAttribute(button, "aria-pressed", String(button.dataset.language === language));
    }
}

function drawStale() {
    const since = formatShortClock(health.since_ms ?? clock.now_ms());
    const stale = byId("stale");
    const is_offline = navigator.onLine === false;
    stale.hidden = health.fresh || (!queue && !is_offline);
    setText(stale, stale.hidden ? "" : texts(is_offline ? "offline" : "stale", { time: since }));
}

function draw() {
    askNames();
    drawWords();
    drawStale();
    drawOwn();
    if (!queue) {
        setText(byId("day"), `${texts("loading")}`);
        return;
    }
    setText(byId("site_ja"), queue.site_ja);
    setText(byId("site_en"), queue.site_en);
    const open = isOpen();
    setText(byId("day"), texts(open ? "open" : "closed"));
    const next_ms = Date.parse(queue.service_day?.next_opening);
    const date = language.startsWith("ja") ? formatDateJa : formatDateEn;
    setText(
        byId("opening"),
        open || Number.isNaN(next_ms)
            ? ""
            : texts("next_opening", { time: `${date(next_ms)} ${formatShortClock(next_ms)}` }),
    );
    const known_ms = health.fresh ? clock.now_ms() : (health.since_ms ?? clock.now_ms());
    drawNotice();
    byId("as_of").hidden = queue.fed === false;
    setText(byId("as_of"), texts("as_of", { time: formatShortClock(known_ms) }));
    registration.draw(queue, nameOfCategory);
    drawCategories();
    drawCounters();
    drawCalls();
}

/** What a manager wants to be read today: written in Japanese, perhaps in English beside it. */
function drawNotice() {
    const { ja = "", en = "" } = queue.notice ?? {};
    const is_japanese = language.startsWith("ja") || en === "";
    const node = byId("notice");
    setAttribute(node, "lang", is_japanese ? "ja" : "en");
    setText(node, is_japanese ? ja : en);
    node.hidden = ja === "";
}

/** By the machine's hours also when nothing comes any more. */
function isOpen() {
    const day = queue.service_day;
    const closes_ms = Date.parse(day?.closes_at);
    const is_past = !health.fresh && !Number.isNaN(closes_ms) && clock.now_ms() > closes_ms;
    return day?.state === "OPEN" && day.accepting !== false && !is_past && queue.fed !== false;
}

function congestion(category) {
    const wait_s = category.estimated_wait_s;
    return category.suspended ? "suspended"
        : wait_s === null || wait_s === undefined ? "unknown"
        : wait_s <= BUSY_S ? "quiet"
        : wait_s <= CROWDED_S ? "busy" : "crowded";
}

function drawCategories() {
    keepRows(
        byId("categories"),
        queue.categories,
        (each) => each.id,
        () =>
            el(
                "li",
                {},
                el("h3"),
                el("p", { class: "level" }, el("span", { "aria-hidden": "true" }), el("b")),
                el("p", { class: "people" }),
                el("p", { class: "wait" }),
            ),
        (row, each) => {
            const [heading, level, people, time] = row.children;
            const how = isOpen() ? congestion(each) : "suspended";
            setText(heading, nameOfCategory(each));
            setText(level.children[0], SHAPES[how]);
            setText(level.children[1], texts(how));
            setAttribute(row, "data-level", how);
            setText(people, texts("people", { n: each.waiting }));
            setText(time, how === "suspended" ? "" : aboutText(each.estimated_wait_s, language));
        },
    );
}

function drawCounters() {
    keepRows(
        byId("counters"),
        queue.counters,
        (each) => each.id,
        () => el("li", {}, el("span"), el("strong", { class: "digits" }), el("em")),
        (row, each) => {
            const [name, number, state] = row.children;
            setText(name, nameFrom(settings.counters, each));
            setText(number, each.ticket?.display ?? "—");
            setText(state, texts(each.open ? "counter_open" : "counter_closed"));
            setAttribute(row, "data-open", Boolean(each.open));
        },
    );
}

function drawCalls() {
    const calls = queue.calls
        .filter((call) => SHOWN_STATES.includes(call.state))
        .slice(0, CALLS_COUNT);
    byId("calls_none").hidden = calls.length > 0;
    keepRows(
        byId("calls"),
        calls,
        (call) => call.call_id,
        () => el("li", {}, el("strong", { class: "digits" }), el("span"), el("time")),
        (row, call) => {
            const [number, where, at] = row.children;
            setText(number, call.display);
            setText(where, texts("to_counter", { n: call.counter }));
            const at_ms = Date.parse(call.called_at);
            setText(at, Number.isNaN(at_ms) ? "" : formatShortClock(at_ms));
            setAttribute(row, "data-own", call.display === ticket?.display);
        },
    );
}

// ---- the own number ---------------------------------------------------------------------------------

function ownState() {
    switch (ticket.state) {
        case "CALLED":
            return texts("called", { n: ticket.counter });
        case "SERVING":
            return texts("serving", { n: ticket.counter });
        case "HELD":
            return texts("held");
        case "ABSENT":
            return texts("absent");
        case "EXPECTED":
            return texts("expected");
        default:
            return texts(ticket.waiting_ahead <= SOON_PEOPLE ? "soon" : "waiting");
    }
}

function drawEnded() {
    const node = byId("own_ended");
    node.hidden = ended === null;
    if (ended !== null) {
        const key = { DONE: "done", CANCELLED: "cancelled" }[ended.state] ??
            (ended.display ? "over" : "gone");
        setText(node, texts(key, { display: ended.display }));
    }
}

function drawOwn() {
    drawEnded();
    byId("own").hidden = ticket === null;
    if (ticket === null) {
        return;
    }
    const waits = ["ISSUING", "WAITING"].includes(ticket.state);
    setText(byId("own_number"), ticket.display);
    setText(byId("own_state"), ownState());
    setAttribute(byId("own"), "data-state", ticket.state);
    byId("own_facts").hidden = !waits;
    setText(byId("own_ahead"), texts("n_people", { n: ticket.waiting_ahead }));
    setText(byId("own_wait"), estimateText(ticket.estimated_wait_s, language));
    setText(
        byId("own_letter"),
        ticket.series
            ? texts("letter", { letter: ticket.series, display: ticket.display })
            : "",
    );
    drawCode();
    byId("own_arrive").hidden = ticket.state !== "EXPECTED" || !registration.mayArrive();
    const may_cancel = waits || ["HELD", "ABSENT", "EXPECTED"].includes(ticket.state);
    byId("own_cancel").hidden = !may_cancel || !byId("own_confirm").hidden;
    if (!may_cancel) {
        byId("own_confirm").hidden = true;
    }
}

/** For a reader at the ticket machine; the number above it does as well. */
function drawCode() {
    const code = byId("own_code");
    setAttribute(code, "hidden", ticket.state === "EXPECTED" ? null : true);
    if (ticket.state === "EXPECTED" && code.dataset.ticket !== ticket.id) {
        const { path, size } = qrPath((queue?.visitor_url || `${location.origin}/status#`) + ticket.id);
        setAttribute(code, "viewBox", `0 0 ${size} ${size}`);
        setAttribute(byId("own_code_path"), "d", path);
        code.dataset.ticket = ticket.id;
    }
}

const own = followTicket({
    on_ticket(next) {
        // Whoever took a number in a language reads on in it, until he chooses.
        if (next && !is_chosen && LANGUAGES.some((each) => each.id === next.language)) {
            language = next.language;
        }
        ticket = next;
        draw();
    },
    on_called(called) {
        setText(byId("announced"), `${called.display}. ${texts("called", { n: called.counter })}`);
        document.dispatchEvent(new CustomEvent("toban-called", { detail: called.call_id }));
        byId("own").scrollIntoView({ block: "start" });
    },
    on_ended(last) {
        ended = last ?? {};
        setText(byId("announced"), "");
        draw();
    },
});

const registration = offerRegistration({
    say: texts,
    languageNow: () => language,
    has: () => own.has(),
    on_number(id) {
        ended = null;
        setText(byId("register_problem"), "");
        own.follow(id);
        if (queue) {
            own.look(queue);
        }
        byId("own").scrollIntoView({ block: "start" });
    },
    on_problem(answer) {
        const said = problemText(answer);
        setText(byId("register_problem"), language.startsWith("ja") ? said.ja : said.en);
    },
});

byId("own_arrive").addEventListener("click", async () => {
    const answer = await own.arrive();
    if (answer && answer.status >= 400) {
        const said = problemText(answer);
        setText(byId("own_problem"), language.startsWith("ja") ? said.ja : said.en);
    }
});
byId("own_cancel").addEventListener("click", () => {
    byId("own_confirm").hidden = false;
    setText(byId("own_problem"), "");
    draw();
    byId("own_no").focus();
});
byId("own_no").addEventListener("click", () => {
    byId("own_confirm").hidden = true;
    draw();
    byId("own_cancel").focus();
});
byId("own_yes").addEventListener("click", async () => {
    byId("own_confirm").hidden = true;
    draw();
    const answer = await own.cancel();
    if (answer && answer.status >= 400) {
        const said = problemText(answer);
        setText(byId("own_problem"), language.startsWith("ja") ? said.ja : said.en);
    }
});
byId("languages").append(
    ...LANGUAGES.map((each) =>
        el(
            "button",
            {
                type: "button",
                lang: each.html,
                "data-language": each.id,
                onclick: () => chooseLanguage(each.id),
            },
            each.label,
        ),
    ),
);

connectLive({
    anonymous: true, // what a visitor's phone sees, also on a clerk's screen
    clock,
    // A thousand telephones follow: every two seconds is enough for each.
    query: () => "?pace=slow",
    on_queue(snapshot) {
        queue = snapshot;
        own.look(queue);
        draw();
    },
    on_health(told) {
        health = told;
        draw();
    },
});
/** Nobody tells how the office is: a relay still knows its hours. Asked once in a while, not insisted on. */
async function askHours() {
    if (queue?.fed !== false && (health.fresh || queue)) {
        return;
    }
    try {
        const response = await fetch("/api/v1/queue", { cache: "no-store" });
        const hours = response.ok ? await response.json() : null;
        if (hours?.fed === false && !health.fresh) {
            queue = hours;
            draw();
        }
    } catch {
        // Neither the office nor a relay answers: the page says so already.
    }
}
setTimeout(askHours, HOURS_FIRST_MS);
setInterval(askHours, HOURS_MS);
addEventListener("online", draw);
addEventListener("offline", draw);
setInterval(() => {
    if (queue && health.fresh) {
        own.look(queue);
    }
    draw();
}, 1000);
draw();
