// kiosk.js - the ticket machine's screen: choose, look, take, read your number.
//
// One look at a purpose, one Idempotency-Key, one number: the key is drawn when the purpose is shown, and whatever
// is pressed on that screen, however often, goes out under it. A second touch of a double press falls on a screen
// that does not listen yet (GUARD_MS), so it neither takes a number nor closes one. A page that is loaded anew
// while a press is on its way sends it again under the same key.

import { get, newKey, pause, post, problemText } from "./api.js";
import { byId, setAttribute, setText, showScreen } from "./dom.js";
import { createArrival } from "./kiosk_arrive.js";
import { createGuide } from "./kiosk_guide.js";
import { createStaff } from "./kiosk_staff.js";
import { say } from "./kiosk_texts.js";
import {
    drawAll,
    isOnScreenOnly,
    languageOf,
    pagesOf,
    paperNow,
    refusalOf,
    refusalOfAll,
    refusalOfItem,
} from "./kiosk_view.js";
import { connectLive } from "./live.js";
import { connectSite, itemsAt, leavesOf, siteFromQueue } from "./site.js";
import { createSpeech } from "./speech.js";
import { createOfficeClock } from "./time.js";

const GUARD_MS = 600; // a screen this young does not listen
const SHOW_TICKET_S = 20; // WCAG 2.2.1: 20 s to ask for more, by one press, as often as wished
const SHOW_LONGER_S = 30;
const SHOW_MESSAGE_S = 20;
const PAPER_INTERVAL_MS = 400; // so often the office is asked whether the paper is out
const WAIT_SCREEN_MS = 800; // an answer slower than this: "one moment, please"
const ASLEEP_INTERVAL_MS = 5000;
const OFFLINE_MS = 20000; // nobody answers for so long: no takeover takes that
const IDLE_MS = { seen: 45000, heard: 90000 }; // then "do you need more time?"
const STILL_MS = { seen: 20000, heard: 40000 };
const PENDING_NAME = "toban-kiosk-pending";
const PENDING_MS_MAX = 120000; // an older press is nobody's any more
const STOPPED = ["ALL_SUSPENDED", "CATEGORY_SUSPENDED", "ACCEPTANCE_OVER"];

const kiosk = {
    clock: createOfficeClock(),
    queue: null,
    site: null,
    language: "ja",
    path: [], // keys of the groups that are open
    page: 0,
    visit: null, // {category, key, priority}: the purpose that is looked at
    pending: null, // {key, category, members, since_ms, given_up}
    ticket: null,
    message: null,
    guided: false,
    still_until_ms: null,
    still_ms: STILL_MS.seen,
    offline_since_ms: performance.now(),
    secondsLeft: () => Math.max(0, Math.ceil((leave_at_ms - performance.now()) / 1000)),
    isOffline: () =>
        navigator.onLine === false || performance.now() - kiosk.offline_since_ms > OFFLINE_MS,
    dayNow: () => (fresh ? kiosk.queue?.service_day : asleep) ?? kiosk.queue?.service_day,
};
let fresh = false;
let site_is_told = false; // by the office's settings, not by the queue alone
let site_is_missing = false; // this office has no such settings: the queue's names do
let leave_at_ms = 0; // performance.now(): ticket and message go away by themselves
let listens = true; // false while the screen is younger than GUARD_MS
let was_used = false; // somebody pressed a purpose since the page was loaded
let touched_at_ms = 0;
let asleep = null; // service_day of /status, asked while no snapshot comes
let guard_count = 0;
let site_version; // of the newest snapshot: names and menu are fetched when it changes
let screen_name = "";

const dayIsOpen = () =>
    kiosk.queue?.service_day?.state === "OPEN" && kiosk.queue.service_day.accepting !== false;
const isOpen = () => dayIsOpen() && !STOPPED.includes(refusalOfAll(kiosk));
/** A unit that need not serve at night sends no snapshot, but still says when the office opens. */
const isAsleep = () => asleep !== null && asleep.state !== "OPEN" && asleep.level !== "OPEN";

