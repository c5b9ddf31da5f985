// The figures of docs/EVIDENCE.md. What a command left behind becomes one small file of docs/evidence/, and those
// become the page's tables; nothing there is written by hand.
//   evidence.mjs collect campaign RESULTS.jsonl...     what make campaign wrote (build/campaign/results.jsonl)
//   evidence.mjs collect sim LOG...                    what make sim or make soak printed
//   evidence.mjs collect planted LOG                   what make planted printed
//   evidence.mjs collect test LOG                      what make test printed
//   evidence.mjs collect NAME --command TEXT KEY=VALUE...   anything else, by its own figures
//   evidence.mjs write                                 (make evidence) the tables of the page, from those files and the tree
//   evidence.mjs check                                 exit 1 when the page is not what write would write
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const DIR = join(ROOT, 'docs/evidence');
const PAGE = join(ROOT, 'docs/EVIDENCE.md');
const BEGIN = '<!-- below: written by make evidence -->';
// What is asked for; what no file says is 未計測.
const PARTS = ['test', 'sim', 'soak', 'model', 'planted', 'campaign', 'crash-images', 'nth-failure', 'fuzz', 'bench'];

const sum = (list) => list.reduce((a, b) => a + b, 0);
const text = (path) => readFileSync(path, 'utf8');
const number = (value) => (typeof value === 'number' ? value.toLocaleString('en-US') : String(value));

function version() {
    return execFileSync('git', ['-C', ROOT, 'describe', '--always'], { encoding: 'utf8' }).trim();
}

