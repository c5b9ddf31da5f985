// office_double.mjs - NOT the office: a double of toban-web for looking at the pages alone.
//
// It knows just enough of a queue to bring the pages into states that a real office shows rarely (closed,
// lettered numbers, suspended, not serving, an answer that takes long). It proves nothing about the
// office; office.test.mjs runs the same pages against the real one.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { previewOf } from "./preview_double.mjs";

const WEB_DIR = new URL("../../../appliance/gateway/web/", import.meta.url).pathname;
const HEARTBEAT_MS = 2000;
const TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
};
const VOICE_BASE = "/voice/double/";
const CATEGORIES = [
    [1, "都市計画の相談", "City planning advice", 101],
    [2, "用途地域・都市計画図", "Zoning maps", 201],
    [3, "証明書の発行", "Certificates", 301],
    [4, "地区計画・開発の届出", "District plan filings", 401],
    [5, "景観・屋外広告物", "Landscape and signs", 501],
    [6, "その他のご相談", "Other matters", 601],
];

/** A voice pack of short noises, no two alike, so that a call is over in three seconds. */
const CLIP_RATE_HZ = 48000;
const CLIP_MS = 60;
function clipBytes(id) {
    const count = (CLIP_RATE_HZ * CLIP_MS) / 1000;
    const wav = Buffer.alloc(44 + count * 2);
    wav.write("RIFF", 0, "latin1");
    wav.writeUInt32LE(36 + count * 2, 4);
    wav.write("WAVEfmt ", 8, "latin1");
    [16, 1 | (1 << 16), CLIP_RATE_HZ, CLIP_RATE_HZ * 2, 2 | (16 << 16)].forEach((value, index) =>
        wav.writeUInt32LE(value, 16 + index * 4),
    );
    wav.write("data", 36, "latin1");
    wav.writeUInt32LE(count * 2, 40);
    let bytes = createHash("sha512").update(id).digest();
    for (let at = 44; at < wav.length; at += bytes.length) {
        bytes.copy(wav, at);
        bytes = createHash("sha512").update(bytes).digest();
    }
    return wav;
}
/** [id, text] of each clip of the built-in pack. */
export const BUILT_IN_CLIPS = JSON.parse(
    readFileSync(join(WEB_DIR, "voice/manifest.json"), "utf8"),
).clips.map(({ id, text }) => [id, text]);

const isoTokyo = (at_ms) => new Date(at_ms + 9 * 3600 * 1000).toISOString().replace("Z", "+09:00");

export async function startOfficeDouble({ port = 0 } = {}) {
    const office = new OfficeDouble();
    const server = createServer((request, response) => office.answer(request, response));
    await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
    office.port = server.address().port;
    office.stop = () => {
        clearInterval(office.heart);
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
    };
    return office;
}

class OfficeDouble {
    constructor() {
        this.lsn = 1;
        this.series = "";
        this.day = {
            date: "2026-11-24",
            state: "OPEN",
            level: "OPEN",
            accepting: true,
            next_opening: "2026-11-25T08:30:00.000+09:00",
        };
        this.serving = true;
        this.reason = "";
        this.answer_delay_ms = 0;
        this.visitor_url = "http://10.90.0.10/status?ticket=";
        this.printing = { paper: false, code: "NO_DRIVER", near_end: false };
        this.refuse = null; // {status, body}: every POST is answered so
        this.site = null; // body of GET /api/v1/site; null: an office that has none
        this.clerks = {}; // name -> {pin, role, title}
        this.clerk = null; // who is signed in
        this.now = null; // as_of of the snapshots; null: the machine's clock
        this.printers = [];
        this.voice = BUILT_IN_CLIPS; // [id, text] of each clip of the pack; null: no pack
        this.categories = CATEGORIES.map(([id, name_ja, name_en, next]) => ({
            id,
            name_ja,
            name_en,
            next,
            suspended: false,
        }));
        this.counters = [1, 2, 3, 4].map((id) => ({
            id,
            name_ja: `${id}番窓口`,
            name_en: `Counter ${id}`,
            open: id < 4,
            ticket: null,
            undo: null,
        }));
        this.tickets = [];
        this.issue_as = {}; // members of the next tickets
        this.calls = [];
        this.answers = new Map(); // key -> answer
        this.posts = []; // what came in, also repeats
        this.streams = new Set();
        this.sounds = []; // what boards said with each stream
        this.site = null; // what /api/v1/site answers
        this.heart = setInterval(() => this.serving && this.send(": heartbeat\n\n"), HEARTBEAT_MS);
        this.heart.unref();
    }