function screenNow() {
    const { ticket, message, pending, queue, visit } = kiosk;
    if (staff.isHere()) {
        return "staff";
    }
    if (ticket || message) {
        return ticket ? "ticket" : "message";
    }
    if (pending && performance.now() - pending.since_ms > WAIT_SCREEN_MS) {
        return "wait";
    }
    if (!queue || (!fresh && !pending)) {
        return !pending && isAsleep() ? "closed" : "wait";
    }
    if (!kiosk.site) {
        return "wait"; // a list that would change under the first finger is not shown
    }
    if (!isOpen() && !pending) {
        return "closed";
    }
    return visit ? "confirm" : "choose";
}

/** What a visitor who listens would call another screen. */
const screenName = () =>
    kiosk.still_until_ms !== null
        ? "still"
        : [
              screenNow(),
              ...kiosk.path,
              kiosk.page,
              kiosk.ticket?.id,
              kiosk.ticket?.undelivered,
          ].join();

function draw() {
    drawAll(kiosk, actions);
    drawScreen();
    arrival.draw(screenNow());
    staff.draw();
    if (staff.isHere()) {
        return;
    }
    guide.follow(screenName());
}

function drawScreen() {
    const screen = screenNow();
    setAttribute(document.body, "data-now", screen);
    const changed = showScreen(screen);
    const place = [screen, ...kiosk.path, kiosk.page].join();
    if (place === screen_name && !changed) {
        return;
    }
    screen_name = place;
    // What was drawn while it was hidden had no size yet.
    drawAll(kiosk, actions);
    guard(screen);
    if (screen === "staff") {
        return;
    }
    const first = { ticket: "back", message: "message_back" }[screen];
    byId(first ?? `${screen}_title`).focus({ preventScroll: true });
    const says = {
        ticket: () =>
            `${say("your_number", kiosk.language)} ${kiosk.ticket.display}. ${say("until_called", kiosk.language)}`,
        message: () => (languageOf(kiosk).html === "ja" ? kiosk.message.ja : kiosk.message.en),
        confirm: () =>
            `${say("confirm_title", kiosk.language)} ${byId("confirm_name").textContent}`,
    };
    setText(byId("said"), (says[screen] ?? (() => byId(`${screen}_title`).textContent))());
}

/** A screen that replaces another under the visitor's finger does not listen at first. */
function guard(screen) {
    listens = screen === "choose" && !was_used;
    document.body.dataset.listens = String(listens);
    const mine = ++guard_count;
    if (!listens) {
        setTimeout(() => {
            if (mine === guard_count) {
                listens = true;
                document.body.dataset.listens = "true";
            }
        }, GUARD_MS);
    }
}

/** What fingers and keys do; each is safe at any moment. */
const actions = {
    speak(language) {
        kiosk.language = language;
        draw();
        if (kiosk.guided) {
            guide.begin();
        }
    },
    choose(key) {
        const item = itemsAt(kiosk.site, kiosk.path)?.find((each) => each.key === key);
        if (!item || !listens || kiosk.pending || refusalOfItem(kiosk, item)) {
            return;
        }
        was_used = true;
        if (item.category === 0) {
            kiosk.path = [...kiosk.path, item.key];
            kiosk.page = 0;
        } else {
            kiosk.visit = { category: item.category, key: newKey(), priority: 0 };
        }
        draw();
    },
    turn(by) {
        if (listens) {
            was_used = true;
            kiosk.page = Math.max(0, Math.min(pagesOf(kiosk) - 1, kiosk.page + by));
            draw();
        }
    },
    up() {
        if (listens && !kiosk.pending) {
            kiosk.page = 0;
            kiosk.path = kiosk.path.slice(0, -1);
            draw();
        }
    },
    prioritise(level) {
        if (kiosk.visit && !kiosk.pending) {
            kiosk.visit.priority = level;
            draw();
        }
    },
    /** Back from the purpose to the list it is in. */
    change() {
        if (listens && !kiosk.pending) {
            kiosk.visit = null;
            draw();
        }
    },
    take(delivery) {
        const { visit } = kiosk;
        if (!visit || kiosk.pending || !listens || refusalOf(kiosk, visit.category)) {
            return;
        }
        const members = { category: visit.category, language: kiosk.language };
        if (delivery === "paper" && paperNow(kiosk)) {
            members.delivery = "paper";
        }
        if (visit.priority > 0) {
            members.priority = visit.priority;
        }
        send({ key: visit.key, category: visit.category, members });
    },
};

