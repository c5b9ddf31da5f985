// The ledger as the checker reads it: its own reading of the formats that storage/entry/entry.h,
// appliance/queue/queue_rows.c and storage/adapters/ledger.h describe. Nothing here calls the product;
// a mistake that both made alike would have to be made twice.
//
// Decides: what bytes mean, whether a chain holds, what a ledger's entries add up to. Decides not:
// whether that is right (checker.mjs).
import { createDecipheriv, createCipheriv, createHash, hkdfSync } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const HASH_BYTES = 32;
export const HEADER_BYTES = 75;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ENTRY_VERSION = 1;
export const ROW_VERSION = 4;
const CHANGE_ROWS_MAX = 24;
export const NO_HASH = Buffer.alloc(HASH_BYTES);
const NO_TOKEN = '0'.repeat(32);

export const KIND = { CONFIG: 1, TERM: 2, SESSION_BEGIN: 3, SESSION_END: 4, CHANGE_CLEAR: 5,
    CHANGE_VISIT: 6, TAIL_REPLACED: 7, CHECKPOINT: 8, UNIT: 9, DEVICE: 10, ACCESS: 11, SITE: 12, ERASURE: 13, STATISTIC: 14,
    VISITS: 15, RELAY_ERASURE: 16 };
const SITE_FORM = { PART: 1, FORCE: 2, HOLIDAYS: 3 };
export const ACTION = { ISSUE: 1, CALL_NEXT: 6, CALL: 7, RECALL: 8, COMPLETE: 10, HOLD: 14, TRANSFER: 15, UNDO: 16,
    ENTER_MANUAL: 22, DAY_OPENING: 29, DAY_CLOSING: 30, DAY_ERASING: 31, DAY_ANNULLING: 32, HOLD_ENDING: 33,
    SKIP_NUMBERS: 34, RAISE_CEILING: 35, JOIN: 36 };
export const DELIVERY_HAND = 3;
const ACCESS_ROW_VERSION = 1;
const ACCESS_HEAD_BYTES = 27; // version, action, reason, role, who, about whom, right, address
const ACCESS_NAME_BYTES = { 32: 2, 33: 2, 34: 16, 35: 16 }; // account, device, session, delay: behind version, kind and gone
export const ROW = { DAY: 1, CATEGORY: 2, COUNTER: 3, TOTALS: 4, NOTICE: 6, SERVES: 7, HOURS: 8, TICKET: 16, KEY: 17 };
export const STATE = ['', 'ISSUING', 'WAITING', 'CALLED', 'SERVING', 'HELD', 'ABSENT', 'DONE', 'CANCELLED',
    'NO_SHOW', 'EXPIRED', 'VOID'];
const DAY_STATE = ['NONE', 'OPEN', 'CLOSED', 'ERASED', 'ANNULLED'];
const OUTCOME_REMOVED_BY_CLOSING = 7;

export function sha256(...parts) {
    const hash = createHash('sha256');
    for (const part of parts) {
        hash.update(part);
    }
    return hash.digest();
}

// Letters without I and O, counted like the columns of a table; the session from the second one on.
export function seriesText(unit, session) {
    const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZ';
    let text = '';
    for (let rest = unit; rest > 0; rest = Math.floor((rest - 1) / letters.length)) {
        text = letters[(rest - 1) % letters.length] + text;
    }
    return unit > 0 && session > 1 ? text + session : text;
}

class Damage extends Error {}

class Reader {
    constructor(bytes) {
        this.bytes = bytes;
        this.at = 0;
    }
    take(count) {
        if (this.at + count > this.bytes.length) {
            throw new Damage('too short');
        }
        this.at += count;
        return this.bytes.subarray(this.at - count, this.at);
    }
    u8() { return this.take(1).readUInt8(); }
    u16() { return this.take(2).readUInt16BE(); }
    u32() { return this.take(4).readUInt32BE(); }
    u64() { return Number(this.take(8).readBigUInt64BE()); }
    token() { return this.take(16).toString('hex'); }
    blob() { return this.take(this.u16()); }
    text() { return this.blob().toString('utf8'); }
    done() {
        if (this.at !== this.bytes.length) {
            throw new Damage('bytes left over');
        }
    }
}

// ---- entries --------------------------------------------------------------------------------------

