// readings.js - a call as the clips that say it, in order. Pure: no sound, no page, no clock.
//
// Japanese numbers are said by place, because the sound changes lie between a place and its digit
// (三百 さんびゃく, 六百 ろっぴゃく, 八百 はっぴゃく, 三千 さんぜん, 八千 はっせん): one clip for each digit of
// each place, joined. 番 changes nothing before it. English says a ticket digit by digit and a counter as
// a number. A series is said before the number, so that 106 and 106B differ from the first syllable on.
// Ids are those of a pack's manifest (docs/VOICE.md).

export const NUMBER_MAX = 9999;
const PLACES = [1000, 100, 10, 1];
const SESSION_WORD_MAX = 9;
const COUNTER_WORDS_MAX = 99;

/** Between what is said of whom and what is said of where, and between the languages. */
const PAUSE_MS = { after_chime: 250, after_series: 160, after_number: 60, between_languages: 450 };

const isSayable = (number) => Number.isInteger(number) && number >= 1 && number <= NUMBER_MAX;

/** 1..9999 by place: 309 is ja.n.300, ja.n.9. */
export function numberJa(number) {
    if (!isSayable(number)) {
        return null;
    }
    return PLACES.map((place) => (Math.floor(number / place) % 10) * place)
        .filter((value) => value > 0)
        .map((value) => `ja.n.${value}`);
}

const digitsEn = (number) => [...String(number)].map((digit) => `en.n.${digit}`);

/** A counter: up to 99 as a number, above by its digits. */
export function counterEn(number) {
    if (!isSayable(number)) {
        return null;
    }
    if (number > COUNTER_WORDS_MAX) {
        return digitsEn(number);
    }
    if (number < 20) {
        return [`en.n.${number}`];
    }
    const ten = number - (number % 10);
    return number === ten ? [`en.n.${ten}`] : [`en.n.${ten}`, `en.n.${number - ten}`];
}

/** "B", "AB", "B2" as letters and a session; null when it is none, plain when empty. */
export function readSeries(series) {
    const found = /^([A-Z]{0,3})([1-9][0-9]{0,3})?$/.exec(series ?? "");
    if (!found || (found[2] && !found[1])) {
        return null;
    }
    return { letters: [...found[1]], session: Number(found[2] ?? 0) };
}

/** "ビーの": the last letter of a plain series carries の, so that it is said in one breath. */
function seriesJa({ letters, session }) {
    if (letters.length === 0) {
        return [];
    }
    if (session === 0) {
        return [
            ...letters.slice(0, -1).map((letter) => `ja.letter.${letter}`),
            `ja.of.${letters.at(-1)}`,
        ];
    }
    const spoken = session <= SESSION_WORD_MAX ? [`ja.session.${session}`] : numberJa(session);
    return [...letters.map((letter) => `ja.letter.${letter}`), ...spoken, "ja.of"];
}

function seriesEn({ letters, session }) {
    const spoken = letters.map((letter) => `en.letter.${letter}`);
    return session === 0 ? spoken : [...spoken, ...digitsEn(session)];
}

const ids = (list) => list.map((id) => ({ id }));
const pause = (pause_ms) => ({ pause_ms });

function sayJa({ number, counter }, series) {
    const name = seriesJa(series);
    return [
        ...ids(name),
        ...(name.length > 0 ? [pause(PAUSE_MS.after_series)] : []),
        ...ids([...numberJa(number), "ja.ticket"]),
        pause(PAUSE_MS.after_number),
        ...ids([...numberJa(counter), "ja.counter"]),
    ];
}

function sayEn({ number, counter }, series) {
    const name = seriesEn(series);
    return [
        ...ids(name),
        ...(name.length > 0 ? [pause(PAUSE_MS.after_series)] : []),
        ...ids(["en.number", ...digitsEn(number)]),
        pause(PAUSE_MS.after_number),
        ...ids(["en.go", ...counterEn(counter)]),
    ];
}

/**
 * What is played for a call {number, series, counter}: [{id}|{pause_ms}], the chime first, Japanese, then
 * English. null: it cannot be said (nobody gives such a number).
 */
export function announcement(call) {
    const series = readSeries(call.series);
    if (!series || !isSayable(call.number) || !isSayable(call.counter)) {
        return null;
    }
    return [
        { id: CHIME },
        pause(PAUSE_MS.after_chime),
        ...sayJa(call, series),
        pause(PAUSE_MS.between_languages),
        ...sayEn(call, series),
    ];
}

/** Not a clip of the pack: chime.js makes it. */
export const CHIME = "chime";

/** The same in words: for a browser's own voice, and for who reads the screen by ear. */
export function announcementText(call) {
    const { letters, session } = readSeries(call.series) ?? { letters: [], session: 0 };
    const name = letters.join("") + (session > 0 ? session : "");
    return {
        ja: `${name && `${name}の`}${call.number}番の番号札をお持ちの方、${call.counter}番窓口へお越しください。`,
        en: `${name && `Letter ${name}, `}number ${[...String(call.number)].join(" ")}, please go to counter ${call.counter}.`,
    };
}
