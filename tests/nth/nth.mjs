// Whole programs of a unit while their n-th call of one kind fails, once or for good: at the start, under a short
// load, at the stop; of a lone unit, and toband also as the spare of a pair. Judged from outside: the program goes on and
// serves, or ends with an honest status and a sentence in both languages, within a bound; it is never killed by a
// signal or a CHECK, nothing acknowledged is lost, no number is given twice. After each trial whose program ended, the
// unit is started again with nothing failing.
//   nth.mjs                          everything, until no call of a kind is left; of a pair the first ones (root; an hour or two)
//   nth.mjs --sample                 some of each, the same each time
//   nth.mjs --only PROGRAM[:PHASE[:POINT[:N[:once|stay]]]]
import { nowMs, POINTS, PROGRAMS, ARMED, sleep, START_BOUND_MS, STOP_BOUND_MS, Unit } from './office.mjs';

const LOAD_MS = 320; // the health check comes every 250 ms
const N_MAX = 2000;
const ACCEPTS_MAX = 20000;
const ISSUED_MAX = 8000; // numbers and keys of a day are not endless: then another office
const ALONE = ['start', 'load', 'stop'];
const PAIR = ['join', 'follow', 'leave']; // the same of toband, of the unit that the other one serves for
const PAIR_N_MAX = 20;
const PAIR_ALONE_N_MAX = 2; // of what a lone unit does as well
const PAIR_STARTS_MAX = 4; // then the wait for a steady peer gets long (rule 10), and another office is quicker
const CONTACT_MS = 3000; // the units have met, or failed to

const phasesOf = (name) => (name === 'toband' ? [...ALONE, ...PAIR] : ALONE);
const unitsOf = (what) => (PAIR.includes(what) ? 2 : 1);

let unit;
let trials = 0;
let numbers = 0; // of offices that are gone
let ended = false; // by a signal
const failed = [];
const reached = new Map(POINTS.map((point) => [point, { calls: 0, failures: 0 }]));
const options = { sample: false, only: [] };

// ---- phases -----------------------------------------------------------------------------------------

async function clean(name) {
    const program = unit.programs[name];
    if (program.child && program.end === undefined && program.control.ready) {
        return;
    }
    program.start();
    if (!await program.untilReady()) {
        throw new Error(`${name} does not start again though nothing fails: ${program.text.slice(-2000)}`);
    }
}

// Whether the office is as it should be: numbers come, and of a pair this unit follows.
async function works(over = () => false) {
    return await unit.serves(undefined, over) ?? (unit.units === 2 ? unit.joins(undefined, over) : undefined);
}

// What the programs do all day. One try each: the unit may be in pain.
async function follow(program) {
    const until = nowMs() + LOAD_MS;
    let wrong;
    while (!wrong && program.control.came === 0 && nowMs() < until && program.end === undefined) {
        wrong = await unit.issue();
    }
    return wrong ?? unit.issue(); // a disk that is silent must not hold the other one's answers for long
}

async function join(program, failing) {
    program.start(ARMED.yes, failing);
    const until = nowMs() + CONTACT_MS;
    let joined = false;
    while (!joined && program.end === undefined && nowMs() < until && (failing?.stay || program.control.came === 0)) {
        joined = await unit.joins(1) === undefined;
        await sleep(10);
    }
}

async function load(name) {
    const until = nowMs() + LOAD_MS;
    const program = unit.programs[name];
    const { control } = program;
    const wrong = await unit.issue();
    for (const press of ['open', 'call-next', 'complete']) {
        if (program.end === undefined) {
            await unit.ask('POST', `/api/v1/counters/1/${press}`, { key: `p${++unit.keys}`, body: {} });
        }
    }
    for (const page of ['/board', '/api/v1/status']) {
        if (program.end === undefined) {
            await unit.ask('GET', page);
        }
    }
    if (name === 'toban-net' && control.came === 0) { // its work is to move the address
        await unit.programs.toband.stop();
        await clean('toband');
        await unit.issue(undefined, 2000);
    }
    while (control.came === 0 && nowMs() < until && program.end === undefined) {
        await sleep(10);
    }
    return wrong;
}

// True: the phase is over and the program is either there or ended within its bound.
async function phase(name, what, failing) {
    const program = unit.programs[name];
    if (what === 'join') {
        if (program.end === undefined) {
            await program.stop();
        }
        await join(program, failing);
        const came = program.control.came;
        program.calls = program.control.calls;
        program.control.disarm();
        return { came, wrong: await unit.serves() };
    }
    if (what === 'start') {
        if (program.end === undefined) {
            await program.stop();
        }
        program.start(ARMED.untilReady, failing);
        await program.untilReady();
        const came = program.control.came;
        program.control.disarm();
        return { came, wrong: program.end === undefined && !program.control.ready
            ? `neither ready nor ended within ${START_BOUND_MS} ms` : undefined };
    }
    await clean(name);
    let wrong = await works();
    if (wrong) {
        return { came: 0, wrong: `before anything failed: ${wrong}` };
    }
    program.control.arm(ARMED.yes, failing);
    if (what === 'load') {
        wrong = await load(name);
    } else if (what === 'follow') {
        wrong = await follow(program);
    } else if (!await program.stop()) {
        wrong = `did not end within ${STOP_BOUND_MS} ms of SIGTERM`;
    }
    const came = program.control.came;
    program.calls = program.control.calls;
    program.control.disarm();
    return { came, wrong };
}

