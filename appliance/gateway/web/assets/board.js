// board.js - the lobby board: who is called, where to.
//
// Snapshots are levels and come again after every reconnect and takeover; a call is announced (chime and
// voice, or pictures in a silent branch; words for a reader) once, by calls.js, one at a time.
// What was last known stays on the screen when the office falls silent, under a mark that says since when.
//   /board?board=NAME   two boards in one browser that remember apart
//   /board?sound=off    a silent board, whatever the site says (on: one that speaks)

import { get } from "./api.js";
import { createAnnouncer } from "./announcer.js";
import { createCallBook, isShown } from "./calls.js";
import { byId, el, keepRows, setAttribute, setText } from "./dom.js";
import { connectLive } from "./live.js";
import { announcementText } from "./readings.js";
import { aboutText } from "./texts.js";
import { createOfficeClock, formatClock, formatDateJa, formatShortClock } from "./time.js";

const LAST_COUNT = 5;
const SITE_MS = 60000;
const RUNNING_PX_PER_S = 70;
const RUNNING_REST_MS = 4000;

const asked = new URLSearchParams(location.search);
const STORE = `toban-board-announced${asked.get("board") ? `-${asked.get("board")}` : ""}`;
const clock = createOfficeClock();
const book = createCallBook(readStore());
let queue = null;
let site = null;
let is_asking_site = false;
let health = { fresh: false, since_ms: null };
let speaking = null; // the call that is being announced
let told_sound = null;
let live = null;

const isSilent = () =>
    asked.has("sound") ? asked.get("sound") === "off" : site?.silent_branch === true;
const announcer = createAnnouncer({ is_silent: isSilent(), on_change: draw });

function readStore() {
    try {
        return JSON.parse(localStorage.getItem(STORE) ?? "null");
    } catch {
        return null;
    }
}

function writeStore() {
    try {
        localStorage.setItem(STORE, JSON.stringify(book.toStore()));
    } catch {
        // A full or forbidden store: this board still remembers until it is loaded anew.
    }
}

async function announceNext() {
    if (speaking) {
        return;
    }
    speaking = book.next(clock.now_ms());
    if (!speaking) {
        return;
    }
    writeStore();
    const { ja, en } = announcementText(speaking);
    setText(byId("said_ja"), ja);
    setText(byId("said_en"), en);
    // Once per call and board; tests listen.
    document.dispatchEvent(new CustomEvent("toban-call", { detail: speaking }));
    draw();
    try {
        await announcer.say(speaking);
    } finally {
        speaking = null;
        draw();
    }
    announceNext();
}

/** One row per ticket: of several calls of one number the newest counts. */
function shownCalls() {
    const seen = new Set();
    return queue.calls.filter((call) => {
        const is_shown = isShown(call) && !seen.has(call.display);
        seen.add(call.display);
        return is_shown;
    });
}

/** 106B: the letter in a box of its own, so that it differs from 106 by shape. */
function drawNumber(node, call) {
    const letter = call.series ?? "";
    const number = letter ? call.display.slice(0, -letter.length) : call.display;
    if (node.textContent !== call.display || node.childElementCount !== (letter ? 1 : 0)) {
        node.replaceChildren(number, ...(letter ? [el("span", { class: "letter" }, letter)] : []));
    }
    setAttribute(node, "data-length", call.display.length);
}

function draw() {
    drawTop();
    drawSound();
    if (queue) {
        // Of a day that is over nobody is called: the board says that the office is closed.
        const calls = queue.service_day?.state === "OPEN" ? shownCalls() : [];
        drawNewest(calls[0] ?? null);
        drawLast(calls.slice(1, 1 + LAST_COUNT));
        drawQueues();
        drawRunning();
    }
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

/** What the board can do is on its screen; the unit hears of it with the live events, and counts. */
function drawSound() {
    announcer.setSilent(isSilent());
    const sound = announcer.sound();
    setAttribute(document.body, "data-sound", sound);
    setAttribute(document.body, "data-voice", announcer.voice());
    byId("blocked").hidden = sound !== "blocked";
    byId("silent").hidden = sound !== "off";
    const is_picture = speaking !== null && ["off", "blocked"].includes(sound);
    byId("picture").hidden = !is_picture;
    if (is_picture) {
        drawNumber(byId("picture_number"), speaking);
        setText(byId("picture_counter"), String(speaking.counter));
    }
    if (live && told_sound !== sound) {
        told_sound = sound;
        live.again();
    }
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
    drawNumber(byId("newest_number"), call);
    setText(byId("newest_counter"), String(call.counter));
    setAttribute(byId("newest_counter"), "data-length", String(call.counter).length);
    const [name_ja, name_en] = byId("newest_category").children;
    setText(name_ja, category?.name_ja ?? "");
    setText(name_en, category?.name_en ?? "");
    drawCall(byId("newest"), call);
}

function drawCall(node, call) {
    setAttribute(node, "data-flash", book.isFlashing(call, clock.now_ms()));
    setAttribute(node, "data-speaking", speaking?.call_id === call.call_id);
    setAttribute(node, "data-call", call.call_id);
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
            drawNumber(number, call);
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
            drawCall(row, call);
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

/** What a manager wants to be read today, else the site's own text. */
function drawRunning() {
    const running = queue.notice ?? site?.running_text;
    const [ja, en] = byId("running_line").children;
    const is_new = ja.textContent !== (running?.ja ?? "") || en.textContent !== (running?.en ?? "");
    if (is_new) {
        setText(ja, running?.ja ?? "");
        setText(en, running?.en ?? "");
        byId("running").hidden = !running?.ja && !running?.en;
        run();
    }
}

/** It moves only when it does not fit, and rests at both ends; who is disturbed by motion gets it on lines. */
function run() {
    const line = byId("running_line");
    line.getAnimations().forEach((each) => each.cancel());
    const beyond_px = line.scrollWidth - line.parentElement.clientWidth;
    if (beyond_px <= 0 || matchMedia("(prefers-reduced-motion: reduce)").matches) {
        return;
    }
    const move_ms = (beyond_px / RUNNING_PX_PER_S) * 1000;
    const total_ms = move_ms + 2 * RUNNING_REST_MS;
    const end = { transform: `translateX(-${beyond_px}px)` };
    line.animate(
        [
            { transform: "none", offset: 0 },
            { transform: "none", offset: RUNNING_REST_MS / total_ms },
            { ...end, offset: (RUNNING_REST_MS + move_ms) / total_ms },
            { ...end, offset: 1 },
        ],
        { duration: total_ms, iterations: Infinity },
    );
}

/** One question at a time: each goes on until it is answered. */
async function readSite() {
    if (is_asking_site) {
        return;
    }
    is_asking_site = true;
    const answer = await get("/api/v1/site");
    is_asking_site = false;
    if (answer?.status === 200) {
        site = answer.body;
        draw();
    }
}

live = connectLive({
    clock,
    query() {
        told_sound = announcer.sound();
        return `?sound=${told_sound}`;
    },
    on_site: readSite,
    on_queue(snapshot) {
        queue = snapshot;
        book.take(queue, clock.now_ms());
        draw();
        announceNext();
    },
    on_health(told) {
        health = told;
        draw();
    },
});
readSite();
setInterval(readSite, SITE_MS);
setInterval(draw, 250);
addEventListener("resize", run);
draw();