    // ---- what tests do

    addTicket(category_id, more = {}) {
        const category = this.categories.find((each) => each.id === category_id);
        const number = category.next++;
        const waiting = this.waiting(category_id);
        const ticket = {
            id: `t${this.lsn}-${number}`,
            service_day: this.day.date,
            category: category_id,
            number,
            series: this.series,
            display: `${number}${this.series}`,
            state: "WAITING",
            issued_at: isoTokyo(Date.now()),
            waiting_ahead: waiting.length,
            estimated_wait_s: waiting.length * 300,
            term: 7,
            counter: null,
            call_count: 0,
            language: "ja",
            uncertain: false,
            undelivered: false,
            copy: false,
            ...more,
        };
        this.tickets.push(ticket);
        this.changed();
        return ticket;
    }

    call(counter_id, ticket) {
        const counter = this.counters.find((each) => each.id === counter_id);
        Object.assign(ticket, {
            state: "CALLED",
            counter: counter_id,
            call_count: ticket.call_count + 1,
        });
        counter.ticket = ticket;
        this.noteCall(ticket);
        this.changed();
        return ticket;
    }

    noteCall(ticket, called_ms = Date.now()) {
        const call_id = `1-1-0-${this.lsn}`;
        Object.assign(ticket, { call_id, called_at: isoTokyo(called_ms) });
        this.calls.unshift({ call_id, ticket, called_at: ticket.called_at });
        this.calls.length = Math.min(this.calls.length, 10);
    }

    changed() {
        this.lsn++;
        this.sendQueue();
    }

    setServing(serving, reason = "") {
        Object.assign(this, { serving, reason });
        this.sendState();
    }

    // ---- shapes

    waiting(category_id = null) {
        return this.tickets.filter(
            (each) =>
                each.state === "WAITING" && (category_id === null || each.category === category_id),
        );
    }

    queue() {
        return {
            site_ja: "世田谷区 都市計画課",
            site_en: "Setagaya City, City Planning Division",
            service_day: this.day,
            categories: this.categories.map(({ id, name_ja, name_en, suspended, refusal }) => ({
                id,
                name_ja,
                name_en,
                suspended,
                accepting: !suspended && !refusal,
                refusal: refusal ?? (suspended ? "CATEGORY_SUSPENDED" : null),
                remaining: null,
                waiting: this.waiting(id).length,
                estimated_wait_s: this.counters.some((each) => each.open)
                    ? this.waiting(id).length * 300
                    : null,
            })),
            counters: this.counters.map(({ id, name_ja, name_en, open, ticket }) => ({
                id,
                name_ja,
                name_en,
                open,
                ticket: ticket && {
                    display: ticket.display,
                    number: ticket.number,
                    series: ticket.series,
                    state: ticket.state,
                },
            })),
            calls: this.calls.map(({ call_id, ticket, called_at }) => ({
                call_id,
                display: ticket.display,
                number: ticket.number,
                series: ticket.series,
                category: ticket.category,
                counter: ticket.counter ?? ticket.last_counter,
                called_at,
                call_count: ticket.call_count,
                state: ticket.state,
            })),
            printing: this.printing,
            notice: this.notice ?? null,
            takeover: this.takeover ?? null,
            visitor_url: this.visitor_url,
            site_version: this.site?.version,
            as_of: this.now ?? isoTokyo(Date.now()),
            lsn: this.lsn,
            term: 7,
            mode: this.series ? "ALONE" : "PAIRED",
            unit: 1,
        };
    }

