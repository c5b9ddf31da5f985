// What visitors felt at each fault, and what the demo itself expects of the day, beside the promises.

const BEFORE_MS = 250; // a request in flight at the fault belongs to it
const WINDOW_MS = 8000;
const HANDOVER_MS = 1500;
const LIVE_MS = 10000; // promise 14

export function quantile(sorted, part) {
    return sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}

// One record per visitor: from the first touch to the number, however many attempts it took.
export function visits(requests) {
    const all = new Map();
    for (const one of requests.filter((each) => each.path === '/api/v1/tickets' && each.what !== 'again')) {
        const known = all.get(one.key) ?? { key: one.key, side: one.side, sent: one.sent, tries: 0, label: one.what };
        known.tries++;
        known.last = one.status;
        known.code = one.reply?.code;
        if (one.status === 201 && known.received === undefined) {
            known.received = one.received;
            known.display = one.reply.display;
            known.letter = one.reply.series !== '';
        }
        all.set(one.key, known);
    }
    return [...all.values()];
}

// The longest time in which somebody waited and nobody got a number.
function longestPause(served) {
    const sorted = [...served].sort((a, b) => a.received - b.received);
    let earliest = Infinity; // first touch of anybody who is served from here on
    const waiting = [];
    for (let i = sorted.length - 1; i >= 0; i--) {
        earliest = Math.min(earliest, sorted[i].sent);
        waiting[i] = earliest;
    }
    let longest = { ms: 0, at: 0 };
    for (let i = 1; i < sorted.length; i++) {
        const began = Math.max(sorted[i - 1].received, waiting[i]);
        if (sorted[i].received - began > longest.ms) {
            longest = { ms: sorted[i].received - began, at: began };
        }
    }
    return longest;
}

function describe(served) {
    const waits = served.map((one) => one.received - one.sent).sort((a, b) => a - b);
    return { visitors: served.length, p50: quantile(waits, 0.5), p95: quantile(waits, 0.95), worst: waits.at(-1) ?? 0,
        retried: served.filter((one) => one.tries > 1).length, letters: served.filter((one) => one.letter).length,
        pause: longestPause(served) };
}

export function measure(state, requests) {
    const served = visits(requests).filter((one) => one.received !== undefined);
    const during = (one, fault) => one.received > fault.t && one.sent > fault.t - BEFORE_MS - WINDOW_MS &&
        one.sent < fault.t + WINDOW_MS && one.received > fault.t - BEFORE_MS;
    const near = new Set();
    const faults = state.faults.map((fault, i) => {
        const until = Math.min(fault.t + WINDOW_MS, state.faults[i + 1]?.t ?? Infinity);
        const there = served.filter((one) => during(one, fault) && one.sent < until);
        there.forEach((one) => near.add(one.key));
        const before = served.filter((one) => one.received <= fault.t && one.received > fault.t - BEFORE_MS);
        return { ...fault, ...describe(there), pause: longestPause([...before, ...there]),
            dots: there.map((one) => ({ ms: one.received - one.sent, letter: one.letter, tries: one.tries })) };
    });
    const calm = served.filter((one) => !near.has(one.key));
    return { calm: { ...describe(calm), dots: calm.map((one) => ({ ms: one.received - one.sent, letter: one.letter,
        tries: one.tries })) }, faults, visitors: served.length,
    plain: served.filter((one) => !one.letter).length, letters: served.filter((one) => one.letter).length };
}

export function expectations(state, requests, measured) {
    const steps = [];
    const expect = (ja, en, ok, told) => steps.push({ ja, en, ok, told: String(told) });
    const all = visits(requests);
    const refused = (label) => all.find((one) => one.label === label);
    const chapter = (id) => state.chapters.find((one) => one.id === id);

    for (const label of ['early', 'late']) {
        const one = refused(label);
        if (one) {
            expect(label === 'early' ? '開庁前の人には理由を伝えて断る' : '閉庁後の人には理由を伝えて断る',
                label === 'early' ? 'before opening: refused, with the reason' : 'after closing: refused, with the reason',
                one.last === 409 && one.code === 'DAY_NOT_OPEN', `${one.last} ${one.code}`);
        }
    }
    const left = all.filter((one) => one.received === undefined && one.last !== 409);
    expect('番号を受け取れなかった人はいない', 'nobody went without a number', left.length === 0,
        `${left.length} of ${all.length}`);
    const slowest = Math.max(0, ...all.filter((one) => one.received).map((one) => one.received - one.sent));
    expect('誰も 10 秒以上は待たされない', 'nobody waited 10 s for a number', slowest <= LIVE_MS,
        `${Math.round(slowest)} ms`);
    const fault = chapter('handover')?.fault;
    if (fault) {
        const next = state.faults[state.faults.findIndex((one) => one.t === fault.t) + 1];
        const until = Math.min(fault.t + HANDOVER_MS, (next?.t ?? Infinity) - BEFORE_MS);
        const sent = requests.filter((one) => one.sent > fault.t - BEFORE_MS && one.sent < until);
        const failed = sent.filter((one) => one.status === 0 || one.status >= 500);
        expect('計画交代で失敗する要求はない', 'planned hand-over: no request fails', failed.length === 0,
            [`${failed.length} of ${sent.length}`, ...new Set(failed.map((one) => one.error ?? one.status))].join(' '));
        const letters = sent.filter((one) => one.status === 201 && one.reply.series !== '').length;
        const broke = state.seen.filter((one) => one.t > fault.t && one.t < until &&
            (one.state === 'TAKING' || one.state === 'ALONE' || one.state.startsWith('MEETING')));
        expect('計画交代では連携が切れず、文字番号も出ない', 'planned hand-over: the pair stays together, no letter',
            letters === 0 && broke.length === 0, [`${letters} letters`, ...broke.map((one) => `${one.unit}号機 ${one.state}`)].join(', '));
    }
    const restart = chapter('switch');
    if (restart?.ended) {
        expect('スイッチの再起動で当番は動かない', 'switch restart: duty does not move', !restart.facts.duty_moved,
            restart.facts.duty_moved ? 'moved' : 'unmoved');
        expect('転送再開から 2 秒以内に番号が出る', 'switch restart: a number within 2 s of forwarding',
            restart.facts.after_forwarding_ms <= 2000, `${restart.facts.after_forwarding_ms} ms`);
    }
    const least = measured.visitors >= 300 || state.short;
    expect('300 人以上が番号を受け取った', 'at least 300 visitors got a number', least, measured.visitors);
    return steps;
}
