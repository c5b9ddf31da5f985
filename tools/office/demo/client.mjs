// The people of the demo, on their side of the network: visitors at the kiosks, staff at the counters, a
// lobby board on the live events. Everything they send and receive goes, with its time, into a journal;
// the checker reads nothing else of them.
//   client.mjs CONFIG.json        orders as lines of JSON on the standard input, see `orders` below
//
// A client that gets no answer sends the same request with the same key again, as the pages do; it never
// invents a new key for the same touch. All of them come by TLS and believe the site's own authority; each has the
// credential of what he is, and a visitor has none.
import https from 'node:https';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chance, eachLine, journal, nowMs, say, sleep } from './common.mjs';

const CONNECT_MS = 350; // a unit that lives answers a SYN at once
const ANSWER_MS = 4000; // the gateway holds a request for at most 3 s
const RETRY_MS = 40;
const GIVE_UP_MS = 60000;
const IDLE_MS = 120;
const SECOND_SERVICE = 0.05; // of the visitors have something else to do, too
const LANGUAGES = ['ja', 'ja', 'ja', 'ja', 'ja', 'ja', 'ja-easy', 'en', 'zh', 'ko'];

const config = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const book = journal(config.journal);
const random = chance(config.seed);
const ca = readFileSync(config.ca);
const agent = new https.Agent({ keepAlive: true, maxFreeSockets: 8, scheduling: 'fifo', ca });
const open = new Set();
let stopping = false;
let visitors = 0;

// ---- one request ------------------------------------------------------------------------------------

function credentialOf(who) {
    const token = config.credentials[who.replace(/[0-9]+$/, '')];
    return token === undefined ? {} : { Authorization: `Bearer ${token}` };
}

function attempt(who, method, path, body, key) {
    return new Promise((resolve) => {
        const sent = nowMs();
        const text = body === undefined ? '' : JSON.stringify(body);
        const headers = { ...credentialOf(who), 'Content-Length': Buffer.byteLength(text) };
        if (text !== '') {
            headers['Content-Type'] = 'application/json';
        }
        if (key !== undefined) {
            headers['Idempotency-Key'] = key;
        }
        const request = https.request({ host: config.host, port: config.port, method, path, agent, headers });
        let timer = setTimeout(() => request.destroy(new Error('CONNECT_TIMEOUT')), CONNECT_MS);
        const wait = () => {
            clearTimeout(timer);
            timer = setTimeout(() => request.destroy(new Error('ANSWER_TIMEOUT')), ANSWER_MS);
        };
        const end = (result) => {
            clearTimeout(timer);
            resolve({ sent, received: nowMs(), ...result });
        };
        request.on('socket', (socket) => (socket.connecting ? socket.once('connect', wait) : wait()));
        request.on('error', (error) => end({ status: 0, error: error.code ?? error.message }));
        request.on('response', (response) => {
            const pieces = [];
            response.on('data', (piece) => pieces.push(piece));
            response.on('error', (error) => end({ status: 0, error: error.code ?? error.message }));
            response.on('end', () => {
                let reply = null;
                try {
                    reply = JSON.parse(Buffer.concat(pieces).toString('utf8'));
                } catch {
                    end({ status: 0, error: 'BAD_JSON' });
                    return;
                }
                end({ status: response.statusCode, reply });
            });
        });
        request.end(text);
    });
}

// Until somebody answers. Every attempt is in the journal, also those without an answer.
async function send(who, what, method, path, body, key) {
    const began = nowMs();
    for (let tries = 1; ; tries++) {
        const result = await attempt(who, method, path, body, key);
        book.write({ kind: 'request', side: config.side, who, what, key, path, body, try: tries, ...result });
        const answered = result.status !== 0 && result.status < 500;
        if (answered || nowMs() - began > GIVE_UP_MS || (stopping && nowMs() - began > ANSWER_MS)) {
            return { ...result, answered };
        }
        await sleep(RETRY_MS);
    }
}

function press(who, path, body) {
    return send(who, path.split('/').pop(), 'POST', `/api/v1/${path}`, body, randomUUID());
}

// ---- visitors ---------------------------------------------------------------------------------------

function pickCategory() {
    let rest = random() * config.categories.reduce((sum, one) => sum + one.weight, 0);
    for (const one of config.categories) {
        rest -= one.weight;
        if (rest <= 0) {
            return one.id;
        }
    }
    return config.categories[0].id;
}

