// sounds.mjs - the sounds of a kana reading, and those that Open JTalk says it made, written alike.

const ROWS = {
    "": "アイウエオ",
    k: "カキクケコ",
    g: "ガギグゲゴ",
    s: "サシスセソ",
    z: "ザジズゼゾ",
    t: "タチツテト",
    d: "ダヂヅデド",
    n: "ナニヌネノ",
    h: "ハヒフヘホ",
    b: "バビブベボ",
    p: "パピプペポ",
    m: "マミムメモ",
    r: "ラリルレロ",
};
const OTHERS = {
    シ: "sh i",
    ジ: "j i",
    ヂ: "j i",
    チ: "ch i",
    ツ: "ts u",
    ヅ: "z u",
    フ: "f u",
    ヤ: "y a",
    ユ: "y u",
    ヨ: "y o",
    ワ: "w a",
    ヲ: "o",
    ン: "N",
    ッ: "cl",
};
const PAIRS = {
    ティ: "t i",
    ディ: "d i",
    ファ: "f a",
    フィ: "f i",
    フェ: "f e",
    フォ: "f o",
    ジェ: "j e",
    シェ: "sh e",
    チェ: "ch e",
    ヴァ: "v a",
};
const SMALL = { ャ: "a", ュ: "u", ョ: "o" };

function table() {
    const sounds = {};
    for (const [consonant, row] of Object.entries(ROWS)) {
        [...row].forEach((kana, index) => {
            sounds[kana] = `${consonant && `${consonant} `}${"aiueo"[index]}`;
        });
    }
    Object.assign(sounds, OTHERS);
    for (const [kana, sound] of Object.entries({ ...sounds })) {
        const [consonant, vowel] = sound.split(" ");
        if (vowel === "i") {
            const palatal = ["sh", "j", "ch"].includes(consonant) ? consonant : `${consonant}y`;
            for (const [small, small_vowel] of Object.entries(SMALL)) {
                sounds[kana + small] = `${palatal} ${small_vowel}`;
            }
        }
    }
    return Object.assign(sounds, PAIRS);
}
const SOUNDS = table();

/** え followed by い, お by う: said long. Pauses and voiceless vowels are no other sound. */
const alike = (list) =>
    list
        .map((sound) => (/^[AIUEO]$/.test(sound) ? sound.toLowerCase() : sound))
        .filter((sound) => !["sil", "pau", ""].includes(sound))
        .join(" ")
        .replace(/\be (?=i\b)i/g, "e e")
        .replace(/\bo u\b/g, "o o");

export function soundsOfKana(kana) {
    const katakana = [...kana].map((each) =>
        each >= "ぁ" && each <= "ゖ" ? String.fromCodePoint(each.codePointAt(0) + 0x60) : each,
    );
    const list = [];
    for (let at = 0; at < katakana.length; at++) {
        const pair = katakana[at] + (katakana[at + 1] ?? "");
        if (katakana[at] === "ー") {
            list.push(list.at(-1));
        } else if (SOUNDS[pair]) {
            list.push(...SOUNDS[pair].split(" "));
            at++;
        } else if (SOUNDS[katakana[at]]) {
            list.push(...SOUNDS[katakana[at]].split(" "));
        } else if (!"、。・ 　".includes(katakana[at])) {
            throw new Error(`no kana: ${katakana[at]} in ${kana}`);
        }
    }
    return alike(list);
}

/** Of the file that open_jtalk -ot writes. */
export function soundsOfTrace(trace) {
    return alike(
        [...trace.split("[Output label]")[1].matchAll(/^\d+ \d+ [^\s]*?-([A-Za-z]+)\+/gm)].map(
            ([, sound]) => sound,
        ),
    );
}