export function readEntry(bytes) {
    const reader = new Reader(bytes);
    const version = reader.u16();
    const entry = { bytes, kind: reader.u16(), lsn: reader.u64(), term: reader.u64(), session: reader.u32(),
        unit: reader.u32(), wallMs: reader.u64(), actor: reader.u32(), mark: reader.u64(), day: reader.u32(),
        keyUnit: reader.u32(), sealed: reader.u8() === 1, request: reader.token() };
    entry.payload = reader.take(reader.u16());
    entry.hash = reader.take(HASH_BYTES);
    reader.done();
    if (version !== ENTRY_VERSION) {
        throw new Damage(`version ${version}`);
    }
    return entry;
}

// Walks every link. Gives the entries and the first thing that is wrong, or null.
export function walk(stored, previous = NO_HASH, firstLsn = 1) {
    const entries = [];
    let head = previous;
    for (const bytes of stored) {
        const lsn = firstLsn + entries.length;
        let entry;
        try {
            entry = readEntry(bytes);
        } catch (error) {
            return { entries, head, wrong: `lsn ${lsn}: not an entry (${error.message})` };
        }
        if (entry.lsn !== lsn) {
            return { entries, head, wrong: `lsn ${lsn}: found ${entry.lsn} in its place` };
        }
        const hash = sha256(head, bytes.subarray(0, bytes.length - HASH_BYTES));
        if (!hash.equals(entry.hash)) {
            return { entries, head, wrong: `lsn ${lsn}: the link to the entry before does not hold` };
        }
        entries.push(entry);
        head = hash;
    }
    return { entries, head, wrong: null };
}

function sealKey(dayKey, entry) {
    const info = Buffer.alloc(16);
    info.writeBigUInt64BE(BigInt(entry.term), 0);
    info.writeUInt32BE(entry.session, 8);
    info.writeUInt32BE(entry.keyUnit, 12);
    return Buffer.from(hkdfSync('sha256', dayKey, Buffer.alloc(0), info, 32));
}

// The plain payload, or null when its day's key is not in `keys` (Map "day-unit" -> 32 bytes).
export function openPayload(entry, keys, cache = new Map()) {
    if (!entry.sealed) {
        return entry.payload;
    }
    const dayKey = keys.get(`${entry.day}-${entry.keyUnit}`);
    if (!dayKey) {
        return null;
    }
    const name = `${entry.day}-${entry.keyUnit}-${entry.term}-${entry.session}`;
    if (!cache.has(name)) {
        cache.set(name, sealKey(dayKey, entry));
    }
    const sealed = entry.payload;
    const cipher = createDecipheriv('aes-256-gcm', cache.get(name), sealed.subarray(0, NONCE_BYTES));
    cipher.setAAD(entry.bytes.subarray(0, HEADER_BYTES));
    cipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const plain = cipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES));
    try {
        return Buffer.concat([plain, cipher.final()]);
    } catch {
        throw new Damage(`lsn ${entry.lsn}: the seal does not open under the day's key`);
    }
}

// For the self-test only: an entry as the product would write it.
export function makeEntry(fields, plain, dayKey, previous) {
    const header = Buffer.alloc(HEADER_BYTES);
    const payloadBytes = plain.length + (dayKey ? NONCE_BYTES + TAG_BYTES : 0);
    header.writeUInt16BE(ENTRY_VERSION, 0);
    header.writeUInt16BE(fields.kind, 2);
    header.writeBigUInt64BE(BigInt(fields.lsn), 4);
    header.writeBigUInt64BE(BigInt(fields.term), 12);
    header.writeUInt32BE(fields.session ?? 0, 20);
    header.writeUInt32BE(fields.unit, 24);
    header.writeBigInt64BE(BigInt(fields.wallMs ?? 1), 28);
    header.writeUInt32BE(fields.actor ?? 0, 36);
    header.writeBigUInt64BE(BigInt(fields.mark ?? 0), 40);
    header.writeUInt32BE(dayKey ? fields.day : 0, 48);
    header.writeUInt32BE(dayKey ? fields.keyUnit : 0, 52);
    header.writeUInt8(dayKey ? 1 : 0, 56);
    Buffer.from(fields.request ?? NO_TOKEN, 'hex').copy(header, 57);
    header.writeUInt16BE(payloadBytes, 73);
    let payload = plain;
    if (dayKey) {
        const nonce = sha256(header, 'nonce').subarray(0, NONCE_BYTES);
        const key = sealKey(dayKey, { term: fields.term, session: fields.session ?? 0, keyUnit: fields.keyUnit });
        const cipher = createCipheriv('aes-256-gcm', key, nonce);
        cipher.setAAD(header);
        payload = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    }
    const body = Buffer.concat([header, payload]);
    return Buffer.concat([body, sha256(previous, body)]);
}

