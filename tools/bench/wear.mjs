// What a unit's disk is written for: an office at its own pace, visitors one behind the other, and an idle stretch. Counted
// are the sectors that the block device of each unit's data disk was written (ext4's journal, LMDB's pages, day keys), not
// what programs asked for. The journal of the system and the system image are no part of it.
//   node tools/bench/wear.mjs [VISITORS=200] [IDLE_SECONDS=120]       make wear; docs/SIZING.md
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Office } from '../office/demo/office.mjs';
import { sleep } from '../office/demo/common.mjs';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const BIN = join(ROOT, process.env.BUILD ?? 'build', 'bin');
const VISITORS = Number(process.argv[2] ?? 200);
const IDLE_S = Number(process.argv[3] ?? 120);
const SECTOR_BYTES = 512; // of /sys/block/*/stat, whatever the device's own are
const SECTORS_WRITTEN = 6;
const BETWEEN_MS = 100; // one commit for each action, as in an office
const DAY = { visitors: 300, open_h: 8.5, days: 243 }; // of one year: docs/SIZING.md
const CATEGORIES = 2; // those of counter 1

const office = new Office(`wear-${process.pid}`, BIN, () => {});
const toban = (...words) => execFileSync(join(BIN, 'toban'), ['--name', office.name, ...words], { encoding: 'utf8' });

function written(unit) {
    const { dev } = statSync(office.info.units[unit - 1].data_dir);
    const major = (dev >> 8) & 0xfff;
    const minor = (dev & 0xff) | ((dev >> 12) & 0xfff00);
    const fields = readFileSync(`/sys/dev/block/${major}:${minor}/stat`, 'utf8').trim().split(/\s+/);
    return Number(fields[SECTORS_WRITTEN]) * SECTOR_BYTES;
}

const both = () => [1, 2].map(written);
const less = (after, before) => after.map((bytes, at) => bytes - before[at]);

async function settled() {
    execFileSync('sync'); // what the kernel still holds back belongs to what was done before
    await sleep(1000);
    return both();
}

async function visit(n) {
    toban('ticket', 'issue', String((n % CATEGORIES) + 1));
    for (const what of ['call-next', 'start', 'complete']) {
        await sleep(BETWEEN_MS);
        toban('counter', '1', what);
    }
}

await office.up('--at', '2026-11-24T09:00');
try {
    toban('counter', '1', 'open');
    const first = await settled();
    await sleep(IDLE_S * 1000);
    const idle = less(await settled(), first);
    const before = await settled();
    for (let n = 0; n < VISITORS; n++) {
        await visit(n);
    }
    const visits = less(await settled(), before);
    const units = [0, 1].map((at) => {
        const visit_bytes = Math.round(visits[at] / VISITORS);
        const idle_bytes_an_hour = Math.round((idle[at] / IDLE_S) * 3600);
        return { unit: at + 1, visit_bytes, idle_bytes_an_hour,
            year_gib: +((DAY.days * DAY.visitors * visit_bytes + 24 * 365 * idle_bytes_an_hour) / 2 ** 30).toFixed(1) };
    });
    console.log(JSON.stringify({ visitors: VISITORS, idle_s: IDLE_S, year: DAY, units }, null, 1));
} finally {
    await office.command('down');
}