    counterView(counter) {
        const { id, name_ja, name_en, open, ticket, undo } = counter;
        const inState = (state) => this.tickets.filter((each) => each.state === state);
        return {
            id,
            name_ja,
            name_en,
            open,
            ticket,
            categories: this.categories.map((each) => each.id),
            waiting: this.waiting().slice(0, 50),
            held: inState("HELD"),
            absent: inState("ABSENT"),
            undo: undo ? { action: undo.action, until: isoTokyo(undo.at_ms + 30000) } : null,
            next: this.next ?? this.waiting()[0] ?? null,
            as_of: isoTokyo(Date.now()),
        };
    }

    // ---- HTTP

    answer(request, response) {
        const path = request.url.split("?")[0];
        if (path.startsWith("/voice/")) {
            this.sendVoice(path, response);
        } else if (!path.startsWith("/api/")) {
            this.sendFile(path, response);
        } else if (path === "/api/v1/events") {
            this.sounds.push(new URL(request.url, "http://x").searchParams.get("sound"));
            this.openStream(response);
        } else if (request.method === "POST") {
            let body = "";
            request.on("data", (chunk) => {
                body += chunk;
            });
            request.on("end", () =>
                this.answerPost(
                    path,
                    request.headers["idempotency-key"],
                    body ? JSON.parse(body) : {},
                    response,
                ),
            );
        } else {
            this.sendJson(response, this.read(path, new URL(request.url, "http://x").searchParams));
        }
    }

    read(path, asked = new URLSearchParams()) {
        if (path === "/api/v1/tickets") {
            return this.ticketsOf(Number(asked.get("number")));
        }
        const counter = /^\/api\/v1\/counters\/(\d+)$/.exec(path);
        if (counter) {
            const found = this.counters.find((each) => each.id === Number(counter[1]));
            return found
                ? { status: 200, body: this.counterView(found) }
                : { status: 404, body: { code: "NO_SUCH_COUNTER" } };
        }
        const ticket = this.tickets.find((each) => path === `/api/v1/tickets/${each.id}`);
        if (ticket) {
            return { status: 200, body: ticket };
        }
        if (path === "/api/v1/queue") {
            return { status: 200, body: this.queue() };
        }
        if (path === "/api/v1/site" && this.site) {
            return { status: 200, body: this.site };
        }
        if (path === "/api/v1/printers") {
            return { status: 200, body: { printers: this.printers } };
        }
        if (path === "/api/v1/session") {
            return { status: 200, body: this.clerk ?? { role: "kiosk", role_ja: "番号発券機", device: 4 } };
        }
        if (path === "/api/v1/status") {
            return { status: 200, body: { service_day: this.day } };
        }
        return { status: 404, body: { code: "NOT_FOUND" } };
    }

    /** For staff alone: a machine by itself may not look for numbers. */
    ticketsOf(number) {
        if (!this.clerk) {
            return { status: 403, body: { status: 403, code: "NOT_YOURS", title: "Not yours.", title_ja: "権限がありません。" } };
        }
        const live = ["ISSUING", "WAITING", "CALLED", "SERVING", "HELD", "ABSENT"];
        const tickets = this.tickets.filter((each) => (number ? each.number === number : live.includes(each.state))).reverse();
        return { status: 200, body: { tickets, found: tickets.length, shown: tickets.length } };
    }

    answerPost(path, key, members, response) {
        this.posts.push({ path, key, members });
        if (this.refuse) {
            this.sendJson(response, this.refuse);
            return;
        }
        if (!this.serving) {
            this.sendJson(response, { status: 503, body: { code: "NOT_SERVING" } });
            return;
        }
        if (!this.answers.has(key)) {
            this.answers.set(key, this.change(path, members));
        }
        setTimeout(() => this.sendJson(response, this.answers.get(key)), this.answer_delay_ms);
    }

