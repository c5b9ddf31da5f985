// A fault in the life of an office, with visitors, staff and a board that do not stop for it; then it is
// healed, both units lose power, and the independent checker of the demo judges what the clients received and
// what the two disks hold.
//   faults.mjs DIR SCENARIO     (root) DIR takes the evidence; exit 0: the scenario and every promise held; 75: the
//                              machine stood still, and what says when things happened has no verdict
import { existsSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { execFileSync, spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { nowMs, sleep } from '../../tools/office/demo/common.mjs';
import { STARVED_MS } from '../lib/stalls.mjs';
import { broken, CALM_MS, DAYS, EVERY_MS, expect, flipBits, keptAside, ledgerFile, Life, PAIR_BOUND_MS, SERVE_BOUND_MS,
    STOP_BOUND_MS } from '../lib/life.mjs';

const NO_VERDICT = 75; // the exit status
const FORWARDING_BOUND_MS = 2000; // DESIGN 7: a number this soon after a switch forwards again
const LINK_PROVEN_MS = 3500; // a spare is handed duty when its link has worked for 3 s (rule 2)

// ---- scenarios --------------------------------------------------------------------------------------

async function restartingSwitch(life) {
    const duty = life.office.duty();
    const term = life.term();
    const fault = await life.fault('switch', '--dead', '5', '--learning', '3');
    const forwards = fault.t + 8000;
    const first = await life.issuedAfter(fault.done + 100, () => true, 8000 + SERVE_BOUND_MS);
    life.say(`a number ${Math.round(first.t - forwards)} ms after forwarding resumed`);
    expect(first.t - forwards <= FORWARDING_BOUND_MS, 'no number within 2 s of forwarding');
    await life.paired(duty);
    expect(life.term() === term, 'a new term');
    life.neverBroke(fault.t);
    life.noLetter(fault.t);
    await sleep(CALM_MS);
}

async function unplugLan(life) {
    const first = life.office.duty();
    const second = 3 - first;
    await sleep(LINK_PROVEN_MS);
    const fault = await life.fault('unplug-lan', first);
    await life.issuedAfter(fault.done + 50);
    await life.paired(second);
    expect(life.reasons(first).some((one) => one.code === 'NO_SERVICE_LINK'), 'the cable is not named');
    await sleep(CALM_MS);
    const healed = await life.heal(first);
    await life.paired(second);
    const other = await life.fault('unplug-lan', first); // now it is the spare's
    await sleep(CALM_MS);
    await life.issuedAfter(other.done + 50);
    await life.heal(first);
    await life.paired(second);
    expect(healed < other.t, 'order');
    life.neverBroke(fault.t);
    life.noLetter(fault.t);
}

async function unplugDirect(life) {
    const duty = life.office.duty();
    const term = life.term();
    const fault = await life.fault('unplug-direct');
    await life.issuedAfter(fault.done + 50);
    await sleep(2000);
    const healed = await life.heal();
    await life.issuedAfter(healed + 50);
    await sleep(CALM_MS);
    await life.paired(duty);
    expect(life.term() === term, 'a new term');
    life.neverBroke(fault.t);
    life.noLetter(fault.t);
}

// The old unit stands still with a request of a visitor who stands before it. What it does when it goes on
// again is what this is about.
async function wedge(life) {
    const duty = life.office.duty();
    const other = 3 - duty;
    const stuck = life.clients('stuck', `u${duty}`, '127.0.0.1', 7);
    await stuck.ask({ order: 'wave', label: 'stuck', count: 5, every_ms: 20 });
    const fault = await life.fault('wedge', duty);
    await stuck.ask({ order: 'wave', label: 'stuck', count: 10, every_ms: 20 });
    await life.issuedAfter(fault.done, (one) => one.side === 'lan' && /[A-Z]/.test(one.issued));
    await sleep(CALM_MS);
    expect(life.holders().join() === String(other), 'the address is not where service is');
    const healed = await life.heal(duty);
    await life.paired(other);
    life.never(healed + 1000, 'the unit that stood still serves', (one) => one.unit === duty &&
        ['ALONE', 'PAIRED_DUTY'].includes(one.state));
    expect(life.holders().join() === String(other), 'the address is not where duty is');
    await stuck.ask({ order: 'end' });
    await sleep(CALM_MS);
    // And the spare: left alone, its supervisor ends and starts it.
    const term = life.term();
    const spare = await life.fault('wedge', duty);
    await life.issuedAfter(spare.done + 50);
    await life.office.until('the spare was started again, and met', PAIR_BOUND_MS, (one, two) =>
        one.term === two.term && one.term > term);
    await life.paired(other);
    await sleep(CALM_MS);
}

async function diskFull(life) {
    const first = life.office.duty();
    const second = 3 - first;
    await sleep(LINK_PROVEN_MS);
    const fault = await life.fault('disk-full', first);
    await life.issuedAfter(fault.done + 50);
    await life.office.until('duty left the unit with the full disk', SERVE_BOUND_MS, (one, two) =>
        ['PAIRED_DUTY', 'ALONE', 'MEETING_SOURCE'].includes([one, two][second - 1].state));
    const moved = nowMs();
    await life.office.until('it stopped', SERVE_BOUND_MS, (one, two) => [one, two][first - 1].state === 'STOPPED');
    expect(life.reasons(first).some((one) => one.code === 'DISK_FULL'), 'the full disk is not named');
    await life.issuedAfter(moved + 50);
    await sleep(CALM_MS);
    await life.heal(first);
    await life.paired(second);
    await sleep(CALM_MS);
}

async function clock(life) {
    const duty = life.office.duty();
    const before = life.boards.length;
    const start = nowMs();
    for (const shift of [-7200, 86400, 9 * 3600, -20 * 365 * 86400]) {
        const fault = await life.fault('clock', duty, '--shift', shift);
        await life.issuedAfter(fault.done + 500);
        await sleep(CALM_MS);
        await life.heal(duty);
        await life.issuedAfter(nowMs() + 500);
    }
    const spare = await life.fault('clock', 3 - duty, '--shift', 86400);
    await life.issuedAfter(spare.done + 500);
    await life.heal();
    await life.issuedAfter(nowMs() + 500);
    expect(life.boards.length === before, `the day moved: ${life.boards.slice(before)}`);
    await life.paired(duty);
    life.neverBroke(start);
    life.noLetter(start);
}

async function power(life) {
    const duty = life.office.duty();
    const fault = await life.fault('power', duty);
    await life.issuedAfter(fault.t, (one) => /[A-Z]/.test(one.issued));
    await sleep(2 * CALM_MS);
    await life.heal(duty);
    await life.paired();
    await sleep(CALM_MS);
}

async function crash(life) {
    for (let i = 0; i < 3; i++) {
        const fault = await life.fault('crash', life.office.duty());
        await life.issuedAfter(fault.t);
        await life.paired();
        await sleep(CALM_MS);
    }
}

async function partition(life) {
    const duty = life.office.duty();
    const other = 3 - duty;
    await life.lan.ask({ order: 'leave', counters: [4] });
    // The clients stay with the unit that will yield: the address moves under them when the cut heals.
    const fault = await life.fault('partition', '--clients', other);
    const side = life.clients('side', `u${duty}`, '10.90.0.10', 7);
    await side.ask({ order: 'open', counters: [4] });
    side.tell({ order: 'steady', every_ms: EVERY_MS });
    await life.issuedAfter(fault.t, (one) => one.side === 'side' && /[A-Z]/.test(one.issued));
    await life.issuedAfter(fault.t, (one) => one.side === 'lan' && /[A-Z]/.test(one.issued));
    await sleep(2 * CALM_MS);
    side.tell({ order: 'close_doors' });
    await side.ask({ order: 'leave', counters: [4] });
    await side.ask({ order: 'end' });
    life.healed = await life.heal();
    await life.paired();
    expect(life.holders().length === 1, 'two hold the address');
    await life.lan.ask({ order: 'open', counters: [4] });
    await sleep(CALM_MS);
}

async function diskWipe(life) {
    const duty = life.office.duty();
    const spare = 3 - duty;
    const term = life.term();
    const fault = await life.fault('disk-wipe', spare);
    life.wipes.push({ unit: spare, wall_ms: life.office.wallMs() });
    await life.issuedAfter(fault.done);
    await life.office.until('the wiped unit is the spare of a new term', PAIR_BOUND_MS, (one, two) =>
        one.term === two.term && one.term > term &&
        [one.state, two.state].sort().join() === 'PAIRED_DUTY,PAIRED_SPARE');
    expect(readFileSync(join(life.office.info.units[spare - 1].log_dir, 'toband.log'), 'utf8')
        .includes('a snapshot has taken the ledger\'s place'), 'it was not filled by a snapshot');
    await sleep(CALM_MS);
    const cut = await life.fault('power', duty); // what was filled in serves by itself
    await life.issuedAfter(cut.t, (one) => /[A-Z]/.test(one.issued));
    await sleep(CALM_MS);
    await life.heal();
    await life.paired();
    await sleep(CALM_MS);
}

// ---- damage -----------------------------------------------------------------------------------------

// Its unit puts a damaged ledger aside by itself and is filled by the other one.
async function repaired(life, unit) {
    await life.paired(3 - unit);
    life.wipes.push({ unit, wall_ms: life.office.wallMs() });
    expect(existsSync(keptAside(life, unit)), 'the damaged ledger is not kept');
    await sleep(CALM_MS);
}

async function damage(life) {
    const first = life.office.duty();
    const second = 3 - first;
    const term = life.term();
    await sleep(LINK_PROVEN_MS);
    const began = nowMs();
    expect(flipBits(ledgerFile(life, first)) > 0, 'nothing was flipped');
    await life.office.until('the damaged unit stopped', SERVE_BOUND_MS, (one, two) =>
        [one, two][first - 1].state === 'STOPPED');
    life.say(`found after ${Math.round(nowMs() - began)} ms`);
    expect(life.reasons(first).some((one) => one.code === 'DAMAGED'), 'the damage is not named');
    await life.issuedAfter(nowMs());
    await life.office.until('duty moved by a term, before the damage stopped it', SERVE_BOUND_MS, (one, two) =>
        [one, two][second - 1].term > term);
    await repaired(life, first);
    await life.fault('power', first);
    const path = ledgerFile(life, first);
    truncateSync(path, Math.floor(statSync(path).size / 3));
    const healed = await life.heal(first);
    await life.issuedAfter(healed + 3000);
    await repaired(life, first);
    life.never(healed, 'a cut ledger serves', (one) => one.unit === first &&
        ['ALONE', 'PAIRED_DUTY'].includes(one.state));
}

// ---- bad input and strangers ------------------------------------------------------------------------

// Each asks as whoever does so in an office; '' is nobody in particular.
function ask(life, method, path, { body, key, as = path.startsWith('counters/') ? 'counter' : 'kiosk' } = {}) {
    const { ca_file: ca, credentials } = life.office.info;
    const words = ['netns', 'exec', `${life.office.name}-lan`, 'curl', '-s', '--cacert', ca, '--max-time', '8', '-X', method,
        `https://10.90.0.10/api/v1/${path}`, '-w', '\\n%{http_code}'];
    for (const header of [...(key ? [`Idempotency-Key: ${key}`] : []), ...(as ? [`Authorization: Bearer ${credentials[as]}`] : [])]) {
        words.push('-H', header);
    }
    if (body !== undefined) {
        words.push('-H', 'Content-Type: application/json', '--data-binary', '@-');
    }
    const sent = nowMs();
    const text = execFileSync('ip', words, { encoding: 'utf8', input: body ?? '' }).trim();
    const end = text.lastIndexOf('\n');
    const answer = { status: Number(text.slice(end + 1)), reply: JSON.parse(text.slice(0, end)) };
    life.note({ kind: 'request', side: 'desk', who: 'desk', what: path, key, path: `/api/v1/${path}`, body, try: 1, sent,
        received: nowMs(), ...answer });
    return answer;
}

let keys = 0;

function refused(life, status, code, method, path, options = {}) {
    const { key = `bad-${keys++}` } = options;
    const answer = ask(life, method, path, { ...options, key: method === 'GET' ? undefined : key });
    expect(answer.status === status && answer.reply.code === code,
        `${method} ${path}: ${answer.status} ${answer.reply.code} instead of ${status} ${code}`, false);
    expect(/[\u3040-\u30ff\u4e00-\u9fff]/.test(answer.reply.detail_ja ?? '') && /[a-z]/.test(answer.reply.detail ?? ''),
        `${code} is not told in both languages: ${JSON.stringify(answer.reply)}`, false);
}

function done(life, path, body, key = `good-${keys++}`) {
    const answer = ask(life, 'POST', path, { body: JSON.stringify(body ?? {}), key });
    expect(answer.status < 300, `${path}: ${answer.status} ${JSON.stringify(answer.reply)}`);
    return answer.reply;
}

// Before anybody works, so that it is known what each counter shows.
function badInput(life) {
    const issue = (body, options = {}) => [ 'POST', 'tickets', { body, ...options }];
    refused(life, 422, 'NO_SUCH_CATEGORY', ...issue('{"category":77}'));
    refused(life, 422, 'BAD_MEMBER', ...issue('{"category":"1"}'));
    refused(life, 422, 'UNKNOWN_MEMBER', ...issue('{"category":1,"admin":true}'));
    refused(life, 422, 'DUPLICATE_MEMBER', ...issue('{"category":1,"category":2}'));
    refused(life, 422, 'NOT_AN_OBJECT', ...issue('[1]'));
    refused(life, 400, 'BAD_JSON', ...issue('{"category":1'));
    refused(life, 400, 'BAD_JSON', ...issue('{"category":1}\0'));
    refused(life, 413, 'BODY_TOO_LARGE', ...issue(`{"category":1,"x":"${'y'.repeat(5000)}"}`));
    refused(life, 422, 'IDEMPOTENCY_KEY_INVALID', ...issue('{"category":1}', { key: 'k'.repeat(200) }));
    refused(life, 404, 'NO_SUCH_PATH', 'GET', 'secrets');
    refused(life, 405, 'NO_SUCH_METHOD', 'DELETE', 'queue');
    refused(life, 403, 'NOT_ALLOWED', 'POST', 'day/close', { body: '{}' });
    refused(life, 403, 'NOT_ALLOWED', ...issue('{"category":1}', { as: 'board' }));
    refused(life, 401, 'SIGN_IN', ...issue('{"category":1}', { as: '' }));
    const ticket = done(life, 'tickets', { category: 1 }, 'one-key');
    refused(life, 422, 'KEY_REUSED', ...issue('{"category":2}', { key: 'one-key' }));
    const again = done(life, 'tickets', { category: 1 }, 'one-key');
    expect(again.id === ticket.id, 'the key was answered with another ticket');
    refused(life, 404, 'NO_SUCH_TICKET', 'POST', `tickets/${'a'.repeat(32)}/cancel`, { body: '{}' });
    refused(life, 404, 'NO_SUCH_COUNTER', 'POST', 'counters/99/open', { body: '{}' });
    refused(life, 409, 'COUNTER_CLOSED', 'POST', 'counters/1/call-next', { body: '{}' });
    done(life, 'counters/1/open');
    done(life, 'counters/2/open');
    refused(life, 409, 'COUNTER_IDLE', 'POST', 'counters/1/complete', { body: '{}' });
    const called = done(life, 'counters/1/call', { ticket: ticket.id });
    expect(called.ticket.id === ticket.id, 'another one was called');
    refused(life, 409, 'TICKET_ELSEWHERE', 'POST', 'counters/2/call', { body: JSON.stringify({ ticket: ticket.id }) });
    done(life, 'counters/1/complete');
}

// Every port that a unit listens on outside itself, from where a stranger could reach it.
function doors(life, unit) {
    const text = execFileSync('ip', ['netns', 'exec', `${life.office.name}-u${unit}`, 'ss', '-Hlntu'], { encoding: 'utf8' });
    return text.trim().split('\n').map((line) => line.trim().split(/\s+/)).map((words) => ({
        protocol: words[0], host: words[4].slice(0, words[4].lastIndexOf(':')), port: words[4].split(':').at(-1) }))
        .filter((door) => !door.host.startsWith('127.'))
        .map((door) => ({ ...door, place: door.host.startsWith('10.90.1.') ? `u${3 - unit}` : 'lan' }));
}

const SP_PUSH = Buffer.from([0, 0x53, 0x50, 0, 0, 0x50, 0, 0]); // nanomsg's greeting of a PUSH socket
function framed(bytes) {
    const length = Buffer.alloc(8);
    length.writeBigUInt64BE(BigInt(bytes.length));
    return Buffer.concat([length, bytes]);
}
const VISITS = [
    ['noise', () => randomBytes(3000)],
    ['a valid greeting, then noise in frames', () => Buffer.concat([SP_PUSH, framed(randomBytes(200)), framed(randomBytes(9))])],
    ['a valid greeting, then a frame without end', () => Buffer.concat([SP_PUSH, Buffer.alloc(8, 0x7f), randomBytes(500)])],
    ['a TLS record', () => Buffer.concat([SP_PUSH, framed(Buffer.concat([Buffer.from([22, 3, 1, 2, 0]), randomBytes(512)]))])],
    ['a request that never ends', () => Buffer.from('POST /api/v1/tickets HTTP/1.1\r\nHost: 10.90.0.10\r\nContent-Length: 9\r\n')],
];

async function strangers(life) {
    const term = life.term();
    const duty = life.office.duty();
    const pids = async () => JSON.stringify((await life.office.command('info')).units.map((unit) => unit.pids));
    const before = await pids();
    const began = nowMs();
    let visits = 0;
    for (const unit of [1, 2]) {
        for (const door of doors(life, unit)) {
            for (const [what, make] of VISITS) {
                const out = spawnSync('ip', ['netns', 'exec', `${life.office.name}-${door.place}`, 'timeout', '2', 'bash', '-c',
                    `cat >/dev/${door.protocol}/${door.host}/${door.port}`], { input: make() });
                expect(out.error === undefined, `${what}: ${out.error}`);
                visits++;
            }
            await sleep(20); // our own watchers and clients run in this process
        }
    }
    life.say(`${visits} visits`);
    expect(visits >= 5 * 9, 'not every door was found');
    await life.issuedAfter(nowMs());
    await life.paired(duty);
    expect(await pids() === before, 'a program ended');
    expect(life.term() === term, 'a new term');
    life.neverBroke(began);
    life.noLetter(began);
    life.lan.tell({ order: 'close_doors' });
    await life.empty();
    await life.office.timePassesTo(`${DAYS[0]}T17:00:30`);
    await life.office.until('both know that it is after closing', SERVE_BOUND_MS, (one, two) =>
        one.level === 'AFTER_CLOSING' && two.level === 'AFTER_CLOSING');
    refused(life, 409, 'DAY_NOT_OPEN', 'POST', 'tickets', { body: '{"category":1}' });
}
strangers.before = badInput;

// ---- evenings and mornings --------------------------------------------------------------------------

async function evening(life, day) {
    life.lan.tell({ order: 'close_doors' });
    await life.empty();
    await life.office.timePassesTo(`${day}T19:00:01`);
    await life.office.until('the day is CLOSED on both', SERVE_BOUND_MS, (one, two) =>
        one.day === 'CLOSED' && two.day === 'CLOSED');
    await life.lan.ask({ order: 'leave', counters: [1, 2, 3, 4] });
    await life.office.untilEqual(SERVE_BOUND_MS);
}

async function inOrder(life, first) {
    await life.office.switchOff(first);
    await life.office.until('the first is off', STOP_BOUND_MS, (one, two) => [one, two][first - 1].state === 'OFF');
    await life.office.switchOff(3 - first);
    await life.office.untilOff(STOP_BOUND_MS);
}

function nightFalls(life, day) {
    const dir = `night-${day}`;
    life.office.keepDisks(join(life.dir, dir));
    life.nights.push({ day: Number(day.replaceAll('-', '')), dir });
}

async function morning(life, first, apart_ms, yesterday, today) {
    const began = nowMs();
    await life.office.timePassesTo(`${today}T08:10:00`);
    await life.heal(first);
    await sleep(apart_ms);
    await life.heal(3 - first);
    await life.paired();
    await life.office.until(`${yesterday} is ERASED on both`, SERVE_BOUND_MS, (one, two) =>
        one.day === 'ERASED' && two.day === 'ERASED');
    await life.office.until('the keys are gone', SERVE_BOUND_MS, () => life.office.keysOnDisk(yesterday).length === 0);
    await life.office.until('both certify it', SERVE_BOUND_MS, () => life.office.certified(yesterday));
    expect(new Date(life.office.wallMs() + 9 * 3600000).toISOString() < `${today}T08:30`, 'PAIRED after opening');
    expect(!life.boards.includes(`${today} OPEN`), 'opened before');
    await life.office.timePassesTo(`${today}T08:29:59`);
    await life.board(`${today} OPEN`);
    await life.lan.ask({ order: 'open', counters: [1, 2, 3, 4] });
    await life.lan.ask({ order: 'wave', label: 'morning', count: 30, every_ms: 30 });
    await life.issuedAfter(began);
    life.noLetter(began);
}

async function evenings(life) {
    const nights = [
        { how: 'in order', first: 2, apart_ms: 2000 },
        { how: 'breaker', first: 1, apart_ms: 33000 }, // so long that the first begins to serve by itself
        { how: 'in order', first: 1, apart_ms: 0 },
        { how: 'breaker', first: 2, apart_ms: 500 },
    ];
    for (const [i, night] of nights.entries()) {
        life.say(`evening of ${DAYS[i]}, ${night.how}; unit ${night.first} is back first, ${night.apart_ms} ms before`);
        await evening(life, DAYS[i]);
        await (night.how === 'breaker' ? life.bothOff() : inOrder(life, 3 - life.office.duty()));
        nightFalls(life, DAYS[i]);
        await morning(life, night.first, night.apart_ms, DAYS[i], DAYS[i + 1]);
    }
    await evening(life, DAYS.at(-1));
}

const scenarios = { switch: restartingSwitch, 'unplug-lan': unplugLan, 'unplug-direct': unplugDirect, wedge,
    'disk-full': diskFull, clock, power, crash, partition, 'disk-wipe': diskWipe, damage, strangers, evenings };

// ---- one run ----------------------------------------------------------------------------------------

const [dir, name] = process.argv.slice(2);
if (!dir || !scenarios[name]) {
    console.error(`faults.mjs DIR ${Object.keys(scenarios).join('|')}`);
    process.exit(2);
}
const life = new Life(resolve(dir), `f${name.slice(0, 6)}${process.pid}`);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => life.office.end().then(() => process.exit(130)));
}
process.on('uncaughtException', (error) => {
    console.log(`# ${error.stack}`);
    life.office.end().then(() => process.exit(1));
});
try {
    await life.open();
    scenarios[name].before?.(life);
    await life.work();
    await scenarios[name](life);
    await life.judged();
} catch (error) {
    console.log(`# ${error.stack}`);
    broken.push(error.message);
    life.seen.slice(-40).forEach((one) => console.log(`#   ${JSON.stringify({ ...one, t: one.t - life.began })}`));
}
if (broken.length > 0) {
    for (const unit of [1, 2]) {
        const log = join(life.office.info?.units[unit - 1].log_dir ?? '/', 'toband.log');
        try {
            execFileSync('tail', ['-n', '40', log], { encoding: 'utf8' }).split('\n').forEach((line) =>
                console.log(`#   u${unit} ${line}`));
        } catch {
            // there was none yet
        }
    }
}
await life.office.end();
// What says when something happened has no verdict on a machine that stood still; what clients received, always.
if (broken.length > 0 && life.machine.stalled_ms >= STARVED_MS && !broken.some((one) => one.startsWith('promise '))) {
    life.say(`${name}: no verdict, the machine stood still for ${life.machine.stalled_ms} ms: ${broken.join('; ')}`);
    process.exit(NO_VERDICT);
}
life.say(broken.length === 0 ? `${name}: held` : `${name}: BROKEN: ${broken.join('; ')}`);
process.exit(broken.length === 0 ? 0 : 1);
