// make demo: one office day, unattended, on real processes. Visitors take numbers, staff call them, a board
// shows it, and meanwhile everything breaks once that DESIGN promises to survive. Then the evening, the
// night, the next morning, a second night by the breaker, and the verdict of the independent checker.
//
//   demo.mjs OUTPUT_DIR      (root) exit 0: every step and every promise held; report in OUTPUT_DIR/report.html
//
// Nothing is tried twice to make it green: a wait that ends at its bound ends the demo with exit 1, and the
// report says where.
import { cpSync, mkdirSync, rmSync, writeFileSync, readFileSync, readdirSync, existsSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Office } from './office.mjs';
import { nowMs, sleep } from './common.mjs';
import { judge, loadEvidence } from './checker.mjs';
import { expectations, measure } from './measure.mjs';
import { writeReport } from './report.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = resolve(HERE, '../../..');
const DAY = '2026-11-24';
const NEXT = '2026-11-25';
const LAST = '2026-11-26';
const VISITORS = 330;
const STREAM_MS = 95000;
const PAIR_BOUND_MS = 30000; // 10 s, and the steadiness time of a pair that broke several times (rule 10)
const SERVE_BOUND_MS = 10000; // promise 14
const STOP_BOUND_MS = 20000;
const DISK_MIB = 384;
const SETTLE_BOUND_MS = 60000;

const out = resolve(process.argv[2] ?? 'build/demo');
const short = process.argv.includes('--short'); // few visitors: for the data set of the self-test
const scale = short ? 0.12 : 1;
const name = `demo${process.pid}`;
const state = { began: 0, chapters: [], seen: [], issued: [], faults: [], boards: [], wipes: [], nights: [],
    trouble: null, short };
const office = new Office(name, join(ROOT, 'build/bin'), (seen) => state.seen.push(seen));
let client = null;

function log(text) {
    const t = state.began ? ((nowMs() - state.began) / 1000).toFixed(1).padStart(6) : '      ';
    console.log(`${t} s  ${text}`);
}

function count(number) {
    return Math.max(4, Math.round(number * scale));
}

// ---- pieces of the day --------------------------------------------------------------------------------

async function chapter(id, at, ja, en, act) {
    const one = { id, ja, en, began: nowMs(), facts: {}, bounds: [] };
    state.chapters.push(one);
    if (at) {
        await office.timePassesTo(at);
    }
    one.office = new Date(office.wallMs() + 9 * 3600000).toISOString().slice(0, 19);
    log(`${one.office.slice(11, 16)}  ${ja} / ${en}`);
    await act(one);
    one.ended = nowMs();
}

// A wait with its bound: both are in the report.
async function within(one, ja, en, bound_ms, promise) {
    const began = nowMs();
    await promise;
    const took = nowMs() - began;
    one.bounds.push({ ja, en, bound_ms, took_ms: took });
    log(`        ${en}: ${(took / 1000).toFixed(2)} s (≤ ${bound_ms / 1000} s)`);
}

async function breakIt(one, ja, en, words) {
    const answer = await office.fault(...words);
    const fault = { chapter: one.id, ja, en, words, t: answer.at_monotonic_us / 1000,
        done: answer.done_monotonic_us / 1000 };
    state.faults.push(fault);
    one.fault = fault;
    return fault;
}

async function mend(one, ja, en, words = []) {
    const answer = await office.heal(...words);
    const mark = { chapter: one.id, ja, en, heal: true, t: answer.at_monotonic_us / 1000 };
    state.faults.push(mark);
    return mark;
}

function take(message) {
    if (message.issued) {
        state.issued.push(message);
    } else if (message.board) {
        state.boards.push(message);
        log(`        board: ${message.board}`);
    }
}

async function untilIssued(after, bound_ms, test = () => true) {
    const began = nowMs();
    while (!state.issued.some((one) => one.t > after && test(one.issued))) {
        if (nowMs() - began > bound_ms) {
            throw new Error(`no number was given within ${bound_ms} ms`);
        }
        await sleep(10);
    }
}

async function untilBoard(text, bound_ms) {
    const began = nowMs();
    while (!state.boards.some((one) => one.board === text)) {
        if (nowMs() - began > bound_ms) {
            throw new Error(`the board did not show "${text}" within ${bound_ms} ms`);
        }
        await sleep(20);
    }
}