async function visit(label) {
    const kiosk = `kiosk${1 + (visitors++ % config.kiosks)}`;
    const body = { category: pickCategory(), language: LANGUAGES[Math.floor(random() * LANGUAGES.length)] };
    if (random() < SECOND_SERVICE) {
        body.services = [pickCategory()];
    }
    const key = randomUUID();
    const again = random() < config.again;
    const gives_up = random() < config.cancel;
    const first = await send(kiosk, label, 'POST', '/api/v1/tickets', body, key);
    if (first.status !== 201) {
        return;
    }
    say({ issued: first.reply.display, t: first.received });
    if (again) {
        await sleep(200 + 3000 * random());
        await send(kiosk, 'again', 'POST', '/api/v1/tickets', body, key);
    }
    if (gives_up) {
        await sleep(500 + 2500 * random());
        await press('visitor', `tickets/${first.reply.id}/cancel`);
    }
}

function track(promise) {
    open.add(promise);
    promise.catch((error) => say({ failed: String(error.stack ?? error) })).finally(() => open.delete(promise));
}

// Arrivals of an office day: a rush at the opening, a lull at noon, a second wave after it.
function crowd(phase) {
    const bump = (middle, width, height) => height * Math.exp(-(((phase - middle) / width) ** 2));
    return 0.25 + bump(0.08, 0.09, 1.5) + bump(0.25, 0.13, 0.9) + bump(0.62, 0.14, 1.2) + bump(0.9, 0.1, 0.3);
}

async function stream(order) {
    const began = nowMs();
    const steps = 200;
    const mean = Array.from({ length: steps }, (_, i) => crowd(i / steps)).reduce((a, b) => a + b) / steps;
    while (!stopping && !streamEnded) {
        const phase = Math.min(1, (nowMs() - began) / order.ms);
        const rate = (crowd(phase) / mean) * (order.visitors / order.ms); // per millisecond
        await sleep(-Math.log(1 - random()) / rate);
        if (!stopping && !streamEnded) {
            track(visit('visit'));
        }
    }
}
let streamEnded = false;

// The same number of visitors all the time, until the doors close.
async function steady(order) {
    while (!stopping && !streamEnded) {
        track(visit('visit'));
        await sleep(order.every_ms);
    }
}

async function wave(order) {
    for (let i = 0; i < order.count; i++) {
        track(visit(order.label));
        await sleep(order.every_ms);
    }
}

// ---- staff ------------------------------------------------------------------------------------------

class Counter {
    constructor(id) {
        this.id = id;
        this.who = `counter${id}`;
        this.working = true;
        this.absent = [];
    }
    press(verb, body) {
        return press(this.who, `counters/${this.id}/${verb}`, body);
    }
    async open() {
        await this.press('open');
    }
    // What is on my screen? After a meeting it may differ from what I pressed last.
    async look() {
        const seen = await send(this.who, 'look', 'GET', `/api/v1/counters/${this.id}`);
        if (seen.status === 200 && !seen.reply.open) {
            await this.open();
        } else if (seen.status === 200 && seen.reply.ticket) {
            await this.press('complete');
        } else if (seen.status === 200 && seen.reply.held.length > 0) {
            await this.callNamed(seen.reply.held[0].id);
        }
    }
    async callNamed(ticket) {
        const called = await this.press('call', { ticket });
        if (called.status === 200) {
            await sleep(150);
            await this.press('complete');
        }
    }
    async serve(ticket) {
        const kind = random();
        await sleep(config.walk_ms * (0.5 + random()));
        if (kind < 0.06) {
            if ((await this.press('absent')).status === 200) {
                this.absent.push(ticket.id);
            }
            return;
        }
        if (kind < 0.09) {
            await this.press('put-back');
            return;
        }
        await this.press('start');
        await sleep(config.service_ms * (0.4 + 1.2 * random()));
        if (kind < 0.13) {
            await this.press('hold', { reason: 'form', minutes: 1 });
            await sleep(config.service_ms);
            await this.callNamed(ticket.id);
            return;
        }
        if (kind < 0.16) {
            await this.press('transfer', kind < 0.145 ? { category: pickCategory(), place: 'head' }
                : { to_counter: 1 + Math.floor(random() * 4), place: 'after', after: 2 });
            return;
        }
        if (kind < 0.18) { // a mistake, taken back
            await this.press('note', { note: '本人確認済み', staff_will_come: kind < 0.17 });
            await this.press('complete');
            await this.press('undo');
        }
        const ended = await this.press('complete');
        if (ended.status === 200 && this.absent.length > 0 && random() < 0.5) {
            await this.press(random() < 0.7 ? 'return' : 'give-up', { ticket: this.absent.shift() });
        }
    }
    async work() {
        await this.open();
        while (this.working) {
            const called = await this.press('call-next');
            if (called.status === 200 && called.reply.ticket) {
                await this.serve(called.reply.ticket);
            } else if (called.status === 200) {
                await this.look();
                await sleep(IDLE_MS);
            } else {
                await this.look();
                await sleep(IDLE_MS);
            }
        }
        await this.look();
        this.ended = true;
    }
}

