// The office on one machine, as the demo handles it: toban-office for what the world does, an observer in
// each unit's namespace for what the units say. No waiting by the clock: every wait names a state that is
// polled, and a bound.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eachLine, nowMs, sleep } from './common.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const POLL_MS = 20;
const END_MS = 15000;
const run = promisify(execFile);

export class Office {
    constructor(name, binDir, onSeen) {
        Object.assign(this, { name, binDir, onSeen, children: [], units: { 1: { state: 'OFF' }, 2: { state: 'OFF' } },
            newest: { 1: {}, 2: {} }, up_done: false, waiting: new Map(), orders: 0 });
    }
    async command(...words) {
        try {
            const { stdout } = await run(join(this.binDir, 'toban-office'), [...words, '--name', this.name, '--json'],
                { maxBuffer: 1 << 24 });
            return stdout.trim() === '' ? {} : JSON.parse(stdout);
        } catch (error) {
            const text = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim();
            throw new Error(`toban-office ${words.join(' ')}: ${text || error.message}`);
        }
    }
    async up(...words) {
        this.up_done = true;
        this.info = await this.command('up', ...words);
        this.offset = this.info.clock_offset_ms;
        return this.info;
    }
    // What a client needs to be let in: the port of TLS, whom to believe, and who is who.
    ways() {
        return { port: 443, ca: this.info.ca_file, credentials: this.info.credentials };
    }
    fault(...words) {
        return this.command('fault', ...words.map(String));
    }
    heal(...words) {
        return this.command('heal', ...words.map(String));
    }
    wallMs() {
        return Date.now() + this.offset;
    }
    // Time passes until the office's clocks show `at` ("2026-11-24T09:10:00", Japan).
    async timePassesTo(at) {
        const shift = Math.ceil((Date.parse(`${at}+09:00`) - this.wallMs()) / 1000);
        if (shift < 0) {
            throw new Error(`the office's clock is past ${at} already`);
        }
        if (shift > 0) {
            this.offset = (await this.command('clock', '--shift', String(shift))).clock_offset_ms;
        }
    }
    // A program of ours inside a namespace of the office; it ends when its standard input closes.
    spawnIn(place, program, words, take) {
        const child = spawn('ip', ['netns', 'exec', `${this.name}-${place}`, process.execPath, join(HERE, program),
            ...words.map(String)], { stdio: ['pipe', 'pipe', 'inherit'] });
        child.ended = new Promise((resolve) => child.on('exit', (code) => { child.gone = true; resolve(code); }));
        child.stdin.on('error', () => {});
        eachLine(child.stdout, take, (line) => process.stderr.write(`${place}: ${line}\n`));
        this.children.push(child);
        return child;
    }
    watch() {
        for (const unit of [1, 2]) {
            this.units[unit].child = this.spawnIn(`u${unit}`, 'watch.mjs', [unit, this.info.units[unit - 1].socket,
                this.info.credentials.engineer], (seen) => this.see(unit, seen));
        }
        this.watchers = { 1: this.units[1].child, 2: this.units[2].child };
    }
    see(unit, seen) {
        if (seen.answered) {
            this.waiting.get(seen.answered)?.(seen);
            return;
        }
        this.newest[unit] = { t: seen.t, asked: seen.asked, lsn: seen.lsn, chain: seen.chain };
        if (!seen.same) {
            this.units[unit] = seen;
            this.onSeen(seen);
        }
    }
    async handover(unit) {
        const key = `demo-handover-${this.orders++}`;
        const answered = new Promise((resolve) => this.waiting.set(key, resolve));
        this.watchers[unit].stdin.write(`${JSON.stringify({ order: 'handover', key })}\n`);
        const answer = await answered;
        if (answer.status !== 200) {
            throw new Error(`hand-over was answered ${answer.status}: ${answer.text}`);
        }
        return answer;
    }
    // Until `holds` is true of what the units say, asked after this call. Returns how long it took.
    async until(what, bound_ms, holds) {
        const began = nowMs();
        for (;;) {
            const fresh = this.newest[1].asked >= began && this.newest[2].asked >= began;
            if (fresh && holds(this.units[1], this.units[2], this.newest)) {
                return nowMs() - began;
            }
            if (nowMs() - began > bound_ms) {
                const tell = (unit) => JSON.stringify(unit, (key, value) => (key === 'child' ? undefined : value));
                throw new Error(`not within ${bound_ms} ms: ${what}; unit 1: ${tell(this.units[1])}, ` +
                    `unit 2: ${tell(this.units[2])}`);
            }
            await sleep(POLL_MS);
        }
    }
    duty() {
        return this.units[1].state === 'PAIRED_DUTY' ? 1 : this.units[2].state === 'PAIRED_DUTY' ? 2 : 0;
    }
    untilPaired(bound_ms, duty = 0) {
        return this.until('the pair is PAIRED', bound_ms, (one, two) => one.term === two.term &&
            ((one.state === 'PAIRED_DUTY' && two.state === 'PAIRED_SPARE' && duty !== 2) ||
             (two.state === 'PAIRED_DUTY' && one.state === 'PAIRED_SPARE' && duty !== 1)));
    }
    untilEqual(bound_ms) {
        return this.until('both ledgers end alike', bound_ms, (one, two, newest) =>
            newest[1].lsn === newest[2].lsn && newest[1].chain === newest[2].chain && newest[1].lsn > 0);
    }
    // Programs first and in order, then the mains: what a person does who goes home.
    async switchOff(unit) {
        const info = await this.command('info');
        process.kill(info.units[unit - 1].pids.supervisor, 'SIGTERM');
    }
    async untilOff(bound_ms) {
        const began = nowMs();
        for (;;) {
            const info = await this.command('info');
            if (info.units.every((unit) => !unit.power)) {
                return;
            }
            if (nowMs() - began > bound_ms) {
                throw new Error(`a unit is still on after ${bound_ms} ms`);
            }
            await sleep(100);
        }
    }
    // The ledgers and keys of two units that are off, copied as they lie there.
    keepDisks(dir) {
        for (const unit of [1, 2]) {
            const target = join(dir, `u${unit}`);
            mkdirSync(target, { recursive: true });
            for (const part of ['ledger', 'keys']) {
                cpSync(join(this.info.units[unit - 1].data_dir, part), join(target, part), { recursive: true });
            }
        }
    }
    // Their disks, whole, and what their programs logged: for the raw search.
    keepImages(dir) {
        for (const unit of [1, 2]) {
            const { data_dir, log_dir } = this.info.units[unit - 1];
            execFileSync('sync', ['-f', data_dir]);
            execFileSync('cp', ['--sparse=always', join(this.info.dir, 'disks', `u${unit}.img`),
                join(dir, `disk-u${unit}.img`)]);
            execFileSync('sh', ['-c', `cat "${log_dir}"/* >"${join(dir, `log-u${unit}.txt`)}"`]);
        }
    }
    keysOnDisk(day) {
        const prefix = `${day.replaceAll('-', '')}-`;
        return [1, 2].flatMap((unit) => {
            const dir = join(this.info.units[unit - 1].data_dir, 'keys');
            return existsSync(dir) ? readdirSync(dir).filter((file) => file.startsWith(prefix)) : [];
        });
    }
    // Both units certify that their disks no longer open that day.
    certified(day) {
        try {
            execFileSync(join(this.binDir, 'toban'), ['--name', this.name, 'day', 'certificate', day, '--json'],
                { stdio: 'ignore' });
            return true;
        } catch {
            return false;
        }
    }
    async end() {
        for (const child of this.children) {
            child.stdin.end();
        }
        const late = new Promise((resolve) => { setTimeout(resolve, END_MS).unref(); }); // keeps no program alive
        await Promise.race([Promise.all(this.children.map((child) => child.ended)), late]);
        for (const child of this.children.filter((one) => !one.gone)) {
            child.kill('SIGKILL');
        }
        if (this.up_done) {
            this.up_done = false;
            await this.command('down').catch((error) => console.error(error.message));
        }
    }
}

// A client process: orders go in, and `ask` waits until one was carried out.
export class Client {
    constructor(office, place, configPath, take) {
        this.orders = 0;
        this.done = new Map();
        this.child = office.spawnIn(place, 'client.mjs', [configPath], (message) => {
            if (message.done !== undefined) {
                this.done.get(message.done)?.(message.result);
            } else if (message.failed) {
                throw new Error(`client at ${place}: ${message.failed}`);
            } else {
                take(message);
            }
        });
    }
    tell(order) {
        this.child.stdin.write(`${JSON.stringify({ id: ++this.orders, ...order })}\n`);
        return this.orders;
    }
    async ask(order, bound_ms = 60000) {
        const id = this.tell(order);
        const answer = new Promise((resolve) => this.done.set(id, resolve));
        const late = sleep(bound_ms).then(() => { throw new Error(`${order.order}: no answer in ${bound_ms} ms`); });
        return Promise.race([answer, late]);
    }
}
