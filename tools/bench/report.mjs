// Figures of one bench run as tables: the targets of DESIGN 8 first, reached or missed, then what they are made of.
// Medians over the run's rounds. A ratio to a peer is the median of each round's own ratio, with its range, because
// noise comes and goes within a run; all other ratios are of medians. What was not measured says 未計測.
import fs from 'node:fs';
import os from 'node:os';

const rows = fs.readFileSync(process.argv[2], 'utf8').trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));
const NOT = '未計測';
const BUSY = 64;

function quantile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)];
}

function median(match, field) {
  const values = rows.filter((row) => Object.entries(match).every(([key, value]) => row[key] === value))
    .map((row) => row[field]).filter((value) => typeof value === 'number');
  return values.length ? quantile(values, 0.5) : undefined;
}

const show = (value, digits = 0, unit = '') => (value === undefined || Number.isNaN(value) ? NOT : `${value.toFixed(digits)}${unit}`);
const ratio = (a, b) => (a === undefined || b === undefined ? undefined : a / b);
const sum = (...values) => (values.some((value) => value === undefined) ? undefined : values.reduce((a, b) => a + b, 0));
const cost = (mode, clients, field) => median({ mode, clients }, field);

/* Toban through HTTP in a round, by a peer in the same round. */
function byPeer(mode) {
  const each = (of) => rows.filter((row) => row.mode === of && row.clients === BUSY).map((row) => row.per_second);
  const ratios = each('http').map((value, round) => ratio(value, each(mode)[round])).filter((value) => value !== undefined);
  return ratios.length ? { median: quantile(ratios, 0.5), range: `${Math.min(...ratios).toFixed(1)} to ${Math.max(...ratios).toFixed(1)} by round` } : {};
}

const targets = [];
function target(what, value, limit, { atLeast = false, digits = 2, unit = '', note = '' } = {}) {
  const verdict = value === undefined || Number.isNaN(value) ? NOT : (atLeast ? value >= limit : value <= limit) ? 'reached' : '**missed**';
  targets.push(`| ${what} | ${atLeast ? '≥' : '≤'} ${limit}${unit} | ${show(value, digits, unit)} | ${verdict} | ${note} |`);
}

function table(head, lines) {
  console.log(`| ${head.join(' | ')} |\n|${head.map(() => '---').join('|')}|`);
  for (const line of lines) console.log(`| ${line.join(' | ')} |`);
  console.log('');
}

// ---- the targets -----------------------------------------------------------------------------------------------