const counters = new Map();

function startCounter(id) {
    const counter = new Counter(id);
    counters.set(id, counter);
    counter.done = counter.work();
    track(counter.done);
}

// ---- board ------------------------------------------------------------------------------------------

const board = { seen: '', request: null };

function boardEvent(id, name, data) {
    if (name !== 'queue') { // of the units (state), of another version of the site file (site)
        book.write({ kind: 'board', t: nowMs(), [name]: JSON.parse(data) });
        return;
    }
    const queue = JSON.parse(data);
    book.write({ kind: 'board', t: nowMs(), id, lsn: queue.lsn, term: queue.term, mode: queue.mode,
        unit: queue.unit, day: queue.service_day.date, day_state: queue.service_day.state,
        accepting: queue.service_day.accepting, as_of: queue.as_of,
        waiting: queue.categories.reduce((sum, one) => sum + one.waiting, 0),
        calls: queue.calls.map((call) => ({ id: call.call_id, display: call.display, counter: call.counter,
            category: call.category })) });
    const seen = `${queue.service_day.date} ${queue.service_day.state}`;
    if (seen !== board.seen) {
        board.seen = seen;
        say({ board: seen, t: nowMs() });
    }
}

function followOnce() {
    return new Promise((resolve) => {
        const request = https.get({ host: config.host, port: config.port, path: '/api/v1/events', agent: false, ca,
            headers: { ...credentialOf('board'), Accept: 'text/event-stream' } });
        let silent = setTimeout(() => request.destroy(), CONNECT_MS);
        const alive = () => {
            clearTimeout(silent);
            silent = setTimeout(() => request.destroy(), 2 * ANSWER_MS);
        };
        board.request = request;
        request.on('error', () => resolve());
        request.on('close', () => { clearTimeout(silent); resolve(); });
        request.on('response', (response) => {
            let text = '';
            alive();
            response.setEncoding('utf8');
            response.on('error', () => {});
            response.on('data', (piece) => {
                alive();
                text += piece;
                for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
                    const fields = new Map(text.slice(0, end).split('\n').map((line) => {
                        const colon = line.indexOf(':');
                        return [line.slice(0, colon), line.slice(colon + 1).trim()];
                    }));
                    text = text.slice(end + 2);
                    if (fields.has('data')) {
                        boardEvent(fields.get('id'), fields.get('event'), fields.get('data'));
                    }
                }
            });
        });
    });
}

async function follow() {
    while (!stopping) {
        await followOnce();
        book.write({ kind: 'board', t: nowMs(), lost: true });
        await sleep(RETRY_MS);
    }
}

// ---- orders -----------------------------------------------------------------------------------------

const orders = {
    board: () => { follow(); },
    open: (order) => order.counters.forEach(startCounter),
    leave: async (order) => {
        const leaving = order.counters.map((id) => counters.get(id));
        leaving.forEach((counter) => { counter.working = false; });
        await Promise.all(leaving.map((counter) => counter.done));
    },
    stream: (order) => track(stream(order)),
    steady: (order) => track(steady(order)),
    close_doors: () => { streamEnded = true; },
    wave: (order) => wave(order),
    // Everybody who waits for an answer gets it.
    settle: async () => {
        while (open.size > counters.size - [...counters.values()].filter((one) => one.ended).length) {
            await sleep(50);
        }
    },
    queue: async () => send('board', 'look', 'GET', '/api/v1/queue'),
    visit: async (order) => visit(order.label),
    end: async () => {
        stopping = true;
        streamEnded = true;
        counters.forEach((counter) => { counter.working = false; });
        await Promise.race([Promise.all([...open]), sleep(2 * ANSWER_MS)]);
        board.request?.destroy();
        await book.end();
    },
};

eachLine(process.stdin, async (order) => {
    const result = await orders[order.order](order);
    say({ done: order.id, result: result === undefined ? null : result });
    if (order.order === 'end') {
        process.exit(0);
    }
});
process.stdin.on('close', () => process.exit(1));
say({ hello: process.pid });
