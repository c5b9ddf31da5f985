// board.js - the lobby board: who is called, where to.
//
// Snapshots are levels and come again after every reconnect and takeover; a call is announced (chime,
// flashing, words for a reader) once, by its call_id, which this board remembers through reloads.
// What was last known stays on the screen when the office falls silent, under a mark that says since when.

import { byId, el, keepRows, setAttribute, setText } from "./dom.js";
import { chime, isMute } from "./chime.js";
import { connectLive } from "./live.js";
import { aboutText } from "./texts.js";
import { createOfficeClock, formatClock, formatDateJa, formatShortClock } from "./time.js";

const FLASH_MS = 60000;
const LAST_COUNT = 5;
const ANNOUNCED_MAX = 500;
const ANNOUNCED_STORE = "toban-board-announced";
const ANNOUNCE_GAP_MS = 3500; // one call at a time can be heard
const SHOWN_STATES = ["CALLED", "SERVING", "DONE", "ABSENT", "NO_SHOW"];

const clock = createOfficeClock();
const announced = new Map(readAnnounced()); // call_id -> clock.now_ms() at which it was announced
const to_announce = [];
let queue = null;
let health = { fresh: false, since_ms: null };
let knew_nothing = announced.size === 0;
let quiet_until_ms = 0;

function readAnnounced() {
    try {
        const stored = JSON.parse(sessionStorage.getItem(ANNOUNCED_STORE) ?? "[]");
        return Array.isArray(stored) ? stored : [];
    } catch {
        return [];
    }
}

function storeAnnounced() {
    const kept = [...announced].slice(-ANNOUNCED_MAX);
    try {
        sessionStorage.setItem(ANNOUNCED_STORE, JSON.stringify(kept));
    } catch {
        // A full or forbidden store: this board still remembers until it is reloaded.
    }
}

/** Calls that this board has not shown yet, oldest first. What is over is not shouted after a long silence,
 * nor anything old by a board that has just been switched on; a visitor called within the last minute may
 * still be looking for the number. */
function takeNewCalls() {
    for (const call of [...queue.calls].reverse()) {
        if (announced.has(call.call_id) || !SHOWN_STATES.includes(call.state)) {
            continue;
        }
        const age_ms = clock.now_ms() - Date.parse(call.called_at);
        const is_past = (knew_nothing || call.state !== "CALLED") && age_ms > FLASH_MS;
        announced.set(call.call_id, is_past ? 0 : clock.now_ms());
        if (!is_past) {
            to_announce.push(call);
        }
    }
    knew_nothing = false;
    storeAnnounced();
    announceNext();
}

function announceNext() {
    if (to_announce.length === 0 || performance.now() < quiet_until_ms) {
        return;
    }
    const call = to_announce.shift();
    quiet_until_ms = performance.now() + ANNOUNCE_GAP_MS;
    const counter = counterOf(call);
    setText(
        byId("said"),
        `${call.display} 番の方、${counter.name_ja}へお越しください。 Number ${call.display}, please go to ${counter.name_en}.`,
    );
    // What a test, or a voice to come, listens to: once per call and board.
    document.dispatchEvent(new CustomEvent("toban-call", { detail: call }));
    chime();
}

const counterOf = (call) =>
    queue.counters.find((each) => each.id === call.counter) ?? {
        id: call.counter,
        name_ja: `${call.counter}番窓口`,
        name_en: `counter ${call.counter}`,
    };
const isFlashing = (call) =>
    call.state === "CALLED" && clock.now_ms() - (announced.get(call.call_id) ?? 0) < FLASH_MS;

/** One row per ticket: of several calls of one number the newest counts. */
function shownCalls() {
    const seen = new Set();
    return queue.calls.filter((call) => {
        const is_shown = SHOWN_STATES.includes(call.state) && !seen.has(call.display);
        seen.add(call.display);
        return is_shown;
    });
}

