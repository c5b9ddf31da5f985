// What every program of the demo shares: one clock, line-delimited JSON, seeded chance.
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

// CLOCK_MONOTONIC in milliseconds: the same clock in every process and namespace of this machine, and
// the one that `toban-office fault --json` tells its times by.
export function nowMs() {
    return Number(process.hrtime.bigint() / 1000n) / 1000;
}

export function sleep(ms) {
    return new Promise((resolve) => setTimeout(resolve, ms));
}

// mulberry32: the same visitors every time.
export function chance(seed) {
    let state = seed >>> 0;
    return () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
        mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    };
}

export function journal(path) {
    const stream = createWriteStream(path, { flags: 'a' });
    return {
        write: (record) => stream.write(`${JSON.stringify(record)}\n`),
        end: () => new Promise((resolve) => stream.end(resolve)),
    };
}

export function say(message) {
    process.stdout.write(`${JSON.stringify(message)}\n`);
}

// One JSON value a line; what is not JSON is another program's chatter and is passed to `other`.
export function eachLine(stream, take, other = () => {}) {
    createInterface({ input: stream }).on('line', (line) => {
        let message;
        try {
            message = JSON.parse(line);
        } catch {
            other(line);
            return;
        }
        take(message);
    });
}
