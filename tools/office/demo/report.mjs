// The report: one self-contained page, Japanese first, English beside it. Every picture has its numbers in a
// table, so that nothing is said by colour alone.
import { writeFileSync } from 'node:fs';

const WIDTH = 1180;
const LEFT = 96;
const RIGHT = 16;
const TICK_S = 10;
const LABEL_PX = 172; // a chapter's label takes about so much

// How a unit's state is drawn: what it means for visitors, not what the protocol calls it.
const LOOKS = {
    PAIRED_DUTY: ['duty', '当番（連携）', 'on duty, PAIRED: plain numbers'],
    HANDING_OVER: ['duty', '当番（連携）', 'on duty, PAIRED: plain numbers'],
    PAIRED_SPARE: ['spare', '予備（連携）', 'spare, PAIRED'],
    ALONE: ['alone', '単独（文字番号）', 'alone: numbers with its letter'],
    MEETING_SOURCE: ['meets', '合流中（文字番号を続ける）', 'meeting; still serves by letter'],
    MINTING: ['meets', '合流中（文字番号を続ける）', 'meeting; still serves by letter'],
    MEETING_OTHER: ['learns', '合流中（受け取る側）', 'meeting; takes the ledger over'],
    WAITING: ['waits', '待機', 'waits, serves nobody'],
    TAKING: ['waits', '待機', 'waits, serves nobody'],
    STOPPED: ['waits', '待機', 'waits, serves nobody'],
    DOWN: ['down', '台帳の係が停止', 'toband does not answer'],
    OFF: ['off', '電源なし', 'without power'],
};

const STYLE = `
:root{--ink:#1b2430;--soft:#5a6675;--line:#d5dbe3;--paper:#fff;--band:#f4f6f9;--good:#0b6b3a;--bad:#a51616;
--plain:#1c5da8;--letter:#c2560a}
*{box-sizing:border-box}
body{margin:0;color:var(--ink);background:var(--paper);
font:16px/1.6 "Noto Sans CJK JP","Noto Sans JP","IPAPGothic","IPAGothic","Hiragino Sans",sans-serif}
main{max-width:1240px;margin:0 auto;padding:24px 28px 64px}
h1{font-size:27px;margin:0 0 4px;line-height:1.35}h2{font-size:20px;margin:44px 0 6px}
.en{color:var(--soft);font-size:.86em;font-weight:400}
h1 .en,h2 .en{display:block;font-size:15px}
p{margin:.4em 0;max-width:75em}
.verdict{border-left:10px solid;border-radius:6px;padding:14px 20px;margin:18px 0;background:var(--band);font-size:20px;
font-weight:700}
.verdict.good{border-color:var(--good);color:var(--good)}.verdict.bad{border-color:var(--bad);color:var(--bad)}
.verdict .en{color:inherit;display:block}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:18px 0}
.card{background:var(--band);border-radius:6px;padding:10px 14px}.card b{display:block;font-size:26px;line-height:1.2}
.card span{font-size:14px}.card .en{display:block}
.scroll{overflow-x:auto;margin:8px 0}
table{border-collapse:collapse;width:100%;font-size:15px;margin:8px 0}
th,td{text-align:left;padding:7px 10px;border-bottom:1px solid var(--line);vertical-align:top}
thead th{border-bottom:2px solid var(--ink);font-size:14px}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.ok{color:var(--good);font-weight:700;white-space:nowrap}.no{color:var(--bad);font-weight:700;white-space:nowrap}
.problems{color:var(--bad);font-family:ui-monospace,monospace;font-size:13px;margin:4px 0 0;padding-left:1.2em;
overflow-wrap:anywhere}
pre{background:#fbeeee;color:var(--bad);padding:12px;overflow:auto;font-size:13px;white-space:pre-wrap}
svg{display:block;width:100%;min-width:900px;height:auto;font-family:inherit}
svg text{fill:var(--ink)}svg .soft{fill:var(--soft)}
.duty{fill:#1c5da8}.spare{fill:#bcd3ee}.alone{fill:#e8822f}.meets{fill:url(#meets)}.learns{fill:url(#learns)}
.waits{fill:#c9ced6}.down{fill:#7d8794}.off{fill:#2b323b}
.plain{fill:var(--plain)}.letter{fill:var(--letter)}
.legend{display:flex;flex-wrap:wrap;gap:6px 22px;font-size:14px;margin:6px 0 2px;padding:0;list-style:none}
.legend svg{display:inline-block;width:22px;min-width:0;height:13px;vertical-align:-1px;margin-right:6px}
footer{margin-top:48px;color:var(--soft);font-size:14px}
@media print{.scroll{overflow:visible}svg{min-width:0}main{max-width:none}h2{break-after:avoid}}
`;