const busy = { clients: BUSY };
target('issue, 1 client, p50 ÷ raw limit', ratio(median({ mode: 'engine', clients: 1 }, 'p50_us'), median({ mode: 'raw', clients: 1 }, 'p50_us')), 1.5, { note: 'LMDB flushes twice one after the other: ADR 2' });
for (const [mode, name, least] of [['postgresql-1', 'PostgreSQL 15, one counter row', 5],
  ['postgresql-6', 'PostgreSQL 15, a row for each category', 5], ['redis', 'Redis 7, AOF always + WAIT 1', 2]]) {
  const found = byPeer(mode);
  target(`HTTP ÷ ${name}`, found.median, least, { atLeast: true, digits: 1, note: found.range });
}
const flushes = (mode, clients) => sum(cost(mode, clients, 'flushes-1'), cost(mode, clients, 'flushes-2'));
target(`flushes a ticket, both units, ${BUSY} clients`, flushes('http-cost', BUSY), 0.1, { digits: 3 });
const daemons = ['toband', 'toban-web', 'toban-net'];
const cpu = (mode, clients, unit) => sum(...daemons.map((daemon) => cost(mode, clients, `${daemon}-${unit}`)));
target(`CPU a ticket on duty, toband, ${BUSY} clients`, cost('http-cost', BUSY, 'toband-1'), 40, { digits: 1, unit: ' µs', note: 'all threads, user and system' });
target(`CPU a ticket on duty, toband + toban-web + toban-net`, cpu('http-cost', BUSY, 1), 40, { digits: 1, unit: ' µs', note: 'without corosync; the clients’ side of the virtual network, a fifth of toban-web, is counted here' });
const large = Math.max(0, ...rows.filter((row) => row.mode === 'ledger-issue').map((row) => row.entries));
for (const clients of [1, 8]) {
  target(`issue p99 at ${large.toLocaleString('en')} entries ÷ empty, ${clients} client${clients > 1 ? 's' : ''}`,
    large ? ratio(median({ mode: 'ledger-issue', entries: large, clients }, 'p99_us'), median({ mode: 'ledger-issue', entries: 0, clients }, 'p99_us')) : undefined, 1.5);
}
target(`start-up to a ticket at ${large.toLocaleString('en')} entries`, large ? ratio(median({ mode: 'start', entries: large }, 'ticket_ms'), 1000) : undefined, 2, { unit: ' s', note: 'both units from power on, with corosync and the address' });
const own = (mode) => sum(...daemons.map((daemon) => median({ mode, unit: 1, daemon }, 'own_mib')));
target('memory of all Toban daemons on duty after the day', own('memory'), 64, { digits: 1, unit: ' MiB', note: 'PSS without files; without corosync' });
const gaps = (kind) => rows.filter((row) => row.mode === 'fault' && row.kind === kind && row.gap_ms !== null).map((row) => row.gap_ms);
const gapAt = (kind, part) => (gaps(kind).length ? quantile(gaps(kind), part) : undefined);
target('planned hand-over, longest pause', gapAt('handover', 1), 150, { digits: 0, unit: ' ms' });
target('process killed, p99', gapAt('crash', 0.99), 300, { digits: 0, unit: ' ms' });
target('power cut, p50', gapAt('power', 0.5), 350, { digits: 0, unit: ' ms' });
target('power cut, p99', gapAt('power', 0.99), 800, { digits: 0, unit: ' ms' });

// ---- the report --------------------------------------------------------------------------------------------------

const load = os.loadavg().map((value) => value.toFixed(2)).join(' ');
console.log(`# Bench\n\n${new Date().toISOString().slice(0, 16)}Z, ${os.cpus().length} cores, load average at the end ${load}.\n`);
console.log('## Targets of DESIGN 8\n');
console.log('| what | target | this run | | |\n|---|---|---|---|---|');
for (const line of targets) console.log(line);
console.log('\n## Issue\n');
console.log('HTTP is by TLS 1.3 with a kiosk’s credential, on connections that are kept.\n');
table(['clients', 'raw p50 µs', 'engine p50', '÷ raw', 'p99', '/s', 'HTTP p50', '÷ raw', 'p99', '/s', 'flushes a ticket'],
  [1, 8, BUSY].map((clients) => {
    const raw = median({ mode: 'raw', clients }, 'p50_us');
    const at = (mode, field) => median({ mode, clients }, field);
    return [clients, show(raw), show(at('engine', 'p50_us')), show(ratio(at('engine', 'p50_us'), raw), 2), show(at('engine', 'p99_us')), show(at('engine', 'per_second')),
      show(at('http', 'p50_us')), show(ratio(at('http', 'p50_us'), raw), 2), show(at('http', 'p99_us')), show(at('http', 'per_second')), show(flushes('http-cost', clients), 3)];
  }));
console.log('CPU a ticket, µs, all threads, user and system; unit 1 is on duty:\n');
table(['load', 'clients', ...[...daemons, 'corosync'].map((daemon) => `${daemon} 1`), 'toband 2 (spare)'],
  ['engine-cost', 'http-cost'].flatMap((mode) => [1, 8, BUSY].map((clients) => [mode.slice(0, -5), clients,
    ...[...daemons, 'corosync'].map((daemon) => show(cost(mode, clients, `${daemon}-1`), 1)), show(cost(mode, clients, 'toband-2'), 1)])));