function crowdAround(label, number = 40, every_ms = 25) {
    return client.ask({ order: 'wave', label, count: count(number), every_ms });
}

function startClient(side, place, seed, categories) {
    const config = { side, journal: join(out, `journal-${side}.jsonl`), host: '10.90.0.10', ...office.ways(), seed, categories,
        kiosks: side === 'lan' ? 4 : 1, again: 0.12, cancel: 0.04, walk_ms: 60, service_ms: 330 };
    const path = join(out, `client-${side}.json`);
    writeFileSync(path, JSON.stringify(config));
    return new Client(office, place, path, take);
}

async function settled(one) {
    await within(one, '待っている人が全員呼ばれるまで', 'everybody who waits was called', SETTLE_BOUND_MS, (async () => {
        for (;;) {
            const seen = await client.ask({ order: 'queue' });
            const busy = seen.reply?.counters?.some((counter) => counter.ticket);
            if (seen.status === 200 && !busy && seen.reply.categories.every((each) => each.waiting === 0)) {
                return;
            }
            await sleep(100);
        }
    })());
}

// ---- the day ------------------------------------------------------------------------------------------

async function opening(one) {
    await client.ask({ order: 'board' });
    await client.ask({ order: 'visit', label: 'early' }); // 08:29: refused, with the reason
    await office.timePassesTo(`${DAY}T08:29:58`);
    await within(one, '08:30 に開庁日が始まる', 'the day opens at 08:30', SERVE_BOUND_MS,
        untilBoard(`${DAY} OPEN`, SERVE_BOUND_MS));
    await client.ask({ order: 'open', counters: [1, 2, 3, 4] });
    client.tell({ order: 'stream', visitors: count(VISITORS), ms: STREAM_MS });
    await within(one, '最初の番号', 'the first number', SERVE_BOUND_MS, untilIssued(one.began, SERVE_BOUND_MS));
    await sleep(6000 * scale);
}

async function handover(one) {
    const from = office.duty();
    const rush = crowdAround('handover');
    await sleep(300);
    const answer = await office.handover(from);
    const fault = { chapter: one.id, ja: '計画交代', en: 'planned hand-over', t: answer.began, done: answer.ended };
    state.faults.push(fault);
    one.fault = fault;
    await within(one, '相手が当番になる', 'the other is on duty', SERVE_BOUND_MS,
        office.untilPaired(SERVE_BOUND_MS, 3 - from));
    await rush;
    one.facts.from = from;
}

async function crash(one) {
    const unit = office.duty();
    const rush = crowdAround('crash');
    await sleep(300);
    const fault = await breakIt(one, `${unit}号機の toband を強制終了`, `toband of unit ${unit} killed`, ['crash', unit]);
    await untilIssued(fault.t, SERVE_BOUND_MS);
    await rush;
    await within(one, 'ふたたび連携', 'PAIRED again', PAIR_BOUND_MS, office.untilPaired(PAIR_BOUND_MS));
}

async function power(one) {
    const unit = office.duty();
    const rush = crowdAround('power', 60);
    await sleep(300);
    const fault = await breakIt(one, `${unit}号機（当番）の電源断`, `power of unit ${unit} (on duty) cut`,
        ['power', unit]);
    await within(one, '残った号機が番号を出す', 'the other gives numbers', SERVE_BOUND_MS,
        untilIssued(fault.t, SERVE_BOUND_MS, (display) => /[A-Z]/.test(display)));
    await rush;
    await sleep(4000 * scale);
    await crowdAround('alone', 16);
    await mend(one, `${unit}号機に電源`, `power to unit ${unit}`, [unit]);
    await within(one, '合流して連携', 'met again, PAIRED', PAIR_BOUND_MS, office.untilPaired(PAIR_BOUND_MS));
    await crowdAround('after', 12);
}

async function wipe(one) {
    const duty = office.duty();
    const spare = 3 - duty;
    const term = office.units[duty].term;
    const rush = crowdAround('wipe', 50);
    await sleep(300);
    const fault = await breakIt(one, `${spare}号機（予備）のディスクを白紙に`, `disk of unit ${spare} (spare) wiped`,
        ['disk-wipe', spare]);
    state.wipes.push({ unit: spare, wall_ms: office.wallMs() });
    await untilIssued(fault.done, SERVE_BOUND_MS);
    await rush;
    await within(one, '白紙から全台帳を受け取り連携', 'filled from nothing, PAIRED', PAIR_BOUND_MS,
        office.until('the wiped unit is the spare of a new term', PAIR_BOUND_MS, (a, b) =>
            a.term === b.term && a.term > term && [a.state, b.state].sort().join() === 'PAIRED_DUTY,PAIRED_SPARE'));
}

