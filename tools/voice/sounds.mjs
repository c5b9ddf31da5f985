// sounds.mjs - a reading in kana as the sounds that eSpeak NG is to make (its own names of them).
//
// eSpeak's rules for kana are not used: they say ろっぴゃく with a breath for the っ, and ダブリュー as "ja". Here っ
// is a closure, ん takes the place of what follows, and ー makes the vowel long.

const CONSONANTS = {
    "": "アイウエオ",
    k: "カキクケコ",
    g: "ガギグゲゴ",
    s: "サ_スセソ",
    z: "ザ__ゼゾ",
    t: "タ__テト",
    d: "ダ__デド",
    n: "ナニヌネノ",
    h: "ハ__ヘホ",
    b: "バビブベボ",
    p: "パピプペポ",
    m: "マミムメモ",
    "r`": "ラリルレロ",
};
const MORAE = {
    シ: ["s\\", "i"],
    ジ: ["d_z\\", "i"],
    ズ: ["z", "u"],
    チ: ["t_s\\", "i"],
    ツ: ["t_s", "u"],
    ヒ: ["C", "i"],
    フ: ["p\\", "u"],
    ヤ: ["j", "a"],
    ユ: ["j", "u"],
    ヨ: ["j", "o"],
    ワ: ["w", "a"],
    ティ: ["t", "i"],
    ディ: ["d", "i"],
    ファ: ["p\\", "a"],
    フィ: ["p\\", "i"],
    フェ: ["p\\", "e"],
    フォ: ["p\\", "o"],
    ジェ: ["d_z\\", "e"],
    シェ: ["s\\", "e"],
    チェ: ["t_s\\", "e"],
};
const SMALL = { ャ: "a", ュ: "u", ョ: "o" };
const PALATAL = ["s\\", "d_z\\", "t_s\\", "C"]; // they are so already

function table() {
    const morae = { ...MORAE };
    for (const [consonant, row] of Object.entries(CONSONANTS)) {
        [...row].forEach((kana, index) => {
            morae[kana] ??= [consonant, "aiueo"[index]];
        });
    }
    for (const [kana, [consonant, vowel]] of Object.entries({ ...morae })) {
        if (vowel === "i" && consonant && kana.length === 1) {
            for (const [small, small_vowel] of Object.entries(SMALL)) {
                const soft = PALATAL.includes(consonant) ? consonant : `${consonant}_j`;
                morae[kana + small] = [soft, small_vowel];
            }
        }
    }
    return morae;
}
const KNOWN = table();

const toKatakana = (kana) =>
    [...kana]
        .map((each) =>
            each >= "ぁ" && each <= "ゖ" ? String.fromCodePoint(each.codePointAt(0) + 0x60) : each,
        )
        .join("");

/** [{consonant, vowel, falls}], ッ and ン without a vowel, null between words. */
function moraeOf(kana) {
    const morae = [];
    const text = toKatakana(kana);
    for (let at = 0; at < text.length; at++) {
        const two = text.slice(at, at + 2);
        const one = text[at];
        if (one === "'") {
            morae.at(-1).falls = true;
        } else if (one === " ") {
            morae.push(null);
        } else if (one === "ー") {
            morae.push({ consonant: "", vowel: morae.findLast((each) => each.vowel).vowel });
        } else if (one === "ッ" || one === "ン") {
            morae.push({ consonant: one, vowel: "" });
        } else {
            const [consonant, vowel] = KNOWN[two] ?? KNOWN[one] ?? [];
            if (vowel === undefined) {
                throw new Error(`no sound for ${one} in ${kana}`);
            }
            at += KNOWN[two] ? 1 : 0;
            morae.push({ consonant, vowel });
        }
    }
    return morae;
}

function nasalBefore(consonant) {
    if (/^[pbm]/.test(consonant)) {
        return "m";
    }
    if (/^[kg]/.test(consonant)) {
        return "N";
    }
    return /^[tdnzr]/.test(consonant) ? "n" : "N\\";
}

export function espeakOfKana(kana) {
    const morae = moraeOf(kana);
    return morae
        .map((mora, index) => {
            if (mora === null) {
                return " ";
            }
            const next = morae[index + 1]?.consonant ?? "";
            if (mora.consonant === "ッ") {
                return next.startsWith("s") ? next : "?";
            }
            const consonant = mora.consonant === "ン" ? nasalBefore(next) : mora.consonant;
            return `${consonant}${mora.falls && mora.vowel ? "'" : ""}${mora.vowel}`;
        })
        .join("");
}