/** Kept by the browser until it is answered: a page that is loaded anew goes on where it was. */
function keepPending(pending) {
    try {
        if (pending) {
            const { key, category, members } = pending;
            const kept = { key, category, members, at_ms: Date.now(), language: kiosk.language };
            sessionStorage.setItem(PENDING_NAME, JSON.stringify(kept));
        } else {
            sessionStorage.removeItem(PENDING_NAME);
        }
    } catch {
        // A browser without storage: only a reload in that very moment is worse off.
    }
}

function takeUpPending() {
    try {
        const kept = JSON.parse(sessionStorage.getItem(PENDING_NAME) ?? "null");
        keepPending(null);
        if (kept && Math.abs(Date.now() - kept.at_ms) < PENDING_MS_MAX) {
            kiosk.language = kept.language;
            send({ key: kept.key, category: kept.category, members: kept.members });
        }
    } catch {
        // What is kept there is not ours.
    }
}

async function send({ key, category, members }) {
    const mine = { key, category, members, since_ms: performance.now(), given_up: false };
    kiosk.pending = mine;
    was_used = true;
    keepPending(mine);
    draw();
    const answer = await post("/api/v1/tickets", members, { key });
    if (kiosk.pending === mine) {
        keepPending(null);
    }
    if (mine.given_up) {
        cancelUnwanted(answer);
        return;
    }
    kiosk.pending = null;
    kiosk.visit = null;
    touched();
    if (answer.status === 201 || answer.status === 200) {
        kiosk.ticket = answer.body;
        showFor(SHOW_TICKET_S);
        followPaper(kiosk.ticket);
    } else {
        kiosk.message = problemText(answer);
        showFor(SHOW_MESSAGE_S);
    }
    draw();
}

const showFor = (show_s) => {
    leave_at_ms = performance.now() + show_s * 1000;
};