// ---- rows -----------------------------------------------------------------------------------------

function readSeries(reader) {
    const unit = reader.u32();
    return seriesText(unit, reader.u32());
}

function readOrigin(reader) {
    return { unit: reader.u32(), term: reader.u64(), session: reader.u32(), lsn: reader.u64() };
}

// What an entry is named by wherever it goes: calls on boards are named by the entry that made them.
export function originText(origin) {
    return `${origin.unit}-${origin.term}-${origin.session}-${origin.lsn}`;
}

function readTicket(reader) {
    const ticket = { id: reader.token(), day: reader.u32(), category: reader.u16(), number: reader.u16() };
    ticket.seriesUnit = reader.u32();
    ticket.seriesSession = reader.u32();
    ticket.series = seriesText(ticket.seriesUnit, ticket.seriesSession);
    ticket.term = reader.u64();
    ticket.stateAt = reader.at;
    ticket.state = STATE[reader.u8()];
    ticket.outcome = reader.u8();
    ticket.delivery = reader.u8();
    reader.take(1); // priority
    ticket.language = reader.take(8).toString('utf8').replace(/\0.*$/, '');
    ticket.counter = reader.u16();
    ticket.forCounter = reader.u16();
    ticket.calls = reader.u16();
    reader.take(4 + 3); // what was said at issue; undelivered, copies, uncertain
    reader.take(2); // staff will come, doubtful
    ticket.issuedMs = reader.u64();
    reader.take(2 * 8); // enqueued, place
    ticket.calledMs = reader.u64();
    reader.take(8); // started
    ticket.endedAt = reader.at;
    ticket.endedMs = reader.u64();
    ticket.call = originText(readOrigin(reader));
    ticket.requestKey = reader.token();
    ticket.originAt = reader.at;
    ticket.origin = readOrigin(reader);
    ticket.adopted = readOrigin(reader);
    ticket.changedAt = reader.at;
    ticket.changed = reader.u64();
    ticket.holdReason = reader.u8();
    if (ticket.holdReason !== 0) {
        ticket.holdOwner = reader.u16();
        ticket.holdUntilMs = reader.u64();
    }
    if (reader.u8() === 1) { // nothing of it is there before the first call
        Object.assign(ticket, { firstCalledMs: reader.u64(), heldAtMs: reader.u64(), heldMs: reader.u32(),
            servedMs: reader.u32() });
    }
    ticket.legs = Array.from({ length: reader.u8() }, () => ({ category: reader.u16(), counter: reader.u16(),
        outcome: reader.u8(), enqueuedMs: reader.u64(), calledMs: reader.u64(), startedMs: reader.u64(),
        endedMs: reader.u64(), firstCalledMs: reader.u64(), heldMs: reader.u32(), servedMs: reader.u32() }));
    ticket.plan = Array.from({ length: reader.u8() }, () => reader.u16());
    ticket.note = reader.text();
    return ticket;
}

