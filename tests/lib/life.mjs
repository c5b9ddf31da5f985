// An office with visitors, staff and a board that do not stop for what is done to it, and at its end the
// independent checker of the demo, which judges what the clients received and what the two disks hold. The fault
// scenarios (tests/integration/faults.mjs) and the campaign (tests/campaign/) live in it.
import { appendFileSync, closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Office } from '../../tools/office/demo/office.mjs';
import { judge, loadEvidence } from '../../tools/office/demo/checker.mjs';
import { nowMs, sleep } from '../../tools/office/demo/common.mjs';
import { watchMachine } from './stalls.mjs';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const DAYS = ['2026-11-24', '2026-11-25', '2026-11-26', '2026-11-27', '2026-11-30']; // the office's days: a weekend
export const EVERY_MS = 90; // a visitor
export const SERVE_BOUND_MS = 10000; // promise 14
export const PAIR_BOUND_MS = 30000; // 10 s, and the steadiness time of a pair that broke (rule 10)
export const STOP_BOUND_MS = 20000;
export const CALM_MS = 700; // some visitors before and after each fault
const DISK_MIB = 128;
const SETTLE_BOUND_MS = 60000;
const ASKED_MS = 5000;
const HEALED_MS = 3000; // so long after a heal waits are looked at
const WAIT_BOUND_MS = 2000;
const ERASED = 15; // the promise that needs an evening

// A unit is far behind much sooner here than in an office: every wiped disk is filled by a snapshot.
process.env.TOBAN_OFFICE_SNAPSHOT_ENTRIES = '40';

export const broken = [];

export function expect(right, what, stop = true) {
    if (!right) {
        broken.push(what);
        console.log(`# NOT SO: ${what}`);
        if (stop) {
            throw new Error(what);
        }
    }
}

export function ledgerFile(life, unit) {
    return join(life.office.info.units[unit - 1].data_dir, 'ledger', 'data.mdb');
}

export function keptAside(life, unit) {
    return join(life.office.info.units[unit - 1].data_dir, 'ledger.damaged', 'data.mdb');
}

// One bit wherever these bytes, of the name of a category, lie in the file; the daemon that has it open sees it, as
// of a disk that rots.
export function flipBits(path, bytes = Buffer.from('都市計画法第53条の許可')) {
    const content = readFileSync(path);
    const fd = openSync(path, 'r+');
    let flipped = 0;
    for (let at = content.indexOf(bytes); at >= 0; at = content.indexOf(bytes, at + 1)) {
        writeSync(fd, Buffer.from([content[at + 1] ^ 0x10]), 0, 1, at + 1);
        flipped++;
    }
    closeSync(fd);
    return flipped;
}

