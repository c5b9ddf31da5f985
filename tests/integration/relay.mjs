// The public page on another host: an office, a process on each unit that feeds, and the relay, which stands in the
// clients' namespace and has no way in. Certificates are made here, of a CA of their own.
//   relay.mjs NAME      (root) an office of this name is made and taken away; exit 0: everything held
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const BIN = join(process.env.BUILD ?? 'build', 'bin');
const name = process.argv[2];
const dir = mkdtempSync('/run/orl.');
const env = { ...process.env, TOBAN_OFFICE_DIR: dir, LC_ALL: 'C.UTF-8' };
const RELAY = '10.90.0.9';
const FEED_PORT = 9443;
const PAGE = `https://${RELAY}:8443`;
const TAKEOVER_BOUND_MS = 20000; // promise 14, and who was dead is silent for 6 s
const FEED_BOUND_MS = 10000;
const children = new Set();
let failed = 0;
let count = 0;

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function say(holds, what) {
    count++;
    failed += holds ? 0 : 1;
    console.log(`${holds ? 'ok' : 'not ok'} ${count} - ${what}`);
}

function office(...words) {
    return JSON.parse(execFileSync(join(BIN, 'toban-office'), [...words, '--name', name, '--json'],
        { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }) || '{}');
}

const toban = (...words) => JSON.parse(execFileSync(join(BIN, 'toban'), ['--name', name, '--json', ...words],
    { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }));

async function until(what, look, bound_ms) {
    const end = Date.now() + bound_ms;
    for (;;) {
        try {
            const value = look();
            if (value) {
                return value;
            }
        } catch (error) {
            if (Date.now() >= end) {
                throw error;
            }
        }
        if (Date.now() >= end) {
            throw new Error(`not within ${bound_ms} ms: ${what}`);
        }
        await sleep(100);
    }
}

// ---- certificates, relay, feeders --------------------------------------------------------------------

const openssl = (...words) => execFileSync('openssl', words, { stdio: 'ignore' });
const file = (what) => join(dir, what);

function makeCertificates() {
    for (const ca of ['site', 'other']) {
        openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file(`${ca}.key`),
            '-out', file(`${ca}.ca`), '-subj', `/CN=${ca}`, '-days', '3650');
    }
    for (const [what, common, ca] of [['feed', 'toban-feed', 'site'], ['relay', 'toban-relay', 'site'],
        ['unit', 'unit-1', 'site'], ['stranger', 'toban-feed', 'other']]) {
        openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file(`${what}.key`),
            '-out', file(`${what}.csr`), '-subj', `/CN=${common}`);
        openssl('x509', '-req', '-in', file(`${what}.csr`), '-CA', file(`${ca}.ca`), '-CAkey', file(`${ca}.key`),
            '-CAcreateserial', '-out', file(`${what}.crt`), '-days', '3650');
    }
}

// What telephones see: a certificate for the relay's address.
function makePageCertificate() {
    writeFileSync(file('page.ext'), `subjectAltName=IP:${RELAY}\n`);
    openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file('page.key'),
        '-out', file('page.csr'), '-subj', '/CN=relay');
    openssl('x509', '-req', '-in', file('page.csr'), '-CA', file('site.ca'), '-CAkey', file('site.key'), '-CAcreateserial',
        '-extfile', file('page.ext'), '-out', file('page.crt'), '-days', '3650');
}

const tls = (what) => ['--feed-ca', file('site.ca'), '--feed-cert', file(`${what}.crt`), '--feed-key', file(`${what}.key`)];

function start(place, ...words) {
    const log = openSync(file('log'), 'a');
    const child = spawn('ip', ['netns', 'exec', `${name}-${place}`, join(BIN, 'toban-web'), ...words],
        { stdio: ['ignore', log, log] });
    closeSync(log);
    children.add(child);
    child.ended = new Promise((done) => child.on('exit', () => { children.delete(child); done(); }));
    return child;
}

const startRelay = () => start('lan', '--relay', '--feed-listen', `${RELAY}:${FEED_PORT}`, '--tls-listen', `${RELAY}:8443`,
    '--tls-cert', file('page.crt'), '--tls-key', file('page.key'),
    '--web-dir', 'appliance/gateway/web', '--state-dir', file('state'), ...tls('relay'));
