// Papers as visitors hold them, in an office with two printers that misbehave on order: what comes out, and what the
// office believes came out. At the end every paper is judged: an original of a ticket exists once, everything else
// says 再発行, and no printer met a byte that it did not understand.
//   printer.mjs NAME      (root) an office of this name is made and taken away; exit 0: everything held
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const BIN = join(process.env.BUILD ?? 'build', 'bin');
const name = process.argv[2];
const dir = mkdtempSync('/run/otp.');
const env = { ...process.env, TOBAN_OFFICE_DIR: dir, LC_ALL: 'C.UTF-8' };
const COPY = '再発行';
const PRINT_BOUND_MS = 25000; // the longest that a paper may take before somebody knows what became of it
const SERVE_BOUND_MS = 10000; // promise 14

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function run(program, ...words) {
    try {
        return { status: 0, text: execFileSync(join(BIN, program), words, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }) };
    } catch (error) {
        return { status: error.status, text: `${error.stdout}${error.stderr}` };
    }
}

function office(...words) {
    const { status, text } = run('toban-office', ...words, '--name', name, '--json');
    if (status !== 0) {
        throw new Error(`toban-office ${words.join(' ')}: ${text}`);
    }
    return JSON.parse(text);
}

const toban = (...words) => run('toban', '--name', name, '--json', ...words);

function asked(...words) {
    const { status, text } = toban(...words);
    if (status !== 0) {
        throw new Error(`toban ${words.join(' ')}: ${status} ${text}`);
    }
    return JSON.parse(text);
}

function expect(holds, what) {
    if (!holds) {
        throw new Error(what);
    }
}

async function until(what, holds, bound_ms = PRINT_BOUND_MS) {
    const end = Date.now() + bound_ms;
    for (;;) {
        const value = holds();
        if (value) {
            return value;
        }
        expect(Date.now() < end, `not within ${bound_ms} ms: ${what}`);
        await sleep(100);
    }
}

// ---- the office and its printers ------------------------------------------------------------------------

let printers = [];

const say = (id, ...words) => {
    const { status, text } = run('toban-printer', '--tell', printers[id - 1].control, ...words);
    expect(status === 0, `printer ${id} does not know ${words.join(' ')}: ${text}`);
    return JSON.parse(text);
};

function papers(id) {
    const file = join(printers[id - 1].dir, 'papers.jsonl');
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').filter(Boolean).map((line) => JSON.parse(line)) : [];
}

const isCopy = (paper) => paper.texts.some((text) => text.includes(COPY));
const ticketOf = (paper) => new URL(paper.qr).hash.slice(1); // behind it: no server's log has it
const papersOf = (id) => [1, 2].flatMap((printer) => papers(printer).filter((paper) => paper.qr.includes(id)).map((paper) => ({ ...paper, printer })));
const issue = (...words) => asked('ticket', 'issue', '1', '--paper', ...words);
const show = (id) => asked('ticket', 'show', id);
const settled = (id) => until(`${id} is still ISSUING`, () => {
    const ticket = show(id);
    return ticket.state !== 'ISSUING' && ticket;
});
const condition = (id) => asked('printer', 'list').printers.find((one) => one.id === id)?.condition;
const ready = (...ids) => until(`printers ${ids} are ready`, () => ids.every((id) => condition(id) === 'READY'));

async function healed() {
    office('heal');
    await ready(1, 2);
}

const calm = async () => until('the pair is PAIRED', () => {
    const { status, text } = run('toban', '--name', name, '--json', 'status');
    return status === 0 && JSON.parse(text).units.every((unit) => unit.mode === 'PAIRED');
}, 90000);

const dutyUnit = () => asked('status').units.findIndex((unit) => unit.role === 'DUTY') + 1;

// ---- scenarios ------------------------------------------------------------------------------------------

async function papersComeOut() {
    const languages = ['ja', 'ja-easy', 'en', 'zh', 'ko'];
    const tickets = languages.map((language) => issue('--language', language));
    for (const ticket of tickets) {
        expect(ticket.state === 'ISSUING' && ticket.delivery === 'paper', 'a paper is waited for');
        const now = await settled(ticket.id);
        expect(now.state === 'WAITING' && !now.undelivered && !now.copy, 'confirmed by the printer');
        const [paper, ...more] = papersOf(ticket.id);
        expect(paper?.whole && paper.digits === 1 && more.length === 0 && !isCopy(paper), 'one whole original');
        expect(paper.printer === 1, 'the first printer prints');
    }
    const again = asked('ticket', 'reprint', tickets[0].id);
    expect(again.ticket.copy, 'a reprint is a copy');
    await until('the copy is out', () => papersOf(tickets[0].id).some(isCopy));
    expect(run('toban', '--name', name, 'printer', 'test', '1').status === 0, 'a test print');
    expect(papers(1).at(-1).texts.some((text) => text.includes('試し刷り')) && papers(1).at(-1).qr === '', 'it says 試');
}

