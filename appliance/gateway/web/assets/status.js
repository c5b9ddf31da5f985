// status.js - the public page: how busy is the office? Nothing here names a visitor.

import { byId, el, keepRows, setAttribute, setText } from "./dom.js";
import { connectLive } from "./live.js";
import { aboutText, estimateText } from "./texts.js";
import { createOfficeClock, formatClock, formatShortClock } from "./time.js";

const CALLS_COUNT = 5;
const SHOWN_STATES = ["CALLED", "SERVING", "DONE"];

const clock = createOfficeClock();
let queue = null;
let health = { fresh: false, since_ms: null };

function draw() {
    const since = health.since_ms === null ? "" : formatClock(health.since_ms);
    const stale = byId("stale");
    stale.hidden = health.fresh || !queue;
    setText(stale.children[0], `情報が古い可能性があります${since && `（${since} から）`}`);
    setText(stale.children[1], `Information may be out of date${since && ` since ${since}`}`);
    if (!queue) {
        return;
    }
    setText(byId("site_ja"), queue.site_ja);
    setText(byId("site_en"), queue.site_en);
    const open = queue.service_day?.state === "OPEN" && queue.service_day.accepting !== false;
    setText(byId("day_ja"), open ? "● 受付しています" : "○ ただいまの時間は受付していません");
    setText(byId("day_en"), open ? "Open" : "Closed at the moment");
    setText(
        byId("as_of"),
        `${formatShortClock(health.fresh ? clock.now_ms() : (health.since_ms ?? clock.now_ms()))} 現在 as of`,
    );
    drawCategories();
    drawCounters();
    drawCalls();
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
                el(
                    "h3",
                    {},
                    el("span", { lang: "ja" }),
                    el("span", { class: "beside", lang: "en" }),
                ),
                el(
                    "p",
                    {},
                    el("strong", { class: "digits" }),
                    el("span", {}, "人待ち "),
                    el("span", { class: "beside", lang: "en" }, "waiting"),
                ),
                el("p"),
            ),
        (row, each) => {
            const [heading, people, time] = row.children;
            setText(heading.children[0], each.name_ja);
            setText(heading.children[1], each.name_en);
            setText(people.firstElementChild, String(each.waiting));
            setText(
                time,
                each.suspended
                    ? "受付停止中 Suspended"
                    : `${aboutText(each.estimated_wait_s, "ja")} · ${estimateText(each.estimated_wait_s, "en")}`,
            );
            setAttribute(row, "data-suspended", Boolean(each.suspended));
        },
    );
}

function drawCounters() {
    keepRows(
        byId("counters"),
        queue.counters,
        (each) => each.id,
        () => el("li", {}, el("span", { lang: "ja" }), el("strong", { class: "digits" }), el("em")),
        (row, each) => {
            const [name, number, state] = row.children;
            setText(name, each.name_ja);
            setText(number, each.ticket?.display ?? "—");
            setText(state, each.open ? "● 受付中 Open" : "○ 閉鎖中 Closed");
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
            setText(where, `→ ${call.counter}番窓口 Counter ${call.counter}`);
            const at_ms = Date.parse(call.called_at);
            setText(at, Number.isNaN(at_ms) ? "" : formatShortClock(at_ms));
        },
    );
}

connectLive({
    anonymous: true, // what a visitor's phone sees, also on a clerk's screen
    clock,
    on_queue(snapshot) {
        queue = snapshot;
        draw();
    },
    on_health(told) {
        health = told;
        draw();
    },
});
setInterval(draw, 1000);
draw();
