// The independent checker of a demo day. It reads what clients sent and received, what each disk holds, and
// which day keys there were before they were destroyed; it asks no program of the product anything.
//
//   checker.mjs DIR                 judges the evidence in DIR; exit 0: every promise held
//   checker.mjs --selftest [DIR]    spoils the evidence in every way below and sees each noticed; exit 0: all were
//   checker.mjs --pack DIR FILE     makes a data set of DIR for the self-test
//   --json                          the verdict as JSON
//
// Promises are numbered as in DESIGN 2.
import { createReadStream, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { ACTION, DELIVERY_HAND, Fold, HASH_BYTES, KIND, NO_HASH, originText, ROW, readChange, readDisk, openPayload, sha256, walk }
    from './ledger.mjs';
import { selftest } from './selftest.mjs';

const PROBLEMS_KEPT = 5000;
const PROBLEMS_SHOWN = 12;
const PAGE_BYTES = 4096;
const CHUNK_BYTES = 4 << 20;
const UNITS = [1, 2];

class Verdict {
    constructor(promise, ja, en) {
        Object.assign(this, { promise, ja, en, checked: 0, problem_count: 0, problems: [], facts: {} });
    }
    expect(right, problem) {
        this.checked++;
        if (!right) {
            this.problem_count++;
            if (this.problems.length < PROBLEMS_KEPT) {
                this.problems.push(typeof problem === 'function' ? problem() : problem);
            }
        }
        return right;
    }
    // A check that looked at nothing proves nothing.
    get ok() {
        return this.problem_count === 0 && this.checked > 0;
    }
}

// ---- what the evidence says, computed once ----------------------------------------------------------

function dayNumber(text) {
    return Number(text.replaceAll('-', ''));
}

function ledgerOf(disk, keys, name) {
    const walked = walk(disk.stored);
    let fold = new Fold();
    let wrong = walked.wrong;
    try {
        fold.run(walked.entries, keys);
    } catch (error) {
        wrong ??= error.message;
    }
    return { name, disk, entries: walked.entries, head: walked.head, wrong, fold };
}

// evidence: {requests, board, nights: [{day, disks: {1, 2}}], final: {1, 2}, images, wipes}
export function analyse(evidence) {
    const keys = new Map();
    for (const night of evidence.nights) {
        for (const unit of UNITS) {
            night.disks[unit].keys.forEach((key, name) => keys.set(name, key));
        }
    }
    for (const unit of UNITS) {
        evidence.final[unit].keys.forEach((key, name) => keys.set(name, key)); // of a day not erased yet
    }
    const issues = evidence.requests.filter((one) => one.path === '/api/v1/tickets');
    const tickets = new Map();
    for (const one of issues.filter((each) => each.status === 201)) {
        const known = tickets.get(one.reply.id) ?? { ...one.reply, key: one.key, received: one.received,
            replies: [] };
        known.received = Math.min(known.received, one.received);
        known.replies.push(one.reply);
        tickets.set(one.reply.id, known);
    }
    const firstSent = new Map();
    for (const one of issues) {
        firstSent.set(one.key, Math.min(firstSent.get(one.key) ?? Infinity, one.sent));
    }
    const nights = evidence.nights.map((night) => ({ day: night.day,
        ledgers: UNITS.map((unit) => ledgerOf(night.disks[unit], keys, `${night.day} unit ${unit}`)) }));
    const final = UNITS.map((unit) => ledgerOf(evidence.final[unit], keys, `final unit ${unit}`));
    const facts = { ...evidence, keys, issues, tickets, firstSent, nights, final,
        ledgers: [...nights.flatMap((night) => night.ledgers), ...final] };
    facts.calls = callsOf(facts);
    return facts;
}

// ---- the promises -----------------------------------------------------------------------------------

function checkUnique(facts) {
    const verdict = new Verdict(1, '同じ番号は二度出ていません', 'No number was given twice');
    const papers = new Map();
    for (const ticket of facts.tickets.values()) {
        for (const reply of ticket.replies) {
            const paper = `${reply.service_day} ${reply.number}${reply.series}`;
            const holder = papers.get(paper) ?? reply.id;
            papers.set(paper, holder);
            verdict.expect(holder === reply.id && reply.display === `${reply.number}${reply.series}`,
                () => `${paper} is on two tickets: ${holder} and ${reply.id}`);
        }
    }
    for (const ledger of facts.final) {
        const rows = new Map();
        for (const row of ledger.fold.tickets.values()) {
            const paper = `${row.day} ${row.number}${row.series}`;
            verdict.expect((rows.get(paper) ?? row.id) === row.id,
                () => `${ledger.name}: ${paper} is on two rows`);
            rows.set(paper, row.id);
        }
    }
    verdict.facts = { tickets: facts.tickets.size, papers: papers.size };
    return verdict;
}

function checkDurable(facts) {
    const verdict = new Verdict(2, '渡した番号はすべて両方の台帳にあります',
        'Every number that was given is in both ledgers');
    for (const ticket of facts.tickets.values()) {
        for (const ledger of facts.final) {
            const row = ledger.fold.tickets.get(ticket.id);
            verdict.expect(row !== undefined && row.number === ticket.number && row.series === ticket.series &&
                row.day === dayNumber(ticket.service_day) && row.state !== 'VOID',
            () => `${ticket.display} (${ticket.id}) is ${row ? `${row.number}${row.series} ${row.state}`
                : 'missing'} in ${ledger.name}`);
            if (row !== undefined && row.by.action !== ACTION.JOIN && row.delivery !== DELIVERY_HAND) {
                verdict.expect((row.series === '') === (row.by.session === 0),
                    () => `${ticket.display} was written in session ${row.by.session}`);
            }
        }
    }
    const letters = [...facts.tickets.values()].filter((ticket) => ticket.series !== '').length;
    verdict.facts = { plain: facts.tickets.size - letters, letters };
    return verdict;
}

function rowsOf(entry, keys, verdict) {
    try {
        const plain = openPayload(entry, keys);
        return plain === null ? [] : readChange(plain).rows;
    } catch (error) {
        verdict?.expect(false, error.message);
        return [];
    }
}

// A replaced tail hangs on the entry before its first one.
function walkTail(facts, tail) {
    const first = Number(tail[0].readBigUInt64BE(4));
    return walk(tail, first === 1 ? NO_HASH : facts.final[0].entries[first - 2]?.hash ?? NO_HASH, first);
}

function checkTails(facts, verdict) {
    const main = facts.final[0];
    for (const ledger of facts.ledgers) {
        for (const tail of ledger.disk.tails) {
            const walked = walkTail(facts, tail);
            verdict.expect(walked.wrong === null, () => `${ledger.name}, replaced tail: ${walked.wrong}`);
            for (const entry of walked.entries.filter((one) => one.kind === KIND.CHANGE_VISIT)) {
                const rows = rowsOf(entry, facts.keys, verdict);
                for (const row of rows.filter((one) => one.kind === ROW.TICKET)) {
                    verdict.expect(main.fold.tickets.has(row.id),
                        () => `${row.number}${row.series} of a replaced tail was dropped`);
                }
            }
        }
    }
    for (const record of main.fold.tails) {
        const kept = facts.ledgers.some((ledger) => ledger.name.endsWith(`unit ${record.unit}`) &&
            ledger.disk.tails.some((tail) => tail.at(-1).subarray(-HASH_BYTES).equals(record.head)));
        const wiped = facts.wipes.some((wipe) => wipe.unit === record.unit &&
            wipe.wall_ms + 1000 >= main.entries[record.lsn - 1].wallMs);
        verdict.expect(kept || wiped,
            () => `lsn ${record.lsn}: the tail ${record.first}-${record.last} of unit ${record.unit} is nowhere`);
    }
}

function checkPrefix(facts) {
    const verdict = new Verdict(5, '二つの台帳は一字一句同じで、鎖はすべてつながっています',
        'Both ledgers are the same bytes, and every link of the chain holds');
    for (const pair of [...facts.nights.map((night) => night.ledgers), facts.final]) {
        const [one, two] = pair.map((ledger) => ledger.disk.stored);
        for (const ledger of pair) {
            verdict.expect(ledger.wrong === null, () => `${ledger.name}: ${ledger.wrong}`);
            verdict.expect(ledger.entries.length > 0, () => `${ledger.name}: empty`);
        }
        // What one has more it wrote alone, after the other was gone.
        const longer = pair[one.length >= two.length ? 0 : 1];
        for (const entry of longer.entries.slice(Math.min(one.length, two.length))) {
            verdict.expect(entry.session !== 0,
                () => `${longer.name} alone has lsn ${entry.lsn}, written as of the pair`);
        }
        const differs = one.slice(0, two.length).findIndex((bytes, i) => !bytes.equals(two[i]));
        verdict.expect(differs < 0, () => `${pair[0].name} and ${pair[1].name} differ at lsn ${differs + 1}`);
        verdict.checked += one.length;
    }
    for (const night of facts.nights) {
        const stored = night.ledgers[0].disk.stored;
        const kept = stored.every((bytes, i) => facts.final[0].disk.stored[i]?.equals(bytes));
        verdict.expect(kept, () => `the ledger of ${night.day} is not the beginning of the newest one`);
    }
    checkTails(facts, verdict);
    verdict.facts = { entries: facts.final[0].entries.length, terms: facts.final[0].fold.terms.length,
        sessions: facts.final[0].fold.sessions.length, tails: facts.final[0].fold.tails.length };
    return verdict;
}

const PROGRESS = { CALLED: 1, SERVING: 2, HELD: 1, ABSENT: 1, DONE: 2, NO_SHOW: 2 };

// Behind a cut one touch may have become two tickets, of which the visitor heard of one only. The meeting joins
// them: whichever was called or served further answers the key, and the other stays in the ledger.
function isJoinedTwin(ledger, token, answering, given) {
    const twin = ledger.fold.tickets.get(answering);
    const heard = [...given].map((id) => ledger.fold.tickets.get(id));
    return twin?.requestKey === token && heard.every((row) => row !== undefined && row.requestKey === token &&
        row.series !== twin.series && (PROGRESS[row.state] ?? 0) <= (PROGRESS[twin.state] ?? 0));
}

function checkOnce(facts) {
    const verdict = new Verdict(6, '同じ鍵（一度のタッチ）には同じ番号を答えています',
        'The same key was answered with the same ticket');
    const answers = new Map();
    let retried = 0;
    let twins = 0;
    for (const one of facts.requests.filter((each) => each.key && each.status >= 200 && each.status < 300)) {
        const ticket = one.what === 'issue' || one.path === '/api/v1/tickets' ? one.reply : one.reply.ticket;
        const known = answers.get(one.key) ?? { ids: new Map(), path: one.path, tries: 0 };
        known.ids.set(ticket?.id ?? 'none', ticket);
        known.tries++;
        answers.set(one.key, known);
    }
    for (const [key, answer] of answers) {
        const given = [...answer.ids.values()];
        const split = answer.ids.size === 2 && given.some((ticket) => ticket?.series);
        retried += answer.tries > 1 ? 1 : 0;
        verdict.expect(answer.ids.size === 1 || split,
            () => `${answer.path} ${key}: ${given.map((ticket) => ticket?.display).join(' and ')}`);
        if (answer.path === '/api/v1/tickets') {
            const token = sha256(key).subarray(0, 16).toString('hex');
            for (const ledger of facts.final) {
                const row = ledger.fold.keys.get(token);
                const twin = row !== undefined && !answer.ids.has(row.ticket) &&
                    isJoinedTwin(ledger, token, row.ticket, answer.ids.keys());
                twins += twin ? 1 : 0;
                verdict.expect(row !== undefined && (answer.ids.has(row.ticket) || twin),
                    () => `${ledger.name} answers ${key} with ${row?.ticket ?? 'nothing'}`);
            }
        }
    }
    const attempts = facts.requests.filter((one) => one.try > 1).length;
    verdict.facts = { keys: answers.size, answered_again: retried, attempts_repeated: attempts,
        two_tickets: [...answers.values()].filter((one) => one.ids.size === 2).length, unheard_twins: twins / 2 };
    return verdict;
}

function checkOrder(facts, verdict) {
    const series = new Map();
    for (const ticket of facts.tickets.values()) {
        const name = `${ticket.service_day} ${ticket.category} ${ticket.series}`;
        series.set(name, [...(series.get(name) ?? []), ticket]);
    }
    for (const [name, tickets] of series) {
        let latest = { sent: -Infinity };
        for (const ticket of tickets.sort((a, b) => a.number - b.number)) {
            const lower = latest;
            verdict.expect(ticket.received >= lower.sent,
                () => `${name}: ${ticket.number} was in hand before ${lower.number} was asked for`);
            const sent = facts.firstSent.get(ticket.key);
            if (sent > latest.sent) {
                latest = { sent, number: ticket.number };
            }
        }
    }
}

function checkGaps(facts, verdict) {
    const { fold } = facts.final[0];
    let skipped = 0;
    for (const { date } of fold.days) {
        for (const category of fold.config.categories) {
            const inside = (number) => number >= category.first && number <= category.last;
            const never = (number) => fold.config.skips.some((one) => number === one || (one < 100 && number % 100 === one));
            const given = new Set([...fold.tickets.values()].filter((row) => row.day === date &&
                row.series === '' && inside(row.number)).map((row) => row.number));
            const skips = fold.skips.filter((skip) => skip.day === date && skip.category === category.id);
            const highest = Math.max(category.first - 1, ...given, ...skips.map((skip) => skip.to));
            for (let number = category.first; number <= highest; number++) {
                const skip = skips.some((one) => number >= one.from && number <= one.to);
                skipped += skip ? 1 : 0;
                verdict.expect(given.has(number) || skip || never(number),
                    () => `${date}: ${number} was neither given nor recorded as skipped`);
                verdict.expect(!given.has(number) || !never(number),
                    () => `${date}: ${number} is on the list of numbers that are never given`);
            }
        }
    }
    return skipped;
}

const SHOWN_CALL = new Set(['CALLED', 'SERVING', 'ABSENT', 'DONE']);

// What the ledgers and the replaced tails say of each call, by its name "unit-term-session-lsn": the press that made it, and the
// entry with which it ended (put back, cancelled, called anew, or joined with what the other side of a cut did).
function callsOf(facts) {
    const calls = new Map();
    for (const ledger of facts.ledgers) {
        for (const entries of [ledger.entries, ...ledger.disk.tails.map((tail) => walkTail(facts, tail).entries)]) {
            const standing = new Map();
            for (const entry of entries.filter((one) => one.kind === KIND.CHANGE_VISIT)) {
                const rows = rowsOf(entry, facts.keys, null);
                for (const row of rows.filter((one) => one.kind === ROW.TICKET)) {
                    const name = row.call;
                    const before = standing.get(row.id);
                    if (before !== undefined && (before.name !== name || !SHOWN_CALL.has(row.state))) {
                        before.ended = entry.lsn;
                        standing.delete(row.id);
                    }
                    if (name === originText(entry)) {
                        const key = rows.find((one) => one.kind === ROW.KEY)?.key;
                        const call = { name, key, ended: Infinity };
                        standing.set(row.id, call);
                        calls.set(name, call);
                    }
                }
            }
        }
    }
    return calls;
}

// A call is named by the entry that made it. Behind a cut both sides may call one visitor: two presses, two calls. A
// press whose answer was lost on the way has called all the same: its key is in the ledger.
function checkBoard(facts, verdict) {
    const made = new Map();
    const known = facts.calls;
    const tokens = new Set(facts.requests.filter((one) => one.key && /call-next|call$/.test(one.path))
        .map((one) => sha256(one.key).subarray(0, 16).toString('hex')));
    for (const one of facts.requests.filter((each) => each.key && each.status === 200 && each.reply.ticket &&
        /call-next|call$/.test(each.path))) {
        const id = one.reply.ticket.call_id;
        verdict.expect((made.get(id) ?? one.key) === one.key, () => `two presses made the call ${id}`);
        verdict.expect(known.has(id) || facts.wipes.length > 0, () => `the call ${id} is in no ledger`);
        made.set(id, one.key);
    }
    const shown = new Map();
    for (const event of facts.board.filter((one) => one.calls)) {
        for (const call of event.calls) {
            const text = `${call.display} at ${call.counter}`;
            verdict.expect(made.has(call.id) || tokens.has(known.get(call.id)?.key),
                () => `${text} was announced as ${call.id}, which nobody called`);
            verdict.expect((shown.get(call.id) ?? text) === text,
                () => `${call.id} was announced as ${shown.get(call.id)} and as ${text}`);
            shown.set(call.id, text);
        }
    }
    const events = facts.board.filter((one) => one.calls);
    const presses = facts.requests.filter((one) => one.side === 'lan' && /^counter\d/.test(one.who) &&
        one.status === 200 && one.key);
    let acknowledged = 0;
    for (const call of presses.filter((one) => one.reply.ticket && /call-next|call$/.test(one.path))) {
        const next = presses.find((one) => one.who === call.who && one.sent > call.received);
        const [unit, , , lsn] = call.reply.ticket.call_id.split('-').map(Number);
        const ended = known.get(call.reply.ticket.call_id)?.ended ?? Infinity;
        // Behind a cut an lsn means nothing on the other side: only the caller's own events have heard of it. What
        // ended before the board looked stands on none: a visitor who left, a visit that the other side had ended.
        const looked = events.some((one) => one.t > call.received && one.t < (next?.sent ?? 0) && one.lsn >= lsn &&
            one.lsn < ended && (one.unit === undefined || one.unit === unit));
        acknowledged++;
        if (looked) { // the board heard of the queue while this call stood
            verdict.expect(shown.has(call.reply.ticket.call_id),
                () => `the call of ${call.reply.ticket.display} (${call.reply.ticket.call_id}) was on no board`);
        }
    }
    const unheard = [...known.keys()].filter((id) => !made.has(id)).length;
    return { calls: acknowledged, unheard, shown: shown.size };
}

const TWIN_MS = 60000;
const STEP_MS = 1000; // an entry is written in the step that decides it
const HOLD_LATE_MS = 60000; // a takeover, and the second in which it looks

// What staff did with visits, entry by entry of the newest ledger: who wrote an entry knew all before it.
class Visits {
    constructor(verdict) {
        Object.assign(this, { verdict, tickets: new Map(), counters: new Map(), calls: new Map(), limits: new Map(),
            issued: new Map(), facts: { calls_without_time: 0, transfers: 0, holds_ended: 0, undone: 0, services_gone_on: 0 } });
    }
    // 106 and 106B are not called within a minute of each other. A call that was made while an earlier one's clock was
    // ahead has no time of its own, only its place in the order: how long ago it was nobody can say (KNOWN_FAILURES).
    call(entry, row) {
        const timed = Math.abs(row.calledMs - entry.wallMs) <= STEP_MS;
        for (const [series, called] of this.calls.get(row.number) ?? []) {
            const apart = row.calledMs - called;
            this.verdict.expect(series === row.series || apart >= TWIN_MS || apart <= -TWIN_MS || !timed,
                () => `lsn ${entry.lsn}: ${row.number}${row.series} was called ${apart} ms after ${row.number}${series}`);
        }
        this.facts.calls_without_time += timed ? 0 : 1;
        this.calls.set(row.number, (this.calls.get(row.number) ?? new Map()).set(row.series, row.calledMs));
    }
    // A service that is behind a ticket stays there, unless its press is taken back.
    legs(entry, action, before, row) {
        const name = `lsn ${entry.lsn}: ${row.number}${row.series}`;
        const gone = before.legs.length - row.legs.length;
        this.verdict.expect(gone <= 0 || (action === ACTION.UNDO && gone === 1) || action === ACTION.JOIN,
            () => `${name} lost ${gone} of its services`);
        if (action === ACTION.TRANSFER) {
            this.facts.transfers++;
            this.verdict.expect(gone === -1 && row.legs.at(-1).category === before.category,
                () => `${name} was transferred, and the service behind it is not on record`);
        }
        if (action === ACTION.COMPLETE && before.plan.length > 0) {
            this.facts.services_gone_on++;
            this.verdict.expect(row.state === 'WAITING' && row.category === before.plan[0],
                () => `${name} had another service planned`);
        }
        this.facts.holds_ended += action === ACTION.HOLD_ENDING ? 1 : 0;
    }
    // Undo is of the counter's own newest press.
    undo(entry, row) {
        this.facts.undone++;
        const counter = this.counters.get(entry.actor & 0xffff);
        this.verdict.expect(counter?.undoTicket === row.id,
            () => `lsn ${entry.lsn}: counter ${entry.actor & 0xffff} took back what another pressed`);
    }
    // However many units gave them: a day's limit is the office's.
    issue(entry, row, config) {
        const category = config.categories.find((one) => one.id === row.category);
        const byHand = this.limits.get(row.category) ?? 0;
        const limit = byHand !== 0 ? byHand : category.limit;
        const count = this.issued.get(row.category) ?? 0;
        this.verdict.expect(limit === 0 || limit === 65535 || count < limit,
            () => `lsn ${entry.lsn}: ${row.number}${row.series} is ticket ${count + 1} of category ${row.category}, the limit is ${limit}`);
    }
    closing(entry, day) {
        for (const row of this.tickets.values()) {
            this.verdict.expect(row.state !== 'HELD' || !(row.holdUntilMs > 0) ||
                row.holdUntilMs + HOLD_LATE_MS > day.closedMs,
            () => `lsn ${entry.lsn}: ${row.number}${row.series} was held until closing, its time was over before`);
        }
    }
    take(entry, change, config) {
        for (const row of change.rows) {
            if (row.kind === ROW.TICKET) {
                this.ticket(entry, change.action, row, config);
            } else if (row.kind === ROW.CATEGORY) {
                this.limits.set(row.id, row.limit);
            } else if (row.kind === ROW.DAY && change.action === ACTION.DAY_CLOSING) {
                this.closing(entry, row);
            } else if (row.kind === ROW.DAY && change.action === ACTION.DAY_OPENING) {
                [this.tickets, this.counters, this.calls, this.limits, this.issued].forEach((map) => map.clear());
            }
        }
        change.rows.filter((one) => one.kind === ROW.COUNTER).forEach((row) => this.counters.set(row.id, row));
    }
    ticket(entry, action, row, config) {
        const before = this.tickets.get(row.id);
        if (action === ACTION.ISSUE) {
            this.issue(entry, row, config);
        }
        if (before === undefined) {
            const home = config.categories.find((one) => (row.number >= one.first && row.number <= one.last) ||
                (row.number >= one.handFirst && row.number <= one.handLast && one.handFirst > 0));
            this.issued.set(home?.id, (this.issued.get(home?.id) ?? 0) + 1);
        } else {
            this.legs(entry, action, before, row);
        }
        if (action === ACTION.UNDO) {
            this.undo(entry, row);
        }
        if (row.call === originText(entry)) {
            this.call(entry, row);
        }
        this.tickets.set(row.id, row);
    }
}

function checkVisits(facts, verdict) {
    const visits = new Visits(verdict);
    const main = facts.final[0];
    const fold = new Fold(); // for the configuration of the time
    for (const entry of main.entries) {
        let plain = null;
        try {
            plain = openPayload(entry, facts.keys);
        } catch {
            break; // promise 10 says so
        }
        if (entry.kind === KIND.CONFIG || entry.kind === KIND.SITE) {
            fold.apply(entry, plain);
        } else if (plain !== null && (entry.kind === KIND.CHANGE_VISIT || entry.kind === KIND.CHANGE_CLEAR)) {
            visits.take(entry, readChange(plain), fold.config);
        }
    }
    return visits.facts;
}

function checkOrdered(facts) {
    const verdict = new Verdict(7, '番号は来た順で、抜けた番号には記録があり、呼び出しは一度ずつ表示されました',
        'Numbers follow arrival, gaps are on record, each call was announced once');
    checkOrder(facts, verdict);
    const skipped = checkGaps(facts, verdict);
    verdict.facts = { skipped, ...checkBoard(facts, verdict), ...checkVisits(facts, verdict) };
    return verdict;
}

function checkFold(facts) {
    const verdict = new Verdict(10, '状態は記録の積み重ねと一致し、両号機で同じです',
        'The state is the sum of the entries, and the same on both units');
    for (const ledger of facts.ledgers) {
        verdict.expect(ledger.fold.unopened === 0,
            () => `${ledger.name}: ${ledger.fold.unopened} sealed entries cannot be opened`);
        verdict.expect(ledger.disk.stateLsn === ledger.entries.length,
            () => `${ledger.name}: the state is of lsn ${ledger.disk.stateLsn}`);
        const digest = ledger.fold.digest();
        verdict.expect(digest === ledger.disk.stateDigest,
            () => `${ledger.name}: folded ${digest.slice(0, 16)}, stored ${ledger.disk.stateDigest.slice(0, 16)}`);
    }
    for (const night of facts.nights) {
        const [one, two] = night.ledgers.map((ledger) => ledger.fold);
        for (const row of one.tickets.values()) {
            verdict.expect(two.tickets.get(row.id)?.state === row.state,
                () => `${row.number}${row.series}: ${row.state} and ${two.tickets.get(row.id)?.state}`);
        }
    }
    verdict.facts = { digest: facts.final[0].disk.stateDigest.slice(0, 16) };
    return verdict;
}

// Digests of the whole state, by our own fold, while every entry could be opened.
function checkCertificates(verdict, facts, night) {
    for (const ledger of facts.final) {
        const book = ledger.fold.days.find((day) => day.date === night.day);
        const mine = ledger.fold.certificates.filter((one) => one.day === night.day && one.erasedLsn === book?.erasedLsn);
        for (const unit of facts.final.map((_, i) => i + 1)) {
            verdict.expect(mine.some((one) => one.unit === unit && one.lsn > one.erasedLsn),
                () => `${ledger.name}: unit ${unit} does not certify that ${night.day} is erased`);
        }
        for (const one of mine) {
            verdict.expect(ledger.fold.unopened > 0 || (one.before === book.before && one.after === book.after),
                () => `${ledger.name}: the certificate of unit ${one.unit} for ${night.day} says other digests than the fold`);
        }
    }
}

function checkErased(facts) {
    const verdict = new Verdict(15, '前日の利用者データは翌朝の受付前に両方のディスクから消えました',
        "Yesterday's visits were gone from both disks before the next morning's first number");
    for (const night of facts.nights) {
        verdict.expect([...facts.keys.keys()].some((name) => name.startsWith(`${night.day}-`)),
            () => `no key of ${night.day} was there to be destroyed`);
        for (const ledger of facts.final) {
            const book = ledger.fold.days.find((day) => day.date === night.day);
            const next = ledger.fold.days.find((day) => day.date > night.day);
            verdict.expect(book?.erasedLsn > 0 && (!next || book.erasedLsn < next.openedLsn),
                () => `${ledger.name}: ${night.day} was not erased before the next day was opened`);
        }
        checkCertificates(verdict, facts, night);
    }
    for (const ledger of facts.final) {
        verdict.expect(ledger.wrong === null, () => `${ledger.name}: ${ledger.wrong}`);
        for (const name of ledger.disk.keys.keys()) {
            verdict.expect(!facts.nights.some((night) => name.startsWith(`${night.day}-`)),
                () => `${ledger.name}: the key ${name} is still there`);
        }
    }
    const found = searchAll(facts);
    verdict.checked += found.patterns;
    const disks = facts.images.filter((image) => !image.text).length;
    verdict.expect(found.control >= disks && disks > 0,
        () => `the search does not find what is there (${found.control} of ${disks} disks)`);
    for (const hit of found.hits) {
        verdict.expect(false, `${hit.image}: ${hit.what} at byte ${hit.at}`);
    }
    verdict.facts = { searched_bytes: found.bytes, patterns: found.patterns, hits: found.hits.length };
    return verdict;
}

// ---- raw search -------------------------------------------------------------------------------------

// Looks for many short byte strings at once: by their first two bytes, then their first four.
export class Search {
    constructor() {
        this.prefixes = new Uint8Array(65536);
        this.patterns = new Map();
        this.longest = 0;
        this.count = 0;
    }
    add(bytes, what) {
        const four = bytes.readUInt32BE(0);
        this.prefixes[four >>> 16] = 1;
        this.patterns.set(four, [...(this.patterns.get(four) ?? []), { bytes, what }]);
        this.longest = Math.max(this.longest, bytes.length);
        this.count++;
    }
    page(bytes, from, to, base, hits) {
        for (let at = from; at < to && at + 4 <= bytes.length; at++) {
            if (this.prefixes[(bytes[at] << 8) | bytes[at + 1]] === 0) {
                continue;
            }
            for (const { bytes: wanted, what } of this.patterns.get(bytes.readUInt32BE(at)) ?? []) {
                if (bytes.compare(wanted, 0, wanted.length, at, at + wanted.length) === 0) {
                    hits.push({ what, at: base + at });
                }
            }
        }
    }
    // `bytes` overlaps the chunk before by `longest`: a string across the border is seen once at least.
    chunk(bytes, base, hits) {
        const zero = Buffer.alloc(PAGE_BYTES);
        for (let page = 0; page < bytes.length; page += PAGE_BYTES) {
            const end = Math.min(bytes.length, page + PAGE_BYTES);
            if (end - page < PAGE_BYTES || bytes.compare(zero, 0, PAGE_BYTES, page, end) !== 0) {
                this.page(bytes, Math.max(0, page - this.longest), end, base, hits);
            }
        }
    }
}

function searchAll(facts) {
    const search = new Search();
    const erased = new Set(facts.nights.map((night) => night.day));
    facts.keys.forEach((key, name) => {
        if (erased.has(Number(name.split('-')[0]))) {
            search.add(key, `the key ${name}`);
        }
    });
    for (const ticket of facts.tickets.values()) {
        if (erased.has(dayNumber(ticket.service_day))) {
            search.add(Buffer.from(ticket.id, 'hex'), `the ticket id of ${ticket.display}`);
            search.add(Buffer.from(ticket.id, 'latin1'), `the ticket id of ${ticket.display}, as text`);
        }
    }
    const patterns = search.count;
    const control = 'control';
    const shared = Math.min(...facts.final.map((ledger) => ledger.entries.length));
    search.add(facts.final[0].entries[shared - 1]?.hash ?? NO_HASH, control); // the last that both hold
    const result = { patterns, bytes: 0, hits: [], control: 0 };
    for (const image of facts.images) {
        const hits = new Map();
        result.bytes += image.each((bytes, base) => {
            const some = [];
            search.chunk(bytes, base, some);
            some.forEach((hit) => hits.set(`${hit.what}@${hit.at}`, hit));
        }, search.longest);
        const all = [...hits.values()];
        result.control += all.some((hit) => hit.what === control) ? 1 : 0;
        result.hits.push(...all.filter((hit) => hit.what !== control)
            .map((hit) => ({ image: image.name, ...hit })));
    }
    return result;
}

// ---- evidence ---------------------------------------------------------------------------------------

function lines(path) {
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean).map((line) =>
        JSON.parse(line)) : [];
}