const readers = {
    [ROW.DAY](reader) {
        const day = { date: reader.u32(), state: DAY_STATE[reader.u8()], openings: reader.u16(),
            openedMs: reader.u64(), closedMs: reader.u64(), openedLsn: reader.u64(), erased: reader.u32(),
            annulled: reader.u32() };
        day.originAt = reader.at;
        day.origin = readOrigin(reader);
        day.suspended = reader.u8();
        reader.take(8); // since when
        return day;
    },
    [ROW.CATEGORY](reader) {
        const category = { id: reader.u16(), highest: reader.u16(), ceiling: reader.u16() };
        category.letter = readSeries(reader);
        category.letterHighest = reader.u16();
        category.suspended = reader.u8();
        category.limit = reader.u16();
        reader.take(8); // since when
        category.changed = reader.u64();
        return category;
    },
    [ROW.COUNTER](reader) {
        const counter = { id: reader.u16(), open: reader.u8() === 1, ticket: reader.token() };
        counter.undo = reader.u8();
        if (counter.undo !== 0) {
            reader.take(1 + 2 + 2 + 2 + 2 + 2 + 1 + 1);
            reader.take(2 * reader.u8()); // the plan
            reader.take(24 + 8 * 8 + 2 * 4);
            counter.undoTicket = reader.token();
        }
        counter.changed = reader.u64();
        return counter;
    },
    [ROW.TOTALS](reader) {
        return { category: reader.u16(), issued: reader.u32(), served: reader.u32(), noShow: reader.u32(),
            cancelled: reader.u32(), expired: reader.u32(), voided: reader.u32(), transferred: reader.u32(),
            doubtful: reader.u32(), waitMs: reader.u64(),
            serviceMs: reader.u64() };
    },
    [ROW.NOTICE](reader) {
        return { ja: reader.text(), en: reader.text(), changed: reader.u64() };
    },
    [ROW.SERVES](reader) {
        const serves = { counter: reader.u16() };
        serves.items = Array.from({ length: reader.u8() }, () => ({ category: reader.u16(), tier: reader.u8() }));
        serves.changed = reader.u64();
        return serves;
    },
    [ROW.HOURS](reader) {
        return { date: reader.u32(), hours: reader.u8(), openMinute: reader.u16(), closeMinute: reader.u16(),
            reason: reader.text(), reasonEn: reader.text(), changed: reader.u64() };
    },
    [ROW.TICKET]: readTicket,
    [ROW.KEY](reader) {
        const key = { key: reader.token() };
        reader.take(8);
        key.action = reader.u8();
        key.reason = reader.u8();
        key.state = STATE[reader.u8()];
        key.counter = reader.u16();
        key.calls = reader.u16();
        key.ticket = reader.token();
        key.lsn = reader.u64();
        return key;
    },
};

export function readRow(bytes) {
    const reader = new Reader(bytes);
    const version = reader.u8();
    const kind = reader.u8();
    if (version !== ROW_VERSION || !readers[kind]) {
        throw new Damage(`row version ${version} kind ${kind}`);
    }
    const row = readers[kind](reader);
    reader.done();
    row.kind = kind;
    row.bytes = bytes;
    return row;
}

export function readChange(bytes) {
    const reader = new Reader(bytes);
    const version = reader.u8();
    const action = reader.u8();
    const count = reader.u8();
    const rows = [];
    if (version !== ROW_VERSION || count > CHANGE_ROWS_MAX) {
        throw new Damage(`change version ${version} with ${count} rows`);
    }
    for (let i = 0; i < count; i++) {
        rows.push(readRow(reader.blob()));
    }
    reader.done();
    return { action, rows };
}

const CONFIG_WITH_REGISTRATION = 3;
export function readConfig(bytes) {
    const reader = new Reader(bytes);
    const version = reader.u8();
    const config = { site: reader.text(), siteEn: reader.text(), categories: [], counters: [] };
    reader.take(2 + 2 + 1); // the wall's offset from UTC, what holds for absent visitors
    config.skips = Array.from({ length: reader.u8() }, () => reader.u16());
    for (let left = reader.u8(); left > 0; left--) {
        const category = { id: reader.u16(), ja: reader.text(), en: reader.text(), first: reader.u16(),
            last: reader.u16(), handFirst: reader.u16(), handLast: reader.u16() };
        reader.take(8);
        category.limit = reader.u16();
        reader.take(2);
        reader.take(4 * reader.u8());
        config.categories.push(category);
    }
    for (let left = reader.u8(); left > 0; left--) {
        const counter = { id: reader.u16(), ja: reader.text(), en: reader.text() };
        reader.take(3 * reader.u8());
        config.counters.push(counter);
    }
    if (version === CONFIG_WITH_REGISTRATION) {
        reader.u8(); // whether one's own page may say that one is here
        for (const category of config.categories) {
            category.places = reader.u16();
        }
    }
    reader.done();
    return config;
}

export function readTerm(bytes) {
    const reader = new Reader(bytes);
    reader.u8();
    return { number: reader.u64(), duty: reader.u32() };
}

// A unit certifies that its disk no longer opens a day.
function readCertificate(bytes) {
    const reader = new Reader(bytes);
    reader.u8();
    const certificate = { day: reader.u32(), erasedLsn: reader.u64(), unit: reader.u32() };
    reader.take(16); // its hardware
    Object.assign(certificate, { wallMs: reader.u64(), keys: reader.u16(), tickets: reader.u32(),
        answers: reader.u32(), before: reader.take(HASH_BYTES).toString('hex'),
        after: reader.take(HASH_BYTES).toString('hex') });
    reader.done();
    return certificate;
}