async function partition(one) {
    const duty = office.duty();
    const other = 3 - duty;
    await client.ask({ order: 'leave', counters: [4] });
    const rush = crowdAround('partition', 60);
    await sleep(300);
    const fault = await breakIt(one, '二台の間が切れる（端末は両側に）', 'the units lose each other, clients on both sides',
        ['partition', '--clients', duty]);
    const side = startClient('side', `u${other}`, 77, categories());
    await side.ask({ order: 'open', counters: [4] });
    await side.ask({ order: 'wave', label: 'side', count: count(30), every_ms: 60 });
    await within(one, '両側がそれぞれの文字で番号を出す', 'both sides give numbers, each by its letter', SERVE_BOUND_MS,
        (async () => {
            const letters = () => new Set(state.issued.filter((each) => each.t > fault.t)
                .map((each) => each.issued.match(/[A-Z]/)?.[0]).filter(Boolean));
            const began = nowMs();
            while (letters().size < 2) {
                if (nowMs() - began > SERVE_BOUND_MS) {
                    throw new Error(`only ${[...letters()].join()} gave numbers behind the cut`);
                }
                await sleep(20);
            }
        })());
    await rush;
    await sleep(3000 * scale);
    await side.ask({ order: 'leave', counters: [4] });
    await side.ask({ order: 'end' });
    await mend(one, '回線が戻る', 'the links are back');
    await within(one, '合流して連携', 'met again, PAIRED', PAIR_BOUND_MS, office.untilPaired(PAIR_BOUND_MS));
    await client.ask({ order: 'open', counters: [4] });
    await crowdAround('after', 12);
}

async function switchRestart(one) {
    const duty = office.duty();
    const { term } = office.units[duty];
    const rush = crowdAround('switch', 30, 40);
    await sleep(300);
    const fault = await breakIt(one, '窓口側スイッチの再起動', 'the service switch restarts',
        ['switch', '--dead', '3', '--learning', '2']);
    const back = fault.t + 5000;
    await rush;
    await untilIssued(back, 2 * SERVE_BOUND_MS);
    const first = state.issued.find((each) => each.t > fault.done + 100);
    one.facts.after_forwarding_ms = Math.round(first.t - back);
    await within(one, '連携', 'PAIRED', PAIR_BOUND_MS,
        office.untilPaired(PAIR_BOUND_MS));
    one.facts.duty_moved = office.duty() !== duty;
    one.facts.new_term = office.units[office.duty()].term !== term;
}

async function closing(one) {
    client.tell({ order: 'close_doors' });
    await office.until('both know that it is after closing', SERVE_BOUND_MS, (a, b) =>
        a.level === 'AFTER_CLOSING' && b.level === 'AFTER_CLOSING');
    await client.ask({ order: 'visit', label: 'late' }); // 17:00: refused, with the reason
    await settled(one);
    await office.timePassesTo(`${one.office.slice(0, 10)}T19:00:01`);
    await within(one, '開庁日が終わる', 'the day is closed', SERVE_BOUND_MS,
        office.until('the day is CLOSED on both', SERVE_BOUND_MS, (a, b) => a.day === 'CLOSED' && b.day === 'CLOSED'));
    await client.ask({ order: 'leave', counters: [1, 2, 3, 4] });
    await office.untilEqual(SERVE_BOUND_MS);
}

async function nightByHand(one) {
    const duty = office.duty();
    await office.switchOff(3 - duty);
    await office.until('the spare is off', STOP_BOUND_MS, (a, b) => [a, b][2 - duty].state === 'OFF');
    await office.switchOff(duty);
    await within(one, '二台とも停止', 'both are off', STOP_BOUND_MS, office.untilOff(STOP_BOUND_MS));
    await Promise.all([1, 2].map((unit) => office.fault('power', unit).catch(() => {}))); // the mains, too
    office.keepDisks(join(out, 'night1'));
    state.nights.push({ day: 20261124, dir: 'night1' });
}

