// Shows that the checker can fail: spoils the evidence of a day, one way at a time, and sees each noticed
// under the promise that it breaks. A spoiling that goes unnoticed is a hole in the checker. And it shows that
// what an office may rightly do is not called a broken promise.
import { ACTION, HASH_BYTES, KIND, makeEntry, openPayload, readChange, ROW, ROW_VERSION, walk, NO_HASH } from './ledger.mjs';
import { imageOf } from './checker.mjs';

const LATER_MS = 3600000;

function copyDisk(disk) {
    return { ...disk, stored: disk.stored.map((bytes) => Buffer.from(bytes)),
        tails: disk.tails.map((tail) => tail.map((bytes) => Buffer.from(bytes))), keys: new Map(disk.keys) };
}

function copyPair(pair) {
    return { 1: copyDisk(pair[1]), 2: copyDisk(pair[2]) };
}

function copy(evidence) {
    return { ...evidence, requests: structuredClone(evidence.requests), board: structuredClone(evidence.board),
        nights: evidence.nights.map((night) => ({ day: night.day, disks: copyPair(night.disks) })),
        final: copyPair(evidence.final), images: [...evidence.images], wipes: [...evidence.wipes] };
}

function issued(evidence) {
    return evidence.requests.filter((one) => one.path === '/api/v1/tickets' && one.status === 201 && one.try === 1);
}

function plainOfOneCategory(evidence) {
    const all = issued(evidence).filter((one) => one.reply.series === '');
    const seen = new Set(all.map((one) => one.key));
    const first = all.filter((one) => seen.delete(one.key));
    const one = first.filter((each) => each.reply.category === first[0].reply.category &&
        each.reply.service_day === first[0].reply.service_day);
    return [one[0], one.at(-1)];
}

function allDisks(evidence) {
    return [...evidence.nights.flatMap((night) => [night.disks[1], night.disks[2]]), evidence.final[1],
        evidence.final[2]];
}

function keysOf(evidence) {
    return new Map(allDisks(evidence).flatMap((disk) => [...disk.keys]));
}

function firstTicketIn(entries, keys) {
    for (const entry of entries.filter((one) => one.kind === KIND.CHANGE_VISIT)) {
        const plain = openPayload(entry, keys);
        const change = plain === null ? null : readChange(plain);
        if (change?.action === ACTION.ISSUE) {
            return Buffer.from(change.rows.find((row) => row.kind === ROW.TICKET).id, 'hex');
        }
    }
    return null;
}

// Says something else of the first ticket wherever a ledger names it, and makes every link anew: only what
// the entries say is wrong.
function retell(evidence, patch) {
    const keys = keysOf(evidence);
    for (const disk of allDisks(evidence)) {
        const { entries } = walk(disk.stored);
        const id = firstTicketIn(entries, keys);
        let head = NO_HASH;
        disk.stored = entries.map((entry) => {
            const plain = Buffer.from(openPayload(entry, keys));
            for (let at = plain.indexOf(id); entry.sealed && at >= 0; at = plain.indexOf(id, at + 1)) {
                if (plain[at - 1] === ROW.TICKET && plain[at - 2] === ROW_VERSION) {
                    patch(plain, at);
                }
            }
            const bytes = makeEntry(entry, plain, entry.sealed ? keys.get(`${entry.day}-${entry.keyUnit}`) : null, head);
            head = bytes.subarray(-HASH_BYTES);
            return bytes;
        });
        disk.tails = [];
    }
}

// Tells one entry otherwise, the same in every ledger, and makes every link anew.
function retellEntry(evidence, action, change, kind = KIND.CHANGE_VISIT) {
    const keys = keysOf(evidence);
    for (const disk of allDisks(evidence)) {
        let head = NO_HASH;
        let done = false;
        disk.stored = walk(disk.stored).entries.map((entry) => {
            const plain = Buffer.from(openPayload(entry, keys));
            if (!done && entry.kind === kind && (action === null || plain[ACTION_AT] === action)) {
                done = true;
                change(entry, plain);
            }
            const bytes = makeEntry(entry, plain, entry.sealed ? keys.get(`${entry.day}-${entry.keyUnit}`) : null, head);
            head = bytes.subarray(-HASH_BYTES);
            return bytes;
        });
        disk.tails = [];
    }
}

const ACTION_AT = 1; // in a change
const CERTIFIED_UNIT_AT = 1 + 4 + 8; // in a certificate

// Where a ticket's row says what, counted from its id.
const NUMBER_AT = 16 + 4 + 2;
const COUNTER_AT = NUMBER_AT + 2 + 8 + 8 + 4 + 8;