async function readImage(path) {
    const chunks = [];
    let base = 0;
    let rest = Buffer.alloc(0);
    const zero = Buffer.alloc(CHUNK_BYTES);
    for await (const piece of createReadStream(path, { highWaterMark: CHUNK_BYTES })) {
        // Holes of a sparse disk are kept as nothing; what is written, with some bytes before it.
        if (!(piece.length === CHUNK_BYTES && piece.equals(zero))) {
            chunks.push([Buffer.concat([rest, piece]), base - rest.length]);
        }
        base += piece.length;
        rest = piece.subarray(piece.length - 64);
    }
    return { chunks, size: base };
}

export function imageOf(name, chunks, size) {
    return { name, chunks, each: (take) => {
        chunks.forEach(([bytes, base]) => take(bytes, base));
        return size;
    } };
}

export async function loadEvidence(dir) {
    const packed = existsSync(dir) && !existsSync(join(dir, 'evidence.json')) ? dir : null;
    if (packed) {
        return unpack(packed);
    }
    const list = JSON.parse(readFileSync(join(dir, 'evidence.json'), 'utf8'));
    const records = list.journals.flatMap((name) => lines(join(dir, name)));
    const images = [];
    for (const name of list.images) {
        const image = await readImage(join(dir, name));
        images.push({ ...imageOf(name, image.chunks, image.size), text: name.endsWith('.txt') });
    }
    return {
        requests: records.filter((one) => one.kind === 'request').sort((a, b) => a.sent - b.sent),
        board: records.filter((one) => one.kind === 'board'),
        nights: list.nights.map((night) => ({ day: night.day,
            disks: { 1: readDisk(join(dir, night.dir, 'u1')), 2: readDisk(join(dir, night.dir, 'u2')) } })),
        final: { 1: readDisk(join(dir, list.final, 'u1')), 2: readDisk(join(dir, list.final, 'u2')) },
        wipes: list.wipes,
        images,
    };
}