// ---- judgement --------------------------------------------------------------------------------------

function judgeEnd(program, what, came) {
    const { code, signal } = program.end;
    if (/ledger damaged|is damaged|壊れて/.test(program.text)) {
        return 'a whole ledger was called damaged';
    }
    if (signal || code > 128) {
        return `ended by ${signal ?? `status ${code}`}`;
    }
    if (/invariant broken|assertion .*failed/i.test(program.text)) {
        return 'an invariant of ours did not hold';
    }
    if ((what === 'stop' || what === 'leave') && code === 0) {
        return undefined;
    }
    if (code === 0) {
        return 'ended with status 0';
    }
    if (came === 0) {
        return `ended with status ${code} though nothing failed`;
    }
    const told = program.text;
    return /[\u3040-\u30ff\u4e00-\u9fff]/.test(told) && /[a-z]{2,} [a-z]{2,}/.test(told)
        ? undefined : `ended with status ${code} without a sentence in both languages`;
}

// What is wrong with how it ended, and with the office after its start with nothing failing.
async function afterEnd(program, what, came) {
    await program.ended;
    const wrong = judgeEnd(program, what, came);
    const text = program.text;
    const end = program.end;
    await clean(program.name);
    return { text, end, wrong: wrong ?? await works() };
}

async function trial(name, what, failing) {
    const program = unit.programs[name];
    const label = `${name}:${what}:${failing.point}:${failing.n}:${failing.stay ? 'stay' : 'once'}`;
    let { came, wrong } = await phase(name, what, failing);
    let after = { text: program.text, end: program.end };
    trials++;
    if (!wrong && program.end === undefined) {
        wrong = await works(() => program.end !== undefined); // it may be about to end
    }
    if (program.end === undefined && wrong) { // this process for ever, or until it is started again?
        after.text = program.text;
        program.signal('SIGKILL');
        await program.ended;
        await clean(name);
        wrong = `${wrong}; started again: ${await works() ?? 'it serves'}`;
    } else if (program.end !== undefined) {
        after = await afterEnd(program, what, came);
        wrong = wrong && after.wrong ? `${wrong}; ${after.wrong}` : wrong ?? after.wrong;
    }
    reached.get(failing.point).failures += came;
    if (!wrong && name !== 'toban-web' && failing.point === 'accept4' && came > ACCEPTS_MAX) {
        wrong = `tried ${came} times: at its priority nobody else runs`;
    }
    if (wrong) {
        failed.push(label);
        console.log(`FAILED ${label}: ${wrong}\n  the call: ${program.where()}; ended: ${JSON.stringify(after.end)}\n  ` +
            `${after.text.trim().split('\n').slice(-6).join('\n  ')}\n  again: node tests/nth/nth.mjs --only ${label}`);
    }
    return came > 0;
}

// Another office before a day's numbers end.
async function fresh(what) {
    if (ended) { // the office is being taken down: no other one
        await new Promise(() => {});
    }
    if (unit && unit.units === unitsOf(what) && unit.issued.size < ISSUED_MAX &&
        (unit.units === 1 || (!unit.moved && unit.programs.toband.starts < PAIR_STARTS_MAX))) {
        return;
    }
    numbers += unit?.issued.size ?? 0;
    await unit?.down();
    unit = new Unit(unitsOf(what));
    await unit.up();
    const wrong = await works();
    if (wrong) {
        throw new Error(`the office does not serve: ${wrong}`);
    }
}

async function count(name, what) {
    await fresh(what);
    const { wrong } = await phase(name, what, undefined);
    const program = unit.programs[name];
    if (wrong) {
        throw new Error(`${name}, ${what}, nothing failed: ${wrong}\n${program.text}`);
    }
    const calls = what === 'start' ? program.control.calls : program.calls; // the process may be gone, and started again
    await clean(name);
    return calls;
}

