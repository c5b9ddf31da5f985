// Folds what a random walk of the queue wrote (QUEUE_TRACE of tests/unit/queue_random_test.c) by the checker's own
// reading of rows and days, and holds every digest against the queue's: a format, or what a day's closing and opening
// mean for other rows, cannot change on one side alone.
//   fold_trace.mjs FILE         exit 0: the same after every change; prints how many, and of how many kinds
import { readFileSync } from 'node:fs';
import { Fold, readChange, readConfig, readRow, ROW, rowBytes } from '../../tools/office/demo/ledger.mjs';

const WORD = (1n << 64n) - 1n;
const hashes = new WeakMap();

// FNV-1a, as tests/unit/queue_fixture.h adds it up.
function hashOf(row) {
    if (!hashes.has(row)) {
        let hash = 14695981039346656037n;
        for (const byte of rowBytes(row)) {
            hash = ((hash ^ BigInt(byte)) * 1099511628211n) & WORD;
        }
        hashes.set(row, hash);
    }
    return hashes.get(row);
}

const kinds = new Set();
const actions = new Set();
let changes = 0;
let fold = null;
for (const line of readFileSync(process.argv[2], 'utf8').split('\n').filter(Boolean)) {
    const [what, hex, digest] = line.split(' ');
    const bytes = Buffer.from(hex, 'hex');
    if (what === 'config') {
        fold = new Fold();
        fold.configure(readConfig(bytes));
    } else if (what === 'row') {
        const row = readRow(bytes);
        fold.put(row);
        if (row.kind === ROW.DAY) {
            fold.days.push({ date: row.date, openedLsn: 0 });
        }
    } else {
        const change = readChange(bytes);
        fold.lsn++;
        fold.entry = { lsn: fold.lsn };
        fold.applyChange(change);
        const sum = fold.standing().reduce((all, row) => (all + hashOf(row)) & WORD, 0n).toString(16).padStart(16, '0');
        if (sum !== digest) {
            console.log(`change ${changes + 1}, action ${change.action}: folded ${sum}, the queue has ${digest}`);
            process.exit(1);
        }
        change.rows.forEach((row) => kinds.add(row.kind));
        actions.add(change.action);
        changes++;
    }
}
console.log(`${changes} changes, ${actions.size} actions, ${kinds.size} kinds of rows`);