// A data set of one file: each stored byte string once, and of the requests what is looked at. Of the disks
// nothing is kept but what the control of the raw search needs.
function pack(evidence) {
    const blobs = [];
    const known = new Map();
    const put = (bytes) => {
        const text = bytes.toString('base64');
        if (!known.has(text)) {
            known.set(text, blobs.push(text) - 1);
        }
        return known.get(text);
    };
    const disk = (one) => ({ ...one, stored: one.stored.map(put), tails: one.tails.map((tail) => tail.map(put)),
        keys: [...one.keys].map(([name, key]) => [name, put(key)]) });
    const pair = (disks) => ({ 1: disk(disks[1]), 2: disk(disks[2]) });
    const some = (one) => one && { id: one.id, service_day: one.service_day, category: one.category,
        number: one.number, series: one.series, display: one.display, call_id: one.call_id, ticket: some(one.ticket) };
    const requests = evidence.requests.filter((one) => one.key).map((one) => ({ ...one, reply: some(one.reply),
        body: undefined }));
    const set = { requests, board: evidence.board.filter((one) => one.calls).map((one) => ({ t: one.t, lsn: one.lsn, unit: one.unit,
        day: one.day, calls: one.calls })), wipes: evidence.wipes, images: evidence.images.map((image) => image.name),
    nights: evidence.nights.map((night) => ({ day: night.day, disks: pair(night.disks) })),
    final: pair(evidence.final) };
    return gzipSync(JSON.stringify({ blobs, ...set }), { level: 9 });
}