function quantile(list, share) {
    const sorted = [...list].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

function ofCampaign(files) {
    const rounds = files.flatMap((file) => text(file).trim().split('\n').map((line) => JSON.parse(line)));
    const whole = rounds.filter((one) => one.facts !== undefined);
    const timed = whole.filter((one) => !one.starved);
    const kinds = new Map();
    rounds.flatMap((one) => one.kinds ?? []).forEach((kind) => kinds.set(kind, (kinds.get(kind) ?? 0) + 1));
    const facts = (name) => sum(whole.map((one) => one.facts[name] ?? 0));
    return { command: `make campaign N=${rounds.length}`, version: [...new Set(rounds.map((one) => one.version))].join(' '), figures: {
        rounds: rounds.length, 'every promise held': rounds.filter((one) => one.ok).length,
        'failed, each looked at': rounds.filter((one) => !one.ok).length,
        'no verdict on times: the machine stood still': rounds.filter((one) => one.ok && one.starved).length,
        'hours of office life': Math.round(sum(rounds.map((one) => one.ms)) / 360000) / 10,
        'faults injected': sum([...kinds.values()]),
        'by kind': [...kinds].sort((a, b) => b[1] - a[1]).map(([kind, count]) => `${kind} ${count}`).join(', '),
        'tickets that clients received': facts('tickets'), 'of them by letter': facts('letters'),
        'ledger entries': facts('entries'), terms: facts('terms'), sessions: facts('sessions'), 'replaced tails': facts('tails'),
        'keys answered again': facts('answered_again'), 'things the checker compared': sum(whole.map((one) => one.checked)),
        'first number after everything healed, p50 / p99 / longest, ms': [0.5, 0.99, 1].map((share) =>
            quantile(timed.map((one) => one.first_number_ms), share)).join(' / '),
        'PAIRED after everything healed, p50 / p99 / longest, ms (with rule 10)': [0.5, 0.99, 1].map((share) =>
            quantile(timed.map((one) => one.paired_ms), share)).join(' / ') } };
}

function ofSim(files) {
    const logs = files.map(text).join('\n');
    const all = (pattern) => [...logs.matchAll(pattern)];
    const add = (pattern) => sum(all(pattern).map((found) => Number(found[1])));
    return { command: 'make sim SEEDS=n', figures: { 'days (seeds)': add(/^seeds (\d+), failed/gm),
        'failed': add(/^seeds \d+, failed (\d+)/gm), tickets: add(/tickets (\d+)/g), faults: add(/, faults (\d+)/g),
        terms: add(/, terms (\d+)/g), 'requests said again': add(/retries (\d+)/g), events: add(/events (\d+)/g),
        'duty rows met': all(/duty rows met: (\d+ of \d+)/g).at(-1)?.[1], 'rows x faults': all(/rows x faults: (\d+ of \d+)/g).at(-1)?.[1],
        'service days an hour a core': all(/^(\d+) service days an hour/gm).at(-1)?.[1] } };
}

function ofPlanted([file]) {
    const log = text(file);
    const count = (pattern) => [...log.matchAll(pattern)].length;
    return { command: 'make planted', figures: { planted: count(/^(caught|not caught|NOT CAUGHT|WRONG) /gm),
        found: count(/^caught /gm), 'of them by the simulator': count(/^caught +\S+: (seed|.*invariant)/gm),
        'by a test': count(/^caught +\S+: tests\//gm), 'by the campaign': count(/^caught +\S+: campaign/gm),
        'not found': count(/^(not caught|NOT CAUGHT) /gm),
        'seeds the simulator took, median / most': [0.5, 1].map((share) => quantile([...log.matchAll(/^caught +\S+: seed (\d+)/gm)]
            .map((hit) => Number(hit[1])), share)).join(' / ') } };
}

function ofTest([file]) {
    const found = text(file).match(/(\d+) passed, (\d+) failed, (\d+) skipped\s*$/m);
    const took = text(file).match(/== done in (\d+) s/);
    return { command: 'make test', figures: { passed: Number(found[1]), failed: Number(found[2]), skipped: Number(found[3]),
        seconds: Number(took?.[1]) } };
}

function collect(name, words) {
    const readers = { campaign: ofCampaign, sim: ofSim, soak: ofSim, planted: ofPlanted, test: ofTest };
    const made = readers[name] && !words.includes('--command') ? readers[name](words)
        : { command: words[words.indexOf('--command') + 1], figures: Object.fromEntries(words.slice(2).map((word) =>
            [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)])) };
    const part = { part: name, on: new Date().toISOString().slice(0, 10), version: version(), ...made };
    writeFileSync(join(DIR, `${name}.json`), `${JSON.stringify(part, null, 1)}\n`);
}

// ---- what the tree itself says ----------------------------------------------------------------------

function filesOf(dir, end) {
    return existsSync(join(ROOT, dir)) ? readdirSync(join(ROOT, dir)).filter((name) => name.endsWith(end)).map((name) => join(ROOT, dir, name)) : [];
}

function occurrences(files, pattern) {
    return sum(files.map((file) => [...text(file).matchAll(pattern)].length));
}

function ofTree() {
    const cmocka = (dir) => occurrences(filesOf(dir, '_test.c'), /^static void \w+\(void \*\*state\)\n/gm);
    return [
        ['unit tests', cmocka('tests/unit'), 'make unit'], ['regression tests', cmocka('tests/regression'), 'make unit'],
        ['tests on both seams', cmocka('tests/conformance'), 'make unit'],
        ['integration tests in C', cmocka('tests/integration'), 'tests/run.sh integration'],
        ['integration tests on real processes', occurrences(filesOf('tests/integration', '.bats'), /^@test /gm), 'tests/run.sh integration'],
        ['browser tests', occurrences(filesOf('tests/browser', '.test.mjs'), /\bit\(/g), 'tests/run.sh browser'],
        ['bugs planted', filesOf('tests/planted', '.patch').length, 'make planted'],
        ['fuzz targets', filesOf('tests/fuzz', '_fuzz.c').length, 'make fuzz'],
    ];
}

function tables() {
    const rows = ofTree().map(([what, count, command]) => `| ${what} | ${number(count)} | \`${command}\` |`);
    const parts = PARTS.map((name) => {
        const path = join(DIR, `${name}.json`);
        if (!existsSync(path)) {
            return `### ${name}\n\n未計測 (not run).\n`;
        }
        const part = JSON.parse(text(path));
        const lines = Object.entries(part.figures).filter(([, value]) => value !== undefined && value !== null)
            .map(([what, value]) => `| ${what} | ${number(value)} |`);
        return `### ${name}\n\n\`${part.command}\`, ${part.on}, version ${part.version}.\n\n| what | figure |\n|---|---|\n${lines.join('\n')}\n`;
    });
    return `## In the tree\n\n| what | count | run by |\n|---|---|---|\n${rows.join('\n')}\n\n## What was run\n\n${parts.join('\n')}`;
}

function page() {
    const before = text(PAGE);
    return `${before.slice(0, before.indexOf(BEGIN) + BEGIN.length)}\n\n${tables()}`;
}

const [order, name, ...words] = process.argv.slice(2);
if (order === 'collect' && name !== undefined && words.length > 0) {
    collect(name, words);
} else if (order === 'write') {
    writeFileSync(PAGE, page());
} else if (order === 'check') {
    process.exit(page() === text(PAGE) ? 0 : 1);
} else {
    console.error('evidence.mjs collect NAME FILE... | collect NAME --command TEXT KEY=VALUE... | write | check');
    process.exit(2);
}
