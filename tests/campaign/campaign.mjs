// Rounds of random faults on live offices, one process a round, until N are done.
//   campaign.mjs DIR [--rounds N] [--seed FIRST] [--jobs J] [--stop]     (root) --stop: at the first that fails
// DIR/results.jsonl gets a line for each round, DIR/round-SEED.log what happened in it; of a round that failed all
// evidence stays in DIR/round-SEED/. Prints TAP. SIGINT ends the rounds that run, and their offices. Exit 0: all held.
import { spawn } from 'node:child_process';
import { appendFileSync, createWriteStream, mkdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { eachLine, nowMs } from '../../tools/office/demo/common.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const MS_PER_MINUTE = 60000;
const ROUND_MS_MAX = 600000; // far more than its own bounds add up to

const { values, positionals } = parseArgs({ allowPositionals: true, options: { rounds: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' }, jobs: { type: 'string', default: '1' }, stop: { type: 'boolean', default: false } } });
if (positionals.length !== 1 || [values.rounds, values.seed, values.jobs].some((text) => !/^[1-9]\d*$/.test(text))) {
    console.error('campaign.mjs DIR [--rounds N] [--seed FIRST] [--jobs J] [--stop]');
    process.exit(2);
}
const dir = resolve(positionals[0]);
const rounds = Number(values.rounds);
const first = Number(values.seed);
const began = nowMs();
const running = new Set();
const failed = [];
let starved = 0;
let given = 0;
let done = 0;
let interrupted = false;

function runRound(seed) {
    const place = join(dir, `round-${seed}`);
    const log = createWriteStream(`${place}.log`);
    const child = spawn(process.execPath, [join(HERE, 'round.mjs'), place, String(seed)], { stdio: ['ignore', 'pipe', 'pipe'] });
    const late = setTimeout(() => child.kill('SIGTERM'), ROUND_MS_MAX);
    let result = { seed, ok: false, broken: ['it ended without a result'] };
    const text = (line) => {
        if (line.startsWith('result ')) {
            result = JSON.parse(line.slice('result '.length));
        } else {
            log.write(`${line}\n`);
        }
    };
    running.add(child);
    eachLine(child.stdout, () => {}, text);
    eachLine(child.stderr, () => {}, text);
    return new Promise((end) => child.on('close', () => {
        clearTimeout(late);
        running.delete(child);
        log.end();
        end(result);
    }));
}

function tell(result) {
    const left_minutes = (rounds - done) * (nowMs() - began) / done / MS_PER_MINUTE;
    console.log(`${result.ok ? 'ok' : 'not ok'} ${done} - seed ${result.seed}: ${result.kinds?.join(', ') ?? 'no faults'}${result.ok && result.starved
        ? ' # SKIP its bounds of time: the machine stood still' : ''}`);
    if (!result.ok) {
        console.log(`#   ${result.broken.join('\n#   ')}`);
        console.log(`#   again: node tests/campaign/round.mjs ${join(dir, 'again')} --replay ${join(dir, `round-${result.seed}`, 'schedule.json')}`);
    }
    console.log(`# ${done} of ${rounds} rounds, ${failed.length} failed, about ${Math.ceil(left_minutes)} min left`);
}

async function worker() {
    while (given < rounds && !interrupted && !(values.stop && failed.length > 0)) {
        const seed = first + given++;
        const result = await runRound(seed);
        if (interrupted) {
            return;
        }
        done++;
        appendFileSync(join(dir, 'results.jsonl'), `${JSON.stringify(result)}\n`);
        starved += result.ok && result.starved ? 1 : 0;
        if (result.ok) {
            rmSync(join(dir, `round-${seed}`), { recursive: true, force: true });
        } else {
            failed.push(seed);
        }
        tell(result);
    }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
        interrupted = true;
        running.forEach((child) => child.kill('SIGTERM'));
    });
}
mkdirSync(dir, { recursive: true });
console.log(`1..${rounds}`);
await Promise.all(Array.from({ length: Number(values.jobs) }, worker));
console.log(`# ${done} rounds in ${Math.round((nowMs() - began) / 1000)} s, ${starved} on a machine that stood still, ${failed.length} failed${failed.length > 0
    ? `: seeds ${failed.join(' ')}` : ''}`);
process.exit(interrupted ? 130 : failed.length > 0 ? 1 : 0);