function unpack(path) {
    const { blobs, ...set } = JSON.parse(gunzipSync(readFileSync(path)));
    const bytes = (at) => Buffer.from(blobs[at], 'base64');
    const disk = (one) => ({ ...one, stored: one.stored.map(bytes), tails: one.tails.map((tail) => tail.map(bytes)),
        keys: new Map(one.keys.map(([name, key]) => [name, bytes(key)])) });
    const pair = (disks) => ({ 1: disk(disks[1]), 2: disk(disks[2]) });
    const final = pair(set.final);
    return { ...set, final, nights: set.nights.map((night) => ({ day: night.day, disks: pair(night.disks) })),
        images: set.images.map((name) => {
            const content = Buffer.concat(final[1].stored);
            return imageOf(name, [[content, 0]], content.length);
        }) };
}

export function judge(evidence) {
    const facts = analyse(evidence);
    const verdicts = [checkUnique, checkDurable, checkPrefix, checkOnce, checkOrdered, checkFold, checkErased]
        .map((check) => check(facts));
    return { ok: verdicts.every((verdict) => verdict.ok), facts,
        verdicts: verdicts.map((verdict) => ({ ...verdict, ok: verdict.ok })) };
}

function print(result) {
    for (const verdict of result.verdicts) {
        console.log(`${verdict.ok ? 'ok  ' : 'FAIL'} ${String(verdict.promise).padStart(2)}  ${verdict.ja}`);
        console.log(`         ${verdict.en} (${verdict.checked} checked, ${JSON.stringify(verdict.facts)})`);
        verdict.problems.slice(0, PROBLEMS_SHOWN).forEach((problem) => console.log(`         ! ${problem}`));
        if (verdict.problem_count > PROBLEMS_SHOWN) {
            console.log(`         ! … ${verdict.problem_count} in all`);
        }
    }
}

async function main(words) {
    const json = words.includes('--json');
    const [first, second, third] = words.filter((word) => word !== '--json');
    if (first === '--selftest') {
        const set = second ?? join(dirname(fileURLToPath(import.meta.url)), '../../../tests/lib/data/demo-day.json.gz');
        return selftest(await loadEvidence(set), judge) ? 0 : 1;
    }
    if (first === '--pack') {
        writeFileSync(third, pack(await loadEvidence(second)));
        return 0;
    }
    if (first === undefined || first.startsWith('--')) {
        console.error('checker.mjs DIR | --selftest [DIR] | --pack DIR FILE   [--json]');
        return 2;
    }
    const { facts, ...result } = judge(await loadEvidence(first));
    if (json) {
        console.log(JSON.stringify(result, null, 1));
    } else {
        print(result);
    }
    return result.ok ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    process.exitCode = await main(process.argv.slice(2));
}
