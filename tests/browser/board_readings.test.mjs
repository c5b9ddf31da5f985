// How a call is said, and which calls a board still has to say. No browser: the modules of the page alone.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { describe, it } from "node:test";

const WEB = new URL("../../appliance/gateway/web/", import.meta.url);
const TOOLS = new URL("../../tools/voice/", import.meta.url);
const { NUMBER_MAX, announcement, announcementText, counterEn, numberJa } = await import(
    new URL("assets/readings.js", WEB)
);
const { PENDING_MAX, createCallBook } = await import(new URL("assets/calls.js", WEB));
const { espeakOfKana } = await import(new URL("sounds.mjs", TOOLS));
const manifest = JSON.parse(readFileSync(new URL("voice/manifest.json", WEB), "utf8"));
const clips = new Map(manifest.clips.map((clip) => [clip.id, clip]));
const said = (ids) => ids.map((id) => clips.get(id).text).join("");
const idsOf = (plan) => plan.filter(({ id }) => id).map(({ id }) => id);

/** The oracle: digits and units side by side, then what speech does to them. Shares nothing with readings.js. */
function readJapanese(number) {
    const digits = ["", "いち", "に", "さん", "よん", "ご", "ろく", "なな", "はち", "きゅう"];
    const units = ["", "じゅう", "ひゃく", "せん"];
    return [...String(number)]
        .map((digit, index, all) => {
            const unit = units[all.length - 1 - index];
            return digit === "0" ? "" : (digits[Number(digit)] + unit).replace(/^いち(?=.)/, "");
        })
        .map((part) => part.replace("さんひ", "さんび").replace("さんせ", "さんぜ"))
        .map((part) => part.replace(/(ろ|は)[くち]ひ/, "$1っぴ").replace("はちせ", "はっせ"))
        .join("");
}

describe("the readings", () => {
    it("say_every_number_as_people_do", () => {
        for (let number = 1; number <= NUMBER_MAX; number++) {
            assert.equal(said(numberJa(number)), readJapanese(number), String(number));
        }
    });

    // By hand: what machines get wrong.
    it("say_the_hard_ones_right", () => {
        for (const [number, reading] of [
            [4, "よん"],
            [7, "なな"],
            [9, "きゅう"],
            [10, "じゅう"],
            [14, "じゅうよん"],
            [44, "よんじゅうよん"],
            [77, "ななじゅうなな"],
            [99, "きゅうじゅうきゅう"],
            [100, "ひゃく"],
            [106, "ひゃくろく"],
            [111, "ひゃくじゅういち"],
            [300, "さんびゃく"],
            [309, "さんびゃくきゅう"],
            [333, "さんびゃくさんじゅうさん"],
            [400, "よんひゃく"],
            [600, "ろっぴゃく"],
            [614, "ろっぴゃくじゅうよん"],
            [700, "ななひゃく"],
            [800, "はっぴゃく"],
            [801, "はっぴゃくいち"],
            [900, "きゅうひゃく"],
            [1000, "せん"],
            [1600, "せんろっぴゃく"],
            [3000, "さんぜん"],
            [3333, "さんぜんさんびゃくさんじゅうさん"],
            [4004, "よんせんよん"],
            [6000, "ろくせん"],
            [8000, "はっせん"],
            [8888, "はっせんはっぴゃくはちじゅうはち"],
            [9009, "きゅうせんきゅう"],
            [9999, "きゅうせんきゅうひゃくきゅうじゅうきゅう"],
        ]) {
            assert.equal(said(numberJa(number)), reading, String(number));
            assert.equal(readJapanese(number), reading, `the oracle: ${number}`);
        }
    });

    it("say_a_call_in_japanese_then_in_english", () => {
        assert.deepEqual(idsOf(announcement({ number: 106, series: "", counter: 3 })), [
            "chime",
            "ja.n.100",
            "ja.n.6",
            "ja.ticket",
            "ja.n.3",
            "ja.counter",
            "en.number",
            "en.n.1",
            "en.n.0",
            "en.n.6",
            "en.go",
            "en.n.3",
        ]);
        assert.equal(
            said(idsOf(announcement({ number: 614, series: "", counter: 12 })).slice(1, 8)),
            "ろっぴゃくじゅうよん番の番号札をお持ちの方、じゅうに番窓口へ、お越しください。",
        );
    });

    it("name_a_letter_before_its_number", () => {
        const plain = idsOf(announcement({ number: 106, series: "", counter: 3 }));
        const lettered = idsOf(announcement({ number: 106, series: "B", counter: 3 }));
        assert.deepEqual(lettered, [
            "chime",
            "ja.of.B",
            ...plain.slice(1, 6),
            "en.letter.B",
            ...plain.slice(6),
        ]);
        assert.equal(said([lettered[1]]), "ビーの");
        const spoken = (series) =>
            said(idsOf(announcement({ number: 1, series, counter: 1 })).slice(1, -7)) +
            said(idsOf(announcement({ number: 1, series, counter: 1 })).slice(-7));
        assert.match(spoken("B2"), /^ビーツーのいち番の番号札.*letter Btwonumberone/);
        assert.match(spoken("AC"), /^エーシーのいち番の番号札/);
        assert.match(spoken("AC12"), /^エーシーじゅうにのいち番の番号札/);
    });

    it("say_counters_as_english_numbers", () => {
        assert.deepEqual(counterEn(3), ["en.n.3"]);
        assert.deepEqual(counterEn(12), ["en.n.12"]);
        assert.deepEqual(counterEn(20), ["en.n.20"]);
        assert.deepEqual(counterEn(21), ["en.n.20", "en.n.1"]);
        assert.deepEqual(counterEn(105), ["en.n.1", "en.n.0", "en.n.5"]);
    });

    it("never_ask_the_built_in_pack_for_a_clip_that_it_has_not", () => {
        const letters = [..."ABCDEFGHJKLMNPQRSTUVWXYZ"]; // base/ids.h: without I and O
        const lacking = new Set();
        const need = (call) =>
            idsOf(announcement(call))
                .filter((id) => id !== "chime" && !clips.has(id))
                .forEach((id) => lacking.add(id));
        for (let number = 1; number <= NUMBER_MAX; number++) {
            need({ number, series: "", counter: 1 + (number % 120) });
        }
        for (const letter of letters) {
            for (const session of ["", 2, 9, 10, 99]) {
                need({ number: 1, series: `${letter}${session}`, counter: 1 });
                need({ number: 1, series: `A${letter}${session}`, counter: 1 });
            }
        }
        assert.deepEqual([...lacking], []);
    });

    it("refuse_what_nobody_gives", () => {
        for (const call of [
            { number: 0, series: "", counter: 1 },
            { number: 10000, series: "", counter: 1 },
            { number: 1.5, series: "", counter: 1 },
            { number: "12", series: "", counter: 1 },
            { number: 12, series: "2", counter: 1 },
            { number: 12, series: "b", counter: 1 },
            { number: 12, series: "", counter: 0 },
        ]) {
            assert.equal(announcement(call), null, JSON.stringify(call));
        }
    });

    it("put_the_same_into_words", () => {
        assert.deepEqual(announcementText({ number: 106, series: "B2", counter: 3 }), {
            ja: "B2の106番の番号札をお持ちの方、3番窓口へお越しください。",
            en: "Letter B2, number 1 0 6, please go to counter 3.",
        });
    });
});