async function morning(one, first, yesterday, today) {
    await mend(one, `${first}号機に電源`, `power to unit ${first}`, [first]);
    await sleep(3000);
    await mend(one, `${3 - first}号機に電源`, `power to unit ${3 - first}`, [3 - first]);
    await within(one, '開庁前に連携', 'PAIRED before opening', PAIR_BOUND_MS, office.untilPaired(PAIR_BOUND_MS));
    const at = new Date(office.wallMs() + 9 * 3600000).toISOString();
    if (at.slice(0, 16) >= `${today}T08:30`) {
        throw new Error(`PAIRED at ${at} only`);
    }
    await within(one, '前日のデータを消去', "yesterday's visits erased", SERVE_BOUND_MS,
        office.until(`${yesterday} is ERASED on both`, SERVE_BOUND_MS, (a, b) => a.day === 'ERASED' && b.day === 'ERASED'));
    await office.until('the keys are gone', SERVE_BOUND_MS, () => office.keysOnDisk(yesterday).length === 0);
    await within(one, '両号機の消去証明', 'both certify the erasure', SERVE_BOUND_MS,
        office.until('both certify it', SERVE_BOUND_MS, () => office.certified(yesterday)));
    await office.timePassesTo(`${today}T08:29:58`);
    await within(one, '08:30 に開庁日が始まる', 'the day opens at 08:30', SERVE_BOUND_MS,
        untilBoard(`${today} OPEN`, SERVE_BOUND_MS));
    await client.ask({ order: 'open', counters: [1, 2, 3, 4] });
    await crowdAround('morning', 24, 40);
    const letters = state.issued.filter((each) => each.t > one.began && /[A-Z]/.test(each.issued));
    if (letters.length > 0) {
        throw new Error(`a letter on a morning with two units: ${letters[0].issued}`);
    }
}

async function nightByBreaker(one) {
    await Promise.all([office.fault('power', 1), office.fault('power', 2)]);
    await within(one, '二台とも電源断', 'both without power', STOP_BOUND_MS, office.untilOff(STOP_BOUND_MS));
    office.keepDisks(join(out, 'night2'));
    state.nights.push({ day: 20261125, dir: 'night2' });
}

// After the last erasure: both off, and their disks, whole, for the raw search.
async function lastLook(one) {
    await office.untilEqual(SERVE_BOUND_MS);
    await client.ask({ order: 'end' });
    const duty = office.duty();
    await office.switchOff(3 - duty);
    await office.until('the spare is off', STOP_BOUND_MS, (a, b) => [a, b][2 - duty].state === 'OFF');
    await office.switchOff(duty);
    await within(one, '二台とも停止', 'both are off', STOP_BOUND_MS, office.untilOff(STOP_BOUND_MS));
    office.keepDisks(join(out, 'final'));
    office.keepImages(out);
}

function categories() {
    const weights = [5, 6, 3, 1.5, 2, 1.5];
    return weights.map((weight, i) => ({ id: i + 1, weight }));
}

