// What is seen on the lobby board and the public page. The office behind them is a double.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import {
    OFFICE_HOST,
    assertAccessible,
    closePage,
    openPage,
    shot,
    startBrowser,
    until,
} from "./lib/browser.mjs";
import { layLink } from "./lib/faulty_link.mjs";
import { openGolden } from "./lib/golden.mjs";
import { startOfficeDouble } from "./lib/office_double.mjs";

const WALL = { width: 1920, height: 1080 };
const STORE = "toban-board-announced";
const SCREEN_INCHES = [43, 55, 65];
const READ_AT = 250; // a letter is read from 250 times its height: 40 mm from 10 m
const FONTS_DIFFER = 0.1; // other fonts than the manual was measured with
const READ_FROM_AFAR = {
    "新しい呼出の番号": "#newest_number",
    "新しい呼出の窓口": "#newest_counter",
    "最近の呼出の番号": "#last li strong",
    "待ち人数": "#categories li strong",
};

describe("the boards", () => {
    let browser;
    before(async () => {
        browser = await startBrowser();
    });
    const golden = openGolden("board");
    after(async () => {
        golden.save();
        await browser.close();
    });

    async function atBoard(
        story,
        { path = "/board", size = WALL, prepare = () => {}, stored = null } = {},
    ) {
        const office = await startOfficeDouble();
        const link = await layLink(office.port);
        prepare(office);
        const page = await openPage(browser, "about:blank", size);
        const heard = [];
        await page.exposeFunction("heard", (call_id) => heard.push(call_id));
        await page.addInitScript(() =>
            document.addEventListener("toban-call", (event) =>
                globalThis.heard(event.detail.call_id),
            ),
        );
        if (stored) {
            await page.addInitScript(
                ([name, value]) => localStorage.setItem(name, value),
                [STORE, JSON.stringify(stored(office))],
            );
        }
        await page.goto(`http://${OFFICE_HOST}:${link.port}${path}`);
        await page.mouse.click(1, 1); // as who switches a board on: without a touch it may not sound
        try {
            await story({ office, link, page, heard });
            await closePage(page);
        } finally {
            await page.context().close();
            await link.remove();
            await office.stop();
        }
    }

    const newest = (page) => page.locator("#newest_number");
    const showsNewest = (page, display) =>
        until(
            async () => (await newest(page).textContent()) === display,
            `the board shows ${display}`,
        );
    const callNew = (office, counter_id = 1) =>
        office.call(counter_id, office.addTicket(1)).display;

    /** A lobby in the middle of a morning: some wait, and whoever was called before is being served, or was. */
    function fillLobby(office, call_count) {
        for (let call = 0; call < call_count; call++) {
            const counter = office.counters[call % 3];
            if (counter.ticket) {
                counter.ticket.state = "DONE";
            }
            callNew(office, counter.id);
            if (call === call_count - 2) {
                counter.ticket.state = "SERVING";
            }
        }
        [3, 5, 2, 1, 4, 1].forEach((count, index) => {
            for (let ticket = 0; ticket < count; ticket++) {
                office.addTicket(1 + index);
            }
        });
    }

    it("shows_the_newest_call_large_with_its_counter_and_the_five_before", () =>
        atBoard(async ({ office, page }) => {
            fillLobby(office, 8);
            await showsNewest(page, "108");
            assert.equal(await page.locator("#newest_counter").textContent(), "2");
            assert.deepEqual(await page.locator("#last li strong").allTextContents(), [
                "107",
                "106",
                "105",
                "104",
                "103",
            ]);
            assert.match(
                await page.locator("#categories li").first().textContent(),
                /都市計画の相談/,
            );
            await assertAccessible(page);
            await shot(page, "board");
            for (const [what, selector] of Object.entries(READ_FROM_AFAR)) {
                const is_cm = heightsOf(await partOfHeight(page, selector));
                const said = [...lineInManual(what).matchAll(/([\d.]+) cm・(\d+) m/g)].map(([, cm, m]) => [Number(cm), Number(m)]);
                assert.equal(said.length, SCREEN_INCHES.length);
                said.forEach(([cm, m], index) => {
                    assert.ok(Math.abs(cm / is_cm[index] - 1) < FONTS_DIFFER, `${what}: ${cm} cm in the manual, ${is_cm[index]} cm on a screen`);
                    assert.ok(m <= (cm * READ_AT) / 100 && m > (cm * READ_AT) / 100 - 1.2, `${what}: ${cm} cm is not read from ${m} m`);
                });
            }
            const overflow = await page.evaluate(
                () => document.documentElement.scrollHeight > innerHeight,
            );
            assert.equal(overflow, false, "everything fits on the wall");
        }));

    /** How high its digits are, as part of the screen's height: by the font as it is drawn, not by its size. */
    const partOfHeight = (page, selector) =>
        page.locator(selector).first().evaluate((node) => {
            const { fontStyle, fontWeight, fontSize, fontFamily } = getComputedStyle(node);
            const context = document.createElement("canvas").getContext("2d");
            context.font = `${fontStyle} ${fontWeight} ${fontSize} ${fontFamily}`;
            const { actualBoundingBoxAscent, actualBoundingBoxDescent } = context.measureText("0");
            return (actualBoundingBoxAscent + actualBoundingBoxDescent) / innerHeight;
        });
    /** In cm, for each size of screen. */
    const heightsOf = (part) => SCREEN_INCHES.map((inches) => part * inches * 2.54 * (9 / Math.hypot(16, 9)));
    const lineInManual = (what) =>
        readFileSync(new URL("../../docs/manual/signage.md", import.meta.url), "utf8")
            .split("\n")
            .find((line) => line.startsWith(`| ${what} |`));

    /** What is larger than its place, or reaches beyond the wall. */
    const cutOff = (page) =>
        page.evaluate(() =>
            [
                document.documentElement,
                ...document.querySelectorAll(
                    ".now, .last, .newest, .newest-part, .last li, .queue-cells li, .picture strong",
                ),
            ]
                .filter((node) => {
                    const { bottom, right } = node.getBoundingClientRect();
                    return (
                        node.scrollHeight > node.clientHeight + 1 ||
                        node.scrollWidth > node.clientWidth + 1 ||
                        bottom > innerHeight + 1 ||
                        right > innerWidth + 1
                    );
                })
                .map((node) => `${node.tagName}.${node.className} ${node.textContent.trim()}`),
        );
    for (const [name, size, count] of [
        ["lying", WALL, 12],
        ["upright", { width: 1080, height: 1920 }, 12],
    ]) {
        it(`fits_on_a_wall_${name}_with_letters_and_running_text`, () =>
            atBoard(
                async ({ office, page }) => {
                    const names = ["107", "106", "106B", "1205", "1206AC", "106B2"];
                    for (const [index, display] of names.entries()) {
                        const [, number, series] = /^([0-9]+)(.*)$/.exec(display);
                        office.call(
                            1 + (index % 12),
                            office.addTicket(1, { number: Number(number), series, display }),
                        );
                    }
                    await showsNewest(page, "106B2");
                    assert.deepEqual(
                        await page.locator("#last li strong").allTextContents(),
                        names.slice(0, 5).reverse(),
                    );
                    assert.match(
                        await page.locator("#running_line").textContent(),
                        /入場整理券.*numbered tickets/,
                    );
                    assert.equal(
                        await page.locator("#newest_number .letter").textContent(),
                        "B2",
                        "a letter is in a box of its own",
                    );
                    await shot(page, `board-${name}`);
                    assert.deepEqual(await golden.look(page, `board ${name}`), []);
                    await assertAccessible(page);
                    for (const display of ["107", "1205", "1206AC", "106B2"]) {
                        const [, number, series] = /^([0-9]+)(.*)$/.exec(display);
                        office.call(
                            12,
                            office.addTicket(1, { number: Number(number), series, display }),
                        );
                        await showsNewest(page, display);
                        assert.deepEqual(await cutOff(page), [], `nothing is cut off by ${display}`);
                    }
                },
                {
                    size,
                    prepare: (office) => {
                        office.counters = Array.from({ length: 12 }, (_, index) => ({
                            ...office.counters[0],
                            id: index + 1,
                            name_ja: `${index + 1}番窓口`,
                            name_en: `Counter ${index + 1}`,
                        }));
                        office.categories = Array.from({ length: count }, (_, index) => ({
                            ...office.categories[index % 6],
                            id: index + 1,
                        }));
                        office.notice = {
                            ja: "本日午後2時から、用途地域の説明会の入場整理券を2番窓口で配ります。",
                            en: "From 14:00 today, numbered tickets for the zoning briefing are handed out at counter 2.",
                        };
                    },
                },
            ));
    }

    it("announces_each_call_once_through_repeats_reconnects_and_a_reload", () =>
        atBoard(async ({ office, link, page, heard }) => {
            await page.locator("#newest_none").waitFor();
            callNew(office);
            await until(() => heard.length === 1, "the first call is heard");
            office.changed();
            office.changed();
            link.cut();
            callNew(office, 2);
            link.heal();
            await showsNewest(page, "102");
            await until(() => heard.length === 2, "the call made during the break is heard");
            await page.reload();
            await showsNewest(page, "102");
            callNew(office, 3);
            await until(() => heard.length === 3, "a call after the reload is heard");
            // The announcer works one call at a time: give a fourth the chance to be wrong.
            office.changed();
            await showsNewest(page, "103");
            assert.deepEqual(heard, [...new Set(heard)]);
            assert.deepEqual(new Set(heard), new Set(office.calls.map(({ call_id }) => call_id)));
        }));

    it("announces_a_recall_as_a_call_of_its_own", () =>
        atBoard(async ({ office, page, heard }) => {
            await page.locator("#newest_none").waitFor();
            const ticket = office.call(1, office.addTicket(1));
            await until(() => heard.length === 1, "the call is heard");
            office.noteCall(ticket);
            office.changed();
            await until(() => heard.length === 2, "the recall is heard");
            assert.equal(await page.locator("#last li").count(), 0, "one number is one row");
        }));

    it("does_not_shout_old_calls_when_it_is_switched_on", () =>
        atBoard(
            async ({ office, page, heard }) => {
                await showsNewest(page, "101");
                callNew(office, 2);
                await showsNewest(page, "102");
                await until(() => heard.length > 0, "the new call is heard");
                assert.deepEqual(heard, [office.calls[0].call_id]);
            },
            {
                prepare: (office) => {
                    office.noteCall(
                        Object.assign(office.addTicket(1), { state: "CALLED", counter: 1 }),
                        Date.now() - 5 * 60000,
                    );
                },
            },
        ));

    const calledBefore = (ms) => ({
        prepare: (office) =>
            office.noteCall(
                Object.assign(office.addTicket(1), { state: "CALLED", counter: 1 }),
                Date.now() - ms,
            ),
        stored: (office) => ({
            day: office.day.date,
            announced: [[office.calls[0].call_id, Date.now() - ms]],
        }),
    });

    it("flashes_a_call_for_a_minute", () =>
        atBoard(async ({ page }) => {
            await showsNewest(page, "101");
            assert.notEqual(await page.locator("#newest").getAttribute("data-flash"), null);
            await until(
                async () => (await page.locator("#newest").getAttribute("data-flash")) === null,
                "it grows calm",
                20000,
            );
        }, calledBefore(52000)));

    it("keeps_an_older_call_without_flashing", () =>
        atBoard(async ({ page }) => {
            await showsNewest(page, "101");
            assert.equal(await page.locator("#newest").getAttribute("data-flash"), null);
        }, calledBefore(90000)));

    it("shows_a_steady_border_to_whom_motion_disturbs", () =>
        atBoard(
            async ({ office, page }) => {
                await page.locator("#newest_none").waitFor();
                callNew(office);
                await showsNewest(page, "101");
                const style = await page.locator("#newest[data-flash]").evaluate((node) => ({
                    animation: getComputedStyle(node).animationName,
                    border: getComputedStyle(node).borderTopColor,
                }));
                assert.equal(style.animation, "none");
                assert.notEqual(
                    style.border,
                    "rgb(255, 200, 61)",
                    "the border differs from the card",
                );
                await shot(page, "board-reduced-motion");
            },
            { size: { ...WALL, reducedMotion: "reduce" } },
        ));

    // Who says that it does not serve is believed sooner than who is only silent (5 s).
    for (const [name, limit_ms, break_it] of [
        ["falls_silent", 10000, ({ link }) => link.freeze()],
        ["resets_every_connection", 10000, ({ link }) => link.cut()],
        ["says_that_it_does_not_serve", 3500, ({ office }) => office.setServing(false, "TAKEOVER")],
    ]) {
        it(`marks_what_it_shows_as_old_when_the_office_${name}_and_recovers_alone`, () =>
            atBoard(async (stage) => {
                const { office, link, page } = stage;
                fillLobby(office, 6);
                await showsNewest(page, "106");
                await page.evaluate(() => {
                    globalThis.never_reloaded = true;
                });
                assert.equal(await page.locator("#stale").isVisible(), false);
                break_it(stage);
                await page.locator("#stale").waitFor({ state: "visible", timeout: limit_ms });
                assert.match(
                    await page.locator("#stale").textContent(),
                    /情報が古い可能性があります（\d\d:\d\d:\d\d から）.*out of date since \d\d:\d\d:\d\d/,
                );
                assert.equal(await newest(page).textContent(), "106", "the number stays");
                await assertAccessible(page);
                await shot(page, `board-stale-${name}`);
                link.heal();
                office.setServing(true);
                await showsNewest(page, callNew(office, 2));
                await page.locator("#stale").waitFor({ state: "hidden" });
                assert.ok(await page.evaluate(() => globalThis.never_reloaded), "without a reload");
            }));
    }

    it("does_not_warn_of_a_break_shorter_than_a_takeover", () =>
        atBoard(async ({ office, link, page }) => {
            await page.locator("#newest_none").waitFor();
            await page.evaluate(() => {
                globalThis.warned = 0;
                const stale = document.getElementById("stale");
                new MutationObserver(() => {
                    globalThis.warned += stale.hidden ? 0 : 1;
                }).observe(stale, { attributes: true });
            });
            link.cut();
            setTimeout(link.heal, 600);
            await until(() => office.streams.size === 1 && !link.is_cut, "it is connected again");
            callNew(office);
            await showsNewest(page, "101");
            assert.equal(await page.evaluate(() => globalThis.warned), 0);
        }));

    it("waits_for_an_office_that_is_not_there_yet_once_it_is_loaded", () =>
        atBoard(async ({ link, office, page }) => {
            await page.locator("#newest_none").waitFor();
            link.cut();
            await page.evaluate(() => {
                globalThis.never_reloaded = true;
            });
            callNew(office);
            // Longer than every reconnect delay.
            await page.locator("#stale").waitFor({ state: "visible", timeout: 10000 });
            link.heal();
            await showsNewest(page, "101");
            assert.ok(await page.evaluate(() => globalThis.never_reloaded));
        }));
});