const spoilings = [
    [1, 'one number on two replies', (evidence) => {
        const [one, two] = plainOfOneCategory(evidence);
        Object.assign(two.reply, { number: one.reply.number, display: one.reply.display });
    }],
    [1, 'a reply that shows another number than it has', (evidence) => {
        plainOfOneCategory(evidence)[0].reply.display += 'B';
    }],
    [2, 'a ticket that no ledger holds', (evidence) => {
        plainOfOneCategory(evidence)[0].reply.id = 'f'.repeat(32);
    }],
    [2, 'a lettered ticket that became a plain one', (evidence) => {
        const one = issued(evidence).find((each) => each.reply.series !== '');
        one.reply.series = '';
        one.reply.display = String(one.reply.number);
    }],
    [5, 'one flipped bit in an entry', (evidence) => {
        const { stored } = evidence.final[2];
        stored[Math.floor(stored.length / 2)][90] ^= 1;
    }],
    [5, 'the newest entry cut off', (evidence) => {
        const [one, two] = [evidence.final[1].stored, evidence.final[2].stored];
        one.splice(Math.min(one.length, two.length) - 1); // of those that both hold
    }],
    [5, 'an entry taken out of the middle', (evidence) => { evidence.final[1].stored.splice(5, 1); }],
    [5, 'two entries in the other order', (evidence) => {
        const { stored } = evidence.final[1];
        [stored[7], stored[8]] = [stored[8], stored[7]];
    }],
    [5, 'a replaced tail that nobody kept', (evidence) => {
        evidence.wipes.length = 0;
        allDisks(evidence).forEach((disk) => { disk.tails = []; });
    }],
    [5, 'a ledger that did not grow from the one of the evening', (evidence) => {
        evidence.nights[0].disks[1].stored[3] = Buffer.from(evidence.nights[0].disks[1].stored[4]);
    }],
    [6, 'two plain tickets for one key', (evidence) => {
        const [one, two] = plainOfOneCategory(evidence);
        two.key = one.key;
    }],
    [6, 'one press of call-next that called two', (evidence) => {
        const calls = evidence.requests.filter((each) => /call-next$/.test(each.path) &&
            each.status === 200 && each.reply.ticket && each.reply.ticket.series === '');
        const [one] = calls;
        const two = calls.find((each) => each.reply.ticket.id !== one.reply.ticket.id);
        two.key = one.key;
    }],
    [7, 'a lower number for somebody who came later', (evidence) => {
        const [one, two] = plainOfOneCategory(evidence);
        evidence.requests.filter((each) => each.key === one.key).forEach((each) => {
            each.sent += LATER_MS;
            each.received += LATER_MS;
        });
        two.sent += 1;
    }],
    [7, 'a call that no board showed', (evidence) => {
        // One that stood long enough for the board to hear of it: it is in two events at least.
        const often = new Map();
        evidence.board.flatMap((one) => one.calls?.slice(0, 1) ?? []).forEach((call) =>
            often.set(call.id, (often.get(call.id) ?? 0) + 1));
        const [id] = [...often].sort((a, b) => b[1] - a[1])[0];
        evidence.board.forEach((one) => { one.calls = one.calls?.filter((each) => each.id !== id); });
    }],
    [7, 'one call announced under another name', (evidence) => {
        const event = evidence.board.findLast((one) => one.calls?.length > 0);
        event.calls.push({ ...event.calls[0], id: '9-9-9-9' });
    }],
    [7, 'one call announced for another ticket', (evidence) => {
        const event = evidence.board.findLast((one) => one.calls?.length > 0);
        event.calls.push({ ...event.calls[0], display: '1' });
    }],
    [7, 'a number left out without a record', (evidence) => retell(evidence, (bytes, at) =>
        bytes.writeUInt16BE(9998, at + NUMBER_AT))],
    [7, 'a press taken back by a counter that had not made it', (evidence) =>
        retellEntry(evidence, ACTION.UNDO, (entry) => { entry.actor = (entry.actor ^ 0xff) >>> 0; })],
    [7, 'a transfer that lost the service behind it', (evidence) =>
        retellEntry(evidence, ACTION.COMPLETE, (entry, plain) => { plain[ACTION_AT] = ACTION.TRANSFER; })],
    [10, 'a ticket that the entries tell of otherwise than the state', (evidence) => retell(evidence, (bytes, at) =>
        bytes.writeUInt16BE(7, at + COUNTER_AT))],
    [10, 'a unit with another state at the same entry', (evidence) => {
        const disk = evidence.nights[0].disks[2];
        disk.stateDigest = `${'0'.repeat(15)}1${disk.stateDigest.slice(16)}`;
    }],
    [10, 'a seal that does not open', (evidence) => {
        for (const disk of allDisks(evidence)) {
            disk.keys.forEach((key, name) => disk.keys.set(name, Buffer.alloc(key.length, 7)));
        }
    }],
    [10, 'a state that is behind its entries', (evidence) => { evidence.final[1].stateLsn -= 1; }],
    [15, 'a certificate that names another unit', (evidence) =>
        retellEntry(evidence, null, (entry, plain) => { plain[CERTIFIED_UNIT_AT + 3] ^= 8; }, KIND.ERASURE)],
    [15, 'a certificate that says another digest', (evidence) =>
        retellEntry(evidence, null, (entry, plain) => { plain[plain.length - 1] ^= 1; }, KIND.ERASURE)],
    [15, 'a key that was not destroyed', (evidence) => {
        evidence.final[2].keys = new Map(evidence.nights[0].disks[2].keys);
    }],
    [15, 'the bytes of a key on the disk', (evidence) => {
        const [key] = evidence.nights[0].disks[1].keys.values();
        const page = Buffer.concat([Buffer.alloc(4090, 1), key, Buffer.alloc(5000)]);
        evidence.images.push(imageOf('planted', [[page, 0]], page.length));
    }],
    [15, 'a ticket id on the disk, in clear', (evidence) => {
        const page = Buffer.concat([Buffer.alloc(100), Buffer.from(issued(evidence)[0].reply.id, 'hex')]);
        evidence.images.push(imageOf('planted', [[page, 0]], page.length));
    }],
    [15, 'a ticket id in a log', (evidence) => {
        const page = Buffer.from(`ticket ${issued(evidence)[0].reply.id} was issued\n`);
        evidence.images.push(imageOf('planted', [[page, 0]], page.length));
    }],
    [15, 'a search that finds nothing at all', (evidence) => {
        evidence.images[0] = imageOf(evidence.images[0].name, [], 4096);
    }],
];

