// One unit of a real office whose programs this judge starts itself, so that preload.c can be in them. The
// supervisor holds a sleeper in the place of each; everything else of the office is as always.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import https from 'node:https';
import { join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');
export const PROGRAMS = ['toban-net', 'toband', 'toban-web']; // in the order of their start
export const START_BOUND_MS = 8000; // ready, or ended and told why
export const STOP_BOUND_MS = 5000;
export const JOIN_BOUND_MS = 75000; // 10 s, and the steadiness time at its longest: a call that fails for good is many breaks (rule 10)
export const SERVE_BOUND_MS = 10000; // a number, once nothing fails any more
const ASK_MS = 700;
const WORDS_BEFORE_CALLS = 7; // struct control in preload.c
const POLL_MS = 4;
const UNIT = 1; // whose programs these are

export const nowMs = () => Number(process.hrtime.bigint() / 1000n) / 1000;
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
export const ARMED = { not: 0, untilReady: 1, yes: 2 };

const BUILD = join(ROOT, 'build/plain');
const LIBRARY = join(BUILD, 'lib/toban-nth.so');
export const POINTS = execFileSync('/bin/true', { env: { LD_PRELOAD: LIBRARY, NTH_NAMES: '1' }, encoding: 'utf8' }).trim().split('\n');

// The file that preload.c maps.
class Control {
    constructor(path) {
        writeFileSync(path, Buffer.alloc(8 * (WORDS_BEFORE_CALLS + POINTS.length)));
        this.fd = openSync(path, 'r+');
    }
    write(word, ...values) {
        writeSync(this.fd, new BigUint64Array(values.map(BigInt)), 0, 8 * values.length, 8 * word);
    }
    read(word, count = 1) {
        const words = new BigUint64Array(count);
        readSync(this.fd, words, 0, 8 * count, 8 * word);
        return [...words].map(Number);
    }
    // failing: { point, n, stay }; undefined counts only.
    arm(how, failing) {
        this.write(0, ARMED.not);
        this.write(1, failing ? 1 + POINTS.indexOf(failing.point) : 0, failing?.n ?? 0, failing?.stay ? 1 : 0, 0);
        this.write(WORDS_BEFORE_CALLS, ...POINTS.map(() => 0));
        this.write(0, how);
    }
    disarm() {
        this.write(0, ARMED.not);
    }
    get came() { return this.read(4)[0]; }
    get ready() { return this.read(5)[0] !== 0; }
    get where() { return this.read(6)[0]; }
    get calls() { return this.read(WORDS_BEFORE_CALLS, POINTS.length); }
}

// The pages with a voice pack of two clips: every call is tried, and what fails for the third fails as for the second.
function pagesWithFewClips(from, base) {
    const to = join(base, 'web');
    const manifest = JSON.parse(readFileSync(join(from, 'voice/manifest.json'), 'utf8'));
    manifest.clips = manifest.clips.slice(0, 2);
    const kept = [manifest.licence_file, ...manifest.clips.map((clip) => clip.file)].map((name) => join(from, 'voice', name));
    cpSync(from, to, { recursive: true, filter: (path) => !path.startsWith(join(from, 'voice/')) || kept.includes(path) });
    writeFileSync(join(to, 'voice/manifest.json'), JSON.stringify(manifest));
    return to;
}

export class Program {
    constructor(unit, name) {
        Object.assign(this, { unit, name, starts: 0 });
        const argv = readFileSync(`/proc/${unit.pids[name]}/cmdline`, 'utf8').split('\0').slice(0, -1);
        argv[0] = join(BUILD, 'bin', name);
        const web = argv.indexOf('--web-dir') + 1;
        if (web > 0) {
            argv[web] = pagesWithFewClips(argv[web], unit.base);
        }
        this.argv = argv;
        this.control = new Control(join(unit.dir, `nth-${name}`));
    }
    start(how = ARMED.not, failing = undefined) {
        this.control.write(5, 0);
        this.control.arm(how, failing);
        this.text = '';
        this.starts++;
        this.end = undefined;
        this.child = spawn('nsenter', ['-t', String(this.unit.pids.supervisor), '-m', '-n', '-p', '--', '/usr/bin/env',
            `LD_PRELOAD=${LIBRARY}`, `NTH_CONTROL=/run/nth-${this.name}`, ...this.argv], { stdio: ['ignore', 'pipe', 'pipe'] });
        for (const stream of [this.child.stdout, this.child.stderr]) {
            stream.setEncoding('utf8');
            stream.on('data', (piece) => { this.text = (this.text + piece).slice(-65536); });
        }
        const child = this.child;
        this.ended = new Promise((done) => child.on('close', (code, signal) => {
            this.end = { code, signal };
            done(this.end);
        }));
    }
    // The function of ours whose call failed last.
    where() {
        const at = `0x${(this.control.where - 1).toString(16)}`;
        return execFileSync('addr2line', ['-f', '-s', '-e', this.argv[0], at], { encoding: 'utf8' }).trim().replace('\n', ' ');
    }
    // The process itself: nsenter's child.
    get pid() {
        return Number(readFileSync(`/proc/${this.child.pid}/task/${this.child.pid}/children`, 'utf8').trim().split(' ')[0]);
    }
    async until(holds, bound_ms) {
        const until = nowMs() + bound_ms;
        while (this.end === undefined && !holds() && nowMs() < until) {
            await sleep(POLL_MS);
        }
        return holds();
    }
    untilReady(bound_ms = START_BOUND_MS) {
        return this.until(() => this.control.ready, bound_ms);
    }
    untilEnded(bound_ms) {
        return this.until(() => false, bound_ms).then(() => this.end !== undefined);
    }
    signal(number) {
        try {
            process.kill(this.pid, number);
        } catch {
            // it has ended
        }
    }
    async stop() {
        this.signal('SIGTERM');
        if (!await this.untilEnded(STOP_BOUND_MS)) {
            this.signal('SIGKILL');
            await this.ended;
            return false;
        }
        return true;
    }
}

export class Unit {
    constructor(units) {
        Object.assign(this, { units, issued: new Map(), numbers: new Map(), keys: 0 });
        this.name = `nth${process.pid}`;
        this.base = mkdtempSync('/tmp/nth.'); // not below /run: a unit has its own
    }
    office(...words) {
        const text = execFileSync(join(BUILD, 'bin/toban-office'), [...words, '--name', this.name, '--json'], { encoding: 'utf8',
            env: { ...process.env, TOBAN_OFFICE_DIR: this.base, TOBAN_OFFICE_BINDIR: join(this.base, 'bin') } });
        return text.trim() === '' ? {} : JSON.parse(text);
    }
    // Sleepers where unit UNIT is told to have them; numbers enough for thousands of trials.
    prepare() {
        const bin = join(this.base, 'bin');
        mkdirSync(bin);
        for (const name of PROGRAMS) {
            writeFileSync(join(bin, name), `#!/bin/sh\n[ -e /run/nth-held ] && exec sleep infinity\n` +
                `exec ${join(BUILD, 'bin', name)} "$@"\n`);
            chmodSync(join(bin, name), 0o755);
        }
        const site = readFileSync(join(ROOT, 'image/site-default.yaml'), 'utf8');
        this.site = join(this.base, 'site.yaml');
        writeFileSync(this.site, site.replace('{first: 101, last: 199}', '{first: 2001, last: 9999}'));
    }
    async up() {
        this.prepare();
        this.info = this.office('up', '--units', String(this.units), '--disk', 'directory', '--at', '2026-11-24T10:00',
            '--site', this.site);
        const own = this.info.units[UNIT - 1];
        Object.assign(this, { dir: own.run_dir, pids: own.pids, url: new URL(this.info.host_url),
            ca: readFileSync(this.info.ca_file) });
        this.programs = Object.fromEntries(PROGRAMS.map((name) => [name, new Program(this, name)]));
        writeFileSync(join(this.dir, 'nth-held'), '');
        for (const name of [...PROGRAMS].reverse()) {
            this.office('fault', 'crash', String(UNIT), name);
        }
        if (this.units === 2) { // the other one serves before this one comes
            const wrong = await this.serves();
            if (wrong) {
                throw new Error(`the other unit does not serve: ${wrong}`);
            }
        }
        for (const name of PROGRAMS) {
            this.programs[name].start();
            await this.programs[name].untilReady();
        }
    }
    async down() {
        for (const name of [...PROGRAMS].reverse()) {
            const program = this.programs?.[name];
            if (program?.child && program.end === undefined) {
                await program.stop();
            }
        }
        try {
            this.office('down');
        } catch {
            // it never was
        }
        rmSync(this.base, { recursive: true, force: true });
    }
    // The units have met, and one follows the other. Which one may change in a trial; trials begin with unit UNIT as
    // the spare.
    async joins(bound_ms = JOIN_BOUND_MS, over = () => false) {
        const until = nowMs() + bound_ms;
        let said = '';
        while (!over() && nowMs() < until) {
            const { status, text } = await this.ask('GET', '/api/v1/status');
            said = text;
            if (status === 200) {
                const { units } = JSON.parse(text);
                this.moved = units.some((one) => one.unit === UNIT && one.here);
                said = units.map((one) => `${one.unit}: ${one.state}`).join(', ');
                if (units.map((one) => one.state).sort().join() === 'PAIRED_DUTY,PAIRED_SPARE') {
                    return undefined;
                }
            }
            await sleep(10 * POLL_MS);
        }
        return over() ? undefined : `the units are not PAIRED after ${bound_ms} ms (${said.slice(0, 300)})`;
    }
    // One request, once: { status, body }; status 0: no answer.
    ask(method, path, { key, body, ms = ASK_MS } = {}) {
        const who = this.info.credentials[{ tickets: 'kiosk', counters: 'counter' }[path.split('/')[3]] ?? 'noc'];
        const headers = { Host: this.info.floating, Authorization: `Bearer ${who}`, ...(key ? { 'Idempotency-Key': key } : {}),
            ...(body ? { 'Content-Type': 'application/json' } : {}) };
        return new Promise((done) => {
            const request = https.request({ host: this.url.hostname, port: this.url.port, method, path, headers, agent: false,
                servername: '', ca: this.ca, timeout: ms }, (response) => {
                let text = '';
                response.setEncoding('utf8');
                response.on('data', (piece) => { text += piece; });
                response.on('end', () => done({ status: response.statusCode, text }));
                response.on('error', () => done({ status: 0, text }));
            });
            request.on('timeout', () => request.destroy());
            request.on('error', (error) => done({ status: 0, text: String(error) }));
            request.end(body ? JSON.stringify(body) : undefined);
        });
    }
    // A number that was given is nobody else's, and its key answers it for ever. Undefined, or what is wrong.
    take(key, answer) {
        if (answer.status !== 201 && answer.status !== 200) {
            return undefined;
        }
        const { display } = JSON.parse(answer.text);
        if ((this.issued.get(key) ?? display) !== display) {
            return `the key ${key} was answered ${this.issued.get(key)} and now ${display}`;
        }
        if ((this.numbers.get(display) ?? key) !== key) {
            return `the number ${display} was given to ${this.numbers.get(display)} and to ${key}`;
        }
        this.issued.set(key, display);
        this.numbers.set(display, key);
        return undefined;
    }
    async issue(key = `k${++this.keys}`, ms = ASK_MS) {
        this.newest = key;
        this.answer = await this.ask('POST', '/api/v1/tickets', { key, body: { category: 1 }, ms });
        return this.take(key, this.answer);
    }
    // Serves it? A new number, and the newest ones again. Undefined, or what is wrong; nothing once it is over.
    async serves(bound_ms = SERVE_BOUND_MS, over = () => false) {
        const again = [...this.issued.keys()].slice(-3);
        const key = `k${++this.keys}`;
        const until = nowMs() + bound_ms;
        for (const one of [key, ...again]) {
            let wrong;
            do {
                if (over()) {
                    return undefined;
                }
                wrong = await this.issue(one);
                if (wrong) {
                    return wrong;
                }
                if (this.answer.status !== 201 && this.answer.status !== 200) {
                    await sleep(5 * POLL_MS);
                }
            } while (this.answer.status !== 201 && this.answer.status !== 200 && nowMs() < until);
            if (this.answer.status !== 201 && this.answer.status !== 200) {
                return `no number within ${bound_ms} ms (${this.answer.status} ${this.answer.text.slice(0, 160)})`;
            }
        }
        return undefined;
    }
}
