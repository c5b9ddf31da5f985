// The pages' parts that need no browser.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { startManagerDouble } from "./lib/manager_double.mjs";
import { STAFF_TEXTS, staffText } from "../../appliance/gateway/web/assets/kiosk_texts.js";

const WEB = new URL("../../appliance/gateway/web/assets/", import.meta.url);
const { createEventParser } = await import(new URL("live.js", WEB));
const { LANGUAGES, TEXTS, aboutText, estimateText, text } = await import(new URL("texts.js", WEB));
const { createOfficeClock, formatClock, minutesSince } = await import(new URL("time.js", WEB));
const { encodeQr, qrPath } = await import(new URL("qr.js", WEB));
const { textOf } = await import(new URL("holidays_text.js", WEB));
const { shareText } = await import(new URL("manager_targets.js", WEB));
const { WAYS } = await import(new URL("ways.js", WEB));
const { newKey, problemText } = await import(new URL("api.js", WEB));

describe("the parts of the pages", () => {
    it("are_tried_against_a_double_that_says_nothing_the_office_does_not", async () => {
        // A member that the double alone has hid that no manager's text reached a board: what is shown is in the description.
        const { components } = JSON.parse(readFileSync(new URL("../../appliance/gateway/openapi.json", import.meta.url), "utf8"));
        const office = await startManagerDouble();
        office.notice = { ja: "駐車場は満車です。", en: "" };
        const said = JSON.parse(JSON.stringify(office.queue()));
        await office.stop();
        assert.deepEqual(Object.keys(said).filter((name) => !(name in components.schemas.Queue.properties)), []);
    });

    it("have_a_word_for_staff_for_each_state_that_a_ticket_may_have", () => {
        // A ticket of somebody who is not here yet had none: staff mode of every ticket machine stood still at it.
        const { components } = JSON.parse(readFileSync(new URL("../../appliance/gateway/openapi.json", import.meta.url), "utf8"));
        for (const state of components.schemas.Ticket.properties.state.enum) {
            assert.equal(STAFF_TEXTS[`state_${state}`]?.length, 2, state);
        }
        assert.equal(staffText("state_OF_A_LATER_RELEASE", "ja"), "state_OF_A_LATER_RELEASE");
    });

    it("lead_each_role_to_the_pages_that_the_table_of_rights_opens_to_it", () => {
        const table = readFileSync(new URL("../../docs/ACCESS.md", import.meta.url), "utf8");
        const roles = ["anyone", "kiosk", "board", "printer", "counter", "noc", "operator", "supervisor", "administrator", "engineer", "auditor", "local"];
        const may = (right, role) => {
            const cells = table.match(new RegExp(`^\\| \`${right}\` \\|.*$`, "m"))[0].split("|").map((cell) => cell.trim());
            return ["○", "自窓口", "公開"].includes(cells[3 + roles.indexOf(role)]);
        };
        const rights = { "/counter": "counter-press", "/manager": "queue-manage", "/statistics": "statistics-read", "/admin": "people-read", "/status": "queue-read" };
        for (const [role, ways] of Object.entries(WAYS)) {
            const opened = Object.keys(rights).filter((page) => may(rights[page], role));
            assert.deepEqual(ways.map(([page]) => page).sort(), opened.sort(), role);
        }
    });

    it("read_a_list_of_holidays_as_the_cabinet_office_writes_it_and_name_the_line_that_nobody_can", () => {
        const bytes = readFileSync(new URL("../lib/data/syukujitsu.csv", import.meta.url));
        const text = textOf(bytes);
        assert.match(text, /^国民の祝日・休日月日,国民の祝日・休日名称\r\n1955\/1\/1,元日\r\n/);
        assert.equal(textOf(new TextEncoder().encode(text)), text);
        const torn = Buffer.from(bytes);
        torn[bytes.indexOf(10, bytes.indexOf(10) + 1) - 3] = 0xff; // within the second line
        assert.equal(textOf(torn), 2);
        assert.equal(textOf(bytes.subarray(0, bytes.length - 3)), text.split("\n").length - 1);
    });

    it("say_a_share_of_waits_and_nothing_of_none", () => {
        assert.equal(shareText({ all: 41, over: 5 }), "12%（5／41人）");
        assert.equal(shareText({ all: 0, over: 0 }), "—");
    });

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

    // Made by libqrencode 4.1.1, level M; which of the eight masks it takes is its own choice.
    it("draw_the_codes_that_another_encoder_draws", () => {
        const codes = [
            ["http://10.90.0.10/status?ticket=3f9a52c04be1d7786a0c1f2e3d4b5a69", "29d69621a8200c70a61d3d2eeb0b3b2f2903260916e1d9e1c08301f3b04f76f3"],
            ["x", "27dcc9269d483f934146702f83ad934b65153fcb4377f1a8500d4bfc949a594d"],
            ["https://www.city.setagaya.lg.jp/toshikeikaku/bangou/status?ticket=3f9a52c04be1d7786a0c1f2e3d4b5a69" + "y".repeat(30), "201eac0e70e7b9eda57184ed2453cad3a80b88164af7fe3161c1fb9b41563a5e"],
            ["z".repeat(213), "f6862dc828d614e511c1aea5f5a112d3daed5599ae635fd3e675eb5a0f04fc3a"],
        ];
        const hash = (grid) =>
            createHash("sha256").update(grid.map((row) => row.join("")).join("\n")).digest("hex");
        for (const [text, wanted] of codes) {
            const masks = [0, 1, 2, 3, 4, 5, 6, 7].filter((each) => hash(encodeQr(text, each)) === wanted);
            assert.equal(masks.length, 1, text);
        }
        assert.throws(() => encodeQr("z".repeat(214)), RangeError);
        assert.equal(qrPath("x").size, 21 + 8);
    });

    it("have_words_for_a_refusal_without_any", () => {
        const said = problemText({ status: 500, body: {} });
        assert.ok(said.ja && said.en && said.code === "500");
    });
});