    change(path, members) {
        if (path === "/api/v1/tickets") {
            return {
                status: 201,
                body: this.addTicket(members.category, {
                    language: members.language ?? "ja",
                    delivery: members.delivery ?? "screen",
                    delivery_reason: null,
                    state: members.delivery === "paper" ? "ISSUING" : "WAITING",
                    ...this.issue_as,
                }),
            };
        }
        if (path.startsWith("/api/v1/session")) {
            return this.changeClerk(path, members);
        }
        if (/^\/api\/v1\/(categories|acceptance|printers|day)\//.test(path)) {
            return this.rule(path, members);
        }
        const [, kind, id, verb] =
            /^\/api\/v1\/(tickets|counters)\/([^/]+)\/([a-z-]+)$/.exec(path) ?? [];
        if (kind === "tickets") {
            const ticket = this.tickets.find((each) => each.id === id);
            ticket.state = { cancel: "CANCELLED", return: "WAITING" }[verb] ?? ticket.state;
            this.changed();
            return { status: 200, body: ticket };
        }
        return this.changeCounter(
            this.counters.find((each) => each.id === Number(id)),
            verb,
            members,
        );
    }

    changeClerk(path, members) {
        if (path === "/api/v1/session/end") {
            this.clerk = null;
            return { status: 200, body: {} };
        }
        const found = this.clerks[members.name];
        if (!found || found.pin !== members.pin) {
            return {
                status: 401,
                body: { status: 401, code: "WRONG", title: "That did not match.", title_ja: "確認できませんでした。" },
            };
        }
        const { role, role_ja, title } = found;
        this.clerk = { role, role_ja, title, name: members.name, device: 4 };
        return { status: 200, body: this.clerk };
    }

    /** What a supervisor, or somebody at a printer, asks for. */
    rule(path, members) {
        const [kind, ...rest] = path.split("/").slice(3);
        const verb = rest.at(-1);
        if (kind !== "printers" && this.clerk?.role !== "supervisor") {
            return {
                status: 403,
                body: { status: 403, code: "NOT_YOURS", title: "Not yours.", title_ja: "権限がありません。" },
            };
        }
        if (kind === "day" && members.preview) {
            const count = (state) => this.tickets.filter((each) => each.state === state).length;
            const visitors = { waiting: count("WAITING"), called: count("CALLED"), serving: count("SERVING") };
            const total = visitors.waiting + visitors.called + visitors.serving;
            return { status: 200, body: previewOf("CLOSE", "NOW", { ...visitors, total }) };
        }
        if (kind === "day") {
            this.day = { ...this.day, state: "CLOSED", accepting: false };
        }
        for (const each of this.categories) {
            if (kind === "acceptance") {
                each.refusal = verb === "suspend" ? "ALL_SUSPENDED" : null;
            } else if (kind === "categories" && each.id === Number(rest[0])) {
                each.suspended = verb === "suspend";
            }
        }
        this.changed();
        return { status: 200, body: {} };
    }

    changeCounter(counter, verb, members) {
        const refuse = (code, ja, en) => ({
            status: 409,
            body: { status: 409, code, title: en, title_ja: ja },
        });
        const named = members.ticket && this.tickets.find((each) => each.id === members.ticket);
        const ticket = verb === "call" ? counter.ticket : (named ?? counter.ticket);
        const before = ticket && { ticket, state: ticket.state };
        if (verb === "open" || verb === "close") {
            counter.open = verb === "open";
        } else if (verb === "call-next" || verb === "call") {
            const called =
                verb === "call-next"
                    ? this.waiting()[0]
                    : this.tickets.find(
                          (each) => each.id === members.ticket || each.number === members.number,
                      );
            if (!called) {
                return verb === "call-next"
                    ? {
                          status: 200,
                          body: { action: "CALL_NEXT", counter: counter.id, ticket: null },
                      }
                    : refuse(
                          "NO_SUCH_TICKET",
                          "その番号の方はいません。",
                          "There is no such ticket.",
                      );
            }
            const state = called.state;
            this.call(counter.id, called);
            counter.undo = {
                action: verb === "call" ? "CALL" : "CALL_NEXT",
                ticket: called,
                state,
                at_ms: Date.now(),
            };
            this.changed();
            return { status: 200, body: called };
        } else if (verb === "undo") {
            const { undo } = counter;
            counter.ticket = ["CALLED", "SERVING"].includes(undo.state) ? undo.ticket : null;
            undo.ticket.state = undo.state;
            counter.undo = null;
        } else if (verb === "return" || verb === "give-up") {
            ticket.state = verb === "return" ? "WAITING" : "NO_SHOW";
            const action = verb === "return" ? "RETURN" : "GIVE_UP";
            counter.undo = { action, ...before, at_ms: Date.now() };
        } else if (verb === "plan" || verb === "note") {
            Object.assign(ticket, members);
        } else if (verb === "recall") {
            ticket.call_count++;
            this.noteCall(ticket);
        } else {
            ticket.state = {
                start: "SERVING",
                complete: "DONE",
                absent: "ABSENT",
                "put-back": "WAITING",
                hold: "HELD",
                transfer: "WAITING",
            }[verb];
            ticket.last_counter = counter.id;
            ticket.hold = verb === "hold" && members.reason
                ? { reason: members.reason.toUpperCase(), owner: counter.id, until: null } : null;
            ticket.category = members.category ?? ticket.category;
            counter.ticket = verb === "start" ? ticket : null;
            counter.undo = {
                action: {
                    complete: "COMPLETE",
                    absent: "SET_ABSENT",
                    "put-back": "PUT_BACK",
                    hold: "HOLD",
                    transfer: "TRANSFER",
                    start: "START",
                }[verb],
                ...before,
                at_ms: Date.now(),
            };
        }
        this.changed();
        return { status: 200, body: this.counterView(counter) };
    }

