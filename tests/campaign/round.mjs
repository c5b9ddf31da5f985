// One round of the campaign: an office with visitors, staff and a board; the faults that a seed draws (schedule.mjs);
// everything healed; PAIRED again and plain numbers within their bounds (promise 14); then both lose power, and the
// independent checker judges what the clients received and what lies on the two disks.
//   round.mjs DIR SEED                   (root) DIR takes the evidence; exit 0: everything held
//   round.mjs DIR --replay schedule.json the same faults at the same times as that file says
// The last line of the standard output is the round's result as JSON, preceded by "result ".
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { nowMs, sleep } from '../../tools/office/demo/common.mjs';
import { broken, CALM_MS, expect, Life, ROOT, SERVE_BOUND_MS } from '../lib/life.mjs';
import { STARVED_MS } from '../lib/stalls.mjs';
import { describe, drawSchedule } from './schedule.mjs';
import { FAULTS, World } from './faults.mjs';

const STEADY_MS_MAX = 60000; // rule 10
const LONE_BOOT_MS = 30000;
const SLACK_MS = 1000; // a client's own tries, and the poll of a state
const RESUME_BOUND_MS = 20000;
const PATIENCE_MS = 120000;

// Faults that leave both units without the clients they need, or that a unit on duty cannot know of.
const STOPS_BOTH = new Set(['power-both', 'switch', 'stranger']);
const STOPS_NOBODY = new Set(['unplug-direct', 'hand-over', 'clock']);

class Round extends Life {
    constructor(dir, seed, faults) {
        super(dir, `camp${process.pid}`);
        Object.assign(this, { seed, faults, happened: [], breaks: 0 });
        this.world = new World(this, (text) => this.say(text));
    }
    // A bound of promise 14. On a machine that stood still it is no verdict: the round goes on without it, and is
    // counted apart.
    bound(holds, what) {
        if (!holds && this.machine.stalled_ms >= STARVED_MS) {
            this.result.starved = true;
            this.say(`no verdict, the machine stood still for ${this.machine.stalled_ms} ms: ${what}`);
            return;
        }
        expect(holds, what, false);
    }
    // Promise 14: 10 s, or the steadiness time of a pair that has been flapping.
    pairBound() {
        const breaks = Math.max(this.breaks, ...[1, 2].map((unit) => this.breaksSeenBy(unit)));
        const steady = breaks < 2 ? 0 : Math.min(STEADY_MS_MAX, 1000 * 2 ** (breaks - 2));
        this.breaks = breaks;
        return SERVE_BOUND_MS + steady;
    }
    breaksSeenBy(unit) {
        try {
            return this.asked(unit, 'explain').evidence.breaks_in_the_hour;
        } catch {
            return 0; // it does not answer now
        }
    }
    // Until it is `at` (ms after the first fault could begin).
    async until(at) {
        await sleep(Math.max(0, this.base + at - nowMs()));
    }
    async carryOut() {
        const waiting = [...this.faults];
        const active = [];
        this.base = nowMs();
        while (waiting.length + active.length > 0) {
            active.sort((a, b) => a.ends - b.ends);
            const [next] = waiting;
            const now = next !== undefined && (active.length === 0 || (next.at_ms < active[0].ends && !FAULTS[next.kind].alone));
            if (now) {
                waiting.shift();
                await this.until(next.at_ms);
                const undo = await this.begin(next);
                if (undo) {
                    active.push({ undo, ends: next.at_ms + next.for_ms });
                }
            } else {
                const one = active.shift();
                await this.until(one.ends);
                await one.undo();
            }
        }
    }
    async begin(fault) {
        const began = nowMs();
        this.say(`begin ${describe(fault)}`);
        const undo = await FAULTS[fault.kind](this.world, fault);
        const record = { ...fault, t: began, ended: undo ? Infinity : nowMs() };
        this.happened.push(record);
        if (FAULTS[fault.kind].alone) {
            this.base += Math.max(0, nowMs() - this.base - fault.at_ms); // what comes later keeps its distance
        }
        return undo && (async () => {
            this.say(`end   ${describe(fault)}`);
            await undo();
            record.ended = nowMs();
        });
    }
    async resumeAll() {
        for (const unit of this.world.stopped) {
            for (const began = nowMs(); await this.world.order(unit, 'duty', 'resume') !== 0; await sleep(100)) {
                expect(nowMs() - began < RESUME_BOUND_MS, `unit ${unit} cannot be resumed`);
            }
        }
    }
    async healAll() {
        this.healed_at = await this.heal();
        await this.resumeAll();
        this.healed_at = nowMs();
        this.result.first_number_ms = await this.numberAfter(this.healed_at, () => true, 'no number after everything was healed');
        await this.pairedAgain(this.healed_at);
        this.result.paired_ms = Math.round(nowMs() - this.healed_at);
        this.result.plain_ms = await this.numberAfter(nowMs(), (one) => !/[A-Z]/.test(one.issued), 'no plain number although PAIRED');
        await this.oneHolder();
        await sleep(CALM_MS);
    }
    // PAIRED within its bound since `t`. Each break meanwhile (a unit that is filled by a snapshot starts anew) begins
    // the wait for steadiness again, and longer.
    async pairedAgain(t) {
        const bound = this.pairBound();
        await this.office.untilPaired(PATIENCE_MS);
        const took = Math.round(nowMs() - t);
        this.bound(took <= bound + SLACK_MS || this.pairBound() > bound, `PAIRED after ${took} ms, ${bound} ms are allowed`);
    }
    async numberAfter(t, test, what) {
        const took = (await this.issuedAfter(t, test, PATIENCE_MS)).t - t;
        this.bound(took <= SERVE_BOUND_MS, `${what} for ${Math.round(took)} ms`);
        return Math.round(took);
    }
    async oneHolder() {
        for (const began = nowMs(); ; await sleep(100)) {
            if (this.holders().join() === String(this.office.duty())) {
                return;
            }
            expect(nowMs() - began < SERVE_BOUND_MS, `unit ${this.office.duty()} is on duty, the address is at ${this.holders()}`);
        }
    }
    affects(fault, unit) {
        if (STOPS_BOTH.has(fault.kind) || fault.links === 'lan') {
            return true;
        }
        return fault.kind === 'partition' ? fault.clients === 3 - unit
            : !STOPS_NOBODY.has(fault.kind) && fault.links === undefined && fault.unit === unit;
    }
    // When this unit could serve and nothing was wrong with it: from PAIRED, or long enough after its fault.
    cleanTimes(unit) {
        const end = this.healed_at;
        const times = [];
        let from = this.base;
        for (const fault of this.happened.filter((one) => this.affects(one, unit)).sort((a, b) => a.t - b.t)) {
            times.push([from, fault.t]);
            const settled = this.seen.find((one) => one.t > fault.ended && one.unit === unit && /^PAIRED/.test(one.state))?.t ?? Infinity;
            const alone = ['disk-wipe', 'damage'].includes(fault.kind) ? Infinity : fault.ended + LONE_BOOT_MS;
            from = Math.max(from, Math.min(settled, alone, end));
        }
        times.push([from, end]);
        return times.filter(([a, b]) => b - a > SERVE_BOUND_MS);
    }
    // Promise 14 while faults go on: a unit with which nothing is wrong serves within 10 s.
    checkService() {
        const served = this.issued.filter((one) => one.side === 'lan').map((one) => one.t).sort((a, b) => a - b);
        for (const unit of [1, 2]) {
            for (const [from, to] of this.cleanTimes(unit)) {
                const marks = [from, ...served.filter((t) => t > from && t < to), to];
                const gap = Math.max(...marks.slice(1).map((t, i) => t - marks[i]));
                this.result.service_windows++;
                this.bound(gap <= SERVE_BOUND_MS + SLACK_MS, `nothing was wrong with unit ${unit}, and no number for ${Math.round(gap)} ms`);
            }
        }
    }
    async live() {
        this.result = { seed: this.seed, version: version(), kinds: this.faults.map((one) => one.kind), service_windows: 0 };
        await this.open();
        writeFileSync(join(this.dir, 'schedule.json'), JSON.stringify({ seed: this.seed, faults: this.faults }, null, 1));
        await this.load();
        await this.carryOut();
        await this.healAll();
        this.checkService();
        const verdicts = await this.judged();
        this.result.checked = verdicts.reduce((sum, one) => sum + one.checked, 0);
        this.result.facts = Object.assign({}, ...verdicts.map((one) => one.facts));
    }
    keepEvidence() {
        const clean = (one) => JSON.stringify({ ...one, t: Math.round(one.t - this.began), asked: undefined });
        writeFileSync(join(this.dir, 'units.jsonl'), this.seen.map(clean).join('\n'));
        writeFileSync(join(this.dir, 'happened.json'), JSON.stringify(this.happened.map((one) => ({ ...one,
            t: Math.round(one.t - this.began), ended: Math.round(one.ended - this.began) })), null, 1));
        for (const unit of [1, 2]) {
            try {
                cpSync(this.office.info.units[unit - 1].log_dir, join(this.dir, `log-u${unit}`), { recursive: true });
            } catch (error) {
                this.say(`no logs of unit ${unit}: ${error.message}`);
            }
        }
    }
}

