// The faults of a campaign round in a live office. Each `begin` returns what undoes it, or nothing when it is over at
// once. Cuts and loss are rules of one table of our own at the switch, so that they add up with what toban-office does
// to cables.
import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { nowMs, sleep } from '../../tools/office/demo/common.mjs';
import { expect, flipBits, keptAside, ledgerFile, PAIR_BOUND_MS } from '../lib/life.mjs';
import { existsSync } from 'node:fs';

const ORDER_BOUND_MS = 20000;
const REFUSALS = /ALREADY|NOT_RUNNING|もうその状態|そのプログラムは動いて|in that state already|program is not running/;
const LINKS = { dir: [['dir-u1', 'dir-u2']], svc: [['svc-u1', 'svc-u2']], lan: [['svc-u1', 'svc-lan'], ['svc-u2', 'svc-lan']],
    both: [['dir-u1', 'dir-u2'], ['svc-u1', 'svc-u2']] };

export class World {
    constructor(life, note) {
        Object.assign(this, { life, note, rules: new Map(), rule_count: 0, stopped: new Set(), clock_was_wrong: false, strangers: new Set(), paused: new Set() });
    }
    in(part) {
        return `${this.life.office.name}-${part}`;
    }
    // nft with every rule that is in force, at once.
    applyRules() {
        const text = `add table bridge campaign\ndelete table bridge campaign\ntable bridge campaign {\nchain forward {\n` +
            `type filter hook forward priority -10;\n${[...this.rules.values()].flat().join('\n')}\n}\n}\n`;
        execFileSync('ip', ['netns', 'exec', this.in('sw'), 'nft', '-f', '-'], { input: text });
    }
    addRules(lines) {
        const id = this.rule_count++;
        this.rules.set(id, lines);
        this.applyRules();
        return () => {
            this.rules.delete(id);
            this.applyRules();
        };
    }
    async pids(unit) {
        const info = await this.life.office.command('info');
        return info.units[unit - 1].pids;
    }
    // A fault that cannot be now (the unit is off already) is none, and is said.
    async fault(...words) {
        try {
            await this.life.fault(...words);
            return true;
        } catch (error) {
            if (REFUSALS.test(error.message)) {
                this.note(`refused: ${words.join(' ')}`);
                return false;
            }
            throw error;
        }
    }
    order(unit, ...words) {
        const child = spawn(join(this.life.office.binDir, 'toban'), ['--name', this.life.office.name, '--unit', String(unit),
            ...words], { stdio: 'ignore' });
        return new Promise((resolve) => {
            const late = setTimeout(() => child.kill('SIGKILL'), ORDER_BOUND_MS);
            child.on('exit', (code) => { clearTimeout(late); resolve(code); });
        });
    }
    signal(pids, signal) {
        for (const pid of pids) {
            try {
                process.kill(pid, signal);
            } catch (error) {
                if (error.code !== 'ESRCH') {
                    throw error;
                }
            }
        }
    }
    // Only one of two disks is lost at a time, and nothing that rests on it alone: both hold everything then.
    bothHoldAll() {
        return this.life.pairedAgain(nowMs());
    }
    // A disk of which something is gone: what it had put aside is not looked for. After a clock was wrong the times of
    // entries say nothing about before and after.
    lost(unit) {
        this.life.wipes.push({ unit, wall_ms: this.clock_was_wrong ? Number.MAX_SAFE_INTEGER : this.life.office.wallMs() });
    }
    // What nobody undid until now: a round that is interrupted leaves nothing.
    end() {
        this.strangers.forEach((child) => child.kill('SIGKILL'));
        this.paused.forEach((pids) => this.signal(pids, 'SIGCONT'));
    }
}

async function power(world, { unit }) {
    await world.fault('power', unit);
    return () => world.life.heal(unit);
}

async function powerBoth(world, { apart_ms }) {
    await Promise.all([1, 2].map((unit) => world.fault('power', unit)));
    return async () => {
        await world.life.heal(1);
        await sleep(apart_ms);
        await world.life.heal(2);
    };
}

async function crash(world, { unit, program }) {
    await world.fault('crash', unit, program);
}

async function pause(world, { unit, program }) {
    const all = await world.pids(unit);
    const pids = (program === 'all' ? Object.values(all) : [all[program]]).filter((pid) => pid > 0);
    if (pids.length === 0) {
        world.note(`nothing to pause: ${program} of unit ${unit}`);
        return undefined;
    }
    world.signal(pids, 'SIGSTOP');
    world.paused.add(pids);
    return () => {
        world.signal(pids.reverse(), 'SIGCONT');
        world.paused.delete(pids);
    };
}

async function unplugLan(world, { unit }) {
    await world.fault('unplug-lan', unit);
    return () => world.life.heal(unit);
}

async function unplugDirect(world) {
    await world.fault('unplug-direct');
    return () => world.life.heal(1);
}

