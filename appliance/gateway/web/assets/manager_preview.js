// manager_preview.js - what a change of the office's hours will mean, said to whoever is about to make it.
//
// The office computes what would follow (preview: true); here it becomes sentences, one for each of those whom it
// meets: visitors, kiosks, boards, the public page, and the next opening.

import { formatDateJa, formatShortClock } from "./time.js";

const at = (time) => formatShortClock(Date.parse(time));
const on = (time) => `${formatDateJa(Date.parse(time))} ${at(time)}`;
const hoursText = (hours) =>
    hours.open ? `${hours.opens}–${hours.closes}` : `休み（${hours.reason_ja}）`;
const hoursTextEn = (hours) => (hours.open ? `${hours.opens}–${hours.closes}` : `closed (${hours.reason_en})`);

export function titleOf(preview) {
    if (preview.what === "CLOSE") {
        return "いますぐ閉庁すると Closing now";
    }
    return preview.visitors.end === "SERVED"
        ? "受付を終えると Taking no more visitors"
        : `${preview.date} の時間を変えると Changing the hours of ${preview.date}`;
}

/** Who registered and is not here yet: nobody's visitor to be served or sent home, and not let in any more. */
function visitorsOf(preview) {
    const said = hereOf(preview);
    const expected = preview.visitors.expected ?? 0;
    if (expected === 0 || preview.visitors.end === "NONE") {
        return said;
    }
    return {
        ja: `${said.ja} 来庁前の受付 ${expected}人は、来庁しても受け付けられません。`,
        en: `${said.en} ${expected} who registered cannot arrive any more.`,
    };
}

function hereOf({ visitors, latest_end }) {
    const { total, waiting, called, serving } = visitors;
    if (visitors.end === "NOW") {
        return total === 0
            ? { ja: "いま待っている方・対応中の方はいません。", en: "Nobody is here." }
            : {
                  ja: `いまいる ${total}人（待ち ${waiting}・呼出中 ${called}・対応中 ${serving} ほか）の番号札は、すべて終了になります。`,
                  en: `The tickets of all ${total} visitors end.`,
              };
    }
    if (visitors.end === "SERVED") {
        const until = latest_end ? `（遅くとも ${at(latest_end)} まで）` : "";
        return {
            ja: `新しい番号は出ません。いまいる ${total}人は最後まで対応できます${until}。`,
            en: `No new numbers. The ${total} visitors who are here are served.`,
        };
    }
    return { ja: `いまいる ${total}人には影響しません。`, en: `The ${total} visitors who are here are not concerned.` };
}

/** A counter has one visitor at a time: who is called or served says how many counters. */
function countersOf({ visitors }) {
    const serving = visitors.called + visitors.serving;
    return {
        NOW: serving === 0
            ? { ja: "対応中の窓口はありません。", en: "None is serving." }
            : { ja: `対応中・呼出中の ${serving}窓口の対応も、ここで終わります。`, en: `What ${serving} counters are doing ends too.` },
        SERVED: { ja: `対応中・呼出中の ${serving}窓口も、待っている方も、最後まで続けられます。`, en: "They go on until nobody is left." },
        NONE: { ja: "変わりません。", en: "No change." },
    }[visitors.end];
}

function kioskOf(preview) {
    if (preview.visitors.end === "NONE") {
        return preview.today
            ? { ja: `今日は ${hoursText(preview.after)} に受け付けます。`, en: `Today ${hoursTextEn(preview.after)}.` }
            : { ja: "いまの画面は変わりません。", en: "Its screen stays as it is." };
    }
    return {
        ja: "5秒以内に「ただいまの時間は受付していません」の画面になります。",
        en: "Says that the office is closed, within 5 seconds.",
    };
}

function boardOf(preview) {
    return {
        NOW: { ja: "呼出の表示が終わり、受付終了の案内になります。", en: "Calls end; it says that the office is closed." },
        SERVED: { ja: "呼出は最後の方まで続きます。", en: "Calls go on until the last visitor." },
        NONE: { ja: "変わりません。", en: "No change." },
    }[preview.visitors.end];
}

/** [{who_ja, who_en, ja, en}] for the answer to a preview. */
export function effectsOf(preview) {
    const next = preview.next_opening;
    const is_other = next !== preview.next_opening_before;
    const effects = [
        { who_ja: "来庁者", who_en: "Visitors", ...visitorsOf(preview) },
        { who_ja: "窓口", who_en: "Counters", ...countersOf(preview) },
        { who_ja: "発券機", who_en: "Kiosks", ...kioskOf(preview) },
        { who_ja: "表示盤", who_en: "Boards", ...boardOf(preview) },
        {
            who_ja: "待ち状況のページ",
            who_en: "Public page",
            ...(preview.visitors.end === "NONE"
                ? { ja: "いまの表示は変わりません。", en: "Stays as it is." }
                : { ja: "「受付していません」になります。", en: "Says that the office takes no visitors." }),
        },
        {
            who_ja: "次の開庁",
            who_en: "Next opening",
            ja: next ? `${on(next)}${is_other ? "（変わります）" : "（変わりません）"}` : "見つかりません",
            en: is_other ? "changes" : "as before",
        },
    ];
    if (preview.what === "HOURS") {
        effects.unshift({
            who_ja: "開庁時間",
            who_en: "Hours",
            ja: `${hoursText(preview.before)} → ${hoursText(preview.after)}`,
            en: `${hoursTextEn(preview.before)} → ${hoursTextEn(preview.after)}`,
        });
    }
    return effects;
}
