// The pages' parts that need no browser.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

const WEB = new URL("../../appliance/gateway/web/assets/", import.meta.url);
const { createEventParser } = await import(new URL("live.js", WEB));
const { LANGUAGES, TEXTS, aboutText, estimateText, text } = await import(new URL("texts.js", WEB));
const { createOfficeClock, formatClock, minutesSince } = await import(new URL("time.js", WEB));
const { newKey, problemText } = await import(new URL("api.js", WEB));

describe("the parts of the pages", () => {
    it("read_the_same_events_wherever_the_bytes_are_cut", () => {
        const stream =
            ': hello\r\nid: 7\r\nevent: queue\r\ndata: {"a":1,\r\ndata: "b":2}\r\n\r\n: heartbeat\n\nevent: state\ndata:{"serving":true}\n\n\n\ndata: x\n\n';
        for (let cut = 0; cut <= stream.length; cut++) {
            const seen = [];
            const parse = createEventParser((event, data) => seen.push([event, data]));
            parse(stream.slice(0, cut));
            parse(stream.slice(cut));
            assert.deepEqual(
                seen,
                [
                    ["queue", '{"a":1,\n"b":2}'],
                    ["state", '{"serving":true}'],
                    ["message", "x"],
                ],
                `cut at ${cut}`,
            );
        }
    });

    it("refuse_an_event_without_end", () => {
        const parse = createEventParser(() => {});
        assert.throws(() => {
            for (let times = 0; times < 6; times++) {
                parse("x".repeat(1024 * 1024));
            }
        });
    });

    it("say_every_sentence_in_every_language_with_the_same_gaps", () => {
        const gaps = (said) => [...new Set(said.match(/\{\w+\}/g) ?? [])].sort().join();
        for (const [key, entry] of Object.entries(TEXTS)) {
            for (const { id } of LANGUAGES) {
                assert.ok(entry[id], `${key} is said in ${id}`);
                assert.equal(gaps(entry[id]), gaps(entry.ja), `${key} in ${id}`);
            }
        }
        assert.equal(text("people", "en", { n: 3 }), "3");
    });

    it("round_an_estimate_upwards_and_do_not_pretend", () => {
        assert.deepEqual(
            [null, 0, 1, 300, 301, 3600, 3601].map((seconds) => estimateText(seconds, "ja")),
            ["—", "すぐ", "約5分", "約5分", "約10分", "約60分", "60分以上"],
        );
        assert.equal(aboutText(null, "en"), "about —");
        assert.equal(aboutText(0, "en"), "no wait");
    });

    it("keep_the_office_clock_by_the_newest_sample_and_follow_a_step_back", () => {
        const clock = createOfficeClock();
        const near = (at_ms) => Math.abs(clock.now_ms() - at_ms) < 1000;
        const at_ms = Date.parse("2026-11-24T08:30:00+09:00");
        clock.sample("2026-11-24T08:30:00+09:00");
        assert.ok(near(at_ms));
        clock.sample("2026-11-24T08:29:00+09:00");
        assert.ok(near(at_ms), "a snapshot that comes late does not set the clock back");
        clock.sample("nonsense");
        assert.ok(near(at_ms));
        clock.sample("2026-11-24T07:00:00+09:00");
        assert.ok(near(Date.parse("2026-11-24T07:00:00+09:00")));
        assert.equal(formatClock(at_ms), "08:30:00");
        assert.equal(minutesSince("2026-11-24T08:00:00+09:00", at_ms), 30);
    });

    it("make_a_key_of_its_own_for_every_press", () => {
        const keys = new Set(Array.from({ length: 1000 }, newKey));
        assert.equal(keys.size, 1000);
        assert.ok([...keys].every((key) => /^[0-9a-f]{32}$/.test(key)));
    });

    it("have_words_for_a_refusal_without_any", () => {
        const said = problemText({ status: 500, body: {} });
        assert.ok(said.ja && said.en && said.code === "500");
    });
});
