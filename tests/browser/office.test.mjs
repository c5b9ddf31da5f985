// The pages against a real office (run.sh starts one), by TLS, each as what it is: the kiosk and the board are paired
// devices, the counter a paired terminal. Nothing here is a double; the link between browser and office only cuts or
// loses bytes. A whole day of such an office is day.test.mjs.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { assertAccessible, closePage, openPage as openAny, shot, startBrowser, until } from "./lib/browser.mjs";
import { layLink } from "./lib/faulty_link.mjs";
import { SKIP, SKIP_FAULT, ask, ca, cookiesOf, doToOffice, lookAt, office, read, toban } from "./lib/office.mjs";

const TOGETHER_MS = 2000;

describe("a real office", () => {
    let browser;
    let link;
    let base;
    before(async () => {
        if (SKIP) {
            return;
        }
        browser = await startBrowser({ authority: ca });
        link = await layLink(Number(new URL(office.host_url).port), "127.0.0.1", office);
        base = `https://127.0.0.1:${link.port}`;
    });
    after(async () => {
        await browser?.close();
        await link?.remove();
    });

    /** Each page as its own device; the public one as nobody. */
    const openPage = (browser_, url, options = {}) => {
        const role = url.match(/kiosk|counter/)?.[0] ?? (url.includes("status") ? null : "board");
        return openAny(browser_, url, { cookies: role ? cookiesOf(role, base) : [], ...options });
    };
    const isTaken = (page) => page.locator("#number").waitFor({ state: "visible" });

    it("two_who_press_at_one_counter_call_one_visitor_and_two_counters_call_two", { skip: SKIP_FAULT }, async () => {
        for (let ticket = 0; ticket < 4; ticket++) {
            toban("ticket", "issue", "1");
        }
        toban("counter", "1", "open");
        toban("counter", "2", "open");
        const desks = await Promise.all([1, 1, 2].map((n) => openPage(browser, `${base}/counter?n=${n}`)));
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

    it("a_double_touch_takes_one_number_also_when_answers_are_lost", { skip: SKIP }, async () => {
        const kiosk = await openPage(browser, `${base}/kiosk`, { width: 1080, height: 1920 });
        await kiosk.locator(".category").first().waitFor();
        const sum = async () =>
            (await read("queue")).categories.reduce((total, each) => total + each.waiting, 0);
        const before_count = await sum();
        await lookAt(kiosk);
        link.loseAnswers(8);
        const box = await kiosk.locator("#take").boundingBox();
        await kiosk.mouse.dblclick(box.x + box.width / 2, box.y + box.height / 2);
        await isTaken(kiosk);
        await kiosk.locator("body[data-listens=true]").waitFor();
        await kiosk.locator("#back").click();
        await kiosk.locator("#choose_title").waitFor({ state: "visible" });
        assert.equal(await sum(), before_count + 1);
        await closePage(kiosk);
    });

    it("a_press_while_the_duty_unit_crashes_gets_one_number", { skip: SKIP_FAULT }, async () => {
        const kiosk = await openPage(browser, `${base}/kiosk`, { width: 1080, height: 1920 });
        await kiosk.locator(".category").first().waitFor();
        const waiting = async () =>
            (await read("queue")).categories.reduce((total, each) => total + each.waiting, 0);
        const before_count = await waiting();
        await lookAt(kiosk);
        for (const { unit } of office.units) {
            doToOffice("fault", "crash", String(unit));
        }
        await kiosk.locator("#take").click();
        await isTaken(kiosk);
        await until(async () => (await waiting()) === before_count + 1, "one number more");
        await closePage(kiosk);
    });

    it(
        "the_board_says_since_when_it_may_be_old_and_recovers_without_a_reload",
        { skip: SKIP },
        async () => {
            const board = await openPage(browser, `${base}/board`, { width: 1920, height: 1080 });
            await until(
                async () => (await board.locator("#categories li").count()) > 0,
                "the board has a picture",
            );
            await board.evaluate(() => {
                globalThis.never_reloaded = true;
            });
            // An idle office must not look stale: heartbeats alone keep the picture fresh.
            await board.waitForTimeout(7000);
            assert.equal(await board.locator("#stale").isVisible(), false);
            link.freeze();
            await board.locator("#stale").waitFor({ state: "visible", timeout: 10000 });
            link.heal();
            await board.locator("#stale").waitFor({ state: "hidden", timeout: 10000 });
            assert.ok(await board.evaluate(() => globalThis.never_reloaded));
            await closePage(board);
        },
    );

    for (const path of ["kiosk", "counter", "counter?n=1", "board", "status", "certificate"]) {
        it(
            `${path}_is_accessible_and_obeys_its_content_security_policy`,
            { skip: SKIP },
            async () => {
                const response = await ask(path, "");
                assert.match(
                    response.headers["content-security-policy"] ?? "",
                    /default-src 'self'/,
                );
                const page = await openPage(browser, `${base}/${path}`);
                await page.waitForTimeout(1500);
                await assertAccessible(page);
                await shot(page, `office-${path.replace("?", "-")}`);
                await closePage(page);
            },
        );
    }
});