console.log(`CPU a ticket by TLS with a credential, toband + toban-web + toban-net on duty, ÷ the raw limit’s own (both its processes), ${BUSY} clients: ` +
  `${show(ratio(cpu('http-cost', BUSY, 1), median({ mode: 'raw', clients: BUSY }, 'own_cpu_us')), 1)}\n`);
console.log(`## Peers, ${BUSY} clients, same namespaces, same disk, rounds interleaved\n`);
table(['system', 'per second', 'p50 µs', 'p99 µs'],
  [['http', 'Toban, HTTP'], ['engine', 'Toban, UNIX socket'], ['postgresql-1', 'PostgreSQL 15, one row'], ['postgresql-6', 'PostgreSQL 15, six rows'], ['redis', 'Redis 7']]
    .map(([mode, name]) => [name, show(median({ mode, ...busy }, 'per_second')), show(median({ mode, ...busy }, 'p50_us')), show(median({ mode, ...busy }, 'p99_us'))]));
console.log('## A large ledger\n');
table(['entries', 'toband listens ms', 'first ticket ms', '1 client p50 / p99 µs', '8 clients p50 / p99 µs'],
  (large ? [0, large] : []).map((entries) => [entries.toLocaleString('en'), show(median({ mode: 'start', entries }, 'listens_ms')), show(median({ mode: 'start', entries }, 'ticket_ms')),
    ...[1, 8].map((clients) => `${show(median({ mode: 'ledger-issue', entries, clients }, 'p50_us'))} / ${show(median({ mode: 'ledger-issue', entries, clients }, 'p99_us'))}`)]));
for (const row of rows.filter((each) => each.mode === 'not-measured')) console.log(`${NOT}: ${row.what}, ${row.entries.toLocaleString('en')} entries: ${row.why}\n`);
console.log('## Memory, MiB: own (PSS without files) / with files\n');
table(['daemon', 'on duty, after the day', 'spare', `on duty, ${large.toLocaleString('en')} entries`],
  [...daemons, 'corosync'].map((daemon) => [daemon, ...[['memory', 1], ['memory', 2], ['memory-large', 1]].map(([mode, unit]) =>
    `${show(median({ mode, unit, daemon }, 'own_mib'), 1)} / ${show(median({ mode, unit, daemon }, 'with_files_mib'), 1)}`)]));
console.log('## Time without service\n');
table(['fault', 'repetitions', 'p50 ms', 'p99 ms', 'worst ms'], ['handover', 'crash', 'power'].map((kind) => {
  const all = rows.filter((row) => row.mode === 'fault' && row.kind === kind).length;
  const lost = all - gaps(kind).length;
  return [kind, `${all}${lost ? ` (${lost} without a ticket in time)` : ''}`, show(gapAt(kind, 0.5)), show(gapAt(kind, 0.99)), show(gapAt(kind, 1))];
}));

// ---- who follows live --------------------------------------------------------------------------------------------

if (rows.some((row) => row.mode === 'live')) {
  console.log('## 100 boards and 1,000 telephones follow live, ten tickets a second\n');
  const at = (mode, field) => median({ mode }, field);
  table(['issue', 'p50', 'p99', 'tickets a second'], ['live-alone', 'live-followed'].map((mode) => [
    mode === 'live-alone' ? 'nobody follows' : 'all follow', show(at(mode, 'p50_us'), 0, ' µs'), show(at(mode, 'p99_us'), 0, ' µs'),
    show(at(mode, 'per_second'), 1)]));
  console.log(`p99 with ÷ without: ${show(ratio(at('live-followed', 'p99_us'), at('live-alone', 'p99_us')), 2)}; ` +
    `${show(at('live', 'mib_per_second'), 1)} MiB/s to them; longest between two queues: a board ${show(at('live', 'longest_ms_screen'))} ms, ` +
    `a telephone ${show(at('live', 'longest_ms_telephone'))} ms; lost ${show(at('live', 'lost'))}\n`);
}