describe("the built-in pack", () => {
    const list = readFileSync(new URL("clips.tsv", TOOLS), "utf8")
        .split("\n")
        .filter((line) => line && !line.startsWith("#"))
        .map((line) => line.split("\t"));

    it("is_what_its_list_says_with_its_licence_and_no_larger_than_six_mib", () => {
        assert.deepEqual(
            manifest.clips.map(({ id, text }) => [id, text]),
            list.map(([id, text]) => [id, text]),
            "make it anew: tools/voice/make-pack",
        );
        const folder = new URL("voice/", WEB);
        const named = [
            "manifest.json",
            manifest.licence_file,
            ...manifest.clips.map(({ file }) => file),
        ];
        assert.deepEqual(readdirSync(folder).sort(), named.sort());
        let bytes = 0;
        for (const { file, sha256 } of manifest.clips) {
            const content = readFileSync(new URL(file, folder));
            assert.equal(createHash("sha256").update(content).digest("hex"), sha256, file);
            bytes += statSync(new URL(file, folder)).size;
        }
        assert.ok(bytes <= 6 * 1024 * 1024, `${bytes} bytes`);
    });

    it("says_the_numbers_that_its_texts_name", () => {
        const long = (kana) =>
            kana
                .replaceAll("'", "")
                .replace(/([うくすつぬふむゆるゅきょ])ー/g, "$1う");
        for (const [id, text, say] of list.filter(([id]) => id.startsWith("ja.n."))) {
            assert.equal(long(say), text, id);
        }
    });

    it("spells_sounds_that_change_as_they_are_said", () => {
        for (const [kana, sounds] of [
            ["さんびゃく", "samb_jaku"],
            ["ろっぴゃく", "r`o?p_jaku"],
            ["はっせん", "hasseN\\"],
            ["よんじゅー", "jond_z\\uu"],
            ["ばんごー", "baNgoo"],
            ["ダブリュー", "dabur`_juu"],
            ["ち'ず ひろし", "t_s\\'izu Cir`os\\i"],
        ]) {
            assert.equal(espeakOfKana(kana), sounds, kana);
        }
        assert.throws(() => espeakOfKana("漢字"));
    });
});