async function everything(name, what) {
    const began = nowMs();
    const before = trials;
    const bad = failed.length;
    const [, , onlyPoint, onlyN, onlyHow] = options.only;
    const calls = await count(name, what);
    for (const [i, point] of POINTS.entries()) {
        reached.get(point).calls += calls[i];
        reached.get(point).alone ||= unitsOf(what) === 1 && calls[i] > 0;
        if (calls[i] === 0 || (onlyPoint && onlyPoint !== point)) {
            continue;
        }
        const most = unitsOf(what) === 1 ? N_MAX : reached.get(point).alone ? PAIR_ALONE_N_MAX : PAIR_N_MAX;
        for (const stay of [false, true].filter((one) => !onlyHow || one === (onlyHow === 'stay'))) {
            for (let n = Number(onlyN ?? 1); n <= Number(onlyN ?? most); n++) {
                await fresh(what);
                if (!await trial(name, what, { point, n, stay })) {
                    break;
                }
            }
        }
    }
    console.log(`${name} ${what}: ${trials - before} trials in ${Math.round((nowMs() - began) / 1000)} s, ` +
        `${failed.length - bad} failed`);
}

// One of each sort, in less than half a minute; first what found something.
const SAMPLE = [
    'toband:start:malloc:1:once', 'toband:start:malloc:30:once', // "the ledger is damaged", for want of memory
    'toban-net:load:malloc:2:once', // the address never came back: an answer of the kernel was taken for the next
    'toban-net:load:accept4:1:stay', // tried a million times a second, at real-time priority
    'toban-web:load:accept4:2:once', // took no client ever again
    'toban-web:stop:malloc:1:once', // did not end
    'toban-web:start:sd_event_add_signal:1:once', 'toban-web:load:EVP_DigestInit_ex2:1:once', // said nothing
    'toban-web:start:MHD_start_daemon:1:once', 'toban-web:start:bind:1:stay', 'toban-web:start:openat:1:stay',
    'toban-web:load:MHD_queue_response:1:once', 'toban-web:load:send:1:once', 'toban-web:load:recv:1:stay',
    'toban-net:start:malloc:18:once', // no answer where one was looked for
    'toban-net:start:sendmsg:1:once', // never learnt its own interface
    'toban-net:start:nl_connect:1:once', 'toban-net:start:socket:1:stay', 'toban-net:stop:rtnl_addr_delete:1:stay',
    'toband:start:mdb_env_open:1:once', 'toband:start:pthread_create:1:once', 'toband:start:listen:1:once',
    'toband:start:fsync:1:stay', 'toband:load:mdb_txn_commit:1:once', 'toband:load:fdatasync:1:once',
    'toband:load:send:1:once', 'toband:stop:read:1:once',
    'toband:join:SSL_CTX_load_verify_file:1:once', 'toband:follow:nn_recv:1:once',
];

async function sample(labels) {
    for (const label of labels) {
        const [name, what, point, n, how] = label.split(':');
        await fresh(what);
        if (!await trial(name, what, { point, n: Number(n), stay: how === 'stay' })) {
            failed.push(label);
            console.log(`FAILED ${label}: no such call came`);
        }
    }
}

function report() {
    if (!unit) {
        return;
    }
    const never = POINTS.filter((point) => reached.get(point).calls === 0);
    for (const point of POINTS.filter((one) => reached.get(one).calls > 0)) {
        console.log(`failpoint ${point.padEnd(36)} ${String(reached.get(point).calls).padStart(7)} calls ` +
            `${String(reached.get(point).failures).padStart(7)} failures`);
    }
    if (!options.sample && options.only.length === 0) {
        console.log(`never reached: ${never.join(' ') || 'none'}`);
    }
    const kinds = options.sample ? `${new Set(SAMPLE.map((one) => one.split(':')[2])).size} kinds of calls`
        : `${POINTS.length - never.length} of ${POINTS.length} kinds of calls reached`;
    console.log(`n-th failures of whole programs: ${failed.length === 0 ? 'all good' : 'FAILED'}, ${trials} trials, ` +
        `${kinds}, ${numbers + unit.issued.size} numbers`);
}

// ---- main -------------------------------------------------------------------------------------------

const words = process.argv.slice(2);
let known = true;

if (words[0] === '--sample') {
    options.sample = words.length === 1;
    known = options.sample;
} else if (words[0] === '--only' && words[1]) {
    options.only = words[1].split(':');
    known = PROGRAMS.includes(options.only[0]) && phasesOf(options.only[0]).includes(options.only[1] ?? ALONE[0]);
} else if (words.length > 0) {
    known = false;
}
if (!known) {
    console.error('nth.mjs [--sample | --only PROGRAM[:PHASE[:POINT[:N[:once|stay]]]]]');
    process.exit(2);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => {
        ended = true;
        unit?.down().finally(() => process.exit(130));
    });
}
let status = 1;
try {
    if (options.sample) {
        await sample(SAMPLE);
    } else {
        const [onlyName, onlyPhase] = options.only;
        for (const name of PROGRAMS.filter((one) => !onlyName || one === onlyName)) {
            for (const what of phasesOf(name).filter((one) => !onlyPhase || one === onlyPhase)) {
                await everything(name, what);
            }
        }
    }
    report();
    status = failed.length === 0 ? 0 : 1;
} catch (error) {
    console.log(error.stack);
} finally {
    await unit?.down();
}
process.exit(status);