const startFeeder = (unit, info, who = 'feed') => start(`u${unit}`, '--feed', `${RELAY}:${FEED_PORT}`, '--engine-socket',
    info.units[unit - 1].socket, ...tls(who));

async function stop(child) {
    child.kill('SIGTERM');
    await child.ended;
}

// ---- what a telephone asks -------------------------------------------------------------------------------

function curl(...words) {
    const text = execFileSync('ip', ['netns', 'exec', `${name}-lan`, 'curl', '-s', '--cacert', file('site.ca'), '-m', '6', '-w', '\n%{http_code}', ...words],
        { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const at = text.lastIndexOf('\n');
    const body = text.slice(0, at);
    return { status: Number(text.slice(at + 1)), body: body.startsWith('{') ? JSON.parse(body) : body };
}

const ask = (path) => curl(`${PAGE}${path}`);
const post = (path, body = '') => curl('-X', 'POST', '-H', `Idempotency-Key: k${Math.random()}`,
    ...(body ? ['-H', 'Content-Type: application/json', '-d', body] : []), `${PAGE}${path}`);
const fedQueue = () => {
    const { status, body } = ask('/api/v1/queue');
    return status === 200 && body.fed !== false ? body : null;
};

// ---- raw search --------------------------------------------------------------------------------------------

/** How often any of the byte strings stands in the writable memory of a process. */
function searchMemory(pid, patterns) {
    const maps = readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n').map((line) => /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line))
        .filter(Boolean);
    const memory = openSync(`/proc/${pid}/mem`, 'r');
    let found = 0;
    for (const [, from, to] of maps) {
        const bytes = Buffer.alloc(Number(BigInt(`0x${to}`) - BigInt(`0x${from}`)));
        try {
            readSync(memory, bytes, 0, bytes.length, BigInt(`0x${from}`));
        } catch {
            continue; // a page that cannot be read holds nothing of ours
        }
        found += patterns.filter((pattern) => bytes.includes(pattern)).length;
    }
    closeSync(memory);
    return found;
}

function searchFiles(folder, patterns) {
    return readdirSync(folder).filter((each) => patterns.some((pattern) => readFileSync(join(folder, each)).includes(pattern)));
}

const relayPid = (child) => {
    // `ip netns exec` becomes the program itself.
    return child.pid;
};

// ---- the story ----------------------------------------------------------------------------------------------

async function story() {
    mkdirSync(file('state'));
    makeCertificates();
    makePageCertificate();
    office('up', '--at', '2026-11-24T09:00', '--disk', 'directory');
    const info = office('info');
    const relay = startRelay();
    await until('the relay answers', () => ask('/status').status === 200, FEED_BOUND_MS);
    say(ask('/api/v1/queue').status === 503, 'a relay that nobody ever fed knows nothing');

    const wrong = startFeeder(1, info, 'unit');
    const stranger = startFeeder(2, info, 'stranger');
    await sleep(2500);
    say(fedQueue() === null, "neither a unit's own certificate nor another CA's feeds it");
    await stop(wrong);
    await stop(stranger);

    let feeders = [1, 2].map((unit) => startFeeder(unit, info));
    const first = await until('the relay is fed', fedQueue, FEED_BOUND_MS);
    say(first.categories.length > 0 && first.service_day.state === 'OPEN', 'it shows the queue of the office');
    const tickets = [1, 2, 3].map(() => toban('ticket', 'issue', '1'));
    await until('the queue follows', () => fedQueue()?.categories[0].waiting === 3, FEED_BOUND_MS);
    say(ask(`/api/v1/tickets/${tickets[1].id}`).body.waiting_ahead === 1, 'a visitor sees his own number by its id');
    for (const [what, answer] of [
        ['issue', () => post('/api/v1/tickets', '{"category":1}')],
        ['call', () => post('/api/v1/counters/1/call-next')],
        ['read a counter', () => ask('/api/v1/counters/1')],
        ['read the status', () => ask('/api/v1/status')],
        ['read the settings', () => ask('/api/v1/site')], // asked of the pair it would end the feed
        ['register', () => post('/api/v1/registrations', '{"category":1}')],
        ['arrive', () => post(`/api/v1/tickets/${tickets[0].id}/arrive`)],
        ['hold a ticket', () => post(`/api/v1/tickets/${tickets[0].id}/hold`)],
        ['see the kiosk', () => ask('/kiosk')],
    ]) {
        say(answer().status === 404, `nobody can ${what} by the relay`);
    }

    const duty = first.unit;
    office('fault', 'power', String(duty));
    await stop(feeders[duty - 1]);
    const after = await until('the other unit feeds', () => fedQueue()?.unit === 3 - duty && fedQueue(), TAKEOVER_BOUND_MS);
    say(after.categories[0].waiting === 3 && after.mode === 'ALONE', 'after a power cut the other unit feeds the same queue');
    const cancelled = post(`/api/v1/tickets/${tickets[2].id}/cancel`);
    say(cancelled.status === 200 && toban('ticket', 'show', tickets[2].display).state === 'CANCELLED',
        'a visitor cancels from the telephone, over the connection of the pair');

    await stop(feeders[2 - duty]);
    await until('the hours are left', () => ask('/api/v1/queue').body.fed === false, FEED_BOUND_MS);
    const hours = ask('/api/v1/queue').body;
    say(hours.site_ja === first.site_ja && hours.calls.length === 0 && hours.service_day.closes_at !== undefined,
        'when the feed stops, the hours are left and no number');
    say(ask(`/api/v1/tickets/${tickets[0].id}`).status === 503, 'and a ticket is neither known nor called gone');

    office('heal');
    await until('paired again', () => toban('status').units.every((unit) => unit.mode === 'PAIRED'), 60000);
    feeders = [1, 2].map((unit) => startFeeder(unit, info));
    await until('fed again', fedQueue, FEED_BOUND_MS);
    const ids = tickets.flatMap(({ id }) => [Buffer.from(id, 'latin1'), Buffer.from(id, 'hex')]);
    tickets.forEach(({ id }) => ask(`/api/v1/tickets/${id}`));
    say(searchMemory(relayPid(relay), ids) > 0, 'the search finds a ticket while it is there');

    const shift = Math.ceil((Date.parse('2026-11-25T00:00:30+09:00') - (Date.now() + info.clock_offset_ms)) / 1000);
    office('clock', '--shift', String(shift));
    const certificate = join(file('state'), 'certificate-2026-11-24.json');
    await until('the relay writes its certificate', () => existsSync(certificate), 30000);
    await until('it is fed again', fedQueue, FEED_BOUND_MS * 2);
    const said = JSON.parse(readFileSync(certificate));
    say(said.service_day === '2026-11-24' && said.relay === 'toban-relay' && said.digest_before !== said.digest_after &&
        said.ticket_questions > 0, `the certificate says what, when, by whom (${said.why})`);
    const stands = await until('the pair has it in its ledger', () => toban('certificate', 'show', '2026-11-24')
        .find((each) => each.relay === 'toban-relay'), FEED_BOUND_MS * 4);
    say(stands.digest_before === said.digest_before && stands.why === said.why, 'and it stands in the ledger of the pair');
    say(toban('day', 'certificate', '2026-11-24').relays.length === 1 &&
        !existsSync(join(file('state'), 'undelivered-2026-11-24.json')), 'once, and the relay knows that it does');
    say(searchMemory(relayPid(relay), ids) === 0, 'after the night no ticket stands in its memory');
    say(searchFiles(file('state'), ids).length === 0, 'nor in its files');
    say(ask(`/api/v1/tickets/${tickets[0].id}`).status === 404, 'the pair knows nothing of it either');
    await Promise.all([...feeders, relay].map(stop));
}

try {
    await story();
} catch (error) {
    failed++;
    console.log(`not ok - ${error.stack}`);
    console.log(existsSync(file('log')) ? readFileSync(file('log'), 'utf8').split('\n').slice(-20).map((line) => `# ${line}`).join('\n') : '');
} finally {
    for (const child of children) {
        child.kill('SIGKILL');
    }
    try {
        office('down');
    } catch (error) {
        console.log(`# ${error.message}`);
    }
    rmSync(dir, { recursive: true, force: true });
}
console.log(`1..${count}`);
process.exit(failed === 0 ? 0 : 1);