// ---- fold -----------------------------------------------------------------------------------------

const LIVE = new Set(['ISSUING', 'WAITING', 'CALLED', 'SERVING', 'HELD', 'ABSENT']);
const TOTALS_AT = { NO_SHOW: 12, EXPIRED: 20 }; // offsets in a row of totals

// A category, counter or total of which nothing was ever written is no row; nor is what no manager ever said.
function isThere(row) {
    const named = row.kind === ROW.NOTICE ? 2 : 4;
    const empty = !row.bytes.subarray(named).some((byte) => byte !== 0);
    return !empty || ![ROW.CATEGORY, ROW.COUNTER, ROW.TOTALS, ROW.NOTICE, ROW.SERVES].includes(row.kind);
}

// Which one of its kind.
function nameIn(row) {
    switch (row.kind) {
    case ROW.DAY:
    case ROW.NOTICE:
        return 0;
    case ROW.TOTALS:
        return row.category;
    case ROW.SERVES:
        return row.counter;
    case ROW.HOURS:
        return row.date;
    case ROW.KEY:
        return row.key;
    default:
        return row.id;
    }
}

// Rows of a category or counter that the configuration does not name are not kept.
function isConfigured(row, config) {
    const names = (list, id) => config !== null && list(config).some((one) => one.id === id);
    switch (row.kind) {
    case ROW.CATEGORY:
    case ROW.TOTALS:
        return names((one) => one.categories, nameIn(row));
    case ROW.COUNTER:
    case ROW.SERVES:
        return names((one) => one.counters, nameIn(row));
    case ROW.TICKET:
        return names((one) => one.categories, row.category);
    default:
        return true;
    }
}

// A row's name in the ledger; digests cover it. Which row is meant is its identity: kind and id alone.
function rowName(row) {
    const bytes = Buffer.alloc(32);
    bytes[0] = row.kind;
    switch (row.kind) {
    case ROW.DAY:
    case ROW.NOTICE:
        return bytes.subarray(0, 1);
    case ROW.HOURS:
        bytes.writeUInt32BE(row.date, 1);
        return bytes.subarray(0, 5);
    case ROW.TICKET:
        bytes.writeUInt16BE(row.seriesUnit, 1);
        bytes.writeUInt16BE(row.seriesSession, 3);
        bytes.writeUInt16BE(row.number, 5);
        Buffer.from(row.id, 'hex').copy(bytes, 7);
        return bytes.subarray(0, 23);
    case ROW.KEY:
        bytes.writeBigUInt64BE(BigInt(row.lsn), 1);
        Buffer.from(row.key, 'hex').copy(bytes, 9);
        return bytes.subarray(0, 25);
    default:
        bytes.writeUInt16BE(nameIn(row), 1);
        return bytes.subarray(0, 3);
    }
}

// What a digest is taken over.
export function rowBytes(row) {
    return Buffer.concat([rowName(row), row.bytes]);
}

function identity(kind, id = 0) {
    return `${kind}:${id}`;
}

function identityOf(row) {
    return identity(row.kind, nameIn(row));
}