// Printer 1 says beforehand that it cannot: the other prints the original.
async function theOtherTakesOver() {
    for (const [order, code] of [['cover', 'COVER_OPEN'], ['end', 'PAPER_END'], ['offline', 'OFFLINE'], ['cutter', 'CUTTER_ERROR'],
        ['silent', 'SILENT'], ['garbage', 'SILENT']]) {
        say(1, order);
        const ticket = issue(); // some of them are not known yet when it is asked for
        const now = await settled(ticket.id);
        expect(now.state === 'WAITING' && !now.undelivered && !now.copy, `${order}: delivered`);
        const all = papersOf(ticket.id);
        expect(all.length === 1 && all[0].printer === 2 && !isCopy(all[0]), `${order}: the original comes from printer 2`);
        await until(`${order} is ${code}`, () => condition(1) === code);
        say(1, 'heal');
        await ready(1);
    }
    office('fault', 'printer-off', '1');
    const ticket = issue();
    expect(!(await settled(ticket.id)).undelivered && papersOf(ticket.id).length === 1, 'off: delivered once');
    await healed();
}

// Printer 1 says in the middle that it cannot: what hangs out of it is not whole, so the other prints a copy.
async function halfATicket() {
    for (const order of [['end-after', '300'], ['jam']]) {
        say(1, ...order);
        const ticket = issue();
        const now = await settled(ticket.id);
        expect(now.state === 'WAITING' && !now.undelivered && now.copy, `${order}: delivered as a copy`);
        say(1, 'heal'); // the torn piece comes out
        const all = papersOf(ticket.id);
        expect(all.some((paper) => paper.printer === 2 && paper.whole && isCopy(paper)), `${order}: marked as a copy`);
        expect(all.filter((paper) => paper.printer === 1).every((paper) => !paper.whole), `${order}: the first is not whole`);
        await ready(1);
        const next = issue();
        await settled(next.id);
        expect(papersOf(next.id).every((paper) => paper.whole) && papersOf(next.id).length === 1, `${order}: nothing of it is left`);
    }
}

// Nobody says what became of it: staff see it, nothing is printed by itself, and what they ask for is a copy.
async function nobodyKnows() {
    say(1, 'close', '4000');
    const ticket = issue();
    const now = await settled(ticket.id);
    expect(now.state === 'WAITING' && now.undelivered, 'flagged for staff');
    await ready(1);
    expect(papersOf(ticket.id).filter((paper) => paper.whole).length === 0, 'nothing is printed by itself');
    asked('ticket', 'reprint', ticket.id);
    await until('delivered', () => !show(ticket.id).undelivered);
    expect(papersOf(ticket.id).filter((paper) => paper.whole).every(isCopy), 'a copy');
}

async function slowButGood() {
    say(1, 'slow', '100');
    const tickets = [issue(), issue()];
    for (const ticket of tickets) {
        const now = await settled(ticket.id);
        expect(!now.undelivered && papersOf(ticket.id).length === 1 && papersOf(ticket.id)[0].printer === 1, 'waited for');
    }
    say(1, 'heal');
}

async function noPrinterAtAll() {
    say(1, 'end');
    say(2, 'cover');
    await until('both are known', () => condition(1) === 'PAPER_END' && condition(2) === 'COVER_OPEN');
    const ticket = issue();
    expect(ticket.state === 'WAITING' && ticket.delivery === 'screen' && ticket.delivery_reason === 'NO_PRINTER', 'the screen says it');
    const web = office('info').host_url.replace('https:', 'http:'); // what anybody may see
    const { printing } = await (await fetch(`${web}/api/v1/queue`)).json();
    expect(!printing.paper && printing.code === 'PAPER_END' && printing.text_ja.includes('ロール紙'), 'the kiosk is told why');
    const before = asked('printer', 'list').printers[0];
    say(1, 'roll');
    expect(asked('printer', 'roll', '1', '--metres', '63').printers[0].roll.metres_left === 63, 'a new roll is 63 m');
    await ready(1);
    const next = issue();
    await settled(next.id);
    const after = asked('printer', 'list').printers[0];
    expect(after.tickets === before.tickets + 1 && after.cuts === before.cuts + 1 && after.roll.tickets === 1, 'counted');
    expect(after.roll.metres_left < 63 && after.roll.metres_left > 62.5, 'by the length of a ticket');
    await healed();
}

