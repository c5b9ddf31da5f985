// Figures of one bench run as a table: ratios first, what was missed said plainly.
import fs from 'node:fs';

const rows = fs.readFileSync(process.argv[2], 'utf8').trim().split('\n').map((line) => JSON.parse(line));
const find = (mode, clients) => rows.find((row) => row.mode === mode && row.clients === clients);
const load = fs.readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ');

function quantile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)];
}

console.log(`# Bench\n\nOne run on this machine, load average at its end ${load}. Ratios are within the run.\n`);
console.log('| clients | raw p50 µs | engine p50 µs | ÷ raw | gateway p50 µs | ÷ raw | engine/s | gateway/s | flushes per ticket, both units |');
console.log('|---|---|---|---|---|---|---|---|---|');
for (const clients of [1, 8, 64]) {
  const raw = find('raw', clients);
  const engine = find('engine', clients);
  const http = find('http', clients);
  const flushes = find('engine-flushes', clients);
  if (!raw || !engine || !http) {
    console.log(`| ${clients} | 未計測 | | | | | | | |`);
    continue;
  }
  console.log(`| ${clients} | ${raw.p50_us} | ${engine.p50_us} | ${(engine.p50_us / raw.p50_us).toFixed(2)} | ` +
    `${http.p50_us} | ${(http.p50_us / raw.p50_us).toFixed(2)} | ${engine.per_second} | ${http.per_second} | ` +
    `${(flushes.both_units / engine.operations).toFixed(2)} |`);
}
console.log('\nTargets of DESIGN 8: engine at 1 client ≤ 1.5 × raw; flushes per ticket at 64 clients ≤ 0.1.\n');
console.log('| fault | repetitions | without service p50 ms | p99 ms | worst ms | target |');
console.log('|---|---|---|---|---|---|');
const targets = { handover: 'longest pause ≤ 150 ms', crash: 'p99 ≤ 300 ms', power: 'p50 ≤ 350 ms, p99 ≤ 800 ms' };
for (const kind of Object.keys(targets)) {
  const all = rows.filter((row) => row.mode === 'fault' && row.kind === kind);
  const gaps = all.map((row) => row.gap_ms).filter((gap) => gap !== null);
  const lost = all.length - gaps.length;
  if (gaps.length === 0) {
    console.log(`| ${kind} | ${all.length} | 未計測 | | | ${targets[kind]} |`);
    continue;
  }
  console.log(`| ${kind} | ${all.length}${lost ? ` (${lost} without a ticket in time)` : ''} | ` +
    `${quantile(gaps, 0.5).toFixed(0)} | ${quantile(gaps, 0.99).toFixed(0)} | ${Math.max(...gaps).toFixed(0)} | ` +
    `${targets[kind]} |`);
}