// State = fold of the entries. What a day's closing, erasing and opening mean for all other rows is
// derived here, from the same sentences of queue.h that the product was written from.
export class Fold {
    constructor() {
        this.rows = new Map();
        this.access = new Map();
        this.config = null;
        this.terms = [];
        this.sessions = [];
        this.tails = [];
        this.skips = []; // {day, category, from, to, lsn}
        this.days = []; // {date, openedLsn, closedLsn, erasedLsn, before, after}
        this.certificates = [];
        this.siteParts = new Map(); // version -> {lsn, count, seen}: the site file, as it came
        this.site = 0; // its version in force
        this.tickets = new Map(); // every ticket ever seen: also of erased days
        this.keys = new Map();
        this.unopened = 0; // sealed entries whose key is gone
        this.derived = new Map();
        this.lsn = 0;
    }
    put(row) {
        if (!isConfigured(row, this.config)) {
            return;
        }
        this.rows.set(identityOf(row), row);
        if (row.kind === ROW.TICKET) {
            const first = this.tickets.get(row.id);
            this.tickets.set(row.id, { ...row, firstLsn: first?.firstLsn ?? this.lsn,
                by: first?.by ?? this.entry });
        } else if (row.kind === ROW.KEY) {
            this.keys.set(row.key, row);
        }
    }
    all(kind) {
        return [...this.rows.values()].filter((row) => row.kind === kind);
    }
    day() {
        return this.all(ROW.DAY)[0];
    }
    change(row, patch) {
        const bytes = Buffer.from(row.bytes);
        patch(bytes);
        this.put(readRow(bytes));
    }
    // Whoever is still here is let down by us (EXPIRED); whoever never came or got no paper, NO_SHOW.
    endVisits(day) {
        const categories = this.config.categories;
        for (const ticket of this.all(ROW.TICKET).filter((one) => LIVE.has(one.state))) {
            const end = ticket.state === 'ABSENT' || ticket.state === 'ISSUING' ? 'NO_SHOW' : 'EXPIRED';
            this.change(ticket, (bytes) => {
                bytes[ticket.stateAt] = STATE.indexOf(end);
                bytes[ticket.stateAt + 1] = OUTCOME_REMOVED_BY_CLOSING;
                bytes.writeBigInt64BE(BigInt(day.closedMs), ticket.endedAt);
                day.bytes.copy(bytes, ticket.originAt, day.originAt, day.originAt + 24);
                bytes.writeBigUInt64BE(BigInt(day.origin.lsn), ticket.changedAt);
            });
            if (categories.some((one) => one.id === ticket.category)) {
                this.count(ticket.category, end);
            }
        }
    }
    count(category, end) {
        const empty = Buffer.alloc(52);
        empty[0] = ROW_VERSION;
        empty[1] = ROW.TOTALS;
        empty.writeUInt16BE(category, 2);
        const row = this.rows.get(identity(ROW.TOTALS, category)) ?? readRow(empty);
        const at = TOTALS_AT[end];
        this.change(row, (bytes) => bytes.writeUInt32BE(bytes.readUInt32BE(at) + 1, at));
    }
    closeCounters(lsn) {
        for (const counter of this.all(ROW.COUNTER).filter((one) => one.open || one.undo !== 0)) {
            const bytes = Buffer.alloc(30);
            counter.bytes.copy(bytes, 0, 0, 4);
            bytes.writeBigUInt64BE(BigInt(lsn), bytes.length - 8);
            this.put(readRow(bytes));
        }
    }
    // What managers said of the day, and what a counter serves, is of the day.
    closeManaged(lsn) {
        for (const serves of this.all(ROW.SERVES).filter((one) => one.items.length > 0)) {
            const bytes = Buffer.alloc(13);
            serves.bytes.copy(bytes, 0, 0, 4);
            bytes.writeBigUInt64BE(BigInt(lsn), 5);
            this.put(readRow(bytes));
        }
        for (const notice of this.all(ROW.NOTICE).filter((one) => one.ja !== '')) {
            const bytes = Buffer.alloc(14);
            notice.bytes.copy(bytes, 0, 0, 2);
            bytes.writeBigUInt64BE(BigInt(lsn), 6);
            this.put(readRow(bytes));
        }
    }
    // Hours of a date outlive days; a later date's opening ends them.
    forgetHours(date) {
        for (const hours of this.all(ROW.HOURS).filter((one) => one.date < date)) {
            this.rows.delete(identityOf(hours));
        }
    }
    forgetVisits() {
        for (const [name, row] of this.rows) {
            if (row.kind === ROW.TICKET || row.kind === ROW.KEY) {
                this.rows.delete(name);
            }
        }
    }
    // While a date that was annulled may still come, numbers go on; what managers said does not.
    startAfresh(lsn, goOn) {
        for (const category of this.config.categories) {
            const known = this.rows.get(identity(ROW.CATEGORY, category.id));
            const bytes = goOn && known ? Buffer.from(known.bytes) : Buffer.alloc(37);
            bytes[0] = ROW_VERSION;
            bytes[1] = ROW.CATEGORY;
            bytes.writeUInt16BE(category.id, 2);
            bytes.fill(0, 18, 21); // suspended, limit
            bytes.writeBigUInt64BE(BigInt(lsn), 29);
            this.put(readRow(bytes));
            this.rows.delete(identity(ROW.TOTALS, category.id));
        }
    }
    applyDay(action, day) {
        const before = this.day();
        const book = this.days.find((one) => one.date === day.date);
        if (action === ACTION.DAY_CLOSING) {
            this.endVisits(day);
            this.closeCounters(day.origin.lsn);
            this.closeManaged(day.origin.lsn);
            book.closedLsn = this.lsn;
        } else if (action === ACTION.DAY_ERASING) {
            this.forgetVisits();
            book.erasedLsn = this.lsn;
        } else if (action === ACTION.DAY_ANNULLING) {
            this.endVisits(day);
            this.closeCounters(day.origin.lsn);
            this.closeManaged(day.origin.lsn);
            this.forgetVisits();
            book.erasedLsn = this.lsn;
        } else if (action === ACTION.DAY_OPENING && day.date !== before?.date) {
            this.closeCounters(day.origin.lsn);
            this.closeManaged(day.origin.lsn);
            this.forgetHours(day.date);
            this.forgetVisits();
            this.startAfresh(day.origin.lsn, day.date <= day.annulled);
            this.days.push({ date: day.date, openedLsn: this.lsn });
        }
    }
    applyChange(change) {
        this.entry.action = change.action;
        const erases = change.action === ACTION.DAY_ERASING || change.action === ACTION.DAY_ANNULLING;
        const before = erases ? this.digest() : null;
        for (const row of change.rows) {
            if (row.kind === ROW.DAY) {
                this.applyDay(change.action, row);
            }
            if (row.kind === ROW.CATEGORY && change.action === ACTION.SKIP_NUMBERS) {
                const before = this.rows.get(identityOf(row));
                const first = this.config.categories.find((one) => one.id === row.id)?.first;
                this.skips.push({ day: this.day()?.date, category: row.id, lsn: this.lsn,
                    from: before?.highest ? before.highest + 1 : first, to: row.highest });
            }
            this.put(row);
        }
        if (erases) {
            Object.assign(this.days.find((one) => one.erasedLsn === this.lsn) ?? {}, { before, after: this.digest() });
        }
    }
    // What a configuration no longer names is gone with its rows.
    configure(config) {
        this.config = config;
        for (const [name, row] of this.rows) {
            if (row.kind !== ROW.TICKET && !isConfigured(row, config)) {
                this.rows.delete(name);
            }
        }
    }
    // A version of the site file takes force only when every part of it lies before.
    applySite(entry, plain) {
        const reader = new Reader(plain);
        const form = reader.u8();
        const version = reader.u32();
        if (form === SITE_FORM.PART) {
            const [index, count] = [reader.u16(), reader.u16()];
            const known = index === 0 ? { lsn: entry.lsn, count, seen: 0 } : this.siteParts.get(version);
            if (known !== undefined && known.seen === index && known.lsn + index === entry.lsn) {
                this.siteParts.set(version, { ...known, seen: index + 1 });
            }
        } else if (form === SITE_FORM.FORCE) {
            const [parts, lsn] = [reader.u16(), reader.u64()];
            const known = this.siteParts.get(version);
            if (known === undefined || known.seen !== parts || known.lsn !== lsn) {
                throw new Damage(`lsn ${entry.lsn}: version ${version} of the site file is in force without its parts`);
            }
            this.site = version;
            this.configure(readConfig(plain.subarray(1 + 4 + 2 + 8)));
        } else if (form !== SITE_FORM.HOLIDAYS) { // holidays are the calendar's: no row rests on them
            throw new Damage(`lsn ${entry.lsn}: form ${form} of the site file`);
        }
    }
    // Accounts, devices, sessions and delays: of them the digest alone is judged, so that rows are names and bytes.
    applyAccess(reader) {
        reader.take(ACCESS_HEAD_BYTES);
        for (let left = reader.u8(); left > 0; left--) {
            const bytes = reader.blob();
            const [version, kind, gone] = bytes;
            if (version !== ACCESS_ROW_VERSION || !ACCESS_NAME_BYTES[kind]) {
                throw new Damage(`access row version ${version} kind ${kind}`);
            }
            const name = Buffer.concat([Buffer.from([kind]), bytes.subarray(3, 3 + ACCESS_NAME_BYTES[kind])]);
            if (gone) {
                this.access.delete(name.toString('hex'));
            } else {
                this.access.set(name.toString('hex'), sha256(name, bytes));
            }
        }
        reader.done();
    }
    apply(entry, plain) {
        const reader = new Reader(plain);
        switch (entry.kind) {
        case KIND.CONFIG:
            this.configure(readConfig(plain));
            break;
        case KIND.SITE:
            this.applySite(entry, plain);
            break;
        case KIND.TERM:
            this.terms.push({ ...readTerm(plain), lsn: entry.lsn, unit: entry.unit });
            break;
        case KIND.SESSION_BEGIN:
            this.sessions.push({ unit: reader.u32(), day: reader.u32(), number: reader.u32(),
                lsn: entry.lsn, wallMs: entry.wallMs });
            break;
        case KIND.TAIL_REPLACED:
            this.tails.push({ unit: reader.u32(), first: reader.u64(), last: reader.u64(),
                head: reader.take(HASH_BYTES), lsn: entry.lsn });
            break;
        case KIND.CHANGE_CLEAR:
        case KIND.CHANGE_VISIT:
            this.applyChange(readChange(plain));
            break;
        case KIND.ERASURE:
            this.certificates.push({ ...readCertificate(plain), lsn: entry.lsn });
            break;
        case KIND.ACCESS:
            this.applyAccess(reader);
            break;
        case KIND.SESSION_END:
        case KIND.CHECKPOINT: // say nothing that the fold does not know
        case KIND.UNIT: // who is replaced or retired, what a printer used, what past days come to: in no row
        case KIND.DEVICE:
        case KIND.STATISTIC:
        case KIND.VISITS:
        case KIND.RELAY_ERASURE:
            break;
        default:
            throw new Damage(`lsn ${entry.lsn}: kind ${entry.kind} is none that we know`);
        }
    }
    run(entries, keys) {
        for (const entry of entries) {
            const plain = openPayload(entry, keys, this.derived);
            this.lsn = entry.lsn;
            this.entry = { lsn: entry.lsn, unit: entry.unit, session: entry.session, term: entry.term, action: 0 };
            if (plain === null) {
                this.unopened++;
            } else {
                this.apply(entry, plain);
            }
        }
        return this;
    }
    // Every row that counts.
    standing() {
        return [...this.rows.values()].filter(isThere);
    }
    // Order does not matter: four sums, modulo 2^64, of the words of each row's hash.
    digest() {
        const sums = [0n, 0n, 0n, 0n];
        const there = this.standing().map((row) => sha256(rowBytes(row)));
        for (const hash of [...there, ...this.access.values()]) {
            for (let i = 0; i < 4; i++) {
                sums[i] = BigInt.asUintN(64, sums[i] + hash.readBigUInt64BE(8 * i));
            }
        }
        return sums.map((sum) => sum.toString(16).padStart(16, '0')).join('');
    }
}