async function theDay() {
    mkdirSync(out, { recursive: true });
    for (const old of readdirSync(out)) {
        rmSync(join(out, old), { recursive: true, force: true });
    }
    log(`事務所を作っています / making the office (${name})`);
    await office.up('--at', `${DAY}T08:29`, '--site', join(HERE, 'site.yaml'), '--disk-mib', String(DISK_MIB));
    state.began = nowMs();
    office.watch();
    client = startClient('lan', 'lan', 20261124, categories());
    await office.untilPaired(PAIR_BOUND_MS);
    await chapter('opening', null, '開庁', 'opening', opening);
    await chapter('handover', `${DAY}T09:20:00`, '計画交代', 'planned hand-over', handover);
    await sleep(3000 * scale);
    await chapter('crash', `${DAY}T10:10:00`, 'プログラムの異常終了', 'a program dies', crash);
    await sleep(3000 * scale);
    await chapter('power', `${DAY}T11:15:00`, '当番の電源断', 'power cut on duty', power);
    await sleep(3000 * scale);
    await chapter('wipe', `${DAY}T13:05:00`, '予備のディスク交換', 'blank disk in the spare', wipe);
    await sleep(3000 * scale);
    await chapter('partition', `${DAY}T14:20:00`, '回線の分断', 'partition', partition);
    await sleep(3000 * scale);
    await chapter('switch', `${DAY}T15:40:00`, 'スイッチの再起動', 'switch restart', switchRestart);
    await sleep(2000 * scale);
    await chapter('closing', `${DAY}T17:00:01`, '閉庁', 'closing', closing);
    await chapter('night', `${DAY}T19:30:00`, '夜（順に停止）', 'night, switched off in order', nightByHand);
    await chapter('morning', `${NEXT}T08:15:00`, '翌朝', 'next morning', (one) => morning(one, 2, DAY, NEXT));
    await chapter('closing2', `${NEXT}T17:00:01`, '閉庁', 'closing', closing);
    await chapter('breaker', `${NEXT}T19:30:00`, '夜（ブレーカー）', 'night, by the breaker', nightByBreaker);
    await chapter('morning2', `${LAST}T08:15:00`, '三日目の朝', 'third morning', (one) => morning(one, 1, NEXT, LAST));
    await chapter('closing3', `${LAST}T17:00:01`, '閉庁', 'closing', closing);
    await chapter('last', null, '最後の確認', 'last look at the disks', lastLook);
}

async function verdict() {
    writeFileSync(join(out, 'evidence.json'), JSON.stringify({ journals: ['journal-lan.jsonl', 'journal-side.jsonl'],
        nights: state.nights, final: 'final', wipes: state.wipes,
        images: ['disk-u1.img', 'disk-u2.img', 'log-u1.txt', 'log-u2.txt'] }));
    return judge(await loadEvidence(out));
}

async function finish() {
    let result = null;
    if (state.trouble === null) {
        log('検査しています / checking');
        result = await verdict().catch((error) => { state.trouble = error; return null; });
    }
    for (const one of result?.verdicts ?? []) {
        console.log(`${one.ok ? '  ok ' : 'FAIL '} ${String(one.promise).padStart(2)}  ${one.ja} / ${one.en}`);
        one.problems.slice(0, 12).forEach((problem) => console.log(`          ! ${problem}`));
    }
    if (state.trouble !== null) {
        console.log(`FAIL  ${state.trouble.stack ?? state.trouble}`);
    }
    const journal = ['journal-lan.jsonl', 'journal-side.jsonl'].map((file) => join(out, file)).filter(existsSync)
        .flatMap((file) => readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line)));
    const requests = journal.filter((one) => one.kind === 'request');
    const measured = measure(state, requests);
    const steps = expectations(state, requests, measured);
    steps.filter((one) => !one.ok).forEach((one) => console.log(`FAIL      ${one.ja} / ${one.en}: ${one.told}`));
    const good = state.trouble === null && result?.ok === true && steps.every((one) => one.ok);
    writeReport(join(out, 'report.html'), { ...state, good, result, measured, steps, requests,
        board: journal.filter((one) => one.kind === 'board'), load: loadavg(), host: `${cpus().length} CPU` });
    writeFileSync(join(out, 'result.json'), JSON.stringify({ ok: good, chapters: state.chapters, faults: state.faults,
        seen: state.seen, began: state.began, steps, measured, verdicts: result?.verdicts,
        trouble: state.trouble?.message }, null, 1));
    console.log(`${good ? '合格 / PASSED' : '不合格 / FAILED'}  ${join(out, 'report.html')}`);
    return good;
}

// What failed is looked at where it failed: the units' logs are kept.
function keepLogs() {
    for (const unit of [1, 2]) {
        const dir = office.info?.units[unit - 1].log_dir;
        if (dir && existsSync(dir)) {
            cpSync(dir, join(out, `logs-u${unit}`), { recursive: true });
        }
    }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, async () => {
        console.log(`${signal}: 片付けています / taking the office down`);
        state.interrupted = true;
        await office.end();
        process.exit(130);
    });
}
process.on('uncaughtException', async (error) => {
    console.error(error);
    await office.end();
    process.exit(1);
});

try {
    await theDay();
} catch (error) {
    if (state.interrupted) {
        await new Promise(() => {}); // the signal's own end comes
    }
    state.trouble = error;
    log(`止まりました / stopped: ${error.message}`);
}
keepLogs();
await office.end();
process.exit((await finish()) ? 0 : 1);
