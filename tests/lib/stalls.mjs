// A machine that stands still keeps no bound of time, and a test that ran on one then has no verdict: neither held nor
// broken. That is measured, by a thread that does nothing but look at the clock, and said. Promises that do not speak of
// time are judged all the same.
//   stalls.mjs FILE      writes the milliseconds so far into FILE whenever there are more, until it is ended
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

const TICK_MS = 50;
const STALL_MS = 250; // a tick this late: the machine did not let anybody run
export const STARVED_MS = 1000; // so much of it, and bounds of time say nothing about the office

// { stalled_ms }: how long the machine stood still since this was called.
export function watchMachine(path) {
    const stalls = new Int32Array(new SharedArrayBuffer(4));
    const watcher = new Worker(`const { workerData } = require('node:worker_threads');
        let due = performance.now() + ${TICK_MS};
        setInterval(() => {
            const late = performance.now() - due;
            due = performance.now() + ${TICK_MS};
            if (late > ${STALL_MS}) {
                Atomics.add(workerData.stalls, 0, Math.round(late));
                if (workerData.path) {
                    require('node:fs').writeFileSync(workerData.path, String(workerData.stalls[0]));
                }
            }
        }, ${TICK_MS});`, { eval: true, workerData: { stalls, path } });
    if (path) {
        writeFileSync(path, '0');
    } else {
        watcher.unref();
    }
    return { get stalled_ms() { return Atomics.load(stalls, 0); } };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    watchMachine(process.argv[2]);
}
