// A real office, which is closed here and opened again: "close now" reaches every page within five seconds, two who press
// at once call two visitors, and the day's slip comes out of the printer with the head of the ledger's chain.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { closePage, openPage, shot, startBrowser, until } from "./lib/browser.mjs";
import { SKIP_FAULT, ca, cookiesOf, office, toban } from "./lib/office.mjs";

const REACHES_MS = 5000;
const TOGETHER_MS = 2000;

describe("a real office that is closed", { skip: SKIP_FAULT }, () => {
    let browser;
    const base = office?.host_url.replace(/\/$/, "");
    const queue = () => JSON.parse(toban("day", "--json"));
    /** Each page as its own device; the phone as nobody. */
    const open = (path, role, size = {}) =>
        openPage(browser, `${base}/${path}`, { ...size, cookies: role ? cookiesOf(role, base) : [] });

    before(async () => {
        browser = await startBrowser({ authority: ca });
    });
    after(async () => {
        await browser?.close();
        if (!SKIP_FAULT) {
            toban("day", "open"); // whoever comes after finds it open
        }
    });

    it("two_who_press_at_one_counter_call_one_visitor_and_two_counters_call_two", async () => {
        for (let ticket = 0; ticket < 4; ticket++) {
            toban("ticket", "issue", "1");
        }
        toban("counter", "1", "open");
        toban("counter", "2", "open");
        const desks = await Promise.all([1, 1, 2].map((n) => open(`counter?n=${n}`, "counter")));
        await Promise.all(desks.map((desk) => desk.locator("#main[data-action=call-next]:not([aria-disabled])").waitFor()));
        // Agreed by the clock: a machine that is busy would let one press after it saw the other's visitor.
        const at_ms = Date.now() + TOGETHER_MS;
        const press = (when_ms) => setTimeout(() => document.getElementById("main").click(), when_ms - Date.now());
        await Promise.all(desks.map((desk) => desk.evaluate(press, at_ms)));
        assert.ok(Date.now() < at_ms, "each has agreed before it is time");
        await Promise.all(desks.map((desk) => desk.locator(".current[data-state=CALLED]").waitFor()));
        const numbers = await Promise.all(desks.map((desk) => desk.locator("#current_number").textContent()));
        assert.equal(numbers[0], numbers[1], "one counter has one visitor");
        assert.notEqual(numbers[0], numbers[2], "another counter has another");
        const calls = JSON.parse(toban("acceptance", "show", "--json")).calls;
        assert.equal(calls.length, 2);
        for (const n of ["1", "2"]) {
            toban("counter", n, "complete");
        }
        await Promise.all(desks.map(closePage));
    });

    it("close_now_reaches_kiosk_board_phone_and_counter_within_five_seconds", async () => {
        const pages = {
            kiosk: await open("kiosk", "kiosk", { width: 1080, height: 1920 }),
            board: await open("board", "board", { width: 1920, height: 1080 }),
            phone: await open("status", null, { width: 390, height: 844 }),
            counter: await open("counter?n=1", "counter"),
        };
        const closed = {
            kiosk: /ただいまの時間は受付していません|本日の受付は終了しました/,
            board: /ただいまの時間は受付していません/,
            phone: /受付していません/,
            counter: /閉鎖中 Closed/,
        };
        const textOf = (page) => page.evaluate(() => document.body.innerText);
        for (const [name, page] of Object.entries(pages)) {
            await until(async () => (await textOf(page)).length > 20, `${name} is there`);
            assert.doesNotMatch(await textOf(page), closed[name], `${name} is open`);
        }
        // Each page notes by itself when it says so: how busy the machine of the tests is does not count.
        for (const [name, page] of Object.entries(pages)) {
            await page.evaluate((source) => {
                const wanted = new RegExp(source);
                const timer = setInterval(() => {
                    if (wanted.test(document.body.innerText)) {
                        globalThis.closed_ms = Date.now();
                        clearInterval(timer);
                    }
                }, 100);
            }, closed[name].source);
        }
        const asked_ms = Date.now();
        toban("day", "close");
        for (const [name, page] of Object.entries(pages)) {
            const said_ms = await until(() => page.evaluate(() => globalThis.closed_ms), `${name} says that it is closed`, 30000);
            assert.ok(said_ms - asked_ms < REACHES_MS, `${name}: ${said_ms - asked_ms} ms`);
        }
        for (const [name, page] of Object.entries(pages)) {
            await shot(page, `closed-${name}`);
            await closePage(page);
        }
        assert.equal(queue().state, "CLOSED");
    });

    it("the_slip_of_the_day_is_on_paper_once", async () => {
        const folder = `${office.dir}/printer1`;
        const papers = () =>
            readdirSync(folder)
                .filter((name) => name.endsWith(".jsonl") || name.endsWith(".json"))
                .map((name) => readFileSync(`${folder}/${name}`, "utf8"))
                .join("");
        await until(() => papers().includes("日計票"), "the slip is printed", 20000);
        assert.equal(papers().split("日計票 DAY SLIP").length - 1, 1);
        assert.match(toban("day", "slip"), /lsn \d+ {2}term \d+/);
    });
});