/** Until the printer has said what became of the paper; the number stands there meanwhile. */
async function followPaper(mine) {
    while (kiosk.ticket === mine && mine.delivery === "paper" && mine.state === "ISSUING") {
        await pause(PAPER_INTERVAL_MS);
        const answer = await get(`/api/v1/tickets/${encodeURIComponent(mine.id)}`, {
            go_on: () => kiosk.ticket === mine,
        });
        if (kiosk.ticket !== mine || answer?.status !== 200) {
            return;
        }
        mine.state = answer.body.state;
        mine.undelivered = answer.body.undelivered;
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
    if (kiosk.pending && listens) {
        kiosk.pending.given_up = true;
        keepPending(null);
        kiosk.pending = null;
        kiosk.visit = null;
        draw();
    }
}

/** The next visitor finds the first page, in Japanese, silent. */
function reset() {
    endGuide(false);
    byId("paper_out").open = false;
    Object.assign(kiosk, {
        ticket: null,
        message: null,
        visit: null,
        path: [],
        page: 0,
        language: "ja",
        still_until_ms: null,
    });
    draw();
}

const leave = () => listens && reset();

function touched() {
    touched_at_ms = performance.now();
}

function goOn() {
    kiosk.still_until_ms = null;
    touched();
    draw();
    focusAgain();
}

/** The dialogue is gone: the keyboard is where it was before. */
function focusAgain() {
    const screen = screenNow();
    const first = { ticket: "back", confirm: "take", message: "message_back" }[screen];
    byId(first ?? `${screen}_title`).focus({ preventScroll: true });
}

const isUsed = () =>
    kiosk.language !== "ja" ||
    kiosk.path.length > 0 ||
    kiosk.page > 0 ||
    kiosk.guided ||
    kiosk.visit !== null ||
    kiosk.ticket !== null;

/** Ticket and message say themselves when they go; everything else asks first, and waits. */
function leavesByItself() {
    const { ticket, message } = kiosk;
    return message !== null || (ticket !== null && !isOnScreenOnly(ticket) && !kiosk.guided);
}

function watchIdle() {
    const now_ms = performance.now();
    const how = kiosk.guided ? "heard" : "seen";
    if (kiosk.pending || staff.isHere()) {
        return;
    }
    if (leavesByItself()) {
        if (now_ms > leave_at_ms) {
            reset();
        }
    } else if (kiosk.still_until_ms !== null) {
        if (now_ms > kiosk.still_until_ms) {
            reset();
        }
    } else if (isUsed() && now_ms - touched_at_ms > IDLE_MS[how]) {
        kiosk.still_ms = STILL_MS[how];
        kiosk.still_until_ms = now_ms + STILL_MS[how];
        draw();
        byId("still_go_on").focus({ preventScroll: true });
    }
}

function tick() {
    watchIdle();
    draw();
}

// ---- 音声案内

function beginGuide() {
    kiosk.guided = true;
    touched();
    draw();
    guide.begin();
}

function endGuide(aloud) {
    if (kiosk.guided) {
        kiosk.guided = false;
        guide.end(aloud);
    }
}

/** 0: one step back. False: there is none, this is the start. */
function stepBack() {
    if (kiosk.still_until_ms !== null) {
        goOn();
    } else if (kiosk.pending) {
        return false;
    } else if (kiosk.ticket || kiosk.message) {
        guide.press("*");
    } else if (kiosk.visit) {
        actions.change();
    } else if (kiosk.path.length > 0 || kiosk.page > 0) {
        actions.up();
    } else {
        return false;
    }
    return true;
}

const speech = createSpeech();
const guide = createGuide({
    kiosk,
    speech,
    screen: () => (kiosk.still_until_ms !== null ? "still" : screenNow()),
    actions: {
        begin: beginGuide,
        began: touched,
        back: stepBack,
        end: () => {
            endGuide(true);
            draw();
        },
        screenName,
    },
});

// ---- 係員

const staff = createStaff({ kiosk, draw: () => draw(), began: () => reset() });
const arrival = createArrival(kiosk);

function onKey(event) {
    touched();
    if (event.repeat && !staff.isHere()) {
        event.preventDefault(); // a key that is held presses once
        return;
    }
    if (staff.isHere() || arrival.isOpen() || event.ctrlKey || event.altKey || event.metaKey) {
        return;
    }
    if (guide.press(event.key)) {
        event.preventDefault();
    } else if (event.key === "Escape" && kiosk.still_until_ms !== null) {
        goOn();
    }
}

// ---- the office

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

/** A site that changed under a visitor's finger: who is beyond it finds the start. */
function takeSite(site) {
    kiosk.site = site;
    if (!itemsAt(site, kiosk.path)) {
        kiosk.path = [];
        kiosk.page = 0;
    }
    kiosk.page = Math.min(kiosk.page, pagesOf(kiosk) - 1);
    if (
        kiosk.visit &&
        !leavesOf(site.items).some((each) => each.category === kiosk.visit.category)
    ) {
        kiosk.visit = null;
    }
    draw();
}

const pressed = (id, does) => byId(id).addEventListener("click", does);
pressed("give_up", giveUp);
pressed("back", leave);
pressed("message_back", leave);
pressed("longer", () => {
    showFor(SHOW_LONGER_S);
    draw();
});
pressed("take", () => actions.take("paper"));
pressed("take_screen", () => actions.take("screen"));
pressed("change", actions.change);
pressed("up", actions.up);
pressed("page_previous", () => actions.turn(-1));
pressed("page_next", () => actions.turn(1));
pressed("still_go_on", goOn);
pressed("still_end", reset);
pressed("guide", () => {
    if (kiosk.guided) {
        endGuide(true);
        draw();
    } else {
        beginGuide();
    }
});
document.addEventListener("pointerdown", touched);
document.addEventListener("keydown", onKey);
document.addEventListener("contextmenu", (event) => event.preventDefault());
addEventListener("resize", () => draw());

const settings = connectSite({
    on_site(site) {
        site_is_told = true;
        takeSite(site);
    },
    on_none() {
        site_is_missing = true;
        if (kiosk.queue) {
            takeSite(siteFromQueue(kiosk.queue));
        }
    },
});
connectLive({
    clock: kiosk.clock,
    on_queue(snapshot) {
        kiosk.queue = snapshot;
        if (!site_is_told && site_is_missing) {
            kiosk.site = siteFromQueue(snapshot);
        } else if (snapshot.site_version !== site_version) {
            settings.look();
        }
        site_version = snapshot.site_version;
        draw();
    },
    on_health(health) {
        if (fresh && !health.fresh) {
            kiosk.offline_since_ms = performance.now();
        }
        if (!fresh && health.fresh) {
            settings.look();
        }
        fresh = health.fresh;
        askWhetherAsleep();
        draw();
    },
});
setInterval(tick, 250);
setInterval(askWhetherAsleep, ASLEEP_INTERVAL_MS);
staff.prepare();
takeUpPending();
draw();