function draw() {
    drawTop();
    if (queue) {
        const calls = shownCalls();
        drawNewest(calls[0] ?? null);
        drawLast(calls.slice(1, 1 + LAST_COUNT));
        drawQueues();
    }
    byId("mute").hidden = !isMute();
    announceNext();
}

function drawTop() {
    const now_ms = clock.now_ms();
    setText(byId("clock"), formatShortClock(now_ms));
    setText(byId("date"), formatDateJa(now_ms));
    if (queue) {
        setText(byId("site_ja"), queue.site_ja);
        setText(byId("site_en"), queue.site_en);
    }
    const stale = byId("stale");
    stale.hidden = health.fresh || !queue;
    const since = health.since_ms === null ? "" : formatClock(health.since_ms);
    setText(stale.children[0], `情報が古い可能性があります${since && `（${since} から）`}`);
    setText(stale.children[1], `Information may be out of date${since && ` since ${since}`}`);
}

function drawNewest(call) {
    byId("newest").hidden = call === null;
    byId("newest_none").hidden = call !== null;
    if (call === null) {
        const open = queue.service_day?.state === "OPEN";
        setText(
            byId("none_ja"),
            open ? "番号をお取りになってお待ちください" : "ただいまの時間は受付していません",
        );
        setText(
            byId("none_en"),
            open ? "Please take a number and wait" : "We are closed at the moment",
        );
        return;
    }
    const category = queue.categories.find((each) => each.id === call.category);
    setText(byId("newest_number"), call.display);
    setAttribute(byId("newest_number"), "data-length", call.display.length);
    setText(byId("newest_counter"), String(call.counter));
    const [name_ja, name_en] = byId("newest_category").children;
    setText(name_ja, category?.name_ja ?? "");
    setText(name_en, category?.name_en ?? "");
    setAttribute(byId("newest"), "data-flash", isFlashing(call));
    setAttribute(byId("newest"), "data-call", call.call_id);
}

function drawLast(calls) {
    keepRows(
        byId("last"),
        calls,
        (call) => call.call_id,
        () =>
            el(
                "li",
                {},
                el("strong", { class: "digits" }),
                el("em"),
                el("span", { class: "arrow", "aria-hidden": "true" }),
                el(
                    "span",
                    { class: "last-counter" },
                    el("b", { class: "digits" }),
                    el("span", {}, "番窓口"),
                    el("span", { class: "beside", lang: "en" }, "Counter"),
                ),
            ),
        (row, call) => {
            const [number, mark, , counter] = row.children;
            setText(number, call.display);
            setText(counter.firstElementChild, String(call.counter));
            setText(
                mark,
                {
                    CALLED: "呼出中 Called",
                    SERVING: "対応中 Served",
                    ABSENT: "不在 Absent",
                    NO_SHOW: "不在 Absent",
                }[call.state] ?? "済 Done",
            );
            setAttribute(row, "data-flash", isFlashing(call));
            setAttribute(row, "data-state", call.state);
        },
    );
}

function drawQueues() {
    setAttribute(byId("categories"), "data-count", queue.categories.length > 8 ? "many" : null);
    keepRows(
        byId("categories"),
        queue.categories,
        (each) => each.id,
        () =>
            el(
                "li",
                {},
                el("span", { class: "cell-name" }),
                el("span", { class: "cell-en beside", lang: "en" }),
                el("strong", {}, el("span", { class: "digits" }), el("span", { class: "unit" })),
                el("em"),
            ),
        (row, each) => {
            const [name, name_en, count, time] = row.children;
            setText(name, each.name_ja);
            setText(name_en, each.name_en);
            setText(count.children[0], String(each.waiting));
            setText(count.children[1], "人");
            setText(time, each.suspended ? "受付停止中" : aboutText(each.estimated_wait_s, "ja"));
            setAttribute(row, "data-suspended", Boolean(each.suspended));
        },
    );
}

connectLive({
    clock,
    on_queue(snapshot) {
        queue = snapshot;
        takeNewCalls();
        draw();
    },
    on_health(told) {
        health = told;
        draw();
    },
});
setInterval(draw, 250);
draw();