// ---- files ----------------------------------------------------------------------------------------

// mdb_dump writes "<space>hex" lines, key and value in turn, between HEADER=END and DATA=END.
function dump(dir, name) {
    const text = execFileSync('mdb_dump', ['-s', name, dir], { encoding: 'latin1', maxBuffer: 1 << 30 });
    const lines = text.split('\n').filter((line) => line.startsWith(' '));
    const pairs = [];
    for (let i = 0; i + 1 < lines.length; i += 2) {
        pairs.push([Buffer.from(lines[i].trim(), 'hex'), Buffer.from(lines[i + 1].trim(), 'hex')]);
    }
    return pairs;
}

// What one disk holds: entries by lsn, replaced tails, the state's digest, the day keys. The unit is off.
export function readDisk(dataDir) {
    const dir = join(dataDir, 'ledger');
    const meta = dump(dir, 'meta').find(([key]) => key.toString('latin1') === 'state')?.[1];
    const tails = new Map();
    for (const [key, value] of dump(dir, 'archive')) {
        const name = key.subarray(0, 8).toString('hex');
        tails.set(name, [...(tails.get(name) ?? []), value]);
    }
    return {
        stored: dump(dir, 'entries').map(([, value]) => value),
        tails: [...tails.values()],
        stateLsn: meta ? Number(meta.readBigUInt64BE(1)) : 0,
        stateDigest: meta ? meta.subarray(9, 41).toString('hex') : '',
        keys: readKeys(dataDir),
    };
}

export function readKeys(dataDir) {
    const keys = new Map();
    const dir = join(dataDir, 'keys');
    for (const name of existsSync(dir) ? readdirSync(dir) : []) {
        keys.set(name.replace(/\.key$/, ''), readFileSync(join(dir, name)));
    }
    return keys;
}
