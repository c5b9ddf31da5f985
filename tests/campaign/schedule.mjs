// What befalls an office in one round, drawn from its seed alone: which faults, when each begins, how long it
// lasts. Pure; round.mjs carries it out.
import { chance } from '../../tools/office/demo/common.mjs';

const FAULTS_MIN = 3;
const FAULTS_MAX = 8;
const EACH_MS = 1500; // so much time a fault adds; they overlap
const SHORT_MS = 50;
const USUAL_MS = 8000;
const LONG_MS = 120000;
const LONG_EACH = 40; // one pause in so many may last up to LONG_MS

const PROGRAMS = ['toband', 'toband', 'toband', 'toban-web', 'toban-net', 'corosync'];
// Not a day ahead: a unit that is left alone with such a clock believes it (adr/0010), and that is known.
const CLOCKS_S = [-7200, -86400, -20 * 365 * 86400, 3600];

const KINDS = {
    power: { weight: 4, draw: (pick) => ({ unit: pick.unit(), for_ms: pick.time() }) },
    'power-both': { weight: 1, draw: (pick) => ({ for_ms: pick.time(), apart_ms: pick.one([0, 0, 200, 2000]) }) },
    crash: { weight: 4, draw: (pick) => ({ unit: pick.unit(), program: pick.one(PROGRAMS) }) },
    pause: { weight: 4, draw: (pick) => ({ unit: pick.unit(), program: pick.one([...PROGRAMS, 'all', 'all', 'all']),
        for_ms: pick.whole(LONG_EACH) === 0 ? pick.time(USUAL_MS, LONG_MS) : pick.time() }) },
    'unplug-lan': { weight: 3, draw: (pick) => ({ unit: pick.unit(), for_ms: pick.time() }) },
    'unplug-direct': { weight: 2, draw: (pick) => ({ for_ms: pick.time() }) },
    partition: { weight: 3, draw: (pick) => ({ clients: pick.one([0, 1, 2]), for_ms: pick.time() }) },
    'one-way': { weight: 3, draw: (pick) => ({ unit: pick.unit(), links: pick.links(), for_ms: pick.time() }) },
    loss: { weight: 3, draw: (pick) => ({ percent: 5 + pick.whole(56), links: pick.links(), for_ms: pick.time() }) },
    switch: { weight: 1, draw: (pick) => {
        const times = { dead_s: 1 + pick.whole(3), learning_s: pick.whole(3) };
        return { ...times, for_ms: 1000 * (times.dead_s + times.learning_s) };
    } },
    stranger: { weight: 1, draw: (pick) => ({ for_ms: pick.time() }) },
    'disk-full': { weight: 2, draw: (pick) => ({ unit: pick.unit(), for_ms: pick.time() }) },
    'disk-wipe': { weight: 2, draw: (pick) => ({ unit: pick.unit() }) },
    damage: { weight: 1, once: true, draw: (pick) => ({ unit: pick.unit() }) },
    clock: { weight: 2, draw: (pick) => ({ unit: pick.unit(), shift_s: pick.one(CLOCKS_S), for_ms: pick.time() }) },
    'hand-over': { weight: 3, draw: () => ({}) },
    stop: { weight: 1, draw: (pick) => ({ unit: pick.unit(), for_ms: pick.time() }) },
};

export const KIND_NAMES = Object.keys(KINDS);

function picker(random) {
    const whole = (below) => Math.floor(random() * below);
    return { whole, one: (list) => list[whole(list.length)], unit: () => 1 + whole(2),
        links: () => ['dir', 'svc', 'both', 'lan'][whole(4)],
        // Short ones are as likely as long ones, by their order of magnitude.
        time: (least = SHORT_MS, most = USUAL_MS) => Math.round(least * (most / least) ** random()) };
}

function drawKind(pick, taken) {
    const open = KIND_NAMES.filter((name) => !(KINDS[name].once && taken.has(name)));
    const total = open.reduce((sum, name) => sum + KINDS[name].weight, 0);
    let rest = pick.whole(total);
    return open.find((name) => (rest -= KINDS[name].weight) < 0);
}

// [{at_ms, kind, ...}] in the order of at_ms.
export function drawSchedule(seed) {
    const random = chance(seed);
    const pick = picker(random);
    const count = FAULTS_MIN + pick.whole(FAULTS_MAX - FAULTS_MIN + 1);
    const faults = [];
    const taken = new Set();
    for (let i = 0; i < count; i++) {
        const kind = drawKind(pick, taken);
        taken.add(kind);
        faults.push({ at_ms: pick.whole(count * EACH_MS), kind, ...KINDS[kind].draw(pick) });
    }
    return faults.sort((a, b) => a.at_ms - b.at_ms);
}

export function describe(fault) {
    const { at_ms, kind, ...rest } = fault;
    return `${at_ms} ms ${kind} ${Object.entries(rest).map(([name, value]) => `${name}=${value}`).join(' ')}`.trim();
}
