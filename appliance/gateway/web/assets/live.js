// live.js - the office as it is now, and since when that is no longer known.
//
// Server-sent events read through fetch, not EventSource: the gateway's heartbeat is a comment, which
// EventSource hides, and silence is the only sign of a unit that lost its power. Each `queue` event is a
// whole snapshot, so nothing is lost by reconnecting; a picture is fresh only when a snapshot came on
// this very connection, bytes keep coming, and the unit says that it serves.

import { get } from "./api.js";

const SILENT_MS_STALE = 5000; // heartbeats come every 2 s
const SILENT_MS_RECONNECT = 3000; // one heartbeat missed: another connection costs little
const NOT_SERVING_MS_STALE = 1000; // a takeover is shorter: not worth a warning
const JUDGE_INTERVAL_MS = 250;
const RECONNECT_DELAYS_MS = [0, 150, 300, 600];
const RECONNECT_DELAY_MS_MAX = 1000;
/** Events come when the queue changes; the clock, estimates and closing time move on without one. */
const REFRESH_MS = 30000;
const LINE_BYTES_MAX = 4 * 1024 * 1024;

const pause = (delay_ms) => new Promise((resolve) => setTimeout(resolve, delay_ms));

/** Feeds text, calls each(event, data) for every whole event. */
export function createEventParser(each) {
    let rest = "";
    let event = "message";
    let data = [];
    const line = (text) => {
        if (text === "") {
            if (data.length > 0) {
                each(event, data.join("\n"));
            }
            event = "message";
            data = [];
            return;
        }
        const colon = text.indexOf(":");
        const field = colon < 0 ? text : text.slice(0, colon);
        const value = colon < 0 ? "" : text.slice(colon + 1).replace(/^ /, "");
        if (field === "event") {
            event = value;
        } else if (field === "data") {
            data.push(value);
        }
    };
    return (text) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop();
        if (rest.length > LINE_BYTES_MAX) {
            throw new Error("an event without end");
        }
        lines.forEach((each_line) => line(each_line.replace(/\r$/, "")));
    };
}

/**
 * Connects, for ever. on_queue(snapshot) for every snapshot; on_health({fresh, since_ms, reason}) when
 * freshness changes: since_ms is the office's time at which the picture was last known to be right, null
 * when it never was.
 */
export function connectLive({ clock, on_queue, on_health, events = "/api/v1/events" }) {
    // All in performance.now(), null: not yet.
    let last_byte_ms = null;
    let good_until_ms = null;
    let not_serving_since_ms = null;
    let reason = "";
    let told = null;
    let connection = null; // {abort, at_ms, has_snapshot, has_state, is_refreshing, lsn}

    function judge() {
        const now_ms = performance.now();
        const not_serving = not_serving_since_ms !== null;
        if (connection?.has_snapshot && !not_serving) {
            good_until_ms = last_byte_ms;
        }
        // A short break is no news: what is on the screen was right a moment ago.
        const fresh =
            good_until_ms !== null &&
            now_ms - good_until_ms < SILENT_MS_STALE &&
            !(not_serving && now_ms - not_serving_since_ms > NOT_SERVING_MS_STALE);
        const says = fresh ? "" : not_serving ? reason : "SILENT";
        if (told === null || told.fresh !== fresh || told.reason !== says) {
            const since_ms =
                good_until_ms === null ? null : clock.now_ms() - (now_ms - good_until_ms);
            told = { fresh, since_ms, reason: says };
            on_health(told);
        }
        if (
            connection &&
            now_ms - Math.max(last_byte_ms ?? 0, connection.at_ms) > SILENT_MS_RECONNECT
        ) {
            connection.abort.abort();
        }
    }

    function receive(event, data) {
        const value = JSON.parse(data);
        if (event === "queue") {
            const is_first = !connection.has_snapshot;
            connection.has_snapshot = true;
            if (!connection.has_state) {
                not_serving_since_ms = null;
            }
            take(value);
            if (is_first) {
                refresh();
            }
        } else if (event === "state") {
            connection.has_state = true;
            not_serving_since_ms = value.serving
                ? null
                : (not_serving_since_ms ?? performance.now());
            reason = value.reason ?? "";
        }
        judge();
    }

    function take(snapshot) {
        connection.lsn = snapshot.lsn;
        clock.sample(snapshot.as_of);
        on_queue(snapshot);
    }

    /** A look beside the events; never older than what they brought on this connection. */
    async function refresh() {
        const mine = connection;
        if (!mine?.has_snapshot || mine.is_refreshing) {
            return;
        }
        mine.is_refreshing = true;
        const answer = await get("/api/v1/queue", { go_on: () => connection === mine });
        mine.is_refreshing = false;
        if (answer?.status === 200 && connection === mine && answer.body.lsn >= mine.lsn) {
            take(answer.body);
        }
    }

    async function readOnce() {
        const abort = new AbortController();
        connection = {
            abort,
            at_ms: performance.now(),
            has_snapshot: false,
            has_state: false,
            is_refreshing: false,
            lsn: 0,
        };
        const response = await fetch(events, {
            headers: { Accept: "text/event-stream" },
            cache: "no-store",
            signal: abort.signal,
        });
        if (!response.ok || !response.body) {
            throw new Error(`events: ${response.status}`);
        }
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        const parse = createEventParser(receive);
        for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
            last_byte_ms = performance.now();
            parse(chunk.value);
        }
    }

    async function readForever() {
        for (let fails = 0; ; fails++) {
            try {
                await readOnce();
            } catch {
                // The other unit, or this one again, answers the next attempt.
            }
            if (connection.has_snapshot) {
                fails = 0;
            }
            connection.abort.abort();
            connection = null;
            await pause(RECONNECT_DELAYS_MS[fails] ?? RECONNECT_DELAY_MS_MAX);
        }
    }

    setInterval(judge, JUDGE_INTERVAL_MS);
    setInterval(refresh, REFRESH_MS);
    judge();
    readForever();
}