    openStream(response) {
        response.writeHead(200, {
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-store",
        });
        this.streams.add(response);
        response.on("close", () => this.streams.delete(response));
        this.sendState();
        this.sendQueue();
    }

    send(text) {
        for (const stream of this.streams) {
            stream.write(text);
        }
    }

    sendQueue() {
        if (!this.serving) {
            return;
        }
        this.send(`id: ${this.lsn}\nevent: queue\ndata: ${JSON.stringify(this.queue())}\n\n`);
    }

    sendState() {
        this.send(
            `event: state\ndata: ${JSON.stringify({ serving: this.serving, reason: this.reason })}\n\n`,
        );
    }

    sendJson(response, { status, body }) {
        const type = status >= 400 ? "application/problem+json" : "application/json";
        response.writeHead(status, { "Content-Type": type, ...headers() });
        response.end(JSON.stringify(body));
    }

    /** The pack as docs/VOICE.md has it, of short noises; 404 when this office has none. */
    sendVoice(path, response) {
        if (!this.voice) {
            response.writeHead(404, headers()).end();
        } else if (path === "/voice/pack.json") {
            this.sendJson(response, { status: 200, body: { pack: "double", base: VOICE_BASE } });
        } else if (path === `${VOICE_BASE}manifest.json`) {
            const clips = this.voice.map(([id, text]) => ({
                id,
                language: id.slice(0, 2),
                text,
                file: `${id}.wav`,
                duration_ms: CLIP_MS,
            }));
            this.sendJson(response, { status: 200, body: { clips } });
        } else {
            response.writeHead(200, { "Content-Type": "audio/wav", ...headers() });
            response.end(clipBytes(path.slice(VOICE_BASE.length, -".wav".length)));
        }
    }

    sendFile(path, response) {
        const name = /^\/(kiosk|counter|board|status|statistics)$/.test(path)
            ? `${path.slice(1)}.html`
            : path.slice(1);
        const known = readdirSync(WEB_DIR, { recursive: true }).includes(name);
        if (!known || !TYPES[extname(name)]) {
            response.writeHead(404, headers()).end();
            return;
        }
        const bytes = readFileSync(join(WEB_DIR, name));
        const etag = `"${createHash("sha256").update(bytes).digest("hex").slice(0, 32)}"`;
        response.writeHead(200, { "Content-Type": TYPES[extname(name)], ETag: etag, ...headers() });
        response.end(bytes);
    }
}

const headers = () => ({
    "Content-Security-Policy": "default-src 'self'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
});

// By hand: node office_double.mjs PORT
if (process.argv[1] === new URL(import.meta.url).pathname) {
    const office = await startOfficeDouble({ port: Number(process.argv[2] ?? 0) });
    console.log(`office double (not the office) on http://127.0.0.1:${office.port}/kiosk`);
}