function callPresses(evidence) {
    return evidence.requests.filter((one) => /call-next$/.test(one.path) && one.status === 200 && one.reply.ticket);
}

const rightful = [
    ['a press of call-next whose answer was lost on the way, and whose call is on the board', (evidence) => {
        const shown = new Set(evidence.board.flatMap((one) => one.calls ?? []).map((call) => call.id));
        const lost = callPresses(evidence).find((one) => shown.has(one.reply.ticket.call_id));
        evidence.requests.filter((one) => one.key === lost.key).forEach((one) => {
            Object.assign(one, { status: 0, reply: undefined });
        });
    }],
    ['a call that had ended before the board heard of the queue again', (evidence, calls) => {
        const press = callPresses(evidence).find((one) => one.side === 'lan' && one.reply.ticket.series === '' &&
            calls.get(one.reply.ticket.call_id).ended < Infinity);
        const call = calls.get(press.reply.ticket.call_id);
        const [unit, , , lsn] = call.name.split('-').map(Number);
        evidence.board = evidence.board.filter((one) => !(one.calls && one.lsn >= lsn && one.lsn < call.ended));
        evidence.board.forEach((one) => { one.calls = one.calls?.filter((each) => each.id !== call.name); });
        evidence.board.push({ t: press.received + 1e-3, unit, lsn: call.ended, calls: [] });
    }],
];

export function selftest(evidence, judge) {
    const base = judge(copy(evidence));
    let failed = 0;
    console.log(`1..${spoilings.length + rightful.length + 1}`);
    console.log(`${base.ok ? 'ok' : 'not ok'} 1 - the evidence as it is holds every promise`);
    base.verdicts.flatMap((one) => one.problems).slice(0, 20).forEach((problem) => console.log(`# ${problem}`));
    spoilings.forEach(([promise, name, spoil], i) => {
        const spoiled = copy(evidence);
        let noticed = 0;
        try {
            spoil(spoiled);
            const of = (result) => result.verdicts.find((one) => one.promise === promise).problems;
            const known = new Set(of(base));
            noticed = of(judge(spoiled)).filter((problem) => !known.has(problem)).length;
        } catch (error) {
            console.log(`# ${error.stack}`);
        }
        failed += noticed > 0 ? 0 : 1;
        console.log(`${noticed > 0 ? 'ok' : 'not ok'} ${i + 2} - promise ${promise}: ${name} is noticed`);
    });
    rightful.forEach(([name, change], i) => {
        const changed = copy(evidence);
        change(changed, base.facts.calls);
        const problems = judge(changed).verdicts.find((one) => one.promise === 7).problems;
        problems.slice(0, 5).forEach((problem) => console.log(`# ${problem}`));
        failed += problems.length > 0 ? 1 : 0;
        console.log(`${problems.length > 0 ? 'not ok' : 'ok'} ${spoilings.length + i + 2} - ${name} breaks nothing`);
    });
    return base.ok && failed === 0;
}
