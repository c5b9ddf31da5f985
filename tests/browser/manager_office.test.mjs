// What whoever leads the floor does, on a real office: what is said on the manager's page is on every other page.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { assertAccessible, closePage, openPage, shot, startBrowser, until } from "./lib/browser.mjs";
import { SKIP_FAULT, ca, cookiesOf, office, read } from "./lib/office.mjs";

describe("a real office that is led", { skip: SKIP_FAULT }, () => {
    let browser;
    const base = office?.host_url.replace(/\/$/, "");
    /** Each page as its own device or person; the phone as nobody. */
    const open = (path, role, size = {}) =>
        openPage(browser, `${base}/${path}`, { ...size, cookies: role ? cookiesOf(role, base) : [] });
    const says = (page, selector, pattern) =>
        until(async () => pattern.test(await page.locator(selector).textContent()), `${selector} says ${pattern}`);

    before(async () => {
        browser = await startBrowser({ authority: ca });
    });
    after(() => browser?.close());

    it("a_managers_text_is_on_the_board_and_on_the_phone_until_it_is_taken_away", async () => {
        const board = await open("board", "board", { width: 1920, height: 1080 });
        const phone = await open("status", null, { width: 390, height: 844 });
        const desk = await open("manager", "manager");
        const usual = (await read("site")).running_text.ja;
        await says(board, "#running_line", new RegExp(usual.slice(0, 8)));
        await desk.locator("#tab_day").click();
        await desk.locator("#notice_ja").fill("駐車場は満車です。");
        await desk.locator("#notice_en").fill("The car park is full.");
        await desk.locator("#notice_form button[type=submit]").click();
        await says(board, "#running_line", /駐車場は満車です。.*The car park is full\./);
        await says(phone, "#notice", /駐車場は満車です。/);
        await shot(board, "office-notice-board");
        await shot(phone, "office-notice-phone");
        await desk.locator("#notice_clear").click();
        await says(board, "#running_line", new RegExp(usual.slice(0, 8)));
        await phone.locator("#notice").waitFor({ state: "hidden" });
        await Promise.all([board, phone, desk].map(closePage));
    });
});