// Whoever printed is gone in the middle: the next does not know, and prints no second original.
async function inTheMiddle(what, breakIt, mend) {
    const before = asked('printer', 'list').printers[0].tickets;
    await ready(1);
    say(1, 'slow', '300');
    const ticket = issue();
    await until('it is being printed', () => say(1, 'status').waiting_bytes > 0);
    breakIt();
    const now = await until(`${what}: somebody serves and knows`, () => {
        const { status, text } = toban('ticket', 'show', ticket.id);
        return status === 0 && JSON.parse(text).state === 'WAITING' && JSON.parse(text);
    }, SERVE_BOUND_MS);
    expect(now.undelivered, `${what}: flagged for staff`);
    say(1, 'heal');
    await until(`${what}: the next can print`, () => issue().delivery === 'paper');
    await ready(1);
    asked('ticket', 'reprint', ticket.id);
    await until(`${what}: a copy`, () => papersOf(ticket.id).some((paper) => paper.whole && isCopy(paper)));
    expect(papersOf(ticket.id).filter((paper) => !isCopy(paper)).length <= 1, `${what}: one original at most`);
    expect(asked('printer', 'list').printers[0].tickets >= before - 10, `${what}: the counters go on`);
    mend();
    await calm();
}

async function takeovers() {
    await inTheMiddle('the driver is killed', () => office('fault', 'crash', String(dutyUnit()), 'toban-devices'), () => {});
    await inTheMiddle('toband is killed', () => office('fault', 'crash', String(dutyUnit())), () => {});
    await inTheMiddle('the unit loses power', () => office('fault', 'power', String(dutyUnit())), () => office('heal'));
}

function judgeEveryPaper() {
    const originals = new Map();
    let whole = 0;
    for (const id of [1, 2]) {
        expect(say(id, 'status').mistakes === 0, `printer ${id} did not understand: ${say(id, 'status').newest_mistake}`);
        for (const paper of papers(id)) {
            whole += paper.whole;
            if (paper.qr !== '' && !isCopy(paper)) {
                originals.set(ticketOf(paper), (originals.get(ticketOf(paper)) ?? 0) + 1);
            }
        }
    }
    expect([...originals.keys()].every((id) => /^[0-9a-f]{32}$/.test(id)), 'a code leads to no ticket');
    expect([...originals.values()].every((count) => count === 1), 'two originals of one ticket');
    console.log(`${whole} whole papers, ${originals.size} originals, each once`);
}

function writeSite() {
    const file = join(dir, 'site.yaml');
    const site = readFileSync('image/site-default.yaml', 'utf8');
    const second = '    - {id: 2, name_ja: 予備プリンター, name_en: Spare printer, address: 10.90.0.6, roll_metres: 80}\n';
    writeFileSync(file, site.replace(/(roll_metres: 80[^\n]*\n)/, `$1${second}`));
    return file;
}

async function main() {
    office('up', '--at', '2026-11-24T09:00', '--site', writeSite());
    try {
        ({ printers } = office('info'));
        await ready(1, 2);
        for (const scenario of [papersComeOut, theOtherTakesOver, halfATicket, nobodyKnows, slowButGood, noPrinterAtAll, takeovers]) {
            const begin = Date.now();
            await scenario();
            console.log(`${scenario.name}: ${Date.now() - begin} ms`);
        }
        judgeEveryPaper();
    } catch (error) {
        for (const id of [1, 2]) {
            const last = papers(id).slice(-6).map((paper) => `${paper.whole ? 'whole' : 'half'} ${paper.rows} ${paper.qr.slice(-8)} ${isCopy(paper) ? 'copy' : ''}`);
            console.log(`printer ${id}: ${JSON.stringify(say(id, 'status'))}`, last);
        }
        console.log(JSON.stringify(asked('printer', 'list')), process.hrtime.bigint() / 1000000n);
        for (const { log_dir } of office('info').units) {
            console.log(readFileSync(join(log_dir, 'toban-devices.log'), 'utf8').split('\n').slice(-12).join('\n'));
        }
        throw error;
    } finally {
        office('down');
        rmSync(dir, { recursive: true, force: true });
    }
}

await main();