function escape(text) {
    return String(text).replace(/[&<>"]/g, (one) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[one]);
}

function both(ja, en) {
    return `${escape(ja)} <span class="en" lang="en">${escape(en)}</span>`;
}

function ms(value) {
    return value >= 9950 ? `${(value / 1000).toFixed(1)} s` : value >= 1000 ? `${(value / 1000).toFixed(2)} s`
        : `${Math.round(value)} ms`;
}

const DEFS = `<defs>
<pattern id="meets" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect width="7" height="7" fill="#f0a765"/><rect width="3" height="7" fill="#c2560a"/></pattern>
<pattern id="learns" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect width="7" height="7" fill="#e6edf6"/><rect width="3" height="7" fill="#8fa9c9"/></pattern></defs>`;

// ---- time line ----------------------------------------------------------------------------------------

function segments(state, unit, end) {
    const seen = state.seen.filter((one) => one.unit === unit);
    return seen.map((one, i) => ({ ...one, from: Math.max(one.t, state.began), to: seen[i + 1]?.t ?? end,
        look: LOOKS[one.state] ?? LOOKS.WAITING })).filter((one) => one.to > state.began);
}

function bandOf(state, unit, y, x, end) {
    const parts = [];
    let drawn = null; // neighbours of one look are one rectangle
    for (const one of segments(state, unit, end)) {
        if (drawn && drawn.look[0] === one.look[0] && drawn.series === one.series) {
            drawn.to = one.to;
        } else {
            drawn = { ...one };
            parts.push(drawn);
        }
    }
    return parts.map((one) => {
        const width = Math.max(0.6, x(one.to) - x(one.from));
        const title = `${unit}号機 ${one.look[1]} ${one.series} / ${one.look[2]}, ${ms(one.to - one.from)}`;
        const label = one.look[0] === 'alone' && one.series && width > 16
            ? `<text x="${x(one.from) + width / 2}" y="${y + 22}" font-size="14" font-weight="700" fill="#1b2430"
              text-anchor="middle">${one.series}</text>` : '';
        return `<rect class="${one.look[0]}" x="${x(one.from).toFixed(1)}" y="${y}" width="${width.toFixed(1)}"
          height="32"><title>${escape(title)}</title></rect>${label}`;
    }).join('');
}

function chapterLabels(state, x) {
    const rows = [-Infinity, -Infinity, -Infinity, -Infinity];
    return state.chapters.map((one) => {
        const at = x(one.began);
        const row = rows.findIndex((right) => at >= right);
        if (row < 0 || at + LABEL_PX / 2 > WIDTH) {
            return `<line x1="${at}" x2="${at}" y1="112" y2="268" stroke="#b9c2cd"><title>${escape(one.ja)}</title></line>`;
        }
        rows[row] = at + LABEL_PX;
        const y = 14 + row * 26;
        return `<line x1="${at}" x2="${at}" y1="${y - 10}" y2="268" stroke="#b9c2cd"/>
          <text x="${at + 4}" y="${y}" font-size="13" font-weight="700">${(one.office ?? '').slice(11, 16)} ${escape(one.ja)}</text>
          <text class="soft" x="${at + 4}" y="${y + 11}" font-size="10">${escape(one.en)}</text>`;
    }).join('');
}

function ticketLane(state, x, y) {
    return state.issued.map((one) => {
        const letter = one.issued.match(/[A-Z]/)?.[0];
        const lane = letter === undefined ? 0 : letter === 'A' ? 1 : 2;
        const at = x(one.t).toFixed(1);
        const top = y + lane * 17 + ((Number(one.issued.match(/\d+/)[0]) * 7) % 9);
        return letter === undefined ? `<circle class="plain" cx="${at}" cy="${top}" r="1.8"/>`
            : `<path class="letter" d="M${at} ${top - 2.6}l2.6 4.6h-5.2z"/>`;
    }).join('');
}

function timeLine(state) {
    const end = Math.max(state.began + 1000, ...state.seen.map((one) => one.t), ...state.chapters.map((one) =>
        one.ended ?? one.began));
    const x = (t) => LEFT + ((t - state.began) / (end - state.began)) * (WIDTH - LEFT - RIGHT);
    const ticks = [];
    for (let s = 0; s <= (end - state.began) / 1000; s += TICK_S) {
        const at = x(state.began + s * 1000);
        ticks.push(`<line x1="${at}" x2="${at}" y1="268" y2="273" stroke="#5a6675"/>
          <text class="soft" x="${at}" y="286" font-size="11" text-anchor="middle">${s}</text>`);
    }
    const marks = state.faults.map((one) => `<g><line x1="${x(one.t)}" x2="${x(one.t)}" y1="112" y2="268"
      stroke="${one.heal ? '#0b6b3a' : '#a51616'}" stroke-width="1.6" ${one.heal ? 'stroke-dasharray="4 3"' : ''}/>
      <path d="M${x(one.t)} 122l-6 -10h12z" fill="${one.heal ? '#0b6b3a' : '#a51616'}"/>
      <title>${escape(`${one.ja} / ${one.en}`)}</title></g>`).join('');
    const legend = [...new Map(Object.values(LOOKS).map((look) => [look[0], look])).values()].map((look) =>
        `<li><svg aria-hidden="true">${DEFS}<rect class="${look[0]}" width="22" height="13"/></svg>${both(look[1], look[2])}</li>`);
    return `<ul class="legend">${legend.join('')}
      <li><svg aria-hidden="true"><circle class="plain" cx="11" cy="7" r="3"/></svg>${both('文字なしの番号', 'plain number')}</li>
      <li><svg aria-hidden="true"><path class="letter" d="M11 2l5 9h-10z"/></svg>${both('文字付きの番号', 'lettered number')}</li>
      <li><svg aria-hidden="true"><path d="M11 12l-6 -10h12z" fill="#a51616"/></svg>${both('障害', 'fault')}</li>
      <li><svg aria-hidden="true"><path d="M11 12l-6 -10h12z" fill="#0b6b3a"/></svg>${both('復旧の操作', 'mended')}</li></ul>
    <div class="scroll"><svg viewBox="0 0 ${WIDTH} 296" role="img" aria-labelledby="time-title">${DEFS}
      <title id="time-title">各号機の状態、障害、番号の発行を時間順に示した図。数値は下の表にあります。 Which unit served how, the faults and the numbers given, in order of time; the tables below have the figures.</title>
      ${chapterLabels(state, x)}
      <text x="4" y="145" font-size="14" font-weight="700">1号機</text><text class="soft" x="50" y="145" font-size="11">unit 1</text>
      <text x="4" y="185" font-size="14" font-weight="700">2号機</text><text class="soft" x="50" y="185" font-size="11">unit 2</text>
      ${bandOf(state, 1, 124, x, end)}${bandOf(state, 2, 164, x, end)}
      <text x="4" y="218" font-size="12">番号 106</text><text x="4" y="235" font-size="12">1号機 106A</text>
      <text x="4" y="252" font-size="12">2号機 106B</text>
      <line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="268" y2="268" stroke="#5a6675"/>
      ${ticketLane(state, x, 212)}${marks}${ticks.join('')}
      <text class="soft" x="4" y="286" font-size="11">実時間 (s)</text></svg></div>`;
}

// ---- waits --------------------------------------------------------------------------------------------

function waitPicture(measured) {
    const rows = [{ ja: '障害のないとき', en: 'no fault near', ...measured.calm }, ...measured.faults
        .filter((one) => one.visitors > 0)];
    const low = Math.log10(2);
    const high = Math.log10(12000);
    const left = 330;
    const x = (value) => left + ((Math.log10(Math.min(12000, Math.max(2, value))) - low) / (high - low)) * (WIDTH - left - 24);
    const height = 44 * rows.length + 34;
    const grid = [2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000].map((value) =>
        `<line x1="${x(value)}" x2="${x(value)}" y1="4" y2="${height - 26}" stroke="#e3e8ee"/>
         <text class="soft" x="${x(value)}" y="${height - 8}" font-size="12" text-anchor="middle">${value >= 1000 ? `${value / 1000} s` : `${value} ms`}</text>`);
    const body = rows.map((row, i) => {
        const y = 24 + 44 * i;
        const dots = row.dots.map((dot, k) => {
            const at = x(dot.ms).toFixed(1);
            const top = y - 11 + ((k * 7919) % 23);
            return dot.letter ? `<path class="letter" opacity=".7" d="M${at} ${top - 3}l3 5.2h-6z"/>`
                : `<circle class="plain" opacity=".55" cx="${at}" cy="${top}" r="2.3"/>`;
        }).join('');
        const mark = `<path d="M${x(row.p50)} ${y - 15}v30" stroke="#1b2430" stroke-width="2.4"/>
          <path d="M${x(row.worst)} ${y - 15}v30" stroke="#1b2430" stroke-width="1.4" stroke-dasharray="3 3"/>`;
        return `<g><line x1="0" x2="${WIDTH}" y1="${y + 22}" y2="${y + 22}" stroke="#d5dbe3"/>
          <text x="4" y="${y - 1}" font-size="14" font-weight="700">${escape(row.ja)}</text>
          <text class="soft" x="4" y="${y + 15}" font-size="12">${escape(row.en)}</text>${dots}${mark}</g>`;
    }).join('');
    return `<div class="scroll"><svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="wait-title">
      <title id="wait-title">来た人が番号を受け取るまでの時間の分布（対数目盛）。 How long visitors waited for their number, log scale.</title>
      ${grid.join('')}${body}</svg></div>
      <p>${both('一点が一人。太い線は中央値、破線は最長。○は文字なし、△は文字付きの番号です。',
        'One mark is one visitor. Solid line: median; dashed: the longest. Circles are plain numbers, triangles lettered ones.')}</p>`;
}

function waitTable(measured) {
    const row = (one) => `<tr><td>${both(one.ja, one.en)}</td><td class="n">${one.visitors}</td><td class="n">${ms(one.p50)}</td>
      <td class="n">${ms(one.p95)}</td><td class="n">${ms(one.worst)}</td><td class="n">${ms(one.pause.ms)}</td>
      <td class="n">${one.retried}</td><td class="n">${one.letters}</td></tr>`;
    return `<div class="scroll"><table><thead><tr><th scope="col">${both('障害', 'fault')}</th><th class="n" scope="col">${both('人', 'visitors')}</th>
      <th class="n" scope="col">${both('中央値', 'median')}</th><th class="n" scope="col">95 %</th><th class="n" scope="col">${both('最長', 'longest')}</th>
      <th class="n" scope="col">${both('番号が出なかった時間', 'no number came out for')}</th><th class="n" scope="col">${both('自動で再送', 'sent again')}</th>
      <th class="n" scope="col">${both('文字付き', 'lettered')}</th></tr></thead><tbody>
      ${row({ ja: '障害のないとき', en: 'no fault near', ...measured.calm, pause: { ms: measured.calm.worst } })}
      ${measured.faults.filter((one) => one.visitors > 0).map(row).join('')}</tbody></table></div>`;
}

// ---- tables -------------------------------------------------------------------------------------------

function mark(ok) {
    return ok ? '<span class="ok">✓ 合格 <span lang="en">held</span></span>' : '<span class="no">✗ 不合格 <span lang="en">broken</span></span>';
}

const FACTS = { tickets: ['番号', 'numbers'], papers: ['異なる表示', 'different displays'], plain: ['文字なし', 'plain'],
    letters: ['文字付き', 'lettered'], entries: ['記録', 'entries'], terms: ['期', 'terms'], sessions: ['単独期', 'sessions'],
    tails: ['置き換えた末尾', 'replaced tails'], keys: ['鍵', 'keys'], answered_again: ['同じ鍵に再回答', 'answered again'],
    attempts_repeated: ['再送', 'repeated attempts'], two_tickets: ['二枚の鍵', 'keys with two tickets'],
    skipped: ['欠番', 'skipped'], calls: ['呼び出し', 'calls'], shown: ['表示', 'shown'], digest: ['要約', 'digest'],
    searched_bytes: ['検索したバイト', 'bytes searched'], patterns: ['探した値', 'values sought'], hits: ['発見', 'found'] };

function promiseTable(result) {
    return `<div class="scroll"><table><thead><tr><th scope="col">${both('約束', 'promise')}</th><th scope="col">${both('内容', 'what')}</th>
      <th class="n" scope="col">${both('確認数', 'checked')}</th><th scope="col">${both('数値', 'figures')}</th><th scope="col">${both('判定', 'verdict')}</th></tr></thead>
      <tbody>${result.verdicts.map((one) => `<tr><th scope="row">${one.promise}</th><td>${both(one.ja, one.en)}${one.problems.length
    ? `<ul class="problems">${one.problems.slice(0, 8).map((problem) => `<li>${escape(problem)}</li>`).join('')}${one.problem_count > 8
        ? `<li>… ${one.problem_count}</li>` : ''}</ul>` : ''}</td><td class="n">${one.checked.toLocaleString('en')}</td>
      <td>${Object.entries(one.facts).map(([name, value]) => `${both(...(FACTS[name] ?? [name, '']))} ${escape(typeof value === 'number' ? value.toLocaleString('en') : value)}`).join('<br>')}</td>
      <td>${mark(one.ok)}</td></tr>`).join('')}</tbody></table></div>`;
}

function stepTable(state) {
    const steps = state.steps.map((one) => `<tr><td>${both(one.ja, one.en)}</td><td class="n">${escape(one.told)}</td><td></td>
      <td>${mark(one.ok)}</td></tr>`);
    const waits = state.chapters.flatMap((chapter) => chapter.bounds.map((one) => `<tr><td>${(chapter.office ?? '').slice(5, 16).replace('T', ' ')}
      ${escape(chapter.ja)}: ${both(one.ja, one.en)}</td><td class="n">${ms(one.took_ms)}</td><td class="n">≤ ${ms(one.bound_ms)}</td>
      <td>${mark(true)}</td></tr>`));
    return `<div class="scroll"><table><thead><tr><th scope="col">${both('期待', 'expected')}</th><th class="n" scope="col">${both('実際', 'seen')}</th>
      <th class="n" scope="col">${both('上限', 'bound')}</th><th scope="col">${both('判定', 'verdict')}</th></tr></thead>
      <tbody>${steps.join('')}${waits.join('')}</tbody></table></div>`;
}

function cards(state) {
    const { measured, requests } = state;
    const seconds = (Math.max(state.began, ...state.chapters.map((one) => one.ended ?? one.began)) - state.began) / 1000;
    const list = [[measured.visitors, '番号を受け取った人', 'visitors with a number'], [measured.plain, '文字なしの番号', 'plain numbers'],
        [measured.letters, '文字付きの番号', 'lettered numbers'],
        [requests.filter((one) => /call-next$/.test(one.path) && one.status === 200 && one.reply.ticket).length, '呼び出し', 'calls'],
        [state.faults.filter((one) => !one.heal).length, '障害・交代', 'faults and hand-overs'], [`${Math.round(seconds)} s`, '実時間', 'real time']];
    return `<div class="cards">${list.map(([value, ja, en]) => `<div class="card"><b>${escape(value)}</b><span>${escape(ja)}</span>
      <span class="en" lang="en">${escape(en)}</span></div>`).join('')}</div>`;
}

export function writeReport(path, state) {
    const verdict = state.good
        ? '<p class="verdict good">合格。すべての約束が守られました。<span class="en" lang="en">PASSED. Every promise was kept.</span></p>'
        : '<p class="verdict bad" role="alert">不合格。守られなかった約束、または終わらなかった手順があります。<span class="en" lang="en">FAILED. A promise was broken, or a step did not end.</span></p>';
    const broken = [...(state.result?.verdicts ?? []), ...state.steps].filter((one) => !one.ok).map((one) =>
        `<li>${both(one.ja, one.en)}</li>`);
    const trouble = (broken.length > 0 ? `<ul class="problems">${broken.join('')}</ul>` : '') + (state.trouble ? `<pre>${escape(state.trouble.stack ?? state.trouble)}</pre>` : '');
    const page = `<!doctype html><html lang="ja"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>当番 — 窓口の一日 / one office day</title><style>${STYLE}</style></head><body><main>
<h1>番号発券機の一日：障害の中でも番号は一つ<span class="en" lang="en">One office day: through every fault, each number once</span></h1>
<p>${both('2026年11月24日の開庁日を縮めた時間で動かし、実際の二台のプログラムに障害を起こしました。来た人・職員・表示板はすべて HTTP の外側からつながっています。',
    'The service day of 24 November 2026 in compressed time, on two real units with real faults. Visitors, staff and the board are outside, behind HTTP.')}</p>
${verdict}${trouble}${cards(state)}
<h2>時間の流れ<span class="en" lang="en">Time line</span></h2>${timeLine(state)}
<h2>障害のとき、来た人はどれだけ待ったか<span class="en" lang="en">What visitors waited at each fault</span></h2>
${waitPicture(state.measured)}${waitTable(state.measured)}
<p>${both('スイッチの再起動では 3 秒のリンク断と 2 秒の転送停止を含みます。', 'The switch restart includes 3 s without carrier and 2 s without forwarding.')}</p>
<h2>独立した検査の判定<span class="en" lang="en">Verdict of the independent checker</span></h2>
<p>${both('検査は、利用者側が受け取った返事と、二枚のディスクにある台帳だけを、別に書いた読み取り部で読んでいます。',
    'The checker reads only what clients received and what the two disks hold, with its own reading of every format.')}</p>
${state.result ? promiseTable(state.result) : '<p class="no">検査まで進みませんでした。 The checker was not reached.</p>'}
<h2>手順と上限<span class="en" lang="en">Steps and bounds</span></h2>${stepTable(state)}
<footer><p>${both(`この計算機（${state.host}、負荷 ${state.load.map((one) => one.toFixed(1)).join(' ')}）での値です。性能の測定は make bench で行います。`,
        `Figures of this machine (${state.host}, load average as shown), while it did other things too; make bench measures performance.`)}</p></footer>
</main></body></html>`;
    writeFileSync(path, page);
}