function version() {
    try {
        return execFileSync('git', ['-C', ROOT, 'describe', '--always', '--dirty'], { encoding: 'utf8', stdio: 'pipe' }).trim();
    } catch {
        return 'unknown';
    }
}

const [dir, first, file] = process.argv.slice(2);
if (!dir || !first || (first === '--replay') !== (file !== undefined) || (first !== '--replay' && !/^\d+$/.test(first))) {
    console.error('round.mjs DIR SEED | DIR --replay FILE');
    process.exit(2);
}
const drawn = file === undefined ? { seed: Number(first), faults: drawSchedule(Number(first)) } : JSON.parse(readFileSync(file, 'utf8'));
const round = new Round(resolve(dir), drawn.seed, drawn.faults);
let ending = false;
const end = (status) => {
    if (ending) {
        return;
    }
    ending = true;
    round.world.end();
    round.office.end().then(() => process.exit(status));
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => end(130));
}
process.on('uncaughtException', (error) => {
    console.log(`# ${error.stack}`);
    end(1);
});
const began = nowMs();
try {
    await round.live();
} catch (error) {
    console.log(`# ${error.stack}`);
    if (!broken.includes(error.message)) {
        broken.push(error.message);
    }
}
if (broken.length > 0) {
    round.keepEvidence();
}
round.world.end();
await round.office.end();
console.log(`result ${JSON.stringify({ ...round.result, ok: broken.length === 0, broken, ms: Math.round(nowMs() - began),
    stalled_ms: round.machine.stalled_ms, numbers: round.issued.length, terms_seen: new Set(round.seen.map((one) => one.term)).size })}`);
process.exit(broken.length === 0 ? 0 : 1);