describe("the calls of a board", () => {
    const T0 = Date.parse("2026-11-24T09:00:00+09:00");
    const call = (call_id, more = {}) => ({
        call_id,
        number: 101,
        series: "",
        display: "101",
        counter: 1,
        state: "CALLED",
        called_at: new Date(T0).toISOString(),
        ...more,
    });
    const snapshot = (calls, date = "2026-11-24") => ({ service_day: { date }, calls });
    const drain = (book, now_ms = T0) => {
        const ids = [];
        for (let each = book.next(now_ms); each; each = book.next(now_ms)) {
            ids.push(each.call_id);
        }
        return ids;
    };

    it("are_announced_oldest_first_and_once_however_often_they_are_told", () => {
        const book = createCallBook();
        book.take(snapshot([call("b"), call("a")]), T0);
        book.take(snapshot([call("c"), call("b"), call("a")]), T0);
        assert.deepEqual(drain(book), ["a", "b", "c"]);
        book.take(snapshot([call("c"), call("b"), call("a")]), T0);
        assert.deepEqual(drain(book), []);
    });

    it("are_remembered_by_a_page_that_is_loaded_anew_and_those_that_waited_are_not_lost", () => {
        const book = createCallBook();
        book.take(snapshot([call("b"), call("a")]), T0);
        assert.equal(book.next(T0).call_id, "a");
        const again = createCallBook(JSON.parse(JSON.stringify(book.toStore())));
        again.take(snapshot([call("b"), call("a")]), T0 + 1000);
        assert.deepEqual(drain(again), ["b"]);
    });

    it("are_announced_also_when_the_visitor_has_come_meanwhile_or_was_called_absent", () => {
        const book = createCallBook();
        book.take(snapshot([call("b"), call("a")]), T0);
        book.take(snapshot([call("b", { state: "ABSENT" }), call("a", { state: "SERVING" })]), T0);
        assert.deepEqual(drain(book), ["a", "b"]);
    });

    it("are_not_announced_when_they_were_taken_back_before_their_turn", () => {
        const book = createCallBook();
        book.take(snapshot([call("c"), call("b"), call("a")]), T0);
        book.take(
            snapshot([call("c", { state: "HELD" }), call("b", { state: "WAITING" }), call("a")]),
            T0,
        );
        assert.deepEqual(drain(book), ["a"]);
    });

    it("are_announced_to_a_visitor_who_still_waits_after_a_long_break_and_not_when_over", () => {
        const book = createCallBook();
        book.take(snapshot([]), T0);
        book.take(
            snapshot([call("c"), call("b", { state: "DONE" }), call("a", { state: "CALLED" })]),
            T0 + 5 * 60000,
        );
        assert.deepEqual(drain(book), ["a", "c"]);
    });

    it("are_not_shouted_by_a_board_that_has_just_been_switched_on", () => {
        const book = createCallBook();
        book.take(snapshot([call("a")]), T0 + 61000);
        assert.deepEqual(drain(book), []);
        const yesterdays = createCallBook({ day: "2026-11-23", announced: [["x", 1]] });
        yesterdays.take(snapshot([call("a")]), T0 + 61000);
        assert.deepEqual(drain(yesterdays), []);
    });

    it("are_forgotten_with_their_day", () => {
        const book = createCallBook();
        book.take(snapshot([call("a")]), T0);
        drain(book);
        book.take(snapshot([call("b")], "2026-11-25"), T0);
        assert.deepEqual(drain(book), ["b"]);
        assert.deepEqual(book.toStore(), { day: "2026-11-25", announced: [["b", T0]] });
    });

    it("flash_until_a_minute_after_their_announcement_began", () => {
        const book = createCallBook();
        const [a, b] = [call("a"), call("b")];
        book.take(snapshot([b, a]), T0);
        book.next(T0);
        assert.ok(book.isFlashing(a, T0 + 59000));
        assert.ok(!book.isFlashing(a, T0 + 60000));
        assert.ok(book.isFlashing(b, T0 + 70000), "it waits for its announcement");
        assert.ok(!book.isFlashing({ ...b, state: "SERVING" }, T0 + 1000));
    });

    it("are_bounded_and_the_oldest_go_first", () => {
        const book = createCallBook();
        for (let n = 0; n < PENDING_MAX + 3; n++) {
            book.take(snapshot([call(`c${n}`)]), T0);
        }
        assert.equal(book.pendingCount(), PENDING_MAX);
        assert.equal(book.droppedCount(), 3);
        assert.equal(drain(book)[0], "c3");
    });
});