function partition(world, { clients }) {
    const pairs = [...LINKS.both, ...(clients === 0 ? [] : [[`svc-u${3 - clients}`, 'svc-lan']])];
    return world.addRules(pairs.flatMap(([one, two]) => [drop(one, two), drop(two, one)]));
}

function drop(from, to, when = '') {
    return `iifname "${from}" oifname "${to}" ${when} drop`;
}

// What `unit` sends does not arrive; what is sent to it does.
function oneWay(world, { unit, links }) {
    const from = (name) => name.endsWith(`u${unit}`);
    return world.addRules(LINKS[links].filter((pair) => pair.some(from)).map((pair) =>
        drop(pair.find(from), pair.find((name) => !from(name)))));
}

function loss(world, { percent, links }) {
    const when = `numgen random mod 100 < ${percent}`;
    return world.addRules(LINKS[links].flatMap(([one, two]) => [drop(one, two, when), drop(two, one, when)]));
}

async function restartSwitch(world, { dead_s, learning_s }) {
    await world.fault('switch', '--dead', dead_s, '--learning', learning_s);
    return () => {}; // it comes back by itself
}

// Somebody puts a machine with the floating address on the service network. Its namespace ends with its process.
async function stranger(world) {
    const child = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'ignore', 'ignore'] });
    world.strangers.add(child);
    const run = (...words) => execFileSync('nsenter', ['-t', String(child.pid), '-n', ...words], { stdio: 'pipe' });
    for (const began = nowMs(); ; await sleep(10)) { // unshare has happened when its namespace is not ours
        const own = execFileSync('readlink', ['/proc/self/ns/net']).toString();
        if (execFileSync('readlink', [`/proc/${child.pid}/ns/net`]).toString() !== own) {
            break;
        }
        expect(nowMs() - began < 5000, 'the stranger has no network of his own');
    }
    execFileSync('ip', ['-n', world.in('sw'), 'link', 'add', 'svc-x', 'type', 'veth', 'peer', 'name', 'lan0', 'netns',
        String(child.pid)]);
    execFileSync('ip', ['-n', world.in('sw'), 'link', 'set', 'svc-x', 'master', 'svc', 'up']);
    run('sh', '-c', 'echo 1 >/proc/sys/net/ipv4/conf/all/arp_notify; echo 1 >/proc/sys/net/ipv4/conf/lan0/arp_notify');
    run('ip', 'addr', 'add', '10.90.0.10/24', 'dev', 'lan0');
    run('ip', 'link', 'set', 'lan0', 'up');
    return () => {
        execFileSync('ip', ['-n', world.in('sw'), 'link', 'delete', 'svc-x']);
        child.kill('SIGKILL');
        world.strangers.delete(child);
    };
}

async function diskFull(world, { unit }) {
    const info = await world.life.office.command('info');
    if (!info.units[unit - 1].power) {
        world.note(`unit ${unit} is off: its disk is not filled`);
        return undefined;
    }
    await world.fault('disk-full', unit);
    return () => world.life.heal(unit);
}

async function diskWipe(world, { unit }) {
    await world.bothHoldAll();
    world.lost(unit);
    await world.fault('disk-wipe', unit);
}
diskWipe.alone = true;

async function damage(world, { unit }) {
    const { life } = world;
    await world.bothHoldAll();
    const began = nowMs();
    expect(flipBits(ledgerFile(life, unit)) > 0, 'nothing was flipped');
    while (!existsSync(keptAside(life, unit))) {
        expect(nowMs() - began < PAIR_BOUND_MS, `a damaged ledger of unit ${unit} was not noticed and put aside`);
        await sleep(20);
    }
    world.lost(unit);
    await life.pairedAgain(nowMs());
}
damage.alone = true;

async function clock(world, { unit, shift_s }) {
    world.clock_was_wrong = true;
    world.life.wipes.forEach((wipe) => { wipe.wall_ms = Number.MAX_SAFE_INTEGER; });
    await world.fault('clock', unit, '--shift', shift_s);
    return () => world.life.heal(unit);
}

function handOver(world) {
    const duty = world.life.office.duty();
    if (duty === 0) {
        world.note('nobody is on duty: no hand-over');
        return;
    }
    world.order(duty, 'duty', 'handover').then((code) => world.note(`hand-over by unit ${duty}: exit ${code}`));
}

function stop(world, { unit }) {
    world.stopped.add(unit);
    world.order(unit, 'duty', 'stop').then((code) => world.note(`stop of unit ${unit}: exit ${code}`));
    return async () => {
        world.note(`resume of unit ${unit}: exit ${await world.order(unit, 'duty', 'resume')}`);
    };
}

export const FAULTS = { power, 'power-both': powerBoth, crash, pause, 'unplug-lan': unplugLan, 'unplug-direct': unplugDirect,
    partition, 'one-way': oneWay, loss, switch: restartSwitch, stranger, 'disk-full': diskFull, 'disk-wipe': diskWipe,
    damage, clock, 'hand-over': handOver, stop };