export class Life {
    constructor(dir, name) {
        Object.assign(this, { dir, began: nowMs(), issued: [], seen: [], boards: [], nights: [], wipes: [],
            journals: [], images: [] });
        this.office = new Office(name, join(ROOT, 'build/bin'),
            (seen) => this.seen.push({ ...seen, child: undefined }));
        this.machine = watchMachine();
    }
    // What this program asks for itself is evidence like any other.
    note(record) {
        if (!this.journals.includes('journal-desk.jsonl')) {
            this.journals.push('journal-desk.jsonl');
        }
        appendFileSync(join(this.dir, 'journal-desk.jsonl'), `${JSON.stringify(record)}\n`);
    }
    say(text) {
        console.log(`# ${((nowMs() - this.began) / 1000).toFixed(2)} s  ${text}`);
    }
    async open(at = `${DAYS[0]}T10:00`) {
        rmSync(this.dir, { recursive: true, force: true });
        mkdirSync(this.dir, { recursive: true });
        await this.office.up('--at', at, '--site', join(ROOT, 'tools/office/demo/site.yaml'), '--disk-mib',
            String(DISK_MIB));
        this.office.watch();
        this.lan = this.clients('lan', 'lan', '10.90.0.10', 1);
        await this.lan.ask({ order: 'board' });
        await this.paired();
    }
    async load() {
        await this.lan.ask({ order: 'open', counters: [1, 2, 3, 4] });
        this.lan.tell({ order: 'steady', every_ms: EVERY_MS });
        await this.issuedAfter(nowMs());
    }
    async work() {
        await this.load();
        this.noLetter(this.began);
        await sleep(CALM_MS);
    }
    clients(side, place, host, seed) {
        const config = { side, journal: join(this.dir, `journal-${side}.jsonl`), host, ...this.office.ways(), seed,
            categories: [1, 2, 3, 4, 5, 6].map((id) => ({ id, weight: 1 })), kiosks: 4, again: 0.2, cancel: 0.04,
            walk_ms: 30, service_ms: 120 };
        const path = join(this.dir, `client-${side}.json`);
        writeFileSync(path, JSON.stringify(config));
        this.journals.push(`journal-${side}.jsonl`);
        return new Client(this.office, place, path, (message) => {
            if (message.issued) {
                this.issued.push({ ...message, side });
            } else if (message.board) {
                this.boards.push(message.board);
            }
        });
    }
    // The first number that somebody at `side` got after `after`; it must come within the bound.
    async issuedAfter(after, test = () => true, bound_ms = SERVE_BOUND_MS) {
        for (;;) {
            const first = this.issued.find((one) => one.t > after && test(one));
            if (first) {
                return first;
            }
            if (nowMs() - after > bound_ms) {
                throw new Error(`no such number within ${bound_ms} ms`);
            }
            await sleep(10);
        }
    }
    async fault(...words) {
        const answer = await this.office.fault(...words);
        const fault = { t: answer.at_monotonic_us / 1000, done: answer.done_monotonic_us / 1000 };
        this.say(`fault ${words.join(' ')}`);
        return fault;
    }
    async heal(...words) {
        const answer = await this.office.heal(...words);
        this.say(`heal ${words.join(' ')}`);
        return answer.at_monotonic_us / 1000;
    }
    async paired(duty = 0, bound_ms = PAIR_BOUND_MS) {
        const took = await this.office.untilPaired(bound_ms, duty);
        this.say(`PAIRED after ${Math.round(took)} ms, unit ${this.office.duty()} on duty, term ${this.term()}`);
        return took;
    }
    term() {
        return this.office.units[1].term;
    }
    // What units said since `t`: none of them may have been in one of these states.
    never(t, what, test) {
        const found = this.seen.find((one) => one.t > t && test(one));
        expect(!found, `${what}: unit ${found?.unit} ${found?.state} ${found?.reason}`);
    }
    neverBroke(t) {
        this.never(t, 'the pair broke', (one) => !['PAIRED_DUTY', 'PAIRED_SPARE', 'HANDING_OVER'].includes(one.state));
    }
    letters(from, to = Infinity) {
        return this.issued.filter((one) => one.t > from && one.t < to && /[A-Z]/.test(one.issued));
    }
    noLetter(from, to) {
        const [first] = this.letters(from, to);
        expect(!first, `a letter where two disks were there: ${first?.issued}`);
    }
    holders() {
        return [1, 2].filter((unit) => execFileSync('ip', ['-n', `${this.office.name}-u${unit}`, '-o', 'addr', 'show',
            'lan0'], { encoding: 'utf8' }).includes('10.90.0.10/'));
    }
    // As root on the unit: one that is blank, or damaged, knows nobody's credential.
    status(unit) {
        return this.asked(unit, 'status');
    }
    asked(unit, ...words) {
        return JSON.parse(execFileSync(join(ROOT, 'build/bin/toban'), ['--name', this.office.name, '--unit', String(unit), '--json',
            ...words], { encoding: 'utf8', timeout: ASKED_MS }));
    }
    reasons(unit) {
        const status = this.status(unit);
        return [...status.units.find((one) => one.here).reasons, ...status.reasons];
    }
    async board(text) {
        for (const began = nowMs(); !this.boards.includes(text); await sleep(20)) {
            expect(nowMs() - began < SERVE_BOUND_MS, `the board did not show "${text}"`);
        }
        this.say(`board: ${text}`);
    }
    async empty() {
        for (const began = nowMs(); ; await sleep(100)) {
            const seen = await this.lan.ask({ order: 'queue' });
            const busy = seen.reply?.counters?.some((counter) => counter.ticket);
            if (seen.status === 200 && !busy && seen.reply.categories.every((one) => one.waiting === 0)) {
                return;
            }
            expect(nowMs() - began < SETTLE_BOUND_MS, 'visitors are still waiting');
        }
    }
    async bothOff() {
        await Promise.all([1, 2].map((unit) => this.office.fault('power', unit).catch(() => {})));
        await this.office.untilOff(STOP_BOUND_MS);
    }
    // Who asked after `healed` did not wait for an address that is somewhere else (measured from their first try).
    checkWaits(requests) {
        const first = new Map();
        const waits = [];
        for (const one of requests.filter((each) => each.side === 'lan' && each.key && each.what !== 'again' && each.sent > this.healed)) {
            first.set(one.key, Math.min(first.get(one.key) ?? Infinity, one.sent));
            if (one.status >= 200 && one.status < 500 && first.get(one.key) < this.healed + HEALED_MS) {
                waits.push(one.received - first.get(one.key));
            }
        }
        if (this.healed) {
            this.say(`the longest wait after the heal: ${Math.round(Math.max(...waits))} ms of ${waits.length}`);
            expect(waits.length > 0 && Math.max(...waits) < WAIT_BOUND_MS, 'somebody waited too long after it', false);
        }
    }
    // Everybody gets an answer, both lose power, and what was received is held against what is on the disks.
    // Returns the verdicts.
    async judged() {
        this.lan.tell({ order: 'close_doors' });
        await this.lan.ask({ order: 'leave', counters: [1, 2, 3, 4] });
        await this.lan.ask({ order: 'settle' });
        await this.office.untilEqual(SERVE_BOUND_MS);
        await this.lan.ask({ order: 'end' });
        await this.bothOff();
        this.office.keepDisks(join(this.dir, 'final'));
        if (this.nights.length > 0) {
            this.office.keepImages(this.dir);
            this.images = ['disk-u1.img', 'disk-u2.img', 'log-u1.txt', 'log-u2.txt'];
        }
        writeFileSync(join(this.dir, 'evidence.json'), JSON.stringify({ journals: this.journals, nights: this.nights,
            final: 'final', wipes: this.wipes, images: this.images }));
        const evidence = await loadEvidence(this.dir);
        this.checkWaits(evidence.requests);
        const { verdicts } = judge(evidence);
        for (const one of verdicts.filter((each) => each.promise !== ERASED || this.nights.length > 0)) {
            this.say(`promise ${one.promise}: ${one.ok ? 'held' : 'BROKEN'}, ${one.checked} checked ` +
                JSON.stringify(one.facts));
            one.problems.slice(0, 12).forEach((problem) => console.log(`#   ! ${problem}`));
            expect(one.ok, `promise ${one.promise}: ${one.en}: ${one.problems[0]}`, false);
        }
        return verdicts;
    }
}
